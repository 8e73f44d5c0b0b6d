"""What holds between transactions: tested with commits that are real."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connections
from django.test import Client

from iom import audit, walls
from iom.access import task_actor
from iom.models import Agency, Meeting
from offenders.models import Offender
from tests import factories
from tests.conftest import _server
from tests.factories.signing_in import verified


def test_scheme_ends_with_the_transaction(committed):
    merton = factories.scheme()
    with walls.within(merton, cause="test"):
        assert Meeting.objects.count() == 0 < Agency.objects.count()

    assert Agency.objects.count() == 0
    assert factories.acting_in() == ""


def test_no_personal_page_is_shown_when_the_audit_cannot_be_written(committed):
    """security.md U1: with the function out of reach the page is a 500 without a word of anybody."""
    merton = factories.scheme()
    with walls.within(merton, cause="test"):
        member = factories.member(merton, "coordinator")
        case = factories.case(merton)
        person = case.offender
    client = Client(raise_request_exception=False)
    client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    verified(session)
    session.save()
    superuser_says("REVOKE EXECUTE ON FUNCTION audit.append(bigint, jsonb) FROM iom_app")
    try:
        page = client.get(f"/cases/{case.reference}/")
        board = client.get("/cases/")
    finally:
        superuser_says("GRANT EXECUTE ON FUNCTION audit.append(bigint, jsonb) TO iom_app")

    assert (page.status_code, board.status_code) == (500, 500)
    assert person.family_name not in page.content.decode() + board.content.decode()
    assert person.family_name.upper() not in page.content.decode() + board.content.decode()


def test_no_change_is_kept_when_the_audit_cannot_be_written(committed):
    merton = factories.scheme()
    with walls.within(merton, cause="test"):
        person = factories.offender(merton)
    superuser_says("REVOKE EXECUTE ON FUNCTION audit.append(bigint, jsonb) FROM iom_app")
    try:
        with pytest.raises(DatabaseError), walls.within(merton, cause="test"):
            Offender.objects.filter(pk=person.pk).update(area="Graveney")
            audit.record("change", person, by=task_actor(merton, "test"))
    finally:
        superuser_says("GRANT EXECUTE ON FUNCTION audit.append(bigint, jsonb) TO iom_app")

    with walls.within(merton, cause="test"):
        assert Offender.objects.get().area == ""


def superuser_says(statement: str) -> None:
    with _server._superuser(connections["default"].settings_dict["NAME"]) as connection:
        connection.execute(statement)
