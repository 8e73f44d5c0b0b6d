"""Who leads a case: the rule, going against it, handing over, and caseloads."""

from datetime import date

import pytest

from actionplans.models import Action
from iom import clock, sweeps
from iom.access import actor_for
from iom.models import Notification, OutboxMessage
from iom.rights import end_membership
from offenders.actions import assign
from offenders.models import Assignment, HandOver
from tests import factories

TODAY = date(2026, 3, 12)


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def case(merton):
    return factories.case(merton, colour="RED")


@pytest.fixture
def probation(merton):
    return factories.member(merton, "member", agency_kind="probation", name="Kofi Osei")


def text(response):
    return " ".join(response.content.decode().split())


def holder(case, role):
    case.__dict__.pop("current_assignments", None)
    held = case.assigned(role)
    return held.holder if held else None


@pytest.mark.feature(33)
@pytest.mark.feature(133)
def test_rule_is_proposed_with_its_reason_taken_with_one_click_and_overridden_with_a_reason(
    case, coordinator, probation, housing, sign_in
):
    client = sign_in(coordinator)
    page = f"/cases/{case.reference}/leads/"

    assert "It is not known whether this person is under probation supervision" in text(client.get(page))

    asked = text(client.post(page, {"statutory": "yes", "main_driver": "not_known"}, follow=True))
    assert "Under statutory supervision, so probation leads." in asked and asked.count("Not known</label>") == 2
    assert "Merton, step 8" in asked and f"{probation.agency.name} leads from today" in asked

    client.post(f"{page}take/", {"agency": probation.agency.pk})
    assert holder(case, "lead_agency") == probation.agency.name
    assert "As the rule says" in text(client.get(page))

    against = {"agency": housing.agency.pk, "on": "13 3 2026", "notes": "", "version": _version(case)}
    refused = text(client.post(f"{page}lead_agency/", against | {"reason": ""}))
    assert "Enter a reason for going against the scheme rule" in refused
    client.post(f"{page}lead_agency/", against | {"reason": "They hold the tenancy", "on": "12 3 2026"})

    row = HandOver.objects.get(agency=housing.agency)
    assert (row.reason, holder(case, "lead_agency")) == ("They hold the tenancy", housing.agency.name)
    assert "probation leads. (Merton, step 8)" in row.rule_said


def _version(case):
    case.refresh_from_db()
    return case.version


@pytest.mark.feature(34)
@pytest.mark.feature(35)
def test_hand_over_leaves_no_gap_tells_both_moves_the_actions_and_waits_for_its_day(
    case, coordinator, police, probation, housing, sign_in, as_coordinator, time_machine, merton
):
    assign(
        case, "lead_professional", agency=probation.agency, membership=probation, on=date(2026, 2, 1), by=as_coordinator
    )
    action = Action.objects.create(
        scheme=merton, case=case, text="Home visit", agency=probation.agency, owner=probation, due_on=date(2026, 3, 20)
    )
    client = sign_in(probation)
    page = f"/cases/{case.reference}/leads/lead_professional/"
    shown = text(client.get(page))
    assert "Home visit" in shown and "Give them to whoever takes over" in shown
    given = {
        "member": housing.pk,
        "on": "16 3 2026",
        "reason": "Moves to supported housing",
        "notes": "Arrears letter is out. Next visit 20 March.",
        "moves": "move",
        "version": _version(case),
    }

    arranged = text(client.post(page, given, follow=True))

    assert "It takes effect by itself on that day" in arranged
    assert holder(case, "lead_professional") == "Kofi Osei"
    told = {n.recipient.name: n for n in Notification.objects.filter(kind="lead_hands_over")}
    assert told["Jo Reid"].text == f"Take over {case.reference}: you are its lead professional from 16 Mar 2026"
    assert case.offender.family_name not in f"{told['Jo Reid'].text} {told['Jo Reid'].email_body}"
    assert OutboxMessage.objects.filter(kind="email").exists()

    time_machine.move_to("2026-03-17T07:30:00+00:00")
    for _ in range(2):
        assert sweeps.tidy(clock.today()) == []

    old, new = Assignment.objects.filter(case=case, role="lead_professional").order_by("starts_on")
    assert (old.until, new.starts_on, new.membership) == (date(2026, 3, 16), date(2026, 3, 16), housing)
    action.refresh_from_db()
    assert (action.owner, action.agency) == (housing, housing.agency)
    # The police officer is the second contact; whoever led hands nothing over any more.
    given = {"member": police.pk, "on": "17 3 2026", "version": _version(case)}
    refused = sign_in(probation).post(f"/cases/{case.reference}/leads/police_officer/", given)
    assert refused.status_code == 403
    by_office = sign_in(coordinator)
    by_office.post(f"/cases/{case.reference}/leads/police_officer/", given)
    page = text(by_office.get(f"/cases/{case.reference}/leads/"))
    assert "Tom Dunn" in page and "Hand-over notes by Kofi Osei" in page and "2 lead professionals so far" in page


def test_what_was_arranged_is_called_off_overtaken_or_does_not_happen(
    case, coordinator, probation, housing, sign_in, as_coordinator, time_machine
):
    client = sign_in(coordinator)
    page = f"/cases/{case.reference}/leads/lead_professional/"
    later = {"member": housing.pk, "on": "20 3 2026", "version": _version(case)}
    client.post(page, later)
    twice = text(client.post(page, later))
    assert "a change on 20 Mar 2026 is arranged already" in twice
    client.post(f"/cases/{case.reference}/leads/{HandOver.objects.get().pk}/call-off/")
    assert HandOver.objects.get().ended_because == "Called off."

    client.post(page, later | {"version": _version(case)})
    case.refresh_from_db()
    assign(case, "lead_professional", agency=probation.agency, membership=probation, on=TODAY, by=as_coordinator)
    assert not HandOver.objects.waiting().exists()

    client.post(page, later | {"version": _version(case)})
    housing.until = date(2026, 3, 18)
    housing.save()
    time_machine.move_to("2026-03-20T08:00:00+00:00")
    sweeps.tidy(clock.today())
    assert holder(case, "lead_professional") == "Kofi Osei"
    assert "does not work here" in HandOver.objects.first().ended_because
    assert Notification.objects.filter(kind="lead_did_not_happen", recipient=coordinator.user).exists()


def test_somebody_who_leaves_keeps_their_cases_until_a_new_lead_is_found(
    merton, case, coordinator, probation, sign_in, as_coordinator
):
    assign(
        case, "lead_professional", agency=probation.agency, membership=probation, on=date(2026, 2, 1), by=as_coordinator
    )
    admin = actor_for(factories.member(merton, "scheme_admin"))

    end_membership(probation, on=TODAY, by=admin)

    told = Notification.objects.get(kind="leads_left", recipient=coordinator.user)
    assert told.text == "Find new leads: 1 case needs a new lead"
    client = sign_in(coordinator)
    page = text(client.get("/cases/caseloads/"))
    assert "Kofi Osei no longer works here: 1 role to hand over" in page and "No lead professional: 1 case" in page
    assert "1 case has no lead professional" in text(client.get("/"))
    assert case.reference in text(client.get("/cases/?lead=none"))
    assert "No lead professional: nobody who works here" in text(client.get(f"/cases/{case.reference}/leads/"))


def test_caseload_over_the_limit_is_said_and_stops_nothing(
    merton, coordinator, probation, sign_in, as_coordinator, django_assert_num_queries
):
    limit = merton.policy.caseload.limit
    cases = [factories.case(merton, colour="RED") for _ in range(limit + 1)]
    for each in cases[:-1]:
        assign(each, "lead_professional", agency=probation.agency, membership=probation, on=TODAY, by=as_coordinator)
    client = sign_in(coordinator)
    page = f"/cases/{cases[-1].reference}/leads/lead_professional/"
    assert f"leads {limit} cases, at or over the limit of {limit}" in text(client.get(page))

    said = text(client.post(page, {"member": probation.pk, "on": "12 3 2026", "version": 1}, follow=True))

    assert f"Kofi Osei now leads {limit + 1} cases, 1 over the limit of {limit}" in said
    assert "Over the limit" in text(client.get("/cases/caseloads/"))


def test_change_of_lead_between_panels_and_a_missing_lead_come_to_the_next_agenda(
    merton, case, coordinator, probation, as_coordinator
):
    from iom.together import items_of, run
    from offenders.asks import Window
    from offenders.caseloads import changed_between_panels, nobody_leads
    from offenders.handing_over import hand_over

    policy = merton.policy
    window = Window(policy, policy.default_body, date(2026, 4, 9), date(2026, 3, 1), date(2026, 5, 14), TODAY)
    before = [ask.words for ask in run(items_of(nobody_leads([case], window)))]
    hand_over(case, "lead_professional", agency=probation.agency, membership=probation, on=TODAY, by=as_coordinator)

    assert before == ["No lead professional", "No police officer"]
    assert [ask.words for ask in run(items_of(nobody_leads([case], window)))] == ["No police officer"]
    assert [ask.words for ask in run(items_of(changed_between_panels([case], window)))] == [
        "Lead professional changed on 12 March: to be noted"
    ]
