"""A scheme's year, lived through with the verbs that people use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from actionplans import actions as plans
from actionplans.models import Action, ActionStatus
from iom import clock
from iom.access import Actor, actor_for
from iom.clock import LONDON, as_of
from iom.files.judging import judge
from iom.models import Agency, Body, Counter, Meeting, Membership, Scheme
from iom.policy import Policy
from iom.working_days import add_months, holidays_of
from offenders import actions as cases
from offenders import restricted
from offenders.leads import propose_lead_agency
from offenders.models import AssignmentRole, Case, CaseStatus, Colour, CustodyPeriod, Gender, Offender
from panels import (
    agenda,
    agreement,
    attendance,
    chairing,
    circulation,
    meetings,
    minutes,
    notices,
    outside,
    planning,
    recording,
    voting,
)
from panels.choices import ASKS_HARM
from panels.decide import Choice, Lead, LookedAt, NewAction, decide
from panels.models import AgendaItem, Attendance, Consulted, Harm, How, Notice, Outcome, Section, Side
from panels.presence import voters_at
from panels.record import fingerprint, record_of
from panels.suggesting import add_suggested, suggestions
from referrals import actions as referrals
from referrals import deciding, ovp, ovp_scoring, papers, research, returns, scoring
from referrals.forms.nomination import excluding_flags
from referrals.models import CheckRequest, MainDriver, Referral, Supervision
from referrals.sections import SECTIONS

from . import agendas, board, bodies, day_to_day, leads, names, room, services, ways_out
from . import plans as about_plans
from .between import between_schemes
from .custody import write_custody
from .marks import Mark
from .people import Staff
from .ratings import rate_between_panels
from .timelines import write_timelines

DAY = timedelta(days=1)
# Home Office codes of what these people are convicted of: burglary of a home, theft from a shop, taking a vehicle, robbery.
OFFENCES = ("02801", "04600", "04801", "03401", "03001", "04910")


# Older panels asked fewer agencies and went through fewer people: what is looked at first is told in full.
ASKED_BEFORE = ("police", "probation", "housing", "health")
SHORT, LONG, WHOLE = 2, 6, 24
# Of panels further back nobody reads what the police systems held.
LOOKED_UP = 45


@dataclass(frozen=True, slots=True)
class Size:
    """How much life a demonstration scheme has had, and where it stands today."""

    founders: int
    panels: int
    nominations: int
    board_met: bool = False
    minutes_with_chair: bool = False
    agenda_sent: bool = False
    # How many plain reviews the latest panel went through.
    reviews: int = WHOLE


@dataclass(slots=True)
class Life:
    """One scheme with everything that happens in it. `today` is the day on which the demonstration is looked at.

    `mark` goes over every name and text that somebody would have typed.
    """

    scheme: Scheme
    staff: Staff
    dice: Random
    today: date
    size: Size
    mark: Mark = field(default_factory=Mark)
    policy: Policy = field(init=False)
    body: Body = field(init=False)
    unused: list[tuple[str, str, str]] = field(init=False)
    # What happens between panels, and to whom the panels leave the colour that they have.
    to_come: list[tuple[date, Callable[[date], None]]] = field(init=False, default_factory=list)
    settled: set[int] = field(init=False, default_factory=set)
    scheme_began: date = field(init=False)
    considered: int = field(init=False, default=0)
    voted: int = field(init=False, default=0)
    asked_harm: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.policy = self.scheme.policy
        self.body = Body.objects.get(scheme=self.scheme, position=0)
        men = [(given, family, Gender.MALE) for given in names.GIVEN_MEN for family in names.FAMILY]
        women = [(given, family, Gender.FEMALE) for given in names.GIVEN_WOMEN for family in names.FAMILY]
        self.dice.shuffle(men)
        self.dice.shuffle(women)
        # About one in twelve of a cohort is a woman.
        self.unused = [women.pop() if number % 12 == 5 else men.pop() for number in range(400)]

    # --- Who acts, and when ---------------------------------------------------------

    @property
    def coordinator(self) -> Actor:
        return self.staff.actor("coordinator")

    @property
    def chair(self) -> Membership:
        return self.staff.named["chair"]

    def at(self, day: date, hour: int = 11, minute: int = 0) -> as_of:
        """The clock moved to a time of day in London."""
        return as_of(datetime.combine(day, time(hour, minute), LONDON))

    def words(self, sentences: Sequence[str]) -> str:
        """One of these, as somebody would have typed it here."""
        return self.mark(self.dice.choice(sentences))

    def working_day(self, day: date) -> date:
        """`day`, or the next on which people work."""
        holidays = holidays_of(self.policy)
        while holidays.why_closed(day):
            day += DAY
        return day

    def last_working_day(self, day: date) -> date:
        """`day`, or the last before it on which people work."""
        holidays = holidays_of(self.policy)
        while holidays.why_closed(day):
            day -= DAY
        return day

    # --- The year -------------------------------------------------------------------

    def live(self, say: Callable[[str], None]) -> None:
        """Everything from the start of the scheme to today."""
        days = self.meeting_days()
        past = [day for day in days if day < self.today]
        coming = [day for day in days if day >= self.today]
        start = self.scheme_began = self.working_day(past[0] - timedelta(days=30))
        with self.at(start, 9):
            for day in days:
                self.plan(self.body, day)
            self.plan_other_bodies()
        bodies.appoint(self)
        with self.at(start, 14):
            self.found_the_cohort(start)
        self.foresee(coming[0])
        before = start
        for number, day in enumerate(past):
            self.until(day)
            self.panel(day, before, last=len(past) - number)
            say(f"panel of {day:%-d %B %Y}")
            before = day
        self.until(self.today)
        sitting = self.plan_board(self.last_working_day(self.today - 6 * DAY)) if self.size.board_met else None
        board.ask(self)
        if sitting is not None:
            self.board_sits(sitting)
        self.present(coming[0], before)
        bodies.ask_and_train(self)
        with self.at(self.last_working_day(self.today - DAY), 15):
            between_schemes(self)
            write_timelines(self)
            day_to_day.keep_up(self)
            write_custody(self)
            ways_out.show(self)
            leads.views(self)
            leads.hand_overs(self)
            rate_between_panels(self)
        services.furnish(self)
        board.report(self)

    def meeting_days(self) -> list[date]:
        """The panel's days: the next one about a week from today, the others before and after in its own rhythm."""
        cadence = self.policy.default_body.cadence
        # Nominations close ten days before: with the next panel no further away, one that comes now is late.
        following = self.last_working_day(self.today + 8 * DAY)
        numbers = range(-self.size.panels, 3)
        if cadence.unit == "month":
            days = [same_weekday(following, number * cadence.every) for number in numbers]
        else:
            days = [following + timedelta(weeks=number * cadence.every) for number in numbers]
        return sorted({self.working_day(day) for day in days})

    def until(self, day: date) -> None:
        """What happened between panels, up to the day before `day`."""
        due = sorted((one for one in self.to_come if one[0] < day), key=lambda one: one[0])
        self.to_come = [one for one in self.to_come if one[0] >= day]
        for on, happens in due:
            happens(on)
        self.let_out(day)

    def foresee(self, coming: date) -> None:
        """Somebody goes Green so that the scheme's months end at the next panel; somebody nearly out is sent down."""
        months = self.policy.exit.green_months
        if months is not None:
            self.to_come.append((add_months(coming - 3 * DAY, -months), self.settle))
        if self.policy.blue.used:
            self.to_come.append((self.today - 40 * DAY, lambda on: self.sent_down(on, release=coming + 5 * DAY)))

    def plan(self, body: Body, day: date) -> Meeting:
        policy = self.policy.body(body.slug)
        return meetings.plan(
            body=body,
            on=day,
            starts_at=policy.sitting.start_time,
            minutes_long=policy.sitting.minutes,
            place=self.mark(policy.venue or "Civic Centre, committee room 2"),
            chair=self.chair,
            by=self.coordinator,
        )

    def plan_other_bodies(self) -> None:
        """The next sitting of each board and team meeting."""
        together = {one.pk for one in planning.same_day_group(self.body)}
        for body in Body.objects.filter(scheme=self.scheme, position__gt=0).order_by("position"):
            if body.pk in together:
                planning.keep_planned(body, self.today, by=self.coordinator)
                continue
            self.plan(body, self.working_day(self.today + timedelta(days=5 + 4 * body.position)))

    def panel(self, day: date, before: date, *, last: int) -> None:
        """One panel: nominations, checks, agenda, meeting, minutes. `last` is 1 for the latest, 2 for the one before."""
        meeting = Meeting.objects.get(scheme=self.scheme, body=self.body, date=day)
        lead_in = min(20, (day - before).days - 1)
        sent_on = self.last_working_day(min(day - timedelta(days=lead_in), self.closing(meeting) - DAY))
        triaged_on = self.working_day(sent_on + 2 * DAY)
        nominated = [self.nominate(sent_on) for _ in range(self.size.nominations + (last == 1))]
        for referral in nominated:
            self.put_to_panel(referral, meeting, triaged_on, everyone=last == 1)
        answered_on = self.last_working_day(meeting.dates.checks_due.date - DAY)
        self.answer_checks(meeting, max(triaged_on, answered_on), everyone=True)
        with self.at(max(triaged_on, self.last_working_day(day - min(7, lead_in) * DAY)), 17):
            self.build_agenda(meeting, reviews={1: self.size.reviews, 2: LONG}.get(last, SHORT))
            agenda.send_agenda(meeting, by=self.coordinator)
        self.hold(meeting, put_off=nominated[0] if last == 1 else None, lively=last == 2)
        self.write_up(meeting, sign=not (last == 1 and self.size.minutes_with_chair))
        self.work_on_actions(day)
        self.lock_up(day)

    def closing(self, meeting: Meeting) -> date:
        """The last day on which a nomination comes in time."""
        return meeting.dates.nominations_close.date or meeting.date - timedelta(days=10)

    def plan_board(self, day: date) -> Meeting:
        """A sitting of the board, planned before anything was asked of it."""
        body = Body.objects.get(scheme=self.scheme, position=1)
        with self.at(day - 60 * DAY, 9):
            return self.plan(body, day)

    def board_sits(self, meeting: Meeting) -> None:
        """A sitting of the board whose minutes wait for its chair."""
        with self.at(meeting.date - 7 * DAY, 9):
            agenda.send_agenda(meeting, by=self.coordinator)
        self.hold(meeting)
        self.write_up(meeting, sign=False)

    # --- People ---------------------------------------------------------------------

    def somebody(self, by: Actor) -> Offender:
        given, family, gender = self.unused.pop()
        born = date(self.today.year - self.dice.randint(19, 46), self.dice.randint(1, 12), self.dice.randint(1, 28))
        number = self.dice.randint(100000, 999999)
        return cases.add_offender(
            by=by,
            family_name=self.mark(family),
            given_names=self.mark(given),
            date_of_birth=born,
            gender=gender,
            aliases=[self.mark(f"{given[:3]}o {family}")] if self.dice.random() < 0.2 else [],
            pnc_number=f"{born.year % 100:02}/{number}{self.dice.choice('ABCDEFGHJK')}",
            probation_number=f"X{number}",
            address=self.mark(f"{self.dice.randint(1, 180)} {self.dice.choice(names.STREETS)}"),
            area=self.words(names.WARDS),
        )

    def found_the_cohort(self, on: date) -> None:
        """Those who were managed before the scheme began to work here."""
        by = self.coordinator
        for number in range(self.size.founders):
            with self.at(on, 14):
                offender = self.somebody(by)
                driver = self.dice.choice([MainDriver.ADDICTION, MainDriver.OTHER])
                statutory = self.policy.statutory_only or self.dice.random() < 0.6
                # Accepted long before the first panel here, so their first rating is behind them.
                colour = ("RED", "AMBER", "RED", "AMBER", "GREEN")[number % 5]
                score = self.dice.randint(75, 96)
                accepted = self.last_working_day(on - timedelta(days=self.dice.randint(0, 300)))
                case = cases.accept(
                    offender=offender,
                    meeting=None,
                    on=accepted,
                    why=self.words(names.EVIDENCE),
                    criterion=self.policy.criteria().clauses[0].name,
                    score=score,
                    score_on=accepted,
                    statutory=statutory,
                    colour=colour,
                    reason=self.words(names.REASONS[colour]),
                    policy_version=self.scheme.policy_version,
                    by=by,
                )
                self.give_leads(case, statutory, driver, accepted, by)
                plan = plans.start_plan(case, by=by)
                for pathway in self.dice.sample(self.policy.pathways, 2):
                    level = self.dice.choice(["some", "high", "high"])
                    plans.set_need(plan, pathway.slug, level=level, goal=self.words(names.GOALS), by=by)
                if number < 3:
                    about_plans.offered(self, case, on=accepted)
                plans.agree_plan(case, meeting=None, on=accepted, by=by)
                for action in self.new_actions(on, 1):
                    kind = ("support", "enforcement", "protection", "")[number % 4]
                    plans.add_action(
                        case=case,
                        text=action.text,
                        agency=action.agency,
                        due_on=action.due_on,
                        owner=action.owner,
                        pathway=action.pathway,
                        kind=kind,
                        by=by,
                    )

    def give_leads(self, case: Case, statutory: bool | None, driver: str, on: date, by: Actor) -> None:
        for role, lead in self.leads(statutory, driver).items():
            cases.assign(case, role, agency=lead.agency, membership=lead.membership, reason=lead.reason, on=on, by=by)

    def leads(self, statutory: bool | None, driver: str) -> dict[str, Lead]:
        """Lead agency by the scheme's rule, a lead professional of it, and a police officer."""
        proposal = propose_lead_agency(self.policy, statutory=statutory, main_driver=driver)
        kind = proposal.agency_kind or self.dice.choice(["probation", "police"])
        people = self.staff.officers(kind) or self.staff.officers("probation") or self.staff.officers("police")
        leader = self.dice.choice(people)
        officer = self.dice.choice(self.staff.officers("police"))
        return {
            AssignmentRole.LEAD_AGENCY: Lead(leader.agency, reason=self.mark(proposal.reason)),
            AssignmentRole.LEAD_PROFESSIONAL: Lead(leader.agency, leader),
            AssignmentRole.POLICE_OFFICER: Lead(officer.agency, officer),
        }

    # --- Nominations ----------------------------------------------------------------

    def nominate(
        self, on: date, *, finish: bool = True, urgent_for: Meeting | None = None, mild: bool = False
    ) -> Referral:
        """A nomination by one of the agencies, sent unless `finish` is false; late if it is urgent for a meeting."""
        sign_in = self.dice.choice(["police", "probation", "housing"])
        by = self.staff.actor(sign_in)
        with self.at(on, 10, self.dice.randint(0, 59)):
            offender = self.somebody(by)
            known = dict.fromkeys(excluding_flags(self.policy), False)
            referral = referrals.start(by=by, offender=offender, mappa_level=0, facts=known)
            born = offender.date_of_birth
            age = on.year - born.year - 1
            facts = {
                "gender": offender.gender,
                "in_custody": False,
                "supervision": Supervision.YES
                if self.policy.statutory_only or self.dice.random() < 0.7
                else Supervision.NO,
                "evidence": self.words(names.EVIDENCE),
                "benefit": self.words(names.BENEFIT),
                "main_driver": self.dice.choice([MainDriver.ADDICTION, MainDriver.ADDICTION, MainDriver.OTHER]),
                "harm": self.words(names.HARM),
                "high_risk_of_harm": self.dice.random() < 0.2,
                "safeguarding": self.mark("Asked children's services: no child at the address."),
                "needs": {
                    p.slug: self.mark("Needs help with this now.") for p in self.dice.sample(self.policy.pathways, 2)
                },
                "offence_code": self.dice.choice(OFFENCES),
                "convicted_on": on - timedelta(days=self.dice.randint(20, 120)),
                "follow_up_from": on - timedelta(days=self.dice.randint(1, 19)),
                "sanctions": 4 if mild else self.dice.randint(16, 34),
                "first_sanction_age": max(10, min(age - 5, self.dice.randint(12, 17))),
                "presenter": by.user.name,
            }
            if self.policy.nomination.which_clause:
                facts["proposed_clause"] = self.policy.criteria().clauses[0].name
            for section in SECTIONS[: 7 if finish else 4]:
                asked = {*section.offender, *section.referral}
                referral = referrals.save_section(
                    referral, section, by=by, done=True, **{k: v for k, v in facts.items() if k in asked}
                )
            if urgent_for is not None:
                referral = referrals.save_section(
                    referral, "late", by=by, done=True, meeting=urgent_for, urgent_reason=self.mark(names.URGENT)
                )
            return referrals.send(referral, by=by) if finish else referral

    def answer_the_rules(self, referral: Referral, by: Actor) -> None:
        """What the scheme's own clauses ask beyond the score, as the team would answer for somebody who fits."""
        burglary = {"type": "burglary", "date": (self.today - 200 * DAY).isoformat(), "in_community": True}
        answers = {
            "repeat_offender": True,
            "prolific": True,
            "would_benefit": True,
            "force_priority": False,
            "offences": [burglary],
            "high_risk_of_harm": referral.high_risk_of_harm,
        }
        if told := {fact: answers[fact] for fact in scoring.questions(referral) if fact in answers}:
            because = names.JUDGED_HIGH if referral.high_risk_of_harm else names.JUDGED_NOT_HIGH
            scoring.record_facts(referral, by=by, harm_because=self.mark(because), **told)

    def score_violence(self, referral: Referral, by: Actor) -> None:
        """OVP, where the scheme works with it and the person is of age."""
        if not ovp_scoring.is_used(self.policy):
            return
        some, none = ovp.Level.SOME_PROBLEMS, ovp.Level.NO_PROBLEMS
        changed = ovp_scoring.change_facts(
            referral,
            by=by,
            total_number_of_violent_sanctions=min(3, referral.sanctions or 0),
            recognises_impact_on_others=referral.pk % 2 == 0,
            no_fixed_abode_or_transient=referral.pk % 3 == 0,
            unemployed=True,
            current_alcohol_use_problems=some if referral.pk % 2 else none,
            excessive_alcohol_use=none,
            current_psychiatric_treatment=False,
            temper_control=some,
            pro_criminal_attitudes=some,
        )
        if not ovp_scoring.obstacles(changed, clock.today()):
            ovp_scoring.score(changed, by=by)

    def put_to_panel(self, referral: Referral, meeting: Meeting, on: date, *, everyone: bool = True) -> None:
        """Triage by the coordinator: score, findings, the panel, and who is asked."""
        by = self.coordinator
        with self.at(on, 16):
            scoring.score_ogrs3(referral, by=by)
            self.score_violence(referral, by)
            self.answer_the_rules(referral, by)
            scoring.assess(referral, by=by)
            core = Agency.objects.filter(scheme=self.scheme, core=True).order_by("pk")
            asked = core if everyone else core.filter(kind__in=ASKED_BEFORE)
            referrals.put_to_panel(referral, meeting=meeting, agencies=asked, by=by)

    def answer_checks(self, meeting: Meeting, on: date, *, everyone: bool) -> None:
        """The agencies' returns, one of them late; unless `everyone`, some have not answered yet."""
        waiting = CheckRequest.objects.filter(meeting=meeting, answer=None).select_related("agency", "offender")
        by_agency: dict[int, list[CheckRequest]] = {}
        for request in waiting.order_by("pk"):
            by_agency.setdefault(request.agency_id, []).append(request)
        for number, (agency, requests) in enumerate(by_agency.items()):
            if everyone or number % 3 != 1:
                day = self.working_day(on + 2 * DAY) if everyone and number == 4 else on
                self.answer_for(actor_for(self.staff.contact(agency)), meeting, requests, day)

    def answer_for(self, by: Actor, meeting: Meeting, requests: list[CheckRequest], on: date) -> None:
        kind = by.agency.kind
        with self.at(on, 16, self.dice.randint(10, 59)):
            for request in requests:
                if kind in names.SUMMARIES and self.dice.random() < 0.55:
                    returns.save_return(
                        request,
                        by=by,
                        known="now",
                        last_contact=on - timedelta(days=self.dice.randint(2, 60)),
                        summary=self.mark(names.SUMMARIES[kind]),
                        risk_to_others=False,
                        handling="police_probation" if kind == "police" and self.dice.random() < 0.4 else "panel",
                    )
            returns.mark_rest_not_known(meeting, by=by)
            returns.send_return(meeting, by=by)
            if kind == "police" and meeting.date >= self.today - LOOKED_UP * DAY:
                self.look_up(by, meeting, requests)

    def look_up(self, by: Actor, meeting: Meeting, requests: list[CheckRequest]) -> None:
        """The police systems: of the next panel the last person is still to be looked up."""
        left = requests[-1:] if meeting.date > self.today and len(requests) > 1 else []
        for number, request in enumerate(requests):
            for system, (handling, words) in names.FINDINGS.items():
                if number % 2 == 0 and request not in left and system in self.policy.research_systems:
                    research.save_check(
                        meeting,
                        request.offender,
                        system,
                        by=by,
                        result="found",
                        finding=self.mark(words),
                        handling=handling,
                    )
            if request not in left:
                research.mark_rest_clear(meeting, request.offender, by=by)

    # --- The meeting ----------------------------------------------------------------

    def build_agenda(self, meeting: Meeting, *, reviews: int) -> None:
        """What is suggested, with at most so many plain reviews."""
        by = self.coordinator
        found = suggestions(meeting, by)
        keys = [one.key for one in (*found.nominated, *found.pressing)]
        routine = [one.key for one in found.reviews if one.routine]
        keys += routine[:reviews]
        if keys:
            add_suggested(meeting, keys, by=by)
        for item in AgendaItem.objects.filter(meeting=meeting, late=True, late_agreed_by=None):
            agenda.agree_late(item, by=actor_for(self.chair))

    def hold(self, meeting: Meeting, *, put_off: Referral | None = None, lively: bool = False) -> None:
        """The meeting, item by item; the panel puts off its decision on one nomination.

        A `lively` one has another chair, a late arrival, an interest and guests.
        """
        by = self.coordinator
        day = meeting.date
        with self.at(day, 9, 45):
            self.take_attendance(meeting)
            if lively:
                room.chair_is_away(self, meeting)
            recording.start(meeting, by=by)
            if lively:
                room.comings_and_goings(self, meeting)
        minute = 0
        items = AgendaItem.objects.filter(meeting=meeting).numbered()
        for item in items.select_related("referral__offender", "case__offender"):
            minute += 3
            with self.at(day, 10 + minute // 60, minute % 60):
                self.decide(item, by, put_off=put_off)
        with self.at(day, 13):
            recording.close(meeting, by=by)

    def take_attendance(self, meeting: Meeting) -> None:
        """Who came; and who of them signed the sharing agreement, where each meeting asks for it."""
        came = []
        for place in attendance.places(meeting):
            if place.membership is None:
                continue
            roll = self.dice.random()
            how = (
                "present" if roll < 0.72 or place.membership == self.chair else "remote" if roll < 0.84 else "apologies"
            )
            came.append(attendance.Came(place.key, how))
        attendance.take_attendance(meeting, came, by=self.coordinator)
        if meeting.body.policy.agreement.signed == "each_meeting":
            self.sign_agreement(meeting)

    def sign_agreement(self, meeting: Meeting) -> None:
        statements = self.policy.sharing_agreement.statements
        here = Attendance.objects.filter(meeting=meeting, how__in=["present", "remote"])
        for row in here.exclude(membership=None).select_related(
            "membership__user", "membership__agency", "membership__scheme"
        ):
            actor = actor_for(row.membership)
            if actor.can("panels.sign_agreement", meeting):
                agreement.sign(meeting, by=actor, typed_name=actor.user.name, agreed=[True] * len(statements))

    def decide(self, item: AgendaItem, by: Actor, *, put_off: Referral | None) -> None:
        if item.section == Section.OUTSIDE:
            choice = Choice(Outcome.RATIFY)
        elif item.section == Section.REFERRALS:
            choice = self.put_off() if item.referral == put_off else self.choice_on_referral(item)
        elif item.case_id is not None:
            choice = self.choice_on_case(item)
        elif item.section == Section.LAST_MINUTES:
            choice = self.choice_on_minutes(item)
        elif (made := board.choice_on(self, item)) is not None:
            choice = made
        else:
            choice = Choice(Outcome.NOTED, note=self.mark(names.NOTED.get(item.section, "Nothing was raised.")))
        decide(item, self.as_the_body_decides(item, choice), by=by)

    def as_the_body_decides(self, item: AgendaItem, choice: Choice) -> Choice:
        """With the risk of harm said for every case, and a vote now and then where the body votes."""
        if item.section in ASKS_HARM:
            choice = replace(choice, **self.harm(item))
        rule = self.policy.body(item.meeting.body.slug).decision_rule
        if voting.MAJORITY not in voting.ways(rule) or choice.outcome not in (Outcome.ACCEPT, Outcome.CHANGE_RATING):
            return choice
        self.voted += 1
        voters = voters_at(item.meeting, item)
        if self.voted % 3 or len(voters) < 2:
            return choice
        # Every second vote is tied, with the others abstaining: it goes to whoever chairs.
        tied = self.voted % 2 == 0
        sides = [Side.FOR, Side.AGAINST if tied else Side.FOR, *[Side.ABSTAIN if tied else Side.FOR] * len(voters)]
        return replace(
            choice,
            how=How.MAJORITY,
            votes=tuple(zip(voters, sides, strict=False)),
            casting=Side.FOR if tied else "",
            vote_note=self.mark("Probation asked for a vote."),
        )

    def harm(self, item: AgendaItem) -> dict[str, Any]:
        """What was said of the risk of harm: now and then a concern, that somebody deals with."""
        self.asked_harm += 1
        if self.asked_harm % 6:
            return {"harm": Harm.NONE}
        words = self.mark("Threats to a neighbour were reported.")
        agency = Agency.objects.filter(scheme=self.scheme, kind="police").order_by("pk").first()
        return {"harm": Harm.CONCERN, "harm_words": words, "harm_agency": agency}

    def choice_on_minutes(self, item: AgendaItem) -> Choice:
        """Every third month something was not put down right."""
        if item.meeting.date.month % 3:
            return Choice(Outcome.TRUE_RECORD)
        return Choice(
            Outcome.CORRECTIONS, reason=self.mark("The housing officer joined by telephone, not in the room.")
        )

    def put_off(self) -> Choice:
        return Choice(
            Outcome.DEFER,
            reason=self.mark("Two agencies had not been able to check in time."),
            reason_for_referrer=self.mark("Two agencies need more time for their checks."),
            score_agreed=True,
        )

    def choice_on_referral(self, item: AgendaItem) -> Choice:
        referral = item.referral
        score = scoring.current_score(referral.offender)
        self.considered += 1
        if self.considered % 7 == 4 or (score is not None and score.pct_2yr < 50):
            return Choice(
                Outcome.NOT_ACCEPT,
                reason=self.mark("The score is below the rule and no other ground was shown."),
                reason_for_referrer=self.mark(
                    "The panel did not find that the rule was met. You can nominate again if that changes."
                ),
                score_agreed=True,
            )
        colour = self.policy.first_rating.colour or self.dice.choice(["RED", "RED", "AMBER"])
        statutory = {Supervision.YES: True, Supervision.NO: False}.get(referral.supervision)
        return Choice(
            Outcome.ACCEPT,
            colour=colour,
            reason=self.words(names.REASONS[colour]),
            evidence=self.mark(names.SHOWN),
            reason_for_referrer=self.mark("The panel accepted this nomination."),
            score_agreed=True,
            leads=self.leads(statutory, referral.main_driver),
            actions=tuple(self.new_actions(item.meeting.date, 2)),
        )

    def choice_on_case(self, item: AgendaItem) -> Choice:
        case, on = item.case, item.meeting.date
        looked_at = tuple(self.look_at(case, on))
        # An extra meeting may be held after one of a later day: what that one decided stands.
        settled = case.pk in self.settled or case.rating.starts_on > on
        if item.section == Section.EXITS and not settled and self.dice.random() < 0.8:
            reason = self.mark("Six months without concern. Mainstream services go on.")
            return Choice(Outcome.REMOVE, reason=reason, looked_at=looked_at)
        # Rated anew since the meeting was held, by custody for one: the meeting leaves that alone.
        stays = settled or case.rating.starts_on > on
        colour = case.rating.colour if stays else self.colour_now(case, on)
        if colour != case.rating.colour:
            return Choice(
                Outcome.CHANGE_RATING,
                colour=colour,
                reason=self.words(names.REASONS[colour]),
                evidence=self.mark(names.SHOWN),
                looked_at=looked_at,
                actions=tuple(self.new_actions(on, 1)),
            )
        actions = tuple(self.new_actions(on, 1)) if self.dice.random() < 0.35 else ()
        note = self.words(names.NOTES[colour]) if self.dice.random() < 0.6 else ""
        return Choice(Outcome.NO_CHANGE, note=note, looked_at=looked_at, actions=actions)

    def colour_now(self, case: Case, on: date) -> str:
        """What the panel thinks of somebody: now and then something else, and always for someone who is out again."""
        present = case.rating.colour
        if present == Colour.BLUE:
            inside = case.custody_periods.filter(released_on=None).exists()
            return present if inside else self.dice.choice(["RED", "AMBER"])
        return self.another_colour(present) if self.dice.random() < 0.16 else present

    def another_colour(self, present: str) -> str:
        return self.dice.choice({"RED": ["AMBER", "AMBER", "GREEN"], "AMBER": ["RED", "GREEN"]}.get(present, ["AMBER"]))

    def look_at(self, case: Case, on: date) -> list[LookedAt]:
        found = []
        for action in Action.objects.filter(case=case, due_on__lte=on).to_do():
            roll = self.dice.random()
            if roll < 0.75:
                found.append(LookedAt(action, ActionStatus.DONE, self.mark("Done since the last panel.")))
            elif roll < 0.85:
                found.append(LookedAt(action, ActionStatus.NO_LONGER, self.mark("In custody since, so not possible.")))
        return found

    def new_actions(self, on: date, count: int) -> list[NewAction]:
        known = [pathway.slug for pathway in self.policy.pathways]
        made = []
        for kind, pathway, text in self.dice.sample(names.ACTIONS, len(names.ACTIONS)):
            owner = next(iter(self.staff.of(kind)), None)
            if owner is not None and len(made) < count:
                due = self.working_day(on + timedelta(days=self.dice.choice([7, 14, 21, 28])))
                slug = next((p for p in known if pathway and pathway in p), "")
                made.append(
                    NewAction(self.mark(text[0].upper() + text[1:]), owner.agency, due, owner=owner, pathway=slug)
                )
        return made

    def write_up(self, meeting: Meeting, *, sign: bool) -> None:
        """Minutes to the chair, signed some days later; notices to the referrers, who open them."""
        written_on = self.working_day(meeting.date + DAY)
        signed_on = max(self.working_day(meeting.date + 3 * DAY), written_on)
        if written_on >= self.today:
            return
        with self.at(written_on, 10):
            sent = minutes.send_to_chair(minutes.latest(meeting), by=self.coordinator)
        if not sign or signed_on >= self.today:
            return
        with self.at(signed_on, 17):
            chair = chairing.chair_of(meeting)
            minutes.sign(
                sent,
                by=actor_for(chair),
                typed_name=chair.user.name,
                record_sha256=fingerprint(record_of(sent)),
                fresh=True,
            )
            if any(not draft.sent for draft in notices.drafts(meeting, seen_by=self.coordinator)):
                notices.send(meeting, {}, by=self.coordinator)
        with self.at(signed_on, 18):
            for notice in Notice.objects.filter(meeting=meeting, sent_at__isnull=False).select_related(
                "recipient__user"
            ):
                if signed_on < self.today - 21 * DAY:
                    notices.mark_opened(notice, by=actor_for(notice.recipient))

    # --- Between panels -------------------------------------------------------------

    def work_on_actions(self, day: date) -> None:
        """Agencies finish most of what was promised, some of it late."""
        later = self.working_day(day + timedelta(days=14))
        if later >= self.today:
            return
        with self.at(later, 15):
            for case in Case.objects.filter(scheme=self.scheme, status=CaseStatus.LEAVING).order_by("pk"):
                cases.close(
                    case,
                    on=later,
                    outcome=self.policy.exit.endings[0].slug,
                    reason=self.mark("The exit strategy is in place."),
                    by=self.coordinator,
                )
            for action in Action.objects.filter(scheme=self.scheme, due_on__lte=later).to_do().select_related("agency"):
                if self.dice.random() < 0.6:
                    plans.update_action(action, status=ActionStatus.DONE, note="", by=self.coordinator)

    def lock_up(self, day: date) -> None:
        """One or two go to prison between panels, some months nobody."""
        if not self.policy.blue.used:
            return
        free = list(Case.objects.filter(scheme=self.scheme, custody_periods=None).not_closed().order_by("pk"))
        free = [case for case in free if case.pk not in self.settled]
        for case in self.dice.sample(free, min(self.dice.choice([0, 0, 1, 1, 2]), len(free))):
            on = day + timedelta(days=self.dice.randint(2, 12))
            if on < self.today:
                with self.at(on, 9):
                    self.into_custody(case, on, on + timedelta(days=self.dice.randint(120, 500)))

    def let_out(self, by_then: date) -> None:
        """Those whose day of release has come."""
        out = CustodyPeriod.objects.filter(
            case__scheme=self.scheme, released_on=None, release_expected_on__lt=by_then
        ).exclude(case__status=CaseStatus.CLOSED)
        for period in out.select_related("case").order_by("pk"):
            with self.at(period.release_expected_on, 12):
                cases.record_release(period, on=period.release_expected_on, by=self.coordinator)
                until = period.release_expected_on + timedelta(days=270)
                cases.record_supervision(period.case, "licence", until, by=self.coordinator)

    def settle(self, on: date) -> None:
        """Somebody goes Green and stays so."""
        candidates = Case.objects.filter(scheme=self.scheme, accepted_on__lt=on, custody_periods=None).not_closed()
        for case in candidates.order_by("pk"):
            if case.rating.colour in ("RED", "AMBER") and case.rating.starts_on < on:
                with self.at(max(on, self.scheme_began), 11):
                    cases.rate(case, "GREEN", on=on, reason=self.mark(names.REASONS["GREEN"][0]), by=self.coordinator)
                self.settled.add(case.pk)
                return

    def sent_down(self, on: date, *, release: date) -> None:
        """Somebody goes to prison, to come out at a known day."""
        candidates = Case.objects.filter(scheme=self.scheme, accepted_on__lt=on, custody_periods=None)
        for case in candidates.not_closed().rated("RED").order_by("pk"):
            if case.rating.starts_on < on:
                with self.at(max(on, self.scheme_began), 10):
                    cases.record_custody(
                        case,
                        kind="sentence",
                        prison=self.mark(names.PRISONS[0]),
                        starts_on=on,
                        release_expected_on=release,
                        by=self.coordinator,
                    )
                return

    def into_custody(self, case: Case, on: date, release: date | None) -> None:
        kind = self.dice.choice(["remand", "sentence"])
        cases.record_custody(
            case,
            kind=kind,
            prison=self.words(names.PRISONS),
            starts_on=max(on, case.accepted_on),
            release_expected_on=release if kind == "sentence" else None,
            by=self.coordinator,
        )

    # --- Today ----------------------------------------------------------------------

    def present(self, coming: date, before: date) -> None:
        """What is going on now: nominations at every stage, checks half answered, the next agenda under way."""
        meeting = Meeting.objects.get(scheme=self.scheme, body=self.body, date=coming)
        early = min(max(before + 2 * DAY, coming - timedelta(days=18)), self.closing(meeting) - DAY)
        sent_on = self.last_working_day(min(early, self.today - 4 * DAY))
        triaged_on = max(sent_on, self.last_working_day(min(early + 2 * DAY, self.today - 3 * DAY)))
        for number in range(3):
            self.put_to_panel(self.nominate(sent_on, mild=number == 2), meeting, triaged_on)
        self.answer_checks(meeting, max(triaged_on, self.last_working_day(self.today - 2 * DAY)), everyone=False)
        self.give_back(self.nominate(triaged_on, mild=True), self.last_working_day(self.today - DAY))
        self.nominate(self.last_working_day(self.today - 2 * DAY), finish=False)
        self.nominate(self.last_working_day(self.today - DAY))
        self.nominate(self.today - DAY, urgent_for=meeting)
        self.restrict_one()
        if deciding.decides_outside(self.scheme):
            self.decide_outside(self.last_working_day(self.today - 5 * DAY))
        self.send_papers(meeting)
        with self.at(self.last_working_day(self.today - DAY), 18):
            self.build_agenda(meeting, reviews=LONG)
            agendas.group_by_need(self, meeting)
            if self.size.agenda_sent:
                self.send_out(meeting)
        agendas.fill(self)

    def decide_outside(self, on: date) -> None:
        """Somebody who could not wait is taken on by telephone; the next panel is asked to ratify it."""
        referral = self.nominate(on)
        because = self.mark("Released on Friday with nowhere to live, and nobody to meet them.")
        others = [self.staff.named[each] for each in ("police", "probation", "housing")]
        asked = [each for each in others if each.agency_id != referral.agency_id]
        ways = (Consulted.By.PHONE, Consulted.By.EMAIL, Consulted.By.ONLINE)
        with self.at(on, 16):
            made = outside.decide(
                referral,
                outside.Urgent(
                    urgent_because=because,
                    asked=tuple(
                        outside.Asked(each.agency, each.user.name, way, on, self.mark("Agrees: it cannot wait."))
                        for each, way in zip(asked, ways, strict=False)
                    ),
                    outcome=Outcome.ACCEPT,
                    reason=because,
                    decided_by=self.chair,
                    decided_on=on,
                    colour=self.policy.first_rating.colour or Colour.RED,
                    reason_for_referrer=self.mark("Accepted so that somebody meets them on Friday."),
                    leads=self.leads(statutory=True, driver="other"),
                ),
                by=self.coordinator,
            )
            notices.send_outside(made, notices.compose_outside(made), by=self.coordinator)

    def send_papers(self, meeting: Meeting) -> None:
        """A file with a nomination and one with a case. Without a virus scanner they stay locked."""
        letter, licence = (judge(f"{self.mark(name)}.txt", self.mark(words).encode()) for name, words in names.FILES)
        with self.at(self.last_working_day(self.today - DAY), 9):
            referral = Referral.objects.filter(meeting=meeting, status="on_agenda").order_by("pk").first()
            if referral is not None:
                by = actor_for(referral.referrer)
                papers.add_to_referral(referral, letter, what="letter", handling="panel", by=by)
            case = Case.objects.visible_to(self.staff.actor("probation")).order_by("pk").first()
            if case is not None:
                by = self.staff.actor("probation")
                papers.add_to_case(case, licence, what="court", handling="police_probation", by=by)

    def give_back(self, referral: Referral, on: date) -> None:
        with self.at(on, 17):
            referrals.return_for_information(referral, message=self.mark(names.MISSING), by=self.coordinator)

    def send_out(self, meeting: Meeting) -> None:
        """The agenda with everybody, and the first answers."""
        agenda.send_agenda(meeting, by=self.coordinator)
        meeting.refresh_from_db()
        for name in ("chair", "police", "probation", "housing", "health"):
            circulation.mark_read(meeting, by=self.staff.actor(name))
            circulation.answer(meeting, "yes", by=self.staff.actor(name))

    def restrict_one(self) -> None:
        """One case that only the people named on it meet."""
        free = Case.objects.filter(scheme=self.scheme, custody_periods=None).exclude(pk__in=self.settled)
        case = free.not_closed().order_by("pk").first()
        if case is not None:
            with self.at(self.today - DAY, 12):
                self.restrict(case, "police", "probation")

    def restrict(self, case: Case, *named: str) -> None:
        """Keep a case to these sign-ins, for as long as may be."""
        restricted.restrict(
            case,
            reason=self.mark("Works with the family of a colleague"),
            people=[self.staff.named[each] for each in named],
            until=restricted.last_day_allowed(),
            by=self.coordinator,
        )


def same_weekday(day: date, months: int) -> date:
    """The second Thursday so many months before or after a second Thursday; the last for a fifth."""
    first = add_months(day.replace(day=1), months)
    found = first + timedelta(days=(day.weekday() - first.weekday()) % 7 + (day.day - 1) // 7 * 7)
    return found if found.month == first.month else found - timedelta(days=7)


def numbered_from(scheme: Scheme, kind: str, last: int) -> None:
    """Let the references of a scheme begin where an older one would be."""
    Counter.objects.update_or_create(scheme=scheme, kind=kind, defaults={"last": last})
