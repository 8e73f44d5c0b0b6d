"""A code typed within the last five minutes, before the weighty acts (security.md M5).

A view made with `@page(…, fresh=True)` is reached by a POST only when a code was typed a short while ago. Otherwise the
answer is a page that asks for one and carries all that was sent; with the right code the same request goes on, and does
its work once. In the demonstration the password takes the place of the code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import audit, clock, held, second_factor
from iom.forms import SaneForm
from iom.sessions import CODE_AT

FIELD = "fresh_code"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OURS = frozenset({"csrfmiddlewaretoken", FIELD})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why what was typed is not taken; `retry_after` in seconds when there were too many tries."""

    words: str
    retry_after: int = 0


class CodeForm(SaneForm):
    """One field, for the code of the app, or for the password in the demonstration."""

    fresh_code = forms.CharField(
        label="Security code",
        required=False,
        help_text="6 digits from your authenticator app.",
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "spellcheck": "false", "autofocus": True}
        ),
    )

    def __init__(self, *args: Any, by_password: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if by_password:
            self.fields[FIELD] = forms.CharField(
                label="Your password", required=False, widget=forms.PasswordInput(attrs={"autofocus": True})
            )


def is_fresh(request: HttpRequest) -> bool:
    """Whether a code was typed in this session within the last five minutes."""
    typed = request.session.get(CODE_AT)
    return typed is not None and clock.now().timestamp() - typed < settings.FRESH_CODE_SECONDS


def required(request: HttpRequest) -> HttpResponse | None:
    """The page that asks for a code, carrying what was sent; None when there is no need to ask."""
    if is_fresh(request):
        return None
    # This answer is not the end of it: the same form comes again, with the code.
    request.form_not_done = True
    problem = getattr(request, "fresh_problem", None)
    if request.headers.get("HX-Request") == "true" or request.headers.get("X-Autosave") == "1":
        return JsonResponse({"message": "Enter your security code first. Load the page again."}, status=428)
    if request.method not in UNSAFE:
        return redirect(f"{reverse('fresh_code')}?{urlencode({'next': request.get_full_path()}, safe='/')}")
    if request.FILES:
        # A file cannot be put into a page: the code first, then the form with the file once more.
        behind = held.page_behind(request) or "/"
        return redirect(f"{reverse('fresh_code')}?{urlencode({'next': behind}, safe='/')}")
    fields = [(name, value) for name, values in request.POST.lists() if name not in _OURS for value in values]
    return ask(request, problem, action=request.get_full_path(), fields=fields)


def ask(
    request: HttpRequest, problem: Problem | None, *, action: str, fields: list[tuple[str, str]], wanted: str = ""
) -> HttpResponse:
    """The page with one field, for the code, or for the password in the demonstration."""
    by_password = not second_factor.needed(request)
    context = {
        "form": _form(problem, by_password=by_password),
        "action": action,
        "fields": fields,
        "has_key": any(name == "form_key" for name, _ in fields),
        "by_password": by_password,
        "minutes": settings.FRESH_CODE_SECONDS // 60,
        "back": wanted or held.page_behind(request) or "/",
    }
    waits = problem is not None and problem.retry_after > 0
    response = render(request, "iom/fresh_code.html", context, status=429 if waits else 200)
    if waits:
        response["Retry-After"] = str(problem.retry_after)
    return response


def _form(problem: Problem | None, *, by_password: bool) -> CodeForm:
    form = CodeForm({} if problem else None, by_password=by_password)
    if problem:
        form.errors.clear()
        form.add_error(FIELD, problem.words)
    return form


class TakesCode:
    """Judges a code that comes with a form, before the request's transaction begins: a wrong one stays counted.

    What goes on to the view is the form without the code.
    """

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and request.user.is_authenticated and FIELD in request.POST:
            fields = request.POST.copy()
            typed = fields.pop(FIELD)[-1]
            fields._mutable = False
            request.POST = fields
            if not is_fresh(request):
                request.fresh_problem = _prove(request, typed)
        return self.respond(request)


def _prove(request: HttpRequest, typed: str) -> Problem | None:
    problem = _judge(request, typed)
    audit.account("fresh_code", request.user, outcome="refused" if problem else "done")
    if problem is None:
        mark(request)
    return problem


def mark(request: HttpRequest) -> None:
    """A code was typed just now: the session goes on under a new id (security.md S1)."""
    request.session.cycle_key()
    request.session[CODE_AT] = clock.now().timestamp()


def _judge(request: HttpRequest, typed: str) -> Problem | None:
    if not second_factor.needed(request):
        if not typed:
            return Problem("Enter your password")
        return None if request.user.check_password(typed) else Problem("Your password is not right")
    if not typed.strip():
        return Problem("Enter your security code")
    verdict = second_factor.verify(request.user, typed)
    return None if verdict.ok else Problem(verdict.words, verdict.retry_after)
