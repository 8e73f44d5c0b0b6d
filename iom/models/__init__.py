"""The shared ground: people, schemes, calendar, and the system's own records."""

from .accounts import Passkey, PasswordReset, RecoveryCode, RememberedDevice, SecondFactor, Throttle
from .base import CompositeKey, SameScheme, SchemeModel, SchemeQuerySet, per_scheme, same_scheme
from .calendar import Body, Meeting, MeetingStatus, Seat
from .dates import BankHoliday, SchemeHoliday, StoredDate
from .exports import Export
from .files import POLICE_AND_PROBATION, FileState, Handling, StoredFile
from .heads import HeadDelivery
from .once import FormKey
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
from .rights import RightsRequest
from .sessions import HeldPost, Session

__all__ = [
    "POLICE_AND_PROBATION",
    "Agency",
    "AuditEvent",
    "BankHoliday",
    "Body",
    "CompositeKey",
    "Counter",
    "Document",
    "Export",
    "FileState",
    "FormKey",
    "Handling",
    "HeadDelivery",
    "HeldPost",
    "Invitation",
    "LogEntry",
    "Meeting",
    "MeetingStatus",
    "Membership",
    "Notification",
    "OutboxMessage",
    "Passkey",
    "PasswordReset",
    "PolicyVersion",
    "RecoveryCode",
    "RememberedDevice",
    "Reminder",
    "RightsRequest",
    "Role",
    "SameScheme",
    "Scheme",
    "SchemeHoliday",
    "SchemeModel",
    "SchemeQuerySet",
    "Seat",
    "SecondFactor",
    "Session",
    "StoredDate",
    "StoredFile",
    "Throttle",
    "Tick",
    "User",
    "per_scheme",
    "same_scheme",
]
