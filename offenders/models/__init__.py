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
from offenders.models.related import AtRisk, Audience, RelatedOpening, RelatedPerson, Relation, WhyEnded
from offenders.models.sheets import RowToImport, SheetToImport

__all__ = [
    "Alias",
    "Assignment",
    "AssignmentRole",
    "AtRisk",
    "Audience",
    "BreakGlass",
    "Case",
    "CaseGrant",
    "CaseStatus",
    "Colour",
    "CustodyPeriod",
    "Gender",
    "Offender",
    "RagRating",
    "RelatedOpening",
    "RelatedPerson",
    "Relation",
    "Restriction",
    "RowToImport",
    "Search",
    "SheetToImport",
    "WhyEnded",
    "may_open",
]

for _model in (Offender, Alias, Case, RagRating, Assignment, CustodyPeriod, RelatedPerson, RelatedOpening):
    auditlog.register(_model)
