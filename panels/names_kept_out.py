"""Names that must not stand in minutes: of victims and people at risk, and of people whose case is restricted.

The names that a writer may know of are refused while they type (`offenders.naming.guard`). The others must be kept out
too, without telling the writer that there are any: so they are looked for when minutes are sent, signed or added to,
and at no other time. Each attempt tells those who keep the name, and is refused with the number of the item alone. The
words are the same whoever is named and whoever asks: nobody learns from them which record there is, or of what kind,
and nobody tries names out unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iom import audit, notify
from iom.jinja import day_month
from iom.models import Meeting
from offenders import naming, restricted
from offenders.models import Case, Offender, RelatedPerson
from offenders.victim_names import names_in_full

from .models import AgendaItem, Interest, Minutes
from .record import items_of, rating_asked_about

if TYPE_CHECKING:
    from iom.access import Actor

REFUSAL = (
    "Item {} holds a name that must not stand in minutes. Those who keep it have been told, and can say where it is."
)


@dataclass(frozen=True, slots=True)
class Found:
    """Names that stand under one item: the records kept of them, and the restricted cases whose people they are."""

    item: AgendaItem
    records: tuple[RelatedPerson, ...]
    cases: tuple[Case, ...]


def look_through(minutes: Minutes) -> list[Found]:
    """Every item under which a name stands that must not, whoever keeps it. For the service itself."""
    meeting = minutes.meeting
    items = items_of(meeting)
    said = {item.pk: list(texts_of(item, minutes)) for item in items}
    for item, words in Interest.objects.filter(item__in=items).values_list("item", "words"):
        said[item].append(words)
    return list(_found(meeting, items, said))


def obstacles(minutes: Minutes, *, by: Actor) -> list[str]:
    """Why minutes go no further, in words without names; those who keep the names are told, once for each version.

    Called where the answer still keeps what it wrote: a refusal that rolls back tells nobody.
    """
    subject = f"minutes {minutes.pk} {minutes.version}"
    return hold_back(look_through(minutes), minutes, subject, by=by)


def hold_back(found: Iterable[Found], minutes: Minutes, subject: str, *, by: Actor) -> list[str]:
    """Tell those who keep the names that were found, write it down, and return what the page says."""
    found = list(found)
    for each in found:
        _tell(each, minutes, subject)
    if found:
        audit.record(
            "hold_minutes_back", minutes, by=by, meeting=minutes.meeting.key, items=[each.item.number for each in found]
        )
    return words(found)


def words(found: Iterable[Found]) -> list[str]:
    """What the page says of them."""
    return [REFUSAL.format(each.item.number) for each in found]


def stand_in(meeting: Meeting, number: str, *texts: str) -> list[Found]:
    """The same for what is added to an item later; without a number it is about the meeting as a whole."""
    items = [item for item in items_of(meeting) if number in ("", item.number)]
    return list(_found(meeting, items, {item.pk: list(texts) for item in items}))


def texts_of(item: AgendaItem, minutes: Minutes) -> Iterator[str]:
    """Everything under an item that somebody typed and that its minutes show."""
    key = str(item.pk)
    yield from (item.title, item.why, item.note, minutes.narrative.get(key, ""))
    yield minutes.marked.get(key, {}).get("text", "")
    holding = max(item.all_decisions, key=lambda decision: decision.pk, default=None)
    for decision in item.all_decisions:
        if decision.supersedes_id is not None and decision.pk not in minutes.left_out:
            yield decision.correction_reason
    if holding is not None:
        yield from (holding.reason, holding.evidence, holding.dissent, holding.harm_words, holding.vote_note)
        for lead in holding.leads.values():
            yield lead["reason"]
        for ruling in holding.funding.all():
            yield from (ruling.funding.text, ruling.funding.payer)
    for said in item.said_of_actions:
        yield from (said.note, said.action.text)
    if item.ratifies is not None:
        yield item.ratifies.reason
    if (rating := rating_asked_about(item)) is not None:
        yield from (rating.reason, rating.evidence)
    if item.outside is not None:
        yield from (item.outside.reason, item.outside.urgent_because)
        yield from (asked.said for asked in item.outside.consulted.all())


def _found(meeting: Meeting, items: list[AgendaItem], said: dict[int, list[str]]) -> Iterator[Found]:
    about = {item.pk: thing.offender for item in items if (thing := item.referral or item.case) is not None}
    everybody = list({person.pk: person for person in about.values()}.values())
    kept = naming.protected_from(everybody)
    sealed = list(Case.objects.filter(scheme=meeting.scheme_id, restricted=True).select_related("offender"))
    for item in items:
        text = "\n".join(part for part in said[item.pk] if part)
        if not text:
            continue
        person = about.get(item.pk)
        records = kept.named_in(text, [person] if person else everybody)
        cases = tuple(case for case in sealed if names_in_full(text, _called(case.offender)))
        if records or cases:
            yield Found(item, tuple(records), cases)


def _called(person: Offender) -> str:
    return f"{person.given_names} {person.family_name}"


def _tell(found: Found, minutes: Minutes, about: str) -> None:
    meeting = minutes.meeting
    thing = found.item.referral or found.item.case
    where = f"the minutes of {day_month(meeting.date)}, {thing.reference if thing else f'item {found.item.number}'}"
    subject = f"{about} {found.item.pk}"
    naming.tell_keepers(found.records, where=where, subject=subject)
    for case in found.cases:
        notify.tell(
            list(restricted.named_people(case)),
            scheme=minutes.scheme,
            kind="restricted_named",
            subject=f"{case.pk} {subject}",
            text=f"Somebody whose case is restricted may be named in the minutes of {day_month(meeting.date)}, "
            f"item {found.item.number}",
            url=f"{meeting.get_absolute_url()}minutes/",
            email_body="The minutes are held back. Ask the coordinator to take the name out. Sign in:",
        )
