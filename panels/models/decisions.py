"""What was decided on an item or between meetings, and the actions that came of it."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from actionplans.models import Action, ActionStatus
from iom.models import Agency, Membership, PolicyVersion, SchemeModel, User, per_scheme, same_scheme
from offenders.models import AssignmentRole, Case, Colour
from panels.querysets import DecisionQuerySet, OutsideDecisionQuerySet
from referrals.models import Referral

from .agenda import AgendaItem


class Outcome(models.TextChoices):
    """What may be decided on an item; the policy and the item's section say which are offered."""

    ACCEPT = "accept", "Accept"
    NOT_ACCEPT = "not_accept", "Not accept"
    DEFER = "defer", "Defer"
    ELSEWHERE = "elsewhere", "Refer elsewhere"
    NO_CHANGE = "no_change", "No change"
    CHANGE_RATING = "change_rating", "Change rating"
    REMOVE = "remove", "Remove from the scheme"
    NOTED = "noted", "Noted"
    RATIFY = "ratify", "Ratify"
    NOT_RATIFY = "not_ratify", "Not ratify"
    RECOMMEND = "recommend", "Recommend"
    NOT_RECOMMEND = "not_recommend", "Not recommend"
    AGREED = "agreed", "Agreed"
    ANSWERED = "answered", "Answered"
    MORE_NEEDED = "more_needed", "More asked for"
    SUPPORT = "support", "Lend support"
    TO_IOM = "to_iom", "Recommend IOM"
    TO_MAPPA = "to_mappa", "Recommend MAPPA"
    NO_POLICE = "no_police", "Police management not needed"
    TRUE_RECORD = "true_record", "Agree as a true record"
    CORRECTIONS = "corrections", "Agree with corrections"


class How(models.TextChoices):
    """How an item was decided; the body's rule says which ways are open to it (`panels.voting`)."""

    AGREED = "agreed", "Agreed without a vote"
    MAJORITY = "majority", "By majority"
    CASTING = "casting", "By casting vote"
    CHAIR_FINAL = "chair_final", "The chair's final say"
    CONSENSUS = "consensus", "Stated by the chair, with dissent"


class Harm(models.TextChoices):
    """The risk-of-harm line that is asked for every case (Waltham Forest, 5.7)."""

    NONE = "none", "No new concern"
    CONCERN = "concern", "Concern"


class Side(models.TextChoices):
    """How an organisation voted on the motion."""

    FOR = "for", "For"
    AGAINST = "against", "Against"
    ABSTAIN = "abstain", "Abstain"


class Decision(SchemeModel):
    """What was decided on an item, why and how. Made by one verb that also changes the case; corrected by a new one.

    One made without a quorum waits for an item that `ratifies` it, at a quorate meeting, and changes nothing before.
    """

    item = models.ForeignKey(AgendaItem, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=15, choices=Outcome.choices)
    colour = models.CharField(max_length=5, choices=Colour.choices, blank=True)
    reason = models.CharField(max_length=600, blank=True)
    evidence = models.CharField(max_length=1000, blank=True, help_text="What a rating goes by")
    agreed_until = models.DateField(null=True, help_text="The agreed end of a Green rating")
    reason_for_referrer = models.CharField(max_length=600, blank=True)
    how = models.CharField(max_length=15, choices=How.choices, default=How.AGREED)
    motion = models.CharField(max_length=15, choices=Outcome.choices, blank=True, help_text="What was voted on")
    casting_vote = models.CharField(max_length=10, choices=Side.choices, blank=True)
    chaired_by = models.CharField(max_length=120, blank=True, help_text="Who chaired, as it stands in the minutes")
    vote_note = models.CharField(max_length=300, blank=True)
    dissent = models.CharField(max_length=600, blank=True)
    harm = models.CharField(max_length=10, choices=Harm.choices, blank=True)
    harm_words = models.CharField(max_length=600, blank=True)
    harm_agency = models.ForeignKey(
        Agency, null=True, on_delete=models.PROTECT, related_name="+", help_text="Who deals with the concern"
    )
    taken_on_by = models.ForeignKey(
        Agency, null=True, on_delete=models.PROTECT, related_name="+", help_text="Who refers, or sees to it"
    )
    score_agreed = models.BooleanField(null=True)
    plan_agreed = models.BooleanField(default=False, help_text="The panel agreed the action plan as it stands")
    agencies_here = models.PositiveSmallIntegerField()
    agencies_needed = models.PositiveSmallIntegerField(null=True)
    quorate = models.BooleanField(default=True)
    to_ratify = models.BooleanField(default=False)
    leads = models.JSONField(default=dict, help_text="Role to who was named, as they stand in the minutes")
    leads_to_give = models.JSONField(default=dict, help_text="Role to whom it goes once this is ratified")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="decisions")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    supersedes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="superseded_by")
    correction_reason = models.CharField(max_length=300, blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("item", "case", "policy_version", "supersedes", "harm_agency", "taken_on_by"),
            models.CheckConstraint(
                condition=Q(quorate=True) | Q(to_ratify=True), name="panels_not_quorate_is_ratified"
            ),
            models.CheckConstraint(
                condition=Q(how="casting", casting_vote__in=["for", "against"])
                | ~Q(how="casting") & Q(casting_vote=""),
                name="panels_casting_vote_decides",
            ),
            models.CheckConstraint(
                condition=~Q(harm="concern") | ~Q(harm_words="") & Q(harm_agency__isnull=False),
                name="panels_concern_is_dealt_with",
            ),
        ]
        triggers = [pgtrigger.Protect(name="decision_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"decision {self.pk}"


class OutsideDecision(SchemeModel):
    """What was decided on an urgent nomination between two meetings (Hampshire, Multi-Agency Meetings).

    It takes effect at once and is never changed; the next panel ratifies it or does not, by a decision on the item that
    brings it there. `decided_by` is who answers for it, `recorded_by` who wrote it down.
    """

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="outside_decisions")
    urgent_because = models.TextField(help_text="Why it could not wait for the panel")
    outcome = models.CharField(max_length=15, choices=Outcome.choices)
    colour = models.CharField(max_length=5, choices=Colour.choices, blank=True)
    reason = models.CharField(max_length=600)
    reason_for_referrer = models.CharField(max_length=600, blank=True)
    leads = models.JSONField(default=dict, help_text="Role to who was named, as it stands in the minutes")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="outside_decisions")
    decided_on = models.DateField()
    decided_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")

    objects = OutsideDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["decided_on", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("referral", "case", "decided_by", "policy_version"),
            models.CheckConstraint(
                condition=Q(outcome__in=["accept", "not_accept", "elsewhere"]), name="panels_outside_decides"
            ),
        ]
        triggers = [pgtrigger.Protect(name="outside_decision_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"outside decision {self.pk}"


class Consulted(SchemeModel):
    """One agency that was asked before a decision outside the meeting: who, how, when, and what they said."""

    class By(models.TextChoices):
        PHONE = "phone", "By telephone"
        ONLINE = "online", "Online meeting"
        EMAIL = "email", "By secure e-mail"
        IN_PERSON = "in_person", "In person"

    decision = models.ForeignKey(OutsideDecision, on_delete=models.PROTECT, related_name="consulted")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120, help_text="Who spoke for the agency")
    how = models.CharField(max_length=10, choices=By.choices)
    on = models.DateField()
    said = models.CharField(max_length=600)

    class Meta:
        ordering = ["on", "pk"]
        constraints = [per_scheme(), *same_scheme("decision", "agency")]
        triggers = [pgtrigger.Protect(name="consulted_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"consulted {self.pk}"


class ItemAction(SchemeModel):
    """An action in an item of the minutes: agreed there, or looked at there with the outcome that was reported.

    The outcome is kept as it was said at the meeting, since the action itself goes on changing.
    """

    class Kind(models.TextChoices):
        AGREED = "agreed", "Agreed"
        REVIEWED = "reviewed", "Reviewed"

    item = models.ForeignKey(AgendaItem, on_delete=models.CASCADE, related_name="item_actions")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="item_actions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=15, choices=ActionStatus.choices, blank=True)
    note = models.CharField(max_length=600, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("item", "action"),
            models.UniqueConstraint(fields=["item", "action"], name="panels_action_once_an_item"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.action_id}"


LEAD_ROLES = tuple(AssignmentRole)
