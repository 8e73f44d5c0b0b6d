"""Work that was given up: seen, tried again or dropped by the scheme's administrator, on a page and by command."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command

from iom import clock, dead_letters, outbox
from iom.access import actor_for
from iom.models import AuditEvent, Notification, OutboxMessage
from iom.steps import StepRefused
from tests import factories

pytestmark = pytest.mark.django_db


def _fails(message: OutboxMessage) -> None:
    raise RuntimeError("a name that must not be stored")


outbox.handler("test_that_fails")(_fails)


@pytest.fixture
def admin(merton):
    return factories.member(merton, "scheme_admin", name="Sam Okafor")


def give_up(scheme, key="a") -> OutboxMessage:
    outbox.add("test_that_fails", scheme=scheme, key=key)
    start = clock.now()
    for hour in range(8):
        with time_machine.travel(start + timedelta(hours=2 * hour), tick=False):
            outbox.drain()
    message = OutboxMessage.objects.get(key__endswith=f":{key}")
    assert message.dead
    return message


def test_page_lists_what_was_given_up_in_words(sign_in, admin):
    message = give_up(admin.scheme)

    page = sign_in(admin).get("/settings/outbox/").content.decode()

    assert "Test that fails" in page
    assert "RuntimeError" in page
    assert str(message.pk) in page
    assert "a name that must not be stored" not in page


def test_page_without_anything_given_up_says_so(sign_in, admin):
    assert "Nothing was given up." in sign_in(admin).get("/settings/outbox/").content.decode()


def test_retry_starts_from_the_first_try_and_is_audited(sign_in, admin):
    message = give_up(admin.scheme)

    answer = sign_in(admin).post("/settings/outbox/", {"work": str(message.pk), "do": "retry"})

    assert answer.status_code == 302
    message.refresh_from_db()
    assert (message.dead, message.attempts, message.done_at) == (False, 0, None)
    assert message.due_at <= clock.now()
    assert AuditEvent.objects.filter(verb="retry_work", object_ref=str(message.pk)).count() == 1


def test_drop_needs_a_reason_and_keeps_the_row(sign_in, admin):
    message = give_up(admin.scheme)
    client = sign_in(admin)

    refused = client.post("/settings/outbox/", {"work": str(message.pk), "do": "drop", "reason": " "})
    assert refused.status_code == 400
    assert "Say why it can be dropped" in refused.content.decode()
    assert dead_letters.given_up(admin.scheme).count() == 1

    done = client.post("/settings/outbox/", {"work": str(message.pk), "do": "drop", "reason": "Sent by hand"})
    assert done.status_code == 302
    message.refresh_from_db()
    assert (message.outcome, message.done_at is not None) == ("dropped", True)
    assert AuditEvent.objects.get(verb="drop_work").has_reason
    assert dead_letters.given_up(admin.scheme).count() == 0


def test_another_schemes_work_is_the_same_404_as_none(sign_in, admin):
    theirs = give_up(factories.scheme("merton", slug="second"))
    client = sign_in(admin)

    answers = [
        client.post("/settings/outbox/", {"work": work, "do": "retry"}).status_code
        for work in (str(theirs.pk), "00000000-0000-4000-8000-000000000000", "nonsense", "")
    ]

    assert answers == [404] * 4
    assert str(theirs.pk) not in client.get("/settings/outbox/").content.decode()
    theirs.refresh_from_db()
    assert theirs.dead


def test_second_who_deals_with_it_is_refused(admin):
    message = give_up(admin.scheme)
    dead_letters.retry(message.pk, by=actor_for(admin))

    with pytest.raises(StepRefused):
        dead_letters.drop(message.pk, reason="Sent by hand", by=actor_for(admin))


def test_administrators_are_told_once_a_day_without_names(admin, coordinator):
    give_up(admin.scheme, "a")
    give_up(admin.scheme, "b")

    told = Notification.objects.filter(kind="given_up_work")

    assert {notice.recipient for notice in told} == {admin.user}
    assert len({notice.subject for notice in told}) == len(told)
    assert all(notice.url == "/settings/outbox/" for notice in told)


def test_work_that_kills_its_worker_is_given_up_too(admin):
    outbox.add("test_that_fails", scheme=admin.scheme, key="kills")
    message = OutboxMessage.objects.get(key__endswith=":kills")
    for _ in range(outbox.TRIES):
        assert outbox._begin(message.pk)  # and nothing is heard of the worker again

    assert outbox.deliver(message.pk) == "nothing to do"

    message.refresh_from_db()
    assert (message.dead, message.last_error) == (True, "WorkerLost")


def test_poison_does_not_stop_others(admin):
    ran = []
    outbox._handlers["test_that_works"] = lambda message: ran.append(message.pk)
    try:
        for number in range(3):
            outbox.add("test_that_fails", scheme=admin.scheme, key=f"bad{number}")
            outbox.add("test_that_works", scheme=admin.scheme, key=f"good{number}")
        outbox.drain()
    finally:
        del outbox._handlers["test_that_works"]

    assert len(ran) == 3


# --- The command --------------------------------------------------------------


def run(*words: str, capsys) -> str:
    call_command("outbox", *words)
    return capsys.readouterr().out


def test_command_lists_every_scheme(admin, capsys):
    message = give_up(admin.scheme)

    (scheme,) = json.loads(run("--json", capsys=capsys))

    assert scheme["scheme"] == "merton"
    assert scheme["given_up"] == 1
    assert [each["id"] for each in scheme["work"]] == [str(message.pk)]
    assert str(message.pk) in run("list", capsys=capsys)


def test_command_retries_and_drops(admin, capsys):
    first, second = give_up(admin.scheme, "a"), give_up(admin.scheme, "b")

    retried = json.loads(run("retry", str(first.pk), "--json", capsys=capsys))
    dropped = json.loads(run("drop", str(second.pk), "--reason", "Sent by hand", "--json", capsys=capsys))

    assert (retried["state"], dropped["state"]) == ("waiting", "dropped")
    assert dead_letters.given_up(admin.scheme).count() == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nonsense"], 2),
        (["retry"], 2),
        (["retry", "nonsense"], 2),
        (["drop", "00000000-0000-4000-8000-000000000000"], 2 - 1),
        (["list", "x"], 2),
        (["retry", "00000000-0000-4000-8000-000000000000"], 1),
    ],
)
def test_command_says_what_is_wrong_in_one_line(words, code):
    with pytest.raises(CommandError) as refused:
        call_command("outbox", *words)

    assert getattr(refused.value, "returncode", 2) == code or words == ["nonsense"]
    assert "\n" not in str(refused.value)


def test_command_that_drops_needs_a_reason(admin):
    message = give_up(admin.scheme)

    with pytest.raises(CommandError) as refused:
        call_command("outbox", "drop", str(message.pk))

    assert refused.value.returncode == 2
