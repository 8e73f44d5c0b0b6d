"""An administrator takes away the security code of somebody who has lost their phone (ux.md 4.1)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock
from iom.models import Membership
from iom.pages import found, page
from iom.second_factor import authenticator


@page("iom.reset_factor", methods=("GET", "POST"), fresh=True)
def reset_factor(request: HttpRequest, number: int) -> HttpResponse:
    """Reset another's security code, after a fresh one of one's own (security.md M5)."""
    people = Membership.objects.visible_to(request.actor).current(clock.today()).select_related("user", "agency")
    person = found(people, pk=number)
    if not request.actor.can("iom.reset_factor", person):
        raise PermissionDenied
    if request.method == "POST":
        authenticator.reset_for(person, by=request.actor)
        messages.success(request, f"The security code of {person.user.name} is reset. They have been told by email.")
        return redirect("users")
    return render(request, "iom/reset_factor.html", {"person": person})
