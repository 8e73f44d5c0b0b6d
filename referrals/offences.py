"""The Home Office's offence codes, how OGRS3 sees each, and how an officer finds one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from referrals.predictors import table


@dataclass(frozen=True, slots=True)
class Offence:
    """A Home Office code and how OGRS3 sees it.

    `status` is `mapped`, `need_exact_offence`, `no_weighting` or `not_in_ogrs3_mapping`; only a mapped code
    has a `category` and a (service) `weight` on the log-odds scale. `violent` is the 2026 flag: it may
    suggest a count of violent sanctions, never overrule an assessor's.
    """

    code: str
    status: str
    category: str | None
    category_label: str | None
    weight: float | None
    violent: bool
    group: str
    heading: str
    description: str


@cache
def _offences() -> dict[str, Offence]:
    labels = {row["category"]: row["label"] for row in table("ogrs3-offence-categories.csv")}
    return {row["ho_code"]: _offence(row, labels) for row in table("ho-code-mapping.csv")}


def _offence(row: Mapping[str, str], labels: Mapping[str, str]) -> Offence:
    category, weight = row["ogrs3_category"], row["ogrs3_weighting"]
    return Offence(
        code=row["ho_code"],
        status=row["ogrs3_status"],
        category=category or None,
        category_label=labels[category] if category else None,
        weight=float(weight) if weight else None,
        violent=row["is_violent_sanction_2026"] == "true",
        group=row["parent_group_description"],
        heading=row["category_description"],
        description=row["sub_category_description"],
    )


def offence(code: str) -> Offence | None:
    """The Home Office code's row, or None for a code that is not in the table."""
    return _offences().get(code)


_CLASS_AND_SUBCLASS = re.compile(r"([0-9]{1,3})/([0-9]{1,2})")
_CODE = re.compile(r"[0-9]+")
_SMALL_WORDS = frozenset({"a", "an", "and", "any", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to"})


_LAST_RESORT = "Use this code only if"
# What officers write, as the table has it. Several words stand for each other where the table uses another.
_SHORT_FOR = {
    "abh": "actual bodily harm",
    "gbh": "grievous bodily harm",
    "tda": "unauthorised taking vehicle",
    "twoc": "unauthorised taking vehicle",
    "pwits": "possession intent supply",
    "mda": "misuse drugs",
}
_SAME_AS = {
    "theft": ("theft", "stealing", "larceny"),
    "stealing": ("stealing", "theft"),
    "steal": ("steal", "theft"),
    "shop": ("shop", "shoplifting"),
    "knife": ("knife", "blade"),
    "bladed": ("blade",),
    "drink": ("drink", "alcohol"),
    "drunk": ("drunk", "alcohol"),
    "car": ("car", "vehicle"),
    "house": ("house", "dwelling"),
    "bike": ("bike", "cycle"),
    "bicycle": ("bicycle", "cycle"),
    "police": ("police", "constable"),
}


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", text.casefold().replace("'", "")))


@cache
def _searchable() -> tuple[tuple[Offence, tuple[str, ...], tuple[str, ...]], ...]:
    """Each offence with the words of its own description and those of the headings above it."""
    return tuple(
        (each, _words(each.description), _words(f"{each.heading} {each.group}")) for each in _offences().values()
    )


def search_offences(text: str, limit: int = 20) -> list[Offence]:
    """Offences whose code begins with `text`, or described with a word beginning with each of its words.

    A code may be typed as on a charge sheet: 28/3 finds 02803. Codes that OGRS3 can score come first, then
    those that match in their own description rather than in a heading, in whole words rather than beginnings,
    then exact codes before those for when nothing exact is known. What officers write for short is understood:
    abh, twoc, pwits.
    """
    wanted = text.strip()
    if split := _CLASS_AND_SUBCLASS.fullmatch(wanted):
        wanted = split[1].zfill(3) + split[2].zfill(2)
    hits = _with_code(wanted) if _CODE.fullmatch(wanted) else _with_words(wanted)
    hits.sort(key=lambda hit: (hit[1].category is None, -hit[0], _LAST_RESORT in hit[1].description, hit[1].code))
    return [each for _, each in hits[:limit]]


def _with_code(beginning: str) -> list[tuple[int, Offence]]:
    return [(0, each) for each in _offences().values() if each.code.startswith(beginning)]


def _with_words(text: str) -> list[tuple[int, Offence]]:
    """Each hit with how well it fits: words that stand whole in its own description, then those that begin there."""
    typed = [word for word in _words(text) if word not in _SMALL_WORDS]
    wanted = [_SAME_AS.get(word, (word,)) for each in typed for word in _SHORT_FOR.get(each, each).split()]
    if not wanted:
        return []
    return [
        (sum(2 * any(word in own for word in same) + _has(same, own) for same in wanted), each)
        for each, own, above in _searchable()
        if all(_has(same, own) or _has(same, above) for same in wanted)
    ]


def _has(beginnings: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(word.startswith(beginnings) for word in words)
