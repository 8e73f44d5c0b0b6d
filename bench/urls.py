"""Our addresses, and under /bench/ those of the baselines."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import URLPattern, URLResolver, include, path

from bench.baselines import views
from bench.baselines.admin import site
from iom import urls
from iom.pages import SIGNED_IN

handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


def named(patterns: Iterable[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """Patterns whose views say what `iom.checks` asks of every view. The views see to it by themselves."""
    kept = list(patterns)
    for each in kept:
        if isinstance(each, URLResolver):
            named(each.url_patterns)
        else:
            # The admin's page to sign in is a bound method, which takes no attributes.
            getattr(each.callback, "__func__", each.callback).permission = SIGNED_IN
    return kept


urlpatterns = [
    *named(
        [
            path("bench/bare/nothing/", views.nothing),
            path("bench/bare/limit/", views.limit),
            path("bench/one-query/", views.one_query),
            path("bench/board/", views.board),
            path("bench/cases/<str:reference>/", views.case),
            path("bench/agenda/<int:pk>/", views.agenda),
            path("bench/notes/<int:pk>/", views.note),
            path("bench/admin/", site.urls),
        ]
    ),
    path("", include("iom.urls")),
]
