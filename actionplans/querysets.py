"""Phrases for asking about plans and actions."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q

from iom.models import SchemeQuerySet
from offenders.models import Case
from offenders.querysets import OfCaseQuerySet

if TYPE_CHECKING:
    from iom.access import Actor


class OfCasesQuerySet(OfCaseQuerySet):
    """What belongs to the cases that one may read."""


class FundingQuerySet(OfCasesQuerySet):
    def asked(self) -> FundingQuerySet:
        """What nobody has decided yet."""
        return self.filter(status="asked")


class ActionQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> ActionQuerySet:
        """Actions of the cases that one may read, and those of meetings that belong to no case."""
        if actor is None or actor.user is None or not actor.holds("actionplans.view_actions"):
            return self.none()
        carried = Q(pk__in=self.model.objects.carried_by(actor).values("pk"))
        return self.in_scheme_of(actor).filter(Q(case=None) | Q(case__in=Case.objects.visible_to(actor)) | carried)

    def carried_by(self, actor: Actor) -> ActionQuerySet:
        """What one's own agency carries on for people who left: never of a case kept to named people."""
        if actor.agency is None:
            return self.none()
        return self.in_scheme_of(actor).filter(
            at_exit__choice="carried", agency=actor.agency, case__status="closed", case__restricted=False
        )

    def to_do(self) -> ActionQuerySet:
        return self.filter(status__in=["open", "in_progress"])

    def overdue(self, on: date) -> ActionQuerySet:
        return self.to_do().filter(due_on__lt=on)

    def in_plan_order(self) -> ActionQuerySet:
        """As they stand on their pathway: moved ones where they were put, the rest by their day."""
        return self.order_by("pathway", "place", "due_on", "pk")

    def for_list(self) -> ActionQuerySet:
        return self.select_related("agency", "owner__user", "case__offender", "meeting__body")


class ServiceQuerySet(SchemeQuerySet):
    """Services, what is noted where they are missing, and agreements: nothing of it tells of a person."""

    def visible_to(self, actor: Actor | None) -> ServiceQuerySet:
        if actor is None or actor.user is None or not actor.holds("actionplans.view_services"):
            return self.none()
        return self.in_scheme_of(actor)

    def active(self, on: date) -> ServiceQuerySet:
        """Services to which people can be referred on a day."""
        return self.filter(Q(until=None) | Q(until__gte=on), starts_on__lte=on)

    def on_pathway(self, pathway: str) -> ServiceQuerySet:
        return self.filter(pathways__contains=[pathway])

    def in_force(self) -> ServiceQuerySet:
        """Agreements that have not ended."""
        return self.filter(ended_on=None)


class SupervisorQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> SupervisorQuerySet:
        """Who supervises whom, for those who work with reports."""
        if actor is None or actor.user is None or not actor.holds("actionplans.view_reports"):
            return self.none()
        return self.in_scheme_of(actor)

    def present(self) -> SupervisorQuerySet:
        return self.filter(until=None)
