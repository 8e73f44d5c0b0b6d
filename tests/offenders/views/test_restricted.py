"""The pages of restricted cases: restricting, naming, the page before a sealed case, the emergency, the review."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
import time_machine

from iom import clock, fresh, walls
from iom.access import actor_for
from iom.sessions import CODE_AT
from offenders import restricted
from offenders.models import BreakGlass, Case, CaseGrant, Restriction
from tests import factories

pytestmark = pytest.mark.django_db

WHY = "A colleague of the lead agency is a relative."
EMERGENCY = "Threat to his life reported at 02:10, need the address."
END = {"until": f"{clock.today() + timedelta(days=30):%d %m %Y}"}


def text(answer) -> str:
    return html.unescape(answer.content.decode())


@pytest.fixture(autouse=True)
def code_is_fresh(monkeypatch):
    """The code before weighty acts has tests of its own; one here says that it is asked for."""
    monkeypatch.setattr(fresh, "required", lambda request: None)


@pytest.fixture
def case(merton):
    return factories.case(merton, who=factories.offender(merton, family_name="Hiddenname"))


@pytest.fixture
def sealed(case, police, as_coordinator):
    factories.signed(police)
    restricted.restrict(case, reason=WHY, people=[police], until=clock.today() + timedelta(days=30), by=as_coordinator)
    case.refresh_from_db()
    return case


def at(case, end=""):
    return f"/cases/{case.reference}/{end}"


# --- Restricting


@pytest.mark.feature(192)
def test_coordinator_restricts_a_case_with_a_reason_and_names_people(case, coordinator, police, housing, sign_in):
    office = sign_in(coordinator)
    factories.signed(coordinator)
    assert "Restrict this case" in text(office.get(at(case)))

    answer = office.post(
        at(case, "restrict/"), {"reason": WHY, "people": [coordinator.pk, police.pk], **END}, follow=True
    )

    assert "is restricted" in text(answer)
    assert {held.user for held in CaseGrant.objects.all()} == {coordinator.user, police.user}
    assert Restriction.objects.get().reason == WHY
    assert sign_in(housing).get(at(case)).status_code == 404
    assert "Restricted case." in text(office.get(at(case)))


def test_whoever_restricts_and_the_lead_are_ticked_already(case, coordinator, police, sign_in, as_coordinator):
    from offenders.actions import assign

    assign(case, "lead_professional", agency=police.agency, membership=police, on=clock.today(), by=as_coordinator)

    page = text(sign_in(coordinator).get(at(case, "restrict/")))

    for person in (coordinator, police):
        assert f'value="{person.pk}" checked' in page


@pytest.mark.parametrize("left_out", ["reason", "people", "until"])
def test_restricting_asks_for_what_is_left_out(case, coordinator, police, sign_in, left_out):
    form = {"reason": WHY, "people": [police.pk], **END}
    del form[left_out]

    page = text(sign_in(coordinator).post(at(case, "restrict/"), form))

    assert "There is a problem" in page
    assert not Case.objects.get(pk=case.pk).restricted


def test_member_who_does_not_lead_it_may_not_restrict(case, housing, sign_in):
    assert sign_in(housing).get(at(case, "restrict/")).status_code == 403


def test_people_are_named_and_taken_off(sealed, case, police, housing, sign_in, as_coordinator):
    from offenders.actions import assign

    restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)
    assign(sealed, "lead_professional", agency=police.agency, membership=police, on=clock.today(), by=as_coordinator)
    lead = sign_in(police)

    page = text(
        lead.post(at(case, "restrict/"), {"person": housing.pk, "reason": "Holds the flat", **END}, follow=True)
    )
    assert "Jo Reid" in page
    held = CaseGrant.objects.get(user=housing.user)
    assert (held.reason, held.granted_by) == ("Holds the flat", police.user)

    lead.post(at(case, f"restrict/{held.pk}/end/"))
    assert not CaseGrant.objects.filter(user=housing.user).exists()


def test_grant_of_another_case_is_the_same_404(sealed, merton, police, sign_in, as_coordinator):
    from offenders.actions import assign

    restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)
    assign(sealed, "lead_professional", agency=police.agency, membership=police, on=clock.today(), by=as_coordinator)
    other = factories.named(factories.case(merton, restricted=True), police)

    assert sign_in(police).post(at(sealed, f"restrict/{other.pk}/end/")).status_code == 404
    assert CaseGrant.objects.filter(pk=other.pk).exists()


def test_lifting_takes_a_reason(case, coordinator, sign_in, as_coordinator):
    factories.signed(coordinator)
    until = clock.today() + timedelta(days=30)
    restricted.restrict(case, reason=WHY, people=[coordinator], until=until, by=as_coordinator)
    office = sign_in(coordinator)

    assert "Enter why the restriction is lifted" in text(office.post(at(case, "restrict/lift/"), {"reason": " "}))
    assert Case.objects.get(pk=case.pk).restricted
    office.post(at(case, "restrict/lift/"), {"reason": "The colleague has left."})
    assert not Case.objects.get(pk=case.pk).restricted


# --- Before a sealed case


@pytest.mark.parametrize("who", ["coordinator", "chair"])
def test_sealed_case_shows_reference_and_owner_and_no_more(sealed, who, request, sign_in):
    client = sign_in(request.getfixturevalue(who))
    for end in ("", "plan/", "actions/", "score/", "custody/", "restrict/", "open/"):
        answer = client.get(at(sealed, end))
        if answer.status_code == 403:  # the role lacks the function, whatever the case
            continue
        page = text(answer)
        assert "Restricted case" in page
        assert sealed.reference in page
        assert "Priya Shah" in page
        assert "hiddenname" not in page.casefold()
        assert WHY not in page


def test_board_shows_the_row_with_reference_and_owner_to_coordinator_and_chair_alone(
    sealed, coordinator, chair, housing, sign_in
):
    for office in (coordinator, chair):
        page = text(sign_in(office).get("/cases/"))
        assert sealed.reference in page
        assert "Hiddenname".upper() not in page
    assert sealed.reference not in text(sign_in(housing).get("/cases/"))


def test_whoever_is_named_and_has_not_signed_is_asked_to(sealed, housing, sign_in, as_coordinator):
    factories.named(sealed, housing, sign=False)
    client = sign_in(housing)

    page = text(client.get(at(sealed)))
    assert "Sign the sharing agreement first" in page
    assert "Hiddenname".upper() not in page
    assert "Priya Shah" not in page
    assert client.post(at(sealed, "plan/reviewed/")).status_code == 404


@pytest.mark.feature(308)
def test_signing_between_meetings_opens_it(sealed, merton, housing, sign_in):
    factories.named(sealed, housing, sign=False)
    client = sign_in(housing)
    statements = merton.policy.sharing_agreement.statements
    form = {f"statement_{number}": "on" for number in range(1, len(statements) + 1)}

    refused = text(client.post("/agreement/", form | {"typed_name": "Somebody Else"}))
    assert "Type your name as it stands on your account" in refused
    client.post("/agreement/", form | {"typed_name": "Jo Reid"})

    assert "HIDDENNAME" in text(client.get(at(sealed)))
    assert "You signed version" in text(client.get("/agreement/"))


# --- In an emergency


def test_emergency_opens_the_case_and_says_when_it_closes(sealed, coordinator, sign_in):
    with time_machine.travel("2026-11-24 12:00 +0000", tick=False) as now:
        client = sign_in(coordinator)
        answer = client.post(at(sealed, "open/"), {"reason": EMERGENCY}, follow=True)
        assert "HIDDENNAME" in text(answer)
        assert "it closes at 13:00" in text(answer)
        now.move_to("2026-11-24 12:29:59 +0000")
        assert "HIDDENNAME" in text(client.get(at(sealed)))
        now.move_to("2026-11-24 12:59:58 +0000")
        assert "HIDDENNAME" in text(client.get(at(sealed)))
        now.move_to("2026-11-24 13:00 +0000")
        assert "HIDDENNAME" not in text(client.get(at(sealed)))


@pytest.mark.parametrize(
    ("reason", "words"),
    [("", "Enter why you need to open it now"), ("   ", "Enter why"), ("x" * 19, "must be 20 characters or more")],
    ids=["none", "blank", "short"],
)
def test_short_or_blank_reason_is_a_field_error_and_the_case_stays_shut(sealed, coordinator, sign_in, reason, words):
    client = sign_in(coordinator)

    page = text(client.post(at(sealed, "open/"), {"reason": reason}))

    assert words in page
    assert 'href="#id_reason"' in page
    assert not BreakGlass.objects.exists()
    assert "HIDDENNAME" not in text(client.get(at(sealed)))


def test_emergency_asks_for_a_fresh_code_first(sealed, coordinator, sign_in, monkeypatch):
    monkeypatch.undo()
    client = sign_in(coordinator)
    session = client.session
    session[CODE_AT] = clock.now().timestamp() - 301
    session.save()

    answer = client.post(at(sealed, "open/"), {"reason": EMERGENCY})

    assert 'name="fresh_code"' in text(answer)
    assert not BreakGlass.objects.exists()


def test_emergency_takes_no_time_nor_person_from_the_form(sealed, coordinator, housing, sign_in):
    sign_in(coordinator).post(
        at(sealed, "open/"),
        {"reason": EMERGENCY, "ends_at": "2099-01-01", "membership": housing.pk, "reviewed_by": coordinator.user.pk},
    )

    opening = BreakGlass.objects.get()
    assert opening.membership == coordinator
    assert opening.ends_at - opening.opened_at == timedelta(minutes=60)
    assert opening.reviewed_by is None


def test_member_lacks_the_function_and_another_schemes_case_was_never_there(sealed, coordinator, housing, sign_in):
    foreign = factories.case(factories.scheme("london"), restricted=True)

    assert sign_in(housing).post(at(sealed, "open/"), {"reason": EMERGENCY}).status_code == 403
    assert sign_in(coordinator).post(at(foreign, "open/"), {"reason": EMERGENCY}).status_code == 404


# --- Looking them over


def test_review_lists_who_when_which_and_why_to_those_allowed(sealed, merton, coordinator, as_chair, sign_in):
    restricted.break_glass(sealed, reason=EMERGENCY, by=as_chair)
    admin = factories.member(merton, "scheme_admin")

    page = text(sign_in(admin).get("/cases/opened-in-emergency/"))
    for words in (sealed.reference, "Grace Adeyemi", EMERGENCY):
        assert words in page
    page = text(sign_in(coordinator).get("/cases/opened-in-emergency/"))
    assert sealed.reference in page
    assert EMERGENCY not in page
    assert "hiddenname" not in page.casefold()


def test_looked_over_once_and_never_by_oneself(sealed, merton, coordinator, as_coordinator, sign_in):
    opening = restricted.break_glass(sealed, reason=EMERGENCY, by=as_coordinator)
    address = "/cases/opened-in-emergency/"
    assert sign_in(coordinator).post(address, {"opening": opening.pk}).status_code == 409
    admin = sign_in(factories.member(merton, "scheme_admin"))
    assert "1 emergency opening of restricted cases to look over" in text(admin.get("/"))

    page = text(admin.post(address, {"opening": opening.pk}, follow=True))

    assert f"You have looked over the opening of {sealed.reference}" in page
    opening.refresh_from_db()
    assert opening.reviewed_at is not None
    assert "to look over" not in text(admin.get("/"))


@pytest.mark.parametrize("number", ["", "0", "999999", "x", "-1", "99999999999999999999"])
def test_opening_that_is_not_there_is_the_same_404(merton, sign_in, number):
    admin = sign_in(factories.member(merton, "scheme_admin"))

    assert admin.post("/cases/opened-in-emergency/", {"opening": number}).status_code == 404


def test_opening_of_another_scheme_is_the_same_404(merton, sign_in):
    london = factories.scheme("london")
    with walls.within(london, cause="test"):
        other = factories.case(london, restricted=True)
        opening = restricted.break_glass(other, reason=EMERGENCY, by=factories.actor(london, "coordinator"))
    admin = factories.member(merton, "scheme_admin")

    assert sign_in(admin).post("/cases/opened-in-emergency/", {"opening": opening.pk}).status_code == 404
    assert other.reference not in text(sign_in(admin).get("/cases/opened-in-emergency/"))
    assert actor_for(admin).can("offenders.review_openings", opening) is False
