"""Custody and release, bail, court, wanted, arrests, tags: as people meet them on pages and on the home page."""

from datetime import UTC, date, datetime, timedelta

import pytest

from iom import clock
from iom.access import actor_for
from iom.models import Notification
from offenders import actions, custody, idiom
from offenders.asking import asked
from offenders.asks import Window
from offenders.clocks import Calendar, coming_for
from offenders.idiom_sheet import read_sheet
from offenders.models import Case, CustodyProposal, Entry, IdiomFile, LegalStatus, Prison, Tag, TagHit
from offenders.release_days import shut_after
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def case(merton):
    return factories.case(merton)


def at(case, what=""):
    return f"/cases/{case.reference}/custody/{what}"


@pytest.mark.feature(126)
def test_release_date_with_its_source_asks_for_a_rating_and_warns_of_a_friday(merton, coordinator, case, sign_in):
    Prison.objects.create(
        scheme=merton, name="HMP Example", contact="Pat Sample", post="Resettlement", phone="020 7946 0200"
    )
    client = sign_in(coordinator)

    client.post(
        at(case),
        {
            "kind": "sentence", "prison": "Example", "starts_on": "20 2 2026", "recalled": "on", "sentence": "20 months",
            "offence": "Burglary", "release_expected_on": "2 4 2026", "release_source": "Prison, by letter", "version": "0",
        },
    )  # fmt: skip

    page = client.get(at(case)).content.decode()
    for words in (
        "Pat Sample, Resettlement, 020 7946 0200",
        "Recalled, under sentence",
        "20 months",
        "2 Apr 2026, Prison, by letter, checked 12 Mar 2026, 09:00",
        "A new rating is needed",
        # Maundy Thursday: the day before Good Friday, a weekend and Easter Monday.
        "The release is on Thursday 2 April. Services are shut after it",
        "and open again on Tuesday 7 April",
        "brought forward by up to two working days",
    ):
        assert words in page, words
    assert f"Release: {case.reference}" in client.get("/").content.decode()
    # Corrected: what it said before stays readable.
    version = Case.objects.get(pk=case.pk).inside.version
    client.post(
        at(case),
        {"kind": "sentence", "prison": "Example", "starts_on": "20 2 2026", "sentence": "20 months", "offence": "Burglary",
         "release_expected_on": "8 4 2026", "release_source": "", "version": version},
    )  # fmt: skip
    page = client.get(at(case)).content.decode()
    assert "Services are shut" not in page
    assert "release expected on 2 Apr 2026, now 8 Apr 2026" in page
    with clock.as_of(datetime(2026, 4, 9, 9, tzinfo=UTC)):
        assert "Release was expected on 8 April, and no rating has been agreed for it." in (
            sign_in(coordinator).get(at(case)).content.decode()
        )


def test_days_on_which_a_release_meets_shut_doors(merton):
    from iom.models.dates import holidays_in

    table = holidays_in(merton)
    found = {day: shut_after(date(2026, 4, day), table) for day in (1, 2, 3, 6, 7, 9, 10)}
    assert {day: shut.opens if shut else None for day, shut in found.items()} == {
        1: None, 2: date(2026, 4, 7), 3: date(2026, 4, 7), 6: date(2026, 4, 7), 7: None, 9: None, 10: date(2026, 4, 13),
    }  # fmt: skip
    assert shut_after(date(2026, 12, 31), table).opens == date(2027, 1, 4)


def test_court_bail_and_wanted_stand_with_source_and_time_and_keep_what_held_before(merton, police, case, sign_in):
    client = sign_in(police)
    office = factories.actor(merton, "coordinator")
    actions.assign(case, "police_officer", agency=police.agency, membership=police, on=clock.today(), by=office)

    client.post(
        at(case, "status/"), {"kind": "court", "on": "20 3 2026", "place": "Example Court", "source": "Court list"}
    )
    client.post(at(case, "status/"), {"kind": "bail", "on": "25 3 2026", "place": "Example station", "source": "PNC"})
    refused = client.post(at(case, "status/"), {"kind": "wanted", "on": "25 3 2026", "source": "PNC"})
    assert b"must be today or earlier" in refused.content
    client.post(at(case, "status/"), {"kind": "wanted", "on": "11 3 2026", "source": "PNC"})
    page = client.get(at(case)).content.decode()
    assert "Court list, checked 12 Mar 2026, 09:00" in page
    # They stand on the radar, and the agenda hears that somebody is wanted.
    whole = Case.objects.with_current().with_custody().with_feeds().select_related("scheme").get(pk=case.pk)
    coming = coming_for(whole, Calendar.of(merton, clock.today()))
    assert {"Court", "Return on police bail"} <= {each.text for each in coming}
    window = Window(
        merton.policy, merton.policy.default_body, date(2026, 3, 26), date(2026, 2, 26), date(2026, 4, 9), clock.today()
    )
    assert "Wanted since 11 March" in [ask.words for ask in asked([whole], window)]

    due = LegalStatus.objects.get(kind="court")
    # Moved, then passed without an outcome: home asks whoever leads the case, until somebody says what came of it.
    client.post(at(case, "status/"), {"kind": "court", "on": "23 3 2026", "source": "Clerk", "replaces": due.pk})
    due.refresh_from_db()
    assert due.ended_because == "replaced"
    with clock.as_of(datetime(2026, 3, 24, 9, tzinfo=UTC)):
        client = sign_in(police)
        task = f"Say what came of court of 23 March: {case.reference}"
        assert task in client.get("/").content.decode()
        moved = LegalStatus.objects.get(kind="court", ended_at=None)
        address = at(case, f"status/{moved.pk}/")
        assert (
            b"Enter what came of it" in client.post(address, {"because": "happened", "version": moved.version}).content
        )
        client.post(address, {"because": "happened", "outcome": "Adjourned for reports", "version": moved.version})
        assert task not in client.get("/").content.decode()
        page = client.get(at(case)).content.decode()
        assert "Court, 23 Mar 2026: Adjourned for reports" in page
    kinds = list(Entry.objects.filter(case=case).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["court", "bail", "wanted", "court", "court"]


@pytest.mark.feature(146)
def test_arrest_sends_the_officer_to_custody_and_tells_the_lead(db, sign_in):
    london = factories.scheme("london")
    case = factories.case(london)
    officer, other = (factories.member(london, "member", agency_kind="police") for _ in range(2))
    lead = factories.member(london, "member", agency_kind="probation")
    coordinator = factories.member(london, "coordinator")
    by = actor_for(coordinator)
    for role, person in (("police_officer", officer), ("lead_professional", lead)):
        actions.assign(case, role, agency=person.agency, membership=person, on=clock.today(), by=by)

    sign_in(coordinator).post(
        at(case, "arrest/"),
        {"on": "11 3 2026", "what": "Burglary of a home", "where": "Example", "source": "Custody log"},
    )

    told = {each.recipient_id: each.text for each in Notification.objects.filter(kind="arrested")}
    assert told == {
        officer.user_id: f"Go to custody: {case.reference}, new from the police",
        lead.user_id: f"Read today: {case.reference}, new from the police",
    }
    task = f"Go to custody: {case.reference}</"
    assert task in sign_in(officer).get("/").content.decode()
    assert f"Go to custody: {case.reference}<" not in sign_in(other).get("/").content.decode()
    arrest = Entry.objects.get(kind="arrest")
    client = sign_in(officer)
    early = client.post(at(case, f"arrest/{arrest.pk}/"), {"went": "yes", "on": "10 3 2026", "words": "Seen"})
    assert b"between the arrest" in early.content
    client.post(
        at(case, f"arrest/{arrest.pk}/"),
        {"went": "yes", "on": "12 3 2026", "words": "Seen in the cells, will go back to the drugs service."},
    )
    assert Entry.objects.get(kind="custody_visit").text.startswith("Seen in the cells")
    assert task not in client.get("/").content.decode()


@pytest.mark.feature(169)
@pytest.mark.feature(170)
def test_tag_is_worn_for_twelve_months_at_most_and_police_rule_its_hits(db, sign_in):
    hampshire = factories.scheme("hampshire")
    case = factories.case(hampshire)
    police = factories.member(hampshire, "member", agency_kind="police")
    housing = factories.member(hampshire, "member", agency_kind="housing")
    client = sign_in(police)
    given = {"starts_on": "2 3 2026", "offence": "burglary", "licence": "Licence of 2 March", "version": "0"}

    too_long = client.post(at(case, "tag/"), given | {"ends_on": "3 3 2027"})
    assert b"12 months at most: until 2 Mar 2027" in too_long.content
    client.post(at(case, "tag/"), given | {"ends_on": "2 3 2027"})
    tag = Tag.objects.get()
    assert (tag.starts_on, tag.ends_on, tag.offence) == (date(2026, 3, 2), date(2027, 3, 2), "burglary")

    hit = {"on": "10 3 2026", "at": "21:40", "area": "Mill ward", "crime_reference": "CR 4471"}
    before = client.post(at(case, "hit/"), hit | {"on": "1 3 2026"})
    assert b"No tag is recorded for that day" in before.content
    client.post(at(case, "hit/"), hit)
    assert b"is recorded already" in client.post(at(case, "hit/"), hit).content
    assert f"Rule in or out: {case.reference}" in client.get("/").content.decode()
    # For police and probation; for everybody else there is none.
    assert "CR 4471" in client.get(at(case)).content.decode()
    others = sign_in(housing).get(at(case))
    assert (others.status_code, b"CR 4471" in others.content) == (200, False)
    assert sign_in(housing).get(at(case, "hit/")).status_code == 403
    assert Entry.objects.get(kind="tag_hit").handling == "police_probation"

    near = TagHit.objects.get()
    client.post(
        at(case, f"hit/{near.pk}/"), {"ruling": "out", "because": "On the bus through.", "version": near.version}
    )
    near.refresh_from_db()
    assert (near.ruling, near.ruled_by, near.sent_at <= near.ruled_at) == ("out", police.user, True)
    assert f"Rule in or out: {case.reference}" not in client.get("/").content.decode()
    # The meeting before it ends looks at it; then it came off early.
    body = hampshire.policy.default_body
    window = Window(hampshire.policy, body, date(2027, 2, 25), date(2027, 1, 25), date(2027, 3, 25), date(2027, 2, 20))
    assert [ask.words for ask in asked([case], window) if "tag" in ask.words] == ["The GPS tag ends on 2 March"]
    client.post(at(case, "tag/"), {"do": "end", "on": "11 3 2026", "because": "Recalled", "version": tag.version})
    tag.refresh_from_db()
    assert (tag.last_day, tag.ended_because) == (date(2026, 3, 11), "Recalled")
    # A scheme without a rule says so.
    merton = factories.scheme("merton")
    office = factories.member(merton, "coordinator")
    theirs = factories.case(merton)
    assert "rules have no GPS tags" in sign_in(office).get(at(theirs)).content.decode()


def test_file_by_the_page_is_looked_over_entered_and_its_proposal_answered(merton, coordinator, case, sign_in):
    researcher = factories.member(merton, "researcher", agency_kind="police")
    factories.case(merton)
    from django.core.files.uploadedfile import SimpleUploadedFile

    rows = [
        "Reference,As of,Offending history,Pending cases,Police bail date,Court dates,Wanted,In prison,Prison,Prison release date",
        f"{case.reference},2026-03-12 06:00,,,,,N,Y,HMP Example,2026-06-01",
        "IOM-7777,2026-03-12 06:00,Moonstone lane,,,,N,N,,",
    ]
    client = sign_in(researcher)
    wrong = client.post(
        "/cases/idiom/",
        {"file": SimpleUploadedFile("a.csv", rows[0].encode() + b"\n" + rows[1].replace("Y", "perhaps").encode())},
    )
    assert b"neither yes nor no" in wrong.content

    answer = client.post("/cases/idiom/", {"file": SimpleUploadedFile("a.csv", "\n".join(rows).encode())})
    page = client.get(answer.url).content.decode()
    file = IdiomFile.objects.get()
    assert "Not on this cohort, or not open to you: row 3." in page
    assert "Proposed: In prison since 12 Mar 2026, HMP Example, release on 1 Jun 2026" in page
    assert "Moonstone" not in str(list(file.rows.values()))
    assert client.get("/cases/idiom/").status_code == 200
    assert sign_in(coordinator).get(answer.url).status_code == 404
    client.post(answer.url, {"do": "enter", "version": file.version})
    assert file.rows.count() == 0

    office = sign_in(coordinator)
    assert "Answer 1 proposal of custody from IDIOM" in office.get("/").content.decode()
    asked_of = CustodyProposal.objects.get()
    assert case.reference in office.get("/cases/custody/").content.decode()
    address = f"/cases/custody/{asked_of.pk}/"
    assert b"Choose if they are on remand" in office.post(address, {"do": "accept"}).content
    assert client.post(address, {"do": "accept", "kind": "remand"}).status_code == 403
    office.post(address, {"do": "accept", "kind": "sentence"})
    changed = Case.objects.get(pk=case.pk)
    assert (changed.rating.colour, changed.inside.prison) == ("BLUE", "HMP Example")
    page = office.get(at(case)).content.decode()
    assert "1 Jun 2026, IDIOM, checked 12 Mar 2026, 06:00" in page
    again = office.get("/cases/idiom/").content.decode()
    assert "Without a record: 1 member" in again
    # A file that waits for more than a day is forgotten.
    kept, _ = idiom.take_in(read_sheet("\n".join(rows[:2]).encode()), by=actor_for(researcher))
    with clock.as_of(clock.now() + timedelta(hours=25)):
        idiom.forget_files(merton, clock.today(), actor_for(coordinator))
    assert not IdiomFile.objects.filter(pk=kept.pk).exists()


def test_who_may_record_what(merton, housing, coordinator, case, sign_in):
    """Housing reads the page; it records neither custody nor bail, nor changes whom to ring in a prison."""
    client = sign_in(housing)

    assert client.get(at(case)).status_code == 200
    assert client.get(at(case, "status/?kind=bail")).status_code == 403
    assert client.post(at(case, "arrest/"), {"on": "11 3 2026", "what": "x", "source": "y"}).status_code == 403
    assert client.post("/cases/prisons/", {"name": "HMP Example"}).status_code == 403
    sign_in(coordinator).post("/cases/prisons/", {"name": "HMP Example", "contact": "Pat Sample"})
    assert "Pat Sample" in client.get("/cases/prisons/").content.decode()
    prison = factories.member(merton, "member", agency_kind="prison")
    custody.record_status(case, "court", on=date(2026, 3, 20), source="Prison", by=actor_for(prison))
    period = actions.record_custody(
        case, kind="remand", prison="HMP Example", starts_on=date(2026, 3, 9), by=actor_for(prison)
    )
    assert period.release_source == ""
