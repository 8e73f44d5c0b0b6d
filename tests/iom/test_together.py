"""Many questions in one statement, and the same answers as one by one."""

from __future__ import annotations

from datetime import date

import pytest
from django.apps import apps
from django.db.models import Count, F, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Now

from iom import together
from iom.blocks import Task
from iom.models import Agency, Membership, Notification, Scheme, User
from offenders.models import Assignment, Case, CustodyPeriod, Offender, RagRating
from tests import factories
from tests.world import World

OURS = ("iom", "offenders", "referrals", "actionplans", "panels")

pytestmark = pytest.mark.django_db


@pytest.fixture
def cases(merton):
    names = ("Example", "Sample", "Specimen")
    return [factories.case(merton, who=factories.offender(merton, family_name=name)) for name in names]


def same(rows, expected):
    assert rows == list(expected)
    for mine, theirs in zip(rows, expected, strict=True):
        if hasattr(mine, "__dict__"):
            fields = [field.attname for field in mine._meta.concrete_fields]
            assert {name: getattr(mine, name) for name in fields} == {name: getattr(theirs, name) for name in fields}
            assert mine._state.adding is False
            assert mine._state.db == "default"


def test_each_kind_of_question_is_answered_as_by_itself(merton, cases, django_assert_num_queries):
    questions = [
        Case.objects.order_by("pk"),
        Case.objects.select_related("offender", "scheme").order_by("-pk")[:2],
        Offender.objects.values("family_name", "date_of_birth").order_by("family_name"),
        Offender.objects.values_list("pk", flat=True).order_by("-pk"),
        Case.objects.values_list("status").annotate(many=Count("pk")).order_by("status"),
        RagRating.objects.annotate(at=Now(), five=Value(5), name=F("case__offender__sort_name")).order_by("pk"),
        Agency.objects.values_list("scheme").distinct().order_by("scheme"),
        User.objects.order_by("pk"),
        Scheme.objects.filter(Q(pk=merton.pk) | Q(slug="none")),
        Case.objects.none(),
        Case.objects.filter(offender__family_name="50% off").order_by("pk"),
    ]

    with django_assert_num_queries(1):
        found = together.fetch(questions)

    for rows, question in zip(found, questions, strict=True):
        if question.model is not RagRating:
            same(rows, question)
    assert [row.five for row in found[5]] == [5, 5, 5]
    assert found[5][0].at.utcoffset() is not None
    assert [row.name for row in found[5]] == [case.offender.sort_name for case in cases]
    with django_assert_num_queries(0):
        assert found[1][0].offender.family_name == "Specimen"


def test_every_table_with_rows_is_read_so_too():
    world = World.make("merton")
    factories.act_in(world.scheme)
    models = [model for model in apps.get_models() if model._meta.managed and model._meta.app_label in OURS]

    found = together.fetch([model._base_manager.order_by("pk") for model in models])

    filled = [model for model, rows in zip(models, found, strict=True) if rows]
    assert len(filled) > 60
    for model, rows in zip(models, found, strict=True):
        same(rows, model._base_manager.order_by("pk"))


def test_counts_firsts_and_existence(cases, django_assert_num_queries):
    closed = Case.objects.filter(status="closed")
    with django_assert_num_queries(1):
        assert together.fetch(
            [
                together.counted(Case.objects.order_by("offender__sort_name")),
                together.counted(closed),
                together.counted(Case.objects.all()[:2]),
                together.counted(Case.objects.none()),
                together.first(Case.objects.order_by("-pk")),
                together.first(closed),
                together.exists(Case.objects.all()),
                together.exists(closed),
                together.exists(Case.objects.none()),
            ]
        ) == [3, 0, 2, 0, cases[-1], None, True, False, False]


@pytest.mark.parametrize(
    ("start", "size", "names"),
    [(0, 2, ["Specimen", "Sample"]), (2, 2, ["Example"]), (4, 2, []), (1, None, ["Sample", "Example"])],
)
def test_a_page_says_how_many_there_are_in_all(cases, start, size, names, django_assert_num_queries):
    listed = Case.objects.select_related("offender").order_by("-offender__sort_name")

    with django_assert_num_queries(1):
        (many, page), (none, nobody) = together.fetch(
            [
                together.paged(listed.filter(status="open"), listed, start=start, size=size),
                together.paged(listed.none(), listed, start=start, size=size),
            ]
        )
        assert [case.offender.family_name for case in page] == names

    assert (many, none, nobody) == (3, 0, [])


def test_what_points_to_rows_is_read_for_all_in_one_statement_more(cases, django_assert_num_queries):
    ratings = Prefetch("ratings", RagRating.objects.filter(until=None), to_attr="current_ratings")

    with django_assert_num_queries(2):
        found, again = together.fetch(
            [
                Case.objects.order_by("pk").prefetch_related(ratings, "assignments"),
                Case.objects.order_by("-pk").prefetch_related(Prefetch("custody_periods", CustodyPeriod.objects.all())),
            ]
        )

    expected = Case.objects.order_by("pk").prefetch_related(ratings, "assignments")
    with django_assert_num_queries(0):
        assert [list(case.assignments.all()) for case in found] == [[] for _ in cases]
        assert [list(case.custody_periods.all()) for case in again] == [[] for _ in cases]
        assert all(case.current_ratings[0].case is case for case in found)
    assert [case.current_ratings for case in found] == [case.current_ratings for case in expected]


def test_parts_go_on_side_by_side_and_each_round_is_one_statement(cases, django_assert_num_queries):
    def short():
        return (yield Case.objects.order_by("pk"))[0].pk

    def long():
        (first,) = yield [together.first(Case.objects.order_by("pk"))]
        people, led = yield [Offender.objects.filter(pk=first.offender_id), Assignment.objects.filter(case=first)]
        return people[0].family_name, led

    def outer():
        return (yield from long())[0]

    with django_assert_num_queries(2):
        found = together.run(
            together.all_of({"short": short(), "long": long(), "outer": outer(), "nothing": 7, "again": short()})
        )

    assert found == {
        "short": cases[0].pk,
        "long": ("Example", []),
        "outer": "Example",
        "nothing": 7,
        "again": cases[0].pk,
    }
    assert list(found) == ["short", "long", "outer", "nothing", "again"]


def test_a_part_that_fails_is_answered_for(cases):
    def good():
        return len((yield Case.objects.all()))

    def bad():
        yield Case.objects.all()
        raise ValueError("of its own")

    parts = {"bad": bad(), "good": good()}
    assert together.run(together.all_of(parts, failed=lambda name, error: f"{name}: {error}")) == {
        "bad": "bad: of its own",
        "good": 3,
    }
    with pytest.raises(ValueError, match="of its own"):
        together.run(together.all_of({"bad": bad()}))


def test_a_source_yields_its_items_between_its_questions(cases):
    def source():
        yield Task(date(2026, 3, 12), "first", "/")
        names = yield Offender.objects.order_by("family_name").values_list("family_name", flat=True)
        yield from (Task(None, name, "/") for name in names)

    assert [task.text for task in together.run(together.items_of(source()))] == [
        "first",
        "Example",
        "Sample",
        "Specimen",
    ]
    assert together.run(together.items_of([1, 2])) == [1, 2]


def test_what_several_parts_share_is_found_once(cases, django_assert_num_queries):
    went = []

    def people(wanted):
        went.append(wanted)
        first = yield Offender.objects.order_by("pk")
        again = yield Offender.objects.filter(pk__in=[each.pk for each in first]).order_by("-pk")
        return [each.family_name for each in again]

    def one():
        names, many = yield [together.shared(people, "all"), together.counted(Case.objects.all())]
        return names, many

    def other():
        yield Case.objects.all()
        return (yield together.shared(people, "all"))

    def late():
        yield Case.objects.all()
        yield Case.objects.order_by("pk")
        return (yield [together.shared(people, "all")])

    names = ["Specimen", "Sample", "Example"]

    def inner():
        return (yield from together.all_of({"late": late()}))["late"][0]

    # What is shared takes two rounds, for which all that go on beside it wait.
    with django_assert_num_queries(3):
        found = together.run(together.all_of({"one": one(), "other": other(), "late": late(), "inner": inner()}))
    assert found.pop("inner") == names
    assert found == {"one": (names, 3), "other": names, "late": [names]}
    assert went == ["all"]
    with django_assert_num_queries(2):
        assert together.run(one()) == (names, 3)


def test_what_is_shared_and_fails_fails_for_whoever_asked(cases):
    def broken():
        yield Case.objects.all()
        raise ValueError("of its own")

    def asks():
        found, _ = yield [together.shared(broken), Case.objects.all()]
        return found

    def forgives():
        try:
            yield together.shared(broken)
        except ValueError:
            return "without"

    def inner():
        return (yield from together.all_of({"asks": asks(), "good": 2}, failed=lambda name, error: f"{name} failed"))

    assert together.run(inner()) == {"asks": "asks failed", "good": 2}
    parts = {"asks": asks(), "forgives": forgives(), "good": 1}
    assert together.run(together.all_of(parts, failed=lambda name, error: str(error))) == {
        "asks": "of its own",
        "forgives": "without",
        "good": 1,
    }


def test_what_is_ready_is_put_into_words_once_and_asked_of_each_value(cases, django_assert_num_queries):
    went = []

    @together.worded
    def ratings(case, since):
        went.append(case)
        return RagRating.objects.filter(case=case, starts_on__gte=since).select_related("case__offender")

    @together.worded
    def people(name):
        return together.counted(Offender.objects.filter(family_name=name))

    day = date(2020, 1, 1)
    with django_assert_num_queries(1):
        found = together.fetch([*(ratings(case.pk, day) for case in cases), people("Sample"), people("50% off")])
    assert found == [list(RagRating.objects.filter(case=case)) for case in cases] + [1, 0]
    assert [rows[0].case.offender.family_name for rows in found[:3]] == ["Example", "Sample", "Specimen"]
    assert together.run(together.asked(ratings(cases[1].pk, date(2999, 1, 1)))) == []
    assert len(went) == 1


def test_what_is_ready_uses_all_its_values_and_only_simple_ones(cases):
    with pytest.raises(TypeError, match="as it is"):
        together.worded(lambda case, other: Case.objects.filter(pk=case))(1, 2)
    with pytest.raises(TypeError, match="as it is"):
        together.worded(lambda case: Case.objects.none())(1)
    with pytest.raises(TypeError, match="is no value"):
        together.worded(lambda case: Case.objects.filter(pk=case))(cases[0])


def test_no_question_is_no_statement(django_assert_num_queries):
    def none():
        return (yield [])

    with django_assert_num_queries(0):
        assert together.run(none()) == []
        assert together.run(5) == 5
        assert together.fetch([Case.objects.none(), Membership.objects.none(), Notification.objects.none()]) == [
            [],
            [],
            [],
        ]


@together.worded
def _ratings_of(cases: list[int], since: date, colour: str) -> QuerySet:
    rows = RagRating.objects.filter(case__in=cases, starts_on__gte=since, colour=colour)
    return rows.select_related("case").order_by("pk")


def test_words_that_are_made_once_ask_with_other_values(cases, django_assert_num_queries):
    numbers, since = [case.pk for case in cases], date(2000, 1, 1)
    with django_assert_num_queries(1):
        every, none, later, again = together.fetch(
            [
                _ratings_of(cases=numbers, since=since, colour="RED"),
                _ratings_of(cases=[], since=since, colour="RED"),
                _ratings_of(cases=numbers, since=date(2999, 1, 1), colour="RED"),
                _ratings_of(cases=numbers[:1], since=since, colour="RED"),
            ]
        )

    same(every, RagRating.objects.filter(colour="RED").order_by("pk"))
    assert every and again == every[:1] and none == later == []
    with django_assert_num_queries(0):
        assert [rating.case for rating in every] == cases


def test_words_that_would_change_with_the_values_are_refused(cases):
    @together.worded
    def changed(number: int) -> QuerySet:
        return Case.objects.filter(pk=number + 1)

    with pytest.raises(TypeError, match="as it is"):
        changed(number=1)
