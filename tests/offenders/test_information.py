"""The information page: returns, police systems and intelligence by agency, as each one's handling allows (Z6, Z12)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from iom import clock
from iom.models import AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(merton, police):
    return factories.case(merton)


def told(case, by, on, **fields) -> None:
    """An agency asked about the person for a panel, and its answer."""
    meeting = factories.meeting(case.scheme, on)
    asked = factories.check_request(meeting, by.agency, who=case.offender, why="review", case=case)
    factories.agency_return(asked, by, **fields)


def shown(client, case) -> str:
    answer = client.get(f"/cases/{case.reference}/information/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.feature(309)
def test_each_agency_stands_with_what_it_said_who_reads_it_and_whether_it_was_late(
    case, police, housing, coordinator, chair, sign_in
):
    today = clock.today()
    told(case, housing, today - timedelta(days=40), summary="Rent is paid.", late=True)
    told(case, police, today - timedelta(days=9), summary="Zyzzyva sells tools.", handling="police_probation")
    readers = [housing.agency.slug]
    told(case, chair, today - timedelta(days=4), summary="Quokka moved in.", handling="agencies", readers=readers)
    factories.entry(case, police, kind="intelligence", text="Seen with a van.", source="Patrol")
    factories.entry(case, police, kind="intelligence", text="Wombat hides.", handling="police_probation")
    factories.entry(case, police, kind="note", text="No intelligence.")

    page = sign_in(coordinator)
    said = shown(page, case)
    assert "Rent is paid." in said and ">Late<" in said and "Everyone on the panel" in said
    assert "Seen with a van." in said and "Source: Patrol." in said and "No intelligence." not in said
    for marked in ("Zyzzyva", "Quokka", "Wombat", "Only"):
        assert marked not in said
    assert not AuditEvent.objects.filter(verb="read_marked").exists()
    # Not even with the signature: handling is not the office's to lift. For the named agencies it takes the signature.
    factories.signed(coordinator)
    assert "Zyzzyva" not in shown(page, case)
    probation = sign_in(chair)
    assert "Zyzzyva" not in shown(probation, case)
    factories.signed(chair)
    said = shown(probation, case)
    assert "Zyzzyva" in said and "Wombat" in said and "Only police and probation" in said and "Quokka" in said
    opened = AuditEvent.objects.filter(verb="read_marked").latest("sequence")
    assert case.reference in opened.subjects or f"P{case.offender_id}" in opened.subjects
    assert "Zyzzyva" not in str(opened.body)


def test_own_agency_is_led_to_correct_what_it_said_and_nobody_else(case, police, coordinator, sign_in):
    entry = factories.entry(case, police, kind="intelligence", text="Seen with a van.")
    link = f"/cases/{case.reference}/timeline/{entry.pk}/correct/"

    assert link in shown(sign_in(police), case)
    assert link not in shown(sign_in(coordinator), case)
    sign_in(police).post(link, {"what": "withdraw", "reason": "Somebody else"})
    said = shown(sign_in(coordinator), case)
    assert "Intelligence: withdrawn" in said and "Somebody else" in said and "van" not in said
    assert "Seen with a van." in shown(sign_in(police), case)


def test_empty_page_says_so_and_long_one_asks_the_same_questions(case, merton, police, housing, sign_in):
    page = sign_in(police)
    assert "No agency has said anything" in shown(page, case)
    told(case, housing, clock.today() - timedelta(days=1))
    factories.entry(case, police, kind="intelligence")
    factories.research_check(factories.meeting(merton, clock.today()), case.offender, police)
    shown(page, case)
    with CaptureQueriesContext(connection) as few:
        shown(page, case)
    for number in range(2, 8):
        told(case, housing, clock.today() - timedelta(days=number))
        factories.entry(case, police, kind="intelligence")
    with CaptureQueriesContext(connection) as many:
        shown(page, case)

    assert len(many) == len(few)
