"""The plain records of the team, driven as people drive them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from iom import clock
from iom.jinja import day
from iom.models import Export
from iom.policy import load_preset
from offenders import timeline
from offenders.models import Cover, IntelligenceCheck, Listed, Premises, SuccessStory
from tests import factories
from iom.access import actor_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(merton, police, housing):
    return factories.case(merton)


def page(client, address):
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.feature(159)
def test_cover_is_kept_by_each_agency_and_attendance_comes_from_the_cases(
    case, police, housing, coordinator, sign_in, client
):
    theirs = sign_in(police)
    tomorrow = clock.today() + timedelta(days=1)
    shift = {"kind": "out_of_hours", "on": day(tomorrow), "starts_at": "17:00", "ends_at": "8:00", "person": "PC Dunn"}
    wrong = theirs.post("/team/records/cover/", shift | {"starts_at": "late", "kind": ""})
    assert "From must be a time, such as 17:00" in wrong.content.decode()
    assert theirs.post("/team/records/cover/", shift).status_code == 302
    cover = Cover.objects.get()
    assert cover.agency == police.agency
    timeline.note(case, "court_attendance", on=clock.today(), text="Sat through the hearing.", by=actor_for(police))

    seen = page(sign_in(housing), "/team/records/cover/")
    assert "PC Dunn" in seen
    assert "Court attendance: 1" in seen
    assert case.reference in seen
    assert "Take off" not in seen
    assert sign_in(housing).post(f"/team/records/cover/{cover.pk}/end/").status_code == 403
    assert theirs.post(f"/team/records/cover/{cover.pk}/end/").status_code == 302
    assert "Nobody is on the rota" in page(theirs, "/team/records/cover/")

    office = sign_in(coordinator)
    asked = {"reason": "For the board", "recipient": "The board"}
    fresh = office.post("/team/records/file/cover/", asked)
    assert fresh.status_code == 302
    made = Export.objects.get()
    assert case.reference in bytes(made.content).decode("utf-8-sig")
    assert sign_in(housing).post("/team/records/file/cover/", asked).status_code == 403


@pytest.mark.feature(160)
def test_intelligence_is_compared_by_the_police_without_content(case, police, housing, sign_in):
    at = f"/cases/{case.reference}/intelligence/"
    given = {
        "system": "PNC",
        "partner": housing.agency.slug,
        "checked_on": day(clock.today()),
        "checked_by": "PC Dunn",
        "result": "corrected",
        "fed_back_on": day(clock.today() - timedelta(days=1)),
    }
    client = sign_in(police)
    assert "on the day of the comparison or later" in client.post(at, given).content.decode()
    assert client.post(at, given | {"fed_back_on": day(clock.today())}).status_code == 302
    made = IntelligenceCheck.objects.get()
    assert (made.system, made.partner, made.fed_back_on) == ("PNC", housing.agency, clock.today())
    seen = page(sign_in(housing), "/team/records/intelligence/")
    assert "Corrected" in seen
    assert case.reference in seen
    assert "Record a comparison" not in page(sign_in(housing), at)
    assert sign_in(housing).post(at, given | {"fed_back_on": ""}).status_code == 403


@pytest.mark.feature(161)
def test_a_story_is_told_without_names_and_with_consent(merton, coordinator, police, sign_in):
    who = factories.offender(merton, family_name="Quillfeather", given_names="Rowan")
    case = factories.case(merton, who=who)
    client = sign_in(coordinator)
    new = f"/team/records/stories/new/?case={case.reference}"
    assert case.reference in page(client, new)
    given = {"case": case.reference, "consent_on": day(clock.today()), "consent_to": "A mentor"}
    for text, problem in (
        ("Quillfeather found work.", "The story holds a name"),
        (f"{case.reference} found work.", "holds a reference"),
        ("Since the MARAC he has found work.", "speaks of MARAC"),
        ("Born 4/2/1994, he found work.", "holds a full date"),
    ):
        refused = client.post("/team/records/stories/new/", given | {"text": text})
        assert problem in refused.content.decode(), text
    fine = given | {"text": "A young man found work and a home."}
    assert client.post("/team/records/stories/new/", fine).status_code == 302
    story = SuccessStory.objects.get()
    told = {"told_where": "The local paper", "told_on": day(clock.today()), "version": story.version}
    early = told | {"told_on": day(clock.today() - timedelta(days=1))}
    assert "after the person agreed" in client.post(f"/team/records/stories/{story.pk}/", early).content.decode()
    assert client.post(f"/team/records/stories/{story.pk}/", told).status_code == 302
    assert "The local paper" in page(sign_in(police), "/team/records/stories/")
    assert client.post(f"/team/records/stories/{story.pk}/withdraw/").status_code == 302
    assert "Changed their mind" in page(client, "/team/records/stories/")


@pytest.mark.feature(162)
def test_the_police_list_is_a_source_of_nominations_for_police_and_coordinator(sign_in):
    forest = factories.scheme("waltham_forest")
    police = factories.member(forest, "member", "referrer", agency_kind="police")
    housing = factories.member(forest, "member", agency_kind="housing")
    known = factories.case(forest, who=factories.offender(forest, family_name="Specimen", given_names="Lee"))
    client = sign_in(police)
    listed = {"listed_from": "1 2 2026", "source_on": "1 3 2026"}
    lee = {"family_name": "specimen", "given_names": "Lee", "date_of_birth": "4 2 1994"} | listed
    robin = {"family_name": "Sample", "given_names": "Robin", "date_of_birth": "9 1 1990"} | listed
    for each in (lee, robin):
        assert client.post("/team/records/named-list/", each).status_code == 302
    assert "on the list already" in client.post("/team/records/named-list/", robin).content.decode()
    seen = page(client, "/team/records/named-list/")
    assert "Operation Dauntless list" in seen
    assert f'href="/cases/{known.reference}/"' in seen
    assert 'href="/referrals/new/">Nominate' in seen
    assert sign_in(housing).get("/team/records/named-list/").status_code == 403
    assert "Operation Dauntless" not in page(sign_in(housing), "/team/records/")
    assert "Waltham Forest, 3.3" in page(client, "/team/records/")
    gone = Listed.objects.get(given_names="Robin")
    assert client.post(f"/team/records/named-list/{gone.pk}/end/").status_code == 302
    assert "Not on it any more" in page(client, "/team/records/named-list/")


@pytest.mark.feature(163)
def test_where_agencies_work_together_and_whether_there_is_a_private_room(merton, police, housing, sign_in):
    client = sign_in(housing)
    given = {
        "place": "Civic centre",
        "agencies": [police.agency.slug, housing.agency.slug],
        "days": "Mondays",
        "since": "5 1 2026",
    }
    assert "Choose whether there is a private room" in client.post("/team/records/places/", given).content.decode()
    assert client.post("/team/records/places/", given | {"private_room": "no"}).status_code == 302
    seen = page(sign_in(police), "/team/records/places/")
    assert f"{housing.agency.name}, {police.agency.name}" in seen
    assert client.post(f"/team/records/places/{Premises.objects.get().pk}/end/").status_code == 302
    assert "No place is recorded" in page(client, "/team/records/places/")


@pytest.mark.feature(167)
def test_a_group_says_how_it_is_worked_with_on_the_case_and_the_board(sign_in):
    forest = factories.scheme("waltham_forest")
    office = factories.member(forest, "coordinator")
    police = factories.member(forest, "member", agency_kind="police")
    case = factories.case(forest)
    client = sign_in(office)
    at = f"/cases/{case.reference}/groups/"
    assert client.post(at, {"group": "domestic_abuse", "starts_on": day(clock.today())}).status_code == 302
    theirs = sign_in(police)
    for address in (f"/cases/{case.reference}/", at):
        seen = page(client, address)
        assert "The victim's safety comes first" in seen.replace("&#39;", "'")
        assert "At least weekly while Red" in seen
    assert "The victim" in page(theirs, f"/cases/{case.reference}/")
    assert "Domestic abuse perpetrators (Operation Dauntless)" in page(theirs, "/cases/")
    assert theirs.get(at).status_code == 403
    placed = case.in_groups.get()
    assert client.post(f"{at}{placed.pk}/leave/").status_code == 302
    assert "This case is in no group" in page(client, at)

    hampshire = factories.scheme("hampshire")
    fixed = factories.case(hampshire, criterion="fixed")
    seen = page(sign_in(factories.member(hampshire, "coordinator")), f"/cases/{fixed.reference}/")
    assert "Fixed cohort" in seen
    assert "By the clause under which the case was taken on" in seen
    assert all(each.delivery for each in load_preset("hampshire").sub_cohorts)
