"""What plans and offers show beside a rating (`offenders.evidence`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from django.db.models import OuterRef, Q, QuerySet

from iom import clock, together
from iom.access import Actor
from iom.jinja import plural
from offenders.evidence import Fact, rating_evidence, shows, shows_within
from offenders.mismatch import Event, EventKind
from offenders.models import Case

from .models import Action, ActionKind, ActionStatus, Offer, OfferAnswer

MISSED = (OfferAnswer.REFUSED, OfferAnswer.DID_NOT_ATTEND, OfferAnswer.STOPPED)


@shows
def offered(cases: Sequence[Case], since: date) -> Iterator[Any]:
    """An offer that is taken up is an intervention for as long as it is; any other on its day."""
    for case, answer, on in (yield _offers(cases=[case.pk for case in cases])):
        if answer == OfferAnswer.TAKEN_UP:
            yield case, Event("intervention", clock.today())
        elif on >= since:
            yield case, Event("intervention", on)


@shows
def done(cases: Sequence[Case], since: date) -> Iterator[Any]:
    """Enforcement and support that somebody did as agreed."""
    for case, kind, on in (yield _finished(cases=[case.pk for case in cases], since=since)):
        yield case, Event("enforcement" if kind == ActionKind.ENFORCEMENT else "intervention", on)


@together.worded
def _offers(cases: list[int]) -> QuerySet:
    return Offer.objects.filter(case__in=cases).values_list("case", "answer", "offered_on")


@together.worded
def _finished(cases: list[int], since: date) -> QuerySet:
    rows = Action.objects.filter(case__in=cases, status=ActionStatus.DONE, finished_on__gte=since, marker=None)
    return rows.exclude(kind="").values_list("case", "kind", "finished_on")


@shows_within
def plans_show_within(kind: EventKind, case: OuterRef, first: Any, last: date) -> QuerySet | None:
    """Actions done, `done`, asked of the database."""
    rows = Action.objects.filter(
        case=case, status=ActionStatus.DONE, finished_on__gte=first, finished_on__lte=last, marker=None
    )
    if kind == "enforcement":
        return rows.filter(kind=ActionKind.ENFORCEMENT)
    return rows.exclude(kind__in=["", ActionKind.ENFORCEMENT]) if kind == "intervention" else None


@shows_within
def offers_show_within(kind: EventKind, case: OuterRef, first: Any, last: date) -> QuerySet | None:
    """`offered`, asked of the database: what is taken up is an intervention today."""
    if kind != "intervention":
        return None
    taken_up = Q(answer=OfferAnswer.TAKEN_UP) if last >= clock.today() else Q(pk__in=())
    other = ~Q(answer=OfferAnswer.TAKEN_UP) & Q(offered_on__gte=first, offered_on__lte=last)
    return Offer.objects.filter(taken_up | other, case=case)


@rating_evidence
def answered_to_help(actor: Actor, case: Case, since: date) -> Iterable[Fact]:
    """How the person answered what was offered, and what of the plan is late."""
    href = f"/cases/{case.reference}/plan/"
    offers = list(Offer.objects.visible_to(actor).filter(case=case))
    missed = sum(each.answer in MISSED and (each.answered_on or each.offered_on) >= since for each in offers)
    if offers:
        taken = sum(each.answer in (OfferAnswer.TAKEN_UP, OfferAnswer.COMPLETED) for each in offers)
        words = f"{plural(len(offers), 'offer')}, {taken} taken up, {missed} missed or refused since"
        yield Fact("Offers of help", words, href=href)
    late = Action.objects.visible_to(actor).filter(case=case).overdue(clock.today()).count()
    if late:
        yield Fact("Plan", f"{plural(late, 'action')} overdue", href=href)
