"""Journey A of ux.md 6 on the real running panel: a referrer nominates, the coordinator triages; counted.

With a mouse and JavaScript every row is held to its target. Without JavaScript, and with the keyboard alone, the same
journey ends at the same place; its counts are printed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from iom.embedded.files import private_folder
from iom.embedded.postgres import Postgres
from panels.demonstration.people import PASSWORD
from scripts.stack import running
from tests import ready_made
from tests.journeys.counting import JOURNEY_A, Counted, Journey, Keyboard
from tests.journeys.people import ROOT, Person

pytestmark = [pytest.mark.stack, pytest.mark.browser]

SIGN_IN, SECTIONS, SEND, TRIAGE = JOURNEY_A
# Three people whom nobody could take for each other, nor for anybody of the demonstration.
NOBODY_KNOWN = (
    {"given_names": "Ray", "family_name": "Countwell", "date_of_birth": "7 7 1995"},
    {"given_names": "Ingram", "family_name": "Plainfolk", "date_of_birth": "12 3 1991"},
    {"given_names": "Osbert", "family_name": "Tabulous", "date_of_birth": "23 11 1988"},
)
EVIDENCE = (
    "Since October: three domestic burglaries charged, all within a mile of his mother's flat, and a fourth under "
    "investigation (forensic match on 3 November). Found with stolen bank cards on 14 November. Seen with two known "
    "burglars most evenings. My opinion: he steals to pay for heroin and will go on until that is treated."
)
BENEFIT = (
    "Probation, housing and the drugs service each see him and none knows what the others do. He keeps appointments "
    "when one person reminds him. Nobody can settle the tenancy and the treatment alone."
)
HARM = "No violence on record. Householders were at home at two of the burglaries, so a confrontation is possible."
SAFEGUARDING = "MARAC: not known, asked 12 November. MASH: no children at the address."
NEEDS = ("Tenancy at risk: arrears since August.", "Heroin daily, wants treatment.")


@dataclass
class Panel:
    """A running panel with the demonstration of one scheme, whose people have set up their apps."""

    browser: object
    address: str
    keys: dict[str, Person] = field(default_factory=dict)

    def person(self, kind: type[Counted], name: str, journey: Journey, *, script: bool = True) -> Counted:
        """Somebody of Merton at a browser that knows nothing yet; their app is on their phone."""
        email = f"{name}@merton.example"
        shots = Path(os.environ["JOURNEY_SHOTS"]) if "JOURNEY_SHOTS" in os.environ else None
        if email not in self.keys:
            first = Person(self.browser, self.address, script=True)
            first.go("/sign-in/").fill(email=email, password=PASSWORD).press("Sign in")
            first.set_up_app()
            self.keys[email] = first
        person = kind(self.browser, self.address, journey=journey, script=script, shots=shots)
        person.phone = self.keys[email]
        person.email = email
        return person


@pytest.fixture(scope="module")
def panel(chromium, tmp_path_factory) -> Iterator[Panel]:
    home = tmp_path_factory.mktemp("journey-a")
    ready_made.lay(Postgres(private_folder(home / "home")))
    with running(home / "home", demo=False, log=home / "log.txt") as address:
        subprocess.run(
            [sys.executable, "manage.py", "seed_demo", "--scheme", "merton"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "IOM_HOME": str(home / "home")},
            check=True,
            capture_output=True,
        )
        yield Panel(chromium, address)


def sign_in(person: Counted, bookmark: str) -> Counted:
    """From a bookmark, the password manager helping, to the page that was wanted."""
    person.go(bookmark).filled_in_by_browser(email=person.email, password=PASSWORD).press("Sign in")
    person.fill(code=person.phone.code()).press("Continue")
    assert person.page.url.endswith(bookmark)
    return person


def answer_seven_sections(officer: Counted, who: dict[str, str]) -> str:
    """As somebody does who nominates for the first time and goes where the page leads. Gives the reference."""
    officer.choose("mappa", "0")
    officer.fill(**who).enter()
    reference = re.search(r"IOM-R-\d+", officer.page.url)[0]
    officer.sees("section 1 of 7")
    officer.choose("gender", "MALE").fill(aliases="Razor").press("Save and continue")
    officer.fill(address="3 Sample Street").choose("in_custody", "no").choose("supervision", "yes")
    officer.press("Save and continue").sees("section 3 of 7")
    officer.fill(evidence=EVIDENCE, benefit=BENEFIT).choose("main_driver", "addiction").press("Save and continue")
    officer.choose("high_risk_of_harm", "no").fill(harm=HARM, safeguarding=SAFEGUARDING).press("Save and continue")
    officer.fill(need_accommodation=NEEDS[0], need_drugs_alcohol=NEEDS[1]).press("Save and continue")
    pick_the_offence(officer)
    officer.fill(convicted_on="1 10 2026", follow_up_from="2 10 2026", sanctions="40", first_sanction_age="12").enter()
    officer.sees("section 7 of 7").press("Save and continue").sees("Check and send")
    return reference


def pick_the_offence(officer: Counted) -> None:
    """Words, then a choice: shown while typing where there is a script, else by the page that comes back."""
    officer.fill(offence="burglary dwelling")
    if officer.script:
        officer.page.get_by_role("radio", name="028/03 Other burglary in a dwelling").wait_for()
    else:
        officer.press("Save and continue").sees("Which offence is it?")
    officer.choose("picked", "02803")


def triage(coordinator: Counted, reference: str) -> None:
    """One page: what the rules say and the score are there; one press puts it to the panel and asks the agencies."""
    coordinator.go(f"/referrals/{reference}/triage/").sees("Meets the 75% rule")
    coordinator.choose("recommendation", "accept").press("Put to panel and ask for checks")
    asked = int(re.search(r"(\d+) agencies asked for checks", coordinator.page.inner_text("body"))[1])
    assert asked >= 12, asked


def walk(panel: Panel, journey: Journey, kind: type[Counted], who: dict[str, str], *, script: bool = True) -> None:
    officer = panel.person(kind, "police", journey, script=script)
    coordinator = sign_in(panel.person(kind, "coordinator", journey, script=script), "/")
    with journey.step(SIGN_IN):
        sign_in(officer, "/referrals/new/")
    with journey.step(SECTIONS):
        reference = answer_seven_sections(officer, who)
    with journey.step(SEND):
        officer.tick("declaration").press("Send referral").sees(f"Referral {reference} sent")
    with journey.step(TRIAGE):
        triage(coordinator, reference)
    coordinator.go(f"/referrals/{reference}/").sees("On agenda")
    assert officer.complaints + coordinator.complaints == []


@pytest.mark.feature(93)
@pytest.mark.feature(95)
@pytest.mark.feature(98)
@pytest.mark.feature(112)
def test_journey_a_costs_no_more_than_its_targets(panel, capsys):
    journey = Journey("A", JOURNEY_A, how="mouse and keyboard, JavaScript on")

    walk(panel, journey, Counted, NOBODY_KNOWN[0])

    with capsys.disabled():
        print(journey.table())
    journey.hold()
    # A first-time referrer meets the list of sections at most once for each of them: here never.
    visited = [address for step in journey.steps.values() for address in step.addresses]
    assert [address for address in visited if re.fullmatch(r"referrals/IOM-R-\d+/", address)] == []


@pytest.mark.feature(93)
def test_journey_a_without_javascript(panel, capsys):
    journey = Journey("A", JOURNEY_A, how="JavaScript off (targets for comparison)")

    walk(panel, journey, Counted, NOBODY_KNOWN[1], script=False)

    with capsys.disabled():
        print(journey.table())


@pytest.mark.feature(93)
def test_journey_a_with_the_keyboard_alone(panel, capsys):
    journey = Journey("A", JOURNEY_A, how="keyboard alone (targets for comparison)")

    walk(panel, journey, Keyboard, NOBODY_KNOWN[2])

    with capsys.disabled():
        print(journey.table())
