"""The minutes as people meet them: the draft keeps itself, the chair signs what was read, the PDF is served as stored."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from iom import outbox, sessions
from iom.access import actor_for
from iom.clock import now
from iom.models import AuditEvent
from panels import minutes as verbs
from panels import recording
from panels.decide import Choice, decide
from panels.models import Minutes, MinutesStatus, Outcome, Section
from panels.record import fingerprint, record_of
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
KEY = "2026-03-12"


@pytest.fixture
def item(merton, coordinator, chair, police):
    meeting = factories.live_meeting(merton, DAY, recorder=coordinator, chair=chair)
    factories.attended(meeting, chair, police)
    made = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, colour="AMBER"))
    decide(made, Choice(Outcome.NO_CHANGE, reason="Engaging"), by=actor_for(coordinator))
    recording.close(meeting, by=actor_for(coordinator))
    return made


@pytest.fixture
def with_chair(item, as_coordinator):
    return verbs.send_to_chair(Minutes.objects.get(), by=as_coordinator)


def signature(minutes, **changes):
    return {
        "number": minutes.number,
        "record_sha256": fingerprint(record_of(minutes)),
        "agree": "on",
        "typed_name": "Grace Adeyemi",
    } | changes


@pytest.mark.feature(84)
def test_draft_wrote_itself_and_takes_words(item, sign_in, coordinator):
    client = sign_in(coordinator)
    page = client.get(reverse("minutes", args=[KEY])).content.decode()
    assert item.case.offender.name in page
    assert "Engaging" in page

    client.post(reverse("minutes", args=[KEY]), {"version": 1, f"item_{item.pk}": "Probation spoke."})

    assert Minutes.objects.get().narrative == {str(item.pk): "Probation spoke."}


def test_autosave_of_words_answers_with_the_new_version(item, sign_in, coordinator):
    answer = sign_in(coordinator).post(
        reverse("minutes", args=[KEY]), {"version": 1, f"item_{item.pk}": "Half"}, headers={"X-Autosave": "1"}
    )

    assert (answer.status_code, answer.json()["fields"]) == (200, {"version": 2})


def test_stale_words_are_409(item, sign_in, coordinator):
    Minutes.objects.update(version=7)

    answer = sign_in(coordinator).post(reverse("minutes", args=[KEY]), {"version": 1, f"item_{item.pk}": "Late"})

    assert answer.status_code == 409


def test_member_sees_that_they_are_drafted_and_nothing_of_them(item, sign_in, police):
    page = sign_in(police).get(reverse("minutes", args=[KEY])).content.decode()

    assert "being drafted" in page
    assert item.case.offender.name not in page


@pytest.mark.feature(89)
def test_decision_can_be_corrected_from_the_draft(item, sign_in, coordinator):
    client = sign_in(coordinator)
    assert "Correct what was recorded" in client.get(reverse("minutes", args=[KEY])).content.decode()
    item.refresh_from_db()

    answer = client.post(
        reverse("live", args=[KEY]),
        {
            "item": "1",
            "version": item.version,
            "then": "save",
            "change": "1",
            "outcome": "change_rating",
            "colour": "RED",
            "reason": "Arrested",
            "correction_reason": "Misheard",
            "harm": "none",
            "actions": "0",
        },
    )

    assert answer.url.startswith(reverse("minutes", args=[KEY]))
    page = client.get(reverse("minutes", args=[KEY])).content.decode()
    assert "First recorded as: No change" in page
    assert "Misheard" in page


@pytest.mark.feature(86)
@pytest.mark.feature(27)
def test_chair_reads_signs_and_everyone_gets_the_pdf(item, sign_in, coordinator, chair, police):
    office = sign_in(coordinator)
    office.post(reverse("send_minutes", args=[KEY]), {"version": Minutes.objects.get().version})
    client = sign_in(chair)
    page = client.get(reverse("review_minutes", args=[KEY])).content.decode()
    assert fingerprint(record_of(Minutes.objects.get())) in page

    answer = client.post(reverse("review_minutes", args=[KEY]), signature(Minutes.objects.get()))

    assert answer.url == reverse("signed_minutes", args=[KEY, 1])
    assert "The PDF is being made" in client.get(answer.url).content.decode()
    assert client.get(reverse("minutes_pdf", args=[KEY, 1])).status_code == 404
    outbox.drain()
    minutes = Minutes.objects.get()
    member = sign_in(police)
    shown = member.get(answer.url).content.decode()
    assert minutes.record_sha256[:4] in shown
    file = member.get(reverse("minutes_pdf", args=[KEY, 1]))
    assert file.content == bytes(minutes.document.content)
    assert file["Content-Disposition"] == 'attachment; filename="minutes-merton-2026-03-12-v1.pdf"'
    assert file["X-Content-Type-Options"] == "nosniff"
    assert AuditEvent.objects.filter(verb="download_minutes").count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"agree": ""}, "Tick", id="not ticked"),
        pytest.param({"typed_name": ""}, "Enter your name", id="no name"),
        pytest.param(
            {"typed_name": "Somebody"}, "Type your name as your account has it: Grace Adeyemi", id="wrong name"
        ),
    ],
)
def test_signature_that_lacks_something_is_refused_beside_the_field(with_chair, sign_in, chair, changes, words):
    page = sign_in(chair).post(reverse("review_minutes", args=[KEY]), signature(with_chair, **changes))

    assert words in page.content.decode()
    assert Minutes.objects.get().status == MinutesStatus.WITH_CHAIR


def test_signature_without_a_fresh_code_is_asked_for_one_and_then_done(with_chair, sign_in, chair, settings):
    settings.DEMO_SIGN_IN = True
    client = sign_in(chair)
    session = client.session
    session[sessions.CODE_AT] = (now() - timedelta(minutes=5)).timestamp()
    session.save()
    path, sent = reverse("review_minutes", args=[KEY]), signature(with_chair)

    asked = client.post(path, sent)
    assert "Type your password again" in asked.content.decode()
    assert sent["record_sha256"] in asked.content.decode()
    assert Minutes.objects.get().status == MinutesStatus.WITH_CHAIR

    assert client.post(path, sent | {"fresh_code": factories.PASSWORD}).status_code == 302
    assert Minutes.objects.get().status == MinutesStatus.SIGNED


def test_signature_under_another_record_is_409_with_words(with_chair, sign_in, chair):
    page = sign_in(chair).post(reverse("review_minutes", args=[KEY]), signature(with_chair, record_sha256="0" * 64))

    assert page.status_code == 409
    assert "have changed since you opened them" in page.content.decode()


@pytest.mark.feature(199)
def test_recorder_who_chairs_reads_why_they_may_not_sign(with_chair, item, sign_in, coordinator):
    coordinator.roles = ["coordinator", "chair"]
    coordinator.save()
    item.meeting.refresh_from_db()
    item.meeting.chair = coordinator
    item.meeting.save()

    page = sign_in(coordinator).get(reverse("review_minutes", args=[KEY])).content.decode()

    assert "Nobody signs minutes that they recorded" in page
    assert "Sign minutes</button>" not in page


def test_chair_comments_and_returns(with_chair, item, sign_in, chair, coordinator):
    client = sign_in(chair)
    empty = client.post(reverse("comment_on_minutes", args=[KEY]), {"version": with_chair.version})
    assert "Enter what should be changed" in empty.content.decode()
    version = Minutes.objects.get().version

    client.post(
        reverse("comment_on_minutes", args=[KEY]),
        {"version": version, "general": "Short please", f"item_{item.pk}": "Who?"},
    )

    assert Minutes.objects.get().status == MinutesStatus.DRAFT
    page = sign_in(coordinator).get(reverse("minutes", args=[KEY])).content.decode()
    assert "Short please" in page
    assert "Who?" in page


def test_another_schemes_minutes_are_not_found(with_chair, as_chair, sign_in):
    verbs.sign(
        with_chair,
        by=as_chair,
        typed_name="Grace Adeyemi",
        record_sha256=fingerprint(record_of(with_chair)),
        fresh=True,
    )
    client = sign_in(factories.member(factories.scheme("london"), "coordinator"))

    for name, args in (("signed_minutes", [KEY, 1]), ("minutes_pdf", [KEY, 1]), ("minutes", [KEY])):
        assert client.get(reverse(name, args=args)).status_code == 404


@pytest.mark.feature(86)
def test_check_page_says_unaltered_and_altered(with_chair, as_chair, sign_in, police):
    verbs.sign(
        with_chair,
        by=as_chair,
        typed_name="Grace Adeyemi",
        record_sha256=fingerprint(record_of(with_chair)),
        fresh=True,
    )
    outbox.drain()
    content = bytes(Minutes.objects.get().document.content)
    client = sign_in(police)

    def said(data):
        file = SimpleUploadedFile("m.pdf", data, "application/pdf")
        return client.post(reverse("check_minutes"), {"file": file}).content.decode()

    assert "Unaltered: this is the signed version" in said(content)
    assert "Altered: not the signed version" in said(content + b" ")
    assert "Not known here" in said(b"%PDF-1.4 somebody else's")
    assert "Not a PDF" in said(b"plain text")
    assert "Choose a PDF" in client.post(reverse("check_minutes")).content.decode()
