"""Names, numbers and sentences of people who do not exist: surnames are put together from two made-up halves."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from panels.demonstration.names import GIVEN_MEN, GIVEN_WOMEN

_FIRST = (
    *(
        "Ablen",
        "Brask",
        "Calder",
        "Corven",
        "Dasmer",
        "Delfin",
        "Eskel",
        "Farrow",
        "Fenlow",
        "Gallen",
        "Garmer",
        "Hallin",
    ),
    *("Harven", "Illsen", "Jarrow", "Kelmer", "Kestren", "Lambren", "Larken", "Lorrin", "Mallen", "Merrin", "Morvel"),
    *("Narlow", "Nettan", "Orrel", "Ostren", "Pallen", "Penmar", "Quarrel", "Ravven", "Rensal", "Rushen", "Sallow"),
    *("Selmer", "Starren", "Tallin", "Tamber", "Thornel", "Ulmen", "Valden", "Vennor", "Wallen", "Westrel", "Winnel"),
    *("Yarren", "Yelden", "Zellow"),
)
_SECOND = (
    *(
        "ashe",
        "beck",
        "bourne",
        "brooke",
        "combe",
        "cote",
        "crag",
        "dale",
        "dene",
        "fell",
        "field",
        "ford",
        "garth",
        "gate",
    ),
    *(
        "grave",
        "ham",
        "hay",
        "holt",
        "hurst",
        "keld",
        "lake",
        "leigh",
        "low",
        "marsh",
        "mere",
        "moor",
        "more",
        "nook",
        "pike",
    ),
    *(
        "ridge",
        "rigg",
        "rook",
        "shaw",
        "stead",
        "stone",
        "thorpe",
        "toft",
        "vale",
        "wade",
        "wick",
        "wold",
        "worth",
        "yate",
    ),
)
FAMILY = tuple(first + second for first in _FIRST for second in _SECOND)
GIVEN = {"MALE": tuple(GIVEN_MEN), "FEMALE": tuple(GIVEN_WOMEN)}
CHECK_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"


class Person(NamedTuple):
    """Somebody as a scheme writes them down. A number that is not known is empty."""

    family: str
    given: str
    born: date
    gender: str
    pnc: str
    cro: str
    prison: str
    probation: str
    alias: str


def person(dice: Random, on: date) -> Person:
    """Somebody of 18 to 58 on a day. About one in twelve is a woman, and one in four goes by another name too."""
    gender = "FEMALE" if dice.random() < 0.08 else "MALE"
    family = dice.choice(FAMILY)
    if dice.random() < 0.06:
        family = f"{family}-{dice.choice(FAMILY)}"
    given = dice.choice(GIVEN[gender])
    if dice.random() < 0.3:
        given = f"{given} {dice.choice(GIVEN[gender])}"
    born = on - timedelta(days=dice.randint(18 * 366, 58 * 365))
    number = dice.randrange(1, 9_999_999)
    letter = CHECK_LETTERS[number % 23]
    known = dice.random()
    return Person(
        family=family,
        given=given,
        born=born,
        gender=gender,
        pnc=f"{born.year + 17}/{number:07}{letter}" if known < 0.9 else "",
        cro=f"{number % 400_000}/{(born.year + 17) % 100:02}{letter}" if known < 0.4 else "",
        prison=f"A{number % 10_000:04}{letter}{CHECK_LETTERS[number % 19]}" if known > 0.55 else "",
        probation=f"X{number % 1_000_000:06}" if known > 0.15 else "",
        alias=f"{given[:3]}o {dice.choice(FAMILY)}" if dice.random() < 0.25 else "",
    )
