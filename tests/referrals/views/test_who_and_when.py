"""Who may put somebody forward, when it cannot wait, and who must be under supervision."""

from datetime import UTC, date, datetime
from string import ascii_lowercase

import pytest
import time_machine

from iom.models import Agency, Notification
from referrals.models import Referral
from tests import factories

from .test_five_schemes import Form

pytestmark = pytest.mark.django_db

# The day after nominations for the panel of 12 March have closed.
AFTER = datetime(2026, 3, 10, 10, tzinfo=UTC)


@pytest.mark.feature(94)
@pytest.mark.parametrize("preset", ["merton", "london", "richmond", "waltham_forest"])
def test_any_partner_nominates(sign_in, preset):
    scheme = factories.scheme(preset)
    kinds = sorted(set(Agency.objects.filter(scheme=scheme).values_list("kind", flat=True)))

    for place, kind in enumerate(kinds):
        partner = factories.member(scheme, "member", agency_kind=kind)
        nominator = sign_in(partner)
        form = Form(nominator.get("/referrals/new/").content.decode())
        nominator.post("/referrals/new/", form.filled() | {"family_name": f"Specimen{ascii_lowercase[place] * 6}"})

    assert sorted(Referral.objects.values_list("agency__kind", flat=True)) == kinds
    assert {"police", "probation"} < set(kinds)


@pytest.mark.feature(61)
@time_machine.travel(AFTER, tick=False)
def test_richmonds_officer_hears_at_once_of_a_nomination_sent_as_urgent(sign_in):
    richmond = factories.scheme("richmond")
    officer = factories.member(richmond, "member", name="Kit Specimen")
    officer.post = "IOM Co-ordinator"
    officer.save(update_fields=["post"])
    referrer = factories.member(richmond, "member", agency_kind="police")
    panel = factories.meeting(richmond, date(2026, 3, 12))
    draft = factories.referral(richmond, referrer, meeting=panel, urgent_reason="Released on Friday.")
    sender = sign_in(referrer)

    page = sender.get(f"/referrals/{draft.reference}/check/").content.decode()
    sent = sender.post(
        f"/referrals/{draft.reference}/check/", {"version": draft.version, "declaration": "on"}, follow=True
    )

    assert "Send referral" in page
    assert sent.redirect_chain[-1][0] == f"/referrals/{draft.reference}/sent/"
    assert list(Notification.objects.filter(kind="late_told").values_list("recipient__name", flat=True)) == [
        "Kit Specimen"
    ]
    inbox = sign_in(officer).get("/notifications/").content.decode()
    assert f"Urgent: referral {draft.reference} came late" in inbox


@pytest.mark.feature(107)
@pytest.mark.parametrize(
    ("preset", "words"),
    [("hampshire", "Does not meet the scheme&#39;s rules"), ("merton", "Meets the scheme&#39;s rules")],
)
def test_supervision_is_required_only_where_the_scheme_says_so(sign_in, preset, words):
    scheme = factories.scheme(preset)
    factories.meeting(scheme, date(2099, 3, 12))
    referral = factories.scorable(
        scheme,
        factories.member(scheme, "member"),
        supervision="no",
        facts={"prolific": True, "offences": [{"type": "burglary", "date": "2026-01-10"}], "would_benefit": True},
    )

    page = sign_in(factories.member(scheme, "coordinator")).get(f"/referrals/{referral.reference}/triage/")

    assert words in page.content.decode().replace("'", "&#39;")
