"""Reviews of a case as its lead, the coordinator and other agencies meet them."""

from datetime import date

import pytest

from actionplans.models import PanelUpdate, Review
from actionplans.reviewing import due_reviews
from iom.access import actor_for
from iom.policy import load_preset
from offenders.actions import assign
from offenders.asking import asked
from offenders.asks import Window
from tests import factories

TODAY = date(2026, 3, 5)


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")


@pytest.fixture
def case(merton, as_coordinator, police):
    case = factories.case(merton)
    held = {"agency": police.agency, "membership": police, "on": date(2026, 2, 1), "by": as_coordinator}
    assign(case, "lead_professional", **held)
    assign(case, "lead_agency", agency=police.agency, on=date(2026, 2, 1), by=as_coordinator)
    return case


def text(response):
    return " ".join(response.content.decode().split())


def days(preset, **more):
    policy = load_preset(preset)
    given = {
        "accepted": date(2026, 1, 31),
        "done": {},
        "meetings": {"panel": [date(2026, 1, 31), date(2026, 2, 12), date(2026, 3, 12), date(2026, 4, 9)]},
        "deciding_body": policy.deciding_body.slug,
    } | more
    return {each.kind: each.on for each in due_reviews(policy.reviews, **given)}


def test_reviews_are_due_by_the_rules_of_the_scheme():
    assert days("merton") == {"first": date(2026, 2, 12), "progress": date(2026, 2, 12)}
    assert days("merton", done={"first": [date(2026, 2, 12)]}) == {"progress": date(2026, 3, 12)}
    # Every third panel where the document is silent; sooner by exception starts the count again.
    assert days("london") == {"progress": date(2026, 4, 9)}
    assert days("london", done={"progress": [date(2026, 2, 12)]}) == {"progress": None}


@pytest.mark.feature(140)
@pytest.mark.feature(306)
def test_overdue_first_review_stands_on_home_board_page_and_agenda_until_it_is_held(
    sign_in, coordinator, police, merton, case
):
    factories.meeting(merton, date(2026, 2, 12))
    office, lead = sign_in(coordinator), sign_in(police)
    assert "1 case with a review overdue" in text(office.get("/"))
    assert f"{case.reference}: 1-month review overdue" in text(lead.get("/"))
    assert case.reference in text(office.get("/cases/?review=overdue"))
    page = text(lead.get(f"/cases/{case.reference}/reviews/"))
    assert "Overdue" in page
    assert "Merton, Roles" in page

    held = {"kind": "first", "on": "4 3 2026", "words": "The plan is in place."}
    lead.post(f"/cases/{case.reference}/reviews/held/", {f"held-{name}": value for name, value in held.items()})

    review = Review.objects.get(case=case)
    assert (review.kind, review.due_on, review.done_on, review.by) == (
        "first",
        date(2026, 2, 12),
        date(2026, 3, 4),
        police.user,
    )
    assert "overdue" not in text(office.get("/")).lower()
    assert "No cases match" in text(office.get("/cases/?review=overdue"))
    refused = {"held-kind": "first", "held-on": "6 3 2026", "held-words": ""}
    answer = text(lead.post(f"/cases/{case.reference}/reviews/held/", refused))
    assert "must be today or earlier" in answer
    assert "Enter what came of it" in answer


@pytest.mark.feature(141)
def test_progress_review_that_no_panel_held_is_asked_of_the_next(merton, case, django_assert_num_queries):
    factories.meeting(merton, date(2026, 2, 12))
    policy = merton.policy
    window = Window(policy, policy.body("panel"), date(2026, 3, 12), date(2026, 2, 12), date(2026, 4, 9), TODAY)

    mine = [ask for ask in asked([case], window) if "overdue" in ask.words]

    assert [ask.words for ask in mine] == ["Progress review overdue: none since 12 Jan 2026"]
    Review.objects.create(scheme=merton, case=case, kind="progress", done_on=date(2026, 2, 12))
    assert not [ask for ask in asked([case], window) if "overdue" in ask.words]


@pytest.mark.feature(141)
def test_every_agency_writes_for_the_next_panel_and_the_lead_agency_comes_first(sign_in, police, housing, merton, case):
    factories.meeting(merton, date(2026, 3, 12))
    address = f"/cases/{case.reference}/reviews/"
    assert "You lead: give the background" in text(sign_in(police).get(address))
    for member, words in ((housing, "Arrears are paid."), (police, "No arrests since January.")):
        sign_in(member).post(f"{address}update/", {"tell-text": words, "tell-version": "0"})

    page = text(sign_in(housing).get(address))

    assert page.index("No arrests since January.") < page.index("Arrears are paid.")
    assert PanelUpdate.objects.count() == 2
    stale = sign_in(housing).post(f"{address}update/", {"tell-text": "They are not paid.", "tell-version": "0"})
    assert stale.status_code == 409
    assert actor_for(housing).agency.name in page


def test_board_is_narrowed_by_what_somebody_needs(sign_in, coordinator, case, as_coordinator):
    from actionplans.actions import set_need, start_plan

    set_need(start_plan(case, by=as_coordinator), "accommodation", level="high", goal="", by=as_coordinator)
    office = sign_in(coordinator)

    assert case.reference in text(office.get("/cases/?need=accommodation"))
    assert case.reference not in text(office.get("/cases/?need=finance"))
