"""Handing a case over between panels: on a day, with no gap, with notes, and told to both (Merton, step 8).

Whoever leads the case, the coordinator or the chair hands over. A day to come is kept and comes to pass by itself
(`carry_out_hand_overs`, each morning). Actions that the old holder was to do are moved or left, as was chosen: the apps
that hold such work register it with `holds_work`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock, notify, sweeps
from iom.access import Actor
from iom.jinja import day, lower_first
from iom.models import Agency, Membership, Scheme, User
from iom.policy import Policy
from iom.steps import StepRefused, locked
from offenders import actions
from offenders.leads import LeadProposal, propose_lead_agency
from offenders.models import AssignmentRole, Case, CaseStatus, Colour, HandOver
from offenders.restricted import named_people

log = logging.getLogger(__name__)

LATEST_DAYS = 183
ASK_A_REASON = "Enter a reason for going against the scheme rule."


# --- Work of the old holder ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Work:
    """Something that somebody has still to do on a case: by when, what."""

    due: date
    text: str


WorkOf = Callable[[Case, Membership], list[Work]]
# Gives what the first has still to do on the case to whom the row names; returns how many things that were.
MoveWork = Callable[[HandOver, Actor], int]
_work: list[tuple[WorkOf, MoveWork]] = []


def holds_work(find: WorkOf, move: MoveWork) -> None:
    """Register work that goes with a case."""
    _work.append((find, move))


def open_work(case: Case, member: Membership | None) -> list[Work]:
    """What a member has still to do on a case, soonest first."""
    if member is None:
        return []
    return sorted((each for find, _ in _work for each in find(case, member)), key=lambda each: each.due)


# --- What the rule says -------------------------------------------------------


def proposal_for(case: Case) -> LeadProposal:
    """Who leads by the scheme's rule, from what the case says now; in custody the rating before counts."""
    rating = case.rating
    colour = (rating.colour_before or rating.colour) if rating is not None else ""
    return propose_lead_agency(
        case.scheme.policy,
        statutory=case.statutory,
        main_driver=case.main_driver,
        colour="" if colour == Colour.BLUE else colour,
    )


def kind_wanted(policy: Policy, role: str, proposal: LeadProposal) -> str | None:
    """The kind of agency that the rules want for a role; None where they leave it open."""
    if role == AssignmentRole.LEAD_AGENCY:
        return proposal.agency_kind
    lead = policy.lead(role)
    return lead.agency_kind if lead else None


def roles_of(policy: Policy) -> list[str]:
    """The roles of a case in this scheme: the lead agency, and those that its rules name."""
    return [AssignmentRole.LEAD_AGENCY, *(lead.role for lead in policy.leads)]


def label_of(policy: Policy, role: str) -> str:
    """What the scheme calls a role (Hampshire: lead officer)."""
    lead = policy.lead(role)
    return lead.label if lead else AssignmentRole(role).label


# --- The change ---------------------------------------------------------------


@transaction.atomic
def hand_over(
    case: Case,
    role: str,
    *,
    agency: Agency,
    membership: Membership | None = None,
    person_name: str = "",
    on: date,
    reason: str = "",
    notes: str = "",
    moves_actions: bool = False,
    version: int | None = None,
    by: Actor,
) -> HandOver:
    """Give a role of a case to somebody from a day: at once, or on a day to come.

    Against the scheme's rule it needs a reason and goes through. Raises PermissionDenied, or StepRefused for who holds
    the role already, a second change that waits, somebody who does not work here on that day or could not open the
    case, and what `offenders.actions.assign` refuses; Stale for another version of the case.
    """
    role = AssignmentRole(role)
    held = locked(Case, case.pk, version=version)
    if not (by.can("offenders.change_leads", held) if by.user is not None else held.scheme_id == by.scheme.pk):
        raise PermissionDenied
    present = held.assigned(role)
    row = HandOver(
        scheme_id=held.scheme_id,
        case=held,
        role=role,
        before=present.membership if present else None,
        agency=agency,
        membership=membership,
        person_name=person_name,
        on=on,
        reason=reason.strip(),
        notes=notes.strip(),
        moves_actions=moves_actions,
        made_by=by.user,
    )
    proposal = proposal_for(held)
    if role == AssignmentRole.LEAD_AGENCY:
        row.rule_said = f"{proposal.reason} ({proposal.source})"[:300]
    if problems := list(_problems(row, present, proposal)):
        raise StepRefused(problems)
    row.save()
    audit.record(
        "hand_case_over",
        row,
        by=by,
        after=role,
        reason=row.reason,
        subjects=[held.reference],
        agency_assigned=agency.slug,
        due=on.isoformat(),
    )
    if on <= clock.today():
        _carry_out(row, by)
        case.__dict__.pop("current_assignments", None)
    _tell(row, "hands_over", by)
    return row


def _problems(row: HandOver, present: object, proposal: LeadProposal) -> Iterable[str]:
    case, policy = row.case, row.case.scheme.policy
    label = label_of(policy, row.role)
    if case.status == CaseStatus.CLOSED:
        yield f"{case.reference} is closed."
    if present is not None and actions._same_holder(present, row.agency, row.membership, row.person_name):
        yield f"{row.holder} holds this already."
    if present is not None and row.on < present.starts_on:
        yield f"{label} cannot change before {day(present.starts_on)}, when the present one began."
    if row.on < case.accepted_on:
        yield f"Nobody leads a case before acceptance, {day(case.accepted_on)}."
    if (row.on - clock.today()).days > LATEST_DAYS:
        yield "Choose a day within the next six months."
    waiting = HandOver.objects.waiting().filter(case=case, role=row.role).first()
    if waiting is not None:
        yield f"{label}: a change on {day(waiting.on)} is arranged already. Call it off first."
    if row.membership is not None:
        yield from _who_cannot(row)
    wanted = kind_wanted(policy, row.role, proposal)
    if wanted is not None and row.agency.kind != wanted and not row.reason:
        yield ASK_A_REASON


def _who_cannot(row: HandOver) -> Iterable[str]:
    member = row.membership
    if member.agency_id != row.agency_id:
        yield f"{member.user.name} does not act for {row.agency.name}. Choose their own agency."
    if not Membership.objects.filter(pk=member.pk).current(max(row.on, clock.today())).exists():
        yield f"{member.user.name} does not work here on {day(row.on)}. Choose somebody else."
    if row.case.restricted and member.user not in named_people(row.case):
        yield f"{member.user.name} could not open this restricted case. Name them on it first."


def _carry_out(row: HandOver, by: Actor) -> None:
    # The work first: whoever hands over may no longer change the plan once the case is another's.
    if row.moves_actions and row.before is not None:
        for _, move in _work:
            move(row, by)
    row.assignment = actions.assign(
        row.case,
        row.role,
        agency=row.agency,
        membership=row.membership,
        person_name=row.person_name,
        on=row.on,
        reason=row.reason,
        by=by,
    )
    row.version += 1
    row.save(update_fields=["assignment", "version"])


@transaction.atomic
def call_off(row: HandOver, *, by: Actor) -> HandOver:
    """Let what was arranged for a day to come not happen. Raises PermissionDenied or StepRefused."""
    row = locked(HandOver, row.pk)
    if not by.can("offenders.change_leads", row.case):
        raise PermissionDenied
    if not row.waits:
        raise StepRefused(["This change is done or called off already."])
    _end(row, "Called off.", by)
    _tell(row, "called_off", by)
    return row


def _end(row: HandOver, because: str, by: Actor) -> None:
    row.ended_because = because[:200]
    row.version += 1
    row.save(update_fields=["ended_because", "version"])
    audit.record("call_off_hand_over", row, by=by, after=row.role, subjects=[row.case.reference])


@sweeps.tidies
def carry_out_hand_overs(scheme: Scheme, today: date, by: Actor) -> None:
    """What was arranged for today or before comes to pass on the day for which it was; what cannot is told."""
    due = HandOver.objects.filter(scheme=scheme, on__lte=today).waiting().select_related("case__scheme")
    for row in due.order_by("on", "pk"):
        refused: list[str] = list(_cannot_begin(row))
        if not refused:
            try:
                with transaction.atomic():
                    _carry_out(row, by)
                    _tell(row, "begins", by)
            except StepRefused as problem:
                refused = problem.problems
        if refused:
            row.refresh_from_db()
            _end(row, refused[0], by)
            _tell(row, "did_not_happen", by)


def _cannot_begin(row: HandOver) -> Iterable[str]:
    if row.case.status == CaseStatus.CLOSED:
        yield "The case was closed before."
    elif row.membership is not None:
        yield from _who_cannot(row)


# --- Telling both -------------------------------------------------------------

WORDS = {
    "hands_over": (
        "Take over {case}: you are its {role} from {on}",
        "Hand over {case}: its {role} changes on {on}",
        "Sign in to read what is open, what comes next and from whom, and to whom.",
    ),
    "begins": (
        "Take over {case}: you are its {role} from today",
        "Handed over: {case} has another {role} from today",
        "Sign in to read what is open and what comes next.",
    ),
    "called_off": (
        "Called off: you do not take over {case} on {on}",
        "Called off: {case} stays with you",
        "Sign in to see who leads.",
    ),
    "did_not_happen": (
        "Not taken over: {case} on {on}",
        "Not handed over: {case} stays with you",
        "Sign in to see why, and who leads.",
    ),
}


def _tell(row: HandOver, what: str, by: Actor) -> None:
    """Tell who takes over and who hands over, by reference alone; where it failed, the coordinators too."""
    new, old, body = WORDS[what]
    said = {
        "case": row.case.reference,
        "role": lower_first(label_of(row.case.scheme.policy, row.role)),
        "on": day(row.on),
    }
    told = [(row.membership, new), (row.before if row.before != row.membership else None, old)]
    people = {member.user: words for member, words in told if member is not None}
    if what == "did_not_happen":
        people |= dict.fromkeys(coordinators(by.scheme), "Look at {case}: a change of its {role} did not happen")
    for user, words in people.items():
        if by.user is not None and user.pk == by.user.pk:
            continue
        notify.tell(
            [user],
            scheme=by.scheme,
            kind=f"lead_{what}",
            subject=f"hand-over:{row.pk}",
            text=words.format(**said),
            url=reverse("case_leads", args=[row.case.reference]),
            due=row.on,
            email_body=body,
        )


def coordinators(scheme: Scheme) -> list[User]:
    """Who keeps the scheme going now."""
    rows = Membership.objects.filter(scheme=scheme).current(clock.today()).with_role("coordinator")
    return [each.user for each in rows.select_related("user")]


def tell_of_leads_left(membership: Membership, *, by: Actor) -> None:
    """Tell the coordinators how many cases need a new lead because a member goes; nothing of a case is changed."""
    if membership.until is None:
        return
    held = membership.assignments.filter(until=None).exclude(case__status=CaseStatus.CLOSED).select_related("case")
    cases = {each.case for each in held}
    told = {"scheme": membership.scheme, "kind": "leads_left", "due": membership.until}
    body = "Somebody who leads cases leaves the scheme. Sign in to read which."
    if ordinary := sum(not case.restricted for case in cases):
        words = "case needs a new lead" if ordinary == 1 else "cases need a new lead"
        notify.tell(
            coordinators(membership.scheme),
            subject=f"membership:{membership.pk}",
            text=f"Find new leads: {ordinary} {words}",
            url=reverse("caseloads"),
            email_body=body,
            **told,
        )
    for case in cases:
        if case.restricted:
            notify.tell(
                [user for user in named_people(case) if user.pk != membership.user_id],
                subject=f"membership:{membership.pk}:{case.pk}",
                text=f"Find a new lead: {case.reference}",
                url=reverse("case_leads", args=[case.reference]),
                email_body=body,
                **told,
            )
