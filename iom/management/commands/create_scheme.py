"""Start a scheme: the way in when nothing is loaded (design.md 6)."""

from __future__ import annotations

import argparse
import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email
from django.urls import reverse

from iom import clock
from iom.management.plain_command import PlainCommand
from iom.models import Scheme
from iom.policy import PolicyError, load_preset, preset_slugs
from iom.schemes import create_scheme


class Command(PlainCommand):
    help = "Creates a scheme from a preset and prints the first invitation link."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="lower-case letters, digits, _ and -; for example merton")
        parser.add_argument("--preset", required=True, help=", ".join(preset_slugs()))
        parser.add_argument("--admin", required=True, metavar="EMAIL", help="the first scheme administrator")

    def handle(self, *args: Any, slug: str, preset: str, admin: str, as_json: bool, **options: Any) -> None:
        if not re.fullmatch(r"[a-z0-9]+([_-][a-z0-9]+)*", slug) or len(slug) > 40:
            raise CommandError("The slug may hold lower-case letters, digits, _ and -, at most 40.", returncode=2)
        try:
            validate_email(admin)
        except ValidationError as error:
            raise CommandError(f"{admin!r} is not an e-mail address.", returncode=2) from error
        if preset not in preset_slugs():
            raise CommandError(f"No preset {preset!r}; choose from: {', '.join(preset_slugs())}.", returncode=2)
        if Scheme.objects.filter(slug=slug).exists():
            raise CommandError(f"There is a scheme {slug!r} already.", returncode=1)
        try:
            policy = load_preset(preset)
        except PolicyError as error:
            raise CommandError(str(error), returncode=1) from error
        made = create_scheme(slug, policy, on=clock.today(), admin_email=admin)
        link = f"{settings.SITE_URL}{reverse('invited', args=[made.secret])}"
        lines = [
            f"Created {made.scheme.name} with the rules of {preset}.",
            f"Invitation for {admin}, good for 72 hours and one use:",
            link,
        ]
        answer = {"scheme": made.scheme.slug, "name": made.scheme.name, "preset": preset, "invitation": link}
        self.answer(answer, lines, as_json=as_json)
