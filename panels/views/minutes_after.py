"""What comes after the signature: addenda, the agencies' copies, the copy without names, words for some agencies."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import audit
from iom.fresh import is_fresh
from iom.models import Agency, Meeting
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import Stale, StepRefused
from offenders import naming
from offenders.restricted import closed_references
from panels import addenda, handing_out, pdf
from panels import minutes as verbs
from panels.canonical import fingerprint
from panels.forms.minutes import AddendumForm, CarryOutForm, MarkedForm, SignAddendumForm
from panels.models import Addendum, CopyGiven, Minutes, MinutesCopy, MinutesStatus
from panels.navigation import pages_of
from panels.record import items_of, open_to, reference_of

from .at import of_papers
from .minutes import COURSE, latest_of
from .minutes_files import signed_version

CHANGED = "This addendum was changed since you opened it. Read it again below, then sign. Nothing was signed."


# --- Addenda ----------------------------------------------------------------------


@page("panels.view_minutes", methods=("GET", "POST"))
@of_papers
def addenda_page(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """The addenda of signed minutes; the coordinator writes another."""
    minutes = signed_version(request, meeting, number)
    may_add = request.actor.can("panels.edit_minutes", minutes)
    shown = open_to(minutes.record, closed_references(request.actor))
    form = AddendumForm(shown, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_add:
            raise PermissionDenied
        _no_victim(request, meeting, form)
        if form.is_valid():
            given = form.cleaned_data
            addenda.write(
                minutes, text=given["text"], reason=given["reason"], item_number=given["item"], by=request.actor
            )
            messages.success(request, "Addendum written. The chair is asked to sign it")
            return redirect("addenda", meeting.key, number)
    context = _context(request, meeting, minutes) | {
        "signed": addenda.shown_of(minutes, shown),
        "waiting": addenda.waiting_of(minutes, shown) if may_add or _reviews(request, minutes) else [],
        "form": form if may_add else None,
        "has_error": bool(form.errors),
    }
    return render(request, "panels/addenda.html", context)


@page("panels.view_minutes", methods=("GET", "POST"), fresh=True)
@of_papers
def addendum_page(request: HttpRequest, meeting: Meeting, number: int, addendum: int) -> HttpResponse:
    """One addendum that waits: the coordinator changes it, the chair signs what they read with a fresh code."""
    minutes = signed_version(request, meeting, number)
    waits = _addendum(request, minutes, addendum)
    if request.actor.can("panels.edit_minutes", minutes):
        return _change(request, meeting, minutes, waits)
    seen = fingerprint(addenda.record_of(waits))
    form = SignAddendumForm(request.POST if request.method == "POST" else None, initial={"record_sha256": seen})
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        problems = (
            addenda.hold_back(waits, by=request.actor) if addenda.why_not_sign(waits, request.actor) is None else []
        )
        try:
            if not problems:
                addenda.sign(waits, by=request.actor, fresh=is_fresh(request), **form.cleaned_data)
                messages.success(request, f"Addendum {waits.number} signed")
                return redirect("signed_minutes", meeting.key, number)
        except Stale:
            problems = [CHANGED]
        except StepRefused as refused:
            problems = refused.problems
    if request.method == "POST":
        form.data = form.data.copy()
        form.data["record_sha256"] = seen
    context = _context(request, meeting, minutes) | {
        "addendum": waits,
        "form": form,
        "seen": seen,
        "why_not": addenda.why_not_sign(waits, request.actor),
        "problems": problems,
        "has_error": bool(problems) or bool(form.errors),
    }
    return render(request, "panels/addendum_sign.html", context)


def _change(request: HttpRequest, meeting: Meeting, minutes: Minutes, waits: Addendum) -> HttpResponse:
    shown = open_to(minutes.record, closed_references(request.actor))
    start = {"item": waits.item_number, "text": waits.text, "reason": waits.reason, "version": waits.version}
    form = AddendumForm(shown, request.POST if request.method == "POST" else None, initial=start)
    _no_victim(request, meeting, form)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        addenda.change(
            waits,
            text=given["text"],
            reason=given["reason"],
            item_number=given["item"],
            by=request.actor,
            version=version_of(request.POST),
        )
        messages.success(request, "Addendum changed")
        return redirect("addenda", meeting.key, minutes.number)
    context = _context(request, meeting, minutes) | {"addendum": waits, "form": form, "has_error": bool(form.errors)}
    return render(request, "panels/addendum_change.html", context)


@page("panels.edit_minutes", methods=("POST",))
@of_papers
def withdraw_addendum(request: HttpRequest, meeting: Meeting, number: int, addendum: int) -> HttpResponse:
    """Take back an addendum that is not signed."""
    minutes = signed_version(request, meeting, number)
    addenda.withdraw(_addendum(request, minutes, addendum), by=request.actor)
    messages.success(request, "Addendum withdrawn. Nothing was added to the minutes")
    return redirect("addenda", meeting.key, number)


@page("panels.review_minutes", methods=("POST",))
@of_papers
def return_addendum(request: HttpRequest, meeting: Meeting, number: int, addendum: int) -> HttpResponse:
    """The chair asks for other words."""
    minutes = signed_version(request, meeting, number)
    try:
        addenda.ask_change(_addendum(request, minutes, addendum), request.POST.get("comment", ""), by=request.actor)
    except StepRefused as refused:
        messages.error(request, str(refused))
        return redirect("addendum", meeting.key, number, addendum)
    messages.success(request, "Addendum returned to the coordinator")
    return redirect("addenda", meeting.key, number)


# --- Agencies' copies -----------------------------------------------------------------


@page("panels.view_minutes")
@of_papers
def copies_page(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """Which copies there are, and for the office to whom each was given and when."""
    minutes = signed_version(request, meeting, number)
    actor = request.actor
    office = actor.can("panels.edit_minutes", minutes)
    agencies = handing_out.agencies_of(meeting)
    mine = [agency for agency in agencies if office or (actor.agency and agency.pk == actor.agency.pk)]
    given: dict[int | None, list[CopyGiven]] = {}
    rows = CopyGiven.objects.in_scheme_of(actor).filter(copy__minutes=minutes)
    for each in rows.select_related("copy", "given_by").order_by("given_at", "pk"):
        given.setdefault(each.copy.agency_id, []).append(each)
    context = _context(request, meeting, minutes) | {
        "office": office,
        "rows": [{"agency": agency, "given": given.get(agency.pk, [])} for agency in mine],
        "redacted": _redacted(minutes),
        "redacted_given": given.get(None, []) if office else [],
        "waiting": handing_out.waiting_for(minutes) if office else [],
    }
    return render(request, "panels/minutes_copies.html", context)


@page("panels.edit_minutes", methods=("POST",))
@of_papers
def give_copies(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """Give each agency its copy."""
    given = handing_out.give_to_all(signed_version(request, meeting, number), by=request.actor)
    messages.success(request, f"{len(given)} agencies were given their copy")
    return redirect("minutes_copies", meeting.key, number)


@page("panels.view_minutes", methods=("POST",), kind="pdf", once=False)
@of_papers
def take_copy(request: HttpRequest, meeting: Meeting, number: int, agency: str) -> HttpResponse:
    """The file of one agency's copy, as that agency may read the minutes now."""
    minutes = signed_version(request, meeting, number)
    copy = handing_out.agency_copy(minutes, _agency(request, minutes, agency), by=request.actor)
    return _file(request, copy)


@page("panels.edit_minutes", methods=("GET", "POST"), fresh=True, kind="export")
@of_papers
def carry_out_copy(request: HttpRequest, meeting: Meeting, number: int, agency: str) -> HttpResponse:
    """A copy as a file for secure e-mail to somebody without an account: reason, recipient, fresh code."""
    minutes = signed_version(request, meeting, number)
    whose = None if agency == "without-names" else _agency(request, minutes, agency)
    form = CarryOutForm(request.POST if request.method == "POST" else None)
    if whose is None and (_redacted(minutes) is None or _redacted(minutes).approved_at is None):
        raise Http404
    if request.method == "POST" and form.is_valid():
        copy = handing_out.agency_copy(minutes, whose, by=request.actor) if whose else _redacted(minutes)
        _shown(copy)
        made = handing_out.carry_out(copy, by=request.actor, **form.cleaned_data)
        return redirect("export", made.key)
    return render(
        request,
        "panels/minutes_carry_out.html",
        _context(request, meeting, minutes) | {"agency": whose, "form": form, "has_error": bool(form.errors)},
    )


# --- The copy without names -------------------------------------------------------------


@page("panels.view_minutes", methods=("GET", "POST"), grid=True)
@of_papers
def redacted_page(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """The copy without names: prepared by the coordinator line by line, approved by the chair, then open to members."""
    minutes = signed_version(request, meeting, number)
    copy = _redacted(minutes)
    office = request.actor.can("panels.edit_minutes", minutes)
    reviews = _reviews(request, minutes)
    problems: list[str] = []
    if request.method == "POST":
        if not office:
            raise PermissionDenied
        try:
            handing_out.prepare_redacted(minutes, request.POST.getlist("keep"), by=request.actor)
        except StepRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, "Copy prepared. The chair is asked to approve it")
            return redirect("redacted_minutes", meeting.key, number)
    if copy is None and not office:
        raise Http404
    if copy is not None and copy.approved_at is None and not (office or reviews):
        raise Http404
    ticked = set(request.POST.getlist("keep")) if problems else set(copy.kept_lines) if copy else set()
    context = _context(request, meeting, minutes) | {
        "copy": copy,
        "lines": handing_out.lines_of(minutes) if office else [],
        "ticked": ticked,
        "office": office,
        "may_approve": copy is not None
        and copy.approved_at is None
        and request.actor.can("panels.sign_minutes", minutes),
        "problems": problems,
        "has_error": bool(problems),
    }
    context |= pdf.page_context(copy.record, None) if copy else {}
    return render(request, "panels/minutes_redacted.html", context)


@page("panels.sign_minutes", methods=("POST",))
@of_papers
def approve_redacted(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """The chair lets the copy without names out."""
    minutes = signed_version(request, meeting, number)
    copy = _redacted(minutes)
    if copy is None:
        raise Http404
    try:
        handing_out.approve_redacted(copy, by=request.actor, record_sha256=request.POST.get("record_sha256", ""))
    except StepRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Copy without names approved")
    return redirect("redacted_minutes", meeting.key, number)


@page("panels.view_minutes", methods=("POST",), kind="pdf", once=False)
@of_papers
def take_redacted(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """The file of the copy without names."""
    copy = _redacted(signed_version(request, meeting, number))
    if copy is None or copy.approved_at is None:
        raise Http404
    return _file(request, copy)


# --- Words for some agencies, while it is a draft ---------------------------------------


@page("panels.edit_minutes", methods=("GET", "POST"))
@of_papers
def marked_words(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Words under an item that only some agencies may read: in their copies and nowhere else."""
    minutes = latest_of(meeting)
    items = items_of(meeting)
    agencies = handing_out.agencies_of(meeting)
    posted = request.POST if request.method == "POST" else None
    if posted is not None and "remove" in posted:
        verbs.mark_words(minutes, int(posted["remove"]) if posted["remove"].isdigit() else 0, "", (), by=request.actor)
        messages.success(request, "Words taken away")
        return redirect("marked_words", meeting.key)
    form = MarkedForm(items, agencies, posted, initial={"version": minutes.version})
    if posted is not None:
        item = next((each for each in items if str(each.pk) == posted.get("item")), None)
        thing = item and (item.referral or item.case)
        if thing is not None:
            naming.guard(form, naming.Protected(request.actor, [thing.offender]), thing.offender, "text")
        if form.is_valid():
            given = form.cleaned_data
            verbs.mark_words(
                minutes,
                int(given["item"]),
                given["text"],
                given["agencies"],
                by=request.actor,
                version=given["version"],
            )
            messages.success(request, "Words kept for the agencies that you chose")
            return redirect("marked_words", meeting.key)
    numbers = {str(item.pk): item.number for item in items}
    called = {agency.slug: agency.name for agency in agencies}
    marked = [
        {
            "pk": pk,
            "number": numbers[pk],
            "text": said["text"],
            "agencies": [called.get(slug, slug) for slug in said["agencies"]],
        }
        for pk, said in minutes.marked.items()
        if pk in numbers
    ]
    return render(
        request,
        "panels/minutes_marked.html",
        {
            "meeting": meeting,
            "minutes": minutes,
            "form": form if minutes.status == MinutesStatus.DRAFT else None,
            "marked": marked,
            "pages": pages_of(meeting, request.actor, "minutes/"),
            "reference": reference_of(meeting),
            "has_error": bool(form.errors),
        },
    )


# --- What the views share -----------------------------------------------------------------


def _context(request: HttpRequest, meeting: Meeting, minutes: Minutes) -> dict[str, Any]:
    return {
        "meeting": meeting,
        "minutes": minutes,
        "reference": reference_of(meeting),
        "course": COURSE,
        "pages": pages_of(meeting, request.actor, "minutes/"),
    }


def _reviews(request: HttpRequest, minutes: Minutes) -> bool:
    return request.actor.can("panels.review_minutes", minutes)


def _addendum(request: HttpRequest, minutes: Minutes, number: int) -> Addendum:
    """One that waits for its signature, for the office and the chair, if the item it is about is open to them."""
    if not (request.actor.can("panels.edit_minutes", minutes) or _reviews(request, minutes)):
        raise PermissionDenied
    shown = open_to(minutes.record, closed_references(request.actor))
    rows = Addendum.objects.visible_to(request.actor).filter(minutes=minutes, signed_at=None)
    waits = found(rows.select_related("written_by"), number=number)
    if waits.item_number and waits.item_number not in {item["number"] for item in shown["items"]}:
        raise Http404
    waits.minutes = minutes
    return waits


def _no_victim(request: HttpRequest, meeting: Meeting, form: AddendumForm) -> None:
    """No victim is named in what is added about a person's item."""
    item = next((each for each in items_of(meeting) if each.number == request.POST.get("item")), None)
    thing = item and (item.referral or item.case)
    if thing is not None:
        naming.guard(form, naming.Protected(request.actor, [thing.offender]), thing.offender, "text", "reason")


def _agency(request: HttpRequest, minutes: Minutes, slug: str) -> Agency:
    """An agency whose copy the reader may have; the same 404 for any other."""
    agency = next((each for each in handing_out.agencies_of(minutes.meeting) if each.slug == slug), None)
    if agency is None or not handing_out.may_have(request.actor, minutes, agency):
        raise Http404
    return agency


def _redacted(minutes: Minutes) -> MinutesCopy | None:
    """The copy without names: the one approved last, else the one that waits."""
    rows = minutes.copies.filter(kind=MinutesCopy.Kind.REDACTED).select_related("approved_by", "made_by", "document")
    return rows.order_by("number").last()


def _shown(copy: MinutesCopy) -> None:
    """An answer that is no page says itself whom it shows (docs/walls.md)."""
    audit.shown(*({item["reference"] for item in copy.record["items"]} - {""}))


def _file(request: HttpRequest, copy: MinutesCopy) -> HttpResponse:
    _shown(copy)
    document = handing_out.document_of(copy, by=request.actor)
    handing_out.write_down(copy, CopyGiven.How.TAKEN, by=request.actor)
    response = HttpResponse(bytes(document.content), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{document.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
