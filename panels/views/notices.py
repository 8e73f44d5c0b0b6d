"""Decision notices: written, previewed and sent by the coordinator; read by the referrer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import audit
from iom.jinja import plural
from iom.models import Meeting, MeetingStatus
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import naming
from panels import handing_out, notice_pdf, notices
from panels.forms.minutes import NoticeForm
from panels.minutes import latest
from panels.models import Minutes, MinutesStatus, Notice, OutsideDecision
from panels.navigation import pages_of
from referrals.models import Referral

from .at import of_papers


@page("panels.send_notices", methods=("GET", "POST"), grid=True)
@of_papers
def meeting_notices(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """One notice for each nomination that was decided: words, preview, and one button for all."""
    drafts = notices.drafts(meeting, seen_by=request.actor)
    posted = request.POST if request.method == "POST" else None
    forms = {
        draft.decision.pk: NoticeForm(
            posted, initial={"text": draft.text}, prefix=f"notice-{draft.decision.pk}", auto_id="%s"
        )
        for draft in drafts
        if not draft.sent
    }
    protected = naming.Protected(request.actor, [draft.referral.offender for draft in drafts])
    for draft in drafts:
        if draft.decision.pk in forms:
            naming.guard(forms[draft.decision.pk], protected, draft.referral.offender)
    problems: list[str] = []
    if posted is not None and all([form.is_valid() for form in forms.values()]):  # noqa: C419 -- each says its errors
        texts = {pk: form.cleaned_data["text"] for pk, form in forms.items()}
        try:
            return _saved(request, meeting, drafts, texts)
        except StepRefused as refused:
            problems = _beside(drafts, forms, refused.problems)
    waiting = [draft for draft in drafts if not draft.sent]
    return render(
        request,
        "panels/notices.html",
        {
            "meeting": meeting,
            "rows": [{"draft": draft, "form": forms.get(draft.decision.pk)} for draft in drafts],
            "forms": list(forms.values()),
            "waiting": waiting,
            "open": meeting.status in notices.SENT_FROM,
            "signed": meeting.status == MeetingStatus.SIGNED,
            "copies": handing_out.waiting_for(signed) if (signed := _signed_minutes(meeting)) else [],
            "rule_of": request.actor.scheme.policy.notices,
            "problems": problems,
            "has_error": bool(problems) or any(form.errors for form in forms.values()),
            "pages": pages_of(meeting, request.actor, "notices/"),
        },
    )


def _signed_minutes(meeting: Meeting) -> Minutes | None:
    """The minutes that go out with the notices, once they are signed."""
    minutes = latest(meeting)
    return minutes if minutes is not None and minutes.status == MinutesStatus.SIGNED else None


def _send(request: HttpRequest, meeting: Meeting, texts: dict[int, str]) -> None:
    """The notices and, once they are signed, each agency's copy of the minutes: one press for all (ux.md 6C)."""
    signed = _signed_minutes(meeting)
    copies = handing_out.waiting_for(signed) if signed else []
    sent = []
    if texts or not copies:
        sent.append(f"{plural(notices.send(meeting, texts, by=request.actor), 'notice')} sent")
    if signed and copies:
        given = handing_out.give_to_all(signed, by=request.actor)
        sent.append(f"{plural(len(given), 'agency', 'agencies')} given their copy of the minutes")
    messages.success(request, ". ".join(sent))


def _saved(request: HttpRequest, meeting: Meeting, drafts: list[notices.Draft], texts: dict[int, str]) -> HttpResponse:
    if request.POST.get("then") == "send":
        _send(request, meeting, texts)
    else:
        for draft in drafts:
            if draft.decision.pk in texts:
                notices.save(draft, texts[draft.decision.pk], by=request.actor)
        messages.success(request, "Notices saved. Nobody has been told yet")
    return redirect("notices", meeting.key)


def _beside(drafts: list[notices.Draft], forms: dict[int, NoticeForm], problems: list[str]) -> list[str]:
    """Put each problem at the notice that it names; give back what names none."""
    rest = []
    for problem in problems:
        named = next((d for d in drafts if problem.startswith(f"{d.referral.reference}: ")), None)
        if named is None:
            rest.append(problem)
        else:
            forms[named.decision.pk].add_error("text", problem)
    return rest


@page("referrals.view_referrals")
def read_decision(request: HttpRequest, reference: str) -> HttpResponse:
    """What was decided on a nomination last, for whoever made it and their agency."""
    referral = _referral(request, reference)
    notice = notices.latest_for(referral)
    if notice is None:
        return render(request, "panels/notice.html", {"referral": referral, "notice": None})
    return _show(request, referral, notice)


@page("referrals.view_referrals")
def read_notice(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """One notice on a nomination: the acknowledgement, or a decision; for the coordinator also what went wrong."""
    referral = _referral(request, reference)
    return _show(request, referral, found(notices.sent_on(referral), number=number))


@page("referrals.view_referrals", kind="pdf")
def download_notice(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """The stored bytes of a notice, as they are."""
    referral = _referral(request, reference)
    notice = found(notices.sent_on(referral).exclude(document=None), number=number)
    audit.shown(referral)
    audit.record("download_notice", notice, by=request.actor, subjects=[referral.reference])
    response = HttpResponse(bytes(notice.document.content), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{notice.document.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@page("referrals.triage", methods=("POST",))
def send_notice_again(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Send a notice that failed once more: to its reader, or to somebody else of the agency."""
    referral = _referral(request, reference)
    notice = found(notices.sent_on(referral), number=number)
    others = {str(each.pk): each for each in notices.others_who_may_read(notice)}
    try:
        notice = notices.send_again(notice, to=others.get(request.POST.get("to", "")), by=request.actor)
    except StepRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Notice sent again to {notice.recipient.user.name}")
    return redirect("notice", referral.reference, notice.number)


@page("referrals.triage", methods=("POST",))
def send_outside_notice(request: HttpRequest, reference: str) -> HttpResponse:
    """Tell the referrer what was decided between two meetings."""
    referral = _referral(request, reference)
    made = found(OutsideDecision.objects.visible_to(request.actor).filter(referral=referral).order_by("-pk"))
    made.referral = referral
    form = NoticeForm(request.POST, prefix="outside", auto_id="%s")
    try:
        if form.is_valid():
            notices.send_outside(made, form.cleaned_data["text"], by=request.actor)
            messages.success(request, "1 notice sent")
    except StepRefused as refused:
        messages.error(request, str(refused))
    return redirect("decide_outside", referral.reference)


def _referral(request: HttpRequest, reference: str) -> Referral:
    rows = Referral.objects.visible_to(request.actor).select_related("offender", "agency", "referrer__user")
    referral = found(rows, reference=reference)
    referral.scheme = request.actor.scheme
    return referral


def _show(request: HttpRequest, referral: Referral, notice: Notice) -> HttpResponse:
    notice = notices.mark_opened(notice, by=request.actor)
    notice.referral = referral
    office = request.actor.can("referrals.triage", referral)
    context = {
        "referral": referral,
        "notice": notice,
        "facts": notice_pdf.facts_of(notice),
        "title": notice_pdf.TITLES[Notice.Kind(notice.kind)],
        "sender": notice_pdf.sender_of(notice),
        "office": office,
        "others": list(notices.others_who_may_read(notice)) if office and notice.failure == "left" else [],
    }
    return render(request, "panels/notice.html", context)
