"""Papers: files that belong to a nomination, to a case, or to what an agency answers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from iom.models import SchemeModel, StoredFile, per_scheme, same_scheme
from offenders.models import Case, Offender
from referrals.models.checks import CheckRequest
from referrals.models.nominations import Referral
from referrals.querysets import PaperQuerySet


class Paper(SchemeModel):
    """A file with what it is and what it belongs to. Its number is never given again, also when it is removed."""

    class What(models.TextChoices):
        REPORT = "report", "Report or assessment"
        COURT = "court", "Court order or licence"
        POLICE = "police", "Police record"
        LETTER = "letter", "Letter or email"
        PICTURE = "picture", "Photograph or map"
        OTHER = "other", "Something else"

    offender = models.ForeignKey(Offender, on_delete=models.PROTECT, related_name="papers")
    referral = models.ForeignKey(Referral, null=True, on_delete=models.PROTECT, related_name="papers")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="papers")
    request = models.ForeignKey(CheckRequest, null=True, on_delete=models.PROTECT, related_name="papers")
    file = models.OneToOneField(StoredFile, on_delete=models.PROTECT, related_name="paper")
    what = models.CharField(max_length=10, choices=What.choices)
    number = models.PositiveSmallIntegerField()

    objects = PaperQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("offender", "referral", "case", "request", "file"),
            models.UniqueConstraint(fields=["referral", "number"], name="referrals_paper_of_referral_once"),
            models.UniqueConstraint(fields=["case", "number"], name="referrals_paper_of_case_once"),
            models.UniqueConstraint(fields=["request", "number"], name="referrals_paper_of_answer_once"),
            models.CheckConstraint(
                condition=Q(referral__isnull=False, case=None, request=None)
                | Q(referral=None, case__isnull=False, request=None)
                | Q(referral=None, case=None, request__isnull=False),
                name="referrals_paper_belongs_to_one_thing",
            ),
        ]

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return f"P{self.offender_id}"

    @property
    def thing(self) -> Referral | Case | CheckRequest:
        """What it belongs to."""
        return self.referral or self.case or self.request  # type: ignore[return-value] -- one of them, by constraint

    @property
    def reference(self) -> str:
        """The nomination or case that it is about, also where it came with an agency's answer."""
        about = self.referral or self.case or self.request.referral or self.request.case
        return about.reference if about is not None else ""

    @property
    def words(self) -> str:
        """What it is called beside others of the same page."""
        if self.case_id:
            return f"Document {self.number}"
        return f"Paper {self.number}" if self.referral_id else f"{self.file.agency.name}, paper {self.number}"

    @property
    def download_name(self) -> str:
        """The name under which it is downloaded: references only (security.md H4)."""
        of = {True: "document", False: "paper"}[self.case_id is not None]
        came_with = f"-{self.file.agency.slug}" if self.request_id else ""
        return f"{self.reference or 'check'}{came_with}-{of}-{self.number}.{self.file.kind}"

    def __str__(self) -> str:
        return f"paper {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("paper", args=[self.file.key])

    @property
    def page_url(self) -> str:
        """The page on which it stands with its like."""
        if self.referral_id:
            return reverse("nomination_papers", args=[self.referral.reference])
        if self.case_id:
            return reverse("case_documents", args=[self.case.reference])
        return reverse("research_papers", args=[self.request.meeting.key, self.request_id])
