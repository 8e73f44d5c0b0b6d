"""Copies of signed minutes: an agency's, without what it may not read, and one without names. Pure.

Both are records of the same shape as the one that was signed, so that page and PDF show them alike, with a part `copy`
that says whose they are and which record they come from. The one without names is put together from what may stand in
it: whatever else a record holds, now or later, is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from .canonical import Record, fingerprint

LEFT_OUT = "Left out of this copy"
# Words that a text may hold although they are part of somebody's name: alone they say nothing.
SHORTEST_NAME = 3
_WORD = re.compile(r"[^\W\d_]+")
_REFERENCE = re.compile(r"\b[A-Z]{2,6}(?:-R)?-\d+\b")


@dataclass(frozen=True, slots=True)
class Reader:
    """The agency that a copy is for, and what of the meeting is not open to it.

    `closed`: references of restricted cases and of the nominations of their people. They are open to named people,
    never to a whole agency, so that no agency's copy holds them. `only`: numbers of the items for which somebody of an
    agency without a seat came as a guest; None for an agency with a seat. `marked`: number of an item to the words
    under it that are for this agency and not for all.
    """

    slug: str
    name: str
    closed: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    marked: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of free text of a record. `names` are the names that stand in it: then it cannot be let through."""

    key: str
    item: str
    what: str
    text: str
    names: tuple[str, ...] = ()


def copy_for(record: Record, agency: Reader) -> Record:
    """A signed record as an agency may read it, and whose copy it is.

    What it may not read is absent, not blanked (security.md Z6): restricted cases, with what is done on them under
    other items; what is marked for other agencies; for an agency without a seat every item for which it was not there,
    and who signed the sharing agreement.
    """
    items = [
        _open_actions(item, agency.closed) | _marked(item, agency) for item in record["items"] if _reads(item, agency)
    ]
    copy = {"kind": "agency", "agency": agency.name, **_from(record)}
    return record | {"items": items, "copy": copy} | ({"agreement": _nobody(record)} if agency.only is not None else {})


def redacted(record: Record, keep: AbstractSet[str] = frozenset(), *, closed: AbstractSet[str] = frozenset()) -> Record:
    """A signed record without names: people are "Person 1", everybody else their agency.

    Decisions, ratings, actions by agency, dates and figures stay. Free text is absent but for the lines whose keys are
    in `keep`; one that holds a name of the record is absent in any case. `closed` as for an agency's copy.
    """
    shown = copy_for(record, Reader("", "", frozenset(closed)))
    let_through = {line.key: line.text for line in lines(shown) if line.key in keep and not line.names}
    called = _pseudonyms(shown)
    return {
        "format": record["format"],
        "classification": record["classification"],
        "reference": record["reference"],
        "version": record["version"],
        "scheme": record["scheme"],
        "meeting": {
            "body": record["meeting"]["body"],
            "date": record["meeting"]["date"],
            "starts_at": record["meeting"]["starts_at"],
            "place": "",
            "chair": "",
            "recorder": "",
        },
        "rules": record["rules"],
        "attendance": list(_agencies_there(record)),
        "agreement": {"title": record["agreement"]["title"], "signed": []},
        "agreement_signed": len(record["agreement"]["signed"]),
        "items": [_bare(item, called, let_through) for item in shown["items"]],
        "next_meeting": record["next_meeting"],
        "copy": {"kind": "redacted", "agency": "", **_from(record)},
    }


def lines(record: Record) -> list[Line]:
    """Every piece of free text of a record, in the order of its items, with the names that stand in each."""
    known = names_in(record)
    return [
        Line(key, item["number"], what, text, tuple(sorted(name for name in known if stands_in(name, text))))
        for item in record["items"]
        for key, what, text in _texts(item)
        if text.strip()
    ]


def names_in(record: Record) -> set[str]:
    """Every name of a person in the fields of a record that hold one, and every reference of a case or nomination."""
    found = {record["meeting"]["chair"], record["meeting"]["recorder"]}
    for row in record["attendance"]:
        found |= {row["name"], row["substitute"]}
    found |= {signed["name"] for signed in record["agreement"]["signed"]}
    for on_paper in record["agreement"].get("at_the_table", ()):
        found |= {on_paper["name"], on_paper["seen_by"]}
    found |= {each["name"] for each in (*record.get("chair_taken", ()), *record.get("guests_invited", ()))}
    for item in record["items"]:
        found |= {item["person"], item["reference"], item["late_agreed_by"]}
        found |= set(_names_of_decision(item))
        found |= {part for action in [*item["actions"], *item["looked_at"]] for part in (action["who"], action["case"])}
        found |= {action["person"] for action in item["looked_at"]}
        found |= {old["by"] for old in item["corrected"]}
        found |= {declared["name"] for declared in item.get("interests", ())}
    return {name for name in found if name} - {row["agency"] for row in record["attendance"]} - _agencies(record)


def stands_in(name: str, text: str) -> bool:
    """Whether a text holds a name, in whole or by any part of it that is long enough to tell; a reference as such."""
    if _REFERENCE.fullmatch(name):
        return name in _REFERENCE.findall(text)
    said = {word.casefold() for word in _WORD.findall(text)}
    return any(part in said for part in _parts(name))


# --- Parts ------------------------------------------------------------------


def _parts(name: str) -> set[str]:
    words = {word.casefold() for word in _WORD.findall(name)}
    return {word for word in words if len(word) >= SHORTEST_NAME} or words


def _from(record: Record) -> dict[str, Any]:
    return {"reference": record["reference"], "version": record["version"], "sha256": fingerprint(record)}


def _nobody(record: Record) -> dict[str, Any]:
    return {"title": record["agreement"]["title"], "signed": []}


def _reads(item: Record, agency: Reader) -> bool:
    case = (item["decision"] or {}).get("case", "")
    if {item["reference"], case} & agency.closed:
        return False
    if agency.only is None:
        return True
    return item["number"] in agency.only


def _open_actions(item: Record, closed: AbstractSet[str]) -> Record:
    return item | {
        "actions": [action for action in item["actions"] if action["case"] not in closed],
        "looked_at": [action for action in item["looked_at"] if action["case"] not in closed],
    }


def _marked(item: Record, agency: Reader) -> Record:
    """What stands under an item for this agency and not for all."""
    return {"marked": agency.marked[item["number"]]} if item["number"] in agency.marked else {}


def _pseudonyms(record: Record) -> dict[str, str]:
    """Each person to "Person 1", "Person 2" … in the order in which the minutes name them."""
    called: dict[str, str] = {}
    for item in record["items"]:
        for person in (item["person"], *(action["person"] for action in item["looked_at"])):
            if person and person not in called:
                called[person] = f"Person {len(called) + 1}"
    return called


def _agencies_there(record: Record) -> Iterator[dict[str, Any]]:
    """Each agency once, with whether it was here; nobody of it."""
    seen: dict[str, dict[str, Any]] = {}
    for row in record["attendance"]:
        if not row["agency"]:
            continue
        there = seen.get(row["agency"])
        if there is None or (row["here"] and not there["here"]):
            seen[row["agency"]] = {
                "agency": row["agency"],
                "name": "",
                "post": "",
                "standing": row["standing"],
                "how": row["how"] if not row["here"] else "Here",
                "here": row["here"],
                "counts": row["counts"],
                "substitute": "",
                "delegated_authority": False,
                "invitation_agreed_on": "",
            }
    yield from seen.values()


def _bare(item: Record, called: dict[str, str], kept: dict[str, str]) -> Record:
    """One item of the copy without names, from what may stand in it alone."""
    number = item["number"]

    def text(what: str) -> str:
        return kept.get(f"{number}:{what}", "")

    titled = item["title"] == item["section_title"]
    return {
        "number": number,
        "section": item["section"],
        "section_title": item["section_title"],
        "title": item["title"] if titled else text("title") or ("" if item["person"] else item["section_title"]),
        "person": called.get(item["person"], ""),
        "reference": "",
        "why": text("why"),
        "late": item["late"],
        "late_agreed_by": "",
        "state": item["state"],
        "decision": _bare_decision(item["decision"], text) if item["decision"] else None,
        "corrected": [],
        "looked_at": [
            _bare_action(action, text(f"looked_at:{place}"))
            | {
                "person": called.get(action["person"], ""),
                "outcome": action["outcome"],
                "note": text(f"looked_at_note:{place}"),
            }
            for place, action in enumerate(item["looked_at"])
        ],
        "actions": [_bare_action(action, text(f"action:{place}")) for place, action in enumerate(item["actions"])],
        "note": text("note"),
        "words": text("words"),
        "goes_to": item["goes_to"],
        "brought_by": item.get("brought_by", ""),
        "without_vote": item.get("without_vote", []),
        "ratifies": None,
    }


def _bare_decision(decision: Record, text: Any) -> Record:
    return {
        "outcome": decision["outcome"],
        "words": decision["words"],
        "colour": decision["colour"],
        "colour_before": decision["colour_before"],
        "case": "",
        "reason": text("reason"),
        "how": decision["how"],
        "dissent": text("dissent"),
        "score": "",
        "score_agreed": decision["score_agreed"],
        "leads": {
            role: {"name": "", "agency": held["agency"], "reason": ""}
            for role, held in decision["leads"].items()
            if held["agency"]
        },
        "review": decision["review"],
        "agencies_here": decision["agencies_here"],
        "agencies_needed": decision["agencies_needed"],
        "to_ratify": decision["to_ratify"],
        "decided_at": decision["decided_at"],
        "rules_version": decision["rules_version"],
        "harm": _bare_harm(decision, text),
        "votes": _bare_votes(decision, text),
        "taken_on_by": decision.get("taken_on_by", ""),
    } | _bare_plan(decision, text)


def _bare_plan(decision: Record, text: Any) -> Record:
    money = [
        {"amount": each["amount"], "text": text(f"funding:{place}") or LEFT_OUT, "payer": "", "agreed": each["agreed"]}
        for place, each in enumerate(decision.get("funding", ()))
    ]
    agreed = {"plan_agreed": True} if decision.get("plan_agreed") else {}
    return agreed | ({"funding": money} if money else {})


def _bare_harm(decision: Record, text: Any) -> Record | None:
    harm = decision.get("harm")
    if not harm:
        return None
    return {"state": harm["state"], "words": harm["words"], "said": text("harm"), "agency": harm["agency"]}


def _bare_votes(decision: Record, text: Any) -> Record | None:
    votes = decision.get("votes")
    if not votes:
        return None
    kept = {key: votes[key] for key in ("motion", "words", "cast", "casting")}
    return {**kept, "note": text("vote_note")}


def _bare_action(action: Record, text: str) -> Record:
    return {
        "text": text or LEFT_OUT,
        "agency": action["agency"],
        "who": "",
        "due_on": action["due_on"],
        "case": "",
    }


def _texts(item: Record) -> Iterator[tuple[str, str, str]]:
    """Key, what it is and the words, of each piece of free text of an item that the copy without names could hold."""
    number, decision = item["number"], item["decision"] or {}
    if item["title"] and item["title"] != item["section_title"]:
        yield f"{number}:title", "Title", item["title"]
    yield f"{number}:why", "Why it is on the agenda", item["why"]
    yield f"{number}:reason", "Reason", decision.get("reason", "")
    yield f"{number}:harm", "Risk of harm", (decision.get("harm") or {}).get("said", "")
    yield f"{number}:vote_note", "Note on the vote", (decision.get("votes") or {}).get("note", "")
    yield f"{number}:dissent", "Dissent", decision.get("dissent", "")
    for place, each in enumerate(decision.get("funding", ())):
        yield f"{number}:funding:{place}", "What money is for", each["text"]
    for place, action in enumerate(item["looked_at"]):
        yield f"{number}:looked_at:{place}", "Action looked at", action["text"]
        yield f"{number}:looked_at_note:{place}", "What was said of it", action["note"]
    for place, action in enumerate(item["actions"]):
        yield f"{number}:action:{place}", "Action", action["text"]
    yield f"{number}:note", "Note", item["note"]
    yield f"{number}:words", "Words added", item["words"]


def _names_of_decision(item: Record) -> Iterable[str]:
    decision = item["decision"]
    if decision:
        yield decision["case"]
        for held in decision["leads"].values():
            yield held["name"]
    if outside := item.get("outside"):
        yield outside["case"]
        yield outside["decided_by"]
        yield outside["recorded_by"]
        for held in outside["leads"].values():
            yield held["name"]
        for asked in outside["consulted"]:
            yield asked["name"]


def _agencies(record: Record) -> set[str]:
    """What agencies are called, wherever a record calls one: an action without a name of a person has its agency's."""
    return {action["agency"] for item in record["items"] for action in [*item["actions"], *item["looked_at"]]}
