"""Phrases for asking about meetings' papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from iom.models import Meeting, SchemeQuerySet
from offenders.models import Case

if TYPE_CHECKING:
    from datetime import date

    from iom.access import Actor

# What another meeting has nothing to ratify in: the item itself goes on, or ends there.
NOTHING_TO_RATIFY = ("noted", "defer", "ratify", "not_ratify", "true_record", "corrections")


class OfMeetingsQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> OfMeetingsQuerySet:
        """The papers of meetings whose papers one may read: of the bodies one sits on, or by office."""
        return self.in_scheme_of(actor).filter(meeting__in=meetings_with_papers(actor))


class OfItemsQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> OfItemsQuerySet:
        """What belongs to items that one may read."""
        items = self.model._meta.get_field("item").related_model.objects.visible_to(actor)
        return self.in_scheme_of(actor).filter(item__in=items)


class AgendaItemQuerySet(OfMeetingsQuerySet):
    def visible_to(self, actor: Actor | None) -> AgendaItemQuerySet:
        """Items of those meetings; one of a restricted case is absent for who is not named on it (security.md Z4).

        What is taken in closed session is absent for whoever neither sits on the body nor runs it: invited people have
        left by then (London, Meeting Structure).
        """
        closed = Case.objects.closed_to(actor)
        rows = (
            super()
            .visible_to(actor)
            .exclude(Exists(closed.filter(pk=OuterRef("case"))))
            .exclude(Exists(closed.filter(offender=OuterRef("referral__offender"))))
        )
        if actor is None or actor.has_role("coordinator", "chair"):
            return rows
        return rows.filter(Q(closed=False) | Q(meeting__body__slug__in=actor.seats))

    def numbered(self) -> AgendaItemQuerySet:
        return self.exclude(state="parked").order_by("position", "pk")

    def for_list(self) -> AgendaItemQuerySet:
        return self.select_related(
            "referral__offender",
            "referral__agency",
            "case__offender",
            "late_agreed_by",
            "brought_by",
            "outside__decided_by__user",
        )


class DecisionQuerySet(SchemeQuerySet):
    def in_force(self) -> DecisionQuerySet:
        """Those that hold: neither corrected by another nor taken back at the meeting."""
        return self.filter(superseded_by=None, undone=None)

    def to_tell(self) -> DecisionQuerySet:
        """What whoever nominated hears of: what was decided on a nomination and has effect, or was ratified since.

        A recommendation to the body that decides is not told: that body's decision is.
        """
        told = ["accept", "not_accept", "defer", "elsewhere"]
        here = Q(item__section="referrals", outcome__in=told)
        ratified = Q(outcome="ratify", item__ratifies__item__section="referrals", item__ratifies__outcome__in=told)
        return self.in_force().filter(here | ratified, to_ratify=False)

    def waiting(self) -> DecisionQuerySet:
        """Those made without a quorum that no quorate meeting has ratified or refused to ratify yet."""
        ruled = self.model.objects.in_force().filter(quorate=True, outcome__in=["ratify", "not_ratify"])
        rows = self.in_force().filter(quorate=False, item__escalation_link=None).exclude(outcome__in=NOTHING_TO_RATIFY)
        # A rating given between panels asks for itself until a quorate panel has answered: `panels.rerating`.
        of_ratings = Q(item__section="outside", item__case__isnull=False, item__ratifies=None)
        rows = rows.exclude(of_ratings)
        return rows.exclude(pk__in=ruled.filter(item__ratifies__isnull=False).values("item__ratifies"))


class KeptWordsQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> KeptWordsQuerySet:
        """One's own words, on items that one may still see."""
        if actor is None or actor.user is None:
            return self.none()
        items = self.model._meta.get_field("item").related_model.objects.visible_to(actor)
        return self.in_scheme_of(actor).filter(user=actor.user, item__in=items)


class OfMinutesQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> OfMinutesQuerySet:
        """What belongs to minutes, for those who may read the papers of their meeting."""
        return self.in_scheme_of(actor).filter(minutes__meeting__in=meetings_with_papers(actor))


class OutsideDecisionQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> OutsideDecisionQuerySet:
        """By office, as far as the nomination is open; for everybody else with the meeting that is to ratify it."""
        if actor is None or actor.user is None or not actor.holds("panels.view_papers"):
            return self.none()
        closed = Case.objects.closed_to(actor).filter(offender=OuterRef("referral__offender"))
        rows = self.in_scheme_of(actor).exclude(Exists(closed))
        if actor.has_role("coordinator", "chair", "researcher"):
            return rows
        return rows.filter(items__meeting__in=meetings_with_papers(actor)).distinct()

    def waiting(self) -> OutsideDecisionQuerySet:
        """Those that no quorate panel has ratified or refused to ratify yet."""
        ruled = self.model.objects.filter(
            items__decisions__quorate=True,
            items__decisions__superseded_by=None,
            items__decisions__undone=None,
            items__decisions__outcome__in=["ratify", "not_ratify"],
        )
        return self.exclude(pk__in=ruled.values("pk"))


class EscalationQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> EscalationQuerySet:
        """What goes to the board and comes back, without names: for the office and who reads for the board all of the
        scheme, for others those from or to a body on which they sit. Drafts are the office's own.
        """
        if actor is None or actor.user is None or not actor.holds("panels.view_escalations"):
            return self.none()
        rows = self.in_scheme_of(actor)
        if actor.has_role("coordinator", "chair"):
            return rows
        rows = rows.exclude(status="draft").exclude(status="withdrawn", sent_on=None)
        if actor.has_role("board_reader", "researcher"):
            return rows
        return rows.filter(Q(from_body__slug__in=actor.seats) | Q(to_body__slug__in=actor.seats))

    def for_list(self) -> EscalationQuerySet:
        return self.select_related("agency", "from_body", "to_body", "raised_by__user", "raised_by__agency", "meeting")

    def waiting(self) -> EscalationQuerySet:
        """With the board, oldest first."""
        return self.filter(status="with_board").order_by("sent_on", "pk")

    def overdue(self, on: date) -> EscalationQuerySet:
        return self.waiting().filter(due_on__lt=on)


OFFICE = ("coordinator", "chair", "researcher")


def reads_papers_of(actor: Actor, meeting: Meeting) -> bool:
    """Whether a meeting of their scheme, as it was read, is one of `meetings_with_papers`: asks for nothing."""
    if actor.user is None or not actor.holds("panels.view_papers"):
        return False
    return actor.has_role(*OFFICE) or (meeting.status != "draft" and meeting.body.slug in actor.seats)


def meetings_with_papers(actor: Actor | None) -> object:
    """Meetings whose agenda, attendance and minutes one may read; `reads_papers_of` says the same of one."""
    if actor is None or actor.user is None or not actor.holds("panels.view_papers"):
        return Meeting.objects.none()
    rows = Meeting.objects.in_scheme_of(actor)
    if actor.has_role(*OFFICE):
        return rows
    # Nobody but the coordinator's office reads an agenda before it goes out.
    return rows.filter(Q(body__slug__in=actor.seats), ~Q(status="draft"))
