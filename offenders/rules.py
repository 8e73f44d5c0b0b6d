"""Who may do what with people and cases."""

import rules

from iom.access import Actor, has_role, permit

from .models import Case, may_open

at_the_table = has_role("member", "researcher", "coordinator", "chair")
office = has_role("coordinator", "chair")


@rules.predicate
def opens_it(actor: Actor, case: Case | None) -> bool:
    return case is not None and may_open(actor, case)


permit("offenders.view_cohort", at_the_table)
permit("offenders.view_case", at_the_table, opens_it)
# The meeting's decisions change a case; whoever records them holds this.
permit("offenders.change_case", office, opens_it)
