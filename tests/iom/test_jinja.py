from datetime import UTC, date, datetime, time

import pytest
from django import forms
from django.forms import formset_factory
from django.http import QueryDict
from django.template import engines
from jinja2 import UndefinedError

from iom import jinja


def render(source, **context):
    return engines["jinja2"].env.from_string(source).render(**context)


def test_page_stops_at_a_name_that_is_not_there():
    with pytest.raises(UndefinedError):
        render("{{ nowhere }}")


def test_page_stops_at_an_attribute_that_is_not_there():
    with pytest.raises(UndefinedError):
        render("{{ case.nowhere }}", case=object())


def test_govuk_macro_takes_few_parameters_in_a_strict_page():
    source = (
        '{% from "govuk_frontend_jinja/components/button/macro.html" import govukButton %}'
        '{{ govukButton({"text": words}) }}'
    )

    html = render(source, words="Save <b>")

    assert "Save &lt;b&gt;" in html
    assert 'class="govuk-button"' in html


def test_page_escapes_what_people_typed():
    assert render("{{ name }}", name="<script>") == "&lt;script&gt;"


THURSDAY = date(2026, 3, 12)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (jinja.day, "12 Mar 2026"),
        (jinja.longday, "Thursday 12 March 2026"),
        (jinja.weekday_day, "Thu 12 March"),
        (jinja.weekday_short, "Thu 12 Mar"),
        (jinja.day_month, "12 March"),
        (jinja.isodate, "2026-03-12"),
    ],
)
def test_date_in_words(write, words):
    assert write(THURSDAY) == words
    assert write(None) == ""


@pytest.mark.parametrize(
    ("on", "words"),
    [
        pytest.param(date(2026, 9, 8), "Thu 12 Mar", id="180 days ago"),
        pytest.param(date(2026, 9, 9), "12 Mar 2026", id="181 days ago"),
        pytest.param(date(2025, 9, 13), "Thu 12 Mar", id="in 180 days"),
        pytest.param(date(2025, 9, 12), "12 Mar 2026", id="in 181 days"),
    ],
)
def test_day_half_a_year_off_is_written_with_its_year(on, words):
    assert jinja.near_day(THURSDAY, on) == words
    assert jinja.near_day(None, on) == ""


def test_instant_is_shown_as_the_london_day_it_falls_on():
    late_evening_utc = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)

    assert jinja.moment(late_evening_utc) == "1 Jul 2026, 00:30"
    assert jinja.isodate(late_evening_utc) == "2026-07-01"


def test_instant_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        jinja.day(datetime(2026, 3, 12, 10, 42))


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (time(0, 0), "midnight"),
        (time(0, 5), "12:05am"),
        (time(9, 30), "9:30am"),
        (time(12, 0), "midday"),
        (time(12, 30), "12:30pm"),
        (time(17, 0), "5pm"),
    ],
)
def test_hour_reads_as_spoken(when, words):
    assert jinja.hour(when) == words


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (date(2026, 2, 23), "3 days late"),
        (date(2026, 2, 25), "1 day late"),
        (date(2026, 2, 26), "due today"),
        (date(2026, 2, 27), "due tomorrow"),
        (date(2026, 3, 2), "due Monday"),
        (date(2026, 3, 4), "due Wednesday"),
        (date(2026, 3, 5), "in 7 days"),
        (date(2026, 3, 17), "in 19 days"),
    ],
    ids=lambda value: str(value),
)
def test_contextual_says_how_near_a_date_is(due, words):
    assert jinja.contextual(due, date(2026, 2, 26)) == words


def test_contextual_takes_the_london_day_of_an_instant():
    just_after_midnight_in_london = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)

    assert jinja.contextual(just_after_midnight_in_london, date(2026, 7, 1)) == "due today"


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 agencies"), (1, "1 agency"), (2, "2 agencies"), (1200, "1,200 agencies")]
)
def test_plural_agrees_with_its_number(count, words):
    assert jinja.plural(count, "agency", "agencies") == words


@pytest.mark.parametrize(
    ("colour", "mark", "word"),
    [("red", "▲", "Red"), ("Amber", "◆", "Amber"), ("GREEN", "●", "Green"), ("blue", "■", "In custody")],
)
def test_rating_has_a_shape_and_a_word(colour, mark, word):
    assert (jinja.colour_mark(colour), jinja.colour_word(colour)) == (mark, word)


def test_rating_that_is_none_of_ours_is_refused():
    with pytest.raises(ValueError, match="red, amber, green, blue"):
        jinja.colour_mark("purple")


@pytest.mark.parametrize(
    ("words", "expected"),
    [("Date of birth", "date of birth"), ("OGRS score", "OGRS score"), ("A reason", "a reason"), ("", "")],
)
def test_lower_first_leaves_abbreviations(words, expected):
    assert jinja.lower_first(words) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"page": 3}, "?flag=marac&flag=mash&q=a+b&page=3"),
        ({"page": None}, "?flag=marac&flag=mash&q=a+b"),
        ({"flag": None, "page": None}, "?q=a+b"),
        ({"sort": "-score", "page": None}, "?flag=marac&flag=mash&q=a+b&sort=-score"),
    ],
)
def test_query_keeps_the_filters(changes, expected):
    assert jinja.query(QueryDict("flag=marac&flag=mash&q=a b&page=2"), **changes) == expected


def test_by_month_keeps_the_order_and_tells_years_apart():
    items = [{"when": date(2026, 3, 2)}, {"when": date(2026, 3, 1)}, {"when": date(2025, 3, 1)}]

    runs = jinja.by_month(items)

    assert [(heading, len(entries)) for heading, entries in runs] == [("March 2026", 2), ("March 2025", 1)]


class Answers(forms.Form):
    secret = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField()

    def clean(self):
        raise forms.ValidationError("Choose one or the other")


def test_form_problems_are_linked_and_in_the_order_of_the_page():
    assert jinja.form_problems(Answers({})) == [
        {"text": "Choose one or the other", "href": ""},
        {"text": "This field is required.", "href": ""},
        {"text": "This field is required.", "href": "#id_reason"},
    ]


def test_form_problems_look_into_formsets():
    class Row(forms.Form):
        note = forms.CharField()

    rows = formset_factory(Row)({"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-note": ""})

    assert jinja.form_problems(rows, None) == [{"text": "This field is required.", "href": "#id_form-0-note"}]
