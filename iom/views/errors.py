"""Answers for what went wrong: plain words, a request number, nothing of the inside (security.md L4).

One function for all of them: `answer` draws the page, a fragment for htmx, or JSON for a form that saves itself.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

log = logging.getLogger(__name__)

# What a fragment or a form that saves itself says, where there is no room for a page.
WORDS = {
    400: "Something was wrong with that request. Load the page again, and try once more.",
    403: "You do not have access to this.",
    404: "Page not found.",
    405: "This page cannot be opened like that. Nothing was changed.",
    409: "Someone else changed this. Copy what you typed, load the page again, then compare.",
    413: "That is too big. Nothing was saved.",
    429: "Wait a minute, then try again.",
    500: "Sorry, there is a problem. Try again in a few minutes.",
    503: "The service is not available. It should be back in a few minutes.",
}
# Drawn without the frame of a page: whoever asks may not be known yet, or the database may be away.
WITHOUT_FRAME = frozenset({400, 413, 429, 500, 503})
BACK_IN_SECONDS = 10


def answer(
    request: HttpRequest, status: int, *, headers: Mapping[str, str] | None = None, **context: Any
) -> HttpResponse:
    """The answer of `status` in the form in which it was asked for. `context` is what templates/errors/… describes."""
    reference = getattr(request, "id", "")
    if wants_json(request):
        words = context.get("reason") or WORDS[status]
        response: HttpResponse = JsonResponse({"message": words, "reference": reference}, status=status)
    elif wants_part(request):
        words = context.get("reason") or WORDS[status]
        part = render_to_string("errors/part.html", {"words": words, "reference": reference})
        response = HttpResponse(part, status=status)
    else:
        response = HttpResponse(_page(request, status, {"reference": reference, **context}), status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def _page(request: HttpRequest, status: int, context: dict[str, Any]) -> str:
    if status not in WITHOUT_FRAME:
        return render_to_string(f"errors/{status}.html", context, request)
    try:
        return render_to_string(f"errors/{status}.html", context)
    except Exception:
        # Nothing stands behind this page that could say what is wrong with it.
        log.exception("an error page could not be drawn")
        words = f"<title>{WORDS[status]}</title><h1>{WORDS[status]}</h1><p>Reference: {context['reference']}</p>"
        return f'<!DOCTYPE html><html lang="en-GB">{words}</html>'


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks that reads JSON: a form that saves itself."""
    accept = request.META.get("HTTP_ACCEPT", "")
    return request.META.get("HTTP_X_AUTOSAVE") == "1" or accept.startswith("application/json")


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.META.get("HTTP_HX_REQUEST") == "true" and request.META.get("HTTP_HX_BOOSTED") != "true"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 404)


def not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse:
    """The address does not answer this method (security.md H3)."""
    return answer(request, 405, headers={"Allow": ", ".join(methods)})


def broken(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Something of ours failed: 503 when it is the database that does not answer, else 500."""
    if any(isinstance(error, (OperationalError, InterfaceError)) for error in _chain(sys.exception())):
        return unavailable(request)
    return answer(request, 500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database is away. Nothing that follows may wait for it once more, so the session is let go, and with it what
    was to be said on the next page.
    """
    for kept in ("session", "_messages"):
        if hasattr(request, kept):
            delattr(request, kept)
    return answer(request, 503, headers={"Retry-After": str(BACK_IN_SECONDS)})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that cannot prove where it came from: nothing was done, and the typed text is still in the browser."""
    return answer(request, 403)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
