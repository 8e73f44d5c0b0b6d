"""Meetings that plan themselves: by the body's cadence, after somebody else's meeting, with others on the same day.

A sweep keeps as many of a body's next meetings planned as its policy says. It never plans a day twice, nor one on which
the coordinator called a meeting off, and it moves nothing: a bank holiday, a weekend, or another body's meeting that
moved is said in words, and the coordinator decides (docs/bodies.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, notify
from iom.bodies import coordinators
from iom.cadence import following, half, to_plan
from iom.jinja import day_month, longday, plural
from iom.models import Body, Meeting, MeetingStatus, Membership, OtherMeeting, Scheme
from iom.models.dates import holidays_in
from iom.steps import StepRefused, locked
from iom.sweeps import tidies

from . import meetings
from .transitions import NOT_HELD_YET

if TYPE_CHECKING:
    from iom.access import Actor
    from iom.models.calendar import MeetingQuerySet


@dataclass(frozen=True, slots=True)
class Sitting:
    """When and where a meeting would be, before it is planned."""

    body: Body
    on: date
    starts_at: time
    minutes_long: int
    place: str
    chair: Membership | None
    area: str = ""


# --- What a next meeting would be -------------------------------------------------------


def proposed(body: Body, on: date, area: str = "") -> Sitting:
    """A meeting of `body` on a day: as the last one was held, else as the policy says; its chair on that day."""
    last = _of(body, area).exclude(status=MeetingStatus.CANCELLED).order_by("-date").first()
    sitting = body.policy.sitting
    return Sitting(
        body=body,
        on=on,
        starts_at=last.starts_at if last else sitting.start_time,
        minutes_long=last.minutes_long if last else sitting.minutes,
        place=(last.place if last else "") or body.policy.venue,
        chair=meetings.default_chair(body, on),
        area=area,
    )


def next_day(body: Body, area: str = "") -> date | None:
    """The day on which the body would meet next after all that are planned; None before its first meeting."""
    last = _last_of_rhythm(body, area)
    return following(last, body.policy.cadence, holidays_in(body.scheme)) if last else None


def recurring(body: Body, first: date, times: int) -> list[date]:
    """`first` and the days that follow it by the body's cadence, as many as are asked for."""
    days = [first]
    while len(days) < times:
        days.append(following(days[-1], body.policy.cadence, holidays_in(body.scheme)))
    return days


def wanted(first: Sitting, times: int, *, others: bool) -> list[Sitting]:
    """`first`, as many as are asked for in the rhythm of its body, and with `others` who meets on the same day."""
    found = []
    for day in recurring(first.body, first.on, times):
        one = replace(first, on=day)
        found += [one, *(chained(one) if others else ())]
    return found


@transaction.atomic
def plan_all(sittings: Iterable[Sitting], *, by: Actor) -> list[Meeting]:
    """Plan all of them or none. Raises as `meetings.plan`."""
    return [
        meetings.plan(
            body=one.body,
            on=one.on,
            starts_at=one.starts_at,
            minutes_long=one.minutes_long,
            place=one.place,
            chair=one.chair,
            area=one.area,
            by=by,
        )
        for one in sittings
    ]


def same_day_group(body: Body) -> list[Body]:
    """The bodies that meet on one day, in their order, this one among them; alone where the policy joins none."""
    slugs = {body.slug, *body.policy.same_day}
    if len(slugs) == 1:
        return [body]
    rows = list(Body.objects.filter(scheme=body.scheme_id, slug__in=slugs).order_by("position"))
    for row in rows:
        row.scheme = body.scheme
    return rows


def chained(first: Sitting) -> list[Sitting]:
    """What the other bodies of the day would be, one after another once `first` is over; without those that meet then.

    Who meets on that day already keeps their time, and the next one waits until the last of them is over.
    """
    group = [body for body in same_day_group(first.body) if body.pk != first.body.pk]
    there = list(Meeting.objects.filter(body__in=group, date=first.on))
    free = clock.after(first.on, first.starts_at, first.minutes_long).time()
    free = max([free, *(one.ends_at.time() for one in there if one.status != MeetingStatus.CANCELLED)])
    found = []
    for body in group:
        if any(one.body_id == body.pk for one in there):
            continue
        usual = proposed(body, first.on)
        found.append(replace(usual, starts_at=free, place=usual.place or first.place))
        free = clock.after(first.on, free, usual.minutes_long).time()
    return found


@dataclass(frozen=True, slots=True)
class Together:
    """Meetings of one day, in the order of their times."""

    on: date
    meetings: tuple[Meeting, ...]

    @property
    def words(self) -> str:
        return ", then ".join(f"{one.body.name} at {one.starts_at:%H:%M}" for one in self.meetings)


def together(coming: Iterable[Meeting]) -> list[Together]:
    """Those of `coming` that are meant to be on one day and are (Richmond, Structures)."""
    days: dict[date, list[Meeting]] = {}
    for meeting in coming:
        if meeting.body.policy.same_day:
            days.setdefault(meeting.date, []).append(meeting)
    return [
        Together(day, tuple(sorted(rows, key=lambda one: (one.starts_at, one.pk))))
        for day, rows in sorted(days.items())
        if len(rows) > 1
    ]


def left_behind(moved: Meeting, old: date) -> str:
    """In words, who meets on the day from which a meeting was moved and should meet with it; nothing for nobody."""
    if moved.date == old:
        return ""
    group = [one.pk for one in same_day_group(moved.body) if one.pk != moved.body.pk]
    there = Meeting.objects.filter(body__in=group, date=old, status__in=NOT_HELD_YET).select_related("body")
    names = [one.body.name for one in there.order_by("starts_at", "pk")]
    if not names:
        return ""
    return f". Still on {day_month(old)}: {', '.join(names)}, which the rules put on one day with it: move them too?"


# --- What is wrong with a day -----------------------------------------------------------


def day_problem(scheme: Scheme, day: date) -> str:
    """`falls on Good Friday`, `falls on a Saturday`; nothing for a working day. Said, never acted on."""
    holidays = holidays_in(scheme)
    if name := holidays.days.get(day):
        return f"falls on {name}, a bank holiday"
    if day.weekday() >= 5:
        return f"falls on a {day:%A}"
    if name := holidays.extra.get(day):
        return f"falls on a day without work here ({name})"
    return ""


def problem_of(meeting: Meeting) -> str:
    """The same of a meeting that is still to come, unless the coordinator agreed to its day."""
    if meeting.day_agreed or meeting.status not in NOT_HELD_YET:
        return ""
    return day_problem(meeting.scheme, meeting.date)


def target_of(meeting: Meeting) -> date | None:
    """Where a meeting belongs that is fixed by somebody else's, if it is not there and nobody settled that.

    The other meeting may have moved since, or been entered after ours was planned.
    """
    rule = meeting.body.policy.relative_to
    if meeting.follows is None or rule is None or meeting.status not in NOT_HELD_YET:
        return None
    target = meeting.follows.date + timedelta(days=rule.days)
    return None if target in (meeting.date, meeting.pattern_date) else target


def why_then(meeting: Meeting) -> str:
    """In words, what set the day of a meeting; nothing where a person simply chose it."""
    policy = meeting.body.policy
    rule = policy.relative_to
    if meeting.follows is not None and rule is not None:
        return f"{_days_after(rule.days)} {rule.event} of {day_month(meeting.follows.date)}"
    if rule is not None and meeting.planned_by_cadence:
        return f"By the cadence ({policy.cadence.words.lower()}): no date of {rule.event} is entered for it"
    if meeting.planned_by_cadence:
        return f"By the cadence: {policy.cadence.words.lower()}"
    return ""


def _days_after(days: int) -> str:
    words = {14: "A fortnight after", 7: "A week after", 0: "On the day of"}.get(days)
    return words or (f"{plural(days, 'day')} after" if days > 0 else f"{plural(-days, 'day')} before")


@transaction.atomic
def agree_day(meeting: Meeting, *, by: Actor, version: int | None = None) -> Meeting:
    """The meeting stays where it is, although nobody works on that day, or although the other body moved.

    Raises PermissionDenied, Stale, or StepRefused when it has been held or called off.
    """
    meeting = _open(meeting, by, version)
    meeting.day_agreed = bool(day_problem(by.scheme, meeting.date))
    meeting.pattern_date = target_of(meeting) or meeting.pattern_date
    meeting.version += 1
    meeting.save(update_fields=["day_agreed", "pattern_date", "version"])
    audit.record("agree_day", meeting, by=by, meeting=meeting.key)
    return meeting


@transaction.atomic
def move_to_target(meeting: Meeting, *, by: Actor, version: int | None = None) -> Meeting:
    """Move a meeting after the one by which it is set. Whoever has its agenda is told. Raises as `meetings.change`."""
    meeting = _open(meeting, by, version)
    target = target_of(meeting)
    if target is None:
        raise StepRefused(["This meeting is where it belongs."])
    return meetings.change(
        meeting,
        on=target,
        starts_at=meeting.starts_at,
        minutes_long=meeting.minutes_long,
        place=meeting.place,
        chair=meeting.chair,
        by=by,
        new_rhythm=True,
    )


def _open(meeting: Meeting, by: Actor, version: int | None) -> Meeting:
    found: Meeting = locked(Meeting, meeting.pk, version=version)
    if not by.can("panels.plan_meetings", found):
        raise PermissionDenied
    if found.status not in NOT_HELD_YET:
        raise StepRefused([f"This meeting is {found.get_status_display().lower()}: its day stays."])
    found.scheme = found.body.scheme = by.scheme
    return found


# --- How a body plans ------------------------------------------------------------------


@transaction.atomic
def change_planning(
    body: Body, *, plans_itself: bool, areas: Sequence[str], by: Actor, version: int | None = None
) -> list[Meeting]:
    """Say whether the body's meetings are planned by themselves, and in which areas it meets.

    Turned on, what is wanting is planned at once and returned; turned off, what stands stays. Raises PermissionDenied,
    Stale, or StepRefused for an area named twice.
    """
    body = _body(body, by, version)
    named = [area.strip() for area in areas if area.strip()]
    if len({area.casefold() for area in named}) < len(named):
        raise StepRefused(["Each area stands once."])
    facts = {"plans_itself": plans_itself, "areas": named}
    changed = [name for name, value in facts.items() if getattr(body, name) != value]
    if changed:
        body.plans_itself, body.areas = plans_itself, named
        body.version += 1
        body.save(update_fields=[*changed, "version"])
        audit.record(
            "change_planning", body, by=by, fields=changed, after="on" if plans_itself else "off", body=body.slug
        )
    return keep_planned(body, clock.today(), by=by)


@transaction.atomic
def record_other_meeting(body: Body, on: date, *, by: Actor) -> list[Meeting]:
    """Enter a day on which the other body meets; ours follows it. Returns what was planned.

    Raises PermissionDenied, or StepRefused for a body that follows none, a day that is past or one that is known.
    """
    body = _body(body, by, None)
    rule = body.policy.relative_to
    if rule is None:
        raise StepRefused([f"The {body.name} follows no other meeting."])
    _must_be_new(body, on)
    made = OtherMeeting.objects.create(scheme=by.scheme, body=body, date=on)
    audit.record("record_other_meeting", made, by=by, after=on.isoformat(), body=body.slug)
    return keep_planned(body, clock.today(), by=by)


@transaction.atomic
def move_other_meeting(other: OtherMeeting, on: date, *, by: Actor, version: int | None = None) -> OtherMeeting:
    """The other body's meeting moved. Ours stays until the coordinator moves it; the home page asks.

    Raises PermissionDenied, Stale or StepRefused.
    """
    other = _other(other, by, version)
    if other.date == on:
        return other
    _must_be_new(other.body, on)
    before, other.date = other.date, on
    other.version += 1
    other.save(update_fields=["date", "version"])
    audit.record(
        "record_other_meeting",
        other,
        by=by,
        before=before.isoformat(),
        after=on.isoformat(),
        fields=["date"],
        body=other.body.slug,
    )
    return other


@transaction.atomic
def remove_other_meeting(other: OtherMeeting, *, by: Actor, version: int | None = None) -> None:
    """The other body does not meet then after all; ours stays and follows nothing. Raises PermissionDenied or Stale."""
    other = _other(other, by, version)
    audit.record("record_other_meeting", other, by=by, before=other.date.isoformat(), body=other.body.slug)
    other.delete()


def _must_be_new(body: Body, on: date) -> None:
    if on < clock.today():
        raise StepRefused(["The date must be today or later."])
    if OtherMeeting.objects.filter(body=body, date=on).exists():
        raise StepRefused([f"{longday(on)} is entered already."])


def _other(other: OtherMeeting, by: Actor, version: int | None) -> OtherMeeting:
    found: OtherMeeting = locked(OtherMeeting, other.pk, version=version)
    if not by.can("panels.plan_meetings", found):
        raise PermissionDenied
    found.scheme = found.body.scheme = by.scheme
    return found


def _body(body: Body, by: Actor, version: int | None) -> Body:
    found: Body = locked(Body, body.pk, version=version)
    if not by.can("panels.plan_meetings", found):
        raise PermissionDenied
    found.scheme = by.scheme
    return found


# --- The sweep -------------------------------------------------------------------------


@tidies
def keep_meetings_planned(scheme: Scheme, on: date, by: Actor) -> None:
    """Plan what is wanting for each body of a scheme, in their order, so that who meets on one day comes one by one."""
    for body in Body.objects.filter(scheme=scheme, plans_itself=True).order_by("position"):
        body.scheme = scheme
        keep_planned(body, on, by=by)


@transaction.atomic
def keep_planned(body: Body, on: date, *, by: Actor) -> list[Meeting]:
    """Plan the meetings of a body that its policy wants planned from the day `on`. Returns those that are new.

    A body without a first meeting has no day to go by, and one that does not plan by itself is left alone. Run twice it
    plans nothing more. Raises PermissionDenied.
    """
    body = _body(body, by, None)
    if not body.plans_itself:
        return []
    if body.policy.relative_to is not None:
        made = [*_after_others(body, on, by), *_by_cadence(body, "", on, by)]
    elif (leader := same_day_group(body)[0]) != body and leader.plans_itself and _same_rhythm(leader, body):
        made = _with_leader(leader, body, on, by)
    else:
        made = [one for area in body.areas or [""] for one in _by_cadence(body, area, on, by)]
    if made and body.kind != "daily":
        notify.tell(
            coordinators(by.scheme, on),
            scheme=by.scheme,
            kind="planned_by_cadence",
            subject=f"meeting:{made[0].pk}",
            text=f"Planned by its cadence: {body.name}, {', '.join(day_month(one.date) for one in made)}",
            url=f"/bodies/{body.slug}/",
        )
    return made


def _by_cadence(body: Body, area: str, on: date, by: Actor) -> list[Meeting]:
    last = _last_of_rhythm(body, area)
    if last is None:
        return []
    policy = body.policy
    days = to_plan(
        last,
        policy.cadence,
        policy.ahead,
        planned=_of(body, area).upcoming(on).count(),
        taken=set(Meeting.objects.filter(body=body, date__gte=on).values_list("date", flat=True)),
        today=on,
        holidays=holidays_in(body.scheme),
    )
    return [_plan(proposed(body, day, area), by) for day in days]


def _after_others(body: Body, on: date, by: Actor) -> list[Meeting]:
    """Ours for each day of the other body: one that stands near it follows it from now on, else a new one."""
    rule, made = body.policy.relative_to, []
    latest = on + timedelta(days=body.policy.ahead.days)
    for other in OtherMeeting.objects.filter(body=body, followed_by=None).order_by("date"):
        target = other.date + timedelta(days=rule.days if rule else 0)
        if target < on or Meeting.objects.filter(body=body, date=target, status=MeetingStatus.CANCELLED).exists():
            continue
        near = half(body.policy.cadence)
        ours = Meeting.objects.filter(body=body, follows=None, status__in=NOT_HELD_YET)
        found = ours.filter(date__gte=max(on, target - near), date__lte=target + near)
        closest = min(found, key=lambda one: abs(one.date - target), default=None)
        if closest is not None:
            closest.follows = other
            closest.version += 1
            closest.save(update_fields=["follows", "version"])
            audit.record("change_meeting", closest, by=by, fields=["follows"], meeting=closest.key)
        elif target <= latest or not Meeting.objects.filter(body=body).upcoming(on).exists():
            made.append(_plan(proposed(body, target), by, follows=other))
    return made


def _with_leader(leader: Body, body: Body, on: date, by: Actor) -> list[Meeting]:
    """Ours on each day on which the first body of the group meets, once those before it are over."""
    known = Meeting.objects.filter(body=body)
    stood_for = {day for pair in known.values_list("date", "pattern_date") for day in pair}
    made = []
    for first in Meeting.objects.filter(body=leader).upcoming(on).select_related("body"):
        if {first.date, first.pattern_date} & stood_for:
            continue
        ours = _right_after(proposed(body, first.date), first.place)
        made.append(_plan(ours, by, pattern_date=first.pattern_date))
    return made


def _right_after(usual: Sitting, place: str) -> Sitting:
    """Its start moved to when the last of its group is over that day; where it has no place of its own, theirs."""
    group = [one.pk for one in same_day_group(usual.body)]
    there = Meeting.objects.filter(body__in=group, date=usual.on).exclude(status=MeetingStatus.CANCELLED)
    free = max((one.ends_at.time() for one in there), default=usual.starts_at)
    return replace(usual, starts_at=free, place=usual.place or place)


def _same_rhythm(leader: Body, body: Body) -> bool:
    first, second = leader.policy.cadence, body.policy.cadence
    return (first.unit, first.every) == (second.unit, second.every)


def _plan(
    sitting: Sitting, by: Actor, *, follows: OtherMeeting | None = None, pattern_date: date | None = None
) -> Meeting:
    return meetings.plan(
        body=sitting.body,
        on=sitting.on,
        starts_at=sitting.starts_at,
        minutes_long=sitting.minutes_long,
        place=sitting.place,
        chair=sitting.chair,
        area=sitting.area,
        by_cadence=True,
        follows=follows,
        pattern_date=pattern_date,
        by=by,
    )


def _of(body: Body, area: str) -> MeetingQuerySet:
    rows: MeetingQuerySet = Meeting.objects.filter(body=body)
    return rows.filter(area=area) if area else rows


def _last_of_rhythm(body: Body, area: str) -> date | None:
    """The latest day for which a meeting stands or stood, called off or not: the next one follows from it."""
    days = [pattern or day for day, pattern in _of(body, area).values_list("date", "pattern_date")]
    return max(days, default=None)
