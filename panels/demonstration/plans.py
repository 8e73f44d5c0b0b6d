"""What a year of meetings does not bring to the plans by itself: offers and answers, money, reviews, the way out."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from actionplans import actions as plans
from actionplans import funding, offers, reviews, transition, visits
from actionplans.models import OfferAnswer, PlanCopy
from iom import clock
from iom.models import Document, Meeting, MeetingStatus
from iom.printing import sha256
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
    with life.at(life.today, 0, 4):
        offered(life, case, on=life.today - 20 * DAY)
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
    _visited(life, cases[1])


def _visited(life: Life, case: Case) -> None:
    """A visit that was made and one that was not; and a copy of the plan."""
    police, probation = (life.staff.named[kind].agency for kind in ("police", "probation"))
    by = life.coordinator
    with life.at(life.today, 0, 13):
        for made, words in ((True, "At home, keeps the curfew."), (False, "Nobody opened the door.")):
            visit = visits.plan(
                case, kind="compliance_visit", on=life.today, agency=police, together_with=probation, by=by
            )
            visits.record(visit, made=made, on=life.today, words=life.mark(words), by=by)
        # Set here: printing takes seconds, and what stands in the file is nobody's.
        document = Document.objects.create(
            scheme=life.scheme,
            kind="plan_copy",
            reference=f"{case.reference}-1",
            name=f"{case.reference}.pdf",
            content=b"%PDF-1.7 made up",
            sha256=sha256(b"%PDF-1.7 made up"),
        )
        PlanCopy.objects.create(
            scheme=life.scheme,
            case=case,
            audience=PlanCopy.Audience.AGENCY,
            recipient=life.mark("A made-up association, by secure e-mail"),
            document=document,
            made_on=life.today,
            made_by=by.user,
            left_out=2,
        )


def offered(life: Life, case: Case, *, on: date) -> None:
    """Offers on the first pathways, made on a day that is over and answered in each way since."""
    agency = life.staff.named["housing"].agency
    for place, (text, answer, words) in enumerate(OFFERED):
        pathway = life.policy.pathways[place % len(life.policy.pathways)].slug
        made = offers.offer(case, pathway=pathway, text=life.mark(text), agency=agency, on=on, by=life.coordinator)
        if answer != OfferAnswer.WAITING:
            offers.answered(made, answer, on=clock.today(), words=life.mark(words), by=life.coordinator)


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
