"""The audit of one's own scheme (security.md U11, ux.md 4.9): who did or saw what, about whom, when and where."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom import audit as chain
from iom import trail
from iom.forms import CleanCharField, DateField, SaneForm
from iom.pages import page

A_PAGE = 50


class FilterForm(SaneForm):
    """What to look for; what makes no sense is said and narrows nothing. No names: they would stand in the address."""

    kind = forms.ChoiceField(label="Kind", required=False, choices=[("", "Everything"), *trail.KINDS.items()])
    verb = forms.ChoiceField(label="What was done", required=False)
    person = forms.ChoiceField(label="Who", required=False)
    reference = CleanCharField(label="Reference", required=False, max_length=20)
    since = DateField(label="From", required=False, noun="the first day")
    until = DateField(label="Until", required=False, noun="the last day")

    def __init__(self, actor: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["verb"].choices = [("", "Anything"), *((verb, trail.in_words(verb)) for verb in trail.verbs())]
        self.fields["person"].choices = [
            ("", "Anyone"),
            *((str(number), name) for number, name in trail.accounts(actor)),
        ]

    def filters(self) -> trail.Filters:
        given = self.cleaned_data if self.is_bound else {}
        return trail.Filters(
            kind=given.get("kind") or "",
            verb=given.get("verb") or "",
            person=int(given["person"]) if given.get("person") else None,
            reference=(given.get("reference") or "").upper(),
            since=given.get("since"),
            until=given.get("until"),
        )


@page("iom.view_audit")
def audit(request: HttpRequest) -> HttpResponse:
    """Newest first, fifty a page, from an event on: the list does not move while others go on writing."""
    form = FilterForm(request.actor, request.GET if set(request.GET) & set(FilterForm.base_fields) else None)
    form.is_valid()
    filters = form.filters()
    rows = trail.events(filters, request.actor)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(sequence__lt=int(before))
    else:
        before = ""
    found = list(rows.order_by("-sequence")[: A_PAGE + 1])
    shown = trail.lines(found[:A_PAGE], request.actor)
    # Also when nobody's data is shown: reading the audit is itself audited (security.md U2).
    chain.record("read_audit", request.actor.scheme, by=request.actor, **filters.context())
    context = {
        "filters": form,
        "lines": shown,
        "before": before,
        "older": shown[-1].sequence if len(found) > A_PAGE else None,
        "narrowed": bool(filters.context()),
    }
    return render(request, "iom/audit.html", context)
