"""The app of the baselines."""

from django.apps import AppConfig


class Baselines(AppConfig):
    """Its one model is registered with auditlog, as an ordinary project would."""

    name = "bench.baselines"
    label = "bench"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from bench.baselines.models import Note

        auditlog.register(Note)
