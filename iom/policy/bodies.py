"""Panels, boards and team meetings: who sits on them, how they decide, and when things are due."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from iom.policy.base import (
    AgencyKind,
    Colour,
    DayCount,
    Months,
    Relation,
    Shape,
    Slug,
    Sourced,
    Unit,
    Value,
    Words,
)

# What a body decides itself: who joins, ratings, who leaves; that others lend support to somebody's case; how police
# management of a young person goes on. What it does not decide it may recommend to the body that does.
Power = Literal["admission", "rating", "exit", "support", "transfer"]
# What holds for policies that were stored before bodies said it.
POWERS_BY_KIND: dict[str, tuple[Power, ...]] = {
    "panel": ("admission", "rating", "exit"),
    "transfer": ("transfer",),
}


class Cadence(Sourced):
    """How often a body meets: every `every` units, as the document words it."""

    every: Annotated[int, Field(ge=1, le=52)]
    unit: Literal["day", "week", "month"]
    words: Words


class Ahead(Sourced):
    """How many of a body's next meetings are kept planned, and for how many days ahead at most.

    The very next one is planned however far it is.
    """

    meetings: Annotated[int, Field(ge=1, le=12)]
    days: Annotated[int, Field(ge=1, le=400)]


# What holds for policies that were stored before meetings were planned by themselves.
THREE_AHEAD = Ahead(meetings=3, days=92, source="default")


class AgencyLead(Sourced):
    """That each agency names one person who leads on what this body deals with."""

    words: Words


class RelativeTo(Sourced):
    """A meeting that is fixed by another one, e.g. a fortnight after somebody else's panel."""

    event: Words
    days: Annotated[int, Field(ge=-365, le=365)]


class Chair(Sourced):
    """Who chairs: a post and the kind of agency it belongs to; reviewed every `review_months`, if at all."""

    post: Words
    agency_kind: AgencyKind
    organisation: str = ""
    review_months: Months | None = None


class Successor(Sourced):
    """One step of who chairs when the chair is away, tried in order."""

    kind: Literal["vice_chair", "senior_of_kinds", "substitute_of_chair", "chosen_by_members"]
    agency_kinds: tuple[AgencyKind, ...] = ()
    words: Words


class Seat(Sourced):
    """A place on a body: a post of an organisation, always (`permanent`) or when needed (`as_required`)."""

    post: Words
    organisation: Words
    agency_kind: AgencyKind
    attends: Literal["permanent", "as_required"]
    core: bool = True
    duty: str = ""
    shared: bool = False


class Quorum(Sourced):
    """How many organisations (not people) must be there; None where the scheme sets no quorum."""

    organisations: Annotated[int, Field(ge=1, le=50)] | None = None


class DecisionRule(Sourced):
    """How a body decides; in a majority each organisation has one vote and a tie goes to who chairs."""

    kind: Literal["consensus", "majority", "chair_final", "collaborative"]
    casting_vote: bool
    words: Words


class DeadlineRule(Sourced):
    """`count` calendar or working days before or after the meeting; `must`, or only what is `usual`."""

    count: DayCount
    unit: Unit
    relation: Relation
    kind: Literal["must", "usual"]


class Deadlines(Shape):
    """A body's four dates; an absent one means that the body has no such date."""

    nominations: DeadlineRule | None = None
    checks: DeadlineRule | None = None
    agenda: DeadlineRule | None = None
    minutes: DeadlineRule | None = None


class AgendaRule(Sourced):
    """Which cases come: all of them, those with something to decide, some colours first, or by rota.

    With `brought_by_agencies` an agency brings a case of its own and keeps it; the others lend support.
    """

    kind: Literal["every_case", "by_exception", "focus", "rota", "not_cases"]
    focus: tuple[Colour, ...] = ()
    presenters_first: bool = False
    closed_session: bool = False
    by_need: bool = False
    brought_by_agencies: bool = False
    words: Words


class LateRule(Sourced):
    """What becomes of an urgent nomination after the deadline, and the words that the panel then reads."""

    kind: Literal["to_panel_with_warning", "tell_officer", "outside_panel", "next_meeting"]
    officer: str = ""
    warning: Words

    @model_validator(mode="after")
    def _officer_named(self) -> LateRule:
        if self.kind == "tell_officer" and not self.officer:
            raise ValueError('a "tell_officer" rule needs `officer`, the post that is told')
        return self


class AttendanceRule(Sourced):
    """What is expected of members who cannot come, and which body reviews attendance."""

    substitutes_named: bool
    delegated_authority: bool
    briefed: bool
    in_person: bool
    only_when_concerned: bool = False
    reviewed_by: Slug | None = None
    words: Words


class GuestRule(Sourced):
    """Who may be invited and how; `nominating_officer` is asked for the item of their nomination."""

    agreed_at_previous_meeting: bool
    nominating_officer: bool
    words: Words


class AgreementRule(Sourced):
    """When the sharing agreement is signed: at each meeting, or once for each version of it."""

    signed: Literal["each_meeting", "each_version"]
    words: Words


class Sitting(Sourced):
    """When a meeting starts, how long it lasts and how long an item takes, in minutes; London wall clock."""

    start: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    minutes: Annotated[int, Field(ge=5, le=600)]
    minutes_per_item: Annotated[int, Field(ge=1, le=120)]

    @property
    def start_time(self) -> time:
        """The start as a wall-clock time."""
        return time.fromisoformat(self.start)


class BodyPolicy(Shape):
    """A panel, board or team meeting of the scheme."""

    slug: Slug
    name_: Value[Words] = Field(alias="name")
    kind_: Value[Literal["panel", "board", "practitioner", "daily", "casework", "transfer"]] = Field(alias="kind")
    level_: Value[str] = Field(alias="level")
    purpose_: Value[Words] = Field(alias="purpose")
    opens_cohort_: Value[bool] = Field(alias="opens_cohort")
    parent_: Value[str] = Field(alias="parent")
    same_day_: Value[tuple[Slug, ...]] = Field(alias="same_day")
    cadence: Cadence
    ahead: Ahead = THREE_AHEAD
    areas_: Value[Annotated[int, Field(ge=1, le=20)]] = Field(
        default=Value[Annotated[int, Field(ge=1, le=20)]](value=1, source="default"), alias="areas"
    )
    relative_to: RelativeTo | None = None
    venue_: Value[str] = Field(alias="venue")
    chair: Chair
    succession: tuple[Successor, ...]
    admin_: Value[str] = Field(alias="admin")
    seats: tuple[Seat, ...]
    new_members_: Value[str] = Field(alias="new_members")
    agency_lead: AgencyLead | None = None
    quorum: Quorum
    decision_rule: DecisionRule
    decides_: Value[tuple[Power, ...]] | None = Field(default=None, alias="decides")
    deadlines: Deadlines
    agenda_rule: AgendaRule
    late_rule: LateRule | None = None
    attendance: AttendanceRule
    guests: GuestRule
    agreement: AgreementRule
    sitting: Sitting

    @property
    def name(self) -> str:
        return self.name_.value

    @property
    def kind(self) -> Literal["panel", "board", "practitioner", "daily", "casework", "transfer"]:
        return self.kind_.value

    @property
    def level(self) -> str:
        return self.level_.value

    @property
    def purpose(self) -> str:
        return self.purpose_.value

    @property
    def opens_cohort(self) -> bool:
        return self.opens_cohort_.value

    @property
    def parent(self) -> str:
        return self.parent_.value

    @property
    def same_day(self) -> tuple[str, ...]:
        return self.same_day_.value

    @property
    def areas(self) -> int:
        """In how many areas it meets, each at its own time."""
        return self.areas_.value

    @property
    def venue(self) -> str:
        return self.venue_.value

    @property
    def admin(self) -> str:
        return self.admin_.value

    @property
    def new_members(self) -> str:
        return self.new_members_.value

    @property
    def decides(self) -> tuple[Power, ...]:
        """What the body decides itself, besides what the scheme's rules on joining and leaving give it."""
        return self.decides_.value if self.decides_ is not None else POWERS_BY_KIND.get(self.kind, ())

    @property
    def organisations(self) -> tuple[str, ...]:
        """The organisations with a seat, each once, in the order of the seats."""
        return tuple(dict.fromkeys(seat.organisation for seat in self.seats))
