"""What plans and offers show beside a rating (`offenders.evidence`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from iom import clock
from iom.access import Actor
from iom.jinja import plural
from offenders.evidence import Fact, rating_evidence, shows
from offenders.mismatch import Event
from offenders.models import Case

from .models import Action, ActionKind, ActionStatus, Offer, OfferAnswer

MISSED = (OfferAnswer.REFUSED, OfferAnswer.DID_NOT_ATTEND, OfferAnswer.STOPPED)


@shows
def offered(cases: Sequence[Case], since: date) -> Iterator[Any]:
    """An offer that is taken up is an intervention for as long as it is; any other on its day."""
    rows = Offer.objects.filter(case__in=[case.pk for case in cases])
    for case, answer, on in (yield rows.values_list("case", "answer", "offered_on")):
        if answer == OfferAnswer.TAKEN_UP:
            yield case, Event("intervention", clock.today())
        elif on >= since:
            yield case, Event("intervention", on)


@shows
def done(cases: Sequence[Case], since: date) -> Iterator[Any]:
    """Enforcement and support that somebody did as agreed."""
    rows = Action.objects.filter(
        case__in=[case.pk for case in cases], status=ActionStatus.DONE, finished_on__gte=since, marker=None
    )
    for case, kind, on in (yield rows.exclude(kind="").values_list("case", "kind", "finished_on")):
        yield case, Event("enforcement" if kind == ActionKind.ENFORCEMENT else "intervention", on)


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
