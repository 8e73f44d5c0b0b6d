"""What counts every answer, and the ordinary middleware for the baselines."""

from __future__ import annotations

import cProfile
import json
import pstats
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

from iom import clock
from iom.models import Membership

Respond = Callable[[HttpRequest], HttpResponse]
OF_BASELINES, BARE = "/bench/", "/bench/bare/"


@dataclass
class _Count:
    """Statements of one request; BEGIN, COMMIT and the health check of the connection never come here."""

    statements: int = 0
    seconds: float = 0.0

    def __call__(self, execute: Callable, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not str(sql).startswith(("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")):
            self.statements += 1
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - began


class Statements:
    """Says in headers what an answer took: statements, milliseconds of its thread's CPU and at the database."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        count, began = _Count(), time.thread_time()
        profile = cProfile.Profile() if "X-Bench-Profile" in request.headers else None
        with connection.execute_wrapper(count), profile or nullcontext():
            response = self.respond(request)
        if profile is not None:
            response["X-Bench-Profile"] = json.dumps(shares(profile))
        response["X-Bench-Statements"] = str(count.statements)
        response["X-Bench-CPU"] = f"{(time.thread_time() - began) * 1000:.2f}"
        response["X-Bench-Database"] = f"{count.seconds * 1000:.2f}"
        return response


# Where time goes, by what a file's name begins with once its folder is left out; the first that fits.
PARTS = {
    "templates": ("templates/",),
    "Jinja": ("jinja2/", "markupsafe/", "govuk_frontend_jinja/"),
    "psycopg and waiting": ("psycopg", "~"),
    "querysets and their SQL": ("django/db/",),
    "the rest of Django": ("django/", "csp/", "whitenoise/", "guardian/", "auditlog/", "rules/", "redis/"),
    "ours": ("iom/", "offenders/", "referrals/", "actionplans/", "panels/"),
}
# What begins a path: our checkout and where packages lie.
ROOTS = (f"{settings.BASE_DIR}/", f"{Path(django.__file__).parent.parent}/")


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Milliseconds in the functions of each part themselves; built-in functions count to whoever called them."""
    found: dict[str, float] = {}
    for (file, _, name), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file == "~" and "psycopg" not in name and "poll" not in name:
            for (caller, _, _), (_, _, of_caller, _) in callers.items():
                found[part_of(caller)] = found.get(part_of(caller), 0) + of_caller * 1000
        else:
            found[part_of(file)] = found.get(part_of(file), 0) + own * 1000
    return {part: round(ms, 2) for part, ms in sorted(found.items(), key=lambda each: -each[1])}


def part_of(file: str) -> str:
    """The part to which a file belongs."""
    for root in sorted(ROOTS, key=len, reverse=True):
        file = file.removeprefix(root)
    return next((part for part, starts in PARTS.items() if file.startswith(starts)), "Python's own")


class Fork:
    """Sends the baselines through an ordinary project's middleware or none, and everything else through ours."""

    def __init__(self, respond: Respond) -> None:
        self.ours = respond
        self.ordinary, self.bare = _through(settings.ORDINARY), _through([])

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(OF_BASELINES):
            return self.ours(request)
        return (self.bare if request.path_info.startswith(BARE) else self.ordinary)(request)


def _through(middleware: list[str]) -> Respond:
    """Django's own handler with this middleware; the setting is there again afterwards."""
    handler, before = BaseHandler(), settings.MIDDLEWARE
    settings.MIDDLEWARE = middleware
    try:
        handler.load_middleware()
    finally:
        settings.MIDDLEWARE = before
    return handler._middleware_chain


class InScheme:
    """One transaction in the scheme of whoever is signed in: what row security asks of any project on these tables."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.membership = None
        if request.user.is_authenticated:
            mine = Membership.objects.filter(user=request.user).current(clock.today()).select_related("scheme")
            request.membership = mine.first()
        if request.membership is None:
            return self.respond(request)
        with transaction.atomic():
            enter(request.membership.scheme_id)
            return self.respond(request)


def enter(scheme: int) -> None:
    """Let this transaction see the rows of the scheme."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('iom.scheme', %s, true)", [str(scheme)])
