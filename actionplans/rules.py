"""Who may do what with plans and actions."""

import rules
from django.db.models import QuerySet

from iom.access import Actor, has_role, permit
from iom.models import POLICE_AND_PROBATION, Membership
from offenders.models import Assignment, AssignmentRole, holds_a_role, may_open
from offenders.querysets import involves

from . import transition  # noqa: F401 -- registers what is asked before somebody leaves
from .models import (
    Action,
    CourtStatement,
    Funding,
    ManagementReport,
    Offer,
    Plan,
    Service,
    Supervisor,
    TransitionPlan,
    Visit,
)

at_the_table = has_role("member", "researcher", "coordinator", "chair")


@rules.predicate
def opens_its_case(actor: Actor, thing: Action | Funding | Offer | Plan | TransitionPlan | Visit | None) -> bool:
    return thing is not None and (thing.case is None or may_open(actor, thing.case))


@rules.predicate
def owns_it(actor: Actor, action: Action | Offer | None) -> bool:
    return action is not None and action.agency_id == getattr(actor.agency, "pk", None)


@rules.predicate
def is_office(actor: Actor) -> bool:
    return actor.has_role("coordinator", "chair")


@rules.predicate
def leads_it(actor: Actor, thing: Action | Funding | Offer | Plan | TransitionPlan | None) -> bool:
    """Lead professional or police officer of the case, now."""
    return thing is not None and thing.case is not None and holds_a_role(actor, thing.case)


@rules.predicate
def carried_by_us(actor: Actor, thing: Action | None) -> bool:
    """An action that one's agency carries on after the person left (ux.md 4.5)."""
    return thing is not None and Action.objects.carried_by(actor).filter(pk=thing.pk).exists()


@rules.predicate
def visits_together(actor: Actor, thing: Plan | Visit | None) -> bool:
    """Police and probation plan their visits themselves (London, Police)."""
    return actor.agency is not None and actor.agency.kind in POLICE_AND_PROBATION


permit("actionplans.view_actions", at_the_table)
permit("actionplans.view_plan", at_the_table, opens_its_case)
permit("actionplans.change_plan", at_the_table, opens_its_case & (is_office | leads_it))
permit("actionplans.update_action", at_the_table, opens_its_case & (is_office | owns_it | leads_it) | carried_by_us)
permit("actionplans.decide_funding", has_role("coordinator"), opens_its_case)
permit("actionplans.plan_visit", at_the_table, opens_its_case & (is_office | leads_it | visits_together))
permit("actionplans.agree_transition", has_role("coordinator", "chair"), opens_its_case)
permit("actionplans.tell_panel", at_the_table, opens_its_case)
permit("actionplans.make_offer", at_the_table, opens_its_case & (is_office | owns_it | leads_it))


@involves
def cases_with_our_actions(actor: Actor) -> QuerySet:
    return Action.objects.filter(agency=actor.agency, case__isnull=False).values("case")


# --- Services, management reports, court statements -------------------------------------------


@rules.predicate
def provides_it(actor: Actor, service: Service | None) -> bool:
    """Members keep what their own agency provides; a service of nobody's agency is the coordinator's."""
    return service is not None and service.agency_id is not None and service.agency_id == getattr(actor.agency, "pk", 0)


@rules.predicate
def is_lead_professional(actor: Actor, thing: CourtStatement | ManagementReport | None) -> bool:
    """Lead professional of the case now: not the second contact."""
    if thing is None or thing.case_id is None or actor.membership is None:
        return False
    held = Assignment.objects.filter(case_id=thing.case_id, role=AssignmentRole.LEAD_PROFESSIONAL, until=None)
    return held.filter(membership=actor.membership).exists()


@rules.predicate
def supervises_its_lead(actor: Actor, report: ManagementReport | None) -> bool:
    """Supervisor, now, of whoever leads the case as lead officer, and not the lead officer themselves."""
    if report is None or report.case_id is None or actor.membership is None:
        return False
    lead = Assignment.objects.filter(case_id=report.case_id, role=AssignmentRole.LEAD_PROFESSIONAL, until=None)
    lead = lead.exclude(membership__user=actor.user)
    return Supervisor.objects.present().filter(lead__in=lead.values("membership"), supervisor=actor.membership).exists()


@rules.predicate
def may_name_for(actor: Actor, lead: Membership | None) -> bool:
    """The coordinator for everybody; an agency for its own officers, but nobody for themselves."""
    if lead is None or (actor.user is not None and lead.user_id == actor.user.pk):
        return False
    return actor.has_role("coordinator") or lead.agency_id == getattr(actor.agency, "pk", 0)


office_alone = has_role("coordinator")
# What help there is names nobody: whoever nominates and whoever reads for the board may know it too.
permit("actionplans.view_services", at_the_table | has_role("referrer", "board_reader"))
permit("actionplans.keep_service", has_role("member", "researcher", "coordinator"), office_alone | provides_it)
permit("actionplans.view_gaps", at_the_table | has_role("board_reader"))
permit("actionplans.keep_gaps", office_alone)
permit("actionplans.view_agreements", at_the_table | has_role("board_reader"))
permit("actionplans.keep_agreement", office_alone)
permit("actionplans.view_reports", at_the_table, opens_its_case)
permit("actionplans.write_report", at_the_table, opens_its_case & is_lead_professional)
permit("actionplans.review_report", at_the_table, opens_its_case & supervises_its_lead)
permit("actionplans.name_supervisor", has_role("member", "researcher", "coordinator"), may_name_for)
permit("actionplans.view_statement", at_the_table, opens_its_case)
permit("actionplans.write_statement", at_the_table, opens_its_case & (office_alone | leads_it))
permit("actionplans.approve_statement", at_the_table, opens_its_case & is_lead_professional)
