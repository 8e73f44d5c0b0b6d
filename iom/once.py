"""A form does its work once, however often it is sent (security.md C2).

Every form carries a key that was made for it: `csrf_input` writes it beside the token, so a new form has it for
nothing. The first request with a key does the work and its answer is kept, encrypted, for a day; the same form sent
again by the same person gets that answer and does nothing. One that comes while the first is at work waits for it,
because both insert the same key. A key with other content, or of somebody else, is refused.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.messages.storage.base import Message
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString, mark_safe
from markupsafe import Markup

from iom import clock, form_marks, limits, stale
from iom.models import FormKey
from iom.views import errors

FIELD, HEADER = "form_key", "X-Form-Key"
# What every form carries for our own sake: no part of what somebody said with it.
OURS = frozenset({"csrfmiddlewaretoken", FIELD})
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH")
# Written by every request, whatever it does.
_NOT_WORK = ('"iom_session"', '"iom_heldpost"', '"iom_auditevent"')

Respond = Callable[[HttpRequest], HttpResponse]


def new_key(request: HttpRequest | None = None) -> str:
    """A key that nobody has used. It begins with the mark of whoever the form is made for (`iom.form_marks`)."""
    return _behind(form_marks.mark_of(request) if request else "")


def _behind(mark: str) -> str:
    return mark + secrets.token_urlsafe(48)[: 64 - len(mark)]


class Proof:
    """What `{{ csrf_input }}` writes into a form: the page's token, and a key of its own each time it is written."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def token(self) -> str:
        """Masked once for the page: masking it for each of many forms takes longer than writing them."""
        return get_token(self.request)

    @cached_property
    def _mark(self) -> str:
        return form_marks.mark_of(self.request)

    def __html__(self) -> Markup:
        return Markup(
            '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
            '<input type="hidden" name="{}" value="{}" autocomplete="off">'
        ).format(self.token, FIELD, _behind(self._mark))

    def __str__(self) -> str:
        return self.__html__()


def in_forms(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: `csrf_input` with a key beside the token, and the same token for scripts."""
    proof = Proof(request)
    return {"csrf_input": proof, "csrf_token": SimpleLazyObject(lambda: proof.token)}


class Once:
    """Lets a signed-in person's form do its work once.

    Stands inside the request's transaction: a refused request takes its key back with everything else, and the form can
    be sent again. So can one that was shown again with errors: it changed nothing. A request without a key may look and
    be refused, but change nothing: 400. Views of nobody in particular (`PUBLIC`) and those with `once=False` keep
    themselves from doing things twice.
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in UNSAFE or not request.user.is_authenticated or not _asks_for_key(request):
            return self.respond(request)
        key = _key_of(request)
        with transaction.atomic():
            response = self._with_key(request, key) if key else self._without_key(request)
        return response or errors.answer(request, 400)

    def _with_key(self, request: HttpRequest, key: str) -> HttpResponse:
        user, digest = request.user, digest_of(request)
        number = _claim(key, user.pk, digest)
        if number is None:
            row = FormKey.objects.get(key=key)
            same = row.user_id == user.pk and secrets.compare_digest(row.digest, digest)
            return _again(request, row) if same else _refused(request)
        with _noting_writes() as work:
            response = self.respond(request)
        if response.status_code >= 400:
            transaction.set_rollback(True)
        elif not work.done or getattr(request, "form_not_done", False):
            FormKey.objects.filter(pk=number).delete()
        else:
            FormKey.objects.filter(pk=number).update(answer=_kept(request, response))
        return response

    def _without_key(self, request: HttpRequest) -> HttpResponse | None:
        with _noting_writes() as work:
            response = self.respond(request)
        if response.status_code >= 400 or not work.done:
            return response
        transaction.set_rollback(True)
        _queued(request).clear()
        return None


def not_done(request: HttpRequest) -> None:
    """Say in a view that this answer is not the end of it (a code is asked for first): the same form may come again."""
    request.form_not_done = True


def sweep() -> int:
    """Forget the keys of more than a day ago; how many they were."""
    kept_from = clock.now() - timedelta(hours=settings.FORM_KEYS_KEPT_HOURS)
    return FormKey.objects.filter(at__lt=kept_from).delete()[0]


def digest_of(request: HttpRequest) -> str:
    """What was said, to what address, acting for whom, as a keyed digest: nobody can try out answers against it."""
    actor = getattr(request, "actor", None)
    said: list[Any] = [
        request.user.pk,
        actor.membership.pk if actor and actor.membership else None,
        request.method,
        request.get_full_path(),
        sorted((name, values) for name, values in request.POST.lists() if name not in OURS),
        sorted((name, [_file(each) for each in files]) for name, files in request.FILES.lists()),
    ]
    if request.content_type not in _FORMS:
        said.append(hashlib.sha256(request.body).hexdigest())
    return salted_hmac("iom.once", json.dumps(said), algorithm="sha256").hexdigest()


def _file(upload: Any) -> list[str]:
    found = hashlib.sha256()
    for piece in upload.chunks():
        found.update(piece)
    upload.seek(0)
    return [upload.name, found.hexdigest()]


# --- Keys ------------------------------------------------------------------


def _asks_for_key(request: HttpRequest) -> bool:
    return getattr(limits.view_of(request), "once", False)


def _key_of(request: HttpRequest) -> str:
    key = request.headers.get(HEADER) or request.POST.get(FIELD, "")
    return key if _KEY.fullmatch(key) else ""


def _claim(key: str, user: int, digest: str) -> int | None:
    """The number of a new row; None when there is one, which may mean to wait for another request's end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO iom_formkey (key, user_id, digest, at) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (key) DO NOTHING RETURNING id",
            [key, user, digest, clock.now()],
        )
        row = cursor.fetchone()
    return row[0] if row else None


class _Work:
    """Whether anything was written."""

    done = False

    def __call__(self, execute: Callable, sql: Any, params: Any, many: bool, context: Any) -> Any:
        words = str(sql).lstrip()
        if words[:6].upper().startswith(_WRITES) and not any(table in words[:60] for table in _NOT_WORK):
            self.done = True
        return execute(sql, params, many, context)


@contextmanager
def _noting_writes() -> Iterator[_Work]:
    work = _Work()
    with connection.execute_wrapper(work):
        yield work


# --- Answers ---------------------------------------------------------------


def _again(request: HttpRequest, row: FormKey) -> HttpResponse:
    """The answer that the first one got, with what it had to say if nobody has read that yet."""
    try:
        kept = json.loads(zlib.decompress(_locks().decrypt(bytes(row.answer))))
    except InvalidToken:
        # The installation's key was changed since: the work is done, and the page shows it.
        return redirect(request.get_full_path())
    waiting = get_messages(request)
    unread = [(message.level, str(message)) for message in waiting]
    waiting.used = False
    for level, words, safe, tags in kept["messages"]:
        if (level, words) not in unread:
            waiting.add(level, mark_safe(words) if safe else words, tags)  # noqa: S308 -- as the view wrote it
    if kept["body"] is None:
        return redirect(request.get_full_path())
    where = kept["headers"].get("Location")
    response = HttpResponseRedirect(where) if where else HttpResponse(base64.b64decode(kept["body"]))
    response.status_code = kept["status"]
    response.headers = type(response.headers)(kept["headers"])
    return response


def _kept(request: HttpRequest, response: HttpResponse) -> bytes:
    body = None if response.streaming else base64.b64encode(response.content).decode()
    kept = {
        "status": response.status_code,
        "headers": dict(response.items()),
        "messages": [
            [message.level, str(message.message), isinstance(message.message, SafeString), message.extra_tags]
            for message in _queued(request)
        ],
        "body": body,
    }
    packed = zlib.compress(json.dumps(kept).encode())
    if len(packed) > settings.FORM_ANSWER_LONGEST_BYTES:
        # A long page is not kept: whoever sends the form again is led to the page as it is.
        packed = zlib.compress(json.dumps(kept | {"body": None}).encode())
    return _locks().encrypt(packed)


def _queued(request: HttpRequest) -> list[Message]:
    """What the view has said to its reader and nobody has seen yet."""
    return get_messages(request)._queued_messages


def _locks() -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@functools.cache
def _derived(key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"iom.once answers").derive(key.encode())
    return base64.urlsafe_b64encode(derived)


def _refused(request: HttpRequest) -> HttpResponse:
    """The key was used for something else: say so, and keep on the page what was typed."""
    words = "You have sent this form already, with other answers. Load the page again."
    if errors.wants_json(request) or errors.wants_part(request):
        return errors.answer(request, 409, reason=words)
    context = {"sent_before": True, "typed": stale.typed(request), "back_url": stale.way_back(request)}
    return render(request, "errors/409.html", context, status=409)
