"""Nobody raises their own rights; an administrator's rights take two (security.md Z11)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from iom import clock, rights
from iom.access import actor_for
from iom.models import AuditEvent, Notification, RightsRequest
from iom.steps import Stale, StepRefused
from offenders.models import CaseGrant
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(merton):
    return factories.member(merton, "scheme_admin", name="Ada Minster")


@pytest.fixture
def second(merton):
    return factories.member(merton, "scheme_admin", name="Seth Cond")


@pytest.fixture
def by(admin):
    return actor_for(admin)


def test_admin_changes_what_a_member_does(police, by):
    changed = rights.change_roles(police, ["researcher", "member"], by=by)

    assert changed.roles == ["member", "researcher"]
    event = AuditEvent.objects.get(verb="change_roles")
    assert (event.before, event.after) == ("member,referrer", "member,researcher")
    assert police.user.name not in str(event.context)


def test_nobody_changes_their_own_rights(admin, by, second):
    for roles in (["coordinator", "scheme_admin"], ["member"]):
        with pytest.raises(StepRefused, match="their own rights"):
            rights.change_roles(admin, roles, by=by)
    with pytest.raises(StepRefused, match="their own rights"):
        rights.end_membership(admin, on=clock.today(), by=by)


def test_own_rights_under_another_agency_are_ones_own(merton, admin, by):
    from iom.models import Agency, Membership

    other = Membership.objects.create(
        scheme=merton,
        user=admin.user,
        agency=Agency.objects.filter(scheme=merton).exclude(pk=admin.agency.pk).first(),
        roles=["member"],
        starts_on=clock.today(),
    )
    with pytest.raises(StepRefused, match="their own rights"):
        rights.change_roles(other, ["coordinator"], by=by)


@pytest.mark.parametrize("role", ["member", "coordinator", "chair", "board_reader"])
def test_other_roles_change_nothing(merton, police, role):
    with pytest.raises(PermissionDenied):
        rights.change_roles(police, ["coordinator"], by=factories.actor(merton, role))


def test_admin_of_another_scheme_changes_nothing(police):
    with pytest.raises(PermissionDenied):
        rights.change_roles(police, ["coordinator"], by=factories.actor(factories.scheme("london"), "scheme_admin"))


def test_stale_page_changes_nothing(police, by):
    with pytest.raises(Stale):
        rights.change_roles(police, ["member"], by=by, version=police.version + 1)


def test_administrator_rights_wait_for_a_second_person(police, by, second):
    asked = rights.change_roles(police, ["member", "scheme_admin"], by=by)

    police.refresh_from_db()
    assert isinstance(asked, RightsRequest)
    assert "scheme_admin" not in police.roles
    assert Notification.objects.get(kind="rights_to_approve").recipient == second.user

    rights.approve_rights(asked, by=actor_for(second))
    police.refresh_from_db()
    assert "scheme_admin" in police.roles


def test_who_asked_does_not_approve(police, by, second):
    asked = rights.change_roles(police, ["scheme_admin"], by=by)

    with pytest.raises(StepRefused, match="Another scheme administrator"):
        rights.approve_rights(asked, by=by)
    asked.status, asked.decided_by = "approved", by.user
    with pytest.raises(IntegrityError), transaction.atomic():
        asked.save()


def test_request_is_decided_once(police, by, second):
    asked = rights.change_roles(police, ["scheme_admin"], by=by)
    rights.refuse_rights(asked, by=actor_for(second))

    with pytest.raises(StepRefused, match="already refused"):
        rights.approve_rights(asked, by=actor_for(second))


def test_two_requests_for_one_person_do_not_stand_at_once(police, by, second):
    rights.change_roles(police, ["scheme_admin"], by=by)

    with pytest.raises(StepRefused, match="already"):
        rights.change_roles(police, ["member", "scheme_admin"], by=actor_for(second))


def test_lost_role_ends_grants_and_is_seen_at_once(merton, police, by, sign_in):
    case = factories.case(merton, restricted=True)
    factories.named(case, police)
    client = sign_in(police)
    assert client.get(f"/cases/{case.reference}/").status_code == 200

    rights.change_roles(police, ["board_reader"], by=by)

    assert client.get(f"/cases/{case.reference}/").status_code == 403
    assert not CaseGrant.objects.exists()


def test_ended_membership_ends_grants(merton, police, by, sign_in):
    factories.named(factories.case(merton, restricted=True), police)
    client = sign_in(police)

    rights.end_membership(police, on=clock.today(), by=by)

    assert client.get("/cases/").status_code == 403
    assert not CaseGrant.objects.exists()


def test_membership_does_not_end_before_it_began(merton, by):
    late = factories.member(merton, "member", on=clock.today() + timedelta(days=3))
    with pytest.raises(StepRefused, match="before the first"):
        rights.end_membership(late, on=clock.today(), by=by)


# --- The page


def test_page_changes_rights_and_asks_for_the_second_person(admin, second, police, sign_in):
    client = sign_in(admin)
    assert "Ada Minster" in client.get("/settings/rights/").content.decode()

    client.post("/settings/rights/", {"person": police.pk, "roles": ["member", "scheme_admin"]})
    asked = RightsRequest.objects.get()
    assert client.post(f"/settings/rights/{asked.pk}/", {"do": "approve"}).status_code == 409
    sign_in(second).post(f"/settings/rights/{asked.pk}/", {"do": "approve"})

    police.refresh_from_db()
    assert sorted(police.roles) == ["member", "scheme_admin"]


def test_page_does_not_offer_oneself(admin, sign_in):
    client = sign_in(admin)

    assert f'<option value="{admin.pk}"' not in client.get("/settings/rights/").content.decode()
    answer = client.post("/settings/rights/", {"person": admin.pk, "roles": ["coordinator"]})
    admin.refresh_from_db()
    assert "There is a problem" in answer.content.decode()
    assert admin.roles == ["scheme_admin"]


def test_role_that_does_not_exist_is_a_field_error(admin, police, sign_in):
    answer = sign_in(admin).post("/settings/rights/", {"person": police.pk, "roles": ["system_admin"]})

    police.refresh_from_db()
    assert "There is a problem" in answer.content.decode()
    assert police.roles == ["member", "referrer"]


def test_request_of_another_scheme_is_the_same_404(police, by, second, sign_in):
    asked = rights.change_roles(police, ["scheme_admin"], by=by)
    stranger = factories.member(factories.scheme("london"), "scheme_admin")

    assert sign_in(stranger).post(f"/settings/rights/{asked.pk}/", {"do": "refuse"}).status_code == 404
    asked.refresh_from_db()
    assert asked.status == "waiting"
