"""Who sits on a body, who chairs it, and how another organisation joins it."""

from datetime import date, datetime, time

import pytest
from django.core.exceptions import PermissionDenied

from iom import bodies
from iom.access import actor_for
from iom.clock import LONDON, as_of
from iom.models import AuditEvent, ChairAppointment, ChairReview, Meeting, Notification, Seat
from iom.steps import Stale, StepRefused
from panels import meetings
from tests import factories

CHAIR, VICE = ChairAppointment.Role.CHAIR, ChairAppointment.Role.VICE_CHAIR
TODAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def in_march():
    with as_of(datetime.combine(TODAY, time(9), LONDON)):
        yield


@pytest.fixture
def panel(merton):
    return factories.of_first_body(merton)


def test_chair_holds_from_the_first_day_until_the_day_another_begins(merton, panel, as_coordinator, chair):
    other = factories.member(merton, "chair", "member", agency_kind="police")
    meeting = factories.meeting(merton, date(2026, 5, 14))
    Meeting.objects.filter(pk=meeting.pk).update(chair=chair)

    bodies.appoint(panel, chair, CHAIR, on=date(2026, 1, 1), by=as_coordinator, words="Agreed by the board")
    made = bodies.appoint(panel, other, CHAIR, on=date(2026, 4, 1), by=as_coordinator)

    assert bodies.chair_on(panel, date(2025, 12, 31)) is None
    assert bodies.chair_on(panel, date(2026, 3, 31)) == chair
    assert bodies.chair_on(panel, date(2026, 4, 1)) == other
    # Merton, Chairs: looked at again a year after it began.
    assert made.review_due == date(2027, 4, 1)
    # The meeting after that day, whose agenda has not gone out, has the new chair.
    meeting.refresh_from_db()
    assert meeting.chair == other
    assert Notification.objects.filter(recipient=other.user, kind="appointed").count() == 1
    assert AuditEvent.objects.filter(verb="appoint_chair").count() == 2


def test_appointed_chair_is_proposed_for_meetings_unless_they_lost_the_role(merton, panel, as_coordinator, chair):
    other = factories.member(merton, "chair", "member", agency_kind="police")
    bodies.appoint(panel, other, CHAIR, on=TODAY, by=as_coordinator)
    assert meetings.default_chair(panel) == other

    other.roles = ["member"]
    other.save()
    assert meetings.default_chair(panel) == chair


def test_chair_who_has_left_chairs_no_more(merton, panel, as_coordinator, chair):
    bodies.appoint(panel, chair, CHAIR, on=TODAY, by=as_coordinator)
    chair.until = date(2026, 3, 9)
    chair.save()
    assert bodies.chair_on(panel, date(2026, 3, 8)) == chair
    assert bodies.chair_on(panel, date(2026, 3, 9)) is None


def test_appointing_is_refused_in_words(merton, panel, as_coordinator, as_police, chair, police):
    with pytest.raises(PermissionDenied):
        bodies.appoint(panel, chair, CHAIR, on=TODAY, by=as_police)
    with pytest.raises(StepRefused, match="no rights of a chair"):
        bodies.appoint(panel, police, CHAIR, on=TODAY, by=as_coordinator)
    bodies.appoint(panel, chair, CHAIR, on=TODAY, by=as_coordinator)
    with pytest.raises(StepRefused, match="cannot be the same person"):
        bodies.appoint(panel, chair, VICE, on=TODAY, by=as_coordinator)
    with pytest.raises(StepRefused, match="is chair already"):
        bodies.appoint(panel, chair, CHAIR, on=TODAY, by=as_coordinator)
    # A vice-chair need not hold the role of a chair: at a meeting they act for them.
    bodies.appoint(panel, police, VICE, on=TODAY, by=as_coordinator)
    assert bodies.vice_chair_on(panel, TODAY) == police


def test_review_of_the_chair_sets_the_next_one_or_asks_for_another(merton, panel, as_coordinator, chair):
    made = bodies.appoint(panel, chair, CHAIR, on=date(2025, 2, 1), by=as_coordinator)

    bodies.review(made, ChairReview.Outcome.STAYS, on=date(2026, 3, 1), by=as_coordinator, words="Board of 1 March")
    made.refresh_from_db()
    assert made.review_due == date(2027, 3, 1)

    bodies.review(made, ChairReview.Outcome.ANOTHER, on=TODAY, by=as_coordinator)
    made.refresh_from_db()
    assert made.review_due is None
    with pytest.raises(StepRefused, match="between"):
        bodies.review(made, ChairReview.Outcome.STAYS, on=date(2026, 3, 3), by=as_coordinator)


def test_no_review_where_the_rules_ask_for_none(db):
    richmond = factories.scheme("richmond")
    by = factories.actor(richmond, "coordinator")
    chair = factories.member(richmond, "chair", "member", agency_kind="probation")
    made = bodies.appoint(factories.of_first_body(richmond), chair, CHAIR, on=TODAY, by=by)
    assert made.review_due is None


def test_one_post_on_several_panels_is_filled_on_all_that_are_chosen(db):
    richmond = factories.scheme("richmond")
    by = factories.actor(richmond, "coordinator")
    officer = factories.member(richmond, "member", agency_kind="council", seat=False)
    seat = Seat.objects.get(body__slug="iom", post="Anti-Social Behaviour Officer")
    others = bodies.same_post(seat)
    assert {one.body.slug for one in others} == {"asb", "strategic"}

    facts = {"substitute": None, "authority": False, "briefed": False, "by": by}
    bodies.change_seat(seat, holder=officer, also=[one for one in others if one.body.slug == "asb"], **facts)

    assert set(officer.seats_held.values_list("body__slug", flat=True)) == {"iom", "asb"}
    with pytest.raises(Stale):
        bodies.change_seat(seat, holder=None, version=1, **facts)
    stranger = Seat.objects.get(body__slug="iom", post="Detective Inspector")
    with pytest.raises(StepRefused, match="same post"):
        bodies.change_seat(seat, holder=None, also=[stranger], **facts)


def test_seat_has_people_of_its_own_agency_and_another_as_substitute(merton, panel, as_coordinator, police, housing):
    seat = Seat.objects.get(body=panel, holder=police)
    second = factories.member(merton, "member", agency_kind="police", seat=False)
    facts = {"authority": True, "briefed": True, "by": as_coordinator}

    bodies.change_seat(seat, holder=police, substitute=second, **facts)
    seat.refresh_from_db()
    assert (seat.substitute, seat.substitute_authority, seat.substitute_briefed) == (second, True, True)
    assert actor_for(second).seats == {"panel"}

    with pytest.raises(StepRefused, match="somebody else"):
        bodies.change_seat(seat, holder=police, substitute=police, **facts)
    with pytest.raises(StepRefused, match="does not act for"):
        bodies.change_seat(seat, holder=housing, substitute=second, **facts)
    with pytest.raises(StepRefused, match="Name the substitute"):
        bodies.change_seat(seat, holder=police, substitute=None, **facts)


def test_ended_seat_opens_nothing_and_its_place_is_not_used_again(merton, panel, as_coordinator, police):
    seat = Seat.objects.get(body=panel, holder=police)
    with pytest.raises(StepRefused, match="Enter why"):
        bodies.end_seat(seat, reason=" ", by=as_coordinator)

    bodies.end_seat(seat, reason="Merged with another seat", by=as_coordinator)

    assert actor_for(police).seats == frozenset()
    assert not panel.seats.filter(pk=seat.pk).exists()
    assert Seat.ever.get(pk=seat.pk).ended_because == "Merged with another seat"
    made = bodies.add_seat(panel, agency=police.agency, post=seat.post, permanent=False, by=as_coordinator)
    assert made.position == 15
    with pytest.raises(StepRefused, match="already"):
        bodies.add_seat(panel, agency=police.agency, post=seat.post.upper(), permanent=True, by=as_coordinator)


def test_request_to_join_is_answered_once_and_makes_the_seat(merton, panel, as_coordinator, as_police, police):
    asked = bodies.propose(
        panel,
        organisation="Sample Mentors",
        agency=None,
        post="Mentor",
        why="They meet people at the gate",
        by=as_police,
    )
    assert Notification.objects.get(kind="join_asked").recipient == as_coordinator.user
    with pytest.raises(StepRefused, match="proposed already"):
        bodies.propose(panel, organisation="sample mentors", agency=None, post="x", why="y", by=as_police)
    held = factories.meeting(merton, date(2026, 2, 12), starts_at=time(10))

    with pytest.raises(StepRefused, match="Enter the answer"):
        bodies.answer_request(asked, accepted=True, answer="", by=as_coordinator)
    with pytest.raises(PermissionDenied):
        bodies.answer_request(asked, accepted=True, answer="Yes", by=as_police)
    done = bodies.answer_request(
        asked, accepted=True, answer="Welcome", agreed_at=held, permanent=False, by=as_coordinator
    )

    assert (done.seat.agency.name, done.seat.post, done.seat.permanent) == ("Sample Mentors", "Mentor", False)
    assert not done.seat.agency.core
    assert Notification.objects.get(kind="join_answered").recipient == police.user
    with pytest.raises(StepRefused, match="answered already"):
        bodies.answer_request(asked, accepted=False, answer="No", by=as_coordinator)


def test_training_and_accountability_are_the_offices_to_write(merton, as_coordinator, as_police, police):
    made = bodies.record_training(police, what="Domestic abuse", on=TODAY, by=as_coordinator)
    assert made.recorded_by == as_coordinator.membership
    with pytest.raises(StepRefused, match="today or earlier"):
        bodies.record_training(police, what="Other", on=date(2026, 3, 3), by=as_coordinator)
    with pytest.raises(PermissionDenied):
        bodies.record_training(police, what="Other", on=TODAY, by=as_police)

    lines = {"scheme_to": "IOM Co-ordinator", "scheme_for": "Cases", "line_manager": "Sergeant", "line_for": "Conduct"}
    said = bodies.say_accountable(police, by=as_coordinator, **lines)
    assert (said.version, said.line_manager) == (1, "Sergeant")
    changed = bodies.say_accountable(police, by=as_coordinator, version=1, **lines | {"line_manager": "Inspector"})
    assert changed.version == 2
    with pytest.raises(Stale):
        bodies.say_accountable(police, by=as_coordinator, version=1, **lines)
