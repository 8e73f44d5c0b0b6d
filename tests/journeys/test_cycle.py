"""The whole cycle on the real running panel, from an empty installation to a case on the board (issue 2, points 6 and 8)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from scripts.stack import running
from tests.journeys.people import PASSWORD, ROOT, Person

pytestmark = [pytest.mark.stack, pytest.mark.browser]


class Cycle:
    """One scheme at work. Each method is a stretch of the journey; each person keeps their own browser."""

    def __init__(self, browser, address: str, home: Path, *, script: bool, shots: Path | None) -> None:
        self.browser, self.address, self.home, self.script, self.shots = browser, address, home, script, shots
        self.people: dict[str, Person] = {}
        self.today = date.today()
        self.panel = self.today + timedelta(days=21)
        while self.panel.weekday() > 3:
            self.panel += timedelta(days=1)

    def person(self, name: str) -> Person:
        if name not in self.people:
            self.people[name] = Person(self.browser, self.address, script=self.script, shots=self.shots)
        return self.people[name]

    def command(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home.parent), "IOM_HOME": str(self.home)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    # --- An empty installation becomes a scheme with people ------------------------

    def start_the_scheme(self) -> None:
        said = self.command("create_scheme", "merton", "--preset", "merton", "--admin", "ada@council.example")
        link = re.search(r"/sign-in/invited/\S+", said)[0]
        admin = self.person("admin").go(link)
        admin.fill(name="Ada Obi", password=PASSWORD).press("Save and sign in")
        self.invite("Helen Mirza", "helen@council.example", "Community Safety Unit", ["coordinator", "referrer"], "coordinator")
        self.invite("Grace Adeyemi", "grace@probation.example", "Probation", ["chair", "member"], "chair")
        self.invite("Tom Dunn", "tom@police.example", "Police", ["member", "referrer"], "police")
        self.invite("Jo Reid", "jo@housing.example", "Housing", ["member", "referrer"], "housing")

    def invite(self, name: str, email: str, agency: str, roles: list[str], who: str) -> None:
        admin = self.person("admin").go("/settings/users/")
        admin.fill(name=name, email=email).pick("agency", agency)
        for role in roles:
            admin.choose("roles", role)
        seat = admin.page.locator("main label", has_text=re.compile(f"IOM Case Panel: .*, {agency}$"))
        if "member" in roles:
            seat.first.click()
        admin.press("Make the invitation").sees("good for 72 hours")
        link = re.search(r"/sign-in/invited/\S+", admin.page.inner_text("code"))[0]
        self.person(who).go(link).fill(name=name, password=PASSWORD).press("Save and sign in").sees("What needs you")

    def import_the_cohort(self) -> None:
        sheet = str(ROOT / "docs" / "examples" / "cohort.csv")
        self.command("import_cohort", sheet, "--scheme", "merton", "--dry-run")
        self.command("import_cohort", sheet, "--scheme", "merton")
        self.person("coordinator").go("/cases/").sees("EXAMPLE Sam")

    def plan_the_panel(self) -> None:
        coordinator = self.person("coordinator").go("/meetings/")
        coordinator.press("Plan a meeting")
        coordinator.fill(date=f"{self.panel:%-d %-m %Y}")
        coordinator.press("Plan meeting")

    # --- Nominate -> triage -> return -> agenda -------------------------------------

    def nominate(self) -> None:
        police = self.person("police").go("/referrals/").press("Nominate someone")
        police.choose("mappa", "2").fill(given_names="Ray", family_name="Testcase", date_of_birth="7 7 1995")
        police.press("Continue").sees("IOM cannot take people managed at MAPPA Level 2 or 3")
        police.go("/referrals/new/").choose("mappa", "0")
        police.fill(given_names="Ray", family_name="Testcase", date_of_birth="7 7 1995")
        # The imported sheet holds a Ray of that birthday.
        police.press("Continue").sees("We may already know this person").press("Continue anyway")
        self.referral = re.search(r"IOM-R-\d+", police.page.url)[0]
        police.sees("0 of 7 sections done")
        police.press("Identity and aliases")
        police.choose("gender", "MALE").fill(aliases="Razor Test").press("Save and continue")
        police.choose("in_custody", "no").choose("supervision", "yes").fill(address="3 Sample Street")
        police.press("Save and continue")
        police.fill(evidence="Three burglaries since October, charged with two.", benefit="Three agencies work alone.")
        police.choose("main_driver", "addiction").press("Save and continue")
        police.choose("high_risk_of_harm", "no").fill(harm="None recorded.", safeguarding="MARAC not known.")
        police.press("Save and come back later").sees("3 of 7 sections done")
        # Whoever comes back finds what they typed.
        police.press("Risk of harm and safeguarding checks").sees("None recorded.").press("Save and continue")
        police.page.locator("main textarea").first.fill("Sofa surfing since August.")
        police.press("Save and continue")
        police.fill(offence="burglary dwelling", convicted_on="1 10 2026", follow_up_from="2 10 2026")
        police.fill(sanctions="40", first_sanction_age="12").press("Save and continue").sees("Which offence is it?")
        police.page.locator("main [name=picked]").first.check(force=True)
        police.press("Save and continue").fill(presenter="PC Tom Dunn").press("Save and continue")
        police.press("Send referral").sees("There is a problem")
        police.page.locator("main [name=declaration]").check(force=True)
        police.press("Send referral").sees(self.referral)

    def triage(self) -> None:
        coordinator = self.person("coordinator").go("/").sees("Triage 1 referral").press(f"Triage first: {self.referral}")
        coordinator.press("Work out the score").sees("Meets the")
        coordinator.choose("recommendation", "accept").press("Put to panel and ask for checks")
        self.person("coordinator").go("/referrals/").sees("On agenda")

    def answer_checks(self) -> None:
        key = self.panel.isoformat()
        housing = self.person("housing").go(f"/research/{key}/").sees("TESTCASE Ray")
        housing.press("Send return").sees("There is a problem")
        housing.page.locator("main [type=radio][value=now]").first.check(force=True)
        housing.page.locator("main [name$=summary]").first.fill("Tenancy at risk: arrears since November.")
        housing.page.locator("main [name$=handling][value=panel]").first.check(force=True)
        housing.press("Save").press("Send return").sees("Return sent")
        police = self.person("police").go(f"/research/{key}/")
        police.press("Mark the rest as not known").press("Send return").sees("Return sent")
        self.person("coordinator").go(f"/research/{key}/progress/").sees("Waiting")

    def build_agenda(self) -> None:
        key = self.panel.isoformat()
        coordinator = self.person("coordinator").go(f"/meetings/{key}/agenda/").sees("TESTCASE Ray")
        coordinator.sees("nobody has been emailed")
        coordinator.press_like("^Add all suggested").press("Preview and send agenda")
        coordinator.press_like("^Send agenda to").sees("Agenda sent")
        chair = self.person("chair").go(f"/meetings/{key}/")
        chair.press("I have read this agenda").choose("answer", "yes").press("Save answer")
        chair.sees("TESTCASE Ray")


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_nomination_becomes_signed_minutes_and_a_case(script, chromium, tmp_path):
    shots = Path(os.environ["JOURNEY_SHOTS"]) if "JOURNEY_SHOTS" in os.environ else None
    with running(tmp_path / "home", demo=False, log=tmp_path / "log.txt") as address:
        cycle = Cycle(chromium, address, tmp_path / "home", script=script, shots=shots)
        cycle.start_the_scheme()
        cycle.import_the_cohort()
        cycle.plan_the_panel()
        cycle.nominate()
        cycle.triage()
        cycle.answer_checks()
        cycle.build_agenda()
