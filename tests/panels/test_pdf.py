"""The PDF of signed minutes: the same bytes each time, readable, ours to recognise, and deaf to addresses in the text."""

import io
from datetime import UTC, datetime

import pypdf
import pytest

from iom.embedded import pango
from panels import pdf
from panels.record import CLASSIFICATION, FORMAT, canonical, fingerprint

SIGNED_AT = datetime(2026, 3, 13, 9, 5, tzinfo=UTC)
HOSTILE = '<img src="http://127.0.0.1:9/x.png"> <link rel=attachment href="file:///etc/passwd"> {{ 7*7 }} =1+1'

pytestmark = pytest.mark.usefixtures("pango_is_here")


@pytest.fixture(scope="module")
def pango_is_here():
    assert pango.load(), pango.REMEDY


def item(number="1", **given):
    return {
        "number": number,
        "section": "aob",
        "section_title": "Any other business",
        "title": "Any other business",
        "person": "",
        "reference": "",
        "why": "",
        "late": False,
        "late_agreed_by": "",
        "state": "decided",
        "decision": None,
        "corrected": [],
        "looked_at": [],
        "actions": [],
        "note": "",
        "words": "",
        "goes_to": "",
    } | given


def decision(**given):
    return {
        "outcome": "noted",
        "words": "Noted",
        "colour": "",
        "colour_before": "",
        "case": "",
        "reason": "",
        "how": "Agreed without a vote",
        "dissent": "",
        "score": "",
        "score_agreed": None,
        "leads": {},
        "review": None,
        "agencies_here": 2,
        "agencies_needed": None,
        "to_ratify": False,
        "decided_at": "2026-03-12T10:42:07.000000Z",
        "rules_version": 1,
    } | given


def record(*items):
    return {
        "format": FORMAT,
        "classification": CLASSIFICATION,
        "reference": "MERTON-2026-03-12",
        "version": 1,
        "scheme": {"slug": "merton", "name": "Merton IOM Case Panel", "short_name": "Merton"},
        "meeting": {
            "body": "IOM Case Panel",
            "date": "2026-03-12",
            "starts_at": "10:00",
            "place": "Room 1",
            "chair": "Grace Adeyemi",
            "recorder": "Priya Shah",
        },
        "rules": {"version": 1, "quorum_needed": None},
        "attendance": [
            {
                "agency": "Police",
                "name": "Tom Dunn",
                "post": "",
                "standing": "Member",
                "how": "Here",
                "here": True,
                "counts": True,
                "substitute": "",
                "delegated_authority": False,
                "invitation_agreed_on": "",
            }
        ],
        "agreement": {"title": "Information Sharing Agreement", "signed": []},
        "items": list(items) or [item(decision=decision(reason=HOSTILE))],
        "next_meeting": "",
    }


def signature(of):
    return pdf.Signature("Grace Adeyemi", SIGNED_AT, fingerprint(of))


@pytest.fixture(scope="module")
def made():
    whole = record()
    return pdf.render(whole, signature(whole))


@pytest.fixture(scope="module")
def pages(made):
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made)).pages]


def test_pdf_of_the_same_record_has_the_same_bytes(made):
    whole = record()

    assert pdf.render(whole, signature(whole)) == made


def test_pdf_is_refused_for_a_record_that_was_not_signed(made):
    whole = record()

    with pytest.raises(ValueError, match="not the one that was signed"):
        pdf.render(whole | {"version": 2}, signature(whole))


def test_every_page_says_what_it_is_and_who_signed_when():
    whole = record(*[item(str(number), note="Words of the meeting. " * 60) for number in range(1, 9)])

    texts = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.render(whole, signature(whole)))).pages]

    assert len(texts) > 2
    for number, text in enumerate(texts, start=1):
        assert "OFFICIAL-SENSITIVE" in text
        assert "MERTON-2026-03-12" in text
        assert "version 1" in text
        assert f"Page {number} of {len(texts)}" in text
        assert "Signed by Grace Adeyemi, 13 Mar 2026, 09:05" in text


def test_fingerprint_of_the_record_is_printed_and_the_record_attached(made, pages):
    whole = record()
    attached = pypdf.PdfReader(io.BytesIO(made)).attachments

    assert fingerprint(whole) in "".join(pages)
    assert attached["record.json"] == [canonical(whole)]


def test_attendance_stands_before_decisions(pages):
    text = "".join(pages)

    assert 0 < text.index("Who was there") < text.index("Decisions") < text.index("item by item")


def test_markup_and_addresses_in_a_text_are_only_text(made, pages):
    text = " ".join("".join(pages).split())

    assert '<img src="http://127.0.0.1:9/x.png">' in text
    assert "{{ 7*7 }}" in text
    assert list(pypdf.PdfReader(io.BytesIO(made)).attachments) == ["record.json"]


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/x.png",
        "file:///etc/passwd",
        "iom-asset:../../../etc/passwd",
        "iom-asset:minutes.css",
        "data:text/plain,hello",
    ],
)
def test_fetcher_serves_nothing_but_our_fonts(address):
    with pytest.raises(ValueError, match="Not one of our own"):
        pdf._fetcher().fetch(address)


def test_fetcher_serves_a_font_by_its_name():
    assert pdf._fetcher().fetch("iom-asset:source-sans-3-latin-400-normal.woff2").read()[:4] == b"wOF2"


def test_pdf_says_that_it_is_tagged_archive_pdf_with_our_fonts(made):
    reader = pypdf.PdfReader(io.BytesIO(made))
    fonts = {
        str(font.get_object()["/BaseFont"]) for page in reader.pages for font in page["/Resources"]["/Font"].values()
    }

    assert b'pdfaid:part="3" pdfaid:conformance="A"' in made
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert all("Source-Sans" in font for font in fonts), fonts


def test_title_holds_the_reference_and_no_name(made):
    assert pypdf.PdfReader(io.BytesIO(made)).metadata.title == "Minutes MERTON-2026-03-12 version 1"


def test_mark_is_found_at_more_than_one_place(made):
    whole = fingerprint(record())

    assert pdf.claimed_fingerprints(made) == {whole}
    assert made.count(whole.encode()) > 1
