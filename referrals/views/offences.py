"""The Home Office's offence codes, to look one up while typing or on a page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from iom.pages import page
from referrals.forms.nomination import OffenceForm, described

# The forms that ask for an offence, by the beginning of their ids.
ASKING = ("id", "change")


@page("referrals.nominate")
def offences(request: HttpRequest) -> HttpResponse:
    """What fits the words: as choices for the form that asks, or as a list for whoever opens the page."""
    asking = request.GET.get("for", "")
    form = OffenceForm(request.GET, auto_id=f"{asking if asking in ASKING else ASKING[0]}_%s")
    part = bool(request.headers.get("HX-Request"))
    context = {"form": form, "found": [described(each) for each in form.found or filter(None, [form.named])]}
    return render(request, "referrals/offence_matches.html" if part else "referrals/offences.html", context)
