"""Where a request comes from, as far as it can be known (security.md L2)."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

UNKNOWN = ""


def client_address(request: HttpRequest) -> str:
    """The address of whoever asked: the one that the outermost of our own proxies saw.

    Each of the `TRUSTED_PROXIES` adds on the right of `X-Forwarded-For` the address that it was asked from; whatever
    stands further left a client may have written itself and is never read. Without proxies the header means nothing.
    Normal form, IPv4 inside IPv6 as IPv4; empty when there is none, as over a local socket.
    """
    direct = _normal(request.META.get("REMOTE_ADDR", ""))
    proxies: int = settings.TRUSTED_PROXIES
    if proxies == 0:
        return direct
    seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    # Too few: somebody came past a proxy, so nothing in the header is ours.
    return _normal(seen[-proxies]) or direct if len(seen) >= proxies else direct


def _normal(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return UNKNOWN
    return str(getattr(address, "ipv4_mapped", None) or address)


def own_path(wanted: str) -> str:
    """`wanted` if it is a path of ours, else the home page: no redirect leads elsewhere (security.md H3)."""
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if ours else "/"
