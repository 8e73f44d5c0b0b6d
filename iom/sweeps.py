"""What the clock tidies in every scheme: each piece may run twice, late, or not at all for a while (security.md Q4)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date

from iom import walls
from iom.access import Actor, task_actor
from iom.models import Scheme

log = logging.getLogger(__name__)

Tidy = Callable[[Scheme, date, Actor], None]
_tidies: list[Tidy] = []


def tidies(function: Tidy) -> Tidy:
    """Register what is tidied: `fn(scheme, today, by)`, in the scheme's own transaction."""
    _tidies.append(function)
    return function


def tidy(on: date) -> list[str]:
    """Run everything for every scheme. What breaks is logged and keeps nothing else from running; returns its names."""
    broken = []
    for scheme in Scheme.objects.order_by("pk"):
        for function in _tidies:
            by = task_actor(scheme, function.__name__)
            try:
                with walls.within(scheme, by=by, cause=function.__name__):
                    function(scheme, on, by)
            except Exception:
                log.exception("tidying failed", extra={"scheme_id": scheme.pk, "verb": function.__name__})
                broken.append(f"{scheme.slug}: {function.__name__}")
    return broken
