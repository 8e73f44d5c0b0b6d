"""Nominating somebody again who was refused, withdrawn, referred elsewhere, or has left the cohort.

What was decided before, when, by whom and why stays with the new nomination: the panel asks what has changed since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import together
from iom.clock import LONDON
from iom.steps import StepRefused
from offenders.models import Case, CaseStatus, Offender, Transfer
from referrals import actions, hooks
from referrals.models import OPEN, Referral, ReferralStatus

if TYPE_CHECKING:
    from iom.access import Actor

# Where the panel accepted, the case says how it went on.
OVER = (
    ReferralStatus.NOT_ACCEPTED,
    ReferralStatus.REFERRED_ELSEWHERE,
    ReferralStatus.WITHDRAWN,
    ReferralStatus.ACCEPTED,
)


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier nomination or case: what became of it, when, by whom, and why as far as the reader may know."""

    thing: Referral | Case
    outcome: str
    on: date
    by: str
    reason: str

    @property
    def reference(self) -> str:
        return self.thing.reference


def history(actor: Actor, offender: Offender, *, but: Referral | None = None) -> tuple[Past, ...]:
    """What the actor may know of the person's earlier nominations and closed cases, the newest first, without `but`.

    A draft that nobody ever sent says nothing of the person.
    """
    return together.run(history_steps(actor, offender, but=but))


def history_steps(actor: Actor, offender: Offender, *, but: Referral | None = None) -> together.Steps[tuple[Past, ...]]:
    """`history`, read in its caller's round."""
    rows = Referral.objects.visible_to(actor).filter(offender=offender, status__in=OVER, sent_at__isnull=False)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    referrals, cases = yield [
        rows.select_related("meeting__body", "agency"),
        Case.objects.visible_to(actor).filter(offender=offender, status=CaseStatus.CLOSED),
    ]
    told = hooks.what_was_decided(actor, referrals, cases)
    past = [_of_nomination(each, told.get(each)) for each in referrals] + [
        _of_case(each, told.get(each)) for each in cases
    ]
    return tuple(sorted(past, key=lambda each: (each.on, each.thing.pk), reverse=True))


def _of_nomination(referral: Referral, told: hooks.Told | None) -> Past:
    if referral.status == ReferralStatus.WITHDRAWN:
        return Past(referral, "Withdrawn", _day(referral), referral.agency.name, referral.withdrawn_because)
    outcome = referral.get_status_display()
    if told is None:
        meeting = referral.meeting
        return Past(referral, outcome, meeting.date if meeting else _day(referral), "", "")
    return Past(referral, outcome, told.on, told.by, told.reason)


def _of_case(case: Case, told: hooks.Told | None) -> Past:
    by, reason = (told.by, told.reason) if told else ("", "")
    return Past(case, "Left the cohort", case.ended_on, by, reason)


def _day(referral: Referral) -> date:
    return referral.sent_at.astimezone(LONDON).date()


def can_be_taken_up(referral: Referral) -> bool:
    """Whether a nomination is over, so that another may follow it."""
    return referral.status in OVER and referral.sent_at is not None


def may_follow(actor: Actor, referral: Referral) -> bool:
    """Whether to show the way to nominate its person again: nobody is nominated twice, or from the cohort."""
    if not (can_be_taken_up(referral) and actor.holds("referrals.nominate")):
        return False
    person = referral.offender_id
    waiting = Referral.objects.in_scheme_of(actor).filter(offender=person, status__in=OPEN)
    return not (waiting.exists() or Case.objects.in_scheme_of(actor).filter(offender=person).not_closed().exists())


@transaction.atomic
def nominate_again(
    after: Referral | Case,
    *,
    by: Actor,
    mappa_level: int | None,
    changed_since: str,
    facts: Mapping[str, Any] | None = None,
    reopened_because: str = "",
    criteria: str = "",
    transfer: Transfer | None = None,
) -> Referral:
    """Begin a nomination of the person of an earlier one, or of a closed case, and say what has changed since.

    Raises PermissionDenied where the actor may not read what it follows; StepRefused when that is not over, when
    nothing is said to have changed, and as `actions.nominate`.
    """
    rows = type(after).objects.visible_to(by).select_related("offender")
    held = rows.filter(pk=after.pk).first()
    if held is None:
        raise PermissionDenied
    if isinstance(held, Case) and held.status != CaseStatus.CLOSED:
        raise StepRefused([f"{held.reference} is not closed: the person is on the cohort."])
    if isinstance(held, Referral) and not can_be_taken_up(held):
        raise StepRefused([f"{held.reference} has not been decided yet."])
    if not changed_since.strip():
        raise StepRefused(["Enter what has changed since."])
    return actions.nominate(
        by=by,
        person=held.offender,
        mappa_level=mappa_level,
        facts=facts,
        reopened_because=reopened_because,
        criteria=criteria,
        transfer=transfer,
        follows=held if isinstance(held, Referral) else _that_led_to(held, by),
        follows_case=held if isinstance(held, Case) else _that_followed(held, by),
        changed_since=changed_since.strip(),
    )


def _that_led_to(case: Case, by: Actor) -> Referral | None:
    """The nomination by which a case began, where the actor may read it; people who came with a sheet have none."""
    rows = Referral.objects.visible_to(by).filter(offender=case.offender_id, status=ReferralStatus.ACCEPTED)
    return rows.filter(sent_at__date__lte=case.accepted_on).first()


def _that_followed(referral: Referral, by: Actor) -> Case | None:
    """The closed case to which an accepted nomination led, where the actor may read it."""
    if referral.status != ReferralStatus.ACCEPTED:
        return None
    rows = Case.objects.visible_to(by).filter(offender=referral.offender_id, status=CaseStatus.CLOSED)
    return rows.order_by("-accepted_on", "-pk").first()
