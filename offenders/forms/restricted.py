"""What is asked when a case is kept to named people, and when it is opened in an emergency."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from iom import clock
from iom.access import Actor
from iom.forms import CleanCharField, DateField, SaneForm
from iom.models import Membership
from offenders.models import AssignmentRole, Case
from offenders.restricted import AT_THE_TABLE, last_day_allowed


class BreakGlassForm(SaneForm):
    """Why a restricted case has to be opened now."""

    reason = CleanCharField(
        label="Why do you need to open it now?",
        noun="why you need to open it now",
        max_length=600,
        widget=forms.Textarea,
        help_text=f"At least {settings.BREAK_GLASS_REASON} characters. Say what has happened. Do not name anyone.",
    )

    def clean_reason(self) -> str:
        reason = self.cleaned_data["reason"]
        if len(" ".join(reason.split())) < settings.BREAK_GLASS_REASON:
            raise forms.ValidationError(
                f"Why you need to open it now must be {settings.BREAK_GLASS_REASON} characters or more"
            )
        return reason


class ReasonForm(SaneForm):
    """Why a restriction is lifted."""

    reason = CleanCharField(label="Why the restriction is lifted", max_length=300)


class _NamingForm(SaneForm):
    """What naming people takes: why, and until when."""

    until = DateField(
        label="Last day",
        noun="last day",
        assume_year=True,
        earliest="today",
        help_text="They can open the case until the end of this day.",
    )

    def clean_until(self) -> Any:
        until = self.cleaned_data["until"]
        if until > last_day_allowed():
            raise forms.ValidationError(
                f"Last day must be within {settings.RESTRICTED_GRANT_DAYS} days. It can be set again"
            )
        return until


class RestrictForm(_NamingForm):
    """Who is named on a case that is to be restricted. The lead and whoever restricts it are ticked already."""

    reason = CleanCharField(
        label="Why this case is restricted",
        noun="why this case is restricted",
        max_length=300,
        help_text="For example, someone who works for a partner agency is a relative. Those named can read this.",
    )
    people = forms.MultipleChoiceField(
        label="Who can open it",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one person"},
        help_text="Everyone else will not find the case. Coordinator and chair see its reference and its owner.",
    )
    field_order = ("reason", "people", "until")

    def __init__(self, actor: Actor, case: Case, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.memberships = {str(held.pk): held for held in candidates(actor)}
        self.fields["people"].choices = [(key, _called(held)) for key, held in self.memberships.items()]
        leads = (case.assigned(AssignmentRole.LEAD_PROFESSIONAL), case.assigned(AssignmentRole.POLICE_OFFICER))
        first = {held.membership_id for held in leads if held} | {actor.membership.pk if actor.membership else None}
        self.initial.setdefault("people", [key for key, held in self.memberships.items() if held.pk in first])

    @property
    def named(self) -> list[Membership]:
        """The people who were chosen."""
        return [self.memberships[key] for key in self.cleaned_data["people"]]


class GrantForm(_NamingForm):
    """One more person."""

    person = forms.ChoiceField(label="Name one more person")
    reason = CleanCharField(label="Why they need it", noun="why they need it", max_length=300)
    field_order = ("person", "reason", "until")

    def __init__(self, actor: Actor, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        mine = actor.user.pk if actor.user else None
        self.memberships = {str(held.pk): held for held in candidates(actor) if held.user_id != mine}
        self.fields["person"].choices = [
            ("", "Choose a person"),
            *((key, _called(held)) for key, held in self.memberships.items()),
        ]

    @property
    def membership(self) -> Membership:
        """The person who was chosen."""
        return self.memberships[self.cleaned_data["person"]]


def candidates(actor: Actor) -> list[Membership]:
    """Who can be named: people who work with cases of the scheme now."""
    rows = Membership.objects.visible_to(actor).current(clock.today()).with_role(*AT_THE_TABLE)
    return list(rows.select_related("user", "agency").order_by("user__name", "pk"))


def _called(held: Membership) -> str:
    return f"{held.user.name}, {held.agency.name}"
