"""Dates of meetings are kept with what they were counted from; the open ones follow a change (security.md T3, T4)."""

import threading
from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import connection

from iom import holidays, stored_dates, walls
from iom.access import actor_for
from iom.clock import LONDON
from iom.holidays import add_holiday, publish, remove_holiday
from iom.models import (
    AuditEvent,
    BankHoliday,
    Body,
    Meeting,
    Notification,
    PolicyVersion,
    Scheme,
    SchemeHoliday,
    StoredDate,
)
from iom.models.dates import holidays_in
from iom.steps import StepRefused
from iom.stored_dates import Moved, restore, restore_all, store
from iom.working_days import english_holidays, shipped
from panels import meetings
from referrals.models import CheckRequest
from tests import factories

TODAY = date(2026, 2, 26)
PANEL = date(2026, 3, 12)
SOURCE = "Council notice 12 of 2026"


@pytest.fixture(autouse=True)
def in_february():
    with time_machine.travel(datetime(2026, 2, 26, 9, 0, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL, chair=chair)


@pytest.fixture
def admin(merton):
    return actor_for(factories.member(merton, "scheme_admin"))


def fresh(meeting):
    """The meeting as another request meets it."""
    return Meeting.objects.select_related("scheme", "body").get(pk=meeting.pk)


def dates_of(meeting):
    return {deadline.name: deadline.date for deadline in fresh(meeting).dates}


def new_rules(scheme, *, on=TODAY, body="panel", **counts):
    """The next version of the scheme's rules, with other counts of days for some dates of a body."""
    last = scheme.policy_on(TODAY)
    document = last.policy.model_dump(mode="json")
    panel = next(each for each in document["bodies"] if each["slug"] == body)
    for name, count in counts.items():
        panel["deadlines"][name] |= {"count": count}
    return PolicyVersion.objects.create(
        scheme=scheme, number=last.number + 1, valid_from=on, document=document, reason="Tried another week"
    )


# --- stored when planned or moved


@pytest.mark.django_db
def test_planning_keeps_each_date_with_rule_source_and_versions(merton, as_coordinator):
    meeting = meetings.plan(
        body=factories.of_first_body(merton), on=PANEL, starts_at=time(10), minutes_long=120, by=as_coordinator
    )

    row = StoredDate.objects.get(meeting=meeting, name="agenda_due")
    assert (row.date, row.due_at, row.kind) == (date(2026, 3, 5), time(17), "must")
    assert (row.rule, row.source) == ("7 calendar days before the meeting", "Merton, step 2")
    assert (row.policy_version, row.holidays_version) == (merton.policy_version, "1.0")
    assert (row.counted_from, row.holidays_known_to) == (PANEL, date(2028, 12, 31))
    assert row.fixed_at is None
    assert StoredDate.objects.filter(meeting=meeting).count() == 4


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("scheme", "body", "day"),
    [
        ("merton", "panel", PANEL),
        ("richmond", "asb", date(2026, 5, 12)),
        ("london", "daily", PANEL),
        ("hampshire", "macc", date(2028, 12, 28)),
    ],
    ids=["calendar-days", "over-a-bank-holiday", "no-dates-at-all", "past-the-table"],
)
def test_what_is_read_back_is_what_was_computed(scheme, body, day):
    scheme = factories.scheme(scheme)
    meeting = factories.meeting(scheme, day, body=scheme_body(scheme, body))

    computed, stored = meeting.body.dates_on(day), fresh(meeting).dates

    assert list(stored) == list(computed)
    assert (stored.warnings, stored.holidays_known_to) == (computed.warnings, computed.holidays_known_to)
    assert (stored.rules, stored.holidays) == (1, "1.0")


def scheme_body(scheme, slug):
    return Body.objects.get(scheme=scheme, slug=slug)


@pytest.mark.django_db
def test_moving_a_meeting_counts_all_its_dates_anew(merton, meeting, as_coordinator):
    StoredDate.objects.filter(meeting=meeting).update(fixed_at=datetime(2026, 2, 20, tzinfo=UTC))

    meetings.change(
        meeting,
        on=date(2026, 4, 9),
        starts_at=meeting.starts_at,
        minutes_long=120,
        place=meeting.place,
        chair=meeting.chair,
        by=as_coordinator,
    )

    assert dates_of(meeting)["agenda_due"] == date(2026, 4, 2)
    rows = StoredDate.objects.filter(meeting=meeting)
    assert {(row.counted_from, row.fixed_at, row.version) for row in rows} == {(date(2026, 4, 9), None, 2)}


@pytest.mark.django_db
def test_dates_of_many_meetings_take_one_query(merton, chair, django_assert_num_queries):
    for number in range(3):
        factories.meeting(merton, PANEL + timedelta(days=number), chair=chair)
    rows = list(Meeting.objects.select_related("body"))
    scheme = Scheme.objects.get(pk=merton.pk)
    for row in rows:
        row.scheme = scheme

    with django_assert_num_queries(1):
        assert [row.dates.agenda_due.date for row in rows if row.dates.checks_due.date]


@pytest.mark.django_db
@pytest.mark.parametrize("days_ago", [200, 201], ids=["read-with-the-others", "read-by-itself"])
def test_dates_of_long_ago_are_those_that_were_stored(merton, chair, days_ago):
    held = factories.meeting(merton, TODAY - timedelta(days=days_ago), chair=chair, status="signed")
    new_rules(merton, on=date(2020, 1, 2), agenda=5)

    assert dates_of(held)["agenda_due"] == held.date - timedelta(days=7)


@pytest.mark.django_db
def test_dates_of_one_long_ago_are_asked_for_once(merton, chair, django_assert_num_queries):
    for stored in (True, False):
        held = factories.meeting(merton, date(2025, 3, 12 + stored), chair=chair, status="signed")
        if not stored:
            StoredDate.objects.filter(meeting=held).delete()
        old = fresh(held)
        assert (old.dates.rules is not None) is stored

        with django_assert_num_queries(0):
            assert old.dates.agenda_due.date


@pytest.mark.django_db
def test_dates_that_are_not_stored_are_counted_by_today_s_rules(meeting):
    StoredDate.objects.all().delete()

    assert dates_of(meeting)["agenda_due"] == date(2026, 3, 5)
    assert fresh(meeting).dates.rules is None


# --- what follows a change of the rules


@pytest.mark.django_db
def test_dates_stay_as_stored_until_they_are_restored(merton, meeting):
    new_rules(merton, agenda=5)

    assert dates_of(meeting)["agenda_due"] == date(2026, 3, 5)


@pytest.mark.django_db
def test_change_of_the_rules_moves_the_open_dates_and_lists_them(merton, meeting):
    rules = new_rules(merton, agenda=5, nominations=8)

    moved = restore(merton)

    assert moved == [
        Moved("2026-03-12", "nominations_close", date(2026, 3, 2), date(2026, 3, 4)),
        Moved("2026-03-12", "agenda_due", date(2026, 3, 5), date(2026, 3, 7)),
    ]
    assert moved[1].words == "Agenda due: Saturday 7 March 2026, was Thursday 5 March 2026"
    dates = fresh(meeting).dates
    assert (dates.agenda_due.date, dates.agenda_due.moved_from) == (date(2026, 3, 7), date(2026, 3, 5))
    assert dates.agenda_due.rule == "5 calendar days before the meeting"
    assert (dates.rules, dates.checks_due.moved_from) == (rules.number, None)


@pytest.mark.django_db
def test_restoring_twice_moves_and_tells_once(merton, meeting, coordinator):
    new_rules(merton, agenda=5)

    assert [len(restore(merton)), len(restore(merton))] == [1, 0]
    assert Notification.objects.filter(kind="dates_moved").count() == 1
    assert AuditEvent.objects.filter(verb="move_dates").count() == 1


@pytest.mark.django_db
def test_restoring_what_has_not_changed_writes_nothing(merton, meeting):
    before = list(StoredDate.objects.order_by("pk").values())

    assert restore(merton) == []
    assert list(StoredDate.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_audit_of_a_move_names_the_dates_and_the_versions_but_no_value(merton, meeting):
    new_rules(merton, agenda=5)

    restore(merton)

    event = AuditEvent.objects.get(verb="move_dates")
    assert (event.actor, event.caused_by, event.fields) == ("task", "restore_dates", ["agenda_due"])
    assert event.context == {"meeting": "2026-03-12", "rules": 2, "holidays": "1.0"}


@pytest.mark.django_db
def test_coordinators_read_from_where_to_where(merton, meeting, coordinator, chair):
    new_rules(merton, agenda=5)

    restore(merton)

    told = Notification.objects.get(kind="dates_moved")
    assert (told.recipient, told.text) == (coordinator.user, "Dates changed: panel of 12 March")
    assert told.url == "/meetings/2026-03-12/edit/"
    assert "- Agenda due: Saturday 7 March 2026, was Thursday 5 March 2026" in told.email_body


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "moves"),
    [("2026-03-02T23:59:59.999999", True), ("2026-03-03T00:00:00", False)],
    ids=["last-instant-of-its-day", "midnight"],
)
def test_date_that_has_passed_stays(merton, meeting, now, moves):
    new_rules(merton, nominations=8)

    with time_machine.travel(datetime.fromisoformat(now).replace(tzinfo=LONDON), tick=False):
        moved = restore(merton)

    assert [each.name for each in moved] == ["nominations_close"] * moves
    row = StoredDate.objects.get(meeting=meeting, name="nominations_close")
    assert (row.fixed_at is None) is moves
    assert row.policy_version.number == (2 if moves else 1)


@pytest.mark.django_db
@pytest.mark.parametrize(("now", "moves"), [("2026-03-05T16:59:59", True), ("2026-03-05T17:00:00", False)])
def test_agenda_is_due_at_five_in_london(merton, meeting, now, moves):
    new_rules(merton, agenda=5)

    with time_machine.travel(datetime.fromisoformat(now).replace(tzinfo=LONDON), tick=False):
        assert bool(restore(merton)) is moves


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "open_dates"),
    [
        ("draft", ["agenda_due", "checks_due", "minutes_due", "nominations_close"]),
        ("agenda_sent", ["checks_due", "minutes_due", "nominations_close"]),
        ("live", ["minutes_due"]),
        ("adjourned", ["minutes_due"]),
        ("minutes_drafted", ["minutes_due"]),
        ("signed", []),
        ("cancelled", []),
    ],
)
def test_date_whose_work_is_done_stays(merton, meeting, status, open_dates):
    Meeting.objects.filter(pk=meeting.pk).update(status=status)
    new_rules(merton, nominations=8, agenda=5, checks=2, minutes=4)

    moved = restore(merton)

    assert sorted(each.name for each in moved) == open_dates
    fixed = StoredDate.objects.filter(meeting=meeting).exclude(fixed_at=None)
    assert {(row.fixed_at, row.policy_version.number) for row in fixed} <= {(datetime(2026, 2, 26, 9, tzinfo=UTC), 1)}
    assert fixed.count() == 4 - len(open_dates)


@pytest.mark.django_db
def test_rules_that_hold_from_a_later_day_move_dates_on_that_day(merton, meeting):
    new_rules(merton, on=date(2026, 3, 1), agenda=5)

    assert restore_all() == 0
    with time_machine.travel(datetime(2026, 3, 1, 0, 0, tzinfo=LONDON), tick=False):
        assert restore_all() == 1


@pytest.mark.django_db
def test_checks_that_are_still_asked_follow(merton, meeting, housing):
    open_request = factories.check_request(meeting, housing.agency)
    closed = factories.check_request(
        meeting, housing.agency, due_on=date(2026, 3, 9), closed_at=datetime(2026, 2, 25, tzinfo=UTC)
    )
    new_rules(merton, checks=2)

    restore(merton)

    due = dict(CheckRequest.objects.values_list("pk", "due_on"))
    assert (due[open_request.pk], due[closed.pk]) == (date(2026, 3, 10), date(2026, 3, 9))


@pytest.mark.django_db
def test_another_scheme_s_dates_do_not_move(merton, meeting):
    other = factories.scheme("richmond")
    there = factories.meeting(other, date(2026, 4, 14))
    with walls.within(other, cause="test"):
        before = dates_of(there)
    new_rules(merton, agenda=5)

    restore(merton)

    with walls.within(other, cause="test"):
        assert dates_of(there) == before
        assert not AuditEvent.objects.filter(verb="move_dates").exists()


@pytest.mark.django_db
def test_one_scheme_that_breaks_keeps_no_other_from_its_dates(merton, meeting):
    broken = factories.scheme("london")
    factories.meeting(broken, PANEL)
    with walls.within(broken, cause="test"):
        PolicyVersion.objects.create(scheme=broken, number=2, valid_from=TODAY, document={}, reason="Spoilt")
    new_rules(merton, agenda=5)

    with pytest.raises(stored_dates.RestoreFailed, match="1 dates moved. Not counted: london"):
        restore_all()
    assert dates_of(meeting)["agenda_due"] == date(2026, 3, 7)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "day", "rules", "fixed"),
    [("draft", PANEL, 2, 0), ("signed", date(2026, 2, 12), 1, 4)],
    ids=["coming-by-today-s-rules", "held-by-those-of-its-day"],
)
def test_meeting_from_before_dates_were_stored_gets_its_own(merton, chair, status, day, rules, fixed):
    meeting = factories.meeting(merton, day, chair=chair, status=status)
    StoredDate.objects.all().delete()
    new_rules(merton, on=date(2026, 2, 20), agenda=5)

    assert restore(merton) == []

    rows = StoredDate.objects.filter(meeting=meeting)
    assert {row.policy_version.number for row in rows} == {rules}
    assert rows.exclude(fixed_at=None).count() == fixed


@pytest.mark.usefixtures("committed")
def test_two_that_restore_at_once_move_and_tell_once():
    with time_machine.travel(datetime(2026, 2, 26, 9, 0, tzinfo=LONDON), tick=False):
        scheme = factories.scheme("merton")
        factories.member(scheme, "coordinator")
        factories.meeting(scheme, PANEL)
        with walls.within(scheme, cause="test"):
            new_rules(scheme, agenda=5)
        barrier, moved = threading.Barrier(4), []

        def run():
            try:
                mine = Scheme.objects.get(pk=scheme.pk)
                barrier.wait()
                moved.extend(restore(mine))
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(moved) == 1
        with walls.within(scheme, cause="test"):
            assert Notification.objects.filter(kind="dates_moved").count() == 1
            assert StoredDate.objects.get(name="agenda_due").version == 2


# --- on the page


@pytest.mark.django_db
@pytest.mark.feature(303)
def test_page_of_a_meeting_says_where_a_date_stood_and_by_what_it_was_counted(merton, meeting, coordinator, sign_in):
    new_rules(merton, agenda=5)
    restore(merton)

    html = sign_in(coordinator).get("/meetings/2026-03-12/edit/").content.decode()

    assert "Was Thursday 5 March 2026, before the rules or the bank holidays changed" in html
    assert "Bank holidays are known until Sunday 31 December 2028" in html
    assert "Counted by version 2 of the scheme" in html and "version 1.0 of the bank holidays" in html


@pytest.mark.django_db
def test_dates_of_a_meeting_not_yet_planned_name_no_versions(merton, coordinator, sign_in):
    body = factories.of_first_body(merton)
    form = {
        "body": str(body.pk),
        "date": "9 1 2029",
        "starts_at": "10",
        "minutes_long": "120",
        "place": "",
        "chair": "",
    }

    html = sign_in(coordinator).post("/meetings/new/", form | {"show": "1"}).content.decode()

    assert "Bank holidays not yet known for 2029-01-09" in html
    assert "Bank holidays are known until Sunday 31 December 2028." in html
    assert "Counted by version" not in html


# --- the table of bank holidays


@pytest.mark.django_db
def test_table_in_the_database_is_the_one_that_ships(merton):
    rows = BankHoliday.objects.all()

    assert [(row.date, row.name, row.source) for row in rows] == [(r.date, r.name, r.source) for r in shipped()]
    assert {(row.added_in, row.withdrawn_in) for row in rows} == {(1, None)}
    held = holidays_in(merton)
    assert (held.days, held.known_to, held.version) == (english_holidays().days, date(2028, 12, 31), "1.0")


@pytest.mark.django_db
def test_without_rows_the_table_that_ships_holds(merton):
    BankHoliday.objects.all().delete()

    assert holidays_in(merton).why_closed(date(2026, 12, 25)) == "bank holiday (Christmas Day)"


@pytest.mark.django_db
def test_adding_a_day_moves_what_counts_working_days_over_it(merton, meeting, admin):
    moved = add_holiday(date(2026, 3, 10), "Town hall closed", SOURCE, by=admin)

    assert moved == [Moved("2026-03-12", "checks_due", date(2026, 3, 9), date(2026, 3, 6))]
    deadline = fresh(meeting).dates.checks_due
    assert [skipped.why for skipped in deadline.skipped if skipped.date == date(2026, 3, 10)] == [
        "scheme's own day (Town hall closed)"
    ]
    assert fresh(meeting).dates.holidays == "1.1"
    event = AuditEvent.objects.get(verb="add_holiday")
    assert (event.actor, event.fields) == (admin.label, ["date", "name", "source"])
    assert "Town hall" not in str(event.context)


@pytest.mark.django_db
def test_taking_the_day_back_moves_them_back(merton, meeting, admin):
    add_holiday(date(2026, 3, 10), "Town hall closed", SOURCE, by=admin)

    moved = remove_holiday(date(2026, 3, 10), SOURCE, by=admin)

    assert moved == [Moved("2026-03-12", "checks_due", date(2026, 3, 6), date(2026, 3, 9))]
    row = SchemeHoliday.objects.get()
    assert (row.added_in, row.withdrawn_in) == (1, 2)
    assert AuditEvent.objects.filter(verb="remove_holiday", has_reason=True).count() == 1


@pytest.mark.django_db
def test_scheme_may_work_on_a_bank_holiday_and_take_that_back(merton, admin):
    boxing_day = date(2026, 12, 28)

    remove_holiday(boxing_day, SOURCE, by=admin)
    assert holidays_in(Scheme.objects.get(pk=merton.pk)).why_closed(boxing_day) is None

    add_holiday(boxing_day, "Boxing Day", SOURCE, by=admin)
    assert holidays_in(Scheme.objects.get(pk=merton.pk)).why_closed(boxing_day) == "bank holiday (Boxing Day)"
    assert holidays_in(merton).version == "1.2"


@pytest.mark.django_db
def test_one_scheme_s_days_are_no_other_s(merton, admin):
    other = factories.scheme("richmond")

    add_holiday(date(2026, 3, 10), "Town hall closed", SOURCE, by=admin)
    remove_holiday(date(2026, 12, 25), SOURCE, by=admin)

    assert holidays_in(other).why_closed(date(2026, 3, 10)) is None
    assert holidays_in(other).why_closed(date(2026, 12, 25)) == "bank holiday (Christmas Day)"


@pytest.mark.django_db
def test_days_beyond_the_table_do_not_make_it_known(merton, admin):
    add_holiday(date(2029, 1, 1), "New Year's Day", SOURCE, by=admin)

    assert holidays_in(merton).known_to == date(2028, 12, 31)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "name", "source", "words"),
    [
        (date(2026, 12, 25), "Christmas", SOURCE, "in the table already"),
        (date(2026, 3, 9), "Closed", SOURCE, "in the table already"),
        (date(2026, 3, 10), " ", SOURCE, "what the day is called"),
        (date(2026, 3, 10), "Closed", "", "where it is announced"),
        (date(1899, 12, 31), "Closed", SOURCE, "between 1900 and 2100"),
        (date(2101, 1, 1), "Closed", SOURCE, "between 1900 and 2100"),
    ],
)
def test_day_is_not_added(merton, admin, day, name, source, words):
    add_holiday(date(2026, 3, 9), "Closed", SOURCE, by=admin)

    with pytest.raises(StepRefused, match=words):
        add_holiday(day, name, source, by=admin)
    assert SchemeHoliday.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "source", "words"),
    [(date(2026, 3, 10), SOURCE, "not in the table"), (date(2026, 12, 25), "", "where it is announced")],
)
def test_day_is_not_removed(admin, day, source, words):
    with pytest.raises(StepRefused, match=words):
        remove_holiday(day, source, by=admin)
    assert not SchemeHoliday.objects.exists()


@pytest.mark.django_db
def test_only_the_scheme_s_administrator_changes_its_days(as_coordinator, as_chair, as_police):
    for actor in (as_coordinator, as_chair, as_police):
        with pytest.raises(PermissionDenied):
            add_holiday(date(2026, 3, 10), "Closed", SOURCE, by=actor)
        with pytest.raises(PermissionDenied):
            remove_holiday(date(2026, 12, 25), SOURCE, by=actor)


# --- a new list from the government


def listed(*changes, until=2028):
    rows = {row.date: row for row in shipped() if row.date.year <= until}
    for row in changes:
        rows[row.date] = row
    return list(rows.values())


@pytest.mark.django_db
def test_same_list_again_is_no_new_version():
    assert publish(shipped()) == holidays.Published(1, (), ())


@pytest.mark.django_db
def test_new_list_moves_a_day_and_keeps_the_past_of_the_table(merton, meeting):
    moved_day = holidays.Listed(date(2026, 3, 10), "A day for all", "Proclamation of 2026")
    rows = [row for row in listed(moved_day) if row.date != date(2026, 5, 4)]

    assert publish(rows) == holidays.Published(2, (date(2026, 3, 10),), (date(2026, 5, 4),))

    gone = BankHoliday.objects.get(date=date(2026, 5, 4))
    assert (gone.added_in, gone.withdrawn_in) == (1, 2)
    assert [each.name for each in restore(merton)] == ["checks_due"]
    assert fresh(meeting).dates.holidays == "2.0"


@pytest.mark.django_db
def test_list_of_one_year_leaves_the_others_alone(merton):
    christmas = holidays.Listed(date(2029, 12, 25), "Christmas Day", "GOV.UK")

    assert publish([christmas]) == holidays.Published(2, (date(2029, 12, 25),), ())
    assert holidays_in(merton).known_to == date(2029, 12, 31)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "days",
    [[], [date(2029, 1, 1), date(2029, 1, 1)], [date(2029, 1, 1), date(2031, 1, 1)]],
    ids=["none", "twice", "gap"],
)
def test_list_that_cannot_be_whole_is_refused(days):
    with pytest.raises(ValueError):
        publish([holidays.Listed(day, "A day", "GOV.UK") for day in days])
    assert BankHoliday.objects.count() == len(shipped())
