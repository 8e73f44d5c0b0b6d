"""The pages of a case."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actionplans.actions import add_action, start_plan
from iom import clock
from offenders.actions import assign, rate, record_custody
from tests import factories
from tests.test_matrix import plain


def text(response):
    return " ".join(response.content.decode().split())


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def case(merton):
    meeting = factories.meeting(merton, date(2026, 1, 8))
    return factories.case(
        merton,
        since=date(2026, 1, 12),
        who=factories.offender(merton, family_name="Example", given_names="Sam"),
        accepted_at=meeting,
        score=82,
        score_on=date(2026, 1, 5),
        criterion="ogrs_75",
    )


@pytest.mark.feature(313)
@pytest.mark.feature(120)
def test_overview_says_why_somebody_is_on_the_cohort(case, sign_in, police):
    page = text(sign_in(police).get(f"/cases/{case.reference}/"))

    assert "Why Sam Example is on the cohort" in page
    assert "Three burglaries since October." in page
    assert "Accepted 12 Jan 2026" in page
    assert "82% within 2 years, worked out on 5 Jan 2026" in page
    assert "OGRS of 75% or more" in page
    assert "Merton, step 3" in page


@pytest.mark.feature(33)
@pytest.mark.feature(34)
@pytest.mark.feature(35)
def test_identity_bar_names_who_leads_with_phone(case, sign_in, police, as_coordinator):
    police.user.phone = "020 7946 0100"
    police.user.save()
    day = date(2026, 2, 1)
    assign(case, "lead_professional", agency=police.agency, membership=police, on=day, by=as_coordinator)
    assign(case, "police_officer", agency=police.agency, person_name="PC Sample", on=day, by=as_coordinator)

    page = text(sign_in(police).get(f"/cases/{case.reference}/"))

    assert "Lead professional: <strong>Tom Dunn</strong>" in page
    assert 'href="tel:02079460100"' in page
    assert "Police officer: <strong>PC Sample</strong>" in page
    assert "Lead agency: <strong>nobody yet</strong>" in page


def test_title_has_the_reference_and_no_name(case, sign_in, police):
    title = sign_in(police).get(f"/cases/{case.reference}/").content.decode().split("</title>")[0]

    assert case.reference in title
    assert "Example" not in title


@pytest.mark.feature(125)
def test_overview_shows_the_history_of_ratings(case, sign_in, police, as_coordinator):
    rate(case, "AMBER", on=date(2026, 2, 12), reason="Keeps appointments", by=as_coordinator)

    page = text(sign_in(police).get(f"/cases/{case.reference}/"))

    assert page.index("Rated Amber") < page.index("Rated Red")
    assert "Keeps appointments" in page


def test_another_schemes_case_and_none_at_all_are_the_same_404(case, sign_in, police):
    foreign = factories.case(factories.scheme("london"))
    client = sign_in(police)

    def page(reference):
        answer = client.get(f"/cases/{reference}/")
        return answer.status_code, plain(answer).replace(reference, "")

    assert page(foreign.reference) == page("IOM-9999")
    assert page(foreign.reference)[0] == 404


# --- Custody ---


def custody_form(**changed):
    return {
        "kind": "remand",
        "prison": "HMP Example",
        "starts_on": "20 2 2026",
        "release_expected_on": "",
        "version": "0",
    } | changed


@pytest.mark.feature(124)
def test_custody_is_recorded_and_rated_blue(case, sign_in, coordinator):
    client = sign_in(coordinator)

    answer = client.post(f"/cases/{case.reference}/custody/", custody_form(), follow=True)

    page = text(answer)
    assert f"Custody of {case.reference} saved" in page
    assert "HMP Example, on remand since 20 Feb 2026" in page
    assert "In custody</span> (was Red)" in page or "In custody (was Red)" in page


def test_custody_is_changed_and_released(case, sign_in, coordinator, as_coordinator):
    record_custody(case, kind="remand", prison="HMP Example", starts_on=date(2026, 2, 20), by=as_coordinator)
    client = sign_in(coordinator)
    address = f"/cases/{case.reference}/custody/"

    client.post(address, custody_form(kind="sentence", release_expected_on="17 3 2026", version=1))
    client.post(f"{address}release/", {"released_on": "10 3 2026", "version": 2})

    period = case.custody_periods.get()
    assert (period.kind, period.release_expected_on, period.released_on) == (
        "sentence",
        date(2026, 3, 17),
        date(2026, 3, 10),
    )
    page = text(client.get(f"/cases/{case.reference}/"))
    assert "Released 10 Mar 2026, not re-rated" in page
    assert "A new rating is needed" in page


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"prison": ""}, "Enter the prison", id="no prison"),
        pytest.param({"kind": ""}, "Choose if they are on remand or under sentence", id="no status"),
        pytest.param({"starts_on": "31 2 2026"}, "The date of coming into custody must be a real date", id="unreal"),
        pytest.param({"starts_on": "1 1 2099"}, "must be today or earlier", id="in the future"),
        pytest.param({"release_expected_on": "19 2 2026"}, "must be after the date of coming", id="out before in"),
    ],
)
def test_custody_form_says_what_is_wrong_and_keeps_what_was_typed(case, sign_in, coordinator, changed, words):
    page = text(sign_in(coordinator).post(f"/cases/{case.reference}/custody/", custody_form(**changed)))

    assert words in page
    assert "There is a problem" in page
    assert case.custody_periods.count() == 0


def test_custody_of_a_stale_page_is_a_409(case, sign_in, coordinator, as_coordinator):
    record_custody(case, kind="remand", prison="HMP Example", starts_on=date(2026, 2, 20), by=as_coordinator)
    client = sign_in(coordinator)
    address = f"/cases/{case.reference}/custody/"
    client.post(address, custody_form(version=1, prison="HMP Sample"))

    assert client.post(address, custody_form(version=1, prison="HMP Other")).status_code == 409
    assert case.custody_periods.get().prison == "HMP Sample"


def test_member_reads_custody_and_cannot_change_it(case, sign_in, police):
    client = sign_in(police)
    address = f"/cases/{case.reference}/custody/"

    assert "Record custody" not in text(client.get(address))
    assert client.post(address, custody_form()).status_code == 403


@pytest.mark.feature(126)
def test_release_that_is_near_asks_for_a_rating(case, sign_in, coordinator, as_coordinator):
    record_custody(
        case,
        kind="sentence",
        prison="HMP Example",
        starts_on=date(2026, 2, 1),
        release_expected_on=clock.today() + timedelta(days=28),
        by=as_coordinator,
    )
    client = sign_in(coordinator)

    assert "A new rating is needed" in text(client.get(f"/cases/{case.reference}/"))
    assert f"Release: {case.reference}, HMP Example, not re-rated" in text(client.get("/"))


def test_queries_of_a_custody_page_are_few(case, sign_in, police, django_assert_max_num_queries):
    client = sign_in(police)
    client.get(f"/cases/{case.reference}/custody/")

    with django_assert_max_num_queries(32 + factories.AROUND):
        client.get(f"/cases/{case.reference}/custody/")


# The session, the case with what holds now, everything else of it side by side, what rests on a signature or decision.
OF_A_CASE = 4


@pytest.mark.parametrize("page", ["", "timeline/"])
@pytest.mark.parametrize("who", ["police", "coordinator", "housing"])
def test_overview_and_timeline_cost_the_same_whatever_is_stored(
    request, case, sign_in, police, as_coordinator, who, page
):
    client, address = sign_in(request.getfixturevalue(who)), f"/cases/{case.reference}/{page}"
    client.get(address)
    with CaptureQueriesContext(connection) as bare:
        client.get(address)

    _fill(case, police, as_coordinator)
    with CaptureQueriesContext(connection) as full:
        said = client.get(address).content.decode()

    assert "Seen at home 59." in said
    assert len(bare) == len(full) == OF_A_CASE + factories.AROUND


def _fill(case, police, as_coordinator):
    """Sixty entries, one of them marked; ten actions, five meetings, leads, ratings, a check, custody and a plan."""
    day = date(2026, 2, 1)
    assign(case, "lead_professional", agency=police.agency, membership=police, on=day, by=as_coordinator)
    start_plan(case, by=as_coordinator)
    for number in range(10):
        about = {"text": f"Step {number}", "agency": police.agency, "due_on": day + timedelta(days=50)}
        add_action(case=case, by=as_coordinator, **about)
    for number in range(60):
        factories.entry(case, police, text=f"Seen at home {number}.", happened_on=date(2026, 3, 10))
    factories.entry(case, police, kind="intelligence", handling="agencies", readers=["council"], happened_on=day)
    for number in range(1, 6):
        meeting = factories.meeting(case.scheme, date(2026, 1, 8) + timedelta(days=7 * number))
        factories.agenda_item(meeting, "reviews", case=case)
        factories.minutes(meeting)
    rate(case, "AMBER", on=date(2026, 2, 20), reason="Keeps to the plan.", by=as_coordinator)
    custody = {"kind": "remand", "prison": "HMP Example", "starts_on": date(2026, 3, 1)}
    record_custody(case, by=as_coordinator, **custody)


def test_custody_of_a_page_that_never_was_is_a_409_too(case, sign_in, coordinator):
    given = {"kind": "remand", "prison": "HMP Example", "starts_on": "2 3 2026", "version": "7"}

    assert sign_in(coordinator).post(f"/cases/{case.reference}/custody/", given).status_code == 409
