"""What plans and actions add to the timeline of a case: what was done or given up, what was offered, reviews held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from actionplans.models import STILL_TO_DO, Offer, OfferAnswer, Review
from actionplans.reading import actions_of_steps
from iom import together
from offenders.models import Case
from offenders.querysets import of_one_case
from offenders.timeline import Line, on_timeline

if TYPE_CHECKING:
    from iom.access import Actor


@on_timeline
def actions_that_ended(actor: Actor, case: Case) -> Iterator[Any]:
    """Done, not done, or no longer needed, on the day on which somebody said so."""
    href = reverse("case_actions", args=[case.reference])
    actions = yield together.shared(actions_of_steps, actor, case)
    ended = [each for each in actions if each.finished_on is not None and each.status not in STILL_TO_DO]
    for action in sorted(ended, key=lambda action: (action.due_on, action.pk)):
        title = f"Action {action.get_status_display().lower()}: {action.text}"
        yield Line(action.finished_on, "action", title, action.note, action.agency.name, href)


_offers = of_one_case(Offer.objects.all, lambda rows: rows.select_related("agency"))
_reviews = of_one_case(Review.objects.all, lambda rows: rows.select_related("by", "meeting__body"))


@on_timeline
def offers(actor: Actor, case: Case) -> Iterator[Any]:
    """What was offered, and how the person answered."""
    names = {pathway.slug: pathway.name for pathway in actor.scheme.policy.pathways}
    href = reverse("case_plan", args=[case.reference])
    for offer in (yield _offers(actor, case)):
        on = names.get(offer.pathway, offer.pathway)
        yield Line(offer.offered_on, "offer", f"Offered: {offer.text}", on, offer.agency.name, href)
        if offer.answer != OfferAnswer.WAITING and offer.answered_on is not None:
            title = f"{offer.get_answer_display()}: {offer.text}"
            yield Line(offer.answered_on, "offer", title, offer.words, offer.agency.name, href)


@on_timeline
def reviews(actor: Actor, case: Case) -> Iterator[Any]:
    """Reviews that were held, not those that are due."""
    for review in (yield _reviews(actor, case)):
        by = f"the {review.meeting.body.name}" if review.meeting else review.by.name if review.by else ""
        yield Line(review.done_on, "review", review.get_kind_display(), review.words, by)
