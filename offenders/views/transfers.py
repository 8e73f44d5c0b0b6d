"""Transfers and liaison with other areas (ux.md 4.5; Merton, Catchment area)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import clock
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import likeness, sharing, transfers
from offenders.case_pages import case_page, find_case
from offenders.forms.transfers import (
    AcceptForm,
    BeginForm,
    DeclineForm,
    EndForm,
    IncomingForm,
    MoreForm,
    ToldForm,
)
from offenders.models import LIAISON, Case, Offender, Transfer, TransferStatus

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.likeness import Alike

TABS = (("incoming", "Incoming"), ("outgoing", "Outgoing"), ("liaison", "Liaison"), ("over", "Over"))
EMPTY = {
    "incoming": "No other scheme waits for an answer from us.",
    "outgoing": "We wait for no other scheme.",
    "liaison": "We are in touch with no other scheme about anybody.",
    "over": "Nothing has been declined or has ended.",
}


@page("offenders.list_transfers")
def transfer_list(request: HttpRequest) -> HttpResponse:
    """What other schemes ask of us, what we ask of them, and with whom we are in touch, the longest first."""
    rows = list(
        Transfer.objects.visible_to(request.actor)
        .select_related("offender", "case", "other_scheme")
        .prefetch_related("shares")
        .order_by("opened_on", "pk")
    )
    today = clock.today()
    by_tab: dict[str, list[dict[str, Any]]] = {name: [] for name, _ in TABS}
    for row in rows:
        by_tab[_tab(row)].append({"transfer": row, "days": (today - row.opened_on).days})
    by_tab["over"].reverse()
    show = request.GET.get("show", "")
    if show not in by_tab:
        show = next((name for name, _ in TABS if by_tab[name]), "incoming")
    context = {
        "tabs": [
            {"text": text, "href": f"?show={name}", "current": name == show, "count": len(by_tab[name])}
            for name, text in TABS
        ],
        "show": show,
        "rows": by_tab[show],
        "empty_words": EMPTY[show],
        "policy": request.actor.scheme.policy.transfers,
    }
    return render(request, "offenders/transfers.html", context)


def _tab(transfer: Transfer) -> str:
    if transfer.status == TransferStatus.WAITING:
        return "incoming" if transfer.incoming else "outgoing"
    if transfer.status == TransferStatus.ACCEPTED and transfer.kind in LIAISON:
        return "liaison"
    return "over"


# --- To another scheme ----------------------------------------------------------


@page("offenders.transfer_case", methods=("GET", "POST"))
def case_transfer(request: HttpRequest, reference: str) -> HttpResponse:
    """What is between us and other schemes about a person, and turning to another one, fact by fact."""
    case = find_case(request.actor, reference)
    may_tell = request.actor.can("offenders.transfer_case", case) and case.status != "closed"
    if request.method == "POST" and not may_tell:
        raise PermissionDenied
    form = _begin_form(request, case) if may_tell else None
    if request.method == "POST" and form.is_valid():
        try:
            transfer = _begin(request.actor, case, form)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Transfer {transfer.reference}: shared with {transfer.other_name}")
            return redirect(transfer)
    context = case_page(request, case, "case_transfer") | {
        "form": form,
        "between": Transfer.objects.visible_to(request.actor).filter(case=case).select_related("other_scheme"),
        "policy": case.scheme.policy.transfers,
    }
    return render(request, "offenders/case_transfer.html", context)


def _begin_form(request: HttpRequest, case: Case) -> BeginForm:
    return BeginForm(
        transfers.kinds_offered(case.scheme),
        transfers.other_schemes(case.scheme),
        sharing.facts_of(request.actor, case.offender, case),
        request.POST if request.method == "POST" else None,
    )


def _begin(actor: Actor, case: Case, form: BeginForm) -> Transfer:
    given = form.cleaned_data
    return transfers.begin(
        case,
        by=actor,
        kind=given["kind"],
        contact=given["contact"],
        purpose=given["purpose"],
        keys=given["facts"],
        words=given["words"],
        other_scheme=form.other_scheme,
        other_name=given["other_name"],
    )


# --- From another scheme -------------------------------------------------------


@page("offenders.record_transfer", methods=("GET", "POST"))
def new_transfer(request: HttpRequest) -> HttpResponse:
    """Somebody whom another area's scheme knows has come here: the way in before a nomination."""
    actor = request.actor
    kinds = transfers.kinds_offered(actor.scheme)
    form = IncomingForm(kinds, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("kind", "other_name", "contact", "purpose", "told")}
        try:
            transfer = transfers.record_incoming(by=actor, person=form.person, **given)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, f"Transfer {transfer.reference} recorded")
            return redirect(transfer)
    return render(request, "offenders/transfer_new.html", {"form": form, "policy": actor.scheme.policy.transfers})


# --- One of them ------------------------------------------------------------


@page("offenders.view_transfers", methods=("GET", "POST"))
def transfer(request: HttpRequest, reference: str) -> HttpResponse:
    """Who, why, what was shared when and by whom; the answer, and what more can be told while it goes on."""
    thing = _find(request.actor, reference)
    may_change = request.actor.can("offenders.answer_transfer", thing)
    alike = _alike(request.actor, thing) if may_change and thing.incoming else []
    able = _forms(request, thing, alike) if may_change else {}
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        do = request.POST.get("do", "")
        if do not in able:
            raise Http404
        if able[do].is_valid():
            try:
                words = DO[do](thing, able[do], request.actor)
            except StepRefused as refused:
                able[do].add_error(None, refused.problems)
            else:
                messages.success(request, f"Transfer {thing.reference}: {words}")
                return redirect(thing)
    return render(request, "offenders/transfer.html", _context(request, thing, able, alike))


def _find(actor: Actor, reference: str) -> Transfer:
    rows = Transfer.objects.visible_to(actor).select_related("offender", "case", "other_scheme", "opened_by", "scheme")
    return found(rows.prefetch_related("shares"), reference=reference)


def _alike(actor: Actor, thing: Transfer) -> list[Alike]:
    """Whom of ours the other scheme may mean, as far as the reader may meet them."""
    if thing.offender is not None or thing.status != TransferStatus.WAITING:
        return []
    found_alike = likeness.find(actor.scheme, transfers.person_of(thing))
    people = [each.offender.pk for each in found_alike]
    seen = set(Offender.objects.visible_to(actor).filter(pk__in=people).values_list("pk", flat=True))
    return [each for each in found_alike if each.offender.pk in seen]


def _forms(request: HttpRequest, thing: Transfer, alike: list[Alike]) -> dict[str, forms.Form]:
    """The forms that stand on the page now, by what they do; the one that was posted is bound."""
    actor, able = request.actor, {}
    waits = thing.status == TransferStatus.WAITING
    version = {"version": thing.version}

    def add(do: str, form: Callable[..., forms.Form], *args: Any, **options: Any) -> None:
        data = request.POST if request.method == "POST" and request.POST.get("do") == do else None
        able[do] = form(*args, data, prefix=do, **options)

    if waits and not transfers.answered_there(thing):
        if thing.incoming:
            add("accept", AcceptForm, alike, initial=version)
        else:
            add("accepted", EndlessForm, initial=version)
        add("decline", DeclineForm, initial=version)
    if thing.is_open:
        person = thing.offender
        facts = sharing.facts_of(actor, person, thing.case) if person and thing.case else []
        add("more", MoreForm, facts)
        add("told", ToldForm)
        if thing.is_liaison or not thing.incoming:
            add("end", EndForm, initial=version)
    return able


class EndlessForm(DeclineForm):
    """That a scheme elsewhere said yes: nothing but the version is asked."""

    reason = None


def _accept(thing: Transfer, form: AcceptForm, actor: Actor) -> str:
    offender = form.people.get(form.cleaned_data["match"])
    transfers.accept(thing, by=actor, offender=offender, version=form.cleaned_data["version"])
    return "accepted"


def _accepted(thing: Transfer, form: forms.Form, actor: Actor) -> str:
    transfers.accept(thing, by=actor, version=form.cleaned_data["version"])
    return "accepted"


def _decline(thing: Transfer, form: DeclineForm, actor: Actor) -> str:
    given = form.cleaned_data
    transfers.decline(thing, by=actor, reason=given["reason"], version=given["version"])
    return "declined"


def _more(thing: Transfer, form: MoreForm, actor: Actor) -> str:
    given = form.cleaned_data
    transfers.tell_more(thing, by=actor, keys=given.get("facts", ()), words=given["words"], purpose=given["purpose"])
    return f"shared with {thing.other_name}"


def _told(thing: Transfer, form: ToldForm, actor: Actor) -> str:
    transfers.note_told(thing, by=actor, words=form.cleaned_data["words"])
    return "what they told us is kept"


def _end(thing: Transfer, form: EndForm, actor: Actor) -> str:
    transfers.end(thing, by=actor, notes=form.cleaned_data["notes"], version=form.cleaned_data["version"])
    return "ended"


DO: dict[str, Callable[[Transfer, Any, Any], str]] = {
    "accept": _accept,
    "accepted": _accepted,
    "decline": _decline,
    "more": _more,
    "told": _told,
    "end": _end,
}


def _context(request: HttpRequest, thing: Transfer, able: dict[str, forms.Form], alike: list[Alike]) -> dict[str, Any]:
    may_nominate = (
        thing.incoming
        and thing.status == TransferStatus.WAITING
        and request.actor.holds("referrals.nominate")
        and not thing.is_liaison
    )
    return {
        "transfer": thing,
        "shares": list(thing.shares.all()),
        "able": able,
        "posted": [form for form in able.values() if form.is_bound],
        "alike": alike,
        "answered_there": transfers.answered_there(thing),
        "nominate": f"{reverse('referral_new')}?transfer={thing.reference}" if may_nominate else "",
        "policy": thing.scheme.policy.transfers,
        "days": (clock.today() - thing.opened_on).days,
        "home": "transfers" if request.actor.holds("offenders.list_transfers") else "home",
    }
