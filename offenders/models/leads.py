"""Handing a case over: what was chosen against or with the scheme's rule, from which day, with which words."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from iom.models import Agency, Membership, SchemeModel, User, per_scheme, same_scheme
from offenders.models.cases import Assignment, AssignmentRole, Case
from offenders.querysets import HandOverQuerySet


class HandOver(SchemeModel):
    """A change of who leads, decided between panels: done on its day, or waiting for it (Merton, step 8).

    The new holder begins on the day on which the old one ends. `assignment` is theirs once it has come to that.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="hand_overs")
    role = models.CharField(max_length=20, choices=AssignmentRole.choices)
    before = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, null=True, on_delete=models.PROTECT, related_name="+")
    person_name = models.CharField(max_length=120, blank=True, help_text="Someone who has no account here, by name")
    on = models.DateField(help_text="The day on which the new holder begins and the old one ends")
    reason = models.CharField(max_length=300, blank=True)
    rule_said = models.CharField(max_length=300, blank=True, help_text="What the scheme's rule proposed that day")
    notes = models.TextField(max_length=2000, blank=True, help_text="What is open and what comes next")
    moves_actions = models.BooleanField(default=False)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    assignment = models.ForeignKey(Assignment, null=True, on_delete=models.PROTECT, related_name="+")
    ended_because = models.CharField(max_length=200, blank=True, help_text="Why it did not come to that")

    objects = HandOverQuerySet.as_manager()

    class Meta:
        ordering = ["-on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "before", "agency", "membership", "assignment"),
            models.UniqueConstraint(
                fields=["case", "role"],
                condition=Q(assignment=None, ended_because=""),
                name="offenders_one_hand_over_waits",
            ),
        ]

    def __str__(self) -> str:
        return f"hand-over {self.pk}"

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return self.case.audit_subject

    @property
    def waits(self) -> bool:
        return self.assignment_id is None and not self.ended_because

    @property
    def holder(self) -> str:
        """The person, or the agency where only the agency is named."""
        if self.membership is not None:
            return self.membership.user.name
        return self.person_name or self.agency.name
