"""The name under which Django knows this app, and staff see it."""

from django.apps import AppConfig


class SensgeneConfig(AppConfig):
    """Installed for its commands, checks and template tags; it has no models."""

    name = "sensgene"
    verbose_name = "SENSGENE"

    def ready(self):
        from sensgene import checks, translations  # noqa: F401  (register themselves)
