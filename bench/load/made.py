"""What a load holds, as it stands beside it in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "bench-load.json"


@dataclass(frozen=True, slots=True)
class Made:
    """What a bench asks for by name. Addresses are of the measured scheme unless they say otherwise.

    `case` is an ordinary open case and `case_long` one whose timeline has more than fifty pages; `live_item` the number
    of the item at which the recorder is; `returns_user` the sign-in of an agency that has answered nothing yet.
    """

    size: str
    schemes: tuple[str, ...]
    measured: str
    biggest: str
    domain: str
    biggest_domain: str
    case: str
    case_long: str
    agenda: str
    live: str
    live_item: str
    returns: str
    returns_user: str
    triage: str
    pdf_meeting: str
    name: str
    biggest_name: str
    counts: dict[str, int]
    seconds: dict[str, float]
    made_on: str


def read(home: Path) -> Made:
    """What stands in the folder of a load that was made before. Raises OSError where none was."""
    said = json.loads((home / FILE).read_text())
    return Made(**said | {"schemes": tuple(said["schemes"])})


def write(home: Path, made: Made) -> None:
    """Leave word of a load beside it."""
    (home / FILE).write_text(json.dumps(asdict(made), indent=1) + "\n")
