"""What happens at a meeting: agenda, circulation, attendance, decisions, minutes, notices."""

from auditlog.registry import auditlog

from panels.models.agenda import AgendaItem, ItemAgency, ItemState, MovedMeeting, Section
from panels.models.decisions import (
    LEAD_ROLES,
    Consulted,
    Decision,
    Harm,
    How,
    ItemAction,
    Outcome,
    OutsideDecision,
    Side,
)
from panels.models.escalations import (
    BoardAnswer,
    BoardPaper,
    Escalation,
    EscalationAction,
    EscalationItem,
    EscalationStatus,
)
from panels.models.live import KeptWords
from panels.models.minutes import (
    Addendum,
    Approval,
    CopyGiven,
    Minutes,
    MinutesComment,
    MinutesCopy,
    MinutesStatus,
)
from panels.models.notices import Notice
from panels.models.people import AgreementSignature, Attendance, Circulation
from panels.models.plans import FundingRuling
from panels.models.room import ActingChair, Floor, GuestInvitation, GuestItem, Interest, Movement, TableSignature
from panels.models.votes import Undone, Vote

__all__ = [
    "LEAD_ROLES",
    "ActingChair",
    "Addendum",
    "AgendaItem",
    "AgreementSignature",
    "Approval",
    "Attendance",
    "BoardAnswer",
    "BoardPaper",
    "Circulation",
    "Consulted",
    "CopyGiven",
    "Decision",
    "Escalation",
    "EscalationAction",
    "EscalationItem",
    "EscalationStatus",
    "Floor",
    "FundingRuling",
    "GuestInvitation",
    "GuestItem",
    "Harm",
    "How",
    "Interest",
    "ItemAction",
    "ItemAgency",
    "ItemState",
    "KeptWords",
    "Minutes",
    "MinutesComment",
    "MinutesCopy",
    "MinutesStatus",
    "MovedMeeting",
    "Movement",
    "Notice",
    "Outcome",
    "OutsideDecision",
    "Section",
    "Side",
    "TableSignature",
    "Undone",
    "Vote",
]

for _model in (AgendaItem, Circulation, Attendance, ItemAction, Minutes, Notice, Escalation, BoardPaper):
    auditlog.register(_model, exclude_fields=["record"])

for _model in (MinutesComment, Addendum):
    auditlog.register(_model, exclude_fields=["record"])

for _model in (Movement, GuestItem, Interest, ActingChair, TableSignature, GuestInvitation):
    auditlog.register(_model)
