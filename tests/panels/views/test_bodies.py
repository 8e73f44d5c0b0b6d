"""The pages of bodies as people meet them: terms of reference, seats, chairs, requests, planning, people."""

from datetime import date, datetime, time

import pytest
import time_machine

from iom import bodies, sweeps
from iom.access import actor_for
from iom.clock import LONDON
from iom.models import (
    AuditEvent,
    Body,
    ChairAppointment,
    ChairReview,
    JoinRequest,
    Meeting,
    Notification,
    OtherMeeting,
    Seat,
)
from panels import meetings
from tests import factories

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def in_march():
    with time_machine.travel(datetime(2026, 3, 2, 9, 0, tzinfo=LONDON), tick=False):
        yield


def text(page) -> str:
    """What a page says, tags taken out and white space made one."""
    import re
    from html import unescape

    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.content.decode()))).replace(" ,", ",")


def body_text(client, slug: str) -> str:
    page = client.get(f"/bodies/{slug}/")
    assert page.status_code == 200
    return text(page)


def everybody(preset):
    scheme = factories.scheme(preset)
    return scheme, factories.member(scheme, "coordinator", name="Priya Shah")


# --- What each scheme's document says, on the page of the body ----------------------------------


@pytest.mark.feature(1, 6, 11, 13, 18, 19, 20, 32, 41, 42, 45, 46, 47, 57, 59, 92)
def test_merton_panel_shows_its_terms_with_their_sources(merton, coordinator, sign_in):
    client = sign_in(coordinator)

    said = body_text(client, "panel")

    for words in (
        "14 days after the Youth Panel of the OMP",
        "Merton Civic Centre Merton, Frequency",
        "Who chairs is reviewed Every year Merton, Chairs",
        "Practitioner: police inspector or detective inspector",
        "named substitute with delegated authority",
        "Attendance is reviewed by IOM Board Merton, Substitution",
        "10 calendar days before the meeting Merton, step 1",
        "3 working days before the meeting Default: the scheme's document is silent",
        "Reoffending rate of the agreed cohort: cut by 20% Source: Merton, Objective",
        "Community Safety Manager, Community Safety Unit",
        "Adult Social Care, core",
        "Clarion Housing",
    ):
        assert words in said, words
    assert "IOM Board" in said.partition("Accountability")[2]
    board = body_text(client, "board")
    assert "Progress of the panel and work of the core team, by the Strategic Priority Lead" in board
    every = text(client.get("/bodies/"))
    assert "IOM Case Panel Monthly" in every and "IOM Board Every three months" in every


@pytest.mark.feature(2, 3, 5, 6, 11, 14, 16, 32, 51, 52, 53, 54, 57)
def test_london_bodies_show_boards_team_meetings_and_what_stands_above_them(db, sign_in):
    _, coordinator = everybody("london")
    client = sign_in(coordinator)

    panel = body_text(client, "panel")
    over = panel.partition("Accountability")[2]
    places = [over.index(name) for name in ("IOM Board", "Reducing Re-Offending Board", "Community Safety Partnership")]
    assert places == sorted(places)
    assert "MOPAC IOM Executive Board. Takes what a borough cannot move" in over
    assert (
        "Prison single point of contact" in panel and "Administration Local authority London, Local Authority" in panel
    )
    assert "Case co-ordinator A post to be considered later" in panel
    assert "Fortnightly London, Meeting Structure" in panel
    assert (
        "Every two months The model says bi-monthly, taken as every two months. London, Meeting Structure"
        in body_text(client, "iom-board")
    )
    assert "restricted matters follow" in body_text(client, "rrb")
    weekly = body_text(client, "weekly")
    assert "Weekly London, Meeting Structure" in weekly and "The team IOM Team" in weekly
    daily = body_text(client, "daily")
    assert "Daily, at the start of the day" in daily and "Not a case review" in daily


@pytest.mark.feature(4, 6, 11, 12, 28, 40, 43, 44, 45, 46, 49, 50, 52, 54, 55)
def test_richmond_bodies_show_seats_duties_and_who_steps_in(db, sign_in):
    _, coordinator = everybody("richmond")
    client = sign_in(coordinator)

    group = body_text(client, "strategic")
    assert "Monthly at first; later every two months or quarterly" in group
    assert "Administration Probation Richmond, 1.9" in group
    assert "Otherwise the senior police or council representative" in group
    assert "Community Safety Partnership" in group.partition("Accountability")[2]
    assert "Vice-chair Nobody is appointed" in group
    iom = body_text(client, "iom")
    assert "On one day with ASB Panel and Deter Young Offenders Panel Richmond, Structures" in iom
    assert "Any member may propose another organisation" in iom
    assert "Quorum 4 organisations Richmond, 4.9" in iom
    assert "Community Safety Data Analyst" in iom and "PPO Officer at Wandsworth" in iom
    assert "As required" in iom and "Sits also on: ASB Panel" in iom
    dyo = body_text(client, "dyo")
    assert "others lend support, each by its own policies" in body_text(client, "asb")
    assert "YOT Nurse, Youth Offending Team Gives health updates and help to the cohort. Richmond, 3.10" in dyo
    assert "No lead named Each agency names one person who leads on Deter Young Offenders." in dyo
    assert "Every member Answers for the actions allocated to them" in dyo


@pytest.mark.feature(1, 5, 6, 11, 14, 41, 55, 57)
def test_waltham_forest_and_hampshire_bodies_show_their_rhythm(db, sign_in):
    _, coordinator = everybody("waltham_forest")
    client = sign_in(coordinator)
    panel = body_text(client, "panel")
    over = panel.partition("Accountability")[2]
    places = [over.index(each) for each in ("Reducing Reoffending Board", "and Business Management Group", "MOPAC")]
    assert places == sorted(places)
    assert "the voluntary sector too" in panel
    casework = body_text(client, "casework")
    assert "Weekly Waltham Forest, 6.2" in casework and "A separate cohort of the rating each week." in casework
    # Its members sit on the panel as well: who does not is shown.
    one = factories.member(coordinator.scheme, "member", agency_kind="police", name="Tom Sample")
    group = Body.objects.get(scheme=coordinator.scheme, slug="casework")
    for number, holder in enumerate((one, coordinator)):
        Seat.objects.create(
            scheme=coordinator.scheme,
            body=group,
            agency=holder.agency,
            post="Core team",
            holder=holder,
            position=number,
        )
    assert body_text(client, "casework").count("Does not sit on the IOM Panel") == 1

    _, coordinator = everybody("hampshire")
    client = sign_in(coordinator)
    assert "Meets in each of 4 areas" in body_text(client, "transfer")
    macc = body_text(client, "macc")
    assert "Accepting or rejecting is decided together" in macc and "Any other interested party may come." in macc
    assert "Police supervisor" in macc and "IOM accommodation manager" in macc
    assert "Weekly Hampshire, Once Accepted" in body_text(client, "map")


def test_body_page_costs_the_same_however_many_seats(merton, coordinator, sign_in, django_assert_max_num_queries):
    client = sign_in(coordinator)
    with django_assert_max_num_queries(24 + factories.AROUND):
        client.get("/bodies/panel/")
    with django_assert_max_num_queries(24 + factories.AROUND):
        client.get("/bodies/board/")


def test_member_reads_but_changes_nothing(merton, police, sign_in):
    client = sign_in(police)
    said = body_text(client, "panel")
    assert "Add a seat" not in said and "Propose another organisation" in said
    seat = Seat.objects.filter(body__slug="panel").first()
    assert client.get(f"/bodies/panel/seats/{seat.pk}/").status_code == 403
    assert client.get("/bodies/people/").status_code == 403
    assert client.get("/bodies/nothing/").status_code == 404


# --- Seats ----------------------------------------------------------------------------------


@pytest.mark.feature(42, 43, 44, 46, 47, 50)
def test_coordinator_fills_one_post_on_several_panels_and_names_a_substitute(db, sign_in):
    richmond, coordinator = everybody("richmond")
    officer = factories.member(richmond, "member", agency_kind="council", seat=False, name="Ada Example")
    other = factories.member(richmond, "member", agency_kind="council", seat=False, name="Ben Sample")
    client = sign_in(coordinator)
    seat = Seat.objects.get(body__slug="iom", post="Anti-Social Behaviour Officer")
    form = client.get(f"/bodies/iom/seats/{seat.pk}/").content.decode()
    assert "ASB Panel (nobody yet)" in form and "IOM Strategic Group (nobody yet)" in form
    asb = Seat.objects.get(body__slug="asb", post="Anti-Social Behaviour Officer")

    page = client.post(
        f"/bodies/iom/seats/{seat.pk}/",
        {"version": 1, "holder": officer.pk, "substitute": other.pk, "briefed": "on", "also": [asb.pk]},
        follow=True,
    )

    said = text(page)
    assert "Saved: Anti-Social Behaviour Officer, and on 1 other body" in said
    assert "Ada Example" in said and "Ben Sample Is briefed" in said
    assert "Ada Example" in body_text(client, "asb") and "Ada Example" not in body_text(client, "strategic")
    assert AuditEvent.objects.filter(verb="change_seat").count() == 2
    wrong = client.post(f"/bodies/iom/seats/{seat.pk}/", {"version": 2, "holder": officer.pk, "substitute": officer.pk})
    assert "The substitute must be somebody else than the holder" in text(wrong)
    stale = client.post(f"/bodies/iom/seats/{seat.pk}/", {"version": 1, "holder": ""})
    assert stale.status_code == 409

    # A seat as required, led for the agency on the young offenders' panel, and ended again.
    page = client.post(
        "/bodies/dyo/seats/new/",
        {"agency": officer.agency_id, "post": "Youth worker", "attends": "as_required"},
        follow=True,
    )
    made = Seat.objects.get(post="Youth worker")
    assert "Leads for the agency" in text(page)
    client.post(f"/bodies/dyo/seats/{made.pk}/", {"version": 1, "holder": other.pk, "leads": "on"})
    said = body_text(client, "dyo")
    assert "Ben Sample Leads for Community Safety Partnership Team" in said
    assert "Missing: Richmond Police" in said
    assert "Enter why the seat ends" in text(client.post(f"/bodies/dyo/seats/{made.pk}/end/", {"reason": ""}))
    client.post(f"/bodies/dyo/seats/{made.pk}/end/", {"reason": "The project is over"})
    assert "Youth worker, Community Safety Partnership Team, on 2 Mar 2026: The project is over" in body_text(
        client, "dyo"
    )


# --- Who chairs ----------------------------------------------------------------------------


@pytest.mark.feature(18)
def test_yearly_review_of_the_chair_comes_to_both_home_pages_and_is_recorded(merton, coordinator, chair, sign_in):
    office, client = actor_for(coordinator), sign_in(coordinator)
    bodies.appoint(factories.of_first_body(merton), chair, bodies.CHAIR, on=date(2025, 3, 20), by=office)
    held = ChairAppointment.objects.get()
    # Due on 20 March 2026: on 2 March both see it.
    assert "Review who chairs: IOM Case Panel" in text(client.get("/"))
    assert "Your time as chair is reviewed: IOM Case Panel" in text(sign_in(chair).get("/"))
    assert "The review is due by Friday 20 March 2026" in body_text(client, "panel")

    page = client.post(
        f"/bodies/panel/chair/{held.pk}/review/",
        {"reviewed_on": "1 3 2026", "outcome": "another", "words": "Agreed by the board"},
        follow=True,
    )

    said = text(page)
    assert "Reviewed on Sunday 1 March 2026: another is to be appointed" in said and "Agreed by the board" in said
    assert ChairReview.objects.get().reviewed_by == coordinator
    home = text(client.get("/"))
    assert "Appoint another chair: IOM Case Panel" in home and "Review who chairs" not in home


@pytest.mark.feature(28)
def test_coordinator_appoints_chair_and_vice_chair_and_ends_one(db, sign_in):
    richmond, coordinator = everybody("richmond")
    chair = factories.member(richmond, "chair", "member", agency_kind="probation", name="Grace Example")
    vice = factories.member(richmond, "member", agency_kind="police", name="Tom Sample")
    client = sign_in(coordinator)
    iom = Body.objects.get(scheme=richmond, slug="iom")

    client.post("/bodies/iom/chair/", {"role": "chair", "membership": chair.pk, "starts_on": "2 3 2026", "words": ""})
    page = client.post(
        "/bodies/iom/chair/",
        {"role": "vice_chair", "membership": vice.pk, "starts_on": "2 3 2026", "words": "Chosen by the members"},
        follow=True,
    )

    assert "Vice-chair Tom Sample, Richmond Police Chosen by the members" in text(page)
    assert (bodies.chair_on(iom, TODAY), bodies.vice_chair_on(iom, TODAY)) == (chair, vice)
    # The new meeting is proposed under the appointed chair.
    form = client.get("/meetings/new/?body=iom").content.decode()
    assert f'value="{chair.pk}" selected' in form
    wrong = client.post("/bodies/iom/chair/", {"role": "chair", "membership": vice.pk, "starts_on": "3 3 2026"})
    assert "has no rights of a chair" in text(wrong)
    held = ChairAppointment.objects.get(role="vice_chair")
    client.post(f"/bodies/iom/chair/{held.pk}/end/", {"vice_chair-until": "2 3 2026"})
    assert bodies.vice_chair_on(iom, TODAY) is None


# --- Requests to join ------------------------------------------------------------------------


@pytest.mark.feature(49)
def test_any_member_proposes_an_organisation_and_reads_the_answer(db, sign_in):
    richmond, coordinator = everybody("richmond")
    officer = factories.member(richmond, "member", agency_kind="police")
    stranger = factories.member(richmond, "member", agency_kind="housing")
    held = factories.meeting(richmond, date(2026, 2, 10))
    asking, office = sign_in(officer), sign_in(coordinator)
    assert "Choose an organisation, or enter its name" in text(
        asking.post("/bodies/iom/propose/", {"post": "Mentor", "why": "Help"})
    )

    page = asking.post(
        "/bodies/iom/propose/",
        {"organisation": "Sample Mentors", "post": "Mentor", "why": "They meet people at the gate"},
        follow=True,
    )

    asked = JoinRequest.objects.get()
    address = f"/bodies/iom/requests/{asked.pk}/"
    assert "The co-ordinator has it and will answer here" in text(page)
    assert sign_in(stranger).get(address).status_code == 404
    assert "Answer a request to join: IOM Panel" in text(office.get("/"))
    assert Notification.objects.get(kind="join_asked").recipient == coordinator.user
    answer = {"version": 1, "outcome": "accepted", "attends": "as_required", "agreed_at": held.pk, "answer": "Welcome"}
    assert asking.post(address, answer).status_code == 403
    page = office.post(address, answer, follow=True)
    assert "Sample Mentors" in text(page) and "Seat as required on the IOM Panel" in text(page)
    said = text(asking.get(address))
    assert "Welcome" in said and "Agreed at the IOM Panel of 10 February 2026" in said
    assert Notification.objects.get(kind="join_answered").recipient == officer.user


# --- How meetings are planned -----------------------------------------------------------------


@pytest.mark.feature(13, 57)
def test_coordinator_enters_the_youth_panel_and_is_asked_when_it_moves(merton, coordinator, sign_in):
    client = sign_in(coordinator)
    assert "Enter when the Youth Panel of the OMP meets next" in text(client.get("/"))

    page = client.post("/bodies/panel/planning/others/", {"date": "5 3 2026"}, follow=True)

    said = text(page)
    assert "Entered. Planned: 19 March, 16 April, 21 May" in said
    assert "A fortnight after the Youth Panel of the OMP of 5 March" in said
    other = OtherMeeting.objects.get()
    client.post(f"/bodies/panel/planning/others/{other.pk}/", {"date": "12 3 2026", "version": 1})
    assert "Move the panel of 19 March to 26 March?" in text(client.get("/"))
    meeting = Meeting.objects.get(date=date(2026, 3, 19))
    assert "It belongs on Thursday 26 March 2026 now" in text(client.get("/bodies/panel/planning/"))
    client.post(f"/bodies/panel/planning/meetings/{meeting.pk}/", {"version": meeting.version, "move": "1"})
    meeting.refresh_from_db()
    assert meeting.date == date(2026, 3, 26)
    assert "Move the panel" not in text(client.get("/"))


def test_bank_holiday_is_asked_about_until_it_is_settled(merton, coordinator, as_coordinator, sign_in):
    client = sign_in(coordinator)
    panel = factories.of_first_body(merton)
    meetings.plan(body=panel, on=date(2026, 3, 6), starts_at=time(10), minutes_long=60, by=as_coordinator)
    sweeps.tidy(TODAY)
    easter = Meeting.objects.get(date=date(2026, 4, 3))
    assert "The panel of 3 April falls on Good Friday, a bank holiday: move it?" in text(client.get("/"))
    assert "It falls on Good Friday" in body_text(client, "panel")

    client.post(f"/bodies/panel/planning/meetings/{easter.pk}/", {"version": easter.version, "stay": "1"})

    assert "Good Friday" not in text(client.get("/"))
    client.post("/bodies/panel/planning/", {"version": 1, "plans_itself": "0"})
    assert Body.objects.get(pk=panel.pk).plans_itself is False


def test_areas_of_the_transfer_panel_are_named_by_the_coordinator(db, sign_in):
    hampshire, coordinator = everybody("hampshire")
    client = sign_in(coordinator)
    page = client.post(
        "/bodies/transfer/planning/", {"version": 1, "plans_itself": "1", "areas": "North\nSouth\nIsland"}, follow=True
    )
    assert "Plan the first meeting in: North, South, Island" in text(page)
    facts = {"date": "10 3 2026", "starts_at": "10", "minutes_long": "60", "place": "", "chair": ""}
    body = Body.objects.get(scheme=hampshire, slug="transfer")
    client.post("/meetings/new/", facts | {"body": body.pk, "area": "North"})
    assert Meeting.objects.get().area == "North"
    assert "Plan the first meeting in: South, Island" in text(client.get("/bodies/transfer/planning/"))


@pytest.mark.feature(12, 59)
def test_panels_of_one_day_are_planned_together_in_a_row_of_months(db, sign_in):
    richmond, coordinator = everybody("richmond")
    client = sign_in(coordinator)
    body = Body.objects.get(scheme=richmond, slug="iom")
    facts = {"body": body.pk, "date": "6 3 2026", "starts_at": "10", "minutes_long": "90", "place": "Hall", "chair": ""}

    page = client.post("/meetings/new/", facts | {"times": "2", "others": "on", "show": "1"})

    said = text(page)
    assert "Friday 6 March 2026, 10am IOM Panel Nothing" in said
    assert "Friday 3 April 2026, 10am IOM Panel It falls on Good Friday, a bank holiday" in said
    assert "5 working days before the meeting" in said and not Meeting.objects.exists()
    assert "Plan at most 12 meetings" in text(client.post("/meetings/new/", facts | {"times": "13"}))

    page = client.post("/meetings/new/", facts | {"times": "2", "others": "on"}, follow=True)

    said = text(page)
    assert "6 meetings planned. Nobody has been told yet" in said
    assert (
        "On one day, Friday 6 March 2026: IOM Panel at 10:00, then ASB Panel at 11:30, "
        "then Deter Young Offenders Panel at 13:30." in said
    )
    iom = Meeting.objects.get(body=body, date=date(2026, 3, 6))
    edit = {"date": "9 3 2026", "starts_at": "10", "minutes_long": "90", "place": "Hall", "chair": "", "version": 1}
    page = client.post(f"/meetings/{iom.key}/edit/", edit | {"new_rhythm": "on"}, follow=True)
    assert "Still on 6 March: ASB Panel, Deter Young Offenders Panel" in text(page)
    iom.refresh_from_db()
    assert iom.pattern_date == date(2026, 3, 9)


# --- People ---------------------------------------------------------------------------------


@pytest.mark.feature(55, 56)
def test_training_caseloads_and_accountability_stand_beside_the_people(db, sign_in):
    scheme, coordinator = everybody("waltham_forest")
    police = factories.member(scheme, "member", agency_kind="police", name="Tom Sample")
    client = sign_in(coordinator)
    case = factories.case(scheme)
    case.assignments.create(
        scheme=scheme, role="lead_professional", agency=police.agency, membership=police, starts_on=TODAY
    )
    said = text(client.get("/bodies/people/"))
    assert "Not recorded: Work with domestic abuse" in said and "1 of 20" in said
    assert "Waltham Forest, 5.9" in said and "Limit: 20 cases." in said

    address = f"/bodies/people/{police.pk}/"
    client.post(address, {"what": "Work with domestic abuse", "on": "1 2 2026", "training": "1"})
    client.post(
        address,
        {
            "version": 0,
            "scheme_to": "IOM Coordinator",
            "scheme_for": "The cohort",
            "line_manager": "Sergeant",
            "line_for": "Conduct",
            "lines": "1",
        },
    )
    said = text(client.get("/bodies/people/"))
    assert "Work with domestic abuse, 1 Feb 2026" in said and "Not recorded: Work with domestic abuse" not in said
    assert "IOM Coordinator: the cohort" in said and "Line manager: Sergeant: conduct" in said
    case.restricted = True
    case.save()
    assert "0 of 20" in text(client.get("/bodies/people/"))
