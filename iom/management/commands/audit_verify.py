"""`manage.py audit_verify [--scheme SLUG] [--heads FILE [--key KEY]] [--public-key] [--json]`: is the audit whole?"""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection, transaction

from iom import chain, heads, walls
from iom.management.plain_command import PlainCommand
from iom.models import Scheme

INSTALLATION = "installation"


class Command(PlainCommand):
    help = (
        "Recomputes the audit's chains and compares them with the heads kept outside. Exit code 1: something is not as "
        "it was; the scheme and the first bad event are named."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scheme", help="one scheme only, by its short name; `installation` for what has none")
        parser.add_argument("--heads", metavar="FILE", help="compare with these heads too; - reads them from here")
        parser.add_argument("--key", action="append", help="the public key of those heads, if not ours now")
        parser.add_argument("--public-key", action="store_true", help="print the public keys and end")

    def handle(
        self,
        *args: Any,
        scheme: str | None,
        heads: str | None,
        key: list[str] | None,
        public_key: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        if public_key:
            self._print_keys(as_json)
            return
        if key and not heads:
            raise self.wrong("--key goes with --heads FILE.")
        names = self._names(scheme)
        places = self._outside(heads, key)
        found = self._chains(names, places, only=scheme is not None)
        whole = all(each.whole for each in found) and not any(place.broken for place in places)
        answer = {
            "whole": whole,
            "chains": [chain.as_json(each, names.get(each.scheme, str(each.scheme))) for each in found],
            "outside": [
                {"place": place.name, "heads": place.count, "problem": place.problem, "broken": place.broken}
                for place in places
            ],
        }
        self.answer(answer, self._lines(found, names, places), as_json=as_json)
        if not whole:
            raise self.failed("The audit is not as it was.")

    def _print_keys(self, as_json: bool) -> None:
        keys = heads.public_keys()
        self.answer({"public_keys": keys}, keys, as_json=as_json)

    def _names(self, slug: str | None) -> dict[int, str]:
        """The chains to look at, by number, with the names that people know them by."""
        names = {walls.INSTALLATION: INSTALLATION} | dict(Scheme.objects.order_by("pk").values_list("pk", "slug"))
        if slug is None:
            return names
        chosen = {number: name for number, name in names.items() if name == slug}
        if not chosen:
            raise self.wrong(f"There is no scheme {slug!r}.")
        return chosen

    def _outside(self, file: str | None, keys: Sequence[str] | None) -> list[heads.Outside]:
        """Read before the chains: what leaves meanwhile is not asked for."""
        places = list(heads.kept_outside())
        if file is None:
            return places
        for key in keys or ():
            if not _is_key(key):
                raise self.wrong("--key takes what --public-key prints.")
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            raise self.wrong(f"{file} cannot be read.") from None
        given = heads.outside(text.splitlines(), "given", [*(keys or ()), *heads.public_keys()])
        if not given.count and not given.broken:
            raise self.wrong(f"{file} holds no heads.")
        return [*places, given]

    def _chains(self, names: dict[int, str], places: list[heads.Outside], *, only: bool) -> list[chain.Found]:
        """Every chain that the database or anybody outside knows of, all as of one moment."""
        known: dict[int, dict[int, frozenset[bytes]]] = {}
        for place in places:
            for number, kept in place.heads.items():
                mine = known.setdefault(number, {})
                for sequence, hashes in kept.items():
                    mine[sequence] = mine.get(sequence, frozenset()) | hashes
        found = []
        begun = not connection.in_atomic_block
        with transaction.atomic():
            if begun:
                chain.one_moment()
            tips = chain.tips()
            numbers = set(names) if only else set(names) | set(tips) | set(known)
            for number in sorted(numbers):
                outside, tip = known.get(number, {}), tips.get(number)
                if number == walls.INSTALLATION and tip is None and not outside:
                    continue  # Nothing has happened yet that is of no scheme.
                with walls.within(number, cause="audit_verify"):
                    found.append(chain.check(number, chain.links(), tip=tip, outside=outside))
        return found

    def _lines(self, found: list[chain.Found], names: dict[int, str], places: list[heads.Outside]) -> list[str]:
        lines = []
        for each in found:
            name = names.get(each.scheme, f"scheme {each.scheme}")
            if each.whole:
                lines.append(f"{name}: whole, {each.events} events, {each.heads_outside} heads outside agree")
            else:
                lines.append(f"{name}: NOT whole, first bad event {each.first_bad}: {each.what}")
        lines += [f"Heads at {place.name}: {place.problem or f'{place.count} read'}" for place in places]
        return lines


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32  # bytes of an Ed25519 key
    except ValueError:
        return False
