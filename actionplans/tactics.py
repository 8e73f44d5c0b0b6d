"""What a rating's tactical options come to: each chosen one is an action, the others are said to be in place or not
needed (London, step 5, and Merton, step 6: the rating triggers a menu of tactical options for the agencies).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from iom import audit, together
from iom.access import Actor
from iom.models import Agency
from iom.policy.managing import TacticalOption
from iom.steps import StepRefused, locked
from iom.together import Steps
from offenders.models import Case, RagRating

from . import actions as plans
from .models import Plan, Tactic, TacticAnswer

GROUPS = {
    "enforcement": "Enforcement",
    "contact": "Contact",
    "support": "Support",
    "protection": "Protection of others",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of one option: chosen, with who does it by when; in place; or not needed, and why."""

    option: TacticalOption
    answer: str
    agency: Agency | None = None
    due_on: date | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the present rating with what was said of it, if anything."""

    option: TacticalOption
    said: Tactic | None


def options_of(case: Case) -> list[Option]:
    """The options of the present rating, each with what was said of it since the rating began."""
    return together.run(options_of_steps(case))


@together.worded
def _said_of(case: int, colour: str, since: date) -> QuerySet[Tactic]:
    return Tactic.objects.filter(case=case, colour=colour, since=since).select_related("action__agency")


def options_of_steps(case: Case) -> Steps[list[Option]]:
    """`options_of`, read together with other rows."""
    rating = case.rating
    if rating is None:
        return []
    rows = yield _said_of(case.pk, str(rating.colour), rating.starts_on)
    said = {row.text: row for row in rows}
    return [Option(each, said.get(each.text)) for each in case.scheme.policy.tactics(rating.colour)]


def earlier(case: Case) -> list[Tactic]:
    """What was said under ratings that hold no more, newest first."""
    rows = Tactic.objects.filter(case=case).select_related("action__agency").order_by("-since", "pk")
    rating = case.rating
    return [row for row in rows if rating is None or (row.colour, row.since) != (rating.colour, rating.starts_on)]


@transaction.atomic
def answer(case: Case, said: Sequence[Said], *, by: Actor, version: int | None = None) -> list[Tactic]:
    """Write down what is said of some options of the present rating, all or none; chosen ones become actions.

    What was chosen before goes on as its action and is not said again. Raises PermissionDenied, Stale, or StepRefused.
    """
    held = locked(Case, case.pk, version=version)
    if not by.can("actionplans.change_plan", Plan(scheme_id=held.scheme_id, case=held)):
        raise PermissionDenied
    plans.must_be_open(held)
    rating = held.ratings.get(until=None)
    present = {each.option.text: each for each in options_of(held)}
    problems = _problems(said, present)
    if problems:
        raise StepRefused(problems)
    written = [_write(held, rating, each, present[each.option.text].said, by) for each in said]
    held.version += 1
    held.save(update_fields=["version"])
    case.version = held.version
    audit.record(
        "answer_tactics",
        held,
        by=by,
        after=rating.colour,
        subjects=[held.reference],
        chosen=sum(each.answer == TacticAnswer.CHOSEN for each in said),
        said=len(said),
    )
    return written


def _problems(said: Sequence[Said], present: dict[str, Option]) -> list[str]:
    problems = [] if said else ["Choose at least one option, or say that it is in place or not needed."]
    for each in said:
        text = each.option.text
        if text not in present:
            problems.append(f"“{text}” is not an option of the present rating.")
        elif (before := present[text].said) is not None and before.answer == TacticAnswer.CHOSEN:
            problems.append(f"“{text}” was chosen already. Change its action instead.")
        if each.answer == TacticAnswer.CHOSEN and (each.agency is None or each.due_on is None):
            problems.append(f"Say who does “{text}” and by when.")
        if each.answer == TacticAnswer.NOT_NEEDED and not each.because.strip():
            problems.append(f"Say why “{text}” is not needed.")
    return problems


def _write(case: Case, rating: RagRating, said: Said, before: Tactic | None, by: Actor) -> Tactic:
    action = None
    if said.answer == TacticAnswer.CHOSEN:
        kind = said.option.group if said.option.group in ("enforcement", "support", "protection") else ""
        action = plans.add_action(
            case=case, text=said.option.text, agency=said.agency, due_on=said.due_on, kind=kind, by=by
        )
    tactic = before or Tactic(
        scheme_id=case.scheme_id,
        case=case,
        colour=rating.colour,
        since=rating.starts_on,
        group=said.option.group,
        text=said.option.text,
        version=0,
    )
    tactic.answer, tactic.action, tactic.made_by = TacticAnswer(said.answer), action, by.user
    tactic.because = said.because.strip() if said.answer == TacticAnswer.NOT_NEEDED else ""
    tactic.version += 1
    tactic.save()
    return tactic
