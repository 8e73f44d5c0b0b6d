"""No permission is given to a model as a whole, to a group, or to a superuser (security.md Z7)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from guardian.conf import settings as guardian
from guardian.models import UserObjectPermission
from guardian.shortcuts import assign_perm, get_objects_for_user

from iom import clock, starting, sweeps, walls
from offenders.checks import general_grants, grants_are_foreign_keys
from offenders.models import Case, CaseGrant
from offenders.restricted import permission
from tests import factories

pytestmark = pytest.mark.django_db


def test_grant_by_object_is_well(merton, police):
    factories.named(factories.case(merton, restricted=True), police)

    assert general_grants() == []
    call_command("check", databases=["default"])


def to_account(police):
    police.user.user_permissions.add(permission())


def to_group(police):
    Group.objects.create(name="everyone").permissions.add(permission())


def in_group(police):
    police.user.groups.add(Group.objects.create(name="everyone"))


def superuser(police):
    police.user.is_superuser = True
    police.user.save()


@pytest.mark.parametrize("give", [to_account, to_group, in_group, superuser])
def test_anything_more_general_fails_the_check_and_stops_the_start(police, give):
    give(police)

    with pytest.raises(SystemCheckError, match="offenders.E001"):
        call_command("check", databases=["default"])
    assert any("Take them away" in reason for reason in starting.reasons())


def test_model_level_permission_opens_no_restricted_case(merton, police, as_police):
    factories.signed(police)
    case = factories.case(merton, restricted=True)
    to_account(police)
    superuser(police)

    assert not Case.objects.visible_to(as_police).filter(pk=case.pk).exists()


def test_guardian_keeps_grants_in_rows_with_a_foreign_key(merton, police):
    case = factories.case(merton, restricted=True)

    assign_perm("offenders.open_restricted_case", police.user, case)

    held = CaseGrant.objects.get()
    assert (held.content_object, held.scheme) == (case, merton)
    assert not UserObjectPermission.objects.exists()
    found = get_objects_for_user(
        police.user, "offenders.open_restricted_case", with_superuser=False, accept_global_perms=False
    )
    assert list(found) == [case]


def test_guardian_makes_no_nameless_account_and_reads_no_global_permissions():
    assert guardian.ANONYMOUS_USER_NAME is None
    assert not guardian.LEGACY_GLOBAL_PERMS_GROUP_UNION


def test_clock_removes_grants_of_people_who_left(merton, police):
    other = factories.scheme("london")
    with walls.within(other, cause="test"):
        stays = factories.named(factories.case(other, restricted=True), factories.member(other, "member"))
    factories.named(factories.case(merton, restricted=True), police)
    police.until = clock.today()
    police.save()

    assert sweeps.tidy(clock.today()) == []
    assert list(CaseGrant.objects.all()) == []
    with walls.within(other, cause="test"):
        assert list(CaseGrant.objects.all()) == [stays]


@pytest.mark.django_db
def test_what_runs_before_there_are_tables_asks_them_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert grants_are_foreign_keys(None) == []
