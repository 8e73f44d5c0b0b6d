"""Plain records of the team: each small, each with who may write it (London, Police; Waltham Forest, 3.3 and 5.13).

One verb for each change. Nothing here holds what an agency knows of somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.models import Agency
from iom.steps import StepRefused, locked

from . import naming
from .models import Case, Cover, IntelligenceCheck, Listed, Offender, Premises, SuccessStory
from .safeguarding import not_for_the_person
from .victim_names import names

if TYPE_CHECKING:
    from iom.access import Actor

_REFERENCE = re.compile(r"\bIOM-(?:[RET]-)?\d{1,8}\b", re.IGNORECASE)
_DAY_OF_BIRTH = re.compile(r"\b\d{1,2}[/.\-]\d{1,2}[/.\-]\d{4}\b")


# --- Cover -----------------------------------------------------------------------------------


@transaction.atomic
def add_cover(
    *, kind: str, on: date, starts_at: time, ends_at: time, person: str, by: Actor, agency: Agency, phone: str = ""
) -> Cover:
    """Put somebody of an agency on the rota: one's own agency's, or as coordinator any. Raises PermissionDenied."""
    if not by.holds("offenders.keep_records") or not _of_theirs(by, agency):
        raise PermissionDenied
    cover = Cover.objects.create(
        scheme=by.scheme,
        agency=agency,
        kind=Cover.Kind(kind),
        on=on,
        starts_at=starts_at,
        ends_at=ends_at,
        person=person,
        phone=phone,
        made_by=by.user,
    )
    audit.record("add_cover", cover, by=by, after=kind)
    return cover


@transaction.atomic
def end_cover(cover: Cover, *, by: Actor) -> Cover:
    """Take somebody off the rota. Raises PermissionDenied, or StepRefused when they are off it."""
    cover = locked(Cover, cover.pk)
    if not by.can("offenders.keep_records", cover) or not _of_theirs(by, cover.agency):
        raise PermissionDenied
    if cover.ended_on is not None:
        raise StepRefused(["This was taken off the rota already."])
    cover.ended_on = clock.today()
    cover.version += 1
    cover.save(update_fields=["ended_on", "version"])
    audit.record("end_cover", cover, by=by)
    return cover


def _of_theirs(by: Actor, agency: Agency) -> bool:
    """Each agency writes its own; the coordinator for any of the scheme."""
    if agency.scheme_id != by.scheme.pk:
        return False
    return by.has_role("coordinator") or (by.agency is not None and by.agency.pk == agency.pk)


# --- Intelligence ----------------------------------------------------------------------------


@transaction.atomic
def compare_intelligence(
    case: Case,
    *,
    system: str,
    partner: Agency,
    on: date,
    checked_by: str,
    result: str,
    by: Actor,
    fed_back_on: date | None = None,
) -> IntelligenceCheck:
    """Write down that a police system was compared with a partner's information, and fed back; not what it says.

    For the police, and the coordinator. Raises PermissionDenied or StepRefused.
    """
    case = locked(Case, case.pk)
    police = by.agency is not None and by.agency.kind == "police"
    if not by.can("offenders.compare_intelligence", case) or not (police or by.has_role("coordinator")):
        raise PermissionDenied
    problems = []
    if system not in by.scheme.policy.research_systems:
        problems.append("Choose a police system from the list.")
    if partner.scheme_id != by.scheme.pk:
        problems.append("Choose whose information it was compared with.")
    if on > clock.today() or (fed_back_on is not None and not on <= fed_back_on <= clock.today()):
        problems.append("The days must be in order, and today or earlier.")
    if problems:
        raise StepRefused(problems)
    made = IntelligenceCheck.objects.create(
        scheme=by.scheme,
        case=case,
        system=system,
        partner=partner,
        checked_on=on,
        checked_by=checked_by,
        result=IntelligenceCheck.Result(result),
        fed_back_on=fed_back_on,
        made_by=by.user,
    )
    audit.record("compare_intelligence", made, by=by, after=result, subjects=[case.audit_subject])
    return made


# --- Success stories -------------------------------------------------------------------------


def against_telling(text: str, person: Offender | None, also: Iterable[str] = ()) -> list[str]:
    """Why a story cannot be told: what in it would show who somebody is, or must not be said at all. Empty if it can.

    `also` are the scheme's own words that are never given. A victim's name is refused in the same words as any other.
    """
    problems = []
    if found := not_for_the_person(text, also):
        problems.append(f"The story speaks of {' and '.join(found)}. That is told to nobody outside.")
    if _REFERENCE.search(text):
        problems.append("The story holds a reference. Take it out.")
    if _DAY_OF_BIRTH.search(text):
        problems.append("The story holds a full date. Say the season or the year instead.")
    if person is not None:
        called = [f"{person.given_names} {person.family_name}", *(alias.name for alias in person.aliases.all())]
        if any(names(text, name) for name in called) or naming.standing_in([person], [text]):
            problems.append("The story holds a name. Tell it without names.")
    return problems


@transaction.atomic
def write_story(text: str, *, case: Case | None, consent_on: date, consent_to: str, by: Actor) -> SuccessStory:
    """Keep a story without names, which the person agreed to. Raises PermissionDenied or StepRefused in words."""
    if not by.holds("offenders.tell_stories"):
        raise PermissionDenied
    if case is not None and not by.can("offenders.view_case", case):
        raise PermissionDenied
    problems = against_telling(
        text, case.offender if case is not None else None, by.scheme.policy.safeguarding.never_given
    )
    if case is not None and case.restricted:
        problems.append("Nothing is told of a restricted case.")
    if consent_on > clock.today():
        problems.append("The day on which the person agreed must be today or earlier.")
    if problems:
        raise StepRefused(problems)
    story = SuccessStory.objects.create(
        scheme=by.scheme, case=case, text=text.strip(), consent_on=consent_on, consent_to=consent_to, made_by=by.user
    )
    audit.record("write_story", story, by=by, subjects=[case.audit_subject] if case is not None else [])
    return story


@transaction.atomic
def tell_story(story: SuccessStory, *, where: str, on: date, by: Actor, version: int | None = None) -> SuccessStory:
    """Write down where and when a story was told. Raises PermissionDenied, Stale, or StepRefused without consent."""
    story = _held_story(story, by, version)
    if story.withdrawn_on is not None:
        raise StepRefused(["The person changed their mind. This story is not told any more."])
    if not story.consent_on <= on <= clock.today():
        raise StepRefused(["It is told after the person agreed, and not ahead of today."])
    story.told_where, story.told_on = where, on
    return _save_story(story, "tell_story", ("told_where", "told_on"), by)


@transaction.atomic
def withdraw_story(story: SuccessStory, *, by: Actor, version: int | None = None) -> SuccessStory:
    """Write down that the person changed their mind. Raises PermissionDenied, Stale or StepRefused."""
    story = _held_story(story, by, version)
    if story.withdrawn_on is not None:
        raise StepRefused(["This story was withdrawn already."])
    story.withdrawn_on = clock.today()
    return _save_story(story, "withdraw_story", ("withdrawn_on",), by)


def _held_story(story: SuccessStory, by: Actor, version: int | None) -> SuccessStory:
    held: SuccessStory = locked(SuccessStory, story.pk, version=version)
    if not by.can("offenders.tell_stories", held):
        raise PermissionDenied
    return held


def _save_story(story: SuccessStory, verb: str, fields: tuple[str, ...], by: Actor) -> SuccessStory:
    story.version += 1
    story.save(update_fields=[*fields, "version"])
    audit.record(verb, story, by=by, fields=fields, subjects=[story.case.audit_subject] if story.case else [])
    return story


# --- The named list --------------------------------------------------------------------------


@transaction.atomic
def put_on_list(
    *, family_name: str, given_names: str, date_of_birth: date, listed_from: date, source_on: date, by: Actor
) -> Listed:
    """Write somebody of the police list down, with who they are here if exactly that person is known.

    Raises PermissionDenied, or StepRefused: on it already, or days ahead.
    """
    if not by.holds("offenders.view_named_list"):
        raise PermissionDenied
    today = clock.today()
    if listed_from > today or source_on > today:
        raise StepRefused(["The days must be today or earlier."])
    same = {"family_name__iexact": family_name, "given_names__iexact": given_names, "date_of_birth": date_of_birth}
    if Listed.objects.filter(scheme=by.scheme, until=None, **same).exists():
        raise StepRefused(["This person is on the list already."])
    listed = Listed.objects.create(
        scheme=by.scheme,
        family_name=family_name,
        given_names=given_names,
        date_of_birth=date_of_birth,
        # Whom the actor may not meet is not known here: the row stands by itself.
        offender=Offender.objects.filter(scheme=by.scheme, **same)
        .exclude(pk__in=Case.objects.closed_to(by).values("offender"))
        .first(),
        listed_from=listed_from,
        source_on=source_on,
        made_by=by.user,
    )
    audit.record("put_on_list", listed, by=by, subjects=[listed.audit_subject])
    return listed


@transaction.atomic
def take_off_list(listed: Listed, *, on: date, by: Actor) -> Listed:
    """Say that somebody is on the police list no more. Raises PermissionDenied or StepRefused."""
    listed = locked(Listed, listed.pk)
    if not by.can("offenders.view_named_list", listed):
        raise PermissionDenied
    if listed.until is not None or not listed.listed_from <= on <= clock.today():
        raise StepRefused(["They are off the list already, or the day does not fit."])
    listed.until = on
    listed.version += 1
    listed.save(update_fields=["until", "version"])
    audit.record("take_off_list", listed, by=by, subjects=[listed.audit_subject])
    return listed


# --- Where agencies work together ------------------------------------------------------------


@transaction.atomic
def add_premises(
    *, place: str, agencies: Iterable[str], days: str, private_room: bool, since: date, by: Actor
) -> Premises:
    """Write down where agencies work together; `agencies` are their slugs. Raises PermissionDenied or StepRefused."""
    if not by.holds("offenders.keep_records"):
        raise PermissionDenied
    chosen = sorted(set(agencies))
    if not chosen or Agency.objects.in_scheme_of(by).filter(slug__in=chosen).count() != len(chosen):
        raise StepRefused(["Choose the agencies that work there."])
    made = Premises.objects.create(
        scheme=by.scheme,
        place=place,
        agencies=chosen,
        days=days,
        private_room=private_room,
        since=since,
        made_by=by.user,
    )
    audit.record("add_premises", made, by=by)
    return made


@transaction.atomic
def end_premises(premises: Premises, *, by: Actor) -> Premises:
    """Say that agencies do not work there together any more. Raises PermissionDenied or StepRefused."""
    premises = locked(Premises, premises.pk)
    if not by.can("offenders.keep_records", premises):
        raise PermissionDenied
    if premises.until is not None:
        raise StepRefused(["This has ended already."])
    premises.until = max(clock.today(), premises.since)
    premises.version += 1
    premises.save(update_fields=["until", "version"])
    audit.record("end_premises", premises, by=by)
    return premises
