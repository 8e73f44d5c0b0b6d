"""A careful Django admin over the same tables, with rights by scheme: what many would have built instead."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.filters import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from bench.baselines.views import first, for_list, readable
from iom.models import Agency, Membership
from offenders.models import Case, Colour
from offenders.views.board import ON_A_PAGE


class Site(admin.AdminSite):
    """For everybody who acts in a scheme: the rows are narrowed, not the site."""

    site_header = "Integrated Offender Management"

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.membership is not None


class RatingFilter(SimpleListFilter):
    """By the rating in force."""

    title, parameter_name = "rating", "rating"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Colour.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        if not self.value():
            return queryset
        return queryset.filter(ratings__until=None, ratings__colour=self.value())


class AgencyFilter(SimpleListFilter):
    """By the lead agency."""

    title, parameter_name = "lead agency", "agency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[int, str]]:
        return list(Agency.objects.filter(scheme=request.membership.scheme).values_list("pk", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        if not self.value():
            return queryset
        return queryset.filter(
            assignments__role="lead_agency", assignments__until=None, assignments__agency=self.value()
        )


class LeadFilter(SimpleListFilter):
    """By the lead professional."""

    title, parameter_name = "lead professional", "lead"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[int, str]]:
        people = Membership.objects.filter(scheme=request.membership.scheme, until=None)
        return list(people.order_by("user__name").values_list("pk", "user__name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        if not self.value():
            return queryset
        return queryset.filter(
            assignments__role="lead_professional", assignments__until=None, assignments__membership=self.value()
        )


class CaseAdmin(admin.ModelAdmin):
    """Cases of one's scheme; restricted ones for those named on them."""

    # The columns of the board.
    list_display = [
        "reference",
        "person",
        "status",
        "rating",
        "since",
        "lead",
        "scored",
        "scored_on",
        "next",
        "open_actions",
        "plan_updated",
    ]
    list_filter = [RatingFilter, "status", AgencyFilter, LeadFilter]
    list_select_related = ["offender"]
    list_per_page = ON_A_PAGE
    search_fields = ["reference", "offender__family_name", "offender__given_names", "offender__aliases__name"]
    ordering = ["offender__sort_name"]
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        return for_list(readable(request))

    @admin.display(ordering="offender__sort_name")
    def person(self, case: Case) -> str:
        return case.offender.name

    @admin.display
    def rating(self, case: Case) -> str:
        return case.now_rated[0].get_colour_display() if case.now_rated else "-"

    @admin.display
    def since(self, case: Case) -> Any:
        return case.now_rated[0].starts_on if case.now_rated else None

    @admin.display
    def lead(self, case: Case) -> str:
        return "; ".join(held.holder for held in case.now_held)

    @admin.display
    def scored(self, case: Case) -> Any:
        score = first(case.offender.all_scores)
        return score.pct_2yr if score else case.score

    @admin.display
    def scored_on(self, case: Case) -> Any:
        score = first(case.offender.all_scores)
        return score.scored_on if score else case.score_on

    @admin.display
    def next(self, case: Case) -> str:
        return f"Release from {case.now_inside[0].prison}" if case.now_inside else "Nothing dated"

    @admin.display
    def open_actions(self, case: Case) -> int:
        return len(case.to_do)

    @admin.display
    def plan_updated(self, case: Case) -> Any:
        plan = getattr(case, "plan", None)
        return plan and (plan.reviewed_on or plan.agreed_on)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.membership is not None

    def has_view_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return request.membership is not None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return request.membership is not None and "coordinator" in request.membership.roles

    def has_delete_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return False


site = Site(name="bench_admin")
site.register(Case, CaseAdmin)
