"""Loading, before anybody asks, what every page needs: views, their addresses, compiled templates."""

from __future__ import annotations

import ctypes
from importlib import import_module

from django.conf import settings
from django.db import connections
from django.template import engines
from django.urls import get_resolver

ARENAS = 2
_M_ARENA_MAX = -8  # malloc.h


def pages() -> None:
    """Load and compile everything that pages are made with. Leaves no connection open and starts no thread."""
    import_module(settings.WSGI_APPLICATION.rpartition(".")[0])
    resolver = get_resolver()
    resolver._populate()
    resolver.resolve("/healthz")
    environment = engines["jinja2"].env
    for name in environment.list_templates():
        environment.get_template(name)
    connections.close_all()


def few_arenas() -> None:
    """Keep the threads of this process in few heaps: each further one holds on to memory that no page needs."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's; other libraries have one heap anyway
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
