"""From the deadline to the table, as each scheme's rules have it: through the pages (features 58 to 66)."""

from datetime import date

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from iom.access import actor_for
from iom.models import Agency
from panels import agenda
from referrals import actions
from referrals.models import CheckRequest
from tests import factories

pytestmark = pytest.mark.django_db

PANEL = date(2026, 3, 12)
# When nominations for a panel of 12 March 2026 close, and when its agenda is due, by each scheme's own way of counting.
DATES = {
    "merton": ("Mon 2 March", "2026-03-05"),
    "london": ("Thu 26 February", "2026-03-05"),
    "richmond": ("Thu 26 February", "2026-03-05"),
    "waltham_forest": ("Thu 26 February", "2026-03-05"),
    "hampshire": ("Thu 26 February", "2026-03-05"),
}
EACH = pytest.mark.parametrize("slug", DATES)


@pytest.fixture
def people():
    def of(slug):
        scheme = factories.scheme(slug)
        office = factories.member(scheme, "coordinator", agency_kind="council")
        head = factories.member(scheme, "chair", agency_kind="probation")
        police = factories.member(scheme, "member", agency_kind="police")
        return scheme, office, head, police

    return of


@pytest.mark.feature(58)
@pytest.mark.feature(59)
@EACH
def test_pages_say_when_nominations_close_and_the_agenda_is_due(slug, people, sign_in):
    scheme, office, head, police = people(slug)
    closes, due = DATES[slug]
    panel = factories.meeting(scheme, PANEL, chair=head)
    with time_machine.travel("2026-02-16 10:00+00:00", tick=False):
        listed = sign_in(police).get(reverse("referrals")).content.decode()
        built = sign_in(office).get(reverse("agenda", args=[panel.key])).content.decode()

    assert closes in listed
    assert f'datetime="{due}"' in built


@pytest.mark.feature(60)
@EACH
def test_late_nomination_carries_its_warning_from_triage_to_the_papers(slug, people, sign_in):
    scheme, office, head, police = people(slug)
    words = scheme.policy.deciding_body.late_rule.warning
    panel = factories.meeting(scheme, PANEL, chair=head)
    referral = factories.referral(scheme, police, meeting=panel, urgent_reason="Released on Friday.")
    with time_machine.travel("2026-03-09 10:00+00:00", tick=False):
        check = sign_in(police).get(reverse("referral_check", args=[referral.reference])).content.decode()
        referral = actions.send(referral, by=actor_for(police))
        triage = sign_in(office).get(reverse("referral_triage", args=[referral.reference])).content.decode()
        by = actor_for(office)
        actions.put_to_panel(referral, meeting=panel, agencies=[], by=by)
        agenda.send_agenda(panel, by=by)
        table = sign_in(police).get(panel.get_absolute_url()).content.decode()
        papers = sign_in(police).get(reverse("referral_papers", args=[panel.key])).content.decode()

    assert words in check
    assert "Checks may be incomplete" in triage
    assert "Late: checks incomplete" in table
    assert words in papers
    assert "Released on Friday." in papers


@pytest.mark.feature(64)
@pytest.mark.feature(65)
@pytest.mark.feature(66)
@EACH
def test_agenda_names_the_nominated_with_their_paperwork_and_asks_each_agency(slug, people, sign_in):
    scheme, office, head, police = people(slug)
    panel = factories.meeting(scheme, PANEL, chair=head)
    asked = list(Agency.objects.filter(scheme=scheme, core=True))
    referral = factories.referral(
        scheme, head, status="sent", who=factories.offender(scheme, family_name="Specimen", given_names="Robin")
    )
    with time_machine.travel("2026-02-24 10:00+00:00", tick=False):
        by = actor_for(office)
        actions.put_to_panel(referral, meeting=panel, agencies=asked, by=by)
        assert sign_in(police).get(reverse("referral_papers", args=[panel.key])).status_code == 404
        agenda.send_agenda(panel, by=by)
        reader = sign_in(police)
        table = reader.get(panel.get_absolute_url()).content.decode()
        papers = reader.get(reverse("referral_papers", args=[panel.key])).content.decode()

    assert "SPECIMEN" in table.upper()
    assert reverse("referral_papers", args=[panel.key]) in table
    assert "Four burglaries since October, two of them charged." in papers
    assert "Housing and the drugs service both know him" in papers
    assert {request.agency for request in CheckRequest.objects.filter(referral=referral)} == set(asked)


def test_papers_cost_the_same_for_one_nomination_and_for_three(people, sign_in):
    scheme, office, head, police = people("merton")
    panel = factories.meeting(scheme, PANEL, chair=head, status="agenda_sent")
    reader = sign_in(police)
    counts = []
    for more in (1, 2):
        for _ in range(more):
            referral = factories.referral(scheme, head, status="on_agenda", meeting=panel)
            factories.agenda_item(panel, "referrals", referral=referral)
        with CaptureQueriesContext(connection) as queries:
            reader.get(reverse("referral_papers", args=[panel.key]))
        counts.append(len(queries))

    assert counts[0] == counts[1]
