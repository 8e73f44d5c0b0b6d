"""The pages of the safeguarding ledger, driven as people drive them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iom import clock
from iom.jinja import day
from offenders import safeguarding
from offenders.models import Check, MashReferral
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(merton, police, housing):
    return factories.case(merton)


def page(client, address):
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.feature(164)
@pytest.mark.feature(315)
def test_ledger_goes_from_not_done_to_assured_to_stale(
    case, police, housing, sign_in, merton, django_assert_max_num_queries
):
    theirs, others = sign_in(police), sign_in(housing)
    ledger, marac = f"/cases/{case.reference}/safeguarding/", f"/cases/{case.reference}/safeguarding/marac/"
    assert 'MARAC: <strong class="iom-not-checked">not checked</strong>' in page(others, f"/cases/{case.reference}/")

    wrong = theirs.post(marac, {"outcome": "level_2", "checked_on": "31 2 2026", "checked_by": ""})
    assert wrong.status_code == 200
    for words in ("Choose what came of it from the list", "must be a real date", "Enter who made the check"):
        assert words in wrong.content.decode()
    given = {
        "outcome": "managed",
        "checked_on": day(clock.today()),
        "checked_by": "DC Hall",
        "ask": "DC Hall, 020 7946 0101",
    }
    answer = theirs.post(marac, given, follow=True).content.decode()
    check = Check.objects.get()
    assert f"It holds until {day(check.expires_on)}" in answer

    seen = page(others, ledger)
    assert "The MARAC plans for the safety of a victim" in seen
    assert "Not taken onto the scheme: managed under MAPPA" in seen
    assert f"Assured by {police.agency.name} on {day(clock.today())}, until {day(check.expires_on)}" in seen
    assert "DC Hall, 020 7946 0101" in seen
    assert f"<strong>MARAC</strong> (checked {day(clock.today())}, DC Hall, {police.agency.name})" in seen
    Check.objects.filter(pk=check.pk).update(checked_on=clock.today() - timedelta(days=200), expires_on=clock.today())
    seen = page(others, ledger)
    assert f"Stale</strong> since {day(clock.today())}: last checked by {police.agency.name}" in seen
    assert '<strong>MARAC</strong>: <strong class="iom-not-checked">check is stale</strong>' in seen
    # A mistake is struck out by whoever made it, and stays in the history.
    assert "Entered by mistake" not in page(others, marac)
    assert theirs.post(f"{ledger}strike/{check.pk}/").status_code == 302
    assert "Struck out" in page(others, marac)
    assert "Not done" in page(others, marac)
    assert others.get(f"{ledger}no-such-check/").status_code == 404


@pytest.mark.feature(164)
def test_coordinator_asks_records_for_others_and_sees_all_cases(case, coordinator, housing, police, sign_in, merton):
    client = sign_in(coordinator)
    adult = f"/cases/{case.reference}/safeguarding/adult/"
    asked = {"agency": housing.agency.slug, "due_on": day(clock.today() + timedelta(days=5))}
    assert "has been asked" in client.post(f"{adult}ask/", asked, follow=True).content.decode()
    refused = client.post(f"{adult}ask/", asked)
    assert refused.status_code == 200
    assert "has been asked for this check already" in refused.content.decode()
    due = day(clock.today() + timedelta(days=5))
    assert f"Asked of {housing.agency.name}, due {due}" in page(
        sign_in(police), f"/cases/{case.reference}/safeguarding/"
    )

    given = {"outcome": "no_concern", "checked_on": day(clock.today()), "checked_by": "A duty worker", "ask": ""}
    not_known = client.post(adult, given | {"agency": housing.agency.slug, "how": "own"})
    assert "Choose how you know of the other agency&#39;s check" in not_known.content.decode()
    assert client.post(adult, given | {"agency": housing.agency.slug, "how": "phone"}).status_code == 302
    assert "Told by telephone, recorded by" in page(client, adult)
    assert "Asked of" not in page(client, adult)

    fine = factories.case(merton)
    for kind in merton.policy.safeguarding.needed:
        safeguarding.record_check(
            fine,
            kind,
            outcome="no_concern",
            on=clock.today(),
            by=factories.actor(merton, "member", agency_kind="police"),
        )
    listed = page(client, "/safeguarding/")
    assert case.reference in listed
    assert fine.reference not in listed
    assert "MAPPA, MARAC, Child safeguarding" in listed
    assert sign_in(police).get("/safeguarding/").status_code == 403


@pytest.mark.feature(158)
def test_concern_for_a_child_is_referred_and_answered_without_content(case, police, housing, coordinator, sign_in):
    client = sign_in(police)
    ledger = f"/cases/{case.reference}/safeguarding/"
    assert "Merton, Reporting" in page(client, f"{ledger}child/")
    given = {"referred_on": day(clock.today()), "referred_by": "PC Dunn", "reference_there": "M-2210"}
    assert client.post(f"{ledger}child/", given).status_code == 302

    seen = page(sign_in(housing), ledger)
    assert "No answer yet" in seen
    assert "M-2210" in seen
    assert "Child safeguarding</strong> (checked" in seen
    assert "Record the answer" not in seen
    referral = MashReferral.objects.get()
    answer = {
        "answer": "taken_on",
        "answered_on": day(clock.today()),
        "reference_there": "",
        "version": referral.version,
    }
    assert sign_in(housing).post(f"{ledger}child/{referral.pk}/", answer).status_code == 403
    assert client.post(f"{ledger}child/{referral.pk}/", answer).status_code == 302
    assert f"Taken on, {day(clock.today())}" in page(client, ledger)
    assert client.post(f"{ledger}child/{referral.pk}/", answer).status_code == 409
