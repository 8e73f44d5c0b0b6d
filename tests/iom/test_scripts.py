"""The scripts in headless Chromium, on pages drawn by our templates and a server played by request routing."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from django import forms
from django.contrib.staticfiles import finders
from django.template import engines
from playwright.sync_api import expect

from iom.forms import CleanCharField, SaneForm

# pytest-base-url, which pytest-playwright brings, still defines a session fixture in a way that pytest 9 warns of.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pytest.PytestRemovedIn10Warning")]

SITE = "http://panel.test"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@pytest.fixture(scope="session")
def browser_type_launch_args():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return {"executable_path": chromium, "args": ["--no-sandbox"]}


class Server:
    """Answers for addresses: a function of the posted fields gives (status, content type, body)."""

    def __init__(self, page):
        self.answers, self.posts, self.complaints = {}, [], []
        page.route("**/*", self.answer)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def answer(self, route):
        request = route.request
        path = request.url.removeprefix(SITE).split("?")[0]
        if path.startswith("/static/"):
            return self.static(route, path.removeprefix("/static/"))
        if path not in self.answers:
            return route.fulfill(status=404, body="")
        fields = {
            name: values[-1] for name, values in parse_qs(request.post_data or "", keep_blank_values=True).items()
        }
        if request.method == "POST":
            self.posts.append((path, fields, request.headers))
        answer = self.answers[path](fields) if request.method == "POST" or path != "/" else self.answers["/"]({})
        if answer is None:
            return route.abort()
        status, kind, body = answer
        return route.fulfill(status=status, content_type=kind, body=body, headers={"Content-Security-Policy": POLICY})

    def static(self, route, name):
        found = finders.find(name)
        if found is None:
            return route.fulfill(status=404, body="")
        file = Path(found)
        return route.fulfill(content_type=TYPES.get(file.suffix, "text/plain"), body=file.read_bytes())


@pytest.fixture
def server(page):
    page.set_default_timeout(10_000)
    return Server(page)


class Note(SaneForm):
    note = CleanCharField(widget=forms.Textarea)
    known = forms.ChoiceField(widget=forms.RadioSelect, choices=[("now", "Known now"), ("no", "Not known")])
    version = forms.IntegerField(widget=forms.HiddenInput, initial=3)


ACTOR = SimpleNamespace(user=SimpleNamespace(name="P Shah", pk=7), scheme=None, agency=None)
FORM = """{% extends "layouts/page.html" %}
{% from "components/form.html" import field, button, hidden_fields %}
{% from "components/autosave.html" import autosave_status %}
{% block title %}Note{% endblock %}
{% block main %}<h1>Note</h1>
<form method="post" action="/save/" novalidate data-autosave data-live-keys {{ extra }}>
<input type="hidden" name="csrfmiddlewaretoken" value="{{ token }}">
{{ hidden_fields(note) }}{{ field(note.known, conditional={"now": field(note.note)}) }}{{ autosave_status() }}
<details open><summary>More</summary><input id="inside" aria-label="Inside" data-single-key="t"></details>
{{ button("Save", name="then", value="stay", attributes={"data-key": "save"}) }}
{{ button("Save and next", name="then", value="next", attributes={"data-key": "next"}) }}
</form>{% endblock %}"""


def drawn(source, **context):
    body = engines["jinja2"].env.from_string(source).render(actor=ACTOR, **context)
    return 200, "text/html", body


def note_page(token="first", extra=""):
    return drawn(FORM, note=Note(initial={"known": "now"}), token=token, extra=extra)


def saved(fields):
    return 200, "application/json", json.dumps({"at": "10:42", "fields": {"version": "4"}})


def opened(page, server, answer=saved, **context):
    server.answers = {"/": lambda fields: note_page(**context), "/save/": answer}
    page.goto(f"{SITE}/")
    expect(page.get_by_role("button", name="Hide screen")).to_be_visible()
    return page


STATUS = "[data-autosave-status]"


def test_page_obeys_the_security_policy(page, server):
    opened(page, server)

    page.wait_for_load_state("networkidle")
    assert server.complaints == []


def test_autosave_saves_after_typing_stops_and_takes_the_new_version(page, server):
    opened(page, server)

    page.get_by_label("Note", exact=True).fill("Arrears since November")

    page.wait_for_selector(f"{STATUS}:has-text('Saved 10:42')")
    ((path, fields, headers),) = server.posts
    assert path == "/save/"
    assert (fields["note"], fields["version"]) == ("Arrears since November", "3")
    assert headers["x-autosave"] == "1"
    assert page.locator("[name=version]").input_value() == "4"


def test_autosave_keeps_the_text_and_tries_again(page, server):
    answers = iter([None, (500, "text/plain", ""), saved({})])
    opened(page, server, lambda fields: next(answers))

    page.get_by_label("Note", exact=True).fill("Do not lose me")

    page.wait_for_selector(f"{STATUS}:has-text('Not saved. Keep this page open. We are trying again')")
    assert page.get_by_label("Note", exact=True).input_value() == "Do not lose me"
    page.wait_for_selector(f"{STATUS}:has-text('Saved 10:42')", timeout=15_000)
    assert len(server.posts) == 3


def test_autosave_keeps_no_text_in_the_browser(page, server):
    opened(page, server)

    page.get_by_label("Note", exact=True).fill("Ray SPECIMEN")
    page.wait_for_selector(f"{STATUS}:has-text('Saved')")

    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert json.loads(kept)[0] == {}
    assert "SPECIMEN" not in kept


def test_autosave_asks_before_unsaved_text_is_left(page, server):
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    opened(page, server, lambda fields: None)
    page.get_by_label("Note", exact=True).press_sequentially("Unsaved")

    page.goto(f"{SITE}/static/images/icon.svg")

    assert asked == ["beforeunload"]


def test_autosave_stops_at_a_conflict_and_keeps_the_text(page, server):
    words = "Priya Shah changed this at 10:41. Compare, then keep yours or use theirs"
    opened(page, server, lambda fields: (409, "application/json", json.dumps({"message": words})))

    page.get_by_label("Note", exact=True).fill("Mine")
    page.wait_for_selector(f"{STATUS}:has-text('{words}')")
    page.get_by_label("Note", exact=True).press_sequentially(" and more")
    page.get_by_label("Known now").focus()

    assert len(server.posts) == 1
    assert page.get_by_label("Note", exact=True).input_value().endswith("Mine and more")


def test_autosave_says_why_a_value_is_refused(page, server):
    opened(page, server, lambda fields: (422, "application/json", json.dumps({"errors": {"note": ["Enter note"]}})))

    page.get_by_label("Note", exact=True).fill(" ")

    page.wait_for_selector(f"{STATUS}:has-text('Not saved yet. Enter note')")


def test_autosave_of_many_rows_takes_the_versions_of_those_that_were_right(page, server):
    told = {"fields": {"version": 7}, "errors": {"#p2": "Last contact must be a real date"}}
    opened(page, server, lambda fields: (200, "application/json", json.dumps(told)))

    page.get_by_label("Note", exact=True).fill("x")

    page.wait_for_selector(f"{STATUS}:has-text('Not saved yet. Last contact must be a real date')")
    assert page.locator("[name=version]").input_value() == "7"


def test_autosave_after_signing_out_offers_the_way_back(page, server):
    opened(page, server, lambda fields: (401, "application/json", "{}"))

    page.get_by_label("Note", exact=True).fill("Mine")

    page.wait_for_selector(f"{STATUS}:has-text('You have been signed out. Your last change is still on this page')")
    page.wait_for_selector("dialog.iom-again:has-text('Sign in here to carry on')")


def test_autosave_fetches_a_new_token_for_the_same_person(page, server):
    def save(fields):
        return saved(fields) if fields["csrfmiddlewaretoken"] == "second" else (403, "text/html", "")

    opened(page, server, save)
    server.answers["/"] = lambda fields: note_page(token="second")

    page.get_by_label("Note", exact=True).fill("Mine")

    page.wait_for_selector(f"{STATUS}:has-text('Saved 10:42')", timeout=10_000)


def test_autosave_never_replays_for_somebody_else(page, server):
    opened(page, server, lambda fields: (403, "text/html", ""))
    somebody_else = note_page(token="second")[2].replace('data-person="7"', 'data-person="8"')
    server.answers["/"] = lambda fields: (200, "text/html", somebody_else)

    page.get_by_label("Note", exact=True).fill("Mine")

    page.wait_for_selector(f"{STATUS}:has-text('Not saved')")
    assert page.locator("[name=csrfmiddlewaretoken]").first.input_value() == "first"


def test_ctrl_enter_saves_and_goes_on(page, server):
    opened(page, server, lambda fields: note_page())

    page.get_by_label("Note", exact=True).press("Control+Enter")
    page.wait_for_load_state()

    assert server.posts[-1][1]["then"] == "next"


def test_ctrl_shift_enter_saves_and_stays(page, server):
    opened(page, server, lambda fields: note_page())

    page.get_by_label("Note", exact=True).press("Control+Shift+Enter")
    page.wait_for_load_state()

    assert server.posts[-1][1]["then"] == "stay"


def test_escape_closes_the_reveal_that_holds_the_focus(page, server):
    opened(page, server)

    page.locator("#inside").press("Escape")

    assert page.locator("main details").get_attribute("open") is None
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.parametrize(("extra", "focused"), [("", "known"), ("data-single-keys", "inside")])
def test_single_keys_work_only_once_turned_on(page, server, extra, focused):
    opened(page, server, extra=extra)

    page.get_by_label("Known now").press("t")

    assert page.evaluate("document.activeElement.id || document.activeElement.name").endswith(focused)


def test_single_key_is_a_letter_while_text_is_typed(page, server):
    opened(page, server, extra="data-single-keys")

    page.get_by_label("Note", exact=True).press_sequentially("t")

    assert page.get_by_label("Note", exact=True).input_value() == "t"


def test_reveal_follows_the_radio_and_hides_nothing_without_scripts(page, server, browser):
    opened(page, server)
    page.get_by_label("Not known").check()
    assert not page.get_by_label("Note", exact=True).is_visible()
    page.get_by_label("Known now").check()
    assert page.get_by_label("Note", exact=True).is_visible()

    plain = browser.new_context(java_script_enabled=False).new_page()
    other = Server(plain)
    other.answers = {"/": lambda fields: drawn(FORM, note=Note(initial={"known": "no"}), token="t", extra="")}
    plain.goto(f"{SITE}/")
    assert plain.get_by_label("Note", exact=True).is_visible()
    plain.context.close()


def test_hidden_screen_covers_the_page_until_enter(page, server):
    opened(page, server)
    page.get_by_label("Note", exact=True).fill("Private")
    before = page.title()

    page.get_by_role("button", name="Hide screen").click()

    assert page.title() == "Screen hidden"
    assert page.evaluate("document.elementFromPoint(200, 300).className") == "iom-hidden-screen"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Press Enter to return"
    page.mouse.click(10, 10)
    page.keyboard.press("Enter")
    assert page.locator(".iom-hidden-screen").count() == 0
    assert page.title() == before
    assert page.get_by_label("Note", exact=True).input_value() == "Private"


LIST = """{% extends "layouts/wide.html" %}{% from "components/reorder.html" import move_controls %}
{% block title %}Agenda{% endblock %}
{% block main %}<h1>Agenda</h1><ol id="agenda" data-reorder>
{% for name in order %}<li id="item-{{ name }}" data-reorder-item>{{ name }}
{{ move_controls("/move/" ~ name ~ "/", "", loop.index, order|length, name) }}</li>{% endfor %}</ol>{% endblock %}"""


@pytest.fixture
def agenda(page, server):
    order = ["A", "B", "C"]

    def move(name):
        def answer(fields):
            place = order.index(name)
            order.remove(name)
            to = {"up": place - 1, "down": place + 1, "to": int(fields["position"]) - 1}[fields["move"]]
            order.insert(to, name)
            return drawn(LIST, order=order)

        return answer

    server.answers = {"/": lambda fields: drawn(LIST, order=order)} | {f"/move/{name}/": move(name) for name in "ABC"}
    page.goto(f"{SITE}/")
    page.wait_for_selector("[data-reorder-handle]:visible")
    return order


def test_moved_item_keeps_the_focus_and_says_where_it_went(page, agenda):
    page.get_by_role("button", name="Down A").click()

    expect(page.locator("#announcer")).to_have_text("Moved to 2 of 3")
    assert agenda == ["B", "A", "C"]
    assert page.evaluate("document.activeElement.textContent") == "Down A"


def test_item_at_the_end_keeps_the_focus_on_a_button_that_works(page, agenda):
    page.get_by_role("button", name="Down B").click()

    expect(page.locator("#announcer")).to_have_text("Moved to 3 of 3")
    assert page.evaluate("document.activeElement.textContent") == "Up B"


def test_item_moves_to_a_chosen_place(page, agenda):
    page.get_by_label("Move C to").select_option("1")
    page.get_by_role("button", name="Move C").click()

    expect(page.locator("#announcer")).to_have_text("Moved to 1 of 3")
    assert agenda == ["C", "A", "B"]


def test_item_can_be_dragged(page, agenda):
    page.drag_and_drop("#item-A [data-reorder-handle]", "#item-C", target_position={"x": 5, "y": 30})

    expect(page.locator("#announcer")).to_have_text("Moved to 3 of 3")
    assert agenda == ["B", "C", "A"]


def test_move_that_fails_says_so(page, agenda, server):
    server.answers["/move/A/"] = lambda fields: None

    page.get_by_role("button", name="Down A").click()

    expect(page.locator("#announcer")).to_contain_text("Not moved")
    assert [item.get_attribute("id") for item in page.locator("[data-reorder-item]").all()] == [
        "item-A",
        "item-B",
        "item-C",
    ]


# --- Once ---------------------------------------------------------------------


def test_autosave_has_a_key_for_each_text_and_none_of_the_forms(page, server):
    opened(page, server)
    page.locator("form[data-autosave]").evaluate(
        "form => form.append(Object.assign(document.createElement('input'), "
        "{type: 'hidden', name: 'form_key', value: 'of the form'}))"
    )
    note = page.get_by_label("Note", exact=True)

    for text in ("Arrears", "Arrears since November"):
        with page.expect_response("**/save/"):
            note.fill(text)

    first, second = (headers["x-form-key"] for _, _, headers in server.posts)
    assert first != second
    assert len(first) >= 16
    assert all("form_key" not in fields for _, fields, _ in server.posts)


def test_autosave_tries_again_under_the_same_key(page, server):
    answers = iter([(500, "text/html", ""), None])
    opened(page, server, lambda fields: next(answers) or saved(fields))

    page.get_by_label("Note", exact=True).fill("Arrears")
    page.wait_for_selector(f"{STATUS}:has-text('Saved 10:42')")

    first, second = (headers["x-form-key"] for _, _, headers in server.posts)
    assert first == second


def test_second_click_is_not_sent(page, server):
    source = """{% extends "layouts/page.html" %}{% from "components/form.html" import button %}
{% block title %}Once{% endblock %}{% block main %}<h1>Once</h1><form method="post" action="/save/">
{{ button("Save") }}</form>{% endblock %}"""
    server.answers = {"/": lambda fields: drawn(source), "/save/": lambda fields: (204, "text/html", "")}
    page.goto(f"{SITE}/")
    expect(page.get_by_role("button", name="Hide screen")).to_be_visible()

    page.get_by_role("button", name="Save").dblclick()
    page.wait_for_load_state("networkidle")

    assert len(server.posts) == 1
