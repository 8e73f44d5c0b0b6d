"""The web server's way in."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iom.settings.embedded")
application = get_wsgi_application()

from iom import starting  # noqa: E402 -- it needs the settings

starting.require()
