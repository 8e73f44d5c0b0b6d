"""The daily file of IDIOM by the page: upload, look over, enter (London, Intelligence; docs/idiom.md)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom.jinja import plural
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import StepRefused
from offenders import idiom
from offenders.cohort_files import Problem, UnreadSheet
from offenders.forms.custody import IdiomForm
from offenders.idiom_sheet import COLUMNS, SEVEN, read_sheet
from offenders.models import Case, CustodyProposal, IdiomFile, IdiomRecord

ON_A_PAGE, ERRORS = 50, 100


@page("offenders.import_idiom", methods=("GET", "POST"), kind="upload")
def files(request: HttpRequest) -> HttpResponse:
    """Upload the file of the day; below, what IDIOM last said of each member, and who has no record yet."""
    form = IdiomForm(request.POST, request.FILES) if request.method == "POST" else IdiomForm()
    errors: list[Problem] = []
    if form.is_bound and form.is_valid():
        try:
            kept, errors = idiom.take_in(read_sheet(form.cleaned_data["file"].read()), by=request.actor)
        except UnreadSheet as unread:
            kept, errors = None, unread.problems
        if kept is not None:
            return redirect("idiom_file", kept.key)
        form.add_error("file", f"The file has {plural(len(errors), 'error')}. Nothing was taken in")
    cases = Case.objects.visible_to(request.actor).not_closed()
    records = IdiomRecord.objects.visible_to(request.actor).on_cohort().select_related("case")
    shown = Paginator(records.order_by("as_of", "pk"), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "errors": errors[:ERRORS],
        "more_errors": max(len(errors) - ERRORS, 0),
        "waiting": IdiomFile.objects.visible_to(request.actor).filter(status=IdiomFile.Status.WAITING),
        "shown": shown,
        "without": cases.filter(idiom=None).order_by("reference")[:ON_A_PAGE],
        "missing": cases.filter(idiom=None).count(),
        "proposals": CustodyProposal.objects.visible_to(request.actor).on_cohort().filter(status="open").count(),
        "facts": [COLUMNS[name][0] for name in SEVEN],
    }
    return render(request, "offenders/idiom.html", context)


@page("offenders.import_idiom", methods=("GET", "POST"))
def file(request: HttpRequest, key: UUID) -> HttpResponse:
    """What a file would change, row by row; then enter it, or throw it away."""
    kept: IdiomFile = found(IdiomFile.objects.visible_to(request.actor), key=key)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "throw":
                idiom.throw_away(kept, by=request.actor)
                messages.success(request, "The file was thrown away. Nothing was taken from it")
                return redirect("idiom")
            verdicts = idiom.enter_file(kept, version=version_of(request.POST), by=request.actor)
        except StepRefused as refused:
            messages.error(request, " ".join(refused.problems))
            return redirect("idiom_file", key)
        changed = sum(bool(each.words) for each in verdicts)
        messages.success(request, f"Taken in. Something changed for {plural(changed, 'person', 'people')}")
        return redirect("idiom")
    verdicts = idiom.preview(kept, by=request.actor) if kept.status == IdiomFile.Status.WAITING else []
    context = {
        "file": kept,
        "changing": [each for each in verdicts if each.words],
        "refused": [problem for each in verdicts for problem in each.refused],
        "unchanged": sum(not each.words and not each.refused for each in verdicts),
        "rows": len(verdicts),
    }
    return render(request, "offenders/idiom_file.html", context)
