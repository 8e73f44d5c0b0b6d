import uuid

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import iom.clock


class Migration(migrations.Migration):
    dependencies = [
        ("iom", "0003_second_factor"),
    ]

    operations = [
        migrations.CreateModel(
            name="HeldPost",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("membership_number", models.BigIntegerField(help_text="On whose behalf it was sent.", null=True)),
                ("path", models.CharField(max_length=500)),
                ("sealed", models.TextField()),
                ("had_files", models.BooleanField(default=False)),
                ("autosave", models.BooleanField(default=False)),
                ("at", models.DateTimeField(default=iom.clock.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "at"], name="iom_heldpost_of_user")],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                (
                    "membership_number",
                    models.BigIntegerField(help_text="On whose behalf the person acted in it.", null=True),
                ),
                ("began_at", models.DateTimeField(help_text="When the person signed in.", null=True)),
                ("active_at", models.DateTimeField(help_text="What the person last did, to the minute.", null=True)),
                ("shown_at", models.DateTimeField(help_text="When a recording page was last seen open.", null=True)),
                ("code_at", models.DateTimeField(help_text="When a code was last typed in it.", null=True)),
                ("browser", models.CharField(blank=True, max_length=60)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_why", models.CharField(blank=True, max_length=20)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "ended_at"], name="iom_session_of_user")],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="disabled_ends_sessions",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NOT NEW."is_active" AND OLD."is_active")',
                    func="DELETE FROM iom_session WHERE user_id = NEW.id; RETURN NULL;",
                    hash="bb7de04c435fe06c4999e6f0241aceb48f43d994",
                    operation='UPDATE OF "is_active"',
                    pgid="pgtrigger_disabled_ends_sessions_92c83",
                    table="iom_user",
                    when="AFTER",
                ),
            ),
        ),
    ]
