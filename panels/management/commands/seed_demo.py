"""Loads the demonstration: five made-up schemes that look lived in."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from auditlog.context import disable_auditlog
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from iom import clock
from iom.models import Notification, OutboxMessage, Scheme, User
from iom.policy import load_preset
from iom.schemes import create_scheme
from panels.demonstration.people import domain, hire
from panels.demonstration.year import Life, Size, numbered_from

SEED = 2026
HOLDS_REAL_DATA = 3
# In the order of the contract.
SCHEMES = {
    "merton": Size(founders=44, panels=12, nominations=2, board_met=True),
    "london": Size(founders=14, panels=4, nominations=2, minutes_with_chair=True),
    "richmond": Size(founders=12, panels=3, nominations=2, agenda_sent=True),
    "waltham_forest": Size(founders=16, panels=3, nominations=2),
    "hampshire": Size(founders=14, panels=3, nominations=2),
}
# A few minutes of life for each: what the tests of the command need.
SMALL = {"founders": 5, "panels": 1, "nominations": 2}


class Command(BaseCommand):
    help = "Loads the demonstration. Refuses a database that holds anything else."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing if the demonstration is there already")
        parser.add_argument("--seed", type=int, default=SEED, help="the same number gives the same people")
        parser.add_argument("--today", type=date.fromisoformat, help="as if today were this day (YYYY-MM-DD)")
        parser.add_argument("--scheme", action="append", choices=list(SCHEMES), help="only this one; may be repeated")
        parser.add_argument("--small", action="store_true", help=argparse.SUPPRESS)

    def handle(
        self,
        *args: Any,
        if_empty: bool,
        seed: int,
        today: date | None,
        scheme: list[str] | None,
        small: bool,
        **options: Any,
    ) -> None:
        if Scheme.objects.exists() or User.objects.exists():
            self._refuse(if_empty=if_empty)
            return
        today = today or clock.today()
        # All or nothing: an interrupted load leaves an empty database, and the next start loads it.
        with transaction.atomic(), disable_auditlog():
            for slug in scheme or SCHEMES:
                size = replace(SCHEMES[slug], **SMALL) if small else SCHEMES[slug]
                self._load(slug, size, Random(f"{seed} {slug}"), today)  # noqa: S311 -- made-up people, no secret
            self._let_the_past_rest(today)
        self.stdout.write(f"Loaded {Scheme.objects.count()} schemes.")

    def _refuse(self, *, if_empty: bool) -> None:
        """The demonstration is there, or something else is."""
        emails = {f"coordinator@{domain(scheme)}" for scheme in Scheme.objects.all()}
        known = emails and User.objects.filter(email__in=emails).count() == len(emails)
        if known and if_empty:
            self.stdout.write("The demonstration is there already.")
        elif known:
            raise CommandError("The demonstration is there already.", returncode=1)
        elif if_empty:
            self.stderr.write("The database holds other data: no demonstration is loaded into it.")
            sys.exit(HOLDS_REAL_DATA)
        else:
            raise CommandError(
                "The database holds other data: no demonstration is loaded into it.", returncode=HOLDS_REAL_DATA
            )

    def _load(self, slug: str, size: Size, dice: Random, today: date) -> None:
        began = today - timedelta(days=480)
        made = create_scheme(slug, load_preset(slug), on=began).scheme
        numbered_from(made, "case", dice.randint(20, 90))
        numbered_from(made, "referral", dice.randint(100, 180))
        staff = hire(made, dice, since=began)
        life = Life(made, staff, dice, today, size)
        life.live(lambda words: self._say(made, words))

    def _say(self, scheme: Scheme, words: str) -> None:
        if self.verbosity_wanted > 1:
            self.stdout.write(f"{scheme.short_name}: {words}")

    def execute(self, *args: Any, **options: Any) -> Any:
        self.verbosity_wanted = options["verbosity"]
        return super().execute(*args, **options)

    def _let_the_past_rest(self, today: date) -> None:
        """Nobody is mailed what happened a year ago; what was told before this week counts as read."""
        OutboxMessage.objects.filter(kind="email").delete()
        this_week = datetime.combine(today - timedelta(days=7), time(), clock.LONDON)
        Notification.objects.filter(created_at__lt=this_week).update(read_at=this_week)
