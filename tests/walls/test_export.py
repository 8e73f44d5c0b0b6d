"""The audit for the regulator, and what must never stand in the chain (security.md U10, U11)."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from iom import audit, clock, walls
from iom.access import actor_for, task_actor
from iom.management.commands import audit_export
from iom.models import AuditEvent, LogEntry
from offenders import actions
from offenders.models import Offender
from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def merton():
    return factories.scheme("merton")


@pytest.fixture
def case(merton):
    made = factories.case(merton)
    with walls.within(merton, by=factories.actor(merton, "coordinator")):
        actions.start_leaving(made, on=clock.today(), reason="Moved.", by=factories.actor(merton, "coordinator"))
    return made


def export(tmp_path: Path, *arguments: str, kind: str = "jsonl") -> list[dict]:
    file = tmp_path / f"audit{len(list(tmp_path.iterdir()))}.{kind}"
    call_command("audit_export", str(file), "--format", kind, *arguments, stdout=io.StringIO())
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines)) if kind == "csv" else [json.loads(line) for line in lines]


def test_json_lines_hold_every_event_with_the_documented_columns(merton, case, tmp_path):
    audit.chain()
    last = AuditEvent.objects.order_by("-sequence").first().sequence
    rows = export(tmp_path)

    assert [row["sequence"] for row in rows] == list(range(1, last + 1))
    assert {tuple(row) for row in rows} == {audit_export.COLUMNS}


def test_csv_holds_the_same(merton, case, tmp_path):
    audit.chain()
    lines, cells = export(tmp_path), export(tmp_path, kind="csv")

    # The second one holds the event of the first.
    assert len(cells) == len(lines) + 1
    assert [row["hash"] for row in lines] == [row["hash"] for row in cells][:-1]
    assert {tuple(row) for row in cells} == {audit_export.COLUMNS}


def test_the_columns_are_those_of_the_documentation():
    page = Path("docs/audit.md").read_text(encoding="utf-8").partition("## For the regulator")[2]
    named = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)

    assert tuple(named) == audit_export.COLUMNS


def test_references_stand_in_place_of_numbers(merton, case, tmp_path):
    rows = export(tmp_path)
    (inserted,) = [row for row in rows if row["object"] == "offenders_case" and row["action"] == "insert"]

    assert inserted["subjects"] == [case.reference]
    assert inserted["hash"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", inserted["time"])


def test_an_agency_is_named_by_its_slug(merton, case, tmp_path):
    person = factories.member(merton, "coordinator")
    with walls.within(merton, by=actor_for(person)):
        audit.record("look", case, by=actor_for(person), subjects=[case.reference])
    (row,) = [row for row in export(tmp_path) if row["action"] == "look"]

    assert (row["agency"], row["roles"]) == (person.agency.slug, ["coordinator"])


def test_one_subject_is_exported_by_any_reference(merton, case, tmp_path):
    factories.case(merton)
    rows = export(tmp_path, "--subject", case.reference.lower())

    assert {"insert", "update"} <= {row["action"] for row in rows}
    assert all(case.reference in (*row["subjects"], row["object_reference"]) for row in rows)


def test_days_are_included(merton, case, tmp_path):
    today = clock.today()

    assert export(tmp_path, "--from", today.isoformat(), "--until", today.isoformat())
    assert export(tmp_path, "--from", (today + timedelta(days=1)).isoformat()) == []


def test_the_export_is_itself_recorded_with_count_filter_and_digest(merton, case, tmp_path):
    rows = export(tmp_path, "--scheme", "merton", "--from", clock.today().isoformat())

    event = AuditEvent.objects.get(verb="export_audit")
    assert event.context["count"] == len(rows)
    assert event.context["from"] == clock.today().isoformat()
    assert len(event.context["sha256"]) == 64


def test_each_scheme_records_its_own(merton, case, tmp_path):
    london = factories.scheme("london")
    rows = export(tmp_path)

    assert {row["scheme"] for row in rows} == {"merton", "london"}
    with walls.within(london, cause="test"):
        event = AuditEvent.objects.get(verb="export_audit")
        assert event.context["count"] == len([row for row in rows if row["scheme"] == "london"])


@pytest.mark.parametrize("start", ["=1+1", "+44", "-1", "@SUM", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"])
def test_no_cell_of_a_csv_is_a_formula(merton, case, tmp_path, start):
    audit.record("look", case, by=task_actor(merton, "test"), before=start)
    (row,) = [row for row in export(tmp_path, kind="csv") if row["action"] == "look"]

    assert row["before"] == f"'{start}"


def test_json_says_what_was_written(merton, case, tmp_path):
    said = io.StringIO()
    call_command("audit_export", str(tmp_path / "a.jsonl"), "--format", "jsonl", "--json", stdout=said)

    answer = json.loads(said.getvalue())
    assert answer["events"] == len((tmp_path / "a.jsonl").read_text().splitlines())
    assert set(answer) == {"events", "schemes", "format", "sha256"}


def test_standard_output_takes_the_lines_alone(merton, case, capsys):
    call_command("audit_export", "-", "--format", "jsonl")

    assert all(json.loads(line)["scheme"] == "merton" for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scheme", "nowhere"],
        ["--from", "tomorrow"],
        ["--from", "20261122"],
        ["--until", "2026-02-30"],
        ["--from", "2026-02-02", "--until", "2026-02-01"],
        ["--subject", "IOM-9999"],
    ],
)
def test_wrong_arguments_end_with_two_and_write_nothing(merton, tmp_path, arguments):
    file = tmp_path / "audit.csv"
    with pytest.raises(CommandError) as refused:
        call_command("audit_export", str(file), "--format", "csv", *arguments)

    assert refused.value.returncode == 2
    assert not file.exists()


def test_a_file_that_is_there_is_never_written_over(merton, tmp_path):
    file = tmp_path / "audit.csv"
    file.write_text("kept")
    with pytest.raises(CommandError) as refused:
        call_command("audit_export", str(file), "--format", "csv")

    assert (refused.value.returncode, file.read_text()) == (2, "kept")


def test_a_folder_that_is_not_there_ends_with_one(merton, tmp_path):
    with pytest.raises(CommandError) as refused:
        call_command("audit_export", str(tmp_path / "no" / "audit.csv"), "--format", "csv")

    assert refused.value.returncode == 1


# --- U10 -------------------------------------------------------------------------------------

FAMILY, GIVEN, ALIAS, TEXT, STREET, VISITOR = (
    "Quetzalcoatlus", "Xanthippe", "Zyzzyva", "Moonstone", "Plumtree", "Alex Guest"
)  # fmt: skip


def test_no_name_value_or_text_of_a_whole_cycle_stands_in_the_chain_but_in_the_history_beside_it():
    world = World.make("merton")
    scheme, by = world.scheme, world.actor("coordinator")
    person = actions.add_offender(
        by=by, family_name=FAMILY, given_names=GIVEN, date_of_birth=None, aliases=[ALIAS], address=f"1 {STREET} Road"
    )
    case = factories.case(scheme, who=person)
    case.why = f"Seen near the {TEXT}."
    case.save()
    actions.rate(case, "GREEN", on=clock.today(), reason=f"Left the {TEXT} gang.", by=by)
    actions.record_custody(case, kind="remand", prison=f"HMP {TEXT}", starts_on=clock.today(), by=by)
    actions.change_offender(person, by=by, area=STREET)
    actions.start_leaving(Offender.objects.get(pk=person.pk).cases.get(), on=clock.today(), reason=TEXT, by=by)
    audit.chain()

    # What the world itself holds: people, sentences of decisions, minutes and notices.
    texts = [FAMILY, GIVEN, ALIAS, TEXT, STREET, VISITOR, "Below the rule", "The rule is not met", "Keeps to the plan"]
    texts += ["Confirm the tenancy", "burglaries", "Housing and the drugs service", "PC Dunn"]
    texts += [each.family_name for each in Offender.objects.all()]
    texts += [each.user.name for each in world.people.values()] + [each.user.email for each in world.people.values()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(body::text, E'\\n') FROM audit.trail")
        chain = cursor.fetchone()[0]

    assert [text for text in texts if text.casefold() in chain.casefold()] == []
    history = "\n".join(str(entry.changes) for entry in LogEntry.objects.all())
    assert [text for text in (FAMILY, GIVEN, ALIAS, TEXT, STREET) if text not in history] == []
