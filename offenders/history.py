"""Who changed what on a case, in words, and who looked at it (security.md U10, U11).

Values come from the readable history beside the chain (django-auditlog). What went past it, in bulk or in SQL, stands
in the chain alone and is shown by the names of its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.aggregates import ArrayAgg
from django.db import models
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import TruncDate

from iom import clock, jinja, trail
from iom.models import Agency, AuditEvent, LogEntry, User
from offenders import alike

from .models import Alias, Assignment, Case, CustodyPeriod, Offender, RagRating

if TYPE_CHECKING:
    from iom.access import Actor

A_PAGE = 100
LOOKS = 100
# A readable entry is written some time before its transaction ends and the chain says when that was.
TRANSACTION = timedelta(minutes=10)
# What only counts or repeats; and what an entry hangs on, since all are of this case.
LEFT_OUT = frozenset({"id", "scheme", "version", "created_at", "follows_from", "offender", "case", "plan"}) | {
    "sort_name",
    "likeness_name",
    *alike.KEYS.values(),
}
NOTHING = ("", "None", None)
VERBS = {LogEntry.Action.CREATE: "Added", LogEntry.Action.UPDATE: "Changed", LogEntry.Action.DELETE: "Removed"}


@dataclass(frozen=True)
class Part:
    """Rows of a case, as far as the reader may read them. `through` leads to `parent`: it finds what was removed."""

    rows: QuerySet
    through: str = ""
    parent: int = 0


Parts = Callable[["Actor", Case], Iterable[Part]]
_parts: list[Parts] = []


def part_of_history(function: Parts) -> Parts:
    """Register which rows of an app belong to the history of a case. Only what the reader may read in full."""
    _parts.append(function)
    return function


@part_of_history
def of_cases(actor: Actor, case: Case) -> Iterable[Part]:
    """The person and the case itself, for whoever opens the case."""
    person = case.offender_id
    yield Part(Offender.objects.filter(pk=person))
    yield Part(Alias.objects.filter(offender=person), "offender", person)
    yield Part(Case.objects.filter(pk=case.pk))
    for model in (RagRating, Assignment, CustodyPeriod):
        yield Part(model.objects.filter(case=case), "case", case.pk)


@dataclass(frozen=True)
class Change:
    """One field: what it was and what it is, in words."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One thing that was changed, by whom."""

    when: datetime
    who: str
    what: str
    changes: tuple[Change, ...] = ()
    fields: str = ""


@dataclass(frozen=True)
class Looks:
    """How often somebody looked at the case on a day."""

    day: date
    who: str
    agency: str
    times: int
    last: datetime
    pages: str


# --- Changes ---------------------------------------------------------------------------------


def changes(actor: Actor, case: Case, *, before: datetime | None = None) -> tuple[list[Entry], datetime | None]:
    """What was changed before an instant, newest first, and the instant before which there is more, if there is."""
    parts = [part for find in _parts for part in find(actor, case)]
    kinds = ContentType.objects.get_for_models(*{part.rows.model for part in parts})
    rows = LogEntry.objects.filter(_entries(parts, kinds)).select_related("actor").order_by("-timestamp", "-pk")
    if before:
        rows = rows.filter(timestamp__lt=before)
    found = list(rows[: A_PAGE + 1])
    shown, more = found[:A_PAGE], len(found) > A_PAGE
    since = shown[-1].timestamp if more else None
    models_of = {kind.pk: model for model, kind in kinds.items()}
    values = _Values(shown, models_of)
    entries = [_entry(each, models_of[each.content_type_id], values) for each in shown]
    # A version that went up says nothing by itself.
    entries = [entry for entry in entries if entry.changes]
    entries += _past_the_history(actor, case, shown, models_of, since, before)
    entries.sort(key=lambda entry: entry.when, reverse=True)
    return entries, since


def changes_since(parts: Sequence[Part], since: datetime) -> list[Entry]:
    """What was changed on some rows after an instant, newest first: at most a page of it, from the readable history."""
    kinds = ContentType.objects.get_for_models(*{part.rows.model for part in parts})
    rows = LogEntry.objects.filter(_entries(parts, kinds), timestamp__gt=since).select_related("actor")
    shown = list(rows.order_by("-timestamp", "-pk")[:A_PAGE])
    models_of = {kind.pk: model for model, kind in kinds.items()}
    values = _Values(shown, models_of)
    entries = (_entry(each, models_of[each.content_type_id], values) for each in shown)
    return [entry for entry in entries if entry.changes]


def corrections(rows: QuerySet, most: int = 20) -> list[Entry]:
    """What was changed in these rows after they were entered, newest first, for whoever may read them in full."""
    kind = ContentType.objects.get_for_model(rows.model)
    changed = LogEntry.objects.filter(
        content_type=kind, action=LogEntry.Action.UPDATE, object_id__in=rows.order_by().values("pk")
    )
    found = list(changed.select_related("actor").order_by("-timestamp", "-pk")[:most])
    values = _Values(found, {kind.pk: rows.model})
    entries = [_entry(each, rows.model, values) for each in found]
    return [entry for entry in entries if entry.changes]


def _entries(parts: Sequence[Part], kinds: Mapping[type[models.Model], ContentType]) -> Q:
    found = Q(pk__in=())
    for part in parts:
        own = Q(object_id__in=part.rows.order_by().values("pk"))
        if part.through:
            gone = LogEntry.objects.filter(
                content_type=kinds[part.rows.model],
                action=LogEntry.Action.DELETE,
                **{f"changes__{part.through}__0": str(part.parent)},
            )
            own |= Q(object_id__in=gone.order_by().values("object_id"))
        found |= Q(content_type=kinds[part.rows.model]) & own
    return found


def _entry(entry: LogEntry, model: type[models.Model], values: _Values) -> Entry:
    fields = {field.name: field for field in model._meta.local_fields}
    said = []
    for name, (old, new) in sorted((entry.changes or {}).items()):
        field = fields.get(name)
        if field is None or name in LEFT_OUT or (old in NOTHING and new in NOTHING):
            continue
        said.append(Change(str(field.verbose_name), values.words(field, old), values.words(field, new)))
    return Entry(
        when=entry.timestamp,
        who=entry.actor.name if entry.actor else "By itself",
        what=f"{VERBS.get(entry.action, 'Changed')}: {trail.thing_in_words(model._meta.label_lower)}",
        changes=tuple(said),
    )


class _Values:
    """Stored values as words. What keys point to is read once for each table, however many entries there are."""

    def __init__(self, entries: Sequence[LogEntry], models_of: Mapping[int, type[models.Model]]) -> None:
        asked: dict[type[models.Model], set[int]] = {}
        for entry in entries:
            for name, values in (entry.changes or {}).items():
                target = self._target(models_of[entry.content_type_id], name)
                if target:
                    asked.setdefault(target, set()).update(int(v) for v in values if str(v).isdigit())
        self.named = {
            (model, row.pk): str(row)
            for model, numbers in asked.items()
            for row in model._base_manager.filter(pk__in=numbers).select_related()
        }

    @staticmethod
    def _target(model: type[models.Model], name: str) -> type[models.Model] | None:
        field = next((each for each in model._meta.local_fields if each.name == name), None)
        return field.remote_field.model if field is not None and field.remote_field and name not in LEFT_OUT else None

    def words(self, field: models.Field, value: str | None) -> str:
        if value in NOTHING:
            return ""
        text = str(value)
        if field.remote_field:
            number = int(text) if text.isdigit() else 0
            return self.named.get((field.remote_field.model, number), f"number {text}")
        if field.choices:
            return str(dict(field.flatchoices).get(text, text))
        if isinstance(field, models.BooleanField):
            return {"True": "Yes", "False": "No"}.get(text, text)
        return _moment_in_words(field, text)


def _moment_in_words(field: models.Field, text: str) -> str:
    """A stored date or instant (UTC without its zone) in London's words; anything else as it stands."""
    try:
        if isinstance(field, models.DateTimeField):
            stored = datetime.fromisoformat(text)
            return jinja.moment(stored if stored.tzinfo else stored.replace(tzinfo=UTC))
        if isinstance(field, models.DateField):
            return jinja.day(date.fromisoformat(text))
    except ValueError:
        return text
    return text


def _past_the_history(
    actor: Actor,
    case: Case,
    shown: Sequence[LogEntry],
    models_of: Mapping[int, type[models.Model]],
    since: datetime | None,
    before: datetime | None,
) -> list[Entry]:
    """Changes that only the chain knows: of the tables and rows of this case, without a readable entry of their own."""
    tables = {model._meta.db_table: model for model in models_of.values()}
    person = trail.whom(actor, [case.reference])[case.reference]
    mine = [token for token in person.tokens if token in (f"P{case.offender_id}", f"C{case.pk}")]
    events = AuditEvent.objects.filter(
        kind="rows", verb="update", object_type__in=tables, body__subjects__has_any_keys=mine
    )
    if since:
        events = events.filter(at__gte=since)
    if before:
        events = events.filter(at__lt=before)
    known: dict[tuple[str, int], list[LogEntry]] = {}
    for entry in shown:
        known.setdefault((models_of[entry.content_type_id]._meta.db_table, entry.object_id), []).append(entry)
    found = []
    for event in events.order_by("-sequence")[:A_PAGE]:
        model = tables[event.object_type]
        columns = set()
        for row in event.body.get("rows", ()):
            told = known.get((event.object_type, row["id"]), ())
            changed = set(row.get("fields", ()))
            if _is_of(case, event, row["id"]) and not any(_same(entry, event, model, changed) for entry in told):
                columns |= changed
        if words := trail.fields_in_words(event.object_type, columns):
            found.append((event, ", ".join(words)))
    names = _names(event.actor for event, _ in found)
    return [
        Entry(event.at, trail.who(event, names), f"Changed: {trail.thing_in_words(event.object_type)}", fields=words)
        for event, words in found
    ]


def _is_of(case: Case, event: AuditEvent, number: int) -> bool:
    """One statement may change several people's rows: of cases and people it is known which are this one's."""
    own = {Case._meta.db_table: case.pk, Offender._meta.db_table: case.offender_id}
    return own.get(event.object_type, number) == number


def _same(entry: LogEntry, event: AuditEvent, model: type[models.Model], columns: set[str]) -> bool:
    """Whether a readable entry tells of the change of these columns that an event tells of."""
    fields = {field.name for field in model._meta.local_fields if field.column in columns} - LEFT_OUT
    if not fields <= set(entry.changes or ()):
        return False
    if event.request_id and entry.cid:
        return entry.cid == event.request_id
    return entry.action == LogEntry.Action.UPDATE and timedelta(0) <= event.at - entry.timestamp < TRANSACTION


def _names(actors: Iterable[str]) -> dict[int, str]:
    numbers = {int(name.removeprefix("user:")) for name in actors if name.removeprefix("user:").isdigit()}
    return dict(User.objects.filter(pk__in=numbers).values_list("pk", "name")) if numbers else {}


# --- Looks -----------------------------------------------------------------------------------


def looks(actor: Actor, case: Case) -> list[Looks]:
    """Who looked at the person's pages, one line for each person, agency and day, the latest first."""
    person = trail.whom(actor, [case.reference])[case.reference]
    rows = list(
        AuditEvent.objects.filter(trail.showed(person), kind="read")
        .annotate(day=TruncDate("at", tzinfo=clock.LONDON), page=KeyTextTransform("page", "context"))
        .values("actor", "agency", "day")
        .annotate(times=Count("sequence"), last=Max("at"), pages=ArrayAgg("page", distinct=True))
        .order_by("-last")[:LOOKS]
    )
    names = _names(row["actor"] for row in rows)
    agencies = dict(Agency.objects.in_scheme_of(actor).values_list("pk", "name"))
    return [
        Looks(
            day=row["day"],
            who=_who_looked(row["actor"], names),
            agency=agencies.get(int(row["agency"]), "") if row["agency"].isdigit() else "",
            times=row["times"],
            last=row["last"],
            pages=", ".join(sorted((page or "").replace("_", " ") for page in row["pages"])),
        )
        for row in rows
    ]


def _who_looked(name: str, names: Mapping[int, str]) -> str:
    number = name.removeprefix("user:")
    return names.get(int(number), f"Account {number}") if number.isdigit() else "By itself"


def instant(text: str) -> datetime | None:
    """The instant that an address names, in whole microseconds since 1970; None for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(text))


def number_of(moment: datetime) -> int:
    """The microseconds since 1970 that name an instant in an address."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
