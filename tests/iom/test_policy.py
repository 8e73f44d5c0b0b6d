"""Schemes as data: every preset loads, cites its document, and a bad one is refused in words."""

import copy
import json
import re
from pathlib import Path
from typing import get_args

import pytest

import iom.policy
from iom.policy import PolicyError, load_preset, parse_policy, preset_slugs, read_policy_file
from iom.policy import base, bodies, joining, managing, schema
from iom.policy.loader import parse_toml

SCHEMES = ("hampshire", "london", "merton", "richmond", "waltham_forest")

# The places of each document that may be cited: its numbered paragraphs, steps and headings.
PLACES = {
    "merton": r"Merton, (step [1-8]|Objective|Composition of the Panel|Chairs|Members|Frequency|Reporting|"
    r"Substitution|Attendees by invitation|Roles|RAG Rating|Catchment area|Information storage and sharing)",
    "london": r"London, (step [1-7]|Offender Management|Police|Probation|HMP|Local Authority|Meeting Structure|"
    r"Support for Boroughs|Intelligence|RAG Rating|Criminal Justice)",
    "richmond": r"Richmond, (1\.(1?[0-9])|2\.([1-9]|1[01])|3\.([1-9]|1[0-4])|4\.([1-9]|1[0-7])|[1-4] introduction|"
    r"principle [1-5]|Introduction|Structures|Local Picture)",
    "waltham_forest": r"Waltham Forest, (1\.[12]|2\.[123]|3\.[1-4]|4\.[1-5]|5\.([1-9]|1[0-5])|6\.[12]|7\.[1-5]|"
    r"Appendix [12])",
    "hampshire": r"Hampshire, (Role of IOM|Aim of IOM|Criteria|Multi-Agency Meetings|Once Accepted|"
    r"Information Sharing|When IOM Ends|YOT Partnerships|Transfer Process|GPS Tagging)",
}


@pytest.fixture
def document():
    """The complete rules of a scheme, as a plain mapping to spoil."""
    return copy.deepcopy(load_preset("merton").model_dump(mode="json"))


def refused(document):
    with pytest.raises(PolicyError) as caught:
        parse_policy(document, origin="spoiled.toml")
    return str(caught.value)


def leaves(value, path=""):
    """Every object that carries a source, with its path."""
    if isinstance(value, dict):
        if "source" in value:
            yield path, value["source"]
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]")


def test_five_schemes_ship():
    assert preset_slugs() == SCHEMES


@pytest.mark.parametrize("slug", SCHEMES)
def test_preset_survives_being_stored_as_json_in_any_key_order(slug):
    policy = load_preset(slug)

    stored = json.dumps(policy.model_dump(mode="json"), sort_keys=True)

    assert parse_policy(json.loads(stored), origin="stored") == policy


@pytest.mark.parametrize("slug", SCHEMES)
def test_preset_cites_only_places_of_its_document(slug):
    sources = dict(leaves(load_preset(slug).model_dump(mode="json")))

    strange = {
        path: source
        for path, source in sources.items()
        if source != "default" and not re.fullmatch(PLACES[slug], source)
    }

    assert strange == {}
    assert sum(source != "default" for source in sources.values()) >= 40


@pytest.mark.parametrize("slug", SCHEMES)
def test_preset_marks_each_default_as_such(slug):
    shipped = dict(leaves(parse_toml(preset_text("defaults"), origin="defaults.toml")))

    assert set(shipped.values()) == {"default"}


def preset_text(name):
    return (Path(iom.policy.__file__).parent / "presets" / f"{name}.toml").read_text(encoding="utf-8")


def test_every_table_of_the_schema_has_a_source_or_holds_only_sourced_tables():
    unsourced = {
        model.__name__
        for module in (base, bodies, joining, managing, schema)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, schema.Shape) and "source" not in model.model_fields
    }

    # Shapes that hold sourced tables, and the parts of an expression, which its clause cites.
    assert unsourced == {
        *("Shape", "Policy", "BodyPolicy", "Deadlines", "Posts", "Nomination", "Age"),
        *("NumberTest", "FlagTest", "TextTest", "ChoiceTest", "OffenceTest", "AllOf", "AnyOf"),
    }


@pytest.mark.parametrize(
    ("slug", "bodies_in_order"),
    [
        ("merton", ["panel", "board"]),
        ("london", ["panel", "iom-board", "rrb", "weekly", "daily"]),
        ("richmond", ["iom", "asb", "dyo", "strategic"]),
        ("waltham_forest", ["panel", "casework"]),
        ("hampshire", ["macc", "map", "transfer"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bodies_stand_in_order_with_the_default_first(slug, bodies_in_order):
    policy = load_preset(slug)

    assert [body.slug for body in policy.bodies] == bodies_in_order
    assert policy.default_body.slug == bodies_in_order[0]
    assert policy.deciding_body.slug == bodies_in_order[0]


# What the documents say, written out by hand: scheme, what, how to read it, value, source.
SAID = [
    ("merton", "nominations go to", lambda p: p.nomination.receiving_post_, "Strategic Priority Lead for Offending", "Merton, step 1"),
    ("merton", "venue", lambda p: p.body("panel").venue_, "Merton Civic Centre", "Merton, Frequency"),
    ("merton", "visibility", lambda p: p.case_visibility_, "all_seats", "Merton, step 7"),
    ("merton", "researcher", lambda p: p.posts.researcher_, "IOM Researcher", "Merton, step 2"),
    ("waltham_forest", "coordinator", lambda p: p.posts.coordinator_, "IOM Coordinator", "Waltham Forest, 5.10"),
    ("richmond", "same day", lambda p: p.body("iom").same_day_, ("asb", "dyo"), "Richmond, Structures"),
    ("richmond", "strategic admin", lambda p: p.body("strategic").admin_, "Probation", "Richmond, 1.9"),
    ("richmond", "deciding bodies", lambda p: p.deciding_bodies_, ("iom", "strategic"), "Richmond, 4.14"),
    ("hampshire", "statutory only", lambda p: p.statutory_only_, True, "Hampshire, Criteria"),
    ("london", "statutory only", lambda p: p.statutory_only_, False, "London, step 6"),
]  # fmt: skip


@pytest.mark.parametrize(("slug", "what", "read", "value", "source"), SAID, ids=[f"{s[0]}-{s[1]}" for s in SAID])
def test_preset_says_what_its_document_says(slug, what, read, value, source):
    entry = read(load_preset(slug))

    assert (entry.value, entry.source) == (value, source)


@pytest.mark.parametrize(
    ("slug", "body", "every", "unit"),
    [
        ("merton", "panel", 1, "month"),
        ("london", "panel", 2, "week"),
        ("london", "iom-board", 2, "month"),
        ("london", "rrb", 2, "month"),
        ("london", "weekly", 1, "week"),
        ("london", "daily", 1, "day"),
        ("richmond", "iom", 1, "month"),
        ("richmond", "strategic", 1, "month"),
        ("waltham_forest", "panel", 1, "month"),
        ("waltham_forest", "casework", 1, "week"),
        ("hampshire", "macc", 1, "month"),
        ("hampshire", "map", 1, "week"),
        ("hampshire", "transfer", 3, "month"),
    ],
)
def test_cadence_is_the_documents(slug, body, every, unit):
    cadence = load_preset(slug).body(body).cadence

    assert (cadence.every, cadence.unit) == (every, unit)
    assert not cadence.is_default


def test_merton_panel_meets_a_fortnight_after_the_youth_panel():
    assert load_preset("merton").body("panel").relative_to.days == 14


@pytest.mark.parametrize(
    ("slug", "body", "post", "agency_kind"),
    [
        ("merton", "panel", "Senior Probation Officer", "probation"),
        ("richmond", "iom", "Senior Probation Officer", "probation"),
        ("richmond", "asb", "Acting Chief Inspector for Safer Neighbourhood Teams", "police"),
        ("richmond", "dyo", "YOT Assistant Manager or Manager", "youth_justice"),
        ("richmond", "strategic", "Assistant Chief Officer", "probation"),
        ("hampshire", "macc", "IOM Police Inspector", "police"),
    ],
)
def test_chair_is_the_documents(slug, body, post, agency_kind):
    chair = load_preset(slug).body(body).chair

    assert (chair.post, chair.agency_kind, chair.is_default) == (post, agency_kind, False)


def test_merton_reviews_its_chair_every_year():
    assert load_preset("merton").body("panel").chair.review_months == 12


@pytest.mark.parametrize(
    ("slug", "body", "organisations", "source"),
    [
        ("merton", "panel", None, "default"),
        ("richmond", "iom", 4, "Richmond, 4.9"),
        ("richmond", "strategic", 4, "Richmond, 1.11"),
        ("richmond", "asb", None, "default"),
        ("hampshire", "macc", None, "default"),
    ],
)
def test_quorum_counts_organisations_where_the_document_sets_one(slug, body, organisations, source):
    quorum = load_preset(slug).body(body).quorum

    assert (quorum.organisations, quorum.source) == (organisations, source)


@pytest.mark.parametrize(
    ("slug", "body", "kind", "casting", "source"),
    [
        ("merton", "panel", "consensus", False, "default"),
        ("london", "panel", "consensus", False, "default"),
        ("richmond", "iom", "majority", True, "Richmond, 4.10"),
        ("richmond", "strategic", "majority", True, "Richmond, 1.12"),
        ("richmond", "asb", "chair_final", False, "Richmond, 2.10"),
        ("waltham_forest", "panel", "majority", True, "default"),
        ("hampshire", "macc", "collaborative", False, "Hampshire, Multi-Agency Meetings"),
    ],
)
def test_decision_rule_is_the_documents(slug, body, kind, casting, source):
    rule = load_preset(slug).body(body).decision_rule

    assert (rule.kind, rule.casting_vote, rule.source) == (kind, casting, source)


@pytest.mark.parametrize(
    ("slug", "body", "kind", "officer"),
    [
        ("merton", "panel", "to_panel_with_warning", ""),
        ("richmond", "asb", "tell_officer", "Anti-Social Behaviour Officer"),
        ("hampshire", "macc", "outside_panel", ""),
    ],
)
def test_late_rule_is_the_documents(slug, body, kind, officer):
    rule = load_preset(slug).body(body).late_rule

    assert (rule.kind, rule.officer, rule.is_default) == (kind, officer, False)


@pytest.mark.parametrize(
    ("slug", "body", "kind"),
    [
        ("merton", "panel", "every_case"),
        ("london", "panel", "by_exception"),
        ("london", "daily", "not_cases"),
        ("waltham_forest", "panel", "focus"),
        ("waltham_forest", "casework", "rota"),
    ],
)
def test_agenda_rule_is_the_documents(slug, body, kind):
    assert load_preset(slug).body(body).agenda_rule.kind == kind


@pytest.mark.parametrize(
    ("slug", "body", "seats", "organisations"),
    [
        ("merton", "panel", 15, 15),
        ("richmond", "iom", 15, 12),
        ("richmond", "asb", 17, 15),
        ("richmond", "dyo", 8, 6),
        ("richmond", "strategic", 9, 6),
        ("waltham_forest", "panel", 10, 10),
    ],
)
def test_seats_are_those_of_the_membership_list(slug, body, seats, organisations):
    rules = load_preset(slug).body(body)

    assert (len(rules.seats), len(rules.organisations)) == (seats, organisations)


def test_richmond_seats_needed_only_now_and_then_are_the_three_of_the_list():
    seats = load_preset("richmond").body("iom").seats

    assert [seat.organisation for seat in seats if seat.attends == "as_required"] == [
        "Youth Offending Team",
        "Social Services",
        "Prisons",
    ]


@pytest.mark.parametrize("body", ["iom", "strategic"])
def test_richmond_succession_is_vice_chair_then_senior_police_or_council(body):
    succession = load_preset("richmond").body(body).succession

    assert [step.kind for step in succession] == ["vice_chair", "senior_of_kinds"]
    assert succession[1].agency_kinds == ("police", "council")


@pytest.mark.parametrize(
    ("slug", "body", "opens"),
    [
        ("merton", "panel", True),
        ("merton", "board", False),
        ("richmond", "iom", True),
        ("richmond", "asb", False),
        ("richmond", "dyo", False),
        ("hampshire", "transfer", False),
    ],
)
def test_seat_opens_the_cohort_only_on_panels_that_work_on_it(slug, body, opens):
    assert load_preset(slug).body(body).opens_cohort is opens


@pytest.mark.parametrize(
    ("slug", "force", "months", "decided_by"),
    [
        ("merton", "expected_at", 6, "panel"),
        ("london", "agreed_period", None, "panel"),
        ("richmond", "agreed_period", None, "iom"),
        ("waltham_forest", "up_to", 6, "panel"),
        ("hampshire", "end_of_supervision", None, None),
    ],
)
def test_exit_rule_is_the_documents(slug, force, months, decided_by):
    rule = load_preset(slug).exit

    assert (rule.force, rule.green_months, rule.decided_by) == (force, months, decided_by)


@pytest.mark.parametrize(
    ("slug", "colours"),
    [
        ("merton", "RED AMBER GREEN BLUE"),
        ("london", "RED AMBER GREEN BLUE"),
        ("richmond", "RED AMBER GREEN BLUE"),
        ("waltham_forest", "RED AMBER GREEN BLUE"),
        ("hampshire", "RED AMBER GREEN"),
    ],
)
def test_ratings_are_the_documents_and_each_suggests_something_to_do(slug, colours):
    policy = load_preset(slug)

    assert [rating.colour for rating in policy.ratings] == colours.split()
    assert policy.blue.used is ("BLUE" in colours)
    assert all(policy.tactics(colour) for colour in colours.split())
    assert {option.rating for option in policy.tactical_options} == set(colours.split())


@pytest.mark.parametrize(
    ("slug", "rule", "colour"),
    [
        ("merton", "panel_decides", None),
        ("london", "panel_decides", None),
        ("waltham_forest", "fixed", "RED"),
        ("hampshire", "panel_decides", None),
    ],
)
def test_first_rating_is_the_documents(slug, rule, colour):
    first = load_preset(slug).first_rating

    assert (first.rule, first.colour, first.is_default) == (rule, colour, False)


@pytest.mark.parametrize(
    ("slug", "number", "first"),
    [
        ("merton", 5, "Accommodation"),
        ("london", 9, "Accommodation"),
        ("richmond", 7, "Accommodation"),
        ("waltham_forest", 7, "Accommodation"),
        ("hampshire", 7, "Accommodation"),
    ],
)
def test_pathways_are_the_documents(slug, number, first):
    pathways = load_preset(slug).pathways

    assert (len(pathways), pathways[0].name) == (number, first)


@pytest.mark.parametrize("slug", ["merton", "london"])
def test_lead_agency_goes_by_supervision_then_addiction_then_choice(slug):
    rules = load_preset(slug).lead_agency_rules

    # London's duties of probation count everybody rated Red among those whom it manages.
    red = [("red", "probation")] if slug == "london" else []
    assert [(rule.when, rule.agency_kind) for rule in rules] == [
        *red,
        ("statutory", "probation"),
        ("non_statutory_addiction", "substance_misuse"),
        ("otherwise", None),
    ]


def test_hampshire_is_led_by_police_with_no_second_contact():
    policy = load_preset("hampshire")

    assert [rule.agency_kind for rule in policy.lead_agency_rules] == ["police"]
    assert policy.lead("lead_professional").agency_kind == "police"
    assert policy.lead("police_officer") is None


def test_merton_reviews_after_a_month_and_at_every_panel():
    policy = load_preset("merton")

    assert policy.review("first").months == 1
    assert policy.review("progress").every_meetings == 1
    assert policy.review("supervisor") is None


def test_hampshire_youth_route_runs_from_17_and_a_half():
    route = load_preset("hampshire").youth_route

    ages = [(age.years, age.months) for age in (route.starts, route.liaison, route.takeover)]
    assert ages == [(17, 6), (17, 9), (18, 0)]
    assert route.order_months_left == 3


def test_hampshire_tags_for_twelve_months_at_most():
    assert load_preset("hampshire").gps.max_months == 12


def test_merton_aims_at_a_fifth_less_reoffending():
    assert [target.change_percent for target in load_preset("merton").targets] == [-20]


@pytest.mark.parametrize(
    ("slug", "word"), [("merton", "offender"), ("waltham_forest", "service user"), ("hampshire", "offender")]
)
def test_person_is_called_what_the_document_calls_them(slug, word):
    assert load_preset(slug).words.singular == word


def test_body_unknown_names_those_that_are_known():
    with pytest.raises(KeyError, match="choose from: panel, board"):
        load_preset("merton").body("dyo")


def test_scheme_unknown_names_those_that_are_known():
    with pytest.raises(PolicyError, match="'camden'; choose from: hampshire, london, merton"):
        load_preset("camden")


# --- refusals: each names the file, the key and the remedy ------------------------------------------------------


def spoil(document, path, value):
    """Set the value at a dotted path, where a number is a place in a list; a value of None removes it."""
    here = document
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        here = here[part]
    if value is None:
        del here[last]
    else:
        here[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        pytest.param(
            "bodies.0.deadlines.agenda.cuont", 7,
            'bodies[panel].deadlines.agenda.cuont: this key is not known; did you mean "count"?',
            id="unknown-key-with-a-suggestion",
        ),
        pytest.param(
            "bodies.0.nmae", {"value": "x", "source": "default"},
            'bodies[panel].nmae: this key is not known; did you mean "name"?',
            id="unknown-key-of-a-single-value",
        ),
        pytest.param(
            "xyzzy", 1, "xyzzy: this key is not known; remove it; docs/schemes.md lists the keys.",
            id="unknown-key-without-a-suggestion",
        ),
        pytest.param(
            "eligibility.0.clauses.0.when.at_leats", 3,
            'eligibility[standard].clauses[ogrs_75].when.at_leats: this key is not known; did you mean "at_least"?',
            id="unknown-key-inside-an-expression",
        ),
        pytest.param(
            "bodies.0.deadlines.agenda.unit", None,
            "bodies[panel].deadlines.agenda.unit: this key is missing; add it.",
            id="missing-key",
        ),
        pytest.param("exit", None, "exit: this key is missing; add it.", id="missing-section"),
        pytest.param(
            "bodies.0.deadlines.agenda.source", None,
            "bodies[panel].deadlines.agenda.source: the value has no source; name the paragraph that it comes "
            'from, or write source = "default" where the document is silent.',
            id="missing-source",
        ),
        pytest.param(
            "bodies.0.deadlines.agenda.count", "7",
            'bodies[panel].deadlines.agenda.count: "7" is of the wrong type; give a whole number without '
            "quotation marks.",
            id="wrong-type-text-for-number",
        ),
        pytest.param(
            "bodies.0.decision_rule.casting_vote", "no",
            'bodies[panel].decision_rule.casting_vote: "no" is of the wrong type; give true or false, without '
            "quotation marks.",
            id="wrong-type-text-for-yes-or-no",
        ),
        pytest.param(
            "pathways", "accommodation", 'pathways: "accommodation" is of the wrong type; give a list in square '
            "brackets.",
            id="wrong-type-text-for-list",
        ),
        pytest.param(
            "title", 7, "title: 7 is of the wrong type; give text in quotation marks.",
            id="wrong-type-number-for-text",
        ),
        pytest.param(
            "first_rating", "RED", 'first_rating: "RED" is of the wrong type; give a table.',
            id="wrong-type-text-for-table",
        ),
        pytest.param(
            "bodies.0.deadlines.agenda.unit", "weeks",
            "bodies[panel].deadlines.agenda.unit: \"weeks\" is not a choice; choose from: 'calendar' or 'working'.",
            id="bad-choice",
        ),
        pytest.param(
            "bodies.0.decision_rule.kind", "dictatorship",
            "choose from: 'consensus', 'majority', 'chair_final' or 'collaborative'.",
            id="bad-choice-among-many",
        ),
        pytest.param(
            "eligibility.0.clauses.0.when.test", "nubmer",
            "choose from: 'number', 'flag', 'text', 'choice', 'offence', 'all', 'any'.",
            id="bad-choice-of-test",
        ),
        pytest.param(
            "bodies.0.deadlines.agenda.count", 366,
            "bodies[panel].deadlines.agenda.count: 366 is out of bounds; give a number from 0 to 365 days.",
            id="count-above-365",
        ),
        pytest.param(
            "bodies.0.deadlines.agenda.count", -1,
            "bodies[panel].deadlines.agenda.count: -1 is out of bounds; give a number from 0 to 365 days.",
            id="count-below-0",
        ),
        pytest.param(
            "exit.green_months", 0, "exit.green_months: 0 is out of bounds; give a number from 1 to 120.",
            id="optional-number-out-of-bounds",
        ),
        pytest.param(
            "bodies.0.chair.source", "default: the source is silent",
            'write source = "default" alone and put the explanation into `note`',
            id="default-with-an-explanation",
        ),
        pytest.param(
            "exit.green_months", None, 'exit: force "expected_at" needs `green_months`.', id="months-missing"
        ),
        pytest.param(
            "deciding_bodies.value", ["pannel"],
            "deciding_bodies: there is no 'pannel'; choose from: board, panel",
            id="name-that-leads-nowhere",
        ),
        pytest.param(
            "eligibility.0.exclusions", ["marac"],
            "eligibility[standard].exclusions: there is no 'marac'; choose from: mappa_2_3",
            id="exclusion-not-defined",
        ),
        pytest.param("bodies.1.slug", "panel", "bodies: 'panel' stands twice", id="body-twice"),
        pytest.param("blue.used", False, "blue.used: must be true exactly when `ratings` has BLUE", id="blue-unused"),
        pytest.param(
            "bodies.0.slug", "The Panel", 'bodies[The Panel].slug: "The Panel" cannot be used; write a short name of '
            "lower-case letters, digits and dashes", id="slug-that-no-address-could-carry",
        ),
        pytest.param("title", " ", 'title: " " cannot be used; write something.', id="blank"),
        pytest.param("pathways", [], "pathways: [] cannot be used; give at least one entry.", id="empty-list"),
        pytest.param(
            "eligibility.0.clauses.0.when", "ogrs2 >= 75",
            'eligibility[standard].clauses[ogrs_75].when: "ogrs2 >= 75" is of the wrong type; give a table.',
            id="expression-in-words",
        ),
    ],
)  # fmt: skip
def test_spoiled_rules_are_refused_in_words(document, path, value, message):
    spoil(document, path, value)

    words = refused(document)

    assert words.startswith("spoiled.toml: ")
    assert message in words


def test_spoiled_rules_name_every_problem_at_once(document):
    spoil(document, "bodies.0.deadlines.agenda.unit", "weeks")
    spoil(document, "exit", None)

    assert len(refused(document).splitlines()) == 2


def test_rules_that_are_whole_are_taken(document):
    assert parse_policy(document, origin="whole.toml") == load_preset("merton")


def test_unreadable_toml_names_file_and_line(tmp_path):
    bad = tmp_path / "camden.toml"
    bad.write_text('slug = "camden"\ntitle = Camden\n', encoding="utf-8")

    with pytest.raises(PolicyError, match=r"camden\.toml: This is not TOML: .*line 2"):
        read_policy_file(bad)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["absent", "not-utf-8"])
def test_file_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "camden.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(PolicyError, match=r"camden\.toml: The file cannot be read"):
        read_policy_file(path)


def test_body_of_an_unknown_kind_names_the_kinds(tmp_path):
    path = tmp_path / "camden.toml"
    path.write_text(preset_text("merton").replace('value = "panel", source', 'value = "jury", source'), "utf-8")

    with pytest.raises(PolicyError, match=r"bodies\[panel\]\.kind: 'jury' is not a choice; choose from: board, "):
        read_policy_file(path)


def test_preset_of_ones_own_is_filled_up_with_defaults(tmp_path):
    path = tmp_path / "camden.toml"
    path.write_text(preset_text("merton").replace('slug = "merton"', 'slug = "camden"', 1), "utf-8")

    policy = read_policy_file(path)

    assert policy.slug == "camden"
    assert policy.retention.is_default
    assert policy.body("panel").deadlines.checks.is_default


def test_tactical_options_of_a_scheme_without_blue_leave_blue_out():
    assert load_preset("hampshire").tactics("BLUE") == ()


def test_rules_code_names_no_scheme():
    root = Path(iom.policy.__file__).parents[2]
    code = [*root.glob("iom/policy/*.py"), root / "iom/deadlines.py", root / "referrals/eligibility.py"]

    named = [path.name for path in code if re.search(rf"[\"']({'|'.join(SCHEMES)})[\"']", path.read_text("utf-8"))]

    assert named == []


def test_agency_kinds_are_all_in_use_or_named_for_settings():
    used = {seat.agency_kind for slug in SCHEMES for body in load_preset(slug).bodies for seat in body.seats}

    assert used <= set(get_args(base.AgencyKind))
