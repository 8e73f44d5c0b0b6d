"""One scheme with one of everything, for tests that ask every address of every role."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import QueryDict

from actionplans import actions as plans
from actionplans import funding, offers, services, statements, transition, visits
from actionplans.models import CourtStatement
from iom import bodies, clock, walls
from iom.access import Actor, actor_for
from iom.models import Agency, Body, Counter, Document, Membership, OtherMeeting, Scheme
from offenders import safeguarding
from offenders.handing_over import hand_over
from offenders.saved_views import save_view
from panels import (
    addenda,
    agenda,
    attendance,
    escalations,
    inviting,
    meetings,
    minutes,
    minutes_comments,
    movements,
    notices,
    recording,
)
from panels.decide import Choice, decide
from panels.escalations import Issue
from panels.models import AgendaItem, Attendance
from panels.record import fingerprint, record_of
from referrals import actions as referrals
from referrals.models import CheckRequest
from tests import factories

KINDS = {"referrer": "housing", "researcher": "police", "chair": "probation", "member": "police"}
ROLES = ("member", "referrer", "researcher", "coordinator", "chair", "board_reader", "scheme_admin")


def on_nobody(item) -> Choice:
    """What is recorded on an item about nobody: the last minutes are agreed to, anything else is noted."""
    return Choice("true_record" if item.section == "last_minutes" else "noted")


@dataclass
class World:
    """A scheme and the things in it that addresses name."""

    scheme: Scheme
    people: dict[str, Membership] = field(default_factory=dict)
    things: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def make(cls, slug: str, shift: timedelta = timedelta(0)) -> World:
        """Everything; another `shift` gives other dates, so that no address of one world names a thing of another."""
        world = cls(factories.scheme("merton", slug=slug))
        with walls.within(world.scheme, cause="test"):
            for role in ROLES:
                world.people[role] = factories.member(
                    world.scheme, role, agency_kind=KINDS.get(role, "council"), seat=role in ("member", "chair")
                )
            world._live(clock.today() + shift)
        return world

    def actor(self, role: str) -> Actor:
        return actor_for(self.people[role])

    def _live(self, today) -> None:
        by = self.actor("coordinator")
        case = factories.case(self.scheme)
        plan = plans.start_plan(case, by=by)
        action = plans.add_action(
            case=case,
            text="Confirm the tenancy reference",
            agency=self.people["member"].agency,
            due_on=clock.today() + timedelta(days=20),
            by=by,
        )
        offered = offers.offer(
            case, pathway="accommodation", text="A drop-in", agency=self.people["member"].agency, by=by
        )
        money = funding.ask(case, text="A deposit", amount=Decimal(120), payer="The council", by=by)
        self.things |= {"offer": offered, "money": money}
        visit = visits.plan(
            case,
            kind="compliance_visit",
            on=clock.today(),
            agency=self.people["member"].agency,
            together_with=self.people["chair"].agency,
            by=by,
        )
        towards = transition.begin(case, ends_on=clock.today() + timedelta(days=90), by=by)
        step = transition.add_step(
            towards, weeks_before=4, text="Fewer visits", agency=self.people["member"].agency, by=by
        )
        copy = factories.plan_copy(case)
        self.things |= {"visit": visit, "transition_step": step, "plan_copy": copy}
        kin = factories.related(
            case.offender, self.people["member"], name="Ola Fieldmouse", safeguarding_lead="Duty desk, 020 7946 0102"
        )
        self.things["entry"] = factories.entry(case, self.people["member"])
        self.things["sheet"] = factories.sheet_to_import(by)
        child = safeguarding.refer_child(case, on=clock.today(), by=self.actor("member"))
        asked = safeguarding.ask_agency(
            case, "marac", agency=self.people["member"].agency, due_on=clock.today() + timedelta(days=9), by=by
        )
        self.things |= {"child": child, "check": child.check_made, "asked_check": asked}
        self.things |= factories.plain_records(case, self.people["coordinator"])
        from_there = factories.transfer(self.scheme)
        factories.transfer(self.scheme, case=case, kind="offends_there")
        self.things |= factories.fed(case, self.people["member"], by)
        self.things["youth"] = factories.youth(self.scheme)
        self.things |= {"case": case, "plan": plan, "action": action, "related": kin, "transfer": from_there}
        self._serve(case, by)
        self.things["view"] = save_view("Red", QueryDict("rating=RED"), by=self.actor("member"))
        self.things["hand_over"] = hand_over(
            case, "police_officer", agency=self.people["member"].agency, membership=self.people["member"],
            on=clock.today() + timedelta(days=3), by=by,
        )  # fmt: skip
        self._meet(today, by)
        coming = self._plan(today + timedelta(days=30), by)
        referral = factories.referral(self.scheme, self.people["referrer"], status="sent")
        referrals.put_to_panel(referral, meeting=coming, agencies=Agency.objects.filter(scheme=self.scheme), by=by)
        self.things["engagement"] = factories.engagement(referral, self.people["member"])
        agenda.send_agenda(coming, by=by)
        coming.refresh_from_db()
        guest = attendance.add_visitor(
            coming, by=by, standing=Attendance.Standing.GUEST, name="Alex Guest", agency=None
        )
        item = AgendaItem.objects.get(meeting=coming, referral=referral)
        self.things["board"] = self._plan(
            today + timedelta(days=40), by, Body.objects.get(scheme=self.scheme, slug="board")
        )
        # Another world's issues bear other numbers.
        Counter.several(self.scheme, "escalation", 1 + (today - clock.today()).days)
        issue = Issue("Nowhere to sleep on the first night", "No bed on Fridays.", tried="Asked.", ask="Two beds.")
        self.things["escalation"] = escalations.send(escalations.raise_issue(issue, by=by), by=by)
        paper = factories.paper(referral, self.people["referrer"])
        asked = CheckRequest.objects.get(referral=referral, agency=self.people["member"].agency)
        self.things |= {"meeting": coming, "referral": referral, "item": item, "visitor": guest}
        self.things |= {"paper": paper, "asked": asked}
        body = coming.body
        seat = bodies.add_seat(body, agency=self.people["coordinator"].agency, post="Warden", permanent=False, by=by)
        proposal = bodies.propose(
            body, organisation="Sample Mentors", agency=None, post="Mentor", why="Help", by=self.actor("member")
        )
        chairs = bodies.appoint(body, self.people["chair"], bodies.CHAIR, on=clock.today(), by=by)
        other = OtherMeeting.objects.create(scheme=self.scheme, body=body, date=today + timedelta(days=9))
        self.things |= {"seat": seat, "proposal": proposal, "appointment": chairs, "other": other}

    def _serve(self, case, by: Actor) -> None:
        """A service, what is noted of a gap, an agreement; a statement for a court in draft, and one approved."""
        pathway = self.scheme.policy.pathways[0].slug
        entry = {"pathways": [pathway], "how_to_refer": "Ring the duty desk.", "starts_on": clock.today()}
        service = services.add_service(by=by, name="Rent deposit scheme", organisation="Sample Homes", **entry)
        note = services.note_gap(
            by=by, pathway=pathway, text="Two rooms.", bidder="The council", due_on=clock.today() + timedelta(days=60)
        )
        agreement = services.add_agreement(
            by=by,
            kind="court",
            with_whom="Sample Court",
            promised="Listed first.",
            starts_on=clock.today(),
            review_on=clock.today() + timedelta(days=90),
        )
        given = {"case": case, "court": "Sample Court", "hearing_on": clock.today() + timedelta(days=20)}
        held = CourtStatement.objects.create(scheme=self.scheme, number=1, drafted_at=clock.now(), **given)
        lead = self.people["member"]
        record = statements.record_of(held, self.actor("member"), clock.now().isoformat())
        document = Document.objects.create(
            scheme=self.scheme,
            kind="court_statement",
            reference=case.reference,
            name="x.pdf",
            content=b"%PDF-",
            sha256="",
        )
        CourtStatement.objects.filter(pk=held.pk).update(
            status="approved",
            approved_by=lead,
            approved_at=clock.now(),
            record=record,
            record_sha256=statements.fingerprint(record),
            document=document,
        )
        CourtStatement.objects.create(scheme=self.scheme, number=2, drafted_at=clock.now(), **given)
        self.things |= {"service": service, "gap_note": note, "agreement": agreement}

    def _plan(self, on, by: Actor, body: Body | None = None):
        body = body or factories.of_first_body(self.scheme)
        policy = body.policy.sitting
        return meetings.plan(
            body=body,
            on=on,
            starts_at=policy.start_time,
            minutes_long=policy.minutes,
            chair=self.people["chair"],
            by=by,
        )

    def _meet(self, today, by: Actor) -> None:
        """A meeting of today with a referral refused, minutes signed and the referrer told."""
        held = self._plan(today, by)
        referral = factories.referral(self.scheme, self.people["referrer"], status="sent")
        referrals.put_to_panel(referral, meeting=held, agencies=[], by=by)
        self._also(held, by)
        agenda.send_agenda(held, by=by)
        here = [attendance.Came(place.key, "present") for place in attendance.places(held) if place.membership]
        attendance.take_attendance(held, here, by=by)
        recording.start(held, by=by)
        first = AgendaItem.objects.filter(meeting=held).first()
        declared = movements.declare(first, held.attendance.first(), "Lives in the same street.", by=by)
        invitation = inviting.invite(held, name="Ivy Guest", purpose="Advice on tenancies", by=by)
        self.things |= {"interest": declared, "guest_invitation": invitation}
        for item in AgendaItem.objects.filter(meeting=held):
            refusal = Choice("not_accept", reason="Below the rule.", reason_for_referrer="The rule is not met.")
            other = Choice("no_change", reason="Keeps to the plan.") if item.case_id else on_nobody(item)
            decide(item, refusal if item.referral_id else other, by=by)
        recording.close(held, by=by)
        open_item = AgendaItem.objects.filter(meeting=held).order_by("pk").first()
        said = minutes_comments.comment(minutes.latest(held), open_item, "Say who was late.", by=by)
        draft = minutes.send_to_chair(minutes.latest(held), by=by)
        minutes.sign(
            draft,
            by=self.actor("chair"),
            typed_name=self.people["chair"].user.name,
            record_sha256=fingerprint(record_of(draft)),
            fresh=True,
        )
        held.refresh_from_db()
        addenda.write(minutes.latest(held), text="The list of names was read out.", reason="Left out.", by=by)
        self.things |= {"held": held, "decided": referral, "said": said}
        self._tell(held, by)

    def _also(self, held, by: Actor) -> None:
        """Where a test puts more on the agenda of the meeting that is held."""

    def _tell(self, held, by: Actor) -> None:
        texts = {draft.decision.pk: draft.text for draft in notices.drafts(held, seen_by=by)}
        notices.send(held, texts, by=by)

    def arguments(self, of: str) -> list[Any]:
        """What an address takes, by what it is about."""
        with walls.within(self.scheme, cause="test"):
            return self._arguments(of)

    def _arguments(self, of: str) -> list[Any]:
        things = self.things
        meeting, held = things.get("meeting"), things.get("held")
        return {
            "": lambda: [],
            "membership": lambda: [self.people["member"].pk],
            "case": lambda: [things["case"].reference],
            "youth": lambda: [things["youth"].reference],
            "exit_task": lambda: [things["case"].reference, "strategy"],
            "escalation": lambda: [things["escalation"].reference],
            "board": lambda: [things["board"].key],
            "rights": lambda: [1],
            "export": lambda: ["00000000-0000-4000-8000-000000000001"],
            "grant": lambda: [things["case"].reference, 1],
            "kind_of_check": lambda: [things["case"].reference, "marac"],
            **{
                name: lambda name=name: [things["case"].reference, things[name].pk]
                for name in ("check", "asked_check", "child", "in_group")
            },
            "kind_of_record": lambda: ["cover"],
            **{name: lambda name=name: [things[name].pk] for name in ("cover", "story", "listed", "premises")},
            "entry": lambda: [things["case"].reference, things["entry"].pk],
            "statement": lambda: [things["case"].reference, 1],
            "service": lambda: [things["service"].pk],
            "gap_note": lambda: [things["gap_note"].pk],
            "agreement": lambda: [things["agreement"].pk],
            "view": lambda: [things["view"].pk],
            "role of a case": lambda: [things["case"].reference, "police_officer"],
            "hand-over": lambda: [things["case"].reference, things["hand_over"].pk],
            "pathway": lambda: [things["case"].reference, self.scheme.policy.pathways[0].slug],
            "action": lambda: [things["action"].pk],
            **{
                name: lambda thing=thing: [things["case"].reference, things[thing].pk]
                for name, thing in (
                    ("case_action", "action"),
                    *((each, each) for each in ("offer", "money", "visit", "transition_step", "plan_copy")),
                )
            },
            "sheet": lambda: [things["sheet"].key],
            "idiom_file": lambda: [things["idiom_file"].key],
            **{
                name: lambda name=name: [things["case"].reference, things[name].pk]
                for name in ("arrest", "status", "hit", "licence")
            },
            **{name: lambda name=name: [things[name].pk] for name in ("custody_proposal", "prison")},
            "engagement": lambda: [things["engagement"].pk],
            "related": lambda: [things["related"].pk],
            "transfer": lambda: [things["transfer"].reference],
            "referral": lambda: [things["referral"].reference],
            "decided": lambda: [things["decided"].reference],
            "told": lambda: [things["decided"].reference, 1],
            "section": lambda: [things["referral"].reference, "identity"],
            "meeting": lambda: [meeting.key],
            "researched": lambda: [meeting.key, things["referral"].reference],
            "asked": lambda: [meeting.key, things["asked"].pk],
            "paper": lambda: [things["paper"].file.key],
            "item": lambda: [meeting.key, things["item"].pk],
            "visitor": lambda: [meeting.key, things["visitor"].pk],
            "interest": lambda: [held.key, things["interest"].pk],
            "guest_invitation": lambda: [held.key, things["guest_invitation"].pk],
            "held": lambda: [held.key],
            "version": lambda: [held.key, 1],
            "body": lambda: ["panel"],
            "settled": lambda: ["panel", meeting.pk],
            **{
                name: lambda name=name: ["panel", things[name].pk]
                for name in ("seat", "proposal", "appointment", "other")
            },
            "held_item": lambda: [held.key, held.items.order_by("pk").first().pk],
            "said": lambda: [held.key, things["said"].pk],
            "addendum": lambda: [held.key, 1, 1],
            "copy": lambda: [held.key, 1, self.people["member"].agency.slug],
        }[of]()


NEVER = {
    "": [],
    "idiom_file": ["00000000-0000-4000-8000-000000000000"],
    **dict.fromkeys(("arrest", "entry", "status", "hit", "licence"), ["IOM-9999", 999999]),
    **dict.fromkeys(("custody_proposal", "prison"), [999999]),
    "sheet": ["00000000-0000-4000-8000-000000000000"],
    "membership": [999999],
    "case": ["IOM-9999"],
    "rights": [999999],
    "export": ["00000000-0000-4000-8000-000000000002"],
    "grant": ["IOM-9999", 1],
    "kind_of_check": ["IOM-9999", "marac"],
    **dict.fromkeys(("check", "asked_check", "child", "in_group"), ["IOM-9999", 999999]),
    "kind_of_record": ["no-such-record"],
    **dict.fromkeys(("cover", "story", "listed", "premises"), [999999]),
    "pathway": ["IOM-9999", "accommodation"],
    "statement": ["IOM-9999", 1],
    **dict.fromkeys(("service", "gap_note", "agreement"), [999999]),
    "youth": ["IOM-Y-9999"],
    "exit_task": ["IOM-9999", "strategy"],
    "action": [999999],
    **dict.fromkeys(("case_action", "offer", "money", "visit", "transition_step", "plan_copy"), ["IOM-9999", 999999]),
    "escalation": ["IOM-E-9999"],
    "board": ["2019-01-01-board"],
    "engagement": [999999],
    "view": [999999],
    "role of a case": ["IOM-9999", "police_officer"],
    "hand-over": ["IOM-9999", 999999],
    "related": [999999],
    "transfer": ["IOM-T-9999"],
    "referral": ["IOM-R-9999"],
    "decided": ["IOM-R-9999"],
    "told": ["IOM-R-9999", 1],
    "section": ["IOM-R-9999", "identity"],
    "meeting": ["2099-01-01"],
    "researched": ["2099-01-01", "IOM-R-9999"],
    "asked": ["2099-01-01", 999999],
    "paper": ["00000000-0000-4000-8000-000000000000"],
    "item": ["2099-01-01", 999999],
    "visitor": ["2099-01-01", 999999],
    "interest": ["2099-01-01", 999999],
    "guest_invitation": ["2099-01-01", 999999],
    "held": ["2099-01-01"],
    "version": ["2099-01-01", 1],
    "body": ["no-such-body"],
    **dict.fromkeys(("seat", "proposal", "appointment", "other", "settled"), ["panel", 999999]),
    "held_item": ["2099-01-01", 999999],
    "said": ["2099-01-01", 999999],
    "addendum": ["2099-01-01", 1, 1],
    "copy": ["2099-01-01", 1, "nobody"],
}
