"""What is done in bulk, each beside its baseline: an import, minutes as PDF, scores, reminders, proof of the audit.

Each function works in the database of IOM_HOME, which must be running, and gives its figures by name. Memory is the
peak of the whole process that does the work, in MB.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, transaction
from psycopg import sql

from bench.load import CHECKOUT

Figures = dict[str, float]

# What an import writes of the people themselves, in the order of their foreign keys.
TABLES = ("offender", "alias", "case", "ragrating", "assignment", "custodyperiod")
HISTORY = ("iom_logentry",)


# --- Import -----------------------------------------------------------------------------------


def import_rows(*, quick: bool = False) -> Figures:
    """`manage.py import_cohort` of 20,000 rows in a new scheme, beside COPY of the rows that came of it.

    COPY is refused to the application, which lives behind row-level security, so a superuser does it: the same rows
    once more under other numbers, into the same tables with their indexes, keys and audit triggers, until every
    constraint is checked and the audit chained; then it is undone. `copy_bare` is the same without triggers, and so
    without foreign keys: what no table of ours allows. Memory: the whole process of the command.
    """
    from bench.sheets import write_csv, write_xlsx

    rows = 2_000 if quick else 20_000
    csv_scheme, xlsx_scheme = _new_scheme(), _new_scheme()
    with tempfile.TemporaryDirectory() as folder:
        sheet, book = Path(folder) / "cohort.csv", Path(folder) / "cohort.xlsx"
        write_csv(sheet, rows)
        write_xlsx(book, rows)
        taken, peak = _command("import_cohort", str(sheet), "--scheme", csv_scheme.slug)
        taken_xlsx, peak_xlsx = _command("import_cohort", str(book), "--scheme", xlsx_scheme.slug)
    start, start_peak = _command("import_cohort", "none", "--scheme", csv_scheme.slug, fails=True)
    copied, copied_all, bare = (
        _copy_again(csv_scheme.pk, history=history, triggers=triggers)
        for history, triggers in ((False, True), (True, True), (False, False))
    )
    return {
        "rows": rows,
        "seconds": taken,
        "copy_seconds": copied,
        "times_copy": taken / copied,
        "copy_with_history_seconds": copied_all,
        "copy_bare_seconds": bare,
        "xlsx_seconds": taken_xlsx,
        "times_copy_xlsx": taken_xlsx / copied,
        "peak_mb": peak,
        "peak_mb_xlsx": peak_xlsx,
        "start_seconds": start,
        "start_mb": start_peak,
    }


def _new_scheme() -> Any:
    from iom import clock
    from iom.models import Scheme
    from iom.policy import load_preset
    from iom.schemes import create_scheme

    slug = f"bench-{Scheme.objects.count()}"
    return create_scheme(slug, load_preset("merton"), on=clock.today(), admin_email=f"{slug}@bench.example").scheme


def _command(*words: str, fails: bool = False) -> tuple[float, float]:
    """Seconds and peak memory in MB of one `manage.py` command. Raises CalledProcessError."""
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.stderr.buffer.write(done.stderr[-2000:])"
    )
    began = time.perf_counter()
    said = subprocess.run(
        [sys.executable, "-c", script, sys.executable, "manage.py", *words],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    taken = time.perf_counter() - began
    code, kilobytes = said.stdout.split()
    if (code != "0") != fails:
        raise RuntimeError(f"{words[0]} ended with {code}: {said.stderr}")
    return taken, int(kilobytes) / 1024


def _copy_again(scheme: int, *, history: bool, triggers: bool) -> float:
    """Seconds of COPY of a scheme's people once more, under numbers and references of their own."""
    from iom.embedded.postgres import SUPERUSER, Postgres

    tables = [f"offenders_{name}" for name in TABLES] + list(HISTORY if history else ())
    address = Postgres(Path(os.environ["IOM_HOME"])).url(SUPERUSER)
    with psycopg.connect(address) as server, server.cursor() as cursor:
        copies = {table: _rows_of(cursor, table, scheme) for table in tables}
        cursor.execute(
            "SELECT set_config('iom.scheme', %s, true), set_config('iom.who', '{\"actor\": \"task\"}', true)",
            [str(scheme)],
        )
        if not triggers:
            cursor.execute("SET LOCAL session_replication_role = replica")
        began = time.perf_counter()
        for table, (columns, rows) in copies.items():
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)) as copy:
                copy.write(rows)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        taken = time.perf_counter() - began
        server.rollback()
    return taken


def _rows_of(cursor: psycopg.Cursor[Any], table: str, scheme: int) -> tuple[sql.Composed, bytes]:
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", [table]
    )
    names = [name for (name,) in cursor.fetchall()]
    other = 1_000_000_000
    shifted = {name: f"{name} + {other}" for name in ("id", "offender_id", "case_id")}
    if table == "offenders_case":
        shifted["reference"] = "'X' || reference"
    chosen = sql.SQL(", ").join(sql.SQL(shifted.get(name, f'"{name}"')) for name in names)
    query = sql.SQL("COPY (SELECT {} FROM {} WHERE scheme_id = {} ORDER BY id) TO STDOUT").format(
        chosen, sql.Identifier(table), sql.Literal(scheme)
    )
    with cursor.copy(query) as copy:
        rows = b"".join(bytes(part) for part in copy)
    return sql.SQL(", ").join(map(sql.Identifier, names)), rows


# --- Minutes ----------------------------------------------------------------------------------

# As anybody would write it who has a page to print.
PLAIN = """
@page { size: A4; margin: 2.5cm 2cm; @bottom-right { content: "Page " counter(page) " of " counter(pages) } }
@page { @top-left { content: string(reference) } }
body { font-family: "Source Sans", "Source Sans Ext", sans-serif; font-size: 10.5pt; line-height: 1.4; hyphens: auto }
body { string-set: reference attr(data-reference) }
table { width: 100%; border-collapse: collapse; margin-bottom: 1em }
th, td { border: 1px solid #999; padding: 4px 6px; text-align: left; vertical-align: top }
h2, h3, h4 { break-after: avoid }
tr { break-inside: avoid }
"""


def minutes_pdf(*, quick: bool = False) -> Figures:
    """Minutes of 60 cases as PDF/A-3a, tagged, beside the same HTML and fonts with a plain stylesheet.

    Each in a process of its own. Memory: the whole process that lays the pages out.
    """
    from panels.pdf import render_minutes

    record = _record(10 if quick else 60)
    jobs: list[Any] = []

    def keep(html: str, **how: Any) -> bytes:
        jobs.append((html, how))
        return b""

    from iom import typeset

    made, typeset.pdf_of = typeset.pdf_of, keep
    try:
        render_minutes(record)
    finally:
        typeset.pdf_of = made
    html, how = jobs[0]
    fonts = "\n".join(line for line in how["style"].splitlines() if line.startswith("@font-face"))
    ours, plain = [], []
    # In turn, so that whatever else the machine does falls on both.
    for _ in range(1 if quick else 3):
        ours.append(_alone(lambda: made(html, **how)))
        plain.append(_alone(lambda: made(html, **{**how, "style": fonts + PLAIN})))
    seconds, size, peak = min(ours)
    plain_seconds, _, plain_peak = min(plain)
    return {
        "cases": len(record["items"]),
        "seconds": seconds,
        "plain_seconds": plain_seconds,
        "times_plain": seconds / plain_seconds,
        "bytes": size,
        "peak_mb": peak,
        "plain_peak_mb": plain_peak,
    }


def _alone(make: Callable[[], bytes]) -> tuple[float, float, float]:
    """CPU seconds, bytes and peak memory in MB of a document that a process of its own makes."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            began = time.process_time() + _of_children()
            size = len(make())
            taken = time.process_time() + _of_children() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            os.write(writes, f"{taken} {size} {peak}".encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writes)
    with os.fdopen(reads) as said:
        answer = said.read().split()
    os.waitpid(child, 0)
    if len(answer) != 3:
        raise RuntimeError("The document could not be made.")
    taken, size, peak = map(float, answer)
    return taken, size, peak


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _record(count: int) -> dict[str, Any]:
    """What was decided about so many people at a meeting, as the panel records it."""
    from iom.printing import CLASSIFICATION
    from panels.record import FORMAT

    agencies = ("Police", "Probation", "Housing", "Health", "Substance misuse", "Employment", "Council")
    return {
        "format": FORMAT,
        "classification": CLASSIFICATION,
        "reference": "MERTON-2026-03-12",
        "version": 1,
        "scheme": {"slug": "merton", "name": "Merton IOM Case Panel", "short_name": "Merton"},
        "meeting": {
            "body": "IOM Case Panel",
            "date": "2026-03-12",
            "starts_at": "10:00",
            "place": "Room 1",
            "chair": "Grace Adeyemi",
            "recorder": "Priya Shah",
        },
        "rules": {"version": 1, "quorum_needed": None},
        "attendance": [
            {
                "agency": agency,
                "name": f"Officer {number} Specimen",
                "post": "Case officer",
                "standing": "Member",
                "how": "Here",
                "here": True,
                "counts": True,
                "substitute": "",
                "delegated_authority": False,
                "invitation_agreed_on": "",
            }
            for number, agency in enumerate(agencies)
        ],
        "agreement": {"title": "Information Sharing Agreement", "signed": []},
        "items": [_item(number, agencies) for number in range(1, count + 1)],
        "next_meeting": "2026-04-09",
    }


def _item(number: int, agencies: tuple[str, ...]) -> dict[str, Any]:
    colour = ("RED", "AMBER", "GREEN")[number % 3]
    reference = f"IOM-{number:04}"
    actions = [
        {
            "number": f"{number}.{place}",
            "text": f"{agency} to confirm what is arranged and to tell the lead professional before the next panel.",
            "agency": agency,
            "who": f"Officer {place} Specimen",
            "due_on": "2026-03-26",
            "case": reference,
            "about": "",
        }
        for place, agency in enumerate(agencies[number % 3 : number % 3 + 3], 1)
    ]
    looked_at = [
        {"text": "Confirm tenancy reference with the landlord.", "who": "", "agency": "Housing", "outcome": "Done"}
        | {"case": reference, "note": "Confirmed by telephone."}
    ]
    return {
        "number": str(number),
        "section": "cases",
        "section_title": ("Red cases", "Amber cases", "Green cases")[number % 3],
        "title": "",
        "person": f"EXAMPLE Sam {number}",
        "reference": reference,
        "why": "Burglaries of homes; misses appointments.",
        "late": False,
        "late_agreed_by": "",
        "state": "decided",
        "decision": {
            "outcome": "rated",
            "words": f"Stays {colour.capitalize()}",
            "colour": colour,
            "colour_before": colour,
            "case": reference,
            "reason": "Kept two of three appointments, and was seen near an address that he may not go to. " * 2,
            "how": "Agreed without a vote",
            "dissent": "",
            "score": "",
            "score_agreed": None,
            "leads": {},
            "review": None,
            "agencies_here": 7,
            "agencies_needed": None,
            "to_ratify": False,
            "decided_at": "2026-03-12T10:42:07.000000Z",
            "rules_version": 1,
        },
        "corrected": [],
        "looked_at": looked_at,
        "actions": actions,
        "note": "Housing and probation reported; the accommodation is at risk because of arrears. " * 3,
        "words": "",
        "goes_to": "",
    }


# --- Scores -----------------------------------------------------------------------------------

OGRS_FACTS: Mapping[str, Any] = {
    "gender": "MALE",
    "date_of_birth": date(1984, 4, 11),
    "date_of_current_conviction": date(2009, 8, 4),
    "date_at_start_of_followup": date(2009, 8, 4),
    "total_number_of_sanctions": 22,
    "age_at_first_sanction": 17,
    "current_offence_code": "09230",
}


def scores(*, quick: bool = False) -> Figures:
    """OGRS3 a second as a function, and with `score_ogrs` from one file into another, starting it included."""
    from referrals import ogrs

    count = 2_000 if quick else 20_000
    facts = ogrs.Facts(**{**OGRS_FACTS, "gender": ogrs.Gender.MALE})
    began = time.perf_counter()
    for _ in range(count):
        ogrs.score(facts)
    called = time.perf_counter() - began
    line = ",".join(str(value) for value in OGRS_FACTS.values())
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.csv"
        source.write_text("\n".join([",".join(OGRS_FACTS), *[line] * count]) + "\n")
        taken, peak = _command("score_ogrs", str(source), str(Path(folder) / "out.csv"))
    return {
        "rows": count,
        "ogrs_a_second": count / called,
        "file_seconds": taken,
        "file_rows_a_second": count / taken,
        "file_peak_mb": peak,
    }


# --- Reminders --------------------------------------------------------------------------------


def reminders(*, quick: bool = False) -> Figures:
    """What the clock asks every source of every scheme, without sending: cases a second, statements a scheme."""
    from iom import clock, walls
    from iom import reminders as due
    from iom.models import Scheme
    from offenders.models import Case

    schemes = list(Scheme.objects.order_by("pk"))[: 2 if quick else None]
    statements = cases = found = 0

    def count(execute: Callable[..., Any], *about: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*about)

    began = time.perf_counter()
    with connection.execute_wrapper(count):
        for scheme in schemes:
            for find in due._sources:
                with walls.within(scheme, cause="bench"):
                    found += len(list(find(scheme, clock.today())))
    taken = time.perf_counter() - began
    for scheme in schemes:
        with walls.within(scheme, cause="bench"):
            cases += Case.objects.filter(scheme=scheme).not_closed().count()
    return {
        "schemes": len(schemes),
        "open_cases": cases,
        "due": found,
        "seconds": taken,
        "due_a_second": found / taken,
        "cases_a_second": cases / taken,
        "statements_a_scheme": statements / len(schemes),
    }


# --- Proof ------------------------------------------------------------------------------------


def audit_verify(*, quick: bool = False) -> Figures:
    """`manage.py audit_verify` of every chain, or of the first scheme's: events a second, starting it included."""
    from iom.models import Scheme

    scheme = Scheme.objects.order_by("pk").first()
    only = ("--scheme", scheme.slug) if quick and scheme else ()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(sequence), 0) FROM audit.heads WHERE %s OR scheme_id = %s", [not only, scheme.pk]
        )
        (events,) = cursor.fetchone()
    taken, peak = _command("audit_verify", *only)
    return {
        "events": float(events),
        "seconds": taken,
        "events_a_second": float(events) / taken,
        "peak_mb": peak,
    }
