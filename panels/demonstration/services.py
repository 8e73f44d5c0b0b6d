"""Made-up services, what is missing and who bids for it, agreements, a management report, a statement for a court."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from actionplans import actions as plans
from actionplans import offers, reports, services, statements
from actionplans.models import (
    Agreement,
    CourtStatement,
    GapNote,
    ManagementReport,
    Offer,
    PathwayNeed,
    Service,
    StatementGiven,
    SupervisorReview,
)
from iom import clock
from iom.access import actor_for
from offenders import actions as about_cases
from offenders.models import AssignmentRole, Case
from offenders.restricted import lead_of

if TYPE_CHECKING:
    from iom.models import Membership

    from .year import Life

DAY = timedelta(days=1)
# Name, kind of the agency that provides it (none: outside), how long one waits, what priority means, how many wards.
SERVICES = (
    ("Rent deposit scheme", "housing", "About 3 weeks", "Seen within 5 working days", 2),
    ("Recovery group", "", "No wait", "", 0),
    ("Mental health in-reach", "health", "8 weeks", "First assessment within 10 working days", 0),
    ("Site safety card course", "", "Starts each month", "", 1),
)
COURTS = (
    (Agreement.Kind.COURT, "Sample Magistrates' Court", "Warrants of people on the cohort are listed within two days."),
    (Agreement.Kind.CPS, "Sample CPS area", "One prosecutor hears of each arrest of somebody rated Red the same day."),
)


def furnish(life: Life) -> None:
    """What every scheme has: services on its pathways, a bid for what is missing, agreements; and where the rules ask
    for them, supervisors and what lead officers wrote.
    """
    start = life.scheme_began
    with life.at(life.working_day(start), 15):
        entered = enter_services(life)
        agree(life, entered)
    with life.at(life.last_working_day(life.today - 2 * DAY), 16):
        bid(life)
        led = list(Case.objects.filter(scheme=life.scheme).not_closed().filter(restricted=False).order_by("pk"))
        led = [case for case in led if lead_of(case) is not None]
        report(life, led[:3])
    if led:
        draft_statement(life, led[0])


def enter_services(life: Life) -> list[Service]:
    """One for each of the first pathways, the second by nobody's agency."""
    wards = services.areas_known(life.scheme, ())
    made = []
    for place, (name, kind, waiting, priority, many) in enumerate(SERVICES):
        staff = life.staff.named[kind] if kind else None
        made.append(
            services.add_service(
                by=life.coordinator,
                name=life.mark(name),
                agency=staff.agency if staff else None,
                organisation="" if staff else life.mark("Sample Mentors"),
                pathways=[life.policy.pathways[place % len(life.policy.pathways)].slug],
                areas=wards[:many],
                for_whom=life.mark("Adults on the cohort and others"),
                how_to_refer=life.mark("Ring the duty desk, or send the short form."),
                contact=life.mark("Duty desk, 020 7946 0120"),
                cost=life.mark("Free"),
                opening=life.mark("Monday to Friday, 9 to 5"),
                waiting=life.mark(waiting),
                priority=bool(priority),
                priority_terms=life.mark(priority) if priority else "",
                commissioned_by=life.mark("The council"),
                starts_on=life.scheme_began,
            )
        )
    return made


def agree(life: Life, entered: list[Service]) -> None:
    """With a court and the CPS, and for priority at the first service."""
    begins = life.scheme_began
    for kind, with_whom, promised in COURTS:
        services.add_agreement(
            by=life.coordinator,
            kind=kind,
            with_whom=life.mark(with_whom),
            premium=kind == Agreement.Kind.CPS,
            promised=life.mark(promised),
            given=life.mark("A statement on what was offered, five days before each hearing."),
            starts_on=begins,
            review_on=life.today + 20 * DAY,
        )
    services.add_agreement(
        by=life.coordinator,
        kind=Agreement.Kind.PRIORITY,
        with_whom=life.mark("Housing options team"),
        service=entered[0],
        promised=life.mark("People on the cohort are seen within 5 working days."),
        starts_on=begins,
        review_on=life.today + 200 * DAY,
    )


def bid(life: Life) -> GapNote:
    """For rooms on the first night out, where need on the first pathway is highest."""
    return services.note_gap(
        by=life.coordinator,
        pathway=life.policy.pathways[0].slug,
        text=life.mark("Two rooms for the first night out of prison."),
        bidder=life.mark("The council's commissioning team"),
        bid_to=life.mark("The Mayor's fund"),
        due_on=life.today + 21 * DAY,
    )


def report(life: Life, cases: list[Case]) -> None:
    """Supervisors and the lead officers' own words, where the scheme keeps management reports."""
    if not reports.is_kept(life.policy):
        return
    for case in cases:
        lead = lead_of(case)
        boss = reports.can_supervise(lead).order_by("pk").first() if lead else None
        if lead is None or boss is None:
            continue
        reports.name_supervisor(lead, boss, by=life.coordinator)
        words = "Seen each week since acceptance. Keeps to the curfew; the next aim is work."
        reports.write(case, life.mark(words), by=actor_for(lead))
    if cases and (lead := lead_of(cases[0])) and (boss := reports.supervisor_of(lead)):
        reports.review(
            cases[0],
            fits=SupervisorReview.Fits.FITS,
            words=life.mark("Visits and offers are what the rating asks for. Go on."),
            by=actor_for(boss),
        )


def draft_statement(life: Life, case: Case) -> CourtStatement:
    """A statement for a hearing in two weeks, from what was offered."""
    with life.at(life.today, 0, 14):
        if not Offer.objects.filter(case=case).exists():
            offers.offer(
                case,
                pathway=life.policy.pathways[0].slug,
                text=life.mark("A place at the housing drop-in"),
                agency=life.staff.named["housing"].agency,
                by=life.coordinator,
            )
        return statements.draft(
            case, court=life.mark("Sample Crown Court"), hearing_on=life.today + 14 * DAY, by=life.coordinator
        )


def complete(life: Life, cases: list[Case]) -> None:
    """What one year does not bring by itself: things that ended, an approved statement that was given, a report."""
    by = life.coordinator
    drafted = set(CourtStatement.objects.filter(case__in=cases).values_list("case", flat=True))
    case = next(each for each in cases if each.pk not in drafted)
    with life.at(life.today, 0, 13):
        service = Service.objects.filter(scheme=life.scheme).order_by("-pk").first()
        services.change_service(service, by=by, areas=[life.mark("Example ward")])
        services.end_service(service, last_day=life.today, because=life.mark("The money ran out."), by=by)
        first, second = Agreement.objects.filter(scheme=life.scheme).order_by("pk")[:2]
        words = life.mark("Kept in nine cases of ten.")
        services.review_agreement(first, words=words, next_on=life.today + 300 * DAY, by=by)
        services.end_agreement(second, on=life.today, because=life.mark("The area changed."), by=by)
        note = GapNote.objects.filter(scheme=life.scheme).first()
        services.change_gap_note(note, area=life.mark("Example ward"), by=by)
        plan = plans.start_plan(case, by=by)
        plans.set_need(
            plan,
            life.policy.pathways[-1].slug,
            level=PathwayNeed.Level.HIGH,
            goal=life.mark("A room of his own"),
            by=by,
        )
    statement = draft_statement(life, case)
    with life.at(life.today, 0, 15):
        lead = _lead(life, case)
        said = {line.key: (life.mark(line.drafted), True) for line in statements.lines_of(statement)}
        saved = statements.save(
            statement,
            by=by,
            court=statement.court,
            hearing_on=statement.hearing_on,
            opening=life.mark(statement.opening),
            closing=life.mark("More could be offered under an order."),
            said=said,
        )
        approved = statements.approve(saved, by=actor_for(lead))
        statements.keep_pdf(approved, by=by)
        to = life.mark("The clerk of the court")
        statements.give(approved, to=to, how=StatementGiven.How.COURT_PORTAL, given_on=life.today, by=by)
        # Where the scheme keeps no report no verb leads here: set, so that it stands behind the walls of each scheme.
        ManagementReport.objects.get_or_create(
            scheme=life.scheme,
            case=case,
            defaults={"narrative": life.mark("Seen each week."), "written_by": lead.user, "written_at": clock.now()},
        )
        boss = life.staff.named["coordinator"]
        SupervisorReview.objects.get_or_create(
            scheme=life.scheme,
            case=case,
            done_on=life.today,
            defaults={
                "supervisor": boss,
                "lead": lead,
                "fits": SupervisorReview.Fits.TOO_LITTLE,
                "words": life.mark("Ask for a visit each week."),
                "colour": case.rating.colour if case.rating else "RED",
                "due_on": life.today,
                "next_due_on": life.today + 28 * DAY,
            },
        )


def _lead(life: Life, case: Case) -> Membership:
    """Who leads the case; probation's sign-in, if nobody with an account does."""
    if (lead := lead_of(case)) is not None:
        return lead
    probation = life.staff.named["probation"]
    about_cases.assign(
        case,
        AssignmentRole.LEAD_PROFESSIONAL,
        agency=probation.agency,
        membership=probation,
        on=life.today,
        by=life.coordinator,
    )
    return probation
