"""From a written issue to letters in the outbox, and what staff can do on the way: stop, pause, resume, decide.

Each function is one transaction, and each changes an issue only if it still is in the state that it expects: of two
people who press at the same moment, one wins. They return whether it was them.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from newsletter import addresses, messages, trouble
from newsletter.models import Delivery, Edition, Issue, Mailing, Standing, Subscriber, Transit


class NotReady(Exception):
    """The issue lacks a text in some language; the message names what."""


def message_id(issue: Issue, subscriber: Subscriber) -> str:
    """The same however often a copy is tried, so that a receiver hides a second one; it holds no address."""
    who = addresses.digest(f"copy {issue.pk} {subscriber.pk}")[:32]
    return f"<i{issue.pk}.{who}@{addresses.domain(settings.MAIL_FROM)}>"


@transaction.atomic
def release(issue: Issue, user: User, now: datetime, *, delay: timedelta = Issue.DELAY) -> bool:
    """Freezes text and audience, and starts the clock. Raises NotReady."""
    issue = Issue.objects.select_for_update().get(pk=issue.pk)
    if issue.mailing != Mailing.WRITING:
        return False
    if lacks := messages.missing(issue):
        raise NotReady("; ".join(f"{code}: {', '.join(names)}" for code, names in lacks.items()))
    editions = messages.freeze(issue)
    issue.editions.all().delete()
    Edition.objects.bulk_create(editions)
    changed = Issue.objects.filter(pk=issue.pk, mailing=Mailing.WRITING).update(
        mailing=Mailing.RELEASED,
        released_by=user,
        released_at=now,
        starts_at=now + delay,
        finished_at=None,
        content_digest=messages.digest(editions),
    )
    subscribers = Subscriber.objects.filter(standing=Standing.ACTIVE).order_by("pk")
    Delivery.objects.bulk_create(
        (
            Delivery(
                kind=Delivery.Kind.ISSUE,
                priority=Delivery.BULK,
                issue=issue,
                subscriber=subscriber,
                address=subscriber.address,
                language=subscriber.language,
                message_id=message_id(issue, subscriber),
                written_at=now,
                next_try=now + delay,
            )
            for subscriber in subscribers.iterator(2000)
        ),
        batch_size=2000,
    )
    return changed == 1


@transaction.atomic
def stop(issue: Issue, now: datetime) -> bool:
    """Before the first copy left: back to writing, as if nothing had been. Later: no further copy leaves, ever."""
    if Issue.objects.filter(pk=issue.pk, mailing=Mailing.RELEASED).update(
        mailing=Mailing.WRITING, released_by=None, released_at=None, starts_at=None, content_digest=""
    ):
        issue.deliveries.filter(kind=Delivery.Kind.ISSUE).delete()
        issue.editions.all().delete()
        return True
    under_way = Issue.objects.filter(pk=issue.pk, mailing__in=(Mailing.SENDING, Mailing.PAUSED))
    if not under_way.update(mailing=Mailing.STOPPED, finished_at=now, paused_by_us=False):
        return False
    issue.deliveries.filter(kind=Delivery.Kind.ISSUE, state__in=(Transit.PENDING, Transit.CLAIMED)).cancel(now)
    return True


@transaction.atomic
def pause(issue: Issue, reason: str = "", *, by_us: bool = False) -> bool:
    """No further copy leaves until somebody resumes. One that is being handed over at this moment still does.

    `by_us`: the server refused us; the worker resumes the issue itself once it takes letters again.
    """
    if not Issue.objects.filter(pk=issue.pk, mailing=Mailing.SENDING).update(
        mailing=Mailing.PAUSED, pause_reason=reason[:300], paused_by_us=by_us
    ):
        return False
    issue.deliveries.filter(kind=Delivery.Kind.ISSUE, state=Transit.CLAIMED).put_back()
    return True


def resume(issue: Issue, now: datetime) -> bool:
    """Goes on. Refusals are counted anew from here."""
    trouble.is_over("refusals")
    return bool(
        Issue.objects.filter(pk=issue.pk, mailing=Mailing.PAUSED).update(
            mailing=Mailing.SENDING, pause_reason="", paused_by_us=False, resumed_at=now
        )
    )


def send_test(issue: Issue, user: User, languages: list[str], now: datetime) -> int:
    """Copies to the address of one's own account, as the issue is now; returns how many."""
    copies = [
        Delivery(
            kind=Delivery.Kind.TEST,
            issue=issue,
            address=user.email,
            language=language,
            message_id=f"<test.{issue.pk}.{language}.{now.timestamp():.6f}@{addresses.domain(settings.MAIL_FROM)}>",
            written_at=now,
            next_try=now,
        )
        for language in languages
    ]
    return len(Delivery.objects.bulk_create(copies))


# --- Letters that wait for a decision -----------------------------------------------------------------------------

UNDECIDED = (Transit.UNSURE, Transit.QUARANTINED)


@transaction.atomic
def send_again(delivery: Delivery, now: datetime) -> bool:
    """Staff decided that it did not leave, or that it is harmless. A finished issue is taken up again for it."""
    changed = (
        Delivery.objects.filter(pk=delivery.pk, state__in=UNDECIDED)
        .exclude(address="")
        .update(state=Transit.PENDING, crashes=0, next_try=now, ended_at=None)
    )
    if changed and delivery.kind == Delivery.Kind.ISSUE:
        Issue.objects.filter(pk=delivery.issue_id, mailing=Mailing.SENT).update(
            mailing=Mailing.SENDING, finished_at=None
        )
    return bool(changed)


def leave_it(delivery: Delivery, now: datetime) -> bool:
    """Staff decided not to send it again."""
    return bool(Delivery.objects.filter(pk=delivery.pk, state__in=UNDECIDED).cancel(now))


PAUSE_REASONS = (  # what the worker writes there, for the catalogues
    _("More than one copy in twenty was refused."),
    _("The mail server refuses our password."),
    _("The mail server offers no encryption, or no password."),
    _("The mail server refuses to take letters from us."),
)
TROUBLES = (
    _("More people sign up than is usual; their letters leave later."),
    _("More than one copy in twenty was refused. The issue is paused."),
    _("The mail server does not answer."),
    _("The mail server wants fewer letters for now."),
    _("The folder for letters cannot be written."),
)
