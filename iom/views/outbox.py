"""Background work of the scheme, and what became of it (security.md Q5)."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import dead_letters
from iom.forms import CleanCharField, SaneForm
from iom.pages import found, page


class DropForm(SaneForm):
    """Why something is not done after all."""

    reason = CleanCharField(
        label="Why it can be dropped",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why it can be dropped"},
    )


@page("iom.tend_outbox", methods=("GET", "POST"))
def outbox(request: HttpRequest) -> HttpResponse:
    """Counts, and each piece of work that was given up with its two ways on."""
    dropping, form = None, DropForm()
    if request.method == "POST":
        dropping = found(dead_letters.given_up(request.actor.scheme), pk=_key(request.POST.get("work", "")))
        if request.POST.get("do") == "retry":
            dead_letters.retry(dropping.pk, by=request.actor)
            messages.success(request, "It will be tried again now.")
            return redirect("outbox")
        form = DropForm(request.POST)
        if form.is_valid():
            dead_letters.drop(dropping.pk, reason=form.cleaned_data["reason"], by=request.actor)
            messages.success(request, "Dropped.")
            return redirect("outbox")
    rows = [
        {
            "message": message,
            "words": dead_letters.in_words(message.kind),
            "form": form if dropping and message.pk == dropping.pk else DropForm(auto_id=f"{message.pk}_%s"),
            "open": bool(dropping and message.pk == dropping.pk),
        }
        for message in dead_letters.given_up(request.actor.scheme)[:100]
    ]
    context = {"form": form, "rows": rows, "counts": dead_letters.counts(request.actor.scheme)}
    return render(request, "iom/outbox.html", context, status=400 if form.errors else 200)


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404 from None
