"""Sessions that end: idle, after twelve hours, by their owner, by an administrator (security.md S1 to S4).

This module is the session engine (`SESSION_ENGINE`). What ends a session is decided here, from times in the database,
for every page there is: a session that is over is not loaded, so its request is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.functional import SimpleLazyObject

from iom import audit, clock, together
from iom.models import Membership, User
from iom.models.sessions import Session

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from iom.access import Actor

# In the session's data: the membership acted for, when a code was last typed (seconds), and whose session the browser
# had before it was signed out.
MEMBERSHIP = "membership"
CODE_AT = "code_verified_at"
BEFORE = "before"

# For as long as what was typed is kept (security.md S5).
KEPT = timedelta(seconds=settings.HELD_POST_SECONDS)

# What an open recording page sends with its heartbeat while it is visible (security.md S2).
VISIBLE = "X-Recording-Visible"


@together.worded
def _session(key: str) -> together.First:
    return together.first(Session.objects.filter(pk=key).select_related("user"))


@together.worded
def _memberships(key: str, on: date) -> QuerySet:
    return Membership.objects.filter(user__sessions=key).acting(on)


class SessionStore(DatabaseStore):
    """Django's database sessions with a user, times, and an end.

    `row` is what was loaded; `was` is the row of a session that is over, when the browser still names one.
    """

    row: Session | None = None
    was: Session | None = None
    # What the person of the session acts in today, read with it; their account stands in each.
    memberships: Sequence[Membership] = ()

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._begun: dict[str, Any] = {}

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        row, memberships = together.fetch(
            [
                _session(self.session_key),
                _memberships(self.session_key, clock.today()),
            ]
        )
        now = clock.now()
        if row is not None and row.expire_date > now:
            why = row.over(now)
            if not why:
                for membership in memberships:
                    membership.user = row.user
                self.row, self.memberships = row, memberships
                return row
            if row.ended_at is None:
                end(row, why)
            self.was = row
        self._session_key = None
        return None

    def begin(self, browser: str) -> None:
        """Somebody has just signed in: their time starts now."""
        now = clock.now()
        self._begun = {"began_at": now, "active_at": now, "shown_at": None, "browser": browser}
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Write the data. A session that was ended meanwhile stays ended; one that is gone raises UpdateError."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)
        values = self._columns(data)
        with transaction.atomic():
            if must_create:
                self._insert(values)
            elif not Session.objects.filter(pk=self.session_key, ended_at=None).update(**values):
                if not self.exists(self.session_key):
                    raise UpdateError
                return
            if self._begun and values["user_id"]:
                _keep_the_newest(values["user_id"], but=self.session_key)
        if values["user_id"]:
            self._begun = {}

    def _insert(self, values: dict[str, Any]) -> None:
        carried = {}
        if self.row is not None:
            carried = {name: getattr(self.row, name) for name in ("began_at", "active_at", "shown_at", "browser")}
        try:
            with transaction.atomic():
                self.row = Session.objects.create(session_key=self.session_key, **carried | values)
        except IntegrityError:
            raise CreateError from None

    def _columns(self, data: dict[str, Any]) -> dict[str, Any]:
        code_at = data.get(CODE_AT)
        return {
            "session_data": self.encode(data),
            "user_id": int(data[SESSION_KEY]) if SESSION_KEY in data else None,
            "membership_number": data.get(MEMBERSHIP),
            "code_at": datetime.fromtimestamp(code_at, tz=UTC) if code_at else None,
            "expire_date": clock.now() + timedelta(seconds=settings.SESSION_LONGEST_SECONDS) + KEPT,
            **self._begun,
        }

    @classmethod
    def clear_expired(cls) -> None:
        """Delete the rows whose day is over."""
        Session.objects.filter(expire_date__lte=clock.now()).delete()


def end(session: Session, why: str) -> bool:
    """End one session and say so in the audit; whether it was this call that ended it."""
    now = clock.now()
    with transaction.atomic():
        ended = Session.objects.filter(pk=session.pk, ended_at=None).update(
            ended_at=now, ended_why=why, session_data="", expire_date=now + KEPT
        )
        if ended and session.user_id:
            audit.account("session_ended", session.user, why=why)
    session.ended_at, session.ended_why = now, why
    return bool(ended)


def end_all(user: User, but: str | None = None, *, why: str = "changed") -> int:
    """End every session of `user`, except the one with the key `but`; how many that were (security.md S3).

    For a changed password or factor, and for an administrator. A disabled account's sessions are deleted by the
    database itself (the trigger on `User`).
    """
    mine = Session.objects.filter(user=user, ended_at=None).exclude(pk=but or "")
    return sum(end(session, why) for session in mine.select_related("user"))


def end_sessions_of(membership: Membership, *, by: Actor) -> int:
    """Sign somebody of one's scheme out of every browser. Raises PermissionDenied for who may not, and for oneself."""
    if not by.can("iom.end_sessions", membership):
        raise PermissionDenied
    with transaction.atomic():
        audit.record("end_sessions", membership, by=by)
        return end_all(membership.user, why="by_admin")


def handle(session: Session) -> str:
    """How a page names a session: nobody can use it in place of the session's own key."""
    return salted_hmac("iom.sessions", session.session_key).hexdigest()[:32]


def of(user: User) -> list[Session]:
    """The live sessions of a person, the one used last first."""
    return list(Session.objects.live(clock.now()).filter(user=user).order_by("-active_at").select_related("user"))


def _keep_the_newest(user_id: int, *, but: str) -> None:
    """At most five at a time: the sixth ends the oldest (security.md S4)."""
    # One sign-in after another, or two at once would each see only four others.
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    others = Session.objects.live(clock.now()).filter(user=user_id).exclude(pk=but).order_by("-began_at")
    for session in others.select_related("user")[settings.SESSIONS_AT_MOST - 1 :]:
        end(session, "sixth")


@receiver(user_logged_in)
def _signed_in(sender: type, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Whichever way somebody signs in, their session begins here, and goes on where it was signed out."""
    request.session.begin(browser_in_words(request.headers.get("User-Agent", "")))
    before = request.session.pop(BEFORE, None)
    if before and before["user"] == user.pk:
        if before["membership"]:
            request.session[MEMBERSHIP] = before["membership"]
        audit.account("signed_in_again", user)


_BROWSERS = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "Chromebook"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def browser_in_words(agent: str) -> str:
    """Say "Chrome on Windows": enough to know one's own browser in a list, and no more."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser


class SignedIn(AuthenticationMiddleware):
    """Who is signed in: the account was read with the session. Whatever is out of the ordinary goes Django's way."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user(request))


def _user(request: HttpRequest) -> User | AnonymousUser:
    proof = request.session.get(HASH_SESSION_KEY, "")
    user = request.session.row.user if request.session.row is not None else None
    mine = user is not None and request.session.get(SESSION_KEY) == str(user.pk) and user.is_active
    if mine and constant_time_compare(proof, user.get_session_auth_hash()):
        return user
    return get_user(request)


class SessionEnds:
    """Keeps the time of what people do, to the minute; polls do not count (security.md S2).

    A view made with `@page(…, kind="poll")` is a poll. From the heartbeat of a recording page with the header
    `X-Recording-Visible: 1`, sent while the page can be seen, the session lives on for at most four hours.
    """

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        came = clock.now()
        response = self.respond(request)
        # The session is let go when the database is away (`iom.views.errors.unavailable`).
        row = request.session.row if hasattr(request, "session") else None
        if row is not None and row.user_id and request.resolver_match is not None:
            if getattr(request.resolver_match.func, "kind", "") != "poll":
                self._touch(row, "active_at", came)
            elif request.headers.get(VISIBLE) == "1":
                self._touch(row, "shown_at", came)
        return response

    def _touch(self, row: Session, column: str, at: datetime) -> None:
        last = getattr(row, column)
        minute = timedelta(seconds=settings.SESSION_TOUCH_SECONDS)
        if last is None or at - last >= minute:
            Session.objects.filter(pk=row.pk, ended_at=None).update(**{column: at})


def sweep() -> None:
    """End the sessions that ran out with nobody there, and delete the rows whose day is over."""
    now = clock.now()
    open_still = Session.objects.filter(user__isnull=False, ended_at=None)
    for session in open_still.exclude(pk__in=Session.objects.live(now).values("pk")).select_related("user"):
        end(session, session.over(now))
    SessionStore.clear_expired()
