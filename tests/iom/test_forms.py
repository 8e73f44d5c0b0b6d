from datetime import date

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from iom.forms import CleanCharField, DateField, EmailField, SaneForm, UnreadDateError, read_date

TODAY = date(2026, 3, 13)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("13 3 2026", date(2026, 3, 13)),
        ("13/3/2026", date(2026, 3, 13)),
        ("13-03-2026", date(2026, 3, 13)),
        ("13.3.2026", date(2026, 3, 13)),
        ("  13   March  2026 ", date(2026, 3, 13)),
        ("13 mar 2026", date(2026, 3, 13)),
        ("13MAR2026", date(2026, 3, 13)),
        ("1st Sept 2026", date(2026, 9, 1)),
        ("2026-03-13", date(2026, 3, 13)),
        ("29 2 2028", date(2028, 2, 29)),
        ("1 1 1900", date(1900, 1, 1)),
        ("31 12 2100", date(2100, 12, 31)),
    ],
)
def test_read_date_understands_what_people_type(typed, meant):
    assert read_date(typed) == meant


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("31 2 2026", "must be a real date"),
        ("29 2 2026", "must be a real date"),
        ("13 13 2026", "must be a real date"),
        ("0 1 2026", "must be a real date"),
        ("soon", "must be a real date"),
        ("13 ma", "must be a real date"),
        ("13 3 26", "must include a year with 4 figures, such as 1994"),
        ("13 3 20260", "must include a year with 4 figures, such as 1994"),
        ("13 March", "must include a year"),
        ("31 12 1899", "must be between 1900 and 2100"),
        ("1 1 2101", "must be between 1900 and 2100"),
        ("١٣ ٣ ٢٠٢٦٢", "must include a year with 4 figures, such as 1994"),
    ],
)
def test_read_date_says_what_is_wrong(typed, words):
    with pytest.raises(UnreadDateError, match=f"^{words}$"):
        read_date(typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("13 mar", date(2026, 3, 13)),
        ("12 mar", date(2027, 3, 12)),
        ("14/3", date(2026, 3, 14)),
        ("29 feb", date(2028, 2, 29)),
    ],
    ids=["today itself", "yesterday is next year", "tomorrow", "the next leap year"],
)
def test_read_date_without_year_means_the_next_such_day(typed, meant):
    assert read_date(typed, today=TODAY) == meant


class Person(SaneForm):
    nouns = {"agency": "an agency"}

    name = CleanCharField(max_length=10)
    born = DateField(label="Date of birth", latest="today", clock=lambda: TODAY)
    due = DateField(noun="the action date", assume_year=True, earliest="today", clock=lambda: TODAY, required=False)
    note = CleanCharField(widget=forms.Textarea, required=False, max_length=20)
    email = EmailField(required=False)
    agency = forms.ChoiceField(choices=[("", "---------"), ("h", "Housing")])
    agree = forms.BooleanField(label="I may send this")
    version = forms.IntegerField(widget=forms.HiddenInput)


GOOD = {"name": "Ray", "born": "7 7 1995", "agency": "h", "agree": "on", "version": "1"}


def test_good_answers_are_accepted():
    form = Person(GOOD | {"due": "13 mar", "note": "one\r\ntwo", "email": "a@example.org"})

    assert form.is_valid(), form.errors
    assert form.cleaned_data == {
        "name": "Ray",
        "born": date(1995, 7, 7),
        "due": date(2026, 3, 13),
        "note": "one\ntwo",
        "email": "a@example.org",
        "agency": "h",
        "agree": True,
        "version": 1,
    }


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", "", "Enter name"),
        ("name", " \t ", "Enter name"),
        ("name", "x" * 11, "Name must be 10 characters or fewer. You have 1 too many"),
        ("name", "a\x00b", "Name has a character that cannot be stored"),
        ("name", "a\x1bb", "Name has a character that cannot be stored"),
        ("name", "\x1fab", "Name has a character that cannot be stored"),
        ("name", "a\nb", "Name has a character that cannot be stored"),
        ("name", "a\ud800", "Name has a character that cannot be stored"),
        ("note", "a\x00", "Note has a character that cannot be stored"),
        ("born", "", "Enter date of birth"),
        ("born", "31 2 2000", "Date of birth must be a real date"),
        ("born", "14 3 2026", "Date of birth must be today or earlier"),
        ("born", "7 7", "Date of birth must include a year"),
        ("due", "12 3 2026", "The action date must be today or later"),
        ("email", "someone", "Enter an email address in the correct format, like name@example.org"),
        ("agency", "", "Choose an agency"),
        ("agency", "x", "Choose an agency from the list"),
        ("agree", "", "Tick “I may send this”"),
        ("version", "", "Part of the page was missing. Load it again and try once more"),
    ],
)
def test_wrong_answer_is_refused_in_plain_words(field, typed, words):
    form = Person(GOOD | {field: typed})

    assert form.errors.get_json_data(escape_html=False)[field][0]["message"] == words
    assert set(form.errors) == {field}


def test_text_is_stored_in_composed_form():
    form = Person(GOOD | {"name": "Zoe\u0308"})

    assert form.is_valid()
    assert form.cleaned_data["name"] == "Zo\u00eb"


def test_length_is_that_of_the_stored_text():
    form = Person(GOOD | {"note": "e\u0301" * 10 + "\r\n" + "x" * 9})

    assert form.is_valid(), form.errors


def test_question_with_one_answer_refuses_two():
    data = QueryDict("name=Ray&name=Lee&born=7 7 1995&agency=h&agree=on&version=1")

    form = Person(data)

    assert form.errors == {"name": ["Give one answer only"]}


def test_stored_date_is_shown_as_one_would_type_it():
    form = Person(initial={"born": date(1995, 7, 7)})

    assert form["born"].field.widget.format_value(form["born"].value()) == "7 7 1995"


def test_same_date_written_differently_is_no_change():
    field = DateField(required=False)

    assert not field.has_changed(date(2026, 3, 13), "13/3/2026")
    assert field.has_changed(date(2026, 3, 13), "14/3/2026")
    assert field.has_changed(date(2026, 3, 13), "nonsense")


def test_date_limit_may_be_a_day():
    field = DateField(label="Meeting", earliest=date(2026, 3, 1), clock=lambda: TODAY)

    assert field.clean("1 3 2026") == date(2026, 3, 1)
    with pytest.raises(ValidationError, match="Meeting must be 1 March 2026 or later"):
        field.clean("28 2 2026")


def test_limits_of_two_forms_do_not_share_names():
    first, second = Person(GOOD | {"name": "x" * 12}), Person(GOOD | {"name": "x" * 12})
    second.fields["name"].noun = "the alias"

    assert first.errors["name"] == ["Name must be 10 characters or fewer. You have 2 too many"]
    assert second.errors["name"] == ["The alias must be 10 characters or fewer. You have 2 too many"]
