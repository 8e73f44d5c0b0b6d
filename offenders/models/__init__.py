"""People and their cases."""

from auditlog.registry import auditlog

from offenders.models.cases import (
    Assignment,
    AssignmentRole,
    BreakGlass,
    Case,
    CaseGrant,
    CaseStatus,
    Colour,
    CustodyPeriod,
    RagRating,
    Restriction,
    Search,
    Supervision,
    may_open,
)
from offenders.models.leads import HandOver
from offenders.models.leaving import Leaving, SafetyView, ToldOfLeaving
from offenders.models.people import Alias, Gender, Offender
from offenders.models.records import (
    Cover,
    InGroup,
    IntelligenceCheck,
    Listed,
    Premises,
    SuccessStory,
)
from offenders.models.related import AtRisk, Audience, RelatedOpening, RelatedPerson, Relation, WhyEnded
from offenders.models.safeguarding import (
    Check,
    CheckAsked,
    CheckKind,
    CheckOutcome,
    HowKnown,
    MashReferral,
)
from offenders.models.sheets import RowToImport, SheetToImport
from offenders.models.timeline import Entry, EntryKind
from offenders.models.transfers import LIAISON, SEEN_FROM_THERE, Transfer, TransferKind, TransferShare, TransferStatus
from offenders.models.views import SavedView

__all__ = [
    "LIAISON",
    "SEEN_FROM_THERE",
    "Alias",
    "Assignment",
    "AssignmentRole",
    "AtRisk",
    "Audience",
    "BreakGlass",
    "Case",
    "CaseGrant",
    "CaseStatus",
    "Check",
    "CheckAsked",
    "CheckKind",
    "CheckOutcome",
    "Colour",
    "Cover",
    "CustodyPeriod",
    "Entry",
    "EntryKind",
    "Gender",
    "HandOver",
    "HowKnown",
    "InGroup",
    "IntelligenceCheck",
    "Leaving",
    "Listed",
    "MashReferral",
    "Offender",
    "Premises",
    "RagRating",
    "RelatedOpening",
    "RelatedPerson",
    "Relation",
    "Restriction",
    "RowToImport",
    "SafetyView",
    "SavedView",
    "Search",
    "SheetToImport",
    "SuccessStory",
    "Supervision",
    "ToldOfLeaving",
    "Transfer",
    "TransferKind",
    "TransferShare",
    "TransferStatus",
    "WhyEnded",
    "may_open",
]

for _model in (
    Offender,
    Alias,
    Case,
    RagRating,
    Assignment,
    CustodyPeriod,
    Supervision,
    RelatedPerson,
    RelatedOpening,
    Transfer,
    Check,
    CheckAsked,
    MashReferral,
    Leaving,
    ToldOfLeaving,
    InGroup,
    Cover,
    IntelligenceCheck,
    SuccessStory,
    Listed,
    Premises,
    HandOver,
):
    auditlog.register(_model)
