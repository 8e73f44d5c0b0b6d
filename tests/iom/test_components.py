"""The components as a browser would read them: one parse, then questions about elements, texts and attributes."""

import re
from datetime import date
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import engines
from django.template.loader import render_to_string

from iom.forms import CleanCharField, DateField, SaneForm

VOID = {"input", "meta", "link", "br", "wbr", "path"}
TODAY = date(2026, 2, 26)


class Page(HTMLParser):
    """A flat list of (tag, attributes, text inside)."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(html)
        assert self.open == [], f"left open: {[tag for tag, *_ in self.open]}"

    def handle_starttag(self, tag, attrs):
        element = [tag, dict(attrs), ""]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open[-1][0] == tag, f"</{tag}> closes <{self.open[-1][0]}>"
            self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag, **wanted):
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        return [
            (attributes, " ".join(text.split()))
            for name, attributes, text in self.elements
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    def one(self, tag, **wanted):
        (found,) = self.all(tag, **wanted)
        return found


def draw(component, call, **context):
    """The component's HTML for a call written as on a page."""
    names = call.split("(")[0].removeprefix("call").split(" ")[-1]
    source = f'{{% from "components/{component}.html" import {names} %}}{{{{ {call} }}}}'
    return engines["jinja2"].env.from_string(source).render(**context)


class Nomination(SaneForm):
    name = CleanCharField(help_text="As in the police record")
    born = DateField(label="Date of birth")
    evidence = CleanCharField(widget=forms.Textarea, max_length=600)
    password = forms.CharField(widget=forms.PasswordInput)
    agency = forms.ChoiceField(choices=[("", "---------"), ("h", "Housing"), ("p", "Probation")])
    known = forms.ChoiceField(widget=forms.RadioSelect, choices=[("now", "Known now"), ("no", "Not known")])
    pathways = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, choices=[(1, "Work"), (2, "Debt")])
    agree = forms.BooleanField(label="I may send this")
    version = forms.IntegerField(widget=forms.HiddenInput, initial=3)


def test_field_text_is_labelled_and_described():
    form = Nomination({"name": ""})

    page = Page(draw("form", "field(form.name)", form=form))

    assert page.one("label") == ({"class": "govuk-label govuk-label--s", "for": "id_name"}, "Name")
    box = page.one("input")[0]
    assert box["id"] == "id_name"
    assert box["aria-describedby"] == "id_name-hint id_name-error"
    assert page.one("div", id="id_name-hint")[1] == "As in the police record"
    assert page.one("p", id="id_name-error")[1] == "Error: Enter name"
    assert "required" not in box


def test_field_without_error_has_no_error_markup():
    html = draw("form", "field(form.name)", form=Nomination())

    assert "error" not in html


def test_field_keeps_what_was_typed_and_escapes_it():
    form = Nomination({"name": '"><script>alert(1)</script>'})

    page = Page(draw("form", "field(form.name)", form=form))

    assert page.one("input")[0]["value"] == '"><script>alert(1)</script>'
    assert page.all("script") == []


def test_field_date_is_one_typed_box():
    page = Page(draw("form", "field(form.born)", form=Nomination(initial={"born": date(1995, 7, 7)})))

    box = page.one("input")[0]
    assert (box["type"], box["value"], box["name"]) == ("text", "7 7 1995", "born")
    assert "For example" in page.one("div", id="id_born-hint")[1]


@pytest.mark.parametrize("text", ["one\n  two\n\nthree", "\nfirst line blank", "a & b </textarea>"])
def test_field_textarea_gives_back_the_very_text(text):
    html = draw("form", "field(form.evidence)", form=Nomination(initial={"evidence": text}))

    inner = re.search(r"<textarea[^>]*>\n(.*)</textarea>", html, re.DOTALL)[1]
    assert inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


def test_field_textarea_inside_a_reveal_gains_no_blanks():
    form = Nomination(initial={"evidence": "one\ntwo"})

    html = draw("form", 'field(form.known, conditional={"now": field(form.evidence)})', form=form)

    assert ">\none\ntwo</textarea>" in html


def test_field_textarea_counts_to_the_field_s_limit():
    page = Page(draw("form", "field(form.evidence)", form=Nomination()))

    assert page.one("div", data_module="govuk-character-count")[0]["data-maxlength"] == "600"
    assert page.one("div", id="id_evidence-info")[1] == "You can enter up to 600 characters"
    assert "maxlength" not in page.one("textarea")[0]


def test_field_password_can_be_shown_and_is_never_sent_back():
    page = Page(draw("form", "field(form.password)", form=Nomination({"password": "harbour"})))

    box = page.one("input")[0]
    assert (box["type"], box["autocomplete"], "value" in box) == ("password", "current-password", False)
    assert page.one("button")[1] == "Show"


def test_field_select_marks_the_chosen():
    page = Page(draw("form", "field(form.agency)", form=Nomination(initial={"agency": "p"})))

    assert [text for _, text in page.all("option")] == ["Choose", "Housing", "Probation"]
    assert [attributes["value"] for attributes, _ in page.all("option") if "selected" in attributes] == ["p"]


def test_field_radios_stand_in_a_fieldset_with_the_first_id_for_the_summary():
    form = Nomination({"known": ""})

    page = Page(draw("form", "field(form.known)", form=form))

    assert page.one("legend")[1] == "Known"
    assert page.one("fieldset")[0]["aria-describedby"] == "id_known-error"
    assert [attributes["id"] for attributes, _ in page.all("input")] == ["id_known", "id_known-2"]


@pytest.mark.parametrize(("chosen", "hidden"), [("now", False), ("no", True), (None, True)])
def test_field_radio_reveals_what_belongs_to_it(chosen, hidden):
    form = Nomination(initial={"known": chosen})

    html = draw("form", 'field(form.known, conditional={"now": field(form.evidence)})', form=form)

    page = Page(html)
    part = page.one("div", id="conditional-id_known")[0]
    assert ("govuk-radios__conditional--hidden" in part["class"]) is hidden
    assert page.one("input", id="id_known")[0]["data-reveals"] == "conditional-id_known"
    assert "data-reveals" not in page.one("input", id="id_known-2")[0]


def test_field_checkboxes_with_numbers_for_values_are_ticked():
    page = Page(draw("form", "field(form.pathways)", form=Nomination(initial={"pathways": [2]})))

    assert ["checked" in attributes for attributes, _ in page.all("input")] == [False, True]


def test_field_single_checkbox_is_ticked_by_true():
    ticked = Page(draw("form", "field(form.agree)", form=Nomination(initial={"agree": True})))
    empty = Page(draw("form", "field(form.agree)", form=Nomination()))

    assert "checked" in ticked.one("input")[0]
    assert "checked" not in empty.one("input")[0]
    assert empty.one("label")[1] == "I may send this"


def test_hidden_fields_are_drawn_by_themselves():
    page = Page(draw("form", "hidden_fields(form)", form=Nomination()))

    assert page.one("input")[0] == {"type": "hidden", "name": "version", "id": "id_version", "value": "3"}


def test_field_as_heading_is_the_page_s_h1():
    page = Page(draw("form", 'field(form.known, heading=True, label_size="l")', form=Nomination()))

    assert page.one("h1")[1] == "Known"


def test_error_summary_links_each_problem_to_its_field():
    form = Nomination(
        {"name": "", "born": "1 1 1990", "evidence": "x", "password": "p", "agency": "h", "known": "", "agree": "on"}
        | {"pathways": ["1"], "version": "1"}
    )

    page = Page(draw("error_summary", 'error_summary(form, extra=[{"text": "Too late", "href": ""}])', form=form))

    assert [(attributes["href"], text) for attributes, text in page.all("a")] == [
        ("#id_name", "Enter name"),
        ("#id_known", "Choose known"),
    ]
    assert page.all("li")[-1][1] == "Too late"
    assert page.one("div", role="alert")


def test_error_summary_is_absent_when_nothing_is_wrong():
    assert draw("error_summary", "error_summary(form)", form=Nomination()).strip() == ""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('rating("red")', "▲ Red"),
        ('rating("amber", since=when)', "◆ Amber since 12 Feb 2026"),
        ('rating("blue", before="amber")', "■ In custody (was Amber)"),
        ('rating("blue", word="Blue")', "■ Blue"),
        ('rating_change("red", "amber")', "▲ Red to ◆ Amber"),
        ('rating_change("amber", "amber")', "stays ◆ Amber"),
        ('rating_change(none, "green")', "● Green"),
    ],
)
def test_rating_is_shape_and_word(call, words):
    html = draw("rating", call, when=date(2026, 2, 12))

    assert " ".join(re.sub(r"<[^>]+>", "", html).split()) == words
    assert 'aria-hidden="true"' in html


def test_status_tag_refuses_a_tone_it_does_not_know():
    with pytest.raises(Exception, match="red"):
        draw("status_tag", 'status_tag("Late", "red")')


@pytest.mark.parametrize(
    ("call", "words", "late"),
    [
        ("deadline(when, today)", "Thu 12 Feb 14 days late", True),
        ("deadline(when, today, done=True)", "Thu 12 Feb", False),
        ("deadline(today, today)", "Thu 26 Feb due today", False),
    ],
)
def test_deadline_says_how_late_unless_done(call, words, late):
    html = draw("deadline", call, when=date(2026, 2, 12), today=TODAY)

    assert " ".join(re.sub(r"<[^>]+>", "", html).split()) == words
    assert ("iom-deadline--late" in html) is late


def test_countdown_marks_the_next_step_and_leaves_out_what_has_no_date():
    steps = [
        {"label": "Referrals close", "date": date(2026, 2, 20), "done": True},
        {"label": "Checks due", "date": date(2026, 2, 24)},
        {"label": "Agenda due", "date": date(2026, 3, 5)},
        {"label": "Panel", "date": date(2026, 3, 12)},
        {"label": "Minutes due", "date": None},
    ]

    page = Page(draw("countdown", "countdown(steps, today=today)", steps=steps, today=TODAY))

    states = [attributes["class"].partition("--")[2] for attributes, _ in page.all("li")]
    assert states == ["done", "late", "next", ""]
    assert page.all("li")[1][1] == "Checks due Tue 24 Feb 2 days late"


def test_stepper_says_where_the_meeting_stands():
    page = Page(draw("stepper", 'stepper(["Draft", "Agenda sent", "Live", "Signed"], "Live")'))

    assert page.one("li", aria_current="step")[1] == "Live"
    assert [text for _, text in page.all("li")] == ["✓ Draft (done)", "✓ Agenda sent (done)", "Live", "Signed"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("quorum_line(5, 4, true)", "✓ 5 agencies here, 4 needed: quorate"),
        (
            "quorum_line(3, 4, false)",
            "! Not quorate: 3 of 4 agencies. Decisions will be marked “to be ratified”",
        ),
        ("quorum_line(1, none, true)", "1 agency here. This scheme sets no quorum"),
    ],
)
def test_quorum_line_says_the_rule_s_decision(call, words):
    assert Page(draw("quorum", call)).one("p")[1] == words


def test_fingerprint_is_read_in_groups_and_copied_whole():
    html = draw("fingerprint", 'fingerprint("9f86d081884c7d65")')

    assert [text for _, text in Page(html).all("span") if len(text) == 4] == ["9f86", "d081", "884c", "7d65"]
    assert Page(html).one("code")[1] == "9f86d081884c7d65"


def test_summary_list_says_what_is_missing():
    rows = [{"key": "Name", "value": "Ray", "href": "/x/"}, {"key": "Aliases", "value": None}]

    page = Page(draw("summary_list", "summary_list(rows)", rows=rows))

    assert page.one("a")[1] == "Change name"
    assert page.all("dd")[-1][1] == "Not provided"


def test_task_list_names_the_state_beside_the_link():
    tasks = [
        {"title": "Evidence", "href": "/e/", "status": "In progress", "state": "started"},
        {"title": "Check and send", "status": "Cannot start yet", "state": "blocked"},
    ]

    page = Page(draw("task_list", "task_list(tasks)", tasks=tasks))

    assert page.one("a")[0]["aria-describedby"] == "tasks-1-status"
    assert page.one("div", id="tasks-1-status")[1] == "In progress"
    assert page.one("div", id="tasks-2-status")[1] == "Cannot start yet"


def table(**options):
    source = (
        '{% from "components/data_table.html" import data_table %}'
        '{% call(row) data_table("Cohort", columns, rows, **options) %}<td>{{ row }}</td>{% endcall %}'
    )
    columns = [{"text": "Person", "sort": "name"}, {"text": "Score", "sort": "score", "numeric": True}, "Lead"]
    rows = options.pop("rows", ["a"])
    return engines["jinja2"].env.from_string(source).render(columns=columns, rows=rows, options=options)


def test_data_table_sorts_by_links_that_keep_the_filters():
    page = Page(table(sort="name", parameters={"q": "x", "page": "2"}))

    assert [attributes.get("aria-sort") for attributes, _ in page.all("th")] == ["ascending", "none", None]
    assert [attributes["href"] for attributes, _ in page.all("a")] == ["?q=x&sort=-name", "?q=x&sort=score"]
    assert page.one("caption")[1] == "Cohort"
    assert all(attributes["scope"] == "col" for attributes, _ in page.all("th"))


def test_data_table_scrolls_in_a_labelled_region_that_takes_the_focus():
    region = Page(table()).one("div")[0]

    assert (region["role"], region["aria-label"], region["tabindex"]) == ("region", "Cohort", "0")


def test_data_table_without_rows_is_one_quiet_line():
    assert Page(table(rows=[], empty="No one yet")).one("p")[1] == "No one yet"


def test_pagination_keeps_the_filters_and_names_the_page():
    page = Page(
        draw("pagination", "pagination(page, parameters)", page=Paginator(range(60), 25).page(2), parameters={"q": "x"})
    )

    assert page.one("a", aria_current="page")[0]["href"] == "?q=x&page=2"
    assert [attributes["href"] for attributes, _ in page.all("a", rel="next")] == ["?q=x&page=3"]


def test_pagination_is_absent_for_one_page():
    assert draw("pagination", "pagination(page)", page=Paginator(range(5), 25).page(1)).strip() == ""


def test_identity_bar_says_which_checks_were_not_done():
    flags = [
        {"text": "MARAC", "state": "checked", "detail": "checked 2 Feb, DC Hall"},
        {"text": "Child safeguarding", "state": "unchecked", "href": "/c/"},
    ]
    call = 'identity_bar("EXAMPLE, Sam", "IOM-0147", flags=flags, people=[{"role": "Lead", "name": "K Osei", "phone": "020 7946 0100"}])'

    page = Page(draw("identity_bar", call, flags=flags))

    assert [text for _, text in page.all("li")] == [
        "MARAC (checked 2 Feb, DC Hall)",
        "Child safeguarding: not checked Record check for Child safeguarding",
        "Lead: K Osei 020 7946 0100",
    ]
    assert page.one("a", href="tel:02079460100")
    assert page.all("h1") == []


def test_timeline_shows_the_correction_beside_the_entry():
    items = [
        {
            "title": "Missed visit",
            "when": date(2026, 2, 3),
            "by": "Housing",
            "text": "No one in",
            "corrected": "wrong day",
        }
    ]

    page = Page(draw("timeline", "timeline(items)", items=items))

    assert page.one("h3")[1] == "February 2026"
    assert page.one("div", class_="moj-timeline__description iom-kept-text")[1] == "No one in Corrected: wrong day"


def test_filter_chips_take_one_filter_off_each():
    page = Page(draw("filter", 'filter_chips([{"label": "Flag", "value": "MARAC", "href": "?q=x"}], "/cases/")'))

    assert page.one("a", class_="iom-chip") == ({"class": "iom-chip", "href": "?q=x"}, "Remove Flag: MARAC ×")


def test_move_controls_close_the_ends_of_the_list():
    first = Page(draw("reorder", 'move_controls("/m/", "", 1, 3, "Item")'))

    assert ["disabled" in attributes for attributes, _ in first.all("button")] == [True, False, False]
    assert [text for _, text in first.all("option")] == ["1 of 3", "2 of 3", "3 of 3"]


def test_alert_offers_undo_by_a_posted_form():
    page = Page(draw("alert", 'alert("Removed.", undo_url="/undo/")'))

    assert page.one("div", role="alert")[1] == "Removed. Undo"
    assert page.one("form")[0]["method"] == "post"


# --- The frame -------------------------------------------------------------------------------------------------------

ACTOR = SimpleNamespace(
    user=SimpleNamespace(name="Priya Shah", pk=7),
    scheme=SimpleNamespace(name="Merton IOM", short_name="Merton"),
    agency=SimpleNamespace(name="Council"),
)
FRAME = {
    "actor": ACTOR,
    "nav": [{"text": "My work", "href": "/", "current": False}, {"text": "Cases", "href": "/cases/", "current": True}],
    "sign_out_url": "/sign-out/",
    "csrf_input": "",
}


def frame(source='{% extends "layouts/page.html" %}{% block title %}IOM-0147{% endblock %}', **context):
    return engines["jinja2"].env.from_string(source).render(**FRAME | context)


def test_frame_is_british_and_has_its_landmarks():
    page = Page(frame())

    assert page.one("html")[0]["lang"] == "en-GB"
    assert len(page.all("header")) == len(page.all("main")) == len(page.all("footer")) == 1
    assert page.all("a")[0] == (
        {"href": "#main-content", "class": "govuk-skip-link", "data-module": "govuk-skip-link"},
        "Skip to main content",
    )


def test_frame_marks_where_one_is():
    page = Page(frame())

    assert page.one("a", aria_current="true")[1] == "Cases"


def test_frame_has_no_inline_script_or_style():
    html = frame()

    page = Page(html)
    assert all(attributes.get("src") and text == "" for attributes, text in page.all("script"))
    assert page.all("style") == []
    assert all("style" not in attributes for _, attributes, _ in page.elements)
    assert not any(name.startswith("on") for _, attributes, _ in page.elements for name in attributes)


def test_frame_signs_out_by_post_only():
    page = Page(frame())

    assert page.one("form", action="/sign-out/")[0]["method"] == "post"
    assert page.all("a", href="/sign-out/") == []


def test_frame_title_names_the_scheme_and_says_error():
    form = Nomination({"name": ""})

    assert Page(frame()).one("title")[1] == "IOM-0147 - IOM Merton"
    assert Page(frame(form=form)).one("title")[1] == "Error: IOM-0147 - IOM Merton"


def test_frame_shows_no_alert_beside_an_error_summary():
    class Message(str):
        level_tag = "success"

    messages = [Message("Saved")]

    assert "moj-alert--success" in frame(messages=messages)
    assert "moj-alert--success" not in frame(messages=messages, form=Nomination({"name": ""}))


def test_frame_tells_of_the_demonstration():
    assert "Demonstration." in frame(demo_banner=True)
    assert "Demonstration." not in frame(demo_banner=False)


@pytest.mark.parametrize("code", [400, 403, 404, 405, 409, 413, 429, 500, 503])
def test_error_page_can_be_drawn_with_nothing_known(code):
    page = Page(render_to_string(f"errors/{code}.html"))

    assert len(page.all("h1")) == 1
    assert page.all("nav") == []


def test_conflict_page_keeps_both_texts():
    html = render_to_string(
        "errors/409.html", {"who": "Priya Shah", "conflicts": [{"label": "Goal", "mine": "a flat", "theirs": "a job"}]}
    )

    assert [text for _, text in Page(html).all("td")] == ["a flat", "a job"]


def test_paper_carries_classification_and_reference():
    source = (
        '{% extends "layouts/print_document.html" %}{% block title %}Agenda{% endblock %}'
        "{% block reference %}Panel of 12 March{% endblock %}{% block content %}<h1>Agenda</h1>{% endblock %}"
    )

    page = Page(frame(source))

    assert "OFFICIAL-SENSITIVE" in page.one("header")[1]
    assert "Printed by Priya Shah" in page.one("footer")[1]
    assert page.all("a") == []
