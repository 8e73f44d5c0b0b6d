"""What referrals add to the pages that show several apps' things (design.md 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from iom import clock, together
from iom.access import Actor
from iom.blocks import Block, Task, board_columns, case_block, home_block, home_tasks
from iom.jinja import day_month, plural
from iom.meetings import going_on
from iom.models import Meeting
from iom.together import Steps
from offenders.board_filters import board_filter
from offenders.evidence import Fact, rating_evidence
from offenders.history import Part, part_of_history
from offenders.models import Case, InGroup
from offenders.querysets import CaseQuerySet
from referrals import chasing, deciding, engagement, explaining, near_release, research, returns, scoring, sections
from referrals.models import CheckRequest, Finding, Referral, ReferralStatus
from referrals.querysets import ReferralQuerySet

SHOWN = 5


@home_tasks
def finish_nominations(actor: Actor, today: date) -> Iterator[Task]:
    """Drafts to be sent before nominations close, and referrals that came back for more."""
    if not actor.holds("referrals.nominate"):
        return

    def mine() -> ReferralQuerySet:
        return Referral.objects.visible_to(actor).filter(referrer__user=actor.user, status__in=["draft", "returned"])

    if not (yield lambda: together.exists(mine())):
        return
    for referral in (yield lambda: mine().select_related("meeting__body")[:SHOWN]):
        closes = _closing_day(actor, referral)
        if referral.status == ReferralStatus.RETURNED:
            yield Task(closes, f"Add information to referral {referral.reference}", referral.get_absolute_url())
        else:
            yield Task(closes, _draft_words(referral), referral.get_absolute_url(), "Go on")


@home_tasks
def triage_referrals(actor: Actor, today: date) -> Iterator[Task]:
    """The coordinator's referrals to triage, by the next date of the earliest panel that waits for them."""
    if not actor.has_role("coordinator"):
        return
    if waiting := (yield together.shared(_to_triage, actor)):
        first = waiting[0]
        due = [day for referral in waiting if (day := _triage_day(actor, referral))]
        yield Task(
            min(due, default=None),
            f"Triage {plural(len(waiting), 'referral')}",
            f"{first.get_absolute_url()}triage/",
            f"Triage first: {first.reference}",
        )


@home_tasks
def releases_before_a_panel(actor: Actor, today: date) -> Iterator[Task]:
    """Nominated people in custody whose release is near and whom no panel has before it (Waltham Forest, 4.5)."""
    rule = actor.scheme.policy.custody
    if not actor.has_role("coordinator") or not rule.considered_near_release:
        return
    scheme = actor.scheme

    def inside() -> ReferralQuerySet:
        return Referral.objects.filter(scheme=scheme, in_custody=True, release_expected_on__gte=today)

    def waiting() -> ReferralQuerySet:
        rows = Referral.objects.visible_to(actor).filter(
            status__in=(ReferralStatus.SENT, ReferralStatus.WITH_COORDINATOR, ReferralStatus.DEFERRED),
            in_custody=True,
            release_expected_on__range=(today, near_release.last_day(rule, today)),
        )
        return rows.order_by("release_expected_on", "pk")[:SHOWN]

    if not (yield lambda: together.exists(inside())):
        return
    for referral in (yield waiting):
        words = f"Release on {day_month(referral.release_expected_on)}: put {referral.reference} to a panel"
        yield Task(referral.release_expected_on, words, f"{referral.get_absolute_url()}triage/", "Triage")


@home_block
def my_referrals(actor: Actor, today: date) -> Iterator[Block]:
    """One's own referrals with status and panel; for a referrer the block keeps its place when there are none."""
    if not actor.holds("referrals.nominate"):
        return

    def mine() -> ReferralQuerySet:
        rows = Referral.objects.visible_to(actor).filter(referrer__user=actor.user).exclude(status="withdrawn")
        return rows.select_related("meeting")[:SHOWN]

    rows = yield mine
    if rows or actor.has_role("referrer"):
        # For the office it is beside the point; for whoever nominates it is the point.
        place = 55 if actor.has_role("coordinator") else 30
        yield Block("referrals/blocks/mine.html", {"referrals": rows}, place=place)


@home_block
def to_triage(actor: Actor, today: date) -> Iterator[Block]:
    """What waits for the coordinator."""
    if actor.has_role("coordinator"):
        rows = yield together.shared(_to_triage, actor)
        yield Block("referrals/blocks/to_triage.html", {"referrals": rows}, place=20)


def _to_triage(actor: Actor) -> together.Steps[list[Referral]]:
    """What waits for the coordinator, the longest first."""

    def waiting() -> ReferralQuerySet:
        rows = Referral.objects.visible_to(actor).to_triage().select_related("offender", "agency", "meeting__body")
        return rows.order_by("sent_at")

    # With the meetings come their dates.
    found, _ = yield [waiting, together.shared(going_on, actor.scheme)]
    return found


def _draft_words(referral: Referral) -> str:
    left, whole = len(sections.unfinished(referral)), len(sections.SLUGS)
    if left == 0:
        return f"Check and send referral {referral.reference}"
    return f"Finish referral {referral.reference}: {whole - left} of {whole} sections done"


def _closing_day(actor: Actor, referral: Referral) -> date | None:
    if referral.meeting is None:
        return None
    referral.meeting.scheme = actor.scheme
    return deciding.closing(referral.meeting).date


def _triage_day(actor: Actor, referral: Referral) -> date | None:
    """Nominations close, or once that has passed the agenda is due: triage should be over by then."""
    if referral.meeting is None:
        return None
    referral.meeting.scheme = actor.scheme
    dates = referral.meeting.dates
    passed = dates.nominations_close.passed(clock.now())
    return dates.agenda_due.date if passed or dates.nominations_close.date is None else dates.nominations_close.date


# --- Triage, score, checks


@home_tasks
def answer_checks(actor: Actor, today: date) -> Iterator[Task]:
    """The checks that one's agency owes, by the day they are due."""
    if actor.agency is None or not actor.holds("referrals.answer_checks"):
        return
    for row, meeting in (yield together.shared(_progress, actor, today)):
        if row["agency"] != actor.agency.pk or not row["left"]:
            continue
        words = f"Checks for {chasing.the_panel(meeting)}: {row['left']} of {row['asked']} left"
        yield Task(meeting.dates.checks_due.date, words, f"/research/{meeting.key}/", "Answer")


@home_tasks
def chase_checks(actor: Actor, today: date) -> Iterator[Task]:
    """How many agencies have answered, for whoever asks them."""
    if not actor.holds("referrals.ask_agencies"):
        return
    scheme = actor.scheme

    def reached() -> QuerySet:
        return chasing.reachable(today).filter(scheme=scheme).order_by().values_list("agency_id", flat=True).distinct()

    rows, reachable = yield [together.shared(_progress, actor, today), reached]
    for meeting in dict.fromkeys(meeting for _, meeting in rows):
        mine = [row for row, at in rows if at == meeting]
        waiting = sum(bool(row["left"]) for row in mine)
        if waiting:
            words = f"Checks: {len(mine) - waiting} of {plural(len(mine), 'agency', 'agencies')} answered so far"
            to_remind = sum(bool(row["left"]) and row["agency"] in reachable for row in mine)
            button = f"Remind {plural(to_remind, 'agency', 'agencies')}" if to_remind else "See who has answered"
            yield Task(meeting.dates.checks_due.date, words, f"/research/{meeting.key}/progress/", button)


@home_tasks
def look_up(actor: Actor, today: date) -> Iterator[Task]:
    """The systems that a researcher has still to look up, by the day on which checks are due."""
    if not actor.has_role("researcher") or not actor.holds("referrals.research"):
        return
    rows = yield together.shared(_progress, actor, today)
    meetings = list(dict.fromkeys(meeting for _, meeting in rows))
    found = yield from together.all_of({meeting: research.still_to_look_up(actor, meeting) for meeting in meetings})
    for meeting, sheets in found.items():
        left, asked = sum(len(sheet.left) for sheet in sheets), sum(len(sheet.lines) for sheet in sheets)
        if left:
            words = f"Police systems for {chasing.the_panel(meeting)}: {left} of {asked} left"
            yield Task(meeting.dates.checks_due.date, words, f"/research/{meeting.key}/sheet/", "Look up")


def _progress(actor: Actor, today: date) -> together.Steps[list[tuple[dict[str, Any], Meeting]]]:
    """For each coming meeting and agency that the actor knows of: how many requests are left; with the meeting."""
    rows, meetings = yield [
        lambda: chasing.progress_rows(CheckRequest.objects.visible_to(actor), today),
        together.shared(going_on, actor.scheme),
    ]
    by_key = {meeting.pk: meeting for meeting in meetings}
    return [(row, by_key[row["meeting"]]) for row in rows]


@board_columns
def scores(actor: Actor, cases: Sequence[Case], today: date) -> Steps[dict[int, dict[str, Any]]]:
    """The score that counts for each person of the board, never without its date."""
    found = yield scoring.counting(people=[case.offender_id for case in cases])
    held = {person: {"score": {"pct": pct, "on": on}} for person, pct, on in found}
    return {case.pk: held[case.offender_id] for case in cases if case.offender_id in held}


@case_block
def how_the_rules_stood(actor: Actor, case: Case, today: date) -> Iterator[Any]:
    """Each clause as it stood when the case was taken on, with the version of the rules, and its sub-cohorts."""
    kept = yield from explaining.kept_for_steps(case)
    if kept is not None:
        yield Block("referrals/blocks/rules.html", {"kept": kept}, place=70)
        if kept.sub_cohorts:
            yield Block("referrals/blocks/sub_cohorts.html", {"kept": kept}, place=5, slot="top")


@board_columns
def groups(actor: Actor, cases: Sequence[Case], today: date) -> Steps[dict[int, dict[str, Any]]]:
    """The groups inside the cohort to which each case was found to belong when it was taken on."""
    names = {each.slug: each.name for each in actor.scheme.policy.sub_cohorts}
    if not names:
        return {}
    people = {case.offender_id: case.pk for case in cases}
    rows = Finding.objects.filter(referral__offender__in=people, referral__status=ReferralStatus.ACCEPTED)
    newest = rows.order_by("referral__offender", "-pk").distinct("referral__offender")
    found = yield newest.values_list("referral__offender", "sub_cohorts")
    return {
        people[offender]: {"groups": [names[slug] for slug in slugs if slug in names]}
        for offender, slugs in found
        if slugs
    }


def _groups_of(actor: Actor) -> list[tuple[str, str]]:
    return [(each.slug, each.name) for each in actor.scheme.policy.sub_cohorts]


def _in_group(cases: CaseQuerySet, slug: str, actor: Actor) -> CaseQuerySet:
    """Those who were found to belong to a group, were put into it, or met the clause that takes people into it."""
    policy = actor.scheme.policy
    cohort = next((each.cohort for each in policy.sub_cohorts if each.slug == slug), "")
    clauses = [
        clause.name for each in policy.eligibility for clause in each.clauses if cohort and clause.cohort == cohort
    ]
    accepted = Finding.objects.filter(referral__offender=OuterRef("offender"), referral__status=ReferralStatus.ACCEPTED)
    newest = accepted.order_by("-pk").values("pk")[:1]
    return cases.alias(found=Subquery(newest)).filter(
        Q(found__in=Finding.objects.filter(scheme=actor.scheme, sub_cohorts__contains=[slug]).values("pk"))
        | Exists(InGroup.objects.filter(case=OuterRef("pk"), group=slug, until=None))
        | Q(criterion__in=clauses)
    )


board_filter("part", "Group", choices=_groups_of, narrow=_in_group, anyone="Everybody", place=21)


@case_block
def what_agencies_said(actor: Actor, case: Case, today: date) -> Iterator[Any]:
    """The newest answer of each agency about the person, without those that are marked."""
    answers = yield together.shared(returns.latest_returns_steps, actor, case.offender_id, False)
    if answers:
        names = {pathway.slug: pathway.name for pathway in actor.scheme.policy.pathways}
        yield Block("referrals/blocks/answers.html", {"answers": answers, "pathway_names": names}, place=60)


@part_of_history
def nominations(actor: Actor, case: Case) -> Iterator[Part]:
    """The person's nominations that the reader may read; what agencies answered has its own readers and stays out."""
    yield Part(Referral.objects.visible_to(actor).filter(offender=case.offender_id))


@case_block
def nominate_again(actor: Actor, case: Case, today: date) -> Iterator[Block]:
    """The way back for somebody who has left the cohort."""
    if case.status == "closed" and actor.holds("referrals.nominate"):
        yield Block("referrals/blocks/again.html", {}, place=10)


@rating_evidence
def score_and_engagement(actor: Actor, case: Case, since: date) -> Iterator[Fact]:
    """The score with its day, and how far the person took part when the team met them last."""
    score = scoring.current_score(case.offender)
    if score is not None and score.pct_2yr is not None:
        yield Fact("Score", f"{score.pct_2yr}% within 2 years", score.scored_on, f"/cases/{case.reference}/score/")
    met = engagement.latest(case.offender, case.scheme.policy)
    if met is not None:
        href = f"/cases/{case.reference}/engagement/"
        yield Fact("Engagement", met.level_name, met.engagement.met_on, href)
