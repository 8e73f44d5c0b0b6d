"""A test client whose forms carry a key, as those of our pages do (security.md C2)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client

from iom.once import FIELD, HEADER, new_key


class KeyedClient(Client):
    """Each post has a key of its own, unless it brings one in its fields or headers; `key=None` sends none."""

    def post(
        self,
        path: str,
        data: Any = None,
        *args: Any,
        key: str | None = "",
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> HttpResponse:
        headers = dict(headers or {})
        brought = HEADER in headers or (isinstance(data, dict) and FIELD in data)
        if key is not None and not brought:
            headers[HEADER] = key or new_key()
        return super().post(path, data, *args, headers=headers or None, **options)
