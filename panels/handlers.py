"""What the panel does when a nomination is put to it or taken back, and its work outside the request."""

from __future__ import annotations

from iom import outbox
from iom.access import Actor, task_actor
from iom.models import Meeting, OutboxMessage
from referrals import hooks
from referrals.models import Referral

from . import agenda, pdf
from .models import AgendaItem, ItemState, Minutes, MinutesStatus, Section


@hooks.when_put_to_panel
def put_on_agenda(referral: Referral, meeting: Meeting, by: Actor) -> None:
    """A nomination that is put to a panel stands on its agenda: new, or brought back if it stood there before."""
    there = AgendaItem.objects.filter(meeting=meeting, referral=referral).first()
    if there is None:
        agenda.add_item(meeting, section=Section.REFERRALS, referral=referral, by=by)
    elif there.state == ItemState.PARKED:
        agenda.bring_back(there, by=by)


@hooks.when_off_agenda
def take_off_agenda(referral: Referral, meeting: Meeting, by: Actor) -> None:
    """A nomination that was withdrawn or returned is not heard."""
    there = AgendaItem.objects.filter(meeting=meeting, referral=referral, state=ItemState.OPEN).first()
    if there is not None:
        agenda.leave(there, by=by)


@outbox.handler("minutes_pdf")
def make_minutes_pdf(message: OutboxMessage) -> str | None:
    """Make the PDF of signed minutes from their frozen record and keep its bytes; made once, it is never made again."""
    minutes = (
        Minutes.objects.select_for_update(of=("self",))
        .select_related("scheme", "meeting__body", "meeting__scheme")
        .filter(pk=message.payload["minutes"], status=MinutesStatus.SIGNED, document=None)
        .first()
    )
    if minutes is None:
        return "skipped"
    pdf.keep(minutes, by=task_actor(minutes.scheme, f"minutes_pdf {message.caused_by}".strip()))
    return None
