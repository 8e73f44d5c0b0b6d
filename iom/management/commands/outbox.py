"""`manage.py outbox [list | retry ID | drop ID --reason TEXT] [--json]`: work that was given up, in every scheme."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import CommandParser

from iom import dead_letters, walls
from iom.access import task_actor
from iom.management.plain_command import PlainCommand
from iom.models import OutboxMessage, Scheme
from iom.steps import StepRefused


class Command(PlainCommand):
    help = "Lists background work that was given up; tries it again, or drops it for a reason. Exit code 1: not there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("do", nargs="?", choices=["list", "retry", "drop"], default="list")
        parser.add_argument("id", nargs="?", help="the number that the list gives")
        parser.add_argument("--reason", default="", help="why it can be dropped")

    def handle(self, *args: Any, do: str, id: str | None, reason: str, as_json: bool, **options: Any) -> None:  # noqa: A002
        if do == "list":
            if id is not None:
                raise self.wrong("list takes no number.")
            self._list(as_json)
            return
        message = self._message(id)
        if do == "drop" and not reason.strip():
            raise self.wrong("Say why with --reason TEXT.")
        by = task_actor(message.scheme, "command outbox")
        try:
            with walls.within(message.scheme, by=by):
                if do == "retry":
                    dead_letters.retry(message.pk, by=by)
                else:
                    dead_letters.drop(message.pk, reason=reason, by=by)
        except StepRefused as refused:
            raise self.failed(" ".join(refused.problems)) from refused
        after = "waiting" if do == "retry" else "dropped"
        self.answer({"id": str(message.pk), "state": after}, [f"{message.pk}: {after}"], as_json=as_json)

    def _message(self, text: str | None) -> OutboxMessage:
        if text is None:
            raise self.wrong("Give the number of the work: see `outbox list`.")
        try:
            key = uuid.UUID(text)
        except ValueError:
            raise self.wrong(f"{text!r} is not a number that the list gives.") from None
        message = OutboxMessage.objects.select_related("scheme").filter(pk=key).first()
        if message is None:
            raise self.failed(f"There is no work {key}.")
        return message

    def _list(self, as_json: bool) -> None:
        answer: list[dict[str, Any]] = []
        lines = []
        for scheme in Scheme.objects.order_by("slug"):
            counts = dead_letters.counts(scheme)
            waiting = [
                {
                    "id": str(message.pk),
                    "kind": message.kind,
                    "asked_for": message.created_at.isoformat(),
                    "tries": message.attempts,
                    "error": message.last_error,
                }
                for message in dead_letters.given_up(scheme)
            ]
            answer.append({"scheme": scheme.slug, **counts, "work": waiting})
            lines.append(f"{scheme.slug}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
            lines += [f"  {each['id']} {each['kind']} {each['asked_for']} {each['error']}" for each in waiting]
        self.answer(answer, lines or ["There is no scheme."], as_json=as_json)
