"""Flex opens once the scheme says that fixed is established and resourced (Hampshire, Criteria)."""

from __future__ import annotations

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom.access import actor_for
from iom.models import AuditEvent
from iom.policy import load_preset
from iom.steps import StepRefused
from referrals import eligibility, resourcing, scoring
from referrals.models import ResourcedCohort
from tests import factories

pytestmark = pytest.mark.django_db
FLEX_ONLY = {"would_benefit": True, "prolific": False, "force_priority": False, "domestic_abuse_perpetrator": False}


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        yield


@pytest.fixture
def hampshire(db):
    return factories.scheme("hampshire")


@pytest.fixture
def coordinator(hampshire):
    return factories.member(hampshire, "coordinator", "referrer", name="Priya Shah")


@pytest.fixture
def by(coordinator):
    return actor_for(coordinator)


@pytest.fixture
def referral(hampshire, coordinator):
    return factories.referral(hampshire, coordinator, status="sent", supervision="yes", facts=dict(FLEX_ONLY))


def flex(finding):
    return next(each for each in finding.clauses if each.clause == "flex")


def test_flex_is_not_open_until_somebody_says_that_fixed_is_resourced(referral, by):
    before = scoring.find(referral)
    assert (before.outcome, flex(before).met, flex(before).waits_for) == ("not_eligible", False, "fixed")

    resourcing.say_resourced("standard", "fixed", reason="Every post of the team is filled.", by=by)

    after = scoring.find(referral)
    assert (after.outcome, after.route, flex(after).waits_for) == ("eligible", "flex", None)
    event = AuditEvent.objects.get(verb="say_resourced")
    assert event.after == "resourced"


def test_flex_is_closed_again_when_it_is_taken_back(referral, by):
    row = resourcing.say_resourced("standard", "fixed", reason="Every post is filled.", by=by)

    resourcing.take_back(row, because="Two posts are empty.", by=by)

    assert scoring.find(referral).outcome == "not_eligible"
    row.refresh_from_db()
    assert (row.until.isoformat(), row.ended_because, row.ended_by) == (
        "2026-02-26", "Two posts are empty.", by.membership,
    )  # fmt: skip
    assert AuditEvent.objects.filter(verb="take_back_resourced").count() == 1
    resourcing.say_resourced("standard", "fixed", reason="Filled again.", by=by)
    assert ResourcedCohort.objects.count() == 2


@pytest.mark.parametrize(
    ("criteria", "clause", "reason", "words"),
    [
        pytest.param("standard", "fixed", " ", "how you know", id="no reason"),
        pytest.param("standard", "flex", "Enough.", "No other cohort waits", id="nothing waits for flex"),
        pytest.param("other", "fixed", "Enough.", "No other cohort waits", id="no such criteria"),
    ],
)
def test_saying_so_is_refused_in_words(by, criteria, clause, reason, words):
    with pytest.raises(StepRefused, match=words):
        resourcing.say_resourced(criteria, clause, reason=reason, by=by)


def test_said_once_at_a_time_and_taken_back_once(by):
    row = resourcing.say_resourced("standard", "fixed", reason="Enough.", by=by)
    with pytest.raises(StepRefused, match="said so already"):
        resourcing.say_resourced("standard", "fixed", reason="Enough.", by=by)

    with pytest.raises(StepRefused, match="why it is taken back"):
        resourcing.take_back(row, because="", by=by)
    resourcing.take_back(row, because="Not any more.", by=by)
    with pytest.raises(StepRefused, match="taken it back already"):
        resourcing.take_back(row, because="Not any more.", by=by)


def test_only_coordinator_and_administrator_say_so(hampshire):
    member = actor_for(factories.member(hampshire, "member", "chair"))
    with pytest.raises(PermissionDenied):
        resourcing.say_resourced("standard", "fixed", reason="Enough.", by=member)

    admin = actor_for(factories.member(hampshire, "scheme_admin"))
    row = resourcing.say_resourced("standard", "fixed", reason="Enough.", by=admin)
    with pytest.raises(PermissionDenied):
        resourcing.take_back(row, because="Not any more.", by=member)


def test_command_leaves_the_condition_out():
    facts = eligibility.Facts(statutory=True, would_benefit=True, mappa_level=0)
    policy = load_preset("hampshire")
    as_of = scoring.clock.today()

    assert eligibility.assess(policy, None, facts, as_of).route == "flex"
    assert eligibility.assess(policy, None, facts, as_of, frozenset()).outcome == "not_known", "fixed may still fit"


@pytest.mark.feature(106)
def test_page_says_so_and_takes_it_back(sign_in, coordinator, referral):
    client = sign_in(coordinator)
    page = client.get("/referrals/cohorts/").content.decode()
    assert "Not open yet." in page
    assert "Source: Hampshire, Criteria" in page
    assert "Not open yet" in client.get(f"/referrals/{referral.reference}/triage/").content.decode()

    empty = client.post("/referrals/cohorts/", {"cohort": "standard.fixed", "reason": ""}).content.decode()
    assert "Enter how you know that it is resourced" in empty
    said = client.post(
        "/referrals/cohorts/", {"cohort": "standard.fixed", "reason": "Agreed by the board."}, follow=True
    )
    assert "Resourced since 26 Feb 2026." in said.content.decode()
    assert "Priya Shah said so" in said.content.decode()
    assert "Not open yet" not in client.get(f"/referrals/{referral.reference}/triage/").content.decode()

    back = client.post("/referrals/cohorts/", {"cohort": "standard.fixed", "because": "A post is empty."}, follow=True)
    assert "Taken back by Priya Shah: A post is empty." in back.content.decode()


def test_scheme_where_nothing_waits_says_so(sign_in, merton):
    admin = factories.member(merton, "scheme_admin")

    page = sign_in(admin).get("/referrals/cohorts/").content.decode()

    assert "No cohort of this scheme waits for another one." in page


def test_page_answers_404_for_a_cohort_that_is_none(sign_in, coordinator):
    assert sign_in(coordinator).post("/referrals/cohorts/", {"cohort": "x", "reason": "y"}).status_code == 404
