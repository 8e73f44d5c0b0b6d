"""`manage.py verify_minutes FILE.pdf [--json]`: who signed these minutes, when, and whether the file is unaltered.

Exits 0 for a file that is byte for byte a signed version, 1 for one that is altered, not known here, or a copy that was
made beside the signed one, 2 for one that cannot be read or is no PDF.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from iom import walls
from iom.jinja import moment, plural
from iom.models import Scheme
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
            found = Finding(Verdict.UNREADABLE, "")
            code = self._say(found, f"{options['file']} cannot be read: {error.strerror}", as_json=options["json"])
        else:
            code = self._look(content, options["file"], as_json=options["json"])
        if code:
            sys.exit(code)

    def _look(self, content: bytes, name: str, *, as_json: bool) -> int:
        """Ask each scheme whether the file is of its minutes; none sees another's."""
        for scheme in Scheme.objects.order_by("pk"):
            with walls.within(scheme, cause="verify_minutes"):
                found = verify(content, Minutes.objects.all())
                if found.minutes is not None:
                    return self._say(found, "", as_json=as_json)
        found = verify(content, Minutes.objects.none())
        why = f"{name} is not a PDF" if found.verdict == Verdict.UNREADABLE else ""
        return self._say(found, why, as_json=as_json)

    def _say(self, found: Finding, why: str, *, as_json: bool) -> int:
        answer = {"verdict": str(found.verdict), "file_sha256": found.file_sha256, **_about(found)}
        lines = [json.dumps(answer, ensure_ascii=False)] if as_json else _in_words(found, why)
        if found.verdict == Verdict.UNREADABLE and not as_json:
            self.stderr.write(lines[0])
        else:
            self.stdout.write("\n".join(lines))
        return EXIT[found.verdict]


def _about(found: Finding) -> dict[str, Any]:
    minutes = found.minutes
    if minutes is None:
        return {}
    answer = {
        "reference": reference_of(minutes.meeting),
        "version": minutes.number,
        "signed_by": found.signed.signed_name,
        "signed_at": found.signed.signed_at.isoformat(),
        "record_sha256": found.signed.record_sha256,
        "newer_version": found.newer,
        "addenda": minutes.addenda.exclude(signed_at=None).count(),
    }
    if found.addendum:
        answer["addendum"] = found.addendum.number
    if found.copy:
        answer["copy"] = found.copy
    if found.seal is not None:
        answer["digital_signature"] = {
            "certificate": found.seal.name,
            "holds": found.seal.holds,
            "covers_whole_file": found.seal.covers_all,
            "time_stamp": found.seal.is_stamped,
            "self_made": found.seal.is_self_made,
        }
    return answer


def _in_words(found: Finding, why: str) -> list[str]:
    minutes = found.minutes
    if minutes is None:
        known = "Not known here: no signed minutes have these bytes, and the file does not claim to be any of ours."
        return [why or known]
    which = f"{found.called}minutes {reference_of(minutes.meeting)} version {minutes.number}"
    lines = [
        f"Signed by {found.signed.signed_name} on {moment(found.signed.signed_at)}.",
        f"Fingerprint of the record: {found.signed.record_sha256}",
    ]
    if found.verdict == Verdict.UNALTERED:
        lines.insert(0, f"Unaltered: {which}.")
    elif found.verdict == Verdict.COPY:
        lines.insert(0, f"Not the signed version: {found.copy} of {which}, as it was made here.")
    else:
        lines = [f"Altered: the file claims to be {which}, but is not the signed version.", lines[0]]
    if found.about_signature:
        lines.append(found.about_signature)
    if not found.addendum and (added := minutes.addenda.exclude(signed_at=None).count()):
        lines.append(f"{plural(added, 'addendum', 'addenda')} to them signed since.")
    if found.newer:
        lines.append(f"Version {found.newer} was signed later.")
    return lines
