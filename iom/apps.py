from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class IomConfig(AppConfig):
    name = "iom"

    def ready(self) -> None:
        """Load what each app writes down: permissions, what it shows on shared pages, its clock, its outbox work."""
        from iom import checks  # noqa: F401 -- registers the system checks

        autodiscover_modules("rules", "blocks", "reminders", "handlers")
