"""Somebody is nominated again who was refused, withdrawn or has left the cohort."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied

from iom.access import actor_for
from iom.steps import StepRefused
from referrals import again
from referrals.models import Referral
from tests import factories
from tests.referrals.views.test_nomination import february, officer, panel, text_of  # noqa: F401

pytestmark = pytest.mark.django_db

ANSWERS = {"mappa": "0", "changed_since": "Two burglaries since the spring.", "fact_marac": "no", "fact_dyo": "no"}


@pytest.fixture
def refused(merton, police, chair, february):
    """A nomination that the panel did not accept, with a reason for the minutes and one for the referrer."""
    meeting = factories.meeting(merton, date(2026, 1, 8), chair=chair)
    referral = factories.scorable(merton, police, meeting=meeting, needs={"accommodation": "Sofa surfing"})
    factories.decided(referral, "not_accept", reason="Minuted words", reason_for_referrer="Told words")
    return referral


def answers(scheme, **changed):
    return {name: value for name, value in (ANSWERS | changed).items() if not name.startswith("fact_")}


@pytest.mark.feature(121)
def test_refused_person_is_nominated_again_with_everything_known(officer, refused, police):
    shown = text_of(officer.get(f"/referrals/{refused.reference}/"))
    assert "Nominate again" in shown

    asked = text_of(officer.get(f"/referrals/{refused.reference}/again/"))
    assert f"{refused.reference} : not accepted, 8 Jan 2026" in asked
    assert "What has changed since?" in asked

    started = officer.post(f"/referrals/{refused.reference}/again/", answers(refused.scheme))

    new = Referral.objects.get(follows=refused)
    assert started.url == f"/referrals/{new.reference}/"
    assert (new.offender, new.changed_since) == (refused.offender, "Two burglaries since the spring.")
    hub = text_of(officer.get(started.url))
    assert "Nominated before" in hub
    assert "Two burglaries since the spring." in hub
    assert "Sofa surfing" in text_of(officer.get(f"/referrals/{new.reference}/needs/"))


def test_what_has_changed_must_be_said(officer, refused):
    page = officer.post(f"/referrals/{refused.reference}/again/", answers(refused.scheme, changed_since=" "))

    assert "Enter what has changed since" in text_of(page)
    assert not Referral.objects.filter(follows=refused).exists()


def test_reason_of_the_minutes_is_for_the_office_and_the_other_one_once_it_was_told(
    officer, sign_in, coordinator, refused
):
    untold = text_of(officer.get(f"/referrals/{refused.reference}/again/"))
    assert "No reason that you may read is recorded." in untold

    factories.told(refused)

    told = text_of(officer.get(f"/referrals/{refused.reference}/again/"))
    assert "Told words" in told
    assert "Minuted words" not in told
    office = text_of(sign_in(coordinator).get(f"/referrals/{refused.reference}/again/"))
    assert "Minuted words Told words" in office


@pytest.mark.feature(121)
def test_somebody_who_left_the_cohort_is_nominated_again_from_the_case(sign_in, coordinator, merton, panel):
    case = factories.case(merton, status="closed", since=date(2025, 1, 9), ended_on=date(2025, 11, 13))
    office = sign_in(coordinator)
    assert "Nominate again" in text_of(office.get(f"/cases/{case.reference}/"))

    asked = text_of(office.get(f"/cases/{case.reference}/nominate-again/"))
    assert f"{case.reference} : left the cohort, 13 Nov 2025" in asked
    office.post(f"/cases/{case.reference}/nominate-again/", answers(merton))

    new = Referral.objects.get(follows_case=case)
    assert new.offender == case.offender
    triage = text_of(office.get(f"/referrals/{new.reference}/"))
    assert f"{case.reference} : left the cohort, 13 Nov 2025" in triage


def test_triage_shows_what_was_before_and_what_has_changed(sign_in, coordinator, merton, police, refused, panel):
    new = again.nominate_again(refused, by=actor_for(police), mappa_level=0, changed_since="Out of prison since May.")
    Referral.objects.filter(pk=new.pk).update(status="sent", sent_at=refused.sent_at)

    page = text_of(sign_in(coordinator).get(f"/referrals/{new.reference}/triage/"))

    assert "Nominated before" in page
    assert "Out of prison since May." in page
    assert "Minuted words" in page


def test_mappa_level_stops_it_as_it_stops_a_first_nomination(officer, refused):
    page = officer.post(f"/referrals/{refused.reference}/again/", answers(refused.scheme, mappa="2"))

    assert "IOM cannot take people managed at MAPPA Level 2 or 3" in text_of(page)
    assert not Referral.objects.filter(follows=refused).exists()


def test_nobody_is_nominated_twice_or_from_the_cohort(officer, merton, police, refused, panel):
    by = actor_for(police)
    again.nominate_again(refused, by=by, mappa_level=0, changed_since="New offences.")

    with pytest.raises(StepRefused, match="has nominated this person already"):
        again.nominate_again(refused, by=by, mappa_level=0, changed_since="New offences.")
    assert "Nominate again" not in text_of(officer.get(f"/referrals/{refused.reference}/"))


def test_open_nomination_and_open_case_lead_back_to_themselves(sign_in, coordinator, merton, police, panel):
    case = factories.case(merton)
    referral = factories.scorable(merton, police)
    office = sign_in(coordinator)

    assert office.get(f"/cases/{case.reference}/nominate-again/").url == f"/cases/{case.reference}/"
    assert office.get(f"/referrals/{referral.reference}/again/").url == f"/referrals/{referral.reference}/"
    with pytest.raises(StepRefused, match="is not closed"):
        again.nominate_again(case, by=actor_for(coordinator), mappa_level=0, changed_since="x")
    with pytest.raises(StepRefused, match="has not been decided yet"):
        again.nominate_again(referral, by=actor_for(coordinator), mappa_level=0, changed_since="x")


def test_what_one_may_not_read_cannot_be_followed(merton, refused, housing):
    with pytest.raises(PermissionDenied):
        again.nominate_again(refused, by=actor_for(housing), mappa_level=0, changed_since="New offences.")


def test_restricted_case_since_then_hides_the_earlier_nomination(officer, merton, refused):
    factories.case(merton, who=refused.offender, status="closed", ended_on=date(2026, 2, 1), restricted=True)

    assert officer.get(f"/referrals/{refused.reference}/again/").status_code == 404
