"""Who is here at which item, and what follows for quorum and votes; who takes the chair."""

from datetime import date, datetime

import pytest
import time_machine

from iom import clock
from iom.access import actor_for
from iom.clock import LONDON
from iom.steps import StepRefused
from panels import chairing, presence, recording
from panels.models import GuestItem, Interest, Movement, Section
from tests import factories

PANEL_DAY = date(2026, 3, 12)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_the_meeting():
    with time_machine.travel(datetime(2026, 3, 12, 10, 20, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def richmond(db):
    return factories.scheme("richmond")


@pytest.fixture
def clerk(richmond):
    return factories.member(richmond, "coordinator", name="Clare Specimen")


@pytest.fixture
def people(richmond):
    """Two of the police and one each of probation, housing and the council: four organisations, five people."""
    kinds = {"police": "Pat Sample", "probation": "Prue Sample", "housing": "Hal Sample", "council": "Cora Sample"}
    found = {
        kind: factories.member(richmond, "chair" if kind == "probation" else "member", agency_kind=kind, name=name)
        for kind, name in kinds.items()
    }
    return found | {"inspector": factories.member(richmond, "member", agency_kind="police", name="Ines Sample")}


@pytest.fixture
def meeting(richmond, clerk, people):
    made = factories.live_meeting(richmond, PANEL_DAY, recorder=clerk, chair=people["probation"])
    for _ in range(12):
        factories.agenda_item(made, Section.AOB)
    return made


def item(meeting, number):
    return meeting.items.get(number=str(number))


def moves(row, at, *, here):
    return Movement.objects.create(scheme=row.scheme, attendance=row, item=at, here=here, at=clock.now())


def declares(row, at, words="Lives next door"):
    return Interest.objects.create(scheme=row.scheme, attendance=row, item=at, words=words, declared_at=clock.now())


def test_quorum_is_lost_at_the_item_where_the_fourth_organisation_leaves_and_regained_where_it_returns(meeting, people):
    rows = dict(zip(people, factories.attended(meeting, *people.values()), strict=True))
    moves(rows["housing"], item(meeting, 8), here=False)
    moves(rows["housing"], item(meeting, 10), here=True)

    counted = {number: presence.quorum_at(meeting, item(meeting, number)) for number in (1, 7, 8, 9, 10, 12)}

    assert {number: each.met for number, each in counted.items()} == {
        1: True, 7: True, 8: False, 9: False, 10: True, 12: True,
    }  # fmt: skip
    assert (counted[7].here, counted[8].here, counted[8].needed) == (4, 3, 4)


def test_one_of_two_from_the_police_may_leave_without_a_loss(meeting, people):
    rows = dict(zip(people, factories.attended(meeting, *people.values()), strict=True))
    moves(rows["police"], item(meeting, 2), here=False)

    assert presence.quorum_at(meeting, item(meeting, 2)).here == 4
    moves(rows["inspector"], item(meeting, 3), here=False)
    assert [presence.quorum_at(meeting, item(meeting, n)).met for n in (2, 3)] == [True, False]


def test_who_came_late_is_here_from_their_item_on(meeting, people):
    (late,) = factories.attended(meeting, people["police"], at_start=False)
    moves(late, item(meeting, 5), here=True)

    assert [bool(presence.here_at(meeting, item(meeting, n))) for n in (4, 5, 6)] == [False, True, True]


def test_guest_is_here_for_their_items_alone_and_never_counts(meeting, people):
    (guest,) = factories.attended(meeting, people["housing"], standing="guest")
    GuestItem.objects.create(scheme=guest.scheme, attendance=guest, item=item(meeting, 3))

    assert [presence.here_at(meeting, item(meeting, n)) for n in (2, 3, 4)] == [(), (guest,), ()]
    assert presence.quorum_at(meeting, item(meeting, 3)).here == 0
    assert presence.voters_at(meeting, item(meeting, 3)) == ()


def test_interest_of_the_only_person_of_an_organisation_takes_its_vote_and_not_the_quorum(meeting, people):
    rows = dict(zip(people, factories.attended(meeting, *people.values()), strict=True))
    third = item(meeting, 3)
    declares(rows["housing"], third)
    declares(rows["police"], third)

    voters = presence.voters_at(meeting, third)

    assert people["housing"].agency not in voters
    assert people["police"].agency in voters, "the inspector has no interest"
    assert presence.room(meeting).without_vote_at(third) == (people["housing"].agency,)
    assert presence.quorum_at(meeting, third).here == 4
    assert people["housing"].agency in presence.voters_at(meeting, item(meeting, 4))
    assert [each.words for each in Interest.objects.filter(item=third)] == ["Lives next door", "Lives next door"]


def test_substitute_counts_and_votes_for_the_organisation(meeting, people):
    factories.attended(meeting, people["housing"], how="substitute", substitute_name="Sue Sample")
    factories.attended(meeting, people["police"], how="apologies")

    assert presence.quorum_at(meeting, item(meeting, 1)).agencies == (people["housing"].agency.name,)
    assert presence.voters_at(meeting, item(meeting, 1)) == (people["housing"].agency,)


def test_room_costs_the_same_for_any_number_of_people(meeting, people, django_assert_num_queries):
    factories.attended(meeting, *people.values())
    first = item(meeting, 1)
    assert meeting.body.policy.quorum.organisations == 4

    with django_assert_num_queries(1):
        room = presence.room(meeting)
        assert room.quorum_at(first).met and len(room.voters_at(first)) == 4


# --- The chair


def test_named_chair_chairs_until_somebody_takes_the_chair(meeting, people, clerk):
    factories.attended(meeting, *people.values())
    by = actor_for(clerk)
    assert chairing.chair_of(meeting) == people["probation"]

    chairing.take_the_chair(meeting, people["police"], because="The train is late.", by=by)

    assert chairing.chair_of(meeting) == people["police"]
    assert list(chairing.with_chair(type(meeting).objects.all()).values_list("chaired_by", flat=True)) == [
        people["police"].pk
    ]
    acting = actor_for(people["police"])
    assert acting.can("panels.sign_minutes", meeting) and acting.can("panels.force_hand_over", meeting)
    assert not actor_for(people["probation"]).can("panels.sign_minutes", meeting)
    assert not actor_for(people["council"]).can("panels.sign_minutes", meeting)


@pytest.mark.parametrize(
    ("who", "because", "words"),
    [
        ("clerk", "Nobody else", "nobody signs minutes that they recorded"),
        ("council", "Senior", "Cora Sample is not at the table"),
        ("probation", "Named", "chairs this meeting already"),
        ("police", " ", "Enter why they take the chair"),
    ],
)
def test_chair_is_not_taken_by_the_recorder_nor_by_who_is_away_nor_without_a_reason(
    meeting, people, clerk, who, because, words
):
    factories.attended(meeting, people["police"], people["probation"])

    with pytest.raises(StepRefused, match=words):
        chairing.take_the_chair(meeting, (people | {"clerk": clerk})[who], because=because, by=actor_for(clerk))
    assert chairing.acting(meeting) is None


def test_recorder_is_not_who_took_the_chair(meeting, people, richmond):
    second = factories.member(richmond, "coordinator", "member", agency_kind="council", name="Dana Specimen")
    factories.attended(meeting, second)
    chairing.take_the_chair(meeting, second, because="Probation is away.", by=actor_for(second))

    with pytest.raises(StepRefused, match="nobody signs minutes that they recorded"):
        recording.take_over(meeting, by=actor_for(second))
