"""The overview of a case and its brief: why, what changed, what is expected, who leads (ux.md 4.5; features 312, 313)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from actionplans import actions as plans
from iom import clock
from offenders import actions
from offenders.models import Entry
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(merton, chair):
    """Accepted 60 days ago by the panel, which met again 20 days ago."""
    today = clock.today()
    meeting = factories.meeting(merton, today - timedelta(days=60), status="signed")
    factories.meeting(merton, today - timedelta(days=20), status="minutes_drafted")
    case = factories.case(merton, since=meeting.date)
    case.accepted_at = meeting
    case.why, case.criterion, case.score, case.score_on = "Burglaries by night.", "prolific", 80, meeting.date
    case.save()
    return case


def page_of(client, case, of: str = "") -> str:
    answer = client.get(f"/cases/{case.reference}/{of}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.mark.feature(313)
@pytest.mark.feature(171)
def test_case_holder_who_was_never_at_the_panel_reads_why_and_what_is_expected(
    case, merton, as_coordinator, police, chair, sign_in
):
    policy, today = merton.policy, clock.today()
    clause = policy.eligibility[0].clauses[0]
    case.criterion = clause.name
    case.save()
    item = factories.agenda_item(case.accepted_at, "reviews", number="4", case=case)
    actions.assign(case, "lead_professional", agency=police.agency, membership=police, on=today, by=as_coordinator)
    holder = sign_in(police)

    said = page_of(holder, case)
    assert said.index("is on the cohort</h2>") < said.index("Changed since the last panel") < said.index("Latest</h2>")
    for words in ("Burglaries by night.", "80% within 2 years", clause.label, clause.source, "Version 1, from"):
        assert words in said
    assert f"by the {case.accepted_at.body.name}" in said and "item 4 of the agenda" in said
    assert "Lead professional: Tom Dunn" in said
    assert policy.engagement.told in said and "<strong>Not recorded</strong>" in said
    # They tell the person, and say so from there.
    add = f"/cases/{case.reference}/timeline/add/?kind=told"
    assert add in said
    assert policy.engagement.told in page_of(holder, case, "timeline/add/?kind=told")
    typed = {"kind": "told", "happened_on": f"{today.day} {today.month} {today.year}", "handling": "panel"}
    assert holder.post(add, typed | {"text": "All of it, at home."}).status_code == 302
    said = page_of(holder, case)
    assert "Not recorded</strong> <a" not in said and add not in said
    assert f"Told what is expected</dt><dd>{today.day} {today:%b %Y} by Police" in said
    # Signed minutes take the place of the agenda; whoever does not sit there is led nowhere.
    whole = {
        "signed_at": clock.now(),
        "signed_by": chair.user,
        "signed_name": "Grace Adeyemi",
        "record_sha256": "0" * 64,
    }
    factories.minutes(case.accepted_at, status="signed", number=1, record={}, **whole)
    assert f"/meetings/{case.accepted_at.key}/minutes/v1/" in page_of(holder, case)
    item.closed = True
    item.save()
    outsider = factories.member(merton, "researcher", agency_kind="police")
    assert "of the minutes" not in page_of(sign_in(outsider), case)


def test_person_told_at_a_meeting_with_the_team_counts_too(case, police, sign_in):
    factories.engagement(case, police, expectations_told=True, told_on=clock.today() - timedelta(days=2))
    told = clock.today() - timedelta(days=2)

    assert f"Told what is expected</dt><dd>{told.day} {told:%b %Y} by Police" in page_of(sign_in(police), case)


@pytest.mark.feature(312)
def test_changes_since_the_last_panel_stand_on_overview_and_brief_as_the_reader_may_read_them(
    case, as_coordinator, police, coordinator, sign_in
):
    today = clock.today()
    page, last = sign_in(police), today - timedelta(days=20)
    assert "Nothing is recorded since then." in page_of(page, case)
    factories.entry(case, police, text="Before the panel.", happened_on=last)
    factories.entry(case, police, kind="arrest", text="Arrested in town.", happened_on=last + timedelta(days=1))
    factories.entry(case, police, kind="intelligence", text="Zyzzyva knows.", handling="police_probation")
    actions.rate(case, "AMBER", on=today, reason="Keeps his appointments.", by=as_coordinator)
    plans.start_plan(case, by=as_coordinator)
    late = {"case": case, "agency": police.agency, "by": as_coordinator}
    done = plans.add_action(text="Check the curfew", due_on=today, **late)
    plans.update_action(done, status="done", note="Kept.", by=as_coordinator)
    plans.add_action(text="Visit at home", due_on=today + timedelta(days=3), **late)

    for of in ("", "brief/"):
        said = page_of(page, case, of)
        changes = said[said.index("Changed since the last panel") :]
        for words in (
            "Rated Amber: Keeps his appointments.",
            "Arrest: Arrested in town.",
            "Check the curfew",
            "Intelligence (only police and probation): Zyzzyva",
        ):
            assert words in changes
        assert "Before the panel." not in changes.split("</ul>")[0]
        other = page_of(sign_in(coordinator), case, of)
        assert "Arrested in town." in other and "Zyzzyva" not in other
    brief = page_of(page, case, "brief/")
    for words in ("OFFICIAL-SENSITIVE", case.reference, "Printed by Tom Dunn", "Visit at home", "Never to be given to"):
        assert words in brief
    assert case.offender.family_name not in re.search("<title>(.*?)</title>", brief)[1]
    for _ in range(4):
        factories.entry(case, police)
    said = page_of(page, case)
    more = re.search(r'href="(/cases/[^"]*\?since=[0-9-]+)">and (\d+) more<', said)
    assert int(more[2]) == 3
    listed = page.get(more[1]).content.decode()
    assert "Arrested in town." in listed and "Before the panel." not in listed


def test_restricted_case_has_no_brief_for_who_is_not_named(case, police, sign_in):
    case.restricted = True
    case.save()

    assert sign_in(police).get(f"/cases/{case.reference}/brief/").status_code == 404
    assert not Entry.objects.exists()
