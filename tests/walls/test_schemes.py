"""The wall between schemes, in the database itself (security.md Z2, Z3): read from its catalogue, table by table."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, connections, transaction

from iom import walls
from iom.models import Agency, Membership, OutboxMessage
from offenders.models import Case, Offender
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "owner"])

# Known before it is known in which scheme somebody acts; ids alone (security.md Z3).
OUTSIDE = {"iom_membership", "iom_outboxmessage"}


def rows(statement: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def tables_with_a_scheme() -> dict[str, tuple[bool, bool, str]]:
    found = rows(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, "
        "coalesce(string_agg(pg_get_expr(p.polqual, c.oid) || ' / ' || pg_get_expr(p.polwithcheck, c.oid), ';'), '') "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'scheme_id' "
        "LEFT JOIN pg_policy p ON p.polrelid = c.oid "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace GROUP BY 1, 2, 3"
    )
    return {name: rest for name, *rest in found}


def test_every_table_with_a_scheme_is_forced_behind_the_wall():
    open_tables = {name for name, (enabled, forced, _) in tables_with_a_scheme().items() if not (enabled and forced)}

    assert open_tables == OUTSIDE


def test_every_wall_asks_for_the_scheme_of_the_transaction_and_of_what_is_written():
    weak = {
        name
        for name, (_, _, rule) in tables_with_a_scheme().items()
        if name not in OUTSIDE and (rule.count("iom.scheme") != 2 or rule.count(" / ") != 1)
    }

    assert weak == set()


def test_every_scheme_model_has_its_table_there():
    tables = set(tables_with_a_scheme())
    models = {m._meta.db_table for m in apps.get_models() if m._meta.managed and hasattr(m, "scheme_id")}

    assert models - tables == set()


@pytest.mark.parametrize("role", ["iom_app", "iom_owner"])
def test_serving_and_owning_roles_cannot_pass_the_wall(role):
    assert rows("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s", role) == [
        (False, False, False, False)
    ]


def test_tests_run_as_the_application_role_which_owns_nothing():
    assert rows("SELECT current_user, session_user") == [("iom_app", "iom_app")]
    assert rows("SELECT count(*) FROM pg_class WHERE relowner = 'iom_app'::regrole") == [(0,)]


def test_without_a_scheme_there_are_no_rows():
    merton = factories.scheme()
    factories.case(merton)

    with walls.within(None, cause="test"):
        assert (Case.objects.count(), Offender.objects.count(), Agency.objects.count()) == (0, 0, 0)
    assert Case.objects.count() == 1


def test_rows_of_another_scheme_are_not_there_whatever_the_query_says():
    merton, london = factories.scheme("merton"), factories.scheme("london")
    factories.case(merton)
    foreign = factories.case(london)

    with walls.within(merton, cause="test"):
        assert Case.objects.filter(pk=foreign.pk).count() == 0
        assert Case.objects.filter(pk=foreign.pk).update(why="changed") == 0
        assert Case.objects.filter(pk=foreign.pk)._raw_delete("default") == 0
        assert rows("SELECT count(*) FROM offenders_case WHERE scheme_id = %s", london.pk) == [(0,)]
    with walls.within(london, cause="test"):
        assert Case.objects.get(pk=foreign.pk).why == foreign.why


def test_row_of_another_scheme_cannot_be_written():
    merton, london = factories.scheme("merton"), factories.scheme("london")

    with pytest.raises(ProgrammingError, match="row-level security"), walls.within(merton, cause="test"):
        Offender.objects.create(scheme=london, family_name="Example", given_names="Sam")


def test_row_cannot_be_moved_into_another_scheme():
    merton, london = factories.scheme("merton"), factories.scheme("london")
    person = factories.offender(merton)

    with pytest.raises(ProgrammingError, match="row-level security"), walls.within(merton, cause="test"):
        Offender.objects.filter(pk=person.pk).update(scheme=london)


def test_inner_scheme_is_left_again_for_the_outer_one():
    merton, london = factories.scheme("merton"), factories.scheme("london")

    with walls.within(merton, cause="test"):
        with walls.within(london, cause="test"):
            pass
        assert factories.acting_in() == str(merton.pk)
        with pytest.raises(ZeroDivisionError), walls.within(london, cause="test"):
            1 / 0  # noqa: B018
        assert factories.acting_in() == str(merton.pk)


def test_what_lies_outside_the_wall_holds_nobodys_case():
    personal = {"family_name", "given_names", "name", "text", "reason", "note", "summary", "offender", "case"}

    for model in (Membership, OutboxMessage):
        assert personal.isdisjoint(field.name for field in model._meta.fields)


def test_owner_sees_no_rows_either():
    """FORCE holds for the owner of the tables too; only another transaction could tell, so it asks an open one."""
    with connections["owner"].cursor() as cursor, transaction.atomic(using="owner"):
        cursor.execute("SELECT count(*) FROM offenders_case")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'offenders_case'")
        assert cursor.fetchone() == (True,)
