"""Reading a scheme's rules: from a preset file, or from what is stored.

A preset says only what its document says. What it leaves out comes from `presets/defaults.toml`, where every
value is marked as a default. A preset that cannot be used is refused with words that name the file, the key
and the remedy.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from iom.policy.schema import Policy

DEFAULTS = "defaults"

TYPE_WORDS = {
    "string_type": "text in quotation marks",
    "int_type": "a whole number without quotation marks",
    "int_from_float": "a whole number",
    "bool_type": "true or false, without quotation marks",
    "tuple_type": "a list in square brackets",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
    "date_from_datetime_parsing": "a date such as 2026-12-25",
    "date_type": "a date such as 2026-12-25",
    "none_required": "nothing",
}

SHAPE_WORDS = {
    "too_short": "give at least one entry",
    "string_too_short": "write something",
    "string_too_long": "write less",
    "string_pattern_mismatch": "write a short name of lower-case letters, digits and dashes, or a time such as 10:00",
}


class PolicyError(Exception):
    """Rules that cannot be used. `problems` are sentences, each with the key and the remedy."""

    def __init__(self, origin: str, problems: Iterable[str]) -> None:
        self.origin = origin
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{origin}: {problem}" for problem in self.problems))


def preset_slugs() -> tuple[str, ...]:
    """The schemes that ship with the code, in alphabetical order."""
    names = (path.name for path in files("iom.policy").joinpath("presets").iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".toml") and name != f"{DEFAULTS}.toml"))


@cache
def load_preset(slug: str) -> Policy:
    """The preset of that slug, complete with defaults. PolicyError if it is not known or cannot be used."""
    if slug not in preset_slugs():
        raise PolicyError("presets", [f"There is no scheme {slug!r}; choose from: {', '.join(preset_slugs())}."])
    origin = f"{slug}.toml"
    policy = parse_policy(with_defaults(_read(f"{slug}.toml"), _read(f"{DEFAULTS}.toml"), origin=origin), origin=origin)
    if policy.slug != slug:
        raise PolicyError(origin, [f'slug is "{policy.slug}"; it must be the name of the file, "{slug}".'])
    return policy


def read_policy_file(path: Path) -> Policy:
    """A preset of one's own, filled up with the same defaults. PolicyError if it cannot be read or used."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(path.name, [f"The file cannot be read as UTF-8 text: {error}."]) from error
    data = parse_toml(text, origin=path.name)
    return parse_policy(with_defaults(data, _read(f"{DEFAULTS}.toml"), origin=path.name), origin=path.name)


def parse_toml(text: str, *, origin: str) -> dict[str, Any]:
    """The tables of a preset's text. PolicyError names the line where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(
            origin, [f"This is not TOML: {error}. Mend that line; text stands in quotation marks."]
        ) from error


def with_defaults(data: Mapping[str, Any], defaults: Mapping[str, Any], *, origin: str) -> dict[str, Any]:
    """`data` with everything that it leaves out taken from `defaults`; bodies by their kind.

    A section is taken over whole, never mixed, so that a value is either the document's or ours. Only the
    tables `posts` and `nomination`, and `deadlines` inside a body, are filled entry by entry, because each of
    their entries has its own source. Tactical options are taken over for the colours that the scheme uses.
    """
    plain = {key: value for key, value in defaults.items() if key != "body_kinds"}
    filled = {**plain, **data}
    for key in ("posts", "nomination"):
        filled[key] = _filled(plain[key], data.get(key, {}))
    if "tactical_options" not in data:
        filled["tactical_options"] = _of_colours(plain["tactical_options"], filled["ratings"])
    bodies = data.get("bodies")
    if isinstance(bodies, list):
        filled["bodies"] = [_body_with_defaults(body, defaults["body_kinds"], origin) for body in bodies]
    return filled


def parse_policy(data: Mapping[str, Any], *, origin: str) -> Policy:
    """The policy in `data`, which must be complete (a preset after `with_defaults`, or a stored version).

    PolicyError lists every problem at once: unknown, missing or ill-typed keys, choices that do not exist,
    values without a source, counts outside 0 to 365 days, names that lead nowhere.
    """
    try:
        return Policy.model_validate_json(json.dumps(data, default=_plain), strict=True)
    except ValidationError as error:
        raise PolicyError(origin, [_in_words(detail, data) for detail in error.errors()]) from error
    except (TypeError, ValueError) as error:
        raise PolicyError(origin, [f"The rules cannot be read: {error}."]) from error


@cache
def _read(name: str) -> dict[str, Any]:
    text = files("iom.policy").joinpath("presets", name).read_text(encoding="utf-8")
    return parse_toml(text, origin=name)


def _plain(value: object) -> str:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    raise TypeError(f"{value!r} is of no kind that rules are made of")


def _filled(defaults: Any, given: Any) -> Any:
    """The entries of both tables; whatever is not a table is left for the validation to refuse."""
    return {**defaults, **given} if isinstance(given, Mapping) else given


def _of_colours(options: Any, ratings: Any) -> Any:
    """The options for colours that stand among the ratings."""
    if not isinstance(ratings, list):
        return options
    colours = [rating.get("colour") for rating in ratings if isinstance(rating, Mapping)]
    return [option for option in options if option["rating"] in colours]


def _body_with_defaults(body: Any, kinds: Mapping[str, Any], origin: str) -> Any:
    if not isinstance(body, Mapping):
        return body
    kind = body.get("kind")
    name = kind.get("value") if isinstance(kind, Mapping) else None
    if not isinstance(name, str) or name not in kinds:
        slug = body.get("slug", "?")
        raise PolicyError(
            origin,
            [f"bodies[{slug}].kind: {name!r} is not a choice; choose from: {', '.join(sorted(kinds))}."],
        )
    default = kinds[name]
    return {
        **default,
        **body,
        "deadlines": _filled(default.get("deadlines", {}), body.get("deadlines", {})),
    }


def _in_words(detail: ErrorDetails, data: Mapping[str, Any]) -> str:
    """One validation error as a sentence with the key and the remedy."""
    key = _key(detail["loc"], data)
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        last = str(detail["loc"][-1])
        close = get_close_matches(last, _keys_beside(detail["loc"][:-1]), n=1)
        remedy = f'did you mean "{close[0]}"?' if close else "remove it; docs/schemes.md lists the keys."
        return f"{key}: this key is not known; {remedy}"
    if kind == "missing":
        if detail["loc"][-1] == "source":
            return (
                f"{key}: the value has no source; name the paragraph that it comes from, "
                'or write source = "default" where the document is silent.'
            )
        return f"{key}: this key is missing; add it."
    if kind in {"literal_error", "union_tag_invalid"}:
        choices = context.get("expected") or context.get("expected_tags")
        return f"{key}: {_shown(detail['input'])} is not a choice; choose from: {choices}."
    if kind == "union_tag_not_found":
        return f'{key}: this test does not say what it is; add `test`, for example test = "number".'
    if kind in {"greater_than_equal", "less_than_equal"}:
        low, high = _bounds(detail["loc"])
        days = " days" if key.endswith(".count") else ""
        return f"{key}: {detail['input']} is out of bounds; give a number from {low} to {high}{days}."
    if kind in SHAPE_WORDS:
        return f"{key}: {_shown(detail['input'])} cannot be used; {SHAPE_WORDS[kind]}."
    if kind in TYPE_WORDS:
        return f"{key}: {_shown(detail['input'])} is of the wrong type; give {TYPE_WORDS[kind]}."
    if kind == "value_error":
        message = str(context.get("error", detail["msg"]))
        return f"{key}: {message}." if key else f"{message}."
    return f"{key}: {detail['msg']} (given: {_shown(detail['input'])})."


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _key(loc: tuple[int | str, ...], data: Any) -> str:
    """Where an error is, list entries by their own name: `bodies[panel].deadlines.agenda`."""
    words, here = "", data
    for position, part in enumerate(loc):
        if isinstance(part, int):
            here = here[part] if isinstance(here, list | tuple) and part < len(here) else None
            words += f"[{_name_of(here) or part + 1}]"
            continue
        is_tag = isinstance(here, Mapping) and part not in here and here.get("test") == part
        if is_tag and position < len(loc) - 1:
            continue
        here = here.get(part) if isinstance(here, Mapping) else None
        words += f".{part}" if words else part
    return words


def _name_of(entry: object) -> str | None:
    if isinstance(entry, Mapping):
        for key in ("slug", "name", "colour", "role"):
            if isinstance(entry.get(key), str):
                return str(entry[key])
    return None


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand in the table at `loc`."""
    models = _models_at(loc)
    return sorted({name for model in models for name in _fields(model)})


def _models_at(loc: tuple[int | str, ...]) -> set[type[BaseModel]]:
    models: set[type[BaseModel]] = {Policy}
    for part in loc:
        if isinstance(part, int):
            continue
        inside = [_fields(model)[part].annotation for model in models if part in _fields(model)]
        if inside:
            models = set().union(*(_models_in(annotation) for annotation in inside))
        else:
            tagged = {model for model in models if _tag(model) == part}
            models = tagged or models
    return models


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a table under the keys by which files name them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("test")
    return str(get_args(field.annotation)[0]) if field else None


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if get_origin(annotation) in {Union, UnionType, Annotated, tuple}:
        return set().union(*(_models_in(inner) for inner in get_args(annotation)))
    return set()


def _bounds(loc: tuple[int | str, ...]) -> tuple[Any, Any]:
    """The least and greatest number allowed at `loc`."""
    low: Any = None
    high: Any = None
    last = str(next(part for part in reversed(loc) if isinstance(part, str)))
    for model in _models_at(loc[: loc.index(last) if last in loc else -1]) or {Policy}:
        field = _fields(model).get(last)
        for rule in [*(field.metadata if field else []), *_constraints(field.annotation if field else None)]:
            low = getattr(rule, "ge", None) if getattr(rule, "ge", None) is not None else low
            high = getattr(rule, "le", None) if getattr(rule, "le", None) is not None else high
    return low, high


def _constraints(annotation: Any) -> list[Any]:
    """The bounds inside an optional annotated number."""
    found: list[Any] = []
    if get_origin(annotation) is Annotated:
        for rule in get_args(annotation)[1:]:
            found += getattr(rule, "metadata", None) or [rule]
    if get_origin(annotation) in {Union, UnionType}:
        for inner in get_args(annotation):
            found += _constraints(inner)
    return found
