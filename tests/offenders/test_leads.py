"""Which agency the scheme's rule proposes to lead."""

import pytest

from iom.policy import load_preset
from offenders.leads import propose_lead_agency

MERTON = load_preset("merton")


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
