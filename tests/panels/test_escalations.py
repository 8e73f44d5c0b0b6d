"""What a panel cannot resolve: to the board, and its answer back."""

from datetime import date, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from actionplans import actions as plans
from iom import clock, walls
from iom.access import actor_for
from iom.clock import LONDON, as_of
from iom.models import Body, Meeting, Notification
from iom.steps import StepRefused
from panels import agenda, attendance, escalations, meetings, recording
from panels.decide import Choice, decide
from panels.escalations import Issue
from panels.models import (
    AgendaItem,
    BoardAnswer,
    Decision,
    Escalation,
    EscalationItem,
    EscalationStatus,
    Outcome,
    Section,
)
from tests import factories

pytestmark = pytest.mark.django_db

BOARD_DAY, NEXT_BOARD, PANEL_DAY = date(2026, 3, 24), date(2026, 5, 26), date(2026, 4, 9)
ISSUE = Issue(
    title="Nowhere to sleep on the first night out",
    kind="service",
    stuck="Nobody who leaves prison on a Friday has a bed that night.",
    tried="Housing asked four landlords and the night shelter.",
    ask="Ask the council for two beds kept free on Fridays.",
    service="Night shelter",
)


def at(day, hour=11):
    return as_of(datetime(day.year, day.month, day.day, hour, tzinfo=LONDON))


@pytest.fixture
def reader(merton):
    return factories.member(merton, "board_reader", name="Bola Okafor")


@pytest.fixture
def board(merton):
    return Body.objects.get(scheme=merton, slug="board")


@pytest.fixture
def planned(merton, board, as_coordinator, chair, reader):
    """The board's next two meetings and the panel's next, planned on 2 March."""
    with at(date(2026, 3, 2)):
        return {
            name: meetings.plan(body=body, on=day, starts_at=time(10),
                                minutes_long=120, chair=chair, by=as_coordinator)
            for name, body, day in (
                ("board", board, BOARD_DAY),
                ("next_board", board, NEXT_BOARD),
                ("panel", factories.of_first_body(merton), PANEL_DAY),
            )
        }  # fmt: skip


@pytest.fixture
def action(merton, housing, as_coordinator):
    return plans.add_action(
        case=factories.case(merton),
        text="Find a place for the first night",
        agency=housing.agency,
        due_on=date(2026, 3, 9),
        owner=housing,
        by=as_coordinator,
    )


@pytest.fixture
def sent(planned, action, as_coordinator):
    with at(date(2026, 3, 2)):
        raised = escalations.raise_issue(ISSUE, actions=[action], case=action.case, by=as_coordinator)
        return escalations.send(raised, by=as_coordinator)


def held(meeting, by, *people):
    """The meeting goes live on its day with these people here."""
    agenda.send_agenda(meeting, by=by)
    for place in attendance.places(meeting):
        if place.membership is not None:
            attendance.take_attendance(meeting, [attendance.Came(place.key, "present")], by=by)
    recording.start(meeting, by=by)
    meeting.refresh_from_db()
    return meeting


def item_of(escalation, kind="asks"):
    return (
        AgendaItem.objects.filter(escalation_link__escalation=escalation, escalation_link__kind=kind)
        .order_by("pk")
        .last()
    )


def test_board_is_asked_answers_and_the_panel_hears_it(sent, planned, action, as_coordinator, reader, housing):
    item = item_of(sent)
    assert (sent.reference, sent.status, sent.due_on) == ("IOM-E-0001", "with_board", BOARD_DAY)
    assert (item.meeting, item.section, item.title) == (planned["board"], Section.ESCALATIONS, ISSUE.title)
    assert item.why == "IOM-E-0001: open for 22 days on 24 March"
    assert Notification.objects.filter(recipient=reader.user, kind="escalation_sent").exists()

    with at(BOARD_DAY):
        held(planned["board"], as_coordinator)
        choice = Choice(Outcome.ANSWERED, reason="Two beds are kept free on Fridays from 1 May.")
        decide(item, choice, by=as_coordinator)

    answered = Escalation.objects.get(pk=sent.pk)
    back = item_of(sent, "answer")
    assert (answered.status, answered.answered_on, answered.days_open()) == ("answered", BOARD_DAY, 22)
    assert back.meeting == planned["panel"]
    assert back.title == f"Answer: {ISSUE.title}"
    assert back.why == (
        "IOM-E-0001: answered on 24 March after 22 days. Strategic Priority Lead for Offending brings it back"
    )
    told = Notification.objects.filter(kind="escalation_answered")
    assert set(told.values_list("recipient", flat=True)) >= {as_coordinator.user.pk, housing.user.pk}
    assert told.get(recipient=housing.user).url == f"/actions/{action.pk}/"

    with at(PANEL_DAY):
        held(planned["panel"], as_coordinator)
        decide(back, Choice(Outcome.NOTED, note="Housing books the beds."), by=as_coordinator)

    done = Escalation.objects.get(pk=sent.pk)
    assert (done.status, done.fed_back_on, done.fed_back_at) == ("fed_back", PANEL_DAY, planned["panel"])


def test_board_asks_for_more_then_puts_off_then_comes_back_to_it(sent, planned, as_coordinator):
    with at(BOARD_DAY):
        held(planned["board"], as_coordinator)
        decide(item_of(sent), Choice(Outcome.MORE_NEEDED, reason="How many people last year?"), by=as_coordinator)
    asked = Escalation.objects.get(pk=sent.pk)
    assert asked.status == EscalationStatus.MORE_NEEDED
    assert not EscalationItem.objects.filter(item__meeting=planned["next_board"]).exists()

    with at(date(2026, 4, 1)):
        more = escalations.change(asked, Issue(**{**vars_of(ISSUE), "tried": "Asked. Nine people."}), by=as_coordinator)
        again = escalations.send(more, by=as_coordinator)
    assert (again.sent_on, again.due_on) == (date(2026, 3, 2), NEXT_BOARD)
    assert item_of(sent).meeting == planned["next_board"]

    with at(NEXT_BOARD):
        held(planned["next_board"], as_coordinator)
        decide(item_of(sent), Choice(Outcome.DEFER, reason="The lead is away."), by=as_coordinator)
        recording.close(planned["next_board"], by=as_coordinator)
    with at(NEXT_BOARD + timedelta(days=1)):
        waiting = Escalation.objects.get(pk=sent.pk)
        assert (waiting.status, waiting.overdue(), waiting.days_open()) == ("with_board", True, 86)
        later = meetings.plan(
            body=planned["board"].body, on=date(2026, 7, 28), starts_at=planned["board"].starts_at, minutes_long=90,
            by=as_coordinator,
        )  # fmt: skip
    assert item_of(sent).meeting == later
    assert [each.outcome for each in escalations.answers_to([sent])[sent.pk]] == ["more_needed", "deferred"]


def vars_of(issue):
    return {name: getattr(issue, name) for name in ("title", "stuck", "kind", "tried", "ask", "agency", "service")}


def test_not_reached_goes_on_to_the_next_board_by_itself(sent, planned, as_coordinator):
    with at(BOARD_DAY):
        held(planned["board"], as_coordinator)
        left = recording.carry_forward(planned["board"])
        assert [each.item for each in left.people] == [item_of(sent)]
        recording.close(planned["board"], by=as_coordinator)

    links = EscalationItem.objects.filter(escalation=sent)
    assert [(link.item.meeting, link.item.state) for link in links] == [
        (planned["board"], "carried"),
        (planned["next_board"], "open"),
    ]


def test_corrected_answer_takes_the_first_one_back(sent, planned, as_coordinator):
    with at(BOARD_DAY):
        held(planned["board"], as_coordinator)
        decide(item_of(sent), Choice(Outcome.ANSWERED, reason="Yes, two beds."), by=as_coordinator)
        item = AgendaItem.objects.get(pk=item_of(sent).pk)
        decide(
            item,
            Choice(Outcome.MORE_NEEDED, reason="What does it cost?", correction_reason="Said otherwise at the end."),
            by=as_coordinator,
        )

    now = Escalation.objects.get(pk=sent.pk)
    assert (now.status, now.answered_on) == ("more_needed", None)
    assert item_of(sent, "answer") is None
    assert [each.words for each in escalations.answers_to([sent])[sent.pk]] == ["What does it cost?"]
    assert BoardAnswer.objects.count() == 2


def test_oldest_stands_first_on_the_boards_agenda(planned, as_coordinator):
    for day, title in ((date(2026, 3, 3), "Second"), (date(2026, 3, 4), "Third")):
        with at(day):
            raised = escalations.raise_issue(Issue(**{**vars_of(ISSUE), "title": title}), by=as_coordinator)
            escalations.send(raised, by=as_coordinator)
    first = escalations.raise_issue(Issue(**{**vars_of(ISSUE), "title": "First"}), by=as_coordinator)
    Escalation.objects.filter(pk=first.pk).update(sent_on=date(2026, 2, 1), status="with_board")
    with at(date(2026, 3, 5)):
        escalations.bring_all(by=as_coordinator)

    items = AgendaItem.objects.filter(meeting=planned["board"], section=Section.ESCALATIONS).order_by("position")
    assert [item.title for item in items] == ["First", "Second", "Third"]
    assert list(AgendaItem.objects.filter(meeting=planned["board"]).values_list("section", flat=True).order_by("position")) == [
        "apologies", "last_actions", "reports", "reports", "escalations", "escalations", "escalations", "aob",
    ]  # fmt: skip
    with pytest.raises(StepRefused, match="stays on the agenda"):
        agenda.remove(items[0], by=as_coordinator)


def test_chair_sends_it_too_and_members_and_other_schemes_do_not(planned, as_chair, as_police, as_coordinator):
    with pytest.raises(PermissionDenied):
        escalations.raise_issue(ISSUE, by=as_police)
    with at(date(2026, 3, 2)):
        raised = escalations.raise_issue(ISSUE, by=as_chair)
        assert escalations.send(raised, by=as_chair).status == "with_board"
    assert item_of(raised).meeting == planned["board"]
    other = actor_for(factories.member(factories.scheme("london"), "chair"))
    with walls.within(other.scheme, by=other):
        assert not Escalation.objects.visible_to(other).exists()
    assert Escalation.objects.visible_to(as_police).get() == raised


def test_withdrawn_leaves_the_agenda_and_says_why(sent, planned, as_coordinator):
    with pytest.raises(StepRefused, match="why it is withdrawn"):
        escalations.withdraw(sent, reason=" ", by=as_coordinator)
    with at(date(2026, 3, 5)):
        escalations.withdraw(sent, reason="The shelter opened.", by=as_coordinator)

    assert Escalation.objects.get(pk=sent.pk).status == "withdrawn"
    assert item_of(sent) is None
    with pytest.raises(StepRefused):
        escalations.send(Escalation.objects.get(pk=sent.pk), by=as_coordinator)


def test_nobody_is_named_to_the_board(merton, as_coordinator, action):
    who = action.case.offender
    for words in (f"{who.family_name} has no bed", f"{who.given_names} {who.family_name} again"):
        with pytest.raises(StepRefused, match="reads no names"):
            escalations.raise_issue(Issue(**{**vars_of(ISSUE), "title": words}), actions=[action], by=as_coordinator)
    factories.case(merton, who=factories.offender(merton, given_names="Kit", family_name="Specimen"))
    with pytest.raises(StepRefused, match="reads no names"):
        escalations.raise_issue(Issue(**{**vars_of(ISSUE), "stuck": "KIT  specimen waits."}), by=as_coordinator)
    # A word that is somebody's family name too is no name by itself.
    assert escalations.raise_issue(Issue(**{**vars_of(ISSUE), "stuck": "A specimen letter."}), by=as_coordinator)


def test_board_outside_is_written_to_and_its_answer_typed_in(db):
    london = factories.scheme("london")
    by = factories.actor(london, "coordinator")
    with at(date(2026, 3, 2)):
        board, beyond = escalations.destinations(london)
        assert (board.name, board.body.slug) == ("IOM Board", "iom-board")
        assert (beyond.name, beyond.body) == ("MOPAC IOM Executive Board", None)
        raised = escalations.raise_issue(Issue(**{**vars_of(ISSUE), "ask": ""}), to="beyond", by=by)
        with pytest.raises(StepRefused, match="what you ask of the board"):
            escalations.send(raised, by=by)
        raised = escalations.change(raised, ISSUE, by=by)
        raised = escalations.send(raised, by=by)
    assert raised.due_on == date(2026, 3, 2) + timedelta(days=london.policy.escalation.answer_days)
    with at(raised.due_on):
        assert not raised.overdue()
    answer = {"outcome": "answered", "words": "A bid is open until June.", "said_by": "MOPAC officer", "by": by}
    with at(raised.due_on + timedelta(days=1)):
        assert raised.overdue()
        assert list(Escalation.objects.overdue(clock.today())) == [raised]
        for on, why in ((date(2026, 3, 1), "before it was sent"), (clock.today() + timedelta(days=1), "today")):
            with pytest.raises(StepRefused, match=why):
                escalations.answer_from_outside(raised, on=on, **answer)
        answered = escalations.answer_from_outside(raised, on=date(2026, 4, 20), **answer)
        panel = factories.meeting(london, clock.today() + timedelta(days=3))
        escalations.bring_all(by=by)

    assert (answered.status, answered.days_open()) == ("answered", 49)
    assert item_of(raised, "answer").meeting == panel
    assert BoardAnswer.objects.get(escalation=raised).said_by == "MOPAC officer"


def test_board_without_a_quorum_answers_nothing_yet(sent, planned, as_coordinator):
    with at(BOARD_DAY):
        held(planned["board"], as_coordinator)
    decision = Decision(outcome=Outcome.ANSWERED, to_ratify=True, reason="Yes")

    assert escalations.answered(item_of(sent), decision, by=as_coordinator).status == "with_board"
    assert Meeting.objects.get(pk=planned["board"].pk).status == "live"
