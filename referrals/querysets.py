"""Phrases for asking about referrals and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Prefetch, Q

from iom.models import POLICE_AND_PROBATION, FileState, Handling, SchemeQuerySet
from offenders.models import Alias, Case, RagRating

if TYPE_CHECKING:
    from iom.access import Actor
    from referrals.hooks import Signature


class ReferralQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> ReferralQuerySet:
        """One's own; those of one's agency once sent; the coordinator's and chair's office every one that was sent.

        Someone with a restricted case is not met here either, but by those named on it.
        """
        if actor is None or actor.user is None or not actor.holds("referrals.view_referrals"):
            return self.none()
        hidden = Case.objects.closed_to(actor).filter(offender=OuterRef("offender"))
        mine = Q(referrer__user=actor.user)
        sent = ~Q(status="draft")
        if actor.has_role("coordinator", "chair", "researcher"):
            reach = mine | sent
        else:
            reach = mine | (sent & Q(agency=actor.agency))
        return self.in_scheme_of(actor).filter(reach).exclude(Exists(hidden))

    def known_to(self, actor: Actor | None) -> ReferralQuerySet:
        """Those visible, and those about whom one's agency is asked: it may say what it knows of family and engagement.

        An agency that is asked meets the person's name and these pages, not what the nomination says.
        """
        from referrals.models import CheckRequest

        asked = CheckRequest.objects.of_people_open_to(actor).filter(referral=OuterRef("pk"))
        asked = asked.filter(agency=actor.agency if actor else None)
        visible = self.visible_to(actor)
        return self.in_scheme_of(actor).filter(Q(pk__in=visible.order_by().values("pk")) | Q(Exists(asked)))

    def met_by(self, actor: Actor | None) -> ReferralQuerySet:
        """Those whose people the actor meets for the team: visible ones, and for its agencies those asked about.

        Which agencies make up the team is the scheme's rule (`engagement.team`).
        """
        if actor is None or actor.agency is None:
            return self.visible_to(actor)
        in_team = actor.agency.kind in actor.scheme.policy.engagement.team
        return self.known_to(actor) if in_team else self.visible_to(actor)

    def with_papers_for(self, actor: Actor | None) -> ReferralQuerySet:
        """Those whose papers the actor may look through: their own to read, or on an agenda that they were sent."""
        if actor is None or actor.user is None or not actor.holds("referrals.view_papers"):
            return self.none()
        from referrals import hooks

        hidden = Case.objects.closed_to(actor).filter(offender=OuterRef("offender"))
        mine = Q(pk__in=self.visible_to(actor).order_by().values("pk"))
        for heard in hooks.heard_by(actor):
            mine |= Q(pk__in=heard)
        return self.in_scheme_of(actor).filter(mine).exclude(Exists(hidden))

    def for_list(self) -> ReferralQuerySet:
        return self.select_related("offender", "agency", "meeting__body", "referrer__user")

    def to_triage(self) -> ReferralQuerySet:
        return self.filter(status__in=["sent", "with_coordinator"])


class CheckRequestQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> CheckRequestQuerySet:
        """What one's own agency is asked; the office and the researcher see who was asked and whether they answered."""
        rows = self.of_people_open_to(actor)
        if actor is None or actor.has_role("coordinator", "researcher", "chair"):
            return rows
        return rows.filter(agency=actor.agency)

    def of_people_open_to(self, actor: Actor | None) -> CheckRequestQuerySet:
        """Whoever was asked, about people whom the actor may meet. What agencies answered is for the whole panel to
        read, as far as each answer's handling allows.
        """
        if actor is None or actor.user is None or not actor.holds("referrals.answer_checks"):
            return self.none()
        hidden = Case.objects.closed_to(actor).filter(offender=OuterRef("offender"))
        return self.in_scheme_of(actor).exclude(Exists(hidden))

    def for_grid(self) -> CheckRequestQuerySet:
        """With the other names of each person and the rating in force: what the return grid shows."""
        return self.prefetch_related(
            Prefetch("offender__aliases", Alias.objects.order_by("pk")),
            Prefetch("case__ratings", RagRating.objects.filter(until=None), to_attr="current_ratings"),
        )

    def unanswered(self) -> CheckRequestQuerySet:
        """Asked, and nothing sent yet."""
        return self.filter(Q(answer=None) | Q(answer__sent_at=None), closed_at=None)


class OfReferralsQuerySet(SchemeQuerySet):
    """Rows that say something of one nomination."""

    def visible_to(self, actor: Actor | None) -> OfReferralsQuerySet:
        """Those of nominations that the actor may read."""
        from referrals.models import Referral

        return self.in_scheme_of(actor).filter(referral__in=Referral.objects.visible_to(actor))


class ResearchCheckQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None, *, signed: bool = False) -> ResearchCheckQuerySet:
        """What the police systems hold, as its handling allows, about people whom the actor may meet.

        Where nothing is written there is nothing to mark: that a system was looked up is for the whole panel. What is
        written is for those it is marked for; with more than the panel's mark only for those who have `signed` the
        sharing agreement. Written and not marked yet, it is nobody's but its agency's.
        """
        allowed = Q(handling="panel") | (Q(finding="") & ~Q(result="found"))
        if signed and actor is not None and actor.agency is not None:
            allowed |= Q(agency=actor.agency, handling__gt="") | Q(
                handling="agencies", readers__contains=[actor.agency.slug]
            )
            if actor.agency.kind in POLICE_AND_PROBATION:
                allowed |= Q(handling="police_probation")
        return self._of_people_open_to(actor).filter(allowed)

    def for_sheet(self, actor: Actor | None, *, signed: bool = False) -> ResearchCheckQuerySet:
        """For whoever fills in the sheet: also what their own agency has written, marked or not."""
        if actor is None or not actor.holds("referrals.research"):
            return self.none()
        mine = self._of_people_open_to(actor).filter(agency=actor.agency)
        return self.visible_to(actor, signed=signed) | mine

    def standing(self, actor: Actor | None) -> ResearchCheckQuerySet:
        """Every check about people whom the actor may meet: only for when which system was looked up, not for what it
        held.
        """
        return self._of_people_open_to(actor)

    def _of_people_open_to(self, actor: Actor | None) -> ResearchCheckQuerySet:
        if actor is None or actor.user is None or not actor.holds("referrals.answer_checks"):
            return self.none()
        hidden = Case.objects.closed_to(actor).filter(offender=OuterRef("offender"))
        return self.in_scheme_of(actor).exclude(Exists(hidden))


class EngagementQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> EngagementQuerySet:
        """Those of nominations and cases that the actor reads; a draft for its own agency alone."""
        from referrals.models import Referral

        if actor is None or actor.user is None or not actor.holds("referrals.view_engagement"):
            return self.none()
        reads = Q(referral__in=Referral.objects.met_by(actor).order_by().values("pk"))
        reads |= Q(case__in=Case.objects.visible_to(actor).order_by().values("pk"))
        return self.in_scheme_of(actor).filter(reads).filter(Q(finished_at__isnull=False) | Q(agency=actor.agency))

    def of_agency(self, actor: Actor) -> EngagementQuerySet:
        """Those that the actor's own agency recorded."""
        return self.visible_to(actor).filter(agency=actor.agency)

    def finished(self) -> EngagementQuerySet:
        """The newest first."""
        return self.filter(finished_at__isnull=False).order_by("-met_on", "-pk")

    def for_list(self) -> EngagementQuerySet:
        return self.select_related("agency", "recorded_by", "referral", "case", "offender")


class PaperQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None, *, signed: Signature | None = None) -> PaperQuerySet:
        """Papers of nominations, cases and answers that the actor may read, as far as their handling allows.

        A nomination's papers go with the agenda on which it stands. What came with an answer is its agency's own until
        the answer is sent. What is marked for others is absent, and so is everything of a restricted case. `signed` is
        the actor's signature, where the caller has read it.
        """
        if actor is None or actor.user is None or not actor.holds("referrals.view_papers"):
            return self.none()
        return self.filter(self._reached(actor))._open_to(actor, signed)

    def of_case(self, actor: Actor, case: Case, *, found: bool, signed: Signature) -> PaperQuerySet:
        """Those of one case that are `visible_to` the actor; one `found_by` the actor is not asked for again."""
        if not found or not actor.holds("referrals.view_papers"):
            return self.visible_to(actor, signed=signed).filter(case=case.pk)
        return self.filter(case=case.pk)._open_to(actor, signed)

    def _open_to(self, actor: Actor, signed: Signature | None) -> PaperQuerySet:
        """As far as handling goes, and of nobody whom the actor may not meet."""
        hidden = Case.objects.closed_to(actor).filter(offender=OuterRef("offender"))
        ours = Q(file__agency=actor.agency)
        return self.in_scheme_of(actor).filter(ours | self._handled(actor, signed)).exclude(Exists(hidden))

    def _reached(self, actor: Actor) -> Q:
        from referrals.models import CheckRequest, Referral

        answered = Q(file__agency=actor.agency) | Q(request__answer__sent_at__isnull=False)
        nominations = Referral.objects.with_papers_for(actor)
        asked = CheckRequest.objects.of_people_open_to(actor)
        return (
            Q(referral__in=nominations) | Q(case__in=Case.objects.visible_to(actor)) | (Q(request__in=asked) & answered)
        )

    def _handled(self, actor: Actor, signed: Signature | None) -> Q:
        """Whose handling lets the actor read it; marked ones only with a signature under the sharing agreement."""
        from referrals import hooks

        for_all = Q(file__handling=Handling.PANEL)
        signed = signed or hooks.signature_of(actor)
        if not signed.given or actor.agency is None:
            return for_all
        marked = Q(file__handling=Handling.AGENCIES, file__readers__contains=[actor.agency.slug])
        if actor.agency.kind in POLICE_AND_PROBATION:
            marked |= Q(file__handling=Handling.POLICE_PROBATION)
        if signed.missing_at:
            for meeting in ("referral__meeting", "request__meeting"):
                marked &= Q(**{f"{meeting}__isnull": True}) | ~Q(**{f"{meeting}__in": list(signed.missing_at)})
        return for_all | marked

    def kept(self) -> PaperQuerySet:
        """Neither removed nor destroyed."""
        return self.filter(file__removed_at=None).exclude(file__state=FileState.INFECTED)

    def for_list(self) -> PaperQuerySet:
        return self.select_related(
            "offender",
            "referral",
            "case",
            "request__referral",
            "request__case",
            "request__meeting__body",
            "file__agency",
            "file__uploaded_by",
            "file__removed_by",
        ).order_by("pk")
