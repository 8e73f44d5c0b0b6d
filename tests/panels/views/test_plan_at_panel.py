"""The plan of a case before the panel: updates, money, the plan agreed, and the review that was held there."""

from datetime import date
from decimal import Decimal

import pytest

from actionplans import funding, reviews
from actionplans.actions import start_plan
from actionplans.models import Action, Plan, Review
from iom.access import actor_for
from panels import minutes
from panels.decide import holding
from panels.models import Section
from panels.record import record_of
from tests import factories
from tests.panels.views.test_deciding import FOUR, Table

pytestmark = pytest.mark.django_db


@pytest.fixture
def table(merton, sign_in, time_machine):
    time_machine.move_to("2026-03-12T10:00:00+00:00")
    return Table(merton, "panel", FOUR, sign_in)


@pytest.fixture
def item(table):
    return table.review()


@pytest.fixture
def asked(item, table):
    return funding.ask(item.case, text="A deposit", amount=Decimal(120), payer="The council", by=table.by)


def one_action(table, **more):
    row = {"text": "Find a room", "agency": table.people[3].agency.slug, "owner": "", "due_on": "20 3 2026"} | more
    return {"actions": "1"} | {f"action-0-{name}": value for name, value in row.items()}


@pytest.mark.feature(134)
@pytest.mark.feature(137)
@pytest.mark.feature(141)
def test_panel_hears_updates_decides_money_agrees_the_plan_and_has_reviewed_the_case(table, item, asked):
    start_plan(item.case, by=table.by)
    reviews.tell_panel(item.case, table.meeting, "Moved out on Friday.", by=actor_for(table.people[3]))
    page = table.page(item)
    assert "Moved out on Friday." in page
    assert "Funding asked: £120.00 for A deposit, from The council" in page

    plain = {"outcome": "no_change", "harm": "none", "reason": "Settled"}
    table.save(item, **plain, **{f"money-{asked.pk}": "yes"}, plan_agreed="on", **one_action(table, kind="support"))

    asked.refresh_from_db()
    assert (asked.status, asked.meeting, asked.decided_on) == ("agreed", table.meeting, date(2026, 3, 12))
    plan = Plan.objects.get(case=item.case)
    assert (plan.status, plan.agreed_on) == ("agreed", date(2026, 3, 12))
    assert [each["text"] for part in plan.versions.get().content for each in part["actions"]] == ["Find a room"]
    assert Action.objects.get().kind == "support"
    held = Review.objects.get(case=item.case)
    assert (held.kind, held.meeting, held.words) == ("first", table.meeting, "Settled")
    shown = table.page(item)
    assert "Funding of £120.00 for A deposit: <strong>agreed</strong>" in shown
    assert "The panel agreed the action plan." in shown

    table.close()
    decision = next(
        each["decision"] for each in record_of(minutes.latest(table.meeting))["items"] if each["number"] == item.number
    )
    assert decision["plan_agreed"] is True
    assert decision["funding"] == [{"amount": "120.00", "text": "A deposit", "payer": "The council", "agreed": True}]
    drafted = table.client.get(f"/meetings/{table.meeting.key}/minutes/").content.decode()
    assert "Funding of £120.00</strong> for A deposit, from The council: agreed." in drafted


def test_correcting_and_undoing_take_plan_money_and_review_back(table, item, asked):
    start_plan(item.case, by=table.by)
    plain = {"outcome": "no_change", "harm": "none"}
    table.save(item, **plain, **{f"money-{asked.pk}": "yes"}, plan_agreed="on")

    table.save(item, **plain, **{f"money-{asked.pk}": "no"}, change="1", correction_reason="Misheard")
    asked.refresh_from_db()
    assert asked.status == "not_agreed"
    assert Plan.objects.get().status == "draft"

    other = table.review("RED")
    start_plan(other.case, by=table.by)
    table.save(other, **plain, plan_agreed="on")
    assert Review.objects.filter(case=other.case).exists()
    table.client.post(f"/meetings/{table.meeting.key}/live/undo/", {"item": other.number})
    assert not Review.objects.filter(case=other.case).exists()
    assert Plan.objects.get(case=other.case).agreed_on is None


def test_without_a_quorum_the_plan_is_agreed_and_the_review_held_once_it_is_ratified(db, sign_in, time_machine):
    time_machine.move_to("2026-03-12T10:00:00+00:00")
    table = Table(factories.scheme("richmond"), "iom", FOUR[:1], sign_in)
    item = table.review()
    start_plan(item.case, by=table.by)
    table.save(item, outcome="no_change", harm="none", plan_agreed="on")
    assert not holding(item).quorate
    assert Plan.objects.get().status == "draft"
    assert not Review.objects.exists()

    table.close()
    people = [factories.member(table.scheme, "member", agency_kind=kind) for kind in FOUR]
    later = table.sit(date(2026, 3, 13), people)
    waiting = factories.agenda_item(later, Section.OUTSIDE, case=item.case, ratifies=holding(item))
    table.save(waiting, outcome="ratify")

    plan = Plan.objects.get()
    assert (plan.status, plan.agreed_at) == ("agreed", later)
    assert Review.objects.get().meeting == later
