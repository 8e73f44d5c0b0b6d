"""Phrases for asking about what stands on a case: absent with the case for whoever does not find it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q

from iom.models import POLICE_AND_PROBATION, SchemeQuerySet
from offenders.querysets import OfCaseQuerySet, admitted

if TYPE_CHECKING:
    from iom.access import Actor


class FeedQuerySet(OfCaseQuerySet):
    """Rows with a `case`: bail and court, tags, what feeds say, licence conditions."""

    def present(self) -> FeedQuerySet:
        """Legal statuses that hold."""
        return self.filter(ended_at=None)

    def on_cohort(self) -> FeedQuerySet:
        """Those of cases that are not closed."""
        return self.exclude(case__status="closed")

    def worn_on(self, day: date) -> FeedQuerySet:
        """Tags worn on a day."""
        return self.filter(starts_on__lte=day, ends_on__gte=day).filter(Q(ended_on=None) | Q(ended_on__gte=day))


class HitQuerySet(FeedQuerySet):
    def visible_to(self, actor: Actor | None) -> HitQuerySet:
        """Of cases that the actor reads: the police read their own; under the sharing agreement police and probation.

        For everybody else there are none.
        """
        if actor is None or actor.agency is None:
            return self.none()
        allowed = Q(agency=actor.agency)
        if actor.agency.kind in POLICE_AND_PROBATION:
            allowed |= admitted(actor)
        return super().visible_to(actor).filter(allowed)


class IdiomFileQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> IdiomFileQuerySet:
        """One's own: what somebody uploads is nobody else's until it is entered."""
        if actor is None or actor.user is None or not actor.holds("offenders.import_idiom"):
            return self.none()
        return self.in_scheme_of(actor).filter(made_by=actor.user)


class LicenceQuerySet(FeedQuerySet):
    def going_on(self) -> LicenceQuerySet:
        """Requests that wait for partners or for probation."""
        return self.filter(status__in=["asked", "agreed"])
