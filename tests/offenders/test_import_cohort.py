"""Taking over a cohort from a CSV file, as whoever runs the command meets it."""

import json
from datetime import date
from pathlib import Path

import pytest
from auditlog.diff import model_instance_diff
from django.core.management import CommandError, call_command

from iom.models import AuditEvent, LogEntry
from offenders import actions
from offenders.models import Alias, Assignment, Case, CustodyPeriod, Offender, RagRating
from tests import factories

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "cohort.csv"
HEADINGS = "Surname,Forename,DOB,RAG,Accepted on,Why on cohort"
ONE = "Example,Sam,04/02/1994,Red,12/02/2026,Burglaries"


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def run(merton, tmp_path, capsys):
    """Run the command over rows (or bytes) and give its exit code, output and complaints."""

    def run(*rows, content=None, scheme="merton", name="cohort.csv", **options):
        path = tmp_path / name
        if content is None:
            content = "\n".join(rows).encode()
        path.write_bytes(content)
        code = 0
        complaint = ""
        try:
            call_command("import_cohort", str(path), scheme=scheme, **options)
        except CommandError as error:
            code, complaint = error.returncode, str(error)
        printed = capsys.readouterr()
        return code, printed.out, printed.err + complaint

    return run


@pytest.fixture
def cohort():
    return lambda: {case.offender.family_name: case for case in Case.objects.select_related("offender")}


# --- What goes in ---


def test_example_sheet_becomes_a_cohort(run, cohort, merton):
    code, out, err = run(content=EXAMPLE.read_bytes())

    people = cohort()
    assert (code, err, len(people)) == (0, "", 10)
    assert "10 people entered for Merton IOM Case Panel, IOM-0001 to IOM-0010: 3 Red, 3 Amber, 2 Blue, 2 Green." in out
    sam = people["Example"]
    assert (sam.reference, sam.score, sam.score_on, sam.statutory) == ("IOM-0001", 82, date(2026, 2, 12), True)
    assert (sam.offender.name, sam.offender.gender, sam.offender.pnc_number) == ("EXAMPLE Sam", "MALE", "94/112233A")
    assert [alias.name for alias in sam.offender.aliases.all()] == ["Sammy Example"]
    assert sam.assigned("lead_agency").holder == "Probation"
    assert sam.assigned("lead_professional").holder == "Kofi Osei"
    assert (sam.assigned("police_officer").holder, sam.assigned("police_officer").agency.kind) == ("PC Dunn", "police")


def test_rating_and_acceptance_keep_their_own_days(run, cohort):
    run(content=EXAMPLE.read_bytes())

    lee = cohort()["Sample"]
    assert (lee.accepted_on, lee.rating.colour, lee.rating.starts_on) == (
        date(2025, 11, 6),
        "AMBER",
        date(2025, 12, 4),
    )


def test_person_in_custody_has_prison_and_release(run, cohort):
    run(content=EXAMPLE.read_bytes())

    jo = cohort()["Test"]
    assert jo.rating.colour == "BLUE"
    assert (jo.inside.prison, jo.inside.kind, jo.inside.release_expected_on) == (
        "HMP Example",
        "sentence",
        date(2026, 3, 17),
    )


def test_custody_makes_a_red_rating_blue_and_keeps_it_in_mind(run, cohort):
    run(f"{HEADINGS},In custody,Prison", f"{ONE},Y,HMP Example")

    rating = cohort()["Example"].rating
    assert (rating.colour, rating.colour_before) == ("BLUE", "RED")


@pytest.mark.parametrize(
    ("inside_since", "ratings"),
    [
        pytest.param("12/02/2026", [("BLUE", "2026-02-12", None)], id="on the day of the rating"),
        pytest.param("01/02/2026", [("BLUE", "2026-02-12", None)], id="before it"),
        pytest.param(
            "13/02/2026", [("RED", "2026-02-12", "2026-02-13"), ("BLUE", "2026-02-13", None)], id="the day after"
        ),
    ],
)
def test_rating_turns_blue_on_the_day_that_custody_began(run, cohort, inside_since, ratings):
    run(f"{HEADINGS},In custody,Prison,Custody since", f"{ONE},Y,HMP Example,{inside_since}")

    held = cohort()["Example"].ratings.order_by("starts_on")
    assert [
        (each.colour, each.starts_on.isoformat(), each.until and each.until.isoformat()) for each in held
    ] == ratings
    assert held.last().colour_before == "RED"


def test_what_is_entered_at_once_is_as_readable_as_what_is_entered_by_hand(run, cohort, as_coordinator):
    """Audit and history beside each other: a person by the import, and one by the verbs."""
    run(f"{HEADINGS},Alias(es),Lead agency", f"{ONE},Sammy,{as_coordinator.agency.name}")
    mine = cohort()["Example"]
    person = actions.add_offender(
        by=as_coordinator, family_name="Sample", given_names="Lee", date_of_birth=date(1989, 9, 9), aliases=["Lee Two"]
    )
    case = factories.case(as_coordinator.scheme, who=person)
    actions.assign(
        case, "lead_agency", agency=mine.assigned("lead_agency").agency, on=case.accepted_on, by=as_coordinator
    )

    def verbs(thing, reference):
        events = AuditEvent.objects.filter(kind="verb", object_type=thing._meta.label_lower, object_ref=reference)
        return set(events.values_list("verb", flat=True))

    assert verbs(person, str(mine.offender.pk)) == verbs(person, str(person.pk)) == {"add_offender"}
    assert verbs(case, mine.reference) == {"accept", "assign"}
    for by_import, by_hand in ((mine.offender, person), (mine.offender.aliases.get(), person.aliases.get())):
        one, other = (LogEntry.objects.get_for_object(each).get() for each in (by_import, by_hand))
        assert (one.action, one.scheme_id) == (other.action, other.scheme_id)
        # By hand it also says of relations that there are none.
        own = {field.name for field in type(by_hand)._meta.concrete_fields}
        assert one.changes.keys() == other.changes.keys() & own


@pytest.mark.parametrize("model", [Offender, Alias, Case, RagRating, Assignment, CustodyPeriod])
def test_history_that_the_database_writes_is_what_auditlog_would(run, model):
    run(content=EXAMPLE.read_bytes())
    run(f"{HEADINGS},In custody,Custody since", "None,Zo\u00eb,04/02/1994,Red,12/02/2026,x,Y,13/02/2026")
    own = [field.name for field in model._meta.concrete_fields]

    for each in model.objects.all():
        entry = LogEntry.objects.get_for_object(each).get()
        said = json.loads(json.dumps(model_instance_diff(None, each, fields_to_check=own)))
        assert (entry.changes, entry.object_repr) == (said, str(each))


def test_person_with_an_account_leads_by_membership(run, cohort, housing):
    run(f"{HEADINGS},Lead professional", f"{ONE},jo reid")

    held = cohort()["Example"].assigned("lead_professional")
    assert (held.membership, held.agency) == (housing, housing.agency)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{HEADINGS}\n{ONE}\n".encode(), id="plain"),
        pytest.param(f"{HEADINGS}\r\n{ONE}\r\n".encode("utf-8-sig"), id="byte order mark and Windows line ends"),
        pytest.param(f"{HEADINGS}\n{ONE}\n".replace(",", ";").encode(), id="semicolons"),
        pytest.param(f"{HEADINGS}\n{ONE}\n".replace(",", "\t").encode(), id="tabs"),
        pytest.param(f"\n{HEADINGS}\n\n{ONE}\n,,,,,\n".encode(), id="blank rows"),
        pytest.param(f"{HEADINGS.upper()}\n{ONE}".encode(), id="capitals, no last line end"),
        pytest.param(f"{HEADINGS}\n{ONE}".encode("utf-16"), id="UTF-16 with byte order mark"),
        pytest.param(f"{HEADINGS}\n{ONE}".encode("utf-16-le"), id="UTF-16 without"),
        pytest.param(f"{HEADINGS}\n{ONE} \u2013 many".encode("cp1252"), id="Windows text"),
        pytest.param(f"Our cohort,,,,,\n\n{HEADINGS}\n{ONE}".encode(), id="a title above the headings"),
        pytest.param(
            b"Family name,Given names,Date of birth,Rating,Date accepted,Reason\n" + ONE.encode(), id="synonyms"
        ),
        pytest.param(
            f"{HEADINGS}\n{ONE.replace('04/02/1994', '1994-02-04 00:00:00')}".encode(), id="ISO with midnight"
        ),
        pytest.param(f"{HEADINGS}\n{ONE.replace('Red', 'r')}".encode(), id="a letter for the rating"),
        pytest.param(
            f"{HEADINGS}\n{ONE.replace('Burglaries', chr(34) + 'Burglaries,' + chr(10) + 'two' + chr(34))}".encode(),
            id="line end in a cell",
        ),
    ],
)
def test_sheets_of_many_makes_are_read(run, cohort, content):
    assert run(content=content)[0] == 0
    sam = cohort()["Example"]
    assert (sam.offender.date_of_birth, sam.rating.colour) == (date(1994, 2, 4), "RED")


def test_text_is_kept_as_it_was_typed(run, cohort):
    run(HEADINGS, "O'Fiction,<b>Zoë</b>,,Red,12/02/2026,=1+1")

    case = cohort()["O'Fiction"]
    assert (case.offender.given_names, case.why) == ("<b>Zoë</b>", "=1+1")


def test_import_is_audited_as_the_commands(run):
    run(HEADINGS, ONE)

    event = AuditEvent.objects.get(verb="import_cohort")
    assert (event.actor, event.caused_by, event.subjects, event.context) == (
        "task",
        "import_cohort",
        ["IOM-0001"],
        {"count": 1},
    )
    assert AuditEvent.objects.filter(verb="accept", caused_by="import_cohort").count() == 1


def test_what_was_assumed_is_said(run):
    _, out, _ = run("Surname,Forename,RAG,Shoe size", "Example,Sam,Blue,44")

    for words in (
        "Note: row 1, Shoe size: This column is not known here. It was left out.",
        "Note: row 2, Date of birth: There is none.",
        "Note: row 2, Accepted on: There is no date. Today was taken for acceptance and rating.",
        "Note: row 2, Prison: The prison is not given.",
        "Note: row 2, Custody status: It is not given.",
        "Note: row 2, Why on cohort: There is no reason.",
    ):
        assert words in out


def test_windows_text_is_read_and_said(run, cohort):
    _, out, _ = run(content=f"{HEADINGS}\nExample,Zoë,,Red,,x".encode("cp1252"))

    assert cohort()["Example"].offender.given_names == "Zoë"
    assert "Note: row 2: This row has a letter that is not UTF-8. The file was read as Windows text." in out


def test_column_that_is_nearly_known_is_left_out_when_that_is_said(run, cohort):
    sheet = f"{HEADINGS},Pirson", f"{ONE},HMP Example"

    code, out, _ = run(*sheet, leave_out=["Pirson"])

    assert code == 0
    assert "Note: row 1, Pirson: This column is not known here. It was left out." in out
    assert cohort()["Example"].inside is None


# --- Dry run and JSON ---


def test_dry_run_changes_nothing_and_says_what_would_be(run, merton):
    before = AuditEvent.objects.count()

    code, out, _ = run(content=EXAMPLE.read_bytes(), dry_run=True)

    assert code == 0
    assert "10 people would be entered for Merton IOM Case Panel, IOM-0001 to IOM-0010" in out
    assert "This was a dry run: nothing was changed." in out
    assert (Offender.objects.count(), Case.objects.count(), AuditEvent.objects.count()) == (0, 0, before)


def test_dry_run_then_import_gives_the_references_that_were_said(run):
    said = json.loads(run(HEADINGS, ONE, dry_run=True, json=True)[1])
    done = json.loads(run(HEADINGS, ONE, json=True)[1])

    assert said["rows"] == done["rows"] == [{"row": 2, "reference": "IOM-0001", "rating": "RED"}]
    assert (said["entered"], done["entered"]) == (0, 1)


def test_json_lists_errors_by_row_and_field(run):
    code, out, _ = run(HEADINGS, ONE.replace("Red", "Purple"), json=True)

    assert code == 1
    assert json.loads(out)["errors"] == [
        {
            "row": 2,
            "field": "RAG",
            "problem": "“Purple” is not a rating of this scheme.",
            "remedy": "Use Red, Amber, Green or Blue.",
        }
    ]


# --- What is refused, all of it ---


@pytest.mark.parametrize(
    ("headings", "row", "words"),
    [
        pytest.param(
            "", ",Sam,04/02/1994,Red,,", "row 2, Family name: There is nothing in this cell. Fill it in.", id="no name"
        ),
        pytest.param("", "Example,Sam,04/02/1994,,,", "row 2, RAG: There is nothing in this cell.", id="no rating"),
        pytest.param(
            "",
            "Example,Sam,31/02/1994,Red,,",
            "row 2, Date of birth: “31/02/1994” must be a real date. Write it as 04/02/1994",
            id="unreal date",
        ),
        pytest.param("", "Example,Sam,02/14/1994,Red,,", "“02/14/1994” must be a real date", id="month first"),
        pytest.param("", "Example,Sam,04/02/94,Red,,", "must include a year with 4 figures", id="two figures"),
        pytest.param("", "Example,Sam,34369,Red,,", "“34369” must be a real date", id="spreadsheet's number"),
        pytest.param(
            "", "Example,Sam,04/02/2094,Red,,", "Date of birth: The date is in the future", id="born tomorrow"
        ),
        pytest.param(
            "",
            "Example,Sam,04/02/1994,Red,13/03/2026,",
            "Accepted on: The date is in the future",
            id="accepted tomorrow",
        ),
        pytest.param(
            ",RAG since",
            "Example,Sam,04/02/1994,Red,12/02/2026,x,11/02/2026",
            "The rating is older than acceptance",
            id="rated before",
        ),
        pytest.param(
            ",Lead agency",
            "Example,Sam,04/02/1994,Red,,x,Fire",
            "row 2, Lead agency: “Fire” is not an agency of this scheme. Use ",
            id="agency",
        ),
        pytest.param(
            ",Statutory", "Example,Sam,04/02/1994,Red,,x,maybe", "“maybe” is neither yes nor no", id="statutory"
        ),
        pytest.param(",Sex", "Example,Sam,04/02/1994,Red,,x,Q", "Write Male or Female", id="gender"),
        pytest.param(",OGRS", "Example,Sam,04/02/1994,Red,,x,182", "“182” is not a percentage", id="score"),
        pytest.param(
            ",Lead professional",
            "Example,Sam,04/02/1994,Red,,x,Ann Other",
            "Fill in the lead agency too",
            id="lead of nowhere",
        ),
        pytest.param(
            ",In custody",
            "Example,Sam,04/02/1994,Blue,,x,N",
            "The rating says in custody, this cell says not",
            id="in and out",
        ),
        pytest.param(
            ",In custody,Release date",
            "Example,Sam,04/02/1994,Blue,12/02/2026,x,Y,11/02/2026",
            "The release is before the custody began",
            id="out before in",
        ),
        pytest.param(
            ",Custody status",
            "Example,Sam,04/02/1994,Blue,12/02/2026,x,tagged",
            "Write Remand or Sentence",
            id="custody status",
        ),
        pytest.param(
            ",PNC",
            "Example,Sam,04/02/1994,Red,,x,123456789012345678901",
            "1 characters too long. Shorten it to 20",
            id="too long",
        ),
        pytest.param(
            "", "Example,Sam,04/02/1994,Red,,x,y", "“y” stands where there is no heading", id="a comma too many"
        ),
        pytest.param(
            "", "Exam\x07ple,Sam,04/02/1994,Red,,", "a character that cannot be stored", id="control character"
        ),
    ],
)
def test_bad_cell_is_named_with_row_field_and_remedy(run, headings, row, words):
    code, out, err = run(HEADINGS + headings, row)

    assert code == 1
    assert words in err
    assert "1 error. Nothing was entered." in err
    assert Offender.objects.count() == 0


def test_one_bad_row_enters_nobody_and_every_error_is_listed(run):
    code, _, err = run(HEADINGS, ONE, "Sample,Lee,31/02/1989,Purple,,x", "Test,,,Red,,x")

    assert code == 1
    assert [line.split(":")[0] for line in err.splitlines()[:3]] == [
        "row 3, Date of birth",
        "row 3, RAG",
        "row 4, Given names",
    ]
    assert "3 errors. Nothing was entered." in err
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "The file is empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf \n\n", "The file is empty", id="blank"),
        pytest.param(HEADINGS.encode(), "headings and no people", id="headings alone"),
        pytest.param(
            b"Surname,Forename,DOB\nExample,Sam,04/02/1994",
            "row 1, RAG: This column is missing. Add it; it may also be called Rating",
            id="no rating column",
        ),
        pytest.param(
            b"Surname,Last name,Forename,RAG\nA,B,C,Red", "both mean Family name. Keep one of them", id="column twice"
        ),
        pytest.param(
            f"{HEADINGS}\nExample,Zo\u00eb,,Red,,".encode("latin-1") + b"\nSample,\x81,,Red,,",
            "row 3: There is a character that cannot be read",
            id="of no encoding",
        ),
        pytest.param(f"{HEADINGS}\n{ONE}".encode("utf-16")[:-1], "breaks off within a character", id="half UTF-16"),
        pytest.param(b"PK\x03\x04rest", "The file is damaged", id="broken XLSX"),
        pytest.param(
            f"{HEADINGS.replace('Accepted on', 'Acepted on')}\n{ONE}".encode(),
            "row 1, Acepted on: This column is not known here; it looks like Accepted on. Call it “Accepted on”",
            id="column that is nearly known",
        ),
        pytest.param(
            f"{HEADINGS.replace('RAG', 'Raging')}\n{ONE}".encode(),
            "row 1, RAG: This column is missing. Is it “Raging”? Then call it RAG.",
            id="needed column that is nearly known",
        ),
        pytest.param(b"a\x00b", "zero bytes", id="binary"),
        pytest.param(f'{HEADINGS}\n"Example,Sam'.encode(), "not a CSV that can be read", id="open quote"),
    ],
)
def test_file_that_cannot_be_used_gets_one_clear_line(run, content, words):
    code, _, err = run(content=content)

    assert code == 1
    assert words in err


def test_same_person_twice_in_the_sheet_is_refused(run):
    code, _, err = run(HEADINGS, ONE, ONE.upper().replace("RED", "Amber"))

    assert code == 1
    assert "row 3: This is the person of row 2: same date of birth, same name. Keep one of the rows." in err


def test_same_pnc_number_twice_is_refused(run):
    code, _, err = run(f"{HEADINGS},PNC", f"{ONE},94/1A", "Sample,Lee,,Red,,x,94 / 1a")

    assert (code, "row 3: This is the person of row 2: same PNC number; date of birth not known." in err) == (1, True)


def test_importing_the_same_file_again_is_refused(run):
    run(HEADINGS, ONE)

    code, _, err = run(HEADINGS, ONE)

    assert code == 1
    assert "row 2: This person is known here already, as IOM-0001: same date of birth, same name. " in err
    assert "Remove the row: they are on the cohort." in err
    assert Case.objects.count() == 1


def test_person_who_was_only_nominated_is_sent_through_a_referral(run, merton):
    factories.offender(merton, family_name="Example", given_names="Sam", date_of_birth=date(1994, 2, 4))

    _, _, err = run(HEADINGS, ONE)

    assert "take them on through a referral" in err


def test_same_name_twice_without_dates_of_birth_is_refused(run):
    code, _, err = run(HEADINGS, ONE.replace("04/02/1994", ""), ONE.replace("04/02/1994", ""))

    assert (code, "row 3: This is the person of row 2: same name; date of birth not known." in err) == (1, True)


def test_rows_that_are_alike_are_noted_and_entered(run):
    code, out, _ = run(HEADINGS, ONE, ONE.replace("Sam", "Samuel"))

    assert code == 0
    assert "Note: row 3: This may be the person of row 2: same date of birth, similar name." in out


def test_somebody_alike_is_noted_and_entered(run, merton):
    factories.offender(merton, family_name="Example", given_names="Samuel", date_of_birth=date(1994, 2, 4))

    code, out, _ = run(HEADINGS, ONE)

    assert code == 0
    assert "This may be somebody who is known here already" in out


def test_same_person_in_another_scheme_does_not_matter(run, merton):
    london = factories.scheme("london")
    factories.offender(london, family_name="Example", given_names="Sam", date_of_birth=date(1994, 2, 4))

    assert run(HEADINGS, ONE)[0] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"scheme": "atlantis"}, "There is no scheme 'atlantis'; there are: merton.", id="no such scheme"),
    ],
)
def test_wrong_arguments_exit_with_2(run, options, words):
    code, _, err = run(HEADINGS, ONE, **options)

    assert (code, words in err) == (2, True)


def test_file_that_is_not_there_exits_with_2(merton, tmp_path):
    with pytest.raises(CommandError, match="cannot be read") as refused:
        call_command("import_cohort", str(tmp_path / "none.csv"), scheme="merton")

    assert refused.value.returncode == 2


def test_scheme_without_blue_names_its_own_ratings(run, db):
    scheme = factories.scheme("hampshire")
    names = [rating.name for rating in scheme.policy.ratings]

    _, _, err = run(HEADINGS, ONE.replace("Red", "Blue"), scheme="hampshire")

    assert f"Use {', '.join(names[:-1])} or {names[-1]}." in err
