"""Getting in and out, first sign-in by invitation, and choosing on whose behalf one acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate, login, logout, password_validation
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters

from iom import clock, invitations
from iom.forms import SaneForm
from iom.middleware import SESSION_BEGAN, SESSION_MEMBERSHIP
from iom.models import Role
from iom.pages import PUBLIC, SIGNED_IN, page


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
    password = forms.CharField(
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password"},
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user = None

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if {"email", "password"} <= data.keys():
            self.user = authenticate(self.request, username=data["email"], password=data["password"])
            if self.user is None:
                raise ValidationError("Your email or password is not right")
        return data


class NewPasswordForm(SaneForm):
    """Name and first password of an invited person (security.md A2)."""

    name = forms.CharField(
        label="Your full name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Enter your full name"},
    )
    password = forms.CharField(
        label="Choose a password",
        strip=False,
        max_length=128,
        help_text="12 characters or more. Three random words work well. Spaces are allowed.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Choose a password"},
    )

    def __init__(self, invitation: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if password := data.get("password"):
            person = invitations.account_of(self.invitation, name=data.get("name", ""))
            shortest = 15 if set(self.invitation.roles) & {Role.COORDINATOR, Role.SCHEME_ADMIN} else 12
            if len(password) < shortest:
                self.add_error("password", f"The password must be {shortest} characters or more")
            else:
                try:
                    password_validation.validate_password(password, person)
                except ValidationError as error:
                    self.add_error("password", error)
        return data


def own_path(request: HttpRequest, wanted: str) -> str:
    """`wanted` if it leads to a page of ours, else the home page (security.md H3)."""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return "/"


def _enter(request: HttpRequest, user: Any) -> None:
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[SESSION_BEGAN] = clock.now().timestamp()


@page(PUBLIC, methods=("GET", "POST"))
@sensitive_post_parameters()
def sign_in(request: HttpRequest) -> HttpResponse:
    """ux.md 4.1. `next` is kept, so that a link in an e-mail lands on its page."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    if request.user.is_authenticated and request.method == "GET":
        return redirect(own_path(request, wanted))
    form = SignInForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        _enter(request, form.user)
        return redirect(own_path(request, wanted))
    return render(request, "iom/sign_in.html", {"form": form, "next": wanted})


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
        return render(request, "iom/link_cannot_be_used.html", status=410)
    if invitations.has_account(invitation):
        if request.method == "POST":
            invitations.accept(invitation, name="", password=None)
            return redirect("sign_in")
        return render(request, "iom/invited_again.html", {"invitation": invitation})
    form = NewPasswordForm(invitation, request.POST or None, initial={"name": invitation.name})
    if request.method == "POST" and form.is_valid():
        user = invitations.accept(invitation, **form.cleaned_data)
        logout(request)
        _enter(request, user)
        return redirect("home")
    return render(request, "iom/invited.html", {"form": form, "invitation": invitation})


@page(SIGNED_IN, methods=("GET", "POST"))
def choose_membership(request: HttpRequest) -> HttpResponse:
    """On whose behalf one acts: one scheme and one agency at a time, changed by POST (security.md Z2)."""
    if request.method == "POST":
        chosen = next((m for m in request.memberships if str(m.pk) == request.POST.get("membership")), None)
        if chosen is not None:
            request.session[SESSION_MEMBERSHIP] = chosen.pk
            return redirect(own_path(request, request.POST.get("next", "/")))
    return render(request, "iom/choose_membership.html", {"memberships": request.memberships})
