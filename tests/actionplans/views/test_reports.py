"""The management report on a case, and the supervisor's review of it on a cycle (Hampshire, Once Accepted)."""

import io
from datetime import date

import pytest
from pypdf import PdfReader

from actionplans import offers, reports
from actionplans.actions import add_action
from actionplans.models import ManagementReport, Supervisor, SupervisorReview
from actionplans.supervising import Cycle, cycle
from iom import reminders
from iom.access import actor_for
from iom.models import Notification
from offenders import actions as cases
from offenders.timeline import note
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")


@pytest.fixture
def hampshire(db):
    return factories.scheme("hampshire")


@pytest.fixture
def people(hampshire):
    def police(name, *roles):
        return factories.member(hampshire, *roles, agency_kind="police", name=name, seat=True)

    return {
        "office": factories.member(hampshire, "coordinator", name="Priya Shah"),
        "lead": police("Tom Dunn", "member"),
        "boss": police("Ida Sergeant", "member"),
        "probation": factories.member(hampshire, "member", agency_kind="probation", seat=True, name="Kofi Osei"),
    }


@pytest.fixture
def case(hampshire, people):
    made = factories.case(hampshire, since=date(2026, 2, 2))
    lead = people["lead"]
    by = actor_for(people["office"])
    cases.assign(made, "lead_professional", agency=lead.agency, membership=lead, on=date(2026, 2, 2), by=by)
    return made


@pytest.fixture
def supervised(people):
    return reports.name_supervisor(people["lead"], people["boss"], by=actor_for(people["office"]))


def text(response):
    return " ".join(response.content.decode().split())


def at(case, rest=""):
    return f"/cases/{case.reference}/report/{rest}"


def fits(**changed):
    return {"fits": "fits", "words": "Visits each week, as Red asks.", "next_on": "2 4 2026", "version": "0"} | changed


# --- The report -----------------------------------------------------------------


@pytest.mark.feature(149)
def test_report_is_written_live_from_what_is_kept_and_printed(sign_in, people, case, hampshire):
    by, lead = actor_for(people["office"]), people["lead"]
    pathway = hampshire.policy.pathways[0].slug
    made = offers.offer(case, pathway=pathway, text="A bed in a hostel", agency=lead.agency, on=date(2026, 2, 9), by=by)
    offers.answered(made, "refused", on=date(2026, 2, 10), by=by)
    add_action(case=case, text="Visit each Friday", agency=lead.agency, due_on=date(2026, 3, 13), by=by)
    seen = {"on": date(2026, 2, 20), "by": actor_for(lead), "agency": lead.agency}
    note(case, "home_visit", text="At home with the tag on.", **seen)
    note(case, "home_visit", text="Seen with a knife.", **seen | {"handling": "police_probation"})
    meeting = factories.meeting(hampshire, date(2026, 2, 19))
    factories.decided(case, "remove", meeting=meeting, reason="No offence for a year.")
    client = sign_in(lead)

    saved = client.post(at(case, "write/"), {"narrative": "He keeps to his curfew now.", "version": "0"})
    cases.close(case, on=date(2026, 3, 5), reason="End of licence", by=by)
    office = sign_in(people["office"])
    page = text(office.get(at(case)))
    file = office.get(at(case, "pdf/"))
    printed = " ".join("".join(p.extract_text() for p in PdfReader(io.BytesIO(file.content)).pages).split())

    assert saved.url == at(case)
    for said in (page, printed):
        for words in (
            "A bed in a hostel",
            "Refused",
            "Visit each Friday",
            "At home with the tag on.",
            "No offence for a year.",
            "End of licence.",
            "New on the cohort",
            "He keeps to his curfew now.",
            "registering",
        ):
            assert words in said, words
        # What is marked for some is printed for nobody.
        assert "knife" not in said
    assert file["Content-Disposition"] == f'attachment; filename="{case.reference.lower()}-management-report.pdf"'
    # Who left is read about by the office; members no longer find the case.
    assert client.get(at(case)).status_code == 404
    assert office.post(at(case, "write/"), {"narrative": "More", "version": "1"}).status_code == 403


def test_narrative_is_the_leads_alone_and_kept_with_its_version(sign_in, people, case):
    lead, office = sign_in(people["lead"]), sign_in(people["office"])

    assert office.post(at(case, "write/"), {"narrative": "Mine", "version": "0"}).status_code == 403
    lead.post(at(case, "write/"), {"narrative": "First", "version": "0"})
    assert lead.post(at(case, "write/"), {"narrative": "Second", "version": "0"}).status_code == 409

    assert ManagementReport.objects.get().narrative == "First"
    assert "First" in text(office.get(at(case)))


def test_scheme_that_keeps_no_report_says_so(sign_in, db):
    scheme = factories.scheme("merton")
    made, client = factories.case(scheme), sign_in(factories.member(scheme, "coordinator"))

    assert "This scheme keeps no management report." in text(client.get(at(made)))
    assert "This scheme keeps no management report." in text(client.get("/reports/"))
    assert client.get(at(made, "pdf/")).url == at(made)
    assert "Management report" not in text(client.get(f"/cases/{made.reference}/"))


# --- The supervisor -------------------------------------------------------------


@pytest.mark.feature(36)
@pytest.mark.feature(150)
def test_supervisor_reviews_on_a_cycle_whether_what_is_done_fits(sign_in, people, case, time_machine):
    office, boss, lead = (sign_in(people[name]) for name in ("office", "boss", "lead"))
    named = {"lead": str(people["lead"].pk), f"lead-{people['lead'].pk}-supervisor": str(people["boss"].pk)}

    assert "1 lead officer without a supervisor" in text(office.get("/"))
    assert office.post("/reports/supervisors/", named).url == "/reports/supervisors/"
    # Accepted on 2 February, so four weeks later, on 2 March, the first review was due.
    assert "Review 1 management report" in text(boss.get("/"))
    assert "1 management report overdue for review" in text(office.get("/"))
    assert "0 in 28 days, 0 of them enforcement: less than the rating expects" in text(boss.get(at(case)))
    page = text(boss.get("/reports/?show=mine"))
    assert ("3 days late" in page, case.reference in page) == (True, True)

    assert boss.post(at(case, "review/"), fits(fits="too_little", words="Nobody was told.")).url == at(case)

    held = SupervisorReview.objects.get()
    assert (held.due_on, held.done_on, held.next_due_on) == (date(2026, 3, 2), date(2026, 3, 5), date(2026, 4, 2))
    assert (held.colour, held.lead, held.supervisor) == ("RED", people["lead"], people["boss"])
    assert Notification.objects.filter(recipient=people["lead"].user, kind="report_reviewed").exists()
    assert "Too little is done for the rating" in text(lead.get(at(case)))
    # It stands among the reviews of the case, where nobody else can write one down.
    reviews = f"/cases/{case.reference}/reviews/"
    assert "Too little is done for the rating. Nobody was told." in text(lead.get(reviews))
    assert 'value="supervisor"' not in text(lead.get(reviews))
    assert "overdue for review" not in text(office.get("/"))
    assert "reviewed today already" in text(boss.post(at(case, "review/"), fits()))
    time_machine.move_to("2026-03-26T09:00:00+00:00")
    assert "Review 1 management report" in text(sign_in(people["boss"]).get("/"))


@pytest.mark.feature(150)
def test_nobody_but_the_supervisor_reviews_and_the_lead_never_their_own(sign_in, people, case, supervised):
    for nobody in ("lead", "office", "probation"):
        assert sign_in(people[nobody]).post(at(case, "review/"), fits()).status_code == 403
    office = actor_for(people["office"])

    # Somebody who supervises an officer and then leads the case themselves does not review their own report.
    boss = people["boss"]
    cases.assign(case, "lead_professional", agency=boss.agency, membership=boss, on=date(2026, 3, 5), by=office)
    Supervisor.objects.create(scheme=case.scheme, lead=boss, supervisor=people["lead"], starts_on=date(2026, 3, 5))
    assert sign_in(boss).post(at(case, "review/"), fits()).status_code == 403
    assert sign_in(people["lead"]).post(at(case, "review/"), fits()).status_code == 302
    assert SupervisorReview.objects.get().lead == boss


def test_supervisor_is_of_the_same_agency_and_nobody_names_their_own(people, case):
    office, lead, boss = people["office"], people["lead"], people["boss"]

    for chosen, by in ((people["probation"], office), (lead, office)):
        with pytest.raises(reports.StepRefused):
            reports.name_supervisor(lead, chosen, by=actor_for(by))
    for by in (lead, people["probation"]):
        with pytest.raises(reports.PermissionDenied):
            reports.name_supervisor(lead, boss, by=actor_for(by))
    reports.name_supervisor(lead, boss, by=actor_for(boss))
    assert reports.supervisor_of(lead) == boss


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"words": ""}, "Enter what you found", id="no words"),
        pytest.param({"fits": ""}, "Choose whether what is done fits the rating", id="no answer"),
        pytest.param({"next_on": "5 3 2026"}, "must be after today, and within 8 weeks", id="again today"),
        pytest.param({"next_on": "1 5 2026"}, "must be after today, and within 8 weeks", id="a day too late"),
    ],
)
def test_review_that_says_too_little_is_refused(sign_in, people, case, supervised, changed, words):
    answer = sign_in(people["boss"]).post(at(case, "review/"), fits(**changed))

    assert words in text(answer)
    assert not SupervisorReview.objects.exists()


def test_review_of_a_report_that_changed_meanwhile_is_asked_again(sign_in, people, case, supervised):
    sign_in(people["lead"]).post(at(case, "write/"), {"narrative": "New", "version": "0"})

    assert sign_in(people["boss"]).post(at(case, "review/"), fits()).status_code == 409
    assert sign_in(people["boss"]).post(at(case, "review/"), fits(next_on="30 4 2026", version="1")).status_code == 302


def test_list_costs_the_same_however_many(sign_in, people, case, supervised, hampshire, django_assert_num_queries):
    client = sign_in(people["boss"])

    def cost():
        with django_assert_num_queries(7 + factories.AROUND):
            client.get("/reports/?show=mine")

    cost()
    for _ in range(2):
        more = factories.case(hampshire, since=date(2026, 2, 2))
        lead, by = people["lead"], actor_for(people["office"])
        cases.assign(more, "lead_professional", agency=lead.agency, membership=lead, on=date(2026, 2, 2), by=by)
    cost()


def test_reminders_of_a_restricted_case_reach_nobody_who_is_not_named(people, case, supervised):
    type(case).objects.filter(pk=case.pk).update(restricted=True)

    reminders.sweep(date(2026, 3, 5))

    assert not Notification.objects.filter(kind__in=["report_review", "report_overdue"]).exists()


# --- The cycle ------------------------------------------------------------------


def test_cycle_runs_from_acceptance_and_then_from_what_the_last_review_set():
    first = cycle(date(2026, 2, 2), weeks=4)
    later = cycle(date(2026, 2, 2), weeks=4, done=date(2026, 3, 5), next_due=date(2026, 3, 20))

    assert first == Cycle(date(2026, 3, 2))
    assert (first.overdue(date(2026, 3, 2)), first.overdue(date(2026, 3, 3))) == (False, True)
    assert later == Cycle(date(2026, 3, 20), date(2026, 3, 5))
    assert cycle(date(2026, 2, 2), weeks=None, done=date(2026, 3, 5)).due_on == date(2026, 4, 2)
