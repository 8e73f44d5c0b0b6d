"""The directory of services, the map of gaps, and agreements with courts and providers."""

from datetime import date

import pytest

from actionplans import offers, services
from actionplans.actions import set_need, start_plan
from actionplans.models import Agreement, GapNote, Offer, Service
from iom.access import actor_for
from iom.models import Role
from offenders.models import Case
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")


def text(response):
    return " ".join(response.content.decode().split())


def entry(**changed):
    """A service as somebody types it."""
    return {
        "name": "Rent deposit scheme",
        "provider": "outside",
        "organisation": "Sample Homes",
        "pathways": ["accommodation"],
        "areas": "Cricket Green\nRavensbury",
        "for_whom": "Adults without a tenancy",
        "how_to_refer": "Ring the duty desk.",
        "waiting": "About 3 weeks",
        "priority": "yes",
        "priority_terms": "Seen within 5 working days",
        "starts_on": "1 1 2026",
        "until": "",
    } | changed


def person(scheme, area, **fields):
    return factories.case(scheme, who=factories.offender(scheme, area=area), **fields)


def needs(case, by, level="high", pathway="accommodation"):
    set_need(start_plan(case, by=by), pathway, level=level, goal="", by=by)
    return case


# --- The directory ------------------------------------------------------------


@pytest.mark.feature(138)
@pytest.mark.feature(139)
def test_service_is_entered_found_by_pathway_and_ward_and_ended(sign_in, coordinator, housing, merton):
    client, member = sign_in(coordinator), sign_in(housing)

    answer = client.post("/services/new/", entry())
    held = Service.objects.get()

    assert answer.url == f"/services/{held.pk}/"
    assert (held.areas, held.priority) == (["Cricket Green", "Ravensbury"], True)
    here = "/services/?pathway=accommodation&ward=Ravensbury&priority=on"
    assert "Rent deposit scheme</a>" in text(member.get(here))
    assert "Seen within 5 working days" in text(member.get(here))
    for elsewhere in ("?pathway=health", "?ward=Nowhere", ""):
        found = "Rent deposit scheme</a>" in text(member.get(f"/services/{elsewhere}"))
        assert found == (elsewhere != "?pathway=health")

    ended = client.post(f"/services/{held.pk}/end/", {"last_day": "4 3 2026", "because": "Money ran out", "version": 1})

    assert ended.url == f"/services/{held.pk}/"
    assert "Rent deposit scheme" not in text(member.get("/services/"))
    assert "Rent deposit scheme" in text(member.get("/services/?ended=on"))
    assert "Ended on 4 Mar 2026. Money ran out" in text(member.get(f"/services/{held.pk}/"))


def test_agency_keeps_what_it_provides_and_nothing_else(sign_in, coordinator, housing, police, as_coordinator):
    client = sign_in(housing)
    client.post("/services/new/", entry(provider=str(housing.agency.pk), organisation=""))
    own = Service.objects.get()
    other = services.add_service(
        by=as_coordinator,
        name="Detox",
        agency=police.agency,
        pathways=["drugs_alcohol"],
        how_to_refer="Ring",
        starts_on=None,
    )

    assert own.agency == housing.agency
    assert "Another organisation" not in text(client.get("/services/new/"))
    outside = client.post("/services/new/", entry())
    assert "Choose provided by from the list" in text(outside)
    assert client.get(f"/services/{other.pk}/change/").status_code == 403
    assert client.post(f"/services/{other.pk}/end/", {}).status_code == 403
    # Nobody gives a service to another agency either.
    given_away = client.post(
        f"/services/{own.pk}/change/", entry(provider=str(police.agency.pk), organisation="", version=1)
    )
    assert given_away.status_code == 200
    own.refresh_from_db()
    assert own.agency == housing.agency
    changed = client.post(
        f"/services/{own.pk}/change/", entry(provider=str(housing.agency.pk), name="Bonds", version=1)
    )
    assert changed.url == f"/services/{own.pk}/"
    stale = client.post(f"/services/{own.pk}/change/", entry(provider=str(housing.agency.pk), name="Loans", version=1))
    assert stale.status_code == 409


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"organisation": ""}, "Enter the name of the organisation", id="no provider"),
        pytest.param({"pathways": []}, "Choose at least one pathway", id="no pathway"),
        pytest.param({"priority_terms": ""}, "Enter what priority means here", id="priority without terms"),
        pytest.param(
            {"until": "31 12 2025"}, "The last day must be the first day or later", id="ends before it starts"
        ),
    ],
)
def test_service_that_makes_no_sense_is_refused(sign_in, coordinator, changed, words):
    answer = sign_in(coordinator).post("/services/new/", entry(**changed))

    assert words in text(answer)
    assert not Service.objects.exists()


def test_services_cost_the_same_however_many(
    sign_in, coordinator, as_coordinator, housing, django_assert_num_queries, merton
):
    def add(number):
        services.add_service(
            by=as_coordinator,
            name=f"Service {number}",
            agency=housing.agency,
            pathways=["accommodation"],
            areas=[f"Ward {number}"],
            how_to_refer="Ring",
            starts_on=date(2026, 1, 1),
        )
        needs(person(merton, f"Ward {number}"), as_coordinator)

    add(1)
    client = sign_in(coordinator)
    counted = {}
    for address in ("/services/", "/services/gaps/", "/services/agreements/"):
        with django_assert_num_queries(QUERIES[address] + factories.AROUND):
            counted[address] = client.get(address)
    add(2), add(3)
    for address in counted:
        with django_assert_num_queries(QUERIES[address] + factories.AROUND):
            client.get(address)


QUERIES = {"/services/": 2, "/services/gaps/": 5, "/services/agreements/": 2}


# --- Gaps ---------------------------------------------------------------------


def the_map(merton, by, housing):
    """Six need a home in Ravensbury, one in Hillside; four were offered one, one has it, and one waits."""
    cases = [needs(person(merton, "Ravensbury"), by) for _ in range(6)]
    needs(person(merton, " hillside "), by, "some")
    for case in cases[:4]:
        made = offers.offer(case, pathway="accommodation", text="A room", agency=housing.agency, by=by)
        if case == cases[0]:
            offers.answered(made, "taken_up", by=by)
    Offer.objects.filter(case__in=cases[2:4]).update(answer="refused", answered_on=date(2026, 3, 4))
    closed = needs(person(merton, "Ravensbury"), by)
    Case.objects.filter(pk=closed.pk).update(status="closed", ended_on=date(2026, 3, 1))
    hidden = needs(person(merton, "Ravensbury"), by)
    Case.objects.filter(pk=hidden.pk).update(restricted=True)
    services.add_service(
        by=by,
        name="Rooms",
        agency=housing.agency,
        pathways=["accommodation"],
        areas=["ravensbury"],
        how_to_refer="Ring",
        starts_on=date(2026, 1, 1),
    )


@pytest.mark.feature(321)
def test_gap_map_counts_need_offers_and_services_by_ward(sign_in, coordinator, as_coordinator, housing, merton):
    the_map(merton, as_coordinator, housing)
    client = sign_in(coordinator)

    whole = text(client.get("/services/gaps/"))
    by_ward = text(client.get("/services/gaps/?pathway=accommodation"))

    row = whole[whole.index("All wards, by pathway") :]
    cells = [cell.split("<")[0] for cell in row.split("govuk-table__cell--numeric")[1:7]]
    assert [cell.rsplit(">", 1)[-1] for cell in cells] == ["6", "1", "4", "1", "1", "3"]
    gaps = whole[whole.index("Gaps: somebody") : whole.index("All wards, by pathway")]
    assert ("hillside" in gaps, "Ravensbury" in gaps) == (True, False)
    assert "Ravensbury</a>" in by_ward
    assert "Raise as an issue for the board" in gaps


@pytest.mark.feature(321)
def test_board_reader_is_told_no_small_number_nor_a_sum_that_gives_one_away(
    sign_in, coordinator, as_coordinator, housing, merton
):
    the_map(merton, as_coordinator, housing)
    board = factories.member(merton, Role.BOARD_READER, agency_kind="council")
    client = sign_in(board)

    whole, by_ward = (text(client.get(f"/services/gaps/{q}")) for q in ("", "?pathway=accommodation"))

    row = whole[whole.index("All wards, by pathway") :]
    cells = [cell.split("<")[0].rsplit(">", 1)[-1] for cell in row.split("govuk-table__cell--numeric")[1:6]]
    # Six with a high need, in one ward alone, may be told; all others would tell of fewer than five.
    assert cells == ["6", "fewer than 5", "fewer than 5", "fewer than 5", "fewer than 5"]
    assert "Nothing offered" not in whole
    wards = by_ward[by_ward.index("by ward") : by_ward.index("Counted are people")]
    assert "fewer than 5" in wards
    assert ">1<" not in wards
    assert "Raise as an issue" not in whole
    assert client.get("/services/gaps/notes/new/").status_code == 403


@pytest.mark.feature(138)
def test_gap_is_raised_for_the_board_and_somebody_bids(sign_in, coordinator, as_coordinator, merton):
    needs(person(merton, "Hillside"), as_coordinator)
    client = sign_in(coordinator)
    page = client.get("/services/gaps/").content.decode()

    link = page[page.index("/escalations/new/") :].split('"')[0].replace("&amp;", "&")
    issue = text(client.get(link))

    assert "No service: Accommodation in Hillside" in issue
    assert "Fewer than 5 people on the cohort need help with Accommodation in Hillside." in issue
    noted = client.post(
        "/services/gaps/notes/new/",
        {
            "pathway": "accommodation",
            "area": "Hillside",
            "text": "Two rooms for the first night.",
            "bidder": "The council",
            "bid_to": "The Mayor's Office",
            "due_on": "20 3 2026",
            "state": "open",
        },
    )
    assert noted.url == "/services/gaps/"
    note = GapNote.objects.get()
    assert "The council: to bid for, by 20 Mar 2026" in text(client.get("/services/gaps/"))
    assert "1 bid to make for services" in text(client.get("/"))
    form = {"pathway": "accommodation", "area": "Hillside", "text": "Two rooms.", "bidder": "The council", "bid_to": ""}
    client.post(f"/services/gaps/notes/{note.pk}/", form | {"due_on": "20 3 2026", "state": "funded", "version": 1})
    note.refresh_from_db()
    assert note.state == "funded"


def test_offer_names_a_service_of_its_pathway_that_takes_people_on_that_day(as_coordinator, housing, merton):
    rooms = services.add_service(
        by=as_coordinator,
        name="Rooms",
        agency=housing.agency,
        pathways=["accommodation"],
        how_to_refer="Ring",
        starts_on=date(2026, 1, 1),
        until=date(2026, 3, 1),
    )
    case, given = person(merton, "Hillside"), {"text": "A room", "agency": housing.agency, "by": as_coordinator}

    made = offers.offer(case, pathway="accommodation", on=date(2026, 3, 1), service=rooms, **given)

    assert made.service == rooms
    for pathway, on in (("accommodation", date(2026, 3, 2)), ("health", date(2026, 3, 1))):
        with pytest.raises(offers.StepRefused):
            offers.offer(case, pathway=pathway, on=on, service=rooms, **given)


@pytest.mark.feature(139)
def test_plan_offers_the_services_of_the_pathway_with_their_priority(
    sign_in, coordinator, as_coordinator, housing, merton
):
    def entered(name, pathway, areas):
        given = {"agency": housing.agency, "pathways": [pathway], "areas": areas, "how_to_refer": "Ring"}
        terms = {"priority": True, "priority_terms": "Seen in 5 days"}
        return services.add_service(by=as_coordinator, name=name, starts_on=date(2026, 1, 1), **given, **terms)

    entered("Rooms far away", "accommodation", ["Nowhere"]), entered("Clinic", "health", [])
    rooms = entered("Rooms near by", "accommodation", ["hillside"])
    case, client = person(merton, "Hillside"), sign_in(coordinator)
    plan = f"/cases/{case.reference}/plan/"

    page = text(client.get(plan))
    offered = page[page.index('id="accommodation"') :]
    offered = offered[offered.index("None of these") :]
    given = {"offer-accommodation-agency": housing.agency.slug, "offer-accommodation-on": "5 3 2026"}
    refused = client.post(f"{plan}accommodation/offers/", given)
    client.post(f"{plan}accommodation/offers/", given | {"offer-accommodation-service": str(rooms.pk)})

    assert offered.index("Rooms near by (") < offered.index("Rooms far away (") < offered.index("</select>")
    assert "priority: Seen in 5 days)" in offered
    assert "Enter what was offered, or choose a service" in text(refused)
    assert (Offer.objects.get().text, Offer.objects.get().service) == ("Rooms near by", rooms)
    assert "Rooms near by</a>" in text(client.get(plan))


# --- Agreements ---------------------------------------------------------------


@pytest.mark.feature(148)
@pytest.mark.feature(139)
def test_agreement_with_a_court_is_kept_reviewed_and_ended(sign_in, coordinator, housing, as_coordinator):
    client, member = sign_in(coordinator), sign_in(housing)
    form = {
        "kind": "court",
        "with_whom": "Sample Magistrates' Court",
        "service": "",
        "premium": "on",
        "promised": "Warrants of people on the cohort are listed first.",
        "given": "Statements within 5 days.",
        "starts_on": "1 10 2025",
        "review_on": "20 3 2026",
    }

    answer = client.post("/services/agreements/new/", form)
    held = Agreement.objects.get()

    assert answer.url == f"/services/agreements/{held.pk}/"
    page = text(member.get("/services/agreements/"))
    assert "Sample Magistrates" in page
    assert "Premium service" in page
    assert "Review the agreement with Sample Magistrates" in text(client.get("/"))
    assert member.post(f"/services/agreements/{held.pk}/", {"do": "end"}).status_code == 403
    early = {"do": "review", "review-words": "Kept.", "review-next_on": "5 3 2026", "review-version": "1"}
    assert "The next review must be after today" in text(client.post(f"/services/agreements/{held.pk}/", early))
    client.post(f"/services/agreements/{held.pk}/", early | {"review-next_on": "20 9 2026"})
    held.refresh_from_db()
    assert (held.reviewed_on, held.review_on) == (date(2026, 3, 5), date(2026, 9, 20))
    ended = {"do": "end", "end-on": "5 3 2026", "end-because": "The court closed.", "end-version": str(held.version)}
    client.post(f"/services/agreements/{held.pk}/", ended)
    assert "The court closed." in text(member.get("/services/agreements/"))
    with pytest.raises(services.StepRefused):
        services.change_agreement(held, by=as_coordinator, promised="More")


def test_priority_access_names_the_service(sign_in, coordinator):
    form = {"kind": "priority", "with_whom": "Sample Clinic", "promised": "First slots", "starts_on": "1 3 2026"}

    page = sign_in(coordinator).post("/services/agreements/new/", form | {"review_on": "1 9 2026"})

    assert "Choose the service to which people have priority access" in text(page)
    assert not Agreement.objects.exists()


def test_board_reader_and_referrer_read_services_and_members_of_another_scheme_do_not(sign_in, as_coordinator, merton):
    made = services.add_service(
        by=as_coordinator, name="Rooms", organisation="X", pathways=["health"], how_to_refer="Ring", starts_on=None
    )
    other = factories.scheme("london")
    stranger = actor_for(factories.member(other, "coordinator"))

    for role, status in ((Role.BOARD_READER, 200), (Role.REFERRER, 403)):
        client = sign_in(factories.member(merton, role))
        assert client.get(f"/services/{made.pk}/").status_code == 200
        assert client.get("/services/agreements/").status_code == status
    assert not Service.objects.visible_to(stranger).exists()
