"""From youth justice to adult services, and everything that falls due (features 39, 168, 306)."""

from datetime import date, timedelta

import pytest

from iom import clock, outbox, tasks
from iom.access import actor_for
from iom.models import Body, Notification
from iom.policy import load_preset
from offenders import actions, youths
from offenders.models import YouthTransfer
from offenders.youth import Young, conditions, steps
from panels.effects import make_so
from panels import live
from panels.choices import Choice
from panels.record import record_of
from panels.suggesting import add_suggested, suggestions
from tests import factories

pytestmark = pytest.mark.django_db
BORN = date(2008, 10, 9)
ROUTE = load_preset("hampshire").youth_route


@pytest.fixture(autouse=True)
def on_a_day(time_machine):
    time_machine.move_to("2026-04-08T09:00:00+00:00")


@pytest.mark.parametrize(
    ("convicted", "days"),
    [
        pytest.param(None, ("2026-04-09", "2026-07-09", "2026-10-09"), id="by age"),
        pytest.param(date(2026, 4, 9), ("2026-04-09", "2026-07-09", "2026-10-09"), id="on the day itself"),
        pytest.param(date(2026, 5, 2), ("2026-05-02", "2026-07-09", "2026-10-09"), id="convicted when older"),
        pytest.param(date(2026, 8, 1), ("2026-08-01", "2026-08-01", "2026-10-09"), id="after the liaison age"),
    ],
)
def test_route_starts_at_seventeen_and_a_half_or_with_a_later_conviction(convicted, days):
    assert tuple(each.on.isoformat() for each in steps(ROUTE, Young(BORN, convicted))) == days


def test_conditions_are_met_not_met_or_not_known_on_their_boundary():
    def met(**facts):
        return {each.slug: each.met for each in conditions(ROUTE, Young(BORN, **facts))}

    assert met() == {"management": None, "order": None, "months_left": None}
    enough = met(order="yro", order_ends_on=date(2027, 1, 9), managed_by="probation")
    assert enough == {"management": True, "order": True, "months_left": True}
    short = met(order="referral", order_ends_on=date(2027, 1, 8), managed_by="yot")
    assert short == {"management": False, "order": False, "months_left": False}
    assert steps(ROUTE, Young(None)) == ()


@pytest.mark.feature(39)
@pytest.mark.feature(168)
def test_young_person_is_followed_from_the_start_to_the_take_over(sign_in, time_machine):
    hampshire = factories.scheme("hampshire")
    office = factories.member(hampshire, "coordinator", "referrer")
    yot = factories.member(hampshire, "member", agency_kind="youth_justice", name="Ola Yot")
    housing = factories.member(hampshire, "member", agency_kind="housing")
    by = actor_for(office)
    body = Body.objects.get(scheme=hampshire, slug="transfer")
    panel = factories.meeting(hampshire, date(2026, 4, 20), body=body)
    factories.meeting(hampshire, date(2026, 7, 20), body=body)
    client = sign_in(office)
    who = {"given_names": "Kit", "family_name": "Specimen", "date_of_birth": "9 10 2008"}
    facts = {"order": "yro", "order_ends_on": "9 1 2027", "managed_by": "probation"}

    shown = client.post("/youth/new/", who | facts, follow=True).content.decode()
    move = YouthTransfer.objects.get(scheme=hampshire)
    assert "Under 18" in shown and "9 Jul 2026" in shown and "<strong>Not known</strong>" not in shown
    assert "1 young person" in client.get("/").content.decode()
    assert client.get(f"/youth/{move.reference}/").status_code == 200
    assert sign_in(yot).get(f"/youth/{move.reference}/").status_code == 200
    assert sign_in(housing).get(f"/youth/{move.reference}/").status_code == 404

    # By itself on the transfer panel, whose recommendation is kept with the move.
    (one,) = suggestions(panel, by).young
    assert "The transfer begins on 9 April" in one.why
    (item,) = add_suggested(panel, [one.key], by=by)
    assert not suggestions(panel, by).young
    time_machine.move_to("2026-04-20T12:00:00+00:00")
    make_so(
        item,
        Choice("to_iom", reason="Robbery in March"),
        panel,
        standing=None,
        version=hampshire.policy_version,
        by=by,
    )
    client = sign_in(office)
    shown = client.get(f"/youth/{move.reference}/").content.decode()
    assert "Police management goes on with IOM" in shown and "Robbery in March" in shown
    answer = client.post(f"/youth/{move.reference}/", {"do": "refer", "refer-by_whom": "yot"}, follow=True)
    assert "Referred by Youth Offending Team" in answer.content.decode()
    assert "Specimen" in client.get(f"/referrals/new/?youth={move.reference}").content.decode()

    for day, count in ((date(2026, 7, 8), 1), (date(2026, 7, 9), 2), (date(2026, 10, 9), 3)):
        time_machine.move_to(f"{day}T09:00:00+00:00")
        tasks.sweep_reminders()
        outbox.drain()
        told = Notification.objects.filter(subject=move.reference, recipient=yot.user)
        assert told.count() == count, day
    client = sign_in(office)
    early = client.post(f"/youth/{move.reference}/", {"do": "take_over", "take_over-on": "8 10 2026"}).content.decode()
    assert "The take-over is on 9 Oct 2026" in early
    over = {"do": "take_over", "take_over-on": "9 10 2026"}
    assert "Taken over on 9 Oct 2026" in client.post(f"/youth/{move.reference}/", over, follow=True).content.decode()


@pytest.mark.feature(306)
def test_radar_shows_every_clock_by_week_and_filters_by_the_address(sign_in):
    hampshire = factories.scheme("hampshire")
    office = factories.member(hampshire, "coordinator")
    by = actor_for(office)
    young = factories.case(hampshire, who=factories.offender(hampshire, date_of_birth=BORN))
    factories.meeting(hampshire, date(2026, 5, 1))
    actions.record_supervision(young, "licence", date(2026, 6, 1), by=by)
    other = factories.case(hampshire, who=factories.offender(hampshire, given_names="Lee", family_name="Sample"))
    inside = {"kind": "sentence", "prison": "HMP Example", "starts_on": date(2026, 2, 1)}
    actions.record_custody(other, release_expected_on=clock.today() + timedelta(days=90), by=by, **inside)
    client = sign_in(office)

    shown = client.get("/cases/radar/").content.decode()

    for words in (
        "Week of 6 Apr 2026",
        "17 years and 6 months",
        "Supervision ends, and IOM with it",
        "Release expected",
    ):
        assert words in shown
    only = client.get("/cases/radar/?kind=supervision").content.decode()
    assert "Supervision ends" in only and "Release expected" not in only
    assert client.get("/cases/radar/?rating=AMBER").content.decode().count("IOM-") == 0
    assert client.get("/cases/radar/?kind=nonsense").status_code == 200


def test_move_is_refused_for_adults_and_where_no_route_is_written():
    hampshire, merton = factories.scheme("hampshire"), factories.scheme("merton")
    by = actor_for(factories.member(hampshire, "coordinator"))
    adult = factories.offender(hampshire, date_of_birth=date(2008, 4, 8))

    with pytest.raises(youths.StepRefused, match="18 already"):
        youths.start(adult, by=by)
    factories.act_in(merton)
    there = actor_for(factories.member(merton, "coordinator"))
    with pytest.raises(youths.StepRefused, match="no route"):
        youths.start(factories.offender(merton), by=there)


@pytest.mark.feature(39)
def test_young_person_is_flagged_at_every_stage(sign_in):
    richmond = factories.scheme("richmond")
    office = factories.member(richmond, "coordinator", "referrer")
    eve = factories.offender(richmond, date_of_birth=date(2008, 4, 9))
    nominated = factories.referral(richmond, office, status="sent", who=eve)
    case = factories.case(richmond, who=factories.offender(richmond, given_names="Kit", date_of_birth=BORN))
    grown = factories.case(richmond, who=factories.offender(richmond, date_of_birth=date(2008, 4, 8)))
    meeting = factories.meeting(richmond, clock.today())
    item = factories.agenda_item(meeting, "reviews", case=case)
    client = sign_in(office)

    for address in ("/referrals/", f"/referrals/{nominated.reference}/triage/", f"/cases/{case.reference}/", "/cases/"):
        assert client.get(address).content.decode().count("Under 18") == 1, address
    assert "Under 18" not in client.get(f"/cases/{grown.reference}/").content.decode()
    assert "(under 18)" in client.get(f"/meetings/{meeting.key}/agenda/").content.decode()
    assert live.heading(item).endswith("(under 18)")
    (recorded,) = [
        each for each in record_of(factories.minutes(meeting))["items"] if each["reference"] == case.reference
    ]
    assert recorded["under_18"]
