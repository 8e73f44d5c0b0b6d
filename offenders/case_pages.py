"""What every page of a case shares: finding it, its identity bar, and the links to its other pages.

Other apps' pages of a case (plan, actions, score) call `case_page` and extend `offenders/case_page.html`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import NoReverseMatch, resolve, reverse

from iom import clock, together
from iom.access import Actor
from iom.jinja import day
from iom.pages import Interruption
from iom.together import Steps

from .clocks import Calendar, re_rate_words, to_re_rate
from .forms.restricted import BreakGlassForm
from .models import AssignmentRole, Case, CaseStatus
from .querysets import CaseQuerySet, named, reader_of_all
from .restricted import Sealed, present_opening_steps
from .safeguarding import Flag, flags_of_steps

# In the order of ux.md 4.5. A page is linked to where it exists and its function is the reader's.
PAGES = (
    ("Overview", "case"),
    ("Plan", "case_plan"),
    ("Actions", "case_actions"),
    ("Timeline", "case_timeline"),
    ("Information", "case_information"),
    ("Rating", "case_rating"),
    ("Leads", "case_leads"),
    ("Custody", "case_custody"),
    ("Safeguarding", "case_safeguarding"),
    ("Reviews", "case_reviews"),
    ("Exit", "case_exit"),
    ("Documents", "case_documents"),
    ("Score", "case_score"),
    ("Engagement", "case_engagement"),
    ("Family and victims", "case_family"),
    ("Other areas", "case_transfer"),
    ("Audit", "case_audit"),
)
# Opened now and then: they stand behind one word, so that the others can be taken in at a glance.
NOW_AND_THEN = frozenset({"case_score", "case_engagement", "case_family", "case_transfer", "case_audit"})
# Pages for the coordinator and whoever leads the case: nobody else is led to a refusal.
LED_BY = ("case_audit",)


def _of_reference(name: str) -> tuple[str, Callable[[int, str], together.Ready]]:
    """What `with_current` and `with_custody` put on a case under this name, of the case of a reference."""
    rows = Case.objects.with_current().with_custody()
    look = next(each for each in rows._prefetch_related_lookups if each.to_attr == name)

    @together.worded
    def read(scheme: int, reference: str) -> QuerySet:
        return look.queryset.filter(case__scheme=scheme, case__reference=reference)

    return name, read


# The rules under which the case was taken on are kept as they were parsed, once in a process.
NOT_SHOWN = ("policy_version__document",)
# Read at the same time as the case: of one that turns out not to be the reader's, nothing is done with them.
_CURRENT = tuple(map(_of_reference, ("current_ratings", "current_assignments", "all_custody", "all_supervisions")))


def find_case(actor: Actor, reference: str) -> Case:
    """The case that the actor may read, with what the identity bar shows. Raises Http404, or the page before it."""
    case, *current = together.fetch(
        [_asked_for(actor, reference), *(read(actor.scheme.pk, reference) for _, read in _CURRENT)]
    )
    if case is None:
        raise closed_door(actor, reference)
    for (name, _), found in zip(_CURRENT, current, strict=True):
        case.__dict__[name] = found
        for each in found:
            each.case = case
    case.scheme = actor.scheme
    case.found_by = actor
    return case


def _asked_for(actor: Actor, reference: str) -> together.Read:
    if kind := reader_of_all(actor):
        return _readable(kind, scheme=actor.scheme.pk, opened=list(actor.known["opened"]), reference=reference)
    return _shown(Case.objects.visible_to(actor), reference)


@together.worded
def _readable(kind: str, /, scheme: int, opened: list[int], reference: str) -> together.First:
    return _shown(Case.objects.readable(kind, scheme, opened), reference)


def _shown(rows: CaseQuerySet, reference: str) -> together.First:
    rows = rows.filter(reference=reference).select_related("offender", "accepted_at__body", "policy_version")
    return together.first(rows.defer(*NOT_SHOWN))


def closed_door(actor: Actor, reference: str) -> Http404:
    """What to raise for a case that `visible_to` does not give: the same 404, or the page that stands before it.

    Coordinator and chair meet the page with reference, owner and the way to open it in an emergency; whoever is named
    and has not signed the sharing agreement in force meets the request to sign it, with nothing of the case in it.
    """
    case = Case.objects.closed_to(actor).filter(reference=reference).first()
    if case is None:
        return Http404()
    gone = case.status == CaseStatus.CLOSED and not actor.has_role("coordinator", "chair", "researcher")
    if not gone and Case.objects.filter(named(actor), pk=case.pk).exists():
        return Interruption("offenders/restricted_agreement.html", {})
    if actor.can("offenders.break_glass", case):
        return Interruption("offenders/restricted.html", sealed_page(case))
    return Http404()


def sealed_page(case: Case, form: BreakGlassForm | None = None) -> dict[str, Any]:
    """What the page of a sealed case shows: reference, owner, and the form that opens it."""
    return {"sealed": Sealed.of(case), "minutes": settings.BREAK_GLASS_MINUTES, "form": form or BreakGlassForm()}


def case_page(request: HttpRequest, case: Case, current: str) -> dict[str, Any]:
    """The context of a case's page; `current` is the name of its address."""
    return together.run(case_page_steps(request, case, current))


def case_page_steps(request: HttpRequest, case: Case, current: str) -> Steps[dict[str, Any]]:
    """`case_page`, read together with other rows."""
    today = clock.today()
    found = yield from together.all_of(
        {
            "calendar": together.asked(together.shared(Calendar.of_steps, case.scheme, today)),
            "flags": flags_of_steps([case], case.scheme.policy, today),
            "opening": present_opening_steps(request.actor, case),
        }
    )
    calendar = found["calendar"]
    return {
        "case": case,
        "today": today,
        "calendar": calendar,
        "re_rate": to_re_rate(case, calendar),
        "re_rate_words": re_rate_words(case, calendar),
        "case_links": _links(request.actor, case, current),
        "case_people": _people(case),
        "case_flags": [_flag(each, case) for each in found["flags"][case.pk]],
        "opening": found["opening"],
        "may_restrict": may_restrict(request.actor, case),
    }


def may_restrict(actor: Actor, case: Case) -> bool:
    """Whether to show the way to `offenders.restrict_case`: the same rule, asked of a case that is open already."""
    if actor.has_role("coordinator"):
        return True
    held = (case.assigned(AssignmentRole.LEAD_PROFESSIONAL), case.assigned(AssignmentRole.POLICE_OFFICER))
    return actor.membership is not None and any(each and each.membership_id == actor.membership.pk for each in held)


def _links(actor: Actor, case: Case, current: str) -> list[dict[str, Any]]:
    links = []
    for text, name in PAGES:
        try:
            href = reverse(name, args=[case.reference])
        except NoReverseMatch:
            continue
        if name in LED_BY and not may_restrict(actor, case):
            continue
        if actor.holds(_permission(name, href)):
            links.append({"text": text, "href": href, "current": name == current, "more": name in NOW_AND_THEN})
    return links


# What it takes to open a page, by the name of its address: it does not change while a process runs.
_permissions: dict[str, str] = {}


def _permission(name: str, href: str) -> str:
    if name not in _permissions:
        _permissions[name] = resolve(href).func.permission
    return _permissions[name]


def _flag(flag: Flag, case: Case) -> dict[str, str]:
    """A flag as the identity bar takes it, with the way to the ledger where a check is wanting."""
    states = {"assured": "checked", "stale": "stale", "not_done": "unchecked"}
    shown = {"text": flag.label, "state": states[flag.state]}
    if flag.on is not None:
        shown["detail"] = f"checked {day(flag.on)}, {flag.by}"
    if flag.state != "assured" and case.status != CaseStatus.CLOSED:
        shown["href"] = reverse("case_check", args=[case.reference, flag.kind])
    return shown


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
