"""The worker's and the clock's way in."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iom.settings.embedded")

app = Celery("iom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_our_lines(**kwargs: Any) -> None:
    """Django has set up the logs; that somebody listens here keeps Celery from writing its own lines into them."""


@signals.worker_init.connect
@signals.beat_init.connect
def look_before_starting(**kwargs: Any) -> None:
    """A worker or clock with settings that the web server refuses does not start either."""
    from iom import starting

    starting.refuse_or_go_on()
