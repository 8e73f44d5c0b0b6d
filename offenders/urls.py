"""The addresses of cases: by reference, never by name."""

from django.urls import path

from offenders.views import board, case, custody

urlpatterns = [
    path("cases/", board.cases, name="cases"),
    path("cases/<str:reference>/", case.case, name="case"),
    path("cases/<str:reference>/custody/", custody.custody, name="case_custody"),
    path("cases/<str:reference>/custody/release/", custody.release, name="case_release"),
]
