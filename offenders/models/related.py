"""Family, victims and contacts of a person: only what protecting them needs, sealed by default (design.md 4)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from iom.models import Agency, SchemeModel, User, per_scheme, same_scheme
from offenders.models.people import Offender
from offenders.querysets import RelatedPersonQuerySet


class Relation(models.TextChoices):
    """What somebody is to the person."""

    VICTIM = "victim", "Victim, no other tie"
    PARTNER = "partner", "Partner"
    FORMER_PARTNER = "former_partner", "Former partner"
    CHILD = "child", "Child"
    PARENT = "parent", "Parent"
    SIBLING = "sibling", "Brother or sister"
    OTHER_FAMILY = "other_family", "Other family"
    CONTACT = "contact", "Friend, associate or other contact"


class AtRisk(models.TextChoices):
    YES = "yes", "Yes"
    NO = "no", "No"
    NOT_KNOWN = "not_known", "Not known"


class WhyEnded(models.TextChoices):
    OVER = "over", "There is no contact or risk any more"
    MISTAKE = "mistake", "It was entered by mistake"


class RelatedPerson(SchemeModel):
    """Somebody near the person, as one agency knows them (Merton, step 2; Richmond, 4.15).

    Sealed: the agency that entered it reads it, and whomever that agency opens it to. Without a name it is only
    "a child" or "a victim", which is often enough.
    """

    offender = models.ForeignKey(Offender, on_delete=models.CASCADE, related_name="related_people")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Whose record it is")
    relation = models.CharField(max_length=15, choices=Relation.choices)
    victim = models.BooleanField(help_text="A victim of the person, whatever else they are to them")
    name = models.CharField(max_length=160, blank=True)
    at_risk = models.CharField("at risk from the person", max_length=10, choices=AtRisk.choices)
    protection = models.TextField("what protecting them needs", blank=True)
    safeguarding_lead = models.CharField(max_length=160, blank=True, help_text="Whom to ring, and how")
    known_since = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, editable=False)
    ended_because = models.CharField(max_length=10, choices=WhyEnded.choices, blank=True, editable=False)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = RelatedPersonQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = "family, victim or contact"
        verbose_name_plural = "family, victims and contacts"
        constraints = [
            per_scheme(),
            *same_scheme("offender", "agency"),
            models.CheckConstraint(
                condition=~Q(relation="victim") | Q(victim=True), name="offenders_related_victim_is_one"
            ),
            models.CheckConstraint(
                condition=Q(ended_on=None, ended_because="") | (Q(ended_on__isnull=False) & ~Q(ended_because="")),
                name="offenders_related_end_has_reason",
            ),
        ]

    @property
    def audit_subject(self) -> str:
        """Somebody of their own, not the person to whom they are related (security.md, "Subject")."""
        return f"F{self.pk}"

    def __str__(self) -> str:
        return f"related person {self.pk}"

    @property
    def called(self) -> str:
        """How those who may read the record meet it: by name, else by what they are to the person."""
        return self.name or self.get_relation_display()


class Audience(models.TextChoices):
    """To whom a record can be opened. To the whole panel is no choice."""

    POLICE_PROBATION = "police_probation", "Police and probation"
    AGENCIES = "agencies", "Agencies that we choose"


class RelatedOpening(SchemeModel):
    """A record opened by its agency to others, from an instant until it is shut again: by whom, to whom and why."""

    related = models.ForeignKey(RelatedPerson, on_delete=models.CASCADE, related_name="openings")
    audience = models.CharField(max_length=20, choices=Audience.choices)
    readers = ArrayField(models.CharField(max_length=60), default=list, help_text="Slugs of the agencies, if chosen")
    reason = models.CharField(max_length=300)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    shut_at = models.DateTimeField(null=True)
    shut_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            per_scheme(),
            *same_scheme("related"),
            models.UniqueConstraint(
                fields=["related"], condition=Q(shut_at=None), name="offenders_related_opened_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(audience="agencies") | ~Q(readers=[]), name="offenders_related_opening_names_readers"
            ),
        ]

    def __str__(self) -> str:
        return f"opening {self.pk}"
