"""How often something may happen. Counted in the database by single statements, so that no two processes both pass.

The numbers are those of the threat model: T1 (bombing somebody with sign-ups), T24 (a stolen staff session).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from newsletter.models import Allowance


@dataclass(frozen=True)
class Limit:
    """At most `most` times in `window`, for each key."""

    scope: str
    most: int
    window: timedelta


HOUR, DAY = timedelta(hours=1), timedelta(days=1)

SIGN_UPS_OF_A_NETWORK = Limit("network", 5, HOUR)
LETTERS_TO_AN_ADDRESS = (Limit("address/day", 1, DAY), Limit("address/month", 3, 30 * DAY))
LINKS_TO_AN_ADDRESS = (Limit("link/day", 3, DAY),)
LETTERS_TO_A_DOMAIN = Limit("domain", 50, HOUR)
LETTERS_IN_ALL = Limit("all", 200, HOUR)
TOKENS_OF_A_NETWORK = Limit("bad token", 30, HOUR)
PASSWORDS_OF_AN_ACCOUNT = Limit("password", 5, HOUR)

EVERY_LIMIT = (
    *(SIGN_UPS_OF_A_NETWORK, *LETTERS_TO_AN_ADDRESS, *LINKS_TO_AN_ADDRESS, LETTERS_TO_A_DOMAIN, LETTERS_IN_ALL),
    *(TOKENS_OF_A_NETWORK, PASSWORDS_OF_AN_ACCOUNT),
)


def _row(limit: Limit, key: str, now: datetime):
    """The one row of this key, its window begun anew if the last one is over."""
    Allowance.objects.bulk_create([Allowance(scope=limit.scope, key=key, since=now)], ignore_conflicts=True)
    row = Allowance.objects.filter(scope=limit.scope, key=key)
    row.filter(since__lte=now - limit.window).update(since=now, count=0)
    return row


def take(limit: Limit, key: str, now: datetime) -> bool:
    """Counts one more and says whether it is still within the limit. A refusal counts for nothing."""
    return _row(limit, key, now).filter(count__lt=limit.most).update(count=F("count") + 1) == 1


def take_up_to(limit: Limit, key: str, now: datetime, wanted: int) -> int:
    """Counts as many of `wanted` as are left, and returns how many. Call it inside a transaction."""
    row = _row(limit, key, now)
    left = max(0, limit.most - row.select_for_update().values_list("count", flat=True).get())
    row.update(count=F("count") + min(left, wanted))
    return min(left, wanted)


def give_back(limit: Limit, key: str, number: int) -> None:
    """What was taken and not used."""
    Allowance.objects.filter(scope=limit.scope, key=key, count__gte=number).update(count=F("count") - number)


def delay(limit: Limit, key: str, now: datetime) -> timedelta:
    """Counts one more and says how long it must wait: a queue instead of a refusal."""
    row = _row(limit, key, now)
    row.update(count=F("count") + 1)
    return limit.window * ((row.values_list("count", flat=True).get() - 1) // limit.most)


def forget_old(now: datetime) -> int:
    """Removes the rows whose window is over; returns how many. They name networks and addresses, if only by digest."""
    windows = {limit.scope: limit.window for limit in EVERY_LIMIT}
    return sum(
        Allowance.objects.filter(scope=scope, since__lte=now - window).delete()[0] for scope, window in windows.items()
    )
