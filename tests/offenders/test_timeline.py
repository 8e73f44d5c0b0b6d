"""The log of a case: who writes, who reads, how it is put right, and what rules see of it (ux.md 4.5; security.md Z6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from iom import clock
from iom.access import actor_for, task_actor
from iom.models import AuditEvent, Notification
from iom.steps import StepRefused
from offenders import actions, timeline
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
    assert found[case.pk] == (("arrest", today - timedelta(days=7), False), ("arrest", today, False))
    assert found[other.pk] == ()


def test_agency_is_told_that_somebody_it_protects_may_be_named(case, as_police, housing):
    factories.related(case.offender, housing, name="Ola Fieldmouse")
    timeline.note(case, "note", on=clock.today(), text="Left with Ola Fieldmouse.", by=as_police)

    told = Notification.objects.filter(kind="victim_named").get()
    assert told.recipient == housing.user
    assert "Fieldmouse" not in told.text


# --- The page ------------------------------------------------------------------


def shown(client, case, **asked) -> str:
    answer = client.get(f"/cases/{case.reference}/timeline/", asked)
    assert answer.status_code == 200
    return answer.content.decode()


TYPED = {
    "kind": "home_visit",
    "happened_on": "",
    "time": "",
    "text": "At home, sober.",
    "source": "Officer in the case",
    "handling": "panel",
}


@pytest.mark.feature(309)
def test_member_adds_and_puts_right_and_both_stand_on_the_page(case, police, coordinator, sign_in):
    today = clock.today()
    page, typed = sign_in(police), f"{today.day} {today.month} {today.year}"
    add = f"/cases/{case.reference}/timeline/add/"
    refused = page.post(add, TYPED | {"handling": "", "time": "25:00"}).content.decode()
    assert "Choose who can read it" in refused and "must be a real time" in refused and "Enter the date" in refused
    assert 'checked' not in refused.split("Who can read it")[1]  # fmt: skip
    tomorrow = today + timedelta(days=1)
    late = page.post(add, TYPED | {"happened_on": f"{tomorrow.day} {tomorrow.month} {tomorrow.year}"})
    assert "must be today or earlier" in late.content.decode()
    answer = page.post(add, TYPED | {"happened_on": typed, "time": "9:30am"})
    assert (answer.status_code, answer["Location"]) == (302, f"/cases/{case.reference}/timeline/")
    # Nothing of the last entry is carried over into the next.
    assert "checked" not in page.get(add).content.decode().split("Who can read it")[1]
    entry = Entry.objects.get()
    assert clock.local(entry.happened_at).strftime("%H:%M") == "09:30"

    said = shown(page, case)
    assert "At home, sober." in said and "Officer in the case" in said and "Tom Dunn" in said
    correct = f"/cases/{case.reference}/timeline/{entry.pk}/correct/"
    put_right = {"what": "correct", "happened_on": typed, "text": "Not at home.", "reason": "Another flat."}
    assert "Enter what happened" in page.post(correct, put_right | {"text": ""}).content.decode()
    assert page.post(correct, put_right).status_code == 302
    said = shown(page, case)
    assert "Not at home." in said and "<del>At home, sober.</del>" in said and "Another flat." in said
    # Somebody of another agency reads both and corrects neither.
    others = sign_in(coordinator)
    assert "<del>At home, sober.</del>" in shown(others, case)
    assert f"/timeline/{Entry.objects.last().pk}/correct/" not in shown(others, case)
    assert others.get(f"/cases/{case.reference}/timeline/{Entry.objects.last().pk}/correct/").status_code == 403
    latest = Entry.objects.get(corrects=entry)
    page.post(f"/cases/{case.reference}/timeline/{latest.pk}/correct/", {"what": "withdraw", "reason": "Not them."})
    assert "Not at home." in shown(page, case)
    said = shown(others, case)
    assert "withdrawn" in said and "Not them." in said and "Not at home." not in said and "sober" not in said


@pytest.mark.feature(125)
def test_timeline_tells_every_rating_lead_custody_decision_and_filters_them(case, as_coordinator, police, sign_in):
    today = clock.today()
    actions.rate(case, "AMBER", on=today - timedelta(days=3), reason="Keeps his appointments.", by=as_coordinator)
    actions.rate(case, "GREEN", on=today, reason="In work.", by=as_coordinator)
    agency = police.agency
    actions.assign(case, "lead_professional", agency=agency, membership=police, on=today, by=as_coordinator)
    factories.entry(case, police, text="Seen in town.", happened_on=today - timedelta(days=40))
    page = sign_in(police)

    said = shown(page, case)
    for words in ("Rated Green", "In work.", "Rated Amber", "Keeps his appointments.", "Lead professional: Tom Dunn"):
        assert words in said
    assert said.index("Rated Green") < said.index("Rated Amber") < said.index("Seen in town.")
    ratings = shown(page, case, type="rating")
    assert "Rated Amber" in ratings and "Seen in town." not in ratings and "Lead professional: Tom" not in ratings
    late = shown(page, case, since=(today - timedelta(days=3)).isoformat())
    assert "Rated Green" in late and "Rated Amber" not in late
    wrong = shown(page, case, since="soon", type="nonsense")
    assert "must be a real date" in wrong and "Seen in town." in wrong


@pytest.mark.feature(309)
def test_marked_entry_is_absent_from_page_search_export_and_audit_of_who_may_not_read_it(
    case, as_police, police, housing, coordinator, sign_in
):
    marked = {"handling": "police_probation", "source": "Moonlight report"}
    timeline.note(case, "intelligence", on=clock.today(), text="Zyzzyva stores tools.", by=as_police, **marked)
    factories.signed(coordinator)

    assert "Zyzzyva" in shown(sign_in(police), case)
    page = sign_in(coordinator)
    for address in ("", "timeline/", "timeline/?type=intelligence", "audit/"):
        said = page.get(f"/cases/{case.reference}/{address}").content.decode()
        assert "Zyzzyva" not in said and "Moonlight" not in said and "Only police" not in said
    assert "Intelligence (1)" not in shown(page, case)
    assert "Zyzzyva" not in page.get("/cases/").content.decode()


def test_names_that_the_writer_may_know_are_refused_while_typing(case, housing, sign_in):
    factories.related(case.offender, housing, name="Ola Fieldmouse")
    factories.named(case, housing)
    actions_page = sign_in(housing)
    typed = TYPED | {"happened_on": "1 1 2024", "text": "Argued with Ola Fieldmouse."}

    answer = actions_page.post(f"/cases/{case.reference}/timeline/add/", typed)
    assert "Do not name a victim here" in answer.content.decode()
    assert not Entry.objects.exists()


def test_pages_of_the_timeline_ask_the_same_questions_however_long_it_is(case, police, sign_in):
    page = sign_in(police)
    factories.entry(case, police)
    shown(page, case)  # what is kept between requests is read once
    with CaptureQueriesContext(connection) as few:
        shown(page, case)
    for _ in range(40):
        factories.entry(case, police)
    shown(page, case)  # what is kept between requests is read once
    with CaptureQueriesContext(connection) as many:
        said = shown(page, case)

    assert len(many) == len(few)
    assert 'rel="next"' in said
    assert 'rel="prev"' in shown(page, case, page="2")


@pytest.mark.feature(146)
def test_police_write_down_custody_and_court_attendance_and_work_out_of_hours(sign_in):
    london = factories.scheme("london")
    officer = factories.member(london, "member", agency_kind="police", name="Kit Sample")
    case, today = factories.case(london), clock.today()
    factories.act_in(london)
    page = sign_in(officer)
    for kind in ("custody_visit", "court_attendance", "out_of_hours"):
        typed = {"kind": kind, "happened_on": f"{today.day} {today.month} {today.year}", "text": f"{kind} was done."}
        assert page.post(f"/cases/{case.reference}/timeline/add/", TYPED | typed).status_code == 302

    said = shown(page, case)
    for words in ("Seen in police custody", "Court attendance", "Out of hours", "by Kit Sample, Police"):
        assert words in said
    assert "court_attendance was done." not in shown(page, case, type="custody_visit")
