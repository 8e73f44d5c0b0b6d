"""What the live meeting shows: the rail of items, the brief of one item, and what its record form starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db.models import Max, Q

from actionplans.models import STILL_TO_DO, Action, Funding, FundingStatus, PanelUpdate
from actionplans.reviews import updates_for
from iom import clock
from iom.jinja import plural
from iom.models import Agency, AuditEvent, Meeting, Membership
from iom.policy import Policy
from offenders.leads import LeadProposal, propose_lead_agency
from offenders.models import Case, CustodyPeriod, Offender, RagRating
from offenders.safeguarding import Flag, flags_of
from referrals import engagement
from referrals.models import Finding, HarmJudgement, Referral, ReferralStatus, Score
from referrals.research import Held, not_looked_up, research_for
from referrals.returns import Answer, returns_for, waiting_for
from referrals.scoring import current_score, judgement_of, meaning

from . import record, voting
from .accepting import STATUTORY
from .agreement import opens_restricted
from .chairing import chair_name
from .models import AgendaItem, Decision, ItemAction, ItemState, Section
from .papers import items_for
from .presence import Room, room
from .since import Since, since_last

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class RailItem:
    """One line of the rail."""

    item: AgendaItem
    heading: str
    current: bool

    @property
    def done(self) -> bool:
        return self.item.state == ItemState.DECIDED

    @property
    def started(self) -> bool:
        """Whether something is typed that is not saved as a decision."""
        return bool(self.item.draft) and not self.done


@dataclass(frozen=True, slots=True)
class Rail:
    """The items of the meeting that the reader may see, with the one they look at."""

    lines: tuple[RailItem, ...]
    item: AgendaItem
    place: int
    previous: AgendaItem | None
    next_open: AgendaItem | None

    @property
    def count(self) -> int:
        return len(self.lines)

    @property
    def left(self) -> int:
        return sum(line.item.state == ItemState.OPEN for line in self.lines)


@dataclass(frozen=True, slots=True)
class Timer:
    """How long the meeting has been on this item, in seconds, against what is planned, in minutes."""

    seconds: int
    planned: int

    @property
    def minutes(self) -> int:
        return self.seconds // 60

    @property
    def words(self) -> str:
        over = self.minutes - self.planned
        if over > 0:
            return f"{plural(over, 'minute')} over"
        return f"{self.minutes} of {plural(self.planned, 'minute')}"


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything known about the person of an item before anybody speaks; nothing in it needs typing."""

    person: Offender
    reference: str
    age: int | None
    case: Case | None
    referral: Referral | None
    rating: RagRating | None
    ratings: tuple[RagRating, ...]
    custody: CustodyPeriod | None
    score: Score | None
    score_means: str
    score_source: str
    judged: HarmJudgement | None
    finding: Finding | None
    needs: tuple[tuple[str, str], ...]
    returns: tuple[Answer, ...]
    waiting: tuple[Agency, ...]
    systems: tuple[Held, ...]
    not_looked_up: tuple[str, ...]
    sealed_closed: bool
    proposal: LeadProposal | None = None
    proposed_agency: Agency | None = None
    review: dict[str, str] | None = None
    met: engagement.Shown | None = None
    harm_said: Decision | None = None
    since: Since | None = None
    joined_by: Referral | None = None
    money: tuple[Funding, ...] = ()
    updates: tuple[PanelUpdate, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def harm_last(self) -> str:
        """How the risk of harm stood when the case came up last; blank if nobody said."""
        return self.harm_said.harm if self.harm_said else ""

    @property
    def asked(self) -> bool:
        return bool(self.returns or self.waiting)


@dataclass(frozen=True, slots=True)
class Table:
    """Whom the recorder can name: the scheme's agencies, and the people who act for them now."""

    agencies: tuple[Agency, ...]
    people: tuple[Membership, ...]
    next_panel: date | None = None
    police: tuple[Membership, ...] = field(default=())
    voters: tuple[Agency, ...] = ()
    chair: str = ""
    room: Room | None = None


def rules_at(meeting: Meeting) -> Policy:
    """The rules in force on the day of a meeting; read once where they are today's."""
    present, today = meeting.scheme.policy_version, clock.today()
    in_force = present.valid_from <= meeting.date <= today
    return (present if in_force else meeting.scheme.policy_on(meeting.date)).policy


def said_of_actions(actor: Actor, item: AgendaItem) -> list[ItemAction]:
    """What the item says of actions, agreed here or looked at, as far as their cases are open to the actor."""
    said = item.item_actions.filter(action__in=Action.objects.visible_to(actor))
    return list(said.select_related("action__agency", "action__owner__user").order_by("pk"))


def rail(actor: Actor, meeting: Meeting, number: str) -> Rail | None:
    """The items of a meeting, at the one with this number or else the first not decided; None without such an item."""
    items = list(items_for(actor, meeting).numbered().for_list())
    if not items:
        return None
    for item in items:
        item.meeting = meeting
    unfinished = [item for item in items if item.state == ItemState.OPEN]
    asked_for = next((item for item in items if item.number == number), None)
    if number and asked_for is None:
        return None
    chosen = asked_for or (unfinished or items)[0]
    place = items.index(chosen)
    after = [item for item in items[place + 1 :] + items[:place] if item.state == ItemState.OPEN]
    return Rail(
        lines=tuple(RailItem(item, heading(item), item is chosen) for item in items),
        item=chosen,
        place=place + 1,
        previous=items[place - 1] if place else None,
        next_open=next(iter(after), None),
    )


def heading(item: AgendaItem) -> str:
    """What an item is called on screen: the person, else its title."""
    thing = item.referral or item.case
    if thing is None:
        return item.title or item.get_section_display()
    return f"{thing.offender.name} (under 18)" if thing.offender.under_18(item.meeting.date) else thing.offender.name


def timer(meeting: Meeting, item: AgendaItem) -> Timer:
    """Since the item before it was saved, else since the meeting went live. Nobody has to start a clock."""
    decided = Decision.objects.filter(item__meeting=meeting).aggregate(last=Max("decided_at"))["last"]
    began: datetime | None = decided or _went_live(meeting)
    seconds = int((clock.now() - began).total_seconds()) if began else 0
    return Timer(max(seconds, 0), item.minutes)


def _went_live(meeting: Meeting) -> datetime | None:
    events = AuditEvent.objects.filter(
        scheme=meeting.scheme, object_type="iom.meeting", object_ref=str(meeting.pk), verb="go_live"
    )
    return events.aggregate(last=Max("at"))["last"]


def brief(actor: Actor, meeting: Meeting, item: AgendaItem, policy: Policy) -> Brief | None:
    """What is known of the person of an item, as far as the actor may read it; None for items about nobody."""
    thing = item.referral or item.case
    if thing is None:
        return None
    person, referral, case = thing.offender, item.referral, item.case
    open_to = opens_restricted(actor, meeting)
    score = current_score(person)
    means = meaning(policy.scores, score.pct_2yr) if score and score.pct_2yr in range(1, 100) else None
    ratings = tuple(case.ratings.order_by("-starts_on")[:4]) if case else ()
    periods = list(case.custody_periods.order_by("-starts_on")[:4]) if case else []
    returns = tuple(returns_for(actor, person, meeting, signed=open_to))
    systems = tuple(research_for(actor, person, meeting, signed=open_to))
    met = engagement.latest(person, policy)
    proposal = proposal_for(policy, referral)
    return Brief(
        person=person,
        reference=thing.reference,
        age=person.age(clock.today()),
        case=case,
        referral=referral,
        rating=next(iter(ratings), None),
        ratings=ratings,
        custody=next((period for period in periods if period.released_on is None), None),
        score=score,
        score_means=means.words if means else "",
        score_source=means.source if means else "",
        judged=judgement_of(item.referral) if item.referral else None,
        finding=referral.findings.first() if referral else None,
        needs=_needs(policy, referral),
        returns=returns,
        waiting=tuple(waiting_for(meeting, person)) if actor.holds("referrals.see_returns") else (),
        systems=systems,
        not_looked_up=tuple(not_looked_up(actor, person, meeting)) if actor.holds("referrals.research") else (),
        sealed_closed=not open_to,
        proposal=proposal,
        proposed_agency=agency_of(actor, proposal),
        met=met,
        review=record.first_review(policy, meeting.date, record.following(meeting)) if referral else None,
        harm_said=harm_last_said(case, item) if case else None,
        joined_by=_joined_by(actor, person) if case else None,
        money=_money(actor, case, item, policy) if case else (),
        updates=tuple(updates_for(actor, case, meeting)) if case else (),
        flags=flags_of([case], policy)[case.pk] if case else (),
        since=since_last(
            actor, case, meeting, ratings=ratings, periods=periods, returns=returns, systems=systems, met=met
        )
        if case
        else None,
    )


def _money(actor: Actor, case: Case, item: AgendaItem, policy: Policy) -> tuple[Funding, ...]:
    """What is asked for and waits, and what was decided at this item; only where the panel allocates money."""
    if not policy.funding.panel_allocates:
        return ()
    here = Q(rulings__decision__item=item)
    rows = Funding.objects.visible_to(actor).filter(Q(status=FundingStatus.ASKED) | here, case=case).distinct()
    return tuple(rows.order_by("asked_on", "pk"))


def _needs(policy: Policy, referral: Referral | None) -> tuple[tuple[str, str], ...]:
    if referral is None:
        return ()
    named = [(pathway.name, str(referral.needs.get(pathway.slug, "")).strip()) for pathway in policy.pathways]
    return tuple((name, words) for name, words in named if words)


def proposal_for(policy: Policy, referral: Referral | None) -> LeadProposal | None:
    """Who leads by the scheme's rule; None for what is no nomination."""
    if referral is None:
        return None
    return propose_lead_agency(policy, statutory=STATUTORY.get(referral.supervision), main_driver=referral.main_driver)


def agency_of(actor: Actor, proposal: LeadProposal | None) -> Agency | None:
    """The one agency of the kind that the rule names; of several the panel chooses."""
    if proposal is None or proposal.agency_kind is None:
        return None
    found = list(Agency.objects.visible_to(actor).filter(kind=proposal.agency_kind)[:2])
    return found[0] if len(found) == 1 else None


def table(actor: Actor, next_panel: date | None, *, at: AgendaItem | None = None) -> Table:
    """Whom the recorder can name; `at` an item where it is voted, the organisations with a vote and whoever chairs."""
    here = room(at.meeting) if at is not None else None
    votes = at is not None and _votes(at)
    people = tuple(
        Membership.objects.visible_to(actor)
        .current(clock.today())
        .with_role("member", "researcher", "coordinator", "chair", "referrer")
        .select_related("user", "agency")
        .order_by("agency__name", "user__name", "pk")
    )
    return Table(
        agencies=tuple(Agency.objects.visible_to(actor)),
        people=people,
        next_panel=next_panel,
        police=tuple(person for person in people if person.agency.kind == "police"),
        voters=here.voters_at(at) if votes else (),
        chair=chair_name(at.meeting) if votes else "",
        room=here,
    )


def _votes(item: AgendaItem) -> bool:
    return voting.MAJORITY in voting.ways(rules_at(item.meeting).body(item.meeting.body.slug).decision_rule)


def _joined_by(actor: Actor, person: Offender) -> Referral | None:
    """The nomination by which somebody joined: what was known of MAPPA and safeguarding then."""
    accepted = Referral.objects.visible_to(actor).filter(offender=person, status=ReferralStatus.ACCEPTED)
    return accepted.order_by("-pk").first()


def harm_last_said(case: Case, item: AgendaItem) -> Decision | None:
    """The decision that last said how the risk of harm of a case stands, its acceptance too; None if none did."""
    rows = Decision.objects.in_force().filter(case=case).exclude(harm="").exclude(item=item)
    return rows.select_related("item__meeting", "harm_agency").order_by("-decided_at", "-pk").first()


def actions_to_look_at(actor: Actor, meeting: Meeting, item: AgendaItem, said: Iterable[ItemAction]) -> list[Action]:
    """Earlier actions whose outcome is asked for at this item, the most overdue first.

    Of a person's item: every action of the case that is still to do. Of "actions from the last meeting": what was due
    by now and belongs to no case with an item of its own. What was reported on here already stays in the list.
    """
    if item.section != Section.LAST_ACTIONS and item.case is None:
        return []
    agreed = [each.action_id for each in said if each.kind == ItemAction.Kind.AGREED]
    looked_at = [each.action_id for each in said if each.kind == ItemAction.Kind.REVIEWED]
    rows = Action.objects.visible_to(actor).exclude(pk__in=agreed)
    if item.section == Section.LAST_ACTIONS:
        here = AgendaItem.objects.filter(meeting=meeting, case__isnull=False).exclude(state=ItemState.PARKED)
        rows = rows.filter(due_on__lte=meeting.date).exclude(meeting=meeting).exclude(case__in=here.values("case"))
    else:
        rows = rows.filter(case=item.case)
    rows = rows.filter(Q(status__in=STILL_TO_DO) | Q(pk__in=looked_at))
    return list(rows.for_list().order_by("due_on", "pk"))
