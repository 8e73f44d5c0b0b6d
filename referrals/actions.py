"""What can be done with a nomination besides its steps, and the steps with what belongs to them.

Scores and findings: `referrals.scoring`. What agencies answer: `referrals.returns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, notify
from iom.jinja import day_month, longday, lower_first
from iom.models import Agency, Counter, Meeting, MeetingStatus, Membership, Scheme, User
from iom.policy import Policy
from iom.steps import StepRefused, locked, take
from offenders import actions as people
from offenders import naming, transfers
from offenders.models import Case, Offender, Transfer
from referrals import chasing, deciding, eligibility, hooks
from referrals import late as late_rules
from referrals.eligibility import ClauseResult, Unreadable
from referrals.models import OPEN, CheckRequest, Referral, ReferralStatus, Why
from referrals.sections import BY_SLUG, LATE, Section
from referrals.transitions import (
    OUTCOMES,
    OUTCOMES_OUTSIDE,
    PUT_TO_PANEL,
    RESEND,
    RETURN,
    SEND,
    TAKE_IN,
    WITHDRAW,
)

if TYPE_CHECKING:
    from iom.access import Actor

EDITABLE = (ReferralStatus.DRAFT, ReferralStatus.RETURNED)


def exclusions_met(
    policy: Policy, mappa_level: int | None, facts: Mapping[str, Any], criteria: str = ""
) -> list[ClauseResult]:
    """The scheme's exclusions that what is known is enough to meet (Merton, step 1: MAPPA level 2 or 3)."""
    known = eligibility.facts_from({**facts, "mappa_level": mappa_level})
    if isinstance(known, Unreadable):
        raise TypeError(", ".join(known.errors))
    finding = eligibility.assess(policy, criteria or None, known, clock.today())
    return [clause for clause in finding.clauses if clause.kind == "exclusion" and clause.met]


def barred_words(policy: Policy, mappa_level: int | None, facts: Mapping[str, Any], criteria: str = "") -> list[str]:
    """Why someone cannot be nominated, in words that say where to turn instead; empty when nothing known bars them."""
    words = []
    if exclusions_met(policy, mappa_level, {}, criteria):
        words.append("IOM cannot take someone managed at MAPPA Level 2 or 3. Speak to your MAPPA coordinator.")
    words += [
        f"IOM cannot take someone who is {lower_first(clause.label)}. Speak to the coordinator."
        for clause in exclusions_met(policy, None, facts, criteria)
    ]
    return words


@transaction.atomic
def start(
    *,
    by: Actor,
    offender: Offender,
    mappa_level: int | None,
    facts: Mapping[str, Any] | None = None,
    reopened_because: str = "",
    noted_matches: Iterable[str] = (),
    follows: Referral | None = None,
    follows_case: Case | None = None,
    changed_since: str = "",
    criteria: str = "",
) -> Referral:
    """Begin a nomination of `offender`, `IOM-R-0212`, for the first panel that still takes nominations.

    `criteria` names those that it is for, where the scheme has several in force; they say who decides.
    `mappa_level` is 0 when the person is not managed under MAPPA, None when that is not known; `facts` what else is
    known, by the names of the eligibility rules. A known exclusion refuses it, unless the coordinator gives a reason.
    `follows`, `follows_case` and `changed_since` are those of somebody who is nominated again (`referrals.again`).
    Raises PermissionDenied, and StepRefused when the person is excluded, on the cohort, or nominated already.
    """
    if not by.holds("referrals.nominate") or offender.scheme_id != by.scheme.pk:
        raise PermissionDenied
    # The row of the person is the lock: two nominations of one person at once would both find none.
    offender = locked(Offender, offender.pk)
    if problems := _reasons_not_to_start(by, offender, mappa_level, facts or {}, reopened_because, criteria):
        raise StepRefused(problems)
    meeting = deciding.panels_for(by.scheme, criteria=criteria).open
    referral = Referral.objects.create(
        scheme=by.scheme,
        reference=f"IOM-R-{Counter.next(by.scheme, 'referral'):04}",
        offender=offender,
        referrer=by.membership,
        agency=by.agency,
        meeting=meeting,
        criteria=criteria,
        mappa_level=mappa_level,
        facts=dict(facts or {}),
        reopened_because=reopened_because,
        noted_matches=sorted(set(noted_matches)),
        follows=follows,
        follows_case=follows_case,
        changed_since=changed_since,
    )
    audit.record(
        "start_referral",
        referral,
        by=by,
        after=referral.status,
        reason=reopened_because,
        subjects=[referral.reference],
    )
    return referral


def _reasons_not_to_start(
    by: Actor,
    offender: Offender,
    mappa_level: int | None,
    facts: Mapping[str, Any],
    reopened_because: str,
    criteria: str,
) -> list[str]:
    if criteria and criteria not in {each.name for each in by.scheme.policy.criteria_in_force}:
        return ["Choose what you nominate the person for."]
    problems = []
    if barred := barred_words(by.scheme.policy, mappa_level, facts, criteria):
        if not by.holds("referrals.reopen_excluded"):
            problems += barred
        elif not reopened_because.strip():
            problems.append("Enter a reason for going against the scheme rule.")
    if Case.objects.filter(offender=offender).not_closed().exists():
        problems.append("This person is on the cohort already.")
    if Referral.objects.filter(offender=offender, status__in=OPEN).exists():
        problems.append("Someone has nominated this person already, and the panel has not decided yet.")
    return problems


@transaction.atomic
def nominate(
    *,
    by: Actor,
    person: Offender | Mapping[str, Any],
    mappa_level: int | None,
    facts: Mapping[str, Any] | None = None,
    reopened_because: str = "",
    noted_matches: Iterable[str] = (),
    criteria: str = "",
    transfer: Transfer | None = None,
    follows: Referral | None = None,
    follows_case: Case | None = None,
    changed_since: str = "",
) -> Referral:
    """Begin a nomination of someone known, or of someone whose names and date of birth are entered with it.

    `noted_matches` are references under which the person may be known already, for the coordinator. `transfer` is that
    of another scheme's person: what it shared of who they are is entered too, and it hears that they are accepted.
    Raises as `start`, and as `transfers.nominated`.
    """
    if not isinstance(person, Offender):
        person = people.add_offender(by=by, **person, **(transfers.identity(transfer) if transfer else {}))
    referral = start(
        by=by,
        offender=person,
        mappa_level=mappa_level,
        facts=facts,
        reopened_because=reopened_because,
        noted_matches=noted_matches,
        criteria=criteria,
        follows=follows,
        follows_case=follows_case,
        changed_since=changed_since,
    )
    if transfer is not None:
        transfers.nominated(transfer, person, by=by)
    return referral


@transaction.atomic
def save_section(
    referral: Referral,
    section: Section | str,
    *,
    by: Actor,
    done: bool,
    version: int | None = None,
    typed: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Referral:
    """Keep one section's answers; `done` says that the section is finished.

    `typed` is what cannot be stored as it is, kept word for word so that nothing is lost. Raises PermissionDenied,
    StepRefused once the referral is sent, or Stale.
    """
    section = BY_SLUG[section] if isinstance(section, str) else section
    if unknown := set(fields) - {*section.offender, *section.referral}:
        raise TypeError(f"{section.slug} does not ask for {', '.join(sorted(unknown))}")
    referral = locked(Referral, referral.pk, version=version)
    if not by.can("referrals.edit_referral", referral):
        raise PermissionDenied
    if referral.status not in EDITABLE:
        raise StepRefused([f"This referral is already {referral.get_status_display().lower()}."])
    _change_person(referral, {name: fields[name] for name in section.offender if name in fields}, by=by)
    mine = {name: fields[name] for name in section.referral if name in fields}
    if "meeting" in mine and not _may_go_to(referral, mine["meeting"]):
        raise StepRefused(["That panel takes no more referrals. Choose another."])
    for name, value in mine.items():
        setattr(referral, name, value)
    referral.sections_done = [slug for slug in referral.sections_done if slug != section.slug]
    if done and section is not LATE:
        referral.sections_done.append(section.slug)
    referral.typed = {slug: held for slug, held in referral.typed.items() if slug != section.slug}
    if typed:
        referral.typed[section.slug] = dict(typed)
    referral.version += 1
    referral.save(update_fields=[*mine, "sections_done", "typed", "version"])
    audit.record(
        "save_section",
        referral,
        by=by,
        fields=fields,
        subjects=[referral.reference],
        section=section.slug,
        done=done,
    )
    return referral


def _may_go_to(referral: Referral, meeting: Meeting | None) -> bool:
    panels = deciding.panels_for(referral.scheme, criteria=referral.criteria)
    return meeting is None or meeting in (panels.open, *panels.urgent)


def _change_person(referral: Referral, fields: Mapping[str, Any], *, by: Actor) -> None:
    offender = referral.offender
    changed = {
        name: value
        for name, value in fields.items()
        if (list(value) != _aliases(offender) if name == "aliases" else value != getattr(offender, name))
    }
    if changed:
        referral.offender = people.change_offender(offender, by=by, **changed)


def _aliases(offender: Offender) -> list[str]:
    return list(offender.aliases.order_by("pk").values_list("name", flat=True))


@transaction.atomic
def send(referral: Referral, *, by: Actor, version: int | None = None) -> Referral:
    """Send a nomination to the coordinator: a new one, or again one that was returned.

    It goes to the meeting that the referrer chose; one that was begun when no meeting was planned takes the first that
    is open now, and goes without one if there is still none. Raises PermissionDenied, StepRefused or Stale.
    """
    referral = locked(Referral, referral.pk, version=version)
    panels = deciding.panels_for(referral.scheme, criteria=referral.criteria)
    meeting = referral.meeting if deciding.still_to_come(referral.meeting) else panels.open
    # The guards judge the meeting that it will go to, and tell the referrer before anything is written.
    if meeting != referral.meeting:
        referral.meeting = meeting
        referral.save(update_fields=["meeting"])
    late = not deciding.in_time(referral)
    again = referral.status == ReferralStatus.RETURNED
    referral = take(
        RESEND if again else SEND,
        referral,
        by=by,
        subjects=[referral.reference],
        sent_at=referral.sent_at or clock.now(),
        late=late,
        message_to_referrer="",
    )
    _tell_keepers_of_names(referral)
    _tell_coordinators(referral, "referral_sent", f"Triage referral {referral.reference}", _sent_words(referral))
    if referral.late and referral.meeting is not None:
        late_rules.tell_officer(referral.meeting, f"referral {referral.reference}")
    hooks.sent(referral, by)
    return referral


def _tell_keepers_of_names(referral: Referral) -> None:
    """What was typed is compared with every protected name: agencies that keep one are told, the referrer is not."""
    texts = (referral.evidence, referral.benefit, referral.harm, referral.safeguarding, referral.urgent_reason)
    naming.tell_owners(
        referral.offender,
        (*texts, *(str(words) for words in referral.needs.values())),
        where=f"nomination {referral.reference}",
        subject=f"{referral.reference} {referral.version}",
    )


def _sent_words(referral: Referral) -> str:
    panel = f" for the panel of {longday(referral.meeting.date)}" if referral.meeting else ""
    late = " It came after the deadline and asks to be treated as urgent." if referral.late else ""
    return f"A nomination{panel} is waiting for you.{late} Sign in to triage it:"


def take_in(referral: Referral, *, by: Actor) -> Referral:
    """The coordinator has it in hand."""
    return take(TAKE_IN, referral, by=by, subjects=[referral.reference])


@transaction.atomic
def put_to_panel(
    referral: Referral, *, meeting: Meeting, agencies: Iterable[Agency], by: Actor, version: int | None = None
) -> Referral:
    """Put a nomination on a panel's agenda and ask the agencies about the person (Merton, steps 1 and 2).

    Whatever the panel's app registered (the agenda item) happens in the same transaction. Raises PermissionDenied,
    StepRefused when the meeting takes nothing any more, or Stale.
    """
    if meeting.scheme_id != by.scheme.pk:
        raise PermissionDenied
    # A live meeting takes what is raised at it (ux.md 5, point 11).
    if meeting.status != MeetingStatus.LIVE and not deciding.still_to_come(meeting):
        raise StepRefused([f"The panel of {day_month(meeting.date)} takes no more referrals. Choose another."])
    referral = take(
        PUT_TO_PANEL,
        referral,
        by=by,
        version=version,
        subjects=[referral.reference],
        meeting=meeting,
        # Whether it came in time is a question of the panel that it goes to.
        late=deciding.closing(meeting).passed(referral.sent_at or clock.now()),
    )
    ask_agencies(
        meeting=meeting,
        offender=referral.offender,
        agencies=agencies,
        why=Why.REFERRAL,
        by=by,
        referral=referral,
    )
    hooks.put_to_panel(referral, meeting, by)
    _tell_referrer(
        referral,
        "referral_on_agenda",
        f"Referral {referral.reference} goes to the panel of {day_month(meeting.date)}",
    )
    return referral


@transaction.atomic
def return_for_information(referral: Referral, *, message: str, by: Actor, version: int | None = None) -> Referral:
    """Give a nomination back to its referrer, with what is missing in words. Raises StepRefused without them."""
    if not message.strip():
        raise StepRefused(["Enter a message to the referrer."])
    referral = take(
        RETURN,
        referral,
        by=by,
        reason=message,
        version=version,
        subjects=[referral.reference],
        message_to_referrer=message.strip(),
    )
    _off_agenda(referral, by)
    _tell_referrer(
        referral,
        "referral_returned",
        f"More information needed: referral {referral.reference}",
        "The coordinator needs more information before the panel can consider this referral. Sign in to read what:",
    )
    return referral


@transaction.atomic
def withdraw(referral: Referral, *, by: Actor, reason: str = "", version: int | None = None) -> Referral:
    """Take a nomination back before the panel has decided. Agencies that were asked need not answer."""
    before = referral.status
    referral = take(
        WITHDRAW,
        referral,
        by=by,
        reason=reason,
        version=version,
        subjects=[referral.reference],
        withdrawn_because=reason.strip(),
    )
    _off_agenda(referral, by)
    if before not in EDITABLE:
        _tell_coordinators(
            referral,
            "referral_withdrawn",
            f"Referral {referral.reference} withdrawn",
            "It will not go to the panel. Sign in to read why:",
        )
    return referral


def _off_agenda(referral: Referral, by: Actor) -> None:
    """Nobody need look for someone whom no panel will discuss."""
    asked = CheckRequest.objects.filter(referral=referral, closed_at=None)
    asked.update(closed_at=clock.now())
    if referral.meeting is not None:
        hooks.off_agenda(referral, referral.meeting, by)


@transaction.atomic
def decided(referral: Referral, outcome: str, *, by: Actor, reason: str = "") -> Referral:
    """Take the step that a panel's decision means: `accept`, `not_accept`, `defer` or `elsewhere`.

    No return can be sent after that. KeyError for any other outcome; PermissionDenied or StepRefused as the step says.
    """
    referral = take(OUTCOMES[outcome], referral, by=by, reason=reason, subjects=[referral.reference])
    CheckRequest.objects.filter(referral=referral, closed_at=None).update(closed_at=clock.now())
    return referral


@transaction.atomic
def decided_outside(
    referral: Referral, outcome: str, *, by: Actor, reason: str, version: int | None = None
) -> Referral:
    """Take the step that a decision between two meetings means: `accept`, `not_accept` or `elsewhere`.

    It leaves the agenda on which it stood, and agencies need not answer any more. KeyError for any other outcome;
    PermissionDenied, Stale, or StepRefused as the step says.
    """
    referral = take(
        OUTCOMES_OUTSIDE[outcome], referral, by=by, reason=reason, version=version, subjects=[referral.reference]
    )
    _off_agenda(referral, by)
    return referral


@transaction.atomic
def ask_agencies(
    *,
    meeting: Meeting,
    offender: Offender,
    agencies: Iterable[Agency],
    why: str,
    by: Actor,
    referral: Referral | None = None,
    case: Case | None = None,
) -> list[CheckRequest]:
    """Ask agencies to look for a person in their records before a meeting (Merton, step 2). Asked twice is asked once.

    Returns the requests, new ones and those that stood already. Raises PermissionDenied.
    """
    if not by.holds("referrals.ask_agencies") or {meeting.scheme_id, offender.scheme_id} != {by.scheme.pk}:
        raise PermissionDenied
    due_on = meeting.dates.checks_due.date
    asked = []
    for agency in agencies:
        waiting = CheckRequest.objects.filter(meeting=meeting, agency=agency).unanswered().exists()
        request, new = CheckRequest.objects.get_or_create(
            scheme=by.scheme,
            meeting=meeting,
            agency=agency,
            offender=offender,
            defaults={
                "referral": referral,
                "case": case,
                "why": why,
                "due_on": due_on,
                "asked_at": clock.now(),
            },
        )
        if request.closed_at is not None:
            # Withdrawn from this meeting and put back to it: the same question, open again.
            request.closed_at = request.withdrawn_at = None
            request.save(update_fields=["closed_at", "withdrawn_at"])
            new = True
        asked.append(request)
        if new:
            chasing.tell_asked(meeting, agency, new_round=not waiting)
    audit.record(
        "ask_agencies",
        referral or case or offender,
        by=by,
        subjects=[thing.reference for thing in (referral, case) if thing],
        meeting=meeting.key,
        agencies=len(asked),
    )
    return asked


def coordinators(scheme: Scheme) -> list[User]:
    """Who receives nominations (in Merton the Strategic Priority Lead for Offending)."""
    return _people(scheme, "coordinator")


def _people(scheme: Scheme, *roles: str, **lookup: Any) -> list[User]:
    rows = Membership.objects.filter(scheme=scheme, **lookup).current(clock.today()).with_role(*roles)
    return list({membership.user_id: membership.user for membership in rows.select_related("user")}.values())


def _tell_coordinators(referral: Referral, kind: str, text: str, body: str) -> None:
    notify.tell(
        coordinators(referral.scheme),
        scheme=referral.scheme,
        kind=kind,
        subject=f"{referral.reference} {referral.version}",
        text=text,
        url=f"{referral.get_absolute_url()}triage/" if referral.is_open else referral.get_absolute_url(),
        email_body=body,
    )


def _tell_referrer(referral: Referral, kind: str, text: str, body: str = "") -> None:
    notify.tell(
        [referral.referrer.user],
        scheme=referral.scheme,
        kind=kind,
        subject=f"{referral.reference} {referral.version}",
        text=text,
        url=referral.get_absolute_url(),
        email_body=body,
    )
