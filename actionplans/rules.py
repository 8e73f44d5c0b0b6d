"""Who may do what with plans and actions."""

import rules
from django.db.models import QuerySet

from iom.access import Actor, has_role, permit
from offenders.models import Assignment, may_open
from offenders.querysets import involves

from .models import Action, Funding, Offer, Plan, TransitionPlan

at_the_table = has_role("member", "researcher", "coordinator", "chair")


@rules.predicate
def opens_its_case(actor: Actor, thing: Action | Funding | Offer | Plan | TransitionPlan | None) -> bool:
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
    if thing is None or thing.case_id is None or actor.membership is None:
        return False
    return Assignment.objects.filter(case_id=thing.case_id, membership=actor.membership, until=None).exists()


permit("actionplans.view_actions", at_the_table)
permit("actionplans.view_plan", at_the_table, opens_its_case)
permit("actionplans.change_plan", at_the_table, opens_its_case & (is_office | leads_it))
permit("actionplans.update_action", at_the_table, opens_its_case & (is_office | owns_it | leads_it))
permit("actionplans.decide_funding", has_role("coordinator"), opens_its_case)
permit("actionplans.agree_transition", has_role("coordinator", "chair"), opens_its_case)
permit("actionplans.tell_panel", at_the_table, opens_its_case)
permit("actionplans.make_offer", at_the_table, opens_its_case & (is_office | owns_it | leads_it))


@involves
def cases_with_our_actions(actor: Actor) -> QuerySet:
    return Action.objects.filter(agency=actor.agency, case__isnull=False).values("case")
