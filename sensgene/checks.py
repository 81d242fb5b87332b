"""What `manage.py check --deploy` refuses besides Django's own list: settings that fail quietly."""

import re

from django.conf import settings
from django.core.checks import Error, Tags, register


def problems() -> list[tuple[str, str]]:
    """(identifier, what is wrong) for each setting that must not go live."""
    database = settings.DATABASES["default"]
    options = database.get("OPTIONS", {})
    found = []
    if not settings.IS_SECURE:
        found.append(("E001", "SITE_ORIGIN must begin with https://."))
    if not settings.ALLOWED_HOSTS or any("*" in host or host.startswith(".") for host in settings.ALLOWED_HOSTS):
        found.append(("E002", "ALLOWED_HOSTS must name the hosts, without wildcards."))
    if not settings.EMAIL_TIMEOUT:
        found.append(("E003", "EMAIL_TIMEOUT must be set: a mute mail server would hang a process for ever."))
    if settings.IS_POSTGRESQL and not (
        options.get("connect_timeout") and re.search(r"statement_timeout=[1-9]", options.get("options", ""))
    ):
        found.append(("E004", "The PostgreSQL connection needs connect_timeout and statement_timeout."))
    if database.get("CONN_MAX_AGE") != 0:
        found.append(("E005", "CONN_MAX_AGE must be 0: no timeout frees a worker from a hung persistent connection."))
    for name in ("SECURE_CSP", "STAFF_CSP"):
        policy = getattr(settings, name, {})
        unsafe = any("unsafe" in source or source == "*" for sources in policy.values() for source in sources)
        if policy.get("default-src") != ["'none'"] or unsafe:
            found.append(("E006", f"{name} must begin with default-src 'none' and allow nothing unsafe."))
    for name in ("SESSION", "CSRF", "LANGUAGE", "PREFERENCES"):
        if not getattr(settings, f"{name}_COOKIE_NAME").startswith("__Host-"):
            found.append(("E007", f"{name}_COOKIE_NAME must begin with __Host-."))
    return found


@register(Tags.security, deploy=True)
def settings_that_fail_quietly(app_configs, **kwargs):
    return [Error(text, id=f"sensgene.{identifier}") for identifier, text in problems()]
