"""Items of a meeting, and where a meeting was before it was moved."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from iom.models import Agency, Body, Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case
from panels.querysets import AgendaItemQuerySet
from referrals.models import Referral


class Section(models.TextChoices):
    """Parts of an agenda, in their order (ux.md 4.7)."""

    APOLOGIES = "apologies", "Apologies and who is here"
    LAST_MINUTES = "last_minutes", "Minutes of the last meeting"
    LAST_ACTIONS = "last_actions", "Actions from the last meeting"
    REPORTS = "reports", "Presentations and reports"
    OUTSIDE = "outside", "Decisions to ratify"
    REFERRALS = "referrals", "New referrals"
    BROUGHT = "brought", "Cases brought by agencies"
    RELEASES = "releases", "Releases and re-rating"
    REVIEWS = "reviews", "Reviews"
    EXITS = "exits", "Exits"
    ESCALATIONS = "escalations", "Escalations"
    AOB = "aob", "Any other business"


class ItemState(models.TextChoices):
    OPEN = "open", "Not reached"
    DECIDED = "decided", "Decided"
    CARRIED = "carried", "Carried forward"
    PARKED = "parked", "Parked"


class AgendaItem(SchemeModel):
    """One item of a meeting. Its number is given when the agenda goes out; later items are 6a, 6b."""

    PART_OF_QUESTIONS = ("section",)

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="items")
    section = models.CharField(max_length=15, choices=Section.choices)
    position = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=8, blank=True, editable=False)
    title = models.CharField(max_length=120, blank=True)
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="agenda_items")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="agenda_items")
    outside = models.ForeignKey(
        "panels.OutsideDecision",
        null=True,
        on_delete=models.PROTECT,
        related_name="items",
        help_text="The decision that this item asks the panel to ratify",
    )
    ratifies = models.ForeignKey(
        "panels.Decision",
        null=True,
        on_delete=models.PROTECT,
        related_name="ratified_at",
        help_text="The decision made without a quorum that this item asks the panel to ratify",
    )
    why = models.CharField(max_length=200, blank=True, help_text="Why the case is on the agenda")
    minutes = models.PositiveSmallIntegerField(default=8)
    late = models.BooleanField(default=False)
    late_agreed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    late_asked_at = models.DateTimeField(null=True, editable=False)
    late_refused = models.CharField(max_length=300, blank=True, help_text="Why the chair does not take this late item")
    brought_by = models.ForeignKey(
        Agency,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The agency that brought the case and keeps it; others lend support",
    )
    presenter = models.CharField(max_length=120, blank=True, help_text="Who presents or reports")
    closed = models.BooleanField(default=False, help_text="Taken in closed session, without invited people")
    first = models.BooleanField(default=False, help_text="Taken before the others of its section")
    need = models.CharField(max_length=40, blank=True, help_text="The pathway that the item is grouped under")
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.OPEN, editable=False)
    note = models.TextField(blank=True, help_text="For the minutes")
    draft = models.JSONField(default=dict, help_text="What the recorder typed and has not saved as a decision")
    undo = models.JSONField(default=dict, help_text="What undoing the decision saved last puts back")

    objects = AgendaItemQuerySet.as_manager()

    class Meta:
        ordering = ["meeting", "position", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "referral", "case", "outside", "ratifies", "brought_by"),
            models.UniqueConstraint(
                fields=["meeting", "number"], condition=~Q(number=""), name="panels_item_number_once"
            ),
            models.UniqueConstraint(
                fields=["meeting", "referral", "section"],
                condition=Q(referral__isnull=False, ratifies=None),
                name="panels_referral_once_a_section",
            ),
            models.UniqueConstraint(
                fields=["meeting", "case", "section"],
                condition=Q(case__isnull=False, ratifies=None),
                name="panels_case_once_a_section",
            ),
            models.UniqueConstraint(fields=["meeting", "ratifies"], name="panels_ratified_once_a_meeting"),
            models.CheckConstraint(condition=Q(referral=None) | Q(case=None), name="panels_item_is_of_one_thing"),
            models.CheckConstraint(
                condition=Q(section="outside", outside__isnull=False, referral__isnull=False, ratifies=None)
                | Q(section="outside", outside=None, ratifies__isnull=False)
                | Q(section="outside", outside=None, ratifies=None, case__isnull=False)
                | (~Q(section="outside") & Q(outside=None, ratifies=None)),
                name="panels_ratifies_what_was_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.number or self.pk}"

    @property
    def is_about_rating(self) -> bool:
        """Whether it asks the panel to ratify a rating that was given between two panels."""
        return self.section == Section.OUTSIDE and self.case_id is not None and self.ratifies_id is None


class ItemAgency(SchemeModel):
    """What somebody says of one agency and one item: it comes for it, or need not, whatever the facts would say.

    Without a row the facts of the case decide (`panels.concerned`).
    """

    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="agencies")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    comes = models.BooleanField(default=True)

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("item", "agency"),
            models.UniqueConstraint(fields=["item", "agency"], name="panels_item_agency_once"),
        ]

    def __str__(self) -> str:
        return f"agency {self.agency_id} for item {self.item_id}"


class MovedMeeting(SchemeModel):
    """Where a meeting was before it was moved: its old address leads to the new one (design.md 6)."""

    body = models.ForeignKey(Body, on_delete=models.CASCADE, related_name="+")
    old_date = models.DateField()
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="moves")

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("body", "meeting"),
            models.UniqueConstraint(fields=["body", "old_date"], name="panels_moved_once_from_a_day"),
        ]

    def __str__(self) -> str:
        return f"moved from {self.old_date}"
