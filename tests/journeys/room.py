"""A live meeting for tests that sit at it with browsers: the application in threads of this process, a panel, its people."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.test.testcases import QuietWSGIRequestHandler
from playwright.sync_api import Browser, Page

from iom import clock, walls
from iom.models import Meeting, Membership, Scheme, Session
from panels.models import AgendaItem, Section
from tests import factories
from tests.factories.client import KeyedClient
from tests.factories.signing_in import verified

# Of each a name that nobody else has, for fourteen chairs round the table.
TABLE = (
    ("chair", "probation", "Grace Adeyemi"),
    ("police", "police", "Tom Dunn"),
    ("housing", "housing", "Jo Reid"),
)


@contextmanager
def served() -> Iterator[str]:
    """The application, served by threads of this process, at an address."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Room:
    """A live meeting of today, who is at it, and the browsers that the test opens."""

    browser: Browser
    address: str
    scheme: Scheme
    people: dict[str, Membership]
    meeting: Meeting | None = None
    pages: list[Page] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"/meetings/{self.meeting.key}/live/"

    def at(self, number: str) -> str:
        """The address of an item."""
        return f"{self.url}?item={number}"

    def page(self, who: str, *, script: bool = True, fake_clock: bool = False, width: int = 1280) -> Page:
        """A browser of its own in which somebody is signed in, password, code and all."""
        client = KeyedClient()
        membership = self.people[who]
        client.force_login(membership.user, backend="django.contrib.auth.backends.ModelBackend")
        session = client.session
        session["membership"] = membership.pk
        verified(session)
        session.save()
        context = self.browser.new_context(
            base_url=self.address, java_script_enabled=script, viewport={"width": width, "height": 900}
        )
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": self.address}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        if fake_clock:
            page.clock.install()
        self.pages.append(page)
        return page

    def held(self, read: Callable):
        """What the database has, read in the scheme."""
        with walls.within(self.scheme, cause="test"):
            return read()

    def item(self, number: str) -> AgendaItem:
        return self.held(lambda: AgendaItem.objects.get(meeting=self.meeting, number=number))

    def leave(self) -> None:
        for page in self.pages:
            page.context.close()


def gathered(browser: Browser, address: str, *, cases: int = 3, preset: str = "merton", table: tuple = TABLE) -> Room:
    """A live panel of the agencies of `table`, recorded by Priya Shah, with reviews of so many cases."""
    merton = factories.scheme(preset)
    people = {
        "coordinator": factories.member(merton, "coordinator", name="Priya Shah"),
        "second": factories.member(merton, "coordinator", name="Ada Second"),
    }
    for who, kind, name in table:
        roles = ("chair", "member") if who == "chair" else ("member", "referrer")
        people[who] = factories.member(merton, *roles, agency_kind=kind, name=name)
    room = Room(browser, address, merton, people)
    with walls.within(merton, cause="test"):
        room.meeting = factories.live_meeting(
            merton, clock.today(), recorder=people["coordinator"], chair=people["chair"]
        )
        factories.attended(room.meeting, *(people[who] for who, _, _ in table))
        since = clock.today() - timedelta(days=90)
        for number in range(1, cases + 1):
            who = factories.offender(merton, family_name=f"Specimen{number}", given_names="Lee")
            case = factories.case(merton, who=who, colour="AMBER", since=since)
            factories.agenda_item(room.meeting, Section.REVIEWS, case=case)
    return room


def run_out() -> None:
    """Nobody has done anything for half an hour, as the server sees it."""
    then = clock.now() - timedelta(minutes=31)
    Session.objects.filter(ended_at=None).update(active_at=then, shown_at=None)
