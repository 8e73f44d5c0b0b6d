"""The demonstration: the same for one seed number, on any day, and never beside other data (issue 2, point 9)."""

import re
from datetime import date, datetime, time, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import transaction

from actionplans.models import Action
from iom import walls
from iom.clock import LONDON
from iom.models import Document, Meeting, MeetingStatus, Notification, OutboxMessage, Scheme, User
from iom.working_days import holidays_of
from offenders.models import Case, CustodyPeriod, Offender, RagRating
from panels.demonstration.people import PASSWORD, SIGN_INS
from panels.management.commands.seed_demo import Command
from panels.models import AgendaItem, Decision, Escalation, EscalationItem, Minutes, Section
from referrals.models import CheckRequest, Referral
from tests import factories

pytestmark = pytest.mark.django_db
THURSDAY = date(2026, 6, 18)
DAY = timedelta(days=1)


def load(*schemes, today=THURSDAY, seed=2026, **options):
    """Load the demonstration, small, as on a morning of `today`."""
    with time_machine.travel(datetime.combine(today, time(9), LONDON), tick=False):
        said = StringIO()
        call_command("seed_demo", small=True, scheme=schemes, seed=seed, stdout=said, stderr=said, **options)
    return said.getvalue()


def told():
    """The people, what was decided about them and what was agreed, in the order in which it came to be."""
    with walls.within(Scheme.objects.get(), cause="test"):
        return _told()


def _told():
    return [
        list(Offender.objects.order_by("pk").values_list("sort_name", "date_of_birth", "pnc_number")),
        list(RagRating.objects.order_by("pk").values_list("case__reference", "colour", "starts_on")),
        list(Decision.objects.order_by("pk").values_list("item__number", "outcome", "reason")),
        list(Action.objects.order_by("pk").values_list("text", "agency__slug", "due_on", "status")),
        list(Referral.objects.order_by("pk").values_list("reference", "status")),
        list(User.objects.order_by("pk").values_list("email", "name")),
    ]


def loaded_and_undone(seed):
    with transaction.atomic():
        load("waltham_forest", seed=seed)
        found = told()
        transaction.set_rollback(True)
    return found


def test_demonstration_is_the_same_for_one_seed_number():
    first, again, other = (loaded_and_undone(seed) for seed in (7, 7, 8))

    assert first == again
    assert first[0] != other[0]


@pytest.mark.parametrize(
    "today",
    [
        pytest.param(date(2026, 6, 20), id="a Saturday"),
        pytest.param(date(2028, 2, 29), id="29 February"),
        pytest.param(date(2026, 12, 31), id="31 December"),
        pytest.param(date(2026, 4, 3), id="Good Friday"),
        pytest.param(date(2026, 12, 27), id="between Christmas and New Year"),
    ],
)
def test_demonstration_looks_lived_in_on_any_day(today):
    load("merton", today=today)

    scheme = Scheme.objects.get()
    with walls.within(scheme, cause="test"):
        looks_lived_in(scheme, today)


def looks_lived_in(scheme, today):
    panels = Meeting.objects.filter(body__position=0).order_by("date")
    coming = panels.filter(date__gte=today).first()
    assert 0 < (coming.date - today).days <= 8
    assert coming.status == MeetingStatus.DRAFT
    assert {meeting.status for meeting in panels if meeting.date < today} == {MeetingStatus.SIGNED}
    assert not any(
        holidays_of(scheme.policy).why_closed(meeting.date)
        for meeting in Meeting.objects.filter(planned_by_cadence=False)
    )
    assert Minutes.objects.filter(status="with_chair", meeting__body__slug="board").exists()
    assert CheckRequest.objects.filter(meeting=coming, answer=None).exists()
    assert AgendaItem.objects.filter(meeting=coming, section=Section.REFERRALS).count() == 4
    assert {"draft", "sent", "returned", "on_agenda", "accepted"} <= set(
        Referral.objects.values_list("status", flat=True)
    )
    assert Referral.objects.filter(status="sent", late=True, meeting=coming).count() == 1
    assert Decision.objects.filter(outcome="defer", item__section="referrals").count() == 1
    # Of what went to the board one is answered, on its way back to the next panel, and one waits.
    assert set(Escalation.objects.values_list("status", flat=True)) == {"answered", "with_board"}
    assert EscalationItem.objects.get(kind="answer").item.meeting.body.position == 0
    assert CustodyPeriod.objects.filter(released_on=None, release_expected_on__range=(today, today + 28 * DAY)).exists()
    assert [
        why for why in AgendaItem.objects.filter(meeting=coming).values_list("why", flat=True) if "Green for 6" in why
    ]
    assert not Referral.objects.filter(sent_at__date__gt=today).exists()
    assert not Case.objects.filter(accepted_on__gt=today).exists()


def test_nobody_is_mailed_what_happened_in_the_demonstration():
    load("hampshire")

    assert set(OutboxMessage.objects.values_list("kind", flat=True)) == {
        "minutes_pdf",
        "accessible_minutes_pdf",
        "notice_pdf",
    }
    long_ago = datetime.combine(THURSDAY - timedelta(days=8), time(), LONDON)
    with walls.within(Scheme.objects.get(), cause="test"):
        assert not Document.objects.exists()
        assert Notification.objects.filter(created_at__lt=long_ago).exists()
        assert not Notification.objects.filter(read_at=None, created_at__lt=long_ago).exists()


def test_everyone_of_the_contract_signs_in_and_the_demonstration_stays(client, settings):
    settings.DEMO_SIGN_IN = True
    load("waltham_forest")
    before = told()

    for name in SIGN_INS:
        signed_in = client.post("/sign-in/", {"email": f"{name}@waltham-forest.example", "password": PASSWORD})
        assert signed_in.status_code == 302
        assert "What needs you" in client.get("/").content.decode()
        client.post("/sign-out/")

    settings.DEMO_SIGN_IN = False
    assert load(if_empty=True) == "The demonstration is there already.\n"
    with pytest.raises(CommandError, match="there already") as refused:
        load()
    assert refused.value.returncode == 1
    assert told() == before


@pytest.mark.parametrize("other", ["scheme", "user"])
def test_demonstration_is_not_loaded_beside_other_data(other):
    if other == "scheme":
        factories.scheme("merton")
    else:
        with walls.within(walls.INSTALLATION, cause="test"):
            User.objects.create(email="real@example.org", name="Ada Obi")

    with pytest.raises(CommandError, match="holds other data") as refused:
        load()
    with pytest.raises(SystemExit) as left:
        load(if_empty=True)

    assert refused.value.returncode == left.value.code == 3
    assert (Scheme.objects.count(), User.objects.count()) == ((1, 0) if other == "scheme" else (0, 1))


# --- What is refused --------------------------------------------------------------


@pytest.mark.parametrize(
    "options, words",
    [
        ({"schemes": 0}, "--schemes: choose 1 to 50"),
        ({"schemes": 51}, "--schemes: choose 1 to 50"),
        ({"schemes": 1, "scheme": ["merton"]}, "use one of them"),
        ({"schemes": 1, "marker": "a\x07b"}, "--marker: "),
        ({"schemes": 1, "marker": "x" * 22}, "--marker: "),
        ({"schemes": 1, "manifest": "/nowhere/at/all.json"}, "--manifest: /nowhere/at/all.json cannot be written"),
    ],
)
def test_wrong_arguments_end_with_2_and_one_line(options, words):
    with pytest.raises(CommandError, match=re.escape(words)) as refused:
        call_command("seed_demo", **options)

    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
    assert not Scheme.objects.exists()


def test_schemes_are_not_loaded_beside_real_data_and_no_manifest_is_left(tmp_path):
    factories.scheme("merton")

    with pytest.raises(CommandError, match="holds other data") as refused:
        call_command("seed_demo", schemes=1, marker="ZEBRA", manifest=str(tmp_path / "manifest.json"))

    assert refused.value.returncode == 3
    assert Scheme.objects.count() == 1
    assert not list(tmp_path.iterdir())


def test_presets_come_round_again_under_their_own_slugs():
    plans = Command()._plans(12, None, "M")

    assert [plan.slug for plan in plans] == [
        "merton", "london", "richmond", "waltham_forest", "hampshire",
        "merton-2", "london-2", "richmond-2", "waltham_forest-2", "hampshire-2", "merton-3", "london-3",
    ]  # fmt: skip
    assert [plan.mark.text for plan in plans][-2:] == ["M11", "M12"]
