"""Restricted cases: who is named, who opens in an emergency, what ends by itself (security.md Z4, Z5, Z7, Z12)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom import clock, notify
from iom.access import actor_for, task_actor
from iom.models import AuditEvent, Notification
from iom.steps import StepRefused
from offenders import reminders, restricted
from offenders.actions import assign, record_custody
from offenders.models import Case, CaseGrant, Restriction, may_open
from referrals.models import Referral
from tests import factories

pytestmark = pytest.mark.django_db

WHY = "A colleague of the lead agency is a relative."
EMERGENCY = "Threat to his life reported at 02:10, need the address."


def soon(days: int = 30):
    return clock.today() + timedelta(days=days)


@pytest.fixture
def case(merton):
    return factories.case(merton)


@pytest.fixture
def restrict(case, as_coordinator):
    def keep_to(*people, until=None):
        restricted.restrict(case, reason=WHY, people=people, until=until or soon(), by=as_coordinator)
        case.refresh_from_db()
        return case

    return keep_to


# --- Who finds it


def test_restricted_case_is_open_to_the_named_who_signed_and_to_nobody_else(
    restrict, police, housing, as_housing, as_police, as_chair, as_coordinator
):
    factories.signed(police)

    case = restrict(police)

    assert may_open(as_police, case)
    assert not any(may_open(actor, case) for actor in (as_housing, as_chair, as_coordinator))


def test_named_person_who_has_not_signed_the_version_in_force_finds_nothing(restrict, police, as_police):
    signature = factories.signed(police)
    case = restrict(police)
    assert may_open(as_police, case)

    later = as_police.scheme.policy_version
    later.document["sharing_agreement"]["version"] = "2"
    later.number, later.pk, later.document = 2, None, later.document
    later.save()
    anew = actor_for(type(police).objects.get(pk=police.pk))

    assert not may_open(anew, case)


def test_grant_ends_with_the_last_day_in_london(restrict, police, as_police):
    factories.signed(police)
    with time_machine.travel("2026-06-01 12:00 +0000", tick=False):
        case = restrict(police, until=clock.today())
    with time_machine.travel("2026-06-01 22:59:59 +0000", tick=False):  # 23:59:59 in London
        assert may_open(as_police, case)
    with time_machine.travel("2026-06-01 23:00 +0000", tick=False):
        assert not may_open(as_police, case)


def test_account_that_is_closed_opens_nothing(restrict, police, as_police):
    factories.signed(police)
    case = restrict(police)

    police.user.is_active = False
    police.user.save()

    assert not may_open(as_police, case)


def test_system_admin_without_a_role_has_no_case(restrict, merton, police):
    admin = factories.member(merton, "scheme_admin")
    admin.user.is_system_admin = admin.user.is_superuser = True
    admin.user.save()

    assert not may_open(actor_for(admin), restrict(police))


# --- Restricting


def test_lead_professional_may_restrict_and_answers_for_it(case, police, as_police, as_coordinator):
    assign(case, "lead_professional", agency=police.agency, membership=police, on=clock.today(), by=as_coordinator)

    made = restricted.restrict(Case.objects.get(pk=case.pk), reason=WHY, people=[police], until=soon(), by=as_police)

    assert made.owner == police
    assert restricted.owner_of(Case.objects.get(pk=case.pk)) == police


@pytest.mark.parametrize("who", ["as_housing", "as_chair"])
def test_others_may_not_restrict(case, police, who, request):
    with pytest.raises(PermissionDenied):
        restricted.restrict(case, reason=WHY, people=[police], until=soon(), by=request.getfixturevalue(who))


@pytest.mark.parametrize(
    ("until", "words"),
    [(-1, "today or later"), (366, "within 365 days")],
    ids=["past", "too far"],
)
def test_end_of_a_grant_is_near_and_not_past(case, police, as_coordinator, until, words):
    with pytest.raises(StepRefused, match=words):
        restricted.restrict(case, reason=WHY, people=[police], until=soon(until), by=as_coordinator)


def test_only_people_who_work_with_cases_here_can_be_named(case, merton, as_coordinator):
    elsewhere = factories.member(factories.scheme("london"), "member")
    reader = factories.member(merton, "board_reader")
    for stranger in (elsewhere, reader):
        with pytest.raises(StepRefused, match="work with cases"):
            restricted.restrict(case, reason=WHY, people=[stranger], until=soon(), by=as_coordinator)

    assert not Case.objects.filter(restricted=True).exists()


def test_restricting_leaves_marks_without_names_or_reasons(restrict, police):
    case = restrict(police)

    events = AuditEvent.objects.filter(verb__in=["restrict", "grant"])
    assert {event.verb for event in events} == {"restrict", "grant"}
    assert all(event.has_reason and event.subjects == [case.reference] for event in events)
    assert WHY not in str(list(events.values()))


def test_lifting_opens_the_case_and_ends_every_grant(restrict, coordinator, police, as_coordinator, as_housing):
    factories.signed(coordinator)
    case = restrict(coordinator, police)

    restricted.lift(case, reason="The colleague has left.", by=as_coordinator)

    case.refresh_from_db()
    assert may_open(as_housing, case)
    assert not CaseGrant.objects.exists()
    assert Restriction.objects.get().lifted_because == "The colleague has left."


# --- Naming


def test_nobody_names_themselves(restrict, coordinator, police, as_coordinator):
    factories.signed(coordinator)
    case = restrict(coordinator, police)

    with pytest.raises(StepRefused, match="Nobody names themselves"):
        restricted.grant(case, coordinator, reason="For ever", until=soon(300), by=as_coordinator)


def test_last_person_named_stays(restrict, coordinator, as_coordinator, police):
    factories.signed(coordinator)
    case = restrict(coordinator, police)

    restricted.end_grant(CaseGrant.objects.get(user=police.user), by=as_coordinator)
    with pytest.raises(StepRefused, match="has to stay named"):
        restricted.end_grant(CaseGrant.objects.get(user=coordinator.user), by=as_coordinator)

    assert may_open(as_coordinator, case)


def test_whoever_is_taken_off_loses_the_case_and_what_they_were_told(restrict, coordinator, police, as_coordinator):
    factories.signed(coordinator)
    case = restrict(coordinator)
    factories.signed(police)
    held = restricted.grant(case, police, reason="Visits him", until=soon(), by=as_coordinator)
    assert Notification.objects.filter(recipient=police.user, text__contains=case.reference).exists()

    restricted.end_grant(held, by=as_coordinator)

    assert not may_open(actor_for(police), case)
    assert not Notification.objects.filter(recipient=police.user, text__contains=case.reference).exists()


# --- In an emergency


@pytest.fixture
def sealed(restrict, police):
    return restrict(police)


@pytest.mark.parametrize("who", ["as_coordinator", "as_chair"])
def test_emergency_opens_for_sixty_minutes_and_ends_by_itself(sealed, who, request):
    actor = request.getfixturevalue(who)
    with time_machine.travel("2026-06-01 12:00 +0000", tick=False) as at:
        restricted.break_glass(sealed, reason=EMERGENCY, by=actor)
        assert may_open(actor, sealed)
        at.move_to("2026-06-01 12:59:59 +0000")
        assert may_open(actor, sealed)
        at.move_to("2026-06-01 13:00 +0000")
        assert not may_open(actor, sealed)


def test_emergency_ends_with_the_role(sealed, coordinator, as_coordinator):
    restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)

    coordinator.roles = ["member"]
    coordinator.save()

    assert not may_open(actor_for(coordinator), sealed)


def test_emergency_of_one_is_no_emergency_of_another(sealed, as_coordinator, as_chair):
    restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)

    assert not may_open(as_chair, sealed)


@pytest.mark.parametrize(
    "reason", ["", "   ", "x" * 19, "a  " * 6 + "b"], ids=["none", "blank", "19", "blanks between"]
)
def test_short_reason_keeps_it_shut(sealed, as_coordinator, reason):
    with pytest.raises(StepRefused, match="20 characters"):
        restricted.break_glass(sealed, reason=reason, by=as_coordinator)

    assert not may_open(as_coordinator, sealed)


def test_twenty_characters_are_enough(sealed, as_coordinator):
    restricted.break_glass(sealed, reason="x" * 20, by=as_coordinator)

    assert may_open(as_coordinator, sealed)


def test_members_and_other_schemes_do_not_break_the_glass(sealed, as_housing):
    stranger = factories.actor(factories.scheme("london"), "coordinator")
    for actor in (as_housing, stranger):
        with pytest.raises(PermissionDenied):
            restricted.break_glass(sealed, reason=EMERGENCY, by=actor)


def test_owner_and_scheme_admin_are_told_at_once_by_reference(case, merton, police, as_coordinator, as_chair):
    admin = factories.member(merton, "scheme_admin")
    assign(case, "lead_professional", agency=police.agency, membership=police, on=clock.today(), by=as_coordinator)
    restricted.restrict(case, reason=WHY, people=[police], until=soon(), by=as_coordinator)

    restricted.break_glass(case, reason=EMERGENCY, by=as_chair)

    told = Notification.objects.filter(kind="opened_in_emergency")
    assert {notice.recipient for notice in told} == {police.user, admin.user}
    for notice in told:
        assert case.reference in notice.text
        assert case.offender.family_name not in notice.text + notice.email_body
        assert EMERGENCY not in notice.text + notice.email_body


def test_second_emergency_is_told_again(sealed, merton, as_coordinator):
    factories.member(merton, "scheme_admin")
    with time_machine.travel("2026-06-01 12:00 +0000", tick=False) as at:
        restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)
        before = Notification.objects.filter(kind="opened_in_emergency").count()
        at.move_to("2026-06-01 13:00 +0000")
        restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)

    assert Notification.objects.filter(kind="opened_in_emergency").count() == 2 * before


def test_after_an_emergency_the_restriction_is_not_lifted_nor_is_one_named(sealed, coordinator, as_coordinator):
    restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)

    with pytest.raises(StepRefused, match="Ask its owner"):
        restricted.lift(sealed, reason="Not needed", by=as_coordinator)
    with pytest.raises(StepRefused, match="Nobody names themselves"):
        restricted.grant(sealed, coordinator, reason="To go on", until=soon(), by=as_coordinator)


def test_case_on_which_nobody_is_named_any_more_can_be_opened_again(sealed, as_coordinator):
    CaseGrant.objects.all().delete()
    restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)

    restricted.lift(sealed, reason="Everyone named has left.", by=as_coordinator)

    assert not Case.objects.get(pk=sealed.pk).restricted


def test_nobody_looks_over_their_own_opening(sealed, merton, as_coordinator):
    opening = restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)
    with pytest.raises(StepRefused, match="their own"):
        restricted.review(opening, by=as_coordinator)

    admin = factories.actor(merton, "scheme_admin")
    assert restricted.review(opening, by=admin).reviewed_by == admin.user


# --- What people are told


def test_what_others_were_told_is_taken_back(case, merton, police, housing, as_coordinator):
    referral = factories.referral(merton, housing, status="accepted", who=case.offender)
    other = factories.case(merton)
    for number, words in enumerate((case.reference, referral.reference, other.reference)):
        notify.tell(
            [police.user, housing.user],
            scheme=merton,
            kind="told",
            subject=f"{words} {number}",
            text=f"Something about {words}",
            url="/",
        )

    restricted.restrict(case, reason=WHY, people=[police], until=soon(), by=as_coordinator)

    assert [notice.text for notice in Notification.objects.filter(recipient=housing.user)] == [
        f"Something about {other.reference}"
    ]
    assert Notification.objects.filter(recipient=police.user).count() == 3


@pytest.mark.parametrize("where", ["text", "url", "subject", "email_body"])
def test_nobody_else_is_told_of_it_whoever_writes_the_notice(sealed, merton, police, housing, where):
    words = {"text": "News", "url": "/", "subject": "news", "email_body": ""}
    words[where] = f"/cases/{sealed.reference}/"

    told = notify.tell([police.user, housing.user], scheme=merton, kind="news", **words)

    assert told == 1
    assert Notification.objects.get().recipient == police.user


def test_nobody_else_is_told_of_a_nomination_of_the_person(sealed, merton, police, housing):
    referral: Referral = factories.referral(merton, housing, status="sent", who=sealed.offender)

    notify.tell(
        [housing.user], scheme=merton, kind="news", subject="x", text=f"Decision on {referral.reference}", url="/"
    )

    assert not Notification.objects.exists()


def test_reminders_of_it_go_to_those_named(case, merton, coordinator, police, as_coordinator):
    record_custody(
        case,
        kind="sentence",
        prison="HMP Example",
        starts_on=clock.today(),
        release_expected_on=soon(5),
        by=as_coordinator,
    )
    restricted.restrict(case, reason=WHY, people=[police], until=soon(), by=as_coordinator)

    [due] = [each for each in reminders.releases(merton, clock.today()) if each.subject == case.reference]

    assert due.recipients == (police.user,)


# --- Leftovers


def test_grants_of_people_who_left_are_removed(restrict, merton, coordinator, police, housing, chair):
    case = restrict(coordinator, police, housing, chair)
    police.until = clock.today()
    police.save()
    housing.user.is_active = False
    housing.user.save()
    chair.roles = ["board_reader"]
    chair.save()
    by = task_actor(merton, "remove_leftovers")

    assert restricted.remove_leftovers(merton, clock.today(), by=by) == 3
    assert [held.user for held in restricted.grants_of(case)] == [coordinator.user]
    assert restricted.remove_leftovers(merton, clock.today(), by=by) == 0


def test_grants_whose_time_is_over_are_removed_to_the_second(restrict, merton, police):
    by = task_actor(merton, "remove_leftovers")
    with time_machine.travel("2026-06-01 12:00 +0000", tick=False) as at:
        restrict(police, until=clock.today())
        at.move_to("2026-06-01 22:59:59 +0000")
        assert restricted.remove_leftovers(merton, clock.today(), by=by) == 0
        at.move_to("2026-06-01 23:00 +0000")
        assert restricted.remove_leftovers(merton, clock.today(), by=by) == 1
