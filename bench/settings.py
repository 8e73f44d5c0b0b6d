"""The embedded settings with what the bench stands beside our pages: nothing else ever imports this.

Our own pages run through the middleware of `iom.settings.base`, all of it. The baselines run in the same processes
through that of an ordinary Django project (`bench.baselines.middleware.Fork`). Both are counted from outside.
"""

from iom.settings.embedded import *  # noqa: F403 -- the embedded settings, added to
from iom.settings.embedded import INSTALLED_APPS, MIDDLEWARE, STORAGES, TEMPLATES

ROOT_URLCONF = "bench.urls"
INSTALLED_APPS = ["bench.baselines", "django.contrib.admin", *INSTALLED_APPS]
MIDDLEWARE = ["bench.baselines.middleware.Statements", "bench.baselines.middleware.Fork", *MIDDLEWARE]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "bench.baselines.files.WithoutAdmin"}}
TEMPLATES = [
    {**TEMPLATES[0], "NAME": "jinja2", "BACKEND": "bench.baselines.engine.Ours"},
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "NAME": "plain",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# What an ordinary project has in its settings, and one transaction in the scheme, which row security asks of everybody.
ORDINARY = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "bench.baselines.middleware.InScheme",
]
