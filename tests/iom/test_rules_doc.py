"""docs/rules.md names only keys, files and tests that exist, and leaves no rule without a test or a gap."""

import re
from pathlib import Path

import pytest

import iom
from iom.policy import load_preset
from tests.iom.test_policy import PLACES

ROOT = Path(iom.__file__).parents[1]
ROW = re.compile(r"^\| (?P<paragraph>[A-Z][^|]+, [^|]+) \| (?P<rule>[^|]+) \| (?P<lives>[^|]+) \| (?P<shown>[^|]+) \|$")
ROWS = [
    match.groupdict()
    for line in (ROOT / "docs" / "rules.md").read_text(encoding="utf-8").splitlines()
    if (match := ROW.match(line))
]


def follow(policy, path):
    """The value at a key such as `bodies[panel].chair.post`; KeyError if it leads nowhere."""
    here = policy.model_dump(mode="json")
    for part in path.split("."):
        key, _, name = part.rstrip("]").partition("[")
        here = here[key]
        if name:
            named = [entry for entry in here if name in (entry.get(k) for k in ("slug", "name", "kind", "role"))]
            here = named[0] if named else pytest.fail(f"{path}: nothing is called {name}")
    return here


@pytest.mark.parametrize("scheme", PLACES)
def test_every_scheme_has_its_rules_listed(scheme):
    assert sum(bool(re.fullmatch(PLACES[scheme], row["paragraph"])) for row in ROWS) >= 25


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['paragraph']}: {row['rule'][:40]}" for row in ROWS])
def test_rule_stands_where_it_says_and_is_shown_or_a_gap(row):
    assert any(re.fullmatch(places, row["paragraph"]) for places in PLACES.values())

    for named in re.findall(r"`([^`]+)`", row["lives"]):
        preset = re.fullmatch(r"(\w+)\.toml (.+)", named)
        if preset:
            assert follow(load_preset(preset[1]), preset[2]) is not None
        else:
            assert (ROOT / named).exists(), named

    for shown in row["shown"].split("; "):
        test = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown)
        if test:
            assert f"def {test[2]}(" in (ROOT / test[1]).read_text(encoding="utf-8"), shown
        else:
            assert re.fullmatch(r"gap: (issue [4-7]|settings and manual|board figures|rights and keeping)", shown), (
                shown
            )
