"""Who may do what at and around a meeting."""

from datetime import datetime

import rules
from django.db.models import Exists, Min, QuerySet

from iom import together
from iom.access import Actor, has_role, permit
from iom.models import Meeting, MeetingStatus
from iom.together import Steps
from offenders.querysets import involves, restricted_needs
from referrals import hooks
from referrals.hooks import tells_when_agenda_went_out, when_marked_opens

from . import agreement, chairing
from .models import ActingChair, AgendaItem, Circulation
from .querysets import meetings_with_papers, reads_papers_of

at_the_table = has_role("member", "researcher", "coordinator", "chair")
# The name of the sweep that keeps meetings planned, as the audit says it.
PLANS = "keep_meetings_planned"


@rules.predicate
def reads_its_papers(actor: Actor, thing: object) -> bool:
    meeting = thing if isinstance(thing, Meeting) else getattr(thing, "meeting", None)
    return meeting is not None and reads_papers_of(actor, meeting)


@rules.predicate
def chairs_it(actor: Actor, thing: object) -> bool:
    """Who chairs this meeting, named for it or acting, and nobody who recorded it (security.md Z11)."""
    meeting = thing if isinstance(thing, Meeting) else getattr(thing, "meeting", None)
    if meeting is None or actor.user is None:
        return False
    return chairing.chairs(meeting, actor) and meeting.recorder_id != actor.user.pk


@rules.predicate
def takes_the_chair(actor: Actor) -> bool:
    """Whoever took the chair of a meeting has what belongs to the chair there, whatever their role (Richmond, 4.6)."""
    if actor.membership is None or actor.membership.pk is None:
        return False
    return ActingChair.objects.filter(membership=actor.membership).exists()


in_the_chair = has_role("chair") | takes_the_chair


@rules.predicate
def keeps_meetings_planned(actor: Actor) -> bool:
    """The task that plans by cadence acts for nobody and may do that much (`panels.planning`)."""
    return actor.user is None and actor.cause == PLANS


permit("panels.view_papers", at_the_table)
permit("panels.view_meeting", at_the_table, reads_its_papers)
permit("panels.answer_circulation", at_the_table, reads_its_papers)
permit("panels.sign_agreement", at_the_table, reads_its_papers)
permit("panels.plan_meetings", has_role("coordinator") | keeps_meetings_planned)
permit(
    "panels.build_agenda", has_role("coordinator") | keeps_meetings_planned, reads_its_papers | keeps_meetings_planned
)
permit("panels.agree_late_item", in_the_chair, chairs_it)
permit("panels.take_attendance", has_role("coordinator"), reads_its_papers)
permit("panels.record", has_role("coordinator"), reads_its_papers)
permit("panels.force_hand_over", in_the_chair, chairs_it)
permit("panels.view_minutes", at_the_table, reads_its_papers)
permit("panels.edit_minutes", has_role("coordinator"), reads_its_papers)
permit("panels.review_minutes", in_the_chair, reads_its_papers & (has_role("chair") | chairs_it))
permit("panels.sign_minutes", in_the_chair, chairs_it)
# The form is the coordinator's (`referrals.decide_outside`); whoever answers for the decision reads it there.
permit("panels.read_outside", has_role("coordinator", "chair"))
permit("panels.send_notices", has_role("coordinator"), reads_its_papers)
# What goes to the board names nobody, so who reads for the board reads it too. The office raises it and sends it.
permit("panels.view_escalations", at_the_table | has_role("board_reader"))
permit("panels.raise_escalation", has_role("coordinator", "chair"))
permit("panels.answer_escalation", has_role("coordinator", "chair"))
permit("panels.write_board_paper", has_role("coordinator", "chair"))
# An agency sees its own line (`panels.delivery.report`); the whole goes to the office and to who reads for the board.
permit("panels.view_delivery", at_the_table | has_role("board_reader"))
permit("panels.export_delivery", has_role("coordinator", "chair", "board_reader"))


@rules.predicate
def sits_on_it(actor: Actor, meeting: Meeting | None) -> bool:
    """The office, who reads for the board, and who holds a seat on the body itself."""
    office = actor.has_role("coordinator", "chair", "board_reader")
    return meeting is not None and (office or meeting.body.slug in actor.seats)


permit("panels.view_board_paper", at_the_table | has_role("board_reader"), sits_on_it)


@involves
def cases_on_agendas_of_our_bodies(actor: Actor) -> QuerySet:
    return AgendaItem.objects.filter(
        meeting__in=meetings_with_papers(actor), meeting__attendance__agency=actor.agency, case__isnull=False
    ).values("case")


@restricted_needs
def signature_under_the_agreement(actor: Actor) -> Exists:
    """security.md Z12: nobody reads restricted material without having signed the version in force."""
    return Exists(agreement.signed_by(actor))


@when_marked_opens
def signature_opens_what_is_marked(actor: Actor, meeting: Meeting) -> together.Read:
    """The same for what is marked for some agencies (design.md 3)."""
    return agreement.asks_if_opened(actor, meeting)


@tells_when_agenda_went_out
def first_copy(meeting: Meeting) -> datetime | None:
    """The agenda is out from the moment that the first copy was sent."""
    return Circulation.objects.filter(meeting=meeting).aggregate(at=Min("sent_at"))["at"]


@hooks.when_heard
def nominations_on_agendas_that_one_was_sent(actor: Actor) -> QuerySet:
    """The papers of a nomination go with the agenda on which it stands (features 65)."""
    items = AgendaItem.objects.visible_to(actor).exclude(meeting__status=MeetingStatus.DRAFT)
    return items.filter(referral__isnull=False).values("referral")


@hooks.asks_signature
def signature_for_marked_papers(actor: Actor) -> Steps[hooks.Signature]:
    """security.md Z12: between meetings the last signature counts; in a live one that signs each time, one for it."""
    given, live = yield [
        lambda: agreement.signed_by(actor).values_list("meeting", flat=True),
        lambda: Meeting.objects.filter(scheme=actor.scheme, status=MeetingStatus.LIVE).values_list("pk", "body__slug"),
    ]
    signed = set(given)
    once = {body.slug for body in actor.scheme.policy.bodies if body.agreement.signed != "each_meeting"}
    missing = {pk for pk, body in live if pk not in signed and body not in once}
    return hooks.Signature(bool(signed), frozenset(missing))
