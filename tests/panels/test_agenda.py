"""The agenda of a meeting: adding, ordering, numbering, sending."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied

from iom.access import actor_for
from iom.models import AuditEvent, MeetingStatus
from iom.steps import StepRefused
from panels import agenda
from panels.models import AgendaItem, Section
from panels.transitions import STEPS
from tests import factories

PANEL_DAY = date(2026, 3, 12)

WORKFLOW = {
    ("draft", "send_agenda", "agenda_sent"),
    ("agenda_sent", "go_live", "live"),
    ("live", "close_meeting", "minutes_drafted"),
    ("minutes_drafted", "sign_minutes", "signed"),
    ("draft", "cancel_meeting", "cancelled"),
    ("agenda_sent", "cancel_meeting", "cancelled"),
}


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL_DAY, chair=chair)


def put(meeting, status):
    meeting.status = status
    meeting.save(update_fields=["status"])


def test_workflow_is_the_one_agreed():
    steps = {(source, verb, step.target) for verb, step in STEPS.items() for source in step.sources}

    assert steps == WORKFLOW


def test_item_joins_the_end_of_its_section(meeting, merton, as_coordinator):
    agenda.add_item(meeting, section=Section.APOLOGIES, by=as_coordinator)
    agenda.add_item(meeting, section=Section.AOB, by=as_coordinator)
    first = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    second = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    release = agenda.add_item(meeting, section=Section.RELEASES, by=as_coordinator, case=factories.case(merton))

    items = agenda.ordered(meeting)

    assert [item.section for item in items] == ["apologies", "releases", "reviews", "reviews", "aob"]
    assert [item.position for item in items] == [1, 2, 3, 4, 5]
    assert items[1:4] == [release, first, second]


def test_item_takes_the_minutes_of_the_policy(meeting, merton, as_coordinator):
    review = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    aob = agenda.add_item(meeting, section=Section.AOB, by=as_coordinator)
    long = agenda.add_item(meeting, section=Section.AOB, title="Annual report", minutes=20, by=as_coordinator)

    assert review.minutes == meeting.body.policy.sitting.minutes_per_item
    assert (aob.minutes, aob.title) == (5, "Any other business")
    assert long.minutes == 20


def test_item_added_to_a_draft_has_no_number_and_is_not_late(meeting, merton, as_coordinator):
    item = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))

    assert (item.number, item.late) == ("", False)


@pytest.mark.parametrize("status", [MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED, MeetingStatus.CANCELLED])
def test_item_is_refused_when_the_meeting_is_over(meeting, as_coordinator, status):
    put(meeting, status)

    with pytest.raises(StepRefused, match="takes no more items"):
        agenda.add_item(meeting, section=Section.AOB, by=as_coordinator)


def test_item_is_refused_to_members(meeting, as_police):
    put(meeting, MeetingStatus.AGENDA_SENT)

    with pytest.raises(PermissionDenied):
        agenda.add_item(meeting, section=Section.AOB, by=as_police)
    assert not AgendaItem.objects.exists()


def test_item_is_refused_to_a_coordinator_of_another_scheme(meeting):
    stranger = factories.actor(factories.scheme("merton", "elsewhere"), "coordinator")

    with pytest.raises(PermissionDenied):
        agenda.add_item(meeting, section=Section.AOB, by=stranger)


def test_case_stands_once_in_a_section_but_may_stand_in_two(meeting, merton, as_coordinator):
    case = factories.case(merton)
    agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=case)

    with pytest.raises(StepRefused, match="already"):
        agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=case)
    agenda.add_item(meeting, section=Section.EXITS, by=as_coordinator, case=case)

    assert meeting.items.count() == 2


def test_adding_is_audited_without_names(meeting, merton, as_coordinator):
    case = factories.case(merton)

    item = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=case)

    event = AuditEvent.objects.get(verb="add_agenda_item")
    assert event.object_ref == str(item.pk)
    assert event.subjects == [case.reference]
    assert event.context == {"meeting": "2026-03-12", "late": False}


@pytest.mark.parametrize(
    ("before", "taken", "number"),
    [
        pytest.param(["1", "2"], {"1", "2", "3"}, "2a", id="after_the_second"),
        pytest.param(["1", "2", "2a"], {"1", "2", "2a", "3"}, "2b", id="second_letter"),
        pytest.param(["1", "2"], {"2a", "2b"}, "2c", id="letters_given_out_further_on"),
        pytest.param([], {"1"}, "0a", id="before_everything"),
        pytest.param(["9"], {f"9{chr(letter)}" for letter in range(97, 123)}, "9aa", id="after_z"),
    ],
)
def test_later_number_is_the_one_before_with_a_letter(before, taken, number):
    assert agenda.later_number(before, taken) == number
