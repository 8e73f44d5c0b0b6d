"""The researcher's sheet: what police systems hold of the people of a meeting (London, Intelligence; Merton, step 2).

Which systems there are is the scheme's rule (`research_systems`). Each is looked up for a person and a meeting, and
written down with the day, the result and, where something was found, a line and who may read it: chosen each time, as
for an agency's answer. A finding is read the moment it says who may; until then its own agency alone sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from iom import audit, clock, together
from iom.models import Agency, Meeting
from iom.steps import Stale, StepRefused, locked
from offenders.models import Offender
from referrals import hooks
from referrals.models import CheckRequest, Handling, Referral, ReferralStatus, ResearchCheck, Result

if TYPE_CHECKING:
    from iom.access import Actor

# A nomination is looked up from the moment it is sent until the panel has decided.
LOOKED_UP = (ReferralStatus.SENT, ReferralStatus.WITH_COORDINATOR, ReferralStatus.ON_AGENDA)


@dataclass(frozen=True, slots=True)
class Subject:
    """A person whom the sheet of a meeting holds, with the reference by which others know them."""

    person: Offender
    reference: str
    why: str
    decided: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One system for one person: the check that the reader may see, one that is not theirs to read, or none yet."""

    system: str
    check: ResearchCheck | None = None
    closed: ResearchCheck | None = None
    earlier: ResearchCheck | None = None

    @property
    def looked_up(self) -> bool:
        return self.check is not None or self.closed is not None

    @property
    def problem(self) -> str | None:
        """What a check lacks before anybody else reads it."""
        return None if self.check is None else lacks(self.check)

    @property
    def words(self) -> str:
        if self.closed is not None:
            return "Checked"
        if self.check is None:
            return "Not checked"
        return "Not finished" if self.problem else SHORT[Result(self.check.result)]

    @property
    def shape(self) -> str:
        if self.closed is not None:
            return "✓"
        if self.check is None or self.problem:
            return "!"
        return SHAPES[Result(self.check.result)]


SHORT = {Result.NOTHING: "Nothing found", Result.FOUND: "Found", Result.COULD_NOT: "Could not check"}
SHAPES = {Result.NOTHING: "○", Result.FOUND: "●", Result.COULD_NOT: "◇"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One person's systems."""

    subject: Subject
    lines: tuple[Line, ...]

    @property
    def left(self) -> list[Line]:
        """What nobody has looked up yet for this meeting, or not finished."""
        return [line for line in self.lines if not line.looked_up or line.problem]

    @property
    def done(self) -> int:
        return len(self.lines) - len(self.left)

    @property
    def again(self) -> list[Line]:
        """What was looked up lately and can stand again."""
        return [line for line in self.lines if not line.looked_up and line.earlier is not None]


# --- Whom it is about --------------------------------------------------------


def subjects(actor: Actor, meeting: Meeting) -> list[Subject]:
    """The people of a meeting whom the actor may look up, by name: those asked about, and those nominated for it."""
    return together.run(subjects_steps(actor, meeting))


def subjects_steps(actor: Actor, meeting: Meeting) -> together.Steps[list[Subject]]:
    """`subjects`, read in its caller's round."""
    found: dict[int, Subject] = {}

    def asked() -> list[QuerySet]:
        requests = CheckRequest.objects.of_people_open_to(actor).filter(meeting=meeting, withdrawn_at=None)
        nominated = Referral.objects.visible_to(actor).filter(meeting=meeting, status__in=LOOKED_UP)
        # A request that is open comes last and so decides whether the person is.
        return [
            requests.select_related("offender", "referral", "case").order_by("-closed_at", "pk"),
            nominated.select_related("offender"),
        ]

    requests, referrals = yield asked
    for request in requests:
        thing = request.referral or request.case
        found[request.offender_id] = Subject(
            request.offender, thing.reference if thing else "", request.get_why_display(), request.closed_at is not None
        )
    for referral in referrals:
        found[referral.offender_id] = Subject(referral.offender, referral.reference, "New referral", decided=False)
    return sorted(found.values(), key=lambda each: (each.person.sort_name, each.person.pk))


def sheets(actor: Actor, meeting: Meeting, people: Iterable[Subject]) -> list[Sheet]:
    """The systems of each person as far as the actor may read them, in two queries whatever their number."""
    return together.run(sheets_steps(actor, meeting, people))


def still_to_look_up(actor: Actor, meeting: Meeting) -> together.Steps[list[Sheet]]:
    """The sheets of those on whom a meeting has not decided."""
    people = yield from subjects_steps(actor, meeting)
    return (yield from sheets_steps(actor, meeting, [each for each in people if not each.decided]))


def sheets_steps(actor: Actor, meeting: Meeting, people: Iterable[Subject]) -> together.Steps[list[Sheet]]:
    """`sheets`, read in its caller's rounds."""
    people = list(people)
    ids = [each.person.pk for each in people]
    signed = yield from hooks.opens_marked_steps(actor, meeting)
    since = _young_since(meeting)
    readable, standing, earlier = yield lambda: [
        _for_place(ResearchCheck.objects.for_sheet(actor, signed=signed).filter(meeting=meeting, offender__in=ids)),
        _for_place(ResearchCheck.objects.standing(actor).filter(meeting=meeting, offender__in=ids)),
        _lately(actor, meeting, ids, since, signed=signed),
    ]
    readable, standing, earlier = (_by_place(rows) for rows in (readable, standing, earlier))
    systems = meeting.scheme.policy.research_systems
    return [
        Sheet(
            each,
            tuple(
                Line(
                    system,
                    check=readable.get((each.person.pk, system)),
                    closed=None if (each.person.pk, system) in readable else standing.get((each.person.pk, system)),
                    earlier=earlier.get((each.person.pk, system)),
                )
                for system in (*systems, *_no_longer_asked(standing, each.person.pk, systems))
            ),
        )
        for each in people
    ]


def _no_longer_asked(standing: dict[tuple[int, str], ResearchCheck], pk: int, systems: tuple[str, ...]) -> list[str]:
    """Systems that were looked up and that the scheme's rules have dropped since."""
    return sorted(system for person, system in standing if person == pk and system not in systems)


def _for_place(rows: QuerySet[ResearchCheck]) -> QuerySet[ResearchCheck]:
    return rows.select_related("checked_by", "agency", "offender")


def _by_place(rows: Iterable[ResearchCheck]) -> dict[tuple[int, str], ResearchCheck]:
    return {(row.offender_id, row.system): row for row in rows}


def _young_since(meeting: Meeting) -> date:
    """From when on a look into a system is young enough to stand again."""
    return clock.today() - timedelta(days=meeting.scheme.policy.research_again_days)


def _lately(actor: Actor, meeting: Meeting, ids: list[int], since: date, *, signed: bool) -> QuerySet[ResearchCheck]:
    """The newest look into each system that is young enough to stand again, as far as the actor may read it."""
    rows = ResearchCheck.objects.for_sheet(actor, signed=signed).filter(offender__in=ids, checked_on__gte=since)
    rows = rows.exclude(meeting=meeting).exclude(result=Result.COULD_NOT)
    # The newest comes last, and so stands.
    return _for_place(rows.order_by("checked_on", "pk"))


# --- Writing it down ---------------------------------------------------------


@transaction.atomic
def save_check(
    meeting: Meeting,
    person: Offender,
    system: str,
    *,
    by: Actor,
    result: str,
    checked_on: date | None = None,
    finding: str = "",
    handling: str = "",
    readers: Iterable[str] = (),
    version: int | None = None,
) -> ResearchCheck:
    """Write down what a system holds of a person; without a day it was looked up today.

    What was found may be written before it is said who reads it: until then nobody but its own agency does. Raises
    PermissionDenied, StepRefused once the panel has decided, or Stale (`version` 0: the reader saw nothing yet).
    """
    check = _held(meeting, person, system, by)
    handling = handling if finding else ""
    values: dict[str, Any] = {
        "result": result,
        "checked_on": checked_on or (check.checked_on if check else clock.today()),
        "finding": finding if result != Result.NOTHING else "",
        "handling": handling if result != Result.NOTHING else "",
        "readers": sorted(readers) if handling == Handling.AGENCIES and result != Result.NOTHING else [],
    }
    if check is not None and all(getattr(check, name) == value for name, value in values.items()):
        return check
    if version is not None and version != (check.version if check else 0):
        raise Stale(check)
    if check is None:
        return _add(meeting, person, system, by, "check_system", **values)
    changed = {name: value for name, value in values.items() if getattr(check, name) != value}
    for name, value in changed.items():
        setattr(check, name, value)
    check.checked_by, check.agency = by.user, by.agency
    check.version += 1
    check.save(update_fields=[*changed, "checked_by", "agency", "version"])
    _audit("change_system_check", check, by, changed)
    return check


@transaction.atomic
def mark_rest_clear(meeting: Meeting, person: Offender, *, by: Actor) -> int:
    """Nothing found today in any system that is not written down yet. Returns in how many. Raises as `save_check`."""
    held = _standing(meeting, person, by)
    rest = [system for system in meeting.scheme.policy.research_systems if system not in held]
    for system in rest:
        _add(meeting, person, system, by, "check_system", result=Result.NOTHING, checked_on=clock.today())
    return len(rest)


@transaction.atomic
def use_again(meeting: Meeting, person: Offender, *, by: Actor, systems: Iterable[str] | None = None) -> int:
    """Let what was looked up lately stand for this meeting: with its own day, and whoever looked.

    Who may read a finding is never carried over: it is chosen again. Returns how many. Raises as `save_check`.
    """
    held = _standing(meeting, person, by)
    signed = hooks.opens_marked(by, meeting)
    found = _by_place(_lately(by, meeting, [person.pk], _young_since(meeting), signed=signed))
    wanted = None if systems is None else set(systems)
    taken = [
        check
        for (_, system), check in sorted(found.items())
        if system not in held and (wanted is None or system in wanted)
    ]
    for check in taken:
        _add(
            meeting,
            person,
            check.system,
            by,
            "use_check_again",
            result=check.result,
            checked_on=check.checked_on,
            finding=check.finding,
            checked_by=check.checked_by,
            agency=check.agency,
        )
    return len(taken)


def lacks(check: ResearchCheck) -> str | None:
    """What keeps a check from being read by anybody but its agency, in words."""
    if check.result == Result.FOUND and not check.finding:
        return f"Say what {check.system} holds"
    if check.finding and not check.handling:
        return f"Choose who can see what {check.system} holds"
    if check.handling == Handling.AGENCIES and not check.readers:
        return f"Choose the agencies that can see what {check.system} holds"
    return None


def _held(meeting: Meeting, person: Offender, system: str, by: Actor) -> ResearchCheck | None:
    """The check that stands, its person locked. Raises PermissionDenied where it is not the actor's to read."""
    held = _standing(meeting, person, by)
    check = held.get(system)
    if check is None and system not in meeting.scheme.policy.research_systems:
        raise PermissionDenied
    signed = hooks.opens_marked(by, meeting)
    if check is not None and not ResearchCheck.objects.for_sheet(by, signed=signed).filter(pk=check.pk).exists():
        raise PermissionDenied
    return check


def _standing(meeting: Meeting, person: Offender, by: Actor) -> dict[str, ResearchCheck]:
    if not by.holds("referrals.research") or by.agency is None or meeting.scheme_id != by.scheme.pk:
        raise PermissionDenied
    # The row of the person is the lock: two people at one sheet would both find no check and write two.
    person = locked(Offender, person.pk)
    subject = next((each for each in subjects(by, meeting) if each.person.pk == person.pk), None)
    if subject is None:
        raise PermissionDenied
    if subject.decided:
        raise StepRefused([f"The panel has decided on {person.plain_name}. Nothing more is written down."])
    rows = ResearchCheck.objects.filter(scheme=by.scheme, meeting=meeting, offender=person)
    return {check.system: check for check in rows}


def _add(meeting: Meeting, person: Offender, system: str, by: Actor, verb: str, **values: Any) -> ResearchCheck:
    who = {"checked_by": by.user, "agency": by.agency} | values
    check = ResearchCheck.objects.create(scheme=by.scheme, meeting=meeting, offender=person, system=system, **who)
    _audit(verb, check, by, values)
    return check


def _audit(verb: str, check: ResearchCheck, by: Actor, fields: Iterable[str]) -> None:
    subjects = [check.offender.audit_subject]
    where = {"meeting": check.meeting.key, "system": check.system}
    audit.record(verb, check, by=by, fields=fields, subjects=subjects, **where)


# --- Reading it --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """What one system holds, as its reader may see it."""

    system: str
    words: str
    checked_on: date
    finding: str
    is_marked: bool
    handling_words: str


def research_for(actor: Actor, person: Offender, meeting: Meeting, *, signed: bool = False) -> list[Held]:
    """What was looked up about a person for a meeting, as far as the actor may read it, in the scheme's own order.

    It is the answer of the police beside those of the agencies. `signed`: as for `returns.returns_for`. What one may
    not read is absent.
    """
    return together.run(research_for_steps(actor, person, meeting, signed=signed))


def research_for_steps(
    actor: Actor, person: Offender, meeting: Meeting, *, signed: bool = False
) -> together.Steps[list[Held]]:
    rows = yield lambda: ResearchCheck.objects.visible_to(actor, signed=signed).filter(meeting=meeting, offender=person)
    checks = {check.system: check for check in rows if lacks(check) is None}
    names = yield from _names(actor, checks.values())
    order = [*meeting.scheme.policy.research_systems, *sorted(checks)]
    return [_held_words(checks[system], names) for system in dict.fromkeys(order) if system in checks]


def lately(actor: Actor, checks: QuerySet[ResearchCheck]) -> list[tuple[ResearchCheck, Held]]:
    """Of checks that the actor may read, the last look into each system, in the scheme's own order."""
    newest = checks.select_related("agency").order_by("system", "-checked_on", "-pk").distinct("system")
    found = {check.system: check for check in newest if lacks(check) is None}
    names = together.run(_names(actor, found.values()))
    order = dict.fromkeys([*actor.scheme.policy.research_systems, *sorted(found)])
    return [(found[system], _held_words(found[system], names)) for system in order if system in found]


def not_looked_up(actor: Actor, person: Offender, meeting: Meeting) -> list[str]:
    """The systems that nobody has looked up for a meeting: for whoever runs it."""
    return together.run(not_looked_up_steps(actor, person, meeting))


def not_looked_up_steps(actor: Actor, person: Offender, meeting: Meeting) -> together.Steps[list[str]]:

    def asked() -> QuerySet:
        held = ResearchCheck.objects.standing(actor).filter(meeting=meeting, offender=person)
        return held.values_list("system", flat=True)

    known = set((yield asked))
    return [system for system in meeting.scheme.policy.research_systems if system not in known]


def _names(actor: Actor, checks: Iterable[ResearchCheck]) -> together.Steps[dict[str, str]]:
    slugs = {slug for check in checks for slug in check.readers}
    if not slugs:
        return {}
    return dict((yield Agency.objects.in_scheme_of(actor).filter(slug__in=slugs).values_list("slug", "name")))


def _held_words(check: ResearchCheck, names: dict[str, str]) -> Held:
    readers = ", ".join(sorted(names.get(slug, slug) for slug in check.readers))
    return Held(
        system=check.system,
        words=SHORT[Result(check.result)],
        checked_on=check.checked_on,
        finding=check.finding,
        is_marked=check.handling not in ("", Handling.PANEL),
        handling_words=readers or check.get_handling_display(),
    )
