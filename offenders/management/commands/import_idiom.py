"""`manage.py import_idiom FILE --scheme S [--dry-run] [--json]`: take in the daily file of IDIOM (design.md 6)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from iom import walls
from iom.access import task_actor
from iom.jinja import plural
from iom.models import Scheme
from offenders import idiom
from offenders.cohort_files import Problem, UnreadSheet
from offenders.idiom_sheet import read_sheet

REFUSED, WRONG_ARGUMENTS = 1, 2


class Command(BaseCommand):
    help = (
        "Takes in the daily CSV of IDIOM (docs/idiom.md), all of it or nothing. Exit code 0: taken in, or a dry run "
        "without errors; 1: the file has errors, which are listed by row; 2: no such file or scheme."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="for example docs/examples/idiom.csv")
        parser.add_argument("--scheme", required=True, metavar="SLUG", help="the scheme whose cohort it is about")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
        parser.add_argument("--json", action="store_true", help="answer with one JSON object")

    def handle(self, *, file: str, scheme: str, dry_run: bool, json: bool, **options: Any) -> None:
        self.as_json, self.dry_run = json, dry_run
        owner = Scheme.objects.filter(slug=scheme).first()
        if owner is None:
            known = ", ".join(Scheme.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no scheme {scheme!r}; there are: {known}.", returncode=WRONG_ARGUMENTS)
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=WRONG_ARGUMENTS) from error
        with walls.within(owner, cause="import_idiom"):
            self._take_in(content, owner)

    def _take_in(self, content: bytes, owner: Scheme) -> None:
        by = task_actor(owner, "import_idiom")
        notes: tuple[Problem, ...] = ()
        try:
            sheet = read_sheet(content)
            notes, found = sheet.notes, idiom.sort_out(sheet, by=by)
        except UnreadSheet as unread:
            found = idiom.Sorted(errors=unread.problems)
        verdicts = [] if found.errors else idiom.enter(found.rows, by=by, dry_run=self.dry_run)
        if self.as_json:
            self._answer(owner, found, verdicts, notes)
        if found.errors:
            for problem in () if self.as_json else found.errors:
                self.stderr.write(str(problem))
            count = plural(len(found.errors), "error")
            raise CommandError(f"{count}. Nothing was taken in. Correct the file and try again.", returncode=REFUSED)
        if not self.as_json:
            self._report(owner, found, verdicts, notes)

    def _report(
        self, owner: Scheme, found: idiom.Sorted, verdicts: list[idiom.Verdict], notes: tuple[Problem, ...]
    ) -> None:
        for note in notes:
            self.stdout.write(f"Note: {note}")
        for verdict in verdicts:
            for problem in verdict.refused:
                self.stdout.write(f"Refused: {problem}")
            for words in verdict.words:
                self.stdout.write(f"{verdict.case.reference}: {words}")
        if found.left_out:
            rows = ", ".join(map(str, found.left_out))
            self.stdout.write(f"Not on this cohort, left out: row {rows}.")
        changed = sum(bool(verdict.words) for verdict in verdicts)
        would = "would change" if self.dry_run else "changed"
        self.stdout.write(f"{plural(changed, 'person', 'people')} {would} for {owner.name}, of {len(verdicts)}.")
        if self.dry_run:
            self.stdout.write("This was a dry run: nothing was changed.")

    def _answer(
        self, owner: Scheme, found: idiom.Sorted, verdicts: list[idiom.Verdict], notes: tuple[Problem, ...]
    ) -> None:
        answer = {"scheme": owner.slug, "dry_run": self.dry_run} | idiom.answer_of(found, verdicts)
        answer |= {
            "errors": [idiom.told(each) for each in found.errors],
            "warnings": [idiom.told(each) for each in notes],
        }
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))
