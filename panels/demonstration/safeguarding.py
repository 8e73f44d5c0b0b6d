"""Made-up lines of the safeguarding ledger: assured, stale, asked for, and a concern for a child that was referred."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta

from iom.access import Actor
from offenders import groups, records, safeguarding
from offenders.models import Case, MashReferral

from .year import Life

DAY = timedelta(days=1)


def ledger(life: Life, cases: Sequence[Case]) -> None:
    """For the first of `cases`: what its agencies checked; for another what somebody is asked."""
    police, housing = life.staff.actor("police"), life.staff.actor("housing")
    first, second, *_ = cases
    contact = life.mark("Desk officer, 020 7946 0103")
    with life.at(life.today, 0, 10):
        _record(first, "marac", "managed", life, by=police, ask=contact)
        _record(first, "mappa", "level_1", life, by=police, ask=contact)
        _record(second, "mappa", "no_concern", life, by=police)
        _record(second, "marac", "no_concern", life, by=police, ago=200)
        _record(second, "staff", "managed", life, by=housing, ask=contact)
        safeguarding.ask_agency(
            second, "adult", agency=housing.agency, due_on=life.today + 7 * DAY, by=life.coordinator
        )
        child = safeguarding.refer_child(first, on=life.today - 9 * DAY, by=police, reference_there="M-2210")
        safeguarding.child_answered(child, answer=MashReferral.Answer.TAKEN_ON, on=life.today - 5 * DAY, by=police)


def team(life: Life, cases: Sequence[Case]) -> None:
    """The plain records of the team: the rota, comparisons, a story that was told, the police list, a shared place."""
    police, by = life.staff.actor("police"), life.coordinator
    with life.at(life.today, 0, 11):
        for ahead, kind in ((1, "out_of_hours"), (2, "court"), (8, "custody")):
            records.add_cover(
                kind=kind,
                on=life.today + ahead * DAY,
                starts_at=time(17, 0),
                ends_at=time(8, 0),
                person=police.user.name,
                phone=life.mark("020 7946 0104"),
                agency=police.agency,
                by=police,
            )
        for case, result in zip(cases[:2], ("right", "corrected"), strict=False):
            records.compare_intelligence(
                case,
                system=life.policy.research_systems[0],
                partner=life.staff.actor("housing").agency,
                on=life.today - 4 * DAY,
                checked_by=police.user.name,
                result=result,
                fed_back_on=life.today - 3 * DAY if result == "corrected" else None,
                by=police,
            )
        story = records.write_story(
            life.mark("A young man who had no home found one, and has kept his job since the spring."),
            # Of nobody here: the mark of the scheme stands in its names and in this text alike.
            case=None,
            consent_on=life.today - 12 * DAY,
            consent_to=by.user.name,
            by=by,
        )
        records.tell_story(story, where=life.mark("Council newsletter"), on=life.today - 6 * DAY, by=by)
        records.put_on_list(
            family_name=life.mark("Specimen"),
            given_names=life.mark("Robin"),
            date_of_birth=life.today - 12000 * DAY,
            listed_from=life.today - 40 * DAY,
            source_on=life.today - 10 * DAY,
            by=police,
        )
        records.add_premises(
            place=life.mark("Civic centre, second floor"),
            agencies=[police.agency.slug, life.staff.actor("housing").agency.slug],
            days=life.mark("Mondays and Thursdays"),
            private_room=True,
            since=life.today - 200 * DAY,
            by=by,
        )
        for group in life.policy.sub_cohorts[:1]:
            groups.put_in(cases[0], group.slug, on=life.today - 2 * DAY, by=by)


def _record(case: Case, kind: str, outcome: str, life: Life, *, by: Actor, ask: str = "", ago: int = 3) -> None:
    safeguarding.record_check(case, kind, outcome=outcome, on=life.today - ago * DAY, ask=ask, by=by)
