"""The triage page, as the coordinator uses it (ux.md 4.3, journey A)."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine
from django.urls import reverse

from iom import outbox
from iom.models import Agency, Notification
from referrals.models import CheckRequest, Finding, Referral, Score
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        yield


@pytest.fixture
def panel(merton, chair):
    return factories.meeting(merton, date(2026, 3, 12), chair=chair)


@pytest.fixture
def referral(merton, police, panel):
    return factories.scorable(merton, police, meeting=panel)


@pytest.fixture
def client(sign_in, coordinator):
    return sign_in(coordinator)


def address(referral) -> str:
    return reverse("referral_triage", args=[referral.reference])


def ticked(page: str, name: str) -> set[str]:
    """The values of the radios or checkboxes of that name that are chosen."""
    return set(re.findall(rf'name="{name}" type="(?:radio|checkbox)" value="([^"]*)" checked', page))


def post(client, referral, panel, **given):
    core = [str(agency.pk) for agency in Agency.objects.filter(core=True)]
    data = {"version": referral.version, "recommendation": "accept", "meeting": str(panel.pk), "agencies": core}
    return client.post(address(referral), data | given)


@pytest.mark.feature(305)
@pytest.mark.feature(98)
def test_triage_shows_every_clause_with_its_finding_and_source(client, referral):
    page = client.get(address(referral)).content.decode()

    for words in ("OGRS of 75% or more", "Met", "Merton, step 3", "Merton, step 1", "Not met"):
        assert words in page
    assert "79% within 2 years (65% within 1 year)" in page
    assert "Worked out now, 26 Feb 2026" in page
    # Looking changes nothing.
    assert not Finding.objects.exists()
    assert not Score.objects.exists()


def test_triage_ticks_every_core_agency_and_the_panel_of_the_referral(client, referral, panel):
    page = client.get(address(referral)).content.decode()

    assert ticked(page, "meeting") == {str(panel.pk)}
    assert ticked(page, "agencies") == {str(agency.pk) for agency in Agency.objects.filter(core=True)}


@pytest.mark.feature(98)
@pytest.mark.feature(100)
def test_the_score_is_worked_out_by_a_button(client, referral):
    answer = client.post(address(referral), {"do": "score"}, follow=True)

    page = answer.content.decode()
    assert "79% within 2 years (65% within 1 year)" in page
    assert "Scored on 24 Feb 2026" in page or "Scored on 26 Feb 2026" in page
    assert "Meets the 75% rule: qualifies." in page


@pytest.mark.feature(66)
@pytest.mark.feature(112)
def test_one_post_scores_assesses_puts_to_the_panel_and_asks(client, referral, panel, housing):
    answer = post(client, referral, panel)

    assert answer.status_code == 302
    referral.refresh_from_db()
    assert (referral.status, referral.recommendation) == ("on_agenda", "accept")
    assert Score.objects.get().pct_2yr == 79
    assert Finding.objects.get().outcome == "eligible"
    asked = CheckRequest.objects.filter(referral=referral)
    assert asked.count() == Agency.objects.filter(core=True).count()
    told = Notification.objects.get(kind="checks_asked", recipient=housing.user)
    assert told.text == "Checks due Mon 9 March: 1 name"


def test_the_same_post_twice_does_it_once(client, referral, panel):
    post(client, referral, panel)

    second = post(client, referral, panel)

    assert second.status_code in (200, 409)
    assert CheckRequest.objects.count() == Agency.objects.filter(core=True).count()


def test_a_nomination_that_cannot_be_scored_still_goes_to_the_panel(client, merton, police, panel):
    referral = factories.referral(merton, police, status="sent")

    post(client, referral, panel)

    referral.refresh_from_db()
    assert referral.status == "on_agenda"
    assert Finding.objects.get().outcome == "not_known"
    assert not Score.objects.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"recommendation": ""}, "Choose what you recommend", id="no recommendation"),
        pytest.param({"recommendation": "return"}, "Enter a message to the referrer", id="return without a message"),
        pytest.param({"recommendation": "not_eligible"}, "Enter why it is not eligible", id="no reason"),
        pytest.param({"recommendation": "elsewhere"}, "Enter where to refer this person", id="no place"),
        pytest.param({"meeting": ""}, "Choose the panel", id="no panel"),
    ],
)
def test_what_is_missing_is_said_and_nothing_happens(client, referral, panel, given, words):
    answer = post(client, referral, panel, **given)

    page = answer.content.decode()
    assert words in page
    assert "There is a problem" in page
    assert "<title>Error: " in page
    referral.refresh_from_db()
    assert referral.status == "sent"
    assert not CheckRequest.objects.exists()


def test_return_gives_the_message_to_the_referrer_and_asks_nobody(client, referral, panel, police):
    post(client, referral, panel, recommendation="return", message="Which burglaries? Give the dates.")

    referral.refresh_from_db()
    assert (referral.status, referral.message_to_referrer) == ("returned", "Which burglaries? Give the dates.")
    assert not CheckRequest.objects.exists()
    assert Notification.objects.get(kind="referral_returned").recipient == police.user


@pytest.mark.parametrize(
    ("recommendation", "field"),
    [pytest.param("not_eligible", "not_eligible_because"), pytest.param("elsewhere", "elsewhere_because")],
)
def test_triage_recommends_and_the_panel_decides(client, referral, panel, recommendation, field):
    post(client, referral, panel, recommendation=recommendation, **{field: "Better met by the youth service."})

    referral.refresh_from_db()
    assert referral.status == "on_agenda"
    assert (referral.recommendation, referral.recommended_because) == (
        recommendation,
        "Better met by the youth service.",
    )


@pytest.mark.feature(96)
def test_a_known_exclusion_stops_it_with_words_until_a_reason_is_given(client, merton, police, panel):
    referral = factories.scorable(merton, police, mappa_level=2)

    refused = post(client, referral, panel)

    page = refused.content.decode()
    assert "Excluded by the scheme&#39;s rules." in page
    assert "IOM cannot take someone managed at MAPPA Level 2 or 3. Speak to your MAPPA coordinator." in page
    assert "Enter a reason for going against the scheme rule" in page
    referral.refresh_from_db()
    assert referral.status == "sent"

    post(client, referral, panel, reopened_because="Level 2 ends on 3 March.")
    referral.refresh_from_db()
    assert (referral.status, referral.reopened_because) == ("on_agenda", "Level 2 ends on 3 March.")
    assert Finding.objects.first().outcome == "excluded"


def test_a_stale_page_changes_nothing(client, referral, panel):
    Referral.objects.filter(pk=referral.pk).update(version=2)

    answer = post(client, referral, panel)

    assert answer.status_code == 409
    referral.refresh_from_db()
    assert referral.status == "sent"


@pytest.mark.feature(122)
def test_people_alike_are_shown_with_where_they_stand(client, merton, referral):
    alike = factories.offender(merton, family_name=referral.offender.family_name)
    case = factories.case(merton, who=alike)

    page = client.get(address(referral)).content.decode()

    assert f'href="/cases/{case.reference}/"' in page
    assert f"{alike.name}. Almost certainly the same person: same date of birth, same name" in page


@pytest.mark.feature(122)
def test_somebody_found_by_an_alias_is_shown_with_why(client, merton, referral):
    alike = factories.offender(merton, family_name="Testcase", given_names="Kim", date_of_birth=None)
    alike.aliases.create(scheme=merton, name="Samm Lonesome")
    case = factories.case(merton, who=alike)
    referral.offender.aliases.create(scheme=merton, name="Sam Lonesome")

    page = client.get(address(referral)).content.decode()

    assert f'href="/cases/{case.reference}/"' in page
    assert "Perhaps the same person: similar name (alias); date of birth not known" in page


def test_someone_with_a_restricted_case_is_not_named(client, merton, referral):
    alike = factories.offender(merton, family_name=referral.offender.family_name, given_names="Kit")
    factories.case(merton, who=alike, restricted=True)

    assert "Kit" not in client.get(address(referral)).content.decode()


def test_an_agency_without_accounts_is_pointed_out(client, referral, housing):
    page = client.get(address(referral)).content.decode()

    # Housing and the agencies of the coordinator, the chair and the referrer have somebody.
    silent = page.count("No account yet: ask them yourself.")
    assert silent == Agency.objects.count() - 4


def test_a_panel_whose_referrals_have_closed_is_offered_with_a_warning(client, merton, police, chair):
    late = factories.meeting(merton, date(2026, 3, 5), chair=chair)
    referral = factories.scorable(merton, police, meeting=late)

    page = client.get(address(referral)).content.decode()

    assert "Late: referrals closed on Mon 23 February. Checks may be incomplete." in page


def test_without_a_panel_it_can_only_be_returned(client, merton, police):
    referral = factories.scorable(merton, police)

    answer = client.post(address(referral), {"version": referral.version, "recommendation": "accept", "agencies": []})

    assert "Plan a panel first: none is coming" in answer.content.decode()


def test_a_decided_referral_has_no_form(client, merton, police, panel):
    referral = factories.scorable(merton, police, status="accepted", meeting=panel)

    page = client.get(address(referral)).content.decode()

    assert "There is nothing to triage." in page
    assert "Put to panel and ask for checks" not in page


@pytest.mark.parametrize(
    ("who", "status"),
    [
        pytest.param("police", 403, id="the referrer"),
        pytest.param("chair", 403, id="chair"),
        pytest.param("housing", 403, id="another agency"),
    ],
)
def test_triage_is_the_coordinators(request, sign_in, referral, who, status):
    client = sign_in(request.getfixturevalue(who))

    assert client.get(address(referral)).status_code == status
    assert client.post(address(referral), {"do": "score"}).status_code == status


def test_triage_of_a_draft_or_of_another_scheme_is_the_same_404(client, merton, police):
    elsewhere = factories.scheme("merton", slug="elsewhere")
    draft = factories.scorable(merton, police, status="draft")
    theirs = factories.scorable(elsewhere, factories.member(elsewhere, "referrer", agency_kind="police"))

    for referral in (draft, theirs):
        assert client.get(address(referral)).status_code == 404


@pytest.mark.parametrize("others", [1, 3])
def test_triage_takes_a_constant_number_of_queries(client, merton, referral, others, django_assert_max_num_queries):
    for _ in range(others):
        factories.case(merton, who=factories.offender(merton, family_name=referral.offender.family_name))
    with django_assert_max_num_queries(45 + factories.AROUND):
        client.get(address(referral))


def test_the_emails_name_nobody(client, referral, panel, housing, mailoutbox):
    post(client, referral, panel)
    outbox.drain()

    sent = next(mail for mail in mailoutbox if mail.subject.startswith("Checks due"))
    assert sent.subject == "Checks due Mon 9 March: 1 name"
    assert "by 5pm on Monday 9 March" in sent.body
    assert "/research/2026-03-12/?in=merton" in sent.body
    assert not [mail for mail in mailoutbox if referral.offender.family_name in mail.subject + mail.body]
