"""The addresses of cases: by reference, never by name."""

from django.urls import path

from offenders.views import (
    board,
    case,
    cohort_import,
    custody,
    exits,
    history,
    rating,
    related,
    restricted,
    safeguarding,
    timeline,
    transfers,
)

urlpatterns = [
    path("cases/", board.cases, name="cases"),
    path("cases/opened-in-emergency/", restricted.openings, name="openings"),
    # Importing a cohort: before the references, for which "import" would be taken
    path("cases/import/", cohort_import.upload, name="cohort_import"),
    path("cases/import/<uuid:key>/", cohort_import.preview, name="cohort_preview"),
    path("cases/import/<uuid:key>/columns/", cohort_import.columns, name="cohort_columns"),
    path("cases/import/<uuid:key>/errors/", cohort_import.errors, name="cohort_errors"),
    path("cases/import/<uuid:key>/import/", cohort_import.enter, name="cohort_enter"),
    path("cases/import/<uuid:key>/throw-away/", cohort_import.throw_away, name="cohort_throw_away"),
    path("cases/<str:reference>/", case.case, name="case"),
    path("cases/<str:reference>/timeline/", timeline.case_timeline, name="case_timeline"),
    path("cases/<str:reference>/timeline/add/", timeline.add_entry, name="case_timeline_add"),
    path("cases/<str:reference>/timeline/<int:pk>/correct/", timeline.correct_entry, name="case_timeline_correct"),
    path("cases/<str:reference>/audit/", history.case_audit, name="case_audit"),
    path("cases/<str:reference>/rating/", rating.rating, name="case_rating"),
    path("cases/<str:reference>/custody/", custody.custody, name="case_custody"),
    path("cases/<str:reference>/custody/supervision/", custody.supervision, name="case_supervision"),
    path("cases/<str:reference>/custody/release/", custody.release, name="case_release"),
    # Leaving the cohort
    path("cases/<str:reference>/exit/", exits.case_exit, name="case_exit"),
    path("cases/<str:reference>/exit/close/", exits.case_exit_close, name="case_exit_close"),
    path("cases/<str:reference>/exit/call-off/", exits.case_exit_call_off, name="case_exit_call_off"),
    path("cases/<str:reference>/exit/withdraw/", exits.case_exit_withdraw, name="case_exit_withdraw"),
    path("cases/<str:reference>/exit/<slug:task>/", exits.case_exit_task, name="case_exit_task"),
    # Family, victims and contacts
    path("cases/<str:reference>/family/", related.case_family, name="case_family"),
    path("cases/<str:reference>/family/add/", related.case_family_add, name="case_family_add"),
    path("family/<int:pk>/", related.record, name="related"),
    path("family/<int:pk>/open/", related.open_record, name="related_open"),
    path("family/<int:pk>/shut/", related.shut_record, name="related_shut"),
    path("family/<int:pk>/end/", related.end_record, name="related_end"),
    path("cases/<str:reference>/open/", restricted.open_in_emergency, name="case_open"),
    path("cases/<str:reference>/restrict/", restricted.restrict, name="case_restrict"),
    path("cases/<str:reference>/restrict/<int:pk>/end/", restricted.end_grant, name="case_end_grant"),
    path("cases/<str:reference>/restrict/lift/", restricted.lift, name="case_lift"),
    # The safeguarding ledger
    path("safeguarding/", safeguarding.summary, name="safeguarding"),
    path("cases/<str:reference>/safeguarding/", safeguarding.case_safeguarding, name="case_safeguarding"),
    path("cases/<str:reference>/safeguarding/child/", safeguarding.case_child, name="case_child"),
    path("cases/<str:reference>/safeguarding/child/<int:pk>/", safeguarding.child_answer, name="case_child_answer"),
    path("cases/<str:reference>/safeguarding/strike/<int:pk>/", safeguarding.strike_check, name="case_check_strike"),
    path(
        "cases/<str:reference>/safeguarding/take-back/<int:pk>/",
        safeguarding.take_back,
        name="case_check_take_back",
    ),
    path("cases/<str:reference>/safeguarding/<slug:kind>/", safeguarding.case_check, name="case_check"),
    path("cases/<str:reference>/safeguarding/<slug:kind>/ask/", safeguarding.case_check_ask, name="case_check_ask"),
    # Transfers and liaison
    path("transfers/", transfers.transfer_list, name="transfers"),
    path("transfers/new/", transfers.new_transfer, name="new_transfer"),
    path("transfers/<str:reference>/", transfers.transfer, name="transfer"),
    path("cases/<str:reference>/transfer/", transfers.case_transfer, name="case_transfer"),
]
