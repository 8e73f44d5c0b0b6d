"""People in custody are considered when their release comes near (Waltham Forest, 4.5; Merton, Roles)."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from iom.policy import load_preset
from panels.suggesting import suggestions
from referrals.near_release import release_of
from tests import factories

TODAY = date(2026, 2, 26)
RULE = load_preset("waltham_forest").custody


@pytest.mark.parametrize(
    ("expected", "near"),
    [
        pytest.param(date(2026, 5, 21), True, id="on the 84th day"),
        pytest.param(date(2026, 5, 22), False, id="a day later"),
        pytest.param(date(2026, 2, 26), True, id="today"),
        pytest.param(None, None, id="no date"),
    ],
)
def test_release_is_near_within_the_days_of_the_rule(expected, near):
    found = release_of(RULE, True, expected, TODAY)

    assert (found.near, found.source) == (near, "Waltham Forest, 2.3")


@pytest.mark.parametrize("in_custody", [False, None])
def test_nobody_at_liberty_has_a_release(in_custody):
    assert release_of(RULE, in_custody, date(2026, 3, 1), TODAY) is None


def test_scheme_without_the_rule_says_nothing():
    rule = RULE.model_copy(update={"considered_near_release": False})

    assert release_of(rule, True, date(2026, 3, 1), TODAY) is None


@pytest.mark.django_db
@pytest.mark.feature(119)
def test_triage_and_home_page_say_that_release_is_near(sign_in, merton, coordinator, police):
    fields = {"in_custody": True, "prison": "HMP Example", "release_expected_on": date(2026, 4, 3)}
    near = factories.referral(merton, police, status="with_coordinator", **fields)
    far = factories.referral(merton, police, status="deferred", **fields | {"release_expected_on": date(2026, 9, 3)})
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        client = sign_in(coordinator)
        page = client.get(f"/referrals/{near.reference}/triage/").content.decode()
        assert "release on 3 Apr 2026 is near: the panel considers this person now" in page
        assert "more than 84 days from now" in client.get(f"/referrals/{far.reference}/triage/").content.decode()
        home = client.get("/").content.decode()

    assert f"Release on 3 April: put {near.reference} to a panel" in home
    assert f"put {far.reference} to a panel" not in home


@pytest.mark.django_db
@pytest.mark.feature(119)
def test_agenda_suggests_the_deferred_whose_release_is_near(merton, police, as_coordinator):
    meeting = factories.meeting(merton, date(2026, 3, 12))
    fields = {"in_custody": True, "prison": "HMP Example", "release_expected_on": date(2026, 4, 3)}
    deferred = factories.referral(merton, police, status="deferred", **fields)

    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        (found,) = suggestions(meeting, as_coordinator).nominated

    assert (found.referral, found.why) == (deferred, "Deferred, and release on 3 April is near")
