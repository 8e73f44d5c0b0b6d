"""Tests: a database cluster of their own with both roles, thrown away at the end; e-mails kept in memory."""

import os
import tempfile
from pathlib import Path

# Never the data of an installation, whatever the environment names: the cluster of this run alone. Workers inherit it.
for _name in (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "IOM_DEMO_SIGN_IN",
    "IOM_CLAMD",
    "IOM_SIGNING_CERTIFICATE",
    "IOM_SIGNING_PASSPHRASE",
    "IOM_SIGNING_TIMESTAMPS",
):
    os.environ.pop(_name, None)
os.environ["IOM_HOME"] = os.environ.setdefault(
    "IOM_TEST_HOME", str(Path(tempfile.gettempdir()) / f"iom-panel-tests-{os.getpid()}")
)

from .embedded import *  # noqa: E402, F403 -- the home must be named first
from .embedded import DATABASES  # noqa: E402

SECRET_KEY = "only-for-tests-" + "x" * 40
SECOND_FACTOR_KEYS = ["only-for-tests-" + "y" * 40]
HEADS_KEYS = ["only-for-tests-" + "z" * 40]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT = Path(tempfile.gettempdir()) / "iom-panel-no-static"
WHITENOISE_AUTOREFRESH = True
# One test asks more than a person would in a minute; tests of the limits set their own.
RATES: dict[str, tuple[int, int]] = {}
SITE_URL = "http://testserver"
# Tests of signatures make a certificate of their own.
SIGNING_CERTIFICATE = ""
CELERY_BROKER_URL = "memory://"
for _database in DATABASES.values():
    _database["CONN_MAX_AGE"] = 0
# Each question that was put before is made anew as well and compared.
CHECK_QUESTIONS = True
