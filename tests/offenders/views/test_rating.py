"""The rating of a case on its page: beside the evidence, changed between two panels, ratified by the next."""

from datetime import date, time

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom.access import actor_for
from iom.models import Body, Notification
from iom.steps import StepRefused
from offenders.actions import assign, rate, rate_between, record_custody, record_release
from panels import agenda, meetings
from panels.decide import Choice, decide, holding, offered_on, ratify_everything, undo
from panels.models import AgendaItem, Outcome, Section
from panels.record import record_of
from panels.suggesting import add_suggested, suggestions
from tests import factories

TODAY, PANEL = date(2026, 2, 26), date(2026, 3, 12)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_february():
    with time_machine.travel("2026-02-26 09:00+00:00", tick=False):
        yield


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL, chair=chair)


def text(response):
    return " ".join(response.content.decode().split())


def posted(case, colour, **given):
    plain = {
        "colour": colour,
        "reason": "Two new arrests",
        "evidence": "Arrested twice; keeps no appointment",
        "starts_on": "26 2 2026",
        "tell": "next",
        "version": case.version,
    }
    return plain | given


@pytest.mark.feature(123)
@pytest.mark.feature(125)
@pytest.mark.feature(130)
def test_rating_is_changed_between_panels_beside_the_evidence(merton, meeting, police, as_coordinator, sign_in):
    case = factories.case(merton, colour="GREEN", since=date(2025, 9, 14))
    factories.entry(case, police, kind="arrest", happened_on=date(2026, 2, 20), text="Shop theft")
    assign(case, "lead_professional", agency=police.agency, membership=police, on=TODAY, by=as_coordinator)
    case.refresh_from_db()
    client = sign_in(police)

    before = text(client.get(f"/cases/{case.reference}/rating/"))
    wrong = text(client.post(f"/cases/{case.reference}/rating/", posted(case, "RED", reason="", starts_on="27 2 2026")))
    early = text(client.post(f"/cases/{case.reference}/rating/", posted(case, "RED", starts_on="1 9 2025")))
    after = text(client.post(f"/cases/{case.reference}/rating/", posted(case, "RED"), follow=True))

    assert "Green for 5 months 12 days: another rating ends it, and the clock of 6 months starts again." in before
    assert "The highest risk of causing harm" in before and "Merton, RAG Rating" in before
    assert "Rated Green, and arrest on 20 February" in before and "Shop theft" in before
    assert 'value="GREEN"' not in before and "This appears in the minutes." in before
    assert "Enter a reason" in wrong and "must be today or earlier" in wrong
    assert "must not be before the present one began" in early
    assert "To be ratified" in after and "Between panels" in after and "Evidence: Arrested twice" in after
    (item,) = AgendaItem.objects.filter(section=Section.OUTSIDE)
    assert (item.case, item.meeting, item.why) == (case, meeting, "Rated Red on 26 February, between panels")
    assert not Notification.objects.filter(kind="rated_between").exists()


@pytest.mark.parametrize("role", ["member", "chair", "researcher"])
def test_rating_is_changed_between_panels_only_by_who_coordinates_or_leads(merton, sign_in, role):
    case = factories.case(merton)
    person = factories.member(merton, role)
    client = sign_in(person)

    page = text(client.get(f"/cases/{case.reference}/rating/"))
    answer = client.post(f"/cases/{case.reference}/rating/", posted(case, "AMBER"))

    assert "Change the rating between panels" not in page and answer.status_code == 403
    with pytest.raises(PermissionDenied):
        rate_between(case, "AMBER", on=TODAY, reason="Settled", by=actor_for(person))
    assert case.ratings.count() == 1


def test_panel_hears_now_but_for_whom_the_case_is_not_open(merton, meeting, coordinator, as_coordinator, police):
    other = factories.member(merton, "coordinator")
    open_case, kept = factories.case(merton), factories.case(merton, restricted=True)
    factories.named(kept, coordinator)
    for case in (open_case, kept):
        with time_machine.travel("2026-02-26 10:00+00:00", tick=False):
            rate_between(case, "AMBER", on=TODAY, reason="Settled", tell_now=True, by=as_coordinator)

    told = Notification.objects.filter(kind="rated_between")
    assert {police.user, other.user} <= {each.recipient for each in told}
    assert coordinator.user not in {each.recipient for each in told}
    assert {each.text for each in told} == {f"{open_case.reference} was rated between panels"}


@pytest.mark.feature(125)
def test_panel_ratifies_what_was_rated_between_panels_and_the_minutes_say_so(merton, meeting, chair, as_coordinator):
    case = factories.case(merton, colour="AMBER")
    rate_between(case, "RED", on=TODAY, reason="Arrested again", evidence="Two arrests", by=as_coordinator)
    agenda.add_item(meeting, section=Section.REVIEWS, case=case, by=as_coordinator)
    item = AgendaItem.objects.get(section=Section.OUTSIDE)
    assert offered_on(item) == (Outcome.RATIFY, Outcome.CHANGE_RATING, Outcome.DEFER)

    with time_machine.travel("2026-03-12 10:30+00:00", tick=False):
        go_live(meeting, as_coordinator)
        ratify_everything(meeting, by=as_coordinator)
        undo(item, by=as_coordinator)
        assert case.ratings.get(until=None).waits
        item.refresh_from_db()
        decision = decide(item, Choice(Outcome.RATIFY, version=item.version), by=as_coordinator)

    rating = case.ratings.get(until=None)
    assert (rating.colour, rating.starts_on, rating.ratified_at) == ("RED", TODAY, meeting)
    assert decision.colour == "RED" and holding(item) == decision
    kept = next(each for each in record_of(minutes_of(meeting))["items"] if each["section"] == "outside")
    assert kept["rated_between"] == {
        "colour": "RED",
        "starts_on": "2026-02-26",
        "reason": "Arrested again",
        "evidence": "Two arrests",
        "by": as_coordinator.user.name,
    }
    assert kept["decision"]["words"] == "Ratified"


def minutes_of(meeting):
    return meeting.minutes.first() or factories.minutes(meeting)


def go_live(meeting, by):
    meeting.status, meeting.recorder = "live", by.user
    meeting.save()
    for place, item in enumerate(agenda.ordered(meeting), start=1):
        item.number = str(place)
        item.save()


def test_panel_sets_another_rating_and_a_correction_ratifies_after_all(merton, meeting, as_coordinator):
    case = factories.case(merton, colour="AMBER")
    rate_between(case, "RED", on=TODAY, reason="Arrested again", by=as_coordinator)
    item = AgendaItem.objects.get(section=Section.OUTSIDE)

    with time_machine.travel("2026-03-12 10:30+00:00", tick=False):
        go_live(meeting, as_coordinator)
        green = Choice(Outcome.CHANGE_RATING, colour="AMBER", reason="A mistake", evidence="Not charged")
        decide(item, green, by=as_coordinator)
        set_instead = case.ratings.get(until=None)
        assert (set_instead.colour, set_instead.meeting, set_instead.evidence) == ("AMBER", meeting, "Not charged")
        item.refresh_from_db()
        decide(item, Choice(Outcome.RATIFY, correction_reason="Wrong item"), by=as_coordinator)

    rating = case.ratings.get(until=None)
    assert (rating.colour, rating.starts_on, rating.ratified_at) == ("RED", TODAY, meeting)


def test_overtaken_rating_is_not_asked_about_and_one_without_a_panel_waits_for_its_plan(merton, as_coordinator, chair):
    case = factories.case(merton, colour="AMBER", since=date(2025, 6, 2))
    rate_between(case, "RED", on=date(2026, 2, 20), reason="Arrested again", by=as_coordinator)
    assert not AgendaItem.objects.filter(section=Section.OUTSIDE).exists()

    body = factories.of_first_body(merton)
    meeting = meetings.plan(body=body, on=PANEL, starts_at=time(10), minutes_long=120, by=as_coordinator)
    asked = AgendaItem.objects.get(section=Section.OUTSIDE)
    with pytest.raises(StepRefused, match="stays on the agenda"):
        agenda.remove(asked, by=as_coordinator)
    record_custody(case, kind="remand", prison="HMP Example", starts_on=TODAY, by=as_coordinator)

    assert asked.meeting == meeting and not AgendaItem.objects.filter(section=Section.OUTSIDE).exists()
    (one,) = suggestions(meeting, as_coordinator).cases
    assert one.reasons[0] == "In custody since 26 February, to be noted"


@pytest.mark.feature(131)
@pytest.mark.feature(307)
def test_ratings_that_do_not_fit_come_first_and_are_found_on_the_board(merton, meeting, police, coordinator, sign_in):
    green = factories.case(merton, colour="GREEN", since=date(2026, 1, 20))
    red = factories.case(merton, colour="RED", since=date(2026, 1, 20))
    factories.entry(green, police, kind="charge", happened_on=date(2026, 2, 24), text="Burglary")
    factories.entry(red, police, kind="home_visit", happened_on=date(2026, 2, 25))
    client = sign_in(coordinator)

    agenda_page = text(client.get("/meetings/2026-03-12/agenda/"))
    board = text(client.get("/cases/?fit=differs"))
    seen_less = text(client.get("/cases/?fit=less"))
    page = text(client.get(f"/cases/{red.reference}/rating/"))
    overview = text(client.get(f"/cases/{green.reference}/"))
    add_suggested(
        meeting, [one.key for one in suggestions(meeting, actor_for(coordinator)).reviews], by=actor_for(coordinator)
    )

    assert "Rated Green, and charge on 24 February" in agenda_page
    assert "Rated Green, and charge on 24 February." in overview and "Rating and evidence" in overview
    assert green.reference in board and red.reference not in board
    assert red.reference in seen_less and "1 in 28 days, 1 of them enforcement" in page and "For the supervisor" in page
    reviews = [item.case for item in agenda.ordered(meeting) if item.section == Section.REVIEWS]
    assert reviews == [green, red]


@pytest.mark.feature(124)
@pytest.mark.feature(126)
def test_release_leaves_blue_until_somebody_rates_again_with_the_colour_before_first(
    merton, meeting, as_coordinator, coordinator, sign_in
):
    case = factories.case(merton, colour="AMBER", since=date(2025, 6, 2))
    inside = record_custody(
        case,
        kind="remand",
        prison="HMP Example",
        starts_on=date(2026, 2, 2),
        release_expected_on=date(2026, 2, 24),
        by=as_coordinator,
    )
    client, at = sign_in(coordinator), f"/cases/{case.reference}/rating/"

    late = text(client.get(at))
    (asked,) = suggestions(meeting, as_coordinator).cases
    record_release(inside, on=date(2026, 2, 25), by=as_coordinator)
    out = text(client.get(at))

    assert "Release was expected on 24 February, and no rating has been agreed for it" in late
    assert asked.reasons[0] == "Release was expected on 24 February, and no rating is agreed for it"
    assert case.ratings.get(until=None).colour_before == "AMBER"
    assert "Rated in custody, and nobody is inside" in out
    assert out.index('value="AMBER"') < out.index('value="RED"') and "the rating before custody" in out


@pytest.mark.feature(142)
def test_weekly_practitioner_meeting_looks_at_a_case_without_a_panel_decision(sign_in):
    hampshire = factories.scheme("hampshire")
    office = factories.member(hampshire, "coordinator", agency_kind="police")
    by = actor_for(office)
    body = Body.objects.get(scheme=hampshire, slug="map")
    weekly = factories.meeting(hampshire, TODAY, body=body, status="live", recorder=office.user)
    case = factories.case(hampshire, colour="RED", since=date(2026, 1, 20))
    item = factories.agenda_item(weekly, Section.REVIEWS, case=case)
    review = hampshire.policy.review("operational")

    page = text(sign_in(office).get(f"/meetings/{weekly.key}/live/?item={item.number}"))
    decision = decide(item, Choice(Outcome.NO_CHANGE, note="Visited twice; curfew kept"), by=by)

    assert case.reference in page and "Recommend a rating" in page
    assert (review.body, review.weeks) == ("map", 1)
    assert Outcome.CHANGE_RATING not in offered_on(item)
    assert decision.outcome == Outcome.NO_CHANGE and case.ratings.count() == 1
