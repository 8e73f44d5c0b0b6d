"""Which panel a nomination can go to: the first still open, or with a reason one that has closed (design.md 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from iom import clock, together
from iom.deadlines import Deadline, deciding_meeting
from iom.models import Meeting, Scheme
from iom.models.dates import keep_dates, stored_dates
from iom.policy import Policy
from iom.policy.bodies import BodyPolicy, LateRule

if TYPE_CHECKING:
    from referrals.models import Referral


@dataclass(frozen=True, slots=True)
class Panels:
    """The coming meetings of the scheme's deciding body: `open` takes nominations, those `closed` take urgent ones."""

    body: BodyPolicy
    open: Meeting | None
    closed: tuple[Meeting, ...]

    @property
    def late_rule(self) -> LateRule | None:
        """What the scheme does with an urgent nomination; None where it makes no exception."""
        rule = self.body.late_rule
        return None if rule is None or rule.kind == "next_meeting" else rule

    @property
    def urgent(self) -> tuple[Meeting, ...]:
        """The meetings for which one may still ask, with a reason."""
        return self.closed if self.late_rule else ()


def body_for(policy: Policy, criteria: str = "") -> BodyPolicy:
    """Who decides on a nomination for these criteria: their own body (Richmond, 3), else the scheme's."""
    own = next((each for each in policy.eligibility if each.name == criteria), None)
    return policy.body(own.body) if own else policy.deciding_body


def panels_for(scheme: Scheme, at: datetime | None = None, *, criteria: str = "") -> Panels:
    """The meetings that a nomination made now can go to (Merton, step 1: nominations close 10 days before)."""
    return together.run(panels_for_steps(scheme, at, criteria=criteria))


def panels_for_steps(scheme: Scheme, at: datetime | None = None, *, criteria: str = "") -> together.Steps[Panels]:
    """`panels_for`, read in its caller's round, with the dates of these meetings."""
    body = body_for(scheme.policy, criteria)
    now = at or clock.now()
    on = now.astimezone(clock.LONDON).date()
    slug = body.slug

    def asked() -> list[QuerySet]:
        rows = Meeting.objects.filter(scheme=scheme, body__slug=slug).upcoming(on)
        return [rows.select_related("body"), stored_dates(scheme).filter(meeting__in=rows.order_by().values("pk"))]

    coming, dates = yield asked
    for meeting in coming:
        meeting.scheme = meeting.body.scheme = scheme
    keep_dates(scheme, coming, dates)
    first = deciding_meeting([meeting.dates for meeting in coming], now)
    return Panels(
        body,
        next((meeting for meeting in coming if meeting.date == first), None),
        tuple(meeting for meeting in coming if first is None or meeting.date < first),
    )


def panels_for_day(scheme: Scheme, on: date) -> Panels:
    """The same as it stood when the day `on` began in London: what a reminder of that day goes by."""
    return panels_for(scheme, datetime.combine(on, time.min, clock.LONDON))


def closing(meeting: Meeting) -> Deadline:
    """When nominations for a meeting close."""
    return meeting.dates.nominations_close


def in_time(referral: Referral, at: datetime | None = None) -> bool:
    """Whether the referral reached its meeting before nominations closed; one returned for more keeps its first day."""
    if referral.meeting is None:
        return True
    return not closing(referral.meeting).passed(referral.sent_at or at or clock.now())


def late_rule_of(meeting: Meeting) -> LateRule | None:
    """What the body of a meeting does with what comes after its deadline; None where it makes no rule of it."""
    return meeting.body.policy.late_rule


def decides_outside(scheme: Scheme) -> bool:
    """Whether the scheme lets an urgent nomination be decided between two meetings (Hampshire)."""
    rule = scheme.policy.deciding_body.late_rule
    return rule is not None and rule.kind == "outside_panel"


def still_to_come(meeting: Meeting | None) -> bool:
    """Whether a meeting can still take anything: neither held, nor called off, nor past."""
    return meeting is not None and meeting.status in ("draft", "agenda_sent") and meeting.date >= clock.today()
