"""The addresses of plans and actions."""

from django.urls import path

from actionplans.views import actions, plan

urlpatterns = [
    path("cases/<str:reference>/plan/", plan.plan, name="case_plan"),
    path("cases/<str:reference>/plan/reviewed/", plan.reviewed, name="case_plan_reviewed"),
    path("cases/<str:reference>/plan/<str:pathway>/need/", plan.need, name="case_need"),
    path("cases/<str:reference>/plan/<str:pathway>/actions/", plan.add_action, name="case_add_action"),
    path("cases/<str:reference>/actions/", actions.case_actions, name="case_actions"),
    path("actions/", actions.actions, name="actions"),
    path("actions/<int:number>/", actions.action, name="action"),
    path("actions/<int:number>/change/", actions.change, name="action_change"),
]
