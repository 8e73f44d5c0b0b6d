"""Triage: findings, score, recommendation, panel and agencies on one screen (ux.md 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock, together
from iom.jinja import day_month, plural, weekday_day
from iom.meetings import going_on, upcoming
from iom.models import Agency, Meeting
from iom.pages import found, page
from iom.policy.schema import Adults
from iom.steps import StepRefused
from offenders import likeness
from offenders.models import Case, Offender
from referrals import actions, again, chasing, deciding, engagement, explaining, matches, scoring, sections, triage
from referrals.forms.triage import RETURN, TriageForm
from referrals.models import CheckRequest, Referral, ReferralStatus, Score
from referrals.near_release import release_of
from referrals.transitions import PUT_TO_PANEL

if TYPE_CHECKING:
    from iom.access import Actor

# How many coming panels are offered: further ahead nobody puts a nomination.
PANELS_OFFERED = 4


@dataclass(frozen=True, slots=True)
class Sighting:
    """A case or referral under which the person may be known already; `href` where the reader may open it."""

    reference: str
    words: str
    href: str = ""


@page("referrals.triage", methods=("GET", "POST"))
def referral_triage(request: HttpRequest, reference: str) -> HttpResponse:
    """One screen, and one POST that does it all: score, finding, agenda, requests to the agencies."""
    actor = request.actor
    rows = Referral.objects.visible_to(actor).for_list()
    referral = found(rows.exclude(status=ReferralStatus.DRAFT), reference=reference)
    referral.scheme = actor.scheme
    if request.method == "POST" and request.POST.get("do") == "score":
        return _score(request, referral)
    known = together.run(_known(actor, referral))
    form = _form(request, referral, known)
    if request.method == "POST" and form.is_valid() and _carry_out(request, referral, form):
        return redirect("referral_triage", referral.reference)
    return render(request, "referrals/triage.html", _context(actor, referral, form, known))


def _score(request: HttpRequest, referral: Referral) -> HttpResponse:
    try:
        score = scoring.score_ogrs3(referral, by=request.actor)
    except StepRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Score: {scoring.headline(score)}")
    return redirect("referral_triage", referral.reference)


def _carry_out(request: HttpRequest, referral: Referral, form: TriageForm) -> bool:
    actor, version = request.actor, form.cleaned_data["version"]
    try:
        if form.returns:
            actions.return_for_information(referral, message=form.cleaned_data["message"], by=actor, version=version)
            messages.success(request, f"Referral {referral.reference} returned to {referral.referrer.user.name}")
            return True
        meeting, agencies = form.chosen_meeting, form.chosen_agencies
        triage.put_to_panel(
            referral,
            meeting=meeting,
            agencies=agencies,
            recommendation=form.cleaned_data["recommendation"],
            because=form.because,
            reopened_because=form.cleaned_data.get("reopened_because", ""),
            by=actor,
            version=version,
        )
    except StepRefused as refused:
        for problem in refused.problems:
            form.add_error(None, problem)
        return False
    messages.success(
        request,
        f"Referral {referral.reference} is on the agenda for {day_month(meeting.date)}. "
        f"{plural(len(agencies), 'agency', 'agencies')} asked for checks",
    )
    return True


@dataclass(frozen=True, slots=True)
class Known:
    """What the page needs, read at once: everything that a nomination is judged by, and where it can go."""

    meetings: list[Meeting]
    agencies: list[Agency]
    scores: list[Score]
    past: tuple[again.Past, ...]
    cases: list[Case]
    others: list[Referral]
    alike: tuple[matches.Match, ...]
    met: engagement.Shown | None
    reachable: frozenset[int]
    asked: int
    next: Referral | None

    @property
    def score(self) -> Score | None:
        """The score that counts."""
        return next((each for each in self.scores if each.model in scoring.REOFFENDING), None)


def _known(actor: Actor, referral: Referral) -> together.Steps[Known]:
    person, mine = referral.offender, Referral.objects.visible_to(actor).exclude(pk=referral.pk)
    requests = CheckRequest.objects.visible_to(actor).filter(referral=referral, meeting=referral.meeting_id)
    of_team = scoring.judging_team(scoring.criteria_of(referral))
    parts = {
        "meetings": coming_panels(actor, referral),
        "scores": scoring.scores_steps(person),
        "judged": scoring.judgement_steps(referral) if of_team else None,
        "past": again.history_steps(actor, person, but=referral),
        "alike": _alike(actor, person),
        "met": engagement.latest_steps(person, actor.scheme.policy),
        "rows": _at_once(
            Agency.objects.visible_to(actor),
            Case.objects.visible_to(actor).filter(offender=person),
            mine.filter(offender=person),
            chasing.reachable().filter(scheme=actor.scheme).order_by().values_list("agency_id", flat=True).distinct(),
            together.counted(requests if referral.meeting_id else requests.none()),
            # The next nomination that waits, oldest first: most are triaged in one sitting.
            together.first(mine.to_triage().order_by("sent_at", "pk")),
        ),
    }
    found = yield from together.all_of(parts)
    agencies, cases, others, reachable, asked, following = found["rows"]
    return Known(
        found["meetings"],
        agencies,
        found["scores"],
        found["past"],
        cases,
        others,
        found["alike"],
        found["met"],
        frozenset(reachable),
        asked,
        following,
    )


def _at_once(*reads: Any) -> together.Steps[list[Any]]:
    return (yield list(reads))


def _alike(actor: Actor, person: Offender) -> together.Steps[tuple[matches.Match, ...]]:
    """People who look alike, as far as the actor may know of them."""
    aliases = yield person.aliases.order_by("pk").values_list("name", flat=True)
    found = yield from matches.look_for_steps(likeness.person_of(person, aliases), actor, but=person)
    return found.shown


def _form(request: HttpRequest, referral: Referral, known: Known) -> TriageForm:
    chosen = next((meeting for meeting in known.meetings if meeting.pk == referral.meeting_id), None)
    chosen = chosen or next((meeting for meeting in known.meetings if not _closed(meeting)), None)
    return TriageForm(
        request.POST if request.method == "POST" else None,
        meetings=known.meetings,
        agencies=known.agencies,
        excluded=scoring.find(referral, known.score).outcome == triage.EXCLUDED and not referral.reopened_because,
        initial={
            "version": referral.version,
            "recommendation": referral.recommendation,
            "meeting": str(chosen.pk) if chosen else "",
            "agencies": [str(agency.pk) for agency in known.agencies if agency.core],
        },
    )


def coming_panels(actor: Actor, referral: Referral) -> together.Steps[list[Meeting]]:
    """The next meetings of the bodies that decide, soonest first; of one body where the nomination names criteria."""
    policy = actor.scheme.policy
    bodies = (deciding.body_for(policy, referral.criteria).slug,) if referral.criteria else policy.deciding_bodies
    meetings = upcoming((yield together.shared(going_on, actor.scheme)), clock.today())
    return [meeting for meeting in meetings if meeting.body.slug in bodies][:PANELS_OFFERED]


def _closed(meeting: Meeting) -> bool:
    return deciding.closing(meeting).passed(clock.now())


def _context(actor: Actor, referral: Referral, form: TriageForm, known: Known) -> dict[str, Any]:
    scores, score = known.scores, known.score
    open_here = referral.status in PUT_TO_PANEL.sources
    stale = score is not None and scoring.is_out_of_date(score, referral)
    # What would be kept now: looking stores nothing.
    fresh = scoring.preview(referral) if open_here and (score is None or stale) else None
    score = fresh or score
    finding = scoring.find(referral, score)
    policy = actor.scheme.policy
    return {
        "referral": referral,
        "past": known.past,
        "form": form,
        "open": open_here,
        "unfinished": sections.unfinished(referral),
        "finding": finding,
        "finding_words": scoring.summary(finding),
        "barred": actions.barred_words(policy, referral.mappa_level, referral.facts, referral.criteria),
        "explained": explaining.explain(actor, referral, score),
        "too_young": _too_young(referral),
        "release": release_of(policy.custody, referral.in_custody, referral.release_expected_on, clock.today()),
        "questions": scoring.questions(referral, score),
        "score": score,
        "headline": scoring.headline(score) if score else "",
        "meaning": scoring.meaning(policy.scores, score.pct_2yr) if score else None,
        "fresh": fresh is not None,
        "out_of_date": stale and fresh is None,
        "difference": scoring.difference([fresh, *scores] if fresh else scores, policy.scores.difference_points),
        "obstacles": scoring.obstacles_to_score(referral, clock.today()),
        "sightings": _sightings(referral, known),
        "area": policy.area,
        "met": known.met,
        "meeting_hints": {str(meeting.pk): _closing_words(meeting) for meeting in form.meetings.values()},
        "agency_hints": _agency_hints(form, known),
        "asked": known.asked,
        "next": known.next,
        "outside": deciding.decides_outside(actor.scheme) and actor.can("referrals.decide_outside", referral),
        "late_rule": policy.deciding_body.late_rule,
        "return_value": RETURN,
    }


def _too_young(referral: Referral) -> Adults | None:
    """The rule of a scheme that is for adults, where the person is younger today (Hampshire, Role of IOM)."""
    rule, age = referral.scheme.policy.adults, referral.offender.age(clock.today())
    return rule if rule is not None and age is not None and age < rule.from_age else None


def _closing_words(meeting: Meeting) -> str:
    closing = deciding.closing(meeting)
    if closing.date is None:
        return ""
    if closing.passed(clock.now()):
        return f"Late: referrals closed on {weekday_day(closing.date)}. Checks may be incomplete."
    return f"Referrals close at the end of {weekday_day(closing.date)}."


def _agency_hints(form: TriageForm, known: Known) -> dict[str, str]:
    """An agency without anybody who could answer here must be asked another way."""
    return {
        pk: "No account yet: ask them yourself."
        for pk, agency in form.agency_rows.items()
        if agency.pk not in known.reachable
    }


def _sightings(referral: Referral, known: Known) -> list[Sighting]:
    """Where the person may be known already: the same person's past, people who look alike, what was noted on entry."""
    seen: dict[str, Sighting] = {}
    for case in known.cases:
        seen[case.reference] = Sighting(
            case.reference, f"This person's case, {case.get_status_display().lower()}", case.get_absolute_url()
        )
    for other in known.others:
        seen[other.reference] = Sighting(
            other.reference, f"Nominated before: {other.get_status_display().lower()}", other.get_absolute_url()
        )
    for match in known.alike:
        how, _ = matches.CERTAINTY[match.likeness.certainty]
        for thing in (match.case, match.referral):
            if thing is not None:
                words = f"{match.offender.name}. {how}: {match.likeness.words}"
                seen[thing.reference] = Sighting(thing.reference, words, thing.get_absolute_url())
    for noted in referral.noted_matches:
        seen.setdefault(noted, Sighting(noted, "Noted on entry as somebody alike. You may not be able to open it."))
    return list(seen.values())
