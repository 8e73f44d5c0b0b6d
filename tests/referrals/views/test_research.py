"""An agency's return and who has answered, as people use them (ux.md 4.4, journey B)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
import time_machine

from iom.models import Notification
from panels import agenda
from referrals import chasing
from referrals.models import AgencyReturn, CheckRequest
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/research/2026-03-12/"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-03-05 10:00 +0000", tick=False):
        yield


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, date(2026, 3, 12), chair=chair)


@pytest.fixture
def asked(meeting, housing):
    """Housing asked about three people."""
    names = ("Example", "Sample", "Test")
    people = [factories.offender(meeting.scheme, family_name=name, given_names="Lee") for name in names]
    return [factories.check_request(meeting, housing.agency, person) for person in people]


@pytest.fixture
def client(sign_in, housing):
    return sign_in(housing)


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def row(request: CheckRequest, version: int = 0, **given) -> dict:
    """What the form posts for one person."""
    return {f"p{request.pk}-version": version} | {f"p{request.pk}-{name}": value for name, value in given.items()}


def rows(requests, **given) -> dict:
    return {key: value for request in requests for key, value in row(request, **given).items()}


KNOWN = {
    "known": "now",
    "last_contact": "12 2 2026",
    "summary": "Tenancy at risk: arrears since November.",
    "risk_to_others": "no",
    "pathways": ["accommodation", "finance"],
    "handling": "panel",
}


@pytest.mark.feature(64)
@pytest.mark.feature(66)
def test_the_page_names_each_person_with_why_we_ask(client, merton, meeting, housing):
    person = factories.offender(merton, family_name="Sample", given_names="Lee", area="Ravensbury")
    case = factories.case(merton, who=person, colour="AMBER")
    factories.check_request(meeting, housing.agency, person, why="review", case=case)

    page = text_of(client.get(PAGE))

    for words in ("Checks for the 12 March panel", "SAMPLE Lee", "born 4 Feb 1994", "Ravensbury", "Review", "Amber"):
        assert words in page
    assert "Housing, due Mon 9 March, 5pm. 0 of 1 answered." in page


@pytest.mark.feature(304)
def test_nobody_known_takes_two_presses(client, asked):
    first = client.post(PAGE, rows(asked) | {"do": "rest"}, follow=True)
    assert "3 people marked as not known. Now send your return" in text_of(first)

    second = client.post(PAGE, rows(asked, version=1, known="not_known") | {"do": "send"}, follow=True)

    assert "Return sent. 3 of 3 answered" in text_of(second)
    assert AgencyReturn.objects.filter(known="not_known", sent_at__isnull=False).count() == 3


@pytest.mark.feature(66)
def test_one_known_and_the_rest_not_in_a_single_press_each(client, asked):
    client.post(PAGE, row(asked[0], **KNOWN) | rows(asked[1:]) | {"do": "rest"})
    client.post(
        PAGE, row(asked[0], version=1, **KNOWN) | rows(asked[1:], version=1, known="not_known") | {"do": "send"}
    )

    answer = AgencyReturn.objects.get(known="now")
    assert (answer.last_contact, answer.pathways, answer.handling) == (
        date(2026, 2, 12),
        ["accommodation", "finance"],
        "panel",
    )
    assert answer.sent_at is not None


def test_sending_too_early_names_who_is_left_and_links_to_them(client, asked):
    answer = client.post(PAGE, rows(asked) | {"do": "send"})

    page = answer.content.decode()
    assert f'<a href="#id_p{asked[0].pk}-known">Answer for 3 people: Example, Sample, Test</a>' in page
    assert "Answer for Lee Sample" in page
    assert not AgencyReturn.objects.exclude(sent_at=None).exists()


def test_sending_without_saying_who_can_see_it_is_an_error_at_that_row(client, asked):
    answer = client.post(
        PAGE,
        row(asked[0], **KNOWN | {"handling": ""}) | rows(asked[1:], known="not_known") | {"do": "send"},
    )

    page = answer.content.decode()
    assert f'<a href="#id_p{asked[0].pk}-handling">Choose who can see what you say about Lee Example</a>' in page
    # What was typed is kept, as a draft and on the page.
    assert "Tenancy at risk: arrears since November." in page
    assert AgencyReturn.objects.get(known="now").sent_at is None


def test_one_wrong_row_does_not_lose_the_others(client, asked):
    answer = client.post(
        PAGE,
        row(asked[0], **KNOWN | {"last_contact": "31 2 2026"})
        | row(asked[1], **KNOWN)
        | row(asked[2])
        | {"do": "save"},
    )

    assert "Last contact must be a real date" in text_of(answer)
    assert "31 2 2026" in answer.content.decode()
    assert AgencyReturn.objects.get().request == asked[1]


def test_a_summary_that_is_too_long_says_by_how_much(client, asked):
    answer = client.post(PAGE, row(asked[0], **KNOWN | {"summary": "x" * 634}) | rows(asked[1:]) | {"do": "save"})

    assert "Summary must be 600 characters or fewer. You have 34 too many" in text_of(answer)


def test_a_sent_return_can_be_changed_until_the_decision(client, asked):
    client.post(PAGE, rows(asked, known="not_known") | {"do": "send"})
    page = text_of(client.get(PAGE))
    assert "You have already sent this return. You can change it until the item is decided" in page

    again = client.post(PAGE, rows(asked, version=2, known="not_known") | {"do": "send"}, follow=True)
    assert "You have already sent this return." in text_of(again)

    client.post(
        PAGE, row(asked[0], version=2, **KNOWN) | rows(asked[1:], version=2, known="not_known") | {"do": "save"}
    )
    assert AgencyReturn.objects.get(request=asked[0]).known == "now"


def test_a_person_who_is_decided_is_not_in_the_form(client, meeting, housing, asked):
    CheckRequest.objects.filter(pk=asked[0].pk).update(closed_at=datetime(2026, 3, 4, tzinfo=UTC))

    page = client.get(PAGE).content.decode()

    assert f"p{asked[0].pk}-known" not in page
    assert "Decided or withdrawn" in page


def test_someone_added_while_the_page_was_open_is_asked_about_next(client, meeting, housing, asked):
    factories.check_request(meeting, housing.agency, factories.offender(meeting.scheme, family_name="Newcomer"))

    answer = client.post(PAGE, rows(asked, known="not_known") | {"do": "send"})

    assert "Answer for 1 person: Newcomer" in text_of(answer)


def test_a_late_return_says_that_it_is_late(sign_in, housing, asked):
    with time_machine.travel("2026-03-09 17:00 +0000", tick=False):
        client = sign_in(housing)
        page = text_of(client.get(PAGE))
        client.post(PAGE, rows(asked, known="not_known") | {"do": "send"})

    assert "were due Mon 9 March" in page
    assert AgencyReturn.objects.filter(late=True).count() == 3


def test_a_colleague_was_faster(client, asked, housing):
    factories.agency_return(asked[0], housing, known="before", sent=False)

    answer = client.post(PAGE, row(asked[0], **KNOWN) | rows(asked[1:]) | {"do": "save"})

    page = text_of(answer)
    assert "Jo Reid answered “Known before” for Lee Example while you were writing." in page
    assert "Tenancy at risk" in answer.content.decode()
    assert AgencyReturn.objects.get().known == "before"
    # Saving the page again keeps mine.
    client.post(PAGE, row(asked[0], version=1, **KNOWN) | rows(asked[1:]) | {"do": "save"})
    assert AgencyReturn.objects.get().known == "now"


# --- Autosave


def autosave(client, data):
    return client.post(PAGE, data, headers={"X-Autosave": "1"})


def test_autosave_keeps_drafts_and_gives_their_versions(client, asked):
    answer = autosave(client, row(asked[0], **KNOWN | {"handling": ""}) | rows(asked[1:]))

    told = answer.json()
    assert told["at"] == "10:00"
    assert told["fields"][f"p{asked[0].pk}-version"] == "1"
    assert told["fields"].keys() == {f"p{asked[0].pk}-version", f"p{asked[0].pk}-was"}
    assert AgencyReturn.objects.get().summary == "Tenancy at risk: arrears since November."


def test_autosave_saves_what_it_can_and_says_what_it_cannot(client, asked):
    answer = autosave(
        client, row(asked[0], **KNOWN) | row(asked[1], **KNOWN | {"last_contact": "31 2 2026"}) | row(asked[2])
    )

    assert answer.status_code == 200
    told = answer.json()
    assert told["fields"][f"p{asked[0].pk}-version"] == "1"
    assert f"p{asked[1].pk}-version" not in told["fields"]
    assert [saved.request for saved in AgencyReturn.objects.all()] == [asked[0]]
    assert list(told["errors"].values()) == ["Last contact must be a real date"]


def test_autosave_saves_the_other_rows_beside_a_stale_one(client, asked, housing):
    factories.agency_return(asked[0], housing, known="before", sent=False)

    answer = autosave(client, row(asked[0], **KNOWN) | row(asked[1], **KNOWN))

    told = answer.json()
    assert answer.status_code == 200
    assert [*told["errors"].values()][0].startswith("Jo Reid answered “Known before” for Lee Example")
    # The stale row keeps the version that its reader saw: it waits until they have read both.
    assert told["fields"].keys() == {f"p{asked[1].pk}-version", f"p{asked[1].pk}-was"}
    assert {each.request_id: each.known for each in AgencyReturn.objects.all()} == {
        asked[0].pk: "before",
        asked[1].pk: "now",
    }
    again = autosave(client, row(asked[0], **KNOWN) | row(asked[1], version=1, **KNOWN | {"handling": "panel"}))
    assert "errors" in again.json()
    assert AgencyReturn.objects.get(request=asked[0]).known == "before"


def test_a_row_in_which_nothing_was_typed_never_fights_a_colleague(client, asked, housing):
    page = client.get(PAGE).content.decode()
    drawn = re.search(rf'name="p{asked[0].pk}-was"[^>]*value="([0-9a-f]+)"', page)[1]
    factories.agency_return(asked[0], housing, known="before", sent=False)

    answer = client.post(PAGE, row(asked[0], was=drawn) | row(asked[1], **KNOWN) | row(asked[2]) | {"do": "save"})

    assert answer.status_code == 302
    assert AgencyReturn.objects.get(request=asked[0]).known == "before"
    assert AgencyReturn.objects.get(request=asked[1]).known == "now"


@pytest.mark.feature(66)
def test_an_agency_says_whether_it_knows_family_or_victims(client, asked):
    client.post(PAGE, row(asked[0], **KNOWN | {"family": "yes"}) | rows(asked[1:], known="not_known") | {"do": "send"})

    assert AgencyReturn.objects.get(known="now").family == "yes"
    assert "Do you know family or victims of theirs?" in text_of(client.get(PAGE))


# --- Who may


def test_another_agency_has_its_own_page(sign_in, asked, police):
    page = text_of(sign_in(police).get(PAGE))

    assert "No names to check yet. We will email you when there are." in page
    assert "EXAMPLE" not in page


def test_another_agencys_row_in_the_post_is_ignored(sign_in, asked, police):
    sign_in(police).post(PAGE, rows(asked, known="not_known") | {"do": "send"})

    assert not AgencyReturn.objects.exists()


def test_a_meeting_of_another_scheme_is_the_same_404(client):
    elsewhere = factories.scheme("merton", slug="elsewhere")
    factories.meeting(elsewhere, date(2026, 4, 9))

    assert client.get("/research/2026-04-09/").status_code == 404
    assert client.get("/research/not-a-date/").status_code == 404


def test_someone_whose_case_is_restricted_is_absent(client, merton, meeting, housing):
    person = factories.offender(merton, family_name="Hidden")
    factories.case(merton, who=person, restricted=True)
    factories.check_request(meeting, housing.agency, person)

    assert "HIDDEN" not in text_of(client.get(PAGE))


def test_the_list_leads_to_the_only_meeting_and_lists_several(client, merton, asked, housing):
    assert client.get("/research/")["Location"] == PAGE

    factories.check_request(factories.meeting(merton, date(2026, 4, 9)), housing.agency)

    page = text_of(client.get("/research/"))
    assert "Thu 12 March" in page
    assert "Thu 9 April" in page


@pytest.mark.parametrize("people", [1, 3])
def test_the_return_takes_a_constant_number_of_queries(
    client, merton, meeting, housing, people, django_assert_max_num_queries
):
    for _ in range(people):
        case = factories.case(merton)
        factories.check_request(meeting, housing.agency, case.offender, why="review", case=case)

    with django_assert_max_num_queries(20 + factories.AROUND):
        client.get(PAGE)


# --- Progress


@pytest.fixture
def office(sign_in, coordinator):
    return sign_in(coordinator)


@pytest.mark.feature(112)
@pytest.mark.feature(304)
def test_progress_shows_people_by_agencies(office, meeting, asked, police, housing):
    factories.agency_return(asked[0], housing)
    factories.check_request(meeting, police.agency, asked[0].offender)

    page = text_of(office.get(f"{PAGE}progress/"))

    assert "Returns received for the 12 March panel" in page
    assert "Known now" in page
    assert "Waiting" in page
    assert "1 of 3" in page


def test_remind_one_agency_then_again_the_same_day(office, meeting, asked, housing):
    first = text_of(office.post(f"{PAGE}progress/", {"agency": "housing"}, follow=True))
    assert "Reminded Housing (1 person)" in first
    assert "5 Mar 2026, 10:00" in first

    second = text_of(office.post(f"{PAGE}progress/", {"agency": "housing"}, follow=True))

    assert "Housing was reminded today at 10:00. You can again tomorrow" in second
    assert Notification.objects.get(kind="checks_chased").text == "Reminder: checks due Monday, 3 of 3 left"


def test_remind_all_who_are_waited_for(office, meeting, asked, police):
    factories.check_request(meeting, police.agency)

    page = text_of(office.post(f"{PAGE}progress/", follow=True))

    assert "Reminded Housing (1 person), Police (1 person)" in page


@pytest.mark.parametrize("who", ["housing", "police", "chair"])
def test_progress_is_for_the_coordinator_and_the_researcher(request, sign_in, meeting, who):
    assert sign_in(request.getfixturevalue(who)).get(f"{PAGE}progress/").status_code == 403


def test_progress_without_requests_says_so(office, meeting):
    assert "No agency has been asked yet." in text_of(office.get(f"{PAGE}progress/"))


@pytest.mark.parametrize("people", [1, 3])
def test_progress_takes_a_constant_number_of_queries(office, meeting, housing, people, django_assert_max_num_queries):
    for _ in range(people):
        factories.check_request(meeting, housing.agency)

    with django_assert_max_num_queries(18 + factories.AROUND):
        office.get(f"{PAGE}progress/")


def test_a_further_agency_is_asked_and_a_question_taken_back(office, meeting, asked, police):
    address = f"{PAGE}progress/"
    one = {"agency": police.agency.slug, "person": asked[0].offender_id}

    assert "Police is asked about 1 person more" in text_of(office.post(address, one | {"do": "ask"}, follow=True))
    again = text_of(office.post(address, {"agency": police.agency.slug, "do": "ask"}, follow=True))
    assert "Police is asked about 2 people more" in again
    back = text_of(office.post(address, one | {"do": "take_back"}, follow=True))

    assert "1 question to Police taken back" in back
    assert "Withdrawn" in back
    assert CheckRequest.objects.filter(agency=police.agency, withdrawn_at=None).count() == 2


def test_asking_further_without_an_agency_says_so(office, meeting, asked):
    assert "Choose agency" in text_of(office.post(f"{PAGE}progress/", {"do": "ask"}))


def test_what_came_since_the_agenda_and_who_cannot_say_is_listed(
    office, merton, meeting, asked, housing, as_coordinator
):
    factories.agency_return(asked[0], housing, known="cannot_say")
    with time_machine.travel("2026-03-05 09:30 +0000", tick=False):
        agenda.add_item(meeting, section="aob", title="Any other business", by=as_coordinator)
        agenda.send_agenda(meeting, by=as_coordinator)
    factories.agency_return(asked[1], housing, known="now", summary="x")
    AgencyReturn.objects.filter(request=asked[1]).update(sent_at=datetime(2026, 3, 5, 9, 45, tzinfo=UTC))

    page = text_of(office.get(f"{PAGE}progress/"))

    since = page[page.index("Came since the agenda went out on 5 Mar 2026, 09:30") : page.index("Cannot say Somebody")]
    assert "SAMPLE Lee" in since
    assert "EXAMPLE Lee" not in since
    assert "Housing: EXAMPLE Lee" in page[page.index("Cannot say Somebody") :]


def test_the_coordinator_chooses_who_hears_of_an_agencys_checks(office, merton, housing):
    other = factories.member(merton, "member", agency_kind="housing", name="Ada Obi")
    assert "Ada Obi" in text_of(office.get("/research/contacts/"))

    answer = office.post("/research/contacts/", {housing.agency.slug: [other.pk]}, follow=True)

    assert "Saved. Reminders go to whom you chose" in text_of(answer)
    assert chasing.contacts(housing.agency) == [other.user]
