"""The headers of every answer (security.md H1, H2), and a browser that obeys them."""

import shutil
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse
from playwright.sync_api import sync_playwright

from tests.test_matrix import MATRIX, enter
from tests.world import World

pytestmark = pytest.mark.django_db

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ],
)
@pytest.mark.parametrize("path", ["/sign-in/", "/", "/nowhere/", "/%00"])
def test_every_answer_carries_the_header(client, path, header, value):
    assert client.get(path)[header] == value


@pytest.mark.parametrize("path", ["/sign-in/", "/nowhere/"])
def test_policy_is_the_one_that_was_asked_for(client, path):
    policy = client.get(path)["Content-Security-Policy"]

    assert dict(each.strip().split(" ", 1) for each in policy.split(";")) == POLICY


def test_browser_features_are_off_but_passkeys_and_copying(client):
    given = dict(each.strip().split("=", 1) for each in client.get("/sign-in/")["Permissions-Policy"].split(","))

    assert {name for name, value in given.items() if value != "()"} == {
        "publickey-credentials-get",
        "publickey-credentials-create",
        "clipboard-write",
    }
    assert {given[name] for name in ("camera", "microphone", "geolocation", "usb", "payment")} == {"()"}


def test_page_of_somebody_signed_in_is_not_kept_by_browsers(sign_in, coordinator):
    assert sign_in(coordinator).get("/")["Cache-Control"] == "no-store"


def test_no_answer_says_which_server_gave_it(client):
    assert {"Server", "X-Powered-By", "Via"} & set(client.get("/sign-in/").headers) == set()


# --- A browser ----------------------------------------------------------------

SITE = "http://localhost"
INJECTED = (
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    "<img src='data:image/png;base64,iVBORw0KGgo='><style>h1 { display: none }</style><p style='display: none'>a</p>"
    "<base href='https://evil.example/'><iframe src='/'></iframe><script src='https://evil.example/a.js'></script>"
)


@contextmanager
def chromium(answers):
    """A tab of headless Chromium whose every request is answered from `answers`, by path, with their own headers.

    All of them are made beforehand: Playwright's loop runs in this thread, in which Django would not ask the database.
    """
    complaints = []

    def answer(route):
        asked = urlsplit(route.request.url)
        if f"{asked.scheme}://{asked.netloc}" != SITE:
            complaints.append(f"asked {asked.netloc}")
            return route.abort()
        if asked.path.startswith("/static/"):
            found = finders.find(asked.path.removeprefix("/static/"))
            return route.fulfill(path=found) if found else route.fulfill(status=404, body="")
        if asked.path not in answers:
            return route.fulfill(status=204, body="")
        status, headers, body = answers[asked.path]
        return route.fulfill(status=status, headers=headers, body=body)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page()
        tab.route("**/*", answer)
        tab.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        yield tab, complaints
        browser.close()


def answered(response, change=lambda text: text):
    return response.status_code, dict(response.items()), change(response.content.decode())


@pytest.mark.browser
def test_injected_script_does_not_run(client):
    page = answered(client.get("/sign-in/"), lambda text: text.replace("</h1>", f"</h1>{INJECTED}", 1))

    with chromium({"/sign-in/": page}) as (tab, complaints):
        tab.goto(f"{SITE}/sign-in/")
        tab.wait_for_load_state("networkidle")
        title = tab.title()
        shown = tab.evaluate("getComputedStyle(document.querySelector('h1')).display")

    assert title.startswith("Sign in")
    assert shown != "none"
    refused = "\n".join(complaints)
    for directive in ("script-src", "img-src", "style-src", "base-uri", "default-src"):
        assert directive in refused, refused
    assert "asked evil.example" not in complaints


@pytest.mark.browser
def test_no_page_of_ours_offends_against_the_policy():
    world = World.make("merton")
    clients = {role: enter(world, role) for role in ("coordinator", "chair", "scheme_admin", "board_reader")}
    pages = {}
    for name, row in MATRIX.items():
        roles = [role for role in clients if role in row.roles]
        if "GET" not in row.methods or not roles:
            continue
        address = reverse(name, args=world.arguments(row.of))
        response = clients[roles[0]].get(address)
        if response.status_code == 200 and "html" in response["Content-Type"]:
            pages[address] = answered(response)
    wrong = []

    with chromium(pages) as (tab, complaints):
        for address in pages:
            complaints.clear()
            tab.goto(SITE + address, wait_until="load")
            wrong += [f"{address}: {said}" for said in complaints]

    assert len(pages) > 30
    assert not wrong, "\n".join(wrong)
