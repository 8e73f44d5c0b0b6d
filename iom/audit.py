"""The one door to the audit (security.md U1 to U3)."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from iom import clock
from iom.models import AuditEvent

if TYPE_CHECKING:
    from iom.access import Actor

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
