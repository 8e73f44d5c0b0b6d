"""A rating that was changed between two panels, and tactical options that somebody has gone through."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from actionplans import tactics
from iom.working_days import holidays_of, step
from offenders import actions as cases
from offenders.models import Case, Colour

if TYPE_CHECKING:
    from panels.demonstration.year import Life

REASON = "Missed three appointments since the panel and was seen with others of the cohort."
EVIDENCE = "Two home visits without an answer; the tenancy officer heard of visitors at night."
NOT_NEEDED = "Lives with family who support this already."


def rate_between_panels(life: Life) -> None:
    """One Amber case becomes Red before the next panel; the options of one Red case are partly gone through."""
    by, today = life.coordinator, life.today
    open_cases = Case.objects.visible_to(by).not_closed().filter(restricted=False, status="open").with_current()
    # Where the rest is loaded after it, meetings of earlier days still rate.
    rated = list(open_cases.rated(Colour.AMBER).order_by("-pk")[: 0 if life.mark.text else 1])
    for case in rated:
        since = max(case.rating.starts_on, today - timedelta(days=2))
        cases.rate_between(case, Colour.RED, on=since, reason=life.mark(REASON), evidence=life.mark(EVIDENCE), by=by)
    due = step(today, 5, "working", "after", holidays_of(life.policy)).date
    agency = life.staff.named["police"].agency
    for case in open_cases.rated(Colour.RED).exclude(pk__in=[each.pk for each in rated]).order_by("pk")[:1]:
        options = life.policy.tactics(Colour.RED)
        said = [
            tactics.Said(options[1], "in_place"),
            tactics.Said(options[-1], "not_needed", because=life.mark(NOT_NEEDED)),
        ]
        if not life.mark.text:
            # The words of an option are the scheme's own: they carry no mark.
            said.append(tactics.Said(options[0], "chosen", agency, due))
        tactics.answer(case, said, by=by)
