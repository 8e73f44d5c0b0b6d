"""Names stand in pages and nowhere else: not in addresses, titles, headers, cookies, file names, e-mails or logs.

Every page of the matrix is opened by every role that may, every form is posted empty, and every search is made by name
(security.md H4, L1).
"""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
from django.core import mail
from django.urls import reverse

from iom import clock, outbox, walls
from iom.logs import JsonLine
from iom.models import Notification, User
from offenders.models import Offender
from tests.test_matrix import MATRIX, enter
from tests.world import World

pytestmark = pytest.mark.django_db

MARK = "Quillfeather"


@pytest.fixture
def lines():
    """What the log would say, everything included that our settings let through."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLine())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def world() -> World:
    """A scheme whose people all bear the mark."""
    made = World.make("merton")
    with walls.within(made.scheme, cause="test"):
        Offender.objects.filter(scheme=made.scheme).update(family_name=f"{MARK}son", given_names=f"{MARK}ina")
        for number, user in enumerate(User.objects.filter(memberships__scheme=made.scheme).distinct()):
            User.objects.filter(pk=user.pk).update(name=f"{MARK} {number}", email=f"{MARK.lower()}{number}@example.org")
    for role, person in made.people.items():
        person.refresh_from_db()
        assert MARK in person.user.name, role
    return made


def outside(response) -> list[tuple[str, str]]:
    """All of an answer but its text for people."""
    found = [(name, value) for name, value in response.items()]
    found += [("cookie", morsel.OutputString()) for morsel in response.cookies.values()]
    if "html" in response.get("Content-Type", ""):
        page = response.content.decode()
        found += [("title", title) for title in re.findall(r"<title>(.*?)</title>", page, re.DOTALL)]
        found += [("address", address) for address in re.findall(r'(?:href|action|src|formaction)="([^"]*)"', page)]
        found += [("address", address) for address in re.findall(r'data-(?:hx-\w+|autosave|url)="([^"]*)"', page)]
    return found


def test_names_stand_in_pages_and_nowhere_else(world, lines):
    wrong, shown = [], 0
    for name, row in MATRIX.items():
        for role in sorted(row.roles):
            client = enter(world, role)
            address = reverse(name, args=world.arguments(row.of))
            answers = [client.get(address)] if "GET" in row.methods else []
            if "POST" in row.methods:
                answers.append(client.post(address, {}))
                answers.append(client.post(address, {"words": f"{MARK}son", "do": MARK, "next": f"/{MARK}/"}))
            for response in answers:
                shown += MARK.encode() in response.content
                for where, text in outside(response):
                    if MARK.lower() in text.lower():
                        wrong.append(f"{name} as {role}: {where}: {text[:100]}")

    said = lines.getvalue()
    assert shown > 50, "the pages do show the names"
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert "request" in said
    assert MARK.lower() not in said.lower()
    assert all(isinstance(json.loads(line), dict) for line in said.splitlines())


def test_search_words_are_found_again_by_an_opaque_number_alone(world, lines):
    client = enter(world, "coordinator")

    answer = client.post("/cases/", {"words": f"{MARK}son"})
    board = client.get(answer.url.partition("#")[0])

    assert re.fullmatch(r"/cases/\?s=[0-9a-f-]{36}#results", answer.url)
    assert f"{MARK}son" in board.content.decode()
    assert MARK not in str(outside(board))
    assert MARK not in lines.getvalue()


def test_notices_and_emails_name_nobody(world):
    mail.outbox.clear()
    outbox.drain()

    sent = [(message.subject, message.body, str(message.extra_headers)) for message in mail.outbox]
    told = [(notice.text, notice.url, notice.email_body) for notice in Notification.objects.all()]

    assert sent
    assert told
    assert MARK.lower() not in str(sent).lower()
    assert MARK.lower() not in str(told).lower()


def test_files_are_named_by_reference(world):
    client = enter(world, "coordinator")
    with clock.as_of(clock.now()):
        outbox.drain()

    answer = client.get(reverse("minutes_pdf", args=world.arguments("version")))

    assert answer.status_code == 200
    assert re.search(r'filename="[A-Za-z0-9_.-]+\.pdf"', answer["Content-Disposition"])
    assert MARK not in answer["Content-Disposition"]
