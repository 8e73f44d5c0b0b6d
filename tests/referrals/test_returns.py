"""What agencies answer, and who may read it (ux.md 4.4, design.md 3)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom.access import actor_for
from iom.models import Agency, AuditEvent
from iom.steps import Stale, StepRefused
from referrals import returns
from referrals.models import AgencyReturn
from tests import factories

# The checks for 12 March are due on Monday 9 March at 17:00.
BEFORE = "2026-03-05 10:00 +0000"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(BEFORE, tick=False):
        yield


@pytest.fixture
def meeting(merton):
    return factories.meeting(merton, date(2026, 3, 12))


@pytest.fixture
def asked(meeting, housing):
    """Housing asked about three people."""
    names = ("Example", "Sample", "Test")
    people = [factories.offender(meeting.scheme, family_name=name, given_names="Lee") for name in names]
    return [factories.check_request(meeting, housing.agency, person) for person in people]


KNOWN = {
    "known": "now",
    "last_contact": date(2026, 2, 12),
    "summary": "Tenancy at risk: arrears since November.",
    "risk_to_others": False,
    "pathways": ["accommodation"],
    "handling": "panel",
}


# --- Answering


def test_save_return_keeps_a_draft(asked, as_housing):
    answer = returns.save_return(asked[0], by=as_housing, **KNOWN)

    answer.refresh_from_db()
    assert (answer.known, answer.summary, answer.pathways) == ("now", KNOWN["summary"], ["accommodation"])
    assert answer.sent_at is None
    assert AuditEvent.objects.filter(verb="answer_check").count() == 1


def test_save_return_of_somebody_unknown_keeps_no_details(asked, as_housing):
    returns.save_return(asked[0], by=as_housing, **KNOWN)

    answer = returns.save_return(asked[0], by=as_housing, **KNOWN | {"known": "not_known"})

    assert (answer.summary, answer.handling, answer.pathways, answer.last_contact) == ("", "", [], None)


def test_save_return_for_another_agency_is_refused(asked, as_police):
    with pytest.raises(PermissionDenied):
        returns.save_return(asked[0], by=as_police, known="not_known")


def test_save_return_by_the_coordinator_of_another_agency_is_refused(asked, as_coordinator):
    with pytest.raises(PermissionDenied):
        returns.save_return(asked[0], by=as_coordinator, known="not_known")


def test_save_return_after_the_decision_is_refused(meeting, housing, as_housing):
    request = factories.check_request(meeting, housing.agency, closed_at=datetime(2026, 3, 12, 11, tzinfo=UTC))

    with pytest.raises(StepRefused, match="The panel has decided on Sam"):
        returns.save_return(request, by=as_housing, known="not_known")


@pytest.mark.parametrize("seen", [pytest.param(0, id="saw none"), pytest.param(7, id="saw another")])
def test_save_return_of_a_version_that_somebody_changed_is_stale(asked, as_housing, seen):
    returns.save_return(asked[0], by=as_housing, known="not_known", version=0)

    with pytest.raises(Stale):
        returns.save_return(asked[0], by=as_housing, known="now", version=seen)


def test_save_return_without_a_change_writes_nothing(asked, as_housing):
    returns.save_return(asked[0], by=as_housing, **KNOWN)

    answer = returns.save_return(asked[0], by=as_housing, **KNOWN)

    assert answer.version == 1
    assert AuditEvent.objects.filter(verb="answer_check").count() == 1


def test_mark_rest_not_known_leaves_what_was_answered(asked, meeting, as_housing):
    returns.save_return(asked[0], by=as_housing, **KNOWN)

    assert returns.mark_rest_not_known(meeting, by=as_housing) == 2

    assert sorted(AgencyReturn.objects.values_list("known", flat=True)) == ["not_known", "not_known", "now"]
    assert returns.mark_rest_not_known(meeting, by=as_housing) == 0


def test_send_return_names_who_is_left(asked, meeting, as_housing):
    with pytest.raises(StepRefused) as refused:
        returns.send_return(meeting, by=as_housing)

    assert refused.value.problems == ["Answer for 3 people: Example, Sample, Test"]


def test_send_return_needs_a_reader_for_what_is_known(asked, meeting, as_housing):
    returns.save_return(asked[0], by=as_housing, **KNOWN | {"handling": ""})
    returns.mark_rest_not_known(meeting, by=as_housing)

    with pytest.raises(StepRefused) as refused:
        returns.send_return(meeting, by=as_housing)

    assert refused.value.problems == ["Choose who can see what you say about Lee Example"]


def test_send_return_sends_everything_once(asked, meeting, as_housing):
    returns.mark_rest_not_known(meeting, by=as_housing)

    assert returns.send_return(meeting, by=as_housing) == 3
    assert returns.send_return(meeting, by=as_housing) == 0
    assert AuditEvent.objects.filter(verb="send_return").count() == 1


@pytest.mark.parametrize(
    ("now", "late"),
    [
        pytest.param("2026-03-09 16:59:59 +0000", False, id="just in time"),
        pytest.param("2026-03-09 17:00 +0000", True, id="at five"),
        pytest.param("2026-03-11 09:00 +0000", True, id="two days later"),
    ],
)
def test_send_return_after_the_due_time_is_marked_late(asked, meeting, as_housing, now, late):
    with time_machine.travel(now, tick=False):
        returns.mark_rest_not_known(meeting, by=as_housing)
        returns.send_return(meeting, by=as_housing)

    assert set(AgencyReturn.objects.values_list("late", flat=True)) == {late}


@pytest.mark.parametrize(
    ("now", "late"),
    [
        pytest.param("2026-03-11 12:00 +0000", False, id="before the meeting"),
        pytest.param("2026-03-12 10:00 +0000", True, id="when it begins"),
    ],
)
def test_an_agency_asked_after_the_due_time_is_late_from_the_meeting_on(meeting, housing, as_housing, now, late):
    request = factories.check_request(meeting, housing.agency, asked_at=datetime(2026, 3, 10, 9, tzinfo=UTC))

    with time_machine.travel(now, tick=False):
        returns.save_return(request, by=as_housing, known="not_known")
        returns.send_return(meeting, by=as_housing)

    assert AgencyReturn.objects.get().late is late


def test_a_sent_answer_may_change_until_the_decision_but_stays_whole(asked, meeting, as_housing):
    returns.mark_rest_not_known(meeting, by=as_housing)
    returns.send_return(meeting, by=as_housing)

    with pytest.raises(StepRefused, match="Choose who can see what you say about Lee Example"):
        returns.save_return(asked[0], by=as_housing, known="now", summary="Seen in the office.")
    answer = returns.save_return(asked[0], by=as_housing, **KNOWN)

    assert (answer.known, answer.sent_at is not None) == ("now", True)
    assert AuditEvent.objects.filter(verb="change_answer").count() == 1


def test_a_name_added_later_is_sent_by_itself(asked, meeting, housing, as_housing):
    returns.mark_rest_not_known(meeting, by=as_housing)
    returns.send_return(meeting, by=as_housing)
    factories.check_request(meeting, housing.agency)

    with pytest.raises(StepRefused, match="Answer for 1 person"):
        returns.send_return(meeting, by=as_housing)
    returns.mark_rest_not_known(meeting, by=as_housing)

    assert returns.send_return(meeting, by=as_housing) == 1


def test_send_return_of_another_schemes_meeting_is_refused(meeting):
    stranger = factories.actor(factories.scheme("merton", slug="elsewhere"), "member", agency_kind="housing")

    with pytest.raises(PermissionDenied):
        returns.send_return(meeting, by=stranger)


# --- Reading


@pytest.fixture
def person(merton):
    return factories.offender(merton)


@pytest.fixture
def said(meeting, person, police, housing):
    """Police marked what they know; housing told everyone."""
    for member, handling in ((police, "police_probation"), (housing, "panel")):
        request = factories.check_request(meeting, member.agency, person)
        factories.agency_return(request, member, handling=handling, summary=f"Said by {member.agency.kind}.")


READERS = [
    # agency kind, signed, which agencies' answers are read
    pytest.param("health", False, {"housing"}, id="health, not signed"),
    pytest.param("health", True, {"housing"}, id="health, signed"),
    pytest.param("probation", False, {"housing"}, id="probation, not signed"),
    pytest.param("probation", True, {"housing", "police"}, id="probation, signed"),
    pytest.param("police", True, {"housing", "police"}, id="the author"),
]


@pytest.mark.parametrize(("kind", "signed", "read"), READERS)
def test_marked_answers_are_absent_for_others(merton, meeting, person, said, kind, signed, read):
    actor = factories.actor(merton, "member", agency_kind=kind)

    found = returns.returns_for(actor, person, meeting, signed=signed)

    assert {answer.agency.kind for answer in found} == read


def test_marked_answers_are_absent_for_a_coordinator_of_the_council(merton, meeting, person, said, as_coordinator):
    found = returns.returns_for(as_coordinator, person, meeting, signed=True)

    assert {answer.agency.kind for answer in found} == {"housing"}


def test_an_agency_reads_its_own_marked_answer_once_it_signed(merton, meeting, person, housing, as_housing):
    request = factories.check_request(meeting, housing.agency, person)
    factories.agency_return(request, housing, handling="police_probation")

    assert returns.returns_for(as_housing, person, meeting, signed=True)[0].is_marked
    assert returns.returns_for(as_housing, person, meeting) == []


def test_drafts_are_read_by_nobody_else(meeting, person, police, housing, as_police):
    factories.agency_return(factories.check_request(meeting, housing.agency, person), housing, sent=False)

    assert returns.returns_for(as_police, person, meeting, signed=True) == []


def test_answers_about_a_restricted_case_are_absent(merton, meeting, person, said, as_police):
    factories.case(merton, who=person, restricted=True)

    assert returns.returns_for(as_police, person, meeting, signed=True) == []


def test_answers_are_not_read_from_another_scheme_nor_by_a_referrer(merton, meeting, person, said):
    stranger = factories.actor(factories.scheme("merton", slug="elsewhere"), "member", agency_kind="police")
    referrer = factories.actor(merton, "referrer", agency_kind="police")

    assert returns.returns_for(stranger, person, meeting, signed=True) == []
    assert returns.returns_for(referrer, person, meeting, signed=True) == []


def test_returns_by_offender_take_one_query_for_a_whole_meeting(
    merton, meeting, housing, as_police, django_assert_num_queries
):
    for _ in range(3):
        factories.agency_return(factories.check_request(meeting, housing.agency), housing)
    _ = as_police.reads_all_cases

    with django_assert_num_queries(1):
        found = returns.returns_by_offender(as_police, meeting, signed=True)
        assert [answer.agency.name for answers in found.values() for answer in answers] == ["Housing"] * 3


def test_latest_returns_give_each_agencys_newest_answer(merton, person, housing, as_police):
    for on, summary in ((date(2026, 2, 12), "Homeless."), (date(2026, 3, 12), "Has a room now.")):
        request = factories.check_request(factories.meeting(merton, on), housing.agency, person)
        factories.agency_return(request, housing, summary=summary)

    assert [answer.summary for answer in returns.latest_returns(as_police, person)] == ["Has a room now."]


def test_waiting_for_names_the_agencies_without_a_sent_answer(meeting, person, police, housing):
    factories.agency_return(factories.check_request(meeting, housing.agency, person), housing)
    factories.agency_return(factories.check_request(meeting, police.agency, person), police, sent=False)

    assert returns.waiting_for(meeting, person) == [police.agency]


# --- Who has answered


def test_matrix_gives_people_by_agencies(merton, meeting, person, police, housing, as_coordinator):
    other = factories.offender(merton, family_name="Aardvark")
    factories.agency_return(factories.check_request(meeting, housing.agency, person), housing, known="before")
    factories.check_request(meeting, police.agency, person)
    factories.check_request(meeting, police.agency, other)

    found = returns.matrix(as_coordinator, meeting)

    assert [column.agency.kind for column in found.columns] == ["housing", "police"]
    assert [(column.asked, column.answered) for column in found.columns] == [(1, 1), (2, 0)]
    words = [[cell.words if cell else None for cell in row.cells] for row in found.rows]
    assert words == [[None, "Waiting"], ["Known before", "Waiting"]]
    assert [column.agency.kind for column in found.waiting] == ["police"]


def test_matrix_says_late_once_the_checks_were_due(meeting, person, police, as_coordinator):
    factories.check_request(meeting, police.agency, person)

    with time_machine.travel("2026-03-09 17:00 +0000", tick=False):
        cell = returns.matrix(as_coordinator, meeting).rows[0].cells[0]

    assert (cell.words, cell.waiting) == ("Late", True)


def test_matrix_shows_of_a_marked_answer_only_that_it_came(meeting, person, said, as_coordinator, chair):
    words = [cell.words for cell in returns.matrix(as_coordinator, meeting).rows[0].cells]

    assert words == ["Known now", "Answered"]


def test_matrix_is_for_the_coordinator_and_the_researcher(meeting, as_housing):
    with pytest.raises(PermissionDenied):
        returns.matrix(as_housing, meeting)


@pytest.mark.parametrize("people", [1, 3])
def test_matrix_takes_one_query(merton, meeting, housing, as_coordinator, people, django_assert_num_queries):
    for _ in range(people):
        for agency in Agency.objects.filter(scheme=merton)[:4]:
            factories.check_request(meeting, agency, factories.offender(merton))
    _ = as_coordinator.scheme.policy  # every page has read the rules by then

    with django_assert_num_queries(1):
        assert len(returns.matrix(as_coordinator, meeting).rows) == people * 4
