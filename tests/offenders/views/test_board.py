"""The cohort board as its readers meet it."""

from datetime import date, timedelta

import pytest

from iom import clock, walls
from offenders.actions import assign, record_custody, start_leaving
from offenders.models import Alias, Search
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
        pytest.param("Ambrose Zed", False, id="each word must fit"),
        pytest.param("%", False, id="no wildcards"),
    ],
)
def test_search_finds_by_name_alias_and_number(merton, board, cohort, words, found):
    who = cohort["AMBROSE"].offender
    who.pnc_number = "95/123456A"
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

    assert "Enter a name, alias, reference or PNC number" in page
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


# --- Who may ---


@pytest.mark.parametrize(
    ("role", "status"), [("board_reader", 403), ("referrer", 403), ("scheme_admin", 403), ("researcher", 200)]
)
def test_board_is_for_those_at_the_table(merton, sign_in, role, status):
    assert sign_in(factories.member(merton, role)).get("/cases/").status_code == status


def test_queries_of_the_board_are_constant(merton, board, django_assert_max_num_queries, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    person(merton, "One")
    board()
    with CaptureQueriesContext(
        connection,
    ) as of_one:
        board()
    person(merton, "Two", "GREEN")
    person(merton, "Three", "BLUE")

    with django_assert_num_queries(len(of_one)):
        board()


@pytest.mark.feature(306)
def test_board_shows_who_has_something_due_and_a_bad_date_narrows_nothing(board, cohort):
    soon = text(board("?due=28"))
    by = text(board("?by=1+4+2026"))
    bad = text(board("?by=32+4+2026&custody=in"))

    assert "BLUES Sam" in soon and "Release expected" in soon
    assert "REDD Sam" not in soon and "Something due within: 28 days" in soon
    assert "BLUES Sam" in by and "REDD Sam" not in by and "Or due by a date: Wednesday 1 April 2026" in by
    assert "The date by which something is due must be a real date" in bad
    assert "BLUES Sam" in bad and "REDD Sam" not in bad
