"""Taking in the daily file of IDIOM: what each row would change, and all of it at once (London, Intelligence).

What it says becomes bail, court dates and wanted status with source and time, entries of the timeline for arrests and
charges, and the record of the seven facts. Prison it only proposes: somebody accepts or dismisses that. Rows of people
who are not on this scheme's cohort, or whose case the reader may not open, are left out and known by their numbers
alone. The same file twice changes nothing, and a row older than what is known is refused. A fact that somebody here
checked later than the file is left as it is.
"""

from __future__ import annotations

import copy
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction

from iom import audit, clock, sweeps
from iom.access import Actor
from iom.jinja import day, moment
from iom.models import Handling, LogEntry, Scheme
from iom.steps import StepRefused, locked

from . import alike, naming
from .cohort_files import Problem
from .custody import PRISON_NOT_KNOWN, same_prison, tell_of_arrests
from .idiom_sheet import Dated, Facts, IdiomSheet, RawRow, label, understand
from .models import (
    Case,
    CustodyPeriod,
    CustodyProposal,
    Entry,
    EntryKind,
    IdiomFile,
    IdiomRecord,
    IdiomRow,
    LegalStatus,
)

IDIOM = "IDIOM"
KEPT = timedelta(hours=24)
AT_ONCE = 1000
Kind, Ended, Status = LegalStatus.Kind, LegalStatus.Ended, CustodyProposal.Status
OLDER = "What is known of this person is newer"


# --- Whose rows -----------------------------------------------------------------


@dataclass(slots=True)
class Sorted:
    """The rows of a file: those of our people, understood; the numbers of the others; and what is wrong."""

    rows: list[tuple[int, Case, Facts]] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)


def cases_of(by: Actor) -> models.QuerySet:
    """The cases that a file is about: on the cohort now, and open to whoever brings it; a task acts for the scheme."""
    rows = Case.objects.filter(scheme=by.scheme) if by.user is None else Case.objects.visible_to(by)
    return rows.not_closed()


def sort_out(sheet: IdiomSheet, *, by: Actor) -> Sorted:
    """Find whose each row is, and understand those of our people. Of the others not a cell is looked at further."""
    named = {row.number: alike.number_key("pnc_number", row.cells.get("pnc", "")) for row in sheet.rows}
    called = {row.number: row.cells.get("reference", "").strip().upper() for row in sheet.rows}
    found = cases_of(by).filter(
        models.Q(offender__pnc_key__in={key for key in named.values() if key})
        | models.Q(reference__in={reference for reference in called.values() if reference})
    )
    cases = list(found.select_related("offender", "scheme"))
    by_number: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.offender.pnc_key:
            by_number[case.offender.pnc_key].append(case)
    by_reference = {case.reference: case for case in cases}
    result, first, now = Sorted(), {}, clock.now()
    for row in sheet.rows:
        case, problem = _whose(row, by_number.get(named[row.number], []), by_reference, called[row.number])
        if problem is None and case is not None and case.pk in first:
            words = f"Rows {first[case.pk]} and {row.number} are of the same person."
            problem = Problem(row.number, label("pnc"), words, "Keep the newer one.")
        if problem is not None:
            result.errors.append(problem)
        elif case is None:
            result.left_out.append(row.number)
        else:
            first[case.pk] = row.number
            facts, problems = understand(row, sheet.has, now)
            result.errors += problems
            if facts is not None:
                result.rows.append((row.number, case, facts))
    return result


def _whose(
    row: RawRow, numbered: Sequence[Case], by_reference: dict[str, Case], reference: str
) -> tuple[Case | None, Problem | None]:
    if not row.cells.get("pnc", "").strip() and not reference:
        return None, Problem(row.number, label("pnc"), "There is neither number nor reference.", "Give one of them.")
    if len(numbered) > 1:
        words = "More than one person here has this number."
        return None, Problem(row.number, label("pnc"), words, "Give our reference, and correct the number on the case.")
    named = by_reference.get(reference)
    if named is not None and numbered and numbered[0].pk != named.pk:
        words = "The number and the reference are of two people."
        return None, Problem(row.number, label("reference"), words, "Correct one of them.")
    return named or next(iter(numbered), None), None


# --- What a row would change --------------------------------------------------------


@dataclass(slots=True)
class Known:
    """What is held of the cases of a file, read in as many questions as there are tables."""

    records: dict[int, IdiomRecord]
    statuses: dict[int, list[LegalStatus]]
    entries: dict[int, list[tuple[str, date, str]]]
    proposals: dict[int, list[CustodyProposal]]
    periods: dict[int, list[CustodyPeriod]]

    @classmethod
    def of(cls, cases: Iterable[int]) -> Known:
        """Read it for these cases."""
        which = {"case__in": list(cases)}
        entries = Entry.objects.filter(kind__in=[EntryKind.ARREST, EntryKind.CHARGE], **which)
        told = defaultdict(list)
        for case, kind, on, key in entries.values_list("case", "kind", "happened_on", "key"):
            told[case].append((kind, on, key))
        return cls(
            {each.case_id: each for each in IdiomRecord.objects.filter(**which)},
            _by_case(LegalStatus.objects.filter(**which).order_by("on", "pk")),
            told,
            _by_case(CustodyProposal.objects.filter(**which)),
            _by_case(CustodyPeriod.objects.filter(**which).order_by("-starts_on", "-pk")),
        )


def _by_case(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found = defaultdict(list)
    for each in rows:
        found[each.case_id].append(each)
    return found


@dataclass(slots=True)
class Verdict:
    """What a row changes, in words and as rows to write; or why it is refused. No words: it only confirms."""

    number: int
    case: Case
    facts: Facts
    words: list[str] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    record: IdiomRecord | None = None
    statuses: list[LegalStatus] = field(default_factory=list)
    ended: list[LegalStatus] = field(default_factory=list)
    checked: list[LegalStatus] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    proposals: list[CustodyProposal] = field(default_factory=list)
    answered: list[CustodyProposal] = field(default_factory=list)
    released: list[CustodyPeriod] = field(default_factory=list)


def judge(rows: Iterable[tuple[int, Case, Facts]], known: Known) -> list[Verdict]:
    """What each row would change, given what is known."""
    return [_Judge(Verdict(number, case, facts), known).verdict() for number, case, facts in rows]


class _Judge:
    def __init__(self, verdict: Verdict, known: Known) -> None:
        self.it, self.case, self.facts = verdict, verdict.case, verdict.facts
        pk = self.case.pk
        self.record = known.records.get(pk)
        self.present = [each for each in known.statuses.get(pk, ()) if each.ended_at is None]
        self.past = [each for each in known.statuses.get(pk, ()) if each.ended_at is not None]
        self.entries, self.proposals = known.entries.get(pk, ()), known.proposals.get(pk, ())
        self.periods = known.periods.get(pk, ())
        self.on = clock.local(self.facts.as_of).date()

    def verdict(self) -> Verdict:
        """The whole of it."""
        kept = self._kept()
        if self.record is not None and self.facts.as_of <= self.record.as_of:
            same = all(getattr(self.record, name) == value for name, value in kept.items())
            if self.facts.as_of < self.record.as_of:
                self._refuse("as_of", f"{OLDER}: of {moment(self.record.as_of)}.", "Nothing was taken from this row.")
            elif not same:
                self._refuse(
                    "as_of",
                    "Another file said something else for this very time.",
                    "Give the time at which this one was made, if it is newer.",
                )
            return self.it
        self._write_record(kept)
        if "bail" in self.facts.has:
            self._dates(Kind.BAIL, [self.facts.bail] if self.facts.bail else [], one=True)
        if "court" in self.facts.has:
            self._dates(Kind.COURT, list(self.facts.court), one=False)
        if "wanted" in self.facts.has:
            self._wanted()
        self._news(EntryKind.ARREST, self.facts.arrests, "Arrested")
        self._news(EntryKind.CHARGE, self.facts.pending, "Charged")
        if "in_prison" in self.facts.has and self.facts.in_prison is not None:
            self._prison()
        return self.it

    def _refuse(self, column: str, problem: str, remedy: str) -> None:
        self.it.refused.append(Problem(self.it.number, label(column), problem, remedy))

    # The record of the seven facts

    def _kept(self) -> dict[str, Any]:
        """The fields of the record, for the columns that the file has."""
        facts = self.facts
        said = {
            "history": facts.history,
            "pending": _listed(facts.pending),
            "bail": str(facts.bail) if facts.bail else "",
            "court": _listed(facts.court),
            "wanted": f"Since {facts.wanted.on:%-d %B %Y}" if facts.wanted else "",
            "in_prison": facts.in_prison,
            "prison": facts.prison,
            "release_on": facts.release_on,
        }
        kept = {name: value for name, value in said.items() if name in facts.has}
        if "in_prison" in kept:
            kept["in_prison_since"] = self._since()
        return kept

    def _since(self) -> date | None:
        if self.facts.in_prison is None:
            return None
        if self.facts.in_prison_since:
            return self.facts.in_prison_since
        before = self.record
        return before.in_prison_since if before and before.in_prison is self.facts.in_prison else self.on

    def _write_record(self, kept: dict[str, Any]) -> None:
        record = self.record or IdiomRecord(scheme_id=self.case.scheme_id, case=self.case)
        was = {name: getattr(record, name) for name in kept}
        self.it.record = record
        if self.record is None:
            self.it.words.append("First record from IDIOM")
        else:
            record.version += 1
            self.it.words += [
                words
                for name, words in (("history", "Offending history changed"), ("pending", "Pending cases changed"))
                if name in kept and was[name] != kept[name]
            ]
        for name, value in (kept | {"as_of": self.facts.as_of}).items():
            setattr(record, name, value)

    # Bail, court, wanted

    def _dates(self, kind: str, said: list[Dated], *, one: bool) -> None:
        present = [each for each in self.present if each.kind == kind]
        for fact in said:
            if same := next((each for each in present if each.on == fact.on), None):
                self._check(same)
            elif self._may_add(kind, fact, present, one=one):
                self._add(kind, fact)
        listed = {fact.on for fact in said}
        for each in present:
            # A date that has passed waits for its outcome, whatever the file still lists.
            if each.on in listed or each.on < self.on or each.checked_at > self.facts.as_of:
                continue
            if each.source == IDIOM:
                self._end(each, Ended.REPLACED if one and said else Ended.LIFTED)
            else:
                self._refuse(kind, f"IDIOM does not show {_called(each)}.", "It was recorded by hand, and stays.")

    def _may_add(self, kind: str, fact: Dated, present: list[LegalStatus], *, one: bool) -> bool:
        if fact.on < self.on or any(
            each.on == fact.on and (each.ended_at > self.facts.as_of or each.ended_because != Ended.LIFTED)
            for each in self.past
            if each.kind == kind
        ):
            return False
        if one and any(each.checked_at > self.facts.as_of for each in present):
            self._refuse(kind, f"{OLDER}.", "Nothing was taken from this cell.")
            return False
        return True

    def _wanted(self) -> None:
        present = next((each for each in self.present if each.kind == Kind.WANTED), None)
        fact = self.facts.wanted
        if fact is None:
            if present is None or present.checked_at > self.facts.as_of:
                return
            if present.source == IDIOM:
                self._end(present, Ended.LIFTED)
            else:
                self._refuse("wanted", "IDIOM does not show them as wanted.", "It was recorded by hand, and stays.")
        elif present is not None:
            self._check(present)
        elif any(each.kind == Kind.WANTED and each.ended_at > self.facts.as_of for each in self.past):
            self._refuse("wanted", f"{OLDER}.", "Nothing was taken from this cell.")
        else:
            self._add(Kind.WANTED, fact)

    def _check(self, row: LegalStatus) -> None:
        if self.facts.as_of > row.checked_at:
            row.checked_at = self.facts.as_of
            row.version += 1
            self.it.checked.append(row)

    def _add(self, kind: str, fact: Dated) -> None:
        row = LegalStatus(
            scheme_id=self.case.scheme_id,
            case=self.case,
            kind=kind,
            on=fact.on,
            place=fact.words if kind != Kind.WANTED else "",
            source=IDIOM,
            checked_at=self.facts.as_of,
        )
        self.it.statuses.append(row)
        at = f", {fact.words}" if fact.words else ""
        words = {
            Kind.BAIL: f"On police bail, to return on {day(fact.on)}{at}",
            Kind.COURT: f"Due in court on {day(fact.on)}{at}",
            Kind.WANTED: f"Wanted since {day(fact.on)}{at}",
        }[kind]
        self.it.words.append(words)
        on = fact.on if kind == Kind.WANTED else self.on
        self._entry(kind, on, words, f"idiom:{kind}:{fact.on}:{self.facts.as_of:%Y%m%dT%H%M}")

    def _end(self, row: LegalStatus, because: str) -> None:
        row.ended_at, row.ended_because = self.facts.as_of, because
        row.version += 1
        self.it.ended.append(row)
        words = "No longer wanted" if row.kind == Kind.WANTED else f"No longer listed: {_called(row)}"
        self.it.words.append(words)
        self._entry(row.kind, self.on, words, f"idiom:{row.kind}-ended:{row.pk}")

    # Arrests and charges

    def _news(self, kind: str, said: Iterable[Dated], word: str) -> None:
        keys = {key for each, _, key in self.entries if each == kind and key}
        by_hand = {on for each, on, key in self.entries if each == kind and not key}
        for fact in said:
            key = f"idiom:{kind}:{fact.on}:{hashlib.sha256(fact.words.casefold().encode()).hexdigest()[:12]}"
            # What was before their time on the scheme belongs to the history, and what was recorded by hand is known.
            if key in keys or fact.on in by_hand or fact.on < self.case.accepted_on:
                continue
            keys.add(key)
            text = f"{word}: {fact.words}" if fact.words else word
            self.it.words.append(f"{word} on {day(fact.on)}{f', {fact.words}' if fact.words else ''}")
            self._entry(kind, fact.on, text, key)

    def _entry(self, kind: str, on: date, text: str, key: str) -> None:
        self.it.entries.append(
            Entry(
                scheme_id=self.case.scheme_id,
                case=self.case,
                kind=kind,
                happened_on=on,
                text=text,
                source=IDIOM,
                checked_at=self.facts.as_of,
                handling=Handling.PANEL,
                key=key,
            )
        )

    # Prison: proposed, never imposed

    def _prison(self) -> None:
        inside = next((each for each in self.periods if each.released_on is None), None)
        gone = (CustodyProposal.Kind.OUT,) if self.facts.in_prison else (CustodyProposal.Kind.IN,)
        for each in self._open(*gone):
            self._lapse(each)
        if self.facts.in_prison and inside is None:
            self._propose_in()
        elif self.facts.in_prison and inside is not None:
            self._propose_corrections(inside)
        elif inside is not None and inside.created_at <= self.facts.as_of and inside.starts_on <= self._since():
            words = f"No longer in prison since {day(self._since())}"
            self._propose(CustodyProposal.Kind.OUT, f"out:{inside.pk}:{self._since()}", self._since(), words, inside)

    def _propose_in(self) -> None:
        since = self._since()
        last = max((each.released_on for each in self.periods), default=None)
        # A release that was recorded on the day of the file, or later, is newer than the file.
        if last is not None and last >= self.on:
            return
        where = f", {self.facts.prison}" if self.facts.prison else ""
        out = f", release on {day(self.facts.release_on)}" if self.facts.release_on else ""
        words = f"In prison since {day(since)}{where}{out}"
        self._propose(CustodyProposal.Kind.IN, f"in:{since}", since, words, None)

    def _propose_corrections(self, inside: CustodyPeriod) -> None:
        release, prison = self.facts.release_on, self.facts.prison
        checked = inside.release_checked_at
        newer_here = checked is not None and checked > self.facts.as_of
        if release and release != inside.release_expected_on and release >= inside.starts_on and not newer_here:
            if inside.release_expected_on is None or inside.release_source == IDIOM:
                inside.release_expected_on, inside.release_source = release, IDIOM
                inside.release_checked_at = self.facts.as_of
                inside.version += 1
                self.it.released.append(inside)
                self.it.words.append(f"Release expected on {day(release)}")
            else:
                words = f"Release on {day(release)}, in place of {day(inside.release_expected_on)}"
                key = f"release:{inside.pk}:{release}"
                self._propose(CustodyProposal.Kind.RELEASE, key, release, words, inside)
        if prison and inside.created_at <= self.facts.as_of and not same_prison(prison, inside.prison):
            known = "" if inside.prison == PRISON_NOT_KNOWN else f", no longer in {inside.prison}"
            key = f"moved:{inside.pk}:{prison.casefold()}"[:120]
            self._propose(CustodyProposal.Kind.MOVED, key, self.on, f"In {prison}{known}", inside)

    def _open(self, *kinds: str) -> list[CustodyProposal]:
        return [each for each in self.proposals if each.status == Status.OPEN and each.kind in kinds]

    def _lapse(self, proposal: CustodyProposal) -> None:
        proposal.status = Status.LAPSED
        proposal.version += 1
        self.it.answered.append(proposal)

    def _propose(self, kind: str, key: str, on: date, words: str, period: CustodyPeriod | None) -> None:
        said = {
            "on": on,
            "prison": self.facts.prison,
            "custody_kind": self.facts.custody_kind,
            "release_on": self.facts.release_on,
        }
        if same := next((each for each in self.proposals if each.key == key), None):
            if same.status == Status.OPEN and any(getattr(same, name) != value for name, value in said.items()):
                for name, value in (said | {"as_of": self.facts.as_of}).items():
                    setattr(same, name, value)
                same.version += 1
                self.it.answered.append(same)
                self.it.words.append(f"Proposed: {words}")
            return
        for each in self._open(kind):
            self._lapse(each)
        self.it.words.append(f"Proposed: {words}")
        self.it.proposals.append(
            CustodyProposal(
                scheme_id=self.case.scheme_id,
                case=self.case,
                period=period,
                kind=kind,
                key=key,
                source=IDIOM,
                as_of=self.facts.as_of,
                **said,
            )
        )


def _listed(facts: Iterable[Dated]) -> str:
    return "; ".join(map(str, facts))[:600]


def _called(row: LegalStatus) -> str:
    return f"{row.get_kind_display().lower()} on {day(row.on)}"


# --- Entering -------------------------------------------------------------------------


@transaction.atomic
def enter(rows: Sequence[tuple[int, Case, Facts]], *, by: Actor, dry_run: bool = False) -> list[Verdict]:
    """Take in every row, all at once; a dry run does it all and takes it back. Returns what was made of each.

    Raises PermissionDenied.
    """
    if by.user is not None and not by.holds("offenders.import_idiom"):
        raise PermissionDenied
    wanted = [case.pk for _, case, _ in rows]
    # Whatever else changes bail, custody or proposals of these cases waits for this, and this for it.
    allowed = set(cases_of(by).filter(pk__in=wanted).order_by("pk").values_list("pk", flat=True))
    held = Case.objects.select_for_update(of=("self",)).filter(pk__in=allowed).not_closed().order_by("pk")
    cases = {case.pk: case for case in held.with_current().select_related("scheme", "offender")}
    scheme = by.scheme
    for case in cases.values():
        case.scheme = scheme
    known = Known.of(cases)
    before = {each.pk: copy.copy(each) for group in known.statuses.values() for each in group}
    periods_before = {each.pk: copy.copy(each) for group in known.periods.values() for each in group}
    verdicts = judge([(number, cases[case.pk], facts) for number, case, facts in rows if case.pk in cases], known)
    _write(verdicts, before, periods_before, by)
    if dry_run:
        transaction.set_rollback(True)
    return verdicts


def _write(
    verdicts: Sequence[Verdict], statuses: dict[int, LegalStatus], periods: dict[int, CustodyPeriod], by: Actor
) -> None:
    def of(name: str) -> list[Any]:
        return [each for verdict in verdicts for each in getattr(verdict, name)]

    # Ended first, so that somebody is wanted once at any time.
    _change(of("ended"), ("ended_at", "ended_because"), statuses, by)
    _change(of("checked"), ("checked_at",), statuses, by)
    _add(of("statuses"), by, readable=True)
    _change(of("released"), ("release_expected_on", "release_source", "release_checked_at"), periods, by)
    entries = of("entries")
    for each in entries:
        each.made_by = by.user
    _add(entries, by)
    _change(of("answered"), ("status", "on", "prison", "custody_kind", "release_on", "as_of"), {}, by)
    _add(of("proposals"), by)
    records = [verdict.record for verdict in verdicts if verdict.record is not None]
    _add([each for each in records if each.pk is None], by)
    names = [each.name for each in IdiomRecord._meta.concrete_fields if each.name not in ("id", "scheme", "case")]
    _change([each for each in records if each.version > 1], names, {}, by)
    changed = [verdict.case.reference for verdict in verdicts if verdict.words]
    audit.record("import_idiom", by.scheme, by=by, subjects=changed, count=len(verdicts))
    tell_of_arrests([each for each in entries if each.kind == EntryKind.ARREST], but=by.user)
    _warn_of_names(verdicts)


def _add(rows: Sequence[models.Model], by: Actor, *, readable: bool = False) -> None:
    if rows:
        type(rows[0])._default_manager.bulk_create(rows, batch_size=AT_ONCE)
        if readable:
            LogEntry.objects.log_added(rows, actor=by.user)


def _change(rows: Sequence[models.Model], fields: Iterable[str], before: dict[int, Any], by: Actor) -> None:
    if rows:
        columns = list(dict.fromkeys([*fields, "version"]))
        type(rows[0])._default_manager.bulk_update(rows, columns, batch_size=AT_ONCE)
        LogEntry.objects.log_changed([(before[each.pk], each) for each in rows if each.pk in before], actor=by.user)


def _warn_of_names(verdicts: Sequence[Verdict]) -> None:
    """What a file brings may name somebody protected: the agency that keeps them is told (Richmond, 4.15)."""
    told = [verdict for verdict in verdicts if verdict.words]
    kept = naming.protected_from(verdict.case.offender for verdict in told)
    for verdict in told:
        record = verdict.record
        texts = [*verdict.words, *([record.history, record.pending] if record else [])]
        found = kept.named_in("\n".join(texts), [verdict.case.offender])
        if found:
            reference = verdict.case.reference
            naming.tell_keepers(found, where=f"the record of {reference}", subject=f"idiom {reference}")


# --- By the page: between upload and entry ----------------------------------------------


@transaction.atomic
def take_in(sheet: IdiomSheet, *, by: Actor) -> tuple[IdiomFile | None, list[Problem]]:
    """Keep the rows of our people until they are entered; or what is wrong, and then nothing is kept.

    Raises PermissionDenied.
    """
    if not by.holds("offenders.import_idiom"):
        raise PermissionDenied
    found = sort_out(sheet, by=by)
    if found.errors:
        return None, found.errors
    kept = IdiomFile.objects.create(
        scheme=by.scheme, made_by=by.user, left_out=found.left_out, columns=[label(name) for name in sheet.has]
    )
    IdiomRow.objects.bulk_create(
        [
            IdiomRow(scheme=by.scheme, file=kept, number=number, case=case, facts=facts.kept())
            for number, case, facts in found.rows
        ],
        batch_size=AT_ONCE,
    )
    audit.record("upload_idiom", kept, by=by, count=len(found.rows))
    return kept, []


def rows_of(file: IdiomFile, *, by: Actor) -> list[tuple[int, Case, Facts]]:
    """Its rows, of cases that the reader may open now."""
    held = file.rows.filter(case__in=cases_of(by).order_by().values("pk")).select_related("case__offender")
    return [(row.number, row.case, Facts.of(row.facts)) for row in held]


def preview(file: IdiomFile, *, by: Actor) -> list[Verdict]:
    """What each row would change now. Changes nothing."""
    rows = rows_of(file, by=by)
    return judge(rows, Known.of(case.pk for _, case, _ in rows))


@transaction.atomic
def enter_file(file: IdiomFile, *, by: Actor, version: int | None = None) -> list[Verdict]:
    """Enter a file that was uploaded; its rows are forgotten. Raises PermissionDenied, Stale or StepRefused."""
    held = _held(file, by, version)
    verdicts = enter(rows_of(held, by=by), by=by)
    held.rows.all().delete()
    held.status, held.changed = IdiomFile.Status.ENTERED, sum(bool(verdict.words) for verdict in verdicts)
    held.version += 1
    held.save()
    return verdicts


@transaction.atomic
def throw_away(file: IdiomFile, *, by: Actor) -> None:
    """Remove a file without entering it. Raises PermissionDenied or StepRefused."""
    held = _held(file, by)
    audit.record("throw_idiom_away", held, by=by)
    held.delete()


def _held(file: IdiomFile, by: Actor, version: int | None = None) -> IdiomFile:
    held = locked(IdiomFile, file.pk, version=version)
    if not by.can("offenders.import_idiom", held):
        raise PermissionDenied
    if held.status == IdiomFile.Status.ENTERED:
        raise StepRefused(["This file was entered already."])
    return held


@sweeps.tidies
def forget_files(scheme: Scheme, today: date, by: Actor) -> None:
    """Remove what was uploaded more than 24 hours ago and not entered."""
    old = IdiomFile.objects.filter(scheme=scheme, status=IdiomFile.Status.WAITING, created_at__lt=clock.now() - KEPT)
    for file in old:
        audit.record("throw_idiom_away", file, by=by)
        file.delete()


# --- What the page shows -------------------------------------------------------------------


def answer_of(file_or_sheet: Sorted, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What became of a file, as the command answers in JSON: references and words of the house, no cell of the file."""
    counted = Counter("changed" if each.words else "refused" if each.refused else "unchanged" for each in verdicts)
    return {
        "changed": counted["changed"],
        "unchanged": counted["unchanged"],
        "rows": [
            {"row": each.number, "reference": each.case.reference, "changes": each.words}
            for each in verdicts
            if each.words
        ],
        "refused": [told(problem) for each in verdicts for problem in each.refused],
        "left_out": file_or_sheet.left_out,
    }


def told(problem: Problem) -> dict[str, Any]:
    """A problem for JSON: row, column, what is wrong, what to do."""
    return {"row": problem.row, "field": problem.field, "problem": problem.problem, "remedy": problem.remedy}
