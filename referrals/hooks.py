"""What the apps further right do when a referral moves on: they register here, since this app does not know them.

A hook runs in the transaction of the verb that calls it, so what it does and the step stand or fall together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from iom import together
from iom.together import Steps

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from iom.access import Actor
    from iom.models import Meeting
    from offenders.models import Case
    from referrals.models import Referral


@dataclass(frozen=True, slots=True)
class Told:
    """What a meeting decided, as far as the reader may know: the day, the body, the reason in words or nothing."""

    on: date
    by: str
    reason: str


Decided = Callable[["Actor", Iterable["Referral"], Iterable["Case"]], Mapping["Referral | Case", Told]]
_decided: list[Decided] = []
Hook = Callable[["Referral", "Meeting", "Actor"], None]
Opens = Callable[["Actor", "Meeting"], together.Read]
WentOut = Callable[["Meeting"], "datetime | None"]
_put_to_panel: list[Hook] = []
_off_agenda: list[Hook] = []
_opens_marked: list[Opens] = []
_went_out: list[WentOut] = []
_sent: list[Callable[[Referral, Actor], None]] = []


def when_sent(function: Callable[[Referral, Actor], None]) -> Callable[[Referral, Actor], None]:
    """Register what follows when a referral reaches the coordinator: `fn(referral, by)`, for the acknowledgement."""
    _sent.append(function)
    return function


def when_put_to_panel(function: Hook) -> Hook:
    """Register what follows when a referral is put to a panel: `fn(referral, meeting, by)`, for the agenda item."""
    _put_to_panel.append(function)
    return function


def when_off_agenda(function: Hook) -> Hook:
    """Register what follows when a referral is withdrawn or returned after it was put on an agenda."""
    _off_agenda.append(function)
    return function


def sent(referral: Referral, by: Actor) -> None:
    """Run what was registered for a referral that its referrer has just sent."""
    for function in _sent:
        function(referral, by)


def put_to_panel(referral: Referral, meeting: Meeting, by: Actor) -> None:
    """Run what was registered for a referral that is now on the agenda of `meeting`."""
    for function in _put_to_panel:
        function(referral, meeting, by)


def off_agenda(referral: Referral, meeting: Meeting, by: Actor) -> None:
    """Run what was registered for a referral that `meeting` will not hear after all."""
    for function in _off_agenda:
        function(referral, meeting, by)


def when_marked_opens(function: Opens) -> Opens:
    """Register what it takes to read what is marked for some agencies: the signature under the sharing agreement.

    `fn(actor, meeting)` gives the question whether it is there (`iom.together.exists`).
    """
    _opens_marked.append(function)
    return function


def opens_marked(actor: Actor, meeting: Meeting) -> bool:
    """Whether what is marked for the actor is open to them at a meeting. Where nobody says so, it is not."""
    return together.run(opens_marked_steps(actor, meeting))


def opens_marked_steps(actor: Actor, meeting: Meeting) -> together.Steps[bool]:
    """`opens_marked`, read in its caller's round."""
    answers = yield [function(actor, meeting) for function in _opens_marked]
    return bool(answers) and all(answers)


def tells_what_was_decided(function: Decided) -> Decided:
    """Register who knows what was decided on nominations and, at its end, on a case: `fn(actor, referrals, cases)`."""
    _decided.append(function)
    return function


def what_was_decided(actor: Actor, referrals: Iterable[Referral], cases: Iterable[Case]) -> dict[Referral | Case, Told]:
    """The decision on each of them that the actor may know of; the caller has found them with `visible_to`."""
    return {thing: told for function in _decided for thing, told in function(actor, referrals, cases).items()}


def tells_when_agenda_went_out(function: WentOut) -> WentOut:
    """Register who knows when a meeting's agenda was sent."""
    _went_out.append(function)
    return function


def agenda_sent_at(meeting: Meeting) -> datetime | None:
    """When the agenda of a meeting went out, None while it has not: an answer after that was not there to be read."""
    return next((at for function in _went_out if (at := function(meeting))), None)


# --- Reading -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """Whether somebody signed the sharing agreement in force, and the live meetings that ask for one of their own."""

    given: bool = False
    missing_at: frozenset[int] = field(default_factory=frozenset)


Heard = Callable[["Actor"], "QuerySet"]
Signed = Callable[["Actor"], Steps[Signature]]
_heard: list[Heard] = []
_signed: list[Signed] = []


def when_heard(function: Heard) -> Heard:
    """Register what gives the ids of nominations on agendas that an actor was sent: their papers go with them."""
    _heard.append(function)
    return function


def heard_by(actor: Actor) -> Iterable[QuerySet]:
    """The ids of nominations on agendas that the actor was sent."""
    return [function(actor) for function in _heard]


def asks_signature(function: Signed) -> Signed:
    """Register what knows whether an actor has signed the sharing agreement (security.md Z12)."""
    _signed.append(function)
    return function


def signature_of(actor: Actor) -> Signature:
    """The actor's signature; none where nothing knows of any."""
    return together.run(signature_of_steps(actor))


def signature_of_steps(actor: Actor) -> Steps[Signature]:
    """`signature_of`, read together with other rows."""
    found = yield from together.all_of({place: function(actor) for place, function in enumerate(_signed)})
    missing: frozenset[int] = frozenset().union(*(each.missing_at for each in found.values()))
    return Signature(any(each.given for each in found.values()), missing)
