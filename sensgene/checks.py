"""What `manage.py check --deploy` refuses besides Django's own list: settings that fail quietly."""

import ipaddress
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
    return found + problems_of_mail()


# Of the local part's 64 characters (RFC 5321), “+leave.” and a link's secret take 50.
LONGEST_RETURN = 14
# Connect and greet, MAIL and RCPT, DATA, the letter, the answer.
WAITS_OF_A_HAND_OVER = 5


def problems_of_mail() -> list[tuple[str, str]]:
    server, found = settings.MAIL_SERVER, []
    if not server:
        found.append(("E008", "EMAIL_URL must be set: without it letters are written to files and reach nobody."))
    elif server["security"] == "smtp" and not is_loopback(server["host"]):
        found.append(
            ("E009", "EMAIL_URL must begin with smtp+tls:// or smtps://: letters would cross a network readable.")
        )
    if not settings.MAIL_FROM:
        found.append(("E010", "MAIL_FROM must be set: the address that letters come from."))
    if not settings.MAIL_RETURN:
        found.append(("E011", "MAIL_RETURN must be set: refusals, and mail that asks to leave, would reach nobody."))
    if len(settings.MAIL_RETURN.partition("@")[0]) > LONGEST_RETURN:
        found.append(("E012", f"MAIL_RETURN must have at most {LONGEST_RETURN} characters before the @."))
    if WAITS_OF_A_HAND_OVER * (settings.EMAIL_TIMEOUT or 0) > settings.MAIL_LEASE_SECONDS:
        found.append(("E013", f"MAIL_LEASE_SECONDS must be {WAITS_OF_A_HAND_OVER} times EMAIL_TIMEOUT or more."))
    if settings.MAIL_PER_HOUR < 1:
        found.append(("E014", "MAIL_PER_HOUR must be 1 or more: no copy of an issue would ever leave."))
    if len(settings.NEWSLETTER_KEY) < 32:
        found.append(("E015", "NEWSLETTER_KEY must have 32 characters or more."))
    if settings.NEWSLETTER_KEY in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        found.append(("E016", "NEWSLETTER_KEY must differ from SECRET_KEY: that one can be rotated, this one cannot."))
    return found


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@register(Tags.security, deploy=True)
def settings_that_fail_quietly(app_configs, **kwargs):
    return [Error(text, id=f"sensgene.{identifier}") for identifier, text in problems()]
