"""JSON Lines in and out: one person's facts a line, one finding a line; a bad line never stops the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from iom.policy.schema import Policy
from referrals.eligibility import Finding, Unreadable, assess, day_from, facts_from

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def assess_lines(content: bytes, policy: Policy, criteria: str | None) -> Iterator[str]:
    """One line of JSON for each line of `content` that is not blank, in the same order."""
    for number, line in enumerate(content.removeprefix(BYTE_ORDER_MARK).split(b"\n"), start=1):
        if line.strip():
            yield json.dumps(_assess_line(line, number, policy, criteria))


def _assess_line(line: bytes, number: int, policy: Policy, criteria: str | None) -> dict[str, Any]:
    try:
        row = _object(line)
    except ValueError as error:
        return {"id": None, "outcome": "error", "errors": [f"line {number}: {error}"]}
    errors: list[str] = []
    identity = row.get("id")
    if isinstance(identity, bool) or not isinstance(identity, str | int):
        identity = None
        errors.append("id is missing; give the line a text or a whole number to know it by")
    as_of: date | None = None
    if row.get("as_of") is None:
        errors.append("as_of is missing; give the day on which the facts are judged, such as 2026-12-15")
    else:
        try:
            as_of = day_from(row["as_of"], "as_of")
        except ValueError as error:
            errors.append(str(error))
    facts = facts_from(row)
    if isinstance(facts, Unreadable):
        errors += facts.errors
    if errors or as_of is None or isinstance(facts, Unreadable):
        return {"id": identity, "outcome": "error", "errors": errors}
    return {"id": identity, **_plain(assess(policy, criteria, facts, as_of))}


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "outcome": finding.outcome,
        "route": finding.route,
        "clauses": [
            {"clause": result.clause, "kind": result.kind, "met": result.met, "source": result.source}
            for result in finding.clauses
        ],
    }


def _object(line: bytes) -> Mapping[str, object]:
    """The JSON object on a line. ValueError says in words why there is none."""
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("not usable: lists or objects are nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object; put the facts of one person between { and }")  # noqa: TRY004 -- callers catch one kind
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys stand once each: of two values nobody could say which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice; keep one")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON value")
