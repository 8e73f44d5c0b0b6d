"""Every form of the matrix posted with fields that never come from a client: nothing of it is stored (security.md Z9)."""

from __future__ import annotations


import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse
from html.parser import HTMLParser

from iom.models import Membership
from tests import factories
from tests.test_matrix import MATRIX, enter
from tests.world import World

pytestmark = pytest.mark.django_db

MARK = "Smuggled-in"
# Fields of ours that never come from the client, and what somebody would like them to be.
SMUGGLED = (
    *("scheme", "scheme_id", "owner", "owner_id", "author", "made_by", "decided_by", "answered_by", "granted_by"),
    *("referrer", "restricted_by", "asked_by", "signed_by", "signed_at", "signed_name", "record", "recorder", "chair"),
    *("status", "state", "role", "version_of", "reference", "created_at", "sent_at", "late", "is_superuser"),
    *("is_system_admin", "is_active", "number", "expires_at", "reviewed_by", "ends_at", "policy_version", "audit"),
)


class Fields(HTMLParser):
    """The fields of every form of a page, with what they hold now."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.select = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self.forms.append((given.get("action") or "", {}))
        if not self.forms:
            return
        fields = self.forms[-1][1]
        name = given.get("name") or ""
        if tag == "select":
            self.select = name
        elif tag == "option" and self.select and given.get("value"):
            fields.setdefault(self.select, given["value"])
        elif tag == "textarea" and name:
            fields[name] = "Typed words that are long enough for any field."
        elif tag == "input" and name and given.get("type") not in ("submit", "file"):
            if given.get("type") in ("radio", "checkbox") and name in fields:
                return
            fields[name] = given.get("value") or "12"


@pytest.fixture
def world() -> World:
    return World.make("merton")


def stored(text: str) -> list[str]:
    """Tables in which the text stands, in any column."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE to_jsonb(t)::text LIKE %s', [f"%{text}%"])
            if cursor.fetchone()[0]:
                found.append(table)
    return found


def owners() -> dict[str, set]:
    """Of each row that was there before: whose it is, of which scheme."""
    kept = {}
    for model in apps.get_models():
        names = {field.name for field in model._meta.local_fields}
        if "scheme" in names:
            kept[model._meta.label] = {pk: scheme for pk, scheme in model.objects.values_list("pk", "scheme_id")}
    return kept


def test_fields_that_never_come_from_the_client_are_ignored(world):
    stranger = factories.member(factories.scheme("london"), "scheme_admin")
    rights = {held.pk: list(held.roles) for held in Membership.objects.all()}
    before, posted = owners(), 0
    for name, row in sorted(MATRIX.items()):
        if "GET" not in row.methods:
            continue
        for role in sorted(row.roles):
            client = enter(world, role)
            address = reverse(name, args=world.arguments(row.of))
            page = client.get(address)
            if "html" not in page.headers.get("Content-Type", ""):
                continue
            forms = Fields()
            forms.feed(page.content.decode())
            for action, fields in forms.forms:
                if any(part in action for part in ("/sign-out/", "/scheme/", "/sign-in/", "/settings/rights")):
                    continue
                smuggled = dict.fromkeys(SMUGGLED, MARK) | {"scheme": str(stranger.scheme_id), "role": "scheme_admin"}
                smuggled |= {"scheme_id": str(stranger.scheme_id), "owner_id": str(stranger.pk)}
                extra = {name: value for name, value in smuggled.items() if name not in fields}
                client.post(action or address, fields | extra, HTTP_X_AUTOSAVE="")
                posted += 1

    assert posted > 60
    assert stored(MARK) == []
    after = owners()
    for label, rows in before.items():
        moved = {pk for pk, scheme in rows.items() if after[label].get(pk, scheme) != scheme}
        assert not moved, label
        new = {scheme for pk, scheme in after[label].items() if pk not in rows}
        assert stranger.scheme_id not in new, label
    assert {held.pk: list(held.roles) for held in Membership.objects.filter(pk__in=rights)} == rights
    assert not Membership.objects.filter(user__is_superuser=True).exists()
