"""Transfers and liaison with schemes that are not on this installation."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from offenders import transfers
from offenders.models import Case, TransferKind

if TYPE_CHECKING:
    from panels.demonstration.year import Life

WHO = ("given_names", "family_name", "date_of_birth")


def between_schemes(life: Life) -> None:
    """One in touch, one declined, one over, one waiting there, and somebody of whom an area told us."""
    by = life.coordinator
    there, contact = life.mark("Exampleshire IOM"), life.mark("Alex Specimen, 020 7946 0188")
    open_cases = list(Case.objects.visible_to(by).not_closed().filter(restricted=False).order_by("pk")[:4])
    purpose = life.mark("Arrested there twice this month. To agree who visits.")
    kinds = (TransferKind.OFFENDS_THERE, TransferKind.MOVED_AWAY, TransferKind.OFFENDS_HERE, TransferKind.MOVED_AWAY)
    begun = [
        transfers.begin(
            case,
            by=by,
            kind=kind,
            contact=contact,
            purpose=purpose,
            keys=[*WHO, "why", "rating"],
            other_name=there,
            words=life.mark("Ask for the evening shift."),
        )
        for case, kind in zip(open_cases, kinds, strict=False)
    ]
    if begun:
        transfers.accept(begun[0], by=by)
        transfers.note_told(begun[0], by=by, words=life.mark("Seen with a group in the shopping centre."))
    if len(begun) > 1:
        transfers.decline(begun[1], by=by, reason=life.mark("Gave up the tenancy there before it began."))
    if len(begun) > 2:
        transfers.accept(begun[2], by=by)
        transfers.end(begun[2], by=by, notes=life.mark("Nothing more there for six months."))
    transfers.record_incoming(
        by=by,
        kind=TransferKind.MOVED_HERE,
        person={
            "given_names": "Toni",
            "family_name": life.mark("Sampleton"),
            "date_of_birth": date(1993, 6, 14),
        },
        other_name=life.mark("Sampleford IOM"),
        contact=contact,
        purpose=life.mark("Moved in with a sister after release."),
        told=life.mark("Amber there. Burglaries by night, stops when housed."),
    )
