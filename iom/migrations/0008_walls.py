"""The audit moves into a schema of its own (iom/embedded/audit.sql): what was recorded so far is chained there.

The walls themselves are not in migrations: `iom.walls.build` puts them up for every table after each `migrate`.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from iom import walls

CHAIN_WHAT_WAS_RECORDED = """
SELECT audit.append(scheme_id, jsonb_strip_nulls(jsonb_build_object(
    'kind', 'verb', 'verb', verb, 'actor', actor, 'cause', caused_by, 'roles', roles, 'outcome', outcome,
    'object', object_type, 'ref', object_ref, 'subjects', subjects, 'before', before, 'after', after, 'fields', fields,
    'reason', has_reason, 'request', request_id,
    'context', context || jsonb_build_object('recorded', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
))) FROM (SELECT * FROM iom_auditevent ORDER BY id) AS earlier
"""


def make_audit(apps, schema_editor) -> None:
    """Where the script was not run beforehand."""
    with schema_editor.connection.cursor() as cursor:
        walls.make_audit(
            cursor, settings.DATABASES["default"].get("USER") or schema_editor.connection.settings_dict["USER"]
        )


class Migration(migrations.Migration):
    dependencies = [("iom", "0005_keys_of_forms")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunPython(make_audit, migrations.RunPython.noop),
                migrations.RunSQL(CHAIN_WHAT_WAS_RECORDED, migrations.RunSQL.noop),
                migrations.RunSQL("DROP TABLE iom_auditevent", migrations.RunSQL.noop),
            ],
            state_operations=[
                migrations.DeleteModel("AuditEvent"),
                migrations.CreateModel(
                    "AuditEvent",
                    fields=[
                        ("sequence", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("at", models.DateTimeField()),
                        ("kind", models.CharField(max_length=20)),
                        ("verb", models.CharField(max_length=60)),
                        ("outcome", models.CharField(max_length=20)),
                        ("actor", models.CharField(help_text="user:ID, or task", max_length=60)),
                        ("caused_by", models.CharField(max_length=80)),
                        ("roles", models.CharField(max_length=120)),
                        (
                            "agency",
                            models.CharField(help_text="The number of the agency on whose behalf", max_length=60),
                        ),
                        ("object_type", models.CharField(max_length=60)),
                        ("object_ref", models.CharField(max_length=60)),
                        ("subjects", models.JSONField()),
                        ("before", models.CharField(max_length=60)),
                        ("after", models.CharField(max_length=60)),
                        ("fields", models.JSONField()),
                        ("has_reason", models.BooleanField()),
                        ("context", models.JSONField()),
                        ("request_id", models.CharField(max_length=40)),
                        ("address", models.CharField(max_length=60)),
                        (
                            "role",
                            models.CharField(help_text="The role that was signed in to the database", max_length=60),
                        ),
                        ("body", models.JSONField(help_text="The event as it was chained")),
                        (
                            "scheme",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="iom.scheme"
                            ),
                        ),
                    ],
                    options={"db_table": '"audit"."trail"', "managed": False},
                ),
            ],
        ),
    ]
