"""Who may do what with referrals, scores and checks."""

import rules

from iom.access import Actor, has_role, permit

from offenders.querysets import involves

from .models import CheckRequest, Referral

at_the_table = has_role("member", "researcher", "coordinator", "chair")
everyone_who_nominates = has_role("member", "referrer", "researcher", "coordinator", "chair")


@rules.predicate
def is_visible(actor: Actor, referral: Referral | None) -> bool:
    return referral is not None and Referral.objects.visible_to(actor).filter(pk=referral.pk).exists()


@rules.predicate
def made_it(actor: Actor, referral: Referral | None) -> bool:
    return referral is not None and referral.referrer.user_id == actor.user.pk


permit("referrals.view_referrals", everyone_who_nominates)
permit("referrals.view_referral", everyone_who_nominates, is_visible)
permit("referrals.nominate", everyone_who_nominates)
permit("referrals.edit_referral", everyone_who_nominates, made_it)
permit("referrals.withdraw_referral", everyone_who_nominates, made_it | (has_role("coordinator") & is_visible))
permit("referrals.triage", has_role("coordinator"), is_visible)
permit("referrals.score", has_role("coordinator", "researcher", "member"), is_visible)
permit("referrals.decide", has_role("coordinator", "chair"), is_visible)
permit("referrals.answer_checks", at_the_table)
permit("referrals.see_returns", has_role("coordinator", "researcher"))
permit("referrals.ask_agencies", has_role("coordinator"))


@involves
def cases_we_are_asked_about(actor: Actor):
    return CheckRequest.objects.filter(agency=actor.agency, case__isnull=False).values("case")
