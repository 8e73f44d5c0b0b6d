"""Minutes from draft to signature: they write themselves from the record; people add words, and the chair signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, notify
from iom.jinja import day_month, plural
from iom.models import Meeting, Membership, User
from iom.steps import Stale, StepRefused, locked, take
from offenders import naming

from . import signed_files, transitions
from .chairing import chair_of
from .minutes_steps import RETURN, SEND_TO_CHAIR, SIGN
from .models import Decision, Minutes, MinutesStatus
from .record import Record, decisions_in, fingerprint, items_of, record_of

if TYPE_CHECKING:
    from iom.access import Actor

LONGEST_WORDS = 4000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at before the minutes go to the chair: whether it is in order, in words."""

    good: bool
    words: str
    where: str = ""


def draft(meeting: Meeting, *, by: Actor) -> Minutes:
    """The first version of a meeting's minutes. Called when the meeting closes, in its transaction."""
    minutes, new = Minutes.objects.get_or_create(meeting=meeting, number=1, defaults={"scheme": meeting.scheme})
    if new:
        audit.record("draft_minutes", minutes, by=by, after=minutes.status, meeting=meeting.key)
    return minutes


def latest(meeting: Meeting) -> Minutes | None:
    """The version that is being worked on, or was signed last."""
    return meeting.minutes.order_by("-number").first()


def checks(record: Record) -> list[Check]:
    """What a coordinator would look for before sending (ux.md 4.7): every line is in order or says what is not."""
    actions = [action for item in record["items"] for action in item["actions"]]
    ownerless = sum(not action["who"] for action in actions)
    unreached = sum(item["state"] == "open" and bool(item["reference"]) for item in record["items"])
    to_ratify = sum(item["decision"]["to_ratify"] for item in decisions_in(record))
    here = [row for row in record["attendance"] if row["here"]]
    unsigned = max(len(here) - len(record["agreement"]["signed"]), 0)
    late = [item["number"] for item in record["items"] if item["late"] and not item["late_agreed_by"]]
    return [
        Check(bool(here), f"{plural(len(here), 'person', 'people')} marked as here", "attendance"),
        Check(unreached == 0, "Every item is decided or carried forward" if not unreached
              else f"{plural(unreached, 'item')} neither decided nor carried forward"),
        Check(ownerless == 0, "Every action has an owner" if not ownerless
              else f"{plural(ownerless, 'action')} {'has' if ownerless == 1 else 'have'} an agency but no named owner"),
        Check(unsigned == 0, "Everyone here signed the information sharing agreement" if not unsigned
              else f"{plural(unsigned, 'person', 'people')} here did not sign the information sharing agreement",
              "attendance"),
        Check(to_ratify == 0, "No decision waits to be ratified" if not to_ratify
              else f"{plural(to_ratify, 'decision')} to be ratified by a quorate meeting"),
        Check(not late, "The chair agreed to every late item" if not late
              else f"Late items that the chair has not agreed to: {', '.join(late)}"),
    ]  # fmt: skip


@transaction.atomic
def set_words(minutes: Minutes, words: Mapping[int, str], *, by: Actor, version: int | None = None) -> Minutes:
    """Add words to what was recorded, by item id. Blank takes them away. Raises as `take` does."""
    minutes = locked(Minutes, minutes.pk, version=version)
    if not by.can("panels.edit_minutes", minutes):
        raise PermissionDenied
    _must_be(minutes, MinutesStatus.DRAFT)
    known = {str(pk) for pk in minutes.meeting.items.values_list("pk", flat=True)}
    changed = {str(pk): text.strip()[:LONGEST_WORDS] for pk, text in words.items() if str(pk) in known}
    narrative = {pk: text for pk, text in (minutes.narrative | changed).items() if text}
    if narrative == minutes.narrative:
        return minutes
    minutes.narrative = narrative
    minutes.version += 1
    minutes.save(update_fields=["narrative", "version"])
    audit.record("edit_minutes", minutes, by=by, fields=["narrative"], meeting=minutes.meeting.key)
    return minutes


@transaction.atomic
def set_comments(
    minutes: Minutes, general: str, items: Mapping[int, str], *, by: Actor, version: int | None = None
) -> Minutes:
    """Keep what the chair asks to be changed, in all and item by item, before it is returned.

    Raises PermissionDenied, StepRefused or Stale.
    """
    minutes = locked(Minutes, minutes.pk, version=version)
    if not by.can("panels.review_minutes", minutes):
        raise PermissionDenied
    _must_be(minutes, MinutesStatus.WITH_CHAIR)
    minutes.comments = general.strip()[:LONGEST_WORDS]
    known = {str(pk) for pk in minutes.meeting.items.values_list("pk", flat=True)}
    minutes.item_comments = {
        str(pk): text.strip()[:LONGEST_WORDS] for pk, text in items.items() if text.strip() and str(pk) in known
    }
    minutes.version += 1
    minutes.save(update_fields=["comments", "item_comments", "version"])
    audit.record(
        "comment_on_minutes", minutes, by=by, fields=["comments", "item_comments"], meeting=minutes.meeting.key
    )
    return minutes


@transaction.atomic
def send_to_chair(minutes: Minutes, *, by: Actor, version: int | None = None) -> Minutes:
    """Give the draft to the chair and tell them. Raises PermissionDenied, StepRefused or Stale."""
    minutes = take(SEND_TO_CHAIR, minutes, by=by, version=version, comments="", item_comments={})
    meeting = minutes.meeting
    _tell_keepers_of_names(minutes)
    notify.tell(
        [chair_of(meeting).user],
        scheme=minutes.scheme,
        kind="minutes_to_sign",
        subject=f"{meeting.key} v{minutes.number} {minutes.version}",
        text=f"Minutes to sign: {meeting.called}",
        url=f"/meetings/{meeting.key}/minutes/review/",
        email_body="The minutes are ready for you to read and sign. Sign in:",
    )
    return minutes


def _tell_keepers_of_names(minutes: Minutes) -> None:
    """Before the chair signs, every protected name is looked for: agencies that keep one are told, nobody else."""
    for item in items_of(minutes.meeting):
        thing = item.referral or item.case
        if thing is None:
            continue
        said = [minutes.narrative.get(str(item.pk), "")]
        for decision in item.all_decisions:
            said += [decision.reason, decision.reason_for_referrer, decision.dissent, decision.correction_reason]
        said += [text for row in item.said_of_actions for text in (row.note, row.action.text)]
        naming.tell_owners(
            thing.offender,
            [*said, item.note, item.why],
            where=f"the minutes of {day_month(minutes.meeting.date)}, {thing.reference}",
            subject=f"minutes {minutes.pk} {minutes.version} {item.pk}",
        )


@transaction.atomic
def return_to_coordinator(minutes: Minutes, *, by: Actor, version: int | None = None) -> Minutes:
    """Give the minutes back with the chair's comments; without any it is refused. Raises as `take` does."""
    held = locked(Minutes, minutes.pk, version=version)
    if not held.comments and not held.item_comments:
        raise StepRefused(["Enter what should be changed before you return the minutes."])
    minutes = take(RETURN, held, by=by, reason=held.comments)
    meeting = minutes.meeting
    notify.tell(
        _keepers(meeting),
        scheme=minutes.scheme,
        kind="minutes_returned",
        subject=f"{meeting.key} v{minutes.number} {minutes.version}",
        text=f"Minutes returned: {meeting.called}",
        url=f"/meetings/{meeting.key}/minutes/",
        email_body="The chair asks for changes to the minutes. Sign in to read them:",
    )
    return minutes


def why_not_sign(minutes: Minutes, by: Actor) -> str | None:
    """Why this person may not sign at all, with the rule named; None when they may."""
    meeting = minutes.meeting
    if by.user is None:
        return "A person signs the minutes."
    recorded = Decision.objects.filter(item__meeting=meeting, decided_by=by.user).exists()
    if meeting.recorder_id == by.user.pk or recorded:
        return (
            "You recorded this meeting. Nobody signs minutes that they recorded: ask whoever chaired it, "
            "or name another chair on the meeting's page."
        )
    chair = chair_of(meeting)
    if chair is None or chair.user_id != by.user.pk:
        named = f"{chair.user.name} chaired this meeting" if chair else "No chair is named"
        return f"{named}. Only the chair of the meeting signs its minutes."
    return None


@transaction.atomic
def sign(
    minutes: Minutes,
    *,
    by: Actor,
    typed_name: str,
    record_sha256: str,
    fresh: bool,
    number: int | None = None,
) -> Minutes:
    """Sign version `number` with the record whose fingerprint the chair read; both freeze (design.md 3, Signed).

    `fresh`: a code was typed within five minutes (security.md M5). Raises StepRefused where the person may not or did
    not prove who they are, PermissionDenied, and Stale when the record is no longer the one that was read.
    """
    meeting = locked(Meeting, minutes.meeting_id)
    minutes = locked(Minutes, minutes.pk)
    if why := why_not_sign(minutes, by):
        raise StepRefused([why])
    if not fresh:
        raise StepRefused(["Enter your security code, then sign."])
    if not _same_name(typed_name, by.user):
        raise StepRefused([f"Type your name as your account has it: {by.user.name}."])
    record = record_of(minutes)
    if minutes.status == MinutesStatus.WITH_CHAIR and (
        fingerprint(record) != record_sha256 or number not in (None, minutes.number)
    ):
        raise Stale(minutes)
    signed = take(
        SIGN,
        minutes,
        by=by,
        subjects=sorted({item["reference"] for item in record["items"] if item["reference"]}),
        record=record,
        record_sha256=record_sha256,
        signed_by=by.user,
        signed_name=" ".join(typed_name.split()),
        signed_at=clock.now(),
    )
    take(transitions.SIGN, meeting, by=by)
    signed_files.ask(signed, by=by)
    _tell_signed(signed)
    return signed


def _same_name(typed: str, user: User) -> bool:
    return " ".join(typed.split()).casefold() == " ".join(user.name.split()).casefold()


def _tell_signed(minutes: Minutes) -> None:
    meeting = minutes.meeting
    notify.tell(
        _readers(meeting),
        scheme=minutes.scheme,
        kind="minutes_signed",
        subject=f"{meeting.key} v{minutes.number}",
        text=f"Minutes signed: {meeting.called}",
        url=f"/meetings/{meeting.key}/minutes/v{minutes.number}/",
        email_body="The minutes have been signed. Sign in to read them:",
    )


def _keepers(meeting: Meeting) -> list[User]:
    """Who recorded the meeting, and the coordinators."""
    people = {m.user_id: m.user for m in _office(meeting)}
    if meeting.recorder is not None:
        people[meeting.recorder_id] = meeting.recorder
    return list(people.values())


def _readers(meeting: Meeting) -> list[User]:
    """Everyone who had the agenda or was there, and the coordinators: those who may read the minutes."""
    there = Membership.objects.filter(attendance__meeting=meeting, attendance__standing="member")
    sent = Membership.objects.filter(circulation__meeting=meeting)
    rows = {m.pk: m for part in (there, sent) for m in part.current(clock.today()).select_related("user")}
    people = {m.user_id: m.user for m in (*rows.values(), *_office(meeting))}
    return list(people.values())


def _office(meeting: Meeting) -> list[Membership]:
    rows = Membership.objects.filter(scheme=meeting.scheme).current(clock.today()).with_role("coordinator")
    return list(rows.select_related("user"))


def _must_be(minutes: Minutes, status: MinutesStatus) -> None:
    if minutes.status != status:
        raise StepRefused([f"These minutes are already {minutes.get_status_display().lower()}."])
