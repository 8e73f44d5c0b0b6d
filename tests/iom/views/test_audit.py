"""The audit's page: who did or saw what, found by filters, and never more than the reader may know."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from iom import audit, clock, trail, walls
from iom.access import actor_for
from iom.models import AuditEvent
from offenders import actions, restricted
from tests import factories


@pytest.fixture
def admin(merton):
    return factories.member(merton, "scheme_admin", name="Ada Minister")


@pytest.fixture
def case(merton):
    return factories.case(merton, who=factories.offender(merton, family_name="Quetzal", given_names="Xan"))


@pytest.fixture
def leaving(case, coordinator, as_coordinator):
    actions.start_leaving(case, on=clock.today(), reason="He moved to Leeds.", by=as_coordinator)
    return case


def page(client, query: str = "") -> str:
    answer = client.get(f"/audit/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def body(page: str) -> str:
    """The table alone: the filters name every verb and person."""
    return page.partition("<tbody")[2].partition("</tbody")[0]


@pytest.mark.parametrize("role", ["coordinator", "scheme_admin"])
def test_coordinator_and_scheme_admin_read_who_did_what_when_and_about_whom(merton, leaving, sign_in, role):
    shown = body(page(sign_in(factories.member(merton, role)), "?kind=verb"))

    assert "Priya Shah" in shown
    assert leaving.reference in shown
    assert "with a reason" in shown
    assert "He moved" not in shown
    assert "QUETZAL" not in shown.upper()


def test_a_case_that_the_reader_may_open_is_linked(leaving, coordinator, admin, sign_in):
    link = f'href="/cases/{leaving.reference}/"'

    assert link in page(sign_in(coordinator), "?kind=verb")
    assert link not in page(sign_in(admin), "?kind=verb")


def test_a_restricted_case_is_a_reference_to_the_coordinator_and_withheld_from_the_administrator(
    leaving, coordinator, as_coordinator, police, admin, sign_in
):
    restricted.restrict(
        leaving, reason="Threats.", people=[police], until=clock.today() + timedelta(days=30), by=as_coordinator
    )
    to_coordinator, to_admin = page(sign_in(coordinator)), page(sign_in(admin))

    assert leaving.reference in to_coordinator
    assert f'href="/cases/{leaving.reference}/"' not in to_coordinator
    assert leaving.reference not in to_admin
    assert "Withheld" in to_admin


def test_asking_for_a_reference_that_is_withheld_finds_as_little_as_for_one_that_never_was(
    leaving, as_coordinator, police, admin, sign_in
):
    restricted.restrict(
        leaving, reason="Threats.", people=[police], until=clock.today() + timedelta(days=30), by=as_coordinator
    )
    client = sign_in(admin)

    for reference in (leaving.reference, "IOM-9999"):
        assert "No events match." in page(client, f"?reference={reference}")


def test_reading_the_audit_is_written_down_with_what_was_asked(merton, admin, sign_in):
    page(sign_in(admin), "?kind=denied")

    event = AuditEvent.objects.filter(verb="read_audit").last()
    assert (event.actor, event.context["kind"]) == (f"user:{admin.user_id}", "denied")


def test_reading_an_audit_that_shows_somebody_is_a_read_of_them(leaving, admin, sign_in):
    page(sign_in(admin), f"?reference={leaving.reference}")

    assert leaving.reference in AuditEvent.objects.filter(kind="read").last().subjects


# --- Filters ---------------------------------------------------------------------------------


def test_a_reference_finds_whatever_names_the_person_by_number_or_reference(merton, leaving, coordinator, sign_in):
    client = sign_in(coordinator)
    client.get(f"/cases/{leaving.reference}/")
    client.get(f"/cases/{leaving.reference}/nowhere/")
    factories.case(merton)
    shown = body(page(client, f"?reference={leaving.reference.lower()}"))

    assert "Added: person" in shown
    assert "Added: case" in shown
    assert "Added: rating" in shown
    assert "Looked at a page" in shown
    assert shown.count("Added: case") == 1


def test_filters_narrow_by_kind_verb_and_person(leaving, coordinator, admin, sign_in):
    client = sign_in(coordinator)
    client.get("/settings/users/")

    assert "Added" not in body(page(client, "?kind=denied"))
    assert "Was refused" in body(page(client, "?kind=denied"))
    assert "Looked at a page" not in body(page(client, "?verb=denied"))
    assert "No events match." in page(client, f"?person={admin.user_id}")
    assert "Priya Shah" in body(page(client, f"?person={coordinator.user_id}"))


def test_days_are_those_of_london_and_both_are_included(merton, leaving, admin, sign_in):
    client = sign_in(admin)
    today = clock.today()

    assert body(page(client, f"?since={today:%d/%m/%Y}&until={today:%d/%m/%Y}"))
    assert "No events match." in page(client, f"?since={today + timedelta(days=1):%d/%m/%Y}")
    assert "No events match." in page(client, f"?until={today - timedelta(days=1):%d/%m/%Y}")


@pytest.mark.parametrize("query", ["?kind=x", "?verb=x", "?person=x", "?person=999999", "?since=yesterdy"])
def test_a_filter_that_makes_no_sense_is_said_and_narrows_nothing(leaving, admin, sign_in, query):
    shown = page(sign_in(admin), query)

    assert "There is a problem" in shown
    assert body(shown)


@pytest.mark.parametrize("before", ["", "x", "-1", "0", "²", "9" * 30])
def test_a_place_in_the_list_that_is_none_is_no_error(leaving, admin, sign_in, before):
    page(sign_in(admin), f"?before={before}")


# --- Pages -----------------------------------------------------------------------------------


def test_fifty_stand_on_a_page_and_older_leads_on_without_doubles(merton, admin, sign_in):
    for _ in range(40):
        factories.case(merton)
    client = sign_in(admin)
    numbers = []
    query = "?kind=rows"
    for _ in range(2):
        shown = page(client, query)
        found = [int(number) for number in re.findall(r"number (\d+)</span>", shown)]
        numbers += found
        assert len(found) == 50
        assert f"before={found[-1]}" in shown
        query = f"?kind=rows&before={found[-1]}"

    assert numbers == sorted(set(numbers), reverse=True)


def test_the_number_of_questions_is_the_same_for_few_and_many(
    merton, coordinator, sign_in, django_assert_max_num_queries
):
    def asked(count: int) -> int:
        for _ in range(count):
            case = factories.case(merton)
            factories.referral(merton, coordinator, who=case.offender)
        client = sign_in(coordinator)
        client.get("/audit/")
        with django_assert_max_num_queries(60) as queries:
            page(client)
        return len(queries)

    assert asked(1) == asked(8)


def test_what_another_scheme_did_is_not_here(merton, admin, sign_in):
    london = factories.scheme("london")
    with walls.within(london, cause="test"):
        case = factories.case(london)
        audit.record("rate", case, by=factories.actor(london, "coordinator"), subjects=[case.reference])

    assert case.reference not in page(sign_in(admin))


# --- Words -----------------------------------------------------------------------------------


def test_verbs_are_said_in_words_and_unknown_ones_by_their_name():
    assert trail.in_words("break_glass") == "Opened a restricted case in an emergency"
    assert trail.in_words("start_plan") == "Start plan"


def test_a_change_names_its_fields_and_no_values(merton, case, coordinator):
    case.why = "Another sentence that must not stand here."
    case.save()
    event = AuditEvent.objects.filter(kind="rows", object_type="offenders_case").last()
    (line,) = trail.lines([event], actor_for(coordinator))

    assert (line.what, line.detail) == ("Changed: case", "why")
    assert line.whom[0].references == (case.reference,)


def test_somebody_without_a_reference_is_said_to_be_so(merton, coordinator):
    factories.offender(merton)
    event = AuditEvent.objects.filter(object_type="offenders_offender").last()
    (line,) = trail.lines([event], actor_for(coordinator))

    assert [person.words for person in line.whom] == ["Somebody without a reference"]


def test_a_task_is_named_by_what_it_is(merton, coordinator):
    with walls.within(merton, cause="sweep_reminders"):
        factories.Offender.objects.create(scheme=merton, family_name="Example", given_names="Sam")
    event = AuditEvent.objects.filter(caused_by="sweep_reminders").last()
    (line,) = trail.lines([event], actor_for(coordinator))

    assert line.who == "By itself: sweep reminders"
