"""Who chairs a body and for how long, who asks to join it, and whose meetings its own follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from iom import clock

from .base import SchemeModel, SchemeQuerySet, per_scheme, same_scheme
from .calendar import Body, Meeting, Seat
from .people import Agency, Membership

if TYPE_CHECKING:
    from datetime import date

    from iom.access import Actor


class ChairAppointmentQuerySet(SchemeQuerySet):
    def on(self, day: date) -> ChairAppointmentQuerySet:
        """Those that hold on a day."""
        return self.filter(models.Q(until=None) | models.Q(until__gt=day), starts_on__lte=day)


class ChairAppointment(SchemeModel):
    """Who chairs a body, or stands in as vice-chair, from a day until (not including) another.

    `review_due` is set where the scheme's rules have the appointment looked at again (Merton, Chairs: every year).
    """

    class Role(models.TextChoices):
        CHAIR = "chair", "Chair"
        VICE_CHAIR = "vice_chair", "Vice-chair"

    body = models.ForeignKey(Body, on_delete=models.CASCADE, related_name="appointments")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="appointments")
    role = models.CharField(max_length=10, choices=Role.choices)
    starts_on = models.DateField()
    until = models.DateField(null=True, blank=True)
    review_due = models.DateField(null=True, blank=True)
    words = models.CharField(max_length=300, blank=True, help_text="Who appointed them, and where that was agreed")

    objects = ChairAppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["role", "-starts_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("body", "membership"),
            models.UniqueConstraint(
                fields=["body", "role"], condition=models.Q(until=None), name="iom_chairappointment_one_to_come"
            ),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gte=models.F("starts_on")),
                name="iom_chairappointment_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.body.name}"


class ChairReview(SchemeModel):
    """What came of looking at an appointment again: they stay, or another is to be found."""

    class Outcome(models.TextChoices):
        STAYS = "stays", "Stays"
        ANOTHER = "another", "Another is to be appointed"

    appointment = models.ForeignKey(ChairAppointment, on_delete=models.CASCADE, related_name="reviews")
    reviewed_on = models.DateField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    words = models.CharField(max_length=300, blank=True)
    reviewed_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-reviewed_on", "-pk"]
        constraints = [per_scheme(), *same_scheme("appointment", "reviewed_by")]

    def __str__(self) -> str:
        return f"review of {self.reviewed_on:%-d %B %Y}"


class JoinRequestQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> JoinRequestQuerySet:
        """All of them by office; anybody else reads what their own organisation proposed."""
        rows = self.in_scheme_of(actor)
        if actor is None or actor.membership is None:
            return rows.none()
        if actor.has_role("coordinator", "chair"):
            return rows
        return rows.filter(proposed_by__agency=actor.agency)


class JoinRequest(SchemeModel):
    """A member proposes another organisation for a body; the co-ordinator answers (Richmond, 4.7)."""

    class State(models.TextChoices):
        OPEN = "open", "With the co-ordinator"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Not accepted"

    body = models.ForeignKey(Body, on_delete=models.CASCADE, related_name="requests")
    organisation = models.CharField(max_length=120)
    agency = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Where the scheme knows it"
    )
    post = models.CharField(max_length=120)
    why = models.CharField(max_length=600)
    proposed_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN, editable=False)
    answer = models.CharField(max_length=600, blank=True)
    answered_by = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)
    agreed_at = models.ForeignKey(Meeting, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    seat = models.ForeignKey(Seat, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = JoinRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            per_scheme(),
            *same_scheme("body", "agency", "proposed_by", "answered_by", "agreed_at", "seat"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class OtherMeeting(SchemeModel):
    """A day on which somebody else's body meets, by which one of ours sets its own (Merton, Frequency)."""

    body = models.ForeignKey(Body, on_delete=models.CASCADE, related_name="other_meetings", help_text="Ours")
    date = models.DateField()

    class Meta:
        ordering = ["date"]
        constraints = [
            per_scheme(),
            *same_scheme("body"),
            models.UniqueConstraint(fields=["body", "date"], name="iom_othermeeting_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.date:%-d %B %Y}"


class Training(SchemeModel):
    """What somebody was trained in, and when (Waltham Forest, 5.9)."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="trainings")
    what = models.CharField(max_length=120)
    on = models.DateField()
    recorded_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-on", "what"]
        constraints = [
            per_scheme(),
            *same_scheme("membership", "recorded_by"),
            models.UniqueConstraint(fields=["membership", "what", "on"], name="iom_training_once"),
        ]

    def __str__(self) -> str:
        return f"training of {self.on:%-d %B %Y}"


class Accountability(SchemeModel):
    """To whom somebody answers for what: for the work of the scheme, and as an employee (Waltham Forest, 5.10)."""

    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="accountability")
    scheme_to = models.CharField(max_length=120, blank=True, help_text="Whom they ask about the work of the scheme")
    scheme_for = models.CharField(max_length=300, blank=True)
    line_manager = models.CharField(max_length=120, blank=True)
    line_for = models.CharField(max_length=300, blank=True)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "accountability"
        constraints = [per_scheme(), *same_scheme("membership")]

    def __str__(self) -> str:
        return f"accountability {self.pk}"
