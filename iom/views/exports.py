"""A file that somebody had made: only for them, only for a day."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom import exports
from iom.models import Export
from iom.pages import found, page


@page("iom.take_exports")
def export(request: HttpRequest, key: UUID) -> HttpResponse:
    """What the file is, until when it waits, and the link that takes it."""
    return render(request, "iom/export.html", {"export": found(Export.objects.visible_to(request.actor), key=key)})


@page("iom.take_exports", kind="export")
def export_file(request: HttpRequest, key: UUID) -> HttpResponse:
    """The file itself."""
    row = found(Export.objects.visible_to(request.actor), key=key)
    response = HttpResponse(exports.downloaded(row, by=request.actor), content_type=exports.type_of(row))
    response["Content-Disposition"] = f'attachment; filename="{row.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "no-store"
    return response
