"""Mailed links: a random secret, kept as its digest, for one purpose and one person.

Nothing in them depends on SECRET_KEY, so that a link in an old letter works after the key was rotated.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from newsletter.models import Purpose, Subscriber, Token

SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

# How long a link works. One that leaves works as long as the letter lies in somebody's inbox.
LIFETIME: dict[str, timedelta | None] = {
    Purpose.CONFIRM: timedelta(days=7),
    Purpose.LEAVE: None,
    Purpose.RETURN: timedelta(days=7),
    Purpose.MANAGE: timedelta(days=1),
    Purpose.STAY: timedelta(days=30),
    Purpose.NEVER: None,
}


@dataclass(frozen=True)
class Link:
    """A fresh link: `url` goes into the letter, `token` into the table, before the letter leaves."""

    url: str
    token: Token


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def make(purpose: Purpose, subscriber: Subscriber, now: datetime) -> Link:
    """A link that is not in the table yet. Its address is short: a line of a letter has 76 columns."""
    secret = secrets.token_urlsafe(32)
    lifetime = LIFETIME[purpose]
    token = Token(
        digest=digest(secret),
        purpose=purpose,
        subscriber=subscriber,
        made_at=now,
        expires_at=now + lifetime if lifetime else None,
    )
    return Link(f"{settings.SITE_ORIGIN}/n/{secret}", token)


def find(secret: str, now: datetime) -> Token | None:
    """The link's row, if it is known and not expired.

    One that was used up shows how things stand, so that whoever opens a letter again learns that it worked; its button
    does nothing more (see subscriptions.use).
    """
    if not SECRET.fullmatch(secret):
        return None
    token = Token.objects.select_related("subscriber").filter(digest=digest(secret)).first()
    return None if token is None or (token.expires_at and token.expires_at <= now) else token
