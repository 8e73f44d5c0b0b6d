"""Whether a person who is being entered is known already, as far as whoever enters them may learn it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from iom import together
from iom.jinja import day
from offenders import alike, likeness
from offenders.alike import Certainty, Likeness
from offenders.models import Case, Offender
from referrals.models import OPEN, Referral

if TYPE_CHECKING:
    from iom.access import Actor


@dataclass(frozen=True, slots=True)
class Match:
    """Someone whom the actor may know of, with the case and the referral that they may open."""

    offender: Offender
    aliases: tuple[str, ...]
    likeness: Likeness
    case: Case | None
    referral: Referral | None

    @property
    def can_be_nominated(self) -> bool:
        """Neither on the cohort nor before a panel, as far as the actor can see; `start` judges the rest."""
        on_cohort = self.case is not None and self.case.status != "closed"
        return not on_cohort and not (self.referral is not None and self.referral.status in OPEN)


@dataclass(frozen=True, slots=True)
class Matches:
    """Who may be meant: those to show, and the references of all of them, to be noted for the coordinator."""

    shown: tuple[Match, ...]
    noted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of what was entered beside what is held; `agrees` says in words how far."""

    about: str
    entered: str
    held: str
    agrees: str


CERTAINTY = {
    Certainty.SURE: ("Almost certainly the same person", "attention"),
    Certainty.LIKELY: ("Probably the same person", "going"),
    Certainty.POSSIBLE: ("Perhaps the same person", "neutral"),
}


def look_for(person: alike.Person, actor: Actor, *, but: Offender | None = None) -> Matches:
    """Whom a new entry may already be (duplicate check on entry), the surest first, without `but`.

    Someone whom the actor may not see, a person with a restricted case among them, is not shown: the page must read as
    if there were nobody. Their references are noted with the nomination.
    """
    return together.run(look_for_steps(person, actor, but=but))


def look_for_steps(person: alike.Person, actor: Actor, *, but: Offender | None = None) -> together.Steps[Matches]:
    """`look_for`, read in its caller's rounds."""
    found = yield from likeness.find_steps(actor.scheme, person, but=but)
    if not found:
        return Matches((), ())
    people = [each.offender.pk for each in found]
    cases, referrals = Case.objects.filter(offender__in=people), Referral.objects.filter(offender__in=people)
    open_cases, open_referrals, *noted = yield [
        cases.visible_to(actor).order_by("pk"),
        referrals.visible_to(actor).order_by("pk"),
        cases.values_list("reference", flat=True),
        referrals.values_list("reference", flat=True),
    ]
    seen_cases, seen_referrals = _newest(open_cases), _newest(open_referrals)
    shown = [
        Match(each.offender, each.aliases, each.likeness, seen_cases.get(pk), seen_referrals.get(pk))
        for each in found
        if (pk := each.offender.pk) in seen_cases or pk in seen_referrals
    ]
    return Matches(tuple(shown[: settings.LIKENESS_SHOWN]), tuple(sorted([*noted[0], *noted[1]])))


def side_by_side(entered: alike.Person, match: Match) -> list[Row]:
    """What was entered beside what is held of one match, line by line; lines that both lack are left out."""
    held = likeness.person_of(match.offender, match.aliases)
    rows = [
        Row("Name", entered.names[0], held.names[0], _words(match, "name", held.names[0])),
        Row("Also known as", ", ".join(entered.names[1:]), ", ".join(held.names[1:]), _words(match, "alias")),
        Row("Date of birth", _day(entered.born), _day(held.born), _words(match, "date_of_birth")),
    ]
    for kind, words in alike.NUMBERS.items():
        about = words[0].upper() + words[1:]
        rows.append(Row(about, entered.numbers.get(kind, ""), held.numbers.get(kind, ""), _words(match, kind)))
    return [row for row in rows if row.held or row.entered]


def _words(match: Match, field: str, held: str = "") -> str:
    """How far a line agrees. A name may also agree with another name that was entered."""
    for reason in match.likeness.reasons:
        if reason.field == field or (field == "name" and reason.held == held):
            return reason.words
    return ""


def _day(born: Any) -> str:
    return day(born) if born else ""


def _newest(rows: Any) -> dict[int, Any]:
    """The newest of each person's cases or referrals, of which the newest come last."""
    return {row.offender_id: row for row in rows}
