"""Whether the scanner is to be believed: asked before the first file of an hour, in each process that scans."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from iom.files.clamd import Away, Scanner

log = logging.getLogger(__name__)

SECONDS = 60 * 60
# Where `/readyz` finds the answer; the cache only reminds, so it may be away.
CACHED = "files:scanner-is-shallow"


@dataclass
class _Asked:
    address: str = ""
    until: float = 0.0


_asked = _Asked()


def require() -> None:
    """Raise `Away` for a scanner that does not answer, or that misses the test virus where it must find it.

    Files then wait: what a scanner leaves out counts as not clean (security.md F3).
    """
    if _asked.address == settings.CLAMD and time.monotonic() < _asked.until:
        return
    deep = Scanner(settings.CLAMD).looks_deep_enough()
    _remember(shallow=not deep)
    if not deep:
        log.error("the virus scanner misses the test virus in a large file: see docs/files.md")
        raise Away("a scanner that looks too little")
    _asked.address, _asked.until = settings.CLAMD, time.monotonic() + SECONDS


def forget() -> None:
    """Ask anew before the next file."""
    _asked.address, _asked.until = "", 0.0


def _remember(*, shallow: bool) -> None:
    try:
        if shallow:
            cache.set(CACHED, 1, timeout=2 * SECONDS)
        else:
            cache.delete(CACHED)
    except Exception as error:  # noqa: BLE001 -- whatever ails the cache, files are scanned
        log.warning("the cache does not answer", extra={"verb": type(error).__name__})


def warnings() -> list[str]:
    """What `/readyz` says of the scanner, in words without detail; nothing where none is set up."""
    if not settings.CLAMD:
        return []
    if not Scanner(settings.CLAMD).answers():
        return ["the virus scanner does not answer"]
    try:
        shallow = bool(cache.get(CACHED))
    except Exception:  # noqa: BLE001 -- another warning speaks of the cache
        shallow = False
    return ["the virus scanner leaves out part of large files"] if shallow else []
