"""Pages of ours as PDF, made in a process of its own that may take so much and no more (security.md E3).

Whatever an address in somebody's text says, nothing is fetched but our fonts, by name. The same pages give the same
bytes. This module imports no Django, so that a fresh process starts with little.
"""

from __future__ import annotations

import base64
import faulthandler
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from iom.embedded import pango

ASSETS = "iom-asset:"
_FONT = re.compile(r"source-sans-3-latin(-ext)?-(400|700)-(normal|italic)\.woff2")
_DRAFT = "draft.svg"
_ROW = re.compile(r"<tr[\s>]")
# The word DRAFT as lines, so that it needs no font; it stands behind the text and is no part of it.
_DRAFT_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 210 297" width="210mm" height="297mm">'
    '<g transform="translate(105 148) rotate(-52) translate(-79 -17)" fill="none" stroke="#f2e4e4" stroke-width="7">'
    '<path d="M4 0V34M4 3H12C30 3 30 31 12 31H4"/><path d="M38 34V3H48C64 3 64 19 48 19H38M50 19L63 34"/>'
    '<path d="M69 34L83 0L97 34M74 23H92"/><path d="M106 34V3H126M106 18H122"/><path d="M130 3H158M144 3V34"/>'
    "</g></svg>"
)


class PdfUnavailable(RuntimeError):
    """The machine lacks the libraries that PDFs need; the words say what to install."""


class PdfTooLarge(RuntimeError):
    """A document needs more pages, rows, memory or time than one may; the words say which."""


class PdfFailed(RuntimeError):
    """A document could not be made for a reason that is ours to mend."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside a PDF. `relationship` as PDF calls it: Data, Source, Supplement."""

    content: bytes
    name: str
    description: str
    at: datetime
    relationship: str = "Data"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take: seconds, bytes of memory, pages, rows of tables."""

    seconds: float = 120
    memory: int = 2**30
    pages: int = 500
    rows: int = 2_000


@dataclass(frozen=True, slots=True)
class _Job:
    html: str
    style: str
    fonts: str
    variant: str
    identifier: str
    most_pages: int
    attached: tuple[Attached, ...] = field(default=())

    def as_json(self) -> bytes:
        plain = asdict(self)
        plain["attached"] = [
            asdict(each) | {"content": base64.b64encode(each.content).decode(), "at": each.at.isoformat()}
            for each in self.attached
        ]
        return json.dumps(plain).encode()

    @classmethod
    def of_json(cls, text: bytes) -> _Job:
        plain = json.loads(text)
        plain["attached"] = tuple(
            Attached(**each | {"content": base64.b64decode(each["content"]), "at": datetime.fromisoformat(each["at"])})
            for each in plain["attached"]
        )
        return cls(**plain)


def load() -> None:
    """Find the libraries that PDFs need. Raises PdfUnavailable with what to install."""
    if not pango.load():
        raise PdfUnavailable(pango.REMEDY)


def pdf_of(
    html: str,
    *,
    style: str,
    fonts: Path,
    variant: str = "pdf/ua-1",
    identifier: str = "",
    attached: tuple[Attached, ...] = (),
    limits: Limits | None = None,
) -> bytes:
    """The PDF of a page in a `variant` of WeasyPrint, tagged, with a bookmark for each heading.

    `fonts` is the folder of our fonts. Raises PdfUnavailable, PdfTooLarge and PdfFailed; whichever it is, the process
    that asks goes on.
    """
    limits = limits or Limits()
    if (rows := len(_ROW.findall(html))) > limits.rows:
        raise PdfTooLarge(f"The document has {rows:,} rows of tables, and {limits.rows:,} is the most.")
    load()
    job = _Job(html, style, str(fonts), variant, identifier, limits.pages, attached)
    # A copy of this process has everything loaded; beside other threads a copy could wait for ever for what they hold.
    run = _in_copy if sys.platform == "linux" and threading.active_count() == 1 else _in_new_process
    verdict, content = run(job, limits)
    return _judged(verdict, content, limits)


def _judged(verdict: bytes, content: bytes, limits: Limits) -> bytes:
    if verdict == b"K":
        return content
    if verdict == b"P":
        raise PdfTooLarge(f"The document has more than {limits.pages:,} pages, which is the most.")
    if verdict == b"T":
        raise PdfTooLarge(f"The document took longer than {limits.seconds:g} seconds, which is the most.")
    if verdict == b"M":
        raise PdfTooLarge(f"The document needs more than {limits.memory // 2**20:,} MB of memory, which is the most.")
    if verdict == b"U":
        raise PdfUnavailable(pango.REMEDY)
    raise PdfFailed(f"The PDF could not be made: {content.decode(errors='replace')[:200] or 'its process ended'}")


# --- The process that makes it ------------------------------------------------


def _make(job: _Job) -> tuple[bytes, bytes]:
    """A letter for what became of it, and the document or the name of the error."""
    try:
        load()
        return _written(job)
    except PdfUnavailable:
        return b"U", b""
    except MemoryError:
        return b"M", b""
    except Exception as error:  # noqa: BLE001 -- it is told to the process that asked, which raises
        return b"E", type(error).__name__.encode()


def _written(job: _Job) -> tuple[bytes, bytes]:
    from weasyprint import CSS, HTML, Attachment
    from weasyprint.text.fonts import FontConfiguration

    fetcher, fonts = _fetcher(Path(job.fonts)), FontConfiguration()
    style = CSS(string=job.style, base_url=ASSETS, url_fetcher=fetcher, font_config=fonts)
    attachments = [
        Attachment(
            string=each.content,
            name=each.name,
            description=each.description,
            created=each.at,
            modified=each.at,
            relationship=each.relationship,
        )
        for each in job.attached
    ]
    options: dict[str, Any] = {
        "pdf_variant": job.variant,
        "pdf_identifier": job.identifier.encode() or None,
        "attachments": attachments or None,
    }
    with warnings.catch_warnings():
        # WeasyPrint leaves the colour profile's file to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        document = HTML(string=job.html, base_url=ASSETS, url_fetcher=fetcher).render(
            stylesheets=[style], font_config=fonts, **options
        )
        if len(document.pages) > job.most_pages:
            return b"P", b""
        return b"K", document.write_pdf(finisher=_finish, **options)


def _finish(document: Any, pdf: Any) -> None:
    """Complete the tags; keep the metadata uncompressed, so that the mark is found in a damaged file too."""
    from iom import pdf_tags

    pdf_tags.mend(pdf)
    document.color_profiles.clear()
    for thing in pdf.objects:
        if getattr(thing, "extra", {}).get("Type") == "/Metadata":
            thing.compress = False


@cache
def _fetcher(fonts: Path) -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class NamedAssets(URLFetcher):
        """Serves our fonts and the watermark by name and refuses every other address, without opening it."""

        def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
            name = url.removeprefix(ASSETS)
            if url == ASSETS + _DRAFT:
                return URLFetcherResponse(url, _DRAFT_SVG.encode(), {"Content-Type": "image/svg+xml"})
            if not url.startswith(ASSETS) or not _FONT.fullmatch(name):
                raise ValueError("Not one of our own assets")
            return URLFetcherResponse(url, (fonts / name).read_bytes(), {"Content-Type": "font/woff2"})

    return NamedAssets()


# --- Apart from whoever asks --------------------------------------------------


def _in_copy(job: _Job, limits: Limits) -> tuple[bytes, bytes]:
    """Make it in a copy of this process, which ends without running anything else of ours."""
    import weasyprint  # noqa: F401 -- loaded once here, and not in each copy

    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        _end_with(_make, job, limits, writes)
    os.close(writes)
    try:
        return _answer_of(reads, limits.seconds)
    finally:
        os.close(reads)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


def _end_with(make: Callable[[_Job], tuple[bytes, bytes]], job: _Job, limits: Limits, writes: int) -> NoReturn:
    code = 1
    try:
        faulthandler.disable()  # a library that has no memory left ends the process, and needs no traceback
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(each, signal.SIG_DFL)
        _hold_to(limits)
        verdict, content = make(job)
        with os.fdopen(writes, "wb") as out:
            out.write(verdict + content)
        code = 0
    finally:
        os._exit(code)


def _in_new_process(job: _Job, limits: Limits) -> tuple[bytes, bytes]:
    """Make it in a new process of this module: slower to start, and safe beside threads."""
    command = [sys.executable, "-m", "iom.typeset", str(limits.memory)]
    try:
        done = subprocess.run(
            command,
            input=job.as_json(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parent.parent,
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return b"T", b""
    return _told(done.stdout)


def _answer_of(reads: int, seconds: float) -> tuple[bytes, bytes]:
    until, parts = time.monotonic() + seconds, []
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([reads], [], [], left)[0]:
            return b"T", b""
        part = os.read(reads, 2**20)
        if not part:
            return _told(b"".join(parts))
        parts.append(part)


def _told(said: bytes) -> tuple[bytes, bytes]:
    """What the other process said. One that the system or a library ended said nothing: it had no memory left."""
    return (said[:1], said[1:]) if said else (b"M", b"")


def _hold_to(limits: Limits) -> None:
    """Let this process have so much memory beside what it holds already."""
    with suppress(OSError, ValueError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + limits.memory, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main() -> int:
    """Read a job from standard input, and write what became of it to standard output."""
    _hold_to(Limits(memory=int(sys.argv[1])))
    verdict, content = _make(_Job.of_json(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(verdict + content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
