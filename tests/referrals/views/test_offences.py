"""Finding an offence by name or code: while typing, on a page of its own, and never picked for anybody."""

from __future__ import annotations

import pytest

from tests import factories

pytestmark = pytest.mark.django_db

PART = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def officer(sign_in, police):
    return sign_in(police)


def test_what_fits_comes_as_choices_of_which_none_is_chosen(officer):
    page = officer.get("/referrals/offences/?offence=burglary+dwelling", **PART).content.decode()

    assert 'value="02803"' in page
    assert "028/03 Other burglary in a dwelling" in page
    assert "checked" not in page
    assert "<html" not in page
    assert 'data-announce="9 offences fit. Choose one"' in page


def test_choices_carry_the_ids_of_the_form_that_asks(officer):
    page = officer.get("/referrals/offences/?for=change&offence=twoc", **PART).content.decode()
    strange = officer.get("/referrals/offences/?for=%3Cscript&offence=twoc", **PART).content.decode()

    assert 'id="change_picked' in page
    assert 'id="id_picked' in strange
    assert "script" not in strange


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("028/03", "Other burglary in a dwelling"),
        ("zzzz", "No offence fits “zzzz” yet"),
        ("", ""),
    ],
)
def test_a_whole_code_says_what_it_is_and_nonsense_what_to_try(officer, words, said):
    page = officer.get("/referrals/offences/", {"offence": words}, **PART)

    assert page.status_code == 200
    assert said in page.content.decode()
    assert "radio" not in page.content.decode()


def test_many_say_that_more_words_help(officer):
    page = officer.get("/referrals/offences/?offence=drug", **PART).content.decode()

    assert page.count('type="radio"') == 15
    assert "More words narrow it down" in page


def test_the_page_lists_what_fits(officer):
    page = officer.get("/referrals/offences/?offence=shoplifting").content.decode()

    assert "<h1" in page
    assert "046/00 Stealing from shops and stalls (shoplifting)" in page


def test_without_a_script_the_section_comes_back_with_what_fits(officer, merton, police):
    draft = factories.referral(merton, police, sections_done=[])
    address = f"/referrals/{draft.reference}/score-facts/"

    asked = officer.post(address, {"version": draft.version, "offence": "burglary dwelling"}).content.decode()
    draft.refresh_from_db()
    saved = officer.post(address, {"version": draft.version, "offence": "burglary dwelling", "picked": "02803"})

    assert "Choose the offence that fits, or type other words" in asked
    assert 'value="02803"' in asked
    assert saved.status_code == 302
    draft.refresh_from_db()
    assert draft.offence_code == "02803"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"convicted_on": "1 1 2001"}, "was under 10 at this conviction"),
        ({"sanctions": "0"}, "sanctions"),
        ({"first_sanction_age": "9"}, "Age at first sanction must be 10"),
        ({"convicted_on": "1 2 2026", "follow_up_from": "1 1 2026"}, "Follow-up starts before the current conviction"),
        ({"convicted_on": "1 2 2090"}, "in the future"),
    ],
)
def test_impossible_facts_are_refused_with_the_fix(officer, merton, police, facts, said):
    draft = factories.referral(merton, police, sections_done=[])

    page = officer.post(f"/referrals/{draft.reference}/score-facts/", {"version": draft.version, **facts})

    assert said in page.content.decode()
    draft.refresh_from_db()
    assert "score-facts" not in draft.sections_done


def test_a_fact_that_does_not_go_with_the_birth_leads_to_where_that_is_changed(officer, merton, police):
    draft = factories.referral(merton, police, sections_done=[])
    facts = {"convicted_on": "1 1 2001"}

    page = officer.post(f"/referrals/{draft.reference}/score-facts/", {"version": draft.version, **facts})

    assert f'href="/referrals/{draft.reference}/identity/">Change the date of birth' in page.content.decode()
