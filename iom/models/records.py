"""What the system itself keeps: the audit, the outbox, notices to people, reminders sent, documents, numbers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pgtrigger
from auditlog.cid import get_cid
from auditlog.diff import model_instance_diff
from auditlog.models import AbstractLogEntry, LogEntryManager
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction

from iom.clock import now

from .base import SchemeModel, SchemeQuerySet, per_scheme
from .people import Scheme, User

if TYPE_CHECKING:
    from iom.access import Actor


class AuditEvent(models.Model):
    """Who did or saw what, when, in what context: labels and references, no values, no names (security.md U3).

    A view of the chain of the scheme that the transaction is in. `iom.audit` adds to it; nothing changes it.
    """

    scheme = models.ForeignKey(Scheme, on_delete=models.DO_NOTHING, related_name="+")
    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    verb = models.CharField(max_length=60)
    outcome = models.CharField(max_length=20)
    actor = models.CharField(max_length=60, help_text="user:ID, or task")
    caused_by = models.CharField(max_length=80)
    roles = models.CharField(max_length=120)
    agency = models.CharField(max_length=60, help_text="The number of the agency on whose behalf")
    object_type = models.CharField(max_length=60)
    object_ref = models.CharField(max_length=60)
    subjects = models.JSONField()
    before = models.CharField(max_length=60)
    after = models.CharField(max_length=60)
    fields = models.JSONField()
    has_reason = models.BooleanField()
    context = models.JSONField()
    request_id = models.CharField(max_length=40)
    address = models.CharField(max_length=60)
    role = models.CharField(max_length=60, help_text="The role that was signed in to the database")
    body = models.JSONField(help_text="The event as it was chained")

    class Meta:
        managed = False
        db_table = '"audit"."trail"'

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_ref}"


class SchemeLogEntryManager(LogEntryManager):
    """Takes the scheme from the row that changed."""

    def log_create(self, instance: Any, force_log: bool = False, **kwargs: Any) -> Any:
        kwargs.setdefault("scheme_id", instance.scheme_id)
        return super().log_create(instance, force_log=force_log, **kwargs)

    def log_added(self, instances: Sequence[Any], *, actor: User | None) -> None:
        """What `bulk_create` added, which sends no signals: one entry each, all in one statement a thousand."""
        self._log([(None, each) for each in instances], self.model.Action.CREATE, actor)

    def log_changed(self, pairs: Sequence[tuple[Any, Any]], *, actor: User | None) -> None:
        """What `bulk_update` changed: each row as it was, and as it is."""
        self._log(pairs, self.model.Action.UPDATE, actor)

    def _log(self, pairs: Sequence[tuple[Any, Any]], action: int, actor: User | None) -> None:
        kinds = {model: ContentType.objects.get_for_model(model) for model in {type(new) for _, new in pairs}}
        # Of relations from elsewhere there are none yet; each would be asked for.
        own = {model: [each.name for each in model._meta.concrete_fields] for model in kinds}
        about = {"actor": actor, "actor_email": actor.email if actor else None, "cid": get_cid()}
        self.bulk_create(
            [
                self.model(
                    scheme_id=new.scheme_id,
                    content_type=kinds[type(new)],
                    object_pk=new.pk,
                    object_id=new.pk,
                    object_repr=str(new),
                    action=action,
                    changes=changes,
                    **about,
                )
                for old, new in pairs
                if (changes := model_instance_diff(old, new, fields_to_check=own[type(new)]))
            ],
            batch_size=1000,
        )


class LogEntry(AbstractLogEntry):
    """The readable before and after of a change, beside the audit; erased with the person by `erase` only."""

    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="+")

    objects = SchemeLogEntryManager()

    class Meta(AbstractLogEntry.Meta):
        abstract = False
        triggers = [pgtrigger.Protect(name="history_is_not_edited", operation=pgtrigger.Update)]


class OutboxMessage(models.Model):
    """Work to be done outside the request, written in the request's own transaction (security.md Q1). Ids only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200, unique=True, help_text="Said twice, it is done once.")
    payload = models.JSONField(default=dict)
    caused_by = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    dead = models.BooleanField(default=False)
    last_error = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="iom_outbox_waiting", condition=models.Q(done_at=None, dead=False))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class NotificationQuerySet(SchemeQuerySet):
    def visible_to(self, actor: Actor | None) -> NotificationQuerySet:
        """One's own, of the active scheme."""
        if actor is None or actor.user is None:
            return self.none()
        return self.in_scheme_of(actor).filter(recipient=actor.user)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at=None)


class Notification(SchemeModel):
    """What a person is told in the application: once for each kind, subject, due date and person (security.md Q2)."""

    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    due = models.DateField(null=True)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300)
    email_body = models.TextField(blank=True, help_text="No personal data. Empty: told in the application alone.")
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            per_scheme(),
            models.UniqueConstraint(
                fields=["scheme", "kind", "subject", "due", "recipient"],
                name="iom_notification_once",
                nulls_distinct=False,
            ),
        ]
        # Every page says how many are new.
        indexes = [
            models.Index(fields=["scheme", "recipient"], condition=models.Q(read_at=None), name="iom_notification_new")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Reminder(SchemeModel):
    """The claim that a reminder was sent: the row is the lock (style.md 7)."""

    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    due = models.DateField()

    class Meta:
        constraints = [
            per_scheme(),
            models.UniqueConstraint(fields=["scheme", "kind", "subject", "due", "recipient"], name="iom_reminder_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.due}"


class Document(SchemeModel):
    """A finished file, kept byte for byte: served as it is, never made again (security.md E4)."""

    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=80, default="application/pdf")
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            per_scheme(),
            models.UniqueConstraint(fields=["scheme", "kind", "reference"], name="iom_document_once"),
        ]
        indexes = [models.Index(fields=["sha256"], name="iom_document_sha256")]
        triggers = [pgtrigger.Protect(name="document_is_frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.name


class Counter(SchemeModel):
    """The last number given out in a scheme for a kind of reference."""

    kind = models.CharField(max_length=20)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            per_scheme(),
            models.UniqueConstraint(fields=["scheme", "kind"], name="iom_counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.last}"

    @classmethod
    def next(cls, scheme: Scheme, kind: str) -> int:
        """The next number of `kind`, given to nobody else: the row stays locked until the caller's transaction ends."""
        return cls.several(scheme, kind, 1)[0]

    @classmethod
    def several(cls, scheme: Scheme, kind: str, count: int) -> range:
        """The next `count` numbers of `kind`, as `next`."""
        with transaction.atomic():
            cls.objects.bulk_create([cls(scheme=scheme, kind=kind)], ignore_conflicts=True)
            counter = cls.objects.select_for_update().get(scheme=scheme, kind=kind)
            counter.last += count
            counter.save(update_fields=["last"])
        return range(counter.last - count + 1, counter.last + 1)


class Tick(models.Model):
    """When the clock last ran, for `/readyz`: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="iom_tick_one_row")]

    def __str__(self) -> str:
        return self.at.isoformat()
