"""A nomination from the first question to the panel in each of the five schemes, on the form that each has."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser

import pytest
import time_machine

from iom.models import Agency, Body
from referrals.models import CheckRequest, Finding, Referral, Score
from tests import factories

pytestmark = pytest.mark.django_db

PRESETS = ("merton", "london", "richmond", "waltham_forest", "hampshire")
# What a person types; everything else is chosen from what the page offers.
TYPED = {
    "given_names": "Ray",
    "family_name": "Specimen",
    "date_of_birth": "7 7 1995",
    "evidence": "Four burglaries since October, two of them charged.",
    "benefit": "Housing and the drugs service both know him.",
    "offence": "028/03",
    "convicted_on": "12 1 2026",
    "follow_up_from": "12 1 2026",
    "sanctions": "40",
    "first_sanction_age": "12",
}
# What a person chooses where the page offers it; of anything else that must be answered, the last choice.
CHOSEN = {"mappa": "0", "gender": "MALE", "in_custody": "no", "supervision": "yes", "declaration": "on"}


class Form(HTMLParser):
    """The fields of the page's own forms: what stands in them, and what can be chosen."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.held: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.area = ""
        self.feed(re.search(r"<main.*</main>", html, re.S)[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "textarea":
            self.area = name
            self.held[name] = ""
        elif tag == "input" and given.get("type") in ("radio", "checkbox"):
            self.choices.setdefault(name, []).append(given.get("value") or "")
            if "checked" in given:
                self.held[name] = given.get("value") or ""
        elif tag == "input" and name:
            self.held[name] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.held[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.area = ""

    def filled(self) -> dict[str, str]:
        """As a person sends it: what stands there, what they type, and one choice of each question."""
        sent = {name: value.strip() for name, value in self.held.items()}
        sent |= {name: words for name, words in TYPED.items() if name in self.held}
        for name, values in self.choices.items():
            if name in CHOSEN:
                sent[name] = CHOSEN[name]
            elif name == "criteria":
                sent[name] = values[0]
            elif name.startswith("fact_"):
                sent[name] = "no" if "no" in values else values[-1]
            else:
                sent.setdefault(name, values[-1])
        return sent


@pytest.fixture(autouse=True)
def february():
    with time_machine.travel("2026-02-20 10:00+00:00", tick=False):
        yield


def nominate(client) -> list[str]:
    """Go wherever the pages lead; gives the addresses, the last of them where the nomination is sent."""
    addresses = ["/referrals/new/"]
    while not addresses[-1].endswith("/sent/"):
        page = client.get(addresses[-1])
        answer = client.post(addresses[-1], Form(page.content.decode()).filled())
        assert answer.status_code == 302, re.sub(r"<[^>]+>", " ", answer.content.decode())
        addresses.append(answer.url)
        assert len(addresses) < 15, addresses
    return addresses


@pytest.mark.feature(93)
@pytest.mark.feature(95)
@pytest.mark.feature(112)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_nomination_reaches_the_panel(preset, sign_in):
    scheme = factories.scheme(preset)
    officer = factories.member(scheme, "member", "referrer", agency_kind="probation", name="Tom Dunn")
    office = factories.member(scheme, "coordinator", name="Priya Shah")
    body = Body.objects.get(scheme=scheme, slug=scheme.policy.criteria_in_force[0].body)
    panel = factories.meeting(scheme, date(2026, 4, 16), body=body)

    addresses = nominate(sign_in(officer))

    # The first question, seven sections, the check, and that it was sent: the list of sections is never needed.
    assert [each.split("/")[-2] for each in addresses] == [
        "new", "identity", "address", "offending", "harm", "needs", "score-facts", "presenter", "check", "sent"
    ]  # fmt: skip
    referral = Referral.objects.get()
    assert (referral.status, referral.meeting, referral.late) == ("sent", panel, False)

    client = sign_in(office)
    triage = f"/referrals/{referral.reference}/triage/"
    page = client.get(triage).content.decode()
    assert "within 2 years" in page
    core = list(Agency.objects.filter(scheme=scheme, core=True))
    sent = Form(page).filled() | {
        "recommendation": "accept",
        "meeting": str(panel.pk),
        "agencies": [str(agency.pk) for agency in core],
    }
    sent.pop("do", None)
    answer = client.post(triage, sent)

    assert answer.status_code == 302, re.sub(r"<[^>]+>", " ", answer.content.decode())
    referral.refresh_from_db()
    assert referral.status == "on_agenda"
    assert CheckRequest.objects.filter(referral=referral).count() == len(core)
    assert Score.objects.get().pct_2yr == 83
    assert Finding.objects.exists()


@pytest.mark.parametrize("preset", PRESETS)
def test_the_form_carries_the_schemes_own_name_and_words(preset, sign_in):
    scheme = factories.scheme(preset)
    officer = factories.member(scheme, "member", "referrer", agency_kind="housing")
    nomination = scheme.policy.nomination

    page = sign_in(officer).get("/referrals/new/").content.decode()

    assert nomination.form in page
    for words in nomination.must_show:
        assert words.replace("'", "&#39;") in page
