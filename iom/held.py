"""What somebody sent when their session was over is kept for them, and sent once when they are back (security.md S5).

The guard of every view (`iom.pages.page`) comes here, so each form of each page has it for nothing. The fields are kept
on the server, sealed, for a day and for the one person whose session it was; another person who signs in with the same
browser is neither shown them nor sends them. A form that cannot prove where it came from is kept in the same way, when
the browser says that it came from a page of ours (H3).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from iom import clock, form_marks, walls
from iom.models import HeldPost
from iom.second_factor import sealed
from iom.sessions import BEFORE

if TYPE_CHECKING:
    from iom.models import User

# A field of the form that sends what was kept, and the header of a request that asks to be kept.
FIELD = "held_post"
ASKS = "X-Hold"
SIGNED_OUT = "X-Signed-Out"

KEPT = "You have been signed out. Sign in here to carry on. What you typed is kept."
# Said for our own sake by every form, or made new when the form is sent again; what must not be kept at all.
_MADE_NEW = frozenset({"csrfmiddlewaretoken", FIELD})
_SECRET = ("password", "fresh_code")


def signed_out(request: HttpRequest, way: Callable[[str], str] | None = None) -> HttpResponse:
    """Send to sign-in somebody whose session is over or who has none; what they posted is kept for whose it was.

    `way` is the address that leads there and on to a page; sign-in unless given. A script gets 401 and shows sign-in
    over the page.
    """
    kept = _kept_for_its_own(request) if request.method == "POST" else None
    was = request.session.was
    if kept is not None:
        request.session[BEFORE] = {"user": kept.user_id, "membership": kept.membership_number}
    elif was is not None and was.user_id:
        request.session[BEFORE] = {"user": was.user_id, "membership": was.membership_number}
    if asked_by_script(request):
        body = {"message": "You have been signed out. Sign in to carry on.", "held": str(kept.pk) if kept else None}
        return JsonResponse(body, status=401, headers={SIGNED_OUT: "1"})
    if kept is not None:
        messages.warning(request, KEPT)
    return redirect((way or _sign_in)(reverse("carry_on", args=[kept.pk]) if kept else _way_back(request)))


def _kept_for_its_own(request: HttpRequest) -> HeldPost | None:
    """Keep what was posted for whom the form was made; if it does not say, for whose session it was."""
    if made_for := form_marks.made_for(request):
        return keep(request, made_for.user, made_for.pk)
    was = request.session.was
    return keep(request, was.user, was.membership_number) if was is not None and was.user_id else None


def keep(request: HttpRequest, user: User, membership_number: int | None) -> HeldPost:
    """Keep the fields of this request for `user` alone. A form that saves itself takes the place of its last save."""
    kept = _sealed(request, user, membership_number)
    # A refusal is rolled back with all that it did; what was typed is kept once that is over.
    walls.outlive(request, lambda: _store(kept))
    return kept


def _sealed(request: HttpRequest, user: User, membership_number: int | None) -> HeldPost:
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in _MADE_NEW and not any(word in name.lower() for word in _SECRET)
        for value in values
    ]
    return HeldPost(
        user=user,
        membership_number=membership_number,
        path=request.get_full_path()[:500],
        sealed=sealed.seal(json.dumps(fields)),
        had_files=bool(request.FILES),
        autosave=request.headers.get("X-Autosave") == "1",
        at=clock.now(),
    )


def _store(kept: HeldPost) -> None:
    with transaction.atomic():
        mine = HeldPost.objects.filter(user=kept.user)
        if kept.autosave:
            mine.filter(path=kept.path, autosave=True).delete()
        newest = mine.order_by("-at").values_list("pk", flat=True)[: settings.HELD_POSTS_AT_MOST - 1]
        mine.exclude(pk__in=list(newest)).delete()
        kept.save(force_insert=True)


def waiting_for(user: User) -> models.QuerySet[HeldPost]:
    """What is kept for this person and not sent yet, the newest first."""
    since = clock.now() - timedelta(seconds=settings.HELD_POST_SECONDS)
    return HeldPost.objects.filter(user=user, at__gt=since).order_by("-at")


def ends_at(kept: HeldPost) -> datetime:
    """Until when it is kept."""
    return kept.at + timedelta(seconds=settings.HELD_POST_SECONDS)


def fields_of(kept: HeldPost) -> Iterator[tuple[str, str]]:
    """Names and values as they were sent. None when they can no longer be read."""
    try:
        fields = json.loads(sealed.unseal(kept.sealed))
    except sealed.Unreadable:
        return
    yield from ((name, value) for name, value in fields)


def only_asked(request: HttpRequest) -> bool:
    """Whether this only asks whether the session is still good, before a form is sent: there is nothing to do then."""
    return request.headers.get(ASKS) == "1"


def before_view(request: HttpRequest) -> HttpResponse | None:
    """Take what is kept when it is sent, or answer in place of the view when that was done before."""
    number = request.POST.get(FIELD) if request.method == "POST" else None
    if number is None or _spend(request, number):
        return None
    problem = "This was sent already, or is no longer kept for you. Look at the page to see how it stands."
    return render(request, "errors/refused.html", {"problems": [problem]}, status=409)


def _spend(request: HttpRequest, number: str) -> bool:
    """Take what is kept, once: for its own person, acting for the same agency. A refused request gives it back."""
    try:
        pk = UUID(number)
    except ValueError:
        return False
    actor = getattr(request, "actor", None)
    membership = actor.membership.pk if actor and actor.membership else None
    mine = waiting_for(request.user).filter(pk=pk, path=request.get_full_path())
    mine = mine.filter(models.Q(membership_number=membership) | models.Q(membership_number=None))
    return bool(mine.order_by().delete()[0])


def not_proven(request: HttpRequest) -> HttpResponse | None:
    """Keep a form that has an old token for whom it was made, and offer it to them; None if it may be foreign.

    A browser tells where a form came from; only what came from a page of ours is kept, and it is never sent by itself.
    Somebody else, who has signed in since with the same browser, is told nothing.
    """
    if asked_by_script(request) or not _from_our_page(request):
        return None
    made_for = form_marks.made_for(request)
    if made_for is None:
        return None
    kept = keep(request, made_for.user, made_for.pk)
    if not request.user.is_authenticated or made_for.user_id != request.user.pk:
        return None
    return offer(request, kept, status=403)


def of_another(request: HttpRequest) -> HttpResponse | None:
    """Keep a form that was made for another scheme, agency or person than the one that acts now: it is not done.

    So a page that was left open does nothing in the scheme to which somebody has changed since (security.md Z2).
    """
    made_for = form_marks.made_for(request)
    if made_for is None or made_for.pk == request.actor.membership.pk:
        return None
    if asked_by_script(request):
        return JsonResponse(
            {"message": "You have changed to another scheme or agency. Load the page again."}, status=409
        )
    kept = keep(request, made_for.user, made_for.pk)
    if made_for.user_id == request.user.pk:
        return offer(request, kept, status=409)
    problem = "This page was opened by somebody else. Nothing was done. Go to your own page and try again."
    return render(request, "errors/refused.html", {"problems": [problem]}, status=409)


def offer(request: HttpRequest, kept: HeldPost, *, status: int = 200) -> HttpResponse:
    """The page that shows nothing of what is kept, and sends it with one button."""
    number = kept.membership_number
    acts = request.actor.membership.pk if getattr(request, "actor", None) and request.actor.membership else None
    context = {
        "kept": kept,
        "fields": list(fields_of(kept)),
        "field": FIELD,
        "until": ends_at(kept),
        "expired": status != 200,
        "others": number is not None and number != acts,
        "acted_for": next(iter(walls.agencies_of(mine for mine in request.memberships if mine.pk == number)), None),
    }
    context["has_key"] = any(name == "form_key" for name, _ in context["fields"])
    return render(request, "iom/carry_on.html", context, status=status)


def sweep() -> int:
    """Forget what nobody came back for within the day; how many that were."""
    until = clock.now() - timedelta(seconds=settings.HELD_POST_SECONDS)
    return HeldPost.objects.filter(at__lte=until).delete()[0]


def asked_by_script(request: HttpRequest) -> bool:
    """Whether a script of ours asks, which shows sign-in over the page, and not the browser for a whole page."""
    return (
        request.headers.get("HX-Request") == "true"
        or request.headers.get("X-Autosave") == "1"
        or request.headers.get(ASKS) == "1"
        or request.headers.get("Sec-Fetch-Dest") == "empty"
    )


def _from_our_page(request: HttpRequest) -> bool:
    own = f"{request.scheme}://{request.get_host()}"
    if origin := request.headers.get("Origin"):
        return origin == own
    referer = urlsplit(request.headers.get("Referer", ""))
    return f"{referer.scheme}://{referer.netloc}" == own


def _sign_in(wanted: str) -> str:
    return f"{reverse(settings.LOGIN_URL)}?{urlencode({REDIRECT_FIELD_NAME: wanted}, safe='/')}"


def _way_back(request: HttpRequest) -> str:
    """Where to go after signing in: the page that was asked for, or the one with the form that was sent."""
    if "GET" in getattr(request.resolver_match.func, "methods", ()):
        return request.get_full_path()
    return page_behind(request) or request.get_full_path()


def page_behind(request: HttpRequest) -> str:
    """The page of ours from which this request was sent; empty when the browser does not say."""
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(referer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
