"""The one way to make a view: it names its permission, and says which methods it answers (security.md Z1)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

import iom.fresh
from iom import held
from iom.views import errors

PUBLIC = "public"
SIGNED_IN = "signed in"

View = Callable[..., HttpResponse]


class Interruption(Http404):
    """A page that stands before what was asked for. For anything but reading, it is the same 404 (iom.middleware)."""

    def __init__(self, template: str, context: dict[str, Any]) -> None:
        super().__init__()
        self.template, self.context = template, context


def page(
    permission: str,
    *,
    methods: tuple[str, ...] = ("GET",),
    kind: str = "",
    grid: bool = False,
    fresh: bool = False,
    once: bool = True,
) -> Callable[[View], View]:
    """Guard a view: the permission is asked for before anything else, and named for the access matrix.

    `PUBLIC` needs nobody, `SIGNED_IN` needs an account but no scheme. Anything else needs an actor who holds it: nobody
    is sent to sign in, and someone whose role lacks the function gets 403 (security.md Z8). GET brings HEAD with it.

    `kind` is counted apart by `iom.limits.Rates`: search, pdf, export, upload, autosave or poll; polls do not keep a
    session alive. A `grid` is a form of many rows and may have more fields than others (`iom.limits.Sizes`).

    What somebody posts when their session is over is kept for them (`iom.held`). `fresh` asks for a code typed within
    five minutes before anything is posted to the view (`iom.fresh`).

    What a signed-in person posts is done once for each key of a form (`iom.once`); `once=False` is for what has another
    way of being done once, or may be done again without harm.
    """

    def guard(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in guarded.methods:
                return errors.not_allowed(request, guarded.methods)
            if permission != PUBLIC and not request.user.is_authenticated:
                return held.signed_out(request)
            if permission not in (PUBLIC, SIGNED_IN):
                if request.actor is None:
                    return render(request, "errors/no_scheme.html", status=403)
                if not request.actor.holds(permission):
                    raise PermissionDenied
            if permission != PUBLIC and (answer := _before(request, permission, fresh=fresh)):
                return answer
            return view(request, *args, **kwargs)

        guarded.permission = permission
        guarded.kind, guarded.grid, guarded.fresh = kind, grid, fresh
        guarded.once = once and permission != PUBLIC
        guarded.methods = (*methods, "HEAD") if "GET" in methods else methods
        return guarded

    return guard


def _before(request: HttpRequest, permission: str, *, fresh: bool) -> HttpResponse | None:
    """What is answered in place of the view: the form is another's, a code is wanted first, it was sent before."""
    if request.method in ("GET", "HEAD"):
        return None
    if held.only_asked(request):
        return HttpResponse(status=204)
    if request.actor is not None and permission != SIGNED_IN and (answer := held.of_another(request)):
        return answer
    if fresh and (answer := iom.fresh.required(request)):
        return answer
    return held.before_view(request)


def found(rows: QuerySet, **lookup: Any) -> Any:
    """The one row that the reader may see, or the same 404 as for what never existed."""
    if any(isinstance(value, str) and "\0" in value for value in lookup.values()):
        raise Http404  # no row is called so, and the database would not even look
    row: Model | None = rows.filter(**lookup).first()
    if row is None:
        raise Http404
    return row
