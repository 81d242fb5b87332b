"""The mail engine: takes letters from the outbox, hands each over once, and never guesses.

The truth is the rows. A letter goes pending → claimed → dispatching → sent, and each arrow is committed before the
next act: the intent before DATA, the result after the server's answer. So after a crash

- a claimed letter was not handed over: it waits again;
- a dispatching one may have been: the relay's journal is asked (journal.py), and where there is none, staff.

What SMTP allows is this: without the relay's memory, at most one letter for each crash and connection is unsure; with
it, none is lost and none is sent twice. Design and retry table: RFC 5321, RFC 1047.

Why not a queue library. Two were tried: django-tasks leaves the task of a killed worker running for ever and knows no
retry; django-q2 runs a task again after a timeout, so that a slow hand-over is sent twice. Celery, dramatiq and huey
want a broker, a second store that can disagree with the first. None has a state between “begun” and “done” that says
that the letter may already be out, and that state is all the difference.
"""

import logging
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Q

from newsletter import clock, limits, messages, relay, release, subscriptions, trouble
from newsletter.journal import Journal, Verdict
from newsletter.models import Bounce, Delivery, Enquiry, Issue, Mailing, Standing, Subscriber, Token, Transit
from sensgene.records import State

log = logging.getLogger("newsletter.sending")

RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
BATCH = 20
ENQUIRIES = 200  # read in one turn
CRASHES = 3  # then a letter is set aside: it may be what kills the worker
REFUSALS_IN = 200  # of the last so many copies …
REFUSALS_MOST = 0.05  # … at most this share may be refused
SECONDS_BETWEEN_LOOKS = 1
SECONDS_BETWEEN_TIDYING = 600
LONGEST_REST = 300.0

# The points at which a worker may die; the fault tests kill it at each.
STEPS = (
    "looked",
    "claimed",
    "recipient accepted",
    "intent committed",
    "accepted by the server",
    "result committed",
)

# Who may still get what, looked up again at the last moment before a letter leaves.
STANDINGS: dict[str, tuple[Standing, ...]] = {
    Delivery.Kind.CONFIRM: (Standing.PENDING,),
    Delivery.Kind.ALREADY: (Standing.ACTIVE,),
    Delivery.Kind.MANAGE: (Standing.ACTIVE,),
    Delivery.Kind.GOODBYE: (Standing.LEFT,),
    Delivery.Kind.STAY: (Standing.ACTIVE,),
    Delivery.Kind.ISSUE: (Standing.ACTIVE,),
}


def copies_an_hour() -> limits.Limit:
    return limits.Limit("copies", settings.MAIL_PER_HOUR, limits.HOUR)


class Pace:
    """How long to wait between two letters: twice as long after each sign of strain, a tenth less after each success."""

    FIRST, SLOWEST = 0.1, 60.0

    def __init__(self):
        self.pause = 0.0

    def slower(self) -> None:
        self.pause = min(self.SLOWEST, max(self.FIRST, self.pause * 2))

    def faster(self) -> None:
        self.pause = 0.0 if self.pause < self.FIRST / 2 else self.pause * 0.9


class Worker:
    """One process that sends. Several may run: the rows keep them apart."""

    def __init__(
        self,
        way: relay.Relay | None = None,
        remembers: Journal | None = None,
        report: Callable[[str], None] = lambda step: None,
    ):
        self.relay = way or relay.configured()
        self.journal = remembers or relay.configured_journal()
        self.report = report
        self.name = f"{socket.gethostname()[:40]}.{os.getpid()}.{secrets.token_hex(4)}"
        self.lease = timedelta(seconds=settings.MAIL_LEASE_SECONDS)
        self.pace = Pace()
        self.stop = threading.Event()
        self.is_well = False  # unknown until the first letter left
        self.rest = 0.0  # after trouble with the server, in seconds
        self.rests_until = 0.0
        self.tidied = 0.0
        self.left_over: list[Delivery] = []  # claimed and not begun when something broke

    # --- The loop ---

    def run(self) -> None:
        """Until `stop` is set. Whatever goes wrong with the database, the next turn tries again."""
        while not self.stop.is_set():
            try:
                busy = self.turn()
            except Exception as error:
                log.error("the worker goes on after %s: %s", type(error).__name__, error)
                self.relay.close()  # it may stand in the middle of a letter
                busy = False
                self.stop.wait(SECONDS_BETWEEN_LOOKS * 4)
            finally:
                connection.close()
            if not busy:
                self.stop.wait(SECONDS_BETWEEN_LOOKS)
        self.relay.close()

    def turn(self) -> bool:
        """One look at everything there is to do. True if something was done, so that the next look is soon."""
        be_durable()
        if self.left_over:
            self.let_go(self.left_over)
            self.left_over = []
        self.report("looked")
        busy = self.read_enquiries() > 0
        self.begin_due_issues()
        self.recover()
        if time.monotonic() >= self.rests_until:
            self.resume_after_trouble()
            busy = self.send_batch() > 0 or busy
        self.finish_issues()
        if time.monotonic() - self.tidied > SECONDS_BETWEEN_TIDYING:
            self.tidied = time.monotonic()
            subscriptions.tidy(clock.now())
        return busy

    # --- Before letters ---

    def read_enquiries(self) -> int:
        """What visitors typed since the last look; a form that cannot be answered is passed over, not repeated."""
        waiting = list(Enquiry.objects.order_by("pk")[:ENQUIRIES])
        for enquiry in waiting:
            with transaction.atomic():
                mine = Enquiry.objects.select_for_update(skip_locked=True).filter(pk=enquiry.pk).first()
                if mine is not None:
                    subscriptions.answer(mine, clock.now())
        return len(waiting)

    def begin_due_issues(self) -> None:
        """Starts what was released some minutes ago; from this moment on the issue has a public page."""
        now = clock.now()
        due = Issue.objects.filter(mailing=Mailing.RELEASED, starts_at__lte=now)
        due.update(mailing=Mailing.SENDING, state=State.PUBLISHED, updated_at=now)

    def finish_issues(self) -> None:
        open_states = (Transit.PENDING, Transit.CLAIMED, Transit.DISPATCHING)
        copies = Delivery.objects.filter(kind=Delivery.Kind.ISSUE, state__in=open_states)
        done = Issue.objects.filter(mailing=Mailing.SENDING).exclude(pk__in=copies.values("issue_id"))
        done.update(mailing=Mailing.SENT, finished_at=clock.now())

    # --- After a crash ---

    def recover(self) -> None:
        """Letters whose worker gave no sign for the length of a lease."""
        now = clock.now()
        with transaction.atomic():
            left = Delivery.objects.select_for_update(skip_locked=True).filter(
                state=Transit.CLAIMED, lease_until__lte=now
            )
            for delivery in left:
                self.wait_again(delivery, crashed=True)
        doubtful = Delivery.objects.filter(state=Transit.DISPATCHING, lease_until__lte=now)
        is_quiet = False
        for pk in list(doubtful.values_list("pk", flat=True)[:500]):
            with transaction.atomic():
                delivery = doubtful.select_for_update(skip_locked=True).filter(pk=pk).first()
                if delivery is not None and not self.clear_up(delivery):
                    is_quiet = True
        if is_quiet and time.monotonic() >= self.rests_until:
            self.knock()

    def clear_up(self, delivery: Delivery) -> bool:
        """Whether a letter that may have left did: the journal says it, or staff must. False if it must be asked later."""
        match self.journal.verdict(delivery.message_id, delivery.dispatched_at, delivery.lease_until):
            case Verdict.ACCEPTED:
                self.end(delivery, Transit.SENT, "250", "found in the journal of the mail server")
            case Verdict.REFUSED:
                self.wait_again(delivery, crashed=True)
            case Verdict.UNKNOWN:
                self.end(delivery, Transit.UNSURE, "", "")
            case Verdict.NOT_YET:
                return False
        return True

    def knock(self) -> None:
        """The journal of a quiet server does not grow: a knock at its door makes it write a line."""
        try:
            self.relay.close()
            self.relay.probe()
        except relay.ServerTrouble as error:
            self.note_trouble(error)

    @staticmethod
    def wait_again(delivery: Delivery, *, crashed: bool) -> None:
        delivery.crashes += crashed
        is_dangerous = delivery.crashes >= CRASHES
        delivery.state = Transit.QUARANTINED if is_dangerous else Transit.PENDING
        delivery.lease, delivery.lease_until = "", None
        delivery.save(update_fields=["crashes", "state", "lease", "lease_until"])

    @staticmethod
    def end(delivery: Delivery, state: Transit, code: str, reply: str) -> None:
        delivery.state, delivery.last_code, delivery.last_reply = state, code, reply
        delivery.lease, delivery.lease_until, delivery.ended_at = "", None, clock.now()
        delivery.save(update_fields=["state", "last_code", "last_reply", "lease", "lease_until", "ended_at"])

    # --- Claim ---

    @transaction.atomic
    def claim(self) -> list[Delivery]:
        """The next letters, ours for the length of a lease. One that was part of a crash is claimed alone."""
        now = clock.now()
        sending = list(Issue.objects.filter(mailing=Mailing.SENDING).values_list("pk", flat=True))
        due = (
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(Q(issue=None) | Q(kind=Delivery.Kind.TEST) | Q(issue__in=sending))
            .filter(state=Transit.PENDING, next_try__lte=now)
            .order_by("priority", "next_try", "pk")
        )
        found = list(due[:BATCH])
        if any(delivery.crashes for delivery in found):
            found = found[: max(1, next(place for place, each in enumerate(found) if each.crashes))]
        copies = [each for each in found if each.kind == Delivery.Kind.ISSUE]
        allowed = limits.take_up_to(copies_an_hour(), "", now, len(copies)) if copies else 0
        claimed = [each for each in found if each not in copies[allowed:]]
        Delivery.objects.filter(pk__in=[each.pk for each in claimed]).update(
            state=Transit.CLAIMED, lease=self.name, lease_until=now + self.lease
        )
        return claimed

    def mine(self, delivery: Delivery, state: Transit):
        """The row, if it is still ours: a worker that slept through its lease finds nothing here."""
        return Delivery.objects.filter(pk=delivery.pk, lease=self.name, state=state)

    def let_go(self, deliveries: list[Delivery]) -> None:
        """Claimed and not begun: others may have them."""
        ours = Delivery.objects.filter(lease=self.name, state=Transit.CLAIMED)
        ours.filter(pk__in=[each.pk for each in deliveries]).put_back()
        if copies := sum(each.kind == Delivery.Kind.ISSUE for each in deliveries):
            limits.give_back(copies_an_hour(), "", copies)

    # --- Send ---

    def send_batch(self) -> int:
        """Claims some letters and hands them over; returns how many were claimed."""
        claimed = self.claim()
        if claimed:
            self.report("claimed")
        begun = time.monotonic()
        for place, delivery in enumerate(claimed):
            # Half a lease must be left for one hand-over, however slow the server is.
            is_late = time.monotonic() - begun > self.lease.total_seconds() / 2
            if self.stop.is_set() or is_late:
                self.let_go(claimed[place:])
                break
            try:
                self.send(delivery)
            except relay.ServerTrouble as error:
                self.let_go(claimed[place:])
                self.note_trouble(error)
                break
            except Exception:
                self.left_over = claimed[place:]
                raise
            if self.pace.pause:
                self.stop.wait(self.pace.pause)
        return len(claimed)

    def send(self, delivery: Delivery) -> None:
        """One letter, one recipient, one SMTP transaction. Raises ServerTrouble, after which nobody has the letter."""
        now = clock.now()
        try:
            message = messages.compose(delivery, delivery.subscriber, now)
            sender = messages.return_address(delivery)
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:  # a letter that cannot be written must not stop the others
            log.error("letter %s cannot be written: %s", delivery.pk, type(error).__name__)
            with transaction.atomic():
                self.fail(delivery, Transit.CLAIMED, "", f"cannot be written: {type(error).__name__}")
            return
        try:
            self.relay.begin(sender, delivery.address)
            self.report("recipient accepted")
        except relay.Refusal as refusal:
            self.refused(delivery, Transit.CLAIMED, refusal)
            return
        if not self.commit_intent(delivery, message):
            self.relay.give_up()
            return
        committed = time.monotonic()
        self.report("intent committed")
        if time.monotonic() - committed > self.lease.total_seconds() / 2:
            # This process slept. Somebody else may have cleared the letter up meanwhile: it is theirs.
            self.relay.close()
            return
        try:
            code, reply = self.relay.finish(message.content)
        except relay.Refusal as refusal:
            self.refused(delivery, Transit.DISPATCHING, refusal)
            return
        except relay.Lost:
            # It stays as it is: when the lease is over, `recover` asks the journal.
            self.pace.slower()
            return
        except relay.ServerTrouble:
            with transaction.atomic():
                self.mine(delivery, Transit.DISPATCHING).update(state=Transit.CLAIMED)
            raise
        self.report("accepted by the server")
        with transaction.atomic():
            self.mine(delivery, Transit.DISPATCHING).update(
                **{"state": Transit.SENT, "last_code": code, "last_reply": reply, "attempts": F("attempts") + 1},
                **{"lease": "", "lease_until": None, "ended_at": clock.now()},
            )
        self.report("result committed")
        self.pace.faster()
        self.all_is_well()

    @transaction.atomic
    def commit_intent(self, delivery: Delivery, message: messages.Message) -> bool:
        """From here on the letter may be out. False if it must not leave: not ours any more, or not wanted any more.

        Holds the subscriber's row, as leaving does: whoever left before this gets nothing.
        """
        now = clock.now()
        if delivery.subscriber_id is not None or delivery.kind != Delivery.Kind.TEST:
            wanted = Subscriber.objects.select_for_update().filter(
                pk=delivery.subscriber_id, address=delivery.address, standing__in=STANDINGS[delivery.kind]
            )
            if wanted.first() is None:
                self.mine(delivery, Transit.CLAIMED).cancel(now)
                return False
        committed = self.mine(delivery, Transit.CLAIMED).filter(lease_until__gt=now)
        if not committed.update(state=Transit.DISPATCHING, dispatched_at=now, lease_until=now + self.lease):
            return False
        Token.objects.bulk_create(message.tokens)
        return True

    @transaction.atomic
    def refused(self, delivery: Delivery, state: Transit, refusal: relay.Refusal) -> None:
        """The server refused this letter: later again by the table, or never."""
        if delivery.subscriber is not None:
            # The person before the letter, as leaving does: in another order both would wait for each other.
            subscriptions.locked(delivery.subscriber)
        now = clock.now()
        if not refusal.is_final and delivery.attempts < len(RETRIES):
            self.mine(delivery, state).update(
                **{"state": Transit.PENDING, "lease": "", "lease_until": None, "attempts": F("attempts") + 1},
                **{"next_try": now + RETRIES[delivery.attempts]},
                **{"last_code": str(refusal.code), "last_reply": refusal.reply},
            )
            return
        was_ours = self.fail(delivery, state, str(refusal.code), refusal.reply)
        if was_ours and refusal.is_final and refusal.stage == "RCPT" and delivery.subscriber is not None:
            self.count_refusal(delivery, refusal)

    def fail(self, delivery: Delivery, state: Transit, code: str, reply: str) -> bool:
        """For good. False if the letter is not ours any more."""
        now = clock.now()
        was_ours = self.mine(delivery, state).update(
            **{"state": Transit.FAILED, "attempts": F("attempts") + 1, "lease": "", "lease_until": None},
            **{"last_code": code, "last_reply": reply, "ended_at": now},
        )
        if was_ours and delivery.kind == Delivery.Kind.ISSUE:
            self.pause_if_many_are_refused(delivery.issue_id)
        return bool(was_ours)

    def count_refusal(self, delivery: Delivery, refusal: relay.Refusal) -> None:
        """An address that does not exist goes off the list at once; any other refusal, the second time (5 for a policy)."""
        subscriber = delivery.subscriber
        earlier = subscriber.deliveries.filter(state=Transit.FAILED, last_code__startswith="5").exclude(pk=delivery.pk)
        is_hard = refusal.says_no_such_mailbox or earlier.exists()
        subscriptions.note_bounce(
            Bounce(
                delivery=delivery,
                subscriber=subscriber,
                kind=Bounce.Kind.HARD if is_hard else Bounce.Kind.SOFT,
                status=str(refusal.code),
                diagnostic=refusal.reply,
                received_at=clock.now(),
                fingerprint=f"smtp {delivery.pk}",
            ),
            clock.now(),
        )

    # --- Trouble ---

    @staticmethod
    def pause_if_many_are_refused(issue_id: int) -> None:
        """A list that is refused is paused before it is burnt."""
        issue = Issue.objects.get(pk=issue_id)
        ended = issue.deliveries.filter(kind=Delivery.Kind.ISSUE, state__in=(Transit.SENT, Transit.FAILED))
        if issue.resumed_at:
            ended = ended.filter(ended_at__gt=issue.resumed_at)
        last = list(ended.order_by("-ended_at").values_list("state", flat=True)[:REFUSALS_IN])
        if last.count(Transit.FAILED) > REFUSALS_IN * REFUSALS_MOST:
            release.pause(issue, "More than one copy in twenty was refused.")
            trouble.note("refusals", "More than one copy in twenty was refused. The issue is paused.", clock.now())

    def note_trouble(self, error: relay.ServerTrouble) -> None:
        """The server is away or refuses us: rest, longer each time; where it refuses us, pause the issues and say so."""
        now = clock.now()
        log.warning("%s", error)
        self.is_well = False
        self.rest = min(LONGEST_REST, max(1.0, self.rest * 2))
        self.rests_until = time.monotonic() + self.rest * random.uniform(0.5, 1.5)  # noqa: S311  (spreads workers)
        if error.wants_less:
            self.pace.slower()
        trouble.note("refused" if error.refuses_us else "away", str(error), now)
        if error.refuses_us:
            for issue in Issue.objects.filter(mailing=Mailing.SENDING):
                release.pause(issue, str(error), by_us=True)

    def resume_after_trouble(self) -> None:
        """Issues that stand still because the server refused us go on once it takes letters again."""
        waiting = Issue.objects.filter(mailing=Mailing.PAUSED, paused_by_us=True)
        if not waiting.exists():
            return
        try:
            self.relay.probe()
        except relay.ServerTrouble as error:
            self.note_trouble(error)
            return
        waiting.update(mailing=Mailing.SENDING, paused_by_us=False, pause_reason="", resumed_at=clock.now())
        self.all_is_well()

    def all_is_well(self) -> None:
        if not self.is_well:
            self.is_well, self.rest = True, 0.0
            trouble.is_over("away", "refused")


def be_durable() -> None:
    """What the engine commits must survive a power cut: SQLite syncs each commit for it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=FULL")
