"""The quick action line reads what is plain and asks about the rest."""

from datetime import date

import pytest

from actionplans.quickline import parse

AGENCIES = [
    ("housing", "Housing"),
    ("probation-service", "Probation Service"),
    ("police", "Police"),
    ("police-iom", "Police IOM team"),
    ("drugs", "Drugs and alcohol service"),
]
PEOPLE = [
    (1, "Jo Reid", "housing"),
    (2, "Kofi Osei", "probation-service"),
    (3, "Ama Osei", "drugs"),
    (4, "Tom Dunn", "police"),
]
TODAY = date(2026, 3, 5)  # a Thursday
PANEL = date(2026, 3, 12)


def read(line, *, next_panel=PANEL, today=TODAY):
    return parse(line, agencies=AGENCIES, people=PEOPLE, today=today, next_panel=next_panel)


def test_line_gives_agency_text_and_day():
    parsed = read("Housing: confirm tenancy reference by 13 Mar")

    assert (parsed.agency, parsed.owner, parsed.text, parsed.due, parsed.questions) == (
        "housing",
        None,
        "confirm tenancy reference",
        date(2026, 3, 13),
        (),
    )


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ("13/3", date(2026, 3, 13)),
        ("13.3", date(2026, 3, 13)),
        ("13/3/2027", date(2027, 3, 13)),
        ("13 mar", date(2026, 3, 13)),
        ("13 Mar.", date(2026, 3, 13)),
        ("13th march 2026", date(2026, 3, 13)),
        ("5 mar", date(2026, 3, 5)),
        ("1 sept", date(2026, 9, 1)),
        ("2026-03-13", date(2026, 3, 13)),
        ("fri", date(2026, 3, 6)),
        ("Wednesday", date(2026, 3, 11)),
        ("2w", date(2026, 3, 19)),
        ("2 weeks", date(2026, 3, 19)),
        ("10 days", date(2026, 3, 15)),
        ("today", date(2026, 3, 5)),
        ("tomorrow", date(2026, 3, 6)),
        ("next panel", PANEL),
        ("the next meeting", PANEL),
    ],
)
def test_day_is_read(words, due):
    parsed = read(f"Housing: call the landlord by {words}")

    assert (parsed.text, parsed.due, parsed.questions) == ("call the landlord", due, ())


@pytest.mark.parametrize(
    ("line", "question"),
    [
        pytest.param("Housing: call", "By when?", id="no day"),
        pytest.param("Housing: call by 31 feb", "“31 feb” is not a real date. By which day?", id="unreal"),
        pytest.param("Housing: call by 30/2/2026", "“30/2/2026” is not a real date. By which day?", id="unreal year"),
        pytest.param("Housing: call by 4/3/2026", "“4/3/2026” is over. By which day?", id="over"),
        pytest.param("Housing: call by 4 mar", "“4 mar” would be 4 March 2027. By which day?", id="a year away"),
        pytest.param("Housing: call by 60w", "“60w” would be 29 April 2027. By which day?", id="many weeks"),
        pytest.param("Housing: call by next fri", "Which Friday is “next fri”? Write the date.", id="next Friday"),
        pytest.param("Housing: call by thu", "Which Thursday is “thu”? Write the date.", id="today's weekday"),
    ],
)
def test_day_that_is_not_plain_is_asked_about(line, question):
    parsed = read(line)

    assert (parsed.due, parsed.questions) == (None, (question,))


def test_next_panel_is_asked_about_when_none_is_planned():
    parsed = read("Housing: call by next panel", next_panel=None)

    assert (parsed.due, parsed.questions) == (None, ("No next panel is planned. By which day?",))


@pytest.mark.parametrize(
    ("who", "agency", "owner"),
    [
        pytest.param("housing", "housing", None, id="name"),
        pytest.param("Prob", "probation-service", None, id="start of the name"),
        pytest.param("alcohol", "drugs", None, id="a word in the name"),
        pytest.param("Police", "police", None, id="whole name before a longer one"),
        pytest.param("J Reid", "housing", 1, id="initial and surname"),
        pytest.param("J. Reid", "housing", 1, id="initial with a full stop"),
        pytest.param("Reid", "housing", 1, id="surname"),
        pytest.param("kofi osei", "probation-service", 2, id="full name"),
        pytest.param("k osei", "probation-service", 2, id="initial tells two apart"),
    ],
)
def test_who_is_found(who, agency, owner):
    parsed = read(f"{who}: call by fri")

    assert (parsed.agency, parsed.owner, parsed.questions) == (agency, owner, ())


@pytest.mark.parametrize(
    ("line", "question"),
    [
        pytest.param("confirm tenancy by fri", "Which agency will do this?", id="nobody named"),
        pytest.param("Fire: visit by fri", "Which agency is “Fire”?", id="not known"),
        pytest.param("Pol: visit by fri", "Which one is “Pol”: Police or Police IOM team?", id="two agencies"),
        pytest.param(
            "Osei: visit by fri",
            "Which one is “Osei”: Kofi Osei (Probation Service) or Ama Osei (Drugs and alcohol service)?",
            id="two people",
        ),
    ],
)
def test_who_is_asked_about_when_not_plain(line, question):
    parsed = read(line)

    assert (parsed.agency, parsed.owner, parsed.questions) == (None, None, (question,))


def test_by_that_is_no_day_belongs_to_the_text():
    parsed = read("Housing: visit by appointment by fri")

    assert (parsed.text, parsed.due) == ("visit by appointment", date(2026, 3, 6))


@pytest.mark.parametrize("line", ["", "   ", ":", "Housing:", "by", "\x00", "::::", "by by by"])
def test_line_without_sense_asks_and_never_fails(line):
    assert read(line).questions


def test_29_february_is_the_next_real_one():
    assert read("Housing: call by 29 feb", today=date(2027, 12, 1)).due == date(2028, 2, 29)
