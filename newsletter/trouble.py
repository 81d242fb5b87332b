"""What staff should know of: noted by the worker, shown on the first page of the admin, gone when it is over."""

from datetime import datetime

from django.db.models import F

from newsletter.models import Trouble


def note(key: str, text: str, now: datetime) -> None:
    """`text` is an English msgid without placeholders: it is translated where it is shown."""
    if not Trouble.objects.filter(key=key).update(text=text, last_seen=now, times=F("times") + 1):
        Trouble.objects.bulk_create([Trouble(key=key, text=text, since=now, last_seen=now)], ignore_conflicts=True)


def is_over(*keys: str) -> None:
    Trouble.objects.filter(key__in=keys).delete()
