"""A forgotten password, and changing one's own (ux.md 4.1)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters

from iom import passwords, resetting, signing_in, throttle
from iom.addresses import client_address
from iom.forms import EmailField, SaneForm
from iom.models import User
from iom.pages import PUBLIC, SIGNED_IN, page
from iom.views.signing_in import cannot_be_used, wait


class AskForm(SaneForm):
    """Whose password is forgotten."""

    email = EmailField(
        label="Email address",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"}),
        error_messages={"required": "Enter your email address"},
    )


class NewPasswordForm(SaneForm):
    """A new password for an account that is there (security.md A2)."""

    new_password = passwords.PasswordField(
        new=True, label="New password", error_messages={"required": "Choose a new password"}
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.holder = passwords.holder(user)
        self.fields["new_password"].help_text = passwords.help_text(self.holder.shortest)

    def clean_new_password(self) -> str:
        password = self.cleaned_data["new_password"]
        if problems := passwords.problems(password, self.holder):
            raise forms.ValidationError(problems)
        return password


class ChangeForm(NewPasswordForm):
    """The present password first: an open browser is not enough."""

    field_order = ("password", "new_password")
    password = passwords.PasswordField(
        label="Your password now", error_messages={"required": "Enter the password that you have now"}
    )


@page(PUBLIC, methods=("GET", "POST"))
def reset_ask(request: HttpRequest) -> HttpResponse:
    """Ask for a reset link. The answer is the same whoever asks (security.md A3)."""
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        attempt = throttle.begin(
            throttle.Counter("reset", (email.upper(),)),
            throttle.Counter("resets from address", (client_address(request),)),
        )
        if attempt.is_closed:
            return wait(request, attempt.retry_after)
        resetting.ask(email)
        return redirect("reset_asked")
    return render(request, "iom/reset_ask.html", {"form": form})


@page(PUBLIC)
def reset_asked(request: HttpRequest) -> HttpResponse:
    """What happens now, for those with an account."""
    return render(request, "iom/reset_asked.html", {})


@page(PUBLIC, methods=("GET", "POST"))
@sensitive_post_parameters()
def reset(request: HttpRequest, secret: str) -> HttpResponse:
    """Choose a new password with a link. GET shows a button alone: programs that open links spend nothing (A5)."""
    found = resetting.find(secret)
    if found is None:
        return cannot_be_used(request)
    if request.method != "POST":
        return render(request, "iom/reset_start.html", {})
    form = NewPasswordForm(found.user, request.POST if "new_password" in request.POST else None)
    if form.is_valid():
        if not resetting.use(secret, form.cleaned_data["new_password"]):
            return cannot_be_used(request)
        messages.success(request, "Your password is changed. Sign in with the new one.")
        return redirect("sign_in")
    return render(request, "iom/reset.html", {"form": form})


@page(SIGNED_IN, methods=("GET", "POST"))
@sensitive_post_parameters()
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password. Wrong present passwords are counted as at sign-in (security.md A4)."""
    user = request.user
    form = ChangeForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = signing_in.is_own_password(request, form.cleaned_data["password"])
        if answer.retry_after:
            return wait(request, answer.retry_after)
        if answer.user is not None:
            passwords.change(
                user, form.cleaned_data["new_password"], verb="password_changed", but=request.session.session_key
            )
            update_session_auth_hash(request, user)
            messages.success(request, "Your password is changed. Other browsers are signed out.")
            return redirect("account_security")
        form.add_error("password", "That is not your password")
    return render(request, "iom/account/password.html", {"form": form})
