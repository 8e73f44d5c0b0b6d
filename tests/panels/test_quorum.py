"""Quorum counts organisations, not people (Richmond, ASB panel: four agencies)."""

import pytest

from panels.quorum import Quorum, Seen, quorum

POLICE = Seen("Police", seat=True, here=True)
PROBATION = Seen("Probation", seat=True, here=True)
HOUSING = Seen("Housing", seat=True, here=True)
HEALTH = Seen("Health", seat=True, here=True)


@pytest.mark.parametrize(
    ("people", "needed", "here", "met"),
    [
        pytest.param([], 4, 0, False, id="nobody"),
        pytest.param([POLICE, PROBATION, HOUSING], 4, 3, False, id="one_short"),
        pytest.param([POLICE, PROBATION, HOUSING, HEALTH], 4, 4, True, id="just_enough"),
        pytest.param([POLICE, POLICE, PROBATION, HOUSING], 4, 3, False, id="police_on_two_seats_are_one"),
        pytest.param([POLICE, Seen("Courts", seat=False, here=True)], 2, 1, False, id="guest_does_not_count"),
        pytest.param([POLICE, Seen("Housing", seat=True, here=False)], 2, 1, False, id="apologies_do_not_count"),
        pytest.param([POLICE, Seen("Police", seat=True, here=False)], 1, 1, True, id="one_of_two_seats_came"),
        pytest.param([POLICE, Seen("", seat=True, here=True)], 2, 1, False, id="no_organisation_named"),
        pytest.param([], None, 0, True, id="no_quorum_is_set"),
    ],
)
def test_quorum_counts_organisations_with_a_seat_holder_here(people, needed, here, met):
    counted = quorum(people, needed)

    assert (counted.here, counted.needed, counted.met) == (here, needed, met)


def test_quorum_names_the_organisations_in_order():
    assert quorum([PROBATION, POLICE, POLICE], 4) == Quorum(2, 4, False, ("Police", "Probation"))
