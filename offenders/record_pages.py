"""What the pages of the team's plain records show, and what stands in the files made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.urls import reverse

from iom.exports import Cell
from iom.models import Agency

from .models import Case, Cover, Entry, IntelligenceCheck, Listed, Premises, SuccessStory

if TYPE_CHECKING:
    from iom.access import Actor

# What each record is called where the scheme's document has no name for it.
TITLES = {
    "cover": "Cover outside office hours, court and custody",
    "intelligence": "Intelligence compared with partners",
    "stories": "Success stories",
    "named_list": "Named police list",
    "places": "Where agencies work together",
}
ABOUT = {
    "cover": "Who stands by out of hours, for court and for custody, and what the team attended.",
    "intelligence": "What was compared with a partner's information and fed back, never what it says.",
    "stories": "Stories without names that people agreed to, and where they were told.",
    "named_list": "Repeat perpetrators of domestic abuse whom the police list, to be nominated.",
    "places": "Where agencies sit together, on which days, and whether there is a room to speak alone.",
}
PERMISSIONS = {"named_list": "offenders.view_named_list"}
# What the team did away from its desk: kinds of entries of the timeline.
ATTENDED = ("out_of_hours", "court_attendance", "custody_visit")
# So far back and ahead a list goes.
LOOK_BACK, LOOK_AHEAD = timedelta(days=92), timedelta(days=92)


def titled(actor: Actor, kind: str) -> str:
    """A record as the scheme calls it."""
    return next((each.title for each in actor.scheme.policy.records if each.kind == kind), TITLES[kind])


def hub(actor: Actor) -> dict[str, Any]:
    """The records that the scheme's document asks for, with its paragraphs, and the others."""
    sources = {each.kind: each.source for each in actor.scheme.policy.records}
    lines = [
        {
            "kind": kind,
            "title": titled(actor, kind),
            "about": ABOUT[kind],
            "href": reverse(f"records_{kind}"),
            "source": sources.get(kind, ""),
        }
        for kind in TITLES
        if actor.holds(PERMISSIONS.get(kind, "offenders.view_records"))
    ]
    return {
        "asked": [each for each in lines if each["source"]],
        "other": [each for each in lines if not each["source"]],
    }


def offered(actor: Actor) -> bool:
    """Whether the scheme's document asks for any of them: then the way to them stands among the links."""
    return bool(hub(actor)["asked"])


# --- The lists -------------------------------------------------------------------------------


def cover(actor: Actor, today: date) -> dict[str, Any]:
    """The rota from today on, the days before, and what the team attended."""
    rows = Cover.objects.visible_to(actor).filter(ended_on=None).select_related("agency")
    attended = attendance(actor, today)
    return {
        "coming": list(rows.filter(on__gte=today, on__lte=today + LOOK_AHEAD)),
        "before": list(rows.filter(on__lt=today, on__gte=today - LOOK_BACK).order_by("-on", "-starts_at", "-pk")),
        "attended": attended,
        "counted": sorted(Counter(each.get_kind_display() for each in attended).items()),
        "since": today - LOOK_BACK,
    }


def attendance(actor: Actor, today: date) -> list[Entry]:
    """What the team attended of late, as the reader may know it; what was corrected or withdrawn is left out."""
    rows = Entry.objects.visible_to(actor).filter(kind__in=ATTENDED, happened_on__gte=today - LOOK_BACK)
    rows = rows.filter(Q(correction=None) & ~Q(text="")).select_related("case", "agency", "made_by")
    return list(rows.order_by("-happened_on", "-pk"))


def intelligence(actor: Actor) -> list[IntelligenceCheck]:
    rows = IntelligenceCheck.objects.visible_to(actor).select_related("case", "partner")
    return list(rows)


def stories(actor: Actor) -> list[SuccessStory]:
    return list(SuccessStory.objects.visible_to(actor).select_related("case"))


def open_case_of(actor: Actor, rows: Sequence[Listed]) -> dict[int, Case]:
    """The newest case that the reader may open of each listed person who is known here."""
    people = [each.offender_id for each in rows if each.offender_id]
    cases = Case.objects.visible_to(actor).filter(offender__in=people).order_by("pk")
    return {case.offender_id: case for case in cases}


def named_list(actor: Actor) -> dict[str, Any]:
    """Who is on the list, who was, and their case here."""
    rows = list(Listed.objects.visible_to(actor))
    cases = open_case_of(actor, rows)
    lines = [{"listed": each, "case": cases.get(each.offender_id)} for each in rows]
    return {
        "lines": [each for each in lines if each["listed"].until is None],
        "earlier": [each for each in lines if each["listed"].until is not None],
    }


def places(actor: Actor) -> dict[str, Any]:
    """Where agencies work together now, and did."""
    names = dict(Agency.objects.visible_to(actor).values_list("slug", "name"))
    rows = [
        {"place": each, "agencies": ", ".join(names.get(slug, slug) for slug in each.agencies)}
        for each in Premises.objects.visible_to(actor)
    ]
    return {
        "present": [each for each in rows if each["place"].until is None],
        "earlier": [each for each in rows if each["place"].until is not None],
    }


# --- The files -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sheet:
    """One list as a file: its heading, its rows, and the references of the people in it."""

    header: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    subjects: list[str]


def _cover_sheet(actor: Actor, today: date) -> Sheet:
    rota = Cover.objects.visible_to(actor).filter(ended_on=None, on__gte=today - LOOK_BACK).select_related("agency")
    attended = attendance(actor, today)
    rows: list[tuple[Cell, ...]] = [
        ("Cover", each.on, each.get_kind_display(), each.agency.name, each.person, f"{each.starts_at:%H:%M}", "")
        for each in rota
    ]
    rows += [
        (
            "Attended",
            each.happened_on,
            each.get_kind_display(),
            each.agency.name if each.agency else "",
            "",
            "",
            each.case.reference,
        )
        for each in attended
    ]
    header = ("What", "Day", "Kind", "Agency", "Who", "From", "Case")
    return Sheet(header, rows, [each.case.reference for each in attended])


def _intelligence_sheet(actor: Actor, today: date) -> Sheet:
    found = intelligence(actor)
    rows: list[tuple[Cell, ...]] = [
        (
            each.case.reference,
            each.system,
            each.partner.name,
            each.checked_on,
            each.get_result_display(),
            each.fed_back_on,
        )
        for each in found
    ]
    header = ("Case", "System", "Compared with", "Compared on", "Result", "Fed back on")
    return Sheet(header, rows, [each.case.reference for each in found])


def _stories_sheet(actor: Actor, today: date) -> Sheet:
    told = [each for each in stories(actor) if each.withdrawn_on is None]
    rows: list[tuple[Cell, ...]] = [(each.text, each.consent_on, each.told_where, each.told_on) for each in told]
    return Sheet(("Story", "Agreed on", "Told where", "Told on"), rows, [])


def _places_sheet(actor: Actor, today: date) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (
            each["place"].place,
            each["agencies"],
            each["place"].days,
            "Yes" if each["place"].private_room else "No",
            each["place"].since,
        )
        for each in places(actor)["present"]
    ]
    return Sheet(("Place", "Agencies", "Days", "Private room", "Since"), rows, [])


# The named list is nobody's to take away: it is the police's own.
SHEETS: dict[str, Callable[[Actor, date], Sheet]] = {
    "cover": _cover_sheet,
    "intelligence": _intelligence_sheet,
    "stories": _stories_sheet,
    "places": _places_sheet,
}
