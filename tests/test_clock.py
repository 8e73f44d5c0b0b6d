"""The clock over every source of every app: what people get, when, and that it comes once (issue 2, point 7)."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection

from actionplans import reviews
from actionplans.actions import add_action, update_action
from actionplans.models import Agreement, Supervisor, SupervisorReview
from actionplans.services import add_agreement
from iom import clock, outbox, reminders, tasks, walls
from iom.access import actor_for
from iom.models import Body, ChairAppointment, Meeting, Membership, Notification, PolicyVersion, Reminder, Scheme
from offenders import leaving, licence, safeguarding
from offenders.actions import assign, close, rate, record_custody, record_release
from offenders.models import Case, Tag
from panels import agenda, escalations, meetings, minutes, recording
from panels.decide import ratify_everything
from panels.escalations import Issue
from panels.models import Escalation, Minutes, OutsideDecision, Section
from panels.record import fingerprint, record_of
from referrals import returns
from tests import factories

PANEL = date(2026, 3, 12)
CLOSED = date(2026, 2, 12)
WITH_CHAIR = date(2026, 1, 29)
PRIYA, GRACE, TOM, JO = "Priya Shah", "Grace Adeyemi", "Tom Dunn", "Jo Reid"


@dataclass
class World:
    """A Merton scheme in which every source has something to say, each once in the spring of 2026."""

    scheme: Scheme
    coordinator: Membership
    chair: Membership
    police: Membership
    housing: Membership
    panel: Meeting
    closed: Meeting
    with_chair: Meeting
    green: Case
    inside: Case
    action: object
    urgent: OutsideDecision
    gone: Case

    @property
    def office(self):
        return actor_for(self.coordinator)


def build() -> World:
    scheme = factories.scheme("merton")
    with walls.within(scheme, cause="test"):
        with_reports(scheme)
        return furnish(Scheme.objects.get(pk=scheme.pk))


def with_reports(scheme: Scheme) -> None:
    """The scheme's rules, but that a supervisor reviews a report on each case, as Hampshire's do."""
    document = scheme.policy_version.document
    review = {"kind": "supervisor", "label": "Supervisor's review", "weeks": 4, "asks": "Does it fit?"}
    report = {**document["management_report"], "used": True}
    reviews = [*document["reviews"], {**review, "source": "default"}]
    PolicyVersion.objects.create(
        scheme=scheme,
        number=2,
        valid_from=date(2020, 1, 2),
        document={**document, "management_report": report, "reviews": reviews},
        reason="A report on each case",
    )


def furnish(scheme: Scheme) -> World:
    coordinator = factories.member(scheme, "coordinator", name=PRIYA)
    chair = factories.member(scheme, "chair", "member", agency_kind="probation", name=GRACE)
    police = factories.member(scheme, "member", "referrer", agency_kind="police", name=TOM)
    housing = factories.member(scheme, "member", agency_kind="housing", name=JO)
    office = actor_for(coordinator)

    panel = factories.meeting(scheme, PANEL, chair=chair)
    for _ in range(2):
        factories.check_request(panel, housing.agency, someone(scheme))
    closed, with_chair = (held(scheme, on, coordinator, chair) for on in (CLOSED, WITH_CHAIR))
    minutes.send_to_chair(Minutes.objects.get(meeting=with_chair), by=office)

    green = factories.case(scheme, colour="GREEN", since=date(2025, 10, 4), who=someone(scheme))
    inside = factories.case(scheme, since=date(2025, 11, 3), who=someone(scheme))
    record_custody(
        inside,
        kind="sentence",
        prison="HMP Example",
        starts_on=date(2026, 1, 5),
        release_expected_on=date(2026, 4, 14),
        by=office,
    )
    worn = {"starts_on": date(2025, 10, 20), "ends_on": date(2026, 4, 20), "offence": "burglary"}
    Tag.objects.create(scheme=scheme, case=green, **worn)
    licence.ask(inside, condition="Keep away", why="Mr Quibblethwaite", how_met="HMP", by=office)
    action = add_action(
        case=factories.case(scheme, who=someone(scheme)),
        text="Ring Mr Quibblethwaite",
        agency=housing.agency,
        due_on=date(2026, 3, 13),
        by=office,
    )
    safeguarding.ask_agency(inside, "adult", agency=housing.agency, due_on=date(2026, 3, 20), by=office)
    for each in (green, inside):
        reviews.hold(each, "first", on=date(2026, 1, 30), words="A plan is in place.", by=office)
    referral = factories.referral(scheme, police, status="not_accepted", who=someone(scheme))
    urgent = factories.outside_decision(referral, by=coordinator, decided_by=chair, on=date(2026, 2, 2))
    ChairAppointment.objects.create(
        scheme=scheme,
        body=panel.body,
        membership=chair,
        role=ChairAppointment.Role.CHAIR,
        starts_on=date(2025, 4, 20),
        review_due=date(2026, 4, 20),
    )
    issue = Issue("Nowhere to sleep on the first night", "No bed on Fridays.", tried="Asked.", ask="Two beds.")
    asked = escalations.raise_issue(issue, by=office)
    Escalation.objects.filter(pk=asked.pk).update(
        status="with_board", sent_on=date(2026, 1, 1), due_on=date(2026, 2, 11)
    )
    add_agreement(
        by=office,
        kind="court",
        with_whom="Court of Mr Quibblethwaite",
        promised="Listed first.",
        starts_on=date(2025, 4, 27),
        review_on=date(2026, 4, 27),
    )
    report_on(action.case, police, supervisor=chair, by=office)
    reviewed(green, police, chair), reviewed(inside, police, chair)
    gone = factories.case(scheme, who=someone(scheme))
    close(gone, on=date(2026, 1, 30), reason="In prison again", by=office)
    leaving.offer_again(gone, date(2026, 4, 20), by=office)
    people = (coordinator, chair, police, housing)
    return World(scheme, *people, panel, closed, with_chair, green, inside, action, urgent, gone)


def report_on(case: Case, lead: Membership, *, supervisor: Membership, by) -> None:
    """Accepted on 12 January: the first review is due four weeks later."""
    assign(case, "lead_professional", agency=lead.agency, membership=lead, on=date(2026, 1, 20), by=by)
    Supervisor.objects.create(scheme=case.scheme, lead=lead, supervisor=supervisor, starts_on=date(2026, 1, 20))


def reviewed(case: Case, lead: Membership, supervisor: Membership) -> None:
    """A report that was looked at, and need not be for a year."""
    SupervisorReview.objects.create(
        scheme=case.scheme,
        case=case,
        lead=lead,
        supervisor=supervisor,
        fits="fits",
        words="Fits.",
        colour="GREEN",
        due_on=date(2026, 1, 20),
        done_on=date(2026, 1, 20),
        next_due_on=date(2027, 1, 20),
    )


def someone(scheme):
    return factories.offender(
        scheme, family_name="Quibblethwaite", given_names="Zebedee", date_of_birth=date(1987, 11, 23)
    )


def held(scheme, on, recorder, chair):
    """A meeting that was recorded and closed, its minutes drafted."""
    meeting = factories.live_meeting(scheme, on, recorder=recorder, chair=chair)
    factories.attended(meeting, chair)
    recording.close(meeting, by=actor_for(recorder))
    meeting.refresh_from_db()
    return meeting


PERSONAL = ("Quibblethwaite", "Zebedee", "1987", "23 Nov", "HMP", "Ring", PRIYA, GRACE, TOM, JO)


@dataclass(frozen=True)
class Told:
    """What one source says in that world; `late` is three days or more after it could have spoken."""

    kind: str
    opens: date
    due: date
    late: date
    over: date | None
    people: tuple[str, ...]
    subject: str
    says: str
    link: str
    subject_late: str = ""
    again: tuple[tuple[date, str], ...] = ()
    """Later days on which it speaks again, with its subject on each."""

    @property
    def days(self) -> dict[date, str]:
        return {self.opens: self.subject, **dict(self.again)}

    def told_on(self, *ran: date) -> int:
        """How often each person hears of it from a clock that ran on these days: of days missed together, once."""
        of_use = [day for day in ran if self.over is None or day < self.over]
        return len({max(each for each in self.days if each <= day) for day in of_use if day >= self.opens})

    def subject_on(self, day: date) -> str:
        return self.subject_late if self.subject_late and day >= self.late else self.subject


TABLE = [
    Told(
        "nominations_close",
        opens=date(2026, 2, 23),
        due=date(2026, 3, 2),
        late=date(2026, 2, 26),
        over=date(2026, 3, 3),
        people=(GRACE, JO, PRIYA, TOM),
        subject="Referrals close Mon 2 March: IOM panel 12 March",
        says="close at the end of Monday 2 March 2026",
        link="/referrals/",
    ),
    Told(
        "agenda_due",
        opens=date(2026, 3, 3),
        due=date(2026, 3, 5),
        late=date(2026, 3, 6),
        over=date(2026, 3, 13),
        people=(PRIYA,),
        subject="Agenda due Thu 5 March: IOM panel 12 March",
        says="to go out by 5pm on Thursday 5 March 2026",
        link="/meetings/2026-03-12/agenda/",
    ),
    Told(
        "checks_due",
        opens=date(2026, 3, 6),
        due=date(2026, 3, 9),
        late=date(2026, 3, 10),
        over=date(2026, 3, 13),
        people=(JO,),
        subject="Reminder: checks due Monday, 2 of 2 left",
        subject_late="Reminder: checks were due Mon 9 March, 2 of 2 left",
        again=(
            (date(2026, 3, 9), "Reminder: checks due today, 2 of 2 left"),
            (date(2026, 3, 10), "Reminder: checks were due Mon 9 March, 2 of 2 left"),
        ),
        says="You get this because you are the contact for",
        link="/research/2026-03-12/",
    ),
    Told(
        "minutes_due",
        opens=date(2026, 2, 17),
        due=date(2026, 2, 19),
        late=date(2026, 2, 23),
        over=None,
        people=(PRIYA,),
        subject="Minutes due Thu 19 February: IOM panel 12 February",
        says="to be out by 5pm on Thursday 19 February 2026. They are not signed yet.",
        link="/meetings/2026-02-12/minutes/",
    ),
    Told(
        "minutes_to_sign_due",
        opens=date(2026, 2, 3),
        due=date(2026, 2, 5),
        late=date(2026, 2, 9),
        over=None,
        people=(GRACE,),
        subject="Minutes to sign by Thu 5 February: IOM panel 29 January",
        says="They wait for your signature.",
        link="/meetings/2026-01-29/minutes/review/",
    ),
    Told(
        "actions_due",
        opens=date(2026, 3, 11),
        due=date(2026, 3, 13),
        late=date(2026, 3, 17),
        over=None,
        people=(JO,),
        subject="1 action due by 13 March",
        says="due by Fri 13 March",
        link="/actions/",
    ),
    Told(
        "review_due",
        opens=date(2026, 2, 5),
        due=date(2026, 2, 12),
        late=date(2026, 2, 9),
        over=None,
        people=(PRIYA, TOM),
        subject="Review due Thu 12 February: REVIEWED, 1-month review",
        says="due at the meeting of 12 February",
        link="/cases/REVIEWED/reviews/",
    ),
    Told(
        "green_exit",
        opens=date(2026, 3, 7),
        due=date(2026, 4, 4),
        late=date(2026, 4, 7),
        over=None,
        people=(PRIYA,),
        subject="Exit review due Sat 4 April: GREEN, Green for 6 months",
        says="Green for 6 months on 4 April",
        link="/cases/GREEN/exit/",
    ),
    Told(
        "offer_again",
        opens=date(2026, 4, 6),
        due=date(2026, 4, 20),
        late=date(2026, 4, 9),
        over=None,
        people=(PRIYA,),
        subject="Offer again on Mon 20 April: GONE",
        says="is to be offered the scheme again on 20 April",
        link="/cases/GONE/exit/",
    ),
    Told(
        "release_due",
        opens=date(2026, 3, 17),
        due=date(2026, 4, 14),
        late=date(2026, 4, 17),
        over=None,
        people=(PRIYA,),
        subject="Re-rating due Tue 14 April: INSIDE, release expected",
        says="expected to leave custody on 14 April",
        link="/cases/INSIDE/",
    ),
    Told(
        "check_asked_due",
        opens=date(2026, 3, 19),
        due=date(2026, 3, 20),
        late=date(2026, 3, 23),
        over=None,
        people=(JO,),
        subject="Reminder: safeguarding check due Fri 20 March, INSIDE",
        says="was asked for a safeguarding check by 20 March",
        link="/cases/INSIDE/safeguarding/",
    ),
    Told(
        "licence_due",
        opens=date(2026, 3, 17),
        due=date(2026, 4, 14),
        late=date(2026, 3, 20),
        over=date(2026, 4, 15),
        people=(PRIYA,),
        subject="Settle by Tue 14 April: INSIDE, what is asked for before then",
        says="still open, and must be settled before 14 April",
        link="/cases/INSIDE/licence/",
    ),
    Told(
        "tag_ends",
        opens=date(2026, 3, 23),
        due=date(2026, 4, 20),
        late=date(2026, 3, 26),
        over=date(2026, 4, 21),
        people=(PRIYA,),
        subject="Plan for Mon 20 April: GREEN, something ends that day",
        says="ends on 20 April. Agree what follows.",
        link="/cases/GREEN/custody/",
    ),
    Told(
        "to_ratify",
        opens=date(2026, 2, 13),
        due=date(2026, 2, 12),
        late=date(2026, 2, 17),
        over=None,
        people=(PRIYA,),
        subject="Ratify the decision on referral URGENT",
        says="outside the meeting on Monday 2 February 2026 was to be ratified by Thursday 12 February 2026",
        link="/referrals/URGENT/outside/",
    ),
    Told(
        "chair_review",
        opens=date(2026, 3, 23),
        due=date(2026, 4, 20),
        late=date(2026, 3, 26),
        over=None,
        people=(GRACE, PRIYA),
        subject="Review due Mon 20 April: who chairs the IOM Case Panel",
        says="looked at again by Monday 20 April 2026",
        link="/bodies/panel/",
    ),
    Told(
        "escalation_due",
        opens=date(2026, 2, 12),
        due=date(2026, 2, 11),
        late=date(2026, 2, 17),
        over=None,
        people=(GRACE, PRIYA),
        subject="Ask for the answer to IOM-E-0001: it was due Wed 11 February",
        says="since Thursday 1 January 2026, and its answer was looked for by Wednesday 11 February 2026",
        link="/escalations/IOM-E-0001/",
    ),
    Told(
        "agreement_review",
        opens=date(2026, 3, 30),
        due=date(2026, 4, 27),
        late=date(2026, 4, 2),
        over=None,
        people=(PRIYA,),
        subject="Review an agreement by 27 April",
        says="to be looked at again by Monday 27 April 2026",
        link="/services/agreements/AGREED/",
    ),
    Told(
        "report_review",
        opens=date(2026, 2, 6),
        due=date(2026, 2, 9),
        late=date(2026, 2, 10),
        over=None,
        people=(GRACE,),
        subject="Review 1 management report by 9 February",
        says="Please look by Mon 9 February whether what is done fits the risk grading",
        link="/reports/?show=mine",
    ),
    Told(
        "report_overdue",
        opens=date(2026, 2, 10),
        due=date(2026, 2, 9),
        late=date(2026, 2, 13),
        over=None,
        people=(PRIYA,),
        subject="1 management report not reviewed by 9 February",
        says="Ask them, or name another",
        link="/reports/?show=all",
    ),
]
EACH = pytest.mark.parametrize("row", TABLE, ids=[row.kind for row in TABLE])
DAY = timedelta(days=1)
STRETCH = [date(2026, 1, 30) + DAY * n for n in range(90)]


@pytest.fixture
def travel(time_machine):
    def to(day: date, hour: int = 9, minute: int = 0):
        time_machine.move_to(datetime(day.year, day.month, day.day, hour, minute, tzinfo=clock.LONDON), tick=False)

    to(date(2026, 1, 30))
    return to


@pytest.fixture
def world(db, travel):
    made = build()
    outbox.drain()
    mail.outbox.clear()
    return made


@pytest.fixture
def on_days(travel):
    """Let the clock run on these days, as worker and relay do it: the scheduler's door, then the outbox."""

    def run(*days: date):
        for day in days:
            travel(day)
            tasks.sweep_reminders()
            outbox.drain()

    return run


def told(kind: str) -> Counter:
    """How often each person was told, in the application."""
    return Counter(Notification.objects.filter(kind=kind).values_list("recipient__name", flat=True))


def mailed(kind: str) -> Counter:
    """How many e-mails each person had of a kind."""
    subjects = set(Notification.objects.filter(kind=kind).values_list("text", flat=True))
    names = dict(Membership.objects.values_list("user__email", "user__name"))
    return Counter(names[to] for message in mail.outbox if message.subject in subjects for to in message.to)


def named(words: str, world: World) -> str:
    words = words.replace("AGREED", str(Agreement.objects.order_by("pk").values_list("pk", flat=True).first()))
    words = words.replace("URGENT", world.urgent.referral.reference).replace("GONE", world.gone.reference)
    words = words.replace("REVIEWED", world.action.case.reference)
    return words.replace("GREEN", world.green.reference).replace("INSIDE", world.inside.reference)


# --- Each source ---------------------------------------------------------------------------------------------------


def test_every_source_speaks_in_this_world_and_stands_in_the_table(world, on_days):
    for find in reminders._sources:
        assert any(list(find(world.scheme, day)) for day in STRETCH), find.__name__

    on_days(*STRETCH)

    assert set(Reminder.objects.values_list("kind", flat=True)) == {row.kind for row in TABLE}


@EACH
def test_reminder_is_not_sent_before_its_window(world, on_days, row):
    on_days(row.opens - DAY)

    assert (told(row.kind), mailed(row.kind)) == (Counter(), Counter())


RUNS = {
    "on its first day": lambda row: [row.opens],
    "twice on one day": lambda row: [row.opens, row.opens],
    "every day": lambda row: [row.opens + DAY * n for n in range(8)],
    "late, three days missed": lambda row: [row.opens - DAY, row.late],
    "the day before and the day after it opens": lambda row: [row.opens - DAY, row.opens + DAY],
}


@pytest.mark.feature(200)
@pytest.mark.parametrize("days", RUNS.values(), ids=RUNS)
@EACH
def test_reminder_reaches_each_person_once(world, on_days, row, days):
    on_days(*days(row))

    once = Counter(dict.fromkeys(row.people, row.told_on(*days(row))))
    assert (told(row.kind), mailed(row.kind)) == (once, once)


@pytest.mark.parametrize("row", [row for row in TABLE if row.over], ids=[row.kind for row in TABLE if row.over])
def test_reminder_that_came_too_late_to_matter_is_not_sent(world, on_days, row):
    on_days(row.over)

    assert told(row.kind) == Counter()


@pytest.mark.parametrize("when", ["opens", "late"])
@EACH
def test_email_says_the_task_first_and_no_personal_data(world, on_days, row, when):
    day = getattr(row, when)
    on_days(day)

    messages = [message for message in mail.outbox if message.subject == named(row.subject_on(day), world)]
    assert sorted(message.to[0] for message in messages) == sorted(
        Membership.objects.filter(user__name__in=row.people).values_list("user__email", flat=True)
    )
    for message in messages:
        assert row.says in message.body
        link = named(row.link, world)
        assert message.body.endswith(f":\n\nhttp://testserver{link}{'&' if '?' in link else '?'}in=merton\n")
        assert message.body.count("http") == 1
        assert [word for word in PERSONAL if word in message.subject + message.body] == []


def test_email_that_is_late_does_not_say_that_there_is_time(world, on_days):
    on_days(date(2026, 3, 6))

    [message] = [each for each in mail.outbox if each.subject.startswith("Agenda due")]
    assert "The agenda for Thursday 12 March 2026 was to go out by 5pm" in message.body


# --- Done meanwhile ------------------------------------------------------------------------------------------------


def send_agenda(world):
    agenda.add_item(world.panel, section=Section.REVIEWS, case=world.green, by=world.office)
    agenda.send_agenda(world.panel, by=world.office)


def answer_checks(world):
    returns.mark_rest_not_known(world.panel, by=actor_for(world.housing))
    returns.send_return(world.panel, by=actor_for(world.housing))


def send_minutes_to_chair(world):
    minutes.send_to_chair(Minutes.objects.get(meeting=world.closed), by=world.office)


def sign_minutes(world):
    waiting = Minutes.objects.get(meeting=world.with_chair)
    minutes.sign(
        waiting,
        by=actor_for(world.chair),
        typed_name=GRACE,
        record_sha256=fingerprint(record_of(waiting)),
        fresh=True,
    )


def call_off(world):
    meetings.cancel(world.panel, reason="Snow", by=world.office)


def do_action(world):
    update_action(world.action, status="done", by=actor_for(world.housing))


def rate_amber(world):
    rate(world.green, "AMBER", on=clock.today(), reason="Arrested again", by=world.office)


def release_and_rate(world):
    record_release(world.inside.custody_periods.get(), on=date(2026, 1, 30), by=world.office)
    rate(world.inside, "AMBER", on=date(2026, 1, 30), reason="Out and engaging", by=world.office)


def ratify(world):
    meeting = factories.live_meeting(world.scheme, date(2026, 2, 5), recorder=world.coordinator, chair=world.chair)
    factories.agenda_item(meeting, Section.OUTSIDE, referral=world.urgent.referral, outside=world.urgent)
    ratify_everything(meeting, by=world.office)


def answer_escalation(world):
    office = actor_for(world.coordinator)
    held = Escalation.objects.get()
    Escalation.objects.filter(pk=held.pk).update(to_body=None)
    escalations.answer_from_outside(
        held, outcome="answered", words="Two beds.", on=clock.today(), said_by="Secretary", by=office
    )


DONE = [
    ("escalation_due", answer_escalation),
    ("to_ratify", ratify),
    ("agenda_due", send_agenda),
    ("checks_due", answer_checks),
    ("minutes_due", send_minutes_to_chair),
    ("minutes_to_sign_due", sign_minutes),
    ("nominations_close", call_off),
    ("agenda_due", call_off),
    ("checks_due", call_off),
    ("actions_due", do_action),
    ("green_exit", rate_amber),
    ("release_due", release_and_rate),
]


@pytest.mark.parametrize(("kind", "do"), DONE, ids=[f"{kind}: {do.__name__}" for kind, do in DONE])
def test_nobody_is_reminded_of_what_is_done(world, on_days, kind, do):
    row = next(row for row in TABLE if row.kind == kind)
    do(world)

    on_days(row.opens, row.due, row.late)

    assert told(kind) == Counter()


def test_person_who_left_is_not_reminded(world, on_days):
    world.housing.until = date(2026, 3, 1)
    world.housing.save(update_fields=["until"])

    on_days(date(2026, 3, 11))

    assert told("actions_due") == told("checks_due") == Counter()


def test_minutes_of_a_chair_who_left_are_the_coordinators_again(world, on_days):
    world.chair.until = date(2026, 2, 1)
    world.chair.save(update_fields=["until"])

    on_days(date(2026, 2, 3))

    assert told("minutes_to_sign_due") == Counter()
    assert told("minutes_due") == Counter({PRIYA: 1})


# --- A meeting that moves ------------------------------------------------------------------------------------------

MOVED = date(2026, 3, 26)


@pytest.mark.parametrize(
    ("kind", "again_on"),
    [
        pytest.param("nominations_close", date(2026, 3, 9), id="nominations"),
        pytest.param("agenda_due", date(2026, 3, 17), id="agenda"),
        pytest.param("checks_due", date(2026, 3, 20), id="checks"),
    ],
)
def test_moved_meeting_reminds_once_more_for_its_new_day(world, on_days, travel, kind, again_on):
    row = next(row for row in TABLE if row.kind == kind)
    on_days(row.opens)
    meetings.change(
        world.panel,
        on=MOVED,
        starts_at=world.panel.starts_at,
        minutes_long=120,
        place="Committee room 1",
        chair=world.chair,
        by=world.office,
    )

    on_days(again_on - DAY)
    assert told(kind) == Counter(dict.fromkeys(row.people, 1))

    on_days(again_on, again_on, again_on + DAY)
    assert told(kind) == mailed(kind) == Counter(dict.fromkeys(row.people, 2))
    # A reminder that speaks on several days is due on the day on which it speaks.
    first = row.opens if row.again else row.due
    assert set(Notification.objects.filter(kind=kind).values_list("due", flat=True)) == {first, first + DAY * 14}


# --- A whole spring ------------------------------------------------------------------------------------------------


def everything(world) -> list[tuple[date, str, str]]:
    """Every reminder that the table promises: the day, the person, the subject."""
    return sorted(
        (day, person, named(subject, world))
        for row in TABLE
        for day, subject in row.days.items()
        for person in row.people
    )


def test_spring_of_a_scheme_day_by_day_with_the_clock_run_twice(world, travel):
    came = []
    for day in STRETCH:
        for hour in (7, 20):
            travel(day, hour)
            tasks.sweep_reminders()
            outbox.drain()
            came += [(day, person_of(message), message.subject) for message in mail.outbox]
            mail.outbox.clear()

    assert sorted(came) == everything(world)


@pytest.mark.parametrize("first", range(4))
def test_spring_with_three_of_four_days_missed_tells_the_same_people_of_the_same_things(world, on_days, first):
    ran = STRETCH[first::4]
    on_days(*ran)

    got = Counter(Reminder.objects.values_list("kind", "recipient__name"))
    assert got == Counter({(row.kind, person): row.told_on(*ran) for row in TABLE for person in row.people})
    assert len(mail.outbox) == sum(got.values())


@pytest.mark.parametrize("preset", ["merton", "london", "richmond", "waltham_forest", "hampshire"])
def test_clock_of_every_scheme_and_body_runs_and_tells_nobody_twice(db, travel, on_days, preset):
    scheme = factories.scheme(preset)
    coordinator = factories.member(scheme, "coordinator", name=PRIYA)
    chair = factories.member(scheme, "chair", "member", agency_kind="probation", name=GRACE)
    for place, body in enumerate(Body.objects.filter(scheme=scheme)):
        factories.meeting(scheme, PANEL + DAY * place, body=body, chair=chair)
        held_one = factories.meeting(scheme, CLOSED + DAY * place, body=body, chair=chair)
        factories.minutes(held_one)
    factories.case(scheme, colour="GREEN" if preset != "richmond" else "AMBER", since=date(2025, 10, 4))

    on_days(*STRETCH[::4])

    got = Counter(Reminder.objects.values_list("kind", "subject", "due", "recipient"))
    assert {"agenda_due", "minutes_due"} <= {kind for kind, *_ in got}
    assert set(got.values()) == {1}
    assert len(mail.outbox) == len(got)
    assert told("agenda_due").keys() == {coordinator.user.name}


def person_of(message) -> str:
    return Membership.objects.get(user__email=message.to[0]).user.name


def test_two_clocks_at_once_tell_everyone_once(committed, travel):
    world = build()
    OPEN_TOGETHER = date(2026, 3, 11)
    travel(OPEN_TOGETHER)
    barrier = threading.Barrier(2)
    broke = []

    def run():
        barrier.wait()
        try:
            tasks.sweep_reminders()
        except Exception as error:  # an error in a thread is lost otherwise
            broke.append(error)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outbox.drain()

    due = [row for row in TABLE if row.opens <= OPEN_TOGETHER and (row.over is None or OPEN_TOGETHER < row.over)]
    expected = Counter((row.kind, person) for row in due for person in row.people)
    assert broke == []
    assert len(expected) == 13
    with walls.within(world.scheme, cause="test"):
        assert Counter(Reminder.objects.values_list("kind", "recipient__name")) == expected
        for row in due:
            assert mailed(row.kind) == Counter(dict.fromkeys(row.people, 1))


# --- The hours of the clock ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "runs"),
    [
        pytest.param(datetime(2026, 3, 28, 6, 59, tzinfo=UTC), False, id="winter, one minute to seven"),
        pytest.param(datetime(2026, 3, 28, 7, 0, tzinfo=UTC), True, id="winter, seven"),
        pytest.param(datetime(2026, 3, 28, 20, 59, tzinfo=UTC), True, id="winter, one minute to nine at night"),
        pytest.param(datetime(2026, 3, 28, 21, 0, tzinfo=UTC), False, id="winter, nine at night"),
        pytest.param(datetime(2026, 3, 29, 0, 59, tzinfo=UTC), False, id="clocks forward, before the lost hour"),
        pytest.param(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), False, id="clocks forward, after the lost hour"),
        pytest.param(datetime(2026, 3, 29, 5, 59, tzinfo=UTC), False, id="clocks forward, one minute to seven"),
        pytest.param(datetime(2026, 3, 29, 6, 0, tzinfo=UTC), True, id="clocks forward, seven"),
        pytest.param(datetime(2026, 3, 29, 20, 0, tzinfo=UTC), False, id="clocks forward, nine at night"),
        pytest.param(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), False, id="clocks back, the hour before"),
        pytest.param(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), False, id="clocks back, the same hour again"),
        pytest.param(datetime(2026, 10, 25, 6, 0, tzinfo=UTC), False, id="clocks back, six, which was seven"),
        pytest.param(datetime(2026, 10, 25, 7, 0, tzinfo=UTC), True, id="clocks back, seven"),
        pytest.param(datetime(2026, 10, 25, 20, 30, tzinfo=UTC), True, id="clocks back, half past eight"),
        pytest.param(datetime(2026, 10, 25, 21, 0, tzinfo=UTC), False, id="clocks back, nine at night"),
    ],
)
def test_people_are_reminded_between_seven_and_nine_in_london(world, time_machine, instant, runs):
    world.action.due_on = instant.date()
    world.action.save()
    time_machine.move_to(instant, tick=False)

    tasks.sweep_reminders()

    assert told("actions_due")[JO] == runs


@pytest.mark.parametrize("change", [date(2026, 3, 29), date(2026, 10, 25)], ids=["forward", "back"])
def test_day_on_which_clocks_change_sends_each_reminder_once(world, time_machine, change):
    world.action.due_on = change + 2 * DAY
    world.action.save()
    start = datetime(change.year, change.month, change.day, tzinfo=UTC) - timedelta(hours=3)

    for minutes_on in range(0, 30 * 60, 20):
        time_machine.move_to(start + timedelta(minutes=minutes_on), tick=False)
        tasks.sweep_reminders()
    outbox.drain()

    [notice] = Notification.objects.filter(kind="actions_due")
    assert notice.created_at.astimezone(clock.LONDON).replace(tzinfo=None) == datetime(
        change.year, change.month, change.day, 7
    )
    assert mailed("actions_due") == Counter({JO: 1})
