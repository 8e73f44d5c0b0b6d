"""The verbs on people and cases."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from iom import clock
from iom.access import actor_for, task_actor
from iom.models import AuditEvent
from iom.steps import Stale, StepRefused
from offenders import actions
from offenders.models import Assignment, Case, Offender, RagRating
from tests import factories

PANEL_DAY = date(2026, 3, 12)


@pytest.fixture(autouse=True)
def on_panel_day(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL_DAY, chair=chair)


@pytest.fixture
def case(merton):
    return factories.case(merton, colour="RED", since=date(2026, 1, 12))


@pytest.fixture
def accept(merton, meeting, as_coordinator):
    def accept(**changed):
        given = {
            "offender": changed.pop("offender", None) or factories.offender(merton),
            "meeting": meeting,
            "on": PANEL_DAY,
            "why": "Three burglaries since October.",
            "criterion": "ogrs_75",
            "score": 82,
            "score_on": date(2026, 3, 1),
            "statutory": True,
            "colour": "RED",
            "reason": "New offences",
            "policy_version": merton.policy_version,
            "by": as_coordinator,
        }
        return actions.accept(**given | changed)

    return accept


def check_deferred():
    """Let the database judge the keys that it checks at the end of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def verbs():
    """What was done, since the scheme was made."""
    return list(events().values_list("verb", flat=True))


def events():
    return AuditEvent.objects.filter(kind="verb").exclude(verb="create_scheme").order_by("pk")


# --- People ---


def test_add_offender_keeps_names_aliases_and_numbers(as_police):
    person = actions.add_offender(
        by=as_police,
        family_name="Specimen",
        given_names="Ray",
        date_of_birth=date(1995, 7, 7),
        gender="MALE",
        aliases=["Ray Sample", " ", "Ray Sample"],
        pnc_number="95/123456A",
    )

    assert (str(person), person.pnc_number) == ("SPECIMEN Ray", "95/123456A")
    assert [alias.name for alias in person.aliases.all()] == ["Ray Sample"]
    assert verbs() == ["add_offender"]


def test_add_offender_is_refused_to_a_board_reader(merton):
    reader = factories.actor(merton, "board_reader")

    with pytest.raises(PermissionDenied):
        actions.add_offender(by=reader, family_name="A", given_names="B", date_of_birth=None)


def test_add_offender_takes_no_field_of_its_own_making(as_police):
    with pytest.raises(TypeError, match="scheme_id"):
        actions.add_offender(by=as_police, family_name="A", given_names="B", date_of_birth=None, scheme_id=7)


def test_change_offender_audits_the_names_of_what_changed(merton, as_coordinator):
    person = factories.offender(merton, area="Old Town")

    changed = actions.change_offender(person, by=as_coordinator, version=1, area="Mill Lane", aliases=["Sammy"])

    assert (changed.area, changed.version) == ("Mill Lane", 2)
    assert events().get().fields == ["aliases", "area"]


def test_change_offender_leaves_what_is_the_same(merton, as_coordinator):
    person = factories.offender(merton, area="Old Town")

    assert actions.change_offender(person, by=as_coordinator, area="Old Town").version == 1
    assert verbs() == []


def test_change_offender_refuses_a_stale_version(merton, as_coordinator):
    person = factories.offender(merton)
    actions.change_offender(person, by=as_coordinator, version=1, area="Mill Lane")

    with pytest.raises(Stale):
        actions.change_offender(person, by=as_coordinator, version=1, area="Old Town")


def test_change_offender_of_a_cohort_member_is_the_offices_and_the_leads(merton, case, police, as_coordinator):
    lead = actor_for(police)
    with pytest.raises(PermissionDenied):
        actions.change_offender(case.offender, by=lead, area="Mill Lane")

    actions.assign(
        case, "police_officer", agency=police.agency, membership=police, on=date(2026, 2, 1), by=as_coordinator
    )

    assert actions.change_offender(case.offender, by=lead, area="Mill Lane").area == "Mill Lane"


def test_change_offender_without_a_case_is_open_to_who_nominates(merton, as_police):
    assert actions.change_offender(factories.offender(merton), by=as_police, area="Mill Lane").area == "Mill Lane"


# --- Acceptance ---


def test_accept_makes_a_case_with_its_first_rating(accept, meeting):
    case = accept()

    assert (case.reference, case.status, case.score, case.accepted_at) == ("IOM-0001", "open", 82, meeting)
    assert (case.rating.colour, case.rating.starts_on, case.rating.until) == ("RED", PANEL_DAY, None)
    event = AuditEvent.objects.get(verb="accept")
    assert (event.object_ref, event.after, event.subjects) == ("IOM-0001", "RED", ["IOM-0001"])
    check_deferred()


def test_accept_counts_references_up(accept):
    assert [accept().reference, accept().reference] == ["IOM-0001", "IOM-0002"]


def test_accept_in_custody_remembers_no_colour_where_the_panel_decides(accept):
    assert accept(colour="BLUE").rating.colour_before == ""


def test_accept_in_custody_remembers_the_first_rating_that_the_scheme_fixes(db):
    scheme = factories.scheme("waltham_forest")
    by = factories.actor(scheme, "coordinator")

    case = actions.accept(
        offender=factories.offender(scheme),
        meeting=None,
        on=PANEL_DAY,
        why="Robberies.",
        criterion="",
        score=None,
        score_on=None,
        statutory=None,
        colour="BLUE",
        reason="On remand",
        policy_version=scheme.policy_version,
        by=by,
    )

    assert (case.rating.colour, case.rating.colour_before) == ("BLUE", "RED")


def test_accept_is_refused_for_someone_on_the_cohort(accept):
    case = accept()

    with pytest.raises(StepRefused, match="on the cohort already, as IOM-0001"):
        accept(offender=case.offender)


def test_accept_takes_someone_back_after_their_case_closed(accept, as_coordinator):
    case = accept()
    actions.close(case, on=PANEL_DAY, reason="Moved away", by=as_coordinator)

    assert accept(offender=case.offender).reference == "IOM-0002"


def test_accept_is_refused_to_a_member(accept, as_police):
    with pytest.raises(PermissionDenied):
        accept(by=as_police)


def test_accept_is_refused_for_a_person_of_another_scheme(accept):
    stranger = factories.offender(factories.scheme("london"))

    with pytest.raises(PermissionDenied):
        accept(offender=stranger)


def test_accept_is_refused_for_a_colour_that_the_scheme_does_not_use(db):
    scheme = factories.scheme("hampshire")

    with pytest.raises(StepRefused, match="does not use that rating"):
        actions.accept(
            offender=factories.offender(scheme),
            meeting=None,
            on=PANEL_DAY,
            why="x",
            criterion="",
            score=None,
            score_on=None,
            statutory=True,
            colour="BLUE",
            reason="x",
            policy_version=scheme.policy_version,
            by=factories.actor(scheme, "coordinator"),
        )


# --- Rating ---


def test_rate_ends_the_present_rating_where_the_new_one_begins(case, meeting, as_coordinator):
    actions.rate(case, "AMBER", on=PANEL_DAY, reason="Engaging", meeting=meeting, by=as_coordinator)

    rows = list(case.ratings.order_by("starts_on").values_list("colour", "starts_on", "until", "follows_from"))
    assert rows == [
        ("RED", date(2026, 1, 12), PANEL_DAY, None),
        ("AMBER", PANEL_DAY, None, PANEL_DAY),
    ]
    assert case.rating.meeting == meeting
    check_deferred()


def test_rate_blue_remembers_the_colour_before(case, as_coordinator):
    rating = actions.rate(case, "BLUE", on=PANEL_DAY, reason="On remand", by=as_coordinator)

    assert rating.colour_before == "RED"


def test_rate_again_on_the_same_day_holds_the_last_decision(case, as_coordinator):
    actions.rate(case, "AMBER", on=PANEL_DAY, reason="Engaging", by=as_coordinator)
    actions.rate(case, "GREEN", on=PANEL_DAY, reason="Looked at again", by=as_coordinator)

    assert list(case.ratings.values_list("colour", "starts_on")) == [
        ("GREEN", PANEL_DAY),
        ("RED", date(2026, 1, 12)),
    ]
    check_deferred()


def test_rate_back_on_the_same_day_leaves_the_run_unbroken(merton, as_coordinator):
    case = factories.case(merton, colour="GREEN", since=date(2025, 10, 4))
    actions.rate(case, "RED", on=PANEL_DAY, reason="Arrest", by=as_coordinator)
    actions.rate(case, "GREEN", on=PANEL_DAY, reason="Mistaken identity", by=as_coordinator)

    assert list(case.ratings.values_list("colour", "starts_on", "until")) == [("GREEN", date(2025, 10, 4), None)]
    check_deferred()


def test_rate_replaces_the_first_rating_on_its_own_day(case, as_coordinator):
    actions.rate(case, "AMBER", on=date(2026, 1, 12), reason="Slip", by=as_coordinator)

    assert list(case.ratings.values_list("colour", flat=True)) == ["AMBER"]
    check_deferred()


@pytest.mark.parametrize(
    ("colour", "on", "words"),
    [
        pytest.param("RED", PANEL_DAY, "rated Red already", id="the same colour"),
        pytest.param("AMBER", date(2026, 1, 11), "cannot start before the present one", id="before the present one"),
        pytest.param("PINK", PANEL_DAY, "does not use that rating", id="no such colour"),
    ],
)
def test_rate_is_refused(case, as_coordinator, colour, on, words):
    with pytest.raises(StepRefused, match=words):
        actions.rate(case, colour, on=on, reason="x", by=as_coordinator)


def test_rate_is_refused_for_a_closed_case(case, as_coordinator):
    actions.close(case, on=PANEL_DAY, reason="Moved away", by=as_coordinator)

    with pytest.raises(StepRefused, match="is closed"):
        actions.rate(case, "AMBER", on=PANEL_DAY, reason="x", by=as_coordinator)


def test_rate_is_refused_to_a_member_and_to_another_scheme(case, as_police):
    elsewhere = factories.actor(factories.scheme("london"), "coordinator")

    for actor in (as_police, elsewhere, task_actor(elsewhere.scheme, "import")):
        with pytest.raises(PermissionDenied):
            actions.rate(case, "AMBER", on=PANEL_DAY, reason="x", by=actor)


def test_rate_lets_a_case_from_a_list_forget_what_it_read(case, as_coordinator):
    listed = Case.objects.with_current().get(pk=case.pk)

    actions.rate(listed, "AMBER", on=PANEL_DAY, reason="Engaging", by=as_coordinator)

    assert listed.rating.colour == "AMBER"


# --- Leads ---


def assign(case, holder, by, **changed):
    given = {"agency": holder.agency, "membership": holder, "on": date(2026, 2, 1), "by": by}
    return actions.assign(case, "lead_professional", **given | changed)


def test_assign_ends_the_present_holder_without_a_gap(case, police, housing, as_coordinator):
    first = assign(case, police, as_coordinator)
    second = assign(case, housing, as_coordinator, on=PANEL_DAY)

    first.refresh_from_db()
    assert (first.until, second.starts_on, second.until) == (PANEL_DAY, PANEL_DAY, None)
    assert case.assigned("lead_professional").holder == "Jo Reid"


def test_assign_the_same_holder_changes_nothing(case, police, as_coordinator):
    first = assign(case, police, as_coordinator)

    assert assign(case, police, as_coordinator, on=PANEL_DAY) == first
    assert Assignment.objects.count() == 1


def test_assign_twice_on_a_day_holds_the_last(case, police, housing, as_coordinator):
    assign(case, police, as_coordinator)
    assign(case, housing, as_coordinator)

    assert [(each.holder, each.until) for each in Assignment.objects.all()] == [("Jo Reid", None)]


def test_assign_takes_someone_without_an_account_by_name(case, police, as_coordinator):
    held = assign(case, police, as_coordinator, membership=None, person_name="PC Dunn")

    assert held.holder == "PC Dunn"


def test_assign_is_refused_for_a_person_of_another_agency(case, police, housing, as_coordinator):
    with pytest.raises(StepRefused, match="does not act for"):
        assign(case, police, as_coordinator, agency=housing.agency)


def test_assign_is_refused_before_the_present_holder_began(case, police, housing, as_coordinator):
    assign(case, police, as_coordinator)

    with pytest.raises(StepRefused, match="cannot change before"):
        assign(case, housing, as_coordinator, on=date(2026, 1, 31))


# --- Custody ---


def custody(case, by, **changed):
    given = {"kind": "remand", "prison": "HMP Example", "starts_on": date(2026, 2, 20)}
    return actions.record_custody(case, **given | changed, by=by)


def test_custody_is_rated_blue_from_its_day_without_a_decision(case, as_coordinator):
    custody(case, as_coordinator, release_expected_on=date(2026, 6, 1))

    assert (case.rating.colour, case.rating.starts_on, case.rating.colour_before) == (
        "BLUE",
        date(2026, 2, 20),
        "RED",
    )
    assert verbs() == ["rate", "record_custody"]
    check_deferred()


def test_custody_that_began_before_the_present_rating_is_blue_from_that_rating_on(case, as_coordinator):
    custody(case, as_coordinator, starts_on=date(2025, 12, 1))

    assert list(case.ratings.values_list("colour", "starts_on", "colour_before")) == [
        ("BLUE", date(2026, 1, 12), "RED")
    ]


def test_custody_of_someone_blue_already_leaves_the_rating(merton, as_coordinator):
    case = factories.case(merton, colour="BLUE")

    custody(case, as_coordinator)

    assert case.ratings.count() == 1


def test_custody_leaves_the_rating_where_the_scheme_has_no_blue(db):
    scheme = factories.scheme("hampshire")
    case = factories.case(scheme, colour="RED")

    custody(case, factories.actor(scheme, "coordinator"))

    assert case.rating.colour == "RED"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"starts_on": "tomorrow"}, "today or earlier", id="in the future"),
        pytest.param({"release_expected_on": date(2026, 2, 19)}, "must be 20 Feb 2026 or later", id="out before in"),
    ],
)
def test_custody_dates_must_be_in_order(case, as_coordinator, changed, words):
    if changed.get("starts_on") == "tomorrow":
        changed = {"starts_on": clock.today() + timedelta(days=1)}

    with pytest.raises(StepRefused, match=words):
        custody(case, as_coordinator, **changed)


def test_custody_is_refused_while_inside(case, as_coordinator):
    custody(case, as_coordinator)

    with pytest.raises(StepRefused, match="in custody already"):
        custody(case, as_coordinator)


def test_release_leaves_the_rating_to_the_panel(case, as_coordinator):
    period = custody(case, as_coordinator)

    released = actions.record_release(period, on=date(2026, 3, 1), by=as_coordinator)

    assert (released.released_on, case.rating.colour) == (date(2026, 3, 1), "BLUE")
    with pytest.raises(StepRefused, match="recorded already"):
        actions.record_release(released, on=date(2026, 3, 2), by=as_coordinator)


def test_release_before_custody_is_refused(case, as_coordinator):
    period = custody(case, as_coordinator)

    with pytest.raises(StepRefused, match="between 20 Feb 2026 and today"):
        actions.record_release(period, on=date(2026, 2, 19), by=as_coordinator)


def test_change_custody_moves_the_expected_release(case, as_coordinator):
    period = custody(case, as_coordinator)

    changed = actions.change_custody(period, by=as_coordinator, version=1, release_expected_on=date(2026, 7, 1))

    assert changed.release_expected_on == date(2026, 7, 1)
    with pytest.raises(Stale):
        actions.change_custody(period, by=as_coordinator, version=1, prison="HMP Sample")


# --- Leaving ---


def test_case_steps_are_those_agreed():
    from offenders.transitions import STEPS

    steps = {(source, verb, step.target) for verb, step in STEPS.items() for source in step.sources}

    assert steps == {
        ("open", "start_leaving", "leaving"),
        ("open", "close_case", "closed"),
        ("leaving", "close_case", "closed"),
        ("leaving", "call_off_leaving", "open"),
    }


def test_case_leaves_and_closes(case, as_coordinator):
    leaving = actions.start_leaving(case, on=PANEL_DAY, reason="Green for six months", by=as_coordinator)
    closed = actions.close(leaving, on=PANEL_DAY, reason="Exit done", by=as_coordinator)

    assert (leaving.status, closed.status, closed.ended_on) == ("leaving", "closed", PANEL_DAY)


def test_case_cannot_end_before_it_began(case, as_coordinator):
    with pytest.raises(StepRefused, match="before acceptance"):
        actions.close(case, on=date(2026, 1, 11), reason="x", by=as_coordinator)


def test_closing_is_refused_to_a_member(case, as_police):
    with pytest.raises(PermissionDenied):
        actions.close(case, on=PANEL_DAY, reason="x", by=as_police)


def test_custody_is_recorded_by_who_leads_the_case_and_no_other_member(case, police, as_police, as_coordinator):
    with pytest.raises(PermissionDenied):
        custody(case, as_police)

    assign(case, police, as_coordinator)

    assert custody(case, as_police).prison == "HMP Example"
    with pytest.raises(PermissionDenied):
        actions.rate(case, "RED", on=PANEL_DAY, reason="x", by=as_police)
