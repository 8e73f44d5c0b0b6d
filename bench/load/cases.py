"""People on and off the cohort of one scheme, with everything that hangs on a case but what meetings bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from actionplans.models import Action, Offer, PathwayNeed, Plan, Review
from iom import clock
from offenders import alike
from offenders.leads import propose_lead_agency
from offenders.models import (
    Alias,
    Assignment,
    Case,
    CaseGrant,
    CustodyPeriod,
    Leaving,
    Offender,
    RagRating,
    Restriction,
    Supervision,
)
from panels.demonstration import names as words
from referrals.models import Score
from referrals.ogrs import band_for

from . import names
from .copying import Tables
from .towns import Town

DAY = timedelta(days=1)
COLOURS, WEIGHTS = ("RED", "AMBER", "GREEN", "BLUE"), (36, 34, 18, 12)
LEAVING, RESTRICTED, HAS_PLAN, HAS_OFFERS = 0.05, 0.03, 0.9, 0.5
ANSWERS = (
    ("taken_up", "Went to the first two appointments."),
    ("completed", "Finished the course."),
    ("did_not_attend", "Missed the first two sessions."),
    ("refused", "Does not want this now."),
    ("waiting", ""),
)
SENTENCES = ("2 years", "16 months", "3 years and 4 months", "26 weeks")


@dataclass(frozen=True, slots=True)
class Known:
    """A case as meetings and timelines need it."""

    pk: int
    reference: str
    offender: int
    accepted_on: date
    ended_on: date | None
    colour: str
    rated_on: date
    restricted: bool
    statutory: bool


@dataclass(slots=True)
class Writer:
    """Writes the people and cases of one scheme into the tables that wait for their COPY."""

    town: Town
    tables: Tables
    permission: int

    def everybody(self, taken_on: Sequence[tuple[int, date]] = ()) -> list[Known]:
        """The open cases first, then the closed ones. The first open ones were accepted at the meetings `taken_on`."""
        share = self.town.share
        closed = [self._case(open_now=False, number=number) for number in range(share.closed)]
        at = [*taken_on[: share.open], *[(None, None)] * (share.open - len(taken_on))]
        opened = [
            self._case(open_now=True, number=number, meeting=meeting, accepted=on)
            for number, (meeting, on) in enumerate(at)
        ]
        return opened + closed

    def add_person(self) -> tuple[int, names.Person]:
        """Somebody whom the scheme knows; returns their number."""
        town, dice = self.town, self.town.dice
        one = names.person(dice, town.today)
        scheme = town.scheme.pk
        pk = self.tables[Offender](
            scheme_id=scheme,
            family_name=one.family,
            given_names=one.given,
            sort_name=f"{one.family}, {one.given}".casefold(),
            likeness_name=alike.indexed(f"{one.given} {one.family}"),
            date_of_birth=one.born,
            gender=one.gender,
            pnc_number=one.pnc,
            cro_number=one.cro,
            prison_number=one.prison,
            probation_number=one.probation,
            pnc_key=alike.number_key("pnc_number", one.pnc),
            cro_key=alike.number_key("cro_number", one.cro),
            prison_key=alike.number_key("prison_number", one.prison),
            probation_key=alike.number_key("probation_number", one.probation),
            address=f"{dice.randint(1, 180)} {dice.choice(words.STREETS)}",
            area=dice.choice(words.WARDS),
        )
        if one.alias:
            self.tables[Alias](scheme_id=scheme, offender_id=pk, name=one.alias, likeness_name=alike.indexed(one.alias))
        return pk, one

    def _case(self, *, open_now: bool, number: int, meeting: int | None = None, accepted: date | None = None) -> Known:
        town, dice, today = self.town, self.town.dice, self.town.today
        scheme, policy = town.scheme.pk, town.policy
        if open_now:
            accepted, ended = accepted or today - DAY * dice.randint(25, 900), None
        else:
            accepted = today - DAY * dice.randint(500, 1_480)
            ended = accepted + DAY * dice.randint(120, 460)
        status = "closed" if ended else "leaving" if number > 2 and dice.random() < LEAVING else "open"
        statutory = policy.statutory_only or dice.random() < 0.6
        # The first few of a scheme are never restricted: what is measured may be opened by everybody.
        restricted = open_now and number > 20 and dice.random() < RESTRICTED
        offender, _ = self.add_person()
        score = dice.randint(52, 97)
        driver = dice.choice(("addiction", "other", ""))
        reference = town.next_reference("case")
        case = self.tables[Case](
            scheme_id=scheme,
            reference=reference,
            offender_id=offender,
            status=status,
            accepted_on=accepted,
            accepted_at_id=meeting,
            ended_on=ended,
            outcome=policy.exit.endings[0].slug if ended and policy.exit.endings else "",
            ended_because="The exit strategy is in place." if ended else "",
            why=dice.choice(words.EVIDENCE),
            criterion=policy.criteria().clauses[0].name,
            score=score,
            score_on=accepted,
            statutory=statutory,
            main_driver=driver,
            restricted=restricted,
            policy_version_id=town.rules,
            created_at=_at(accepted),
        )
        self._score(offender, score, accepted)
        colour, since = self._ratings(case, accepted, ended, leaving=status == "leaving")
        leader = self._leads(case, accepted, statutory=statutory, driver=driver, short=not open_now)
        self._custody(case, colour, since, accepted, ended)
        if statutory:
            self.tables[Supervision](
                scheme_id=scheme,
                case_id=case,
                kind=dice.choice(("licence", "order", "suspended")),
                ends_on=(ended or today) + DAY * dice.randint(-20 if ended else 10, 500),
            )
        if restricted:
            self._restrict(case, leader, accepted)
        if status == "leaving":
            self._leave(case)
        if dice.random() < HAS_PLAN:
            self._plan(case, accepted, ended)
        if open_now:
            self._reviews(case, accepted)
        return Known(case, reference, offender, accepted, ended, colour, since, restricted, bool(statutory))

    def _score(self, offender: int, score: int, on: date) -> None:
        self.tables[Score](
            scheme_id=self.town.scheme.pk,
            offender_id=offender,
            model="official",
            model_version="",
            inputs={},
            pct_1yr=max(score - 17, 1),
            pct_2yr=score,
            band=band_for(score),
            scored_on=on,
            scored_by_id=self.town.coordinator.user_id,
        )

    def _ratings(self, case: int, accepted: date, ended: date | None, *, leaving: bool) -> tuple[str, date]:
        """A history of one to five colours; the last is in force, and stays so where the case has ended."""
        town, dice = self.town, self.town.dice
        last = (ended or town.today - 3 * DAY) - DAY
        blue = town.policy.blue.used and not ended and not leaving
        now = "GREEN" if leaving else dice.choices(COLOURS, WEIGHTS)[0]
        if now == "BLUE" and not blue:
            now = "AMBER"
        changes = sorted({accepted + DAY * dice.randint(20, 400) for _ in range(dice.randint(0, 4))})
        days = [accepted, *(day for day in changes if accepted < day <= last)]
        colours = [now]
        while len(colours) < len(days):
            colours.append(dice.choice([each for each in COLOURS[:3] if each != colours[-1]]))
        colours.reverse()
        rows = self.tables[RagRating]
        for place, (day, colour) in enumerate(zip(days, colours, strict=True)):
            before = colours[place - 1] if place else town.policy.first_rating.colour or ""
            rows(
                scheme_id=town.scheme.pk,
                case_id=case,
                colour=colour,
                starts_on=day,
                until=days[place + 1] if place + 1 < len(days) else None,
                follows_from=day if place else None,
                reason=dice.choice(words.REASONS[colour]),
                evidence=words.SHOWN,
                decided_by_id=town.coordinator.user_id,
                colour_before=before if colour == "BLUE" else "",
                created_at=_at(day),
            )
        return now, days[-1]

    def _leads(self, case: int, on: date, *, statutory: bool, driver: str, short: bool) -> int:
        """Lead agency, lead professional and officer; a case of the past has its lead agency and professional alone.

        Returns the membership of the lead professional.
        """
        town, dice, rows = self.town, self.town.dice, self.tables[Assignment]
        proposal = propose_lead_agency(town.policy, statutory=statutory, main_driver=driver)
        people = town.of(proposal.agency_kind) if proposal.agency_kind else []
        leader = dice.choice(people or town.of("probation", "police"))
        officer = dice.choice(town.of("police"))
        given: dict[str, Any] = {"scheme_id": town.scheme.pk, "case_id": case, "starts_on": on}
        since = on
        if not short and dice.random() < 0.3 and (town.today - on).days > 60:
            since = on + DAY * dice.randint(20, 50)
            before = dice.choice(town.of("probation", "police"))
            rows(**given, role="lead_professional", agency_id=before.agency_id, membership_id=before.pk, until=since)
        rows(**given, role="lead_agency", agency_id=leader.agency_id, reason=proposal.reason[:300])
        given["starts_on"] = since
        rows(**given, role="lead_professional", agency_id=leader.agency_id, membership_id=leader.pk)
        if not short:
            given["starts_on"] = on
            rows(**given, role="police_officer", agency_id=officer.agency_id, membership_id=officer.pk)
        return leader.pk

    def _custody(self, case: int, colour: str, since: date, accepted: date, ended: date | None) -> None:
        town, dice, rows = self.town, self.town.dice, self.tables[CustodyPeriod]
        given: dict[str, Any] = {"scheme_id": town.scheme.pk, "case_id": case, "prison": dice.choice(words.PRISONS)}
        if dice.random() < 0.2:
            start, out = accepted + DAY * dice.randint(2, 6), accepted + DAY * dice.randint(8, 18)
            rows(**given, kind="remand", starts_on=start, released_on=out)
        if colour == "BLUE" and not ended:
            sentence = dice.random() < 0.6
            rows(
                **given,
                kind="sentence" if sentence else "remand",
                starts_on=since,
                sentence=dice.choice(SENTENCES) if sentence else "",
                offence="Burglary" if sentence else "",
                release_expected_on=town.today + DAY * dice.randint(5, 600) if sentence else None,
            )

    def _restrict(self, case: int, leader: int, accepted: date) -> None:
        town = self.town
        since = _at(max(accepted, town.today - 90 * DAY))
        user = town.coordinator.user_id
        self.tables[Restriction](
            scheme_id=town.scheme.pk,
            case_id=case,
            owner_id=leader,
            reason="Works with the family of a colleague",
            restricted_at=since,
            restricted_by_id=user,
        )
        for person in (town.named["police"], town.named["probation"]):
            self.tables[CaseGrant](
                scheme_id=town.scheme.pk,
                user_id=person.user_id,
                permission_id=self.permission,
                content_object_id=case,
                granted_by_id=user,
                reason="Works with the family of a colleague",
                granted_at=since,
                expires_at=_at(town.today + 200 * DAY),
            )

    def _leave(self, case: int) -> None:
        town = self.town
        on = town.today - DAY * town.dice.randint(1, 20)
        self.tables[Leaving](
            scheme_id=town.scheme.pk,
            case_id=case,
            who_stays="The drugs service every fortnight, the housing officer until summer",
            contact="The drugs service, 020 7946 0199",
            way_back="Any agency nominates again",
            strategy_on=on,
            strategy_by_id=town.coordinator.user_id,
            decided_on=on,
            decided_because="Six months without a concern.",
        )

    def _plan(self, case: int, accepted: date, ended: date | None) -> None:
        town, dice, scheme = self.town, self.town.dice, self.town.scheme.pk
        pathways = dice.sample([each.slug for each in town.policy.pathways], dice.randint(2, 4))
        agreed = accepted + DAY * dice.randint(5, 20)
        plan = self.tables[Plan](scheme_id=scheme, case_id=case, status="agreed", agreed_on=agreed)
        for slug in pathways:
            self.tables[PathwayNeed](
                scheme_id=scheme,
                plan_id=plan,
                pathway=slug,
                level=dice.choice(("some", "high", "high", "none")),
                goal=dice.choice(words.GOALS),
                updated_on=agreed,
            )
        for place in range(dice.randint(1, 2) if ended else dice.randint(2, 6)):
            self._action(case, pathways[place % len(pathways)], accepted, ended)
        if not ended and dice.random() < HAS_OFFERS:
            self._offer(case, pathways[0], accepted)

    def _action(self, case: int, pathway: str, accepted: date, ended: date | None) -> None:
        town, dice = self.town, self.town.dice
        owner = dice.choice(town.members)
        _, _, what = dice.choice(words.ACTIONS)
        to_do = not ended and dice.random() < 0.35
        status = dice.choice(("open", "open", "in_progress") if to_do else ("done", "done", "no_longer"))
        # Of those still to do one in four is overdue.
        due = town.today + DAY * dice.randint(-12, 36) if to_do else (ended or town.today) - DAY * dice.randint(1, 90)
        self.tables[Action](
            scheme_id=town.scheme.pk,
            case_id=case,
            pathway=pathway,
            text=what[0].upper() + what[1:],
            agency_id=owner.agency_id,
            owner_id=owner.pk,
            due_on=max(due, accepted),
            status=status,
            finished_on=None if to_do else max(due, accepted),
            made_by_id=town.coordinator.user_id,
            kind=dice.choice(("support", "enforcement", "protection", "")),
            created_at=_at(accepted),
        )

    def _reviews(self, case: int, accepted: date) -> None:
        """The first review, and one or two since."""
        town, dice = self.town, self.town.dice
        days = [accepted + 28 * DAY, accepted + 90 * DAY, accepted + 180 * DAY][: dice.randint(1, 3)]
        for place, day in enumerate(days):
            if day < town.today:
                self.tables[Review](
                    scheme_id=town.scheme.pk,
                    case_id=case,
                    kind="progress" if place else "first",
                    due_on=day,
                    done_on=day,
                    by_id=town.coordinator.user_id,
                )

    def _offer(self, case: int, pathway: str, accepted: date) -> None:
        town, dice = self.town, self.town.dice
        answer, said = dice.choice(ANSWERS)
        on = accepted + DAY * dice.randint(3, 20)
        agency = dice.choice(town.agencies)
        self.tables[Offer](
            scheme_id=town.scheme.pk,
            case_id=case,
            pathway=pathway,
            text="A place with the employment adviser",
            agency_id=agency.pk,
            offered_on=on,
            answer=answer,
            answered_on=None if answer == "waiting" else min(on + 10 * DAY, town.today),
            words=said,
            made_by_id=town.coordinator.user_id,
        )


def _at(day: date, hour: int = 10) -> datetime:
    """An instant of a day in London."""
    return clock.at(day, time(hour))
