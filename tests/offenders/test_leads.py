"""Which agency the scheme's rule proposes to lead."""

import pytest

from iom.policy import load_preset
from offenders.leads import propose_lead_agency

MERTON = load_preset("merton")
LONDON = load_preset("london")


@pytest.mark.parametrize(
    ("statutory", "driver", "kind"),
    [
        pytest.param(True, "addiction", "probation", id="statutory and addicted: supervision comes first"),
        pytest.param(True, "", "probation", id="statutory, driver not known"),
        pytest.param(False, "addiction", "substance_misuse", id="not statutory, addiction"),
        pytest.param(False, "other", None, id="not statutory, something else: the panel chooses"),
    ],
)
def test_lead_agency_follows_merton_step_8(statutory, driver, kind):
    proposal = propose_lead_agency(MERTON, statutory=statutory, main_driver=driver)

    assert (proposal.agency_kind, proposal.source) == (kind, "Merton, step 8")


@pytest.mark.parametrize(
    ("statutory", "driver", "missing"),
    [
        pytest.param(None, "addiction", "under probation supervision", id="supervision not known"),
        pytest.param(False, "not_known", "drugs or alcohol drive", id="driver not known"),
        pytest.param(False, "", "drugs or alcohol drive", id="driver not asked"),
    ],
)
def test_lead_agency_is_the_panels_choice_when_a_fact_is_missing(statutory, driver, missing):
    proposal = propose_lead_agency(MERTON, statutory=statutory, main_driver=driver)

    assert proposal.agency_kind is None
    assert missing in proposal.reason


@pytest.mark.parametrize(
    ("colour", "statutory", "kind", "source"),
    [
        pytest.param("RED", False, "probation", "London, Probation", id="Red goes to probation, whatever drives it"),
        pytest.param("RED", None, "probation", "London, Probation", id="Red, supervision not known"),
        pytest.param("AMBER", False, "substance_misuse", "London, step 6", id="step 6 for the others"),
        pytest.param("AMBER", True, "probation", "London, step 6", id="statutory"),
    ],
)
def test_london_probation_manages_red_and_statutory_cases(colour, statutory, kind, source):
    proposal = propose_lead_agency(LONDON, statutory=statutory, main_driver="addiction", colour=colour)

    assert (proposal.agency_kind, proposal.source) == (kind, source)


def test_london_before_there_is_a_rating_says_what_red_would_change():
    proposal = propose_lead_agency(LONDON, statutory=False, main_driver="addiction")

    assert proposal.agency_kind == "substance_misuse"
    assert "If rated Red: " in proposal.reason and "(London, Probation)" in proposal.reason
    assert "If rated Red" not in propose_lead_agency(LONDON, statutory=True, main_driver="").reason


def test_london_says_who_counts_as_statutory():
    assert LONDON.statutory.words.startswith("Sentenced to 12 months or more, or given a sentence in the community")
    assert (LONDON.statutory.source, MERTON.statutory.source) == ("London, Probation", "default")
