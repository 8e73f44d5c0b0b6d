"""Family, victims and contacts: sealed, opened to some with a reason, shut again (Merton, step 2; Richmond, 1.16, 4.15)."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from iom import clock
from iom.access import actor_for
from iom.models import Agency, AuditEvent, Notification
from iom.steps import Stale, StepRefused
from offenders import related
from offenders.models import RelatedOpening, RelatedPerson
from tests import factories

pytestmark = pytest.mark.django_db
KNOWN = {"relation": "former_partner", "victim": True, "at_risk": "yes", "name": "Ola Fieldmouse"}


@pytest.fixture
def who(merton, police):
    return factories.case(merton).offender


@pytest.fixture
def record(who, housing):
    return factories.related(who, housing, name="Ola Fieldmouse")


def reads(record, *people) -> list[bool]:
    return [RelatedPerson.objects.visible_to(actor_for(each)).filter(pk=record.pk).exists() for each in people]


def test_an_agency_enters_what_it_knows_and_alone_reads_it(who, housing, police, coordinator, chair):
    factories.signed(coordinator)
    factories.signed(chair)
    made = related.add(who, by=actor_for(housing), **KNOWN)

    assert (made.agency, made.added_by) == (housing.agency, housing.user)
    assert reads(made, housing, police, coordinator, chair) == [True, False, False, False]
    event = AuditEvent.objects.filter(verb="add_related").get()
    assert sorted(event.subjects) == sorted([f"F{made.pk}", f"P{who.pk}"])


def test_a_colleague_of_the_same_agency_reads_it(merton, record):
    colleague = factories.member(merton, "member", agency_kind="housing", seat=False)
    assert reads(record, colleague) == [True]


def test_somebody_who_is_only_a_victim_is_one(who, as_housing):
    made = related.add(who, by=as_housing, relation="victim", victim=False, at_risk="no")
    assert made.victim is True


def test_opening_to_agencies_takes_the_signature_of_its_readers(record, as_housing, police, chair):
    related.open_to(record, audience="agencies", readers=[police.agency.slug], reason="They visit.", by=as_housing)

    assert reads(record, police, chair) == [False, False]
    factories.signed(police)
    factories.signed(chair)
    assert reads(record, police, chair) == [True, False]


def test_opening_to_police_and_probation_leaves_others_out(merton, record, as_housing, police, chair, coordinator):
    health = factories.member(merton, "member", agency_kind="health")
    for person in (police, chair, coordinator, health):
        factories.signed(person)
    related.open_to(record, audience="police_probation", reason="The risk at release.", by=as_housing)

    assert chair.agency.kind == "probation"
    assert reads(record, police, chair, coordinator, health) == [True, True, False, False]


def test_shutting_seals_it_again_and_keeps_who_read_it_when(record, as_housing, police):
    factories.signed(police)
    related.open_to(record, audience="police_probation", reason="The risk at release.", by=as_housing)
    related.shut(record, by=as_housing)
    related.shut(record, by=as_housing)

    assert reads(record, police) == [False]
    opening = RelatedOpening.objects.get()
    assert (opening.shut_by, opening.shut_at is not None) == (as_housing.user, True)
    assert AuditEvent.objects.filter(verb__in=["open_related", "shut_related"]).count() == 2


def test_opening_again_replaces_whom_it_was_open_to(merton, record, as_housing, police):
    health = factories.member(merton, "member", agency_kind="health")
    for person in (police, health):
        factories.signed(person)
    related.open_to(record, audience="police_probation", reason="Release.", by=as_housing)
    related.open_to(record, audience="agencies", readers=[health.agency.slug], reason="Care.", by=as_housing)

    assert reads(record, police, health) == [False, True]
    assert RelatedOpening.objects.filter(shut_at=None).count() == 1


def test_those_to_whom_it_is_opened_are_told_by_reference_alone(record, as_housing, police, who):
    related.open_to(record, audience="police_probation", reason="Release.", by=as_housing)

    told = Notification.objects.get(recipient=police.user, kind="related_opened")
    assert who.cases.get().reference in told.text
    assert "Fieldmouse" not in told.text + told.url
    assert not Notification.objects.filter(recipient=as_housing.user).exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"audience": "agencies", "readers": [], "reason": "Care."}, "Choose the agencies"),
        ({"audience": "agencies", "readers": ["made-up"], "reason": "Care."}, "Choose the agencies"),
        ({"audience": "police_probation", "reason": "  "}, "Enter why it is opened"),
    ],
)
def test_opening_without_reason_or_reader_is_refused(record, as_housing, given, words):
    with pytest.raises(StepRefused, match=words):
        related.open_to(record, by=as_housing, **given)
    assert not RelatedOpening.objects.exists()


def others(merton, agency):
    return [each.slug for each in Agency.objects.filter(scheme=merton).exclude(pk=agency.pk)]


def test_a_victim_is_never_opened_to_the_whole_panel(merton, record, as_housing, housing):
    everyone = others(merton, housing.agency)
    with pytest.raises(StepRefused, match="never opened to everyone"):
        related.open_to(record, audience="agencies", readers=everyone, reason="Care.", by=as_housing)

    related.open_to(record, audience="agencies", readers=everyone[1:], reason="Care.", by=as_housing)
    assert RelatedOpening.objects.get().readers == sorted(everyone[1:])


def test_a_parent_may_be_opened_to_all_but_not_once_they_are_a_victim(merton, who, as_housing, housing):
    parent = factories.related(who, housing, relation="parent", victim=False, at_risk="no")
    related.open_to(
        parent, audience="agencies", readers=others(merton, housing.agency), reason="Support.", by=as_housing
    )

    with pytest.raises(StepRefused, match="Shut it first"):
        related.change(parent, by=as_housing, victim=True)


def test_nobody_changes_another_agencys_record(record, as_police, as_coordinator):
    factories.signed(as_police.membership)
    factories.related_opening(record, as_police.agency)
    for by in (as_police, as_coordinator):
        with pytest.raises(PermissionDenied):
            related.change(record, by=by, name="Someone else")
        with pytest.raises(PermissionDenied):
            related.open_to(record, audience="police_probation", reason="Because.", by=by)
        with pytest.raises(PermissionDenied):
            related.end(record, because="over", by=by)


def test_a_change_on_top_of_a_colleagues_is_stale(record, as_housing):
    related.change(record, by=as_housing, version=1, protection="Never alone.")
    with pytest.raises(Stale):
        related.change(record, by=as_housing, version=1, protection="Two to visit.")


def test_an_ended_record_is_sealed_and_takes_no_more(record, as_housing, police):
    factories.signed(police)
    related.open_to(record, audience="police_probation", reason="Release.", by=as_housing)
    ended = related.end(record, because="over", by=as_housing)

    assert reads(ended, police, as_housing.membership) == [False, True]
    with pytest.raises(StepRefused, match="has ended"):
        related.change(ended, by=as_housing, name="Other")


def test_a_person_whom_one_does_not_reach_takes_no_record(merton, housing):
    nominated_by_nobody_here = factories.offender(merton)
    with pytest.raises(PermissionDenied):
        related.add(nominated_by_nobody_here, by=actor_for(housing), **KNOWN)


def test_an_agency_that_is_asked_about_a_nomination_may_add(merton, coordinator, housing, police):
    referral = factories.referral(merton, police, status="on_agenda")
    with pytest.raises(PermissionDenied):
        related.add(referral.offender, by=actor_for(housing), **KNOWN)
    meeting = factories.meeting(merton, clock.today())
    factories.check_request(meeting, housing.agency, referral.offender, referral=referral)

    assert related.add(referral.offender, by=actor_for(housing), **KNOWN).agency == housing.agency


def test_of_a_restricted_case_only_those_named_read_their_own_agencys_record(merton, housing):
    case = factories.case(merton, restricted=True)
    record = factories.related(case.offender, housing)
    assert reads(record, housing) == [False]
    factories.named(case, housing)
    assert reads(record, housing) == [True]


def test_another_scheme_reads_nothing(record):
    stranger = factories.member(factories.scheme("london"), "member", agency_kind="housing")
    factories.act_in(record.scheme)
    assert reads(record, stranger) == [False]


def test_the_database_keeps_a_victim_a_victim(who, housing):
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.related(who, housing, relation="victim", victim=False)
