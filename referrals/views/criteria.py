"""Which cohorts of the scheme are resourced (Hampshire, Criteria)."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom.pages import page
from iom.steps import StepRefused
from referrals import resourcing
from referrals.forms.criteria import ResourcedForm, TakeBackForm


@page("referrals.say_resourced", methods=("GET", "POST"))
def resourced_cohorts(request: HttpRequest) -> HttpResponse:
    """What waits for which cohort, what was said of it, and the one form that says so or takes it back."""
    rows = resourcing.waiting(request.actor.scheme)
    chosen = request.POST.get("cohort", "")
    cards = []
    for row in rows:
        key = f"{row.criteria.name}.{row.first.name}"
        data = request.POST if request.method == "POST" and chosen == key else None
        form = (TakeBackForm if row.said else ResourcedForm)(data, auto_id=f"{row.first.name}_%s")
        if data is not None and form.is_valid() and _say(request, row, form):
            return redirect("resourced_cohorts")
        cards.append({"row": row, "key": key, "form": form})
    if request.method == "POST" and chosen not in {card["key"] for card in cards}:
        raise Http404
    return render(request, "referrals/resourced.html", {"cards": cards, "forms": [card["form"] for card in cards]})


def _say(request: HttpRequest, row: resourcing.Waiting, form: ResourcedForm | TakeBackForm) -> bool:
    actor = request.actor
    try:
        if row.said:
            resourcing.take_back(row.said, because=form.cleaned_data["because"], by=actor)
        else:
            reason = form.cleaned_data["reason"]
            resourcing.say_resourced(row.criteria.name, row.first.name, reason=reason, by=actor)
    except StepRefused as refused:
        for problem in refused.problems:
            form.add_error(None, problem)
        return False
    messages.success(request, "Taken back from today" if row.said else "Said: the next cohort is open from today")
    return True
