"""Who may do what with referrals, scores and checks."""

import rules
from django.db.models import QuerySet

from iom.access import Actor, has_role, permit
from offenders.models import Case, may_open
from offenders.querysets import called_by_reference, involves, reached_from

from .models import CheckRequest, Engagement, Paper, Referral

at_the_table = has_role("member", "researcher", "coordinator", "chair")
# Whose agencies work with reoffending scores (ux.md 4.3), beside the team's own people.
SCORING_KINDS = ("police", "probation")
everyone_who_nominates = has_role("member", "referrer", "researcher", "coordinator", "chair")


@rules.predicate
def is_visible(actor: Actor, referral: Referral | None) -> bool:
    return referral is not None and Referral.objects.visible_to(actor).filter(pk=referral.pk).exists()


@rules.predicate
def made_it(actor: Actor, referral: Referral | None) -> bool:
    return referral is not None and referral.referrer.user_id == actor.user.pk


@rules.predicate
def is_of_police_or_probation(actor: Actor) -> bool:
    return actor.agency is not None and actor.agency.kind in SCORING_KINDS


@rules.predicate
def is_of_the_police(actor: Actor) -> bool:
    """Who can look into the systems of the police."""
    return actor.agency is not None and actor.agency.kind == "police"


@rules.predicate
def is_asked(actor: Actor, request: CheckRequest | None) -> bool:
    """An agency answers for itself, and nobody for another."""
    return request is not None and actor.agency is not None and request.agency_id == actor.agency.pk


@rules.predicate
def opens_the_case(actor: Actor, case: Case | None) -> bool:
    return case is not None and may_open(actor, case)


@rules.predicate
def reads_paper(actor: Actor, paper: Paper | None) -> bool:
    return paper is not None and Paper.objects.visible_to(actor).filter(pk=paper.pk).exists()


@rules.predicate
def is_of_their_agency(actor: Actor, paper: Paper | None) -> bool:
    return paper is not None and actor.agency is not None and paper.file.agency_id == actor.agency.pk


works_with_scores = has_role("coordinator", "researcher") | (has_role("member", "chair") & is_of_police_or_probation)

permit("referrals.view_referrals", everyone_who_nominates)
permit("referrals.view_referral", everyone_who_nominates, is_visible)
permit("referrals.nominate", everyone_who_nominates)
# A known exclusion stops a nomination; the coordinator may take it up with a reason (design.md 3).
permit("referrals.reopen_excluded", has_role("coordinator"))
permit("referrals.edit_referral", everyone_who_nominates, made_it)
permit("referrals.withdraw_referral", everyone_who_nominates, made_it | (has_role("coordinator") & is_visible))
permit("referrals.triage", has_role("coordinator"), is_visible)
permit("referrals.view_scores", works_with_scores | has_role("chair"))
permit("referrals.score", works_with_scores, is_visible)
# Which cohorts are resourced is the scheme's word (Hampshire, Criteria).
# Whoever answers for the scheme tries criteria before they are adopted (Waltham Forest, 7.5).
permit("referrals.what_if", has_role("coordinator", "chair"))
permit("referrals.say_resourced", has_role("coordinator", "scheme_admin"))
permit("referrals.decide", has_role("coordinator", "chair"), is_visible)
# Nobody writes down between two meetings what becomes of a nomination that they made themselves.
permit("referrals.decide_outside", has_role("coordinator"), is_visible & ~made_it)
permit("referrals.answer_checks", at_the_table, is_asked)
permit("referrals.research", has_role("coordinator", "researcher") | (has_role("member") & is_of_the_police))
permit("referrals.see_returns", has_role("coordinator", "researcher"))
permit("referrals.ask_agencies", has_role("coordinator"))
# Papers: who may read the thing adds to it; who sent one, their agency and the coordinator remove it.
permit("referrals.view_papers", everyone_who_nominates)
permit("referrals.add_paper", everyone_who_nominates, is_visible)
permit("referrals.add_document", at_the_table, opens_the_case)
permit("referrals.remove_paper", everyone_who_nominates, reads_paper & (is_of_their_agency | has_role("coordinator")))


@involves
def cases_we_are_asked_about(actor: Actor) -> QuerySet:
    return CheckRequest.objects.filter(agency=actor.agency, case__isnull=False).values("case")


@called_by_reference
def nominations() -> QuerySet:
    return Referral.objects.all()


@reached_from("referral_family")
def nominations_known(actor: Actor) -> QuerySet:
    return Referral.objects.known_to(actor)


# --- Engagement: the team meets the person (Merton, step 4; London, step 4; London, HMP) ---


@rules.predicate
def is_of_the_team(actor: Actor, thing: object) -> bool:
    """For an agency that makes up the team by the scheme's rule, or in the coordinator's office."""
    team = actor.scheme.policy.engagement.team
    return actor.has_role("coordinator") or (actor.agency is not None and actor.agency.kind in team)


@rules.predicate
def meets_them(actor: Actor, thing: Referral | Case | None) -> bool:
    """The nomination or the case is one that the actor reads, or that a team's agency is asked about."""
    rows = Case.objects.visible_to(actor) if isinstance(thing, Case) else Referral.objects.met_by(actor)
    return thing is not None and rows.filter(pk=thing.pk).exists()


@rules.predicate
def nominated_them(actor: Actor, thing: Referral | Case | None) -> bool:
    return isinstance(thing, Referral) and thing.referrer.user_id == actor.user.pk


@rules.predicate
def recorded_it(actor: Actor, engagement: Engagement | None) -> bool:
    """What an agency recorded is put right by that agency."""
    return engagement is not None and Engagement.objects.of_agency(actor).filter(pk=engagement.pk).exists()


permit("referrals.view_engagement", everyone_who_nominates)
permit("referrals.record_engagement", everyone_who_nominates, meets_them & (is_of_the_team | nominated_them))
permit("referrals.keep_engagement", everyone_who_nominates, recorded_it)
