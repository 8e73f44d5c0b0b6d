"""The pages of meeting the person, driven as people drive them (ux.md 4.3)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from iom import clock
from iom.access import actor_for
from referrals import actions as referrals
from referrals.models import Engagement
from tests import factories

pytestmark = pytest.mark.django_db
WHOLE = {"met": "met", "met_on": "3 3 2026", "where": "prison", "place": "HMP Example", "met_by": "PC Dunn"}
SAID = {"level": "willing", "own_words": "I want my own place.", "expectations_told": "yes", "offer_explained": "yes"}


@pytest.fixture
def referral(merton, housing, coordinator):
    return factories.referral(merton, housing, status="sent")


def start(client, thing, kind="approach"):
    """Press the button; the address of the form."""
    name = "referral" if thing.reference.startswith("IOM-R-") else "case"
    return client.post(reverse(f"{name}_engagement_start", args=[thing.reference]), {"kind": kind}).url


def text(client, address):
    return client.get(address).content.decode()


@pytest.mark.feature(113)
def test_the_team_records_what_the_person_said(referral, housing, coordinator, sign_in):
    pathway = referral.scheme.policy.pathways[0]
    client, page = sign_in(housing), f"/referrals/{referral.reference}/engagement/"
    assert "Nobody has met them yet" in text(client, page)
    form = start(client, referral)
    given = WHOLE | SAID | {f"level_{pathway.slug}": "high", f"words_{pathway.slug}": "Sofa.", "version": "1"}

    assert client.post(form, given).url == page
    seen = text(sign_in(coordinator), page)
    for words in ("HMP Example", "Willing", "I want my own place.", pathway.name, "Sofa.", "Yes, 3 Mar 2026"):
        assert words in seen
    assert "I want my own place." in text(sign_in(coordinator), f"/referrals/{referral.reference}/")
    assert "I want my own place." in text(sign_in(coordinator), f"/referrals/{referral.reference}/triage/")


@pytest.mark.feature(113)
def test_what_was_found_is_in_the_brief(merton, referral, housing, coordinator, sign_in):
    pathway = merton.policy.pathways[1]
    factories.engagement(referral, housing, needs={pathway.slug: {"level": "high", "words": "Wants work."}})
    meeting = factories.meeting(merton, clock.today(), recorder=coordinator.user)
    by = actor_for(coordinator)
    referrals.put_to_panel(referral, meeting=meeting, agencies=[], by=by)
    meeting.status = "live"
    meeting.save()

    brief = text(sign_in(coordinator), f"/meetings/{meeting.key}/live/")
    assert "What they said when the team met them" in brief
    assert "I want my own place." in brief


def test_it_saves_itself_and_loses_nothing_that_was_typed(referral, housing, sign_in):
    client = sign_in(housing)
    form = start(client, referral)
    half = {"met_on": "33 3 2026", "own_words": "I want", "version": "1"}
    answer = client.post(form, half, HTTP_X_AUTOSAVE="1")

    assert (answer.status_code, answer.json()["fields"]) == (200, {"version": 2})
    held = Engagement.objects.get()
    assert (held.own_words, held.met_on, held.typed) == ("I want", None, {"met_on": "33 3 2026"})
    seen = text(client, form)
    assert 'value="33 3 2026"' in seen
    assert "I want" in seen
    stale = client.post(form, half, HTTP_X_AUTOSAVE="1")
    assert stale.status_code == 409
    assert "message" in stale.json()


def test_another_window_is_shown_both_texts(referral, housing, sign_in):
    client = sign_in(housing)
    form = start(client, referral)
    client.post(form, {"own_words": "First words", "version": "1", "later": "1"})
    answer = client.post(form, WHOLE | SAID | {"own_words": "Second words", "version": "1"})

    assert answer.status_code == 409
    assert "First words" in answer.content.decode()
    assert "Second words" in answer.content.decode()


def test_what_is_missing_is_linked_and_what_was_typed_stays(referral, housing, sign_in):
    client = sign_in(housing)
    form = start(client, referral)
    answer = client.post(form, {"met": "met", "own_words": "I want work.", "version": "1"}).content.decode()

    for words in ("Enter the date", "Choose where it was", "Choose how far they take part"):
        assert words in answer
    assert 'name="version" id="id_version" value="2"' in answer
    assert Engagement.objects.get().own_words == "I want work."


def test_a_draft_is_thrown_away(referral, housing, sign_in):
    client = sign_in(housing)
    form = start(client, referral)
    assert client.post(form, {"throw": "1", "version": "1"}).status_code == 302
    assert not Engagement.objects.exists()
    assert client.get(form).status_code == 404


def test_what_is_finished_is_corrected_and_never_half(referral, housing, sign_in):
    held = factories.engagement(referral, housing)
    client, form = sign_in(housing), f"/engagement/{held.pk}/"
    assert "data-autosave=" not in text(client, form)
    assert client.post(form, WHOLE | {"version": "1", "level": ""}).status_code == 200
    held.refresh_from_db()
    assert held.level == "hesitant"
    assert client.post(form, WHOLE | SAID | {"version": "1"}).status_code == 302
    held.refresh_from_db()
    assert held.level == "willing"


def test_an_agency_of_the_team_that_is_asked_reaches_the_page_and_not_the_nomination(merton, referral, police, sign_in):
    client, page = sign_in(police), f"/referrals/{referral.reference}/engagement/"
    assert client.get(page).status_code == 404
    factories.check_request(
        factories.meeting(merton, clock.today()), police.agency, referral.offender, referral=referral
    )

    seen = text(client, page)
    assert "Record a meeting" in seen
    assert "four burglaries" not in seen.lower()
    assert client.get(f"/referrals/{referral.reference}/").status_code == 404
    assert client.get(start(client, referral)).status_code == 200


@pytest.mark.feature(114)
def test_a_prison_passes_on_risk_and_needs_from_reception(merton, coordinator, police, sign_in):
    prison = factories.member(merton, "member", "referrer", agency_kind="prison")
    case = factories.case(merton)
    client = sign_in(prison)
    form = start(client, case, "reception")
    given = WHOLE | SAID | {"risks": "Self-harm watch.", "version": "1", "support": "Polish interpreter"}
    assert client.post(form, given).url == f"/cases/{case.reference}/engagement/"

    office = sign_in(coordinator)
    assert f"Prison reception: risk and needs of {case.reference}" in text(office, "/notifications/")
    seen = text(office, f"/cases/{case.reference}/engagement/")
    for words in ("Prison reception", "Self-harm watch.", "Polish interpreter"):
        assert words in seen
    assert "Record prison reception" not in seen


@pytest.mark.feature(113)
def test_that_somebody_was_told_what_is_expected_is_kept_with_the_day(referral, housing, sign_in):
    client = sign_in(housing)
    form = start(client, referral)
    wrong = client.post(form, WHOLE | SAID | {"expectations_told": "no", "told_on": "3 3 2026", "version": "1"})
    assert "Choose yes, or leave out the day on which they were told" in wrong.content.decode()
    client.post(form, WHOLE | SAID | {"told_on": "4 3 2026", "version": "2"})

    held = Engagement.objects.get()
    assert (held.expectations_told, str(held.told_on)) == (True, "2026-03-04")
