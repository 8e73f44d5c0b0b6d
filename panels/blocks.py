"""What meetings add to the pages that show several apps' things (design.md 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from actionplans.blocks import overdue_of_agencies
from iom import clock, together
from iom.access import Actor
from iom.blocks import Block, Task, board_columns, case_block, home_block, home_tasks, referral_block
from iom.jinja import plural
from iom.models import Body, Meeting, MeetingStatus
from iom.together import Steps
from offenders.models import Case
from panels import (
    agreement,
    circulation,
    delivery,
    escalations,
    notices,
    outside,
    progress,
    ratifying,
    safeguarding,  # noqa: F401 -- registers MAPPA and harm on shared pages
)
from panels.case_brief import taken_on_at_steps
from panels.chairing import with_chair
from panels.coming import coming, known, next_of
from panels.countdown import steps_of
from panels.models import (
    AgendaItem,
    BoardPaper,
    Circulation,
    Decision,
    Escalation,
    EscalationStatus,
    ItemState,
    Minutes,
    MinutesStatus,
    Notice,
    OutsideDecision,
)
from panels.readiness import readiness_steps
from panels.since import since_last_sitting_steps
from panels.words import OUTCOME_WORDS
from referrals.deciding import panels_for_steps
from referrals.models import Referral

# --- Before the meeting

# An agenda is worth a line on the home page once its day is this near.
LOOK_AHEAD = timedelta(days=21)
# So many changes stand on the overview of a case (ux.md 4.5).
CHANGES = 5
# What a meeting of a kind is called where there is room for a word.
MEETINGS = {"panel": "Panel", "board": "Board"}
# The dates of a meeting that concern somebody who only nominates.
FOR_REFERRERS = ("Referrals close", "Panel")


@board_columns
def on_agendas(actor: Actor, cases: Sequence[Case], today: date) -> Steps[dict[int, dict[str, Any]]]:
    """The next meeting that has each case on its agenda, as far as the reader sees that agenda."""

    def coming() -> QuerySet:
        rows = AgendaItem.objects.visible_to(actor).numbered().filter(case__in=cases)
        rows = rows.filter(meeting__in=Meeting.objects.in_scheme_of(actor).upcoming(today)).order_by("-meeting__date")
        return rows.values_list("case", "meeting__date", "meeting__body__kind")

    found = yield coming
    return {case: {"next_meeting": [(day, MEETINGS.get(kind, "Meeting"))]} for case, day, kind in found}


@case_block
def changed_since_the_last_panel(actor: Actor, case: Case, today: date) -> Iterator[Any]:
    """At most five things, the newest first; the rest is a link away, on the timeline."""
    if case.status != "closed":
        found = yield from since_last_sitting_steps(actor, case, today)
        context = {"since": found, "changes": found.changes[:CHANGES], "more": len(found.changes) - CHANGES}
        yield Block("panels/blocks/changed_since.html", context, place=20, slot="top")


@case_block
def where_it_was_decided(actor: Actor, case: Case, today: date) -> Iterator[Any]:
    """The way to the item that took the person on, in the signed minutes or on the agenda, for those who read it."""
    place = yield from taken_on_at_steps(actor, case)
    if place is not None:
        yield Block("panels/blocks/decided_at.html", {"place": place}, slot="decided")


@referral_block
def decided_and_told(actor: Actor, referral: Referral, today: date) -> Iterator[Block]:
    """What was decided between meetings, and the notices that were sent. The page has found the referral."""
    sent = list(notices.sent_on(referral))
    made = outside.standing(referral)
    if not sent and made is None:
        return
    context: dict[str, Any] = {"referral": referral, "sent": sent, "outside": made}
    context |= {"office": actor.can("referrals.triage", referral), "may_read": actor.holds("panels.read_outside")}
    if made is not None:
        ruled = ratifying.ruling(made)
        context |= {
            "outside_words": OUTCOME_WORDS[made.outcome],
            "outside_state": OUTCOME_WORDS[ruled.outcome] if ruled else "To be ratified",
            "ruled": ruled,
            "open_words": ratifying.open_words(made),
        }
    yield Block("panels/blocks/referral.html", context, place=20)


@home_tasks
def wait_to_be_ratified(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's and the chair's: what was decided between meetings and no panel has ratified."""
    if not actor.has_role("coordinator", "chair"):
        return
    scheme = actor.scheme
    if not (yield lambda: together.exists(OutsideDecision.objects.filter(scheme=scheme))):
        return
    for made in (yield lambda: OutsideDecision.objects.visible_to(actor).waiting().select_related("referral")):
        words = f"To be ratified, {ratifying.open_words(made)}: referral {made.referral.reference}"
        yield Task(None, words, f"/referrals/{made.referral.reference}/outside/", "Read")


@home_tasks
def mend_notices(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's: notices that reached nobody."""
    if not actor.holds("panels.send_notices"):
        return
    scheme = actor.scheme
    if not (yield lambda: together.exists(Notice.objects.filter(scheme=scheme, status=Notice.Status.FAILED))):
        return

    def failed() -> QuerySet:
        mine = Referral.objects.visible_to(actor)
        rows = Notice.objects.filter(referral__in=mine, status=Notice.Status.FAILED).select_related("referral")
        return rows.order_by("failed_at", "pk")

    for notice in (yield failed):
        reference = notice.referral.reference
        url = f"/referrals/{reference}/notices/{notice.number}/"
        yield Task(None, f"Send again: a notice on referral {reference} failed", url, "Open notice")


@home_tasks
def prepare_meetings(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's: agendas to send, and the next panel to plan."""
    if not actor.has_role("coordinator"):
        return
    last, scheme = today + 2 * LOOK_AHEAD, actor.scheme

    def counted() -> QuerySet:
        items = AgendaItem.objects.filter(
            scheme=scheme, meeting__status=MeetingStatus.DRAFT, meeting__date__range=(today, last)
        )
        return items.exclude(state=ItemState.PARKED).order_by().values_list("meeting").annotate(count=Count("pk"))

    meetings, counts = yield [together.shared(coming, actor, today), counted]
    many = dict(counts)
    # Of a team that meets each week or day, and has no day for its agenda, the very next meeting only.
    met: set[int] = set()
    for meeting in meetings:
        if meeting.status != MeetingStatus.DRAFT or meeting.date > last:
            continue
        due = meeting.dates.agenda_due.date or meeting.date
        known = meeting.dates.agenda_due.date is None and meeting.body_id in met
        met.add(meeting.body_id)
        if due <= today + LOOK_AHEAD and not known:
            words = f"Send agenda: {circulation.name_of(meeting)}, {plural(many.get(meeting.pk, 0), 'item')} so far"
            yield Task(due, words, f"{meeting.get_absolute_url()}agenda/", "Open agenda")
    if any(meeting.body.position == 0 for meeting in meetings):
        return
    first = yield lambda: together.first(Body.objects.visible_to(actor).filter(position=0))
    if first is not None:
        yield Task(None, f"Plan the next meeting of the {first.name}", "/meetings/new/", "Plan a meeting")


@home_tasks
def agree_late_items(actor: Actor, today: date) -> Iterator[Task]:
    """The chair's: items that came late."""
    if not actor.has_role("chair"):
        return

    def counted() -> QuerySet:
        late = AgendaItem.objects.visible_to(actor).filter(
            late=True,
            late_agreed_by=None,
            state=ItemState.OPEN,
            meeting__chair=actor.membership,
            meeting__date__gte=today,
        )
        return late.order_by().values_list("meeting").annotate(count=Count("pk"))

    meetings, counts = yield [together.shared(coming, actor, today), counted]
    many = dict(counts)
    for meeting in meetings:
        if meeting.pk in many and meeting.chair_id == actor.membership.pk:
            words = f"Agree {plural(many[meeting.pk], 'late item')}: {circulation.name_of(meeting)}"
            yield Task(meeting.date, words, f"{meeting.get_absolute_url()}#late-items", "Look")


@home_tasks
def read_and_answer(actor: Actor, today: date) -> Iterator[Task]:
    """Everybody's at the table: read the agenda, say whether one comes, sign the agreement."""
    if not actor.holds("panels.answer_circulation"):
        return

    def asked() -> list[QuerySet]:
        copies = Circulation.objects.visible_to(actor).filter(
            membership=actor.membership, meeting__status=MeetingStatus.AGENDA_SENT, meeting__date__gte=today
        )
        return [copies.order_by("pk"), agreement.signed_by(actor).values_list("meeting", flat=True)]

    meetings, (copies, signed) = yield [together.shared(coming, actor, today), asked]
    mine = {copy.meeting_id: copy for copy in copies}
    for meeting in meetings:
        if (copy := mine.get(meeting.pk)) is None:
            continue
        left = _left_to_do(actor, copy)
        if left:
            words = f"{left}: {circulation.name_of(meeting)}"
            yield Task(meeting.date, words[0].upper() + words[1:], meeting.get_absolute_url(), "Open the agenda")
        if not agreement.holds_at(meeting, signed):
            words = f"Sign the information sharing agreement: {circulation.name_of(meeting)}"
            yield Task(meeting.date, words, f"{meeting.get_absolute_url()}sign-agreement/", "Sign")


def _left_to_do(actor: Actor, copy: Circulation) -> str:
    read = "" if copy.read_at else "read the agenda"
    say = "" if copy.answer else "say if you will attend"
    return " and ".join(part for part in (read, say) if part)


@home_block
def countdown(actor: Actor, today: date) -> Iterator[Block]:
    """The panel clock: what comes before and after the next meeting, in order (feature 303)."""
    if not actor.holds("iom.view_meetings"):
        yield from _countdown_of_referrer(actor, today)
        return
    meeting = next_of(actor, (yield together.shared(coming, actor, today)))
    if meeting is None:
        return
    yield Block(
        "panels/blocks/countdown.html", {"steps": steps_of(meeting, today), "meeting": meeting}, place=10, slot="top"
    )


def _countdown_of_referrer(actor: Actor, today: date) -> Iterator[Block]:
    """Whoever only nominates: until when, and the day of the panel; nothing that leads to its papers."""
    if not actor.has_role("referrer"):
        return
    meeting = (yield together.shared(panels_for_steps, actor.scheme)).open
    if meeting is not None:
        steps = [step | {"href": ""} for step in steps_of(meeting, today) if step["label"] in FOR_REFERRERS]
        yield Block("panels/blocks/countdown.html", {"steps": steps, "meeting": meeting}, place=10, slot="top")


@home_block
def next_panel(actor: Actor, today: date) -> Iterator[Block]:
    """For a member: when and where the next meeting is, and whether one has answered."""
    if not actor.holds("panels.view_papers") or actor.has_role("coordinator"):
        return
    membership = actor.membership

    def sent() -> QuerySet:
        return Circulation.objects.filter(membership=membership, meeting__date__gte=today).order_by("pk")

    meetings, copies = yield [together.shared(coming, actor, today), sent]
    meeting = next_of(actor, meetings)
    copy = next((each for each in copies if meeting is not None and each.meeting_id == meeting.pk), None)
    yield Block("panels/blocks/next_panel.html", {"meeting": meeting, "copy": copy}, place=5, slot="top")


@home_block
def preparation(actor: Actor, today: date) -> Iterator[Block]:
    """For the coordinator: how ready the next agenda is, and who is expected; the chair sees who is expected."""
    if not actor.has_role("coordinator", "chair"):
        return
    meeting = next_of(actor, (yield together.shared(coming, actor, today)))
    lines = (yield from readiness_steps(meeting, actor)) if meeting else []
    yield Block("panels/blocks/preparation.html", {"meeting": meeting, "lines": lines}, place=25)


# --- At and after the meeting


@home_tasks
def record_meetings(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's: a meeting that is live, or whose day has come."""
    if not actor.holds("panels.record"):
        return
    for meeting in (yield together.shared(known, actor)):
        name = circulation.name_of(meeting)
        if meeting.status == MeetingStatus.ADJOURNED and meeting.resumes_at is not None:
            on = clock.local(meeting.resumes_at).date()
            yield Task(on, f"Go on with the meeting: {name}", _at(meeting, ""), "Open")
        elif meeting.status == MeetingStatus.LIVE:
            yield Task(meeting.date, f"Live now: {name}", _at(meeting, "live/"), "Open")
        elif meeting.status == MeetingStatus.AGENDA_SENT and meeting.date <= today:
            yield Task(meeting.date, f"Start the meeting: {name}", _at(meeting, "live/"), "Start")


@home_tasks
def finish_minutes(actor: Actor, today: date) -> Iterator[Task]:
    """Minutes to send, for the coordinator; minutes to sign, for the chair of that meeting."""
    scheme, edits = actor.scheme, actor.holds("panels.edit_minutes")

    def unsigned() -> together.Existing:
        return together.exists(Minutes.objects.filter(scheme=scheme).exclude(status=MinutesStatus.SIGNED))

    def to_finish() -> QuerySet:
        chaired = Minutes.objects.filter(
            status=MinutesStatus.WITH_CHAIR,
            meeting__in=with_chair(Meeting.objects.in_scheme_of(actor))
            .filter(chaired_by=actor.membership.pk)
            .order_by()
            .values("pk"),
        )
        ours = Q(pk__in=chaired.order_by().values("pk"))
        if edits:
            ours |= Q(status=MinutesStatus.DRAFT)
        rows = Minutes.objects.visible_to(actor).exclude(status=MinutesStatus.SIGNED).filter(ours)
        return rows.values_list("meeting", "status").order_by("pk")

    if not (yield unsigned):
        return
    meetings, rows = yield [together.shared(known, actor), to_finish]
    by_key = {meeting.pk: meeting for meeting in meetings}
    for key, status in rows:
        meeting = by_key[key]
        due, name = meeting.dates.minutes_due.date, meeting.called
        if status == MinutesStatus.WITH_CHAIR:
            yield Task(due, f"Sign the minutes: {name}", _at(meeting, "minutes/review/"), "Read and sign")
        elif edits:
            yield Task(due, f"Send the minutes to the chair: {name}", _at(meeting, "minutes/"), "Open draft")


@home_tasks
def send_notices(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's: referrers who have not been told yet."""
    if not actor.holds("panels.send_notices"):
        return

    def untold() -> QuerySet:
        over = (MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED)
        items = AgendaItem.objects.visible_to(actor).filter(meeting__status__in=over)
        rows = Decision.objects.to_tell().filter(item__in=items).exclude(notice__sent_at__isnull=False)
        return rows.order_by().values_list("item__meeting").annotate(count=Count("pk", distinct=True))

    counts = dict((yield untold))
    if not counts:
        return
    held = list(counts)
    meetings = yield lambda: Meeting.objects.in_scheme_of(actor).filter(pk__in=held).select_related("body")
    for meeting in meetings:
        words = f"Send {plural(counts[meeting.pk], 'notice')}: {meeting.called}"
        yield Task(meeting.date, words, _at(meeting, "notices/"), "Open notices")


@home_tasks
def read_decisions(actor: Actor, today: date) -> Iterator[Task]:
    """Whoever nominated: decisions that they have not read."""
    scheme, user = actor.scheme, actor.user

    def unread() -> QuerySet:
        mine = Notice.objects.filter(
            scheme=scheme, recipient__user=user, status=Notice.Status.SENT, kind=Notice.Kind.DECISION
        )
        return mine.values_list("referral__reference", flat=True)

    for reference in (yield unread):
        yield Task(None, f"Read the decision on referral {reference}", f"/referrals/{reference}/decision/", "Read")


@home_block
def minutes_state(actor: Actor, today: date) -> Iterator[Block]:
    """For the coordinator and the chair: how far the minutes of the last meetings have come."""
    if not actor.has_role("coordinator", "chair"):
        return

    def newest() -> QuerySet:
        rows = Minutes.objects.visible_to(actor).select_related("meeting__body").defer("record", "narrative")
        return rows.order_by("-meeting__date", "-number")[:3]

    rows = yield newest
    for minutes in rows:
        minutes.meeting.scheme = actor.scheme
    yield Block("panels/blocks/minutes.html", {"rows": rows}, place=30)


def _at(meeting: Meeting, page: str) -> str:
    return f"{meeting.get_absolute_url()}{page}"


# --- The board


@home_tasks
def with_the_board(actor: Actor, today: date) -> Iterator[Task]:
    """The office's: what the board has not answered in time, what it asks more of, what it answered."""
    if not actor.holds("panels.raise_escalation"):
        return
    for each in (yield together.shared(_escalations_open, actor)):
        url = each.get_absolute_url()
        if each.overdue(today):
            words = (
                f"No answer from the {each.to_name}, open for {plural(each.days_open(today), 'day')}: {each.reference}"
            )
            yield Task(each.due_on, words, url, "Open")
        elif each.status == EscalationStatus.MORE_NEEDED:
            yield Task(None, f"Say more to the {each.to_name}: {each.reference}", f"{url}edit/", "Say more")
        elif each.status == EscalationStatus.ANSWERED:
            yield Task(None, f"Answered by the board, to be brought back to the panel: {each.reference}", url, "Read")


def _escalations_open(actor: Actor) -> together.Steps[list[Escalation]]:
    """With the board, asked for more, or answered: oldest first."""

    def still_open() -> QuerySet:
        shown = (EscalationStatus.WITH_BOARD, EscalationStatus.MORE_NEEDED, EscalationStatus.ANSWERED)
        return Escalation.objects.visible_to(actor).filter(status__in=shown).order_by("sent_on", "pk")

    return (yield still_open)


def _waiting(rows: Iterable[Escalation]) -> list[Escalation]:
    return [each for each in rows if each.status == EscalationStatus.WITH_BOARD]


@home_tasks
def report_to_the_board(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's, for the post that reports: the board's agenda goes out, and nothing is written yet."""
    if not actor.has_role("coordinator"):
        return
    slug, scheme = actor.scheme.policy.escalation.to_body or "", actor.scheme

    def papers() -> QuerySet:
        rows = BoardPaper.objects.filter(scheme=scheme, meeting__date__gte=today, words__gt="")
        return rows.values_list("meeting", flat=True)

    meetings, written = yield [together.shared(coming, actor, today), papers]
    for meeting in meetings:
        far = meeting.date > today + 2 * LOOK_AHEAD
        if meeting.body.slug != slug or meeting.status != MeetingStatus.DRAFT or far or meeting.pk in written:
            continue
        words = f"Write the report to the board: {circulation.name_of(meeting)}"
        yield Task(meeting.dates.agenda_due.date or meeting.date, words, _at(meeting, "board-papers/"), "Write")


@home_block
def board_matters(actor: Actor, today: date) -> Iterator[Block]:
    """For the chair: what might be raised with the board, and which agencies are late with how much."""
    if not actor.has_role("chair"):
        return
    often, late, rows = yield [
        lambda: together.counted(escalations.often_carried(actor)),
        together.shared(overdue_of_agencies, actor, today),
        together.shared(_escalations_open, actor),
    ]
    context = {
        "often": often,
        "waiting": _waiting(rows),
        "late": sorted(late, key=lambda row: -row["count"]),
        "today": today,
    }
    yield Block("panels/blocks/board_matters.html", context, place=35)


@home_block
def board_lead(actor: Actor, today: date) -> Iterator[Block]:
    """For who reads for the board: four figures, what waits for an answer, the attendance of core agencies."""
    if not actor.has_role("board_reader"):
        return
    slug = actor.scheme.policy.escalation.to_body or ""
    since, until = delivery.usual_period(today)
    parts = yield from together.all_of(
        {
            "found": delivery.report_steps(actor, since, until),
            "cohort": progress.cohort_total(actor.scheme),
            "waiting": _escalations_open(actor),
            "coming": coming(actor, today),
        }
    )
    found = parts["found"]
    meeting = next((each for each in parts["coming"] if each.body.slug == slug), None)
    due, on_time = (sum(getattr(line, name) for line in found.lines) for name in ("due", "on_time"))
    context = {
        "four": [
            ("People on the cohort", parts["cohort"]),
            ("Panels held", str(found.meetings)),
            ("Actions done on time", f"{on_time} of {due}" if due else "None was due"),
            ("Core agencies at the table", found.core_words),
        ],
        "since": since,
        "until": until,
        "waiting": _waiting(parts["waiting"]),
        "core": found.core,
        "meeting": meeting,
        "today": today,
    }
    yield Block("panels/blocks/board_lead.html", context, place=15, slot="top")
