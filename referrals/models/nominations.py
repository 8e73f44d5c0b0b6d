"""A nomination and where it stands."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from iom.models import Agency, Meeting, Membership, SchemeModel, per_scheme, same_scheme
from offenders.models import Case, Offender
from referrals.querysets import ReferralQuerySet


class ReferralStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SENT = "sent", "Sent"
    WITH_COORDINATOR = "with_coordinator", "With coordinator"
    ON_AGENDA = "on_agenda", "On agenda"
    ACCEPTED = "accepted", "Accepted"
    NOT_ACCEPTED = "not_accepted", "Not accepted"
    DEFERRED = "deferred", "Deferred"
    REFERRED_ELSEWHERE = "referred_elsewhere", "Referred elsewhere"
    RETURNED = "returned", "Returned"
    WITHDRAWN = "withdrawn", "Withdrawn"


OPEN = (
    ReferralStatus.DRAFT,
    ReferralStatus.SENT,
    ReferralStatus.WITH_COORDINATOR,
    ReferralStatus.ON_AGENDA,
    ReferralStatus.DEFERRED,
    ReferralStatus.RETURNED,
)


class MainDriver(models.TextChoices):
    """What the lead-agency rule asks of someone who is not under supervision (Merton, step 8)."""

    ADDICTION = "addiction", "Drugs or alcohol"
    OTHER = "other", "Something else"
    NOT_KNOWN = "not_known", "Not known"


class Recommendation(models.TextChoices):
    """What triage recommends to the panel, which decides (design.md 3)."""

    ACCEPT = "accept", "Put to panel"
    NOT_ELIGIBLE = "not_eligible", "Not eligible"
    ELSEWHERE = "elsewhere", "Refer elsewhere"


class Supervision(models.TextChoices):
    YES = "yes", "Yes"
    NO = "no", "No"
    NOT_KNOWN = "not_known", "Not known"


class Referral(SchemeModel):
    """A nomination, `IOM-R-0212`. Its status is written by `referrals.transitions` alone."""

    reference = models.CharField(max_length=20, editable=False)
    status = models.CharField(
        max_length=20, choices=ReferralStatus.choices, default=ReferralStatus.DRAFT, editable=False
    )
    offender = models.ForeignKey(Offender, on_delete=models.PROTECT, related_name="referrals")
    referrer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="referrals")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="referrals")
    meeting = models.ForeignKey(Meeting, null=True, blank=True, on_delete=models.PROTECT, related_name="referrals")
    sections_done = ArrayField(models.CharField(max_length=20), default=list, editable=False)
    typed = models.JSONField(
        default=dict, editable=False, help_text="By section, what was typed and cannot be stored as it is yet"
    )

    # Before you start
    criteria = models.SlugField(
        max_length=40, blank=True, help_text="The criteria that it is for; blank for those of the scheme"
    )
    mappa_level = models.PositiveSmallIntegerField(null=True, help_text="0 when not managed under MAPPA")
    # The person: address and custody
    in_custody = models.BooleanField(null=True)
    prison = models.CharField(max_length=120, blank=True)
    release_expected_on = models.DateField(null=True, blank=True)
    supervision = models.CharField(max_length=10, choices=Supervision.choices, blank=True)
    # Why IOM: offending and evidence
    evidence = models.TextField(blank=True)
    benefit = models.TextField(blank=True)
    main_driver = models.CharField(max_length=10, choices=MainDriver.choices, blank=True)
    # Why IOM: risk of harm and safeguarding
    harm = models.TextField(blank=True)
    high_risk_of_harm = models.BooleanField(null=True)
    safeguarding = models.TextField(blank=True)
    # Why IOM: needs
    needs = models.JSONField(default=dict, help_text="Pathway slug to what is needed, in words")
    # Why IOM: score facts (ogrs.md 2.1)
    convicted_on = models.DateField(null=True, blank=True)
    follow_up_from = models.DateField(null=True, blank=True)
    sanctions = models.PositiveSmallIntegerField(null=True, blank=True)
    first_sanction_age = models.PositiveSmallIntegerField(null=True, blank=True)
    offence_code = models.CharField(max_length=5, blank=True)
    # What an assessment says for OVP, by the names of `referrals.ovp.Facts`
    ovp_facts = models.JSONField(default=dict)
    # Which of the scheme's clauses the referrer thinks fits, where its form asks
    proposed_clause = models.CharField(max_length=60, blank=True)
    # What else the scheme's eligibility clauses ask for, by the names of design.md 6
    facts = models.JSONField(default=dict)
    # The panel
    presenter = models.CharField(max_length=120, blank=True)
    urgent_reason = models.TextField(blank=True)

    sent_at = models.DateTimeField(null=True, editable=False)
    late = models.BooleanField(default=False, editable=False)
    message_to_referrer = models.TextField(blank=True)
    reopened_because = models.TextField(
        blank=True, editable=False, help_text="Why the coordinator took it up although the rules exclude the person"
    )
    withdrawn_because = models.TextField(blank=True, editable=False)
    recommendation = models.CharField(max_length=15, choices=Recommendation.choices, blank=True, editable=False)
    recommended_because = models.TextField(blank=True, editable=False)
    # Whom the person may already be: references of cases and referrals that the referrer may not see.
    noted_matches = ArrayField(models.CharField(max_length=20), default=list, editable=False)

    # Nominated again: after which nomination or case, and what the referrer says is different now.
    follows = models.ForeignKey("self", null=True, editable=False, on_delete=models.PROTECT, related_name="followed_by")
    follows_case = models.ForeignKey(
        Case, null=True, editable=False, on_delete=models.PROTECT, related_name="nominated_after"
    )
    changed_since = models.TextField(blank=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("offender", "referrer", "agency", "meeting", "follows", "follows_case"),
            models.UniqueConstraint(fields=["scheme", "reference"], name="referrals_reference_once"),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(status="withdrawn") | Q(sent_at__isnull=False),
                name="referrals_sent_has_time",
            ),
        ]
        # Of all that were ever made, those that somebody still has to do something with.
        indexes = [models.Index(fields=["scheme", "status"], condition=Q(status__in=OPEN), name="referrals_waiting")]

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return f"P{self.offender_id}"

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("referral", args=[self.reference])

    @property
    def is_open(self) -> bool:
        return self.status in OPEN
