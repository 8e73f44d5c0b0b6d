"""What every page of a case shares: finding it, its identity bar, and the links to its other pages.

Other apps' pages of a case (plan, actions, score) call `case_page` and extend `offenders/case_page.html`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, resolve, reverse

from iom import clock
from iom.access import Actor
from iom.pages import found

from .clocks import Calendar, to_re_rate
from .models import AssignmentRole, Case

# In the order of ux.md 4.5. A page is linked to where it exists and its function is the reader's.
PAGES = (
    ("Overview", "case"),
    ("Plan", "case_plan"),
    ("Actions", "case_actions"),
    ("Score", "case_score"),
    ("Custody", "case_custody"),
)


def find_case(actor: Actor, reference: str) -> Case:
    """The case that the actor may read, with what the identity bar shows. Raises Http404."""
    return found(
        Case.objects.visible_to(actor).with_current().with_custody().select_related("scheme", "accepted_at__body"),
        reference=reference,
    )


def case_page(request: HttpRequest, case: Case, current: str) -> dict[str, Any]:
    """The context of a case's page; `current` is the name of its address."""
    today = clock.today()
    calendar = Calendar.of(case.scheme, today)
    return {
        "case": case,
        "today": today,
        "calendar": calendar,
        "re_rate": to_re_rate(case, calendar),
        "case_links": _links(request.actor, case, current),
        "case_people": _people(case),
    }


def _links(actor: Actor, case: Case, current: str) -> list[dict[str, Any]]:
    links = []
    for text, name in PAGES:
        try:
            href = reverse(name, args=[case.reference])
        except NoReverseMatch:
            continue
        if actor.holds(resolve(href).func.permission):
            links.append({"text": text, "href": href, "current": name == current})
    return links


def _people(case: Case) -> list[dict[str, str]]:
    """Who leads, in words, with the phone where one is known."""
    people = []
    for role in (AssignmentRole.LEAD_PROFESSIONAL, AssignmentRole.POLICE_OFFICER, AssignmentRole.LEAD_AGENCY):
        held = case.assigned(role)
        person = {"role": role.label, "name": held.holder if held else "nobody yet"}
        if held and role != AssignmentRole.LEAD_AGENCY:
            person["agency"] = held.agency.name if held.holder != held.agency.name else ""
            person["phone"] = held.membership.user.phone if held.membership else ""
        people.append(person)
    return people
