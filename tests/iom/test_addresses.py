"""The client's address: what our own proxies saw, never what a client says of itself (security.md L2)."""

import pytest
from django.test import RequestFactory

from iom.addresses import client_address

FORGED = "203.0.113.66"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "10.0.0.9"),
        (0, FORGED, "10.0.0.9"),
        (1, None, "10.0.0.9"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, f"{FORGED}, 198.51.100.7", "198.51.100.7"),
        (2, f"{FORGED}, 198.51.100.7, 10.0.0.3", "198.51.100.7"),
        # Somebody came past the outer proxy: the one value there is was seen by nobody of ours as the outermost.
        (2, "198.51.100.7", "10.0.0.9"),
        (1, "not an address", "10.0.0.9"),
        (1, "", "10.0.0.9"),
        (1, "::ffff:198.51.100.7", "198.51.100.7"),
        (1, "2001:DB8::0001", "2001:db8::1"),
    ],
)
def test_address_is_what_the_outermost_proxy_saw(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}

    assert client_address(RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", **headers)) == address


def test_local_socket_has_no_address(settings):
    settings.TRUSTED_PROXIES = 0

    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) == ""
