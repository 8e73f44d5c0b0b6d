"""The live meeting: starting, recording item by item, taking over, closing. Every change is a form's POST."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from markupsafe import Markup

from iom import clock, walls
from iom.jinja import colour_key, colour_mark, colour_word, day_month, in_london, longday, plural
from iom.models import Meeting, MeetingStatus
from iom.pages import found, page
from iom.steps import Stale, StepRefused
from offenders import naming
from offenders.models import Colour
from panels import aside, escalations, live, presence, ratifying, recording, rerating, screen
from panels.attendance import quorum_of
from panels.chairing import chair_of, chairs
from panels.decide import add_to_item, decide, holding, ratify_everything
from panels.forms.late import LateItemForm
from panels.forms.live import Sheet, answers, read_quick_line, without_action
from panels.models import AgendaItem, Decision, ItemAction, ItemState, KeptWords, Outcome, Section, Vote
from panels.words import NOT_REACHED_WORDS, OUTCOME_WORDS, how_words, vote_words

from .at import of_papers

OVER = (MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
CHANGED_MEANWHILE = (
    "This item was changed after you opened it. What you typed is below and kept: check it, then save again."
)
KEPT_ASIDE = "What you type is kept for you and is not in the record."
# What is written of somebody in the record, where no victim is named.
TEXTS = (
    "reason",
    "reason_for_referrer",
    "lead_reason",
    "harm_words",
    "vote_note",
    "dissent",
    "note",
    "correction_reason",
    "text",
)


@page("panels.view_papers", methods=("GET", "POST"))
@of_papers
def live_meeting(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """One item at a time: rail, brief, record. Others than the recorder follow and change nothing.

    Until the minutes go to the chair, a decision is corrected on the same page.
    """
    correcting = meeting.status == MeetingStatus.MINUTES_DRAFTED and "change" in {**request.GET, **request.POST}
    if meeting.status != MeetingStatus.LIVE and not correcting:
        return _not_live(request, meeting)
    rail = _rail(request, meeting)
    if request.method == "POST":
        return _recorded(request, meeting, rail)
    return _show(request, meeting, rail, sheet=None)


@page("panels.record", methods=("POST",))
@of_papers
def start_meeting(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Go live; whoever starts records."""
    recording.start(meeting, by=request.actor)
    messages.success(request, "The meeting is live. You are recording")
    return redirect("live", meeting.key)


@page("panels.record", methods=("POST",))
@of_papers
def take_over(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Become the recorder."""
    meeting = recording.take_over(meeting, by=request.actor)
    if meeting.recorder_id == request.user.pk:
        messages.success(request, "You are recording now")
    else:
        messages.info(request, f"{meeting.recorder.name} has been asked to hand over. Load this page again in a minute")
    return redirect(_at(meeting, request.POST.get("item", "")))


@page("panels.record", methods=("POST",))
@of_papers
def hand_over(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The recorder's answer to whoever asks: they get the recording, or they do not."""
    if request.POST.get("answer") == "keep":
        recording.keep_recording(meeting, by=request.actor)
        messages.success(request, "You go on recording")
    else:
        meeting = recording.hand_over(meeting, by=request.actor)
        messages.success(request, f"{meeting.recorder.name} is recording now")
    return redirect(_at(meeting, request.POST.get("item", "")))


@page("panels.force_hand_over", methods=("POST",))
@of_papers
def force_hand_over(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The chair hands over when the recorder does not answer."""
    meeting = recording.force_hand_over(meeting, by=request.actor)
    messages.success(request, f"{meeting.recorder.name} is recording now")
    return redirect(_at(meeting, request.POST.get("item", "")))


@page("panels.record", methods=("POST",))
@of_papers
def ratify_all(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """One step for every decision made outside the meeting that is not ruled on yet."""
    try:
        made = ratify_everything(meeting, by=request.actor)
    except StepRefused as refused:
        messages.error(request, str(refused))
    else:
        waits = ". Without a quorum they are still to be ratified" if any(each.to_ratify for each in made) else ""
        messages.success(request, f"{plural(len(made), 'decision')} ratified{waits}")
    return redirect(_at(meeting, request.POST.get("item", "")))


@page("panels.record", methods=("POST",), once=False, kind="poll")
@of_papers
def heartbeat(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The open page of the recorder says that it is there, and hears whether somebody asks to take over."""
    mine = recording.renew(meeting, by=request.actor)
    asker = meeting.asks_to_record
    return JsonResponse(
        {
            "recording": mine,
            "recorder": meeting.recorder.name if meeting.recorder else "",
            "asks": asker.name if mine and asker else "",
        }
    )


@page("panels.record", methods=("POST",), kind="autosave")
@of_papers
def keep_draft(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Autosave: keep what is typed on an item as it stands, valid or not; of a page that names fields, those alone.

    Who no longer records keeps their words too, beside the record.
    """
    items = AgendaItem.objects.visible_to(request.actor).filter(meeting=meeting)
    item = found(items, number=request.POST.get("item") or "-")
    given = answers(request.POST)
    only = _typed_into(request.POST, given, item)
    try:
        recording.keep_draft(item, given, by=request.actor, only=only)
    except recording.NotRecording as lost:
        words = given if only is None else {name: given.get(name, "") for name in only}
        aside.keep(item, words, by=request.actor)
        return JsonResponse({"at": _time(), "aside": f"{lost.problems[0]} {KEPT_ASIDE}"})
    return JsonResponse({"at": _time()})


@page("panels.record", methods=("POST",))
@of_papers
def use_kept_words(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """What one had typed on an item before another took over: into the record again, or away."""
    mine = KeptWords.objects.visible_to(request.actor).filter(item__meeting=meeting)
    words = found(mine, item__number=request.POST.get("item") or "-")
    if request.POST.get("answer") == "delete":
        aside.forget(words, by=request.actor)
        messages.success(request, "Deleted")
    else:
        aside.put_into_record(words, by=request.actor)
        messages.success(request, "Put into the record of this item. Check it, then save")
    return redirect(_at(meeting, words.item.number))


@page("panels.record", methods=("GET", "POST"))
@of_papers
def close_meeting(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """What goes on to the next meeting, then "Close meeting"."""
    if meeting.status in OVER:
        return redirect("minutes", meeting.key)
    problems: list[str] = []
    if request.method == "POST":
        try:
            because = request.POST.get("because", "")
            recording.close(meeting, by=request.actor, because=because if because in NOT_REACHED_WORDS else "")
        except StepRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, "Meeting closed. The minutes are drafted")
            return redirect("minutes", meeting.key)
    carried = recording.carry_forward(meeting, seen_by=request.actor)
    context = {
        "meeting": meeting,
        "carried": carried,
        "problems": problems,
        "has_error": bool(problems),
        "heading": live.heading,
        "drafts": [unfinished for unfinished in carried.not_reached if unfinished.item.draft],
        "reviews": recording.first_reviews(meeting, carried),
        "next_reviews": recording.next_reviews(meeting, carried),
        "not_reached_words": NOT_REACHED_WORDS if any(each.goes_on for each in carried.not_reached) else (),
        "as_date": date.fromisoformat,
    }
    return render(request, "panels/close.html", context, status=409 if problems else 200)


# --- What the views share ----------------------------------------------------


def _not_live(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    if request.method == "POST":
        raise StepRefused([f"This meeting is {meeting.get_status_display().lower()}: nothing can be recorded in it."])
    if meeting.status in OVER:
        return redirect("minutes", meeting.key)
    if meeting.status != MeetingStatus.AGENDA_SENT:
        return redirect(meeting)
    return render(
        request,
        "panels/live_start.html",
        {
            "meeting": meeting,
            "quorum": quorum_of(meeting),
            "may_start": request.actor.can("panels.record", meeting),
            "is_chair": chairs(meeting, request.actor),
            "items": AgendaItem.objects.visible_to(request.actor).filter(meeting=meeting).numbered().count(),
            "today": clock.today(),
        },
    )


def _typed_into(posted: QueryDict, given: dict[str, Any], item: AgendaItem) -> set[str] | None:
    """The fields that somebody has typed into since the last save, as the page says; None when it does not say.

    A field that is named and not sent is no longer ticked.
    """
    named = posted.get("typed_into")
    return None if named is None else {name for name in named.split() if name in given or name in item.draft}


def _rail(request: HttpRequest, meeting: Meeting) -> live.Rail:
    number = request.POST.get("item", "") if request.method == "POST" else request.GET.get("item", "")
    rail = live.rail(request.actor, meeting, number)
    if rail is None:
        raise Http404
    return rail


def _sheet(request: HttpRequest, meeting: Meeting, item: AgendaItem, *, posted: bool = True) -> Sheet:
    item.meeting = meeting
    policy = live.rules_at(meeting)
    present = holding(item)
    said = live.said_of_actions(request.actor, item)
    brief = live.brief(request.actor, meeting, item, policy)
    sheet = Sheet(
        item,
        request.POST if posted else None,
        brief=brief,
        table=_table(request, meeting, item),
        policy=policy,
        look_at=live.actions_to_look_at(request.actor, meeting, item, said),
        said_before=[each for each in said if each.kind == ItemAction.Kind.REVIEWED],
        present=present,
        with_decision=present is None or _changes(request.POST if posted else request.GET),
    )
    if brief is not None:
        protected = naming.Protected(request.actor, [brief.person])
        for form in sheet.forms:
            naming.guard(form, protected, brief.person, *TEXTS)
    return sheet


def _changes(data: QueryDict) -> bool:
    """Whether a decided item is to be decided again.

    A decision posted again from a page that was open before, as with "back", is a correction too.
    """
    return bool({"change", "outcome", "note"} & set(data))


def _table(request: HttpRequest, meeting: Meeting, item: AgendaItem) -> live.Table:
    return live.table(request.actor, recording.next_meeting_day(meeting), at=item)


def _recorded(request: HttpRequest, meeting: Meeting, rail: live.Rail) -> HttpResponse:
    """What a button of the record form asks for."""
    if not request.actor.can("panels.record", meeting):
        raise PermissionDenied
    then = request.POST.get("then", "action")
    kept, questions = read_quick_line(answers(request.POST), _table(request, meeting, rail.item))
    only_adds = holding(rail.item) is not None and not _changes(request.POST)
    try:
        if then.startswith("remove-"):
            return _keep(request, meeting, rail, without_action(kept, _number(then)))
        if then == "action" and not (only_adds and _all_plain(kept) and not questions):
            return _keep(request, meeting, rail, kept)
        if questions:
            recording.keep_draft(rail.item, kept, by=request.actor)
            return _show(request, meeting, rail, sheet=None, problems=list(questions))
        return _save(request, meeting, rail, kept, then)
    except recording.NotRecording as lost:
        # Their words stand on the page beside what the new recorder has kept (security.md C1), and are kept for them.
        _keep_aside(request, rail.item, kept)
        raise Stale(found(AgendaItem.objects.visible_to(request.actor), pk=rail.item.pk), lost.problems[0]) from lost
    except StepRefused as refused:
        sheet = _sheet(_with(request, kept), meeting, rail.item)
        return _show(request, meeting, rail, sheet=sheet, problems=refused.problems)


def _keep(request: HttpRequest, meeting: Meeting, rail: live.Rail, kept: dict[str, Any]) -> HttpResponse:
    recording.keep_draft(rail.item, kept, by=request.actor)
    return redirect(_at(meeting, rail.item.number, change="change" in request.POST, anchor="quick"))


def _save(request: HttpRequest, meeting: Meeting, rail: live.Rail, kept: dict[str, Any], then: str) -> HttpResponse:
    """Save the decision, or the actions added to one, and go where the button leads."""
    sheet = _sheet(_with(request, kept), meeting, rail.item)
    if not sheet.is_valid():
        _keep_quietly(request, rail.item, kept)
        return _show(request, meeting, rail, sheet=sheet)
    try:
        if sheet.form is None:
            add_to_item(rail.item, tuple(sheet.new_actions()), by=request.actor)
            recording.keep_draft(rail.item, {}, by=request.actor)
        else:
            decide(rail.item, sheet.choice(version=_version(request), typed=kept), by=request.actor)
    except Stale:
        _keep_quietly(request, rail.item, kept)
        rail.item.refresh_from_db()
        return _show(request, meeting, rail, sheet=sheet, problems=[CHANGED_MEANWHILE], status=409)
    except StepRefused:
        _keep_quietly(request, rail.item, kept)
        raise
    messages.success(request, f"Saved {_time()}: item {rail.item.number}")
    if meeting.status != MeetingStatus.LIVE:
        return redirect(f"{reverse('minutes', args=[meeting.key])}#item-{rail.item.pk}")
    if then == "next" and rail.next_open is not None:
        screen.bring(meeting, rail.next_open, by=request.actor)
        return redirect(_at(meeting, rail.next_open.number))
    return redirect(_at(meeting, rail.item.number))


def _keep_aside(request: HttpRequest, item: AgendaItem, kept: dict[str, Any]) -> None:
    """Keep for themselves what somebody sent who does not record now, once the refusal is rolled back."""
    actor = request.actor
    same = {name: value for name, value in kept.items() if item.draft.get(name) != value}

    def keep() -> None:
        with walls.within(actor.scheme, by=actor):
            aside.keep(item, same, by=actor)

    walls.outlive(request, keep)


def _keep_quietly(request: HttpRequest, item: AgendaItem, kept: dict[str, Any]) -> None:
    """Keep what was typed where one may; where one may not, it is still on the page."""
    try:
        recording.keep_draft(item, kept, by=request.actor)
    except StepRefused:
        return


def _show(
    request: HttpRequest,
    meeting: Meeting,
    rail: live.Rail,
    *,
    sheet: Sheet | None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    item = rail.item
    live_now = meeting.status == MeetingStatus.LIVE
    may_record = request.actor.can("panels.record", meeting)
    recorder = may_record and (meeting.recorder_id == request.user.pk or not live_now)
    if sheet is None:
        if request.method == "POST":
            item.refresh_from_db(fields=["draft", "version", "state"])
        sheet = _sheet(request, meeting, item, posted=False)
    decision = sheet.present
    room = sheet.table.room
    said = live.said_of_actions(request.actor, item) if decision is not None else []
    context = {
        "meeting": meeting,
        "rail": rail,
        "item": item,
        "heading": live.heading(item),
        "brief": sheet.brief,
        "policy": live.rules_at(meeting),
        "sheet": sheet if recorder else None,
        "form": sheet.form if recorder else None,
        "decision": decision,
        "changing": decision is not None and sheet.form is not None and recorder,
        "may_undo": live_now and decision is not None and item.undo.get("decision") == decision.pk,
        "saved_last": next((line for line in rail.lines if line.item.undo and line.item.pk != item.pk), None)
        if recorder and live_now
        else None,
        "votes": list(decision.votes.select_related("agency")) if decision is not None and decision.motion else [],
        "agreed": [each for each in said if each.kind == ItemAction.Kind.AGREED],
        "looked_at": [each for each in said if each.kind == ItemAction.Kind.REVIEWED],
        "recording": recorder,
        "live_now": live_now,
        "may_take_over": live_now and may_record and not recorder,
        "asker": meeting.asks_to_record if live_now else None,
        "may_beat": recorder or (may_record and live_now and meeting.asks_to_record_id == request.user.pk),
        "late_form": LateItemForm(),
        "looked": False,
        "may_force": live_now
        and recording.unanswered(meeting)
        and request.actor.can("panels.force_hand_over", meeting),
        "quorum": room.quorum_at(item),
        "room": presence.block(meeting, item, [line.item for line in rail.lines], known=room),
        "room_open": item.section == Section.APOLOGIES and recorder,
        "chair": chair_of(meeting),
        "on_screen": not live_now or screen.item_on(meeting) == item,
        "timer": live.timer(meeting, item) if item.state == ItemState.OPEN else None,
        "problems": problems or [],
        "has_error": bool(problems) or any(form.errors for form in sheet.forms if form.is_bound),
        "apologies": item.section == Section.APOLOGIES,
        "to_ratify": sum(
            line.item.section == Section.OUTSIDE and line.item.state == ItemState.OPEN for line in rail.lines
        ),
    }
    context |= _kept_for_reader(request, meeting, sheet)
    if item.ratifies is not None:
        context |= ratifying.shown(item.ratifies)
    if item.is_about_rating:
        context |= rerating.shown(item)
    if told := escalations.told_on([item], meeting.date):
        context |= {"told": told[item.pk], "as_date": date.fromisoformat}
    if item.outside is not None:
        context |= {
            "outside": item.outside,
            "outside_words": OUTCOME_WORDS[item.outside.outcome],
            "consulted": list(item.outside.consulted.select_related("agency")),
            "open_words": ratifying.open_words(item.outside),
        }
    context |= _in_words(context)
    return render(request, "panels/live.html", context, status=status)


def _kept_for_reader(request: HttpRequest, meeting: Meeting, sheet: Sheet) -> dict[str, Any]:
    """What the reader had typed before another took over: on this item in words, on others where it is."""
    if not request.actor.holds("panels.record"):
        return {"aside": None, "aside_elsewhere": []}
    rows = aside.mine(request.actor, meeting)
    here = next((each for each in rows if each.item_id == sheet.item.pk), None)
    records = meeting.status == MeetingStatus.LIVE and meeting.recorder_id == request.user.pk
    words = {} if here is None else aside.not_in(sheet.item.draft, here) if records else here.words
    return {
        "aside": here if words else None,
        "aside_words": aside.in_words(words, sheet.forms),
        "aside_elsewhere": [each.item for each in rows if each is not here],
    }


def _in_words(context: dict[str, Any]) -> dict[str, Any]:
    """Ratings with their marks, the decision and the first review, as the templates show them."""
    decision, brief, policy = context["decision"], context["brief"], context["policy"]
    review = brief.review if brief else None
    marks = {str(each.colour): _mark(str(each.colour), each.name) for each in policy.ratings}
    stays = brief.rating.colour if brief and brief.rating else ""
    return {
        "decision_words": OUTCOME_WORDS[decision.outcome] if decision else "",
        "how_words": how_words(decision) if decision else "",
        "vote_words": _count,
        "colour_marks": marks,
        "outcome_marks": {Outcome.NO_CHANGE.value: Markup("No change: stays {}").format(marks[stays])}
        if stays in marks
        else {},
        "review": review,
        "review_words": _review_words(review) if review else "",
    }


def _count(decision: Decision, votes: list[Vote]) -> str:
    return vote_words(decision.motion, decision.outcome, [each.vote for each in votes], decision.casting_vote)


def _mark(colour: str, name: str) -> Markup:
    template = Markup('<span class="iom-rating iom-rating--{}"><span aria-hidden="true">{}</span> {}</span>')
    return template.format(
        colour_key(colour), colour_mark(colour), name if colour != Colour.BLUE else colour_word(colour)
    )


def _review_words(review: dict[str, str]) -> str:
    if review["meeting"]:
        return f"{review['label']}: {day_month(date.fromisoformat(review['meeting']))} panel."
    return f"{review['label']}: due {longday(date.fromisoformat(review['due']))}. No panel is planned yet."


def _with(request: HttpRequest, kept: dict[str, Any]) -> HttpRequest:
    """The same request with the answers as they are kept: the quick line may have become an action."""
    data = request.POST.copy()
    for name in [name for name in data if name.startswith("action-")]:
        del data[name]
    for name, value in kept.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    request.POST = data
    return request


def _all_plain(kept: dict[str, Any]) -> bool:
    """Whether every action that waits has an agency, a text and a day."""
    count = int(kept.get("actions") or 0)
    return count > 0 and all(
        kept.get(f"action-{number}-{name}") for number in range(count) for name in ("agency", "text", "due_on")
    )


def _version(request: HttpRequest) -> int | None:
    given = request.POST.get("version", "")
    # No version at all is no version that was seen.
    return int(given) if given.isdecimal() else 0


def _number(then: str) -> int:
    digits = then.removeprefix("remove-")
    return int(digits) if digits.isdecimal() and len(digits) < 4 else -1


def _time() -> str:
    return f"{in_london(clock.now()):%H:%M:%S}"


def _at(meeting: Meeting, number: str, *, change: bool = False, anchor: str = "") -> str:
    """The address of an item in the live meeting."""
    query = {"item": number} | ({"change": "1"} if change else {}) if number else {}
    base = reverse("live", args=[meeting.key])
    return base + (f"?{urlencode(query)}" if query else "") + (f"#{anchor}" if anchor else "")
