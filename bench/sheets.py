"""A cohort's sheet as large as one likes, of people who are plainly made up, with names shared as names are."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

HEADINGS = (
    *("Surname", "Forename", "DOB", "Sex", "Alias(es)", "PNC", "CRN", "Address", "Ward", "RAG", "RAG since"),
    *("Accepted on", "Lead agency", "Lead professional", "Police officer", "Statutory (Y/N)", "OGRS"),
    *("Why on cohort", "In custody", "Custody status", "Custody since", "Prison", "Release date"),
)
STARTS = ("Ab", "Bren", "Cal", "Dun", "El", "Far", "Gil", "Hal", "Ing", "Jar", "Kel", "Lam", "Mar", "Nor", "Os", "Pen")
STARTS += ("Quil", "Ros", "Sel", "Tam", "Ul", "Var", "Wen", "Yar", "Ash", "Bick", "Chil", "Den", "Eg", "Frem", "Gos")
STARTS += (
    "Hox",
    "Ib",
    "Jes",
    "Knap",
    "Lin",
    "Mel",
    "Nun",
    "Ock",
    "Pel",
    "Rad",
    "Sib",
    "Thur",
    "Up",
    "Vin",
    "Wal",
    "Yel",
)
ENDS = ("bury", "croft", "dale", "ferry", "grove", "ham", "ingley", "ley", "mont", "nock", "over", "port", "ridge")
ENDS += (
    "shaw",
    "stead",
    "thorpe",
    "ton",
    "well",
    "wick",
    "worth",
    "bourne",
    "cote",
    "don",
    "ford",
    "gate",
    "hurst",
    "land",
    "mere",
    "ness",
)
ENDS += ("hithe", "pool", "sted", "tree", "vale", "wold", "yate", "by", "combe", "down", "field")
GIVEN = ("Aled", "Amina", "Bronwen", "Callum", "Chidi", "Dafydd", "Ewa", "Farid", "Grace", "Harriet", "Ifan", "Jonah")
GIVEN += ("Kasia", "Leon", "Maeve", "Nadia", "Owain", "Priya", "Quentin", "Rhys", "Sadia", "Tomasz", "Una", "Vikram")
GIVEN += ("Agnes", "Basil", "Cerys", "Dmitri", "Eilidh", "Fergus", "Gwen", "Hugo", "Iona", "Jamal", "Keir", "Lowri")
GIVEN += ("Milan", "Nerys", "Oluwa", "Petra", "Ruben", "Sunita", "Tegan", "Umar", "Vera", "Wojtek", "Yasmin", "Zack")
GIVEN += ("Winston", "Xanthe", "Yusuf", "Zoë", "Bethan", "Cormac", "Delroy", "Esme", "Femi", "Gareth", "Hana", "Idris")
# So many days from the first to the last date of birth: 1958 to 2006.
BORN, DAYS = date(1958, 1, 1), 17_500
# One in so many shares the date of birth and a near name with somebody: the checks have something to find.
ALIKE = 400


def people(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """`count` people, none of them surely another: each name with its date of birth comes once."""
    chance, seen = random.Random(seed), set()  # noqa: S311 -- made-up people, the same each time
    last: tuple[str, str, date] | None = None
    for number in range(count):
        who = _near(last) if last and number % ALIKE == 0 else _anybody(chance)
        while who in seen:
            who = _anybody(chance)
        seen.add(who)
        last = who
        yield _row(number, *who)


def _anybody(chance: random.Random) -> tuple[str, str, date]:
    family = chance.choice(STARTS) + chance.choice(ENDS)
    if chance.random() < 0.05:
        family += f"-{chance.choice(STARTS)}{chance.choice(ENDS)}"
    given = chance.choice(GIVEN)
    if chance.random() < 0.3:
        given += f" {chance.choice(GIVEN)}"
    return family, given, BORN + timedelta(days=chance.randrange(DAYS))


def _near(who: tuple[str, str, date]) -> tuple[str, str, date]:
    family, given, born = who
    return family.replace("r", "rr", 1) + "e", given, born


def _row(number: int, family: str, given: str, born: date) -> dict[str, Any]:
    accepted = date(2024, 1, 4) + timedelta(days=number % 700)
    inside = number % 10 == 0
    return {
        "Surname": family,
        "Forename": given,
        "DOB": born,
        "Sex": "F" if number % 7 == 0 else "M",
        "Alias(es)": f"{given.split(maxsplit=1)[0]}o {STARTS[number % 24]}{ENDS[number % 19]}"
        if number % 5 == 0
        else "",
        "PNC": f"{number % 60 + 40:02}/{100000 + number}{'ABCDEFGHJK'[number % 10]}",
        "CRN": f"X{200000 + number}",
        "Address": f"{number} Sample Street, Exampletown",
        "Ward": ("Old Town", "Mill Lane", "Hill Top")[number % 3],
        "RAG": "Blue" if inside else ("Red", "Amber", "Green")[number % 3],
        "RAG since": accepted + timedelta(days=14),
        "Accepted on": accepted,
        "Lead agency": "Probation",
        "Lead professional": f"Officer {number % 30} Specimen",
        "Police officer": "PC Sample",
        "Statutory (Y/N)": "Y" if number % 2 else "N",
        "OGRS": 40 + number % 60,
        "Why on cohort": "Burglaries of homes; misses appointments.",
        "In custody": "Y" if inside else "N",
        "Custody status": "Sentence" if inside else "",
        "Custody since": accepted + timedelta(days=10) if inside else "",
        "Prison": "HMP Example" if inside else "",
        "Release date": date(2027, 3, 1) if inside else "",
    }


def write_csv(path: Path, count: int) -> None:
    """Dates as people type them in Britain; UTF-8 with byte order mark, as spreadsheets save it."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, HEADINGS)
        writer.writeheader()
        for row in people(count):
            writer.writerow(
                {name: each.strftime("%d/%m/%Y") if isinstance(each, date) else each for name, each in row.items()}
            )


def write_xlsx(path: Path, count: int) -> None:
    """Dates as days of the spreadsheet, numbers as numbers."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    page = book.create_sheet("Cohort")
    page.append(list(HEADINGS))
    for row in people(count):
        page.append(
            [datetime.combine(each, datetime.min.time()) if isinstance(each, date) else each for each in row.values()]
        )
    book.save(path)
