"""The daily file of IDIOM: what its seven facts become, what they leave alone, and what the command answers."""

import json
from datetime import date, datetime, timedelta, UTC
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from iom import clock, walls
from iom.access import actor_for, task_actor
from iom.models import LogEntry, Notification
from offenders import actions, custody, idiom
from offenders.idiom_sheet import read_sheet
from offenders.models import Case, CustodyProposal, Entry, IdiomFile, IdiomRecord, LegalStatus
from tests import factories

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "idiom.csv"
HEADINGS = (
    "PNC,As of,Offending history,Arrests,Pending cases,Police bail date,Court dates,Wanted,In prison,Prison,"
    "In prison since,Prison release date"
)
# Nothing in any of the columns after the time, and not in prison.
NOTHING = ",,,,,,N,,,"


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def london(db):
    return factories.scheme("london")


@pytest.fixture
def sam(london):
    who = factories.offender(london, family_name="Example", pnc_number="94/112233A")
    return factories.case(london, who=who)


@pytest.fixture
def run(london, tmp_path, capsys):
    """Run the command over rows and give its exit code, output and complaints."""

    def run(*rows, headings=HEADINGS, content=None, scheme="london", **options):
        path = tmp_path / "idiom.csv"
        path.write_bytes(content if content is not None else "\n".join([headings, *rows]).encode())
        code, complaint = 0, ""
        try:
            call_command("import_idiom", str(path), scheme=scheme, **options)
        except CommandError as error:
            code, complaint = error.returncode, str(error)
        printed = capsys.readouterr()
        return code, printed.out, printed.err + complaint

    return run


def row(
    pnc="94/112233A",
    as_of="2026-03-12 06:00",
    history="",
    arrests="",
    pending="",
    bail="",
    court="",
    wanted="",
    inside="N",
    prison="",
    since="",
    release="",
):
    return ",".join([pnc, as_of, history, arrests, pending, bail, court, wanted, inside, prison, since, release])


def statuses(case):
    return {(each.kind, each.on): each for each in LegalStatus.objects.filter(case=case, ended_at=None)}


@pytest.mark.feature(172)
@pytest.mark.feature(173)
def test_seven_facts_of_the_example_stand_on_the_record_with_source_and_time(run, london, sam):
    pnc = ("91/445566B", "88/778899C", "97/101010D")
    others = [factories.case(london, who=factories.offender(london, pnc_number=number)) for number in pnc]

    code, out, err = run(content=EXAMPLE.read_bytes())

    assert (code, err) == (0, "")
    assert "Not on this cohort, left out: row 6." in out
    assert "4 people changed for" in out
    record = IdiomRecord.objects.get(case=sam)
    assert record.history == "14 convictions, the last in October 2025"
    assert record.pending == "11 March 2026, burglary of a home"
    assert (record.court, record.in_prison, record.as_of) == (
        "26 March 2026, Example Magistrates' Court",
        False,
        datetime(2026, 3, 12, 6, tzinfo=UTC),
    )
    due = statuses(sam)["court", date(2026, 3, 26)]
    assert (due.place, due.source, due.checked_at) == ("Example Magistrates' Court", "IDIOM", record.as_of)
    assert [(each.kind, each.happened_on, each.text) for each in Entry.objects.filter(case=sam).order_by("pk")] == [
        ("court", date(2026, 3, 12), "Due in court on 26 Mar 2026, Example Magistrates' Court"),
        ("arrest", date(2026, 3, 10), "Arrested: burglary of a home"),
        ("charge", date(2026, 3, 11), "Charged: burglary of a home"),
    ]
    assert ("bail", date(2026, 3, 30)) in statuses(others[1])
    assert ("wanted", date(2026, 3, 11)) in statuses(others[2])
    assert LogEntry.objects.filter(object_id=due.pk, content_type__model="legalstatus").count() == 1


def test_prison_is_proposed_and_blue_follows_only_when_somebody_accepts(run, london, sam):
    run(row(inside="Y", prison="HMP Sample", since="2026-03-09", release="2026-08-14"))

    proposal = CustodyProposal.objects.get(case=sam)
    assert (sam.rating.colour, sam.custody_periods.count()) == ("RED", 0)
    office = factories.actor(london, "coordinator")
    custody.accept_proposal(proposal, kind="sentence", by=office)
    sam = Case.objects.get(pk=sam.pk)
    period = sam.inside
    assert (sam.rating.colour, sam.rating.colour_before, sam.rating.starts_on) == ("BLUE", "RED", date(2026, 3, 9))
    assert (period.prison, period.release_expected_on, period.release_source) == (
        "HMP Sample",
        date(2026, 8, 14),
        "IDIOM",
    )

    # The day after: another date of release from the feed that gave the first, another prison, then out.
    with clock.as_of(datetime(2026, 3, 13, 9, tzinfo=UTC)):
        run(row(as_of="2026-03-13 06:00", inside="Y", prison="HMP Specimen", since="2026-03-09", release="2026-08-07"))
        period.refresh_from_db()
        moved = CustodyProposal.objects.get(status="open")
        assert (period.release_expected_on, moved.kind, moved.prison) == (date(2026, 8, 7), "moved", "HMP Specimen")
        custody.accept_proposal(moved, by=office)
        actions.change_custody(Case.objects.get(pk=sam.pk).inside, release_expected_on=date(2026, 7, 31), by=office)
    with clock.as_of(datetime(2026, 3, 16, 9, tzinfo=UTC)):
        run(row(as_of="2026-03-14 06:00", inside="Y", prison="HMP Specimen", since="2026-03-09", release="2026-08-07"))
        asked = CustodyProposal.objects.get(status="open")
        assert (asked.kind, asked.release_on, Case.objects.get(pk=sam.pk).inside.release_expected_on) == (
            "release",
            date(2026, 8, 7),
            date(2026, 7, 31),
        )
        custody.dismiss_proposal(asked, because="The prison moved it to July by letter.", by=office)
        run(row(as_of="2026-03-15 06:00", inside="Y", prison="HMP Specimen", since="2026-03-09", release="2026-08-07"))
        assert not CustodyProposal.objects.filter(status="open").exists()
        run(row(as_of="2026-03-16 06:00", inside="N"))
        out = CustodyProposal.objects.get(status="open")
        assert (out.kind, out.on) == ("out", date(2026, 3, 16))
        custody.accept_proposal(out, by=office)
    assert Case.objects.get(pk=sam.pk).inside is None
    assert Case.objects.get(pk=sam.pk).rating.colour == "BLUE"


def test_same_file_twice_changes_nothing_and_an_older_one_is_refused_by_row(run, sam):
    lines = [
        row(
            arrests="2026-03-10 burglary",
            bail="2026-03-30 Example",
            wanted="2026-03-11",
            inside="Y",
            prison="HMP Sample",
        )
    ]
    run(*lines)
    before = [
        list(model.objects.order_by("pk").values()) for model in (LegalStatus, Entry, CustodyProposal, IdiomRecord)
    ]

    code, out, _ = run(*lines)
    old = run(row(as_of="2026-03-11 06:00", bail="2026-03-25 Example"))
    same_time = run(row(bail="2026-04-30 Example"))

    after = [
        list(model.objects.order_by("pk").values()) for model in (LegalStatus, Entry, CustodyProposal, IdiomRecord)
    ]
    assert (code, before) == (0, after)
    assert "0 people changed" in out
    assert old[0] == 0
    assert "Refused: row 2, As of: What is known of this person is newer: of 12 Mar 2026, 06:00." in old[1]
    assert "Another file said something else for this very time." in same_time[1]


def test_what_vanished_is_lifted_and_what_people_recorded_stays(run, london, sam):
    office = factories.actor(london, "coordinator")
    run(row(wanted="2026-03-10", court="2026-03-20 Example Court;2026-04-02 Sample Court", bail="2026-03-19 Example"))
    by_hand = custody.record_status(
        sam, "court", on=date(2026, 5, 5), place="Specimen Court", source="The clerk, by telephone", by=office
    )

    with clock.as_of(datetime(2026, 3, 21, 9, tzinfo=UTC)):
        _, out, _ = run(row(as_of="2026-03-21 06:00", bail="2026-03-28 Example", court="2026-04-02 Sample Court"))
        present = statuses(sam)
        # The court date of the 20th has passed: it waits for its outcome.
        assert set(present) == {
            ("bail", date(2026, 3, 19)),
            ("bail", date(2026, 3, 28)),
            ("court", date(2026, 3, 20)),
            ("court", date(2026, 4, 2)),
            ("court", by_hand.on),
        }
        assert list(custody.without_outcome(LegalStatus.objects.filter(case=sam), clock.today())) == [
            present["bail", date(2026, 3, 19)],
            present["court", date(2026, 3, 20)],
        ]
        assert "No longer wanted" in out
        assert "IDIOM does not show court on 5 May 2026." in out
        wanted = LegalStatus.objects.get(case=sam, kind="wanted")
        assert (wanted.ended_because, wanted.ended_at) == ("lifted", datetime(2026, 3, 21, 6, tzinfo=UTC))
        assert Entry.objects.filter(case=sam, kind="wanted").count() == 2
        # Arrested and no longer wanted since the file was made: the file does not bring it back.
        again = custody.record_status(sam, "wanted", on=date(2026, 3, 21), source="PNC", by=office)
        custody.end_status(again, because="lifted", outcome="Arrested", by=office)
        _, out, _ = run(row(as_of="2026-03-21 07:00", wanted="Y"))
        assert "Refused: row 2, Wanted: What is known of this person is newer." in out
        assert ("wanted", date(2026, 3, 21)) not in statuses(sam)


def test_every_error_names_row_column_and_remedy_and_nothing_is_taken_in(run, sam):
    bad = row(
        as_of="2026-03-13 06:00", bail="next week", court="2026-02-30 Example", inside="perhaps", history="x" * 601
    )
    code, out, err = run(row(), bad, row(pnc=""), json=True)

    answer = json.loads(out)
    assert code == 1
    assert [(each["row"], each["field"]) for each in answer["errors"]] == [
        (3, "PNC"),
        (4, "PNC"),
    ]
    _, out, _ = run(bad, json=True)
    answer = json.loads(out)
    assert [(each["field"], each["problem"]) for each in answer["errors"]] == [
        ("As of", "“2026-03-13 06:00” is in the future."),
        ("Offending history", "The text is 1 characters too long."),
        ("Police bail date", "“next week” does not begin with a date."),
        ("Court dates", "“2026-02-30” must be a real date."),
        ("In prison", "“perhaps” is neither yes nor no."),
    ]
    assert all(each["remedy"] for each in answer["errors"])
    assert (answer["changed"], IdiomRecord.objects.count()) == (0, 0)
    assert run(content=b"PNC,Wanted\n1,N")[0] == 1
    assert run(row(), scheme="nowhere")[0] == 2
    dry = run(row(wanted="Y"), dry_run=True)
    assert (dry[0], LegalStatus.objects.count()) == (0, 0)
    assert "This was a dry run" in dry[1]


def test_an_arrest_from_the_feed_tells_who_holds_the_case_once_and_nobody_of_old_ones(run, london, sam):
    office = factories.actor(london, "coordinator")
    police, probation = (factories.member(london, "member", agency_kind=kind) for kind in ("police", "probation"))
    for role, person in (("police_officer", police), ("lead_professional", probation)):
        actions.assign(sam, role, agency=person.agency, membership=person, on=clock.today(), by=office)

    run(row(arrests="2026-03-11 burglary;2026-02-02 theft;2025-11-11 robbery"))
    run(row(as_of="2026-03-12 07:00", arrests="2026-03-11 burglary;2026-02-02 theft"))

    # The one of November was before their time on the scheme.
    assert Entry.objects.filter(case=sam, kind="arrest").count() == 2
    told = Notification.objects.filter(kind="arrested")
    assert {each.recipient_id: each.text for each in told} == {
        police.user_id: f"Go to custody: {sam.reference}, new from the police",
        probation.user_id: f"Read today: {sam.reference}, new from the police",
    }


def test_a_restricted_case_is_nobody_s_to_a_reader_who_may_not_open_it(london):
    hidden = factories.case(london, who=factories.offender(london, pnc_number="94/112233A"), restricted=True)
    reader = factories.actor(london, "researcher", agency_kind="police")
    sheet = read_sheet(f"{HEADINGS}\n{row(history='Moonstone lane')}".encode())

    kept, problems = idiom.take_in(sheet, by=reader)

    assert (problems, kept.left_out, kept.rows.count()) == ([], [2], 0)
    idiom.enter_file(kept, by=reader)
    assert not IdiomRecord.objects.exists()
    # A task acts for the scheme itself.
    assert [case for _, case, _ in idiom.sort_out(sheet, by=task_actor(london, "import_idiom")).rows] == [hidden]


def test_a_thousand_rows_cost_as_many_questions_as_three(london):
    def file_of(count, start):
        people = [
            factories.case(london, who=factories.offender(london, pnc_number=f"9{n % 10}/{start + n}A"))
            for n in range(count)
        ]
        cells = [
            row(pnc=each.offender.pnc_number, arrests="2026-03-01 theft", bail="2026-03-30 X", inside="Y")
            for each in people
        ]
        return read_sheet("\n".join([HEADINGS, *cells]).encode())

    by = task_actor(london, "import_idiom")
    counts = []
    for count, start in ((3, 10_000), (60, 20_000)):
        sheet = file_of(count, start)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            idiom.enter(idiom.sort_out(sheet, by=by).rows, by=by)
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert CustodyProposal.objects.count() == 63
