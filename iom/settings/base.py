"""What every way of running IOM Panel shares. The environment is read in this package and nowhere else."""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def secret(name: str, default: str | None = None) -> str:
    """The secret `name` of the environment, or of the file that `name`_FILE names (security.md L5)."""
    path = env.str(f"{name}_FILE", default="")
    if not path:
        return str(env.str(name) if default is None else env.str(name, default=default))
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read.") from error


BASE_DIR = Path(__file__).resolve().parent.parent.parent
VERSION = "0.1"

DEBUG = False
ALLOWED_HOSTS: list[str] = []
ROOT_URLCONF = "iom.urls"
WSGI_APPLICATION = "iom.wsgi.application"
AUTH_USER_MODEL = "iom.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "guardian",
    "auditlog",
    "pgtrigger",
    "rules",
    "csp",
    "django_htmx",
    "iom",
    "offenders",
    "referrals",
    "actionplans",
    "panels",
]

MIDDLEWARE = [
    "iom.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "iom.middleware.Headers",
    "iom.limits.Sizes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "iom.sessions.SignedIn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "iom.sessions.SessionEnds",
    "iom.middleware.WhoActs",
    "iom.limits.Rates",
    "iom.second_factor.required.Required",
    "iom.fresh.TakesCode",
    "iom.walls.OneTransaction",
    "iom.once.Once",
    "iom.middleware.DenyByDefault",
    "iom.middleware.PlainRefusals",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "iom.jinja.environment",
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "iom.context.frame",
                "iom.once.in_forms",
            ],
        },
    },
]

# Django's own messages are shown as MoJ alerts; the level is all that the template needs.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
ANONYMOUS_USER_NAME = None
AUDITLOG_LOGENTRY_MODEL = "iom.LogEntry"
AUDITLOG_DISABLE_REMOTE_ADDR = True
AUDITLOG_CID_GETTER = "iom.audit.present_request"

# E-mails are unique ignoring case, by a constraint over Lower(email), which this check does not look for.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
# security.md A2, the same rules for every way of setting a password.
AUTH_PASSWORD_VALIDATORS = [{"NAME": "iom.passwords.Rules"}]

# security.md A4 and M3: failures counted in the database (iom.throttle). Lengths in seconds.
THROTTLES = {
    "account and address": {"failures": 5, "within": 15 * 60, "wait": 15 * 60, "forgives": True},
    "account": {"failures": 20, "within": 60 * 60, "pace": 30},
    "address": {"failures": 50, "within": 60 * 60},
    # A remembered device has a counter of its own: what strangers do never closes it (A4).
    "device": {"failures": 5, "within": 15 * 60, "wait": 15 * 60, "forgives": True},
    "code": {"failures": 5, "within": 15 * 60, "wait": 15 * 60, "forgives": True},
    # Asking for reset links: not in security.md; nobody's mailbox is filled through us.
    "reset": {"failures": 5, "within": 60 * 60},
    "resets from address": {"failures": 20, "within": 60 * 60},
}
# security.md M2: a code of the app is good in its own 30-second step and one on either side.
SECOND_FACTOR_DRIFT = 1
# security.md M4: long random texts that seal the secrets of apps, the newest first. Each way of running has its own.
SECOND_FACTOR_KEYS: list[str] = []
REMEMBER_DEVICE_SECONDS = 12 * 60 * 60  # security.md M6
RESET_LINK_SECONDS = 60 * 60  # security.md A5
INVITATION_SECONDS = 72 * 60 * 60  # security.md A1
# security.md A2.
PASSWORD_SHORTEST, PASSWORD_SHORTEST_OFFICE, PASSWORD_LONGEST = 12, 15, 128

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"

# security.md S1 to S5: sessions in the database (iom.sessions), ended by the times that stand there. The cookie lasts
# as long as the browser is open, so that whose a session was is known when it is over. Lengths in seconds.
SESSION_ENGINE = "iom.sessions"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_IDLE_SECONDS = 30 * 60
SESSION_LONGEST_SECONDS = 12 * 60 * 60
SESSION_RECORDING_SECONDS = 4 * 60 * 60
SESSION_TOUCH_SECONDS = 60
SESSIONS_AT_MOST = 5
HELD_POST_SECONDS = 24 * 60 * 60
HELD_POSTS_AT_MOST = 20
FRESH_CODE_SECONDS = 5 * 60  # security.md M5
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "iom.views.account.not_proven"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    },
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "iom.joined.Finder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
JOINED_FOLDER = BASE_DIR / ".setup" / "joined"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# security.md I4: bytes of a body without files, and with files on pages that take them; answers in a form, and in a
# form of many rows; levels in a body of JSON.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
BYTES_WITH_FILES = 26_214_400
FIELDS = 1000
FIELDS_OF_GRIDS = 5000
DATA_UPLOAD_MAX_NUMBER_FIELDS = FIELDS_OF_GRIDS
JSON_DEPTH = 10

# security.md L3: for each kind of request how many by one person in how many seconds.
RATES = {
    "request": (120, 60),
    "autosave": (240, 60),
    "poll": (240, 60),
    "search": (30, 60),
    "export": (10, 60 * 60),
    "pdf": (30, 60 * 60),
    "upload": (60, 60 * 60),
}
# security.md L3: of so many people read in so many seconds the scheme's administrators hear.
READING_SUBJECTS = 100
READING_SECONDS = 10 * 60
# The cache only counts, so no page waits for it: seconds to an answer, and how long nobody asks one that gave none.
CACHE_OPTIONS = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}
CACHE_PAUSE_SECONDS = 30

# security.md F2 and F3: where the bytes of files lie that people send in, and the virus scanner ("tcp://host:3310" or
# "unix:///path"), blank where there is none. Each way of running has its own.
FILES_FOLDER = ""
CLAMD = ""

# security.md C2: what a form did is remembered for a day. A longer answer is not kept, but led to.
FORM_KEYS_KEPT_HOURS = 24
FORM_ANSWER_LONGEST_BYTES = 65_536
# security.md C4: a recorder who is not heard of for so long may be followed by another; unanswered for so long, the
# chair may hand over.
RECORDER_LEASE_SECONDS = 60
RECORDER_ANSWER_SECONDS = 60

DEFAULT_FROM_EMAIL = "IOM Panel <no-reply@iom-panel.example>"
# Where links in e-mails lead; no personal data stands in them.
SITE_URL = "http://localhost:8000"

# security.md L4: a database that is away is found out in time to say so.
DATABASE_OPTIONS = {"connect_timeout": 3, "tcp_user_timeout": 4000, "keepalives_idle": 10}
# After so many times the database keeps its plan of a statement that pages put the same way (iom.together); 0: never.
PREPARE_AFTER = env.int("DATABASE_PREPARE_AFTER", default=2)
DATABASE_OPTIONS["prepare_threshold"] = PREPARE_AFTER or None
# Connections of one web process (iom.pooling): kept at least; at most (0: as many as it has threads); seconds to wait.
POOL_LEAST = env.int("DATABASE_POOL_LEAST", default=1)
POOL_MOST = env.int("DATABASE_POOL_MOST", default=0)
POOL_WAIT_SECONDS = 2.0
# Whether the role that serves may own the tables: where one role is given for everything, and never in production.
OWNER_MAY_SERVE = False

# security.md Q1 and Q3: the relay sends again, within five minutes, what the queue or a worker lost. If it is still
# under way then, no harm is done: whoever comes second finds it locked, or done.
OUTBOX_ANSWER_SECONDS = 4 * 60

CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 250_000  # KB: then a new one takes its place after the task
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULE = {
    "sweep-reminders": {"task": "iom.sweep_reminders", "schedule": 300.0},
    "restore-dates": {"task": "iom.restore_dates", "schedule": 900.0},
    "tidy": {"task": "iom.tidy", "schedule": 3600.0},
    "sweep-sessions": {"task": "iom.sweep_sessions", "schedule": 300.0},
    "scan-waiting": {"task": "iom.scan_waiting", "schedule": 300.0},
    "tick": {"task": "iom.tick", "schedule": 15.0},
    "send-heads": {"task": "iom.send_heads", "schedule": 60.0},
}

# security.md L2: how many proxies of ours stand before the web server, each adding to X-Forwarded-For.
TRUSTED_PROXIES = 0

# security.md U3: the key of the digests in the audit. Without one it is made from SECRET_KEY.
AUDIT_KEY = env.str("AUDIT_KEY", default="")
# security.md U8: where the heads of the audit go, and long random texts that their signatures are made with, the newest
# first. Each way of running has its own. Seconds between two sendings, until a place is late, and for an answer.
AUDIT_HEADS: list[str] = []
HEADS_KEYS: list[str] = []
HEADS_EVERY_SECONDS = 10 * 60
HEADS_LATE_SECONDS = 30 * 60
HEADS_TIMEOUT_SECONDS = 10

# Whether each question that was put into SQL before is made anew and compared (iom.asked_before): in tests.
CHECK_QUESTIONS = False

# The demonstration shows a banner; production refuses to start with it.
DEMO_SIGN_IN = False
PDF_FONTS = BASE_DIR / "static" / "vendor" / "fonts"
# The certificate that signs finished PDFs (docs/signing.md): a PKCS#12 file and its passphrase, and where signatures
# get their time stamp (RFC 3161). Each way of running has its own; blank: PDFs have a fingerprint and no signature.
SIGNING_CERTIFICATE = ""
SIGNING_PASSPHRASE = ""
SIGNING_TIMESTAMPS = ""
# security.md E3: what one document may take: seconds, bytes of memory, pages, rows of tables.
PDF_LIMITS = {"seconds": 120, "memory": 2**30, "pages": 500, "rows": 2_000}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "iom.logs.JsonLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "iom": {"level": "INFO"},
        # Django's own handlers would print tracebacks or send them by e-mail. What is refused stands in our own lines.
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
        # WeasyPrint and fontTools speak of fonts at length; only what goes wrong matters.
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
    },
}

# security.md Z4, Z5: how long one grant on a restricted case may last; how long an emergency opens it, and the shortest
# reason that is taken.
RESTRICTED_GRANT_DAYS = 365
BREAK_GLASS_MINUTES = 60
BREAK_GLASS_REASON = 20

# The duplicate check (docs/duplicates.md), by similarity from 0 to 1: from which on two whole names, and two single
# words of them, count as spellings of one; and how many people a page shows at most, the surest first.
LIKENESS_NAME = 0.7
LIKENESS_WORD = 0.5
LIKENESS_SHOWN = 10
