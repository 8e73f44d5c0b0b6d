"""The plain records of the team, each on a page of its own, and the groups of a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock, exports
from iom.jinja import day
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import groups, naming, record_pages, records
from offenders.case_pages import case_page, find_case
from offenders.forms.records import (
    YES,
    CoverForm,
    FileForm,
    GroupForm,
    IntelligenceForm,
    ListedForm,
    PremisesForm,
    StoryForm,
    ToldForm,
)
from offenders.models import Cover, InGroup, IntelligenceCheck, Listed, Premises, SuccessStory


@page("offenders.view_records")
def hub(request: HttpRequest) -> HttpResponse:
    """Every record that is kept, those first that the scheme's document asks for."""
    return render(request, "offenders/records.html", record_pages.hub(request.actor))


@page("offenders.keep_records", methods=("GET", "POST"))
def cover(request: HttpRequest) -> HttpResponse:
    """The rota, the way to put somebody on it, and what the team attended."""
    form = CoverForm(request.actor, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        if _done(form, lambda: records.add_cover(by=request.actor, **given)):
            messages.success(request, f"{given['person']} stands by on {day(given['on'])}")
            return redirect("records_cover")
    return _list(request, "cover", record_pages.cover(request.actor, clock.today()) | {"form": form})


@page("offenders.keep_records", methods=("POST",))
def end_cover(request: HttpRequest, pk: int) -> HttpResponse:
    """Take somebody off the rota."""
    row: Cover = found(Cover.objects.visible_to(request.actor), pk=pk)
    return _ended(request, lambda: records.end_cover(row, by=request.actor), "Taken off the rota", "records_cover")


@page("offenders.view_records")
def intelligence(request: HttpRequest) -> HttpResponse:
    """Every comparison of cases that the reader opens."""
    rows = record_pages.intelligence(request.actor)
    return _list(request, "intelligence", {"rows": rows})


@page("offenders.compare_intelligence", methods=("GET", "POST"))
def case_intelligence(request: HttpRequest, reference: str) -> HttpResponse:
    """The comparisons of one case, and for the police and the coordinator the way to record one."""
    case = find_case(request.actor, reference)
    actor = request.actor
    initial = {"checked_by": actor.user.name, "checked_on": day(clock.today())}
    form = IntelligenceForm(actor, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        on = given.pop("checked_on")
        if _done(form, lambda: records.compare_intelligence(case, on=on, by=actor, **given)):
            messages.success(request, "Comparison recorded")
            return redirect("case_intelligence", case.reference)
    rows = IntelligenceCheck.objects.visible_to(actor).filter(case=case).select_related("partner")
    may = actor.has_role("coordinator") or (actor.agency is not None and actor.agency.kind == "police")
    context = {"form": form, "rows": list(rows), "may_write": may and case.status != "closed"}
    return render(request, "offenders/case_intelligence.html", case_page(request, case, "case_intelligence") | context)


@page("offenders.view_records")
def stories(request: HttpRequest) -> HttpResponse:
    """Every story, with where it was told."""
    rows = record_pages.stories(request.actor)
    return _list(request, "stories", {"rows": rows, "may_write": request.actor.holds("offenders.tell_stories")})


@page("offenders.tell_stories", methods=("GET", "POST"))
def new_story(request: HttpRequest) -> HttpResponse:
    """Write a story; from a case, its own: names of the person are looked for in it."""
    reference = request.POST.get("case") or request.GET.get("case")
    case = find_case(request.actor, reference) if reference else None
    form = StoryForm(request.POST if request.method == "POST" else None)
    if case is not None:
        naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, "text")
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if _done(form, lambda: records.write_story(given.pop("text"), case=case, by=request.actor, **given)):
            messages.success(request, "Story kept. Say here where it was told")
            return redirect("records_stories")
    return render(request, "offenders/story_new.html", {"form": form, "case": case})


@page("offenders.tell_stories", methods=("GET", "POST"))
def story(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a story was told."""
    row: SuccessStory = found(SuccessStory.objects.visible_to(request.actor).select_related("case"), pk=pk)
    stored = {"told_where": row.told_where, "told_on": row.told_on, "version": row.version}
    form = ToldForm(request.POST if request.method == "POST" else None, initial=stored)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        where, on, version = given["told_where"], given["told_on"], given["version"]
        if _done(form, lambda: records.tell_story(row, where=where, on=on, version=version, by=request.actor)):
            messages.success(request, "Recorded where it was told")
            return redirect("records_stories")
    return render(request, "offenders/story.html", {"form": form, "story": row})


@page("offenders.tell_stories", methods=("POST",))
def withdraw_story(request: HttpRequest, pk: int) -> HttpResponse:
    """The person changed their mind."""
    row: SuccessStory = found(SuccessStory.objects.visible_to(request.actor), pk=pk)
    withdraw = lambda: records.withdraw_story(row, by=request.actor)  # noqa: E731 -- handed on as it is
    return _ended(request, withdraw, "Withdrawn. It is not told any more", "records_stories")


@page("offenders.view_named_list", methods=("GET", "POST"))
def named_list(request: HttpRequest) -> HttpResponse:
    """The named list of the police, as a source of nominations."""
    form = ListedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        if _done(form, lambda: records.put_on_list(by=request.actor, **given)):
            messages.success(request, "Written down")
            return redirect("records_named_list")
    may_nominate = request.actor.holds("referrals.nominate")
    return _list(
        request,
        "named_list",
        record_pages.named_list(request.actor) | {"form": form, "may_nominate": may_nominate},
    )


@page("offenders.view_named_list", methods=("POST",))
def end_listed(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody is on the list no more, from today."""
    row: Listed = found(Listed.objects.visible_to(request.actor), pk=pk)
    end = lambda: records.take_off_list(row, on=clock.today(), by=request.actor)  # noqa: E731 -- handed on as it is
    return _ended(request, end, "Taken off the list", "records_named_list")


@page("offenders.keep_records", methods=("GET", "POST"))
def places(request: HttpRequest) -> HttpResponse:
    """Where agencies work together."""
    form = PremisesForm(request.actor, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data) | {"private_room": form.cleaned_data["private_room"] == YES}
        if _done(form, lambda: records.add_premises(by=request.actor, **given)):
            messages.success(request, "Place recorded")
            return redirect("records_places")
    return _list(request, "places", record_pages.places(request.actor) | {"form": form})


@page("offenders.keep_records", methods=("POST",))
def end_place(request: HttpRequest, pk: int) -> HttpResponse:
    """Agencies do not work there together any more."""
    row: Premises = found(Premises.objects.visible_to(request.actor), pk=pk)
    return _ended(request, lambda: records.end_premises(row, by=request.actor), "Ended", "records_places")


@page("offenders.export_records", methods=("POST",), fresh=True, kind="export")
def record_file(request: HttpRequest, kind: str) -> HttpResponse:
    """A list as a CSV file, with a reason and a recipient (security.md E1)."""
    if kind not in record_pages.SHEETS:
        raise Http404
    form = FileForm(request.POST)
    if form.is_valid():
        sheet = record_pages.SHEETS[kind](request.actor, clock.today())
        try:
            made = exports.make(
                by=request.actor,
                kind=f"records-{kind}",
                name=f"records-{kind}",
                header=sheet.header,
                rows=sheet.rows,
                reason=form.cleaned_data["reason"],
                recipient=form.cleaned_data["recipient"],
                chosen={},
                subjects=sheet.subjects,
            )
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Your file is ready")
            return redirect("export", made.key)
    return render(request, "offenders/record_file.html", {"file_form": form, "kind": kind, "back": f"records_{kind}"})


@page("offenders.place_in_group", methods=("GET", "POST"))
def case_groups(request: HttpRequest, reference: str) -> HttpResponse:
    """In which groups a case is, and the way to change that: the panel says so, the coordinator writes it down."""
    case = find_case(request.actor, reference)
    form = GroupForm(
        request.actor,
        request.POST if request.method == "POST" else None,
        initial={"starts_on": day(clock.today())},
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        group, on = given["group"], given["starts_on"]
        if _done(form, lambda: groups.put_in(case, group, on=on, by=request.actor)):
            messages.success(request, f"Group of {case.reference} saved")
            return redirect("case_groups", case.reference)
    context = {"form": form, "groups": groups.standing(request.actor, case), "may_place": case.status != "closed"}
    return render(request, "offenders/case_groups.html", case_page(request, case, "case_groups") | context)


@page("offenders.place_in_group", methods=("POST",))
def leave_group(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Take a case out of a group, from today."""
    case = find_case(request.actor, reference)
    held: InGroup = found(InGroup.objects.visible_to(request.actor).filter(case=case), pk=pk)
    leave = lambda: groups.take_out(held, on=clock.today(), by=request.actor)  # noqa: E731 -- handed on as it is
    return _ended(request, leave, "Taken out of the group", "case_groups", case.reference)


def _list(request: HttpRequest, kind: str, context: dict[str, Any]) -> HttpResponse:
    shared = {
        "title": record_pages.titled(request.actor, kind),
        "about": record_pages.ABOUT[kind],
        "kind": kind,
        "today": clock.today(),
        "file_form": FileForm(auto_id="id_file_%s"),
        "may_export": kind in record_pages.SHEETS and request.actor.holds("offenders.export_records"),
        "own": request.actor.agency,
        "any_agency": request.actor.has_role("coordinator"),
    }
    return render(request, f"offenders/records_{kind}.html", shared | context)


def _done(form: Any, change: Callable[[], Any]) -> bool:
    """Make a change; a refusal stands on the form."""
    try:
        change()
    except StepRefused as refused:
        form.add_error(None, refused.problems)
        return False
    return True


def _ended(request: HttpRequest, change: Callable[[], Any], words: str, back: str, *args: str) -> HttpResponse:
    """Make a change that a button asks for, and go back to the list."""
    try:
        change()
    except StepRefused as refused:
        messages.error(request, " ".join(refused.problems))
    else:
        messages.success(request, words)
    return redirect(back, *args)
