"""Safeguarding at the panel: MAPPA on somebody of the cohort, checks beside an item, concerns for a child, harm."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iom import clock
from iom.access import actor_for
from iom.blocks import tasks_for
from iom.jinja import day
from offenders import safeguarding
from offenders.asking import asked
from offenders.asks import Window
from offenders.models import MashReferral
from panels.accepting import take_on
from panels.models import Minutes
from panels.record import record_of
from panels.suggesting import suggestions
from tests import factories

pytestmark = pytest.mark.django_db
PANEL = clock.today() + timedelta(days=28)


def page(client, address):
    return " ".join(client.get(address).content.decode().split())


def asks_of_mappa(meeting, coordinator):
    found = suggestions(meeting, actor_for(coordinator)).cases
    return [(one, because) for one in found for because in one.because if "MAPPA level" in because.words]


@pytest.fixture
def case(merton, police):
    return factories.case(merton, colour="AMBER")


@pytest.mark.feature(166)
def test_mappa_level_2_warns_asks_the_panel_and_removes_nobody(case, merton, coordinator, police, sign_in):
    meeting = factories.meeting(merton, PANEL)
    fine = factories.case(merton, colour="RED")
    safeguarding.record_check(case, "mappa", outcome="level_1", on=clock.today(), by=actor_for(police))
    assert not asks_of_mappa(meeting, coordinator)

    safeguarding.record_check(case, "mappa", outcome="level_2", on=clock.today(), by=actor_for(police))

    ((one, because),) = asks_of_mappa(meeting, coordinator)
    assert (one.case, one.first) == (case.pk, True)
    assert because.words == "MAPPA level 2: the panel decides whether IOM goes on"
    assert because.source == "Merton, step 1"
    client = sign_in(coordinator)
    for address in (f"/cases/{case.reference}/", f"/cases/{case.reference}/safeguarding/"):
        seen = page(client, address)
        assert "MAPPA level 2: the panel decides whether IOM goes on" in seen
        assert "Merton, step 1" in seen
    assert f"MAPPA level 2: {case.reference} needs the panel" in page(client, "/")
    board = page(client, "/cases/?flag=mappa_2_3")
    assert case.reference in board
    assert fine.reference not in board
    assert "<strong>MAPPA level 2</strong>, checked" in board
    assert "Not assured: MARAC, Child safeguarding" in board
    case.refresh_from_db()
    assert case.status == "open"

    # Once a panel has decided on the case, it is asked no more.
    held = factories.meeting(merton, clock.today() + timedelta(days=1))
    factories.decided(case, "no_change", meeting=held, case=case)
    assert not asks_of_mappa(meeting, coordinator)
    assert "needs the panel" not in page(client, "/")
    assert "The panel has decided on this case since" in page(client, f"/cases/{case.reference}/")


@pytest.mark.feature(315)
def test_checks_that_are_not_assured_stand_beside_an_item_and_among_the_tasks(case, merton, coordinator, police):
    window = Window(merton.policy, merton.policy.body("panel"), PANEL, clock.today(), PANEL, clock.today())
    beside = [ask for ask in asked([case], window) if ask.beside]
    assert [ask.words for ask in beside] == ["Safeguarding not assured: MAPPA, MARAC, Child safeguarding"]
    office = actor_for(coordinator)
    listed = [task.text for task in tasks_for(office, clock.today())]
    assert "1 case has a safeguarding check stale or not done" in listed

    for kind in merton.policy.safeguarding.needed:
        safeguarding.record_check(case, kind, outcome="no_concern", on=clock.today(), by=actor_for(police))
    assert not [ask for ask in asked([case], window) if ask.beside]
    later = Window(merton.policy, window.body, PANEL, PANEL, PANEL, clock.today() + timedelta(days=200))
    assert [ask for ask in asked([case], later) if ask.beside]
    assert not [task for task in tasks_for(office, clock.today()) if "safeguarding check" in task.text]


@pytest.mark.feature(158)
def test_the_minutes_say_that_a_child_was_referred_and_no_more(case, merton, coordinator, sign_in):
    live = factories.live_meeting(merton, clock.today(), recorder=coordinator)
    item = factories.decided(case, "no_change", meeting=live, case=case).item
    client = sign_in(coordinator)
    at = f"/cases/{case.reference}/safeguarding/child/"
    brief = page(client, f"/meetings/{live.key}/live/?item={item.number}")
    assert f"{at}?meeting={live.key}" in brief
    assert "Child safeguarding not checked" in brief
    assert "The minutes say that the case was referred, and no more" in page(client, f"{at}?meeting={live.key}")
    given = {
        "meeting": live.key,
        "agency": coordinator.agency.slug,
        "how": "own",
        "referred_on": day(clock.today()),
        "referred_by": "Dana Exampleworker",
        "reference_there": "M-77",
    }
    assert client.post(at, given).status_code == 302
    assert MashReferral.objects.get().meeting == live

    minutes = factories.minutes(live)
    record = record_of(Minutes.objects.get(pk=minutes.pk))
    (said,) = [each for each in record["items"] if each["reference"] == case.reference]
    assert said["child_referred_to"] == "MASH"
    assert "M-77" not in str(record)
    assert "Exampleworker" not in str(record)


@pytest.mark.feature(165)
def test_case_says_when_harm_to_victims_was_last_considered_and_by_whom(case, merton, coordinator, sign_in):
    client = sign_in(coordinator)
    assert "Not considered at a meeting yet" in page(client, f"/cases/{case.reference}/")
    held = factories.meeting(merton, clock.today())
    factories.decided(case, "no_change", meeting=held, case=case, harm="none")

    assert f"Last considered on {day(clock.today())} by the" in page(client, f"/cases/{case.reference}/")


@pytest.mark.feature(166)
def test_what_the_nomination_said_is_known_stands_in_the_ledger_of_the_case(police, as_coordinator, merton):
    """Richmond leaves those engaged by the MARAC out at the nomination; elsewhere the flag comes along, inside only."""
    referral = factories.referral(merton, police, status="on_agenda", mappa_level=1, facts={"marac": True})
    case = take_on(
        referral,
        "RED",
        "Three burglaries.",
        on=clock.today(),
        meeting=None,
        version=merton.policy_version,
        by=as_coordinator,
    )

    flags = {flag.label: flag for flag in safeguarding.flags_of([case])[case.pk]}
    assert flags["MAPPA level 1"].given
    assert not flags["MARAC"].given
    assert flags["Child safeguarding"].state == "not_done"
    assert case.checks.get(kind="marac").how == "nomination"
