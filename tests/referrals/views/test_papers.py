"""Papers of nominations, cases and answers in the browser's place: added, read, downloaded, removed (security.md F1-F4)."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from iom import clock, outbox
from iom.access import actor_for
from iom.files import store
from iom.files.judging import judge
from iom.models import AuditEvent, FileState, MeetingStatus, Notification, PolicyVersion, StoredFile
from iom.steps import StepRefused
from offenders.models import Case
from panels.models import Section
from referrals import papers
from referrals.models import Paper, ReferralStatus
from tests import factories
from tests.iom.files import making

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.FILES_FOLDER = str(tmp_path / "files")
    settings.CLAMD = ""
    return tmp_path / "files"


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-03-05 10:00 +0000", tick=False):
        yield


@pytest.fixture
def referral(merton, police):
    return factories.referral(merton, police, status="sent")


@pytest.fixture
def case(merton):
    return factories.case(merton)


@pytest.fixture
def meeting(merton):
    return factories.meeting(merton, date(2026, 3, 12))


@pytest.fixture
def asked(meeting, housing, referral):
    return factories.check_request(meeting, housing.agency, referral.offender, referral=referral)


def a_file(name="report.docx", content=None):
    return SimpleUploadedFile(name, making.docx() if content is None else content)


def given(**changes):
    return {"file": a_file(), "what": "report", "handling": "panel"} | changes


def added(thing, by, **more):
    verb = {"Referral": papers.add_to_referral, "Case": papers.add_to_case, "CheckRequest": papers.add_to_request}
    details = {"what": "report", "handling": "panel"} | more
    return verb[type(thing).__name__](thing, judge("report.docx", making.docx()), by=by, **details)


def cleaned(paper):
    StoredFile.objects.filter(pk=paper.file_id).update(state=FileState.CLEAN, scanned_at=clock.now())
    return paper


def page_of(thing):
    name, arguments = {
        "Referral": lambda: ("nomination_papers", [thing.reference]),
        "Case": lambda: ("case_documents", [thing.reference]),
        "CheckRequest": lambda: ("research_papers", [thing.meeting.key, thing.pk]),
    }[type(thing).__name__]()
    return reverse(name, args=arguments)


# --- Adding ------------------------------------------------------------------


@pytest.mark.feature(65)
def test_paper_is_added_to_a_nomination_and_stands_on_its_page(referral, police, sign_in):
    client = sign_in(police)
    url = page_of(referral)

    response = client.post(url, given(), follow=True)

    assert response.redirect_chain == [(url, 302)]
    page = response.content.decode()
    assert "Paper 1 added. No virus scanner is set up: this file stays locked until one is" in page
    assert "report.docx" in page and "Word document" in page and "Everyone on the panel" in page
    paper = Paper.objects.get()
    assert (paper.offender, paper.number, paper.file.agency) == (referral.offender, 1, police.agency)
    [event] = AuditEvent.objects.filter(verb="add_paper")
    assert event.subjects == [referral.reference]


def test_document_is_added_to_a_case(case, police, sign_in):
    factories.signed(police)
    client = sign_in(factories.member(case.scheme, "coordinator"))

    response = client.post(page_of(case), given(what="court"), follow=True)

    assert "Document 1 added" in response.content.decode()
    assert Paper.objects.get().case == case


def test_paper_is_added_to_an_answer(asked, housing, sign_in):
    client = sign_in(housing)

    response = client.post(page_of(asked), given(), follow=True)

    assert f"{housing.agency.name}, paper 1 added" in response.content.decode()
    assert Paper.objects.get().request == asked


def test_what_is_refused_is_a_field_error_that_names_the_file_and_nothing_is_kept(referral, police, sign_in, folder):
    client = sign_in(police)
    macros = a_file("../plan.docx", making.docx(parts={"word/vbaProject.bin": b"x"}))

    response = client.post(page_of(referral), given(file=macros))

    page = response.content.decode()
    assert response.status_code == 200
    assert page.count("“plan.docx” has macros. Save it as PDF and choose that") == 2  # summary and field
    assert 'href="#id_file"' in page
    assert not Paper.objects.exists() and not StoredFile.objects.exists()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"file": ""}, "Choose a file"),
        ({"file": SimpleUploadedFile("a.txt", b"")}, "That file is empty"),
        ({"what": ""}, "Choose what it is"),
        ({"handling": ""}, "Choose who can open it"),
        ({"handling": "agencies"}, "Choose the agencies that can open it"),
        ({"handling": "everyone"}, "Choose who can open it from the list"),
        ({"handling": "agencies", "readers": ["nobody"]}, "from the list"),
    ],
)
def test_everything_is_asked_for(referral, police, sign_in, changes, words):
    client = sign_in(police)

    response = client.post(page_of(referral), given(**changes))

    assert words in response.content.decode()
    assert not Paper.objects.exists()


def test_nothing_of_the_handling_is_chosen_beforehand(referral, police, sign_in, as_police):
    added(referral, as_police, handling="police_probation")

    page = sign_in(police).get(page_of(referral)).content.decode()

    assert 'name="handling"' in page
    assert "checked" not in page


def test_a_body_over_the_limit_is_413(referral, police, sign_in, settings):
    settings.BYTES_WITH_FILES = 3_000

    response = sign_in(police).post(page_of(referral), given(file=a_file("a.txt", b"x" * 4_000)))

    assert response.status_code == 413
    assert not Paper.objects.exists()


def test_more_than_60_uploads_an_hour_wait(referral, police, sign_in, settings):
    from django.core.cache import cache

    cache.clear()
    settings.RATES = {"upload": (2, 3600)}
    client = sign_in(police)

    answers = [client.post(page_of(referral), given()).status_code for _ in range(3)]

    assert answers == [302, 302, 429]
    assert [client.get(page_of(referral)).status_code] == [200]


def test_the_same_form_sent_twice_adds_one(referral, police, sign_in):
    client = sign_in(police)
    for _ in range(2):
        client.post(page_of(referral), given(file=a_file("a.txt", b"words")), key="k" * 32)

    assert Paper.objects.count() == 1


def test_numbers_go_on_and_are_not_given_again(referral, as_police):
    first, second = added(referral, as_police), added(referral, as_police)
    papers.remove(second, reason="Wrong person", by=as_police)

    assert [first.number, second.number, added(referral, as_police).number] == [1, 2, 3]


@pytest.mark.parametrize("status", ["not_accepted", "withdrawn", "accepted"])
def test_a_nomination_that_is_decided_takes_no_more(referral, police, as_police, sign_in, status):
    referral.status = status
    referral.save()

    with pytest.raises(StepRefused, match="no more papers"):
        added(referral, as_police)
    response = sign_in(police).get(page_of(referral))
    assert 'type="file"' not in response.content.decode()
    assert sign_in(police).post(page_of(referral), given()).status_code == 404


def test_a_decided_check_and_a_closed_case_take_no_more(asked, case, as_housing, coordinator, as_coordinator):
    asked.closed_at = clock.now()
    asked.save()
    with pytest.raises(StepRefused, match="decided"):
        added(asked, as_housing)

    Case.objects.filter(pk=case.pk).update(status="closed", ended_on=date(2026, 3, 1), accepted_on=date(2026, 1, 1))
    with pytest.raises(StepRefused, match="closed"):
        added(case, as_coordinator)


# --- Who meets it ------------------------------------------------------------


@pytest.mark.parametrize(
    ("handling", "readers", "signed", "kind", "meets"),
    [
        ("panel", [], False, "housing", True),
        ("police_probation", [], True, "housing", False),
        ("police_probation", [], True, "probation", True),
        ("police_probation", [], False, "probation", False),
        ("agencies", ["housing"], True, "housing", True),
        ("agencies", ["housing"], False, "housing", False),
        ("agencies", ["housing"], True, "probation", False),
    ],
)
def test_handling_decides_who_meets_a_document(
    merton, case, as_police, sign_in, handling, readers, signed, kind, meets
):
    reader = factories.member(merton, "member", agency_kind=kind, seat=True)
    slugs = [reader.agency.slug] if readers and kind == "housing" else ["other"] if readers else []
    paper = cleaned(
        added(
            case,
            actor_for(factories.member(merton, "coordinator", agency_kind="police")),
            handling=handling,
            readers=slugs,
        )
    )
    if signed:
        factories.signed(reader)

    client = sign_in(reader)
    page, file = client.get(page_of(case)), client.get(paper.get_absolute_url())

    assert ("report.docx" in page.content.decode()) is meets
    assert file.status_code == (200 if meets else 404)


def test_ones_own_agency_always_meets_its_papers(referral, police, as_police, sign_in):
    paper = cleaned(added(referral, as_police, handling="agencies", readers=["health"]))

    assert sign_in(police).get(paper.get_absolute_url()).status_code == 200


def test_another_agency_meets_no_paper_of_a_nomination_that_it_does_not_read(referral, as_police, housing, sign_in):
    paper = cleaned(added(referral, as_police))
    client = sign_in(housing)

    assert client.get(page_of(referral)).status_code == 404
    assert client.get(paper.get_absolute_url()).status_code == 404


@pytest.mark.feature(65)
def test_papers_go_with_the_agenda_to_those_who_were_sent_it(merton, referral, meeting, as_police, sign_in):
    seated = factories.member(merton, "member", agency_kind="housing", seat=True)
    paper = cleaned(added(referral, as_police))
    factories.agenda_item(meeting, Section.REFERRALS, referral=referral)
    meeting.status = MeetingStatus.DRAFT
    meeting.save()
    client = sign_in(seated)
    assert client.get(paper.get_absolute_url()).status_code == 404

    meeting.status = MeetingStatus.AGENDA_SENT
    meeting.save()

    page = client.get(page_of(referral))
    assert "report.docx" in page.content.decode()
    assert 'type="file"' not in page.content.decode()
    assert client.get(paper.get_absolute_url()).status_code == 200
    assert [each.paper for each in papers.papers_for(referral, actor_for(seated))] == [paper]
    agenda = client.get(f"/meetings/{meeting.key}/").content.decode()
    assert f'href="{page_of(referral)}">1 paper<' in agenda


def test_marked_paper_needs_a_signature_at_the_live_meeting(merton, referral, meeting, as_police, sign_in):
    seated = factories.member(merton, "member", agency_kind="probation", seat=True)
    paper = cleaned(added(referral, as_police, handling="police_probation"))
    factories.agenda_item(meeting, Section.REFERRALS, referral=referral)
    referral.meeting = meeting
    referral.save()
    meeting.status = MeetingStatus.AGENDA_SENT
    meeting.save()
    factories.signed(seated)
    assert sign_in(seated).get(paper.get_absolute_url()).status_code == 200

    meeting.status = MeetingStatus.LIVE
    meeting.save()

    assert sign_in(seated).get(paper.get_absolute_url()).status_code == 404


def test_paper_of_an_answer_is_its_agencys_own_until_the_answer_is_sent(
    asked, housing, as_housing, as_coordinator, referral
):
    paper = added(asked, as_housing)
    assert papers.papers_for(referral, as_coordinator) == []
    assert [each.paper for each in papers.papers_of_answer(asked, as_housing)] == [paper]

    factories.agency_return(asked, housing)

    assert [each.paper for each in papers.papers_for(referral, as_coordinator)] == [paper]


def test_page_of_a_case_shows_what_came_with_the_nomination(
    merton, police, as_police, as_coordinator, coordinator, sign_in
):
    referral = factories.referral(merton, police, status="sent")
    added(referral, as_police)
    case = factories.case(merton, who=referral.offender)

    page = sign_in(coordinator).get(page_of(case)).content.decode()

    assert "From nominations and checks" in page and "report.docx" in page


def test_paper_of_another_scheme_is_the_same_404(referral, as_police, sign_in):
    paper = cleaned(added(referral, as_police))
    elsewhere = factories.member(factories.scheme("merton", slug="second"), "coordinator")

    client = sign_in(elsewhere)
    assert client.get(paper.get_absolute_url()).status_code == 404
    assert client.get(page_of(referral)).status_code == 404


def test_restricted_case_takes_its_papers_along(merton, case, coordinator, as_coordinator, police, sign_in):
    nomination = factories.referral(merton, police, status="sent", who=case.offender)
    both = [cleaned(added(case, as_coordinator)), cleaned(added(nomination, actor_for(police)))]
    named = factories.member(merton, "member", agency_kind="probation", seat=True)
    Case.objects.filter(pk=case.pk).update(restricted=True)
    factories.named(case, named)

    for paper in both:
        assert sign_in(police).get(paper.get_absolute_url()).status_code == 404
        assert sign_in(coordinator).get(paper.get_absolute_url()).status_code == 404
    assert sign_in(named).get(both[0].get_absolute_url()).status_code == 200


def test_pages_cost_the_same_for_one_paper_and_for_five(
    referral, police, as_police, sign_in, django_assert_num_queries, django_assert_max_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = sign_in(police)
    added(referral, as_police)
    client.get(page_of(referral))
    with CaptureQueriesContext(connection) as once:
        client.get(page_of(referral))
    for _ in range(4):
        added(referral, as_police, handling="agencies", readers=["housing"])

    with django_assert_max_num_queries(len(once) + 1):
        client.get(page_of(referral))


# --- Opening it --------------------------------------------------------------


def test_download_is_an_attachment_under_its_reference_and_is_audited(referral, police, as_police, sign_in):
    paper = cleaned(added(referral, as_police))

    response = sign_in(police).get(paper.get_absolute_url())

    assert response.content == making.docx()
    assert response["Content-Disposition"] == f'attachment; filename="{referral.reference}-paper-1.docx"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "no-store"
    assert AuditEvent.objects.get(verb="download_paper").subjects == [referral.reference]
    read = AuditEvent.objects.filter(kind="read").order_by("sequence").last()
    assert f"P{referral.offender_id}" in read.subjects


def test_names_of_downloads_hold_references_only(asked, case, as_housing, as_coordinator, referral):
    assert added(asked, as_housing).download_name == f"{referral.reference}-{as_housing.agency.slug}-paper-1.docx"
    assert added(case, as_coordinator).download_name == f"{case.reference}-document-1.docx"


@pytest.mark.parametrize("state", ["waiting", "infected", "failed"])
def test_what_is_not_clean_is_the_same_404(referral, police, as_police, sign_in, state):
    paper = added(referral, as_police)
    StoredFile.objects.update(state=state, scanned_at=clock.now())
    client = sign_in(police)

    locked = client.get(paper.get_absolute_url())
    never = client.get(reverse("paper", args=["00000000-0000-4000-8000-000000000000"]))

    assert (locked.status_code, never.status_code) == (404, 404)
    assert f'href="{paper.get_absolute_url()}"' not in client.get(page_of(referral)).content.decode()


@pytest.mark.parametrize(
    ("state", "scanner", "words"),
    [
        ("waiting", "", "No virus scanner is set up: this file stays locked until one is"),
        ("waiting", "tcp://127.0.0.1:1", "Being checked"),
        ("clean", "", "No virus found"),
        ("infected", "", "Destroyed"),
        ("failed", "", "Could not be scanned"),
    ],
)
def test_state_stands_beside_each_file(referral, police, as_police, sign_in, settings, state, scanner, words):
    added(referral, as_police)
    StoredFile.objects.update(state=state, scanned_at=clock.now())
    settings.CLAMD = scanner

    assert words in sign_in(police).get(page_of(referral)).content.decode()


def test_where_the_scheme_says_so_a_file_opens_as_not_scanned(referral, police, as_police, sign_in):
    old = referral.scheme.policy_version
    PolicyVersion.objects.create(
        scheme=referral.scheme,
        number=old.number + 1,
        valid_from=clock.today(),
        document=old.document | {"files": old.document["files"] | {"without_scanner": "open"}},
        reason="Files are scanned at the gateway",
    )
    paper = added(referral, as_police)

    client = sign_in(police)
    assert "Not scanned" in client.get(page_of(referral)).content.decode()
    assert client.get(paper.get_absolute_url()).status_code == 200


def test_bytes_that_are_gone_are_the_same_404(referral, police, as_police, sign_in):
    paper = cleaned(added(referral, as_police))
    store.destroy(paper.file.scheme_id, paper.file.key)

    assert sign_in(police).get(paper.get_absolute_url()).status_code == 404


def test_a_virus_is_told_by_reference_and_leads_to_the_page(
    referral, police, as_police, coordinator, settings, tmp_path, monkeypatch
):
    from iom.files import trust
    from tests.iom.files.clamd_server import Clamd

    monkeypatch.setattr(trust, "require", lambda: None)
    scanner = Clamd(tmp_path)
    settings.CLAMD = scanner.address
    try:
        paper = papers.add_to_referral(
            referral, judge("a.txt", making.EICAR), what="other", handling="panel", by=as_police
        )
        outbox.drain()
    finally:
        scanner.stop()

    paper.file.refresh_from_db()
    assert paper.file.state == FileState.INFECTED
    notice = Notification.objects.get(recipient=coordinator.user)
    assert notice.text == f"A file that was added to {referral.reference} had a virus and was destroyed"
    assert notice.url == page_of(referral)


# --- Removing ----------------------------------------------------------------


def test_removed_with_a_reason_it_is_destroyed_and_the_event_stays(
    referral, police, as_police, sign_in, django_capture_on_commit_callbacks
):
    paper = cleaned(added(referral, as_police))
    client = sign_in(police)
    url = reverse("paper_remove", args=[paper.file.key])
    assert "destroyed at once" in client.get(url).content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(url, {"reason": "Sent for the wrong nomination"}, follow=True)

    page = response.content.decode()
    assert "Paper 1 removed" in page and "Because: Sent for the wrong nomination" in page
    assert client.get(paper.get_absolute_url()).status_code == 404
    assert client.get(url).status_code == 404
    with pytest.raises(store.Missing):
        store.get(paper.file.scheme_id, paper.file.key)
    event = AuditEvent.objects.get(verb="remove_paper")
    assert event.has_reason and event.subjects == [referral.reference]


def test_removal_asks_for_a_reason(referral, police, as_police, sign_in):
    paper = added(referral, as_police)

    response = sign_in(police).post(reverse("paper_remove", args=[paper.file.key]), {"reason": " "})

    assert "Enter why it is removed" in response.content.decode()
    assert StoredFile.objects.get().removed_at is None


def test_the_coordinator_removes_too_and_other_agencies_do_not(merton, case, coordinator, sign_in):
    sender = factories.member(merton, "member", agency_kind="health", seat=True)
    other = factories.member(merton, "member", agency_kind="housing", seat=True)
    paper = added(case, actor_for(sender))
    url = reverse("paper_remove", args=[paper.file.key])

    assert sign_in(other).get(url).status_code == 404
    assert "Remove" not in sign_in(other).get(page_of(case)).content.decode().split("<tbody")[1].split("</tbody")[0]
    assert sign_in(coordinator).get(url).status_code == 200


def test_status_of_a_draft_lets_only_its_referrer_add(merton, police, housing, sign_in):
    draft = factories.referral(merton, police, status=ReferralStatus.DRAFT)

    assert sign_in(police).post(page_of(draft), given()).status_code == 302
    assert sign_in(housing).post(page_of(draft), given()).status_code == 404


def test_race_of_two_gives_two_numbers(referral, as_police):
    """The row of the nomination is locked while a number is given."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        added(referral, as_police)

    assert any("FOR UPDATE" in query["sql"] and "referrals_referral" in query["sql"] for query in asked)
