"""What the pages of the safeguarding ledger show: lines in words, without content."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.http import Http404

from iom import clock, meetings
from iom.models import Meeting, Scheme
from iom.policy.joining import AllOf, AnyOf, Clause, Expression, NumberTest

from .assurance import Standing, mappa_level, standing
from .models import Case, CaseStatus, Check, CheckAsked, CheckKind, MashReferral
from .safeguarding import MAPPA_CONCERNS, SHORT, assured_words, outcome_words, said, standings_of

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.policy import Policy


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of check of a case, as the ledger says it."""

    kind: str
    label: str
    needed: bool
    state: str
    words: str
    outcome: str
    by: str
    ask: str
    asked: tuple[CheckAsked, ...]


def of_case(actor: Actor, case: Case) -> dict[str, Any]:
    """The ledger of a case that the actor reads."""
    today = clock.today()
    checks = _checks(actor, case)
    asked = list(_asked(actor, case))
    safeguarding = case.scheme.policy.safeguarding
    lines = [_line(kind, checks, asked, kind in safeguarding.needed, today) for kind in CheckKind.values]
    return {
        "lines": lines,
        "children": list(
            MashReferral.objects.visible_to(actor).filter(case=case).select_related("agency", "meeting__body")
        ),
        "safeguarding": safeguarding,
        "exclusions": case.scheme.policy.exclusions,
        "may_record": case.status != CaseStatus.CLOSED and actor.can("offenders.record_check", case),
        "agency": actor.agency,
        "any_agency": actor.can("offenders.record_others_check", case),
        "may_review": actor.holds("offenders.review_safeguarding"),
        "mappa": mappa_warning(case, checks, today),
    }


def of_kind(actor: Actor, case: Case, kind: str) -> dict[str, Any]:
    """One kind of check of a case: how it stands and everything before, struck out lines too."""
    today = clock.today()
    rows = list(_checks(actor, case, kind))
    asked = list(_asked(actor, case).filter(kind=kind))
    safeguarding = case.scheme.policy.safeguarding
    any_agency = actor.can("offenders.record_others_check", case)
    return {
        "line": _line(kind, rows, asked, kind in safeguarding.needed, today),
        "check_rule": safeguarding.check(kind),
        "checks": [
            {
                "check": check,
                "outcome": outcome_words(kind, check.outcome),
                "may_strike": check.mistaken_on is None
                and (any_agency or (actor.agency is not None and check.agency_id == actor.agency.pk)),
            }
            for check in rows
        ],
        "kind": kind,
        "may_record": case.status != CaseStatus.CLOSED and actor.can("offenders.record_check", case),
        "may_ask": case.status != CaseStatus.CLOSED and actor.can("offenders.ask_check", case),
    }


def _checks(actor: Actor, case: Case, *kinds: str) -> list[Check]:
    rows = Check.objects.visible_to(actor).filter(case=case).select_related("agency", "made_by", "mistaken_by")
    return list(rows.filter(kind__in=kinds) if kinds else rows)


def _asked(actor: Actor, case: Case) -> Any:
    return CheckAsked.objects.visible_to(actor).filter(case=case, ended_on=None).select_related("agency", "asked_by")


def _line(kind: str, checks: list[Check], asked: list[CheckAsked], needed: bool, today: date) -> Line:
    mine = [check for check in checks if check.kind == kind and check.mistaken_on is None]
    stand = standing(kind, [said(check) for check in mine], today)
    holds = stand.said
    named = next((check.ask for check in mine if holds and check.pk == holds.key), "")
    return Line(
        kind=kind,
        label=CheckKind(kind).label,
        needed=needed,
        state=stand.state,
        words=assured_words(stand),
        outcome=outcome_words(kind, holds.outcome) if holds else "",
        by=f"{holds.by}, {holds.agency}" if holds else "",
        ask=named,
        asked=tuple(each for each in asked if each.kind == kind),
    )


# --- MAPPA -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MappaWarning:
    """Somebody on the cohort is managed at a level that the scheme's rules leave to MAPPA."""

    level: int
    words: str
    rule: str
    source: str


def excluding_clause(policy: Policy, level: int) -> Clause | None:
    """The exclusion of the scheme's rules under which somebody at this level would not be taken on; None if none."""
    return next((clause for clause in policy.exclusions if _excludes(clause.when, level)), None)


def _excludes(test: Expression, level: int) -> bool:
    if isinstance(test, NumberTest) and test.fact == "mappa_level":
        low = test.at_least is None or level >= test.at_least
        return low and (test.at_most is None or level <= test.at_most)
    if isinstance(test, AnyOf):
        return any(_excludes(part, level) for part in test.of)
    return isinstance(test, AllOf) and all(_excludes(part, level) for part in test.of)


def warning_of(stand: Standing, policy: Policy) -> MappaWarning | None:
    """What to say where the MAPPA check that holds says level 2 or 3, or one that the scheme excludes."""
    level = mappa_level(stand.said.outcome) if stand.said is not None else 0
    clause = excluding_clause(policy, level) if level else None
    if clause is None and level < MAPPA_CONCERNS:
        return None
    return MappaWarning(
        level=level,
        words=f"MAPPA level {level}: the panel decides whether IOM goes on",
        rule=clause.label if clause else "The scheme's rules name no exclusion for this level",
        source=clause.source if clause else "",
    )


def mappa_warning(case: Case, checks: list[Check], today: date) -> MappaWarning | None:
    """The warning of one case, from what was read for its ledger."""
    mine = [said(check) for check in checks if check.kind == CheckKind.MAPPA and check.mistaken_on is None]
    return warning_of(standing(CheckKind.MAPPA, mine, today), case.scheme.policy)


# --- All cases at once -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanting:
    """A case with needed checks that are stale or not done, or with a level that the panel must look at."""

    case: Case
    wanting: tuple[Standing, ...]
    asked: tuple[CheckAsked, ...]
    mappa: MappaWarning | None

    @property
    def not_done(self) -> list[str]:
        return [SHORT[CheckKind(each.kind)] for each in self.wanting if each.state == "not_done"]

    @property
    def stale(self) -> list[str]:
        return [SHORT[CheckKind(each.kind)] for each in self.wanting if each.state == "stale"]


def wanting(actor: Actor, today: date) -> list[Wanting]:
    """The cases on the cohort that the actor reads and whose checks want something, by reference."""
    policy = actor.scheme.policy
    cases = list(Case.objects.visible_to(actor).not_closed().with_current().order_by("reference"))
    stand = standings_of(cases, today)
    asked: dict[int, list[CheckAsked]] = {}
    for each in CheckAsked.objects.visible_to(actor).filter(ended_on=None).select_related("agency"):
        asked.setdefault(each.case_id, []).append(each)
    found = []
    for case in cases:
        wants = tuple(
            each
            for each in stand[case.pk]
            if each.state != "assured" and (each.kind in policy.safeguarding.needed or each.concern)
        )
        mappa = next((warning_of(each, policy) for each in stand[case.pk] if each.kind == CheckKind.MAPPA), None)
        if wants or mappa:
            found.append(Wanting(case, wants, tuple(asked.get(case.pk, ())), mappa))
    return found


def summary(actor: Actor, today: date) -> dict[str, Any]:
    """All cases that want something, those for the panel first, and how many there are of each."""
    rows = sorted(wanting(actor, today), key=lambda each: (each.mappa is None, each.case.reference))
    counted = Counter(
        {
            "cases": Case.objects.visible_to(actor).not_closed().count(),
            "wanting": sum(1 for each in rows if each.wanting),
            "stale": sum(1 for each in rows if each.stale),
            "not_done": sum(1 for each in rows if each.not_done),
            "mappa": sum(1 for each in rows if each.mappa),
        }
    )
    policy = actor.scheme.policy.safeguarding
    return {
        "rows": rows,
        "counted": counted,
        "needed": [SHORT[CheckKind(kind)] for kind in policy.needed],
        "today": today,
    }


# --- Small things ----------------------------------------------------------------------------


def ask_by(scheme: Scheme, today: date) -> date:
    """The day by which an agency that is asked today answers."""
    return today + timedelta(days=scheme.policy.safeguarding.ask_days)


def meeting_of(actor: Actor, key: str) -> Meeting | None:
    """The meeting with that key that the actor may know, None for any other."""
    try:
        return meetings.find(actor, key)
    except Http404:
        return None
