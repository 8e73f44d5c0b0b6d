"""The rating of a case beside the evidence: what each page, the board and the agenda show of it.

Reads what `offenders.mismatch` judges. What an arrest or charge was about is not told, and one that is marked for fewer
than the panel does not count against Green: what stands on an agenda may be read by every member.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import DateField, Exists, OuterRef, Q, Value
from django.db.models.functions import Least

from iom import clock, together
from iom.jinja import day
from iom.models import Handling
from iom.policy import Policy
from iom.together import Steps

from . import evidence, timeline
from .asks import Ask, Window, asks_panel
from .evidence import Fact, events_steps, looks_back, rating_evidence, shows, shows_within
from .mismatch import Event, EventKind, Intensity, Mismatch, Says, intensity, lasted, mismatches
from .models import Case, CaseStatus, Colour, CustodyPeriod, Entry, EntryKind, RagRating

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from iom.access import Actor

    from .querysets import CaseQuerySet

Shown = dict[int, tuple[Event, ...]]


@dataclass(frozen=True, slots=True)
class Beside:
    """What is shown beside one rating."""

    says: Says
    differs: tuple[Mismatch, ...]
    intensity: Intensity | None


def says_of(case: Case, policy: Policy) -> Says | None:
    """What the rating of an open case says; None for one that is closed or not rated."""
    rating = case.rating
    if rating is None or case.status == CaseStatus.CLOSED:
        return None
    inside = case.inside
    return Says(
        colour=rating.colour,
        since=rating.starts_on,
        by_panel=rating.meeting_id is not None or rating.to_ratify,
        inside_since=inside.starts_on if inside else None,
        inside_covered=bool(inside and inside.kind in policy.blue.covers),
    )


def beside(cases: Sequence[Case], policy: Policy, today: date) -> dict[int, Beside]:
    """What is shown beside the ratings of these cases. They come `with_current` and `with_custody`."""
    return together.run(beside_steps(cases, policy, today))


def beside_steps(cases: Sequence[Case], policy: Policy, today: date) -> Steps[dict[int, Beside]]:
    """`beside`, read together with other rows."""
    rated = [case for case in cases if case.rating is not None and case.status != CaseStatus.CLOSED]
    rule = policy.says_shows
    since = looks_back(today, days=max(rule.recent_days, rule.enforcement_days, rule.intervention_days))
    lately, before = yield from _lately_and_before_steps(rated, since)
    shown = {case.pk: (*before.get(case.pk, ()), *lately[case.pk]) for case in rated}
    # Custody may be read together with the events, so that nothing before asks for it.
    said = {case.pk: says for case in rated if (says := says_of(case, policy)) is not None}
    return {
        pk: Beside(
            says,
            mismatches(policy, says, shown[pk], today),
            intensity(policy, says, shown[pk], today),
        )
        for pk, says in said.items()
    }


def not_fitting(cases: CaseQuerySet, policy: Policy, today: date) -> QuerySet[RagRating]:
    """The ratings of these open cases that do not fit what is shown: `mismatches`, asked of the database."""
    rule = policy.says_shows

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    def shown(kind: EventKind, first: Any) -> Q:
        return evidence.shown_within(kind, OuterRef("case"), first, today)

    recently = Least(OuterRef("starts_on"), Value(ago(rule.recent_days), DateField()))
    wrong = Q(colour=Colour.GREEN) & shown("alarm", recently)
    first = ago(rule.enforcement_days)
    wrong |= Q(colour=Colour.RED, starts_on__lte=first) & ~shown("enforcement", first)
    first = ago(rule.intervention_days)
    wrong |= Q(colour=Colour.AMBER, starts_on__lte=first) & ~shown("intervention", first)
    if policy.blue.used:
        wrong |= Q(colour=Colour.BLUE)
    inside = CustodyPeriod.objects.filter(case=OuterRef("case"), released_on=None)
    wrong &= ~Q(Exists(inside))
    if policy.blue.used:
        covered = inside.filter(kind__in=policy.blue.covers)
        by_panel = Q(meeting__isnull=False) | Q(to_ratify=True)
        ahead = by_panel & Q(Exists(covered.filter(starts_on__lt=OuterRef("starts_on"))))
        wrong |= ~Q(colour=Colour.BLUE) & Q(Exists(covered)) & ~ahead
    return RagRating.objects.filter(wrong, until=None, case__in=cases.order_by().values("pk"))


def _lately_and_before_steps(cases: Sequence[Case], since: date) -> Steps[tuple[Shown, Shown]]:
    """What is shown of these cases since a day, and what spoke against a Green rating of them that began before it."""
    if not cases:
        return {}, {}
    green = [case for case in cases if case.rating.colour == Colour.GREEN and case.rating.starts_on < since]
    found = yield from together.all_of({"lately": events_steps(cases, since), "before": _alarms_steps(green, since)})
    return found["lately"], found["before"]


def _alarms_steps(cases: Sequence[Case], until: date) -> Steps[Shown]:
    found: dict[int, tuple[Event, ...]] = {}
    if cases:
        since = min(case.rating.starts_on for case in cases)
        for pk, kind, on in (yield _alarms([case.pk for case in cases], since, until)):
            found[pk] = (*found.get(pk, ()), Event("alarm", on, EntryKind(kind).label))
    return found


@together.worded
def _alarms(cases: list[int], since: date, until: date) -> QuerySet:
    rows = timeline.logged(cases, since).filter(kind__in=sorted(ALARMS), handling=Handling.PANEL)
    return rows.filter(happened_on__lt=until).values_list("case", "kind", "happened_on")


def differs_of(case: Case, today: date) -> tuple[str, ...]:
    """In words, where the rating of one case does not fit what is shown."""
    return together.run(differs_of_steps(case, today))


def differs_of_steps(case: Case, today: date) -> Steps[tuple[str, ...]]:
    """`differs_of`, read together with other rows."""
    shown = (yield from beside_steps([case], case.scheme.policy, today)).get(case.pk)
    return tuple(each.words for each in shown.differs) if shown else ()


@asks_panel
def rating_does_not_fit(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """Ratings that do not fit what is shown come first on the agenda: the panel looks, and decides."""
    if not window.body.opens_cohort and "rating" not in window.policy.powers(window.body.slug):
        return
    found = yield from beside_steps(cases, window.policy, window.today)
    for pk, each in found.items():
        for one in each.differs:
            section = "releases" if one.kind == "blue_outside" else "reviews"
            yield Ask(pk, section, one.words, one.source, first=True)


# --- What the log of a case shows -------------------------------------------

# What speaks against Green.
ALARMS = frozenset({EntryKind.ARREST, EntryKind.CHARGE, EntryKind.ENFORCEMENT, EntryKind.BREACH, EntryKind.RECALL})
# What is done to hold somebody to what was agreed, and what counts as seeing them besides.
ENFORCING = frozenset(
    {EntryKind.ENFORCEMENT, EntryKind.HOME_VISIT, EntryKind.COMPLIANCE_VISIT, EntryKind.CUSTODY_VISIT}
)
SEEING = frozenset({EntryKind.CONTACT, EntryKind.PRISON_VISIT, EntryKind.COURT_ATTENDANCE, EntryKind.TOLD})
FACTS_AT_MOST = 12


@shows
def in_the_log(cases: Sequence[Case], since: date) -> Iterator[Any]:
    """What was done and what happened; a marked entry is counted where nothing is told of it, and else left out."""
    shown = yield from timeline.shows_steps(cases, since)
    for pk, entries in shown.items():
        for entry in entries:
            if entry.kind in ALARMS and not entry.marked:
                yield pk, Event("alarm", entry.on, EntryKind(entry.kind).label)
            if entry.kind in ENFORCING:
                yield pk, Event("enforcement", entry.on)
            elif entry.kind in SEEING:
                yield pk, Event("contact", entry.on)


@shows_within
def log_shows_within(kind: EventKind, case: OuterRef, first: Any, last: date) -> QuerySet | None:
    """`in_the_log`, asked of the database."""
    rows = Entry.objects.standing().filter(case=case, happened_on__gte=first, happened_on__lte=last)
    if kind == "alarm":
        return rows.filter(kind__in=ALARMS, handling=Handling.PANEL)
    if kind == "enforcement":
        return rows.filter(kind__in=ENFORCING)
    return rows.filter(kind__in=SEEING) if kind == "contact" else None


# --- On the page where it is changed ----------------------------------------


@rating_evidence
def custody_and_ratings(actor: Actor, case: Case, since: date) -> Iterable[Fact]:
    """Where the person is, and how the rating came about."""
    if case.inside is not None:
        out = case.inside.release_expected_on
        words = f"{case.inside.prison}, {case.inside.get_kind_display().lower()}" + (
            f", release expected on {day(out)}" if out else ""
        )
        yield Fact("In custody", words, case.inside.starts_on)
    for period in case.custody:
        if period.released_on is not None and period.released_on >= since:
            yield Fact("Released", period.prison, period.released_on)


@rating_evidence
def happened(actor: Actor, case: Case, since: date) -> Iterable[Fact]:
    """What the log says since the rating began, as far as the reader may read it: what speaks for or against it."""
    kinds = ALARMS | ENFORCING | SEEING | {EntryKind.WANTED, EntryKind.BAIL, EntryKind.SUCCESS}
    rows = Entry.objects.visible_to(actor).standing().filter(case=case, kind__in=kinds, happened_on__gte=since)
    for entry in rows.order_by("-happened_on", "-pk")[:FACTS_AT_MOST]:
        yield Fact(entry.get_kind_display(), entry.text, entry.happened_on)


def history(case: Case) -> list[RagRating]:
    """Every rating, newest first, with who gave it and where."""
    rows = case.ratings.select_related("meeting__body", "ratified_at__body", "decided_by")
    return list(rows.order_by("-starts_on"))


def ends_green(rating: RagRating, policy: Policy) -> str:
    """What giving another colour ends, said before it is saved; blank where no clock runs."""
    if rating.colour != Colour.GREEN:
        return ""
    how_long = lasted(rating.starts_on, clock.today())
    rule = policy.exit
    if rule.green_months is not None:
        return (
            f"Green for {how_long}: another rating ends it, and the clock of {rule.green_months} months starts again."
        )
    if rating.agreed_until is not None:
        return f"Green for {how_long}, agreed until {day(rating.agreed_until)}: another rating ends it."
    return f"Green for {how_long}: another rating ends it."


def in_order(rating: RagRating, policy: Policy) -> list[str]:
    """The colours that can be given, the one before custody first: Amber for whoever was Amber."""
    others = [str(each.colour) for each in policy.ratings if each.colour != rating.colour]
    before = rating.colour_before
    return [before, *(each for each in others if each != before)] if before in others else others


def last_days(today: date, days: int) -> date:
    """The first of the last so many days."""
    return today - timedelta(days=days)
