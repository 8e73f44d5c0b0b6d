"""Permissions of Django are given by object alone, and to people alone (security.md Z7, design.md 3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.utils import DatabaseError
from guardian.models import GroupObjectPermission, UserObjectPermission, UserObjectPermissionBase

from iom.starting import before_start

from .models import Case, CaseGrant


def general_grants(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """What opens more than one case on which a person is named, in words; empty when all is well."""
    accounts = get_user_model().objects.using(using)
    found = {
        "permissions given to an account for a model as a whole": accounts.filter(user_permissions__isnull=False),
        "permissions given to a group": Group.objects.using(using).filter(permissions__isnull=False),
        "accounts in a group": accounts.filter(groups__isnull=False),
        "superusers": accounts.filter(is_superuser=True),
        "grants that are no foreign key (guardian's general tables)": UserObjectPermission.objects.using(using).all(),
        "grants to a group": GroupObjectPermission.objects.using(using).all(),
    }
    return [words for words, rows in found.items() if rows.exists()]


@checks.register(checks.Tags.database)
def only_grants_by_object(
    app_configs: Any, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[checks.Error]:
    """`manage.py check --database default`, and after each migration."""
    errors = []
    for alias in databases or ():
        try:
            with transaction.atomic(using=alias):
                found = general_grants(alias)
        except DatabaseError:  # Not migrated yet, or not there: other checks speak of that.
            continue
        errors += [
            checks.Error(
                f"There are {words}.", hint="Take them away: rights come from memberships.", id="offenders.E001"
            )
            for words in found
        ]
    return errors


@checks.register(checks.Tags.security)
def grants_are_foreign_keys(app_configs: Any, **kwargs: Any) -> list[checks.Error]:
    """A grant on a case is a row with a foreign key to it, so it ends with the case and the database holds it.

    Asked of the models alone: this runs before there are tables.
    """
    kept_in = [
        each.related_model
        for each in Case._meta.related_objects
        if isinstance(each.related_model, type) and issubclass(each.related_model, UserObjectPermissionBase)
    ]
    if kept_in == [CaseGrant]:
        return []
    return [checks.Error("Grants on cases are not kept in CaseGrant.", obj=Case, id="offenders.E002")]


@before_start
def general_grants_that_open_doors() -> Iterable[str]:
    """A process does not serve while somebody holds a permission on everything."""
    try:
        with transaction.atomic():
            found = general_grants()
    except DatabaseError:
        return
    for words in found:
        yield f"There are {words} in the database of DATABASE_URL. Take them away: rights come from memberships."
