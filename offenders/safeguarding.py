"""The safeguarding ledger: who made which check, when, and until when it holds; and what is never given to the person.

Waltham Forest, 5.11 and 5.14; Merton, Reporting. What a check found stays with the agency that made it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case as Choose
from django.db.models import Count, Q, QuerySet, Value, When
from django.urls import reverse

from iom import audit, clock, notify, together
from iom.access import actor_for
from iom.jinja import day, weekday_day
from iom.models import Agency, Meeting, Membership, User
from iom.steps import StepRefused, locked
from iom.together import Steps
from iom.working_days import add_months
from offenders.assurance import CONCERNS, GRAVITY, NO_ANSWER, Said, Standing, mappa_level, standing

from .models import Case, CaseStatus, Check, CheckAsked, CheckKind, CheckOutcome, HowKnown, MashReferral

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.policy import Policy

    from .querysets import CaseQuerySet

# What the header of a case calls each kind.
SHORT = {
    CheckKind.MAPPA: "MAPPA",
    CheckKind.MARAC: "MARAC",
    CheckKind.MASH: "Child safeguarding",
    CheckKind.ADULT: "Adult safeguarding",
    CheckKind.DA_PERPETRATOR: "Domestic abuse (perpetrator)",
    CheckKind.DA_VICTIM: "Domestic abuse (victim)",
    CheckKind.PUBLIC_PROTECTION: "Public protection",
    CheckKind.STAFF: "Staff safety",
}
# Whoever is managed under MAPPA is told so by those who manage them. Everything else of the ledger may rest on what
# somebody else said in confidence, the MARAC first of all: it never stands on anything given to the person.
GIVEN = frozenset({CheckKind.MAPPA})
# From this level on the schemes' rules leave somebody to MAPPA, and the panel has to look.
MAPPA_CONCERNS = 2
MAPPA_OUTCOMES = (
    CheckOutcome.NO_CONCERN,
    CheckOutcome.LEVEL_1,
    CheckOutcome.LEVEL_2,
    CheckOutcome.LEVEL_3,
    CheckOutcome.NOT_KNOWN,
    CheckOutcome.CANNOT_SAY,
)
OTHER_OUTCOMES = (
    CheckOutcome.NO_CONCERN,
    CheckOutcome.MANAGED,
    CheckOutcome.REFERRED,
    CheckOutcome.NOT_KNOWN,
    CheckOutcome.CANNOT_SAY,
)


def outcomes_of(kind: str) -> tuple[CheckOutcome, ...]:
    """The classes of outcome that a kind of check can have."""
    return MAPPA_OUTCOMES if kind == CheckKind.MAPPA else OTHER_OUTCOMES


def outcome_words(kind: str, outcome: str) -> str:
    """An outcome as the ledger says it."""
    if kind == CheckKind.MAPPA and outcome == CheckOutcome.NO_CONCERN:
        return "Not managed under MAPPA"
    return CheckOutcome(outcome).label


# --- How cases stand -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of a case: `state` is "assured", "stale" or "not_done"; `on` the day of the check, None without one.

    `given` says whether it may stand on something that the person is given; a MARAC flag never may. `concern` is false
    for a check that is wanting only.
    """

    label: str
    state: str
    on: date | None
    given: bool
    kind: str = ""
    by: str = ""
    concern: bool = True

    @property
    def words(self) -> str:
        """The flag in a line, for lists: "MARAC, checked 2 Feb", "Child safeguarding not checked"."""
        if self.state == "not_done":
            return f"{self.label} not checked"
        return f"{self.label}, {'check is stale since' if self.state == 'stale' else 'checked'} {day(self.on)}"


def said(check: Check) -> Said:
    """A check as the rules take it."""
    return Said(
        check.kind,
        check.outcome,
        check.agency.name,
        check.checked_by,
        check.checked_on,
        check.expires_on,
        check.pk or 0,
    )


def standings_of(cases: Iterable[Case], today: date | None = None) -> dict[int, tuple[Standing, ...]]:
    """How every kind of check stands for each case, in the order of the ledger: one query. For lists that are the
    reader's already.
    """
    return standings([case.pk for case in cases], today)


def standings(numbers: Iterable[int], today: date | None = None) -> dict[int, tuple[Standing, ...]]:
    """`standings_of` for the numbers of cases."""
    return together.run(standings_steps(numbers, today))


def standings_steps(numbers: Iterable[int], today: date | None = None) -> Steps[dict[int, tuple[Standing, ...]]]:
    """`standings`, read together with other rows."""
    today = today or clock.today()
    found: dict[int, dict[str, list[Said]]] = {number: {} for number in numbers}
    for case, *words in (yield _checks_of(cases=list(found))):
        found[case].setdefault(words[0], []).append(Said(*words))
    return {
        pk: tuple(standing(kind, kinds.get(kind, ()), today) for kind in CheckKind.values)
        for pk, kinds in found.items()
    }


@together.worded
def _checks_of(cases: list[int]) -> QuerySet:
    rows = Check.objects.filter(case__in=cases, mistaken_on=None)
    return rows.values_list("case", "kind", "outcome", "agency__name", "checked_by", "checked_on", "expires_on", "pk")


def flags_of(
    cases: Sequence[Case], policy: Policy | None = None, today: date | None = None
) -> dict[int, tuple[Flag, ...]]:
    """The flags of each case, for the header and the board: what is known, and needed checks that are not assured.

    One query. `policy` is the scheme's, where the caller has it at hand. A closed case wants no checks.
    """
    return together.run(flags_of_steps(cases, policy, today))


def flags_of_steps(
    cases: Sequence[Case], policy: Policy | None = None, today: date | None = None
) -> Steps[dict[int, tuple[Flag, ...]]]:
    """`flags_of`, read together with other rows."""
    if not cases:
        return {}
    needed = (policy or cases[0].scheme.policy).safeguarding.needed
    stand = yield from standings_steps([case.pk for case in cases], today)
    return {
        case.pk: tuple(
            _flag(each)
            for each in stand[case.pk]
            if each.concern or (each.kind in needed and each.state != "assured" and case.status != CaseStatus.CLOSED)
        )
        for case in cases
    }


def wanting_checks(cases: CaseQuerySet, needed: Sequence[str], today: date) -> CaseQuerySet:
    """Those of these open cases of which a check is stale or not done: a needed one, or one that says of a concern.

    What `standing` says, asked of the database: of a cohort only the number is shown.
    """
    answered = Check.objects.filter(case__in=cases.order_by().values("pk"), mistaken_on=None).exclude(outcome=NO_ANSWER)
    newest = answered.order_by("case_id", "kind", "agency_id", "-checked_on", "-pk")
    newest = newest.distinct("case_id", "kind", "agency_id")
    concerns = GRAVITY[: len(CONCERNS)]
    grave = Choose(*(When(outcome=outcome, then=Value(place)) for place, outcome in enumerate(concerns)), default=99)
    holds = Check.objects.filter(pk__in=newest.values("pk")).annotate(grave=grave)
    holds = holds.order_by("case_id", "kind", "grave", "-checked_on", "-pk").distinct("case_id", "kind")
    counted = (
        Check.objects.filter(pk__in=holds.values("pk"))
        .order_by()
        .values("case")
        .annotate(
            assured=Count("pk", filter=Q(kind__in=needed, expires_on__gt=today)),
            stale=Count("pk", filter=Q(outcome__in=concerns, expires_on__lte=today)),
        )
    )
    if not needed:
        return cases.filter(pk__in=counted.filter(stale__gt=0).values("case"))
    return cases.exclude(pk__in=counted.filter(assured=len(set(needed)), stale=0).values("case"))


def _flag(stand: Standing) -> Flag:
    kind, holds = CheckKind(stand.kind), stand.said if stand.state != "not_done" else None
    level = mappa_level(holds.outcome) if holds else 0
    return Flag(
        label=f"MAPPA level {level}" if level else SHORT[kind],
        state=stand.state,
        on=holds.on if holds else None,
        given=kind in GIVEN,
        kind=kind.value,
        by=f"{holds.by}, {holds.agency}" if holds else "",
        concern=stand.concern,
    )


def assured_words(stand: Standing) -> str:
    """How a check stands, in words: whose, since when, until when (Waltham Forest, 5.11)."""
    check = stand.said
    if check is None:
        return "Not done"
    if stand.state == "not_done":
        return f"Not done: {check.agency} could not say on {day(check.on)}"
    if stand.state == "stale":
        return f"Stale since {day(check.expires_on)}: last checked by {check.agency} on {day(check.on)}"
    return f"Assured by {check.agency} on {day(check.on)}, until {day(check.expires_on)}"


# --- Recording -------------------------------------------------------------------------------


@transaction.atomic
def record_check(
    case: Case,
    kind: str,
    *,
    outcome: str,
    on: date,
    by: Actor,
    agency: Agency | None = None,
    checked_by: str = "",
    ask: str = "",
    how: str = HowKnown.OWN,
) -> Check:
    """Write a check into the ledger: one's own agency's, or as coordinator another's with how one knows of it.

    What that agency was asked for is answered by it. Level 2 or 3 of MAPPA is told to the coordinators. Raises
    PermissionDenied, or StepRefused in words.
    """
    agency = agency or by.agency
    case = _open_case(case, "offenders.record_check", by)
    if agency is None or agency.scheme_id != by.scheme.pk:
        raise PermissionDenied
    if agency != by.agency and not by.can("offenders.record_others_check", case):
        raise PermissionDenied
    if problems := _against(kind, outcome, on, own=agency == by.agency, how=how):
        raise StepRefused(problems)
    check = Check.objects.create(
        scheme=by.scheme,
        case=case,
        kind=CheckKind(kind),
        outcome=CheckOutcome(outcome),
        agency=agency,
        checked_by=checked_by or (by.user.name if by.user else agency.name),
        checked_on=on,
        expires_on=add_months(on, by.scheme.policy.safeguarding.check(kind).months),
        ask=ask,
        how=HowKnown(how),
        made_by=by.user,
    )
    if outcome != CheckOutcome.CANNOT_SAY:
        CheckAsked.objects.filter(case=case, kind=kind, agency=agency, ended_on=None).update(
            answer=check, ended_on=clock.today()
        )
    audit.record("record_check", check, by=by, after=kind, subjects=[case.audit_subject])
    if mappa_level(outcome) >= MAPPA_CONCERNS:
        _tell_of_mappa(case, check)
    return check


@transaction.atomic
def carry_in(case: Case, known: Iterable[tuple[str, str]], *, on: date, agency: Agency, who: str, by: Actor) -> None:
    """Write what a nomination said is known of somebody into the ledger of the new case, so that nobody asks again.

    `known` are pairs of kind and outcome. Only concerns are carried: that a referrer knows of none is not a check.
    Called by whoever opened the case, in the same transaction.
    """
    for kind, outcome in known:
        if outcome not in CONCERNS:
            continue
        check = Check.objects.create(
            scheme=case.scheme,
            case=case,
            kind=CheckKind(kind),
            outcome=CheckOutcome(outcome),
            agency=agency,
            checked_by=who,
            checked_on=on,
            expires_on=add_months(on, by.scheme.policy.safeguarding.check(kind).months),
            how=HowKnown.NOMINATION,
            made_by=by.user,
        )
        audit.record("record_check", check, by=by, after=kind, subjects=[case.audit_subject])


def _open_case(case: Case, permission: str, by: Actor) -> Case:
    held: Case = locked(Case, case.pk)
    if not by.can(permission, held):
        raise PermissionDenied
    if held.status == CaseStatus.CLOSED:
        raise StepRefused(["This case is closed. Its ledger stays as it was."])
    return held


def _against(kind: str, outcome: str, on: date, *, own: bool, how: str) -> list[str]:
    problems = []
    if outcome not in outcomes_of(kind):
        problems.append("Choose what came of the check.")
    if on > clock.today():
        problems.append("The day of the check must be today or earlier.")
    if not own and how == HowKnown.OWN:
        problems.append("Choose how you know of the other agency's check.")
    return problems


def _tell_of_mappa(case: Case, check: Check) -> None:
    """Those who prepare the panel hear of it, by reference; nobody is removed by a check."""
    from offenders.reminders import who_hears

    notify.tell(
        who_hears(case, clock.today()),
        scheme=case.scheme,
        kind="mappa_on_member",
        subject=f"{case.reference} {check.pk}",
        text=f"Look at {case.reference}: its MAPPA level was recorded",
        url=reverse("case_safeguarding", args=[case.reference]),
        email_body=(
            f"A check recorded on {case.reference} needs the panel to decide whether IOM goes on. It is suggested for "
            "the next agenda. Sign in:"
        ),
    )


@transaction.atomic
def strike_out(check: Check, *, by: Actor) -> Check:
    """Say that a check was entered by mistake: it stays in the history and counts no more.

    Raises PermissionDenied, or StepRefused when it was struck out already.
    """
    check = locked(Check, check.pk)
    own = by.agency is not None and check.agency_id == by.agency.pk
    if not by.can("offenders.record_check" if own else "offenders.record_others_check", check.case):
        raise PermissionDenied
    if check.mistaken_on is not None:
        raise StepRefused(["This check was struck out already."])
    check.mistaken_on, check.mistaken_by = clock.today(), by.user
    check.version += 1
    check.save(update_fields=["mistaken_on", "mistaken_by", "version"])
    audit.record("strike_out_check", check, by=by, after=check.kind, subjects=[check.case.audit_subject])
    return check


# --- Asking an agency ------------------------------------------------------------------------


@transaction.atomic
def ask_agency(case: Case, kind: str, *, agency: Agency, due_on: date, by: Actor) -> CheckAsked:
    """Ask an agency to make a check by a day. Its people who can open the case are told, by reference.

    Raises PermissionDenied, or StepRefused: asked already, a day in the past, or nobody there can open the case.
    """
    case = _open_case(case, "offenders.ask_check", by)
    if agency.scheme_id != by.scheme.pk:
        raise PermissionDenied
    people = people_of(agency, case)
    problems = []
    if due_on < clock.today():
        problems.append("The day by which it is due must be today or later.")
    if CheckAsked.objects.filter(case=case, kind=kind, agency=agency, ended_on=None).exists():
        problems.append(f"{agency.name} has been asked for this check already.")
    if not people:
        problems.append(f"Nobody of {agency.name} can open this case. Ring them, and record what they say.")
    if problems:
        raise StepRefused(problems)
    asked = CheckAsked.objects.create(
        scheme=by.scheme,
        case=case,
        kind=CheckKind(kind),
        agency=agency,
        due_on=due_on,
        asked_on=clock.today(),
        asked_by=by.user,
    )
    audit.record("ask_check", asked, by=by, after=kind, subjects=[case.audit_subject])
    notify.tell(
        people,
        scheme=case.scheme,
        kind="check_asked",
        subject=f"{case.reference} {asked.pk}",
        due=due_on,
        text=f"Safeguarding check due {weekday_day(due_on)}: {case.reference}",
        url=reverse("case_safeguarding", args=[case.reference]),
        email_body=f"{agency.name} is asked to make a safeguarding check for {case.reference}. Sign in:",
    )
    return asked


@transaction.atomic
def take_back(asked: CheckAsked, *, by: Actor) -> CheckAsked:
    """Take back what an agency was asked for. Raises PermissionDenied, or StepRefused when it is over."""
    asked = locked(CheckAsked, asked.pk)
    if not by.can("offenders.ask_check", asked.case):
        raise PermissionDenied
    if asked.ended_on is not None:
        raise StepRefused(["This question is over already."])
    asked.ended_on = clock.today()
    asked.version += 1
    asked.save(update_fields=["ended_on", "version"])
    audit.record("take_back_check", asked, by=by, after=asked.kind, subjects=[asked.case.audit_subject])
    return asked


def people_of(agency: Agency, case: Case) -> list[User]:
    """The people of an agency who can open a case now."""
    rows = Membership.objects.filter(agency=agency).current(clock.today()).select_related("user", "agency", "scheme")
    return [
        membership.user
        for membership in rows
        if Case.objects.visible_to(actor_for(membership)).filter(pk=case.pk).exists()
    ]


# --- A concern for a child -------------------------------------------------------------------


@transaction.atomic
def refer_child(
    case: Case,
    *,
    on: date,
    by: Actor,
    agency: Agency | None = None,
    referred_by: str = "",
    reference_there: str = "",
    how: str = "",
    meeting: Meeting | None = None,
) -> MashReferral:
    """Write down that a concern for a child was referred, to where the scheme's rules say (Merton, Reporting).

    The ledger says so too. Nothing of the concern is kept. Raises PermissionDenied or StepRefused.
    """
    agency = agency or by.agency
    case = _open_case(case, "offenders.record_check", by)
    check = record_check(
        case,
        CheckKind.MASH,
        outcome=CheckOutcome.REFERRED,
        on=on,
        by=by,
        agency=agency,
        checked_by=referred_by,
        how=how or (HowKnown.OWN if agency == by.agency else HowKnown.MEETING),
    )
    referral = MashReferral.objects.create(
        scheme=by.scheme,
        case=case,
        referred_on=on,
        agency=check.agency,
        referred_by=check.checked_by,
        to=by.scheme.policy.safeguarding.children_to,
        reference_there=reference_there,
        meeting=meeting,
        check_made=check,
        made_by=by.user,
    )
    audit.record(
        "refer_child",
        referral,
        by=by,
        subjects=[case.audit_subject],
        **({"meeting": meeting.key} if meeting is not None else {}),
    )
    return referral


@transaction.atomic
def child_answered(
    referral: MashReferral, *, answer: str, on: date, by: Actor, reference_there: str = "", version: int | None = None
) -> MashReferral:
    """Write down how a concern for a child was answered. Raises PermissionDenied, Stale or StepRefused."""
    referral = locked(MashReferral, referral.pk, version=version)
    own = by.agency is not None and referral.agency_id == by.agency.pk
    if not by.can("offenders.record_check" if own else "offenders.record_others_check", referral.case):
        raise PermissionDenied
    if on < referral.referred_on or on > clock.today():
        raise StepRefused(["The day of the answer must be between the referral and today."])
    referral.answer, referral.answered_on = MashReferral.Answer(answer), on
    referral.reference_there = reference_there or referral.reference_there
    referral.version += 1
    referral.save(update_fields=["answer", "answered_on", "reference_there", "version"])
    audit.record("record_child_answer", referral, by=by, after=answer, subjects=[referral.case.audit_subject])
    return referral


# --- What the person is never given ----------------------------------------------------------

# The conference about the victim's safety: whoever is discussed there must not learn of it (Waltham Forest, 5.14).
_NEVER = (
    ("MARAC", re.compile(r"\bm\W{0,2}a\W{0,2}r\W{0,2}a\W{0,2}c(?:s|'s|\u2019s)?\b", re.IGNORECASE)),
    (
        "Multi-Agency Risk Assessment Conference",
        re.compile(r"\bmulti\W*agency\W+risk\W+assessment\W+(?:case\W+)?(?:conference|meeting)s?\b", re.IGNORECASE),
    ),
    ("IDVA", re.compile(r"\bidvas?\b|\bindependent\W+domestic\W+(?:violence|abuse)\W+advis[eo]rs?\b", re.IGNORECASE)),
)


def not_for_the_person(text: str, also: Iterable[str] = ()) -> list[str]:
    """What of a text must not be given to the person whom it is about, by what it is called; empty if it may be given.

    `also` are the scheme's own words of that kind (`policy.safeguarding.never_given`).
    """
    own = [(words, re.compile(rf"\b{re.escape(words)}\b", re.IGNORECASE)) for words in also]
    return [called for called, pattern in (*_NEVER, *own) if pattern.search(text)]


def giveable(rows: Iterable[tuple[str, str]], policy: Policy | None = None) -> list[str]:
    """Why texts cannot be given to the person, with the place of each: (place, text) in, sentences out.

    Empty if all can.

    Whatever is printed, sent or read out to the person asks this first: copies of plans, letters, court statements.
    "The goal of Accommodation" and "Ask the MARAC" give "The goal of Accommodation speaks of MARAC. …".
    """
    also = policy.safeguarding.never_given if policy is not None else ()
    return [
        f"{place} speaks of {' and '.join(found)}. The person must never learn of it: take it out."
        for place, text in rows
        if (found := not_for_the_person(text, also))
    ]


def flags_to_give(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """The flags that may stand on something the person is given."""
    return tuple(flag for flag in flags if flag.given and flag.concern)
