"""The pages of transfers and liaison (ux.md 4.5; Merton, Catchment area)."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from iom import outbox, walls
from offenders.models import Offender, Transfer
from referrals.models import Referral
from tests import factories
from tests.referrals.views.test_nomination import text_of

pytestmark = pytest.mark.django_db
BEGIN = {
    "kind": "offends_there",
    "other": "elsewhere",
    "other_name": "Exampleshire IOM",
    "contact": "Alex There, 020 7946 0123",
    "purpose": "Arrested there twice.",
    "facts": ["given_names", "family_name", "date_of_birth", "why"],
}
INCOMING = {
    "kind": "moved_here",
    "given_names": "Toni",
    "family_name": "Elsewhere",
    "date_of_birth": "14 6 1993",
    "other_name": "Exampleshire IOM",
    "contact": "Alex There, 020 7946 0123",
    "purpose": "Moved in with a sister.",
    "told": "Stops when housed.",
}


@pytest.fixture(autouse=True)
def february():
    with time_machine.travel("2026-02-20 10:00+00:00", tick=False):
        yield


@pytest.fixture
def panel(merton, chair):
    return factories.meeting(merton, date(2026, 3, 12), chair=chair)


@pytest.fixture
def office(sign_in, coordinator, panel):
    return sign_in(coordinator)


@pytest.fixture
def case(merton):
    return factories.case(merton, who=factories.offender(merton, family_name="Specimen", given_names="Ray"))


@pytest.mark.feature(118)
def test_liaison_from_the_case_to_its_end(office, case):
    page = text_of(office.get(f"/cases/{case.reference}/transfer/"))
    assert "the two schemes stay in close touch" in page
    assert "Merton, Catchment area" in page

    begun = office.post(f"/cases/{case.reference}/transfer/", BEGIN)

    transfer = Transfer.objects.get()
    assert begun.url == f"/transfers/{transfer.reference}/"
    shown = text_of(office.get(begun.url))
    assert "Waiting for an answer" in shown
    assert "We told Exampleshire IOM, Alex There" in shown
    assert "Three burglaries since October." in shown

    office.post(begun.url, {"do": "accepted", "accepted-version": transfer.version})
    office.post(begun.url, {"do": "told", "told-words": "Seen there on Friday."})
    office.post(begun.url, {"do": "more", "more-facts": ["rating"], "more-purpose": "New offences."})
    in_touch = text_of(office.get(begun.url))
    assert "In touch" in in_touch
    assert "Seen there on Friday." in in_touch
    assert "Exampleshire IOM : lives here and offends in their area, in touch since 20 Feb 2026" in text_of(
        office.get(f"/cases/{case.reference}/")
    )

    transfer.refresh_from_db()
    office.post(begun.url, {"do": "end", "end-notes": "Nothing more.", "end-version": transfer.version})
    assert "Ended 20 Feb 2026. Nothing more." in text_of(office.get(begun.url))


@pytest.mark.feature(117)
def test_somebody_who_moved_here_is_recorded_and_nominated_without_typing_again(office, merton):
    recorded = office.post("/transfers/new/", INCOMING)
    transfer = Transfer.objects.get()
    assert recorded.url == f"/transfers/{transfer.reference}/"
    assert "ELSEWHERE Toni" in text_of(office.get(recorded.url))

    start = office.get(f"/referrals/new/?transfer={transfer.reference}")
    assert 'value="Elsewhere"' in start.content.decode()
    assert "Exampleshire IOM told us of this person" in text_of(start)
    begun = office.post(
        f"/referrals/new/?transfer={transfer.reference}",
        {"mappa": "0", "given_names": "Toni", "family_name": "Elsewhere", "date_of_birth": "14 6 1993"},
    )

    referral = Referral.objects.get()
    assert begun.status_code == 302
    transfer.refresh_from_db()
    assert (transfer.status, transfer.offender) == ("accepted", referral.offender)
    offending = text_of(office.get(f"/referrals/{referral.reference}/offending/"))
    assert "Stops when housed." in offending
    again = office.get(f"/referrals/new/?transfer={transfer.reference}")
    assert again.url == f"/transfers/{transfer.reference}/"


@pytest.mark.feature(117)
def test_person_of_a_scheme_of_this_installation_is_taken_over_with_everything_that_was_shared(
    sign_in, coordinator, merton, case, police, panel
):
    factories.scorable(
        merton, police, who=case.offender, status="accepted", needs={"accommodation": "No fixed address."}
    )
    case.offender.pnc_number = "95/1234A"
    case.offender.save()
    case.offender.aliases.create(scheme=merton, name="Razor")
    richmond = factories.scheme("richmond")
    ours = sign_in(coordinator)
    facts = [*BEGIN["facts"], "pnc_number", "aliases", "needs", "sanctions", "convicted_on", "offence_code"]
    ours.post(f"/cases/{case.reference}/transfer/", BEGIN | {"kind": "moved_away", "other": "richmond", "facts": facts})
    outbox.drain()

    with walls.within(richmond, cause="test"):
        theirs = sign_in(factories.member(richmond, "coordinator"))
        factories.meeting(richmond, date(2026, 3, 12))
        got = Transfer.objects.get(scheme=richmond)
    home = text_of(theirs.get("/"))
    assert f"Answer {merton.name} about transfer {got.reference}" in home
    page = theirs.get(f"/transfers/{got.reference}/")
    assert f'href="/referrals/new/?transfer={got.reference}"' in page.content.decode()
    start = {"mappa": "not_known", "given_names": "Ray", "family_name": "Specimen", "date_of_birth": "4 2 1994"}
    start["criteria"] = richmond.policy.criteria_in_force[0].name
    flags = {f"fact_{name}": "no" for name in ("marac", "dyo")}
    begun = theirs.post(f"/referrals/new/?transfer={got.reference}", start | flags)
    assert begun.status_code == 302, text_of(begun)
    outbox.drain()

    with walls.within(richmond, cause="test"):
        referral = Referral.objects.get(scheme=richmond)
        person = referral.offender
        assert (person.pnc_number, [each.name for each in person.aliases.all()]) == ("95/1234A", ["Razor"])
        assert person.pk != case.offender_id
    facts_page = theirs.get(f"/referrals/{referral.reference}/score-facts/").content.decode()
    assert 'value="32"' in facts_page
    assert "No fixed address." in text_of(theirs.get(f"/referrals/{referral.reference}/needs/"))
    answer = text_of(ours.get(f"/transfers/{Transfer.objects.get(scheme=merton).reference}/"))
    assert "Accepted on 20 Feb 2026" in answer
    assert richmond.name in answer


def test_declined_with_a_reason(office, merton):
    transfer = factories.transfer(merton)
    address = f"/transfers/{transfer.reference}/"

    empty = office.post(address, {"do": "decline", "decline-reason": "", "decline-version": 1})
    assert "Enter why it is declined" in text_of(empty)
    office.post(address, {"do": "decline", "decline-reason": "Never moved in.", "decline-version": 1})

    assert "Never moved in." in text_of(office.get(address))
    over = text_of(office.get("/transfers/?show=over"))
    assert transfer.reference in over
    assert "Declined" in over


def test_accepting_asks_whom_of_ours_is_meant(office, merton, case):
    Offender.objects.filter(pk=case.offender_id).update(family_name="Elsewhere", given_names="Toni")
    Offender.objects.get(pk=case.offender_id).save()
    transfer = factories.transfer(merton, kind="offends_here")
    address = f"/transfers/{transfer.reference}/"
    page = text_of(office.get(address))
    assert "Yes, ELSEWHERE Toni" in page
    assert "same name; date of birth not known" in page

    office.post(address, {"do": "accept", "accept-match": str(case.offender_id), "accept-version": 1})

    transfer.refresh_from_db()
    assert (transfer.status, transfer.offender, transfer.case) == ("accepted", case.offender, case)


def test_somebody_with_a_restricted_case_is_not_among_ours(office, merton):
    who = factories.offender(merton, family_name="Elsewhere", given_names="Toni")
    factories.case(merton, who=who, restricted=True)
    transfer = factories.transfer(merton, kind="offends_here")

    assert "Yes, " not in text_of(office.get(f"/transfers/{transfer.reference}/"))


def test_lists_say_who_waits_for_whom_and_how_long(office, merton, case):
    incoming = factories.transfer(merton, opened_on=date(2026, 2, 10))
    outgoing = factories.transfer(merton, case=case, kind="moved_away")
    liaison = factories.transfer(merton, case=case, kind="offends_there", status="accepted")

    pages = {show: text_of(office.get(f"/transfers/?show={show}")) for show in ("incoming", "outgoing", "liaison")}

    assert [reference in pages["incoming"] for reference in (incoming.reference, outgoing.reference)] == [True, False]
    assert "10 days open" in pages["incoming"]
    assert outgoing.reference in pages["outgoing"]
    assert liaison.reference in pages["liaison"]
    home = text_of(office.get("/"))
    assert "1 to answer , 1 waiting for another scheme , 1 in touch" in home


def test_list_costs_the_same_for_one_and_for_three(office, merton):
    def cost():
        with CaptureQueriesContext(connection) as captured:
            office.get("/transfers/?show=incoming")
        return len(captured)

    factories.transfer(merton)
    cost()
    one = cost()
    for _ in range(2):
        factories.transfer(merton)
    assert cost() == one


def test_referrer_records_and_meets_their_own_alone(sign_in, merton, panel):
    referrer = sign_in(factories.member(merton, "referrer", agency_kind="health"))
    other = factories.transfer(merton, opened_by=None)

    recorded = referrer.post("/transfers/new/", INCOMING)

    assert referrer.get(recorded.url).status_code == 200
    assert referrer.get(f"/transfers/{other.reference}/").status_code == 404
    assert referrer.get("/transfers/").status_code == 403
    begun = referrer.post(
        f"/referrals/new/?transfer={recorded.url.split('/')[-2]}",
        {"mappa": "0", "given_names": "Toni", "family_name": "Elsewhere", "date_of_birth": "14 6 1993"},
    )
    assert begun.status_code == 302
    assert Transfer.objects.get(reference=recorded.url.split("/")[-2]).status == "accepted"


def test_restricted_case_warns_and_offers_nothing_to_whoever_is_not_named(sign_in, merton, coordinator, chair, panel):
    case = factories.case(merton, restricted=True)
    factories.named(case, coordinator)
    client = sign_in(coordinator)

    page = text_of(client.get(f"/cases/{case.reference}/transfer/"))

    assert "This case is restricted. What you share leaves that protection" in page


def test_nothing_is_shared_without_the_name_of_the_scheme(office, case):
    page = office.post(f"/cases/{case.reference}/transfer/", BEGIN | {"other_name": ""})

    assert "Enter the name of the scheme or area" in text_of(page)
    assert not Transfer.objects.exists()


def test_stale_answer_keeps_both_texts(office, merton):
    transfer = factories.transfer(merton)
    Transfer.objects.filter(pk=transfer.pk).update(version=2)

    answer = office.post(
        f"/transfers/{transfer.reference}/",
        {"do": "decline", "decline-reason": "Never moved in.", "decline-version": 1},
    )

    assert answer.status_code == 409
    assert "Never moved in." in answer.content.decode()
