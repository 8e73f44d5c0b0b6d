"""Action plans: needs by pathway, who does what by when, what was offered, money, reviews, visits."""

from .actions import STILL_TO_DO, Action, ActionKind, ActionStatus
from .funding import Funding, FundingStatus
from .offers import Offer, OfferAnswer
from .plans import PathwayNeed, Plan, PlanStatus, PlanVersion
from .reviews import PanelUpdate, Review
from .transition import TransitionPlan, TransitionStep

__all__ = [
    "STILL_TO_DO",
    "Action",
    "ActionKind",
    "ActionStatus",
    "Funding",
    "FundingStatus",
    "Offer",
    "OfferAnswer",
    "PanelUpdate",
    "PathwayNeed",
    "Plan",
    "PlanStatus",
    "PlanVersion",
    "Review",
    "TransitionPlan",
    "TransitionStep",
]
