"""docs/architecture.md says of the pure rules and the registries what the code and the linters say."""

from __future__ import annotations

import re
import tomllib
from pkgutil import resolve_name

import pytest

from iom.embedded.paths import CHECKOUT
from scripts.lint import TYPED

PAGE = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
LINTER = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]
PURE = {
    module.replace(".", "/")
    for contract in LINTER["contracts"]
    if contract["type"] == "forbidden"
    for module in contract["source_modules"]
}


def test_pure_modules_are_those_that_the_linter_holds():
    [sentence] = re.findall(r"Rules of the domain are pure: (.*?) import no Django", PAGE, re.DOTALL)

    assert {name.removesuffix(".py") for name in re.findall(r"`([^`]+)`", sentence)} == PURE


def test_pure_modules_are_fully_typed():
    assert PURE - {name.removesuffix(".py") for name in TYPED} == set()


def test_imports_run_the_way_that_the_page_says():
    [layers] = [contract["layers"] for contract in LINTER["contracts"] if contract["type"] == "layers"]

    assert f"`{' → '.join(reversed(layers))}`" in PAGE


@pytest.mark.parametrize("name", re.findall(r"^\| `((?:iom|offenders|referrals)\.[\w.]+)` \|", PAGE, re.MULTILINE))
def test_registry_is_there(name):
    assert resolve_name(name)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:iom|tests|panels|docs)/[\w/]+\.\w+)`", PAGE))))
def test_file_that_the_page_names_is_there(path):
    assert (CHECKOUT / path).exists()
