"""Pages of many rows in one form, of which each row saves by itself (docs/components.md, Autosave).

One that cannot be saved, or that somebody else changed meanwhile, waits; the others are saved beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Self

from django import forms
from django.http import HttpResponse, JsonResponse
from django.utils.datastructures import MultiValueDict

from iom import clock
from iom.forms import SaneForm, VersionField
from iom.jinja import clock as time_words
from iom.jinja import form_problems


class RowForm(SaneForm):
    """One row of many in a page. It carries the version that its reader saw, and a digest of what the row held then.

    A row in which nothing was typed is not saved, so that somebody else's newer answer to it stands.
    """

    version = VersionField()
    was = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    several: tuple[str, ...] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kept = False
        self.initial["was"] = self._digest({name: self.initial.get(name) for name in self._typed()})

    def _typed(self) -> list[str]:
        return [name for name, field in self.fields.items() if not isinstance(field.widget, forms.HiddenInput)]

    def _posted(self) -> dict[str, Any]:
        return {
            name: self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            for name in self._typed()
        }

    @property
    def untouched(self) -> bool:
        """Whether the row came back as it was drawn."""
        was = self.data.get(self.add_prefix("was"))
        return bool(was) and was == self._digest(self._posted())

    @staticmethod
    def _digest(values: dict[str, Any]) -> str:
        said = {name: _plain(value) for name, value in values.items()}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def hold(self, version: int) -> None:
        """Go on from what was saved: the page that is shown again carries its version."""
        self.kept = True
        was = self._digest(self._posted())
        self.data = self.data.copy()
        self.data[self.add_prefix("version")] = str(version)
        self.data[self.add_prefix("was")] = was

    def marks(self) -> dict[str, str]:
        """The hidden fields as they stand now, by their names in the page."""
        return {self.add_prefix(name): self.data[self.add_prefix(name)] for name in ("version", "was")}

    @classmethod
    def as_stored(cls, **options: Any) -> Self:
        """The row as it stands in the database: for one that was not typed into, or is newer than the page."""
        form = cls(None, **options)
        stored = MultiValueDict()
        for name, value in form.initial.items():
            # As a browser posts it: a version of 0 is a version.
            as_posted = list(value) if name in cls.several else [str(value) if name == "version" else value]
            stored.setlist(form.add_prefix(name), as_posted)
        return cls(stored, **options)

    @classmethod
    def of(cls, posted: Any, prefix: str, /, **options: Any) -> Self:
        """The row for a page: drawn where nothing was posted, else as typed, or as stored where nothing was typed."""
        if posted is None:
            return cls(None, **options)
        form = cls(posted, **options) if f"{prefix}-version" in posted else None
        return cls.as_stored(**options) if form is None or form.untouched else form


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return sorted(str(each) for each in value)
    if isinstance(value, date):
        return f"{value.day} {value.month} {value.year}"
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


def autosaved(forms: Sequence[RowForm]) -> HttpResponse:
    """What `autosave.js` needs: the marks of the rows that were saved, and why the rest was not.

    A row that somebody else changed meanwhile waits with the version its reader saw, until they press Save and read
    both; the other rows go on saving themselves. So this is no refusal: what is refused is undone as a whole.
    """
    saved: dict[str, str] = {}
    for form in forms:
        if form.kept and not form.errors:
            saved |= form.marks()
    told: dict[str, Any] = {"at": time_words(clock.now()), "fields": saved}
    if any(form.errors for form in forms):
        told["errors"] = {problem["href"]: problem["text"] for problem in form_problems(*forms)}
    return JsonResponse(told)
