"""Whatever anybody sends to any address, the answer is never a failure of ours (security.md I1 to I4)."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.db import transaction
from django.urls import Resolver404, resolve, reverse

from tests.test_matrix import MATRIX, enter
from tests.world import World

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
NASTY = {
    "nothing": "",
    "nul": "a\0b",
    "controls": "\x01\x1b[31m\r\n\x7f",
    "long": "a" * 20_000,
    "negative": "-1",
    "huge": "9" * 40,
    "many figures": "9" * 5000,
    "infinite": "1e999",
    "not a number": "NaN",
    "figures that are none": "²",
    "figures of others": "٣",
    "day before": "1 1 0001",
    "day after": "31 12 9999",
    "iso day": "9999-12-31",
    "no day": "31 2 2026",
    "hour": "25:61",
    "markup": "<script>alert(1)</script>{{ 7*7 }}=1+1",
    "list": "[]",
    "object": '{"a": {"$ne": 1}}',
    "way out": "../../../../etc/passwd",
    "right to left": "\u202eabc\u0301",
    "far plane": "\U0001f9ff\U0010fffd",
    "identity": "00000000-0000-4000-8000-000000000000",
}
PARAMETERS = (
    "page",
    "s",
    "q",
    "sort",
    "show",
    "agency",
    "finished",
    "change",
    "item",
    "body",
    "rating",
    "from",
    "in",
    "next",
)


class Forms(HTMLParser):
    """The fields of each form of a page, by the address it posts to."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here, self.found, self.now = here, {}, None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            where = urlsplit(given.get("action") or self.here).path
            self.now = self.found.setdefault(where, set()) if given.get("method", "").lower() == "post" else None
        elif self.now is not None and given.get("name"):
            self.now.add(given["name"])

    def handle_endtag(self, tag):
        if tag == "form":
            self.now = None


@pytest.fixture
def world() -> World:
    return World.make("merton")


def _role(name: str) -> str:
    """One who gets furthest."""
    for role in ("coordinator", "chair", "scheme_admin"):
        if role in MATRIX[name].roles:
            return role
    return sorted(MATRIX[name].roles)[0]


def _fields(world: World) -> dict[str, set[str]]:
    """The fields of every form, by the name of the address it posts to."""
    fields: dict[str, set[str]] = {}
    for name, row in MATRIX.items():
        if "GET" not in row.methods:
            continue
        here = reverse(name, args=world.arguments(row.of))
        page = enter(world, _role(name)).get(here)
        if "html" not in page.get("Content-Type", ""):
            continue
        forms = Forms(here)
        forms.feed(page.content.decode())
        for where, found in forms.found.items():
            try:
                fields.setdefault(resolve(where).view_name, set()).update(found)
            except Resolver404:
                continue
    return fields


def _failures(asked) -> list[str]:
    """What answered as if it were our fault, of (words, client, method, address, body); each is undone afterwards."""
    failed = []
    for words, client, method, address, body in asked:
        client.raise_request_exception = False
        with transaction.atomic():
            answer = client.generic(method, address, body, content_type=FORM)
            transaction.set_rollback(True)
        if answer.status_code >= 500:
            error = answer.exc_info[0].__name__ + ": " + str(answer.exc_info[1])[:150] if answer.exc_info else ""
            failed.append(f"{words}: {answer.status_code} {error}")
    return failed


def test_no_form_fails_whatever_is_typed(world):
    fields = _fields(world)
    clients = {role: enter(world, role) for role in {_role(name) for name in MATRIX}}
    kept = {"csrfmiddlewaretoken", "form_key"}

    def asked():
        for name, row in MATRIX.items():
            if "POST" not in row.methods:
                continue
            names = fields.get(name, set()) - kept
            address = reverse(name, args=world.arguments(row.of))
            for words, value in NASTY.items():
                # A version that is none ends the matter before anything else is read: it is the page's own here.
                data = {each: "1" if each == "version" else value for each in names}
                key = f"{name}-{list(NASTY).index(words)}"
                body = urlencode(data | {"form_key": key})
                yield f"{name}, {words}", clients[_role(name)], "POST", address, body

    failures = _failures(asked())

    assert not failures, "\n".join(failures)


def test_half_a_character_and_repeated_fields_do_not_fail(world):
    fields = _fields(world)
    clients = {role: enter(world, role) for role in {_role(name) for name in MATRIX}}

    def asked():
        for name, row in MATRIX.items():
            if "POST" in row.methods:
                address = reverse(name, args=world.arguments(row.of))
                names = fields.get(name, set()) - {"form_key"}
                half = "&".join(f"{quote(each)}=%ED%A0%80%FF" for each in names)
                twice = "&".join(f"{quote(each)}=1&{quote(each)}=2" for each in names)
                yield f"{name}, half", clients[_role(name)], "POST", address, f"{half}&form_key=half-{name}"
                yield f"{name}, twice", clients[_role(name)], "POST", address, f"{twice}&form_key=twice-{name}"

    failures = _failures(asked())

    assert not failures, "\n".join(failures)


def test_no_page_fails_whatever_stands_in_the_address(world):
    clients = {role: enter(world, role) for role in {_role(name) for name in MATRIX}}

    def asked():
        for name, row in MATRIX.items():
            if "GET" not in row.methods:
                continue
            arguments = world.arguments(row.of)
            for words, value in NASTY.items():
                short = value[:2000]
                query = urlencode(dict.fromkeys(PARAMETERS, short))
                yield (
                    f"{name}, {words} asked",
                    clients[_role(name)],
                    "GET",
                    f"{reverse(name, args=arguments)}?{query}",
                    "",
                )
                if arguments and isinstance(arguments[0], str) and short.strip("/") and "/" not in short:
                    nasty = reverse(name, args=arguments).replace(f"/{arguments[0]}/", f"/{quote(short)}/", 1)
                    yield f"{name}, {words} in the path", clients[_role(name)], "GET", nasty, ""

    failures = _failures(asked())

    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("page", ["2", "9999999999", "0", "-1", "x", ""])
@pytest.mark.parametrize("address", ["/cases/", "/referrals/", "/actions/", "/meetings/"])
def test_page_beyond_the_end_is_the_first(world, address, page):
    client = enter(world, "coordinator")

    assert client.get(f"{address}?page={page}").content.count(b"</tr>") == client.get(address).content.count(b"</tr>")
