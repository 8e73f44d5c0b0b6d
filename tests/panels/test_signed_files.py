"""The files of signed minutes: what each is, what finds a change in it, and what happens when one cannot be made."""

import io
import subprocess
from datetime import date

import outloud
import pdfua
import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.urls import reverse

from iom import outbox
from iom.access import actor_for
from iom.embedded.certificate import own_certificate
from iom.models import AuditEvent, Document, OutboxMessage
from iom.printing import sha256
from iom.steps import StepRefused
from panels import minutes as verbs
from panels import addenda, handing_out, pdf, recording, signed_files
from panels.models import Minutes, Section
from panels.record import canonical, fingerprint, record_of
from tests import factories
from tests.panels.test_pdf import decision, item, record, signature

pytestmark = pytest.mark.django_db
KEY = "2026-03-12"
ARGS = [KEY, 1]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def certificate(settings, home):
    settings.SIGNING_CERTIFICATE = str(own_certificate(home))
    return settings


@pytest.fixture
def signed(merton, coordinator, chair):
    """Minutes that were signed; their files are asked for and not made yet."""
    meeting = factories.live_meeting(merton, date(2026, 3, 12), recorder=coordinator, chair=chair)
    factories.attended(meeting, chair)
    factories.agenda_item(meeting, Section.AOB)
    draft = recording.close(meeting, by=actor_for(coordinator))
    draft = verbs.send_to_chair(draft, by=actor_for(coordinator))
    seen = fingerprint(record_of(draft))
    return verbs.sign(draft, by=actor_for(chair), typed_name="Grace Adeyemi", record_sha256=seen, fresh=True)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def verify_minutes(path, capsys):
    code = 0
    try:
        call_command("verify_minutes", str(path))
    except SystemExit as end:
        code = end.code
    return code, capsys.readouterr().out


@pytest.mark.feature(86)
@pytest.mark.feature(302)
def test_signed_file_holds_wherever_it_is_looked_at_and_one_changed_byte_is_found(
    certificate, signed, sign_in, chair, tmp_path, capsys
):
    client = sign_in(chair)

    def checked(file):
        upload = SimpleUploadedFile("minutes.pdf", file.read_bytes())
        return client.post(reverse("check_minutes"), {"file": upload}).content.decode()

    outbox.drain()
    page = client.get(reverse("signed_minutes", args=ARGS)).content.decode()
    good, copy, bad = (tmp_path / name for name in ("good.pdf", "copy.pdf", "bad.pdf"))
    good.write_bytes(client.get(reverse("minutes_pdf", args=ARGS)).content)
    copy.write_bytes(client.get(reverse("accessible_pdf", args=ARGS)).content)
    changed = bytearray(good.read_bytes())
    changed[len(changed) // 3] ^= 1
    bad.write_bytes(changed)

    assert "the same as the one signed here, not who signed" in page
    assert "Signature is Valid" in run("pdfsig", good).stdout
    assert "Total document signed" in run("pdfsig", good).stdout
    assert "Digest Mismatch" in run("pdfsig", bad).stdout
    assert "does not contain any signatures" in run("pdfsig", copy).stdout
    assert run("qpdf", "--check", good).returncode == run("qpdf", "--check", copy).returncode == 0
    code, said = verify_minutes(good, capsys)
    assert (code, said.splitlines()[0]) == (0, "Unaltered: minutes MERTON-2026-03-12 version 1.")
    assert "it proves that the file is the same as the one signed here, not who signed" in said
    code, said = verify_minutes(copy, capsys)
    assert code == 1
    assert said.startswith("Not the signed version: the accessible copy of minutes MERTON-2026-03-12 version 1")
    code, said = verify_minutes(bad, capsys)
    assert (code, said.splitlines()[0][:8]) == (1, "Altered:")
    assert "Its digital signature does not hold" in said
    assert "Unaltered: this is the signed version" in checked(good)
    assert "A copy: not the signed version" in checked(copy)
    assert "Altered: not the signed version" in checked(bad)
    assert AuditEvent.objects.filter(verb="download_minutes").count() == 2


def test_signed_file_is_archive_pdf_with_the_record_inside_as_data(certificate, signed):
    outbox.drain()
    signed.refresh_from_db()
    content = bytes(signed.document.content)
    root = pypdf.PdfReader(io.BytesIO(content)).trailer["/Root"]
    attached = root["/AF"][0].get_object()

    assert b'pdfaid:part="3" pdfaid:conformance="A"' in content
    assert "/Version" not in root  # PDF/A-3 is PDF 1.7
    assert (attached["/AFRelationship"], attached["/UF"]) == ("/Data", "record.json")
    assert pypdf.PdfReader(io.BytesIO(content)).attachments["record.json"] == [canonical(signed.record)]
    assert b'pdfuaid:part="1"' in bytes(signed.accessible.content)
    assert signed.accessible.sha256 == sha256(bytes(signed.accessible.content))


def test_joined_files_stay_the_same_and_each_joins_once(signed, as_coordinator):
    outbox.drain()
    other = Document.objects.create(
        scheme=signed.scheme, kind="minutes", reference="other", name="other.pdf", content=b"", sha256=""
    )

    for change in ({"document": other}, {"accessible": other}, {"accessible": None}, {"signed_name": "Somebody"}):
        with pytest.raises(DatabaseError, match="signed minutes do not change"), transaction.atomic():
            Minutes.objects.filter(pk=signed.pk).update(**change)
    signed.refresh_from_db()
    with pytest.raises(StepRefused, match="All files are there"):
        signed_files.ask_again(signed, by=as_coordinator)


@pytest.mark.feature(86)
def test_certificate_that_cannot_be_read_stops_the_file_alone_and_it_is_made_when_mended(
    certificate, signed, sign_in, coordinator, home, tmp_path
):
    client = sign_in(coordinator)
    certificate.SIGNING_CERTIFICATE = str(tmp_path / "gone.p12")
    page = client.get(reverse("signed_minutes", args=ARGS)).content.decode()
    assert "The PDF is being made." in page
    assert f'data-hx-get="{reverse("minutes_files", args=ARGS)}"' in page

    outbox.drain()

    page = client.get(reverse("minutes_files", args=ARGS)).content.decode()
    assert "The PDF could not be made yet.</strong> The certificate that signs PDFs cannot be used." in page
    assert "The minutes are signed and stay so." in page
    assert "Download the accessible copy" in page
    assert client.get(reverse("minutes_pdf", args=ARGS)).status_code == 404
    OutboxMessage.objects.filter(kind="minutes_pdf").update(dead=True)
    assert "The PDF could not be made.</strong>" in client.get(reverse("minutes_files", args=ARGS)).content.decode()
    certificate.SIGNING_CERTIFICATE = str(own_certificate(home))
    client.post(reverse("make_minutes_again", args=ARGS))
    outbox.drain()
    assert "Download PDF" in client.get(reverse("signed_minutes", args=ARGS)).content.decode()


@pytest.mark.feature(302)
def test_addendum_and_agency_copy_are_files_that_are_told_apart(
    certificate, signed, sign_in, chair, coordinator, tmp_path, capsys
):
    added = addenda.write(signed, text="Housing joined by telephone.", reason="Left out.", by=actor_for(coordinator))
    seen = fingerprint(addenda.record_of(added))
    addenda.sign(added, by=actor_for(chair), typed_name="Grace Adeyemi", record_sha256=seen, fresh=True)
    copy = handing_out.agency_copy(signed, chair.agency, by=actor_for(coordinator))
    given = bytes(handing_out.document_of(copy, by=actor_for(coordinator)).content)
    client = sign_in(chair)
    page = reverse("signed_minutes", args=ARGS)
    assert "Its PDF is being made" in client.get(page).content.decode()

    outbox.drain()

    one, signed_file, accessible, agency = [*ARGS, 1], *(tmp_path / name for name in ("s.pdf", "a.pdf", "c.pdf"))
    assert "Download addendum 1" in client.get(page).content.decode()
    signed_file.write_bytes(client.get(reverse("addendum_pdf", args=one)).content)
    accessible.write_bytes(client.get(reverse("accessible_addendum", args=one)).content)
    agency.write_bytes(given)
    changed = bytearray(signed_file.read_bytes())
    changed[len(changed) // 3] ^= 1
    (tmp_path / "bad.pdf").write_bytes(changed)
    assert "Signature is Valid" in run("pdfsig", signed_file).stdout
    which = "addendum 1 to minutes MERTON-2026-03-12 version 1"
    code, said = verify_minutes(signed_file, capsys)
    assert (code, said.splitlines()[0]) == (0, f"Unaltered: {which}.")
    code, said = verify_minutes(accessible, capsys)
    assert (code, said.splitlines()[0]) == (
        1,
        f"Not the signed version: the accessible copy of {which}, as it was made here.",
    )
    code, said = verify_minutes(tmp_path / "bad.pdf", capsys)
    assert (code, said.splitlines()[0]) == (
        1,
        f"Altered: the file claims to be {which}, but is not the signed version.",
    )
    code, said = verify_minutes(agency, capsys)
    assert code == 1
    assert said.startswith(f"Not the signed version: the copy for {chair.agency.name} of minutes MERTON-2026-03-12")
    assert "1 addendum to them signed since." in said
    upload = SimpleUploadedFile("minutes.pdf", signed_file.read_bytes())
    checked = client.post(reverse("check_minutes"), {"file": upload}).content.decode()
    assert "Addendum 1 to MERTON-2026-03-12, version 1, signed by Grace Adeyemi" in checked


def test_accessible_copy_passes_what_checks_tagged_documents(tmp_path):
    people = [
        item(
            str(number),
            section_title="Reviews",
            title="",
            person=f"Person {number} EXAMPLE",
            reference=f"IOM-000{number}",
            decision=decision(outcome="no_change", words="No change", colour=colour, reason="Kept every appointment."),
            actions=[
                {"text": "Write to them", "agency": "Police", "who": "", "due_on": "2026-03-19", "case": ""}
                for _ in range(2)
            ],
        )
        for number, colour in enumerate(("RED", "AMBER", "GREEN", "BLUE"), start=2)
    ]
    written = {"text": "Write to them", "agency": "Police", "who": "Tom Dunn", "due_on": "2026-03-19", "case": ""}
    people[0] |= {
        "decision": people[0]["decision"]
        | {
            "votes": {
                "motion": "no_change",
                "words": "carried by 2 to 1",
                "cast": [{"agency": "Police", "vote": "For"}, {"agency": "Housing", "vote": "Against"}],
                "casting": "For",
                "note": "",
            },
            "harm": {"state": "new", "words": "New risk", "said": "A neighbour", "agency": "Police"},
            "taken_on_by": "Housing",
            "dissent": "Housing would have rated Red.",
        },
        "looked_at": [written | {"person": "", "outcome": "Done", "note": "Seen"} for _ in range(3)],
        "corrected": [
            {
                "words": "Rating changed",
                "colour": "RED",
                "reason": "",
                "because": "Misheard",
                "at": "2026-03-12T10:44:00.000000Z",
                "by": "Priya Shah",
            }
        ],
        "late": True,
        "late_agreed_by": "Grace Adeyemi",
    }
    whole = record(item("1"), *people)
    whole["attendance"] = whole["attendance"] * 4
    file = tmp_path / "accessible.pdf"

    file.write_bytes(pdf.render_minutes(whole, variant="pdf/ua-1", signature=signature(whole)))

    heard, checked = outloud.check(str(file)), pdfua.validate(str(file))
    assert (heard.error, heard.errors, heard.warnings) == (None, 0, 0)
    assert [finding.message for finding in checked.findings] == []
