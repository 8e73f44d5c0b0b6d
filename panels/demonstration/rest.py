"""What one year of one scheme does not bring by itself: every role, every state, every kind of restriction.

Loaded for those who try the walls between schemes and cases (security.md L6), after the year was lived through. As there,
everything happens by the verbs that people use; what no verb leads to yet is said where it is set.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from django.contrib.auth.hashers import make_password

from actionplans import actions as plans
from actionplans import at_exit
from actionplans.models import ActionStatus, PathwayNeed, Plan
from iom import clock, exports, holidays, invitations
from iom.access import actor_for, task_actor
from iom.files.judging import judge
from iom.models import Agency, Meeting, MeetingStatus, Membership, Role, User
from offenders import actions as cases
from offenders import cohort_page, exits, related, restricted
from offenders import leaving as going
from offenders.models import AssignmentRole, Case, CustodyPeriod, Leaving, YouthTransfer
from panels import (
    addenda,
    agenda,
    agreement,
    aside,
    attendance,
    circulation,
    escalations,
    handing_out,
    meetings,
    minutes,
    minutes_comments,
    notices,
    recording,
    voting,
)
from panels.canonical import fingerprint
from panels.decide import Choice, Lead, decide
from panels.escalations import Issue
from panels.models import (
    Consulted,
    CopyGiven,
    Escalation,
    How,
    Minutes,
    MinutesStatus,
    Notice,
    Outcome,
    OutsideDecision,
    Section,
)
from referrals import actions as referrals
from referrals import again, engagement, papers, returns, scoring
from referrals.forms.nomination import excluding_flags
from referrals.models import (
    AgencyReturn,
    CheckRequest,
    Handling,
    HarmJudgement,
    Met,
    Presentation,
    Recommendation,
    Referral,
    ReferralStatus,
    ResourcedCohort,
    Where,
)
from referrals.triage import put_to_panel as triage

from . import custody, names, safeguarding, services
from . import plans as about_plans
from .people import PASSWORD, SIGN_INS, domain, join
from .year import DAY, Life

Known = AgencyReturn.Known
# The sign-ins of the demonstration, and someone in every other role.
EVERY_ROLE = SIGN_INS | {
    "researcher": ("police", (Role.RESEARCHER,), "Researcher"),
    "referrer": ("substance_misuse", (Role.REFERRER,), "Outreach worker"),
    "deputy": ("council", (Role.COORDINATOR,), "Deputy coordinator"),
    "second-admin": ("council", (Role.SCHEME_ADMIN,), "Systems officer"),
}
LEFT, DISABLED = "left", "disabled"


def complete(life: Life) -> list[str]:
    """Bring about what is missing. Returns the secrets of invitation links that are still open."""
    _those_who_are_gone(life)
    past, earlier = _days_before(life, 2)
    _minutes_with_the_chair(life, past)
    _minutes_in_draft(life, earlier)
    _after_signing(life)
    _live(life)
    _not_held(life)
    _nominations(life)
    _criteria(life)
    _answers(life)
    _papers(life)
    _actions(life)
    about_plans.fill(life, _at_home(life))
    services.complete(life, _at_home(life))
    _cases(life)
    _family(life)
    safeguarding.ledger(life, _at_home(life))
    safeguarding.team(life, _at_home(life))
    _decided_outside(life)
    _for_the_board(life)
    _met(life)
    _told(life)
    custody.everything(life, _at_home(life))
    return _invited(life)


# --- Who ------------------------------------------------------------------------


def _those_who_are_gone(life: Life) -> None:
    """One who has left, and one whose account is disabled: neither signs in to anything."""
    password = make_password(PASSWORD)
    gone = {LEFT: "housing", DISABLED: "health"}
    for sign_in, kind in gone.items():
        given, family, _ = life.unused.pop()
        life.staff.named[sign_in] = join(
            life.scheme,
            kind,
            life.mark(f"{given} {family}"),
            f"{sign_in}@{domain(life.scheme)}",
            password,
            (Role.MEMBER, Role.REFERRER),
            "Officer",
            life.today - timedelta(days=400),
        )
    Membership.objects.filter(pk=life.staff.named[LEFT].pk).update(until=life.today - 30 * DAY)
    User.objects.filter(pk=life.staff.named[DISABLED].user_id).update(is_active=False)


def _invited(life: Life) -> list[str]:
    """Invitations: open, spent, and expired."""
    council = Agency.objects.filter(scheme=life.scheme, kind="council").order_by("pk").first()
    agency = council or Agency.objects.filter(scheme=life.scheme).order_by("pk").first()

    def invite(who: str) -> str:
        given, family, _ = life.unused.pop()
        _, secret = invitations.invite(
            email=f"{who}@{domain(life.scheme)}",
            name=life.mark(f"{given} {family}"),
            agency=agency,
            roles=[Role.MEMBER],
            post="Officer",
            by=life.coordinator,
        )
        return secret

    with life.at(life.today - 10 * DAY):
        invite("too-late")
        found = invitations.find(invite("joined"))
        if found is not None:
            invitations.accept(found, name=found.name, password=PASSWORD)
    return [invite("invited")]


# --- Meetings -------------------------------------------------------------------


def _days_before(life: Life, count: int) -> list[date]:
    """The last working days before today on which the first body did not meet."""
    taken = set(Meeting.objects.filter(body=life.body).values_list("date", flat=True))
    found: list[date] = []
    day = life.today - DAY
    while len(found) < count:
        day = life.last_working_day(day)
        if day not in taken:
            found.append(day)
        day -= DAY
    return found


def _sitting(life: Life, day: date) -> Meeting:
    """A sitting of the first body, planned some weeks before."""
    with life.at(life.last_working_day(day - 25 * DAY), 9):
        return life.plan(life.body, day)


def _send(life: Life, meeting: Meeting, *, reviews: int) -> None:
    with life.at(meeting.date - 7 * DAY, 17):
        life.build_agenda(meeting, reviews=reviews)
        agenda.send_agenda(meeting, by=life.coordinator)


def _minutes_with_the_chair(life: Life, day: date) -> None:
    meeting = _sitting(life, day)
    nominated = life.nominate(life.last_working_day(day - 24 * DAY))
    life.put_to_panel(nominated, meeting, life.last_working_day(day - 22 * DAY), everyone=False)
    _send(life, meeting, reviews=2)
    life.hold(meeting, put_off=nominated)
    with life.at(life.today, 0, 1):
        _write(life, meeting)
        notices.send(meeting, {}, by=life.coordinator)
        sent = minutes.send_to_chair(minutes.latest(meeting), by=life.coordinator)
        item = meeting.items.order_by("pk").first()
        words = life.mark("Please say who asked for this.")
        minutes.set_comments(sent, words, {item.pk: words}, by=actor_for(life.chair))


def _minutes_in_draft(life: Life, day: date) -> None:
    """Minutes that nobody has sent to the chair, and notices in every state."""
    meeting = _sitting(life, day)
    put_off = life.nominate(life.last_working_day(day - 24 * DAY))
    life.put_to_panel(put_off, meeting, life.last_working_day(day - 22 * DAY), everyone=False)
    life.answer_checks(meeting, life.last_working_day(day - 20 * DAY), everyone=True)
    _send(life, meeting, reviews=2)
    life.hold(meeting, put_off=put_off, lively=True)
    with life.at(life.today, 0, 2):
        _write(life, meeting)
        for draft in notices.drafts(meeting, seen_by=life.coordinator):
            notices.save(draft, f"{draft.text} {life.mark('Ring us if it is urgent.')}", by=life.coordinator)
        sent = Notice.objects.filter(scheme=life.scheme, sent_at__isnull=False).order_by("pk")
        if (opened := sent.select_related("recipient__user").first()) is not None:
            notices.mark_opened(opened, by=actor_for(opened.recipient))
        if (failed := sent.exclude(pk=opened.pk if opened else None).first()) is not None:
            # Set here: the mail server's refusal has no verb.
            Notice.objects.filter(pk=failed.pk).update(
                status=Notice.Status.FAILED, failure=Notice.Failure.EMAIL, failed_at=clock.now()
            )


def _after_signing(life: Life) -> None:
    """Of the last minutes that were signed: addenda, copies given out, and one without names."""
    rows = Minutes.objects.filter(scheme=life.scheme, status=MinutesStatus.SIGNED, meeting__chair=life.chair)
    signed = rows.select_related("meeting__body", "meeting__scheme").order_by("-meeting__date").first()
    if signed is None:
        return
    by, chair = life.coordinator, actor_for(life.chair)
    with life.at(life.today, 0, 2):
        wrong = life.mark("The housing officer came at half past ten, not at ten.")
        done = addenda.write(signed, text=wrong, reason=life.mark("Put down wrong."), by=by)
        addenda.sign(
            done,
            by=chair,
            typed_name=life.chair.user.name,
            record_sha256=fingerprint(addenda.record_of(done)),
            fresh=True,
        )
        waits = addenda.write(signed, text=life.mark("The room was changed."), reason=life.mark("Left out."), by=by)
        addenda.ask_change(waits, life.mark("Say which room."), by=chair)
        copies = [
            handing_out.agency_copy(signed, agency, by=by) for agency in handing_out.agencies_of(signed.meeting)[:3]
        ]
        for copy in copies:
            handing_out.write_down(copy, CopyGiven.How.GIVEN, by=by)
        reason, recipient = life.mark("Has no account here."), life.mark("A made-up association, secure address")
        handing_out.write_down(copies[0], CopyGiven.How.EXPORTED, by=by, reason=reason, recipient=recipient)
        plain = handing_out.prepare_redacted(signed, (), by=by)
        handing_out.approve_redacted(plain, by=chair, record_sha256=plain.record_sha256)


def _write(life: Life, meeting: Meeting) -> None:
    words = {item.pk: life.mark("More was said on this.") for item in meeting.items.order_by("pk")[:2]}
    draft = minutes.set_words(minutes.latest(meeting), words, by=life.coordinator)
    item = meeting.items.exclude(number="").order_by("position").last()
    police = Agency.objects.filter(scheme=life.scheme, kind="police").order_by("pk").values_list("slug", flat=True)
    minutes.mark_words(draft, item.pk, life.mark("The tag reports at midnight."), police[:1], by=life.coordinator)
    said = minutes_comments.comment(draft, item, life.mark("Two of us were late."), by=life.coordinator)
    minutes_comments.resolve(said, life.mark("Put right."), by=life.coordinator)
    minutes_comments.comment(draft, item, life.mark("The next date is missing."), by=life.coordinator)


def _live(life: Life) -> None:
    """A meeting that is going on today: one nomination for each outcome, a parked item, and a half-typed one."""
    meeting = _sitting(life, life.today)
    sent_on = life.last_working_day(life.today - 24 * DAY)
    nominated = [life.nominate(sent_on) for _ in range(4)]
    for referral in nominated:
        life.put_to_panel(referral, meeting, life.last_working_day(life.today - 22 * DAY), everyone=False)
    life.answer_checks(meeting, life.last_working_day(life.today - 10 * DAY), everyone=True)
    with life.at(life.today - 8 * DAY, 10):
        agenda.add_item(
            meeting,
            section=Section.ESCALATIONS,
            title=life.mark(names.ESCALATION),
            minutes=5,
            presenter=life.mark("Ash Example"),
            by=life.coordinator,
        )
    _send(life, meeting, reviews=4)
    with life.at(life.today, 0, 3):
        late = agenda.add_item(meeting, section=Section.AOB, title="Rooms for next year", by=life.coordinator)
        agenda.refuse_late(late, because=life.mark("It can wait for the next panel."), by=actor_for(life.chair))
        _attend(life, meeting)
        recording.start(meeting, by=life.coordinator)
        _decide(life, meeting, nominated)


def _attend(life: Life, meeting: Meeting) -> None:
    life.take_attendance(meeting)
    if meeting.body.policy.agreement.signed != "each_meeting":
        life.sign_agreement(meeting)
    # Somebody who would have been here sends another in their place.
    place = next(each for each in attendance.places(meeting) if each.membership not in (None, life.chair))
    attendance.take_attendance(
        meeting,
        [attendance.Came(place.key, "substitute", substitute_name=life.mark("Kit Example"), delegated_authority=True)],
        by=life.coordinator,
    )
    for standing, name in (("guest", "Robin Example"), ("observer", "Sam Example")):
        attendance.add_visitor(
            meeting, by=life.coordinator, standing=standing, name=life.mark(name), post=life.mark("Visitor")
        )


def _decide(life: Life, meeting: Meeting, nominated: list[Referral]) -> None:
    by, because = life.coordinator, life.mark("As the panel saw it.")
    leads = life.leads(statutory=True, driver="other")
    named = Lead(leads[AssignmentRole.LEAD_PROFESSIONAL].agency, name=life.mark("Ash Example"))
    ways = voting.ways(life.policy.body(meeting.body.slug).decision_rule)
    outcomes = {
        Outcome.ACCEPT: {"colour": life.policy.first_rating.colour or "RED"},
        Outcome.NOT_ACCEPT: {},
        Outcome.DEFER: {
            "dissent": life.mark("Police would have decided today."),
            "how": next((way for way in ways if way in (How.CONSENSUS, How.CHAIR_FINAL)), How.AGREED),
            "vote_note": life.mark("The chair heard everybody first."),
        },
        Outcome.ELSEWHERE: {},
    }
    for referral, (outcome, more) in zip(nominated, outcomes.items(), strict=True):
        choice = Choice(outcome, reason=because, reason_for_referrer=because, score_agreed=True, note=because, **more)
        if outcome == Outcome.ACCEPT:
            choice = Choice(
                outcome,
                reason=because,
                reason_for_referrer=because,
                colour=more["colour"],
                leads=leads | {AssignmentRole.LEAD_PROFESSIONAL: named},
                actions=tuple(life.new_actions(meeting.date, 1)),
            )
        item = meeting.items.get(referral=referral)
        decide(item, life.as_the_body_decides(item, choice), by=by)
    about_cases = list(meeting.items.filter(case__isnull=False).order_by("position"))
    typed = life.mark("Typed and not yet decided.")
    if about_cases:
        recording.keep_draft(about_cases[0], {"outcome": "no_change", "note": typed}, by=by)
        aside.keep(about_cases[0], {"note": life.mark("Typed before somebody else took over.")}, by=by)
    if len(about_cases) > 1:
        said = Choice(Outcome.NO_CHANGE, note=because, **life.harm(about_cases[1]))
        first = decide(about_cases[1], said, by=by)
        decide(first.item, replace(said, reason=because, correction_reason=life.mark("Said otherwise.")), by=by)
    who_is_here = meeting.items.filter(section=Section.APOLOGIES).first()
    if who_is_here is not None:
        # Saved last, so that it can be undone.
        decide(who_is_here, Choice(Outcome.NOTED, note=because, typed={"note": because}), by=by)
    agenda.park(meeting.items.get(section=Section.ESCALATIONS, escalation_link=None), by=by)


def _not_held(life: Life) -> None:
    """One called off, one adjourned; the draft ones and the next agenda are the year's own."""
    last = Meeting.objects.filter(body=life.body).order_by("-date").first().date
    with life.at(life.today, 0, 4):
        coming = Meeting.objects.get(body=life.body, status=MeetingStatus.AGENDA_SENT)
        housing = life.staff.actor("housing")
        circulation.answer(coming, "substitute", by=housing, substitute_name=life.mark("Max Example"))
        off = life.plan(life.body, life.working_day(last + 3 * DAY))
        meetings.cancel(off, reason=life.mark("The building is closed."), by=life.coordinator)
        adjourned = life.plan(life.body, life.working_day(off.date + DAY))
        agenda.send_agenda(adjourned, by=life.coordinator)
        recording.start(adjourned, by=life.coordinator)
        meetings.adjourn(
            adjourned, resumes_at=clock.at(adjourned.date + 7 * DAY, adjourned.starts_at), by=life.coordinator
        )


# --- Nominations and answers ----------------------------------------------------


def _nominations(life: Life) -> None:
    """In hand, withdrawn, half-typed, from prison, and taken up although the rules exclude the person."""
    by = life.coordinator
    yesterday = life.last_working_day(life.today - DAY)
    coming = Meeting.objects.filter(body=life.body, status=MeetingStatus.AGENDA_SENT).order_by("date").first()
    taken_in, withdrawn, late = (life.nominate(yesterday) for _ in range(3))
    half = life.nominate(yesterday, finish=False)
    with life.at(yesterday, 12):
        referrals.take_in(taken_in, by=by)
        scoring.record_official_score(
            taken_in.offender, pct_2yr=77, scored_on=yesterday, by=by, pct_1yr=58, referral=taken_in
        )
        referrals.withdraw(withdrawn, reason=life.mark("Moved away."), by=actor_for(withdrawn.referrer))
        again.nominate_again(
            withdrawn,
            by=actor_for(withdrawn.referrer),
            mappa_level=0,
            facts=dict.fromkeys(excluding_flags(life.policy), False),
            changed_since=life.mark("Came back to live with a sister, and was arrested twice since."),
        )
        referrer = actor_for(half.referrer)
        half = referrals.save_section(
            half, "address", by=referrer, done=False, in_custody=True, prison=life.mark(names.PRISONS[2])
        )
        referrals.save_section(half, "harm", by=referrer, done=False, typed={"harm": life.mark("Half a sentence")})
        triage(
            late,
            recommendation=Recommendation.ELSEWHERE,
            because=life.mark("Another service knows this person better."),
            meeting=coming,
            agencies=[life.staff.named["police"].agency],
            by=by,
        )
        office = life.staff.actor("coordinator")
        referrals.start(
            by=office,
            offender=life.somebody(office),
            mappa_level=2,
            facts=dict.fromkeys(excluding_flags(life.policy), False),
            reopened_because=life.mark("Level 2 ends this month."),
        )


def _criteria(life: Life) -> None:
    """What only some schemes' criteria bring, set here by hand so that it stands behind the walls of each scheme."""
    office = life.staff.named["coordinator"]
    referral = Referral.objects.filter(scheme=life.scheme, status="on_agenda").order_by("-pk").first()
    with life.at(life.today, 0, 8):
        HarmJudgement.objects.create(
            scheme=life.scheme,
            referral=referral,
            high=True,
            reason=life.mark("Two knives in a year."),
            judged_by=office,
            judged_at=clock.now(),
        )
        ResourcedCohort.objects.create(
            scheme=life.scheme,
            criteria=life.policy.criteria().name,
            clause=life.policy.criteria().clauses[0].name,
            said_on=life.today - 30 * DAY,
            reason=life.mark("Every post of the team is filled."),
            said_by=office,
            until=life.today,
            ended_because=life.mark("A post is empty again."),
            ended_by=office,
        )
        if not referral.presentations.exists():
            Presentation.objects.create(
                scheme=life.scheme,
                referral=referral,
                meeting=referral.meeting,
                proposer=referral.referrer,
                name=referral.presenter,
                must=False,
                source=referral.meeting.body.policy.guests.source,
                asked_at=clock.now(),
            )


def _answers(life: Life) -> None:
    """Answers to the next panel's checks: for some agencies' eyes, not sent yet, and each thing that can be known."""
    coming = Meeting.objects.filter(body=life.body, status=MeetingStatus.AGENDA_SENT).order_by("date").first()
    asked = CheckRequest.objects.filter(meeting=coming, closed_at=None).select_related("agency", "offender")
    police = list(asked.filter(agency__kind="police").order_by("pk"))
    by = actor_for(life.staff.contact(police[0].agency_id))
    summary = life.mark("Named by a source who must not be known.")
    detail = life.mark("Keeps a bat behind the door.")
    with life.at(life.today, 0, 5):
        readers = (life.staff.named["probation"].agency.slug, life.staff.named["health"].agency.slug)
        details = {"summary": summary, "risk_detail": detail, "risk_to_others": True}
        marked = {"handling": Handling.POLICE_PROBATION}, {"handling": Handling.AGENCIES, "readers": readers}
        answers = [(Known.NOW, details | marked[0]), (Known.BEFORE, details | marked[1])]
        answers += [(Known.NOT_KNOWN, {}), (Known.CANNOT_SAY, {})]
        for request, (known, told) in zip(police, answers, strict=False):
            returns.save_return(request, by=by, known=known, **told)
        unsent = asked.filter(answer=None).exclude(agency__kind="police").order_by("pk").first()
        if unsent is not None:
            returns.save_return(
                unsent,
                by=actor_for(life.staff.contact(unsent.agency_id)),
                known=Known.NOW,
                summary=life.mark("Not sent yet."),
                handling=Handling.PANEL,
            )


def _decided_outside(life: Life) -> None:
    """A decision between two meetings. Set here: the rules of most schemes know none, so that no verb leads to it."""
    if OutsideDecision.objects.filter(scheme=life.scheme).exists():
        return
    refused = Referral.objects.filter(scheme=life.scheme, status=ReferralStatus.NOT_ACCEPTED).order_by("-pk").first()
    words = life.mark("It could not wait for the panel.")
    made = OutsideDecision.objects.create(
        scheme=life.scheme,
        referral=refused,
        urgent_because=words,
        outcome=Outcome.NOT_ACCEPT,
        reason=words,
        reason_for_referrer=words,
        leads={AssignmentRole.LEAD_PROFESSIONAL: {"agency": "", "name": life.mark("Ash Example"), "reason": ""}},
        decided_on=life.today,
        decided_by=life.chair,
        recorded_by=life.coordinator.user,
        policy_version=life.scheme.policy_version,
    )
    Consulted.objects.create(
        scheme=life.scheme,
        decision=made,
        agency=life.staff.named["housing"].agency,
        name=life.mark("Kit Example"),
        how=Consulted.By.PHONE,
        on=life.today,
        said=life.mark("We would not take them on either."),
    )


def _papers(life: Life) -> None:
    """A file with an answer for chosen agencies, and one that was removed."""
    coming = Meeting.objects.filter(body=life.body, status=MeetingStatus.AGENDA_SENT).order_by("date").first()
    asked = CheckRequest.objects.filter(meeting=coming, closed_at=None, agency__kind="police").order_by("pk").first()
    by = actor_for(life.staff.contact(asked.agency_id))
    file = judge(f"{life.mark('Letter')}.txt", life.mark("Seen at the market.").encode())
    readers = (life.staff.named["probation"].agency.slug,)
    with life.at(life.today, 0, 6):
        papers.add_to_request(asked, file, what="police", handling="agencies", readers=readers, by=by)
        wrong = papers.add_to_request(asked, file, what="other", handling="panel", by=by)
        papers.remove(wrong, reason=life.mark("Sent for somebody else."), by=by)


# --- Cases ----------------------------------------------------------------------


def _actions(life: Life) -> None:
    """One action for each way in which it can stand, one of them somebody's who has no account."""
    case = _at_home(life)[0]
    agency = life.staff.named["housing"].agency
    with life.at(life.today, 0, 6):
        for status in ActionStatus:
            action = plans.add_action(
                case=case,
                text=life.mark("Ring the landlord"),
                agency=agency,
                owner_name=life.mark("Lou Example"),
                due_on=life.today + 10 * DAY,
                by=life.coordinator,
            )
            plans.update_action(action, status=status, note=life.mark("Rang twice."), by=life.coordinator)
        plan = Plan.objects.get(case=case)
        for pathway, level in zip(life.policy.pathways, PathwayNeed.Level.values, strict=False):
            plans.set_need(plan, pathway.slug, level=level, goal=life.mark(names.GOALS[0]), by=life.coordinator)


def _at_home(life: Life) -> list[Case]:
    """Open cases without restriction, custody or somebody else's plans for them, the oldest first."""
    rows = Case.objects.filter(scheme=life.scheme, status="open", restricted=False).exclude(pk__in=life.settled)
    return list(rows.filter(custody_periods=None).order_by("pk"))


def _cases(life: Life) -> None:
    """Leaving, closed, in custody of both kinds and out again; and restricted ones of every kind."""
    by = life.coordinator
    leaving, closed, shut, to_none, to_one, lifted, inside, out = _at_home(life)[:8]
    reason = life.mark("The exit strategy is in place.")
    _restricted_before(life, to_none, to_one, lifted)
    with life.at(life.today, 0, 7):
        _ways_out(life, leaving, closed, out)
        cases.close(shut, on=life.today, reason=reason, by=by)
        life.restrict(shut, "police")
        prison = life.mark(names.PRISONS[1])
        cases.record_custody(inside, kind=CustodyPeriod.Kind.REMAND, prison=prison, starts_on=life.today, by=by)
        period = cases.record_custody(out, kind=CustodyPeriod.Kind.SENTENCE, prison=prison, starts_on=life.today, by=by)
        cases.record_release(period, on=life.today, by=by)


def _ways_out(life: Life, leaving: Case, closed: Case, stays: Case) -> None:
    """Leaving with everything prepared, left without all of it, and staying after all."""
    by, reason = life.coordinator, life.mark("The exit strategy is in place.")
    going.save_strategy(
        leaving,
        who_stays=life.mark("The drugs service, every fortnight"),
        contact=life.mark("The drugs service, 020 7946 0199"),
        way_back=life.mark("Any agency nominates again"),
        by=by,
    )
    going.consider_safety(leaving, "dealt_with", words=life.mark("Victim contact was told"), by=by)
    agency = Agency.objects.filter(scheme=life.scheme, core=True).order_by("pk").first()
    debts = life.mark("Go on with the debt advice")
    action = plans.add_action(case=leaving, text=debts, agency=agency, due_on=life.today + 28 * DAY, by=by)
    at_exit.settle(leaving, [at_exit.Settled(action, "handed_over", life.mark("Citizens Advice"))], by=by)
    cases.start_leaving(leaving, on=life.today, reason=reason, by=by)
    # Where the end of supervision ends a case nobody proposes anything; the words are there all the same.
    Leaving.objects.filter(case=leaving).update(proposal=reason, proposed_on=life.today)
    exits.close_case(
        closed,
        on=life.today,
        outcome=life.policy.exit.endings[0].slug,
        reason=reason,
        without=life.mark("Settled with a family abroad"),
        by=by,
    )
    going.tell_story(closed, life.mark("Came to every appointment, and works."), by=by)
    # Also where no rule leads from youth justice: every text is somewhere.
    YouthTransfer.objects.create(
        scheme=life.scheme,
        reference="IOM-Y-0900",
        offender=stays.offender,
        status="ended",
        opened_on=life.today,
        recommendation="none",
        recommended_on=life.today,
        recommended_because=life.mark("No new offence"),
        ended_on=life.today,
        ended_because=life.mark("Moved to another force area"),
    )
    cases.start_leaving(stays, on=life.today, reason=reason, by=by)
    going.call_off(stays, on=life.today, reason=life.mark("Wants to go on"), by=by)


def _restricted_before(life: Life, to_none: Case, to_one: Case, lifted: Case) -> None:
    """One on which nobody is named any more, opened in an emergency; one with a name that has run out; one open again."""
    by = life.coordinator
    reason = life.mark("Works with the family of a colleague")
    with life.at(life.today - 5 * DAY):
        # Being named opens a restricted case to those alone who signed the sharing agreement.
        for sign_in in ("police", "health", "deputy", "coordinator"):
            signer = life.staff.actor(sign_in)
            statements = life.policy.sharing_agreement.statements
            agreement.sign(None, by=signer, typed_name=signer.user.name, agreed=[True] * len(statements))
        life.restrict(to_none, "chair")
        life.restrict(to_one, "health", "deputy")
        life.restrict(lifted, "coordinator")
        housing = life.staff.named["housing"]
        restricted.grant(to_one, housing, reason=reason, until=life.today - DAY, by=life.staff.actor("deputy"))
    with life.at(life.today - 4 * DAY):
        restricted.lift(lifted, reason=life.mark("The colleague has left."), by=by)
        gone = task_actor(life.scheme, "seed_demo")
        restricted.remove_grants_of(life.chair.user, life.scheme, by=gone)
    for days in (3, 2):
        with life.at(life.today - days * DAY):
            opening = restricted.break_glass(
                to_none, reason=life.mark("Threats were made against this person tonight."), by=by
            )
    with life.at(life.today - DAY):
        restricted.review(opening, by=life.staff.actor("second-admin"))


def _family(life: Life) -> None:
    """Family and victims as agencies keep them: sealed, opened to some, opened and shut again, ended."""
    housing, health = life.staff.actor("housing"), life.staff.actor("health")
    person = _at_home(life)[0].offender
    known = {"victim": True, "at_risk": "yes", "protection": life.mark("Two to visit, never alone.")}
    lead = life.mark("Duty social worker, 020 7946 0102")
    with life.at(life.today, 0, 8):
        related.add(person, by=housing, relation="former_partner", name=life.mark("Ola Example"), **known)
        child = related.add(person, by=housing, relation="child", **known | {"safeguarding_lead": lead})
        related.open_to(child, audience="police_probation", reason=life.mark("They visit the home."), by=housing)
        parent = related.add(
            person, by=health, relation="parent", victim=False, at_risk="no", name=life.mark("Pat Example")
        )
        readers = [life.staff.named["housing"].agency.slug]
        related.open_to(parent, audience="agencies", readers=readers, reason=life.mark("They give support."), by=health)
        related.shut(parent, by=health)
        over = related.add(person, by=health, relation="victim", victim=True, at_risk="no")
        related.end(over, because="over", by=health)


def _met(life: Life) -> None:
    """Somebody met, somebody who would not come, a half-typed meeting, and what a prison found at reception."""
    police, coordinator = life.staff.actor("police"), life.coordinator
    case, other = _at_home(life)[:2]
    first, second = (pathway.slug for pathway in life.policy.pathways[:2])
    said = {
        "met": Met.MET,
        "met_on": life.today - 2 * DAY,
        "where": Where.COMMUNITY,
        "place": life.mark("Library"),
        "level": life.policy.engagement_levels[2].slug,
        "own_words": life.mark("I want a place of my own before anything else."),
        "support": life.mark("Reads slowly: go through letters together."),
        "needs": {first: {"level": "high", "words": life.mark("Sleeps at a friend's.")}, second: {"level": "some"}},
        "offer_explained": True,
        "expectations_told": True,
        "told_on": life.today - 2 * DAY,
        "risks": life.mark("A dog in the yard."),
    }
    who = {"met_by": life.mark("Ash Example")}
    with life.at(life.today, 0, 9):
        engagement.save(engagement.begin(case, kind="approach", by=police), by=police, done=True, **said | who)
        refused = {"met": Met.DECLINED, "met_on": life.today - DAY, "where": Where.COMMUNITY}
        engagement.save(engagement.begin(other, kind="approach", by=police), by=police, done=True, **refused | who)
        half = engagement.begin(other, kind="approach", by=coordinator)
        engagement.save(half, by=coordinator, done=False, typed={"met_on": life.mark("last week")})
        prison = Membership.objects.filter(scheme=life.scheme, agency__kind="prison").with_role(Role.MEMBER).first()
        if prison is not None:
            by = actor_for(prison)
            reception = engagement.begin(case, kind="reception", by=by)
            engagement.save(reception, by=by, done=True, **said | who | {"where": Where.PRISON})


def _for_the_board(life: Life) -> None:
    """An issue in each state: a draft, one withdrawn, and one that a board outside asks more of and answers."""
    by = life.coordinator
    issue = Issue(**{name: words if name == "kind" else life.mark(words) for name, words in names.ISSUES[1].items()})
    with life.at(life.today, 0, 10):
        escalations.raise_issue(issue, by=by)
        escalations.withdraw(escalations.raise_issue(issue, by=by), reason=life.mark("It was settled."), by=by)
        asked, told, heard = (escalations.raise_issue(issue, by=by) for _ in range(3))
        # Set here: not every scheme has a board outside, and what it says is kept of each.
        Escalation.objects.filter(pk__in=[asked.pk, told.pk, heard.pk]).update(to_body=None)
        for sent, outcome in ((asked, "more_needed"), (told, "answered"), (heard, "answered")):
            escalations.answer_from_outside(
                escalations.send(Escalation.objects.get(pk=sent.pk), by=by),
                outcome=outcome,
                words=life.mark(names.BOARD_SAYS),
                on=life.today,
                said_by=life.mark("The secretary"),
                by=by,
            )
        escalations.feed_back(Escalation.objects.get(pk=heard.pk), on=life.today, by=by)


def _told(life: Life) -> None:
    """What people looked for, a file that somebody had made, a sheet that waits, and a day of the scheme's own."""
    exports.make(
        by=life.coordinator,
        kind="what-if",
        name="what-if-standard",
        header=("Reference",),
        rows=(),
        reason=life.mark("The board asked for it."),
        recipient=life.mark("The board"),
        chosen={},
        subjects=(),
    )
    cases.keep_search(life.mark("Example"), by=life.coordinator)
    row = ",".join((life.mark("Placeholder"), "Alex", life.mark("Purple")))
    sheet = cohort_page.take_in(f"Surname,Forename,RAG\n{row}".encode(), by=life.coordinator)
    cohort_page.match(sheet, dict(enumerate(("family_name", "given_names", "rating"))), by=life.coordinator, version=1)
    holidays.add_holiday(
        life.working_day(life.today + 300 * DAY),
        life.mark("Staff day"),
        life.mark("Note of the council"),
        by=life.staff.actor("admin"),
    )
