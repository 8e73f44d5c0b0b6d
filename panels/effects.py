"""What a decision changes: the nomination, the case, its rating and its leads. For `decide` and `ratifying`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iom.models import Meeting, PolicyVersion
from offenders import actions as cases
from offenders import leaving, youths
from offenders.models import Case, YouthRecommendation, YouthTransfer
from referrals import actions as referrals

from . import accepting, corrections
from .choices import Choice
from .models import AgendaItem, Decision, Outcome, Section

if TYPE_CHECKING:
    from iom.access import Actor


def make_so(
    item: AgendaItem,
    choice: Choice,
    meeting: Meeting,
    *,
    standing: Decision | None,
    version: PolicyVersion,
    by: Actor,
) -> Case | None:
    """Change the nomination or the case of an item as decided at a meeting. Returns the case, if there is one.

    `standing` is the same decision made before, which this one amends. Raises PermissionDenied or StepRefused.
    """
    if item.referral is not None:
        if choice.outcome not in corrections.OF_NOMINATIONS:
            return None
        return _on_referral(item, choice, meeting, standing, version, by)
    _on_move(item, choice, meeting, by=by)
    if item.case is not None:
        _on_case(item.case, choice, meeting, stands=standing is not None, ratified=item.meeting_id != meeting.pk, by=by)
        if item.section == Section.EXITS and choice.outcome not in (Outcome.REMOVE, Outcome.DEFER):
            leaving.not_agreed(item.case, by=by)
    return item.case


def _on_referral(
    item: AgendaItem,
    choice: Choice,
    meeting: Meeting,
    standing: Decision | None,
    version: PolicyVersion,
    by: Actor,
) -> Case | None:
    referral = item.referral
    if standing is None:
        referrals.decided(referral, choice.outcome, by=by, reason=choice.reason)
    if choice.outcome != Outcome.ACCEPT:
        return None
    if standing is not None:
        case = standing.case
        corrections.amend(case, choice.colour, choice.reason, meeting, by=by)
    else:
        case = accepting.take_on(
            referral,
            choice.colour,
            choice.reason,
            on=meeting.date,
            meeting=meeting,
            version=version,
            by=by,
            evidence=choice.evidence,
        )
    accepting.give_leads(case, choice.leads, on=meeting.date, meeting=meeting, by=by)
    return case


# What the transfer panel recommends for a young person (Hampshire, Transfer Process).
RECOMMENDS = {
    Outcome.TO_IOM: YouthRecommendation.IOM,
    Outcome.TO_MAPPA: YouthRecommendation.MAPPA,
    Outcome.NO_POLICE: YouthRecommendation.NONE,
}


def _on_move(item: AgendaItem, choice: Choice, meeting: Meeting, *, by: Actor) -> None:
    """Keep what was recommended with the move to adult services that an item is called by."""
    if choice.outcome not in RECOMMENDS or not item.title:
        return
    move = YouthTransfer.objects.visible_to(by).filter(reference=item.title).first()
    if move is not None and move.is_open:
        youths.recommend(
            move, RECOMMENDS[choice.outcome], on=meeting.date, reason=choice.reason, meeting=meeting, by=by
        )


def _on_case(case: Case, choice: Choice, meeting: Meeting, *, stands: bool, ratified: bool, by: Actor) -> None:
    if choice.outcome == Outcome.CHANGE_RATING:
        if (stands or ratified) and case.rating and case.rating.colour == choice.colour:
            return
        cases.rate(
            case,
            choice.colour,
            on=meeting.date,
            reason=choice.reason,
            evidence=choice.evidence,
            agreed_until=choice.agreed_until,
            meeting=meeting,
            by=by,
        )
    elif choice.outcome == Outcome.REMOVE and not stands:
        cases.start_leaving(case, on=meeting.date, reason=choice.reason, meeting=meeting, by=by)
