"""Action plans: needs by pathway, and who does what by when."""

from .actions import STILL_TO_DO, Action, ActionStatus
from .plans import PathwayNeed, Plan, PlanStatus

__all__ = [
    "STILL_TO_DO",
    "Action",
    "ActionStatus",
    "PathwayNeed",
    "Plan",
    "PlanStatus",
]
