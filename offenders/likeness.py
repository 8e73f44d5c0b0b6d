"""Who of a scheme's people somebody may already be (the duplicate check, docs/duplicates.md).

`find(scheme, person) -> list[Alike]` asks the database for one person: nomination, triage.
`pool(scheme) -> alike.Pool` holds everybody in memory, for a whole sheet: `pool(scheme).like(person)`.
`entered(family_name=…, given_names=…, date_of_birth=…, aliases=(), pnc_number="", …) -> alike.Person` makes the person.

Both read the whole scheme, whoever asks: the caller shows nobody whom the reader may not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from iom import together
from offenders import alike
from offenders.models import Alias, Offender

if TYPE_CHECKING:
    from iom.models import Scheme


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody whom the scheme holds, with the names that they go by besides, and how like they are."""

    offender: Offender
    aliases: tuple[str, ...]
    likeness: alike.Likeness


def thresholds() -> alike.Thresholds:
    """The thresholds of this installation."""
    return alike.Thresholds(name=settings.LIKENESS_NAME, word=settings.LIKENESS_WORD)


def entered(
    *,
    family_name: str,
    given_names: str,
    date_of_birth: date | None = None,
    aliases: Iterable[str] = (),
    **numbers: str,
) -> alike.Person:
    """Somebody as they are entered: the fields of `Offender`; fields that say nothing of who it is are passed over."""
    known = {kind: numbers[kind] for kind in alike.NUMBERS if numbers.get(kind)}
    return alike.Person((f"{given_names} {family_name}", *aliases), date_of_birth, known)


def person_of(offender: Offender, aliases: Iterable[str]) -> alike.Person:
    """Somebody as the scheme holds them."""
    numbers = {kind: getattr(offender, kind) for kind in alike.NUMBERS}
    return alike.Person((offender.plain_name, *aliases), offender.date_of_birth, numbers)


def find(scheme: Scheme, person: alike.Person, *, but: Offender | None = None) -> list[Alike]:
    """Whom `person` may already be, the surest first, without `but`. One query, whose parts all use an index."""
    return together.run(find_steps(scheme, person, but=but))


def find_steps(scheme: Scheme, person: alike.Person, *, but: Offender | None = None) -> together.Steps[list[Alike]]:
    """`find`, read in its caller's round."""
    limits = thresholds()
    rows = with_aliases(Offender.objects.filter(scheme=scheme, pk__in=_candidates(scheme, person)))
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    found = yield rows
    return sorted(
        _judged(found, person, limits), key=lambda each: (*alike.surest_first(each.likeness), each.offender.pk)
    )


def _judged(rows: Iterable[Offender], person: alike.Person, limits: alike.Thresholds) -> Iterator[Alike]:
    for offender in rows:
        aliases = tuple(offender.alias_names)
        if likeness := alike.judge(person, person_of(offender, aliases), limits):
            yield Alike(offender, aliases, likeness)


def _candidates(scheme: Scheme, person: alike.Person) -> QuerySet:
    """Their ids: a name or alias with three trigrams in ten in common, a near date of birth, or a number."""
    people, aliases = (model.objects.filter(scheme=scheme).order_by() for model in (Offender, Alias))
    parts = []
    for name in {alike.indexed(name) for name in person.names} - {""}:
        parts += [
            people.filter(likeness_name__trigram_similar=name).values("pk"),
            aliases.filter(likeness_name__trigram_similar=name).values("offender"),
        ]
    if person.born:
        parts.append(people.filter(date_of_birth__in=alike.near_births(person.born)).values("pk"))
    for kind, number in person.numbers.items():
        if key := alike.number_key(kind, number):
            parts.append(people.filter(**{alike.KEYS[kind]: key}).values("pk"))
    if not parts:
        return people.none().values("pk")
    return parts[0].union(*parts[1:])


def with_aliases(rows: QuerySet) -> QuerySet:
    """With the names that each goes by besides, as `alias_names`."""
    return rows.annotate(alias_names=alias_names())


def alias_names(of: str = "pk") -> ArraySubquery:
    """The names that somebody goes by besides, for rows that refer to the person by the field `of`."""
    return ArraySubquery(Alias.objects.filter(offender=OuterRef(of)).order_by("pk").values("name"))


def pool(scheme: Scheme) -> alike.Pool:
    """Everybody whom the scheme holds, each marked with their row."""
    everybody = alike.Pool(thresholds())
    for offender in with_aliases(Offender.objects.filter(scheme=scheme)):
        everybody.add(offender, person_of(offender, offender.alias_names))
    return everybody
