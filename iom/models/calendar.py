"""Bodies, the seats on them, and their sittings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from iom import clock
from iom.deadlines import MeetingDates, meeting_dates
from iom.policy import BodyPolicy

from .base import SchemeModel, SchemeQuerySet, per_scheme, same_scheme
from .dates import dates_of, holidays_in
from .people import Agency, Membership, Scheme, User

if TYPE_CHECKING:
    from datetime import date

    from iom.access import Actor


class Body(SchemeModel):
    """A panel, board or team meeting of a scheme. What it does stands in the policy under the same slug."""

    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=30)
    position = models.PositiveSmallIntegerField(help_text="The first body of a scheme is its default.")
    plans_itself = models.BooleanField(default=True, help_text="Its next meetings are planned by its cadence.")
    areas = ArrayField(
        models.CharField(max_length=80), default=list, blank=True, help_text="Areas in each of which it meets"
    )

    class Meta:
        ordering = ["position"]
        verbose_name_plural = "bodies"
        constraints = [
            per_scheme(),
            models.UniqueConstraint(fields=["scheme", "slug"], name="iom_body_slug_once"),
            models.UniqueConstraint(fields=["scheme", "position"], name="iom_body_position_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def policy(self) -> BodyPolicy:
        """The scheme's rules for this body."""
        return self.scheme.policy.body(self.slug)

    def dates_on(self, day: date) -> MeetingDates:
        """The deadlines that a meeting on that day has by today's rules and bank holidays."""
        return _counted(self.scheme, self.slug, day)


class PresentSeats(models.Manager.from_queryset(SchemeQuerySet)):  # type: ignore[misc]
    """Seats that have not been ended."""

    def get_queryset(self) -> SchemeQuerySet:
        return super().get_queryset().filter(ended_on=None)


class Seat(SchemeModel):
    """A place on a body: permanent or as required, for a post of an agency, with its holder and a named substitute.

    `objects` are those of today; one that was ended stays for what was recorded of it (`ever`).
    """

    body = models.ForeignKey(Body, on_delete=models.CASCADE, related_name="seats")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="seats")
    post = models.CharField(max_length=120)
    permanent = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    holder = models.ForeignKey(Membership, null=True, blank=True, on_delete=models.SET_NULL, related_name="seats_held")
    substitute = models.ForeignKey(
        Membership, null=True, blank=True, on_delete=models.SET_NULL, related_name="seats_substituted"
    )
    substitute_authority = models.BooleanField(default=False, help_text="The substitute decides for the agency.")
    substitute_briefed = models.BooleanField(default=False, help_text="The substitute knows the cases.")
    leads = models.BooleanField(default=False, help_text="Leads for the agency on what the body deals with.")
    ended_on = models.DateField(null=True, blank=True, editable=False)
    ended_because = models.CharField(max_length=300, blank=True, editable=False)

    objects = PresentSeats()
    ever = SchemeQuerySet.as_manager()

    class Meta:
        ordering = ["body", "position"]
        constraints = [per_scheme(), *same_scheme("body", "agency", "holder", "substitute")]

    def __str__(self) -> str:
        return f"{self.post}, {self.agency.name}"


class MeetingStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    AGENDA_SENT = "agenda_sent", "Agenda sent"
    LIVE = "live", "Live"
    MINUTES_DRAFTED = "minutes_drafted", "Minutes drafted"
    SIGNED = "signed", "Signed"
    ADJOURNED = "adjourned", "Adjourned"
    CANCELLED = "cancelled", "Cancelled"


class MeetingQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> MeetingQuerySet:
        """Meetings of one's scheme; a referrer who is nothing else meets only dates elsewhere, not the papers."""
        if actor is None or not actor.holds("iom.view_meetings"):
            return self.none()
        return self.in_scheme_of(actor).select_related("body", "scheme")

    def still_open(self) -> MeetingQuerySet:
        """Meetings that have not been held or called off."""
        return self.filter(status__in=[MeetingStatus.DRAFT, MeetingStatus.AGENDA_SENT])

    def upcoming(self, on: date) -> MeetingQuerySet:
        return self.still_open().filter(date__gte=on).order_by("date", "starts_at", "pk")


class Grouping(models.TextChoices):
    """How an agenda is put together, so that people come for their part only (London, Meeting Structure)."""

    NONE = "", "By section"
    NEED = "need", "By need"
    AGENCY = "agency", "By agency"


class Meeting(SchemeModel):
    """A sitting of a body. Its status is written by `panels.transitions` alone."""

    body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="meetings")
    date = models.DateField()
    starts_at = models.TimeField()
    minutes_long = models.PositiveSmallIntegerField(default=120)
    place = models.CharField(max_length=200, blank=True)
    area = models.CharField(max_length=80, blank=True, help_text="Where the body meets in each of several areas")
    # The day for which it stands in the rhythm of its body, wherever it was moved; the next one follows from it.
    pattern_date = models.DateField(null=True, editable=False)
    planned_by_cadence = models.BooleanField(default=False, editable=False)
    day_agreed = models.BooleanField(default=False, editable=False, help_text="It stays on a day without work.")
    follows = models.ForeignKey(
        "iom.OtherMeeting", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="followed_by"
    )
    status = models.CharField(max_length=20, choices=MeetingStatus.choices, default=MeetingStatus.DRAFT, editable=False)
    chair = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="chairs")
    grouping = models.CharField(max_length=10, choices=Grouping.choices, default=Grouping.NONE, blank=True)
    resumes_at = models.DateTimeField(null=True, editable=False, help_text="When an adjourned meeting goes on")
    recorder = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    PART_OF_QUESTIONS = ("date", "status")

    # Renewed by every save and heartbeat: no change of the meeting.
    not_in_audit = ("recorder_until",)

    # One recorder at a time, by a lease that ends unless it is renewed, and who asked to take over (security.md C4).
    recorder_until = models.DateTimeField(null=True, editable=False)
    asks_to_record = models.ForeignKey(User, null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    asked_to_record_at = models.DateTimeField(null=True, editable=False)

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["-date", "starts_at"]
        constraints = [
            per_scheme(),
            *same_scheme("body", "chair", "follows"),
            models.UniqueConstraint(fields=["scheme", "body", "date"], name="iom_meeting_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.body.name} of {self.date:%-d %B %Y}"

    @property
    def key(self) -> str:
        """`2026-03-12` for the scheme's first body, `2026-03-12-board` for any other (design.md 6)."""
        return self.date.isoformat() if self.body.position == 0 else f"{self.date.isoformat()}-{self.body.slug}"

    @property
    def called(self) -> str:
        """How people name it: "panel of 12 March"; the sitting of another body under that body's own name."""
        body = "panel" if self.body.position == 0 and self.body.kind == "panel" else self.body.name
        return f"{body} of {self.date:%-d %B}"

    def get_absolute_url(self) -> str:
        return reverse("meeting", args=[self.key])

    @property
    def ends_at(self) -> datetime:
        """When it is over, as London clocks show it: its length has passed then, also where clocks change."""
        return clock.after(self.date, self.starts_at, self.minutes_long)

    @property
    def dates(self) -> MeetingDates:
        """Its deadlines as they were stored when it was planned (security.md T4), never a countdown (design.md 5).

        Where none are stored for its day they are computed from the policy in force.
        """
        return dates_of(self) or _counted(self.scheme, self.body.slug, self.date)


def _counted(scheme: Scheme, body: str, day: date) -> MeetingDates:
    return meeting_dates(scheme.policy.body(body), day, holidays_in(scheme))
