"""What goes to the board, what comes back, and the report to the board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from actionplans.models import Action
from iom import clock
from iom.forms import CleanCharField, DateField, SaneForm, VersionField
from iom.jinja import day
from iom.models import Agency
from panels.escalations import Destination, Issue
from panels.models import BoardAnswer, Escalation

NO_NAMES = "Name nobody: the board reads no names."
LONGEST = 2000
TYPED = ("title", "kind", "stuck", "tried", "ask", "service")


def _text(label: str, help_text: str, *, required: bool = True) -> CleanCharField:
    return CleanCharField(
        label=label,
        help_text=help_text,
        max_length=LONGEST,
        multiline=True,
        required=required,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": f"Enter {label[0].lower()}{label[1:]}"},
    )


def _told(action: Action) -> str:
    times = action.carried_forward
    often = f", carried forward {'once' if times == 1 else f'{times} times'}" if times else ""
    return f"{action.agency.name}: {action.text} (due {day(action.due_on)}{often})"


class IssueForm(SaneForm):
    """An issue for the board: what is stuck, what was tried, whom it is about, what is asked."""

    title = CleanCharField(label="Title", max_length=100, help_text=NO_NAMES)
    kind = forms.ChoiceField(
        label="What it is",
        choices=Escalation.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what it is"},
    )
    stuck = _text("What is stuck", "What happens, how often, and to how many people.")
    tried = _text("What was tried", "By whom, and what came of it.", required=False)
    ask = _text("What you ask of the board", "One thing that the board can decide or do.", required=False)
    agency = forms.ChoiceField(label="Agency that it is about", required=False)
    service = CleanCharField(label="Service that it is about", max_length=120, required=False)
    to = forms.ChoiceField(label="Who is asked", widget=forms.RadioSelect)
    actions = forms.MultipleChoiceField(
        label="Actions that are stuck with it", required=False, widget=forms.CheckboxSelectMultiple
    )
    version = VersionField(required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        agencies: Iterable[Agency],
        destinations: Iterable[Destination],
        actions: Iterable[Action],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.agencies = {str(each.pk): each for each in agencies}
        self.known = {str(each.pk): each for each in actions}
        goes = list(destinations)
        self.fields["agency"].choices = [("", "None"), *((pk, each.name) for pk, each in self.agencies.items())]
        self.fields["to"].choices = [(each.key, each.name) for each in goes]
        if len(goes) == 1:
            del self.fields["to"]
        self.fields["actions"].choices = [(pk, _told(each)) for pk, each in self.known.items()]
        if not self.known:
            del self.fields["actions"]

    @property
    def issue(self) -> Issue:
        """What was typed. Only for a valid form."""
        given = self.cleaned_data
        return Issue(
            title=given["title"],
            stuck=given["stuck"],
            kind=given["kind"],
            tried=given["tried"],
            ask=given["ask"],
            agency=self.agencies.get(given["agency"]),
            service=given["service"],
        )

    @property
    def chosen(self) -> list[Action]:
        """The actions that were ticked."""
        return [self.known[pk] for pk in self.cleaned_data.get("actions", ())]

    @classmethod
    def initial_of(cls, escalation: Escalation) -> dict[str, Any]:
        """The form as an escalation stands."""
        return {
            **{name: getattr(escalation, name) for name in (*TYPED, "version")},
            "agency": str(escalation.agency_id or ""),
            "to": "beyond" if escalation.is_outside else "board",
            "actions": [str(pk) for pk in escalation.links.values_list("action_id", flat=True)],
        }  # fmt: skip


class OutsideAnswerForm(SaneForm):
    """What a board outside the installation said."""

    outcome = forms.ChoiceField(
        label="What it said",
        choices=[
            (BoardAnswer.Outcome.ANSWERED, "It answers"),
            (BoardAnswer.Outcome.MORE_NEEDED, "It asks for more first"),
            (BoardAnswer.Outcome.DEFERRED, "It puts it off"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what it said"},
    )
    words = _text("The answer in words", NO_NAMES, required=False)
    said_by = CleanCharField(label="Who told you", max_length=120, help_text="Their post is enough.")
    on = DateField(label="On which day")
    version = VersionField()

    def __init__(self, data: Mapping[str, Any] | None = None, *, version: int) -> None:
        super().__init__(data, initial={"version": version, "on": clock.today()}, prefix="answer")


class WithdrawForm(SaneForm):
    """Why it is taken back."""

    reason = CleanCharField(label="Why it is withdrawn", max_length=300, noun="why it is withdrawn")
    version = VersionField()

    def __init__(self, data: Mapping[str, Any] | None = None, *, version: int) -> None:
        super().__init__(data, initial={"version": version}, prefix="withdraw")


class BoardPaperForm(SaneForm):
    """The reporting post's own words."""

    words = CleanCharField(
        label="In your own words",
        help_text=f"How the panel and the core team are getting on, and what the board should know. {NO_NAMES}",
        max_length=6000,
        multiline=True,
        required=False,
        widget=forms.Textarea(attrs={"rows": 10}),
    )
    version = VersionField()


class ExportForm(SaneForm):
    """Why a file is needed, and who will receive it (security.md E1)."""

    reason = CleanCharField(label="Why you need the file", max_length=300, noun="why you need the file")
    recipient = CleanCharField(label="Who will receive it", max_length=200, noun="who will receive the file")


class PeriodForm(SaneForm):
    """From a day to a day, both included."""

    since = DateField(label="From")
    until = DateField(label="To")

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("since") and given.get("until") and given["since"] > given["until"]:
            self.add_error("until", "The last day must be on or after the first")
        return given
