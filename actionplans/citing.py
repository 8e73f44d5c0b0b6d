"""What was offered and how the person answered, as lines that a licence-condition request can cite (London)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from iom.jinja import day
from offenders.licence import can_be_cited
from offenders.safeguarding import giveable

from .models import Offer, OfferAnswer

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.models import Case

# The latest so many stand on the page.
MOST = 20


@can_be_cited
def offers(actor: Actor, case: Case) -> Iterable[str]:
    """Offers, newest first; none with words that the person must not be given, since the licence is theirs to read."""
    rows = Offer.objects.visible_to(actor).filter(case=case).select_related("agency").order_by("-offered_on", "-pk")
    for each in rows[:MOST]:
        if not giveable([("offer", each.text)], case.scheme.policy):
            yield f"{each.text}: offered by {each.agency.name} on {day(each.offered_on)}, {_answer(each)}"


def _answer(offer: Offer) -> str:
    if offer.answer == OfferAnswer.WAITING or offer.answered_on is None:
        return "waiting"
    return f"{offer.get_answer_display().lower()} on {day(offer.answered_on)}"
