"""Nominating someone: the list, the questions before it starts, the task list and its sections, check and send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import clock
from iom.access import Actor
from iom.blocks import referral_blocks
from iom.jinja import clock as clock_words
from iom.jinja import day_month
from iom.pages import found, page
from iom.stale import version_of
from iom.steps import Stale, StepRefused, obstacles
from offenders import likeness, naming, transfers
from offenders.alike import Person
from offenders.models import Offender, TransferStatus, YouthTransfer
from referrals import actions, again, deciding, engagement, explaining, matches, prefill, scoring, sections
from referrals.answers import cards, section_rows
from referrals.forms.again import AgainForm
from referrals.forms.nomination import (
    FORMS,
    KnownForm,
    LateForm,
    ReopenForm,
    SectionForm,
    SendForm,
    StartForm,
    WithdrawForm,
)
from referrals.models import OPEN, Presentation, Referral, ReferralStatus
from referrals.sections import BY_SLUG, LATE, PANEL, PERSON, SECTIONS, WHY, Section
from referrals.transitions import RESEND, SEND, WITHDRAW
from referrals.views.again import address as again_address
from referrals.views.again import again_page, transfer_of

PER_PAGE = 25
# Sections in which people write what the panel reads: no victim is named there.
WRITTEN = ("offending", "harm", "needs", "late")
SHOWS = {
    "drafts": ("Drafts", [ReferralStatus.DRAFT, ReferralStatus.RETURNED]),
    "sent": (
        "Sent",
        [
            ReferralStatus.SENT,
            ReferralStatus.WITH_COORDINATOR,
            ReferralStatus.ON_AGENDA,
            ReferralStatus.DEFERRED,
        ],
    ),
    "decided": (
        "Decided",
        [
            ReferralStatus.ACCEPTED,
            ReferralStatus.NOT_ACCEPTED,
            ReferralStatus.REFERRED_ELSEWHERE,
            ReferralStatus.WITHDRAWN,
        ],
    ),
}


# --- The list ---------------------------------------------------------------


@page("referrals.view_referrals")
def referrals(request: HttpRequest) -> HttpResponse:
    """One's own and one's agency's; the coordinator's office sees every one that was sent."""
    rows = Referral.objects.visible_to(request.actor)
    counts = rows.aggregate(
        **{show: Count("pk", filter=Q(status__in=statuses)) for show, (_, statuses) in SHOWS.items()}
    )
    show = request.GET.get("show", "")
    if show not in SHOWS:
        # Whoever triages looks at what came in; whoever nominates, at what is not finished.
        first = ["sent", *SHOWS] if request.actor.has_role("coordinator", "chair") else list(SHOWS)
        show = next((name for name in first if counts[name]), "drafts")
    chosen = rows.filter(status__in=SHOWS[show][1]).for_list()
    return render(
        request,
        "referrals/list.html",
        {
            "tabs": [
                {"text": text, "href": f"?show={name}", "current": name == show, "count": counts[name]}
                for name, (text, _) in SHOWS.items()
            ],
            "show": show,
            "page": Paginator(chosen, PER_PAGE).get_page(request.GET.get("page")),
            "any": any(counts.values()),
            "panels": deciding.panels_for(request.actor.scheme),
        },
    )


# --- Before it starts -------------------------------------------------------


@page("referrals.nominate", methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """What is needed, whether the scheme can take the person at all, and whether they are known already."""
    actor, transfer = request.actor, transfer_of(request)
    if transfer is not None and transfer.status != TransferStatus.WAITING:
        return redirect(transfer)
    initial = transfers.who(transfer) if transfer else _young(request)
    form = StartForm(actor.scheme.policy, request.POST or None, initial=initial)
    if request.method != "POST" or not form.is_valid():
        return _new_page(request, form)
    reopening = ReopenForm(request.POST if "reopened_because" in request.POST else None)
    barred = actions.barred_words(actor.scheme.policy, form.mappa_level, form.facts, form.nominated_for)
    may_reopen = actor.holds("referrals.reopen_excluded")
    if barred and not (may_reopen and reopening.is_valid()):
        context = {"start": form, "form": reopening, "problems": barred, "may_reopen": may_reopen}
        return render(request, "referrals/mappa_stop.html", context)
    return _unless_known(request, form, reopening.cleaned_data["reopened_because"] if barred else "")


def _young(request: HttpRequest) -> dict[str, Any]:
    """Whose move to adult services leads here (Hampshire, Transfer Process): nobody types a name again."""
    reference = request.GET.get("youth", "")
    if not reference:
        return {}
    held = found(YouthTransfer.objects.visible_to(request.actor).select_related("offender"), reference=reference)
    return {name: getattr(held.offender, name) for name in ("given_names", "family_name", "date_of_birth")}


def _new_page(request: HttpRequest, form: StartForm) -> HttpResponse:
    scheme = request.actor.scheme
    context = {
        "form": form,
        "policy": scheme.policy,
        "panels": deciding.panels_for(scheme),
        "transfer": transfer_of(request),
        "may_record": request.actor.holds("offenders.record_transfer") and scheme.policy.transfers.moved_in,
    }
    return render(request, "referrals/new.html", context)


def _unless_known(request: HttpRequest, form: StartForm, reopened_because: str) -> HttpResponse:
    """Ask whether one of those who look alike is meant; begin once that is answered or nobody does."""
    alike = matches.look_for(_entered(request, form), request.actor)
    eligible = {str(m.offender.pk): m.offender for m in alike.shown if m.can_be_nominated}
    people = [(pk, f"Yes, {offender.name}") for pk, offender in eligible.items()]
    known = KnownForm(people, request.POST if "match" in request.POST else None)
    person: Any = form.person
    if alike.shown:
        if not known.is_valid():
            return _known_page(request, form, known, alike, reopened_because)
        person = eligible.get(known.cleaned_data["match"], person)
        if isinstance(person, Offender) and (past := again.history(request.actor, person)):
            return again_page(request, past[0].thing, AgainForm.after(form), past)
    try:
        referral = actions.nominate(
            by=request.actor,
            person=person,
            mappa_level=form.mappa_level,
            facts=form.facts,
            reopened_because=reopened_because,
            noted_matches=alike.noted,
            criteria=form.nominated_for,
            transfer=transfer_of(request),
        )
    except StepRefused as refused:
        asked = known if known.is_bound else form
        for problem in refused.problems:
            asked.add_error(None, problem)
        if asked is known:
            return _known_page(request, form, known, alike, reopened_because)
        return _new_page(request, form)
    # Straight on to the first question; "All sections" leads to the list.
    return redirect("referral_section", referral.reference, SECTIONS[0].slug)


def _entered(request: HttpRequest, form: StartForm) -> Person:
    """Who is meant, with what another scheme shared besides names and date of birth."""
    transfer = transfer_of(request)
    return likeness.entered(**form.person, **(transfers.identity(transfer) if transfer else {}))


def _known_page(
    request: HttpRequest, form: StartForm, known: KnownForm, alike: matches.Matches, reopened_because: str
) -> HttpResponse:
    entered = _entered(request, form)
    context = {
        "start": form,
        "form": known,
        "matches": [(each, matches.side_by_side(entered, each), *_certainty(each)) for each in alike.shown],
        "can_be_meant": any(each.can_be_nominated for each in alike.shown),
        "reopened_because": reopened_because,
    }
    return render(request, "referrals/known.html", context)


def _certainty(match: matches.Match) -> tuple[str, str]:
    return matches.CERTAINTY[match.likeness.certainty]


# --- The task list ----------------------------------------------------------


@page("referrals.view_referral")
def referral(request: HttpRequest, reference: str) -> HttpResponse:
    """The task list while it is being written; afterwards what was sent, and where it stands."""
    thing = _visible(request.actor, reference)
    if not _may_edit(request.actor, thing):
        return render(request, "referrals/show.html", _shown(request.actor, thing))
    panels = deciding.panels_for(thing.scheme, criteria=thing.criteria)
    return render(
        request,
        "referrals/hub.html",
        {
            "referral": thing,
            "groups": [(group, _tasks(thing, group, panels)) for group in (PERSON, WHY, PANEL)],
            "done": len(SECTIONS) - len(sections.unfinished(thing)),
            "all": len(SECTIONS),
            "panels": panels,
            "deadline": _deadline(thing, panels),
            "past": _before(request.actor, thing),
        },
    )


def _before(actor: Actor, thing: Referral) -> tuple[again.Past, ...]:
    """What a nomination follows, for whoever reads it; nothing unless somebody is nominated again."""
    return again.history(actor, thing.offender, but=thing) if thing.follows_id or thing.follows_case_id else ()


def _tasks(thing: Referral, group: str, panels: deciding.Panels) -> list[dict[str, str]]:
    rows = [section for section in SECTIONS if section.group == group]
    tasks = [_task(section, sections.status(section, thing), thing) for section in rows]
    if group == PANEL and _asks_why_urgent(thing, panels):
        status = sections.COMPLETED if thing.urgent_reason else sections.NOT_STARTED
        tasks.append(_task(LATE, status, thing))
    return tasks


def _task(section: Section, status: str, thing: Referral) -> dict[str, str]:
    states = {sections.COMPLETED: "done", sections.IN_PROGRESS: "started", sections.NOT_STARTED: "new"}
    return {
        "title": section.title,
        "href": reverse("referral_section", args=[thing.reference, section.slug]),
        "status": status,
        "state": states[status],
    }


def _asks_why_urgent(thing: Referral, panels: deciding.Panels) -> bool:
    """Only once the deadline of the panel that it should go to has passed."""
    return not deciding.in_time(thing) and thing.meeting in panels.closed


def _deadline(thing: Referral, panels: deciding.Panels) -> dict[str, Any]:
    """What to say about when it must be sent: the meeting, its closing day, and what is still possible after it."""
    meeting = thing.meeting if deciding.still_to_come(thing.meeting) else panels.open
    late = meeting is not None and meeting in panels.closed and not deciding.in_time(thing)
    return {
        "meeting": meeting,
        "closes": deciding.closing(meeting).date if meeting else None,
        "late": late,
        "undecided": late and not thing.urgent_reason,
        "next": panels.open,
        "can_be_urgent": bool(panels.urgent),
    }


# --- The sections -----------------------------------------------------------


@page("referrals.view_referral", methods=("GET", "POST"))
def section(request: HttpRequest, reference: str, task: str) -> HttpResponse:
    """One question set. "Save and continue" goes on to the next unfinished section, "come back later" to the list."""
    thing, part = _visible(request.actor, reference), BY_SLUG.get(task)
    if part is None:
        raise Http404
    if not _may_edit(request.actor, thing):
        return redirect(thing)
    if request.method != "POST":
        found = prefill.before(thing, request.actor)
        form = _section_form(request, part, thing, known=prefill.known(part, found))
        return _section_page(request, thing, part, form, before=found)
    try:
        if request.headers.get("X-Autosave"):
            return _autosave(request, thing, part)
        return _save(request, thing, part)
    except Stale:
        return _somebody_was_faster(request, thing, part)


def _section_form(
    request: HttpRequest,
    part: Section,
    thing: Referral,
    data: Any = None,
    *,
    partial: bool = False,
    known: Mapping[str, prefill.Known] | None = None,
) -> SectionForm:
    extra = (
        {"panels": deciding.panels_for(thing.scheme, criteria=thing.criteria)} if FORMS[part.slug] is LateForm else {}
    )
    form = FORMS[part.slug](data, referral=thing, partial=partial, known=known, **extra)
    if part.slug in WRITTEN:
        naming.guard(form, naming.Protected(request.actor, [thing.offender]), thing.offender)
    return form


def _save(request: HttpRequest, thing: Referral, part: Section) -> HttpResponse:
    form = _section_form(request, part, thing, request.POST)
    if "later" not in request.POST and form.is_valid():
        _keep(request, thing, part, form, done=True)
        return redirect(_after(request, thing, part))
    partial, thing = _keep_so_far(request, thing, part)
    if "later" in request.POST:
        messages.success(
            request, "Saved." if not partial.errors else "Saved as you typed it. Some of it still needs putting right."
        )
        return redirect(thing)
    return _section_page(request, thing, part, form)


def _autosave(request: HttpRequest, thing: Referral, part: Section) -> HttpResponse:
    _, thing = _keep_so_far(request, thing, part)
    return JsonResponse({"at": clock_words(clock.now()), "fields": {"version": thing.version}})


def _keep_so_far(request: HttpRequest, thing: Referral, part: Section) -> tuple[SectionForm, Referral]:
    """Store what can be stored and keep the rest as it was typed; a finished section stays so while it is whole."""
    partial = _section_form(request, part, thing, request.POST, partial=True)
    partial.is_valid()
    whole = part.slug in thing.sections_done and _section_form(request, part, thing, request.POST).is_valid()
    return partial, _keep(request, thing, part, partial, done=whole)


def _keep(request: HttpRequest, thing: Referral, part: Section, form: SectionForm, *, done: bool) -> Referral:
    return actions.save_section(
        thing,
        part,
        by=request.actor,
        version=version_of(request.POST),
        done=done,
        typed=form.left_over(),
        **form.answers(),
    )


def _after(request: HttpRequest, thing: Referral, part: Section) -> str:
    """Back to the check page when a Change link led here; else the next unfinished section, and then the check page."""
    thing = _visible(request.actor, thing.reference)
    following = sections.after(part, thing)
    if request.GET.get("from") == "check" or following is None:
        return reverse("referral_check", args=[thing.reference])
    return reverse("referral_section", args=[thing.reference, following.slug])


def _somebody_was_faster(request: HttpRequest, thing: Referral, part: Section) -> HttpResponse:
    """Keep both: what is stored now, and what was typed, which saving again puts in its place (security.md C1)."""
    if request.headers.get("X-Autosave"):
        words = "This referral was changed in another window. Use Save and continue to compare and keep yours."
        return JsonResponse({"message": words}, status=409)
    thing = _visible(request.actor, thing.reference)
    form = _section_form(request, part, thing, request.POST)
    form.is_valid()
    return _section_page(request, thing, part, form, stored=section_rows(thing, part), status=409)


def _section_page(
    request: HttpRequest,
    thing: Referral,
    part: Section,
    form: SectionForm,
    *,
    before: prefill.Before | None = None,
    stored: list[dict[str, Any]] | None = None,
    status: int = 200,
) -> HttpResponse:
    before = before or prefill.before(thing, request.actor)
    return render(
        request,
        "referrals/section.html",
        {
            "referral": thing,
            "section": part,
            "form": form,
            "policy": thing.scheme.policy,
            "criteria": scoring.criteria_of(thing),
            "panels": getattr(form, "panels", None),
            "stored": stored,
            "held": prefill.held(part, before),
            "before": before,
            "place": sections.SLUGS.index(part.slug) + 1 if part.slug in sections.SLUGS else None,
            "all": len(SECTIONS),
        },
        status=status,
    )


# --- Check and send ---------------------------------------------------------


@page("referrals.view_referral", methods=("GET", "POST"))
def check(request: HttpRequest, reference: str) -> HttpResponse:
    """Everything on one page, with links that lead back here; the declaration; the button that sends it."""
    thing = _visible(request.actor, reference)
    if not _may_edit(request.actor, thing):
        return redirect(thing)
    form = SendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.send(thing, by=request.actor, version=version_of(request.POST))
        except StepRefused:
            thing = _visible(request.actor, reference)
        except Stale:
            thing = _visible(request.actor, reference)
            form.add_error(None, "This referral was changed in another window. Check it again before you send it.")
        else:
            return redirect("referral_sent", reference=thing.reference)
    panels = deciding.panels_for(thing.scheme, criteria=thing.criteria)
    return render(
        request,
        "referrals/check.html",
        {
            "referral": thing,
            "form": form,
            "cards": cards(thing, change=True),
            "problems": _unfinished_links(thing) if request.method == "POST" else [],
            "left": _unfinished_links(thing),
            "deadline": _deadline(thing, panels),
            "panels": panels,
        },
    )


def _unfinished_links(thing: Referral) -> list[dict[str, str]]:
    """What is in the way of sending, each with the page where it is put right."""
    links = [
        {"text": f"Finish: {part.title}", "href": reverse("referral_section", args=[thing.reference, part.slug])}
        for part in sections.unfinished(thing)
    ]
    step = RESEND if thing.status == ReferralStatus.RETURNED else SEND
    words = next((guard(thing) for guard in step.guards[1:]), None)
    if words:
        links.append({"text": words, "href": reverse("referral_section", args=[thing.reference, LATE.slug])})
    return links


@page("referrals.view_referral")
def sent(request: HttpRequest, reference: str) -> HttpResponse:
    """What was sent, and what happens next, with dates."""
    thing = _visible(request.actor, reference)
    if thing.sent_at is None:
        raise Http404
    return render(
        request,
        "referrals/sent.html",
        {"referral": thing, "dates": thing.meeting.dates if thing.meeting else None, "policy": thing.scheme.policy},
    )


@page("referrals.view_referral", methods=("GET", "POST"))
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """Take a nomination back, with a reason, after a page that says what that means."""
    thing = _visible(request.actor, reference)
    if not request.actor.can(WITHDRAW.permission, thing):
        raise Http404
    form = WithdrawForm(request.POST or None, sent=thing.sent_at is not None)
    problems = obstacles(WITHDRAW, thing)
    if request.method == "POST" and form.is_valid():
        try:
            actions.withdraw(
                thing, by=request.actor, reason=form.cleaned_data["reason"], version=version_of(request.POST)
            )
        except StepRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, f"Referral {thing.reference} withdrawn.")
            return redirect("referrals")
    return render(request, "referrals/withdraw.html", {"referral": thing, "form": form, "problems": problems})


# --- Shared -----------------------------------------------------------------


def _visible(actor: Actor, reference: str) -> Referral:
    thing = found(Referral.objects.visible_to(actor).for_list(), reference=reference)
    # One scheme, one policy: what the request has parsed already serves the whole page.
    thing.scheme = actor.scheme
    if thing.meeting:
        thing.meeting.scheme = actor.scheme
    return thing


def _may_edit(actor: Actor, thing: Referral) -> bool:
    return thing.status in actions.EDITABLE and actor.can("referrals.edit_referral", thing)


def _shown(actor: Actor, thing: Referral) -> dict[str, Any]:
    return {
        "referral": thing,
        "cards": cards(thing, change=False),
        "explained": explaining.explain(actor, thing) if thing.is_open else None,
        "finding_words": scoring.summary(scoring.find(thing)) if thing.is_open else "",
        "past": _before(actor, thing),
        "again": again_address(thing) if again.may_follow(actor, thing) else "",
        "present": _booking(actor, thing),
        "may_withdraw": thing.status in OPEN and actor.can(WITHDRAW.permission, thing),
        "may_triage": thing.status in OPEN and actor.can("referrals.triage", thing),
        "next_date": next_date(thing, actor),
        "blocks": referral_blocks(actor, thing, clock.today()),
        "met": engagement.latest(thing.offender, actor.scheme.policy),
    }


def _booking(actor: Actor, thing: Referral) -> Presentation | None:
    """The meeting at which whoever nominated presents this, for everybody who reads the nomination."""
    rows = Presentation.objects.visible_to(actor).filter(referral=thing, cancelled_at=None)
    booked = rows.select_related("meeting__body", "proposer__user").first() if thing.is_open else None
    if booked is not None:
        booked.meeting.scheme = booked.meeting.body.scheme = actor.scheme
    return booked


def next_date(thing: Referral, actor: Actor) -> str:
    """What the referrer can expect next, in a line."""
    waiting_for = "you" if thing.referrer.user_id == actor.user.pk else thing.agency.name
    panel = f"the panel of {day_month(thing.meeting.date)}" if thing.meeting else "a panel"
    words = {
        ReferralStatus.SENT: f"With the coordinator, for {panel}",
        ReferralStatus.WITH_COORDINATOR: f"With the coordinator, for {panel}",
        ReferralStatus.ON_AGENDA: f"Goes to {panel}",
        ReferralStatus.DEFERRED: "Put off to a later panel",
        ReferralStatus.RETURNED: f"Waiting for more information from {waiting_for}",
    }
    return words.get(ReferralStatus(thing.status), "")
