"""Where safeguarding meets the panel: MAPPA on somebody of the cohort, concerns for a child, when harm was considered.

A check never takes anybody off the scheme: it puts the case before the panel, which decides (Merton, step 1;
Richmond, principle 5; Waltham Forest, 5.14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.urls import reverse

from iom import clock, together
from iom.blocks import Block, Task, case_block, home_tasks
from iom.together import Steps
from offenders import ledger
from offenders.asks import Ask, Window, asks_panel
from offenders.assurance import Said, standing
from offenders.models import Case, Check, CheckKind, MashReferral
from offenders.safeguarding import carry_in, said

from .models import Decision

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import Meeting
    from iom.policy import Policy
    from referrals.models import Referral


def mappa_of(cases: Iterable[Case], policy: Policy, today: date) -> dict[int, tuple[ledger.MappaWarning, bool]]:
    """The cases with a MAPPA level that the panel looks at, and whether it has decided since. One query."""
    return _warned(_mappa_checks([case.pk for case in cases]), policy, today)


def _mappa_checks(cases: Any) -> QuerySet[Check]:
    """The MAPPA checks of these cases, each with whether a panel has decided on its case since."""
    decided = Decision.objects.in_force().filter(
        case=OuterRef("case"), to_ratify=False, decided_at__gt=OuterRef("created_at")
    )
    rows = Check.objects.filter(case__in=cases, kind=CheckKind.MAPPA, mistaken_on=None)
    return rows.select_related("agency").annotate(decided=Exists(decided))


def _warned(rows: Iterable[Check], policy: Policy, today: date) -> dict[int, tuple[ledger.MappaWarning, bool]]:
    found: dict[int, list[Said]] = {}
    after: dict[int, bool] = {}
    for check in rows:
        found.setdefault(check.case_id, []).append(said(check))
        after[check.pk] = check.decided
    warned: dict[int, tuple[ledger.MappaWarning, bool]] = {}
    for pk, checks in found.items():
        holds = standing(CheckKind.MAPPA, checks, today)
        warning = ledger.warning_of(holds, policy)
        if warning is not None and holds.said is not None:
            warned[pk] = (warning, after[holds.said.key])
    return warned


@asks_panel
def mappa_asks(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """Level 2 or 3 comes first, until a panel has decided on the case after it was recorded."""
    found = _warned((yield _mappa_checks_in([case.pk for case in cases])), window.policy, window.today)
    for pk, (warning, decided) in found.items():
        if not decided:
            yield Ask(pk, "reviews", warning.words, warning.source or "default", first=True)


@home_tasks
def mappa_waits(actor: Actor, today: date) -> Iterable[Task]:
    """The coordinator's: members of the cohort whom the panel must look at for their MAPPA level."""
    if not actor.has_role("coordinator"):
        return

    def told() -> QuerySet[Check]:
        # Of most of the cohort MAPPA says nothing: those are not read.
        levels = Check.objects.filter(
            scheme=actor.scheme, kind=CheckKind.MAPPA, mistaken_on=None, outcome__startswith="level_"
        )
        cases = Case.objects.visible_to(actor).not_closed().filter(pk__in=levels.order_by().values("case"))
        rows = _mappa_checks(cases.order_by().values("pk")).annotate(reference=F("case__reference"))
        return rows.order_by("case_id")

    rows = yield told
    references = {check.case_id: check.reference for check in rows}
    for pk, (warning, decided) in _warned(rows, actor.scheme.policy, today).items():
        if not decided:
            at = reverse("case_safeguarding", args=[references[pk]])
            yield Task(None, f"MAPPA level {warning.level}: {references[pk]} needs the panel", at, "Open ledger")


@case_block
def mappa_on_the_case(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """The warning with its rule, and whether the panel has looked."""
    if case.status == "closed":
        return
    found = _warned((yield _mappa_checks_of(case.pk)), actor.scheme.policy, today).get(case.pk)
    if found is not None:
        yield Block("panels/blocks/mappa.html", {"mappa": found[0], "decided": found[1]}, place=1, slot="top")


@case_block
def harm_considered(actor: Actor, case: Case, today: date) -> Iterable[Any]:
    """When victims' harm and safety were last considered, and by which meeting (Waltham Forest, 5.7)."""
    harm = yield from harm_last_considered_steps(case)
    yield Block("panels/blocks/harm.html", {"harm": harm}, place=65, slot="aside")


def carry_from_nomination(referral: Referral, case: Case, *, by: Actor) -> None:
    """What the nomination said of MAPPA, the MARAC and domestic abuse stands in the ledger of the new case."""
    known = []
    if referral.mappa_level:
        known.append((CheckKind.MAPPA, f"level_{referral.mappa_level}"))
    if referral.facts.get("marac") is True:
        known.append((CheckKind.MARAC, "managed"))
    if referral.facts.get("domestic_abuse_perpetrator") is True:
        known.append((CheckKind.DA_PERPETRATOR, "managed"))
    said_on = referral.sent_at.astimezone(clock.LONDON).date() if referral.sent_at else case.accepted_on
    carry_in(case, known, on=said_on, agency=referral.agency, who=referral.referrer.user.name, by=by)


def harm_last_considered(case: Case) -> Decision | None:
    """The decision that last said how the risk of harm stands; None if no meeting has. For the exit too."""
    return together.run(harm_last_considered_steps(case))


def harm_last_considered_steps(case: Case) -> Steps[Decision | None]:
    """`harm_last_considered`, read together with other rows."""
    return (yield _harm_said(case.pk))


@together.worded
def _harm_said(case: int) -> together.First:
    rows = Decision.objects.in_force().filter(case=case).exclude(harm="")
    return together.first(rows.select_related("item__meeting__body", "harm_agency").order_by("-decided_at", "-pk"))


@together.worded
def _mappa_checks_in(cases: list[int]) -> QuerySet:
    return _mappa_checks(cases)


@together.worded
def _mappa_checks_of(case: int) -> QuerySet[Check]:
    return _mappa_checks([case])


def children_referred(meeting: Meeting) -> dict[int, list[MashReferral]]:
    """The concerns for a child that this meeting referred, by case: that it was done, and nothing of them."""
    found: dict[int, list[MashReferral]] = {}
    for child in MashReferral.objects.filter(meeting=meeting).order_by("referred_on", "pk"):
        found.setdefault(child.case_id, []).append(child)
    return found
