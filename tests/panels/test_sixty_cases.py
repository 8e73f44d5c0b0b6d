"""A meeting of sixty cases from its agenda to the PDF of its signed minutes, page by page as its people use them.

A large cohort that takes every case at one sitting must not be slower than it has to: what a page of the live meeting and
a save ask the database does not grow with the agenda. How long it took is printed and not asserted.
"""

from __future__ import annotations

import time
from io import BytesIO
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pypdf import PdfReader

from iom import outbox
from iom.models import Meeting, MeetingStatus
from panels import agenda
from panels.agenda import Wanted
from panels.models import AgendaItem, Decision, ItemState, Minutes, Notice, Section
from panels.record import fingerprint, record_of
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
BEFORE = date(2026, 2, 12)


def planned(merton, on: date, chair, count: int, by, names: str) -> Meeting:
    """A draft agenda of so many reviews, two thirds Amber and the rest Red."""
    meeting = factories.meeting(merton, on, chair=chair)
    wanted = []
    for number in range(count):
        person = factories.offender(merton, family_name=f"{names}{number:02}")
        case = factories.case(merton, who=person, colour="RED" if number % 3 == 0 else "AMBER", since=date(2025, 11, 3))
        wanted.append(Wanted(Section.REVIEWS, case=case, why="Every case"))
    agenda.add_items(meeting, wanted, by=by)
    return meeting


def started(client, meeting: Meeting, *people) -> None:
    client.post(reverse("send_agenda", args=[meeting.key]))
    factories.attended(meeting, *people)
    client.post(reverse("start_meeting", args=[meeting.key]))
    meeting.refresh_from_db()
    assert meeting.status == MeetingStatus.LIVE


def recorded(client, item: AgendaItem, **fields):
    asked = {"item": item.number, "version": item.version, "then": "next", "actions": "0"} | NO_CHANGE | fields
    answer = client.post(reverse("live", args=[item.meeting.key]), asked)
    assert answer.status_code == 302, answer.content.decode()[:4000]
    return answer


def questions(ask) -> int:
    with CaptureQueriesContext(connection) as asked:
        ask()
    return len(asked)


def costs(client, meeting: Meeting) -> tuple[int, int]:
    """What the page of the second item and saving it ask the database."""
    item = meeting.items.get(number="2")
    page = reverse("live", args=[meeting.key])
    return (
        questions(lambda: client.get(page, {"item": "2"})),
        questions(lambda: recorded(client, item)),
    )


@pytest.mark.feature(301)
@pytest.mark.feature(302)
def test_sixty_cases_from_agenda_to_signed_pdf(
    merton, coordinator, chair, police, housing, as_coordinator, sign_in, settings, capsys
):
    settings.DEMO_SIGN_IN = True
    began = time.monotonic()
    recorder = sign_in(coordinator)
    with time_machine.travel(datetime(2026, 2, 12, 10, tzinfo=UTC)):
        small = planned(merton, BEFORE, chair, 15, as_coordinator, "Small")
        started(recorder, small, chair, police, housing)
        recorded(recorder, small.items.get(number="1"))
        of_fifteen = costs(recorder, small)

    with time_machine.travel(datetime(2026, 3, 12, 10, tzinfo=UTC)):
        recorder, signer = sign_in(coordinator), sign_in(chair)
        meeting = planned(merton, DAY, chair, 60, as_coordinator, "Large")
        started(recorder, meeting, chair, police, housing)
        recorded(recorder, meeting.items.get(number="1"))
        assert costs(recorder, meeting) == of_fifteen
        going = time.monotonic()
        for item in meeting.items.filter(state=ItemState.OPEN).order_by("position"):
            changes = int(item.number) % 10 == 0
            recorded(recorder, item, **(CHANGED if changes else {}))
        decided = time.monotonic()
        recorder.post(reverse("close_meeting", args=[meeting.key]))
        minutes = Minutes.objects.get(meeting=meeting)
        recorder.post(reverse("send_minutes", args=[meeting.key]), {"version": minutes.version})
        minutes.refresh_from_db()
        signature = {"number": minutes.number, "record_sha256": fingerprint(record_of(minutes)), "agree": "on"}
        signature |= {"typed_name": chair.user.name, "fresh_code": factories.PASSWORD}
        answer = signer.post(reverse("review_minutes", args=[meeting.key]), signature)
        assert answer.status_code == 302, answer.content.decode()[:4000]
        outbox.drain()

        kept = signer.get(reverse("minutes_pdf", args=[meeting.key, 1]))
        pages = PdfReader(BytesIO(b"".join(kept))).pages
        words = " ".join(page.extract_text() for page in pages)
    assert [f"Large{number:02}".upper() in words.upper() for number in range(60)] == [True] * 60
    assert Decision.objects.filter(item__meeting=meeting).count() == 60
    assert not Notice.objects.exists()
    each = (decided - going) / 58
    with capsys.disabled():
        print(
            f"\n60 cases: {each * 1000:.0f} ms a save, {time.monotonic() - decided:.1f} s from closing to a PDF of"
            f" {len(pages)} pages, {time.monotonic() - began:.1f} s in all; {of_fifteen[0]} questions a page,"
            f" {of_fifteen[1]} a save, with 15 as with 60"
        )


NO_CHANGE = {"outcome": "no_change", "how": "agreed", "harm": "none"}
CHANGED = {
    "outcome": "change_rating",
    "colour": "GREEN",
    "reason": "Nothing new since the last panel.",
    "quick": f"Housing: confirm the tenancy by {(DAY + timedelta(days=14)).strftime('%-d %b')}",
}
