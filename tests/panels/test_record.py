"""The record of a meeting: one spelling, one fingerprint, and nothing in it that a reader of the minutes may not read."""

import json
from datetime import date, timedelta

import pytest

from iom import clock
from iom.models import Agency
from panels.decide import Choice, Lead, NewAction, decide
from panels.models import AgendaItem, ItemState, Minutes, Outcome, Section
from panels.record import actions_in, canonical, decisions_in, fingerprint, record_of, reference_of
from tests import factories

DAY = date(2026, 3, 12)


@pytest.fixture
def meeting(merton, coordinator, chair, police):
    made = factories.live_meeting(merton, DAY, recorder=coordinator, chair=chair)
    factories.attended(made, chair, police)
    return made


def drafted(meeting):
    return Minutes.objects.get_or_create(meeting=meeting, defaults={"scheme": meeting.scheme})[0]


def test_canonical_form_does_not_depend_on_the_order_of_keys():
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()


@pytest.mark.parametrize(
    "value", [{"a": 1.5}, {"a": [{"b": 0.0}]}, {1: "a"}], ids=["float", "deep float", "number key"]
)
def test_canonical_form_refuses_what_has_no_one_spelling(value):
    with pytest.raises(TypeError):
        canonical(value)


def test_one_changed_character_changes_the_fingerprint():
    assert fingerprint({"a": "x"}) != fingerprint({"a": "y"})


@pytest.mark.django_db
def test_record_survives_the_database_with_the_same_fingerprint(meeting, merton, as_coordinator):
    item = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton))
    decide(item, Choice(Outcome.NO_CHANGE, note="Zażółć “quoted” — £5 \u2028 end"), by=as_coordinator)
    minutes = drafted(meeting)
    record = record_of(minutes)

    Minutes.objects.filter(pk=minutes.pk).update(narrative={"kept": record})

    assert fingerprint(Minutes.objects.get(pk=minutes.pk).narrative["kept"]) == fingerprint(record)


@pytest.mark.django_db
def test_record_holds_plain_values_and_says_what_was_decided(meeting, merton, police, as_coordinator):
    referral = factories.referral(merton, police, status="on_agenda", meeting=meeting)
    factories.meeting(merton, date(2026, 4, 9))
    item = factories.agenda_item(meeting, Section.REFERRALS, referral=referral)
    action = NewAction("Confirm tenancy", police.agency, clock.today() + timedelta(days=3))
    choice = Choice(
        Outcome.ACCEPT, reason="Why", colour="RED", leads={"lead_agency": Lead(police.agency)}, actions=(action,)
    )
    decision = decide(item, choice, by=as_coordinator)

    record = record_of(drafted(meeting))

    assert json.loads(canonical(record)) == record
    assert record["reference"] == "MERTON-2026-03-12"
    assert [row["agency"] for row in record["attendance"] if row["counts"]] == ["Probation", "Police"]
    [entry] = decisions_in(record)
    assert (entry["number"], entry["reference"], entry["person"]) == ("1", referral.reference, referral.offender.name)
    assert entry["decision"]["case"] == decision.case.reference
    assert entry["decision"]["words"] == "Accepted onto the scheme"
    assert entry["decision"]["review"]["meeting"] == "2026-04-09"
    assert [(each["text"], each["agency"], each["number"]) for each in actions_in(record)] == [
        ("Confirm tenancy", "Police", "1")
    ]


@pytest.mark.django_db
def test_record_keeps_the_first_decision_and_why_it_was_corrected(meeting, merton, as_coordinator):
    item = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, colour="AMBER"))
    decide(item, Choice(Outcome.CHANGE_RATING, colour="RED", reason="Slip"), by=as_coordinator)
    decide(item, Choice(Outcome.NO_CHANGE, correction_reason="Wrong person"), by=as_coordinator)

    [entry] = record_of(drafted(meeting))["items"]

    assert entry["decision"]["outcome"] == "no_change"
    assert [(old["words"], old["colour"], old["because"]) for old in entry["corrected"]] == [
        ("Rating changed", "RED", "Wrong person")
    ]


@pytest.mark.django_db
def test_change_of_rating_says_from_which(meeting, merton, as_coordinator):
    item = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, colour="AMBER"))
    decide(item, Choice(Outcome.CHANGE_RATING, colour="RED", reason="Offences"), by=as_coordinator)

    [entry] = record_of(drafted(meeting))["items"]

    assert (entry["decision"]["colour_before"], entry["decision"]["colour"]) == ("AMBER", "RED")


@pytest.mark.django_db
def test_anything_about_a_restricted_case_is_absent(meeting, merton, police, as_coordinator):
    hidden = factories.case(merton, restricted=True, who=factories.offender(merton, family_name="Hiddenname"))
    factories.agenda_item(meeting, Section.REVIEWS, case=hidden)
    old = factories.offender(merton, family_name="Secondhidden")
    factories.case(merton, restricted=True, who=old)
    factories.agenda_item(
        meeting, Section.REFERRALS, referral=factories.referral(merton, police, status="on_agenda", who=old)
    )
    factories.agenda_item(meeting, Section.AOB)

    record = record_of(drafted(meeting))

    assert [item["number"] for item in record["items"]] == ["3"]
    assert b"hidden" not in canonical(record).lower()


@pytest.mark.django_db
def test_what_an_agency_returned_is_not_in_the_record(meeting, merton, police, as_coordinator):
    referral = factories.referral(merton, police, status="on_agenda", meeting=meeting)
    factories.agenda_item(meeting, Section.REFERRALS, referral=referral)
    asked = factories.check_request(meeting, police.agency, referral.offender)
    factories.agency_return(asked, police, summary="SEALEDWORDS", handling="police_probation")

    assert b"SEALEDWORDS" not in canonical(record_of(drafted(meeting)))


@pytest.mark.django_db
def test_parked_items_are_left_out_and_carried_ones_say_where_they_go(meeting, merton):
    factories.meeting(merton, date(2026, 4, 9))
    parked = factories.agenda_item(meeting, Section.ESCALATIONS)
    carried = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton))
    AgendaItem.objects.filter(pk=parked.pk).update(state=ItemState.PARKED)
    AgendaItem.objects.filter(pk=carried.pk).update(state=ItemState.CARRIED)

    record = record_of(drafted(meeting))

    assert [(item["section"], item["goes_to"]) for item in record["items"]] == [("reviews", "2026-04-09")]


@pytest.mark.django_db
def test_record_costs_the_same_number_of_queries_for_one_item_and_for_three(
    meeting, merton, as_coordinator, django_assert_max_num_queries
):
    housing = Agency.objects.get(scheme=merton, slug="housing")
    minutes = drafted(meeting)
    for count in (1, 2):
        for _ in range(count):
            item = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton))
            action = NewAction("Do", housing, clock.today())
            decide(item, Choice(Outcome.NO_CHANGE, actions=(action,)), by=as_coordinator)
        with django_assert_max_num_queries(25):
            record_of(minutes)


@pytest.mark.django_db
def test_reference_names_scheme_and_meeting_only(meeting):
    assert reference_of(meeting) == "MERTON-2026-03-12"
