"""A file that somebody adds, and why one is removed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from iom.files.judging import TAKEN, Judged, judge
from iom.files.refusing import Refused
from iom.forms import CleanCharField, SaneForm
from iom.models import Agency, Handling, Scheme
from referrals.models import Paper

ACCEPTED = ".pdf,.docx,.xlsx,.jpg,.jpeg,.png,.txt"


class PaperForm(SaneForm):
    """A file, what it is, and who can open it: chosen each time, never assumed."""

    file = forms.FileField(
        label="File",
        help_text=f"{TAKEN}, 20 MB at most. If you are signed out before it is sent, you are asked to choose it again.",
        error_messages={"required": "Choose a file", "empty": "That file is empty. Choose another file"},
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
    )
    what = forms.ChoiceField(
        label="What it is",
        choices=Paper.What.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what it is"},
    )
    handling = forms.ChoiceField(
        label="Who can open it",
        choices=Handling.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who can open it"},
    )
    readers = forms.MultipleChoiceField(
        label="Agencies that can open it",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Your own agency can always open it. Nobody else finds it anywhere.",
    )

    def __init__(self, scheme: Scheme, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        agencies = Agency.objects.filter(scheme=scheme).order_by("name")
        self.fields["readers"].choices = list(agencies.values_list("slug", "name"))
        self.judged: Judged | None = None

    def clean_file(self) -> UploadedFile:
        """Judge it as a whole: what is refused is not kept."""
        file = self.cleaned_data["file"]
        file.seek(0)  # a request that is tried again has read it already
        try:
            self.judged = judge(file.name, file.read())
        except Refused as refused:
            raise forms.ValidationError(str(refused), code="refused") from None
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("handling") == Handling.AGENCIES and not data.get("readers"):
            self.add_error("readers", "Choose the agencies that can open it")
        return data

    @property
    def given(self) -> dict[str, Any]:
        """What the verbs ask for beside the file."""
        return {name: self.cleaned_data[name] for name in ("what", "handling", "readers")}


class RemovePaperForm(SaneForm):
    """Why a paper is removed."""

    reason = CleanCharField(
        label="Why it is removed",
        noun="why it is removed",
        max_length=300,
        widget=forms.Textarea,
        help_text="Do not repeat what the file says. The reason stays on the page.",
    )
