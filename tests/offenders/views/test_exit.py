"""Leaving the cohort, as the people who do it see it."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from actionplans.actions import add_action, update_action
from actionplans.models import Action
from iom.access import actor_for
from iom.models import Notification
from offenders import actions
from offenders.models import Case, Leaving
from panels.suggesting import suggestions
from tests import factories

TODAY = date(2026, 4, 9)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_panel_day(time_machine):
    time_machine.move_to("2026-04-09T09:00:00+00:00")


def page(client, case, task=""):
    return client.get(f"/cases/{case.reference}/exit/{task}").content.decode()


def post(client, case, task, **data):
    return client.post(f"/cases/{case.reference}/exit/{task}/", data, follow=True).content.decode()


STRATEGY = {
    "who_stays": "Turning Point every fortnight",
    "contact": "Turning Point, 020 7946 0199",
    "way_back": "Any agency nominates again",
    "version": "0",
}


@pytest.mark.feature(152)
@pytest.mark.feature(153)
def test_leaving_asks_for_a_strategy_then_the_panel_then_closing(merton, coordinator, as_coordinator, sign_in):
    case = factories.case(merton, colour="GREEN", since=date(2025, 10, 4))
    meeting = factories.meeting(merton, TODAY)
    actions.assign(case, "lead_agency", agency=coordinator.agency, on=TODAY, by=as_coordinator)
    client = sign_in(coordinator)

    shown = page(client, case)
    assert "There is no exit strategy" in shown and "4 Apr 2026" in shown
    assert "Whom do you tell?" in page(client, case, "agencies/")

    refused = post(client, case, "proposal", proposal="Green and settled", version="0")
    assert "Enter a reason for going on without it" in refused
    assert "Exit strategy of" in post(client, case, "strategy", **STRATEGY)
    assert "proposed to the panel" in post(client, case, "proposal", proposal="Green and settled", version="1")
    assert "Proposed to the panel on 9 Apr 2026" in page(client, case)

    actions.start_leaving(case, on=TODAY, reason="Six months Green", meeting=meeting, by=as_coordinator)
    assert "Leaving was decided by the" in page(client, case)

    closing = {"outcome": "planned", "ended_on": "9 4 2026", "reason": "Settled", "version": "3"}
    assert "Enter a reason for going on without what is missing" in post(client, case, "close", **closing)
    assert "saved" in post(client, case, "safety", safety="nothing", safety_words="", version="3")
    assert "Told:" in post(client, case, "agencies", agencies=[coordinator.agency.slug], how="")
    case.refresh_from_db()
    assert "is closed" in post(client, case, "close", **closing | {"version": str(case.version)})

    case = Case.objects.get(pk=case.pk)
    assert (case.status, case.outcome, case.ended_on) == ("closed", "planned", TODAY)
    assert Notification.objects.filter(kind="leaving", subject=case.reference).exists()
    assert "Left as planned" in page(client, case)


@pytest.mark.feature(153)
def test_outstanding_actions_end_are_handed_over_or_go_on_with_an_owner(
    merton, coordinator, as_coordinator, housing, as_housing, sign_in
):
    case = factories.case(merton, colour="GREEN", since=date(2025, 10, 4))
    ending, given, kept = (
        add_action(case=case, text=text, agency=housing.agency, due_on=date(2026, 5, 1), by=as_coordinator)
        for text in ("Ring the landlord", "Debt advice", "Settle the tenancy")
    )
    client = sign_in(coordinator)
    assert "3 actions still open" in page(client, case)
    address = f"/cases/{case.reference}/actions/at-exit/"

    answer = {f"a{ending.pk}-choice": "ended", f"a{given.pk}-choice": "handed_over", f"a{kept.pk}-choice": "carried"}
    refused = client.post(address, answer | {f"a{kept.pk}-taken_by": "Jo Reid"}).content.decode()
    assert "Enter which service or person takes it on" in refused

    taken = {f"a{given.pk}-taken_by": "Citizens Advice", f"a{kept.pk}-taken_by": "Jo Reid"}
    assert "3 actions of" in client.post(address, answer | taken, follow=True).content.decode()
    assert "still open" not in page(client, case)
    actions.close(case, on=TODAY, reason="Settled", outcome="planned", by=as_coordinator)

    # The owner's agency still finds and finishes what it carries, and nothing else of who left.
    assert list(Action.objects.visible_to(as_housing).filter(case=case)) == [kept]
    assert update_action(kept, status="done", by=as_housing).status == "done"
    with pytest.raises(PermissionDenied):
        update_action(given, status="done", by=as_housing)


@pytest.mark.feature(151)
def test_rating_away_from_green_ends_the_clock_and_calls_leaving_off(merton, coordinator, as_coordinator, sign_in):
    case = factories.case(merton, colour="GREEN", since=date(2025, 10, 4))
    actions.start_leaving(case, on=date(2026, 4, 1), reason="Six months Green", by=as_coordinator)

    actions.rate(Case.objects.get(pk=case.pk), "AMBER", on=TODAY, reason="Arrested", by=as_coordinator)

    shown = page(sign_in(coordinator), case)
    assert Case.objects.get(pk=case.pk).status == "open"
    assert "Leaving was called off on 9 Apr 2026" in shown
    assert "The Green clock ended on 9 Apr 2026" in shown and "it had run since 4 Oct 2025" in shown
    case = Case.objects.get(pk=case.pk)
    actions.rate(case, "GREEN", on=TODAY, reason="Arrest was a mistake", by=as_coordinator)
    assert "4 Apr 2026" in page(sign_in(coordinator), case), "restored on the same day, Green is unbroken"


@pytest.mark.feature(155)
@pytest.mark.feature(156)
def test_hampshire_ends_with_supervision_by_who_leads_it_and_offers_it_again(sign_in, time_machine):
    hampshire = factories.scheme("hampshire")
    office = factories.member(hampshire, "coordinator")
    officer = factories.member(hampshire, "member", agency_kind="police")
    by = actor_for(office)
    case = factories.case(hampshire, colour="AMBER", since=date(2025, 10, 4))
    actions.assign(case, "lead_professional", agency=officer.agency, membership=officer, on=TODAY, by=by)
    actions.record_supervision(case, "licence", date(2026, 4, 10), by=by)
    client = sign_in(officer)

    def closing(**more):
        version = str(Case.objects.get(pk=case.pk).version)
        given = {
            "outcome": "end_of_supervision",
            "ended_on": "10 4 2026",
            "reason": "Licence ended",
            "version": version,
        }
        return client.post(f"/cases/{case.reference}/exit/close/", given | more, follow=True)

    assert "supervision ends on 10 April" in client.get("/").content.decode()
    assert closing().status_code == 403, "the day before the last day"
    time_machine.move_to("2026-04-10T09:00:00+00:00")
    client = sign_in(officer)
    assert "supervision ended on 10 April, close the case" in client.get("/").content.decode()
    assert Case.objects.get(pk=case.pk).status == "open", "never by itself"
    assert "No meeting has agreed a transition plan" in page(client, case)
    assert "No panel is needed" in page(client, case) or "without a panel" in page(client, case)

    closing(without="All partners agreed", offer_again_on="20 4 2026")

    case = Case.objects.get(pk=case.pk)
    assert (case.status, case.outcome, case.ended_on) == ("closed", "end_of_supervision", date(2026, 4, 10))
    assert Leaving.objects.get(case=case).without_because == "All partners agreed"
    home = sign_in(office)
    assert f"Offer the scheme again: {case.reference}" in home.get("/").content.decode()

    # Taken on again: one open case, with the earlier one beside it for those who may.
    again = factories.case(hampshire, colour="RED", since=date(2026, 4, 10), who=case.offender)
    shown = home.get(f"/cases/{again.reference}/").content.decode()
    assert case.reference in shown and "Supervision ended" in shown and "Licence ended" in shown
    assert case.reference not in client.get(f"/cases/{again.reference}/").content.decode()
    assert "Offer the scheme again" not in home.get("/").content.decode()
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.case(hampshire, who=case.offender)


@pytest.mark.feature(157)
def test_success_case_is_kept_in_words_that_name_nobody(sign_in):
    forest = factories.scheme("waltham_forest")
    office = factories.member(forest, "coordinator")
    case = factories.case(forest, colour="GREEN", since=date(2025, 10, 4))
    actions.start_leaving(case, on=TODAY, reason="Up to six months are over", by=actor_for(office))
    version = str(Case.objects.get(pk=case.pk).version)
    given = {"outcome": "success", "ended_on": "9 4 2026", "reason": "Nothing since October", "version": version}

    answer = post(
        sign_in(office),
        case,
        "close",
        **given,
        without="The strategy was agreed by telephone",
        story="Works as a cook.",
    )

    assert "Success case" in answer and "Works as a cook." in answer
    assert Case.objects.get(pk=case.pk).outcome == "success"


@pytest.mark.feature(151)
def test_london_agrees_how_long_green_is_watched_and_the_panel_after_it_takes_the_exit(sign_in):
    london = factories.scheme("london")
    office = factories.member(london, "coordinator")
    by = actor_for(office)
    case = factories.case(london, colour="GREEN", since=date(2026, 3, 1))
    meeting, later = factories.meeting(london, date(2026, 4, 20)), factories.meeting(london, date(2026, 6, 22))
    client = sign_in(office)
    assert "has not agreed yet how long Green is watched" in page(client, case)
    assert "how long it is watched to agree" in suggestions(meeting, by).cases[0].why

    post(client, case, "period", agreed_on="9 4 2026", agreed_until="1 6 2026")

    assert "1 Jun 2026" in page(client, case) and "22 Jun 2026" in page(client, case)
    assert [one.section for one in suggestions(later, by).cases if "for the time agreed" in one.why] == ["exits"]
    assert not [one for one in suggestions(meeting, by).cases if one.section == "exits"]
