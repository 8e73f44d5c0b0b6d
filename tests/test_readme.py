"""README.md: the two commands first; what it names is there, and what is there it names."""

from __future__ import annotations

import re

import pytest
import yaml
from django.core.management import get_commands

from iom.embedded.paths import CHECKOUT

PAGE = (CHECKOUT / "README.md").read_text(encoding="utf-8")
OURS = ("iom", "offenders", "referrals", "actionplans", "panels")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> set[str]:
    """What stands as code in the first column of a table, without its arguments."""
    cells = re.findall(r"^\| ([^|]*`[^|]*) \|", text.replace("\\|", "/"), re.MULTILINE)
    return {code.split()[0] for cell in cells for code in re.findall(r"`([^`]+)`", cell)}


def test_two_commands_come_first():
    assert PAGE.startswith("# IOM Panel\n\n    make run\n    make test\n")


def test_every_command_of_ours_is_listed_and_no_other():
    assert first_cells(section("Commands")) == {name for name, app in get_commands().items() if app in OURS}


def test_every_container_is_explained():
    services = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]

    assert first_cells(section("Servers of your own")) == set(services)


def test_every_make_target_is_listed():
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", PAGE)) | set(re.findall(r"^    make ([a-z]+)", PAGE, re.MULTILINE))

    assert named == targets


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", PAGE))
def test_link_leads_somewhere(target):
    assert (CHECKOUT / target).exists()
