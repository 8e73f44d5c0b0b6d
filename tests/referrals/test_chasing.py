"""Asking agencies for checks and reminding them (ux.md 4.4 and 7)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom import blocks, outbox, reminders
from iom.models import AuditEvent, Notification, PolicyVersion
from iom.policy import load_preset, parse_policy
from referrals import actions, asking, chasing, returns, scoring
from referrals.models import CheckRequest
from tests import factories


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        yield


@pytest.fixture
def meeting(merton):
    return factories.meeting(merton, date(2026, 3, 12))


def ask(meeting, agency, by, **fields):
    return actions.ask_agencies(
        meeting=meeting,
        offender=factories.offender(meeting.scheme),
        agencies=[agency],
        why="referral",
        by=by,
        **fields,
    )


def told(kind: str) -> list[str]:
    return list(Notification.objects.filter(kind=kind).order_by("pk").values_list("text", flat=True))


def test_contacts_are_the_agencys_members(merton, housing):
    factories.member(merton, "referrer", agency_kind="housing")
    factories.member(merton, "coordinator", agency_kind="housing")

    assert chasing.contacts(housing.agency) == [housing.user]


def test_contacts_fall_back_on_whoever_sits_at_the_table(coordinator):
    assert chasing.contacts(coordinator.agency) == [coordinator.user]


def test_contacts_leave_out_those_who_have_gone(merton, housing):
    housing.until = date(2026, 2, 26)
    housing.save()

    assert chasing.contacts(housing.agency) == []


def test_one_round_is_one_notice_whose_number_grows(meeting, housing, as_coordinator):
    for _ in range(3):
        ask(meeting, housing.agency, as_coordinator)

    assert told("checks_asked") == ["Checks due Mon 9 March: 3 names"]


def test_the_email_is_sent_once_with_the_words_of_the_service(meeting, housing, as_coordinator, mailoutbox):
    ask(meeting, housing.agency, as_coordinator)
    outbox.drain()
    ask(meeting, housing.agency, as_coordinator)
    outbox.drain()

    [mail] = mailoutbox
    assert mail.subject == "Checks due Mon 9 March: 1 name"
    assert mail.body.startswith(
        "The IOM panel meets on Thursday 12 March. Please check 1 name against your records by 5pm on Monday 9 March. "
        "It takes about 2 minutes if none are known to you. You get this because you are the contact for Housing. "
        "Sign in:"
    )


def test_a_new_round_begins_once_everything_is_answered(meeting, housing, as_coordinator, as_housing):
    ask(meeting, housing.agency, as_coordinator)
    returns.mark_rest_not_known(meeting, by=as_housing)
    returns.send_return(meeting, by=as_housing)

    ask(meeting, housing.agency, as_coordinator)

    assert told("checks_asked") == ["Checks due Mon 9 March: 1 name"] * 2


def test_nobody_is_told_of_someone_whose_case_is_restricted(merton, meeting, housing, as_coordinator):
    person = factories.offender(merton)
    factories.case(merton, who=person, restricted=True)

    actions.ask_agencies(meeting=meeting, offender=person, agencies=[housing.agency], why="review", by=as_coordinator)

    assert told("checks_asked") == []


# --- Reminding


@pytest.mark.parametrize(
    ("now", "text"),
    [
        pytest.param("2026-03-02 10:00 +0000", "Reminder: checks due Mon 9 March, 2 of 3 left", id="a week before"),
        pytest.param("2026-03-06 10:00 +0000", "Reminder: checks due Monday, 2 of 3 left", id="three days before"),
        pytest.param("2026-03-08 10:00 +0000", "Reminder: checks due tomorrow, 2 of 3 left", id="the day before"),
        pytest.param("2026-03-09 10:00 +0000", "Reminder: checks due today, 2 of 3 left", id="on the day"),
        pytest.param("2026-03-10 10:00 +0000", "Reminder: checks were due Mon 9 March, 2 of 3 left", id="late"),
    ],
)
def test_remind_says_how_many_are_left(meeting, housing, as_coordinator, now, text):
    for _ in range(3):
        factories.check_request(meeting, housing.agency)
    factories.agency_return(meeting.check_requests.first(), housing)

    with time_machine.travel(now, tick=False):
        [chased] = chasing.remind(meeting, [housing.agency], by=as_coordinator)

    assert (chased.people, chased.before) == (1, None)
    assert told("checks_chased") == [text]


def test_remind_twice_on_a_day_says_when_it_was(meeting, housing, as_coordinator):
    factories.check_request(meeting, housing.agency)
    chasing.remind(meeting, [housing.agency], by=as_coordinator)

    with time_machine.travel("2026-02-26 15:30 +0000", tick=False):
        [again] = chasing.remind(meeting, [housing.agency], by=as_coordinator)

    assert (again.people, again.before) == (0, datetime(2026, 2, 26, 10, tzinfo=UTC))
    assert len(told("checks_chased")) == 1
    assert AuditEvent.objects.filter(verb="remind_agency").count() == 1


def test_remind_again_on_another_day(meeting, housing, as_coordinator):
    factories.check_request(meeting, housing.agency)
    chasing.remind(meeting, [housing.agency], by=as_coordinator)

    with time_machine.travel("2026-02-27 09:00 +0000", tick=False):
        [again] = chasing.remind(meeting, [housing.agency], by=as_coordinator)
        assert chasing.last_reminded(meeting) == {housing.agency.pk: datetime(2026, 2, 27, 9, tzinfo=UTC)}

    assert again.people == 1


def test_remind_leaves_out_who_owes_nothing_and_says_who_has_no_account(
    merton, meeting, housing, police, as_coordinator
):
    factories.agency_return(factories.check_request(meeting, police.agency), police)
    health = factories.actor(merton, "referrer", agency_kind="health").agency
    factories.check_request(meeting, health)

    chased = chasing.remind(meeting, [police.agency, health], by=as_coordinator)

    assert [(each.agency, each.people) for each in chased] == [(health, 0)]


def test_remind_is_for_whoever_asks(meeting, housing, as_housing):
    with pytest.raises(PermissionDenied):
        chasing.remind(meeting, [housing.agency], by=as_housing)


# --- The clock


@pytest.mark.parametrize(
    ("day", "count"),
    [
        pytest.param(date(2026, 3, 5), 0, id="Thursday: too early"),
        pytest.param(date(2026, 3, 6), 1, id="Friday: the working day before Monday"),
        pytest.param(date(2026, 3, 9), 1, id="on the day"),
        pytest.param(date(2026, 3, 12), 1, id="late, on the day of the meeting"),
        pytest.param(date(2026, 3, 13), 0, id="after the meeting"),
    ],
)
def test_checks_due_is_reminded_on_the_working_day_before(meeting, housing, day, count):
    factories.check_request(meeting, housing.agency)

    reminders.sweep(day)

    assert len(told("checks_due")) == count


def test_checks_due_is_reminded_once_however_often_the_clock_runs(meeting, housing, coordinator):
    factories.check_request(meeting, housing.agency)

    for day in (date(2026, 3, 6), date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 8)):
        reminders.sweep(day)

    assert told("checks_due") == ["Reminder: checks due Monday, 1 of 1 left"]


def test_checks_due_after_three_missed_days_is_reminded_once(meeting, housing):
    factories.check_request(meeting, housing.agency)

    reminders.sweep(date(2026, 3, 10))
    reminders.sweep(date(2026, 3, 11))

    assert told("checks_due") == ["Reminder: checks were due Mon 9 March, 1 of 1 left"]


@pytest.mark.parametrize(
    ("day", "count"),
    [
        pytest.param(date(2026, 3, 5), 0, id="two working days before"),
        pytest.param(date(2026, 3, 6), 1, id="the working day before"),
        pytest.param(date(2026, 3, 9), 2, id="the day"),
        pytest.param(date(2026, 3, 10), 3, id="the day after"),
        pytest.param(date(2026, 3, 11), 3, id="no more after that"),
    ],
)
def test_checks_are_reminded_before_on_and_after_the_day(meeting, housing, day, count):
    factories.check_request(meeting, housing.agency)

    for number in range((day - date(2026, 3, 5)).days + 1):
        reminders.sweep(date(2026, 3, 5 + number))

    assert len(told("checks_due")) == count


def test_the_days_of_reminders_are_the_schemes_rule(merton, meeting, housing):
    rules = merton.policy.model_dump(mode="json")
    rules["check_reminders"] |= {"value": [-3]}
    PolicyVersion.objects.create(
        scheme=merton, number=2, valid_from=date(2026, 2, 26), document=rules, reason="One reminder is enough"
    )
    factories.check_request(meeting, housing.agency)

    reminders.sweep(date(2026, 3, 4))
    reminders.sweep(date(2026, 3, 9))

    assert told("checks_due") == ["Reminder: checks due Monday, 1 of 1 left"]


def test_a_stored_policy_without_the_days_takes_the_default():
    assert load_preset("merton").check_reminders == (-1, 0, 1)
    stored = load_preset("merton").model_dump(mode="json")
    del stored["check_reminders"], stored["research_again_days"]
    again = parse_policy(stored, origin="stored")
    assert (again.check_reminders, again.research_again_days) == ((-1, 0, 1), 28)


# --- Who hears of it


def test_those_who_were_chosen_hear_of_an_agencys_checks(merton, meeting, housing, as_coordinator):
    other = factories.member(merton, "member", agency_kind="housing", name="Ada Obi")

    chasing.choose_contacts(housing.agency, [other], by=as_coordinator)
    ask(meeting, housing.agency, as_coordinator)

    assert [each.recipient for each in Notification.objects.filter(kind="checks_asked")] == [other.user]
    assert chasing.contact_names([housing.agency]) == {housing.agency.pk: ["Ada Obi"]}


def test_one_who_was_chosen_and_has_left_is_no_contact(merton, housing, as_coordinator):
    other = factories.member(merton, "member", agency_kind="housing")
    chasing.choose_contacts(housing.agency, [other], by=as_coordinator)
    other.until = date(2026, 2, 26)
    other.save()

    assert chasing.contacts(housing.agency) == [housing.user]


def test_nobody_of_another_agency_is_chosen(housing, police, as_coordinator, as_housing):
    with pytest.raises(PermissionDenied):
        chasing.choose_contacts(housing.agency, [police], by=as_coordinator)
    with pytest.raises(PermissionDenied):
        chasing.choose_contacts(housing.agency, [housing], by=as_housing)


def test_a_reminder_says_who_sent_it_and_what_became_of_its_email(meeting, housing, as_coordinator, mailoutbox):
    factories.check_request(meeting, housing.agency)
    chasing.remind(meeting, [housing.agency], by=as_coordinator)
    before = chasing.reminded(meeting)[housing.agency_id]
    outbox.drain()
    after = chasing.reminded(meeting)[housing.agency_id]

    assert (before.by_clock, before.people, before.mail) == (False, 1, "e-mail on its way")
    assert after.mail == "by e-mail"
    with time_machine.travel("2026-03-06 09:00 +0000", tick=False):
        reminders.sweep(date(2026, 3, 6))
        assert chasing.reminded(meeting)[housing.agency_id].by_clock


# --- Asking further, and taking back


def test_a_further_agency_is_asked_about_everybody_or_one(meeting, housing, police, as_coordinator):
    first, second = (factories.check_request(meeting, housing.agency) for _ in range(2))

    assert asking.ask_further(meeting, police.agency, by=as_coordinator, people=[first.offender_id]) == 1
    assert asking.ask_further(meeting, police.agency, by=as_coordinator) == 1
    assert asking.ask_further(meeting, police.agency, by=as_coordinator) == 0

    asked = CheckRequest.objects.filter(agency=police.agency)
    assert {(each.offender, each.why) for each in asked} == {(each.offender, each.why) for each in (first, second)}
    assert told("checks_asked") == ["Checks due Mon 9 March: 2 names"]


def test_a_question_taken_back_is_not_waited_for_and_can_be_asked_again(meeting, housing, as_coordinator, as_housing):
    request = factories.check_request(meeting, housing.agency)

    assert asking.take_back(meeting, housing.agency, by=as_coordinator) == 1

    assert chasing.progress(CheckRequest.objects.all(), date(2026, 2, 26)) == []
    assert returns.mark_rest_not_known(meeting, by=as_housing) == 0
    [row] = returns.matrix(as_coordinator, meeting).rows
    assert row.cells[0].words == "Withdrawn"
    factories.check_request(
        meeting, factories.member(meeting.scheme, "member", agency_kind="health").agency, request.offender
    )
    assert asking.ask_further(meeting, housing.agency, by=as_coordinator) == 1
    request.refresh_from_db()
    assert (request.closed_at, request.withdrawn_at) == (None, None)


def test_what_was_sent_is_not_taken_back(meeting, housing, as_coordinator):
    factories.agency_return(factories.check_request(meeting, housing.agency), housing)

    assert asking.take_back(meeting, housing.agency, by=as_coordinator) == 0


@pytest.mark.parametrize("verb", [asking.ask_further, asking.take_back])
def test_only_the_coordinator_asks_further_or_takes_back(meeting, housing, as_housing, verb):
    with pytest.raises(PermissionDenied):
        verb(meeting, housing.agency, by=as_housing)


def test_checks_due_is_not_for_those_who_have_answered(meeting, housing):
    factories.agency_return(factories.check_request(meeting, housing.agency), housing)

    reminders.sweep(date(2026, 3, 9))

    assert told("checks_due") == []


# --- My work


def tasks(actor) -> list[str]:
    return [task.text for task in blocks.tasks_for(actor, date(2026, 2, 26)) if "Checks" in task.text]


def test_a_member_sees_the_checks_their_agency_owes(meeting, housing, police, as_housing, as_police):
    for _ in range(3):
        factories.check_request(meeting, housing.agency)
    factories.agency_return(meeting.check_requests.first(), housing)

    assert tasks(as_housing) == ["Checks for the 12 March panel: 2 of 3 left"]
    assert tasks(as_police) == []


def test_the_coordinator_sees_how_many_agencies_have_answered(meeting, housing, police, as_coordinator):
    factories.agency_return(factories.check_request(meeting, housing.agency), housing)
    factories.check_request(meeting, police.agency)

    assert tasks(as_coordinator) == ["Checks: 1 of 2 agencies answered so far"]


def test_nothing_is_asked_of_anyone_once_the_meeting_is_closed(merton, housing, as_housing, as_coordinator):
    held = factories.meeting(merton, date(2026, 2, 26), status="minutes_drafted")
    factories.check_request(held, housing.agency)

    assert tasks(as_housing) == []
    assert tasks(as_coordinator) == []


def test_the_coordinators_button_counts_whom_they_can_remind(merton, meeting, housing, as_coordinator):
    factories.check_request(meeting, housing.agency)
    nobody = factories.actor(merton, "referrer", agency_kind="health").agency
    factories.check_request(meeting, nobody)

    [task] = [task for task in blocks.tasks_for(as_coordinator, date(2026, 2, 26)) if "Checks" in task.text]

    assert (task.text, task.button) == ("Checks: 0 of 2 agencies answered so far", "Remind 1 agency")
    assert task.due == date(2026, 3, 9)


# --- The board and the case


def test_the_board_shows_the_score_that_counts_with_its_date(merton, as_coordinator):
    cases = [factories.case(merton) for _ in range(3)]
    for case in cases[:2]:
        scoring.record_official_score(
            case.offender, pct_2yr=82, scored_on=date(2026, 2, 1), by=as_coordinator, case=case
        )

    columns = blocks.columns_for(as_coordinator, cases, date(2026, 2, 26))

    assert columns[cases[0].pk]["score"] == {"pct": 82, "on": date(2026, 2, 1)}
    assert "score" not in columns[cases[2].pk]


def test_the_case_page_shows_what_agencies_said_but_not_what_is_marked(
    merton, meeting, housing, police, coordinator, sign_in
):
    case = factories.case(merton)
    factories.agency_return(
        factories.check_request(meeting, housing.agency, case.offender, case=case), housing, summary="Has a room."
    )
    factories.agency_return(
        factories.check_request(meeting, police.agency, case.offender, case=case),
        police,
        summary="Seen with a known handler.",
        handling="police_probation",
    )

    for reader in (coordinator, police, housing):
        page = sign_in(reader).get(f"/cases/{case.reference}/").content.decode()
        assert "Has a room." in page
        assert "known handler" not in page
