"""What referrals do when something of the shared ground changes."""

from __future__ import annotations

from collections.abc import Iterator

from iom.access import Actor
from iom.jinja import day
from iom.models import Meeting
from iom.stored_dates import when_counted
from offenders.models import Case, Offender
from offenders.sharing import Fact, can_be_shared
from referrals import ogrs, papers  # noqa: F401 -- papers says to what a file belongs
from referrals.models import CheckRequest, Referral


@when_counted
def checks_are_due_on_the_day(meeting: Meeting) -> None:
    """What agencies are still asked for a meeting is due when its checks are (security.md T4)."""
    CheckRequest.objects.filter(meeting=meeting, closed_at=None).update(due_on=meeting.dates.checks_due.date)


@can_be_shared
def nomination_to_share(actor: Actor, offender: Offender, case: Case | None) -> Iterator[Fact]:
    """What the newest nomination that the actor may read says of offending, needs and the facts of the score."""
    referral = Referral.objects.visible_to(actor).filter(offender=offender, sent_at__isnull=False).first()
    if referral is None:
        return
    yield Fact("evidence", "Offending and evidence", referral.evidence, referral.evidence)
    yield Fact("benefit", "Why working together would help", referral.benefit, referral.benefit)
    yield Fact("main_driver", "What drives the offending", referral.get_main_driver_display(), referral.main_driver)
    yield Fact("supervision", "Under probation supervision", referral.get_supervision_display(), referral.supervision)
    names = {pathway.slug: pathway.name for pathway in actor.scheme.policy.pathways}
    needs = {slug: words for slug, words in referral.needs.items() if words}
    listed = "\n".join(f"{names.get(slug, slug)}: {words}" for slug, words in needs.items())
    yield Fact("needs", "Needs", listed, needs)
    if offence := ogrs.offence(referral.offence_code) if referral.offence_code else None:
        yield Fact("offence_code", "Current offence", offence.description, referral.offence_code)
    for name, label in (
        ("convicted_on", "Date of the current conviction"),
        ("follow_up_from", "In the community from"),
    ):
        if on := getattr(referral, name):
            yield Fact(name, label, day(on), on.isoformat())
    for name, label in (("sanctions", "Number of sanctions"), ("first_sanction_age", "Age at the first sanction")):
        if (number := getattr(referral, name)) is not None:
            yield Fact(name, label, str(number), number)
