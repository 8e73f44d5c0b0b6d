"""Transfers between areas and liaison: the verbs, and what crosses from one scheme to another."""

from __future__ import annotations

from datetime import date

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.utils import ProgrammingError

from iom import outbox, walls
from iom.access import actor_for
from iom.models import AuditEvent, Notification
from iom.steps import Stale, StepRefused
from offenders import likeness, restricted, transfers
from offenders.models import Offender, Transfer, TransferShare
from tests import factories

pytestmark = pytest.mark.django_db
WHO = ["given_names", "family_name", "date_of_birth"]


@pytest.fixture
def case(merton):
    who = factories.offender(merton, family_name="Specimen", given_names="Ray", pnc_number="95/1234A")
    who.aliases.create(scheme=merton, name="Razor")
    return factories.case(merton, who=who)


@pytest.fixture
def richmond(merton):
    return factories.scheme("richmond")


@pytest.fixture
def there(richmond):
    """Their coordinator."""
    with walls.within(richmond, cause="test"):
        return actor_for(factories.member(richmond, "coordinator", name="Remy There"))


def begin(case, by, **fields):
    given = {
        "kind": "moved_away",
        "contact": "Alex There",
        "purpose": "Moves in with a sister.",
        "keys": WHO,
        "other_name": "Exampleshire IOM",
    }
    if "other_scheme" in fields:
        given["other_name"] = ""
    return transfers.begin(case, by=by, **given | fields)


def arrived(scheme) -> Transfer:
    with walls.within(scheme, cause="test"):
        return Transfer.objects.prefetch_related("shares").get(scheme=scheme)


def verbs(scheme) -> list[tuple]:
    with walls.within(scheme, cause="test"):
        rows = AuditEvent.objects.filter(kind="verb").order_by("sequence")
        return [
            (row.verb, sorted(row.body.get("fields", [])))
            for row in rows
            if "disclos" in row.verb or "transfer" in row.verb
        ]


# --- One side ---------------------------------------------------------------


def test_what_was_shared_with_whom_when_and_why_is_kept(case, as_coordinator):
    transfer = begin(case, as_coordinator, keys=[*WHO, "pnc_number"], words="Ask for the evening shift.")

    share = transfer.shares.get()
    assert [fact["label"] for fact in share.facts] == [
        "First names",
        "Last name",
        "Date of birth",
        "PNC number",
        "In words",
    ]
    assert (share.with_whom, share.shared_by) == ("Exampleshire IOM, Alex There", "Priya Shah")
    assert share.purpose == "Moves in with a sister."
    assert (transfer.status, transfer.incoming, transfer.case) == ("waiting", False, case)


def test_nothing_but_what_was_ticked_is_kept(case, as_coordinator):
    share = begin(case, as_coordinator, keys=["family_name"]).shares.get()

    assert [fact["words"] for fact in share.facts] == ["Specimen"]
    assert "95/1234A" not in str(share.facts)


def test_share_cannot_be_edited_afterwards(case, as_coordinator):
    share = begin(case, as_coordinator).shares.get()

    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        TransferShare.objects.filter(pk=share.pk).update(purpose="Another")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "elsewhere"}, "Choose how the other area is concerned."),
        ({"other_name": " "}, "Choose the other scheme, or enter its name."),
        ({"purpose": " "}, "Enter why the other scheme needs to know."),
    ],
)
def test_transfer_lacks_what_it_needs(case, as_coordinator, fields, words):
    with pytest.raises(StepRefused, match=words):
        begin(case, as_coordinator, **fields)


def test_same_is_not_begun_twice_while_it_goes_on(case, as_coordinator):
    first = begin(case, as_coordinator)

    with pytest.raises(StepRefused, match="is with Exampleshire IOM already"):
        begin(case, as_coordinator)
    transfers.decline(first, by=as_coordinator, reason="Not theirs.")
    assert begin(case, as_coordinator).pk != first.pk


def test_closed_case_is_not_transferred(merton, as_coordinator):
    case = factories.case(merton, status="closed", ended_on=date(2026, 2, 1))

    with pytest.raises(StepRefused, match="is closed"):
        begin(case, as_coordinator)


def test_policy_says_what_is_offered(merton, case, as_coordinator):
    merton.policy.transfers.liaison  # noqa: B018 -- Merton has both
    assert [kind.value for kind in transfers.kinds_offered(merton)] == [
        "moved_here",
        "moved_away",
        "offends_there",
        "offends_here",
    ]


def test_members_and_chairs_share_nothing(case, as_police, as_chair):
    for actor in (as_police, as_chair):
        with pytest.raises(PermissionDenied):
            begin(case, actor)


def test_restricted_case_is_shared_by_those_named_alone_and_never_in_an_emergency(merton, coordinator, as_coordinator):
    case = factories.case(merton, restricted=True)
    with pytest.raises(PermissionDenied):
        begin(case, as_coordinator)

    restricted.break_glass(case, reason="Threats were made against this person.", by=as_coordinator)
    assert as_coordinator.can("offenders.view_case", case)
    with pytest.raises(PermissionDenied):
        begin(case, as_coordinator)

    factories.named(case, coordinator)
    assert begin(case, as_coordinator).case == case


def test_transfer_of_a_restricted_case_is_absent_for_everyone_else(
    merton, coordinator, chair, as_chair, as_coordinator
):
    case = factories.case(merton, restricted=True)
    factories.named(case, coordinator)
    begin(case, as_coordinator)

    assert Transfer.objects.visible_to(as_coordinator).count() == 1
    assert not Transfer.objects.visible_to(as_chair).exists()


def test_liaison_goes_on_until_it_is_ended(case, as_coordinator):
    transfer = begin(case, as_coordinator, kind="offends_there")
    transfer = transfers.accept(transfer, by=as_coordinator)
    assert transfer.is_open

    transfers.tell_more(transfer, by=as_coordinator, keys=["why"], purpose="New offences.")
    transfers.note_told(transfer, by=as_coordinator, words="Seen there on Friday.")
    assert [share.outgoing for share in transfer.shares.order_by("pk")] == [True, True, False]

    transfer = transfers.end(transfer, by=as_coordinator, notes="Nothing more there.")
    assert not transfer.is_open
    with pytest.raises(StepRefused, match="is ended"):
        transfers.tell_more(transfer, by=as_coordinator, keys=["why"], purpose="Again.")


def test_second_answer_is_stale_or_refused(case, as_coordinator):
    transfer = begin(case, as_coordinator)
    transfers.accept(transfer, by=as_coordinator, version=1)

    with pytest.raises(Stale):
        transfers.decline(transfer, by=as_coordinator, reason="No.", version=1)
    with pytest.raises(StepRefused, match="already accepted"):
        transfers.decline(transfer, by=as_coordinator, reason="No.", version=2)


# --- Both sides -------------------------------------------------------------


@pytest.mark.feature(117)
def test_other_scheme_gets_exactly_what_was_ticked(case, as_coordinator, richmond, there):
    sent = begin(case, as_coordinator, other_scheme=richmond, keys=["family_name", "date_of_birth"])
    outbox.drain()

    got = arrived(richmond)
    assert (got.incoming, got.kind, got.status) == (True, "moved_here", "waiting")
    assert (got.pair, got.scheme, got.offender, got.case) == (sent.pair, richmond, None, None)
    assert (got.other_scheme, got.other_name) == (case.scheme, case.scheme.name)
    [share] = got.shares.all()
    assert [(fact["key"], fact["words"]) for fact in share.facts] == [
        ("family_name", "Specimen"),
        ("date_of_birth", "4 Feb 1994"),
    ]
    assert (share.outgoing, share.shared_by) == (False, f"Priya Shah, {case.scheme.name}")
    with walls.within(richmond, cause="test"):
        assert not Offender.objects.filter(family_name="Specimen").exists()


def test_disclosure_stands_in_the_chain_of_each_scheme(case, as_coordinator, richmond, there):
    begin(case, as_coordinator, other_scheme=richmond)
    outbox.drain()

    assert ("disclose", sorted(WHO)) in verbs(case.scheme)
    assert ("receive_disclosure", sorted(WHO)) in verbs(richmond)


def test_their_coordinator_is_told_without_personal_data(case, as_coordinator, richmond, there):
    begin(case, as_coordinator, other_scheme=richmond)
    outbox.drain()

    got = arrived(richmond)
    with walls.within(richmond, cause="test"):
        notice = Notification.objects.get(recipient=there.user)
    assert notice.text == f"Answer transfer {got.reference} from {case.scheme.name}"
    [message] = [each for each in mail.outbox if there.user.email in each.to]
    for secret in ("Specimen", "Ray", case.reference, "sister"):
        assert secret not in message.subject + message.body


def test_share_that_is_delivered_twice_arrives_once(case, as_coordinator, richmond, there):
    sent = begin(case, as_coordinator, other_scheme=richmond)
    outbox.drain()

    assert transfers.deliver_share(sent.shares.get()) == "skipped"
    with walls.within(richmond, cause="test"):
        assert TransferShare.objects.count() == 1


@pytest.mark.feature(117)
def test_reason_for_declining_travels_back(case, as_coordinator, richmond, there):
    sent = begin(case, as_coordinator, other_scheme=richmond)
    outbox.drain()
    with pytest.raises(StepRefused, match="answers this"):
        transfers.accept(sent, by=as_coordinator)

    with walls.within(richmond, by=there):
        transfers.decline(arrived(richmond), by=there, reason="Never moved in.")
    outbox.drain()

    sent.refresh_from_db()
    assert (sent.status, sent.declined_because) == ("declined", "Never moved in.")
    assert sent.answered_by == f"Remy There, {richmond.name}"
    assert Notification.objects.filter(recipient=as_coordinator.user, kind="transfer_answered").exists()
    assert any(verb == "transfer_declined_there" for verb, _ in verbs(case.scheme))


@pytest.mark.feature(118)
def test_liaison_travels_both_ways_and_more_is_told_later(case, as_coordinator, richmond, there):
    sent = begin(case, as_coordinator, kind="offends_there", other_scheme=richmond)
    outbox.drain()
    assert arrived(richmond).kind == "offends_here"
    with walls.within(richmond, by=there):
        got = transfers.accept(arrived(richmond), by=there)
        transfers.tell_more(got, by=there, keys=[], words="Banned from the town centre.", purpose="For the visit.")
    outbox.drain()

    sent.refresh_from_db()
    assert sent.status == "accepted"
    told = sent.shares.filter(outgoing=False).get()
    assert told.facts[0]["words"] == "Banned from the town centre."
    transfers.end(sent, by=as_coordinator, notes="Over.")
    outbox.drain()
    assert arrived(richmond).status == "ended"


def test_person_whom_they_mean_is_found_among_ours(case, as_coordinator, richmond, there):
    with walls.within(richmond, cause="test"):
        ours = factories.offender(
            richmond, family_name="Specimén", given_names="Raymond", date_of_birth=date(1994, 2, 4)
        )
    begin(case, as_coordinator, other_scheme=richmond)
    outbox.drain()

    with walls.within(richmond, cause="test"):
        assert [each.offender for each in likeness.find(richmond, transfers.person_of(arrived(richmond)))] == [ours]


def test_neither_side_reads_the_others_row(case, as_coordinator, richmond, there):
    begin(case, as_coordinator, other_scheme=richmond)
    outbox.drain()

    with walls.within(richmond, by=there):
        assert {row.scheme for row in Transfer.objects.all()} == {richmond}
    assert {row.scheme for row in Transfer.objects.all()} == {case.scheme}
