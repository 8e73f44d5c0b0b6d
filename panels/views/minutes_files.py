"""The files of signed minutes: how far they are, their bytes, and checking a file that somebody has."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import audit, signing
from iom.models import Document, Meeting
from iom.pages import found, page
from offenders.restricted import closed_references
from panels import addenda, signed_files
from panels.forms.minutes import CheckForm
from panels.models import Minutes, MinutesStatus
from panels.record import open_to, reference_of
from panels.signed_files import Stage
from panels.verify import verify

from .at import of_papers


@page("panels.view_minutes", kind="pdf")
@of_papers
def minutes_pdf(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """The stored bytes of the signed PDF, as they are."""
    return _bytes_of(request, meeting, number, "document")


@page("panels.view_minutes", kind="pdf")
@of_papers
def accessible_pdf(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """The stored bytes of the accessible copy, as they are."""
    return _bytes_of(request, meeting, number, "accessible")


@page("panels.view_minutes", kind="pdf")
@of_papers
def addendum_pdf(request: HttpRequest, meeting: Meeting, number: int, addendum: int) -> HttpResponse:
    """The stored bytes of a signed addendum, or of its accessible copy, for those who read what it is about."""
    minutes = signed_version(request, meeting, number)
    shown, _ = readable(request, minutes)
    added = next((each for each in addenda.shown_of(minutes, shown) if each.number == addendum), None)
    if added is None:
        raise Http404
    accessible = request.resolver_match.url_name == "accessible_addendum"
    document = signed_files.accessible_of(added) if accessible else added.document
    return _served(request, minutes, document)


@page("panels.view_minutes", kind="poll")
@of_papers
def files(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """How far the files are: the part of the signed page that asks again by itself until they are there."""
    minutes = signed_version(request, meeting, number)
    _, is_whole = readable(request, minutes)
    context = {"meeting": meeting, "minutes": minutes, **files_context(request, minutes, is_whole=is_whole)}
    return render(request, "panels/parts/minutes_files.html", context)


@page("panels.edit_minutes", methods=("POST",))
@of_papers
def make_again(request: HttpRequest, meeting: Meeting, number: int) -> HttpResponse:
    """Have the files that could not be made tried again."""
    minutes = signed_version(request, meeting, number)
    signed_files.ask_again(minutes, by=request.actor)
    messages.success(request, "The files are being made")
    return redirect("signed_minutes", meeting.key, minutes.number)


@page("panels.view_minutes", methods=("GET", "POST"), kind="upload")
def check_minutes(request: HttpRequest) -> HttpResponse:
    """Whether a PDF is one of our signed minutes, unchanged."""
    form = CheckForm(request.POST, request.FILES) if request.method == "POST" else CheckForm()
    finding = None
    if request.method == "POST" and form.is_valid():
        finding = verify(form.cleaned_data["file"].read(), Minutes.objects.visible_to(request.actor))
        minutes = finding.minutes
        audit.record(
            "check_minutes", minutes or request.actor.scheme.policy_version, by=request.actor, after=finding.verdict
        )
    context: dict[str, Any] = {"form": form, "finding": finding, "reference": "", "addenda": 0}
    if finding is not None and finding.minutes is not None:
        shown, _ = readable(request, finding.minutes)
        context["reference"] = reference_of(finding.minutes.meeting)
        context["addenda"] = 0 if finding.addendum else len(addenda.shown_of(finding.minutes, shown))
    return render(request, "panels/minutes_check.html", context)


def signed_version(request: HttpRequest, meeting: Meeting, number: int) -> Minutes:
    """A signed version that the reader may read, or the same 404."""
    rows = Minutes.objects.visible_to(request.actor).filter(meeting=meeting, status=MinutesStatus.SIGNED)
    rows = rows.select_related("document", "accessible", "signed_by").defer("accessible__content")
    minutes = found(rows, number=number)
    minutes.meeting = meeting
    return minutes


def readable(request: HttpRequest, minutes: Minutes) -> tuple[dict[str, Any], bool]:
    """The signed record as the reader may see it, and whether that is all of it.

    A case can be restricted after the minutes were signed. The bytes of a file never change (security.md E4), so it is
    only for those who may read all of it.
    """
    shown = open_to(minutes.record, closed_references(request.actor))
    is_whole = shown == minutes.record
    return (minutes.record if is_whole else shown), is_whole


def files_context(request: HttpRequest, minutes: Minutes, *, is_whole: bool) -> dict[str, Any]:
    """What the part of the page about the files shows; nothing of them to those who may not read the whole."""
    stages = signed_files.progress(minutes) if is_whole else []
    unfinished = [each for each in stages if each.stage != Stage.READY]
    return {
        "withheld": not is_whole,
        "files": [(each, _kept(minutes, each.kind)) for each in stages],
        "is_making": any(each.stage == Stage.MAKING for each in unfinished),
        "may_make_again": any(each.stage != Stage.MAKING for each in unfinished)
        and request.actor.can("panels.edit_minutes", minutes),
        "digital": _digital(minutes) if is_whole else None,
    }


def _kept(minutes: Minutes, kind: str) -> Document | None:
    return getattr(minutes, signed_files.FIELDS[kind])


def _digital(minutes: Minutes) -> signing.Seal | None:
    return signing.named_in(bytes(minutes.document.content)) if minutes.document else None


def _bytes_of(request: HttpRequest, meeting: Meeting, number: int, field: str) -> HttpResponse:
    minutes = signed_version(request, meeting, number)
    is_whole = readable(request, minutes)[1]
    return _served(request, minutes, getattr(minutes, field) if is_whole else None)


def _served(request: HttpRequest, minutes: Minutes, document: Document | None) -> HttpResponse:
    """A file as it is, and never shown inside a page; 404 without one."""
    if document is None:
        raise Http404
    audit.record("download_minutes", minutes, by=request.actor, meeting=minutes.meeting.key)
    response = HttpResponse(bytes(document.content), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{document.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
