"""What goes beyond the plan's own page: visits, copies for those off the system, the transition plan."""

import io
from datetime import date

import pytest
from pypdf import PdfReader

from actionplans import offers
from actionplans.actions import add_action, set_need, start_plan
from actionplans.models import PlanCopy, TransitionPlan, Visit
from actionplans.transition import agreed
from iom.access import actor_for
from iom.printing import CLASSIFICATION
from offenders.actions import assign, record_custody
from offenders.clocks import Calendar
from offenders.exits import standing
from offenders.models import Entry
from offenders.safeguarding import record_check
from tests import factories

TODAY = date(2026, 3, 5)


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")


def text(response):
    return " ".join(response.content.decode().split())


def led(scheme, **more):
    """A case, its coordinator, and the police officer who leads it."""
    office = factories.member(scheme, "coordinator")
    police = factories.member(scheme, "member", agency_kind="police")
    probation = factories.member(scheme, "member", agency_kind="probation")
    case = factories.case(scheme, **more)
    by = actor_for(office)
    assign(case, "lead_professional", agency=police.agency, membership=police, on=date(2026, 2, 1), by=by)
    return case, office, police, probation


def planned(police, probation, kind="compliance_visit", on="6 3 2026"):
    given = {"kind": kind, "on": on, "agency": police.agency.slug, "together_with": probation.agency.slug}
    return {f"visit-{name}": value for name, value in given.items()}


@pytest.mark.feature(145)
def test_supported_compliance_visit_is_planned_and_made_by_police_with_probation(db, sign_in):
    case, _, police, probation = led(factories.scheme("london"))
    client, address = sign_in(police), f"/cases/{case.reference}/visits/"
    alone = planned(police, probation) | {"visit-together_with": ""}
    assert "police together with probation" in text(client.post(address, alone))

    client.post(address, planned(police, probation, on="5 3 2026"))
    visit = Visit.objects.get(case=case)
    given = {"on": "5 3 2026", "words": "At home as the order says.", "version": visit.version}
    client.post(
        f"{address}{visit.pk}/", {f"made-{visit.pk}-{name}": value for name, value in given.items()} | {"then": "made"}
    )

    visit.refresh_from_db()
    assert visit.status == "made"
    entry = Entry.objects.get(case=case)
    assert (entry.kind, entry.text, entry.happened_on) == ("compliance_visit", "At home as the order says.", TODAY)


@pytest.mark.feature(145)
@pytest.mark.parametrize("kind", ["da_perpetrator", "public_protection"])
def test_visit_is_not_offered_for_the_exceptions_and_the_page_says_why(db, sign_in, kind):
    london = factories.scheme("london")
    case, _, police, probation = led(london)
    record_check(case, kind, outcome="managed", on=TODAY, by=actor_for(police))

    page = text(sign_in(police).get(f"/cases/{case.reference}/visits/"))

    assert "Supported-compliance visits: not offered" in page
    assert "London, Police" in page
    assert "Plan a visit" not in page
    sign_in(police).post(f"/cases/{case.reference}/visits/", planned(police, probation))
    assert not Visit.objects.exists()


@pytest.mark.feature(143)
def test_lead_is_asked_to_visit_in_prison_before_release(db, sign_in):
    scheme = factories.scheme("waltham_forest")
    case, office, police, probation = led(scheme)
    held = {"kind": "sentence", "prison": "HMP Example", "starts_on": date(2026, 1, 20)}
    record_custody(case, **held, release_expected_on=date(2026, 4, 14), by=actor_for(office))
    client, address = sign_in(police), f"/cases/{case.reference}/visits/"
    assert f"{case.reference}: visit in prison before release on 14 April" in text(client.get("/"))

    client.post(address, planned(police, probation, "prison_visit", on="5 3 2026"))
    visit = Visit.objects.get(case=case)
    given = {"on": "5 3 2026", "words": "A room is waiting.", "version": visit.version}
    client.post(f"{address}{visit.pk}/", {f"made-{visit.pk}-{n}": v for n, v in given.items()} | {"then": "made"})

    assert "visit in prison" not in text(client.get("/"))
    assert "Waltham Forest, 2.3" in text(client.get(address))


def test_copies_hold_what_their_reader_may_have_and_no_more(merton, sign_in):
    case, office, police, _ = led(merton)
    by = actor_for(office)
    set_need(start_plan(case, by=by), "accommodation", level="high", goal="A room of one's own", by=by)
    agency = factories.member(merton, "member", agency_kind="housing").agency
    factories.related(case.offender, police, name="Ola Fieldmouse")
    for words, kind in (
        ("Confirm the tenancy", "support"),
        ("Raised at MARAC last week", "protection"),
        ("Arrest if seen in the market", "enforcement"),
        ("Keep away from Ola Fieldmouse", "protection"),
    ):
        row = {"due_on": date(2026, 3, 20), "pathway": "accommodation", "kind": kind}
        add_action(case=case, text=words, agency=agency, by=by, **row)
    offers.offer(case, pathway="accommodation", text="A drop-in", agency=agency, by=by)
    client, address = sign_in(office), f"/cases/{case.reference}/plan/copies/"

    client.post(address, {"audience": "person", "recipient": ""})
    client.post(address, {"audience": "agency", "recipient": "An association, by secure e-mail"})
    agency_copy, for_person = PlanCopy.objects.filter(case=case).select_related("document")

    shown = {}
    for copy in (for_person, agency_copy):
        answer = client.get(f"{address}{copy.pk}/")
        assert answer["Content-Disposition"] == f'attachment; filename="{case.reference}.pdf"'
        pages = PdfReader(io.BytesIO(answer.content)).pages
        assert all(CLASSIFICATION in page.extract_text() for page in pages)
        shown[copy.audience] = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "Confirm the tenancy" in shown["person"]
    assert "A drop-in" in shown["person"]
    for words in ("MARAC", "Arrest", "Fieldmouse"):
        assert words not in shown["person"]
    assert "Arrest if seen" in shown["agency"]
    assert "Fieldmouse" not in shown["agency"]
    assert (for_person.left_out, agency_copy.left_out) == (3, 1)
    register = text(client.get(address))
    assert "An association, by secure e-mail" in register
    assert "3 entries" in register
    assert "Say which agency gets the copy" in text(client.post(address, {"audience": "agency", "recipient": ""}))
    assert sign_in(factories.member(merton, "member")).post(address, {"audience": "person"}).status_code == 403


@pytest.mark.feature(154)
def test_transition_plan_is_agreed_before_a_case_of_hampshire_is_closed(db, sign_in):
    hampshire = factories.scheme("hampshire")
    case, office, police, _ = led(hampshire)
    address = f"/cases/{case.reference}/transition/"
    client = sign_in(police)
    calendar = Calendar.of(hampshire, TODAY)
    assert "No meeting has agreed a transition plan." in standing(case, calendar).missing_to_close

    client.post(address, {"end-ends_on": "5 6 2026"})
    step = {"weeks_before": "4", "text": "One call a week", "agency": police.agency.slug}
    client.post(f"{address}steps/", {f"step-{name}": value for name, value in step.items()})
    page = text(client.get(address))
    assert "8 May" in page
    assert "Hampshire, When IOM Ends" in page

    held = factories.live_meeting(hampshire, TODAY, recorder=office)
    sign_in(office).post(f"{address}agreed/", {"agreed-meeting": held.pk})

    assert agreed(case)
    assert "No meeting has agreed a transition plan." not in standing(case, calendar).missing_to_close
    client.post(f"{address}steps/", {f"step-{n}": v for n, v in (step | {"weeks_before": "1"}).items()})
    plan = TransitionPlan.objects.get(case=case)
    assert plan.agreed_on is None  # what is added has to be agreed again
    client.post(f"{address}steps/{plan.steps.first().pk}/", {"then": "done"})
    assert "Done" in text(client.get(address))
