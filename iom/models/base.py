"""What every model that holds personal data shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.db import models
from django.db.backends.ddl_references import Statement, Table

from iom.clock import now

if TYPE_CHECKING:
    from iom.access import Actor


class SchemeQuerySet(models.QuerySet):
    """Rows of a scheme. `visible_to` is the only way that pages, searches, exports and tasks read personal data."""

    def in_scheme_of(self, actor: Actor | None) -> SchemeQuerySet:
        """The rows of the one scheme in which `actor` is acting; none for nobody."""
        if actor is None:
            return self.none()
        return self.filter(scheme_id=actor.scheme.pk)

    def visible_to(self, actor: Actor | None) -> SchemeQuerySet:
        """What `actor` may read. Without a narrower rule: everything of the active scheme (security.md Z2)."""
        return self.in_scheme_of(actor)


class CompositeKey(models.BaseConstraint):
    """A foreign key over several columns, which Django does not have: `fields` refer to `target_fields` of the model
    that the relation `through` leads to, or of the model itself. Checked by the database when the transaction ends.
    """

    def __init__(
        self,
        *,
        fields: Sequence[str],
        target_fields: Sequence[str],
        name: str,
        through: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.fields = tuple(fields)
        self.target_fields = tuple(target_fields)
        self.through = through

    def constraint_sql(self, model: type[models.Model], schema_editor: Any) -> None:
        self.create_sql(model, schema_editor)

    def create_sql(self, model: type[models.Model], schema_editor: Any) -> None:
        # Added once everything else of the migration is there, as Django does with its own foreign keys.
        schema_editor.deferred_sql.append(self._statement(model, schema_editor))

    def _statement(self, model: type[models.Model], schema_editor: Any) -> Statement:
        target = model._meta.get_field(self.through).remote_field.model if self.through else model
        quote = schema_editor.quote_name

        def columns(of: type[models.Model], names: Sequence[str]) -> str:
            return ", ".join(quote(of._meta.get_field(name).column) for name in names)

        return Statement(
            "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(columns)s) "
            "REFERENCES %(target)s (%(target_columns)s) DEFERRABLE INITIALLY DEFERRED",
            table=Table(model._meta.db_table, quote),
            name=quote(self.name),
            columns=columns(model, self.fields),
            target=Table(target._meta.db_table, quote),
            target_columns=columns(target, self.target_fields),
        )

    def remove_sql(self, model: type[models.Model], schema_editor: Any) -> Statement:
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            name=schema_editor.quote_name(self.name),
        )

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: Iterable[str] | None = None,
        using: str = "default",
    ) -> None:
        """The database judges this when the transaction ends."""

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        kwargs |= {"fields": self.fields, "target_fields": self.target_fields, "through": self.through}
        return path, args, kwargs

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CompositeKey):
            return self.deconstruct() == other.deconstruct()
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.fields, self.target_fields, self.through))


class SameScheme(CompositeKey):
    """A foreign key that carries the scheme: the database refuses a row that points into another one (security.md Z2).

    The target must be a `SchemeModel`, which is unique over (scheme, id).
    """

    def __init__(self, *, field: str, name: str) -> None:
        super().__init__(fields=["scheme", field], target_fields=["scheme", "id"], through=field, name=name)
        self.field = field

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, _ = super().deconstruct()
        return path, args, {"name": self.name, "field": self.field}


def same_scheme(*fields: str) -> list[SameScheme]:
    """`SameScheme` for each of `fields`, for a model's `Meta.constraints`."""
    return [SameScheme(field=field, name=f"%(app_label)s_%(class)s_{field}_same_scheme") for field in fields]


def per_scheme() -> models.UniqueConstraint:
    """What the `SameScheme` keys of other tables refer to."""
    return models.UniqueConstraint(fields=["scheme", "id"], name="%(app_label)s_%(class)s_scheme_id")


class SchemeModel(models.Model):
    """A row of one scheme: never without it, never pointing out of it.

    `version` goes up by one with each change made by a verb; a form carries what its reader saw (security.md C1).
    """

    scheme = models.ForeignKey("iom.Scheme", on_delete=models.PROTECT, related_name="+", editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = SchemeQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [per_scheme()]

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *cls._check_keys_stay_in_the_scheme()]

    @classmethod
    def _check_keys_stay_in_the_scheme(cls) -> list[checks.CheckMessage]:
        held = {c.field for c in cls._meta.constraints if isinstance(c, SameScheme)}
        names = {c.name for c in cls._meta.constraints}
        errors: list[checks.CheckMessage] = [
            checks.Error(
                f"{cls.__name__}.{field.name} may point into another scheme.",
                hint="Add it to same_scheme(…) in Meta.constraints.",
                obj=cls,
                id="iom.E001",
            )
            for field in cls._meta.local_fields
            if isinstance(field, models.ForeignKey)
            and isinstance(field.remote_field.model, type)
            and issubclass(field.remote_field.model, SchemeModel)
            and field.name not in held
        ]
        if f"{cls._meta.app_label}_{cls._meta.model_name}_scheme_id" not in names:
            errors.append(
                checks.Error(
                    f"{cls.__name__} is not unique over (scheme, id), so nothing can refer to it within its scheme.",
                    hint="Start Meta.constraints with per_scheme().",
                    obj=cls,
                    id="iom.E002",
                )
            )
        return errors
