"""A scheme's year, lived through with the verbs that people use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from actionplans import actions as plans
from actionplans.models import Action, ActionStatus
from iom.access import Actor, actor_for
from iom.clock import LONDON, as_of
from iom.models import Agency, Body, Counter, Meeting, Membership, Role, Scheme
from iom.policy import Policy
from iom.working_days import add_months, holidays_of
from offenders import actions as cases
from offenders.leads import propose_lead_agency
from offenders.models import AssignmentRole, Case, CaseGrant, CaseStatus, Colour, Gender, Offender
from panels import agenda, agreement, attendance, meetings, minutes, recording
from panels.decide import Choice, Lead, LookedAt, NewAction, decide
from panels.models import AgendaItem, Attendance, Outcome, Section
from panels.record import fingerprint, record_of
from panels.suggesting import add_suggested, suggestions
from referrals import actions as referrals
from referrals import returns, scoring
from referrals.models import CheckRequest, MainDriver, Referral, Supervision
from referrals.sections import SECTIONS

from . import names
from .people import Staff

DAY = timedelta(days=1)
# Home Office codes of what these people are convicted of: burglary of a home, theft from a shop, taking a vehicle, robbery.
OFFENCES = ("02801", "04600", "04801", "03401", "03001", "04910")


@dataclass(slots=True)
class Size:
    """How much life a demonstration scheme has had."""

    founders: int
    months: int
    nominations: int


@dataclass(slots=True)
class Life:
    """One scheme with everything that happens in it. `today` is the day on which the demonstration is looked at."""

    scheme: Scheme
    staff: Staff
    dice: Random
    today: date
    size: Size
    policy: Policy = field(init=False)
    body: Body = field(init=False)
    unused: list[tuple[str, str, str]] = field(init=False)

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

    def working_day(self, day: date) -> date:
        """`day`, or the next on which people work."""
        holidays = holidays_of(self.policy)
        while holidays.why_closed(day):
            day += DAY
        return day

    # --- The year -------------------------------------------------------------------

    def live(self, say: Callable[[str], None]) -> None:
        """Everything from the start of the scheme to today."""
        days = self.meeting_days()
        past = [day for day in days if day < self.today]
        coming = [day for day in days if day >= self.today]
        start = self.working_day(past[0] - timedelta(days=30))
        for day in days:
            with self.at(start, 9):
                self.plan(self.body, day)
        self.plan_other_bodies(start)
        with self.at(start, 14):
            self.found_the_cohort(start)
        for number, day in enumerate(past):
            self.month(day, recent=number >= len(past) - 2)
            say(f"panel of {day:%-d %B %Y}")
        self.present(coming)

    def meeting_days(self) -> list[date]:
        """The panel's days: the next one about a week from today, the others before and after in its own rhythm."""
        cadence = self.policy.default_body.cadence
        following = self.working_day(self.today + timedelta(days=8))
        if cadence.unit == "month":
            days = [add_months(following, number * cadence.every) for number in range(-self.size.months, 3)]
        else:
            step = timedelta(weeks=cadence.every)
            days = [following + number * step for number in range(-self.size.months, 4)]
        return sorted({self.working_day(day) for day in days})

    def plan(self, body: Body, day: date) -> Meeting:
        policy = self.policy.body(body.slug)
        return meetings.plan(
            body=body,
            on=day,
            starts_at=policy.sitting.start_time,
            minutes_long=policy.sitting.minutes,
            place=policy.venue or "Civic Centre, committee room 2",
            chair=self.chair,
            by=self.coordinator,
        )

    def plan_other_bodies(self, start: date) -> None:
        """The next sitting of each board and team meeting."""
        with self.at(start, 9, 30):
            for body in Body.objects.filter(scheme=self.scheme, position__gt=0):
                self.plan(body, self.working_day(self.today + timedelta(days=5 + 4 * body.position)))

    def month(self, day: date, *, recent: bool) -> None:
        """One panel: nominations, checks, agenda, meeting, minutes."""
        meeting = Meeting.objects.get(scheme=self.scheme, body=self.body, date=day)
        lead_in = min(20, (day - self.previous(day)).days - 1)
        for _ in range(self.size.nominations):
            referral = self.nominate(self.working_day(day - timedelta(days=lead_in)))
            self.put_to_panel(referral, meeting, self.working_day(day - timedelta(days=max(lead_in - 2, 5))))
        self.answer_checks(meeting, day - timedelta(days=4), everyone=True)
        with self.at(day - timedelta(days=min(7, lead_in)), 15):
            self.build_agenda(meeting, reviews=None if recent else 10)
            agenda.send_agenda(meeting, by=self.coordinator)
        self.hold(meeting)
        self.write_up(meeting)
        self.work_on_actions(day)
        self.lock_up(day)

    def previous(self, day: date) -> date:
        earlier = Meeting.objects.filter(scheme=self.scheme, body=self.body, date__lt=day).order_by("-date").first()
        return earlier.date if earlier else day - timedelta(days=30)

    # --- People ---------------------------------------------------------------------

    def somebody(self, by: Actor) -> Offender:
        given, family, gender = self.unused.pop()
        born = date(self.today.year - self.dice.randint(19, 46), self.dice.randint(1, 12), self.dice.randint(1, 28))
        number = self.dice.randint(100000, 999999)
        return cases.add_offender(
            by=by,
            family_name=family,
            given_names=given,
            date_of_birth=born,
            gender=gender,
            aliases=[f"{given[:3]}o {family}"] if self.dice.random() < 0.2 else [],
            pnc_number=f"{born.year % 100:02}/{number}{self.dice.choice('ABCDEFGHJK')}",
            probation_number=f"X{number}",
            address=f"{self.dice.randint(1, 180)} {self.dice.choice(names.STREETS)}",
            area=self.dice.choice(names.WARDS),
        )

    def found_the_cohort(self, on: date) -> None:
        """Those who were managed before the scheme began to work here."""
        by = self.coordinator
        for _ in range(self.size.founders):
            with self.at(on, 14):
                offender = self.somebody(by)
                driver = self.dice.choice([MainDriver.ADDICTION, MainDriver.OTHER])
                statutory = self.policy.statutory_only or self.dice.random() < 0.6
                colour = self.policy.first_rating.colour or self.dice.choice(["RED", "RED", "AMBER", "AMBER", "GREEN"])
                score = self.dice.randint(75, 96)
                accepted = on - timedelta(days=self.dice.randint(0, 300))
                case = cases.accept(
                    offender=offender,
                    meeting=None,
                    on=accepted,
                    why=self.dice.choice(names.EVIDENCE),
                    criterion=self.policy.criteria().clauses[0].name,
                    score=score,
                    score_on=accepted,
                    statutory=statutory,
                    colour=colour,
                    reason=self.dice.choice(names.REASONS[colour]),
                    policy_version=self.scheme.policy_version,
                    by=by,
                )
                self.give_leads(case, statutory, driver, accepted, by)
                plan = plans.start_plan(case, by=by)
                for pathway in self.dice.sample(self.policy.pathways, 2):
                    plans.set_need(plan, pathway.slug, level=self.dice.choice(["some", "high"]), goal="", by=by)
                plans.agree_plan(case, meeting=None, on=accepted, by=by)
                for action in self.new_actions(on, 1):
                    plans.add_action(
                        case=case,
                        text=action.text,
                        agency=action.agency,
                        due_on=action.due_on,
                        owner=action.owner,
                        pathway=action.pathway,
                        by=by,
                    )

    def give_leads(self, case: Case, statutory: bool | None, driver: str, on: date, by: Actor) -> None:
        for role, lead in self.leads(statutory, driver).items():
            cases.assign(case, role, agency=lead.agency, membership=lead.membership, reason=lead.reason, on=on, by=by)

    def leads(self, statutory: bool | None, driver: str) -> dict[str, Lead]:
        """Lead agency by the scheme's rule, a lead professional of it, and a police officer."""
        proposal = propose_lead_agency(self.policy, statutory=statutory, main_driver=driver)
        kind = proposal.agency_kind or self.dice.choice(["probation", "police"])
        people = self.staff.of(kind) or self.staff.of("probation") or self.staff.of("police")
        leader = self.dice.choice(people)
        officer = self.staff.named["police"]
        return {
            AssignmentRole.LEAD_AGENCY: Lead(leader.agency, reason=proposal.reason),
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
            referral = referrals.start(by=by, offender=offender, mappa_level=0)
            born = offender.date_of_birth
            age = on.year - born.year - 1
            facts = {
                "gender": offender.gender,
                "in_custody": False,
                "supervision": Supervision.YES
                if self.policy.statutory_only or self.dice.random() < 0.7
                else Supervision.NO,
                "evidence": self.dice.choice(names.EVIDENCE),
                "benefit": self.dice.choice(names.BENEFIT),
                "main_driver": self.dice.choice([MainDriver.ADDICTION, MainDriver.ADDICTION, MainDriver.OTHER]),
                "harm": self.dice.choice(names.HARM),
                "high_risk_of_harm": self.dice.random() < 0.2,
                "safeguarding": "MARAC: not known. Children: none at the address.",
                "needs": {p.slug: "Needs help with this now." for p in self.dice.sample(self.policy.pathways, 2)},
                "offence_code": self.dice.choice(OFFENCES),
                "convicted_on": on - timedelta(days=self.dice.randint(20, 120)),
                "follow_up_from": on - timedelta(days=self.dice.randint(1, 19)),
                "sanctions": 4 if mild else self.dice.randint(16, 34),
                "first_sanction_age": max(10, min(age - 5, self.dice.randint(12, 17))),
                "presenter": by.user.name,
            }
            for section in SECTIONS[: 7 if finish else 4]:
                asked = {*section.offender, *section.referral}
                referral = referrals.save_section(
                    referral, section, by=by, done=True, **{k: v for k, v in facts.items() if k in asked}
                )
            if self.asks_more():
                referral.facts = self.more_facts()
                referral.save(update_fields=["facts"])
            if urgent_for is not None:
                referral = referrals.save_section(
                    referral, "late", by=by, done=True, meeting=urgent_for, urgent_reason=names.URGENT
                )
            return referrals.send(referral, by=by) if finish else referral

    def asks_more(self) -> bool:
        """Whether this scheme's clauses ask for facts that no section of the nomination holds."""
        return bool(self.policy.criteria().clauses)

    def more_facts(self) -> dict[str, object]:
        """What a nominator would say to the scheme's own questions."""
        offence = {"type": "burglary", "date": (self.today - timedelta(days=200)).isoformat(), "in_community": True}
        return {
            "repeat_offender": True,
            "prolific": True,
            "would_benefit": True,
            "marac": False,
            "dyo": False,
            "offences": [offence],
        }

    def put_to_panel(self, referral: Referral, meeting: Meeting, on: date) -> None:
        """Triage by the coordinator: score, findings, the panel, and who is asked."""
        by = self.coordinator
        with self.at(on, 16):
            scoring.score_ogrs3(referral, by=by)
            scoring.assess(referral, by=by)
            core = Agency.objects.filter(scheme=self.scheme, core=True)
            referrals.put_to_panel(referral, meeting=meeting, agencies=core, by=by)

    def answer_checks(self, meeting: Meeting, on: date, *, everyone: bool) -> None:
        """The agencies' returns; unless `everyone`, some have not answered yet."""
        waiting = CheckRequest.objects.filter(meeting=meeting, answer=None).select_related("agency", "offender")
        by_agency: dict[int, list[CheckRequest]] = {}
        for request in waiting.order_by("pk"):
            by_agency.setdefault(request.agency_id, []).append(request)
        for number, requests in enumerate(by_agency.values()):
            members = Membership.objects.filter(agency=requests[0].agency, roles__contains=[Role.MEMBER])
            membership = members.select_related("user", "agency", "scheme").first()
            if membership is None or (not everyone and number % 3 == 1):
                continue
            self.answer_for(actor_for(membership), meeting, requests, on)

    def answer_for(self, by: Actor, meeting: Meeting, requests: list[CheckRequest], on: date) -> None:
        kind = by.agency.kind
        with self.at(on, 12, self.dice.randint(0, 59)):
            for request in requests:
                if kind in names.SUMMARIES and self.dice.random() < 0.55:
                    returns.save_return(
                        request,
                        by=by,
                        known="now",
                        last_contact=on - timedelta(days=self.dice.randint(2, 60)),
                        summary=names.SUMMARIES[kind],
                        risk_to_others=False,
                        handling="police_probation" if kind == "police" and self.dice.random() < 0.4 else "panel",
                    )
                else:
                    returns.save_return(request, by=by, known="not_known")
            returns.send_return(meeting, by=by)

    # --- The meeting ----------------------------------------------------------------

    def build_agenda(self, meeting: Meeting, *, reviews: int | None) -> None:
        """What is suggested, all of it or with at most so many plain reviews."""
        by = self.coordinator
        found = suggestions(meeting, by)
        keys = [one.key for one in (*found.nominated, *found.pressing)]
        routine = [one.key for one in found.reviews if one.key not in keys]
        keys += routine if reviews is None else routine[:reviews]
        if keys:
            add_suggested(meeting, keys, by=by)
        for item in AgendaItem.objects.filter(meeting=meeting, late=True, late_agreed_by=None):
            agenda.agree_late(item, by=actor_for(self.chair))

    def hold(self, meeting: Meeting) -> None:
        by = self.coordinator
        day = meeting.date
        with self.at(day, 9, 45):
            came = []
            for place in attendance.places(meeting):
                if place.membership is None:
                    continue
                roll = self.dice.random()
                how = (
                    "present"
                    if roll < 0.72 or place.membership == self.chair
                    else "remote"
                    if roll < 0.84
                    else "apologies"
                )
                came.append(attendance.Came(place.key, how))
            attendance.take_attendance(meeting, came, by=by)
            if meeting.body.policy.agreement.signed == "each_meeting":
                self.sign_agreement(meeting)
            recording.start(meeting, by=by)
        minute = 0
        items = AgendaItem.objects.filter(meeting=meeting).numbered()
        for item in items.select_related("referral__offender", "case__offender"):
            minute += 3
            with self.at(day, 10 + minute // 60, minute % 60):
                self.decide(item, by)
        with self.at(day, 13):
            recording.close(meeting, by=by)

    def sign_agreement(self, meeting: Meeting) -> None:
        statements = self.policy.sharing_agreement.statements
        here = Attendance.objects.filter(meeting=meeting, how__in=["present", "remote"])
        for row in here.exclude(membership=None).select_related(
            "membership__user", "membership__agency", "membership__scheme"
        ):
            actor = actor_for(row.membership)
            agreement.sign(meeting, by=actor, typed_name=actor.user.name, agreed=[True] * len(statements))

    def decide(self, item: AgendaItem, by: Actor) -> None:
        if item.section == Section.REFERRALS:
            decide(item, self.choice_on_referral(item), by=by)
        elif item.case_id is not None:
            decide(item, self.choice_on_case(item), by=by)
        else:
            decide(item, Choice(Outcome.NOTED, note=self.words_for(item)), by=by)

    def words_for(self, item: AgendaItem) -> str:
        return {
            Section.APOLOGIES: "Apologies were noted and the sharing agreement was signed.",
            Section.LAST_ACTIONS: "Actions were gone through one by one.",
        }.get(item.section, "Nothing was raised.")

    def choice_on_referral(self, item: AgendaItem) -> Choice:
        referral = item.referral
        roll = self.dice.random()
        score = scoring.current_score(referral.offender)
        if roll < 0.14 or (score is not None and score.pct_2yr < 50):
            return Choice(
                Outcome.NOT_ACCEPT,
                reason="The score is below the rule and no other ground was shown.",
                reason_for_referrer="The panel did not find that the scheme's rule was met. You can nominate again if that changes.",
                score_agreed=True,
            )
        if roll < 0.22:
            return Choice(Outcome.DEFER, reason="Two agencies had not been able to check in time.", score_agreed=True)
        colour = self.policy.first_rating.colour or self.dice.choice(["RED", "RED", "AMBER"])
        statutory = {Supervision.YES: True, Supervision.NO: False}.get(referral.supervision)
        return Choice(
            Outcome.ACCEPT,
            colour=colour,
            reason=self.dice.choice(names.REASONS[colour]),
            reason_for_referrer="The panel accepted this nomination.",
            score_agreed=True,
            leads=self.leads(statutory, referral.main_driver),
            actions=tuple(self.new_actions(item.meeting.date, 2)),
        )

    def choice_on_case(self, item: AgendaItem) -> Choice:
        case = item.case
        present = case.rating.colour
        looked_at = tuple(self.look_at(case, item.meeting.date))
        actions = tuple(self.new_actions(item.meeting.date, 1)) if self.dice.random() < 0.25 else ()
        if item.section == Section.EXITS and case.status == CaseStatus.OPEN and self.dice.random() < 0.8:
            return Choice(
                Outcome.REMOVE, reason="Six months without concern. Mainstream services go on.", looked_at=looked_at
            )
        other = self.another_colour(present)
        if present not in {Colour.BLUE, other} and self.dice.random() < 0.16:
            return Choice(
                Outcome.CHANGE_RATING,
                colour=other,
                reason=self.dice.choice(names.REASONS[other]),
                looked_at=looked_at,
                actions=actions or tuple(self.new_actions(item.meeting.date, 1)),
            )
        return Choice(Outcome.NO_CHANGE, looked_at=looked_at, actions=actions)

    def another_colour(self, present: str) -> str:
        return self.dice.choice(
            {"RED": ["AMBER", "AMBER", "GREEN"], "AMBER": ["RED", "GREEN"], "GREEN": ["GREEN", "AMBER"]}.get(
                present, [present]
            )
        )

    def look_at(self, case: Case, on: date) -> list[LookedAt]:
        found = []
        for action in Action.objects.filter(case=case, due_on__lte=on).to_do():
            roll = self.dice.random()
            if roll < 0.75:
                found.append(LookedAt(action, ActionStatus.DONE, "Done since the last panel."))
            elif roll < 0.85:
                found.append(LookedAt(action, ActionStatus.NO_LONGER, "In custody since, so not possible."))
        return found

    def new_actions(self, on: date, count: int) -> list[NewAction]:
        known = {pathway.slug for pathway in self.policy.pathways}
        made = []
        for kind, pathway, text in self.dice.sample(names.ACTIONS, len(names.ACTIONS)):
            owner = next(iter(self.staff.of(kind)), None)
            if owner is not None and len(made) < count:
                due = self.working_day(on + timedelta(days=self.dice.choice([7, 14, 21, 28])))
                slug = next((p for p in known if pathway and pathway in p), "")
                made.append(NewAction(text[0].upper() + text[1:], owner.agency, due, owner=owner, pathway=slug))
        return made

    def write_up(self, meeting: Meeting) -> None:
        """Minutes to the chair, signed the next day; notices to the referrers."""
        from panels import notices

        meeting.refresh_from_db()
        with self.at(self.working_day(meeting.date + DAY), 10):
            sent = minutes.send_to_chair(minutes.latest(meeting), by=self.coordinator)
        signed_on = self.working_day(meeting.date + 3 * DAY)
        if signed_on >= self.today:
            return
        with self.at(signed_on, 17):
            record = record_of(sent)
            minutes.sign(
                sent,
                by=actor_for(self.chair),
                typed_name=self.chair.user.name,
                record_sha256=fingerprint(record),
                password_ok=True,
            )
            notices.send_all(meeting, by=self.coordinator)

    # --- Between panels -------------------------------------------------------------

    def work_on_actions(self, day: date) -> None:
        """Agencies finish most of what was promised, some of it late."""
        later = self.working_day(day + timedelta(days=14))
        if later >= self.today:
            return
        with self.at(later, 15):
            for case in Case.objects.filter(scheme=self.scheme, status=CaseStatus.LEAVING).order_by("pk"):
                cases.close(case, on=later, reason="The exit strategy is in place.", by=self.coordinator)
            for action in Action.objects.filter(scheme=self.scheme, due_on__lte=later).to_do().select_related("agency"):
                if self.dice.random() < 0.6:
                    plans.update_action(action, status=ActionStatus.DONE, note="", by=self.coordinator)

    def lock_up(self, day: date) -> None:
        """Some go to prison between panels."""
        on = day + timedelta(days=6)
        if on >= self.today or not self.policy.blue.used:
            return
        free = Case.objects.filter(scheme=self.scheme, custody_periods=None).not_closed().order_by("pk")
        some = [case for case in free if self.dice.random() < 0.02]
        with self.at(on, 9):
            for case in some:
                self.into_custody(case, on, on + timedelta(days=self.dice.randint(120, 500)))

    def into_custody(self, case: Case, on: date, release: date | None) -> None:
        kind = self.dice.choice(["remand", "sentence"])
        cases.record_custody(
            case,
            kind=kind,
            prison=self.dice.choice(names.PRISONS),
            starts_on=max(on, case.accepted_on),
            release_expected_on=release if kind == "sentence" else None,
            by=self.coordinator,
        )

    # --- Today ----------------------------------------------------------------------

    def present(self, coming: list[date]) -> None:
        """What is going on now: nominations at every stage, checks half answered, someone nearly out, someone nearly done."""
        meeting = Meeting.objects.get(scheme=self.scheme, body=self.body, date=coming[0])
        before = self.previous(coming[0])
        early = max(before + 2 * DAY, coming[0] - timedelta(days=18))
        for number in range(3):
            referral = self.nominate(self.working_day(early), mild=number == 2)
            self.put_to_panel(referral, meeting, self.working_day(min(early + 2 * DAY, self.today)))
        self.answer_checks(meeting, min(early + 4 * DAY, self.today - DAY), everyone=False)
        self.nominate(self.today - DAY, urgent_for=meeting)
        self.nominate(self.today - DAY)
        self.nominate(self.today - 2 * DAY, finish=False)
        self.near_release(coming)
        self.green_for_long(coming[0])
        self.restrict_one()
        with self.at(self.today, 8):
            self.build_agenda(meeting, reviews=6)

    def near_release(self, coming: list[date]) -> None:
        """Someone in prison who comes out before the panel after next."""
        if not self.policy.blue.used:
            return
        case = (
            Case.objects.filter(scheme=self.scheme, custody_periods=None)
            .not_closed()
            .rated("RED")
            .order_by("pk")
            .first()
        )
        if case is not None:
            with self.at(self.today - 40 * DAY, 10):
                cases.record_custody(
                    case,
                    kind="sentence",
                    prison=names.PRISONS[0],
                    starts_on=max(self.today - 40 * DAY, case.accepted_on, case.rating.starts_on + DAY),
                    release_expected_on=coming[0] + 5 * DAY,
                    by=self.coordinator,
                )

    def green_for_long(self, coming: date) -> None:
        """Someone whose six months of Green end just before the next panel."""
        months = self.policy.exit.green_months
        if months is None:
            return
        since = add_months(coming - 3 * DAY, -months)
        rated = {"reason": self.dice.choice(names.REASONS["GREEN"]), "by": self.coordinator}
        for case in Case.objects.filter(scheme=self.scheme, accepted_on__lt=since).not_closed().order_by("pk"):
            if case.rating.colour in ("RED", "AMBER") and case.rating.starts_on < since:
                with self.at(since, 11):
                    cases.rate(case, "GREEN", on=since, **rated)
                return

    def restrict_one(self) -> None:
        """One case that only the people named on it meet."""
        from django.contrib.auth.models import Permission

        case = Case.objects.filter(scheme=self.scheme).not_closed().order_by("-pk").first()
        if case is None:
            return
        case.restricted = True
        case.save(update_fields=["restricted"])
        may = Permission.objects.get(codename="open_restricted_case", content_type__app_label="offenders")
        for sign_in in ("police", "probation"):
            CaseGrant.objects.create(
                user=self.staff.named[sign_in].user,
                permission=may,
                content_object=case,
                reason="Works with the family of a colleague",
                granted_by=self.staff.named["coordinator"].user,
            )


def numbered_from(scheme: Scheme, kind: str, last: int) -> None:
    """Let the references of a scheme begin where an older one would be."""
    Counter.objects.update_or_create(scheme=scheme, kind=kind, defaults={"last": last})
