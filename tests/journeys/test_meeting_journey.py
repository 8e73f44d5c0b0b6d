"""Journey C of ux.md 6: from the room filling up to signed minutes and sent notices; counted.

Fifteen items: ten reviews without a change, three changed ratings, two nominations accepted. The live meeting is one page
that a button draws again for the next item. Going live itself is a button of its own that ux.md does not count. The
worker's part (PDF, e-mails) is done by the same handlers in this process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core import mail
from playwright.sync_api import Locator

from iom import clock, outbox, walls
from iom.access import actor_for
from actionplans.models import Action
from iom.models import Agency, Meeting, Membership, Scheme, User
from offenders.models import Case
from panels import agenda, circulation
from panels.agenda import Wanted
from panels.models import AgendaItem, Attendance, Decision, Minutes, Notice, Section
from referrals import actions as referrals
from tests import factories
from tests.factories.signing_in import SECRET, with_app
from tests.journeys.counting import (
    AFTER_MEETING_EFFORT,
    ALL_ITEMS_RECORDED,
    JOURNEY_C,
    Cost,
    Counted,
    Journey,
    Keyboard,
)
from tests.journeys.room import served

pytestmark = pytest.mark.browser

ROOM, SAME, CHANGED, ACCEPTED, CLOSE, SIGN, SEND = JOURNEY_C
# Pages whose button leads back to themselves.
PAGES_OF_FORMS = ("attendance/", "minutes/", "notices/")
REASONS = ("Missed two appointments.", "Arrested on 3 November.", "Engaged since October.")
ACTIONS = ("Housing: confirm the tenancy by 2w", "Police: check the curfew by 2w")
COLOURS = ("RED", "RED", "GREEN")
WHY = "Three burglaries since October."


@dataclass
class Evening:
    """A panel of today whose agenda is out, and its people."""

    scheme: Scheme
    coordinator: Membership
    chair: Membership
    table: list[Membership]
    meeting: Meeting | None = None

    def held(self, model, **lookup) -> list:
        with walls.within(self.scheme, cause="test"):
            return list(model.objects.filter(**lookup))


class Recorder(Keyboard):
    """Somebody with a mouse who records with the keyboard, and clicks to choose a decision and to go elsewhere."""

    chairs = Counted

    def click(self, target: Locator) -> Recorder:
        Counted._activate(self, target)
        return self

    def keys(self, combination: str) -> Recorder:
        self._acts(keys=len(combination.split("+")))
        self.page.keyboard.press(combination)
        return self

    def typed(self, words: str) -> Recorder:
        self._acts(keys=len(words))
        self.page.keyboard.type(words)
        return self

    def sent(self, combination: str) -> Recorder:
        """Keys that post the form; the page that comes is looked at."""
        with self.page.expect_navigation(wait_until="load"):
            self.keys(combination)
        self.look()
        return self

    def press(self, words: str, *, within: str = "main") -> Recorder:
        """With the mouse, as far as there is one."""
        if isinstance(self, WithoutMouse):
            super().press(words, within=within)
        else:
            with self.page.expect_navigation(wait_until="load"):
                self.click(self._button(words, within))
            self.look()
        return self

    def press_like(self, pattern: str) -> Recorder:
        words = self.page.locator("main").get_by_role("button", name=re.compile(pattern)).first.inner_text()
        return self.press(words)

    def to(self, selector: str) -> Recorder:
        self.tab_to(self.page.locator(f"main {selector}").first)
        return self


class WithoutMouse(Recorder):
    """Without a mouse at all; wherever the focus goes it is seen."""

    chairs = Keyboard


@pytest.fixture
def address(committed, monkeypatch):
    # Playwright's loop runs in this thread, and the tests look into the database from it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with served() as address:
        yield address


def arranged(*, same: int, changed: int, accepted: int) -> Evening:
    """So many reviews that stay, ratings that change, and nominations; the agenda is out and most have replied."""
    merton = factories.scheme("merton")
    coordinator = factories.member(merton, "coordinator", name="Priya Shah")
    chair = factories.member(merton, "chair", "member", agency_kind="probation", name="Grace Adeyemi")
    with walls.within(merton, cause="test"):
        made = Evening(merton, coordinator, chair, [chair])
        seated(made)
        today, by = clock.today(), actor_for(coordinator)
        made.meeting = factories.meeting(merton, today, chair=chair)
        for number in range(accepted):
            person = factories.offender(merton, family_name=f"Nominee{number}", given_names="Ray")
            referral = factories.scorable(
                merton, made.table[1], status="with_coordinator", who=person, supervision="yes"
            )
            referrals.put_to_panel(referral, meeting=made.meeting, agencies=[], by=by)
        since = today - timedelta(days=60)
        cases = [factories.case(merton, colour="AMBER", since=since) for _ in range(same + changed)]
        last_month(made, cases)
        agenda.add_items(made.meeting, [Wanted(Section.REVIEWS, case=case, why="Every case") for case in cases], by=by)
        agenda.send_agenda(made.meeting, by=by)
        made.meeting.refresh_from_db()
        for person in made.table[:11]:
            circulation.answer(made.meeting, "yes", by=actor_for(person))
    for person in (coordinator, chair):
        with_app(person.user)
    outbox.drain()
    mail.outbox.clear()
    return made


def last_month(made: Evening, cases: list[Case]) -> None:
    """Every case came up a month ago and stayed, without a concern about harm: what stays is there to be said again."""
    on = clock.today() - timedelta(days=28)
    meeting = factories.meeting(made.scheme, on, chair=made.chair, status="signed")
    for case in cases:
        Decision.objects.create(
            scheme=made.scheme,
            item=factories.agenda_item(meeting, Section.REVIEWS, case=case, state="decided"),
            case=case,
            outcome="no_change",
            colour="AMBER",
            harm="none",
            agencies_here=9,
            policy_version=made.scheme.policy_version,
            decided_at=clock.now() - timedelta(days=28),
            decided_by=made.coordinator.user,
        )


def seated(made: Evening) -> None:
    """Fourteen people round the table; police and housing send two each."""
    there = set(Agency.objects.filter(scheme=made.scheme).values_list("kind", flat=True))
    others = sorted(there - {"probation", "police", "housing"})
    kinds = ["police", "housing", *others, "police", "housing"]
    names = ["Tom Dunn", "Jo Reid", *(f"Sam Sample{number}" for number in range(20))]
    for kind, name in list(zip(kinds, names, strict=False))[:13]:
        made.table.append(factories.member(made.scheme, "member", "referrer", agency_kind=kind, name=name))
    assert len(made.table) == 14, kinds


def enter(person: Counted, who: Membership, page: str) -> Counted:
    """Sign in, with nobody counting."""
    person.key = SECRET
    person.go(page).fill(email=who.user.email, password=factories.PASSWORD).press("Sign in")
    return person.fill(code=person.code()).press("Continue")


def gather(person: Counted, evening: Evening) -> None:
    """Most have said that they come; who did not is asked in the room."""
    person.go(f"/meetings/{evening.meeting.key}/attendance/").sees("ticked from the replies")
    for who in evening.table[11:]:
        row = person.page.locator("main fieldset", has_text=who.user.name).first
        here = row.locator("[type=radio][value=present]").first
        (person._choose if isinstance(person, WithoutMouse) else person.click)(here)
        assert here.is_checked()
    person.press("Save").sees("Attendance saved")


def choose_outcome(recorder: Recorder, outcome: str, key: str | None) -> None:
    """By a click, or by a single key for who has turned them on."""
    radio = recorder.page.locator(f"[name=outcome][value={outcome}]")
    if key is None:
        recorder.click(radio)
    else:
        recorder.keys(key)
    assert radio.is_checked()


def change_rating(recorder: Recorder, number: int, *, by_key: bool) -> None:
    choose_outcome(recorder, "change_rating", "2" if by_key else None)
    recorder.choose("colour", COLOURS[number])
    recorder.to("[name=reason]").typed(REASONS[number])
    recorder.to("[name=quick]").typed(ACTIONS[0]).sent("Enter")
    recorder.sent("Control+Enter")


def accept(recorder: Recorder, *, by_key: bool) -> None:
    choose_outcome(recorder, "accept", "1" if by_key else None)
    recorder.choose("colour", "RED")
    recorder.to("[name=reason]").typed(WHY)
    recorder.to("[name=lead_professional]").typed("Grace")
    recorder.to("[name=police_officer]").typed("Tom")
    recorder.choose("harm", "none")
    for action in ACTIONS:
        recorder.to("[name=quick]").typed(action).sent("Enter")
    recorder.sent("Control+Enter")


def record(recorder: Recorder, journey: Journey, evening: Evening, changing: int, *, by_key: bool) -> None:
    """Item by item, in the order of the agenda; the last reviews are those whose rating changes."""
    items = sorted(evening.held(AgendaItem, meeting=evening.meeting), key=lambda each: each.position)
    first_change = len(items) - changing
    for place, item in enumerate(items):
        recorder.sees(f"Item {place + 1} of {len(items)}")
        if item.referral_id:
            with journey.step(ACCEPTED):
                accept(recorder, by_key=by_key)
        elif place >= first_change:
            with journey.step(CHANGED):
                change_rating(recorder, place - first_change, by_key=by_key)
        else:
            with journey.step(SAME):
                recorder.sent("Control+Enter")


def close_and_send(recorder: Recorder, evening: Evening) -> None:
    recorder.press("Close meeting")
    recorder.press("Close meeting").sees("DRAFT")
    recorder.press("Send to chair").sees("The minutes are with Grace Adeyemi")


def sign(chair: Counted, evening: Evening) -> None:
    chair.go(f"/meetings/{evening.meeting.key}/minutes/review/").sees("Sign the minutes")
    chair.tick("agree").fill(typed_name="Grace Adeyemi").press("Sign minutes").sees("Signed and locked")


def ended_well(evening: Evening, *, items: int, changed: int, accepted: int) -> None:
    decisions = evening.held(Decision, item__meeting=evening.meeting, superseded_by=None)
    assert sorted(each.outcome for each in decisions) == sorted(
        ["no_change"] * (items - changed - accepted) + ["change_rating"] * changed + ["accept"] * accepted
    )
    said = [each.reason for each in decisions if each.outcome == "change_rating"]
    assert sorted(said) == sorted(REASONS[:changed])
    actions = evening.held(Action, meeting=evening.meeting)
    assert len(actions) == changed + 2 * accepted
    assert [each.here for each in evening.held(Attendance, meeting=evening.meeting)] == [True] * 14
    assert all(each.due_on == clock.today() + timedelta(days=14) for each in actions)
    [minutes] = evening.held(Minutes, meeting=evening.meeting)
    assert (minutes.status, minutes.document_id is not None) == ("signed", True)
    notices = evening.held(Notice, meeting=evening.meeting)
    assert [each.status for each in notices] == ["sent"] * accepted
    subjects = [each.subject for each in mail.outbox]
    assert sum("Decision on referral" in each for each in subjects) == accepted
    assert sum(each.startswith("Minutes signed") for each in subjects) >= 1


def meeting_day(
    chromium, address: str, evening: Evening, journey: Journey, kind: type[Recorder], *, changing: int, by_key: bool
) -> list[Counted]:
    key = evening.meeting.key
    recorder, chair = kind(chromium, address, journey=journey), kind.chairs(chromium, address, journey=journey)
    enter(recorder, evening.coordinator, "/")
    with journey.step(ROOM):
        gather(recorder, evening)
    recorder.go(f"/meetings/{key}/live/").press("Start recording")
    record(recorder, journey, evening, changing, by_key=by_key)
    with journey.step(CLOSE):
        close_and_send(recorder, evening)
    enter(chair, evening.chair, "/")
    with journey.step(SIGN):
        sign(chair, evening)
        outbox.drain()
    chair.go(f"/meetings/{key}/minutes/v1/")
    assert chair.page.locator("main a[href$='.pdf']").count() >= 1
    with journey.step(SEND):
        recorder.go(f"/meetings/{key}/notices/")
        recorder.press_like("^Send [0-9]+ notice").sees("Sent")
    outbox.drain()
    return [recorder, chair]


@pytest.mark.feature(301)
@pytest.mark.feature(302)
@pytest.mark.feature(84)
def test_meeting_day_keeps_to_its_targets(chromium, address, mailoutbox, capsys):
    evening = arranged(same=10, changed=3, accepted=2)
    live = f"meetings/{evening.meeting.key}/live/"
    journey = Journey("C", JOURNEY_C, how="mouse and keyboard, single keys off", drawn_again=(live, *PAGES_OF_FORMS))

    people = meeting_day(chromium, address, evening, journey, Recorder, changing=3, by_key=False)

    with capsys.disabled():
        print(journey.table())
    ended_well(evening, items=15, changed=3, accepted=2)
    journey.hold()
    recorded = sum((journey.cost_of(row) for row in (SAME, CHANGED, ACCEPTED)), Cost(0, 0, 0))
    assert recorded.over(ALL_ITEMS_RECORDED) == []
    after = sum((journey.cost_of(row) for row in (CLOSE, SIGN, SEND)), Cost(0, 0, 0))
    assert after.over(AFTER_MEETING_EFFORT) == []
    assert [words for person in people for words in person.complaints] == []


@pytest.mark.feature(301)
def test_meeting_day_with_the_keyboard_alone(chromium, address, mailoutbox, capsys):
    evening = arranged(same=1, changed=1, accepted=1)
    with walls.within(evening.scheme, cause="test"):
        User.objects.filter(pk=evening.coordinator.user_id).update(single_keys=True)
    live = f"meetings/{evening.meeting.key}/live/"
    how = "keyboard alone, single keys on, three items (targets for comparison: fifteen)"
    journey = Journey("C", JOURNEY_C, how=how, drawn_again=(live, *PAGES_OF_FORMS))

    people = meeting_day(chromium, address, evening, journey, WithoutMouse, changing=1, by_key=True)

    with capsys.disabled():
        print(journey.table())
    ended_well(evening, items=3, changed=1, accepted=1)
    # Nobody clicked in the live meeting; an item without a change costs two keys.
    assert [journey.cost_of(row).clicks for row in (SAME, CHANGED, ACCEPTED, CLOSE)] == [0, 0, 0, 0]
    assert journey.cost_of(SAME).keys <= 3
    assert journey.cost_of(CHANGED).keys <= 115
    assert journey.cost_of(ACCEPTED).keys <= 190
    assert [words for person in people for words in person.complaints] == []
