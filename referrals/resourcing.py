"""Fixed first, then flex: the scheme says when a cohort is established and resourced, and may take it back.

Hampshire, Criteria: there is room for the flex cohort once the fixed one is established and resourced. Which clause
waits for which is the scheme's policy (`opens_after`); that it need not wait any longer is a dated statement by people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from iom import audit, clock
from iom.models import Scheme
from iom.policy import Policy
from iom.policy.joining import Clause, Criteria
from iom.steps import StepRefused, locked
from referrals.models import ResourcedCohort

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class Waiting:
    """Clauses that open only after `first`; `said` is the statement that holds, `before` those that were taken back."""

    criteria: Criteria
    first: Clause
    opens: tuple[Clause, ...]
    said: ResourcedCohort | None
    before: tuple[ResourcedCohort, ...]


def resourced(scheme: Scheme, criteria: Criteria) -> frozenset[str]:
    """The clauses of these criteria whose cohorts the scheme says are established and resourced today."""
    if not any(clause.opens_after for clause in criteria.clauses):
        return frozenset()
    rows = ResourcedCohort.objects.filter(scheme=scheme, criteria=criteria.name, until=None)
    return frozenset(rows.values_list("clause", flat=True))


def waiting(scheme: Scheme) -> list[Waiting]:
    """Every cohort of the scheme for which another one waits, with what was said of it; empty in most schemes."""
    rows = list(ResourcedCohort.objects.filter(scheme=scheme).select_related("said_by__user", "ended_by__user"))
    found = []
    for criteria in scheme.policy.eligibility:
        for first in criteria.clauses:
            opens = tuple(clause for clause in criteria.clauses if clause.opens_after == first.name)
            if opens:
                said = [row for row in rows if (row.criteria, row.clause) == (criteria.name, first.name)]
                holds = next((row for row in said if row.until is None), None)
                found.append(Waiting(criteria, first, opens, holds, tuple(row for row in said if row.until)))
    return found


@transaction.atomic
def say_resourced(criteria: str, clause: str, *, reason: str, by: Actor) -> ResourcedCohort:
    """State that the cohort of a clause is established and resourced from today, so that what waits for it opens.

    Raises PermissionDenied, or StepRefused: without a reason, where nothing waits for that cohort, or said already.
    """
    if not by.holds("referrals.say_resourced"):
        raise PermissionDenied
    if not _is_waited_for(by.scheme.policy, criteria, clause):
        raise StepRefused(["No other cohort waits for that one."])
    if not reason.strip():
        raise StepRefused(["Enter how you know that it is resourced."])
    try:
        with transaction.atomic():
            row = ResourcedCohort.objects.create(
                scheme=by.scheme,
                criteria=criteria,
                clause=clause,
                said_on=clock.today(),
                reason=reason.strip(),
                said_by=by.membership,
            )
    except IntegrityError:
        raise StepRefused(["Somebody has said so already. Load the page again."]) from None
    audit.record("say_resourced", row, by=by, after="resourced", reason=reason, criteria=criteria, clause=clause)
    return row


@transaction.atomic
def take_back(row: ResourcedCohort, *, because: str, by: Actor) -> ResourcedCohort:
    """Take the statement back from today: what waits for the cohort is closed again to whoever is not on it yet.

    Raises PermissionDenied, or StepRefused without a reason or when it was taken back already.
    """
    if not by.holds("referrals.say_resourced") or row.scheme_id != by.scheme.pk:
        raise PermissionDenied
    row = locked(ResourcedCohort, row.pk)
    if row.until is not None:
        raise StepRefused(["Somebody has taken it back already. Load the page again."])
    if not because.strip():
        raise StepRefused(["Enter why it is taken back."])
    row.until, row.ended_by, row.ended_because = clock.today(), by.membership, because.strip()
    row.version += 1
    row.save(update_fields=["until", "ended_by", "ended_because", "version"])
    audit.record("take_back_resourced", row, by=by, after="taken back", reason=because, clause=row.clause)
    return row


def _is_waited_for(policy: Policy, criteria: str, clause: str) -> bool:
    named: Iterable[Criteria] = (each for each in policy.eligibility if each.name == criteria)
    return any(other.opens_after == clause for each in named for other in each.clauses)
