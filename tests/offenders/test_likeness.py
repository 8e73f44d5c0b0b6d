"""Who of the people whom a scheme holds somebody may be: against the database."""

import random
from datetime import date

import pytest
from django.db import connection

from iom import walls
from offenders import actions, alike, likeness
from offenders.models import Offender
from tests import factories

BORN = date(1994, 2, 4)

pytestmark = pytest.mark.django_db


def known(scheme, *, names=("Sam", "Example"), born=BORN, aliases=(), **numbers):
    person = factories.offender(scheme, given_names=names[0], family_name=names[1], date_of_birth=born, **numbers)
    for name in aliases:
        person.aliases.create(scheme=scheme, name=name)
    return person


def found(scheme, given="Sam", family="Example", born=BORN, **more) -> list[Offender]:
    person = likeness.entered(given_names=given, family_name=family, date_of_birth=born, **more)
    return [each.offender for each in likeness.find(scheme, person)]


@pytest.mark.parametrize(
    ("given", "family", "born", "more"),
    [
        ("Sam", "Example", BORN, {}),
        ("Example", "Sam", BORN, {}),
        ("Sám", "Éxample", None, {}),
        ("Sam", "Exampel", date(1994, 4, 2), {}),
        ("Samuel", "Example", date(1993, 2, 4), {}),
        ("Kim", "Example", BORN, {}),
        ("Lee", "Testcase", None, {}),
        ("Kim", "Model", None, {"aliases": ["Sam Example"]}),
        ("Kim", "Model", None, {"pnc_number": "01/0123456A"}),
        ("Kim", "Model", None, {"cro_number": "sf39/12345b"}),
        ("Kim", "Model", None, {"prison_number": "A 1234 BC"}),
        ("Kim", "Model", None, {"probation_number": "x123456"}),
    ],
)
def test_one_person_is_found_however_they_are_entered(merton, given, family, born, more):
    numbers = {"cro_number": "SF39/12345B", "prison_number": "a1234bc", "probation_number": "X123456"}
    person = known(merton, aliases=["Lee Testcase"], pnc_number="2001/123456A", **numbers)

    assert found(merton, given, family, born, **more) == [person]


def test_nobody_is_found_where_nothing_speaks_for_it(merton):
    known(merton)

    assert found(merton, "Kim", "Model", date(1980, 3, 3)) == []
    assert found(merton, "", "", None) == []


def test_names_in_other_letters_are_compared(merton):
    person = known(merton, names=("Иван", "Примеров"))

    assert found(merton, "Иван", "Примерев", BORN) == [person]


def test_person_of_another_scheme_is_never_found(merton):
    known(merton)
    richmond = factories.scheme("richmond")

    with walls.within(richmond, cause="test"):
        assert found(richmond) == []
        assert found(merton) == []


def test_changed_name_and_number_are_found_as_they_are_now(merton, as_coordinator):
    person = known(merton, pnc_number="01/1A")

    actions.change_offender(
        person, by=as_coordinator, family_name="Specimen", pnc_number="02/2B", aliases=["Kim Model"]
    )

    assert found(merton, "Sam", "Specimen", None) == [person]
    assert found(merton, "Kim", "Model", None) == [person]
    assert found(merton, "Lee", "Testcase", None, pnc_number="2002/2b") == [person]
    assert found(merton, "Lee", "Testcase", None, pnc_number="01/1A") == []


def test_find_asks_one_query_however_many_there_are(merton, django_assert_num_queries):
    for _ in range(3):
        known(merton, aliases=["Sammy Example", "Lee Testcase"])
    person = likeness.entered(family_name="Example", given_names="Sam", date_of_birth=BORN, pnc_number="01/1A")

    with django_assert_num_queries(1):
        assert len(likeness.find(merton, person)) == 3


def test_pool_and_database_find_the_same(merton):
    dice = random.Random(4)
    first = ["Sam", "Samuel", "Lee", "Kim", "Mohamed", "Muhammad", "Bill", "William", "Zoe", "Zoë"]
    last = ["Example", "Exampel", "Specimen", "Sample", "Samples", "Testcase", "O'Model", "Omodel", "Ng"]

    def somebody():
        born = date(1994, dice.randint(1, 4), dice.randint(1, 4)) if dice.random() < 0.8 else None
        return dice.choice(first), dice.choice(last), born

    for _ in range(60):
        given, family, born = somebody()
        known(merton, names=(given, family), born=born, aliases=[f"{dice.choice(first)} {dice.choice(last)}"])
    pool = likeness.pool(merton)

    for _ in range(40):
        given, family, born = somebody()
        person = likeness.entered(given_names=given, family_name=family, date_of_birth=born)
        in_pool = {(mark.pk, how) for mark, how in pool.like(person)}
        assert {(each.offender.pk, each.likeness) for each in likeness.find(merton, person)} == in_pool


@pytest.mark.parametrize(
    ("one", "other"), [("sam example", "samuel exampel"), ("anna", "ann"), ("sam example", "example sam"), ("a", "b")]
)
def test_similarity_is_the_databases(one, other):
    with connection.cursor() as cursor:
        cursor.execute("SELECT similarity(%s, %s)", [one, other])
        assert alike.similarity(one, other) == pytest.approx(cursor.fetchone()[0])
