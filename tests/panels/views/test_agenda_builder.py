"""Building and sending an agenda on its pages."""

from datetime import date, datetime

import pytest
import time_machine

from actionplans.models import Action
from iom.access import actor_for
from iom.clock import LONDON
from iom.models import MeetingStatus
from offenders import asks
from offenders.models import CaseGrant, CustodyPeriod, RagRating
from panels import agenda, agreement
from panels.models import AgendaItem, Section
from panels.suggesting import suggestions
from referrals import actions as referral_actions
from referrals.models import CheckRequest, Referral
from tests import factories

PANEL_DAY = date(2026, 3, 12)
ADD = "/meetings/2026-03-12/agenda/add/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_february():
    with time_machine.travel(datetime(2026, 2, 26, 9, 0, tzinfo=LONDON), tick=False):
        yield


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL_DAY, chair=chair)


def item_url(item, end):
    return f"/meetings/2026-03-12/agenda/items/{item.pk}/{end}/"


IN_TIME, TOO_LATE = datetime(2026, 2, 20, 9, 0, tzinfo=LONDON), datetime(2026, 3, 3, 0, 0, tzinfo=LONDON)


def nominated(merton, police, meeting, *, status="with_coordinator", sent_at=IN_TIME):
    return Referral.objects.create(
        scheme=merton,
        reference=f"IOM-R-{Referral.objects.count() + 1:04}",
        status=status,
        offender=factories.offender(merton),
        referrer=police,
        agency=police.agency,
        meeting=meeting,
        mappa_level=0,
        late=sent_at == TOO_LATE,
        sent_at=sent_at,
    )


def put_to_panel(referral, meeting, by, agencies=()):
    referral_actions.put_to_panel(referral, meeting=meeting, agencies=agencies, by=by)
    return AgendaItem.objects.get(referral=referral)


# --- What is suggested


def test_suggestions_are_read_from_cases_custody_actions_and_referrals(merton, meeting, police, as_coordinator):
    plain = factories.case(merton, colour="AMBER", since=date(2025, 1, 6))
    green = factories.case(merton, colour="GREEN", since=date(2025, 9, 1))
    inside = factories.case(merton, colour="BLUE", since=date(2025, 11, 3))
    CustodyPeriod.objects.create(
        scheme=merton,
        case=inside,
        kind="sentence",
        prison="HMP Example",
        starts_on=date(2025, 11, 3),
        release_expected_on=date(2026, 3, 17),
    )
    carried = factories.case(merton, colour="RED", since=date(2025, 1, 6))
    Action.objects.create(
        scheme=merton,
        case=carried,
        text="Home visit",
        agency=police.agency,
        due_on=date(2026, 1, 5),
        carried_forward=3,
    )
    deferred = nominated(merton, police, factories.meeting(merton, date(2026, 2, 12)), status="deferred")

    found = suggestions(meeting, as_coordinator)

    assert [(one.case, one.section, one.reasons[0]) for one in found.cases] == [
        (inside.pk, "releases", "Release expected on 17 March, rating to agree before it"),
        (green.pk, "exits", "Green for 6 months on 1 March"),
        (carried.pk, "reviews", "Rated Red, and no enforcement in 7 days"),
        (plain.pk, "reviews", "Rated Amber, and no intervention in 28 days"),
    ]
    assert "An action was carried forward 3 times" in found.cases[2].reasons
    assert [(one.referral, one.why) for one in found.nominated] == [(deferred, "Deferred by the panel of 12 February")]


def test_what_stands_on_the_agenda_or_is_parked_is_not_suggested(merton, meeting, as_coordinator):
    on_it, parked = factories.case(merton), factories.case(merton)
    for case in (on_it, parked):
        item = agenda.add_item(meeting, section=Section.REVIEWS, case=case, by=as_coordinator)
    agenda.park(item, by=as_coordinator)

    assert suggestions(meeting, as_coordinator).cases == ()


def test_restricted_case_is_not_suggested_to_whoever_is_not_named_on_it(merton, meeting, as_coordinator):
    factories.case(merton, restricted=True)

    assert suggestions(meeting, as_coordinator).cases == ()


def test_case_that_came_into_custody_between_panels_is_to_be_noted(merton, meeting, as_coordinator):
    case = factories.case(merton, colour="RED", since=date(2025, 1, 6))
    case.ratings.update(until=date(2026, 2, 20))
    RagRating.objects.create(
        scheme=merton,
        case=case,
        colour="BLUE",
        starts_on=date(2026, 2, 20),
        follows_from=date(2026, 2, 20),
        reason="Came into custody",
    )
    CustodyPeriod.objects.create(
        scheme=merton, case=case, kind="remand", prison="HMP Example", starts_on=date(2026, 2, 20)
    )

    (one,) = suggestions(meeting, as_coordinator).cases

    assert one.section == "releases" and one.why.startswith("In custody since 20 February, to be noted. ")


@pytest.mark.parametrize("cases", [1, 3])
def test_builder_costs_the_same_however_many_cases(
    merton, meeting, coordinator, as_coordinator, sign_in, cases, django_assert_num_queries
):
    for _ in range(cases):
        factories.case(merton)
        agenda.add_item(meeting, section=Section.REVIEWS, case=factories.case(merton), by=as_coordinator)
    client = sign_in(coordinator)
    client.get("/meetings/2026-03-12/agenda/")

    with django_assert_num_queries(4 + factories.AROUND):
        client.get("/meetings/2026-03-12/agenda/")


# --- On the page


@pytest.mark.feature(70)
def test_suggested_reviews_are_added_all_at_once_red_first(merton, meeting, coordinator, sign_in):
    for colour in ("GREEN", "RED", "AMBER"):
        factories.case(merton, colour=colour, since=date(2026, 1, 20))
    client = sign_in(coordinator)

    before = client.get("/meetings/2026-03-12/agenda/").content.decode()
    after = client.post(ADD, {"all_reviews": "1"}, follow=True).content.decode()

    assert "Add all suggested reviews (3)" in before and "Merton, Roles" in before
    assert "3 items added" in after and "Add all suggested reviews" not in after
    assert [item.case.rating.colour for item in agenda.ordered(meeting)] == ["RED", "AMBER", "GREEN"]


def test_what_an_app_asks_first_leads_its_section_also_on_the_agenda(
    merton, meeting, coordinator, as_coordinator, sign_in, monkeypatch
):
    red = factories.case(merton, colour="RED", since=date(2026, 1, 20))
    green = factories.case(merton, colour="GREEN", since=date(2026, 1, 20))
    seen = []

    def asking(cases, window):
        seen.append(window)
        return [asks.Ask(green.pk, "reviews", "Arrested since it was rated", "Guide, 3", first=True)]

    monkeypatch.setattr(asks, "_asking", [asking])
    agenda.add_item(meeting, section=Section.REVIEWS, case=red, by=as_coordinator)
    client = sign_in(coordinator)

    before = client.get("/meetings/2026-03-12/agenda/").content.decode()
    client.post(ADD, {"all_reviews": "1"})
    item = AgendaItem.objects.get(case=green)
    client.post(item_url(item, "remove"))
    client.post("/meetings/2026-03-12/agenda/undo/")

    assert "Arrested since it was rated" in before and "Guide, 3" in before
    assert (seen[0].meeting, seen[0].today) == (PANEL_DAY, date(2026, 2, 26)) and seen[0].before < PANEL_DAY
    reviews = [item.case for item in agenda.ordered(meeting) if item.section == Section.REVIEWS]
    assert reviews == [green, red]


def test_suggestion_is_added_with_its_reason(merton, meeting, coordinator, sign_in):
    case = factories.case(merton, colour="GREEN", since=date(2025, 9, 1))
    client = sign_in(coordinator)

    html = client.get("/meetings/2026-03-12/agenda/").content.decode()
    client.post(ADD, {"key": f"case-{case.pk}-exits"})

    assert "Green for 6 months on 1 March" in html
    item = meeting.items.get()
    assert (item.section, item.case) == ("exits", case)
    assert item.why.startswith("Green for 6 months on 1 March. No lead professional. ")


def test_suggestion_that_is_gone_is_refused_in_words(merton, meeting, coordinator, sign_in):
    html = sign_in(coordinator).post(ADD, {"key": "case-999999-exits"}, follow=True).content.decode()

    assert "no longer suggested" in html
    assert not meeting.items.exists()


@pytest.mark.feature(64)
def test_nomination_put_to_the_panel_stands_on_its_agenda_by_itself(
    merton, meeting, police, housing, as_coordinator, coordinator, sign_in
):
    item = put_to_panel(nominated(merton, police, meeting), meeting, as_coordinator, [housing.agency])

    html = sign_in(coordinator).get("/meetings/2026-03-12/agenda/").content.decode()

    assert (item.section, item.late) == ("referrals", False)
    assert item.referral.offender.name in html and "Checks: 0 of 1" in html
    assert "1 nomination with checks missing" in html


@pytest.mark.feature(60)
@pytest.mark.feature(67)
def test_late_nomination_says_so_and_is_agreed_by_the_chair(
    merton, meeting, police, chair, coordinator, as_coordinator, sign_in
):
    item = put_to_panel(nominated(merton, police, meeting, sent_at=TOO_LATE), meeting, as_coordinator)
    clerk = sign_in(coordinator)

    html = clerk.get("/meetings/2026-03-12/agenda/").content.decode()
    asked = clerk.post(item_url(item, "ask"), follow=True).content.decode()
    refused = clerk.post(item_url(item, "agree"))
    agreed = sign_in(chair).post(item_url(item, "agree"), follow=True).content.decode()

    assert "Late: checks incomplete" in html and "Ask chair" in html
    assert "The chair has been asked" in asked
    assert refused.status_code == 403
    assert "Agreed: the panel takes item 1" in agreed


def test_deferred_nomination_is_put_to_the_panel_again_and_agencies_are_asked_again(
    merton, meeting, police, housing, coordinator, sign_in
):
    before = factories.meeting(merton, date(2026, 2, 12), status=MeetingStatus.SIGNED)
    referral = nominated(merton, police, before, status="deferred")
    CheckRequest.objects.create(
        scheme=merton,
        meeting=before,
        agency=housing.agency,
        offender=referral.offender,
        referral=referral,
        why="referral",
        asked_at=datetime(2026, 2, 2, 9, 0, tzinfo=LONDON),
    )

    sign_in(coordinator).post(ADD, {"key": f"referral-{referral.pk}"})

    referral.refresh_from_db()
    assert (referral.status, referral.meeting) == ("on_agenda", meeting)
    assert AgendaItem.objects.get(referral=referral).meeting == meeting
    assert CheckRequest.objects.get(meeting=meeting, referral=referral).agency == housing.agency


def test_withdrawn_nomination_leaves_a_draft_and_is_parked_once_it_went_out(
    merton, meeting, police, as_coordinator, as_police
):
    first, second = (put_to_panel(nominated(merton, police, meeting), meeting, as_coordinator) for _ in range(2))

    referral_actions.withdraw(first.referral, by=as_police, reason="Moved away")
    agenda.send_agenda(meeting, by=as_coordinator)
    referral_actions.withdraw(second.referral, by=as_police, reason="Moved away")

    assert [(item.pk, item.state) for item in meeting.items.all()] == [(second.pk, "parked")]


@pytest.mark.feature(67)
def test_item_is_moved_by_buttons_without_script(merton, meeting, coordinator, as_coordinator, sign_in):
    first, second = (
        agenda.add_item(meeting, section=Section.REVIEWS, case=factories.case(merton), by=as_coordinator)
        for _ in range(2)
    )
    client = sign_in(coordinator)

    up = client.post(item_url(second, "move"), {"move": "up", "position": "2"})
    html = client.get("/meetings/2026-03-12/agenda/").content.decode()
    client.post(item_url(second, "move"), {"move": "to", "position": "2"})

    assert up["Location"] == f"/meetings/2026-03-12/agenda/#item-{second.pk}"
    assert "Moved to 1 of 2" in html
    assert agenda.ordered(meeting) == [first, second]


@pytest.mark.parametrize("typed", [{"move": "sideways"}, {}, {"move": "to", "position": "x"}])
def test_move_that_says_nothing_sensible_moves_nothing(merton, meeting, coordinator, as_coordinator, sign_in, typed):
    item = agenda.add_item(meeting, section=Section.REVIEWS, case=factories.case(merton), by=as_coordinator)

    page = sign_in(coordinator).post(item_url(item, "move"), typed, follow=True)

    assert page.status_code == 200 and "moj-alert--error" in page.content.decode()


def test_removed_item_can_be_put_back(merton, meeting, coordinator, as_coordinator, sign_in):
    case = factories.case(merton)
    item = agenda.add_item(meeting, section=Section.EXITS, case=case, why="Green", minutes=12, by=as_coordinator)
    client = sign_in(coordinator)

    html = client.post(item_url(item, "remove"), follow=True).content.decode()
    assert "Removed." in html and "Undo" in html and not meeting.items.exists()
    client.post("/meetings/2026-03-12/agenda/undo/")

    back = meeting.items.get()
    assert (back.section, back.case, back.why, back.minutes) == ("exits", case, "Green", 12)
    assert "Removed." not in client.get("/meetings/2026-03-12/agenda/").content.decode()


def test_item_is_parked_and_brought_back(merton, meeting, coordinator, as_coordinator, sign_in):
    item = agenda.add_item(meeting, section=Section.EXITS, case=factories.case(merton), by=as_coordinator)
    client = sign_in(coordinator)

    assert "Parked" in client.post(item_url(item, "park"), follow=True).content.decode()
    assert "Back on the agenda" in client.post(item_url(item, "back"), follow=True).content.decode()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param({"section": "aob", "title": "Annual report"}, "Added to “Any other business”", id="a_title"),
        pytest.param({"section": "reviews"}, "Enter the reference of the case", id="review_of_nobody"),
        pytest.param(
            {"section": "reviews", "reference": "IOM-9999"}, "No case has the reference IOM-9999", id="unknown"
        ),
        pytest.param({"section": "escalations"}, "Enter a title", id="escalation_without_title"),
        pytest.param({"section": "aob", "minutes": "900"}, "Minutes must be 180 or fewer", id="too_long"),
    ],
)
def test_item_of_one_s_own(merton, meeting, coordinator, sign_in, typed, words):
    assert words in sign_in(coordinator).post(ADD, typed, follow=True).content.decode()


def test_time_runs_on_from_item_to_item(merton, meeting, coordinator, as_coordinator, sign_in):
    agenda.add_item(meeting, section=Section.APOLOGIES, by=as_coordinator)
    item = agenda.add_item(meeting, section=Section.REVIEWS, case=factories.case(merton), by=as_coordinator)
    agenda.add_item(meeting, section=Section.AOB, by=as_coordinator)
    client = sign_in(coordinator)

    client.post(item_url(item, "minutes"), {"minutes": "113", "version": item.version})
    html = client.get("/meetings/2026-03-12/agenda/").content.decode()

    assert "10:00" in html and "10:05" in html and "11:58" in html
    assert "Time 123 of 120 min: 3 over" in html


@pytest.mark.feature(64)
@pytest.mark.feature(67)
@pytest.mark.feature(29)
def test_sending_confirms_who_gets_it_then_fixes_the_numbers(
    merton, meeting, coordinator, police, as_coordinator, sign_in
):
    agenda.add_item(meeting, section=Section.REVIEWS, case=factories.case(merton), by=as_coordinator)
    client = sign_in(coordinator)

    preview = client.get("/meetings/2026-03-12/agenda/send/").content.decode()
    sent = client.post("/meetings/2026-03-12/agenda/send/", follow=True).content.decode()

    assert "Agenda ready: IOM panel 12 March" in preview and "Tom Dunn" in preview
    assert "Not on the system" in preview and "Jobcentre Plus" in preview
    assert "Agenda sent to 3 people for 12 March" in sent
    assert [item.number for item in agenda.ordered(meeting)] == ["1"]


def test_empty_agenda_is_not_sent(meeting, coordinator, sign_in):
    page = sign_in(coordinator).post("/meetings/2026-03-12/agenda/send/")

    assert "The agenda has no items yet" in page.content.decode()
    meeting.refresh_from_db()
    assert meeting.status == "draft"


# --- Restricted cases


@pytest.fixture
def hidden(merton, meeting, as_coordinator):
    """A restricted case between two open ones, on an agenda that went out."""
    cases = [factories.case(merton, since=date(2026, 1, 20)) for _ in range(3)]
    for case in cases:
        agenda.add_item(meeting, section=Section.REVIEWS, case=case, by=as_coordinator)
    cases[1].restricted = True
    cases[1].save()
    agenda.send_agenda(meeting, by=as_coordinator)
    return cases[1]


def grant(case, membership):
    from django.contrib.auth.models import Permission

    permission = Permission.objects.get(codename="open_restricted_case")
    CaseGrant.objects.create(user=membership.user, permission=permission, content_object=case)


def test_restricted_item_is_absent_and_the_numbers_stay(hidden, police, coordinator, sign_in):
    for person, end in ((police, ""), (coordinator, ""), (coordinator, "agenda/"), (coordinator, "agenda/send/")):
        html = sign_in(person).get(f"/meetings/2026-03-12/{end}").content.decode()
        assert hidden.reference not in html and hidden.offender.name not in html
    html = sign_in(police).get("/meetings/2026-03-12/").content.decode()
    assert '<div class="iom-agenda__number">3<' in html and '<div class="iom-agenda__number">2<' not in html


def test_restricted_item_opens_to_whoever_is_named_and_has_signed(hidden, meeting, police, sign_in):
    grant(hidden, police)
    client = sign_in(police)
    meeting.refresh_from_db()

    unsigned = client.get("/meetings/2026-03-12/").content.decode()
    agreement.sign(meeting, by=actor_for(police), typed_name="Tom Dunn", agreed=[True, True])
    signed = client.get("/meetings/2026-03-12/").content.decode()

    assert hidden.reference not in unsigned
    assert hidden.reference in signed


def test_restricted_item_cannot_be_touched_by_guessing_its_number(hidden, coordinator, sign_in):
    item = AgendaItem.objects.get(case=hidden)

    for end in ("park", "minutes", "remove", "move", "ask"):
        assert sign_in(coordinator).post(item_url(item, end), {"minutes": "5"}).status_code == 404
