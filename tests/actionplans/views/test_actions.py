"""The lists of actions, and one by itself."""

from datetime import date

import pytest

from actionplans.actions import add_action, carry_forward, update_action
from actionplans.models import Action
from actionplans.reading import updatable
from iom.access import actor_for
from offenders.actions import assign
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")


@pytest.fixture
def case(merton):
    return factories.case(merton)


@pytest.fixture
def add(case, housing, as_coordinator):
    def add(words="Confirm tenancy reference", due=date(2026, 3, 13), **changed):
        given = {"case": case, "text": words, "agency": housing.agency, "due_on": due, "by": as_coordinator}
        return add_action(**given | changed)

    return add


def text(response):
    return " ".join(response.content.decode().split())


def update(**changed):
    return {"status": "done", "note": "Reference is with us", "version": 1, "back": "/actions/?show=agency"} | changed


def test_actions_stand_overdue_first(add, sign_in, housing):
    add("Later", date(2026, 4, 1))
    add("Overdue", date(2026, 3, 1))
    add("Soon", date(2026, 3, 6))

    page = text(sign_in(housing).get("/actions/"))

    assert page.index("Overdue</a>") < page.index("Soon</a>") < page.index("Later</a>")
    assert "4 days late" in page


@pytest.mark.parametrize(
    ("show", "names"),
    [
        pytest.param("mine", {"Named"}, id="mine"),
        pytest.param("agency", {"Named", "Agency"}, id="my agency"),
        pytest.param("all", {"Named", "Agency", "Police's"}, id="all"),
        pytest.param("nonsense", {"Named", "Agency"}, id="unknown: my agency"),
    ],
)
def test_actions_of_mine_my_agency_and_all(add, sign_in, housing, police, show, names):
    add("Named", owner=housing)
    add("Agency")
    add("Police's", agency=police.agency)

    page = text(sign_in(housing).get(f"/actions/?show={show}"))

    assert {
        name for name in ("Named", "Agency", "Police's") if f"{name.replace(chr(39), '&#39;')}</a>" in page
    } == names


def test_actions_of_one_agency_alone(add, sign_in, coordinator, housing, police):
    add("Housing's")
    add("Police's", agency=police.agency)

    page = text(sign_in(coordinator).get(f"/actions/?show=all&agency={housing.agency.slug}"))

    assert "Housing&#39;s</a>" in page
    assert "Police&#39;s</a>" not in page


def test_finished_actions_are_shown_when_asked_for(add, sign_in, housing, as_housing):
    update_action(add("Over"), status="done", by=as_housing)
    client = sign_in(housing)

    assert "Over</a>" not in text(client.get("/actions/"))
    assert "Over</a>" in text(client.get("/actions/?finished=1"))


def test_no_actions_says_so(sign_in, housing):
    assert "You have no open actions." in text(sign_in(housing).get("/actions/?show=mine"))


@pytest.mark.feature(82)
def test_carried_forward_is_shown(add, sign_in, housing, as_coordinator):
    action = add()
    for _ in range(3):
        carry_forward([action], by=as_coordinator)

    assert "Carried forward 3 times" in text(sign_in(housing).get("/actions/"))


@pytest.mark.feature(81)
def test_owner_agency_updates_an_action_in_its_row(add, sign_in, housing):
    action = add()

    answer = sign_in(housing).post(f"/actions/{action.pk}/", update())

    action.refresh_from_db()
    assert answer.url == "/actions/?show=agency"
    assert (action.status, action.note, action.finished_on) == ("done", "Reference is with us", date(2026, 3, 5))


def test_update_goes_back_to_no_foreign_site(add, sign_in, housing, case):
    client = sign_in(housing)

    for back in ("https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example", ""):
        answer = client.post(f"/actions/{add().pk}/", update(back=back))
        assert answer.url == f"/cases/{case.reference}/actions/"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"note": "x" * 601}, "Note must be 600 characters or fewer. You have 1 too many", id="long note"),
        pytest.param({"status": "eaten"}, "Choose outcome from the list", id="no such outcome"),
        pytest.param({"note": "a\x00b"}, "has a character that cannot be stored", id="control character"),
    ],
)
def test_update_that_makes_no_sense_is_said(add, sign_in, housing, changed, words):
    action = add()

    assert words in text(sign_in(housing).post(f"/actions/{action.pk}/", update(**changed)))


def test_stale_update_shows_both(add, sign_in, housing, as_coordinator):
    action = add()
    update_action(action, status="in_progress", note="Rang twice", by=as_coordinator)

    answer = sign_in(housing).post(f"/actions/{action.pk}/", update())

    page = text(answer)
    assert answer.status_code == 409
    assert "Rang twice" in page
    assert "Reference is with us" in page
    assert "Keep mine" in page


def test_other_agency_reads_and_cannot_update(add, sign_in, police):
    action = add()
    client = sign_in(police)

    page = text(client.get(f"/actions/{action.pk}/"))

    assert "Confirm tenancy reference" in page
    assert "How it stands now" not in page
    assert client.post(f"/actions/{action.pk}/", update()).status_code == 403


def test_action_of_a_restricted_case_is_not_found(merton, add, sign_in, police):
    hidden = factories.case(merton, restricted=True)
    action = Action.objects.create(
        scheme=merton, case=hidden, text="Ring", agency=police.agency, due_on=date(2026, 3, 13)
    )

    client = sign_in(police)

    assert client.get(f"/actions/{action.pk}/").status_code == 404
    assert "Ring</a>" not in text(client.get("/actions/"))


def test_what_was_agreed_is_corrected(add, sign_in, coordinator, housing):
    action = add()

    sign_in(coordinator).post(
        f"/actions/{action.pk}/change/",
        {
            "text": "Ring the landlord",
            "who": f"person:{housing.pk}",
            "due": "20 mar",
            "pathway": "finance",
            "version": 1,
        },
    )

    action.refresh_from_db()
    assert (action.text, action.owner, action.due_on, action.pathway) == (
        "Ring the landlord",
        housing,
        date(2026, 3, 20),
        "finance",
    )


def test_correcting_is_refused_to_the_owner_agency(add, sign_in, housing):
    assert sign_in(housing).get(f"/actions/{add().pk}/change/").status_code == 403


def test_case_actions_list_what_is_to_do_and_what_is_over(add, case, sign_in, housing, as_housing):
    add("Still to do")
    update_action(add("Over"), status="not_done", by=as_housing)

    page = text(sign_in(housing).get(f"/cases/{case.reference}/actions/"))

    assert page.index("Still to do</a>") < page.index("Finished") < page.index("Over</a>")


def test_home_tells_of_our_actions(add, sign_in, housing, coordinator):
    add(due=date(2026, 3, 1))
    add(due=date(2026, 3, 10))
    add(due=date(2026, 4, 10))
    name = housing.agency.name

    assert f"2 actions for {name}, 1 overdue" in text(sign_in(housing).get("/"))
    assert f"{name}: 1 action overdue" in text(sign_in(coordinator).get("/"))


def test_board_counts_open_and_late_actions(add, sign_in, housing):
    add(due=date(2026, 3, 1))
    add()

    page = text(sign_in(housing).get("/cases/"))

    assert "2 <strong>(1 late)</strong>" in page


def test_list_and_rule_agree_on_who_may_update(merton, add, case, housing, police, coordinator, as_coordinator):
    assign(case, "police_officer", agency=police.agency, membership=police, on=date(2026, 2, 1), by=as_coordinator)
    other = factories.member(merton, "member", agency_kind="health")
    actions = [
        add(),
        add(agency=police.agency),
        add(case=factories.case(merton)),
        add(case=None, agency=other.agency),
        add(case=None),
    ]

    for membership in (housing, police, coordinator, other):
        actor = actor_for(membership)
        allowed = {action.pk for action in actions if actor.can("actionplans.update_action", action)}
        assert updatable(actor, actions) == allowed


def test_queries_of_the_list_are_constant(merton, add, sign_in, housing, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = sign_in(housing)
    add()
    client.get("/actions/")
    with CaptureQueriesContext(connection) as of_one:
        client.get("/actions/")
    add(case=factories.case(merton), owner=housing)
    add(case=None)

    with django_assert_num_queries(len(of_one)):
        client.get("/actions/")


# --- Every row with one press


def row(action, version=1, **given):
    return {f"a{action.pk}-version": version} | {f"a{action.pk}-{name}": value for name, value in given.items()}


@pytest.mark.feature(81)
def test_several_actions_are_saved_with_one_press(add, sign_in, housing):
    first, second = add("First"), add("Second")

    answer = sign_in(housing).post(
        "/actions/?show=agency",
        row(first, status="done", note="Reference is with us") | row(second, status="in_progress", note="Booked"),
    )

    assert answer.url == "/actions/?show=agency"
    assert {(each.status, each.note) for each in Action.objects.all()} == {
        ("done", "Reference is with us"),
        ("in_progress", "Booked"),
    }


def test_one_stale_row_waits_and_the_others_are_saved(add, sign_in, housing, as_coordinator):
    stale, other = add("Stale"), add("Other")
    update_action(stale, status="done", note="Theirs", by=as_coordinator)

    answer = sign_in(housing).post(
        "/actions/", row(stale, status="open", note="Mine") | row(other, status="done", note="Done")
    )

    page = text(answer)
    assert "Somebody said “Done” “Theirs” of “Stale” while you were writing." in page
    assert 'value="Mine"' in page
    assert {each.note for each in Action.objects.all()} == {"Theirs", "Done"}


def test_a_note_typed_after_an_action_saved_itself_as_done_is_kept(add, sign_in, housing):
    action, client = add(), sign_in(housing)
    saved = client.post("/actions/", row(action, status="done", note=""), headers={"X-Autosave": "1"}).json()

    client.post("/actions/", row(action, saved["fields"][f"a{action.pk}-version"], status="done", note="Rang twice"))

    assert Action.objects.get().note == "Rang twice"


def test_rows_of_others_in_the_post_are_left_alone(add, sign_in, housing, police):
    theirs = add("Theirs", agency=police.agency)

    sign_in(housing).post("/actions/?show=all", row(theirs, status="done", note="Not mine"))

    assert Action.objects.get().status == "open"
