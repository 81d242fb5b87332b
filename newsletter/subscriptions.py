"""Everything that changes how somebody stands to the newsletter: signing up, confirming, leaving, coming back, erasing.

Each function is one transaction. None of them opens a mail server: they write letters into the outbox.
"""

import os
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

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
LONGEST_QUEUE = timedelta(hours=24)


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
    if is_suppressed(enquiry.address):
        return
    subscriber = Subscriber.objects.select_for_update().filter(address=enquiry.address).first()
    kind = letter_for(enquiry, subscriber)
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
    for limit in limits.LINKS_TO_AN_ADDRESS if is_link else limits.LETTERS_TO_AN_ADDRESS:
        if not limits.take(limit, key, now):
            return None
    domain = addresses.digest(addresses.domain(enquiry.address))
    wait = max(limits.delay(limits.LETTERS_TO_A_DOMAIN, domain, now), limits.delay(limits.LETTERS_IN_ALL, "", now))
    if wait:
        trouble.note("sign-ups", "More people sign up than is usual; their letters leave later.", now)
    return None if wait > LONGEST_QUEUE else wait


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
    waiting = subscriber.deliveries.filter(state__in=(Transit.PENDING, Transit.CLAIMED, Transit.QUARANTINED))
    waiting.update(state=Transit.CANCELLED, lease="", lease_until=None, ended_at=now)


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
    suppress(subscriber.digest, Suppression.Reason.ASKED, now)
    erase(subscriber, now, for_ever=True)


def suppress(digest: str, reason: Suppression.Reason, now: datetime) -> None:
    Suppression.objects.get_or_create(digest=digest, defaults={"reason": reason, "since": now})


def set_language(subscriber: Subscriber, language: str, now: datetime) -> None:
    """From the next issue on, and for what waits in the outbox of other kinds."""
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
    """Nothing of this person stays in the database but letters without an address. Noted outside of it, too."""
    subscriber = locked(subscriber)
    if subscriber is None:
        return
    cancel_letters(subscriber, now)
    relay.forget(subscriber.deliveries.values_list("message_id", flat=True))
    subscriber.deliveries.update(address="", last_reply="", subscriber=None)
    Enquiry.objects.filter(address=subscriber.address).delete()
    note_erasure(subscriber.digest, now, for_ever=for_ever)
    subscriber.delete()  # with consents, links and bounces


def note_erasure(digest: str, now: datetime, *, for_ever: bool) -> None:
    """Appends to a file beside the database: a database that is restored from a backup does not know it."""
    path = settings.ERASURE_JOURNAL
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{now.isoformat()} {digest}{' never' if for_ever else ''}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def apply_erasures(now: datetime) -> int:
    """After a restore: erases again whoever was erased since the backup was made. Returns how many.

    Somebody who signed up anew after the erasure stays.
    """
    try:
        lines = settings.ERASURE_JOURNAL.read_text().splitlines()
    except FileNotFoundError:
        return 0
    count = 0
    for line in lines:
        moment, digest, *never = line.split(" ")
        if never:
            suppress(digest, Suppression.Reason.ASKED, now)
        known = Subscriber.objects.filter(digest=digest)
        for subscriber in known.exclude(consents__requested_at__gt=datetime.fromisoformat(moment)):
            erase(subscriber, now)
            count += 1
    return count


# --- Reports that came back ---------------------------------------------------------------------------------------

SOFT_BOUNCES, SOFT_WINDOW = 5, timedelta(days=30)


@transaction.atomic
def note_bounce(bounce: Bounce, now: datetime) -> bool:
    """Keeps the report and draws the consequence. False if it was read before."""
    subscriber = locked(bounce.subscriber)
    if subscriber is None or Bounce.objects.filter(fingerprint=bounce.fingerprint).exists():
        return False
    bounce.save()
    soft = subscriber.bounces.filter(kind=Bounce.Kind.SOFT, received_at__gt=now - SOFT_WINDOW)
    if bounce.kind == Bounce.Kind.COMPLAINT:
        suppress(subscriber.digest, Suppression.Reason.COMPLAINT, now)
        put_off(subscriber, Standing.COMPLAINED, now)
    elif bounce.kind == Bounce.Kind.HARD or soft.count() >= SOFT_BOUNCES:
        put_off(subscriber, Standing.BOUNCED, now)
    return True


def put_off(subscriber: Subscriber, standing: Standing, now: datetime) -> None:
    if subscriber.standing in (Standing.ACTIVE, Standing.PENDING, Standing.LEFT):
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
    done = {"unconfirmed": 0, "silent": 0, "addresses emptied": 0, "proofs": 0, "asked again": 0}
    for name, people in (("unconfirmed", unconfirmed), ("silent", silent), ("proofs", proven)):
        for subscriber in people:
            erase(subscriber, now)
            done[name] += 1
    for subscriber in gone:
        empty_address(subscriber, now)
        done["addresses emptied"] += 1
    done["asked again"] = ask_again(now)
    Token.objects.filter(expires_at__lte=now).delete()
    limits.forget_old(now)
    return done


@transaction.atomic
def empty_address(subscriber: Subscriber, now: datetime) -> None:
    """Somebody who left some days ago: the proof of consent and withdrawal stays, the address goes."""
    subscriber = locked(subscriber)
    if subscriber is None or subscriber.standing in (Standing.ACTIVE, Standing.PENDING):
        return
    cancel_letters(subscriber, now)
    relay.forget(subscriber.deliveries.values_list("message_id", flat=True))
    subscriber.deliveries.update(address="", last_reply="")
    subscriber.bounces.update(diagnostic="")
    subscriber.address = ""
    subscriber.save(update_fields=["address"])


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
