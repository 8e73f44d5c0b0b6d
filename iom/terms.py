"""The terms of reference of a body, as its scheme's rules have them: line by line, each with its source.

Pure: today and the bank holidays are arguments. Who holds a post at present is not said here (`iom.bodies`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from iom.deadlines import meeting_dates
from iom.policy import BodyPolicy, Policy
from iom.policy.base import DEFAULT_SOURCE
from iom.working_days import Holidays

DEADLINES = {
    "nominations_close": "Nominations close",
    "agenda_due": "Agenda goes out",
    "checks_due": "Checks are due",
    "minutes_due": "Minutes are out",
}


POWERS = {
    "admission": "who joins",
    "rating": "ratings",
    "exit": "who leaves",
    "support": "support",
    "transfer": "transfers to adult services",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the rules say of a body; `source` is the paragraph, or that the document is silent."""

    label: str
    words: str
    source: str
    note: str = ""

    @property
    def said_by(self) -> str:
        """The source for people."""
        return "Default: the scheme's document is silent" if self.source == DEFAULT_SOURCE else self.source


@dataclass(frozen=True, slots=True)
class Over:
    """A step of the chain of accountability: a body of the scheme (`slug`) or one outside it."""

    name: str
    words: str
    line: Line
    slug: str = ""


def terms(policy: Policy, body: BodyPolicy, today: date, holidays: Holidays) -> list[Line]:
    """Everything that the rules settle about a body, in the order of a document of terms of reference."""
    return [line for line in _lines(policy, body, today, holidays) if line.words]


def _lines(policy: Policy, body: BodyPolicy, today: date, holidays: Holidays) -> Iterator[Line]:
    names = {each.slug: each.name for each in policy.bodies}
    yield _of("What it is for", body.purpose_)
    level = _of("Level of members", body.level_)
    yield replace(level, words=_capital(level.words))
    if body.kind in ("practitioner", "daily", "casework"):
        yield _of("The team", policy.team_)
    yield _line("How often", body.cadence.words, body.cadence)
    if body.relative_to is not None:
        rule = body.relative_to
        yield _line("Set by", f"{abs(rule.days)} days {'after' if rule.days >= 0 else 'before'} {rule.event}", rule)
    if body.areas > 1:
        yield Line("Areas", f"Meets in each of {body.areas} areas", body.areas_.source, body.areas_.note)
    if body.same_day:
        yield Line(
            "Same day", f"On one day with {_joined(names[slug] for slug in body.same_day)}", body.same_day_.source
        )
    yield _of("Venue", body.venue_)
    yield from _chairing(body)
    if body.decides:
        yield Line("What it decides", _capital(_joined(iter(POWERS[each] for each in body.decides))), _decides(body))
    yield _line("How it decides", body.decision_rule.words, body.decision_rule)
    if body.decision_rule.casting_vote:
        yield _line("Casting vote", "Whoever chairs has a casting vote in a tie", body.decision_rule)
    quorum = body.quorum.organisations
    yield _line("Quorum", f"{quorum} organisations" if quorum else "No quorum is set", body.quorum)
    dates = meeting_dates(body, today, holidays)
    for deadline in dates:
        if deadline.date is not None:
            kind = " (usual)" if deadline.kind == "usual" else ""
            yield Line(DEADLINES[deadline.name], f"{deadline.rule.capitalize()}{kind}", deadline.source)
    if body.late_rule is not None and body.deadlines.nominations is not None:
        yield _line("Late nominations", body.late_rule.warning, body.late_rule)
    yield _line("What comes before it", body.agenda_rule.words, body.agenda_rule)
    yield _line("Attendance", body.attendance.words, body.attendance)
    if body.attendance.reviewed_by is not None:
        yield _line("Attendance is reviewed by", names[body.attendance.reviewed_by], body.attendance)
    if body.agency_lead is not None:
        yield _line("Lead in each agency", body.agency_lead.words, body.agency_lead)
    yield _line("Guests", body.guests.words, body.guests)
    yield _line("Sharing agreement", body.agreement.words, body.agreement)
    yield _of("New organisations", body.new_members_)
    yield _of("Administration", body.admin_)


def _chairing(body: BodyPolicy) -> Iterator[Line]:
    chair = body.chair
    yield _line("Who chairs", f"{chair.post}{f', {chair.organisation}' if chair.organisation else ''}", chair)
    if chair.review_months:
        every = "every year" if chair.review_months == 12 else f"every {chair.review_months} months"
        yield _line("Who chairs is reviewed", every.capitalize(), chair)
    for number, step in enumerate(body.succession, start=1):
        label = "When the chair is away" if number == 1 else "When they are away too"
        yield _line(label, step.words, step)


def _decides(body: BodyPolicy) -> str:
    return body.decides_.source if body.decides_ is not None else DEFAULT_SOURCE


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _joined(words: Iterator[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _of(label: str, value: object) -> Line:
    return Line(label, value.value, value.source, value.note)  # type: ignore[attr-defined]


def _line(label: str, words: str, sourced: object) -> Line:
    return Line(label, words, sourced.source, sourced.note)  # type: ignore[attr-defined]


def chain(policy: Policy, body: BodyPolicy) -> list[Over]:
    """To whom a body answers, and those to whom they answer, up to the partnership or the region; nearest first."""
    inside = {each.name: each for each in policy.bodies}
    found: list[Over] = []
    asked, seen = [body.name], {body.name}
    while asked:
        name = asked.pop(0)
        for over in _above(policy, inside, name):
            if over.name not in seen:
                seen.add(over.name)
                found.append(over)
                asked.append(over.name)
    return found


def _above(policy: Policy, inside: dict[str, BodyPolicy], name: str) -> Iterator[Over]:
    outside = {each.name: each for each in policy.governance}
    body = inside.get(name)
    if body is not None and body.parent:
        words = outside[body.parent].words if body.parent in outside else ""
        if body.parent in inside:
            words = inside[body.parent].purpose
        slug = inside[body.parent].slug if body.parent in inside else ""
        yield Over(body.parent, words, _of("Answers to", body.parent_), slug)
    for above in policy.governance:
        if above.over == name:
            yield Over(above.name, above.words, _line("Answers to", above.name, above))


def duties(policy: Policy, body: BodyPolicy) -> list[Line]:
    """What each post does at the body, then what each organisation with a seat and all members do for the scheme."""
    posts = [Line(f"{seat.post}, {seat.organisation}", seat.duty, seat.source) for seat in body.seats if seat.duty]
    kinds = {seat.organisation.casefold() for seat in body.seats}
    others = [
        Line(duty.organisation, duty.text, duty.source)
        for duty in policy.duties
        if duty.organisation.casefold() in kinds or _of_nobody_here(policy, duty.organisation)
    ]
    return [*posts, *others]


def _of_nobody_here(policy: Policy, organisation: str) -> bool:
    """Every member, all partners, a post to come: not an organisation that sits on another body alone."""
    return organisation.casefold() not in {
        seat.organisation.casefold() for body in policy.bodies for seat in body.seats
    }
