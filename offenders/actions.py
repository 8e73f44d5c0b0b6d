"""What is done to people and cases: one verb for each change. Each locks, asks for permission, writes and audits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.access import Actor
from iom.jinja import day
from iom.models import Agency, Counter, Meeting, Membership, PolicyVersion
from iom.steps import StepRefused, locked, take

from . import leaving
from .leads import DRIVERS_KNOWN
from .models import (
    Alias,
    Assignment,
    AssignmentRole,
    Case,
    CaseStatus,
    Colour,
    CustodyPeriod,
    CustodyProposal,
    HandOver,
    Offender,
    RagRating,
    Search,
    Supervision,
)
from .rated import Rated, rated
from .transitions import CLOSE, LEAVE

NUMBERS = ("pnc_number", "cro_number", "prison_number", "probation_number", "address", "area")
IDENTITY = ("family_name", "given_names", "date_of_birth", "gender", *NUMBERS)
OVERTAKEN = "Somebody else was chosen before its day came."
# What is kept of a period in custody besides its kind, place and days.
OF_CUSTODY = ("recalled", "sentence", "offence", "release_source", "release_checked_at")
INTO_CUSTODY = "Came into custody, which this scheme rates by itself."


# --- People -----------------------------------------------------------------


@transaction.atomic
def add_offender(
    *,
    by: Actor,
    family_name: str,
    given_names: str,
    date_of_birth: date | None,
    gender: str = "",
    aliases: Iterable[str] = (),
    **numbers: str,
) -> Offender:
    """Enter a person whom the scheme does not know yet. The caller has looked for duplicates (`offenders.likeness`).

    `numbers` are those of `NUMBERS`. Raises PermissionDenied.
    """
    _only(numbers, NUMBERS)
    if by.user is not None and not by.holds("offenders.add_offender"):
        raise PermissionDenied
    offender = Offender.objects.create(
        scheme=by.scheme,
        family_name=family_name,
        given_names=given_names,
        date_of_birth=date_of_birth,
        gender=gender,
        **numbers,
    )
    _set_aliases(offender, aliases)
    given = [name for name in IDENTITY if getattr(offender, name)]
    audit.record("add_offender", offender, by=by, fields=given)
    return offender


@transaction.atomic
def change_offender(offender: Offender, *, by: Actor, version: int | None = None, **fields: Any) -> Offender:
    """Correct who somebody is: the fields of `IDENTITY`, and `aliases` as the whole list.

    Raises PermissionDenied or Stale. What is the same already is left alone.
    """
    _only(fields, (*IDENTITY, "aliases"))
    offender = locked(Offender, offender.pk, version=version)
    _must_be_allowed(by, "offenders.change_offender", offender)
    aliases = fields.pop("aliases", None)
    changed = [name for name, value in fields.items() if getattr(offender, name) != value]
    for name in changed:
        setattr(offender, name, fields[name])
    if aliases is not None and _set_aliases(offender, aliases):
        changed.append("aliases")
    if changed:
        offender.version += 1
        offender.save()
        audit.record("change_offender", offender, by=by, fields=changed, subjects=_references(offender))
    return offender


def _set_aliases(offender: Offender, names: Iterable[str]) -> bool:
    """Make the aliases these and no others; whether that changed anything."""
    wanted = {name.strip() for name in names if name.strip()}
    held = {alias.name: alias for alias in offender.aliases.all()}
    for name in held.keys() - wanted:
        held[name].delete()
    for name in sorted(wanted - held.keys()):
        Alias.objects.create(scheme_id=offender.scheme_id, offender=offender, name=name)
    return wanted != held.keys()


def _references(offender: Offender) -> list[str]:
    return list(offender.cases.values_list("reference", flat=True))


# --- On to the cohort, and off it -------------------------------------------


@transaction.atomic
def accept(
    *,
    offender: Offender,
    meeting: Meeting | None,
    on: date,
    why: str,
    criterion: str,
    score: int | None,
    score_on: date | None,
    statutory: bool | None,
    colour: str,
    reason: str,
    policy_version: PolicyVersion,
    by: Actor,
    rated_on: date | None = None,
    evidence: str = "",
    main_driver: str = "",
) -> Case:
    """Take a person onto the cohort from a day, with the first rating (design.md 3: accepting requires one).

    Someone accepted in custody is Blue and keeps, as the colour before, the first rating that the scheme's rules fix,
    if they fix one. `rated_on` is for a rating that began after acceptance, what was before it being unknown (import).
    Raises PermissionDenied, or StepRefused when the person has an open case or the scheme has no such colour.
    """
    if offender.scheme_id != by.scheme.pk or (by.user is not None and not by.holds("offenders.change_case")):
        raise PermissionDenied
    offender = locked(Offender, offender.pk)
    if present := offender.cases.not_closed().first():
        raise StepRefused([f"This person is on the cohort already, as {present.reference}."])
    _must_be_used(colour, policy_version)
    case = Case.objects.create(
        scheme=by.scheme,
        reference=f"IOM-{Counter.next(by.scheme, 'case'):04}",
        offender=offender,
        accepted_on=on,
        accepted_at=meeting,
        why=why,
        criterion=criterion,
        score=score,
        score_on=score_on,
        statutory=statutory,
        main_driver=main_driver if main_driver in DRIVERS_KNOWN else "",
        policy_version=policy_version,
    )
    first = policy_version.policy.first_rating.colour
    rating = RagRating.objects.create(
        scheme=by.scheme,
        case=case,
        colour=colour,
        starts_on=rated_on or on,
        reason=reason,
        evidence=evidence,
        meeting=meeting,
        decided_by=by.user,
        colour_before=first or "" if colour == Colour.BLUE else "",
    )
    audit.record("accept", case, by=by, after=colour, reason=reason, subjects=[case.reference], meeting=_key(meeting))
    rated(Rated(case, rating, was="", day_began_as="", on=rating.starts_on), by)
    return case


@transaction.atomic
def start_leaving(case: Case, *, on: date, reason: str, by: Actor, meeting: Meeting | None = None) -> Case:
    """Removal is decided, by a panel if at a `meeting`; exit or transition is still going on.

    Raises PermissionDenied or StepRefused.
    """
    if on < case.accepted_on:
        raise StepRefused([f"Leaving cannot start before acceptance, {day(case.accepted_on)}."])
    case = take(LEAVE, case, by=by, reason=reason, subjects=[case.reference])
    leaving.decided(case, on=on, reason=reason, meeting=meeting, by=by)
    return case


@transaction.atomic
def close(case: Case, *, on: date, reason: str, by: Actor, outcome: str = "other") -> Case:
    """End a person's time on the scheme on a day, whatever is missing: `offenders.exits.close_case` asks for it.

    Its last rating and leads stay as they were: they ended with it. Raises PermissionDenied or StepRefused.
    """
    if on < case.accepted_on:
        raise StepRefused([f"The case cannot end before acceptance, {day(case.accepted_on)}."])
    return take(
        CLOSE,
        case,
        by=by,
        reason=reason,
        subjects=[case.reference],
        ended_on=on,
        outcome=outcome,
        ended_because=reason[:600],
    )


# --- Rating -----------------------------------------------------------------


@transaction.atomic
def rate(
    case: Case,
    colour: str,
    *,
    on: date,
    reason: str,
    meeting: Meeting | None = None,
    by: Actor,
    evidence: str = "",
    agreed_until: date | None = None,
) -> RagRating:
    """Give a case another colour from a day on. Blue remembers the colour before (design.md 3).

    `evidence` is what it goes by; `agreed_until` the end of Green where the scheme agrees a period for each person.
    Decided twice on one day, the day's last decision holds; one that restores what was before leaves that unbroken.
    Raises PermissionDenied, or StepRefused for the colour it has already, one that the scheme does not use, a day
    before the present rating began, or a closed case.
    """
    held = _for_change(case, by)
    rating = _rate(
        held, colour, on=on, reason=reason, meeting=meeting, by=by, evidence=evidence, agreed_until=agreed_until
    )
    _changed(held, case)
    return rating


@transaction.atomic
def rate_between(
    case: Case,
    colour: str,
    *,
    on: date,
    reason: str,
    evidence: str = "",
    agreed_until: date | None = None,
    tell_now: bool = False,
    version: int | None = None,
    by: Actor,
) -> RagRating:
    """Give a case another colour between two panels: whoever leads it, or coordinates. It holds from its day on and is
    to be ratified, which the next agenda asks for by itself (ux.md 4.5). `tell_now` lets the panel hear of it at once.

    Raises PermissionDenied, Stale, or StepRefused as `rate`, without a reason, or for a day that has not come.
    """
    held = locked(Case, case.pk, version=version)
    _must_be_allowed(by, "offenders.change_rating", held)
    problems = []
    if not reason.strip():
        problems.append("Enter a reason.")
    if on > clock.today():
        problems.append("The rating must start today or earlier.")
    if agreed_until is not None and agreed_until <= on:
        problems.append("The agreed period must end after the rating starts.")
    if held.status == CaseStatus.CLOSED:
        problems.append(f"{held.reference} is closed.")
    if problems:
        raise StepRefused(problems)
    rating = _rate(
        held,
        colour,
        on=on,
        reason=reason.strip(),
        by=by,
        evidence=evidence.strip(),
        agreed_until=agreed_until,
        to_ratify=True,
        tell_now=tell_now,
    )
    _changed(held, case)
    return rating


@transaction.atomic
def ratify_rating(case: Case, *, meeting: Meeting, by: Actor) -> RagRating:
    """A panel lets stand what was rated between two panels. Raises PermissionDenied; StepRefused if nothing waits."""
    held = _for_change(case, by)
    rating = held.ratings.select_for_update().get(until=None)
    if not rating.waits:
        raise StepRefused([f"No rating of {held.reference} waits to be ratified."])
    return _note_ratified(held, rating, meeting, case, by)


@transaction.atomic
def unratify_rating(case: Case, *, meeting: Meeting, by: Actor) -> RagRating:
    """Take that back, while the same meeting sits. Raises PermissionDenied, or StepRefused when it ratified nothing."""
    held = _for_change(case, by)
    rating = held.ratings.select_for_update().filter(ratified_at=meeting, until=None).first()
    if rating is None:
        raise StepRefused(["The rating has changed again since this meeting. Change it on the case."])
    return _note_ratified(held, rating, None, case, by)


def _note_ratified(held: Case, rating: RagRating, meeting: Meeting | None, case: Case, by: Actor) -> RagRating:
    rating.ratified_at = meeting
    rating.version += 1
    rating.save(update_fields=["ratified_at", "version"])
    _changed(held, case)
    audit.record(
        "ratify_rating",
        held,
        by=by,
        before="" if meeting else "ratified",
        after=rating.colour if meeting else "to be ratified",
        subjects=[held.reference],
        meeting=_key(meeting),
    )
    return rating


def _rate(
    held: Case,
    colour: str,
    *,
    on: date,
    reason: str,
    meeting: Meeting | None = None,
    by: Actor,
    evidence: str = "",
    agreed_until: date | None = None,
    to_ratify: bool = False,
    tell_now: bool = False,
) -> RagRating:
    """`rate`, once the case is locked and the right to change it is established."""
    _must_be_used(colour, held.scheme.policy_on(on))
    present = held.ratings.get(until=None)
    if present.colour == colour:
        raise StepRefused([f"This case is rated {present.get_colour_display()} already."])
    if on < present.starts_on:
        raise StepRefused(
            [f"The rating cannot start before the present one, {day(present.starts_on)}. Choose a later date."]
        )
    remembered = present.colour if colour == Colour.BLUE else ""
    lasts = agreed_until if colour == Colour.GREEN else None
    given = {
        "colour": colour,
        "reason": reason,
        "evidence": evidence,
        "meeting": meeting,
        "decided_by": by.user,
        "to_ratify": to_ratify,
        "ratified_at": None,
        "colour_before": remembered,
        # A time that was agreed belongs to the Green for which it was agreed.
        "agreed_on": on if lasts else None,
        "agreed_until": lasts,
    }
    before = present.colour
    day_began_as = before
    if on == present.starts_on:
        earlier = held.ratings.filter(until=on).first()
        day_began_as = earlier.colour if earlier else ""
        rating = _decide_again(present, earlier, given)
    else:
        present.until = on
        present.save(update_fields=["until"])
        rating = RagRating.objects.create(scheme_id=held.scheme_id, case=held, starts_on=on, follows_from=on, **given)
    audit.record(
        "rate",
        held,
        by=by,
        before=before,
        after=colour,
        reason=reason,
        subjects=[held.reference],
        meeting=_key(meeting),
        **({"to_ratify": True} if to_ratify else {}),
    )
    leaving.rating_changed(held, before, colour, on=on, by=by)
    rated(Rated(held, rating, was=before, day_began_as=day_began_as, on=on, tell_now=tell_now), by)
    return rating


def _decide_again(present: RagRating, earlier: RagRating | None, given: dict[str, Any]) -> RagRating:
    """Decide afresh what was decided on the same day; `earlier` is the rating that ended on it."""
    if earlier is not None and earlier.colour == given["colour"]:
        present.delete()
        earlier.until = None
        earlier.save(update_fields=["until"])
        return earlier
    for name, value in given.items():
        setattr(present, name, value)
    present.version += 1
    present.save()
    return present


def _must_be_used(colour: str, version: PolicyVersion) -> None:
    used = {str(rating.colour): rating.name for rating in version.policy.ratings}
    if colour not in used:
        raise StepRefused([f"This scheme does not use that rating. Choose one of: {', '.join(used.values())}."])


# --- Who leads --------------------------------------------------------------


@transaction.atomic
def assign(
    case: Case,
    role: str,
    *,
    agency: Agency,
    membership: Membership | None = None,
    person_name: str = "",
    on: date,
    reason: str = "",
    meeting: Meeting | None = None,
    by: Actor,
) -> Assignment:
    """Give a case its lead agency, lead professional or police officer from a day on; who held it before ends there.

    A person has a membership here or is given by name. The one who holds it already is left alone. At a meeting
    whoever records its decisions assigns; between meetings whoever leads the case may too. What was arranged for a
    later day is overtaken. Raises PermissionDenied, or StepRefused for a person of another agency or a day before the
    present holder began.
    """
    role = AssignmentRole(role)
    held = _for_change(case, by, "offenders.change_leads" if meeting is None else "offenders.change_case")
    if membership is not None and membership.agency_id != agency.pk:
        raise StepRefused([f"{membership.user.name} does not act for {agency.name}. Choose their own agency."])
    present = held.assignments.select_for_update().filter(role=role, until=None).first()
    if present is not None and _same_holder(present, agency, membership, person_name):
        return present
    if present is not None and on < present.starts_on:
        raise StepRefused([f"{role.label} cannot change before {day(present.starts_on)}, when the present one began."])
    given = {
        "agency": agency,
        "membership": membership,
        "person_name": person_name,
        "reason": reason,
        "meeting": meeting,
    }
    if present is not None and present.starts_on == on:
        assignment = present
        for name, value in given.items():
            setattr(assignment, name, value)
        assignment.version += 1
        assignment.save()
    else:
        if present is not None:
            present.until = on
            present.save(update_fields=["until"])
        assignment = Assignment.objects.create(scheme_id=held.scheme_id, case=held, role=role, starts_on=on, **given)
    arranged = HandOver.objects.waiting().filter(case=held, role=role)
    arranged.exclude(agency=agency, membership=membership, person_name=person_name).update(ended_because=OVERTAKEN)
    _changed(held, case)
    audit.record(
        "assign",
        held,
        by=by,
        after=role,
        reason=reason,
        subjects=[held.reference],
        agency_assigned=agency.slug,
        meeting=_key(meeting),
    )
    return assignment


def _same_holder(present: Assignment, agency: Agency, membership: Membership | None, person_name: str) -> bool:
    return (present.agency_id, present.membership_id, present.person_name) == (
        agency.pk,
        membership.pk if membership else None,
        person_name,
    )


@transaction.atomic
def say_what_the_rule_asks(case: Case, *, statutory: bool | None, main_driver: str, by: Actor) -> Case:
    """Say whether somebody is under supervision and what drives the offending: what the rule of who leads asks.

    None and "" are not known. Raises PermissionDenied or StepRefused.
    """
    held = _for_change(case, by, "offenders.change_leads")
    given = {"statutory": statutory, "main_driver": main_driver}
    changed = [name for name, value in given.items() if getattr(held, name) != value]
    for name in changed:
        setattr(held, name, given[name])
        setattr(case, name, given[name])
    if changed:
        held.save(update_fields=changed)
        _changed(held, case)
        audit.record("say_what_the_rule_asks", held, by=by, fields=changed, subjects=[held.reference])
    return held


# --- Custody ----------------------------------------------------------------


@transaction.atomic
def record_custody(
    case: Case,
    *,
    kind: str,
    prison: str,
    starts_on: date,
    release_expected_on: date | None = None,
    by: Actor,
    **more: Any,
) -> CustodyPeriod:
    """Record that somebody came into custody, and when they are expected out. `more` are fields of `OF_CUSTODY`.

    Where the scheme rates custody Blue, the rating follows from its day without a decision (design.md 3); if the
    present rating began later than the custody, from the day that one began. What a feed proposed of it is settled.
    Raises PermissionDenied or StepRefused.
    """
    _only(more, OF_CUSTODY)
    held = _for_change(case, by, "offenders.record_custody")
    _must_be_in_order(starts_on, release_expected_on)
    if held.custody_periods.filter(released_on=None).exists():
        raise StepRefused(["This person is in custody already. Change the present period, or record its release."])
    period = CustodyPeriod.objects.create(
        scheme_id=held.scheme_id,
        case=held,
        kind=CustodyPeriod.Kind(kind),
        prison=prison,
        starts_on=starts_on,
        release_expected_on=release_expected_on,
        **_sourced(release_expected_on, more, by),
    )
    _settle(held, CustodyProposal.Kind.IN)
    blue = held.scheme.policy.blue
    present = held.ratings.get(until=None)
    if blue.used and kind in blue.covers and present.colour != Colour.BLUE:
        _rate(held, Colour.BLUE, on=max(starts_on, present.starts_on), reason=INTO_CUSTODY, by=by)
    _changed(held, case)
    audit.record("record_custody", held, by=by, after=kind, subjects=[held.reference])
    return period


@transaction.atomic
def change_custody(period: CustodyPeriod, *, by: Actor, version: int | None = None, **fields: Any) -> CustodyPeriod:
    """Correct kind, prison, start, expected release, or a field of `OF_CUSTODY`; the history keeps what it said before.

    Raises PermissionDenied, Stale or StepRefused.
    """
    _only(fields, ("kind", "prison", "starts_on", "release_expected_on", *OF_CUSTODY))
    period = locked(CustodyPeriod, period.pk, version=version)
    held = _for_change(period.case, by, "offenders.record_custody")
    if "release_expected_on" in fields and (
        fields["release_expected_on"] != period.release_expected_on or fields.get("release_source")
    ):
        fields = _sourced(fields["release_expected_on"], fields, by)
        _settle(held, CustodyProposal.Kind.RELEASE)
    for name, value in fields.items():
        setattr(period, name, value)
    _must_be_in_order(period.starts_on, period.release_expected_on)
    period.version += 1
    period.save()
    audit.record("change_custody", held, by=by, fields=fields, subjects=[held.reference])
    return period


@transaction.atomic
def record_release(period: CustodyPeriod, *, on: date, by: Actor, version: int | None = None) -> CustodyPeriod:
    """Record that somebody left custody. The rating stays what it is until the panel rates again (design.md 3).

    Raises PermissionDenied, Stale or StepRefused.
    """
    period = locked(CustodyPeriod, period.pk, version=version)
    held = _for_change(period.case, by, "offenders.record_custody")
    if period.released_on is not None:
        raise StepRefused([f"The release is recorded already, {day(period.released_on)}."])
    if not period.starts_on <= on <= clock.today():
        raise StepRefused([f"The release date must be between {day(period.starts_on)} and today."])
    period.released_on = on
    period.version += 1
    period.save(update_fields=["released_on", "version"])
    CustodyProposal.objects.filter(period=period, status=CustodyProposal.Status.OPEN).update(
        status=CustodyProposal.Status.LAPSED
    )
    audit.record("record_release", held, by=by, subjects=[held.reference])
    return period


def _sourced(release: date | None, given: dict[str, Any], by: Actor) -> dict[str, Any]:
    """What else is kept of custody: who says when the release is expected, and when they said so."""
    kept = dict(given)
    kept["release_source"] = kept.get("release_source") or (by.agency.name[:80] if release and by.agency else "")
    kept["release_checked_at"] = (kept.get("release_checked_at") or clock.now()) if release else None
    return kept


def _settle(held: Case, *kinds: str) -> None:
    """What a feed proposed and a person has now recorded by themselves is asked no more."""
    rows = CustodyProposal.objects.filter(case=held, kind__in=kinds, status=CustodyProposal.Status.OPEN)
    rows.update(status=CustodyProposal.Status.LAPSED)


@transaction.atomic
def record_supervision(case: Case, kind: str, ends_on: date | None, *, by: Actor) -> Supervision | None:
    """Record until when somebody is under an order or licence of this kind; None takes it back.

    Said twice, the last holds; the history keeps both. Raises PermissionDenied.
    """
    held = _for_change(case, by, "offenders.record_custody")
    there = Supervision.objects.select_for_update().filter(case=held, kind=Supervision.Kind(kind)).first()
    if ends_on is None:
        if there is not None:
            there.delete()
    elif there is None:
        there = Supervision.objects.create(scheme_id=held.scheme_id, case=held, kind=kind, ends_on=ends_on)
    elif there.ends_on != ends_on:
        there.ends_on = ends_on
        there.version += 1
        there.save(update_fields=["ends_on", "version"])
    audit.record("record_supervision", held, by=by, after=kind, subjects=[held.reference])
    return there if ends_on is not None else None


def _must_be_in_order(starts_on: date, release_expected_on: date | None) -> None:
    if starts_on > clock.today():
        raise StepRefused(["The date of coming into custody must be today or earlier."])
    if release_expected_on is not None and release_expected_on < starts_on:
        raise StepRefused([f"The expected release must be {day(starts_on)} or later, when the custody began."])


# --- Looking for people ------------------------------------------------------


@transaction.atomic
def keep_search(words: str, *, by: Actor) -> Search:
    """Keep search words under an opaque key, so that the address of the results names nobody (security.md H4)."""
    if not by.holds("offenders.view_cohort"):
        raise PermissionDenied
    search = Search.objects.create(scheme=by.scheme, user=by.user, words=words)
    audit.record("search", search, by=by)
    return search


# --- Shared -----------------------------------------------------------------


def _must_be_allowed(by: Actor, permission: str, thing: Case | Offender) -> None:
    """A person needs the right; a task (an import at the command line, the clock) acts for the scheme itself."""
    allowed = thing.scheme_id == by.scheme.pk if by.user is None else by.can(permission, thing)
    if not allowed:
        raise PermissionDenied


def _for_change(case: Case, by: Actor, permission: str = "offenders.change_case") -> Case:
    """The case, locked: whatever changes ratings, leads or custody of one case comes one after another."""
    held = locked(Case, case.pk)
    _must_be_allowed(by, permission, held)
    if held.status == CaseStatus.CLOSED:
        raise StepRefused([f"{held.reference} is closed."])
    return held


def _changed(held: Case, given: Case) -> None:
    """Count the change, and let what the caller holds forget what it had read before."""
    held.version += 1
    held.save(update_fields=["version"])
    given.version, given.status = held.version, held.status
    for remembered in ("current_ratings", "current_assignments", "all_custody", "all_supervisions"):
        given.__dict__.pop(remembered, None)
        held.__dict__.pop(remembered, None)


def _key(meeting: Meeting | None) -> str | None:
    return meeting.key if meeting else None


def _only(given: dict[str, Any], known: Iterable[str]) -> None:
    if unknown := given.keys() - set(known):
        raise TypeError(f"not a field here: {', '.join(sorted(unknown))}")
