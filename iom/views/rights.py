"""Who may do what in the scheme, and rights that wait for a second administrator (security.md Z11)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from iom import clock, rights
from iom.access import Actor
from iom.forms import SaneForm
from iom.models import Membership, RightsRequest, Role
from iom.pages import found, page
from iom.steps import StepRefused


class RolesForm(SaneForm):
    """Whose roles, and which they are to be."""

    person = forms.ChoiceField(label="Whose rights", error_messages={"required": "Choose a person"})
    roles = forms.MultipleChoiceField(
        label="What they do here",
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role"},
        help_text="They will have these and no others. A second administrator approves the rights of an administrator.",
    )

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.people = {str(held.pk): held for held in members(actor) if held.user_id != actor.user.pk}
        self.fields["person"].choices = [
            ("", "Choose a person"),
            *((key, f"{held.user.name}, {held.agency.name}") for key, held in self.people.items()),
        ]


def members(actor: Actor) -> list[Membership]:
    """Everybody who has a role in the scheme today."""
    rows = Membership.objects.visible_to(actor).current(clock.today()).select_related("user", "agency")
    return list(rows.order_by("user__name", "pk"))


@page("iom.change_rights", methods=("GET", "POST"), fresh=True)
def change(request: HttpRequest) -> HttpResponse:
    """Everybody with what they do here, the form that changes it, and what waits for a second administrator."""
    actor = request.actor
    form = RolesForm(actor, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = rights.change_roles(form.people[form.cleaned_data["person"]], form.cleaned_data["roles"], by=actor)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            asked = isinstance(made, RightsRequest)
            done = "Asked for. Another scheme administrator has to approve it" if asked else "Rights changed"
            messages.success(request, done)
            return redirect("rights")
    waiting = RightsRequest.objects.visible_to(actor).filter(status=RightsRequest.Status.WAITING)
    context = {
        "form": form,
        "members": members(actor),
        "waiting": waiting.select_related("membership__user", "membership__agency", "asked_by"),
        "role_names": dict(Role.choices),
    }
    return render(request, "iom/rights.html", context)


@page("iom.change_rights", methods=("POST",), fresh=True)
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or refuse what another administrator asked for."""
    asked = found(RightsRequest.objects.visible_to(request.actor), pk=pk)
    if request.POST.get("do") == "approve":
        rights.approve_rights(asked, by=request.actor)
        messages.success(request, "Rights approved")
    else:
        rights.refuse_rights(asked, by=request.actor)
        messages.success(request, "Rights refused")
    return redirect("rights")
