"""The shared ground: people, schemes, calendar, and the system's own records."""

from .base import CompositeKey, SameScheme, SchemeModel, SchemeQuerySet, per_scheme, same_scheme
from .calendar import Body, Meeting, MeetingStatus, Seat
from .people import Agency, Invitation, Membership, PolicyVersion, Role, Scheme, User
from .records import (
    AuditEvent,
    Counter,
    Document,
    LogEntry,
    Notification,
    OutboxMessage,
    Reminder,
    Tick,
)

__all__ = [
    "Agency",
    "AuditEvent",
    "Body",
    "CompositeKey",
    "Counter",
    "Document",
    "Invitation",
    "LogEntry",
    "Meeting",
    "MeetingStatus",
    "Membership",
    "Notification",
    "OutboxMessage",
    "PolicyVersion",
    "Reminder",
    "Role",
    "SameScheme",
    "Scheme",
    "SchemeModel",
    "SchemeQuerySet",
    "Seat",
    "Tick",
    "User",
    "per_scheme",
    "same_scheme",
]
