"""The safeguarding ledger: that checks were made, by whom, when and with what class of outcome; never what they hold.

Waltham Forest, 5.11: those who answer for a case must be assured that others made the checks. What an agency knows
stays with it: a row says whom to ask.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from iom.models import Agency, Meeting, SchemeModel, User, per_scheme, same_scheme
from offenders.models.cases import Case
from offenders.querysets import OfCaseQuerySet


class CheckKind(models.TextChoices):
    """What is checked. The policy says for how many months a check of a kind holds, and which kinds are needed."""

    MAPPA = "mappa", "MAPPA level"
    MARAC = "marac", "MARAC"
    MASH = "mash", "Child safeguarding (MASH, children at the address)"
    ADULT = "adult", "Adult safeguarding"
    DA_PERPETRATOR = "da_perpetrator", "Domestic abuse, as perpetrator"
    DA_VICTIM = "da_victim", "Domestic abuse, as victim"
    PUBLIC_PROTECTION = "public_protection", "Public protection"
    STAFF = "staff", "Staff safety"


class CheckOutcome(models.TextChoices):
    """The class of what came of a check. The three levels are MAPPA's alone."""

    NO_CONCERN = "no_concern", "No concern"
    MANAGED = "managed", "Known and managed"
    REFERRED = "referred", "Referral made"
    LEVEL_1 = "level_1", "Level 1"
    LEVEL_2 = "level_2", "Level 2"
    LEVEL_3 = "level_3", "Level 3"
    NOT_KNOWN = "not_known", "Not known"
    CANNOT_SAY = "cannot_say", "Cannot say"


class HowKnown(models.TextChoices):
    """How whoever wrote a check down knows of it."""

    OWN = "own", "Made by our own agency"
    MEETING = "meeting", "Said at a meeting"
    PHONE = "phone", "Told by telephone"
    EMAIL = "email", "Told by secure e-mail"
    NOMINATION = "nomination", "Said in the nomination"


class Check(SchemeModel):
    """One line of the ledger. Never changed: a later check follows it, and one entered by mistake is struck out."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="checks")
    kind = models.CharField(max_length=20, choices=CheckKind.choices)
    outcome = models.CharField(max_length=12, choices=CheckOutcome.choices)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Whose check it is")
    checked_by = models.CharField(max_length=120, help_text="Who made it")
    checked_on = models.DateField()
    expires_on = models.DateField(help_text="The day from which it is stale")
    ask = models.CharField(max_length=120, blank=True, help_text="Whom to ask about it")
    how = models.CharField(max_length=12, choices=HowKnown.choices, default=HowKnown.OWN)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    mistaken_on = models.DateField(null=True, editable=False)
    mistaken_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        ordering = ["-checked_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "agency"),
            models.CheckConstraint(condition=Q(expires_on__gt=F("checked_on")), name="offenders_check_holds_a_while"),
            models.CheckConstraint(
                condition=Q(kind="mappa") & ~Q(outcome__in=["managed", "referred"])
                | ~Q(kind="mappa") & ~Q(outcome__in=["level_1", "level_2", "level_3"]),
                name="offenders_check_levels_are_mappa",
            ),
        ]
        indexes = [models.Index(fields=["case", "kind"], name="offenders_checks_of_a_case")]

    def __str__(self) -> str:
        return f"check {self.pk}"


class CheckAsked(SchemeModel):
    """An agency asked for a check by a day. Open until that agency's check is recorded, or the question taken back."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="checks_asked")
    kind = models.CharField(max_length=20, choices=CheckKind.choices)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    asked_on = models.DateField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    answer = models.ForeignKey(Check, null=True, on_delete=models.PROTECT, related_name="answers")
    ended_on = models.DateField(null=True)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        verbose_name = "question for a safeguarding check"
        constraints = [
            per_scheme(),
            *same_scheme("case", "agency", "answer"),
            models.UniqueConstraint(
                fields=["case", "kind", "agency"], condition=Q(ended_on=None), name="offenders_check_asked_once"
            ),
            models.CheckConstraint(
                condition=Q(answer=None) | Q(ended_on__isnull=False), name="offenders_check_answered_is_ended"
            ),
        ]

    def __str__(self) -> str:
        return f"question {self.pk}"


class MashReferral(SchemeModel):
    """That a concern for a child was referred, to whom, and how it was answered (Merton, Reporting). No content."""

    class Answer(models.TextChoices):
        WAITING = "waiting", "No answer yet"
        MORE = "more", "More information asked for"
        TAKEN_ON = "taken_on", "Taken on"
        NO_FURTHER = "no_further", "No further action"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="mash_referrals")
    referred_on = models.DateField()
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Who referred")
    referred_by = models.CharField(max_length=120)
    to = models.CharField(max_length=200, help_text="Where it went, as the scheme's rules name it")
    reference_there = models.CharField(max_length=60, blank=True)
    answer = models.CharField(max_length=12, choices=Answer.choices, default=Answer.WAITING)
    answered_on = models.DateField(null=True, blank=True)
    meeting = models.ForeignKey(Meeting, null=True, on_delete=models.PROTECT, related_name="+")
    check_made = models.ForeignKey(Check, null=True, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        ordering = ["-referred_on", "-pk"]
        verbose_name = "referral of a concern for a child"
        constraints = [
            per_scheme(),
            *same_scheme("case", "agency", "meeting", "check_made"),
            models.CheckConstraint(
                condition=Q(answer="waiting", answered_on=None) | ~Q(answer="waiting") & Q(answered_on__isnull=False),
                name="offenders_mash_answer_has_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"referral {self.pk}"
