from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class IomConfig(AppConfig):
    name = "iom"

    def ready(self) -> None:
        """Load what each app writes down: permissions, what it shows on shared pages, its clock, its outbox work."""
        from iom import checks, heads, signing, walls  # noqa: F401 -- they register what is asked at the start

        autodiscover_modules("rules", "blocks", "reminders", "handlers", "happened")

        # Sent once for each app, in this order: after the last one every table is there.
        post_migrate.connect(walls.build_after_migrating, sender=[*apps.get_app_configs()][-1])
