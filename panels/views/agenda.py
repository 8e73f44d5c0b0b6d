"""Building an agenda and sending it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import audit, clock, together, typeset
from iom.jinja import day_month
from iom.models import Agency, Meeting, MeetingStatus
from iom.models.dates import dates_steps
from iom.pages import found, page
from iom.steps import StepRefused, obstacles
from offenders.models import Case
from panels import agenda, agenda_pack, changes, circulation, concerned, live
from panels.forms.agenda import AddItemForm, ArrangeForm, GroupForm, MinutesForm, MoveForm, RefuseLateForm
from panels.models import AgendaItem, Section
from panels.navigation import pages_of
from panels.papers import Papers, items_for, papers, papers_steps
from panels.readiness import readiness, readiness_steps
from panels.slots import slots
from panels.suggesting import Suggested, add_suggested, suggestions, suggestions_steps
from panels.transitions import OPEN_TO_ITEMS, SEND_AGENDA
from referrals.models import Referral

from .at import of_papers

# More items than this in a section are folded, and ordered by typing a place instead of choosing it.
FOLD_FROM = 15
REMOVED = "agenda_removed"


@page("panels.build_agenda")
@of_papers
def build_agenda(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The agenda with its sections, times, checks and suggestions."""
    return _builder(request, meeting, AddItemForm(meeting=meeting))


def _builder(request: HttpRequest, meeting: Meeting, form: AddItemForm) -> HttpResponse:
    takes_items = meeting.status in OPEN_TO_ITEMS
    read = together.run(
        together.all_of(
            {
                "papers": papers_steps(meeting, request.actor),
                "offered": suggestions_steps(meeting, request.actor) if takes_items else Suggested((), ()),
                "readiness": readiness_steps(meeting, request.actor),
                "dates": dates_steps(meeting.scheme),
            }
        )
    )
    shown, offered = read["papers"], read["offered"]
    meeting.items_standing = shown.count
    removed = request.session.get(REMOVED)
    rule = meeting.body.policy.agenda_rule
    made = slots(meeting)
    return render(
        request,
        "panels/agenda_builder.html",
        {
            "meeting": meeting,
            "papers": shown,
            "offered": offered,
            "people": offered.names,
            "form": form,
            "draft": meeting.status == MeetingStatus.DRAFT,
            "open": takes_items,
            "fold_from": FOLD_FROM,
            "due": meeting.dates.agenda_due,
            "today": clock.today(),
            "readiness": read["readiness"],
            "obstacles": obstacles(SEND_AGENDA, meeting),
            "agenda_rule": rule,
            "slots": made,
            "concerned": _concerned(request, meeting, shown) if made.grouped else {},
            "grouping": GroupForm(initial={"grouping": meeting.grouping, "version": meeting.version})
            if rule.kind != "not_cases"
            else None,
            "removed": removed if removed and removed["meeting"] == meeting.pk else None,
            "pages": pages_of(meeting, request.actor, "agenda/"),
        },
    )


def _concerned(request: HttpRequest, meeting: Meeting, shown: Papers) -> dict[int, str]:
    """The agencies that come for each item, in words, by the item's number."""
    items = [line.item for line in shown.lines]
    found = concerned.concerns(meeting, items)
    names = dict(Agency.objects.visible_to(request.actor).values_list("pk", "name"))
    return {item.pk: ", ".join(sorted(names[agency] for agency in found[id(item)].agencies)) for item in items}


@page("panels.build_agenda", methods=("POST",))
@of_papers
def add_to_agenda(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Add suggestions by their keys, every suggested review, or an item of one's own."""
    if "all_reviews" in request.POST or "key" in request.POST:
        return _add_suggested(request, meeting)
    form = AddItemForm(request.POST, meeting=meeting)
    if form.is_valid():
        given = form.cleaned_data
        case = Case.objects.visible_to(request.actor).filter(reference__iexact=given["reference"]).first()
        if given["reference"] and case is None:
            form.add_error("reference", f"No case has the reference {given['reference']}")
        else:
            try:
                item = agenda.add_item(
                    meeting,
                    section=given["section"],
                    case=case,
                    title="" if case else given["title"],
                    why=given["why"],
                    minutes=given["minutes"],
                    presenter=given["presenter"],
                    brought_by=given.get("brought_by"),
                    closed=given.get("closed", False),
                    by=request.actor,
                )
            except StepRefused as refused:
                for problem in refused.problems:
                    form.add_error(None, problem)
            else:
                return _added(request, meeting, [item])
    return _builder(request, meeting, form)


def _add_suggested(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    keys = request.POST.getlist("key")
    if "all_reviews" in request.POST:
        keys = [one.key for one in suggestions(meeting, request.actor).reviews]
    try:
        return _added(request, meeting, add_suggested(meeting, keys, by=request.actor))
    except StepRefused as refused:
        return _refused(request, meeting, refused)


def _added(request: HttpRequest, meeting: Meeting, items: list[AgendaItem]) -> HttpResponse:
    request.session.pop(REMOVED, None)
    if len(items) == 1:
        messages.success(request, f"Added to “{items[0].get_section_display()}”")
        return redirect(_address(meeting, items[0]))
    messages.success(request, f"{len(items)} items added")
    return redirect(_address(meeting))


def _refused(request: HttpRequest, meeting: Meeting, refused: StepRefused) -> HttpResponse:
    for problem in refused.problems:
        messages.error(request, problem)
    return redirect("agenda", meeting.key)


def _address(meeting: Meeting, item: AgendaItem | None = None) -> str:
    return reverse("agenda", args=[meeting.key]) + (f"#item-{item.pk}" if item is not None and item.pk else "")


def _item(request: HttpRequest, meeting: Meeting, pk: int) -> AgendaItem:
    item = found(items_for(request.actor, meeting).select_related("referral", "case"), pk=pk)
    item.meeting = meeting
    return item


@page("panels.build_agenda", methods=("POST",))
@of_papers
def move_item(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """One up, one down, or to a place of the whole agenda."""
    item = _item(request, meeting, pk)
    form = MoveForm(request.POST)
    if not form.is_valid():
        messages.error(request, next(iter(form.errors.values()))[0])
        return redirect(_address(meeting, item))
    to = {"up": item.position - 1, "down": item.position + 1}.get(form.cleaned_data["move"])
    try:
        item = agenda.move(item, to or form.cleaned_data["position"] or item.position, by=request.actor)
    except StepRefused as refused:
        return _refused(request, meeting, refused)
    count = meeting.items.numbered().count()
    messages.success(request, f"Moved to {item.position} of {count}")
    return redirect(_address(meeting, item))


@page("panels.build_agenda", methods=("POST",))
@of_papers
def remove_item(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Off the draft, with a way back."""
    item = _item(request, meeting, pk)
    try:
        back = agenda.remove(item, by=request.actor)
    except StepRefused as refused:
        return _refused(request, meeting, refused)
    request.session[REMOVED] = {
        "meeting": meeting.pk,
        "section": back.section,
        "referral": back.referral.pk if back.referral else None,
        "case": back.case.pk if back.case else None,
        "title": back.title,
        "why": back.why,
        "minutes": back.minutes,
        "presenter": back.presenter,
        "brought_by": back.brought_by.pk if back.brought_by else None,
        "closed": back.closed,
        "first": back.first,
    }
    return redirect(_address(meeting))


@page("panels.build_agenda", methods=("POST",))
@of_papers
def undo_removal(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Put the item back that was removed last."""
    removed = request.session.pop(REMOVED, None)
    if not removed or removed["meeting"] != meeting.pk:
        return redirect(_address(meeting))
    actor = request.actor
    back = agenda.Wanted(
        section=removed["section"],
        referral=found(Referral.objects.visible_to(actor), pk=removed["referral"]) if removed["referral"] else None,
        case=found(Case.objects.visible_to(actor), pk=removed["case"]) if removed["case"] else None,
        title=removed["title"],
        why=removed["why"],
        minutes=removed["minutes"],
        presenter=removed["presenter"],
        brought_by=found(Agency.objects.visible_to(actor), pk=removed["brought_by"]) if removed["brought_by"] else None,
        closed=removed["closed"],
        first=removed.get("first", False),
    )
    try:
        item = agenda.add_items(meeting, [back], by=actor)[0]
    except StepRefused as refused:
        return _refused(request, meeting, refused)
    messages.success(request, "Put back")
    return redirect(_address(meeting, item))


@page("panels.build_agenda", methods=("POST",))
@of_papers
def park_item(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Set an item aside."""
    item = _item(request, meeting, pk)
    try:
        agenda.park(item, by=request.actor)
    except StepRefused as refused:
        return _refused(request, meeting, refused)
    messages.success(request, "Parked. You can bring it back below")
    return redirect(_address(meeting))


@page("panels.build_agenda", methods=("POST",))
@of_papers
def bring_item_back(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Take a parked item up again."""
    item = _item(request, meeting, pk)
    try:
        item = agenda.bring_back(item, by=request.actor)
    except StepRefused as refused:
        return _refused(request, meeting, refused)
    messages.success(request, "Back on the agenda")
    return redirect(_address(meeting, item))


@page("panels.build_agenda", methods=("POST",))
@of_papers
def plan_minutes(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """How long an item is planned for."""
    item = _item(request, meeting, pk)
    form = MinutesForm(request.POST)
    if not form.is_valid():
        messages.error(request, next(iter(form.errors.values()))[0])
        return redirect(_address(meeting, item))
    try:
        agenda.set_minutes(item, form.cleaned_data["minutes"], version=form.cleaned_data["version"], by=request.actor)
    except StepRefused as refused:
        return _refused(request, meeting, refused)
    messages.success(request, f"Planned for {form.cleaned_data['minutes']} minutes")
    return redirect(_address(meeting, item))


@page("panels.build_agenda", methods=("GET", "POST"))
@of_papers
def arrange_item(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """How an item is taken: who presents it, who keeps the case, its need, and which agencies come for it."""
    item = _item(request, meeting, pk)
    if about := item.referral or item.case:
        audit.shown(about)
    if request.method == "POST":
        form = ArrangeForm(request.POST, meeting=meeting)
        if form.is_valid():
            given = form.cleaned_data
            how = agenda.Arranged(given["presenter"], given["brought_by"], given["closed"], given["need"])
            try:
                agenda.arrange(item, how, agencies=given["agencies"], version=given["version"], by=request.actor)
            except StepRefused as refused:
                for problem in refused.problems:
                    form.add_error(None, problem)
            else:
                messages.success(request, "Saved")
                return redirect(_address(meeting, item))
    else:
        form = ArrangeForm(
            meeting=meeting,
            initial={
                "presenter": item.presenter,
                "brought_by": item.brought_by_id,
                "need": item.need,
                "closed": item.closed,
                "agencies": list(concerned.concerns(meeting, [item])[id(item)].agencies),
                "version": item.version,
            },
        )
    return render(
        request,
        "panels/agenda_item.html",
        {"meeting": meeting, "item": item, "heading": live.heading(item), "form": form, "has_error": bool(form.errors)},
    )


@page("panels.build_agenda", methods=("POST",))
@of_papers
def group_agenda(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """By section, by need or by agency."""
    form = GroupForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose how the cases stand")
        return redirect(_address(meeting))
    try:
        changed = agenda.group(
            meeting, form.cleaned_data["grouping"], version=form.cleaned_data["version"], by=request.actor
        )
    except StepRefused as refused:
        return _refused(request, meeting, refused)
    messages.success(request, f"The cases stand {changed.get_grouping_display().lower()}")
    return redirect(_address(meeting))


@page("panels.build_agenda", methods=("POST",))
@of_papers
def ask_chair(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """Ask the chair to agree to a late item."""
    item = _item(request, meeting, pk)
    try:
        agenda.ask_chair(item, by=request.actor)
    except StepRefused as refused:
        return _refused(request, meeting, refused)
    messages.success(request, "The chair has been asked")
    return redirect(_address(meeting, item))


@page("panels.agree_late_item", methods=("POST",))
@of_papers
def agree_late(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """The chair agrees to a late item."""
    item = _item(request, meeting, pk)
    agenda.agree_late(item, by=request.actor)
    messages.success(request, f"Agreed: the panel takes item {item.number or item.position}")
    return redirect(meeting)


@page("panels.agree_late_item", methods=("POST",))
@of_papers
def refuse_late(request: HttpRequest, meeting: Meeting, pk: int) -> HttpResponse:
    """The chair does not take a late item now, and says why."""
    item = _item(request, meeting, pk)
    form = RefuseLateForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.errors["because"][0])
        return redirect(f"{meeting.get_absolute_url()}#late-items")
    try:
        agenda.refuse_late(item, because=form.cleaned_data["because"], by=request.actor)
    except StepRefused as refused:
        for problem in refused.problems:
            messages.error(request, problem)
        return redirect(meeting)
    messages.success(request, "Not taken now. The coordinator has been told")
    return redirect(meeting)


@page("panels.build_agenda", methods=("GET", "POST"))
@of_papers
def send_agenda(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Who gets it, and what sending means; then it goes out."""
    problems = obstacles(SEND_AGENDA, meeting)
    if request.method == "POST":
        try:
            meeting = agenda.send_agenda(meeting, by=request.actor)
        except StepRefused as refused:
            problems = refused.problems
        else:
            people = meeting.circulation.count()
            messages.success(
                request,
                f"Agenda sent to {people} {'person' if people == 1 else 'people'} for {day_month(meeting.date)}",
            )
            return redirect("circulation", meeting.key)
    shown = papers(meeting, request.actor)
    return render(
        request,
        "panels/agenda_send.html",
        {
            "meeting": meeting,
            "problems": problems,
            "table": circulation.table_of(meeting),
            "papers": shown,
            "length": circulation.length_in_words(meeting.minutes_long),
            "name": circulation.name_of(meeting),
            "readiness": readiness(meeting, request.actor),
            "slots": slots(meeting),
            "restricted": items_for(request.actor, meeting).filter(case__restricted=True).exists(),
            "has_error": bool(problems),
            "sections": Section,
        },
        status=200,
    )


@page("panels.view_papers")
@of_papers
def meeting_brief(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The cohort in a minute: what changed since the body last met (feature 312)."""
    if not agenda_pack.cohort(meeting):
        raise Http404
    return render(request, "panels/brief.html", {"meeting": meeting, "brief": changes.brief(meeting, request.actor)})


@page("panels.view_papers", kind="pdf")
@of_papers
def print_agenda_pack(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The agenda as a document, made for this reader when they ask for it."""
    try:
        content = agenda_pack.render(meeting, request.actor)
    except (typeset.PdfUnavailable, typeset.PdfTooLarge) as error:
        messages.error(request, f"The agenda pack could not be made. {error}")
        return redirect(meeting)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="agenda-{meeting.key}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response
