"""What a request may bring, and how often somebody may ask (security.md I4, L3). All numbers are settings."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import Resolver404, resolve, reverse

from iom import audit, clock
from iom.jinja import plural
from iom.views import errors

if TYPE_CHECKING:
    from iom.access import Actor

log = logging.getLogger(__name__)
Respond = Callable[[HttpRequest], HttpResponse]


# --- What a request may bring ------------------------------------------------


class SingleValued(QueryDict):
    """Parameters of which one that is read as one value may be given once only (security.md I4).

    Whether there may be several is for the reader to say, by `getlist`: forms do so for boxes that may be ticked
    together. Anything else given twice ends the request with 400, rather than leaving it to chance which counts.
    """

    @classmethod
    def of(cls, given: QueryDict) -> SingleValued:
        """The same parameters, read strictly."""
        strict = cls("", mutable=True, encoding=given.encoding)
        for name, values in given.lists():
            strict.setlist(name, values)
        strict._mutable = False
        return strict

    def __getitem__(self, name: str) -> Any:
        if len(self.getlist(name)) > 1:
            raise BadRequest("A parameter was given twice.")
        return super().__getitem__(name)


class Sizes:
    """Turns away what is too big or cannot be read, before anything else looks at it."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = view_of(request)
        most = _most_bytes(request, view)
        fields = settings.FIELDS_OF_GRIDS if getattr(view, "grid", False) else settings.FIELDS
        if _announced(request) > most:
            return _too_big(request, most)
        if _has_nul(request):
            return errors.answer(request, 400)
        try:
            request.GET, request.POST = SingleValued.of(request.GET), SingleValued.of(request.POST)  # type: ignore[misc, assignment]
            _check_json(request)
        except RequestDataTooBig:
            return _too_big(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        except TooManyFieldsSent:
            return _too_many(request, fields)
        except (TooManyFilesSent, BadRequest, MultiPartParserError, UnreadablePostError):
            return errors.answer(request, 400)
        except (LookupError, ValueError, RecursionError):
            # A text encoding that is none, or text that is not in it.
            return errors.answer(request, 400)
        if max(_count(request.GET), _count(request.POST)) > fields:
            return _too_many(request, fields)
        return self.respond(request)


def view_of(request: HttpRequest) -> Any:
    """Where the address leads; looked up once for a request."""
    known = request.__dict__
    if "leads_to" not in known:
        try:
            known["leads_to"] = resolve(request.path_info).func
        except Resolver404:
            known["leads_to"] = None
    return known["leads_to"]


def _most_bytes(request: HttpRequest, view: Any) -> int:
    files = getattr(view, "kind", "") == "upload" and request.content_type == "multipart/form-data"
    return settings.BYTES_WITH_FILES if files else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _announced(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _too_big(request: HttpRequest, most: int) -> HttpResponse:
    return errors.answer(request, 413, limit=f"{most / 1024 / 1024:g} MB")


def _too_many(request: HttpRequest, fields: int) -> HttpResponse:
    return errors.answer(request, 400, reason=f"A form may have {fields} answers at most. Nothing was saved.")


def _has_nul(request: HttpRequest) -> bool:
    """NUL where nobody types: the address and the cookies. In a typed text it is a field error (security.md I2)."""
    parameters = (text for name, values in request.GET.lists() for text in (name, *values))
    return "\0" in request.path_info or any("\0" in text for text in (*parameters, *request.COOKIES.values()))


def _count(parameters: QueryDict) -> int:
    return sum(len(values) for _, values in parameters.lists())


def _check_json(request: HttpRequest) -> None:
    """Raises ValueError for a JSON body that is none, or lies deeper than `JSON_DEPTH`."""
    if request.content_type != "application/json" or not request.body:
        return
    level = [value for value in [json.loads(request.body)] if isinstance(value, (dict, list))]
    for _ in range(settings.JSON_DEPTH):
        inner = [each for value in level for each in (value.values() if isinstance(value, dict) else value)]
        level = [value for value in inner if isinstance(value, (dict, list))]
    if level:
        raise ValueError("Too deep")


# --- How often somebody may ask ----------------------------------------------


@dataclass
class _Trouble:
    """The cache is away: until then nobody asks it, so that no page waits for it."""

    until: float = 0.0


_trouble = _Trouble()


def _cached(ask: Callable[[], Any]) -> Any:
    """What the cache answers, or None when it is away: limits then let everybody pass (security.md Q1)."""
    if time.monotonic() < _trouble.until:
        return None
    try:
        return ask()
    except (redis.RedisError, OSError) as error:
        _trouble.until = time.monotonic() + settings.CACHE_PAUSE_SECONDS
        log.warning("limits are off: the cache does not answer", extra={"verb": type(error).__name__})
        return None


def _server() -> redis.Redis | None:
    """What stands behind the cache, to be asked several things at once; None where the cache is of another kind."""
    given = settings.CACHES["default"]
    return _client(given["LOCATION"]) if given["BACKEND"].endswith(".RedisCache") else None


@functools.cache
def _client(address: str) -> redis.Redis:
    """One for all threads. Connections are made when they are needed, in each process for itself."""
    return redis.Redis(connection_pool=redis.ConnectionPool.from_url(address, **settings.CACHE_OPTIONS))


def _counted(name: str, seconds: int) -> tuple[int, int]:
    """Count once more under `name`; how often it was in this stretch of `seconds`, and seconds left of it."""
    now = int(clock.now().timestamp())
    key = f"rate:{name}:{now // seconds}"

    def count() -> int:
        if server := _server():
            return int(server.pipeline(transaction=False).incr(key).expire(key, seconds * 2).execute()[0])
        cache.add(key, 0, timeout=seconds * 2)
        try:
            return cache.incr(key)
        except ValueError:  # Emptied this very moment: whoever counts next begins anew.
            return 0

    return _cached(count) or 0, seconds - now % seconds


def kinds_of(request: HttpRequest) -> list[str]:
    """As what a request counts. Forms that save themselves and polls have their own measure and count there alone."""
    kind = getattr(view_of(request), "kind", "")
    if request.META.get("HTTP_X_AUTOSAVE") == "1" and request.method == "POST":
        kind = "autosave"
    if kind in {"autosave", "poll"}:
        return [kind]
    changes = request.method not in {"GET", "HEAD", "OPTIONS"}
    counted = kind and (changes or "POST" not in getattr(view_of(request), "methods", ()))
    return ["request", kind] if counted else ["request"]


class Rates:
    """So many requests of a kind by one person in a stretch of time, over all their devices and our processes."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            for kind in kinds_of(request):
                if wait := self._wait(kind, request.user.pk):
                    log.info("too many requests", extra={"verb": kind, "user_id": request.user.pk})
                    return errors.answer(
                        request, 429, headers={"Retry-After": str(wait)}, wait=plural(-(-wait // 60), "minute")
                    )
        return self.respond(request)

    def _wait(self, kind: str, user: int) -> int:
        """Seconds to wait, 0 when the request may pass."""
        if kind not in settings.RATES:
            return 0
        most, seconds = settings.RATES[kind]
        times, left = _counted(f"{kind}:{user}", seconds)
        return left if times > most else 0


# --- Who reads very much -----------------------------------------------------


@audit.on_read
def watch_reading(actor: Actor, subjects: Iterable[str]) -> None:
    """Note whom `actor` has read of. Much reading is allowed; the scheme's administrators hear of it, once an hour.

    Called in the request's transaction with the subjects of the audit. No name reaches the cache or the notice.
    """
    # A page may name somebody by number and by reference: the numbers count, and references where a page has no more.
    tokens = set(subjects)
    people = {token for token in tokens if token.startswith("P")} or tokens
    read = {hashlib.blake2b(subject.encode(), digest_size=8).hexdigest() for subject in people}
    if actor.user is None or not read:
        return
    now = clock.now()
    name = f"read:{actor.scheme.pk}:{actor.user.pk}"
    since = (now - timedelta(seconds=settings.READING_SECONDS)).timestamp()
    people_read = _cached(lambda: _read_since(name, since, dict.fromkeys(read, now.timestamp())))
    if (people_read or len(read)) >= settings.READING_SUBJECTS:
        told = f"{name}:told:{now:%Y-%m-%dT%H}"
        if not _cached(lambda: cache.get(told)):
            _tell_of_reading(actor)
            # What is told is kept when the request's transaction is: until then nothing says that it was.
            transaction.on_commit(lambda: _cached(lambda: cache.set(told, True, timeout=settings.READING_SECONDS)))


def _read_since(name: str, since: float, read: dict[str, float]) -> int:
    """Add who is `read` at what time to those under `name`; how many different ones they are since then."""
    if server := _server():
        asked = server.pipeline(transaction=False).zadd(name, read).zremrangebyscore(name, "-inf", since)
        return int(asked.zcard(name).expire(name, settings.READING_SECONDS).execute()[2])
    before: dict[str, float] = cache.get(name) or {}
    seen = {subject: at for subject, at in before.items() if at > since} | read
    cache.set(name, seen, timeout=settings.READING_SECONDS)
    return len(seen)


def _tell_of_reading(actor: Actor) -> None:
    from iom import notify
    from iom.models import Membership, Role, User

    administrators = Membership.objects.filter(scheme=actor.scheme).with_role(Role.SCHEME_ADMIN)
    hour = clock.now().strftime("%Y-%m-%dT%H")
    minutes = plural(settings.READING_SECONDS // 60, "minute")
    notify.tell(
        User.objects.filter(pk__in=administrators.current(clock.today()).values("user")),
        scheme=actor.scheme,
        kind="much_reading",
        subject=f"{actor.label} {hour}",
        text=f"Much reading: user {actor.user.pk if actor.user else ''} opened records of "
        f"{settings.READING_SUBJECTS} people or more in {minutes}.",
        url=reverse("users"),
        email_body="Somebody of your scheme read very much in a short time. This is allowed; you may want to ask why.",
    )
