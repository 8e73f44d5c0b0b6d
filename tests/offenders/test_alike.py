"""Whether two people may be one: pure rules."""

from datetime import date

import pytest

from offenders import alike
from offenders.alike import Certainty, Person, judge

LIMITS = alike.Thresholds()
BORN = date(1994, 2, 4)


def of(*names: str, born: date | None = BORN, **numbers: str) -> Person:
    return Person(names, born, numbers)


def certainty(entered: Person, held: Person) -> Certainty | None:
    likeness = judge(entered, held, LIMITS)
    return likeness and likeness.certainty


@pytest.mark.parametrize(
    ("written", "plainly"),
    [
        ("Zoë  O’SPECIMEN-Løvé", "zoe ospecimen love"),
        ("D'Sample", "dsample"),
        ("Straße", "strasse"),
        ("Łukasz Example", "lukasz example"),
        ("", ""),
        ("--", ""),
    ],
)
def test_plain_forgets_what_spellings_differ_in(written, plainly):
    assert alike.plain(written) == plainly


@pytest.mark.parametrize(
    ("entered", "held", "words"),
    [
        ("Sam Example", "Sam Example", "same name"),
        ("SAM EXAMPLE", "Sám Example", "same name"),
        ("Example Sam", "Sam Example", "same name, in another order"),
        ("Anne-Marie Specimen", "Anne Marie Specimen", "same name"),
        ("Annemarie Specimen", "Anne Marie Specimen", "same name"),
        ("Sam Exampel", "Sam Example", "similar name"),
        ("Samuel Example", "Sam Example", "similar name"),
        ("Bill Specimen", "William Specimen", "similar name"),
        ("Mohamed Sample", "Muhammad Sample", "similar name"),
        ("S Example", "Sam Example", "similar name"),
        ("Sam Peter Example", "Sam Example", "similar name"),
    ],
)
def test_names_are_compared_in_every_spelling(entered, held, words):
    likeness = judge(of(entered), of(held), LIMITS)

    assert likeness.reasons[-1].words == words
    assert likeness.certainty == (Certainty.SURE if words.startswith("same") else Certainty.LIKELY)


@pytest.mark.parametrize("held", ["Lee Testcase", "Kim Model", "Sam"])
def test_another_name_with_another_birth_is_nobody(held):
    assert judge(of("Sam Example"), of(held, born=date(1980, 7, 9)), LIMITS) is None


def test_alias_counts_as_a_name_on_either_side():
    held = of("Lee Testcase", "Sammy Example", born=BORN)

    assert judge(of("Sam Example"), held, LIMITS).words == "same date of birth, similar name (alias)"
    assert judge(of("Kim Model", "Lee Testcase"), held, LIMITS).words == "same date of birth, same name (alias)"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (BORN, date(1994, 2, 4), alike.SAME),
        (BORN, date(1994, 4, 2), alike.SWAPPED),
        (BORN, date(1993, 2, 4), alike.A_YEAR),
        (BORN, date(1995, 2, 4), alike.A_YEAR),
        (BORN, date(1996, 2, 4), alike.A_DIGIT),
        (BORN, date(1994, 2, 5), alike.A_DIGIT),
        (BORN, date(1984, 2, 4), alike.A_DIGIT),
        (date(1999, 2, 4), date(2000, 2, 4), alike.A_YEAR),
        (BORN, date(1992, 2, 5), alike.DIFFERENT),
        (BORN, date(1994, 12, 14), alike.DIFFERENT),
        (BORN, None, alike.UNKNOWN),
        (None, None, alike.UNKNOWN),
    ],
)
def test_dates_of_birth_are_compared_as_people_get_them_wrong(one, other, words):
    assert alike.compare_births(one, other) == words
    assert alike.compare_births(other, one) == words


@pytest.mark.parametrize("born", [BORN, date(2000, 2, 29), date(1999, 12, 31), date(2001, 1, 1)])
def test_near_births_are_those_that_are_compared_as_near(born):
    near = alike.near_births(born)

    assert all(alike.compare_births(born, each) not in (alike.DIFFERENT, alike.UNKNOWN) for each in near)
    every_day = (date.fromordinal(day) for day in range(date(1980, 1, 1).toordinal(), date(2022, 1, 1).toordinal()))
    assert {day for day in every_day if alike.compare_births(born, day) != alike.DIFFERENT} <= set(near)


@pytest.mark.parametrize(
    ("name", "born", "expected"),
    [
        ("Sam Example", BORN, Certainty.SURE),
        ("Sam Example", date(1994, 4, 2), Certainty.LIKELY),
        ("Sam Example", None, Certainty.LIKELY),
        ("Sam Example", date(1970, 8, 8), Certainty.POSSIBLE),
        ("Samuel Example", BORN, Certainty.LIKELY),
        ("Samuel Example", date(1995, 2, 4), Certainty.POSSIBLE),
        ("Samuel Example", None, Certainty.POSSIBLE),
        ("Samuel Example", date(1970, 8, 8), None),
        ("Lee Example", BORN, Certainty.POSSIBLE),
        ("Lee Example", date(1994, 4, 2), None),
        ("Lee Testcase", BORN, None),
    ],
)
def test_name_and_birth_decide_together(name, born, expected):
    assert certainty(of("Sam Example"), of(name, born=born)) == expected


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("pnc_number", "2001/0123456A", "01/123456a"),
        ("cro_number", "123456/01A", "12345601a"),
        ("prison_number", "A1234BC", "a1234 bc"),
        ("probation_number", "X123456", "x123456"),
    ],
)
def test_number_in_common_is_sure_whatever_the_name(kind, one, other):
    likeness = judge(of("Sam Example", **{kind: one}), of("Lee Testcase", born=None, **{kind: other}), LIMITS)

    assert likeness.certainty == Certainty.SURE
    assert likeness.agrees(kind)
    assert likeness.reasons[0].held == other


def test_another_number_makes_it_less_sure():
    held = of("Sam Example", pnc_number="01/654321B")

    likeness = judge(of("Sam Example", pnc_number="01/123456A"), held, LIMITS)

    assert likeness.certainty == Certainty.LIKELY
    assert likeness.words == "same date of birth, same name; another PNC number"


def test_number_written_as_nothing_is_none():
    assert judge(of("Sam Example", pnc_number=" / "), of("Lee Testcase", pnc_number="-"), LIMITS) is None


def test_thresholds_decide_what_is_similar():
    strict = alike.Thresholds(name=0.99)

    assert certainty(of("Samuel Example"), of("Sam Example")) == Certainty.LIKELY
    assert judge(of("Samuel Example"), of("Sam Example"), strict).certainty == Certainty.POSSIBLE


def test_pool_finds_the_surest_first():
    pool = alike.Pool(LIMITS)
    pool.add("far", of("Sam Example", born=date(1970, 8, 8)))
    pool.add("nobody", of("Kim Model", born=date(1980, 3, 3)))
    pool.add("number", of("Lee Testcase", born=None, pnc_number="01/1A"))
    pool.add("alias", of("Lee Testcase", "Samuel Example"))

    found = pool.like(of("Sam Example", pnc_number="2001/0000001A"))

    assert [mark for mark, _ in found] == ["number", "alias", "far"]
