"""What an agency marks for some readers is absent for all others, at every address, in every paper and mail (Z6, Z10)."""

from __future__ import annotations

import pytest
from django.core import mail
from django.urls import reverse

from iom import clock, outbox, reminders
from iom.models import Agency, Notification
from offenders.models import Offender
from panels import minutes, recording
from panels.decide import Choice, decide
from panels.minutes import latest
from panels.models import AgendaItem, AgreementSignature
from panels.record import canonical, fingerprint, record_of
from referrals import returns
from referrals.models import AgencyReturn
from tests import factories
from tests.test_matrix import MATRIX, ask, enter
from tests.test_restricted_everywhere import text_of
from tests.world import ROLES, World, on_nobody

pytestmark = pytest.mark.django_db

# By whom each of these may be read, beside the agency that said it.
FOR_POLICE, FOR_HOUSING, FOR_ALL = "Xylophonic", "Quizzaciously", "Wordforpanel"
READS = {
    FOR_POLICE: {"member", "researcher", "chair"},  # police, police, probation
    FOR_HOUSING: {"referrer"},  # of housing, but not at the table: no page shows a referrer an answer
}


@pytest.fixture
def world() -> World:
    """A meeting that is live, everyone has signed, and the health service has said three things of one person."""
    world = World.make("merton")
    meeting, by = world.things["meeting"], world.actor("coordinator")
    person = world.things["referral"].offender
    health = factories.member(world.scheme, "member", agency_kind="health", seat=True)
    said = {
        "health": ("police_probation", [], FOR_POLICE),
        "education": ("agencies", [world.people["referrer"].agency.slug], FOR_HOUSING),
        "employment": ("panel", [], FOR_ALL),
    }
    for kind, (handling, readers, words) in said.items():
        agency, _ = Agency.objects.get_or_create(
            scheme=world.scheme, kind=kind, defaults={"slug": f"{kind}-office", "name": kind.title()}
        )
        request = person.check_requests.filter(meeting=meeting, agency=agency).first() or factories.check_request(
            meeting, agency, person, referral=world.things["referral"]
        )
        factories.agency_return(
            request, health, handling=handling, readers=readers, summary=words, risk_to_others=True, risk_detail=words
        )
    for held in [*world.people.values(), health]:
        AgreementSignature.objects.create(
            scheme=world.scheme,
            meeting=meeting,
            membership=held,
            agreement_version=world.scheme.policy.sharing_agreement.version,
            typed_name=held.user.name,
            signed_at=clock.now(),
        )
    recording.start(meeting, by=by)
    meeting.refresh_from_db()
    return world


@pytest.mark.feature(309)
def test_marked_answers_are_found_at_no_address_by_other_readers(world):
    wrong, seen = [], set()
    for name, row in sorted(MATRIX.items()):
        if name in ("take_over", "close_meeting", "start_meeting"):
            continue
        for role in ROLES:
            client = enter(world, role)
            for method in row.methods:
                address = reverse(name, args=world.arguments(row.of))
                at = f"?item={world.things['item'].number}" if name == "live" else ""
                said = text_of(ask(client, method, address + at))
                for words, readers in READS.items():
                    if words in said and role not in readers:
                        wrong.append(f"{method} {name} as {role}: {words}")
                seen |= {(role, words) for words in (FOR_POLICE, FOR_ALL) if words in said}

    assert not wrong, "\n".join(wrong)
    # The walk did come by where answers are read.
    assert {("member", FOR_POLICE), ("chair", FOR_POLICE), ("coordinator", FOR_ALL)} <= seen


def test_absent_is_not_blanked(world):
    """For who may not read them there is no row, no label and no number of them."""
    meeting, person = world.things["meeting"], world.things["referral"].offender
    number = world.things["item"].number

    answers = returns.returns_for(world.actor("coordinator"), person, meeting, signed=True)
    page = text_of(enter(world, "coordinator").get(reverse("live", args=[meeting.key]), {"item": number}))

    assert [answer.summary for answer in answers] == [FOR_ALL]
    for words in ("Health", "Education", "only</span>"):
        assert f"<strong>{words}:" not in page
    assert "only</span>" not in page


def test_chosen_agencies_read_it_and_who_else_does(world):
    meeting, person = world.things["meeting"], world.things["referral"].offender
    housing = factories.actor(world.scheme, "member", agency_kind="housing")
    seen = {answer.summary: answer for answer in returns.returns_for(housing, person, meeting, signed=True)}

    assert set(seen) == {FOR_ALL, FOR_HOUSING}
    assert seen[FOR_HOUSING].handling_words == housing.agency.name
    assert {a.summary for a in returns.returns_for(housing, person, meeting, signed=False)} == {FOR_ALL}


def test_minutes_their_record_their_pdf_and_mails_hold_none_of_it(world):
    meeting, by = world.things["meeting"], world.actor("coordinator")
    for item in AgendaItem.objects.filter(meeting=meeting).exclude(state="parked"):
        refusal = Choice("not_accept", reason="Below the rule.", reason_for_referrer="The rule is not met.")
        other = Choice("no_change", reason="Keeps to the plan.") if item.case_id else on_nobody(item)
        decide(item, refusal if item.referral_id else other, by=by)
    recording.close(meeting, by=by)
    draft = minutes.send_to_chair(latest(meeting), by=by)
    record = record_of(draft)
    minutes.sign(
        draft,
        by=world.actor("chair"),
        typed_name=world.people["chair"].user.name,
        record_sha256=fingerprint(record),
        fresh=True,
    )
    world.things["held"] = meeting
    world._tell(meeting, by)
    reminders.sweep(clock.today())
    outbox.drain()

    pdf = enter(world, "member").get(reverse("minutes_pdf", args=[meeting.key, 1]))
    mails = "".join(f"{m.subject}{m.body}{m.extra_headers}" for m in mail.outbox)
    notices = "".join(f"{n.text}{n.url}{n.email_body}" for n in Notification.objects.all())
    assert pdf["Content-Type"] == "application/pdf"
    assert mail.outbox
    for words in READS:
        for paper in (canonical(record).decode(), text_of(pdf), mails, notices):
            assert words not in paper


def test_agencies_are_chosen_before_a_marked_answer_is_sent(merton, sign_in, housing):
    health = factories.member(merton, "member", agency_kind="health")
    meeting = factories.meeting(merton, clock.today(), status="agenda_sent")
    person: Offender = factories.offender(merton)
    request = factories.check_request(meeting, health.agency, person)
    client, page = sign_in(health), reverse("research", args=[meeting.key])
    form = {
        f"p{request.pk}-{name}": value for name, value in {"version": 0, "known": "now", "handling": "agencies"}.items()
    }

    answer = client.post(page, form | {"do": "send"}).content.decode()
    assert f'href="#id_p{request.pk}-readers">Choose the agencies that can see what you say about' in answer
    form[f"p{request.pk}-version"] = AgencyReturn.objects.get().version
    form[f"p{request.pk}-readers"] = ["made-up"]
    assert "There is a problem" in client.post(page, form | {"do": "send"}).content.decode()
    form[f"p{request.pk}-readers"] = [housing.agency.slug]
    client.post(page, form | {"do": "send"})

    sent = AgencyReturn.objects.get()
    assert (sent.handling, sent.readers, sent.sent_at is not None) == ("agencies", [housing.agency.slug], True)
