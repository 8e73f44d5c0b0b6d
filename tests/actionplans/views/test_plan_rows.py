"""The rows of the action plan editor: change, move, remove, offers and their answers, money, balance, history."""

import re
from datetime import date

import pytest

from actionplans import offers
from actionplans.actions import add_action, agree_plan, change_action, set_need, start_plan
from actionplans.models import Action, Funding, Offer
from iom.access import actor_for
from offenders.actions import assign
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")


@pytest.fixture
def case(merton, as_coordinator, police):
    case = factories.case(merton)
    held = {"agency": police.agency, "membership": police, "on": date(2026, 2, 1), "by": as_coordinator}
    assign(case, "lead_professional", **held)
    return case


@pytest.fixture
def lead(sign_in, police):
    return sign_in(police)


@pytest.fixture
def address(case):
    return f"/cases/{case.reference}/plan/"


@pytest.fixture
def add(case, housing, as_coordinator):
    def add(text="Ring the landlord", **more):
        given = {"agency": housing.agency, "due_on": date(2026, 3, 13), "pathway": "accommodation"} | more
        return add_action(case=case, text=text, by=as_coordinator, **given)

    return add


def text(response):
    return " ".join(response.content.decode().split())


def edit(action, **changed):
    given = {
        "text": action.text,
        "who": f"agency:{action.agency_id}",
        "when": "other",
        "due": "13 Mar 2026",
        "kind": "",
        "cost": "",
        "funder": "",
        "pathway": action.pathway,
        "version": action.version,
    }
    return {f"edit-{action.pk}-{name}": value for name, value in (given | changed).items()}


@pytest.mark.feature(134)
@pytest.mark.feature(314)
def test_row_is_changed_in_place_and_weighs_in_the_balance(lead, address, add, merton):
    factories.meeting(merton, date(2026, 3, 12))
    action = add()
    opened = text(lead.get(f"{address}?edit={action.pk}"))
    assert "2 weeks, 19 March" in opened
    assert "Next panel, 12 March" in opened
    assert "3 months, 5 June" in opened

    answer = lead.post(
        f"{address}actions/{action.pk}/",
        edit(action, when="2w", kind="support", cost="£80.50", funder="Council"),
    )

    assert answer.url == f"{address}#action-{action.pk}"
    action.refresh_from_db()
    assert (action.due_on, action.kind, str(action.cost), action.funder) == (
        date(2026, 3, 19),
        "support",
        "80.50",
        "Council",
    )
    page = text(lead.get(address))
    assert "Open actions: 1 for support. Red: nothing for enforcement or protection." in page
    assert "£80.50 from Council" in page


def test_refused_change_stays_as_typed_and_two_people_see_both_texts(lead, address, add, as_coordinator):
    action = add()

    refused = text(lead.post(f"{address}actions/{action.pk}/", edit(action, text="Visit", due="soon", cost="much")))
    assert 'value="Visit"' in refused
    assert "“soon” is not a date. By which day?" in refused
    assert "Cost in pounds must be an amount in pounds" in refused

    change_action(action, text="Write to the landlord", by=as_coordinator)
    both = lead.post(f"{address}actions/{action.pk}/", edit(action, text="Visit the landlord"))
    assert both.status_code == 409
    assert "Write to the landlord" in text(both)
    assert "Visit the landlord" in text(both)


def test_action_is_moved_removed_and_brought_back(lead, address, add):
    first, second = add("First"), add("Second")

    lead.post(f"{address}actions/{second.pk}/move/", {"move": "up"})
    page = text(lead.get(address))
    assert page.index(f'id="action-{second.pk}"') < page.index(f'id="action-{first.pk}"')

    gone = lead.post(f"{address}actions/{first.pk}/remove/", {"version": first.version})
    after = text(lead.get(gone.url))
    assert "Removed: First" in after
    assert f'action="{address}actions/{first.pk}/bring-back/"' in after
    assert not Action.objects.filter(pk=first.pk).exists()
    assert lead.get(f"/actions/{first.pk}/").status_code == 404

    lead.post(f"{address}actions/{first.pk}/bring-back/")
    assert Action.objects.get(pk=first.pk).text == "First"


def test_action_that_a_meeting_agreed_is_ended_and_not_removed(lead, address, add, merton):
    action = add(meeting=factories.meeting(merton, date(2026, 2, 12)))

    refused = lead.post(f"{address}actions/{action.pk}/remove/", {"version": action.version}, follow=True)

    assert "A meeting agreed this action, so it stays" in text(refused)
    assert Action.objects.filter(pk=action.pk).exists()


@pytest.mark.feature(136)
def test_offer_and_its_answer_stand_on_the_pathway(lead, address, case, housing, sign_in):
    posted = {"text": "Relapse prevention", "agency": housing.agency.slug, "on": "2 3 2026"}
    lead.post(f"{address}drugs_alcohol/offers/", {f"offer-drugs_alcohol-{k}": v for k, v in posted.items()})
    made = Offer.objects.get(case=case)
    assert (made.answer, made.offered_on, made.pathway) == ("waiting", date(2026, 3, 2), "drugs_alcohol")

    # Whoever acts for the agency that offered it says how the person answered.
    answer = {"answer": "did_not_attend", "on": "4 3 2026", "words": "Overslept", "version": made.version}
    sign_in(housing).post(
        f"{address}offers/{made.pk}/", {f"answer-{made.pk}-{name}": value for name, value in answer.items()}
    )

    page = text(lead.get(address))
    assert "Offers: 1 did not attend" in page
    assert "Overslept" in page
    early = answer | {"on": "1 3 2026", "version": made.version + 1}
    refused = lead.post(f"{address}offers/{made.pk}/", {f"answer-{made.pk}-{k}": v for k, v in early.items()})
    assert "The answer cannot come before the offer" in text(refused)


def test_other_agency_makes_no_offer_in_anothers_name(sign_in, merton, address, case, housing, as_coordinator):
    made = offers.offer(case, pathway="drugs_alcohol", text="A place", agency=housing.agency, by=as_coordinator)
    health = sign_in(factories.member(merton, "member", agency_kind="health"))

    answer = {"answer": "refused", "on": "5 3 2026", "words": "", "version": 1}
    refused = health.post(f"{address}offers/{made.pk}/", {f"answer-{made.pk}-{k}": v for k, v in answer.items()})

    assert refused.status_code == 403


@pytest.mark.feature(137)
def test_money_waits_for_the_panel_where_it_allocates(lead, sign_in, coordinator, address, case):
    ask = {"amount": "£120", "text": "A deposit", "payer": "Resettlement fund", "pathway": "accommodation"}
    lead.post(f"{address}money/", {f"ask-{name}": value for name, value in ask.items()})
    asked = Funding.objects.get(case=case)
    page = text(sign_in(coordinator).get(address))
    assert "<strong>£120.00</strong> for A deposit, from Resettlement fund" in page
    assert "Merton, Roles" in page
    assert ">Agree<" not in page

    given = {f"money-{asked.pk}-version": asked.version, f"money-{asked.pk}-reason": "", "then": "agree"}
    refused = sign_in(coordinator).post(f"{address}money/{asked.pk}/", given)

    assert "The panel decides how money is used" in text(refused)
    no_sum = lead.post(f"{address}money/", {f"ask-{k}": v for k, v in (ask | {"amount": "12.345"}).items()})
    assert "The amount must be in pounds and pence" in text(no_sum)


@pytest.mark.feature(137)
def test_coordinator_decides_money_elsewhere_and_says_what_was_spent(db, sign_in):
    london = factories.scheme("london")
    office = factories.member(london, "coordinator")
    case = factories.case(london)
    client, address = sign_in(office), f"/cases/{case.reference}/plan/"
    client.post(f"{address}money/", {"ask-amount": "45", "ask-text": "Boots", "ask-payer": "Probation"})
    asked = Funding.objects.get(case=case)

    def post(then, **more):
        asked.refresh_from_db()
        given = {"version": asked.version, "reason": ""} | more
        return client.post(
            f"{address}money/{asked.pk}/", {f"money-{asked.pk}-{k}": v for k, v in given.items()} | {"then": then}
        )

    post("agree")
    post("spent", spent="40")

    asked.refresh_from_db()
    assert (asked.status, asked.decided_on, asked.spent) == ("agreed", date(2026, 3, 5), 40)
    assert "Agreed £45.00, of which spent £40.00" in text(client.get(address))
    assert "Enter an amount from 0 to 45.00" in text(post("spent", spent="46"))


@pytest.mark.feature(134)
def test_history_keeps_what_was_agreed_and_who_changed_it_since(
    sign_in, police, address, add, case, merton, as_coordinator, time_machine
):
    plan = start_plan(case, by=as_coordinator)
    set_need(plan, "accommodation", level="high", goal="Keep the tenancy", by=as_coordinator)
    action = add()
    agree_plan(case, meeting=factories.meeting(merton, date(2026, 3, 5)), on=date(2026, 3, 5), by=as_coordinator)
    time_machine.move_to("2026-03-20T09:00:00+00:00")
    lead = sign_in(police)
    lead.post(f"{address}actions/{action.pk}/", edit(action, text="Ring the new landlord", when="3m"))

    page = text(lead.get(f"{address}history/"))

    agreed, since = page.split("Changed since")
    assert "Need: High. Goal: Keep the tenancy" in agreed
    assert "Ring the landlord, by 13 Mar 2026" in agreed
    assert "Ring the new landlord" not in agreed
    assert "Ring the landlord → Ring the new landlord" in since
    assert "Tom Dunn" in since
    assert re.search(r"Agreed</strong> on 5 Mar 2026", text(lead.get(address)))
    assert lead.get(f"{address}history/?version=999999").status_code == 404


def test_plan_says_when_its_review_is_due(lead, address, merton, case):
    factories.meeting(merton, date(2026, 2, 26))

    page = text(lead.get(address))

    assert re.search(r"Review due.{0,200}review", page)


def test_reader_sees_offers_and_money_without_forms(sign_in, merton, address, case, housing, as_coordinator):
    offers.offer(case, pathway="drugs_alcohol", text="A place", agency=housing.agency, by=as_coordinator)
    reader = sign_in(factories.member(merton, "member", agency_kind="health"))

    page = text(reader.get(address))

    assert "A place" in page
    assert "Ask for money" not in page
    assert "Save<span" not in page
    assert actor_for(housing).agency.name in page
