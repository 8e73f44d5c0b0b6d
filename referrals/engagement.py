"""Meeting the person, in prison or in the community: recorded by the team, read with the nomination or the case.

Merton, step 4; London, step 4. A prison records risk and needs at reception the same way, and the local team is told
(London, HMP). It is a draft of its agency until it is finished; each approach stays, the newest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from iom import audit, clock, notify, together
from iom.access import Actor
from iom.models import Membership, Role, Scheme, User
from iom.policy import Policy
from iom.steps import StepRefused, locked
from iom.together import Steps
from offenders import naming
from offenders.models import AssignmentRole, Case, Offender
from referrals.models import Engagement, EngagementKind, Met, NeedLevel, Referral

FIELDS = (
    *("met", "met_on", "where", "place", "met_by", "level", "needs", "risks", "own_words", "support"),
    *("offer_explained", "expectations_told", "told_on"),
)
# What only somebody who was met can have said or needed.
OF_A_MEETING = ("level", "needs", "own_words", "support", "offer_explained", "expectations_told", "told_on")


# --- Recording ----------------------------------------------------------------


@transaction.atomic
def begin(thing: Referral | Case, *, kind: str, by: Actor) -> Engagement:
    """Begin to record a meeting, or what a prison found at reception; a draft that was begun is taken up.

    Raises PermissionDenied, or StepRefused for a reception that no prison records.
    """
    if not by.can("referrals.record_engagement", thing) or by.agency is None:
        raise PermissionDenied
    kind = EngagementKind(kind)
    if kind == EngagementKind.RECEPTION and not may_record_reception(by):
        raise StepRefused(["What was found at reception is recorded by the prison."])
    # The row of the person is the lock: a double click begins one draft.
    locked(Offender, thing.offender_id)
    about = {"case": thing} if isinstance(thing, Case) else {"referral": thing}
    draft = Engagement.objects.filter(
        agency=by.agency, recorded_by=by.user, kind=kind, finished_at=None, **about
    ).first()
    if draft is not None:
        return draft
    made = Engagement.objects.create(
        scheme=by.scheme,
        offender=thing.offender,
        agency=by.agency,
        recorded_by=by.user,
        kind=kind,
        met_by=by.user.name,
        where="prison" if kind == EngagementKind.RECEPTION else "",
        met=Met.MET if kind == EngagementKind.RECEPTION else "",
        **about,
    )
    audit.record("begin_engagement", made, by=by, after=kind, subjects=[thing.reference])
    return made


def may_record_reception(actor: Actor) -> bool:
    """A prison's own people."""
    return actor.agency is not None and actor.agency.kind == "prison"


@transaction.atomic
def save(
    engagement: Engagement,
    *,
    by: Actor,
    done: bool,
    version: int | None = None,
    typed: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Engagement:
    """Keep what is known of a meeting; `done` finishes it, so that others read it. What is finished stays so.

    `typed` is what cannot be stored as it is, kept word for word. When a reception is finished, the coordinators and
    who leads the case are told. Raises PermissionDenied, Stale, or StepRefused when it is not whole.
    """
    if unknown := set(fields) - set(FIELDS):
        raise TypeError(f"not a field here: {', '.join(sorted(unknown))}")
    held = _held(engagement, by, version)
    for name, value in fields.items():
        setattr(held, name, value)
    # Only once it is finished: a wrong tick on the way wipes nothing that was typed.
    if (done or held.finished_at) and held.met not in ("", Met.MET):
        blank = Engagement()
        for name in OF_A_MEETING:
            setattr(held, name, getattr(blank, name))
    finishing = done and held.finished_at is None
    if (done or held.finished_at) and (problems := lacks(held)):
        raise StepRefused(problems)
    if finishing:
        held.finished_at = clock.now()
    held.typed = dict(typed or {})
    held.version += 1
    held.save()
    verb = "finish_engagement" if finishing else "save_engagement"
    audit.record(verb, held, by=by, fields=fields, subjects=[held.thing.reference])
    if held.finished_at is not None:
        _tell_keepers_of_names(held)
    if finishing and held.kind == EngagementKind.RECEPTION:
        _tell_the_team(held)
    return held


def lacks(engagement: Engagement) -> list[str]:
    """What it takes before others read it: what came of it, when and where; of somebody met how far they take part."""
    asked = [
        (engagement.met, "Choose what came of it."),
        (engagement.met_on, "Enter the date."),
        (engagement.where, "Choose where it was."),
        (engagement.met_by, "Enter who met them."),
    ]
    if engagement.was_met:
        asked.append((engagement.level, "Choose the engagement level."))
    return [words for value, words in asked if not value]


@transaction.atomic
def throw_away(engagement: Engagement, *, by: Actor, version: int | None = None) -> None:
    """Drop a draft, which its agency alone has read. Raises PermissionDenied, Stale, or StepRefused once finished."""
    held = _held(engagement, by, version)
    if held.finished_at is not None:
        raise StepRefused(["What is finished stays. Correct it, or record another meeting."])
    audit.record("throw_away_engagement", held, by=by, subjects=[held.thing.reference])
    held.delete()


def _held(engagement: Engagement, by: Actor, version: int | None) -> Engagement:
    held: Engagement = locked(Engagement, engagement.pk, version=version)
    if not by.can("referrals.keep_engagement", held):
        raise PermissionDenied
    return held


def _tell_keepers_of_names(engagement: Engagement) -> None:
    """Compared with every protected name: agencies that keep one are told, whoever typed it is not."""
    words = [need.get("words", "") for need in engagement.needs.values()]
    naming.tell_owners(
        engagement.offender,
        (engagement.own_words, engagement.risks, engagement.support, *words),
        where=f"what the team recorded of {engagement.thing.reference}",
        subject=f"engagement {engagement.pk} {engagement.version}",
    )


def _tell_the_team(engagement: Engagement) -> None:
    """London, HMP: what the prison found reaches the local team, by reference."""
    thing = engagement.thing
    url = reverse(page_name(thing), args=[thing.reference])
    notify.tell(
        User.objects.filter(pk__in=_team_of(engagement)),
        scheme=engagement.scheme,
        kind="prison_reception",
        subject=str(engagement.pk),
        text=f"Prison reception: risk and needs of {thing.reference}",
        url=url,
        email_body="A prison has passed on what it found at reception. Sign in to read it:",
    )


def _team_of(engagement: Engagement) -> set[int]:
    """The scheme's coordinators, and who leads the case."""
    scheme: Scheme = engagement.scheme
    office = Membership.objects.filter(scheme=scheme).current(clock.today()).with_role(Role.COORDINATOR)
    people = set(office.values_list("user_id", flat=True))
    case = engagement.case or Case.objects.filter(offender=engagement.offender_id).not_closed().first()
    if case is not None:
        for role in (AssignmentRole.LEAD_PROFESSIONAL, AssignmentRole.POLICE_OFFICER):
            lead = case.assigned(role)
            if lead is not None and lead.membership is not None:
                people.add(lead.membership.user_id)
    return people - {engagement.recorded_by_id}


def page_name(thing: Referral | Case) -> str:
    """The address of the page on which a nomination's or a case's meetings stand."""
    return "case_engagement" if isinstance(thing, Case) else "referral_engagement"


# --- Reading -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Need:
    """What somebody needs on one pathway, as the team found it."""

    slug: str
    name: str
    level: str
    level_words: str
    words: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One meeting as its readers meet it. `needs` in the scheme's order, those assessed."""

    engagement: Engagement
    level_name: str
    level_means: str
    needs: tuple[Need, ...]

    @property
    def told_words(self) -> str:
        """Whether the person was told what is expected of them, and when (Richmond, principle 3)."""
        when = self.engagement.told_on
        if self.engagement.expectations_told:
            return f"Yes, {when.day} {when:%b} {when.year}" if when else "Yes"
        return "Not known" if self.engagement.expectations_told is None else "No"


def shown(engagement: Engagement, policy: Policy) -> Shown:
    level = policy.engagement_level(engagement.level)
    return Shown(
        engagement,
        level.name if level else engagement.level,
        level.definition if level else "",
        tuple(_needs(engagement.needs, policy)),
    )


def _needs(held: Mapping[str, Mapping[str, str]], policy: Policy) -> Iterable[Need]:
    for pathway in policy.pathways:
        need = held.get(pathway.slug, {})
        level, words = need.get("level", ""), need.get("words", "")
        if words or level not in ("", NeedLevel.NOT_ASSESSED):
            level = level or NeedLevel.NOT_ASSESSED
            yield Need(pathway.slug, pathway.name, level, NeedLevel(level).label, words)


def history(actor: Actor, offender: Offender) -> list[Engagement]:
    """Every finished meeting with the person that the actor may read, the newest first."""
    rows = Engagement.objects.visible_to(actor).filter(offender=offender).finished().for_list()
    return list(rows)


def latest(offender: Offender, policy: Policy) -> Shown | None:
    """The newest finished meeting: for pages whose reader reads about the person already."""
    return together.run(latest_steps(offender, policy))


@together.worded
def _newest(scheme: int, offender: int) -> together.First:
    return together.first(Engagement.objects.filter(scheme=scheme, offender=offender).finished().for_list())


def latest_steps(offender: Offender, policy: Policy) -> Steps[Shown | None]:
    """`latest`, read together with other rows."""
    found = yield _newest(offender.scheme_id, offender.pk)
    return shown(found, policy) if found else None


def needs_to_begin_with(referral: Referral, policy: Policy) -> list[tuple[str, str, str]]:
    """What a plan begins with (Merton, step 7): pathway, level and words.

    The nomination's own words stand; where it has none, those of the newest meeting at which the person was met. The
    level is the team's, "some" where nobody assessed it.
    """
    rows = Engagement.objects.filter(scheme=referral.scheme_id, offender=referral.offender_id, met=Met.MET)
    met = rows.finished().first()
    found = {need.slug: need for need in _needs(met.needs, policy)} if met else {}
    begin_with = []
    for pathway in policy.pathways:
        said, need = str(referral.needs.get(pathway.slug, "")).strip(), found.get(pathway.slug)
        assessed = need.level if need and need.level != NeedLevel.NOT_ASSESSED else ""
        words = said or (need.words if need else "")
        if words or assessed:
            begin_with.append((pathway.slug, assessed or NeedLevel.SOME, words))
    return begin_with
