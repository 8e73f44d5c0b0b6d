"""The Jinja2 environment in which every page is written.

Pages are strict: a name or attribute that is not there is an error, never a silent blank. The GOV.UK macros
are written for lenient parameters, so their templates live in an environment of their own, reached through
the same names (`{% from "govuk_frontend_jinja/components/button/macro.html" import govukButton %}`).

Dates of the domain are Europe/London dates; an aware datetime is turned to London time before it is shown.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined, Template, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from iom import audit
from iom.clock import LONDON, now, today

MACROS = "govuk_frontend_jinja"

HALF_A_YEAR = 180
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

# UX principle 5: shape and word carry the rating; colour only helps.
SHAPES = {"red": "▲", "amber": "◆", "green": "●", "blue": "■"}
COLOUR_WORDS = {"red": "Red", "amber": "Amber", "green": "Green", "blue": "In custody"}


class PageEnvironment(Environment):
    """A strict environment that hands the GOV.UK macros to a lenient one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._of_somebody: dict[type, bool] = {}
        self._macros = Environment(
            loader=PrefixLoader({MACROS: PackageLoader(MACROS)}), autoescape=True, auto_reload=False, cache_size=-1
        )
        # A macro's module is kept between pages only where both sides know the same global names.
        self._macros.globals = self.globals

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: Any = None,  # noqa: A002 -- Jinja's own name
    ) -> Template:
        """The template `name`; those of the GOV.UK macros come from their own environment."""
        if isinstance(name, str) and name.startswith(f"{MACROS}/"):
            return self._macros.get_template(name, parent, globals)
        return super().get_template(name, parent, globals)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What a page shows of a person is noted here, for the audit of reads: no page has to remember it (U4)."""
        kind = type(obj)
        known = self._of_somebody.get(kind)
        if known is None:
            known = self._of_somebody[kind] = hasattr(kind, "audit_subject")
        if known and obj.audit_subject:
            audit.shown(obj.audit_subject)
        return super().getattr(obj, attribute)


def environment(**options: Any) -> PageEnvironment:
    """Make the environment for `django.template.backends.jinja2.Jinja2` (its OPTIONS["environment"])."""
    options |= {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    options["cache_size"] = -1  # each template is compiled once in a process, however many there are
    env = PageEnvironment(**options)
    env.globals |= {
        "static": static,
        "url": url,
        "now": now,
        "today": today,
        "now_year": lambda: today().year,
        "csrf": csrf,
        "query": query,
        "render_block": render_block,
        "field_kind": field_kind,
        "field_choices": field_choices,
        "field_errors": field_errors,
        "chosen_values": chosen_values,
        "form_problems": form_problems,
    }
    env.filters |= {
        "day": day,
        "longday": longday,
        "weekday_day": weekday_day,
        "day_month": day_month,
        "weekday_short": weekday_short,
        "near_day": near_day,
        "clock": clock,
        "hour": hour,
        "moment": moment,
        "isodate": isodate,
        "contextual": contextual,
        "plural": plural,
        "colour_key": colour_key,
        "colour_mark": colour_mark,
        "colour_word": colour_word,
        "groups": groups,
        "by_month": by_month,
        "lower_first": lower_first,
    }
    return env


# --- Addresses and forms ---------------------------------------------------


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """The address of the view `name`; raises `NoReverseMatch` when there is none."""
    return reverse(name, args=args or None, kwargs=kwargs or None)


@pass_context
def csrf(context: Context) -> Markup:
    """The hidden field that proves a form came from us. Call it in the page, not inside a macro."""
    return cast("Markup", context["csrf_input"])


@pass_context
def render_block(context: Context, block: Any) -> Markup:
    """A part of a page that an app offers (`iom.blocks.Block`), drawn with its own context beside the page's."""
    template = context.environment.get_template(block.template)
    return Markup(template.render({**context.get_all(), **block.context}))  # noqa: S704 -- escaped by the template


def query(parameters: QueryDict | Mapping[str, Any], **changes: Any) -> str:
    """`?…` of the present parameters with `changes` made; a change to None takes the parameter out.

    Sorting, paging and going back keep the filters (UX evidence 5), since they all start from what is there.
    """
    pairs = (
        [(key, value) for key, values in parameters.lists() for value in values]
        if isinstance(parameters, QueryDict)
        else [(key, value) for key, value in parameters.items()]
    )
    kept = [(key, value) for key, value in pairs if key not in changes]
    added = [(key, value) for key, value in changes.items() if value is not None]
    return f"?{urlencode(kept + added)}"


def field_kind(bound: BoundField) -> str:
    """The control: text, textarea, select, radios, checkboxes, checkbox, password, file or hidden."""
    widget = bound.field.widget
    kinds: tuple[tuple[type[forms.Widget] | tuple[type[forms.Widget], ...], str], ...] = (
        ((forms.HiddenInput, forms.MultipleHiddenInput), "hidden"),
        (forms.Textarea, "textarea"),
        (forms.CheckboxSelectMultiple, "checkboxes"),
        (forms.RadioSelect, "radios"),
        (forms.Select, "select"),
        (forms.CheckboxInput, "checkbox"),
        (forms.PasswordInput, "password"),
        (forms.FileInput, "file"),
    )
    return next((kind for classes, kind in kinds if isinstance(widget, classes)), "text")


def field_choices(bound: BoundField) -> list[tuple[str, Any]]:
    """The (value, words) pairs of a choice field, groups flattened; values as HTML carries them."""
    pairs: list[tuple[str, Any]] = []
    # The widget holds the choices in the form that is shown: ModelChoiceField makes them afresh there.
    for value, words in cast("Any", bound.field.widget).choices:
        if isinstance(words, (list, tuple)):
            pairs += [(_as_posted(inner), text) for inner, text in words]
        else:
            pairs.append((_as_posted(value), words))
    return pairs


def chosen_values(bound: BoundField) -> list[str]:
    """What is chosen now, as posted strings: the typed answer when there is one, else the initial value."""
    value = bound.value()
    if value is None:
        return []
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_as_posted(each) for each in value]
    return [_as_posted(value)]


def _as_posted(value: Any) -> str:
    if value is None:
        return ""
    inner = getattr(value, "value", value)  # ModelChoiceIteratorValue and enum members wrap the plain value
    return str(inner)


def field_errors(bound: BoundField) -> Markup | None:
    """The field's errors, one a line, or None."""
    errors = [str(error) for error in bound.errors]
    return Markup("<br>").join(errors) if errors else None


def form_problems(*given: Any) -> list[dict[str, str]]:
    """Every error of these forms and formsets as `{"text", "href"}`, in the order of the page.

    What belongs to no field has an empty `href`; a hidden field's error too, since nobody can go there.
    """
    problems: list[dict[str, str]] = []
    for form in given:
        if form is None:
            continue
        if hasattr(form, "forms"):
            problems += [{"text": str(text), "href": ""} for text in form.non_form_errors()]
            problems += form_problems(*form.forms)
            continue
        problems += [{"text": str(text), "href": ""} for text in form.non_field_errors()]
        for bound in form:
            href = "" if bound.is_hidden else f"#{bound.auto_id}"
            problems += [{"text": str(text), "href": href} for text in bound.errors]
    return problems


# --- Dates and times in words (UX section 7: how dates are written) --------


def in_london(moment: date | datetime) -> date | datetime:
    """An aware datetime in London time; a date as it is. Raises ValueError for a datetime without zone."""
    if isinstance(moment, datetime):
        if timezone.is_naive(moment):
            raise ValueError("A datetime without time zone cannot be shown: it may be an hour out")
        return moment.astimezone(LONDON)
    return moment


def day(when: date | None) -> str:
    """`12 Mar 2026`."""
    if when is None:
        return ""
    when = in_london(when)
    return f"{when.day} {MONTHS[when.month - 1][:3]} {when.year}"


def longday(when: date | None) -> str:
    """`Thursday 12 March 2026`."""
    if when is None:
        return ""
    when = in_london(when)
    return f"{WEEKDAYS[when.weekday()]} {when.day} {MONTHS[when.month - 1]} {when.year}"


def weekday_day(when: date | None) -> str:
    """`Thu 12 March`, where the year is plain from the page."""
    if when is None:
        return ""
    when = in_london(when)
    return f"{WEEKDAYS[when.weekday()][:3]} {when.day} {MONTHS[when.month - 1]}"


def weekday_short(when: date | None) -> str:
    """`Thu 12 Mar`, for strips and tables."""
    if when is None:
        return ""
    when = in_london(when)
    return f"{WEEKDAYS[when.weekday()][:3]} {when.day} {MONTHS[when.month - 1][:3]}"


def near_day(when: date | None, on: date | None = None) -> str:
    """`Thu 12 Mar`; half a year from today (`on`) it would be taken for another year's, so it is `12 Mar 2025`."""
    if when is None:
        return ""
    local = in_london(when)
    local = local.date() if isinstance(local, datetime) else local
    return weekday_short(when) if abs((local - (on or today())).days) <= HALF_A_YEAR else day(when)


def day_month(when: date | None) -> str:
    """`12 March`, as in "the 12 March panel"."""
    if when is None:
        return ""
    when = in_london(when)
    return f"{when.day} {MONTHS[when.month - 1]}"


def clock(when: datetime | time | None) -> str:
    """`10:42`, London time."""
    if when is None:
        return ""
    if isinstance(when, datetime):
        when = cast("datetime", in_london(when))
    return f"{when.hour:02}:{when.minute:02}"


def hour(when: datetime | time | None) -> str:
    """`5pm`, `9:30am`, `midday`, `midnight`: a time in a sentence."""
    if when is None:
        return ""
    if isinstance(when, datetime):
        when = cast("datetime", in_london(when))
    if when.minute == 0 and when.hour in (0, 12):
        return "midday" if when.hour else "midnight"
    minutes = f":{when.minute:02}" if when.minute else ""
    return f"{when.hour % 12 or 12}{minutes}{'am' if when.hour < 12 else 'pm'}"


def moment(when: datetime | None) -> str:
    """`12 Mar 2026, 10:42`, London time."""
    return "" if when is None else f"{day(when)}, {clock(when)}"


def isodate(when: date | None) -> str:
    """`2026-03-12`, for `datetime=` attributes and addresses."""
    if when is None:
        return ""
    local = in_london(when)
    return f"{local.year:04}-{local.month:02}-{local.day:02}"


def contextual(due: date | None, on: date | None = None) -> str:
    """How near `due` is, in words: "3 days late", "due today", "due tomorrow", "due Monday", "in 7 days".

    `on` is today's date in London unless given. A weekday's name is used for the next six days only, so
    that it can mean one day and no other.
    """
    if due is None:
        return ""
    due = in_london(due)
    due = due.date() if isinstance(due, datetime) else due
    distance = (due - (on or today())).days
    if distance < 0:
        return f"{plural(-distance, 'day')} late"
    if distance < 2:
        return ("due today", "due tomorrow")[distance]
    return f"due {WEEKDAYS[due.weekday()]}" if distance < 7 else f"in {distance} days"


# --- Words -----------------------------------------------------------------


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 action`, `3 actions`; `many` for words that do not just take an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def lower_first(words: Any) -> str:
    """The words with a small first letter, for the middle of a sentence; an abbreviation stays as it is."""
    text = str(words)
    first = text.split(" ", 1)[0]
    return text if len(first) > 1 and first.isupper() else text[:1].lower() + text[1:]


def colour_key(colour: Any) -> str:
    """`red`, `amber`, `green` or `blue` from a value, a member of a TextChoices or a capitalised word.

    Raises ValueError for anything else: an unknown rating must not appear on a page as if it were one.
    """
    key = str(colour.value if isinstance(colour, Enum) else colour).lower()
    if key not in SHAPES:
        raise ValueError(f"{colour!r} is not a rating; use one of {', '.join(SHAPES)}")
    return key


def colour_mark(colour: Any) -> str:
    """The shape of a rating: ▲ red, ◆ amber, ● green, ■ in custody. Always stands beside the word."""
    return SHAPES[colour_key(colour)]


def colour_word(colour: Any) -> str:
    """The word of a rating: Red, Amber, Green or In custody."""
    return COLOUR_WORDS[colour_key(colour)]


def groups(text: str, size: int = 4) -> list[str]:
    """`text` in pieces of `size`, so that two people can compare a fingerprint aloud."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def by_month(items: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    """The items in runs of a month, as ("March 2026", items), in the order given; each has a date `when`."""
    runs: list[tuple[str, list[Any]]] = []
    for item in items:
        when = in_london(item["when"] if isinstance(item, Mapping) else item.when)
        heading = f"{MONTHS[when.month - 1]} {when.year}"
        if not runs or runs[-1][0] != heading:
            runs.append((heading, []))
        runs[-1][1].append(item)
    return runs
