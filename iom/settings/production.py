"""Servers of one's own. Every secret comes from the environment, or from the file that NAME_FILE names.

A missing one stops the start and is named.
"""

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403 -- settings are made by adding to the base
from .base import CACHE_OPTIONS, DATABASE_OPTIONS, env, secret

SECRET_KEY = secret("SECRET_KEY")
SECOND_FACTOR_KEYS = secret("SECOND_FACTOR_KEYS").split(",")
AUDIT_HEADS = env.str("AUDIT_HEADS", default="").split()
HEADS_KEYS = secret("HEADS_KEYS").split(",")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
SITE_URL = env.str("SITE_URL")

DATABASES = {
    "default": env.db_url_config(secret("DATABASE_URL")),
    # Only `migrate` signs in as the owner; web and worker containers are not given this address.
    "owner": env.db_url_config(secret("DATABASE_OWNER_URL", default="") or secret("DATABASE_URL")),
}
for _database in DATABASES.values():
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"] = DATABASE_OPTIONS | _database.get("OPTIONS", {})

CELERY_BROKER_URL = secret("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": secret("CACHE_URL", default="") or secret("REDIS_URL"),
        "OPTIONS": CACHE_OPTIONS,
    }
}

if env.bool("DEBUG", default=False):
    raise ImproperlyConfigured("DEBUG shows the inside on error pages: unset it in production.")
if env.bool("IOM_DEMO_SIGN_IN", default=False):
    raise ImproperlyConfigured("IOM_DEMO_SIGN_IN is for the demonstration only: unset it in production.")

TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=1)
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrf"

FILES_FOLDER = env.str("FILES_FOLDER", default="/var/lib/iom-panel/files")
CLAMD = env.str("IOM_CLAMD", default="")

SIGNING_CERTIFICATE = env.str("IOM_SIGNING_CERTIFICATE", default="")
SIGNING_PASSPHRASE = secret("IOM_SIGNING_PASSPHRASE", default="")
SIGNING_TIMESTAMPS = env.str("IOM_SIGNING_TIMESTAMPS", default="")

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.str("EMAIL_HOST")
EMAIL_PORT = env.int("EMAIL_PORT", default=587)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = secret("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL")
