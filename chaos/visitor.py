"""A browser without a screen: cookies, pages, and the forms that stand in them."""

from __future__ import annotations

import http.client
import urllib.parse
from dataclasses import dataclass, field
from html.parser import HTMLParser

TIMEOUT_SECONDS = 30.0


class NoAnswer(Exception):
    """Nothing came back, or only the beginning of something: nobody knows what was done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    page: str

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, what stands in it, what its lists and buttons offer, and the words around."""

    action: str
    method: str
    values: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)
    words: str = ""

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.values} | self.choices.keys()

    def filled(self, **given: str) -> list[tuple[str, str]]:
        """What a browser would send with these answers; KeyError for a field that is not there."""
        if unknown := given.keys() - self.names:
            raise KeyError(f"The form to {self.action} has no {', '.join(sorted(unknown))}")
        return [(name, value) for name, value in self.values if name not in given] + list(given.items())


class _Forms(HTMLParser):
    """Reads the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.form: Form | None = None
        self.select = self.text_area = ""
        self.typed = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        name = attributes.get("name", "")
        if tag == "form":
            self.form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.found.append(self.form)
        elif self.form is not None and tag == "input" and name:
            self._input(self.form, name, attributes)
        elif self.form is not None and tag == "select":
            self.select = name
            self.form.choices.setdefault(name, [])
        elif self.form is not None and tag == "option" and self.select:
            self.form.choices[self.select].append(attributes.get("value", ""))
            if "selected" in attributes:
                self.form.values.append((self.select, attributes.get("value", "")))
        elif self.form is not None and tag == "textarea":
            self.text_area, self.typed = name, ""

    def _input(self, form: Form, name: str, attributes: dict[str, str]) -> None:
        kind, value = attributes.get("type", "text"), attributes.get("value", "")
        if kind in ("radio", "checkbox"):
            form.choices.setdefault(name, []).append(value)
            if "checked" in attributes:
                form.values.append((name, value))
        elif kind != "file":
            form.values.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select = ""
        elif tag == "textarea" and self.form is not None and self.text_area:
            # A browser leaves out the newline after the tag.
            self.form.values.append((self.text_area, self.typed.removeprefix("\n")))
            self.text_area = ""

    def handle_data(self, data: str) -> None:
        if self.text_area:
            self.typed += data
        if self.form is not None:
            self.form.words += data


def forms_of(page: str) -> list[Form]:
    """The forms of a page, in their order."""
    reader = _Forms()
    reader.feed(page)
    return reader.found


class Visitor:
    """One person's browser: a new connection for each request, since the server may have died since the last."""

    def __init__(self, address: str) -> None:
        place = urllib.parse.urlsplit(address)
        self.host, self.port = place.hostname or "localhost", place.port or 80
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: list[tuple[str, str]] | None = None) -> Answer:
        """Get a page, or send a form; raises NoAnswer."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET" if form is None else "POST", path, body, headers)
            answer = connection.getresponse()
            page = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(type(error).__name__) from error
        finally:
            connection.close()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self._keep(value)
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, page)

    def _keep(self, cookie: str) -> None:
        first, _, attributes = cookie.partition(";")
        name, _, value = first.partition("=")
        if "max-age=0" in attributes.lower().replace(" ", ""):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
