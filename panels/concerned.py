"""Which agencies an item of an agenda concerns, and under which need it is taken.

From the facts of the case: who leads it, whose actions are open, who nominated or brought it, which agency knows the
person. Somebody may say otherwise for one item. An answer that is marked for some readers tells nothing here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actionplans.models import Action, PathwayNeed
from iom.models import Agency, Grouping, Handling, Meeting
from offenders.models import Assignment, AssignmentRole
from referrals.models import AgencyReturn

from .models import AgendaItem, ItemAgency

LEVELS = (PathwayNeed.Level.HIGH, PathwayNeed.Level.SOME)
WITHOUT_NEED, WITHOUT_AGENCY = "Several needs, or none recorded", "No lead agency yet"


@dataclass(frozen=True, slots=True)
class Concern:
    """Numbers of the agencies that an item concerns; `first` is the one that leads or brought it."""

    agencies: frozenset[int] = frozenset()
    first: int | None = None
    need: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A need or an agency under which items stand together, and the place of the group on the agenda."""

    place: int
    label: str


def concerns(meeting: Meeting, items: Sequence[AgendaItem]) -> dict[int, Concern]:
    """What each item concerns, by the identity of the object. The number of queries does not depend on the items."""
    cases = {item.case_id for item in items} - {None}
    leads, others = _assigned(cases)
    acting = _pairs(Action.objects.to_do().filter(case__in=cases).values_list("case", "agency"))
    people = {id(item): _person(item) for item in items}
    knowing = _knowing(meeting, set(people.values()) - {None})
    needs = _needs(meeting, items, cases)
    said = _said(items)
    found = {}
    for item in items:
        first = item.brought_by_id or leads.get(item.case_id) or (item.referral.agency_id if item.referral else None)
        agencies = others[item.case_id] | acting[item.case_id] | knowing[people[id(item)]] | {first}
        if item.referral is not None:
            agencies |= {item.referral.agency_id}
        for agency, comes in said[item.pk]:
            agencies = agencies | {agency} if comes else agencies - {agency}
        found[id(item)] = Concern(frozenset(agencies - {None}), first, item.need or needs.get(id(item), ""))
    return found


def groups(meeting: Meeting, items: Sequence[AgendaItem]) -> dict[int, Group]:
    """Under which group each item stands, in the way of grouping that was chosen for the meeting.

    Needs stand in the order of the scheme's pathways. Agencies follow each other so that whoever is concerned by two of
    them waits as little as possible between.
    """
    found = concerns(meeting, items)
    if meeting.grouping == Grouping.NEED:
        pathways = meeting.body.scheme.policy.pathways
        places = {pathway.slug: Group(place, pathway.name) for place, pathway in enumerate(pathways)}
        nowhere = Group(len(places), WITHOUT_NEED)
        return {key: places.get(concern.need, nowhere) for key, concern in found.items()}
    names = dict(Agency.objects.filter(scheme=meeting.scheme).order_by("name").values_list("pk", "name"))
    order = near_each_other(found.values(), list(names))
    places = {agency: Group(place, names[agency]) for place, agency in enumerate(order)}
    nowhere = Group(len(names) + 1, WITHOUT_AGENCY)
    return {key: places.get(concern.first, nowhere) for key, concern in found.items()}


def near_each_other(concerned: Iterable[Concern], agencies: Sequence[int]) -> list[int]:
    """Agencies in the order in which their groups follow: each time the one that shares most items with the last.

    It begins with the agency that has most items; where two are equal, the earlier of `agencies`.
    """
    shared: dict[tuple[int, int], int] = defaultdict(int)
    size: dict[int, int] = defaultdict(int)
    for concern in concerned:
        if concern.first is None:
            continue
        size[concern.first] += 1
        for other in concern.agencies - {concern.first}:
            shared[concern.first, other] += 1
            shared[other, concern.first] += 1
    left = sorted(size, key=lambda agency: (-size[agency], agencies.index(agency)))
    order: list[int] = []
    while left:
        after = order[-1] if order else None
        chosen = max(left, key=lambda agency: (shared[after, agency] if after else 0, -left.index(agency)))
        order.append(chosen)
        left.remove(chosen)
    return order


def say(item: AgendaItem, agencies: Sequence[Agency]) -> bool:
    """Write down which agencies come for an item, where that is not what the facts say. True if anything changed."""
    before = {(row.agency_id, row.comes) for row in ItemAgency.objects.filter(item=item)}
    ItemAgency.objects.filter(item=item).delete()
    by_facts = concerns(item.meeting, [item])[id(item)].agencies
    wanted = {agency.pk for agency in agencies}
    said = {(agency, True) for agency in wanted - by_facts} | {(agency, False) for agency in by_facts - wanted}
    ItemAgency.objects.bulk_create(
        [ItemAgency(scheme=item.scheme, item=item, agency_id=agency, comes=comes) for agency, comes in sorted(said)]
    )
    return said != before


def _person(item: AgendaItem) -> int | None:
    thing = item.referral or item.case
    return thing.offender_id if thing is not None else None


def _pairs(rows: Iterable[tuple[int, int]]) -> defaultdict[int | None, set[int]]:
    found: defaultdict[int | None, set[int]] = defaultdict(set)
    for key, value in rows:
        found[key].add(value)
    return found


def _assigned(cases: set[int]) -> tuple[dict[int, int], defaultdict[int | None, set[int]]]:
    """The agency that leads each case, and all that hold a part in it."""
    rows = list(Assignment.objects.filter(case__in=cases, until=None).values_list("case", "role", "agency"))
    leads = {case: agency for case, role, agency in rows if role == AssignmentRole.LEAD_AGENCY}
    return leads, _pairs((case, agency) for case, _, agency in rows)


def _knowing(meeting: Meeting, people: set[int]) -> defaultdict[int | None, set[int]]:
    known = (AgencyReturn.Known.NOW, AgencyReturn.Known.BEFORE)
    rows = AgencyReturn.objects.filter(
        request__meeting=meeting, request__offender__in=people, known__in=known, handling=Handling.PANEL
    ).exclude(sent_at=None)
    return _pairs(rows.values_list("request__offender", "request__agency"))


def _needs(meeting: Meeting, items: Sequence[AgendaItem], cases: set[int]) -> dict[int, str]:
    """The weightiest need of each case by its plan; of a nomination the first that it names. In the policy's order."""
    order = [pathway.slug for pathway in meeting.body.scheme.policy.pathways]
    rows = PathwayNeed.objects.filter(plan__case__in=cases, level__in=LEVELS, pathway__in=order)
    weighed: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for case, level, pathway in rows.values_list("plan__case", "level", "pathway"):
        weighed[case].append((LEVELS.index(PathwayNeed.Level(level)), order.index(pathway)))
    found = {}
    for item in items:
        if item.case_id in weighed:
            found[id(item)] = order[min(weighed[item.case_id])[1]]
        elif item.referral is not None:
            found[id(item)] = next((slug for slug in order if item.referral.needs.get(slug)), "")
    return found


def _said(items: Sequence[AgendaItem]) -> defaultdict[int | None, set[tuple[int, bool]]]:
    rows = ItemAgency.objects.filter(item__in=[item.pk for item in items if item.pk])
    found: defaultdict[int | None, set[tuple[int, bool]]] = defaultdict(set)
    for item, agency, comes in rows.values_list("item", "agency", "comes"):
        found[item].add((agency, comes))
    return found
