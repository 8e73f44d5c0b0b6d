"""Finding a meeting by the key of its address (design.md 6)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import Http404

from iom.models import Meeting
from iom.pages import found

if TYPE_CHECKING:
    from iom.access import Actor


def find(actor: Actor, key: str, rows: QuerySet[Meeting] | None = None) -> Meeting:
    """The meeting of `2026-03-12` (the scheme's first body) or `2026-03-12-board`, if the actor may see it.

    `rows` narrows further, for instance to meetings whose papers the actor reads. Raises Http404.
    """
    day, slug = key[:10], key[11:]
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise Http404 from None
    if len(key) == 11 or (slug and key[10] != "-"):
        raise Http404
    rows = Meeting.objects.visible_to(actor) if rows is None else rows.select_related("body", "scheme")
    return found(rows, date=on, **({"body__slug": slug} if slug else {"body__position": 0}))
