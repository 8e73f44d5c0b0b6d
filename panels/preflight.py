"""What to look for before minutes go to the chair (ux.md 4.7): each in words, with where to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from iom.jinja import plural

from .choices import ASKS_HARM
from .record import Record, decisions_in

# Where a line leads: the page of the meeting that mends it.
ATTENDANCE, MEETING = "attendance", "edit_meeting"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is in order, in words.

    `items` are the numbers of the items to look at, `where` the page that mends it. What `blocks` keeps the minutes
    from being sent; everything else is for the coordinator to judge.
    """

    good: bool
    words: str
    items: tuple[str, ...] = ()
    where: str = ""
    blocks: bool = False


def checks(record: Record, *, has_chair: bool = True, chair_recorded: bool = False) -> list[Check]:
    """Every line, in order or not, from the record alone and the two facts about its chair."""
    items = record["items"]
    return [
        _chair(has_chair, chair_recorded),
        _attendance(record),
        _agreement(record),
        _passed_over(items),
        _owners(items),
        _late(items),
        _harm(items),
        *_quorum(record),
        _ratify(record),
    ]


def passed_over(items: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """Numbers of the items about somebody that have neither a decision nor an action, and were not carried forward."""
    return tuple(
        item["number"]
        for item in items
        if item["reference"] and item["state"] != "carried" and not item["decision"] and not item["actions"]
    )


def _chair(has_chair: bool, recorded: bool) -> Check:
    if not has_chair:
        return Check(False, "Nobody is named who chaired: nobody can sign", where=MEETING, blocks=True)
    if recorded:
        words = "Whoever chaired recorded too, and nobody signs minutes that they recorded"
        return Check(False, words, where=MEETING, blocks=True)
    return Check(True, "Somebody else than the recorder signs")


def _attendance(record: Record) -> Check:
    here = [row for row in record["attendance"] if row["here"]]
    words = f"{plural(len(here), 'person', 'people')} marked as here"
    return Check(bool(here), words, where=ATTENDANCE, blocks=not here)


def _agreement(record: Record) -> Check:
    missing = len(record["agreement"]["unsigned"])
    if not missing:
        return Check(True, "Everyone here signed the information sharing agreement")
    words = f"{plural(missing, 'person', 'people')} here did not sign the information sharing agreement"
    return Check(False, words, where=ATTENDANCE)


def _passed_over(items: list[dict[str, Any]]) -> Check:
    left = passed_over(items)
    if not left:
        return Check(True, "Every item is decided or carried forward")
    words = f"{plural(len(left), 'item')} with neither a decision nor an action"
    return Check(False, words, left, blocks=True)


def _owners(items: list[dict[str, Any]]) -> Check:
    bare = [item["number"] for item in items for action in item["actions"] if not (action["who"] and action["due_on"])]
    if not bare:
        return Check(True, "Every action has an owner and a date")
    words = f"{plural(len(bare), 'action')} {'has' if len(bare) == 1 else 'have'} an agency but no named owner"
    return Check(False, words, tuple(dict.fromkeys(bare)))


def _late(items: list[dict[str, Any]]) -> Check:
    late = tuple(item["number"] for item in items if item["late"] and not item["late_agreed_by"])
    if not late:
        return Check(True, "The chair agreed to every late item")
    return Check(False, "Late items that the chair has not agreed to", late)


def _harm(items: list[dict[str, Any]]) -> Check:
    """The harm line is asked for every case (Waltham Forest, 5.7)."""
    asked = [item for item in items if item["section"] in ASKS_HARM and item["decision"]]
    # Minutes that were recorded before the line was asked have no such part.
    missing = tuple(item["number"] for item in asked if item["decision"].get("harm", "not asked") is None)
    if not missing:
        return Check(True, "The risk of harm was asked for every case")
    return Check(False, "No line on the risk of harm", missing)


def _quorum(record: Record) -> Iterator[Check]:
    """Items decided by fewer agencies than the quorum; only where the scheme has one."""
    needed = record["rules"]["quorum_needed"]
    if needed is None:
        return
    short = tuple(
        item["number"]
        for item in record["items"]
        if item["decision"] and (item["decision"]["agencies_here"] or 0) < (item["decision"]["agencies_needed"] or 0)
    )
    if short:
        yield Check(False, f"Decided with fewer agencies than the {needed} needed", short)
    else:
        yield Check(True, f"A quorum of {needed} at every decision")


def _ratify(record: Record) -> Check:
    waiting = tuple(item["number"] for item in decisions_in(record) if item["decision"]["to_ratify"])
    if not waiting:
        return Check(True, "No decision waits to be ratified")
    return Check(False, f"{plural(len(waiting), 'decision')} to be ratified by a quorate meeting", waiting)
