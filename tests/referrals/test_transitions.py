"""The workflow of a referral, written down by hand from design.md 3."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from iom import clock
from iom.access import actor_for
from iom.steps import StepRefused, take
from referrals.models import ReferralStatus
from referrals.transitions import OUTCOMES_OUTSIDE, STEPS
from tests import factories

WORKFLOW = {
    ("draft", "send", "sent"),
    ("returned", "resend", "sent"),
    ("sent", "take_in", "with_coordinator"),
    ("sent", "put_to_panel", "on_agenda"),
    ("with_coordinator", "put_to_panel", "on_agenda"),
    ("deferred", "put_to_panel", "on_agenda"),
    ("sent", "return", "returned"),
    ("with_coordinator", "return", "returned"),
    ("on_agenda", "return", "returned"),
    ("deferred", "return", "returned"),
    ("on_agenda", "accept", "accepted"),
    ("on_agenda", "not_accept", "not_accepted"),
    ("on_agenda", "refer_elsewhere", "referred_elsewhere"),
    ("on_agenda", "defer", "deferred"),
    # Between two meetings, where the scheme allows it (Hampshire).
    *(
        (before, verb, after)
        for before in ("sent", "with_coordinator", "on_agenda", "deferred")
        for verb, after in (
            ("accept_outside", "accepted"),
            ("not_accept_outside", "not_accepted"),
            ("refer_elsewhere_outside", "referred_elsewhere"),
        )
    ),
    ("draft", "withdraw", "withdrawn"),
    ("sent", "withdraw", "withdrawn"),
    ("with_coordinator", "withdraw", "withdrawn"),
    ("on_agenda", "withdraw", "withdrawn"),
    ("deferred", "withdraw", "withdrawn"),
    ("returned", "withdraw", "withdrawn"),
}


OUTSIDE = [step.verb for step in OUTCOMES_OUTSIDE.values()]


def test_workflow_is_the_one_agreed():
    steps = {(source.value, verb, step.target.value) for verb, step in STEPS.items() for source in step.sources}

    assert steps == WORKFLOW


@pytest.mark.parametrize("verb", [verb for verb in STEPS if verb not in OUTSIDE])
@pytest.mark.parametrize("status", [status.value for status in ReferralStatus])
def test_step_from_each_status(merton, coordinator, as_coordinator, status, verb):
    referral = factories.referral(merton, coordinator, status=status)
    target = {(source, name): target for source, name, target in WORKFLOW}.get((status, verb))

    if target is None:
        with pytest.raises(StepRefused):
            take(STEPS[verb], referral, by=as_coordinator)
    else:
        # A nomination that goes out has a time of sending: the database holds to it.
        assert take(STEPS[verb], referral, by=as_coordinator, sent_at=clock.now()).status == target


@pytest.mark.parametrize("status", [status.value for status in ReferralStatus])
def test_step_outside_the_meeting_from_each_status(db, status):
    scheme = factories.scheme("hampshire")
    by = factories.actor(scheme, "coordinator")

    for verb in OUTSIDE:
        referral = factories.referral(scheme, factories.member(scheme, "member", agency_kind="police"), status=status)
        target = {(source, name): target for source, name, target in WORKFLOW}.get((status, verb))
        if target is None:
            with pytest.raises((StepRefused, PermissionDenied)):
                take(STEPS[verb], referral, by=by)
        else:
            assert take(STEPS[verb], referral, by=by).status == target


@pytest.mark.parametrize("slug", ["merton", "london", "richmond", "waltham_forest"])
def test_other_schemes_decide_at_the_panel(db, slug):
    scheme = factories.scheme(slug)
    by = factories.actor(scheme, "coordinator")
    referral = factories.referral(scheme, factories.member(scheme, "member", agency_kind="police"), status="sent")

    with pytest.raises(StepRefused, match="decides nominations at the panel"):
        take(STEPS["accept_outside"], referral, by=by)


def test_nobody_decides_outside_on_a_nomination_of_their_own(db):
    scheme = factories.scheme("hampshire")
    coordinator = factories.member(scheme, "coordinator")
    referral = factories.referral(scheme, coordinator, status="sent")

    with pytest.raises(PermissionDenied):
        take(STEPS["accept_outside"], referral, by=actor_for(coordinator))


@pytest.mark.parametrize(
    ("now", "urgent_reason", "refused"),
    [
        pytest.param("2026-03-02 23:59:59", "", False, id="in the last second"),
        pytest.param("2026-03-03 00:00:00", "", True, id="a second later"),
        pytest.param("2026-03-03 00:00:00", "   ", True, id="a blank reason is none"),
        pytest.param("2026-03-03 00:00:00", "Released on Friday.", False, id="late with a reason"),
    ],
)
def test_sending_after_the_deadline_needs_a_reason(merton, police, as_police, now, urgent_reason, refused):
    panel = factories.meeting(merton, date(2026, 3, 12))
    referral = factories.referral(merton, police, meeting=panel, urgent_reason=urgent_reason)

    with time_machine.travel(f"{now}+00:00", tick=False):
        if refused:
            with pytest.raises(StepRefused, match="closed on 2 March"):
                take(STEPS["send"], referral, by=as_police)
        else:
            assert take(STEPS["send"], referral, by=as_police, sent_at="2026-03-02T12:00Z").status == "sent"


def test_sending_unfinished_names_the_sections(merton, police, as_police):
    referral = factories.referral(merton, police, sections_done=["identity", "offending", "harm", "needs", "presenter"])

    with pytest.raises(StepRefused) as refused:
        take(STEPS["send"], referral, by=as_police)

    assert refused.value.problems == [
        "Finish Address and custody, Facts for the reoffending score before you send this."
    ]
