"""Votes by organisation: what carries, what a tie needs, and that the outcome follows (Richmond, 1.12, 2.10, 4.10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iom.policy import load_preset
from panels import voting
from panels.voting import ABSTAIN, AGAINST, FOR, count

VOTES = st.lists(st.sampled_from([FOR, AGAINST, ABSTAIN]), max_size=20)
CAST = st.sampled_from(["", FOR, AGAINST])


def rule(scheme, body):
    return load_preset(scheme).body(body).decision_rule


@given(VOTES)
def test_majority_is_more_for_than_against_of_the_votes_cast(votes):
    cast = count(votes)

    assert cast.carried == (votes.count(FOR) > votes.count(AGAINST))
    assert cast.in_favour + cast.against + cast.abstained == len(votes)


@given(VOTES, st.integers(0, 20))
def test_abstentions_change_nothing(votes, more):
    assert count(votes).carried == count([*votes, *[ABSTAIN] * more]).carried


@given(VOTES, CAST)
def test_casting_vote_decides_a_tie_and_nothing_else(votes, casting):
    cast, without = count(votes, casting), count(votes)

    assert cast.carried == ((casting == FOR) if cast.tied else without.carried)


@given(VOTES, CAST, st.sampled_from(["accept", "not_accept"]))
def test_outcome_follows_from_the_vote(votes, casting, outcome):
    richmond = rule("richmond", "strategic")
    cast = count(votes, casting)

    fits = not voting.problems(richmond, cast, motion="accept", outcome=outcome)

    if fits:
        assert cast.carried == (outcome == "accept")
        assert cast.tied == bool(casting)
    elif cast.tied == bool(casting):
        assert cast.carried != (outcome == "accept")


def test_nobody_voting_is_a_tie_for_whoever_chairs():
    cast = count([])

    assert voting.casting_needed(rule("richmond", "iom"), cast)
    assert voting.problems(rule("richmond", "iom"), cast, motion="accept", outcome="accept") == [
        "The vote is tied, 0 for, 0 against. Say how whoever chairs casts the casting vote."
    ]
    assert voting.how_decided(count([], FOR)) == "casting"
    assert voting.how_decided(count([FOR])) == "majority"


@pytest.mark.parametrize(
    ("scheme", "body", "offered"),
    [
        pytest.param("richmond", "strategic", ("agreed", "majority"), id="board by majority"),
        pytest.param("richmond", "dyo", ("agreed", "consensus"), id="source is silent: by agreement"),
        pytest.param("richmond", "asb", ("agreed", "chair_final"), id="chair has the final say"),
        pytest.param("waltham_forest", "panel", ("agreed", "majority"), id="democratic approach"),
        pytest.param("hampshire", "macc", ("agreed", "consensus"), id="together"),
        pytest.param("merton", "panel", ("agreed", "consensus"), id="by agreement"),
    ],
)
def test_body_decides_in_the_ways_of_its_rule(scheme, body, offered):
    assert voting.ways(rule(scheme, body)) == offered


def test_body_without_votes_takes_none():
    asb = rule("richmond", "asb")

    assert voting.problems(asb, count([FOR]), motion="support", outcome="support") == [
        "This body does not decide by vote."
    ]
