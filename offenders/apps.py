from django.apps import AppConfig


class OffendersConfig(AppConfig):
    name = "offenders"

    def ready(self) -> None:
        """Register the system checks of this app."""
        from offenders import checks  # noqa: F401
