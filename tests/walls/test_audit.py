"""The audit in the database: added to, chained, never changed (security.md U1, U3, U5 to U7)."""

from __future__ import annotations

import hashlib

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction

from iom import audit, chain, walls
from iom.access import actor_for, task_actor
from iom.clock import now
from iom.models import AuditEvent, Membership
from offenders.models import Alias, Case, Offender, RagRating
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def merton():
    return factories.scheme("merton")


@pytest.fixture
def person(merton) -> Offender:
    return factories.offender(merton)


def events(**lookup) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(kind="rows", **lookup).order_by("sequence"))


def last(table: str) -> AuditEvent:
    return events(object_type=table)[-1]


def run(statement: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


# --- Every path leaves its event -------------------------------------------------------------


def test_saving_a_new_row_leaves_an_event(person):
    event = last("offenders_offender")

    assert (event.verb, event.object_ref, event.subjects) == ("insert", str(person.pk), [f"P{person.pk}"])
    assert (event.actor, event.role) == ("task", "iom_app")


def test_saving_a_change_leaves_the_name_of_the_field_and_no_value(person):
    person.area = "Graveney"
    person.save()

    event = last("offenders_offender")
    assert event.verb == "update"
    assert list(event.body["rows"][0]["fields"]) == ["area"]
    assert "Graveney" not in str(event.body)


def test_saving_without_a_change_leaves_none(person):
    before = len(events())
    person.save()

    assert len(events()) == before


def test_updating_a_query_leaves_an_event(person):
    Offender.objects.filter(pk=person.pk).update(area="Graveney")

    assert last("offenders_offender").verb == "update"


def test_creating_in_bulk_leaves_an_event_with_every_row(merton, person):
    Alias.objects.bulk_create(Alias(scheme=merton, offender=person, name=f"Example {n}") for n in range(3))

    event = last("offenders_alias")
    assert (event.verb, event.body["count"], len(event.body["rows"])) == ("insert", 3, 3)
    assert event.subjects == [f"P{person.pk}"]


def test_changing_in_bulk_leaves_an_event(merton, person):
    other = factories.offender(merton)
    person.area = other.area = "Graveney"
    Offender.objects.bulk_update([person, other], ["area"])

    event = last("offenders_offender")
    assert (event.verb, event.body["count"]) == ("update", 2)
    assert event.subjects == [f"P{person.pk}", f"P{other.pk}"]


def test_a_hundred_rows_leave_one_event_with_their_count_and_digest(merton, person):
    Alias.objects.bulk_create(Alias(scheme=merton, offender=person, name=f"Example {n}") for n in range(100))

    event = last("offenders_alias")
    assert event.body["count"] == 100
    assert len(event.body["digest"]) == 64
    assert "rows" not in event.body


def test_ninety_nine_rows_are_listed(merton, person):
    Alias.objects.bulk_create(Alias(scheme=merton, offender=person, name=f"Example {n}") for n in range(99))

    assert len(last("offenders_alias").body["rows"]) == 99


def test_raw_sql_leaves_an_event(person):
    run("UPDATE offenders_offender SET area = 'Graveney' WHERE id = %s", person.pk)

    assert last("offenders_offender").verb == "update"


def test_deleting_leaves_an_event_for_the_row_and_for_what_goes_with_it(merton, person):
    Alias.objects.create(scheme=merton, offender=person, name="Example")
    number = person.pk
    person.delete()

    assert (last("offenders_alias").verb, last("offenders_alias").subjects) == ("delete", [f"P{number}"])
    assert (last("offenders_offender").verb, last("offenders_offender").object_ref) == ("delete", str(number))


def test_a_case_is_named_by_the_rows_that_hang_on_it(merton):
    case = factories.case(merton)

    assert last("offenders_ragrating").subjects == [f"C{case.pk}"]
    assert last("offenders_case").subjects == [f"P{case.offender_id}"]


def test_every_watched_table_has_its_three_triggers():
    found = run(
        "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgname IN ('audit_insert', 'audit_update', 'audit_delete') AND t.tgenabled = 'O' "
        "GROUP BY 1 HAVING count(*) = 3"
    )

    assert {name for (name,) in found} == set(walls.watched_tables())


def test_every_table_with_a_scheme_is_watched_but_those_that_hold_no_record():
    tables = run(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'scheme_id' "
        "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    )

    assert {name for (name,) in tables} - set(walls.watched_tables()) == walls.UNWATCHED


def test_every_watched_table_has_the_number_by_which_rows_are_named():
    without = [name for name, model in walls.watched_tables().items() if model._meta.pk.column != "id"]

    assert without == []


# --- Who acts --------------------------------------------------------------------------------


def test_a_write_without_an_actor_is_refused_by_the_database(merton, person):
    run("SELECT set_config('iom.who', '', true)")

    with pytest.raises(ProgrammingError, match="without an actor"), transaction.atomic():
        Offender.objects.filter(pk=person.pk).update(area="Graveney")


def test_the_actor_of_the_transaction_stands_in_the_event(merton, person):
    member = factories.member(merton, "coordinator", "chair")

    with walls.within(merton, by=actor_for(member), address="192.0.2.7", request="abc"):
        Offender.objects.filter(pk=person.pk).update(area="Graveney")

    event = last("offenders_offender")
    assert (event.actor, event.roles, event.agency) == (
        f"user:{member.user_id}",
        "chair,coordinator",
        str(member.agency_id),
    )
    assert (event.address, event.request_id) == ("192.0.2.7", "abc")


def test_a_task_is_named_with_who_caused_it(merton, person):
    with walls.within(merton, cause="email for user:7"):
        Offender.objects.filter(pk=person.pk).update(area="Graveney")

    assert (last("offenders_offender").actor, last("offenders_offender").caused_by) == ("task", "email for user:7")


@pytest.mark.django_db(databases=["default", "owner"])
def test_another_role_may_write_and_is_recorded_by_its_name():
    with connections["owner"].cursor() as cursor:
        cursor.execute("INSERT INTO iom_scheme (slug, name, short_name, created_at) VALUES ('x', 'x', 'x', now())")
        cursor.execute("SELECT max(id) FROM iom_scheme")
        (number,) = cursor.fetchone()
        cursor.execute("SELECT set_config('iom.scheme', %s, true)", [str(number)])
        cursor.execute(
            "INSERT INTO iom_agency (scheme_id, version, created_at, slug, name, kind, core) "
            "VALUES (%s, 1, now(), 'a', 'A', 'police', true)",
            [number],
        )
        cursor.execute("SET CONSTRAINTS audit.chain_at_the_end IMMEDIATE")
        cursor.execute("SELECT verb, object_type, role, actor FROM audit.trail")
        assert cursor.fetchall() == [("insert", "iom_agency", "iom_owner", "")]


# --- Rollback, refusal -----------------------------------------------------------------------


def test_what_is_rolled_back_leaves_no_event(merton, person):
    before = AuditEvent.objects.count()

    with pytest.raises(ZeroDivisionError), walls.within(merton, cause="test"):
        Offender.objects.filter(pk=person.pk).update(area="Graveney")
        audit.record("anything", person, by=task_actor(merton, "test"))
        1 / 0  # noqa: B018

    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.event SET sequence = 1",
        "DELETE FROM audit.event",
        "TRUNCATE audit.event",
        "INSERT INTO audit.event VALUES (1, 1, '', '{}')",
        "SELECT * FROM audit.event",
        "UPDATE audit.head SET sequence = 0",
        "INSERT INTO audit.pending (scheme_id, body) VALUES (1, '{}')",
        "UPDATE audit.trail SET verb = 'x'",
        "DELETE FROM audit.trail",
        "ALTER TABLE audit.event DISABLE TRIGGER ALL",
        "DROP TABLE audit.event",
        "CREATE TABLE audit.more (id int)",
        "ALTER TABLE offenders_case DISABLE TRIGGER audit_update",
        "ALTER TABLE offenders_case NO FORCE ROW LEVEL SECURITY",
        "SET ROLE iom_audit",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_can_only_add(merton, statement):
    with pytest.raises(DatabaseError), transaction.atomic():
        run(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit.event SET sequence = 1", "DELETE FROM audit.event", "TRUNCATE audit.event"]
)
def test_triggers_refuse_even_those_who_hold_the_right(merton, statement):
    kept = run("SELECT tgenabled FROM pg_trigger WHERE tgname IN ('event_stays', 'head_stays', 'chain_at_the_end')")

    assert kept == [("A",)] * 3


# --- The chain -------------------------------------------------------------------------------


def test_the_chain_can_be_recomputed_from_what_is_stored(merton, person):
    audit.chain()
    previous = b""

    for sequence, stored, body in run("SELECT sequence, hash, body::text FROM audit.trail ORDER BY sequence"):
        previous = hashlib.sha256(previous + body.encode()).digest()
        assert bytes(stored) == previous, sequence


@pytest.mark.parametrize(
    "setting",
    ["TimeZone = 'Asia/Kolkata'", "DateStyle = 'German, DMY'", "lc_numeric = 'C'", "IntervalStyle = 'iso_8601'"],
)
def test_the_chain_is_the_same_under_any_setting(merton, person, setting):
    audit.chain()
    before = run("SELECT body::text FROM audit.trail ORDER BY sequence")
    run(f"SET LOCAL {setting}")

    assert run("SELECT body::text FROM audit.trail ORDER BY sequence") == before
    assert run("SELECT DISTINCT jsonb_typeof(body -> 'at') FROM audit.trail") == [("number",)]


def test_sequences_have_no_gap_and_times_never_go_back(merton):
    for _ in range(3):
        factories.case(merton)
    found = list(AuditEvent.objects.order_by("sequence").values_list("sequence", "at"))

    assert [sequence for sequence, _ in found] == list(range(1, len(found) + 1))
    assert [at for _, at in found] == sorted(at for _, at in found)


def test_many_events_at_once_ring_once_and_are_chained_in_their_order(merton, person):
    audit.chain()
    before = AuditEvent.objects.count()
    things = [(person, {"after": str(number)}) for number in range(1100)]

    with walls.within(merton, cause="test"):
        audit.record_each("look", things, by=task_actor(merton, "test"))
        audit.chain()

    events = AuditEvent.objects.filter(verb="look").order_by("sequence")
    assert list(events.values_list("sequence", "after")) == [(before + 1 + at, str(at)) for at in range(1100)]
    assert chain.check(merton.pk, chain.links(), tip=chain.tips()[merton.pk]).whole


def test_a_scheme_reads_its_own_chain_alone(merton):
    london = factories.scheme("london")
    factories.case(london)

    assert {event.scheme_id for event in AuditEvent.objects.all()} == {merton.pk}


def test_an_account_of_no_scheme_stands_in_the_chain_of_the_installation(merton):
    user = factories.member(merton, "member").user
    Membership.objects.filter(user=user).delete()
    audit.account("sign_in", user)

    with walls.within(walls.INSTALLATION, cause="test"):
        assert AuditEvent.objects.filter(verb="sign_in", object_ref=str(user.pk)).count() == 1


def test_an_account_of_two_schemes_stands_in_both(merton):
    london = factories.scheme("london")
    user = factories.member(merton, "member").user
    with walls.within(london, cause="test"):
        there = factories.member(london, "member")
        Membership.objects.filter(pk=there.pk).update(user=user)
    audit.account("sign_in", user)

    for scheme in (merton, london):
        with walls.within(scheme, cause="test"):
            assert AuditEvent.objects.filter(verb="sign_in").count() == 1


def test_a_reason_is_kept_as_a_keyed_digest(merton, person):
    audit.record("look", person, by=task_actor(merton, "test"), reason="She rang about her safety")

    event = AuditEvent.objects.get(verb="look")
    assert event.has_reason
    assert event.body["reason_digest"] == audit.digest("She rang about her safety")
    assert "rang" not in str(event.body)


def test_many_to_many_rights_of_an_account_leave_an_event(merton):
    member = factories.member(merton, "member")
    group = Group.objects.create(name="everything")
    member.user.groups.add(group)
    member.user.groups.clear()

    assert [event.verb for event in events(object_type="iom_user_groups")] == ["insert", "delete"]


def test_a_sign_in_is_no_change_of_the_account(merton):
    member = factories.member(merton, "member")
    before = len(events(object_type="iom_user"))
    with walls.within(None, cause=""):
        type(member.user).objects.filter(pk=member.user_id).update(last_login=now())

    assert len(events(object_type="iom_user")) == before


def test_groups_of_accounts_are_no_way_round(merton):
    """Rights are never given to groups or by model: nothing of ours reads them (security.md Z7)."""
    member = factories.member(merton, "member")
    member.user.groups.add(Group.objects.create(name="everything"))

    assert not actor_for(member).has_role("coordinator")


def test_rating_in_one_statement_names_the_case(merton):
    case = factories.case(merton)
    RagRating.objects.filter(case=case).update(reason="Another")

    assert last("offenders_ragrating").subjects == [f"C{case.pk}"]
    assert Case.objects.get() == case
