"""Agency checks: an agency's return for a meeting, and who has answered (ux.md 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.jinja import clock as time_words
from iom.jinja import form_problems, plural
from iom.meetings import find
from iom.models import Agency, Meeting, Membership
from iom.pages import found, page
from iom.rows import RowForm, autosaved
from iom.steps import Stale, StepRefused
from offenders import naming
from referrals import asking, chasing, hooks, returns
from referrals.forms.research import AnswerForm, ContactsForm, FurtherForm
from referrals.models import AgencyReturn, CheckRequest

if TYPE_CHECKING:
    from iom.access import Actor

SAVE, REST, SEND = "save", "rest", "send"
ASK, TAKE_BACK = "ask", "take_back"
ALREADY_SENT = "You have already sent this return. You can change it until the item is decided"


@dataclass(frozen=True, slots=True)
class Round:
    """A meeting for which one's agency is asked, with how far it has got."""

    meeting: Meeting
    asked: int
    left: int


# --- An agency's own return --------------------------------------------------


@page("referrals.answer_checks")
def research_list(request: HttpRequest) -> HttpResponse:
    """The meetings for which one's agency is asked; straight to the only one."""
    rounds = _rounds(request.actor)
    if len(rounds) == 1:
        return redirect("research", rounds[0].meeting.key)
    return render(request, "referrals/research_list.html", {"rounds": rounds})


def _rounds(actor: Actor) -> list[Round]:
    asked = CheckRequest.objects.visible_to(actor).filter(agency=actor.agency)
    rows = chasing.progress(asked, clock.today())
    meetings = Meeting.objects.visible_to(actor).in_bulk([row["meeting"] for row in rows])
    for meeting in meetings.values():
        meeting.scheme = actor.scheme
    return [Round(meetings[row["meeting"]], row["asked"], row["left"]) for row in rows]


@page("referrals.answer_checks", methods=("GET", "POST"), grid=True)
def research(request: HttpRequest, key: str) -> HttpResponse:
    """One agency's return: all its people in one form. `do` names the button; autosave presses none and saves."""
    actor = request.actor
    if actor.agency is None:
        raise Http404
    meeting = find(actor, key)
    meeting.scheme = actor.scheme
    requests = _requests(actor, meeting)
    forms = _forms(request, requests)
    if request.method != "POST":
        return _page(request, meeting, requests, forms)
    _save(actor, forms)
    if request.headers.get("X-Autosave"):
        return autosaved(forms)
    if not _invalid(forms) and _go_on(request, meeting, forms):
        return redirect("research", meeting.key)
    return _page(request, meeting, requests, forms)


def _requests(actor: Actor, meeting: Meeting) -> list[CheckRequest]:
    return list(returns.asked_of(actor, meeting).for_grid())


def _forms(request: HttpRequest, requests: list[CheckRequest]) -> list[AnswerForm]:
    """A form for each person on whom the panel has not decided."""
    actor = request.actor
    others = Agency.objects.in_scheme_of(actor).exclude(pk=actor.agency.pk).values_list("slug", "name")
    given = {"policy": actor.scheme.policy, "called": actor.agency.name, "agencies": list(others)}
    waiting = [each for each in requests if each.closed_at is None]
    posted = request.POST if request.method == "POST" else None
    # Somebody who was added after the page was loaded stands in nothing that was posted.
    protected = naming.Protected(actor, [each.offender for each in waiting])
    rows = ((each, AnswerForm.of(posted, f"p{each.pk}", request=each, **given)) for each in waiting)
    return [naming.guard(form, protected, each.offender, "summary", "risk_detail") for each, form in rows]


def _save(actor: Actor, forms: list[AnswerForm]) -> None:
    """Save each answer by itself: one that cannot be saved must not lose the others."""
    for form in forms:
        if form.untouched:
            continue
        if not form.is_valid() or not form.cleaned_data["known"]:
            continue
        try:
            form.keep(
                returns.save_return(
                    form.request,
                    by=actor,
                    known=form.cleaned_data["known"],
                    version=form.cleaned_data["version"],
                    **form.details(),
                )
            )
        except Stale:
            form.add_error("known", _take_theirs_into_account(form))
        except StepRefused as refused:
            form.add_error("handling", " ".join(refused.problems))


def _take_theirs_into_account(form: AnswerForm) -> str:
    """What a colleague answered meanwhile; the row keeps what was typed, and saving it again keeps that."""
    theirs = AgencyReturn.objects.select_related("answered_by").get(request=form.request)
    form.keep(theirs)
    return (
        f"{theirs.answered_by.name} answered “{theirs.get_known_display()}” for {form.request.offender.plain_name} "
        "while you were writing. Save again to keep yours, or load the page again to use theirs"
    )


def _invalid(forms: Sequence[RowForm]) -> bool:
    return any(form.errors for form in forms)


def _go_on(request: HttpRequest, meeting: Meeting, forms: list[AnswerForm]) -> bool:
    """After everything typed is saved: mark the rest, or send. False where something is left to answer."""
    do, actor = request.POST.get("do", SAVE), request.actor
    if do == REST:
        count = returns.mark_rest_not_known(meeting, by=actor)
        messages.success(request, f"{plural(count, 'person', 'people')} marked as not known. Now send your return")
        return True
    answered = sum(form.answer is not None for form in forms)
    if do != SEND:
        messages.success(request, f"Saved. {answered} of {len(forms)} answered")
        return True
    try:
        sent = returns.send_return(meeting, by=actor)
    except StepRefused:
        for form in forms:
            form.point_out_what_is_missing()
        return False
    if sent:
        messages.success(request, f"Return sent. {answered} of {len(forms)} answered")
    else:
        messages.info(request, ALREADY_SENT)
    return True


def _page(
    request: HttpRequest, meeting: Meeting, requests: list[CheckRequest], forms: list[AnswerForm]
) -> HttpResponse:
    answers = [form.answer for form in forms]
    unsent = [answer for answer in answers if answer is None or answer.sent_at is None]
    due = meeting.dates.checks_due
    return render(
        request,
        "referrals/research.html",
        {
            "meeting": meeting,
            "the_panel": chasing.the_panel(meeting),
            "agency": request.actor.agency,
            "in_team": request.actor.agency.kind in request.actor.scheme.policy.engagement.team,
            "due": due.date,
            "late": due.passed(clock.now()),
            "forms": forms,
            "decided": [each for each in requests if each.closed_at is not None],
            "answered": len(forms) - sum(answer is None for answer in answers),
            "left": sum(answer is None for answer in answers),
            "all_sent": bool(forms) and not unsent,
            "some_sent": len(unsent) < len(forms),
            "already_sent": ALREADY_SENT,
            "problems": _problems(forms),
            "may_look_up": request.actor.holds("referrals.research"),
        },
    )


def _problems(forms: list[AnswerForm]) -> list[dict[str, str]]:
    """The error summary: everyone who is left to be answered for in one line, the rest one by one."""
    silent = [form for form in forms if form.is_silent]
    problems: list[dict[str, str]] = []
    for form in forms:
        if not form.is_silent:
            problems += form_problems(form)
        elif form is silent[0]:
            words = returns.unready(each.request for each in silent)[0]
            problems.append({"text": words, "href": f"#{form['known'].auto_id}"})
    return problems


# --- Who has answered --------------------------------------------------------


@page("referrals.see_returns", methods=("GET", "POST"))
def research_progress(request: HttpRequest, key: str) -> HttpResponse:
    """People by agencies; a POST reminds one agency, or all that are waited for."""
    actor = request.actor
    meeting = find(actor, key)
    meeting.scheme = actor.scheme
    matrix = returns.matrix(actor, meeting)
    further = FurtherForm(
        request.POST if request.POST.get("do") in (ASK, TAKE_BACK) else None,
        agencies=list(Agency.objects.visible_to(actor).values_list("slug", "name")),
        people=[(str(row.request.offender_id), row.request.offender.name) for row in matrix.rows],
    )
    if request.method == "POST" and not further.is_bound:
        _remind(request, meeting, matrix)
        return redirect("research_progress", meeting.key)
    if further.is_bound and further.is_valid():
        _ask_or_take_back(request, meeting, further)
        return redirect("research_progress", meeting.key)
    sent_out = hooks.agenda_sent_at(meeting)
    contacts = chasing.contact_names(column.agency for column in matrix.columns)
    return render(
        request,
        "referrals/research_progress.html",
        {
            "contacts": contacts,
            "to_remind": [column for column in matrix.waiting if column.agency.pk in contacts],
            "meeting": meeting,
            "the_panel": chasing.the_panel(meeting),
            "due": meeting.dates.checks_due.date,
            "late": meeting.dates.checks_due.passed(clock.now()),
            "matrix": matrix,
            "reminded": chasing.reminded(meeting),
            "further": further,
            "sent_out": sent_out,
            "since": matrix.since(sent_out),
            "may_remind": actor.holds("referrals.ask_agencies"),
            "may_look_up": actor.holds("referrals.research"),
            "people": [(row, list(zip(matrix.columns, row.cells, strict=True))) for row in matrix.rows],
        },
    )


def _ask_or_take_back(request: HttpRequest, meeting: Meeting, form: FurtherForm) -> None:
    agency = found(Agency.objects.visible_to(request.actor), slug=form.cleaned_data["agency"])
    given = form.cleaned_data["person"]
    people = [int(given)] if given else None
    if request.POST["do"] == ASK:
        count = asking.ask_further(meeting, agency, by=request.actor, people=people)
        words = f"{agency.name} is asked about {plural(count, 'person', 'people')} more"
        none = f"{agency.name} is asked about everybody of these already"
    else:
        count = asking.take_back(meeting, agency, by=request.actor, people=people)
        words = f"{plural(count, 'question')} to {agency.name} taken back"
        none = f"{agency.name} has no open question about them"
    (messages.success if count else messages.info)(request, words if count else none)


@page("referrals.ask_agencies", methods=("GET", "POST"))
def research_contacts(request: HttpRequest) -> HttpResponse:
    """Who hears of each agency's checks. Where nobody is ticked, whoever answers for the agency does."""
    actor = request.actor
    rows = chasing.reachable().filter(agency__in=Agency.objects.in_scheme_of(actor)).select_related("user", "agency")
    by_agency: dict[Agency, list[Membership]] = {}
    for membership in rows.order_by("agency__name", "user__name"):
        by_agency.setdefault(membership.agency, []).append(membership)
    form = ContactsForm(request.POST or None, agencies=by_agency, chosen=chasing.chosen_contacts(actor.scheme.pk))
    if request.method == "POST" and form.is_valid():
        for agency, members in by_agency.items():
            chosen = form.cleaned_data[agency.slug]
            chasing.choose_contacts(agency, [each for each in members if str(each.pk) in chosen], by=actor)
        messages.success(request, "Saved. Reminders go to whom you chose")
        return redirect("research_contacts")
    return render(request, "referrals/research_contacts.html", {"form": form, "agencies": list(by_agency)})


def _remind(request: HttpRequest, meeting: Meeting, matrix: returns.Matrix) -> None:
    if slug := request.POST.get("agency"):
        agencies = [found(Agency.objects.visible_to(request.actor), slug=slug)]
    else:
        waiting = [column.agency for column in matrix.waiting]
        reachable = chasing.contact_names(waiting)
        agencies = [agency for agency in waiting if agency.pk in reachable]
    chased = chasing.remind(meeting, agencies, by=request.actor)
    if told := [each for each in chased if each.people]:
        names = ", ".join(f"{each.agency.name} ({plural(each.people, 'person', 'people')})" for each in told)
        messages.success(request, f"Reminded {names}")
    for each in chased:
        if each.before is not None:
            messages.info(
                request, f"{each.agency.name} was reminded today at {time_words(each.before)}. You can again tomorrow"
            )
        elif not each.people:
            messages.warning(request, f"{each.agency.name} has nobody with an account here. Ask them yourself")
    if not chased:
        messages.info(request, "Nobody is waited for")
