"""Criteria are tried over the cohort and open nominations before they are adopted (Waltham Forest, 7.5)."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
import time_machine

from iom.access import actor_for
from iom.models import AuditEvent, Export
from iom.policy import load_preset
from offenders.models import Case
from referrals import trying, what_if
from referrals.models import Score
from tests import factories
from tests.factories.signing_in import app_code, with_app

pytestmark = pytest.mark.django_db
BURGLARY = [{"type": "burglary", "date": "2025-10-03", "in_community": True}]


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-02-26 10:00 +0000", tick=False):
        yield


@pytest.fixture
def forest(db):
    return factories.scheme("waltham_forest")


@pytest.fixture
def coordinator(forest):
    return factories.member(forest, "coordinator", "referrer", name="Priya Shah")


@pytest.fixture
def by(coordinator):
    return actor_for(coordinator)


def scored(scheme, who, pct, *, ovp=None):
    for model, percent in ((Score.Model.OFFICIAL, pct), (Score.Model.OVP, ovp)):
        if percent is not None:
            Score.objects.create(
                scheme=scheme, offender=who, model=model, model_version="", inputs={}, pct_2yr=percent,
                scored_on=date(2026, 2, 1),
            )  # fmt: skip


def on_cohort(scheme, by, pct, *, ovp=None, name="Example", **fields):
    """Somebody taken on from a nomination, with scores."""
    who = factories.offender(scheme, family_name=name)
    scored(scheme, who, pct, ovp=ovp)
    factories.referral(scheme, by, status="accepted", who=who, **fields)
    return factories.case(scheme, who=who)


def nominated(scheme, by, pct, *, ovp=None, **fields):
    who = factories.offender(scheme)
    scored(scheme, who, pct, ovp=ovp)
    return factories.referral(scheme, by, status="sent", who=who, **fields)


def draft(scheme):
    return scheme.policy.criteria("draft_london")


def verdicts(result):
    return {row.thing.pk if row.on_cohort else row.thing.reference: row.verdict for row in result.rows}


@pytest.mark.feature(105)
def test_who_leaves_stays_joins_and_is_not_known(forest, coordinator, by):
    leaves = on_cohort(forest, coordinator, 80, ovp=20, facts={"offences": []})
    stays = on_cohort(forest, coordinator, 80, ovp=30)
    open_ = on_cohort(forest, coordinator, 80)
    joins = nominated(forest, coordinator, 55, ovp=45, facts={"offences": BURGLARY})
    out = nominated(forest, coordinator, 40, ovp=45)

    result = what_if.try_out(by, draft(forest))

    assert verdicts(result) == {
        leaves.pk: "leaves", stays.pk: "stays", open_.pk: "not_known",
        joins.reference: "joins", out.reference: "stays_out",
    }  # fmt: skip
    assert (result.cohort, result.smallest, result.largest) == (3, 2, 3)
    by_case = {row.thing: row for row in result.rows}
    assert by_case[open_].missing == ("Violence score (OVP)", "Offences")
    assert by_case[stays].decides == "2-year OGRS of 75% or more and OVP of 30% or more"
    assert by_case[leaves].decides.startswith("None of: 2-year OGRS of 75%")
    assert by_case[leaves].today == "Met"


def test_imported_cases_are_judged_by_the_score_of_the_case_and_no_more_is_guessed(forest, by):
    factories.case(forest, score=80)

    (row,) = what_if.try_out(by, forest.policy.criteria()).rows

    assert (row.verdict, row.missing) == ("not_known", ("Reoffending score within 2 years", "MAPPA level")[1:])


def test_burglary_long_ago_is_not_known_where_only_recent_ones_were_asked_for(forest, coordinator, by):
    case = on_cohort(forest, coordinator, 60, ovp=50, facts={"offences": []})

    (row,) = what_if.try_out(by, draft(forest)).rows

    assert (row.thing, row.verdict, row.missing) == (case, "not_known", ("Offences",))


def test_figures_are_moved_and_an_ovp_is_asked_for(forest, coordinator, by):
    on_cohort(forest, coordinator, 72, ovp=20, facts={"offences": []})
    criteria = forest.policy.criteria()

    def verdict(figures, ovp=None):
        return what_if.try_out(by, trying.tried(criteria, figures, ovp)).rows[0].verdict

    assert verdict({}) == "leaves"
    assert verdict({"ogrs_75.0.at_least": 72}) == "stays"
    assert verdict({"ogrs_75.0.at_least": 73}) == "leaves"
    assert verdict({"ogrs_75.0.at_least": 72}, 20) == "stays"
    assert verdict({"ogrs_75.0.at_least": 72}, 21) == "leaves"


def test_months_are_moved(forest, coordinator, by):
    on_cohort(forest, coordinator, 60, facts={"offences": BURGLARY})
    criteria = forest.policy.criteria()

    for months, verdict in ((5, "stays"), (4, "leaves")):
        tried = trying.tried(criteria, {"band_robbery_burglary.1.within_months": months})
        assert what_if.try_out(by, tried).rows[0].verdict == verdict, months


def test_thresholds_name_every_figure_of_the_criteria():
    found = trying.thresholds(load_preset("london").criteria())

    assert [(each.name, each.value) for each in found] == [
        ("ogrs_75.0.at_least", 75),
        ("band_robbery_burglary.0.at_least", 51),
        ("band_robbery_burglary.0.at_most", 74),
        ("band_robbery_burglary.1.within_months", 12),
        ("band_exceptional.0.at_least", 51),
        ("band_exceptional.0.at_most", 74),
    ]
    assert trying.tried(load_preset("london").criteria(), {}) == load_preset("london").criteria()


def test_restricted_people_are_counted_for_those_alone_who_may_open_them(forest, coordinator, by):
    case = on_cohort(forest, coordinator, 80, ovp=30)
    Case.objects.filter(pk=case.pk).update(restricted=True)
    assert what_if.try_out(by, draft(forest)).rows == ()

    factories.named(case, coordinator)
    assert what_if.try_out(by, draft(forest)).count("stays") == 1


def test_drafts_and_decided_nominations_do_not_count(forest, coordinator, by):
    for status in ("draft", "not_accepted", "withdrawn"):
        factories.referral(forest, coordinator, status=status)

    assert what_if.try_out(by, draft(forest)).rows == ()


def test_number_of_queries_is_the_same_for_one_and_many(forest, coordinator, by, django_assert_num_queries):
    on_cohort(forest, coordinator, 80, ovp=30)
    nominated(forest, coordinator, 80)
    assert by.scheme.policy  # read once for a request
    with django_assert_num_queries(6):
        what_if.try_out(by, draft(forest))
    for _ in range(3):
        on_cohort(forest, coordinator, 60)
        nominated(forest, coordinator, 60, facts={"offences": BURGLARY})
    with django_assert_num_queries(6):
        what_if.try_out(by, draft(forest))


# --- The page and the file


@pytest.fixture
def client(sign_in, coordinator):
    return sign_in(coordinator)


@pytest.mark.feature(319)
@pytest.mark.feature(104)
def test_page_tries_the_draft_first_and_says_who_would_change(client, forest, coordinator):
    on_cohort(forest, coordinator, 80, ovp=20, name="Specimen", facts={"offences": []})

    page = client.get("/referrals/what-if/").content.decode()

    assert "Draft criteria for London, not adopted (draft)" in page
    assert "1 person is on the cohort now. It would be 0." in page
    assert "Would leave: 1" in page
    assert "SPECIMEN" in page.upper()
    assert "Source: Waltham Forest, 7.3" in page


def test_page_takes_other_criteria_and_figures(client, forest, coordinator):
    on_cohort(forest, coordinator, 72)

    page = client.get("/referrals/what-if/?criteria=standard&ogrs_75.0.at_least=70&also_ovp=").content.decode()

    assert "Would stay: 1" in page
    assert "With other figures: OGRS within 2 years: at least 70 instead of 75." in page


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param("criteria=none", "Choose the criteria to try", id="unknown criteria"),
        pytest.param("criteria=standard&ogrs_75.0.at_least=101", "less than or equal to 100", id="too much"),
        pytest.param("criteria=standard&ogrs_75.0.at_least=x", "Enter a whole number from 0 to 100", id="words"),
        pytest.param(
            "criteria=standard&band_robbery_burglary.0.at_most=10", "must not lie below the lower", id="order"
        ),
    ],
)
def test_page_says_what_cannot_be_tried(client, asked, words):
    assert words in client.get(f"/referrals/what-if/?{asked}").content.decode()


TAKE = {"criteria": "draft_london", "reason": "The board asked.", "recipient": "Board of the scheme"}


@pytest.mark.feature(319)
def test_file_needs_a_fresh_code_and_is_for_its_maker_for_a_day(client, sign_in, forest, coordinator):
    on_cohort(forest, coordinator, 80, ovp=20, name="=SUM(Specimen)", facts={"offences": []})
    with time_machine.travel("2026-02-26 10:06 +0000", tick=False):
        asked = client.post("/referrals/what-if/file/", TAKE)
        assert "fresh_code" in asked.content.decode(), "the code at sign-in is more than five minutes old"
        assert not Export.objects.exists()
        made = _with_code(client, coordinator, TAKE)

    export = Export.objects.get()
    assert made.url == f"/exports/{export.key}/"
    assert (export.rows, export.reason, export.recipient) == (1, "The board asked.", "Board of the scheme")
    taken = client.get(f"/exports/{export.key}/file/")
    assert taken["Content-Disposition"] == 'attachment; filename="what-if-draft_london-2026-02-26.csv"'
    rows = list(csv.reader(io.StringIO(taken.content.decode("utf-8-sig"))))
    assert rows[0][0] == "Reference"
    assert (rows[1][2], rows[1][4]) == ("On the cohort", "Would leave")
    assert rows[1][1].startswith("'="), "no spreadsheet takes a name for a formula"
    event = AuditEvent.objects.get(verb="export")
    assert event.context["rows"] == 1
    assert event.context["by_criteria"] == "draft_london"
    assert event.context["sha256"] == export.sha256
    assert AuditEvent.objects.filter(verb="download_export").count() == 1

    other = sign_in(factories.member(forest, "coordinator"))
    assert other.get(f"/exports/{export.key}/file/").status_code == 404
    by = actor_for(coordinator)
    with time_machine.travel("2026-02-27 10:05 +0000", tick=False):
        assert Export.objects.visible_to(by).exists()
    with time_machine.travel("2026-02-27 10:06 +0000", tick=False):
        assert not Export.objects.visible_to(by).exists()


def _with_code(client, coordinator, data):
    """The same form with the code typed, as the page that asks for it sends it."""
    with_app(coordinator.user)
    return client.post("/referrals/what-if/file/", data | {"fresh_code": app_code()})


def test_file_asks_why_and_for_whom(client, coordinator):
    answer = _with_code(client, coordinator, {"criteria": "draft_london"}).content.decode()

    assert "Enter why you need the file" in answer
    assert "Enter who will receive it" in answer
    assert not Export.objects.exists()
