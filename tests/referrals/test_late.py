"""What each scheme does with an urgent nomination after the deadline (Merton, step 1; Richmond, 2.6; Hampshire)."""

from datetime import date

import pytest
import time_machine

from iom.access import actor_for
from iom.models import Body, Notification
from panels import agenda
from panels.models import Section
from referrals import actions, deciding, late
from tests import factories

pytestmark = pytest.mark.django_db

PANEL = date(2026, 3, 12)
AFTER = "2026-03-10 10:00+00:00"


@pytest.fixture(autouse=True)
def after_the_deadline():
    with time_machine.travel(AFTER, tick=False):
        yield


def sent_late(scheme):
    referrer = factories.member(scheme, "member", agency_kind="police")
    panel = factories.meeting(scheme, PANEL)
    referral = factories.referral(scheme, referrer, meeting=panel, urgent_reason="Released on Friday.")
    return actions.send(referral, by=actor_for(referrer)), panel


def told(kind="late_told"):
    return set(Notification.objects.filter(kind=kind).values_list("recipient__name", flat=True))


@pytest.mark.parametrize("slug", ["merton", "london", "waltham_forest", "hampshire", "richmond"])
def test_late_nomination_goes_to_the_panel_marked_late(slug):
    scheme = factories.scheme(slug)
    factories.member(scheme, "coordinator", name="Priya Shah")

    referral, panel = sent_late(scheme)

    assert referral.late
    assert referral.meeting == panel
    assert told("referral_sent") == {"Priya Shah"}
    # Only Richmond names a post that hears at once.
    assert bool(told()) == (slug == "richmond")


def test_richmond_tells_whoever_holds_the_post_at_once():
    richmond = factories.scheme("richmond")
    factories.member(richmond, "coordinator", name="Somebody Else")
    holder = factories.member(richmond, "member", name="Kit Specimen")
    holder.post = "iom co-ordinator"
    holder.save(update_fields=["post"])

    referral, _ = sent_late(richmond)

    assert told() == {"Kit Specimen"}
    notice = Notification.objects.get(kind="late_told")
    assert notice.text == f"Urgent: referral {referral.reference} came late for IOM Panel of 12 March"
    assert "emergency" in notice.email_body


def test_richmond_tells_the_coordinators_while_nobody_holds_the_post():
    richmond = factories.scheme("richmond")
    factories.member(richmond, "coordinator", name="Priya Shah")

    sent_late(richmond)

    assert told() == {"Priya Shah"}


def test_holder_who_has_left_is_not_told():
    richmond = factories.scheme("richmond")
    factories.member(richmond, "coordinator", name="Priya Shah")
    left = factories.member(richmond, "member", name="Gone Specimen")
    left.post, left.until = "IOM Co-ordinator", date(2026, 3, 1)
    left.save(update_fields=["post", "until"])

    assert [user.name for user in late.holders_of(richmond, "IOM Co-ordinator")] == ["Priya Shah"]


def test_new_case_that_comes_late_to_the_asb_panel_is_told_to_its_officer():
    richmond = factories.scheme("richmond")
    office = factories.actor(richmond, "coordinator", name="Priya Shah")
    officer = factories.member(richmond, "member", name="Asb Specimen", seat=False)
    officer.post = "Anti-Social Behaviour Officer"
    officer.save(update_fields=["post"])
    asb = factories.meeting(richmond, PANEL, body=Body.objects.get(scheme=richmond, slug="asb"), status="agenda_sent")

    agenda.add_item(asb, section=Section.REVIEWS, case=factories.case(richmond), by=office)

    assert told() == {"Asb Specimen"}


def test_in_time_nobody_is_told_specially():
    richmond = factories.scheme("richmond")
    factories.member(richmond, "coordinator")
    with time_machine.travel("2026-02-20 10:00+00:00", tick=False):
        referral, _ = sent_late(richmond)

    assert not referral.late
    assert told() == set()


def test_scheme_that_makes_no_exception_offers_no_urgent_route():
    merton = factories.scheme("merton")
    factories.meeting(merton, PANEL)
    rule = merton.policy.deciding_body.late_rule
    changed = merton.policy.deciding_body.model_copy(
        update={"late_rule": rule.model_copy(update={"kind": "next_meeting"})}
    )

    panels = deciding.Panels(changed, None, (factories.meeting(merton, date(2026, 3, 11)),))

    assert panels.late_rule is None
    assert panels.urgent == ()
