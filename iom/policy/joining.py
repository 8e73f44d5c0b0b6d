"""How somebody comes to the panel: nomination, criteria as data, scores."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from iom.policy.base import (
    FlagFact,
    Months,
    NumberFact,
    OffenceType,
    Percent,
    SeriousHarm,
    Shape,
    Slug,
    Sourced,
    Value,
    Words,
)


class Nomination(Shape):
    """How somebody is put forward, to which post, by whom, and what must be shown.

    `which_clause` is the question by which the form asks for the clause that fits; blank where it asks none.
    """

    form_: Value[Words] = Field(alias="form")
    receiving_post_: Value[Words] = Field(alias="receiving_post")
    by_: Value[Words] = Field(alias="by")
    must_show_: Value[tuple[Words, ...]] = Field(alias="must_show")
    guidance_: Value[tuple[Words, ...]] = Field(alias="guidance")
    which_clause_: Value[str] = Field(default=Value[str](value="", source="default"), alias="which_clause")

    @property
    def form(self) -> str:
        return self.form_.value

    @property
    def receiving_post(self) -> str:
        return self.receiving_post_.value

    @property
    def by(self) -> str:
        return self.by_.value

    @property
    def must_show(self) -> tuple[str, ...]:
        return self.must_show_.value

    @property
    def guidance(self) -> tuple[str, ...]:
        return self.guidance_.value

    @property
    def which_clause(self) -> str:
        return self.which_clause_.value


class NumberTest(Shape):
    """A whole number within bounds, both included."""

    test: Literal["number"]
    fact: NumberFact
    at_least: int | None = None
    at_most: int | None = None

    @model_validator(mode="after")
    def _bounded(self) -> NumberTest:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give `at_least`, `at_most` or both")
        return self


class FlagTest(Shape):
    """A yes-or-no fact that must be yes."""

    test: Literal["flag"]
    fact: FlagFact


class TextTest(Shape):
    """Something written down; blank is no."""

    test: Literal["text"]
    fact: Literal["exceptional_circumstances"]


class ChoiceTest(Shape):
    """A graded fact that must be one of these grades."""

    test: Literal["choice"]
    fact: Literal["serious_harm"]
    one_of: Annotated[tuple[SeriousHarm, ...], Field(min_length=1)]


class OffenceTest(Shape):
    """At least one offence of these types; if asked, within some calendar months and in the community."""

    test: Literal["offence"]
    types: Annotated[tuple[OffenceType, ...], Field(min_length=1)]
    within_months: Months | None = None
    in_community: bool = False


class AllOf(Shape):
    """Every part holds."""

    test: Literal["all"]
    of: Annotated[tuple[Expression, ...], Field(min_length=1)]


class AnyOf(Shape):
    """At least one part holds."""

    test: Literal["any"]
    of: Annotated[tuple[Expression, ...], Field(min_length=1)]


Expression = Annotated[
    NumberTest | FlagTest | TextTest | ChoiceTest | OffenceTest | AllOf | AnyOf, Field(discriminator="test")
]


class Clause(Sourced):
    """One way in (or one ground of exclusion), by itself enough; `when` says it as data.

    `opens_after` names a clause whose cohort must be established and resourced first: the scheme says when that is
    so (`referrals.resourcing`), and until then this way in is not open. `cohort` is what the scheme calls those who
    come in this way, where it parts its cohort so.
    """

    name: Slug
    label: Words
    when: Expression
    judged_by: str = ""
    written_case: bool = False
    proposer_attends: bool = False
    opens_after: Slug | None = None
    cohort: str = ""


class Criteria(Sourced):
    """A named set of clauses, any of which is enough, and the exclusions that count beside it."""

    name: Slug
    label: Words
    state: Literal["in_force", "draft"]
    body: Slug
    clauses: Annotated[tuple[Clause, ...], Field(min_length=1)]
    exclusions: tuple[Slug, ...]


class Delivery(Sourced):
    """How a group is worked with: in words, who leads, how often there is contact, and what differs from the rest."""

    words: Words
    leads: str = ""
    contact: str = ""
    differs: str = ""


class SubCohort(Sourced):
    """A group inside the cohort that is followed for itself; `when` is `condition` as data, None where it is not.

    `cohort` is the name under which a clause takes people into it, where one does (Hampshire: "Fixed").
    """

    slug: Slug
    name: Words
    condition: Words
    when: Expression | None = None
    report_to: str = ""
    cohort: str = ""
    delivery: Delivery | None = None


class ScoreThreshold(Sourced):
    """A mark on the scale of the score page."""

    model: Literal["ogrs3", "ovp"]
    percent: Percent
    label: Words


class Scores(Sourced):
    """Which scores the scheme uses; a difference of more points than `difference_points` warns."""

    models: tuple[Literal["ogrs3", "ovp"], ...]
    horizon_years: Annotated[int, Field(ge=1, le=2)]
    scored_by: Words
    agreed_by: str = ""
    caution: Words
    difference_points: Annotated[int, Field(ge=0, le=100)]
    thresholds: tuple[ScoreThreshold, ...] = ()


AllOf.model_rebuild()
AnyOf.model_rebuild()
SubCohort.model_rebuild()
