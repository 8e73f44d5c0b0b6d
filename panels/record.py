"""The record of a meeting: what its minutes say, as plain values in one canonical form with one fingerprint.

The draft, the page, the PDF and the signature all stand on this. Nothing marked for named agencies is read here, and an
item about a restricted case is left out for everybody (security.md Z6): such things are on the case itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from iom.deadlines import first_review_meeting
from iom.models import Meeting, MeetingStatus
from iom.policy import Policy
from iom.printing import CLASSIFICATION
from iom.working_days import add_months
from offenders.models import Case, MashReferral, RagRating
from referrals.models import Score
from referrals.scoring import current_scores

from . import agreement, presence
from .canonical import Record, canonical, fingerprint
from .chairing import chair_of
from .escalations import told_on
from .models import (
    ActingChair,
    AgendaItem,
    Attendance,
    Consulted,
    Decision,
    Harm,
    ItemAction,
    ItemState,
    Minutes,
    Outcome,
    OutsideDecision,
    Side,
    TableSignature,
)
from .querysets import NOTHING_TO_RATIFY
from .safeguarding import children_referred
from .words import HARM_WORDS, OUTCOME_WORDS, SIDE_WORDS, how_words, section_words, vote_words

__all__ = ["Record", "canonical", "fingerprint"]

FORMAT = "iom-panel minutes 1"
# What is decided on items that are about nobody.
ABOUT_NOBODY = (Outcome.NOTED, Outcome.TRUE_RECORD, Outcome.CORRECTIONS)


@dataclass(frozen=True, slots=True)
class _Sitting:
    """What the parts of a record have in common."""

    meeting: Meeting
    narrative: dict[str, str]
    policy: Policy
    later: list[date]
    scores: dict[int, Score]
    room: presence.Room
    numbers: dict[int, str]
    left_out: frozenset[int]
    escalations: dict[int, dict[str, Any]] = field(default_factory=dict)
    children: dict[int, list[MashReferral]] = field(default_factory=dict)


def reference_of(meeting: Meeting) -> str:
    """How the minutes of a meeting are called outside their page: `MERTON-2026-03-12`."""
    return f"{meeting.scheme.slug.replace('_', '-').upper()}-{meeting.key}"


def record_of(minutes: Minutes) -> Record:
    """What these minutes say now, made afresh from the decisions. Once they are signed, read `minutes.record`."""
    meeting = Meeting.objects.select_related("body", "scheme", "chair__user", "recorder").get(pk=minutes.meeting_id)
    policy_version = meeting.scheme.policy_on(meeting.date)
    body = policy_version.policy.body(meeting.body.slug)
    later = following(meeting)
    items = items_of(meeting)
    for item in items:
        item.meeting = meeting
    scores = current_scores(item.referral.offender_id for item in items if item.referral)
    chair = chair_of(meeting)
    room = replace(presence.room(meeting), needed=body.quorum.organisations)
    numbers = {item.pk: item.number for item in items}
    told, left_out = told_on(items, meeting.date), frozenset(minutes.left_out)
    sitting = _Sitting(meeting, minutes.narrative, policy_version.policy, later, scores, room, numbers, left_out, told)
    sitting = replace(sitting, children=children_referred(meeting))
    return {
        "format": FORMAT,
        "classification": CLASSIFICATION,
        "reference": reference_of(meeting),
        "version": minutes.number,
        "scheme": {"slug": meeting.scheme.slug, "name": meeting.scheme.name, "short_name": meeting.scheme.short_name},
        "meeting": {
            "body": meeting.body.name,
            "date": meeting.date.isoformat(),
            "starts_at": f"{meeting.starts_at:%H:%M}",
            "place": f"{meeting.area}: {meeting.place}".strip(": ") if meeting.area else meeting.place,
            "chair": chair.user.name if chair else "",
            "recorder": meeting.recorder.name if meeting.recorder else "",
        }
        | ({"continued_at": meeting.resumes_at.isoformat()} if meeting.resumes_at else {}),
        "rules": {"version": policy_version.number, "quorum_needed": body.quorum.organisations},
        "chair_taken": [_chair_taken(took, sitting) for took in meeting.acting_chairs.all()],
        "attendance": [_attended(row, sitting) for row in room.rows],
        "quorum_turns": presence.turns_in_words(presence.turns(room, items)),
        "guests_invited": [{"name": guest.name, "purpose": guest.purpose} for guest in meeting.guests_agreed.all()],
        "agreement": _agreement(meeting, room),
        "items": [_item(item, sitting) for item in items],
        "next_meeting": later[0].isoformat() if later else "",
    }


def open_to_all(meeting: Meeting) -> QuerySet[AgendaItem]:
    """The items of a meeting that every reader of its minutes may read: none about a restricted case."""
    restricted = Case.objects.filter(restricted=True)
    of_the_person = restricted.filter(offender=OuterRef("referral__offender"))
    return (
        AgendaItem.objects.filter(meeting=meeting)
        .exclude(state=ItemState.PARKED)
        .exclude(case__in=restricted)
        .exclude(Exists(of_the_person))
        .order_by("position", "pk")
    )


def said_to_all() -> QuerySet[ItemAction]:
    """What items say of actions, to every reader: nothing of a restricted case.

    An action of one may have been looked at under an item that is about nobody.
    """
    return ItemAction.objects.exclude(action__case__in=Case.objects.filter(restricted=True))


def items_of(meeting: Meeting) -> list[AgendaItem]:
    """Those items with everything that the minutes say of them, in a fixed number of queries."""
    decisions = (
        Decision.objects.filter(undone=None)
        .select_related("case", "decided_by", "policy_version", "harm_agency", "taken_on_by")
        .prefetch_related("votes__agency", "funding__funding")
        .order_by("pk")
    )
    said = said_to_all().select_related("action__agency", "action__owner__user", "action__case__offender")
    ratings = RagRating.objects.filter(starts_on__lte=meeting.date).order_by("-starts_on")
    return list(
        open_to_all(meeting)
        .select_related(
            "referral__offender",
            "referral__agency",
            "case__offender",
            "late_agreed_by",
            "outside__decided_by__user",
            "outside__recorded_by",
            "outside__case",
            "ratifies__item__meeting__body",
            "ratifies__case",
            "brought_by",
            "approval__minutes__meeting__scheme",
            "approval__minutes__meeting__body",
        )
        .prefetch_related(
            Prefetch("decisions", decisions, to_attr="all_decisions"),
            Prefetch("outside__consulted", Consulted.objects.select_related("agency")),
            Prefetch("item_actions", said, to_attr="said_of_actions"),
            Prefetch("case__ratings", ratings.select_related("decided_by"), to_attr="ratings_by_then"),
        )
    )


def current(decisions: Iterable[Decision]) -> Decision | None:
    """The decision that holds: the last of an item's chain of corrections."""
    return max(decisions, key=lambda decision: decision.pk, default=None)


def open_to(record: Record, closed: AbstractSet[str]) -> Record:
    """A signed record as somebody may read it to whom the cases and nominations called `closed` are not open.

    What was restricted after the signature is absent for them; the record itself stays as it was signed.
    """
    if not closed:
        return record

    def is_open(action: dict[str, Any]) -> bool:
        return action["case"] not in closed

    return record | {
        "items": [
            item
            | {"actions": list(filter(is_open, item["actions"])), "looked_at": list(filter(is_open, item["looked_at"]))}
            for item in record["items"]
            if not {item["reference"], (item["decision"] or {}).get("case", "")} & closed
        ]
    }


def actions_in(record: Record) -> list[dict[str, Any]]:
    """Every action that the meeting agreed, with its item, in the order of their days and then of the items."""
    rows = [
        {**action, "number": item["number"], "about": item["reference"], "person": item["person"]}
        for item in record["items"]
        for action in item["actions"]
    ]
    return sorted(rows, key=lambda row: row["due_on"])


def decisions_in(record: Record) -> list[dict[str, Any]]:
    """The items on which something was decided about a person, for the table of decisions."""
    return [item for item in record["items"] if item["decision"] and item["decision"]["outcome"] not in ABOUT_NOBODY]


# --- Parts ------------------------------------------------------------------


def instant(moment: datetime) -> str:
    """An instant as text that sorts: UTC, microseconds always written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def following(meeting: Meeting) -> list[date]:
    """The days of the planned meetings of the same body after this one."""
    rows = Meeting.objects.filter(scheme=meeting.scheme, body=meeting.body, date__gt=meeting.date)
    return list(rows.exclude(status=MeetingStatus.CANCELLED).order_by("date").values_list("date", flat=True))


def _chair_taken(took: ActingChair, sitting: _Sitting) -> dict[str, str]:
    """Who took the chair, why and by which rule; from an item that is not in these minutes, without its number."""
    return {
        "name": took.membership.user.name,
        "because": took.because,
        "rule": took.rule,
        "source": took.source,
        "from_item": sitting.numbers.get(took.item_id, ""),
        "at": instant(took.taken_at),
    }


def _attended(row: Attendance, sitting: _Sitting) -> dict[str, Any]:
    return {
        "agency": row.agency.name if row.agency else "",
        "name": row.name,
        "post": row.post,
        "standing": row.get_standing_display(),
        "how": row.get_how_display(),
        "here": row.here,
        "came": presence.in_words(sitting.room, row, sitting.numbers),
        "counts": row.here and row.standing == Attendance.Standing.MEMBER,
        "substitute": row.substitute_name if row.how == Attendance.How.SUBSTITUTE else "",
        "delegated_authority": row.delegated_authority,
        "invitation_agreed_on": row.agreed_at.isoformat() if row.agreed_at else "",
    }


def _agreement(meeting: Meeting, room: presence.Room) -> dict[str, Any]:
    on_paper = TableSignature.objects.filter(attendance__meeting=meeting).select_related("seen_by")
    here = [row for row in room.rows if row.here]
    signatures = meeting.signatures.order_by("typed_name", "pk")
    return {
        "title": meeting.scheme.policy_on(meeting.date).policy.sharing_agreement.title,
        "signed": [{"name": signature.typed_name, "version": signature.agreement_version} for signature in signatures],
        "at_the_table": [
            {"name": each.name, "version": each.agreement_version, "seen_by": each.seen_by.name} for each in on_paper
        ],
        "unsigned": list(agreement.unsigned(meeting, here)),
    }


def _item(item: AgendaItem, sitting: _Sitting) -> dict[str, Any]:
    chain = item.all_decisions
    decision = current(chain)
    earlier = [each for each in chain if each is not decision]
    offender = item.referral.offender if item.referral else item.case.offender if item.case else None
    return {
        "number": item.number,
        "section": item.section,
        "section_title": section_words(item.section),
        "title": item.title or (section_words(item.section) if offender is None else ""),
        "person": offender.name if offender else "",
        "reference": _reference(item),
        "why": item.why,
        "late": item.late,
        "late_agreed_by": item.late_agreed_by.name if item.late_agreed_by else "",
        "state": item.state,
        "decision": _decision(decision, item, sitting) if decision else None,
        "corrected": [
            _corrected(old, new, left_out=new.pk in sitting.left_out)
            for old, new in zip(earlier, chain[1:], strict=True)
        ],
        "looked_at": [_looked_at(said) for said in item.said_of_actions if said.kind == ItemAction.Kind.REVIEWED],
        "actions": [_action(said) for said in item.said_of_actions if said.kind == ItemAction.Kind.AGREED],
        "interests": [
            {"name": each.attendance.who, "agency": _agency(each.attendance), "words": each.words}
            for each in sitting.room.interests.get(item.pk, ())
        ],
        "without_vote": [agency.name for agency in sitting.room.without_vote_at(item)],
        "note": item.note,
        "words": sitting.narrative.get(str(item.pk), ""),
        "goes_to": _goes_to(item, decision, sitting.later),
        "brought_by": item.brought_by.name if item.brought_by else "",
        "ratifies": _ratifies(item.ratifies) if item.ratifies else None,
    } | _joined(item, sitting)


def _is_young(item: AgendaItem) -> bool:
    """Young people are flagged at every stage (Richmond, 3.6): as they were on the day of the meeting."""
    thing = item.referral or item.case
    return thing is not None and thing.offender.under_18(item.meeting.date)


def _joined(item: AgendaItem, sitting: _Sitting) -> dict[str, Any]:
    """What only some items have: a decision to ratify, an issue of the board's, the minutes of before to agree to."""
    approval = getattr(item, "approval", None)
    return {
        **({"outside": _outside(item.outside)} if item.outside else {}),
        **({"rated_between": _rated_between(item)} if item.is_about_rating else {}),
        **({"escalation": sitting.escalations[item.pk]} if item.pk in sitting.escalations else {}),
        **({"approves": _approves(approval.minutes)} if approval else {}),
        **({"presenter": item.presenter} if item.presenter else {}),
        **({"closed": True} if item.closed else {}),
        **({"under_18": True} if _is_young(item) else {}),
        # That it was done, and where it went; what the concern is stays with who referred.
        **({"child_referred_to": children[0].to} if (children := sitting.children.get(item.case_id)) else {}),
    }


def _approves(minutes: Minutes) -> dict[str, Any]:
    return {
        "reference": reference_of(minutes.meeting),
        "version": minutes.number,
        "date": minutes.meeting.date.isoformat(),
        "sha256": minutes.record_sha256,
    }


def _ratifies(decision: Decision) -> dict[str, Any]:
    """What was decided at an earlier meeting without a quorum, that the panel was asked to ratify."""
    return {
        "outcome": decision.outcome,
        "words": OUTCOME_WORDS[decision.outcome],
        "colour": decision.colour,
        "reason": decision.reason,
        "leads": decision.leads,
        "meeting": decision.item.meeting.date.isoformat(),
        "body": decision.item.meeting.body.name,
        "item": decision.item.number,
        "agencies_here": decision.agencies_here,
        "agencies_needed": decision.agencies_needed,
    }


def _agency(row: Attendance) -> str:
    return row.agency.name if row.agency else ""


def _outside(outside: OutsideDecision) -> dict[str, Any]:
    """What was decided before the meeting, that the panel was asked to ratify."""
    return {
        "outcome": outside.outcome,
        "words": OUTCOME_WORDS[outside.outcome],
        "colour": outside.colour,
        "case": outside.case.reference if outside.case else "",
        "reason": outside.reason,
        "urgent_because": outside.urgent_because,
        "decided_on": outside.decided_on.isoformat(),
        "decided_by": outside.decided_by.user.name,
        "recorded_by": outside.recorded_by.name,
        "leads": outside.leads,
        "consulted": [
            {
                "agency": each.agency.name,
                "name": each.name,
                "how": each.get_how_display(),
                "on": each.on.isoformat(),
                "said": each.said,
            }
            for each in outside.consulted.all()
        ],
    }


def rating_asked_about(item: AgendaItem) -> RagRating | None:
    """The rating that an item of `items_of` asks the panel to ratify; None for any other item."""
    if not item.is_about_rating:
        return None
    return next((rating for rating in item.case.ratings_by_then if rating.to_ratify), None)


def _rated_between(item: AgendaItem) -> dict[str, str] | None:
    """The rating given between two panels, that the panel was asked to ratify."""
    rating = rating_asked_about(item)
    if rating is None:
        return None
    return {
        "colour": rating.colour,
        "starts_on": rating.starts_on.isoformat(),
        "reason": rating.reason,
        "evidence": rating.evidence,
        "by": rating.decided_by.name if rating.decided_by else "",
    }


def _reference(item: AgendaItem) -> str:
    thing = item.referral or item.case
    return thing.reference if thing else ""


def _decision(decision: Decision, item: AgendaItem, sitting: _Sitting) -> dict[str, Any]:
    return {
        "outcome": decision.outcome,
        "words": OUTCOME_WORDS[decision.outcome],
        "colour": decision.colour,
        "colour_before": _colour_before(decision, item, sitting.meeting.date),
        "case": decision.case.reference if decision.case else "",
        "reason": decision.reason,
        "how": how_words(decision),
        "how_note": decision.vote_note,
        "votes": _votes(decision),
        "dissent": decision.dissent,
        "harm": _harm(decision),
        "taken_on_by": decision.taken_on_by.name if decision.taken_on_by else "",
        "score": _score(item, sitting.scores),
        "score_agreed": decision.score_agreed,
        "leads": decision.leads,
        "review": _first_review(decision, sitting),
        "agencies_here": decision.agencies_here,
        "agencies_needed": decision.agencies_needed,
        "to_ratify": waits(item.section, decision),
        "decided_at": instant(decision.decided_at),
        "rules_version": decision.policy_version.number,
        **({"evidence": decision.evidence} if decision.evidence else {}),
        **({"agreed_until": decision.agreed_until.isoformat()} if decision.agreed_until else {}),
    } | _of_the_plan(decision)


def _of_the_plan(decision: Decision) -> dict[str, Any]:
    """That the panel agreed the plan, and what it said of money; nothing where neither was before it."""
    rulings = list(decision.funding.all())
    money = [
        {
            "amount": f"{ruling.funding.amount:.2f}",
            "text": ruling.funding.text,
            "payer": ruling.funding.payer,
            "agreed": ruling.agreed,
        }
        for ruling in rulings
    ]
    return ({"plan_agreed": True} if decision.plan_agreed else {}) | ({"funding": money} if money else {})


def waits(section: str, decision: Decision) -> bool:
    """Whether a decision made without a quorum is for another meeting to ratify; one that is only noted is not."""
    ruled = section == "outside" and decision.outcome != Outcome.DEFER
    return decision.to_ratify and (ruled or decision.outcome not in NOTHING_TO_RATIFY)


def _votes(decision: Decision) -> dict[str, Any] | None:
    """How the organisations voted, on what, and the casting vote; None where nobody voted."""
    if not decision.motion:
        return None
    cast = list(decision.votes.all())
    return {
        "motion": decision.motion,
        "words": vote_words(decision.motion, decision.outcome, [each.vote for each in cast], decision.casting_vote),
        "cast": [{"agency": each.agency.name, "vote": SIDE_WORDS[Side(each.vote)]} for each in cast],
        "casting": SIDE_WORDS[Side(decision.casting_vote)] if decision.casting_vote else "",
    }


def _harm(decision: Decision) -> dict[str, str] | None:
    """The risk-of-harm line of a case (Waltham Forest, 5.7); None where it is not asked."""
    if not decision.harm:
        return None
    return {
        "state": decision.harm,
        "words": HARM_WORDS[Harm(decision.harm)],
        "said": decision.harm_words,
        "agency": decision.harm_agency.name if decision.harm_agency else "",
    }


def _colour_before(decision: Decision, item: AgendaItem, day: date) -> str:
    if item.case is None or not decision.colour:
        return ""
    before = next((rating for rating in item.case.ratings_by_then if rating.starts_on < day), None)
    return before.colour if before else ""


def _score(item: AgendaItem, scores: dict[int, Score]) -> str:
    """The score that the panel had before it, such as `82%`."""
    score = scores.get(item.referral.offender_id) if item.referral else None
    return f"{score.pct_2yr}%" if score else ""


def _first_review(decision: Decision, sitting: _Sitting) -> dict[str, str] | None:
    ratified = decision.item.ratifies if decision.outcome == Outcome.RATIFY else None
    if (ratified or decision).outcome != Outcome.ACCEPT or decision.case is None:
        return None
    return first_review(sitting.policy, sitting.meeting.date, sitting.later)


def first_review(policy: Policy, accepted: date, meetings: Iterable[date]) -> dict[str, str] | None:
    """When somebody accepted on a day is first reviewed, and at which meeting; None without such a rule."""
    rule = policy.review("first")
    if rule is None or rule.months is None:
        return None
    meeting = first_review_meeting(accepted, rule.months, meetings)
    return {
        "label": rule.label,
        "due": add_months(accepted, rule.months).isoformat(),
        "meeting": meeting.isoformat() if meeting else "",
        "source": rule.source,
    }


def _corrected(old: Decision, new: Decision, *, left_out: bool) -> dict[str, str]:
    """The first decision and why it was corrected; without its own reason, which does not hold any more."""
    return {
        "words": OUTCOME_WORDS[old.outcome],
        "colour": old.colour,
        "reason": "",
        "because": "" if left_out else new.correction_reason,
        "at": instant(new.decided_at),
        "by": new.decided_by.name,
    }


def _action(said: ItemAction) -> dict[str, str]:
    action = said.action
    return {
        "text": action.text,
        "agency": action.agency.name,
        "who": action.who if (action.owner_id or action.owner_name) else "",
        "due_on": action.due_on.isoformat(),
        "case": action.case.reference if action.case else "",
    }


def _looked_at(said: ItemAction) -> dict[str, str]:
    return _action(said) | {
        "person": said.action.case.offender.name if said.action.case else "",
        "outcome": said.get_status_display(),
        "note": said.note,
    }


def _goes_to(item: AgendaItem, decision: Decision | None, later: list[date]) -> str:
    """The day of the meeting that takes an item which this one did not finish; "next" while none is planned."""
    if decision is None and item.referral is None and item.case is None:
        return ""
    if decision is None:
        unfinished = item.state == ItemState.CARRIED
    else:
        unfinished = decision.outcome == Outcome.DEFER or waits(item.section, decision)
    if not unfinished:
        return ""
    return later[0].isoformat() if later else "next"
