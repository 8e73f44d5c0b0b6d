"""Made-up people and things for tests. Each factory makes what its name says and nothing that a test cannot see."""

from __future__ import annotations

import functools
import json
from datetime import UTC, date, datetime, time
from typing import Any
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from django.db import connection

from actionplans.models import PlanCopy

from iom import clock, stored_dates, together, walls
from iom.access import Actor, actor_for
from iom.files.judging import judge
from iom.models import Agency, Body, Document, FileState, Meeting, Membership, Role, Scheme, Seat, StoredFile, User
from iom.policy import load_preset
from iom.schemes import create_scheme
from offenders import cohort_page, custody, idiom, idiom_sheet, licence
from offenders.models import (
    Case,
    CaseGrant,
    Cover,
    CustodyProposal,
    Entry,
    InGroup,
    Listed,
    Offender,
    Premises,
    Prison,
    RagRating,
    RelatedOpening,
    RelatedPerson,
    SheetToImport,
    SuccessStory,
    Tag,
    TagHit,
    Transfer,
    TransferShare,
    YouthTransfer,
)
from offenders.restricted import permission
from panels.models import (
    AgendaItem,
    AgreementSignature,
    Attendance,
    Decision,
    Minutes,
    Notice,
    OutsideDecision,
    Section,
)
from referrals import papers, sections
from referrals.models import AgencyReturn, CheckRequest, Engagement, Paper, Referral, ResearchCheck


def act_in(of: Scheme) -> None:
    """From here to the end of the test's own transaction the rows of this scheme are open, as in a request of one."""
    walls._enter(str(of.pk), json.dumps({"actor": "test"}))


def acting_in() -> str:
    """The number of the scheme whose rows are open now; nothing when none is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('iom.scheme', true), '')")
        return cursor.fetchone()[0]


def inside(factory):
    """Make a thing in the scheme of the first argument, whichever is open."""

    @functools.wraps(factory)
    def made(first, *args, **kwargs):
        with walls.within(getattr(first, "scheme", first), cause="test"):
            return factory(first, *args, **kwargs)

    return made


# What surrounds every page, in questions to the database: a savepoint, whose scheme it is and who acts, what is known of
# the actor, the read for the audit, whose it was before, the savepoint's end.
AROUND = 6

PASSWORD = "harbour-lantern-2026"
_number = count(1)


def scheme(preset: str = "merton", slug: str | None = None, *, on: date = date(2020, 1, 1)) -> Scheme:
    """A scheme made from a preset by the product's own verb: bodies, agencies and empty seats.

    The first one of a test is the one whose rows are open from then on (`act_in`).
    """
    made = create_scheme(slug or preset, load_preset(preset), on=on).scheme
    with walls.within(made, cause="test"):  # as in a process that has served the scheme before
        together.run(made.confirm(clock.today()))
    if connection.in_atomic_block and not acting_in():
        act_in(made)
    return made


@inside
def member(
    of: Scheme,
    *roles: str,
    agency_kind: str = "council",
    name: str = "",
    email: str = "",
    seat: bool | None = None,
    on: date = date(2020, 1, 1),
) -> Membership:
    """A person with roles for the first agency of a kind; members and chairs also hold that agency's seat on the first body."""
    number = next(_number)
    agency = Agency.objects.filter(scheme=of, kind=agency_kind).order_by("pk").first() or Agency.objects.create(
        scheme=of, slug=f"{agency_kind}-{number}", name=agency_kind.title(), kind=agency_kind
    )
    user = User.objects.create_user(
        email or f"person{number}@example.org", name or f"Person {number} Example", PASSWORD
    )
    membership = Membership.objects.create(scheme=of, user=user, agency=agency, roles=list(roles), starts_on=on)
    if seat if seat is not None else set(roles) & {Role.MEMBER, Role.CHAIR}:
        body = of_first_body(of)
        place = Seat.objects.filter(scheme=of, body=body, agency=agency, holder=None).first()
        if place is None:
            Seat.objects.create(scheme=of, body=body, agency=agency, post="Representative", holder=membership)
        else:
            place.holder = membership
            place.save()
    return membership


@inside
def actor(of: Scheme, *roles: str, **kwargs) -> Actor:
    """The actor that a new member makes."""
    return actor_for(member(of, *roles, **kwargs))


@inside
def of_first_body(of: Scheme) -> Body:
    return Body.objects.get(scheme=of, position=0)


@inside
def meeting(of: Scheme, on: date, *, chair: Membership | None = None, body: Body | None = None, **fields) -> Meeting:
    """A sitting of the scheme's first body, in draft, with its dates."""
    made = Meeting.objects.create(
        scheme=of,
        body=body or of_first_body(of),
        date=on,
        starts_at=fields.pop("starts_at", time(10, 0)),
        place=fields.pop("place", "Committee room 1"),
        chair=chair,
        **fields,
    )
    stored_dates.store(made)
    return made


@inside
def offender(of: Scheme, **fields) -> Offender:
    """Someone made up."""
    number = next(_number)
    defaults = {
        "family_name": f"Example{number}",
        "given_names": "Sam",
        "date_of_birth": date(1994, 2, 4),
        "gender": "MALE",
    }
    return Offender.objects.create(scheme=of, **defaults | fields)


@inside
def case(
    of: Scheme,
    *,
    colour: str = "RED",
    since: date = date(2026, 1, 12),
    restricted: bool = False,
    who: Offender | None = None,
    **fields,
) -> Case:
    """An open case with one rating."""
    number = next(_number)
    made = Case.objects.create(
        scheme=of,
        reference=f"IOM-{number:04}",
        offender=who or offender(of),
        accepted_on=since,
        why="Three burglaries since October.",
        policy_version=of.policy_version,
        restricted=restricted,
        **fields,
    )
    RagRating.objects.create(scheme=of, case=made, colour=colour, starts_on=since, reason="New on the cohort")
    return made


# --- Referrals


@inside
def referral(of: Scheme, by: Membership, *, status: str = "draft", who: Offender | None = None, **fields) -> Referral:
    """A nomination with every section done, in the status asked for."""
    number = next(_number)
    defaults = {
        "mappa_level": 0,
        "in_custody": False,
        "supervision": "no",
        "evidence": "Four burglaries since October, two of them charged.",
        "benefit": "Housing and the drugs service both know him and do not work together yet.",
        "main_driver": "addiction",
        "high_risk_of_harm": False,
        "presenter": "PC Dunn",
        "sections_done": list(sections.SLUGS),
        "sent_at": None if status == "draft" else datetime(2026, 2, 20, 10, tzinfo=UTC),
    }
    return Referral.objects.create(
        scheme=of,
        reference=f"IOM-R-{number:04}",
        status=status,
        offender=who or offender(of),
        referrer=by,
        agency=by.agency,
        **defaults | fields,
    )


# --- Triage, scores, checks

SCORE_FACTS = {
    "convicted_on": date(2025, 11, 20),
    "follow_up_from": date(2026, 1, 15),
    "sanctions": 32,
    "first_sanction_age": 14,
    "offence_code": "02800",
}


@inside
def scorable(of: Scheme, by: Membership, *, status: str = "sent", **fields) -> Referral:
    """A nomination that can be scored: 32 sanctions since the age of 14, now domestic burglary."""
    return referral(of, by, status=status, **SCORE_FACTS | fields)


@inside
def check_request(
    meeting: Meeting,
    agency: Agency,
    who: Offender | None = None,
    *,
    why: str = "referral",
    due_on: date | None = date(2026, 3, 9),
    asked_at: datetime = datetime(2026, 2, 24, 9, tzinfo=UTC),
    **fields,
) -> CheckRequest:
    """An agency asked about someone for a meeting."""
    return CheckRequest.objects.create(
        scheme=meeting.scheme,
        meeting=meeting,
        agency=agency,
        offender=who or offender(meeting.scheme),
        why=why,
        due_on=due_on,
        asked_at=asked_at,
        **fields,
    )


@inside
def agency_return(
    request: CheckRequest, by: Membership, *, known: str = "now", sent: bool = True, **fields
) -> AgencyReturn:
    """An answer of that agency, sent unless said otherwise."""
    defaults = {"handling": "panel" if known in ("now", "before") else ""}
    return AgencyReturn.objects.create(
        scheme=request.scheme,
        request=request,
        known=known,
        answered_by=by.user,
        sent_at=datetime(2026, 3, 5, 9, tzinfo=UTC) if sent else None,
        **defaults | fields,
    )


# --- The live meeting, decisions and minutes


@inside
def agenda_item(meeting: Meeting, section: str, *, number: str | None = None, **fields) -> AgendaItem:
    """An item at the end of an agenda that has gone out."""
    place = meeting.items.count() + 1
    title = {} if fields.get("referral") or fields.get("case") else {"title": Section(section).label}
    return AgendaItem.objects.create(
        scheme=meeting.scheme,
        meeting=meeting,
        section=section,
        position=place,
        number=str(place) if number is None else number,
        **title | fields,
    )


@inside
def attended(meeting: Meeting, *people: Membership, how: str = "present", **fields) -> list[Attendance]:
    """Seat holders who came."""
    return [
        Attendance.objects.create(
            scheme=meeting.scheme,
            meeting=meeting,
            agency=person.agency,
            membership=person,
            name=person.user.name,
            post=person.post,
            how=how,
            **fields,
        )
        for person in people
    ]


@inside
def live_meeting(of: Scheme, on: date, *, recorder: Membership, chair: Membership | None = None, **fields) -> Meeting:
    """A meeting that `recorder` is recording now, without items or attendance."""
    return meeting(of, on, chair=chair, status="live", recorder=recorder.user, **fields)


@inside
def minutes(meeting: Meeting, *, status: str = "draft", **fields) -> Minutes:
    """The first version of a meeting's minutes; the meeting itself is closed."""
    meeting.status = "minutes_drafted"
    meeting.save(update_fields=["status"])
    return Minutes.objects.create(scheme=meeting.scheme, meeting=meeting, status=status, **fields)


# --- Restricted cases


def signed(person: Membership) -> AgreementSignature:
    """The version of the sharing agreement that is in force, signed between meetings."""
    return AgreementSignature.objects.create(
        scheme=person.scheme,
        membership=person,
        agreement_version=person.scheme.policy.sharing_agreement.version,
        typed_name=person.user.name,
        signed_at=clock.now(),
    )


def named(case: Case, person: Membership, *, until: datetime | None = None, sign: bool = True) -> CaseGrant:
    """Somebody who is named on a restricted case and has signed the sharing agreement."""
    if sign and not AgreementSignature.objects.filter(membership=person).exists():
        signed(person)
    return CaseGrant.objects.create(
        user=person.user, permission=permission(), content_object=case, reason="Works with them", expires_at=until
    )


# --- Family and victims


@inside
def related(of: Offender, by: Membership, *, relation: str = "partner", **fields) -> RelatedPerson:
    """Somebody near the person, entered by the agency of `by` and sealed: a victim at risk unless said otherwise."""
    defaults = {"victim": True, "at_risk": "yes", "name": "", "protection": "Two to visit.", "added_by": by.user}
    return RelatedPerson.objects.create(
        scheme=of.scheme, offender=of, agency=by.agency, relation=relation, **defaults | fields
    )


@inside
def related_opening(record: RelatedPerson, *readers: Agency, **fields) -> RelatedOpening:
    """A record opened by its agency: to `readers`, else to police and probation."""
    defaults = {
        "audience": "agencies" if readers else "police_probation",
        "readers": [agency.slug for agency in readers],
        "reason": "They visit the home.",
        "opened_at": clock.now(),
        "opened_by": record.added_by,
    }
    return RelatedOpening.objects.create(scheme=record.scheme, related=record, **defaults | fields)


# --- The researcher's sheet


@inside
def research_check(
    meeting: Meeting, who: Offender, by: Membership, system: str = "PNC", *, result: str = "nothing", **fields
) -> ResearchCheck:
    """A police system that `by` looked up about someone for a meeting, today."""
    defaults = {"checked_on": clock.today(), "agency": by.agency, "checked_by": by.user}
    return ResearchCheck.objects.create(
        scheme=meeting.scheme, meeting=meeting, offender=who, system=system, result=result, **defaults | fields
    )


# --- What was decided


@inside
def decided(
    what: Referral | Case, outcome: str, *, meeting: Meeting | None = None, reason: str = "", **fields
) -> Decision:
    """The decision of a meeting on a nomination or case, as the record keeps it; statuses are left to the test."""
    is_case = isinstance(what, Case)
    at = meeting or what.meeting
    item = agenda_item(
        at, Section.REVIEWS if is_case else Section.REFERRALS, **{"case" if is_case else "referral": what}
    )
    if not is_case:
        Referral.objects.filter(pk=what.pk).update(
            status={"not_accept": "not_accepted", "accept": "accepted", "elsewhere": "referred_elsewhere"}[outcome]
        )
        what.refresh_from_db()
    return Decision.objects.create(
        scheme=what.scheme,
        item=item,
        outcome=outcome,
        reason=reason,
        agencies_here=6,
        policy_version=what.scheme.policy_version,
        decided_at=datetime.combine(at.date, time(11), UTC),
        decided_by=(what.referrer.user if not is_case else User.objects.first()),
        **fields,
    )


@inside
def told(referral: Referral) -> Notice:
    """The notice of the decision on a nomination, sent to whoever made it."""
    decision = Decision.objects.get(item__referral=referral, superseded_by=None)
    return Notice.objects.create(
        scheme=referral.scheme,
        meeting=decision.item.meeting,
        referral=referral,
        decision=decision,
        recipient=referral.referrer,
        text=decision.reason_for_referrer,
        status="sent",
        number=1,
        sent_at=decision.decided_at,
    )


# --- Decisions outside the meeting


@inside
def outside_decision(
    referral: Referral, *, by: Membership, decided_by: Membership, on: date, outcome: str = "not_accept", **fields
) -> OutsideDecision:
    """What was decided on a nomination between two meetings; nothing follows from it here."""
    defaults = {
        "urgent_because": "Released on Friday.",
        "reason": "Another service has begun.",
        "reason_for_referrer": "Another service has begun.",
        "policy_version": referral.scheme.policy_version,
    }
    return OutsideDecision.objects.create(
        scheme=referral.scheme,
        referral=referral,
        outcome=outcome,
        decided_on=on,
        decided_by=decided_by,
        recorded_by=by.user,
        **defaults | fields,
    )


def sheet_to_import(by: Actor, rows: int = 1, content: bytes | None = None) -> SheetToImport:
    """A sheet that was uploaded by a coordinator, its columns matched and its rows judged."""
    from tests.factories import sheets

    headings = ("Surname", "Forename", "DOB", "RAG", "Why on cohort")
    sheet = cohort_page.take_in(content or sheets.as_csv(sheets.people(rows), headings), by=by)
    names = {
        column.place: column.name for column in cohort_page.columns(sheet, cohort_page.table_of(sheet)) if column.name
    }
    return cohort_page.match(sheet, names, by=by, version=sheet.version)


# --- Meeting the person


@inside
def engagement(thing: Referral | Case, by: Membership, *, finished: bool = True, **fields) -> Engagement:
    """A meeting in the community that the agency of `by` recorded, finished unless said otherwise."""
    defaults = {
        "kind": "approach",
        "met": "met",
        "met_on": date(2026, 2, 24),
        "where": "community",
        "met_by": "PC Dunn",
        "level": "hesitant",
        "own_words": "I want my own place.",
        "expectations_told": True,
        "told_on": date(2026, 2, 24),
        "finished_at": datetime(2026, 2, 24, 15, tzinfo=UTC) if finished else None,
    }
    return Engagement.objects.create(
        scheme=thing.scheme,
        offender=thing.offender,
        agency=by.agency,
        recorded_by=by.user,
        **{"case" if isinstance(thing, Case) else "referral": thing},
        **defaults | fields,
    )


# --- Between schemes


@inside
def transfer(
    of: Scheme, *, case: Case | None = None, kind: str = "moved_here", shares: bool = True, **fields
) -> Transfer:
    """A transfer: outgoing about `case`, or incoming about somebody of whom an area elsewhere told us."""
    defaults = {
        "incoming": case is None,
        "case": case,
        "offender": case.offender if case else None,
        "other_name": "Exampleshire IOM",
        "contact": "Alex There, 020 7946 0123",
        "purpose": "They moved in with a sister.",
        "opened_on": clock.today(),
        "opened_by": User.objects.filter(memberships__scheme=of).first(),
    }
    made = Transfer.objects.create(scheme=of, reference=f"IOM-T-{next(_number):04}", kind=kind, **defaults | fields)
    facts = [("given_names", "First names", "Toni"), ("family_name", "Last name", "Elsewhere")]
    if shares:
        TransferShare.objects.create(
            scheme=of,
            transfer=made,
            outgoing=not made.incoming,
            facts=[{"key": key, "label": label, "words": words, "value": words} for key, label, words in facts],
            with_whom="Alex There",
            purpose=made.purpose,
            shared_at=clock.now(),
            shared_by="Priya Shah",
        )
    return made


# --- Papers


@inside
def paper(thing: Referral | Case | CheckRequest, by: Membership, *, words: str = "Plain words", **fields) -> Paper:
    """A text that somebody sent in, and that the virus scanner found clean."""
    verbs = {Referral: papers.add_to_referral, Case: papers.add_to_case, CheckRequest: papers.add_to_request}
    details = {"what": "report", "handling": "panel", "name": "report.txt"} | fields
    judged = judge(details.pop("name"), words.encode())
    made = verbs[type(thing)](thing, judged, by=actor_for(by), **details)
    StoredFile.objects.filter(pk=made.file_id).update(
        state=FileState.CLEAN, scanned_at=datetime(2026, 3, 1, tzinfo=UTC)
    )
    return made


@inside
def entry(case: Case, by: Membership | None = None, *, kind: str = "note", **fields) -> Entry:
    """Something on a case's timeline, written by a person of an agency, or by nobody (a feed)."""
    told = {"happened_on": clock.today(), "text": "Seen at home.", "handling": "panel"} | fields
    agency, user = (by.agency, by.user) if by else (None, None)
    return Entry.objects.create(
        **{"scheme_id": case.scheme_id, "case": case, "kind": kind, "agency": agency, "made_by": user} | told
    )


@inside
def plain_records(case: Case, by: Membership) -> dict[str, Any]:
    """One of each plain record of the team, and the case in a group of the cohort."""
    of, day, own = case.scheme, date(2026, 2, 2), {"scheme": case.scheme, "made_by": by.user}
    return {
        "in_group": InGroup.objects.create(case=case, group="domestic_abuse", starts_on=day, **own),
        "cover": Cover.objects.create(
            agency=by.agency,
            kind="out_of_hours",
            on=day,
            starts_at=time(17, 0),
            ends_at=time(8, 0),
            person="Ash Example",
            **own,
        ),
        "story": SuccessStory.objects.create(
            case=case, text="Somebody found work.", consent_on=day, consent_to="A mentor", **own
        ),
        "listed": Listed.objects.create(
            family_name="Specimen",
            given_names=f"Lee{next(_number)}",
            date_of_birth=date(1990, 1, 9),
            listed_from=day,
            source_on=day,
            **own,
        ),
        "premises": Premises.objects.create(
            place=f"Hub of {of.slug}", agencies=[by.agency.slug], days="Mondays", private_room=True, since=day, **own
        ),
    }


@inside
def plan_copy(of: Case) -> PlanCopy:
    """A copy of a plan for the person, with a few bytes for the file."""
    document = Document.objects.create(
        scheme=of.scheme,
        kind="plan_copy",
        reference=f"{of.reference}-1",
        name=f"{of.reference}.pdf",
        content=b"%PDF-1.7",
        sha256="0" * 64,
    )
    return PlanCopy.objects.create(
        scheme=of.scheme, case=of, audience="person", recipient="The person", document=document, made_on=clock.today()
    )


# --- Custody and feeds


@inside
def fed(case: Case, police: Membership, by: Actor) -> dict[str, object]:
    """A case of which feeds, police, prison and partners say something: one of each, by the names of the matrix."""
    now, today, of = clock.now(), clock.today(), {"scheme": case.scheme, "case": case}
    officer = actor_for(police)
    tag = Tag.objects.create(**of, starts_on=today - timedelta(days=9), ends_on=today, offence="burglary")
    hit = {"tag": tag, "agency": police.agency, "happened_at": now, "area": "Mill ward", "sent_at": now}
    proposal = {"kind": "in", "key": f"in:{today}", "on": today, "as_of": now, "source": "IDIOM"}
    heading = b"PNC,Reference,As of,Wanted\n"
    file, _ = idiom.take_in(idiom_sheet.read_sheet(heading + f",{case.reference},{today},N\n".encode()), by=by)
    return {
        "arrest": custody.record_arrest(case, on=today, what="Burglary", source="PNC", by=officer),
        "status": custody.record_status(case, "court", on=today, source="PNC", by=officer),
        "hit": TagHit.objects.create(**of, **hit, crime_reference="CR 12/26"),
        "licence": licence.ask(case, condition="Keep away", why="Burglaries", how_met="Checked", by=officer),
        "custody_proposal": CustodyProposal.objects.create(**of, **proposal),
        "prison": Prison.objects.create(scheme=case.scheme, name="HMP Specimen"),
        "idiom_file": file,
    }


@inside
def youth(of: Scheme, **fields) -> YouthTransfer:
    """A young person's move to adult services: 18 on 9 October 2026."""
    who = fields.pop("who", None) or offender(of, given_names="Kit", date_of_birth=date(2008, 10, 9))
    return YouthTransfer.objects.create(
        scheme=of, reference=f"IOM-Y-{next(_number):04}", offender=who, opened_on=date(2026, 4, 1), **fields
    )
