"""No page before the code (security.md M1): one wall that stands before every view there is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from iom import held, second_factor, throttle
from iom.pages import PUBLIC

Respond = Callable[[HttpRequest], HttpResponse]


class Required:
    """Leads whoever has typed a password and no code to the page that asks for it, or to set-up.

    Only `PUBLIC` views are reached before. It stands outside the request's transaction, and writes again what that
    transaction took back but must stay: counted failures and spent codes.
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with throttle.surviving() as kept:
            response = self.respond(request)
        if response.status_code >= 400:
            for again in kept:
                again()
        return response

    def process_view(self, request: HttpRequest, view: Callable, args: Any, kwargs: Any) -> HttpResponse | None:
        if getattr(view, "permission", None) == PUBLIC or not second_factor.waits(request):
            return None
        return held.signed_out(request, way=functools.partial(way_in, request))


def way_in(request: HttpRequest, wanted: str) -> str:
    """Where somebody whose password was right goes next: set-up, the code, or the page they wanted."""
    if not second_factor.waits(request):
        return wanted
    name = "code" if second_factor.is_set_up(request.user) else "set_up_code"
    return f"{reverse(name)}?{urlencode({'next': wanted})}"
