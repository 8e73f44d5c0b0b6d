"""Whatever sequence of allowed steps: ratings neither overlap nor gap, Blue remembers, and no forbidden state is reached."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iom import walls
from iom.access import actor_for
from iom.steps import StepRefused
from offenders import actions
from offenders.models import Case, CaseStatus
from tests import factories

pytestmark = pytest.mark.django_db
SCHEMES = ("merton", "london", "waltham_forest", "richmond", "hampshire")
START = date(2026, 1, 5)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["rate", "between", "remand", "sentence", "release", "leave", "close", "accept", "assign", "wait", "wait"]
        ),
        st.sampled_from(["RED", "AMBER", "GREEN", "BLUE"]),
        st.integers(0, 9),
    ),
    min_size=3,
    max_size=10,
)


@pytest.fixture
def offices():
    made = {}
    for slug in SCHEMES:
        scheme = factories.scheme(slug)
        made[slug] = actor_for(factories.member(scheme, "coordinator", agency_kind="council"))
    return made


@settings(
    max_examples=20, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(slug=st.sampled_from(SCHEMES), steps=STEPS)
def test_no_sequence_of_steps_breaks_the_ratings_or_the_policy(offices, slug, steps):
    by = offices[slug]
    with walls.within(by.scheme, cause="test"), transaction.atomic():
        before = transaction.savepoint()
        person = factories.offender(by.scheme)
        case, today = _accepted(person, "AMBER", START, by), START
        for verb, colour, days in steps:
            with time_machine.travel(f"{today.isoformat()}T12:00:00+00:00", tick=False):
                try:
                    with transaction.atomic():
                        case = _take(verb, case, colour, today, by) or case
                except StepRefused:
                    pass
                _holds(person, by)
            if verb == "wait":
                today += timedelta(days=days)
        transaction.savepoint_rollback(before)


def _accepted(person, colour, on, by):
    return actions.accept(
        offender=person,
        meeting=None,
        on=on,
        why="Three burglaries",
        criterion="",
        score=None,
        score_on=None,
        statutory=None,
        colour=colour,
        reason="New",
        policy_version=by.scheme.policy_version,
        by=by,
    )


def _take(verb, case, colour, today, by):
    before = case.ratings.get(until=None)
    if verb == "rate":
        rating = actions.rate(case, colour, on=today, reason="Heard", by=by)
        assert rating.colour == colour and (colour != "BLUE" or rating.colour_before in ("", before.colour))
    elif verb == "between":
        actions.rate_between(case, colour, on=today, reason="Heard", by=by)
    elif verb in ("remand", "sentence"):
        actions.record_custody(case, kind=verb, prison="HMP Example", starts_on=today, by=by)
        if case.scheme.policy.blue.used and verb in case.scheme.policy.blue.covers:
            assert case.ratings.get(until=None).colour == "BLUE"
    elif verb == "release":
        inside = case.custody_periods.filter(released_on=None).first()
        if inside is not None:
            actions.record_release(inside, on=today, by=by)
            assert case.ratings.get(until=None).colour == before.colour
    elif verb == "leave":
        actions.start_leaving(case, on=today, reason="Done", by=by)
    elif verb == "close":
        actions.close(case, on=today, reason="Done", by=by)
    elif verb == "assign":
        actions.assign(case, "lead_agency", agency=by.agency, on=today, by=by)
    elif verb == "accept":
        return _accepted(case.offender, colour, today, by)
    return None


def _holds(person, by):
    policy = by.scheme.policy
    used = {str(each.colour) for each in policy.ratings}
    cases = list(Case.objects.filter(offender=person))
    assert sum(case.status != CaseStatus.CLOSED for case in cases) <= 1
    for case in cases:
        assert (case.status == CaseStatus.CLOSED) == (case.ended_on is not None)
        ratings = list(case.ratings.order_by("starts_on"))
        assert ratings[0].follows_from is None and ratings[-1].until is None
        for earlier, later in zip(ratings, ratings[1:], strict=False):
            assert earlier.until == later.starts_on == later.follows_from
        for place, rating in enumerate(ratings):
            assert rating.colour in used
            assert not (rating.to_ratify and rating.meeting_id)
            if rating.colour == "BLUE":
                assert policy.blue.used and rating.colour_before != "BLUE"
                assert rating.colour_before or place == 0
            else:
                assert rating.colour_before == ""
