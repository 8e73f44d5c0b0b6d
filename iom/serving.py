"""How gunicorn serves: `python -m gunicorn iom.wsgi -c python:iom.serving`; the command line says what differs.

Its own lines are JSON like ours and name no address that was asked for (security.md L1); no answer says which server
gave it (security.md H2); it does not start where the panel must not serve (security.md L5).

The parent loads all that pages need before it makes a worker, so that the workers share that memory and no first
visitor waits for it. It keeps nothing open that must not be shared: no connection, no thread. Each worker has its own
pool of database connections (`iom.pooling`).
"""

from __future__ import annotations

import gc
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
# Whatever a worker gathers in weeks, it gives back: another one takes its place, not all at once.
max_requests = 50_000
max_requests_jitter = 10_000


def on_starting(server: Any) -> None:
    """Look once, before any worker is made, whether the panel may serve with these settings; then load its pages."""
    from iom import starting, warm

    starting.refuse_or_go_on()
    warm.pages()
    gc.collect()
    # What is there now is not looked through again: looking would write into memory that the workers share.
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """Before a worker serves: what each must have of its own."""
    from iom import pooling, warm

    warm.few_arenas()
    pooling.begin(worker.cfg.threads)
