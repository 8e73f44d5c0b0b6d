"""What the pages of family and victims share, under a case and under a nomination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from iom import together
from iom.access import Actor
from iom.steps import StepRefused
from iom.together import Steps
from offenders import related
from offenders.forms.related import RelatedForm
from offenders.models import Audience, Offender, RelatedOpening, RelatedPerson
from offenders.querysets import agency_names_steps, present_openings


def listing(actor: Actor, offender: Offender) -> dict[str, Any]:
    """The records of a person that the actor may read, one's own agency's apart. How many others keep is not said."""
    return together.run(listing_steps(actor, offender.pk))


def listing_steps(actor: Actor, offender: int) -> Steps[dict[str, Any]]:
    """`listing` of the person of this number, read together with other rows."""
    present, people = present_openings(), [offender]
    rows, openings, names = yield [
        lambda: (
            RelatedPerson.objects.visible_to(actor).filter(offender__in=people).select_related("agency", "offender")
        ),
        _openings(offender),
        together.shared(agency_names_steps, actor),
    ]
    together.attach(rows, present, openings)
    lines = [
        {
            "record": row,
            "ours": actor.agency is not None and row.agency_id == actor.agency.pk,
            "readers": readers_in_words(row.present_openings, names),
        }
        for row in rows
    ]
    return {
        "ours": [line for line in lines if line["ours"] and line["record"].ended_on is None],
        "theirs": [line for line in lines if not line["ours"]],
        "ended": [line for line in lines if line["ours"] and line["record"].ended_on is not None],
        "agency": actor.agency,
    }


@together.worded
def _openings(offender: int) -> QuerySet[RelatedOpening]:
    return present_openings().queryset.filter(related__offender=offender)


def agency_names(actor: Actor) -> dict[str, str]:
    return together.run(agency_names_steps(actor))


def readers_in_words(openings: list[RelatedOpening], names: Mapping[str, str]) -> str:
    """To whom a record is open: `Police and probation`, or the agencies by name; blank while it is sealed."""
    opening = next(iter(openings), None)
    if opening is None:
        return ""
    if opening.audience == Audience.AGENCIES:
        return ", ".join(sorted(names.get(slug, slug) for slug in opening.readers))
    return opening.get_audience_display()


def add(
    request: HttpRequest, offender: Offender, back: str, show: Callable[[dict[str, Any]], HttpResponse]
) -> HttpResponse:
    """Enter somebody; `back` is the page that lists them, `show` draws the form in its frame."""
    form = RelatedForm(request.POST if request.method == "POST" else None, initial={"version": 0})
    if request.method == "POST" and form.is_valid():
        try:
            related.add(offender, by=request.actor, **form.answers)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(
                request, f"Saved. Only {request.actor.agency.name} can read it until you open it to others"
            )
            return redirect(back)
    return show({"form": form, "back": back})
