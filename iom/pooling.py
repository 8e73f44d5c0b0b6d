"""The database connections of one web process: a pool that its threads share (docs/running.md, "Connections").

A connection goes from one person's request to the next one's, perhaps in another scheme. That is safe because nothing
of a request is said to the connection outside its transaction (`iom.walls.within`): what row security goes by ends
with it, however it ends. The same holds behind a pooler that hands connections over between transactions.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connections


def begin(threads: int) -> None:
    """Let the threads of this process share connections from now on: by default as many as can work at once.

    To be called in a process that makes no copies of itself afterwards: a pool has threads of its own.
    """
    connections.close_all()
    database = connections.settings["default"]
    most = settings.POOL_MOST or threads
    database["CONN_MAX_AGE"] = 0  # given back after each request
    database["CONN_HEALTH_CHECKS"] = True  # looked at before it is given out
    database["OPTIONS"] = database["OPTIONS"] | {
        "pool": {
            "min_size": min(settings.POOL_LEAST, most),
            "max_size": most,
            "timeout": settings.POOL_WAIT_SECONDS,
            # Given up soon and tried again by the next request: a database that is back is found at once.
            "reconnect_timeout": 1.0,
            "num_workers": 1,
        }
    }
