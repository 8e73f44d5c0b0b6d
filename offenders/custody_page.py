"""What the custody page of a case shows, read for one reader."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.urls import reverse

from iom.access import Actor
from iom.jinja import day, moment
from iom.models.dates import holidays_in

from . import history
from .custody import prison_called, to_attend
from .models import Case, CustodyPeriod, CustodyProposal, IdiomRecord, LegalStatus, LicenceRequest, Prison, Tag, TagHit
from .release_days import WHAT_TO_DO, Shut, shut_after

PROPOSED = {
    CustodyProposal.Kind.IN: "in prison since {on}",
    CustodyProposal.Kind.OUT: "no longer in prison since {on}",
    CustodyProposal.Kind.RELEASE: "expected out on {release}",
    CustodyProposal.Kind.MOVED: "in {prison}",
}


def sections(actor: Actor, case: Case, today: date) -> dict[str, Any]:
    """Everything below the identity bar, besides the forms."""
    prisons = list(Prison.objects.visible_to(actor))
    statuses = LegalStatus.objects.visible_to(actor).filter(case=case)
    present = list(statuses.filter(ended_at=None))
    tags = list(Tag.objects.visible_to(actor).filter(case=case))
    proposals = list(CustodyProposal.objects.visible_to(actor).filter(case=case, status="open"))
    inside = case.inside
    return {
        "prisons": prisons,
        "contact": prison_called(prisons, inside.prison) if inside else None,
        "shut": shut_of(case, today),
        "what_to_do": WHAT_TO_DO,
        "statuses": [_status(case, each, today) for each in present],
        "past_statuses": list(statuses.exclude(ended_at=None).order_by("-ended_at")[:20]),
        "kinds": [LegalStatus.Kind.BAIL, LegalStatus.Kind.COURT, LegalStatus.Kind.WANTED],
        "arrests": [each for each in to_attend(actor, today) if each.case_id == case.pk],
        "tags": tags,
        "worn": next((each for each in tags if each.last_day >= today), None),
        "hits": list(TagHit.objects.visible_to(actor).filter(case=case).select_related("ruled_by", "tag")),
        "idiom": IdiomRecord.objects.visible_to(actor).filter(case=case).first(),
        "conditions": list(LicenceRequest.objects.visible_to(actor).filter(case=case)),
        "proposals": [(each, proposed(each)) for each in proposals],
        "corrections": history.corrections(CustodyPeriod.objects.filter(case=case)),
        "earlier": [period for period in case.custody if period.released_on is not None],
    }


def shut_of(case: Case, today: date) -> Shut | None:
    """Whether the expected release, unless it is long past, comes before days without services."""
    due = case.inside.release_expected_on if case.inside else None
    return shut_after(due, holidays_in(case.scheme)) if due is not None and due >= today else None


def proposed(proposal: CustodyProposal) -> str:
    """What a feed says, in words: "IDIOM, 12 Mar 2026, 06:00: in prison since 9 Mar 2026, HMP Sample"."""
    said = PROPOSED[proposal.kind].format(
        on=day(proposal.on), release=day(proposal.release_on), prison=proposal.prison or "another prison"
    )
    if proposal.kind == CustodyProposal.Kind.IN:
        said += f", {proposal.prison}" if proposal.prison else ""
        said += f", {proposal.get_custody_kind_display().lower()}" if proposal.custody_kind else ""
        said += f", release expected on {day(proposal.release_on)}" if proposal.release_on else ""
    return f"{proposal.source}, {moment(proposal.as_of)}: {said}"


def _status(case: Case, row: LegalStatus, today: date) -> dict[str, Any]:
    """A row of the table; a date that has passed asks for its outcome."""
    passed = row.kind != LegalStatus.Kind.WANTED and row.on < today
    return {
        "row": row,
        "what": {"bail": "Return on police bail", "court": "Due in court", "wanted": "Wanted since"}[row.kind],
        "passed": passed,
        "href": reverse("status_outcome", args=[case.reference, row.pk]),
        "action": "Say what came of it" if passed else "Change or end",
    }
