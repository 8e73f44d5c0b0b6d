"""Nobody's words are lost when the recording changes hands (ux.md 5, point 1; security.md C4).

What the old recorder had typed stays in the draft of its item, which the new one goes on with. A copy of it, and
whatever else the old one still types on a page that was open, is kept for them alone: "You typed this before Ada took
over".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet

from iom.clock import now
from iom.jinja import field_choices
from iom.models import Meeting, User
from iom.steps import StepRefused, locked

from .models import AgendaItem, KeptWords

if TYPE_CHECKING:
    from django.forms import BoundField

    from iom.access import Actor
    from iom.forms import SaneForm

LONGEST_FIELD = 6000
# How many new actions a form has is no word of anybody's.
_COUNTS = frozenset({"actions"})
_ROW = re.compile(r"action-(\d+)-(text|agency|owner|due_on)")
_ROW_WORDS = {"text": "what", "agency": "agency", "owner": "who", "due_on": "by"}


def clipped(value: Any) -> Any:
    """What was typed as it can be stored: PostgreSQL's JSON holds every character but NUL."""
    if isinstance(value, list):
        return [clipped(each) for each in value]
    return str(value).replace("\x00", "")[:LONGEST_FIELD]


@transaction.atomic
def keep(item: AgendaItem, words: Mapping[str, Any], *, by: Actor) -> KeptWords | None:
    """Keep what somebody typed on an item that another records now; None when nothing was typed.

    Said again, a field takes the place of what it said before. Not audited: it is nobody's record.
    """
    item = AgendaItem.objects.select_for_update(of=("self",)).select_related("meeting__recorder").get(pk=item.pk)
    return _keep(item, by.user, words, item.meeting.recorder)


def keep_drafts(meeting: Meeting, *, of: User, to: User) -> None:
    """Copy the drafts of a meeting for the old recorder, in the transaction that gives the recording to `to`."""
    for item in AgendaItem.objects.filter(meeting=meeting).exclude(draft={}):
        _keep(item, of, item.draft, to)


def _keep(item: AgendaItem, user: User, words: Mapping[str, Any], to: User | None) -> KeptWords | None:
    present = KeptWords.objects.filter(item=item, user=user).first()
    said = (present.words if present else {}) | {name: clipped(value) for name, value in words.items()}
    said = {name: value for name, value in said.items() if value and name not in _COUNTS}
    if not said:
        return None
    kept = present or KeptWords(scheme=item.scheme, item=item, user=user)
    kept.words, kept.at, kept.taken_over_by = said, now(), to if to != user else None
    kept.save()
    return kept


def mine(actor: Actor, meeting: Meeting) -> QuerySet[KeptWords]:
    """What is kept for the reader of a meeting, in the order of its items."""
    rows = KeptWords.objects.visible_to(actor).filter(item__meeting=meeting)
    return rows.select_related("item", "taken_over_by").order_by("item__position", "pk")


@transaction.atomic
def put_into_record(kept: KeptWords, *, by: Actor) -> AgendaItem:
    """Put kept words into the draft of their item, where nothing stands yet; what another wrote is not written over.

    What found no place stays kept. Raises NotRecording when somebody else records.
    """
    from . import recording

    item = locked(AgendaItem, kept.item_id)
    recording.must_record(item.meeting, by)
    if kept.user_id != by.user.pk:
        raise StepRefused(["These words are somebody else's."])
    words = not_in(item.draft, kept)
    taken = {name: value for name, value in words.items() if not _ROW.fullmatch(name) and not item.draft.get(name)}
    rows = _rows(words)
    count = len(_rows(item.draft))
    for place, row in enumerate(rows, start=count):
        taken |= {f"action-{place}-{name}": value for name, value in row.items()}
    recording.keep_draft(item, item.draft | taken | {"actions": str(count + len(rows))}, by=by)
    kept.words = {name: value for name, value in words.items() if name not in taken and not _ROW.fullmatch(name)}
    if kept.words:
        kept.save(update_fields=["words"])
    else:
        kept.delete()
    return item


def not_in(draft: Mapping[str, Any], kept: KeptWords) -> dict[str, Any]:
    """What of the kept words the draft of the item does not say."""
    said = _rows(draft)
    words = {name: value for name, value in kept.words.items() if not _ROW.fullmatch(name) and draft.get(name) != value}
    missing = [row for row in _rows(kept.words) if row not in said]
    return words | {f"action-{place}-{name}": value for place, row in enumerate(missing) for name, value in row.items()}


@transaction.atomic
def forget(kept: KeptWords, *, by: Actor) -> None:
    """Delete what is kept. Its own person only."""
    if kept.user_id != by.user.pk:
        raise StepRefused(["These words are somebody else's."])
    kept.delete()


def _rows(words: Mapping[str, Any]) -> list[dict[str, Any]]:
    """New actions among the words, each as the fields that are filled in."""
    rows: dict[int, dict[str, Any]] = {}
    for name, value in words.items():
        if value and (found := _ROW.fullmatch(name)):
            rows.setdefault(int(found[1]), {})[found[2]] = value
    return [rows[number] for number in sorted(rows)]


def in_words(words: Mapping[str, Any], forms: Iterable[SaneForm]) -> list[tuple[str, str]]:
    """What was typed, as pairs of a field's label and its words; choices by their names where `forms` have them."""
    fields = {bound.html_name: bound for form in forms for bound in form}
    pairs = []
    for name, value in words.items():
        bound = fields.get(name)
        label = bound.label if bound is not None else _label(name)
        pairs.append((str(label), _said(bound, value)))
    return pairs


def _label(name: str) -> str:
    if found := _ROW.fullmatch(name):
        return f"Action {int(found[1]) + 1}, {_ROW_WORDS[found[2]]}"
    if name.startswith("looked-"):
        return "Earlier action, note" if name.endswith("-note") else "Earlier action, outcome"
    return {"quick": "Add an action"}.get(name, name.replace("_", " ").capitalize())


def _said(bound: BoundField | None, value: Any) -> str:
    given = value if isinstance(value, list) else [value]
    names = {str(key): str(words) for key, words in (field_choices(bound) if _has_choices(bound) else ())}
    return ", ".join(names.get(str(each), str(each)) for each in given)


def _has_choices(bound: BoundField | None) -> bool:
    return bound is not None and hasattr(bound.field, "choices")
