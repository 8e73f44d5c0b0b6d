"""Fixtures that most tests start from: one Merton scheme with its people, and a second scheme that must never show."""

from __future__ import annotations

import pytest
from django.test import Client

from iom.access import Actor, actor_for
from iom.models import Membership, Scheme
from tests import factories
from tests.factories.client import KeyedClient
from tests.factories.signing_in import verified


@pytest.fixture
def merton(db) -> Scheme:
    return factories.scheme("merton")


@pytest.fixture
def coordinator(merton) -> Membership:
    return factories.member(merton, "coordinator", name="Priya Shah")


@pytest.fixture
def chair(merton) -> Membership:
    return factories.member(merton, "chair", "member", agency_kind="probation", name="Grace Adeyemi")


@pytest.fixture
def police(merton) -> Membership:
    return factories.member(merton, "member", "referrer", agency_kind="police", name="Tom Dunn")


@pytest.fixture
def housing(merton) -> Membership:
    return factories.member(merton, "member", agency_kind="housing", name="Jo Reid")


@pytest.fixture
def as_coordinator(coordinator) -> Actor:
    return actor_for(coordinator)


@pytest.fixture
def as_chair(chair) -> Actor:
    return actor_for(chair)


@pytest.fixture
def as_police(police) -> Actor:
    return actor_for(police)


@pytest.fixture
def as_housing(housing) -> Actor:
    return actor_for(housing)


@pytest.fixture
def client() -> KeyedClient:
    """Somebody's browser. In place of pytest-django's, whose forms carry no key."""
    return KeyedClient()


@pytest.fixture
def sign_in():
    """A client signed in as a membership's person, acting for its agency."""

    def enter(membership: Membership) -> Client:
        client = KeyedClient()
        client.force_login(membership.user, backend="django.contrib.auth.backends.ModelBackend")
        session = client.session
        session["membership"] = membership.pk
        verified(session)
        session.save()
        return client

    return enter
