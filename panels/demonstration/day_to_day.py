"""The ordinary work of the last weeks on most cases: checks that hold, contacts, help that is taken up.

Entered a table at a time, for a cohort has hundreds of such lines; some cases are left without, as happens.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from actionplans.models import Offer, OfferAnswer
from iom.models import Agency
from iom.working_days import add_months
from offenders.models import Case, Check, Entry, EntryKind

if TYPE_CHECKING:
    from panels.demonstration.year import Life

# One in so many has not been seen, helped or checked as the scheme would want.
LEFT_OUT = 5
RED_WORK = (
    (EntryKind.ENFORCEMENT, "Curfew check by the neighbourhood team: at home."),
    (EntryKind.COMPLIANCE_VISIT, "Seen at home with probation; the reporting times were gone through again."),
)
AMBER_HELP = "A place with the employment adviser"
TAKEN = "Went to the first two appointments."


def keep_up(life: Life) -> None:
    """Checks of the last months for most, enforcement of this week for most who are Red, help for most Amber."""
    rows = Case.objects.visible_to(life.coordinator).filter(status="open", restricted=False).with_current()
    cases = [case for case in rows.order_by("pk") if case.rating is not None]
    _checked(life, cases)
    _worked(life, [case for case in cases if case.rating.colour == "RED"])
    _helped(life, [case for case in cases if case.rating.colour == "AMBER"])


def _kept(cases: list[Case]) -> list[Case]:
    return [case for place, case in enumerate(cases) if place % LEFT_OUT]


def _checked(life: Life, cases: list[Case]) -> None:
    """Police and probation checked what every case needs, in the months before today."""
    police, rules = life.staff.actor("police"), life.policy.safeguarding
    days = [(case, _lately(life, case, 7 + place % 60)) for place, case in enumerate(_kept(cases))]
    Check.objects.bulk_create(
        Check(
            scheme=life.scheme,
            case=case,
            kind=kind,
            outcome="no_concern",
            agency=police.agency,
            checked_by=police.user.name,
            checked_on=on,
            expires_on=add_months(on, rules.check(kind).months),
            made_by=police.user,
        )
        for case, on in days
        for kind in rules.needed
    )


def _worked(life: Life, cases: list[Case]) -> None:
    police = life.staff.actor("police")
    Entry.objects.bulk_create(
        Entry(
            scheme=life.scheme,
            case=case,
            kind=kind,
            happened_on=_lately(life, case, 2 + place % 3),
            text=life.mark(words),
            agency=police.agency,
            source=life.mark("Police log"),
            handling="panel",
            made_by=police.user,
        )
        for place, case in enumerate(_kept(cases))
        for kind, words in [RED_WORK[place % len(RED_WORK)]]
    )


def _helped(life: Life, cases: list[Case]) -> None:
    agency = Agency.objects.filter(scheme=life.scheme, kind="probation").order_by("pk").first()
    Offer.objects.bulk_create(
        Offer(
            scheme=life.scheme,
            case=case,
            pathway=life.policy.pathways[place % len(life.policy.pathways)].slug,
            text=life.mark(AMBER_HELP),
            agency=agency,
            offered_on=_lately(life, case, 20),
            answer=OfferAnswer.TAKEN_UP,
            answered_on=_lately(life, case, 9),
            words=life.mark(TAKEN),
            made_by=life.coordinator.user,
        )
        for place, case in enumerate(_kept(cases))
    )


def _lately(life: Life, case: Case, days: int) -> date:
    return max(life.today - timedelta(days=days), case.accepted_on)
