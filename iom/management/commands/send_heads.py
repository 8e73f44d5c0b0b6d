"""`manage.py send_heads [--json]`: send the heads of the audit to every place of AUDIT_HEADS now."""

from __future__ import annotations

from typing import Any

from iom import heads
from iom.management.plain_command import PlainCommand


class Command(PlainCommand):
    help = "Sends the heads of the audit to every place outside. Exit code 1: a place did not take them."

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        done = heads.send()
        answer = [{"place": each.kind, "heads": each.heads, "error": each.error} for each in done]
        lines = [f"{each.kind}: {each.error or f'took {each.heads} heads'}" for each in done]
        self.answer(answer, lines, as_json=as_json)
        if any(each.error for each in done):
            raise self.failed("A place did not take the heads.")
