"""What a nomination fills in for its writer: from where, and never from what they may not open."""

from __future__ import annotations

from datetime import date

import pytest

from offenders.models import CustodyPeriod
from referrals import prefill
from referrals.models import Handling
from referrals.sections import BY_SLUG
from tests import factories

pytestmark = pytest.mark.django_db


def values(section: str, referral, actor) -> dict[str, tuple]:
    known = prefill.known(BY_SLUG[section], prefill.before(referral, actor))
    return {name: (each.value, each.source) for name, each in known.items()}


@pytest.fixture
def someone(merton):
    return factories.offender(merton)


@pytest.fixture
def earlier(merton, police, someone):
    return factories.referral(
        merton,
        police,
        who=someone,
        status="not_accepted",
        sanctions=14,
        offence_code="02803",
        needs={"accommodation": "No fixed address."},
        evidence="Four burglaries.",
        supervision="yes",
        facts={"prolific": True},
    )


def draft(merton, who, by):
    return factories.referral(merton, by, who=who, sections_done=[], needs={}, supervision="")


def test_an_earlier_nomination_answers_what_stays_true(merton, someone, earlier, police, as_police):
    new = draft(merton, someone, police)
    source = prefill.nominated(earlier)

    assert values("score-facts", new, as_police)["sanctions"] == (14, source)
    assert values("needs", new, as_police) == {"need_accommodation": ("No fixed address.", source)}
    assert values("address", new, as_police) == {"supervision": ("yes", source)}
    assert values("offending", new, as_police)["fact_prolific"] == (True, source)
    # What has happened is said anew; what was said before stands beside the question.
    assert "evidence" not in values("offending", new, as_police)
    assert "Four burglaries." in [
        row.words for row in prefill.held(BY_SLUG["offending"], prefill.before(new, as_police))
    ]


def test_somebody_elses_nomination_is_not_told(merton, someone, earlier, housing, as_housing):
    new = draft(merton, someone, housing)

    assert not prefill.before(new, as_housing).anything
    assert values("score-facts", new, as_housing) == {}


def test_a_case_says_in_which_prison_the_person_is(merton, coordinator, as_coordinator):
    case = factories.case(merton, statutory=True)
    CustodyPeriod.objects.create(
        scheme=merton, case=case, kind="sentence", prison="HMP Invented", starts_on=date(2026, 1, 5)
    )
    new = draft(merton, case.offender, coordinator)

    found = values("address", new, as_coordinator)

    assert found == {
        "supervision": ("yes", f"case {case.reference}"),
        "in_custody": (True, f"case {case.reference}"),
        "prison": ("HMP Invented", f"case {case.reference}"),
    }


def test_a_restricted_case_is_not_told(merton, police, as_police):
    case = factories.case(merton, restricted=True, statutory=True)
    new = draft(merton, case.offender, police)

    assert not prefill.before(new, as_police).anything


@pytest.mark.parametrize(("handling", "told"), [(Handling.PANEL, True), (Handling.POLICE_PROBATION, False)])
def test_what_an_agency_told_the_whole_panel_is_filled_in(merton, someone, housing, police, as_police, handling, told):
    meeting = factories.meeting(merton, date(2026, 1, 8))
    asked = factories.check_request(meeting, housing.agency, someone)
    factories.agency_return(
        asked,
        housing,
        summary="Arrears since November.",
        pathways=["accommodation"],
        handling=handling,
    )
    new = draft(merton, someone, police)

    found = values("needs", new, as_police)

    assert ("need_accommodation" in found) == told
    if told:
        assert found["need_accommodation"][0] == "Arrears since November."
        assert found["need_accommodation"][1].startswith("checks by Housing, ")


@pytest.mark.feature(93)
def test_the_page_fills_in_what_is_known_and_says_from_where(merton, someone, earlier, police, sign_in):
    new = draft(merton, someone, police)
    officer = sign_in(police)

    page = officer.get(f"/referrals/{new.reference}/score-facts/").content.decode()

    assert 'value="028/03"' in page
    assert f"Filled in from {prefill.nominated(earlier)}." in page
    new.refresh_from_db()
    assert new.offence_code == ""  # looking changes nothing
    assert "Four burglaries." in officer.get(f"/referrals/{new.reference}/offending/").content.decode()


def test_what_was_answered_is_not_filled_in_over(merton, someone, earlier, police, sign_in):
    new = draft(merton, someone, police)
    new.sanctions, new.sections_done = 21, ["score-facts"]
    new.save()

    page = sign_in(police).get(f"/referrals/{new.reference}/score-facts/").content.decode()

    assert 'value="21"' in page
    assert 'value="028/03"' not in page
