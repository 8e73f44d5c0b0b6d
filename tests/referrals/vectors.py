"""The vector files of the two models, read as text."""

import csv
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "data" / "ogrs"


def vectors(name: str, **wanted: str) -> list[dict[str, str]]:
    """The rows of `vectors-<name>.csv` whose columns have the values asked for."""
    with (FOLDER / f"vectors-{name}.csv").open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if wanted.items() <= row.items()]


def by_id(row: dict[str, str]) -> str:
    return row["id"]


def inputs(row: dict[str, str]) -> dict[str, str]:
    """The `name=value;name=value` of a unit vector."""
    return dict(pair.split("=", 1) for pair in row["inputs"].split(";"))
