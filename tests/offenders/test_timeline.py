"""The log of a case: who writes, who reads, how it is put right, and what rules see of it (ux.md 4.5; security.md Z6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import ProgrammingError, transaction

from iom import clock
from iom.access import actor_for, task_actor
from iom.models import AuditEvent, Notification
from iom.steps import StepRefused
from offenders import timeline
from offenders.models import Entry
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(merton, police):
    return factories.case(merton)


def reads(entry, *people) -> list[bool]:
    return [Entry.objects.visible_to(actor_for(each)).filter(pk=entry.pk).exists() for each in people]


def test_what_is_written_is_its_agencys_and_audited_without_its_words(case, as_police, police):
    made = timeline.note(
        case, "home_visit", on=clock.today(), text=" Seen with a van. ", by=as_police, source="Officer"
    )

    assert (made.text, made.agency, made.made_by) == ("Seen with a van.", police.agency, police.user)
    event = AuditEvent.objects.filter(verb="note").get()
    assert event.subjects == [f"P{case.offender_id}"] or case.reference in event.subjects
    assert "van" not in str(event.body)


def test_handling_is_obeyed_and_asks_for_the_signature(case, as_police, police, housing, chair, coordinator):
    chosen = {"handling": "agencies", "readers": [housing.agency.slug]}
    for_housing = timeline.note(case, "note", on=clock.today(), text="Rent is paid.", by=as_police, **chosen)
    for_two = timeline.note(case, "intelligence", on=clock.today(), text="x", by=as_police, handling="police_probation")
    for_all = timeline.note(case, "note", on=clock.today(), text="Seen.", by=as_police)
    people = (police, housing, chair, coordinator)
    factories.named(case, housing, sign=False)

    assert reads(for_housing, *people) == [True, False, False, False]
    for person in (housing, chair, coordinator):
        factories.signed(person)
    assert reads(for_housing, *people) == [True, True, False, False]
    assert reads(for_two, *people) == [True, False, True, False]
    assert reads(for_all, police, chair, coordinator) == [True, True, True]


def test_of_a_restricted_case_only_those_named_on_it_read_anything(case, as_police, police, coordinator):
    entry = timeline.note(case, "note", on=clock.today(), text="Seen.", by=as_police)
    case.restricted = True
    case.save()

    assert reads(entry, police, coordinator) == [False, False]
    factories.named(case, police)
    assert reads(entry, police) == [True]


def test_entry_is_refused_without_words_or_readers_or_the_right(case, as_police, merton):
    def write(text="Seen.", by=as_police, **handling):
        return timeline.note(case, "note", on=clock.today(), text=text, by=by, **handling)

    for wrong in ({"text": " "}, {"text": "x" * 1001}, {"handling": "agencies"}):
        with pytest.raises(StepRefused):
            write(**wrong)
    stranger = actor_for(factories.member(merton, "board_reader"))
    with pytest.raises(PermissionDenied):
        write(by=stranger)
    assert write(text="x" * 1000).pk


def test_a_feed_tells_the_same_thing_once(case, merton):
    feed = task_actor(merton, "import_idiom")
    first = timeline.note(case, "arrest", on=clock.today(), text="Arrest", by=feed, key="idiom:7")
    again = timeline.note(case, "arrest", on=clock.today(), text="Arrest, told again", by=feed, key="idiom:7")

    assert again == first
    assert Entry.objects.get().text == "Arrest"


def test_correction_stands_beside_the_first_which_nothing_changes(case, as_police, as_housing, housing):
    today = clock.today()
    first = timeline.note(case, "home_visit", on=today, text="Not at home.", by=as_police)
    factories.named(case, housing)
    with pytest.raises(PermissionDenied):
        timeline.correct(first, text="At home.", on=today, reason="We saw them.", by=as_housing)
    with pytest.raises(StepRefused, match="why"):
        timeline.correct(first, text="At home.", on=today, reason=" ", by=as_police)
    right = timeline.correct(first, text="At home.", on=today, reason="Wrong flat.", by=as_police)

    assert (right.corrects, right.kind, right.reason) == (first, "home_visit", "Wrong flat.")
    with pytest.raises(StepRefused, match="already"):
        timeline.correct(first, text="Away.", on=today, reason="Again", by=as_police)
    gone = timeline.correct(right, text="", on=today, reason="Another person", by=as_police)
    with pytest.raises(StepRefused, match="withdrawn"):
        timeline.correct(gone, text="Back.", on=today, reason="Again", by=as_police)
    with pytest.raises(ProgrammingError), transaction.atomic():
        Entry.objects.filter(pk=first.pk).update(text="Something else")
    assert list(Entry.objects.standing()) == []


def test_rules_see_what_stands_since_a_day_in_one_question(case, merton, as_police, django_assert_num_queries):
    today = clock.today()
    other = factories.case(merton)
    for days in (8, 7, 0):
        timeline.note(case, "arrest", on=today - timedelta(days=days), text=f"{days} days ago", by=as_police)
    wrong = timeline.note(case, "charge", on=today, text="Charged", by=as_police)
    timeline.correct(wrong, text="", on=today, reason="Released without charge", by=as_police)

    with django_assert_num_queries(1):
        found = timeline.shows([case, other], today - timedelta(days=7))
    assert [entry.text for entry in found[case.pk]] == ["7 days ago", "0 days ago"]
    assert found[other.pk] == ()


def test_agency_is_told_that_somebody_it_protects_may_be_named(case, as_police, housing):
    factories.related(case.offender, housing, name="Ola Fieldmouse")
    timeline.note(case, "note", on=clock.today(), text="Left with Ola Fieldmouse.", by=as_police)

    told = Notification.objects.filter(kind="victim_named").get()
    assert told.recipient == housing.user
    assert "Fieldmouse" not in told.text
