"""Leaving the cohort, verb by verb: what is prepared, proposed, decided and called off (ux.md 4.5, `/cases/REF/exit/`).

`offenders.exits` says where somebody stands on the way out and closes the case.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock, notify
from iom.jinja import day
from iom.models import Agency, Meeting, Membership
from iom.steps import Stale, StepRefused, locked, take

from .models import Case, CaseStatus, Colour, Leaving, RagRating, SafetyView, ToldOfLeaving
from .transitions import CALL_OFF

if TYPE_CHECKING:
    from iom.access import Actor

THROUGH_US = "Through this service"
PREPARES = "offenders.prepare_exit"
DECIDES = "offenders.change_case"


def of_case(case: Case) -> Leaving:
    """What is written down of a case's leaving; an empty one, not stored, where nothing is yet."""
    try:
        return case.leaving
    except Leaving.DoesNotExist:
        return Leaving(scheme_id=case.scheme_id, case=case, version=0)


@transaction.atomic
def save_strategy(
    case: Case, *, who_stays: str, contact: str, way_back: str, by: Actor, version: int | None = None
) -> Leaving:
    """Write the exit strategy: who stays involved, whom to ring, the way back in (Merton, Roles: one is in place).

    Raises PermissionDenied, Stale or StepRefused.
    """
    held, leaving = _for_change(case, by, version)
    given = {"who_stays": who_stays.strip(), "contact": contact.strip(), "way_back": way_back.strip()}
    if not all(given.values()):
        raise StepRefused(["Say who stays involved, whom the person can ring, and the way back in."])
    return _write("save_exit_strategy", held, leaving, by, **given, strategy_on=clock.today(), strategy_by=by.user)


@transaction.atomic
def consider_safety(case: Case, view: str, *, words: str, by: Actor, version: int | None = None) -> Leaving:
    """Write down that the view of victims and safeguarding was considered, and what it came to.

    Raises PermissionDenied, Stale, or StepRefused where there is a concern without words.
    """
    held, leaving = _for_change(case, by, version)
    view, words = SafetyView(view), words.strip()
    if view != SafetyView.NOTHING and not words:
        raise StepRefused(["Say what the concern is and who deals with it. Do not name victims."])
    return _write(
        "consider_safety_at_exit",
        held,
        leaving,
        by,
        safety=view,
        safety_words=words,
        safety_on=clock.today(),
        safety_by=by.user,
    )


@transaction.atomic
def propose(
    case: Case, *, reason: str, by: Actor, missing: Iterable[str] = (), without: str = "", version: int | None = None
) -> Leaving:
    """Propose to the panel that somebody leaves: the next agenda of the body that decides takes it by itself.

    `missing` is what the scheme asks for and has not got; going on `without` it needs a reason, which is kept. Raises
    PermissionDenied, Stale or StepRefused.
    """
    held, leaving = _for_change(case, by, version)
    if held.status != CaseStatus.OPEN:
        raise StepRefused([f"{held.reference} is leaving already."])
    if held.scheme.policy.exit.decided_by is None:
        raise StepRefused(["In this scheme people leave without a panel."])
    if not reason.strip():
        raise StepRefused(["Enter why you propose it."])
    given = _without(missing, without, by) | {"proposal": reason.strip()}
    return _write(
        "propose_exit", held, leaving, by, **given, proposed_on=clock.today(), proposed_by=by.user, reason=reason
    )


@transaction.atomic
def withdraw_proposal(case: Case, *, by: Actor, version: int | None = None) -> Leaving:
    """Take a proposal back before the panel has decided. Raises PermissionDenied, Stale or StepRefused."""
    held, leaving = _for_change(case, by, version)
    if leaving.proposed_on is None or held.status != CaseStatus.OPEN:
        raise StepRefused(["No proposal waits for the panel."])
    return _write("withdraw_exit", held, leaving, by, proposal="", proposed_on=None, proposed_by=None)


@transaction.atomic
def agree_period(case: Case, until: date, *, on: date, by: Actor, meeting: Meeting | None = None) -> RagRating:
    """Keep until when somebody rated Green is watched more lightly, as a panel agreed on a day (London, RAG Rating).

    Said again, the last holds; the history keeps both. Raises PermissionDenied, or StepRefused for other ratings, in
    schemes that agree no time, for an end before the day, and for a day before Green began.
    """
    held = _open(case, by, DECIDES)
    rating = held.ratings.select_for_update().get(until=None)
    problems = []
    if held.scheme.policy.exit.force != "agreed_period":
        problems.append("In this scheme the time rated Green is not agreed for each person.")
    elif rating.colour != Colour.GREEN:
        problems.append(f"{held.reference} is not rated Green.")
    elif on < rating.starts_on or on > clock.today():
        problems.append(f"The time was agreed between {day(rating.starts_on)}, when Green began, and today.")
    elif until <= on:
        problems.append(f"The time must end after {day(on)}, when it was agreed.")
    if problems:
        raise StepRefused(problems)
    rating.agreed_on, rating.agreed_until = on, until
    rating.version += 1
    rating.save(update_fields=["agreed_on", "agreed_until", "version"])
    audit.record(
        "agree_green_period",
        held,
        by=by,
        fields=["agreed_until"],
        subjects=[held.reference],
        meeting=meeting.key if meeting else None,
    )
    case.__dict__.pop("current_ratings", None)
    return rating


def not_told(case: Case) -> list[Agency]:
    """The agencies of the scheme that have not been told that somebody leaves, by name."""
    told = case.told_of_leaving.values("agency")
    return list(Agency.objects.filter(scheme_id=case.scheme_id).exclude(pk__in=told).order_by("name"))


@transaction.atomic
def tell_agencies(case: Case, agencies: Iterable[Agency], *, by: Actor, how: str = THROUGH_US) -> list[ToldOfLeaving]:
    """Tell agencies that somebody leaves, and keep who was told when; those told before are left alone.

    Through this service everybody of the agency hears who may know of the case; `how` else says how somebody was told
    who is not here. Raises PermissionDenied or StepRefused.
    """
    held = _open(case, by, PREPARES)
    before = set(held.told_of_leaving.values_list("agency", flat=True))
    new = [agency for agency in agencies if agency.pk not in before and agency.scheme_id == held.scheme_id]
    told = [
        ToldOfLeaving.objects.create(
            scheme_id=held.scheme_id, case=held, agency=agency, told_on=clock.today(), told_by=by.user, how=how.strip()
        )
        for agency in new
    ]
    if told and how == THROUGH_US:
        _notify(held, new)
    if told:
        audit.record(
            "tell_of_leaving", held, by=by, subjects=[held.reference], agencies=[agency.slug for agency in new]
        )
    return told


def _notify(case: Case, agencies: Iterable[Agency]) -> None:
    people = Membership.objects.filter(scheme_id=case.scheme_id, agency__in=agencies).current(clock.today())
    words = "is leaving the cohort" if case.status == CaseStatus.LEAVING else "is to leave the cohort"
    notify.tell(
        {each.user for each in people.with_role("member", "coordinator", "chair").select_related("user")},
        scheme=case.scheme,
        kind="leaving",
        subject=case.reference,
        text=f"Read: {case.reference} {words}",
        url=reverse("case_exit", args=[case.reference]),
        email_body=f"{case.reference} {words}. Sign in to read who stays involved and the way back in:",
    )


def going_on_without(case: Case, missing: Iterable[str], because: str, *, by: Actor) -> Leaving:
    """Keep why a case is closed without what the scheme asks for. Inside the caller's transaction; StepRefused."""
    return _write("exit_without", case, _locked_leaving(case), by, reason=because, **_without(missing, because, by))


def tell_story(case: Case, story: str, *, by: Actor) -> Leaving:
    """Keep the success case in words that name nobody (London, Links into the Community). Inside the transaction."""
    return _write("tell_success", case, _locked_leaving(case), by, story=story.strip())


def keep_offer(case: Case, on: date, *, by: Actor) -> Leaving:
    """Keep at closing when it is to be offered again (Hampshire, When IOM Ends). Inside the caller's transaction."""
    return _write("offer_again", case, _locked_leaving(case), by, offer_again_on=on)


# --- Decided, and called off -----------------------------------------------------


def decided(case: Case, *, on: date, reason: str, meeting: Meeting | None, by: Actor) -> Leaving:
    """Keep that leaving was decided, where and why. Inside the transaction of `actions.start_leaving`."""
    leaving = _locked_leaving(case)
    return _write(
        "keep_exit_decision",
        case,
        leaving,
        by,
        decided_on=on,
        decided_at=meeting,
        decided_because=reason[:600],
        called_off_on=None,
        called_off_because="",
    )


def not_agreed(case: Case, *, by: Actor) -> None:
    """That a panel heard the proposal and the person stays: it waits for no other. Inside the caller's transaction."""
    held = Leaving.objects.select_for_update(of=("self",)).filter(case=case, proposed_on__isnull=False).first()
    if held is not None:
        _write("keep_exit_not_agreed", case, held, by, proposal="", proposed_on=None, proposed_by=None)


@transaction.atomic
def call_off(case: Case, *, on: date, reason: str, by: Actor) -> Case:
    """Let somebody stay who was leaving: what was prepared is kept, what was proposed and decided is not.

    Raises PermissionDenied or StepRefused.
    """
    if not reason.strip():
        raise StepRefused(["Enter why it is called off."])
    case = take(CALL_OFF, case, by=by, reason=reason, subjects=[case.reference])
    forget_decision(case, on=on, reason=reason, by=by)
    return case


def forget_decision(case: Case, *, on: date, reason: str, by: Actor) -> None:
    """That somebody stays after all: the proposal and the decision are over. Inside the caller's transaction."""
    _write(
        "keep_exit_called_off",
        case,
        _locked_leaving(case),
        by,
        proposal="",
        proposed_on=None,
        proposed_by=None,
        decided_on=None,
        decided_at=None,
        decided_because="",
        without_because="",
        without_what="",
        without_by=None,
        called_off_on=on,
        called_off_because=reason.strip()[:600],
    )


def rating_changed(case: Case, before: str, after: str, *, on: date, by: Actor) -> bool:
    """Call leaving off when the Green that it rests on ends (ux.md 4.5: a rating change resets the clock).

    Whoever leaves for another reason, or with the end of supervision, leaves all the same. Inside the transaction of
    `actions.rate`, on the locked case. Returns whether it was called off.
    """
    rests_on_green = case.scheme.policy.exit.force != "end_of_supervision"
    if not rests_on_green or before != Colour.GREEN or after == Colour.GREEN:
        return False
    leaving = Leaving.objects.filter(case=case).first()
    words = f"No longer rated Green: {Colour(after).label.lower()} since {day(on)}."
    if case.status == CaseStatus.LEAVING:
        case.status = CaseStatus.OPEN
        case.save(update_fields=["status"])
        audit.record(CALL_OFF.verb, case, by=by, before=CaseStatus.LEAVING, after=CaseStatus.OPEN, reason=words)
        forget_decision(case, on=on, reason=words, by=by)
        return True
    if leaving is not None and leaving.proposed_on is not None:
        forget_decision(case, on=on, reason=words, by=by)
        return True
    return False


@transaction.atomic
def offer_again(case: Case, on: date | None, *, by: Actor, version: int | None = None) -> Leaving:
    """Keep the day on which somebody who left is to be offered the scheme again, such as a release (Hampshire, When
    IOM Ends); None takes it back. Nothing is tracked of closed cases by itself. Raises PermissionDenied or Stale.
    """
    held = locked(Case, case.pk)
    if not by.can("offenders.offer_again", held):
        raise PermissionDenied
    if held.status != CaseStatus.CLOSED:
        raise StepRefused([f"{held.reference} is on the cohort."])
    leaving = _locked_leaving(held, version)
    return _write("offer_again", held, leaving, by, offer_again_on=on)


# --- Shared -------------------------------------------------------------------------


def _open(case: Case, by: Actor, permission: str) -> Case:
    held = locked(Case, case.pk)
    if not by.can(permission, held):
        raise PermissionDenied
    if held.status == CaseStatus.CLOSED:
        raise StepRefused([f"{held.reference} is closed."])
    return held


def _for_change(case: Case, by: Actor, version: int | None) -> tuple[Case, Leaving]:
    held = _open(case, by, PREPARES)
    return held, _locked_leaving(held, version)


def _locked_leaving(case: Case, version: int | None = None) -> Leaving:
    """The row of a case that is locked already, made if there is none. Raises Stale."""
    leaving = Leaving.objects.select_for_update(of=("self",)).filter(case=case).first()
    if version is not None and version != (leaving.version if leaving else 0):
        raise Stale(leaving or case)
    return leaving or Leaving(scheme_id=case.scheme_id, case=case, version=0)


def _without(missing: Iterable[str], because: str, by: Actor) -> dict[str, object]:
    """What is kept of going on without what the scheme asks for. Raises StepRefused where no reason is given."""
    missing = list(missing)
    if missing and not because.strip():
        raise StepRefused([*missing, "Enter a reason for going on without it."])
    if not missing:
        return {"without_because": "", "without_what": "", "without_by": None}
    return {"without_because": because.strip(), "without_what": " ".join(missing)[:400], "without_by": by.user}


def _write(verb: str, case: Case, leaving: Leaving, by: Actor, *, reason: str = "", **given: object) -> Leaving:
    for name, value in given.items():
        setattr(leaving, name, value)
    leaving.version += 1
    leaving.save()
    audit.record(verb, leaving, by=by, reason=reason, fields=given, subjects=[case.reference])
    return leaving
