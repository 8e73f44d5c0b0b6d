"""The figures that a board is told of its panel since it last met (Merton, Reporting).

Counts of people under five are told as "fewer than 5" (ux.md 4.8), and then their sum is not told, from which the
small one could be reckoned. Counts of meetings, actions and answers are about agencies and are told as they are.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from iom import clock, together
from iom.jinja import plural
from iom.models import Meeting
from iom.working_days import add_months
from offenders.models import CaseStatus, RagRating

from . import delivery, escalations
from .models import BoardAnswer, Decision, Escalation, EscalationStatus, Outcome, Section

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models import Scheme

FEWEST = 5
FEWER = f"fewer than {FEWEST}"
# Before a board's first meeting here the report looks back so far.
MONTHS_BEFORE_THE_FIRST = 3
DECIDED = {
    Outcome.ACCEPT: "Accepted",
    Outcome.NOT_ACCEPT: "Not accepted",
    Outcome.DEFER: "Deferred",
    Outcome.ELSEWHERE: "Referred elsewhere",
}

Figures = dict[str, Any]


def told(count: int) -> str:
    """A count of people as a board may know it."""
    return "none" if count == 0 else FEWER if count < FEWEST else str(count)


def since_last(meeting: Meeting) -> tuple[date, date]:
    """From the day after the board's last meeting to today, or to the day of this one if that has passed."""
    before = Meeting.objects.filter(body=meeting.body, status__in=delivery.HELD, date__lt=meeting.date)
    last = before.order_by("-date").values_list("date", flat=True).first()
    until = min(clock.today(), meeting.date)
    since = date.fromordinal(last.toordinal() + 1) if last else add_months(meeting.date, -MONTHS_BEFORE_THE_FIRST)
    return min(since, until), until


def figures_for(meeting: Meeting, by: Actor) -> Figures:
    """Everything that the report says in figures, as words that can be kept and shown again."""
    since, until = since_last(meeting)
    found = delivery.report(by, since, until, everybody=True)
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "meetings": _meetings(meeting.scheme, found),
        "nominations": _nominations(meeting.scheme, since, until),
        "cohort": cohort(meeting.scheme),
        "agencies": [
            {
                "agency": line.agency.name,
                "core": line.core,
                "held": line.held,
                "attended": line.attended,
                "due": line.due,
                "on_time": line.on_time,
                "late": line.late,
                "handed_back": line.handed_back,
                "not_done": line.not_done,
                "still_open": line.still_open,
                "carried": line.carried,
            }
            for line in found.lines
        ],
        "escalations": _escalations(meeting.scheme, since, until),
    }


def _meetings(scheme: Scheme, found: delivery.Report) -> list[dict[str, Any]]:
    """Each meeting that was held, and whether anything in it was decided without a quorum."""
    inquorate = Decision.objects.filter(item__meeting=OuterRef("pk"), superseded_by=None, undone=None, quorate=False)
    rows = Meeting.objects.filter(
        scheme=scheme, body__in=found.bodies, status__in=delivery.HELD, date__range=(found.since, found.until)
    ).select_related("body")
    return [
        {"body": each.body.name, "date": each.date.isoformat(), "quorate": not each.inquorate}
        for each in rows.annotate(inquorate=Exists(inquorate)).order_by("date", "body__position")
    ]


def _nominations(scheme: Scheme, since: date, until: date) -> list[list[str]]:
    decided = Decision.objects.filter(
        scheme=scheme,
        item__section=Section.REFERRALS,
        item__meeting__date__range=(since, until),
        superseded_by=None,
        undone=None,
        to_ratify=False,
        outcome__in=DECIDED,
    )
    counts = dict(decided.order_by().values_list("outcome").annotate(count=Count("pk")))
    return [[words, told(counts.get(outcome, 0))] for outcome, words in DECIDED.items()]


def cohort(scheme: Scheme) -> list[list[str]]:
    """How many people have which rating now, and how many they are together unless a small number would show."""
    rated = RagRating.objects.filter(scheme=scheme, until=None).exclude(case__status=CaseStatus.CLOSED)
    counts = dict(rated.order_by().values_list("colour").annotate(count=Count("pk")))
    rows = [[rating.name, counts.get(rating.colour, 0)] for rating in scheme.policy.ratings]
    small = any(0 < count < FEWEST for _, count in rows)
    together = "not told, so that small numbers stay hidden" if small else told(sum(count for _, count in rows))
    return [*([name, told(count)] for name, count in rows), ["All", together]]


def cohort_total(scheme: Scheme) -> together.Steps[str]:
    """How many people are on the cohort, as a board may know it."""

    def rated() -> QuerySet[RagRating]:
        return RagRating.objects.filter(scheme=scheme, until=None).exclude(case__status=CaseStatus.CLOSED)

    return told((yield lambda: together.counted(rated())))


def _escalations(scheme: Scheme, since: date, until: date) -> dict[str, list[dict[str, Any]]]:
    rows = list(Escalation.objects.filter(scheme=scheme).exclude(status=EscalationStatus.DRAFT).for_list())
    said = escalations.answers_to(rows)
    waiting = [each for each in rows if each.status == EscalationStatus.WITH_BOARD]
    answered = [each for each in rows if each.answered_on and since <= each.answered_on <= until]
    return {
        "waiting": [_told_of(each, until) for each in waiting],
        "answered": [_told_of(each, until) | {"answer": _answer(said.get(each.pk, []))} for each in answered],
    }


def _answer(said: list[BoardAnswer]) -> str:
    answers = [each.words for each in said if each.outcome == BoardAnswer.Outcome.ANSWERED]
    return answers[-1] if answers else ""


def _told_of(escalation: Escalation, until: date) -> dict[str, Any]:
    return {
        "reference": escalation.reference,
        "title": escalation.title,
        "to": escalation.to_name,
        "days": escalation.days_open(until),
        "overdue": escalation.overdue(until),
    }


def quorate_words(figures: Figures) -> str:
    """How many meetings were held, and how many of them were not quorate: "4 meetings, all quorate"."""
    held = figures["meetings"]
    without = sum(not each["quorate"] for each in held)
    if not held:
        return "No meeting was held"
    return f"{plural(len(held), 'meeting')}, {'all quorate' if not without else f'{without} not quorate'}"


def agencies_words(figures: Figures) -> str:
    """Of the actions that were due, how many were done on time."""
    due = sum(each["due"] for each in figures["agencies"])
    return f"{sum(each['on_time'] for each in figures['agencies'])} of {due}" if due else "None was due"


def core_words(figures: Figures) -> str:
    """How often core agencies were at the table, of how often they were looked for."""
    core = [each for each in figures["agencies"] if each["core"]]
    return f"{sum(each['attended'] for each in core)} of {sum(each['held'] for each in core)}"
