"""Everything that changes how somebody stands to the newsletter: signing up, confirming, leaving, coming back, erasing.

Each function is one transaction. None of them opens a mail server: they write letters into the outbox.
"""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from newsletter import addresses, limits, relay, trouble
from newsletter.models import (
    Bounce,
    Consent,
    Delivery,
    Enquiry,
    Standing,
    Subscriber,
    Suppression,
    Token,
    Transit,
)

WORDING = "2026-11"  # the consent sentence of forms.py; a test fails if the sentence changes and this does not

PENDING_FOR = timedelta(days=7)
ADDRESS_KEPT_AFTER_LEAVING = timedelta(days=7)  # as long as the way back is open
ASK_AGAIN_AFTER = timedelta(days=2 * 365)
ANSWER_WITHIN = timedelta(days=30)
PROOF_KEPT_FOR = timedelta(days=3 * 365)  # after the withdrawal, without the address


def write(kind: Delivery.Kind, subscriber: Subscriber, now: datetime, *, wait: timedelta = timedelta(0)) -> Delivery:
    """Puts a letter that somebody's own act asked for into the outbox."""
    return Delivery.objects.create(
        kind=kind,
        subscriber=subscriber,
        address=subscriber.address,
        language=subscriber.language,
        message_id=f"<{kind}.{secrets.token_hex(16)}@{addresses.domain(settings.MAIL_FROM)}>",
        written_at=now,
        next_try=now + wait,
    )


# --- Signing up ---------------------------------------------------------------------------------------------------


def is_suppressed(address: str) -> bool:
    return Suppression.objects.filter(digest=addresses.digest(address)).exists()


@transaction.atomic
def answer(enquiry: Enquiry, now: datetime) -> None:
    """Turns what a visitor typed into at most one letter, and forgets the enquiry."""
    enquiry.delete()
    subscriber = Subscriber.objects.select_for_update().filter(address=enquiry.address).first()
    # After the lock: whoever asked at this moment never to be written to again has been heard by now.
    kind = None if is_suppressed(enquiry.address) else letter_for(enquiry, subscriber)
    if kind is None:
        return
    wait = waiting_time(enquiry, now)
    if wait is None:
        return
    if kind == Delivery.Kind.CONFIRM:
        subscriber = sign_up(enquiry, subscriber, now)
    write(kind, subscriber, now, wait=wait)


def letter_for(enquiry: Enquiry, subscriber: Subscriber | None) -> Delivery.Kind | None:
    is_active = subscriber is not None and subscriber.standing == Standing.ACTIVE
    if enquiry.kind == Enquiry.Kind.MANAGE:
        return Delivery.Kind.MANAGE if is_active else None
    if subscriber is not None and subscriber.standing == Standing.COMPLAINED:
        return None
    return Delivery.Kind.ALREADY if is_active else Delivery.Kind.CONFIRM


def waiting_time(enquiry: Enquiry, now: datetime) -> timedelta | None:
    """How long the letter waits so that nobody is bombed with mail; None if it must not be written at all."""
    key = addresses.digest(addresses.counted(enquiry.address))
    is_link = enquiry.kind == Enquiry.Kind.MANAGE
    of_address = limits.LINKS_TO_AN_ADDRESS if is_link else limits.LETTERS_TO_AN_ADDRESS
    for limit in of_address:
        if not limits.take(limit, key, now):
            return None
    domain = addresses.digest(addresses.domain(enquiry.address))
    of_domain = limits.delay(limits.LETTERS_TO_A_DOMAIN, domain, now)
    of_all = limits.delay(limits.LETTERS_IN_ALL, "", now) if of_domain is not None else None
    if of_domain is None or of_all is None or of_domain or of_all:
        trouble.note("sign-ups", "More people sign up than is usual; their letters leave later.", now)
    if of_domain is None or of_all is None:
        for limit in of_address:  # nothing was written to this person: their next try counts as the first
            limits.give_back(limit, key, 1)
        return None
    return max(of_domain, of_all)


def sign_up(enquiry: Enquiry, subscriber: Subscriber | None, now: datetime) -> Subscriber:
    """Notes the wish, unconfirmed: a new row, or the one that is known from before."""
    subscriber = subscriber or Subscriber(address=enquiry.address, digest=addresses.digest(enquiry.address))
    subscriber.language = enquiry.language
    subscriber.standing, subscriber.standing_since, subscriber.last_sign_at = Standing.PENDING, now, now
    subscriber.asked_again_at = None
    subscriber.save()
    subscriber.consents.filter(confirmed_at=None).delete()
    subscriber.consents.create(
        wording=enquiry.wording, language=enquiry.language, page=enquiry.page, requested_at=enquiry.typed_at
    )
    return subscriber


# --- What mailed links do -----------------------------------------------------------------------------------------


def use(token: Token, now: datetime) -> bool:
    """False if this link was used up by somebody faster."""
    return Token.objects.filter(pk=token.pk, used_at__isnull=True).update(used_at=now) == 1


def set_standing(subscriber: Subscriber, standing: Standing, now: datetime) -> None:
    subscriber.standing, subscriber.standing_since = standing, now
    subscriber.save(update_fields=["standing", "standing_since"])


def locked(subscriber: Subscriber) -> Subscriber | None:
    """The row as it is now, held until the transaction ends: the worker holds it too before it hands a letter over."""
    return Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()


def cancel_letters(subscriber: Subscriber, now: datetime) -> None:
    """Nothing that has not begun to leave will."""
    subscriber.deliveries.filter(state__in=(Transit.PENDING, Transit.CLAIMED, Transit.QUARANTINED)).cancel(now)


@transaction.atomic
def confirm(token: Token, now: datetime) -> bool:
    """From pending to subscribed. False if the link was used already or the wish is gone."""
    subscriber = locked(token.subscriber)
    if subscriber is None or subscriber.standing != Standing.PENDING or not use(token, now):
        return False
    subscriber.last_sign_at = now
    subscriber.save(update_fields=["last_sign_at"])
    set_standing(subscriber, Standing.ACTIVE, now)
    subscriber.consents.filter(confirmed_at=None).update(confirmed_at=now)
    return True


@transaction.atomic
def leave(subscriber: Subscriber, now: datetime) -> None:
    """Off the list, at once. Doing it again changes nothing. A notice says so, with a way back."""
    subscriber = locked(subscriber)
    if subscriber is None or subscriber.standing not in (Standing.ACTIVE, Standing.PENDING):
        return
    was_subscribed = subscriber.standing == Standing.ACTIVE
    set_standing(subscriber, Standing.LEFT, now)
    cancel_letters(subscriber, now)
    subscriber.consents.filter(withdrawn_at=None).update(withdrawn_at=now)
    remember(subscriber.digest, "left", now)
    if was_subscribed:
        write(Delivery.Kind.GOODBYE, subscriber, now)


@transaction.atomic
def come_back(token: Token, now: datetime) -> bool:
    """Undoes a leaving, within days of it. False if that is not possible any more."""
    subscriber = locked(token.subscriber)
    if subscriber is None or subscriber.standing != Standing.LEFT or not subscriber.address or not use(token, now):
        return False
    last = subscriber.consents.filter(confirmed_at__isnull=False).last()
    set_standing(subscriber, Standing.ACTIVE, now)
    stay(subscriber, now)
    Consent.objects.create(
        subscriber=subscriber,
        wording=last.wording if last else WORDING,
        language=subscriber.language,
        page="return",
        requested_at=now,
        confirmed_at=now,
    )
    return True


def stay(subscriber: Subscriber, now: datetime) -> None:
    """A sign of life: the next question is two years away."""
    Subscriber.objects.filter(pk=subscriber.pk).update(last_sign_at=now, asked_again_at=None)


@transaction.atomic
def never_again(subscriber: Subscriber, now: datetime) -> None:
    """Off the list, without a notice, and no letter ever again. Only the digest of the address is kept."""
    erase(subscriber, now, for_ever=True)
    suppress(subscriber.digest, Suppression.Reason.ASKED, now)
    remember(subscriber.digest, "never", now)  # also where somebody else's press erased a moment earlier


def suppress(digest: str, reason: Suppression.Reason, now: datetime) -> None:
    Suppression.objects.get_or_create(digest=digest, defaults={"reason": reason, "since": now})


def set_language(subscriber: Subscriber, language: str, now: datetime) -> None:
    """From the next letter on; what is in the outbox already leaves as it is."""
    Subscriber.objects.filter(pk=subscriber.pk).update(language=language)
    stay(subscriber, now)


def export(subscriber: Subscriber) -> dict:
    """Everything that is kept about one person, for that person (GDPR, articles 15 and 20)."""
    moments = ("requested_at", "confirmed_at", "withdrawn_at")
    return {
        "address": subscriber.address,
        "language": subscriber.language,
        "standing": subscriber.standing,
        "since": subscriber.standing_since,
        "last_sign_at": subscriber.last_sign_at,
        "consents": list(subscriber.consents.values("wording", "language", "page", *moments)),
        "letters": list(
            subscriber.deliveries.order_by("pk").values(
                "kind", "issue__slug", "language", "state", "written_at", "ended_at", "last_code", "last_reply"
            )
        ),
        "bounces": list(subscriber.bounces.values("kind", "status", "diagnostic", "received_at")),
        "links": list(subscriber.tokens.values("purpose", "made_at", "expires_at", "used_at")),
    }


# --- Forgetting ---------------------------------------------------------------------------------------------------


@transaction.atomic
def erase(subscriber: Subscriber, now: datetime, *, for_ever: bool = False) -> None:
    """Nothing of this person stays in the database but letters without an address. Noted outside of it, too.

    That includes the proofs of earlier subscriptions.
    """
    # Forms before the person, as the worker takes them: in another order both would wait for each other.
    known = Subscriber.objects.filter(digest=subscriber.digest).exclude(address="")
    Enquiry.objects.filter(address__in=list(known.values_list("address", flat=True))).delete()
    remove_all(subscriber.digest, "never" if for_ever else "erased", now)


def remove_all(digest: str, what: str, now: datetime) -> None:
    people = list(Subscriber.objects.select_for_update().filter(digest=digest).order_by("pk"))
    for each in people:
        remove(each, now)
    if people:
        remember(digest, what, now)


def remove(subscriber: Subscriber, now: datetime) -> None:
    """One row, locked by the caller, and what hangs on it."""
    cancel_letters(subscriber, now)
    strip_letters(subscriber)
    subscriber.deliveries.update(subscriber=None)
    if subscriber.address:  # test copies to the same mailbox belong to nobody
        others = Delivery.objects.filter(address=subscriber.address, ended_at__isnull=False)
        relay.forget(others.values_list("message_id", flat=True))
        others.update(address="", last_reply="")
    subscriber.delete()  # with consents, links and bounces


def strip_letters(subscriber: Subscriber) -> None:
    relay.forget(subscriber.deliveries.values_list("message_id", flat=True))
    subscriber.deliveries.update(address="", last_reply="")


@transaction.atomic
def forget(address: str, now: datetime) -> bool:
    """Erasure of an address on request, by whatever way it came. Says whether it was known."""
    digest = addresses.digest(address)
    waiting, _each = Enquiry.objects.filter(address=address).delete()
    subscriber = Subscriber.objects.filter(digest=digest).first()
    if subscriber is not None:
        erase(subscriber, now)
    else:
        remember(digest, "erased", now)  # a backup may know it
    return bool(waiting) or subscriber is not None


# --- What a backup does not know ----------------------------------------------------------------------------------


def remember(digest: str, what: str, now: datetime) -> None:
    """Appends to a file beside the database: a database that is restored from a backup does not know what came later.

    `what` is "erased", "never" (erased, and never to be written to again), "left" or "complained".
    """
    path = settings.ERASURE_JOURNAL
    path.parent.mkdir(parents=True, exist_ok=True)
    line = f"{now.isoformat()} {digest} {what}\n".encode()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # the last line was cut off by a full disk
        if os.write(descriptor, line) != len(line):
            raise OSError("The journal of erasures cannot be written.")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


LINE = re.compile(r"(\S+) ([0-9a-f]{64}) (erased|never|left|complained)", re.ASCII)


def remembered() -> Iterator[tuple[datetime, str, str]]:
    """The journal's lines; one that was cut off says nothing."""
    try:
        text = settings.ERASURE_JOURNAL.read_text("utf-8", "replace")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        if match := LINE.fullmatch(line):
            try:
                moment = datetime.fromisoformat(match[1])
            except ValueError:
                continue
            if moment.tzinfo:
                yield moment, match[2], match[3]


def apply_erasures(now: datetime) -> int:
    """After a restore: erases again whoever was erased since the backup was made. Returns how many.

    Who left or complained since then is off the list again, too. Somebody who signed up anew afterwards stays.
    """
    count = 0
    for moment, digest, what in remembered():
        with transaction.atomic():
            if what in ("never", "complained"):
                reason = Suppression.Reason.ASKED if what == "never" else Suppression.Reason.COMPLAINT
                suppress(digest, reason, moment)
            known = Subscriber.objects.select_for_update().filter(digest=digest)
            for subscriber in known.exclude(
                pk__in=Consent.objects.filter(requested_at__gt=moment).values("subscriber")
            ):
                # Not noted once more: a later moment would erase people who signed up in between.
                if what in ("erased", "never"):
                    remove(subscriber, now)
                    count += 1
                else:
                    put_off(subscriber, Standing.LEFT if what == "left" else Standing.COMPLAINED, moment)
    return count


# --- Reports that came back ---------------------------------------------------------------------------------------

SOFT_BOUNCES, SOFT_WINDOW = 5, timedelta(days=30)


@transaction.atomic
def note_bounce(bounce: Bounce, now: datetime) -> bool:
    """Keeps the report and draws the consequence. False if it was read before."""
    subscriber = Subscriber.objects.select_for_update().filter(pk=bounce.subscriber_id).first()
    if subscriber is None or Bounce.objects.filter(fingerprint=bounce.fingerprint).exists():
        return False
    bounce.save()
    soft = subscriber.bounces.filter(kind=Bounce.Kind.SOFT, received_at__gt=now - SOFT_WINDOW)
    if bounce.kind == Bounce.Kind.COMPLAINT:
        suppress(subscriber.digest, Suppression.Reason.COMPLAINT, now)
        remember(subscriber.digest, "complained", now)
        put_off(subscriber, Standing.COMPLAINED, now)
    elif bounce.kind == Bounce.Kind.HARD or soft.count() >= SOFT_BOUNCES:
        put_off(subscriber, Standing.BOUNCED, now)
    return True


def put_off(subscriber: Subscriber, standing: Standing, now: datetime) -> None:
    if subscriber.standing in (Standing.ACTIVE, Standing.PENDING, Standing.LEFT) and subscriber.standing != standing:
        set_standing(subscriber, standing, now)
        cancel_letters(subscriber, now)
        subscriber.consents.filter(withdrawn_at=None).update(withdrawn_at=now)


# --- What time does -----------------------------------------------------------------------------------------------


def tidy(now: datetime) -> dict[str, int]:
    """What is due: forgets, asks again. Safe to repeat; returns what was done how often."""
    unconfirmed = Subscriber.objects.filter(standing=Standing.PENDING, standing_since__lte=now - PENDING_FOR)
    silent = Subscriber.objects.active().filter(asked_again_at__lte=now - ANSWER_WITHIN)
    gone = Subscriber.objects.filter(
        standing__in=(Standing.LEFT, Standing.BOUNCED, Standing.COMPLAINED),
        standing_since__lte=now - ADDRESS_KEPT_AFTER_LEAVING,
    ).exclude(address="")
    proven = Subscriber.objects.filter(address="", standing_since__lte=now - PROOF_KEPT_FOR)
    done = {
        "unconfirmed": each_of(unconfirmed, let_go, now),
        "silent": each_of(silent, lambda subscriber, now: remove_all(subscriber.digest, "erased", now), now),
        "addresses emptied": each_of(gone, let_go, now),
        "proofs": each_of(proven, remove, now),
        "asked again": ask_again(now),
    }
    Token.objects.filter(expires_at__lte=now).delete()
    old_tests = Delivery.objects.filter(kind=Delivery.Kind.TEST, ended_at__lte=now - ADDRESS_KEPT_AFTER_LEAVING)
    old_tests.exclude(address="").update(address="", last_reply="")
    limits.forget_old(now)
    trouble.forget_old(now)
    return done


def each_of(people: QuerySet, act: Callable[[Subscriber, datetime], None], now: datetime) -> int:
    """Each in a transaction of its own, looked at again once it is locked: people confirm and come back meanwhile."""
    count = 0
    for pk in list(people.values_list("pk", flat=True)):
        with transaction.atomic():
            subscriber = people.select_for_update().filter(pk=pk).first()
            if subscriber is not None:
                act(subscriber, now)
                count += 1
    return count


def let_go(subscriber: Subscriber, now: datetime) -> None:
    """Who is off the list for some days, or never confirmed. Proof is kept of a consent and its withdrawal, without the
    address; where there was no consent there is nothing to prove."""
    subscriber.consents.filter(confirmed_at=None).delete()
    if not subscriber.consents.exists():
        remove(subscriber, now)
        remember(subscriber.digest, "erased", now)
        return
    cancel_letters(subscriber, now)
    strip_letters(subscriber)
    subscriber.bounces.update(diagnostic="")
    subscriber.consents.filter(withdrawn_at=None).update(withdrawn_at=now)
    subscriber.address = ""
    if subscriber.standing == Standing.PENDING:  # somebody typed the address of a person who had left
        subscriber.standing, subscriber.standing_since = Standing.LEFT, subscriber.consents.last().withdrawn_at
    subscriber.save(update_fields=["address", "standing", "standing_since"])


def ask_again(now: datetime) -> int:
    """Somebody who gave no sign for two years is asked once; who does not answer is erased by `tidy` later."""
    long_silent = Q(last_sign_at__lte=now - ASK_AGAIN_AFTER, asked_again_at=None)
    count = 0
    for subscriber in Subscriber.objects.active().filter(long_silent):
        with transaction.atomic():
            if Subscriber.objects.active().filter(long_silent, pk=subscriber.pk).update(asked_again_at=now):
                write(Delivery.Kind.STAY, subscriber, now)
                count += 1
    return count
