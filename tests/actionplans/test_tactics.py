"""Tactical options of a rating as a checklist, and markers on police systems that follow it."""

from datetime import date

import pytest
import time_machine
from django.core.exceptions import PermissionDenied

from actionplans.models import Action, MarkerTask, Tactic
from actionplans.tactics import Said, answer, options_of
from iom.access import actor_for
from iom.steps import StepRefused
from offenders.actions import rate
from tests import factories

pytestmark = pytest.mark.django_db
TODAY = date(2026, 2, 26)


@pytest.fixture(autouse=True)
def in_february():
    with time_machine.travel("2026-02-26 09:00+00:00", tick=False):
        yield


def text(response):
    return " ".join(response.content.decode().split())


@pytest.mark.feature(127)
@pytest.mark.feature(128)
@pytest.mark.feature(129)
def test_options_of_the_rating_become_actions_in_one_go(merton, police, housing, coordinator, as_coordinator, sign_in):
    case = factories.case(merton, colour="RED")
    options = [each.option for each in options_of(case)]
    daily = next(n for n, each in enumerate(options) if each.group == "enforcement")
    offers = next(n for n, each in enumerate(options) if each.group == "support")
    client, at = sign_in(coordinator), f"/cases/{case.reference}/tactics/"
    typed = {
        "version": case.version,
        f"tactic-{daily}-answer": "chosen",
        f"tactic-{daily}-agency": police.agency.slug,
        f"tactic-{daily}-due_on": "3 3 2026",
        f"tactic-{offers}-answer": "chosen",
        f"tactic-{offers}-agency": housing.agency.slug,
        f"tactic-{offers}-due_on": "10 3 2026",
        "tactic-1-answer": "not_needed",
    }

    before = text(client.get(at))
    wrong = text(client.post(at, typed))
    assert not Action.objects.exists()
    after = text(client.post(at, typed | {"tactic-1-because": "Lives with the team's own house"}, follow=True))

    assert "What the scheme suggests for" in before and options[daily].text in before and "Enforcement" in before
    assert "Enter why it is not needed" in wrong
    assert "3 options saved, 2 actions added" in after
    made = {(each.text, each.agency, each.due_on, each.kind) for each in Action.objects.all()}
    assert made == {
        (options[daily].text, police.agency, date(2026, 3, 3), "enforcement"),
        (options[offers].text, housing.agency, date(2026, 3, 10), "support"),
    }
    overview = text(client.get(f"/cases/{case.reference}/"))
    assert "3 of" in overview and "2 actions chosen" in overview
    rate(case, "AMBER", on=TODAY, reason="Engages now", by=as_coordinator)
    sheet = text(client.get(at))
    assert "Under earlier ratings" in sheet and "Lives with the team" in sheet
    assert [each.said for each in options_of(case)] == [None] * len(merton.policy.tactics("AMBER"))
    groups = {each.option.group for each in options_of(case)}
    assert "contact" in groups and "support" in groups


def test_what_was_chosen_is_not_said_again_and_nobody_else_says_it(merton, police, coordinator, as_coordinator):
    case = factories.case(merton, colour="RED")
    option = merton.policy.tactics("RED")[0]
    said = Said(option, "chosen", police.agency, date(2026, 3, 3))

    answer(case, [said], by=as_coordinator)

    with pytest.raises(StepRefused, match="chosen already"):
        answer(case, [Said(option, "in_place")], by=as_coordinator)
    with pytest.raises(StepRefused, match="not an option"):
        answer(case, [Said(merton.policy.tactics("GREEN")[0], "in_place")], by=as_coordinator)
    with pytest.raises(PermissionDenied):
        answer(case, [Said(option, "in_place")], by=actor_for(police))
    assert Tactic.objects.count() == 1 and Action.objects.count() == 1


@pytest.mark.feature(132)
def test_change_to_and_from_red_asks_police_for_the_marker_once(sign_in):
    london = factories.scheme("london")
    police = factories.member(london, "member", agency_kind="police")
    coordinator = factories.member(london, "coordinator")
    by = actor_for(coordinator)
    case = factories.case(london, colour="AMBER")

    rate(case, "RED", on=date(2026, 2, 24), reason="Arrested", by=by)
    rate(case, "GREEN", on=TODAY, reason="A mistake", by=by)
    rate(case, "AMBER", on=TODAY, reason="The right one", by=by)

    first, second = MarkerTask.objects.order_by("pk").select_related("action__agency")
    assert first.action.agency == police.agency and first.action.due_on == date(2026, 3, 2)
    assert (first.text, first.action.status) == ("PPO flag on PNC", "open")
    assert "not subject to the premium service" in second.text
    page = text(sign_in(police).get("/actions/?show=agency"))
    assert "Set the marker for Red: PPO flag on PNC" in page

    rate(case, "RED", on=TODAY, reason="Not so after all", by=by)
    second.action.refresh_from_db()
    assert second.action.status == "no_longer" and MarkerTask.objects.count() == 2
    assert case.ratings.count() == 2


def test_scheme_without_markers_asks_for_none(merton, as_coordinator, police):
    case = factories.case(merton, colour="AMBER")

    rate(case, "RED", on=TODAY, reason="Arrested", by=as_coordinator)

    assert not MarkerTask.objects.exists() and not Action.objects.exists()
