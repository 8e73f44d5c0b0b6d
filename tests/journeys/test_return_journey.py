"""Journey B of ux.md 6: a housing officer's month with eight names, two of them known; counted.

Each stretch begins with the link of the e-mail that asks for it. With a mouse and JavaScript every row is held to its
target, and without JavaScript too, where a page that is shown again after a button is the same page. With the keyboard
alone the same journey ends at the same place without a click.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core import mail
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.test.testcases import QuietWSGIRequestHandler

from actionplans import actions as plans
from actionplans.models import Action
from iom import clock, outbox, reminders, walls
from iom.access import actor_for
from iom.models import Agency, Membership, Scheme
from iom.policy import load_preset
from offenders.models import Case
from panels import agenda
from panels.models import AgreementSignature, Circulation, Section
from referrals import actions as referrals
from referrals import chasing
from referrals.models import AgencyReturn, CheckRequest
from tests import factories
from tests.factories.signing_in import SECRET, with_app
from tests.journeys.counting import JOURNEY_B, JOURNEY_B_NOBODY_KNOWN_CLICKS, Counted, Journey, Keyboard
from tests.journeys.people import Person

pytestmark = pytest.mark.browser

SIGN_IN, RETURN, READY, ACTIONS = JOURNEY_B
NAMES = ("Ashmodel", "Bexample", "Cantrial", "Dummyson", "Emptage", "Fabricott", "Genericks", "Hypothal")
SUMMARIES = (
    "Tenancy at risk: arrears since November, notice served on 3 March. Lets us in when rung first.",
    "Left our hostel in January owing two weeks. No complaints while there. No forwarding address.",
)
NOTES = ("Reference is with the landlord since Tuesday.", "Rang twice, no answer. Visit booked for Friday.")


@dataclass
class Month:
    """A scheme with a panel in three weeks, eight names to check and two actions due; and the e-mails about them."""

    scheme: Scheme
    officer: Membership
    key: str = ""
    requests: list[CheckRequest] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    def link(self, begins: str) -> str:
        """The address in the newest e-mail to the officer whose subject begins so, as far as it is this installation's."""
        mine = [each for each in mail.outbox if each.to == [self.officer.user.email]]
        found = [each for each in mine if each.subject.startswith(begins)]
        assert found, f"No e-mail {begins!r} among {[each.subject for each in mine]}"
        return re.search(r"https?://[^/\s]+(/\S*)", found[-1].body)[1]

    def held(self, model, **lookup) -> list:
        with walls.within(self.scheme, cause="test"):
            return list(model.objects.filter(**lookup))


@pytest.fixture
def address(committed, settings, monkeypatch) -> Iterator[str]:
    """The application, served by threads of this process, with real codes."""
    # Playwright's loop runs in this thread, and the tests look into the database from it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def month(address, mailoutbox) -> Month:
    merton = factories.scheme("merton")
    coordinator = factories.member(merton, "coordinator", name="Priya Shah")
    chair = factories.member(merton, "chair", "member", agency_kind="probation", name="Grace Adeyemi")
    officer = factories.member(merton, "member", agency_kind="housing", name="Jo Reid")
    with_app(officer.user)
    made = Month(merton, officer)
    with walls.within(merton, cause="test"):
        _plan(made, actor_for(coordinator), chair)
    with walls.within(merton, cause="test"):
        reminders.sweep(clock.today())
    outbox.drain()
    return made


def _plan(made: Month, by, chair: Membership) -> None:
    today = clock.today()
    on = today + timedelta(days=21)
    while on.weekday() > 4:
        on += timedelta(days=1)
    meeting = factories.meeting(made.scheme, on, chair=chair)
    made.key = meeting.key
    for name in NAMES:
        person = factories.offender(made.scheme, family_name=name, given_names="Lee")
        [request] = referrals.ask_agencies(
            meeting=meeting, offender=person, agencies=[made.officer.agency], why="review", by=by
        )
        made.requests.append(request)
    case: Case = factories.case(made.scheme)
    agenda.add_item(meeting, section=Section.REVIEWS, case=case, why="Rating to be looked at", by=by)
    agenda.send_agenda(meeting, by=by)
    made.actions = [
        plans.add_action(case=case, text=text, agency=made.officer.agency, owner=made.officer, due_on=today, by=by)
        for text in ("Confirm the tenancy reference", "Visit the flat with the police")
    ]


def enter(person: Counted, link: str, officer: Membership) -> Counted:
    """Follow the link of an e-mail, sign in, and stand at the task."""
    person.key = SECRET
    person.go(link).filled_in_by_browser(email=officer.user.email, password=factories.PASSWORD).press("Sign in")
    person.fill(code=person.code()).press("Continue")
    return lands(person, link)


def lands(person: Counted, link: str) -> Counted:
    here = person.page.url.split("//", 1)[1].partition("/")[2].partition("?")[0]
    assert f"/{here}" == link.partition("?")[0], f"{link} led to /{here}"
    return person


def answer(person: Counted, month: Month, row: int, known: str) -> None:
    name = f"p{month.requests[row].pk}"
    person.choose(f"{name}-known", known).fill(**{f"{name}-summary": SUMMARIES[row]})
    person.choose(f"{name}-family", "no").choose(f"{name}-handling", "panel")


def walk(person: Counted, journey: Journey, month: Month) -> None:
    with journey.step(SIGN_IN):
        enter(person, month.link("Checks due"), month.officer)
    with journey.step(RETURN):
        person.sees("0 of 8 answered")
        answer(person, month, 0, "now")
        answer(person, month, 1, "before")
        person.press_in_place("Mark the rest as not known").sees("Everyone answered")
        person.press("Send return").sees("You have already sent this return")
    with journey.step(READY):
        lands(person.go(month.link("Agenda ready")), month.link("Agenda ready"))
        person.choose("answer", "yes").tick("statement_1").tick("statement_2").fill(typed_name="Jo Reid")
        person.press("I have read this agenda").sees("You signed the information sharing agreement")
    with journey.step(ACTIONS):
        person.go(month.link("2 actions due"))
        for action, note in zip(month.actions, NOTES, strict=True):
            pick(person, action, "Done")
            person.fill(**{f"a{action.pk}-note": note})
        if person.script:
            saved_by_itself(person, month)
        else:
            person.press("Save").sees_not("There is a problem")


def saved_by_itself(person: Counted, month: Month) -> None:
    """A second after the last key the page has saved what was typed; nobody presses anything."""
    for _ in range(100):
        if all(each.note for each in month.held(Action)):
            break
        person.page.wait_for_timeout(100)
    person.sees("Saved")


def pick(person: Counted, action: Action, words: str) -> None:
    person.pick(f"a{action.pk}-status", words)
    # Whoever opened the list and chose stands in it; the browser's driver sets it from outside.
    person.page.locator(f"main [name=a{action.pk}-status]").focus()


def ended_well(month: Month) -> None:
    sent = month.held(AgencyReturn)
    assert sorted(each.known for each in sent) == ["before", *["not_known"] * 6, "now"]
    assert {each.summary for each in sent} == {"", *SUMMARIES}
    assert all(each.sent_at and not each.late for each in sent)
    [copy] = month.held(Circulation, membership=month.officer)
    assert (copy.answer, copy.read_at is not None) == ("yes", True)
    assert [each.typed_name for each in month.held(AgreementSignature)] == ["Jo Reid"]
    assert {(each.status, each.note) for each in month.held(Action)} == {("done", note) for note in NOTES}


@pytest.mark.feature(64)
@pytest.mark.feature(66)
@pytest.mark.feature(304)
def test_a_members_month_keeps_to_its_targets(chromium, address, month, capsys):
    journey = Journey("B", JOURNEY_B, how="mouse and JavaScript")
    person = Counted(chromium, address, journey=journey)

    walk(person, journey, month)

    with capsys.disabled():
        print(journey.table())
    ended_well(month)
    journey.hold()
    assert person.complaints == []


@pytest.mark.feature(304)
def test_a_members_month_without_javascript(chromium, address, month, capsys):
    journey = Journey("B", JOURNEY_B, how="without JavaScript")
    person = Counted(chromium, address, journey=journey, script=False)

    walk(person, journey, month)

    with capsys.disabled():
        print(journey.table())
    ended_well(month)
    for step in journey.steps.values():
        again = len(step.addresses) - len(set(step.addresses))
        most = JOURNEY_B[step.name]
        assert (step.pages - again, step.clicks, step.keys) <= (most.pages, most.clicks, most.keys), step
        assert step.clicks <= most.clicks, step
        assert step.keys <= most.keys, step


def test_a_members_month_by_keyboard_alone(chromium, address, month, capsys):
    journey = Journey("B", JOURNEY_B, how="keyboard alone")
    person = Keyboard(chromium, address, journey=journey)

    walk(person, journey, month)

    with capsys.disabled():
        print(journey.table())
    ended_well(month)
    assert journey.total.pages <= journey.target.pages


@pytest.mark.feature(304)
@pytest.mark.parametrize("script", [True, False])
def test_nobody_known_is_two_clicks_after_signing_in(chromium, address, month, script):
    journey = Journey("B", JOURNEY_B, how="nobody known")
    person = Counted(chromium, address, journey=journey, script=script)
    enter(person, month.link("Checks due"), month.officer)

    with journey.step(RETURN) as step:
        person.press_in_place("Mark the rest as not known").sees("Everyone answered")
        person.press("Send return").sees("You have already sent this return")

    assert step.clicks == 2 <= JOURNEY_B_NOBODY_KNOWN_CLICKS
    assert [each.known for each in month.held(AgencyReturn)] == ["not_known"] * 8


def test_every_emailed_link_lands_on_its_task_after_signing_in(chromium, address, month):
    with walls.within(month.scheme, cause="test"):
        office = Membership.objects.get(roles__contains=["coordinator"])
        chasing.remind(
            month.requests[0].meeting, [Agency.objects.get(pk=month.officer.agency_id)], by=actor_for(office)
        )
    outbox.drain()
    mine = [each for each in mail.outbox if each.to == [month.officer.user.email]]
    links = {each.subject: re.search(r"https?://[^/\s]+(/\S*)", each.body)[1] for each in mine}
    assert len(links) >= 4, links

    last = 0
    for subject, link in links.items():
        person = Counted(chromium, address, journey=Journey(subject, JOURNEY_B))
        person.last_step = last
        enter(person, link, month.officer)
        last = person.last_step
        person.context.close()
