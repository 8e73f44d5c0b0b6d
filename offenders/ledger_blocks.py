"""What the safeguarding ledger adds to pages that show several apps' things: board, home, timeline, agendas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.urls import reverse

from iom import together
from iom.blocks import Block, Task, board_columns, case_block, home_tasks
from iom.jinja import day, lower_first, plural
from iom.together import Steps
from offenders import safeguarding
from offenders.asks import Ask, Window, asks_panel
from offenders.board_filters import board_filter
from offenders.models import Case, Check, CheckAsked, CheckKind, MashReferral
from offenders.querysets import of_one_case
from offenders.safeguarding import SHORT, outcome_words
from offenders.timeline import Line, on_timeline

if TYPE_CHECKING:
    from iom.access import Actor

# How many questions of an agency stand among the tasks before they are one line.
EACH = 5


# --- The board -------------------------------------------------------------------------------


@board_columns
def flags(actor: Actor, cases: Sequence[Case], today: date) -> Steps[dict[int, dict[str, object]]]:
    """What is known of each person, and needed checks that are not assured."""
    found = yield from safeguarding.flags_of_steps(cases, actor.scheme.policy, today)
    return {pk: {"flags": flags} for pk, flags in found.items() if flags}


def flag_choices(actor: Actor) -> list[tuple[str, str]]:
    return [
        *((kind.value, SHORT[kind]) for kind in CheckKind),
        ("mappa_2_3", "MAPPA level 2 or 3"),
        ("stale", "A check is stale"),
        ("not_done", "A needed check is not done"),
    ]


def with_flag(cases: Sequence[Case], value: str, actor: Actor) -> Steps[list[int]]:
    """The cases that bear one flag."""
    flagged = yield from safeguarding.flags_of_steps(cases, actor.scheme.policy)
    return [pk for pk, flags in flagged.items() if any(_is(flag, value) for flag in flags)]


def _is(flag: safeguarding.Flag, value: str) -> bool:
    if value in ("stale", "not_done"):
        return flag.state == value
    if value == "mappa_2_3":
        return flag.concern and flag.label in ("MAPPA level 2", "MAPPA level 3")
    return flag.concern and flag.kind == value


board_filter("flag", "Flag", choices=flag_choices, keep=with_flag, place=60)


# --- The home page ---------------------------------------------------------------------------


@home_tasks
def checks_wanted(actor: Actor, today: date) -> Iterable[Task]:
    """The coordinator's: cases whose checks are stale or not done (Waltham Forest, 5.11)."""
    if not actor.has_role("coordinator"):
        return

    def wanting() -> together.Counted:
        cases, needed = Case.objects.visible_to(actor).not_closed(), actor.scheme.policy.safeguarding.needed
        return together.counted(safeguarding.wanting_checks(cases, needed, today))

    if count := (yield wanting):
        words = "has a safeguarding check" if count == 1 else "have safeguarding checks"
        yield Task(None, f"{plural(count, 'case')} {words} stale or not done", reverse("safeguarding"), "See which")


@home_tasks
def checks_asked(actor: Actor, today: date) -> Iterable[Task]:
    """What one's own agency was asked for; for the coordinator what is late, whoever was asked."""
    if not actor.holds("offenders.record_check") or actor.agency is None:
        return
    scheme = actor.scheme
    if not (yield lambda: together.exists(CheckAsked.objects.filter(scheme=scheme, ended_on=None))):
        return

    def asked() -> list[QuerySet]:
        rows = CheckAsked.objects.visible_to(actor).filter(ended_on=None).select_related("case", "agency")
        late = rows.filter(due_on__lt=today).exclude(agency=actor.agency)[:EACH]
        office = actor.has_role("coordinator")
        return [rows.filter(agency=actor.agency)[: EACH + 1], late if office else CheckAsked.objects.none()]

    mine, late = yield asked
    for each in mine[:EACH]:
        at = reverse("case_check", args=[each.case.reference, each.kind])
        yield Task(each.due_on, f"Safeguarding check asked for: {each.case.reference}", at, "Record it")
    if len(mine) > EACH:
        yield Task(None, "More safeguarding checks are asked of your agency", f"{reverse('cases')}?flag=not_done")
    for each in late:
        at = reverse("case_check", args=[each.case.reference, each.kind])
        yield Task(each.due_on, f"{each.agency.name} has not answered for a check: {each.case.reference}", at)


# --- The agenda ------------------------------------------------------------------------------


@asks_panel
def stale_checks(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """Beside other reasons: which needed checks of a case that comes up are stale or not done. No content."""
    rules = window.policy.safeguarding
    found = yield from safeguarding.standings_steps([case.pk for case in cases], window.today)
    for pk, stand in found.items():
        wants = [SHORT[CheckKind(each.kind)] for each in stand if each.kind in rules.needed and each.state != "assured"]
        if wants:
            source = next(each.source for each in map(rules.check, rules.needed))
            yield Ask(pk, "reviews", f"Safeguarding not assured: {', '.join(wants)}", source, beside=True)


# --- The case --------------------------------------------------------------------------------


@case_block
def records_of_the_case(actor: Actor, case: Case, today: date) -> Iterable[Block]:
    """The way to the plain records that belong to a case."""
    if actor.holds("offenders.view_records"):
        context = {"may_tell": actor.holds("offenders.tell_stories") and not case.restricted}
        yield Block("offenders/block_records.html", context, place=75, slot="aside")


# --- The timeline ----------------------------------------------------------------------------


_checks = of_one_case(Check.objects.all, lambda rows: rows.filter(mistaken_on=None).select_related("agency"))
_children = of_one_case(MashReferral.objects.all, lambda rows: rows.select_related("agency"))


@on_timeline
def on_the_log(actor: Actor, case: Case) -> Iterable[Any]:
    """Checks by class of outcome, and concerns for a child that were referred."""
    at = reverse("case_safeguarding", args=[case.reference])
    checks, children = yield [_checks(actor, case), _children(actor, case)]
    for check in checks:
        words = f"{SHORT[CheckKind(check.kind)]}: {lower_first(outcome_words(check.kind, check.outcome))}"
        by = f"{check.checked_by}, {check.agency.name}"
        yield Line(check.checked_on, "safeguarding", f"Safeguarding check: {words}", by=by, href=at)
    for child in children:
        answer = f"{child.get_answer_display()}, {day(child.answered_on)}" if child.answered_on else ""
        by = f"{child.referred_by}, {child.agency.name}"
        yield Line(child.referred_on, "safeguarding", f"Concern for a child referred to the {child.to}", answer, by, at)
