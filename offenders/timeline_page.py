"""The timeline of a case as its reader meets it: entries and what the apps add, newest first (ux.md 4.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, overload

from django.db.models import QuerySet

from iom import clock, together
from iom.jinja import day, lower_first, moment
from iom.models import Handling
from iom.together import Steps
from offenders.models import Case, Entry, EntryKind
from offenders.querysets import agency_names_steps
from offenders.timeline import Line, Logged, entries_of, lines_of_steps, logged_steps

if TYPE_CHECKING:
    from iom.access import Actor

# What the apps' lines are, as the filter calls them; any other kind is its own word.
KINDS = {
    "cohort": "On and off the cohort",
    "rating": "Ratings",
    "lead": "Leads",
    "custody": "Custody",
    "decision": "Panel decisions",
    "action": "Actions",
    "offer": "Offers",
    "review": "Reviews",
    "document": "Documents",
    "meeting": "Meetings with the person",
}


def kind_words(kind: str) -> str:
    """What a kind of line is called."""
    return KINDS.get(kind) or dict(EntryKind.choices).get(kind) or kind.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Before:
    """What an entry said until it was corrected; without words where the reader may no longer read them."""

    on: date
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Row:
    """One thing on the page. `marked` says who else reads it; `before` what stood there first, the newest first."""

    on: date
    kind: str
    title: str
    text: str = ""
    by: str = ""
    href: str = ""
    at: datetime | None = None
    source: str = ""
    marked: str = ""
    entry: int | None = None
    may_correct: bool = False
    corrected: str = ""
    withdrawn: bool = False
    before: tuple[Before, ...] = ()

    @property
    def when(self) -> date:
        return self.on

    @property
    def kind_words(self) -> str:
        return kind_words(self.kind)


class Rows(Sequence[Row]):
    """A timeline, the newest first. Of a thousand things a page shows a few: a row is made when it is looked at."""

    def __init__(self, things: Sequence[Logged | Line], row: Callable[[Logged | Line], Row]) -> None:
        self._things = things
        self._row = row

    def __len__(self) -> int:
        return len(self._things)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self._row(thing) for thing in self._things[place]]
        return self._row(self._things[place])

    def narrowed(self, kind: str, since: date | None) -> Rows:
        """Those of a kind, if one is given, and after a day, if one is."""
        fit = [each for each in self._things if (not kind or each.kind == kind) and (since is None or each.on > since)]
        return Rows(fit, self._row)

    @property
    def kinds(self) -> Counter[str]:
        """How many there are of each kind."""
        return Counter(each.kind for each in self._things)


def rows_of(actor: Actor, case: Case) -> Rows:
    """Everything that the reader may read of a case, the newest first."""
    return together.run(rows_of_steps(actor, case))


def rows_of_steps(actor: Actor, case: Case) -> Steps[Rows]:
    """`rows_of`, read together with other rows."""
    found = yield from together.all_of({"entries": _entries_of(actor, case), "lines": lines_of_steps(actor, case)})
    entries, names = found["entries"]
    known = {entry.pk: entry for entry in entries}
    things = [*_uncorrected(entries), *found["lines"]]
    things.sort(key=_when, reverse=True)
    return Rows(things, lambda thing: _row(actor, thing, known, names))


def _entries_of(actor: Actor, case: Case) -> Steps[list[Any]]:
    return (yield [together.shared(entries_of, actor, case), together.shared(agency_names_steps, actor)])


def _when(thing: Logged | Line) -> tuple[date, float, int]:
    """The time of day only orders what has one; of one day, what was written last stands first."""
    if isinstance(thing, Line):
        return thing.on, 0, 0
    return thing.happened_on, thing.happened_at.timestamp() if thing.happened_at else 0, thing.pk


def entry_rows(actor: Actor, entries: QuerySet[Entry]) -> list[Row]:
    """Entries that the reader was given, each with what it corrects; one row for what stands, and none for the rest."""
    return together.run(entry_rows_steps(actor, entries))


def entry_rows_steps(actor: Actor, entries: QuerySet[Entry]) -> Steps[list[Row]]:
    """`entry_rows`, read together with other rows."""
    read = yield from together.all_of(
        {"entries": logged_steps(lambda: entries), "names": together.asked(together.shared(agency_names_steps, actor))}
    )
    known = {entry.pk: entry for entry in read["entries"]}
    return [_row(actor, entry, known, read["names"]) for entry in _uncorrected(read["entries"])]


def _uncorrected(entries: Sequence[Logged]) -> list[Logged]:
    corrected = {entry.corrects_id for entry in entries}
    return [entry for entry in entries if entry.pk not in corrected]


def _row(actor: Actor, entry: Logged | Line, known: Mapping[int, Logged], names: Mapping[str, str]) -> Row:
    if isinstance(entry, Line):
        return Row(entry.on, entry.kind, entry.title, entry.text, entry.by, entry.href)
    mine = answers_for(actor, entry)
    withdrawn = not entry.text
    before, number = [], entry.corrects_id
    while number is not None and (each := known.get(number)) is not None:
        if each.text and (mine or not withdrawn):
            before.append(Before(each.happened_on, each.text, each.who))
        number = each.corrects_id
    corrected = ""
    if entry.corrects_id is not None:
        verb = "Withdrawn" if withdrawn else "Corrected"
        corrected = f"{verb} {day(clock.local(entry.created_at).date())} by {entry.who}: {entry.reason}"
    return Row(
        on=entry.happened_on,
        kind=entry.kind,
        title=EntryKind(entry.kind).label,
        text=entry.text,
        by=entry.who,
        at=entry.happened_at,
        source=source_words(entry),
        marked=marked_words(entry, names) if entry.is_marked else "",
        entry=entry.pk,
        may_correct=mine and not withdrawn,
        corrected=corrected,
        withdrawn=withdrawn,
        before=tuple(before),
    )


def answers_for(actor: Actor, entry: Entry | Logged) -> bool:
    """The rule of `offenders.correct_entry`, asked of an entry that the reader was given already."""
    if entry.agency_id is None and entry.made_by_id is None:
        return actor.has_role("coordinator", "chair")
    mine = actor.user is not None and entry.made_by_id == actor.user.pk
    return mine or (actor.agency is not None and entry.agency_id == actor.agency.pk)


def source_words(entry: Logged) -> str:
    """Who or what says so, and when somebody last looked there."""
    checked = f"checked {moment(entry.checked_at)}" if entry.checked_at else ""
    return ", ".join(part for part in (entry.source, checked) if part)


def marked_words(entry: Logged, names: Mapping[str, str]) -> str:
    """Who may read a marked entry beside its own agency: "police and probation", or the agencies by name."""
    return ", ".join(sorted(names.get(slug, slug) for slug in entry.readers)) or lower_first(
        str(Handling(entry.handling).label)
    )


def kinds_in(rows: Rows) -> list[tuple[str, str]]:
    """The kinds that occur, as (kind, "Ratings (3)"), in the order of their words."""
    named = ((kind, f"{kind_words(kind)} ({count})") for kind, count in rows.kinds.items())
    return sorted(named, key=lambda each: each[1])
