"""One machine, nothing to administer: the database and queue that `make run` starts, or those of the environment."""

import hashlib
import os
from pathlib import Path

from iom.embedded import certificate, paths

from .base import *  # noqa: F403 -- settings are made by adding to the base
from .base import BASE_DIR, CACHE_OPTIONS, DATABASE_OPTIONS, OUTBOX_ANSWER_SECONDS, RATES, env, secret

IOM_HOME = Path(env.str("IOM_HOME", default=str(BASE_DIR / ".iom"))).resolve()
_urls = paths.urls(IOM_HOME)

DATABASES = {
    "default": env.db_url_config(env.str("DATABASE_URL", default=_urls["DATABASE_URL"])),
    "owner": env.db_url_config(
        env.str("DATABASE_OWNER_URL", default=env.str("DATABASE_URL", default=_urls["DATABASE_OWNER_URL"]))
    ),
}
for _database in DATABASES.values():
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"] = DATABASE_OPTIONS | _database.get("OPTIONS", {})
    _database["TEST"] = {"MIGRATE": True}

OWNER_MAY_SERVE = bool(env.str("DATABASE_URL", default="")) and not env.str("DATABASE_OWNER_URL", default="")

_redis = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = _redis or _urls["REDIS_URL"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _redis or _urls["CACHE_URL"],
        "OPTIONS": CACHE_OPTIONS,
    }
}


def _own_key(setting: str, file: str) -> str:
    """The embedded installation keeps its keys beside its data; made by the set-up, never in git."""
    if given := env.str(setting, default=""):
        return given
    path = IOM_HOME / file
    # Commands that need no database run before anything was set up: a key for this process alone.
    return path.read_text().strip() if path.exists() else hashlib.sha256(os.urandom(32)).hexdigest()


SECRET_KEY = _own_key("SECRET_KEY", "secret-key")
SECOND_FACTOR_KEYS = _own_key("SECOND_FACTOR_KEYS", "second-factor-key").split(",")
HEADS_KEYS = _own_key("HEADS_KEYS", "heads-key").split(",")
# Beside the data: it proves only what whoever runs this account leaves alone (docs/audit.md).
AUDIT_HEADS = env.str("AUDIT_HEADS", default="").split() or [(IOM_HOME / "heads" / "heads.jsonl").as_uri()]

PORT = env.int("PORT", default=8000)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
SITE_URL = env.str("SITE_URL", default=f"http://localhost:{PORT}")
DEMO_SIGN_IN = env.bool("IOM_DEMO_SIGN_IN", default=False)

# Robots that measure or test are quicker than people; only here may they be let through.
if _requests := env.int("IOM_REQUESTS_PER_MINUTE", default=0):
    RATES["request"] = (_requests, 60)

# Those who kill workers for a test need not wait as long for what was lost with them.
OUTBOX_ANSWER_SECONDS = env.int("IOM_OUTBOX_ANSWER_SECONDS", default=OUTBOX_ANSWER_SECONDS)

FILES_FOLDER = str(IOM_HOME / "files")
CLAMD = env.str("IOM_CLAMD", default="")

# Given, or the one that the start makes in IOM_HOME: it proves sameness, not identity (docs/signing.md).
_own_certificate = IOM_HOME / certificate.FILE
SIGNING_CERTIFICATE = env.str("IOM_SIGNING_CERTIFICATE", default="") or (
    str(_own_certificate) if _own_certificate.exists() else ""
)
SIGNING_PASSPHRASE = secret("IOM_SIGNING_PASSPHRASE", default="")
SIGNING_TIMESTAMPS = env.str("IOM_SIGNING_TIMESTAMPS", default="")

EMAIL_BACKEND = "iom.email_files.EmailFiles"
EMAIL_FILE_PATH = str(IOM_HOME / "mail")
