"""Reads what the suggestions of an agenda are made from, and puts the chosen ones on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max, QuerySet, Subquery

from actionplans.models import Action
from iom import clock, together
from iom.cadence import following
from iom.jinja import day_month
from iom.models import Agency, Meeting, MeetingStatus
from iom.policy import Policy
from iom.steps import StepRefused
from offenders import youths
from offenders.asking import asked_steps
from offenders.asks import Window
from offenders.models import Case, CaseStatus, CustodyPeriod, RagRating, Supervision, YouthTransfer
from offenders.rag import Agreed, Inside
from referrals import actions as referral_actions
from referrals.deciding import body_for
from referrals.models import CheckRequest, Referral, ReferralStatus
from referrals.near_release import release_of

from .agenda import Wanted, add_items
from .models import AgendaItem, ItemState, Section
from .suggestions import Calendar, Standing, Suggestion, rota_words, suggest

if TYPE_CHECKING:
    from iom.access import Actor

HELD = (MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)


@dataclass(frozen=True, slots=True)
class Nominated:
    """A nomination that waits for a panel: deferred by one before, or put to this one and taken off its agenda."""

    referral: Referral
    why: str

    @property
    def key(self) -> str:
        """How a form names it."""
        return f"referral-{self.referral.pk}"


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """A young person on the way to adult services, whom the transfer panel looks at (Hampshire, Transfer Process)."""

    move: YouthTransfer
    why: str

    @property
    def key(self) -> str:
        """How a form names it."""
        return f"youth-{self.move.pk}"


@dataclass(frozen=True, slots=True)
class Suggested:
    """Everything that could join the agenda, for one reader."""

    cases: tuple[Suggestion, ...]
    nominated: tuple[Nominated, ...]
    rota: str = ""
    young: tuple[OnTheWay, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def pressing(self) -> tuple[Suggestion, ...]:
        """Those with a reason of their own."""
        return tuple(one for one in self.cases if not one.routine)

    @property
    def reviews(self) -> tuple[Suggestion, ...]:
        """Every review that is not on the agenda yet."""
        return tuple(one for one in self.cases if one.section == Section.REVIEWS)


def suggestions(meeting: Meeting, actor: Actor) -> Suggested:
    """What could join this agenda, with reasons: of what the reader may see, what is neither on it nor parked."""
    return together.run(suggestions_steps(meeting, actor))


def suggestions_steps(meeting: Meeting, actor: Actor) -> together.Steps[Suggested]:
    read = yield from together.all_of(
        {
            "items": _items(meeting),
            "calendar": calendar_steps(meeting),
            "cohort": _cohort(meeting, actor),
            "nominated": _nominated(meeting, actor),
            "young": _transfers(meeting, actor),
        }
    )
    items, calendar, cohort = read["items"], read["calendar"], read["cohort"]
    # A case of which a decision is to be ratified may still come up for itself.
    on_it = {case for case, _, section in items if section != Section.OUTSIDE}
    cases = [case for case in cohort.cases if case.pk not in on_it and case.rating is not None]
    body = meeting.body.policy
    room = meeting.minutes_long // body.sitting.minutes_per_item
    policy = actor.scheme.policy
    window = Window(policy, body, meeting.date, calendar.before_or_start, calendar.next_one, clock.today())
    asks = yield from asked_steps(cases, window)
    found = suggest(policy, body, _standing(meeting, cases, cohort), calendar, room, asks)
    names = {case.pk: case.offender.name for case in cases}
    put_to_it = {referral for _, referral, _ in items}
    return Suggested(
        cases=tuple(found),
        nominated=tuple(each for each in read["nominated"] if each.referral.pk not in put_to_it),
        rota=rota_words(policy, body, calendar),
        young=tuple(_young(read["young"], calendar)),
        names={one.case: names[one.case] for one in found},
    )


def _items(meeting: Meeting) -> together.Steps[list[tuple[int | None, int | None, str]]]:
    return (yield lambda: AgendaItem.objects.filter(meeting=meeting).values_list("case_id", "referral_id", "section"))


def _transfers(meeting: Meeting, actor: Actor) -> together.Steps[list[YouthTransfer]]:
    """Those on the way to adult services who are not on the agenda of the transfer panel."""
    route = actor.scheme.policy.youth_route
    if route is None or route.body != meeting.body.slug:
        return []

    def asked() -> QuerySet:
        there = AgendaItem.objects.filter(meeting=meeting).exclude(title="").order_by().values("title")
        rows = YouthTransfer.objects.visible_to(actor).going_on().select_related("offender", "scheme")
        return rows.exclude(reference__in=there).order_by("pk")

    return (yield asked)


def _young(moves: Iterable[YouthTransfer], calendar: Calendar) -> Iterable[OnTheWay]:
    """Who reaches a day of the route before the next transfer panel, and who waits for its recommendation."""
    for move in moves:
        days = [each for each in youths.due(move) if calendar.before_or_start < each.on < calendar.next_one]
        said = [f"{each.words} on {day_month(each.on)}" for each in days]
        begun = any(each.slug == "start" and each.on < calendar.next_one for each in youths.due(move))
        if not move.recommendation and begun:
            said.append("no recommendation yet")
        if said:
            yield OnTheWay(move, ". ".join(said))


def calendar_of(meeting: Meeting) -> Calendar:
    """The days on which the body meets; where none is planned after this one, its cadence says when that would be."""
    return together.run(calendar_steps(meeting))


def calendar_steps(meeting: Meeting) -> together.Steps[Calendar]:
    rows = yield _planned(meeting.body_id)
    days = tuple(day for day, _ in rows)
    held = tuple(day for day, status in rows if status in HELD)
    after = next((day for day in days if day > meeting.date), None)
    return Calendar(meeting.date, days, after or following(meeting.date, meeting.body.policy.cadence), held)


@together.worded
def _planned(body: int) -> QuerySet:
    rows = Meeting.objects.filter(body=body).exclude(status=MeetingStatus.CANCELLED)
    return rows.order_by("date").values_list("date", "status")


# What the reasons for a suggestion rest on.
_OF_A_CASE = (
    "scheme",
    "reference",
    "status",
    "criterion",
    "accepted_on",
    "restricted",
    "offender__family_name",
    "offender__given_names",
    "offender__date_of_birth",
)


@dataclass(frozen=True, slots=True)
class _Cohort:
    """The cases on the scheme that the reader may see, and how each stands to the meetings before this one.

    They come with their rating, their custody and their supervision.
    """

    cases: list[Case]
    carried: dict[int, int]
    seen: dict[int, date]
    last_held: date
    undecided: frozenset[int]


def _cohort(meeting: Meeting, actor: Actor) -> together.Steps[_Cohort]:
    on = meeting.date

    def asked() -> list[together.Read]:
        open_ = Case.objects.visible_to(actor).not_closed()
        theirs = open_.order_by().values("pk")
        before = AgendaItem.objects.filter(
            meeting__body=meeting.body_id, meeting__status__in=HELD, meeting__date__lt=on
        ).order_by()
        last = before.order_by("-meeting__date").values("meeting__date")[:1]
        # On the agenda of the last meeting, and left without a decision there.
        undecided = before.filter(case__in=theirs, meeting__date=Subquery(last), decisions=None)
        to_do = Action.objects.to_do().filter(case__in=theirs, carried_forward__gt=0)
        return [
            open_.select_related("offender").only(*_OF_A_CASE).order_by("reference"),
            RagRating.objects.filter(case__in=theirs, until=None),
            CustodyPeriod.objects.filter(case__in=theirs).order_by("-starts_on", "-pk"),
            Supervision.objects.filter(case__in=theirs),
            to_do.values_list("case").annotate(most=Max("carried_forward")),
            before.filter(case__in=theirs).values_list("case").annotate(last=Max("meeting__date")),
            together.first(before.order_by("-meeting__date").values_list("meeting__date", flat=True)),
            undecided.exclude(state=ItemState.PARKED).values_list("case", flat=True),
        ]

    cases, ratings, custody, supervised, carried, seen, last_held, undecided = yield asked
    for name, rows in (("current_ratings", ratings), ("all_custody", custody), ("all_supervisions", supervised)):
        by_case: dict[int, list[Any]] = {}
        for row in rows:
            by_case.setdefault(row.case_id, []).append(row)
        for case in cases:
            setattr(case, name, by_case.get(case.pk, []))
    return _Cohort(cases, dict(carried), dict(seen), last_held or date.min, frozenset(undecided))


def _standing(meeting: Meeting, cases: list[Case], cohort: _Cohort) -> list[Standing]:
    policy = meeting.body.scheme.policy
    inside, released, uncoloured = _custody(cases, policy)
    last_held = cohort.last_held
    own = {clause.name: each.body for each in policy.eligibility for clause in each.clauses if each.body}
    return [
        Standing(
            pk=case.pk,
            reference=case.reference,
            colour=case.rating.colour,
            since=case.rating.starts_on,
            accepted_on=case.accepted_on,
            inside_since=inside[case.pk].starts_on if case.pk in inside else None,
            release_expected_on=inside[case.pk].release_expected_on if case.pk in inside else None,
            released_on=released.get(case.pk),
            # Somebody's first rating comes with acceptance; a later one without a meeting is news to the next.
            # One to be ratified comes by itself: `panels.rerating`.
            rated_by_meeting=case.rating.meeting_id is not None
            or case.rating.to_ratify
            or case.rating.follows_from is None
            or case.rating.starts_on <= last_held,
            carried_forward=cohort.carried.get(case.pk, 0),
            last_seen=cohort.seen.get(case.pk),
            undecided_on=last_held if case.pk in cohort.undecided else None,
            supervision_ends_on=case.supervision_ends_on,
            born=case.offender.date_of_birth,
            taken_by=own.get(case.criterion, ""),
            today=clock.today(),
            leaving=case.status == CaseStatus.LEAVING,
            uncoloured=tuple(uncoloured.get(case.pk, ())),
            agreed=Agreed(case.rating.agreed_on, case.rating.agreed_until) if case.rating.agreed_on else None,
        )
        for case in cases
    ]


def _custody(
    cases: list[Case], policy: Policy
) -> tuple[dict[int, CustodyPeriod], dict[int, date], dict[int, list[Inside]]]:
    """The period each person is in, the last day on which each came out, and the custody that has no colour here."""
    inside: dict[int, CustodyPeriod] = {}
    released: dict[int, date] = {}
    uncoloured: dict[int, list[Inside]] = {}
    covered = policy.blue.covers if policy.blue.used else ()
    for period in (period for case in cases for period in reversed(case.custody)):
        if period.released_on is None:
            inside[period.case_id] = period
        else:
            released[period.case_id] = period.released_on
        if period.kind not in covered:
            uncoloured.setdefault(period.case_id, []).append(Inside(period.starts_on, period.released_on))
    return inside, released, uncoloured


def _nominated(meeting: Meeting, actor: Actor) -> together.Steps[list[Nominated]]:
    policy = actor.scheme.policy
    if meeting.body.slug not in {*policy.deciding_bodies, *(each.body for each in policy.criteria_in_force)}:
        return []

    def waiting() -> QuerySet:
        rows = Referral.objects.visible_to(actor).for_list()
        here = rows.filter(status=ReferralStatus.ON_AGENDA, meeting=meeting)
        return (rows.filter(status=ReferralStatus.DEFERRED) | here).order_by("pk")

    return [
        Nominated(referral, _why_nominated(referral, policy))
        for referral in (yield waiting)
        if referral.status == ReferralStatus.ON_AGENDA or _may_decide(meeting, referral, policy)
    ]


def _may_decide(meeting: Meeting, referral: Referral, policy: Policy) -> bool:
    """Whether the body of a meeting decides on the criteria for which somebody was nominated."""
    slug = meeting.body.slug
    return slug == body_for(policy, referral.criteria).slug if referral.criteria else slug in policy.deciding_bodies


def _why_nominated(referral: Referral, policy: Policy) -> str:
    release = release_of(policy.custody, referral.in_custody, referral.release_expected_on, clock.today())
    soon = f", and release on {day_month(release.expected)} is near" if release and release.near else ""
    if referral.status == ReferralStatus.ON_AGENDA:
        return f"Put to this panel{soon}"
    return f"Deferred by the {referral.meeting.called}{soon}" if referral.meeting else f"Deferred{soon}"


@transaction.atomic
def add_suggested(meeting: Meeting, keys: Iterable[str], *, by: Actor) -> list[AgendaItem]:
    """Put the suggestions of these keys on the agenda, in the order in which they are suggested.

    A deferred nomination is put to the panel again and the agencies are asked again. Raises PermissionDenied, or
    StepRefused when one is no longer suggested.
    """
    wanted, found = set(keys), suggestions(meeting, by)
    nominated = [one for one in found.nominated if one.key in wanted]
    chosen = [one for one in found.cases if one.key in wanted]
    young = [one for one in found.young if one.key in wanted]
    if len(nominated) + len(chosen) + len(young) < len(wanted) or not wanted:
        raise StepRefused(["Somebody has added this already, or it is no longer suggested. Look at the list again."])
    cases = Case.objects.visible_to(by).in_bulk([one.case for one in chosen])
    added = [_add_nominated(meeting, one.referral, by) for one in nominated]
    return added + add_items(
        meeting,
        [Wanted(Section.AOB, title=one.move.reference, why=one.why[:200]) for one in young]
        + [
            Wanted(one.section, case=cases[one.case], why="" if one.routine else one.why, first=one.first)
            for one in chosen
        ],
        by=by,
    )


def _add_nominated(meeting: Meeting, referral: Referral, by: Actor) -> AgendaItem:
    if referral.status == ReferralStatus.DEFERRED:
        # The agenda item comes with it: see `panels.handlers`.
        referral_actions.put_to_panel(referral, meeting=meeting, agencies=_agencies_for(referral), by=by)
        return AgendaItem.objects.get(meeting=meeting, referral=referral)
    return add_items(meeting, [Wanted(Section.REFERRALS, referral=referral)], by=by)[0]


def _agencies_for(referral: Referral) -> list[Agency]:
    """The agencies that were asked before; where none was, all core ones."""
    asked = CheckRequest.objects.filter(referral=referral).values("agency")
    before = list(Agency.objects.filter(pk__in=asked))
    return before or list(Agency.objects.filter(scheme=referral.scheme, core=True))
