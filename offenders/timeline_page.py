"""The timeline of a case as its reader meets it: entries and what the apps add, newest first (ux.md 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from iom import clock, together
from iom.jinja import day, lower_first, moment
from iom.together import Steps
from offenders.models import Case, Entry, EntryKind
from offenders.querysets import agency_names_steps
from offenders.timeline import entries_of, lines_of_steps

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


def rows_of(actor: Actor, case: Case) -> list[Row]:
    """Everything that the reader may read of a case, the newest first."""
    return together.run(rows_of_steps(actor, case))


def rows_of_steps(actor: Actor, case: Case) -> Steps[list[Row]]:
    """`rows_of`, read together with other rows."""
    found = yield from together.all_of({"entries": _rows_of_entries(actor, case), "lines": lines_of_steps(actor, case)})
    rows = [
        *found["entries"],
        *(Row(each.on, each.kind, each.title, each.text, each.by, each.href) for each in found["lines"]),
    ]
    # The time of day only orders what has one; of one day, what was written last stands first.
    return sorted(rows, key=lambda row: (row.on, row.at.timestamp() if row.at else 0, row.entry or 0), reverse=True)


def entry_rows(actor: Actor, entries: QuerySet[Entry]) -> list[Row]:
    """Entries that the reader was given, each with what it corrects; one row for what stands, and none for the rest."""
    return together.run(entry_rows_steps(actor, entries))


def entry_rows_steps(actor: Actor, entries: QuerySet[Entry]) -> Steps[list[Row]]:
    """`entry_rows`, read together with other rows."""
    found, names = yield [entries.select_related("agency", "made_by"), together.shared(agency_names_steps, actor)]
    return _rows(actor, found, names)


def _rows_of_entries(actor: Actor, case: Case) -> Steps[list[Row]]:
    found, names = yield [together.shared(entries_of, actor, case), together.shared(agency_names_steps, actor)]
    return _rows(actor, found, names)


def _rows(actor: Actor, found: Sequence[Entry], names: Mapping[str, str]) -> list[Row]:
    by_number = {entry.pk: entry for entry in found}
    corrected = {entry.corrects_id for entry in found}
    return [_row(actor, entry, by_number, names) for entry in found if entry.pk not in corrected]


def _row(actor: Actor, entry: Entry, known: Mapping[int, Entry], names: Mapping[str, str]) -> Row:
    mine = answers_for(actor, entry)
    withdrawn = not entry.text
    before, each = [], entry
    while (each := known.get(each.corrects_id)) is not None:
        if each.text and (mine or not withdrawn):
            before.append(Before(each.happened_on, each.text, who(each)))
    corrected = ""
    if entry.corrects_id is not None:
        verb = "Withdrawn" if withdrawn else "Corrected"
        corrected = f"{verb} {day(clock.local(entry.created_at).date())} by {who(entry)}: {entry.reason}"
    return Row(
        on=entry.happened_on,
        kind=entry.kind,
        title=entry.get_kind_display(),
        text=entry.text,
        by=who(entry),
        at=entry.happened_at,
        source=source_words(entry),
        marked=marked_words(entry, names) if entry.is_marked else "",
        entry=entry.pk,
        may_correct=mine and not withdrawn,
        corrected=corrected,
        withdrawn=withdrawn,
        before=tuple(before),
    )


def answers_for(actor: Actor, entry: Entry) -> bool:
    """The rule of `offenders.correct_entry`, asked of an entry that the reader was given already."""
    if entry.agency_id is None and entry.made_by_id is None:
        return actor.has_role("coordinator", "chair")
    mine = actor.user is not None and entry.made_by_id == actor.user.pk
    return mine or (actor.agency is not None and entry.agency_id == actor.agency.pk)


def who(entry: Entry) -> str:
    """Whoever wrote it, and for which agency; what no person wrote came from a feed."""
    person = entry.made_by.name if entry.made_by else ""
    return ", ".join(part for part in (person, entry.agency.name if entry.agency else "") if part) or "a feed"


def source_words(entry: Entry) -> str:
    """Who or what says so, and when somebody last looked there."""
    checked = f"checked {moment(entry.checked_at)}" if entry.checked_at else ""
    return ", ".join(part for part in (entry.source, checked) if part)


def marked_words(entry: Entry, names: Mapping[str, str]) -> str:
    """Who may read a marked entry beside its own agency: "police and probation", or the agencies by name."""
    return ", ".join(sorted(names.get(slug, slug) for slug in entry.readers)) or lower_first(
        entry.get_handling_display()
    )


def kinds_in(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """The kinds that occur, as (kind, "Ratings (3)"), in the order of their words."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.kind] = counts.get(row.kind, 0) + 1
    return sorted(((kind, f"{kind_words(kind)} ({count})") for kind, count in counts.items()), key=lambda each: each[1])
