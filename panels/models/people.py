"""Who has the agenda, who came for whom, and who signed the sharing agreement."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from iom.models import Agency, Meeting, Membership, SchemeModel, per_scheme, same_scheme
from panels.querysets import OfMeetingsQuerySet


class Circulation(SchemeModel):
    """One person's copy of an agenda: sent, opened, read, and whether they come. Only a POST marks it read."""

    class Answer(models.TextChoices):
        YES = "yes", "Yes"
        SUBSTITUTE = "substitute", "Sending a substitute"
        NO = "no", "No"

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="circulation")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="circulation")
    sent_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=12, choices=Answer.choices, blank=True)
    substitute_name = models.CharField(max_length=120, blank=True)
    chased_at = models.DateTimeField(null=True)
    chased = models.PositiveSmallIntegerField(default=0, help_text="How often the person was reminded")

    objects = OfMeetingsQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "membership"),
            models.UniqueConstraint(fields=["meeting", "membership"], name="panels_circulated_once"),
        ]

    def __str__(self) -> str:
        return f"copy {self.pk}"


class Attendance(SchemeModel):
    """Who came for whom. Quorum counts agencies with a seat holder or substitute here, in the room or remote."""

    class How(models.TextChoices):
        PRESENT = "present", "Here"
        REMOTE = "remote", "Remote"
        APOLOGIES = "apologies", "Apologies"
        SUBSTITUTE = "substitute", "Substitute"
        ABSENT = "absent", "Absent"

    class Standing(models.TextChoices):
        MEMBER = "member", "Member"
        GUEST = "guest", "Guest"
        OBSERVER = "observer", "Observer"

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="attendance")
    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="attendance")
    standing = models.CharField(max_length=10, choices=Standing.choices, default=Standing.MEMBER)
    name = models.CharField(max_length=120, help_text="As it stands in the minutes")
    post = models.CharField(max_length=120, blank=True)
    how = models.CharField(max_length=12, choices=How.choices)
    # Here when the meeting began; whoever comes later or goes earlier has a `Movement`.
    at_start = models.BooleanField(default=True)
    substitute_name = models.CharField(max_length=120, blank=True)
    substitute = models.ForeignKey(
        Membership,
        null=True,
        on_delete=models.PROTECT,
        related_name="substituted",
        help_text="The substitute's own account, if they have one",
    )
    delegated_authority = models.BooleanField(default=False)
    briefed = models.BooleanField(default=False, help_text="The substitute was briefed")
    agreed_at = models.DateField(null=True, help_text="The meeting that agreed to invite this guest")

    objects = OfMeetingsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "agency", "membership", "substitute"),
            models.UniqueConstraint(
                fields=["meeting", "membership"],
                condition=Q(membership__isnull=False),
                name="panels_attends_once",
            ),
        ]

    def __str__(self) -> str:
        return f"attendance {self.pk}"

    @property
    def here(self) -> bool:
        """Whether they came at all; at which items, says `panels.presence`."""
        return self.how in (self.How.PRESENT, self.How.REMOTE, self.How.SUBSTITUTE)

    @property
    def seated(self) -> bool:
        """Whether they count for the quorum and vote: on a seat, or for whoever holds it."""
        return self.standing == self.Standing.MEMBER

    @property
    def who(self) -> str:
        """The person who came: the substitute where one did."""
        return self.substitute_name if self.how == self.How.SUBSTITUTE else self.name

    @property
    def account(self) -> Membership | None:
        """The account of the person who came, if they have one."""
        return self.substitute if self.how == self.How.SUBSTITUTE else self.membership


class AgreementSignature(SchemeModel):
    """A person's signature under the information sharing agreement, for one meeting (Merton, information sharing) or,
    without a meeting, between meetings.
    """

    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="signatures")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="signatures")
    agreement_version = models.CharField(max_length=40)
    typed_name = models.CharField(max_length=120)
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "membership"),
            models.UniqueConstraint(
                fields=["meeting", "membership", "agreement_version"], name="panels_signed_once", nulls_distinct=False
            ),
        ]
        triggers = [pgtrigger.Protect(name="signature_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"signature {self.pk}"
