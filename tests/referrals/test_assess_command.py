"""`assess_eligibility` as a user runs it: no database, one line in, one line out."""

import json

import pytest
from django.core.management import CommandError, call_command

PERSON = {"id": "a", "as_of": "2026-12-15", "ogrs2": 82, "mappa_level": 0}


@pytest.fixture
def run(tmp_path):
    """Runs the command over the given bytes or objects and returns the answers."""

    def over(lines, *arguments):
        source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        content = lines if isinstance(lines, bytes) else "\n".join(json.dumps(line) for line in lines).encode()
        source.write_bytes(content)
        call_command("assess_eligibility", *arguments, str(source), str(target))
        return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]

    return over


@pytest.mark.feature(305)
@pytest.mark.feature(100)
def test_line_is_answered_with_outcome_route_and_every_clause(run):
    assert run([PERSON], "--scheme", "merton") == [
        {
            "id": "a",
            "outcome": "eligible",
            "route": "ogrs_75",
            "clauses": [
                {"clause": "ogrs_75", "kind": "criterion", "met": True, "source": "Merton, step 3"},
                {"clause": "high_risk_of_harm", "kind": "criterion", "met": None, "source": "Merton, step 3"},
                {"clause": "mappa_2_3", "kind": "exclusion", "met": False, "source": "Merton, step 1"},
            ],
        }
    ]


@pytest.mark.feature(96)
def test_known_exclusion_is_said_and_no_route_given(run):
    answer = run([{**PERSON, "mappa_level": 2}], "--scheme", "merton")[0]

    assert (answer["outcome"], answer["route"]) == ("excluded", None)


@pytest.mark.feature(104)
def test_draft_criteria_are_asked_for_by_name(run):
    answer = run([{**PERSON, "ovp": 30}], "--scheme", "waltham_forest", "--criteria", "draft_london")[0]

    assert (answer["outcome"], answer["route"]) == ("eligible", "ogrs_75_ovp_30")


@pytest.mark.feature(110)
def test_young_offenders_are_assessed_by_their_own_criteria(run):
    person = {"id": 7, "as_of": "2026-12-15", "mappa_level": 0, "on_yot_order": True, "asset_score": 24}

    answer = run([person], "--scheme", "richmond", "--criteria", "dyo")[0]

    assert (answer["id"], answer["outcome"], answer["route"]) == (7, "eligible", "asset_24")


def test_answers_stand_in_the_order_of_the_lines_without_the_blank_ones(run):
    content = b'{"id":2,"as_of":"2026-12-15"}\r\n\r\n   \n{"id":1,"as_of":"2026-12-15"}\n\n'

    assert [answer["id"] for answer in run(content, "--scheme", "merton")] == [2, 1]


@pytest.mark.parametrize(
    ("line", "identity", "error"),
    [
        pytest.param(b"{", None, "line 1: not JSON: Expecting property name", id="broken-json"),
        pytest.param(b"[1]", None, "line 1: not a JSON object", id="not-an-object"),
        pytest.param(b"\xff\xfe", None, "line 1: not UTF-8 text", id="not-utf-8"),
        pytest.param(b'{"id":1,"as_of":"2026-12-15","ogrs2":NaN}', None, "NaN is not a JSON value", id="nan"),
        pytest.param(b'{"id":1,"ogrs2":1,"ogrs2":99}', None, "the key 'ogrs2' stands twice", id="key-twice"),
        pytest.param(b"[" * 100_000, None, "nested too deeply", id="too-deep"),
        pytest.param(b'{"as_of":"2026-12-15"}', None, "id is missing", id="no-id"),
        pytest.param(b'{"id":true,"as_of":"2026-12-15"}', None, "id is missing", id="id-of-no-use"),
        pytest.param(b'{"id":"a"}', "a", "as_of is missing", id="no-day"),
        pytest.param(b'{"id":"a","as_of":"15/12/2026"}', "a", "as_of must be a date", id="day-in-words"),
        pytest.param(b'{"id":"a","as_of":"2026-12-15","ogrs2":"82"}', "a", "ogrs2 must be", id="wrong-kind"),
    ],
)
def test_bad_line_is_answered_with_its_errors_and_the_rest_goes_on(run, line, identity, error):
    answers = run(line + b"\n" + json.dumps(PERSON).encode(), "--scheme", "merton")

    assert (answers[0]["id"], answers[0]["outcome"]) == (identity, "error")
    assert any(error in words for words in answers[0]["errors"])
    assert set(answers[0]) == {"id", "outcome", "errors"}
    assert answers[1]["outcome"] == "eligible"


def test_file_with_a_byte_order_mark_is_read(run):
    assert run(b"\xef\xbb\xbf" + json.dumps(PERSON).encode(), "--scheme", "merton")[0]["id"] == "a"


def test_empty_file_is_answered_with_an_empty_one(run):
    assert run(b"", "--scheme", "merton") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scheme", "camden"], "no scheme 'camden'; choose from: hampshire, london, merton"),
        (["--scheme", "merton", "--criteria", "dyo"], "merton has no criteria 'dyo'; choose from: standard"),
    ],
    ids=["scheme", "criteria"],
)
def test_unknown_rules_end_with_exit_code_2(run, arguments, words):
    with pytest.raises(CommandError, match=words) as caught:
        run([PERSON], *arguments)

    assert caught.value.returncode == 2


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("absent.jsonl", "out.jsonl", "cannot be read"),
        (".", "out.jsonl", "cannot be read"),
        ("in.jsonl", "no/such/folder/out.jsonl", "cannot be written"),
    ],
    ids=["absent", "folder", "nowhere-to-write"],
)
def test_unusable_file_ends_with_exit_code_2(tmp_path, source, target, words):
    (tmp_path / "in.jsonl").write_text("")

    with pytest.raises(CommandError, match=words) as caught:
        call_command("assess_eligibility", "--scheme", "merton", str(tmp_path / source), str(tmp_path / target))

    assert caught.value.returncode == 2
