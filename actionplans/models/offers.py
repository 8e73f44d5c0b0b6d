"""What was offered to the person, and how they answered."""

from __future__ import annotations

from auditlog.registry import auditlog
from django.db import models
from django.db.models import Q

from actionplans.models.services import Service
from actionplans.querysets import OfCasesQuerySet
from iom.models import Agency, SchemeModel, User, per_scheme, same_scheme
from offenders.models import Case


class OfferAnswer(models.TextChoices):
    """Whether somebody can be helped is not theirs to answer: waiting is the service's time."""

    WAITING = "waiting", "Waiting"
    TAKEN_UP = "taken_up", "Taken up"
    COMPLETED = "completed", "Completed"
    REFUSED = "refused", "Refused"
    DID_NOT_ATTEND = "did_not_attend", "Did not attend"
    STOPPED = "stopped", "Stopped"


class Offer(SchemeModel):
    """Help offered on one pathway, by an agency, and the person's answer so far (Merton, step 2; London, Criminal
    Justice: the court hears what was offered and how somebody answered).

    `text` says what was offered, `service` which of the directory that was, if it was one; `words` how the person
    answered, on `answered_on`.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="offers")
    pathway = models.CharField(max_length=40)
    text = models.CharField(max_length=300)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="offers")
    service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="offers")
    offered_on = models.DateField()
    answer = models.CharField(max_length=15, choices=OfferAnswer.choices, default=OfferAnswer.WAITING, editable=False)
    answered_on = models.DateField(null=True)
    words = models.CharField(max_length=600, blank=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = OfCasesQuerySet.as_manager()

    class Meta:
        ordering = ["-offered_on", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("case", "agency", "service"),
            models.CheckConstraint(
                condition=Q(answer="waiting") | Q(answered_on__isnull=False), name="actionplans_offer_answer_has_day"
            ),
        ]

    def __str__(self) -> str:
        return f"offer {self.pk}"


auditlog.register(Offer)
