"""A person's time on the scheme: who may open it, how it is rated, who leads it, custody."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.urls import reverse
from guardian.models import UserObjectPermissionBase

from iom import together
from iom.clock import LONDON, now
from iom.models import (
    Agency,
    CompositeKey,
    Meeting,
    Membership,
    PolicyVersion,
    SameScheme,
    Scheme,
    SchemeModel,
    User,
    per_scheme,
    same_scheme,
)
from offenders.models.people import Offender
from offenders.querysets import BreakGlassQuerySet, CaseQuerySet, found_by

if TYPE_CHECKING:
    from iom.access import Actor


class CaseStatus(models.TextChoices):
    OPEN = "open", "Open"
    LEAVING = "leaving", "Leaving"
    CLOSED = "closed", "Closed"


class Case(SchemeModel):
    """A person's time on one scheme, `IOM-0147`: from acceptance to exit. `offenders.transitions` writes its status."""

    reference = models.CharField(max_length=20, editable=False)
    offender = models.ForeignKey(Offender, on_delete=models.PROTECT, related_name="cases")
    status = models.CharField(max_length=10, choices=CaseStatus.choices, default=CaseStatus.OPEN, editable=False)
    accepted_on = models.DateField()
    accepted_at = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="cases_accepted")
    ended_on = models.DateField(null=True, blank=True)
    outcome = models.CharField(max_length=30, blank=True, editable=False, help_text="As the policy names it")
    ended_because = models.CharField(max_length=600, blank=True, editable=False)
    why = models.TextField(help_text="Why this person is on the cohort, in a sentence that a case holder can use.")
    criterion = models.CharField(max_length=60, blank=True, help_text="The clause that was met")
    score = models.PositiveSmallIntegerField(null=True, help_text="Two-year OGRS score agreed at acceptance")
    score_on = models.DateField(null=True)
    statutory = models.BooleanField(null=True, help_text="Under probation supervision; empty: not known")
    main_driver = models.CharField(
        max_length=10,
        choices=[("addiction", "Drugs or alcohol"), ("other", "Something else")],
        blank=True,
        help_text="What mainly drives the offending; empty: not known",
    )
    restricted = models.BooleanField(default=False)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("offender", "accepted_at", "policy_version"),
            models.UniqueConstraint(fields=["scheme", "reference"], name="offenders_case_reference_once"),
            models.UniqueConstraint(
                fields=["offender"],
                condition=~Q(status="closed"),
                name="offenders_one_open_case",
            ),
            models.CheckConstraint(
                condition=Q(ended_on=None) | Q(ended_on__gte=F("accepted_on")),
                name="offenders_case_ends_after_acceptance",
            ),
            models.CheckConstraint(
                condition=Q(status="closed", ended_on__isnull=False) | (~Q(status="closed") & Q(ended_on=None)),
                name="offenders_case_closed_has_end",
            ),
        ]
        indexes = [
            models.Index(fields=["scheme"], condition=~Q(status="closed"), name="offenders_open_cases"),
            # Every list asks who is absent for its reader.
            models.Index(fields=["scheme", "offender"], condition=Q(restricted=True), name="offenders_restricted"),
        ]
        # guardian's per-object grant for restricted cases; never given to a model as a whole (security.md Z7).
        permissions = [("open_restricted_case", "Can open this restricted case")]

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return f"P{self.offender_id}"

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("case", args=[self.reference])

    @property
    def rating(self) -> RagRating | None:
        """The rating in force. Lists prefetch it with `with_current`."""
        if "current_ratings" in self.__dict__:
            return self.current_ratings[0] if self.current_ratings else None
        return self.ratings.filter(until=None).first()

    def assigned(self, role: str) -> Assignment | None:
        """Who holds an assignment now. Lists prefetch them with `with_current`."""
        held = together.run(self.assignments_steps())
        return next((assignment for assignment in held if assignment.role == role), None)

    def assignments_steps(self) -> together.Steps[list[Assignment]]:
        """Every assignment that holds now; read once."""
        if "current_assignments" not in self.__dict__:
            rows = self.assignments.filter(until=None).select_related("agency", "membership__user")
            self.__dict__["current_assignments"] = yield rows
        return self.__dict__["current_assignments"]

    @property
    def custody(self) -> list[CustodyPeriod]:
        """Time in custody while on the scheme, newest first. Lists prefetch it with `with_custody`."""
        if "all_custody" not in self.__dict__:
            self.__dict__["all_custody"] = list(self.custody_periods.order_by("-starts_on", "-pk"))
        return self.__dict__["all_custody"]

    @property
    def supervision_ends_on(self) -> date | None:
        """The last end of an order or licence that is recorded. Lists prefetch them with `with_custody`."""
        if "all_supervisions" not in self.__dict__:
            self.__dict__["all_supervisions"] = list(self.supervisions.all())
        return max((each.ends_on for each in self.__dict__["all_supervisions"]), default=None)

    @property
    def inside(self) -> CustodyPeriod | None:
        """The custody period that has not ended."""
        return next((period for period in self.custody if period.released_on is None), None)


class CaseGrant(UserObjectPermissionBase):
    """A person named on a restricted case: by whom, why, and until when (security.md Z4, Z7)."""

    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="+", editable=False)
    content_object = models.ForeignKey(Case, on_delete=models.CASCADE)
    granted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    granted_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        unique_together = [["user", "permission", "content_object"]]
        constraints = [
            SameScheme(field="content_object", name="%(app_label)s_%(class)s_case_same_scheme"),
        ]

    def __str__(self) -> str:
        return f"grant {self.pk}"

    def save(self, *args, **kwargs) -> None:
        # guardian's shortcuts know nothing of schemes: a grant is of its case's scheme.
        self.scheme_id = self.content_object.scheme_id
        super().save(*args, **kwargs)

    @property
    def last_day(self) -> date | None:
        """The last day in London on which it opens the case."""
        return (self.expires_at - timedelta(seconds=1)).astimezone(LONDON).date() if self.expires_at else None


class Restriction(SchemeModel):
    """A case kept to those named on it, from an instant until another: by whom and why (security.md Z4)."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="restrictions")
    owner = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", help_text="Who answers for it")
    reason = models.CharField(max_length=300)
    restricted_at = models.DateTimeField()
    restricted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    lifted_because = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-restricted_at"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "owner"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(lifted_at=None), name="offenders_restricted_once_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"restriction {self.pk}"


class BreakGlass(SchemeModel):
    """A restricted case opened in an emergency by somebody not named on it, for an hour (security.md Z5)."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="openings")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=600)
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        verbose_name_plural = "break glass"
        constraints = [
            per_scheme(),
            *same_scheme("case", "membership"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("opened_at")), name="offenders_opening_ends_after_start"),
        ]
        indexes = [models.Index(fields=["membership", "ends_at"], name="offenders_opened_until")]

    def __str__(self) -> str:
        return f"opening {self.pk}"


class Colour(models.TextChoices):
    RED = "RED", "Red"
    AMBER = "AMBER", "Amber"
    GREEN = "GREEN", "Green"
    BLUE = "BLUE", "In custody"


class RagRating(SchemeModel):
    """A colour from a day until (not including) another. Ratings of one case follow on without overlap or gap.

    The database holds that by itself: each row but the first refers to the end of the one before, which may end once.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="ratings")
    colour = models.CharField(max_length=5, choices=Colour.choices)
    starts_on = models.DateField()
    until = models.DateField(null=True)
    follows_from = models.DateField(null=True, editable=False)
    reason = models.CharField(max_length=600)
    evidence = models.CharField(max_length=1000, blank=True, help_text="What the rating goes by")
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    to_ratify = models.BooleanField(default=False, help_text="Given between two panels: holds, and is to be ratified")
    ratified_at = models.ForeignKey(
        Meeting, null=True, on_delete=models.PROTECT, related_name="+", help_text="The panel that ratified it"
    )
    colour_before = models.CharField(max_length=5, choices=Colour.choices, blank=True, help_text="What Blue remembers")
    agreed_on = models.DateField(null=True, editable=False, help_text="When the panel agreed how long Green is watched")
    agreed_until = models.DateField(null=True, editable=False, help_text="Until when Green is watched, as agreed")

    class Meta:
        ordering = ["-starts_on"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "meeting", "ratified_at"),
            models.CheckConstraint(
                condition=Q(to_ratify=False, ratified_at=None) | Q(to_ratify=True, meeting=None),
                name="offenders_rating_ratified_once_given",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=F("starts_on")),
                name="offenders_rating_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(agreed_on=None, agreed_until=None) | Q(agreed_until__gt=F("agreed_on")),
                name="offenders_rating_agreed_ahead",
            ),
            models.CheckConstraint(
                condition=Q(follows_from=None) | Q(follows_from=F("starts_on")),
                name="offenders_rating_follows_on",
            ),
            models.UniqueConstraint(
                fields=["case", "until"],
                name="offenders_rating_ends_once",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(fields=["case"], condition=Q(follows_from=None), name="offenders_rating_one_first"),
            models.UniqueConstraint(fields=["case", "starts_on"], name="offenders_rating_starts_once"),
            CompositeKey(
                fields=["case", "follows_from"],
                target_fields=["case", "until"],
                name="offenders_rating_follows_an_end",
            ),
        ]
        indexes = [
            # Lists sort and count by the rating in force alone: read from the index, without the row.
            models.Index(
                fields=["scheme", "case"],
                include=["colour", "starts_on"],
                condition=Q(until=None),
                name="offenders_rated_now",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_colour_display()} from {self.starts_on}"

    @property
    def waits(self) -> bool:
        """Whether it was given between two panels, and no panel has ratified it yet."""
        return self.to_ratify and self.ratified_at_id is None


class AssignmentRole(models.TextChoices):
    LEAD_AGENCY = "lead_agency", "Lead agency"
    LEAD_PROFESSIONAL = "lead_professional", "Lead professional"
    POLICE_OFFICER = "police_officer", "Police officer"


class Assignment(SchemeModel):
    """Who leads a case, from a day until (not including) another. One at a time for each role."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="assignments")
    role = models.CharField(max_length=20, choices=AssignmentRole.choices)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="assignments")
    person_name = models.CharField(max_length=120, blank=True, help_text="Someone who has no account here, by name")
    reason = models.CharField(max_length=300, blank=True)
    starts_on = models.DateField()
    until = models.DateField(null=True)
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("case", "agency", "membership", "meeting"),
            ExclusionConstraint(
                name="offenders_one_assignment_a_role",
                expressions=[
                    ("case", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (
                        Func("starts_on", "until", function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        # Who leads now, whose cases these are: asked by scheme, and answered from the index alone.
        indexes = [
            models.Index(
                fields=["scheme", "role", "membership", "case"], condition=Q(until=None), name="offenders_leading_now"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.holder}"

    @property
    def holder(self) -> str:
        """The person, or the agency where only the agency is named."""
        if self.membership is not None:
            return self.membership.user.name
        return self.person_name or self.agency.name


class CustodyPeriod(SchemeModel):
    """Time in prison, on remand or under sentence, with the release that is expected."""

    class Kind(models.TextChoices):
        REMAND = "remand", "On remand"
        SENTENCE = "sentence", "Under sentence"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="custody_periods")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    prison = models.CharField(max_length=120)
    starts_on = models.DateField()
    recalled = models.BooleanField(default=False, help_text="Back in prison under the same sentence")
    sentence = models.CharField(max_length=80, blank=True, help_text="How long it is, as the court or prison says it")
    offence = models.CharField(max_length=120, blank=True)
    release_expected_on = models.DateField(null=True, blank=True)
    release_source = models.CharField(max_length=80, blank=True, help_text="Who says when they are expected out")
    release_checked_at = models.DateTimeField(null=True, blank=True)
    released_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("case"),
            models.UniqueConstraint(fields=["case"], condition=Q(released_on=None), name="offenders_in_one_prison"),
        ]

    def __str__(self) -> str:
        return f"{self.status_words}, {self.prison}"

    @property
    def status_words(self) -> str:
        """On remand, under sentence, or back on recall."""
        return "Recalled, under sentence" if self.recalled else self.get_kind_display()


class Supervision(SchemeModel):
    """An order or licence under which somebody is supervised, and the day on which it ends (design.md 3)."""

    class Kind(models.TextChoices):
        LICENCE = "licence", "Licence"
        ORDER = "order", "Community order"
        SUSPENDED = "suspended", "Suspended sentence order"
        YOUTH = "youth", "Youth rehabilitation order"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="supervisions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    ends_on = models.DateField()

    class Meta:
        ordering = ["ends_on", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case"),
            models.UniqueConstraint(fields=["case", "kind"], name="offenders_supervision_once_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} until {self.ends_on}"


class Search(SchemeModel):
    """Words that somebody looked for, kept so that they do not stand in an address (security.md H4)."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    words = models.CharField(max_length=120)

    class Meta:
        constraints = [per_scheme()]
        verbose_name_plural = "searches"

    def __str__(self) -> str:
        return f"search {self.pk}"


def holds_a_role(actor: Actor, case: Case) -> bool:
    """Whether the actor holds a role on a case now: of the roles that were read with it, if the actor found it."""
    if actor.membership is None:
        return False
    if found_by(actor, case):
        return any(held.membership_id == actor.membership.pk for held in case.current_assignments)
    return Assignment.objects.filter(case=case.pk, membership=actor.membership, until=None).exists()


def may_open(actor: Actor, case: Case) -> bool:
    """Whether a case is among those that `visible_to` gives this actor: the same question, asked of one."""
    if found_by(actor, case):
        return True
    return Case.objects.visible_to(actor).filter(pk=case.pk).exists()
