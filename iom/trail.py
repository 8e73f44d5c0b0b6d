"""Reading the audit: filters, words for what happened, and whom it was about (security.md U11, style.md 8).

The chain holds labels and numbers. Which words a verb has stands here, once; who a number is, and whether the
reader may know it, is answered by the app that holds people (`tells_whom`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Q, QuerySet

from iom import clock
from iom.jinja import lower_first
from iom.models import Agency, AuditEvent, User

if TYPE_CHECKING:
    from iom.access import Actor

KINDS = {
    "read": "Looked at",
    "verb": "Done",
    "rows": "Changed in the database",
    "account": "Accounts",
    "denied": "Refused",
    "failed": "Failed",
}
OUTCOMES = {"done": "Done", "refused": "Refused", "failed": "Failed"}
ROWS = {"insert": "Added", "update": "Changed", "delete": "Removed"}

# So many events are looked through for verbs that have no words: the page costs the same however long the chain is.
OF_LATE = 1000

# Words for verbs whose name alone would puzzle; any other is its name with spaces ("start_plan": "Start plan").
WORDS = {
    "accept": "Accepted onto the cohort",
    "accept_invitation": "Took up an invitation",
    "accept_transfer": "Accepted a transfer or liaison",
    "add_agency": "Entered an organisation",
    "add_agreement": "Wrote down an agreement",
    "add_offender": "Entered a person",
    "add_paper": "Added a file",
    "add_related": "Entered family, a victim or a contact",
    "add_seat": "Added a seat to a body",
    "add_service": "Entered a service",
    "agree_day": "Agreed that a meeting stays on its day",
    "add_cover": "Put somebody on the rota of cover",
    "end_cover": "Took somebody off the rota of cover",
    "compare_intelligence": "Recorded that intelligence was compared with a partner's",
    "write_story": "Wrote a success story",
    "tell_story": "Recorded where a success story was told",
    "withdraw_story": "Withdrew a success story",
    "put_on_list": "Put somebody on the police list",
    "take_off_list": "Took somebody off the police list",
    "add_premises": "Recorded where agencies work together",
    "end_premises": "Ended a place where agencies work together",
    "put_in_group": "Put a case into a group of the cohort",
    "take_out_of_group": "Took a case out of a group of the cohort",
    "answer_tactics": "Went through the tactical options of a rating",
    "answer_duplicates": "Said who of a sheet is known",
    "answer_escalation": "Recorded the board's answer",
    "answer_join_request": "Answered a request to join a body",
    "appoint_chair": "Appointed who chairs",
    "approve_statement": "Approved a statement for a court",
    "arrange_agenda_item": "Said how an item of an agenda is taken",
    "arrive": "Wrote down who came",
    "ask_more_of_escalation": "Recorded that the board asks for more",
    "ask_check": "Asked an agency for a safeguarding check",
    "ask_proposer": "Asked who nominated to come and present",
    "ask_statement_approval": "Asked the lead professional to approve a statement",
    "begin_engagement": "Began to record a meeting with the person",
    "begin_transfer": "Turned to another scheme, or recorded that it turned to us",
    "break_glass": "Opened a restricted case in an emergency",
    "bring_answer_again": "Left the board's answer for the next panel",
    "change_agreement": "Changed an agreement",
    "change_checks_contacts": "Chose who hears of an agency's checks",
    "change_escalation": "Changed an issue for the board",
    "change_gap_note": "Changed a note on a gap in services",
    "change_offender": "Changed a person's details",
    "change_ovp_facts": "Changed what the assessment says for the violence score",
    "change_planning": "Changed how a body's meetings are planned",
    "change_related": "Changed a record of family or victims",
    "change_seat": "Changed who holds a seat or stands in",
    "change_service": "Changed a service",
    "change_statement": "Changed a statement for a court",
    "change_system_check": "Changed what a police system holds of someone",
    "call_off_hand_over": "Called off a change of lead",
    "change_view": "Changed a saved view of the cohort",
    "change_why": "Changed why somebody is on the cohort",
    "check_system": "Wrote down what a police system holds of someone",
    "choose_keys": "Turned the single keys of the live meeting on or off",
    "code": "Gave a security code",
    "code_failed": "Gave a wrong security code",
    "ask_minutes_pdf": "Asked for the files of signed minutes again",
    "check_minutes": "Checked a file of minutes",
    "correct_entry": "Corrected or withdrew an entry of a timeline",
    "create_scheme": "Made the scheme",
    "decide": "Recorded a decision",
    "decide_outside": "Recorded a decision made outside the meeting",
    "decline_transfer": "Declined a transfer or liaison",
    "denied": "Was refused",
    "declare_interest": "Wrote down an interest",
    "device_remembered": "Had a device remembered",
    "disclose": "Shared facts with another scheme",
    "download_export": "Downloaded a file made on request",
    "download_minutes": "Downloaded the minutes",
    "download_notice": "Downloaded a notice",
    "download_paper": "Downloaded a file",
    "draft_statement": "Drafted a statement for a court",
    "drop_statement": "Dropped a draft of a statement",
    "drop_work": "Dropped background work",
    "end_agreement": "Ended an agreement",
    "end_appointment": "Ended an appointment to chair",
    "end_grant": "Ended a name on a restricted case",
    "end_related": "Ended a record of family or victims",
    "end_seat": "Ended a seat",
    "end_service": "Ended a service",
    "end_transfer": "Ended a transfer or liaison",
    "export": "Made a file",
    "export_audit": "Exported the audit",
    "factor_reset": "Had the security code reset",
    "failed": "Met an error",
    "feed_back_escalation": "Recorded that the panel heard the board's answer",
    "finish_engagement": "Recorded a meeting with the person",
    "fresh_code": "Gave a fresh security code",
    "give_statement": "Wrote down to whom a statement was given",
    "group_agenda": "Put an agenda together by need or agency",
    "hold_statement_back": "Held a statement back for a name in it",
    "import_cohort": "Imported a cohort",
    "invite": "Invited someone",
    "invite_guest": "Wrote down whom a meeting invites",
    "judge_harm": "Judged the risk of harm",
    "leave": "Wrote down who left",
    "lift_restriction": "Lifted a restriction",
    "make_statement_pdf": "Made the PDF of a statement",
    "match_columns": "Matched the columns of a sheet",
    "name_on_case": "Named someone on a restricted case",
    "name_supervisor": "Named who supervises an officer",
    "note": "Wrote on a case's timeline",
    "note_gap": "Noted who bids for what is missing",
    "open_related": "Opened a record of family or victims to others",
    "password_changed": "Changed the password",
    "password_reset": "Set a new password by link",
    "propose_organisation": "Proposed an organisation for a body",
    "raise_escalation": "Raised an issue for the board",
    "rate": "Rated a case",
    "ratify_rating": "Ratified a rating given between panels",
    "read": "Looked at a page",
    "read_audit": "Read the audit",
    "read_marked": "Opened what is marked for some agencies",
    "read_case_audit": "Read a case's history",
    "receive_disclosure": "Received facts from another scheme",
    "record_other_meeting": "Recorded when another body meets",
    "record_training": "Recorded somebody's training",
    "recovery_code_used": "Used a recovery code",
    "record_check": "Recorded a safeguarding check",
    "record_child_answer": "Recorded how a concern for a child was answered",
    "refer_child": "Recorded that a concern for a child was referred",
    "refresh_statement": "Brought into a statement what had changed",
    "refuse_late_item": "Refused a late item",
    "remove_paper": "Removed a file",
    "reopen_escalation": "Took back the board's answer",
    "reset_asked": "Asked for a new password",
    "reset_factor": "Reset someone's security code",
    "restrict": "Restricted a case",
    "retry_work": "Tried background work again",
    "review_agreement": "Reviewed an agreement",
    "review_chair": "Reviewed who chairs",
    "review_opening": "Looked over an emergency opening",
    "review_report": "Reviewed a management report",
    "save_engagement": "Saved a meeting with the person",
    "say_accountable": "Said to whom somebody answers",
    "say_resourced": "Said that a cohort is resourced",
    "scan_file": "Had a file scanned for viruses",
    "search": "Searched",
    "see_agreement_signed": "Saw the sharing agreement signed at the table",
    "send_email": "Sent an e-mail",
    "send_board_paper": "Sent the report to the board",
    "send_escalation": "Sent an issue to the board",
    "session_ended": "Session ended",
    "shut_related": "Sealed a record of family or victims again",
    "approve_redacted_minutes": "Approved the minutes without names",
    "change_addendum": "Changed an addendum",
    "comment_on_draft": "Commented on the draft minutes",
    "give_minutes_copy": "Gave a copy of the minutes",
    "hand_case_over": "Handed a case over",
    "remove_view": "Removed a saved view of the cohort",
    "save_view": "Saved a view of the cohort",
    "say_what_the_rule_asks": "Said what the rule of who leads asks",
    "hold_minutes_back": "Minutes held back: a name stood in them",
    "make_minutes_copy": "Made a copy of the minutes",
    "mark_minutes": "Marked words of the minutes for some agencies",
    "prepare_redacted_minutes": "Prepared the minutes without names",
    "resolve_comment": "Resolved a comment on the minutes",
    "return_addendum": "Returned an addendum",
    "sign_addendum": "Signed an addendum",
    "change_youth": "Changed what is known of a move to adult services",
    "end_youth": "Ended a move to adult services",
    "recommend_youth": "Kept what the transfer panel recommends",
    "refer_youth": "Kept who refers a young person",
    "start_youth": "Began a move to adult services",
    "take_over_youth": "Kept that adult services took over",
    "agree_green_period": "Wrote down how long Green is watched",
    "call_off_leaving": "Called somebody's leaving off",
    "consider_safety_at_exit": "Considered victims and safeguarding before somebody leaves",
    "exit_without": "Went on without something that leaving asks for",
    "keep_exit_called_off": "Kept why leaving was called off",
    "keep_exit_decision": "Kept where leaving was decided",
    "keep_exit_not_agreed": "Kept that the panel did not agree to leaving",
    "offer_again": "Chose when to offer the scheme again",
    "propose_exit": "Proposed to the panel that somebody leaves",
    "save_exit_strategy": "Wrote the exit strategy",
    "settle_action": "Said what becomes of an action when somebody leaves",
    "tell_of_leaving": "Told agencies that somebody leaves",
    "tell_success": "Told a success case",
    "withdraw_exit": "Took back a proposal to leave",
    "withdraw_addendum": "Withdrew an addendum",
    "write_addendum": "Wrote an addendum",
    "add_hit": "Recorded a hit of a tag",
    "agree_licence": "Agreed on a licence condition",
    "answer_licence": "Said whether an agency agrees on a licence condition",
    "answer_proposal": "Answered what a feed says of custody",
    "ask_licence": "Asked for a licence condition",
    "check_status": "Checked bail, court or wanted again",
    "end_status": "Recorded what came of bail, court or wanted",
    "end_tag": "Recorded that a tag came off",
    "import_idiom": "Took in the file of IDIOM",
    "include_licence": "Put a licence condition in",
    "keep_prison": "Wrote down a prison and its contact",
    "leave_licence_out": "Left a licence condition out",
    "record_status": "Recorded bail, court or wanted",
    "refuse_licence": "Did not agree on a licence condition",
    "rule_hit": "Ruled the wearer of a tag in or out",
    "start_tag": "Recorded a tag",
    "tell_prison": "Told the prison of a licence condition",
    "throw_idiom_away": "Removed a file of IDIOM",
    "upload_idiom": "Uploaded a file of IDIOM",
    "withdraw_licence": "Withdrew a licence condition",
    "sign": "Signed the minutes",
    "sign_agreement": "Signed the sharing agreement",
    "sign_in": "Signed in",
    "sign_in_failed": "Failed to sign in",
    "signed_in_again": "Signed in again",
    "strike_out_check": "Struck out a safeguarding check",
    "take_back_check": "Took back the question for a safeguarding check",
    "take_back_interest": "Took back an interest",
    "take_back_resourced": "Took back that a cohort is resourced",
    "take_the_chair": "Wrote down who took the chair",
    "take_over_recording": "Took over the recording",
    "throw_away_engagement": "Threw away the draft of a meeting",
    "throw_sheet_away": "Removed an uploaded sheet",
    "transfer_accepted_there": "Another scheme accepted a transfer or liaison",
    "transfer_declined_there": "Another scheme declined a transfer or liaison",
    "transfer_ended_there": "Another scheme ended a transfer or liaison",
    "undo_decision": "Undid a decision just recorded",
    "upload_cohort": "Uploaded a sheet of a cohort",
    "withdraw_checks": "Took back questions to an agency",
    "withdraw_escalation": "Withdrew an issue for the board",
    "add_transition_step": "Added a step to a transition plan",
    "agree_transition": "Recorded that a meeting agreed a transition plan",
    "answer_offer": "Recorded how the person answered an offer",
    "ask_funding": "Asked for money for a plan",
    "bring_back_action": "Brought back an action",
    "decide_funding": "Recorded whether money is agreed",
    "finish_transition_step": "Recorded that a step of a transition plan was taken",
    "hold_review": "Recorded a review",
    "offer": "Recorded an offer of help",
    "plan_transition": "Planned the transition to the end of supervision",
    "remove_transition_step": "Took a step out of a transition plan",
    "reopen_funding": "Took back a decision about money",
    "spend_funding": "Recorded what was spent",
    "take_back_review": "Took back a review",
    "make_plan_copy": "Made a copy of a plan",
    "plan_visit": "Planned a visit",
    "record_visit": "Recorded a visit",
    "tell_panel": "Wrote an update for the panel",
    "unagree_plan": "Took back that a plan is agreed",
    "withdraw_funding": "Withdrew a request for money",
    "write_board_paper": "Wrote the report to the board",
    "write_report": "Wrote in a management report",
}


# What people call a record, where its table is called otherwise.
THINGS = {
    "agencyreturn": "agency's answer",
    "breakglass": "emergency opening",
    "casegrant": "name on a restricted case",
    "chairappointment": "appointment to chair",
    "chairreview": "review of who chairs",
    "check": "safeguarding check",
    "checkasked": "question for a safeguarding check",
    "checkrequest": "question to an agency",
    "custodyproposal": "proposal of custody",
    "idiomfile": "file of IDIOM",
    "idiomrecord": "record of IDIOM",
    "joinrequest": "request to join a body",
    "legalstatus": "bail, court or wanted",
    "licenceanswer": "answer on a licence condition",
    "licencerequest": "licence condition",
    "offender": "person",
    "othermeeting": "meeting of somebody else's body",
    "ragrating": "rating",
    "relatedopening": "opening of a record of family or victims",
    "relatedperson": "record of family or victims",
    "storedfile": "file",
}


def in_words(verb: str) -> str:
    """What a verb means to people."""
    return WORDS.get(verb) or verb.replace("_", " ").capitalize()


def thing_in_words(name: str) -> str:
    """A table ("offenders_case") or model ("offenders.case") as people call it."""
    model = _models().get(name)
    if model is None:
        return name.replace("_", " ").replace(".", " ")
    return THINGS.get(model._meta.model_name) or str(model._meta.verbose_name)


def _models() -> dict[str, Any]:
    return {name: m for m in apps.get_models() for name in (m._meta.label_lower, m._meta.db_table)}


def fields_in_words(name: str, columns: Iterable[str]) -> list[str]:
    """Columns of a table as people call them; those that only count are left out."""
    model = _models().get(name)
    known = {each.column: str(each.verbose_name) for each in model._meta.local_fields} if model else {}
    left_out = ("version", "scheme_id")
    return sorted(known.get(column, column.replace("_", " ")) for column in columns if column not in left_out)


# --- Whom it was about -----------------------------------------------------------------------


@dataclass(frozen=True)
class Whom:
    """One person of an event, as the reader may know them: by references, never by name.

    `tokens` are all by which the chain may name the person. Withheld: the reader may not know who it is.
    """

    references: tuple[str, ...] = ()
    href: str = ""
    withheld: bool = False
    tokens: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def words(self) -> str:
        if self.withheld:
            return "Withheld"
        return ", ".join(self.references) or "Somebody without a reference"


# The people that tokens (P12, C7, R9, references) name, by token. No actor: for the regulator, who may know everybody.
Tell = Callable[["Actor | None", frozenset[str]], Mapping[str, Whom]]
_tells: list[Tell] = []


def tells_whom(function: Tell) -> Tell:
    """Register what knows people by the tokens of the audit, in the scheme of the transaction."""
    _tells.append(function)
    return function


def whom(actor: Actor | None, tokens: Iterable[str]) -> dict[str, Whom]:
    """Whom each token names; what nobody knows any more is not in the answer."""
    asked = frozenset(tokens)
    return {token: person for tell in _tells for token, person in tell(actor, asked).items()}


def tokens_of(event: AuditEvent) -> set[str]:
    """Everything in an event that may name somebody: subjects, the thing, and parts of the page's address."""
    return {*event.subjects, event.object_ref, *_parts(event)}


def _parts(event: AuditEvent) -> list[str]:
    return [part for part in str(event.context.get("of", "")).split("/") if part]


# --- Filters ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """What is looked for. Days are London's, both included; `person` is the number of an account."""

    kind: str = ""
    verb: str = ""
    person: int | None = None
    reference: str = ""
    since: date | None = None
    until: date | None = None

    def context(self) -> dict[str, str | int]:
        """For the event that says that somebody looked: references and numbers only."""
        said = {
            "kind": self.kind,
            "verb_of": self.verb,
            "person": self.person,
            "reference": self.reference,
            "from": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in said.items() if value}


def events(filters: Filters, actor: Actor | None) -> QuerySet[AuditEvent]:
    """The events that fit, of the transaction's scheme; for a reference that the reader may not know none."""
    rows = AuditEvent.objects.all()
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.verb:
        rows = rows.filter(verb=filters.verb)
    if filters.person:
        rows = rows.filter(actor=f"user:{filters.person}")
    if filters.since:
        rows = rows.filter(at__gte=_midnight(filters.since))
    if filters.until:
        rows = rows.filter(at__lt=_midnight(filters.until + timedelta(days=1)))
    if filters.reference:
        person = whom(actor, [filters.reference]).get(filters.reference)
        if person is None or filters.reference not in person.references:
            return rows.none()
        rows = rows.filter(about(person))
    return rows


def showed(person: Whom) -> Q:
    """The events that name a person among their subjects: found by an index, however long the chain is."""
    return Q(body__subjects__has_any_keys=sorted(person.tokens))


def about(person: Whom) -> Q:
    """The events that name a person by any of their tokens, refused addresses included."""
    found = showed(person) | Q(object_ref__in=person.references)
    for reference in person.references:
        found |= Q(context__of=reference) | Q(context__of__startswith=f"{reference}/")
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.LONDON)


# --- In words --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One event as people read it."""

    sequence: int
    when: datetime
    who: str
    agency: str
    what: str
    detail: str
    whom: tuple[Whom, ...]
    outcome: str


def lines(rows: Sequence[AuditEvent], actor: Actor) -> list[Line]:
    """The events with names of accounts, agencies and references: two questions to the database and those of `whom`."""
    people = whom(actor, {token for event in rows for token in tokens_of(event)})
    numbers = {int(name.removeprefix("user:")) for event in rows if (name := _account(event))}
    names = dict(User.objects.filter(pk__in=numbers).values_list("pk", "name"))
    agencies = dict(Agency.objects.in_scheme_of(actor).values_list("pk", "name"))
    return [_line(event, people, names, agencies) for event in rows]


def _account(event: AuditEvent) -> str:
    return event.actor if event.actor.removeprefix("user:").isdigit() else ""


def who(event: AuditEvent, names: Mapping[int, str]) -> str:
    """The person, or what did it by itself."""
    if name := _account(event):
        number = int(name.removeprefix("user:"))
        return names.get(number, f"Account {number}")
    if event.actor:
        return f"By itself: {lower_first(in_words(event.caused_by))}" if event.caused_by else "By itself"
    return f"Database role {event.role}"


def _line(event: AuditEvent, people: Mapping[str, Whom], names: Mapping[int, str], agencies: Mapping[int, str]) -> Line:
    known = {token: people[token] for token in tokens_of(event) if token in people}
    shown = {person.references or token: person for token, person in known.items() if not person.withheld}
    withheld = [person for person in known.values() if person.withheld][:1]
    ordered = [shown[key] for key in sorted(shown, key=str)]
    return Line(
        sequence=event.sequence,
        when=event.at,
        who=who(event, names),
        agency=agencies.get(int(event.agency), "") if event.agency.isdigit() else "",
        what=_what(event),
        detail="; ".join(_details(event, known)),
        whom=(*ordered, *withheld),
        outcome=OUTCOMES.get(event.outcome, event.outcome),
    )


def _what(event: AuditEvent) -> str:
    if event.kind == "rows":
        return f"{ROWS.get(event.verb, event.verb)}: {thing_in_words(event.object_type)}"
    return in_words(event.verb)


def _details(event: AuditEvent, known: Mapping[str, Whom]) -> Iterable[str]:
    """Where it was and what it touched: labels, and references only as far as the reader may know them."""
    hidden = {token for token, person in known.items() if person.withheld}
    context = event.context
    if page := context.get("page"):
        keys = [part for part in _parts(event) if part not in hidden and part not in known]
        plain = [part for part in keys if part.replace("-", "").isdigit()]
        yield f"page {' '.join([page.replace('_', ' '), *plain])}"
    if meeting := context.get("meeting"):
        yield f"meeting {meeting}"
    if event.kind == "rows":
        if count := _more_than_one(event):
            yield f"{count} rows"
        if changed := fields_in_words(event.object_type, changed_columns(event)):
            yield ", ".join(changed)
    if event.before or event.after:
        labels = [label.replace("_", " ").lower() for label in (event.before, event.after) if label]
        yield " to ".join(labels) if event.after else f"{labels[0]} to nothing"
    if event.fields:
        yield ", ".join(name.replace("_", " ") for name in event.fields)
    if event.has_reason:
        yield "with a reason"
    if why := context.get("why"):
        yield str(why).replace("_", " ")
    if event.address:
        yield f"from {event.address}"


def _more_than_one(event: AuditEvent) -> int:
    count = event.body.get("count", 1)
    return count if count > 1 else 0


def changed_columns(event: AuditEvent) -> set[str]:
    """The names of the columns that an update changed."""
    return {column for row in event.body.get("rows", ()) for column in row.get("fields", ())}


def verbs() -> list[str]:
    """The verbs to choose from, in the order of their words: those with words, and any other of late."""
    late = AuditEvent.objects.order_by("-sequence").values_list("kind", "verb")[:OF_LATE]
    return sorted({*WORDS, *(verb for kind, verb in late if kind != "rows")}, key=in_words)


def accounts(actor: Actor) -> list[tuple[int, str]]:
    """Everybody who acts or acted in the scheme, by name."""
    rows = User.objects.filter(memberships__scheme=actor.scheme).distinct().order_by("name", "pk")
    return list(rows.values_list("pk", "name"))
