"""On which days a release meets shut doors: a Friday, or the day before a bank holiday (ux.md 4.5). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from iom.working_days import Holidays

# A release may be brought forward by up to two working days where it falls before days without services: the Offenders
# (Day of Release from Detention) Act 2023.
WHAT_TO_DO = (
    "Ask the prison whether the release can be brought forward by up to two working days, as the law allows before a "
    "weekend or bank holiday. Agree now, for the day itself, where the person sleeps, when probation sees them, and "
    "who has prescriptions and money ready before midday."
)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shut:
    """Services are shut after a release, or on its day, until they open again. `why` names the days."""

    release: date
    opens: date
    why: str

    @property
    def words(self) -> str:
        """What the page says of it."""
        released, opens = (f"{day:%A} {day:%-d %B}" for day in (self.release, self.opens))
        return f"The release is on {released}. Services are shut {self.why} and open again on {opens}."


def shut_after(release: date, holidays: Holidays) -> Shut | None:
    """Whether services are shut on the day of a release or the day after it, and until when; None for any other day."""
    closed = []
    day = release if holidays.why_closed(release) else release + _ONE_DAY
    while why := holidays.why_closed(day):
        closed.append(why)
        day += _ONE_DAY
    if not closed:
        return None
    names = [each.partition("(")[2].removesuffix(")") or each for each in closed]
    on_it = "on that day" if holidays.why_closed(release) else "after it"
    return Shut(release, day, f"{on_it} ({', '.join(names)})")
