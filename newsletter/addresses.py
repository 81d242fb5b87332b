"""Forms of an e-mail address: the one we write to, the one that counts for limits, and the digest that outlives both."""

import hashlib
import hmac

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

LONGEST = 254  # RFC 5321, 4.5.3.1.3
validate_form = EmailValidator()


def clean(typed: str) -> str:
    """The address as it is kept: lower case, the domain as the network knows it (xn--…).

    Raises ValidationError with words for the visitor.
    """
    local, at, domain = typed.strip().rpartition("@")
    try:
        address = f"{local.lower()}@{domain.encode('idna').decode('ascii').lower()}"
    except UnicodeError:
        address = ""
    try:
        validate_form(address)
    except ValidationError:
        address = ""
    if not at or not address or len(address) > LONGEST or len(local) > 64 or domain.startswith("["):
        raise ValidationError(_("This is not an e-mail address. It looks like name@example.org."), code="address")
    return address


def counted(address: str) -> str:
    """One form for all spellings of what may be one mailbox: without dots and +tag before the @."""
    local, _at, domain = address.rpartition("@")
    plain = local.partition("+")[0].replace(".", "")
    return f"{plain or local}@{domain}"


def domain(address: str) -> str:
    return address.rpartition("@")[2]


def digest(text: str) -> str:
    """A keyed digest (HMAC-SHA-256): recognises a text that we no longer keep, and cannot be guessed without the key."""
    return hmac.new(settings.NEWSLETTER_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
