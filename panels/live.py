"""What the live meeting shows: the rail of items, the brief of one item, and what its record form starts from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Case as Choose
from django.db.models import Q, QuerySet, Value, When
from django.db.models.fields.json import KT

from actionplans.models import STILL_TO_DO, Action, Funding, FundingStatus, PanelUpdate
from actionplans.reviews import updates_for_steps
from iom import clock, together
from iom.jinja import plural
from iom.models import Agency, AuditEvent, Handling, Meeting, MeetingStatus, Membership
from iom.policy import Policy
from offenders.leads import LeadProposal, propose_lead_agency
from offenders.models import Case, CustodyPeriod, Offender, RagRating
from offenders.safeguarding import Flag, flags_of_steps
from referrals import engagement
from referrals.models import Finding, HarmJudgement, Referral, ReferralStatus, Score
from referrals.research import Held, not_looked_up_steps, research_for_steps
from referrals.returns import Answer, returns_for_steps, waiting_for_steps
from referrals.scoring import current_score_steps, judgement_steps, meaning

from . import presence, record, voting
from .accepting import STATUTORY
from .agreement import needs_its_own, signed_at
from .chairing import chair_steps
from .models import AgendaItem, Consulted, Decision, ItemAction, ItemState, Section
from .papers import items_at
from .presence import Room
from .since import Lately, Since, day_of, lately_steps, since, sittings_before

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


def consulted_on(item: AgendaItem) -> QuerySet[Consulted]:
    """Who was asked outside a meeting about the decision that the item is about."""
    return Consulted.objects.filter(decision=item.outside_id).select_related("agency")


def said_of_actions(actor: Actor, item: AgendaItem) -> QuerySet[ItemAction]:
    """What the item says of actions, agreed here or looked at, as far as their cases are open to the actor."""
    said = ItemAction.objects.filter(item=item, action__in=Action.objects.visible_to(actor))
    return said.select_related("action__agency", "action__owner__user").order_by("pk")


# What a line of the rail shows; the item that the page is at is read as a whole.
IN_THE_RAIL = (
    "position",
    "number",
    "section",
    "title",
    "state",
    "late",
    "late_agreed_by",
    "draft",
    "undo",
    "meeting",
    "scheme",
    *(
        f"{thing}__{name}"
        for thing in ("referral", "case")
        for name in ("reference", "offender__family_name", "offender__given_names", "offender__date_of_birth")
    ),
)


def rail_steps(actor: Actor, meeting: Meeting, number: str) -> together.Steps[Rail | None]:
    """The items of a meeting, at the one with this number or else the first not decided; None without such an item."""
    signing = needs_its_own(meeting)

    def asked() -> list[together.Read]:
        every = items_at(actor, meeting, signing).numbered()
        whole = every.for_list().select_related("ratifies__item__meeting", "escalation_link__escalation__agency")
        rail = every.select_related("referral__offender", "case__offender").only(*IN_THE_RAIL)
        return [rail, together.first(at_number(whole, number))]

    items, chosen = yield asked
    if chosen is None:
        return None
    place = items.index(chosen)
    items[place] = chosen
    for item in items:
        item.meeting = meeting
    after = [item for item in items[place + 1 :] + items[:place] if item.state == ItemState.OPEN]
    return Rail(
        lines=tuple(RailItem(item, heading(item), item is chosen) for item in items),
        item=chosen,
        place=place + 1,
        previous=items[place - 1] if place else None,
        next_open=next(iter(after), None),
    )


def at_number(items: QuerySet[AgendaItem], number: str) -> QuerySet[AgendaItem]:
    """The item with this number, or else the first not decided, first of these."""
    if number:
        return items.filter(number=number)
    decided = Choose(When(state=ItemState.OPEN, then=Value(0)), default=Value(1))
    return items.order_by(decided, "position", "pk")


def heading(item: AgendaItem) -> str:
    """What an item is called on screen: the person, else its title."""
    thing = item.referral or item.case
    if thing is None:
        return item.title or item.get_section_display()
    return f"{thing.offender.name} (under 18)" if thing.offender.under_18(item.meeting.date) else thing.offender.name


def timer(began: datetime | None, item: AgendaItem) -> Timer:
    """Since the item before it was saved, else since the meeting went live. Nobody has to start a clock."""
    seconds = int((clock.now() - began).total_seconds()) if began else 0
    return Timer(max(seconds, 0), item.minutes)


def began_steps(meeting: Meeting) -> together.Steps[datetime | None]:
    """When the meeting came to the item that it is on."""
    last, start = yield [_decided_last(meeting.pk), _went_live(meeting.scheme_id, str(meeting.pk))]
    return last or start


@together.worded
def _decided_last(meeting: int) -> together.First:
    decided = Decision.objects.filter(item__meeting=meeting)
    return together.first(decided.order_by("-decided_at").values_list("decided_at", flat=True))


@together.worded
def _went_live(scheme: int, meeting: str) -> together.First:
    # By what the event itself says: that is how the index of the audit has it (docs/explain.md).
    events = AuditEvent.objects.alias(thing=KT("body__object"), number=KT("body__ref"))
    went_live = events.filter(scheme=scheme, thing="iom.meeting", number=meeting, verb="go_live")
    return together.first(went_live.order_by("-at").values_list("at", flat=True))


@dataclass(frozen=True, slots=True)
class Around:
    """What a page of the meeting shows whatever it says of its item.

    `days` are those of the planned meetings of the body after this one, `last` the meeting held before it. `signed`:
    marked information is open to the reader here.
    """

    rail: Rail
    table: Table
    sitting: presence.Sitting
    chair: Membership | None
    began: datetime | None
    days: list[date]
    last: Meeting | None
    signed: bool


def around_steps(actor: Actor, meeting: Meeting, number: str, policy: Policy) -> together.Steps[Around | None]:
    """Read at once for the item with this number, or else the first not decided; None without such an item."""
    found = yield from together.all_of(
        {
            "rail": rail_steps(actor, meeting, number),
            "sitting": presence.sitting_steps(meeting),
            "chair": chair_steps(meeting),
            "began": began_steps(meeting),
            "people": people_steps(actor),
            "rest": _rest_steps(actor, meeting),
        }
    )
    rail, (ahead, last, signed) = found["rail"], found.pop("rest")
    agencies, people = found.pop("people")
    if rail is None:
        return None
    to = next((day for day, status in ahead if status in (MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT)), None)
    here, chair = found["sitting"].room, found["chair"]
    votes = voting.MAJORITY in voting.ways(policy.body(meeting.body.slug).decision_rule)
    table = table_of(
        agencies,
        people,
        next_panel=to,
        voters=here.voters_at(rail.item) if votes else (),
        chair=chair.user.name if votes and chair else "",
        room=here,
    )
    return Around(table=table, days=[day for day, _ in ahead], last=last, signed=signed, **found)


def _rest_steps(actor: Actor, meeting: Meeting) -> together.Steps[list]:
    signing, on = needs_its_own(meeting), meeting.date

    def asked() -> list[together.Read]:
        planned = Meeting.objects.filter(scheme=meeting.scheme_id, body=meeting.body_id, date__gt=on)
        planned = planned.exclude(status=MeetingStatus.CANCELLED).order_by("date", "starts_at", "pk")
        return [
            planned.values_list("date", "status"),
            together.first(sittings_before(meeting.body_id, on)),
            together.exists(signed_at(actor, signing)),
        ]

    return (yield asked)


def brief_steps(
    actor: Actor, meeting: Meeting, item: AgendaItem, policy: Policy, around: Around
) -> together.Steps[Brief | None]:
    """What is known of the person of an item, as far as the actor may read it; None for items about nobody."""
    thing = item.referral or item.case
    if thing is None:
        return None
    person, referral, case = thing.offender, item.referral, item.case
    read = yield from together.all_of(
        {
            "score": current_score_steps(person),
            "returns": returns_for_steps(actor, person, meeting, signed=around.signed),
            "systems": research_for_steps(actor, person, meeting, signed=around.signed),
            "met": engagement.latest_steps(person, policy),
            "waiting": waiting_for_steps(meeting, person) if actor.holds("referrals.see_returns") else (),
            "not_looked_up": not_looked_up_steps(actor, person, meeting) if actor.holds("referrals.research") else (),
            "referral": _of_referral_steps(referral),
            "case": _of_case_steps(actor, case, item, policy, meeting, around),
        }
    )
    score, met, (judged, finding), of_case = read["score"], read["met"], read["referral"], read["case"]
    returns, systems = tuple(read["returns"]), tuple(read["systems"])
    ratings = tuple(of_case.ratings)
    means = meaning(policy.scores, score.pct_2yr) if score and score.pct_2yr in range(1, 100) else None
    proposal = proposal_for(policy, referral)
    return Brief(
        person=person,
        reference=thing.reference,
        age=person.age(clock.today()),
        case=case,
        referral=referral,
        rating=next(iter(ratings), None),
        ratings=ratings,
        custody=next((period for period in of_case.periods if period.released_on is None), None),
        score=score,
        score_means=means.words if means else "",
        score_source=means.source if means else "",
        judged=judged,
        finding=finding,
        needs=_needs(policy, referral),
        returns=returns,
        waiting=tuple(read["waiting"]),
        systems=systems,
        not_looked_up=tuple(read["not_looked_up"]),
        sealed_closed=not around.signed,
        proposal=proposal,
        proposed_agency=only_one(proposal, around.table.agencies),
        met=met,
        review=record.first_review(policy, meeting.date, around.days) if referral else None,
        harm_said=of_case.harm_said,
        joined_by=of_case.joined_by,
        money=tuple(of_case.money),
        updates=tuple(of_case.updates),
        flags=of_case.flags,
        since=since(
            case,
            of_case.last,
            ratings=ratings,
            periods=of_case.periods,
            returns=returns,
            systems=systems,
            met=met,
            lately=of_case.lately,
        )
        if case
        else None,
    )


def _of_referral_steps(referral: Referral | None) -> together.Steps[tuple[HarmJudgement | None, Finding | None]]:
    if referral is None:
        return None, None
    judged, finding = yield [together.shared(judgement_steps, referral), _finding(referral.pk)]
    return judged, finding


@together.worded
def _finding(referral: int) -> together.First:
    return together.first(Finding.objects.filter(referral=referral))


@dataclass(frozen=True, slots=True)
class _OfCase:
    """What a brief says of a case, besides what it says of anybody."""

    ratings: Sequence[RagRating] = ()
    periods: Sequence[CustodyPeriod] = ()
    harm_said: Decision | None = None
    joined_by: Referral | None = None
    money: Sequence[Funding] = ()
    updates: Sequence[PanelUpdate] = ()
    flags: tuple[Flag, ...] = ()
    last: Meeting | None = None
    lately: Lately | None = None


def _of_case_steps(
    actor: Actor, case: Case | None, item: AgendaItem, policy: Policy, meeting: Meeting, around: Around
) -> together.Steps[_OfCase]:
    if case is None:
        return _OfCase()
    last = around.last if around.last is not None and around.last.date >= case.accepted_on else None

    def rows() -> list[together.Read]:
        return [
            RagRating.objects.filter(case=case).order_by("-starts_on")[:4],
            CustodyPeriod.objects.filter(case=case).order_by("-starts_on")[:4],
            together.first(harm_said_before(case, item)),
            together.first(_accepted(actor, case)),
            money_asked(actor, case, item, policy),
        ]

    found = yield from together.all_of(
        {
            "rows": together.asked(rows),
            "updates": updates_for_steps(actor, case, meeting),
            "flags": flags_of_steps([case], policy),
            # The screen may stand open in the room: of the timeline only what everybody on the panel may read.
            "lately": lately_steps(actor, case, day_of(case, last), handling=Handling.PANEL),
        }
    )
    return _OfCase(
        **dict(zip(("ratings", "periods", "harm_said", "joined_by", "money"), found["rows"], strict=True)),
        updates=found["updates"],
        flags=found["flags"][case.pk],
        last=last,
        lately=found["lately"],
    )


def money_asked(actor: Actor, case: Case, item: AgendaItem, policy: Policy) -> QuerySet[Funding]:
    """What is asked for and waits, and what was decided at this item; only where the panel allocates money."""
    if not policy.funding.panel_allocates:
        return Funding.objects.none()
    here = Q(rulings__decision__item=item)
    rows = Funding.objects.visible_to(actor).filter(Q(status=FundingStatus.ASKED) | here, case=case).distinct()
    return rows.order_by("asked_on", "pk")


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
    return only_one(proposal, Agency.objects.visible_to(actor))


def only_one(proposal: LeadProposal | None, agencies: Iterable[Agency]) -> Agency | None:
    if proposal is None or proposal.agency_kind is None:
        return None
    found = [agency for agency in agencies if agency.kind == proposal.agency_kind]
    return found[0] if len(found) == 1 else None


def table(actor: Actor) -> Table:
    """Whom one can name outside a meeting."""
    return table_of(*together.run(people_steps(actor)))


def people_steps(actor: Actor) -> together.Steps[list]:
    """The agencies of the scheme, and the people who act for them."""
    today = clock.today()
    return (yield lambda: [Agency.objects.visible_to(actor), people_on(actor, today)])


def people_on(actor: Actor, day: date) -> QuerySet[Membership]:
    """The people who act for the agencies of the scheme on a day."""
    people = Membership.objects.visible_to(actor).current(day)
    people = people.with_role("member", "researcher", "coordinator", "chair", "referrer")
    return people.select_related("user", "agency").order_by("agency__name", "user__name", "pk")


def table_of(agencies: Iterable[Agency], people: Iterable[Membership], **at_the_item: Any) -> Table:
    people = tuple(people)
    return Table(
        agencies=tuple(agencies),
        people=people,
        police=tuple(person for person in people if person.agency.kind == "police"),
        **at_the_item,
    )


def _accepted(actor: Actor, case: Case) -> QuerySet[Referral]:
    """The nomination by which somebody joined: what was known of MAPPA and safeguarding then."""
    accepted = Referral.objects.visible_to(actor).filter(offender=case.offender_id, status=ReferralStatus.ACCEPTED)
    return accepted.order_by("-pk")


def harm_said_before(case: Case, item: AgendaItem) -> QuerySet[Decision]:
    """The decisions that say how the risk of harm of a case stands, its acceptance too, the last one first."""
    rows = Decision.objects.in_force().filter(case=case).exclude(harm="").exclude(item=item)
    return rows.select_related("item__meeting", "harm_agency").order_by("-decided_at", "-pk")


def actions_to_look_at(actor: Actor, meeting: Meeting, item: AgendaItem) -> QuerySet[Action]:
    """Earlier actions whose outcome is asked for at this item, the most overdue first.

    Of a person's item: every action of the case that is still to do. Of "actions from the last meeting": what was due
    by now and belongs to no case with an item of its own. What was reported on here already stays in the list.
    """
    if item.section != Section.LAST_ACTIONS and item.case_id is None:
        return Action.objects.none()
    said = ItemAction.objects.filter(item=item).order_by()
    agreed = said.filter(kind=ItemAction.Kind.AGREED).values("action")
    looked_at = said.filter(kind=ItemAction.Kind.REVIEWED).values("action")
    rows = Action.objects.visible_to(actor).exclude(pk__in=agreed)
    if item.section == Section.LAST_ACTIONS:
        here = AgendaItem.objects.filter(meeting=meeting, case__isnull=False).exclude(state=ItemState.PARKED)
        rows = rows.filter(due_on__lte=meeting.date).exclude(meeting=meeting).exclude(case__in=here.values("case"))
    else:
        rows = rows.filter(case=item.case_id)
    rows = rows.filter(Q(status__in=STILL_TO_DO) | Q(pk__in=looked_at))
    return rows.for_list().order_by("due_on", "pk")
