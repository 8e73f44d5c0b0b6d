"""Who leads a case: what the rule asks, and handing a role over."""

from __future__ import annotations

from typing import Any

from django import forms

from iom import clock
from iom.access import Actor
from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.jinja import plural
from iom.models import Agency, Membership
from offenders import caseloads
from offenders.handing_over import open_work
from offenders.models import AssignmentRole, Case

AT_THE_TABLE = ("member", "researcher", "coordinator", "chair")
KNOWN = {"yes": True, "no": False, "not_known": None}
NOT_KNOWN = ("not_known", "Not known")


class RuleFactsForm(SaneForm):
    """What the scheme's rule of who leads asks of a case."""

    statutory = forms.ChoiceField(
        label="Under statutory supervision?",
        required=False,
        choices=[("yes", "Yes"), ("no", "No"), NOT_KNOWN],
        widget=forms.RadioSelect,
    )
    main_driver = forms.ChoiceField(
        label="What mainly drives the offending?",
        required=False,
        choices=[("addiction", "Drugs or alcohol"), ("other", "Something else"), NOT_KNOWN],
        widget=forms.RadioSelect,
    )

    @classmethod
    def of(cls, case: Case) -> RuleFactsForm:
        said = next(word for word, value in KNOWN.items() if value is case.statutory)
        return cls(initial={"statutory": said, "main_driver": case.main_driver or NOT_KNOWN[0]})

    @property
    def facts(self) -> dict[str, Any]:
        driver = self.cleaned_data["main_driver"]
        return {
            "statutory": KNOWN.get(self.cleaned_data["statutory"]),
            "main_driver": "" if driver == NOT_KNOWN[0] else driver,
        }


class HandOverForm(SaneForm):
    """To whom a role goes, from when, why, and what they must know."""

    member = forms.ChoiceField(label="Who", required=False)
    agency = forms.ChoiceField(label="Agency", required=False)
    person_name = CleanCharField(
        label="Name of somebody who has no account here", noun="their name", max_length=120, required=False
    )
    on = DateField(label="From", noun="the day of the hand-over", assume_year=True)
    reason = CleanCharField(
        label="Reason",
        noun="the reason",
        max_length=300,
        required=False,
        help_text="Needed when it goes against the scheme's rule. It stands in the history of the case.",
    )
    notes = CleanCharField(
        label="Notes for whoever takes over",
        noun="the notes",
        max_length=2000,
        required=False,
        widget=forms.Textarea,
        help_text="What is open, what was agreed, the next appointments. Do not name victims.",
    )
    moves = forms.ChoiceField(
        label="Open actions of the present holder",
        required=False,
        choices=[("move", "Give them to whoever takes over"), ("leave", "Leave them where they are")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what becomes of the open actions"},
    )
    version = VersionField()

    def __init__(self, actor: Actor, case: Case, role: str, *args: Any, **options: Any) -> None:
        options.setdefault("initial", {"on": clock.today(), "version": case.version})
        super().__init__(*args, **options)
        self.role = role
        self.agencies = {str(agency.pk): agency for agency in Agency.objects.visible_to(actor).order_by("name")}
        names = [(key, agency.name) for key, agency in self.agencies.items()]
        self.fields["agency"].choices = [("", "Choose an agency"), *names]
        present = case.assigned(role)
        self.work = open_work(case, present.membership if present else None)
        if not self.work:
            del self.fields["moves"]
        else:
            self.fields["moves"].required = True
        if role == AssignmentRole.LEAD_AGENCY:
            for name in ("member", "person_name"):
                del self.fields[name]
            self.fields["agency"].required = True
            self.fields["agency"].error_messages["required"] = "Choose an agency"
        else:
            self._offer_people(actor, case, role)

    def _offer_people(self, actor: Actor, case: Case, role: str) -> None:
        """Everybody at the table, those of the kind of agency that the rules want first, with how many they lead."""
        wanted = lead.agency_kind if (lead := case.scheme.policy.lead(role)) else None
        rows = Membership.objects.visible_to(actor).current(clock.today()).with_role(*AT_THE_TABLE)
        people = list(rows.select_related("user", "agency").order_by("agency__name", "user__name", "pk"))
        people.sort(key=lambda member: wanted is not None and member.agency.kind != wanted)
        held, self.people = caseloads.counts(actor), {str(member.pk): member for member in people}
        limit = case.scheme.policy.caseload.limit
        self.fields["member"].choices = [
            ("", "Choose a person"),
            *((key, _named(member, held.get(member.pk, 0), limit)) for key, member in self.people.items()),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.role == AssignmentRole.LEAD_AGENCY:
            return data
        if data.get("member") and data.get("person_name"):
            self.add_error("member", "Choose a person, or name somebody who has no account here; not both")
        elif not data.get("member") and not data.get("person_name"):
            self.add_error("member", "Choose who takes over")
        elif data.get("person_name") and not data.get("agency"):
            self.add_error("agency", f"Choose for which agency {data['person_name']} works")
        return data

    @property
    def given(self) -> dict[str, Any]:
        """What `offenders.handing_over.hand_over` takes."""
        data = self.cleaned_data
        member = self.people[data["member"]] if data.get("member") else None
        return {
            "agency": member.agency if member else self.agencies[data["agency"]],
            "membership": member,
            "person_name": data.get("person_name", ""),
            "on": data["on"],
            "reason": data["reason"],
            "notes": data["notes"],
            "moves_actions": data.get("moves") == "move",
            "version": data["version"],
        }


def _named(member: Membership, cases: int, limit: int | None) -> str:
    over = f", at or over the limit of {limit}" if limit is not None and cases >= limit else ""
    leads = f" (leads {plural(cases, 'case')}{over})" if cases else ""
    return f"{member.user.name}, {member.agency.name}{leads}"
