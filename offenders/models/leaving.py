"""Leaving the cohort: what has to stand before somebody goes, who was told, and how it ended (ux.md 4.5)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from iom.models import Agency, Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models.cases import Case


class SafetyView(models.TextChoices):
    """What the view on victims and safeguarding came to."""

    NOTHING = "nothing", "Nothing stands against leaving"
    DEALT_WITH = "dealt_with", "There is a concern, and it is dealt with elsewhere"
    CONCERN = "concern", "There is a concern that the panel has to weigh"


class Leaving(SchemeModel):
    """What is prepared, proposed and decided about somebody's leaving: one for each case, from the first thing said.

    The exit strategy is who stays involved, whom to ring, and the way back in (Merton, Roles). Called off, what was
    prepared stays; what was proposed and decided does not.
    """

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="leaving")
    who_stays = models.CharField(max_length=600, blank=True, help_text="Who stays involved, and with what")
    contact = models.CharField(max_length=200, blank=True, help_text="Whom the person rings")
    way_back = models.CharField(max_length=600, blank=True, help_text="How the person comes back in")
    strategy_on = models.DateField(null=True)
    strategy_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    safety = models.CharField(max_length=10, choices=SafetyView.choices, blank=True)
    safety_words = models.CharField(max_length=600, blank=True, help_text="What was considered, without names")
    safety_on = models.DateField(null=True)
    safety_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    proposal = models.CharField(max_length=600, blank=True, help_text="Why leaving is proposed to the panel")
    proposed_on = models.DateField(null=True)
    proposed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    without_because = models.CharField(
        max_length=300, blank=True, help_text="Why it goes on without something that the scheme asks for"
    )
    without_what = models.CharField(max_length=400, blank=True, help_text="What was missing then")
    without_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_on = models.DateField(null=True)
    decided_at = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    decided_because = models.CharField(max_length=600, blank=True)
    called_off_on = models.DateField(null=True)
    called_off_because = models.CharField(max_length=600, blank=True)
    story = models.CharField(max_length=1000, blank=True, help_text="A success case in words that name nobody")
    offer_again_on = models.DateField(null=True, help_text="The day on which it is to be offered again")

    class Meta:
        verbose_name_plural = "leavings"
        constraints = [
            per_scheme(),
            *same_scheme("case", "decided_at"),
            models.CheckConstraint(
                condition=Q(strategy_on=None) | ~Q(who_stays="") & ~Q(contact="") & ~Q(way_back=""),
                name="offenders_exit_strategy_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(safety="", safety_on=None) | ~Q(safety="") & Q(safety_on__isnull=False),
                name="offenders_exit_safety_has_its_day",
            ),
        ]

    def __str__(self) -> str:
        return f"leaving of {self.case.reference}"

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return self.case.audit_subject


class ToldOfLeaving(SchemeModel):
    """An agency that was told that somebody leaves, or left: when and by whom."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="told_of_leaving")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    told_on = models.DateField()
    told_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    how = models.CharField(max_length=120, help_text="Through this service, or how else")

    class Meta:
        verbose_name_plural = "told of leaving"
        ordering = ["told_on", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "agency"),
            models.UniqueConstraint(fields=["case", "agency"], name="offenders_told_of_leaving_once"),
        ]

    def __str__(self) -> str:
        return f"told {self.pk}"
