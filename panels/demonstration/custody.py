"""Made-up custody, bail, court, tags and licence conditions, and a file of IDIOM with something to answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from iom import clock
from iom.models import Meeting
from offenders import actions as cases
from offenders import custody, idiom, licence
from offenders.idiom_sheet import read_sheet
from offenders.models import Case, CustodyProposal, LegalStatus, LicenceRequest, Tag, TagHit

from . import names

if TYPE_CHECKING:
    from iom.access import Actor

    from .year import Life

DAY = timedelta(days=1)
HEADINGS = (
    "Reference,As of,Offending history,Pending cases,Police bail date,Court dates,Wanted,In prison,Prison,"
    "Remand or sentence,In prison since,Prison release date"
)
CONTACTS = (("Pat Sample", "Offender management unit"), ("Lou Specimen", "Head of resettlement"))


def write_custody(life: Life) -> None:
    """What stands on a few cases today: prisons and whom to ring, court and bail, a tag, a condition, the feed."""
    by = life.coordinator
    for number, (prison, (contact, post)) in enumerate(zip(names.PRISONS, CONTACTS, strict=False)):
        said = {"contact": life.mark(contact), "post": life.mark(post), "phone": f"020 7946 02{number:02}", "email": ""}
        custody.keep_prison(None, name=life.mark(prison), **said, by=by)
    rows = Case.objects.visible_to(by).not_closed().filter(restricted=False).with_current().with_custody()
    everybody = list(rows.order_by("pk"))
    inside = [case for case in everybody if case.inside is not None]
    outside = [case for case in everybody if case.inside is None]
    for case in inside[:2]:
        details = {"sentence": life.mark("20 months"), "offence": life.mark("Burglary of a home")}
        cases.change_custody(case.inside, **details, by=by)
    _dates(life, outside[:3])
    if life.policy.gps is not None and outside:
        _tagged(life, min(outside, key=lambda case: (case.accepted_on, case.pk)))
    if life.policy.arrests.police_attend and outside:
        on = clock.today()
        custody.record_arrest(
            outside[len(outside) // 2], on=on, what=life.mark("Theft"), source=life.mark("Custody log"), by=by
        )
    if inside:
        _asked(life, inside[0])
    if "IDIOM" in life.policy.research_systems:
        _feed(life, outside[-3:-1])


def _dates(life: Life, those: Sequence[Case]) -> None:
    by, source = life.coordinator, life.mark("Court list")
    days = (("court", 9, "Magistrates' Court"), ("bail", 12, "Police station"), ("court", -2, "Crown Court"))
    for case, (kind, ahead, place) in zip(those, days, strict=False):
        on = life.working_day(life.today + ahead * DAY) if ahead > 0 else life.today + ahead * DAY
        custody.record_status(case, kind, on=on, place=life.mark(place), source=source, by=by)


def _tagged(life: Life, case: Case) -> None:
    """A tag with two hits: one was ruled out, the other waits for the police."""
    police = life.staff.actor("police")
    starts = life.today - 40 * DAY
    tag = custody.start_tag(
        case,
        starts_on=max(starts, case.accepted_on),
        ends_on=life.today + 25 * DAY,
        offence=life.policy.gps.types[0],
        licence=life.mark("Licence of this autumn"),
        by=life.coordinator,
    )
    for ago, area, crime in ((4, "Near the station", "CR 4471"), (1, "Mill ward", "CR 4502")):
        moment = clock.at(clock.today() - ago * DAY, time(21, 40))
        hit = custody.add_hit(tag, happened_at=moment, area=life.mark(area), crime_reference=crime, by=police)
        if ago > 1:
            because = life.mark("On the bus through at that time; seen on its camera.")
            custody.rule_hit(hit, ruling="out", because=because, by=police)


def _asked(life: Life, case: Case) -> LicenceRequest:
    """Housing asks for a condition, and police agree; probation is still to say."""
    request = licence.ask(case, **_condition(life), by=life.staff.actor("housing"))
    licence.answer(request, agrees=True, words=life.mark("Fits what we see."), by=life.staff.actor("police"))
    return request


def _condition(life: Life) -> dict[str, str]:
    return {
        "condition": life.mark("Not to enter the two streets by the station between 20:00 and 06:00."),
        "why": life.mark("The burglaries of the autumn were all there, at night."),
        "how_met": life.mark("Lives and works elsewhere; the neighbourhood team passes each evening."),
        "facts": life.mark("Three charges since the autumn."),
    }


def _feed(life: Life, those: Sequence[Case]) -> None:
    """The file of this morning: it has one of them in prison, which nobody has accepted yet, and another wanted."""
    as_of = datetime.combine(clock.today() - DAY, time(6))
    file = [HEADINGS, *(_line(life, case, number, as_of) for number, case in enumerate(those))]
    sheet = read_sheet("\n".join(file).encode())
    idiom.enter(idiom.sort_out(sheet, by=life.coordinator).rows, by=life.coordinator)


def _line(life: Life, case: Case, number: int, as_of: datetime) -> str:
    past, ahead = as_of.date() - 3 * DAY, as_of.date() + 20 * DAY
    cells = [
        case.reference,
        f"{as_of:%Y-%m-%d %H:%M}",
        life.mark("14 convictions"),
        f"{past} {life.mark('theft')}",
        f"{ahead} {life.mark('Police station')}",
        f"{ahead + DAY} {life.mark('Court')}",
        "" if number == 0 else str(past),
        "Y" if number == 0 else "N",
        life.mark(names.PRISONS[0]) if number == 0 else "",
        "Sentence" if number == 0 else "",
        str(past) if number == 0 else "",
        str(life.today + 120 * DAY) if number == 0 else "",
    ]
    return ",".join(cells)


def everything(life: Life, those: Sequence[Case]) -> None:
    """Every state of what stands above, on cases in the community: answered, ended, settled, told, and waiting."""
    by, police = life.coordinator, life.staff.actor("police")
    first, second, third = those[:3]
    with life.at(life.today, 0, 20):
        due = custody.record_status(
            first, "court", on=life.today, place=life.mark("Court"), source=life.mark("List"), by=by
        )
        custody.end_status(due, because=LegalStatus.Ended.HAPPENED, outcome=life.mark("Adjourned."), by=by)
        _tags(life, second, police)
        _feed(life, [third])
        proposal = CustodyProposal.objects.get(case=third, status=CustodyProposal.Status.OPEN)
        custody.dismiss_proposal(proposal, because=life.mark("Another person of that name."), by=by)
        waiting = read_sheet(
            "\n".join([HEADINGS, _line(life, first, 0, datetime.combine(life.today, time()))]).encode()
        )
        idiom.take_in(waiting, by=by)
        period = cases.record_custody(
            second,
            kind="sentence",
            prison=life.mark(names.PRISONS[2]),
            starts_on=life.today,
            release_expected_on=life.today + 20 * DAY,
            sentence=life.mark("3 months"),
            offence=life.mark("Theft"),
            by=by,
        )
        _conditions(life, period.case, by)


def _tags(life: Life, case: Case, police: Actor) -> None:
    """Written directly: most schemes' rules have no tags, and what was recorded under other rules stays."""
    of = {"scheme": case.scheme, "case": case}
    ended = {"ended_on": life.today - DAY, "ended_because": life.mark("The licence was recalled.")}
    tag = Tag.objects.create(
        **of,
        starts_on=life.today - 9 * DAY,
        ends_on=life.today,
        offence="burglary",
        licence=life.mark("Licence"),
        **ended,
    )
    hit = TagHit.objects.create(
        **of,
        tag=tag,
        agency=police.agency,
        happened_at=clock.at(life.today - 2 * DAY, time(22)),
        area=life.mark("Mill ward"),
        crime_reference="CR 9001",
        sent_at=clock.now(),
    )
    custody.rule_hit(hit, ruling="in", because=life.mark("Was there at the minute."), by=police)


def _conditions(life: Life, case: Case, by: Actor) -> None:
    """One that probation put in and the prison was told of, and one that a meeting agreed and probation left out."""
    probation = life.staff.actor("probation")
    asked = [_asked(life, case), _asked(life, case)]
    LicenceRequest.objects.filter(pk=asked[0].pk).update(cites=[life.mark("Offered a place to train; refused.")])
    words = life.mark("The agencies present agreed.")
    at = Meeting.objects.filter(scheme=case.scheme, date__lte=life.today).order_by("-date", "pk").first()
    for request in asked:
        request.refresh_from_db()
        if request.status == LicenceRequest.Status.ASKED:
            licence.settle(request, agreed=True, meeting=at, words=words, by=by)
    because = life.mark("The court's own order says so already.")
    told = licence.decide(asked[0], included=True, because=because, by=probation)
    licence.tell_prison(told, on=life.today, whom=life.mark("Pat Sample, by telephone"), by=by)
    licence.decide(asked[1], included=False, because=because, by=probation)
