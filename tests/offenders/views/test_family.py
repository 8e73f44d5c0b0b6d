"""The pages of family and victims, driven as people drive them."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from iom import clock
from offenders.models import RelatedOpening, RelatedPerson
from tests import factories

pytestmark = pytest.mark.django_db
ADD = {"relation": "former_partner", "victim": "yes", "at_risk": "yes", "name": "Ola Fieldmouse", "version": "0"}


@pytest.fixture
def case(merton, police):
    return factories.case(merton)


def page(client, address):
    return client.get(address).content.decode()


@pytest.mark.feature(66)
def test_an_agency_adds_opens_and_shuts(case, housing, police, sign_in):
    ours, theirs = sign_in(housing), sign_in(police)
    factories.signed(police)
    family = f"/cases/{case.reference}/family/"

    answer = ours.post(f"{family}add/", ADD | {"protection": "Two to visit."}, follow=True)
    assert "Only" in answer.content.decode()
    assert "Ola Fieldmouse" in page(ours, family)
    assert "Fieldmouse" not in page(theirs, family)
    record = RelatedPerson.objects.get()

    opened = {"audience": "agencies", "readers": [police.agency.slug], "reason": "They visit.", "version": "1"}
    assert ours.post(f"/family/{record.pk}/open/", opened).status_code == 302
    seen = page(theirs, family)
    assert "Ola Fieldmouse" in seen
    assert "They visit." in seen
    assert f"/family/{record.pk}/" not in seen
    assert ours.post(f"/family/{record.pk}/shut/", {"version": "2"}).status_code == 302
    assert "Fieldmouse" not in page(theirs, family)
    shown = page(ours, f"/family/{record.pk}/")
    assert "When it was open" in shown
    assert "They visit." in shown


@pytest.mark.feature(66)
def test_an_agency_that_is_asked_adds_from_the_checks(merton, police, housing, coordinator, sign_in):
    referral = factories.referral(merton, police, status="on_agenda")
    meeting = factories.meeting(merton, clock.today())
    address = f"/referrals/{referral.reference}/family/"
    client = sign_in(housing)
    assert client.get(address).status_code == 404
    factories.check_request(meeting, housing.agency, referral.offender, referral=referral)

    assert client.post(f"{address}add/", ADD).status_code == 302
    assert "Ola Fieldmouse" in page(client, address)
    for other in (police, coordinator):
        assert "Fieldmouse" not in page(sign_in(other), address)


def test_how_many_others_keep_is_said_to_nobody(case, housing, coordinator, sign_in):
    family = f"/cases/{case.reference}/family/"
    client = sign_in(coordinator)
    before = client.get(family).content.decode()
    factories.related(case.offender, housing, name="Ola Fieldmouse")
    after = client.get(family).content.decode()

    plain = [
        re.sub(r'(name="form_key" value|csrf\w*" value|X-CSRFToken": )="?[^",}]*', "", each) for each in (before, after)
    ]
    assert len(plain[0]) == len(plain[1])


def test_the_case_page_says_whom_to_ring_and_names_nobody(case, housing, sign_in):
    factories.related(case.offender, housing, name="Ola Fieldmouse", safeguarding_lead="Duty social worker")
    seen = page(sign_in(housing), f"/cases/{case.reference}/")

    assert "Duty social worker" in seen
    assert "Former partner" in seen or "Partner" in seen
    assert "Fieldmouse" not in seen


def test_errors_are_linked_to_their_fields(case, housing, sign_in):
    client = sign_in(housing)
    answer = client.post(f"/cases/{case.reference}/family/add/", {"version": "0"}).content.decode()
    for words in (
        "Choose who they are to the person",
        "Choose whether they are a victim",
        "Choose whether they are at risk",
    ):
        assert words in answer
    record = factories.related(case.offender, housing)
    answer = client.post(f"/family/{record.pk}/open/", {"audience": "agencies", "version": "1"}).content.decode()
    assert 'href="#id_readers">Choose the agencies that can read it' in answer
    assert not RelatedOpening.objects.exists()


def test_a_stale_change_keeps_both_texts(case, housing, sign_in):
    record = factories.related(case.offender, housing, name="Ola Fieldmouse")
    client = sign_in(housing)
    given = ADD | {"version": "1"}
    assert client.post(f"/family/{record.pk}/", given | {"protection": "First words"}).status_code == 302
    answer = client.post(f"/family/{record.pk}/", given | {"protection": "Second words"})

    assert answer.status_code == 409
    assert "First words" in answer.content.decode()
    assert "Second words" in answer.content.decode()


def test_another_agencys_record_is_the_same_404(case, housing, police, sign_in):
    record = factories.related(case.offender, housing)
    client = sign_in(police)
    assert client.get(f"/family/{record.pk}/").status_code == 404
    assert client.post(f"/family/{record.pk}/end/", {"because": "over", "version": "1"}).status_code == 404


def test_the_list_asks_the_same_of_the_database_however_many(case, housing, sign_in):
    client, family = sign_in(housing), f"/cases/{case.reference}/family/"
    factories.related(case.offender, housing)
    client.get(family)
    with CaptureQueriesContext(connection) as one:
        client.get(family)
    for _ in range(3):
        factories.related_opening(factories.related(case.offender, housing, name="Kit Madeup"))
    with CaptureQueriesContext(connection) as many:
        client.get(family)
    assert len(many) == len(one)
