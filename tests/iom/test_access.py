"""The two ends of access: what the database refuses, and what a scheme's people meet of each other."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from iom.access import actor_for
from iom.models import AuditEvent
from offenders.models import Case, RagRating
from tests import factories

pytestmark = pytest.mark.django_db


def test_application_role_owns_nothing_and_cannot_bypass():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("iom_app", False, False)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = 'iom_app'")
        assert cursor.fetchone() == (0,)


def test_row_that_points_into_another_scheme_is_refused_by_the_database(merton):
    london = factories.scheme("london")
    theirs = factories.offender(london)

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.case(merton, who=theirs)
        connection.check_constraints()


def test_ratings_of_a_case_cannot_leave_a_gap(merton):
    case = factories.case(merton, since=date(2026, 1, 1))
    RagRating.objects.filter(case=case).update(until=date(2026, 2, 1))

    with pytest.raises(IntegrityError), transaction.atomic():
        RagRating.objects.create(
            scheme=merton,
            case=case,
            colour="AMBER",
            starts_on=date(2026, 2, 3),
            follows_from=date(2026, 2, 3),
            reason="A gap of two days",
        )
        connection.check_constraints()


def test_audit_cannot_be_changed_even_by_a_bulk_update(merton):
    assert AuditEvent.objects.filter(scheme=merton, verb="create_scheme").exists()

    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEvent.objects.update(verb="nothing happened")


def test_member_with_a_seat_sees_open_cases_of_their_scheme_only(merton, police):
    ours = factories.case(merton)
    factories.case(factories.scheme("london"))
    factories.case(merton, restricted=True)

    assert list(Case.objects.visible_to(actor_for(police))) == [ours]


def test_member_without_a_seat_sees_no_case(merton):
    factories.case(merton)
    stranger = factories.actor(merton, "member", agency_kind="health", seat=False)

    assert not Case.objects.visible_to(stranger).exists()
