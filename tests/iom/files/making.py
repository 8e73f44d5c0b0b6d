"""Files as people's programs make them, and as nobody's program should."""

import struct
import zipfile
import zlib
from io import BytesIO

import openpyxl
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def pdf(change=None) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(width=200, height=200)
    if change:
        change(writer)
    kept = BytesIO()
    writer.write(kept)
    return kept.getvalue()


def pdf_that_acts(action: str, **more):
    """A page whose annotation does something."""

    def change(writer):
        act = DictionaryObject({NameObject("/S"): NameObject(action)})
        act |= {NameObject(name): TextStringObject(value) for name, value in more.items()}
        link = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject("/Link"),
                NameObject("/Rect"): ArrayObject([NumberObject(each) for each in (0, 0, 9, 9)]),
                NameObject("/A"): writer._add_object(DictionaryObject(act)),
            }
        )
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(link)])

    return pdf(change)


def xlsx(rows=(("Name", "Date"), ("Sample", 1))) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()


def content_types(*more: str, main: str = WORD) -> str:
    return (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/>{"".join(more)}</Types>'
    )


def relations(*more: str) -> str:
    return (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{''.join(more)}</Relationships>"
    )


def relation(what: str, target: str, outside: bool = True) -> str:
    mode = ' TargetMode="External"' if outside else ""
    return f'<Relationship Id="r9" Type="{OFFICE}/{what}" Target="{target}"{mode}/>'


def docx(*, text="Plain words", types=None, links=(), document=None, **more) -> bytes:
    """A Word file; `more` are further parts by name (slashes as double underscores, dots as they are in `parts`)."""
    parts = {
        "[Content_Types].xml": types or content_types(),
        "_rels/.rels": relations(relation("officeDocument", "word/document.xml", outside=False)),
        "word/document.xml": document
        or '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>",
        "word/_rels/document.xml.rels": relations(*links),
    }
    return zipped(parts | more.get("parts", {}))


def zipped(parts: dict, method=zipfile.ZIP_DEFLATED) -> bytes:
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return kept.getvalue()


def lying_about_size(content: bytes, name: bytes, says: int) -> bytes:
    """The archive, whose two lists both say that a part is as short as `says`, with the checksum of that beginning."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        entry = archive.getinfo(name.decode())
        checksum = zlib.crc32(archive.read(entry)[:says])
    changed = bytearray(content)
    struct.pack_into("<L", changed, entry.header_offset + 14, checksum)
    struct.pack_into("<L", changed, entry.header_offset + 22, says)
    at = changed.rfind(b"PK\x01\x02", 0, changed.rfind(name))
    struct.pack_into("<L", changed, at + 16, checksum)
    struct.pack_into("<L", changed, at + 24, says)
    return bytes(changed)


def picture(kind="JPEG", size=(40, 20), **saved) -> bytes:
    kept = BytesIO()
    Image.new("RGB", size, "orange").save(kept, kind, **saved)
    return kept.getvalue()


def photograph() -> bytes:
    """As a phone takes it: turned on its side, with the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif[0x010F] = "Telephone of Sample"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (51.0, 24.0, 30.0)
    return picture(exif=exif, comment=b"at the house of Sample")
