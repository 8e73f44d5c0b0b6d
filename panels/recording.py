"""Recording a live meeting: starting, taking over, keeping what is typed, closing with everything carried forward."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction

from actionplans import actions as plans
from actionplans.models import Action
from iom import audit, together
from iom.clock import now
from iom.jinja import day_month, lower_first
from iom.models import Agency, Meeting, MeetingStatus, User
from iom.steps import StepRefused, joined, locked, take
from offenders.models import CaseStatus
from referrals import actions as referrals
from referrals.models import ReferralStatus

from . import agenda, aside, escalations, last_minutes, minutes, ratifying, rerating
from .chairing import chairs
from .models import AgendaItem, Decision, ItemState, Minutes, Outcome, Section
from .querysets import NOTHING_TO_RATIFY, AgendaItemQuerySet
from .record import first_review, following
from .transitions import CLOSE_MEETING, GO_LIVE, NOT_HELD_YET, RESUME

if TYPE_CHECKING:
    from iom.access import Actor

TO_BE_RATIFIED = "Decided without a quorum, to be ratified,"
CHAIR_DOES_NOT_RECORD = (
    "You chair this meeting, and nobody signs minutes that they recorded. "
    "Ask someone else to record, or name another chair first."
)


class NotRecording(StepRefused):
    """Somebody else holds the pen now. What was typed is still the reader's own."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An item that the meeting leaves undone, why, and where it goes: `to` is None until such a meeting is planned."""

    item: AgendaItem
    why: str
    to: Meeting | None = None
    where: str = ""

    @property
    def about_somebody(self) -> bool:
        return self.item.referral_id is not None or self.item.case_id is not None

    @property
    def goes_on(self) -> bool:
        """Whether the next meeting has it: people, and what is on its way to the board or back."""
        return self.about_somebody or hasattr(self.item, "escalation_link")


@dataclass(frozen=True, slots=True)
class CarryForward:
    """What closing a meeting carries forward (ux.md 5, point 9); `to` is the next meeting, if one is planned.

    `deferred` are the items that were talked about and go on: put off, parked, recommended to the body that decides.
    `to_ratify` waits for a quorum.
    """

    to: Meeting | None
    not_reached: tuple[Unfinished, ...]
    deferred: tuple[Unfinished, ...]
    to_ratify: tuple[Unfinished, ...]
    actions: tuple[Action, ...]
    accepted: tuple[Decision, ...]

    @property
    def people(self) -> list[Unfinished]:
        """What goes on to the next meeting: everybody not decided, and whatever the meeting said should go on."""
        left = [each for each in self.not_reached if each.goes_on]
        return [*left, *self.deferred, *self.to_ratify]

    @property
    def silent(self) -> list[Unfinished]:
        """Standing items under which nothing was recorded: they end with the meeting."""
        return [each for each in self.not_reached if not each.goes_on]

    @property
    def where(self) -> str:
        """The destination in words."""
        return _where(self.to)


def _where(to: Meeting | None) -> str:
    return f"the {to.called}" if to else "the next panel, once it is planned"


# --- Who records: one person, by a lease (security.md C4) ---------------------


@transaction.atomic
def start(meeting: Meeting, *, by: Actor) -> Meeting:
    """Go live. Whoever starts records. Raises PermissionDenied or StepRefused."""
    _not_the_chair(meeting, by)
    return take(GO_LIVE, meeting, by=by, recorder=by.user, recorder_until=_lease())


def resume(meeting: Meeting, *, by: Actor) -> Meeting:
    """Go on with an adjourned meeting where it stopped; whoever does so records. Raises as `start`."""
    _not_the_chair(meeting, by)
    return take(RESUME, meeting, by=by, recorder=by.user, recorder_until=_lease())


def leased(meeting: Meeting) -> bool:
    """Whether the recorder was heard of within the lease, so that nobody takes over without being let."""
    return meeting.recorder_id is not None and meeting.recorder_until is not None and meeting.recorder_until > now()


def renew(meeting: Meeting, *, by: Actor) -> bool:
    """Hold the pen for another minute; False when somebody else has it, or the meeting is not live.

    The meeting is as it was just read. What it lends is written at half time at the latest: each heartbeat would be a
    row of history.
    """
    half = now() + timedelta(seconds=settings.RECORDER_LEASE_SECONDS / 2)
    if _has_the_pen(meeting, by) and meeting.recorder_until is not None and meeting.recorder_until > half:
        return True
    mine = Meeting.objects.filter(pk=meeting.pk, status=MeetingStatus.LIVE, recorder=by.user)
    return bool(mine.update(recorder_until=_lease()))


def _has_the_pen(meeting: Meeting, by: Actor) -> bool:
    return meeting.status == MeetingStatus.LIVE and by.user is not None and meeting.recorder_id == by.user.pk


@transaction.atomic
def take_over(meeting: Meeting, *, by: Actor) -> Meeting:
    """Become the one recorder of a live meeting, or ask whoever is while they can be heard of (security.md C4).

    Whether it was taken shows in `recorder`. Raises PermissionDenied or StepRefused.
    """
    meeting = _live(meeting, by, "panels.record")
    _not_the_chair(meeting, by)
    if meeting.recorder_id == by.user.pk:
        renew(meeting, by=by)
        return meeting
    if not leased(meeting):
        return _give(meeting, by.user, "take_over_recording", by)
    if meeting.asks_to_record_id != by.user.pk:
        meeting.asks_to_record, meeting.asked_to_record_at = by.user, now()
        _keep_request(meeting, "ask_to_record", by)
    return meeting


@transaction.atomic
def hand_over(meeting: Meeting, *, by: Actor) -> Meeting:
    """Give the recording to whoever asks for it. Raises PermissionDenied, NotRecording or StepRefused."""
    meeting = _live(meeting, by, "panels.record")
    must_record(meeting, by)
    return _give(meeting, _asker(meeting), "hand_over_recording", by)


@transaction.atomic
def keep_recording(meeting: Meeting, *, by: Actor) -> Meeting:
    """Answer a request with no. Raises PermissionDenied, NotRecording or StepRefused."""
    meeting = _live(meeting, by, "panels.record")
    must_record(meeting, by)
    _asker(meeting)
    meeting.asks_to_record = meeting.asked_to_record_at = None
    _keep_request(meeting, "keep_recording", by)
    return meeting


@transaction.atomic
def force_hand_over(meeting: Meeting, *, by: Actor) -> Meeting:
    """The chair gives the recording to whoever asked a minute ago without an answer.

    Raises PermissionDenied or StepRefused.
    """
    meeting = _live(meeting, by, "panels.force_hand_over")
    asker = _asker(meeting)
    if not unanswered(meeting):
        raise StepRefused([f"{meeting.recorder.name} has a minute to answer. Wait until it is over."])
    return _give(meeting, asker, "force_hand_over", by)


def unanswered(meeting: Meeting) -> bool:
    """Whether a request has stood for so long that the chair may hand over."""
    asked = meeting.asked_to_record_at
    return asked is not None and now() - asked >= timedelta(seconds=settings.RECORDER_ANSWER_SECONDS)


def must_record(meeting: Meeting, by: Actor) -> None:
    """Raises NotRecording when somebody else has the pen of a live meeting."""
    if meeting.status == MeetingStatus.LIVE and meeting.recorder_id != by.user.pk:
        name = meeting.recorder.name if meeting.recorder else "Nobody"
        raise NotRecording([f"{name} is recording this meeting now. You can ask to take over."])


def _live(meeting: Meeting, by: Actor, permission: str) -> Meeting:
    meeting = locked(Meeting, meeting.pk)
    if not by.can(permission, meeting):
        raise PermissionDenied
    if meeting.status != MeetingStatus.LIVE:
        raise StepRefused(["This meeting is not live: there is nothing to take over."])
    return meeting


def _asker(meeting: Meeting) -> User:
    if meeting.asks_to_record is None:
        raise StepRefused(["Nobody asks to take over the recording."])
    return meeting.asks_to_record


def _give(meeting: Meeting, to: User, verb: str, by: Actor) -> Meeting:
    if meeting.recorder is not None:
        aside.keep_drafts(meeting, of=meeting.recorder, to=to)
    meeting.recorder, meeting.recorder_until = to, _lease()
    meeting.asks_to_record = meeting.asked_to_record_at = None
    meeting.version += 1
    meeting.save(update_fields=["recorder", "recorder_until", "asks_to_record", "asked_to_record_at", "version"])
    audit.record(verb, meeting, by=by, fields=["recorder"], meeting=meeting.key)
    return meeting


def _keep_request(meeting: Meeting, verb: str, by: Actor) -> None:
    meeting.save(update_fields=["asks_to_record", "asked_to_record_at"])
    audit.record(verb, meeting, by=by, fields=["asks_to_record"], meeting=meeting.key)


def _lease() -> datetime:
    return now() + timedelta(seconds=settings.RECORDER_LEASE_SECONDS)


def _not_the_chair(meeting: Meeting, by: Actor) -> None:
    if chairs(meeting, by):
        raise StepRefused([CHAIR_DOES_NOT_RECORD])


def keep_draft(
    item: AgendaItem, fields: Mapping[str, Any], *, by: Actor, only: Collection[str] | None = None
) -> AgendaItem:
    """Keep what the recorder has typed on an item and not saved as a decision, word for word.

    With `only` the fields of these names are kept and the rest of the draft stays: each field saves itself, and what
    is no longer ticked is kept as nothing. Not audited: it is nobody's record yet.
    Raises PermissionDenied, or NotRecording when somebody else records now.
    """
    with joined():
        return keep_locked(locked_with_meeting(AgendaItem.objects).get(pk=item.pk), fields, by=by, only=only)


def to_keep_steps(actor: Actor, meeting: Meeting, number: str) -> together.Steps[AgendaItem | None]:
    """The item of a meeting with this number, as `locked_with_meeting` reads it; None where the actor sees none."""
    if "\0" in number:
        return None  # no item is numbered so, and the database would not even look
    return (
        yield lambda: together.first(
            locked_with_meeting(AgendaItem.objects.visible_to(actor)).filter(meeting=meeting, number=number)
        )
    )


def locked_with_meeting(items: AgendaItemQuerySet) -> AgendaItemQuerySet:
    """These items, locked when they are read, each with its meeting and whoever records as they stand then."""
    return items.select_for_update(of=("self",)).select_related("meeting__body", "meeting__recorder")


def keep_locked(
    item: AgendaItem, fields: Mapping[str, Any], *, by: Actor, only: Collection[str] | None = None
) -> AgendaItem:
    """`keep_draft` of an item that was read `locked_with_meeting` in this transaction."""
    if not by.can("panels.record", item.meeting):
        raise PermissionDenied
    must_record(item.meeting, by)
    renew(item.meeting, by=by)
    item.draft = kept_fields(item.draft, fields, only)
    # Past `save`, so that half-typed words do not enter the change history; the version stays, too.
    AgendaItem.objects.filter(pk=item.pk).update(draft=item.draft)
    return item


def kept_fields(before: Mapping[str, Any], fields: Mapping[str, Any], only: Collection[str] | None) -> dict[str, Any]:
    """A draft with `fields` in it: in place of what it was, or with `only` beside it."""
    if only is None:
        return {name: aside.clipped(value) for name, value in fields.items()}
    return dict(before) | {name: aside.clipped(fields.get(name, "")) for name in only}


def carry_forward(meeting: Meeting, *, seen_by: Actor | None = None) -> CarryForward:
    """What would be carried forward if the meeting closed now; `seen_by` leaves out what they may not see."""
    rows = AgendaItem.objects.visible_to(seen_by) if seen_by else AgendaItem.objects.all()
    shown = rows.filter(meeting=meeting).order_by("position", "pk")
    items = list(
        shown.select_related(
            "referral__offender", "case__offender", "outside", "ratifies__item__meeting", "escalation_link"
        )
    )
    held = {
        decision.item_id: decision
        for decision in Decision.objects.in_force()
        .filter(item__in=items)
        .select_related("case__offender", "item__ratifies")
    }
    to = _next(meeting)
    going = [(item, *_why_unfinished(item, held.get(item.pk))) for item in items]
    decides = _next_that_decides(meeting) if any(kind == RECOMMENDED for _, kind, _ in going) else None
    found = [
        (
            kind,
            Unfinished(
                item, why, decides if kind == RECOMMENDED else to, _where(decides if kind == RECOMMENDED else to)
            ),
        )
        for item, kind, why in going
    ]
    return CarryForward(
        to=to,
        not_reached=tuple(each for kind, each in found if kind == NOT_REACHED),
        deferred=tuple(each for kind, each in found if kind in (PUT_OFF, RECOMMENDED)),
        to_ratify=tuple(each for kind, each in found if kind == TO_RATIFY),
        actions=tuple(actions_still_to_do(meeting, seen_by=seen_by)),
        accepted=tuple(decision for decision in held.values() if decision.case and _opened_a_case(decision)),
    )


NOT_REACHED, PUT_OFF, RECOMMENDED, TO_RATIFY, FINISHED = "not_reached", "put_off", "recommended", "to_ratify", ""


def _why_unfinished(item: AgendaItem, decision: Decision | None) -> tuple[str, str]:
    """Whether an item goes on, and why in words."""
    if item.state == ItemState.PARKED:
        # Standing items that were parked have nothing that another meeting would miss.
        return (PUT_OFF, "Parked") if _goes_on(item) else (FINISHED, "")
    if decision is None:
        return (NOT_REACHED, "Not reached") if item.state == ItemState.OPEN else (FINISHED, "")
    if decision.outcome == Outcome.DEFER:
        return PUT_OFF, "Deferred"
    if decision.to_ratify and hasattr(item, "escalation_link"):
        return (PUT_OFF, "Not quorate") if decision.outcome != Outcome.NOTED else (FINISHED, "")
    if decision.to_ratify and (item.section == Section.OUTSIDE or decision.outcome not in NOTHING_TO_RATIFY):
        return TO_RATIFY, TO_BE_RATIFIED
    if decision.outcome == Outcome.RECOMMEND and _goes_on(item):
        return RECOMMENDED, "Recommended"
    return FINISHED, ""


def _goes_on(item: AgendaItem) -> bool:
    return (
        item.referral_id is not None or item.case_id is not None or item.section in (Section.ESCALATIONS, Section.AOB)
    )


def _opened_a_case(decision: Decision) -> bool:
    ratified = decision.item.ratifies if decision.outcome == Outcome.RATIFY else None
    return (ratified or decision).outcome == Outcome.ACCEPT


def actions_still_to_do(meeting: Meeting, *, seen_by: Actor | None = None) -> list[Action]:
    """Actions that were due by the meeting and are still to do: they go on to the next one."""
    rows = Action.objects.visible_to(seen_by) if seen_by else Action.objects.filter(scheme=meeting.scheme)
    rows = rows.filter(due_on__lte=meeting.date).to_do().exclude(meeting=meeting)
    return list(rows.for_list().order_by("due_on", "pk"))


def _next(meeting: Meeting) -> Meeting | None:
    rows = Meeting.objects.filter(scheme=meeting.scheme, body=meeting.body).upcoming(meeting.date)
    return rows.filter(date__gt=meeting.date).select_related("body", "scheme").first()


@transaction.atomic
def close(meeting: Meeting, *, by: Actor, because: str = "") -> Minutes:
    """Close the meeting: what it did not finish goes on, actions are counted forward, and the minutes draft themselves.

    Nobody is passed over in silence: who was not reached goes on to the next meeting, with `because` in the minutes of
    this one and on the agenda of that. Raises PermissionDenied or StepRefused.
    """
    meeting = locked(Meeting, meeting.pk)
    if not by.can("panels.record", meeting):
        raise PermissionDenied
    if meeting.status == MeetingStatus.LIVE and meeting.recorder_id != by.user.pk:
        raise StepRefused([f"{meeting.recorder.name} is recording this meeting. Take over the recording first."])
    meeting.scheme = meeting.body.scheme = by.scheme
    carried = carry_forward(meeting)
    AgendaItem.objects.filter(meeting=meeting).exclude(undo={}).update(undo={})
    closed = take(CLOSE_MEETING, meeting, by=by)
    closed.scheme = closed.body.scheme = by.scheme
    for unfinished in carried.people:
        _carry(unfinished, meeting, by, because.strip())
    plans.carry_forward(carried.actions, by=by)
    escalations.bring_all(by=by)
    last_minutes.bring_to_next(closed, by=by)
    return minutes.draft(closed, by=by)


def _next_that_decides(meeting: Meeting) -> Meeting | None:
    """Where recommendations go: the next meeting of the body that decides who joins, and how somebody is rated."""
    rows = Meeting.objects.filter(scheme=meeting.scheme, body__slug=meeting.scheme.policy.deciding_body.slug)
    rows = rows.filter(date__gte=meeting.date, status__in=NOT_HELD_YET).exclude(pk=meeting.pk)
    return rows.select_related("body", "scheme").order_by("date", "pk").first()


def _carry(unfinished: Unfinished, meeting: Meeting, by: Actor, because: str) -> None:
    item, to = unfinished.item, unfinished.to
    not_reached = item.state == ItemState.OPEN
    if not_reached:
        item.state = ItemState.CARRIED
        item.note = item.note or because
        item.version += 1
        item.save(update_fields=["state", "note", "version"])
        audit.record(
            "carry_item_forward", item, by=by, subjects=agenda.subjects_of(item), meeting=meeting.key, item=item.number
        )
    why = f"{unfinished.why} on {day_month(meeting.date)}"
    if not_reached and because:
        why = f"{why}: {because}"
    if hasattr(item, "escalation_link"):
        return  # `escalations.bring_all` brings it to the next agenda
    if item.section == Section.OUTSIDE:
        if to is not None:
            _ask_again(item, to, why, by)
    elif unfinished.why == TO_BE_RATIFIED:
        if to is not None:
            ratifying.ask_to_ratify(to, holding_of(item), by=by)
    elif item.referral is not None:
        _carry_referral(item, to, why, by)
    elif item.case is not None:
        if to is not None and _belongs_on(to, item):
            agenda.add_item(to, section=item.section, case=item.case, why=why, by=by)
    elif to is not None:
        agenda.add_item(to, section=item.section, title=item.title, why=why, minutes=item.minutes, by=by)


def _belongs_on(to: Meeting, item: AgendaItem) -> bool:
    """Whether the next agenda lacks a case that goes on to it."""
    return item.case.status != CaseStatus.CLOSED and not to.items.filter(case=item.case, section=item.section).exists()


def _ask_again(item: AgendaItem, to: Meeting, why: str, by: Actor) -> None:
    if item.outside is not None:
        ratifying.put_on(to, item.outside, why=why, by=by)
    elif item.is_about_rating:
        if rerating.waiting([item.case], scheme=item.scheme_id):
            rerating.put_on(to, item.case, by=by, why=why)
    else:
        ratifying.ask_to_ratify(to, item.ratifies, by=by, why=why)


def holding_of(item: AgendaItem) -> Decision:
    """The decision in force on an item that has one."""
    return item.decisions.in_force().select_related("item__meeting", "item__referral", "item__case").get()


def _carry_referral(item: AgendaItem, to: Meeting | None, why: str, by: Actor) -> None:
    """A nomination that was not reached counts as deferred; the next panel has it, and the same agencies are asked.

    One about somebody whose case is restricted is left to those who may open it.
    """
    referral = item.referral
    referral.refresh_from_db()
    if not by.can("referrals.triage", referral):
        return
    if referral.status == ReferralStatus.ON_AGENDA:
        referral = referrals.decided(referral, Outcome.DEFER, by=by, reason=why)
    if to is not None and referral.status == ReferralStatus.DEFERRED:
        asked = Agency.objects.filter(
            check_requests__referral=referral, check_requests__meeting=item.meeting
        ).distinct()
        referrals.put_to_panel(referral, meeting=to, agencies=asked, by=by)
        # The item came with it (`panels.handlers`); why it comes again stands with it.
        AgendaItem.objects.filter(meeting=to, referral=referral, section=Section.REFERRALS).update(why=why)


def first_reviews(meeting: Meeting, carried: CarryForward) -> list[tuple[Decision, dict[str, str]]]:
    """For everybody accepted here, when they are first reviewed by the scheme's rule."""
    policy = meeting.scheme.policy_on(meeting.date).policy
    found = first_review(policy, meeting.date, following(meeting))
    return [(decision, found) for decision in carried.accepted] if found else []


def next_reviews(meeting: Meeting, carried: CarryForward) -> tuple[int, str]:
    """How many cases were reviewed here and stay on the cohort, and when they come up again by the scheme's rule."""
    rows = Decision.objects.in_force().filter(item__meeting=meeting, item__case__isnull=False, quorate=True)
    count = rows.filter(outcome__in=[Outcome.NO_CHANGE, Outcome.CHANGE_RATING]).count()
    rule = meeting.scheme.policy_on(meeting.date).policy.review("progress")
    if not count or rule is None:
        return 0, ""
    if rule.every_meetings == 1:
        return count, f"{rule.label}: at {carried.where}"
    how_often = f"every {rule.every_meetings} meetings" if rule.every_meetings else lower_first(rule.asks)
    return count, f"{rule.label}: {how_often}"


def next_meeting_day(meeting: Meeting) -> date | None:
    """When the body meets next, for "by next panel"."""
    to = _next(meeting)
    return to.date if to else None
