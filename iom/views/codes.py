"""Between the password and the first page: the security code, its set-up, recovery codes, passkeys (ux.md 4.1)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from iom import second_factor
from iom.forms import CleanCharField, SaneForm
from iom.pages import PUBLIC, SIGNED_IN, page
from iom.second_factor import Outcome, Verdict, authenticator, codes, devices, passkeys
from iom.second_factor.required import way_in
from iom.views.signing_in import own_path, wait


class CodeForm(SaneForm):
    """Six figures from the app. Blanks are ignored; what else is wrong is judged as a wrong code."""

    code = CleanCharField(
        label="Security code",
        help_text="The 6 figures that your app shows for IOM Panel.",
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "spellcheck": "false"}),
        error_messages={"required": "Enter the 6 figures that your app shows"},
    )


class SignInCodeForm(CodeForm):
    """The code at sign-in, and whether this browser is to be remembered (security.md M6)."""

    remember = forms.BooleanField(
        label="Remember this device for 12 hours",
        required=False,
        help_text="Not on a computer that others use.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # The page asks this one thing: typing begins at once.
        self.fields["code"].widget.attrs["autofocus"] = True


class RecoveryCodeForm(SaneForm):
    """One of the eight codes kept for the day the phone is lost."""

    code = CleanCharField(
        label="Recovery code",
        help_text="For example, ABCD-EFGH-JKLM. Each one works once.",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
        error_messages={"required": "Enter one of your recovery codes"},
    )


def wanted_page(request: HttpRequest) -> str:
    """Where the person was going when they were asked to sign in."""
    return own_path(request, request.POST.get("next") or request.GET.get("next") or "/")


def _elsewhere(request: HttpRequest) -> HttpResponse | None:
    """For whom this page is not: nobody, or somebody who needs no code any more or has none yet."""
    wanted = wanted_page(request)
    if not request.user.is_authenticated:
        return redirect("sign_in")
    if not second_factor.waits(request):
        return redirect(wanted)
    return None if second_factor.is_set_up(request.user) else redirect(way_in(request, wanted))


@page(PUBLIC, methods=("GET", "POST"))
@sensitive_post_parameters()
def code(request: HttpRequest) -> HttpResponse:
    """The code of the app, or a passkey where there is one."""
    if elsewhere := _elsewhere(request):
        return elsewhere
    form = SignInCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        verdict = second_factor.verify(request.user, form.cleaned_data["code"])
        if verdict.ok:
            return _enter(request, remember=form.cleaned_data["remember"])
        return _refuse(request, verdict, form) or _code_page(request, form)
    return _code_page(request, form)


def _code_page(request: HttpRequest, form: SaneForm) -> HttpResponse:
    context = {
        "form": form,
        "next": wanted_page(request),
        "has_passkey": request.user.passkeys.exists(),
        "may_be_remembered": devices.may_be_remembered(request.user),
    }
    return render(request, "iom/sign_in_code.html", context)


def _enter(request: HttpRequest, *, remember: bool = False) -> HttpResponse:
    wanted = wanted_page(request)
    second_factor.mark_verified(request)
    response = redirect(wanted)
    if remember:
        devices.remember(request, response, request.user)
    return response


def _refuse(request: HttpRequest, verdict: Verdict, form: SaneForm) -> HttpResponse | None:
    """The words beside the field, or the page that says how long to wait."""
    if verdict.outcome is Outcome.THROTTLED:
        return wait(request, verdict.retry_after)
    form.add_error("code", verdict.words)
    return None


@page(PUBLIC, methods=("GET", "POST"))
@sensitive_post_parameters()
def recovery_code(request: HttpRequest) -> HttpResponse:
    """Sign in with one of the recovery codes."""
    if elsewhere := _elsewhere(request):
        return elsewhere
    form = RecoveryCodeForm(request.POST or None)
    context = {"form": form, "next": wanted_page(request)}
    if request.method == "POST" and form.is_valid():
        verdict = second_factor.verify(request.user, form.cleaned_data["code"])
        if verdict.ok:
            left = request.user.recovery_codes.filter(used_at=None).count()
            messages.info(request, _how_many_left(left))
            return _enter(request)
        return _refuse(request, verdict, form) or render(request, "iom/sign_in_recovery.html", context)
    return render(request, "iom/sign_in_recovery.html", context)


def _how_many_left(left: int) -> str:
    if left == 0:
        return "That was your last recovery code. Make new ones on the page “Signing in” of your account."
    return f"That recovery code is spent. You have {left} left."


@page(PUBLIC)
def lost_phone(request: HttpRequest) -> HttpResponse:
    """Whom to ring. Names stand here only for somebody whose password was right."""
    people = authenticator.who_resets(request.user) if request.user.is_authenticated else []
    return render(request, "iom/lost_phone.html", {"people": people})


# --- Set-up -----------------------------------------------------------------------------


@page(PUBLIC, methods=("GET", "POST"))
@sensitive_post_parameters()
def set_up_code(request: HttpRequest) -> HttpResponse:
    """Set up the app: square code and typed key, then one right code. There is no way past it (security.md M1)."""
    if elsewhere := _not_setting_up(request):
        return elsewhere
    secret = authenticator.pending(request)
    if secret is None:
        if request.method == "POST":
            authenticator.begin(request)
            return redirect(f"{reverse('set_up_code')}?{request.GET.urlencode()}")
        return render(request, "iom/set_up_code_start.html", {})
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        verdict = authenticator.confirm(request, form.cleaned_data["code"])
        if verdict.ok:
            request.session["wanted"] = wanted_page(request)
            return redirect("recovery_codes")
        if refused := _refuse(request, verdict, form):
            return refused
    context = {"form": form, "next": wanted_page(request), "key": codes.in_fours(secret), "account": request.user.email}
    return render(request, "iom/set_up_code.html", context)


def _not_setting_up(request: HttpRequest) -> HttpResponse | None:
    if not request.user.is_authenticated:
        return redirect("sign_in")
    if not second_factor.needed(request):
        return redirect(wanted_page(request))
    if not second_factor.is_set_up(request.user):
        return None
    # An app is there: only who has shown it, and has asked for a new one, sets up another.
    if second_factor.waits(request):
        return redirect(way_in(request, wanted_page(request)))
    return None if authenticator.pending(request) else redirect("account_security")


@page(PUBLIC)
def set_up_square(request: HttpRequest) -> HttpResponse:
    """The square code, a picture with an address of its own (security.md H1)."""
    secret = authenticator.pending(request) if request.user.is_authenticated else None
    if secret is None or _not_setting_up(request):
        raise Http404
    return HttpResponse(authenticator.drawing(request.user, secret), content_type="image/svg+xml")


@page(SIGNED_IN, methods=("GET", "POST"))
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """The eight recovery codes, until the person says that they have them."""
    shown = authenticator.codes_to_show(request)
    if request.method == "POST" or not shown:
        authenticator.put_away(request)
        return redirect(own_path(request, request.session.pop("wanted", "/")))
    return render(request, "iom/recovery_codes.html", {"codes": shown})


# --- Passkeys ---------------------------------------------------------------------------


@page(PUBLIC, methods=("POST",))
def passkey_question(request: HttpRequest) -> HttpResponse:
    """What the browser needs to show a passkey at sign-in."""
    if _elsewhere(request) or not request.user.passkeys.exists():
        raise Http404
    return JsonResponse(passkeys.begin_asking(request))


@page(PUBLIC, methods=("POST",))
def passkey(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey in place of the code."""
    if elsewhere := _elsewhere(request):
        return elsewhere
    verdict = passkeys.verify(request, request.POST.get("credential", ""))
    if verdict.ok:
        return _enter(request, remember=request.POST.get("remember") == "on")
    if verdict.outcome is Outcome.THROTTLED:
        return wait(request, verdict.retry_after)
    form: Any = SignInCodeForm({"code": ""})
    form.errors.clear()
    form.add_error("code", "The passkey was not accepted. Try again, or enter the code that your app shows")
    return _code_page(request, form)
