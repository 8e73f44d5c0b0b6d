"""No victim is named where the panel or the person may read it (Richmond, 4.15; ux.md 7)."""

from __future__ import annotations

import pytest

from iom import clock
from iom.access import actor_for
from iom.models import Notification
from iom.steps import StepRefused
from offenders import naming, victim_names
from panels import minutes as panel_minutes
from panels import names_kept_out
from panels.models import Minutes, Section
from referrals import actions as referrals
from referrals import returns
from referrals.models import AgencyReturn, Engagement
from tests import factories

NAME = "Ola Fieldmouse"
REFUSED = "Do not name a victim here"


@pytest.mark.parametrize(
    "text",
    [
        "He went to see Ola Fieldmouse.",
        "FIELDMOUSE, OLA called us",
        "fieldmouse rang twice",
        "Ola's door was kicked in",
        "he waits for óla",
        "Mrs Fieldmouse's car",
    ],
)
def test_a_name_is_found_whatever_case_accent_or_order(text):
    assert victim_names.names(text, NAME)


@pytest.mark.parametrize(
    "text",
    ["He went to see her.", "The granola factory", "Fieldmouses everywhere", "", "Victoria Street"],
)
def test_a_part_of_a_word_is_no_name(text):
    assert not victim_names.names(text, NAME)


def test_words_of_every_day_name_nobody_alone_and_somebody_together():
    assert not victim_names.names("He will stay Amber until May.", "Will Amber")
    assert victim_names.names("He waits for will amber.", "Will Amber")


def test_a_family_name_that_they_share_names_nobody():
    assert not victim_names.names("Example was arrested.", "Anna Example", ["Example", "Sam"])
    assert victim_names.names("Anna was hurt.", "Anna Example", ["Example", "Sam"])
    assert victim_names.names("Anna Example was hurt.", "Anna Example", ["Example", "Sam"])


def test_an_unknown_name_is_found_nowhere():
    assert not victim_names.names("Anything at all", "")


# --- Where people write


@pytest.fixture
def referral(merton, housing, coordinator):
    return factories.referral(merton, housing, status="draft")


@pytest.fixture
def kept(referral, housing):
    return factories.related(referral.offender, housing, name=NAME)


@pytest.mark.django_db
def test_a_nomination_refuses_the_name_and_keeps_what_was_typed(referral, kept, housing, sign_in):
    client, page = sign_in(housing), f"/referrals/{referral.reference}/offending/"
    given = {"evidence": f"He followed {NAME} home.", "benefit": "Housing knows him.", "main_driver": "other"}
    answer = client.post(page, given | {"version": referral.version})

    assert f'href="#id_evidence">{REFUSED}' in answer.content.decode()
    referral.refresh_from_db()
    assert NAME not in referral.evidence
    assert NAME in referral.typed["offending"]["evidence"]
    given["evidence"] = "He followed his former partner home."
    assert client.post(page, given | {"version": referral.version}).status_code == 302


@pytest.mark.django_db
def test_whoever_may_not_read_the_record_learns_nothing_and_its_agency_is_told(merton, police, housing, sign_in):
    referral = factories.referral(merton, police, status="draft", evidence=f"He followed {NAME} home.")
    factories.related(referral.offender, housing, name=NAME)
    client = sign_in(police)
    given = {"evidence": f"He followed {NAME} home.", "benefit": "All know him.", "main_driver": "other"}
    assert client.post(f"/referrals/{referral.reference}/offending/", given | {"version": 1}).status_code == 302

    referral.refresh_from_db()
    referrals.send(referral, by=actor_for(police))
    told = Notification.objects.filter(kind="victim_named")
    assert [each.recipient for each in told] == [housing.user]
    assert referral.reference in told[0].text
    assert "Fieldmouse" not in told[0].text + told[0].url + told[0].email_body


@pytest.mark.django_db
def test_a_return_refuses_the_name_and_saves_the_other_rows(merton, housing, coordinator, sign_in):
    meeting = factories.meeting(merton, clock.today(), status="agenda_sent")
    first, second = (factories.check_request(meeting, housing.agency) for _ in range(2))
    factories.related(first.offender, housing, name=NAME)
    rows = {first: f"Lives with {NAME}.", second: f"Knows {NAME}."}
    given = {
        f"p{each.pk}-{field}": value
        for each, summary in rows.items()
        for field, value in {"version": 0, "known": "now", "summary": summary, "handling": "panel"}.items()
    }
    answer = sign_in(housing).post(f"/research/{meeting.key}/", given | {"do": "save"}).content.decode()

    assert f'href="#id_p{first.pk}-summary">{REFUSED}' in answer
    # Of the second person nobody by that name is protected.
    assert [each.request for each in AgencyReturn.objects.all()] == [second]


@pytest.mark.django_db
def test_the_teams_words_refuse_the_name(referral, kept, housing, sign_in):
    referral.status, referral.sent_at = "sent", clock.now()
    referral.save()
    client = sign_in(housing)
    form = client.post(f"/referrals/{referral.reference}/engagement/start/", {"kind": "approach"}).url
    client.post(form, {"own_words": f"I want {NAME} back", "version": 1}, HTTP_X_AUTOSAVE="1")

    held = Engagement.objects.get()
    assert (held.own_words, held.typed["own_words"]) == ("", f"I want {NAME} back")
    assert REFUSED in client.post(form, {"own_words": f"I want {NAME} back", "version": 2}).content.decode()


@pytest.mark.django_db
def test_the_record_of_a_meeting_refuses_the_name(merton, coordinator, sign_in):
    meeting = factories.live_meeting(merton, clock.today(), recorder=coordinator)
    case = factories.case(merton)
    item = factories.agenda_item(meeting, Section.REVIEWS, case=case)
    factories.related(case.offender, coordinator, name=NAME)
    given = {"item": item.number, "outcome": "no_change", "note": f"{NAME} was seen.", "actions": "0", "version": 1}
    given |= {"harm": "concern", "harm_words": f"{NAME} is afraid.", "harm_agency": "police", "how": "consensus"}
    given |= {"dissent": f"{NAME} agrees.", "vote_note": f"{NAME} was named.", "then": "save"}
    answer = sign_in(coordinator).post(f"/meetings/{meeting.key}/live/", given).content.decode()

    for name in ("note", "harm_words", "dissent", "vote_note"):
        assert REFUSED in answer.partition(f'id="{name}-error"')[2][:400], name
    assert not item.decisions.exists()


@pytest.mark.django_db
def test_words_added_to_the_minutes_refuse_the_name(merton, coordinator, chair, sign_in):
    meeting = factories.meeting(merton, clock.today(), chair=chair)
    case = factories.case(merton)
    item = factories.agenda_item(meeting, Section.REVIEWS, case=case)
    held = factories.minutes(meeting)
    factories.related(case.offender, coordinator, name=NAME)
    page, client = f"/meetings/{meeting.key}/minutes/", sign_in(coordinator)
    answer = client.post(page, {f"item_{item.pk}": "Ola came too.", "version": held.version}).content.decode()

    assert REFUSED in answer
    assert Minutes.objects.get().narrative == {}


@pytest.mark.django_db
def test_before_the_chair_signs_the_agency_is_told_whatever_the_writer_may_read(merton, as_coordinator, housing, chair):
    meeting = factories.meeting(merton, clock.today(), chair=chair)
    factories.attended(meeting, chair)
    case = factories.case(merton)
    item = factories.agenda_item(meeting, Section.REVIEWS, case=case)
    held = factories.minutes(meeting)
    factories.related(case.offender, housing, name=NAME)
    held = panel_minutes.set_words(held, {item.pk: "Fieldmouse is afraid."}, by=as_coordinator)
    with pytest.raises(StepRefused, match="Item 1 holds a name"):
        panel_minutes.send_to_chair(held, by=as_coordinator)
    names_kept_out.obstacles(held, by=as_coordinator)

    told = Notification.objects.get(kind="victim_named")
    assert told.recipient == housing.user
    assert case.reference in told.text


@pytest.mark.django_db
def test_a_sent_answer_is_looked_through_for_other_agencies_names(merton, housing, police, as_police):
    meeting = factories.meeting(merton, clock.today(), status="agenda_sent")
    asked = factories.check_request(meeting, police.agency)
    factories.related(asked.offender, housing, name=NAME)
    returns.save_return(asked, by=as_police, known="now", summary=f"Arrested at {NAME}'s.", handling="panel")
    assert not Notification.objects.filter(kind="victim_named").exists()
    returns.send_return(meeting, by=as_police)

    assert Notification.objects.get(kind="victim_named").recipient == housing.user


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"victim": True, "at_risk": "no"}, True),
        ({"victim": False, "at_risk": "yes"}, True),
        ({"victim": False, "at_risk": "not_known"}, False),
        ({"ended_on": clock.today(), "ended_because": "over"}, True),
        ({"ended_on": clock.today(), "ended_because": "mistake"}, False),
    ],
)
def test_victims_and_people_at_risk_are_protected_also_when_it_is_over(merton, as_housing, housing, fields, refused):
    who = factories.case(merton).offender
    factories.related(who, housing, name=NAME, **fields)
    assert naming.Protected(as_housing, [who]).named_in(f"{NAME} rang.", who) is refused
