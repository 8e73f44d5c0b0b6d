"""The cohort board (ux.md 4.5): as a page, on paper, as a file, and the views of it that people keep."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from iom import exports, together
from iom.access import Actor
from iom.jinja import query
from iom.pages import found, page
from iom.steps import StepRefused
from offenders import actions, board, saved_views
from offenders.blocks import rating_counts_steps
from offenders.board_lines import lines
from offenders.forms.board import ExportForm, SaveViewForm, SearchForm
from offenders.models import Case, SavedView
from offenders.restricted import sealed_cases_steps

ON_A_PAGE = 100


@page("offenders.view_cohort", methods=("GET", "POST"), kind="search")
def cases(request: HttpRequest) -> HttpResponse:
    """Everyone on the cohort whom the reader may see: filters in the address, search words posted (security.md H4)."""
    if request.method == "POST":
        return _search(request)
    if (reference := request.GET.get("q", "").strip().upper()) and _known(request.actor, reference):
        return redirect("case", reference)
    context = _board(request)
    if not request.GET and (first := saved_views.opened_first(context["views"], request.actor)):
        return redirect(first)
    return render(request, "offenders/board.html", context)


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
    for name in ("page", "s", "q", "all"):
        kept.pop(name, None)
    return kept


def _board(
    request: HttpRequest, search_form: SearchForm | None = None, save_form: SaveViewForm | None = None
) -> dict[str, Any]:
    actor = request.actor
    read = together.run(
        together.all_of(
            {
                "listing": board.listing_steps(actor, request.GET, page=request.GET.get("page", ""), size=ON_A_PAGE),
                "counts": rating_counts_steps(actor),
                "views": saved_views.views_of_steps(actor),
                "sealed": sealed_cases_steps(actor),
            }
        )
    )
    listing, views, counts = read["listing"], read["views"], _marked(read["counts"], request)
    search = listing.search
    return {
        "today": listing.today,
        "counts": counts,
        "everyone": sum(count["count"] for count in counts),
        "search": search,
        "search_lost": search is None and "s" in request.GET,
        "search_form": search_form or SearchForm(initial={"words": search.words if search else ""}),
        "filters": listing.filters,
        "chips": _chips(request, listing),
        "kept": {name: request.GET[name] for name in ("s", "sort", "group") if request.GET.get(name)},
        "sort": listing.sort,
        "grouped": listing.grouped,
        "shown": listing.shown,
        "result_words": listing.words,
        "groups": [(heading, lines(rows)) for heading, rows in listing.groups],
        "rows": listing.rows,
        "views": views,
        "view": saved_views.current(views, request.GET),
        "save_form": save_form or SaveViewForm(actor),
        "may_export": not listing.more,
        "sealed": read["sealed"],
        "may_import": actor.holds("offenders.import_cohort"),
    }


def _marked(counts: list[dict[str, Any]], request: HttpRequest) -> list[dict[str, Any]]:
    """The count links, the one in use marked."""
    chosen = request.GET.getlist("rating")
    return [each | {"current": chosen == [each["colour"]]} for each in counts]


def _chips(request: HttpRequest, listing: board.Listing) -> list[dict[str, str]]:
    chips = []
    for name, value, label, words in listing.filters.applied():
        parameters = request.GET.copy()
        parameters.pop("page", None)
        parameters.setlist(name, [each for each in parameters.getlist(name) if each != value])
        chips.append({"label": label, "value": words, "href": _or_all(query(parameters))})
    if listing.search is not None:
        href = _or_all(query(request.GET, s=None, page=None))
        chips.append({"label": "Search", "value": listing.search.words, "href": href})
    return chips


def _or_all(address: str) -> str:
    """Without a filter the board is asked for as a whole: else it would open with the view that comes first."""
    return address if address != "?" else "?all=1"


# --- On paper and as a file ----------------------------------------------------


@page("offenders.view_cohort")
def cases_print(request: HttpRequest) -> HttpResponse:
    """The same list for paper: A4, everybody on it, ratings as words, no buttons."""
    listing = board.listing(request.actor, request.GET)
    context = {
        "listing": listing,
        "groups": listing.groups,
        "count": _on_paper(listing),
        "applied": [f"{label}: {words}" for _, _, label, words in listing.filters.applied()],
        "back_to": f"{reverse('cases')}{_or_all(query(request.GET))}",
    }
    return render(request, "offenders/board_print.html", context)


def _on_paper(listing: board.Listing) -> str:
    return f"the first {board.MOST:,} of {listing.words}" if listing.more else listing.words


@page("offenders.export_cohort", methods=("GET", "POST"), fresh=True, kind="export")
def cases_export(request: HttpRequest) -> HttpResponse:
    """The same list as a CSV file: for its maker, with a reason and a recipient (security.md E1)."""
    listing = board.listing(request.actor, request.GET)
    form = ExportForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = _make_file(request, listing, form)
        except StepRefused as refused:
            form.add_error(None, refused.problems)
        else:
            messages.success(request, "Your file is ready")
            return redirect("export", made.key)
    context = {
        "form": form,
        "count": listing.words,
        "any": bool(listing.rows),
        "applied": [f"{label}: {words}" for _, _, label, words in listing.filters.applied()],
        "searched": listing.search is not None,
        "address": f"{reverse('cases_export')}{query(request.GET)}",
        "back_to": f"{reverse('cases')}{_or_all(query(request.GET))}",
    }
    return render(request, "offenders/board_export.html", context)


def _make_file(request: HttpRequest, listing: board.Listing, form: ExportForm) -> Any:
    if listing.more:
        raise StepRefused([f"That is more than {board.MOST:,} cases. Narrow the list first."])
    return exports.make(
        by=request.actor,
        kind="cohort",
        name="cohort",
        header=board.HEADER,
        rows=[board.cells(row) for row in listing.rows],
        reason=form.cleaned_data["reason"],
        recipient=form.cleaned_data["recipient"],
        chosen={name: value for name, value, _, _ in listing.filters.applied()},
        subjects=[row.case.reference for row in listing.rows],
    )


# --- Views that are kept --------------------------------------------------------


@page("offenders.view_cohort", methods=("POST",))
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the present filters, order and grouping under a name."""
    form = SaveViewForm(request.actor, request.POST)
    if not form.is_valid():
        return render(request, "offenders/board.html", _board(request, save_form=form))
    try:
        view = saved_views.save_view(form.cleaned_data.pop("name"), request.GET, **form.cleaned_data, by=request.actor)
    except StepRefused as refused:
        form.add_error(None, refused.problems)
        return render(request, "offenders/board.html", _board(request, save_form=form))
    messages.success(request, f"View saved: {view.name}")
    return redirect(view)


@page("offenders.view_cohort", methods=("POST",))
def change_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Open with it or not, share it or not, or take it away: one's own views alone."""
    mine = SavedView.objects.visible_to(request.actor).filter(owner=request.actor.membership)
    view = found(mine, pk=pk)
    match request.POST.get("change"):
        case "first" | "not_first" as change:
            saved_views.change_view(view, opens_first=change == "first", by=request.actor)
            messages.success(request, "The cohort opens with this view" if change == "first" else "Saved")
        case "share" | "unshare" as change:
            saved_views.change_view(view, shared=change == "share", by=request.actor)
            messages.success(request, "Shared with the scheme" if change == "share" else "No longer shared")
        case "remove":
            saved_views.remove_view(view, by=request.actor)
            messages.success(request, f"View removed: {view.name}")
            return redirect(f"{reverse('cases')}?all=1")
    return redirect(view)
