"""Bail, court, wanted, arrests, tags and their hits, and what a feed proposes of custody: one verb for each change.

Every fact says who says so and when it was checked; what no longer holds ends and stays (ux.md 4.5). What happened also
becomes an entry of the timeline, so that whoever works with the case meets it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from iom import audit, clock, notify, together
from iom.access import Actor
from iom.jinja import day
from iom.models import Handling, Membership, Role, User
from iom.steps import StepRefused, locked
from iom.working_days import add_months

from . import actions
from .models import (
    AssignmentRole,
    Case,
    CaseStatus,
    CustodyPeriod,
    CustodyProposal,
    Entry,
    EntryKind,
    LegalStatus,
    Prison,
    Tag,
    TagHit,
)
from .timeline import note

Kind, Ended = LegalStatus.Kind, LegalStatus.Ended
PRISON_NOT_KNOWN = "Prison not known"
# An arrest that became known later than this is no news any more: nobody is sent to custody for it.
NEWS = timedelta(days=7)


# --- Bail, court, wanted -----------------------------------------------------


@transaction.atomic
def record_status(
    case: Case,
    kind: str,
    *,
    on: date,
    source: str,
    by: Actor,
    place: str = "",
    checked_at: datetime | None = None,
    replaces: LegalStatus | None = None,
) -> LegalStatus:
    """Record a return on bail, a court date, or since when somebody is wanted; the same again is a newer check of it.

    Somebody is wanted once: said with another date, that one holds. `replaces` is the date that it moved from. Raises
    PermissionDenied or StepRefused.
    """
    held = _open_case(case, by, "offenders.record_status")
    kind, checked_at = Kind(kind), checked_at or clock.now()
    if kind == Kind.WANTED and on > clock.today():
        raise StepRefused(["Since when they are wanted must be today or earlier."])
    rows = LegalStatus.objects.select_for_update().filter(case=held, kind=kind, ended_at=None)
    present = list(rows)
    if same := next((each for each in present if each.on == on), None):
        return _check_again(same, source, place, checked_at, by)
    gone = [each for each in present if kind == Kind.WANTED or (replaces is not None and each.pk == replaces.pk)]
    for each in gone:
        _end(each, Ended.REPLACED, "")
    row = LegalStatus.objects.create(
        scheme_id=held.scheme_id,
        case=held,
        kind=kind,
        on=on,
        place=place,
        source=source,
        checked_at=checked_at,
        recorded_by=by.user,
    )
    audit.record("record_status", held, by=by, after=kind, subjects=[held.reference])
    note(
        held,
        str(kind),
        on=on if kind == Kind.WANTED else clock.local(checked_at).date(),
        text=_said(row),
        by=by,
        source=source,
        checked_at=checked_at,
        key=f"status:{row.pk}",
    )
    return row


def _said(row: LegalStatus) -> str:
    at = f", {row.place}" if row.place else ""
    return {
        Kind.BAIL: f"On police bail, to return on {day(row.on)}{at}",
        Kind.COURT: f"Due in court on {day(row.on)}{at}",
        Kind.WANTED: f"Wanted since {day(row.on)}",
    }[row.kind]


def _check_again(row: LegalStatus, source: str, place: str, checked_at: datetime, by: Actor) -> LegalStatus:
    if checked_at <= row.checked_at and (place or row.place) == row.place:
        return row
    row.checked_at, row.source, row.place = max(checked_at, row.checked_at), source, place or row.place
    row.version += 1
    row.save(update_fields=["checked_at", "source", "place", "version"])
    audit.record("check_status", row.case, by=by, after=row.kind, subjects=[row.case.reference])
    return row


@transaction.atomic
def check_status(row: LegalStatus, *, source: str, by: Actor) -> LegalStatus:
    """Say that it was looked up again and holds. Raises PermissionDenied or StepRefused."""
    row = _present(row, by)
    return _check_again(row, source, row.place, clock.now(), by)


@transaction.atomic
def end_status(
    row: LegalStatus, *, because: str, outcome: str = "", by: Actor, version: int | None = None
) -> LegalStatus:
    """Say what came of it, or that it no longer holds. Raises PermissionDenied, Stale or StepRefused."""
    row = _present(row, by, version)
    because = Ended(because)
    if because == Ended.HAPPENED and row.kind != Kind.WANTED and row.on > clock.today():
        raise StepRefused([f"{day(row.on)} is still to come: say that the date moved, or that it no longer holds."])
    if because == Ended.HAPPENED and not outcome.strip():
        raise StepRefused(["Enter what came of it."])
    _end(row, because, outcome.strip())
    audit.record("end_status", row.case, by=by, before=row.kind, after=because, subjects=[row.case.reference])
    if because != Ended.MISTAKE:
        words = f"{row.get_kind_display()} of {day(row.on)}: {row.outcome or because.label.lower()}"
        if row.kind == Kind.WANTED:
            words = f"No longer wanted{f': {row.outcome}' if row.outcome else ''}"
        took_place = because == Ended.HAPPENED and row.kind != Kind.WANTED
        note(row.case, row.kind, on=row.on if took_place else clock.today(), text=words, by=by, source=row.source)
    return row


def _present(row: LegalStatus, by: Actor, version: int | None = None) -> LegalStatus:
    row = locked(LegalStatus, row.pk, version=version)
    _open_case(row.case, by, "offenders.record_status")
    if row.ended_at is not None:
        raise StepRefused(["Somebody has recorded what came of this already."])
    return row


def _end(row: LegalStatus, because: str, outcome: str) -> None:
    row.ended_at, row.ended_because, row.outcome = clock.now(), because, outcome
    row.version += 1
    row.save(update_fields=["ended_at", "ended_because", "outcome", "version"])


def without_outcome(rows: QuerySet, today: date) -> QuerySet:
    """Returns on bail and court dates that have passed, of which nobody has said what came of them."""
    return rows.filter(kind__in=[Kind.BAIL, Kind.COURT], ended_at=None, on__lt=today)


# --- Arrests -----------------------------------------------------------------


@transaction.atomic
def record_arrest(
    case: Case, *, on: date, what: str, by: Actor, source: str, where: str = "", checked_at: datetime | None = None
) -> Entry:
    """Record an arrest. The police officer and the lead professional hear of it, by reference alone.

    Raises PermissionDenied or StepRefused.
    """
    held = _open_case(case, by, "offenders.record_status")
    if on > clock.today():
        raise StepRefused(["The date of the arrest must be today or earlier."])
    text = f"{what}. Held at {where}" if where else what
    checked_at = checked_at or clock.now()
    entry = note(held, EntryKind.ARREST, on=on, text=text, by=by, source=source, checked_at=checked_at)
    audit.record("record_arrest", held, by=by, subjects=[held.reference])
    tell_of_arrests([entry], but=by.user)
    return entry


def tell_of_arrests(entries: Iterable[Entry], *, but: User | None = None) -> None:
    """Who holds each case hears of an arrest that is news; for whoever recorded it there is nothing to tell."""
    for entry in entries:
        case = entry.case
        if entry.happened_on < clock.today() - NEWS:
            continue
        attend = case.scheme.policy.arrests.police_attend
        for role in (AssignmentRole.POLICE_OFFICER, AssignmentRole.LEAD_PROFESSIONAL):
            held = case.assigned(role)
            if held is None or held.membership is None or held.membership.user == but:
                continue
            goes = attend and role == AssignmentRole.POLICE_OFFICER
            notify.tell(
                [held.membership.user],
                scheme=case.scheme,
                kind="arrested",
                subject=f"{case.reference} {entry.pk}",
                text=f"{'Go to custody' if goes else 'Read today'}: {case.reference}, new from the police",
                url=reverse("case_custody", args=[case.reference]),
                email_body="There is something new from the police on a case that you hold. Sign in to read it:",
            )


def to_attend(actor: Actor, today: date) -> list[Entry]:
    """Arrests after which police are asked to go to custody and nobody has said that they did (London, Police).

    For police alone; of a case with a police officer, for that officer.
    """
    return together.run(to_attend_steps(actor, today))


def to_attend_steps(actor: Actor, today: date) -> together.Steps[list[Entry]]:
    """`to_attend`, read in its caller's round."""
    rule = actor.scheme.policy.arrests
    if not rule.police_attend or actor.agency is None or actor.agency.kind != "police":
        return []
    since = today - timedelta(days=rule.within_days)

    def asked() -> list[QuerySet]:
        rows = Entry.objects.visible_to(actor).filter(kind=EntryKind.ARREST, happened_on__gte=since, correction=None)
        went = Entry.objects.filter(case=OuterRef("case"), kind=EntryKind.CUSTODY_VISIT)
        rows = rows.exclude(Exists(went.filter(happened_on__gte=OuterRef("happened_on"), correction=None)))
        noted = Entry.objects.visible_to(actor).filter(key__startswith="not-attended:", happened_on__gte=since)
        concerned = Case.objects.filter(pk__in=rows.order_by().values("case")).not_closed().with_current()
        return [rows.order_by("happened_on", "pk"), noted.order_by().values_list("key", flat=True), concerned]

    arrests, said, cases = yield asked
    found, by_key, said = [], {case.pk: case for case in cases}, set(said)
    for entry in arrests:
        case = by_key.get(entry.case_id)
        officer = case.assigned(AssignmentRole.POLICE_OFFICER) if case else None
        mine = officer is None or officer.membership is None or officer.membership_id == actor.membership.pk
        if case and mine and f"not-attended:{entry.pk}" not in said:
            entry.case = case
            found.append(entry)
    return found


@transaction.atomic
def attended(arrest: Entry, *, went: bool, on: date, words: str, by: Actor) -> Entry:
    """Say that police went to custody after an arrest, or why not. Raises PermissionDenied or StepRefused."""
    held = _open_case(arrest.case, by, "offenders.record_status")
    if not arrest.happened_on <= on <= clock.today():
        raise StepRefused([f"The date must be between the arrest, {day(arrest.happened_on)}, and today."])
    if went:
        return note(held, EntryKind.CUSTODY_VISIT, on=on, text=words, by=by, key=f"attended:{arrest.pk}")
    text = f"Nobody went to custody: {words}"
    return note(held, EntryKind.OTHER, on=on, text=text, by=by, key=f"not-attended:{arrest.pk}")


# --- Tags and hits -----------------------------------------------------------


@transaction.atomic
def start_tag(case: Case, *, starts_on: date, ends_on: date, offence: str, licence: str = "", by: Actor) -> Tag:
    """Record a GPS tag: for the scheme's kinds of offence, and no longer than its rules allow.

    Raises PermissionDenied or StepRefused.
    """
    held = _open_case(case, by, "offenders.record_status")
    _must_fit(held, None, starts_on, ends_on, offence)
    tag = Tag.objects.create(
        scheme_id=held.scheme_id, case=held, starts_on=starts_on, ends_on=ends_on, offence=offence, licence=licence
    )
    audit.record("start_tag", held, by=by, subjects=[held.reference])
    text = f"GPS tag from {day(starts_on)} to {day(ends_on)}"
    note(held, EntryKind.TAG, on=min(starts_on, clock.today()), text=text, by=by, key=f"tag:{tag.pk}")
    return tag


@transaction.atomic
def change_tag(
    tag: Tag, *, starts_on: date, ends_on: date, offence: str, licence: str = "", by: Actor, version: int | None = None
) -> Tag:
    """Correct what is recorded of a tag. Raises PermissionDenied, Stale or StepRefused."""
    tag, held = _tag(tag, by, version)
    _must_fit(held, tag, starts_on, ends_on, offence)
    tag.starts_on, tag.ends_on, tag.offence, tag.licence = starts_on, ends_on, offence, licence
    tag.version += 1
    tag.save()
    audit.record("change_tag", held, by=by, subjects=[held.reference])
    return tag


@transaction.atomic
def end_tag(tag: Tag, *, on: date, because: str, by: Actor, version: int | None = None) -> Tag:
    """Record that a tag came off before its time. Raises PermissionDenied, Stale or StepRefused."""
    tag, held = _tag(tag, by, version)
    if not tag.starts_on <= on <= min(tag.ends_on, clock.today()):
        raise StepRefused([f"The date must be between {day(tag.starts_on)} and today, or the day on which it ends."])
    tag.ended_on, tag.ended_because = on, because
    tag.version += 1
    tag.save(update_fields=["ended_on", "ended_because", "version"])
    audit.record("end_tag", held, by=by, subjects=[held.reference])
    note(held, EntryKind.TAG, on=on, text=f"GPS tag taken off: {because}", by=by)
    return tag


def _tag(tag: Tag, by: Actor, version: int | None) -> tuple[Tag, Case]:
    tag = locked(Tag, tag.pk, version=version)
    held = _open_case(tag.case, by, "offenders.record_status")
    if tag.ended_on is not None:
        raise StepRefused([f"The tag came off on {day(tag.ended_on)}."])
    return tag, held


def _must_fit(held: Case, tag: Tag | None, starts_on: date, ends_on: date, offence: str) -> None:
    gps = held.scheme.policy.gps
    if gps is None:
        raise StepRefused(["This scheme's rules have no GPS tags."])
    problems = []
    if offence not in gps.types:
        problems.append("Choose an offence for which the rules have tags.")
    if ends_on < starts_on:
        problems.append("The tag must end on the day on which it starts, or later.")
    elif ends_on > (longest := add_months(starts_on, gps.max_months)):
        problems.append(f"A tag is worn for {gps.max_months} months at most: until {day(longest)}.")
    others = Tag.objects.filter(case=held).exclude(pk=tag.pk if tag else None)
    if any(each.starts_on < ends_on and starts_on < each.last_day for each in others):
        problems.append("Another tag is recorded for some of these days. Correct or end that one.")
    if problems:
        raise StepRefused(problems)


@transaction.atomic
def add_hit(tag: Tag, *, happened_at: datetime, area: str, crime_reference: str, by: Actor) -> TagHit:
    """Record that a tag was near a crime, and tell the police. Of members of the cohort alone, and only of days on
    which the tag was worn (Hampshire, GPS Tagging).

    Raises PermissionDenied or StepRefused.
    """
    tag = locked(Tag, tag.pk)
    held = _open_case(tag.case, by, "offenders.record_hit")
    if by.agency is None:
        raise PermissionDenied
    on = clock.local(happened_at).date()
    if happened_at > clock.now() or not tag.starts_on <= on <= tag.last_day:
        raise StepRefused([f"The tag is worn from {day(tag.starts_on)} to {day(tag.last_day)}: give a time within it."])
    if TagHit.objects.filter(tag=tag, crime_reference__iexact=crime_reference).exists():
        raise StepRefused([f"The hit near {crime_reference} is recorded already."])
    hit = TagHit.objects.create(
        scheme_id=held.scheme_id,
        tag=tag,
        case=held,
        agency=by.agency,
        happened_at=happened_at,
        area=area,
        crime_reference=crime_reference,
        sent_at=clock.now(),
        recorded_by=by.user,
    )
    audit.record("add_hit", held, by=by, subjects=[held.reference])
    _of_hit(hit, f"The tag was near {crime_reference}, {area}", on, by)
    people = _police_of(held)
    notify.tell(
        [each for each in people if each != by.user],
        scheme=held.scheme,
        kind="tag_hit",
        subject=f"{held.reference} {hit.pk}",
        text=f"Rule in or out: {held.reference}, new from the tags",
        url=reverse("case_custody", args=[held.reference]),
        email_body="The tags have something new for the police on a case. Sign in to read it:",
    )
    return hit


@transaction.atomic
def rule_hit(hit: TagHit, *, ruling: str, because: str, by: Actor, version: int | None = None) -> TagHit:
    """Rule the wearer of a tag in or out; ruled again, the last holds and the history keeps both.

    Raises PermissionDenied, Stale or StepRefused.
    """
    hit = locked(TagHit, hit.pk, version=version)
    held = _open_case(hit.case, by, "offenders.record_hit")
    if not TagHit.objects.visible_to(by).filter(pk=hit.pk).exists():
        raise PermissionDenied
    if not because.strip():
        raise StepRefused(["Enter what rules them in or out."])
    hit.ruling, hit.ruled_because = TagHit.Ruling(ruling), because.strip()
    hit.ruled_at, hit.ruled_by = clock.now(), by.user
    hit.version += 1
    hit.save(update_fields=["ruling", "ruled_because", "ruled_at", "ruled_by", "version"])
    audit.record("rule_hit", held, by=by, after=hit.ruling, subjects=[held.reference])
    _of_hit(hit, f"{hit.get_ruling_display()} near {hit.crime_reference}: {hit.ruled_because}", clock.today(), by)
    return hit


def _of_hit(hit: TagHit, text: str, on: date, by: Actor) -> None:
    note(hit.case, EntryKind.TAG_HIT, on=on, text=text, by=by, source="GPS", handling=Handling.POLICE_PROBATION)


def _police_of(case: Case) -> list[User]:
    """The police officer of a case; where it has none here, every police officer who works with cases."""
    officer = case.assigned(AssignmentRole.POLICE_OFFICER)
    if officer is not None and officer.membership is not None:
        return [officer.membership.user]
    rows = Membership.objects.filter(scheme=case.scheme_id, agency__kind="police").current(clock.today())
    return [held.user for held in rows.with_role(Role.MEMBER).select_related("user")]


# --- What a feed proposes ------------------------------------------------------


@transaction.atomic
def accept_proposal(proposal: CustodyProposal, *, by: Actor, kind: str = "") -> CustodyProposal:
    """Let what the feed says of custody be the record; Blue follows where the scheme rates custody so.

    `kind` says whether somebody is on remand or under sentence, where the feed does not. Raises PermissionDenied or
    StepRefused.
    """
    proposal, held = _proposed(proposal, by)
    said = {"release_source": proposal.source, "release_checked_at": proposal.as_of}
    if proposal.kind == CustodyProposal.Kind.IN:
        kind = proposal.custody_kind or kind
        if kind not in CustodyPeriod.Kind.values:
            raise StepRefused(["Choose if they are on remand or under sentence."])
        actions.record_custody(
            held,
            kind=kind,
            prison=proposal.prison or PRISON_NOT_KNOWN,
            starts_on=proposal.on,
            release_expected_on=proposal.release_on,
            by=by,
            **(said if proposal.release_on else {}),
        )
    elif proposal.kind == CustodyProposal.Kind.OUT:
        actions.record_release(proposal.period, on=max(proposal.on, proposal.period.starts_on), by=by)
    elif proposal.kind == CustodyProposal.Kind.MOVED:
        actions.change_custody(proposal.period, prison=proposal.prison, by=by)
    else:
        actions.change_custody(proposal.period, release_expected_on=proposal.release_on, by=by, **said)
    return _answer(proposal, CustodyProposal.Status.ACCEPTED, "", by)


@transaction.atomic
def dismiss_proposal(proposal: CustodyProposal, *, because: str, by: Actor) -> CustodyProposal:
    """Say why what the feed says of custody is not so. It is not proposed again. Raises as `accept_proposal`."""
    proposal, _ = _proposed(proposal, by)
    if not because.strip():
        raise StepRefused(["Enter why it is not so."])
    return _answer(proposal, CustodyProposal.Status.DISMISSED, because.strip(), by)


def _proposed(proposal: CustodyProposal, by: Actor) -> tuple[CustodyProposal, Case]:
    # The case first, as the file that makes proposals does.
    held = _open_case(proposal.case, by, "offenders.record_custody")
    proposal = locked(CustodyProposal, proposal.pk)
    if proposal.status != CustodyProposal.Status.OPEN:
        raise StepRefused([f"This was answered already: {proposal.get_status_display().lower()}."])
    return proposal, held


def _answer(proposal: CustodyProposal, status: str, because: str, by: Actor) -> CustodyProposal:
    proposal.status, proposal.because = status, because
    proposal.answered_at, proposal.answered_by = clock.now(), by.user
    proposal.version += 1
    proposal.save(update_fields=["status", "because", "answered_at", "answered_by", "version"])
    reference = proposal.case.reference
    audit.record("answer_proposal", proposal, by=by, after=status, reason=because, subjects=[reference])
    return proposal


# --- Prisons -------------------------------------------------------------------


@transaction.atomic
def keep_prison(prison: Prison | None, *, by: Actor, version: int | None = None, **fields: Any) -> Prison:
    """Write down whom to turn to in a prison, or put it right. Raises PermissionDenied, Stale or StepRefused."""
    if not by.holds("offenders.keep_prisons"):
        raise PermissionDenied
    kept = locked(Prison, prison.pk, version=version) if prison else Prison(scheme=by.scheme)
    if kept.scheme_id != by.scheme.pk:
        raise PermissionDenied
    if Prison.objects.filter(scheme=by.scheme, name__iexact=fields["name"]).exclude(pk=kept.pk).exists():
        raise StepRefused(["This prison is in the list already. Change it there."])
    for name, value in fields.items():
        setattr(kept, name, value)
    kept.version += 1 if kept.pk else 0
    kept.save()
    audit.record("keep_prison", kept, by=by, fields=list(fields))
    return kept


def prison_called(scheme_prisons: Iterable[Prison], name: str) -> Prison | None:
    """The prison of that name, "HMP" before it or not."""
    return next((each for each in scheme_prisons if same_prison(each.name, name)), None)


def same_prison(one: str, other: str) -> bool:
    """Whether two names mean the same prison: case, blanks and "HMP" or "HMP/YOI" before them do not count."""
    return _bare(one) == _bare(other)


def _bare(name: str) -> str:
    words = name.casefold().replace("/", " ").replace(".", "").split()
    while words and words[0] in {"hmp", "hmyoi", "yoi"}:
        words = words[1:]
    return " ".join(words)


# --- Shared --------------------------------------------------------------------


def _open_case(case: Case, by: Actor, permission: str) -> Case:
    """The case, locked; a person needs the right, a task acts for the scheme. Raises PermissionDenied, StepRefused."""
    held = locked(Case, case.pk)
    allowed = held.scheme_id == by.scheme.pk if by.user is None else by.can(permission, held)
    if not allowed:
        raise PermissionDenied
    if held.status == CaseStatus.CLOSED:
        raise StepRefused([f"{held.reference} is closed."])
    return held
