"""How one signs in: password, app, recovery codes, passkeys, remembered devices (`/account/security/`)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from iom import clock, second_factor
from iom.forms import CleanCharField, SaneForm
from iom.pages import SIGNED_IN, found, page
from iom.second_factor import authenticator, devices, passkeys


class PasskeyForm(SaneForm):
    """What to call a new passkey; the browser's answer is put in by the script."""

    name = CleanCharField(
        label="Name of the passkey",
        max_length=60,
        help_text="So that you know it again. For example, work laptop.",
        error_messages={"required": "Enter a name for the passkey"},
    )
    credential = forms.CharField(widget=forms.HiddenInput, required=False, max_length=20_000)


@page(SIGNED_IN)
def security(request: HttpRequest) -> HttpResponse:
    """Everything that lets this person in, and the way to change it."""
    user = request.user
    context = {
        "codes_needed": second_factor.needed(request),
        "factor": authenticator.app_of(user),
        "recovery_codes_left": user.recovery_codes.filter(used_at=None).count(),
        "passkeys": list(user.passkeys.all()),
        "devices": user.remembered_devices.filter(ends_at__gt=clock.now()).count(),
    }
    return render(request, "iom/account/security.html", context)


@page(SIGNED_IN, methods=("POST",), fresh=True)
def new_app(request: HttpRequest) -> HttpResponse:
    """Set up the app anew, on a new phone: the old one works until the new one has shown a right code."""
    authenticator.begin(request)
    request.session["wanted"] = "/account/security/"
    return redirect("set_up_code")


@page(SIGNED_IN, methods=("POST",), fresh=True)
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Eight new recovery codes; the old ones end."""
    authenticator.show_new_recovery_codes(request)
    authenticator.changed(request, "recovery_codes_made")
    request.session["wanted"] = "/account/security/"
    return redirect("recovery_codes")


@page(SIGNED_IN, methods=("POST",), fresh=True)
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What the browser needs to make a passkey."""
    return JsonResponse(passkeys.begin_adding(request))


@page(SIGNED_IN, methods=("GET", "POST"), fresh=True)
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Name a passkey, have the browser make it, keep it."""
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            passkeys.add(request, form.cleaned_data["credential"], form.cleaned_data["name"])
        except passkeys.NotAccepted:
            form.add_error("name", "The passkey could not be added. Try again")
        else:
            authenticator.changed(request, "passkey_added")
            messages.success(request, "Passkey added. You can use it in place of the code when you sign in.")
            return redirect("account_security")
    return render(request, "iom/account/passkey.html", {"form": form})


@page(SIGNED_IN, methods=("POST",), fresh=True)
def remove_passkey(request: HttpRequest, number: int) -> HttpResponse:
    """Take away a passkey of one's own; the app stays."""
    found(request.user.passkeys.all(), pk=number).delete()
    authenticator.changed(request, "passkey_removed")
    messages.success(request, "Passkey removed.")
    return redirect("account_security")


@page(SIGNED_IN, methods=("POST",))
def forget_devices(request: HttpRequest) -> HttpResponse:
    """Ask for the code everywhere again."""
    devices.forget_all(request.user)
    messages.success(request, "Every device will be asked for the code again.")
    return redirect("account_security")
