"""A form does its work once, however often it is sent (security.md C2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.conf import settings

from iom import clock, once, tasks
from iom.models import AuditEvent, FormKey
from tests import factories

pytestmark = pytest.mark.django_db

TEMPLATES = settings.BASE_DIR / "templates"

KEY = "k" * 64
IN_PRISON = {"kind": "remand", "prison": "HMP Wandsworth", "starts_on": "2 3 2026", "version": "0"}


@pytest.fixture
def case(merton):
    return factories.case(merton)


@pytest.fixture
def custody(case):
    return f"/cases/{case.reference}/custody/"


def test_every_form_of_a_page_has_a_key_of_its_own(sign_in, coordinator):
    page = sign_in(coordinator).get("/notifications/").content.decode()

    forms = re.findall(r'<form[^>]*method="post".*?</form>', page, flags=re.S)
    keys = [re.findall(r'name="form_key" value="([\w-]{64})"', form) for form in forms]
    assert len(forms) >= 2
    assert all(len(found) == 1 for found in keys)
    assert len({found[0] for found in keys}) == len(forms)


def test_every_form_of_every_template_writes_token_and_key():
    """One line does both (`iom.once.Proof`); a form that says POST and forgets it is found here."""
    forgetful = [
        (str(path.relative_to(TEMPLATES)), form[:80])
        for path in sorted(TEMPLATES.rglob("*.html"))
        for form in re.findall(r'<form\b[^>]*method="post".*?</form>', path.read_text(), flags=re.S | re.I)
        if not re.search(r"\{\{ ?(csrf_input|csrf\(\)|csrf|token) ?\}\}", form)
    ]

    assert forgetful == []


def test_same_form_again_does_nothing_more_and_gets_the_same_answer(sign_in, coordinator, case, custody):
    client = sign_in(coordinator)
    first = client.post(custody, IN_PRISON, key=KEY)

    again = client.post(custody, IN_PRISON, key=KEY)

    assert (first.status_code, first.url) == (again.status_code, again.url) == (302, custody)
    assert case.custody_periods.count() == 1
    assert AuditEvent.objects.filter(verb="record_custody").count() == 1
    assert FormKey.objects.get().user == coordinator.user


def test_key_may_stand_in_the_form_or_in_a_header(sign_in, coordinator, case, custody):
    client = sign_in(coordinator)

    client.post(custody, IN_PRISON | {"form_key": KEY})
    again = client.post(custody, IN_PRISON, headers={"X-Form-Key": KEY})

    assert again.status_code == 302
    assert case.custody_periods.count() == 1


def test_what_the_first_answer_had_to_say_is_said_once(sign_in, coordinator, case, custody):
    client = sign_in(coordinator)
    client.post(custody, IN_PRISON, key=KEY)
    client.post(custody, IN_PRISON, key=KEY)
    page = client.get(custody).content.decode()
    assert page.count(f"Custody of {case.reference} saved") == 1

    late = client.post(custody, IN_PRISON, key=KEY, follow=True).content.decode()

    assert late.count(f"Custody of {case.reference} saved") == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"prison": "HMP Belmarsh"}, id="other answer"),
        pytest.param({"release_expected_on": "1 6 2026"}, id="one answer more"),
    ],
)
def test_key_with_other_content_is_refused_and_shows_what_was_typed(sign_in, coordinator, case, custody, other):
    client = sign_in(coordinator)
    client.post(custody, IN_PRISON, key=KEY)

    response = client.post(custody, IN_PRISON | other, key=KEY)

    assert response.status_code == 409
    assert case.custody_periods.get().prison == "HMP Wandsworth"
    assert "You have sent this form already" in response.content.decode()
    assert next(iter(other.values())) in response.content.decode()


def test_key_at_another_address_is_refused(sign_in, coordinator, merton, case, custody):
    client = sign_in(coordinator)
    client.post(custody, IN_PRISON, key=KEY)
    other = factories.case(merton)

    response = client.post(f"/cases/{other.reference}/custody/", IN_PRISON, key=KEY)

    assert response.status_code == 409
    assert not other.custody_periods.exists()


def test_key_of_somebody_else_is_refused(sign_in, coordinator, merton, case, custody):
    colleague = factories.member(merton, "coordinator")
    sign_in(coordinator).post(custody, IN_PRISON, key=KEY)

    response = sign_in(colleague).post(custody, IN_PRISON, key=KEY)

    assert response.status_code == 409
    assert "Priya Shah" not in response.content.decode()


def test_form_that_was_shown_again_with_errors_leaves_its_key_free(sign_in, coordinator, case, custody):
    client = sign_in(coordinator)
    shown_again = client.post(custody, IN_PRISON | {"prison": ""}, key=KEY)
    assert shown_again.status_code == 200
    assert not FormKey.objects.exists()

    response = client.post(custody, IN_PRISON, key=KEY)

    assert response.status_code == 302
    assert case.custody_periods.count() == 1


def test_refused_form_leaves_its_key_free(sign_in, coordinator, police, case):
    client = sign_in(coordinator)

    assert client.post("/cases/IOM-9999/custody/", IN_PRISON, key=KEY).status_code == 404
    assert not FormKey.objects.exists()


@pytest.mark.parametrize("key", [None, "short", "with spaces in between the letters", "k" * 65])
def test_without_a_key_nothing_is_changed(sign_in, coordinator, case, custody, key):
    response = sign_in(coordinator).post(custody, IN_PRISON, key=key)

    assert response.status_code == 400
    assert not case.custody_periods.exists()
    assert not AuditEvent.objects.filter(verb="record_custody").exists()


def test_without_a_key_errors_and_refusals_are_shown_as_ever(sign_in, coordinator, merton, case, custody):
    client = sign_in(coordinator)
    reader = factories.member(merton, "board_reader")

    assert client.post(custody, {"version": "0"}, key=None).status_code == 200
    assert client.post("/cases/IOM-9999/custody/", IN_PRISON, key=None).status_code == 404
    assert sign_in(reader).post(custody, IN_PRISON, key=None).status_code == 403


def test_what_an_answer_shows_is_not_legible_in_the_table(sign_in, coordinator, case, custody):
    sign_in(coordinator).post(custody, IN_PRISON, key=KEY)

    row = FormKey.objects.get()

    assert case.reference.encode() not in bytes(row.answer)
    assert "Wandsworth" not in row.digest


def test_answer_that_cannot_be_read_any_more_leads_to_the_page(sign_in, coordinator, case, custody):
    client = sign_in(coordinator)
    client.post(custody, IN_PRISON, key=KEY)
    FormKey.objects.update(answer=b"sealed with a key that is gone")

    again = client.post(custody, IN_PRISON, key=KEY)

    assert (again.status_code, again.url) == (302, custody)
    assert case.custody_periods.count() == 1


def test_long_answer_is_led_to(sign_in, coordinator, case, custody, settings):
    settings.FORM_ANSWER_LONGEST_BYTES = 10
    client = sign_in(coordinator)
    client.post(custody, IN_PRISON, key=KEY)

    again = client.post(custody, IN_PRISON, key=KEY)

    assert (again.status_code, again.url) == (302, custody)
    assert case.custody_periods.count() == 1


def test_keys_are_forgotten_after_a_day(sign_in, coordinator, case, custody):
    with time_machine.travel("2026-03-12T10:00:00Z", tick=False):
        client = sign_in(coordinator)
        client.post(custody, IN_PRISON, key=KEY)

    with clock.as_of(datetime(2026, 3, 13, 10, 0, tzinfo=UTC)):
        assert once.sweep() == 0
    with clock.as_of(datetime(2026, 3, 13, 10, 0, 1, tzinfo=UTC)):
        assert once.sweep() == 1


def test_public_pages_keep_themselves_from_doing_things_twice(client, coordinator):
    response = client.post("/sign-in/", {"email": coordinator.user.email, "password": factories.PASSWORD}, key=None)

    assert response.status_code == 302
    assert not FormKey.objects.exists()


def test_sweep_of_sessions_forgets_keys_too(coordinator):
    with clock.as_of(datetime(2026, 3, 12, 9, 0, tzinfo=UTC)):
        FormKey.objects.create(key=KEY, user=coordinator.user, digest="x", at=clock.now())
    with clock.as_of(datetime(2026, 3, 13, 10, 0, tzinfo=UTC)):
        tasks.sweep_sessions()

    assert not FormKey.objects.exists()
