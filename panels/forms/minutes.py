"""Words added to the minutes, the chair's comments, the signature, and a file to be checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from iom.forms import CleanCharField, SaneForm, VersionField
from panels.minutes import LONGEST_WORDS
from panels.models import AgendaItem, Minutes
from panels.notices import LONGEST

LARGEST_FILE = 20 * 1024 * 1024


class _ByItem(SaneForm):
    """A text for each item, by its id."""

    label = ""
    version = VersionField()

    def __init__(
        self,
        items: Iterable[AgendaItem],
        held: Mapping[str, str],
        version: int,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.items = list(items)
        initial = {f"item_{item.pk}": held.get(str(item.pk), "") for item in self.items}
        super().__init__(data, initial={"version": version, **self.initially(), **initial}, auto_id="%s")
        for item in self.items:
            self.fields[f"item_{item.pk}"] = CleanCharField(
                label=f"{self.label} {item.number}",
                noun=f"what is said of item {item.number}",
                max_length=LONGEST_WORDS,
                required=False,
                widget=forms.Textarea,
                multiline=True,
            )

    def initially(self) -> dict[str, Any]:
        return {}

    def words(self) -> dict[int, str]:
        """Item id to text."""
        return {item.pk: self.cleaned_data.get(f"item_{item.pk}", "") for item in self.items}


class WordsForm(_ByItem):
    """What the coordinator adds to the minutes."""

    label = "Words for item"

    def stored_in(self, thing: Minutes) -> dict[str, Any]:
        return {f"item_{item.pk}": thing.narrative.get(str(item.pk), "") for item in self.items}


class CommentsForm(_ByItem):
    """What the chair asks to be changed."""

    label = "Comment on item"
    general = CleanCharField(
        label="Comment on the whole", max_length=LONGEST_WORDS, required=False, widget=forms.Textarea, multiline=True
    )

    def stored_in(self, thing: Minutes) -> dict[str, Any]:
        comments = {f"item_{item.pk}": thing.item_comments.get(str(item.pk), "") for item in self.items}
        return {"general": thing.comments, **comments}


class SignForm(SaneForm):
    """The chair's signature on one version of one record."""

    number = forms.IntegerField(widget=forms.HiddenInput)
    record_sha256 = CleanCharField(widget=forms.HiddenInput, max_length=64)
    agree = forms.BooleanField(label="I have read these minutes and they are a true record of the meeting.")
    typed_name = CleanCharField(label="Type your name", max_length=120, noun="your name")


class MemberCommentForm(SaneForm):
    """What somebody who was there says of an item of the draft."""

    text = CleanCharField(label="Comment", max_length=1000, noun="your comment", widget=forms.Textarea, multiline=True)


class ResolveForm(SaneForm):
    """What came of a comment."""

    outcome = CleanCharField(label="What came of it", max_length=300, required=False)


class AddendumForm(SaneForm):
    """Something that is added to signed minutes."""

    version = VersionField(required=False)
    item = forms.ChoiceField(label="What it is about", required=False)
    text = CleanCharField(
        label="What is added", noun="what is added", max_length=4000, widget=forms.Textarea, multiline=True
    )
    reason = CleanCharField(label="Why", noun="why it is added", max_length=300)

    def __init__(self, record: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [
            ("", "The minutes as a whole"),
            *((item["number"], f"Item {item['number']}: {item['section_title']}") for item in record["items"]),
        ]


class SignAddendumForm(SaneForm):
    """The chair's signature under an addendum."""

    record_sha256 = CleanCharField(widget=forms.HiddenInput, max_length=64)
    typed_name = CleanCharField(label="Type your name", max_length=120, noun="your name")


class CarryOutForm(SaneForm):
    """To whom a copy is sent outside the service, and why."""

    recipient = CleanCharField(
        label="Who will receive it",
        noun="who will receive it",
        max_length=200,
        help_text="Name, organisation and secure e-mail address.",
    )
    reason = CleanCharField(label="Why it is sent", noun="why it is sent", max_length=300)


class MarkedForm(SaneForm):
    """Words under an item for some agencies and not for all."""

    item = forms.ChoiceField(label="Item")
    text = CleanCharField(
        label="Words", noun="the words", max_length=LONGEST_WORDS, widget=forms.Textarea, multiline=True
    )
    agencies = forms.MultipleChoiceField(
        label="For these agencies only",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one agency"},
    )
    version = VersionField()

    def __init__(self, items: Iterable[AgendaItem], agencies: Iterable[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [(str(item.pk), f"Item {item.number}") for item in items]
        self.fields["agencies"].choices = [(agency.slug, agency.name) for agency in agencies]


class NoticeForm(SaneForm):
    """The words of one notice."""

    text = CleanCharField(
        label="What the referrer reads", max_length=LONGEST, widget=forms.Textarea, multiline=True, required=False
    )


class CheckForm(SaneForm):
    """A PDF of which one wants to know whether it is ours and unchanged."""

    file = forms.FileField(
        label="PDF of minutes", error_messages={"required": "Choose a PDF", "empty": "That file is empty"}
    )

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError("The file must be 20 MB or smaller")
        return file
