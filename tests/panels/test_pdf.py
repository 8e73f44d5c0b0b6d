"""The PDF of signed minutes: the same bytes each time, readable, ours to recognise, and deaf to addresses in the text."""

import io
import threading
from datetime import UTC, datetime

import pypdf
import pytest

from django.conf import settings

from iom import typeset
from iom.embedded import pango
from panels import pdf
from iom.printing import CLASSIFICATION
from panels.record import FORMAT, canonical, fingerprint

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
    return pdf.render_minutes(whole, signature=signature(whole))


@pytest.fixture(scope="module")
def pages(made):
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made)).pages]


def test_pdf_of_the_same_record_has_the_same_bytes(made):
    whole = record()

    assert pdf.render_minutes(whole, signature=signature(whole)) == made


def test_pdf_is_refused_for_a_record_that_was_not_signed(made):
    whole = record()

    with pytest.raises(ValueError, match="not the one that was signed"):
        pdf.render_minutes(whole | {"version": 2}, signature=signature(whole))


def test_every_page_says_what_it_is_and_who_signed_when():
    whole = record(*[item(str(number), note="Words of the meeting. " * 60) for number in range(1, 9)])

    texts = [
        page.extract_text()
        for page in pypdf.PdfReader(io.BytesIO(pdf.render_minutes(whole, signature=signature(whole)))).pages
    ]

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
        typeset._fetcher(settings.PDF_FONTS).fetch(address)


def test_fetcher_serves_a_font_by_its_name():
    assert (
        typeset._fetcher(settings.PDF_FONTS).fetch("iom-asset:source-sans-3-latin-400-normal.woff2").read()[:4]
        == b"wOF2"
    )


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


def text_of(content):
    return " ".join(" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def titles_of(outline):
    return [each for entry in outline for each in (titles_of(entry) if isinstance(entry, list) else [entry.title])]


def test_draft_says_on_every_page_that_it_is_not_signed():
    whole = record(*[item(str(number), note="Words of the meeting. " * 60) for number in range(1, 9)])

    made = pdf.render_minutes(whole, draft=True)

    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    assert len(pages) > 2
    assert all("DRAFT, NOT SIGNED" in page.extract_text() for page in pages)
    assert "Signed" not in text_of(made)
    assert pdf.claimed_fingerprints(made) == set()


def test_copy_says_whose_it_is_and_shows_only_what_it_is_given():
    whole = record(item(note="Kept from them"), item("2", note="For all"))
    part = whole | {"items": whole["items"][1:]}

    made = pdf.render_minutes(part, copy_for="Copy for Housing", signature=signature(whole))

    assert "Copy for Housing. This is a copy and not the signed file." in text_of(made)
    assert "For all" in text_of(made)
    assert "Kept from them" not in text_of(made)
    assert b"Kept from them" not in pypdf.PdfReader(io.BytesIO(made)).attachments["record.json"][0]
    assert (pdf.claimed_fingerprints(made), pdf.claimed_copies(made)) == (set(), {fingerprint(whole)})


def test_bookmarks_lead_to_sections_and_items():
    people = [("3", "Aaron EXAMPLE"), ("4", "Bella SAMPLE")]
    reviews = [
        item(number, section_title="Reviews", person=name, reference=f"IOM-000{number}") for number, name in people
    ]

    made = pdf.render_minutes(record(item("1"), *reviews), draft=True)

    titles = titles_of(pypdf.PdfReader(io.BytesIO(made)).outline)
    assert titles[titles.index("The meeting, item by item") :][:5] == [
        "The meeting, item by item",
        "1 Any other business",
        "Reviews",
        "3 Aaron EXAMPLE",
        "4 Bella SAMPLE",
    ]


def test_document_beyond_a_limit_fails_in_plain_words_and_the_next_is_made(settings):
    whole = record(*[item(str(number), note="Words of the meeting. " * 60) for number in range(1, 9)])
    standard = settings.PDF_LIMITS
    limits = (
        ({"pages": 1}, "more than 1 pages"),
        ({"rows": 3}, "rows of tables"),
        ({"seconds": 0.05}, "longer than 0.05 seconds"),
    )

    for limit, words in limits:
        settings.PDF_LIMITS = standard | limit
        with pytest.raises(typeset.PdfTooLarge, match=words):
            pdf.render_minutes(whole, draft=True)

    settings.PDF_LIMITS = standard
    assert pdf.render_minutes(record(), draft=True).startswith(b"%PDF-")


def test_document_that_needs_too_much_memory_fails_alone():
    page = f"<html lang=en><!--{'x' * 2**26}--><title>T</title><p>Words</p></html>"

    with pytest.raises(typeset.PdfTooLarge, match="more than 1 MB of memory"):
        typeset.pdf_of(page, style="", fonts=settings.PDF_FONTS, limits=typeset.Limits(memory=2**20))


def test_process_with_threads_makes_the_same_document(made):
    whole, found = record(), []
    maker = threading.Thread(target=lambda: found.append(pdf.render_minutes(whole, signature=signature(whole))))

    maker.start()
    maker.join()

    assert found == [made]


def test_addendum_is_a_document_of_its_own_with_its_record_inside():
    whole = {
        "format": "iom-panel addendum 1",
        "classification": CLASSIFICATION,
        "reference": "MERTON-2026-03-12",
        "version": 1,
        "minutes_sha256": "ab" * 32,
        "number": 2,
        "item": "6",
        "reason": "The day was recorded wrong",
        "text": "Release is expected on 3 June.",
        "written_by": "Priya Shah",
        "written_at": "2026-03-14T10:44:00.000000Z",
        "agreed_at": "2026-04-09",
    }

    made = pdf.render_addendum(whole, signature(whole), scheme="Merton IOM Case Panel")

    text = text_of(made)
    for words in ("Addendum 2 to the minutes MERTON-2026-03-12", "Release is expected on 3 June.", "ab" * 32):
        assert words in text
    assert "the meeting of Thursday 9 April 2026" in text
    assert pypdf.PdfReader(io.BytesIO(made)).attachments["record.json"] == [canonical(whole)]
    assert pdf.claimed_fingerprints(made) == {fingerprint(whole)}
    with pytest.raises(ValueError, match="not the one that was signed"):
        pdf.render_addendum(whole | {"text": "Other"}, signature(whole), scheme="")


def test_record_without_names_is_printed_without_gaps():
    whole = record()
    bare = whole | {
        "meeting": whole["meeting"] | {"chair": "", "recorder": ""},
        "agreement_signed": 3,
        "items": [item(marked="Only for Housing")],
    }
    of = pdf.Signature("the chair", SIGNED_AT, fingerprint(whole))

    text = text_of(pdf.render_minutes(bare, copy_for="Copy without names", variant="pdf/ua-1", signature=of))

    assert "signed for this meeting by 3 people" in text
    assert "Only for Housing" in text
    assert "Recorded by" not in text
    assert "Adeyemi" not in text
