"""What the home page of each role asks of the database, and that what it counts there is what the rules say."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from django.db import connection
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from actionplans.models import Action, ActionKind, ActionStatus, Offer, OfferAnswer
from actionplans.reviews import overdue, overdue_of_all
from actionplans.models import Review
from iom import clock, together
from iom.models import Agency
from offenders import ledger, rating
from offenders.models import Assignment, Case, Check, CheckKind, CustodyPeriod, RagRating
from offenders.safeguarding import outcomes_of, wanting_checks
from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db

# All of a request: who asks and what is open to them, what the page shows, and the note of who was shown.
STATEMENTS = {
    "coordinator": 8,
    "chair": 8,
    "member": 8,
    "researcher": 10,
    "referrer": 7,
    "board_reader": 5,
    "scheme_admin": 5,
}


def statements(client, path: str = "/") -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    around = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET CONSTRAINTS")
    return len([one for one in asked.captured_queries if not one["sql"].startswith(around)])


def grow(world: World, count: int) -> None:
    """More cases that somebody leads, actions, meetings and nominations."""
    factories.act_in(world.scheme)
    today, agency = clock.today(), world.people["member"].agency
    for _ in range(count):
        place = Case.objects.count()
        for role in ("coordinator", "chair", "member", "researcher"):
            case = factories.case(world.scheme, colour="GREEN", since=today - timedelta(days=600))
            held = {"scheme": world.scheme, "case": case, "agency": agency}
            lead = {"role": "lead_professional", "membership": world.people[role], "starts_on": case.accepted_on}
            Assignment.objects.create(**held, **lead)
            Action.objects.create(**held, text="Ring the landlord", due_on=today - timedelta(days=1))
        factories.meeting(world.scheme, today + timedelta(days=60 + place), chair=world.people["chair"])
        for status in ("sent", "draft"):
            factories.referral(world.scheme, world.people["referrer"], status=status)


def test_home_asks_the_same_of_few_and_of_many_in_words_that_are_made_already(sign_in, settings, monkeypatch):
    world = World.make("merton")
    clients = {role: sign_in(person) for role, person in world.people.items()}
    grow(world, 1)
    few = {role: statements(client) for role, client in clients.items()}

    grow(world, 4)
    many = {role: statements(client) for role, client in clients.items()}

    assert few == STATEMENTS
    assert many == STATEMENTS

    settings.CHECK_QUESTIONS = False
    made, as_sql = [], SQLCompiler.as_sql

    def noted(compiler, *args, **options):
        made.append(compiler.query.model.__name__)
        return as_sql(compiler, *args, **options)

    monkeypatch.setattr(SQLCompiler, "as_sql", noted)
    for client in clients.values():
        client.get("/")
    assert made == []


def test_a_return_and_triage_cost_the_same_for_few_and_for_many(sign_in, merton, coordinator, police):
    panel = factories.meeting(merton, clock.today() + timedelta(days=20))
    ours, office = sign_in(police), sign_in(coordinator)
    costs = []
    for count in (2, 5):
        for _ in range(count):
            waits = factories.referral(merton, police, status="sent", meeting=panel)
            asked = factories.check_request(panel, police.agency, who=waits.offender, referral=waits)
            factories.agency_return(asked, police)
        grid, triage = f"/research/{panel.key}/", f"/referrals/{waits.reference}/triage/"
        costs.append((statements(ours, grid), statements(office, triage)))

    assert costs == [(10, 9), (10, 9)]


@pytest.fixture
def cohort(merton, police):
    """Sixty cases with every colour, in and out of custody, of whom something was done, or nothing."""
    chance, today = Random(7), clock.today()

    def ago(most: int) -> date:
        return today - timedelta(days=chance.randint(0, most))

    made = []
    for _ in range(60):
        case = factories.case(merton, colour=chance.choice(["RED", "AMBER", "GREEN", "BLUE"]), since=ago(300))
        held = {"scheme": merton, "case": case}
        RagRating.objects.filter(case=case).update(to_ratify=chance.random() < 0.3)
        if chance.random() < 0.4:
            out = None if chance.random() < 0.6 else today
            kind = chance.choice(CustodyPeriod.Kind.values)
            CustodyPeriod.objects.create(**held, kind=kind, prison="HMP Sample", starts_on=ago(300), released_on=out)
        for _ in range(chance.randint(0, 3)):
            kind = chance.choice(["arrest", "enforcement", "home_visit", "contact", "note", "breach"])
            handling = chance.choice(["panel", "panel", "police_probation"])
            factories.entry(case, police, kind=kind, happened_on=ago(120), handling=handling)
        if chance.random() < 0.5:
            status = chance.choice([ActionStatus.DONE, ActionStatus.OPEN])
            done = {"status": status, "finished_on": ago(120) if status == ActionStatus.DONE else None}
            kind = chance.choice(["", *ActionKind.values])
            Action.objects.create(**held, agency=police.agency, text="Do it", due_on=today, kind=kind, **done)
        if chance.random() < 0.5:
            answer = chance.choice([OfferAnswer.WAITING, OfferAnswer.TAKEN_UP])
            offer = {"pathway": "accommodation", "text": "A drop-in", "offered_on": ago(120), "answer": answer}
            offer["answered_on"] = None if answer == OfferAnswer.WAITING else today
            Offer.objects.create(**held, agency=police.agency, **offer)
        made.append(case)
    return made


def test_ratings_counted_are_those_that_differ_from_what_is_shown(cohort, merton):
    cases, today = Case.objects.not_closed(), clock.today()
    beside = rating.beside(list(cases.with_current().with_custody()), merton.policy, today)

    found = rating.not_fitting(cases, merton.policy, today)

    expected = {pk for pk, each in beside.items() if each.differs}
    assert 10 < len(expected) < 55
    assert sorted(found.values_list("case", flat=True)) == sorted(expected)


@pytest.mark.parametrize("needed", [True, False])
def test_cases_counted_are_those_whose_checks_want_something(cohort, merton, police, housing, as_coordinator, needed):
    chance, today = Random(8), clock.today()
    agencies = list(Agency.objects.filter(scheme=merton))[:3]
    asked = merton.policy.safeguarding.needed if needed else ()
    for case in cohort:
        for kind in {*asked, chance.choice(CheckKind.values)}:
            for _ in range(chance.randint(0, 3)):
                on = today - timedelta(days=chance.randint(0, 200))
                Check.objects.create(
                    scheme=merton,
                    case=case,
                    kind=kind,
                    outcome=chance.choice(outcomes_of(kind)),
                    agency=chance.choice(agencies),
                    checked_by="An Example",
                    checked_on=on,
                    expires_on=on + timedelta(days=chance.choice([60, 400])),
                    mistaken_on=chance.choice([None, None, None, today]),
                    made_by=police.user,
                )
    cases = Case.objects.visible_to(as_coordinator).not_closed()

    found = set(wanting_checks(cases, asked, today).values_list("pk", flat=True))

    stand = ledger.standings_of(list(cases), today)
    expected = {
        pk
        for pk, kinds in stand.items()
        if any(each.state != "assured" and (each.kind in asked or each.concern) for each in kinds)
    }
    assert 0 < len(expected) < 60
    assert found == expected
    if needed:
        assert len([each for each in ledger.wanting(as_coordinator, today) if each.wanting]) == len(found)


def test_reviews_of_a_cohort_are_overdue_as_those_of_each_case(cohort, merton, police):
    chance, today = Random(9), clock.today()
    for week in range(-12, 4):
        factories.meeting(merton, today + timedelta(weeks=4 * week + 1))
    for case in cohort:
        for kind in chance.sample(["first", "progress"], chance.randint(0, 2)):
            on = case.accepted_on + (today - case.accepted_on) * chance.random()
            Review.objects.create(scheme=merton, case=case, kind=kind, done_on=on, by=police.user, words="Held")

    found = together.run(overdue_of_all(lambda: Case.objects.not_closed(), merton, today))

    expected = overdue(list(Case.objects.not_closed()), merton.policy, today)
    assert 0 < len(expected) < 60
    assert found == {pk: min(each.on for each in late) for pk, late in expected.items()}
