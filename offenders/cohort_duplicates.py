"""Who of a sheet the scheme knows already, and who stands in the sheet twice (docs/duplicates.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import alike, likeness
from .alike import Certainty, Likeness
from .cohort_files import Problem
from .models import Case, Offender, RowToImport

if TYPE_CHECKING:
    from iom.models import Scheme

    from .cohort_import import Entry

# So many people are shown for one row, the likest first.
AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody whom the scheme holds and who may be the person of a row, with their cases, the newest last."""

    offender: Offender
    certainty: int
    words: str
    # Which fields of theirs agree (`alike.Reason.field`).
    agrees: frozenset[str] = frozenset()
    cases: tuple[Case, ...] = ()

    @property
    def sure(self) -> bool:
        return self.certainty == Certainty.SURE

    def kept(self) -> dict[str, Any]:
        """What is stored with a row, so that `again` shows the same."""
        return {
            "id": self.offender.pk,
            "certainty": int(self.certainty),
            "words": self.words,
            "agrees": sorted(self.agrees),
        }

    @property
    def open_case(self) -> Case | None:
        """The case that is not closed: whoever has one is on the cohort."""
        return next((case for case in self.cases if case.status != "closed"), None)


def known(entries: Iterable[Entry], scheme: Scheme, *, but: Collection[int] = ()) -> dict[int, list[Sighting]]:
    """Whom the scheme holds who may be the person of a row, by row, the surest first; nobody of the ids in `but`.

    Three queries, however many rows and people.
    """
    pool = likeness.pool(scheme)
    found: dict[int, list[tuple[Offender, Likeness]]] = {}
    for entry in entries:
        like = [(held, judged) for held, judged in pool.like(_person(entry)) if held.pk not in but]
        if like:
            found[entry.row] = like[:AT_MOST]
    cases = _cases({held.pk for like in found.values() for held, _ in like})
    return {
        row: [_sighting(held, judged, cases.get(held.pk, ())) for held, judged in like] for row, like in found.items()
    }


def _sighting(offender: Offender, judged: Likeness, cases: tuple[Case, ...]) -> Sighting:
    return Sighting(
        offender, judged.certainty, judged.words, frozenset(reason.field for reason in judged.reasons), cases
    )


def again(rows: Iterable[RowToImport], scheme: Scheme, *, but: Collection[int] = ()) -> dict[int, list[Sighting]]:
    """The people whom rows were judged to be like, as they are now; nobody of the ids in `but`. Two queries."""
    rows = list(rows)
    wanted = {each["id"] for row in rows for each in row.alike} - set(but)
    people = {each.pk: each for each in likeness.with_aliases(Offender.objects.filter(scheme=scheme, pk__in=wanted))}
    cases = _cases(people.keys())
    return {
        row.number: [
            Sighting(
                people[each["id"]],
                each["certainty"],
                each["words"],
                frozenset(each["agrees"]),
                cases.get(each["id"], ()),
            )
            for each in row.alike
            if each["id"] in people
        ]
        for row in rows
    }


def _cases(offenders: Collection[int]) -> Mapping[int, tuple[Case, ...]]:
    cases: dict[int, tuple[Case, ...]] = {}
    for case in Case.objects.filter(offender__in=offenders).order_by("accepted_on", "pk"):
        cases[case.offender_id] = (*cases.get(case.offender_id, ()), case)
    return cases


def _person(entry: Entry) -> alike.Person:
    return likeness.entered(**entry.person)


def in_the_sheet(entries: Iterable[Entry]) -> tuple[list[Problem], list[Problem]]:
    """Rows of a person who stands in the sheet already, and rows of one who may."""
    twice, maybe = [], []
    earlier = alike.Pool(likeness.thresholds())
    for entry in entries:
        person = _person(entry)
        for row, judged in earlier.like(person)[:1]:
            if judged.certainty == Certainty.SURE or _nothing_tells_apart(judged):
                problem = f"This is the person of row {row}: {judged.words}."
                twice.append(Problem(entry.row, "", problem, "Keep one of the rows."))
            else:
                problem = f"This may be the person of row {row}: {judged.words}."
                maybe.append(Problem(entry.row, "", problem, "Look at both; keep one row if they are one person."))
        earlier.add(entry.row, person)
    return twice, maybe


def _nothing_tells_apart(judged: Likeness) -> bool:
    """The same name, and no date of birth with either."""
    return judged.name == 1 and judged.against == (alike.UNKNOWN,)


def problems(sightings: Mapping[int, Sequence[Sighting]]) -> tuple[list[Problem], list[Problem]]:
    """What is said where nobody can be asked: rows of people who are surely known are errors, the others warnings."""
    errors, warnings = [], []
    for row, seen in sightings.items():
        for sighting in seen:
            if sighting.sure:
                problem = f"This person is known here already{_as(sighting)}: {sighting.words}."
                errors.append(Problem(row, "", problem, _remedy(sighting)))
            else:
                problem = f"This may be somebody who is known here already{_as(sighting)}: {sighting.words}."
                warnings.append(Problem(row, "", problem, "Look at both; they count as two people."))
    return errors, warnings


def _as(sighting: Sighting) -> str:
    references = [case.reference for case in sighting.cases]
    return f", as {' and '.join(references)}" if references else f" (person {sighting.offender.pk})"


def _remedy(sighting: Sighting) -> str:
    if sighting.open_case is not None:
        return "Remove the row: they are on the cohort."
    return (
        "Remove the row and take them on through a referral, or import on the page “Import a cohort”, "
        "which asks whether it is the same person."
    )
