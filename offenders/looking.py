"""Looking for people on the board: by name, alias, reference and every number, however the name is spelt.

Each word must stand in the name, an alias, the reference or a number; or be one slip, one short form or one sound away
from a word of the name or an alias (`alike.spelt_alike`). Who fits as typed comes first. A number counts whole, with or
without its slashes and zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import BooleanField, Exists, OuterRef, Q, When
from django.db.models import Case as Choose

from offenders import alike
from offenders.likeness import alias_names
from offenders.models import Alias
from offenders.querysets import in_the_name

if TYPE_CHECKING:
    from offenders.models import Case
    from offenders.querysets import CaseQuerySet

# How much of a word's trigrams must stand together in a name before it is worth a judgement.
WORTH_JUDGING = 0.24


def as_typed(words: str) -> Q:
    """The condition on cases that each word stands in the name, an alias, the reference or a number, or is a number."""
    found = in_the_name(words)
    for kind, key in alike.KEYS.items():
        if number := alike.number_key(kind, words):
            found |= Q(**{f"offender__{key}": number})
    return found


def worth_judging(cases: CaseQuerySet, words: str) -> CaseQuerySet:
    """Those of `cases` who may be meant by another spelling: for `spelt_alike` to judge."""
    typed = _typed(words)
    if not typed:
        return cases.none()
    worth = Q()
    for place, word in enumerate(typed):
        likeness, near = alike.indexed(word), f"near_{place}"
        cases = cases.alias(**{near: TrigramWordSimilarity(likeness, "offender__likeness_name")})
        names = Alias.objects.filter(offender=OuterRef("offender")).alias(
            near=TrigramWordSimilarity(likeness, "likeness_name")
        )
        worth &= Q(**{f"{near}__gte": WORTH_JUDGING}) | Exists(names.filter(near__gte=WORTH_JUDGING))
    # One condition that is not taken apart: its parts would be put to everybody whom the scheme ever knew.
    return cases.filter(
        Choose(When(~worth, then=False), When(as_typed(words), then=False), default=True, output_field=BooleanField())
    )


def with_aliases(cases: CaseQuerySet) -> CaseQuerySet:
    """Each with their `alias_names`, by which `spelt_alike` judges."""
    return cases.annotate(alias_names=alias_names(of="offender"))


def spelt_alike(cases: Iterable[Case], words: str) -> Sequence[Case]:
    """Those of the cases that were worth it, read `with_aliases`, whom the words mean; in their order."""
    typed = _typed(words)
    return [
        case
        for case in cases
        if alike.spelt_alike(typed, [f"{case.offender.given_names} {case.offender.family_name}", *case.alias_names])
    ]


def _typed(words: str) -> list[str]:
    typed = alike.plain(words).split()
    return [] if any(letter.isdigit() for word in typed for letter in word) else typed
