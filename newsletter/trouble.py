"""What staff should know of: noted by the worker, shown on the first page of the admin, gone when it is over."""

from datetime import datetime, timedelta

from django.db.models import F

from newsletter.models import Delivery, Enquiry, Transit, Trouble

PATIENCE = timedelta(minutes=10)  # a worker that runs leaves nothing waiting for so long


def note(key: str, text: str, now: datetime) -> None:
    """`text` is an English msgid without placeholders: it is translated where it is shown."""
    if not Trouble.objects.filter(key=key).update(text=text, last_seen=now, times=F("times") + 1):
        Trouble.objects.bulk_create([Trouble(key=key, text=text, since=now, last_seen=now)], ignore_conflicts=True)


def is_over(*keys: str) -> None:
    Trouble.objects.filter(key__in=keys).delete()


def forget_old(now: datetime) -> None:
    """Many sign-ups are no trouble any more when a day has passed without any."""
    Trouble.objects.filter(key="sign-ups", last_seen__lte=now - timedelta(days=1)).delete()


def worker_is_missing(now: datetime) -> bool:
    """Whether something waits that a running worker would have seen long ago. It cannot note that itself."""
    forms = Enquiry.objects.filter(typed_at__lte=now - PATIENCE)
    letters = Delivery.objects.filter(
        state=Transit.PENDING, priority=Delivery.BEFORE_ISSUES, next_try__lte=now - PATIENCE
    )
    is_known = Trouble.objects.filter(key__in=("away", "refused")).exists()
    return not is_known and (forms.exists() or letters.exists())
