"""The live meeting as people meet it: starting, recording, following, taking over, closing, and nothing typed lost."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from actionplans.models import Action
from iom import clock
from offenders.models import Case
from panels.decide import undo
from panels.models import AgendaItem, Decision, ItemState, Outcome, Section
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
KEY = "2026-03-12"


@pytest.fixture
def probation(merton):
    return factories.member(merton, "member", agency_kind="probation", name="Kofi Osei", seat=False)


@pytest.fixture
def meeting(merton, coordinator, chair, police, housing, probation):
    made = factories.live_meeting(merton, DAY, recorder=coordinator, chair=chair)
    factories.attended(made, chair, police, housing)
    return made


@pytest.fixture
def nomination(meeting, merton, police):
    referral = factories.referral(merton, police, status="on_agenda", meeting=meeting, supervision="yes")
    return factories.agenda_item(meeting, Section.REFERRALS, referral=referral)


@pytest.fixture
def review(meeting, merton, nomination):
    return factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, colour="AMBER"))


@pytest.fixture
def recorder(sign_in, coordinator):
    return sign_in(coordinator)


def record(client, item, then="save", **fields):
    item.refresh_from_db()
    posted = {"item": item.number, "version": item.version, "then": then, "actions": "0", "harm": "none"} | fields
    return client.post(reverse("live", args=[KEY]), posted)


def accepting(probation, police, **changes):
    return {
        "outcome": "accept",
        "colour": "RED",
        "reason": "Three burglaries",
        "lead_agency": "probation",
        "lead_professional": probation.pk,
        "police_officer": police.pk,
        "how": "agreed",
        "note": "PC Dunn presented",
    } | changes


# --- Starting, following, taking over ----------------------------------------


@pytest.mark.feature(301)
def test_whoever_starts_the_meeting_records_it(merton, recorder, coordinator, chair):
    meeting = factories.meeting(merton, DAY, chair=chair, status="agenda_sent")
    factories.agenda_item(meeting, Section.APOLOGIES)

    page = recorder.get(reverse("live", args=[KEY]))
    assert "Start recording" in page.content.decode()
    recorder.post(reverse("start_meeting", args=[KEY]))

    meeting.refresh_from_db()
    assert (meeting.status, meeting.recorder) == ("live", coordinator.user)
    assert "Recording: Priya Shah" in recorder.get(reverse("live", args=[KEY])).content.decode()


def test_member_follows_without_a_form(meeting, review, sign_in, police):
    page = sign_in(police).get(reverse("live", args=[KEY]))

    assert page.status_code == 200
    assert b"data-autosave" not in page.content
    assert sign_in(police).post(reverse("live", args=[KEY]), {"item": "1"}).status_code == 403


def test_second_coordinator_takes_over_and_the_first_loses_nothing(meeting, review, merton, sign_in, recorder):
    other = sign_in(factories.member(merton, "coordinator", name="Ada Second"))

    other.post(reverse("take_over", args=[KEY]), {"item": review.number})
    page = record(recorder, review, outcome="no_change", note="Words of the first recorder")

    assert page.status_code == 409
    assert "Ada Second is recording this meeting" in page.content.decode()
    assert "Words of the first recorder" in page.content.decode()
    assert not Decision.objects.exists()


def test_unknown_item_and_another_scheme_are_not_found(meeting, review, sign_in, recorder):
    stranger = sign_in(factories.member(factories.scheme("london"), "coordinator"))

    assert recorder.get(reverse("live", args=[KEY]), {"item": "99"}).status_code == 404
    assert stranger.get(reverse("live", args=[KEY])).status_code == 404


# --- Recording ---------------------------------------------------------------


@pytest.mark.feature(115)
@pytest.mark.feature(133)
@pytest.mark.feature(81)
@pytest.mark.feature(116)
def test_accepting_in_one_form_opens_the_case_with_its_actions(nomination, recorder, probation, police, housing):
    page = record(
        recorder,
        nomination,
        "next",
        **accepting(probation, police),
        actions="1",
        quick="Probation: home visit by 2w",
        **{
            "action-0-text": "Confirm tenancy reference",
            "action-0-agency": "housing",
            "action-0-owner": housing.pk,
            "action-0-due_on": (clock.today() + timedelta(days=3)).strftime("%d %m %Y"),
        },
    )

    assert page.status_code == 302, page.content.decode()[:3000]
    case = Case.objects.get()
    assert [(a.text, a.agency.name, a.who) for a in case.actions.order_by("due_on")] == [
        ("Confirm tenancy reference", "Housing", "Jo Reid"),
        ("home visit", "Probation", "Probation"),
    ]
    assert case.assigned("lead_professional").holder == "Kofi Osei"


@pytest.mark.feature(141)
def test_review_without_change_is_one_press(review, recorder):
    page = recorder.get(reverse("live", args=[KEY]), {"item": review.number})
    assert 'value="no_change" checked' in page.content.decode()

    record(recorder, review, outcome="no_change", how="agreed")

    assert Decision.objects.get().colour == "AMBER"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"colour": ""}, "Choose a rating for Sam Example", id="rating"),
        pytest.param({"reason": ""}, "Enter a reason", id="reason"),
        pytest.param({"lead_agency": "housing"}, "Enter a reason for going against the scheme rule", id="override"),
        pytest.param({"lead_professional": ""}, "Choose a lead professional", id="lead professional"),
        pytest.param({"police_officer": ""}, "Choose a police officer", id="police officer"),
        pytest.param({"outcome": ""}, "Choose a decision", id="decision"),
    ],
)
def test_what_is_missing_is_said_beside_the_field_and_kept(nomination, recorder, probation, police, changes, words):
    page = record(recorder, nomination, **accepting(probation, police, **changes))

    assert words in page.content.decode()
    assert not Decision.objects.exists()
    nomination.refresh_from_db()
    assert nomination.draft["note"] == "PC Dunn presented"


def test_lead_agency_against_the_rule_is_taken_with_a_reason(nomination, recorder, probation, police):
    record(recorder, nomination, **accepting(probation, police, lead_agency="housing", lead_reason="Knows him best"))

    assert Decision.objects.get().leads["lead_agency"] == {
        "agency": "Housing",
        "name": "",
        "reason": "Knows him best",
    }


@pytest.mark.feature(133)
def test_rule_for_the_lead_agency_is_shown_with_its_source(nomination, recorder):
    page = recorder.get(reverse("live", args=[KEY])).content.decode()

    assert "Under statutory supervision, so probation leads." in page
    assert "Merton, step 8" in page


def test_chips_and_line_become_one_reason(review, recorder):
    record(
        recorder,
        review,
        outcome="change_rating",
        colour="RED",
        chips=["Not engaging", "New offences"],
        reason="Two arrests in February",
    )

    assert Decision.objects.get().reason == "Not engaging. New offences. Two arrests in February"


def test_rating_that_it_has_already_is_no_change(review, recorder):
    page = record(recorder, review, outcome="change_rating", colour="AMBER", reason="Same")

    assert "The rating is Amber already" in page.content.decode()


@pytest.mark.feature(80)
def test_last_actions_are_answered_in_the_review(review, meeting, recorder, housing, merton):
    action = Action.objects.create(
        scheme=merton, case=review.case, text="Visit", agency=housing.agency, due_on=DAY - timedelta(days=7)
    )
    assert "Visit" in recorder.get(reverse("live", args=[KEY]), {"item": review.number}).content.decode()

    record(
        recorder,
        review,
        outcome="no_change",
        **{f"looked-{action.pk}-status": "not_done", f"looked-{action.pk}-note": "No staff"},
    )

    action.refresh_from_db()
    assert (action.status, action.note) == ("not_done", "No staff")


# --- The quick line ----------------------------------------------------------


def test_quick_line_becomes_labelled_fields_and_is_kept(review, recorder):
    page = record(recorder, review, "action", quick="Housing: confirm tenancy reference by 2w", note="half a sent")

    assert page.url == f"{reverse('live', args=[KEY])}?item=2#quick"
    review.refresh_from_db()
    assert review.draft["action-0-text"] == "confirm tenancy reference"
    assert review.draft["action-0-agency"] == "housing"
    assert review.draft["note"] == "half a sent"
    shown = recorder.get(reverse("live", args=[KEY]), {"item": "2"}).content.decode()
    assert "half a sent" in shown
    assert "Fix" in shown


@pytest.mark.parametrize(
    ("line", "question"),
    [
        pytest.param("ring the landlord by fri", "Which agency will do this?", id="no agency"),
        pytest.param("Housing: ring the landlord", "By when?", id="no day"),
    ],
)
def test_unclear_line_asks_and_guesses_nothing(review, recorder, line, question):
    page = record(recorder, review, "save", outcome="no_change", quick=line)

    assert question in page.content.decode()
    assert not Decision.objects.exists()
    review.refresh_from_db()
    assert "ring the landlord" in review.draft["action-0-text"]


def test_waiting_action_is_undone_and_the_others_stay(review, recorder):
    record(recorder, review, "action", quick="Housing: first by 2w")
    fields = {
        f"action-0-{name}": value
        for name, value in {"text": "first", "agency": "housing", "due_on": "1 1 2030"}.items()
    }
    second = {
        f"action-1-{name}": value
        for name, value in {"text": "second", "agency": "police", "due_on": "1 1 2030"}.items()
    }

    record(recorder, review, "remove-0", actions="2", **fields, **second)

    review.refresh_from_db()
    assert (review.draft["actions"], review.draft["action-0-text"]) == ("1", "second")


def test_clear_line_on_a_decided_item_is_an_action_at_once(review, recorder):
    record(recorder, review, outcome="no_change")

    record(recorder, review, "action", quick="Housing: ring back by 2w")

    assert [said.action.text for said in review.item_actions.all()] == ["ring back"]


# --- Nothing typed is lost ---------------------------------------------------


def test_autosave_keeps_what_is_typed_even_when_it_is_not_valid(review, recorder):
    answer = recorder.post(
        reverse("live_draft", args=[KEY]),
        {"item": "2", "version": review.version, "outcome": "change_rating", "note": "und\x00er way", "actions": "0"},
        headers={"X-Autosave": "1"},
    )

    assert answer.status_code == 200
    assert set(answer.json()) == {"at"}
    page = recorder.get(reverse("live", args=[KEY]), {"item": "2"}).content.decode()
    assert 'value="change_rating" checked' in page
    assert "under way" in page


def test_autosave_of_somebody_who_lost_the_recording_says_so(review, merton, sign_in, recorder):
    other = sign_in(factories.member(merton, "coordinator", name="Ada Second"))
    other.post(reverse("take_over", args=[KEY]))

    answer = recorder.post(reverse("live_draft", args=[KEY]), {"item": "2", "note": "x"}, headers={"X-Autosave": "1"})

    assert answer.status_code == 200
    assert "Ada Second is recording" in answer.json()["aside"]


def test_fields_of_other_forms_are_not_kept(review, recorder):
    recorder.post(
        reverse("live_draft", args=[KEY]), {"item": "2", "state": "decided", "scheme": "9", "action-0-x": "y"}
    )

    review.refresh_from_db()
    assert review.draft == {}
    assert review.state == ItemState.OPEN


def test_stale_page_is_409_and_keeps_the_text(review, recorder):
    AgendaItem.objects.filter(pk=review.pk).update(version=5)

    page = recorder.post(
        reverse("live", args=[KEY]),
        {"item": "2", "version": "1", "then": "save", "outcome": "no_change", "note": "Typed before", "actions": "0"}
        | {"harm": "none"},
    )

    assert page.status_code == 409
    assert "Typed before" in page.content.decode()


# --- Correcting --------------------------------------------------------------


@pytest.mark.feature(89)
def test_decision_is_corrected_with_a_reason_on_the_same_page(review, recorder):
    record(recorder, review, outcome="no_change")
    page = recorder.get(reverse("live", args=[KEY]), {"item": "2", "change": "1"}).content.decode()
    assert "Why the decision is corrected" in page

    without = record(recorder, review, change="1", outcome="defer", reason="No lead here")
    record(recorder, review, change="1", outcome="defer", reason="No lead here", correction_reason="Wrong button")

    assert "Enter why the decision is corrected" in without.content.decode()
    assert [d.outcome for d in Decision.objects.order_by("pk")] == ["no_change", "defer"]


def test_decision_posted_again_from_an_old_page_asks_for_a_reason(review, recorder):
    record(recorder, review, outcome="no_change")

    page = record(recorder, review, outcome="defer", reason="Back button")

    assert "Enter why the decision is corrected" in page.content.decode()
    assert Decision.objects.count() == 1


# --- What the page shows -----------------------------------------------------


@pytest.mark.feature(191)
def test_marked_answer_is_absent_for_who_may_not_read_it(nomination, meeting, police, housing, sign_in):
    asked = factories.check_request(meeting, police.agency, nomination.referral.offender)
    factories.agency_return(asked, police, summary="SEALEDWORDS", handling="police_probation")

    page = sign_in(housing).get(reverse("live", args=[KEY]))

    assert page.status_code == 200
    assert b"SEALEDWORDS" not in page.content


def test_restricted_item_is_absent_from_rail_and_page(meeting, merton, review, recorder):
    hidden = factories.case(merton, restricted=True, who=factories.offender(merton, family_name="Hiddenname"))
    factories.agenda_item(meeting, Section.REVIEWS, case=hidden)

    assert b"HIDDENNAME" not in recorder.get(reverse("live", args=[KEY])).content
    assert recorder.get(reverse("live", args=[KEY]), {"item": "3"}).status_code == 404


@pytest.mark.feature(74)
def test_not_quorate_is_said_and_the_decision_is_marked(db, sign_in):
    scheme = factories.scheme("richmond")
    body = factories.Body.objects.get(
        scheme=scheme, slug=next(b.slug for b in scheme.policy.bodies if b.quorum.organisations)
    )
    recorder = factories.member(scheme, "coordinator")
    meeting = factories.live_meeting(scheme, DAY, recorder=recorder, body=body)
    factories.attended(meeting, factories.member(scheme, "member", agency_kind="police"))
    item = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(scheme))
    client = sign_in(recorder)

    page = client.get(reverse("live", args=[meeting.key])).content.decode()
    client.post(
        reverse("live", args=[meeting.key]),
        {"item": "1", "version": item.version, "then": "save", "outcome": "no_change", "actions": "0", "harm": "none"},
    )

    assert "Not quorate" in page
    assert Decision.objects.get().to_ratify


def test_title_and_address_hold_no_name(nomination, recorder):
    page = recorder.get(reverse("live", args=[KEY])).content.decode()
    title = page.partition("<title>")[2].partition("</title>")[0]

    assert nomination.referral.reference in title
    assert nomination.referral.offender.family_name.lower() not in title.lower()


def test_live_page_costs_the_same_for_few_and_many_items(review, meeting, merton, recorder, django_assert_num_queries):
    recorder.get(reverse("live", args=[KEY]), {"item": "2"})  # while it is put into SQL, tests chain the audit
    for _ in range(2):
        with django_assert_num_queries(4 + factories.AROUND):
            recorder.get(reverse("live", args=[KEY]), {"item": "2"})
        for _ in range(3):
            factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton))


def test_a_field_saves_itself_in_as_many_questions_with_few_and_many_items(
    review, meeting, merton, recorder, django_assert_num_queries
):
    for _ in range(2):
        recorder.post(reverse("live_draft", args=[KEY]), {"item": "2", "note": "x"})  # writes the lease, once
        # The meeting, the item with its lock, what was typed; the key of the form and its answer, with a savepoint.
        with django_assert_num_queries(3 + 4 + factories.AROUND):
            recorder.post(reverse("live_draft", args=[KEY]), {"item": "2", "note": "y"})
        for _ in range(3):
            factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton))


def test_a_decision_is_saved_in_as_many_questions_with_few_and_many_items(
    review, meeting, merton, recorder, as_coordinator, django_assert_num_queries
):
    record(recorder, review, outcome="no_change")  # writes the lease, once
    undo(review, by=as_coordinator)
    for _ in range(2):
        review.refresh_from_db()
        posted = {"item": review.number, "version": review.version, "outcome": "no_change", "harm": "none"}
        with django_assert_num_queries(25 + factories.AROUND):
            recorder.post(reverse("live", args=[KEY]), posted | {"actions": "0", "then": "save"})
        undo(review, by=as_coordinator)
        for _ in range(3):
            factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton))


# --- Closing -----------------------------------------------------------------


@pytest.mark.feature(82)
@pytest.mark.feature(84)
def test_close_lists_what_goes_where_and_drafts_the_minutes(review, nomination, meeting, recorder):
    record(recorder, review, outcome="no_change")
    page = recorder.get(reverse("close_meeting", args=[KEY])).content.decode()
    assert nomination.referral.reference in page

    answer = recorder.post(reverse("close_meeting", args=[KEY]))

    assert answer.url == reverse("minutes", args=[KEY])
    meeting.refresh_from_db()
    assert meeting.status == "minutes_drafted"
    assert recorder.get(reverse("live", args=[KEY])).url == reverse("minutes", args=[KEY])


def test_get_changes_nothing(review, meeting, recorder):
    before = AgendaItem.objects.values_list("pk", "version", "state").order_by("pk")
    seen = list(before)

    for name in ("live", "close_meeting"):
        recorder.get(reverse(name, args=[KEY]))

    assert list(before.all()) == seen
    assert not Decision.objects.exists()


# --- A late item, in place ----------------------------------------------------


@pytest.mark.feature(301)
def test_late_item_is_found_by_name_and_becomes_14a_at_the_end(meeting, review, merton, recorder, police, sign_in):
    sam = factories.case(merton, who=factories.offender(merton, family_name="Ashgrove", given_names="Sam"))
    factories.case(merton, who=factories.offender(merton, family_name="Ashgrove", given_names="Lee"))
    last = AgendaItem.objects.filter(meeting=meeting).order_by("position").last().number
    assert "Add item" in recorder.get(reverse("live", args=[KEY])).content.decode()
    add = reverse("add_late_item", args=[KEY])

    found = recorder.post(add, {"person": "ashgrove", "section": "reviews", "then": "find"}).content.decode()
    assert "2 matches" in found
    assert "ASHGROVE Sam" in found or "Ashgrove" in found
    unsure = recorder.post(add, {"person": "ashgrove", "section": "reviews", "then": "add"}).content.decode()
    assert "Choose which person" in unsure
    posted = {"person": "ashgrove", "thing": f"case-{sam.pk}", "section": "reviews", "then": "add"}
    page = recorder.post(add, posted, follow=True).content.decode()

    added = AgendaItem.objects.get(case=sam)
    assert (added.number, added.late) == (f"{last}a", True)
    assert f"Item {last}a added" in page
    assert "No agency has been asked" in page
    again = recorder.post(add, posted).content.decode()
    assert "is on this agenda already" in again


@time_machine.travel(datetime(2026, 3, 12, 10, tzinfo=UTC))
def test_late_nomination_and_late_business_are_added_and_nonsense_is_refused(meeting, review, merton, recorder, police):
    waiting = factories.referral(
        merton, police, status="with_coordinator", who=factories.offender(merton, family_name="Newcomer")
    )
    add = reverse("add_late_item", args=[KEY])

    assert "Enter a name or a reference" in recorder.post(add, {"section": "reviews"}).content.decode()
    assert "Enter a title" in recorder.post(add, {"section": "aob"}).content.decode()
    nobody = recorder.post(add, {"person": "zzyzx", "section": "reviews", "then": "add"}).content.decode()
    assert "No case or nomination matches" in nobody
    wrong = recorder.post(add, {"person": waiting.reference, "section": "exits"}).content.decode()
    assert f"{waiting.reference} is a nomination: choose another type" in wrong
    recorder.post(add, {"person": waiting.reference, "section": "referrals", "then": "add"})
    recorder.post(add, {"section": "aob", "title": "Hall is closed in April"})

    assert AgendaItem.objects.filter(meeting=meeting, referral=waiting, section=Section.REFERRALS).exists()
    assert AgendaItem.objects.filter(meeting=meeting, title="Hall is closed in April").exists()


def test_restricted_person_is_not_found_for_a_late_item(meeting, review, merton, recorder):
    factories.case(merton, restricted=True, who=factories.offender(merton, family_name="Hiddenman"))

    found = recorder.post(reverse("add_late_item", args=[KEY]), {"person": "hiddenman", "section": "reviews"})

    assert "No case or nomination matches" in found.content.decode()


# --- Keys ---------------------------------------------------------------------


def test_single_keys_are_off_until_turned_on(review, recorder, coordinator):
    live = reverse("live", args=[KEY])
    assert b"data-single-keys" not in recorder.get(live).content

    page = recorder.post(reverse("choose_keys"), {"single_keys": "on"}, follow=True).content.decode()

    assert "Single keys are on" in page
    assert b"data-single-keys" in recorder.get(live).content
    recorder.post(reverse("choose_keys"), {})
    assert b"data-single-keys" not in recorder.get(live).content
