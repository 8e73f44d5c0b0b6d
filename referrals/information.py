"""What agencies know of somebody, in one place: answers to checks, police systems and intelligence, by whose it is.

Only what the reader may read; anything else is absent (security.md Z6). What is marked for fewer than the panel is read
under the sharing agreement (Z12): between meetings any signature in force counts, for a live meeting its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse

from iom import clock
from iom.jinja import day, lower_first
from iom.models import Handling
from offenders.models import Case, Entry, EntryKind
from offenders.timeline_page import Row, entry_rows
from referrals import hooks, research
from referrals.models import AgencyReturn, CheckRequest, ResearchCheck
from referrals.returns import answers_about

if TYPE_CHECKING:
    from iom.access import Actor

EVERYONE = Handling.PANEL.label


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that an agency said. `readers` is its handling label; `change` leads its own agency to correct it."""

    agency: str
    on: date
    what: str
    lines: tuple[str, ...]
    readers: str = EVERYONE
    marked: bool = False
    late: bool = False
    by: str = ""
    change: str = ""
    said_before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """An agency that was asked and has not answered."""

    agency: str
    due_on: date | None
    late: bool


def items_about(actor: Actor, case: Case) -> list[Item]:
    """Everything that the reader may read of the person, by agency, the newest of each first."""
    signed = hooks.signature_of(actor)
    found = [*_answers(actor, case, signed), *_systems(actor, case, signed), *_intelligence(actor, case)]
    newest = sorted(found, key=lambda item: item.on, reverse=True)
    return sorted(newest, key=lambda item: (item.agency == "", item.agency))


def _not_live(signed: hooks.Signature, field: str) -> Q:
    """All but what is marked and of a live meeting whose own signature is missing."""
    if not signed.missing_at:
        return Q()
    return Q(handling__in=["", Handling.PANEL]) | ~Q(**{f"{field}__in": list(signed.missing_at)})


def _answers(actor: Actor, case: Case, signed: hooks.Signature) -> Iterator[Item]:
    pathways = {pathway.slug: pathway.name for pathway in actor.scheme.policy.pathways}
    narrowed = _not_live(signed, "request__meeting")
    for row, readers in answers_about(actor, case.offender, signed=signed.given, narrowed=narrowed):
        mine = actor.agency is not None and row.request.agency_id == actor.agency.pk and row.request.closed_at is None
        meeting = row.request.meeting
        yield Item(
            agency=row.request.agency.name,
            on=clock.local(row.sent_at).date(),
            what=f"Answer for the meeting of {day(meeting.date)}",
            lines=tuple(_said(row, pathways)),
            readers=lower_label(readers) if row.handling not in ("", Handling.PANEL) else EVERYONE,
            marked=row.handling not in ("", Handling.PANEL),
            late=row.late,
            by=row.answered_by.name,
            change=reverse("research", args=[meeting.key]) if mine else "",
        )


def _said(row: AgencyReturn, pathways: dict[str, str]) -> Iterator[str]:
    contact = f", last contact {day(row.last_contact)}" if row.last_contact else ""
    yield f"{row.get_known_display()}{contact}."
    if row.summary:
        yield row.summary
    if row.risk_to_others:
        yield f"Risk to staff or others{': ' + row.risk_detail if row.risk_detail else '.'}"
    if row.family:
        yield f"Knows family or victims: {lower_first(row.get_family_display())}."
    if row.pathways:
        yield ", ".join(pathways.get(slug, slug) for slug in row.pathways)


def _systems(actor: Actor, case: Case, signed: hooks.Signature) -> Iterator[Item]:
    """The last look into each police system."""
    rows = ResearchCheck.objects.visible_to(actor, signed=signed.given).filter(_not_live(signed, "meeting"))
    for check, held in research.lately(actor, rows.filter(offender=case.offender_id)):
        lines = [f"{held.words}.", held.finding]
        yield Item(
            agency=check.agency.name,
            on=held.checked_on,
            what=held.system,
            lines=tuple(line for line in lines if line),
            readers=lower_label(held.handling_words) if held.is_marked else EVERYONE,
            marked=held.is_marked,
        )


def _intelligence(actor: Actor, case: Case) -> Iterator[Item]:
    entries = Entry.objects.visible_to(actor).filter(case__offender=case.offender_id, kind=EntryKind.INTELLIGENCE)
    whose = dict(entries.values_list("pk", "agency__name"))
    for row in entry_rows(actor, entries):
        yield Item(
            agency=whose.get(row.entry) or "",
            on=row.on,
            what="Intelligence: withdrawn" if row.withdrawn else "Intelligence",
            lines=tuple(_entry_lines(row)),
            readers=row.marked or EVERYONE,
            marked=bool(row.marked),
            by=row.by,
            change=_correct(case, row),
            said_before=tuple(f"{each.text} ({each.by}, {day(each.on)})" for each in row.before),
        )


def _entry_lines(row: Row) -> Iterator[str]:
    if row.text:
        yield row.text
    if row.source:
        yield f"Source: {row.source}."
    if row.corrected:
        yield row.corrected


def _correct(case: Case, row: Row) -> str:
    return reverse("case_timeline_correct", args=[case.reference, row.entry]) if row.may_correct else ""


def lower_label(readers: str) -> str:
    """The label of police and probation in the middle of a line; names of agencies stay as they are."""
    return lower_first(readers) if readers == Handling.POLICE_PROBATION.label else readers


def unanswered(actor: Actor, case: Case) -> list[Asked]:
    """Who was asked and has sent nothing: one's own agency, for the office every one."""
    rows = CheckRequest.objects.visible_to(actor).filter(offender=case.offender_id).unanswered()
    today = clock.today()
    return [
        Asked(each.agency.name, each.due_on, late=each.due_on is not None and each.due_on < today)
        for each in rows.select_related("agency").order_by("agency__name", "pk")
    ]


def by_agency(items: Iterable[Item]) -> list[tuple[str, list[Item]]]:
    """The items under the agency whose they are, in the order given."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.agency or "From feeds", []).append(item)
    return list(groups.items())
