"""What custody, feeds and licence conditions ask of people: on the home page, and of the panel's agenda."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from iom import together
from iom.access import Actor
from iom.blocks import Task, home_tasks
from iom.clock import local
from iom.jinja import day_month, plural

from .asks import Ask, Window, asks_panel
from .custody import to_attend_steps, without_outcome
from .models import Case, CustodyPeriod, CustodyProposal, LegalStatus, LicenceRequest, Tag, TagHit

# So many of each kind stand among the tasks; the cases' pages have the rest.
MOST = 5


@home_tasks
def answer_proposals(actor: Actor, today: date) -> Iterable[Task]:
    """What a feed says of custody: the office's, and of cases that one leads (feature 173: proposed, not imposed)."""
    if not actor.holds("offenders.record_custody"):
        return

    def proposed() -> together.Counted:
        rows = CustodyProposal.objects.visible_to(actor).on_cohort().filter(status="open")
        if not actor.has_role("coordinator", "chair"):
            rows = rows.filter(case__in=Case.objects.led_by(actor).order_by().values("pk"))
        return together.counted(rows)

    if count := (yield proposed):
        words = f"Answer {plural(count, 'proposal')} of custody from IDIOM"
        yield Task(today, words, reverse("custody_proposals"), "Answer")


@home_tasks
def go_to_custody(actor: Actor, today: date) -> Iterable[Task]:
    """Arrests after which the team's police go to custody (London, Police)."""
    for entry in (yield from to_attend_steps(actor, today))[:MOST]:
        url = reverse("case_attended", args=[entry.case.reference, entry.pk])
        yield Task(entry.happened_on, f"Go to custody: {entry.case.reference}", url, "Say what came of it")


@home_tasks
def rule_hits(actor: Actor, today: date) -> Iterable[Task]:
    """Hits of tags that nobody has ruled in or out: the police's (Hampshire, GPS Tagging)."""
    if actor.agency is None or actor.agency.kind != "police" or not actor.holds("offenders.record_hit"):
        return
    scheme = actor.scheme
    if not (yield lambda: together.exists(TagHit.objects.filter(scheme=scheme, ruling=""))):
        return

    def not_ruled_on() -> QuerySet:
        rows = TagHit.objects.visible_to(actor).on_cohort().filter(ruling="").select_related("case")
        return rows.order_by("happened_at")[:MOST]

    for hit in (yield not_ruled_on):
        url = reverse("hit_ruling", args=[hit.case.reference, hit.pk])
        yield Task(local(hit.sent_at).date(), f"Rule in or out: {hit.case.reference}", url, "Rule")


@home_tasks
def say_what_came_of_it(actor: Actor, today: date) -> Iterable[Task]:
    """Court dates and returns on bail that have passed without an outcome: who leads the case, and the coordinator."""
    if not actor.holds("offenders.record_status"):
        return

    def passed() -> QuerySet:
        rows = without_outcome(LegalStatus.objects.visible_to(actor).on_cohort(), today)
        if not actor.has_role("coordinator"):
            rows = rows.filter(case__in=Case.objects.led_by(actor).order_by().values("pk"))
        return rows.select_related("case").order_by("on", "pk")[:MOST]

    for row in (yield passed):
        what = "court" if row.kind == LegalStatus.Kind.COURT else "the return on bail"
        words = f"Say what came of {what} of {day_month(row.on)}: {row.case.reference}"
        url = reverse("status_outcome", args=[row.case.reference, row.pk])
        yield Task(row.on, words, url, "Say")


@home_tasks
def licence_conditions(actor: Actor, today: date) -> Iterable[Task]:
    """Conditions that wait for one's agency, for probation, for a meeting, or for the prison to hear (London)."""
    if actor.agency is None or not actor.holds("offenders.ask_licence"):
        return
    scheme = actor.scheme

    def some_wait() -> together.Existing:
        waits = Q(status__in=["asked", "agreed"]) | Q(status="included", prison_told_on=None)
        return together.exists(LicenceRequest.objects.filter(waits, scheme=scheme))

    def waiting() -> QuerySet:
        mine = Q(status="asked", answers__agency=actor.agency, answers__agrees=None)
        if actor.agency.kind == "probation":
            mine |= Q(status="agreed") | Q(status="included", prison_told_on=None)
        if actor.has_role("coordinator"):
            mine |= Q(status="asked", answers__agrees=False)
        rows = LicenceRequest.objects.visible_to(actor).on_cohort().filter(mine)
        return rows.select_related("case").distinct().order_by("asked_on", "pk")[:MOST]

    if not (yield some_wait):
        return
    for row in (yield waiting):
        what = {"asked": "Agree or not", "agreed": "Put in, or say why not", "included": "Tell the prison"}[row.status]
        url = reverse("licence_request", args=[row.case.reference, row.pk])
        yield Task(row.asked_on, f"{what}: a licence condition, {row.case.reference}", url, "Open")


# --- The agenda ---------------------------------------------------------------


@asks_panel
def recalls(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """Somebody who was recalled to prison since the last meeting."""
    if not _is_for(window):
        return
    for period in (yield _recalled([each.pk for each in cases], window.before)):
        yield Ask(period.case_id, "reviews", f"Recalled to prison on {day_month(period.starts_on)}")


@asks_panel
def wanted(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """Somebody who is wanted."""
    if not _is_for(window):
        return
    for row in (yield _wanted([each.pk for each in cases])):
        yield Ask(row.case_id, "reviews", f"Wanted since {day_month(row.on)}")


@asks_panel
def tags_that_end(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """A tag that ends before the meeting after this one (Hampshire, GPS Tagging)."""
    gps = window.policy.gps
    if gps is None or not _is_for(window):
        return
    for row in (yield _tags_ending([each.pk for each in cases], window.today, window.next_one)):
        yield Ask(row.case_id, "reviews", f"The GPS tag ends on {day_month(row.ends_on)}", gps.source)


@asks_panel
def conditions_to_agree(cases: Sequence[Case], window: Window) -> Iterator[Any]:
    """A licence condition on which the agencies have not agreed, of somebody who comes out before long (London)."""
    rule = window.policy.licence_conditions
    if not _is_for(window):
        return
    out_by = window.next_one + timedelta(days=rule.settle_days)
    for case in dict.fromkeys((yield _to_agree([each.pk for each in cases], out_by))):
        yield Ask(case, "releases", "A licence condition to agree before release", rule.source)


@together.worded
def _recalled(cases: list[int], after: date) -> QuerySet:
    return CustodyPeriod.objects.filter(case__in=cases, recalled=True, starts_on__gt=after, released_on=None)


@together.worded
def _wanted(cases: list[int]) -> QuerySet:
    return LegalStatus.objects.filter(case__in=cases, kind=LegalStatus.Kind.WANTED, ended_at=None)


@together.worded
def _tags_ending(cases: list[int], first: date, before: date) -> QuerySet:
    return Tag.objects.filter(case__in=cases, ended_on=None, ends_on__gte=first, ends_on__lt=before)


@together.worded
def _to_agree(cases: list[int], before: date) -> QuerySet:
    soon = CustodyPeriod.objects.filter(case=OuterRef("case"), released_on=None, release_expected_on__lt=before)
    rows = LicenceRequest.objects.filter(case__in=cases, status=LicenceRequest.Status.ASKED)
    return rows.filter(Exists(soon)).order_by("pk").values_list("case", flat=True)


def _is_for(window: Window) -> bool:
    """The bodies that manage the cohort look at its cases."""
    return window.body.opens_cohort and window.body.agenda_rule.kind != "not_cases"
