"""Intervention statements for courts: from the offers, edited, approved by the lead alone, frozen, given."""

import io
from datetime import date

import pytest
from django.db import DatabaseError, transaction
from pypdf import PdfReader

from actionplans import court_words, offers, statements
from actionplans.court_words import Line, OfferFact
from actionplans.models import CourtStatement, OfferAnswer
from iom import outbox
from iom.models import Document, Notification
from offenders.actions import assign
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-05T09:00:00+00:00")


@pytest.fixture
def london(db):
    return factories.scheme("london")


@pytest.fixture
def people(london):
    return {
        "office": factories.member(london, "coordinator", name="Priya Shah"),
        "lead": factories.member(london, "member", agency_kind="probation", name="Kofi Osei"),
        "other": factories.member(london, "member", agency_kind="police", name="Tom Dunn"),
    }


@pytest.fixture
def case(london, people):
    who = factories.offender(london, family_name="Specimen", given_names="Ray")
    made = factories.case(london, who=who, since=date(2026, 1, 12))
    lead, other = people["lead"], people["other"]
    by = factories.actor(london, "coordinator")
    assign(made, "lead_professional", agency=lead.agency, membership=lead, on=date(2026, 2, 1), by=by)
    assign(made, "police_officer", agency=other.agency, membership=other, on=date(2026, 2, 1), by=by)
    return made


@pytest.fixture
def offered(case, london, people):
    def make(pathway=None, words="A room", answer="", on=date(2026, 2, 20)):
        by = factories.actor(london, "coordinator")
        pathway = pathway or london.policy.pathways[0].slug
        made = offers.offer(case, pathway=pathway, text=words, agency=people["lead"].agency, on=on, by=by)
        return offers.answered(made, answer, on=date(2026, 2, 27), by=by) if answer else made

    return make


def text(response):
    return " ".join(response.content.decode().split())


def at(case, rest=""):
    return f"/cases/{case.reference}/intervention-statement/{rest}"


HEARING = {"court": "Sample Crown Court", "hearing_on": "20 3 2026"}


def words_of(statement, **changed):
    """The edit form as its page shows it, with changes."""
    form = {"court": statement.court, "hearing_on": "20 3 2026", "opening": statement.opening, "closing": ""}
    for line in statement.lines:
        form[f"text-{line['key']}"] = line["text"]
        form[f"keep-{line['key']}"] = "on"
    return form | {"version": str(statement.version)} | changed


# --- The whole way --------------------------------------------------------------


@pytest.mark.feature(147)
@pytest.mark.feature(322)
def test_statement_goes_from_offers_to_the_court(sign_in, people, case, offered):
    taken, refused = offered(words="A room.", answer="taken_up"), offered(words="A course", answer="refused")
    office, lead, other = (sign_in(people[name]) for name in ("office", "lead", "other"))

    answer = office.post(at(case, "draft/"), HEARING)
    held = CourtStatement.objects.get()

    assert answer.url == at(case, "edit/")
    page = text(office.get(at(case)))
    agency = people["lead"].agency.name
    assert f"On 20 February 2026 {agency} offered help with" in page
    assert "A room. It was taken up on 27 February 2026." in page
    assert "2 offers on 1 pathway: 1 taken up or completed, 1 refused or not kept" in page
    said = {f"text-{taken.pk}": "A room was offered, and he moved in.", f"keep-{refused.pk}": ""}
    form = words_of(held, **said)
    del form[f"keep-{refused.pk}"]
    assert office.post(at(case, "edit/"), form).url == at(case)
    held.refresh_from_db()
    asked = office.post(at(case, "edit/"), {"do": "ask", "version": held.version})
    assert asked.url == at(case)
    assert Notification.objects.get(recipient=people["lead"].user).kind == "statement_to_approve"
    assert f"Approve the statement for court on {case.reference}" in text(lead.get("/"))
    held.refresh_from_db()

    # The coordinator who drafted it does not approve it, nor does the second contact.
    for nobody in (office, other):
        assert nobody.get(at(case, "approve/")).status_code == 403
        assert nobody.post(at(case, "approve/"), {"version": held.version}).status_code == 403
    assert "Approve for the court" in text(lead.get(at(case, "approve/")))
    assert lead.post(at(case, "approve/"), {"version": held.version}).url == at(case)
    assert "The PDF is being made" in text(lead.get(at(case, "1/")))
    outbox.drain()

    held.refresh_from_db()
    document = Document.objects.get(kind="court_statement")
    file = lead.get(at(case, "1/pdf/"))
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(file.content)).pages)
    assert (held.status, held.approved_name) == ("approved", "Kofi Osei")
    assert file.content == bytes(document.content)
    assert "Specimen" not in file["Content-Disposition"]
    for words in ("OFFICIAL-SENSITIVE", "Ray Specimen", "Sample Crown Court", "he moved in", "Approved by Kofi Osei"):
        assert words in printed
    assert "A course" not in printed
    assert document.sha256[:4] in text(lead.get(at(case, "1/")))

    given = {"to": "Clerk of the court", "how": "court", "given_on": "5 3 2026", "version": held.version}
    assert lead.post(at(case, "1/"), given).url == at(case, "1/")
    assert "Clerk of the court, 5 Mar 2026" in text(office.get(at(case)))
    with pytest.raises(DatabaseError), transaction.atomic():
        CourtStatement.objects.filter(pk=held.pk).update(court="Another")


@pytest.mark.feature(322)
def test_draft_shows_what_changed_since_and_is_not_approved_before_that_is_in_it(
    sign_in, people, case, offered, london
):
    first = offered()
    lead = sign_in(people["lead"])
    lead.post(at(case, "draft/"), HEARING)
    held = CourtStatement.objects.get()
    offers.answered(first, "refused", on=date(2026, 3, 4), by=factories.actor(london, "coordinator"))
    offered(words="A course")

    page = text(lead.get(at(case)))
    refused = text(lead.post(at(case, "approve/"), {"version": held.version}))

    assert "Changed since this was drafted" in page
    assert "Now: On 20 February 2026" in page
    assert "It was refused on 4 March 2026." in page
    assert "New: On 20 February 2026" in page
    assert "Bring in what changed since it was drafted." in refused
    lead.post(at(case, "edit/"), {"do": "bring_in", "version": held.version})
    held.refresh_from_db()
    assert [line["text"].endswith("refused on 4 March 2026.") for line in held.lines] == [True, False]
    assert lead.post(at(case, "approve/"), {"version": held.version}).url == at(case)

    # What is approved stays; a later change is the next version, which keeps the words that still hold.
    offered(words="A bus pass")
    lead.post(at(case, "draft/"), HEARING | {"court": "Other Court"})
    again = CourtStatement.objects.get(status="draft")
    assert (again.number, len(again.lines)) == (2, 3)
    held.refresh_from_db()
    assert len(held.record["parts"][0]["lines"]) == 2


def test_name_of_somebody_protected_keeps_it_from_going_out_and_tells_who_keeps_it(
    sign_in, people, case, offered, london
):
    offered(words="A room away from Ola Fieldmouse")
    housing = factories.member(london, "member", agency_kind="housing")
    factories.related(case.offender, housing, name="Ola Fieldmouse")
    lead = sign_in(people["lead"])
    lead.post(at(case, "draft/"), HEARING)
    held = CourtStatement.objects.get()

    page = text(lead.post(at(case, "approve/"), {"version": held.version}))

    assert "The statement holds a name that must not stand in it" in page
    assert Notification.objects.filter(kind="victim_named", recipient=housing.user).exists()
    held.refresh_from_db()
    assert held.status == "draft"
    # Whoever keeps the record is told by the field itself.
    line = held.lines[0]["key"]
    guarded = statements.lines_of(held)[0].text
    assert "Ola" in guarded
    form = words_of(held, **{f"text-{line}": "Ola Fieldmouse again"})
    assert sign_in(people["other"]).post(at(case, "edit/"), form).status_code in (200, 302)


def test_marac_never_stands_in_it_nor_does_a_hearing_that_is_over(sign_in, people, case, offered):
    made = offered(words="A refuge, after the MARAC")
    lead = sign_in(people["lead"])

    over = text(lead.post(at(case, "draft/"), HEARING | {"hearing_on": "4 3 2026"}))
    lead.post(at(case, "draft/"), HEARING)
    held = CourtStatement.objects.get()
    page = text(lead.post(at(case, "approve/"), {"version": held.version}))

    assert "must be today or later" in over
    assert "speaks of MARAC" in page
    form = words_of(held)
    del form[f"keep-{made.pk}"]
    lead.post(at(case, "edit/"), form)
    held.refresh_from_db()
    assert "Keep at least one offer in it." in text(lead.post(at(case, "approve/"), {"version": held.version}))


def test_member_reads_and_does_not_write(sign_in, people, case, offered, london):
    offered()
    reader = sign_in(factories.member(london, "member", agency_kind="housing", seat=True))

    assert "No statement has been drafted" in text(reader.get(at(case)))
    assert reader.post(at(case, "draft/"), HEARING).status_code == 403
    sign_in(people["lead"]).post(at(case, "draft/"), HEARING)
    assert reader.get(at(case, "edit/")).status_code == 403
    assert reader.get(at(case)).status_code == 200


def test_draft_is_dropped_and_stale_words_are_compared(sign_in, people, case, offered):
    offered()
    lead = sign_in(people["lead"])
    lead.post(at(case, "draft/"), HEARING)
    held = CourtStatement.objects.get()

    assert lead.post(at(case, "edit/"), words_of(held, closing="Could go on under an order.")).status_code == 302
    assert lead.post(at(case, "edit/"), words_of(held, closing="Mine")).status_code == 409
    held.refresh_from_db()
    assert "A draft is open already" in text(lead.post(at(case, "draft/"), HEARING))
    assert lead.post(at(case, "edit/"), {"do": "drop", "version": held.version}).url == at(case)
    held.refresh_from_db()
    assert held.status == "dropped"


# --- The words ------------------------------------------------------------------


def fact(**changed):
    given = {
        "key": 1,
        "pathway": "Accommodation",
        "text": "A room",
        "agency": "Housing",
        "offered_on": date(2026, 2, 1),
        "answer": "waiting",
        "answered_on": None,
    }
    return OfferFact(**given | changed)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("waiting", "A place is being waited for."),
        ("taken_up", "It was taken up on 3 March 2026."),
        ("completed", "It was completed on 3 March 2026."),
        ("refused", "It was refused on 3 March 2026."),
        ("did_not_attend", "The appointment on 3 March 2026 was not kept."),
        ("stopped", "It was stopped on 3 March 2026."),
    ],
)
def test_sentence_is_neutral_for_every_answer(answer, words):
    on = None if answer == "waiting" else date(2026, 3, 3)

    said = court_words.sentence(fact(answer=answer, answered_on=on, service="Rent deposit scheme"))

    offered = "On 1 February 2026 Housing offered help with accommodation: A room (Rent deposit scheme)."
    assert said == f"{offered} {words}"
    assert set(court_words.ANSWERS) == set(OfferAnswer.values)


def test_changes_and_bringing_in_keep_words_about_facts_that_stand():
    stands, changes, new = fact(key=1), fact(key=2, answer="refused", answered_on=date(2026, 3, 3)), fact(key=3)
    own = Line(1, "Accommodation", court_words.sentence(stands), "In my words", kept=False)
    was = Line(2, "Accommodation", court_words.sentence(fact(key=2)), "Mine too")
    gone = Line(9, "Accommodation", "x", "x")

    found = court_words.changes([stands, changes, new], [own, was, gone])
    lines = court_words.brought_in([stands, changes, new], [own, was, gone])

    assert ([each.key for each in found.new], [line.key for line, _ in found.changed]) == ([3], [2])
    assert [line.key for line in found.gone] == [9]
    assert [(line.key, line.text == "In my words", line.kept) for line in lines] == [
        (1, True, False),
        (2, False, True),
        (3, False, True),
    ]
    assert not court_words.changes([stands], [own])
