"""A case's own audit: who changed what, in words, and who looked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from actionplans import actions as plans
from iom import clock, walls
from iom.access import actor_for
from iom.models import AuditEvent, LogEntry
from offenders import actions, history
from offenders.models import Alias, Case
from tests import factories


@pytest.fixture
def case(merton):
    return factories.case(merton, who=factories.offender(merton, family_name="Quetzal"))


@pytest.fixture
def lead(case, police, as_coordinator):
    actions.assign(
        case, "lead_professional", agency=police.agency, membership=police, on=clock.today(), by=as_coordinator
    )
    return police


def page(client, case, query: str = "") -> str:
    answer = client.get(f"/cases/{case.reference}/audit/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


# --- Who may ---------------------------------------------------------------------------------


def test_the_coordinator_and_whoever_leads_the_case_read_it(case, lead, coordinator, sign_in):
    for person in (coordinator, lead):
        assert "Who changed what" in page(sign_in(person), case)


def test_another_member_is_refused_and_led_to_no_refusal(case, lead, housing, sign_in):
    client = sign_in(housing)

    assert client.get(f"/cases/{case.reference}/audit/").status_code == 403
    assert f"/cases/{case.reference}/audit/" not in client.get(f"/cases/{case.reference}/").content.decode()


def test_whoever_may_is_led_there_from_the_case(case, coordinator, sign_in):
    assert f"/cases/{case.reference}/audit/" in sign_in(coordinator).get(f"/cases/{case.reference}/").content.decode()


def test_an_administrator_of_the_scheme_has_no_case_data(case, merton, sign_in):
    client = sign_in(factories.member(merton, "scheme_admin"))

    assert client.get(f"/cases/{case.reference}/audit/").status_code == 403


# --- What was changed ------------------------------------------------------------------------


def test_a_change_in_the_browser_stands_with_name_old_and_new(case, coordinator, sign_in):
    client = sign_in(coordinator)
    answer = client.post(
        f"/cases/{case.reference}/custody/",
        {
            "kind": "remand",
            "prison": "HMP Wandsworth",
            "starts_on": f"{clock.today():%d/%m/%Y}",
            "version": 0,
        },
    )
    assert answer.status_code == 302
    shown = page(client, case)

    assert "Priya Shah" in shown
    assert "Added: custody period" in shown
    assert "Prison: HMP Wandsworth" in shown
    assert "Kind: On remand" in shown


def test_keys_choices_and_days_are_words(case, lead, as_coordinator, coordinator, sign_in):
    actions.rate(case, "GREEN", on=clock.today(), reason="Kept every appointment.", by=as_coordinator)
    shown = page(sign_in(coordinator), case)

    assert f"Membership: {lead}" in shown
    assert f"Agency: {lead.agency}" in shown
    assert "Colour: Green" in shown
    assert f"Until: {clock.today().day} " in shown
    assert "Reason: Kept every appointment." in shown


def test_plan_actions_and_nomination_belong_to_it(case, merton, police, as_coordinator, coordinator, sign_in):
    plan = plans.start_plan(case, by=as_coordinator)
    plans.set_need(plan, merton.policy.pathways[0].slug, level="high", goal="A room of his own", by=as_coordinator)
    plans.add_action(case=case, text="Call the landlord", agency=police.agency, due_on=clock.today(), by=as_coordinator)
    factories.referral(merton, police, status="accepted", who=case.offender)
    shown = page(sign_in(coordinator), case)

    for words in ("Added: plan", "A room of his own", "Call the landlord", "Added: referral"):
        assert words in shown


def test_what_was_removed_stays_readable(case, merton, coordinator, sign_in):
    Alias.objects.create(scheme=merton, offender=case.offender, name="Plumed Serpent").delete()
    shown = page(sign_in(coordinator), case)

    assert "Removed: alias" in shown
    assert shown.count("Plumed Serpent") == 2


def test_the_history_of_another_person_is_not_here(case, merton, coordinator, sign_in):
    other = factories.case(merton, who=factories.offender(merton, family_name="Elsewhere"))
    other.why = "Another sentence."
    other.save()

    assert "Another sentence." not in page(sign_in(coordinator), case)


def test_what_agencies_answered_stays_out(case, merton, police, coordinator, sign_in):
    meeting = factories.meeting(merton, clock.today() + timedelta(days=9))
    request = factories.check_request(meeting, police.agency, case.offender, case=case)
    factories.agency_return(request, police, summary="Seen in Graveney", handling="police_probation")

    assert "Graveney" not in page(sign_in(coordinator), case)


def test_a_change_in_bulk_is_shown_by_the_names_of_its_fields(case, coordinator, as_coordinator, merton, sign_in):
    with walls.within(merton, by=as_coordinator):
        Case.objects.filter(pk=case.pk).update(why="Nobody wrote this down.", score=41)
    (entry, *_), _ = history.changes(as_coordinator, case)

    assert (entry.who, entry.what, entry.fields) == ("Priya Shah", "Changed: case", "score, why")
    assert "Nobody wrote" not in page(sign_in(coordinator), case)


def test_a_change_in_the_browser_is_not_told_twice(case, coordinator, as_coordinator, sign_in):
    client = sign_in(coordinator)
    client.post(
        f"/cases/{case.reference}/custody/",
        {
            "kind": "remand",
            "prison": "HMP Wandsworth",
            "starts_on": f"{clock.today():%d/%m/%Y}",
            "version": 0,
        },
    )
    entries, _ = history.changes(as_coordinator, case)

    assert not [entry for entry in entries if entry.what == "Changed: case" and entry.fields and entry.changes]
    assert LogEntry.objects.exclude(cid=None).exists()


def test_a_change_by_a_task_is_not_told_twice(case, merton, as_coordinator):
    with walls.within(merton, cause="sweep"):
        case.why = "Another."
        case.save()
    entries, _ = history.changes(as_coordinator, case)

    assert [(entry.fields, len(entry.changes)) for entry in entries if entry.what == "Changed: case"] == [("", 1)]


def test_a_long_history_goes_on_at_older_without_a_gap(case, as_coordinator, merton):
    for number in range(history.A_PAGE + 20):
        case.why = f"Sentence {number}."
        case.save()
    first, older = history.changes(as_coordinator, case)
    rest, none = history.changes(as_coordinator, case, before=older)
    said = [
        change.after for entry in [*first, *rest] for change in entry.changes if change.after.startswith("Sentence")
    ]

    assert said == [f"Sentence {number}." for number in reversed(range(history.A_PAGE + 20))]
    assert none is None


@pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 40, "²"])
def test_a_place_in_the_history_that_is_none_is_no_error(case, coordinator, sign_in, before):
    page(sign_in(coordinator), case, f"?before={before}")


def test_instants_in_addresses_come_back_as_they_were():
    now = clock.now()

    assert history.instant(str(history.number_of(now))) == now


# --- Who looked ------------------------------------------------------------------------------


def test_looks_are_counted_by_person_and_day(case, police, coordinator, as_coordinator, sign_in):
    client = sign_in(police)
    for address in ("", "plan/", "plan/"):
        client.get(f"/cases/{case.reference}/{address}")
    (look,) = history.looks(as_coordinator, case)

    assert (look.who, look.agency, look.times, look.pages) == ("Tom Dunn", police.agency.name, 3, "case, case plan")
    assert look.day == clock.today()
    assert "3 times" in page(sign_in(coordinator), case)


def test_whoever_looked_at_somebody_else_is_not_here(merton, case, police, as_coordinator, sign_in):
    other = factories.case(merton)
    sign_in(police).get(f"/cases/{other.reference}/")

    assert history.looks(as_coordinator, case) == []


def test_reading_the_history_is_a_look_and_is_written_down(case, coordinator, sign_in):
    page(sign_in(coordinator), case)

    assert AuditEvent.objects.filter(verb="read_case_audit", object_ref=case.reference).count() == 1
    assert case.reference in AuditEvent.objects.filter(kind="read").last().subjects


def test_the_number_of_questions_is_the_same_for_a_short_and_a_long_history(
    case, police, lead, as_coordinator, coordinator, sign_in, django_assert_max_num_queries
):
    def asked(count: int) -> int:
        for number in range(count):
            plans.add_action(
                case=case, text=f"Call {number}", agency=police.agency, due_on=date(2026, 12, 1), by=as_coordinator
            )
        client = sign_in(coordinator)
        page(client, case)
        with django_assert_max_num_queries(90) as queries:
            page(client, case)
        return len(queries)

    assert asked(1) == asked(6)


def test_the_actor_of_the_readable_history_is_who_sent_the_form(case, coordinator, sign_in):
    sign_in(coordinator).post(
        f"/cases/{case.reference}/custody/",
        {
            "kind": "remand",
            "prison": "HMP Wandsworth",
            "starts_on": f"{clock.today():%d/%m/%Y}",
            "version": 0,
        },
    )

    entry = LogEntry.objects.get(object_repr="On remand, HMP Wandsworth")
    assert entry.actor == coordinator.user
    assert actor_for(coordinator).user == entry.actor
