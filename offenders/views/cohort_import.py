"""Importing a cohort: upload, columns, preview, import (design.md 6; docs/cohort-import.md)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import audit
from iom.jinja import plural
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import StepRefused
from offenders import cohort_duplicates, cohort_page
from offenders.cohort_duplicates import Sighting
from offenders.cohort_files import Problem, UnreadSheet
from offenders.cohort_page import Answer, Status
from offenders.cohort_sheet import label
from offenders.forms.cohort_import import AnswersForm, ColumnsForm, UploadForm
from offenders.models import Case, RowToImport, SheetToImport

ERRORS_ON_A_PAGE, PEOPLE_ON_A_PAGE, SAMPLES = 50, 20, 3


@page("offenders.import_cohort", methods=("GET", "POST"), kind="upload")
def upload(request: HttpRequest) -> HttpResponse:
    """Upload a sheet; those that were uploaded within the day are listed."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        try:
            sheet = cohort_page.take_in(
                form.cleaned_data["file"].read(), sheet=form.cleaned_data["sheet"], by=request.actor
            )
        except UnreadSheet as unread:
            form.add_error("file", [f"{each.problem} {each.remedy}".strip() for each in unread.problems])
        else:
            return redirect("cohort_columns", sheet.key)
    waiting = SheetToImport.objects.visible_to(request.actor).exclude(status=Status.IMPORTED)
    return render(request, "offenders/cohort_upload.html", {"form": form, "waiting": waiting})


@page("offenders.import_cohort", methods=("GET", "POST"), grid=True)
def columns(request: HttpRequest, key: UUID) -> HttpResponse:
    """Which column of the sheet is which of ours; what is only near is for a person to say."""
    sheet = _mine(request, key)
    if sheet.status == Status.IMPORTED:
        return redirect("cohort_preview", key)
    table = cohort_page.table_of(sheet)
    matched = cohort_page.columns(sheet, table)
    given = request.POST if request.method == "POST" else None
    form = ColumnsForm(matched, given, initial={"version": sheet.version})
    if given is not None and form.is_valid():
        try:
            cohort_page.match(sheet, form.names, by=request.actor, version=form.cleaned_data["version"])
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            return redirect("cohort_preview", key)
    samples = {
        column.place: [line.cells[column.place] for line in table.lines if column.place < len(line.cells)]
        for column in matched
    }
    context = {
        "sheet": sheet,
        "form": form,
        "samples": {place: [cell for cell in cells if cell][:SAMPLES] for place, cells in samples.items()},
        "suggestions": {each.place: label(each.suggestion) for each in matched if each.suggestion},
        "left_out": [each.heading for each in matched if not each.name],
        "people": len(table.lines),
    }
    return render(request, "offenders/cohort_columns.html", context)


@page("offenders.import_cohort", methods=("GET", "POST"), grid=True)
def preview(request: HttpRequest, key: UUID) -> HttpResponse:
    """What is wrong with which row; then who may be known; then how many there are to import, or who was imported."""
    sheet = _mine(request, key)
    if sheet.status == Status.UPLOADED:
        return redirect("cohort_columns", key)
    if sheet.status == Status.IMPORTED:
        return _imported(request, sheet)
    errors = cohort_page.problems(sheet, "errors")
    if errors:
        return _wrong(request, sheet, errors)
    return _right(request, sheet)


def _wrong(request: HttpRequest, sheet: SheetToImport, errors: Sequence[Problem]) -> HttpResponse:
    shown = Paginator(errors, ERRORS_ON_A_PAGE).get_page(request.GET.get("page"))
    rows = len({each.row for each in errors})
    context = {"sheet": sheet, "shown": shown, "rows": rows, "people": sheet.rows.count()}
    return render(request, "offenders/cohort_errors.html", context)


def _right(request: HttpRequest, sheet: SheetToImport) -> HttpResponse:
    alike = sheet.rows.exclude(alike=[])
    shown = Paginator(alike.order_by("number"), PEOPLE_ON_A_PAGE).get_page(
        request.POST.get("page") or request.GET.get("page")
    )
    rows = list(shown)
    seen = _seen(request, rows)
    given = request.POST if request.method == "POST" else None
    form = AnswersForm([(row, seen[row.number]) for row in rows], given, initial={"version": sheet.version})
    if given is not None and form.is_valid():
        try:
            _answer(request, sheet, form)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            return redirect(f"{request.path}?page={shown.number}" if shown.number > 1 else request.path)
    context = {
        "sheet": sheet,
        "form": form,
        "shown": shown,
        "lines": [_side_by_side(sheet, row, seen[row.number], form) for row in rows],
        "warnings": cohort_page.problems(sheet, "warnings"),
        "counts": _counts(sheet),
    }
    return render(request, "offenders/cohort_preview.html", context)


def _answer(request: HttpRequest, sheet: SheetToImport, form: AnswersForm) -> None:
    version = form.cleaned_data["version"]
    sheet = cohort_page.answer(sheet, form.said, by=request.actor, version=version)
    if request.POST.get("then") == "rest_new":
        cohort_page.rest_are_new(sheet, by=request.actor, version=sheet.version)


def _seen(request: HttpRequest, rows: Sequence[RowToImport]) -> dict[int, list[Sighting]]:
    """Whom the rows of this page may be, as far as the reader may meet them now."""
    return cohort_duplicates.again(rows, request.actor.scheme, but=cohort_page.unseen_by(request.actor))


def _side_by_side(
    sheet: SheetToImport, row: RowToImport, seen: Sequence[Sighting], form: AnswersForm
) -> dict[str, Any]:
    audit.shown(*(each.offender for each in seen))
    return {
        "number": row.number,
        "cells": [{"key": key, "value": text} for key, text in cohort_page.named(sheet, row).items()],
        "seen": [{"title": each.offender.name, "words": each.words, "rows": _held(each)} for each in seen],
        "field": form[f"row_{row.number}"],
        "answered": bool(row.answer),
    }


def _held(sighting: Sighting) -> list[dict[str, str]]:
    """What we hold of somebody, each saying whether it agrees with the sheet."""
    person = sighting.offender
    aliases = "; ".join(person.alias_names)
    rows = [
        ("name", "Name", person.name),
        ("alias", "Aliases", aliases),
        ("date_of_birth", "Date of birth", person.date_of_birth.strftime("%d/%m/%Y") if person.date_of_birth else ""),
        ("pnc_number", "PNC", person.pnc_number),
        ("cro_number", "CRO", person.cro_number),
        ("prison_number", "Prison no", person.prison_number),
        ("probation_number", "CRN", person.probation_number),
        ("area", "Area", person.area),
    ]
    shown = [
        {"key": key, "value": f"{text} (agrees)" if name in sighting.agrees else text}
        for name, key, text in rows
        if text
    ]
    standing = [f"{case.reference}, {case.get_status_display().lower()}" for case in sighting.cases]
    return [*shown, {"key": "Case", "value": "; ".join(standing) or "None: nominated only"}]


def _counts(sheet: SheetToImport) -> dict[str, int]:
    """How many rows of each fate; those that are the same as somebody on the cohort enter nothing."""
    rows = list(sheet.rows.values_list("alike", "answer", "same_as"))
    people = {same for _, _, same in rows if same}
    on_cohort = set(Case.objects.not_closed().filter(offender__in=people).values_list("offender", flat=True))
    same = [who for _, answer, who in rows if answer == Answer.SAME]
    return {
        "rows": len(rows),
        "new": sum(answer == Answer.NEW or not alike for alike, answer, _ in rows),
        "again": sum(who not in on_cohort for who in same),
        "on_cohort": sum(who in on_cohort for who in same),
        "out": sum(answer == Answer.OUT for _, answer, _ in rows),
        "waiting": sum(bool(alike) and not answer for alike, answer, _ in rows),
    }


def _imported(request: HttpRequest, sheet: SheetToImport) -> HttpResponse:
    shown = Paginator(sheet.entered, ERRORS_ON_A_PAGE * 2).get_page(request.GET.get("page"))
    return render(request, "offenders/cohort_imported.html", {"sheet": sheet, "shown": shown})


@page("offenders.import_cohort")
def errors(request: HttpRequest, key: UUID) -> HttpResponse:
    """The errors as a CSV file, by row and column, without what stands in the cells: it names nobody."""
    sheet = _mine(request, key)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Row", "Column", "What is wrong", "What to do"])
    for each in cohort_page.problems(sheet, "errors"):
        writer.writerow([each.row, each.field, each.plain, each.remedy])
    return HttpResponse(
        text.getvalue().encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="import-errors.csv"'},
    )


@page("offenders.import_cohort", methods=("POST",), fresh=True)
def enter(request: HttpRequest, key: UUID) -> HttpResponse:
    """Enter everybody, all at once or nobody."""
    sheet = _mine(request, key)
    version = version_of(request.POST)
    try:
        entered = cohort_page.enter(sheet, by=request.actor, version=version)
    except StepRefused as refused:
        messages.error(request, " ".join(refused.problems))
        return redirect("cohort_preview", key)
    if entered:
        sheet.refresh_from_db()
        messages.success(request, f"{plural(len(sheet.entered), 'person', 'people')} imported")
    else:
        messages.warning(request, "Nobody was imported yet: there is something to look at first")
    return redirect("cohort_preview", key)


@page("offenders.import_cohort", methods=("POST",))
def throw_away(request: HttpRequest, key: UUID) -> HttpResponse:
    """Remove an uploaded sheet."""
    cohort_page.throw_away(_mine(request, key), by=request.actor)
    messages.success(request, "The sheet was thrown away. Nobody was imported from it")
    return redirect("cohort_import")


def _mine(request: HttpRequest, key: UUID) -> SheetToImport:
    sheet: SheetToImport = found(SheetToImport.objects.visible_to(request.actor), key=key)
    return sheet
