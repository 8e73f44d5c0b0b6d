"""The verbs on plans and actions."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied

from actionplans import actions
from actionplans.models import Action, Plan
from iom.access import actor_for
from iom.models import AuditEvent
from iom.steps import Stale, StepRefused
from offenders.actions import assign, close
from tests import factories

DUE = date(2026, 3, 13)


@pytest.fixture
def case(merton):
    return factories.case(merton)


@pytest.fixture
def add(case, housing, as_coordinator):
    def add(**changed):
        given = {
            "case": case,
            "text": "Confirm tenancy reference",
            "agency": housing.agency,
            "due_on": DUE,
            "by": as_coordinator,
        }
        return actions.add_action(**given | changed)

    return add


@pytest.fixture
def lead(case, as_coordinator, police):
    """The case's lead professional."""
    assign(
        case,
        "lead_professional",
        agency=police.agency,
        membership=police,
        on=date(2026, 2, 1),
        by=as_coordinator,
    )
    return actor_for(police)


# --- The plan ---


def test_start_plan_gives_the_one_plan_of_a_case(case, as_coordinator):
    plan = actions.start_plan(case, by=as_coordinator)

    assert actions.start_plan(case, by=as_coordinator) == plan
    assert (plan.status, Plan.objects.count()) == ("draft", 1)


def test_plan_is_the_offices_and_the_leads_to_change(case, lead, as_housing):
    with pytest.raises(PermissionDenied):
        actions.start_plan(case, by=as_housing)

    assert actions.start_plan(case, by=lead).case == case


def test_agree_plan_keeps_the_day_and_the_panel(merton, case, as_coordinator):
    meeting = factories.meeting(merton, date(2026, 3, 12))

    plan = actions.agree_plan(case, meeting=meeting, on=meeting.date, by=as_coordinator)

    assert (plan.status, plan.agreed_on, plan.agreed_at) == ("agreed", meeting.date, meeting)


def test_plan_is_marked_reviewed_once_for_each_version(case, lead, time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")
    plan = actions.start_plan(case, by=lead)

    reviewed = actions.mark_reviewed(plan, by=lead, version=1)

    assert reviewed.reviewed_on == date(2026, 3, 5)
    with pytest.raises(Stale):
        actions.mark_reviewed(plan, by=lead, version=1)


def test_need_is_set_and_changed(case, lead):
    plan = actions.start_plan(case, by=lead)
    actions.set_need(plan, "accommodation", level="some", goal="A tenancy", by=lead, version=0)
    need = actions.set_need(plan, "accommodation", level="high", goal="Keep the tenancy", by=lead, version=1)

    assert [(n.pathway, n.level, n.goal, n.version) for n in plan.needs.all()] == [
        ("accommodation", "high", "Keep the tenancy", 2)
    ]
    assert need.get_level_display() == "High"


def test_need_refuses_what_its_reader_did_not_see(case, lead, as_coordinator):
    plan = actions.start_plan(case, by=lead)
    actions.set_need(plan, "health", level="some", goal="", by=as_coordinator, version=0)

    with pytest.raises(Stale):
        actions.set_need(plan, "health", level="high", goal="", by=lead, version=0)


def test_need_refuses_a_pathway_that_the_scheme_does_not_have(case, lead):
    plan = actions.start_plan(case, by=lead)

    with pytest.raises(StepRefused, match="no such pathway"):
        actions.set_need(plan, "gardening", level="some", goal="", by=lead)


# --- Actions ---


def test_action_begins_the_plan_and_belongs_to_it(case, add):
    action = add(pathway="accommodation")

    assert (action.status, action.who, case.plan.status) == ("open", action.agency.name, "draft")
    assert AuditEvent.objects.get(verb="add_action").subjects == [case.reference]


def test_action_without_a_case_is_the_offices_and_the_recorders(merton, add, as_police, police):
    meeting = factories.meeting(merton, date(2026, 3, 12))
    with pytest.raises(PermissionDenied):
        add(case=None, meeting=meeting, by=as_police)

    meeting.recorder = police.user

    assert add(case=None, meeting=meeting, by=as_police).case is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"text": "  "}, "what will be done", id="nothing to do"),
        pytest.param({"pathway": "gardening"}, "no such pathway", id="no such pathway"),
    ],
)
def test_action_that_makes_no_sense_is_refused(add, changed, words):
    with pytest.raises(StepRefused, match=words):
        add(**changed)


def test_action_is_refused_for_a_person_of_another_agency(add, police):
    with pytest.raises(StepRefused, match="does not act for"):
        add(owner=police)


def test_action_is_refused_on_a_closed_case(case, add, as_coordinator):
    closed = close(case, on=date(2026, 3, 1), reason="Moved", by=as_coordinator)

    with pytest.raises(StepRefused, match="is closed"):
        add(case=closed)


def test_action_is_refused_to_a_member_who_does_not_lead(add, as_housing):
    with pytest.raises(PermissionDenied):
        add(by=as_housing)


def test_owner_agency_says_how_its_action_stands(add, as_housing, time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")
    action = add()

    done = actions.update_action(action, status="done", note=" Reference is with us ", by=as_housing, version=1)

    assert (done.status, done.note, done.finished_on) == ("done", "Reference is with us", date(2026, 3, 5))


def test_reopened_action_has_no_end(add, as_housing):
    action = actions.update_action(add(), status="not_done", by=as_housing)

    assert actions.update_action(action, status="open", by=as_housing).finished_on is None


def test_update_keeps_the_note_unless_told(add, as_housing):
    action = actions.update_action(add(), status="in_progress", note="Rang twice", by=as_housing)

    assert actions.update_action(action, status="done", by=as_housing).note == "Rang twice"


def test_action_of_another_agency_is_not_ours_to_update(add, as_police):
    with pytest.raises(PermissionDenied):
        actions.update_action(add(), status="done", by=as_police)


def test_update_refuses_a_stale_version(add, as_housing):
    action = add()
    actions.update_action(action, status="in_progress", by=as_housing, version=1)

    with pytest.raises(Stale):
        actions.update_action(action, status="done", by=as_housing, version=1)


def test_change_action_corrects_what_was_agreed(add, as_coordinator, housing):
    action = actions.change_action(add(), by=as_coordinator, version=1, owner=housing, due_on=date(2026, 3, 20))

    assert (action.who, action.due_on, action.version) == ("Jo Reid", date(2026, 3, 20), 2)


def test_change_action_is_refused_to_its_agency(add, as_housing):
    with pytest.raises(PermissionDenied):
        actions.change_action(add(), by=as_housing, due_on=date(2026, 4, 20))


def test_carry_forward_counts_what_is_still_to_do(add, as_coordinator, as_housing):
    waiting, finished = add(), add()
    actions.update_action(finished, status="done", by=as_housing)

    assert actions.carry_forward([waiting, finished], by=as_coordinator) == 1
    assert sorted(Action.objects.values_list("carried_forward", flat=True)) == [0, 1]


def test_carry_forward_is_refused_to_a_member(add, as_police):
    with pytest.raises(PermissionDenied):
        actions.carry_forward([add()], by=as_police)
