"""A victim is never named where the panel or the person may read it (Richmond, 4.15; ux.md 7).

Two ways, since a refusal must not tell anybody that a name is kept here. While somebody types, a text is compared with
the names alone that their own agency may read: the field says so. What leaves their hands (a nomination, a return,
minutes, notices) is compared with every name, and the agency that keeps the record is told, by reference. Whoever typed
it learns nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse

from iom import clock, notify, together
from iom.forms import CleanCharField
from iom.models import Membership, Role
from offenders.models import Alias, Offender, RelatedPerson
from offenders.victim_names import names

if TYPE_CHECKING:
    from iom.access import Actor

WORDS = "Do not name a victim here. Say who they are to the person instead: partner, child, neighbour"


class Protected:
    """The names that an actor may know of and must not write, for some people at once; read when first asked for."""

    def __init__(self, actor: Actor, offenders: Iterable[Offender]) -> None:
        self.actor, self.offenders = actor, {each.pk: each for each in offenders}
        self._names: dict[int, list[str]] | None = None
        self._own: dict[int, list[str]] = {}

    def named_in(self, text: str, offender: Offender) -> bool:
        """Whether the text names somebody protected from that person."""
        kept = self._read().get(offender.pk, ())
        return any(names(text, name, self._own[offender.pk]) for name in kept)

    def _read(self) -> dict[int, list[str]]:
        if self._names is None:
            together.run(self.steps())
        return self._names or {}

    def steps(self) -> together.Steps[None]:
        """Read the names in the caller's round, before they are asked for."""
        actor, people = self.actor, list(self.offenders)
        kept = (
            yield lambda: (
                RelatedPerson.objects.visible_to(actor)
                .protected()
                .filter(offender__in=people)
                .values_list("offender", "name")
            )
        )
        self._names = defaultdict(list)
        for offender, name in kept:
            self._names[offender].append(name)
        self._own = _own_names([self.offenders[pk] for pk in self._names])


def guard(form: forms.Form, protected: Protected, offender: Offender | None, *fields: str) -> Any:
    """Let these fields of a form refuse the name of a victim: its text fields where none is named. Returns the form."""
    if offender is None:
        return form

    def no_victim(text: str) -> None:
        if protected.named_in(text, offender):
            raise ValidationError(WORDS, code="names_victim")

    chosen = fields or [name for name, field in form.fields.items() if isinstance(field, CleanCharField)]
    for name in chosen:
        if name in form.fields:
            form.fields[name].validators.append(no_victim)
    return form


def tell_owners(offender: Offender, texts: Iterable[str], *, where: str, subject: str) -> int:
    """Tell each agency whose protected person stands by name in `texts`. Returns how many records it was.

    `where` says in words without names what was sent ("the minutes of 12 March, IOM-0147"), `subject` which one it was,
    so that nobody hears of it twice.
    """
    slipped = standing_in([offender], texts)
    tell_keepers(slipped, where=where, subject=subject)
    return len(slipped)


def tell_keepers(records: Iterable[RelatedPerson], *, where: str, subject: str) -> None:
    """Tell the agency that keeps each record where its person may be named. As `tell_owners`."""
    for record in records:
        keepers = Membership.objects.filter(scheme=record.scheme_id, agency=record.agency_id).current(clock.today())
        people = keepers.with_role(Role.MEMBER, Role.COORDINATOR).select_related("user")
        notify.tell(
            [held.user for held in people],
            scheme=record.scheme,
            kind="victim_named",
            subject=f"{record.pk} {subject}",
            text=f"Somebody whom your agency protects may be named in {where}",
            url=reverse("related", args=[record.pk]),
            email_body="Ask whoever wrote it, or the coordinator, to take the name out. Sign in to see the record:",
        )


def standing_in(offenders: Iterable[Offender], texts: Iterable[str]) -> list[RelatedPerson]:
    """The records, whoever keeps them, of the people protected from `offenders` who stand by name in the texts.

    For the service itself: what becomes of it tells nobody which records there are.
    """
    people, said = list(offenders), "\n".join(text for text in texts if text)
    return protected_from(people).named_in(said, people) if said else []


class Kept:
    """Every record of somebody protected from some people, whoever keeps it. For the service itself."""

    def __init__(self, records: list[RelatedPerson], own: dict[int, list[str]]) -> None:
        self._records, self._own = records, own

    def named_in(self, text: str, offenders: Iterable[Offender]) -> list[RelatedPerson]:
        """The records of people whom a text names, of those protected from `offenders`."""
        asked = {each.pk for each in offenders}
        theirs = [name for pk in asked for name in self._own.get(pk, ())]
        return [record for record in self._records if record.offender_id in asked and names(text, record.name, theirs)]


def protected_from(offenders: Iterable[Offender]) -> Kept:
    """Read the protected people of several at once."""
    people = {each.pk: each for each in offenders}
    if not people:
        return Kept([], {})
    schemes = {each.scheme_id for each in people.values()}
    rows = RelatedPerson.objects.filter(scheme__in=schemes, offender__in=people).protected()
    records = list(rows.select_related("agency", "scheme"))
    return Kept(records, _own_names(list(people.values())) if records else {})


def _own_names(offenders: list[Offender]) -> dict[int, list[str]]:
    """What each person is called themselves: a shared family name names nobody."""
    own = {each.pk: [each.family_name, each.given_names] for each in offenders}
    for offender, name in Alias.objects.filter(offender__in=own).values_list("offender", "name"):
        own[offender].append(name)
    return own
