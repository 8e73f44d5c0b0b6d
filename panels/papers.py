"""What the papers of a meeting show to one reader: each item with its time, its person and how far the checks are."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from iom import clock, together
from iom.models import Meeting
from offenders.models import Case, Offender, RagRating
from referrals.models import CheckRequest, Referral, Score

from . import agreement, concerned
from .models import AgendaItem, ItemState, Section
from .querysets import AgendaItemQuerySet
from .running_order import CLOSED, GROUPED, GROUPS, OPENING, PRESENTED, SECTIONS, Facts, Order, rank

if TYPE_CHECKING:
    from iom.access import Actor

# Parts of a meeting that stand as one, whatever sections their items are of.
ALONE = (OPENING, PRESENTED, CLOSED)


@dataclass(frozen=True, slots=True)
class Checks:
    """How many agencies were asked about a person, and how many answered."""

    asked: int
    answered: int

    @property
    def incomplete(self) -> bool:
        """Whether nobody was asked, or somebody has not answered."""
        return self.asked == 0 or self.answered < self.asked


@dataclass(frozen=True, slots=True)
class Line:
    """One item as a reader meets it. `place` is where it stands in the whole agenda, counted from 1; 0 when parked.

    `ours` is what the reader's own agency answered about the person, in words; blank where it was not asked.
    """

    item: AgendaItem
    place: int
    starts: time | None
    ends: time | None
    href: str
    score: int | None
    checks: Checks
    ours: str

    @property
    def person(self) -> Offender | None:
        thing = self.item.referral or self.item.case
        return thing.offender if thing is not None else None

    @property
    def heading(self) -> str:
        """The person, else the title."""
        if self.person is None:
            return self.item.title
        return f"{self.person.name} (under 18)" if self.person.under_18(self.item.meeting.date) else self.person.name

    @property
    def reference(self) -> str:
        thing = self.item.referral or self.item.case
        return thing.reference if thing is not None else ""

    @property
    def born(self) -> date | None:
        return self.person.date_of_birth if self.person else None

    @property
    def rating(self) -> RagRating | None:
        return self.item.case.rating if self.item.case else None

    @property
    def waits_for_chair(self) -> bool:
        return self.item.late and self.item.late_agreed_by_id is None

    @property
    def late_words(self) -> str:
        """Late items say so, and whether their checks are complete."""
        if not self.item.late:
            return ""
        return "Late: checks incomplete" if self.item.referral_id and self.checks.incomplete else "Late"


@dataclass(frozen=True, slots=True)
class Part:
    """Items that stand together: a section, a need or an agency, who presents first, or the closed session."""

    key: str
    title: str
    lines: tuple[Line, ...]

    @property
    def minutes(self) -> int:
        return sum(line.item.minutes for line in self.lines)

    @property
    def says_it_all(self) -> bool:
        """Whether its one item is called as the part is, so that a heading would say it twice."""
        return len(self.lines) == 1 and self.lines[0].heading == self.title


@dataclass(frozen=True, slots=True)
class Papers:
    """The agenda for one reader. `count` and `minutes` are of the whole agenda, the same for everyone."""

    parts: tuple[Part, ...]
    parked: tuple[Line, ...]
    count: int
    minutes: int

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for part in self.parts for line in part.lines)

    @property
    def waiting_for_chair(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.waits_for_chair)


def items_for(actor: Actor, meeting: Meeting) -> AgendaItemQuerySet:
    """The items that the actor may read: those about restricted cases only if named there and signed (Z4, Z12)."""
    return items_at(actor, meeting, agreement.needs_its_own(meeting))


def items_at(actor: Actor, meeting: Meeting, signing: Meeting | None) -> AgendaItemQuerySet:
    """`items_for`, where it is known which meeting needs signatures of its own (`agreement.needs_its_own`)."""
    restricted = Case.objects.filter(scheme=meeting.scheme_id, restricted=True)
    about_one = Q(Exists(restricted.filter(pk=OuterRef("case"))))
    about_one |= Q(Exists(restricted.filter(offender=OuterRef("referral__offender"))))
    signed = Q(Exists(agreement.signed_at(actor, signing)))
    return AgendaItem.objects.visible_to(actor).filter(signed | ~about_one, meeting=meeting)


def papers(meeting: Meeting, actor: Actor) -> Papers:
    """The agenda as the actor may read it. The number of queries does not depend on the number of items."""
    return together.run(papers_steps(meeting, actor))


def papers_steps(meeting: Meeting, actor: Actor) -> together.Steps[Papers]:
    signing = agreement.needs_its_own(meeting)

    def asked() -> list[together.Read]:
        about = AgendaItem.objects.filter(meeting=meeting).order_by()
        cases, referrals = about.filter(case__isnull=False), about.filter(referral__isnull=False)
        checks = CheckRequest.objects.visible_to(actor).filter(meeting=meeting)
        return [
            planned(meeting),
            items_at(actor, meeting, signing).for_list().order_by("position", "pk"),
            RagRating.objects.filter(until=None, case__in=cases.values("case")),
            _scores(cases.values("case__offender"), referrals.values("referral__offender")),
            checks.values("offender").annotate(asked=Count("pk"), answered=Count("pk", filter=ANSWERED)),
            checks.filter(agency=actor.agency).select_related("answer"),
            Case.objects.visible_to(actor).filter(pk__in=cases.values("case")).values_list("pk", flat=True),
            Referral.objects.visible_to(actor).filter(pk__in=referrals.values("referral")).values_list("pk", flat=True),
        ]

    everything, items, ratings, scores, checks, ours, open_cases, open_referrals = yield asked
    present: dict[int, list[RagRating]] = {}
    for rating in ratings:
        present.setdefault(rating.case_id, []).append(rating)
    for item in items:
        if item.case is not None:
            item.case.current_ratings = present.get(item.case_id, [])
    times = timetable(meeting, [minutes for _, minutes in everything])
    when = {pk: (place, *times[place - 1]) for place, (pk, _) in enumerate(everything, start=1)}
    known = _Known(
        scores=dict(scores),
        checks={row["offender"]: Checks(row["asked"], row["answered"]) for row in checks},
        ours={request.offender_id: _answered(request) for request in ours},
        open_cases=frozenset(open_cases),
        open_referrals=frozenset(open_referrals),
    )
    lines = _lines(meeting, items, when, known)
    standing = [line for line in lines if line.item.state != ItemState.PARKED]
    return Papers(
        parts=_parts(meeting, standing),
        parked=tuple(line for line in lines if line.item.state == ItemState.PARKED),
        count=len(everything),
        minutes=sum(minutes for _, minutes in everything),
    )


def planned(meeting: Meeting) -> QuerySet:
    """The items of an agenda that take time, whoever may see them: number and minutes of each, in order."""
    return AgendaItem.objects.filter(meeting=meeting).numbered().order_by("position", "pk").values_list("pk", "minutes")


def _parts(meeting: Meeting, lines: list[Line]) -> tuple[Part, ...]:
    """The lines in their parts, and each section that such an agenda has although nothing stands in it."""
    order = Order(meeting.body.policy.agenda_rule.presenters_first, bool(meeting.grouping))
    groups = concerned.groups(meeting, [line.item for line in lines]) if meeting.grouping else {}
    found: dict[tuple[int, int, str], list[Line]] = {}
    titles: dict[str, str] = {}
    for line in lines:
        item = line.item
        phase = rank(Facts(item.section, bool(item.presenter), item.closed), order)[0]
        key, title = _part_of(item, phase, groups)
        titles[key] = title
        grouped = phase == GROUPS and bool(meeting.grouping)
        place = min((at for (_, at, name) in found if name == key), default=line.place) if grouped else 0
        found.setdefault((phase, place or SECTIONS.index(item.section) * (phase not in ALONE), key), []).append(line)
    for section in sections_of(meeting):
        stands = section.value in titles or (section == Section.REPORTS and "presented" in titles)
        if not stands and not (meeting.grouping and section in GROUPED):
            titles[section.value] = section.label
            found[rank(Facts(section.value), order)[0], SECTIONS.index(section.value), section.value] = []
    return tuple(Part(key, titles[key], tuple(found[phase, at, key])) for phase, at, key in sorted(found))


def _part_of(item: AgendaItem, phase: int, groups: dict[int, concerned.Group]) -> tuple[str, str]:
    if phase == CLOSED:
        return "closed", "Closed session, without invited people"
    if phase == PRESENTED:
        return "presented", "Presentations and reports, first"
    if phase == GROUPS and id(item) in groups:
        group = groups[id(item)]
        return f"group-{group.place}", group.label
    return item.section, item.get_section_display()


def sections_of(meeting: Meeting) -> tuple[Section, ...]:
    """The sections that an agenda of this body shows although they are empty."""
    rule = meeting.body.policy.agenda_rule
    if rule.kind == "not_cases":
        return (Section.APOLOGIES, Section.LAST_ACTIONS, Section.REPORTS, Section.ESCALATIONS, Section.AOB)
    left_out = {Section.REPORTS} if rule.brought_by_agencies else {Section.REPORTS, Section.BROUGHT}
    return tuple(section for section in Section if section not in left_out)


def timetable(meeting: Meeting, minutes: Iterable[int]) -> list[tuple[time, time]]:
    """When each item begins and ends, one after another from the start of the meeting; London wall clock."""
    passed, begins, slots = 0, meeting.starts_at, []
    for length in minutes:
        passed += length
        ends = clock.after(meeting.date, meeting.starts_at, passed).time()
        slots.append((begins, ends))
        begins = ends
    return slots


@dataclass(frozen=True, slots=True)
class _Known:
    """What stands beside the items: of people by their number, and what of them the reader may open."""

    scores: dict[int, int]
    checks: dict[int, Checks]
    ours: dict[int, str]
    open_cases: frozenset[int]
    open_referrals: frozenset[int]


def _lines(
    meeting: Meeting, items: list[AgendaItem], when: dict[int, tuple[int, time, time]], known: _Known
) -> list[Line]:
    lines = []
    for item in items:
        item.meeting = meeting
        thing = item.referral or item.case
        opens = item.case_id in known.open_cases if item.case_id else item.referral_id in known.open_referrals
        person = thing.offender_id if thing is not None else None
        place, starts, ends = when.get(item.pk, (0, None, None))
        lines.append(
            Line(
                item=item,
                place=place,
                starts=starts,
                ends=ends,
                href=thing.get_absolute_url() if thing is not None and opens else "",
                score=known.scores.get(person),
                checks=known.checks.get(person, Checks(0, 0)),
                ours=known.ours.get(person, ""),
            )
        )
    return lines


def _scores(*people: QuerySet) -> QuerySet:
    """The newest two-year score of each person."""
    about = functools.reduce(operator.or_, (Q(offender__in=some) for some in people))
    rows = Score.objects.filter(about).exclude(model=Score.Model.OVP)
    newest = rows.order_by("offender", "-scored_on", "-pk").distinct("offender")
    return newest.values_list("offender_id", "pct_2yr")


ANSWERED = Q(answer__sent_at__isnull=False)


def _answered(request: CheckRequest) -> str:
    answer = getattr(request, "answer", None)
    return answer.get_known_display() if answer is not None and answer.sent_at else "Not answered yet"
