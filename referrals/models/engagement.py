"""The team meets the person: where they stand, what they need and what they say themselves (Merton, step 4)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from iom.models import Agency, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case, Offender
from referrals.models.nominations import Referral
from referrals.querysets import EngagementQuerySet


class EngagementKind(models.TextChoices):
    APPROACH = "approach", "Meeting with the team"
    RECEPTION = "reception", "Prison reception"


class Where(models.TextChoices):
    PRISON = "prison", "In prison"
    COMMUNITY = "community", "In the community"
    POLICE_CUSTODY = "police_custody", "In police custody"
    OTHER = "other", "Somewhere else"


class Met(models.TextChoices):
    """What came of the approach: that somebody would not come, or was not there, is an answer too."""

    MET = "met", "We met"
    DECLINED = "declined", "They did not want to meet us"
    NOT_FOUND = "not_found", "We could not find them"


class NeedLevel(models.TextChoices):
    """As in a plan, which begins with them (Merton, step 7)."""

    NONE = "none", "None"
    SOME = "some", "Some"
    HIGH = "high", "High"
    NOT_ASSESSED = "not_assessed", "Not assessed"


class Engagement(SchemeModel):
    """One approach to the person, in prison or in the community; or what a prison found at reception (London, HMP).

    A draft of its agency until it is finished; from then on read by everyone who reads the nomination or the case.
    """

    offender = models.ForeignKey(Offender, on_delete=models.PROTECT, related_name="engagements")
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="engagements")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="engagements")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Whose people met them")
    kind = models.CharField(max_length=10, choices=EngagementKind.choices)
    met = models.CharField("what came of it", max_length=10, choices=Met.choices, blank=True)
    met_on = models.DateField("date", null=True, blank=True)
    where = models.CharField(max_length=15, choices=Where.choices, blank=True)
    place = models.CharField(max_length=120, blank=True)
    met_by = models.CharField("who met them", max_length=120, blank=True)
    level = models.CharField("engagement level", max_length=40, blank=True, help_text="Slug of the scheme's level")
    needs = models.JSONField(default=dict, help_text="Pathway slug to level and words")
    risks = models.TextField(blank=True)
    own_words = models.TextField(blank=True)
    support = models.TextField("what helps them to take part", blank=True)
    offer_explained = models.BooleanField("offer explained", null=True)
    expectations_told = models.BooleanField("told what is expected", null=True)
    told_on = models.DateField("told on", null=True, blank=True)
    typed = models.JSONField(default=dict, editable=False, help_text="What was typed and cannot be stored as it is yet")
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = EngagementQuerySet.as_manager()

    class Meta:
        ordering = ["-met_on", "-pk"]
        verbose_name = "meeting with the person"
        constraints = [
            per_scheme(),
            *same_scheme("offender", "referral", "case", "agency"),
            models.CheckConstraint(
                condition=Q(referral__isnull=False, case=None) | Q(referral=None, case__isnull=False),
                name="referrals_engagement_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) | (Q(met_on__isnull=False) & ~Q(met="") & ~Q(where="")),
                name="referrals_engagement_says_when_and_where",
            ),
        ]

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return f"P{self.offender_id}"

    def __str__(self) -> str:
        return f"engagement {self.pk}"

    @property
    def thing(self) -> Referral | Case:
        """The nomination or the case to which it belongs."""
        return self.referral or self.case

    @property
    def was_met(self) -> bool:
        return self.met == Met.MET
