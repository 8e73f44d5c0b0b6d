"""What goes to the board and comes back, and what the board is told, on the pages that people use."""

from datetime import date, datetime, time

import pytest

from actionplans import actions as plans
from actionplans.models import Action
from iom.access import actor_for
from iom.clock import LONDON, as_of
from iom.models import Body, Export
from panels import agenda, attendance, board_papers, delivery, escalations, meetings, recording
from panels.decide import Choice, NewAction, decide
from panels.record import record_of
from panels.models import AgendaItem, BoardPaper, Escalation, Outcome, Section
from tests import factories

pytestmark = pytest.mark.django_db

PANEL, BOARD, NEXT_PANEL = date(2026, 3, 12), date(2026, 3, 24), date(2026, 4, 9)
TYPED = {
    "title": "Nowhere to sleep on the first night out",
    "kind": "service",
    "stuck": "Nobody who leaves prison on a Friday has a bed.",
    "tried": "Housing asked four landlords.",
    "ask": "Two beds kept free on Fridays.",
    "service": "Night shelter",
    "agency": "",
}


def at(day, hour=11):
    return as_of(datetime(day.year, day.month, day.day, hour, tzinfo=LONDON))


def plan(by, on, chair, slug=None):
    body = Body.objects.get(scheme=by.scheme, **({"slug": slug} if slug else {"position": 0}))
    return meetings.plan(body=body, on=on, starts_at=time(10), minutes_long=120, chair=chair, by=by)


def hold(meeting, by, came=None):
    agenda.send_agenda(meeting, by=by)
    here = [
        attendance.Came(place.key, (came or {}).get(place.membership.pk, "present"))
        for place in attendance.places(meeting)
        if place.membership
    ]
    attendance.take_attendance(meeting, here, by=by)
    recording.start(meeting, by=by)


@pytest.fixture
def reader(merton):
    return factories.member(merton, "board_reader", name="Bola Okafor")


@pytest.fixture
def stuck(merton, housing, as_coordinator):
    made = plans.add_action(
        case=factories.case(merton), text="Find a place for the first night", agency=housing.agency,
        due_on=date(2026, 3, 2), owner=housing, by=as_coordinator,
    )  # fmt: skip
    Action.objects.filter(pk=made.pk).update(carried_forward=3)
    return made


@pytest.fixture
def coming(as_coordinator, chair, reader):
    with at(date(2026, 3, 3)):
        return {
            "panel": plan(as_coordinator, PANEL, chair),
            "board": plan(as_coordinator, BOARD, chair, "board"),
            "next": plan(as_coordinator, NEXT_PANEL, chair),
        }


@pytest.mark.feature(9)
@pytest.mark.feature(10)
@pytest.mark.feature(320)
def test_action_that_is_stuck_goes_to_the_board_and_its_answer_comes_back(
    sign_in, coordinator, chair, housing, reader, as_coordinator, stuck, coming
):
    who = stuck.case.offender
    with at(date(2026, 3, 13)):
        office = sign_in(coordinator)
        listed = office.get("/escalations/").content.decode()
        assert "Nothing is with the Board." in listed
        assert f'href="/escalations/new/?action={stuck.pk}"' in listed
        form = office.get(f"/escalations/new/?action={stuck.pk}").content.decode()
        assert "Carried forward 3 times." in form
        assert stuck.case.reference in form
        refused = office.post(
            f"/escalations/new/?action={stuck.pk}", TYPED | {"stuck": f"{who.family_name} has no bed", "then": "send"}
        )
        assert "Do not name anybody here" in refused.content.decode()
        sent = office.post(f"/escalations/new/?action={stuck.pk}", TYPED | {"actions": [stuck.pk], "then": "send"})
        assert sent.url == "/escalations/IOM-E-0001/"
        page = office.get(sent.url).content.decode()
        assert stuck.case.reference in page
        assert "Find a place for the first night" in page

    with at(date(2026, 3, 20)):
        office = sign_in(coordinator)
        board = sign_in(reader).get("/escalations/IOM-E-0001/").content.decode()
        assert "Open for 7 days" in board
        for hidden in (stuck.case.reference, who.family_name, who.given_names, stuck.text):
            assert hidden not in board
        assert "Change" not in board
        on_agenda = office.get("/meetings/2026-03-24-board/agenda/").content.decode()
        assert "IOM-E-0001: open for 11 days on 24 March" in on_agenda

    with at(BOARD):
        office = sign_in(coordinator)
        hold(coming["board"], as_coordinator)
        item = AgendaItem.objects.get(escalation_link__escalation__reference="IOM-E-0001")
        live = office.get(f"/meetings/2026-03-24-board/live/?item={item.number}").content.decode()
        assert 'value="more_needed"' in live
        assert "Housing asked four landlords." in live
        decide(item, Choice(Outcome.ANSWERED, reason="Two beds from 1 May."), by=as_coordinator)
    with at(date(2026, 3, 25)):
        office = sign_in(coordinator)
        assert "Two beds from 1 May." in sign_in(housing).get(f"/actions/{stuck.pk}/").content.decode()
        told = sign_in(chair).get("/").content.decode()
        assert "Answered by the board" in told
        agenda_page = office.get("/meetings/2026-04-09/agenda/").content.decode()
        assert "Strategic Priority Lead for Offending brings it back" in agenda_page
    with at(NEXT_PANEL):
        office = sign_in(coordinator)
        hold(coming["next"], as_coordinator)
        back = AgendaItem.objects.get(meeting=coming["next"], section=Section.ESCALATIONS)
        brief = office.get(f"/meetings/2026-04-09/live/?item={back.number}").content.decode()
        assert "Two beds from 1 May." in brief
        assert "after 11 days" in brief
        decide(back, Choice(Outcome.NOTED), by=as_coordinator)
        minutes = recording.close(coming["next"], by=as_coordinator)
        printed = office.get("/meetings/2026-04-09/minutes/").content.decode()
    assert Escalation.objects.get().status == "fed_back"
    assert "Two beds from 1 May." in record_of(minutes)["items"][-2]["escalation"]["answer"]
    assert "Two beds from 1 May." in printed


@pytest.mark.feature(8)
def test_board_outside_answers_by_hand_and_a_mistyped_form_keeps_its_words(sign_in):
    scheme = factories.scheme("waltham_forest")
    somebody = factories.member(scheme, "coordinator")
    with at(date(2026, 3, 13)):
        client = sign_in(somebody)
        draft = client.post("/escalations/new/", TYPED | {"tried": "", "then": "send"})
        assert draft.url == "/escalations/IOM-E-0001/edit/"
        client.post(draft.url, TYPED | {"version": 1, "then": "send"})
        held = Escalation.objects.get()
        assert (held.status, held.is_outside) == ("with_board", True)
        wrong = client.post(
            held.get_absolute_url(),
            {
                "do": "answer",
                "answer-words": "A bid is open.",
                "answer-on": "13 3 2026",
                "answer-version": held.version,
            },
        ).content.decode()
        assert "Choose what it said" in wrong
        assert "A bid is open." in wrong
    with at(date(2026, 4, 2)):
        client = sign_in(somebody)
        client.post(
            held.get_absolute_url(),
            {"do": "answer", "answer-outcome": "answered", "answer-words": "A bid is open.", "answer-said_by": "Secretary",
             "answer-on": "1 4 2026", "answer-version": held.version},
        )  # fmt: skip
        page = client.get(held.get_absolute_url()).content.decode()
        assert "Answered after 19 days" in page
        client.post(held.get_absolute_url(), {"do": "heard", "version": Escalation.objects.get().version})
    assert Escalation.objects.get().status == "fed_back"


@pytest.mark.feature(72)
@pytest.mark.feature(83)
@pytest.mark.feature(310)
def test_each_agency_answers_for_its_attendance_and_its_actions(
    sign_in, coordinator, chair, police, housing, reader, as_coordinator, coming, stuck, django_assert_max_num_queries
):
    by = as_coordinator

    def promised(text, due, status, finished=None, agency=housing.agency):
        made = plans.add_action(case=None, text=text, agency=agency, due_on=due, by=by)
        with at(finished or due):
            plans.update_action(made, status=status, by=by)

    with at(PANEL):
        hold(coming["panel"], by, {housing.pk: "apologies"})
        recording.close(coming["panel"], by=by)
    promised("on the day", date(2026, 3, 10), "done", date(2026, 3, 10))
    promised("a day late", date(2026, 3, 10), "done", date(2026, 3, 11))
    promised("moved away", date(2026, 3, 10), "no_longer")
    promised("not at all", date(2026, 3, 10), "not_done")
    promised("of another month", date(2026, 5, 1), "done")
    promised("by the police", date(2026, 3, 31), "done", agency=police.agency)

    with at(date(2026, 4, 1)):
        client = sign_in(reader)
        client.get("/meetings/delivery/")
        with django_assert_max_num_queries(20):
            page = client.get("/meetings/delivery/?since=1+3+2026&until=31+3+2026").content.decode()
    with at(date(2026, 4, 1)):
        found = delivery.report(actor_for(reader), date(2026, 3, 1), date(2026, 3, 31))
        own = delivery.report(actor_for(housing), date(2026, 3, 1), date(2026, 3, 31))
        line = next(each for each in found.lines if each.agency == housing.agency)
        assert (line.held, line.attended, line.came["apologies"]) == (1, 0, 1)
        assert (line.due, line.on_time, line.late, line.handed_back, line.not_done, line.still_open) == (
            5,
            1,
            1,
            1,
            1,
            1,
        )
        # What was still to do when the panel closed was carried forward by itself.
        assert (line.carried, line.completion) == (4, 50)
        theirs = next(each for each in found.lines if each.agency == police.agency)
        assert (theirs.attended, theirs.on_time) == (1, 1)
        absent = next(each for each in found.lines if each.agency.kind == "health")
        assert (absent.held, absent.came["absent"]) == (1, 1)
        assert [each.agency for each in own.lines] == [housing.agency]
        assert "Core agency" in page
        mine = sign_in(housing).get("/meetings/delivery/").content.decode()
        assert "You see the line of your own agency." in mine
        assert police.agency.name not in mine.split("<main")[1]

        client = sign_in(reader)
        client.post("/account/code/", {"code": factories.PASSWORD})
        wrong = client.post("/meetings/delivery/file/", {"since": "2026-04-01", "until": "2026-03-01", "reason": "x"})
        assert "The last day must be on or after the first" in wrong.content.decode()
        made = client.post(
            "/meetings/delivery/file/",
            {"since": "2026-03-01", "until": "2026-03-31", "reason": "For the board", "recipient": "IOM Board"},
        )
        assert made.status_code == 302
    file = bytes(Export.objects.get().content).decode("utf-8-sig")
    assert file.splitlines()[0].startswith("Agency,Core,Meetings held")
    assert any(row.startswith(f"{housing.agency.name},yes,1,0,0,0,1,0,5,1,1,1,1,1,4") for row in file.splitlines())
    assert stuck.case.offender.family_name not in file


@pytest.mark.feature(7)
def test_panels_progress_is_reported_to_the_board_with_its_agenda(
    sign_in, coordinator, chair, housing, reader, as_coordinator, coming, stuck
):
    with at(PANEL):
        hold(coming["panel"], as_coordinator)
        recording.close(coming["panel"], by=as_coordinator)
    with at(date(2026, 3, 16)):
        office = sign_in(coordinator)
        page = office.get("/meetings/2026-03-24-board/board-papers/").content.decode()
        assert "Strategic Priority Lead for Offending reports." in page
        assert "1 meeting, all quorate" in page
        assert "fewer than 5" in page
        assert stuck.case.offender.family_name not in page
        words = {"words": "Engagement is up. The first weekend is the gap.", "version": 0}
        saved = office.post("/meetings/2026-03-24-board/board-papers/", words, headers={"X-Autosave": "1"})
        assert saved.json()["fields"] == {"version": 1}
        who = stuck.case.offender
        named = office.post(
            "/meetings/2026-03-24-board/board-papers/",
            {"words": f"{who.given_names} {who.family_name} did well.", "version": 1},
        ).content.decode()
        assert "reads no names" in named
        assert BoardPaper.objects.get().words == words["words"]
        items = AgendaItem.objects.filter(meeting=coming["board"], section=Section.REPORTS)
        assert [item.title for item in items.order_by("position")] == [
            "Progress of the panel since the last meeting",
            "Attendance and delivery, agency by agency",
        ]
        agenda.send_agenda(coming["board"], by=as_coordinator)
    with at(date(2026, 3, 17)):
        office = sign_in(coordinator)
        factories.case(coordinator.scheme, colour="AMBER")
        seen = sign_in(reader)
        page = seen.get("/meetings/2026-03-24-board/board-papers/").content.decode()
        assert "it stays as it was sent" in page
        assert words["words"] in page
        assert "<textarea" not in page
        late = office.post("/meetings/2026-03-24-board/board-papers/", {"words": "More", "version": 2})
        assert "has been sent this report" in late.content.decode()
        pdf = seen.get("/meetings/2026-03-24-board/board-papers/papers.pdf")
        assert pdf.content[:5] == b"%PDF-"
        assert pdf["Content-Disposition"] == 'attachment; filename="merton-2026-03-24-board-papers.pdf"'
        assert seen.get("/meetings/2026-04-09/board-papers/").status_code == 404
        assert sign_in(housing).get("/meetings/2026-03-24-board/board-papers/").status_code == 403
        home = seen.get("/").content.decode()
        assert "People on the cohort" in home
        assert "Core agencies at the table" in home


@pytest.mark.feature(82)
def test_action_agreed_at_the_panel_is_in_the_plan_and_on_everybodys_list_and_carries_over(
    sign_in, merton, coordinator, housing, as_coordinator, coming
):
    case = factories.case(merton, colour="AMBER")
    with at(date(2026, 3, 4)):
        agenda.add_item(coming["panel"], section=Section.REVIEWS, case=case, by=as_coordinator)
    with at(PANEL):
        hold(coming["panel"], as_coordinator)
        item = AgendaItem.objects.get(meeting=coming["panel"], case=case)
        agreed = [NewAction(f"Ring the landlord, {number}", housing.agency, date(2026, 4, 1)) for number in "123"]
        decide(item, Choice(Outcome.NO_CHANGE, actions=tuple(agreed), **harm_of(item)), by=as_coordinator)
        recording.close(coming["panel"], by=as_coordinator)
    with at(date(2026, 3, 13)):
        client = sign_in(housing)
        assert "Ring the landlord, 1" in client.get(f"/cases/{case.reference}/plan/").content.decode()
        listed = client.get("/actions/?show=agency").content.decode()
        assert "Ring the landlord, 1" in listed
        first, second, _ = Action.objects.filter(case=case).order_by("text")
        rows = {f"a{each.pk}-version": each.version for each in (first, second)}
        rows |= {f"a{each.pk}-status": "open" for each in (first, second)}
        none = client.post("/actions/?show=agency", rows | {"then": "mark", "bulk-outcome": "done"}).content.decode()
        assert "Select at least one action" in none
        marked = {
            "then": "mark",
            "bulk-outcome": "done",
            "bulk-note": "Spoke to him",
            "bulk-chosen": [first.pk, second.pk],
        }
        client.post("/actions/?show=agency", rows | marked)
    assert [(each.status, each.note) for each in Action.objects.filter(case=case).order_by("text")] == [
        ("done", "Spoke to him"), ("done", "Spoke to him"), ("open", ""),
    ]  # fmt: skip
    with at(NEXT_PANEL):
        hold(coming["next"], as_coordinator)
        recording.close(coming["next"], by=as_coordinator)
        third = Action.objects.get(text="Ring the landlord, 3")
        assert third.carried_forward == 1
        assert "Carried forward once" in sign_in(housing).get("/actions/?show=agency").content.decode()


def harm_of(item):
    """What every case is asked about harm."""
    return {"harm": "none"} if "harm" in Choice.__dataclass_fields__ else {}


def test_board_gives_tasks_and_holds_agencies_to_them_where_it_oversees_the_panels(sign_in):
    """Richmond, 1 introduction and 1.5: the Strategic Group oversees the panels and holds agencies to their tasks."""
    scheme = factories.scheme("richmond")
    coordinator = factories.member(scheme, "coordinator")
    housing = factories.member(scheme, "member", agency_kind="housing")
    by = actor_for(coordinator)
    assert scheme.policy.body("strategic").parent == "Community Safety Partnership"
    with at(date(2026, 3, 3)):
        group = plan(by, BOARD, None, "strategic")
        assert board_papers.is_board(group)
        assert escalations.destinations(scheme)[0].body == group.body
    with at(BOARD):
        hold(group, by)
        item = AgendaItem.objects.get(meeting=group, section=Section.AOB)
        task = NewAction("Agree a protocol with landlords", housing.agency, date(2026, 4, 1))
        decide(item, Choice(Outcome.NOTED, actions=(task,)), by=by)
        recording.close(group, by=by)
    with at(date(2026, 4, 3)):
        assert "Agree a protocol with landlords" in sign_in(housing).get("/actions/?show=agency").content.decode()
        found = delivery.report(by, date(2026, 3, 1), date(2026, 4, 3))
        line = next(each for each in found.lines if each.agency == housing.agency)
        assert (line.due, line.still_open, line.completion) == (1, 1, 0)
        assert "strategic" in {body.slug for body in found.bodies}
