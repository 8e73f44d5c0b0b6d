"""Getting in and out, first sign-in by invitation, and choosing on whose behalf one acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters

from iom import addresses, invitations, passwords, signing_in, throttle, walls
from iom.forms import CleanCharField, SaneForm
from iom.middleware import SESSION_MEMBERSHIP
from iom.pages import PUBLIC, SIGNED_IN, page
from iom.second_factor.required import way_in


class SignInForm(SaneForm):
    """One message for unknown, wrong, disabled and waiting accounts (security.md A3)."""

    email = forms.EmailField(
        label="Email address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your email address",
            "invalid": "Enter an email address like name@example.org",
        },
    )
    password = passwords.PasswordField(error_messages={"required": "Enter your password"})

    def refuse(self) -> None:
        """Say that it did not work, and nothing of why."""
        self.add_error(None, ValidationError("Your email or password is not right"))


class FirstPasswordForm(SaneForm):
    """Name and first password of an invited person (security.md A2)."""

    name = CleanCharField(
        label="Your full name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Enter your full name"},
    )
    password = passwords.PasswordField(
        new=True, label="Choose a password", error_messages={"required": "Choose a password"}
    )

    def __init__(self, invitation: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation
        self.fields["password"].help_text = passwords.help_text(passwords.invited_holder(invitation, "").shortest)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if password := data.get("password"):
            holder = passwords.invited_holder(self.invitation, data.get("name", ""))
            for problem in passwords.problems(password, holder):
                self.add_error("password", problem)
        return data


def own_path(request: HttpRequest, wanted: str) -> str:
    """`wanted` if it leads to a page of ours, else the home page (security.md H3)."""
    return addresses.own_path(wanted)


def wait(request: HttpRequest, seconds: int) -> HttpResponse:
    """Too many tries: the time in words, and for machines (security.md A4, M3)."""
    response = render(request, "errors/429.html", {"wait": throttle.in_words(seconds)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


@page(PUBLIC, methods=("GET", "POST"))
@sensitive_post_parameters()
def sign_in(request: HttpRequest) -> HttpResponse:
    """ux.md 4.1. `next` is kept, so that a link in an e-mail lands on its page."""
    wanted = own_path(request, request.POST.get("next") or request.GET.get("next") or "/")
    if request.user.is_authenticated and request.method == "GET":
        return redirect(way_in(request, wanted))
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _try(request, form, wanted)
    return _sign_in_page(request, form, wanted)


def _sign_in_page(request: HttpRequest, form: SignInForm, wanted: str) -> HttpResponse:
    return render(request, "iom/sign_in.html", {"form": form, "next": wanted})


def _try(request: HttpRequest, form: SignInForm, wanted: str) -> HttpResponse:
    answer = signing_in.try_password(request, form.cleaned_data["email"], form.cleaned_data["password"])
    if answer.retry_after:
        return wait(request, answer.retry_after)
    if answer.user is None:
        form.refuse()
        return _sign_in_page(request, form, wanted)
    signing_in.enter(request, answer.user, answer.device)
    return redirect(way_in(request, wanted))


@page(PUBLIC, methods=("POST",))
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session and asks the browser to forget what it kept (security.md S4)."""
    logout(request)
    response = redirect("sign_in")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@page(PUBLIC, methods=("GET", "POST"))
@sensitive_post_parameters()
def invited(request: HttpRequest, secret: str) -> HttpResponse:
    """First sign-in. Opening the link spends nothing; only a password that is taken does (security.md A1)."""
    invitation = invitations.find(secret)
    if invitation is None:
        return cannot_be_used(request)
    if invitations.has_account(invitation):
        if request.method == "POST":
            if invitations.accept(invitation, name="", password=None) is None:
                return cannot_be_used(request)
            return redirect("sign_in")
        return render(request, "iom/invited_again.html", {"invitation": invitation})
    form = FirstPasswordForm(invitation, request.POST or None, initial={"name": invitation.name})
    if request.method == "POST" and form.is_valid():
        user = invitations.accept(invitation, **form.cleaned_data)
        if user is None:
            return cannot_be_used(request)
        logout(request)
        signing_in.enter(request, user)
        return redirect(way_in(request, "/"))
    return render(request, "iom/invited.html", {"form": form, "invitation": invitation})


def cannot_be_used(request: HttpRequest) -> HttpResponse:
    """One page for every link that is spent, expired or altered (security.md A1, A5)."""
    return render(request, "iom/link_cannot_be_used.html", status=410)


@page(SIGNED_IN, methods=("GET", "POST"))
def choose_membership(request: HttpRequest) -> HttpResponse:
    """On whose behalf one acts: one scheme and one agency at a time, changed by POST (security.md Z2)."""
    if request.method == "POST":
        chosen = next((m for m in request.memberships if str(m.pk) == request.POST.get("membership")), None)
        if chosen is not None:
            request.session[SESSION_MEMBERSHIP] = chosen.pk
            return redirect(own_path(request, request.POST.get("next", "/")))
    return render(request, "iom/choose_membership.html", {"memberships": walls.agencies_of(request.memberships)})
