"""What the frame of every page needs: who acts, where the navigation leads, the demonstration's banner."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from iom.models import Notification

# Text, address, permission: at most six by role (ux.md 3).
NAVIGATION = (
    ("My work", "home", "iom.view_home"),
    ("Cases", "cases", "offenders.view_cohort"),
    ("Referrals", "referrals", "referrals.view_referrals"),
    ("Meetings", "meetings", "iom.view_meetings"),
    ("Actions", "actions", "actionplans.view_actions"),
)

# What stands under a place of the navigation besides its own address.
UNDER = {"/meetings/": ("/meetings/", "/bodies/")}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of `templates/base.html`."""
    actor = getattr(request, "actor", None)
    context: dict[str, Any] = {
        "actor": actor,
        "nav": [],
        "demo_banner": settings.DEMO_SIGN_IN,
    }
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        context["sign_out_url"] = reverse("sign_out")
    if actor is not None:
        unread = actor.known.get("unread")
        if unread is None:
            unread = Notification.objects.visible_to(actor).unread().count()
        context |= {
            "nav": _navigation(request),
            "notices": {"count": unread, "href": reverse("notifications")},
            "account_links": _account_links(request),
        }
        if actor.holds("offenders.view_cohort"):
            context["search_url"] = reverse("cases")
    return context


def _account_links(request: HttpRequest) -> list[dict[str, str]]:
    links = [{"text": "Your account", "href": reverse("account")}]
    if len(request.memberships) > 1:
        links.append({"text": "Change scheme or agency", "href": reverse("choose_membership")})
    if request.actor.has_role("coordinator", "chair", "board_reader"):
        links.append({"text": "Escalations", "href": reverse("escalations")})
    if request.actor.holds("offenders.view_records"):
        links.append({"text": "Team records", "href": reverse("records")})
    if request.actor.holds("actionplans.view_services"):
        links.append({"text": "Services", "href": reverse("services")})
    if request.actor.holds("iom.invite"):
        links.append({"text": "Users", "href": reverse("users")})
    if request.actor.holds("iom.change_rights"):
        links.append({"text": "Rights", "href": reverse("rights")})
    if request.actor.holds("iom.view_audit"):
        links.append({"text": "Audit", "href": reverse("audit")})
    if request.actor.holds("iom.tend_outbox"):
        links.append({"text": "Background work", "href": reverse("outbox")})
    return links


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    links = []
    for text, name, permission in NAVIGATION:
        if request.actor.holds(permission):
            href = reverse(name)
            current = request.path == href if href == "/" else request.path.startswith(UNDER.get(href, href))
            links.append({"text": text, "href": href, "current": current})
    return links
