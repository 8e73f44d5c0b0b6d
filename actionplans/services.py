"""The directory of services, what is noted of gaps, and agreements: one verb for each change.

London, Local Authority: service provision is mapped across the area, its gaps found and bid for. Nothing is deleted:
offers name services, and what was once there explains what was once offered.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.access import Actor
from iom.models import Agency, Scheme
from iom.steps import StepRefused, locked
from offenders.models import Case

from .models import Agreement, GapNote, Service

FIELDS = (
    *("name", "agency", "organisation", "pathways", "areas", "for_whom", "how_to_refer", "contact", "cost", "opening"),
    *("places", "waiting", "priority", "priority_terms", "commissioned_by", "starts_on", "until"),
)
NOTE_FIELDS = ("pathway", "area", "text", "bidder", "bid_to", "due_on", "state")
AGREEMENT_FIELDS = ("kind", "with_whom", "service", "premium", "promised", "given", "starts_on", "review_on")


# --- The directory ------------------------------------------------------------


@transaction.atomic
def add_service(*, by: Actor, **fields: Any) -> Service:
    """Enter a service: the fields of `FIELDS`. The coordinator enters any, a member what their own agency provides.

    Raises PermissionDenied, or StepRefused with what is missing.
    """
    service = Service(scheme=by.scheme, **_only(fields, FIELDS))
    service.starts_on = service.starts_on or clock.today()
    if not by.can("actionplans.keep_service", service):
        raise PermissionDenied
    _must_be_a_service(service)
    service.save()
    audit.record("add_service", service, by=by, fields=sorted(fields))
    return service


@transaction.atomic
def change_service(service: Service, *, by: Actor, version: int | None = None, **fields: Any) -> Service:
    """Correct an entry. Only the coordinator says whose service it is. Raises PermissionDenied, Stale, StepRefused."""
    service = locked(Service, service.pk, version=version)
    if not by.can("actionplans.keep_service", service):
        raise PermissionDenied
    changed = _take_over(service, _only(fields, FIELDS))
    if not by.can("actionplans.keep_service", service):
        raise PermissionDenied  # nobody gives a service away, or takes one
    _must_be_a_service(service)
    if changed:
        service.version += 1
        service.save()
        audit.record("change_service", service, by=by, fields=changed)
    return service


@transaction.atomic
def end_service(service: Service, *, last_day: date, because: str, by: Actor, version: int | None = None) -> Service:
    """Say that a service takes nobody after a day. Raises PermissionDenied, Stale or StepRefused."""
    service = locked(Service, service.pk, version=version)
    if not by.can("actionplans.keep_service", service):
        raise PermissionDenied
    if last_day < service.starts_on:
        raise StepRefused(["The last day cannot come before the first."])
    if not because.strip():
        raise StepRefused(["Enter why it ends."])
    service.until, service.ended_because = last_day, because.strip()
    service.version += 1
    service.save(update_fields=["until", "ended_because", "version"])
    audit.record("end_service", service, by=by, reason=because, fields=["until"])
    return service


def to_offer(actor: Actor, area: str) -> list[Service]:
    """The services that somebody who lives in a ward can be offered now: those that cover it first, then others."""
    rows = Service.objects.visible_to(actor).active(clock.today()).select_related("agency")
    return sorted(rows, key=lambda each: (not each.covers(area.strip()), each.name.casefold()))


def areas_known(scheme: Scheme, services: Iterable[Service]) -> list[str]:
    """The wards that people of the scheme live in, and those that services name, each once."""
    cases = Case.objects.filter(scheme=scheme, restricted=False).not_closed().exclude(offender__area="")
    lived_in = cases.order_by().values_list("offender__area", flat=True).distinct()
    named: dict[str, str] = {}
    for area in (*lived_in, *(area for service in services for area in service.areas)):
        named.setdefault(area.strip().casefold(), area.strip())
    return [named[key] for key in sorted(named)]


# --- What is done about gaps --------------------------------------------------


@transaction.atomic
def note_gap(*, by: Actor, **fields: Any) -> GapNote:
    """Write down who bids for what is missing, and by when. Raises PermissionDenied or StepRefused."""
    note = GapNote(scheme=by.scheme, made_by=by.user, **_only(fields, NOTE_FIELDS))
    if not by.can("actionplans.keep_gaps", note):
        raise PermissionDenied
    _must_be_pathways(by.scheme, [note.pathway])
    note.save()
    audit.record("note_gap", note, by=by, after=note.state, pathway=note.pathway)
    return note


@transaction.atomic
def change_gap_note(note: GapNote, *, by: Actor, version: int | None = None, **fields: Any) -> GapNote:
    """Say how a bid stands, or correct the note. Raises PermissionDenied, Stale or StepRefused."""
    note = locked(GapNote, note.pk, version=version)
    if not by.can("actionplans.keep_gaps", note):
        raise PermissionDenied
    before = note.state
    changed = _take_over(note, _only(fields, NOTE_FIELDS))
    _must_be_pathways(by.scheme, [note.pathway])
    if changed:
        note.version += 1
        note.save()
        audit.record("change_gap_note", note, by=by, before=before, after=note.state, fields=changed)
    return note


# --- Agreements ---------------------------------------------------------------


@transaction.atomic
def add_agreement(*, by: Actor, **fields: Any) -> Agreement:
    """Write down what was agreed with a court, the CPS or a provider. Raises PermissionDenied or StepRefused."""
    agreement = Agreement(scheme=by.scheme, **_only(fields, AGREEMENT_FIELDS))
    if not by.can("actionplans.keep_agreement", agreement):
        raise PermissionDenied
    _must_be_an_agreement(agreement)
    agreement.save()
    audit.record("add_agreement", agreement, by=by, after=agreement.kind)
    return agreement


@transaction.atomic
def change_agreement(agreement: Agreement, *, by: Actor, version: int | None = None, **fields: Any) -> Agreement:
    """Correct an agreement that has not ended. Raises PermissionDenied, Stale or StepRefused."""
    agreement = _open_agreement(agreement, by, version)
    changed = _take_over(agreement, _only(fields, AGREEMENT_FIELDS))
    _must_be_an_agreement(agreement)
    if changed:
        agreement.version += 1
        agreement.save()
        audit.record("change_agreement", agreement, by=by, fields=changed)
    return agreement


@transaction.atomic
def review_agreement(
    agreement: Agreement, *, words: str, next_on: date, by: Actor, version: int | None = None
) -> Agreement:
    """Say what a look at an agreement found, and when it is looked at next. Raises as `change_agreement`."""
    agreement = _open_agreement(agreement, by, version)
    problems = []
    if not words.strip():
        problems.append("Enter what the review found.")
    if next_on <= clock.today():
        problems.append("The next review must be after today.")
    if problems:
        raise StepRefused(problems)
    agreement.reviewed_on, agreement.review_words, agreement.review_on = clock.today(), words.strip(), next_on
    agreement.version += 1
    agreement.save(update_fields=["reviewed_on", "review_words", "review_on", "version"])
    audit.record("review_agreement", agreement, by=by, fields=["review_words", "review_on"])
    return agreement


@transaction.atomic
def end_agreement(agreement: Agreement, *, on: date, because: str, by: Actor, version: int | None = None) -> Agreement:
    """Say that an agreement no longer holds. Raises as `change_agreement`."""
    agreement = _open_agreement(agreement, by, version)
    if not because.strip():
        raise StepRefused(["Enter why it ends."])
    if on < agreement.starts_on:
        raise StepRefused(["It cannot end before it began."])
    agreement.ended_on, agreement.ended_because = on, because.strip()
    agreement.version += 1
    agreement.save(update_fields=["ended_on", "ended_because", "version"])
    audit.record("end_agreement", agreement, by=by, reason=because, fields=["ended_on"])
    return agreement


def _open_agreement(agreement: Agreement, by: Actor, version: int | None) -> Agreement:
    held: Agreement = locked(Agreement, agreement.pk, version=version)
    if not by.can("actionplans.keep_agreement", held):
        raise PermissionDenied
    if held.ended_on is not None:
        raise StepRefused(["This agreement has ended, so it stays as it is."])
    return held


# --- Shared -------------------------------------------------------------------


def _only(fields: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    if unknown := fields.keys() - set(known):
        raise TypeError(f"not a field of this: {', '.join(sorted(unknown))}")
    return fields


def _take_over(row: Any, fields: dict[str, Any]) -> list[str]:
    """Set what differs. Returns the names of what did."""
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, fields[name])
    return changed


def _must_be_pathways(scheme: Scheme, slugs: Iterable[str]) -> None:
    pathways = {each.slug: each.name for each in scheme.policy.pathways}
    if set(slugs) - pathways.keys():
        raise StepRefused([f"This scheme has no such pathway. Choose from: {', '.join(pathways.values())}."])


def _must_be_a_service(service: Service) -> None:
    problems = []
    if service.agency is not None and service.agency.scheme_id != service.scheme_id:
        problems.append("Choose an agency of this scheme.")
    if (service.agency is None) == (not service.organisation.strip()):
        problems.append("Say who provides it: an agency of the scheme, or another organisation by its name.")
    if not service.pathways:
        problems.append("Choose at least one pathway.")
    if service.until is not None and service.until < service.starts_on:
        problems.append("The last day cannot come before the first.")
    if service.priority and not service.priority_terms.strip():
        problems.append("Enter what priority access means here.")
    if problems:
        raise StepRefused(problems)
    # Pathways of an earlier version of the rules stay on what names them, but nobody can add one.
    kept = set(Service.objects.filter(pk=service.pk).values_list("pathways", flat=True).first() or ())
    _must_be_pathways(service.scheme, set(service.pathways) - kept)


def _must_be_an_agreement(agreement: Agreement) -> None:
    problems = []
    if agreement.service is not None and agreement.service.scheme_id != agreement.scheme_id:
        problems.append("Choose a service of this scheme.")
    if agreement.kind == Agreement.Kind.PRIORITY and agreement.service is None:
        problems.append("Choose the service to which people have priority access.")
    if agreement.review_on <= agreement.starts_on:
        problems.append("The review must come after the first day.")
    if problems:
        raise StepRefused(problems)


def agencies_offered(by: Actor) -> list[Agency]:
    """Whose services somebody may enter: the coordinator anybody's, a member their own agency's."""
    if by.has_role("coordinator"):
        return list(Agency.objects.in_scheme_of(by).order_by("name"))
    return [by.agency] if by.agency else []
