"""What happens around every request."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from auditlog.context import set_actor
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom import audit, clock, logs, second_factor, stale, walls
from iom.access import Actor, actor_for
from iom.forms import bound_forms
from iom.models import Membership
from iom.pages import Interruption
from iom.steps import Stale, StepRefused

log = logging.getLogger("iom.request")
Respond = Callable[[HttpRequest], HttpResponse]

SESSION_MEMBERSHIP = "membership"


class RequestId:
    """Gives each request a number that stands in its log line, its audit events and its error page."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid.uuid4().hex[:12]
        audit.request_id.set(request.id)
        logs.request_id.set(request.id)
        began = time.perf_counter()
        response = self.respond(request)
        response["X-Request-ID"] = request.id
        match = getattr(request, "resolver_match", None)
        actor = getattr(request, "actor", None)
        log.info(
            "request",
            extra={
                "route": match.view_name if match else "",
                "method": request.method,
                "status": response.status_code,
                "ms": round((time.perf_counter() - began) * 1000, 1),
                "user_id": actor.user.pk if actor and actor.user else None,
                "scheme_id": actor.scheme.pk if actor else None,
            },
        )
        return response


# Everything a browser lets pages use is off, but for passkeys and the copying of recovery codes (security.md H2).
FEATURES_OFF = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "keyboard-map",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)
FEATURES_OWN = ("publickey-credentials-get", "publickey-credentials-create", "clipboard-write")
PERMISSIONS_POLICY = ", ".join([*(f"{name}=()" for name in FEATURES_OFF), *(f"{name}=(self)" for name in FEATURES_OWN)])


class Headers:
    """Headers that Django has no setting for (security.md H2). Nothing but static files is kept by a browser."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.respond(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        response["Cache-Control"] = "no-store"
        return response


class WhoActs:
    """Makes the `Actor`: the signed-in person, acting for one agency in one scheme (design.md 2).

    The rights are read afresh for each request, so a lost role takes effect at once (security.md S3).
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = None
        request.memberships = []
        if not request.user.is_authenticated or second_factor.waits(request):
            return self.respond(request)
        request.memberships = self._memberships(request)
        request.actor = self._actor(request)
        if request.actor is None:
            return self.respond(request)
        with set_actor(request.user):
            return self._in_the_scheme_of_the_link(request) or self.respond(request)

    def _memberships(self, request: HttpRequest) -> list[Membership]:
        """What the person acts in today; as a rule that was read with their session."""
        row = request.session.row
        if row is not None and row.user_id == request.user.pk:
            return list(request.session.memberships)
        return list(Membership.objects.filter(user=request.user).acting(clock.today()))

    def _actor(self, request: HttpRequest) -> Actor | None:
        chosen = request.session.get(SESSION_MEMBERSHIP)
        mine = {membership.pk: membership for membership in request.memberships}
        membership = mine.get(chosen) or next(iter(mine.values()), None)
        return actor_for(membership) if membership else None

    def _in_the_scheme_of_the_link(self, request: HttpRequest) -> HttpResponse | None:
        """A link we sent names its scheme: someone active in another of theirs is offered the change (design.md 6)."""
        wanted = request.GET.get("in")
        if not wanted or wanted == request.actor.scheme.slug or request.method != "GET":
            return None
        others = [m for m in request.memberships if m.scheme.slug == wanted]
        if not others:
            return render(request, "errors/404.html", status=404)
        return render(
            request, "iom/other_scheme.html", {"memberships": walls.agencies_of(others), "next": request.path}
        )


class DenyByDefault:
    """A view that names no permission is not reached (security.md Z1). `iom.checks` says so before the start."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.respond(request)

    def process_view(self, request: HttpRequest, view: Callable, args: Any, kwargs: Any) -> None:
        if not hasattr(view, "permission"):
            raise ImproperlyConfigured(f"{view.__module__}.{view.__qualname__} names no permission")


class PlainRefusals:
    """Turns a refused step and a stale version into pages with a way on, when a view has no form to show them in.

    A form without the version that its reader saw is a bad request, whatever the view makes of it (security.md C1).
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return self.respond(request)
        forms = bound_forms.set([])
        try:
            response = self.respond(request)
            if response.status_code in (200, 422) and stale.lacks_version():
                response.status_code = 400
        finally:
            bound_forms.reset(forms)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, StepRefused):
            return render(request, "errors/refused.html", {"problems": error.problems}, status=409)
        if isinstance(error, Stale):
            return stale.page(request, error)
        if isinstance(error, stale.MissingVersion):
            return stale.no_version(request)
        if isinstance(error, Interruption) and request.method in ("GET", "HEAD"):
            return render(request, error.template, error.context)
        return None
