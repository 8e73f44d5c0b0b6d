"""Two people changed the same thing, and forms that do not say which version they saw (security.md C1)."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime

import pytest
import time_machine

from actionplans.actions import add_action, start_plan, update_action
from iom.models import Agency
from offenders.actions import record_custody
from tests import factories

pytestmark = pytest.mark.django_db

THEN = datetime(2026, 3, 5, 10, 41, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _on_5_march():
    with time_machine.travel(THEN, tick=False):
        yield


@pytest.fixture
def case(merton):
    return factories.case(merton)


@pytest.fixture
def action(case, merton, as_coordinator):
    agency = Agency.objects.get(scheme=merton, slug="housing")
    return add_action(case=case, text="Confirm tenancy", agency=agency, due_on=date(2026, 3, 20), by=as_coordinator)


@pytest.fixture
def custody(case, as_coordinator):
    return record_custody(case, kind="remand", prison="HMP High Down", starts_on=date(2026, 3, 2), by=as_coordinator)


def words(response) -> str:
    return html.unescape(response.content.decode())


def stale(sign_in, coordinator, action, by, **headers):
    """The coordinator saves over what somebody else has saved meanwhile."""
    seen = action.version
    update_action(action, status="in_progress", note="Rang twice", by=by)
    typed = {"status": "done", "note": "Reference is with us", "version": str(seen)}
    client = sign_in(coordinator)
    return client, client.post(f"/actions/{action.pk}/", typed, headers=headers or None)


def test_both_texts_stand_on_one_page_with_who_and_when(sign_in, coordinator, action, as_chair):
    with time_machine.travel(THEN, tick=False):
        _, response = stale(sign_in, coordinator, action, as_chair)

    page = words(response)
    assert response.status_code == 409
    assert "changed this at 10:41" in page
    rows = re.findall(r"<tr.*?</tr>", page, flags=re.S)
    assert any("Note" in row and "Reference is with us" in row and "Rang twice" in row for row in rows)
    assert any("Outcome" in row and "Done" in row and "In progress" in row for row in rows)


def test_keep_mine_saves_the_same_answers_on_what_stands_now(sign_in, coordinator, action, as_chair):
    client, response = stale(sign_in, coordinator, action, as_chair)
    form = re.search(r'<form method="post" action="/actions/.*?</form>', words(response), flags=re.S)[0]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))

    saved = client.post(f"/actions/{action.pk}/", fields)

    action.refresh_from_db()
    assert saved.status_code == 302
    assert (action.status, action.note) == ("done", "Reference is with us")
    assert fields["form_key"]


def test_use_theirs_leads_to_the_page_as_it_is(sign_in, coordinator, action, as_chair):
    _, response = stale(sign_in, coordinator, action, as_chair)

    assert f'<a class="govuk-link" href="/actions/{action.pk}/">Use theirs</a>' in words(response)


def test_form_that_saves_itself_hears_of_both_texts(sign_in, coordinator, action, as_chair):
    _, response = stale(sign_in, coordinator, action, as_chair, **{"X-Autosave": "1"})

    told = response.json()
    assert response.status_code == 409
    assert told["message"].endswith("Save to compare and keep yours.")
    assert {"label": "Note", "mine": "Reference is with us", "theirs": "Rang twice"} in told["conflicts"]


def test_part_of_a_page_shows_both_texts(sign_in, coordinator, action, as_chair):
    _, response = stale(sign_in, coordinator, action, as_chair, **{"HX-Request": "true"})

    assert response.status_code == 409
    assert "<html" not in words(response)
    assert "yours “Reference is with us”, theirs “Rang twice”" in words(response)


def test_dates_and_choices_are_compared_in_words(sign_in, coordinator, custody, as_coordinator):
    from offenders.actions import change_custody

    change_custody(custody, by=as_coordinator, version=1, kind="sentence", release_expected_on=date(2026, 6, 1))
    typed = {"kind": "remand", "prison": "HMP High Down", "starts_on": "2 3 2026", "version": "1"}

    response = sign_in(coordinator).post(f"/cases/{custody.case.reference}/custody/", typed)

    page = words(response)
    assert response.status_code == 409
    assert "1 Jun 2026" in page
    assert "In custody since" not in page
    assert "On remand" in page
    assert "Under sentence" in page


# --- No version at all -------------------------------------------------------


def of_action(things):
    return f"/actions/{things['action'].pk}/", {"status": "done", "note": "Kept words"}


def of_action_change(things):
    typed = {"text": "Kept words", "who": f"agency-{things['action'].agency_id}", "due": "20 3 2026"}
    return f"/actions/{things['action'].pk}/change/", typed


def of_custody(things):
    typed = {"kind": "remand", "prison": "Kept words", "starts_on": "2 3 2026"}
    return f"/cases/{things['case'].reference}/custody/", typed


def of_release(things):
    return f"/cases/{things['case'].reference}/custody/release/", {"released_on": "4 3 2026"}


def of_need(things):
    where = f"/cases/{things['case'].reference}/plan/accommodation/need/"
    return where, {"need-accommodation-level": "some", "need-accommodation-goal": "Kept words"}


def of_meeting(things):
    typed = {"date": "12 3 2026", "starts_at": "10:00", "minutes_long": "120", "place": "Kept words"}
    return f"/meetings/{things['meeting'].key}/edit/", typed


def of_withdrawal(things):
    return f"/referrals/{things['referral'].reference}/withdraw/", {"reason": "Kept words"}


def of_triage(things):
    return f"/referrals/{things['referral'].reference}/triage/", {"recommendation": "return", "message": "Kept words"}


EDITS = [of_action, of_action_change, of_custody, of_release, of_need, of_meeting, of_withdrawal, of_triage]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("version", [None, "", "x", "-1", "1.5", "9" * 30])
def test_form_without_the_version_it_saw_is_400_and_keeps_the_text(
    sign_in, coordinator, police, merton, chair, case, action, custody, edit, version, as_coordinator
):
    start_plan(case, by=as_coordinator)
    things = {
        "case": case,
        "action": action,
        "meeting": factories.meeting(merton, date(2026, 3, 12), chair=chair),
        "referral": factories.referral(merton, police, status="sent"),
    }
    where, typed = edit(things)
    name = "need-accommodation-version" if edit is of_need else "version"
    given = typed if version is None else typed | {name: version}

    response = sign_in(coordinator).post(where, given)

    assert response.status_code == 400
    for thing in [*things.values(), custody]:
        before = thing.version
        thing.refresh_from_db()
        assert thing.version == before
    if "Kept words" in typed.values():
        assert "Kept words" in words(response)


def test_version_of_a_record_is_its_own(sign_in, coordinator, action):
    """The right version is taken, whatever else the form says of it (security.md Z9)."""
    typed = {"status": "done", "note": "With us", "version": str(action.version), "scheme": "2", "pk": "1"}

    assert sign_in(coordinator).post(f"/actions/{action.pk}/", typed).status_code == 302
    action.refresh_from_db()
    assert (action.version, action.scheme_id) == (2, coordinator.scheme_id)


def test_first_custody_over_one_that_a_colleague_recorded_is_409(sign_in, coordinator, custody):
    typed = {"kind": "remand", "prison": "HMP Other", "starts_on": "3 3 2026", "version": "0"}

    response = sign_in(coordinator).post(f"/cases/{custody.case.reference}/custody/", typed)

    assert response.status_code == 409
    assert "HMP Other" in words(response)
    assert "HMP High Down" in words(response)
