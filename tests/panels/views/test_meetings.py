"""The pages around a meeting, as people meet them."""

from datetime import date, datetime, time

import pytest
import time_machine

from iom.clock import LONDON
from iom.models import Meeting
from panels import agenda, circulation, meetings
from panels.models import AgreementSignature, Circulation, MovedMeeting, Section
from tests import factories

PANEL_DAY = date(2026, 3, 12)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_february():
    with time_machine.travel(datetime(2026, 2, 26, 9, 0, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL_DAY, chair=chair)


@pytest.fixture
def sent(meeting, merton, as_coordinator, police, housing):
    agenda.add_item(meeting, section=Section.APOLOGIES, by=as_coordinator)
    agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    return agenda.send_agenda(meeting, by=as_coordinator)


FORM = {"date": "12 3 2026", "starts_at": "10", "minutes_long": "120", "place": "Civic Centre", "chair": ""}


def plan_form(merton, **changes):
    return FORM | {"body": str(factories.of_first_body(merton).pk)} | changes


@pytest.mark.feature(303)
def test_planning_shows_the_dates_with_their_rules_before_anything_is_saved(merton, coordinator, sign_in):
    page = sign_in(coordinator).post("/meetings/new/", plan_form(merton, show="1"))

    html = page.content.decode()
    assert page.status_code == 200
    assert "Monday 2 March 2026" in html and "10 calendar days before the meeting" in html
    assert "Thursday 5 March 2026" in html and "Merton, step 2" in html
    assert not Meeting.objects.exists()


@pytest.mark.feature(92)
def test_planning_makes_a_draft_with_what_every_agenda_has(merton, coordinator, chair, sign_in):
    page = sign_in(coordinator).post("/meetings/new/", plan_form(merton, chair=str(chair.pk)), follow=True)

    meeting = Meeting.objects.get()
    assert (meeting.date, meeting.starts_at, meeting.place) == (PANEL_DAY, time(10, 0), "Civic Centre")
    assert meeting.chair == chair
    assert [item.section for item in agenda.ordered(meeting)] == ["apologies", "last_actions", "aob"]
    assert "planned for Thursday 12 March 2026" in page.content.decode()
    assert not Circulation.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"date": "30 2 2026"}, "The date must be a real date", id="no_such_day"),
        pytest.param({"date": "1 2 2026"}, "The date must be today or later", id="past"),
        pytest.param({"date": ""}, "Enter the date", id="no_date"),
        pytest.param({"starts_at": "25:00"}, "must be a real time", id="no_such_time"),
        pytest.param({"date": "29 3 2026", "starts_at": "1:30am"}, "does not exist on that day", id="hour_left_out"),
        pytest.param({"minutes_long": "0"}, "5 minutes or more", id="no_length"),
        pytest.param({"minutes_long": "two"}, "must be a number of minutes", id="length_in_words"),
        pytest.param({"body": "999999"}, "Choose who meets", id="unknown_body"),
    ],
)
def test_planning_says_what_is_wrong_and_keeps_what_was_typed(merton, coordinator, sign_in, changes, words):
    page = sign_in(coordinator).post("/meetings/new/", plan_form(merton, **changes))

    html = page.content.decode()
    assert "There is a problem" in html and words in html and "Civic Centre" in html
    assert not Meeting.objects.exists()


def test_planning_a_day_twice_is_refused(meeting, merton, coordinator, sign_in):
    page = sign_in(coordinator).post("/meetings/new/", plan_form(merton))

    assert "has a meeting on Thursday 12 March 2026 already" in page.content.decode()
    assert Meeting.objects.count() == 1


@pytest.mark.feature(57)
def test_proposed_date_is_the_same_weekday_of_the_next_month(meeting, merton, coordinator, sign_in):
    html = sign_in(coordinator).get("/meetings/new/").content.decode()

    assert 'value="9 4 2026"' in html


def test_meeting_on_a_bank_holiday_is_flagged(merton, coordinator, sign_in):
    page = sign_in(coordinator).post("/meetings/new/", plan_form(merton, date="3 4 2026", show="1"))

    assert "Good Friday" in page.content.decode()


def test_moved_meeting_redirects_from_its_old_address(sent, coordinator, chair, sign_in, as_coordinator):
    client = sign_in(coordinator)

    page = client.post("/meetings/2026-03-12/edit/", FORM | {"date": "19 3 2026", "version": sent.version})

    assert page["Location"] == "/meetings/2026-03-19/"
    old = client.get("/meetings/2026-03-12/agenda/")
    assert (old.status_code, old["Location"]) == (302, "/meetings/2026-03-19/agenda/")
    assert client.get("/meetings/2026-03-05/").status_code == 404


def test_moving_back_leaves_one_signpost(meeting, as_coordinator):
    facts = {"starts_at": time(10), "minutes_long": 120, "place": "", "chair": None, "by": as_coordinator}
    meetings.change(meeting, on=date(2026, 3, 19), **facts)
    meetings.change(meeting, on=PANEL_DAY, **facts)

    assert [moved.old_date for moved in MovedMeeting.objects.all()] == [date(2026, 3, 19)]


def test_stale_change_is_refused_with_what_was_typed(meeting, coordinator, sign_in):
    page = sign_in(coordinator).post("/meetings/2026-03-12/edit/", FORM | {"version": meeting.version - 1})

    assert page.status_code == 409
    assert FORM["place"] in page.content.decode()
    assert "Committee room 1" in page.content.decode()
    meeting.refresh_from_db()
    assert meeting.place == "Committee room 1"


def test_calling_off_needs_a_reason(meeting, coordinator, sign_in):
    client = sign_in(coordinator)

    refused = client.post("/meetings/2026-03-12/cancel/", {"reason": ""})
    done = client.post("/meetings/2026-03-12/cancel/", {"reason": "The chair is ill"}, follow=True)

    assert "Enter why the meeting is called off" in refused.content.decode()
    assert "Called off: IOM Case Panel of 12 March" in done.content.decode()
    meeting.refresh_from_db()
    assert meeting.status == "cancelled"


@pytest.mark.feature(64)
def test_member_meets_the_date_but_no_agenda_before_it_is_sent(meeting, merton, police, as_coordinator, sign_in):
    case = factories.case(merton)
    agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=case)
    client = sign_in(police)

    html = client.get("/meetings/2026-03-12/").content.decode()

    assert "The agenda has not been sent yet" in html and "Committee room 1" in html
    assert case.reference not in html
    assert client.get("/meetings/2026-03-12/agenda/").status_code == 403


@pytest.mark.feature(64)
def test_member_reads_the_agenda_says_so_and_answers(sent, merton, police, sign_in):
    client = sign_in(police)

    html = client.get("/meetings/2026-03-12/").content.decode()
    client.post("/meetings/2026-03-12/read/")
    answered = client.post(
        "/meetings/2026-03-12/answer/", {"answer": "substitute", "substitute_name": "Pat Sample"}, follow=True
    )

    assert sent.items.get(section="reviews").case.offender.name in html
    assert "I have read this agenda" in html and "Will you attend?" in html
    copy = Circulation.objects.get(membership=police)
    assert (copy.read_at is not None, copy.answer, copy.substitute_name) == (True, "substitute", "Pat Sample")
    assert "You read this agenda on 26 Feb 2026, 09:00" in answered.content.decode()


def test_reading_marks_nothing_by_itself(sent, police, sign_in):
    sign_in(police).get("/meetings/2026-03-12/")

    assert Circulation.objects.get(membership=police).read_at is None


READY = {"answer": "yes", "statement_1": "on", "statement_2": "on", "typed_name": "Tom Dunn"}


def test_reading_answering_and_signing_are_one_press(sent, police, sign_in):
    client = sign_in(police)
    before = client.get("/meetings/2026-03-12/").content.decode()
    assert "Will you attend?" in before
    assert "Type your full name to sign" in before

    page = client.post("/meetings/2026-03-12/read/", READY, follow=True).content.decode()

    assert "We have noted that you read this agenda and answered and signed the agreement" in page
    assert "You signed the information sharing agreement" in page
    copy = Circulation.objects.get(membership=police)
    assert (copy.answer, copy.read_at is not None) == ("yes", True)
    assert AgreementSignature.objects.get().typed_name == "Tom Dunn"


def test_reading_alone_asks_for_nothing_else(sent, police, sign_in):
    sign_in(police).post("/meetings/2026-03-12/read/", {})

    copy = Circulation.objects.get(membership=police)
    assert (copy.answer, copy.read_at is not None) == ("", True)
    assert not AgreementSignature.objects.exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"typed_name": "Tom"}, "Type your name as it stands on your account: Tom Dunn."),
        ({"statement_2": ""}, "Tick both statements to sign."),
        ({"typed_name": ""}, "Enter your full name"),
    ],
)
def test_half_a_signature_saves_nothing_and_keeps_what_was_typed(sent, police, sign_in, changed, words):
    page = sign_in(police).post("/meetings/2026-03-12/read/", READY | changed)

    assert words in page.content.decode()
    assert Circulation.objects.get(membership=police).read_at is None
    assert not AgreementSignature.objects.exists()


def test_answer_without_a_choice_is_an_error(sent, police, sign_in):
    page = sign_in(police).post("/meetings/2026-03-12/answer/", {})

    assert "Choose whether you will attend" in page.content.decode()


def test_meeting_of_another_scheme_is_not_there(sent, sign_in):
    stranger = factories.member(factories.scheme("merton", "elsewhere"), "coordinator")
    client = sign_in(stranger)

    for address in ("", "agenda/", "edit/", "circulation/", "attendance/", "sign-agreement/"):
        assert client.get(f"/meetings/2026-03-12/{address}").status_code == 404


def test_title_holds_no_name(sent, merton, coordinator, sign_in):
    client = sign_in(coordinator)
    for address in ("", "agenda/", "circulation/", "attendance/"):
        html = client.get(f"/meetings/2026-03-12/{address}").content.decode()
        title = html[html.index("<title>") : html.index("</title>")]
        assert "Example" not in title and "EXAMPLE" not in title


@pytest.mark.parametrize("extra", [1, 3])
def test_list_of_meetings_costs_the_same_however_many(merton, chair, police, sign_in, extra, django_assert_num_queries):
    for number in range(extra):
        factories.meeting(merton, date(2026, 3, 12 + number), chair=chair)
        factories.meeting(merton, date(2026, 1, 12 + number), chair=chair)
    client = sign_in(police)
    client.get("/meetings/")

    # Two of them for the bank holidays, on which no meeting should fall unseen.
    with django_assert_num_queries(5 + factories.AROUND):
        page = client.get("/meetings/")

    # Once more in the name of the scheme.
    assert page.content.decode().count("IOM Case Panel") == 2 * extra + 1


@pytest.mark.parametrize("extra", [1, 3])
@pytest.mark.parametrize(("who", "queries"), [("police", 11), ("coordinator", 12)])
def test_agenda_costs_the_same_however_long(
    sent, merton, as_coordinator, sign_in, extra, who, queries, request, django_assert_num_queries
):
    for _ in range(extra):
        agenda.add_item(sent, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    client = sign_in(request.getfixturevalue(who))
    client.get("/meetings/2026-03-12/")

    with django_assert_num_queries(queries + factories.AROUND):
        client.get("/meetings/2026-03-12/")


def test_length_in_words():
    assert [circulation.length_in_words(minutes) for minutes in (120, 90, 60, 45, 61)] == [
        "2 hours",
        "1 hour 30 minutes",
        "1 hour",
        "45 minutes",
        "1 hour 1 minute",
    ]
