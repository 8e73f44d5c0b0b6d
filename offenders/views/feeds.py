"""Bail, court, wanted, arrests, tags and hits of a case; prisons; what a feed proposes (ux.md 4.5)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.clock import exactly
from iom.jinja import day
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import custody, custody_page, naming
from offenders.case_pages import case_page, find_case
from offenders.forms.custody import (
    ArrestForm,
    AttendedForm,
    EndTagForm,
    HitForm,
    OutcomeForm,
    PrisonForm,
    ProposalForm,
    RulingForm,
    StatusForm,
    TagForm,
)
from offenders.models import Case, CustodyProposal, Entry, EntryKind, LegalStatus, Prison, Tag, TagHit

HEADINGS = {
    LegalStatus.Kind.BAIL: "Record a return on bail",
    LegalStatus.Kind.COURT: "Record a court date",
    LegalStatus.Kind.WANTED: "Record that somebody is wanted",
}


@page("offenders.record_status", methods=("GET", "POST"))
def status(request: HttpRequest, reference: str) -> HttpResponse:
    """A return on bail, a court date, or since when somebody is wanted: `?kind=` says which."""
    case = _may(request, reference, "offenders.record_status")
    given = request.POST if request.method == "POST" else None
    kind = (given or request.GET).get("kind", LegalStatus.Kind.COURT)
    if kind not in LegalStatus.Kind.values:
        raise Http404
    present = list(LegalStatus.objects.visible_to(request.actor).filter(case=case, kind=kind, ended_at=None))
    form = StatusForm(kind, present, given, initial={"kind": kind})
    _guard(request, case, form, "place")
    if given is not None and form.is_valid():
        said = form.cleaned_data
        moved = next((each for each in present if str(each.pk) == said.get("replaces")), None)
        try:
            custody.record_status(
                case,
                kind,
                on=said["on"],
                place=said.get("place", ""),
                source=said["source"],
                replaces=moved,
                by=request.actor,
            )
        except StepRefused as refused:
            form.add_error("on", refused.problems)
        else:
            return _done(request, case, f"{LegalStatus.Kind(kind).label} of {case.reference} saved")
    return _form(request, case, form, HEADINGS[LegalStatus.Kind(kind)], "Save")


@page("offenders.record_status", methods=("GET", "POST"))
def outcome(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """What came of a date, or that it no longer holds. Looked up again and unchanged is a button of its own."""
    case = _may(request, reference, "offenders.record_status")
    row = found(LegalStatus.objects.visible_to(request.actor).filter(case=case), pk=pk)
    given = request.POST if request.method == "POST" else None
    passed = row.on <= clock.today()
    form = OutcomeForm(row, given, passed=passed, initial={"version": row.version})
    _guard(request, case, form, "outcome")
    try:
        if given is not None and given.get("do") == "check":
            custody.check_status(row, source=row.source, by=request.actor)
            return _done(request, case, "Checked again: it holds")
        if given is not None and form.is_valid():
            said = form.cleaned_data
            custody.end_status(
                row, because=said["because"], outcome=said["outcome"], version=said["version"], by=request.actor
            )
            return _done(request, case, "What came of it is saved")
    except StepRefused as refused:
        form.add_error(None, refused.problems)
    heading = f"{row.get_kind_display()}: {day(row.on)}"
    lead = f"{row.source}, checked {custody_page.moment(row.checked_at)}."
    return _form(request, case, form, heading, "Save", lead=lead, again=row.ended_at is None)


@page("offenders.record_status", methods=("GET", "POST"))
def arrest(request: HttpRequest, reference: str) -> HttpResponse:
    """An arrest: who holds the case hears of it."""
    case = _may(request, reference, "offenders.record_status")
    form = ArrestForm(request.POST if request.method == "POST" else None)
    _guard(request, case, form, "what", "where")
    if form.is_bound and form.is_valid():
        try:
            custody.record_arrest(case, **form.cleaned_data, by=request.actor)
        except StepRefused as refused:
            form.add_error("on", refused.problems)
        else:
            return _done(request, case, f"Arrest saved. Who holds {case.reference} has been told")
    rule = case.scheme.policy.arrests
    return _form(request, case, form, "Record an arrest", "Record arrest", rule=rule)


@page("offenders.record_status", methods=("GET", "POST"))
def attended(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Whether police went to custody after an arrest (London, Police)."""
    case = _may(request, reference, "offenders.record_status")
    entry = found(Entry.objects.visible_to(request.actor).filter(case=case, kind=EntryKind.ARREST), pk=pk)
    form = AttendedForm(request.POST if request.method == "POST" else None, initial={"on": clock.today()})
    _guard(request, case, form, "words")
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            custody.attended(entry, went=said["went"] == "yes", on=said["on"], words=said["words"], by=request.actor)
        except StepRefused as refused:
            form.add_error("on", refused.problems)
        else:
            return _done(request, case, "Saved on the timeline")
    lead = f"{day(entry.happened_on)}: {entry.text} ({entry.source})"
    heading = "Go to custody after the arrest"
    return _form(request, case, form, heading, "Save", lead=lead, rule=case.scheme.policy.arrests)


# --- Tags and hits ------------------------------------------------------------


@page("offenders.record_status", methods=("GET", "POST"))
def tag(request: HttpRequest, reference: str) -> HttpResponse:
    """The GPS tag that is worn, to be corrected or ended early; or a new one."""
    case = _may(request, reference, "offenders.record_status")
    gps = case.scheme.policy.gps
    tags = Tag.objects.visible_to(request.actor).filter(case=case, ended_on=None, ends_on__gte=clock.today())
    worn = tags.first()
    given = request.POST if request.method == "POST" else None
    names = ("starts_on", "ends_on", "offence", "licence", "version")
    initial = {name: getattr(worn, name) for name in names} if worn else {"version": 0}
    ending = given is not None and given.get("do") == "end"
    form = TagForm(gps.types if gps else (), None if ending else given, initial=initial)
    end = EndTagForm(given if ending else None, initial={"version": initial["version"]}, auto_id="id_end_%s")
    _guard(request, case, form, "licence")
    _guard(request, case, end, "because")
    try:
        if ending and worn is not None and end.is_valid():
            custody.end_tag(worn, **end.cleaned_data, by=request.actor)
            return _done(request, case, "The tag is recorded as taken off")
        if given is not None and not ending and form.is_valid():
            _save_tag(case, worn, form.cleaned_data, request)
            return _done(request, case, "Tag saved")
    except StepRefused as refused:
        (end if ending else form).add_error(None, refused.problems)
    context = {"form": form, "end": end if worn else None, "gps": gps, "worn": worn}
    return render(request, "offenders/custody_tag.html", case_page(request, case, "case_custody") | context)


def _save_tag(case: Case, worn: Tag | None, said: dict[str, Any], request: HttpRequest) -> None:
    version = said.pop("version")
    if worn is not None:
        custody.change_tag(worn, **said, version=version, by=request.actor)
    else:
        custody.start_tag(case, **said, by=request.actor)


@page("offenders.record_hit", methods=("GET", "POST"))
def hit(request: HttpRequest, reference: str) -> HttpResponse:
    """A tag that was near a crime: for the police alone."""
    case = _may(request, reference, "offenders.record_hit")
    tags = Tag.objects.visible_to(request.actor).filter(case=case)
    form = HitForm(request.POST if request.method == "POST" else None)
    _guard(request, case, form, "area")
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        worn = tags.worn_on(said["on"]).first()
        if worn is None:
            form.add_error("on", "No tag is recorded for that day. Record the tag first, or correct the date")
            return _hit(request, case, form)
        happened_at = exactly(said["on"], said["at"])
        rest = {name: said[name] for name in ("area", "crime_reference")}
        try:
            custody.add_hit(worn, happened_at=happened_at, **rest, by=request.actor)
        except StepRefused as refused:
            form.add_error("on", refused.problems)
        else:
            return _done(request, case, "Saved, and sent to the police of the case")
    return _hit(request, case, form)


def _hit(request: HttpRequest, case: Case, form: HitForm) -> HttpResponse:
    return _form(request, case, form, "Record a hit of the tag", "Save and send", rule=case.scheme.policy.gps)


@page("offenders.record_hit", methods=("GET", "POST"))
def ruling(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Rule the wearer of a tag in or out."""
    case = _may(request, reference, "offenders.record_hit")
    near = found(TagHit.objects.visible_to(request.actor).filter(case=case), pk=pk)
    initial = {"version": near.version, "ruling": near.ruling, "because": near.ruled_because}
    form = RulingForm(request.POST if request.method == "POST" else None, initial=initial)
    _guard(request, case, form, "because")
    if form.is_bound and form.is_valid():
        try:
            custody.rule_hit(near, **form.cleaned_data, by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            return _done(request, case, "Ruling saved")
    lead = f"{custody_page.moment(near.happened_at)}, {near.area}. Crime reference {near.crime_reference}."
    return _form(request, case, form, "Rule in or out", "Save ruling", lead=lead, rule=case.scheme.policy.gps)


# --- What a feed proposes, and prisons ------------------------------------------


@page("offenders.record_custody")
def proposals(request: HttpRequest) -> HttpResponse:
    """What feeds say of custody that the record does not: everything that the reader meets, oldest first."""
    rows = CustodyProposal.objects.visible_to(request.actor).on_cohort().filter(status="open")
    waiting = list(rows.select_related("case__offender").order_by("as_of", "pk"))
    led = set(Case.objects.led_by(request.actor).values_list("pk", flat=True))
    everything = request.actor.has_role("coordinator", "chair") or (
        request.actor.agency is not None and request.actor.agency.kind == "prison"
    )
    lines = [(each, custody_page.proposed(each), everything or each.case_id in led) for each in waiting]
    return render(request, "offenders/custody_proposals.html", {"lines": lines, "policy": request.actor.scheme.policy})


@page("offenders.record_custody", methods=("GET", "POST"))
def proposal(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept what a feed says of custody, or dismiss it with a reason."""
    asked = found(CustodyProposal.objects.visible_to(request.actor).on_cohort().select_related("case"), pk=pk)
    case = _may(request, asked.case.reference, "offenders.record_custody")
    form = ProposalForm(asked, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            if said["do"] == "accept":
                custody.accept_proposal(asked, kind=said.get("kind", ""), by=request.actor)
            else:
                custody.dismiss_proposal(asked, because=said["because"], by=request.actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            accepted = said["do"] == "accept"
            return _done(request, case, "Accepted: the record says so now" if accepted else "Dismissed")
    context = {"form": form, "proposal": asked, "words": custody_page.proposed(asked)}
    return render(request, "offenders/custody_proposal.html", case_page(request, case, "case_custody") | context)


@page("offenders.view_prisons", methods=("GET", "POST"))
def prisons(request: HttpRequest) -> HttpResponse:
    """The prisons and whom to turn to there (London, HMP)."""
    return _prison(request, None)


@page("offenders.view_prisons", methods=("GET", "POST"))
def prison(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right whom to turn to in a prison."""
    kept = found(Prison.objects.visible_to(request.actor), pk=pk)
    if not request.actor.holds("offenders.keep_prisons"):
        raise PermissionDenied
    return _prison(request, kept)


def _prison(request: HttpRequest, kept: Prison | None) -> HttpResponse:
    may_keep = request.actor.holds("offenders.keep_prisons")
    names = ("name", "contact", "post", "phone", "email", "version")
    initial = {name: getattr(kept, name) for name in names} if kept else {}
    form = PrisonForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and not may_keep:
        raise PermissionDenied
    if form.is_bound and form.is_valid():
        said = dict(form.cleaned_data)
        version = said.pop("version")
        try:
            custody.keep_prison(kept, version=version if kept else None, by=request.actor, **said)
        except StepRefused as refused:
            form.add_error("name", refused.problems)
        else:
            messages.success(request, "Prison saved")
            return redirect("prisons")
    rows = [] if kept else list(Prison.objects.visible_to(request.actor))
    context = {"form": form if may_keep else None, "kept": kept, "prisons": rows}
    return render(request, "offenders/prisons.html", context)


# --- Shared -------------------------------------------------------------------


def _may(request: HttpRequest, reference: str, permission: str) -> Case:
    """The case that the reader meets and may change so, or the refusal before a form that would be refused."""
    case = find_case(request.actor, reference)
    if not request.actor.can(permission, case):
        raise PermissionDenied
    return case


def _guard(request: HttpRequest, case: Case, form: Any, *fields: str) -> None:
    naming.guard(form, naming.Protected(request.actor, [case.offender]), case.offender, *fields)


def _done(request: HttpRequest, case: Case, words: str) -> HttpResponse:
    messages.success(request, words)
    return redirect("case_custody", case.reference)


def _form(request: HttpRequest, case: Case, form: Any, heading: str, button: str, **more: Any) -> HttpResponse:
    context = {"form": form, "heading": heading, "button_words": button, "lead": "", "rule_of": None, "again": False}
    more["rule_of"] = more.pop("rule", None)
    return render(request, "offenders/custody_form.html", case_page(request, case, "case_custody") | context | more)
