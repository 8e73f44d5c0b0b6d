"""What becomes of files by the clock: asked for again, leftovers removed, locked with the newest key."""

from __future__ import annotations

import logging
from datetime import date, timedelta

from django.conf import settings

from iom import clock, walls
from iom.access import Actor
from iom.files import keeping, store
from iom.files.clamd import Scanner
from iom.models import Scheme, StoredFile
from iom.sweeps import tidies

log = logging.getLogger(__name__)

# Bytes without a row are those of a request that is under way, or of one that was refused or broke off.
LEFT_OVER_AFTER = timedelta(days=1)


def ask_again() -> int:
    """Ask for every file that waits, where a scanner is set up and answers; how many were asked for."""
    if not settings.CLAMD or not Scanner(settings.CLAMD).answers():
        return 0
    asked = 0
    for scheme in Scheme.objects.order_by("pk"):
        with walls.within(scheme, cause="ask_again"):
            asked += keeping.ask_to_scan(scheme)
    return asked


@tidies
def remove_leftover_bytes(scheme: Scheme, on: date, by: Actor) -> None:
    """Destroy bytes that belong to no kept file of the scheme, once they are a day old."""
    held = set(StoredFile.objects.filter(scheme=scheme).kept().values_list("key", flat=True))
    until = clock.now() - LEFT_OVER_AFTER
    for key, path, put_at in store.keys(scheme.pk):
        if key not in held and put_at < until:
            path.unlink(missing_ok=True)


@tidies
def lock_with_newest_key(scheme: Scheme, on: date, by: Actor) -> None:
    """Lock anew what an older key of the installation locks, so that the older one can be dropped."""
    for key in StoredFile.objects.filter(scheme=scheme).kept().values_list("key", flat=True):
        try:
            store.seal_anew(scheme.pk, key)
        except store.Missing:
            log.exception("a file cannot be read", extra={"scheme_id": scheme.pk})
