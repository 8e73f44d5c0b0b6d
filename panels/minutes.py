"""Minutes from draft to signature: they write themselves from the record; people add words, and the chair signs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, notify
from iom.models import Meeting, Membership, User
from iom.steps import Stale, StepRefused, locked, take

from . import last_minutes, names_kept_out, preflight, signed_files, transitions
from .chairing import chair_of
from .minutes_steps import RETURN, SEND_TO_CHAIR, SIGN
from .models import Decision, Minutes, MinutesStatus
from .preflight import Check
from .record import Record, fingerprint, record_of

if TYPE_CHECKING:
    from iom.access import Actor

LONGEST_WORDS = 4000


def draft(meeting: Meeting, *, by: Actor) -> Minutes:
    """The first version of a meeting's minutes. Called when the meeting closes, in its transaction."""
    minutes, new = Minutes.objects.get_or_create(meeting=meeting, number=1, defaults={"scheme": meeting.scheme})
    if new:
        audit.record("draft_minutes", minutes, by=by, after=minutes.status, meeting=meeting.key)
    return minutes


def latest(meeting: Meeting) -> Minutes | None:
    """The version that is being worked on, or was signed last."""
    return meeting.minutes.order_by("-number").first()


def checks(minutes: Minutes, record: Record) -> list[Check]:
    """What to look at before the minutes go to the chair."""
    meeting = minutes.meeting
    chair = chair_of(meeting)
    recorded = chair is not None and recorded_by(meeting, chair.user)
    return preflight.checks(record, has_chair=chair is not None, chair_recorded=recorded)


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
def mark_words(
    minutes: Minutes, item: int, text: str, agencies: Iterable[str], *, by: Actor, version: int | None = None
) -> Minutes:
    """Add words to an item for some agencies alone; blank takes them away.

    They stand in the copies of these agencies and nowhere else (security.md Z6). Raises as `take` does.
    """
    minutes = locked(Minutes, minutes.pk, version=version)
    if not by.can("panels.edit_minutes", minutes):
        raise PermissionDenied
    _must_be(minutes, MinutesStatus.DRAFT)
    readers = sorted(set(agencies))
    if text.strip() and not readers:
        raise StepRefused(["Choose at least one agency."])
    kept = {key: said for key, said in minutes.marked.items() if key != str(item)}
    if text.strip():
        kept[str(item)] = {"text": text.strip()[:LONGEST_WORDS], "agencies": readers}
    minutes.marked = kept
    minutes.version += 1
    minutes.save(update_fields=["marked", "version"])
    audit.record("mark_minutes", minutes, by=by, fields=["marked"], meeting=minutes.meeting.key)
    return minutes


@transaction.atomic
def leave_out(minutes: Minutes, decision: int, *, by: Actor) -> Minutes:
    """Leave out of the minutes why an earlier decision was corrected, or put it back: the words alone.

    A decision is never edited, so that this is the way out when its words hold a name. Raises as `take` does.
    """
    minutes = locked(Minutes, minutes.pk)
    if not by.can("panels.edit_minutes", minutes):
        raise PermissionDenied
    _must_be(minutes, MinutesStatus.DRAFT)
    known = Decision.objects.filter(item__meeting=minutes.meeting, supersedes__isnull=False)
    if not known.filter(pk=decision).exists():
        raise StepRefused(["This correction is not one of these minutes."])
    minutes.left_out = sorted(set(minutes.left_out) ^ {decision})
    minutes.version += 1
    minutes.save(update_fields=["left_out", "version"])
    audit.record("edit_minutes", minutes, by=by, fields=["left_out"], meeting=minutes.meeting.key)
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
    """Give the draft to the chair and tell them. Raises PermissionDenied, StepRefused or Stale.

    The page calls `names_kept_out.obstacles` first: it tells those who keep a name, which a refusal could not.
    """
    held = locked(Minutes, minutes.pk, version=version)
    if by.can("panels.edit_minutes", held) and (found := names_kept_out.look_through(held)):
        raise StepRefused(names_kept_out.words(found))
    minutes = take(SEND_TO_CHAIR, held, by=by, comments="", item_comments={})
    meeting = minutes.meeting
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


@transaction.atomic
def return_to_coordinator(minutes: Minutes, *, by: Actor, version: int | None = None) -> Minutes:
    """Give the minutes back with the chair's comments; without any it is refused. Raises as `take` does."""
    held = locked(Minutes, minutes.pk, version=version)
    if not held.comments and not held.item_comments:
        raise StepRefused(["Enter what should be changed before you return the minutes."])
    minutes = take(RETURN, held, by=by, reason=held.comments)
    meeting = minutes.meeting
    notify.tell(
        keepers_of(meeting),
        scheme=minutes.scheme,
        kind="minutes_returned",
        subject=f"{meeting.key} v{minutes.number} {minutes.version}",
        text=f"Minutes returned: {meeting.called}",
        url=f"/meetings/{meeting.key}/minutes/",
        email_body="The chair asks for changes to the minutes. Sign in to read them:",
    )
    return minutes


def recorded_by(meeting: Meeting, user: User) -> bool:
    """Whether somebody recorded a meeting, or any decision in it."""
    if meeting.recorder_id == user.pk:
        return True
    return Decision.objects.filter(item__meeting=meeting, decided_by=user).exists()


def why_not_sign(minutes: Minutes, by: Actor) -> str | None:
    """Why this person may not sign at all, with the rule named; None when they may."""
    meeting = minutes.meeting
    if by.user is None:
        return "A person signs the minutes."
    if recorded_by(meeting, by.user):
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
    if problems := unproven(typed_name, fresh=fresh, by=by):
        raise StepRefused(problems)
    if found := names_kept_out.look_through(minutes):
        raise StepRefused(names_kept_out.words(found))
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
    from . import addenda

    addenda.add_what_was_agreed(signed, by=by)
    last_minutes.bring_to_next(meeting, by=by)
    signed_files.ask(signed, by=by)
    _tell_signed(signed)
    return signed


def unproven(typed_name: str, *, fresh: bool, by: Actor) -> list[str]:
    """What a signature lacks of proof that it is the person's own (security.md M5)."""
    if not fresh:
        return ["Enter your security code, then sign."]
    if not _same_name(typed_name, by.user):
        return [f"Type your name as your account has it: {by.user.name}."]
    return []


def _same_name(typed: str, user: User) -> bool:
    return " ".join(typed.split()).casefold() == " ".join(user.name.split()).casefold()


def _tell_signed(minutes: Minutes) -> None:
    meeting = minutes.meeting
    notify.tell(
        readers_of(meeting),
        scheme=minutes.scheme,
        kind="minutes_signed",
        subject=f"{meeting.key} v{minutes.number}",
        text=f"Minutes signed: {meeting.called}",
        url=f"/meetings/{meeting.key}/minutes/v{minutes.number}/",
        email_body="The minutes have been signed. Sign in to read them:",
    )


def keepers_of(meeting: Meeting) -> list[User]:
    """Who recorded the meeting, and the coordinators."""
    people = {m.user_id: m.user for m in _office(meeting)}
    if meeting.recorder is not None:
        people[meeting.recorder_id] = meeting.recorder
    return list(people.values())


def readers_of(meeting: Meeting) -> list[User]:
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
