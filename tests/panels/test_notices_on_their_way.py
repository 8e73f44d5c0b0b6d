"""Notices from sent to opened or failed: acknowledgements, PDFs, readers who have left, e-mails that were given up."""

import io
from datetime import date

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from pypdf import PdfReader

from iom import clock, outbox
from iom.access import actor_for
from iom.models import Document, Notification, OutboxMessage, User
from iom.printing import sha256
from iom.steps import StepRefused
from panels import notice_pdf, notices
from panels.models import Notice
from referrals import actions
from tests import factories

pytestmark = pytest.mark.django_db

PANEL = date(2026, 3, 12)


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel("2026-02-20 10:00+00:00", tick=False):
        yield


@pytest.fixture
def richmond():
    return factories.scheme("richmond")


@pytest.fixture
def office(richmond):
    return factories.member(richmond, "coordinator", name="Priya Shah")


@pytest.fixture
def by(office):
    return actor_for(office)


@pytest.fixture
def referrer(richmond):
    return factories.member(richmond, "member", agency_kind="police", name="Tom Dunn")


@pytest.fixture
def received(richmond, office, referrer):
    """A nomination that was just sent, and its acknowledgement."""
    panel = factories.meeting(richmond, PANEL)
    who = factories.offender(richmond, family_name="Quibblethwaite")
    referral = actions.send(factories.referral(richmond, referrer, meeting=panel, who=who), by=actor_for(referrer))
    return Notice.objects.get(referral=referral)


def give_up(message: OutboxMessage) -> None:
    """Let a piece of work be given up: its seven tries are over."""
    OutboxMessage.objects.filter(pk=message.pk).update(attempts=outbox.TRIES)
    outbox.deliver(message.pk)


def its_email() -> OutboxMessage:
    told = Notification.objects.get(kind="acknowledgement")
    return OutboxMessage.objects.get(kind="email", payload={"notification": told.pk})


# --- Acknowledgements


@pytest.mark.parametrize(
    ("slug", "asked_for"),
    [("merton", False), ("london", True), ("richmond", True), ("waltham_forest", True), ("hampshire", True)],
)
def test_each_referral_is_acknowledged_where_the_rules_ask_for_it(slug, asked_for):
    scheme = factories.scheme(slug)
    factories.member(scheme, "coordinator")
    by = factories.member(scheme, "member", agency_kind="police")
    factories.meeting(scheme, PANEL)

    actions.send(factories.referral(scheme, by), by=actor_for(by))

    assert Notice.objects.filter(kind="receipt").exists() == asked_for


def test_acknowledgement_says_what_was_received_and_what_happens(received):
    assert received.status == "sent"
    assert received.sent_by is None
    assert f"your nomination {received.referral.reference}, sent on Friday 20 February 2026" in received.text
    assert "It is for the IOM Panel of Thursday 12 March 2026." in received.text
    assert "Quibblethwaite" not in received.text


def test_sent_again_after_more_was_asked_it_is_not_acknowledged_twice(received, by, referrer):
    referral = actions.return_for_information(received.referral, message="More, please", by=by)
    actions.send(referral, by=actor_for(referrer))

    assert Notice.objects.filter(referral=referral).count() == 1


def test_acknowledgement_of_an_urgent_one_carries_the_warning(richmond, office, referrer):
    panel = factories.meeting(richmond, date(2026, 2, 26))
    referral = factories.referral(richmond, referrer, meeting=panel, urgent_reason="Released on Friday.")

    actions.send(referral, by=actor_for(referrer))

    assert "Checks may be incomplete" in Notice.objects.get().text


# --- The PDF


def test_pdf_holds_what_the_page_says_and_is_made_once(received):
    outbox.drain()

    received.refresh_from_db()
    document = received.document
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(bytes(document.content))).pages)
    assert document.name == f"notice-{received.referral.reference.lower()}-1.pdf"
    for words in (
        "OFFICIAL-SENSITIVE",
        f"{received.referral.reference} · notice 1",
        "Page 1 of 1",
        "Sent by",
        "to Tom Dunn,",
        "QUIBBLETHWAITE",
        "It is for the IOM Panel",
    ):
        assert words in text
    assert document.sha256 == sha256(bytes(document.content))
    OutboxMessage.objects.filter(kind="notice_pdf").update(done_at=None, due_at=clock.now())
    outbox.drain()
    assert Document.objects.filter(kind="notice").count() == 1


def test_nothing_typed_is_fetched_by_the_pdf(received):
    received.text = "Reason: <img src=https://example.org/x.png><link rel=attachment href=file:///etc/hostname>"
    content = notice_pdf.render(received)

    reader = PdfReader(io.BytesIO(content))
    assert "<img src=https://example.org/x.png>" in "".join(reader.pages[0].extract_text().split("\n"))
    assert not reader.attachments


# --- What goes wrong


def test_given_up_email_makes_it_fail_and_the_coordinator_sends_it_again(received, by, office):
    give_up(its_email())

    received.refresh_from_db()
    assert (received.status, received.failure) == ("failed", "email")
    assert Notification.objects.filter(kind="notice_failed", recipient=office.user).count() == 1

    notices.send_again(received, by=by)
    received.refresh_from_db()
    assert (received.status, received.failure, received.tries) == ("sent", "", 2)
    assert Notification.objects.filter(kind="acknowledgement").count() == 2


def test_email_that_goes_after_all_mends_it(received):
    message = its_email()
    give_up(message)
    OutboxMessage.objects.filter(pk=message.pk).update(attempts=0, dead=False, due_at=clock.now())

    assert outbox.deliver(message.pk) == "done"

    received.refresh_from_db()
    assert (received.status, received.failure) == ("sent", "")


def test_pdf_that_cannot_be_made_is_said_and_made_again(received, by, referrer):
    notices.mark_opened(received, by=actor_for(referrer))
    give_up(OutboxMessage.objects.get(kind="notice_pdf"))
    received.refresh_from_db()
    assert (received.status, received.failure) == ("failed", "pdf")

    notices.send_again(received, by=by)
    outbox.drain()

    received.refresh_from_db()
    assert received.document is not None
    assert received.failure == ""


def test_read_in_the_service_needs_no_email_any_more(received, referrer):
    notices.mark_opened(received, by=actor_for(referrer))
    give_up(its_email())

    received.refresh_from_db()
    assert received.status == "opened"


def test_referrer_without_account_is_named_and_somebody_else_reads(richmond, office, by, referrer, sign_in):
    sent = factories.outside_decision(
        factories.referral(richmond, referrer, status="not_accepted"),
        by=office,
        decided_by=factories.member(richmond, "chair"),
        on=date(2026, 2, 20),
    )
    colleague = factories.member(richmond, "member", agency_kind="police", name="Jo Specimen", seat=False)
    User.objects.filter(pk=referrer.user_id).update(is_active=False)

    notice = notices.send_outside(sent, notices.compose_outside(sent), by=by)

    assert (notice.status, notice.failure) == ("failed", "left")
    assert not OutboxMessage.objects.filter(kind="notice_pdf").exists()
    page = sign_in(office).get(reverse("notice", args=[sent.referral.reference, 1])).content.decode()
    assert "The referrer has no account here any more" in page
    assert "Jo Specimen" in page
    with pytest.raises(StepRefused, match="Choose who reads it"):
        notices.send_again(notice, by=by)
    with pytest.raises(StepRefused, match="acts for Richmond Police"):
        notices.send_again(notice, by=by, to=office)

    sign_in(office).post(reverse("notice_again", args=[sent.referral.reference, 1]), {"to": colleague.pk})

    notice.refresh_from_db()
    assert (notice.status, notice.recipient) == ("sent", colleague)
    sign_in(colleague).get(reverse("referral_decision", args=[sent.referral.reference]))
    notice.refresh_from_db()
    assert notice.status == "opened"


def test_what_did_not_fail_is_not_sent_again(received, by, referrer):
    with pytest.raises(StepRefused, match="no need"):
        notices.send_again(received, by=by)
    with pytest.raises(PermissionDenied):
        notices.send_again(received, by=actor_for(referrer))


# --- The pages


@pytest.mark.feature(87)
def test_referrer_finds_acknowledgement_and_pdf_on_the_referral(received, referrer, sign_in):
    outbox.drain()
    reader = sign_in(referrer)
    reference = received.referral.reference

    shown = reader.get(reverse("referral", args=[reference])).content.decode()
    assert reverse("notice", args=[reference, 1]) in shown
    page = reader.get(reverse("notice", args=[reference, 1])).content.decode()
    assert f"Acknowledgement of {reference}" in page
    received.refresh_from_db()
    assert received.status == "opened"
    file = reader.get(reverse("notice_pdf", args=[reference, 1]))
    assert file.content == bytes(Document.objects.get().content)
    assert file["Content-Disposition"] == f'attachment; filename="notice-{reference.lower()}-1.pdf"'


def test_while_the_pdf_is_being_made_the_page_says_so(received, referrer, sign_in):
    reader = sign_in(referrer)

    page = reader.get(reverse("notice", args=[received.referral.reference, 1])).content.decode()

    assert "The PDF is being made" in page
    assert reader.get(reverse("notice_pdf", args=[received.referral.reference, 1])).status_code == 404


def test_other_agencies_do_not_meet_it(received, richmond, sign_in):
    other = factories.member(richmond, "member", agency_kind="housing")

    assert sign_in(other).get(reverse("notice", args=[received.referral.reference, 1])).status_code == 404
    assert sign_in(other).get(reverse("notice_pdf", args=[received.referral.reference, 1])).status_code == 404


def test_coordinator_is_reminded_of_what_failed_until_it_is_sent_again(received, office, by, sign_in):
    give_up(OutboxMessage.objects.get(kind="notice_pdf"))
    words = f"Send again: a notice on referral {received.referral.reference} failed"

    assert words in sign_in(office).get("/").content.decode()
    page = sign_in(office).get(reverse("notice", args=[received.referral.reference, 1])).content.decode()
    assert "The PDF could not be made" in page
    sign_in(office).post(reverse("notice_again", args=[received.referral.reference, 1]))

    received.refresh_from_db()
    assert received.status == "sent"
