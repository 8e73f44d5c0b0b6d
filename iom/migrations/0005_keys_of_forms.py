import django.db.models.deletion
import iom.clock
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("iom", "0007_holidays_and_stored_dates"),
    ]

    operations = [
        migrations.AddField(
            model_name="meeting",
            name="asked_to_record_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="meeting",
            name="asks_to_record",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="meeting",
            name="recorder_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name="FormKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("digest", models.CharField(max_length=64)),
                ("answer", models.BinaryField(null=True)),
                ("at", models.DateTimeField(default=iom.clock.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="iom_form_key_oldest")],
            },
        ),
    ]
