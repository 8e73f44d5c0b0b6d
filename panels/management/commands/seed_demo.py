"""Loads the demonstration: five made-up schemes that look lived in, or any number in which everything occurs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from auditlog.context import disable_auditlog
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from iom import clock, walls
from iom.forms import CleanCharField
from iom.models import Agency, Membership, Notification, OutboxMessage, Role, Scheme, User
from iom.policy import load_preset
from iom.schemes import create_scheme
from panels.demonstration.factors import give_apps
from panels.demonstration.manifest import description, invitation_link
from panels.demonstration.marks import LONGEST, Mark
from panels.demonstration.people import PASSWORD, SIGN_INS, domain, hire
from panels.demonstration.rest import EVERY_ROLE, complete
from panels.demonstration.year import Life, Size, numbered_from

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 2026
MOST_SCHEMES = 50
WRONG_ARGUMENTS = 2
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
# Few people, and everything that can be the matter with them.
EVERYTHING = Size(founders=13, panels=1, nominations=2, agenda_sent=True, reviews=3)


@dataclass(frozen=True, slots=True)
class Plan:
    """One scheme to be loaded: the number in its mark, its slug, the preset of its rules."""

    number: int
    slug: str
    preset: str
    mark: Mark


class Command(BaseCommand):
    help = "Loads the demonstration. Refuses a database that holds anything else."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, which answers wrong arguments with its one line and without the usage above it."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.print_usage = lambda file=None: None  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing if the demonstration is there already")
        parser.add_argument("--seed", type=int, default=SEED, help="the same number gives the same people")
        parser.add_argument("--today", type=date.fromisoformat, help="as if today were this day (YYYY-MM-DD)")
        parser.add_argument("--scheme", action="append", choices=list(SCHEMES), help="only this one; may be repeated")
        parser.add_argument(
            "--schemes",
            type=int,
            metavar="N",
            help=f"1 to {MOST_SCHEMES} small schemes instead, with every role, state and restriction in each",
        )
        parser.add_argument(
            "--marker", default="", metavar="TEXT", help="stands with the scheme's number in every name and free text"
        )
        parser.add_argument("--manifest", metavar="FILE", help="write down accounts, schemes, cases and nominations")
        parser.add_argument("--json", action="store_true", help="answer in JSON")
        parser.add_argument("--small", action="store_true", help=argparse.SUPPRESS)

    def handle(
        self,
        *args: Any,
        if_empty: bool,
        seed: int,
        today: date | None,
        scheme: list[str] | None,
        schemes: int | None,
        marker: str,
        manifest: str | None,
        json: bool,
        small: bool,
        **options: Any,
    ) -> None:
        plans = self._plans(schemes, scheme, self._clean(marker))
        if Scheme.objects.exists() or User.objects.exists():
            self._refuse(if_empty=if_empty)
            return
        today = today or clock.today()
        # All or nothing: an interrupted load leaves an empty database, and the next start loads it.
        with self._file(manifest) as write, transaction.atomic(), disable_auditlog():
            links = []
            for plan in plans:
                size = EVERYTHING if schemes else SCHEMES[plan.preset]
                dice = Random(f"{seed} {plan.slug}")  # noqa: S311 -- made-up people, no secret
                links += self._load(plan, replace(size, **SMALL) if small else size, dice, today, whole=bool(schemes))
            apps = {}
            if schemes:
                self._join_them(marker, today)
                # Who has only just joined sets up their own, as on the first sign-in.
                apps = give_apps(User.objects.exclude(email__startswith="joined@").order_by("pk"))
            self._let_the_past_rest(today)
            write(self._manifest(plans, marker, links, apps) if manifest else {})
        self._say_what_is_there(as_json=json, file=manifest)

    # --- What is asked for ----------------------------------------------------------

    def _wrong(self, words: str) -> CommandError:
        return CommandError(words, returncode=WRONG_ARGUMENTS)

    def _clean(self, marker: str) -> str:
        """The marker as a field of a page would take it."""
        from django.core.exceptions import ValidationError

        try:
            return CleanCharField(max_length=LONGEST - 3, required=False).clean(marker)
        except ValidationError as error:
            raise self._wrong(f"--marker: {' '.join(error.messages)}") from error

    def _plans(self, schemes: int | None, only: list[str] | None, marker: str) -> list[Plan]:
        if schemes is not None and not 1 <= schemes <= MOST_SCHEMES:
            raise self._wrong(f"--schemes: choose 1 to {MOST_SCHEMES}.")
        if schemes is not None and only:
            raise self._wrong("--schemes and --scheme: use one of them.")
        presets = list(only or SCHEMES) if schemes is None else list(islice(_rotation(), schemes))
        plans = []
        for number, preset in enumerate(presets, start=1):
            again = presets[: number - 1].count(preset)
            slug = f"{preset}-{again + 1}" if again else preset
            plans.append(Plan(number, slug, preset, Mark(f"{marker}{number}" if marker else "")))
        return plans

    @contextmanager
    def _file(self, name: str | None) -> Iterator[Any]:
        """What writes the manifest: into a new file that only its owner reads, put in its place when it is whole."""
        if name is None:
            yield lambda _: None
            return
        path = Path(name)
        half_written = path.with_name(f".{path.name}.new")
        try:
            half_written.unlink(missing_ok=True)
            descriptor = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise self._wrong(f"--manifest: {name} cannot be written ({error.strerror}).") from error
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                yield lambda value: json.dump(value, file, indent=1, ensure_ascii=False)
            half_written.replace(path)
        finally:
            half_written.unlink(missing_ok=True)

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

    # --- Loading --------------------------------------------------------------------

    def _load(self, plan: Plan, size: Size, dice: Random, today: date, *, whole: bool) -> list[str]:
        """One scheme; with `whole`, everything that can occur in it. Returns the invitation links that are open."""
        began = today - timedelta(days=480)
        policy = load_preset(plan.preset)
        if plan.slug != plan.preset:
            name = f" {plan.slug.rpartition('-')[2]}"
            policy = policy.model_copy(update={"title": policy.title + name, "area": policy.area + name})
        made = create_scheme(plan.slug, policy, on=began).scheme
        with walls.within(made, cause="seed_demo"):
            numbered_from(made, "case", dice.randint(20, 90))
            numbered_from(made, "referral", dice.randint(100, 180))
            sign_ins = EVERY_ROLE if whole else SIGN_INS
            staff = hire(made, dice, since=began, sign_ins=sign_ins, mark=plan.mark)
            life = Life(made, staff, dice, today, size, plan.mark)
            life.live(lambda words: self._say(made, words))
            return [invitation_link(secret) for secret in complete(life)] if whole else []

    def _join_them(self, marker: str, today: date) -> None:
        """Accounts that are not of one scheme: who runs the installation, and one person who acts in two schemes.

        Their names hold the marker without a number.
        """
        name = Mark(marker)
        password = make_password(PASSWORD)
        with walls.within(walls.INSTALLATION, cause="seed_demo"):
            User.objects.create(
                email="system@installation.example", name=name("Alex Example"), password=password, is_system_admin=True
            )
        both = list(Scheme.objects.order_by("pk")[:2])
        if len(both) < 2:
            return
        with walls.within(walls.INSTALLATION, cause="seed_demo"):
            user = User.objects.create(email="both@installation.example", name=name("Jo Example"), password=password)
        for scheme, roles in zip(both, ([Role.COORDINATOR], [Role.MEMBER]), strict=True):
            with walls.within(scheme, cause="seed_demo"):
                agency = Agency.objects.filter(scheme=scheme, kind="council").order_by("pk").first()
                Membership.objects.create(scheme=scheme, user=user, agency=agency, roles=roles, starts_on=today)

    def _let_the_past_rest(self, today: date) -> None:
        """Nobody is mailed what happened a year ago; what was told before this week counts as read."""
        OutboxMessage.objects.filter(kind="email").delete()
        this_week = datetime.combine(today - timedelta(days=7), time(), clock.LONDON)
        for scheme in Scheme.objects.order_by("pk"):
            with walls.within(scheme, cause="seed_demo"):
                rows = Notification.objects.filter(scheme=scheme, created_at__lt=this_week)
                rows.update(read_at=this_week)

    # --- Saying so ------------------------------------------------------------------

    def _manifest(self, plans: list[Plan], marker: str, links: list[str], apps: dict[str, str]) -> dict[str, Any]:
        schemes = []
        for plan in plans:
            made = Scheme.objects.get(slug=plan.slug)
            schemes.append(
                {
                    "number": plan.number,
                    "slug": plan.slug,
                    "preset": plan.preset,
                    "mark": plan.mark.text,
                    "id": made.pk,
                    "name": made.name,
                    "short_name": made.short_name,
                }
            )
        return description(schemes, marker, links, apps)

    def _say_what_is_there(self, *, as_json: bool, file: str | None) -> None:
        count = Scheme.objects.count()
        if as_json:
            found = {"schemes": list(Scheme.objects.order_by("pk").values_list("slug", flat=True)), "manifest": file}
            self.stdout.write(json.dumps({"loaded": count} | found))
        else:
            self.stdout.write(f"Loaded {count} schemes.")

    def _say(self, scheme: Scheme, words: str) -> None:
        if self.verbosity_wanted > 1:
            self.stdout.write(f"{scheme.short_name}: {words}")

    def execute(self, *args: Any, **options: Any) -> Any:
        self.verbosity_wanted = options["verbosity"]
        return super().execute(*args, **options)


def _rotation() -> Iterator[str]:
    """The presets, over and over."""
    while True:
        yield from SCHEMES
