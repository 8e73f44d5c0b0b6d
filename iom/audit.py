"""The one door to the audit (security.md U1 to U3)."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from iom import clock
from iom.models import AuditEvent, Membership

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import User

request_id: ContextVar[str] = ContextVar("request_id", default="")


def reference(thing: Any) -> str:
    """How a thing is named outside its pages: its reference, else its number."""
    return str(getattr(thing, "reference", None) or thing.pk)


def record(
    verb: str,
    thing: Any,
    *,
    by: Actor,
    before: str = "",
    after: str = "",
    reason: str = "",
    fields: Iterable[str] = (),
    subjects: Iterable[str] = (),
    outcome: str = "done",
    **context: str | int | bool | None,
) -> AuditEvent:
    """Write what was done, in the caller's transaction. Labels and names of fields only: no values, no free text.

    `subjects` are case or referral references of the people concerned; `context` says where it was (meeting, item).
    """
    return AuditEvent.objects.create(
        scheme=by.scheme,
        at=clock.now(),
        actor=by.label,
        caused_by=by.cause,
        roles=",".join(sorted(by.roles)),
        agency=by.agency.slug if by.agency else "",
        verb=verb,
        outcome=outcome,
        object_type=thing._meta.label_lower,
        object_ref=reference(thing),
        subjects=sorted(set(subjects)),
        before=before,
        after=after,
        fields=sorted(fields),
        has_reason=bool(reason.strip()),
        context={name: value for name, value in context.items() if value is not None},
        request_id=request_id.get(),
    )


def account(verb: str, user: User, *, outcome: str = "done", **context: str | int | bool | None) -> None:
    """Write what happened to an account: sign-in, failure, code, reset, session end (security.md U2).

    It stands in the audit of each scheme in which the person acts, since accounts belong to none.
    """
    for membership in Membership.objects.filter(user=user).distinct("scheme").select_related("scheme"):
        AuditEvent.objects.create(
            scheme=membership.scheme,
            at=clock.now(),
            actor=f"user:{user.pk}",
            verb=verb,
            outcome=outcome,
            object_type="iom.user",
            object_ref=str(user.pk),
            context={name: value for name, value in context.items() if value is not None},
            request_id=request_id.get(),
        )
