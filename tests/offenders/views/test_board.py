"""The cohort board as its readers meet it."""

from datetime import date, timedelta

import pytest

from iom import clock, walls
from offenders import board as board_pages
from offenders.actions import assign, record_custody, start_leaving
from offenders.models import Alias, InGroup, SavedView, Search
from offenders.views import board as board_views
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def board(sign_in, police):
    client = sign_in(police)

    def get(query="", **options):
        return client.get(f"/cases/{query}", **options)

    get.client = client
    return get


def text(response):
    return " ".join(response.content.decode().split())


def person(merton, family_name, colour="RED", **fields):
    return factories.case(merton, colour=colour, who=factories.offender(merton, family_name=family_name, **fields))


@pytest.mark.feature(123)
@pytest.mark.feature(124)
def test_board_lists_the_cohort_red_first_with_counts(merton, board):
    green = person(merton, "Alder", "GREEN")
    red = person(merton, "Zander", "RED")
    inside = person(merton, "Birch", "BLUE")

    page = text(board())

    assert page.index("ZANDER Sam") < page.index("ALDER Sam") < page.index("BIRCH Sam")
    assert "3 cases" in page
    for words in ("Red <strong>1", "Amber <strong>0", "Green <strong>1", "In custody <strong>1"):
        assert words in page
    assert all(f"/cases/{case.reference}/" in page for case in (green, red, inside))


def test_board_of_a_new_scheme_says_what_will_come(merton, board):
    assert "No one is on the cohort yet. Accepted referrals appear here." in text(board())


def test_board_hides_restricted_closed_and_foreign_cases(merton, board, as_coordinator):
    from offenders.actions import close

    person(merton, "Shown")
    factories.case(merton, restricted=True, who=factories.offender(merton, family_name="Hidden"))
    close(person(merton, "Gone"), on=date(2026, 3, 1), reason="Moved", by=as_coordinator)
    person(factories.scheme("london"), "Elsewhere")

    page = text(board())

    assert "SHOWN" in page
    assert not any(name in page for name in ("HIDDEN", "GONE", "ELSEWHERE"))


def test_board_marks_who_is_leaving(merton, board, as_coordinator):
    start_leaving(person(merton, "Alder"), on=date(2026, 3, 1), reason="Green", by=as_coordinator)

    assert "Leaving</strong>" in text(board())


def test_title_and_addresses_name_nobody(merton, board):
    person(merton, "Alder")

    page = text(board())

    assert "Alder" not in page.split("</title>")[0]
    assert "alder" not in page.lower().replace("alder sam", "")


# --- Filters ---


@pytest.fixture
def cohort(merton, housing, police, as_coordinator):
    """Four people, each different in what one filters by."""
    today = clock.today()
    red = person(merton, "Redd", "RED")
    amber = person(merton, "Ambrose", "AMBER")
    green = factories.case(
        merton,
        colour="GREEN",
        since=today - timedelta(days=200),
        who=factories.offender(merton, family_name="Greenish"),
    )
    blue = factories.case(merton, colour="BLUE", who=factories.offender(merton, family_name="Blues"))
    record_custody(
        blue,
        kind="sentence",
        prison="HMP Example",
        starts_on=date(2026, 2, 1),
        release_expected_on=today + timedelta(days=20),
        by=as_coordinator,
    )
    day = date(2026, 2, 1)
    assign(red, "lead_agency", agency=housing.agency, on=day, by=as_coordinator)
    assign(amber, "lead_professional", agency=police.agency, membership=police, on=day, by=as_coordinator)
    return {"REDD": red, "AMBROSE": amber, "GREENISH": green, "BLUES": blue}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("?rating=RED", {"REDD"}, id="one rating"),
        pytest.param("?rating=RED&rating=AMBER", {"REDD", "AMBROSE"}, id="two ratings"),
        pytest.param("?agency={housing}", {"REDD"}, id="lead agency"),
        pytest.param("?lead={police}", {"AMBROSE"}, id="lead professional"),
        pytest.param("?lead=none", {"REDD", "GREENISH", "BLUES"}, id="nobody leads"),
        pytest.param("?custody=in", {"BLUES"}, id="in custody"),
        pytest.param("?release=28", {"BLUES"}, id="release near"),
        pytest.param("?custody=out", {"REDD", "AMBROSE", "GREENISH"}, id="in the community"),
        pytest.param("?green=6", {"GREENISH"}, id="green for six months"),
        pytest.param("?rating=RED&custody=in", set(), id="nobody"),
    ],
)
def test_board_filters(board, cohort, housing, police, query, names):
    page = text(board(query.format(housing=housing.agency.slug, police=police.pk)))

    assert {name for name in cohort if f"{name} Sam" in page} == names
    assert "Remove" in page


def test_filter_that_makes_no_sense_is_said_and_left_out(board, cohort):
    page = text(board("?rating=PINK&custody=in"))

    assert "There is a problem" in page
    assert "BLUES Sam" in page
    assert "REDD Sam" not in page


def test_no_match_says_to_remove_a_filter(board, cohort):
    assert "No cases match. Remove a filter" in text(board("?rating=RED&custody=in"))


@pytest.mark.parametrize(
    ("sort", "first"),
    [("name", "AMBROSE"), ("-name", "REDD"), ("rating", "REDD"), ("-rating", "BLUES"), ("since", "GREENISH")],
)
def test_board_sorts(board, cohort, sort, first):
    page = text(board(f"?sort={sort}"))

    places = {name: page.index(f"{name} Sam") for name in cohort}
    assert min(places, key=places.get) == first


def test_unknown_sort_and_page_fall_back(board, cohort):
    assert "REDD Sam" in text(board("?sort=shoe-size&page=99"))


# --- Search ---


def search(board, words, query=""):
    return board.client.post(f"/cases/{query}", {"words": words})


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("ambr", True, id="part of the name"),
        pytest.param("Sam Ambrose", True, id="both names in any order"),
        pytest.param("SAMMO", True, id="alias"),
        pytest.param("José", True, id="accents as typed"),
        pytest.param("jose", True, id="accents left out"),
        pytest.param("95/123456A", True, id="PNC number"),
        pytest.param("1995/0123456a", True, id="PNC number written otherwise"),
        pytest.param("a1234bc", True, id="prison number"),
        pytest.param("Ambrous", True, id="a slip"),
        pytest.param("ambroz", True, id="as it sounds"),
        pytest.param("Sham Ambrowse", True, id="two slips"),
        pytest.param("Ambrose Zed", False, id="each word must fit"),
        pytest.param("%", False, id="no wildcards"),
    ],
)
def test_search_finds_by_name_alias_and_number(merton, board, cohort, words, found):
    who = cohort["AMBROSE"].offender
    who.pnc_number, who.prison_number = "95/123456A", "A1234BC"
    who.save()
    Alias.objects.create(scheme=merton, offender=who, name="Sammo José")

    answer = search(board, words)
    page = text(board.client.get(answer.url))

    assert ("AMBROSE Sam" in page) is found
    assert "REDD Sam" not in page


def test_search_words_do_not_stand_in_the_address(board, cohort):
    answer = search(board, "Ambrose", "?rating=AMBER&page=2")

    kept = Search.objects.get()
    assert answer.url == f"/cases/?rating=AMBER&s={kept.key}#results"


def test_search_for_a_reference_opens_the_case(board, cohort):
    reference = cohort["REDD"].reference

    assert search(board, f" {reference.lower()} ").url == f"/cases/{reference}/"
    assert board(f"?q={reference}").url == f"/cases/{reference}/"


def test_search_for_a_reference_one_may_not_see_finds_nothing(merton, board, cohort):
    hidden = factories.case(merton, restricted=True)

    answer = search(board, hidden.reference)

    assert "No cases match" in text(board.client.get(answer.url))


def test_search_without_words_is_a_field_error(board, cohort):
    page = text(search(board, "  "))

    assert "Enter a name, alias, reference or number" in page
    assert "Error: Cohort" in page


def test_search_that_is_not_kept_says_so(board, cohort):
    page = text(board("?s=2f1b3a52-0000-4000-8000-000000000000"))

    assert "not kept any more" in page
    assert "REDD Sam" in page


def test_search_of_another_scheme_is_not_known(board, cohort):
    elsewhere = factories.scheme("london")
    with walls.within(elsewhere, cause="test"):
        foreign = Search.objects.create(
            scheme=elsewhere, user=factories.member(elsewhere, "coordinator").user, words="Redd"
        )

    assert "not kept any more" in text(board(f"?s={foreign.key}"))


def test_spelling_that_differs_comes_after_what_was_typed_and_says_so(merton, board):
    person(merton, "Smyth", "RED")
    person(merton, "Smith", "GREEN")

    page = text(board.client.get(search(board, "smith").url))

    assert "2 cases, 1 with a name spelt alike" in page
    assert page.index("SMITH Sam") < page.index("SMYTH Sam") < page.index("Spelt alike")


def test_closed_cases_are_found_by_those_who_may(merton, board, sign_in, coordinator, as_coordinator):
    from offenders.actions import close

    close(person(merton, "Gone"), on=date(2026, 3, 1), reason="Moved", by=as_coordinator)
    person(merton, "Stays")

    page = text(sign_in(coordinator).get("/cases/?stage=closed"))

    assert "GONE Sam" in page and "Left 1 Mar 2026" in page and "STAYS Sam" not in page
    assert "GONE Sam" not in text(board("?stage=closed"))


def test_groups_inside_the_cohort_are_found(db, sign_in):
    richmond = factories.scheme("richmond")
    member = factories.member(richmond, "coordinator")
    young = person(richmond, "Young")
    person(richmond, "Older")
    InGroup.objects.create(scheme=richmond, case=young, group="dyo", starts_on=date(2026, 3, 1), made_by=member.user)

    page = text(sign_in(member).get("/cases/?part=dyo"))

    assert "YOUNG Sam" in page and "OLDER Sam" not in page and "Group: Deter Young Offenders" in page


# --- Views, paper, file ---


def test_views_keep_filters_never_words_and_one_opens_first(merton, board, cohort, sign_in, coordinator):
    client = board.client
    address = search(board, "Ambrose", "?rating=AMBER").url.replace("#results", "&sort=-name&page=3&x=Ambrose")

    client.post(address.replace("/cases/", "/cases/views/save/"), {"name": "My Ambers", "opens_first": "on"})

    assert client.get("/cases/").url == "/cases/?rating=AMBER&sort=-name"
    first = text(client.get("/cases/", follow=True))
    assert "Saved views (1): My Ambers" in first and "AMBROSE Sam" in first and "REDD Sam" not in first
    assert "REDD Sam" in text(client.get("/cases/?all=1"))
    assert "Enter a name for the view" in text(client.post("/cases/views/save/?rating=RED", {"name": ""}))

    office = sign_in(coordinator)
    office.post("/cases/views/save/?rating=RED&lead=none", {"name": "Red, no lead", "shared": "on"})
    assert "shared by Priya Shah" in text(client.get("/cases/?all=1"))
    view = SavedView.objects.get(name="Red, no lead")
    assert view.query == "rating=RED&lead=none"
    assert client.post(f"/cases/views/{view.pk}/", {"change": "remove"}).status_code == 404
    office.post(f"/cases/views/{view.pk}/", {"change": "unshare"})
    assert "Red, no lead" not in text(client.get("/cases/?all=1"))
    office.post(f"/cases/views/{view.pk}/", {"change": "remove"})
    assert not SavedView.objects.filter(pk=view.pk).exists()


def test_groups_and_filters_survive_sorting_and_stand_on_paper(board, cohort):
    page = text(board("?group=rating&custody=out&sort=name"))
    assert "Red (1)" in page and "In custody (1)" not in page
    assert page.index("Red (1)") < page.index("REDD Sam") < page.index("Amber (1)") < page.index("AMBROSE Sam")
    assert "?group=rating&amp;custody=out&amp;sort=-name" in page

    paper = text(board("print/?group=rating&custody=out"))
    assert all(words in paper for words in ("REDD Sam", "Red (1)", "Custody: In the community", "Printed by Tom Dunn"))
    assert "BLUES Sam" not in paper and "<form" not in paper and 'type="submit"' not in paper


def test_file_holds_the_list_as_shown_and_no_formula_and_is_the_coordinators(
    merton, board, cohort, sign_in, coordinator
):
    factories.case(merton, restricted=True, who=factories.offender(merton, family_name="Hidden"))
    red = cohort["REDD"].offender
    red.area = "=HYPERLINK(1)"
    red.save()
    client = sign_in(coordinator)

    shown = text(client.get("/cases/export/?rating=RED"))
    made = client.post("/cases/export/?rating=RED", {"reason": "Meeting", "recipient": "Myself"})
    content = client.get(f"{made.url}file/").content.decode("utf-8-sig")

    assert "1 case, with the names" in shown and "Rating: Red" not in content
    assert len(content.splitlines()) == 2 and ",Redd,Sam," in content and ",'=HYPERLINK(1)," in content
    assert board("export/").status_code == 403


# --- Who may ---


@pytest.mark.parametrize(
    ("role", "status"), [("board_reader", 403), ("referrer", 403), ("scheme_admin", 403), ("researcher", 200)]
)
def test_board_is_for_those_at_the_table(merton, sign_in, role, status):
    assert sign_in(factories.member(merton, role)).get("/cases/").status_code == status


# Who asks. Whom the address means, with the choices of the filters, counts and views; then all that is said of them.
# Words that were looked for are read before.
QUERIES, OF_A_SEARCH = factories.AROUND + 3, factories.AROUND + 4


ASKED = {
    "": QUERIES,
    "?rating=RED&agency=none&lead=none&area=Ward+1&custody=out&sort=-since": QUERIES,
    "?group=rating&stage=open&sort=score": QUERIES,
    "?fit=differs": QUERIES,
    "?flag=not_done&due=84&by=1+6+2026&review=overdue": QUERIES,
    "?rating=PINK&custody=out": QUERIES,
    "?s=2f1b3a52-0000-4000-8000-000000000000": OF_A_SEARCH,
}


@pytest.mark.parametrize("post", ["coordinator", "housing"])
def test_board_takes_the_same_statements_whatever_is_asked_of_however_many(
    merton, request, sign_in, post, django_assert_num_queries
):
    client = sign_in(request.getfixturevalue(post))
    client.get("/cases/")
    for count in (1, 2, 57):
        for _ in range(count):
            person(merton, "Example", area="Ward 1")
        for query, held in ASKED.items():
            with django_assert_num_queries(held):
                assert client.get(f"/cases/{query}").status_code == 200


def test_pages_of_a_long_list_take_the_same_statements(merton, board, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(board_views, "ON_A_PAGE", 2)
    for name in ("Ash", "Birch", "Cedar", "Doug", "Elm"):
        person(merton, name)
    board()

    for query in ("", "?sort=name", "?page=2", "?custody=out&page=3", "?stage=open&group=rating&page=2"):
        with django_assert_num_queries(QUERIES):
            assert "5 cases" in text(board(query))


def test_search_takes_one_statement_more(merton, board, django_assert_num_queries):
    for name in ("Smith", "Smyth", "Other"):
        person(merton, name)
    found = search(board, "smith").url

    with django_assert_num_queries(OF_A_SEARCH):
        assert "2 cases, 1 with a name spelt alike" in text(board.client.get(found))


def test_pages_are_counted_only_as_far_as_a_file_would_hold(merton, board, monkeypatch):
    monkeypatch.setattr(board_views, "ON_A_PAGE", 2)
    monkeypatch.setattr(board_pages, "MOST", 4)
    for name in ("Ash", "Birch", "Cedar", "Doug", "Elm", "Fir", "Gorse"):
        person(merton, name)

    first, third, last = (text(board(f"?sort=name&page={page}")) for page in ("", "3", "99"))

    assert "more than 4 cases" in first and "ASH Sam" in first and "CEDAR Sam" not in first
    assert "ELM Sam" in third and "FIR Sam" in third and 'rel="next"' in third
    assert "GORSE Sam" in last and 'rel="next"' not in last and 'rel="prev"' in last
