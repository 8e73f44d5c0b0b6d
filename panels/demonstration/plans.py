"""What a year of meetings does not bring to the plans by itself: offers and answers, money, reviews, the way out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from actionplans import actions as plans
from actionplans import funding, offers, reviews, transition
from actionplans.models import OfferAnswer
from iom.models import Meeting, MeetingStatus
from offenders.models import Case, Supervision

if TYPE_CHECKING:
    from .year import Life

DAY = timedelta(days=1)
OFFERED = (
    ("A place at the housing drop-in", OfferAnswer.TAKEN_UP, "Came each week and has a support worker."),
    ("Twelve weeks of relapse prevention", OfferAnswer.DID_NOT_ATTEND, "Missed the first two sessions."),
    ("A course for a site safety card", OfferAnswer.REFUSED, "Says that work can wait until the baby is born."),
    ("An appointment with the money adviser", OfferAnswer.WAITING, ""),
)


def fill(life: Life, cases: list[Case]) -> None:
    """Something of each kind for the first of these cases."""
    case, by = cases[0], life.coordinator
    offered(life, case)
    slug = life.policy.pathways[0].slug
    with life.at(life.today, 0, 11):
        asked = funding.ask(
            case,
            text=life.mark("A deposit for a room"),
            amount=Decimal("120.00"),
            payer=life.mark("Council resettlement fund"),
            pathway=slug,
            by=by,
        )
        other = funding.ask(case, text=life.mark("Work boots"), amount=Decimal(45), payer=life.mark("Probation"), by=by)
        funding.withdraw(other, reason=life.mark("The employer gives them."), by=by)
        if not life.policy.funding.panel_allocates:
            agreed = funding.decide(asked, agreed=True, reason=life.mark("It keeps the tenancy."), by=by)
            funding.spent(agreed, amount=Decimal("115.50"), by=by)
        plans.add_action(
            case=case,
            text=life.mark("Fit a lock and an alarm at the former partner's home"),
            agency=life.staff.named["police"].agency,
            due_on=life.today + 14 * DAY,
            pathway=slug,
            kind="protection",
            cost=Decimal(80),
            funder=life.mark("Community safety"),
            by=by,
        )
        plans.agree_plan(case, meeting=None, on=life.today, by=by)
        kind = life.policy.reviews[0].kind
        reviews.hold(case, kind, on=life.today, words=life.mark("The plan is in place and moves on."), by=by)
        coming = Meeting.objects.filter(scheme=life.scheme, status=MeetingStatus.AGENDA_SENT, date__gte=life.today)
        if (meeting := coming.order_by("date").first()) is not None:
            words = life.mark("Keeps appointments since the last panel; still no bank account.")
            reviews.tell_panel(case, meeting, words, by=life.staff.actor("probation"))
    _transition(life, cases[1])


def offered(life: Life, case: Case) -> None:
    """Offers on the first pathways, answered in each way."""
    agency = life.staff.named["housing"].agency
    for place, (text, answer, words) in enumerate(OFFERED):
        pathway = life.policy.pathways[place % len(life.policy.pathways)].slug
        with life.at(life.today, 0, 4):
            made = offers.offer(
                case,
                pathway=pathway,
                text=life.mark(text),
                agency=agency,
                on=life.today - 20 * DAY,
                by=life.coordinator,
            )
            if answer != OfferAnswer.WAITING:
                offers.answered(made, answer, on=life.today - 6 * DAY, words=life.mark(words), by=life.coordinator)


def _transition(life: Life, case: Case) -> None:
    """Support scaled back in three steps; where the scheme asks for such a plan, a meeting has agreed it."""
    ends_on = Supervision.objects.filter(case=case).order_by("-ends_on").values_list("ends_on", flat=True).first()
    agency = life.staff.named["probation"].agency
    with life.at(life.today, 0, 12):
        plan = transition.begin(case, ends_on=ends_on or life.today + 90 * DAY, by=life.coordinator)
        for weeks, text in ((12, "Visits every second week"), (6, "Telephone once a week"), (1, "Say goodbye")):
            transition.add_step(plan, weeks_before=weeks, text=life.mark(text), agency=agency, by=life.coordinator)
        held = Meeting.objects.filter(scheme=life.scheme, status=MeetingStatus.SIGNED).order_by("-date").first()
        if held is not None and life.policy.exit.needs_transition_plan:
            transition.agree(plan, meeting=held, by=life.coordinator)
