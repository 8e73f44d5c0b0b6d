"""Nominating someone, page by page, as the referrer meets it (journey A, first half)."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from offenders.models import Offender
from referrals.models import Referral
from tests import factories

pytestmark = pytest.mark.django_db

WHO = {"mappa": "0", "given_names": "Ray", "family_name": "Specimen", "date_of_birth": "7 7 1995"}
SECTIONS = {
    "identity": {
        "given_names": "Ray",
        "family_name": "Specimen",
        "date_of_birth": "7 7 1995",
        "gender": "MALE",
        "aliases": "Razor\nRay Speck",
        "pnc_number": "95/1234A",
    },
    "address": {"address": "Flat 2, 1 Invented Road", "area": "Ravensbury", "in_custody": "no", "supervision": "no"},
    "offending": {
        "evidence": "Four burglaries since October, two of them charged.",
        "benefit": "Housing and the drugs service both know him.",
        "main_driver": "addiction",
    },
    "harm": {"high_risk_of_harm": "not_known", "harm": "", "safeguarding": "MARAC asked on 2 February by DC Hall."},
    "needs": {"need_accommodation": "At risk of losing the tenancy.", "need_drugs_alcohol": "Heroin, wants treatment."},
    "score-facts": {
        "offence": "028/03",
        "convicted_on": "12 1 2026",
        "follow_up_from": "12 1 2026",
        "sanctions": "14",
        "first_sanction_age": "13",
    },
    "presenter": {"presenter": "PC Dunn"},
}


def text_of(response) -> str:
    """What the page says, without its tags."""
    html = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.S)
    main = re.search(r"<main.*</main>", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", main[0] if main else html).split())


@pytest.fixture
def february():
    with time_machine.travel("2026-02-20 10:00+00:00", tick=False):
        yield


@pytest.fixture
def panel(merton, february):
    return factories.meeting(merton, date(2026, 3, 12))


@pytest.fixture
def officer(sign_in, police, panel):
    return sign_in(police)


@pytest.fixture
def draft(merton, police, panel):
    return factories.referral(merton, police, meeting=panel, sections_done=[])


def post_section(client, referral, task, data, **extra):
    referral.refresh_from_db()
    return client.post(f"/referrals/{referral.reference}/{task}/", {"version": referral.version, **data}, **extra)


# --- The journey ------------------------------------------------------------


@pytest.mark.feature(93)
@pytest.mark.feature(95)
def test_nomination_from_first_question_to_sent(officer, coordinator, as_police):
    started = officer.post("/referrals/new/", WHO)
    address = "/referrals/IOM-R-0001/"
    followed = [f"{address}identity/"]
    assert (started.status_code, started.url) == (302, followed[0])
    assert "Not sent yet: 0 of 7 sections done. Closes at the end of Mon 2 March, for the 12 March panel." in text_of(
        officer.get(address)
    )

    while not followed[-1].endswith("/check/"):
        task = followed[-1].split("/")[-2]
        page = officer.get(followed[-1])
        version = re.search(r'name="version" value="(\d+)"', page.content.decode())[1]
        followed.append(officer.post(followed[-1], {"version": version, **SECTIONS[task]}).url)

    assert [step.split("/")[-2] for step in followed[:-1]] == list(SECTIONS)
    check = officer.get(followed[-1])
    for words in (
        "SPECIMEN Ray",
        "Razor",
        "028/03 Other burglary in a dwelling",
        "Heroin, wants treatment.",
        "PC Dunn",
    ):
        assert words in text_of(check)
    version = re.search(r'name="version" value="(\d+)"', check.content.decode())[1]
    sent = officer.post(followed[-1], {"version": version, "declaration": "on"}, follow=True)

    assert sent.redirect_chain[-1][0] == f"{address}sent/"
    assert "Referral IOM-R-0001 sent. The panel will consider it on 12 March." in text_of(sent)
    referral = Referral.objects.get()
    assert (referral.status, referral.late, referral.meeting.date) == ("sent", False, date(2026, 3, 12))
    assert [alias.name for alias in referral.offender.aliases.order_by("pk")] == ["Ray Speck", "Razor"]


@pytest.mark.feature(30)
def test_nomination_goes_to_the_coordinators_home_page(officer, coordinator, sign_in, merton, police, panel):
    factories.referral(merton, police, status="sent", meeting=panel)

    home = text_of(sign_in(coordinator).get("/"))

    assert "Triage 1 referral" in home
    assert "Referrals to triage" in home


# --- The list ---------------------------------------------------------------


@pytest.mark.feature(58)
def test_list_says_when_nominations_close_and_shows_each_tab(officer, merton, police, panel):
    draft = factories.referral(merton, police, meeting=panel)
    on_agenda = factories.referral(merton, police, status="on_agenda", meeting=panel)
    decided = factories.referral(merton, police, status="not_accepted", meeting=panel)

    shown = {show: text_of(officer.get(f"/referrals/?show={show}")) for show in ("drafts", "sent", "decided")}

    assert "Referrals for the 12 March panel close at the end of Mon 2 March (in 10 days)." in shown["drafts"]
    for show, referral in [("drafts", draft), ("sent", on_agenda), ("decided", decided)]:
        assert [name for name, words in shown.items() if referral.reference in words] == [show]


def test_list_is_empty_with_a_way_on(officer):
    page = text_of(officer.get("/referrals/"))

    assert "No referrals yet." in page
    assert "Nominate someone" in page


@pytest.mark.parametrize("address", ["?page=99", "?page=x", "?show=everything", "?show=sent&page=0"])
def test_list_survives_any_query(officer, address):
    assert officer.get(f"/referrals/{address}").status_code == 200


def test_list_shows_25_a_page(officer, merton, police):
    for _ in range(26):
        factories.referral(merton, police)

    assert [officer.get(f"/referrals/?page={n}").content.decode().count("iom-reference") for n in (1, 2)] == [25, 1]


def test_list_costs_the_same_whatever_it_shows(officer, merton, police, panel, django_assert_max_num_queries):
    factories.referral(merton, police, meeting=panel)
    officer.get("/referrals/")
    with django_assert_max_num_queries(15 + factories.AROUND) as one:
        officer.get("/referrals/")
    for _ in range(2):
        factories.referral(merton, police, meeting=panel)
    with django_assert_max_num_queries(15 + factories.AROUND) as three:
        officer.get("/referrals/")

    assert len(three) == len(one)


# --- Before it starts -------------------------------------------------------


def test_new_without_answers_says_what_to_answer(officer):
    page = officer.post("/referrals/new/", {"mappa": ""})

    assert "Error: " in page.content.decode().split("</title>")[0]
    for words in (
        "Choose whether the person is managed at MAPPA Level 2 or 3",
        "Enter their first names",
        "Enter their last name",
        "Enter their date of birth",
    ):
        assert words in text_of(page)


@pytest.mark.feature(96)
@pytest.mark.parametrize("level", ["2", "3"])
def test_new_stops_for_mappa_with_its_own_page(officer, level):
    page = officer.post("/referrals/new/", WHO | {"mappa": level})

    assert page.status_code == 200
    assert "IOM cannot take people managed at MAPPA Level 2 or 3" in text_of(page)
    assert "Speak to your MAPPA coordinator" in text_of(page)
    assert "Continue with a reason" not in text_of(page)
    assert not Offender.objects.exists()


def test_new_lets_the_coordinator_go_on_past_mappa_with_a_reason(sign_in, coordinator, panel):
    client = sign_in(coordinator)
    stopped = client.post("/referrals/new/", WHO | {"mappa": "2", "reopened_because": " "})
    assert "Enter a reason for going against the scheme rule" in text_of(stopped)

    started = client.post("/referrals/new/", WHO | {"mappa": "2", "reopened_because": "The level ends this week."})

    assert started.url == "/referrals/IOM-R-0001/identity/"
    assert Referral.objects.get().mappa_level == 2


@pytest.mark.feature(97)
def test_new_asks_for_each_exclusion_of_the_scheme(sign_in, february):
    richmond = factories.scheme("richmond")
    client = sign_in(factories.member(richmond, "member"))
    assert "MARAC" in text_of(client.get("/referrals/new/"))

    stopped = client.post("/referrals/new/", WHO | {"criteria": "standard", "fact_marac": "yes", "fact_dyo": "no"})
    chosen = {"criteria": "standard"}
    started = client.post("/referrals/new/", WHO | chosen | {"fact_marac": "not_known", "fact_dyo": "no"})

    assert "IOM cannot take someone who is engaged by the MARAC" in text_of(stopped)
    assert started.url == "/referrals/IOM-R-0001/identity/"
    assert Referral.objects.get().facts == {"dyo": False}


@pytest.mark.feature(122)
def test_new_shows_someone_on_the_cohort_whom_one_may_see(officer, merton):
    who = factories.offender(merton, family_name="SPECIMEN", given_names="Ray", date_of_birth=date(1995, 7, 7))
    case = factories.case(merton, who=who)

    known = officer.post("/referrals/new/", WHO)
    assert "We may already know this person" in text_of(known)
    assert f'href="/cases/{case.reference}/"' in known.content.decode()

    started = officer.post("/referrals/new/", WHO | {"match": "new"})
    assert started.url == "/referrals/IOM-R-0001/identity/"
    referral = Referral.objects.get()
    assert (referral.offender != who, referral.noted_matches) == (True, [case.reference])


@pytest.mark.feature(122)
@pytest.mark.parametrize(
    ("held", "said"),
    [
        (
            {"family_name": "Specimén", "given_names": "Ray"},
            "Almost certainly the same person Same date of birth, same name.",
        ),
        ({"family_name": "Ray", "given_names": "Specimen"}, "same name, in another order"),
        ({"family_name": "Specimens", "given_names": "Raymond"}, "Probably the same person"),
        ({"date_of_birth": date(1996, 7, 7)}, "date of birth a year apart"),
        ({"date_of_birth": date(1995, 7, 17)}, "date of birth with one digit different"),
        ({"date_of_birth": None}, "Same name; date of birth not known."),
        ({"date_of_birth": date(1970, 1, 1)}, "Perhaps the same person Same name; another date of birth."),
        ({"family_name": "Model", "given_names": "Kim", "alias": "Raymond Specimen"}, "similar name (alias)"),
    ],
)
def test_new_says_why_somebody_may_be_meant(officer, merton, held, said):
    alias = held.pop("alias", "")
    names = {"family_name": "Specimen", "given_names": "Ray", "date_of_birth": date(1995, 7, 7)}
    who = factories.offender(merton, **(names | held))
    if alias:
        who.aliases.create(scheme=merton, name=alias)
    factories.case(merton, who=who)

    page = text_of(officer.post("/referrals/new/", WHO))

    assert said in page
    assert "You entered We hold" in page
    assert "Ray Specimen" in page


def test_new_asks_as_many_questions_of_the_database_for_many_alike(officer, merton):
    def page_with(count):
        for _ in range(count):
            who = factories.offender(merton, family_name="Specimen", given_names="Ray", date_of_birth=date(1995, 7, 7))
            who.aliases.create(scheme=merton, name="Raymond Speck")
            factories.case(merton, who=who)
        with CaptureQueriesContext(connection) as captured:
            officer.post("/referrals/new/", WHO)
        return len(captured)

    page_with(1)
    one = page_with(1)
    assert page_with(2) == one


@pytest.mark.feature(121)
def test_new_takes_up_someone_known_from_an_earlier_nomination(officer, merton, police):
    who = factories.offender(merton, family_name="Specimen", given_names="Raymond", date_of_birth=date(1995, 7, 7))
    factories.referral(merton, police, who=who, status="not_accepted")
    officer.post("/referrals/new/", WHO)

    asked = officer.post("/referrals/new/", WHO | {"match": str(who.pk)})
    assert "What has changed since?" in text_of(asked)
    again = re.search(r'action="(/referrals/[^"]+/again/)"', asked.content.decode())[1]
    officer.post(again, {"mappa": "0", "changed_since": "New offences."})

    assert Referral.objects.get(reference="IOM-R-0001").offender == who
    assert Offender.objects.count() == 1


@pytest.mark.parametrize("restricted", [True, False], ids=["restricted", "not theirs to see"])
def test_new_does_not_show_whom_one_may_not_see_but_notes_them(sign_in, merton, panel, restricted):
    who = factories.offender(merton, family_name="Specimen", given_names="Ray", date_of_birth=date(1995, 7, 7))
    case = factories.case(merton, who=who, restricted=restricted)
    roles = ["member"] if restricted else ["referrer"]
    client = sign_in(factories.member(merton, *roles, agency_kind="health"))

    started = client.post("/referrals/new/", WHO)

    assert started.url == "/referrals/IOM-R-0001/identity/"
    referral = Referral.objects.get()
    assert (referral.offender != who, referral.noted_matches) == (True, [case.reference])


def test_new_refuses_a_match_that_was_not_offered(officer, merton):
    stranger = factories.offender(merton)
    who = factories.offender(merton, family_name="Specimen", given_names="Ray", date_of_birth=date(1995, 7, 7))
    factories.case(merton, who=who)

    page = officer.post("/referrals/new/", WHO | {"match": str(stranger.pk)})

    assert "We may already know this person" in text_of(page)
    assert not Referral.objects.exists()


# --- The task list and its sections -----------------------------------------


def test_hub_shows_three_groups_and_never_says_completed_of_sending(officer, draft):
    draft.sections_done = ["identity", "presenter"]
    draft.save()

    page = text_of(officer.get(f"/referrals/{draft.reference}/"))

    assert "Not sent yet: 2 of 7 sections done." in page
    assert re.findall(
        r"The person (.*?) Why IOM (.*?) The panel (.*?) Check and send Check and send (.*?) Withdraw", page
    ) == [
        (
            "Identity and aliases Completed Address and custody In progress",
            "Offending and evidence In progress Risk of harm and safeguarding checks In progress "
            "Needs across the pathways Not yet started Facts for the reoffending score Not yet started",
            "Who will present it Completed What your agency knows of family and victims does not belong in the nomination. "
            "Enter it sealed, on a page of its own Add papers: files that go with this nomination",
            "Not sent yet",
        )
    ]


@pytest.mark.parametrize("task", list(SECTIONS))
def test_section_saves_and_is_shown_again_as_typed(officer, draft, task):
    done = post_section(officer, draft, task, SECTIONS[task])
    page = officer.get(f"/referrals/{draft.reference}/{task}/").content.decode()

    draft.refresh_from_db()
    assert (done.status_code, draft.sections_done) == (302, [task])
    for name, value in SECTIONS[task].items():
        if value in ("yes", "no", "not_known", "MALE", "addiction"):
            assert re.search(rf'name="{name}" type="radio" value="{value}" checked', page)
        elif value and name != "aliases":
            assert value in page


@pytest.mark.parametrize(
    ("task", "data", "words"),
    [
        ("identity", {"family_name": ""}, "Enter their last name"),
        ("identity", {"date_of_birth": "31 2 1995"}, "Date of birth must be a real date"),
        ("address", {"in_custody": "yes"}, "Enter the prison"),
        (
            "address",
            {"release_expected_on": "1 2 2026", "in_custody": "yes"},
            "Expected release must be today or later",
        ),
        ("offending", {"evidence": ""}, "Enter what has happened and how you know"),
        ("offending", {"evidence": "a" * 4001}, "must be 4000 characters or fewer. You have 1 too many"),
        ("harm", {"high_risk_of_harm": "yes"}, "Enter what the risk is and to whom"),
        ("score-facts", {"offence": "zzz"}, "No offence fits “zzz”"),
        ("score-facts", {"offence": "burglary"}, "Choose the offence that fits"),
        ("score-facts", {"convicted_on": "1 3 2026"}, "The current conviction is in the future"),
        ("score-facts", {"first_sanction_age": "40"}, "the first sanction cannot have been at 40"),
        ("score-facts", {"sanctions": "many"}, "Number of sanctions must be a whole number"),
        ("presenter", {"presenter": " "}, "Enter who will present this"),
    ],
)
def test_section_that_cannot_be_finished_says_why_and_keeps_what_was_typed(officer, draft, task, data, words):
    page = post_section(officer, draft, task, SECTIONS[task] | data)

    draft.refresh_from_db()
    assert page.status_code == 200
    assert words in text_of(page)
    assert task not in draft.sections_done
    again = officer.get(f"/referrals/{draft.reference}/{task}/").content.decode()
    for value in data.values():
        assert value.strip() in again


def test_section_come_back_later_keeps_everything_and_goes_to_the_list(officer, draft):
    left = SECTIONS["identity"] | {"date_of_birth": "7 July", "gender": ""}

    saved = post_section(officer, draft, "identity", left | {"later": "1"}, follow=True)

    assert saved.redirect_chain[-1][0] == f"/referrals/{draft.reference}/"
    assert "Saved as you typed it. Some of it still needs putting right." in text_of(saved)
    draft.refresh_from_db()
    assert draft.offender.family_name == "Specimen"
    assert 'value="7 July"' in officer.get(f"/referrals/{draft.reference}/identity/").content.decode()


def test_section_autosaves_and_hands_back_the_version(officer, draft):
    data = {"evidence": "Three burg", "benefit": "", "main_driver": ""}

    first = post_section(officer, draft, "offending", data, headers={"X-Autosave": "1"})
    again = officer.post(
        f"/referrals/{draft.reference}/offending/",
        {"version": first.json()["fields"]["version"], **data, "evidence": "Three burglaries"},
        headers={"X-Autosave": "1"},
    )

    draft.refresh_from_db()
    assert (first.status_code, first.json()["at"]) == (200, "10:00")
    assert (again.json()["fields"]["version"], draft.version) == (3, 3)
    assert (draft.evidence, draft.sections_done) == ("Three burglaries", [])


def test_section_autosave_keeps_a_finished_section_finished_while_it_is_whole(officer, draft):
    post_section(officer, draft, "presenter", SECTIONS["presenter"])

    done = []
    for name in ("PC Dunn, Neighbourhoods", ""):
        post_section(officer, draft, "presenter", {"presenter": name}, headers={"X-Autosave": "1"})
        draft.refresh_from_db()
        done.append(draft.sections_done)

    assert done == [["presenter"], []]


def test_section_of_a_stale_page_keeps_both_texts(officer, draft):
    post_section(officer, draft, "harm", {"high_risk_of_harm": "yes", "harm": "Stored by the other window."})

    page = officer.post(
        f"/referrals/{draft.reference}/harm/", {"version": 1, "high_risk_of_harm": "yes", "harm": "Mine."}
    )

    assert page.status_code == 409
    assert "Stored by the other window." in text_of(page)
    assert "Mine." in text_of(page)
    draft.refresh_from_db()
    version = re.search(r'name="version" value="(\d+)"', page.content.decode())[1]
    officer.post(
        f"/referrals/{draft.reference}/harm/", {"version": version, "high_risk_of_harm": "yes", "harm": "Mine."}
    )
    draft.refresh_from_db()
    assert draft.harm == "Mine."


def test_section_autosave_of_a_stale_page_is_told_to_compare(officer, draft):
    post_section(officer, draft, "harm", {"high_risk_of_harm": "no"})

    answer = officer.post(
        f"/referrals/{draft.reference}/harm/", {"version": 1, "harm": "Mine."}, headers={"X-Autosave": "1"}
    )

    assert (answer.status_code, "changed in another window" in answer.json()["message"]) == (409, True)


def test_score_facts_find_the_offence_by_words_without_javascript(officer, draft):
    asked = post_section(officer, draft, "score-facts", SECTIONS["score-facts"] | {"offence": "burglary dwelling"})
    assert re.search(r'name="picked" type="radio" value="02803"', asked.content.decode())

    picked = post_section(
        officer, draft, "score-facts", SECTIONS["score-facts"] | {"offence": "burglary dwelling", "picked": "02803"}
    )

    draft.refresh_from_db()
    assert (picked.status_code, draft.offence_code) == (302, "02803")


def test_needs_ask_the_schemes_pathways(sign_in, february):
    hampshire = factories.scheme("hampshire")
    referral = factories.referral(hampshire, factories.member(hampshire, "member"))
    client = sign_in(referral.referrer)

    page = client.get(f"/referrals/{referral.reference}/needs/").content.decode()

    assert re.findall(r'name="need_(\w+)"', page) == [pathway.slug for pathway in hampshire.policy.pathways]


def test_offending_asks_what_else_the_criteria_need(sign_in, february):
    hampshire = factories.scheme("hampshire")
    referral = factories.referral(hampshire, factories.member(hampshire, "member"), sections_done=[])
    client = sign_in(referral.referrer)

    client.post(
        f"/referrals/{referral.reference}/offending/",
        {**SECTIONS["offending"], "fact_prolific": "yes", "fact_would_benefit": "not_known", "version": "1"},
    )

    referral.refresh_from_db()
    assert referral.facts == {"prolific": True}


# --- Lateness ---------------------------------------------------------------


@pytest.fixture
def closed(merton, police, panel):
    """A finished draft whose panel closed yesterday, with another panel planned."""
    factories.meeting(merton, date(2026, 4, 9))
    referral = factories.referral(merton, police, meeting=panel)
    with time_machine.travel("2026-03-03 09:00+00:00", tick=False):
        yield referral


@pytest.fixture
def late_officer(closed, sign_in, police):
    """Signed in on the day after: a session does not last that long."""
    return sign_in(police)


def test_late_task_appears_after_the_deadline_only(sign_in, merton, police, panel):
    factories.meeting(merton, date(2026, 4, 9))
    referral = factories.referral(merton, police, meeting=panel)

    with time_machine.travel("2026-03-02 23:59:59+00:00", tick=False):
        before = text_of(sign_in(police).get(f"/referrals/{referral.reference}/"))
    with time_machine.travel("2026-03-03 00:00+00:00", tick=False):
        after = text_of(sign_in(police).get(f"/referrals/{referral.reference}/"))

    assert ("Why this is urgent" in before, "Why this is urgent" in after) == (False, True)
    assert "Referrals for 12 March closed on 2 March. You can ask for this to be treated as urgent" in after


@pytest.mark.feature(60)
def test_late_referral_is_sent_as_urgent_with_a_reason(late_officer, closed, coordinator):
    address = f"/referrals/{closed.reference}/"
    urgent = str(closed.meeting_id)
    asked = post_section(late_officer, closed, "late", {"panel": urgent, "urgent_reason": ""})
    assert "Enter why this is urgent" in text_of(asked)
    assert "Checks and research may be incomplete." in text_of(asked)
    post_section(late_officer, closed, "late", {"panel": urgent, "urgent_reason": "Released on Friday."})

    closed.refresh_from_db()
    sent = late_officer.post(f"{address}check/", {"version": closed.version, "declaration": "on"}, follow=True)

    closed.refresh_from_db()
    assert (closed.status, closed.late, closed.meeting.date) == ("sent", True, date(2026, 3, 12))
    assert "The panel will consider it on 12 March, as urgent." in text_of(sent)


def test_late_referral_can_go_to_the_next_panel(late_officer, closed, coordinator):
    post_section(late_officer, closed, "late", {"panel": "next"})

    closed.refresh_from_db()
    assert closed.meeting.date == date(2026, 4, 9)
    late_officer.post(f"/referrals/{closed.reference}/check/", {"version": closed.version, "declaration": "on"})
    closed.refresh_from_db()
    assert (closed.status, closed.late) == ("sent", False)


def test_sending_when_the_deadline_passed_meanwhile_offers_both_ways_on(late_officer, closed):
    page = late_officer.post(f"/referrals/{closed.reference}/check/", {"version": closed.version, "declaration": "on"})

    closed.refresh_from_db()
    assert closed.status == "draft"
    assert "Referrals for 12 March closed on 2 March." in text_of(page)
    assert "Send it for 9 April" in text_of(page)
    assert f'href="/referrals/{closed.reference}/late/"' in page.content.decode()


def test_late_choice_without_a_reason_moves_nothing_yet(late_officer, closed):
    urgent = str(closed.meeting_id)
    post_section(late_officer, closed, "late", {"panel": "next"})

    post_section(late_officer, closed, "late", {"panel": urgent, "urgent_reason": ""}, headers={"X-Autosave": "1"})

    closed.refresh_from_db()
    assert closed.meeting.date == date(2026, 4, 9)
    page = late_officer.get(f"/referrals/{closed.reference}/late/").content.decode()
    assert f'value="{urgent}" checked' in page


def test_late_panel_of_another_scheme_cannot_be_chosen(late_officer, closed):
    other = factories.meeting(factories.scheme("london"), date(2026, 3, 12))

    page = post_section(late_officer, closed, "late", {"panel": str(other.pk), "urgent_reason": "Because."})

    assert page.status_code == 200
    assert "Choose which panel" in text_of(page)


# --- Check, send, withdraw --------------------------------------------------


def test_check_lists_unfinished_sections_as_links(officer, draft):
    draft.sections_done = [slug for slug in SECTIONS if slug not in ("needs", "harm")]
    draft.save()

    page = officer.post(f"/referrals/{draft.reference}/check/", {"version": draft.version, "declaration": "on"})

    summary = page.content.decode().split("govuk-error-summary__list")[1].split("</ul>")[0]
    assert re.findall(r'href="([^"]+)"', summary) == [
        f"/referrals/{draft.reference}/harm/",
        f"/referrals/{draft.reference}/needs/",
    ]
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_check_says_what_was_not_provided_and_needs_the_declaration(officer, merton, police, panel):
    referral = factories.referral(merton, police, meeting=panel)
    address = f"/referrals/{referral.reference}/check/"
    assert "Not provided" in text_of(officer.get(address))

    page = officer.post(address, {"version": referral.version})

    referral.refresh_from_db()
    assert "Tick the box" in text_of(page)
    assert referral.status == "draft"


def test_check_change_link_comes_back_to_the_check(officer, merton, police, panel):
    referral = factories.referral(merton, police, meeting=panel)
    page = officer.get(f"/referrals/{referral.reference}/check/").content.decode()
    link = f"/referrals/{referral.reference}/presenter/?from=check"
    assert f'href="{link}"' in page

    back = officer.post(link, {"version": referral.version, "presenter": "Sgt Example"})

    assert back.url == f"/referrals/{referral.reference}/check/"


def test_sent_referral_is_read_and_no_longer_written(officer, merton, police, panel):
    referral = factories.referral(merton, police, status="sent", meeting=panel)
    address = f"/referrals/{referral.reference}/"

    assert "Four burglaries since October" in text_of(officer.get(address))
    assert officer.get(f"{address}harm/").url == address
    assert post_section(officer, referral, "harm", {"harm": "Later."}).url == address
    referral.refresh_from_db()
    assert referral.harm == ""


def test_double_click_on_send_sends_once(officer, merton, police, panel, coordinator):
    referral = factories.referral(merton, police, meeting=panel)
    data = {"version": referral.version, "declaration": "on"}

    first, second = (officer.post(f"/referrals/{referral.reference}/check/", data) for _ in range(2))

    assert (first.url, second.url) == (f"/referrals/{referral.reference}/sent/", f"/referrals/{referral.reference}/")
    assert coordinator.user.notifications.count() == 1


def test_returned_referral_shows_the_message_and_is_sent_again(officer, merton, police, panel, coordinator):
    referral = factories.referral(
        merton, police, status="returned", meeting=panel, message_to_referrer="Who supervises him?"
    )
    address = f"/referrals/{referral.reference}/"
    assert "Who supervises him?" in text_of(officer.get(address))

    officer.post(f"{address}check/", {"version": referral.version, "declaration": "on"})

    referral.refresh_from_db()
    assert (referral.status, referral.message_to_referrer) == ("sent", "")


def test_withdraw_asks_for_a_reason_first(officer, merton, police, panel, coordinator):
    referral = factories.referral(merton, police, status="sent", meeting=panel)
    address = f"/referrals/{referral.reference}/withdraw/"
    assert "agencies that were asked need not answer" in text_of(officer.get(address))
    assert "Enter why you are withdrawing it" in text_of(officer.post(address, {"version": 1}))

    done = officer.post(address, {"version": 1, "reason": "Moved to Leeds."}, follow=True)

    referral.refresh_from_db()
    assert (referral.status, referral.withdrawn_because) == ("withdrawn", "Moved to Leeds.")
    assert f"Referral {referral.reference} withdrawn." in text_of(done)
    assert "It cannot be withdrawn any more." in text_of(officer.get(address))


# --- Who meets what ---------------------------------------------------------

PAGES = ["", "check/", "sent/", "withdraw/", "identity/", "late/"]


@pytest.mark.parametrize("page", PAGES)
def test_draft_of_someone_else_is_the_same_404_as_nothing(sign_in, housing, draft, page):
    client = sign_in(housing)

    answers = [client.get(f"/referrals/{ref}/{page}") for ref in (draft.reference, "IOM-R-9999")]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("page", PAGES)
def test_referral_of_another_scheme_is_a_404(sign_in, draft, page):
    client = sign_in(factories.member(factories.scheme("london"), "coordinator"))

    assert client.get(f"/referrals/{draft.reference}/{page}").status_code == 404


def test_board_reader_and_strangers_stay_outside(sign_in, merton, draft, client):
    reader = sign_in(factories.member(merton, "board_reader"))

    assert reader.get("/referrals/").status_code == 403
    assert reader.get("/referrals/new/").status_code == 403
    assert client.get("/referrals/").url == "/sign-in/?next=/referrals/"


def test_pages_name_nobody_in_their_titles(officer, merton, police, panel):
    who = factories.offender(merton, family_name="Specimen")
    referral = factories.referral(merton, police, who=who, meeting=panel)

    for page in ["", "check/", "withdraw/", *(f"{task}/" for task in SECTIONS)]:
        title = officer.get(f"/referrals/{referral.reference}/{page}").content.decode().split("</title>")[0]
        assert (referral.reference in title, "specimen" in title.lower()) == (True, False)


def test_reading_pages_changes_nothing(officer, merton, police, panel):
    referral = factories.referral(merton, police, meeting=panel)

    for page in PAGES:
        officer.get(f"/referrals/{referral.reference}/{page}")

    after = Referral.objects.get()
    assert (after.version, after.status, after.typed) == (1, "draft", {})


@pytest.mark.parametrize("preset", ["london", "richmond", "waltham_forest", "hampshire"])
def test_every_scheme_shows_every_page(sign_in, february, preset):
    scheme = factories.scheme(preset)
    body = factories.of_first_body(scheme) if scheme.policy.deciding_body == scheme.policy.default_body else None
    panel = factories.meeting(scheme, date(2026, 3, 12), body=body)
    referral = factories.referral(scheme, factories.member(scheme, "member"), meeting=panel)
    client = sign_in(referral.referrer)

    pages = ["", "check/", "late/", "withdraw/", *(f"{task}/" for task in SECTIONS)]

    assert {client.get(f"/referrals/{referral.reference}/{page}").status_code for page in pages} == {200}
    assert [client.get(f"/referrals/{page}").status_code for page in ("", "new/")] == [200, 200]


def test_home_shows_ones_own_referrals_and_drafts_to_finish(officer, merton, police, panel):
    finished = factories.referral(merton, police, meeting=panel)
    begun = factories.referral(merton, police, meeting=panel, sections_done=["identity"])

    home = text_of(officer.get("/"))

    assert f"Check and send referral {finished.reference}" in home
    assert f"Finish referral {begun.reference}: 1 of 7 sections done" in home
    assert "My referrals" in home


def test_home_blocks_cost_the_same_whatever_they_show(sign_in, coordinator, merton, police, panel):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = sign_in(coordinator)
    costs = []
    for count in (1, 2):
        for _ in range(count):
            factories.referral(merton, police, status="sent", meeting=panel)
        client.get("/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/")
        costs.append(len(queries))

    assert costs[0] == costs[1]


def test_withdraw_of_a_draft_asks_for_nothing(officer, draft):
    officer.post(f"/referrals/{draft.reference}/withdraw/", {"version": draft.version})

    draft.refresh_from_db()
    assert draft.status == "withdrawn"


# --- The scheme's own form ----------------------------------------------------


@pytest.mark.feature(93)
def test_hampshires_form_shows_the_cohorts_with_their_criteria_and_asks_which_fits(sign_in, february):
    scheme = factories.scheme("hampshire")
    officer = factories.member(scheme, "member", "referrer", agency_kind="probation")
    draft = factories.referral(scheme, officer, sections_done=[])
    client = sign_in(officer)

    page = text_of(client.get(f"/referrals/{draft.reference}/offending/"))
    assert "Read the cohorts and their criteria below, then say which one fits." in page
    assert "Fixed: under statutory supervision, prolific here" in page
    assert "Source: Hampshire, Criteria" in page
    assert "Which cohort fits this person?" in page
    assert "Standard referral form" in text_of(client.get(f"/referrals/{draft.reference}/"))

    answers = SECTIONS["offending"]
    refused = text_of(post_section(client, draft, "offending", answers))
    assert "Answer: Which cohort fits this person?" in refused
    saved = post_section(client, draft, "offending", answers | {"proposed_clause": "free"})

    assert saved.status_code == 302
    draft.refresh_from_db()
    assert draft.proposed_clause == "free"
    assert "Which cohort fits this person? Free:" in text_of(client.get(f"/referrals/{draft.reference}/check/"))


@pytest.mark.parametrize("preset", ["merton", "london", "richmond", "waltham_forest"])
def test_other_forms_show_their_criteria_and_ask_no_cohort(sign_in, february, preset):
    scheme = factories.scheme(preset)
    officer = factories.member(scheme, "member", "referrer", agency_kind="police")
    draft = factories.referral(scheme, officer, sections_done=[])

    page = text_of(sign_in(officer).get(f"/referrals/{draft.reference}/offending/"))

    assert scheme.policy.criteria().label in page
    assert scheme.policy.criteria().clauses[0].label in page
    assert "Which cohort" not in page
