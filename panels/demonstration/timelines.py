"""What happened between panels, as those who work with people write it down: a few entries on some cases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from iom.models import Agency, Handling
from offenders import timeline
from offenders.models import Case, EntryKind

if TYPE_CHECKING:
    from panels.demonstration.year import Life

CASES = 6
VISITS = (
    (EntryKind.HOME_VISIT, "probation", "At home, sober, paperwork for the training in order."),
    (EntryKind.CONTACT, "housing", "Came to the office about the arrears and agreed to pay weekly."),
    (EntryKind.COMPLIANCE_VISIT, "police", "Not at home at 21:30. A neighbour said that they had moved out on Sunday."),
    (EntryKind.CONTACT, "health", "Rang to move the appointment. Kept the new one."),
    (EntryKind.COURT_ATTENDANCE, "police", "Attended with a support worker. Adjourned for reports."),
    (EntryKind.OUT_OF_HOURS, "police", "Seen near the shops after midnight, alone, went home when asked."),
)
TOLD = "The team explained what support is on offer, what is expected and what follows if it is not kept to."


def write_timelines(life: Life) -> None:
    """Contacts, who was told what is expected, a marked piece of intelligence, a success, and one corrected."""
    by = life.coordinator
    agencies = {agency.kind: agency for agency in Agency.objects.filter(scheme=life.scheme).order_by("-pk")}
    police = life.staff.actor("police")
    cases = list(Case.objects.visible_to(by).not_closed().filter(restricted=False).order_by("pk")[:CASES])
    for number, (case, (kind, agency, words)) in enumerate(zip(cases, VISITS, strict=False)):
        on = life.today - timedelta(days=2 + 5 * number)
        source = life.mark("Case record")
        whose = agencies.get(agency, by.agency)
        timeline.note(
            case, kind, on=max(on, case.accepted_on), text=life.mark(words), by=by, agency=whose, source=source
        )
    for case in cases[:4]:
        timeline.note(case, EntryKind.TOLD, on=case.accepted_on, text=life.mark(TOLD), by=by)
    heard = life.mark("Said to store tools for others at an address in the town.")
    on = life.today - timedelta(days=4)
    for case in cases[1:3]:
        timeline.note(case, EntryKind.INTELLIGENCE, on=on, text=heard, by=police, handling=Handling.POLICE_PROBATION)
    shared = [agency.slug for kind, agency in agencies.items() if kind in ("housing", "probation")]
    first = cases[0]
    worry = life.mark("A child of the household told school about visitors at night.")
    timeline.note(first, EntryKind.SAFEGUARDING, on=on, text=worry, by=by, handling=Handling.AGENCIES, readers=shared)
    timeline.note(first, EntryKind.SUCCESS, on=on, text=life.mark("Passed the forklift test at the first go."), by=by)
    wrong = timeline.note(first, EntryKind.CONTACT, on=on, text=life.mark("Missed the appointment."), by=by)
    right = life.mark("Came to the appointment; the list of the day before was read.")
    timeline.correct(wrong, text=right, on=on, reason=life.mark("Mixed up two days."), by=by)
