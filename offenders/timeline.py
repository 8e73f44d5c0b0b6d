"""What happened with somebody, as one log: entries that people and feeds write, and what other apps know of the case.

Nothing on it is overwritten. Who was wrong writes a correction, with a reason, and both stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from iom import audit, together
from iom.models import Agency, Handling
from iom.steps import StepRefused, locked
from iom.together import Steps
from offenders import naming
from offenders.models import Case, Entry, EntryKind
from offenders.querysets import found_by

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from iom.access import Actor

LONGEST = Entry._meta.get_field("text").max_length


# --- What other apps add to the page ----------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline of a case: what happened on a day, said by whom, and where there is more of it.

    `kind` is what the page filters by: of `EntryKind`, or a word of the app that adds the line ("rating", "decision").
    """

    on: date
    kind: str
    title: str
    text: str = ""
    by: str = ""
    href: str = ""


# What is registered may ask for rows between its lines (`iom.together`).
Lines = Callable[["Actor", Case], Iterable[Any]]
_lines: list[Lines] = []


def on_timeline(function: Lines) -> Lines:
    """Register what an app knows of a case: `fn(actor, case) -> Iterable[Line]`, only what the actor may read."""
    _lines.append(function)
    return function


def lines_of(actor: Actor, case: Case) -> list[Line]:
    """What the apps add for this reader."""
    return together.run(lines_of_steps(actor, case))


def lines_of_steps(actor: Actor, case: Case) -> Steps[list[Line]]:
    """`lines_of`, read together with other rows."""
    return (yield from _gathered(_lines, actor, case))


def _gathered(sources: Sequence[Callable[[Actor, Case], Iterable[Any]]], actor: Actor, case: Case) -> Steps[list[Any]]:
    """What all `sources` yield, in their order, each asking at the same time as the others."""
    found = yield from together.all_of(
        {place: together.items_of(source(actor, case)) for place, source in enumerate(sources)}
    )
    return [item for items in found.values() for item in items]


# --- Told what is expected --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """That the person was told clearly what is expected of them: when, if that is known, and by whom."""

    on: date | None
    by: str


TellsOfIt = Callable[["Actor", Case], Iterable[Any]]
_told: list[TellsOfIt] = []


def knows_who_was_told(function: TellsOfIt) -> TellsOfIt:
    """Register where else it is written that the person was told: `fn(actor, case) -> Iterable[Told]`."""
    _told.append(function)
    return function


def last_told(actor: Actor, case: Case) -> Told | None:
    """When the person was told last, as far as the reader may know (Richmond, principle 3); None: not recorded."""
    return together.run(last_told_steps(actor, case))


def last_told_steps(actor: Actor, case: Case) -> Steps[Told | None]:
    """`last_told`, read together with other rows."""
    asked = yield from together.all_of({"entry": _told_by_entry(actor, case), "others": _gathered(_told, actor, case)})
    found = [*asked["others"], *asked["entry"]]
    return max(found, key=lambda told: told.on or date.min, default=None)


def _told_by_entry(actor: Actor, case: Case) -> Steps[list[Told]]:
    entries = yield together.shared(entries_of, actor, case)
    told = (entry for entry in standing(entries) if entry.kind == EntryKind.TOLD)
    return [Told(each.happened_on, each.agency_name) for each in islice(told, 1)]


class Logged(NamedTuple):
    """An entry as its readers meet it. A case that goes on for years has a thousand, and a row of each takes long."""

    pk: int
    kind: str
    happened_on: date
    happened_at: datetime | None
    text: str
    source: str
    checked_at: datetime | None
    handling: str
    readers: Sequence[str]
    corrects_id: int | None
    reason: str
    created_at: datetime
    agency_id: int | None
    agency__name: str | None
    made_by_id: int | None
    made_by__name: str | None

    @property
    def on(self) -> date:
        return self.happened_on

    @property
    def is_marked(self) -> bool:
        """For fewer than the panel."""
        return self.handling != Handling.PANEL

    @property
    def agency_name(self) -> str:
        return self.agency__name or ""

    @property
    def who(self) -> str:
        """Whoever wrote it, and for which agency; what no person wrote came from a feed."""
        return ", ".join(part for part in (self.made_by__name, self.agency__name) if part) or "a feed"


def logged_steps(entries: Callable[[], QuerySet[Entry]]) -> Steps[list[Logged]]:
    """These entries as their readers meet them, in their order; put into SQL once (`iom.asked_before`)."""
    return [Logged(*each) for each in (yield lambda: entries().values_list(*Logged._fields))]


def entries_of(actor: Actor, case: Case) -> Steps[list[Logged]]:
    """Every entry of a case that the reader may read, the newest first; what was corrected too."""
    found = found_by(actor, case)
    return (yield from logged_steps(lambda: Entry.objects.of_case(actor, case, found=found)))


def standing(entries: Iterable[Logged]) -> list[Logged]:
    """Those of the entries of a case that hold: neither corrected nor withdrawn (`EntryQuerySet.standing`).

    A correction is for the readers of what it corrects, so that whoever reads the one was given the other.
    """
    entries = list(entries)
    corrected = {entry.corrects_id for entry in entries}
    return [entry for entry in entries if entry.text and entry.pk not in corrected]


# --- What is written --------------------------------------------------------


@transaction.atomic
def note(
    case: Case,
    kind: str,
    *,
    on: date,
    text: str,
    by: Actor,
    agency: Agency | None = None,
    source: str = "",
    at: datetime | None = None,
    checked_at: datetime | None = None,
    handling: str = Handling.PANEL,
    readers: Iterable[str] = (),
    key: str = "",
) -> Entry:
    """Write down what happened on a day. `agency` answers for it: without one, that of whoever writes.

    `readers` are slugs of agencies, for `Handling.AGENCIES`. What came in under the same `key` before is left as it is.
    Raises PermissionDenied, or StepRefused: nothing said, too long, or nobody chosen to read it.
    """
    if by.user is not None and not by.can("offenders.add_entry", case):
        raise PermissionDenied
    if case.scheme_id != by.scheme.pk:
        raise PermissionDenied
    agency = agency or by.agency
    readers = _readers(handling, readers, agency)
    if problems := _against(text, handling, readers):
        raise StepRefused(problems)
    if key:
        locked(Case, case.pk)
        if known := Entry.objects.filter(case=case, key=key).first():
            return known
    entry = Entry.objects.create(
        scheme_id=case.scheme_id,
        case=case,
        kind=EntryKind(kind),
        happened_on=on,
        happened_at=at,
        text=text.strip(),
        agency=agency,
        source=source,
        checked_at=checked_at,
        handling=Handling(handling),
        readers=readers,
        key=key,
        made_by=by.user,
    )
    audit.record("note", entry, by=by, after=entry.kind, subjects=[case.reference])
    _warn_of_names(entry, by)
    return entry


@transaction.atomic
def correct(entry: Entry, *, text: str, on: date, reason: str, by: Actor) -> Entry:
    """Put right what an entry says; without a text it is withdrawn. The first stays, and this stands beside it.

    For the same readers as the first. Raises PermissionDenied, or StepRefused: no reason, or corrected already.
    """
    entry = locked(Entry, entry.pk)
    if by.user is not None and not by.can("offenders.correct_entry", entry):
        raise PermissionDenied
    if Entry.objects.filter(corrects=entry).exists():
        raise StepRefused(["This has been corrected already. Correct what stands now."])
    problems = _against(text, entry.handling, entry.readers) if text.strip() else []
    if not reason.strip():
        problems.insert(0, "Enter why it is corrected.")
    if not entry.text:
        problems.insert(0, "This was withdrawn. Add what you know as a new entry.")
    if problems:
        raise StepRefused(problems)
    right = Entry.objects.create(
        scheme_id=entry.scheme_id,
        case=entry.case,
        kind=entry.kind,
        happened_on=on,
        happened_at=entry.happened_at if on == entry.happened_on else None,
        text=text.strip(),
        agency=entry.agency,
        source=entry.source,
        checked_at=entry.checked_at,
        handling=entry.handling,
        readers=entry.readers,
        corrects=entry,
        reason=reason.strip(),
        made_by=by.user,
    )
    audit.record("correct_entry", right, by=by, after=right.kind, reason=reason, subjects=[entry.case.reference])
    _warn_of_names(right, by)
    return right


def _readers(handling: str, readers: Iterable[str], agency: Agency | None) -> list[str]:
    own = {agency.slug} if agency else set()
    return sorted(set(readers) - own) if handling == Handling.AGENCIES else []


def _against(text: str, handling: str, readers: Iterable[str]) -> list[str]:
    problems = []
    if not text.strip():
        problems.append("Enter what happened.")
    elif len(text.strip()) > LONGEST:
        problems.append(
            f"What happened must be {LONGEST} characters or fewer. You have {len(text.strip()) - LONGEST} too many."
        )
    if handling == Handling.AGENCIES and not list(readers):
        problems.append("Choose the agencies that can read it.")
    return problems


def _warn_of_names(entry: Entry, by: Actor) -> None:
    """What a person typed may name somebody protected: the agency that keeps them is told, whoever wrote it is not."""
    if by.user is not None:
        reference = entry.case.reference
        where, subject = f"the timeline of {reference}", f"entry {entry.pk}"
        naming.tell_owners(entry.case.offender, (entry.text, entry.reason), where=where, subject=subject)


# --- For rules --------------------------------------------------------------


class Shown(NamedTuple):
    """That something happened, without what: of which kind, when, and whether it is for fewer than the panel."""

    kind: str
    on: date
    marked: bool


def shows(cases: Iterable[Case], since: date) -> dict[int, tuple[Shown, ...]]:
    """What happened to each case since a day, that day too, oldest first; one query for all of them.

    For rules alone: whoever reads a page may not be among an entry's readers, so that nothing of this is shown. Without
    the words, which are nearly all of it.
    """
    return together.run(shows_steps(cases, since))


def shows_steps(cases: Iterable[Case], since: date) -> Steps[dict[int, tuple[Shown, ...]]]:
    """`shows`, read together with other rows."""
    wanted = [case.pk for case in cases]
    found: dict[int, list[Shown]] = defaultdict(list)
    for case, kind, on, handling in (yield _shown(wanted, since)):
        found[case].append(Shown(kind, on, handling != Handling.PANEL))
    return {pk: tuple(found.get(pk, ())) for pk in wanted}


@together.worded
def _shown(cases: list[int], since: date) -> QuerySet:
    return logged(cases, since).values_list("case", "kind", "happened_on", "handling")


def logged(cases: list[int], since: date) -> QuerySet:
    """What stands in the log of the cases since a day, oldest first, as `shows` reads it."""
    return Entry.objects.standing().filter(case__in=cases, happened_on__gte=since).order_by("happened_on", "pk")
