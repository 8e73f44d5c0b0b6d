"""Every address × role × method of the matrix, asked by people who are not named on a restricted case: neither the person's
name nor a reference of theirs is found anywhere, and its own addresses are the same 404 as what never existed (Z4, Z10).
"""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from pypdf import PdfReader
from pypdf.errors import PdfReadError

from actionplans import actions as plans
from iom import clock, outbox, reminders
from iom.models import Agency, Notification
from offenders import actions as cases
from offenders import restricted
from offenders.models import Case
from panels import agenda
from panels.models import AgendaItem, ItemAction, Section
from referrals import actions as referrals
from referrals.models import CheckRequest
from tests import factories
from tests.test_matrix import MATRIX, ask, enter, plain
from tests.world import NEVER, World

pytestmark = pytest.mark.django_db

# Made up so that it can stand on no page by chance.
FAMILY, GIVEN, ALIAS, SECRET = "Quetzalcoatlus", "Xanthippe", "Zyzzyva", "Moonstone lane"
MARKS = (FAMILY, GIVEN, ALIAS, SECRET)
KNOWS_REFERENCE = ("coordinator", "chair")


class PastWorld(World):
    """A world in whose signed minutes the person stands, before anybody restricts the case."""

    def _also(self, held, by) -> None:
        who = factories.offender(self.scheme, family_name=FAMILY, given_names=GIVEN)
        who.aliases.create(scheme=self.scheme, name=ALIAS)
        case = factories.case(self.scheme, who=who)
        case.why = f"Burglaries near {SECRET}."
        case.save()
        item = agenda.add_item(held, section=Section.REVIEWS, case=case, why=SECRET, by=by)
        nobody = AgendaItem.objects.filter(meeting=held, case=None, referral=None).first()
        done = plans.add_action(
            case=case, text=f"Call at {SECRET}", agency=self.people["member"].agency, due_on=held.date, by=by
        )
        for under, kind in ((nobody, "reviewed"), (item, "agreed")):
            ItemAction.objects.create(
                scheme=self.scheme, item=under, action=done, kind=kind, status="done", note=SECRET
            )
        self.things |= {"hidden": case}


class Hidden:
    """One person with a case, a nomination, a plan, actions, checks, a past and a coming item; then restricted."""

    def __init__(self, world: PastWorld) -> None:
        self.world = world
        scheme, by = world.scheme, world.actor("coordinator")
        # Named, and nobody of the matrix: a member of the health service.
        self.named = factories.member(scheme, "member", agency_kind="health", seat=True)
        factories.signed(self.named)
        outbox.drain()  # the PDF of the minutes
        self.case = world.things["hidden"]
        who = self.case.offender
        self.referral = factories.referral(
            scheme, world.people["referrer"], status="accepted", who=who, evidence=f"Lives at {SECRET}."
        )
        for role in ("member", "researcher"):
            person = world.people[role]
            cases.assign(
                Case.objects.get(pk=self.case.pk),
                "lead_professional" if role == "member" else "police_officer",
                agency=person.agency,
                membership=person,
                on=clock.today(),
                by=by,
            )
        cases.record_custody(
            Case.objects.get(pk=self.case.pk),
            kind="sentence",
            prison=SECRET,
            starts_on=clock.today() - timedelta(days=3),
            release_expected_on=clock.today() + timedelta(days=9),
            by=by,
        )
        plans.start_plan(Case.objects.get(pk=self.case.pk), by=by)
        meeting = world.things["meeting"]
        self.action = plans.add_action(
            case=self.case,
            text=f"Visit {SECRET}",
            agency=world.people["member"].agency,
            due_on=clock.today() + timedelta(days=1),
            by=by,
            owner=world.people["member"],
        )
        for about in ({"case": self.case}, {"referral": self.referral}):
            request = referrals.ask_agencies(
                meeting=meeting,
                offender=who,
                agencies=Agency.objects.filter(scheme=scheme) if "case" in about else [],
                why="review",
                by=by,
                **about,
            )
        self.request = CheckRequest.objects.filter(offender=who, agency=world.people["member"].agency).first()
        factories.agency_return(self.request, world.people["member"], summary=f"Seen at {SECRET}")
        told = {"words": f"Seen at {SECRET}", "name": f"{FAMILY}.txt"}
        self.paper = factories.paper(self.case, world.people["coordinator"], **told)
        factories.paper(self.request, world.people["member"], **told)
        self.entry = factories.entry(self.case, world.people["member"], text=f"Seen at {SECRET}", source=SECRET)
        self.item = agenda.add_item(meeting, section=Section.REVIEWS, case=self.case, why=SECRET, by=by)
        self.live_item = AgendaItem.objects.get(pk=self.item.pk)
        self.transfer = factories.transfer(scheme, case=self.case, kind="offends_there", purpose=f"Seen at {SECRET}")
        reminders.sweep(clock.today())
        assert Notification.objects.filter(text__contains=self.case.reference).exists()
        restricted.restrict(
            Case.objects.get(pk=self.case.pk),
            reason=f"Because of {SECRET}",
            people=[self.named],
            until=clock.today() + timedelta(days=30),
            by=by,
        )
        self.case.refresh_from_db()

    @property
    def references(self) -> tuple[str, str]:
        return self.case.reference, self.referral.reference

    def arguments(self, of: str) -> list | None:
        """What an address takes when it is about the hidden person; None where it cannot be."""
        meeting = self.world.things["meeting"]
        return {
            "case": [self.case.reference],
            "grant": [self.case.reference, self.case.casegrant_set.get().pk],
            "entry": [self.case.reference, self.entry.pk],
            "statement": [self.case.reference, 1],
            "pathway": [self.case.reference, self.world.scheme.policy.pathways[0].slug],
            "action": [self.action.pk],
            "referral": [self.referral.reference],
            "decided": [self.referral.reference],
            "told": [self.referral.reference, 1],
            "section": [self.referral.reference, "identity"],
            "asked": [meeting.key, self.request.pk],
            "paper": [self.paper.file.key],
            "item": [meeting.key, self.item.pk],
        }.get(of)


@pytest.fixture
def world() -> PastWorld:
    return PastWorld.make("merton")


@pytest.fixture
def hidden(world) -> Hidden:
    return Hidden(world)


def text_of(answer) -> str:
    """Everything that an answer says: page, partial, JSON, headers; of a PDF its text, metadata and attachments."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    said = str(dict(answer.headers))
    if not body.startswith(b"%PDF"):
        return said + body.decode()
    try:
        pdf = PdfReader(io.BytesIO(body))
    except PdfReadError:
        # The world keeps files that only begin like one.
        return said + body.decode(errors="replace")
    attached = [part.decode(errors="replace") for parts in pdf.attachments.values() for part in parts]
    return said + str(pdf.metadata) + "".join(page.extract_text() for page in pdf.pages) + "".join(attached)


def found_in(said: str, hidden: Hidden, role: str) -> list[str]:
    marks = [mark for mark in MARKS if mark.casefold() in said.casefold()]
    if role in KNOWS_REFERENCE:
        return marks + [hidden.referral.reference] * (hidden.referral.reference in said)
    return marks + [reference for reference in hidden.references if reference in said]


def plainer(answer) -> str:
    """A page without the keys of its forms, which are new each time."""
    return re.sub(r'name="form_key" value="[^"]*"', "", plain(answer))


def test_nothing_of_a_restricted_case_is_found_at_any_address(world, hidden):
    wrong = []
    for name, row in sorted(MATRIX.items()):
        # Whoever lacks the function is refused before the page runs: `tests/test_matrix.py`.
        for role in sorted(row.roles):
            client = enter(world, role)
            for method in row.methods:
                answer = ask(client, method, reverse(name, args=world.arguments(row.of)))
                said = text_of(answer)
                if answer.status_code in (301, 302):
                    said += text_of(client.get(answer.url))
                if marks := found_in(said, hidden, role):
                    wrong.append(f"{method} {name} as {role}: {', '.join(marks)}")
                if answer.status_code >= 500:
                    wrong.append(f"{method} {name} as {role}: {answer.status_code}")

    assert not wrong, "\n".join(wrong)


def test_its_own_addresses_are_the_same_404_as_what_never_was(world, hidden):
    wrong = []
    for name, row in sorted(MATRIX.items()):
        own = hidden.arguments(row.of)
        if own is None:
            continue
        never = [own[0], 999999] if row.of == "item" else NEVER[row.of]
        for role in row.roles:
            client = enter(world, role)
            for method in row.methods:
                client.get("/notifications/")
                hit, missed = (ask(client, method, reverse(name, args=args)) for args in (own, never))
                where = f"{method} {name} as {role}"
                of_the_case = own[0] == hidden.case.reference
                if role in KNOWS_REFERENCE and (of_the_case and method == "GET" or name == "case_open"):
                    if hit.status_code != 200 or found_in(text_of(hit), hidden, role):
                        wrong.append(f"{where}: {hit.status_code}, more than reference and owner")
                elif (hit.status_code, missed.status_code) != (404, 404):
                    wrong.append(f"{where}: {hit.status_code}, of what never was {missed.status_code}")
                elif plainer(hit) != plainer(missed):
                    wrong.append(f"{where}: the two 404 pages differ")

    assert not wrong, "\n".join(wrong)


@pytest.mark.feature(192)
def test_coordinator_and_chair_read_reference_and_owner_and_no_more(world, hidden):
    for role in KNOWS_REFERENCE:
        for address in ("/cases/", f"/cases/{hidden.case.reference}/", f"/cases/{hidden.case.reference}/plan/"):
            page = text_of(enter(world, role).get(address))
            assert "Restricted case" in page
            assert hidden.case.reference in page
            assert world.people["member"].user.name in page  # the lead professional answers for it
            assert not found_in(page, hidden, role)


def test_signed_minutes_that_named_the_person_leave_them_out_for_who_is_not_named(world, hidden):
    page = reverse("signed_minutes", args=world.arguments("version"))
    world.people["named"] = hidden.named
    insider, member = enter(world, "named"), enter(world, "member")

    assert FAMILY.upper() in text_of(insider.get(page))
    assert FAMILY.upper() in text_of(insider.get(reverse("minutes_pdf", args=world.arguments("version"))))
    assert "Item" in text_of(member.get(page))
    assert not found_in(text_of(member.get(page)), hidden, "member")
    for file in ("minutes_pdf", "accessible_pdf"):
        assert member.get(reverse(file, args=world.arguments("version"))).status_code == 404


def test_whoever_is_named_finds_it_where_they_look(world, hidden):
    world.people["named"] = hidden.named
    client = enter(world, "named")

    assert FAMILY.upper() in text_of(client.get("/cases/"))
    assert FAMILY.upper() in text_of(client.get(f"/cases/{hidden.case.reference}/"))
    assert FAMILY.upper() in text_of(client.get(world.things["meeting"].get_absolute_url()))


@pytest.mark.parametrize("words", [FAMILY, ALIAS, "IOM-"], ids=["name", "alias", "reference"])
def test_search_does_not_find_it(world, hidden, words):
    for role in ("member", "researcher", "coordinator", "chair"):
        client = enter(world, role)
        asked = hidden.case.reference if words == "IOM-" else words
        answer = client.post("/cases/", {"words": asked}, follow=True)
        said = text_of(answer).replace(f'value="{asked}"', "").replace(f"“{asked}”", "").replace(f">{asked}<", "")
        if role in KNOWS_REFERENCE and words == "IOM-":
            assert "Restricted case" in said
        else:
            assert not [mark for mark in found_in(said, hidden, role) if mark != asked]
            assert f"/cases/{hidden.case.reference}/" not in said or role in KNOWS_REFERENCE


@pytest.mark.parametrize(
    "address", ["/", "/cases/", "/cases/?rating=BLUE", "/cases/?custody=in", "/actions/", "/referrals/", "/research/"]
)
def test_counts_are_as_if_it_were_not_there(address):
    """Two schemes alike but for the hidden case show the same numbers."""
    plainly, other = World.make("merton"), PastWorld.make("second")
    factories.act_in(other.scheme)
    Hidden(other)
    for each in (plainly, other):
        factories.act_in(each.scheme)
        Notification.objects.all().delete()  # what was told before, of the number of actions that are due
    for role in ("member", "researcher", "referrer", "board_reader"):
        without, with_it = (figures(enter(each, role).get(address)) for each in (plainly, other))
        assert with_it == without, (address, role)


def figures(answer) -> list[str]:
    """The numbers of a page, without those that are references or ids."""
    said = re.sub(
        r"IOM-(R-)?\d+|\bPerson \d+|E(?i:xample)\d+|/\d+/|[0-9a-f]{12,}|[A-Za-z0-9]{64}", "", answer.content.decode()
    )
    said = re.sub(r"<script.*?</script>|<head.*?</head>|\d{1,2}:\d\d|id=\"[^\"]*\"|#[a-z-]*\d+", "", said, flags=re.S)
    return re.findall(r">[^<]*\d[^<]*<", said)


def test_mails_and_notices_speak_of_it_to_those_named_alone(world, hidden):
    mail.outbox.clear()
    Notification.objects.all().delete()
    with pytest.MonkeyPatch.context():
        reminders.sweep(clock.today() + timedelta(days=1))
    outbox.drain()

    for message in mail.outbox:
        if message.to != [hidden.named.user.email]:
            assert not found_in(message.subject + message.body + str(message.extra_headers), hidden, "member")
    for notice in Notification.objects.exclude(recipient=hidden.named.user):
        assert not found_in(notice.text + notice.url + notice.email_body + notice.subject, hidden, "member")


def test_nominating_the_person_again_reads_as_if_nobody_were_there(world, hidden):
    client = enter(world, "referrer")

    def nominate(family, given):
        form = {"mappa": "0", "family_name": family, "given_names": given, "date_of_birth": "4 2 1994"}
        return client.post("/referrals/new/", form, follow=True)

    known, unknown = nominate(FAMILY, GIVEN), nominate("Nobodyelse", "Anna")

    assert known.redirect_chain
    assert unknown.redirect_chain
    assert hidden.case.reference not in text_of(known)
    assert hidden.referral.reference not in text_of(known)
    assert len(known.redirect_chain) == len(unknown.redirect_chain)
