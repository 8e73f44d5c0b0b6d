"""What the police systems hold of a person: who writes it, who reads it, what may stand again (feature 111)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from iom import clock
from iom.access import actor_for
from iom.models import AuditEvent
from iom.policy import load_preset
from iom.steps import Stale, StepRefused
from referrals import research
from referrals.models import ResearchCheck
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-03-05 10:00 +0000", tick=False):
        yield


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, date(2026, 3, 12), chair=chair)


@pytest.fixture
def researcher(merton):
    return factories.member(merton, "researcher", agency_kind="police", name="Ana Kaya")


@pytest.fixture
def by(researcher):
    return actor_for(researcher)


@pytest.fixture
def asked(meeting, housing):
    return factories.check_request(meeting, housing.agency)


@pytest.fixture
def person(asked):
    return asked.offender


def sheet_of(actor, meeting, person) -> research.Sheet:
    people = [each for each in research.subjects(actor, meeting) if each.person == person]
    [sheet] = research.sheets(actor, meeting, people)
    return sheet


def said(actor, person, meeting, *, signed: bool) -> dict[str, str]:
    return {held.system: held.finding for held in research.research_for(actor, person, meeting, signed=signed)}


# --- Which systems, and whose


@pytest.mark.feature(111)
def test_the_sheet_asks_for_the_systems_of_the_schemes_rules(by, meeting, person):
    sheet = sheet_of(by, meeting, person)

    assert [line.system for line in sheet.lines] == ["PNC", "CRIS", "CRIMINT", "NSPIS", "PINS", "IIP", "IDIOM"]
    assert {line.words for line in sheet.lines} == {"Not checked"}
    assert (sheet.done, len(sheet.left)) == (0, 7)


def test_the_police_of_london_look_into_what_its_model_names():
    systems = load_preset("london").research_systems

    assert {"NSPIS", "CRIS", "CRIMINT", "PNC", "PINS", "IIP", "IDIOM"} == set(systems)


def test_everybody_asked_about_or_nominated_stands_on_the_sheet_once(by, meeting, merton, police, housing, asked):
    sent = factories.referral(merton, police, status="sent", meeting=meeting)
    factories.check_request(meeting, police.agency, asked.offender)
    factories.referral(merton, police, status="draft", meeting=meeting)

    assert {each.person for each in research.subjects(by, meeting)} == {asked.offender, sent.offender}


def test_a_restricted_person_is_not_on_the_sheet(by, meeting, merton, housing):
    hidden = factories.case(merton, restricted=True)
    factories.check_request(meeting, housing.agency, hidden.offender, case=hidden)

    assert research.subjects(by, meeting) == []
    with pytest.raises(PermissionDenied):
        research.save_check(meeting, hidden.offender, "PNC", by=by, result="nothing")


# --- Writing


def test_a_check_keeps_day_person_and_result(by, meeting, person, researcher):
    check = research.save_check(meeting, person, "PNC", by=by, result="nothing", checked_on=date(2026, 3, 2))

    assert (check.checked_on, check.checked_by, check.agency) == (date(2026, 3, 2), researcher.user, researcher.agency)
    event = AuditEvent.objects.get(verb="check_system")
    assert event.context["system"] == "PNC"
    assert event.subjects == [person.audit_subject] or person.audit_subject in event.subjects


def test_a_check_without_a_day_was_made_today(by, meeting, person):
    assert research.save_check(meeting, person, "PNC", by=by, result="nothing").checked_on == date(2026, 3, 5)


def test_nothing_found_keeps_no_words_and_no_mark(by, meeting, person):
    check = research.save_check(
        meeting, person, "PNC", by=by, result="nothing", finding="Old words", handling="agencies", readers=["housing"]
    )

    assert (check.finding, check.handling, check.readers) == ("", "", [])


def test_a_changed_check_is_stale_for_who_read_the_old_one(by, meeting, person):
    first = research.save_check(meeting, person, "PNC", by=by, result="nothing", version=0)
    research.save_check(meeting, person, "PNC", by=by, result="could_not", version=first.version)

    with pytest.raises(Stale) as refused:
        research.save_check(meeting, person, "PNC", by=by, result="found", finding="Wanted.", version=first.version)

    assert refused.value.thing.result == "could_not"


def test_the_same_answer_again_changes_nothing(by, meeting, person):
    first = research.save_check(meeting, person, "PNC", by=by, result="nothing", version=0)

    assert research.save_check(meeting, person, "PNC", by=by, result="nothing", version=0).version == first.version


def test_nothing_is_written_once_the_panel_has_decided(by, meeting, asked, person):
    asked.closed_at = clock.now()
    asked.save()

    with pytest.raises(StepRefused, match="The panel has decided"):
        research.save_check(meeting, person, "PNC", by=by, result="nothing")


def test_a_system_that_the_scheme_does_not_ask_for_is_refused(by, meeting, person):
    with pytest.raises(PermissionDenied):
        research.save_check(meeting, person, "Horoscope", by=by, result="nothing")


@pytest.mark.parametrize(
    ("who", "may"), [("police", True), ("coordinator", True), ("housing", False), ("chair", False)]
)
def test_researcher_police_and_coordinator_write(request, meeting, person, who, may):
    actor = actor_for(request.getfixturevalue(who))
    if may:
        assert research.save_check(meeting, person, "PNC", by=actor, result="nothing").pk
    else:
        with pytest.raises(PermissionDenied):
            research.save_check(meeting, person, "PNC", by=actor, result="nothing")


def test_another_scheme_is_refused(by, person):
    elsewhere = factories.meeting(factories.scheme("merton", slug="elsewhere"), date(2026, 4, 9))

    with pytest.raises(PermissionDenied):
        research.save_check(elsewhere, person, "PNC", by=by, result="nothing")


@pytest.mark.feature(111)
def test_the_rest_is_clear_in_one_go(by, meeting, person):
    research.save_check(meeting, person, "CRIMINT", by=by, result="could_not", finding="Away", handling="panel")

    assert research.mark_rest_clear(meeting, person, by=by) == 6

    sheet = sheet_of(by, meeting, person)
    assert sheet.left == []
    assert {line.system for line in sheet.lines if line.check.result == "nothing"} == {
        "PNC", "CRIS", "NSPIS", "PINS", "IIP", "IDIOM",
    }  # fmt: skip


def test_the_database_keeps_a_mark_from_standing_without_words(meeting, person, researcher):
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.research_check(meeting, person, researcher, handling="panel")


# --- Using again


@pytest.fixture
def last_month(merton):
    return factories.meeting(merton, date(2026, 2, 12))


@pytest.mark.parametrize(
    ("days", "offered"), [pytest.param(28, True, id="on the last day"), pytest.param(29, False, id="a day too old")]
)
def test_a_look_of_the_last_28_days_is_offered_again(by, meeting, last_month, person, researcher, days, offered):
    factories.research_check(last_month, person, researcher, checked_on=date(2026, 3, 5) - timedelta(days=days))

    assert [line.system for line in sheet_of(by, meeting, person).again] == (["PNC"] if offered else [])


def test_used_again_it_keeps_its_day_and_who_looked_but_never_its_readers(
    by, meeting, last_month, person, researcher, police
):
    old = factories.research_check(
        last_month, person, researcher, "CRIS", result="found", finding="Two crimes.", handling="panel",
        checked_on=date(2026, 2, 20),
    )  # fmt: skip

    assert research.use_again(meeting, person, by=by) == 1

    new = ResearchCheck.objects.get(meeting=meeting)
    assert (new.checked_on, new.checked_by, new.finding) == (old.checked_on, researcher.user, "Two crimes.")
    assert new.handling == ""
    assert research.lacks(new) == "Choose who can see what CRIS holds"
    assert said(actor_for(police), person, meeting, signed=True) == {}


def test_what_could_not_be_checked_or_is_written_already_is_not_used_again(by, meeting, last_month, person, researcher):
    factories.research_check(last_month, person, researcher, "CRIS", result="could_not")
    factories.research_check(last_month, person, researcher, "PNC")
    research.save_check(meeting, person, "PNC", by=by, result="could_not")

    assert research.use_again(meeting, person, by=by) == 0


def test_a_finding_marked_for_others_is_not_offered_again(meeting, last_month, person, researcher, as_coordinator):
    factories.research_check(
        last_month, person, researcher, result="found", finding="Secret.", handling="police_probation"
    )

    assert sheet_of(as_coordinator, meeting, person).again == []
    assert research.use_again(meeting, person, by=as_coordinator) == 0


# --- Reading


@pytest.fixture
def findings(meeting, person, researcher):
    for system, handling, readers in (
        ("PNC", "panel", []),
        ("CRIS", "police_probation", []),
        ("CRIMINT", "agencies", ["housing"]),
        ("NSPIS", "", []),
    ):
        factories.research_check(
            meeting, person, researcher, system, result="found", finding=f"Of {system}.", handling=handling,
            readers=readers,
        )  # fmt: skip
    factories.research_check(meeting, person, researcher, "PINS")


@pytest.mark.parametrize(
    ("who", "signed", "systems"),
    [
        pytest.param("chair", True, {"PNC", "CRIS", "PINS"}, id="probation"),
        pytest.param("chair", False, {"PNC", "PINS"}, id="probation unsigned"),
        pytest.param("housing", True, {"PNC", "CRIMINT", "PINS"}, id="a chosen agency"),
        pytest.param("housing", False, {"PNC", "PINS"}, id="a chosen agency unsigned"),
        pytest.param("coordinator", True, {"PNC", "PINS"}, id="the council"),
        pytest.param("police", True, {"PNC", "CRIS", "CRIMINT", "PINS"}, id="its own agency"),
        pytest.param("police", False, {"PNC", "PINS"}, id="its own agency unsigned"),
    ],
)
def test_a_finding_is_read_as_its_handling_allows(request, meeting, person, findings, who, signed, systems):
    reader = actor_for(request.getfixturevalue(who))

    assert said(reader, person, meeting, signed=signed).keys() == systems


def test_one_who_may_not_read_a_check_sees_that_it_was_made_and_cannot_change_it(
    as_coordinator, meeting, person, findings
):
    lines = {line.system: line for line in sheet_of(as_coordinator, meeting, person).lines}

    assert (lines["CRIS"].check, lines["CRIS"].words) == (None, "Checked")
    assert lines["PNC"].check.finding == "Of PNC."
    with pytest.raises(PermissionDenied):
        research.save_check(meeting, person, "CRIS", by=as_coordinator, result="nothing")


def test_the_office_knows_what_nobody_has_looked_up(as_coordinator, meeting, person, findings):
    assert research.not_looked_up(as_coordinator, person, meeting) == ["IIP", "IDIOM"]


def test_a_restricted_persons_checks_are_nobodys(as_chair, meeting, merton, person, researcher):
    factories.research_check(meeting, person, researcher)
    factories.case(merton, who=person, restricted=True)

    assert research.research_for(as_chair, person, meeting, signed=True) == []
