"""How a body decides, as the recorder meets it: votes, casting vote, final say, dissent, harm, ratifying, undoing."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from actionplans.models import Action
from iom import clock
from iom.access import actor_for
from iom.models import Body
from offenders.actions import rate
from offenders.models import Case
from panels import notices, ratifying, recording
from panels.decide import decide, holding, offered_on
from panels.models import AgendaItem, Decision, ItemState, Minutes, Outcome, Section
from panels.record import record_of
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)


class Table:
    """A live meeting of a body with organisations at the table, and its recorder's browser."""

    def __init__(self, scheme, body, kinds, sign_in, *, chair=True):
        self.scheme = scheme
        self.body = Body.objects.get(scheme=scheme, slug=body)
        self.recorder = factories.member(scheme, "coordinator", name="Ria Recorder")
        self.people = [
            factories.member(scheme, "member", "referrer", agency_kind=kind, name=f"{kind.title()} Example")
            for kind in kinds
        ]
        self.chair = factories.member(scheme, "chair", agency_kind=kinds[0], name="Grace Adeyemi", seat=False)
        self.client = sign_in(self.recorder)
        self.by = actor_for(self.recorder)
        self.meeting = self.sit(DAY, self.people, chair=chair)

    def sit(self, on, people, *, chair=True):
        self.meeting = factories.live_meeting(
            self.scheme, on, recorder=self.recorder, body=self.body, chair=self.chair if chair else None
        )
        factories.attended(self.meeting, *people)
        return self.meeting

    def nomination(self):
        referral = factories.referral(self.scheme, self.people[0], status="on_agenda", meeting=self.meeting)
        return factories.agenda_item(self.meeting, Section.REFERRALS, referral=referral)

    def review(self, colour="AMBER"):
        return factories.agenda_item(self.meeting, Section.REVIEWS, case=factories.case(self.scheme, colour=colour))

    def page(self, item, **query):
        address = reverse("live", args=[item.meeting.key])
        return self.client.get(address, {"item": item.number} | query).content.decode()

    def save(self, item, **fields):
        item.refresh_from_db()
        posted = {"item": item.number, "version": item.version, "then": "save", "actions": "0"}
        return self.client.post(reverse("live", args=[item.meeting.key]), posted | fields).content.decode()

    def close(self, meeting=None):
        return recording.close(meeting or self.meeting, by=self.by)


FOUR = ("probation", "police", "council", "housing")


@pytest.fixture
def richmond(db, sign_in):
    return Table(factories.scheme("richmond"), "iom", FOUR, sign_in)


def votes(table, *sides):
    return {f"vote-{person.agency.slug}": side for person, side in zip(table.people, sides, strict=False)}


def accepting(table, **more):
    lead = {"lead_agency": table.people[0].agency.slug, "lead_reason": "Chosen"}
    who = {"lead_professional": table.people[0].pk, "police_officer": table.people[1].pk}
    return {"outcome": "accept", "colour": "RED", "reason": "Burglaries", "harm": "none"} | lead | who | more


# --- Votes -------------------------------------------------------------------


@pytest.mark.feature(75)
@pytest.mark.feature(316)
def test_organisations_vote_and_the_decision_follows(richmond):
    item = richmond.nomination()
    page = richmond.page(item)
    assert "Votes, one for each organisation here" in page
    assert f'name="vote-{richmond.people[0].agency.slug}"' in page

    lost = richmond.save(item, **accepting(richmond, how="majority"), **votes(richmond, "for", "against", "against"))
    assert "The vote was lost, 1 for, 2 against, 1 abstained" in lost
    assert not Decision.objects.exists()
    richmond.save(
        item, outcome="not_accept", reason="Score low", harm="none", how="majority", motion="accept", vote_note="Split",
        **votes(richmond, "for", "against", "against"),
    )  # fmt: skip

    decision = Decision.objects.get()
    assert (decision.outcome, decision.motion, decision.how, decision.vote_note) == (
        "not_accept", "accept", "majority", "Split",
    )  # fmt: skip
    assert sorted(decision.votes.values_list("vote", flat=True)) == ["abstain", "against", "against", "for"]
    shown = richmond.page(item)
    assert "1 for, 2 against, 1 abstained, on “Accept”, which was lost" in shown
    [entry] = record_of(richmond.close())["items"]
    assert entry["decision"]["votes"]["words"] == "1 for, 2 against, 1 abstained, on “Accept”, which was lost"
    assert {each["vote"] for each in entry["decision"]["votes"]["cast"]} == {"For", "Against", "Abstain"}
    minutes = richmond.client.get(reverse("minutes", args=[richmond.meeting.key])).content.decode()
    assert "Decided by majority. 1 for, 2 against" in minutes


@pytest.mark.feature(76)
def test_tie_goes_to_whoever_chairs_over_and_above_their_vote(richmond):
    item = richmond.nomination()
    cast = accepting(richmond, how="majority") | votes(richmond, "for", "against")

    assert "The vote is tied, 1 for, 1 against, 2 abstained. Say how whoever chairs" in richmond.save(item, **cast)
    assert "Casting vote of Grace Adeyemi" in richmond.page(item)
    richmond.save(item, **cast, casting="for")

    decision = Decision.objects.get()
    assert (decision.how, decision.casting_vote, decision.chaired_by) == ("casting", "for", "Grace Adeyemi")
    assert decision.case is not None
    assert "Decided by casting vote: Grace Adeyemi" in richmond.page(item)


def test_nobody_casts_a_vote_where_nobody_chairs(db, sign_in):
    table = Table(factories.scheme("richmond"), "iom", FOUR, sign_in, chair=False)

    page = table.save(table.review(), outcome="no_change", harm="none", how="majority", casting="for")

    assert "Say who chairs it first" in page


def test_casting_vote_without_a_tie_is_refused_and_outsiders_do_not_vote(richmond):
    item = richmond.review()
    given = {"outcome": "no_change", "harm": "none", "how": "majority"}

    assert "There is no tie" in richmond.save(item, **given, **votes(richmond, "for"), casting="for")
    outsider = factories.member(richmond.scheme, "member", agency_kind="education", seat=False)
    richmond.save(item, **given, **votes(richmond, "for"), **{f"vote-{outsider.agency.slug}": "against"})

    assert Decision.objects.get().votes.count() == len(FOUR)


def test_the_strategic_group_votes_too(db, sign_in):
    table = Table(factories.scheme("richmond"), "strategic", FOUR, sign_in)
    item = factories.agenda_item(table.meeting, Section.AOB, title="Where we meet")

    table.save(item, outcome="agreed", reason="Twickenham", how="majority", **votes(table, "for", "for", "against"))

    assert (Decision.objects.get().how, Decision.objects.get().votes.count()) == ("majority", len(FOUR))


# --- Final say, agreement, dissent -------------------------------------------


@pytest.mark.feature(77)
def test_chair_of_the_asb_panel_has_the_final_say_and_the_case_stays_with_who_brought_it(db, sign_in):
    table = Table(factories.scheme("richmond"), "asb", FOUR, sign_in)
    item = factories.agenda_item(table.meeting, Section.AOB, brought_by=table.people[3].agency)
    page = table.page(item)
    assert "Chair&#39;s final say" in page
    assert "Lend support" in page
    assert 'value="majority"' not in page
    assert 'value="agreed" checked' in page

    given = {"outcome": "support", "reason": "Joint visits", "how": "chair_final", "dissent": "Police would wait"}
    assert "Choose the agency that sees to it" in table.save(item, **given)
    table.save(item, **given, taken_on_by=table.people[1].agency.slug)

    decision = Decision.objects.get()
    assert (decision.how, decision.chaired_by, decision.taken_on_by) == (
        "chair_final", "Grace Adeyemi", table.people[1].agency,
    )  # fmt: skip
    [entry] = record_of(table.close())["items"]
    assert entry["decision"]["how"] == "Decided by the chair, who has the final say: Grace Adeyemi"
    minutes = table.client.get(reverse("minutes", args=[table.meeting.key])).content.decode()
    assert "Police would wait" in minutes
    assert f"stays with {table.people[3].agency.name}" in minutes


@pytest.mark.feature(78)
def test_deciding_together_keeps_dissent_and_takes_no_vote(merton, sign_in):
    table = Table(merton, "panel", FOUR, sign_in)
    item = table.review()
    given = {"outcome": "change_rating", "colour": "RED", "reason": "New offences", "harm": "none"}

    assert "Enter who disagreed, and why" in table.save(item, **given, how="consensus")
    table.save(item, **given, how="majority", dissent="Housing: engaging well")
    assert not Decision.objects.exists()
    table.save(item, **given, how="consensus", dissent="Housing: engaging well")

    assert Decision.objects.get().how == "consensus"
    assert "Stated by the chair, with dissent: Grace Adeyemi" in table.page(item)


# --- What a body may decide --------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "body", "section", "outcomes"),
    [
        pytest.param("merton", "panel", "referrals", "accept not_accept defer elsewhere", id="panel joins"),
        pytest.param("richmond", "strategic", "referrals", "accept not_accept defer elsewhere", id="group joins"),
        pytest.param("richmond", "strategic", "exits", "remove no_change defer", id="group lets leave"),
        pytest.param("richmond", "strategic", "reviews", "no_change recommend defer", id="group does not rate"),
        pytest.param("richmond", "asb", "aob", "support noted defer", id="asb lends support"),
        pytest.param("waltham_forest", "casework", "reviews", "no_change recommend defer", id="case group"),
        pytest.param("london", "weekly", "referrals", "recommend not_recommend defer", id="weekly recommends"),
        pytest.param("london", "iom-board", "aob", "noted agreed defer", id="board"),
        pytest.param("hampshire", "transfer", "aob", "to_iom to_mappa no_police defer", id="transfer panel"),
        pytest.param("merton", "panel", "last_actions", "noted", id="last actions"),
    ],
)
def test_form_offers_what_the_body_decides(db, scheme, body, section, outcomes):
    made = factories.scheme(scheme)
    meeting = factories.meeting(made, DAY, body=Body.objects.get(scheme=made, slug=body))

    offered = offered_on(AgendaItem(meeting=meeting, section=section))

    assert list(offered) == outcomes.split()


def test_recommended_rating_goes_to_the_panel_and_changes_nothing(db, sign_in):
    scheme = factories.scheme("waltham_forest")
    table = Table(scheme, "casework", FOUR, sign_in)
    panel = factories.meeting(scheme, DAY + timedelta(days=7))
    item = table.review()
    assert "Recommend a rating to the IOM Panel" in table.page(item)

    assert "Choose a rating" in table.save(item, outcome="recommend", reason="Arrests", harm="none")
    table.save(item, outcome="recommend", colour="RED", reason="Arrests", harm="none")
    table.close()

    assert item.case.ratings.count() == 1
    [again] = panel.items.all()
    assert (again.case, again.section, again.why) == (item.case, "reviews", "Recommended on 12 March")


def test_transfer_panel_says_how_police_management_goes_on_and_who_refers(db, sign_in):
    table = Table(factories.scheme("hampshire"), "transfer", ("police", "youth_justice", "probation"), sign_in)
    item = factories.agenda_item(table.meeting, Section.AOB)

    table.save(item, outcome="to_iom", reason="Prolific", taken_on_by=table.people[1].agency.slug)

    [entry] = record_of(table.close())["items"]
    assert (entry["decision"]["words"], entry["decision"]["taken_on_by"]) == (
        "Recommended: managed on by IOM", table.people[1].agency.name,
    )  # fmt: skip


def test_item_about_nobody_is_agreed_in_words_or_put_off(merton, sign_in):
    table = Table(merton, "panel", FOUR, sign_in)
    item, other = (factories.agenda_item(table.meeting, Section.AOB, title=title) for title in ("Room", "Leaflet"))
    following = factories.meeting(merton, DAY + timedelta(days=28))

    assert "Enter a reason" in table.save(item, outcome="agreed")
    table.save(item, outcome="agreed", reason="Meet at the civic centre")
    table.save(other, outcome="defer", reason="Draft not ready")
    table.close()

    assert holding(item).reason == "Meet at the civic centre"
    assert [(each.title, each.why) for each in following.items.all()] == [("Leaflet", "Deferred on 12 March")]


# --- Harm --------------------------------------------------------------------


@pytest.mark.feature(91)
def test_risk_of_harm_is_asked_for_every_case(merton, sign_in):
    table = Table(merton, "panel", FOUR, sign_in)
    item, again = table.review(), None
    ask = "Say how the risk of harm stands for Sam Example"

    assert ask in table.save(item, outcome="no_change")
    needs = table.save(item, outcome="no_change", harm="concern")
    assert "Say what the concern about harm is" in needs
    assert "Choose who deals with the concern" in needs
    table.save(
        item, outcome="no_change", harm="concern", harm_words="Threats to a neighbour", harm_agency="police",
    )  # fmt: skip
    assert "Threats to a neighbour" in table.page(item)
    [entry] = record_of(table.close())["items"]
    assert entry["decision"]["harm"] == {
        "state": "concern", "words": "Concern about harm", "said": "Threats to a neighbour", "agency": "Police",
    }  # fmt: skip

    table.sit(DAY + timedelta(days=28), table.people)
    again = factories.agenda_item(table.meeting, Section.REVIEWS, case=item.case)
    assert ask in table.save(again, outcome="no_change"), "a concern does not stand silently"
    table.save(again, outcome="no_change", harm="none")
    table.sit(DAY + timedelta(days=56), table.people)
    third = factories.agenda_item(table.meeting, Section.REVIEWS, case=item.case)
    assert "Stays: no new concern" in table.page(third)
    table.save(third, outcome="no_change")
    assert holding(third).harm == "none"


# --- What changed since ---


@pytest.mark.feature(312)
@pytest.mark.feature(80)
def test_brief_says_what_changed_since_the_last_panel(merton, sign_in, django_assert_num_queries):
    table = Table(merton, "panel", FOUR, sign_in)
    before = factories.meeting(merton, DAY - timedelta(days=28), status="signed")
    case = factories.case(merton, colour="AMBER", since=DAY - timedelta(days=60))
    item = factories.agenda_item(table.meeting, Section.REVIEWS, case=case)
    assert "Nothing that is recorded here" in table.page(item)
    agency = table.people[1].agency
    factories.decided(case, "no_change", meeting=before, case=case, harm="none")
    rate(case, "RED", on=DAY - timedelta(days=5), reason="Two arrests", by=table.by)
    for text, status, due, finished in (
        ("Home visit", "open", DAY - timedelta(days=9), None),
        ("Tenancy form", "done", DAY, DAY - timedelta(days=3)),
        ("Old one", "done", DAY - timedelta(days=50), DAY - timedelta(days=50)),
    ):
        Action.objects.create(
            scheme=merton, case=case, text=text, agency=agency, due_on=due, status=status, finished_on=finished
        )
    asked = factories.check_request(table.meeting, agency, case.offender)
    factories.agency_return(asked, table.people[1], last_contact=DAY - timedelta(days=2))

    with django_assert_num_queries(4 + factories.AROUND):
        page = table.page(item)

    brief = page.partition("Changed since the last panel")[2].partition("</ul>")[0]
    for words in ("Rated Red: Two arrests", "late. Police: Home visit", "Done. Police: Tenancy form", "last contact"):
        assert words in brief
    assert "Old one" not in brief
    assert "Risk of harm on 12 Feb 2026: <strong>no new concern" in page


# --- Not quorate -------------------------------------------------------------


def test_without_a_quorum_the_next_quorate_meeting_ratifies_and_it_takes_effect_then(richmond):
    short = richmond.sit(date(2026, 4, 9), richmond.people[:2])
    later = date(2026, 5, 14)
    following = factories.meeting(richmond.scheme, later, body=richmond.body, chair=richmond.chair)
    nomination, review, refused = richmond.nomination(), richmond.review(), richmond.review()
    due = (clock.today() + timedelta(days=300)).strftime("%d %m %Y")
    action = {"action-0-text": "Visit", "action-0-agency": richmond.people[1].agency.slug, "action-0-due_on": due}
    richmond.save(nomination, **accepting(richmond), **action | {"actions": "1"})
    richmond.save(review, outcome="change_rating", colour="RED", reason="Arrests", harm="none")
    richmond.save(refused, outcome="change_rating", colour="GREEN", reason="Quiet", harm="none")
    assert "To be ratified" in richmond.page(nomination)
    assert (Action.objects.get().case, Action.objects.get().status) == (None, "open")
    assert Case.objects.filter(offender=nomination.referral.offender).count() == 0

    carried = recording.carry_forward(short)
    assert len(carried.to_ratify) == 3
    richmond.close(short)
    assert notices.drafts(short, seen_by=richmond.by) == []
    items = list(following.items.order_by("pk"))
    assert [(item.section, item.why) for item in items] == [
        ("outside", "Decided without a quorum on 9 April: accepted onto the scheme"),
        ("outside", "Decided without a quorum on 9 April: rating changed"),
        ("outside", "Decided without a quorum on 9 April: rating changed"),
    ]

    following.status, following.recorder = "live", richmond.recorder.user
    following.save()
    for number, item in enumerate(items, 1):
        AgendaItem.objects.filter(pk=item.pk).update(number=str(number))
        item.refresh_from_db()
    factories.attended(following, *richmond.people)
    assert "2 of 4 agencies were here" in richmond.page(items[0])
    richmond.save(items[2], outcome="not_ratify", reason="Arrested since")
    richmond.client.post(reverse("ratify_all", args=[following.key]), {"item": "1"})

    case = Case.objects.get(offender=nomination.referral.offender)
    assert (case.accepted_on, case.accepted_at, case.rating.colour) == (later, following, "RED")
    assert case.assigned("lead_professional").membership == richmond.people[0]
    assert Action.objects.get().case == case
    assert [(each.colour, each.starts_on) for each in review.case.ratings.filter(until=None)] == [("RED", later)]
    assert refused.case.ratings.count() == 1
    richmond.close(following)
    [told] = notices.drafts(following, seen_by=richmond.by)
    assert f"Case: {case.reference}" in told.text
    assert "accepted this nomination" in told.text
    entry = record_of(Minutes.objects.get(meeting=following))["items"][0]
    assert (entry["ratifies"]["meeting"], entry["decision"]["words"]) == ("2026-04-09", "Ratified")
    page = richmond.client.get(reverse("minutes", args=[following.key])).content.decode()
    assert "Decided without a quorum by the IOM Panel of" in page


def test_what_came_about_meanwhile_is_ratified_all_the_same(richmond):
    short = richmond.sit(date(2026, 4, 9), richmond.people[:2])
    item = richmond.review()
    richmond.save(item, outcome="change_rating", colour="RED", reason="Arrests", harm="none")
    richmond.close(short)
    rate(item.case, "RED", on=date(2026, 4, 20), reason="Between panels", by=richmond.by)
    meeting = richmond.sit(date(2026, 5, 14), richmond.people)
    asked = ratifying.ask_to_ratify(meeting, holding(item), by=richmond.by)

    richmond.save(asked, outcome="ratify")

    assert holding(asked).outcome == Outcome.RATIFY
    assert item.case.ratings.get(until=None).starts_on == date(2026, 4, 20)


def test_nomination_that_is_not_ratified_is_before_the_same_panel_again(richmond):
    short = richmond.sit(date(2026, 4, 9), richmond.people[:2])
    item = richmond.nomination()
    richmond.save(item, outcome="not_accept", reason="Thin evidence", harm="none")
    richmond.close(short)
    meeting = richmond.sit(date(2026, 5, 14), richmond.people)
    asked = ratifying.ask_to_ratify(meeting, holding(item), by=richmond.by)

    richmond.save(asked, outcome="not_ratify", reason="Evidence came in")

    again = meeting.items.get(section=Section.REFERRALS)
    assert (again.referral, again.state) == (item.referral, ItemState.OPEN)
    item.referral.refresh_from_db()
    assert item.referral.status == "on_agenda"
    richmond.client.post(reverse("undo_decision", args=[meeting.key]), {"item": asked.number})
    asked.refresh_from_db()
    again.refresh_from_db()
    assert (asked.state, again.state) == (ItemState.OPEN, ItemState.PARKED)


# --- Undo --------------------------------------------------------------------


def test_what_was_saved_last_is_undone_and_stands_in_no_minutes(merton, sign_in):
    table = Table(merton, "panel", FOUR, sign_in)
    item, other = table.review(), table.review()
    before = item.case.ratings.get()
    action = Action.objects.create(
        scheme=merton, case=item.case, text="Ring", agency=table.people[1].agency, due_on=DAY
    )
    undo = reverse("undo_decision", args=[table.meeting.key])
    given = {"outcome": "change_rating", "colour": "RED", "reason": "Slip", "harm": "none", "note": "Typed"}
    looked = {f"looked-{action.pk}-status": "done"}

    table.save(item, **given, **looked, quick="Housing: visit by 2w")
    assert "until the next item is saved" in table.page(item)
    assert f"Saved last: {item.number} " in table.page(other)
    table.client.post(undo, {"item": item.number})

    assert item.case.ratings.get() == before
    action.refresh_from_db()
    assert (action.status, Action.objects.count()) == ("open", 1)
    item.refresh_from_db()
    assert (item.state, item.draft["reason"], item.note) == (ItemState.OPEN, "Slip", "")
    page = table.page(item)
    assert "Slip" in page
    assert "visit" in page, "the action that was typed waits again"

    table.save(item, outcome="no_change", harm="none")
    table.save(other, outcome="no_change", harm="none")
    table.client.post(undo, {"item": item.number})
    assert holding(item).outcome == Outcome.NO_CHANGE, "another item has been saved since"
    table.close()
    entry = record_of(Minutes.objects.get())["items"][0]
    assert (entry["decision"]["outcome"], entry["corrected"], entry["actions"]) == ("no_change", [], [])


def test_undoing_an_acceptance_puts_the_nomination_before_the_panel_again(merton, sign_in):
    table = Table(merton, "panel", FOUR, sign_in)
    item = table.nomination()
    table.save(item, **accepting(table, score_agreed="yes"))

    table.client.post(reverse("undo_decision", args=[table.meeting.key]), {"item": item.number})

    item.referral.refresh_from_db()
    assert (item.referral.status, Case.objects.get().status) == ("on_agenda", "closed")
    assert notices.drafts(table.meeting, seen_by=table.by) == []
    table.save(item, outcome="not_accept", reason="Low score", harm="none")
    assert holding(item).supersedes is None


def test_only_the_recorder_undoes(merton, sign_in):
    table = Table(merton, "panel", FOUR, sign_in)
    item = table.review()
    table.save(item, outcome="no_change", harm="none")
    other = factories.member(merton, "coordinator", name="Ada Second")

    sign_in(other).post(reverse("undo_decision", args=[table.meeting.key]), {"item": item.number})

    assert holding(item) is not None


# --- Closing -----------------------------------------------------------------


@pytest.mark.feature(82)
def test_closing_says_where_everything_goes(merton, sign_in):
    table = Table(merton, "panel", FOUR, sign_in)
    following = factories.meeting(merton, DAY + timedelta(days=28))
    parked, open_item, put_off = table.review(), table.review("RED"), table.review("GREEN")
    AgendaItem.objects.filter(pk=parked.pk).update(state=ItemState.PARKED)
    table.save(put_off, outcome="defer", reason="Lead away", harm="none")
    page = table.client.get(reverse("close_meeting", args=[table.meeting.key])).content.decode()
    for words in ("Parked", "Not reached", "Deferred", f"To the {following.called}"):
        assert words in page

    table.client.post(reverse("close_meeting", args=[table.meeting.key]), {"because": "Out of time"})

    assert {item.case for item in following.items.all()} == {parked.case, open_item.case, put_off.case}
    assert {item.why for item in following.items.all()} == {
        "Parked on 12 March", "Not reached on 12 March: Out of time", "Deferred on 12 March",
    }  # fmt: skip
    assert "Out of time" in table.client.get(reverse("minutes", args=[table.meeting.key])).content.decode()


def test_queries_do_not_grow_with_votes(richmond, django_assert_num_queries):
    item = richmond.review()
    richmond.save(item, outcome="no_change", harm="none", how="majority", **votes(richmond, "for", "for", "for"))

    richmond.page(item)  # what the save had to say is read once
    with django_assert_num_queries(4 + factories.AROUND):
        richmond.page(item)


def test_decide_itself_refuses_what_the_form_never_offers(richmond):
    from iom.steps import StepRefused
    from panels.choices import Choice

    item = richmond.review()
    stranger = factories.member(richmond.scheme, "member", agency_kind="education", seat=False)
    for choice, words in (
        (Choice(Outcome.ACCEPT, reason="x", colour="RED"), "Choose one of the decisions"),
        (Choice(Outcome.NO_CHANGE, how="chair_final"), "does not decide in that way"),
        (Choice(Outcome.NO_CHANGE, how="majority", votes=((stranger.agency, "for"),)), "no vote on this item"),
        (Choice(Outcome.NO_CHANGE, harm="concern"), "which agency deals with it"),
    ):
        with pytest.raises(StepRefused, match=words):
            decide(item, choice, by=richmond.by)
