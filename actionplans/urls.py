"""The addresses of plans and actions."""

from django.urls import path

from actionplans.views import actions, at_exit, helping, history, plan, reports, reviews, services, statements, tactics

urlpatterns = [
    path("cases/<str:reference>/plan/", plan.plan, name="case_plan"),
    path("cases/<str:reference>/plan/reviewed/", plan.reviewed, name="case_plan_reviewed"),
    path("cases/<str:reference>/plan/<str:pathway>/need/", plan.need, name="case_need"),
    path("cases/<str:reference>/plan/<str:pathway>/actions/", plan.add_action, name="case_add_action"),
    path("cases/<str:reference>/plan/history/", history.history, name="case_plan_history"),
    path("cases/<str:reference>/plan/actions/<int:number>/", plan.change_action, name="case_change_action"),
    path("cases/<str:reference>/plan/actions/<int:number>/move/", plan.move_action, name="case_move_action"),
    path("cases/<str:reference>/plan/actions/<int:number>/remove/", plan.remove_action, name="case_remove_action"),
    path("cases/<str:reference>/plan/actions/<int:number>/bring-back/", plan.bring_back, name="case_bring_back"),
    path("cases/<str:reference>/plan/<str:pathway>/offers/", helping.offer, name="case_offer"),
    path("cases/<str:reference>/plan/offers/<int:number>/", helping.answer, name="case_answer_offer"),
    path("cases/<str:reference>/plan/money/", helping.ask, name="case_ask_money"),
    path("cases/<str:reference>/plan/money/<int:number>/", helping.money, name="case_money"),
    path("cases/<str:reference>/reviews/", reviews.reviews, name="case_reviews"),
    path("cases/<str:reference>/reviews/held/", reviews.hold, name="case_hold_review"),
    path("cases/<str:reference>/reviews/update/", reviews.tell, name="case_tell_panel"),
    path("cases/<str:reference>/tactics/", tactics.options, name="case_tactics"),
    path("cases/<str:reference>/actions/", actions.case_actions, name="case_actions"),
    path("cases/<str:reference>/actions/at-exit/", at_exit.at_exit, name="case_exit_actions"),
    path("actions/", actions.actions, name="actions"),
    path("actions/<int:number>/", actions.action, name="action"),
    path("actions/<int:number>/change/", actions.change, name="action_change"),
    # services, gaps, agreements
    path("services/", services.services, name="services"),
    path("services/new/", services.add_service, name="service_add"),
    path("services/gaps/", services.gaps, name="service_gaps"),
    path("services/gaps/notes/new/", services.note_gap, name="service_gap_note_add"),
    path("services/gaps/notes/<int:number>/", services.change_gap_note, name="service_gap_note"),
    path("services/agreements/", services.agreements, name="service_agreements"),
    path("services/agreements/new/", services.add_agreement, name="service_agreement_add"),
    path("services/agreements/<int:number>/", services.agreement, name="service_agreement"),
    path("services/agreements/<int:number>/change/", services.change_agreement, name="service_agreement_change"),
    path("services/<int:number>/", services.service, name="service"),
    path("services/<int:number>/change/", services.change_service, name="service_change"),
    path("services/<int:number>/end/", services.end_service, name="service_end"),
    # management reports
    path("reports/", reports.reports, name="reports"),
    path("reports/supervisors/", reports.supervisors, name="report_supervisors"),
    path("cases/<str:reference>/report/", reports.report, name="case_report"),
    path("cases/<str:reference>/report/write/", reports.write, name="case_report_write"),
    path("cases/<str:reference>/report/review/", reports.review, name="case_report_review"),
    path("cases/<str:reference>/report/pdf/", reports.report_pdf, name="case_report_pdf"),
    # statements for courts
    path("cases/<str:reference>/intervention-statement/", statements.statement, name="case_statement"),
    path("cases/<str:reference>/intervention-statement/draft/", statements.draft, name="case_statement_draft"),
    path("cases/<str:reference>/intervention-statement/edit/", statements.edit, name="case_statement_edit"),
    path("cases/<str:reference>/intervention-statement/approve/", statements.approve, name="case_statement_approve"),
    path("cases/<str:reference>/intervention-statement/<int:number>/", statements.approved, name="case_statement_held"),
    path("cases/<str:reference>/intervention-statement/<int:number>/pdf/", statements.pdf, name="case_statement_pdf"),
]
