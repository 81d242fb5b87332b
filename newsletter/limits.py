"""How often something may happen. Counted in the database by single statements, so that no two processes both pass.

The numbers are those of the threat model: T1 (bombing somebody with sign-ups), T24 (a stolen staff session).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from newsletter.models import Allowance

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """At most `most` times in `window`, for each key. What is more may wait in a queue as long as `queue`."""

    scope: str
    most: int
    window: timedelta
    queue: timedelta = timedelta(0)


SIGN_UPS_OF_A_NETWORK = Limit("network", 5, HOUR)
LETTERS_TO_AN_ADDRESS = (Limit("address/day", 1, DAY), Limit("address/month", 3, 30 * DAY))
LINKS_TO_AN_ADDRESS = (Limit("link/day", 3, DAY), Limit("link/month", 12, 30 * DAY))
LETTERS_TO_A_DOMAIN = Limit("domain", 50, HOUR, queue=DAY)
LETTERS_IN_ALL = Limit("all", 200, HOUR, queue=DAY)
TOKENS_OF_A_NETWORK = Limit("bad token", 30, HOUR)
PASSWORDS_OF_AN_ACCOUNT = Limit("password", 5, HOUR)
TEST_COPIES_OF_AN_ACCOUNT = Limit("test copies", 20, HOUR)

EVERY_LIMIT = (
    *(SIGN_UPS_OF_A_NETWORK, *LETTERS_TO_AN_ADDRESS, *LINKS_TO_AN_ADDRESS, LETTERS_TO_A_DOMAIN, LETTERS_IN_ALL),
    *(TOKENS_OF_A_NETWORK, PASSWORDS_OF_AN_ACCOUNT, TEST_COPIES_OF_AN_ACCOUNT),
)


def _row(limit: Limit, key: str, now: datetime):
    """The one row of this key, its window begun anew if the last one is over."""
    row = Allowance.objects.filter(scope=limit.scope, key=key)
    row.filter(since__lte=now - limit.window).update(since=now, count=0)
    Allowance.objects.bulk_create([Allowance(scope=limit.scope, key=key, since=now)], ignore_conflicts=True)
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


@transaction.atomic
def delay(limit: Limit, key: str, now: datetime) -> timedelta | None:
    """Counts one more and says how long it must wait: a queue instead of a refusal.

    What still waits when a window ends is counted in the next one, so that no later hour holds more than any other.
    None if the queue is full; that counts for nothing.
    """
    Allowance.objects.bulk_create([Allowance(scope=limit.scope, key=key, since=now)], ignore_conflicts=True)
    row = Allowance.objects.select_for_update().get(scope=limit.scope, key=key)
    if (windows := (now - row.since) // limit.window) > 0:
        row.count = max(0, row.count - windows * limit.most)
        row.since = row.since + windows * limit.window if row.count else now
    wait = max(timedelta(0), row.since + limit.window * (row.count // limit.most) - now)
    if wait > limit.queue:
        return None
    row.count += 1
    row.save(update_fields=["since", "count"])
    return wait


def forget_old(now: datetime) -> int:
    """Removes the rows whose window is over; returns how many. They name networks and addresses, if only by digest.

    An hour later than need be: a row that another process has just found to be current must not go under its hands.
    """
    return sum(
        Allowance.objects.filter(scope=limit.scope, since__lte=now - limit.window - limit.queue - HOUR).delete()[0]
        for limit in EVERY_LIMIT
    )
