"""Decisions made between two meetings (Hampshire, Multi-Agency Meetings) or without a quorum, before the panel that
ratifies them.

Each stands on the next agenda of its body as an item of its own until a quorate panel has ratified it or has not.

Made between two meetings, it has had effect since its day: ratified, nothing more happens; not ratified, a case that
was opened is closed. Made without a quorum, it has had none but for its actions (design.md 3): ratified, it takes
effect as of the meeting that ratifies; not ratified, nothing has changed. In both ways a nomination that was not
ratified is before that same panel again, as an item of its agenda.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from iom import clock, notify
from iom.jinja import day_month, plural
from iom.models import Meeting, MeetingStatus
from iom.steps import StepRefused, take
from offenders.models import Case

from . import agenda, corrections, effects, rerating
from .choices import made_again
from .models import AgendaItem, Decision, ItemAction, ItemState, Outcome, OutsideDecision, Section
from .querysets import NOTHING_TO_RATIFY
from .transitions import NOT_HELD_YET
from .words import OUTCOME_WORDS

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import PolicyVersion, Scheme
    from referrals.models import Referral


def ruling(outside: OutsideDecision) -> Decision | None:
    """What a quorate panel said of it; None while it waits."""
    rulings = Decision.objects.in_force().filter(
        item__outside=outside,
        quorate=True,
        outcome__in=[Outcome.RATIFY, Outcome.NOT_RATIFY],
    )
    return rulings.select_related("item__meeting__body").order_by("-pk").first()


def days_open(waiting: OutsideDecision | Decision) -> int:
    """For how many days it has waited."""
    made = waiting.decided_on if isinstance(waiting, OutsideDecision) else waiting.item.meeting.date
    return (clock.today() - made).days


def open_words(waiting: OutsideDecision | Decision) -> str:
    """The same in words."""
    days = days_open(waiting)
    return f"open for {plural(days, 'day')}" if days else "made today"


def next_meeting(scheme: Scheme) -> Meeting | None:
    """The meeting that will be asked: the next of the body that decides, if one is planned."""
    body = scheme.policy.deciding_body.slug
    rows = Meeting.objects.filter(scheme=scheme, body__slug=body, status__in=NOT_HELD_YET)
    return rows.upcoming(clock.today()).select_related("body").first()


def days_of_meetings(outside: OutsideDecision) -> list[date]:
    """The planned meetings of the body that decides, after the day of the decision."""
    rows = Meeting.objects.filter(scheme=outside.scheme_id, body__slug=outside.policy_version.policy.deciding_body.slug)
    coming = rows.filter(date__gt=outside.decided_on).exclude(status=MeetingStatus.CANCELLED)
    return list(coming.order_by("date").values_list("date", flat=True))


def put_on(meeting: Meeting, outside: OutsideDecision, *, by: Actor, why: str = "") -> AgendaItem | None:
    """Ask a meeting to ratify it. None when it stands on that agenda already. Raises as `agenda.add_item`."""
    if AgendaItem.objects.filter(meeting=meeting, outside=outside).exists():
        return None
    words = why or f"Decided on {day_month(outside.decided_on)}: {OUTCOME_WORDS[outside.outcome].lower()}"
    wanted = agenda.Wanted(Section.OUTSIDE, referral=outside.referral, why=words, outside=outside)
    return agenda.add_items(meeting, [wanted], by=by)[0]


def ask_to_ratify(meeting: Meeting, decision: Decision, *, by: Actor, why: str = "") -> AgendaItem | None:
    """Ask a meeting to ratify what was decided without a quorum. None when it stands on that agenda already."""
    if AgendaItem.objects.filter(meeting=meeting, ratifies=decision).exists():
        return None
    item = decision.item
    words = why or f"Decided without a quorum on {day_month(item.meeting.date)}"
    wanted = agenda.Wanted(
        Section.OUTSIDE,
        referral=item.referral,
        case=item.case,
        title=item.title,
        why=f"{words}: {OUTCOME_WORDS[decision.outcome].lower()}",
        ratifies=decision,
    )
    return agenda.add_items(meeting, [wanted], by=by)[0]


def ask_about(decision: Decision, *, instead_of: Decision) -> None:
    """Where a meeting is asked to ratify a decision that was corrected since, it is asked about the correction."""
    asked = AgendaItem.objects.filter(ratifies=instead_of, state=ItemState.OPEN)
    if decision.quorate:
        asked = asked.filter(meeting__status__in=NOT_HELD_YET)
        asked.update(state=ItemState.PARKED)
    else:
        asked.update(ratifies=decision)


def must_still_wait(decision: Decision) -> None:
    """Raises StepRefused where a quorate meeting has said already what becomes of a decision made without a quorum."""
    if decision.outcome in NOTHING_TO_RATIFY or hasattr(decision.item, "escalation_link"):
        return
    if not Decision.objects.waiting().filter(pk=decision.pk).exists():
        raise StepRefused(["A later meeting has been asked to ratify this and has answered. Correct it there."])


def bring_all(*, by: Actor) -> None:
    """Bring what waits and stands on no coming agenda to the next one. Without a next meeting it waits for its plan.

    Decisions of all three kinds: made outside the meeting, made without a quorum, and ratings given between panels.
    """
    rerating.bring_all(by=by)
    coming = AgendaItem.objects.filter(
        section=Section.OUTSIDE, state=ItemState.OPEN, meeting__status__in=[*NOT_HELD_YET, MeetingStatus.LIVE]
    )
    asked = coming.filter(outside__isnull=False).values("outside")
    outside = list(OutsideDecision.objects.filter(scheme=by.scheme).waiting().exclude(pk__in=asked))
    meeting = next_meeting(by.scheme) if outside else None
    if meeting is not None:
        for each in outside:
            put_on(meeting, each, by=by)
    held = Decision.objects.filter(scheme=by.scheme).waiting().exclude(item__meeting__status=MeetingStatus.LIVE)
    for decision in held.exclude(pk__in=coming.filter(ratifies__isnull=False).values("ratifies")).select_related(
        "item__meeting__body", "item__referral", "item__case"
    ):
        following = _next_of(decision.item.meeting)
        if following is not None:
            ask_to_ratify(following, decision, by=by)


def _next_of(meeting: Meeting) -> Meeting | None:
    """The next meeting of the same body that is not held yet."""
    rows = Meeting.objects.filter(body=meeting.body_id, status__in=NOT_HELD_YET, date__gt=meeting.date)
    return rows.upcoming(clock.today()).select_related("body").first()


def rule(
    item: AgendaItem,
    outcome: str,
    meeting: Meeting,
    present: Decision | None,
    *,
    because: str,
    version: PolicyVersion,
    by: Actor,
) -> Case | None:
    """Make so what a quorate panel said of a decision of before: part of `decide`. Returns the case, if one is open.

    Raises StepRefused when what is undone cannot be taken back, or when the case has moved on since.
    """
    if item.ratifies is not None:
        return _rule_on_decision(item, outcome, meeting, present, because=because, version=version, by=by)
    outside, before = item.outside, present.outcome if present and present.quorate else ""
    if before == Outcome.NOT_RATIFY and outcome != Outcome.NOT_RATIFY:
        raise StepRefused(
            ["This decision was undone, and the nomination is before the panel again. Decide it at its own item."]
        )
    if outcome == Outcome.NOT_RATIFY and before != Outcome.NOT_RATIFY:
        _undo(outside, item, meeting, because=because, by=by)
    return outside.case


def _rule_on_decision(
    item: AgendaItem,
    outcome: str,
    meeting: Meeting,
    present: Decision | None,
    *,
    because: str,
    version: PolicyVersion,
    by: Actor,
) -> Case | None:
    decision, before = item.ratifies, present.outcome if present and present.quorate else ""
    if outcome == before:
        return present.case
    if before:
        undo(item, present, meeting, by=by, because=because)
    if outcome == Outcome.RATIFY:
        return _takes_effect(decision, meeting, version, by)
    if outcome == Outcome.NOT_RATIFY and decision.item.referral is not None:
        _hear_again(decision.item.referral, _hearing(meeting, by), by, why="What was decided was not ratified")
    return item.case


def _takes_effect(decision: Decision, meeting: Meeting, version: PolicyVersion, by: Actor) -> Case | None:
    """What was decided without a quorum holds from the meeting that ratifies it; its actions belong to the new case."""
    item = decision.item
    case = effects.make_so(item, made_again(decision), meeting, standing=None, version=version, by=by)
    if case is not None and item.case is None:
        begun = ItemAction.objects.filter(item=item, kind=ItemAction.Kind.AGREED, action__case=None)
        for said in begun.select_related("action"):
            said.action.case = case
            said.action.version += 1
            said.action.save(update_fields=["case", "version"])
    return case


def undo(item: AgendaItem, ruled: Decision, meeting: Meeting, *, by: Actor, because: str = "Undone") -> None:
    """Take back what ruling on a decision made without a quorum did. Raises StepRefused as `corrections` does."""
    decision = item.ratifies
    if ruled.outcome == Outcome.RATIFY:
        corrections.take_back(decision.outcome, ruled.case, decision.item, meeting, because=because, by=by)
    elif ruled.outcome == Outcome.NOT_RATIFY and decision.item.referral is not None:
        again = AgendaItem.objects.filter(referral=decision.item.referral, section=Section.REFERRALS)
        heard = again.filter(pk__gt=item.pk).exclude(pk=decision.item_id).order_by("-pk").first()
        if heard is not None and heard.state == ItemState.DECIDED:
            raise StepRefused(["The nomination has been decided anew since. Correct that decision instead."])
        if heard is not None:
            agenda.leave(heard, by=by)


def shown(decision: Decision) -> dict[str, object]:
    """What a panel that is asked to ratify reads: what was decided without a quorum, when, and who was there."""
    return {"waiting": decision, "waiting_words": OUTCOME_WORDS[decision.outcome], "open_words": open_words(decision)}


def in_effect(decision: Decision | OutsideDecision) -> Decision | OutsideDecision:
    """The decision whose words hold: the one that was ratified, else the same."""
    if isinstance(decision, OutsideDecision) or decision.outcome != Outcome.RATIFY:
        return decision
    return decision.item.ratifies or decision


def _undo(outside: OutsideDecision, item: AgendaItem, meeting: Meeting, *, because: str, by: Actor) -> None:
    if outside.outcome == Outcome.ACCEPT:
        corrections.undo_acceptance(outside.case, item, meeting, because=f"not ratified. {because}", by=by)
    hears = _hearing(meeting, by)
    referral = take(
        corrections.BEFORE_THE_PANEL_AGAIN,
        outside.referral,
        by=by,
        reason=because,
        subjects=[outside.referral.reference],
        meeting=hears,
    )
    _hear_again(referral, hears, by, why="What was decided outside the meeting was not ratified")
    notify.tell(
        [referral.referrer.user],
        scheme=meeting.scheme,
        kind="not_ratified",
        subject=f"outside:{outside.pk}",
        text=f"Referral {referral.reference} is before the panel again",
        url=referral.get_absolute_url(),
        email_body="The panel did not ratify what was decided between its meetings, and considers the referral anew:",
    )


def _hearing(meeting: Meeting, by: Actor) -> Meeting:
    """The meeting that considers a nomination anew: this one while it sits, else the next."""
    hears = meeting if meeting.status == MeetingStatus.LIVE else next_meeting(by.scheme)
    if hears is None:
        raise StepRefused(["Plan the next meeting first: the nomination must go to it."])
    return hears


def _hear_again(referral: Referral, meeting: Meeting, by: Actor, *, why: str) -> None:
    there = AgendaItem.objects.filter(meeting=meeting, referral=referral, section=Section.REFERRALS).first()
    if there is None:
        agenda.add_item(meeting, section=Section.REFERRALS, referral=referral, why=why, by=by)
    elif there.state == ItemState.PARKED:
        agenda.bring_back(there, by=by)
