"""The ground of every form: text that the database can hold, dates as people type them, plain words.

Plain Django forms with `SaneForm` as the base. Every text field that a person types into is a
`CleanCharField`, every date a `DateField`, so that no input ends as a server error (security I1 to I4).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import date, time
from typing import Any, Literal, Self

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.utils.text import capfirst

from iom.clock import NoSuchTime, exactly
from iom.clock import today as london_today
from iom.jinja import MONTHS, lower_first

LAST_VERSION = 2_147_483_647  # as far as the column counts
FIRST_YEAR, LAST_YEAR = 1900, 2100  # security I3
DATE_HINT = "For example, 13 3 2026 or 13 March."

_NUMBERED = re.compile(r"(\d{1,2})[\s/.\-]+(\d{1,2})(?:[\s/.\-]+(\d+))?")
_NAMED = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s/.\-]*([A-Za-z]{3,9})\.?,?(?:[\s/.\-]*(\d+))?")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")


class UnreadDateError(ValueError):
    """A typed date that cannot be used; its words go after the name of the date ("… must be a real date")."""


def read_date(text: str, *, today: date | None = None) -> date:
    """The date that someone typed: `13 3 2026`, `13/3/2026`, `13 March 2026`, `13 mar` or `2026-03-13`.

    Day before month, as in Britain. Without a year the next such date from `today` is meant, and where
    `today` is not given (a date of birth, say) the year must be typed. Raises `UnreadDateError`.
    """
    text = " ".join(text.split())
    if found := _ISO.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
        return _real_date(year, month, day)
    if found := _NUMBERED.fullmatch(text):
        day_text, month_text, year_text = found.groups()
        month = int(month_text)
    elif found := _NAMED.fullmatch(text):
        day_text, month_text, year_text = found.groups()
        month = _month_number(month_text)
    else:
        raise UnreadDateError("must be a real date")
    if year_text is None:
        if today is None:
            raise UnreadDateError("must include a year")
        return _next_such_date(month, int(day_text), today)
    if len(year_text) != 4:
        raise UnreadDateError("must include a year with 4 figures, such as 1994")
    return _real_date(int(year_text), month, int(day_text))


def _month_number(name: str) -> int:
    name = name.lower()
    for number, month in enumerate(MONTHS, start=1):
        if month.lower().startswith(name) or (name == "sept" and number == 9):
            return number
    raise UnreadDateError("must be a real date")


def _real_date(year: int, month: int, day: int) -> date:
    try:
        when = date(year, month, day)
    except ValueError:
        raise UnreadDateError("must be a real date") from None
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise UnreadDateError(f"must be between {FIRST_YEAR} and {LAST_YEAR}")
    return when


def _next_such_date(month: int, day: int, today: date) -> date:
    # 29 February may be up to eight years away (1896 to 1904); anything else is this year or next.
    for year in range(today.year, today.year + 9):
        try:
            when = date(year, month, day)
        except ValueError:
            continue
        if when >= today:
            return _real_date(when.year, when.month, when.day)
    raise UnreadDateError("must be a real date")


def clean_text(text: str, *, multiline: bool) -> str:
    """`text` in composed form (NFC), trimmed, line ends as single newlines.

    Raises `ValidationError` for NUL and control characters other than tab and, in a `multiline` field,
    newline: they break PostgreSQL text and spreadsheets (security I2). Half a surrogate pair is refused for
    the same reason.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip(" \t\n")
    allowed = "\t\n" if multiline else "\t"
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed:
            raise ValidationError("has a character that cannot be stored", code="control_character")
    return unicodedata.normalize("NFC", text).strip()


class Named:
    """What a field is called in its errors: `noun`, or its label with a small first letter."""

    label: Any
    noun: str | None = None

    def called(self) -> str:
        """The name in the middle of a sentence: "Enter *the action date*"."""
        return self.noun or lower_first(self.label or "this answer")

    def starts(self, words: str) -> str:
        """A sentence that starts with the name: "*Date of birth* must be a real date"."""
        return f"{capfirst(self.called())} {words}"


class _Length(MaxLengthValidator):
    """The longest text, told as how many characters are too many."""

    def __init__(self, limit: int, field: Named) -> None:
        super().__init__(limit)
        self.field = field

    def __call__(self, value: str) -> None:
        if (over := len(value) - self.limit_value) > 0:
            raise ValidationError(
                self.field.starts(f"must be {self.limit_value} characters or fewer. You have {over} too many"),
                code="max_length",
            )


class CleanCharField(Named, forms.CharField):
    """Text that is safe to store: NFC, trimmed, without control characters; newlines in a textarea only."""

    def __init__(self, *, noun: str | None = None, multiline: bool | None = None, **options: Any) -> None:
        self.noun = noun
        super().__init__(**options)
        self.multiline = isinstance(self.widget, forms.Textarea) if multiline is None else multiline
        self.validators = [
            _Length(each.limit_value, self) if type(each) is MaxLengthValidator else each
            for each in self.validators
            # `clean_text` refuses NUL already, in our words.
            if not isinstance(each, ProhibitNullCharactersValidator)
        ]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy for one form, whose length check speaks of the copy's name."""
        copied = super().__deepcopy__(memo)
        copied.validators = [
            _Length(each.limit_value, copied) if isinstance(each, _Length) else each for each in self.validators
        ]
        return copied

    def to_python(self, value: Any) -> str | None:
        if value in self.empty_values:
            return self.empty_value
        try:
            text = clean_text(str(value), multiline=self.multiline)
        except ValidationError as refused:
            raise ValidationError(self.starts(str(refused.message)), code=refused.code) from None
        return text or self.empty_value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """No `maxlength`: a browser cuts pasted text without a word. The server counts and says so."""
        return {}


def read_time(text: str) -> time:
    """The time that someone typed: `10`, `10:30`, `10.30`, `2pm`, `2:15 pm`. Raises ValueError."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    hours, minutes, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        if not 1 <= hours <= 12:
            raise ValueError(text)
        hours = hours % 12 + (12 if half == "pm" else 0)
    return time(hours, minutes)


class ClockField(CleanCharField):
    """A time of day in London, as people type it."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 10)
        options.setdefault("help_text", "For example, 10:00 or 2:30pm.")
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%H:%M}" if isinstance(value, time) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return read_time(text)
        except ValueError:
            raise ValidationError(self.starts("must be a real time, such as 10:00"), code="invalid") from None


class EmailField(CleanCharField):
    """An e-mail address, its host in small letters."""

    widget = forms.EmailInput

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 254)
        super().__init__(**options)
        self.widget.attrs.setdefault("autocomplete", "email")
        self.widget.attrs.setdefault("spellcheck", "false")

    def clean(self, value: Any) -> str | None:
        text: str | None = super().clean(value)
        if text:
            try:
                forms.EmailField(max_length=None).clean(text)
            except ValidationError:
                raise ValidationError(
                    "Enter an email address in the correct format, like name@example.org", code="invalid"
                ) from None
        return text


class DateInput(forms.TextInput):
    """One box for a typed date (UX 3.1: typed dates are faster than a picker, and Enter must submit)."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"spellcheck": "false", "autocomplete": "off", **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        """A stored date as one would type it, `13 3 2026`; what was typed stays as it was typed."""
        return f"{value.day} {value.month} {value.year}" if isinstance(value, date) else super().format_value(value)


class DateField(Named, forms.Field):
    """A typed date: see `read_date` for what is understood.

    `assume_year`: without a year, the next such date is meant. `earliest` and `latest` are the limits, where
    `"today"` stands for the day of typing. The clock is London's; a test gives its own as `clock`.
    """

    widget = DateInput

    def __init__(
        self,
        *,
        noun: str | None = None,
        assume_year: bool = False,
        earliest: date | Literal["today"] | None = None,
        latest: date | Literal["today"] | None = None,
        clock: Callable[[], date] = london_today,
        **options: Any,
    ) -> None:
        self.noun, self.assume_year, self.clock = noun, assume_year, clock
        self.earliest, self.latest = earliest, latest
        options.setdefault("help_text", DATE_HINT if assume_year else "For example, 13 3 1994.")
        super().__init__(**options)

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, date):
            return value
        if value in self.empty_values or not str(value).strip():
            return None
        try:
            return read_date(str(value), today=self.clock() if self.assume_year else None)
        except UnreadDateError as unread:
            raise ValidationError(self.starts(str(unread)), code="invalid") from None

    def validate(self, value: date | None) -> None:
        super().validate(value)
        if value is None:
            return
        today = self.clock()
        if (first := _limit(self.earliest, today)) and value < first:
            raise ValidationError(self.starts(f"must be {_in_words(first, today)} or later"), code="too_early")
        if (last := _limit(self.latest, today)) and value > last:
            raise ValidationError(self.starts(f"must be {_in_words(last, today)} or earlier"), code="too_late")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another date is meant: `13/3/2026` for `13 3 2026` is no change."""
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


def _limit(limit: date | Literal["today"] | None, today: date) -> date | None:
    return today if limit == "today" else limit


def _in_words(when: date, today: date) -> str:
    return "today" if when == today else f"{when.day} {MONTHS[when.month - 1]} {when.year}"


class VersionField(forms.IntegerField):
    """The version of the record that the reader of a form saw; 0 where there was none (security.md C1)."""

    widget = forms.HiddenInput

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=LAST_VERSION, **options)


# The forms that a request has bound to what was posted, so that an answer can speak of them (`iom.stale`).
bound_forms: ContextVar[list[forms.Form] | None] = ContextVar("bound_forms", default=None)


class SaneForm(forms.Form):
    """The base of our forms.

    Labels and the words for a missing answer come from the field's own name: "Enter the reason", "Choose a
    rating". `nouns` names fields in the middle of a sentence where the label does not fit there. A question that
    takes one answer refuses two (security I4). `moments` pairs a field of the day with one of the time of that day,
    which must be a time that London's clocks show once (security T1).
    """

    nouns: Mapping[str, str] = {}
    moments: tuple[tuple[str, str], ...] = ()
    # The browser's own bubbles would hide the error summary, and cannot be worded.
    use_required_attribute = False

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        if self.is_bound and (seen := bound_forms.get()) is not None:
            seen.append(self)
        for name, field in self.fields.items():
            if field.label is None:
                field.label = capfirst(name.replace("_", " "))
            if name in self.nouns and isinstance(field, Named):
                field.noun = self.nouns[name]
            _word_errors(field, self.nouns.get(name) or getattr(field, "noun", None) or lower_first(field.label))

    def stored_in(self, thing: Any) -> Mapping[str, Any]:
        """What a row holds for these fields, for those that are not its columns of the same name (`iom.stale`)."""
        return {}

    def _clean_fields(self) -> None:
        super()._clean_fields()
        for day, wall in self.moments:
            self._clean_moment(day, wall)
        answers = getattr(self.data, "getlist", None)
        if answers is None:
            return
        for name, field in self.fields.items():
            if _takes_one_answer(field) and len(answers(self.add_prefix(name))) > 1:
                self.add_error(name, ValidationError("Give one answer only", code="twice"))

    def _clean_moment(self, day: str, wall: str) -> None:
        if not (self.cleaned_data.get(day) and self.cleaned_data.get(wall)):
            return
        try:
            exactly(self.cleaned_data[day], self.cleaned_data[wall])
        except NoSuchTime as none:
            called = self.nouns.get(wall) or lower_first(self.fields[wall].label)
            self.add_error(
                wall, ValidationError(f"{capfirst(called)} {none}. Choose another time", code="no_such_time")
            )


def _takes_one_answer(field: forms.Field) -> bool:
    several = isinstance(field.widget, (forms.MultiWidget, forms.MultipleHiddenInput))
    return not several and not getattr(field.widget, "allow_multiple_selected", False)


# Django's own words, which we replace; words that a field was given stay.
_GENERAL = {
    forms.Field.default_error_messages["required"],
    forms.ChoiceField.default_error_messages["invalid_choice"],
    forms.ModelChoiceField.default_error_messages["invalid_choice"],
}


def _word_errors(field: forms.Field, called: str) -> None:
    """Say what to do in place of Django's "This field is required"."""
    if isinstance(field.widget, forms.HiddenInput):
        required = "Part of the page was missing. Load it again and try once more"
    elif isinstance(field, forms.BooleanField):
        required = f"Tick “{field.label}”"
    elif isinstance(field, (forms.ChoiceField, forms.ModelChoiceField)):
        required = f"Choose {called}"
    else:
        required = f"Enter {called}"
    # A label that asks makes no noun: its own words for nothing chosen do for a choice that is none.
    asks = str(field.label).endswith("?") and field.error_messages.get("required") not in _GENERAL
    none_such = str(field.error_messages["required"]) if asks else f"Choose {called} from the list"
    for code, words in (("required", required), ("invalid_choice", none_such)):
        if field.error_messages.get(code) in _GENERAL:
            field.error_messages[code] = words
