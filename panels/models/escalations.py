"""What a panel asks of its board: the issue, what it hangs on, the items that carry it, and what the board said."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pgtrigger
from django.db import models
from django.db.models import Q
from django.urls import reverse

from actionplans.models import Action
from iom.clock import today
from iom.models import Agency, Body, Meeting, Membership, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case
from panels.querysets import EscalationQuerySet, OfMeetingsQuerySet

from .agenda import AgendaItem
from .decisions import Decision

if TYPE_CHECKING:
    from iom.access import Actor


class EscalationStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    WITH_BOARD = "with_board", "With the board"
    MORE_NEEDED = "more_needed", "More asked for"
    ANSWERED = "answered", "Answered"
    FED_BACK = "fed_back", "Fed back"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Escalation(SchemeModel):
    """An issue that a panel cannot resolve, on its way to the board and back (Merton, Roles).

    Its words name nobody: the board reads them. The case that it came from is shown to who may read that case.
    """

    class Kind(models.TextChoices):
        SERVICE = "service", "A gap in services"
        RESOURCE = "resource", "A gap in resources"
        AGENCY = "agency", "An agency's part in the scheme"
        POLICY = "policy", "A policy that stands in the way"
        GOOD_PRACTICE = "good_practice", "Good practice to share"
        OTHER = "other", "Something else"

    reference = models.CharField(max_length=20, editable=False)
    status = models.CharField(
        max_length=12, choices=EscalationStatus.choices, default=EscalationStatus.DRAFT, editable=False
    )
    kind = models.CharField(max_length=15, choices=Kind.choices)
    title = models.CharField(max_length=100)
    stuck = models.TextField(help_text="What is stuck")
    tried = models.TextField(blank=True, help_text="What was tried")
    ask = models.TextField(blank=True, help_text="What is asked of the board")
    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    service = models.CharField(max_length=120, blank=True, help_text="Which service it is about")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="escalations")
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="escalations")
    from_body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+", help_text="Whom the answer is for")
    to_body = models.ForeignKey(
        Body, null=True, on_delete=models.PROTECT, related_name="+", help_text="Empty where the board is outside"
    )
    to_name = models.CharField(max_length=120)
    raised_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    raised_on = models.DateField()
    sent_on = models.DateField(null=True)
    due_on = models.DateField(null=True, help_text="When an answer is looked for")
    answered_on = models.DateField(null=True)
    fed_back_on = models.DateField(null=True)
    fed_back_at = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_because = models.CharField(max_length=300, blank=True)

    objects = EscalationQuerySet.as_manager()

    class Meta:
        ordering = ["sent_on", "pk"]
        constraints = [
            per_scheme(),
            *same_scheme("agency", "case", "meeting", "from_body", "to_body", "raised_by", "fed_back_at"),
            models.UniqueConstraint(fields=["scheme", "reference"], name="panels_escalation_reference_once"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "withdrawn"]) | Q(sent_on__isnull=False),
                name="panels_escalation_sent_has_day",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["answered", "fed_back"], answered_on__isnull=False)
                | (~Q(status__in=["answered", "fed_back"]) & Q(answered_on=None)),
                name="panels_escalation_answered_has_day",
            ),
            models.CheckConstraint(
                condition=Q(status="fed_back", fed_back_on__isnull=False)
                | (~Q(status="fed_back") & Q(fed_back_on=None)),
                name="panels_escalation_fed_back_has_day",
            ),
            models.CheckConstraint(
                condition=~Q(status="withdrawn") | ~Q(withdrawn_because=""), name="panels_escalation_withdrawn_says_why"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("escalation", args=[self.reference])

    @property
    def is_outside(self) -> bool:
        """Whether the board sits outside this installation, so that its answer is typed in."""
        return self.to_body_id is None

    def days_open(self, on: date | None = None) -> int:
        """For how many days the board has had it on the day `on` (today), or had it until it answered."""
        if self.sent_on is None:
            return 0
        return max(((self.answered_on or on or today()) - self.sent_on).days, 0)

    def overdue(self, on: date | None = None) -> bool:
        """Whether an answer was looked for before the day `on` (today) and has not come."""
        waits = self.status == EscalationStatus.WITH_BOARD and self.due_on is not None
        return waits and self.due_on < (on or today())

    def case_for(self, actor: Actor) -> Case | None:
        """The case that it came from, for who may read that case."""
        if self.case_id is None:
            return None
        return Case.objects.visible_to(actor).filter(pk=self.case_id).first()


class EscalationAction(SchemeModel):
    """An action that is stuck with the issue: the answer is shown with it too."""

    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="links")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="escalation_links")

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("escalation", "action"),
            models.UniqueConstraint(fields=["escalation", "action"], name="panels_escalation_action_once"),
        ]

    def __str__(self) -> str:
        return f"action {self.action_id} of {self.escalation_id}"


class EscalationItem(SchemeModel):
    """The item of an agenda that carries an escalation: to the board, or its answer back to the panel."""

    class Kind(models.TextChoices):
        ASKS = "asks", "Asks the board"
        ANSWER = "answer", "Brings the answer back"

    item = models.OneToOneField(AgendaItem, on_delete=models.CASCADE, related_name="escalation_link")
    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="items")
    kind = models.CharField(max_length=10, choices=Kind.choices)

    class Meta:
        ordering = ["pk"]
        constraints = [per_scheme(), *same_scheme("item", "escalation")]

    def __str__(self) -> str:
        return f"{self.kind} {self.escalation_id}"


class BoardAnswer(SchemeModel):
    """What a board said of an escalation at one of its meetings, or as it was told from outside. Never changed.

    One that rests on a decision counts for as long as no other corrects that decision.
    """

    class Outcome(models.TextChoices):
        ANSWERED = "answered", "Answered"
        MORE_NEEDED = "more_needed", "More asked for"
        DEFERRED = "deferred", "Put off"

    escalation = models.ForeignKey(Escalation, on_delete=models.PROTECT, related_name="answers")
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    words = models.TextField(blank=True)
    said_on = models.DateField()
    said_by = models.CharField(max_length=120, help_text="The board, or who told us of its answer")
    decision = models.OneToOneField(Decision, null=True, on_delete=models.PROTECT, related_name="board_answer")
    written_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("escalation", "decision"),
            models.CheckConstraint(
                condition=Q(outcome="deferred") | ~Q(words=""), name="panels_board_answer_says_something"
            ),
        ]
        triggers = [pgtrigger.Protect(name="board_answer_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class BoardPaper(SchemeModel):
    """The report of a panel's progress to one meeting of its board (Merton, Reporting).

    The figures are counted anew until the board's agenda goes out; then they stay as the board was sent them.
    """

    meeting = models.OneToOneField(Meeting, on_delete=models.CASCADE, related_name="board_paper")
    words = models.TextField(blank=True, help_text="What the post that reports says of the time since the last meeting")
    written_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    figures = models.JSONField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)

    objects = OfMeetingsQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("meeting"),
            models.CheckConstraint(
                condition=Q(sent_at=None, figures=None) | Q(sent_at__isnull=False, figures__isnull=False),
                name="panels_board_paper_sent_has_figures",
            ),
        ]

    def __str__(self) -> str:
        return f"board paper {self.pk}"
