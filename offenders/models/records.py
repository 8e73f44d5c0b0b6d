"""Plain records of the team: who covers when, what was checked and fed back, what was told, who is listed, and where.

London (Police; Local Authority) and Waltham Forest (3.3, 5.4, 5.13) ask for them; any scheme may keep them.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from iom.models import Agency, Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models.cases import Case
from offenders.models.people import Offender
from offenders.querysets import NamedListQuerySet, OfCaseQuerySet, RecordQuerySet, StoryQuerySet


class InGroup(SchemeModel):
    """A case in a group inside the cohort (policy `sub_cohorts`), from a day until (not including) another."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="in_groups")
    group = models.SlugField(max_length=40)
    starts_on = models.DateField()
    until = models.DateField(null=True)
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "-pk"]
        verbose_name = "place in a group of the cohort"
        constraints = [
            per_scheme(),
            *same_scheme("case", "meeting"),
            models.UniqueConstraint(
                fields=["case", "group"], condition=Q(until=None), name="offenders_in_a_group_once"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("starts_on")), name="offenders_group_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"in group {self.pk}"


class Cover(SchemeModel):
    """Who of an agency stands by on a day: out of hours, or for court or custody (London, Police)."""

    class Kind(models.TextChoices):
        OUT_OF_HOURS = "out_of_hours", "Out of hours"
        COURT = "court", "Court"
        CUSTODY = "custody", "Police custody"

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    on = models.DateField()
    starts_at = models.TimeField()
    ends_at = models.TimeField(help_text="Not after the start: the next morning")
    person = models.CharField(max_length=120)
    phone = models.CharField(max_length=40, blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    ended_on = models.DateField(null=True, editable=False, help_text="The day on which it was taken off the rota")

    objects = RecordQuerySet.as_manager()

    class Meta:
        ordering = ["on", "starts_at", "pk"]
        verbose_name = "cover"
        constraints = [per_scheme(), *same_scheme("agency")]
        indexes = [models.Index(fields=["scheme", "on"], name="offenders_cover_by_day")]

    def __str__(self) -> str:
        return f"cover {self.pk}"


class IntelligenceCheck(SchemeModel):
    """Police intelligence compared with what a partner knows, and fed back (London, Police). Never what it says."""

    class Result(models.TextChoices):
        RIGHT = "right", "Right as it stands"
        CORRECTED = "corrected", "Corrected"
        ADDED = "added", "Something was added"
        COULD_NOT = "could_not", "Could not be compared"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="intelligence_checks")
    system = models.CharField(max_length=40, help_text="The police system, as the scheme's rules call it")
    partner = models.ForeignKey(
        Agency, on_delete=models.PROTECT, related_name="+", help_text="Whose information it was compared with"
    )
    checked_on = models.DateField()
    checked_by = models.CharField(max_length=120)
    result = models.CharField(max_length=10, choices=Result.choices)
    fed_back_on = models.DateField(null=True, help_text="The day on which the police system was put right")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        ordering = ["-checked_on", "-pk"]
        verbose_name = "comparison of intelligence"
        constraints = [
            per_scheme(),
            *same_scheme("case", "partner"),
            models.CheckConstraint(
                condition=Q(fed_back_on=None) | Q(fed_back_on__gte=F("checked_on")), name="offenders_fed_back_after"
            ),
        ]

    def __str__(self) -> str:
        return f"comparison {self.pk}"


class SuccessStory(SchemeModel):
    """A story without names, which the person agreed to, and where it was told (London, Local Authority)."""

    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="stories")
    text = models.TextField()
    consent_on = models.DateField(help_text="The day on which the person agreed")
    consent_to = models.CharField(max_length=120, help_text="To whom they said so")
    told_where = models.CharField(max_length=200, blank=True)
    told_on = models.DateField(null=True)
    withdrawn_on = models.DateField(null=True, help_text="The day on which the person changed their mind")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = StoryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "success stories"
        constraints = [
            per_scheme(),
            *same_scheme("case"),
            models.CheckConstraint(
                condition=Q(told_on=None, told_where="") | (Q(told_on__isnull=False) & ~Q(told_where="")),
                name="offenders_story_told_somewhere",
            ),
            models.CheckConstraint(
                condition=Q(told_on=None) | Q(told_on__gte=F("consent_on")), name="offenders_story_told_with_consent"
            ),
        ]

    def __str__(self) -> str:
        return f"story {self.pk}"


class Listed(SchemeModel):
    """Somebody on a named police list, as the police wrote them down (Waltham Forest, 3.3: Operation Dauntless)."""

    family_name = models.CharField(max_length=80)
    given_names = models.CharField(max_length=120)
    date_of_birth = models.DateField()
    offender = models.ForeignKey(Offender, null=True, on_delete=models.SET_NULL, related_name="+")
    listed_from = models.DateField()
    until = models.DateField(null=True)
    source_on = models.DateField(help_text="The date of the list that it was taken from")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = NamedListQuerySet.as_manager()

    class Meta:
        ordering = ["family_name", "given_names", "pk"]
        verbose_name = "person on the police list"
        constraints = [
            per_scheme(),
            *same_scheme("offender"),
            models.UniqueConstraint(
                fields=["scheme", "family_name", "given_names", "date_of_birth"],
                condition=Q(until=None),
                name="offenders_listed_once",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("listed_from")), name="offenders_listed_ends_after_start"
            ),
        ]

    @property
    def audit_subject(self) -> str:
        """Somebody of their own until they are known here (security.md U3)."""
        return f"P{self.offender_id}" if self.offender_id else f"L{self.pk}"

    def __str__(self) -> str:
        return f"listed {self.pk}"


class Premises(SchemeModel):
    """A place where agencies work together, on which days, and whether there is a room to speak alone
    (Waltham Forest, 5.13).
    """

    place = models.CharField(max_length=160)
    agencies = ArrayField(models.CharField(max_length=60), help_text="Slugs of the agencies that work there")
    days = models.CharField(max_length=120)
    private_room = models.BooleanField(help_text="A room in which somebody can be seen alone")
    since = models.DateField()
    until = models.DateField(null=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = RecordQuerySet.as_manager()

    class Meta:
        ordering = ["place", "pk"]
        verbose_name_plural = "premises"
        constraints = [
            per_scheme(),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="offenders_premises_end_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"premises {self.pk}"
