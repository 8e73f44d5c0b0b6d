"""One style sheet and one script for every page, joined from the files that people edit.

A page then asks for two files, each named by the digest of what it holds and kept by browsers for good, instead of for
thirty. The joining is plain: style sheets follow each other; each script module becomes a function that gives back what
it exports, in the order in which they need each other. It happens when static files are collected, and by itself where
they are served from their sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import django_htmx
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

STYLE, SCRIPT = "iom.css", "iom.js"
# In the order of the cascade.
STYLES = (
    "vendor/govuk-frontend.min.css",
    "vendor/moj-frontend.min.css",
    "css/app.css",
    "css/print.css",
    "css/meetings.css",
    "css/referrals.css",
    "css/live.css",
    "css/screen.css",
)
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
# What starts by itself; modules that these import come with them, once.
SCRIPTS = ("js/init.js", "js/checks.js", "js/copying.js", "js/passkeys.js")
# Modules that name a package find it here.
PACKAGES = {"govuk-frontend": "vendor/govuk-frontend.min.js"}

_URL = re.compile(r"""url\((["']?)(?!data:|["']?data:|/|https?:)""")
_IMPORT = re.compile(r"""^import \{([^}]*)\} from ["']([^"']+)["'];$""", re.MULTILINE)
_EXPORTED = re.compile(r"^export ((?:async )?function|const|let|class) (\w+)", re.MULTILINE)
_EXPORTS = re.compile(r"(?:^|[;}\s])export ?\{([^}]*)\};?\s*$")
_LEFT = re.compile(r"^(?:import|export)\b", re.MULTILINE)


class NotJoined(Exception):
    """A file is written in a way that this module does not know how to join."""


def style(root: Path) -> str:
    """All style sheets below `root` as one, beside which their images still are where they say."""
    return "".join(_beside(name, (root / name).read_text(encoding="utf-8")) for name in STYLES)


def _beside(name: str, text: str) -> str:
    folder = Path(name).parent.as_posix()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return _URL.sub(lambda found: f"url({found[1]}{folder}/", text).strip() + "\n"


def script(root: Path) -> str:
    """All scripts as one module. Raises NotJoined for an import or export that is written in another way."""
    parts = [HTMX.read_text(encoding="utf-8").strip(), "window.htmx=htmx;"]
    names: dict[Path, str] = {}
    for start in SCRIPTS:
        parts += _module(root, (root / start).resolve(), names)
    return "\n".join(parts) + "\n"


def _module(root: Path, path: Path, names: dict[Path, str]) -> Iterator[str]:
    """The module and those it needs before it, unless they are there already."""
    if path in names:
        return
    names[path] = ""  # under way: whoever needs it now needs itself
    name = f"$module{len(names)}"
    text = path.read_text(encoding="utf-8")
    needs = {what: _found(root, path, what) for _, what in _IMPORT.findall(text)}
    for needed in needs.values():
        yield from _module(root, needed, names)
        if not names[needed]:
            raise NotJoined(f"{path.name} and {needed.name} need each other.")
    text = _IMPORT.sub(lambda found: f"const {{{_pairs(found[1], ': ')}}} = {names[needs[found[2]]]};", text)
    exported = [name for _, name in _EXPORTED.findall(text)]
    text = _EXPORTED.sub(r"\1 \2", text)
    if at_end := _EXPORTS.search(text):
        exported += [_turned(pair) for pair in at_end[1].split(",") if pair.strip()]
        text = text[: at_end.start(1)].rpartition("export")[0]
    if _LEFT.search(text):
        raise NotJoined(f"{path.name} imports or exports in a way that is not known here.")
    names[path] = name
    yield f"const {name} = (() => {{\n{text.strip()}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _found(root: Path, path: Path, what: str) -> Path:
    return (root / PACKAGES[what] if what in PACKAGES else path.parent / what).resolve()


def _pairs(names: str, between: str) -> str:
    return ",".join(re.sub(r"\s+as\s+", between, name.strip()) for name in names.split(","))


def _turned(pair: str) -> str:
    """`inside as outside` as a property of what the module gives back."""
    inside, _, outside = (part.strip() for part in pair.partition(" as "))
    return f"{outside}: {inside}" if outside else inside


class Finder(BaseFinder):
    """Lets Django find the joined files as if they lay in `static/`; makes them when a source is newer."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.root = Path(settings.BASE_DIR) / "static"
        self.storage = FileSystemStorage(location=settings.JOINED_FOLDER)

    def check(self, **kwargs: Any) -> list[Any]:
        """Nothing to configure."""
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> str | list[str]:
        """Where the joined file lies; nothing for any other name."""
        if path not in (STYLE, SCRIPT):
            return []
        made = str(self._make(path))
        return [made] if find_all else made

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """Both files, made afresh."""
        for name in (STYLE, SCRIPT):
            self._make(name)
            yield name, self.storage

    def _make(self, name: str) -> Path:
        folder = Path(settings.JOINED_FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / name
        sources = [*self.root.rglob("*.css"), *self.root.rglob("*.*js"), HTMX, Path(__file__)]
        newest = max(source.stat().st_mtime_ns for source in sources)
        with suppress(FileNotFoundError):
            if made.stat().st_mtime_ns > newest:
                return made
        # Several processes may do this at once: each puts a whole file in place.
        with NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
            file.write(style(self.root) if name == STYLE else script(self.root))
        Path(file.name).chmod(0o644)
        Path(file.name).replace(made)
        return made
