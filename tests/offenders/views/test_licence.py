"""Licence conditions that partners ask for: asked, agreed jointly or settled by a meeting, put in or not, told (London)."""

from datetime import date

import pytest

from iom import clock
from iom.access import actor_for
from iom.models import Notification
from offenders import actions, licence
from offenders.asking import asked
from offenders.asks import Window
from offenders.models import Case, LicenceRequest
from tests import factories


@pytest.fixture(autouse=True)
def in_march(time_machine):
    time_machine.move_to("2026-03-12T09:00:00+00:00")


@pytest.fixture
def london(db):
    return factories.scheme("london")


@pytest.fixture
def people(london):
    kinds = ("police", "probation", "prison", "housing")
    return {kind: factories.member(london, "member", agency_kind=kind) for kind in kinds} | {
        "council": factories.member(london, "coordinator")
    }


@pytest.fixture
def case(london, people):
    case = factories.case(london)
    by = actor_for(people["council"])
    actions.record_custody(
        case,
        kind="sentence",
        prison="HMP Example",
        starts_on=date(2026, 1, 20),
        release_expected_on=date(2026, 4, 9),
        by=by,
    )
    return Case.objects.get(pk=case.pk)


ASKED = {
    "condition": "Not to enter the two streets by the station at night.",
    "why": "The burglaries were all there.",
    "how_met": "Lives elsewhere; the team passes each evening.",
}


@pytest.mark.feature(144)
def test_partners_ask_agree_jointly_probation_puts_it_in_and_the_prison_is_told(london, people, case, sign_in):
    clients = {kind: sign_in(person) for kind, person in people.items()}
    home = f"/cases/{case.reference}/licence/"
    victim = factories.related(case.offender, people["housing"], name="Ola Fieldmouse")

    named = clients["housing"].post(f"{home}ask/", ASKED | {"why": "Ola Fieldmouse lives there."})
    assert b"Do not name a victim here" in named.content
    clients["housing"].post(f"{home}ask/", ASKED)

    request = LicenceRequest.objects.get()
    page = f"{home}{request.pk}/"
    assert {row.agency.kind for row in request.answers.all()} == {"police", "probation", "prison"}
    assert {each.recipient_id for each in Notification.objects.filter(kind="licence_asked")} == {
        people[kind].user_id for kind in ("police", "probation", "prison")
    }
    assert f"Agree or not: a licence condition, {case.reference}" in clients["police"].get("/").content.decode()
    # Asked of a panel that meets before release is near, and of whoever has not answered.
    body = london.policy.default_body
    window = Window(london.policy, body, date(2026, 3, 19), date(2026, 3, 5), date(2026, 4, 2), clock.today())
    assert [(ask.section, ask.words, ask.source) for ask in asked([case], window) if "licence" in ask.words] == [
        ("releases", "A licence condition to agree before release", "London, Probation")
    ]
    for kind in ("police", "probation"):
        clients[kind].post(page, {"do": "answer", "agrees": "yes"})
    request.refresh_from_db()
    assert request.status == "asked"
    assert clients["housing"].get(page).content.decode().count("Not said yet") == 1
    clients["prison"].post(page, {"do": "answer", "agrees": "yes", "words": "It can be told in time."})
    request.refresh_from_db()
    assert (request.status, request.agreed_on, request.agreed_at) == ("agreed", clock.today(), None)

    assert (
        f"Put in, or say why not: a licence condition, {case.reference}"
        in clients["probation"].get("/").content.decode()
    )
    assert b"by everybody asked" in clients["police"].get(page).content
    clients["probation"].post(page, {"do": "decide", "included": "yes", "version": request.version})
    request.refresh_from_db()
    assert request.status == "included"
    assert Notification.objects.filter(kind="licence_answered", recipient=people["housing"].user).count() == 1
    clients["probation"].post(page, {"do": "told", "on": "12 3 2026", "whom": "Pat Sample", "version": request.version})
    request.refresh_from_db()
    assert (request.prison_told_on, request.prison_told) == (clock.today(), "Pat Sample")
    assert "Told 12 Mar 2026" in clients["police"].get(home).content.decode()
    assert (
        "Licence conditions that partners ask for"
        in clients["police"].get(f"/cases/{case.reference}/custody/").content.decode()
    )
    assert victim.name not in clients["police"].get(page).content.decode()


def test_a_meeting_settles_what_the_agencies_differ_on_and_probation_says_why_not(london, people, case, sign_in):
    by = {kind: actor_for(person) for kind, person in people.items()}
    request = licence.ask(case, **ASKED, by=by["police"])
    client, page = sign_in(people["council"]), f"/cases/{case.reference}/licence/{request.pk}/"
    refused = sign_in(people["probation"]).post(page, {"do": "answer", "agrees": "no"})
    assert b"Enter why your agency does not agree" in refused.content
    licence.answer(request, agrees=False, words="The order has it already.", by=by["probation"])
    assert f"Agree or not: a licence condition, {case.reference}" in client.get("/").content.decode()
    panel = factories.meeting(london, date(2026, 3, 5))
    factories.meeting(london, date(2026, 3, 19))

    request.refresh_from_db()
    client.post(
        page,
        {
            "do": "settle",
            "agreed": "yes",
            "meeting": panel.key,
            "words": "The streets matter.",
            "version": request.version,
        },
    )
    request.refresh_from_db()
    assert (request.status, request.agreed_on, request.agreed_at) == ("agreed", date(2026, 3, 5), panel)
    probation = sign_in(people["probation"])
    assert (
        b"Enter why it is not in the licence"
        in probation.post(page, {"do": "decide", "included": "no", "version": request.version}).content
    )
    # Nobody but probation decides.
    assert client.post(page, {"do": "decide", "included": "yes", "version": request.version}).status_code == 200
    probation.post(
        page, {"do": "decide", "included": "no", "because": "Not proportionate.", "version": request.version}
    )
    request.refresh_from_db()
    assert (request.status, request.decided_because) == ("left_out", "Not proportionate.")
    assert b"not in the licence. Not proportionate." in client.get(page).content
    # Asked for again and withdrawn by whoever asked.
    again = licence.ask(case, **ASKED, by=by["police"])
    sign_in(people["police"]).post(f"/cases/{case.reference}/licence/{again.pk}/", {"do": "withdraw"})
    again.refresh_from_db()
    assert again.status == "withdrawn"
