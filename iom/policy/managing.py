"""What happens to a case: ratings, leads, plans, reviews, exit."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from iom.policy.base import (
    DEFAULT_SOURCE,
    AgencyKind,
    Colour,
    DayCount,
    Months,
    OffenceType,
    Shape,
    Slug,
    Sourced,
    Words,
)


class Rating(Sourced):
    """A colour and what it means here."""

    colour: Colour
    name: Words
    definition: Words


class FirstRating(Sourced):
    """The rating at acceptance: one colour for all, or the panel's choice."""

    rule: Literal["fixed", "panel_decides"]
    colour: Colour | None = None

    @model_validator(mode="after")
    def _colour_fits(self) -> FirstRating:
        if (self.rule == "fixed") != (self.colour is not None):
            raise ValueError('rule "fixed" needs `colour`; rule "panel_decides" must not have one')
        return self


class Blue(Sourced):
    """Whether custody has a colour of its own, and what it covers."""

    used: bool
    covers: tuple[Literal["remand", "sentence"], ...] = ()
    words: Words


class TacticalOption(Sourced):
    """One thing to do that a rating suggests."""

    rating: Colour
    group: Literal["enforcement", "contact", "support", "protection"]
    text: Words


class Pathway(Sourced):
    """A resettlement pathway."""

    slug: Slug
    name: Words


class EngagementLevel(Sourced):
    """How far somebody takes part, from the least to the most, with words that let two people choose alike."""

    slug: Slug
    name: Words
    definition: Words


class Engagement(Sourced):
    """Meeting the person before the panel: whose agencies make up the team, and what the person is told."""

    team: tuple[AgencyKind, ...] = ("police", "probation", "prison")
    told: Words


# What holds in versions that were stored before these rules had a place.
DEFAULT_ENGAGEMENT = Engagement(
    told="What the scheme offers, what it expects of them, and what follows if they do not keep to it.",
    source=DEFAULT_SOURCE,
)
DEFAULT_LEVELS = tuple(
    EngagementLevel(slug=slug, name=name, definition=definition, source=DEFAULT_SOURCE)
    for slug, name, definition in (
        ("not_willing", "Not willing", "Does not want to meet the team or take any help, and says or shows so."),
        ("hesitant", "Hesitant", "Listens, and has agreed to nothing yet."),
        ("willing", "Willing", "Takes up at least one offer of help and keeps some appointments."),
        ("motivated", "Motivated", "Asks for help to stop offending and does what was agreed."),
    )
)


class Statutory(Sourced):
    """Who counts as under statutory supervision, in words, for whoever answers that question."""

    words: Words


# What holds for policies that were stored before the definition had a place.
ON_ORDER_OR_LICENCE = Statutory(words="On licence, or under a sentence in the community.", source=DEFAULT_SOURCE)


class LeadAgencyRule(Sourced):
    """Who leads, tried in order; `agency_kind` None leaves the choice to the panel.

    "red" holds for whoever is rated so, or was before custody.
    """

    when: Literal["statutory", "red", "non_statutory_addiction", "otherwise"]
    agency_kind: AgencyKind | None = None
    reason: Words


class LeadRole(Sourced):
    """A person assigned to a case."""

    role: Literal["lead_professional", "police_officer"]
    label: Words
    agency_kind: AgencyKind | None = None
    required: bool
    duty: Words


class Review(Sourced):
    """A look at a case: after some months, at every nth meeting of a body, each week, or before release."""

    kind: Literal["first", "progress", "pre_release", "operational", "supervisor"]
    label: Words
    body: Slug | None = None
    months: Months | None = None
    weeks: Annotated[int, Field(ge=1, le=52)] | None = None
    every_meetings: Annotated[int, Field(ge=1, le=24)] | None = None
    asks: Words


class ExitOutcome(Sourced):
    """A way in which a case ends. `success` ones are the kept success cases; `at_once` ones wait for nothing."""

    slug: Slug
    name: Words
    success: bool = False
    at_once: bool = False


# What is offered where a scheme names no outcomes of its own; which of the first three fit is `ExitRule.endings`.
SUCCESS = ExitOutcome(
    slug="success", name="Success case: left as planned, no longer a concern", success=True, source=DEFAULT_SOURCE
)
PLANNED = ExitOutcome(slug="planned", name="Left as planned, no longer needs several agencies", source=DEFAULT_SOURCE)
END_OF_SUPERVISION = ExitOutcome(slug="end_of_supervision", name="Supervision ended", source=DEFAULT_SOURCE)
OTHER_ENDINGS = (
    ExitOutcome(slug="moved", name="Moved away", source=DEFAULT_SOURCE),
    ExitOutcome(slug="not_suitable", name="No longer suitable, or managed under MAPPA", source=DEFAULT_SOURCE),
    ExitOutcome(slug="died", name="Died", at_once=True, source=DEFAULT_SOURCE),
    ExitOutcome(slug="other", name="Another reason", source=DEFAULT_SOURCE),
)


class ExitRule(Sourced):
    """How a case ends. `decided_by` is a body's slug, or None where reaching the end needs no panel."""

    force: Literal["expected_at", "up_to", "agreed_period", "end_of_supervision"]
    green_months: Months | None = None
    needs_exit_strategy: bool
    needs_transition_plan: bool = False
    success_case: bool = False
    decided_by: Slug | None = None
    offered_again_after_custody: bool = False
    outcomes: tuple[ExitOutcome, ...] = ()
    words: Words

    @property
    def endings(self) -> tuple[ExitOutcome, ...]:
        """The outcomes to choose from when a case is closed, the expected one first."""
        if self.outcomes:
            return self.outcomes
        kept = SUCCESS if self.success_case else PLANNED
        expected = (END_OF_SUPERVISION, kept) if self.force == "end_of_supervision" else (kept, END_OF_SUPERVISION)
        return (*expected, *OTHER_ENDINGS)

    def ending(self, slug: str) -> ExitOutcome | None:
        """The outcome of that slug; None for one that the scheme has no more."""
        return next((each for each in self.endings if each.slug == slug), None)

    @model_validator(mode="after")
    def _months_fit(self) -> ExitRule:
        if self.force in {"expected_at", "up_to"} and self.green_months is None:
            raise ValueError(f'force "{self.force}" needs `green_months`')
        return self


class SupportedCompliance(Sourced):
    """Visits that help somebody keep to licence or order, by police together with probation, and on whom they are not
    made: whoever has one of these flags in the safeguarding ledger.
    """

    not_for: tuple[Literal["da_perpetrator", "public_protection"], ...] = ()
    words: Words


# What holds where a document is silent, and in versions that were stored before visits had a place.
VISITS_WITHOUT_EXCEPTION = SupportedCompliance(
    words="Police and probation visit together; the document names nobody who is not visited.", source=DEFAULT_SOURCE
)


class Marker(Sourced):
    """What police put on their own systems for a colour."""

    colours: tuple[Colour, ...]
    text: Words


class Expects(Sourced):
    """How often somebody with a rating is to be seen, helped or enforced against, in the days of `SaysShows`."""

    rating: Colour
    contacts: Annotated[int, Field(ge=0, le=200)]
    at_most: Annotated[int, Field(ge=0, le=200)] | None = None
    words: Words


class SaysShows(Sourced):
    """When a rating does not fit what is shown: the days in which Red needs enforcement, Amber an intervention, and in
    which an arrest speaks against Green. A marker on police systems is set within `marker_days` working days.
    """

    recent_days: DayCount = 28
    enforcement_days: DayCount = 7
    intervention_days: DayCount = 28
    marker_days: DayCount = 2
    expects: tuple[Expects, ...] = ()


# What holds for policies that were stored before ratings were held against the evidence. The figures are ours.
DEFAULT_SAYS_SHOWS = SaysShows(
    expects=(
        Expects(rating="RED", contacts=20, words="Joint work on every working day.", source=DEFAULT_SOURCE),
        Expects(rating="AMBER", contacts=20, words="Somebody keeps watch daily.", source=DEFAULT_SOURCE),
        Expects(
            rating="GREEN", contacts=1, at_most=8, words="Less intensive, but not out of sight.", source=DEFAULT_SOURCE
        ),
    ),
    source=DEFAULT_SOURCE,
)


class CustodyRule(Sourced):
    """What the scheme does about people inside. A release is near within `near_release_days` calendar days."""

    considered_near_release: bool
    near_release_days: DayCount = 84
    visits_before_release: bool
    re_rate_before_release: bool
    words: Words


class ArrestRule(Sourced):
    """What follows when somebody of the cohort is arrested: whether the team's police go to custody, and for how many
    days after the arrest they are asked to.
    """

    police_attend: bool
    within_days: Annotated[int, Field(ge=1, le=14)] = 3
    words: Words


class LicenceConditions(Sourced):
    """Conditions that partners ask for: who is always asked to agree, and how many days before release it must be
    settled, so that the prison can be told.
    """

    agree: tuple[AgencyKind, ...] = ("police", "probation")
    settle_days: DayCount = 28
    words: Words


# What holds in versions that were stored before these rules had a place.
NOBODY_ATTENDS = ArrestRule(
    police_attend=False, words="The lead professional and the police officer hear of an arrest.", source=DEFAULT_SOURCE
)
ANYBODY_ASKS = LicenceConditions(
    words="Partners may ask for a licence condition before release. Probation puts it in, or says why not.",
    source=DEFAULT_SOURCE,
)


class Age(Shape):
    """An age in whole years and months."""

    years: Annotated[int, Field(ge=10, le=25)]
    months: Annotated[int, Field(ge=0, le=11)]


class YouthRoute(Sourced):
    """From youth justice to probation: ages, what must be true, and which body looks at it."""

    body: Slug
    starts: Age
    liaison: Age
    takeover: Age
    order_months_left: Months
    lowest_order: Words
    conditions: tuple[Words, ...]
    referred_by: Words


class Gps(Sourced):
    """Location tagging: for which offences and for how long at most."""

    types: tuple[OffenceType, ...]
    who: Words
    max_months: Months
    words: Words


class SafeguardingCheck(Sourced):
    """A check that the ledger keeps: for how many months it holds, and whether every case needs one."""

    kind: Literal["mappa", "marac", "mash", "adult", "da_perpetrator", "da_victim", "public_protection", "staff"]
    months: Months
    needed: bool = False


# Where the documents are silent: half a year, and three checks for everybody. The figures are ours.
SIX_MONTHS = tuple(
    SafeguardingCheck(kind=kind, months=6, needed=kind in ("mappa", "marac", "mash"), source=DEFAULT_SOURCE)
    for kind in ("mappa", "marac", "mash", "adult", "da_perpetrator", "da_victim", "public_protection", "staff")
)


# How the scheme stands to the other panels; ours, where no document says it.
BESIDE_OTHER_PANELS = (
    "MAPPA manages the risk of serious harm. Where it leads, the panel decides whether IOM goes on beside it.",
    "The MARAC plans for the safety of a victim. IOM brings what it knows and does its part; the person hears nothing.",
    "The hub takes concerns for a child. IOM refers, and goes on with its own part.",
)


class Safeguarding(Sourced):
    """Where a concern for a child goes, and how the ledger of checks is kept.

    An agency asked for a check answers within `ask_days` calendar days. Kinds that `checks` leaves out hold as the
    default has them. `interplay` says how the scheme stands to MAPPA, MARAC and the hub. `never_given` are words that
    must not stand on anything given to the person, beside the MARAC.
    """

    children_to: Words
    words: Words
    checks: tuple[SafeguardingCheck, ...] = ()
    ask_days: DayCount = 10
    never_given: tuple[Words, ...] = ()
    interplay: tuple[Words, ...] = BESIDE_OTHER_PANELS

    def check(self, kind: str) -> SafeguardingCheck:
        """The rule for checks of a kind."""
        return self.by_kind[kind]

    @cached_property
    def by_kind(self) -> dict[str, SafeguardingCheck]:
        """The rule for each kind."""
        return {each.kind: each for each in (*SIX_MONTHS, *reversed(self.checks))}

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """The kinds that every case needs, in the order of the ledger."""
        return tuple(each.kind for each in SIX_MONTHS if self.check(each.kind).needed)


class Funding(Sourced):
    """Whether the panel allocates money to a person."""

    panel_allocates: bool
    words: Words


class ManagementReport(Sourced):
    """A report kept on each case; blank `reviewed_by` where nobody is named."""

    used: bool
    contains: tuple[Words, ...] = ()
    reviewed_by: str = ""
    words: Words
