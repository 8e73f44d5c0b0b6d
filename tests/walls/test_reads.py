"""Every answer that shows somebody's data leaves one event with exactly the people whom it showed (security.md U4)."""

from __future__ import annotations

import html
import re

import pytest
from django.db.models import Max
from django.urls import reverse

from iom import audit
from iom.models import AuditEvent
from offenders.models import Case, Listed, Offender, RelatedPerson
from referrals.models import Referral
from tests.test_matrix import MATRIX, enter
from tests.world import ROLES, World

pytestmark = pytest.mark.django_db

# Figures for a board: no person stands in them.
ABOUT_NOBODY = {"board_papers_pdf"}


@pytest.fixture
def world() -> World:
    return World.make("merton")


def people_in(text: str) -> set[str]:
    """The people whose name or reference stands in an answer, as the audit names them."""
    found = set()
    for person in Offender.objects.all():
        words = [person.family_name, *person.aliases.values_list("name", flat=True)]
        words += [case.reference for case in Case.objects.filter(offender=person)]
        words += [referral.reference for referral in Referral.objects.filter(offender=person)]
        if any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, re.IGNORECASE) for word in words):
            found.add(person.audit_subject)
    for listed in Listed.objects.all():
        if re.search(rf"\b{re.escape(listed.family_name)}\W+{re.escape(listed.given_names)}\b", text, re.IGNORECASE):
            found.add(listed.audit_subject)
    for kin in RelatedPerson.objects.all():
        # The case's own page shows whom to ring about them, without their name.
        if any(mark and mark in text for mark in (kin.name, kin.safeguarding_lead)):
            found.add(kin.audit_subject)
    return found


def people_of(tokens) -> set[str]:
    """An event names people by their number, or by the reference under which they stand in a page."""
    known = {row.reference: row.audit_subject for row in (*Case.objects.all(), *Referral.objects.all())}
    return {known.get(token, token) for token in tokens}


def reads(since: int = 0) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(kind="read", sequence__gt=since).order_by("sequence"))


def last_one() -> int:
    return AuditEvent.objects.aggregate(last=Max("sequence"))["last"] or 0


def body_of(response) -> str:
    if response.get("Content-Type", "").startswith(("text/", "application/json")):
        return html.unescape(response.content.decode())
    return ""


def test_every_page_says_exactly_whom_it_showed(world):
    wrong, met = [], 0
    for name, row in sorted(MATRIX.items()):
        if "GET" not in row.methods:
            continue
        for role in ROLES:
            if role not in row.roles:
                continue
            client = enter(world, role)
            before = last_one()
            response = client.get(reverse(name, args=world.arguments(row.of)))
            events = reads(before)
            told = people_of(token for event in events for token in event.subjects)
            shown = people_in(body_of(response)) if response.status_code == 200 else set()
            met += bool(shown)
            # A file that is kept and not shown holds nothing of ours to read.
            if response.get("Content-Type") == "application/pdf" or (name == "paper" and response.status_code == 200):
                shown = told
                if bool(told) == (name in ABOUT_NOBODY):
                    wrong.append(f"{name} as {role}: a document about {sorted(told) or 'nobody'}")
            if told != shown or len(events) > 1:
                names = {p.audit_subject: p.family_name for p in Offender.objects.all()}
                wrong.append(
                    f"{name} as {role}: shown {sorted(names.get(s, s) for s in shown - told)} but not told, "
                    f"told {sorted(names.get(s, s) for s in told - shown)} but not shown, {len(events)} events"
                )

    assert not wrong, "\n".join(wrong)
    assert met > 30


def test_the_event_names_page_actor_and_address(world):
    client = enter(world, "coordinator")
    client.get("/cases/", REMOTE_ADDR="192.0.2.9")

    event = reads()[-1]
    person = world.people["coordinator"]
    assert (event.actor, event.roles, event.address) == (f"user:{person.user_id}", "coordinator", "192.0.2.9")
    assert (event.context["page"], event.context["method"]) == ("cases", "GET")
    assert event.request_id


def test_a_page_that_shows_nobody_leaves_no_read(world):
    client = enter(world, "scheme_admin")
    before = len(reads())
    client.get("/settings/users/")

    assert len(reads()) == before


def test_a_refused_page_is_denied_and_shows_nobody(world):
    client = enter(world, "board_reader")
    before = len(reads())
    response = client.get(reverse("case", args=world.arguments("case")))

    assert response.status_code == 403
    denied = AuditEvent.objects.filter(kind="denied").order_by("sequence").last()
    assert (denied.outcome, denied.context["page"], denied.subjects) == ("refused", "case", [])
    assert denied.actor == f"user:{world.people['board_reader'].user_id}"
    assert len(reads()) == before


def test_what_was_never_there_is_denied_too(world):
    client = enter(world, "coordinator")
    assert client.get("/cases/IOM-9999/").status_code == 404

    denied = AuditEvent.objects.filter(kind="denied").order_by("sequence").last()
    assert (denied.context["of"], denied.context["status"]) == ("IOM-9999", 404)


def test_a_name_typed_into_an_address_stays_out_of_the_audit(world):
    client = enter(world, "coordinator")
    client.get("/cases/JohnSmith/?s=JohnSmith")

    denied = AuditEvent.objects.filter(kind="denied").order_by("sequence").last()
    assert denied.context == {"page": "case", "method": "GET", "status": 404}


def test_a_refused_change_is_rolled_back_and_denied(world):
    """A member's post to what the coordinator alone may do: nothing changes, one event."""
    client = enter(world, "member")
    before = AuditEvent.objects.filter(kind="denied").count()
    client.post(reverse("send_agenda", args=world.arguments("meeting")), {})

    assert AuditEvent.objects.filter(kind="denied").count() == before + 1


def test_whoever_asks_hears_who_was_read(world, monkeypatch):
    heard = []
    monkeypatch.setattr(audit, "_readers", [lambda actor, subjects: heard.append((actor.user.pk, subjects))])
    client = enter(world, "coordinator")
    client.get(reverse("case", args=world.arguments("case")))

    case = world.things["case"]
    assert heard == [(world.people["coordinator"].user_id, frozenset({case.audit_subject, case.reference}))]
