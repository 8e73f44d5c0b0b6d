"""Which pages are measured, who reads each, and which baselines stand beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.subjects import Subject

OF_TARGET = ("home, coordinator", "board", "case", "agenda", "live meeting")
ADMIN = "/bench/admin/offenders/case/"
# Under "nothing" and "one query" the same bytes as the page's own.
PLAIN = {"nothing": "/bench/bare/nothing/?bytes={bytes}", "one query": "/bench/one-query/?bytes={bytes}"}


@dataclass(frozen=True)
class Page:
    """A page as it is measured: its path, the post of its reader, and the paths of its baselines by their names.

    `scheme` is "measured" for the one that is the same at every size, "largest" for the national list. `under_load` is
    measured at 20 requests a second and with eight clients too.
    """

    name: str
    path: str
    post: str = "coordinator"
    scheme: str = "measured"
    beside: Mapping[str, str] = field(default_factory=dict)
    under_load: bool = True

    @property
    def of_target(self) -> bool:
        """Whether the target speaks of it under load."""
        return self.name in OF_TARGET


@dataclass(frozen=True)
class Save:
    """A form as it is measured: the pages on which it stands in turn, a field that only it has, what is typed."""

    name: str
    pages: tuple[str, ...]
    form: str
    typed: Mapping[str, str]
    statuses: tuple[int, ...]
    post: str = "coordinator"
    autosave: bool = False
    undo: str = ""


def pages_of(measured: Subject, largest: Subject, searches: Mapping[str, str]) -> Iterable[Page]:
    """Every page. `searches` are the paths of what each scheme looked for, by "measured" and "largest"."""
    for post in measured.people:
        yield Page(f"home, {post}", "/", post, beside=PLAIN if post == "coordinator" else {})
    yield from _board(measured, searches["measured"])
    yield from _national(largest, searches["largest"])
    case = f"/cases/{measured.case}/"
    yield Page("case", case, beside={**PLAIN, "ordinary": f"/bench{case}?bytes={{bytes}}"})
    timeline = f"/cases/{measured.case_long}/timeline/"
    yield Page("timeline, page 1", timeline, beside=PLAIN)
    yield Page("timeline, page 50", f"{timeline}?page=50", beside=PLAIN)
    if measured.agenda:
        ordinary = f"/bench/agenda/{measured.agenda_id}/?bytes={{bytes}}"
        yield Page("agenda", f"/meetings/{measured.agenda}/agenda/", beside={**PLAIN, "ordinary": ordinary})
    if measured.returns:
        yield Page("returns grid", f"/research/{measured.returns}/sheet/", "police", beside=PLAIN)
        yield Page("returns, coordinator", f"/research/{measured.returns}/", under_load=False)
    if measured.live:
        yield Page("live meeting", f"/meetings/{measured.live}/live/", beside=PLAIN)
    if measured.referral:
        yield Page("triage", f"/referrals/{measured.referral}/triage/", beside=PLAIN)


def _board(subject: Subject, search: str) -> Iterable[Page]:
    slug, agency = subject.agency
    # The board counts its ratings: so does the admin, by facets. For the national list it is spared that.
    beside = {
        **PLAIN,
        "ordinary": "/bench/board/?bytes={bytes}",
        "careful admin": f"{ADMIN}?_facets=True",
        "limit": "/bench/bare/limit/?bytes={bytes}",
    }
    yield Page("board", "/cases/", beside=beside)
    yield Page(
        "board, filtered",
        f"/cases/?rating=AMBER&agency={slug}",
        beside={
            "ordinary": f"/bench/board/?rating=AMBER&agency={agency}&bytes={{bytes}}",
            "careful admin": f"{ADMIN}?rating=AMBER&agency={agency}&_facets=True",
        },
    )
    admin, ordinary = f"{ADMIN}?q={subject.part}", f"/bench/board/?q={subject.part}&bytes={{bytes}}"
    yield Page("board, searched", search, beside={"ordinary": ordinary, "careful admin": admin})


def _national(subject: Subject, search: str) -> Iterable[Page]:
    """The list of the largest scheme: its whole open cohort, and everybody who has left."""
    slug, agency = subject.agency
    wanted = {
        "list": ("", ""),
        "list, filtered": (f"rating=RED&agency={slug}", f"rating=RED&agency={agency}"),
        "list, sorted": ("sort=name", "o=2"),
        "closed list": ("stage=closed", "status__exact=closed"),
        "closed list, sorted": ("stage=closed&sort=-name", "status__exact=closed&o=-2"),
    }
    for name, (ours, theirs) in wanted.items():
        yield Page(
            f"national {name}",
            f"/cases/?{ours}" if ours else "/cases/",
            scheme="largest",
            beside={"careful admin": f"{ADMIN}?{theirs}" if theirs else ADMIN},
            under_load=name in ("list", "closed list"),
        )
    yield Page(
        "national list, searched", search, scheme="largest", beside={"careful admin": f"{ADMIN}?q={subject.part}"}
    )


def saves_of(measured: Subject, notes: Iterable[int]) -> Iterable[Save]:
    """What is saved: the record of a live meeting as somebody types, a decision, and the ordinary write beside them."""
    live = f"/meetings/{measured.live}/live/"
    if measured.items:
        items = tuple(f"{live}?item={number}" for number in measured.items)
        typed = {"note": "Heard from the officer, time {n}"}
        yield Save("save, as typed", items, "note", typed, (200, 204), autosave=True)
        decision = {"note": "Agreed, time {n}", "then": "save"}
        yield Save("save, decision", items, "outcome", decision, (302, 303), undo="/live/undo/")
    ordinary = tuple(f"/bench/notes/{number}/" for number in notes)
    yield Save("ordinary write", ordinary, "seen", {"text": "Asked again, time {n}"}, (200,))


def job(page: Page, kind: str, cookies: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """What `bench.clients` is told of a page."""
    return {"name": page.name, "kind": kind, "path": page.path, "cookies": dict(cookies), **more}
