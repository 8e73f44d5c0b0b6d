"""The researcher's sheet: what was looked up for a meeting, and the systems of one person (feature 111)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify

from iom.jinja import form_problems, plural
from iom.meetings import find
from iom.models import Agency, Meeting
from iom.pages import found, page
from iom.rows import autosaved
from iom.steps import Stale, StepRefused
from referrals import chasing, research
from referrals.forms.research import SystemForm
from referrals.models import CheckRequest, Referral, ResearchCheck

if TYPE_CHECKING:
    from iom.access import Actor

REST, AGAIN, NEXT = "rest", "again", "next"


@page("referrals.research", methods=("GET", "POST"))
def research_sheet(request: HttpRequest, key: str) -> HttpResponse:
    """People by systems; a button fills in the rest of one person, or what was looked up lately."""
    meeting = _meeting(request, key)
    people = research.subjects(request.actor, meeting)
    if request.method == "POST":
        subject = _subject(people, request.POST.get("person", ""))
        _do(request, meeting, subject)
        return redirect("research_sheet", meeting.key)
    sheets = research.sheets(request.actor, meeting, people)
    return render(
        request,
        "referrals/research_sheet.html",
        _about(meeting)
        | {
            "sheets": sheets,
            "done": sum(sheet.done for sheet in sheets),
            "all": sum(len(sheet.lines) for sheet in sheets),
            "complete": sum(not sheet.left for sheet in sheets),
            "may_see_returns": request.actor.holds("referrals.see_returns"),
        },
    )


@page("referrals.research", methods=("GET", "POST"), grid=True)
def research_person(request: HttpRequest, key: str, reference: str) -> HttpResponse:
    """The systems of one person, each a row that saves itself. `do` names the button; autosave presses none."""
    actor, meeting = request.actor, _meeting(request, key)
    people = research.subjects(actor, meeting)
    subject = _subject(people, reference)
    [sheet] = research.sheets(actor, meeting, [subject])
    forms = _forms(request, sheet)
    if request.method != "POST":
        return _page(request, meeting, people, sheet, forms)
    _save(actor, meeting, sheet, forms)
    if request.headers.get("X-Autosave"):
        return autosaved(forms)
    # What is not finished keeps nobody from filling in the rest.
    if request.POST.get("do", "save") in ("save", NEXT):
        for form in forms:
            form.point_out_what_is_missing()
    if any(form.errors for form in forms):
        [sheet] = research.sheets(actor, meeting, [subject])
        return _page(request, meeting, people, sheet, forms)
    return _go_on(request, meeting, people, subject)


@page("referrals.research")
def referral_research(request: HttpRequest, reference: str) -> HttpResponse:
    """A nomination's own sheet, at the panel that it goes to."""
    asked = CheckRequest.objects.of_people_open_to(request.actor).filter(referral__reference=reference)
    if request_made := asked.select_related("meeting__body").order_by("-meeting__date").first():
        return redirect("research_person", request_made.meeting.key, reference)
    rows = Referral.objects.visible_to(request.actor).filter(meeting__isnull=False, status__in=research.LOOKED_UP)
    referral = found(rows.select_related("meeting__body"), reference=reference)
    return redirect("research_person", referral.meeting.key, referral.reference)


def _meeting(request: HttpRequest, key: str) -> Meeting:
    meeting = find(request.actor, key)
    meeting.scheme = request.actor.scheme
    return meeting


def _subject(people: list[research.Subject], reference: str) -> research.Subject:
    for each in people:
        if reference and each.reference == reference:
            return each
    raise Http404


def _do(request: HttpRequest, meeting: Meeting, subject: research.Subject) -> None:
    """What the buttons beside a person do; a system's name means that one alone."""
    do, actor, person = request.POST.get("do", ""), request.actor, subject.person
    try:
        if do == REST:
            count = research.mark_rest_clear(meeting, person, by=actor)
            messages.success(request, f"Nothing found today in {plural(count, 'system')}: {subject.reference}")
        elif do.partition(":")[0] == AGAIN:
            _, _, system = do.partition(":")
            count = research.use_again(meeting, person, by=actor, systems=[system] if system else None)
            messages.success(request, f"{plural(count, 'check')} used again: {subject.reference}")
    except StepRefused as refused:
        for problem in refused.problems:
            messages.error(request, problem)


def _forms(request: HttpRequest, sheet: research.Sheet) -> list[SystemForm]:
    """A row for each system whose check the reader may see or write; none once the panel has decided."""
    if sheet.subject.decided:
        return []
    posted = request.POST if request.method == "POST" else None
    agencies = list(Agency.objects.in_scheme_of(request.actor).values_list("slug", "name"))
    asked = request.actor.scheme.policy.research_systems
    forms = []
    for line in sheet.lines:
        if line.closed is None and line.system in asked:
            prefix = f"s-{slugify(line.system)}"
            forms.append(SystemForm.of(posted, prefix, line=line, prefix=prefix, agencies=agencies))
    return forms


def _save(actor: Actor, meeting: Meeting, sheet: research.Sheet, forms: list[SystemForm]) -> None:
    """Each row by itself: one that cannot be saved must not lose the others."""
    for form in forms:
        if form.untouched or not form.is_valid() or not form.cleaned_data["result"]:
            continue
        system, version = form.line.system, form.cleaned_data["version"]
        try:
            form.keep(
                research.save_check(meeting, sheet.subject.person, system, by=actor, version=version, **form.values())
            )
        except Stale as error:
            form.add_error("result", _take_theirs_into_account(form, error.thing))
        except StepRefused as refused:
            form.add_error("result", " ".join(refused.problems))
        except PermissionDenied:
            form.add_error("result", f"Somebody else has looked into {system} meanwhile. It is not yours to read")


def _take_theirs_into_account(form: SystemForm, theirs: ResearchCheck) -> str:
    """What a colleague wrote meanwhile; the row keeps what was typed, and saving it again keeps that."""
    form.hold(theirs.version)
    said = f": “{theirs.finding}”" if theirs.finding else ""
    return (
        f"{theirs.checked_by.name} wrote “{theirs.get_result_display()}” for {theirs.system}{said} while you were "
        "writing. Save again to keep yours, or load the page again to use theirs"
    )


def _go_on(
    request: HttpRequest, meeting: Meeting, people: list[research.Subject], subject: research.Subject
) -> HttpResponse:
    do = request.POST.get("do", "")
    if do in ("", "save", NEXT):
        messages.success(request, "Saved")
    else:
        _do(request, meeting, subject)
    following = _next(people, subject)
    if do == NEXT and following is not None:
        return redirect("research_person", meeting.key, following.reference)
    return redirect("research_person", meeting.key, subject.reference)


def _next(people: list[research.Subject], subject: research.Subject) -> research.Subject | None:
    after = people[people.index(subject) + 1 :]
    return next((each for each in after if not each.decided and each.reference), None)


def _about(meeting: Meeting) -> dict[str, Any]:
    policy = meeting.scheme.policy
    return {
        "meeting": meeting,
        "the_panel": chasing.the_panel(meeting),
        "due": meeting.dates.checks_due.date,
        "systems": policy.research_systems,
        "source": policy.research_systems_.source,
        "post": policy.posts.researcher,
        "again_days": policy.research_again_days,
    }


def _page(
    request: HttpRequest,
    meeting: Meeting,
    people: list[research.Subject],
    sheet: research.Sheet,
    forms: list[SystemForm],
) -> HttpResponse:
    rows = {form.line.system: form for form in forms}
    return render(
        request,
        "referrals/research_person.html",
        _about(meeting)
        | {
            "sheet": sheet,
            "subject": sheet.subject,
            "rows": [(line, rows.get(line.system)) for line in sheet.lines],
            "forms": forms,
            "next": _next(people, sheet.subject),
            "problems": form_problems(*forms),
        },
    )
