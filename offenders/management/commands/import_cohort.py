"""`manage.py import_cohort FILE --scheme S [--dry-run] [--json]`: take over the cohort a scheme kept in a sheet."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from iom import clock, walls
from iom.access import task_actor
from iom.jinja import plural
from iom.models import Scheme
from offenders import cohort_duplicates, cohort_entry
from offenders.cohort_entry import Entered
from offenders.cohort_files import Problem, UnreadSheet
from offenders.cohort_import import Checked, Entries, check
from offenders.cohort_sheet import read_sheet

REFUSED, WRONG_ARGUMENTS = 1, 2


class Command(BaseCommand):
    # The checks of the code look at every page: they take more memory and time than a small sheet does.
    requires_system_checks = ()
    help = (
        "Enters a cohort from an XLSX or CSV file, all of it or nothing. Exit code 0: entered, or a dry run without "
        "errors; 1: the file has errors, which are listed by row; 2: no such file or scheme."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="for example docs/examples/cohort.csv")
        parser.add_argument("--scheme", required=True, metavar="SLUG", help="the scheme that the people belong to")
        parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")
        parser.add_argument("--sheet", default="", metavar="NAME", help="the sheet of an XLSX file that holds people")
        parser.add_argument(
            "--leave-out",
            action="append",
            default=[],
            metavar="HEADING",
            help="leave out a column that looks like one that is known here; may be given again",
        )
        parser.add_argument("--json", action="store_true", help="answer with one JSON object")

    def handle(self, *, file: str, scheme: str, dry_run: bool, json: bool, **options: Any) -> None:
        self.as_json, self.sheet, self.leave_out = json, options["sheet"], options["leave_out"]
        owner = self._scheme(scheme)
        content = self._content(file)
        with walls.within(owner, cause="import_cohort"):
            self._import(content, owner, dry_run)

    def _import(self, content: bytes, owner: Scheme, dry_run: bool) -> None:
        by = task_actor(owner, "import_cohort")
        try:
            checked = check(read_sheet(content, self.sheet, self.leave_out), owner, clock.today())
        except UnreadSheet as unread:
            checked = Checked(Entries(), unread.problems, [])
        if not checked.errors:
            # Another import may be under way: whom the scheme knows is asked once that has ended.
            cohort_entry.lock(by)
        errors, warnings = cohort_duplicates.problems(cohort_duplicates.known(checked.entries, owner))
        checked = checked.with_more(errors, warnings)
        if checked.errors:
            self._refuse(checked, owner, dry_run)
        entered = cohort_entry.enter(checked.entries, by=by, dry_run=dry_run)
        self._report(checked, entered, owner, dry_run)

    def _scheme(self, slug: str) -> Scheme:
        found = Scheme.objects.filter(slug=slug).first()
        if found is None:
            known = ", ".join(Scheme.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no scheme {slug!r}; there are: {known}.", returncode=WRONG_ARGUMENTS)
        return found

    def _content(self, file: str) -> bytes:
        try:
            return Path(file).read_bytes()
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=WRONG_ARGUMENTS) from error

    def _refuse(self, checked: Checked, scheme: Scheme, dry_run: bool) -> None:
        if self.as_json:
            self._answer(checked, [], scheme, dry_run)
        else:
            for problem in checked.errors:
                self.stderr.write(str(problem))
        count = plural(len(checked.errors), "error")
        raise CommandError(f"{count}. Nothing was entered. Correct the file and import it again.", returncode=REFUSED)

    def _report(self, checked: Checked, entered: list[Entered], scheme: Scheme, dry_run: bool) -> None:
        if self.as_json:
            self._answer(checked, entered, scheme, dry_run)
            return
        for warning in checked.warnings:
            self.stdout.write(f"Note: {warning}")
        people, rated = plural(len(entered), "person", "people"), _by_rating(entered)
        first, last = entered[0].reference, entered[-1].reference
        done = "would be entered" if dry_run else "entered"
        self.stdout.write(f"{people} {done} for {scheme.name}, {first} to {last}: {rated}.")
        if dry_run:
            self.stdout.write("This was a dry run: nothing was changed.")

    def _answer(self, checked: Checked, entered: list[Entered], scheme: Scheme, dry_run: bool) -> None:
        answer = {
            "scheme": scheme.slug,
            "dry_run": dry_run,
            "entered": 0 if dry_run else len(entered),
            "rows": [{"row": each.row, "reference": each.reference, "rating": each.rating} for each in entered],
            "errors": [_told(problem) for problem in checked.errors],
            "warnings": [_told(problem) for problem in checked.warnings],
        }
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))


def _told(problem: Problem) -> dict[str, Any]:
    return {name: value for name, value in asdict(problem).items() if name != "found"}


def _by_rating(entered: list[Entered]) -> str:
    ratings = [each.rating for each in entered]
    return ", ".join(f"{ratings.count(colour)} {colour.capitalize()}" for colour in dict.fromkeys(ratings))
