"""Entering a whole cohort: people, cases, ratings, leads and custody of thousands, in a few statements and all at once.

The same rows, history and audit as `offenders.actions` makes one by one: `add_offender`, `accept`, `assign` and
`record_custody`. Two imports come one after another, because the first thing that each does is take its references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import models, transaction

from iom import audit
from iom.access import Actor
from iom.models import Counter, LogEntry, PolicyVersion
from iom.steps import StepRefused

from . import actions
from .cohort_import import Entry
from .models import Alias, Assignment, Case, Colour, CustodyPeriod, Offender, RagRating

TAKEN_OVER = "Rating taken over from the scheme's own list."
AT_ONCE = 1000


def lock(by: Actor) -> None:
    """Wait for another import, or acceptance, of the scheme: what is asked after this stays true until the end."""
    Counter.several(by.scheme, "case", 0)


@transaction.atomic
def enter(
    entries: Sequence[Entry], *, by: Actor, same: Mapping[int, Offender] | None = None, dry_run: bool = False
) -> list[Case]:
    """Enter everybody, with references in the order of the rows. A dry run does it all and takes it back.

    `same` gives, by row, the person of the scheme whom an entry is: they get the case, keep what is known of them, and
    what was not known is filled in. Raises PermissionDenied, or StepRefused when one of them has an open case.
    """
    if by.user is not None and not by.holds("offenders.import_cohort"):
        raise PermissionDenied
    numbers = Counter.several(by.scheme, "case", len(entries))
    held = _held(same or {})
    people = _people(entries, held, by)
    cases = _cases(entries, people, numbers, by)
    _rest(entries, cases, by)
    references = [case.reference for case in cases]
    audit.record("import_cohort", by.scheme, by=by, subjects=references, count=len(cases))
    if dry_run:
        transaction.set_rollback(True)
    return cases


# --- People -------------------------------------------------------------------


def _held(same: Mapping[int, Offender]) -> dict[int, Offender]:
    """The people whom the scheme holds already, locked, by row."""
    wanted = {person.pk for person in same.values()}
    locked = {each.pk: each for each in Offender.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    present = Case.objects.filter(offender__in=wanted).not_closed().order_by("pk")
    if references := list(present.values_list("reference", flat=True)):
        raise StepRefused([f"Somebody is on the cohort already, as {references[0]}."])
    if len(wanted) < len(same):
        raise StepRefused(["Two rows were said to be the same person. Keep one of the rows."])
    return {row: locked[person.pk] for row, person in same.items()}


def _people(entries: Sequence[Entry], held: Mapping[int, Offender], by: Actor) -> dict[int, Offender]:
    people, aliases = dict(held), []
    for entry in entries:
        given = dict(entry.person)
        names = given.pop("aliases")
        if entry.row in held:
            _fill_in(held[entry.row], given, names, by)
            continue
        person = Offender(scheme=by.scheme, **given)
        people[entry.row] = person
        aliases += [Alias(scheme=by.scheme, offender=person, name=name) for name in sorted(set(names))]
    new = [person for row, person in people.items() if row not in held]
    for each in (*new, *aliases):
        each.reckon()
    _add(new, by)
    _add(aliases, by)
    given_fields = [
        (person, {"fields": [name for name in actions.IDENTITY if getattr(person, name)]}) for person in new
    ]
    audit.record_each("add_offender", given_fields, by=by)
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


def _cases(entries: Sequence[Entry], people: Mapping[int, Offender], numbers: Iterable[int], by: Actor) -> list[Case]:
    versions = list(PolicyVersion.objects.filter(scheme=by.scheme).order_by("-valid_from", "-number"))
    cases = [
        Case(
            scheme=by.scheme,
            reference=f"IOM-{number:04}",
            offender=people[entry.row],
            accepted_on=entry.accepted_on,
            why=entry.why,
            score=entry.score,
            score_on=entry.score_on,
            statutory=entry.statutory,
            policy_version=_in_force(versions, entry.accepted_on),
        )
        for entry, number in zip(entries, numbers, strict=True)
    ]
    _add(cases, by)
    said = [
        (case, {"after": entry.rating, "reason": TAKEN_OVER, "subjects": [case.reference]})
        for case, entry in zip(cases, entries, strict=True)
    ]
    audit.record_each("accept", said, by=by)
    return cases


def _in_force(newest_first: Sequence[PolicyVersion], on: date) -> PolicyVersion:
    """As `Scheme.policy_on`, for many days."""
    return next((each for each in newest_first if each.valid_from <= on), newest_first[-1])


def _rest(entries: Sequence[Entry], cases: Sequence[Case], by: Actor) -> None:
    ratings, leads, custody = [], [], []
    for entry, case in zip(entries, cases, strict=True):
        ratings.append(list(_ratings(entry, case, by)))
        leads += list(_leads(entry, case))
        if entry.custody is not None:
            custody.append(CustodyPeriod(scheme=by.scheme, case=case, **entry.custody))
    # A rating that follows another refers to its end, so the first ones go first.
    _add([each[0] for each in ratings], by)
    _add([later for each in ratings for later in each[1:]], by)
    _add(leads, by)
    _add(custody, by)
    audit.record_each(
        "assign", [(lead.case, {"after": lead.role, "subjects": [lead.case.reference]}) for lead in leads], by=by
    )
    audit.record_each(
        "record_custody",
        [(period.case, {"after": period.kind, "subjects": [period.case.reference]}) for period in custody],
        by=by,
    )


def _ratings(entry: Entry, case: Case, by: Actor) -> Iterator[RagRating]:
    """The rating that the sheet gives, and Blue after it where the scheme rates this custody so (design.md 3)."""
    policy = case.policy_version.policy
    first, blue = policy.first_rating.colour, by.scheme.policy.blue
    rating = RagRating(
        scheme=by.scheme,
        case=case,
        colour=entry.rating,
        starts_on=entry.rated_on,
        reason=TAKEN_OVER,
        decided_by=by.user,
        colour_before=first or "" if entry.rating == Colour.BLUE else "",
    )
    custody = entry.custody
    if custody is None or not blue.used or custody["kind"] not in blue.covers or entry.rating == Colour.BLUE:
        yield rating
        return
    inside_since = max(custody["starts_on"], entry.rated_on)
    turned = {"colour": Colour.BLUE, "reason": actions.INTO_CUSTODY, "colour_before": entry.rating}
    if inside_since == entry.rated_on:
        for name, value in turned.items():
            setattr(rating, name, value)
        yield rating
        return
    rating.until = inside_since
    yield rating
    yield RagRating(
        scheme=by.scheme,
        case=case,
        starts_on=inside_since,
        follows_from=inside_since,
        decided_by=by.user,
        **turned,
    )


def _leads(entry: Entry, case: Case) -> Iterator[Assignment]:
    for role, agency, membership, name in entry.leads:
        yield Assignment(
            scheme_id=case.scheme_id,
            case=case,
            role=role,
            agency=agency,
            membership=membership,
            person_name=name,
            starts_on=entry.accepted_on,
        )


def _add(rows: Sequence[models.Model], by: Actor) -> None:
    """Write rows of one model, and their readable history."""
    if rows:
        type(rows[0])._default_manager.bulk_create(rows, batch_size=AT_ONCE)
        LogEntry.objects.log_added(rows, actor=by.user)
