"""Reviews of cases: what is due, what was held, and what agencies tell the panel before one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet, Subquery

from iom import audit, clock, together
from iom.access import Actor
from iom.models import Meeting, MeetingStatus, Scheme
from iom.policy import Policy
from iom.steps import Stale, StepRefused, joined
from offenders.models import Case
from offenders.querysets import CaseQuerySet

from .actions import must_be_open
from .models import PanelUpdate, Plan, Review
from .reviewing import HELD_AT_MEETINGS, DueReview, due_reviews

LONGEST = 600
# Until its meeting is over, an agency may tell it something.
TELLS = (MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT, MeetingStatus.LIVE)


# --- Reading ----------------------------------------------------------------


def due_for(cases: Sequence[Case], policy: Policy) -> dict[int, list[DueReview]]:
    """What is due for each of these open cases, in two queries whatever their number."""
    return together.run(due_for_steps(cases, policy))


def due_for_steps(cases: Sequence[Case], policy: Policy) -> together.Steps[dict[int, list[DueReview]]]:
    """`due_for`, read in its caller's round."""
    listed = [case for case in cases if case.status != "closed"]
    if not listed:
        return {}
    since = min(case.accepted_on for case in listed)
    numbers = [case.pk for case in listed]
    # A question that can find nothing has no words (`together.worded`).
    met = _met_since(bodies, listed[0].scheme_id, since) if (bodies := _bodies(policy)) else Meeting.objects.none()
    done, days = yield [lambda: _last_held(numbers), met]
    held, meetings = _by_case(done), _by_body(days)
    return {
        case.pk: due_reviews(
            policy.reviews,
            accepted=case.accepted_on,
            done=held.get(case.pk, {}),
            meetings=meetings,
            deciding_body=policy.deciding_body.slug,
        )
        for case in listed
    }


def overdue(cases: Sequence[Case], policy: Policy, today: date) -> dict[int, list[DueReview]]:
    """Those of these cases that have a review whose meeting is over, with which."""
    return together.run(overdue_steps(cases, policy, today))


def overdue_steps(cases: Sequence[Case], policy: Policy, today: date) -> together.Steps[dict[int, list[DueReview]]]:
    """`overdue`, read in its caller's round."""
    due = yield from due_for_steps(cases, policy)
    found = {pk: [each for each in reviews if each.overdue(today)] for pk, reviews in due.items()}
    return {pk: late for pk, late in found.items() if late}


def overdue_of_all(cases: Callable[[], CaseQuerySet], scheme: Scheme, today: date) -> together.Steps[dict[int, date]]:
    """The same of a whole cohort, of which no case is read: the first day that was missed, by case."""
    policy = scheme.policy
    if not any(rule.kind in HELD_AT_MEETINGS for rule in policy.reviews):
        return {}
    bodies = _bodies(policy)

    def asked() -> list[QuerySet]:
        alone = cases().order_by()
        oldest = alone.order_by("accepted_on").values("accepted_on")[:1]
        return [
            alone.values_list("pk", "accepted_on"),
            _last_held(alone.values("pk")),
            _meetings(scheme.pk, bodies).filter(date__gt=Subquery(oldest)),
        ]

    listed, done, days = yield asked
    held, meetings = _by_case(done), _by_body(days)
    found = {}
    for pk, accepted in listed:
        due = due_reviews(
            policy.reviews,
            accepted=accepted,
            done=held.get(pk, {}),
            meetings=meetings,
            deciding_body=policy.deciding_body.slug,
        )
        if late := [each.on for each in due if each.on is not None and each.overdue(today)]:
            found[pk] = min(late)
    return found


def _last_held(cases: Any) -> QuerySet:
    """When each of these cases had each kind of review last: what is due next follows from no other."""
    rows = Review.objects.filter(case__in=cases, kind__in=HELD_AT_MEETINGS).order_by()
    return rows.values_list("case", "kind").annotate(last=Max("done_on"))


def _by_case(rows: Iterable[tuple[int, str, date]]) -> dict[int, dict[str, list[date]]]:
    held: dict[int, dict[str, list[date]]] = {}
    for case, kind, on in rows:
        held.setdefault(case, {})[kind] = [on]
    return held


def _bodies(policy: Policy) -> tuple[str, ...]:
    """The bodies at whose meetings reviews are held."""
    held = {rule.body or policy.deciding_body.slug for rule in policy.reviews if rule.kind in HELD_AT_MEETINGS}
    return tuple(sorted(held))


@together.worded
def _met_since(bodies: tuple[str, ...], /, scheme: int, since: date) -> QuerySet:
    return _meetings(scheme, bodies).filter(date__gt=since)


def _meetings(scheme: int, bodies: tuple[str, ...]) -> QuerySet:
    rows = Meeting.objects.filter(scheme=scheme, body__slug__in=bodies).exclude(status="cancelled")
    return rows.order_by("date").values_list("body__slug", "date")


def _by_body(rows: Iterable[tuple[str, date]]) -> dict[str, list[date]]:
    found: dict[str, list[date]] = {}
    for body, day in rows:
        found.setdefault(body, []).append(day)
    return found


def next_meeting(case: Case) -> Meeting | None:
    """The next meeting at which the panel looks at the case."""
    policy = case.scheme.policy
    rule = policy.review("progress")
    body = rule.body if rule and rule.body else policy.deciding_body.slug
    rows = Meeting.objects.filter(scheme=case.scheme, body__slug=body, date__gte=clock.today(), status__in=TELLS)
    return rows.select_related("body").order_by("date", "starts_at").first()


# --- Held -------------------------------------------------------------------


@transaction.atomic
def hold(case: Case, kind: str, *, on: date | None = None, words: str = "", by: Actor) -> Review:
    """Write down that a review was held outside a meeting's item, and what came of it.

    Whoever may change the plan may. Raises PermissionDenied or StepRefused.
    """
    _must_change_plan(by, case)
    must_be_open(case)
    on = on or clock.today()
    if kind not in {rule.kind for rule in by.scheme.policy.reviews}:
        raise StepRefused(["This scheme has no such review."])
    if kind == Review.Kind.SUPERVISOR:
        raise StepRefused(["A supervisor reviews the management report on its own page."])
    if not case.accepted_on <= on <= clock.today():
        raise StepRefused(["The day of the review must be today or earlier, while the case is on the scheme."])
    if not words.strip():
        raise StepRefused(["Say what came of the review."])
    due = next((each.on for each in due_for([case], by.scheme.policy).get(case.pk, []) if each.kind == kind), None)
    return _write(case, kind, due, on=on, meeting=None, words=words.strip(), there=None, by=by)


def decided_at(
    case: Case, meeting: Meeting, *, words: str = "", held: AtMeeting | None = None, by: Actor
) -> list[Review]:
    """The panel decided the item of a case: the reviews that this body holds were held there.

    Called in the transaction of the decision; said twice, they stand once. The first review counts only at the meeting
    at which it is due or after it. `held` is what was read before (`at_meeting_steps`).
    """
    if held is None:
        held = together.run(at_meeting_steps(case, meeting, by.rules_on(meeting.date).policy))
    made = []
    with joined():
        for due in held.due:
            early = due.kind == "first" and due.on is not None and meeting.date < due.on
            if due.body != meeting.body.slug or early or meeting.date <= case.accepted_on:
                continue
            if due.kind == "progress" and any(each.kind == "first" for each in made):
                continue
            words = words.strip()[:LONGEST]
            there = held.there.get(due.kind)
            made.append(
                _write(case, due.kind, due.on, on=meeting.date, meeting=meeting, words=words, there=there, by=by)
            )
    return made


@dataclass(frozen=True, slots=True)
class AtMeeting:
    """What is due of a case, and the reviews of it that were held on the day of a meeting, by kind."""

    due: Sequence[DueReview]
    there: Mapping[str, Review]


def at_meeting_steps(case: Case, meeting: Meeting, policy: Policy) -> together.Steps[AtMeeting]:
    """What `decided_at` goes by, read in its caller's round."""
    day = meeting.date
    found = yield from together.all_of(
        {
            "due": due_for_steps([case], policy),
            "there": together.asked(lambda: Review.objects.filter(case=case, done_on=day)),
        }
    )
    return AtMeeting(found["due"].get(case.pk, ()), {each.kind: each for each in found["there"]})


@transaction.atomic
def taken_back_at(case: Case, meeting: Meeting, *, by: Actor) -> None:
    """The decision was undone at the meeting: its reviews were not held."""
    rows = Review.objects.filter(case=case, meeting=meeting)
    if rows.exists():
        audit.record("take_back_review", meeting, by=by, subjects=[case.reference], meeting=meeting.key)
        rows.delete()


def _write(
    case: Case,
    kind: str,
    due: date | None,
    *,
    on: date,
    meeting: Meeting | None,
    words: str,
    there: Review | None,
    by: Actor,
) -> Review:
    about = {"scheme": by.scheme, "due_on": due, "meeting": meeting, "by": by.user, "words": words}
    review, new = (there, False) if there is not None else _made(about, case=case, kind=kind, done_on=on)
    if not new and words and words != review.words:
        review.words, review.by = words, by.user
        review.version += 1
        review.save(update_fields=["words", "by", "version"])
    audit.record(
        "hold_review",
        review,
        by=by,
        after=kind,
        subjects=[case.reference],
        meeting=meeting.key if meeting else None,
    )
    return review


def _made(about: dict[str, Any], **which: Any) -> tuple[Review, bool]:
    """A review that was not there when somebody looked; if it is there now, that one. Whether it is new."""
    try:
        with transaction.atomic():
            return Review.objects.create(**which, **about), True
    except IntegrityError:
        return Review.objects.get(**which), False


# --- Before the panel -------------------------------------------------------


@transaction.atomic
def tell_panel(case: Case, meeting: Meeting, text: str, *, by: Actor, version: int | None = None) -> PanelUpdate:
    """What one's agency tells the panel of a case before a meeting: one text an agency, changed until the meeting.

    `version` is that of the text its writer saw, 0 where there was none. Raises PermissionDenied, Stale or StepRefused.
    """
    update = PanelUpdate.objects.select_for_update().filter(case=case, meeting=meeting, agency=by.agency).first()
    if not by.can("actionplans.tell_panel", Plan(scheme_id=case.scheme_id, case=case)) or by.agency is None:
        raise PermissionDenied
    must_be_open(case)
    if meeting.scheme_id != by.scheme.pk or meeting.status not in ("draft", "agenda_sent", "live"):
        raise StepRefused(["This meeting is over. Write it for the next one."])
    if version is not None and version != (update.version if update else 0):
        raise Stale(update)
    if not text.strip():
        raise StepRefused(["Enter what the panel should know."])
    if update is None:
        update = PanelUpdate(scheme=by.scheme, case=case, meeting=meeting, agency=by.agency, version=0)
    if update.pk and update.text == text.strip():
        return update
    update.text, update.by, update.said_on = text.strip(), by.user, clock.today()
    update.version += 1
    update.save()
    audit.record("tell_panel", update, by=by, fields=["text"], subjects=[case.reference], meeting=meeting.key)
    return update


def updates_for(actor: Actor, case: Case, meeting: Meeting) -> list[PanelUpdate]:
    """What agencies tell this meeting of a case: the lead agency first, for it gives the background."""
    return together.run(updates_for_steps(actor, case, meeting))


def updates_for_steps(actor: Actor, case: Case, meeting: Meeting) -> together.Steps[list[PanelUpdate]]:

    def asked() -> QuerySet:
        rows = PanelUpdate.objects.visible_to(actor).filter(case=case, meeting=meeting)
        return rows.select_related("agency", "by")

    rows, _ = yield [asked, together.shared(case.assignments_steps)]
    lead = case.assigned("lead_agency")
    return sorted(rows, key=lambda row: (lead is None or row.agency_id != lead.agency_id, row.agency.name))


def _must_change_plan(by: Actor, case: Case) -> None:
    plan = Plan(scheme_id=case.scheme_id, case=case)
    if not (case.scheme_id == by.scheme.pk if by.user is None else by.can("actionplans.change_plan", plan)):
        raise PermissionDenied
