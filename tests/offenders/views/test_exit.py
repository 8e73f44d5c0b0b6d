"""Leaving the cohort, as the people who do it see it."""

from datetime import date

import pytest

from iom.models import Notification
from offenders import actions
from offenders.models import Case, Leaving, RagRating
from tests import factories

TODAY = date(2026, 4, 9)


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
