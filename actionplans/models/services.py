"""Services that people can be offered, where they are missing, and what was agreed with courts and providers."""

from __future__ import annotations

from datetime import date

from auditlog.registry import auditlog
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from actionplans.querysets import ServiceQuerySet
from iom.models import Agency, SchemeModel, User, per_scheme, same_scheme


class Service(SchemeModel):
    """Something that people are referred to on one or more pathways: by whom, where, for whom, on which terms.

    London, Local Authority: services are mapped across the borough. No `areas` stands for the whole area. It is ended,
    never deleted: offers name it. `until` is the last day of what is commissioned.
    """

    name = models.CharField(max_length=120)
    agency = models.ForeignKey(
        Agency, null=True, on_delete=models.PROTECT, related_name="services", help_text="The agency that provides it"
    )
    organisation = models.CharField(max_length=120, blank=True, help_text="Who provides it, where no agency does")
    pathways = ArrayField(models.CharField(max_length=40))
    areas = ArrayField(models.CharField(max_length=80), default=list)
    for_whom = models.CharField(max_length=300, blank=True)
    how_to_refer = models.CharField(max_length=600)
    contact = models.CharField(max_length=200, blank=True)
    cost = models.CharField(max_length=120, blank=True)
    opening = models.CharField(max_length=200, blank=True)
    places = models.PositiveSmallIntegerField(null=True)
    waiting = models.CharField("waiting time", max_length=120, blank=True)
    priority = models.BooleanField("priority access for the cohort", default=False)
    priority_terms = models.CharField(max_length=300, blank=True)
    commissioned_by = models.CharField(max_length=120, blank=True)
    starts_on = models.DateField()
    until = models.DateField(null=True)
    ended_because = models.CharField(max_length=300, blank=True)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("agency"),
            models.CheckConstraint(
                condition=Q(agency__isnull=False, organisation="") | Q(agency=None) & ~Q(organisation=""),
                name="actionplans_service_has_a_provider",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("starts_on")), name="actionplans_service_ends_after_start"
            ),
            models.CheckConstraint(condition=~Q(pathways=[]), name="actionplans_service_has_a_pathway"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("service", args=[self.pk])

    @property
    def provider(self) -> str:
        """Who provides it, in words."""
        return self.agency.name if self.agency else self.organisation

    def active(self, on: date) -> bool:
        """Whether people can be referred to it on that day."""
        return self.starts_on <= on and (self.until is None or self.until >= on)

    def covers(self, area: str) -> bool:
        """Whether it takes people of that ward; one that names no ward takes everybody."""
        return not self.areas or area.casefold() in {each.casefold() for each in self.areas}


class GapNote(SchemeModel):
    """What is done about a pathway without enough help in a ward: who bids for it, by when, and what came of it.

    London, Bid for Resources. No `area` stands for the whole area. Nobody is named in it: the board reads it.
    """

    class State(models.TextChoices):
        OPEN = "open", "To bid for"
        BID_MADE = "bid_made", "Bid made"
        FUNDED = "funded", "Funded"
        NOT_FUNDED = "not_funded", "Not funded"
        DROPPED = "dropped", "No longer needed"

    pathway = models.CharField(max_length=40)
    area = models.CharField(max_length=80, blank=True)
    text = models.CharField(max_length=600)
    bidder = models.CharField("who bids", max_length=120)
    bid_to = models.CharField("to whom", max_length=120, blank=True)
    due_on = models.DateField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [per_scheme()]

    def __str__(self) -> str:
        return f"note {self.pk} on a gap"

    @property
    def going_on(self) -> bool:
        return self.state in (self.State.OPEN, self.State.BID_MADE)


class Agreement(SchemeModel):
    """What a court, the prosecution or a provider has promised the scheme, and when that is looked at again.

    London, Criminal Justice: service level agreements with courts and CPS, and the premium service for those who need
    it most. Hampshire, The Aim of IOM: priority access to services.
    """

    class Kind(models.TextChoices):
        COURT = "court", "Court"
        CPS = "cps", "Crown Prosecution Service"
        PRIORITY = "priority", "Priority access to a service"
        OTHER = "other", "Another organisation"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    with_whom = models.CharField(max_length=120)
    service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="agreements")
    premium = models.BooleanField("premium service", default=False)
    promised = models.CharField("what is promised", max_length=1000)
    given = models.CharField("what the scheme does for it", max_length=600, blank=True)
    starts_on = models.DateField()
    review_on = models.DateField()
    reviewed_on = models.DateField(null=True)
    review_words = models.CharField("what the last review found", max_length=600, blank=True)
    ended_on = models.DateField(null=True)
    ended_because = models.CharField(max_length=300, blank=True)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "with_whom", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("service"),
            models.CheckConstraint(
                condition=Q(review_on__gt=F("starts_on")), name="actionplans_agreement_reviewed_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"agreement with {self.with_whom}"

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("service_agreement", args=[self.pk])


for _model in (Service, GapNote, Agreement):
    auditlog.register(_model)
