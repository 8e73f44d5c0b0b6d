"""Who takes the chair by the body's rule (Richmond, 4.6). Pure."""

import pytest

from iom.policy import load_preset
from panels.succession import AtTheTable, propose, rank

RICHMOND = load_preset("richmond").body("iom").succession
VICE = AtTheTable(1, "Representative", "housing", vice_chair=True)
OFFICER = AtTheTable(2, "PPO Officer", "police")
INSPECTOR = AtTheTable(3, "Detective Inspector", "police")
HEAD = AtTheTable(4, "Head of Housing Operations", "council")
HEALTH = AtTheTable(5, "Senior Social Worker", "health")


@pytest.mark.feature(28)
@pytest.mark.parametrize(
    ("present", "keys", "source"),
    [
        pytest.param([OFFICER, VICE], (1,), "Richmond, 4.6", id="vice_chair_first"),
        pytest.param([OFFICER, INSPECTOR, HEALTH], (3, 2), "Richmond, 4.6", id="else_the_senior_of_the_police"),
        pytest.param([INSPECTOR, HEAD], (4, 3), "Richmond, 4.6", id="or_of_the_council"),
        pytest.param([HEALTH], (5,), "default", id="else_those_present_choose"),
        pytest.param([], (), "default", id="nobody_is_there"),
    ],
)
def test_succession_tries_the_steps_in_order(present, keys, source):
    proposal = propose(RICHMOND, present)

    assert (proposal.keys, proposal.source) == (keys, source)


def test_rank_is_read_from_the_words_of_a_post():
    posts = ["Chief Superintendent", "Head of Service", "Detective Chief Inspector", "Inspector", "Sergeant", "Officer"]

    assert [rank(post) for post in posts] == sorted(rank(post) for post in posts)
    assert rank("Detective Chief Inspector") < rank("Detective Inspector")
