"""Help that was offered on a pathway, and how the person answered it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.access import Actor
from iom.models import Agency
from iom.steps import StepRefused, locked
from offenders.models import Case

from .actions import must_be_a_pathway, must_be_open
from .models import Offer, OfferAnswer, Service

# In the order in which counts are told.
TOLD = (
    (OfferAnswer.TAKEN_UP, "taken up"),
    (OfferAnswer.COMPLETED, "completed"),
    (OfferAnswer.WAITING, "waiting"),
    (OfferAnswer.REFUSED, "refused"),
    (OfferAnswer.DID_NOT_ATTEND, "did not attend"),
    (OfferAnswer.STOPPED, "stopped"),
)


@transaction.atomic
def offer(
    case: Case,
    *,
    pathway: str,
    text: str,
    agency: Agency,
    on: date | None = None,
    service: Service | None = None,
    by: Actor,
) -> Offer:
    """Write down what an agency offered the person on one pathway; they have not answered yet. `service` is the one of
    the directory that was offered, if it was one.

    Whoever may change the plan may, and whoever acts for the agency. Raises PermissionDenied or StepRefused.
    """
    made = Offer(
        scheme=by.scheme,
        case=case,
        pathway=pathway,
        text=text.strip(),
        agency=agency,
        service=service,
        offered_on=on or clock.today(),
        made_by=by.user,
    )
    _must_be_allowed(by, made)
    must_be_open(case)
    must_be_a_pathway(case, pathway)
    if problems := _problems(made):
        raise StepRefused(problems)
    made.save()
    audit.record("offer", made, by=by, after=made.answer, subjects=[case.reference], agency=agency.slug)
    return made


@transaction.atomic
def answered(
    made: Offer, answer: str, *, on: date | None = None, words: str = "", by: Actor, version: int | None = None
) -> Offer:
    """Say how the person answered, on which day and in which words. A later answer takes the place of the one before;
    the history keeps both. Raises PermissionDenied, Stale or StepRefused.
    """
    made = locked(Offer, made.pk, version=version)
    _must_be_allowed(by, made)
    must_be_open(made.case)
    answer, on = OfferAnswer(answer), on or clock.today()
    if on < made.offered_on:
        raise StepRefused(["The answer cannot come before the offer."])
    if on > clock.today():
        raise StepRefused(["The day of the answer must be today or earlier."])
    before = made.answer
    if (before, made.words, made.answered_on) == (answer, words.strip(), on):
        return made
    made.answer, made.answered_on, made.words = answer, on, words.strip()
    made.version += 1
    made.save(update_fields=["answer", "answered_on", "words", "version"])
    audit.record(
        "answer_offer",
        made,
        by=by,
        before=before,
        after=answer,
        fields=["answer", "words"],
        subjects=[made.case.reference],
    )
    return made


def counts(offers: Iterable[Offer]) -> dict[str, Counter[str]]:
    """How the answers stand, by pathway."""
    by_pathway: dict[str, Counter[str]] = {}
    for each in offers:
        by_pathway.setdefault(each.pathway, Counter())[each.answer] += 1
    return by_pathway


def in_words(counted: Counter[str]) -> str:
    """The counts as people say them, such as 2 taken up, 1 refused; blank without offers."""
    return ", ".join(f"{counted[answer]} {words}" for answer, words in TOLD if counted[answer])


def _problems(made: Offer) -> list[str]:
    problems = []
    if not made.text:
        problems.append("Enter what was offered.")
    if not made.pathway:
        problems.append("Choose the pathway.")
    if made.agency.scheme_id != made.scheme_id:
        problems.append("Choose an agency of this scheme.")
    if made.offered_on > clock.today():
        problems.append("The day of the offer must be today or earlier.")
    service = made.service
    if service is not None and (service.scheme_id != made.scheme_id or not service.active(made.offered_on)):
        problems.append("Choose a service that people could be referred to on the day of the offer.")
    elif service is not None and made.pathway not in service.pathways:
        problems.append("Choose a service of this pathway.")
    return problems


def _must_be_allowed(by: Actor, made: Offer) -> None:
    allowed = made.scheme_id == by.scheme.pk if by.user is None else by.can("actionplans.make_offer", made)
    if not allowed:
        raise PermissionDenied
