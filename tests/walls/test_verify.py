"""`audit_verify` finds whatever somebody who may write everything in the database does to a chain (security.md U9).

The forgers here are superusers who switch the triggers off; some of them compute every hash anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from iom import chain, heads, walls
from iom.models import Scheme
from tests import conftest, factories

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def places(settings, tmp_path):
    settings.AUDIT_HEADS = [(tmp_path / "heads.jsonl").as_uri()]
    return tmp_path / "heads.jsonl"


@pytest.fixture
def scheme(committed) -> Scheme:
    """One with a chain of some dozens of events, and nothing of what other tests left behind."""
    forge("TRUNCATE audit.event, audit.head")
    made = factories.scheme("merton")
    for _ in range(3):
        factories.case(made)
    return made


def forge(*statements: str, **values) -> list[tuple]:
    """As somebody who owns the server and leaves no trigger in the way."""
    with conftest._server._superuser(connection.settings_dict["NAME"]) as forger:
        forger.execute("SET session_replication_role = replica")
        for table, trigger in (("audit.event", "event_stays"), ("audit.head", "head_stays")):
            forger.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        try:
            for statement in statements:
                done = forger.execute(statement, values or None)
            return done.fetchall() if done.description else []
        finally:
            for table, trigger in (("audit.event", "event_stays"), ("audit.head", "head_stays")):
                forger.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


def rewrite(scheme: Scheme, since: int) -> None:
    """Hash everything from `since` on anew, head included, as the database would have done."""
    rows = forge(
        "SELECT sequence, hash, body::text FROM audit.event WHERE scheme_id = %(s)s ORDER BY sequence", s=scheme.pk
    )
    previous = b""
    for sequence, stored, text in rows:
        if sequence >= since:
            stored = hashlib.sha256(previous + text.encode()).digest()
            forge(
                "UPDATE audit.event SET hash = %(h)s WHERE scheme_id = %(s)s AND sequence = %(n)s",
                h=stored,
                s=scheme.pk,
                n=sequence,
            )
        previous = stored
    forge(
        "UPDATE audit.head SET hash = %(h)s, sequence = %(n)s WHERE scheme_id = %(s)s",
        h=previous,
        n=rows[-1][0],
        s=scheme.pk,
    )


def verify(*arguments: str) -> tuple[int, dict]:
    """Exit code and answer."""
    said, code = io.StringIO(), 0
    try:
        call_command("audit_verify", "--json", *arguments, stdout=said)
    except CommandError as error:
        code = error.returncode
    return code, json.loads(said.getvalue() or "null")


def first_bad(scheme: Scheme) -> int | None:
    code, answer = verify()
    (found,) = [each for each in answer["chains"] if each["number"] == scheme.pk]
    assert code == (0 if answer["whole"] else 1)
    return found["first_bad"]


def length(scheme: Scheme) -> int:
    return forge("SELECT max(sequence) FROM audit.event WHERE scheme_id = %(s)s", s=scheme.pk)[0][0]


def test_a_chain_that_nobody_touched_is_whole(scheme):
    code, answer = verify()

    (found,) = answer["chains"]
    assert (code, answer["whole"], found["scheme"], found["events"]) == (0, True, "merton", length(scheme))


def test_words_for_people_name_the_scheme_and_the_first_bad_event(scheme):
    forge('UPDATE audit.event SET body = body || \'{"actor": "user:1"}\' WHERE sequence = 5')
    said = io.StringIO()

    with pytest.raises(CommandError) as refused:
        call_command("audit_verify", stdout=said)

    assert refused.value.returncode == 1
    assert "merton: NOT whole, first bad event 5: " in said.getvalue()


@pytest.mark.parametrize(
    ("forgery", "bad"),
    [
        pytest.param('UPDATE audit.event SET body = body || \'{"verb": "look"}\' WHERE sequence = 7', 7, id="edit"),
        pytest.param('UPDATE audit.event SET body = body || \'{"actor": "user:9"}\' WHERE sequence = 7', 7, id="actor"),
        pytest.param("UPDATE audit.event SET body = body || '{\"at\": 1}' WHERE sequence = 7", 7, id="time"),
        pytest.param("UPDATE audit.event SET hash = sha256('x') WHERE sequence = 7", 7, id="hash"),
        pytest.param("DELETE FROM audit.event WHERE sequence = 7", 7, id="deletion"),
        pytest.param("DELETE FROM audit.event WHERE sequence = 1", 1, id="deletion of the first"),
        pytest.param("DELETE FROM audit.event WHERE sequence > 7", 8, id="cut tail"),
        pytest.param("UPDATE audit.head SET sequence = sequence - 1", None, id="head set back"),
        pytest.param("UPDATE audit.head SET hash = sha256('x')", None, id="another head"),
        pytest.param("DELETE FROM audit.head", None, id="no head"),
        pytest.param(
            "INSERT INTO audit.event SELECT scheme_id, sequence + 1, hash, body FROM audit.event "
            "ORDER BY sequence DESC LIMIT 1",
            None,
            id="insertion at the end",
        ),
        pytest.param("DELETE FROM audit.event; DELETE FROM audit.head", 1, id="missing chain"),
    ],
)
def test_a_forgery_is_found_by_its_first_event(scheme, forgery, bad):
    last = length(scheme)
    forge(*forgery.split("; "))

    found = first_bad(scheme)
    assert found == bad if bad else found in (last, last + 1)


def test_an_insertion_in_the_middle_is_found(scheme):
    forge(
        "UPDATE audit.event SET sequence = -sequence - 1 WHERE sequence > 6",
        "UPDATE audit.event SET sequence = -sequence WHERE sequence < 0",
        "INSERT INTO audit.event SELECT scheme_id, 7, hash, body FROM audit.event WHERE sequence = 6",
        "UPDATE audit.head SET sequence = sequence + 1",
    )

    assert first_bad(scheme) == 7


def test_an_insertion_with_every_hash_made_anew_is_found_by_what_the_events_say(scheme):
    forge(
        "UPDATE audit.event SET sequence = -sequence - 1 WHERE sequence > 6",
        "UPDATE audit.event SET sequence = -sequence WHERE sequence < 0",
        "INSERT INTO audit.event SELECT scheme_id, 7, hash, body FROM audit.event WHERE sequence = 6",
    )
    rewrite(scheme, 7)

    assert first_bad(scheme) == 7


def test_two_events_that_changed_places_are_found(scheme):
    forge(
        "UPDATE audit.event SET sequence = -7 WHERE sequence = 7",
        "UPDATE audit.event SET sequence = 7 WHERE sequence = 8",
        "UPDATE audit.event SET sequence = 8 WHERE sequence = -7",
    )

    assert first_bad(scheme) == 7


def test_a_time_before_the_one_before_is_found_though_every_hash_is_made_anew(scheme):
    forge("UPDATE audit.event SET body = body || '{\"at\": 1}' WHERE sequence = 7")
    rewrite(scheme, 7)

    assert first_bad(scheme) == 7


def test_a_rewritten_suffix_agrees_with_itself_and_is_found_by_the_heads_outside(scheme):
    heads.send()
    at = length(scheme)
    factories.case(scheme)
    forge('UPDATE audit.event SET body = body || \'{"actor": "user:9"}\' WHERE sequence = 7')
    rewrite(scheme, 7)

    code, answer = verify()
    (found,) = answer["chains"]
    assert (code, found["first_bad"]) == (1, at)
    assert "rewritten" in found["what"]


def test_without_heads_outside_a_rewritten_suffix_is_not_found(scheme):
    """Why heads must leave: this is the limit of a chain that its forger holds."""
    forge('UPDATE audit.event SET body = body || \'{"actor": "user:9"}\' WHERE sequence = 7')
    rewrite(scheme, 7)

    assert first_bad(scheme) is None


def test_a_rewriting_is_placed_between_the_last_head_that_agrees_and_the_first_that_does_not(scheme):
    heads.send()
    before = length(scheme)
    factories.case(scheme)
    heads.send()
    after = length(scheme)
    forge('UPDATE audit.event SET body = body || \'{"actor": "user:9"}\' WHERE sequence = %(n)s' % {"n": before + 1})
    rewrite(scheme, before + 1)

    _, answer = verify()
    (found,) = answer["chains"]
    assert (found["first_bad"], f"after event {before}" in found["what"]) == (after, True)


def test_a_tail_cut_off_with_its_head_is_found_by_the_heads_outside(scheme):
    heads.send()
    last = length(scheme)
    forge(f"DELETE FROM audit.event WHERE sequence > {last - 3}")
    rewrite(scheme, last - 3)

    assert first_bad(scheme) == last - 2


def test_a_chain_that_went_with_everything_is_found_by_the_heads_outside(scheme):
    heads.send()
    forge("DELETE FROM audit.event", "DELETE FROM audit.head")
    number = scheme.pk
    with walls.within(scheme, cause="test"):
        pass
    code, answer = verify()

    (found,) = [each for each in answer["chains"] if each["number"] == number]
    assert (code, found["first_bad"]) == (1, 1)


def test_another_scheme_stays_whole(scheme):
    london = factories.scheme("london")
    forge(f"DELETE FROM audit.event WHERE sequence = 7 AND scheme_id = {scheme.pk}")

    _, answer = verify()
    assert {each["scheme"]: each["whole"] for each in answer["chains"]} == {"merton": False, "london": True}
    assert verify("--scheme", "london")[0] == 0
    assert verify("--scheme", "merton")[0] == 1
    assert london.pk != scheme.pk


def test_an_event_of_another_scheme_is_found(scheme):
    london = factories.scheme("london")
    forge(
        f"UPDATE audit.event e SET body = o.body, hash = o.hash FROM audit.event o WHERE e.scheme_id = {london.pk} "
        f"AND e.sequence = 1 AND o.scheme_id = {scheme.pk} AND o.sequence = 1"
    )

    assert first_bad(london) == 1


def test_events_written_meanwhile_are_none_of_this(scheme):
    """All is read as of one moment: writers go on."""
    heads.send()
    factories.case(scheme)

    assert first_bad(scheme) is None


# --- What was kept outside -------------------------------------------------------------------


def test_heads_given_in_a_file_are_compared(scheme, tmp_path, places, settings):
    heads.send()
    kept = tmp_path / "kept.jsonl"
    kept.write_text(places.read_text())
    settings.AUDIT_HEADS = ["mailto:auditor@example.org"]
    forge('UPDATE audit.event SET body = body || \'{"actor": "user:9"}\' WHERE sequence = 7')
    rewrite(scheme, 7)

    assert verify()[0] == 0
    assert verify("--heads", str(kept))[0] == 1


def test_heads_with_another_signature_are_not_believed(scheme, places):
    heads.send()
    line = json.loads(places.read_text().splitlines()[0])
    places.write_text(json.dumps(line | {"sequence": line["sequence"] - 1}) + "\n")

    code, answer = verify()
    assert (code, answer["outside"][0]["problem"]) == (1, "line 1 is not signed by the panel")


def test_heads_of_an_older_key_are_believed_as_long_as_it_is_kept(scheme, settings):
    heads.send()
    older = settings.HEADS_KEYS[0]
    settings.HEADS_KEYS = ["n" * 30 + "ewer-key-of-the-heads", older]
    assert verify()[0] == 0

    settings.HEADS_KEYS = settings.HEADS_KEYS[:1]
    assert verify()[0] == 1


def test_heads_of_a_key_that_is_given_are_believed(scheme, settings, tmp_path, places):
    heads.send()
    kept = tmp_path / "kept.jsonl"
    kept.write_text(places.read_text())
    (public,) = heads.public_keys()
    places.unlink()
    settings.AUDIT_HEADS = ["mailto:auditor@example.org"]
    settings.HEADS_KEYS = ["n" * 30 + "ewer-key-of-the-heads"]

    assert verify("--heads", str(kept))[0] == 1
    assert verify("--heads", str(kept), "--key", public)[0] == 0


def test_a_file_of_heads_that_is_gone_is_no_agreement(scheme, places):
    heads.send()
    places.unlink()

    code, answer = verify()
    assert (code, answer["outside"][0]["problem"]) == (1, "the file is gone")


@pytest.mark.parametrize("line", ["{}", "nothing", '{"scheme": "7"}', "[1, 2]"])
def test_a_line_that_is_no_head_is_found(scheme, places, line):
    heads.send()
    places.write_text(places.read_text() + line + "\n")

    assert verify()[0] == 1


# --- Arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scheme", "nowhere"],
        ["--heads", "/nowhere/heads.jsonl"],
        ["--key", "AAAA"],
        ["--heads", "/dev/null"],
    ],
)
def test_wrong_arguments_end_with_two(scheme, arguments):
    with pytest.raises(CommandError) as refused:
        call_command("audit_verify", *arguments)

    assert refused.value.returncode == 2


def test_a_key_that_is_none_is_a_wrong_argument(scheme, places):
    heads.send()
    with pytest.raises(CommandError) as refused:
        call_command("audit_verify", "--heads", str(places), "--key", "AAAA")

    assert refused.value.returncode == 2


def test_the_public_key_is_printed(scheme):
    said = io.StringIO()
    call_command("audit_verify", "--public-key", stdout=said)

    assert said.getvalue().split() == heads.public_keys()


# --- The rules alone, and how long they take -------------------------------------------------


def made(count: int, scheme: int = 7) -> tuple[list[chain.Link], chain.Tip]:
    """A chain as the database makes it, of events as long as those of a page read."""
    links, previous = [], b""
    for sequence in range(1, count + 1):
        text = (
            f'{{"at": {1_700_000_000_000_000 + sequence}, "kind": "read", "verb": "read", "actor": "user:12", "scheme": '
            f'{scheme}, "roles": "coordinator", "agency": "9", "context": {{"of": "IOM-0147", "page": "case", "method": '
            f'"GET"}}, "request": "0123456789ab", "address": "192.0.2.7", "sequence": {sequence}, "subjects": ["P12"]}}'
        )
        previous = hashlib.sha256(previous + text.encode()).digest()
        links.append((sequence, previous, text))
    return links, chain.Tip(count, previous)


def test_an_empty_chain_without_a_head_is_missing():
    assert chain.check(7, [], tip=None).first_bad == 1


def test_an_empty_chain_with_an_empty_head_is_whole():
    assert chain.check(7, [], tip=chain.Tip(0, b"")).whole


def test_recomputing_keeps_the_pace_that_a_million_events_in_a_minute_need():
    links, tip = made(50_000)
    began = time.process_time()
    found = chain.check(7, links, tip=tip)
    pace = 50_000 / (time.process_time() - began)

    assert found.whole
    assert pace > 4 * 1_000_000 / 60
