"""What a scheme's written rules are made of: one frozen, typed shape for every scheme.

A value that a document can settle is a `Sourced` object: it says from which paragraph it comes, or that the
source is silent (`source = "default"`). Sequences are tuples of objects that name themselves, never mappings,
so that their order survives being stored as JSON. Nothing here reads files; see `iom.policy.loader`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from iom.policy.base import AgencyKind, DayCount, Months, Shape, Slug, Sourced, Value, Word, Words
from iom.policy.bodies import BodyPolicy, Power
from iom.policy.joining import Clause, Criteria, Nomination, Scores, SubCohort
from iom.policy.managing import (
    ANYBODY_ASKS,
    DEFAULT_ENGAGEMENT,
    DEFAULT_LEVELS,
    DEFAULT_SAYS_SHOWS,
    NOBODY_ATTENDS,
    ON_ORDER_OR_LICENCE,
    VISITS_WITHOUT_EXCEPTION,
    ArrestRule,
    Blue,
    CustodyRule,
    Engagement,
    EngagementLevel,
    ExitRule,
    FirstRating,
    Funding,
    Gps,
    LeadAgencyRule,
    LeadRole,
    LicenceConditions,
    ManagementReport,
    Marker,
    Pathway,
    Rating,
    Review,
    Safeguarding,
    SaysShows,
    Statutory,
    SupportedCompliance,
    TacticalOption,
    YouthRoute,
)


class Posts(Shape):
    """Which post of this scheme does which work."""

    coordinator_: Value[Words] = Field(alias="coordinator")
    nominations_: Value[Words] = Field(alias="nominations")
    researcher_: Value[Words] = Field(alias="researcher")
    board_reporter_: Value[Words] = Field(alias="board_reporter")
    new_members_: Value[Words] = Field(alias="new_members")

    @property
    def coordinator(self) -> str:
        return self.coordinator_.value

    @property
    def nominations(self) -> str:
        return self.nominations_.value

    @property
    def researcher(self) -> str:
        return self.researcher_.value

    @property
    def board_reporter(self) -> str:
        return self.board_reporter_.value

    @property
    def new_members(self) -> str:
        return self.new_members_.value


class SharingAgreement(Sourced):
    """The agreement that members sign; bumping `version` asks everybody again."""

    title: Words
    version: Words
    summary: Words
    text: tuple[Words, ...]
    statements: Annotated[tuple[Words, ...], Field(min_length=1)]


class Retention(Sourced):
    """How long records are kept before a review, counted from the end of the case or the refusal."""

    closed_case_years: Annotated[int, Field(ge=1, le=100)]
    refused_referral_months: Months


class Files(Sourced):
    """What becomes of files that people send in where no virus scanner is set up: they stay locked, or open as such."""

    without_scanner: Literal["locked", "open"]
    words: Words


# What holds for policies that were stored before files could be sent in.
FILES_STAY_LOCKED = Files(
    without_scanner="locked", words="Without a virus scanner, files stay locked until there is one.", source="default"
)


class Notices(Sourced):
    """What the referrer hears."""

    referrer_told: bool
    acknowledgement_form: bool
    words: Words


class MinutesRules(Sourced):
    """Who says something of minutes before they are signed, beside whoever writes and whoever signs them."""

    members_comment: bool
    words: Words


# What holds for policies that were stored before drafts could be shown to members.
ONLY_THE_CHAIR_COMMENTS = MinutesRules(
    members_comment=False, words="Members read minutes once they are signed.", source="default"
)


class Target(Sourced):
    """A figure that the scheme wants to reach; `baseline` and `period` blank where the source gives none."""

    slug: Slug
    measure: Words
    change_percent: Annotated[int, Field(ge=-100, le=1000)] | None = None
    baseline: str = ""
    period: str = ""


class Report(Sourced):
    """Something regularly told to somebody."""

    slug: Slug
    title: Words
    to: Words
    by: str = ""


class Adults(Sourced):
    """That the scheme is for adults, from an age in whole years; whoever is younger goes another way."""

    from_age: Annotated[int, Field(ge=16, le=25)]
    words: Words


class Beyond(Sourced):
    """A board above the area's own, outside this installation: what is asked of it is sent and its answer typed in."""

    to_name: Words
    words: Words


class Escalation(Sourced):
    """Where an issue goes that the panel cannot resolve; `to_body` None where the board is outside.

    An answer is looked for at the board's next meeting; while none is planned, after `answer_days` calendar days
    (default: the sources are silent). `often_carried` is how many times an action is carried forward before it is
    suggested as something for the board (default too).
    """

    to_body: Slug | None = None
    to_name: Words
    by: Words
    words: Words
    answer_days: Annotated[int, Field(ge=1, le=400)] = 62
    often_carried: Annotated[int, Field(ge=1, le=24)] = 3
    beyond: Beyond | None = None


class Transfers(Sourced):
    """People who move into the area, and offending across its borders."""

    moved_in: bool
    liaison: bool
    by: Words
    words: Words


class Step(Sourced):
    """A step of the referral process in the document's order."""

    number: Annotated[int, Field(ge=1, le=20)]
    title: Words


class Principle(Sourced):
    """A principle shown as scheme text."""

    text: Words


class Above(Sourced):
    """A body outside this service to which one answers: the `over` one, by its name."""

    name: Words
    over: Words
    words: Words


class Caseload(Sourced):
    """How many people one lead professional should hold at most; None where the scheme sets no limit."""

    limit: Annotated[int, Field(ge=1, le=500)] | None = None
    words: Words


# What holds for policies that were stored before caseloads were counted. The figure is ours.
TWENTY_CASES = Caseload(limit=20, words="More than this for one lead professional is looked at.", source="default")


class TrainingWanted(Sourced):
    """Something that those who work here should have been trained in; no kinds of agency stands for everybody."""

    what: Words
    agency_kinds: tuple[AgencyKind, ...] = ()


class RecordKept(Sourced):
    """A plain record that the scheme's document asks for, as it calls it; the others are kept without being offered."""

    kind: Literal["cover", "intelligence", "stories", "named_list", "places"]
    title: Words


class Duty(Sourced):
    """What an agency or post does for the scheme."""

    organisation: Words
    text: Words


class ExtraDay(Sourced):
    """A day on which nobody works here besides weekends and the bank holidays of England and Wales."""

    day: date
    name: Words


class Policy(Shape):
    """A scheme's written rules. `document` is the title of what they were written from."""

    slug: Slug
    title: Words
    area: Words
    document: Words
    words: Word
    posts: Posts
    team_: Value[Words] = Field(alias="team")
    bodies: Annotated[tuple[BodyPolicy, ...], Field(min_length=1)]
    deciding_bodies_: Value[tuple[Slug, ...]] = Field(alias="deciding_bodies")
    case_visibility_: Value[Literal["all_seats", "involved"]] = Field(alias="case_visibility")
    principles: tuple[Principle, ...] = ()
    steps: tuple[Step, ...] = ()
    nomination: Nomination
    eligibility: Annotated[tuple[Criteria, ...], Field(min_length=1)]
    exclusions: tuple[Clause, ...]
    statutory_only_: Value[bool] = Field(alias="statutory_only")
    sub_cohorts: tuple[SubCohort, ...] = ()
    research_systems_: Value[tuple[Words, ...]] = Field(alias="research_systems")
    research_again_days_: Value[DayCount] = Field(
        default=Value[DayCount](value=28, source="default"), alias="research_again_days"
    )
    check_reminders_: Value[tuple[Annotated[int, Field(ge=-20, le=20)], ...]] = Field(
        default=Value[tuple[Annotated[int, Field(ge=-20, le=20)], ...]](value=(-1, 0, 1), source="default"),
        alias="check_reminders",
    )
    scores: Scores
    ratings: Annotated[tuple[Rating, ...], Field(min_length=2)]
    first_rating: FirstRating
    blue: Blue
    tactical_options: tuple[TacticalOption, ...]
    markers: tuple[Marker, ...] = ()
    says_shows: SaysShows = DEFAULT_SAYS_SHOWS
    custody: CustodyRule
    arrests: ArrestRule = NOBODY_ATTENDS
    licence_conditions: LicenceConditions = ANYBODY_ASKS
    pathways: Annotated[tuple[Pathway, ...], Field(min_length=1)]
    engagement: Engagement = DEFAULT_ENGAGEMENT
    engagement_levels: Annotated[tuple[EngagementLevel, ...], Field(min_length=2)] = DEFAULT_LEVELS
    statutory: Statutory = ON_ORDER_OR_LICENCE
    lead_agency_rules: Annotated[tuple[LeadAgencyRule, ...], Field(min_length=1)]
    leads: Annotated[tuple[LeadRole, ...], Field(min_length=1)]
    reviews: tuple[Review, ...]
    exit: ExitRule
    supported_compliance: SupportedCompliance = VISITS_WITHOUT_EXCEPTION
    management_report: ManagementReport
    funding: Funding
    safeguarding: Safeguarding
    transfers: Transfers
    youth_route: YouthRoute | None = None
    adults: Adults | None = None
    gps: Gps | None = None
    notices: Notices
    minutes: MinutesRules = ONLY_THE_CHAIR_COMMENTS
    escalation: Escalation
    sharing_agreement: SharingAgreement
    retention: Retention
    files: Files = FILES_STAY_LOCKED
    targets: tuple[Target, ...] = ()
    reports: tuple[Report, ...] = ()
    duties: tuple[Duty, ...] = ()
    records: tuple[RecordKept, ...] = ()
    governance: tuple[Above, ...] = ()
    caseload: Caseload = TWENTY_CASES
    training: tuple[TrainingWanted, ...] = ()
    extra_days: tuple[ExtraDay, ...] = ()

    @property
    def team(self) -> str:
        return self.team_.value

    @property
    def deciding_bodies(self) -> tuple[str, ...]:
        return self.deciding_bodies_.value

    @property
    def case_visibility(self) -> Literal["all_seats", "involved"]:
        return self.case_visibility_.value

    @property
    def statutory_only(self) -> bool:
        return self.statutory_only_.value

    @property
    def research_systems(self) -> tuple[str, ...]:
        return self.research_systems_.value

    @property
    def research_again_days(self) -> int:
        """For how many days a look into a police system may stand for another meeting."""
        return self.research_again_days_.value

    @property
    def check_reminders(self) -> tuple[int, ...]:
        """The working days on which agencies are reminded of their checks: -1 is the one before they are due."""
        return self.check_reminders_.value

    @property
    def default_body(self) -> BodyPolicy:
        """The first body: the one meant where none is named."""
        return self.bodies[0]

    @property
    def deciding_body(self) -> BodyPolicy:
        """The body that takes people onto the scheme unless another is chosen."""
        return self.body(self.deciding_bodies[0])

    def body(self, slug: str) -> BodyPolicy:
        """The body of that slug; KeyError with the known slugs if there is none."""
        for body in self.bodies:
            if body.slug == slug:
                return body
        raise KeyError(f"no body {slug!r}; choose from: {', '.join(b.slug for b in self.bodies)}")

    def powers(self, slug: str) -> frozenset[Power]:
        """What the body of that slug decides: its own powers, and those that joining and leaving give it."""
        powers = set(self.body(slug).decides)
        if slug in self.deciding_bodies:
            powers |= {"admission", "exit"}
        if slug == self.exit.decided_by:
            powers.add("exit")
        return frozenset(powers)

    def criteria(self, name: str | None = None) -> Criteria:
        """The criteria of that name, or those in force by default; KeyError with the known names if none."""
        if name is None:
            return self.eligibility[0]
        for criteria in self.eligibility:
            if criteria.name == name:
                return criteria
        raise KeyError(f"no criteria {name!r}; choose from: {', '.join(c.name for c in self.eligibility)}")

    @property
    def criteria_in_force(self) -> tuple[Criteria, ...]:
        """The criteria for which somebody can be nominated: most schemes have one set (Richmond two, each its body)."""
        return tuple(each for each in self.eligibility if each.state == "in_force")

    def rating(self, colour: str) -> Rating:
        """The rating of that colour; KeyError if the scheme does not use it."""
        return {str(rating.colour): rating for rating in self.ratings}[colour]

    def engagement_level(self, slug: str) -> EngagementLevel | None:
        """The level of that slug; None for one that the scheme has no more."""
        return next((level for level in self.engagement_levels if level.slug == slug), None)

    def tactics(self, colour: str) -> tuple[TacticalOption, ...]:
        """What the rating suggests doing."""
        return tuple(option for option in self.tactical_options if option.rating == colour)

    def review(self, kind: str) -> Review | None:
        """The first review of that kind, if the scheme has one."""
        return next((review for review in self.reviews if review.kind == kind), None)

    def lead(self, role: str) -> LeadRole | None:
        """What the scheme says of that role, if it has it."""
        return next((lead for lead in self.leads if lead.role == role), None)

    @model_validator(mode="after")
    def _names_fit(self) -> Policy:
        problems = [*_repeated(self), *_dangling(self), *_colours(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _repeated(policy: Policy) -> list[str]:
    named: dict[str, list[str]] = {
        "bodies": [body.slug for body in policy.bodies],
        "eligibility": [criteria.name for criteria in policy.eligibility],
        "exclusions": [clause.name for clause in policy.exclusions],
        "ratings": [str(rating.colour) for rating in policy.ratings],
        "pathways": [pathway.slug for pathway in policy.pathways],
        "engagement_levels": [level.slug for level in policy.engagement_levels],
        "sub_cohorts": [cohort.slug for cohort in policy.sub_cohorts],
    }
    for criteria in policy.eligibility:
        named[f"eligibility[{criteria.name}].clauses"] = [clause.name for clause in criteria.clauses]
    return [
        f"{key}: {name!r} stands twice; give each its own name"
        for key, names in named.items()
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]


def _dangling(policy: Policy) -> list[str]:
    """References to a body, exclusion or clause that is not there."""
    bodies = {body.slug for body in policy.bodies}
    exclusions = {clause.name for clause in policy.exclusions}
    asked: list[tuple[str, str | None, set[str]]] = [
        *(("deciding_bodies", slug, bodies) for slug in policy.deciding_bodies),
        ("exit.decided_by", policy.exit.decided_by, bodies),
        ("escalation.to_body", policy.escalation.to_body, bodies),
        ("youth_route.body", policy.youth_route.body if policy.youth_route else None, bodies),
        *((f"reviews[{review.kind}].body", review.body, bodies) for review in policy.reviews),
        *((f"eligibility[{c.name}].body", c.body, bodies) for c in policy.eligibility),
    ]
    for body in policy.bodies:
        asked += [(f"bodies[{body.slug}].same_day", slug, bodies) for slug in body.same_day]
        asked.append((f"bodies[{body.slug}].attendance.reviewed_by", body.attendance.reviewed_by, bodies))
    for criteria in policy.eligibility:
        clauses = {clause.name for clause in criteria.clauses}
        asked += [(f"eligibility[{criteria.name}].exclusions", name, exclusions) for name in criteria.exclusions]
        asked += [
            (f"eligibility[{criteria.name}].clauses[{clause.name}].opens_after", clause.opens_after, clauses)
            for clause in criteria.clauses
        ]
    problems = [
        f"{key}: there is no {name!r}; choose from: {', '.join(sorted(known)) or 'nothing, none is defined'}"
        for key, name, known in asked
        if name is not None and name not in known
    ]
    if not policy.deciding_bodies:
        problems.append("deciding_bodies: name at least one body")
    return problems


def _colours(policy: Policy) -> list[str]:
    colours = {rating.colour for rating in policy.ratings}
    problems = []
    if policy.blue.used != ("BLUE" in colours):
        problems.append("blue.used: must be true exactly when `ratings` has BLUE")
    named = {policy.first_rating.colour} | {option.rating for option in policy.tactical_options}
    named |= {colour for marker in policy.markers for colour in marker.colours}
    named |= {colour for body in policy.bodies for colour in body.agenda_rule.focus}
    missing = sorted(colour for colour in named - {None} - colours if colour)
    if missing:
        problems.append(f"ratings: {', '.join(missing)} is used elsewhere but not defined here")
    return problems
