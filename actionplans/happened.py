"""What plans and actions add to the timeline of a case: what was done or given up, what was offered, reviews held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.urls import reverse

from actionplans.models import STILL_TO_DO, Action, Offer, OfferAnswer, Review
from offenders.models import Case
from offenders.timeline import Line, on_timeline

if TYPE_CHECKING:
    from iom.access import Actor


@on_timeline
def actions_that_ended(actor: Actor, case: Case) -> Iterator[Line]:
    """Done, not done, or no longer needed, on the day on which somebody said so."""
    href = reverse("case_actions", args=[case.reference])
    rows = Action.objects.visible_to(actor).filter(case=case, finished_on__isnull=False).exclude(status__in=STILL_TO_DO)
    for action in rows.select_related("agency"):
        title = f"Action {action.get_status_display().lower()}: {action.text}"
        yield Line(action.finished_on, "action", title, action.note, action.agency.name, href)


@on_timeline
def offers(actor: Actor, case: Case) -> Iterator[Line]:
    """What was offered, and how the person answered."""
    names = {pathway.slug: pathway.name for pathway in actor.scheme.policy.pathways}
    href = reverse("case_plan", args=[case.reference])
    for offer in Offer.objects.visible_to(actor).filter(case=case).select_related("agency"):
        on = names.get(offer.pathway, offer.pathway)
        yield Line(offer.offered_on, "offer", f"Offered: {offer.text}", on, offer.agency.name, href)
        if offer.answer != OfferAnswer.WAITING and offer.answered_on is not None:
            title = f"{offer.get_answer_display()}: {offer.text}"
            yield Line(offer.answered_on, "offer", title, offer.words, offer.agency.name, href)


@on_timeline
def reviews(actor: Actor, case: Case) -> Iterator[Line]:
    """Reviews that were held, not those that are due."""
    for review in Review.objects.visible_to(actor).filter(case=case).select_related("by", "meeting__body"):
        by = f"the {review.meeting.body.name}" if review.meeting else review.by.name if review.by else ""
        yield Line(review.done_on, "review", review.get_kind_display(), review.words, by)
