"""The shared ground: people, schemes, calendar, and the system's own records."""

from auditlog.registry import auditlog

from .accounts import Passkey, PasswordReset, RecoveryCode, RememberedDevice, SecondFactor, Throttle
from .base import CompositeKey, SameScheme, SchemeModel, SchemeQuerySet, per_scheme, same_scheme
from .bodies import Accountability, ChairAppointment, ChairReview, JoinRequest, OtherMeeting, Training
from .calendar import Body, Grouping, Meeting, MeetingStatus, Seat
from .dates import BankHoliday, SchemeHoliday, StoredDate
from .exports import Export
from .feeds import CalendarFeed
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
    "Accountability",
    "Agency",
    "AuditEvent",
    "BankHoliday",
    "Body",
    "CalendarFeed",
    "ChairAppointment",
    "ChairReview",
    "CompositeKey",
    "Counter",
    "Document",
    "Export",
    "FileState",
    "FormKey",
    "Grouping",
    "Handling",
    "HeadDelivery",
    "HeldPost",
    "Invitation",
    "JoinRequest",
    "LogEntry",
    "Meeting",
    "MeetingStatus",
    "Membership",
    "Notification",
    "OtherMeeting",
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
    "Training",
    "User",
    "per_scheme",
    "same_scheme",
]

for _model in (Accountability, ChairAppointment, ChairReview, JoinRequest, Training):
    auditlog.register(_model)
