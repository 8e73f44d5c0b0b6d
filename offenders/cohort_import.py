"""Understanding the cohort that a scheme kept in a spreadsheet (design.md 6, `import_cohort`).

The whole sheet is checked first: every row, every field, with what to do about each. `cohort_duplicates` asks whom of
them the scheme knows, and `cohort_entry` enters all of them, or nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from iom.forms import UnreadDateError, clean_text, read_date
from iom.models import Agency, Membership, Scheme

from . import cohort_duplicates
from .cohort_files import Problem
from .cohort_sheet import Row, Sheet, label
from .models import AssignmentRole, Colour, CustodyPeriod, Gender, Offender

YES = frozenset({"y", "yes", "true", "1"})
NO = frozenset({"n", "no", "false", "0"})
GENDERS = {"m": Gender.MALE, "male": Gender.MALE, "f": Gender.FEMALE, "female": Gender.FEMALE}
KINDS = {"remand": CustodyPeriod.Kind.REMAND, "sentence": CustodyPeriod.Kind.SENTENCE}
KINDS |= {"onremand": CustodyPeriod.Kind.REMAND, "sentenced": CustodyPeriod.Kind.SENTENCE}
KINDS |= {"undersentence": CustodyPeriod.Kind.SENTENCE}
TEXTS = ("family_name", "given_names", "pnc_number", "cro_number", "prison_number", "probation_number", "area")
LONGEST = {name: Offender._meta.get_field(name).max_length for name in TEXTS}
NO_REASON = "The reason was not in the list that was taken over."
PRISON_NOT_KNOWN = "Prison not known"

_MIDNIGHT = re.compile(r"[ T]00:00(:00)?$")
_ALIAS_MARKS = re.compile(r"[;|/\n]+")


@dataclass(slots=True)
class Entry:
    """One person as the sheet has them, every cell understood."""

    row: int
    person: dict[str, Any]
    rating: str
    rated_on: date
    accepted_on: date
    why: str
    statutory: bool | None
    score: int | None
    score_on: date | None
    custody: dict[str, Any] | None
    leads: list[Lead] = field(default_factory=list)


class Lead(NamedTuple):
    """Who leads in a role: ids of the agency and, of somebody with an account here, the membership; else a name.

    `holder` is how the readable history calls them.
    """

    role: str
    agency: int
    membership: int | None
    name: str
    holder: str


class Entries:
    """Many entries in little memory: each as the text that goes to the database, apart again when it is looked at."""

    __slots__ = ("_texts",)

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._texts = [_packed(entry) for entry in entries]

    def append(self, entry: Entry) -> None:
        self._texts.append(_packed(entry))

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[Entry]:
        return map(_unpacked, self._texts)


def _packed(entry: Entry) -> bytes:
    return json.dumps([getattr(entry, name) for name in _FIELDS], default=date.isoformat).encode()


def _unpacked(text: bytes) -> Entry:
    said = dict(zip(_FIELDS, json.loads(text), strict=True))
    for held, names in ((said, _DAYS), (said["person"], ("date_of_birth",)), (said["custody"] or {}, _CUSTODY_DAYS)):
        for name in names:
            if held.get(name):
                held[name] = date.fromisoformat(held[name])
    said["leads"] = [Lead(*each) for each in said["leads"]]
    return Entry(**said)


_FIELDS = tuple(each.name for each in fields(Entry))
_DAYS = ("rated_on", "accepted_on", "score_on")
_CUSTODY_DAYS = ("starts_on", "release_expected_on")


@dataclass(slots=True)
class Checked:
    """A sheet after every row was looked at: nothing is entered while there are errors."""

    entries: Entries
    errors: list[Problem]
    warnings: list[Problem]

    def with_more(self, errors: Iterable[Problem], warnings: Iterable[Problem]) -> Checked:
        """The same with more of both, in the order of the rows."""
        return Checked(self.entries, _in_order([*self.errors, *errors]), _in_order([*self.warnings, *warnings]))


def check(sheet: Sheet, scheme: Scheme, today: date) -> Checked:
    """Understand every cell of the sheet against the scheme's rules and agencies, and the rows against each other.

    Whom the scheme knows already is `cohort_duplicates.known`'s question.
    """
    errors: list[Problem] = []
    warnings = [
        *sheet.notes,
        *(
            Problem(sheet.heading_row, heading, "This column is not known here.", "It was left out.")
            for heading in sheet.ignored
        ),
    ]
    context = _Context(scheme, today)
    entries = Entries()
    for row in sheet.rows:
        reader = _Reader(row, context)
        entry = reader.entry()
        errors += reader.errors
        warnings += reader.warnings
        if entry is not None:
            entries.append(entry)
    twice, maybe_twice = cohort_duplicates.in_the_sheet(entries)
    return Checked(entries, _in_order([*errors, *twice]), _in_order([*warnings, *maybe_twice]))


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.row)


# --- What the scheme knows ----------------------------------------------------


class _Context:
    """The scheme's agencies, people and rules, read once."""

    def __init__(self, scheme: Scheme, today: date) -> None:
        self.scheme, self.today, self.policy = scheme, today, scheme.policy
        self.agencies = list(Agency.objects.filter(scheme=scheme).order_by("name"))
        current = Membership.objects.filter(scheme=scheme).current(today).select_related("user", "agency")
        self.people = list(current)
        self.colours = {str(rating.colour): rating.name for rating in self.policy.ratings}
        # A sheet says the same few words in thousands of rows.
        self.colour, self.agency, self.person = map(lru_cache(1000), (self._colour, self._agency, self._person))
        rule = self.policy.lead("police_officer")
        self.usual_police = self.agency_of_kind(rule.agency_kind if rule else "police")

    def _colour(self, word: str) -> str | None:
        """The colour of the scheme that a word means."""
        folded = word.casefold()
        for colour, name in self.colours.items():
            words = {colour.casefold(), colour[0].casefold(), name.casefold(), Colour(colour).label.casefold()}
            if folded in words:
                return colour
        return None

    def _agency(self, word: str) -> Agency | None:
        """The agency of that name or slug, else the only one that starts so."""
        folded = word.casefold()
        exact = [each for each in self.agencies if folded in (each.name.casefold(), each.slug.casefold())]
        starting = [each for each in self.agencies if each.name.casefold().startswith(folded)]
        return exact[0] if exact else starting[0] if len(starting) == 1 else None

    def _person(self, name: str) -> Membership | None:
        """The only member of that name."""
        named = [each for each in self.people if each.user.name.casefold() == name.casefold()]
        return named[0] if len(named) == 1 else None

    def agency_of_kind(self, kind: str | None) -> Agency | None:
        return next((each for each in self.agencies if each.kind == kind), None)


# --- One row ------------------------------------------------------------------


class _Reader:
    """Understands one row. Whatever it cannot is an error with a remedy; what it had to assume, a warning."""

    def __init__(self, row: Row, context: _Context) -> None:
        self.row, self.context = row, context
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []

    def entry(self) -> Entry | None:
        """The person, or None where something is wrong."""
        self._of_the_file()
        person = self._person()
        rating = self._needed("rating", self._rating)
        accepted_on, rated_on = self._since()
        entry = Entry(
            row=self.row.number,
            person=person,
            rating=rating or "",
            rated_on=rated_on,
            accepted_on=accepted_on,
            why=self._why(),
            statutory=self._yes_or_no("statutory"),
            score=self._score(),
            score_on=None,
            custody=self._custody(rating, rated_on),
            leads=list(self._leads()),
        )
        if entry.score is not None:
            entry.score_on = self._past_day("score_on") or accepted_on
        return None if self.errors else entry

    # Small tools

    def _cell(self, name: str) -> str:
        return self.row.cells.get(name, "")

    def _error(self, name: str, problem: str, remedy: str, found: str = "") -> None:
        # Of a cell that the file itself leaves unclear, nothing more is said.
        if name not in self.row.faults:
            self.errors.append(Problem(self.row.number, label(name), problem, remedy, found))

    def _of_the_file(self) -> None:
        """What is wrong with cells before anybody asks what they mean."""
        for name, fault in self.row.faults.items():
            self.errors.append(Problem(self.row.number, label(name), fault.problem, fault.remedy, fault.found))
        if text := self.row.stray:
            problem = f"“{text}” stands where there is no heading, so other cells may be out of place."
            remedy = "Put a text that holds a comma in quotation marks, or give the column a heading."
            self.errors.append(Problem(self.row.number, "", problem, remedy, text))

    def _warning(self, name: str, problem: str, remedy: str) -> None:
        self.warnings.append(Problem(self.row.number, label(name), problem, remedy))

    def _needed(self, name: str, read: Callable[[], Any]) -> Any:
        if not self._cell(name):
            self._error(name, "There is nothing in this cell.", "Fill it in.")
            return None
        return read()

    def _text(self, name: str, longest: int, *, multiline: bool = False) -> str:
        text = self._cell(name)
        if not text:
            return ""
        try:
            text = clean_text(text, multiline=multiline)
        except ValidationError:
            self._error(name, "There is a character that cannot be stored.", "Type the cell again.")
            return ""
        if (over := len(text) - longest) > 0:
            self._error(name, f"The text is {over} characters too long.", f"Shorten it to {longest} characters.")
        return text

    def _day(self, name: str) -> date | None:
        # Spreadsheets write midnight after a day.
        text = _MIDNIGHT.sub("", self._cell(name))
        if not text:
            return None
        try:
            return read_date(text)
        except UnreadDateError as unread:
            self._error(name, f"“{text}” {unread}.", _remedy_for_day(text), text)
            return None

    def _past_day(self, name: str) -> date | None:
        if not self._cell(name):
            return None
        found = self._day(name)
        if found is not None and found > self.context.today:
            self._error(name, "The date is in the future.", "Give a date of today or earlier.", self._cell(name))
            return None
        return found

    def _yes_or_no(self, name: str) -> bool | None:
        word = self._cell(name).casefold()
        if word in YES | NO:
            return word in YES
        if word:
            typed = self._cell(name)
            self._error(name, f"“{typed}” is neither yes nor no.", "Write Y or N, or leave it empty.", typed)
        return None

    # Parts of a person

    def _person(self) -> dict[str, Any]:
        person: dict[str, Any] = {name: self._text(name, longest) for name, longest in LONGEST.items()}
        for name in ("family_name", "given_names"):
            if not self._cell(name):
                self._error(name, "There is nothing in this cell.", "Fill it in.")
        person["address"] = self._text("address", 500, multiline=True)
        person["date_of_birth"] = self._past_day("date_of_birth")
        if not self._cell("date_of_birth"):
            self._warning("date_of_birth", "There is none.", "Duplicates were looked for by name and PNC only.")
        person["gender"] = self._gender()
        person["aliases"] = self._aliases()
        return person

    def _gender(self) -> str:
        word = self._cell("gender")
        if word and word.casefold() not in GENDERS:
            self._error("gender", f"“{word}” is not known here.", "Write Male or Female, or leave it empty.", word)
        return GENDERS.get(word.casefold(), "")

    def _aliases(self) -> list[str]:
        text = self._text("aliases", 1000, multiline=True)
        names = [name.strip() for name in _ALIAS_MARKS.split(text) if name.strip()]
        if len(text) <= 1000 and any(len(name) > 160 for name in names):
            self._error("aliases", "An alias is longer than 160 characters.", "Divide aliases by semicolons.")
        return names

    def _rating(self) -> str | None:
        word = self._cell("rating")
        colour = self.context.colour(word)
        if colour is None:
            choices = _or(list(self.context.colours.values()))
            self._error("rating", f"“{word}” is not a rating of this scheme.", f"Use {choices}.", word)
        return colour

    def _since(self) -> tuple[date, date]:
        """Acceptance and the present rating's start; one stands for the other where it is empty."""
        accepted, rated = self._past_day("accepted_on"), self._past_day("rated_on")
        unread = bool(self._cell("accepted_on") or self._cell("rated_on")) and not (accepted or rated)
        if accepted is None and rated is None and not unread:
            self._warning("accepted_on", "There is no date.", "Today was taken for acceptance and rating.")
        elif accepted is None and not self._cell("accepted_on"):
            self._warning("accepted_on", "There is no date.", "The date of the rating was taken.")
        accepted = accepted or rated or self.context.today
        rated = rated or accepted
        if rated < accepted:
            self._error("rated_on", "The rating is older than acceptance.", "Correct one of the two dates.")
        return accepted, rated

    def _why(self) -> str:
        if not self._cell("why"):
            self._warning("why", "There is no reason.", "Write one on the case, so that its holder knows.")
        return self._text("why", 4000, multiline=True) or NO_REASON

    def _score(self) -> int | None:
        text = self._cell("score").removesuffix("%").strip()
        if not text:
            return None
        if not re.fullmatch(r"\d{1,3}(\.0+)?", text) or float(text) > 100:
            typed = self._cell("score")
            self._error("score", f"“{typed}” is not a percentage.", "Write a whole number, 0 to 100.", typed)
            return None
        return int(float(text))

    def _custody(self, rating: str | None, rated_on: date) -> dict[str, Any] | None:
        said = self._yes_or_no("in_custody")
        prison, release = self._text("prison", 120), self._day("release_on")
        rated_inside = rating == Colour.BLUE
        if said is False and rated_inside:
            self._error("in_custody", "The rating says in custody, this cell says not.", "Correct one of the two.")
        if not (said or rated_inside or (prison and said is None)):
            return None
        since = self._past_day("custody_since") or rated_on
        if release is not None and release < since:
            self._error("release_on", "The release is before the custody began.", "Correct or empty the cell.")
        if not prison:
            self._warning("prison", "The prison is not given.", "Add it on the page of the case.")
        return {
            "kind": self._kind(),
            "prison": prison or PRISON_NOT_KNOWN,
            "starts_on": since,
            "release_expected_on": release,
        }

    def _kind(self) -> str:
        word = self._cell("custody_kind")
        kind = KINDS.get(re.sub(r"[^a-z]", "", word.casefold()))
        if word and kind is None:
            self._error("custody_kind", f"“{word}” is not known here.", "Write Remand or Sentence.", word)
        elif kind is None:
            self._warning("custody_kind", "It is not given.", "“Under sentence” was taken; correct it on the case.")
        return kind or CustodyPeriod.Kind.SENTENCE

    def _leads(self) -> Iterator[Lead]:
        lead = self._lead_agency()
        if lead is not None:
            yield Lead(AssignmentRole.LEAD_AGENCY, lead.pk, None, "", lead.name)
        if name := self._text("lead_professional", 120):
            yield from self._named("lead_professional", AssignmentRole.LEAD_PROFESSIONAL, name, lead)
        if name := self._text("police_officer", 120):
            usual = self.context.usual_police
            yield from self._named("police_officer", AssignmentRole.POLICE_OFFICER, name, usual)

    def _lead_agency(self) -> Agency | None:
        word = self._cell("lead_agency")
        agency = self.context.agency(word) if word else None
        if word and agency is None:
            choices = _or([each.name for each in self.context.agencies]) or "none: add agencies first"
            self._error("lead_agency", f"“{word}” is not an agency of this scheme.", f"Use {choices}.", word)
        return agency

    def _named(self, column: str, role: AssignmentRole, name: str, agency: Agency | None) -> Iterator[Lead]:
        """A person with an account here by their membership, anyone else by name under an agency."""
        if (member := self.context.person(name)) is not None:
            yield Lead(role, member.agency_id, member.pk, "", member.user.name)
        elif agency is not None:
            yield Lead(role, agency.pk, None, name, name)
        elif not self._cell("lead_agency"):
            self._error(column, "It is not known for which agency this person works.", "Fill in the lead agency too.")


def _remedy_for_day(text: str) -> str:
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        return "It is a day as spreadsheets count days: format the column as a date, or write 04/02/1994."
    return "Write it as 04/02/1994 or 1994-02-04."


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}" if words else ""
