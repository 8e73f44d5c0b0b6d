"""The shared ground: people, schemes, calendar, and the system's own records."""

from .accounts import Passkey, PasswordReset, RecoveryCode, RememberedDevice, SecondFactor, Throttle
from .base import CompositeKey, SameScheme, SchemeModel, SchemeQuerySet, per_scheme, same_scheme
from .calendar import Body, Meeting, MeetingStatus, Seat
from .dates import BankHoliday, SchemeHoliday, StoredDate
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
from .sessions import HeldPost, Session

__all__ = [
    "Agency",
    "AuditEvent",
    "BankHoliday",
    "Body",
    "CompositeKey",
    "Counter",
    "Document",
    "HeldPost",
    "Invitation",
    "LogEntry",
    "Meeting",
    "MeetingStatus",
    "Membership",
    "Notification",
    "OutboxMessage",
    "PolicyVersion",
    "Reminder",
    "Passkey",
    "PasswordReset",
    "Role",
    "RecoveryCode",
    "SameScheme",
    "RememberedDevice",
    "Scheme",
    "SchemeHoliday",
    "SchemeModel",
    "SchemeQuerySet",
    "Seat",
    "StoredDate",
    "Tick",
    "User",
    "SecondFactor",
    "Session",
    "Throttle",
    "per_scheme",
    "same_scheme",
]
