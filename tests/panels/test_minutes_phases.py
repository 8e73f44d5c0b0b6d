"""Minutes beyond the signature: names kept out, comments, agreed at the next meeting, addenda, and what goes out."""

import io
from datetime import UTC, date, datetime, time

import pypdf
import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from iom import outbox
from iom.access import actor_for
from iom.clock import as_of
from iom.models import AuditEvent, Export, Notification
from panels import addenda, handing_out, last_minutes, meetings, recording
from panels import minutes as verbs
from panels.copies import LEFT_OUT, Reader, copy_for, lines, names_in, redacted, stands_in
from panels.decide import Choice, NewAction, decide
from panels.models import (
    Addendum,
    Attendance,
    CopyGiven,
    Minutes,
    MinutesComment,
    MinutesCopy,
    Outcome,
    Section,
)
from panels.record import fingerprint, record_of
from tests import factories

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
NEXT = date(2026, 4, 9)
KEY, NEXT_KEY = "2026-03-12", "2026-04-09"


@pytest.fixture
def meeting(merton, coordinator, chair, police, housing):
    made = factories.live_meeting(merton, DAY, recorder=coordinator, chair=chair)
    factories.attended(made, chair, police, housing)
    return made


@pytest.fixture
def item(meeting, merton, coordinator, housing):
    made = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, colour="AMBER"))
    action = NewAction("Visit the hostel", housing.agency, date(2026, 4, 1), owner=housing)
    decide(made, Choice(Outcome.NO_CHANGE, reason="Engaging", actions=(action,)), by=actor_for(coordinator))
    return made


@pytest.fixture
def draft(item, meeting, as_coordinator):
    return recording.close(meeting, by=as_coordinator)


def restrict(case, person):
    case.restricted = True
    case.save()
    factories.named(case, person)
    return case


def went_live(meeting, recorder):
    meeting.status, meeting.recorder = "live", recorder.user
    meeting.save()
    return meeting


def plan(scheme, day, by):
    body = factories.of_first_body(scheme)
    return meetings.plan(body=body, on=day, starts_at=time(10), minutes_long=120, by=by)


def sign(minutes, as_chair):
    return verbs.sign(
        minutes,
        by=as_chair,
        typed_name=as_chair.user.name,
        record_sha256=fingerprint(record_of(minutes)),
        fresh=True,
    )


@pytest.fixture
def signed(draft, as_coordinator, as_chair):
    return sign(verbs.send_to_chair(draft, by=as_coordinator), as_chair)


# --- Names that must not stand in minutes -----------------------------------------


@pytest.mark.feature(86)
def test_name_that_the_coordinator_may_not_know_of_holds_the_minutes_back(draft, item, housing, sign_in, coordinator):
    record = factories.related(item.case.offender, housing, name="Mel Bystander", victim=True)
    client = sign_in(coordinator)
    words = {"version": draft.version, f"item_{item.pk}": "Bystander was afraid."}

    looked = client.get(reverse("minutes", args=[KEY])).content.decode()
    page = client.post(reverse("send_minutes", args=[KEY]), words)

    # The words are kept, the number of the item is all that is said, and the keeper hears of each attempt.
    assert page.status_code == 200
    assert "Item 1 holds a name that must not stand in minutes" in page.content.decode()
    assert "must not stand" not in looked
    assert "sealed" not in page.content.decode()
    assert Minutes.objects.get().narrative == {str(item.pk): "Bystander was afraid."}
    assert Minutes.objects.get().status == "draft"
    told = Notification.objects.get(kind="victim_named")
    assert (told.recipient, told.url) == (housing.user, reverse("related", args=[record.pk]))
    assert "Bystander" not in told.text
    assert AuditEvent.objects.filter(verb="hold_minutes_back").exists()

    version = Minutes.objects.get().version
    client.post(reverse("send_minutes", args=[KEY]), {"version": version, f"item_{item.pk}": "The partner was afraid."})
    assert Minutes.objects.get().status == "with_chair"


def test_name_that_is_found_after_sending_is_not_signed(draft, item, housing, as_coordinator, sign_in, chair):
    draft = verbs.set_words(draft, {item.pk: "Bystander was afraid."}, by=as_coordinator)
    sent = verbs.send_to_chair(draft, by=as_coordinator)
    factories.related(item.case.offender, housing, name="Mel Bystander", victim=True)

    page = sign_in(chair).post(
        reverse("review_minutes", args=[KEY]),
        {"number": 1, "record_sha256": fingerprint(record_of(sent)), "agree": "on", "typed_name": "Grace Adeyemi"},
    )

    assert "Item 1 holds a name" in page.content.decode()
    assert Minutes.objects.get().status == "with_chair"


def test_person_of_a_restricted_case_is_not_named_in_anybodys_item(draft, item, merton, police, as_coordinator):
    sealed = restrict(factories.case(merton), police)
    person = sealed.offender
    draft = verbs.set_words(
        draft, {item.pk: f"Seen with {person.given_names} {person.family_name}."}, by=as_coordinator
    )

    with pytest.raises(Exception, match="Item 1 holds a name"):
        verbs.send_to_chair(draft, by=as_coordinator)


def test_reason_of_a_correction_that_names_somebody_can_be_left_out(draft, item, housing, sign_in, coordinator):
    decide(
        item,
        Choice(Outcome.NO_CHANGE, reason="Engaging", correction_reason="Bystander told us"),
        by=actor_for(coordinator),
    )
    factories.related(item.case.offender, housing, name="Mel Bystander", victim=True)
    client = sign_in(coordinator)
    assert "Item 1 holds" in client.post(reverse("send_minutes", args=[KEY]), {"version": 1}).content.decode()

    correction = item.decisions.get(supersedes__isnull=False)
    client.post(reverse("leave_out", args=[KEY, correction.pk]))
    minutes = Minutes.objects.get()
    client.post(reverse("send_minutes", args=[KEY]), {"version": minutes.version})

    assert Minutes.objects.get().status == "with_chair"
    assert record_of(minutes)["items"][0]["corrected"][0]["because"] == ""


# --- Before the chair ----------------------------------------------------------------


@pytest.mark.feature(85)
def test_draft_says_what_to_look_at_and_where_to_mend_it(meeting, item, merton, coordinator, housing, sign_in):
    bare = factories.agenda_item(meeting, Section.REVIEWS, case=factories.case(merton, colour="RED"), number="2")
    action = NewAction("Ring", housing.agency, date(2026, 4, 1))
    decide(bare, Choice(Outcome.NO_CHANGE, actions=(action,)), by=actor_for(coordinator))
    recording.close(meeting, by=actor_for(coordinator))

    page = sign_in(coordinator).get(reverse("minutes", args=[KEY])).content.decode()

    assert "1 action has an agency but no named owner" in page
    assert f'href="#item-{bare.pk}">item 2' in page
    assert "3 people here did not sign the information sharing agreement" in page
    assert reverse("attendance", args=[KEY]) in page
    assert "Minutes due" in page
    assert "19 Mar" in page


def test_minutes_that_whoever_chaired_recorded_are_not_sent(draft, meeting, coordinator, as_coordinator, sign_in):
    meeting.refresh_from_db()
    meeting.chair = coordinator
    meeting.save()

    page = sign_in(coordinator).post(reverse("send_minutes", args=[KEY]), {"version": draft.version}).content.decode()

    assert "nobody signs minutes that they recorded" in page
    assert Minutes.objects.get().status == "draft"


@pytest.mark.feature(89)
def test_members_who_were_there_comment_and_the_comment_never_enters_the_record(coordinator, sign_in):
    richmond = factories.scheme("richmond")
    factories.act_in(richmond)
    office = factories.member(richmond, "coordinator", name="Priya Shah")
    chairs = factories.member(richmond, "chair", agency_kind="probation", name="Lee Fairweather")
    there = factories.member(richmond, "member", agency_kind="police", name="Kofi Osei", seat=True)
    away = factories.member(richmond, "member", agency_kind="housing", name="Ana Reyes", seat=True)
    meeting = factories.live_meeting(richmond, DAY, recorder=office, chair=chairs)
    factories.attended(meeting, chairs, there)
    item = factories.agenda_item(meeting, Section.AOB)
    decide(item, Choice(Outcome.NOTED, note="The hostel is full."), by=actor_for(office))
    minutes = recording.close(meeting, by=actor_for(office))
    key = meeting.key

    page = sign_in(there).get(reverse("minutes", args=[key])).content.decode()
    assert "The hostel is full." in page
    sign_in(there).post(
        reverse("comment_on_draft", args=[key, item.pk]), {f"item-{item.pk}-text": "It has two beds left."}
    )
    assert "The hostel is full." not in sign_in(away).get(reverse("minutes", args=[key])).content.decode()
    refused = sign_in(away).post(reverse("comment_on_draft", args=[key, item.pk]), {f"item-{item.pk}-text": "Me too"})
    assert refused.status_code == 403

    said = MinutesComment.objects.get()
    client = sign_in(office)
    shown = client.get(reverse("minutes", args=[key])).content.decode()
    assert "It has two beds left." in shown
    assert "1 comment by members to look at" in shown
    client.post(reverse("resolve_comment", args=[key, said.pk]), {"outcome": "Put right"})
    assert "Resolved by Priya Shah" in client.get(reverse("minutes", args=[key])).content.decode()
    assert "Put right" in sign_in(there).get(reverse("minutes", args=[key])).content.decode()
    assert "two beds" not in str(record_of(minutes))
    assert Notification.objects.filter(recipient=there.user, kind="comment_resolved").exists()


def test_where_the_rules_do_not_say_so_members_read_no_draft(draft, sign_in, police):
    assert "being drafted" in sign_in(police).get(reverse("minutes", args=[KEY])).content.decode()


# --- Agreed at the next meeting ---------------------------------------------------------


@pytest.mark.feature(89)
@pytest.mark.feature(302)
def test_next_meeting_agrees_with_corrections_and_they_become_an_addendum(
    merton, draft, as_coordinator, as_chair, coordinator, chair, police, sign_in
):
    following = factories.meeting(merton, NEXT, chair=chair)
    first = sign(verbs.send_to_chair(draft, by=as_coordinator), as_chair)

    approval = first.approvals.get()
    assert (approval.item.meeting, approval.item.section) == (following, Section.LAST_MINUTES)
    assert last_minutes.waiting(following) == []
    with as_of(datetime(2026, 4, 9, 9, tzinfo=UTC)):
        live = went_live(following, coordinator)
        factories.attended(live, chair, police)
        decide(
            approval.item, Choice(Outcome.CORRECTIONS, reason="Housing joined by telephone."), by=actor_for(coordinator)
        )
        second = recording.close(live, by=actor_for(coordinator))
        assert not Addendum.objects.exists()
        assert record_of(second)["items"][0]["approves"]["sha256"] == first.record_sha256
        sign(verbs.send_to_chair(second, by=as_coordinator), as_chair)

    added = Addendum.objects.get()
    assert (added.minutes, added.text) == (first, "Housing joined by telephone.")
    assert added.reason == "Corrections agreed at the meeting of 9 April"
    assert (added.signed_by, added.record_sha256) == (chair.user, fingerprint(added.record))
    page = sign_in(police).get(reverse("signed_minutes", args=[KEY, 1])).content.decode()
    assert "Agreed with corrections" in page
    assert "Housing joined by telephone." in page


def test_item_comes_to_meetings_that_are_planned_later_too_and_only_once(merton, signed, as_coordinator):
    with as_of(datetime(2026, 3, 20, 9, tzinfo=UTC)):
        following = plan(merton, NEXT, as_coordinator)
        later = plan(merton, date(2026, 5, 14), as_coordinator)

    assert following.items.filter(section=Section.LAST_MINUTES).count() == 1
    assert not later.items.filter(section=Section.LAST_MINUTES).exists()


# --- Addenda -------------------------------------------------------------------------------


@pytest.mark.feature(302)
def test_addendum_is_written_signed_with_a_fresh_code_and_frozen(signed, sign_in, coordinator, chair, police):
    office = sign_in(coordinator)
    address = reverse("addenda", args=[KEY, 1])
    assert "Enter what is added" in office.post(address, {"item": "1", "text": "", "reason": ""}).content.decode()
    office.post(address, {"item": "1", "text": "Housing joined by telephone.", "reason": "It was put down wrong."})
    assert Notification.objects.filter(recipient=chair.user, kind="addendum_to_sign").exists()
    assert "telephone" not in sign_in(police).get(reverse("signed_minutes", args=[KEY, 1])).content.decode()

    client = sign_in(chair)
    one = reverse("addendum", args=[KEY, 1, 1])
    client.post(reverse("return_addendum", args=[KEY, 1, 1]), {"comment": "Say which officer"})
    assert "Say which officer" in sign_in(coordinator).get(one).content.decode()
    version = Addendum.objects.get().version
    sign_in(coordinator).post(
        one, {"item": "1", "text": "The housing officer joined by telephone.", "reason": "Wrong.", "version": version}
    )
    read = addenda.record_of(Addendum.objects.get())
    assert "Enter your name" in client.post(one, {"record_sha256": fingerprint(read)}).content.decode()
    client.post(one, {"record_sha256": fingerprint(read), "typed_name": "Grace Adeyemi"})

    added = Addendum.objects.get()
    assert (added.record, added.signed_by) == (read, chair.user)
    page = sign_in(police).get(reverse("signed_minutes", args=[KEY, 1])).content.decode()
    assert "The housing officer joined by telephone." in page
    assert Notification.objects.filter(recipient=police.user, kind="addendum_signed").exists()
    for change in ({"text": "x"}, {"record": {}}, {"signed_at": None}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Addendum.objects.filter(pk=added.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Addendum.objects.filter(pk=added.pk).delete()
    assert sign_in(police).post(address, {"text": "Me", "reason": "Mine"}).status_code == 403


# --- Copies --------------------------------------------------------------------------------


@pytest.mark.feature(302)
@pytest.mark.feature(90)
def test_each_agency_has_its_copy_and_what_went_where_is_kept(
    draft, item, sign_in, coordinator, chair, police, housing, as_coordinator, as_chair
):
    client = sign_in(coordinator)
    client.post(
        reverse("marked_words", args=[KEY]),
        {"version": draft.version, "item": item.pk, "text": "Tag fitted Friday.", "agencies": [police.agency.slug]},
    )
    draft.refresh_from_db()
    sign(verbs.send_to_chair(draft, by=as_coordinator), as_chair)
    assert "Tag fitted" not in str(Minutes.objects.get().record)
    assert "Tag fitted" not in client.get(reverse("signed_minutes", args=[KEY, 1])).content.decode()

    assert "Send the minutes" in client.get(reverse("notices", args=[KEY])).content.decode()
    client.post(reverse("notices", args=[KEY]), {"then": "send"})
    assert "Send the minutes" not in client.get(reverse("notices", args=[KEY])).content.decode()
    copies = {copy.agency: copy for copy in MinutesCopy.objects.select_related("agency", "document")}
    theirs, ours = copies[police.agency], copies[housing.agency]
    assert theirs.record["items"][0]["marked"] == "Tag fitted Friday."
    assert "Tag fitted" not in str(ours.record)
    assert theirs.record["copy"] == {
        "kind": "agency",
        "agency": police.agency.name,
        "reference": "MERTON-2026-03-12",
        "version": 1,
        "sha256": Minutes.objects.get().record_sha256,
    }
    with pytest.raises(DatabaseError), transaction.atomic():
        MinutesCopy.objects.filter(pk=theirs.pk).update(record={})

    member = sign_in(police)
    file = member.post(reverse("take_copy", args=[KEY, 1, police.agency.slug]))
    theirs.refresh_from_db()
    assert file.content == bytes(theirs.document.content)
    printed = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file.content)).pages)
    assert "Not for all readers of these minutes: Tag fitted Friday." in " ".join(printed.split())
    assert f"Copy for {police.agency.name}" in " ".join(printed.split())
    assert member.post(reverse("take_copy", args=[KEY, 1, police.agency.slug])).content == file.content
    assert member.post(reverse("take_copy", args=[KEY, 1, housing.agency.slug])).status_code == 404
    shown = member.get(reverse("minutes_copies", args=[KEY, 1])).content.decode()
    assert police.agency.name in shown
    assert f"copy-{housing.agency.slug}" not in shown
    listed = client.get(reverse("minutes_copies", args=[KEY, 1])).content.decode()
    assert "downloaded by a member, by" in listed

    refused = client.post(
        reverse("carry_out_copy", args=[KEY, 1, housing.agency.slug]), {"recipient": "", "reason": ""}
    )
    assert "Enter who will receive it" in refused.content.decode()
    made = client.post(
        reverse("carry_out_copy", args=[KEY, 1, housing.agency.slug]),
        {"recipient": "J. SAMPLE, made-up association, secure address", "reason": "No account"},
    )
    export = Export.objects.get()
    assert made.url == reverse("export", args=[export.key])
    taken = client.get(reverse("export_file", args=[export.key]))
    assert (taken["Content-Type"], taken.content[:5]) == ("application/pdf", b"%PDF-")
    assert CopyGiven.objects.filter(how="exported", recipient__contains="SAMPLE", reason="No account").exists()


def test_case_restricted_after_signing_is_in_no_copy_given_from_then(signed, item, police, housing, as_coordinator):
    before = handing_out.agency_copy(signed, housing.agency, by=as_coordinator)
    restrict(item.case, police)

    after = handing_out.agency_copy(signed, housing.agency, by=as_coordinator)

    assert (before.number, after.number) == (1, 2)
    assert item.case.reference in str(before.record)
    assert item.case.reference not in str(after.record)
    assert item.case.offender.family_name not in str(after.record)


def test_guests_agency_reads_what_it_came_for(signed):
    reader = Reader("night-shelter", "Night shelter", only=frozenset({"9"}))

    assert copy_for(signed.record, reader)["items"] == []
    assert copy_for(signed.record, reader)["agreement"]["signed"] == []


@pytest.mark.feature(302)
def test_copy_without_names_is_prepared_line_by_line_and_approved(signed, item, sign_in, coordinator, chair, police):
    client = sign_in(coordinator)
    address = reverse("redacted_minutes", args=[KEY, 1])
    page = client.get(address).content.decode()
    assert "Engaging" in page
    assert sign_in(police).get(address).status_code == 404
    client.post(address, {"keep": ["1:action:0"]})
    copy = MinutesCopy.objects.get(kind="redacted")
    held = copy.record["items"][0]
    assert (held["person"], held["decision"]["reason"]) == ("Person 1", "")
    assert held["actions"][0]["text"] == "Visit the hostel"
    assert item.case.reference not in str(copy.record)

    read = sign_in(chair).get(address).content.decode()
    assert "Approve this copy" in read
    assert sign_in(coordinator).post(reverse("approve_redacted", args=[KEY, 1])).status_code == 403
    sign_in(chair).post(reverse("approve_redacted", args=[KEY, 1]), {"record_sha256": copy.record_sha256})
    outbox.drain()
    copy.refresh_from_db()
    assert copy.approved_by == chair.user
    file = sign_in(police).post(reverse("take_redacted", args=[KEY, 1]))
    assert file.content[:5] == b"%PDF-"
    assert "Person 1" in sign_in(police).get(address).content.decode()


def test_line_that_holds_a_name_is_not_let_through(signed, item, draft, as_coordinator):
    record = signed.record | {"items": [signed.record["items"][0] | {"note": f"{item.case.offender.family_name} came"}]}

    held = {line.key: line.names for line in lines(record)}

    assert held["1:note"]
    assert redacted(record, frozenset({"1:note"}))["items"][0]["note"] == ""
    assert redacted(record)["items"][0]["actions"][0]["text"] == LEFT_OUT
    assert stands_in("Jo Ng", "Ng spoke")
    assert not stands_in("Grace Adeyemi", "The hostel is full")
    assert {name for name in names_in(record) if name.startswith("IOM-")} == {item.case.reference}
    assert Attendance.objects.count() == 3
