"""Looking for people on the board: by name, alias, reference and every number, however the name is spelt.

Each word must stand in the name, an alias, the reference or a number; or be one slip, one short form or one sound away
from a word of the name or an alias (`alike.spelt_alike`). Who fits as typed comes first. A number counts whole, with or
without its slashes and zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Exists, OuterRef, Q

from offenders import alike, likeness
from offenders.models import Alias, Offender
from offenders.querysets import CaseQuerySet

# How much of a word's trigrams must stand together in a name before it is worth a judgement.
WORTH_JUDGING = 0.24


@dataclass(frozen=True, slots=True)
class Found:
    """The cases that fit, and the numbers of those that fit only by another spelling."""

    cases: CaseQuerySet
    alike: frozenset[int]


def look_for(cases: CaseQuerySet, words: str) -> Found:
    """Those of `cases` whom the words mean. One query for the likely spellings; the cases themselves are not read."""
    exact = Q(pk__in=cases.matching(words).values("pk"))
    if keys := _by_number(words):
        exact |= keys
    others = frozenset(_spelt_alike(cases.exclude(exact), words))
    return Found(cases.filter(exact | Q(pk__in=others)), others)


def _by_number(words: str) -> Q:
    found = Q()
    for kind, key in alike.KEYS.items():
        if number := alike.number_key(kind, words):
            found |= Q(**{f"offender__{key}": number})
    return found


def _spelt_alike(cases: CaseQuerySet, words: str) -> list[int]:
    typed = alike.plain(words).split()
    if not typed or any(any(letter.isdigit() for letter in word) for word in typed):
        return []
    people = Offender.objects.filter(cases__in=cases)
    for place, word in enumerate(typed):
        near = f"near_{place}"
        like = {near: TrigramWordSimilarity(alike.indexed(word), "likeness_name")}
        enough = {f"{near}__gte": WORTH_JUDGING}
        names = Alias.objects.filter(offender=OuterRef("pk")).annotate(**like).filter(**enough)
        people = people.annotate(**like).filter(Q(**enough) | Exists(names))
    rows = likeness.with_aliases(people).values_list("pk", "given_names", "family_name", "alias_names")
    fit = {pk for pk, given, family, aliases in rows if alike.spelt_alike(typed, [f"{given} {family}", *aliases])}
    return list(cases.filter(offender__in=fit).values_list("pk", flat=True)) if fit else []
