"""The headers of every answer (security.md H1, H2)."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ],
)
@pytest.mark.parametrize("path", ["/sign-in/", "/", "/nowhere/"])
def test_every_answer_carries_the_header(client, path, header, value):
    assert client.get(path)[header] == value


def test_policy_refuses_frames_inline_script_and_other_hosts(client):
    policy = client.get("/sign-in/")["Content-Security-Policy"]

    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert directives["default-src"] == directives["frame-ancestors"] == directives["object-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["form-action"] == "'self'"


def test_page_of_somebody_signed_in_is_not_kept_by_browsers(sign_in, coordinator):
    assert sign_in(coordinator).get("/")["Cache-Control"] == "no-store"
