"""The addresses of plans and actions."""

from django.urls import path

from actionplans.views import actions, helping, history, plan, reviews

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
    path("cases/<str:reference>/actions/", actions.case_actions, name="case_actions"),
    path("actions/", actions.actions, name="actions"),
    path("actions/<int:number>/", actions.action, name="action"),
    path("actions/<int:number>/change/", actions.change, name="action_change"),
]
