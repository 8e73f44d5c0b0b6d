"""Names that people's machines give to files: shown on pages, and never trusted (security.md F2)."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 100

_SEPARATORS = re.compile(r"[/\\]")
_UNFIT = re.compile(r'[<>:"|?*]')
# Names that Windows keeps for devices, with any extension.
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")
# Controls, marks that turn the reading direction or show nothing, halves of pairs, and what Unicode has not assigned.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def cleaned(given: str) -> str:
    """`given` without folders, unseen or turning characters and reserved words, 100 characters at most.

    The extension stays whole. What has nothing left is called "file".
    """
    name = _SEPARATORS.split(unicodedata.normalize("NFC", given))[-1]
    name = "".join(each for each in name if unicodedata.category(each) not in _UNSEEN)
    name = " ".join(_UNFIT.sub("_", name).split()).rstrip(". ")
    if name.strip("._ ") == "":
        return "file"
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return _shortened(name)


def extension(name: str) -> str:
    """The ending of a cleaned name in small letters, without its dot; blank where there is none."""
    stem, dot, ending = name.rpartition(".")
    return ending.strip().lower() if dot and stem else ""


def _shortened(name: str) -> str:
    ending = extension(name)
    if len(name) <= LONGEST or not ending or len(ending) > LONGEST // 4:
        return name[:LONGEST].rstrip(". ")
    return f"{name[: LONGEST - len(ending) - 1].rstrip('. ')}.{ending}"
