"""When each agency comes, and where the quorum would fail. Worked out by hand."""

from panels.slotting import Member, Part, plan


def part(number, minutes, *agencies):
    return Part(str(number), minutes, frozenset(agencies))


DAY = [
    part(1, 5),
    part(2, 10, "Police", "Housing"),
    part(3, 10, "Police"),
    part(4, 20, "Probation", "Health"),
    part(5, 15, "Health"),
]
SEATED = [Member(name) for name in ("Police", "Housing", "Probation", "Health", "Jobcentre")]


def times(made):
    return {slot.agency: (slot.begins, slot.ends, slot.for_quorum) for slot in made.slots}


def test_each_agency_comes_from_its_first_item_to_its_last():
    made = plan(DAY, SEATED, None, {"Probation"})

    assert times(made) == {
        "Police": (5, 25, False),
        "Housing": (5, 15, False),
        "Probation": (0, 60, False),
        "Health": (25, 60, False),
    }
    assert (made.weak, made.spared) == ((), ("Jobcentre",))


def test_those_who_lose_least_time_stay_so_that_every_item_keeps_its_quorum():
    made = plan(DAY, [Member(name, True) for name in ("Police", "Housing", "Probation", "Health")], 2, {"Probation"})

    # Item 1 needs a second agency besides the chair's: Housing and Police would both come five minutes sooner.
    assert times(made)["Housing"] == (0, 15, True)
    assert times(made)["Police"] == (5, 25, False)
    assert made.weak == ()


def test_item_without_quorum_is_named_with_what_would_mend_it():
    members = [Member("Police", True), Member("Housing", False), Member("Probation", True), Member("Health", True)]

    made = plan(DAY, members, 4, {"Probation"})

    assert {weak.number for weak in made.weak} == {"1", "2", "3", "4", "5"}
    first = made.weak[0]
    assert (first.here, first.needed, first.certain) == (3, 4, True)
    assert first.mend == "1 more needed. Ask for a substitute from: Housing"
    assert "Housing" not in times(made), "who does not come has no time to keep"


def test_quorum_that_hangs_on_answers_is_said_to_be_uncertain():
    made = plan([part(1, 10, "Police", "Housing")], [Member("Police", True), Member("Housing")], 2)

    (weak,) = made.weak
    assert not weak.certain
    assert weak.mend == "Quorate if 1 of these come, who have not answered: Housing"


def test_everybody_asked_and_still_too_few():
    (weak,) = plan([part(1, 10, "Police")], [Member("Police", True)], 3).weak

    assert "everybody with a seat is asked already" in weak.mend


def test_agency_without_a_seat_comes_for_its_items_and_does_not_count():
    made = plan([part(1, 10, "Charity"), part(2, 10, "Police")], [Member("Police", True)], 1)

    assert times(made) == {"Charity": (0, 10, False), "Police": (0, 20, True)}


def test_empty_agenda_asks_nobody():
    assert plan([], SEATED, 3).slots == ()
