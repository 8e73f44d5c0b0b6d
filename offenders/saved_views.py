"""Saved views of the cohort board: filters, order and grouping under a name of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import QueryDict

from iom import audit, together
from iom.access import Actor
from iom.steps import StepRefused, locked
from iom.together import Steps

from .board_filters import board_filters
from .models import SavedView

# So many of one's own; more than that is no shortcut any more.
MOST = 20
OF_THE_PAGE = ("sort", "group")


def worth_keeping(parameters: QueryDict) -> str:
    """The filters, order and grouping of an address, in one fixed order: no page, and no search, which may name people.

    What the board does not know is left out, so that nothing else gets into an address by way of a view.
    """
    known = ["rating", *(each.name for each in board_filters()), "by", *OF_THE_PAGE]
    pairs = [(name, value) for name in known for value in sorted(parameters.getlist(name)) if value]
    return urlencode(pairs)


def views_of_steps(actor: Actor) -> Steps[list[SavedView]]:
    """One's own and the shared ones, by name, read together with other rows."""
    if actor.membership is None or not actor.holds("offenders.view_cohort"):
        return []
    return (yield _seen(scheme=actor.scheme.pk, owner=actor.membership.pk))


@together.worded
def _seen(scheme: int, owner: int) -> QuerySet:
    return SavedView.objects.seen_by(scheme, owner).select_related("owner__user")


def opened_first(views: Iterable[SavedView], actor: Actor) -> SavedView | None:
    """The view with which the reader's board opens, if one was chosen that narrows or orders anything."""
    mine = (view for view in views if actor.membership is not None and view.owner_id == actor.membership.pk)
    return next((view for view in mine if view.opens_first and view.query), None)


@transaction.atomic
def save_view(
    name: str, parameters: QueryDict, *, opens_first: bool = False, shared: bool = False, by: Actor
) -> SavedView:
    """Keep how the board is looked at now. Saved again under the same name, the new one holds.

    Raises PermissionDenied, or StepRefused over the number of views that one may keep, or for an address that is too
    long. Sharing is the coordinator's.
    """
    _must_be_mine(None, by)
    if shared and not by.holds("offenders.share_view"):
        raise PermissionDenied
    query = worth_keeping(parameters)
    if len(query) > SavedView._meta.get_field("query").max_length:
        raise StepRefused(["These are too many filters for one view. Take some off."])
    mine = SavedView.objects.select_for_update().filter(scheme=by.scheme, owner=by.membership)
    view = mine.filter(name=name).first()
    if view is None and mine.count() >= MOST:
        raise StepRefused([f"You keep {MOST} views already. Remove one first."])
    if opens_first:
        mine.filter(opens_first=True).update(opens_first=False)
    view = view or SavedView(scheme=by.scheme, owner=by.membership, name=name, version=0)
    view.query, view.shared, view.opens_first = query, shared, opens_first
    view.version += 1
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise StepRefused(["You have just saved a view of this name. Choose another one."]) from None
    audit.record("save_view", view, by=by, shared=shared)
    return view


@transaction.atomic
def change_view(
    view: SavedView, *, opens_first: bool | None = None, shared: bool | None = None, by: Actor
) -> SavedView:
    """Open with a view or not, share it or not. Raises PermissionDenied."""
    view = locked(SavedView, view.pk)
    _must_be_mine(view, by)
    if shared is not None:
        if not by.holds("offenders.share_view"):
            raise PermissionDenied
        view.shared = shared
    if opens_first is not None:
        SavedView.objects.filter(owner=by.membership, opens_first=True).exclude(pk=view.pk).update(opens_first=False)
        view.opens_first = opens_first
    view.version += 1
    view.save(update_fields=["shared", "opens_first", "version"])
    audit.record("change_view", view, by=by, shared=view.shared)
    return view


@transaction.atomic
def remove_view(view: SavedView, *, by: Actor) -> None:
    """Take a view away: filters only, nothing of any case. Raises PermissionDenied."""
    view = locked(SavedView, view.pk)
    _must_be_mine(view, by)
    audit.record("remove_view", view, by=by)
    view.delete()


def _must_be_mine(view: SavedView | None, by: Actor) -> None:
    mine = by.membership is not None and (view is None or view.owner_id == by.membership.pk)
    if not (mine and by.holds("offenders.view_cohort")):
        raise PermissionDenied


def current(views: Iterable[SavedView], parameters: QueryDict) -> SavedView | None:
    """The view that the board shows just now, if it is one."""
    query = worth_keeping(parameters)
    return next((view for view in views if view.query == query), None)
