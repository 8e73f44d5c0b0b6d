"""What is taken of what people send in, and the words in which the rest is refused (security.md F1, F2)."""

import zipfile
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from iom.files import images, judging, names, office, pdfs
from iom.files.judging import Kind, judge
from iom.files.refusing import Refused

from . import making


def refused(name, content):
    with pytest.raises(Refused) as caught:
        judge(name, content)
    words = str(caught.value)
    assert words.startswith(f"“{names.cleaned(name)}” ")
    return words


# --- What is taken -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("report.pdf", making.pdf(), Kind.PDF),
        ("REPORT.PDF", making.pdf(), Kind.PDF),
        ("report.docx", making.docx(), Kind.DOCX),
        ("cohort.xlsx", making.xlsx(), Kind.XLSX),
        ("photo.jpg", making.picture(), Kind.JPG),
        ("photo.jpeg", making.picture(), Kind.JPG),
        ("scan.png", making.picture("PNG"), Kind.PNG),
        ("note.txt", b"Plain words", Kind.TXT),
    ],
)
def test_each_kind_that_is_taken(name, content, kind):
    judged = judge(name, content)

    assert judged.kind == kind
    assert judged.name == name
    assert len(judged.sha256) == 64


@pytest.mark.parametrize("name", ["report.pdf", "report.docx", "cohort.xlsx"])
def test_documents_are_kept_byte_for_byte(name):
    content = {"report.pdf": making.pdf(), "report.docx": making.docx(), "cohort.xlsx": making.xlsx()}[name]

    assert judge(name, content).content == content


def test_links_in_a_text_may_lead_outside():
    link = making.relation("hyperlink", "https://www.gov.uk/")

    assert judge("a.docx", making.docx(links=[link])).kind == Kind.DOCX
    assert judge("a.pdf", making.pdf_that_acts("/URI", **{"/URI": "https://www.gov.uk/"})).kind == Kind.PDF


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_kept_as_utf_8_whatever_it_came_in(encoding):
    assert judge("note.txt", "Café £5 – “so”\r\nnext".encode(encoding)).content.decode() == "Café £5 – “so”\r\nnext"


# --- Size and kind -----------------------------------------------------------


def test_20_megabytes_are_taken_and_one_byte_more_is_not():
    assert judge("note.txt", b"a" * judging.MOST_BYTES).kind == Kind.TXT

    words = refused("note.txt", b"a" * (judging.MOST_BYTES + 1))
    assert "20 MB at most" in words and "is 20.0 MB" not in words


def test_an_empty_file_is_refused():
    assert "is empty" in refused("note.txt", b"")


@pytest.mark.parametrize("name", ["tool.exe", "page.html", "picture.svg", "archive.zip", "note", ".pdf", "a.pdf.lnk"])
def test_other_kinds_are_refused_with_the_list_of_what_is_taken(name):
    assert "Choose a PDF, Word (.docx), Excel (.xlsx), JPG, PNG or text (.txt) file" in refused(name, making.pdf())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.docm", "can hold macros"),
        ("a.xlsm", "can hold macros"),
        ("a.xlsb", "can hold macros"),
        ("a.doc", "Save it as .docx or PDF"),
        ("a.xls", "Save it as .xlsx or PDF"),
    ],
)
def test_former_formats_and_those_with_macros_are_told_what_to_save_as(name, words):
    assert words in refused(name, b"anything")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", making.docx()),
        ("a.pdf", b"Plain words"),
        ("a.docx", making.pdf()),
        ("a.xlsx", making.docx()),
        ("a.docx", making.xlsx()),
        ("a.docx", making.zipped({"readme.txt": "words"})),
        ("a.jpg", making.picture("PNG")),
        ("a.png", making.picture()),
        ("a.txt", making.pdf()),
        ("a.txt", making.xlsx()),
        ("a.txt", b"{\\rtf1 words}"),
        ("a.txt", making.picture()),
        ("a.jpg", b"MZ\x90\x00 a program"),
    ],
)
def test_name_and_content_must_agree(name, content):
    words = refused(name, content)

    assert "inside" in words or "has characters that no text has" in words


def test_a_text_with_control_characters_is_none():
    assert "no text has" in refused("note.txt", b"words\x00words")
    assert "no text has" in refused("note.txt", b"words\x1b[31m")


# --- Word and Excel ----------------------------------------------------------


def macro_types(content_type):
    return making.content_types(f'<Default Extension="bin" ContentType="{content_type}"/>')


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (making.docx(parts={"word/vbaProject.bin": b"x"}), "has macros"),
        (making.docx(parts={"word/VBAPROJECT.BIN": b"x"}), "has macros"),
        (making.docx(parts={"word/activeX/activeX1.bin": b"x"}), "has macros"),
        (making.docx(parts={"xl/macrosheets/sheet1.xml": b"<x/>"}), "has macros"),
        (making.docx(types=macro_types("application/vnd.ms-office.vbaProject")), "has macros"),
        (
            making.docx(types=making.content_types(main="application/vnd.ms-word.document.macroEnabled.main+xml")),
            "has macros",
        ),
        (
            making.docx(links=[making.relation("attachedTemplate", "https://example.org/a.dotx")]),
            "a template of another",
        ),
        (making.docx(links=[making.relation("oleObject", "https://example.org/a")]), "has another file"),
        (making.docx(links=[making.relation("oleObject", "embeddings/a.bin", outside=False)]), "has another file"),
        (making.docx(links=[making.relation("image", "https://example.org/a.png")]), "brings in data"),
        (making.docx(links=[making.relation("frame", "//example.org/a", outside=False)]), "brings in data"),
        (making.docx(links=[making.relation("image", "file:///c:/a.png", outside=False)]), "brings in data"),
        (making.docx(parts={"xl/externalLinks/externalLink1.xml": "<x/>"}), "brings in data"),
        (making.docx(parts={"xl/connections.xml": "<x/>"}), "brings in data"),
        (
            making.docx(document="<d><w:instrText>DDEAU</w:instrText><w:instrText>TO c:\\a</w:instrText></d>"),
            "brings in",
        ),
        (making.docx(document='<d><w:fldSimple w:instr=" INCLUDETEXT file "/></d>'), "brings in"),
        (making.docx(parts={"word/embeddings/book.xlsx": making.xlsx()}), "has another file inside"),
        (making.docx(parts={"word/media/image1.png": making.zipped({"a": "b"})}), "has another file inside"),
        (making.docx(parts={"word/media/image1.png": b"\xd0\xcf\x11\xe0 old"}), "has another file inside"),
        (making.docx(parts={"word/media/image1.png": b"MZ program"}), "has another file inside"),
        (making.docx(parts={"word/inner.zip": b"x"}), "has another file inside"),
        (making.docx(parts={"../outside.xml": b"x"}), "lead elsewhere"),
        (making.docx(parts={"/etc/passwd": b"x"}), "lead elsewhere"),
        (making.docx(parts={"word\\..\\a.xml": b"x"}), "lead elsewhere"),
        (making.docx(parts={"c:/a.xml": b"x"}), "lead elsewhere"),
        (making.docx(parts={"WORD/DOCUMENT.XML": b"x"}), "lead elsewhere"),
    ],
)
def test_office_files_that_bring_something_along_are_refused(content, words):
    assert words in refused("a.docx", content)


def test_a_link_inside_the_archive_is_refused():
    kept = BytesIO(making.docx())
    with zipfile.ZipFile(kept, "a") as archive:
        link = zipfile.ZipInfo("word/link.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")

    assert "lead elsewhere" in refused("a.docx", kept.getvalue())


def test_1000_parts_are_taken_and_1001_are_not():
    more = {f"word/part{number}.xml": "<x/>" for number in range(office.MOST_ENTRIES - 4)}
    assert judge("a.docx", making.docx(parts=more)).kind == Kind.DOCX

    more["word/one-more.xml"] = "<x/>"
    assert "more than 1,000 parts" in refused("a.docx", making.docx(parts=more))


def test_100_megabytes_unpacked_are_counted_over_all_parts():
    half = b"\x20" * (office.MOST_UNPACKED // 2)
    two = making.docx(parts={"word/media/a.txt": half, "word/media/b.txt": half})

    assert len(two) < 1024 * 1024
    assert "more than 100 MB when it is unpacked" in refused("a.docx", two)


def test_an_archive_that_says_less_than_it_holds_is_refused():
    """Its lists say 8 bytes, with the right checksum of those; the part goes on for 200 MB."""
    bomb = making.docx(parts={"word/media/a.txt": b"\x20" * (2 * office.MOST_UNPACKED)})
    lying = making.lying_about_size(bomb, b"word/media/a.txt", says=8)
    with zipfile.ZipFile(BytesIO(lying)) as archive:
        assert len(archive.read("word/media/a.txt")) == 8

    assert "more than 100 MB when it is unpacked" in refused("a.docx", lying)


def test_an_archive_whose_lists_differ_from_its_parts_is_refused():
    small = making.lying_about_size(making.docx(parts={"word/a.txt": b"x" * 900}), b"word/a.txt", says=8)

    assert "is damaged" in refused("a.docx", small)


def test_parts_inside_one_another_are_refused():
    content = making.zipped({"a.xml": "<x/>", "b.xml": "<x/>"})
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    overlapping = content[: second + 42] + (0).to_bytes(4, "little") + content[second + 46 :]

    assert "is damaged" in refused("a.docx", overlapping)


def test_an_archive_behind_something_else_is_refused():
    assert "inside" in refused("a.docx", b"#!/bin/sh\n" + making.docx())


def test_entities_are_not_expanded():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + making.relations().partition("?>")[2]

    assert "is damaged" in refused("a.docx", making.docx(parts={"word/_rels/other.xml.rels": bomb}))


def test_an_archive_with_a_password_is_refused():
    content = bytearray(making.docx())
    content[6] |= 1
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1

    assert "protected by a password" in refused("a.docx", bytes(content))


def test_an_office_file_with_a_password_is_refused():
    assert "protected by a password" in refused("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)


@pytest.mark.parametrize("keep", [30, 100, 400])
def test_half_an_archive_is_refused(keep):
    assert "damaged" in refused("a.docx", making.docx()[:keep])


# --- PDF ---------------------------------------------------------------------


def with_script(writer):
    script = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )
    scripts = DictionaryObject({NameObject("/Names"): ArrayObject([TextStringObject("a"), writer._add_object(script)])})
    writer._root_object[NameObject("/Names")] = DictionaryObject({NameObject("/JavaScript"): scripts})


def with_file(writer):
    writer.add_attachment("inner.txt", b"words")


def with_opening_action(writer):
    writer._root_object[NameObject("/OpenAction")] = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )


def with_form_of_scripts(writer):
    writer._root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/XFA"): TextStringObject("x")})


def locked(writer):
    writer.encrypt("secret")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (making.pdf(with_script), "has a script inside"),
        (making.pdf(with_opening_action), "has a script inside"),
        (making.pdf(with_form_of_scripts), "a form with scripts"),
        (making.pdf(with_file), "has another file inside"),
        (making.pdf(locked), "protected by a password"),
        (making.pdf_that_acts("/Launch", **{"/F": "cmd.exe"}), "starts another program"),
        (making.pdf_that_acts("/SubmitForm", **{"/F": "https://example.org"}), "sends data elsewhere"),
        (making.pdf_that_acts("/ImportData", **{"/F": "a"}), "fetches data"),
        (making.pdf() + making.docx(), "a PDF and an archive at once"),
        (b"%PDF-1.7\nnothing else", "cannot be opened"),
        (making.pdf()[:200], "cannot be opened"),
    ],
)
def test_pdfs_that_do_something_or_cannot_be_opened_are_refused(content, words):
    assert words in refused("a.pdf", content)


def test_an_action_that_is_named_elsewhere_in_the_document_is_found():
    """The kind of action stands in an object of its own."""

    def change(writer):
        kind = writer._add_object(NameObject("/Launch"))
        writer._root_object[NameObject("/OpenAction")] = DictionaryObject({NameObject("/S"): kind})

    content = making.pdf(change)
    assert b"/S /Launch" not in content

    assert "starts another program" in refused("a.pdf", content)


def test_a_name_written_in_another_way_is_found():
    content = making.pdf_that_acts("/Launch", **{"/F": "x"}).replace(b"/Launch", b"/L#61unch")

    with pytest.raises(Refused, match="starts another program"):
        judge("a.pdf", content)


def test_more_objects_than_any_document_has_are_refused(monkeypatch):
    monkeypatch.setattr(pdfs, "MOST_OBJECTS", 2)

    assert "too many parts" in refused("a.pdf", making.pdf())


# --- Pictures ----------------------------------------------------------------


def test_a_photograph_loses_what_the_telephone_wrote_and_stands_upright():
    content = making.photograph()
    assert b"Telephone of Sample" in content and b"house of Sample" in content

    kept = judge("photo.jpg", content).content

    with Image.open(BytesIO(kept)) as picture:
        assert picture.size == (20, 40)
        assert not picture.getexif() and "comment" not in picture.info and "icc_profile" not in picture.info
    assert b"Sample" not in kept


def test_words_in_a_png_and_what_follows_it_are_dropped():
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("Author", "Sample")
    content = making.picture("PNG", pnginfo=words) + making.zipped({"a.exe": "MZ"})

    kept = judge("scan.png", content).content

    assert b"Sample" not in kept and b"PK" not in kept


def test_a_palette_keeps_its_clear_colour():
    content = BytesIO()
    Image.new("P", (4, 4), 0).save(content, "PNG", transparency=0)

    with Image.open(BytesIO(judge("logo.png", content.getvalue()).content)) as picture:
        assert picture.mode == "P"
        assert picture.info["transparency"] in (0, b"\0")


def test_50_million_pixels_are_the_most_whatever_the_file_weighs():
    content = making.picture("PNG", size=(10_000, 5_001))
    assert len(content) < 500_000

    words = refused("scan.png", content)

    assert "10000 by 5001 pixels" in words
    assert images.MOST_PIXELS == 50_000_000


@pytest.mark.parametrize("content", [making.picture()[:150], b"\xff\xd8\xff" + b"\0" * 99])
def test_a_picture_that_cannot_be_opened_is_refused(content):
    assert "cannot be opened as a picture" in refused("photo.jpg", content)


# --- Names -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\Sample\\report.pdf", "report.pdf"),
        ("re\0port\n.pdf", "report.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066a\u2069\u200b.pdf", "a.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("lpt1", "_lpt1"),
        ('a<b>:"c|?*.pdf', "a_b___c___.pdf"),
        ("  many   blanks .pdf. . ", "many blanks .pdf"),
        ("", "file"),
        ("...", "file"),
        ("../", "file"),
        ("x" * 200 + ".docx", "x" * 95 + ".docx"),
        ("cafe\u0301.txt", "café.txt"),
    ],
)
def test_names_are_cleaned(given_name, kept):
    assert names.cleaned(given_name) == kept


@given(st.text(max_size=300))
def test_whatever_a_name_is_the_cleaned_one_is_safe_and_stays_as_it_is(given_name):
    name = names.cleaned(given_name)

    assert 1 <= len(name) <= names.LONGEST
    assert not set(name) & set('/\\\0\n\r<>:"|?*')
    assert names.cleaned(name) == name


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=400), name=st.sampled_from(["a.pdf", "a.docx", "a.xlsx", "a.jpg", "a.png", "a.txt"]))
def test_no_bytes_break_the_judge(content, name):
    beginnings = {"a.pdf": b"%PDF-1.7\n", "a.jpg": b"\xff\xd8\xff\xe0", "a.png": b"\x89PNG\r\n\x1a\n", "a.txt": b""}
    try:
        judge(name, beginnings.get(name, b"PK\x03\x04") + content)
    except Refused:
        pass


@settings(max_examples=200, deadline=None)
@given(data=st.data(), which=st.sampled_from(["a.pdf", "a.docx", "a.xlsx", "a.jpg", "a.png"]))
def test_no_damage_breaks_the_judge(data, which):
    whole = bytearray(WHOLE[which])
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(8, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        judge(which, bytes(whole))
    except Refused:
        pass


WHOLE = {
    "a.pdf": making.pdf(),
    "a.docx": making.docx(),
    "a.xlsx": making.xlsx(),
    "a.jpg": making.picture(),
    "a.png": making.picture("PNG"),
}
assert len(PdfReader(BytesIO(WHOLE["a.pdf"])).pages) == 1
