"""Papers of nominations, cases and answers: added, read and removed (security.md F1 to F4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, Q

from iom import audit
from iom.files import keeping
from iom.files.judging import WORDS, Judged, Kind
from iom.models import Agency, FileState, Handling, StoredFile
from iom.steps import StepRefused, locked
from offenders.models import Case, CaseStatus
from referrals.models import CheckRequest, Paper, Referral

if TYPE_CHECKING:
    from collections.abc import Iterable

    from iom.access import Actor

NO_SCANNER = "No virus scanner is set up: this file stays locked until one is"


# --- Adding ------------------------------------------------------------------


@transaction.atomic
def add_to_referral(
    referral: Referral, judged: Judged, *, what: str, handling: str, readers: Iterable[str] = (), by: Actor
) -> Paper:
    """Add a paper to an open nomination. Raises PermissionDenied or StepRefused."""
    referral = locked(Referral, referral.pk)
    if not by.can("referrals.add_paper", referral):
        raise PermissionDenied
    if not referral.is_open:
        raise StepRefused([f"This nomination is {referral.get_status_display().lower()}: no more papers are taken."])
    return _add(referral.offender_id, judged, what, handling, readers, by, referral=referral)


@transaction.atomic
def add_to_case(
    case: Case, judged: Judged, *, what: str, handling: str, readers: Iterable[str] = (), by: Actor
) -> Paper:
    """Add a document to a case that is not closed. Raises PermissionDenied or StepRefused."""
    case = locked(Case, case.pk)
    if not by.can("referrals.add_document", case):
        raise PermissionDenied
    if case.status == CaseStatus.CLOSED:
        raise StepRefused(["This case is closed: no more documents are taken."])
    return _add(case.offender_id, judged, what, handling, readers, by, case=case)


@transaction.atomic
def add_to_request(
    request: CheckRequest, judged: Judged, *, what: str, handling: str, readers: Iterable[str] = (), by: Actor
) -> Paper:
    """Add a paper to what the actor's agency answers about a person, until the panel has decided.

    Others read it once the answer is sent. Raises PermissionDenied or StepRefused.
    """
    request = locked(CheckRequest, request.pk)
    if not by.can("referrals.answer_checks", request):
        raise PermissionDenied
    if request.closed_at is not None:
        raise StepRefused(["The panel has decided on this person. No more papers are taken."])
    return _add(request.offender_id, judged, what, handling, readers, by, request=request)


def _add(
    offender: int,
    judged: Judged,
    what: str,
    handling: str,
    readers: Iterable[str],
    by: Actor,
    **thing: Referral | Case | CheckRequest,
) -> Paper:
    """The row of the thing is locked, so that no number is given twice."""
    file = keeping.keep(judged, by=by, handling=handling, readers=readers)
    last = Paper.objects.filter(scheme=by.scheme, **thing).aggregate(last=Max("number"))["last"] or 0
    paper = Paper.objects.create(scheme=by.scheme, offender_id=offender, file=file, what=what, number=last + 1, **thing)
    _record("add_paper", paper, by)
    return paper


# --- Removing ----------------------------------------------------------------


@transaction.atomic
def remove(paper: Paper, *, reason: str, by: Actor) -> Paper:
    """Destroy a paper's bytes for a reason; its row stays. Raises PermissionDenied or StepRefused."""
    paper = locked(Paper, paper.pk)
    if not by.can("referrals.remove_paper", paper):
        raise PermissionDenied
    keeping.remove(paper.file, by=by, reason=reason)
    paper.version += 1
    paper.save(update_fields=["version"])
    _record("remove_paper", paper, by, reason=reason)
    return paper


def record_download(paper: Paper, *, by: Actor) -> None:
    """Write that somebody took a copy with them (security.md F4, U2)."""
    _record("download_paper", paper, by)


def _record(verb: str, paper: Paper, by: Actor, reason: str = "") -> None:
    subjects = [paper.reference] if paper.reference else [paper.audit_subject]
    audit.record(verb, paper, by=by, subjects=subjects, reason=reason, number=paper.number, file=paper.file_id)


# --- Reading -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper as its reader meets it: where it stands in words, whether it opens, who else can open it."""

    paper: Paper
    opens: bool
    state: str
    tone: str
    more: str
    handling: str
    kind: str
    may_remove: bool


def papers_for(referral: Referral, actor: Actor) -> list[Shown]:
    """What goes with a nomination: its own papers and those of agencies' answers about it, for this reader."""
    return _shown(actor, Q(referral=referral) | Q(request__referral=referral))


def documents_of(case: Case, actor: Actor) -> list[Shown]:
    """The documents of a case, and what came with nominations of the person and answers about them."""
    theirs = Q(offender=case.offender_id)
    return _shown(actor, Q(case=case) | (theirs & Q(case=None)))


def papers_of_answer(request: CheckRequest, actor: Actor) -> list[Shown]:
    """What an agency adds to its answer about a person."""
    return _shown(actor, Q(request=request))


def counts_by_referral(actor: Actor, referrals: Iterable[int]) -> dict[int, int]:
    """How many papers the reader meets with each of these nominations, by the nomination's id; none: no question."""
    wanted = set(referrals)
    if not wanted:
        return {}
    rows = Paper.objects.visible_to(actor).kept().filter(Q(referral__in=wanted) | Q(request__referral__in=wanted))
    return Counter(own or asked for own, asked in rows.values_list("referral", "request__referral"))


def _shown(actor: Actor, which: Q) -> list[Shown]:
    papers = list(Paper.objects.visible_to(actor).filter(which).for_list())
    slugs = {slug for paper in papers for slug in paper.file.readers}
    names = (
        dict(Agency.objects.filter(scheme=actor.scheme, slug__in=slugs).values_list("slug", "name")) if slugs else {}
    )
    return [shown(paper, actor, names) for paper in papers]


def shown(paper: Paper, actor: Actor, names: dict[str, str] | None = None) -> Shown:
    """One paper that the actor may read, for a page."""
    file = paper.file
    state, tone, more = standing(file, actor)
    readers = ", ".join(sorted((names or {}).get(slug, slug) for slug in file.readers))
    ours = actor.agency is not None and file.agency_id == actor.agency.pk
    return Shown(
        paper=paper,
        opens=keeping.is_open(file, actor.scheme.policy),
        state=state,
        tone=tone,
        more=more,
        handling=readers or Handling(file.handling).label,
        kind=WORDS[Kind(file.kind)],
        may_remove=file.removed_at is None and (ours or actor.has_role("coordinator")),
    )


def standing(file: StoredFile, actor: Actor) -> tuple[str, str, str]:
    """Where a file stands: words, the tone of their tag, and what a reader should know besides."""
    if file.removed_at is not None:
        return "Removed", "neutral", f"Because: {file.removed_because}"
    if file.state == FileState.INFECTED:
        return "Destroyed", "attention", "The virus scanner found a virus"
    if file.state == FileState.FAILED:
        return "Locked", "attention", "Could not be scanned for viruses. Save it in another way and send it again"
    if file.state == FileState.CLEAN:
        return "No virus found", "done", ""
    if settings.CLAMD:
        return "Being checked", "going", "It opens once the virus scanner has looked through it"
    if keeping.opens_unscanned(actor.scheme.policy):
        return "Not scanned", "attention", "No virus scanner is set up: open it with care"
    return "Locked", "attention", NO_SCANNER


@keeping.belongs_to
def whose(file: StoredFile) -> keeping.Whose | None:
    """What a file that is a paper belongs to."""
    paper = Paper.objects.filter(file=file).for_list().first()
    if paper is None:
        return None
    return keeping.Whose(paper.reference or "a check", paper.page_url, (paper.reference or paper.audit_subject,))
