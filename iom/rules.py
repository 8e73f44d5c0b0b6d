"""Who may do what with the shared ground."""

from .access import anyone, has_role, permit

office = has_role("coordinator", "chair")
at_the_table = has_role("member", "researcher", "coordinator", "chair")

permit("iom.view_home", anyone)
permit("iom.view_notifications", anyone)
permit("iom.view_meetings", has_role("member", "researcher", "coordinator", "chair", "board_reader"))
permit("iom.invite", has_role("scheme_admin"))
permit("iom.tend_outbox", has_role("scheme_admin"))
permit("iom.change_holidays", has_role("scheme_admin"))
