"""The researcher's sheet as people use it (feature 111; Merton, step 2; London, Intelligence)."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine

from iom import together
from iom.access import actor_for
from referrals.blocks import look_up
from referrals.models import ResearchCheck
from tests import factories

pytestmark = pytest.mark.django_db
SHEET = "/research/2026-03-12/sheet/"


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
def referral(meeting, police, housing):
    person = factories.offender(meeting.scheme, family_name="Example", given_names="Lee")
    referral = factories.referral(meeting.scheme, police, status="on_agenda", who=person, meeting=meeting)
    factories.check_request(meeting, housing.agency, person, referral=referral)
    return referral


@pytest.fixture
def address(referral):
    return f"{SHEET}{referral.reference}/"


@pytest.fixture
def client(sign_in, researcher):
    return sign_in(researcher)


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def row(system: str, version: int = 0, **given) -> dict:
    """What the form posts for one system."""
    return {f"s-{system}-version": version} | {f"s-{system}-{name}": value for name, value in given.items()}


FOUND = {"result": "found", "checked_on": "2 3 2026", "finding": "Two burglaries since January.", "handling": "panel"}


@pytest.mark.feature(111)
def test_the_sheet_shows_what_is_not_looked_up_and_fills_in_the_rest(client, meeting, referral, address):
    before = text_of(client.get(SHEET))
    assert "0 of 7 looked up, 0 of 1 person complete." in before
    assert "Looked up: PNC, CRIS, CRIMINT, NSPIS, PINS, IIP, IDIOM." in before
    assert before.count("Not checked") == 7

    client.post(address, row("pnc", **FOUND) | {"do": "save"})
    client.post(SHEET, {"person": referral.reference, "do": "rest"})

    after = text_of(client.get(SHEET))
    assert "7 of 7 looked up, 1 of 1 person complete." in after
    assert "2 Mar 2026" in after
    assert ResearchCheck.objects.filter(result="nothing", checked_on=date(2026, 3, 5)).count() == 6


@pytest.mark.feature(31)
@pytest.mark.feature(111)
def test_each_system_is_ticked_with_date_result_and_who_looked(client, address):
    client.post(address, row("pnc", **FOUND) | row("cris", result="could_not") | {"do": "save"})

    shown = text_of(client.get(address))
    assert "2 Mar 2026 by Ana Kaya, Police" in shown
    assert "2 of 7 systems looked up." in shown
    assert "Two burglaries since January." in shown


def test_what_is_found_asks_who_may_read_it_and_is_kept_meanwhile(client, address, referral):
    answer = client.post(address, row("crimint", **FOUND | {"handling": ""}) | {"do": "save"})

    assert '<a href="#id_s-crimint-handling">Choose who can see what CRIMINT holds</a>' in answer.content.decode()
    assert ResearchCheck.objects.get().finding == "Two burglaries since January."
    assert "Not finished" in text_of(client.get(SHEET))


def test_found_without_words_asks_for_them(client, address):
    answer = client.post(address, row("pnc", result="found") | {"do": "save"})

    assert "Say what PNC holds" in text_of(answer)


def test_a_day_to_come_or_words_without_a_result_are_errors_at_their_row(client, address):
    answer = text_of(
        client.post(
            address,
            row("pnc", result="nothing", checked_on="6 3 2026")
            | row("cris", finding="Seen.")
            | row("iip", result="nothing"),
        )
    )

    assert "Date checked must be today or earlier" in answer
    assert "Choose the result of CRIS" in answer
    assert [check.system for check in ResearchCheck.objects.all()] == ["IIP"]


def test_autosave_keeps_each_row_and_gives_its_marks(client, address):
    answer = client.post(address, row("pnc", **FOUND) | row("cris"), headers={"X-Autosave": "1"}).json()

    assert answer["fields"]["s-pnc-version"] == "1"
    assert "s-cris-version" not in answer["fields"]
    assert ResearchCheck.objects.get().system == "PNC"


def test_a_colleague_was_faster_in_one_row_and_the_others_are_saved(client, address, meeting, referral, police):
    factories.research_check(meeting, referral.offender, police, result="could_not")

    answer = client.post(address, row("pnc", **FOUND) | row("cris", result="nothing") | {"do": "save"})

    shown = text_of(answer)
    assert "Tom Dunn wrote “Could not check” for PNC while you were writing." in shown
    assert "Two burglaries since January." in answer.content.decode()
    assert {check.system: check.result for check in ResearchCheck.objects.all()} == {
        "PNC": "could_not",
        "CRIS": "nothing",
    }
    # Saving the page again keeps mine.
    version = re.search(r'name="s-pnc-version"[^>]*value="(\d+)"', answer.content.decode())[1]
    client.post(address, row("pnc", version, **FOUND) | {"do": "save"})
    assert ResearchCheck.objects.get(system="PNC").finding == "Two burglaries since January."


def test_what_was_looked_up_last_month_is_used_again_with_its_day(client, address, merton, referral, researcher):
    earlier = factories.meeting(merton, date(2026, 2, 12))
    factories.research_check(earlier, referral.offender, researcher, "IDIOM", checked_on=date(2026, 2, 10))
    assert "Last: nothing found, 10 Feb 2026 by Ana Kaya" in text_of(client.get(address))

    answer = client.post(address, row("pnc", result="nothing") | {"do": "again:IDIOM"}, follow=True)

    assert "1 check used again" in text_of(answer)
    assert ResearchCheck.objects.get(system="IDIOM", meeting__date="2026-03-12").checked_on == date(2026, 2, 10)
    # What was typed beside it is saved too.
    assert ResearchCheck.objects.filter(system="PNC").exists()


def test_save_and_next_leads_to_the_next_person(client, address, meeting, police, referral):
    after = factories.offender(meeting.scheme, family_name="Sample")
    second = factories.referral(meeting.scheme, police, status="on_agenda", who=after, meeting=meeting)

    answer = client.post(address, row("pnc", result="nothing") | {"do": "next"})

    assert answer["Location"] == f"{SHEET}{second.reference}/"


def test_a_nominations_own_address_leads_to_its_sheet(client, referral, address):
    assert client.get(f"/referrals/{referral.reference}/research/")["Location"] == address


def test_somebody_decided_has_a_page_without_a_form(client, address, referral, meeting, researcher):
    factories.research_check(meeting, referral.offender, researcher)
    referral.status = "accepted"
    referral.save()
    referral.check_requests.update(closed_at="2026-03-04T10:00Z")

    shown = client.get(address)

    assert "The panel has decided." in text_of(shown)
    assert "Nothing found" in text_of(shown)
    assert "s-pnc-version" not in shown.content.decode()


def test_a_mark_for_others_is_said_and_not_shown(sign_in, coordinator, address, referral, meeting, researcher):
    factories.research_check(
        meeting, referral.offender, researcher, result="found", finding="Informant.", handling="police_probation"
    )
    office = sign_in(coordinator)

    shown = office.get(address)
    assert "What it holds is marked for others." in text_of(shown)
    assert "Informant." not in shown.content.decode()
    assert "Informant." not in office.get(SHEET).content.decode()
    office.post(address, row("pnc", 1, result="nothing") | {"do": "save"})
    assert ResearchCheck.objects.get().finding == "Informant."


@pytest.mark.parametrize(("who", "status"), [("police", 200), ("coordinator", 200), ("housing", 403), ("chair", 403)])
def test_the_sheet_is_for_researcher_police_and_coordinator(request, sign_in, referral, address, who, status):
    client = sign_in(request.getfixturevalue(who))

    assert [client.get(address).status_code for address in (SHEET, address)] == [status, status]


def test_somebody_who_is_not_on_the_sheet_is_the_same_404(client, meeting, merton, referral):
    other = factories.case(merton)

    assert client.get(f"{SHEET}{other.reference}/").status_code == 404
    assert client.get(f"{SHEET}IOM-R-9999/").status_code == 404


def test_my_work_says_how_much_is_left_to_look_up(meeting, referral, researcher, police):
    def tasks_of(person):
        return together.run(together.items_of(look_up(actor_for(person), date(2026, 3, 5))))

    [task] = tasks_of(researcher)

    assert (task.text, task.url) == ("Police systems for the 12 March panel: 7 of 7 left", SHEET)
    assert tasks_of(police) == []


@pytest.mark.parametrize("people", [1, 3])
def test_the_sheet_takes_a_constant_number_of_queries(
    client, merton, meeting, housing, police, people, django_assert_max_num_queries
):
    for _ in range(people):
        referral = factories.referral(merton, police, status="on_agenda", meeting=meeting)
        factories.check_request(meeting, housing.agency, referral.offender, referral=referral)

    with django_assert_max_num_queries(18 + factories.AROUND):
        client.get(SHEET)


@pytest.mark.feature(111)
@pytest.mark.feature(112)
def test_the_brief_of_the_meeting_shows_what_the_systems_hold(sign_in, meeting, referral, researcher, coordinator):
    item = factories.agenda_item(meeting, "new", referral=referral)
    meeting.status, meeting.recorder = "live", coordinator.user
    meeting.save()
    person = referral.offender
    factories.research_check(meeting, person, researcher, result="found", finding="Two burglaries.", handling="panel")
    factories.research_check(
        meeting, person, researcher, "CRIS", result="found", finding="Informant.", handling="police_probation"
    )

    shown = sign_in(coordinator).get(f"/meetings/2026-03-12/live/?item={item.number}")

    assert "PNC: found, 5 Mar 2026 Two burglaries." in text_of(shown)
    assert "Not checked: CRIMINT, NSPIS, PINS, IIP, IDIOM" in text_of(shown)
    assert "Informant." not in shown.content.decode()
