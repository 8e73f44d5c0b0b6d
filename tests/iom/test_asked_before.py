"""Questions that are put into SQL once, and whatever keeps one from it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.db.models import Prefetch

from iom import access, asked_before, clock, together
from iom.models import Meeting, Notification
from offenders.models import Case, RagRating
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    asked_before.forget()
    yield
    asked_before.forget()


@pytest.fixture
def police_actor(police):
    actor = access.actor_for(police)
    access.learn(actor)
    return actor


def kept(make) -> bool:
    return asked_before.lookup(make, together._Asked) is not None


def cases_of(actor, day):
    return lambda: Case.objects.visible_to(actor).filter(accepted_on__lte=day).order_by("pk")


def test_same_question_of_others_is_kept_and_answered_for_each(merton, police, chair, police_actor):
    one, two = factories.case(merton), factories.case(merton, since=date(2026, 2, 1))
    hidden = factories.case(merton, restricted=True)
    factories.named(hidden, police)

    def of(membership):
        actor = access.actor_for(membership)
        access.learn(actor)
        return actor

    asked = cases_of(of(police), date(2026, 3, 1))
    assert together.fetch([asked]) == [[one, two, hidden]]
    size = len(asked_before._kept)
    assert together.fetch(
        [cases_of(of(factories.member(merton, "member", "referrer", agency_kind="police")), date(2026, 3, 1))]
    ) == [[one, two]]
    assert len(asked_before._kept) == size
    assert together.fetch([cases_of(of(police), date(2026, 1, 31))]) == [[one, hidden]]
    assert len(asked_before._kept) == size + 1


def test_rows_lists_and_texts_that_a_question_names(merton, police_actor, django_assert_num_queries):
    cases = [factories.case(merton) for _ in range(3)]
    ratings = Prefetch("ratings", RagRating.objects.filter(until=None), to_attr="current_ratings")
    for case in cases:
        with django_assert_num_queries(1):
            assert together.fetch(
                [lambda case=case: RagRating.objects.filter(case=case, reason__contains="% coh")]
            ) == [[]]
    words = "New on the cohort"
    none, every, count = together.fetch(
        [lambda: [Case.objects.none(), Case.objects.filter(scheme=merton), together.counted(Case.objects.all())]]
    )[0]
    assert (none, len(every), count) == ([], 3, 3)
    for some in (cases, cases[:1], [], [cases[2], cases[2]]):
        found, count, there, numbered, offenders = together.fetch(
            [
                lambda: Case.objects.filter(pk__in=[case.pk for case in some]).order_by("pk").prefetch_related(ratings),
                lambda: together.counted(RagRating.objects.filter(case__in=some, reason=words)),
                lambda: together.exists(RagRating.objects.exclude(case__in=some)),
                lambda: together.first(Case.objects.filter(scheme=merton).order_by("-pk")),
                lambda: Case.objects.filter(scheme=merton).values_list("offender", flat=True).order_by("pk"),
            ]
        )
        assert found == sorted(set(some), key=lambda case: case.pk)
        assert [case.current_ratings[0].case for case in found] == found
        assert count == len(set(some))
        assert there == (len(set(some)) < 3)
        assert numbered == cases[-1]
        assert offenders == [case.offender_id for case in cases]


def test_what_looks_at_more_than_numbers_is_made_anew(merton, police_actor):
    meeting = factories.meeting(merton, date(2026, 3, 12))

    assert kept(lambda: Meeting.objects.filter(scheme=police_actor.scheme))
    assert kept(lambda: Notification.objects.visible_to(police_actor).unread())
    assert kept(lambda: Meeting.objects.filter(date=meeting.date))  # part of the question: Meeting says so
    assert not kept(lambda: Meeting.objects.filter(place=meeting.place))  # a value of a row
    assert kept(lambda: Case.objects.filter(created_at__lt=clock.now()))  # the present instant
    assert not kept(lambda: Case.objects.filter(accepted_on__lt=clock.now().date()))  # reckoned from it
    assert not kept(lambda: Case.objects.filter(created_at__lt=clock.now() - timedelta(days=1)))
    assert not kept(lambda: Meeting.objects.filter(pk__in=list(Meeting.objects.values_list("pk", flat=True))))
    assert not kept(lambda: Case.objects.filter(reference=f"IOM-{meeting.pk}"))  # a number within a text
    assert not kept(lambda: meeting.items.all())  # would give its rows a stand-in for their meeting
    assert kept(lambda: Case.objects.none())
    assert together.fetch([lambda: Meeting.objects.filter(date=meeting.date), lambda: meeting.items.all()]) == [
        [meeting],
        [],
    ]


def test_another_day_is_another_question(merton, police_actor, settings):
    factories.case(merton)

    def due():
        return Case.objects.filter(accepted_on__lte=clock.today())

    for day, many in ((date(2026, 1, 11), 0), (date(2026, 1, 12), 1)):
        with clock.as_of(clock.at(day, clock.time(12))):
            assert len(together.fetch([lambda: due()])[0]) == many


def test_one_that_was_kept_wrongly_is_found_out(merton, police_actor):
    case = factories.case(merton)
    asked = lambda: RagRating.objects.filter(case=case)  # noqa: E731
    asked_before.forget()
    together.fetch([asked])
    ([entry],) = asked_before._kept.values()

    entry.values[0] += 1

    with pytest.raises((AssertionError, IndexError)):
        together.fetch([asked])


def test_the_database_keeps_the_plan_of_what_is_asked_again_and_nobodys_numbers(merton, police_actor):
    case = factories.case(merton)
    for _ in range(4):
        together.fetch([lambda: RagRating.objects.filter(case=case), lambda: together.counted(Meeting.objects.all())])

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%%offenders_ragrating%%'")
        [(words,)] = cursor.fetchall()
    assert '"case_id" = $1::bigint' in words


def test_an_actor_of_whom_more_is_learnt_is_asked_for_anew(merton, police, police_actor):
    hidden = factories.case(merton, restricted=True)
    asked = cases_of(police_actor, date(2026, 3, 1))
    assert together.fetch([asked]) == [[]]

    factories.named(hidden, police)
    access.learn(police_actor)

    assert together.fetch([asked]) == [[hidden]]


def test_only_what_was_asked_last_is_kept(merton, police_actor, monkeypatch):
    monkeypatch.setattr(asked_before, "AT_MOST", 2)
    asked_before.forget()

    for text in ("a", "b", "a", "c"):
        together.fetch([lambda text=text: Case.objects.filter(why=text)])

    assert len(asked_before._kept) == 2
    assert ["'a'" in str(key) for key in asked_before._kept] == [True, False]
