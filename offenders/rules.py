"""Who may do what with people and cases."""

import rules
from django.db.models import QuerySet
from rules.predicates import Predicate

from iom import clock
from iom.access import Actor, has_role, permit
from iom.models import Membership
from iom.rights import when_rights_go
from offenders.querysets import reached_from

from . import handing_over, related, restricted
from .models import (
    Assignment,
    Case,
    Entry,
    IdiomFile,
    LicenceRequest,
    Offender,
    RelatedPerson,
    SheetToImport,
    Transfer,
    YouthTransfer,
    holds_a_role,
    may_open,
)
from .querysets import found_by, named

at_the_table = has_role("member", "researcher", "coordinator", "chair")
office = has_role("coordinator", "chair")


@when_rights_go
def no_grants_are_left(membership: Membership, by: Actor) -> None:
    """Whoever leaves, or no longer works with cases, is named on no restricted case (security.md Z7)."""
    stays = Membership.objects.filter(scheme=membership.scheme_id, user=membership.user_id).current(clock.today())
    if not stays.with_role(*restricted.AT_THE_TABLE).exists():
        restricted.remove_grants_of(membership.user, membership.scheme, by=by)


@when_rights_go
def leads_are_not_dropped_in_silence(membership: Membership, by: Actor) -> None:
    """Whoever goes keeps the leads until somebody follows; the coordinators are told that somebody must."""
    handing_over.tell_of_leads_left(membership, by=by)


@rules.predicate
def opens_it(actor: Actor, case: Case | None) -> bool:
    return case is not None and may_open(actor, case)


@rules.predicate
def leads_it(actor: Actor, case: Case | None) -> bool:
    """Lead professional or police officer of the case, now."""
    if case is not None and found_by(actor, case):
        return case.status != "closed" and holds_a_role(actor, case)
    return case is not None and Case.objects.led_by(actor).filter(pk=case.pk).exists()


def of_agency(*kinds: str) -> Predicate:
    """Acts for an agency of one of these kinds."""
    return rules.predicate(
        lambda actor: actor.agency is not None and actor.agency.kind in kinds, name=" or ".join(kinds)
    )


of_police, of_probation, of_prison = of_agency("police"), of_agency("probation"), of_agency("prison")
of_justice = of_agency("police", "probation", "prison")


@rules.predicate
def brought_it(actor: Actor, file: IdiomFile | None) -> bool:
    return file is not None and actor.user is not None and file.made_by_id == actor.user.pk


@rules.predicate
def opens_its_case(actor: Actor, request: LicenceRequest | None) -> bool:
    return request is not None and may_open(actor, request.case)


@rules.predicate
def is_asked(actor: Actor, request: LicenceRequest | None) -> bool:
    return request is not None and actor.agency is not None and request.answers.filter(agency=actor.agency).exists()


@rules.predicate
def asked_for_it(actor: Actor, request: LicenceRequest | None) -> bool:
    return request is not None and actor.user is not None and request.asked_by_id == actor.user.pk


@rules.predicate
def leaves_with_supervision(actor: Actor, case: Case | None) -> bool:
    """That people of this scheme leave with the end of supervision, without a panel, and that this one's is over."""
    rule = actor.scheme.policy.exit
    if case is None or rule.decided_by is not None or rule.force != "end_of_supervision":
        return False
    last = case.supervisions.order_by("-ends_on").values_list("ends_on", flat=True).first()
    return last is not None and last <= clock.today()


@rules.predicate
def meets_the_move(actor: Actor, move: YouthTransfer | None) -> bool:
    return move is not None and YouthTransfer.objects.visible_to(actor).filter(pk=move.pk).exists()


@rules.predicate
def has_no_open_case(actor: Actor, offender: Offender | None) -> bool:
    """Who is only nominated is known through the referral; its pages show whom one may reach."""
    return offender is not None and not offender.cases.not_closed().exists()


@rules.predicate
def leads_a_case_of(actor: Actor, offender: Offender | None) -> bool:
    """Lead professional or police officer of the person's open case, now."""
    if offender is None or actor.membership is None:
        return False
    held = Assignment.objects.filter(case__offender=offender, membership=actor.membership, until=None)
    return held.exclude(case__status="closed").exists()


@rules.predicate
def opens_a_case_of(actor: Actor, offender: Offender | None) -> bool:
    return offender is not None and Offender.objects.visible_to(actor).filter(pk=offender.pk).exists()


@rules.predicate
def uploaded_it(actor: Actor, sheet: SheetToImport | None) -> bool:
    return sheet is not None and actor.user is not None and sheet.made_by_id == actor.user.pk


@rules.predicate
def is_sealed_to(actor: Actor, case: Case | None) -> bool:
    """Restricted, and not open to this coordinator or chair."""
    return case is not None and Case.objects.sealed_to(actor).filter(pk=case.pk).exists()


@reached_from("case_family")
def cases_open_to(actor: Actor) -> QuerySet:
    return Case.objects.visible_to(actor)


@rules.predicate
def is_reached(actor: Actor, offender: Offender | None) -> bool:
    """Whether the actor meets the person anywhere: in a case, or in a nomination that they read or are asked about."""
    return offender is not None and related.way_to(actor, offender) != ("", "")


@rules.predicate
def keeps_it(actor: Actor, record: RelatedPerson | None) -> bool:
    """An agency changes, opens and shuts what it entered itself, and nobody does so for it."""
    return record is not None and RelatedPerson.objects.of_agency(actor).filter(pk=record.pk).exists()


@rules.predicate
def answers_for_it(actor: Actor, entry: Entry | None) -> bool:
    """An agency puts right what it wrote itself, and whoever wrote it; what nobody wrote (feeds), the office."""
    if entry is None or not Entry.objects.visible_to(actor).filter(pk=entry.pk).exists():
        return False
    if entry.agency_id is None and entry.made_by_id is None:
        return actor.has_role("coordinator", "chair")
    mine = actor.user is not None and entry.made_by_id == actor.user.pk
    return mine or (actor.agency is not None and entry.agency_id == actor.agency.pk)


permit("offenders.view_cohort", at_the_table)
# Whoever nominates enters the person.
permit("offenders.add_offender", at_the_table | has_role("referrer"))
permit(
    "offenders.change_offender",
    at_the_table | has_role("referrer"),
    has_no_open_case | (opens_a_case_of & (office | leads_a_case_of)),
)
permit("offenders.view_case", at_the_table, opens_it)
# The meeting's decisions change a case; whoever records them holds this.
permit("offenders.change_case", office, opens_it)
# Between two panels, until the next one ratifies it (ux.md 4.5): the coordinator, and whoever leads the case.
permit("offenders.change_rating", at_the_table, opens_it & (has_role("coordinator") | leads_it))
# Between panels whoever leads the case hands it over, or the office does; the next panel notes it.
permit("offenders.change_leads", at_the_table, opens_it & (office | leads_it))
# The whole cohort as a file, for those who keep the scheme's list and answer for it.
permit("offenders.export_cohort", has_role("coordinator", "chair", "researcher"))
# A view of the board is one's own; the coordinator shares one with the scheme.
permit("offenders.share_view", has_role("coordinator"))
# Who leads how many, and whose cases need a new lead.
permit("offenders.view_caseloads", at_the_table)
# Who leads a case hears first of an arrest or a release date; the rating then follows by the scheme's rule.
permit("offenders.record_custody", at_the_table, opens_it & (office | leads_it | of_prison))
# Bail, court, wanted, arrests, tags: police, probation and prison know first.
permit("offenders.record_status", at_the_table, opens_it & (office | leads_it | of_justice))
# Hits of a tag are the police's, who rule the wearer in or out (Hampshire, GPS Tagging).
permit("offenders.record_hit", at_the_table, opens_it & of_police)
# The daily file of IDIOM: the police's researcher, and the coordinator (London, Intelligence).
permit("offenders.import_idiom", has_role("researcher", "coordinator"), brought_it)
permit("offenders.view_prisons", at_the_table)
permit("offenders.keep_prisons", office)
# Licence conditions (London, Probation): any partner asks, those asked agree, a meeting settles, probation decides.
permit("offenders.ask_licence", at_the_table, opens_it)
permit("offenders.view_licence", at_the_table, opens_its_case)
permit("offenders.answer_licence", at_the_table, opens_its_case & is_asked)
permit("offenders.settle_licence", office, opens_its_case)
permit("offenders.decide_licence", at_the_table, opens_its_case & of_probation)
permit("offenders.tell_licence", at_the_table, opens_its_case & (office | of_justice))
permit("offenders.withdraw_licence", at_the_table, opens_its_case & (office | asked_for_it))
# What is prepared before somebody leaves; the decision is the panel's, and written by whoever records it.
permit("offenders.view_exit", at_the_table, opens_it)
permit("offenders.view_radar", office)
# From youth justice to adult services (Hampshire, Transfer Process): the office, and who manages young people.
permit("offenders.view_youth", at_the_table)
permit("offenders.start_youth", at_the_table)
permit("offenders.change_youth", at_the_table, meets_the_move)
permit("offenders.prepare_exit", at_the_table, opens_it & (office | leads_it))
permit("offenders.end_with_supervision", at_the_table, opens_it & (office | leads_it) & leaves_with_supervision)
permit("offenders.offer_again", has_role("coordinator"), opens_it)
# Who may keep a case to named people is asked by `offenders.restricted`: the coordinator, or who leads the case.
permit("offenders.restrict_case", at_the_table, opens_it & (has_role("coordinator") | leads_it))
# Who changed what on a case and who looked: for the coordinator, and whoever leads it.
permit("offenders.view_case_audit", at_the_table, opens_it & (has_role("coordinator") | leads_it))
# What happened is told by whoever at the table heard of it (Merton, step 6; London, intelligence and delivery).
permit("offenders.add_entry", at_the_table, opens_it)
permit("offenders.correct_entry", at_the_table, answers_for_it)
permit("offenders.break_glass", office, is_sealed_to)
permit("offenders.review_openings", has_role("coordinator", "scheme_admin"))
# Family, victims and contacts: each agency what it knows itself (Merton, step 2; Richmond, 4.15).
permit("offenders.view_related", at_the_table | has_role("referrer"))
permit("offenders.add_related", at_the_table | has_role("referrer"), is_reached)
permit("offenders.keep_related", at_the_table | has_role("referrer"), keeps_it)
# A whole cohort at once: for whoever keeps the scheme's list.
permit("offenders.import_cohort", has_role("coordinator"), uploaded_it)


@rules.predicate
def may_tell_of_it(actor: Actor, case: Case | None) -> bool:
    """What is kept to named people leaves the scheme through them alone, never in an emergency (security.md Z4, Z5)."""
    return case is not None and (not case.restricted or Case.objects.filter(named(actor), pk=case.pk).exists())


@rules.predicate
def meets_it(actor: Actor, transfer: Transfer | None) -> bool:
    return transfer is not None and Transfer.objects.visible_to(actor).filter(pk=transfer.pk).exists()


@rules.predicate
def may_tell_of_the_person(actor: Actor, transfer: Transfer | None) -> bool:
    return transfer is not None and (transfer.case is None or may_tell_of_it(actor, transfer.case))


between_schemes = has_role("coordinator", "researcher")
# Which schemes know a person, and what they told each other (Merton, Catchment area: the researcher and the core team).
permit("offenders.view_transfers", at_the_table | has_role("referrer"))
permit("offenders.list_transfers", between_schemes | has_role("chair"))
permit("offenders.transfer_case", between_schemes, opens_it & may_tell_of_it)
permit("offenders.answer_transfer", between_schemes, meets_it & may_tell_of_the_person)
permit("offenders.record_transfer", at_the_table | has_role("referrer"))


# --- Safeguarding ---
# Everybody who works on a case sees that the checks were made, and writes down their own agency's (Waltham Forest,
# 5.11); for an agency without an account the coordinator does so, and says how they know.
permit("offenders.view_safeguarding", at_the_table, opens_it)
permit("offenders.record_check", at_the_table, opens_it)
permit("offenders.record_others_check", has_role("coordinator"), opens_it)
permit("offenders.ask_check", at_the_table, opens_it & (office | leads_it))
permit("offenders.review_safeguarding", office)


# --- Plain records of the team ---
# Each agency keeps its own rota and comparisons; stories are told by the coordinator. A board may be shown the lists.
permit("offenders.view_records", at_the_table)
permit("offenders.keep_records", at_the_table)
permit("offenders.compare_intelligence", at_the_table, opens_it)
permit("offenders.tell_stories", office)
permit("offenders.export_records", office)


@rules.predicate
def is_police(actor: Actor) -> bool:
    return actor.agency is not None and actor.agency.kind == "police"


# The list names people who are not on the scheme: for those who hold it, and whoever prepares nominations.
permit("offenders.view_named_list", (has_role("member", "researcher") & is_police) | has_role("coordinator"))
# In which group of the cohort a case is managed: the panel says so, the coordinator writes it down.
permit("offenders.place_in_group", office, opens_it)
