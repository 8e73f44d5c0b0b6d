"""The one spelling of a record, and its fingerprint. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

Record = dict[str, Any]


def canonical(record: Record) -> bytes:
    """The one spelling of a record: sorted keys, no blanks, UTF-8. Raises TypeError for a float or a date."""
    _refuse_floats(record)
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint(record: Record) -> str:
    """SHA-256 of the canonical record, in hexadecimal."""
    return hashlib.sha256(canonical(record)).hexdigest()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("A float has no one spelling: use a whole number or text")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError("The keys of a record are text")
            _refuse_floats(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_floats(inner)
