"""What happens at a meeting: agenda, circulation, attendance, decisions, minutes, notices."""

from __future__ import annotations

import pgtrigger
from auditlog.registry import auditlog
from django.db import models
from django.db.models import Q

from actionplans.models import Action, ActionStatus
from iom.models import (
    Agency,
    Body,
    Document,
    Meeting,
    Membership,
    PolicyVersion,
    SchemeModel,
    User,
    per_scheme,
    same_scheme,
)
from offenders.models import AssignmentRole, Case, Colour
from referrals.models import Referral

from .querysets import AgendaItemQuerySet, OfMeetingsQuerySet, OutsideDecisionQuerySet


class Section(models.TextChoices):
    """Parts of an agenda, in their order (ux.md 4.7)."""

    APOLOGIES = "apologies", "Apologies and who is here"
    LAST_ACTIONS = "last_actions", "Actions from the last meeting"
    OUTSIDE = "outside", "Decisions made outside the meeting"
    REFERRALS = "referrals", "New referrals"
    RELEASES = "releases", "Releases and re-rating"
    REVIEWS = "reviews", "Reviews"
    EXITS = "exits", "Exits"
    ESCALATIONS = "escalations", "Escalations"
    AOB = "aob", "Any other business"


class ItemState(models.TextChoices):
    OPEN = "open", "Not reached"
    DECIDED = "decided", "Decided"
    CARRIED = "carried", "Carried forward"
    PARKED = "parked", "Parked"


class AgendaItem(SchemeModel):
    """One item of a meeting. Its number is given when the agenda goes out; later items are 6a, 6b."""

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="items")
    section = models.CharField(max_length=15, choices=Section.choices)
    position = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=8, blank=True, editable=False)
    title = models.CharField(max_length=120, blank=True)
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="agenda_items")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="agenda_items")
    outside = models.ForeignKey(
        "panels.OutsideDecision",
        null=True,
        on_delete=models.PROTECT,
        related_name="items",
        help_text="The decision that this item asks the panel to ratify",
    )
    why = models.CharField(max_length=200, blank=True, help_text="Why the case is on the agenda")
    minutes = models.PositiveSmallIntegerField(default=8)
    late = models.BooleanField(default=False)
    late_agreed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.OPEN, editable=False)
    note = models.TextField(blank=True, help_text="For the minutes")
    draft = models.JSONField(default=dict, help_text="What the recorder typed and has not saved as a decision")

    objects = AgendaItemQuerySet.as_manager()

    class Meta:
        ordering = ["meeting", "position", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "referral", "case", "outside"),
            models.UniqueConstraint(
                fields=["meeting", "number"], condition=~Q(number=""), name="panels_item_number_once"
            ),
            models.UniqueConstraint(
                fields=["meeting", "referral", "section"],
                condition=Q(referral__isnull=False),
                name="panels_referral_once_a_section",
            ),
            models.UniqueConstraint(
                fields=["meeting", "case", "section"],
                condition=Q(case__isnull=False),
                name="panels_case_once_a_section",
            ),
            models.CheckConstraint(condition=Q(referral=None) | Q(case=None), name="panels_item_is_of_one_thing"),
            models.CheckConstraint(
                condition=Q(section="outside", outside__isnull=False, referral__isnull=False)
                | (~Q(section="outside") & Q(outside=None)),
                name="panels_ratifies_what_was_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.number or self.pk}"


class MovedMeeting(SchemeModel):
    """Where a meeting was before it was moved: its old address leads to the new one (design.md 6)."""

    body = models.ForeignKey(Body, on_delete=models.CASCADE, related_name="+")
    old_date = models.DateField()
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="moves")

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("body", "meeting"),
            models.UniqueConstraint(fields=["body", "old_date"], name="panels_moved_once_from_a_day"),
        ]

    def __str__(self) -> str:
        return f"moved from {self.old_date}"


class Circulation(SchemeModel):
    """One person's copy of an agenda: sent, read, and whether they come. Only a POST marks it read."""

    class Answer(models.TextChoices):
        YES = "yes", "Yes"
        SUBSTITUTE = "substitute", "Sending a substitute"
        NO = "no", "No"

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="circulation")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="circulation")
    sent_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=12, choices=Answer.choices, blank=True)
    substitute_name = models.CharField(max_length=120, blank=True)

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
    substitute_name = models.CharField(max_length=120, blank=True)
    delegated_authority = models.BooleanField(default=False)
    agreed_at = models.DateField(null=True, help_text="The meeting that agreed to invite this guest")

    objects = OfMeetingsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "agency", "membership"),
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
        return self.how in (self.How.PRESENT, self.How.REMOTE, self.How.SUBSTITUTE)


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


class How(models.TextChoices):
    AGREED = "agreed", "Agreed without a vote"
    CHAIR = "chair", "Stated by the chair"


class Decision(SchemeModel):
    """What was decided on an item, why and how. Made by one verb that also changes the case; corrected by a new one."""

    item = models.ForeignKey(AgendaItem, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=15, choices=Outcome.choices)
    colour = models.CharField(max_length=5, choices=Colour.choices, blank=True)
    reason = models.CharField(max_length=600, blank=True)
    reason_for_referrer = models.CharField(max_length=600, blank=True)
    how = models.CharField(max_length=10, choices=How.choices, default=How.AGREED)
    dissent = models.CharField(max_length=600, blank=True)
    score_agreed = models.BooleanField(null=True)
    agencies_here = models.PositiveSmallIntegerField()
    agencies_needed = models.PositiveSmallIntegerField(null=True)
    quorate = models.BooleanField(default=True)
    to_ratify = models.BooleanField(default=False)
    leads = models.JSONField(default=dict, help_text="Role to who was named, as they stand in the minutes")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="decisions")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    supersedes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="superseded_by")
    correction_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("item", "case", "policy_version", "supersedes"),
            models.CheckConstraint(
                condition=Q(quorate=True) | Q(to_ratify=True), name="panels_not_quorate_is_ratified"
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


class MinutesStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    WITH_CHAIR = "with_chair", "With chair"
    SIGNED = "signed", "Signed"


class Minutes(SchemeModel):
    """Minutes of a meeting, version by version. Once signed, nothing of the row changes but the PDF that joins it."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="minutes")
    number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=MinutesStatus.choices, default=MinutesStatus.DRAFT, editable=False)
    narrative = models.JSONField(default=dict, help_text="Item id to the words added to what was recorded")
    comments = models.TextField(blank=True, help_text="What the chair asks to be changed")
    item_comments = models.JSONField(default=dict, help_text="Item id to what the chair asks to be changed there")
    record = models.JSONField(null=True, help_text="The canonical record that was signed")
    record_sha256 = models.CharField(max_length=64, blank=True)
    signed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    signed_name = models.CharField(max_length=120, blank=True)
    signed_at = models.DateTimeField(null=True)
    document = models.OneToOneField(Document, null=True, on_delete=models.PROTECT, related_name="minutes")

    objects = OfMeetingsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "minutes"
        ordering = ["meeting", "number"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "document"),
            models.UniqueConstraint(fields=["meeting", "number"], name="panels_minutes_number_once"),
            models.CheckConstraint(
                condition=(
                    Q(status="signed", signed_at__isnull=False, signed_by__isnull=False, record__isnull=False)
                    & ~Q(record_sha256="")
                    & ~Q(signed_name="")
                )
                | (~Q(status="signed") & Q(signed_at=None, signed_by=None, record=None, document=None)),
                name="panels_signed_whole_or_not_at_all",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="signed_minutes_stay",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__status="signed"),
            ),
            pgtrigger.Trigger(
                name="signed_record_is_frozen",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(old__status="signed"),
                # The one change allowed: the PDF made from the record joins it, once.
                func="""
                    IF OLD.document_id IS NOT NULL
                       OR (to_jsonb(NEW) - 'document_id') IS DISTINCT FROM (to_jsonb(OLD) - 'document_id') THEN
                        RAISE EXCEPTION 'signed minutes do not change';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"minutes v{self.number} of {self.meeting_id}"


class Notice(SchemeModel):
    """What the referrer is told of a referral: that it was received, and what was decided (Richmond, 4.13).

    `number` counts the notices of a referral. A notice that could not reach anybody has failed, and says by what.
    """

    class Kind(models.TextChoices):
        RECEIPT = "receipt", "Acknowledgement"
        DECISION = "decision", "Decision"

    class Failure(models.TextChoices):
        EMAIL = "email", "The e-mail could not be sent"
        LEFT = "left", "The referrer has no account here any more"
        PDF = "pdf", "The PDF could not be made"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SENT = "sent", "Sent"
        OPENED = "opened", "Opened"
        FAILED = "failed", "Failed"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.DECISION)
    number = models.PositiveSmallIntegerField()
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="notices")
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="notices")
    decision = models.OneToOneField(Decision, null=True, on_delete=models.PROTECT, related_name="notice")
    outside = models.OneToOneField(OutsideDecision, null=True, on_delete=models.PROTECT, related_name="notice")
    recipient = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False)
    sent_at = models.DateTimeField(null=True)
    sent_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=10, choices=Failure.choices, blank=True, editable=False)
    failed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, editable=False, help_text="How often it was sent")
    document = models.OneToOneField(Document, null=True, on_delete=models.PROTECT, related_name="notice")

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("meeting", "referral", "decision", "outside", "recipient", "document"),
            models.UniqueConstraint(fields=["referral", "number"], name="panels_notice_number_once"),
            models.CheckConstraint(
                condition=Q(kind="receipt", decision=None, outside=None)
                | Q(kind="decision", decision__isnull=False, outside=None)
                | Q(kind="decision", decision=None, outside__isnull=False),
                name="panels_notice_tells_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(status="failed", failed_at__isnull=False) & ~Q(failure="")
                | (~Q(status="failed") & Q(failure="", failed_at=None)),
                name="panels_failed_notice_says_why",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(sent_at__isnull=False), name="panels_notice_sent_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"


LEAD_ROLES = tuple(AssignmentRole)

for _model in (AgendaItem, Circulation, Attendance, ItemAction, Minutes, Notice):
    auditlog.register(_model, exclude_fields=["record"])
