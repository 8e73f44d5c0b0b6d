"""Copies of a plan for the person, and for an agency off the system, without what each may not read (Merton, step 7).

The person's copy has no enforcement, nothing that speaks of a MARAC or of what was said in confidence, and names no
victim; nor does an agency's name a victim. Of the safeguarding flags only those that may be given stand on it. What is
left out is counted, not told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock
from iom.access import Actor
from iom.jinja import day, longday, moment
from iom.models import Document
from iom.printing import render, sha256
from iom.steps import StepRefused
from offenders import naming
from offenders.models import Case
from offenders.safeguarding import flags_of, flags_to_give, not_for_the_person

from .models import Action, ActionKind, Offer, Plan, PlanCopy
from .reading import pathway_lines

TITLES = {PlanCopy.Audience.PERSON: "Your plan", PlanCopy.Audience.AGENCY: "Action plan"}


@dataclass
class Content:
    """What a copy says: pathways with need, goal, actions and offers as plain words; how much was left out."""

    pathways: list[dict[str, Any]] = field(default_factory=list)
    flags: tuple[str, ...] = ()
    left_out: int = 0


class _Reader:
    """What one reader may have: asked text by text."""

    def __init__(self, case: Case, audience: str) -> None:
        self.for_person = audience == PlanCopy.Audience.PERSON
        self.also = case.scheme.policy.safeguarding.never_given
        self.person, self.kept = case.offender, naming.protected_from([case.offender])
        self.refused = 0

    def may(self, *texts: str) -> bool:
        """Whether they may have these texts; counts what they may not."""
        text = "\n".join(each for each in texts if each)
        allowed = not self.kept.named_in(text, [self.person])
        if self.for_person:
            allowed = allowed and not not_for_the_person(text, self.also)
        self.refused += not allowed
        return allowed


def content_of(case: Case, audience: str) -> Content:
    """What a copy for this audience says."""
    reader = _Reader(case, audience)
    plan = Plan.objects.filter(case=case).prefetch_related("needs").first()
    acts = []
    for action in Action.objects.filter(case=case).to_do().for_list().in_plan_order():
        if reader.for_person and action.kind == ActionKind.ENFORCEMENT:
            reader.refused += 1
        elif reader.may(action.text, "" if reader.for_person else action.note):
            acts.append(action)
    made: dict[str, list[Offer]] = {}
    for each in Offer.objects.filter(case=case).select_related("agency"):
        if reader.may(each.text, each.words):
            made.setdefault(each.pathway, []).append(each)
    content = Content()
    for line in pathway_lines(case, plan, acts):
        goal = line.need.goal if line.need and (not line.need.goal or reader.may(line.need.goal)) else ""
        row = {
            "name": line.name,
            "need": line.need.get_level_display() if line.need else "",
            "goal": goal,
            "actions": [_action(each, reader.for_person) for each in line.actions],
            "offers": [_offer(each) for each in made.get(line.slug, ())],
        }
        if any(row[part] for part in ("need", "goal", "actions", "offers")):
            content.pathways.append(row)
    flags = flags_of([case])[case.pk]
    content.flags = tuple(flag.words for flag in (flags_to_give(flags) if reader.for_person else ()))
    content.left_out = reader.refused
    return content


def _action(action: Action, for_person: bool) -> dict[str, str]:
    return {
        "text": action.text,
        "who": action.agency.name if for_person else action.who,
        "by": day(action.due_on),
        "note": "" if for_person else action.note,
    }


def _offer(made: Offer) -> dict[str, str]:
    answered = f", {day(made.answered_on)}" if made.answered_on else ""
    return {
        "text": f"{made.text} ({made.agency.name}, {day(made.offered_on)})",
        "answer": f"{made.get_answer_display()}{answered}",
        "words": made.words,
    }


@transaction.atomic
def make(case: Case, *, audience: str, recipient: str, by: Actor) -> PlanCopy:
    """Print a copy and keep it, with who made it, for whom and when.

    Raises PermissionDenied; StepRefused without a plan or a recipient, and for an agency's copy of a restricted case;
    and what `iom.printing.render` raises.
    """
    if not by.can("actionplans.change_plan", Plan(scheme_id=case.scheme_id, case=case)):
        raise PermissionDenied
    audience, recipient = PlanCopy.Audience(audience), recipient.strip()
    if not Plan.objects.filter(case=case).exists():
        raise StepRefused(["There is no plan yet."])
    if audience == PlanCopy.Audience.AGENCY and case.restricted:
        raise StepRefused(["This case is restricted: its plan leaves the service for nobody but the person."])
    if audience == PlanCopy.Audience.AGENCY and not recipient:
        raise StepRefused(["Say which agency gets the copy, and how it is sent securely."])
    number = PlanCopy.objects.filter(case=case).count() + 1
    content = content_of(case, audience)
    file = render(
        "actionplans/pdf/plan_copy.html",
        {
            "content": content,
            "case": case,
            "heading": TITLES[audience],
            "for_person": audience == PlanCopy.Audience.PERSON,
            "scheme": case.scheme,
            "today": longday(clock.today()),
            "printed": f"{by.user.name}, {moment(clock.now())}" if by.user else "",
            "author": case.scheme.name,
        },
        title=case.reference,
    )
    document = Document.objects.create(
        scheme=case.scheme,
        kind="plan_copy",
        reference=f"{case.reference}-{number}",
        name=f"{case.reference}.pdf",
        content=file,
        sha256=sha256(file),
    )
    copy = PlanCopy.objects.create(
        scheme=case.scheme,
        case=case,
        audience=audience,
        recipient=recipient,
        document=document,
        made_on=clock.today(),
        made_by=by.user,
        left_out=content.left_out,
    )
    audit.record("make_plan_copy", copy, by=by, after=audience, subjects=[case.reference])
    return copy
