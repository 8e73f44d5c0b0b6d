"""The action plan editor as a lead professional and as a reader meet it."""

import re
from datetime import date

import pytest

from actionplans.actions import add_action, set_need, start_plan
from actionplans.models import Action, PathwayNeed
from iom.access import actor_for
from offenders.actions import assign, close
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")


@pytest.fixture
def case(merton, as_coordinator, police):
    """A case that Tom Dunn of the police leads."""
    case = factories.case(merton)
    assign(
        case,
        "lead_professional",
        agency=police.agency,
        membership=police,
        on=date(2026, 2, 1),
        by=as_coordinator,
    )
    return case


@pytest.fixture
def lead(sign_in, police):
    return sign_in(police)


@pytest.fixture
def address(case):
    return f"/cases/{case.reference}/plan/"


def text(response):
    return " ".join(response.content.decode().split())


def need(pathway="accommodation", **changed):
    given = {"level": "high", "goal": "Keep the tenancy", "version": "0"} | changed
    return {f"need-{pathway}-{name}": value for name, value in given.items()}


def new_action(housing, pathway="accommodation", **changed):
    given = {"text": "Confirm tenancy reference", "who": f"agency:{housing.agency.pk}", "due": "13 mar"} | changed
    return {f"new-{pathway}-{name}": value for name, value in given.items()}


@pytest.mark.feature(135)
def test_plan_has_the_schemes_pathways_in_order(lead, address):
    headings = re.findall(
        r'<h2 class="govuk-heading-m" id="[a-z_]+-heading">([^<]+)<', lead.get(address).content.decode()
    )

    assert headings == [
        "Accommodation",
        "Drugs and alcohol",
        "Education, training and employment",
        "Mental and physical health",
        "Finance, benefits and debts",
        "Other actions",
        "Money",
    ]


@pytest.mark.feature(136)
def test_lead_assesses_a_need(lead, address, case):
    answer = lead.post(f"{address}accommodation/need/", need())

    assert answer.url == f"{address}#accommodation"
    stored = PathwayNeed.objects.get(plan__case=case)
    assert (stored.level, stored.goal, stored.updated_on) == ("high", "Keep the tenancy", date(2026, 3, 5))
    assert "Accommodation: need saved" in text(lead.get(address))


@pytest.mark.feature(134)
@pytest.mark.feature(81)
def test_lead_adds_an_action(lead, address, case, housing):
    lead.post(f"{address}accommodation/actions/", new_action(housing))

    action = Action.objects.get(case=case)
    assert (action.text, action.agency, action.due_on, action.pathway) == (
        "Confirm tenancy reference",
        housing.agency,
        date(2026, 3, 13),
        "accommodation",
    )
    assert "Confirm tenancy reference" in text(lead.get(address))


def test_action_for_a_person_is_their_agencys_too(lead, address, case, housing):
    lead.post(f"{address}other/actions/", new_action(housing, "other", who=f"person:{housing.pk}", due="2w"))

    action = Action.objects.get(case=case)
    assert (action.owner, action.agency, action.pathway, action.due_on) == (
        housing,
        housing.agency,
        "",
        date(2026, 3, 19),
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"text": ""}, "Enter what will be done", id="nothing"),
        pytest.param({"who": ""}, "Choose who will do this action", id="nobody"),
        pytest.param({"due": ""}, "Enter the action date", id="no day"),
        pytest.param({"due": "31 feb"}, "is not a real date. By which day?", id="unreal day"),
        pytest.param({"due": "4/3/2026"}, "is over. By which day?", id="over"),
        pytest.param({"due": "soon"}, "is not a date. By which day?", id="no date"),
        pytest.param({"due": "next panel"}, "No next panel is planned", id="no panel planned"),
        pytest.param({"who": "agency:999999"}, "Choose who from the list", id="not in the list"),
    ],
)
def test_action_that_is_refused_stays_as_it_was_typed(lead, address, housing, changed, words):
    page = text(lead.post(f"{address}accommodation/actions/", new_action(housing, **changed)))

    assert words in page
    assert "There is a problem" in page
    assert "Confirm tenancy reference" in page or changed.get("text") == ""
    assert not Action.objects.exists()


def test_agency_of_another_scheme_cannot_be_chosen(lead, address, housing):
    foreign = factories.member(factories.scheme("london"), "member")

    page = text(lead.post(f"{address}other/actions/", new_action(housing, "other", who=f"person:{foreign.pk}")))

    assert "Choose who from the list" in page


def test_stale_need_shows_both_and_keeps_mine_on_request(lead, address, case, as_coordinator):
    plan = start_plan(case, by=as_coordinator)
    set_need(plan, "accommodation", level="some", goal="A hostel place", by=as_coordinator)

    refused = lead.post(f"{address}accommodation/need/", need())
    page = text(refused)

    assert refused.status_code == 409
    assert "Compare, then keep yours or use theirs" in page
    assert "Keep the tenancy" in page
    assert "A hostel place" in page
    kept = dict(re.findall(r'<input type="hidden" name="(need-[^"]+)" value="([^"]*)"', page))
    lead.post(f"{address}accommodation/need/", kept)
    assert plan.needs.get().goal == "Keep the tenancy"


def test_plan_is_marked_reviewed(lead, address, case, as_coordinator):
    start_plan(case, by=as_coordinator)

    lead.post(f"{address}reviewed/")

    assert "Reviewed 5 Mar 2026" in text(lead.get(address))


def test_member_reads_the_plan_and_cannot_change_it(sign_in, housing, address, case, as_coordinator):
    plan = start_plan(case, by=as_coordinator)
    set_need(plan, "accommodation", level="some", goal="A hostel place", by=as_coordinator)
    reader = sign_in(housing)

    page = text(reader.get(address))

    assert "Goal: A hostel place" in page
    assert "Add action" not in page
    assert "Mark reviewed" not in page
    assert reader.post(f"{address}accommodation/need/", need()).status_code == 403
    assert reader.post(f"{address}other/actions/", new_action(housing, "other")).status_code == 403
    assert reader.post(f"{address}reviewed/").status_code == 403


def test_plan_of_a_closed_case_is_read_only(sign_in, coordinator, case, address, as_coordinator):
    close(case, on=date(2026, 3, 1), reason="Moved", by=as_coordinator)

    page = text(sign_in(coordinator).get(address))

    assert "Add action" not in page


def test_unknown_pathway_is_not_found(lead, address):
    assert lead.post(f"{address}gardening/need/", need("gardening")).status_code == 404
    assert lead.post(f"{address}gardening/actions/", {}).status_code == 404


def test_overview_shows_pathways_and_open_actions(lead, case, housing, as_coordinator):
    plan = start_plan(case, by=as_coordinator)
    set_need(plan, "accommodation", level="high", goal="", by=as_coordinator)
    for due in (date(2026, 3, 1), date(2026, 3, 13)):
        add_action(
            case=case, text="Ring", agency=housing.agency, due_on=due, pathway="accommodation", by=as_coordinator
        )

    page = text(lead.get(f"/cases/{case.reference}/"))

    assert "1 late, 1 open" in page
    assert "4 days late" in page


def test_overview_without_a_plan_offers_to_start_one(lead, case):
    assert "No plan yet. <a" in text(lead.get(f"/cases/{case.reference}/"))


def test_queries_of_the_plan_are_constant(lead, address, case, housing, as_coordinator, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def add(pathway):
        add_action(
            case=case, text="Ring", agency=housing.agency, due_on=date(2026, 3, 13), pathway=pathway, by=as_coordinator
        )

    add("accommodation")
    lead.get(address)
    with CaptureQueriesContext(connection) as of_one:
        lead.get(address)
    add("health")
    add("")

    with django_assert_num_queries(len(of_one)):
        lead.get(address)
