"""The management report on a case (Hampshire, Once Accepted): interventions, decisions, the reason for leaving.

It is written live from what is kept elsewhere; only the lead officer's own words are its own. Where the scheme's rules
ask for it, the lead officer's supervisor looks at it on a cycle and says whether what is done fits the risk grading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import DateField, F, OuterRef, Q, Subquery
from django.db.models.functions import Cast, Coalesce
from django.urls import reverse

from iom import audit, clock, notify
from iom.jinja import day, day_month
from iom.models import Handling, Membership, Role
from iom.policy import Policy
from iom.printing import render
from iom.steps import Stale, StepRefused, locked
from offenders import rating
from offenders.mismatch import Intensity
from offenders.models import Assignment, AssignmentRole, Case, CaseStatus, CustodyPeriod, Entry, EntryKind, RagRating
from offenders.restricted import lead_of

from .models import Action, ManagementReport, Offer, Review, Supervisor, SupervisorReview
from .supervising import DEFAULT_WEEKS, Cycle, cycle, next_after

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from iom.access import Actor
    from offenders.querysets import CaseQuerySet

KIND = "supervisor"
AT_THE_TABLE = (Role.MEMBER, Role.RESEARCHER, Role.COORDINATOR, Role.CHAIR)
# A review may set the next one sooner than the rule, and not later than twice its time.
SOONEST, LATEST_TIMES = timedelta(days=1), 2


# --- What the rules say ---------------------------------------------------------


def is_kept(policy: Policy) -> bool:
    """Whether the scheme keeps management reports."""
    return policy.management_report.used


def is_reviewed(policy: Policy) -> bool:
    """Whether a supervisor looks at the reports on a cycle."""
    return weeks_of(policy) is not None


def weeks_of(policy: Policy) -> int | None:
    """After how many weeks a supervisor looks again; None where the rules ask for no such review."""
    rule = policy.review(KIND)
    return (rule.weeks or DEFAULT_WEEKS) if rule is not None and is_kept(policy) else None


# --- What stands in a report ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on a case as its reader may know it: when, by which body, what, why; `standing` if it waits."""

    on: date
    body: str
    words: str
    colour: str
    reason: str
    standing: str = ""
    leaves: bool = False


Decisions = Callable[["Actor", Case], Iterable[Decided]]
_decisions: list[Decisions] = []


def tells_decisions(find: Decisions) -> Decisions:
    """Register what a report says of decisions. Only what the actor may read."""
    _decisions.append(find)
    return find


# What was done with or about somebody, of all that stands on the timeline.
INTERVENTIONS = (
    EntryKind.CONTACT,
    EntryKind.HOME_VISIT,
    EntryKind.COMPLIANCE_VISIT,
    EntryKind.PRISON_VISIT,
    EntryKind.CUSTODY_VISIT,
    EntryKind.COURT_ATTENDANCE,
    EntryKind.ENFORCEMENT,
    EntryKind.BREACH,
    EntryKind.RECALL,
    EntryKind.TOLD,
    EntryKind.OUT_OF_HOURS,
)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says, as its reader may know it."""

    case: Case
    own: ManagementReport | None
    lead: Membership | None
    supervisor: Membership | None
    cycle: Cycle | None
    intensity: Intensity | None
    offers: tuple[Offer, ...]
    actions: tuple[Action, ...]
    interventions: tuple[Entry, ...]
    decisions: tuple[Decided, ...]
    ratings: tuple[RagRating, ...]
    custody: tuple[CustodyPeriod, ...]
    reviews: tuple[SupervisorReview, ...]

    @property
    def leaving(self) -> Decided | None:
        """The decision by which the person leaves, or left."""
        return next((each for each in self.decisions if each.leaves and not each.standing), None)

    @property
    def why_it_ended(self) -> str:
        """The reason for de-registering: how the case ended in the scheme's words, why, what a panel decided."""
        case, said = self.case, []
        if case.status == CaseStatus.CLOSED:
            ending = case.scheme.policy.exit.ending(case.outcome)
            said = [ending.name if ending else "", case.ended_because]
        if (made := self.leaving) is not None:
            said.append(f"{made.reason} ({made.body}, {day(made.on)})")
        return " ".join(words if words[-1] in ".)" else f"{words}." for words in said if words)


def report_of(actor: Actor, case: Case) -> Report:
    """The report on a case, newest first within each part."""
    lead = lead_of(case)
    held = SupervisorReview.objects.visible_to(actor).filter(case=case).select_related("supervisor__user", "lead__user")
    reviews = tuple(held)
    return Report(
        case=case,
        own=ManagementReport.objects.visible_to(actor).filter(case=case).select_related("written_by").first(),
        lead=lead,
        supervisor=supervisor_of(lead),
        cycle=cycle_of(case, reviews),
        intensity=intensity_of(case),
        offers=tuple(Offer.objects.visible_to(actor).filter(case=case).select_related("agency", "service")),
        actions=tuple(Action.objects.visible_to(actor).filter(case=case).for_list().order_by("-due_on", "-pk")),
        interventions=tuple(_interventions(actor, case)),
        decisions=tuple(
            sorted((each for tell in _decisions for each in tell(actor, case)), key=lambda each: each.on, reverse=True)
        ),
        ratings=tuple(case.ratings.select_related("decided_by", "meeting__body").order_by("-starts_on")),
        custody=tuple(case.custody),
        reviews=reviews,
    )


def _interventions(actor: Actor, case: Case) -> QuerySet[Entry]:
    """Of the timeline what everybody at the panel may read: a report is printed, so nothing that is marked."""
    rows = Entry.objects.visible_to(actor).standing().filter(case=case, handling=Handling.PANEL)
    return rows.filter(kind__in=INTERVENTIONS).select_related("agency").order_by("-happened_on", "-pk")


def intensity_of(case: Case) -> Intensity | None:
    """How the work of late fits the rating, counted; None inside, where none is expected, and for a closed case."""
    found = rating.beside([case], case.scheme.policy, clock.today()).get(case.pk)
    return found.intensity if found is not None else None


def pdf_of(report: Report, by: Actor) -> bytes:
    """The report as it stands now, for the file. Raises as `iom.printing.render` does."""
    made_at = clock.now()
    scheme = by.scheme
    return render(
        "actionplans/pdf/report.html",
        {
            "report": report,
            "case": report.case,
            "scheme": scheme,
            "pathways": {each.slug: each.name for each in scheme.policy.pathways},
            "rule": scheme.policy.management_report,
            "reference": f"{report.case.reference} · management report",
            "printed": f"Printed by {by.user.name if by.user else 'the service'}",
            "author": scheme.name,
            "made_at": made_at,
        },
        title=f"Management report {report.case.reference}",
    )


# --- The lead officer's own words -----------------------------------------------


@transaction.atomic
def write(case: Case, text: str, *, by: Actor, version: int | None = None) -> ManagementReport:
    """Keep what the lead officer writes in the report. `version` is that of what they saw, 0 before it was begun.

    Raises PermissionDenied, Stale, or StepRefused where no report is kept, or the case is closed.
    """
    case = locked(Case, case.pk)
    report = ManagementReport.objects.select_for_update().filter(case=case).first()
    if not by.can("actionplans.write_report", report or ManagementReport(scheme_id=case.scheme_id, case=case)):
        raise PermissionDenied
    _must_be_kept(case)
    if version is not None and version != (report.version if report else 0):
        raise Stale(report)
    if case.status == "closed":
        raise StepRefused([f"{case.reference} is closed, so its report stays as it is."])
    if report is None:
        report = ManagementReport(scheme_id=case.scheme_id, case=case, version=0)
    elif report.narrative == text:
        return report
    report.narrative, report.written_by, report.written_at = text, by.user, clock.now()
    report.version += 1
    report.save()
    audit.record("write_report", report, by=by, fields=["narrative"], subjects=[case.reference])
    return report


# --- Supervisors ----------------------------------------------------------------


def supervisor_of(lead: Membership | None) -> Membership | None:
    """Who supervises an officer now."""
    if lead is None:
        return None
    held = Supervisor.objects.present().filter(lead=lead).select_related("supervisor__user", "supervisor__agency")
    return next((each.supervisor for each in held), None)


def can_supervise(lead: Membership) -> QuerySet[Membership]:
    """Who may be named for an officer: others of the same agency who work with cases now."""
    of_agency = Membership.objects.filter(scheme=lead.scheme_id, agency=lead.agency_id)
    return of_agency.current(clock.today()).with_role(*AT_THE_TABLE).exclude(user=lead.user_id).select_related("user")


def lead_officers(actor: Actor) -> list[Membership]:
    """Everybody who leads a case that the actor reads, by name: whom somebody supervises, or should."""
    leading = Assignment.objects.filter(
        case__in=Case.objects.visible_to(actor).not_closed(), role=AssignmentRole.LEAD_PROFESSIONAL, until=None
    )
    held = Membership.objects.filter(pk__in=leading.values("membership")).select_related("user", "agency")
    return list(held.order_by("agency__name", "user__name"))


@transaction.atomic
def name_supervisor(lead: Membership, supervisor: Membership, *, by: Actor) -> Supervisor:
    """Say who supervises an officer from today on; the present one ends. The new one is told.

    The coordinator may, and the officer's own agency, but nobody for themselves. Raises PermissionDenied, or
    StepRefused for somebody of another agency, or the officer.
    """
    lead = locked(Membership, lead.pk)
    if not by.can("actionplans.name_supervisor", lead):
        raise PermissionDenied
    if not can_supervise(lead).filter(pk=supervisor.pk).exists():
        raise StepRefused(["Choose somebody else of the same agency, who works with cases now."])
    present = Supervisor.objects.present().filter(lead=lead).first()
    if present is not None and present.supervisor_id == supervisor.pk:
        return present
    if present is not None:
        present.until = max(clock.today(), present.starts_on)
        present.version += 1
        present.save(update_fields=["until", "version"])
    made = Supervisor.objects.create(
        scheme=lead.scheme, lead=lead, supervisor=supervisor, starts_on=clock.today(), named_by=by.user
    )
    audit.record("name_supervisor", made, by=by, officer=lead.pk, supervisor=supervisor.pk)
    notify.tell(
        [supervisor.user],
        scheme=lead.scheme,
        kind="supervises",
        subject=f"{made.pk}",
        text="You review an officer's management reports from today",
        url=f"{reverse('reports')}?show=mine",
        email_body=f"You look at the reports on the cases of an officer of {lead.agency.name} on a cycle. Sign in:",
    )
    return made


# --- The review -----------------------------------------------------------------


def cycle_of(case: Case, reviews: Sequence[SupervisorReview]) -> Cycle | None:
    """Where the review of a report stands; None where the rules ask for none, or the case is closed."""
    policy = case.scheme.policy
    if weeks_of(policy) is None or case.status == "closed":
        return None
    last = reviews[0] if reviews else None
    return cycle(
        case.accepted_on,
        weeks=weeks_of(policy),
        done=last.done_on if last else None,
        next_due=last.next_due_on if last else None,
    )


@transaction.atomic
def review(
    case: Case, *, fits: str, words: str, next_on: date | None = None, by: Actor, version: int | None = None
) -> SupervisorReview:
    """The supervisor says whether what is done fits the risk grading, and when to look again.

    `version` is that of the report's own words that the supervisor read, 0 without any. Raises PermissionDenied (the
    lead officer reviews no report of their own), Stale, or StepRefused.
    """
    case = locked(Case, case.pk)
    own = ManagementReport.objects.filter(case=case).first()
    if not by.can("actionplans.review_report", own or ManagementReport(scheme_id=case.scheme_id, case=case)):
        raise PermissionDenied
    _must_be_kept(case)
    if version is not None and version != (own.version if own else 0):
        raise Stale(own, "The report was changed while you were reading it. Read it again first.")
    today, weeks = clock.today(), weeks_of(case.scheme.policy)
    next_on = next_on or next_after(today, weeks=weeks)
    if problems := _review_problems(case, words, next_on, today, weeks):
        raise StepRefused(problems)
    held = tuple(SupervisorReview.objects.filter(case=case))
    due = cycle_of(case, held)
    present = case.rating
    made = SupervisorReview.objects.create(
        scheme=case.scheme,
        case=case,
        supervisor=by.membership,
        lead=lead_of(case),
        fits=SupervisorReview.Fits(fits),
        words=words.strip(),
        colour=present.colour if present else "",
        due_on=due.due_on if due else today,
        done_on=today,
        next_due_on=next_on,
    )
    # It stands among the reviews of the case too.
    Review.objects.create(
        scheme=case.scheme,
        case=case,
        kind=Review.Kind.SUPERVISOR,
        due_on=made.due_on,
        done_on=today,
        by=by.user,
        words=f"{made.get_fits_display()}. {made.words}"[:600],
    )
    audit.record("review_report", made, by=by, after=fits, subjects=[case.reference])
    if made.fits != SupervisorReview.Fits.FITS:
        notify.tell(
            [made.lead.user],
            scheme=case.scheme,
            kind="report_reviewed",
            subject=f"{case.reference} {made.pk}",
            text=f"Look at {case.reference}: your supervisor reviewed the report",
            url=reverse("case_report", args=[case.reference]),
            email_body=f"Your supervisor says that what is done does not fit the rating, and why. Look again by "
            f"{day_month(next_on)}. Sign in:",
        )
    return made


def _review_problems(case: Case, words: str, next_on: date, today: date, weeks: int | None) -> list[str]:
    problems = []
    if case.status == "closed":
        problems.append(f"{case.reference} is closed: its report is reviewed no more.")
    if weeks is None:
        problems.append("This scheme's rules ask for no review of the report.")
    if not words.strip():
        problems.append("Enter what you found.")
    if next_on < today + SOONEST or next_on > next_after(today, weeks=(weeks or 0) * LATEST_TIMES):
        problems.append(f"The next review must be after today, and within {(weeks or 0) * LATEST_TIMES} weeks.")
    if SupervisorReview.objects.filter(case=case, done_on=today).exists():
        problems.append("This report was reviewed today already.")
    return problems


@dataclass(frozen=True, slots=True)
class Standing:
    """One case in the list of reports: who leads it, who reviews it, and where the review stands."""

    case: Case
    lead: Assignment | None
    supervisor: Membership | None
    cycle: Cycle


def with_review_due(cases: CaseQuerySet, policy: Policy) -> CaseQuerySet:
    """Open cases with the day on which their report is to be reviewed as `review_due`, the longest overdue first.

    As `cycle`: what the last review set, else so many weeks after acceptance. None of them where no report is reviewed.
    """
    weeks = weeks_of(policy)
    last = SupervisorReview.objects.filter(case=OuterRef("pk")).order_by("-done_on")
    first_due = Cast(F("accepted_on") + timedelta(weeks=weeks or 0), DateField())
    return (
        (cases if weeks else cases.none())
        .annotate(
            review_due=Coalesce(Subquery(last.values("next_due_on")[:1]), first_due),
            reviewed_on=Subquery(last.values("done_on")[:1]),
        )
        .order_by("review_due", "reference")
    )


def standings(cases: Iterable[Case]) -> list[Standing]:
    """Where the reviews of these cases stand: of cases read by `with_review_due` and `with_current`, in their order.

    One query whatever their number.
    """
    listed = list(cases)
    leads = {case.pk: case.assigned(AssignmentRole.LEAD_PROFESSIONAL) for case in listed}
    officers = {held.membership_id for held in leads.values() if held is not None and held.membership_id}
    supervisors = {
        each.lead_id: each.supervisor
        for each in Supervisor.objects.present().filter(lead__in=officers).select_related("supervisor__user")
    }
    return [
        Standing(
            case=case,
            lead=(held := leads[case.pk]),
            supervisor=supervisors.get(held.membership_id) if held is not None else None,
            cycle=Cycle(case.review_due, case.reviewed_on),
        )
        for case in listed
    ]


def officers_without_supervisor(cases: CaseQuerySet) -> QuerySet:
    """Those who lead one of these cases, with an account here, and are supervised by nobody; each once."""
    supervised = Supervisor.objects.present().values("lead")
    leading = Assignment.objects.filter(case__in=cases, role=AssignmentRole.LEAD_PROFESSIONAL, until=None)
    unsupervised = leading.exclude(membership=None).exclude(membership__in=supervised)
    return unsupervised.order_by().values("membership").distinct()


def supervised_by(membership: Membership | None) -> Q:
    """Cases whose lead officer this person supervises now, as a condition on cases; none for nobody."""
    officers = Supervisor.objects.present().filter(supervisor=membership).values("lead")
    led = Assignment.objects.filter(role=AssignmentRole.LEAD_PROFESSIONAL, until=None, membership__in=officers)
    return Q(pk__in=led.values("case")) if membership is not None else Q(pk__in=())


def _must_be_kept(case: Case) -> None:
    if not is_kept(case.scheme.policy):
        raise StepRefused(["This scheme keeps no management report."])
