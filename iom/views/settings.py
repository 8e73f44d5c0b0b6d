"""People of the scheme: who is in, and inviting more (ux.md 4.9)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import clock, invitations, sessions
from iom.access import Actor
from iom.forms import CleanCharField, SaneForm
from iom.models import Agency, Invitation, Membership, Role, Seat, Session
from iom.pages import found, page

INVITED = "invited_link"


class InviteForm(SaneForm):
    """Whom to invite, for which agency, as what, on which seats."""

    name = CleanCharField(label="Full name", max_length=120, error_messages={"required": "Enter their full name"})
    email = forms.EmailField(
        label="Email address",
        max_length=254,
        error_messages={
            "required": "Enter their email address",
            "invalid": "Enter an email address like name@example.org",
        },
    )
    agency = forms.ModelChoiceField(
        Agency.objects.none(),
        empty_label="Choose an agency",
        error_messages={"required": "Choose their agency"},
    )
    post = CleanCharField(max_length=120, required=False, help_text="For example, Housing options manager")
    roles = forms.MultipleChoiceField(
        label="What they do here",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role"},
    )
    seats = forms.ModelMultipleChoiceField(
        Seat.objects.none(),
        label="Seats they hold",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Seats that nobody holds. A seat on the panel opens its papers to them.",
    )

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = Agency.objects.in_scheme_of(actor)
        self.fields["roles"].choices = [(role.value, role.label) for role in invitations.may_give(actor)]
        self.fields["seats"].queryset = (
            Seat.objects.in_scheme_of(actor).filter(holder=None).select_related("body", "agency")
        )
        self.fields["seats"].label_from_instance = lambda seat: f"{seat.body.name}: {seat}"

    def refuse_what_was_not_offered(self) -> None:
        """A role that is not below one's own and an agency of another scheme are no slip of the hand (security.md A1).

        Raises `PermissionDenied`.
        """
        offered = {role for role, _ in self.fields["roles"].choices}
        agency = self.data.get("agency", "")
        known = not agency.isdecimal() or self.fields["agency"].queryset.filter(pk=agency[:18]).exists()
        if set(Role.values) & set(self.data.getlist("roles")) - offered or not known:
            raise PermissionDenied

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        agency = data.get("agency")
        if agency and any(seat.agency_id != agency.pk for seat in data.get("seats", ())):
            self.add_error("seats", f"Choose seats of {agency.name} only")
        return data


@page("iom.invite", methods=("GET", "POST"))
def users(request: HttpRequest) -> HttpResponse:
    """Everyone with a role here, and a form to invite one more. The link is shown once, to be handed over safely."""
    actor = request.actor
    form = InviteForm(actor, request.POST or None)
    if request.method == "POST":
        form.refuse_what_was_not_offered()
    if request.method == "POST" and form.is_valid():
        invitation, secret = invitations.invite(by=actor, **form.cleaned_data)
        address = f"{settings.SITE_URL}{reverse('invited', args=[secret])}"
        request.session[INVITED] = {"email": invitation.email, "link": address}
        return redirect("users")
    return render(
        request,
        "iom/users.html",
        {
            "form": form,
            "invited": request.session.pop(INVITED, None),
            "memberships": Membership.objects.in_scheme_of(actor)
            .current(clock.today())
            .select_related("user", "agency")
            .annotate(signed_in=_live_sessions())
            .order_by("agency__name", "user__name"),
            "waiting": Invitation.objects.in_scheme_of(actor)
            .filter(spent_at=None, expires_at__gt=clock.now())
            .select_related("agency"),
            "role_names": dict(Role.choices),
        },
    )


def _live_sessions() -> Any:
    """In how many browsers the person of a membership is signed in now."""
    mine = Session.objects.live(clock.now()).filter(user=OuterRef("user")).order_by()
    counted = mine.values("user").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


@page("iom.end_sessions", methods=("POST",))
def end_member_sessions(request: HttpRequest, number: int) -> HttpResponse:
    """Sign a member out everywhere, at once (security.md S4)."""
    actor = request.actor
    people = Membership.objects.in_scheme_of(actor).current(clock.today()).select_related("user")
    person = found(people, pk=number)
    ended = sessions.end_sessions_of(person, by=actor)
    done = f"{person.user.name} is signed out" if ended else f"{person.user.name} was not signed in"
    messages.success(request, done)
    return redirect("users")
