"""The cohort board (ux.md 4.5)."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import blocks, clock
from iom.access import Actor
from iom.jinja import query
from iom.pages import page
from offenders import actions
from offenders.blocks import rating_counts
from offenders.clocks import Calendar
from offenders.coming import next_of
from offenders.forms.board import SORTS, FilterForm, SearchForm
from offenders.models import Case, Search
from offenders.restricted import sealed_cases

ON_A_PAGE = 100


@page("offenders.view_cohort", methods=("GET", "POST"), kind="search")
def cases(request: HttpRequest) -> HttpResponse:
    """Everyone on the cohort whom the reader may see: filters in the address, search words posted (security.md H4)."""
    if request.method == "POST":
        return _search(request)
    if (reference := request.GET.get("q", "").strip().upper()) and _known(request.actor, reference):
        return redirect("case", reference)
    return render(request, "offenders/board.html", _board(request))


def _search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.POST)
    if not form.is_valid():
        return render(request, "offenders/board.html", _board(request, search_form=form))
    if form.reference and _known(request.actor, form.reference):
        return redirect("case", form.reference)
    search = actions.keep_search(form.cleaned_data["words"], by=request.actor)
    return redirect(f"{reverse('cases')}{query(_kept(request.GET), s=str(search.key))}#results")


def _known(actor: Actor, reference: str) -> bool:
    """Whether there is a page to go to: the case, or what coordinator and chair see of one that is closed to them."""
    rows = Case.objects.visible_to(actor) | Case.objects.sealed_to(actor)
    return rows.filter(reference=reference).exists()


def _kept(parameters: QueryDict) -> QueryDict:
    """The filters without the page and the search before."""
    kept = parameters.copy()
    for name in ("page", "s", "q"):
        kept.pop(name, None)
    return kept


def _board(request: HttpRequest, search_form: SearchForm | None = None) -> dict[str, Any]:
    actor, today = request.actor, clock.today()
    search = _searched(request)
    filters = FilterForm(actor, request.GET)
    filters.is_valid()
    rows = filters.narrowed(Case.objects.visible_to(actor))
    if search is not None:
        rows = rows.matching(search.words)
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else "rating"
    shown = Paginator(rows.ordered(sort).with_current().with_custody(), ON_A_PAGE).get_page(request.GET.get("page"))
    listed = list(shown)
    counts = _counts(request)
    return {
        "today": today,
        "counts": counts,
        "everyone": sum(count["count"] for count in counts),
        "search": search,
        "search_lost": search is None and "s" in request.GET,
        "search_form": search_form or SearchForm(initial={"words": search.words if search else ""}),
        "filters": filters,
        "chips": _chips(request, filters, search),
        "kept": {name: request.GET[name] for name in ("s", "sort") if request.GET.get(name)},
        "sort": sort,
        "shown": shown,
        "rows": _rows(actor, listed, today),
        "sealed": sealed_cases(actor),
        "may_import": actor.holds("offenders.import_cohort"),
    }


def _searched(request: HttpRequest) -> Search | None:
    try:
        key = uuid.UUID(request.GET.get("s", ""))
    except ValueError:
        return None
    return Search.objects.visible_to(request.actor).filter(key=key).first()


def _counts(request: HttpRequest) -> list[dict[str, Any]]:
    """The count links, the one in use marked."""
    chosen = request.GET.getlist("rating")
    return [each | {"current": chosen == [each["colour"]]} for each in rating_counts(request.actor)]


def _chips(request: HttpRequest, filters: FilterForm, search: Search | None) -> list[dict[str, str]]:
    chips = []
    for name, value, label, words in filters.applied():
        parameters = request.GET.copy()
        parameters.pop("page", None)
        parameters.setlist(name, [each for each in parameters.getlist(name) if each != value])
        chips.append({"label": label, "value": words, "href": query(parameters)})
    if search is not None:
        chips.append({"label": "Search", "value": search.words, "href": query(request.GET, s=None, page=None)})
    return chips


def _rows(actor: Actor, listed: list[Case], today: Any) -> list[dict[str, Any]]:
    """Each case with what every app adds: `next_…` are dates to come, the rest is shown by name."""
    calendar = Calendar.of(actor.scheme, today)
    columns = blocks.columns_for(actor, listed, today)
    rows = []
    for case in listed:
        more = columns[case.pk]
        rows.append({"case": case, "more": more, "coming": next_of(case, calendar, more)[:3]})
    return rows
