"""The agenda of a meeting: adding, ordering, numbering, sending."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied

from actionplans.models import PathwayNeed, Plan
from iom.models import AuditEvent, Body, MeetingStatus, Notification
from iom.steps import StepRefused
from offenders.models import Assignment
from panels import agenda, concerned
from panels.models import AgendaItem, Section
from panels.transitions import STEPS
from tests import factories

PANEL_DAY = date(2026, 3, 12)

WORKFLOW = {
    ("draft", "send_agenda", "agenda_sent"),
    ("agenda_sent", "go_live", "live"),
    ("live", "close_meeting", "minutes_drafted"),
    ("minutes_drafted", "sign_minutes", "signed"),
    ("draft", "cancel_meeting", "cancelled"),
    ("agenda_sent", "cancel_meeting", "cancelled"),
    ("live", "adjourn_meeting", "adjourned"),
    ("adjourned", "resume_meeting", "live"),
}


@pytest.fixture
def meeting(merton, chair):
    return factories.meeting(merton, PANEL_DAY, chair=chair)


def put(meeting, status):
    meeting.status = status
    meeting.save(update_fields=["status"])


def test_workflow_is_the_one_agreed():
    steps = {(source, verb, step.target) for verb, step in STEPS.items() for source in step.sources}

    assert steps == WORKFLOW


def test_item_joins_the_end_of_its_section(meeting, merton, as_coordinator):
    agenda.add_item(meeting, section=Section.APOLOGIES, by=as_coordinator)
    agenda.add_item(meeting, section=Section.AOB, by=as_coordinator)
    first = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    second = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    release = agenda.add_item(meeting, section=Section.RELEASES, by=as_coordinator, case=factories.case(merton))

    items = agenda.ordered(meeting)

    assert [item.section for item in items] == ["apologies", "releases", "reviews", "reviews", "aob"]
    assert [item.position for item in items] == [1, 2, 3, 4, 5]
    assert items[1:4] == [release, first, second]


def test_item_takes_the_minutes_of_the_policy(meeting, merton, as_coordinator):
    review = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))
    aob = agenda.add_item(meeting, section=Section.AOB, by=as_coordinator)
    long = agenda.add_item(meeting, section=Section.AOB, title="Annual report", minutes=20, by=as_coordinator)

    assert review.minutes == meeting.body.policy.sitting.minutes_per_item
    assert (aob.minutes, aob.title) == (5, "Any other business")
    assert long.minutes == 20


def test_item_added_to_a_draft_has_no_number_and_is_not_late(meeting, merton, as_coordinator):
    item = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))

    assert (item.number, item.late) == ("", False)


@pytest.mark.parametrize("status", [MeetingStatus.MINUTES_DRAFTED, MeetingStatus.SIGNED, MeetingStatus.CANCELLED])
def test_item_is_refused_when_the_meeting_is_over(meeting, as_coordinator, status):
    put(meeting, status)

    with pytest.raises(StepRefused, match="takes no more items"):
        agenda.add_item(meeting, section=Section.AOB, by=as_coordinator)


def test_item_is_refused_to_members(meeting, as_police):
    put(meeting, MeetingStatus.AGENDA_SENT)

    with pytest.raises(PermissionDenied):
        agenda.add_item(meeting, section=Section.AOB, by=as_police)
    assert not AgendaItem.objects.exists()


def test_item_is_refused_to_a_coordinator_of_another_scheme(meeting):
    stranger = factories.actor(factories.scheme("merton", "elsewhere"), "coordinator")

    with pytest.raises(PermissionDenied):
        agenda.add_item(meeting, section=Section.AOB, by=stranger)


def test_case_stands_once_in_a_section_but_may_stand_in_two(meeting, merton, as_coordinator):
    case = factories.case(merton)
    agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=case)

    with pytest.raises(StepRefused, match="already"):
        agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=case)
    agenda.add_item(meeting, section=Section.EXITS, by=as_coordinator, case=case)

    assert meeting.items.count() == 2


def test_adding_is_audited_without_names(meeting, merton, as_coordinator):
    case = factories.case(merton)

    item = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=case)

    event = AuditEvent.objects.get(verb="add_agenda_item")
    assert event.object_ref == str(item.pk)
    assert event.subjects == [case.reference]
    assert event.context == {"meeting": "2026-03-12", "late": False}


@pytest.mark.parametrize(
    ("before", "taken", "number"),
    [
        pytest.param(["1", "2"], {"1", "2", "3"}, "2a", id="after_the_second"),
        pytest.param(["1", "2", "2a"], {"1", "2", "2a", "3"}, "2b", id="second_letter"),
        pytest.param(["1", "2"], {"2a", "2b"}, "2c", id="letters_given_out_further_on"),
        pytest.param([], {"1"}, "0a", id="before_everything"),
        pytest.param(["9"], {f"9{chr(letter)}" for letter in range(97, 123)}, "9aa", id="after_z"),
    ],
)
def test_later_number_is_the_one_before_with_a_letter(before, taken, number):
    assert agenda.later_number(before, taken) == number


def numbers(meeting):
    return [item.number for item in agenda.ordered(meeting)]


@pytest.fixture
def five(meeting, merton, as_coordinator):
    """Apologies, three reviews (Red first), any other business."""
    sections = [Section.APOLOGIES, *[Section.REVIEWS] * 3, Section.AOB]
    colours = iter(["AMBER", "RED", "GREEN"])
    return [
        agenda.add_item(
            meeting,
            section=section,
            by=as_coordinator,
            case=factories.case(merton, colour=next(colours)) if section == Section.REVIEWS else None,
        )
        for section in sections
    ]


def test_reviews_stand_red_first(meeting, five):
    colours = [item.case.rating.colour for item in agenda.ordered(meeting) if item.case]

    assert colours == ["RED", "AMBER", "GREEN"]


@pytest.mark.parametrize(
    ("to", "place"),
    [
        pytest.param(2, 2, id="to_the_top_of_its_section"),
        pytest.param(3, 3, id="in_between"),
        pytest.param(1, 2, id="not_above_its_section"),
        pytest.param(99, 4, id="not_below_its_section"),
    ],
)
def test_move_stays_within_the_section(meeting, five, as_coordinator, to, place):
    last_review = agenda.ordered(meeting)[3]

    moved = agenda.move(last_review, to, by=as_coordinator)

    assert moved.position == place
    assert agenda.ordered(meeting)[place - 1] == last_review
    assert [item.position for item in agenda.ordered(meeting)] == [1, 2, 3, 4, 5]


def test_move_is_refused_once_the_agenda_has_gone_out(meeting, five, as_coordinator):
    agenda.send_agenda(meeting, by=as_coordinator)

    with pytest.raises(StepRefused, match="order and numbers stay"):
        agenda.move(five[1], 3, by=as_coordinator)
    with pytest.raises(StepRefused):
        agenda.remove(five[1], by=as_coordinator)


def test_remove_says_what_would_put_it_back(meeting, five, as_coordinator):
    back = agenda.remove(five[2], by=as_coordinator)

    assert meeting.items.count() == 4
    agenda.add_items(meeting, [back], by=as_coordinator)
    assert agenda.ordered(meeting)[1].case == five[2].case


def test_sending_fixes_the_numbers(meeting, five, as_coordinator):
    agenda.park(five[3], by=as_coordinator)

    sent = agenda.send_agenda(meeting, by=as_coordinator)

    assert sent.status == "agenda_sent"
    assert numbers(meeting) == ["1", "2", "3", "4"]
    five[3].refresh_from_db()
    assert five[3].number == ""


def test_sending_twice_is_refused(meeting, five, as_coordinator):
    agenda.send_agenda(meeting, by=as_coordinator)

    with pytest.raises(StepRefused, match="already agenda sent"):
        agenda.send_agenda(meeting, by=as_coordinator)


def test_sending_nothing_is_refused(meeting, as_coordinator):
    with pytest.raises(StepRefused, match="no items yet"):
        agenda.send_agenda(meeting, by=as_coordinator)
    meeting.refresh_from_db()
    assert meeting.status == "draft"


def test_later_items_are_late_and_lettered_within_their_section(meeting, five, merton, as_coordinator):
    agenda.send_agenda(meeting, by=as_coordinator)

    release = agenda.add_item(meeting, section=Section.RELEASES, by=as_coordinator, case=factories.case(merton))
    exit_ = agenda.add_item(meeting, section=Section.EXITS, by=as_coordinator, case=factories.case(merton))
    another = agenda.add_item(meeting, section=Section.EXITS, by=as_coordinator, case=factories.case(merton))

    assert (release.number, exit_.number, another.number) == ("1a", "4a", "4b")
    assert release.late and exit_.late
    assert numbers(meeting) == ["1", "1a", "2", "3", "4", "4a", "4b", "5"]


def test_item_added_in_a_live_meeting_comes_at_the_end(meeting, five, merton, as_coordinator):
    agenda.send_agenda(meeting, by=as_coordinator)
    put(meeting, MeetingStatus.LIVE)

    item = agenda.add_item(meeting, section=Section.REVIEWS, by=as_coordinator, case=factories.case(merton))

    assert item.number == "5a"
    assert numbers(meeting)[-1] == "5a"


def test_parked_item_comes_back_to_its_number(meeting, five, as_coordinator):
    agenda.send_agenda(meeting, by=as_coordinator)
    third = agenda.ordered(meeting)[2]
    agenda.park(third, by=as_coordinator)
    assert numbers(meeting) == ["1", "2", "4", "5"]

    agenda.bring_back(third, by=as_coordinator)

    assert numbers(meeting) == ["1", "2", "3", "4", "5"]
    third.refresh_from_db()
    assert not third.late


def test_item_parked_before_sending_comes_back_late(meeting, five, as_coordinator):
    agenda.park(five[3], by=as_coordinator)
    agenda.send_agenda(meeting, by=as_coordinator)

    back = agenda.bring_back(five[3], by=as_coordinator)

    assert (back.number, back.late) == ("3a", True)


def test_late_item_is_agreed_by_the_named_chair_alone(meeting, five, merton, as_coordinator, as_chair):
    agenda.send_agenda(meeting, by=as_coordinator)
    late = agenda.add_item(meeting, section=Section.EXITS, by=as_coordinator, case=factories.case(merton))
    other_chair = factories.actor(merton, "chair", agency_kind="health")

    for actor in (as_coordinator, other_chair):
        with pytest.raises(PermissionDenied):
            agenda.agree_late(late, by=actor)
    agreed = agenda.agree_late(late, by=as_chair)

    assert agreed.late_agreed_by == as_chair.user


def test_item_in_time_needs_no_agreement(meeting, five, as_coordinator, as_chair):
    with pytest.raises(StepRefused, match="not late"):
        agenda.agree_late(five[1], by=as_chair)


def test_asking_the_chair_tells_them_once(meeting, five, merton, as_coordinator, chair):
    agenda.send_agenda(meeting, by=as_coordinator)
    late = agenda.add_item(meeting, section=Section.EXITS, by=as_coordinator, case=factories.case(merton))

    agenda.ask_chair(late, by=as_coordinator)
    agenda.ask_chair(late, by=as_coordinator)

    told = Notification.objects.get(kind="late_item")
    assert told.recipient == chair.user
    assert late.case.reference not in told.text + told.email_body


def test_asking_needs_a_chair(merton, as_coordinator):
    meeting = factories.meeting(merton, PANEL_DAY)
    agenda.add_item(meeting, section=Section.APOLOGIES, by=as_coordinator)
    agenda.send_agenda(meeting, by=as_coordinator)
    late = agenda.add_item(meeting, section=Section.EXITS, by=as_coordinator, case=factories.case(merton))

    with pytest.raises(StepRefused, match="Nobody is named"):
        agenda.ask_chair(late, by=as_coordinator)


# --- How an item is taken: presenters, closed session, who keeps the case, by need


@pytest.fixture
def rrb(db):
    """London's Reducing Re-Offending Board: presenters first, then what is restricted."""
    london = factories.scheme("london")
    chair = factories.member(london, "chair", agency_kind="council")
    return factories.meeting(london, PANEL_DAY, chair=chair, body=Body.objects.get(scheme=london, slug="rrb"))


@pytest.mark.feature(17)
def test_board_hears_presenters_first_and_closed_matters_last_without_guests(rrb):
    london = rrb.scheme
    by = factories.actor(london, "coordinator")
    member = factories.actor(london, "researcher", agency_kind="health")
    for section in (Section.APOLOGIES, Section.LAST_ACTIONS, Section.AOB):
        agenda.add_item(rrb, section=section, by=by)
    own = agenda.add_item(rrb, section=Section.ESCALATIONS, title="Beds for women", by=by)
    secret = agenda.add_item(rrb, section=Section.ESCALATIONS, title="A serious case", closed=True, by=by)
    agenda.add_item(rrb, section=Section.ESCALATIONS, title="Data of the year", presenter="Kit Sample", by=by)
    plain = [item.title for item in agenda.ordered(rrb)]

    agenda.arrange(own, agenda.Arranged(presenter="Lou Sample"), version=own.version, by=by)
    sent = agenda.send_agenda(rrb, by=by)

    assert plain[:3] == ["Apologies and who is here", "Data of the year", "Actions from the last meeting"]
    assert plain[3:] == ["Beds for women", "Any other business", "A serious case"]
    assert [item.title for item in agenda.ordered(sent)][1:3] == ["Data of the year", "Beds for women"]
    assert secret in AgendaItem.objects.visible_to(by)
    assert secret not in AgendaItem.objects.visible_to(member)
    assert own in AgendaItem.objects.visible_to(member)


@pytest.mark.feature(38)
def test_case_stays_with_the_agency_that_brought_it(meeting, merton, as_coordinator, housing):
    item = agenda.add_item(
        meeting, section=Section.BROUGHT, title="Noise in one block", brought_by=housing.agency, by=as_coordinator
    )

    kept = agenda.arrange(item, agenda.Arranged(brought_by=housing.agency, need="accommodation"), by=as_coordinator)

    assert (kept.brought_by, kept.need) == (housing.agency, "accommodation")
    assert concerned.concerns(meeting, [kept])[id(kept)].first == housing.agency_id
    with pytest.raises(StepRefused, match="pathways"):
        agenda.arrange(item, agenda.Arranged(need="not_one_of_ours"), by=as_coordinator)


@pytest.mark.feature(69)
def test_cases_stand_together_by_need_or_by_the_agency_that_leads(meeting, merton, as_coordinator, police, housing):
    cases = [factories.case(merton, colour=colour) for colour in ("GREEN", "RED", "AMBER")]
    for case, need, leader in zip(cases, ("drugs", "accommodation", "drugs"), (police, housing, police), strict=True):
        plan = Plan.objects.create(scheme=merton, case=case)
        level = {"level": "high", "updated_on": PANEL_DAY}
        slug = next(each.slug for each in merton.policy.pathways if each.slug.startswith(need[:4]))
        PathwayNeed.objects.create(scheme=merton, plan=plan, pathway=slug, **level)
        Assignment.objects.create(
            scheme=merton, case=case, role="lead_agency", agency=leader.agency, starts_on=PANEL_DAY
        )
    agenda.add_item(meeting, section=Section.APOLOGIES, by=as_coordinator)
    for case in cases:
        agenda.add_item(meeting, section=Section.REVIEWS, case=case, by=as_coordinator)
    red_first = [item.case for item in agenda.ordered(meeting)[1:]]

    by_need = agenda.group(meeting, "need", by=as_coordinator)
    needs = [item.case for item in agenda.ordered(by_need)[1:]]
    moved = agenda.move(agenda.ordered(by_need)[1], 3, by=as_coordinator)
    by_agency = agenda.group(by_need, "agency", by=as_coordinator)
    agencies = [item.case for item in agenda.ordered(by_agency)[1:]]

    green, red, amber = cases
    assert red_first == [red, amber, green]
    assert needs == [red, amber, green], "accommodation stands before drugs among the pathways"
    assert moved.position == 2, "it stays within its need"
    assert agencies == [amber, green, red], "police lead two of the three"
    agenda.send_agenda(by_agency, by=as_coordinator)
    with pytest.raises(StepRefused, match="order and numbers stay"):
        agenda.group(by_agency, "", by=as_coordinator)


def test_chair_refuses_a_late_item_with_words_and_may_still_take_it(meeting, five, merton, as_coordinator, as_chair):
    agenda.send_agenda(meeting, by=as_coordinator)
    late = agenda.add_item(meeting, section=Section.EXITS, by=as_coordinator, case=factories.case(merton))
    agenda.ask_chair(late, by=as_coordinator)

    with pytest.raises(PermissionDenied):
        agenda.refuse_late(late, because="Not now", by=as_coordinator)
    with pytest.raises(StepRefused, match="Enter why"):
        agenda.refuse_late(late, because=" ", by=as_chair)
    with pytest.raises(StepRefused, match="not late"):
        agenda.refuse_late(five[1], because="Not now", by=as_chair)
    refused = agenda.refuse_late(late, because="Nobody has checked yet", by=as_chair)

    assert (refused.state, refused.late_refused) == ("parked", "Nobody has checked yet")
    assert refused.late_asked_at is not None
    told = Notification.objects.get(kind="late_item_refused")
    assert told.recipient == as_coordinator.user
    assert late.case.reference not in told.text + told.email_body
    assert agenda.agree_late(late, by=as_chair).late_refused == ""
