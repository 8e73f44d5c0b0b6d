"""People as one scheme knows them."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from iom import clock
from iom.models import (
    SchemeModel,
    per_scheme,
    same_scheme,
)
from offenders import alike
from offenders.querysets import OffenderQuerySet

ADULT = 18


class Gender(models.TextChoices):
    MALE = "MALE", "Male"
    FEMALE = "FEMALE", "Female"


class Offender(SchemeModel):
    """A person as one scheme knows them, once."""

    family_name = models.CharField(max_length=80)
    given_names = models.CharField(max_length=120)
    sort_name = models.CharField(max_length=210, editable=False)
    # What the duplicate check compares: `offenders.likeness`.
    likeness_name = models.TextField(default="", editable=False)
    date_of_birth = models.DateField(null=True, blank=True)
    gender = models.CharField(max_length=6, choices=Gender.choices, blank=True)
    pnc_number = models.CharField("PNC number", max_length=20, blank=True)
    cro_number = models.CharField("CRO number", max_length=20, blank=True)
    prison_number = models.CharField(max_length=20, blank=True)
    probation_number = models.CharField("probation number (CRN)", max_length=20, blank=True)
    pnc_key = models.CharField(max_length=20, default="", editable=False)
    cro_key = models.CharField(max_length=20, default="", editable=False)
    prison_key = models.CharField(max_length=20, default="", editable=False)
    probation_key = models.CharField(max_length=20, default="", editable=False)
    address = models.TextField(blank=True)
    area = models.CharField(max_length=80, blank=True, help_text="Ward or neighbourhood")

    objects = OffenderQuerySet.as_manager()

    class Meta:
        constraints = [per_scheme()]
        indexes = [
            models.Index(fields=["scheme", "sort_name"], name="offenders_by_name"),
            models.Index(fields=["scheme", "date_of_birth"], name="offenders_by_birth"),
            GinIndex(fields=["likeness_name"], opclasses=["gin_trgm_ops"], name="offenders_by_likeness"),
            *(
                models.Index(fields=["scheme", key], condition=~Q(**{key: ""}), name=f"offenders_by_{key}")
                for key in alike.KEYS.values()
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        self.reckon()
        super().save(*args, **kwargs)

    def reckon(self) -> None:
        """Work out the columns that follow from the others: before `bulk_create`, which does not call `save`."""
        # The database sorts by code point (docs/running.md); people look under Z for "de Zoet" and "Zoe" alike.
        self.sort_name = f"{self.family_name}, {self.given_names}".casefold()
        self.likeness_name = alike.indexed(self.plain_name)
        for number, key in alike.KEYS.items():
            setattr(self, key, alike.number_key(number, getattr(self, number)))

    @property
    def name(self) -> str:
        """As panels write it: family name first and in capitals, so that the two names are not mixed up."""
        return f"{self.family_name.upper()} {self.given_names}"

    @property
    def plain_name(self) -> str:
        return f"{self.given_names} {self.family_name}"

    @property
    def audit_subject(self) -> str:
        """How the audit names the person (security.md U3)."""
        return f"P{self.pk}"

    def under_18(self, on: date | None = None) -> bool:
        """Whether somebody is a young person, today or on a day: flagged wherever they are named (Richmond, 3.6)."""
        age = self.age(on or clock.today())
        return age is not None and age < ADULT

    def age(self, on: date) -> int | None:
        """Completed years on a day."""
        born = self.date_of_birth
        if born is None:
            return None
        return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


class Alias(SchemeModel):
    """Another name that the person goes by."""

    offender = models.ForeignKey(Offender, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=160)
    likeness_name = models.TextField(default="", editable=False)

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("offender"),
            models.UniqueConstraint(fields=["offender", "name"], name="offenders_alias_once"),
        ]
        indexes = [GinIndex(fields=["likeness_name"], opclasses=["gin_trgm_ops"], name="offenders_alias_by_likeness")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        self.reckon()
        super().save(*args, **kwargs)

    def reckon(self) -> None:
        """Work out what follows from the name, as `Offender.reckon`."""
        self.likeness_name = alike.indexed(self.name)
