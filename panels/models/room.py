"""What happens in the room: who comes and goes at which item, what they declare, who takes the chair, what is shown."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from iom.models import Agency, Meeting, Membership, SchemeModel, User, per_scheme, same_scheme
from panels.querysets import OfItemsQuerySet, OfMeetingsQuerySet

from .agenda import AgendaItem
from .people import Attendance


class Movement(SchemeModel):
    """Somebody came or went: from this item on they are here, or are not. The last one before an item holds at it."""

    attendance = models.ForeignKey(Attendance, on_delete=models.CASCADE, related_name="movements")
    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="movements")
    here = models.BooleanField()
    at = models.DateTimeField()

    objects = OfItemsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("attendance", "item"),
            models.UniqueConstraint(fields=["attendance", "item"], name="panels_moves_once_at_an_item"),
        ]

    def __str__(self) -> str:
        return f"movement {self.pk}"


class GuestItem(SchemeModel):
    """An item for which a guest comes. A guest with none is here for the whole meeting."""

    attendance = models.ForeignKey(Attendance, on_delete=models.CASCADE, related_name="guest_items")
    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="guests")

    objects = OfItemsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("attendance", "item"),
            models.UniqueConstraint(fields=["attendance", "item"], name="panels_guest_once_at_an_item"),
        ]

    def __str__(self) -> str:
        return f"guest {self.attendance_id} at item {self.item_id}"


class Interest(SchemeModel):
    """A person at the table has an interest in an item. It loses the vote there, not the quorum (design.md 3)."""

    attendance = models.ForeignKey(Attendance, on_delete=models.CASCADE, related_name="interests")
    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="interests")
    words = models.CharField(max_length=300)
    declared_at = models.DateTimeField()

    objects = OfItemsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("attendance", "item"),
            models.UniqueConstraint(fields=["attendance", "item"], name="panels_declared_once_at_an_item"),
        ]

    def __str__(self) -> str:
        return f"interest {self.pk}"


class ActingChair(SchemeModel):
    """Somebody took the chair of a meeting, by which rule and why; the last one holds (Richmond, 4.6)."""

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="acting_chairs")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(
        AgendaItem, null=True, on_delete=models.SET_NULL, related_name="+", help_text="From which item on, if not all"
    )
    because = models.CharField(max_length=300)
    rule = models.CharField(max_length=200, blank=True, help_text="The step of the succession, in words")
    source = models.CharField(max_length=120, blank=True)
    taken_at = models.DateTimeField()

    objects = OfMeetingsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [per_scheme(), *same_scheme("meeting", "membership", "item")]

    def __str__(self) -> str:
        return f"acting chair {self.pk}"


class TableSignature(SchemeModel):
    """The sharing agreement signed on paper at the table by somebody without an account, and who saw it."""

    attendance = models.ForeignKey(Attendance, on_delete=models.CASCADE, related_name="table_signatures")
    name = models.CharField(max_length=120)
    agreement_version = models.CharField(max_length=40)
    seen_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("attendance"),
            models.UniqueConstraint(
                fields=["attendance", "name", "agreement_version"], name="panels_signed_once_at_the_table"
            ),
        ]

    def __str__(self) -> str:
        return f"table signature {self.pk}"


class GuestInvitation(SchemeModel):
    """An outsider whom a meeting agreed to invite to its next one (Merton, Attendees by invitation)."""

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="guests_agreed", help_text="The meeting that agreed"
    )
    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    post = models.CharField(max_length=120, blank=True)
    purpose = models.CharField(max_length=200, help_text="For what advice or information")
    attendance = models.OneToOneField(Attendance, null=True, on_delete=models.SET_NULL, related_name="invitation")

    objects = OfMeetingsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "agency", "attendance"),
            models.CheckConstraint(condition=~Q(purpose=""), name="panels_invited_for_something"),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class Floor(SchemeModel):
    """The item that a live meeting is on, by its recorder: what the room screen shows. Nobody's record."""

    # Moves with every item that the recorder opens.
    not_in_audit = ("item", "since", "version")

    meeting = models.OneToOneField(Meeting, on_delete=models.CASCADE, related_name="floor")
    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()

    class Meta:
        constraints = [per_scheme(), *same_scheme("meeting", "item")]

    def __str__(self) -> str:
        return f"floor of meeting {self.meeting_id}"
