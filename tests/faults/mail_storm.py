"""Sends an issue to many invented people while the worker is killed again and again, then compares both sides.

python -m tests.faults.mail_storm --recipients 10000 --kills 50

Runs in the environment of a site (VAR_DIR, DATABASE_URL); the mail server is a process of its own that survives. Prints
what was lost and what came twice. `--mutant` breaks the engine on purpose: a test that a mutant passes proves nothing.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

LEASE_SECONDS = 2
# Faults that are not about death: this share of all recipients, by the beginning of their address.
ODD = {"busy": 0.01, "breaks-unread": 0.02, "breaks-accepted": 0.02}


def address(number: int) -> str:
    turn = (number * 0.6180339887) % 1  # spread evenly, and the same in every run
    for name, share in ODD.items():
        if turn < share:
            return f"{name}-{number:06}@example.org"
        turn -= share
    return f"invented-{number:06}@example.org"


def prepare(recipients: int):
    """An issue, released with no delay, and the people who get it."""
    from newsletter import addresses, clock, release
    from newsletter.models import Issue, Standing, Subscriber

    now = clock.now()
    people = [address(number) for number in range(recipients)]
    people[0] = "unknown-000000@example.org"
    Subscriber.objects.bulk_create(
        [
            Subscriber(
                address=each,
                digest=addresses.digest(each),
                language=("fr", "en", "de")[number % 3],
                standing=Standing.ACTIVE,
                standing_since=now,
                last_sign_at=now,
            )
            for number, each in enumerate(people)
        ],
        batch_size=1000,
    )
    texts = {f"subject_{code}": f"Invented issue ({code})" for code in ("fr", "en", "de")}
    issue = Issue.objects.create(slug="invented-storm", **texts)
    heading = {f"heading_{code}": "Invented" for code in ("fr", "en", "de")}
    issue.sections.create(**heading, **{f"body_{code}": "Invented text." for code in ("fr", "en", "de")})
    assert release.release(issue, None, now, delay=timedelta(0))
    return issue


def mutate(name: str) -> None:
    """Well-known wrong orders, each of which somebody's mailer has."""
    from newsletter import journal, sending
    from newsletter.models import Transit

    Worker = sending.Worker
    right_intent = Worker.commit_intent
    if name == "sent-first":  # mark as sent, then send: what dies in between is lost

        def commit_intent(self, delivery, message):
            done = right_intent(self, delivery, message)
            self.mine(delivery, Transit.DISPATCHING).update(state=Transit.SENT)
            return done

        Worker.commit_intent = commit_intent
    elif name == "resend":  # whatever is doubtful is sent again
        Worker.clear_up = lambda self, delivery: self.wait_again(delivery, crashed=False) or True
    elif name == "guess":  # whatever the journal does not know yet was not accepted
        journal.PostfixLog.verdict = lambda self, message_id, since, until: journal.Verdict.REFUSED
    elif name == "no-fence":  # a worker that slept through its lease goes on as if nothing had been
        Worker.mine = lambda self, delivery, state: sending.Delivery.objects.filter(pk=delivery.pk)
        sending.Worker.commit_intent = lambda self, delivery, message: bool(
            sending.Token.objects.bulk_create(message.tokens)
        )
    else:
        raise ValueError(name)


def worker(step: str | None, count: int, number: int = signal.SIGKILL) -> None:
    """What the child process does: works until the issue is sent, or until its own signal at a step."""
    from newsletter import sending
    from newsletter.models import Issue

    reached: Counter[str] = Counter()

    def report(name: str) -> None:
        reached[name] += 1
        if name == step and reached[name] == count:
            os.kill(os.getpid(), number)

    sender = sending.Worker(report=report)
    signal.signal(signal.SIGTERM, lambda *args: sender.stop.set())
    while not sender.stop.is_set():
        if not sender.turn():
            if not Issue.objects.under_way().exists():
                break
            sender.stop.wait(0.05)
    sender.relay.close()


def fork(work: Callable[[], None]) -> int:
    """A child with connections of its own; the parent has none open."""
    from django.db import connections

    connections.close_all()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with suppress(Exception):
            connections.close_all()
        os._exit(code)


def storm(random_kills: int, labelled: list[str], chance: random.Random, between: float) -> Counter[str]:
    """Kills one worker after the other; the last one may finish. Returns how many died of what."""
    died: Counter[str] = Counter()
    labelled = chance.sample(labelled, len(labelled))
    for step in [*labelled, *(["random"] * random_kills)]:
        if step == "random":
            child = fork(lambda: worker(None, 0))
            time.sleep(chance.uniform(0.02, between))
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        else:
            often = 3 if step in ("looked", "claimed") else 30  # the others happen once a letter
            child = fork(lambda step=step, often=often: worker(step, chance.randint(1, often)))
        _pid, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            died[step] += 1
        elif os.WEXITSTATUS(status):
            raise SystemExit("a worker ended with an error")
    _pid, status = os.waitpid(fork(lambda: worker(None, 0)), 0)
    if status:
        raise SystemExit("the last worker ended with an error")
    return died


def sleepers(step: str) -> int:
    """F37: a worker sleeps at a step until its lease is over and another one has done its work; then it wakes."""
    sleeper = fork(lambda: worker(step, 2, signal.SIGSTOP))
    _pid, status = os.waitpid(sleeper, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        raise SystemExit("the worker did not fall asleep")
    time.sleep(LEASE_SECONDS + 0.5)
    _pid, status = os.waitpid(fork(lambda: worker(None, 0)), 0)
    os.kill(sleeper, signal.SIGCONT)
    _pid, woken = os.waitpid(sleeper, 0)
    if status or woken:
        raise SystemExit("a worker ended with an error")
    return 1


def two_sides(issue, server) -> dict:
    """What the table says against what the server has: both must agree letter by letter."""
    from newsletter.models import Delivery, Mailing

    issue.refresh_from_db()
    rows = {each.message_id: each for each in issue.deliveries.all()}
    accepted = server.accepted()
    times = Counter(each.message_id for each in accepted)
    states = Counter(each.state for each in rows.values())
    said_sent = {name for name, each in rows.items() if each.state == "sent"}
    return {
        "recipients": len(rows),
        "finished": issue.mailing == Mailing.SENT,
        "states": dict(states),
        "lost": sum(1 for name, each in rows.items() if name not in times and each.state != "failed"),
        "said sent, never accepted": len(said_sent - set(times)),
        "accepted, not said": len(set(times) - said_sent),
        "duplicates": sum(count - 1 for count in times.values()),
        "two recipients": sum(len(each.recipients) != 1 for each in accepted),
        "to somebody else": sum(
            each.message_id in rows and each.recipients != (rows[each.message_id].address,) for each in accepted
        ),
        "retried": Delivery.objects.filter(attempts__gt=1).count(),
        "cleared up after a crash": Delivery.objects.filter(last_reply__startswith="found in the journal").count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--labelled", type=int, default=0, help="kills at each step of the engine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--between", type=float, default=1.2, help="longest time between two kills, in seconds")
    parser.add_argument("--asleep", default="", help="instead of killing: a worker sleeps at this step")
    parser.add_argument("--mutant", default="")
    options = parser.parse_args()

    import django

    django.setup()
    from django.conf import settings

    from newsletter import sending
    from tests.mail_server import mail_server

    settings.MAIL_PER_HOUR = 10**9
    settings.MAIL_LEASE_SECONDS = LEASE_SECONDS
    settings.ERASURE_JOURNAL = Path(settings.VAR_DIR) / "erasures"
    sending.RETRIES = tuple(timedelta(seconds=each) for each in (0.2, 0.4, 0.8, 1, 1, 1))
    folder = Path(settings.VAR_DIR) / f"mail-server-{os.getpid()}"
    started = time.monotonic()
    with mail_server(folder) as server:
        server.behave(
            keep_letters=False,
            refuse={"unknown": "550 5.1.1 no such mailbox"},
            refuse_once={"busy": "451 4.7.1 come back later"},
            break_off={"breaks-unread": "unread", "breaks-accepted": "accepted"},
        )
        where = {"host": "127.0.0.1", "port": server.port, "user": "", "password": "", "security": "smtp"}
        settings.MAIL_SERVER, settings.MAIL_JOURNAL = where, str(server.log)
        issue = prepare(options.recipients)
        if options.mutant:
            mutate(options.mutant)
        labelled = [step for step in sending.STEPS for _each in range(options.labelled)]
        chance = random.Random(options.seed)  # noqa: S311
        died = {} if options.asleep else storm(options.kills, labelled, chance, options.between)
        if options.asleep:
            sleepers(options.asleep)
        result = two_sides(issue, server)
    result |= {"killed": dict(died), "seed": options.seed, "seconds": round(time.monotonic() - started, 1)}
    print(json.dumps(result, indent=1))
    sys.exit(1 if result["lost"] or result["duplicates"] or not result["finished"] else 0)


if __name__ == "__main__":
    main()
