"""Who may do what with the shared ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

from .access import Actor, anyone, has_role, permit

if TYPE_CHECKING:
    from iom.models import Membership

office = has_role("coordinator", "chair")
at_the_table = has_role("member", "researcher", "coordinator", "chair")

permit("iom.view_home", anyone)
permit("iom.view_notifications", anyone)
permit("iom.take_exports", anyone)
permit("iom.view_meetings", has_role("member", "researcher", "coordinator", "chair", "board_reader"))
permit("iom.invite", has_role("scheme_admin"))
permit("iom.change_rights", has_role("scheme_admin"))
permit("iom.tend_outbox", has_role("scheme_admin"))
permit("iom.view_audit", has_role("coordinator", "scheme_admin"))
permit("iom.change_holidays", has_role("scheme_admin"))


@rules.predicate
def of_another_person(actor: Actor, membership: Membership) -> bool:
    """One's own factor one changes with a code of one's own, not by an office (security.md Z11)."""
    return membership is not None and membership.user_id != actor.user.pk


permit("iom.reset_factor", has_role("scheme_admin"), of_another_person)
permit("iom.end_sessions", has_role("scheme_admin"), of_another_person)

# Bodies, seats and chairs: what a body is for stands open to all who know when it meets.
permit("iom.view_bodies", has_role("member", "researcher", "coordinator", "chair", "board_reader"))
permit("iom.change_bodies", has_role("coordinator"))
permit("iom.propose_organisation", at_the_table)
permit("iom.view_people_records", office)
permit("iom.change_people_records", has_role("coordinator"))
