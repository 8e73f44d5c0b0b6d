"""How gunicorn serves: `python -m gunicorn iom.wsgi -c python:iom.serving`; the command line says what differs.

Its own lines are JSON like ours and name no address that was asked for (security.md L1); no answer says which server
gave it (security.md H2); it does not start where the panel must not serve (security.md L5).
"""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http.wsgi import Response

from iom.logs import JsonLine


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's lines as JSON. It keeps no access log: `iom.middleware.RequestId` writes a line for each request."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLine())

    def access(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: addresses hold references of people's cases."""


_headers = Response.default_headers


def _unsigned(self: Response) -> list[str]:
    return [header for header in _headers(self) if not header.startswith("Server:")]


Response.default_headers = _unsigned

logger_class = JsonLogger
worker_class = "gthread"
threads = 4
timeout = 60


def on_starting(server: Any) -> None:
    """Look once, before any worker is made, whether the panel may serve with these settings."""
    from iom import starting

    starting.refuse_or_go_on()
