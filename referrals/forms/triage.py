"""What the coordinator decides on the triage page, in one form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from iom.forms import SaneForm, VersionField
from iom.jinja import longday
from iom.models import Agency, Meeting
from referrals.forms.nomination import text_area
from referrals.models import Recommendation

RETURN = "return"


class TriageForm(SaneForm):
    """A recommendation, the panel, and whom to ask; or a message with which the nomination goes back."""

    version = VersionField()
    recommendation = forms.ChoiceField(
        label="What do you recommend?",
        choices=[
            (Recommendation.ACCEPT, "Put to panel"),
            (RETURN, "Return for more information"),
            (Recommendation.NOT_ELIGIBLE, "Not eligible"),
            (Recommendation.ELSEWHERE, "Refer elsewhere"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what you recommend"},
    )
    message = text_area(
        "Message to the referrer",
        limit=2000,
        required=False,
        help_text="Say what is missing and where to find it. The referral goes back to them.",
    )
    not_eligible_because = text_area(
        "Why it is not eligible",
        limit=1000,
        required=False,
        help_text="The panel decides. It reads this on the agenda.",
    )
    elsewhere_because = text_area(
        "Where to, and why",
        limit=1000,
        required=False,
        help_text="The panel decides. It reads this on the agenda.",
    )
    reopened_because = text_area(
        "Why should the panel consider this person all the same?",
        limit=1000,
        required=False,
        help_text="The reason is kept with the referral.",
    )
    meeting = forms.ChoiceField(
        label="Which panel?", widget=forms.RadioSelect, required=False, error_messages={"required": "Choose the panel"}
    )
    agencies = forms.MultipleChoiceField(
        label="Agencies to ask",
        help_text="Each is asked what it knows of this person, and told by email.",
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def __init__(
        self,
        data: Any = None,
        *,
        meetings: Iterable[Meeting],
        agencies: Iterable[Agency],
        excluded: bool,
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        self.meetings = {str(meeting.pk): meeting for meeting in meetings}
        self.agency_rows = {str(agency.pk): agency for agency in agencies}
        self.fields["meeting"].choices = [(pk, longday(meeting.date)) for pk, meeting in self.meetings.items()]
        self.fields["agencies"].choices = [(pk, agency.name) for pk, agency in self.agency_rows.items()]
        self.excluded = excluded
        if not excluded:
            del self.fields["reopened_because"]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("recommendation") == RETURN:
            self._need("message", "Enter a message to the referrer")
            return data
        if data.get("recommendation") == Recommendation.NOT_ELIGIBLE:
            self._need("not_eligible_because", "Enter why it is not eligible")
        if data.get("recommendation") == Recommendation.ELSEWHERE:
            self._need("elsewhere_because", "Enter where to refer this person, and why")
        if self.excluded:
            self._need("reopened_because", "Enter a reason for going against the scheme rule")
        self._need("meeting", "Choose the panel" if self.meetings else "Plan a panel first: none is coming")
        return data

    def _need(self, name: str, words: str) -> None:
        if name not in self.errors and not self.cleaned_data.get(name):
            self.add_error(name, words)

    @property
    def returns(self) -> bool:
        """Whether the nomination goes back to its referrer."""
        return self.cleaned_data["recommendation"] == RETURN

    @property
    def because(self) -> str:
        """Why the panel is advised not to accept."""
        name = {
            Recommendation.NOT_ELIGIBLE.value: "not_eligible_because",
            Recommendation.ELSEWHERE.value: "elsewhere_because",
        }.get(self.cleaned_data["recommendation"])
        return self.cleaned_data[name] if name else ""

    @property
    def chosen_meeting(self) -> Meeting:
        return self.meetings[self.cleaned_data["meeting"]]

    @property
    def chosen_agencies(self) -> list[Agency]:
        return [self.agency_rows[pk] for pk in self.cleaned_data["agencies"]]
