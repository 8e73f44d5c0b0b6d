"""What is pinned: completely, by hash, without addresses, and the same in both lock files."""

import re
import tomllib

import pytest

from iom.embedded.paths import CHECKOUT

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
LOCKS = ["requirements.lock", "requirements-run.lock", "scripts/locks/uv.txt", "scripts/locks/node.txt"]


def pins(name):
    return {pin["name"].lower(): pin["version"] for pin in PIN.finditer((CHECKOUT / name).read_text())}


def named(requirements):
    return {re.split(r"[\[=]", word)[0].lower(): word.split("==")[1] for word in requirements}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_by_hash_and_names_no_address(name):
    text = (CHECKOUT / name).read_text()
    blocks = re.split(r"\n(?=\S)", text.strip())

    assert "://" not in text
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_everything_asked_for_is_pinned_at_that_version():
    asked = named(PROJECT["project"]["dependencies"])
    asked_for_work = named(PROJECT["dependency-groups"]["dev"])

    assert asked.items() - pins("requirements-run.lock").items() == set()
    assert (asked | asked_for_work).items() - pins("requirements.lock").items() == set()


def test_serving_installs_the_versions_that_were_tested_and_no_tools():
    run, everything = pins("requirements-run.lock"), pins("requirements.lock")

    assert run.items() - everything.items() == set()
    assert set(run) & {"pytest", "ruff", "mypy", "playwright"} == set()


def test_every_dependency_has_its_reason():
    page = (CHECKOUT / "docs" / "dependencies.md").read_text().lower()
    asked = {**named(PROJECT["project"]["dependencies"]), **named(PROJECT["dependency-groups"]["dev"])}
    explained = {name for name in asked if name in page or name.removeprefix("pytest") in page}

    assert set(asked) - explained == set()
