"""Ordinary pages beside ours: Django's own templates with their filters, select_related, prefetch and counts.

Each shows the same rows as the page of ours beside it. `?bytes=` fills an answer up to the length of ours, for nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from typing import Any

from auditlog.context import set_actor
from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.db.models import Count, Prefetch, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import escape

from actionplans.models import Action, PathwayNeed
from bench.baselines.middleware import enter
from bench.baselines.models import Note
from iom import clock
from iom.models import Agency, Meeting, Membership, Notification
from offenders.models import Assignment, Case, CaseGrant, CaseStatus, Colour, CustodyPeriod, Entry, RagRating
from offenders.views.board import ON_A_PAGE
from panels.models import AgendaItem
from referrals.models import Score

LATEST = 5


def filled(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer, as long as `?bytes=` says."""
    if missing := int(request.GET.get("bytes", 0)) - len(response.content) - 7:
        response.content += b"<!--" + b"." * max(missing, 0) + b"-->"
    return response


def page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A page in the ordinary frame."""
    unread = Notification.objects.filter(recipient=request.user, read_at=None).count()
    context |= {"membership": request.membership, "unread": unread, "today": clock.today()}
    return filled(request, render(request, f"bench/{template}", context, using="plain"))


# --- Nothing, and next to nothing ---------------------------------------------


def nothing(request: HttpRequest) -> HttpResponse:
    """So many bytes, and nothing else."""
    return HttpResponse(b"." * int(request.GET["bytes"]))


@login_required
def one_query(request: HttpRequest) -> HttpResponse:
    """One query and a plain template: names and references of the cohort, without filters of the template."""
    rows = Case.objects.exclude(status=CaseStatus.CLOSED).values_list("reference", "offender__sort_name")
    listed = rows.order_by("pk")[:ON_A_PAGE]
    return filled(request, render(request, "bench/plain.html", {"rows": listed}, using="plain"))


# --- The board ----------------------------------------------------------------


def readable(request: HttpRequest) -> QuerySet[Case]:
    """Cases of the scheme that are not restricted, or on which the reader is named."""
    named = CaseGrant.objects.filter(user=request.user).values("content_object")
    return Case.objects.filter(Q(restricted=False) | Q(pk__in=named), scheme=request.membership.scheme)


class BoardForm(forms.Form):
    """Filters of the ordinary board."""

    rating = forms.MultipleChoiceField(choices=Colour.choices, required=False, widget=forms.CheckboxSelectMultiple)
    agency = forms.ModelChoiceField(Agency.objects.none(), required=False)
    lead = forms.ModelChoiceField(Membership.objects.none(), required=False)
    stage = forms.ChoiceField(choices=[("", "On the cohort"), *CaseStatus.choices, ("any", "Any")], required=False)
    q = forms.CharField(required=False)

    def __init__(self, membership: Membership, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["agency"].queryset = Agency.objects.filter(scheme=membership.scheme)
        leads = Membership.objects.filter(scheme=membership.scheme, until=None).select_related("user", "agency")
        self.fields["lead"].queryset = leads.order_by("user__name")

    def narrowed(self, rows: QuerySet[Case]) -> QuerySet[Case]:
        """The cases that fit."""
        given = self.cleaned_data if self.is_valid() else {}
        if (stage := given.get("stage")) != "any":
            rows = rows.filter(status=stage) if stage else rows.exclude(status=CaseStatus.CLOSED)
        if given.get("rating"):
            rows = rows.filter(ratings__until=None, ratings__colour__in=given["rating"])
        if given.get("agency"):
            rows = rows.filter(
                assignments__role="lead_agency", assignments__until=None, assignments__agency=given["agency"]
            )
        if given.get("lead"):
            rows = rows.filter(
                assignments__role="lead_professional", assignments__until=None, assignments__membership=given["lead"]
            )
        for word in given.get("q", "").split():
            rows = rows.filter(
                Q(reference__icontains=word)
                | Q(offender__family_name__icontains=word)
                | Q(offender__given_names__icontains=word)
            )
        return rows


def first(rows: Sequence[Any]) -> Any:
    """The first of what was read, if there is one."""
    return rows[0] if rows else None


def for_list(rows: QuerySet[Case]) -> QuerySet[Case]:
    """What a list shows of each case, read with a constant number of queries."""
    ratings = RagRating.objects.filter(until=None)
    held = Assignment.objects.filter(until=None).select_related("agency", "membership__user")
    return rows.select_related("offender", "plan").prefetch_related(
        Prefetch("ratings", ratings, to_attr="now_rated"),
        Prefetch("assignments", held, to_attr="now_held"),
        Prefetch("custody_periods", CustodyPeriod.objects.filter(released_on=None), to_attr="now_inside"),
        Prefetch("offender__scores", Score.objects.order_by("-scored_on", "-pk"), to_attr="all_scores"),
        Prefetch("actions", Action.objects.filter(status__in=["open", "in_progress"]), to_attr="to_do"),
    )


ROLES = ("lead_professional", "lead_agency", "police_officer")
SORTS = {"name": "offender__sort_name", "-name": "-offender__sort_name", "since": "accepted_on", "rating": "pk"}


@login_required
def board(request: HttpRequest) -> HttpResponse:
    """The cohort with filters, counts and pages."""
    form = BoardForm(request.membership, request.GET or None)
    rows = form.narrowed(readable(request)).order_by(SORTS.get(request.GET.get("sort", ""), "offender__sort_name"))
    shown = Paginator(for_list(rows), ON_A_PAGE).get_page(request.GET.get("page"))
    today = clock.today()
    for case in shown:
        case.late = sum(action.due_on < today for action in case.to_do)
        case.now, case.inside_now = first(case.now_rated), first(case.now_inside)
        case.last_score = first(case.offender.all_scores)
        roles = {held.role: held for held in case.now_held}
        case.lead, case.agency, case.officer = (roles.get(role) for role in ROLES)
    counted = readable(request).exclude(status=CaseStatus.CLOSED).filter(ratings__until=None)
    counts = counted.values("ratings__colour").annotate(count=Count("pk")).order_by("ratings__colour")
    return page(request, "board.html", {"form": form, "shown": shown, "counts": counts})


# --- A case, an agenda, a write ------------------------------------------------


@login_required
def case(request: HttpRequest, reference: str) -> HttpResponse:
    """A case with what an overview shows of it."""
    rows = readable(request).select_related("offender", "plan", "accepted_at__body", "policy_version")
    found = get_object_or_404(rows, reference=reference)
    entries = Entry.objects.filter(case=found, correction=None).select_related("agency", "made_by")
    needs = PathwayNeed.objects.filter(plan__case=found).order_by("pathway")
    actions = Action.objects.filter(case=found).select_related("agency", "owner__user").order_by("due_on")
    items = AgendaItem.objects.filter(case=found).select_related("meeting__body").order_by("-meeting__date")
    context = {
        "case": found,
        "ratings": found.ratings.select_related("decided_by", "meeting__body"),
        "held": found.assignments.filter(until=None).select_related("agency", "membership__user"),
        "custody": found.custody_periods.order_by("-starts_on"),
        "supervisions": found.supervisions.all(),
        "scores": found.offender.scores.all()[:LATEST],
        "aliases": found.offender.aliases.all(),
        "entries": entries[:LATEST],
        "entry_count": entries.count(),
        "needs": needs,
        "actions": actions.filter(status__in=["open", "in_progress"]),
        "finished": actions.exclude(status__in=["open", "in_progress"]).count(),
        "items": items[:LATEST],
        "meetings": Meeting.objects.filter(scheme=request.membership.scheme, date__gte=clock.today())
        .select_related("body")
        .order_by("date")[:3],
        "checks": found.checks.select_related("agency", "made_by")[:LATEST],
        "earlier": Case.objects.filter(offender=found.offender).exclude(pk=found.pk),
    }
    return page(request, "case.html", context)


@login_required
def agenda(request: HttpRequest, pk: int) -> HttpResponse:
    """The items of a meeting by section, with buttons, and open cases that could be added."""
    meeting = get_object_or_404(Meeting.objects.select_related("body"), scheme=request.membership.scheme, pk=pk)
    ratings = RagRating.objects.filter(until=None)
    held = Assignment.objects.filter(until=None).select_related("agency", "membership__user")
    items = (
        AgendaItem.objects.filter(meeting=meeting)
        .select_related("case__offender", "referral__offender", "brought_by")
        .prefetch_related(
            Prefetch("case__ratings", ratings, to_attr="now_rated"),
            Prefetch("case__assignments", held, to_attr="now_held"),
            "agencies__agency",
        )
    )
    listed = list(items)
    for item in listed:
        about = item.case or item.referral
        item.person, item.reference = (about.offender, about.reference) if about else (None, "")
        item.now = first(item.case.now_rated) if item.case else None
        item.lead = next((held for held in item.case.now_held if held.role == ROLES[0]), None) if item.case else None
    there = [item.case_id for item in listed if item.case_id]
    more = readable(request).exclude(status=CaseStatus.CLOSED).exclude(pk__in=there).select_related("offender")
    context = {
        "meeting": meeting,
        "sections": [(name, [*members]) for name, members in itertools.groupby(listed, AgendaItem.get_section_display)],
        "count": len(listed),
        "minutes": items.aggregate(sum=Sum("minutes"))["sum"],
        "suggested": more.prefetch_related(Prefetch("ratings", ratings, to_attr="now_rated")).order_by("accepted_on")[
            : int(request.GET.get("suggest", 20))
        ],
        "choices": Agency.objects.filter(scheme=request.membership.scheme),
    }
    return page(request, "agenda.html", context)


class NoteForm(forms.ModelForm):
    """A note, as its page sends it."""

    seen = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Note
        fields = ["text", "reason", "status", "due_on"]

    def clean_seen(self) -> int:
        if self.cleaned_data["seen"] != self.instance.version:
            raise forms.ValidationError("This was changed after you opened it.")
        return self.cleaned_data["seen"]


@login_required
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """One thing saved with an entry of its history; the part of the page that shows it comes back."""
    rows = Note.objects.filter(scheme=request.membership.scheme, case__in=readable(request))
    if request.method != "POST":
        found = get_object_or_404(rows.select_related("case__offender"), pk=pk)
        return page(request, "note.html", {"note": found, "form": NoteForm(instance=found, initial=seen(found))})
    with transaction.atomic(), set_actor(request.user):
        found = get_object_or_404(rows.select_related("case__offender").select_for_update(of=("self",)), pk=pk)
        form = NoteForm(request.POST, instance=found)
        if form.is_valid():
            found = form.save(commit=False)
            found.version += 1
            found.save()
            form = NoteForm(instance=found, initial=seen(found))
    status = 422 if form.errors else 200
    return render(request, "bench/note_part.html", {"note": found, "form": form}, using="plain", status=status)


def seen(found: Note) -> dict[str, int]:
    """What a form says of the version that it shows."""
    return {"seen": found.version}


# --- The bare limit -------------------------------------------------------------

WHO = """
    SELECT u.name, m.scheme_id, s.name FROM iom_session se
    JOIN iom_user u ON u.id = se.user_id AND u.is_active
    JOIN iom_membership m ON m.user_id = u.id AND m.until IS NULL JOIN iom_scheme s ON s.id = m.scheme_id
    WHERE se.session_key = %s AND se.ended_at IS NULL AND se.expire_date > now() ORDER BY s.name, m.id LIMIT 1
"""
ROWS = """
    SELECT c.reference, o.family_name, o.given_names, r.colour, r.starts_on, a.name, u.name, c.score, c.score_on,
        c.accepted_on, p.prison, (SELECT count(*) FROM actionplans_action t
            WHERE t.case_id = c.id AND t.status IN ('open', 'in_progress') AND t.removed_at IS NULL)
    FROM offenders_case c JOIN offenders_offender o ON o.id = c.offender_id
    LEFT JOIN offenders_ragrating r ON r.case_id = c.id AND r.until IS NULL
    LEFT JOIN offenders_assignment la ON la.case_id = c.id AND la.until IS NULL AND la.role = 'lead_agency'
    LEFT JOIN iom_agency a ON a.id = la.agency_id
    LEFT JOIN offenders_assignment lp ON lp.case_id = c.id AND lp.until IS NULL AND lp.role = 'lead_professional'
    LEFT JOIN iom_membership m ON m.id = lp.membership_id LEFT JOIN iom_user u ON u.id = m.user_id
    LEFT JOIN offenders_custodyperiod p ON p.case_id = c.id AND p.released_on IS NULL
    WHERE c.status <> 'closed' AND NOT c.restricted ORDER BY o.sort_name LIMIT %s
"""
COUNTS = """
    SELECT r.colour, count(*) FROM offenders_case c JOIN offenders_ragrating r ON r.case_id = c.id AND r.until IS NULL
    WHERE c.status <> 'closed' AND NOT c.restricted GROUP BY r.colour ORDER BY r.colour
"""


def limit(request: HttpRequest) -> HttpResponse:
    """What the board cannot be quicker than: who is signed in, rows, counts; raw SQL and f-strings, no middleware."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WHO, [request.COOKIES.get("sessionid", "")])
        name, scheme, scheme_name = cursor.fetchone()
        enter(scheme)
        cursor.execute(COUNTS)
        counts = cursor.fetchall()
        cursor.execute(ROWS, [ON_A_PAGE])
        rows = cursor.fetchall()
    head = "".join(f'<li><a href="?rating={colour}">{count} {colour}</a></li>' for colour, count in counts)
    body = "".join(
        f'<tr><th scope="row"><a href="/cases/{row[0]}/">{escape(row[1].upper())} {escape(row[2])}</a> {row[0]}</th>'
        f"<td>{row[3]}</td><td>{short(row[4])}</td><td>{escape(row[6] or '')} {escape(row[5] or '')}</td>"
        f"<td>{row[7]}% {short(row[8])}</td><td>{escape(row[10] or '')}</td>"
        f"<td>{row[11]}</td><td>{short(row[9])}</td></tr>"
        for row in rows
    )
    return filled(
        request,
        HttpResponse(
            f"<!DOCTYPE html><html><head><title>Cohort</title></head><body><p>{escape(name)}, {escape(scheme_name)}</p>"
            f"<ul>{head}</ul><table>{body}</table></body></html>"
        ),
    )


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def short(day: date | None) -> str:
    """2 Mar 2026."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}" if day else ""
