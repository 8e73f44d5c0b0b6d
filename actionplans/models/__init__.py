"""Action plans: needs by pathway, who does what by when, what was offered, money, reviews, visits; services, reports on
cases, statements for courts.
"""

from .actions import STILL_TO_DO, Action, ActionKind, ActionStatus
from .at_exit import ActionAtExit, AtExit
from .copies import PlanCopy
from .funding import Funding, FundingStatus
from .offers import Offer, OfferAnswer
from .plans import PathwayNeed, Plan, PlanStatus, PlanVersion
from .reports import ManagementReport, Supervisor, SupervisorReview
from .reviews import PanelUpdate, Review
from .services import Agreement, GapNote, Service
from .statements import CourtStatement, StatementGiven, StatementStatus
from .tactics import MarkerTask, Tactic, TacticAnswer
from .transition import TransitionPlan, TransitionStep
from .visits import Visit

__all__ = [
    "STILL_TO_DO",
    "Action",
    "ActionAtExit",
    "ActionKind",
    "ActionStatus",
    "Agreement",
    "AtExit",
    "CourtStatement",
    "Funding",
    "FundingStatus",
    "GapNote",
    "ManagementReport",
    "MarkerTask",
    "Offer",
    "OfferAnswer",
    "PanelUpdate",
    "PathwayNeed",
    "Plan",
    "PlanCopy",
    "PlanStatus",
    "PlanVersion",
    "Review",
    "Service",
    "StatementGiven",
    "StatementStatus",
    "Supervisor",
    "SupervisorReview",
    "Tactic",
    "TacticAnswer",
    "TransitionPlan",
    "TransitionStep",
    "Visit",
]
