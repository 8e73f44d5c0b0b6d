"""One's own account: where one is signed in, what is kept for one, a code asked for in between."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import fresh, held, second_factor, sessions, walls
from iom.accounts import choose_single_keys
from iom.models import Role
from iom.pages import PUBLIC, SIGNED_IN, found, page
from iom.views import errors
from iom.views.signing_in import own_path


@page(SIGNED_IN)
def account(request: HttpRequest) -> HttpResponse:
    """Who one is here, for whom one acts, and what one sent while signed out (ux.md 4.1)."""
    return render(
        request,
        "iom/account/account.html",
        {
            "memberships": walls.agencies_of(request.memberships),
            "role_names": dict(Role.choices),
            "kept": [(each, held.ends_at(each)) for each in held.waiting_for(request.user)],
        },
    )


@page(SIGNED_IN, methods=("POST",))
def choose_keys(request: HttpRequest) -> HttpResponse:
    """Turn the single keys of the live meeting on or off (WCAG 2.1.4): they are off until somebody asks for them."""
    on = request.POST.get("single_keys") == "on"
    choose_single_keys(request.user, on=on)
    messages.success(request, f"Single keys are {'on' if on else 'off'}")
    return redirect("account")


@page(SIGNED_IN, methods=("GET", "POST"))
def own_sessions(request: HttpRequest) -> HttpResponse:
    """Where one is signed in; each can be ended, or all but this one (security.md S4)."""
    mine = sessions.of(request.user)
    here = request.session.session_key
    if request.method == "POST":
        return _end_own(request, mine, here)
    rows = [(session, sessions.handle(session), session.pk == here) for session in mine]
    return render(request, "iom/account/sessions.html", {"rows": rows, "others": len(rows) > 1})


def _end_own(request: HttpRequest, mine: list[sessions.Session], here: str) -> HttpResponse:
    wanted = request.POST.get("session", "")
    if wanted == "others":
        sessions.end_all(request.user, but=here, why="by_self")
        messages.success(request, "You are signed out everywhere else")
        return redirect("own_sessions")
    session = next((each for each in mine if sessions.handle(each) == wanted), None)
    if session is None:
        messages.info(request, "That sign-in had ended already")
    elif session.pk == here:
        return signed_out(request)
    else:
        sessions.end(session, "by_self")
        messages.success(request, f"{session.browser} is signed out")
    return redirect("own_sessions")


def signed_out(request: HttpRequest) -> HttpResponse:
    """End this session, and ask the browser to forget what it kept (security.md S4)."""
    logout(request)
    response = redirect("sign_in")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@page(PUBLIC, kind="poll")
def session_state(request: HttpRequest) -> HttpResponse:
    """Tell a script who is signed in, code and all, and the token for the forms that stand on its page."""
    if not request.user.is_authenticated or second_factor.waits(request):
        return JsonResponse({"person": None})
    return JsonResponse({"person": request.user.pk, "token": get_token(request)})


@page(SIGNED_IN, methods=("GET", "POST"))
def fresh_code(request: HttpRequest) -> HttpResponse:
    """Ask for a code, then lead on to `next`: for pages, and for forms with a file."""
    wanted = own_path(request, request.POST.get("next") or request.GET.get("next") or "/")
    problem = getattr(request, "fresh_problem", None)
    if fresh.is_fresh(request):
        return redirect(wanted)
    return fresh.ask(request, problem, action=reverse("fresh_code"), fields=[("next", wanted)], wanted=wanted)


@page(SIGNED_IN)
def carry_on(request: HttpRequest, number: UUID) -> HttpResponse:
    """After signing in again: what was typed, to be sent once. There is nothing here for anybody else."""
    kept = held.waiting_for(request.user).filter(pk=number).first()
    if kept is None:
        return redirect("home")
    return held.offer(request, kept)


@page(SIGNED_IN, methods=("POST",))
def throw_away(request: HttpRequest, number: UUID) -> HttpResponse:
    """Forget what is kept."""
    found(held.waiting_for(request.user), pk=number).delete()
    messages.success(request, "What you typed is deleted")
    return redirect("home")


def not_proven(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is not right: nothing was done, and a signed-in person's text is kept (security.md H3)."""
    return held.not_proven(request) or errors.csrf_failure(request, reason)
