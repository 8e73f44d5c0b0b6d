"""Outsiders invited for advice: one meeting agrees, the next one has them (Merton, Attendees by invitation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit
from iom.models import Agency, Meeting, MeetingStatus
from iom.steps import StepRefused, locked

from . import attendance
from .models import Attendance, GuestInvitation

if TYPE_CHECKING:
    from iom.access import Actor

AGREED_IN = (MeetingStatus.LIVE, MeetingStatus.MINUTES_DRAFTED)


@transaction.atomic
def invite(
    meeting: Meeting, *, name: str, purpose: str, by: Actor, post: str = "", agency: Agency | None = None
) -> GuestInvitation:
    """Write down that a meeting agreed to invite somebody to its next one. Raises PermissionDenied or StepRefused."""
    meeting = locked(Meeting, meeting.pk)
    if not by.can("panels.take_attendance", meeting):
        raise PermissionDenied
    if meeting.status not in AGREED_IN:
        raise StepRefused(["A live meeting agrees whom to invite to the next one."])
    invitation = GuestInvitation.objects.create(
        scheme=meeting.scheme, meeting=meeting, name=name, purpose=purpose, post=post, agency=agency
    )
    audit.record("invite_guest", invitation, by=by, meeting=meeting.key)
    return invitation


@transaction.atomic
def take_back(invitation: GuestInvitation, *, by: Actor) -> None:
    """Remove an invitation nobody has come by yet. Raises PermissionDenied or StepRefused."""
    if not by.can("panels.take_attendance", invitation.meeting):
        raise PermissionDenied
    if invitation.attendance_id is not None or invitation.meeting.status not in AGREED_IN:
        raise StepRefused(["They came by this invitation, or the minutes that hold it are signed: it stays."])
    audit.record("take_back_guest_invitation", invitation, by=by, meeting=invitation.meeting.key)
    invitation.delete()


@transaction.atomic
def came(invitation: GuestInvitation, meeting: Meeting, *, by: Actor) -> Attendance:
    """An invited guest is here. Raises PermissionDenied, or StepRefused as `attendance.add_visitor`."""
    invitation = locked(GuestInvitation, invitation.pk)
    if invitation.attendance_id is not None:
        raise StepRefused([f"{invitation.name} is written down already."])
    row = attendance.add_visitor(
        meeting,
        by=by,
        standing=Attendance.Standing.GUEST,
        name=invitation.name,
        agency=invitation.agency,
        post=invitation.post,
        agreed_at=invitation.meeting.date,
    )
    invitation.attendance = row
    invitation.version += 1
    invitation.save(update_fields=["attendance", "version"])
    return row


def agreed_here(meeting: Meeting) -> list[GuestInvitation]:
    """Whom this meeting agreed to invite to the next."""
    return list(GuestInvitation.objects.filter(meeting=meeting).select_related("agency"))


def invited_to(meeting: Meeting) -> list[GuestInvitation]:
    """Whom the meeting before this one agreed to invite, and who is not written down yet."""
    earlier = Meeting.objects.filter(scheme=meeting.scheme, body=meeting.body, date__lt=meeting.date)
    before = earlier.exclude(status=MeetingStatus.CANCELLED).order_by("-date").first()
    rows = GuestInvitation.objects.filter(meeting=before, attendance=None).select_related("agency", "meeting")
    return list(rows) if before is not None else []
