"""Whatever anybody sends to any address, the answer is never a failure of ours (security.md I1 to I4)."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.db import transaction
from django.urls import Resolver404, resolve, reverse

from iom import limits
from iom.limits import SingleValued
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


# How many of the values each page meets in its path, and each form in its fields. A third of them to a form, some
# hundred forms: each value is tried on dozens.
SHARE, SHARE_OF_FORMS = 5, 8


class Noting(SingleValued):
    """What an address says behind its question mark, and which of it a page asked for."""

    asked: set[str] = set()
    # These read every address, before a page does; what they make of one thing is asked on one page below.
    FRAME = ("iom.limits", "iom.audit", "iom.middleware")

    def __getitem__(self, name):
        frame = sys._getframe(1)
        while frame.f_globals["__name__"].startswith(("django.utils.datastructures", "iom.limits", __name__)):
            frame = frame.f_back
        if frame.f_globals["__name__"] not in self.FRAME:
            self.asked.add(name)
        return super().__getitem__(name)

    def getlist(self, name, default=None):
        if sys._getframe(1).f_globals["__name__"] not in self.FRAME:
            self.asked.add(name)
        return super().getlist(name, default)

    def __contains__(self, name):
        self.asked.add(name)
        return super().__contains__(name)


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
    """The forms share the values out among them: one way of reading what is typed stands behind all of them."""
    fields = _fields(world)
    clients = {role: enter(world, role) for role in {_role(name) for name in MATRIX}}
    kept = {"csrfmiddlewaretoken", "form_key"}
    values = itertools.cycle(NASTY.items())

    def asked():
        for name, row in MATRIX.items():
            if "POST" not in row.methods:
                continue
            names = fields.get(name, set()) - kept
            address = reverse(name, args=world.arguments(row.of))
            # A button alone sends the same whatever is typed elsewhere.
            share = itertools.islice(values, SHARE_OF_FORMS) if names - {"version"} else [("nothing", "")]
            for words, value in share:
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


def test_no_page_fails_whatever_stands_in_the_address(world, monkeypatch):
    """Each page is asked with every value in whatever it reads of its address: what it reads is noted as it does.

    In the path, the pages of one kind of thing share the values out among them: one finder stands behind them all.
    """
    monkeypatch.setattr(limits, "SingleValued", Noting)
    clients = {role: enter(world, role) for role in {_role(name) for name in MATRIX}}
    reading = set()
    paths = [(words, value[:2000]) for words, value in NASTY.items() if value.strip("/") and "/" not in value]
    turn: Counter[str] = Counter()

    def asked():
        for name, row in MATRIX.items():
            if "GET" not in row.methods:
                continue
            client, arguments = clients[_role(name)], world.arguments(row.of)
            address = reverse(name, args=arguments)
            Noting.asked = set()
            yield f"{name}, first page", client, "GET", f"{address}?page=1", ""
            for words, value in NASTY.items():
                if Noting.asked:
                    reading.add(name)
                    query = urlencode(dict.fromkeys(sorted(Noting.asked), value[:2000]))
                    yield f"{name}, {words} asked", client, "GET", f"{address}?{query}", ""
            if arguments and isinstance(arguments[0], str):
                for words, value in (paths[(turn[row.of] + step) % len(paths)] for step in range(SHARE)):
                    nasty = address.replace(f"/{arguments[0]}/", f"/{quote(value)}/", 1)
                    yield f"{name}, {words} in the path", client, "GET", nasty, ""
                turn[row.of] += SHARE

    failures = _failures(asked())

    assert not failures, "\n".join(failures)
    assert {"cases", "referrals", "actions", "audit"} <= reading


@pytest.mark.parametrize("parameter", ["in", "s", "next"])
def test_what_every_page_reads_of_its_address_does_not_fail(world, parameter):
    client = enter(world, "coordinator")

    failures = _failures(
        (f"{parameter}, {words}", client, "GET", f"/notifications/?{urlencode({parameter: value[:2000]})}", "")
        for words, value in NASTY.items()
    )

    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("page", ["2", "9999999999", "0", "-1", "x", ""])
@pytest.mark.parametrize("address", ["/cases/", "/referrals/", "/actions/", "/meetings/"])
def test_page_beyond_the_end_is_the_first(world, address, page):
    client = enter(world, "coordinator")

    assert client.get(f"{address}?page={page}").content.count(b"</tr>") == client.get(address).content.count(b"</tr>")
