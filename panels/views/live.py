"""The live meeting: starting, recording item by item, taking over, closing. Every change is a form's POST."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from markupsafe import Markup

from actionplans.models import Action
from iom import clock, together, walls
from iom.jinja import colour_key, colour_mark, colour_word, day_month, in_london, longday, plural
from iom.models import Meeting, MeetingStatus
from iom.pages import found, page
from iom.policy import Policy
from iom.steps import Stale, StepRefused
from offenders import naming
from offenders.models import Colour, Offender
from panels import aside, escalations, live, presence, ratifying, recording, rerating, saving, screen
from panels.attendance import quorum_of
from panels.chairing import chairs
from panels.decide import add_to_item, decide, holding, holding_steps, ratify_everything
from panels.forms.late import LateItemForm
from panels.forms.live import Sheet, answers, read_quick_line, without_action
from panels.models import (
    AgendaItem,
    Consulted,
    Decision,
    FundingRuling,
    ItemAction,
    ItemState,
    KeptWords,
    Outcome,
    Section,
    Vote,
)
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
    if request.method == "POST":
        return _recorded(request, meeting)
    return _show(request, _page(request, meeting), sheet=None)


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
    item = together.run(recording.to_keep_steps(request.actor, meeting, request.POST.get("item") or "-"))
    if item is None:
        raise Http404
    item.meeting.scheme = item.meeting.body.scheme = meeting.scheme
    given = answers(request.POST)
    only = _typed_into(request.POST, given, item)
    try:
        recording.keep_locked(item, given, by=request.actor, only=only)
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


@dataclass(frozen=True, slots=True)
class _Page:
    """The live meeting at one item: what stands around it, and what only the page shows."""

    meeting: Meeting
    policy: Policy
    around: live.Around
    on_screen: AgendaItem | None
    kept: list[KeptWords]

    @property
    def rail(self) -> live.Rail:
        return self.around.rail

    @property
    def item(self) -> AgendaItem:
        return self.around.rail.item


def _page(request: HttpRequest, meeting: Meeting) -> _Page:
    number = request.POST.get("item", "") if request.method == "POST" else request.GET.get("item", "")
    policy, actor = live.rules_at(meeting), request.actor
    found = together.run(
        together.all_of(
            {
                "around": live.around_steps(actor, meeting, number, policy),
                "on_screen": screen.item_on_steps(meeting) if meeting.status == MeetingStatus.LIVE else None,
                "kept": together.asked(lambda: aside.mine(actor, meeting)) if actor.holds("panels.record") else [],
            }
        )
    )
    if found["around"] is None:
        raise Http404
    return _Page(meeting, policy, **found)


@dataclass(frozen=True, slots=True)
class _About:
    """What is read of the item itself."""

    present: Decision | None
    brief: live.Brief | None
    said: list[ItemAction]
    look_at: list[Action]
    votes: list[Vote]
    rulings: list[FundingRuling]
    consulted: list[Consulted]
    told: dict[str, Any] | None
    between: dict[str, object]

    def of_actions(self, kind: ItemAction.Kind) -> list[ItemAction]:
        return [each for each in self.said if each.kind == kind]


def _about(request: HttpRequest, page: _Page) -> _About:
    actor, meeting, item = request.actor, page.meeting, page.item

    def of_item() -> list[together.Read]:
        rulings = FundingRuling.objects.visible_to(actor).filter(decision__item=item)
        return [
            live.said_of_actions(actor, item),
            live.actions_to_look_at(actor, meeting, item),
            Vote.objects.visible_to(actor).filter(decision__item=item).select_related("agency"),
            rulings.select_related("funding"),
            live.consulted_on(item),
        ]

    found = together.run(
        together.all_of(
            {
                "present": holding_steps(item),
                "brief": live.brief_steps(actor, meeting, item, page.policy, page.around),
                "of_item": together.asked(of_item),
                "told": escalations.told_steps(item, meeting.date),
                "between": rerating.shown_steps(item) if item.is_about_rating else {},
            }
        )
    )
    said, look_at, votes, rulings, consulted = found.pop("of_item")
    return _About(said=said, look_at=look_at, votes=votes, rulings=rulings, consulted=consulted, **found)


def _sheet(request: HttpRequest, page: _Page, about: _About, *, posted: bool = True) -> Sheet:
    sheet = Sheet(
        page.item,
        request.POST if posted else None,
        brief=about.brief,
        table=page.around.table,
        policy=page.policy,
        look_at=about.look_at,
        said_before=about.of_actions(ItemAction.Kind.REVIEWED),
        present=about.present,
        with_decision=about.present is None or _changes(request.POST if posted else request.GET),
    )
    if about.brief is not None:
        person = about.brief.person
        _guard(sheet, naming.Protected(request.actor, [person]), person)
    return sheet


def _guard(sheet: Sheet, protected: naming.Protected, person: Offender) -> None:
    for form in sheet.forms:
        naming.guard(form, protected, person, *TEXTS)


def _changes(data: QueryDict) -> bool:
    """Whether a decided item is to be decided again.

    A decision posted again from a page that was open before, as with "back", is a correction too.
    """
    return bool({"change", "outcome", "note"} & set(data))


def _recorded(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """What a button of the record form asks for."""
    actor, then = request.actor, request.POST.get("then", "action")
    policy = live.rules_at(meeting)
    desk = together.run(saving.desk_steps(actor, meeting, policy, request.POST, goes_on=then == "next"))
    if desk is None:
        raise Http404
    if not actor.can("panels.record", meeting):
        raise PermissionDenied
    kept, questions = read_quick_line(answers(request.POST), desk.table)
    try:
        if then.startswith("remove-"):
            return _keep(request, desk, without_action(kept, _number(then)))
        if then == "action" and not (_all_plain(kept) and not questions and _only_adds(request, desk.item)):
            return _keep(request, desk, kept)
        if questions:
            page = _page(request, meeting)
            recording.keep_draft(desk.item, kept, by=actor)
            return _show(request, page, sheet=None, problems=list(questions))
        return _save(request, desk, kept, then)
    except recording.NotRecording as lost:
        # Their words stand on the page beside what the new recorder has kept (security.md C1), and are kept for them.
        _keep_aside(request, desk.item, kept)
        raise Stale(found(AgendaItem.objects.visible_to(actor), pk=desk.item.pk), lost.problems[0]) from lost
    except StepRefused as refused:
        page, about, sheet = _refused(request, meeting, kept)
        return _show(request, page, sheet=sheet, about=about, problems=refused.problems)


def _only_adds(request: HttpRequest, item: AgendaItem) -> bool:
    """Whether the item is decided, and what is posted does not decide it again."""
    return not _changes(request.POST) and holding(item) is not None


def _keep(request: HttpRequest, desk: saving.Desk, kept: dict[str, Any]) -> HttpResponse:
    recording.keep_draft(desk.item, kept, by=request.actor)
    return redirect(_at(desk.meeting, desk.item.number, change="change" in request.POST, anchor="quick"))


def _save(request: HttpRequest, desk: saving.Desk, kept: dict[str, Any], then: str) -> HttpResponse:
    """Save the decision, or the actions added to one, and go where the button leads."""
    meeting, item, sheet = desk.meeting, desk.item, _to_save(_with(request, kept), desk)
    if not sheet.is_valid():
        page, about, sheet = _refused(request, meeting, kept)
        _keep_quietly(request, item, kept)
        return _show(request, page, sheet=sheet, about=about)
    try:
        if sheet.form is None:
            add_to_item(item, tuple(sheet.new_actions()), by=request.actor)
            recording.keep_draft(item, {}, by=request.actor)
        else:
            decide(item, sheet.choice(version=_version(request), typed=kept), by=request.actor)
    except Stale:
        page, about, sheet = _refused(request, meeting, kept)
        _keep_quietly(request, item, kept)
        page.item.refresh_from_db()
        page.item.meeting = meeting
        return _show(request, page, sheet=sheet, about=about, problems=[CHANGED_MEANWHILE], status=409)
    except StepRefused:
        _keep_quietly(request, item, kept)
        raise
    messages.success(request, f"Saved {_time()}: item {item.number}")
    if meeting.status != MeetingStatus.LIVE:
        return redirect(f"{reverse('minutes', args=[meeting.key])}#item-{item.pk}")
    if then == "next" and desk.next_open is not None:
        screen.bring(meeting, desk.next_open, by=request.actor)
        return redirect(_at(meeting, desk.next_open.number))
    return redirect(_at(meeting, item.number))


def _to_save(request: HttpRequest, desk: saving.Desk) -> Sheet:
    """What was posted, beside as much as it is checked against: it is shown to nobody."""
    of_item = together.run(saving.of_item_steps(request.actor, desk, request.POST))
    sheet = Sheet(
        desk.item,
        request.POST,
        brief=of_item.asked,
        table=desk.table,
        policy=desk.policy,
        look_at=of_item.look_at,
        present=of_item.present,
        with_decision=of_item.present is None or _changes(request.POST),
    )
    if of_item.asked is not None and of_item.protected is not None:
        _guard(sheet, of_item.protected, of_item.asked.person)
    return sheet


def _refused(request: HttpRequest, meeting: Meeting, kept: dict[str, Any]) -> tuple[_Page, _About, Sheet]:
    """The whole page, with what was posted on it."""
    page = _page(request, meeting)
    about = _about(request, page)
    return page, about, _sheet(_with(request, kept), page, about)


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
    page: _Page,
    *,
    sheet: Sheet | None,
    about: _About | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    meeting, rail, item = page.meeting, page.rail, page.item
    live_now = meeting.status == MeetingStatus.LIVE
    may_record = request.actor.can("panels.record", meeting)
    recorder = may_record and (meeting.recorder_id == request.user.pk or not live_now)
    if sheet is None:
        if request.method == "POST":
            item.refresh_from_db(fields=["draft", "version", "state"])
        about = _about(request, page)
        sheet = _sheet(request, page, about, posted=False)
    decision = sheet.present
    room = page.around.sitting.room
    context = {
        "meeting": meeting,
        "rail": rail,
        "item": item,
        "heading": live.heading(item),
        "brief": sheet.brief,
        "policy": page.policy,
        "sheet": sheet if recorder else None,
        "form": sheet.form if recorder else None,
        "decision": decision,
        "changing": decision is not None and sheet.form is not None and recorder,
        "may_undo": live_now and decision is not None and item.undo.get("decision") == decision.pk,
        "saved_last": next((line for line in rail.lines if line.item.undo and line.item.pk != item.pk), None)
        if recorder and live_now
        else None,
        "votes": [each for each in about.votes if decision is not None and decision.motion and _of(decision, each)],
        "rulings": [each for each in about.rulings if decision is not None and _of(decision, each)],
        "agreed": about.of_actions(ItemAction.Kind.AGREED) if decision is not None else [],
        "looked_at": about.of_actions(ItemAction.Kind.REVIEWED) if decision is not None else [],
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
        "room": presence.block_of(page.around.sitting, item, [line.item for line in rail.lines]),
        "room_open": item.section == Section.APOLOGIES and recorder,
        "chair": page.around.chair,
        "on_screen": not live_now or page.on_screen == item,
        "timer": live.timer(page.around.began, item) if item.state == ItemState.OPEN else None,
        "problems": problems or [],
        "has_error": bool(problems) or any(form.errors for form in sheet.forms if form.is_bound),
        "apologies": item.section == Section.APOLOGIES,
        "to_ratify": sum(
            line.item.section == Section.OUTSIDE and line.item.state == ItemState.OPEN for line in rail.lines
        ),
    }
    context |= _kept_for_reader(request, page, sheet)
    if item.ratifies is not None:
        context |= ratifying.shown(item.ratifies)
    context |= about.between
    if about.told is not None:
        context |= {"told": about.told, "as_date": date.fromisoformat}
    if item.outside is not None:
        context |= {
            "outside": item.outside,
            "outside_words": OUTCOME_WORDS[item.outside.outcome],
            "consulted": about.consulted,
            "open_words": ratifying.open_words(item.outside),
        }
    context |= _in_words(context)
    return render(request, "panels/live.html", context, status=status)


def _of(decision: Decision, row: Vote | FundingRuling) -> bool:
    return row.decision_id == decision.pk


def _kept_for_reader(request: HttpRequest, page: _Page, sheet: Sheet) -> dict[str, Any]:
    """What the reader had typed before another took over: on this item in words, on others where it is."""
    if not request.actor.holds("panels.record"):
        return {"aside": None, "aside_elsewhere": []}
    rows, meeting = page.kept, page.meeting
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
