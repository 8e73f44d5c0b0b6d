"""Decision notices: written, previewed and sent by the coordinator; read by the referrer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom.jinja import plural
from iom.models import Meeting, MeetingStatus
from iom.pages import found, page
from iom.steps import StepRefused
from panels import notices
from panels.forms.minutes import NoticeForm
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
            "rule_of": request.actor.scheme.policy.notices,
            "problems": problems,
            "has_error": bool(problems) or any(form.errors for form in forms.values()),
            "pages": pages_of(meeting, request.actor, "notices/"),
        },
    )


def _saved(request: HttpRequest, meeting: Meeting, drafts: list[notices.Draft], texts: dict[int, str]) -> HttpResponse:
    if request.POST.get("then") == "send":
        count = notices.send(meeting, texts, by=request.actor)
        messages.success(request, f"{plural(count, 'notice')} sent")
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
    """What the panel decided on a nomination, for whoever made it and their agency."""
    rows = Referral.objects.visible_to(request.actor).select_related("offender", "agency")
    referral = found(rows, reference=reference)
    notice = notices.latest_for(referral)
    if notice is not None:
        notice = notices.mark_opened(notice, by=request.actor)
    return render(request, "panels/notice.html", {"referral": referral, "notice": notice})
