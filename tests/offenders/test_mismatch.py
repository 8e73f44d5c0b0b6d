"""Ratings held against what is shown: on their boundary days, by hand."""

from datetime import date, timedelta

import pytest

from iom.policy import load_preset
from offenders.mismatch import Event, Says, intensity, lasted, mismatches

MERTON, HAMPSHIRE = load_preset("merton"), load_preset("hampshire")
TODAY = date(2026, 3, 12)
LONG_AGO = date(2025, 11, 3)


def ago(days):
    return TODAY - timedelta(days=days)


def kinds(colour, *shown, policy=MERTON, since=LONG_AGO, by_panel=True, **where):
    says = Says(colour, since, by_panel, **where)
    return [each.kind for each in mismatches(policy, says, shown, TODAY)]


@pytest.mark.parametrize(
    ("colour", "shown", "found"),
    [
        ("RED", [Event("enforcement", ago(7))], []),
        ("RED", [Event("enforcement", ago(8))], ["red_no_enforcement"]),
        ("RED", [Event("contact", ago(1))], ["red_no_enforcement"]),
        ("AMBER", [Event("intervention", ago(28))], []),
        ("AMBER", [Event("intervention", ago(29))], ["amber_no_help"]),
        ("GREEN", [], []),
        ("GREEN", [Event("alarm", LONG_AGO, "Arrest")], ["green_alarm"]),
        ("GREEN", [Event("alarm", LONG_AGO - timedelta(days=1), "Arrest")], []),
        ("GREEN", [Event("alarm", ago(1))], []),  # marked for fewer than the panel
        ("BLUE", [], ["blue_outside"]),
    ],
)
def test_rating_fits_what_is_shown_or_does_not(colour, shown, found):
    assert kinds(colour, *shown) == found


def test_young_rating_is_given_its_time_and_an_arrest_just_before_green_still_counts():
    assert kinds("RED", since=ago(6)) == [] and kinds("RED", since=ago(7)) == ["red_no_enforcement"]
    assert kinds("GREEN", Event("alarm", ago(28), "Charge"), since=ago(2)) == ["green_alarm"]
    assert kinds("GREEN", Event("alarm", ago(29), "Charge"), since=ago(2)) == []


def test_inside_is_blue_unless_a_panel_rated_ahead_of_release_or_the_scheme_has_no_blue():
    inside = {"inside_since": ago(60), "inside_covered": True}
    assert kinds("RED", **inside) == ["inside_not_blue"]
    assert kinds("BLUE", **inside) == []
    assert kinds("RED", since=ago(3), **inside) == []
    assert kinds("RED", since=ago(3), by_panel=False, **inside) == ["inside_not_blue"]
    assert kinds("RED", policy=HAMPSHIRE, **inside) == []


def test_words_say_how_much_and_by_which_rule():
    shown = [Event("alarm", ago(3), "Arrest"), Event("alarm", ago(1), "Charge")]
    (one,) = mismatches(MERTON, Says("GREEN", LONG_AGO, True), shown, TODAY)

    assert (one.words, one.source) == ("Rated Green, and charge on 11 March and 1 more", "default")


def test_intensity_is_a_figure_beside_what_the_rating_expects():
    seen = [Event("contact", ago(n)) for n in range(15)] + [Event("enforcement", ago(n)) for n in range(28)]

    red = intensity(MERTON, Says("RED", LONG_AGO, True), seen, TODAY)
    few = intensity(MERTON, Says("RED", LONG_AGO, True), seen[:10], TODAY)
    green = intensity(MERTON, Says("GREEN", LONG_AGO, True), seen, TODAY)
    young = intensity(MERTON, Says("RED", ago(6), True), seen[:5], TODAY)

    assert (red.seen, red.enforced, red.fits) == (43, 28, True)
    assert few.said == "10 in 28 days, 0 of them enforcement: less than the rating expects (20 or more)"
    assert not green.fits and "more than the rating expects" in green.said
    assert (young.days, young.expected, young.fits) == (7, 5, True)
    assert intensity(MERTON, Says("BLUE", LONG_AGO, True, inside_since=LONG_AGO), seen, TODAY) is None


def test_how_long_a_rating_has_lasted():
    assert lasted(date(2025, 9, 14), date(2026, 2, 26)) == "5 months 12 days"
    assert lasted(date(2025, 8, 31), date(2026, 2, 28)) == "6 months"
    assert lasted(TODAY, TODAY) == "less than a day"
