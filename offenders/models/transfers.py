"""People who move between areas, or live in one and offend in another: what two schemes tell each other of them."""

from __future__ import annotations

import uuid

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from iom.models import Scheme, SchemeModel, User, per_scheme, same_scheme
from offenders.models.cases import Case
from offenders.models.people import Offender
from offenders.querysets import TransferQuerySet


class TransferKind(models.TextChoices):
    """Why another scheme is concerned, as seen from here."""

    MOVED_HERE = "moved_here", "Moved here from their area"
    MOVED_AWAY = "moved_away", "Moves to their area"
    OFFENDS_THERE = "offends_there", "Lives here and offends in their area"
    OFFENDS_HERE = "offends_here", "Lives in their area and offends here"


# The same as the other scheme sees it.
SEEN_FROM_THERE = {
    TransferKind.MOVED_HERE: TransferKind.MOVED_AWAY,
    TransferKind.MOVED_AWAY: TransferKind.MOVED_HERE,
    TransferKind.OFFENDS_THERE: TransferKind.OFFENDS_HERE,
    TransferKind.OFFENDS_HERE: TransferKind.OFFENDS_THERE,
}
LIAISON = frozenset({TransferKind.OFFENDS_THERE, TransferKind.OFFENDS_HERE})


class TransferStatus(models.TextChoices):
    WAITING = "waiting", "Waiting for an answer"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    ENDED = "ended", "Ended"


class Transfer(SchemeModel):
    """One person between this scheme and another, `IOM-T-0003`; `offenders.transfers` writes its status.

    The other scheme is one of this installation, which holds a row of its own under the same `pair`, or a name and a
    contact that somebody typed. Neither row leads to the other: they meet in the outbox.
    """

    reference = models.CharField(max_length=20, editable=False)
    pair = models.UUIDField(default=uuid.uuid4, editable=False)
    incoming = models.BooleanField(help_text="They turned to us")
    kind = models.CharField(max_length=15, choices=TransferKind.choices)
    status = models.CharField(
        max_length=10, choices=TransferStatus.choices, default=TransferStatus.WAITING, editable=False
    )
    # Whom the other scheme means is known by what it shared, until somebody here is taken to be that person.
    offender = models.ForeignKey(Offender, null=True, on_delete=models.PROTECT, related_name="transfers")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="transfers")
    other_scheme = models.ForeignKey(Scheme, null=True, on_delete=models.PROTECT, related_name="+")
    other_name = models.CharField(max_length=120)
    contact = models.CharField(max_length=200, blank=True, help_text="Who there, with telephone or e-mail")
    purpose = models.TextField()
    notes = models.TextField(blank=True)
    opened_on = models.DateField()
    opened_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    answered_on = models.DateField(null=True)
    answered_by = models.CharField(max_length=160, blank=True)
    declined_because = models.TextField(blank=True)
    ended_on = models.DateField(null=True)

    objects = TransferQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("offender", "case"),
            models.UniqueConstraint(fields=["scheme", "reference"], name="offenders_transfer_reference_once"),
            models.UniqueConstraint(fields=["scheme", "pair"], name="offenders_transfer_pair_once"),
            models.CheckConstraint(
                condition=Q(other_scheme=None) | ~Q(other_scheme=F("scheme")), name="offenders_transfer_to_another"
            ),
            models.CheckConstraint(
                condition=~Q(status="declined") | ~Q(declined_because=""), name="offenders_transfer_declined_why"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def audit_subject(self) -> str:
        """How the audit names the person, once somebody here is known to be meant (security.md U3)."""
        return f"P{self.offender_id}" if self.offender_id else ""

    def get_absolute_url(self) -> str:
        return reverse("transfer", args=[self.reference])

    @property
    def is_liaison(self) -> bool:
        return self.kind in LIAISON

    @property
    def is_open(self) -> bool:
        return self.status == TransferStatus.WAITING or (self.status == TransferStatus.ACCEPTED and self.is_liaison)

    @property
    def name(self) -> str:
        """Whom it is about: as held here, or as the other scheme called them."""
        if self.offender is not None:
            return self.offender.name
        held = {fact["key"]: fact["value"] for share in self.shares.all() for fact in share.facts}
        names = (held.get("family_name", "").upper(), held.get("given_names", ""))
        return " ".join(name for name in names if name) or "Somebody whose name was not shared"


class TransferShare(SchemeModel):
    """What one scheme told the other at one time: which facts, to whom, by whom, and what for. Never changed."""

    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="shares")
    pair = models.UUIDField(default=uuid.uuid4, editable=False)
    outgoing = models.BooleanField(help_text="We told them")
    facts = models.JSONField(default=list, help_text="Each with key, label, words as shown, and value")
    with_whom = models.CharField(max_length=200)
    purpose = models.TextField()
    shared_at = models.DateTimeField()
    shared_by = models.CharField(max_length=160)

    class Meta:
        ordering = ["pk"]
        constraints = [
            per_scheme(),
            *same_scheme("transfer"),
            models.UniqueConstraint(fields=["scheme", "pair"], name="offenders_transfershare_pair_once"),
        ]
        triggers = [pgtrigger.Protect(name="share_is_not_edited", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"share {self.pk}"
