"""What police, courts and prisons say of somebody on the cohort: each fact with who says so and when."""

from __future__ import annotations

import uuid
from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce

from iom.models import Agency, SchemeModel, User, per_scheme, same_scheme
from offenders.feed_querysets import FeedQuerySet, HitQuerySet, IdiomFileQuerySet
from offenders.models.cases import Case, CustodyPeriod


class LegalStatus(SchemeModel):
    """That somebody must return on bail, is due in court, or is wanted. A row that no longer holds ends and stays."""

    class Kind(models.TextChoices):
        BAIL = "bail", "Police bail"
        COURT = "court", "Court"
        WANTED = "wanted", "Wanted"

    class Ended(models.TextChoices):
        HAPPENED = "happened", "It took place"
        REPLACED = "replaced", "Another date holds"
        LIFTED = "lifted", "It no longer holds"
        MISTAKE = "mistake", "Entered by mistake"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="legal_statuses")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    on = models.DateField(help_text="The day of the return or hearing; for wanted, since when")
    place = models.CharField(max_length=120, blank=True, help_text="The court or the police station")
    source = models.CharField(max_length=80, help_text="Who or what says so")
    checked_at = models.DateTimeField(help_text="When it was last seen to hold")
    ended_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=10, choices=Ended.choices, blank=True)
    outcome = models.CharField(max_length=300, blank=True, help_text="What came of it")
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = FeedQuerySet.as_manager()

    class Meta:
        ordering = ["on", "pk"]
        verbose_name_plural = "legal statuses"
        constraints = [
            per_scheme(),
            *same_scheme("case"),
            models.UniqueConstraint(
                fields=["case", "kind", "on"], condition=Q(ended_at=None), name="offenders_status_once_a_day"
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(kind="wanted", ended_at=None), name="offenders_wanted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.on}"


class Tag(SchemeModel):
    """A GPS tag: from release for the length of the licence, and no longer than the scheme's rules allow
    (Hampshire, GPS Tagging).
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="tags")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="The last day that is planned")
    offence = models.CharField(max_length=40, help_text="The kind of offence for which it is worn")
    licence = models.CharField(max_length=120, blank=True, help_text="The licence that asks for it")
    ended_on = models.DateField(null=True, blank=True, help_text="When it came off early")
    ended_because = models.CharField(max_length=200, blank=True)

    objects = FeedQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="offenders_tag_ends_after_start"),
            ExclusionConstraint(
                name="offenders_one_tag_at_a_time",
                expressions=[
                    ("case", RangeOperators.EQUAL),
                    (
                        Func(
                            F("starts_on"),
                            Coalesce("ended_on", "ends_on"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"tag until {self.last_day}"

    @property
    def last_day(self) -> date:
        """The last day on which it is worn."""
        return self.ended_on or self.ends_on


class TagHit(SchemeModel):
    """A tag that was near a crime: sent to the police, who rule the wearer in or out (Hampshire, GPS Tagging)."""

    class Ruling(models.TextChoices):
        IN = "in", "Ruled in"
        OUT = "out", "Ruled out"

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="hits")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="tag_hits")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="The police who keep it")
    happened_at = models.DateTimeField()
    area = models.CharField(max_length=120, help_text="Where, in words")
    crime_reference = models.CharField(max_length=40)
    sent_at = models.DateTimeField(help_text="When the police were told")
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    ruling = models.CharField(max_length=3, choices=Ruling.choices, blank=True)
    ruled_at = models.DateTimeField(null=True)
    ruled_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    ruled_because = models.CharField(max_length=300, blank=True)

    objects = HitQuerySet.as_manager()

    class Meta:
        ordering = ["-happened_at", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("tag", "case", "agency"),
            models.UniqueConstraint(fields=["tag", "crime_reference"], name="offenders_hit_once_a_crime"),
        ]

    def __str__(self) -> str:
        return f"hit {self.pk}"


class Prison(SchemeModel):
    """A prison and the one person there to turn to (London, HMP)."""

    name = models.CharField(max_length=120)
    contact = models.CharField(max_length=120, blank=True)
    post = models.CharField(max_length=120, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            per_scheme(),
            models.UniqueConstraint(fields=["scheme", "name"], name="offenders_prison_once"),
        ]

    def __str__(self) -> str:
        return self.name


# --- The daily file of IDIOM (London, Intelligence) ----------------------------


class IdiomRecord(SchemeModel):
    """What IDIOM last said of a case. What else its seven facts led to stands where everybody looks for it."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="idiom")
    as_of = models.DateTimeField(help_text="When the facts held")
    history = models.CharField(max_length=600, blank=True, help_text="Offending history")
    pending = models.CharField(max_length=600, blank=True, help_text="Cases that are pending")
    bail = models.CharField(max_length=300, blank=True, help_text="Police bail date")
    court = models.CharField(max_length=600, blank=True, help_text="Court dates")
    wanted = models.CharField(max_length=60, blank=True)
    in_prison = models.BooleanField(null=True)
    prison = models.CharField(max_length=120, blank=True)
    in_prison_since = models.DateField(null=True, help_text="Since when it has said of prison what it says")
    release_on = models.DateField(null=True)

    objects = FeedQuerySet.as_manager()

    class Meta:
        constraints = [per_scheme(), *same_scheme("case")]

    def __str__(self) -> str:
        return f"record {self.pk}"


class IdiomFile(SchemeModel):
    """A file between upload and entry: rows of people on this scheme's cohort, and nothing of anybody else."""

    class Status(models.TextChoices):
        WAITING = "waiting", "To look over"
        ENTERED = "entered", "Entered"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    made_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING, editable=False)
    left_out = models.JSONField(default=list, help_text="The numbers of the rows that are of nobody here")
    columns = models.JSONField(default=list, help_text="Which of our columns the file has")
    changed = models.PositiveIntegerField(null=True, help_text="For how many people something changed")

    objects = IdiomFileQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [per_scheme()]

    def __str__(self) -> str:
        return f"file {self.pk}"


class IdiomRow(SchemeModel):
    """A row of it, until it is entered."""

    file = models.ForeignKey(IdiomFile, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(help_text="As a spreadsheet counts")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    facts = models.JSONField()

    class Meta:
        ordering = ["number"]
        constraints = [
            per_scheme(),
            *same_scheme("file", "case"),
            models.UniqueConstraint(fields=["file", "number"], name="offenders_idiom_row_once"),
        ]

    def __str__(self) -> str:
        return f"row {self.number}"


class CustodyProposal(SchemeModel):
    """What the feed says of custody that our record does not: for a person to accept or dismiss, never imposed."""

    class Kind(models.TextChoices):
        IN = "in", "Came into prison"
        OUT = "out", "No longer in prison"
        RELEASE = "release", "Another release date"
        MOVED = "moved", "In another prison"

    class Status(models.TextChoices):
        OPEN = "open", "To answer"
        ACCEPTED = "accepted", "Accepted"
        DISMISSED = "dismissed", "Dismissed"
        LAPSED = "lapsed", "No longer asked"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="custody_proposals")
    period = models.ForeignKey(CustodyPeriod, null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=120, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN, editable=False)
    on = models.DateField(help_text="Since when in or out, or the release date")
    custody_kind = models.CharField(max_length=10, choices=CustodyPeriod.Kind.choices, blank=True)
    prison = models.CharField(max_length=120, blank=True)
    release_on = models.DateField(null=True)
    source = models.CharField(max_length=80)
    as_of = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    because = models.CharField(max_length=300, blank=True, help_text="Why it was dismissed")

    objects = FeedQuerySet.as_manager()

    class Meta:
        ordering = ["-as_of", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "period"),
            # What was answered once is not asked again.
            models.UniqueConstraint(fields=["case", "key"], name="offenders_proposed_once"),
            models.UniqueConstraint(
                fields=["case", "kind"], condition=Q(status="open"), name="offenders_one_open_proposal_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"proposal {self.pk}"
