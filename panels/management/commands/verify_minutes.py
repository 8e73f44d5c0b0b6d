"""`manage.py verify_minutes FILE.pdf [--json]`: who signed these minutes, when, and whether the file is unaltered.

Exits 0 for a file that is byte for byte a signed version, 1 for one that is altered or not known here, 2 for one that
cannot be read or is no PDF.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from iom.jinja import moment
from panels.models import Minutes
from panels.record import reference_of
from panels.verify import EXIT, Finding, Verdict, verify


class Command(BaseCommand):
    help = "Say who signed a PDF of minutes, when, and whether it is unaltered."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the PDF")
        parser.add_argument("--json", action="store_true", help="answer as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = Path(options["file"]).read_bytes()
        except OSError as error:
            found, why = Finding(Verdict.UNREADABLE, ""), f"{options['file']} cannot be read: {error.strerror}"
        else:
            found = verify(content, Minutes.objects.all())
            why = f"{options['file']} is not a PDF" if found.verdict == Verdict.UNREADABLE else ""
        answer = {"verdict": str(found.verdict), "file_sha256": found.file_sha256, **_about(found)}
        lines = [json.dumps(answer, ensure_ascii=False)] if options["json"] else _in_words(found, why)
        if found.verdict == Verdict.UNREADABLE and not options["json"]:
            self.stderr.write(lines[0])
        else:
            self.stdout.write("\n".join(lines))
        if code := EXIT[found.verdict]:
            sys.exit(code)


def _about(found: Finding) -> dict[str, Any]:
    minutes = found.minutes
    if minutes is None:
        return {}
    return {
        "reference": reference_of(minutes.meeting),
        "version": minutes.number,
        "signed_by": minutes.signed_name,
        "signed_at": minutes.signed_at.isoformat(),
        "record_sha256": minutes.record_sha256,
    }


def _in_words(found: Finding, why: str) -> list[str]:
    minutes = found.minutes
    if minutes is None:
        known = "Not known here: no signed minutes have these bytes, and the file does not claim to be any of ours."
        return [why or known]
    which = f"minutes {reference_of(minutes.meeting)} version {minutes.number}"
    signed = f"Signed by {minutes.signed_name} on {moment(minutes.signed_at)}."
    if found.verdict == Verdict.UNALTERED:
        return [f"Unaltered: {which}.", signed, f"Fingerprint of the record: {minutes.record_sha256}"]
    return [f"Altered: the file claims to be {which}, but is not the signed version.", signed]
