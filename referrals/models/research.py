"""What the police look up about a person before a panel, system by system (London, Intelligence; Merton, step 2)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from iom.models import Agency, Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Offender
from referrals.models.checks import Handling
from referrals.querysets import ResearchCheckQuerySet


class Result(models.TextChoices):
    """What a look into a system came to."""

    NOTHING = "nothing", "Nothing found"
    FOUND = "found", "Found: see below"
    COULD_NOT = "could_not", "Could not check"


class ResearchCheck(SchemeModel):
    """One system looked up about one person for one meeting."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="research_checks")
    offender = models.ForeignKey(Offender, on_delete=models.PROTECT, related_name="research_checks")
    system = models.CharField(max_length=40, help_text="As the scheme's rules call it: PNC, CRIS …")
    result = models.CharField(max_length=10, choices=Result.choices)
    checked_on = models.DateField(help_text="When somebody looked; not when it was written down here")
    finding = models.CharField(max_length=400, blank=True)
    handling = models.CharField(max_length=20, choices=Handling.choices, blank=True)
    readers = ArrayField(
        models.CharField(max_length=60), default=list, help_text="Slugs of the agencies that may read it, if chosen"
    )
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Of whoever looked")
    checked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = ResearchCheckQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "offender", "agency"),
            models.UniqueConstraint(fields=["meeting", "offender", "system"], name="referrals_system_checked_once"),
            models.CheckConstraint(
                condition=~Q(finding="") | Q(handling=""), name="referrals_nothing_written_needs_no_reader"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system}: {self.get_result_display()}"


class CheckContact(SchemeModel):
    """Somebody chosen to hear of an agency's checks. Without any, whoever answers for the agency hears of them."""

    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="check_contacts")
    membership = models.ForeignKey("iom.Membership", on_delete=models.CASCADE, related_name="check_contacts")

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("agency", "membership"),
            models.UniqueConstraint(fields=["agency", "membership"], name="referrals_contact_once"),
        ]

    def __str__(self) -> str:
        return f"contact {self.pk}"
