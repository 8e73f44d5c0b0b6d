"""`seed_demo --schemes N --marker TEXT --manifest FILE`: everything occurs, and every text tells whose it is (L6)."""

import json
import re
from datetime import datetime
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models, transaction

from actionplans.models import Action, ActionStatus, PathwayNeed
from iom import clock, second_factor, walls
from iom.models import Invitation, Meeting, MeetingStatus, Membership, Role, Scheme, StoredFile, User
from iom.second_factor import codes
from offenders.models import Case, CaseGrant, CaseStatus, CustodyPeriod, Leaving, Offender, RagRating
from offenders.models import Case, CaseGrant, CaseStatus, CustodyPeriod, Entry, Offender, RagRating
from panels.copies import lines, names_in, redacted
from panels import board_papers
from panels.models import (
    Addendum,
    AgendaItem,
    Attendance,
    BoardAnswer,
    Circulation,
    Decision,
    EscalationStatus,
    Escalation,
    ItemState,
    Minutes,
    MinutesCopy,
    MinutesStatus,
    Notice,
    Outcome,
)
from referrals.models import AgencyReturn, Handling, Paper, Recommendation, Referral, ReferralStatus

pytestmark = pytest.mark.django_db
MARKER = "ZEBRA"
# Names and free text, by model: whatever somebody would type about a person, or a person's name.
TYPED = {
    "offenders.offender": "family_name given_names sort_name likeness_name address area",
    "offenders.alias": "name likeness_name",
    "offenders.case": "why ended_because",
    "offenders.youthtransfer": "recommended_because ended_because",
    "offenders.leaving": "who_stays contact way_back safety_words proposal without_because decided_because "
    "called_off_because story",
    "offenders.casegrant": "reason",
    "offenders.restriction": "reason lifted_because",
    "offenders.breakglass": "reason",
    "offenders.ragrating": "reason evidence",
    "offenders.assignment": "person_name reason",
    "offenders.handover": "person_name reason notes",
    "offenders.entry": "text source reason",
    "offenders.custodyperiod": "prison sentence offence",
    "offenders.legalstatus": "place outcome",
    "offenders.tag": "licence ended_because",
    "offenders.taghit": "area ruled_because",
    "offenders.prison": "name contact post",
    "offenders.idiomrecord": "history pending bail court prison",
    "offenders.idiomrow": "facts",
    "offenders.custodyproposal": "prison because",
    "offenders.licencerequest": "condition why how_met facts cites agreed_words decided_because prison_told",
    "offenders.licenceanswer": "words",
    "offenders.search": "words",
    "offenders.savedview": "name",
    "offenders.rowtoimport": "cells errors",
    "offenders.transfer": "other_name contact purpose notes answered_by declined_because",
    "offenders.transfershare": "facts with_whom purpose shared_by",
    "offenders.relatedperson": "name protection safeguarding_lead",
    "offenders.relatedopening": "reason",
    "offenders.check": "checked_by ask",
    "offenders.mashreferral": "referred_by",
    "offenders.cover": "person phone",
    "offenders.intelligencecheck": "checked_by",
    "offenders.successstory": "text consent_to told_where",
    "offenders.listed": "family_name given_names",
    "offenders.premises": "place days",
    "referrals.referral": "prison evidence benefit harm safeguarding needs typed presenter urgent_reason "
    "message_to_referrer reopened_because withdrawn_because recommended_because changed_since",
    "referrals.engagement": "place met_by needs risks own_words support typed",
    "referrals.agencyreturn": "summary risk_detail",
    "referrals.harmjudgement": "reason",
    "referrals.resourcedcohort": "reason ended_because",
    "referrals.presentation": "name",
    "referrals.researchcheck": "finding",
    "actionplans.pathwayneed": "goal",
    "actionplans.actionatexit": "taken_by",
    "actionplans.action": "text owner_name note funder",
    "actionplans.planversion": "content",
    "actionplans.offer": "text words",
    "actionplans.funding": "text payer reason",
    "actionplans.review": "words",
    "actionplans.panelupdate": "text",
    "actionplans.transitionstep": "text",
    "actionplans.service": "name organisation areas for_whom how_to_refer contact cost opening waiting priority_terms "
    "commissioned_by ended_because",
    "actionplans.gapnote": "area text bidder bid_to",
    "actionplans.agreement": "with_whom promised given review_words ended_because",
    "actionplans.managementreport": "narrative",
    "actionplans.supervisorreview": "words",
    "actionplans.courtstatement": "court opening lines closing approved_name record",
    "actionplans.statementgiven": "to",
    "actionplans.tactic": "because",
    "actionplans.visit": "words",
    "actionplans.plancopy": "recipient",
    "panels.agendaitem": "title note draft presenter late_refused undo",
    "panels.keptwords": "words",
    "panels.circulation": "substitute_name",
    "panels.attendance": "name substitute_name",
    "panels.interest": "words",
    "panels.actingchair": "because",
    "panels.tablesignature": "name",
    "panels.guestinvitation": "name purpose",
    "panels.agreementsignature": "typed_name",
    "panels.decision": "reason evidence reason_for_referrer dissent correction_reason leads harm_words vote_note "
    "chaired_by",
    "panels.outsidedecision": "urgent_because reason reason_for_referrer leads",
    "panels.consulted": "name said",
    "panels.itemaction": "note",
    "panels.minutes": "narrative comments item_comments record signed_name marked",
    "panels.minutescomment": "text outcome",
    "panels.addendum": "text reason comment record signed_name",
    "panels.minutescopy": "record",
    "panels.copygiven": "recipient reason",
    "panels.notice": "text",
    "panels.escalation": "title stuck tried ask service withdrawn_because",
    "panels.boardanswer": "words said_by",
    "panels.boardpaper": "words",
    "iom.meeting": "place",
    "iom.seat": "ended_because",
    "iom.chairappointment": "words",
    "iom.chairreview": "words",
    "iom.joinrequest": "organisation post why answer",
    "iom.training": "what",
    "iom.accountability": "scheme_to scheme_for line_manager line_for",
    "iom.storedfile": "name removed_because",
    "iom.invitation": "name",
    "iom.export": "reason recipient",
    "iom.schemeholiday": "name source",
}
# Labels, numbers, the scheme's own rules, and what the product says by itself.
NOT_TYPED = {
    "offenders.offender": "pnc_number cro_number prison_number probation_number "
    "pnc_key cro_key prison_key probation_key",
    "offenders.case": "reference criterion outcome",
    "offenders.leaving": "without_what",
    "offenders.youthtransfer": "reference",
    "offenders.toldofleaving": "how",
    "offenders.handover": "rule_said ended_because",
    "offenders.savedview": "query",
    "offenders.transfer": "reference",
    "offenders.mashreferral": "to reference_there",
    "offenders.ingroup": "group",
    "offenders.intelligencecheck": "system",
    "offenders.premises": "agencies",
    "offenders.custodyperiod": "release_source",
    "offenders.legalstatus": "source",
    "offenders.tag": "offence",
    "offenders.taghit": "crime_reference",
    "offenders.prison": "phone",
    "offenders.idiomrecord": "wanted",
    "offenders.idiomfile": "left_out columns",
    "offenders.custodyproposal": "key source",
    "offenders.relatedopening": "readers",
    "offenders.entry": "readers key",
    "offenders.rowtoimport": "faults warnings alike",
    "offenders.sheettoimport": "headings matched notes entered",
    "referrals.referral": "reference sections_done facts noted_matches offence_code ovp_facts proposed_clause",
    "referrals.score": "model_version inputs band effects",
    "referrals.finding": "outcome route clauses facts sub_cohorts",
    "referrals.presentation": "source",
    "referrals.engagement": "level",
    "referrals.agencyreturn": "pathways readers",
    "referrals.researchcheck": "system readers",
    "actionplans.pathwayneed": "pathway",
    "actionplans.action": "pathway",
    "actionplans.offer": "pathway",
    "actionplans.funding": "pathway",
    "actionplans.service": "pathways",
    "actionplans.gapnote": "pathway",
    "actionplans.courtstatement": "record_sha256",
    "actionplans.tactic": "group text",
    "actionplans.markertask": "text",
    "panels.agendaitem": "number why need",
    "panels.attendance": "post",
    "panels.decision": "leads_to_give",
    "panels.actingchair": "rule source",
    "panels.tablesignature": "agreement_version",
    "panels.guestinvitation": "post",
    "panels.agreementsignature": "agreement_version",
    "panels.minutes": "record_sha256 left_out",
    "panels.addendum": "item_number record_sha256",
    "panels.minutescopy": "record_sha256 kept_lines",
    "panels.escalation": "reference to_name",
    "panels.boardpaper": "figures",
    "iom.agency": "name kind",
    "iom.body": "name kind areas",
    "iom.meeting": "area grouping",
    "iom.seat": "post",
    "iom.policyversion": "document reason",
    "iom.membership": "post roles",
    "iom.invitation": "digest post roles seat_ids",
    "iom.notification": "kind subject text url email_body",
    "iom.reminder": "kind subject",
    "iom.counter": "kind",
    "iom.storeddate": "kind rule source skipped warnings holidays_version",
    "iom.storedfile": "kind sha256 readers scanner_said",
    "iom.document": "kind reference name content_type sha256",
    "iom.export": "name sha256",
    "iom.outboxmessage": "kind key payload caused_by outcome last_error",
    "iom.logentry": "*",
    "iom.auditevent": "*",
}


@pytest.fixture(scope="module")
def manifest(django_db_setup, django_db_blocker, tmp_path_factory):
    """Two schemes, loaded once for the tests here and rolled back after them; what the manifest says of them."""
    path = tmp_path_factory.mktemp("demo") / "manifest.json"
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("seed_demo", schemes=2, marker=MARKER, manifest=str(path), stdout=StringIO())
        # Now, once: else every test checks at its end what this left to be checked.
        connection.check_constraints()
        yield json.loads(path.read_text())
        transaction.set_rollback(True)


@pytest.fixture
def schemes(manifest):
    return list(Scheme.objects.order_by("pk"))


def held(scheme, model, **lookup):
    with walls.within(scheme, cause="test"):
        return list(model._base_manager.filter(scheme=scheme, **lookup))


def values(scheme, model, field):
    return {getattr(row, field) for row in held(scheme, model)}


def text_fields(model):
    """Fields of a model that could hold words: without fixed choices, and no slug or address."""
    for field in model._meta.concrete_fields:
        inner = getattr(field, "base_field", field)
        plain = isinstance(inner, (models.CharField, models.TextField, models.JSONField))
        if plain and not inner.choices and not isinstance(inner, (models.SlugField, models.EmailField)):
            yield field


def words_in(value):
    """The texts in a value, whatever shape it has."""
    if isinstance(value, dict):
        return [word for each in value.values() for word in words_in(each)]
    if isinstance(value, list):
        return [word for each in value for word in words_in(each)]
    return [value] if isinstance(value, str) and value else []


def of_scheme():
    return [
        model
        for model in apps.get_models()
        if any(field.name == "scheme" for field in model._meta.concrete_fields) and model._meta.managed
    ]


def test_each_text_field_of_a_scheme_is_known_to_be_typed_or_not():
    unknown = [
        f"{model._meta.label_lower}.{field.name}"
        for model in of_scheme()
        for field in text_fields(model)
        if field.name
        not in f"{TYPED.get(model._meta.label_lower, '')} {NOT_TYPED.get(model._meta.label_lower, '')}".split()
        and NOT_TYPED.get(model._meta.label_lower) != "*"
    ]

    assert not unknown, "Say above whether these hold a name or free text, and mark them in panels/demonstration"


@pytest.mark.parametrize("label", TYPED)
def test_every_name_and_free_text_holds_the_mark_of_its_scheme(label, manifest, schemes):
    model = apps.get_model(label)
    for number, scheme in enumerate(schemes, start=1):
        rows = held(scheme, model)
        for field in TYPED[label].split():
            mine = [value for row in rows if (value := getattr(row, field)) and not is_the_products_own(row, field)]
            assert mine, f"{label}.{field} is filled in no row of scheme {number}"
            for value in mine:
                # Of a value with several parts, such as the record of a meeting, one part is enough.
                marks = re.findall(rf"{MARKER}(\d+)", " ".join(words_in(value)), re.IGNORECASE)
                assert set(marks) == {str(number)}, (label, field, value)


def is_the_products_own(row, field):
    """Standing items are called what the product calls them; a lead that is only an agency names nobody; some ratings
    follow without a decision; and an acknowledgement goes by itself."""
    if isinstance(row, BoardAnswer) and field == "said_by":
        return row.decision_id is not None  # the board itself, at its meeting
    if isinstance(row, Notice) and row.kind == Notice.Kind.RECEIPT:
        return True
    if isinstance(row, Action) and row.text.startswith("Set the marker for"):
        return field == "text"
    if isinstance(row, RagRating):
        return row.reason.startswith("Came into custody")
    if isinstance(row, Leaving) and field == "called_off_because":
        return row.called_off_because.startswith("No longer rated Green")
    if isinstance(row, Addendum) and field == "reason":
        return row.approval_id is not None
    if isinstance(row, Entry):
        # What a verb or a feed says in the product's words.
        return row.kind == "tag_hit" or row.key.startswith(("status:", "tag:", "idiom:"))
    if isinstance(row, MinutesCopy):
        return row.kind == MinutesCopy.Kind.REDACTED
    if isinstance(row, AgendaItem) and field == "presenter":
        return row.title == board_papers.PROGRESS  # presented by a post that the scheme's rules name
    if isinstance(row, AgendaItem) and field == "title":
        return row.section != "escalations"
    return isinstance(row, Decision) and field == "leads" and not any(held["name"] for held in row.leads.values())


def test_no_text_holds_the_mark_of_another_scheme(manifest, schemes):
    for number, scheme in enumerate(schemes, start=1):
        for model in of_scheme():
            for row in held(scheme, model):
                for field in text_fields(model):
                    marks = set(re.findall(rf"{MARKER}(\d+)", str(getattr(row, field.name)), re.IGNORECASE))
                    assert marks <= {str(number)}, (model, field.name)


def test_people_who_work_in_a_scheme_are_marked_too(manifest, schemes):
    for number, scheme in enumerate(schemes, start=1):
        rows = Membership.objects.filter(scheme=scheme).exclude(user__email__endswith="@installation.example")
        assert all(name.endswith(f"{MARKER}{number}") for name in rows.values_list("user__name", flat=True))
    between = User.objects.filter(email__endswith="@installation.example").values_list("name", flat=True)
    assert all(name.endswith(MARKER) for name in between)


def test_every_role_state_and_restriction_occurs_in_each_scheme(manifest, schemes):
    for scheme in schemes:
        roles = {
            role for roles in Membership.objects.filter(scheme=scheme).values_list("roles", flat=True) for role in roles
        }
        assert roles == set(Role.values)
        assert values(scheme, Referral, "status") == set(ReferralStatus.values)
        assert values(scheme, Referral, "recommendation") >= {"", Recommendation.ELSEWHERE}
        assert values(scheme, Case, "status") == set(CaseStatus.values)
        assert values(scheme, Meeting, "status") == set(MeetingStatus.values)
        assert values(scheme, Minutes, "status") == set(MinutesStatus.values)
        assert values(scheme, AgendaItem, "state") >= {ItemState.OPEN, ItemState.DECIDED, ItemState.PARKED}
        assert values(scheme, Action, "status") == set(ActionStatus.values)
        assert values(scheme, AgencyReturn, "known") == set(AgencyReturn.Known.values)
        assert values(scheme, AgencyReturn, "handling") >= set(Handling.values)
        assert {answer.sent_at is None for answer in held(scheme, AgencyReturn)} == {True, False}
        assert values(scheme, StoredFile, "handling") == set(Handling.values)
        assert {(p.referral_id, p.case_id, p.request_id).count(None) for p in held(scheme, Paper)} == {2}
        assert all(values(scheme, Paper, name) != {None} for name in ("referral_id", "case_id", "request_id"))
        assert values(scheme, Notice, "status") == set(Notice.Status.values)
        assert values(scheme, Escalation, "status") == set(EscalationStatus.values)
        assert values(scheme, Circulation, "answer") >= {"yes", "substitute"}
        assert values(scheme, Attendance, "standing") == set(Attendance.Standing.values)
        assert values(scheme, Attendance, "how") >= {"present", "substitute"}
        assert values(scheme, CustodyPeriod, "kind") == set(CustodyPeriod.Kind.values)
        assert values(scheme, PathwayNeed, "level") == set(PathwayNeed.Level.values)
        decided = values(scheme, Decision, "outcome")
        assert decided >= {Outcome.ACCEPT, Outcome.NOT_ACCEPT, Outcome.DEFER, Outcome.ELSEWHERE, Outcome.NO_CHANGE}
        with walls.within(scheme, cause="test"):
            colours = {rating.colour for rating in scheme.policy.ratings}
        assert values(scheme, RagRating, "colour") == colours
        shut = held(scheme, Case, restricted=True)
        assert {case.status for case in shut} >= {CaseStatus.OPEN, CaseStatus.CLOSED}
        grants = held(scheme, CaseGrant)
        assert {case.pk for case in shut} - {grant.content_object_id for grant in grants}
        assert any(grant.expires_at and grant.expires_at < clock.now() for grant in grants)
        invited = held(scheme, Invitation)
        assert {(each.spent_at is not None, each.is_open(clock.now())) for each in invited} >= {
            (True, False), (False, True), (False, False),
        }  # fmt: skip


@pytest.mark.feature(302)
def test_no_name_of_a_signed_record_stands_in_its_copy_without_names(manifest, schemes):
    checked = 0
    for scheme in schemes:
        born = {person.date_of_birth.isoformat() for person in held(scheme, Offender) if person.date_of_birth}
        for minutes in held(scheme, Minutes, status="signed"):
            record = minutes.record
            for keep in (frozenset(), frozenset(line.key for line in lines(record))):
                copy = redacted(record, keep)
                said = words_in(copy)
                # Every text of this scheme's people is marked, so that one that got through would show.
                assert not [text for text in said if MARKER in text], minutes
                assert not {name for name in names_in(record) for text in said if name in text}, minutes
                assert not born & set(said)
                assert len(copy["items"]) == len(record["items"])
                checked += 1
    assert checked >= 4


def test_manifest_names_what_is_there_and_who_may_open_it(manifest, schemes):
    assert manifest["marker"] == MARKER
    assert [(each["number"], each["slug"], each["mark"]) for each in manifest["schemes"]] == [
        (1, "merton", f"{MARKER}1"), (2, "london", f"{MARKER}2"),
    ]  # fmt: skip
    for scheme in schemes:
        told = {each["reference"]: each for each in manifest["cases"] if each["scheme"] == scheme.slug}
        assert told.keys() == {case.reference for case in held(scheme, Case)}
        nominated = {each["reference"]: each for each in manifest["referrals"] if each["scheme"] == scheme.slug}
        assert nominated.keys() == {referral.reference for referral in held(scheme, Referral)}
        told_of = [each for each in manifest["answers"] if each["scheme"] == scheme.slug]
        assert {each["handling"] for each in told_of} == set(Handling.values)
        assert all(len(each["readers"]) == 2 for each in told_of if each["handling"] == Handling.AGENCIES)
        shut = [each for each in told.values() if each["restricted"]]
        assert shut
        for each in shut:
            named = {one["email"] for one in each["named"] if datetime.fromisoformat(one["until"]) > clock.now()}
            assert set(each["may_open"]) <= named
        assert any(each["may_open"] for each in shut)
        accounts = [each for each in manifest["accounts"] if each["scheme"] == scheme.slug]
        assert {each["state"] for each in accounts} == {"active", "left", "disabled"}
        assert len(accounts) == Membership.objects.filter(scheme=scheme).count()
    assert {tuple(each["roles"]) for each in manifest["accounts"] if each["scheme"] is None} == {("system_admin",)}
    twice = [each["scheme"] for each in manifest["accounts"] if each["email"] == "both@installation.example"]
    assert twice == ["merton", "london"]


def test_people_of_the_manifest_sign_in_with_what_it_says(manifest, client):
    signed_in = {}
    for account in manifest["accounts"]:
        if account["scheme"] == "london" and account["email"].startswith(("referrer@", "researcher@", "disabled@")):
            answer = client.post("/sign-in/", {"email": account["email"], "password": account["password"]})
            signed_in[account["email"].partition("@")[0]] = answer.status_code
            client.post("/sign-out/")

    assert signed_in["referrer"] == signed_in["researcher"] == 302
    assert signed_in["disabled"] != 302


def test_codes_of_the_manifest_are_right(manifest):
    secrets = {each["email"]: each["factors"]["totp_secret"] for each in manifest["accounts"]}
    health = User.objects.get(email="health@merton.example")
    code = codes.code_at(secrets[health.email], codes.step_at(clock.now()))

    assert second_factor.verify(health, code).ok
    assert [email for email, secret in secrets.items() if secret is None] == [
        "joined@merton.example",
        "joined@london.example",
    ]
