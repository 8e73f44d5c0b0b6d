"""Family, victims and contacts: entered by an agency, sealed by default, opened to others with a reason and shut again.

Merton, step 2; Richmond, 4.15. A record is read by the agency that entered it. That agency may open it to agencies that
it chooses or to police and probation, a victim's never to the whole panel; each opening is recorded and audited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock, notify
from iom.access import Actor, actor_for
from iom.models import POLICE_AND_PROBATION, Agency, Membership, Role
from iom.steps import StepRefused, locked

from .models import Audience, Offender, RelatedOpening, RelatedPerson, Relation, WhyEnded
from .querysets import ways_to

FIELDS = ("relation", "victim", "name", "at_risk", "protection", "safeguarding_lead", "known_since")
TOO_WIDE = "A victim's record is never opened to everyone on the panel. Choose only the agencies that protect them."


def way_to(actor: Actor, offender: Offender) -> tuple[str, str]:
    """The reference under which the actor meets the person and the page of their family; blanks where they do not."""
    for address, rows in ways_to(actor):
        reference = rows.filter(offender=offender).order_by("-pk").values_list("reference", flat=True).first()
        if reference:
            return reference, reverse(address, args=[reference])
    return "", ""


@transaction.atomic
def add(offender: Offender, *, by: Actor, **fields: Any) -> RelatedPerson:
    """Enter what the actor's agency knows of somebody near the person: `fields` are those of `FIELDS`.

    Nobody but that agency reads it. Raises PermissionDenied.
    """
    if not by.can("offenders.add_related", offender) or by.agency is None:
        raise PermissionDenied
    record = RelatedPerson.objects.create(
        scheme=by.scheme, offender=offender, agency=by.agency, added_by=by.user, **_whole(fields)
    )
    audit.record("add_related", record, by=by, fields=fields, subjects=_subjects(record))
    return record


@transaction.atomic
def change(record: RelatedPerson, *, by: Actor, version: int | None = None, **fields: Any) -> RelatedPerson:
    """Put a record right. Raises PermissionDenied, Stale, or StepRefused: ended, or open to all and a victim's."""
    record = _held(record, by, version)
    for name, value in _whole(fields).items():
        setattr(record, name, value)
    opening = present_opening(record)
    if opening is not None and _reaches_everyone(record, opening.audience, opening.readers):
        raise StepRefused([f"{TOO_WIDE} Shut it first."])
    _save(record, fields)
    audit.record("change_related", record, by=by, fields=fields, subjects=_subjects(record))
    return record


def _whole(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Whoever is only a victim is one."""
    if unknown := set(fields) - set(FIELDS):
        raise TypeError(f"not a field here: {', '.join(sorted(unknown))}")
    return dict(fields) | ({"victim": True} if fields.get("relation") == Relation.VICTIM else {})


@transaction.atomic
def open_to(
    record: RelatedPerson,
    *,
    audience: str,
    reason: str,
    by: Actor,
    readers: Iterable[str] = (),
    version: int | None = None,
) -> RelatedOpening:
    """Open a record to others until it is shut, in place of whom it was open to before.

    `readers` are slugs of agencies, for `Audience.AGENCIES`. Those who can read it now are told that it is there, by
    reference. Raises PermissionDenied, Stale, or StepRefused: no reason, nobody chosen, or for a victim everybody.
    """
    record = _held(record, by, version)
    readers = sorted(set(readers) - {record.agency.slug}) if audience == Audience.AGENCIES else []
    agencies = list(Agency.objects.in_scheme_of(by).filter(slug__in=readers))
    if problems := _against_opening(record, audience, readers, agencies, reason):
        raise StepRefused(problems)
    _shut(record, by)
    opening = RelatedOpening.objects.create(
        scheme=by.scheme,
        related=record,
        audience=Audience(audience),
        readers=readers,
        reason=reason.strip(),
        opened_at=clock.now(),
        opened_by=by.user,
    )
    _save(record, ())
    audit.record("open_related", record, by=by, after=audience, reason=reason, subjects=_subjects(record))
    _tell_readers(record, opening)
    return opening


def _against_opening(
    record: RelatedPerson, audience: str, readers: list[str], agencies: list[Agency], reason: str
) -> list[str]:
    problems = []
    if not reason.strip():
        problems.append("Enter why it is opened.")
    if audience == Audience.AGENCIES and (not readers or len(agencies) != len(readers)):
        problems.append("Choose the agencies that can read it.")
    if _reaches_everyone(record, audience, readers):
        problems.append(TOO_WIDE)
    return problems


def _reaches_everyone(record: RelatedPerson, audience: str, readers: Iterable[str]) -> bool:
    """Whether a victim's record would be read by every agency of the scheme."""
    if not record.victim:
        return False
    others = Agency.objects.filter(scheme=record.scheme_id).exclude(pk=record.agency_id)
    left = (
        others.exclude(slug__in=readers)
        if audience == Audience.AGENCIES
        else others.exclude(kind__in=POLICE_AND_PROBATION)
    )
    return not left.exists()


@transaction.atomic
def shut(record: RelatedPerson, *, by: Actor, version: int | None = None) -> RelatedPerson:
    """Seal a record again. Shut twice is shut once. Raises PermissionDenied or Stale."""
    record = _held(record, by, version)
    if _shut(record, by):
        _save(record, ())
        audit.record("shut_related", record, by=by, subjects=_subjects(record))
    return record


def _shut(record: RelatedPerson, by: Actor) -> bool:
    opening = present_opening(record)
    if opening is None:
        return False
    opening.shut_at, opening.shut_by = clock.now(), by.user
    opening.version += 1
    opening.save(update_fields=["shut_at", "shut_by", "version"])
    return True


@transaction.atomic
def end(record: RelatedPerson, *, because: str, by: Actor, version: int | None = None) -> RelatedPerson:
    """Say that a record no longer holds, and seal it. It stays with its agency.

    Raises PermissionDenied, Stale or StepRefused.
    """
    record = _held(record, by, version)
    _shut(record, by)
    record.ended_on, record.ended_because = clock.today(), WhyEnded(because)
    _save(record, ("ended_on", "ended_because"))
    audit.record("end_related", record, by=by, after=because, subjects=_subjects(record))
    return record


def present_opening(record: RelatedPerson) -> RelatedOpening | None:
    """To whom the record is open now."""
    return RelatedOpening.objects.filter(related=record, shut_at=None).select_related("opened_by").first()


def _held(record: RelatedPerson, by: Actor, version: int | None) -> RelatedPerson:
    record = locked(RelatedPerson, record.pk, version=version)
    if not by.can("offenders.keep_related", record):
        raise PermissionDenied
    if record.ended_on is not None:
        raise StepRefused(["This record has ended."])
    return record


def _save(record: RelatedPerson, fields: Iterable[str]) -> None:
    record.version += 1
    record.save(update_fields=[*fields, "version", *(["victim"] if "relation" in fields else [])])


def _subjects(record: RelatedPerson) -> list[str]:
    """The audit names both: whoever is related, and the person to whom."""
    return [record.audit_subject, f"P{record.offender_id}"]


def _tell_readers(record: RelatedPerson, opening: RelatedOpening) -> None:
    """Each person of those agencies whose page leads there, by reference and without a word of what it says."""
    rows = (
        Membership.objects.filter(scheme=record.scheme_id)
        .current(clock.today())
        .with_role(Role.MEMBER, Role.COORDINATOR)
    )
    if opening.audience == Audience.AGENCIES:
        rows = rows.filter(agency__slug__in=opening.readers)
    else:
        rows = rows.filter(agency__kind__in=POLICE_AND_PROBATION).exclude(agency=record.agency_id)
    for membership in rows.select_related("user", "agency", "scheme"):
        reference, page = way_to(actor_for(membership), record.offender)
        if page:
            notify.tell(
                [membership.user],
                scheme=record.scheme,
                kind="related_opened",
                subject=str(opening.pk),
                text=f"{record.agency.name} opened a record of family and victims to you: {reference}",
                url=page,
            )
