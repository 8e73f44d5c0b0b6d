"""The quick action line of the live meeting: `Housing: confirm tenancy reference by 13 Mar` (ux.md 5, point 5). Pure.

It asks; it never guesses silently. Whatever is not plain becomes a question and the field stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
FURTHEST_DAYS = 183

_WHO = re.compile(r"\s*([^:]{1,120}?)\s*:\s*(.*)", re.DOTALL)
_BY = re.compile(r"\bby\b", re.IGNORECASE)
_NUMBERED = re.compile(r"(\d{1,2})[/.\-](\d{1,2})(?:[/.\-](\d{4}))?")
_NAMED = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s+([a-z]{3,9})(?:\s+(\d{4}))?")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_WEEKS = re.compile(r"(\d{1,3})\s*(?:w|wk|wks|week|weeks)")
_DAYS = re.compile(r"(\d{1,3})\s*(?:d|day|days)")
_KIND = re.compile(r"[(#\[](support|enforcement|protection)[)\]]?(?=\s|$)", re.IGNORECASE)
_NEXT_PANEL = re.compile(r"(?:the\s+)?next\s+(?:panel|meeting)")

Agencies = Sequence[tuple[str, str]]
People = Sequence[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a line says. `agency` is a slug, `owner` a person's number; what is not plain is None and asked for."""

    agency: str | None
    owner: int | None
    text: str
    due: date | None
    questions: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _Due:
    day: date | None
    question: str = ""


def parse(line: str, *, agencies: Agencies, people: People, today: date, next_panel: date | None) -> Parsed:
    """Read a quick action line: who, a colon, what, and at the end "by" and a day.

    `agencies` are (slug, name), `people` (number, name, slug of their agency). Days are understood as 13/3, 13 mar,
    fri, 2w, next panel, today and tomorrow; without a year the next such day is meant. A day that is over or more than
    half a year away is asked about. `(support)`, `(enforcement)` or `(protection)`, or with a #, says what it is for;
    otherwise nothing is assumed.
    """
    line, kind = _split_kind(line)
    who, rest = _split_who(line)
    agency, owner, asked = _who(who, agencies, people)
    text, due = _split_due(rest, today, next_panel)
    questions = [asked, "" if text else "What will be done?", due.question]
    return Parsed(agency, owner, text, due.day, tuple(question for question in questions if question), kind)


def read_due(words: str, *, today: date, next_panel: date | None) -> tuple[date | None, str]:
    """A typed day as the line understands it: the day, or None with what to ask."""
    due = _read_due(" ".join(words.split()).strip("."), today, next_panel)
    if due is None:
        return None, f"“{words}” is not a date. By which day?"
    return due.day, due.question


def _split_kind(line: str) -> tuple[str, str]:
    """The line without what it is for, and that; where two are named, neither is taken."""
    found = {each.lower() for each in _KIND.findall(line)}
    return (_KIND.sub(" ", line), found.pop()) if len(found) == 1 else (line, "")


def _split_who(line: str) -> tuple[str, str]:
    line = " ".join(line.split())
    if found := _WHO.fullmatch(line):
        return found[1], found[2].strip()
    return "", line


def _who(who: str, agencies: Agencies, people: People) -> tuple[str | None, int | None, str]:
    """The agency and the person meant, and the question where that is not plain."""
    if not who:
        return None, None, "Which agency will do this?"
    named = _matching(who, [(slug, name) for slug, name in agencies])
    if len(named) == 1:
        return named[0], None, ""
    persons = _matching_people(who, people)
    if not named and len(persons) == 1:
        number, _, slug = persons[0]
        return slug, number, ""
    if not named and not persons:
        return None, None, f"Which agency is “{who}”?"
    names = dict(agencies)
    choice = [names[slug] for slug in named] or [f"{name} ({names.get(slug, slug)})" for _, name, slug in persons]
    return None, None, f"Which one is “{who}”: {_or(choice)}?"


def _matching(who: str, agencies: Agencies) -> list[str]:
    """Slugs of the agencies that `who` may mean: the whole name, else its start, else the start of a word in it."""
    words = who.casefold()
    for fits in (
        lambda slug, name: words in (slug, name),
        lambda slug, name: slug.startswith(words) or name.startswith(words),
        lambda slug, name: any(part.startswith(words) for part in re.split(r"[\s/&,()-]+", name)),
    ):
        if found := [slug for slug, name in agencies if fits(slug.casefold(), name.casefold())]:
            return found
    return []


def _matching_people(who: str, people: People) -> list[tuple[int, str, str]]:
    """People whom `who` may mean: the whole name, else initial and surname, else the surname or the first name."""
    words = who.casefold().replace(".", "")
    for fits in (
        lambda name: words == name,
        lambda name: words in (f"{name[0]} {name.split()[-1]}", f"{name[0]}{name.split()[-1]}"),
        lambda name: words in (name.split()[-1], name.split()[0]),
    ):
        if found := [person for person in people if person[1].strip() and fits(person[1].strip().casefold())]:
            return found
    return []


def _split_due(rest: str, today: date, next_panel: date | None) -> tuple[str, _Due]:
    """What is to be done, and by when: what follows the last "by" that is a day. Another "by" belongs to the text."""
    for by in reversed(list(_BY.finditer(rest))):
        text, when = rest[: by.start()].rstrip(" ,;"), rest[by.end() :].strip(" .")
        due = _read_due(when, today, next_panel)
        if due is not None:
            return text, due
    return rest.strip(" ,;"), _Due(None, "By when?")


def _read_due(words: str, today: date, next_panel: date | None) -> _Due | None:
    """The day that the words name, or what to ask about them; None where they are no day at all."""
    words = words.casefold().removeprefix("on ")
    if _NEXT_PANEL.fullmatch(words):
        return _Due(next_panel) if next_panel else _Due(None, "No next panel is planned. By which day?")
    if words in ("today", "tomorrow"):
        return _Due(today + timedelta(days=words == "tomorrow"))
    if found := _WEEKS.fullmatch(words):
        return _near(words, today + timedelta(weeks=int(found[1])), today)
    if found := _DAYS.fullmatch(words):
        return _near(words, today + timedelta(days=int(found[1])), today)
    return _weekday(words, today) or _calendar_day(words, today)


def _weekday(words: str, today: date) -> _Due | None:
    bare = words.removeprefix("next ")
    if len(bare) < 3 or (number := _starting(bare, WEEKDAYS)) is None:
        return None
    ahead = (number - today.weekday()) % 7
    # "Next Friday" is this week's to some and the week after's to others; "Friday" on a Friday likewise.
    if bare != words or ahead == 0:
        return _Due(None, f"Which {WEEKDAYS[number].capitalize()} is “{words}”? Write the date.")
    return _Due(today + timedelta(days=ahead))


def _calendar_day(words: str, today: date) -> _Due | None:
    if found := _ISO.fullmatch(words):
        year, month, number = int(found[1]), int(found[2]), int(found[3])
    elif found := _NUMBERED.fullmatch(words):
        number, month, year = int(found[1]), int(found[2]), int(found[3] or 0)
    elif found := _NAMED.fullmatch(words):
        if (index := _starting(found[2], MONTHS)) is None and found[2] != "sept":
            return None
        number, month, year = int(found[1]), 9 if index is None else index + 1, int(found[3] or 0)
    else:
        return None
    day = _real(year, month, number) if year else _next(month, number, today)
    if day is None:
        return _Due(None, f"“{words}” is not a real date. By which day?")
    if day < today:
        return _Due(None, f"“{words}” is over. By which day?")
    return _Due(day) if year else _near(words, day, today)


def _near(words: str, day: date, today: date) -> _Due:
    """A day that was worked out and not written in full: asked about when it is far off."""
    if (day - today).days > FURTHEST_DAYS:
        return _Due(
            None, f"“{words}” would be {day.day} {MONTHS[day.month - 1].capitalize()} {day.year}. By which day?"
        )
    return _Due(day)


def _starting(words: str, names: Sequence[str]) -> int | None:
    """The place of the one name that starts with `words`."""
    found = [place for place, name in enumerate(names) if name.startswith(words)]
    return found[0] if len(found) == 1 else None


def _real(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _next(month: int, number: int, today: date) -> date | None:
    """The next such day from today; 29 February may be up to eight years away."""
    days = (_real(year, month, number) for year in range(today.year, today.year + 9))
    return next((day for day in days if day is not None and day >= today), None)


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
