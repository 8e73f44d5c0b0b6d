"""The examples of docs/components.md are drawn, so that they stay true, and axe looks at them at two widths."""

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.template import engines

from iom.forms import CleanCharField, DateField, SaneForm

from .test_scripts import SITE, Server, browser_type_launch_args  # noqa: F401 -- a fixture

ROOT = Path(settings.BASE_DIR)
DOCUMENT = (ROOT / "docs" / "components.md").read_text()
EXAMPLES = re.findall(r"```jinja\n(.*?)```", DOCUMENT, re.DOTALL)
COLOURS = [("red", "Red"), ("amber", "Amber"), ("green", "Green"), ("blue", "In custody")]


class Nomination(SaneForm):
    name = CleanCharField()
    born = DateField(label="Date of birth")
    known = forms.ChoiceField(widget=forms.RadioSelect, choices=[("now", "Known now"), ("no", "Not known")])
    evidence = CleanCharField(widget=forms.Textarea, max_length=600)
    colour = forms.ChoiceField(label="Rating", widget=forms.RadioSelect, choices=COLOURS)
    pathways = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, choices=[("w", "Work"), ("d", "Debt")])
    agency = forms.ChoiceField(choices=[("", "---------"), ("h", "Housing")])
    agree = forms.BooleanField(label="I may send this")
    version = forms.IntegerField(widget=forms.HiddenInput, initial=1)


def context(form):
    return {
        "form": form,
        "csrf_input": "",
        "when": date(2026, 2, 12),
        "later": date(2099, 3, 12),
        "page": Paginator(range(300), 25).page(4),
    }


def drawn(source, form=None):
    return engines["jinja2"].env.from_string(source).render(**context(form or Nomination()))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: re.search(r"components/(\w+)", example)[1])
def test_example_can_be_drawn(example):
    assert drawn(example).strip()


def test_page_example_can_be_drawn():
    (page,) = re.findall(r"```jinja-page\n(.*?)```", DOCUMENT, re.DOTALL)

    assert "<h1" in drawn(page)


def test_every_component_has_its_example():
    shown = set(re.findall(r"components/(\w+)\.html", DOCUMENT))

    assert {path.stem for path in (ROOT / "templates" / "components").glob("*.html")} - shown == set()


def gallery(form):
    # One form on the page: ids must not stand twice.
    once = [example for example in EXAMPLES if "filter_panel" not in example]
    body = "\n".join(once).replace("{% call(row)", "<h2>Table</h2>{% call(row)")
    source = (
        '{% extends "layouts/wide.html" %}{% block title %}Components{% endblock %}'
        "{% block main %}<h1>Components</h1><h2>All</h2>" + body + "{% endblock %}"
    )
    # Imports inside a block are seen in that block only, which is where we use them.
    actor = SimpleNamespace(
        user=SimpleNamespace(name="P Shah", pk=7), scheme=None, agency=SimpleNamespace(name="Council")
    )
    nav = [{"text": "My work", "href": "/", "current": True}, {"text": "Cases", "href": "/cases/", "current": False}]
    return (
        engines["jinja2"]
        .env.from_string(source)
        .render(**context(form), actor=actor, nav=nav, demo_banner=True, search_url="/cases/", sign_out_url="/out/")
    )


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pytest.PytestRemovedIn10Warning")
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("answers", [None, {"known": "now"}], ids=["empty", "with errors"])
def test_components_pass_axe_and_fit_the_screen(page, width, answers):
    server = Server(page)
    server.answers = {"/": lambda fields: (200, "text/html", gallery(Nomination(answers)))}
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{SITE}/")
    page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())

    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]

    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert server.complaints == []


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pytest.PytestRemovedIn10Warning")
def test_paper_has_its_line_and_number_on_each_page_and_no_frame(page, tmp_path):
    from pypdf import PdfReader

    server = Server(page)
    source = (
        '{% extends "layouts/page.html" %}{% block title %}Plan{% endblock %}'
        '{% from "components/sub_nav.html" import back %}{% block beforeContent %}{{ back("/", "Go away") }}{% endblock %}'
        "{% block main %}<h1>Plan</h1><details><summary>More</summary><p>Opened on paper</p></details>"
        "{% for n in range(90) %}<p>Line {{ n }}</p>{% endfor %}<button class='govuk-button'>Press</button>{% endblock %}"
    )
    actor = SimpleNamespace(user=SimpleNamespace(name="P Shah", pk=7), scheme=None, agency=None)
    body = engines["jinja2"].env.from_string(source).render(actor=actor, nav=[])
    server.answers = {"/": lambda fields: (200, "text/html", body)}
    page.goto(f"{SITE}/")
    page.pdf(path=tmp_path / "plan.pdf", prefer_css_page_size=True)

    pages = [sheet.extract_text() for sheet in PdfReader(tmp_path / "plan.pdf").pages]

    assert len(pages) > 1
    for number, text in enumerate(pages, start=1):
        assert "OFFICIAL-SENSITIVE. Printed by P Shah" in text
        assert f"Page {number} of {len(pages)}" in text
    everything = "".join(pages)
    assert "Opened on paper" in everything
    assert not any(word in everything for word in ("Go away", "Press", "Integrated Offender Management", "Hide screen"))
