"""The agenda of a meeting: its items, their order and their numbers.

Until the agenda goes out, items are moved, added and removed freely and nobody is told. Sending it fixes the numbers
1, 2, 3 …; what comes later gets the number before it with a letter, 6a, is marked late and waits for the chair to
agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction

from iom import audit, clock, notify
from iom.models import Agency, Grouping, Meeting, MeetingStatus, Membership
from iom.steps import StepRefused, locked, take
from offenders.models import Case, Colour, RagRating
from referrals import deciding
from referrals import late as late_rules

from . import circulation, concerned, last_minutes
from .chairing import chair_of
from .models import AgendaItem, Decision, EscalationItem, ItemState, OutsideDecision, Section
from .running_order import Facts, Order, rank
from .transitions import OPEN_TO_ITEMS, SEND_AGENDA

if TYPE_CHECKING:
    from iom.access import Actor
    from referrals.models import Referral

ABOUT_PEOPLE = (
    Section.OUTSIDE,
    Section.REFERRALS,
    Section.BROUGHT,
    Section.RELEASES,
    Section.REVIEWS,
    Section.EXITS,
)
# What every agenda has: at its start who is here and what was promised, at its end what nobody foresaw.
STANDING = (Section.APOLOGIES, Section.LAST_ACTIONS, Section.AOB)
ONCE_A_MEETING = (Section.APOLOGIES, Section.LAST_ACTIONS)
STANDING_MINUTES = 5
ORDER_IS_FIXED = "The agenda has gone out, so its order and numbers stay. Park an item, or take it at another time."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something to put on an agenda: a nomination, a case, or a title; `why` says what for.

    With `outside` or `ratifies` it is a decision of before that the panel is asked to ratify. `presenter` is who
    presents or reports, `brought_by` the agency that keeps the case (Richmond, 2.11), `closed` keeps it for the closed
    session, `first` puts it before the others of its section.
    """

    section: str
    referral: Referral | None = None
    case: Case | None = None
    title: str = ""
    why: str = ""
    minutes: int | None = None
    outside: OutsideDecision | None = None
    presenter: str = ""
    brought_by: Agency | None = None
    closed: bool = False
    ratifies: Decision | None = None
    first: bool = False


def add_item(
    meeting: Meeting,
    *,
    section: str,
    by: Actor,
    referral: Referral | None = None,
    case: Case | None = None,
    title: str = "",
    why: str = "",
    minutes: int | None = None,
    presenter: str = "",
    brought_by: Agency | None = None,
    closed: bool = False,
) -> AgendaItem:
    """Put something on the agenda, at the end of its section; reviews Red first; in a live meeting at the very end.

    Once the agenda has gone out the item is late and numbered after the one before it (6a). A nomination that arrived
    after the closing date is late in any case. Raises PermissionDenied, or StepRefused when the meeting is over or the
    thing is on the agenda already.
    """
    want = Wanted(section, referral, case, title, why, minutes, None, presenter, brought_by, closed)
    return add_items(meeting, [want], by=by)[0]


@transaction.atomic
def add_items(meeting: Meeting, wanted: Iterable[Wanted], *, by: Actor) -> list[AgendaItem]:
    """`add_item` for several things at once: all or none."""
    return _add(_held_for(meeting, by), wanted, by)


@transaction.atomic
def bring(meeting: Meeting, wanted: Iterable[Wanted], *, by: Actor) -> list[AgendaItem]:
    """`add_items` of what comes to an agenda by itself, for the verb that has asked whether the actor may set it off.

    Raises StepRefused.
    """
    return _add(_open(locked(Meeting, meeting.pk), by), wanted, by)


def _add(meeting: Meeting, wanted: Iterable[Wanted], by: Actor) -> list[AgendaItem]:
    items = ordered(meeting)
    added = []
    new = []
    for want in wanted:
        _refuse_twice(meeting, want)
        new.append(_new(meeting, want))
    ranks = _ranks(meeting, [*items, *new])
    for item in new:
        place = _place(meeting, items, item, ranks)
        if meeting.status != MeetingStatus.DRAFT:
            item.number = later_number([each.number for each in items[:place]], {each.number for each in items})
        items.insert(place, item)
        item.position = place + 1
        item.save()
        added.append(item)
        audit.record(
            "add_agenda_item",
            item,
            by=by,
            after=item.section,
            subjects=subjects_of(item),
            meeting=meeting.key,
            late=item.late,
        )
        _tell_of_late(meeting, item)
    _write_places(items)
    return added


def _tell_of_late(meeting: Meeting, item: AgendaItem) -> None:
    """Where the rule says so, a named post hears at once of a new case after the deadline (Richmond, 2.6)."""
    if item.section not in (Section.REFERRALS, Section.RELEASES, Section.REVIEWS, Section.ESCALATIONS):
        return
    if item.late or (item.section == Section.REFERRALS and deciding.closing(meeting).passed(clock.now())):
        late_rules.tell_officer(meeting, f"referral {item.referral.reference}" if item.referral else f"item {item.pk}")


def _new(meeting: Meeting, want: Wanted) -> AgendaItem:
    about_somebody = want.referral is not None or want.case is not None
    return AgendaItem(
        scheme=meeting.scheme,
        meeting=meeting,
        section=want.section,
        position=0,
        referral=want.referral,
        case=want.case,
        outside=want.outside,
        ratifies=want.ratifies,
        title=want.title or ("" if about_somebody else Section(want.section).label),
        why=want.why[:200],
        minutes=want.minutes or minutes_for(meeting, want.section),
        presenter=want.presenter,
        brought_by=want.brought_by,
        closed=want.closed,
        first=want.first,
        late=want.section != Section.LAST_MINUTES
        and (
            meeting.status != MeetingStatus.DRAFT
            or bool(want.referral and want.referral.late and want.section == Section.REFERRALS)
        ),
    )


@transaction.atomic
def move(item: AgendaItem, to: int, *, by: Actor) -> AgendaItem:
    """Move an item of a draft to the place `to` of the whole agenda, counted from 1; it stays within its part.

    Raises PermissionDenied, or StepRefused once the agenda has gone out.
    """
    meeting = _draft_for(item, by)
    items = ordered(meeting)
    item = next((each for each in items if each.pk == item.pk), item)
    if item.state == ItemState.PARKED:
        raise StepRefused(["This item is parked: bring it back first."])
    ranks = _ranks(meeting, items)
    mine = [place for place, each in enumerate(items, start=1) if ranks[id(each)][:3] == ranks[id(item)][:3]]
    to = min(max(to, mine[0]), mine[-1])
    before = item.position
    items.remove(item)
    items.insert(to - 1, item)
    _write_places(items)
    audit.record(
        "move_agenda_item",
        item,
        by=by,
        before=str(before),
        after=str(to),
        subjects=subjects_of(item),
        meeting=meeting.key,
    )
    return item


@transaction.atomic
def remove(item: AgendaItem, *, by: Actor) -> Wanted:
    """Take an item off a draft, and return what would put it back. Once the agenda has gone out an item is parked."""
    meeting = _draft_for(item, by)
    _may_be_left_out(item)
    back = Wanted(
        section=item.section,
        referral=item.referral,
        case=item.case,
        title=item.title,
        why=item.why,
        minutes=item.minutes,
        outside=item.outside,
        presenter=item.presenter,
        brought_by=item.brought_by,
        closed=item.closed,
        first=item.first,
    )
    _delete(locked(AgendaItem, item.pk), meeting, by)
    return back


@transaction.atomic
def park(item: AgendaItem, *, by: Actor) -> AgendaItem:
    """Set an item aside: it keeps its number and its words, and takes no time. Raises as `add_item`."""
    meeting = _held_for(item.meeting, by)
    item = locked(AgendaItem, item.pk)
    if item.state != ItemState.OPEN:
        raise StepRefused([f"This item is already {item.get_state_display().lower()}."])
    _may_be_left_out(item)
    _set_state(item, ItemState.PARKED, by, "park_agenda_item", meeting)
    _write_places(ordered(meeting))
    return item


@transaction.atomic
def leave(item: AgendaItem, *, by: Actor) -> None:
    """Take off the agenda what will not come: out of a draft, parked where people have read of it already.

    For the verb that took the person's nomination back, which has asked whether the actor may.
    """
    meeting = locked(Meeting, item.meeting_id)
    item = locked(AgendaItem, item.pk)
    if meeting.status == MeetingStatus.DRAFT:
        _delete(item, meeting, by)
    elif item.state == ItemState.OPEN:
        _set_state(item, ItemState.PARKED, by, "park_agenda_item", meeting)
        _write_places(ordered(meeting))


@transaction.atomic
def bring_back(item: AgendaItem, *, by: Actor) -> AgendaItem:
    """Put a parked item where it was: after the numbers below its own, else at the end of its section."""
    meeting = _held_for(item.meeting, by)
    item = locked(AgendaItem, item.pk)
    if item.state != ItemState.PARKED:
        raise StepRefused(["This item is not parked."])
    items = ordered(meeting)
    if item.number:
        place = sum(_sort_key(each.number) < _sort_key(item.number) for each in items)
    else:
        place = _place(meeting, items, item, _ranks(meeting, [*items, item]))
        if meeting.status != MeetingStatus.DRAFT:
            item.number = later_number([each.number for each in items[:place]], {each.number for each in items})
            item.late = True
    _set_state(item, ItemState.OPEN, by, "bring_back_agenda_item", meeting)
    items.insert(place, item)
    _write_places(items)
    return item


@transaction.atomic
def set_minutes(item: AgendaItem, minutes: int, *, by: Actor, version: int | None = None) -> AgendaItem:
    """Plan another length for an item. Raises PermissionDenied, StepRefused when the meeting is over, or Stale."""
    meeting = _held_for(item.meeting, by)
    item = locked(AgendaItem, item.pk, version=version)
    before, item.minutes = item.minutes, minutes
    item.version += 1
    item.save(update_fields=["minutes", "version"])
    audit.record(
        "change_agenda_item",
        item,
        by=by,
        before=str(before),
        after=str(minutes),
        fields=["minutes"],
        subjects=subjects_of(item),
        meeting=meeting.key,
    )
    return item


@dataclass(frozen=True, slots=True)
class Arranged:
    """How an item stands at the meeting: see the fields of `AgendaItem`."""

    presenter: str = ""
    brought_by: Agency | None = None
    closed: bool = False
    need: str = ""


@transaction.atomic
def arrange(
    item: AgendaItem,
    how: Arranged,
    *,
    by: Actor,
    agencies: Iterable[Agency] | None = None,
    version: int | None = None,
) -> AgendaItem:
    """Say who presents an item, who keeps its case, whether it is closed, its need, and which agencies come for it.

    In a draft it moves to where it now belongs; afterwards its number stays. `agencies` None leaves to the facts of the
    case who comes. Raises PermissionDenied, StepRefused when the meeting is over or for a need that the scheme does not
    have, or Stale.
    """
    meeting = _held_for(item.meeting, by)
    item = locked(AgendaItem, item.pk, version=version)
    if how.need and how.need not in {pathway.slug for pathway in by.scheme.policy.pathways}:
        raise StepRefused(["Choose one of the scheme's pathways."])
    facts = {"presenter": how.presenter, "brought_by": how.brought_by, "closed": how.closed, "need": how.need}
    changed = [name for name, value in facts.items() if getattr(item, name) != value]
    for name in changed:
        setattr(item, name, facts[name])
    if agencies is not None and concerned.say(item, list(agencies)):
        changed.append("agencies")
    if not changed:
        return item
    item.version += 1
    item.save(update_fields=[*(name for name in changed if name in facts), "version"])
    if meeting.status == MeetingStatus.DRAFT and item.state != ItemState.PARKED:
        _put_in_order(meeting)
        item.refresh_from_db(fields=["position"])
    audit.record("arrange_agenda_item", item, by=by, fields=changed, subjects=subjects_of(item), meeting=meeting.key)
    return item


@transaction.atomic
def group(meeting: Meeting, grouping: str, *, by: Actor, version: int | None = None) -> Meeting:
    """Put the cases of a draft together by need or by agency, so that each agency comes for its part; "" undoes it.

    Raises PermissionDenied, StepRefused once the agenda has gone out, or Stale.
    """
    meeting = _held_for(locked(Meeting, meeting.pk, version=version), by)
    if meeting.status != MeetingStatus.DRAFT:
        raise StepRefused([ORDER_IS_FIXED])
    before, meeting.grouping = meeting.grouping, Grouping(grouping)
    if before == meeting.grouping:
        return meeting
    meeting.version += 1
    meeting.save(update_fields=["grouping", "version"])
    _put_in_order(meeting)
    audit.record("group_agenda", meeting, by=by, before=before, after=grouping, meeting=meeting.key)
    return meeting


@transaction.atomic
def refuse_late(item: AgendaItem, *, because: str, by: Actor) -> AgendaItem:
    """The chair does not take a late item at this meeting: it is parked with the words, and the coordinator told.

    The chair may still agree to it. Raises PermissionDenied for anybody else; StepRefused without words, or for an item
    that is not late, that the panel has decided on, or that waits to be ratified.
    """
    if not by.can("panels.agree_late_item", item):
        raise PermissionDenied
    because = because.strip()
    if not because:
        raise StepRefused(["Enter why the panel does not take this item now."])
    meeting = locked(Meeting, item.meeting_id)
    item = locked(AgendaItem, item.pk)
    if not item.late:
        raise StepRefused(["This item is not late."])
    if item.state not in (ItemState.OPEN, ItemState.PARKED):
        raise StepRefused([f"This item is already {item.get_state_display().lower()}."])
    _may_be_left_out(item)
    item.late_refused, item.late_agreed_by, item.state = because[:300], None, ItemState.PARKED
    item.version += 1
    item.save(update_fields=["late_refused", "late_agreed_by", "state", "version"])
    _write_places(ordered(meeting))
    audit.record("refuse_late_item", item, by=by, subjects=subjects_of(item), meeting=meeting.key)
    office = Membership.objects.filter(scheme=by.scheme).current(clock.today()).with_role("coordinator")
    notify.tell(
        [person.user for person in office.select_related("user")],
        scheme=by.scheme,
        kind="late_item_refused",
        subject=f"item:{item.pk}:{item.version}",
        text=f"The chair does not take a late item: {circulation.name_of(meeting)}",
        url=f"{meeting.get_absolute_url()}agenda/#item-{item.pk}",
        email_body="The chair has said why. Sign in to read it, and to put the item on another agenda:",
    )
    return item


@transaction.atomic
def agree_late(item: AgendaItem, *, by: Actor) -> AgendaItem:
    """The chair agrees that a late item is taken. Raises PermissionDenied for anybody else, StepRefused if not late."""
    if not by.can("panels.agree_late_item", item):
        raise PermissionDenied
    item = locked(AgendaItem, item.pk)
    if not item.late:
        raise StepRefused(["This item is not late."])
    if item.late_agreed_by_id is None:
        item.late_agreed_by, item.late_refused = by.user, ""
        item.version += 1
        item.save(update_fields=["late_agreed_by", "late_refused", "version"])
        audit.record("agree_late_item", item, by=by, subjects=subjects_of(item), meeting=item.meeting.key)
    return item


@transaction.atomic
def ask_chair(item: AgendaItem, *, by: Actor) -> None:
    """Ask the chair to agree to a late item, once. Raises StepRefused when the meeting has no chair yet."""
    if not by.can("panels.build_agenda", item):
        raise PermissionDenied
    meeting = item.meeting
    chair = chair_of(meeting)
    if chair is None:
        raise StepRefused(["Nobody is named to chair this meeting yet. Choose the chair first."])
    notify.tell(
        [chair.user],
        scheme=meeting.scheme,
        kind="late_item",
        subject=f"item:{item.pk}",
        text=f"A late item needs your agreement: {circulation.name_of(meeting)}",
        url=f"{meeting.get_absolute_url()}#late-items",
        email_body="An item came after the deadline. Sign in to say whether the panel takes it:",
    )
    AgendaItem.objects.filter(pk=item.pk).update(late_asked_at=clock.now())
    audit.record("ask_chair_about_late_item", item, by=by, subjects=subjects_of(item), meeting=meeting.key)


@transaction.atomic
def send_agenda(meeting: Meeting, *, by: Actor) -> Meeting:
    """Send the agenda: its items are numbered for good, and everybody at the table has it and is told.

    Raises PermissionDenied, or StepRefused when it has gone out already or has nothing on it.
    """
    last_minutes.bring(meeting, by=by)
    meeting = take(SEND_AGENDA, meeting, by=by)
    meeting.scheme = meeting.body.scheme = by.scheme
    items = ordered(meeting)
    for number, item in enumerate(items, start=1):
        item.number, item.position = str(number), number
    AgendaItem.objects.bulk_update(items, ["number", "position"])
    for keep in _with_the_agenda:
        keep(meeting, by)
    circulation.circulate(meeting, by=by)
    return meeting


_with_the_agenda: list[Callable[[Meeting, Actor], object]] = []


def goes_with_the_agenda(keep: Callable[[Meeting, Actor], object]) -> Callable[[Meeting, Actor], object]:
    """Register what is kept as it is when an agenda goes out: `fn(meeting, by)`, in the same transaction."""
    _with_the_agenda.append(keep)
    return keep


def ordered(meeting: Meeting) -> list[AgendaItem]:
    """Every item of the agenda as it stands, parked ones left out, whoever may see them."""
    return list(meeting.items.numbered().select_related("referral", "case"))


def minutes_for(meeting: Meeting, section: str) -> int:
    """How long an item of this section is planned for: the policy's minutes for people, five for the rest."""
    return meeting.body.policy.sitting.minutes_per_item if section in ABOUT_PEOPLE else STANDING_MINUTES


def subjects_of(item: AgendaItem) -> list[str]:
    """References of the people whom an item is about, for the audit."""
    return [thing.reference for thing in (item.referral, item.case) if thing is not None]


def later_number(before: Sequence[str], taken: Iterable[str]) -> str:
    """The number of an item that comes after the agenda went out: 6a after 6, then 6b; 0a when nothing is before it."""
    wholes = [int(number) for number in before if number.isdecimal()]
    stem = wholes[-1] if wholes else 0
    used = set(taken)
    for count in range(26 * 27):
        number = f"{stem}{_letters(count)}"
        if number not in used:
            return number
    raise StepRefused(["This agenda takes no more items. Put it on the next one."])


def _letters(count: int) -> str:
    """0 is a, 25 is z, 26 is aa."""
    high, low = divmod(count, 26)
    return (chr(96 + high) if high else "") + chr(97 + low)


def _sort_key(number: str) -> tuple[int, int, str]:
    """6 before 6a before 6b before 6aa before 7."""
    whole = number.rstrip("abcdefghijklmnopqrstuvwxyz")
    letters = number[len(whole) :]
    return int(whole or 0), len(letters), letters


def _held_for(meeting: Meeting, by: Actor) -> Meeting:
    """The meeting, locked so that two people do not order its agenda at once, if the actor may and it is not over."""
    meeting = locked(Meeting, meeting.pk)
    if not by.can("panels.build_agenda", meeting):
        raise PermissionDenied
    return _open(meeting, by)


def _open(meeting: Meeting, by: Actor) -> Meeting:
    if meeting.status not in OPEN_TO_ITEMS:
        raise StepRefused([f"This meeting is {meeting.get_status_display().lower()}: its agenda takes no more items."])
    meeting.scheme = meeting.body.scheme = by.scheme
    return meeting


def _draft_for(item: AgendaItem, by: Actor) -> Meeting:
    meeting = _held_for(item.meeting, by)
    if meeting.status != MeetingStatus.DRAFT:
        raise StepRefused([ORDER_IS_FIXED])
    return meeting


def _may_be_left_out(item: AgendaItem) -> None:
    if item.section == Section.LAST_MINUTES:
        raise StepRefused(["These minutes wait for a meeting that agrees to them, so they stay on the agenda."])
    if item.section == Section.OUTSIDE:
        raise StepRefused(["This decision waits to be ratified, so it stays on the agenda. The panel can defer it."])
    if EscalationItem.objects.filter(item=item).exists():
        raise StepRefused(["This is on its way to the board or back, so it stays on the agenda. It can be deferred."])


def _refuse_twice(meeting: Meeting, want: Wanted) -> None:
    there = meeting.items.all()
    if want.ratifies is not None:
        return  # asked once a meeting (`ratifying.ask_to_ratify`)
    if want.referral is not None:
        there = there.filter(referral=want.referral, section=want.section)
    elif want.case is not None:
        there = there.filter(case=want.case, section=want.section)
    elif want.section in ONCE_A_MEETING:
        there = there.filter(section=want.section)
    else:
        return
    if found := there.first():
        name = want.referral or want.case or f"“{Section(want.section).label}”"
        where = "parked: bring it back" if found.state == ItemState.PARKED else "on this agenda already"
        raise StepRefused([f"{name} is {where}."])


def _ranks(meeting: Meeting, items: Sequence[AgendaItem]) -> dict[int, tuple[int, int, int, int]]:
    """The sort key of each item, by the identity of the object: items that join have no number yet."""
    cases = {item.case_id for item in items if item.section == Section.REVIEWS} - {None}
    ratings = RagRating.objects.filter(case__in=cases, until=None).values_list("case_id", "colour")
    colours = {case: list(Colour).index(Colour(colour)) for case, colour in ratings}
    groups = concerned.groups(meeting, items) if meeting.grouping else {}
    order = Order(meeting.body.policy.agenda_rule.presenters_first, bool(meeting.grouping))
    return {
        id(item): rank(
            Facts(
                section=str(item.section),
                presented=bool(item.presenter),
                closed=item.closed,
                group=groups[id(item)].place if id(item) in groups else 0,
                colour=colours.get(item.case_id, len(Colour)),
                first=item.first,
            ),
            order,
        )
        for item in items
    }


def _place(
    meeting: Meeting, items: Sequence[AgendaItem], item: AgendaItem, ranks: dict[int, tuple[int, int, int, int]]
) -> int:
    """Where an item joins: after the last of its part, or after the last one of the parts before it.

    Reviews stand Red first, but for what is to be taken before them. A live meeting goes on from where it is, so that
    what joins comes at the end.
    """
    if meeting.status == MeetingStatus.LIVE:
        return len(items)
    key = ranks[id(item)]
    return max((index + 1 for index, other in enumerate(items) if ranks[id(other)] <= key), default=0)


def _put_in_order(meeting: Meeting) -> None:
    """Place every item of a draft anew; those that rank alike keep the order in which somebody put them."""
    items = ordered(meeting)
    ranks = _ranks(meeting, items)
    _write_places(sorted(items, key=lambda item: ranks[id(item)]))


def _delete(item: AgendaItem, meeting: Meeting, by: Actor) -> None:
    audit.record(
        "remove_agenda_item", item, by=by, before=item.section, subjects=subjects_of(item), meeting=meeting.key
    )
    item.delete()
    _write_places(ordered(meeting))


def _set_state(item: AgendaItem, state: str, by: Actor, verb: str, meeting: Meeting) -> None:
    before, item.state = item.state, state
    item.version += 1
    item.save(update_fields=["state", "number", "late", "version"])
    audit.record(verb, item, by=by, before=before, after=state, subjects=subjects_of(item), meeting=meeting.key)


def _write_places(items: Sequence[AgendaItem]) -> None:
    """Write places 1, 2, 3 … where they changed."""
    changed = []
    for place, item in enumerate(items, start=1):
        if item.position != place:
            item.position = place
            changed.append(item)
    AgendaItem.objects.bulk_update(changed, ["position"])
