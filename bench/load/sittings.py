"""Meetings of one scheme, past and to come, with what they decided, and the nominations and checks that led to them.

Each scheme has a meeting whose agenda is being put together, one that is live, one whose minutes are being written, six
that were signed, and a sitting to come of each of its other bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from actionplans.models import Action
from iom import clock
from iom.models import Body, Meeting, Notification
from offenders.models import Colour
from panels.demonstration import names as words
from panels.models import (
    AgendaItem,
    AgreementSignature,
    Attendance,
    Circulation,
    Decision,
    Floor,
    ItemAction,
    Minutes,
    Section,
)
from referrals.forms.nomination import excluding_flags
from referrals.models import AgencyReturn, CheckRequest, Referral
from referrals.sections import SECTIONS

from .cases import DAY, Known, Writer
from .copying import Tables
from .towns import Town

PAST, MONTH = 6, 30
LAST_HELD, NEXT, AFTER_NEXT = 12, 8, 36
IN_MINUTES, ON_AGENDA, ASKED_ABOUT = 60, 15, 24
TAKEN_A_MEETING = 2
# Of a live meeting of fifteen items these are decided; the recorder is at the one after the last of them.
DECIDED_LIVE = (1, 2, 5, 6, 7)
AT_ITEM = 8
OFFENCES = ("02801", "04600", "04801", "03401", "03001", "04910")
WAITING = {"sent": 4, "with_coordinator": 2, "returned": 1, "draft": 1}
NOTICES = 12
CAME = ("present", "present", "present", "remote", "apologies")


@dataclass(slots=True)
class Marks:
    """What a reader of the load is led to: keys of meetings, numbers of rows."""

    agenda: str = ""
    live: str = ""
    minutes: str = ""
    to_sign: list[int] = field(default_factory=list)
    to_score: list[int] = field(default_factory=list)
    triage: str = ""


@dataclass(slots=True)
class Sitting:
    """A meeting that was written, with its day."""

    pk: int
    on: date


@dataclass(slots=True)
class Secretary:
    """Writes the meetings of one scheme into the tables that wait for their COPY."""

    town: Town
    tables: Tables
    writer: Writer
    marks: Marks = field(default_factory=Marks)
    past: list[Sitting] = field(default_factory=list)
    # The case that came of each nomination of a past meeting, by the number of its item.
    _case_of_item: dict[int, Known] = field(default_factory=dict)

    # --- Meetings, before the cases: who was accepted at one says so -----------------------

    def plan_past(self) -> list[tuple[int, date]]:
        """The meetings that were signed; returns at which of them each of the newest cases was accepted."""
        today = self.town.today
        for back in range(PAST, 0, -1):
            on = today - DAY * (LAST_HELD + MONTH * back)
            self.past.append(Sitting(self._meeting(on, "minutes_drafted"), on))
        return [(one.pk, one.on) for one in self.past for _ in range(TAKEN_A_MEETING)]

    def _meeting(self, on: date, status: str, **more: Any) -> int:
        town, sitting = self.town, self.town.policy.default_body.sitting
        held = status in ("live", "minutes_drafted")
        return self.tables[Meeting](
            **{
                "scheme_id": town.scheme.pk,
                "body_id": town.body.pk,
                "date": on,
                "starts_at": sitting.start_time,
                "minutes_long": sitting.minutes,
                "place": town.policy.default_body.venue or "Civic Centre, committee room 2",
                "pattern_date": on,
                "day_agreed": True,
                "status": status,
                "chair_id": town.chair.pk,
                "recorder_id": town.coordinator.user_id if held else None,
                "recorder_until": at(on, 13) if held else None,
                "created_at": at(on - 60 * DAY),
            }
            | more
        )

    def hold(self, known: Sequence[Known]) -> Marks:
        """Everything else, once the cases are there."""
        opened = [one for one in known if one.ended_on is None]
        free = [one for one in opened if not one.restricted]
        for number, sitting in enumerate(self.past):
            taken = opened[number * TAKEN_A_MEETING : (number + 1) * TAKEN_A_MEETING]
            self._held_before(sitting, [one for one in taken if not one.restricted], free)
        self._in_minutes(known)
        self._live(free)
        self._next(free)
        self._other_bodies()
        self._nominated_before(known)
        self._notices()
        self.marks.triage = self._waiting()
        self.marks.to_sign = [sitting.pk for sitting in self.past]
        return self.marks

    def _held_before(self, sitting: Sitting, taken: Sequence[Known], free: Sequence[Known]) -> None:
        town = self.town
        self._attended(sitting)
        there = [one for one in free if one.accepted_on < sitting.on]
        reviewed = town.dice.sample(there, min(len(there), ON_AGENDA - len(taken) - 3))
        items = self._items(sitting.pk, self._nominations_of(sitting, taken), reviewed, numbered=True)
        self._decide(sitting, items, range(1, len(items) + 1))
        self.tables[Minutes](scheme_id=town.scheme.pk, meeting_id=sitting.pk, created_at=at(sitting.on, 13))

    def _in_minutes(self, known: Sequence[Known]) -> None:
        """The last meeting that was held: sixty cases, and nobody has sent its minutes to the chair yet."""
        town = self.town
        sitting = Sitting(0, town.today - LAST_HELD * DAY)
        sitting.pk = self._meeting(sitting.on, "minutes_drafted")
        self.marks.minutes = sitting.on.isoformat()
        self._attended(sitting)
        cases = [one for one in known if not one.restricted and one.accepted_on < sitting.on][:IN_MINUTES]
        items = self._items(sitting.pk, [], cases, numbered=True)
        self._decide(sitting, items, range(1, len(items) + 1))
        self.tables[Minutes](scheme_id=town.scheme.pk, meeting_id=sitting.pk, created_at=at(sitting.on, 13))

    def _live(self, free: Sequence[Known]) -> None:
        town = self.town
        sitting = Sitting(0, town.today)
        sitting.pk = self._meeting(town.today, "live")
        self.marks.live = sitting.on.isoformat()
        self._attended(sitting)
        nominated = [self.nominate("on_agenda", sent=town.today - 24 * DAY, meeting=sitting.pk) for _ in range(2)]
        self.marks.to_score += [referral for referral, _ in nominated]
        reviewed = [one for one in free if one.accepted_on < town.today - 20 * DAY][: ON_AGENDA - 5]
        items = self._items(sitting.pk, nominated, reviewed, numbered=True)
        decided = [number for number in DECIDED_LIVE if number <= len(items)]
        self._decide(sitting, items, decided)
        at_item = items[min(AT_ITEM, len(items)) - 1]
        self.tables[Floor](scheme_id=town.scheme.pk, meeting_id=sitting.pk, item_id=at_item[0], since=clock.now())
        people = [(offender, referral, None) for referral, offender in nominated]
        people += [(one.offender, None, one.pk) for one in reviewed]
        self._ask(sitting, people, answered=1.0)

    def _next(self, free: Sequence[Known]) -> None:
        """The agenda that is being put together, and what every agency is asked for it."""
        town = self.town
        sitting = Sitting(0, town.today + NEXT * DAY)
        sitting.pk = self._meeting(sitting.on, "draft")
        self.marks.agenda = sitting.on.isoformat()
        nominated = [self.nominate("on_agenda", sent=town.today - 14 * DAY, meeting=sitting.pk) for _ in range(4)]
        self.marks.to_score += [referral for referral, _ in nominated]
        reviewed = sorted(free[-(ON_AGENDA - 7) :], key=lambda one: ("RED", "AMBER", "GREEN", "BLUE").index(one.colour))
        self._items(sitting.pk, nominated, reviewed, numbered=False)
        people = [(offender, referral, None) for referral, offender in nominated]
        people += [(one.offender, None, one.pk) for one in free[-(ASKED_ABOUT - len(nominated)) :]]
        self._ask(sitting, people, answered=0.5)
        later = self._meeting(town.today + AFTER_NEXT * DAY, "draft")
        self._items(later, [], [], numbered=False)

    def _other_bodies(self) -> None:
        town = self.town
        for body in Body.objects.filter(scheme=town.scheme, position__gt=0).order_by("position"):
            on = town.today + DAY * (5 + 4 * body.position)
            rules = town.policy.body(body.slug).sitting
            meeting = self._meeting(
                on, "draft", body_id=body.pk, starts_at=rules.start_time, minutes_long=rules.minutes
            )
            self._items(meeting, [], [], numbered=False)

    # --- What is on an agenda, and what became of it ------------------------------------------

    def _items(
        self,
        meeting: int,
        nominated: Sequence[tuple[int, int]],
        reviewed: Sequence[Known],
        *,
        numbered: bool,
    ) -> list[tuple[int, str, int | None, Known | None]]:
        """Standing items, nominations, reviews; returns number of the row, section, nomination and case of each."""
        long = self.town.policy.default_body.sitting.minutes_per_item
        wanted: list[tuple[str, int | None, Known | None]] = [
            (Section.APOLOGIES, None, None),
            (Section.LAST_ACTIONS, None, None),
            *((Section.REFERRALS, referral, None) for referral, _ in nominated),
            *((Section.REVIEWS, None, one) for one in reviewed),
            (Section.AOB, None, None),
        ]
        made = []
        for place, (section, referral, case) in enumerate(wanted, start=1):
            about = referral or case
            pk = self.tables[AgendaItem](
                scheme_id=self.town.scheme.pk,
                meeting_id=meeting,
                section=section,
                position=place,
                number=str(place) if numbered else "",
                title="" if about else Section(section).label,
                referral_id=referral,
                case_id=case.pk if case else None,
                minutes=long if about else 5,
            )
            made.append((pk, section, referral, case))
        return made

    def _decide(
        self,
        sitting: Sitting,
        items: Sequence[tuple[int, str, int | None, Known | None]],
        which: Sequence[int] | range,
    ) -> None:
        """Decisions on the items of these numbers; the rows of the items are changed before they are copied."""
        wanted = set(which)
        for place, (item, section, _, case) in enumerate(items, start=1):
            if place not in wanted:
                continue
            note = ""
            if case is None and section != Section.REFERRALS:
                outcome, note = "noted", words.NOTED.get(section, "Nothing was raised.")
                self._decision(sitting, item, place, outcome)
            elif case is None:
                self._accepted(sitting, item, place)
            else:
                note = self._reviewed(sitting, item, place, case)
            self._mark_decided(item, note)

    def _mark_decided(self, item: int, note: str) -> None:
        """Items are decided in the batch in which they were written, so that their lines still wait."""
        rows = self.tables[AgendaItem]
        # Its number is the first column, and lines stand in the order of their numbers.
        first = int(rows.lines[0].split("\t", 1)[0])
        columns = rows.lines[item - first].split("\t")
        columns[rows.columns.index("state")] = "decided"
        columns[rows.columns.index("note")] = note
        rows.lines[item - first] = "\t".join(columns)

    def _decision(self, sitting: Sitting, item: int, place: int, outcome: str, **more: Any) -> int:
        town = self.town
        return self.tables[Decision](
            scheme_id=town.scheme.pk,
            item_id=item,
            outcome=outcome,
            agencies_here=len({seat.agency_id for seat in town.seats}),
            policy_version_id=town.rules,
            decided_at=at(sitting.on, 10) + timedelta(minutes=2 * place),
            decided_by_id=town.coordinator.user_id,
            **more,
        )

    def _accepted(self, sitting: Sitting, item: int, place: int) -> None:
        case = self._case_of_item[item]
        self._decision(
            sitting,
            item,
            place,
            "accept",
            case_id=case.pk,
            colour=case.colour if case.rated_on == case.accepted_on and case.colour != Colour.BLUE else "RED",
            reason=self.town.dice.choice(words.REASONS["RED"]),
            evidence=words.SHOWN,
            reason_for_referrer="The panel accepted this nomination.",
            score_agreed=True,
        )

    def _reviewed(self, sitting: Sitting, item: int, place: int, case: Known) -> str:
        dice = self.town.dice
        more = {"case_id": case.pk, "colour": case.colour, "harm": "none"}
        if case.rated_on > sitting.on - MONTH * DAY and case.rated_on != case.accepted_on:
            more |= {"reason": dice.choice(words.REASONS[case.colour]), "evidence": words.SHOWN}
            self._decision(sitting, item, place, "change_rating", **more)
        else:
            self._decision(sitting, item, place, "no_change", **more)
        for _ in range(dice.choice((0, 0, 1, 2))):
            self._agreed(sitting, item, case)
        return dice.choice(words.NOTES[case.colour])

    def _agreed(self, sitting: Sitting, item: int, case: Known) -> None:
        town = self.town
        owner = town.dice.choice(town.members)
        _, _, what = town.dice.choice(words.ACTIONS)
        due = sitting.on + DAY * town.dice.choice((7, 14, 21, 28))
        done = due < town.today - 5 * DAY
        action = self.tables[Action](
            scheme_id=town.scheme.pk,
            case_id=case.pk,
            meeting_id=sitting.pk,
            text=what[0].upper() + what[1:],
            agency_id=owner.agency_id,
            owner_id=owner.pk,
            due_on=due,
            status="done" if done else "open",
            finished_on=due if done else None,
            made_by_id=town.coordinator.user_id,
        )
        self.tables[ItemAction](scheme_id=town.scheme.pk, item_id=item, action_id=action, kind="agreed")

    def _attended(self, sitting: Sitting) -> None:
        """Who came, who signed the sharing agreement, and that each of them had the agenda."""
        town = self.town
        version = town.policy.sharing_agreement.version
        given: dict[str, Any] = {"scheme_id": town.scheme.pk, "meeting_id": sitting.pk}
        seen: set[int] = set()
        for seat in town.seats:
            holder = seat.holder
            if holder is None or holder.pk in seen:
                continue
            seen.add(holder.pk)
            how = town.dice.choice(CAME) if holder.pk != town.chair.pk else "present"
            self.tables[Attendance](
                **given,
                agency_id=seat.agency_id,
                membership_id=holder.pk,
                name=holder.user.name,
                post=seat.post,
                how=how,
            )
            sent = at(sitting.on - 7 * DAY)
            self.tables[Circulation](
                **given, membership_id=holder.pk, sent_at=sent, opened_at=sent, read_at=sent, answer="yes"
            )
            if how != "apologies":
                self.tables[AgreementSignature](
                    **given,
                    membership_id=holder.pk,
                    agreement_version=version,
                    typed_name=holder.user.name,
                    signed_at=at(sitting.on, 9),
                )

    # --- Nominations ---------------------------------------------------------------------------

    def _nominations_of(self, sitting: Sitting, taken: Sequence[Known]) -> list[tuple[int, int]]:
        """The nominations that this meeting accepted; their items come right after the two standing ones."""
        made = []
        first = self.tables[AgendaItem].next + 2
        for place, one in enumerate(taken):
            referral, _ = self.nominate(
                "accepted", sent=sitting.on - 20 * DAY, meeting=sitting.pk, offender=one.offender
            )
            self._case_of_item[first + place] = one
            made.append((referral, one.offender))
        return made

    def _nominated_before(self, known: Sequence[Known]) -> None:
        """Two in five of the older cases began with a nomination; beside them are those who were not accepted."""
        dice = self.town.dice
        for one in known[len(self.past) * TAKEN_A_MEETING :]:
            if dice.random() < 0.4:
                self.nominate("accepted", sent=one.accepted_on - 20 * DAY, offender=one.offender)
        for _ in range(max(2, self.town.share.open // 15)):
            self.nominate("not_accepted", sent=self.town.today - DAY * dice.randint(40, 900))

    def _waiting(self) -> str:
        """What waits with the coordinator; returns the reference of the first that was sent."""
        many = 1 + self.town.share.open // 250
        first = f"IOM-R-{self.town.references['referral'] + 1:04}"
        for status, count in WAITING.items():
            for _ in range(count * many):
                self.nominate(status, sent=self.town.today - DAY * self.town.dice.randint(1, 5))
        return first

    def nominate(
        self, status: str, *, sent: date, meeting: int | None = None, offender: int | None = None
    ) -> tuple[int, int]:
        """A nomination, of somebody new unless the person is given; returns its number and the person's."""
        town, dice = self.town, self.town.dice
        if offender is None:
            offender, _ = self.writer.add_person()
        by = dice.choice([town.named[each] for each in ("police", "probation", "housing")])
        pathways = dice.sample([each.slug for each in town.policy.pathways], 2)
        draft = status == "draft"
        pk = self.tables[Referral](
            scheme_id=town.scheme.pk,
            reference=town.next_reference("referral"),
            status=status,
            offender_id=offender,
            referrer_id=by.pk,
            agency_id=by.agency_id,
            meeting_id=meeting,
            sections_done=[section.slug for section in SECTIONS[: 4 if draft else 7]],
            mappa_level=0,
            in_custody=False,
            supervision="yes" if town.policy.statutory_only or dice.random() < 0.7 else "no",
            evidence=dice.choice(words.EVIDENCE),
            benefit=dice.choice(words.BENEFIT),
            main_driver=dice.choice(("addiction", "addiction", "other")),
            harm=dice.choice(words.HARM),
            high_risk_of_harm=dice.random() < 0.2,
            safeguarding="Asked children's services: no child at the address.",
            needs=dict.fromkeys(pathways, "Needs help with this now."),
            convicted_on=sent - DAY * dice.randint(20, 120),
            follow_up_from=sent - DAY * dice.randint(1, 19),
            sanctions=dice.randint(8, 34),
            first_sanction_age=dice.randint(12, 16),
            offence_code=dice.choice(OFFENCES),
            facts=dict.fromkeys(excluding_flags(town.policy), False),
            proposed_clause=town.policy.criteria().clauses[0].name if town.policy.nomination.which_clause else "",
            presenter=by.user.name,
            sent_at=None if draft else at(sent),
            message_to_referrer=words.MISSING if status == "returned" else "",
            created_at=at(sent - DAY),
        )
        return pk, offender

    # --- What agencies are asked ----------------------------------------------------------------

    def _ask(self, sitting: Sitting, people: Sequence[tuple[int, int | None, int | None]], *, answered: float) -> None:
        """Every core agency is asked about everybody; the first of them never has answered before the meeting."""
        town, dice = self.town, self.town.dice
        asked_at = at(sitting.on - 20 * DAY if answered == 1 else town.today - 4 * DAY)
        police = town.named["police"].agency_id
        for place, agency in enumerate(town.core):
            sends = answered == 1 or (agency.pk != police and place % 2 == 0)
            by = town.contact(agency.pk)
            for offender, referral, case in people:
                request = self.tables[CheckRequest](
                    scheme_id=town.scheme.pk,
                    meeting_id=sitting.pk,
                    agency_id=agency.pk,
                    offender_id=offender,
                    referral_id=referral,
                    case_id=case,
                    why="referral" if referral else "review",
                    due_on=sitting.on - 5 * DAY,
                    asked_at=asked_at,
                )
                if sends:
                    self._answer(request, agency.kind, by.user_id, asked_at, known=dice.random() < 0.5)

    def _answer(self, request: int, kind: str, by: int, asked_at: datetime, *, known: bool) -> None:
        town, dice = self.town, self.town.dice
        more: dict[str, Any] = {"known": "not_known"}
        if known and kind in words.SUMMARIES:
            more = {
                "known": "now",
                "last_contact": asked_at.date() - DAY * dice.randint(2, 60),
                "summary": words.SUMMARIES[kind],
                "risk_to_others": False,
                "handling": "police_probation" if kind == "police" and dice.random() < 0.4 else "panel",
            }
        self.tables[AgencyReturn](
            scheme_id=town.scheme.pk,
            request_id=request,
            answered_by_id=by,
            sent_at=asked_at + timedelta(days=2, hours=5),
            **more,
        )

    def _notices(self) -> None:
        """What each of the sign-ins was told lately; most of it is read."""
        town = self.town
        for member in town.named.values():
            for place in range(NOTICES):
                when = clock.now() - timedelta(days=2 * place, hours=3)
                self.tables[Notification](
                    scheme_id=town.scheme.pk,
                    recipient_id=member.user_id,
                    kind="agenda_changed",
                    subject=f"bench:{place}",
                    text="The agenda of the next panel has changed",
                    url=f"/meetings/{self.marks.agenda}/",
                    read_at=when if place > 2 else None,
                    created_at=when,
                )


def at(day: date, hour: int = 10) -> datetime:
    """An instant of a day in London."""
    return clock.at(day, time(hour))
