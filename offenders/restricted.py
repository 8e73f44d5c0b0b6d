"""Restricted cases: kept to people who are named, one by one, with a reason and an end (security.md Z4, Z5, Z7, Z12).

Whoever is not named meets the same 404 as for what never existed, and finds the case nowhere. Coordinator and chair
know its reference and its owner, and may open it in an emergency for an hour, which others are told of and look over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.urls import reverse

from iom import audit, clock, notify, together
from iom.models import Membership, Notification, Role, Scheme, User
from iom.steps import StepRefused, locked
from iom.together import Steps

from .models import Assignment, AssignmentRole, BreakGlass, Case, CaseGrant, Restriction
from .querysets import CaseQuerySet, everything_called, named

if TYPE_CHECKING:
    from iom.access import Actor

OPENS = "open_restricted_case"
# Whom a restricted case can be opened to: those who work with cases.
AT_THE_TABLE = (Role.MEMBER, Role.RESEARCHER, Role.COORDINATOR, Role.CHAIR)
# Notices that say no more of a restricted case than that it is one; they may go to people who are not named on it.
SAYS_NO_MORE = ("opened_in_emergency", "named_on_case", "no_longer_named")
REFERENCE = re.compile(r"\b[A-Z]{2,6}(?:-R)?-\d+\b")


# --- Restricting and lifting -------------------------------------------------


@transaction.atomic
def restrict(case: Case, *, reason: str, people: Sequence[Membership], until: date, by: Actor) -> Restriction:
    """Keep a case to `people`, each until the end of the day `until`.

    Its lead professional answers for it, else whoever restricts it.

    What others were told of it in the application is taken away. Raises PermissionDenied, or StepRefused when it is
    restricted already, nobody is named, or the end is past.
    """
    case = locked(Case, case.pk)
    _must_be_allowed(by, case)
    if case.restricted:
        raise StepRefused(["This case is restricted already."])
    if not people:
        raise StepRefused(["Name at least one person who can open the case."])
    owner = lead_of(case) or by.membership
    case.restricted = True
    case.version += 1
    case.save(update_fields=["restricted", "version"])
    made = Restriction.objects.create(
        scheme=case.scheme,
        case=case,
        owner=owner,
        reason=_reason(reason),
        restricted_at=clock.now(),
        restricted_by=by.user,
    )
    audit.record("restrict", case, by=by, before="open", after="restricted", reason=reason, subjects=[case.reference])
    for membership in people:
        _name(case, membership, reason=reason, until=until, by=by)
    _take_back_notices(case)
    return made


@transaction.atomic
def lift(case: Case, *, reason: str, by: Actor) -> Case:
    """Open a case again to all who read cases. Raises PermissionDenied or StepRefused."""
    case = locked(Case, case.pk)
    _must_be_allowed(by, case)
    if not case.restricted:
        raise StepRefused(["This case is not restricted."])
    if not manages(by, case):
        raise StepRefused(["You are not named on this case. Ask its owner to lift the restriction."])
    case.restricted = False
    case.version += 1
    case.save(update_fields=["restricted", "version"])
    Restriction.objects.filter(case=case, lifted_at=None).update(
        lifted_at=clock.now(), lifted_by=by.user, lifted_because=_reason(reason)
    )
    for held in CaseGrant.objects.filter(content_object=case):
        _end(held, by=by)
    BreakGlass.objects.filter(case=case, ends_at__gt=clock.now()).update(ends_at=clock.now())
    audit.record(
        "lift_restriction", case, by=by, before="restricted", after="open", reason=reason, subjects=[case.reference]
    )
    return case


# --- Naming people -----------------------------------------------------------


@transaction.atomic
def grant(case: Case, membership: Membership, *, reason: str, until: date, by: Actor) -> CaseGrant:
    """Name one more person on a restricted case, until the end of the day `until`; named again, the new end holds.

    Raises PermissionDenied, or StepRefused: nobody names themselves (security.md Z11).
    """
    case = locked(Case, case.pk)
    _must_be_allowed(by, case)
    if not case.restricted:
        raise StepRefused(["This case is not restricted: everyone who reads cases can open it."])
    if by.user is not None and membership.user_id == by.user.pk:
        raise StepRefused(["Nobody names themselves. Ask somebody else who is named on the case."])
    held = _name(case, membership, reason=reason, until=until, by=by)
    notify.tell(
        [membership.user],
        scheme=case.scheme,
        kind="named_on_case",
        subject=f"{case.reference} {held.pk} {until:%Y-%m-%d}",
        text=f"You can now open restricted case {case.reference}",
        url=reverse("case", args=[case.reference]),
        email_body=f"You are named on restricted case {case.reference}. Nobody else finds it. Sign in:",
    )
    return held


@transaction.atomic
def end_grant(held: CaseGrant, *, by: Actor) -> None:
    """Take a person off a restricted case, at once. Raises PermissionDenied, or StepRefused for the last one."""
    case = locked(Case, held.content_object_id)
    _must_be_allowed(by, case)
    if not _standing(case).exclude(pk=held.pk).exists():
        raise StepRefused(["One person has to stay named on the case. Name another first, or lift the restriction."])
    _end(held, by=by)


def _name(case: Case, membership: Membership, *, reason: str, until: date, by: Actor) -> CaseGrant:
    current = Membership.objects.filter(scheme=case.scheme).current(clock.today()).with_role(*AT_THE_TABLE)
    if not current.filter(pk=membership.pk).exists():
        raise StepRefused(["Name people who work with cases in this scheme now."])
    if until < clock.today():
        raise StepRefused(["The last day must be today or later."])
    if until > last_day_allowed():
        raise StepRefused([f"The last day must be within {settings.RESTRICTED_GRANT_DAYS} days. It can be set again."])
    held, _ = CaseGrant.objects.update_or_create(
        user=membership.user,
        permission=permission(),
        content_object=case,
        defaults={
            "granted_by": by.user,
            "reason": _reason(reason),
            "granted_at": clock.now(),
            "expires_at": _end_of(until),
        },
    )
    by.forget()
    audit.record(
        "grant",
        held,
        by=by,
        reason=reason,
        subjects=[case.reference],
        to=f"user:{membership.user_id}",
        until=until.isoformat(),
    )
    return held


def _end(held: CaseGrant, *, by: Actor, why: str = "ended") -> None:
    case, user = held.content_object, held.user
    audit.record("end_grant", held, by=by, after=why, subjects=[case.reference], to=f"user:{user.pk}")
    held.delete()
    by.forget()
    if case.restricted:
        _take_back_notices(case, of=user)


def permission() -> Permission:
    """The one permission that is granted by object; never to a model as a whole (security.md Z7)."""
    return Permission.objects.get(content_type__app_label="offenders", codename=OPENS)


def last_day_allowed() -> date:
    """The latest end that a grant may have when it is made today."""
    return clock.today() + timedelta(days=settings.RESTRICTED_GRANT_DAYS)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), clock.LONDON)


def _reason(text: str) -> str:
    text = text.strip()
    if not text:
        raise StepRefused(["Give a reason."])
    return text


def _must_be_allowed(by: Actor, case: Case) -> None:
    if not by.can("offenders.restrict_case", case):
        raise PermissionDenied


def _standing(case: Case) -> object:
    return CaseGrant.objects.filter(content_object=case, user__is_active=True).filter(
        Q(expires_at=None) | Q(expires_at__gt=clock.now())
    )


def manages(actor: Actor, case: Case) -> bool:
    """Whether a restriction is the actor's to lift: by being named; after an emergency opening only if nobody is."""
    return Case.objects.filter(named(actor), pk=case.pk).exists() or not _standing(case).exists()


def grants_of(case: Case) -> list[CaseGrant]:
    """Everyone named on a case, those whose time is over included."""
    return list(
        CaseGrant.objects.filter(content_object=case).select_related("user", "granted_by").order_by("user__name")
    )


def named_people(case: Case) -> tuple[User, ...]:
    """Who can open a restricted case now: whom reminders about it go to, and nobody else."""
    return tuple(held.user for held in _standing(case).select_related("user").order_by("pk"))


# --- Who answers for it ------------------------------------------------------


def lead_of(case: Case) -> Membership | None:
    """The lead professional, if they act here with an account of their own."""
    held = case.assigned(AssignmentRole.LEAD_PROFESSIONAL)
    return held.membership if held is not None else None


def owner_of(case: Case) -> Membership | None:
    """Who answers for a restricted case: its lead professional, else whoever restricted it."""
    if (lead := lead_of(case)) is not None:
        return lead
    made = case.restrictions.filter(lifted_at=None).select_related("owner__user", "owner__agency").first()
    return made.owner if made is not None else None


@dataclass(frozen=True, slots=True)
class Sealed:
    """What coordinator and chair know of a restricted case on which they are not named: no more than this."""

    reference: str
    owner: str

    @classmethod
    def of(cls, case: Case) -> Sealed:
        """The case without its person."""
        owner = owner_of(case)
        return cls(case.reference, f"{owner.user.name}, {owner.agency.name}" if owner else "")


def sealed_cases(actor: Actor) -> list[Sealed]:
    """The restricted cases on the cohort whose reference and owner the actor may know, by reference."""
    return together.run(sealed_cases_steps(actor))


def sealed_cases_steps(actor: Actor) -> Steps[list[Sealed]]:
    """`sealed_cases`, read together with other rows; owners with them."""
    known = "opened" in actor.known and actor.has_role("coordinator", "chair") and actor.holds("offenders.view_cohort")
    if known:
        found = yield _shut(scheme=actor.scheme.pk, opened=sorted(actor.known["opened"]))
    else:
        found = yield _owned(Case.objects.sealed_to(actor))
    return [Sealed(reference, lead or by or "") for reference, lead, by in found]


@together.worded
def _shut(*, scheme: int, opened: list[int]) -> QuerySet:
    return _owned(Case.objects.shut(scheme, opened))


def _owned(cases: CaseQuerySet) -> QuerySet:
    """Of those on the cohort the reference, the lead professional in words, and whoever restricted the case."""
    rows = cases.not_closed().order_by("reference")
    leads = Assignment.objects.filter(role=AssignmentRole.LEAD_PROFESSIONAL, until=None, membership__isnull=False)
    made = Restriction.objects.filter(lifted_at=None).order_by("-restricted_at")
    owned = rows.annotate(
        lead=Subquery(_owner(leads, "membership")),
        by=Subquery(_owner(made, "owner")),
    )
    return owned.values_list("reference", "lead", "by")


def _owner(rows: QuerySet, held: str) -> QuerySet:
    """In words, who answers for the case of the outer query."""
    words = Concat(f"{held}__user__name", Value(", "), f"{held}__agency__name")
    return rows.filter(case=OuterRef("pk")).values_list(words)[:1]


# --- In an emergency ---------------------------------------------------------


@transaction.atomic
def break_glass(case: Case, *, reason: str, by: Actor) -> BreakGlass:
    """Open a restricted case to its scheme's coordinator or chair for an hour; owner and scheme admins hear at once.

    The caller has asked for a fresh code (security.md M5). Raises PermissionDenied, or StepRefused for a reason that
    is shorter than `BREAK_GLASS_REASON` characters.
    """
    case = locked(Case, case.pk)
    if not by.can("offenders.break_glass", case) or by.membership is None:
        raise PermissionDenied
    if len(" ".join(reason.split())) < settings.BREAK_GLASS_REASON:
        raise StepRefused([f"Give a reason of at least {settings.BREAK_GLASS_REASON} characters."])
    now = clock.now()
    opening = BreakGlass.objects.create(
        scheme=case.scheme,
        case=case,
        membership=by.membership,
        reason=reason.strip(),
        opened_at=now,
        ends_at=now + timedelta(minutes=settings.BREAK_GLASS_MINUTES),
    )
    by.forget()
    audit.record("break_glass", case, by=by, reason=reason, subjects=[case.reference], opening=opening.pk)
    _tell_of(opening, by)
    return opening


def _tell_of(opening: BreakGlass, by: Actor) -> None:
    case = opening.case
    said = f"Restricted case {case.reference} was opened in an emergency"
    owner = owner_of(case)
    if owner is not None and owner.user_id != by.user.pk:
        notify.tell(
            [owner.user],
            scheme=case.scheme,
            kind="opened_in_emergency",
            subject=f"{case.reference} {opening.pk}",
            text=said,
            url=reverse("case", args=[case.reference]),
            email_body="You answer for this case. The scheme administrator looks over who opened it and why. Sign in:",
        )
    admins = Membership.objects.filter(scheme=case.scheme).current(clock.today()).with_role(Role.SCHEME_ADMIN)
    notify.tell(
        {held.user for held in admins.select_related("user")},
        scheme=case.scheme,
        kind="opened_in_emergency",
        subject=f"{case.reference} {opening.pk} review",
        text=said,
        url=reverse("openings"),
        email_body="Look over who opened it, when and why:",
    )


def present_opening(actor: Actor, case: Case) -> BreakGlass | None:
    """The opening by which the actor reads a restricted case now, if they are not named on it."""
    return together.run(present_opening_steps(actor, case))


def present_opening_steps(actor: Actor, case: Case) -> Steps[BreakGlass | None]:
    """`present_opening`, read together with other rows."""
    if not case.restricted or actor.membership is None:
        return None

    def open_now() -> together.First:
        rows = BreakGlass.objects.filter(case=case.pk, membership=actor.membership, ends_at__gt=clock.now())
        return together.first(rows.order_by("-ends_at"))

    return (yield open_now)


@transaction.atomic
def review(opening: BreakGlass, *, by: Actor) -> BreakGlass:
    """Say that an opening was looked over; said twice it holds from the first time.

    Raises PermissionDenied, or StepRefused: nobody looks over their own (security.md Z11).
    """
    opening = locked(BreakGlass, opening.pk)
    if not by.can("offenders.review_openings", opening):
        raise PermissionDenied
    if opening.membership.user_id == by.user.pk:
        raise StepRefused(["Nobody looks over their own emergency opening. Ask another person."])
    if opening.reviewed_at is None:
        opening.reviewed_at, opening.reviewed_by = clock.now(), by.user
        opening.version += 1
        opening.save(update_fields=["reviewed_at", "reviewed_by", "version"])
        audit.record("review_opening", opening, by=by, subjects=[opening.case.reference])
    return opening


def reads_reason(actor: Actor, opening: BreakGlass, open_to: set[int]) -> bool:
    """Whether the words of the reason are the actor's to read: scheme admin, the opener, whoever may open the case."""
    return actor.has_role("scheme_admin") or opening.membership_id == actor.membership.pk or opening.case_id in open_to


# --- What people are told ----------------------------------------------------


def references_of(case: Case) -> set[str]:
    """What a restricted case and the nominations of its person are called."""
    called = {case.reference}
    for rows in everything_called():
        called |= set(rows.filter(scheme=case.scheme_id, offender=case.offender_id).values_list("reference", flat=True))
    return called


def closed_references(actor: Actor) -> set[str]:
    """What the restricted cases that the actor may not open, and the nominations of their people, are called."""
    closed = Case.objects.closed_to(actor)
    called = set(closed.values_list("reference", flat=True))
    if called:
        for rows in everything_called():
            of_them = rows.filter(scheme=actor.scheme, offender__in=closed.values("offender"))
            called |= set(of_them.values_list("reference", flat=True))
    return called


@notify.gate
def keep_to_the_named(scheme: Scheme, people: list[User], kind: str, words: str) -> list[User]:
    """The last wall for notices: what speaks of a restricted case, or of a nomination of its person, is told to those
    named on it alone, whoever wrote the notice.
    """
    spoken_of = set(REFERENCE.findall(words))
    if not spoken_of or kind in SAYS_NO_MORE:
        return people
    concerned = Q(reference__in=spoken_of)
    for rows in everything_called():
        nominated = rows.filter(scheme=scheme, reference__in=spoken_of, offender=OuterRef("offender"))
        concerned |= Q(Exists(nominated))
    cases = list(Case.objects.filter(concerned, scheme=scheme, restricted=True))
    if not cases:
        return people
    for case in cases:
        can = {user.pk for user in named_people(case)}
        people = [person for person in people if person.pk in can]
    return people


def _take_back_notices(case: Case, of: User | None = None) -> None:
    """Remove from the application what people who may not open a case were told of it."""
    patterns = "|".join(re.escape(reference) for reference in sorted(references_of(case)))
    about = rf"\m({patterns})\M"
    rows = Notification.objects.filter(scheme=case.scheme).filter(
        Q(text__regex=about) | Q(url__regex=about) | Q(subject__regex=about) | Q(email_body__regex=about)
    )
    rows = rows.exclude(recipient__in=[user.pk for user in named_people(case)])
    if of is not None:
        rows = rows.filter(recipient=of)
    rows.exclude(kind="opened_in_emergency").delete()


# --- Leftovers ---------------------------------------------------------------


def remove_leftovers(scheme: Scheme, today: date, *, by: Actor) -> int:
    """Remove grants of people who left the scheme, whose account is closed, or whose time is over (security.md Z7).

    Returns how many there were. Runs each night; reading never waits for it.
    """
    stays = Membership.objects.filter(scheme=scheme, user=OuterRef("user")).current(today).with_role(*AT_THE_TABLE)
    left = CaseGrant.objects.filter(scheme=scheme).filter(
        ~Exists(stays) | Q(user__is_active=False) | Q(expires_at__lte=clock.now())
    )
    return _remove(left, by)


def remove_grants_of(user: User, scheme: Scheme, *, by: Actor) -> int:
    """Remove every grant of a person who leaves a scheme. Returns how many there were."""
    return _remove(CaseGrant.objects.filter(scheme=scheme, user=user), by)


@transaction.atomic
def _remove(grants: Iterable[CaseGrant], by: Actor) -> int:
    count = 0
    for held in grants.select_for_update(of=("self",)).select_related("content_object", "user"):
        _end(held, by=by, why="left")
        count += 1
    return count
