"""Forms of an e-mail address: the one we write to, the one that counts for limits, and the digest that outlives both."""

import hashlib
import hmac
import re
import unicodedata

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

LONGEST = 254  # RFC 5321, 4.5.3.1.3
LONGEST_TYPED = 300
# Plain local parts only: between quotes RFC 5321 allows spaces, a second @ and controls, and nobody has such a mailbox.
LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
validate_form = EmailValidator(allowlist=[])  # nor is there a subscriber at localhost


def clean(typed: str) -> str:
    """The address as it is kept: lower case, the domain as the network knows it (xn--…).

    Raises ValidationError with words for the visitor.
    """
    local, _at, domain = typed.strip().rpartition("@")
    address = ""
    # ASCII first: some other letters become ASCII ones in lower case, and would name somebody else's mailbox.
    if len(typed) <= LONGEST_TYPED and local.isascii() and len(local) <= 64 and LOCAL.fullmatch(local.lower()):
        try:
            address = f"{local.lower()}@{ascii_domain(domain)}"
            validate_form(address)
        except (UnicodeError, ValidationError):
            address = ""
    if not address or not address.isascii() or len(address) > LONGEST or domain.startswith("["):
        raise ValidationError(_("This is not an e-mail address. It looks like name@example.org."), code="address")
    return address


def ascii_domain(domain: str) -> str:
    """The domain in the letters of the DNS. Raises UnicodeError.

    Python knows the rules of 2003, by which ß is ss and leads to another domain; since 2010 it is a letter of its own.
    """
    labels = [
        "xn--" + unicodedata.normalize("NFKC", label).encode("punycode").decode("ascii")
        if set(label) & {"ß", "ς"}
        else label
        for label in domain.lower().split(".")
    ]
    return ".".join(labels).encode("idna").decode("ascii").lower()


def counted(address: str) -> str:
    """One form for all spellings of what may be one mailbox: without dots and +tag before the @."""
    local, _at, domain = address.rpartition("@")
    domain = "gmail.com" if domain == "googlemail.com" else domain
    tag = "-" if domain.startswith(("yahoo.", "ymail.")) else "+"
    plain = local.partition(tag)[0].replace(".", "")
    return f"{plain or local}@{domain}"


def domain(address: str) -> str:
    return address.rpartition("@")[2]


def digest(text: str) -> str:
    """A keyed digest (HMAC-SHA-256): recognises a text that we no longer keep, and cannot be guessed without the key."""
    return hmac.new(settings.NEWSLETTER_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


ANY_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'@]+(?:@|%40|＠)[^\s<>()\[\],;:\"'@]+", re.IGNORECASE)
LONGEST_WORDS = 300


def hidden(words: str, address: str = "") -> str:
    """What another mail server said, fit to be kept: one short line without anybody's address.

    `address` is the one that we know of: its local part alone is hidden too.
    """
    line = " ".join("".join(each if each.isprintable() else " " for each in words[:2000]).split())
    if len(line) > 1000:
        line = line[:1000].rpartition(" ")[0]  # no half of an address, which would not be seen as one
    line = ANY_ADDRESS.sub("…", line)
    local = address.rpartition("@")[0]
    if len(local) > 2:
        line = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "…", line, flags=re.IGNORECASE)
    return line[:LONGEST_WORDS]
