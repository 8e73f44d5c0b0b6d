"""Whether a person who is being entered is known already, as far as whoever enters them may learn it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offenders.models import Case, Offender
from referrals.models import OPEN, Referral

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class Match:
    """Someone whom the actor may know of, with the case and the referral that they may open."""

    offender: Offender
    case: Case | None
    referral: Referral | None

    @property
    def can_be_nominated(self) -> bool:
        """Neither on the cohort nor before a panel, as far as the actor can see; `start` judges the rest."""
        on_cohort = self.case is not None and self.case.status != "closed"
        return not on_cohort and not (self.referral is not None and self.referral.status in OPEN)


@dataclass(frozen=True, slots=True)
class Matches:
    """Who may be meant: those to show, and the references of all of them, to be noted for the coordinator."""

    shown: tuple[Match, ...]
    noted: tuple[str, ...]


def look_for(person: Mapping[str, Any], actor: Actor) -> Matches:
    """Whom a new entry may already be (duplicate check on entry).

    Someone whom the actor may not see, a person with a restricted case among them, is not shown: the page must read as
    if there were nobody. Their references are noted with the nomination.
    """
    alike = list(
        Offender.objects.in_scheme_of(actor).same_person(
            person["family_name"], person["given_names"], person["date_of_birth"]
        )
    )
    cases, referrals = Case.objects.filter(offender__in=alike), Referral.objects.filter(offender__in=alike)
    seen_cases = _newest(cases.visible_to(actor))
    seen_referrals = _newest(referrals.visible_to(actor))
    shown = [
        Match(offender, seen_cases.get(offender.pk), seen_referrals.get(offender.pk))
        for offender in alike
        if offender.pk in seen_cases or offender.pk in seen_referrals
    ]
    noted = [*cases.values_list("reference", flat=True), *referrals.values_list("reference", flat=True)]
    return Matches(tuple(shown), tuple(sorted(noted)))


def _newest(rows: Any) -> dict[int, Any]:
    """The newest of each person's cases or referrals."""
    return {row.offender_id: row for row in rows.order_by("pk")}
