"""Phrases for asking about people and cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case as Choose
from django.db.models import Exists, F, FilteredRelation, OrderBy, OuterRef, Prefetch, Q, Subquery, Value, When
from django.db.models.lookups import Exact, In

from iom import clock, together
from iom.access import fact
from iom.asked_before import Same
from iom.models import POLICE_AND_PROBATION, Agency, Handling, SchemeQuerySet
from iom.together import Steps

if TYPE_CHECKING:
    from iom.access import Actor
    from offenders.models import Case

# The ratings, the most urgent first.
URGENCY = ("RED", "AMBER", "GREEN", "BLUE")
# What makes an agency "involved" in a case beyond leading it (actions, returns, agenda items) is known further right;
# those apps add here, in their `rules.py`, a query that gives the ids of the cases.
Involvement = Callable[["Actor"], models.QuerySet]
_involvements: list[Involvement] = []


# What else it takes to read restricted material, beyond being named: panels asks for the signature under the sharing
# agreement (security.md Z12). Each gives a condition on the actor, whatever the row.
Gate = Callable[["Actor"], Exists]
_gates: list[Gate] = []

# Which rows further right are called by a reference of their own and tell of a person: nominations.
Called = Callable[[], models.QuerySet]
_called: list[Called] = []


def restricted_needs(condition: Gate) -> Gate:
    """Register a condition without which nobody named on a restricted case reads it."""
    _gates.append(condition)
    return condition


def called_by_reference(rows: Called) -> Called:
    """Register rows with a `reference` and an `offender`: whoever may not meet the person may not meet these."""
    _called.append(rows)
    return rows


# From where a person is reached to say or read what agencies know of their family: rows with an `offender` and a
# `reference`, and the address of the page. Cases here; nominations are known further right.
Reach = Callable[["Actor"], models.QuerySet]
_reaches: list[tuple[str, Reach]] = []


def reached_from(address: str) -> Callable[[Reach], Reach]:
    """Register rows through which an actor reaches people, with the name of their page of family and victims."""

    def register(rows: Reach) -> Reach:
        _reaches.append((address, rows))
        return rows

    return register


def ways_to(actor: Actor) -> list[tuple[str, models.QuerySet]]:
    """What `reached_from` registered, for this actor."""
    return [(address, rows(actor)) for address, rows in _reaches]


def everything_called() -> list[models.QuerySet]:
    """The rows that `called_by_reference` registered."""
    return [rows() for rows in _called]


def involves(find: Involvement) -> Involvement:
    """Register case ids in which an actor's agency has a part (policy value `case_visibility = "involved"`)."""
    _involvements.append(find)
    return find


def admitted(actor: Actor) -> Q:
    """What it takes to read what others keep sealed, besides being named: the signature of security.md Z12."""
    needs = Q()
    for gate in _gates:
        needs &= Q(gate(actor))
    return needs


def named(actor: Actor) -> Exists:
    """Whether a case has a grant for the actor that has not ended (security.md Z4)."""
    from offenders.models import CaseGrant

    grants = CaseGrant.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=clock.now()),
        content_object=OuterRef("pk"),
        user=actor.user,
        user__is_active=True,
        permission__codename="open_restricted_case",
    )
    return Exists(grants)


def opened_to(actor: Actor) -> Q:
    """Whether a restricted case is open to the actor: named and admitted by every gate, or in an emergency for an hour.

    An emergency is for coordinator and chair, and ends with the role (security.md Z5).
    """
    from offenders.models import BreakGlass

    if "opened" in actor.known:
        return Q(pk__in=actor.known["opened"])
    named_and_admitted = Q(named(actor)) & admitted(actor)
    if not actor.has_role("coordinator", "chair"):
        return named_and_admitted
    emergency = BreakGlass.objects.filter(case=OuterRef("pk"), membership=actor.membership, ends_at__gt=clock.now())
    return named_and_admitted | Q(Exists(emergency))


@fact
def _opened(actor: Actor) -> together.Steps[frozenset[int]]:
    """The few restricted cases that are open to the actor: every page asks, so a request finds out once."""
    from offenders.models import Case

    def opened() -> models.QuerySet:
        restricted = Case.objects.in_scheme_of(actor).filter(restricted=True)
        return restricted.filter(opened_to(actor)).values_list("pk", flat=True)

    found = yield opened
    # Never empty, so that every question is put the same way (`iom.asked_before`); no case has this number.
    return frozenset(found or (0,))


# The office reads closed cases too.
OFFICE, MANAGERS = "office", "managers"


def reader_of_all(actor: Actor) -> str:
    """Whether an actor of a request reads every unrestricted case, and of which kind they are; blank if not."""
    if "opened" not in actor.known or actor.user is None or not actor.holds("offenders.view_cohort"):
        return ""
    if actor.has_role("coordinator", "chair", "researcher"):
        return OFFICE
    return MANAGERS if actor.reads_all_cases else ""


def found_by(actor: Actor | None, case: Case) -> bool:
    """Whether this very row was given to the actor by `CaseQuerySet.visible_to`, so that nobody need ask again.

    A row that is read anew, as `steps.locked` does before something is changed, is asked for anew.
    """
    return actor is not None and case.__dict__.get("found_by") is actor


def of_one_case(
    rows: Callable[[], models.QuerySet], narrow: Callable[[Any], Any], *, permission: str = ""
) -> Callable[[Actor, Case], Any]:
    """What a page of a case reads of rows that belong to cases: `fn(actor, case)`, put into words once for all cases.

    Of a case that the actor has found every row of it, where they hold `permission` if one is named; of any other what
    `visible_to` gives.
    """
    of_cases, how = Same(rows), Same(narrow)

    @together.worded
    def of_found(scheme: int, case: int) -> Any:
        return narrow(rows().filter(scheme_id=scheme, case=case))

    def of(actor: Actor, case: Case) -> Any:
        if found_by(actor, case) and (not permission or (actor.user is not None and actor.holds(permission))):
            return of_found(actor.scheme.pk, case.pk)
        return lambda: how.value(of_cases.value().visible_to(actor).filter(case=case.pk))

    return of


class BreakGlassQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> BreakGlassQuerySet:
        """Every opening of the scheme, for those who look them over (security.md Z5)."""
        if actor is None or not actor.holds("offenders.review_openings"):
            return self.none()
        return self.in_scheme_of(actor)


class OfCaseQuerySet(SchemeQuerySet):
    """Rows about a case, read by whoever reads the case."""

    def visible_to(self, actor: Actor | None) -> OfCaseQuerySet:
        from offenders.models import Case

        return self.in_scheme_of(actor).filter(case__in=Case.objects.visible_to(actor))


class RecordQuerySet(SchemeQuerySet):
    """Records of the team that are about nobody of the cohort: for everybody at the table."""

    def visible_to(self, actor: Actor | None) -> RecordQuerySet:
        if actor is None or not actor.holds("offenders.view_records"):
            return self.none()
        return self.in_scheme_of(actor)


class StoryQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> StoryQuerySet:
        """Stories without names, for everybody at the table; of a restricted case for those who open it."""
        from offenders.models import Case

        if actor is None or not actor.holds("offenders.view_records"):
            return self.none()
        return self.in_scheme_of(actor).exclude(case__in=Case.objects.closed_to(actor))


class NamedListQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> NamedListQuerySet:
        """The named police list, for police and the coordinator alone; without people whom the actor may not meet."""
        from offenders.models import Case

        if actor is None or not actor.holds("offenders.view_named_list"):
            return self.none()
        hidden = Case.objects.closed_to(actor).values("offender")
        return self.in_scheme_of(actor).exclude(offender__in=hidden)


def in_the_name(words: str) -> Q:
    """The condition on cases that each word stands in the name, an alias, the reference or a number, accents aside."""
    from offenders.models import Alias

    found = Q()
    for word in words.split():
        alias = Alias.objects.filter(offender=OuterRef("offender"), name__unaccent__icontains=word)
        found &= (
            Q(offender__sort_name__unaccent__icontains=word.casefold())
            | Exists(alias)
            | Q(reference__iexact=word)
            | Q(offender__pnc_number__icontains=word)
            | Q(offender__cro_number__icontains=word)
            | Q(offender__prison_number__icontains=word)
            | Q(offender__probation_number__icontains=word)
        )
    return found


def feeds() -> list[Prefetch]:
    """What `CaseQuerySet.with_feeds` reads, for cases that were read already."""
    from offenders.models import LegalStatus, Tag

    dated = LegalStatus.objects.filter(ended_at=None, kind__in=["bail", "court"])
    return [
        Prefetch("legal_statuses", dated, to_attr="present_dates"),
        Prefetch("tags", Tag.objects.filter(ended_on=None), to_attr="present_tags"),
    ]


def agency_names_steps(actor: Actor) -> Steps[dict[str, str]]:
    """The names of the scheme's agencies by slug, to say who else reads something."""
    return dict((yield lambda: Agency.objects.visible_to(actor).values_list("slug", "name")))


def present_openings() -> Prefetch:
    """What `RelatedPersonQuerySet.with_opening` reads, for records that are read with other rows."""
    from offenders.models import RelatedOpening

    present = RelatedOpening.objects.filter(shut_at=None).select_related("opened_by")
    return Prefetch("openings", present, to_attr="present_openings")


class CaseQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> CaseQuerySet:
        """The cases that an actor may read (design.md 3, "who sees cases"; security.md Z4).

        By office or by a seat on a body that manages the cohort, every unrestricted case; where the policy says
        "involved", those of one's own agency; a restricted one only for those who are named on it.
        """
        if actor is None or actor.user is None or not actor.holds("offenders.view_cohort"):
            return self.none()
        if kind := reader_of_all(actor):
            return self.readable(kind, actor.scheme.pk, actor.known["opened"])
        rows = self.in_scheme_of(actor).filter(Q(restricted=False) | opened_to(actor))
        if actor.has_role("coordinator", "chair", "researcher"):
            return rows
        rows = rows.exclude(status="closed")
        return rows if actor.reads_all_cases else rows.filter(self._involved(actor) | named(actor))

    def readable(self, kind: str, scheme: int, opened: Iterable[int]) -> CaseQuerySet:
        """What a `reader_of_all` of a kind reads of a scheme: the unrestricted cases, and those `opened` to them."""
        rows = self.filter(Q(restricted=False) | Q(pk__in=opened), scheme=scheme)
        return rows if kind == OFFICE else rows.exclude(status="closed")

    def closed_to(self, actor: Actor | None) -> CaseQuerySet:
        """The restricted cases that the actor may not open. Whatever tells of their people is absent for the actor."""
        rows = self.in_scheme_of(actor).filter(restricted=True)
        if actor is None or actor.user is None or not actor.holds("offenders.view_cohort"):
            return rows
        if "opened" in actor.known:
            return self.shut(actor.scheme.pk, actor.known["opened"])
        return rows.filter(~opened_to(actor))

    def shut(self, scheme: int, opened: Iterable[int]) -> CaseQuerySet:
        """The restricted cases of a scheme but those that are `opened`."""
        return self.filter(~Q(pk__in=opened), scheme=scheme, restricted=True)

    def sealed_to(self, actor: Actor | None) -> CaseQuerySet:
        """Those of them whose reference and owner the actor may know: as coordinator or chair (security.md Z4)."""
        if actor is None or not actor.has_role("coordinator", "chair"):
            return self.none()
        return self.closed_to(actor)

    def _involved(self, actor: Actor) -> Q:
        from offenders.models import Assignment

        leads = Assignment.objects.filter(agency=actor.agency, until=None).values("case")
        involved = Q(pk__in=leads)
        for find in _involvements:
            involved |= Q(pk__in=find(actor))
        return involved

    def not_closed(self) -> CaseQuerySet:
        """On the cohort now, leaving or not."""
        return self.exclude(status="closed")

    def with_current(self) -> CaseQuerySet:
        """With the person, the rating in force and who leads: what every list of cases shows."""
        from offenders.models import Assignment, RagRating

        return self.select_related("offender").prefetch_related(
            Prefetch("ratings", RagRating.objects.filter(until=None), to_attr="current_ratings"),
            Prefetch(
                "assignments",
                Assignment.objects.filter(until=None).select_related("agency", "membership__user"),
                to_attr="current_assignments",
            ),
        )

    def with_custody(self) -> CaseQuerySet:
        """With the time in custody and under supervision: what clocks and the board ask for."""
        from offenders.models import CustodyPeriod, Supervision

        newest_first = CustodyPeriod.objects.order_by("-starts_on", "-pk")
        return self.prefetch_related(
            Prefetch("custody_periods", newest_first, to_attr="all_custody"),
            Prefetch("supervisions", Supervision.objects.all(), to_attr="all_supervisions"),
        )

    def with_feeds(self) -> CaseQuerySet:
        """With court dates, returns on bail and tags that are to come: what clocks show beside the release."""
        return self.prefetch_related(*feeds())

    def rated(self, *colours: str) -> CaseQuerySet:
        """Rated one of `colours` now."""
        from offenders.models import RagRating

        # One a case. Asked for each case and not as a set: row security hides from the planner how large that is.
        present = RagRating.objects.filter(case=OuterRef("pk"), until=None).values("colour")
        return self.filter(In(Subquery(present), list(colours)))

    def assigned_to(self, role: str, **holder: object) -> CaseQuerySet:
        """With this agency or person in a role now."""
        from offenders.models import Assignment

        ((name, value),) = holder.items()
        held = Assignment.objects.filter(case=OuterRef("pk"), role=role, until=None).values(name)
        return self.filter(Exact(Subquery(held), value))

    def led_by(self, actor: Actor) -> CaseQuerySet:
        """Cases on the cohort that the actor leads: as lead professional or police officer."""
        from offenders.models import Assignment

        mine = Assignment.objects.filter(membership=actor.membership, until=None, case=OuterRef("pk"))
        return self.not_closed().filter(Exists(mine)) if actor.membership else self.none()

    def without(self, role: str) -> CaseQuerySet:
        """Without a holder of a role, or with one who has left: nobody there still works here."""
        from offenders.models import Assignment

        today = clock.today()
        gone = Q(membership__isnull=False) & (Q(membership__until__lte=today) | Q(membership__user__is_active=False))
        held = Assignment.objects.filter(case=OuterRef("pk"), role=role, until=None).exclude(gone)
        return self.filter(~Exists(held))

    def without_lead(self) -> CaseQuerySet:
        """Without a lead professional who still works here."""
        return self.without("lead_professional")

    def in_custody(self) -> CaseQuerySet:
        from offenders.models import CustodyPeriod

        return self.filter(Exists(CustodyPeriod.objects.filter(case=OuterRef("pk"), released_on=None)))

    def in_community(self) -> CaseQuerySet:
        from offenders.models import CustodyPeriod

        return self.filter(~Exists(CustodyPeriod.objects.filter(case=OuterRef("pk"), released_on=None)))

    def release_expected(self, by: date) -> CaseQuerySet:
        """In custody, with a release expected on `by` or before."""
        from offenders.models import CustodyPeriod

        due = CustodyPeriod.objects.filter(case=OuterRef("pk"), released_on=None, release_expected_on__lte=by)
        return self.filter(Exists(due))

    def matching(self, words: str) -> CaseQuerySet:
        """Each word stands in the name, an alias, the reference or a number; accents do not count."""
        return self.filter(in_the_name(words))

    def rated_now(self) -> CaseQuerySet:
        """With the person and, as `present`, the rating in force or None: one row a case."""
        present = FilteredRelation("ratings", condition=Q(ratings__until=None))
        return self.annotate(present=present).select_related("offender", "present")

    def ordered(self, key: str, *, grouped: bool = False) -> CaseQuerySet:
        """By "name", "rating", "since" (of the rating) or "score"; with "-" in front the other way round.

        `grouped` keeps each rating together. For cases that are `rated_now`.
        """
        urgency = Choose(*(When(present__colour=colour, then=Value(place)) for place, colour in enumerate(URGENCY)))
        column = {
            "name": F("offender__sort_name"),
            "rating": urgency,
            "since": F("present__starts_on"),
            "score": F("score"),
        }[key.removeprefix("-")]
        order = (OrderBy(column, descending=key.startswith("-"), nulls_last=True),)
        first = (OrderBy(urgency, nulls_last=True),) if grouped and column is not urgency else ()
        return self.order_by(*first, *order, "offender__sort_name", "pk")

    def green_since(self, day: date) -> CaseQuerySet:
        """Green without a break from `day` or before. Any other rating, Blue included, ends the run (design.md 5)."""
        from offenders.models import RagRating

        return self.filter(
            Exists(RagRating.objects.filter(case=OuterRef("pk"), until=None, colour="GREEN", starts_on__lte=day))
        )


class HandOverQuerySet(OfCaseQuerySet):
    def waiting(self) -> HandOverQuerySet:
        """Arranged, their day not come yet."""
        return self.filter(assignment=None, ended_because="")


class SavedViewQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> SavedViewQuerySet:
        """One's own and those that were shared, for whoever reads the board."""
        if actor is None or actor.membership is None or not actor.holds("offenders.view_cohort"):
            return self.none()
        return self.seen_by(actor.scheme.pk, actor.membership.pk)

    def seen_by(self, scheme: int, owner: int) -> SavedViewQuerySet:
        """Those of one owner in a scheme, and those that were shared there."""
        return self.filter(Q(owner=owner) | Q(shared=True), scheme=scheme)


class SheetQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> SheetQuerySet:
        """One's own, for whoever imports: what somebody uploads is nobody else's until it is the cohort."""
        if actor is None or actor.user is None or not actor.holds("offenders.import_cohort"):
            return self.none()
        return self.in_scheme_of(actor).filter(made_by=actor.user)


class OffenderQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> OffenderQuerySet:
        """People whose case one may read. A nominated person who has no case yet is read through the referral."""
        from offenders.models import Case

        return self.in_scheme_of(actor).filter(Exists(Case.objects.visible_to(actor).filter(offender=OuterRef("pk"))))


class RelatedPersonQuerySet(SchemeQuerySet):
    """Family, victims and contacts. Never ask without `visible_to`, but to warn an owner of a name that got out."""

    def visible_to(self, actor: Actor | None) -> RelatedPersonQuerySet:
        """Those of one's own agency, and those that others opened to it, read under the sharing agreement.

        No office opens them: coordinator and chair read what their own agency entered, as everybody does.
        """
        from offenders.models import Case, RelatedOpening

        if actor is None or actor.user is None or actor.agency is None or not actor.holds("offenders.view_related"):
            return self.none()
        hidden = Case.objects.closed_to(actor).filter(offender=OuterRef("offender"))
        opened = Q(audience="agencies", readers__contains=[actor.agency.slug])
        if actor.agency.kind in POLICE_AND_PROBATION:
            opened |= Q(audience="police_probation")
        openings = RelatedOpening.objects.filter(opened, related=OuterRef("pk"), shut_at=None)
        others = Q(Exists(openings), ended_on=None) & admitted(actor)
        return self.in_scheme_of(actor).filter(Q(agency=actor.agency) | others).exclude(Exists(hidden))

    def of_agency(self, actor: Actor) -> RelatedPersonQuerySet:
        """Those that the actor's own agency keeps: it alone changes, opens and shuts them."""
        return self.visible_to(actor).filter(agency=actor.agency)

    def protected(self) -> RelatedPersonQuerySet:
        """Victims and people at risk whose name is known. One who was entered by mistake is neither."""
        return self.filter(Q(victim=True) | Q(at_risk="yes")).exclude(name="").exclude(ended_because="mistake")

    def with_opening(self) -> RelatedPersonQuerySet:
        """With the agency, and the opening in force as `present_openings`."""
        return self.select_related("agency", "offender").prefetch_related(present_openings())


class EntryQuerySet(SchemeQuerySet):
    """The log of cases. Never ask without `visible_to`, but for rules that look at what happened (`timeline.shows`)."""

    def visible_to(self, actor: Actor | None) -> EntryQuerySet:
        """Those of cases that the actor reads: for the whole panel, or marked for their agency (security.md Z6).

        What others marked is read under the sharing agreement (Z12); what one's own agency wrote, without.
        """
        from offenders.models import Case

        return self._allowed(actor, case__in=Case.objects.visible_to(actor).order_by().values("pk"))

    def of_case(self, actor: Actor, case: Case, *, found: bool) -> EntryQuerySet:
        """Those of one case that are `visible_to` the actor; one `found_by` the actor is not asked for again."""
        rows = self._allowed(actor) if found else self.visible_to(actor)
        return rows.filter(case=case.pk)

    def _allowed(self, actor: Actor | None, **of_cases: object) -> EntryQuerySet:
        """As far as handling goes, and in the cases that the caller names."""
        if actor is None or actor.user is None or not actor.holds("offenders.view_case"):
            return self.none()
        allowed = Q(handling=Handling.PANEL)
        if actor.agency is not None:
            marked = Q(handling=Handling.AGENCIES, readers__contains=[actor.agency.slug])
            if actor.agency.kind in POLICE_AND_PROBATION:
                marked |= Q(handling=Handling.POLICE_PROBATION)
            allowed |= Q(agency=actor.agency) | (marked & admitted(actor))
        return self.in_scheme_of(actor).filter(allowed, **of_cases)

    def standing(self) -> EntryQuerySet:
        """What holds: neither corrected nor withdrawn."""
        from offenders.models import Entry

        return self.exclude(text="").filter(~Exists(Entry.objects.filter(corrects=OuterRef("pk"))))


class TransferQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> TransferQuerySet:
        """Everything between the schemes for those who answer for it; others' own, and what concerns their cases.

        Of somebody with a restricted case only those named on it meet anything.
        """
        from offenders.models import Case

        if actor is None or actor.user is None or not actor.holds("offenders.view_transfers"):
            return self.none()
        hidden = Case.objects.closed_to(actor).filter(offender=OuterRef("offender"))
        rows = self.in_scheme_of(actor).exclude(Exists(hidden))
        if actor.has_role("coordinator", "researcher", "chair"):
            return rows
        return rows.filter(Q(opened_by=actor.user) | Q(case__in=Case.objects.visible_to(actor)))

    def unanswered(self) -> TransferQuerySet:
        """Sent or received, and neither accepted nor declined."""
        return self.filter(status="waiting")

    def going_on(self) -> TransferQuerySet:
        """Unanswered, and liaison that has not ended."""
        return self.filter(Q(status="waiting") | Q(status="accepted", kind__in=["offends_there", "offends_here"]))


class YouthQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> YouthQuerySet:
        """Moves to adult services, for the office and the agencies of the transfer panel that manage young people.

        Of somebody with a restricted case only those who open it meet anything.
        """
        from offenders.models import Case

        if actor is None or actor.user is None or not actor.holds("offenders.view_youth"):
            return self.none()
        hidden = Case.objects.closed_to(actor).filter(offender=OuterRef("offender"))
        rows = self.in_scheme_of(actor).exclude(Exists(hidden))
        if actor.has_role("coordinator", "researcher", "chair"):
            return rows
        manages = actor.agency is not None and actor.agency.kind in (*POLICE_AND_PROBATION, "youth_justice")
        return rows if manages else self.none()

    def going_on(self) -> YouthQuerySet:
        return self.exclude(status__in=["taken_over", "ended"])
