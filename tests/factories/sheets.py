"""Sheets of a cohort as large as one likes, of people who are plainly made up and all unlike each other."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from openpyxl import Workbook

HEADINGS = (
    *("Surname", "Forename", "DOB", "Sex", "Alias(es)", "PNC", "CRN", "Address", "Ward", "RAG", "RAG since"),
    *("Accepted on", "Lead agency", "Lead professional", "Police officer", "Statutory (Y/N)", "OGRS"),
    *("Why on cohort", "In custody", "Custody status", "Custody since", "Prison", "Release date"),
)
_FIRST = ("Ab", "Br", "Cl", "Dw", "Ed", "Fr", "Gw", "Hy", "Ij", "Jo", "Kr", "Lu", "My", "Ny", "Ov", "Pr", "Qu", "Ry")
_MIDDLE = ("ando", "ephi", "ilka", "ombu", "urze", "yffo", "aqua", "erni", "isto", "ovid", "ugha", "ympt")
_LAST = ("bleton", "croft", "dwick", "fford", "gsby", "hampe", "jinks", "kworth", "lstrom", "mbury", "ncote", "pperz")


def _name(number: int) -> tuple[str, str]:
    """Two names that no other number has, and that share little with them."""
    one = number * 7919
    first, middle = _FIRST[number % 18], _MIDDLE[number // 18 % 12]
    family = f"{first}{middle}{_LAST[number // 216 % 12]}"
    return family, f"{_FIRST[(one + 5) % 18]}{_MIDDLE[one // 7 % 12]}{'abcdefghij'[one // 11 % 10]}"


def person(number: int) -> dict[str, Any]:
    """One row, every cell filled in that this person has; every tenth is in custody."""
    family, given = _name(number)
    accepted = date(2024, 1, 4) + timedelta(days=number % 700)
    inside = number % 10 == 0
    return {
        "Surname": family,
        "Forename": given,
        "DOB": date(1970, 1, 3) + timedelta(days=number * 6),
        "Sex": "F" if number % 7 == 0 else "M",
        "Alias(es)": f"{given}o Placeholder {number}" if number % 5 == 0 else "",
        "PNC": f"{(number % 60) + 40:02}/{100000 + number}{'ABCDEFGHJK'[number % 10]}",
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


def people(count: int) -> list[dict[str, Any]]:
    return [person(number) for number in range(count)]


def as_csv(rows: Sequence[dict[str, Any]], headings: Sequence[str] = HEADINGS) -> bytes:
    """Dates as people type them in Britain; UTF-8 with byte order mark, as spreadsheets save it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, headings, restval="", extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {name: value.strftime("%d/%m/%Y") if isinstance(value, date) else value for name, value in row.items()}
        )
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Sequence[dict[str, Any]], headings: Sequence[str] = HEADINGS) -> bytes:
    """Dates as days of the spreadsheet, numbers as numbers."""
    book = Workbook(write_only=True)
    page = book.create_sheet("Cohort")
    page.append(list(headings))
    for row in rows:
        cells = [row.get(name, "") for name in headings]
        page.append([datetime.combine(each, datetime.min.time()) if isinstance(each, date) else each for each in cells])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
