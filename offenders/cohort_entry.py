"""Entering a whole cohort: people, cases, ratings, leads and custody of thousands, in a few statements and all at once.

The same rows, history and audit as `offenders.actions` makes one by one: `add_offender`, `accept`, `assign` and
`record_custody`. Two imports come one after another, because the first thing that each does is take its references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, bulk
from iom.access import Actor
from iom.models import Counter, PolicyVersion
from iom.steps import StepRefused

from . import actions, alike
from .cohort_import import Entry, Lead
from .models import Alias, Assignment, AssignmentRole, Case, Colour, CustodyPeriod, Offender, RagRating

TAKEN_OVER = "Rating taken over from the scheme's own list."
AT_ONCE = 2000


def lock(by: Actor) -> None:
    """Wait for another import, or acceptance, of the scheme: what is asked after this stays true until the end."""
    Counter.several(by.scheme, "case", 0)


class Entered(NamedTuple):
    """What was made of a row."""

    row: int
    reference: str
    rating: str


@transaction.atomic
def enter(
    entries: Iterable[Entry],
    *,
    by: Actor,
    same: Mapping[int, Offender] | None = None,
    dry_run: bool = False,
) -> list[Entered]:
    """Enter everybody, with references in the order of the rows. A dry run does it all and takes it back.

    `same` gives, by row, the person of the scheme whom an entry is: they get the case, keep what is known of them, and
    what was not known is filled in. Raises PermissionDenied, or StepRefused when one of them has an open case.
    """
    if by.user is not None and not by.holds("offenders.import_cohort"):
        raise PermissionDenied
    waiting = iter(entries)
    held, policies = _held(same or {}), _Policies(by)
    entered: list[Entered] = []
    # So many at once: the memory that it takes does not grow with the sheet.
    while some := list(islice(waiting, AT_ONCE)):
        people = _people(some, held, by)
        entered += _cases(some, people, policies, by)
    references = [each.reference for each in entered]
    audit.record("import_cohort", by.scheme, by=by, subjects=references, count=len(entered))
    if dry_run:
        transaction.set_rollback(True)
    return entered


# --- People -------------------------------------------------------------------


def _held(same: Mapping[int, Offender]) -> dict[int, Offender]:
    """The people whom the scheme holds already, locked, by row."""
    if not same:
        return {}
    wanted = {person.pk for person in same.values()}
    locked = {each.pk: each for each in Offender.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    present = Case.objects.filter(offender__in=wanted).not_closed().order_by("pk")
    if references := list(present.values_list("reference", flat=True)):
        raise StepRefused([f"Somebody is on the cohort already, as {references[0]}."])
    if len(wanted) < len(same):
        raise StepRefused(["Two rows were said to be the same person. Keep one of the rows."])
    return {row: locked[person.pk] for row, person in same.items()}


PERSON = (*actions.IDENTITY, "sort_name", "likeness_name", *alike.KEYS.values())


def _people(entries: Sequence[Entry], held: Mapping[int, Offender], by: Actor) -> dict[int, int]:
    """The numbers of the people, by row: of those who are held, and of those who are added."""
    people, new, rows, fields = {}, [], [], []
    for entry in entries:
        given = dict(entry.person)
        names = given.pop("aliases")
        if entry.row in held:
            _fill_in(held[entry.row], given, names, by)
            people[entry.row] = held[entry.row].pk
            continue
        person = Offender(**given)
        person.reckon()
        new.append(entry)
        rows.append([*(getattr(person, name) for name in PERSON), str(person)])
        fields.append([name for name in actions.IDENTITY if getattr(person, name)])
    numbers = bulk.add(Offender, PERSON, rows, scheme=by.scheme, actor=by.user)
    people |= {entry.row: number for entry, number in zip(new, numbers, strict=True)}
    aliases = (
        [number, name, alike.indexed(name), name]
        for entry, number in zip(new, numbers, strict=True)
        for name in sorted(set(entry.person["aliases"]))
    )
    bulk.add(Alias, ("offender_id", "name", "likeness_name"), aliases, scheme=by.scheme, actor=by.user)
    said = ((str(number), {"fields": given}) for number, given in zip(numbers, fields, strict=True))
    audit.record_references("add_offender", Offender._meta.label_lower, said, by=by)
    return people


def _fill_in(person: Offender, given: Mapping[str, object], aliases: Iterable[str], by: Actor) -> None:
    """What the sheet knows of somebody and the scheme does not; nothing that is held is changed."""
    missing = {name: value for name, value in given.items() if value and not getattr(person, name)}
    known = [alias.name for alias in person.aliases.all()]
    if more := [name for name in aliases if name not in known]:
        missing["aliases"] = [*known, *more]
    if missing:
        actions.change_offender(person, by=by, **missing)


# --- Cases --------------------------------------------------------------------


class _Policies:
    """The scheme's rules over time, each read once."""

    def __init__(self, by: Actor) -> None:
        versions = PolicyVersion.objects.filter(scheme=by.scheme).order_by("-valid_from", "-number")
        self._newest_first = [(each, each.policy.first_rating.colour) for each in versions]
        self.blue = by.scheme.policy.blue

    def on(self, day: date) -> tuple[int, str]:
        """As `Scheme.policy_on`: the number of the version in force, and the first colour that it gives."""
        held = self._newest_first
        version, first = next((each for each in held if each[0].valid_from <= day), held[-1])
        return version.pk, first or ""


CASE = ("reference", "offender_id", "accepted_on", "why", "score", "score_on", "statutory", "policy_version_id")
RATING = ("case_id", "colour", "starts_on", "until", "follows_from", "reason", "colour_before", "decided_by_id")
LEAD = ("case_id", "role", "agency_id", "membership_id", "person_name", "starts_on")
CUSTODY = ("case_id", "kind", "prison", "starts_on", "release_expected_on")


def _cases(entries: Sequence[Entry], people: Mapping[int, int], policies: _Policies, by: Actor) -> list[Entered]:
    numbers = Counter.several(by.scheme, "case", len(entries))
    references = [f"IOM-{number:04}" for number in numbers]
    rows = [
        [
            reference,
            people[entry.row],
            entry.accepted_on,
            entry.why,
            entry.score,
            entry.score_on,
            entry.statutory,
            policies.on(entry.accepted_on)[0],
            reference,
        ]
        for entry, reference in zip(entries, references, strict=True)
    ]
    cases = bulk.add(Case, CASE, rows, scheme=by.scheme, actor=by.user)
    _of_cases(
        "accept",
        ((reference, entry.rating, TAKEN_OVER) for entry, reference in zip(entries, references, strict=True)),
        by,
    )
    placed = list(zip(entries, cases, references, strict=True))
    ratings = [list(_ratings(entry, case, policies, by)) for entry, case, _ in placed]
    # A rating that follows another refers to its end, so the first ones go first.
    bulk.add(RagRating, RATING, (each[0] for each in ratings), scheme=by.scheme, actor=by.user)
    later = (each for several in ratings for each in several[1:])
    bulk.add(RagRating, RATING, later, scheme=by.scheme, actor=by.user)
    leads = (
        [case, lead.role, lead.agency, lead.membership, lead.name, entry.accepted_on, _lead_words(lead)]
        for entry, case, _ in placed
        for lead in entry.leads
    )
    bulk.add(Assignment, LEAD, leads, scheme=by.scheme, actor=by.user)
    _of_cases("assign", ((reference, lead.role, "") for entry, _, reference in placed for lead in entry.leads), by)
    inside = [(case, entry.custody, reference) for entry, case, reference in placed if entry.custody is not None]
    periods = (
        [case, *(custody[name] for name in CUSTODY[1:]), str(CustodyPeriod(**custody))] for case, custody, _ in inside
    )
    bulk.add(CustodyPeriod, CUSTODY, periods, scheme=by.scheme, actor=by.user)
    _of_cases("record_custody", ((reference, custody["kind"], "") for _, custody, reference in inside), by)
    return [Entered(entry.row, reference, entry.rating) for entry, _, reference in placed]


def _of_cases(verb: str, said: Iterable[tuple[str, str, str]], by: Actor) -> None:
    """Audit one verb of many cases: reference, what came of it, reason."""
    events = (
        (reference, {"after": after, "reason": reason, "subjects": [reference]}) for reference, after, reason in said
    )
    audit.record_references(verb, Case._meta.label_lower, events, by=by)


def _ratings(entry: Entry, case: int, policies: _Policies, by: Actor) -> Iterator[list[Any]]:
    """The rating that the sheet gives, and Blue after it where the scheme rates this custody so (design.md 3)."""
    before = policies.on(entry.accepted_on)[1] if entry.rating == Colour.BLUE else ""
    custody, blue = entry.custody, policies.blue
    turns = custody is not None and blue.used and custody["kind"] in blue.covers and entry.rating != Colour.BLUE
    since = max(custody["starts_on"], entry.rated_on) if custody is not None else entry.rated_on
    if not turns:
        yield _rating(case, entry.rating, entry.rated_on, None, None, TAKEN_OVER, before, by)
    elif since == entry.rated_on:
        yield _rating(case, Colour.BLUE, since, None, None, actions.INTO_CUSTODY, entry.rating, by)
    else:
        yield _rating(case, entry.rating, entry.rated_on, since, None, TAKEN_OVER, before, by)
        yield _rating(case, Colour.BLUE, since, None, since, actions.INTO_CUSTODY, entry.rating, by)


def _rating(
    case: int,
    colour: str,
    starts_on: date,
    until: date | None,
    follows_from: date | None,
    reason: str,
    before: str,
    by: Actor,
) -> list[Any]:
    shown = f"{Colour(colour).label} from {starts_on}"
    return [case, colour, starts_on, until, follows_from, reason, before, by.user.pk if by.user else None, shown]


def _lead_words(lead: Lead) -> str:
    return f"{AssignmentRole(lead.role).label}: {lead.holder}"
