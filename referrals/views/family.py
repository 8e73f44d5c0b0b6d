"""Family, victims and contacts of somebody nominated: what each agency knows, from the nomination or the checks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from iom.access import Actor
from iom.pages import found, page
from offenders import related_pages
from referrals.models import Referral


@page("offenders.view_related")
def referral_family(request: HttpRequest, reference: str) -> HttpResponse:
    """What the reader's agency knows, and what others opened to it."""
    referral = _known(request.actor, reference)
    context = _frame(request.actor, referral) | related_pages.listing(request.actor, referral.offender)
    context["add_url"] = reverse("referral_family_add", args=[referral.reference])
    return render(request, "referrals/family.html", context)


@page("offenders.add_related", methods=("GET", "POST"))
def referral_family_add(request: HttpRequest, reference: str) -> HttpResponse:
    """Enter somebody near the person."""
    referral = _known(request.actor, reference)

    def show(context: dict[str, Any]) -> HttpResponse:
        return render(request, "referrals/family_add.html", _frame(request.actor, referral) | context)

    back = reverse("referral_family", args=[referral.reference])
    return related_pages.add(request, referral.offender, back, show)


def _known(actor: Actor, reference: str) -> Referral:
    referral: Referral = found(Referral.objects.known_to(actor).select_related("offender"), reference=reference)
    return referral


def _frame(actor: Actor, referral: Referral) -> dict[str, Any]:
    """The way back: to the nomination for whoever reads it, else to the checks."""
    reads = actor.can("referrals.view_referral", referral)
    return {
        "referral": referral,
        "up": (referral.get_absolute_url(), referral.reference) if reads else (reverse("research_list"), "Checks"),
    }
