"""Which tables of an app hold what is true now: not the proxies, not the earlier versions that the history keeps."""

from django.apps import apps
from django.db import models

from sensgene.history import ChangedIn


def tables(app: str) -> list[type[models.Model]]:
    own = apps.get_app_config(app).get_models()
    return [model for model in own if not model._meta.proxy and not is_kept(model)]


def is_kept(model: type[models.Model]) -> bool:
    """A row of a version, or of what a version pointed at."""
    return issubclass(model, ChangedIn) or hasattr(model, "m2m_history_id")
