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
from panels.models.live import KeptWords
from panels.models.minutes import Minutes, MinutesStatus
from panels.models.notices import Notice
from panels.models.people import AgreementSignature, Attendance, Circulation
from panels.models.votes import Undone, Vote

__all__ = [
    "LEAD_ROLES",
    "AgendaItem",
    "AgreementSignature",
    "Attendance",
    "Circulation",
    "Consulted",
    "Decision",
    "Harm",
    "How",
    "ItemAction",
    "ItemAgency",
    "ItemState",
    "KeptWords",
    "Minutes",
    "MinutesStatus",
    "MovedMeeting",
    "Notice",
    "Outcome",
    "OutsideDecision",
    "Section",
    "Side",
    "Undone",
    "Vote",
]

for _model in (AgendaItem, Circulation, Attendance, ItemAction, Minutes, Notice):
    auditlog.register(_model, exclude_fields=["record"])
