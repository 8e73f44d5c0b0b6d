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
    may_open,
)
from offenders.models.people import Alias, Gender, Offender

__all__ = [
    "Alias",
    "Assignment",
    "AssignmentRole",
    "BreakGlass",
    "Case",
    "CaseGrant",
    "CaseStatus",
    "Colour",
    "CustodyPeriod",
    "Gender",
    "Offender",
    "RagRating",
    "Restriction",
    "Search",
    "may_open",
]

for _model in (Offender, Alias, Case, RagRating, Assignment, CustodyPeriod):
    auditlog.register(_model)
