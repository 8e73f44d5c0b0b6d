"""Moves from youth justice to adult services, verb by verb (Hampshire, Transfer Process); rules: `offenders.youth`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.jinja import day
from iom.models import Counter, Meeting
from iom.steps import Step, StepRefused, locked, take
from offenders.models import Offender, YouthRecommendation, YouthStatus, YouthTransfer
from offenders.youth import Condition, Due, Young, conditions, steps

if TYPE_CHECKING:
    from iom.access import Actor

FACTS = ("convicted_on", "order", "order_ends_on", "managed_by")
CHANGE = "offenders.change_youth"
OPEN = frozenset({YouthStatus.STARTED, YouthStatus.RECOMMENDED, YouthStatus.REFERRED})
RECOMMEND = Step("recommend_youth", OPEN, YouthStatus.RECOMMENDED, CHANGE, done="Recommendation kept")
REFER = Step("refer_youth", frozenset({YouthStatus.RECOMMENDED}), YouthStatus.REFERRED, CHANGE, done="Referral kept")
TAKE_OVER = Step("take_over_youth", OPEN, YouthStatus.TAKEN_OVER, CHANGE, done="Taken over")
END = Step("end_youth", OPEN, YouthStatus.ENDED, CHANGE, done="Ended")


def young(transfer: YouthTransfer) -> Young:
    """What is known of the young person, for the rules."""
    return Young(transfer.offender.date_of_birth, *(getattr(transfer, name) for name in FACTS))


def due(transfer: YouthTransfer) -> tuple[Due, ...]:
    """The days of the route."""
    route = transfer.scheme.policy.youth_route
    return steps(route, young(transfer)) if route else ()


def judged(transfer: YouthTransfer) -> tuple[Condition, ...]:
    """What must be true for the transfer, and whether it is."""
    route = transfer.scheme.policy.youth_route
    return conditions(route, young(transfer)) if route else ()


@transaction.atomic
def start(offender: Offender, *, by: Actor, **facts: Any) -> YouthTransfer:
    """Begin the move of a young person. Raises PermissionDenied, or StepRefused where the scheme has no such route, the
    date of birth is not known, the person is an adult already, or a move goes on.
    """
    if not by.holds("offenders.start_youth") or offender.scheme_id != by.scheme.pk:
        raise PermissionDenied
    route = by.scheme.policy.youth_route
    if route is None:
        raise StepRefused(["This scheme has no route from youth justice."])
    offender = locked(Offender, offender.pk)
    if offender.date_of_birth is None:
        raise StepRefused(["The date of birth is not known: the route counts from it."])
    if offender.age(clock.today()) >= route.takeover.years:
        raise StepRefused([f"The person is {route.takeover.years} already. Nominate instead."])
    if YouthTransfer.objects.going_on().filter(offender=offender).exists():
        raise StepRefused(["A move of this person goes on already."])
    made = YouthTransfer.objects.create(
        scheme=by.scheme,
        reference=f"IOM-Y-{Counter.next(by.scheme, 'youth'):04}",
        offender=offender,
        opened_on=clock.today(),
        opened_by=by.user,
        **{name: facts[name] for name in FACTS if facts.get(name)},
    )
    audit.record("start_youth", made, by=by, subjects=[made.reference])
    return made


@transaction.atomic
def change_facts(transfer: YouthTransfer, *, by: Actor, version: int | None = None, **facts: Any) -> YouthTransfer:
    """Correct order, conviction and who manages. Raises PermissionDenied, Stale or StepRefused."""
    held = locked(YouthTransfer, transfer.pk, version=version)
    if not by.can(CHANGE, held):
        raise PermissionDenied
    if not held.is_open:
        raise StepRefused([f"{held.reference} is over."])
    for name in FACTS:
        if name in facts:
            setattr(held, name, facts[name] or (None if name.endswith("_on") else ""))
    held.version += 1
    held.save(update_fields=[*FACTS, "version"])
    audit.record("change_youth", held, by=by, fields=facts, subjects=[held.reference])
    return held


@transaction.atomic
def recommend(
    transfer: YouthTransfer, what: str, *, on: date, reason: str, by: Actor, meeting: Meeting | None = None
) -> YouthTransfer:
    """Keep what the transfer panel recommends: IOM, MAPPA, or no police management. Raises as `take`."""
    if not reason.strip():
        raise StepRefused(["Enter why the panel recommends it."])
    return take(
        RECOMMEND,
        transfer,
        by=by,
        reason=reason,
        subjects=[transfer.reference],
        recommendation=YouthRecommendation(what),
        recommended_on=on,
        recommended_at=meeting,
        recommended_because=reason.strip()[:600],
    )


@transaction.atomic
def referred(transfer: YouthTransfer, by_whom: str, *, on: date, by: Actor) -> YouthTransfer:
    """Keep that YOT or probation refers to IOM, on the panel's recommendation. Raises as `take`, and StepRefused."""
    if transfer.recommendation != YouthRecommendation.IOM:
        raise StepRefused(["The panel did not recommend IOM, so there is no referral to it."])
    given = {"referred_by": by_whom, "referred_on": on}
    return take(REFER, transfer, by=by, subjects=[transfer.reference], **given)


@transaction.atomic
def take_over(transfer: YouthTransfer, *, on: date, by: Actor) -> YouthTransfer:
    """Keep that adult services took over: on the birthday, never before. Raises as `take`, and StepRefused."""
    over = next((each.on for each in due(transfer) if each.slug == "takeover"), None)
    if over is not None and on < over:
        raise StepRefused([f"The take-over is on {day(over)}, the birthday, not before."])
    return take(TAKE_OVER, transfer, by=by, subjects=[transfer.reference], taken_over_on=on)


@transaction.atomic
def end(transfer: YouthTransfer, *, reason: str, by: Actor) -> YouthTransfer:
    """End a move that does not come to a take-over. Raises as `take`, and StepRefused without a reason."""
    if not reason.strip():
        raise StepRefused(["Enter why it ends."])
    given = {"ended_on": clock.today(), "ended_because": reason.strip()[:300]}
    return take(END, transfer, by=by, reason=reason, subjects=[transfer.reference], **given)
