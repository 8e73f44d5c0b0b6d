"""What a load put where, for whoever tries the walls: accounts, schemes, cases and nominations, and who may see them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from iom import clock, walls
from iom.access import Actor, actor_for
from iom.models import Meeting, Membership, Scheme, User
from offenders.models import Case, CaseGrant
from referrals.models import AgencyReturn, Referral

from .people import PASSWORD


def description(schemes: list[dict[str, Any]], marker: str, links: list[str], apps: dict[str, str]) -> dict[str, Any]:
    """Everything that was loaded. `schemes` says number, slug, preset and mark of each; `links` the open invitations;
    `apps` the secrets of authenticator apps by e-mail.
    """
    found: dict[str, list[dict[str, Any]]] = {
        "accounts": [],
        "meetings": [],
        "cases": [],
        "referrals": [],
        "answers": [],
    }
    for scheme in Scheme.objects.order_by("pk"):
        with walls.within(scheme, cause="seed_demo"):
            for name, of in {
                "accounts": _accounts,
                "meetings": _meetings,
                "cases": _cases,
                "referrals": _referrals,
                "answers": _answers,
            }.items():
                found[name] += of(scheme)
    found["accounts"] += _installation_accounts()
    for account in found["accounts"]:
        account["factors"] = {"totp_secret": apps.get(account["email"])}
    return {
        "marker": marker,
        "made_at": clock.now().isoformat(),
        "schemes": schemes,
        "invitations": links,
    } | found


def invitation_link(secret: str) -> str:
    return f"{settings.SITE_URL}{reverse('invited', args=[secret])}"


def _accounts(scheme: Scheme) -> list[dict[str, Any]]:
    """One entry for each membership: who acts for two schemes stands here twice."""
    today = clock.today()
    rows = Membership.objects.filter(scheme=scheme).select_related("user", "agency", "scheme").order_by("pk")
    return [
        _account(one.user)
        | {
            "scheme": one.scheme.slug,
            "agency": one.agency.slug,
            "agency_kind": one.agency.kind,
            "post": one.post,
            "roles": list(one.roles),
            "state": _state(one, today),
        }
        for one in rows
    ]


def _state(membership: Membership, today: Any) -> str:
    if not membership.user.is_active:
        return "disabled"
    return "left" if membership.until is not None and membership.until <= today else "active"


def _installation_accounts() -> list[dict[str, Any]]:
    """Accounts of no scheme: those who run the installation."""
    return [
        _account(user)
        | {
            "scheme": None,
            "agency": None,
            "agency_kind": None,
            "post": "",
            "roles": ["system_admin"],
            "state": "active",
        }
        for user in User.objects.filter(is_system_admin=True).order_by("pk")
    ]


def _account(user: User) -> dict[str, Any]:
    return {"email": user.email, "password": PASSWORD, "name": user.name}


def _actors(scheme: Scheme) -> list[Actor]:
    rows = Membership.objects.filter(scheme=scheme).current(clock.today()).select_related("user", "agency", "scheme")
    return [actor_for(one) for one in rows.order_by("pk")]


def _readers(actors: list[Actor], rows: Any) -> dict[int, list[str]]:
    """By row, who reads it as the rules say."""
    readers: dict[int, list[str]] = {}
    for actor in actors:
        for pk in rows.visible_to(actor).values_list("pk", flat=True):
            readers.setdefault(pk, []).append(actor.user.email if actor.user else "")
    return readers


def _cases(scheme: Scheme) -> list[dict[str, Any]]:
    readers = _readers(_actors(scheme), Case.objects.all())
    named: dict[int, list[dict[str, Any]]] = {}
    for grant in CaseGrant.objects.filter(scheme=scheme).select_related("user").order_by("pk"):
        until = grant.expires_at.isoformat() if grant.expires_at else None
        named.setdefault(grant.content_object_id, []).append({"email": grant.user.email, "until": until})
    rows = Case.objects.filter(scheme=scheme).select_related("offender").with_current()
    return [
        {
            "scheme": scheme.slug,
            "reference": case.reference,
            "family_name": case.offender.family_name,
            "given_names": case.offender.given_names,
            "status": case.status,
            "rating": case.rating.colour if case.rating else None,
            "restricted": case.restricted,
            "named": named.get(case.pk, []),
            "may_open": sorted(readers.get(case.pk, [])),
        }
        for case in rows.order_by("pk")
    ]


def _referrals(scheme: Scheme) -> list[dict[str, Any]]:
    readers = _readers(_actors(scheme), Referral.objects.all())
    hidden = set(Case.objects.filter(scheme=scheme, restricted=True).values_list("offender_id", flat=True))
    rows = Referral.objects.filter(scheme=scheme).select_related(
        "offender", "agency", "referrer__user", "meeting__body"
    )
    return [
        {
            "scheme": scheme.slug,
            "reference": referral.reference,
            "family_name": referral.offender.family_name,
            "given_names": referral.offender.given_names,
            "status": referral.status,
            "agency": referral.agency.slug,
            "referrer": referral.referrer.user.email,
            "meeting": referral.meeting.key if referral.meeting else None,
            "restricted": referral.offender_id in hidden,
            "may_open": sorted(readers.get(referral.pk, [])),
        }
        for referral in rows.order_by("pk")
    ]


def _meetings(scheme: Scheme) -> list[dict[str, Any]]:
    rows = Meeting.objects.filter(scheme=scheme).select_related("body").order_by("date", "pk")
    return [
        {"scheme": scheme.slug, "key": meeting.key, "body": meeting.body.slug, "status": meeting.status}
        for meeting in rows
    ]


def _answers(scheme: Scheme) -> list[dict[str, Any]]:
    """What agencies said of people in words, and for whose eyes it is."""
    rows = AgencyReturn.objects.filter(scheme=scheme).exclude(summary="")
    return [
        {
            "scheme": scheme.slug,
            "meeting": answer.request.meeting.key,
            "reference": (answer.request.referral or answer.request.case).reference,
            "agency": answer.request.agency.slug,
            "handling": answer.handling,
            "readers": list(answer.readers),
            "sent": answer.sent_at is not None,
            "summary": answer.summary,
        }
        for answer in rows.select_related(
            "request__meeting__body", "request__agency", "request__referral", "request__case"
        ).order_by("pk")
    ]
