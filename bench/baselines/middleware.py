"""What counts every answer, and the ordinary middleware for the baselines."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
        with connection.execute_wrapper(count):
            response = self.respond(request)
        response["X-Bench-Statements"] = str(count.statements)
        response["X-Bench-CPU"] = f"{(time.thread_time() - began) * 1000:.2f}"
        response["X-Bench-Database"] = f"{count.seconds * 1000:.2f}"
        return response


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
