"""Made-up lines of the safeguarding ledger: assured, stale, asked for, and a concern for a child that was referred."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from iom.access import Actor
from offenders import safeguarding
from offenders.models import Case, MashReferral

from .year import Life

DAY = timedelta(days=1)


def ledger(life: Life, cases: Sequence[Case]) -> None:
    """For the first of `cases`: what its agencies checked; for another what somebody is asked."""
    police, housing = life.staff.actor("police"), life.staff.actor("housing")
    first, second, *_ = cases
    contact = life.mark("Desk officer, 020 7946 0103")
    with life.at(life.today, 0, 10):
        _record(first, "marac", "managed", life, by=police, ask=contact)
        _record(first, "mappa", "level_1", life, by=police, ask=contact)
        _record(second, "mappa", "no_concern", life, by=police)
        _record(second, "marac", "no_concern", life, by=police, ago=200)
        _record(second, "staff", "managed", life, by=housing, ask=contact)
        safeguarding.ask_agency(
            second, "adult", agency=housing.agency, due_on=life.today + 7 * DAY, by=life.coordinator
        )
        child = safeguarding.refer_child(first, on=life.today - 9 * DAY, by=police, reference_there="M-2210")
        safeguarding.child_answered(child, answer=MashReferral.Answer.TAKEN_ON, on=life.today - 5 * DAY, by=police)


def _record(case: Case, kind: str, outcome: str, life: Life, *, by: Actor, ask: str = "", ago: int = 3) -> None:
    safeguarding.record_check(case, kind, outcome=outcome, on=life.today - ago * DAY, ask=ask, by=by)
