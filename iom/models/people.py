"""Accounts, schemes, organisations, and who acts for whom."""

from __future__ import annotations

import json
from copy import copy
from datetime import date, datetime
from typing import Any

import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.functional import cached_property

from iom import together
from iom.clock import now
from iom.policy import Policy, parse_policy

from .base import SchemeModel, SchemeQuerySet, per_scheme, same_scheme


class UserManager(BaseUserManager["User"]):
    """Accounts are found by e-mail, ignoring case (security.md A1)."""

    def create_user(self, email: str, name: str, password: str | None = None, **fields: Any) -> User:
        """An account; without a password nobody can sign in to it until the invitation is used."""
        user = self.model(email=self.normalize_email(email).strip(), name=name, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=(username or "").strip())


class User(AbstractBaseUser, PermissionsMixin):
    """One person's account, whatever schemes and agencies they act for: outside the schemes (security.md Z3)."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=40, blank=True)
    is_active = models.BooleanField(default=True)
    is_system_admin = models.BooleanField(default=False, help_text="Runs the installation; has no case data.")
    created_at = models.DateTimeField(default=now, editable=False)
    single_keys = models.BooleanField(default=False, help_text="Single letters work in the live meeting.")

    # Every change to an account leaves an audit event; sign-ins and passwords are recorded by their own verbs.
    watched = True
    not_in_audit = ("last_login", "password")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]
    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="iom_user_email_once")]
        triggers = [
            # security.md S3: however an account is disabled, enabling it again revives no session.
            pgtrigger.Trigger(
                name="disabled_ends_sessions",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("is_active"),
                condition=pgtrigger.Q(old__is_active=True, new__is_active=False),
                func="DELETE FROM iom_session WHERE user_id = NEW.id; RETURN NULL;",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Scheme(models.Model):
    """A local IOM scheme. It owns its bodies, cases and referrals; nothing crosses schemes but a recorded transfer."""

    slug = models.SlugField(unique=True, max_length=40)
    name = models.CharField(max_length=120)
    short_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.name

    def policy_on(self, day: date) -> PolicyVersion:
        """The policy version in force on `day`; the first one for days before it began."""
        return together.run(self.version_on_steps(day))

    def version_on_steps(self, day: date) -> together.Steps[PolicyVersion]:
        """`policy_on`, among other reads (`iom.together`)."""
        in_force, oldest = yield [_in_force_on(self.pk, day), _oldest(self.pk)]
        return (yield from _kept(in_force or oldest, self))

    def expect(self) -> int | None:
        """Take the rules that were in force when last asked, until `confirm`; their number, or None if never asked."""
        number = _in_force.get(self.pk)
        if number is not None:
            self.__dict__["policy_version"] = together.run(_kept(number, self))
        return number

    def confirm(self, day: date) -> together.Steps[int | None]:
        """Read which rules are in force on `day`, today; their number."""
        version = yield from self.version_on_steps(day)
        if version is not None:
            _in_force[self.pk] = version.pk
            self.__dict__["policy_version"] = version
        return version.pk if version else None

    @cached_property
    def policy_version(self) -> PolicyVersion:
        """The version in force today."""
        from iom.clock import today

        return self.policy_on(today())

    @property
    def policy(self) -> Policy:
        """Today's rules, typed."""
        return self.policy_version.policy


_parsed: dict[int, Policy] = {}
_by_words: dict[str, Policy] = {}
_versions: dict[int, PolicyVersion] = {}
# By scheme: what was in force when last asked. Never believed without asking again.
_in_force: dict[int, int] = {}


def _numbers(scheme: int) -> models.QuerySet:
    versions = PolicyVersion.objects.filter(scheme=scheme).order_by("-valid_from", "-number")
    return versions.values_list("pk", flat=True)


@together.worded
def _in_force_on(scheme: int, day: date) -> together.First:
    return together.first(_numbers(scheme).filter(valid_from__lte=day))


@together.worded
def _oldest(scheme: int) -> together.First:
    return together.first(_numbers(scheme).reverse())


def _kept(number: int | None, scheme: Scheme) -> together.Steps[PolicyVersion | None]:
    """The version with this number: rows never change, so each is read once a process, and given out as a copy."""
    if number is None:
        return None
    if number not in _versions:
        _versions[number] = yield together.first(PolicyVersion.objects.filter(pk=number))
    version = copy(_versions[number])
    version._state = copy(version._state)
    version._state.fields_cache = {"scheme": scheme}
    return version


class PolicyVersion(SchemeModel):
    """A scheme's rules from a date. Never edited, only superseded; each decision keeps the one it was made under."""

    number = models.PositiveIntegerField()
    valid_from = models.DateField()
    document = models.JSONField()
    reason = models.CharField(max_length=300)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    # Of a stand-in (`iom.asked_before`), which has no document.
    kept_policy: Policy | None = None

    class Meta:
        constraints = [
            per_scheme(),
            models.UniqueConstraint(fields=["scheme", "number"], name="iom_policyversion_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.scheme.slug} rules {self.number}"

    @property
    def policy(self) -> Policy:
        """The document, validated. Rows never change, so each is parsed once a process; equal ones are one."""
        if self.kept_policy is not None:
            return self.kept_policy
        if self.pk not in _parsed:
            words = json.dumps(self.document, sort_keys=True)
            if words not in _by_words:
                _by_words[words] = parse_policy(self.document, origin=str(self))
            _parsed[self.pk] = _by_words[words]
        return _parsed[self.pk]


class Agency(SchemeModel):
    """An organisation as one scheme knows it. `kind` is what rules ask for ("probation manages statutory cases")."""

    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    core = models.BooleanField(default=True, help_text="Asked about every person, and its attendance is watched.")

    class Meta:
        constraints = [
            per_scheme(),
            models.UniqueConstraint(fields=["scheme", "slug"], name="iom_agency_slug_once"),
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person may be in a scheme. Lead professional and police officer are assignments on a case, not roles."""

    MEMBER = "member", "Panel member"
    REFERRER = "referrer", "Referrer"
    RESEARCHER = "researcher", "Researcher"
    COORDINATOR = "coordinator", "Coordinator"
    CHAIR = "chair", "Chair"
    BOARD_READER = "board_reader", "Board reader"
    SCHEME_ADMIN = "scheme_admin", "Scheme administrator"


class MembershipQuerySet(SchemeQuerySet):
    def current(self, on: date) -> MembershipQuerySet:
        """Memberships that hold on the day `on`, of accounts in use."""
        return self.filter(models.Q(until=None) | models.Q(until__gt=on), starts_on__lte=on, user__is_active=True)

    def acting(self, on: date) -> MembershipQuerySet:
        """Those that hold on the day `on`, as somebody chooses among them: with scheme and account, by scheme."""
        return self.current(on).select_related("scheme", "user").order_by("scheme__name", "pk")

    def with_role(self, *roles: str) -> MembershipQuerySet:
        return self.filter(roles__overlap=list(roles))


class Membership(SchemeModel):
    """A person acting for an agency in a scheme, with roles, from a day until (not including) another."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="memberships")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices), default=list)
    post = models.CharField(max_length=120, blank=True)
    starts_on = models.DateField()
    until = models.DateField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            per_scheme(),
            *same_scheme("agency"),
            models.UniqueConstraint(fields=["scheme", "user", "agency"], name="iom_membership_once"),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gte=models.F("starts_on")),
                name="iom_membership_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.name}, {self.agency.name}"


class Invitation(SchemeModel):
    """A way in for one person: one use, 72 hours (security.md A1). Only a digest of the link's secret is kept."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices))
    post = models.CharField(max_length=120, blank=True)
    seat_ids = ArrayField(models.BigIntegerField(), default=list, help_text="Seats that the person will hold")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [per_scheme(), *same_scheme("agency")]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    def is_open(self, at: datetime) -> bool:
        """Whether the link still works at that instant."""
        return self.spent_at is None and at < self.expires_at
