"""Passkeys in place of the code: made and judged with a software authenticator, and once in Chromium (security.md M1)."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from iom.models import Passkey, User
from tests import factories
from tests.factories.client import KeyedClient
from tests.factories.signing_in import app_code, with_app

ORIGIN, RP_ID = "https://localhost", "localhost"


class Authenticator:
    """Holds one passkey, as a laptop would: keys, a counter, signatures over what the server asked."""

    def __init__(self, origin: str = ORIGIN, rp_id: str = RP_ID, *, counts: bool = True) -> None:
        self.origin, self.rp_id, self.counts = origin, rp_id, counts
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = hashlib.sha256(str(id(self)).encode()).digest()
        self.count = 1 if counts else 0

    def make(self, options: dict[str, Any]) -> str:
        credential = AttestedCredentialData.create(
            b"\0" * 16, self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
        data = AuthenticatorData.create(self._hash(), flags, self.count, credential)
        return self._answer(
            {
                "clientDataJSON": self._client("webauthn.create", options),
                "attestationObject": AttestationObject.create("none", data, {}),
            }
        )

    def show(self, options: dict[str, Any], *, flags: int = 5) -> str:
        self.count += self.counts
        data = AuthenticatorData.create(self._hash(), AuthenticatorData.FLAG(flags), self.count)
        client = self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer({"clientDataJSON": client, "authenticatorData": data, "signature": signature})

    def _hash(self) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest()

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        challenge = websafe_decode(options["publicKey"]["challenge"])
        return CollectedClientData.create(kind, challenge, self.origin)

    def _answer(self, response: dict[str, bytes]) -> str:
        named = websafe_encode(self.id)
        return json.dumps(
            {
                "id": named,
                "rawId": named,
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {name: websafe_encode(bytes(value)) for name, value in response.items()},
            }
        )


class Browser(KeyedClient):
    """A client over https at localhost, where passkeys work."""

    def request(self, **request):
        return super().request(
            **request | {"wsgi.url_scheme": "https", "SERVER_NAME": "localhost", "SERVER_PORT": "443"}
        )


@pytest.fixture
def person(merton) -> User:
    user = factories.member(merton, "member", name="Jo Reid").user
    with_app(user)
    return user


def password(user: User) -> Client:
    client = Browser()
    client.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD})
    return client


def inside(user: User, drift: int = 0) -> Client:
    client = password(user)
    assert client.post("/sign-in/code/", {"code": app_code(drift)}).status_code == 302
    return client


def add(client: Client, authenticator: Authenticator, name: str = "Work laptop"):
    options = client.post("/account/security/passkeys/question/").json()
    return client.post("/account/security/passkeys/", {"name": name, "credential": authenticator.make(options)})


def show(client: Client, authenticator: Authenticator, **how: Any):
    options = client.post("/sign-in/code/passkey/question/").json()
    return client.post("/sign-in/code/passkey/", {"credential": authenticator.show(options, **how), "next": "/"})


def is_in(client: Client) -> bool:
    return client.get("/notifications/").status_code == 200


@pytest.fixture
def laptop(person) -> Authenticator:
    made = Authenticator()
    assert add(inside(person), made).status_code == 302
    return made


def test_passkey_stands_in_for_the_code(person, laptop):
    client = password(person)
    assert "Use a passkey" in client.get("/sign-in/code/").content.decode()

    assert show(client, laptop).url == "/"

    assert is_in(client)
    assert Passkey.objects.get(user=person).sign_count == 2


def test_passkey_that_does_not_count_works_again_and_again(person):
    made = Authenticator(counts=False)
    add(inside(person), made)

    for _ in range(2):
        client = password(person)
        show(client, made)
        assert is_in(client)


def test_passkey_alone_is_nothing_without_the_password(person, laptop):
    client = Browser()

    assert client.post("/sign-in/code/passkey/question/").status_code == 404
    assert client.post("/sign-in/code/passkey/", {"credential": "{}"}).url == "/sign-in/"


@pytest.mark.parametrize("wrong", ["other key", "other origin", "other site", "old question", "copy", "not present"])
def test_passkey_that_is_not_right_lets_nobody_in(person, laptop, wrong):
    client, how, shown = password(person), {}, laptop
    if wrong == "other key":
        shown = Authenticator()
        shown.id = laptop.id
    if wrong == "other origin":
        laptop.origin = "https://localhost.evil.example"
    if wrong == "other site":
        laptop.rp_id = "evil.example"
    if wrong == "copy":
        Passkey.objects.update(sign_count=50)
    if wrong == "not present":
        how = {"flags": 0}
    if wrong == "old question":
        old = client.post("/sign-in/code/passkey/question/").json()
        client.post("/sign-in/code/passkey/question/")
        answer = client.post("/sign-in/code/passkey/", {"credential": laptop.show(old)})
    else:
        answer = show(client, shown, **how)

    assert answer.status_code == 200
    assert "The passkey was not accepted" in answer.content.decode()
    assert not is_in(client)


@pytest.mark.parametrize("sent", ["", "{}", "[]", "null", "1" * 5000, '{"id": "x"}', "[" * 100_000, '{"response": 1}'])
def test_nonsense_is_no_passkey(person, laptop, sent):
    client = password(person)
    client.post("/sign-in/code/passkey/question/")

    answer = client.post("/sign-in/code/passkey/", {"credential": sent})

    assert answer.status_code == 200
    assert not is_in(client)


def test_answer_is_good_for_one_question_only(person, laptop):
    laptop.counts = False
    first, second = password(person), password(person)
    options = first.post("/sign-in/code/passkey/question/").json()
    answer = laptop.show(options)
    first.post("/sign-in/code/passkey/", {"credential": answer})
    second.post("/sign-in/code/passkey/question/")

    second.post("/sign-in/code/passkey/", {"credential": answer})

    assert not is_in(second)


def test_passkey_of_another_person_is_of_no_use(person, laptop, merton):
    other = factories.member(merton, "member").user
    with_app(other)
    theirs = Authenticator()
    add(inside(other), theirs)
    client = password(person)

    show(client, theirs)

    assert not is_in(client)


def test_wrong_passkeys_count_as_wrong_codes(person, laptop):
    client, stranger = password(person), Authenticator()
    for _ in range(5):
        assert show(client, stranger).status_code == 200

    assert show(client, laptop).status_code == 429
    assert client.post("/sign-in/code/", {"code": app_code(1)}).status_code == 429


def test_same_passkey_is_not_added_twice(person, laptop):
    page = add(inside(person, 1), laptop)

    assert "could not be added" in page.content.decode()
    assert Passkey.objects.count() == 1


def test_passkey_needs_a_name(person):
    page = add(inside(person), Authenticator(), name=" ")

    assert "Enter a name for the passkey" in page.content.decode()
    assert not Passkey.objects.exists()


def test_own_passkeys_are_removed_and_no_others(person, laptop, merton):
    other = factories.member(merton, "member").user
    with_app(other)
    number = Passkey.objects.get().pk

    assert inside(other).post(f"/account/security/passkeys/{number}/remove/").status_code == 404
    assert Passkey.objects.exists()
    assert inside(person, 1).post(f"/account/security/passkeys/{number}/remove/").status_code == 302
    assert not Passkey.objects.exists()


def test_page_without_passkeys_does_not_speak_of_them(person):
    assert not re.search("passkey", password(person).get("/sign-in/code/").content.decode(), re.IGNORECASE)
