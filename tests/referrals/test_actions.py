"""The verbs of a referral: what each writes, who is told, and who may not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import PermissionDenied

from iom import outbox
from iom.models import Agency, AuditEvent, Notification
from iom.steps import Stale, StepRefused
from referrals import actions, hooks
from referrals.models import AgencyReturn, CheckRequest
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def february():
    with time_machine.travel("2026-02-20 10:00+00:00", tick=False):
        yield


@pytest.fixture
def panel(merton):
    return factories.meeting(merton, date(2026, 3, 12))


@pytest.fixture
def april(merton, panel):
    return factories.meeting(merton, date(2026, 4, 9))


@pytest.fixture
def draft(merton, police, panel):
    return factories.referral(merton, police, meeting=panel)


@pytest.fixture
def waiting(merton, police, panel, coordinator):
    """Sent, and with the coordinator."""
    return factories.referral(merton, police, status="with_coordinator", meeting=panel)


def told(kind: str) -> list[tuple[str, str]]:
    return [(row.recipient.name, row.text) for row in Notification.objects.filter(kind=kind).order_by("pk")]


# --- start ------------------------------------------------------------------


def test_start_takes_the_next_number_and_the_panel_still_open(merton, as_police, panel, april):
    first = actions.start(by=as_police, offender=factories.offender(merton), mappa_level=0)
    second = actions.start(by=as_police, offender=factories.offender(merton), mappa_level=None)

    assert (first.reference, second.reference) == ("IOM-R-0001", "IOM-R-0002")
    assert (first.status, first.meeting, first.agency.kind) == ("draft", panel, "police")


@pytest.mark.parametrize("level", [2, 3])
def test_start_refuses_a_known_exclusion(merton, as_police, level):
    with pytest.raises(StepRefused, match="MAPPA Level 2 or 3"):
        actions.start(by=as_police, offender=factories.offender(merton), mappa_level=level)


def test_start_reopens_an_exclusion_for_the_coordinator_with_a_reason_only(merton, as_coordinator, as_police):
    someone = factories.offender(merton)
    with pytest.raises(StepRefused, match="Enter a reason"):
        actions.start(by=as_coordinator, offender=someone, mappa_level=2, reopened_because="  ")
    with pytest.raises(StepRefused, match="MAPPA"):
        actions.start(by=as_police, offender=someone, mappa_level=2, reopened_because="The level is ending.")

    referral = actions.start(
        by=as_coordinator, offender=someone, mappa_level=2, reopened_because="The level is ending."
    )

    assert referral.reopened_because == "The level is ending."
    assert AuditEvent.objects.get(verb="start_referral").has_reason


def test_start_refuses_what_else_the_scheme_excludes(db):
    richmond = factories.scheme("richmond")
    by = factories.actor(richmond, "member")

    with pytest.raises(StepRefused, match="engaged by the MARAC"):
        actions.start(by=by, offender=factories.offender(richmond), mappa_level=0, facts={"marac": True})

    assert actions.start(by=by, offender=factories.offender(richmond), mappa_level=0, facts={"marac": False}).facts == {
        "marac": False
    }


@pytest.mark.parametrize(
    ("status", "refused"),
    [("draft", True), ("on_agenda", True), ("deferred", True), ("withdrawn", False), ("not_accepted", False)],
)
def test_start_refuses_someone_who_is_nominated_already(merton, police, as_police, status, refused):
    someone = factories.offender(merton)
    factories.referral(merton, police, who=someone, status=status)

    if refused:
        with pytest.raises(StepRefused, match="nominated this person already"):
            actions.start(by=as_police, offender=someone, mappa_level=0)
    else:
        assert actions.start(by=as_police, offender=someone, mappa_level=0).status == "draft"


def test_start_refuses_someone_on_the_cohort(merton, as_police):
    case = factories.case(merton)

    with pytest.raises(StepRefused, match="on the cohort already"):
        actions.start(by=as_police, offender=case.offender, mappa_level=0)


def test_start_is_not_for_board_readers_or_people_of_another_scheme(merton, as_police):
    elsewhere = factories.offender(factories.scheme("london"))

    for by, who in [(factories.actor(merton, "board_reader"), factories.offender(merton)), (as_police, elsewhere)]:
        with pytest.raises(PermissionDenied):
            actions.start(by=by, offender=who, mappa_level=0)


def test_nominate_enters_nobody_when_it_is_refused(merton, as_police):
    person = {"family_name": "Specimen", "given_names": "Ray", "date_of_birth": date(1995, 7, 7)}

    with pytest.raises(StepRefused):
        actions.nominate(by=as_police, person=person, mappa_level=3)

    assert not merton_people(merton)


def merton_people(scheme):
    from offenders.models import Offender

    return Offender.objects.filter(scheme=scheme)


# --- save_section -----------------------------------------------------------


def test_save_section_keeps_answers_the_person_and_what_cannot_be_stored(draft, as_police):
    saved = actions.save_section(
        draft,
        "identity",
        by=as_police,
        done=False,
        typed={"date_of_birth": "31 2 1995"},
        given_names="Raymond",
        aliases=["Razor"],
    )

    assert saved.offender.given_names == "Raymond"
    assert [alias.name for alias in saved.offender.aliases.all()] == ["Razor"]
    assert saved.typed == {"identity": {"date_of_birth": "31 2 1995"}}
    assert "identity" not in saved.sections_done
    assert saved.version == draft.version + 1


def test_save_section_done_forgets_what_was_typed(draft, as_police):
    actions.save_section(draft, "harm", by=as_police, done=False, typed={"harm": "?"})

    saved = actions.save_section(draft, "harm", by=as_police, done=True, harm="To his partner.", high_risk_of_harm=True)

    assert (saved.typed, "harm" in saved.sections_done, saved.harm) == ({}, True, "To his partner.")


def test_save_section_is_for_whoever_wrote_it(draft, as_coordinator, as_housing):
    for by in (as_coordinator, as_housing):
        with pytest.raises(PermissionDenied):
            actions.save_section(draft, "harm", by=by, done=True, harm="Not theirs.")


def test_save_section_refuses_another_sections_answers(draft, as_police):
    with pytest.raises(TypeError, match="evidence"):
        actions.save_section(draft, "harm", by=as_police, done=True, evidence="Somewhere else.")


def test_save_section_refuses_a_stale_version_and_a_sent_referral(draft, as_police, coordinator):
    actions.save_section(draft, "harm", by=as_police, done=True, harm="One.")
    with pytest.raises(Stale):
        actions.save_section(draft, "harm", by=as_police, done=True, version=draft.version, harm="Two.")

    actions.send(draft, by=as_police)
    with pytest.raises(StepRefused, match="already sent"):
        actions.save_section(draft, "harm", by=as_police, done=True, harm="Three.")


# --- send -------------------------------------------------------------------


def test_send_tells_the_coordinator_without_naming_the_person(draft, as_police, coordinator):
    sent = actions.send(draft, by=as_police)
    outbox.drain()

    assert (sent.status, sent.late, sent.sent_at) == ("sent", False, datetime(2026, 2, 20, 10, tzinfo=UTC))
    [message] = mail.outbox
    assert (message.to, message.subject) == ([coordinator.user.email], f"Triage referral {draft.reference}")
    assert f"/referrals/{draft.reference}/triage/?in=merton" in message.body
    assert "Thursday 12 March 2026" in message.body
    assert draft.offender.family_name not in message.body


def test_send_after_the_deadline_with_a_reason_is_late(draft, as_police, coordinator):
    actions.save_section(draft, "late", by=as_police, done=True, meeting=draft.meeting, urgent_reason="Out on Friday.")

    with time_machine.travel("2026-03-03 09:00+00:00", tick=False):
        sent = actions.send(draft, by=as_police)
        outbox.drain()

    assert (sent.status, sent.late) == ("sent", True)
    assert "after the deadline" in mail.outbox[0].body


def test_send_without_any_panel_leaves_the_choice_to_the_coordinator(merton, police, as_police, coordinator):
    referral = factories.referral(merton, police)

    sent = actions.send(referral, by=as_police)

    assert (sent.status, sent.meeting, sent.late) == ("sent", None, False)


def test_send_goes_to_the_open_panel_when_its_own_was_called_off(draft, as_police, april):
    draft.meeting.status = "cancelled"
    draft.meeting.save()

    assert actions.send(draft, by=as_police).meeting == april


def test_send_again_in_time_stays_in_time_whenever_it_comes_back(draft, as_police, as_coordinator):
    actions.send(draft, by=as_police)
    returned = actions.return_for_information(draft, message="Who supervises him?", by=as_coordinator)
    assert (returned.status, returned.message_to_referrer) == ("returned", "Who supervises him?")

    with time_machine.travel("2026-03-04 09:00+00:00", tick=False):
        again = actions.send(returned, by=as_police)

    assert (again.status, again.late, again.sent_at.date()) == ("sent", False, date(2026, 2, 20))
    assert len(told("referral_sent")) == 2
    assert told("referral_returned") == [("Tom Dunn", f"More information needed: referral {draft.reference}")]


def test_return_needs_a_message(waiting, as_coordinator):
    with pytest.raises(StepRefused, match="message to the referrer"):
        actions.return_for_information(waiting, message=" ", by=as_coordinator)


# --- put_to_panel, ask_agencies, withdraw, decided --------------------------


@pytest.fixture
def registered(monkeypatch):
    """What the hooks were called with, in place of what other apps registered."""
    calls = []
    monkeypatch.setattr(hooks, "_put_to_panel", [lambda *given: calls.append(("on", *given))])
    monkeypatch.setattr(hooks, "_off_agenda", [lambda *given: calls.append(("off", *given))])
    return calls


def test_put_to_panel_asks_agencies_and_runs_the_hooks(waiting, panel, as_coordinator, housing, registered):
    on = actions.put_to_panel(waiting, meeting=panel, agencies=[housing.agency], by=as_coordinator)
    outbox.drain()

    assert (on.status, on.meeting) == ("on_agenda", panel)
    assert registered == [("on", on, panel, as_coordinator)]
    request = CheckRequest.objects.get()
    assert (request.agency, request.offender, request.referral, request.why) == (
        housing.agency,
        on.offender,
        on,
        "referral",
    )
    assert request.due_on == panel.dates.checks_due.date
    [message] = mail.outbox
    assert message.to == [housing.user.email]
    assert message.subject.startswith("Checks due Mon 9 March: ")
    assert "/research/2026-03-12/?in=merton" in message.body
    assert told("referral_on_agenda") == [("Tom Dunn", f"Referral {on.reference} goes to the panel of 12 March")]


def test_put_to_panel_refuses_a_meeting_that_is_over(waiting, panel, as_coordinator):
    panel.status = "minutes_drafted"
    panel.save()

    with pytest.raises(StepRefused, match="takes no more referrals"):
        actions.put_to_panel(waiting, meeting=panel, agencies=[], by=as_coordinator)


@pytest.mark.parametrize(
    ("sent_on", "late"),
    [
        pytest.param(datetime(2026, 3, 2, 23, 59, tzinfo=UTC), False, id="in time"),
        pytest.param(datetime(2026, 3, 3, 0, 0, tzinfo=UTC), True, id="after the deadline"),
    ],
)
def test_put_to_panel_judges_lateness_by_the_panel_it_goes_to(merton, police, panel, as_coordinator, sent_on, late):
    referral = factories.referral(merton, police, status="sent", late=not late, sent_at=sent_on)

    assert actions.put_to_panel(referral, meeting=panel, agencies=[], by=as_coordinator).late is late


def test_put_to_panel_is_the_coordinators(waiting, panel, as_police, as_chair):
    for by in (as_police, as_chair):
        with pytest.raises(PermissionDenied):
            actions.put_to_panel(waiting, meeting=panel, agencies=[], by=by)


def test_ask_agencies_twice_asks_once(merton, panel, as_coordinator, housing):
    someone = factories.offender(merton)

    for _ in range(2):
        actions.ask_agencies(
            meeting=panel, offender=someone, agencies=[housing.agency], why="review", by=as_coordinator
        )

    assert CheckRequest.objects.count() == 1
    assert len(told("checks_asked")) == 1


def test_ask_agencies_tells_those_again_who_had_answered_everything(merton, panel, as_coordinator, housing):
    def ask():
        [request] = actions.ask_agencies(
            meeting=panel,
            offender=factories.offender(merton),
            agencies=[housing.agency],
            why="referral",
            by=as_coordinator,
        )
        return request

    first = ask()
    ask()
    assert len(told("checks_asked")) == 1

    for request in CheckRequest.objects.all():
        AgencyReturn.objects.create(
            scheme=merton,
            request=request,
            known="not_known",
            answered_by=housing.user,
            sent_at=first.asked_at,
        )
    ask()
    assert len(told("checks_asked")) == 2


def test_ask_agencies_never_asks_across_schemes(merton, panel, as_coordinator, housing):
    elsewhere = factories.offender(factories.scheme("london"))

    with pytest.raises(PermissionDenied):
        actions.ask_agencies(
            meeting=panel, offender=elsewhere, agencies=[housing.agency], why="review", by=as_coordinator
        )


def test_withdraw_from_an_agenda_closes_the_checks(waiting, panel, as_police, as_coordinator, housing, registered):
    on = actions.put_to_panel(waiting, meeting=panel, agencies=[housing.agency], by=as_coordinator)
    registered.clear()

    gone = actions.withdraw(on, by=as_police, reason="Recalled to prison.")

    assert (gone.status, gone.withdrawn_because) == ("withdrawn", "Recalled to prison.")
    assert registered == [("off", gone, panel, as_police)]
    assert not CheckRequest.objects.filter(closed_at=None).exists()
    assert told("referral_withdrawn") == [("Priya Shah", f"Referral {on.reference} withdrawn")]


def test_withdraw_of_a_draft_tells_nobody(draft, as_police, coordinator):
    actions.withdraw(draft, by=as_police)

    assert not Notification.objects.exists()


def test_withdraw_is_not_for_others_of_the_panel(waiting, as_housing):
    with pytest.raises(PermissionDenied):
        actions.withdraw(waiting, by=as_housing)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("accept", "accepted"),
        ("not_accept", "not_accepted"),
        ("defer", "deferred"),
        ("elsewhere", "referred_elsewhere"),
    ],
)
def test_decided_takes_the_step_and_closes_the_checks(waiting, panel, as_coordinator, housing, outcome, status):
    on = actions.put_to_panel(waiting, meeting=panel, agencies=[housing.agency], by=as_coordinator)

    decided = actions.decided(on, outcome, by=as_coordinator, reason="As minuted.")

    assert decided.status == status
    assert CheckRequest.objects.get().closed_at is not None


def test_decided_refuses_what_is_on_no_agenda(waiting, as_coordinator):
    with pytest.raises(StepRefused):
        actions.decided(waiting, "accept", by=as_coordinator)


def test_deferred_referral_comes_back_and_is_checked_again(waiting, panel, april, as_coordinator, housing):
    on = actions.put_to_panel(waiting, meeting=panel, agencies=[housing.agency], by=as_coordinator)
    deferred = actions.decided(on, "defer", by=as_coordinator)

    back = actions.put_to_panel(deferred, meeting=april, agencies=[housing.agency], by=as_coordinator)

    assert (back.status, back.meeting) == ("on_agenda", april)
    assert [request.meeting for request in CheckRequest.objects.filter(closed_at=None)] == [april]


def test_audit_of_a_nomination_holds_no_names(draft, as_police, coordinator):
    actions.save_section(draft, "identity", by=as_police, done=True, given_names="Raymond")
    actions.send(draft, by=as_police)

    events = AuditEvent.objects.all()
    assert {event.verb for event in events} >= {"save_section", "change_offender", "send"}
    assert not [event for event in events if "Raymond" in str(event.__dict__)]
