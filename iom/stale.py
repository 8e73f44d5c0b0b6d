"""Two people changed the same thing: both texts on one page, for every view there is (security.md C1).

A verb raises `Stale` with the row as it stands now. The page is drawn from the forms that the view had bound: what
the reader typed beside what is stored, with the labels of the fields. "Keep mine" posts the same answers on top of the
version that stands now. A form without the version its reader saw is answered 400, with everything typed still in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import QueryDict
from django.shortcuts import render
from django.urls import resolve, reverse

from iom.clock import LONDON, today
from iom.forms import VersionField, bound_forms
from iom.jinja import clock, day, day_month, field_choices
from iom.views import errors

if TYPE_CHECKING:
    from iom.models import SchemeModel
    from iom.steps import Stale

VERSION = "version"
NOT_TYPED = frozenset({"csrfmiddlewaretoken", "form_key", "held_post"})
# Where one stands and which button was pressed: part of what is sent again, and nothing that anybody typed.
WAYS = frozenset({"item", "then", "do", "back", "next", "answer", "actions", "change"})
_SECRET = ("password", "code", "secret")


class MissingVersion(Exception):
    """A form that edits a record came without the version its reader saw."""


def version_of(posted: QueryDict, name: str = VERSION) -> int:
    """The version that the reader of a form saw. Raises MissingVersion."""
    given = posted.get(name, "")
    try:
        return VersionField().clean(given)
    except ValidationError:
        raise MissingVersion from None


def lacks_version() -> bool:
    """Whether a form of this request came without its version."""
    return any(_lacks_version(form) for form in bound_forms.get() or () if VERSION in form.fields)


def _lacks_version(form: forms.Form) -> bool:
    drawn_with = form.initial.get(VERSION) is not None
    return form.has_error(VERSION) or (drawn_with and not form.data.get(form.add_prefix(VERSION)))


def page(request: HttpRequest, error: Stale) -> HttpResponse:
    """409 in the form in which it was asked for: a page with both texts, a part of one, or JSON that says the same."""
    thing, form = error.thing, _editing(error.thing)
    rows = [*_compared(form, thing)] if form is not None else _as_posted(request, thing)
    who, when = _last_change(thing)
    words = error.words or f"{who} changed this{_at(when)}."
    context = {
        "words": words,
        "who": who,
        "when": when,
        "superseded": bool(error.words),
        "conflicts": [row for row in rows if row["mine"] != row["theirs"]],
        "kept": _kept(request, form, thing) if thing is not None and not error.words else [],
        "back_url": way_back(request, thing),
        "reference": getattr(request, "id", ""),
    }
    if errors.wants_json(request):
        then = "Copy what you typed." if error.words else "Save to compare and keep yours."
        told = {"message": f"{words} {then}", "conflicts": context["conflicts"]}
        return JsonResponse(told, status=409)
    template = "errors/409_part.html" if errors.wants_part(request) else "errors/409.html"
    return render(request, template, context, status=409)


def no_version(request: HttpRequest) -> HttpResponse:
    """400: nothing was saved, and what was typed is on the page."""
    words = "Part of the page was missing, so nothing was saved. Load it again and try once more."
    if errors.wants_json(request) or errors.wants_part(request):
        return errors.answer(request, 400, reason=words)
    return render(request, "errors/no_version.html", {"typed": typed(request), "reason": words}, status=400)


def typed(request: HttpRequest) -> list[dict[str, str]]:
    """What somebody typed into a form that no code of ours has read, by the names of its fields. No secrets."""
    return [
        {"name": name, "label": _label(name), "mine": value, "theirs": ""}
        for name, values in request.POST.lists()
        for value in values
        if value and name not in NOT_TYPED | WAYS and not any(word in name.lower() for word in (*_SECRET, VERSION))
    ]


# --- Both texts ---------------------------------------------------------------


def _editing(thing: SchemeModel | None) -> Any:
    """The form that edits `thing`: the one bound last that carries a version."""
    found = [form for form in bound_forms.get() or () if VERSION in form.fields]
    return found[-1] if found else None


def _compared(form: Any, thing: SchemeModel | None) -> Iterable[dict[str, str]]:
    # What the view filled the form with is what is stored now, unless somebody was faster still.
    fresh = thing is not None and form.initial.get(VERSION) == thing.version
    held = form.stored_in(thing) if thing is not None else {}
    for field in form:
        if field.is_hidden or isinstance(field.field.widget, (forms.PasswordInput, forms.FileInput)):
            continue
        if field.name in held:
            stored = held[field.name]
        else:
            stored = form.initial.get(field.name) if fresh else getattr(thing, field.name, None)
        yield {"label": str(field.label), "mine": _words(field, _said(form, field)), "theirs": _words(field, stored)}


def _as_posted(request: HttpRequest, thing: SchemeModel | None) -> list[dict[str, str]]:
    """Where no form was bound: the fields as they were sent, beside what the row holds under the same name."""
    labels = {
        form.add_prefix(name): str(field.label)
        for form in bound_forms.get() or ()
        for name, field in form.fields.items()
    }
    kept = getattr(thing, "draft", None) or {}
    return [
        {
            **row,
            "label": labels.get(row["name"], row["label"]),
            "theirs": _plain(kept.get(row["name"], getattr(thing, row["name"], None))),
        }
        for row in typed(request)
    ]


def _said(form: Any, field: Any) -> Any:
    """What the reader means, where it was read already: `2/3/2026` is the day that is stored."""
    read = getattr(form, "cleaned_data", {}).get(field.name)
    return read if isinstance(read, date) else field.value()


def _words(field: Any, value: Any) -> str:
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        return "Yes" if value else "No"
    if hasattr(widget, "choices"):
        names = dict(field_choices(field))
        several = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        keys = [str(getattr(each, "pk", getattr(each, "value", each))) for each in several if each not in (None, "")]
        return ", ".join(str(names.get(key, key)) for key in keys)
    return _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, date):
        return day(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(each) for each in value)
    if hasattr(value, "strftime"):
        return clock(value)
    return str(value).strip()


def _label(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip().capitalize()


def _kept(request: HttpRequest, form: Any, thing: SchemeModel) -> list[tuple[str, str]]:
    """What "Keep mine" posts: the same answers, on the version that stands now."""
    version = form.add_prefix(VERSION) if form is not None else VERSION
    answers = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in NOT_TYPED and name != version and "password" not in name.lower()
    ]
    return [*answers, (version, str(thing.version))]


# --- Who, when, and where to go -----------------------------------------------


def _last_change(thing: SchemeModel | None) -> tuple[str, datetime | None]:
    from iom.models import LogEntry

    if thing is None or thing.pk is None:
        return "Someone", None
    last = LogEntry.objects.get_for_object(thing).select_related("actor").order_by("-timestamp").first()
    if last is None:
        return "Someone", None
    return (last.actor.name if last.actor else "Someone"), last.timestamp


def _at(when: datetime | None) -> str:
    if when is None:
        return ""
    local = when.astimezone(LONDON)
    return f" at {clock(when)}" if local.date() == today() else f" on {day_month(when)} at {clock(when)}"


def way_back(request: HttpRequest, thing: SchemeModel | None = None) -> str:
    """The page that shows how things stand now."""
    match = resolve(request.path_info)
    if "GET" in getattr(match.func, "methods", ()):
        return request.get_full_path()
    return thing.get_absolute_url() if hasattr(thing, "get_absolute_url") else reverse("home")
