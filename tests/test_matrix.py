"""URL × method × role: who is let in, who is refused, and that another scheme's things are the same 404 as what never was.

The table is written by hand. An address that stands in no row fails the test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from iom.checks import every_url
from tests.factories.client import KeyedClient
from tests.factories.signing_in import verified
from tests.world import NEVER, ROLES, World

pytestmark = pytest.mark.django_db

EVERYONE = frozenset(ROLES)
TABLE = frozenset({"member", "researcher", "coordinator", "chair"})
NOMINATE = TABLE | {"referrer"}
COORDINATOR = frozenset({"coordinator"})
CHAIR = frozenset({"chair"})
RETURNS = frozenset({"coordinator", "researcher"})
MEETINGS = TABLE | {"board_reader"}
ADMIN = frozenset({"scheme_admin"})

GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")


@dataclass(frozen=True)
class Row:
    """Who may use an address, with which methods, and what its arguments name."""

    roles: frozenset[str]
    methods: tuple[str, ...] = GET
    of: str = ""
    # The thing is open to all who hold the function, the change only to those who lead it: they meet 403 (security.md Z8).
    some_refused: bool = False


# name of the address: who holds the function, methods, what it is about
MATRIX: dict[str, Row] = {
    # the shared ground
    "home": Row(EVERYONE),
    "notifications": Row(EVERYONE, BOTH),
    "export": Row(EVERYONE, GET, "export"),
    "export_file": Row(EVERYONE, GET, "export"),
    "users": Row(ADMIN, BOTH),
    "rights": Row(ADMIN, BOTH),
    "decide_rights": Row(ADMIN, POST, "rights"),
    "reset_factor": Row(ADMIN, BOTH, "membership"),
    "end_member_sessions": Row(ADMIN, POST, "membership"),
    "outbox": Row(ADMIN, BOTH),
    "audit": Row(frozenset({"coordinator", "scheme_admin"})),
    # people and cases
    "cases": Row(TABLE, BOTH),
    "case": Row(TABLE, GET, "case"),
    # importing a cohort
    "cohort_import": Row(COORDINATOR, BOTH),
    "cohort_columns": Row(COORDINATOR, BOTH, "sheet"),
    "cohort_preview": Row(COORDINATOR, BOTH, "sheet"),
    "cohort_errors": Row(COORDINATOR, GET, "sheet"),
    "cohort_enter": Row(COORDINATOR, POST, "sheet"),
    "cohort_throw_away": Row(COORDINATOR, POST, "sheet"),
    "case_timeline": Row(TABLE, GET, "case"),
    "case_brief": Row(TABLE, GET, "case"),
    "case_information": Row(TABLE, GET, "case"),
    "case_timeline_add": Row(TABLE, BOTH, "case"),
    "case_timeline_correct": Row(TABLE, BOTH, "entry", some_refused=True),
    "case_audit": Row(TABLE, GET, "case", some_refused=True),
    "case_rating": Row(TABLE, BOTH, "case", some_refused=True),
    "case_custody": Row(TABLE, BOTH, "case"),
    "case_leads": Row(TABLE, BOTH, "case", some_refused=True),
    "case_take_lead": Row(TABLE, POST, "case", some_refused=True),
    "case_change_lead": Row(TABLE, BOTH, "role of a case", some_refused=True),
    "case_call_off_lead": Row(TABLE, POST, "hand-over", some_refused=True),
    "caseloads": Row(TABLE),
    "cases_print": Row(TABLE),
    "cases_export": Row(TABLE - {"member"}, BOTH),
    "save_view": Row(TABLE, POST),
    "change_view": Row(TABLE, POST, "view"),
    # bail, court, wanted, arrests, tags: the office, who leads the case, police, probation and prison
    "case_arrest": Row(TABLE, BOTH, "case"),
    "case_attended": Row(TABLE, BOTH, "arrest"),
    "case_status": Row(TABLE, BOTH, "case"),
    "status_outcome": Row(TABLE, BOTH, "status"),
    "case_tag": Row(TABLE, BOTH, "case"),
    "case_hit": Row(TABLE, BOTH, "case", some_refused=True),
    "hit_ruling": Row(TABLE, BOTH, "hit", some_refused=True),
    "case_licence": Row(TABLE, GET, "case"),
    "licence_ask": Row(TABLE, BOTH, "case"),
    "licence_request": Row(TABLE, BOTH, "licence"),
    "idiom": Row(RETURNS, BOTH),
    "idiom_file": Row(RETURNS, BOTH, "idiom_file", some_refused=True),
    "custody_proposals": Row(TABLE),
    "custody_proposal": Row(TABLE, BOTH, "custody_proposal", some_refused=True),
    "prisons": Row(TABLE, BOTH, some_refused=True),
    "prison": Row(TABLE, BOTH, "prison", some_refused=True),
    "case_release": Row(TABLE, POST, "case"),
    "case_supervision": Row(TABLE, POST, "case"),
    # leaving the cohort: read by all, prepared by whoever leads the case
    "youths": Row(TABLE),
    "new_youth": Row(TABLE, BOTH),
    "youth": Row(TABLE, BOTH, "youth"),
    "radar": Row(frozenset({"coordinator", "chair"})),
    "case_exit": Row(TABLE, GET, "case"),
    "case_exit_task": Row(TABLE, BOTH, "exit_task", some_refused=True),
    "case_exit_close": Row(TABLE, BOTH, "case", some_refused=True),
    "case_exit_call_off": Row(TABLE, POST, "case", some_refused=True),
    "case_exit_withdraw": Row(TABLE, POST, "case", some_refused=True),
    "case_exit_actions": Row(TABLE, BOTH, "case", some_refused=True),
    # restricted cases: whoever does not lead the case meets 403 before a form that they would not be given
    "case_open": Row(frozenset({"coordinator", "chair"}), BOTH, "case"),
    "case_restrict": Row(TABLE, BOTH, "case", some_refused=True),
    "case_end_grant": Row(TABLE, POST, "grant"),
    "case_lift": Row(TABLE, POST, "case"),
    # family and victims: whoever holds it, of people whom they reach and records of their own agency
    "case_family": Row(NOMINATE, GET, "case"),
    "case_family_add": Row(NOMINATE, BOTH, "case"),
    "referral_family": Row(NOMINATE, GET, "referral"),
    "referral_family_add": Row(NOMINATE, BOTH, "referral"),
    # meeting the person: the nomination is read by those who read it, the recording by the team and the referrer
    "referral_engagement": Row(NOMINATE, GET, "referral"),
    "referral_engagement_start": Row(NOMINATE, POST, "referral"),
    "case_engagement": Row(NOMINATE, GET, "case"),
    "case_engagement_start": Row(NOMINATE, POST, "case"),
    "engagement": Row(NOMINATE, BOTH, "engagement"),
    "related": Row(NOMINATE, BOTH, "related"),
    "related_open": Row(NOMINATE, POST, "related"),
    "related_shut": Row(NOMINATE, POST, "related"),
    "related_end": Row(NOMINATE, POST, "related"),
    # the safeguarding ledger: whoever neither leads the case nor holds the office asks nobody for a check
    "safeguarding": Row(frozenset({"coordinator", "chair"})),
    "case_safeguarding": Row(TABLE, GET, "case"),
    "case_check": Row(TABLE, BOTH, "kind_of_check"),
    "case_check_ask": Row(TABLE, POST, "kind_of_check"),
    "case_check_take_back": Row(TABLE, POST, "asked_check"),
    "case_check_strike": Row(TABLE, POST, "check"),
    "case_child": Row(TABLE, BOTH, "case"),
    "case_child_answer": Row(TABLE, BOTH, "child"),
    # the groups of a case, and the plain records of the team: the named list is for police and coordinator
    "case_groups": Row(frozenset({"coordinator", "chair"}), BOTH, "case"),
    "case_leave_group": Row(frozenset({"coordinator", "chair"}), POST, "in_group"),
    "case_intelligence": Row(TABLE, BOTH, "case"),
    "records": Row(TABLE),
    "records_cover": Row(TABLE, BOTH),
    "records_cover_end": Row(TABLE, POST, "cover"),
    "records_intelligence": Row(TABLE),
    "records_stories": Row(TABLE),
    "records_story_new": Row(frozenset({"coordinator", "chair"}), BOTH),
    "records_story": Row(frozenset({"coordinator", "chair"}), BOTH, "story"),
    "records_story_withdraw": Row(frozenset({"coordinator", "chair"}), POST, "story"),
    "records_named_list": Row(frozenset({"member", "researcher", "coordinator"}), BOTH),
    "records_listed_end": Row(frozenset({"member", "researcher", "coordinator"}), POST, "listed"),
    "records_places": Row(TABLE, BOTH),
    "records_place_end": Row(TABLE, POST, "premises"),
    "records_file": Row(frozenset({"coordinator", "chair"}), POST, "kind_of_record"),
    "openings": Row(frozenset({"coordinator", "scheme_admin"}), BOTH),
    # nomination
    "referrals": Row(NOMINATE),
    "referral_new": Row(NOMINATE, BOTH),
    "what_if": Row(frozenset({"coordinator", "chair"})),
    "what_if_file": Row(frozenset({"coordinator", "chair"}), POST),
    "resourced_cohorts": Row(frozenset({"coordinator", "scheme_admin"}), BOTH),
    "offences": Row(NOMINATE),
    "referral": Row(NOMINATE, GET, "referral"),
    "referral_check": Row(NOMINATE, BOTH, "referral"),
    "referral_sent": Row(NOMINATE, GET, "referral"),
    "referral_withdraw": Row(NOMINATE, BOTH, "referral"),
    "referral_section": Row(NOMINATE, BOTH, "section"),
    "transfers": Row(frozenset({"researcher", "coordinator", "chair"})),
    "new_transfer": Row(NOMINATE, BOTH),
    "transfer": Row(NOMINATE, BOTH, "transfer", some_refused=True),
    "case_transfer": Row(RETURNS, BOTH, "case"),
    "referral_again": Row(NOMINATE, BOTH, "referral"),
    "case_again": Row(TABLE, BOTH, "case"),
    "referral_decision": Row(NOMINATE, GET, "decided"),
    "notice": Row(NOMINATE, GET, "told"),
    "notice_pdf": Row(NOMINATE, GET, "told"),
    "notice_again": Row(COORDINATOR, POST, "told"),
    "decide_outside": Row(frozenset({"coordinator", "chair"}), BOTH, "referral"),
    "outside_notice": Row(COORDINATOR, POST, "referral"),
    # triage, scores, checks
    "referral_triage": Row(COORDINATOR, BOTH, "referral"),
    "referral_score": Row(TABLE, BOTH, "referral"),
    "case_score": Row(TABLE, BOTH, "case"),
    "research_list": Row(TABLE),
    "research": Row(TABLE, BOTH, "meeting"),
    "nomination_papers": Row(NOMINATE, BOTH, "referral"),
    "case_documents": Row(TABLE, BOTH, "case"),
    "research_papers": Row(TABLE, BOTH, "asked"),
    "paper": Row(NOMINATE, GET, "paper"),
    "paper_remove": Row(NOMINATE, BOTH, "paper"),
    "research_progress": Row(RETURNS, BOTH, "meeting"),
    "research_contacts": Row(COORDINATOR, BOTH),
    # of the members, those of the police (tests.world.KINDS)
    "research_sheet": Row(frozenset({"member", "researcher", "coordinator"}), BOTH, "meeting"),
    "research_person": Row(frozenset({"member", "researcher", "coordinator"}), BOTH, "researched"),
    "referral_research": Row(frozenset({"member", "researcher", "coordinator"}), GET, "referral"),
    # what goes to the board, and what the board is told; whoever does not sit on that body meets 403 there
    "escalations": Row(MEETINGS),
    "new_escalation": Row(frozenset({"coordinator", "chair"}), BOTH),
    "escalation": Row(MEETINGS, BOTH, "escalation", some_refused=True),
    "edit_escalation": Row(frozenset({"coordinator", "chair"}), BOTH, "escalation"),
    "delivery": Row(MEETINGS),
    "delivery_file": Row(frozenset({"coordinator", "chair", "board_reader"}), POST),
    "board_papers": Row(MEETINGS, BOTH, "board", some_refused=True),
    "board_papers_pdf": Row(MEETINGS, GET, "board", some_refused=True),
    # services, gaps, agreements: a member meets 403 before what another agency provides
    "services": Row(NOMINATE | {"board_reader"}),
    "service": Row(NOMINATE | {"board_reader"}, GET, "service"),
    "service_add": Row(frozenset({"member", "researcher", "coordinator"}), BOTH),
    "service_change": Row(frozenset({"member", "researcher", "coordinator"}), BOTH, "service", some_refused=True),
    "service_end": Row(frozenset({"member", "researcher", "coordinator"}), BOTH, "service", some_refused=True),
    "service_gaps": Row(MEETINGS),
    "service_gap_note_add": Row(COORDINATOR, BOTH),
    "service_gap_note": Row(COORDINATOR, BOTH, "gap_note"),
    "service_agreements": Row(MEETINGS),
    "service_agreement": Row(MEETINGS, BOTH, "agreement"),
    "service_agreement_add": Row(COORDINATOR, BOTH),
    "service_agreement_change": Row(COORDINATOR, BOTH, "agreement"),
    # management reports and statements for courts: read by whoever reads the case, written by whoever leads it
    "reports": Row(TABLE),
    "report_supervisors": Row(frozenset({"member", "researcher", "coordinator"}), BOTH),
    "case_report": Row(TABLE, GET, "case"),
    "case_report_write": Row(TABLE, POST, "case"),
    "case_report_review": Row(TABLE, POST, "case"),
    "case_report_pdf": Row(TABLE, GET, "case"),
    "case_statement": Row(TABLE, GET, "case"),
    "case_statement_draft": Row(TABLE, POST, "case"),
    "case_statement_edit": Row(TABLE, BOTH, "case", some_refused=True),
    "case_statement_approve": Row(TABLE, BOTH, "case", some_refused=True),
    "case_statement_held": Row(TABLE, BOTH, "statement"),
    "case_statement_pdf": Row(TABLE, GET, "statement"),
    # plans and actions
    "case_plan": Row(TABLE, GET, "case"),
    "case_tactics": Row(TABLE, BOTH, "case", some_refused=True),
    "case_plan_reviewed": Row(TABLE, POST, "case"),
    "case_need": Row(TABLE, POST, "pathway"),
    "case_add_action": Row(TABLE, POST, "pathway"),
    "case_plan_history": Row(TABLE, GET, "case"),
    "case_change_action": Row(TABLE, POST, "case_action"),
    "case_move_action": Row(TABLE, POST, "case_action"),
    "case_remove_action": Row(TABLE, POST, "case_action"),
    "case_bring_back": Row(TABLE, POST, "case_action"),
    "case_plan_copies": Row(TABLE, BOTH, "case"),
    "case_plan_copy": Row(TABLE, GET, "plan_copy"),
    "case_visits": Row(TABLE, BOTH, "case"),
    "case_visit_made": Row(TABLE, POST, "visit"),
    "case_transition": Row(TABLE, BOTH, "case"),
    "case_transition_add": Row(TABLE, POST, "case"),
    "case_transition_step": Row(TABLE, POST, "transition_step"),
    "case_transition_agreed": Row(frozenset({"coordinator", "chair"}), POST, "case"),
    "case_reviews": Row(TABLE, GET, "case"),
    "case_hold_review": Row(TABLE, POST, "case"),
    "case_tell_panel": Row(TABLE, POST, "case"),
    "case_offer": Row(TABLE, POST, "pathway"),
    "case_answer_offer": Row(TABLE, POST, "offer"),
    "case_ask_money": Row(TABLE, POST, "case"),
    "case_money": Row(TABLE, POST, "money"),
    "case_actions": Row(TABLE, GET, "case"),
    "actions": Row(TABLE, BOTH),
    "action": Row(TABLE, BOTH, "action"),
    "action_change": Row(TABLE, BOTH, "action", some_refused=True),
    # bodies: their slugs are the same in every scheme of a preset
    "bodies": Row(MEETINGS),
    "bodies_people": Row(frozenset({"coordinator", "chair"})),
    "bodies_person": Row(COORDINATOR, BOTH, "membership"),
    "body": Row(MEETINGS, GET, "body"),
    "new_seat": Row(COORDINATOR, BOTH, "body"),
    "seat": Row(COORDINATOR, BOTH, "seat"),
    "end_seat": Row(COORDINATOR, POST, "seat"),
    "body_chair": Row(COORDINATOR, BOTH, "body"),
    "end_appointment": Row(COORDINATOR, POST, "appointment"),
    "review_chair": Row(COORDINATOR, BOTH, "appointment"),
    "propose_organisation": Row(TABLE, BOTH, "body"),
    "join_request": Row(TABLE, BOTH, "proposal"),
    "body_planning": Row(COORDINATOR, BOTH, "body"),
    "settle_day": Row(COORDINATOR, POST, "settled"),
    "other_meeting": Row(COORDINATOR, POST, "body"),
    "change_other_meeting": Row(COORDINATOR, BOTH, "other"),
    # before a meeting
    "meetings": Row(MEETINGS),
    "new_meeting": Row(COORDINATOR, BOTH),
    "meeting": Row(MEETINGS, GET, "meeting"),
    "edit_meeting": Row(COORDINATOR, BOTH, "meeting"),
    "cancel_meeting": Row(COORDINATOR, POST, "meeting"),
    "read_agenda": Row(TABLE, POST, "meeting"),
    "answer_agenda": Row(TABLE, POST, "meeting"),
    "check_in": Row(TABLE, POST, "meeting"),
    "agenda": Row(COORDINATOR, GET, "meeting"),
    "add_to_agenda": Row(COORDINATOR, POST, "meeting"),
    "undo_removal": Row(COORDINATOR, POST, "meeting"),
    "send_agenda": Row(COORDINATOR, BOTH, "meeting"),
    "move_item": Row(COORDINATOR, POST, "item"),
    "remove_item": Row(COORDINATOR, POST, "item"),
    "park_item": Row(COORDINATOR, POST, "item"),
    "bring_item_back": Row(COORDINATOR, POST, "item"),
    "plan_minutes": Row(COORDINATOR, POST, "item"),
    "ask_chair": Row(COORDINATOR, POST, "item"),
    "agree_late": Row(CHAIR, POST, "item"),
    "refuse_late": Row(CHAIR, POST, "item"),
    "arrange_item": Row(COORDINATOR, BOTH, "item"),
    "group_agenda": Row(COORDINATOR, POST, "meeting"),
    "meeting_file": Row(MEETINGS, GET, "meeting"),
    "meeting_brief": Row(TABLE, GET, "meeting"),
    "agenda_pack": Row(TABLE, GET, "meeting"),
    "circulation": Row(COORDINATOR, BOTH, "meeting"),
    "attendance": Row(COORDINATOR, BOTH, "meeting"),
    "add_visitor": Row(COORDINATOR, POST, "meeting"),
    "remove_visitor": Row(COORDINATOR, POST, "visitor"),
    "sign_agreement": Row(TABLE, BOTH, "meeting"),
    "screen": Row(TABLE, GET, "meeting"),
    "show_on_screen": Row(COORDINATOR, POST, "meeting"),
    "move_person": Row(COORDINATOR, POST, "item"),
    "declare_interest": Row(COORDINATOR, POST, "item"),
    "take_back_interest": Row(COORDINATOR, POST, "interest"),
    "take_the_chair": Row(COORDINATOR, POST, "meeting"),
    "signed_at_the_table": Row(COORDINATOR, POST, "visitor"),
    "invite_guest": Row(COORDINATOR, POST, "meeting"),
    "invited_guest": Row(COORDINATOR, POST, "guest_invitation"),
    "agreement": Row(TABLE, BOTH),
    # at and after the meeting
    "live": Row(TABLE, BOTH, "meeting"),
    "start_meeting": Row(COORDINATOR, POST, "meeting"),
    "take_over": Row(COORDINATOR, POST, "meeting"),
    "hand_over": Row(COORDINATOR, POST, "meeting"),
    "force_hand_over": Row(CHAIR, POST, "meeting"),
    "referral_papers": Row(TABLE, GET, "meeting"),
    "heartbeat": Row(COORDINATOR, POST, "meeting"),
    "use_kept_words": Row(COORDINATOR, POST, "meeting"),
    "add_late_item": Row(COORDINATOR, BOTH, "meeting"),
    "ratify_all": Row(COORDINATOR, POST, "meeting"),
    "undo_decision": Row(COORDINATOR, POST, "meeting"),
    "live_draft": Row(COORDINATOR, POST, "meeting"),
    "adjourn_meeting": Row(COORDINATOR, BOTH, "meeting"),
    "resume_meeting": Row(COORDINATOR, POST, "meeting"),
    "close_meeting": Row(COORDINATOR, BOTH, "meeting"),
    "minutes": Row(TABLE, BOTH, "held"),
    "send_minutes": Row(COORDINATOR, POST, "held"),
    "review_minutes": Row(CHAIR, BOTH, "held"),
    "comment_on_minutes": Row(CHAIR, POST, "held"),
    "signed_minutes": Row(TABLE, GET, "version"),
    "minutes_pdf": Row(TABLE, GET, "version"),
    "accessible_pdf": Row(TABLE, GET, "version"),
    "minutes_files": Row(TABLE, GET, "version"),
    "make_minutes_again": Row(COORDINATOR, POST, "version"),
    "comment_on_draft": Row(TABLE, POST, "held_item"),
    "resolve_comment": Row(TABLE, POST, "said"),
    "leave_out": Row(COORDINATOR, POST, "held_item"),
    "marked_words": Row(COORDINATOR, BOTH, "held"),
    "addenda": Row(TABLE, BOTH, "version"),
    "addendum": Row(TABLE, BOTH, "addendum", some_refused=True),
    "addendum_pdf": Row(TABLE, GET, "addendum"),
    "accessible_addendum": Row(TABLE, GET, "addendum"),
    "withdraw_addendum": Row(COORDINATOR, POST, "addendum"),
    "return_addendum": Row(CHAIR, POST, "addendum"),
    "minutes_copies": Row(TABLE, GET, "version"),
    "give_copies": Row(COORDINATOR, POST, "version"),
    "take_copy": Row(TABLE, POST, "copy"),
    "carry_out_copy": Row(COORDINATOR, BOTH, "copy"),
    "redacted_minutes": Row(TABLE, BOTH, "version"),
    "approve_redacted": Row(CHAIR, POST, "version"),
    "take_redacted": Row(TABLE, POST, "version"),
    "check_minutes": Row(TABLE, BOTH),
    "notices": Row(COORDINATOR, BOTH, "held"),
}
# Addresses that need nobody, or only an account.
OPEN = {"sign_in", "sign_out", "invited", "healthz", "readyz", "choose_membership"} | {
    "session_state", "carry_on", "throw_away", "account", "own_sessions", "fresh_code", "choose_keys"
}  # fmt: skip
# Before the code, and how one signs in: each speaks of the reader's own account alone.
OPEN |= {"code", "passkey", "passkey_question", "recovery_code", "recovery_codes", "lost_phone", "set_up_code"}
OPEN |= {"set_up_square", "reset_ask", "reset_asked", "reset", "change_password", "account_security", "new_app"}
# One's own dates, and what a calendar program reads of them.
OPEN |= {"calendar_address", "calendar_feed"}
OPEN |= {"new_recovery_codes", "add_passkey", "passkey_options", "remove_passkey", "forget_devices"}


def names() -> list[str]:
    return sorted({pattern.name for _, pattern in every_url()})


def test_every_address_has_a_name():
    assert [path for path, pattern in every_url() if not pattern.name] == []


@pytest.mark.parametrize("name", names())
def test_every_address_stands_in_the_matrix(name):
    assert name in MATRIX or name in OPEN


@pytest.fixture
def world() -> World:
    return World.make("merton")


@pytest.fixture
def elsewhere() -> World:
    return World.make("second", shift=timedelta(days=1))


def enter(world: World, role: str) -> Client:
    client = KeyedClient(raise_request_exception=True)
    client.force_login(world.people[role].user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["membership"] = world.people[role].pk
    verified(session)
    session.save()
    return client


def plain(response) -> str:
    """A page without what differs from one request to the next."""
    page = response.content.decode()
    page = re.sub(r'value="[A-Za-z0-9]{64}"|name="form_key" value="[^"]+"|"X-CSRFToken": "[^"]+"', "", page)
    return re.sub(r"\d{1,2}:\d\d(:\d\d)?(am|pm)?|request [0-9a-f]{12}|[0-9a-f]{12}", "", page)


def ask(client: Client, method: str, url: str):
    return client.post(url, {}) if method == "POST" else client.get(url)


def test_signed_out_is_sent_to_sign_in(world):
    wrong = []
    for name, row in MATRIX.items():
        for method in row.methods:
            response = ask(Client(), method, reverse(name, args=world.arguments(row.of)))
            if response.status_code != 302 or not response.url.startswith("/sign-in/?next="):
                wrong.append((name, method, response.status_code))

    assert not wrong, "\n".join(map(str, wrong))


def test_other_methods_are_refused(world):
    wrong = []
    for name, row in MATRIX.items():
        client = enter(world, sorted(row.roles)[0])
        for method in {"GET", "POST", "PUT", "DELETE"} - set(row.methods):
            status = client.generic(method, reverse(name, args=world.arguments(row.of))).status_code
            if status != 405:
                wrong.append((name, method, status))

    assert not wrong, "\n".join(map(str, wrong))


def test_every_cell_answers_as_the_matrix_says(world, elsewhere):
    """Roles that lack the function: 403. Roles that hold it: never 403 for a thing of another scheme, but the same 404."""
    wrong = []
    for name, row in sorted(MATRIX.items()):
        own, theirs = world.arguments(row.of), elsewhere.arguments(row.of)
        never = NEVER[row.of]
        for role in ROLES:
            client = enter(world, role)
            for method in row.methods:
                wrong += _cell(client, name, row, method, role, own, theirs, never)

    assert not wrong, "\n".join(map(str, wrong))


def _cell(client, name, row, method, role, own, theirs, never) -> list[str]:
    where = f"{method} {name} as {role}"
    try:
        answer = ask(client, method, reverse(name, args=own))
    except Exception as error:  # noqa: BLE001 -- the table says which cell broke
        return [f"{where}: {type(error).__name__}: {error}"]
    if role not in row.roles:
        return [] if answer.status_code == 403 else [f"{where}: {answer.status_code}, not 403"]
    problems = []
    if answer.status_code == 403 and method == "GET" and not row.some_refused:
        problems.append(f"{where}: 403 for one who holds it")
    if answer.status_code >= 500:
        problems.append(f"{where}: {answer.status_code}")
    if own and own != theirs:
        if answer.status_code == 302:
            client.get("/notifications/")  # shows what the request before had to say
        before = _fingerprint()
        foreign, absent = (ask(client, method, reverse(name, args=args)) for args in (theirs, never))
        if (foreign.status_code, absent.status_code) != (404, 404):
            problems.append(f"{where}: foreign {foreign.status_code}, absent {absent.status_code}")
        elif plain(foreign) != plain(absent):
            problems.append(f"{where}: the two 404 pages differ")
        if _fingerprint() != before:
            problems.append(f"{where}: a refused request changed something")
    return problems


def _fingerprint() -> int:
    """How many rows of cases, referrals, plans and meetings were written in this test, undone or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
            " WHERE relname ~ '^(offenders|referrals|actionplans|panels)_' OR relname = 'iom_meeting'"
        )
        return cursor.fetchone()[0]


def test_fingerprint_sees_a_row_that_is_written(world):
    before = _fingerprint()
    world.things["meeting"].save()

    assert _fingerprint() == before + 1
