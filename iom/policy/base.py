"""The ground of the rules: closed frozen shapes, values that name their source, and fixed choices."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

DEFAULT_SOURCE = "default"

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=40)]
DayCount = Annotated[int, Field(ge=0, le=365)]
Months = Annotated[int, Field(ge=1, le=120)]
Percent = Annotated[int, Field(ge=0, le=100)]

Colour = Literal["RED", "AMBER", "GREEN", "BLUE"]
Unit = Literal["calendar", "working"]
Relation = Literal["before", "after"]
AgencyKind = Literal[
    "police",
    "probation",
    "council",
    "housing",
    "health",
    "social_care",
    "substance_misuse",
    "youth_justice",
    "education",
    "employment",
    "benefits",
    "advice",
    "prison",
    "victim_support",
    "voluntary",
    "monitoring",
    "regional",
    "other",
]
OffenceType = Literal[
    "burglary",
    "robbery",
    "vehicle_crime",
    "theft",
    "shoplifting",
    "violence",
    "sexual",
    "drugs",
    "criminal_damage",
    "fraud",
    "other",
]
SeriousHarm = Literal["low", "medium", "high", "very_high"]
NumberFact = Literal["ogrs2", "ovp", "asset_score", "mappa_level"]
FlagFact = Literal[
    "marac",
    "dyo",
    "statutory",
    "high_risk_of_harm",
    "repeat_offender",
    "ppo",
    "top_ten",
    "prolific",
    "would_benefit",
    "force_priority",
    "domestic_abuse_perpetrator",
    "on_yot_order",
]


class Shape(BaseModel):
    """Frozen and closed: an unknown key is an error, not a rule that silently never runs.

    A single value is kept with its source in a field such as `name_` (`name` in files and in the database)
    and read plainly as `name`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class Sourced(Shape):
    """What a paragraph settles; `source` names it, or is exactly "default" where the document is silent."""

    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    note: str = ""

    @field_validator("source")
    @classmethod
    def _plain_default(cls, value: str) -> str:
        if value.lower().startswith(DEFAULT_SOURCE) and value != DEFAULT_SOURCE:
            raise ValueError('write source = "default" alone and put the explanation into `note`')
        return value

    @property
    def is_default(self) -> bool:
        """Whether the document is silent and the value is ours."""
        return self.source == DEFAULT_SOURCE


T = TypeVar("T")


class Value(Sourced, Generic[T]):
    """A single value with its source."""

    value: T


class Word(Sourced):
    """What the scheme calls somebody or something."""

    singular: Words
    plural: Words
