"""Nomination, score, findings, and what agencies answer."""

from __future__ import annotations

import pgtrigger
from auditlog.registry import auditlog
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from iom.models import Agency, Meeting, Membership, PolicyVersion, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case, Offender

from .querysets import CheckRequestQuerySet, ReferralQuerySet


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

    objects = ReferralQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("offender", "referrer", "agency", "meeting"),
            models.UniqueConstraint(fields=["scheme", "reference"], name="referrals_reference_once"),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(status="withdrawn") | Q(sent_at__isnull=False),
                name="referrals_sent_has_time",
            ),
        ]

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


class Score(SchemeModel):
    """A reoffending score: facts in, result out. Never changed; a new one supersedes it."""

    class Model(models.TextChoices):
        OGRS3 = "OGRS3", "OGRS3"
        OVP = "OVP", "OVP"
        OFFICIAL = "official", "Official OGRS score from probation"

    offender = models.ForeignKey(Offender, on_delete=models.CASCADE, related_name="scores")
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="scores")
    model = models.CharField(max_length=10, choices=Model.choices)
    model_version = models.CharField(max_length=20)
    inputs = models.JSONField()
    pct_1yr = models.PositiveSmallIntegerField(null=True)
    pct_2yr = models.PositiveSmallIntegerField()
    band = models.CharField(max_length=10, blank=True)
    effects = models.JSONField(default=list)
    scored_on = models.DateField()
    scored_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-scored_on", "-pk"]
        constraints = [per_scheme(), *same_scheme("offender", "referral")]
        triggers = [pgtrigger.Protect(name="score_is_immutable", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.model} {self.pct_2yr}%"


class Finding(SchemeModel):
    """The eligibility rules applied to one referral, each clause met, not met or not known, with its source."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="findings")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=20)
    route = models.CharField(max_length=60, blank=True)
    clauses = models.JSONField()
    facts = models.JSONField()
    as_of = models.DateField()

    class Meta:
        ordering = ["-pk"]
        constraints = [per_scheme(), *same_scheme("referral", "policy_version")]

    def __str__(self) -> str:
        return self.outcome


class Why(models.TextChoices):
    """Why an agency is asked about a person."""

    REFERRAL = "referral", "New referral"
    REVIEW = "review", "Review"
    RELEASE = "release", "Release"


class CheckRequest(SchemeModel):
    """An agency asked about a person for a meeting."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="check_requests")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="check_requests")
    offender = models.ForeignKey(Offender, on_delete=models.PROTECT, related_name="check_requests")
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="check_requests")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="check_requests")
    why = models.CharField(max_length=10, choices=Why.choices)
    due_on = models.DateField(null=True)
    asked_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, help_text="When the item was decided: no return after that")

    objects = CheckRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "agency", "offender", "referral", "case"),
            models.UniqueConstraint(fields=["meeting", "agency", "offender"], name="referrals_asked_once"),
        ]

    def __str__(self) -> str:
        return f"check {self.pk}"


class Handling(models.TextChoices):
    """Who may read what an agency says. Chosen each time, never carried over."""

    PANEL = "panel", "Everyone on the panel"
    POLICE_PROBATION = "police_probation", "Police and probation"
    AGENCIES = "agencies", "Agencies that we choose"


class AgencyReturn(SchemeModel):
    """What an agency knows of a person. "Not known" is an answer."""

    class Known(models.TextChoices):
        NOW = "now", "Known now"
        BEFORE = "before", "Known before"
        NOT_KNOWN = "not_known", "Not known"
        CANNOT_SAY = "cannot_say", "Cannot say"

    request = models.OneToOneField(CheckRequest, on_delete=models.CASCADE, related_name="answer")
    known = models.CharField(max_length=10, choices=Known.choices)
    last_contact = models.DateField(null=True, blank=True)
    summary = models.CharField(max_length=600, blank=True)
    risk_to_others = models.BooleanField(null=True)
    risk_detail = models.CharField(max_length=300, blank=True)
    pathways = ArrayField(models.CharField(max_length=40), default=list)
    handling = models.CharField(max_length=20, choices=Handling.choices, blank=True)
    readers = ArrayField(
        models.CharField(max_length=60), default=list, help_text="Slugs of the agencies that may read it, if chosen"
    )
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(null=True, help_text="Empty while it is a draft of the agency")
    late = models.BooleanField(default=False)

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("request"),
            models.CheckConstraint(
                condition=Q(known__in=["not_known", "cannot_say"]) | Q(sent_at=None) | ~Q(handling=""),
                name="referrals_return_says_who_reads_it",
            ),
            models.CheckConstraint(
                condition=~Q(handling="agencies") | Q(sent_at=None) | ~Q(readers=[]),
                name="referrals_return_names_its_readers",
            ),
        ]

    def __str__(self) -> str:
        return self.get_known_display()


# Half-typed answers change every few seconds and are no history.
auditlog.register(Referral, exclude_fields=["typed"])
for _model in (CheckRequest, AgencyReturn):
    auditlog.register(_model)
