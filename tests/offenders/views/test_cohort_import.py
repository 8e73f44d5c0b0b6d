"""Importing a cohort by the page: upload, columns, preview, import (issue 4, point 8)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from iom import clock, sweeps
from iom.models import AuditEvent, Notification
from iom.sessions import CODE_AT
from offenders.models import Case, Offender, Restriction, RowToImport, SheetToImport
from tests import factories
from tests.factories import sheets
from tests.test_restricted_everywhere import text_of

HEADINGS = "Surname,Forename,DOB,RAG,PNC,Why on cohort"
ONE = "Example,Sam,04/02/1994,Red,94/1A,Burglaries"
TWO = "Sample,Lee,09/09/1989,Amber,,Thefts"


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00", tick=True)


@pytest.fixture
def priya(sign_in, coordinator):
    client = sign_in(coordinator)
    session = client.session
    session[CODE_AT] = clock.now().timestamp()
    session.save()
    return client


def upload(client, *rows, content=None, name="cohort.csv", **fields):
    content = "\n".join(rows).encode() if content is None else content
    return client.post("/cases/import/", {"file": SimpleUploadedFile(name, content), **fields})


def matched(client, *rows, **options):
    """Upload, and take the columns as they are matched; the address of the preview."""
    columns = upload(client, *rows, **options).url
    answer = client.post(columns, fields_of(client.get(columns)))
    assert answer.status_code == 302, text_of(answer)
    return answer.url


class Answers(HTMLParser):
    """What the forms of a page would send as they are: versions, chosen options, pressed radios."""

    def __init__(self, page) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.select = ""
        self.feed(page.content.decode())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        kind, name = given.get("type"), given.get("name") or ""
        if tag == "select":
            self.select, self.fields[name] = name, ""
        elif tag == "option" and "selected" in given:
            self.fields[self.select] = given["value"]
        elif (
            tag == "input"
            and (kind == "hidden" or "checked" in given)
            and name not in ("csrfmiddlewaretoken", "form_key")
        ):
            self.fields[name] = given.get("value", "")


def fields_of(page) -> dict[str, str]:
    return Answers(page).fields


def version_of(preview) -> int:
    return SheetToImport.objects.get(key=preview.split("/")[3]).version


def press_import(client, preview):
    return client.post(f"{preview}import/", {"version": version_of(preview)})


def said(page, **answers) -> dict[str, str]:
    return fields_of(page) | answers


# --- From the sheet to the cohort ---


@pytest.mark.feature(122)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_sheet_becomes_the_cohort(priya, merton, kind):
    for each in ("police", "probation"):
        factories.member(merton, "member", agency_kind=each)
    rows = sheets.people(3)

    preview = matched(priya, content=getattr(sheets, f"as_{kind}")(rows), name=f"cohort.{kind}")
    shown = text_of(priya.get(preview))
    assert "Import 3 people" in shown
    assert not Offender.objects.exists()
    done = priya.post(f"{preview}import/", {"version": version_of(preview)}, follow=True)

    assert "3 people imported" in text_of(done)
    assert list(Case.objects.order_by("reference").values_list("reference", "offender__family_name")) == [
        (f"IOM-000{number}", row["Surname"]) for number, row in enumerate(rows, 1)
    ]
    assert 'href="/cases/IOM-0001/"' in done.content.decode()
    assert not RowToImport.objects.exists()
    event = AuditEvent.objects.get(verb="import_cohort")
    assert (event.subjects, event.roles) == (["IOM-0001", "IOM-0002", "IOM-0003"], "coordinator")


def test_import_asks_for_a_code_first(priya):
    preview = matched(priya, HEADINGS, ONE)
    session = priya.session
    session[CODE_AT] = (clock.now() - timedelta(minutes=5)).timestamp()
    session.save()

    asked = press_import(priya, preview)

    assert "fresh_code" in asked.content.decode()
    assert not Case.objects.exists()


def test_sending_the_import_again_enters_nobody_twice(priya):
    preview = matched(priya, HEADINGS, ONE)
    version = version_of(preview)

    first = priya.post(f"{preview}import/", {"version": version})
    again = priya.post(f"{preview}import/", {"version": version})

    assert (first.status_code, first.url) == (302, preview)
    assert again.status_code in (302, 409)
    assert Case.objects.count() == 1


def test_page_of_a_newer_judgement_is_not_imported_unseen(priya):
    preview = matched(priya, HEADINGS, ONE)
    old = version_of(preview)
    columns = priya.get(f"{preview}columns/")
    priya.post(f"{preview}columns/", fields_of(columns))

    assert priya.post(f"{preview}import/", {"version": old}).status_code == 409
    assert priya.post(f"{preview}import/", {}).status_code == 400
    assert not Case.objects.exists()


# --- Upload ---


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"PK\x03\x04rest", "The file is damaged"),
        (HEADINGS.encode(), "headings and no people"),
        (b"x" * (20 * 2**20 + 1), "20 MB or smaller"),
    ],
)
def test_file_that_cannot_be_used_is_an_error_of_its_field(priya, content, words):
    page = upload(priya, content=content)

    assert page.status_code == 200
    assert words in text_of(page)
    assert 'href="#id_file"' in page.content.decode()
    assert not SheetToImport.objects.exists()


def test_nothing_uploaded_is_an_error_of_its_field(priya):
    assert "Choose the file with your list" in text_of(priya.post("/cases/import/", {}))


def test_sheet_of_a_workbook_is_chosen_by_name(priya):
    content = sheets.as_xlsx(sheets.people(1))

    assert "There is no sheet “Old”. Use one of: Cohort." in text_of(upload(priya, content=content, sheet="Old"))
    assert upload(priya, content=content, sheet="cohort").status_code == 302


def test_cells_that_nobody_can_store_are_errors_and_no_failure(priya):
    preview = matched(priya, content=f"{HEADINGS}\nExam\0ple,Sam,,Red,,x".encode("utf-16"))

    assert "There is a character that cannot be stored" in text_of(priya.get(preview))


def test_sheet_that_waits_is_listed_and_can_be_thrown_away(priya):
    preview = matched(priya, HEADINGS, ONE)
    assert f'href="{preview}"' in priya.get("/cases/import/").content.decode()

    gone = priya.post(f"{preview}throw-away/", {}, follow=True)

    assert "thrown away" in text_of(gone)
    assert not SheetToImport.objects.exists()
    assert priya.get(preview).status_code == 404


def test_sheet_is_its_makers_alone(priya, sign_in, merton):
    preview = matched(priya, HEADINGS, ONE)
    other = sign_in(factories.member(merton, "coordinator"))
    chair = sign_in(factories.member(merton, "chair"))

    for address in (preview, f"{preview}columns/", f"{preview}errors/"):
        assert other.get(address).status_code == 404
        assert chair.get(address).status_code == 403
    assert other.post(f"{preview}throw-away/", {}).status_code == 404
    assert preview not in other.get("/cases/import/").content.decode()


def test_sheet_is_removed_a_day_after_its_upload(priya, time_machine):
    matched(priya, HEADINGS, ONE)

    time_machine.move_to(clock.now() + timedelta(hours=23, minutes=59))
    sweeps.tidy(clock.today())
    assert SheetToImport.objects.exists()

    time_machine.move_to(clock.now() + timedelta(minutes=2))
    sweeps.tidy(clock.today())
    assert not SheetToImport.objects.exists()
    assert not RowToImport.objects.exists()


# --- Columns ---


def test_columns_show_what_they_hold_and_what_they_were_matched_to(priya):
    page = priya.get(upload(priya, f"{HEADINGS},Shoe size", f"{ONE},44").url)

    chosen = [fields_of(page)[f"column_{place}"] for place in range(7)]
    assert chosen == ["family_name", "given_names", "date_of_birth", "rating", "pnc_number", "why", "-"]
    assert "Left out unless you choose otherwise: Shoe size." in text_of(page)
    assert "Burglaries" in text_of(page)


def test_near_spelling_is_suggested_and_must_be_chosen(priya):
    columns = upload(priya, HEADINGS.replace("Surname", "Surnmae"), ONE).url
    page = priya.get(columns)
    assert "Looks like Family name" in text_of(page)
    assert fields_of(page)["column_0"] == ""

    refused = priya.post(columns, fields_of(page))
    assert "Choose what “Surnmae” is, or leave it out" in text_of(refused)

    taken = priya.post(columns, fields_of(page) | {"column_0": "family_name"})
    assert taken.status_code == 302


def test_column_matched_twice_and_one_that_is_missing_are_refused(priya):
    columns = upload(priya, f"{HEADINGS},Name on file", f"{ONE},Samuel").url
    fields = fields_of(priya.get(columns))

    twice = priya.post(columns, fields | {"column_6": "family_name"})
    assert "“Name on file” and “Surname” cannot both be Family name" in text_of(twice)

    missing = priya.post(columns, fields | {"column_3": "-"})
    assert "This column is missing. Add it" in text_of(missing)


# --- Errors ---


def test_errors_are_listed_with_row_column_cell_and_remedy(priya):
    preview = matched(priya, HEADINGS, ONE, "Sample,Lee,31/02/1989,Purple,,x")
    page = priya.get(preview)

    shown = text_of(page)
    assert "2 errors to correct" in shown
    for words in (
        "Row 3",
        "Date of birth",
        "31/02/1989",
        "This must be a real date.",
        "Write it as 04/02/1994",
        "Purple",
    ):
        assert words in shown
    assert "Import 1 person" not in shown
    refused = press_import(priya, preview)
    assert (refused.status_code, Case.objects.count()) == (302, 0)


def test_list_of_errors_names_nobody(priya):
    preview = matched(priya, HEADINGS, "Sample,Lee,31/02/1989,Quillfeather,,x")

    answer = priya.get(f"{preview}errors/")

    lines = answer.content.decode("utf-8-sig").splitlines()
    assert answer["Content-Disposition"] == 'attachment; filename="import-errors.csv"'
    assert lines[0] == "Row,Column,What is wrong,What to do"
    assert lines[1].startswith("2,Date of birth,This must be a real date.")
    assert lines[2].startswith("2,RAG,This is not a rating of this scheme.")
    assert not re.search("Sample|Lee|31/02|Quillfeather", answer.content.decode())


# --- People who are known ---


@pytest.mark.feature(122)
def test_known_person_stands_beside_the_row_and_each_answer_is_kept(priya, merton):
    held = factories.offender(merton, family_name="Example", given_names="Samuel", date_of_birth=date(1994, 2, 4))
    case = factories.case(merton, who=held)
    preview = matched(priya, HEADINGS, ONE, TWO)

    page = priya.get(preview)
    shown = text_of(page)
    assert "Row 2 of the sheet" in shown
    assert "EXAMPLE Samuel" in shown
    assert "04/02/1994 (agrees)" in shown
    assert f"{case.reference}, open" in shown
    assert "Decide who the other 1 person may be" in shown

    for answer, entering in ((f"same:{held.pk}", 1), ("out", 1), ("new", 2)):
        page = priya.get(preview)
        priya.post(preview, said(page, row_2=answer))
        people = "person" if entering == 1 else "people"
        assert f"Import {entering} {people}" in text_of(priya.get(preview))
    press_import(priya, preview)
    assert Offender.objects.count() == 3


def test_somebody_who_left_gets_a_new_case_and_what_is_missing_is_filled_in(priya, merton):
    held = factories.offender(
        merton, family_name="Example", given_names="Sam", date_of_birth=date(1994, 2, 4), area="Old Town", pnc_number=""
    )
    factories.case(merton, who=held, status="closed", ended_on=date(2026, 2, 1))
    preview = matched(priya, f"{HEADINGS},Ward", f"{ONE},Hill Top")
    page = priya.get(preview)
    assert "they get a new case" in text_of(page)

    priya.post(preview, said(page, row_2=f"same:{held.pk}"))
    press_import(priya, preview)

    held.refresh_from_db()
    assert (held.pnc_number, held.area, held.cases.not_closed().count()) == ("94/1A", "Old Town", 1)
    assert Offender.objects.count() == 1


def test_same_sheet_again_finds_everybody_known_and_imports_nobody(priya):
    press_import(priya, matched(priya, HEADINGS, ONE, TWO))

    again = matched(priya, HEADINGS, ONE, TWO)

    shown = text_of(priya.get(again))
    assert "2, nothing is entered" in shown
    assert "There is nobody to import" in shown
    press_import(priya, again)
    assert (Offender.objects.count(), Case.objects.count()) == (2, 2)


def test_rest_are_said_to_be_different_with_one_button(priya, merton):
    for given in ("Samuel", "Samson"):
        factories.offender(merton, family_name="Example", given_names=given, date_of_birth=date(1994, 2, 4))
    preview = matched(priya, HEADINGS, ONE, TWO)

    priya.post(preview, said(priya.get(preview), then="rest_new"))

    assert "Import 2 people" in text_of(priya.get(preview))


def test_answer_that_was_not_offered_is_refused(priya, merton):
    factories.offender(merton, family_name="Example", given_names="Samuel", date_of_birth=date(1994, 2, 4))
    stranger = factories.offender(merton, family_name="Invented", given_names="Dana", date_of_birth=date(1971, 8, 30))
    preview = matched(priya, HEADINGS, ONE)

    page = priya.post(preview, said(priya.get(preview), row_2=f"same:{stranger.pk}"))

    assert page.status_code == 200
    assert "Choose one of the answers for row 2" in text_of(page)
    assert RowToImport.objects.get().answer == ""


def test_somebody_entered_in_the_meantime_stops_the_import_and_is_shown(priya, merton):
    preview = matched(priya, HEADINGS, ONE, TWO)
    factories.case(
        merton,
        who=factories.offender(merton, family_name="Example", given_names="Sammy", date_of_birth=date(1994, 2, 4)),
    )

    press_import(priya, preview)

    assert Case.objects.count() == 1
    assert "EXAMPLE Sammy" in text_of(priya.get(preview))


def test_restricted_person_is_never_shown_and_whoever_answers_for_the_case_hears(priya, merton, police):
    held = factories.offender(merton, family_name="Example", given_names="Sam", date_of_birth=date(1994, 2, 4))
    case = factories.case(merton, who=held, restricted=True)
    Restriction.objects.create(
        scheme=merton, case=case, owner=police, reason="At risk", restricted_at=clock.now(), restricted_by=police.user
    )
    factories.named(case, police)
    preview = matched(priya, HEADINGS, ONE)

    shown = text_of(priya.get(preview))
    assert "Import 1 person" in shown
    assert case.reference not in shown
    assert "EXAMPLE Sam" not in shown

    press_import(priya, preview)
    assert Case.objects.count() == 2
    told = Notification.objects.get(kind="import_alike")
    assert told.recipient == police.user
    new = Case.objects.exclude(pk=case.pk).get().reference
    assert told.text == f"{new} was imported and may be the person of {case.reference}"


# --- Two thousand ---


def test_two_thousand_are_judged_and_imported_with_a_constant_number_of_queries(
    priya, merton, django_assert_max_num_queries
):
    for each in ("police", "probation"):
        factories.member(merton, "member", agency_kind=each)
    with django_assert_max_num_queries(150):
        preview = matched(priya, content=sheets.as_csv(sheets.people(2000)))
    with django_assert_max_num_queries(80):
        assert "Import 2,000 people" in text_of(priya.get(preview))
    with django_assert_max_num_queries(220):
        press_import(priya, preview)

    assert (Offender.objects.count(), Case.objects.count()) == (2000, 2000)


def test_link_to_the_import_is_shown_to_those_who_may(priya, sign_in, police):
    assert reverse("cohort_import") in priya.get("/cases/").content.decode()
    assert reverse("cohort_import") not in sign_in(police).get("/cases/").content.decode()
