"""What must be true before the process starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.urls import URLPattern, URLResolver, get_resolver

from iom.access import permissions
from iom.pages import PUBLIC, SIGNED_IN


def every_url(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Each address of the project with its pattern."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from every_url(pattern, path)
        else:
            yield path, pattern


@checks.register(checks.Tags.security)
def every_page_names_its_permission(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """security.md Z1: the process does not start with a page that anyone could open."""
    known = {PUBLIC, SIGNED_IN, *permissions()}
    return [
        checks.Error(
            f"/{path} names no permission that a rules.py knows.",
            hint="Decorate the view with @page(…) from iom.pages.",
            id="iom.E010",
        )
        for path, pattern in every_url()
        if getattr(pattern.callback, "permission", None) not in known
    ]
