"""Nominating someone, page by page, as the referrer meets it (journey A, first half)."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine

from offenders.models import Offender
from referrals.models import Referral
from tests import factories

pytestmark = pytest.mark.django_db

WHO = {"mappa": "0", "given_names": "Ray", "family_name": "Specimen", "date_of_birth": "7 7 1995"}
SECTIONS = {
    "identity": {
        "given_names": "Ray",
        "family_name": "Specimen",
        "date_of_birth": "7 7 1995",
        "gender": "MALE",
        "aliases": "Razor\nRay Speck",
        "pnc_number": "95/1234A",
    },
    "address": {"address": "Flat 2, 1 Invented Road", "area": "Ravensbury", "in_custody": "no", "supervision": "no"},
    "offending": {
        "evidence": "Four burglaries since October, two of them charged.",
        "benefit": "Housing and the drugs service both know him.",
        "main_driver": "addiction",
    },
    "harm": {"high_risk_of_harm": "not_known", "harm": "", "safeguarding": "MARAC asked on 2 February by DC Hall."},
    "needs": {"need_accommodation": "At risk of losing the tenancy.", "need_drugs_alcohol": "Heroin, wants treatment."},
    "score-facts": {
        "offence": "028/03",
        "convicted_on": "12 1 2026",
        "follow_up_from": "12 1 2026",
        "sanctions": "14",
        "first_sanction_age": "13",
    },
    "presenter": {"presenter": "PC Dunn"},
}


def text_of(response) -> str:
    """What the page says, without its tags."""
    html = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.S)
    main = re.search(r"<main.*</main>", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", main[0] if main else html).split())


@pytest.fixture
def february():
    with time_machine.travel("2026-02-20 10:00+00:00", tick=False):
        yield


@pytest.fixture
def panel(merton, february):
    return factories.meeting(merton, date(2026, 3, 12))


@pytest.fixture
def officer(sign_in, police, panel):
    return sign_in(police)


@pytest.fixture
def draft(merton, police, panel):
    return factories.referral(merton, police, meeting=panel, sections_done=[])


def post_section(client, referral, task, data, **extra):
    referral.refresh_from_db()
    return client.post(f"/referrals/{referral.reference}/{task}/", {"version": referral.version, **data}, **extra)


# --- The journey ------------------------------------------------------------


@pytest.mark.feature(96)
def test_nomination_from_first_question_to_sent(officer, coordinator, as_police):
    started = officer.post("/referrals/new/", WHO)
    address = "/referrals/IOM-R-0001/"
    assert (started.status_code, started.url) == (302, address)
    followed = [f"{address}identity/"]
    assert "Not sent yet: 0 of 7 sections done. Closes at the end of Mon 2 March, for the 12 March panel." in text_of(
        officer.get(address)
    )

    while not followed[-1].endswith("/check/"):
        task = followed[-1].split("/")[-2]
        page = officer.get(followed[-1])
        version = re.search(r'name="version" value="(\d+)"', page.content.decode())[1]
        followed.append(officer.post(followed[-1], {"version": version, **SECTIONS[task]}).url)

    assert [step.split("/")[-2] for step in followed[:-1]] == list(SECTIONS)
    check = officer.get(followed[-1])
    for words in (
        "SPECIMEN Ray",
        "Razor",
        "028/03 Other burglary in a dwelling",
        "Heroin, wants treatment.",
        "PC Dunn",
    ):
        assert words in text_of(check)
    version = re.search(r'name="version" value="(\d+)"', check.content.decode())[1]
    sent = officer.post(followed[-1], {"version": version, "declaration": "on"}, follow=True)

    assert sent.redirect_chain[-1][0] == f"{address}sent/"
    assert "Referral IOM-R-0001 sent. The panel will consider it on 12 March." in text_of(sent)
    referral = Referral.objects.get()
    assert (referral.status, referral.late, referral.meeting.date) == ("sent", False, date(2026, 3, 12))
    assert [alias.name for alias in referral.offender.aliases.order_by("pk")] == ["Ray Speck", "Razor"]
