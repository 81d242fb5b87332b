"""The mail engine against a real SMTP server: what leaves, when it leaves again, and what it does in every kind of trouble."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from newsletter import addresses, clock, limits, relay, release, sending, subscriptions, trouble
from newsletter.journal import NoJournal, PostfixLog
from newsletter.models import (
    Bounce,
    Delivery,
    Enquiry,
    Issue,
    Mailing,
    Standing,
    Subscriber,
    Token,
    Transit,
    Trouble,
)
from newsletter.sending import Worker
from sensgene.records import State
from tests.mail_server import MailServer, mail_server

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def one_server(tmp_path_factory):
    with mail_server(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture
def server(one_server, settings, tmp_path) -> MailServer:
    """It remembers nothing of the test before."""
    one_server.behave()
    one_server.forget()
    settings.MAIL_SERVER = {"host": "127.0.0.1", "port": one_server.port, **dict.fromkeys(("user", "password"), "")}
    settings.MAIL_SERVER["security"] = "smtp"
    settings.MAIL_JOURNAL = str(one_server.log)
    settings.MAIL_FROM, settings.MAIL_RETURN = "newsletter@example.org", "returns@example.org"
    settings.MAIL_LEASE_SECONDS = 60
    settings.EMAIL_TIMEOUT = 5
    settings.ERASURE_JOURNAL = tmp_path / "erasures"
    return one_server


@pytest.fixture(autouse=True)
def workers_let_go(monkeypatch):
    """Every worker that a test makes closes its connection at the end."""
    made, begin = [], Worker.__init__

    def remember(self, *args, **kwargs):
        begin(self, *args, **kwargs)
        made.append(self)

    monkeypatch.setattr(Worker, "__init__", remember)
    yield
    for worker in made:
        worker.relay.close()


def subscriber(address: str = "", **fields) -> Subscriber:
    number = Subscriber.objects.count()
    address = address or f"invented-{number}@example.org"
    defaults = {"language": "en", "standing": Standing.ACTIVE, "standing_since": clock.now()}
    return Subscriber.objects.create(
        address=address, digest=addresses.digest(address), last_sign_at=clock.now(), **{**defaults, **fields}
    )


def issue(slug: str = "invented-issue") -> Issue:
    made = Issue.objects.create(slug=slug, **{f"subject_{code}": f"Invented {code}" for code in ("fr", "en", "de")})
    texts = {f"heading_{code}": "Invented" for code in ("fr", "en", "de")}
    made.sections.create(**texts, **{f"body_{code}": "Invented text." for code in ("fr", "en", "de")})
    return made


def released(people: int = 3, slug: str = "invented-issue") -> Issue:
    """An issue that starts now, and so many invented people who get it."""
    for _person in range(people):
        subscriber()
    made = issue(slug)
    assert release.release(made, None, clock.now(), delay=timedelta(0))
    made.refresh_from_db()
    return made


def letter(person: Subscriber | None = None, kind: str = Delivery.Kind.MANAGE) -> Delivery:
    return subscriptions.write(kind, person or subscriber(), clock.now())


def work(worker: Worker | None = None, turns: int = 50) -> Worker:
    """Turns until nothing is left to do."""
    worker = worker or Worker()
    for _turn in range(turns):
        if not worker.turn():
            break
    return worker


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Delivery.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def expire_leases() -> None:
    past = clock.now() - timedelta(seconds=1)
    Delivery.objects.exclude(lease_until=None).update(lease_until=past)


def due_now() -> None:
    Delivery.objects.filter(state=Transit.PENDING).update(next_try=clock.now())


# --- What leaves --------------------------------------------------------------------------------------------------


def test_each_subscriber_gets_one_copy_and_each_copy_one_recipient(server):
    made = released(people=45)
    work()
    accepted = server.accepted()
    assert sorted(each.recipients for each in accepted) == sorted(
        (address,) for address in Subscriber.objects.values_list("address", flat=True)
    )
    for each, message in zip(accepted, server.letters(), strict=True):
        assert message["To"] == each.recipients[0]
        assert message["Cc"] is None and message["Bcc"] is None
    made.refresh_from_db()
    assert (made.mailing, made.state) == (Mailing.SENT, State.PUBLISHED)
    assert made.finished_at is not None
    assert states() == {"sent": 45}
    work()
    assert len(server.accepted()) == 45


def test_letters_that_somebody_waits_for_leave_before_an_issue(server):
    released(people=30)
    asked = letter()
    work()
    assert server.accepted()[0].message_id == asked.message_id


def test_a_copy_comes_in_the_language_of_its_reader_as_it_was_released(server):
    for language in ("fr", "en", "de"):
        subscriber(language=language)
    made = released(people=0)
    Issue.objects.filter(pk=made.pk).update(subject_fr="changed", subject_en="changed", subject_de="changed")
    work()
    letters = {message["Content-Language"]: message for message in server.letters()}
    assert {code: message["Subject"] for code, message in letters.items()} == {
        code: f"Invented {code}" for code in ("fr", "en", "de")
    }


def test_nothing_leaves_before_the_ten_minutes_are_over(server):
    subscriber()
    made = issue()
    assert release.release(made, None, clock.now())
    work()
    assert server.accepted() == []
    made.refresh_from_db()
    assert (made.mailing, made.state) == (Mailing.RELEASED, State.DRAFT)
    assert made.starts_at - made.released_at == timedelta(minutes=10)
    assert release.stop(made, clock.now())
    Issue.objects.update(starts_at=clock.now() - timedelta(minutes=1))
    work()
    assert server.accepted() == []
    made.refresh_from_db()
    assert made.is_open
    assert not Delivery.objects.exists()


def test_a_release_happens_once(server):
    made = released()
    assert not release.release(made, None, clock.now(), delay=timedelta(0))
    work()
    assert len(server.accepted()) == 3


def test_an_issue_that_lacks_a_text_is_not_released(server):
    made = issue()
    made.sections.update(body_de="")
    with pytest.raises(release.NotReady, match="de: "):
        release.release(made, None, clock.now())
    made.refresh_from_db()
    assert made.is_open


def test_the_copies_of_an_hour_are_counted_and_the_others_wait(server, settings):
    settings.MAIL_PER_HOUR = 25
    released(people=40)
    asked = letter()
    work()
    assert states() == {"sent": 26, "pending": 15}
    assert asked.message_id in {each.message_id for each in server.accepted()}
    for row in limits.Allowance.objects.filter(scope="copies"):
        row.since -= timedelta(hours=1)
        row.save()
    work()
    assert states() == {"sent": 41}


def test_pause_holds_every_further_copy_and_resume_lets_them_go(server):
    made = released(people=45)
    worker = Worker()
    worker.turn()
    assert release.pause(made)
    before = len(server.accepted())
    assert 0 < before < 45
    work(worker)
    assert len(server.accepted()) == before
    assert release.resume(made, clock.now())
    work(worker)
    assert len(server.accepted()) == 45


def test_stop_in_the_middle_is_for_good(server):
    made = released(people=45)
    worker = Worker()
    worker.turn()
    assert release.stop(made, clock.now())
    before = len(server.accepted())
    work(worker)
    assert len(server.accepted()) == before < 45
    made.refresh_from_db()
    assert made.mailing == Mailing.STOPPED
    assert states() == {"sent": before, "cancelled": 45 - before}
    assert not release.resume(made, clock.now())


def test_a_letter_that_cannot_be_written_does_not_hold_the_others(server, monkeypatch):
    released(people=3)
    Delivery.objects.filter(pk=Delivery.objects.first().pk).update(language="xx")
    work()
    assert states() == {"sent": 2, "failed": 1}


# --- Who may still get it -----------------------------------------------------------------------------------------


def test_whoever_left_after_the_release_gets_nothing(server):
    released(people=3)
    gone = Subscriber.objects.first()
    subscriptions.leave(gone, clock.now())
    work()
    issues = [each for each in server.accepted() if each.message_id.startswith("<i")]
    assert len(issues) == 2
    assert (gone.address,) not in {each.recipients for each in issues}


def test_no_hand_over_begins_after_somebody_has_left(server):
    """F35: while the worker sends, people leave; none of them gets a copy that was begun after their leaving."""
    server.behave(seconds=0.02)
    released(people=60)
    people = list(Subscriber.objects.order_by("-pk"))
    worker, left = Worker(), {}

    def leave_one_by_one():
        try:
            for person in people:
                subscriptions.leave(person, clock.now())
                left[person.address] = timezone.now()
                time.sleep(0.02)
        finally:
            connection.close()

    leaving = threading.Thread(target=leave_one_by_one)
    leaving.start()
    work(worker)
    leaving.join()
    work(worker)
    copies = [each for each in server.accepted() if each.message_id.startswith("<i")]
    assert 0 < len(copies) < 60
    assert all(each.begun <= left[each.recipients[0]] for each in copies)


def test_a_letter_that_is_claimed_when_its_reader_is_erased_does_not_leave(server):
    person = subscriber()
    letter(person)
    worker = Worker()
    [claimed] = worker.claim()
    subscriptions.erase(person, clock.now())
    worker.send(claimed)
    assert server.accepted() == []
    assert states() == {"cancelled": 1}


def test_a_confirmation_does_not_leave_once_it_is_confirmed(server):
    person = subscriber(standing=Standing.PENDING)
    letter(person, Delivery.Kind.CONFIRM)
    Subscriber.objects.update(standing=Standing.ACTIVE)
    work()
    assert server.accepted() == []
    assert states() == {"cancelled": 1}


# --- Refusals -----------------------------------------------------------------------------------------------------


def test_a_refusal_for_now_is_tried_again_by_the_table_and_then_given_up(server):
    server.behave(refuse={"invented-0@": "451 4.7.1 come back later"})
    asked = letter()
    worker = Worker()
    for number, wait in enumerate(sending.RETRIES, 1):
        before = clock.now()
        work(worker)
        asked.refresh_from_db()
        assert (asked.state, asked.attempts) == (Transit.PENDING, number)
        assert timedelta(0) <= asked.next_try - before - wait < timedelta(seconds=5)
        assert (asked.last_code, asked.last_reply) == ("451", "4.7.1 come back later")
        due_now()
    work(worker)
    asked.refresh_from_db()
    assert (asked.state, asked.attempts) == (Transit.FAILED, 7)
    assert asked.subscriber.standing == Standing.ACTIVE
    assert server.accepted() == []


def test_a_letter_that_was_put_off_keeps_its_message_id_and_date(server):
    server.behave(refuse_once={"invented-0@": "451 4.7.1 come back later"})
    released(people=1)
    worker = work()
    before = Delivery.objects.get()
    due_now()
    work(worker)
    [message] = server.letters()
    assert message["Message-ID"] == before.message_id
    assert message["Date"].datetime == before.written_at.replace(microsecond=0)


def test_an_address_that_does_not_exist_goes_off_the_list_at_once(server):
    server.behave(refuse={"invented-1@": "550 5.1.1 no such user"})
    released(people=3)
    work()
    assert states() == {"sent": 2, "failed": 1}
    refused = Subscriber.objects.get(address="invented-1@example.org")
    assert refused.standing == Standing.BOUNCED
    assert refused.bounces.get().kind == Bounce.Kind.HARD


def test_any_other_refusal_for_good_counts_the_second_time(server):
    server.behave(refuse={"invented-1@": "554 5.7.1 not wanted"})
    released(people=3)
    work()
    refused = Subscriber.objects.get(address="invented-1@example.org")
    assert refused.standing == Standing.ACTIVE
    released(people=0, slug="invented-second")
    work()
    refused.refresh_from_db()
    assert refused.standing == Standing.BOUNCED


def test_an_issue_that_many_refuse_is_paused_before_the_list_is_burnt(server):
    server.behave(refuse={f"invented-{number}": "554 5.7.1 not wanted" for number in range(1, 3)})
    made = released(people=60)
    work()
    made.refresh_from_db()
    assert made.mailing == Mailing.PAUSED
    assert not made.paused_by_us
    assert made.pause_reason
    assert states()["failed"] == 11
    assert set(states()) == {"failed", "sent", "pending"}
    assert states()["pending"] > 20
    assert Trouble.objects.filter(key="refusals").exists()
    # It does not go on by itself: somebody looks first.
    work()
    made.refresh_from_db()
    assert made.mailing == Mailing.PAUSED


def test_a_letter_that_the_server_refuses_after_reading_it_is_with_nobody(server):
    server.behave(data="452 4.3.1 disk full")
    asked = letter()
    worker = work()
    asked.refresh_from_db()
    assert (asked.state, asked.last_code) == (Transit.PENDING, "452")
    server.behave(data="554 5.6.0 not like this")
    due_now()
    work(worker)
    asked.refresh_from_db()
    assert (asked.state, asked.last_code) == (Transit.FAILED, "554")
    assert asked.subscriber.standing == Standing.ACTIVE


# --- Trouble with the server --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "security", "reason"),
    [
        ({"mail": "550 5.7.1 we take nothing from you"}, "smtp", "refuses to take letters"),
        ({"password": "another-invented-one"}, "smtp", "refuses our password"),
        ({}, "smtp+tls", "offers no encryption"),
    ],
    ids=["refuses the sender", "refuses the password", "offers no TLS"],
)
def test_a_server_that_refuses_us_pauses_the_issue_and_it_goes_on_by_itself(server, settings, wrong, security, reason):
    settings.MAIL_SERVER = {**settings.MAIL_SERVER, "security": security}
    if "password" in wrong:
        settings.MAIL_SERVER = {**settings.MAIL_SERVER, "user": "invented", "password": "invented"}
    server.behave(**wrong)
    made = released(people=3)
    worker = work()
    made.refresh_from_db()
    assert (made.mailing, made.paused_by_us) == (Mailing.PAUSED, True)
    assert reason in made.pause_reason
    assert reason in Trouble.objects.get(key="refused").text
    assert states() == {"pending": 3}
    assert server.accepted() == []
    assert Delivery.objects.filter(attempts__gt=0).count() == 0, "nothing was wrong with the letters"

    server.behave()
    worker.relay.close()
    worker.relay = relay.Smtp(**{**settings.MAIL_SERVER, "security": "smtp", "user": ""})
    worker.rests_until = 0
    work(worker)
    made.refresh_from_db()
    assert made.mailing == Mailing.SENT
    assert len(server.accepted()) == 3
    assert not Trouble.objects.exists()


def test_a_server_that_is_away_loses_nothing_and_is_asked_less_and_less_often(server, settings):
    settings.MAIL_SERVER = {**settings.MAIL_SERVER, "port": 9}
    released(people=3)
    asked = letter()
    worker = Worker()
    rests = []
    for _time in range(5):
        worker.rests_until = 0
        worker.turn()
        rests.append(worker.rest)
    assert rests == [1, 2, 4, 8, 16]
    assert states() == {"pending": 4}
    assert Trouble.objects.get(key="away").times == 5
    assert Issue.objects.get().mailing == Mailing.SENDING
    worker.relay = relay.Smtp(**{**settings.MAIL_SERVER, "port": server.port})
    worker.rests_until = 0
    work(worker)
    assert states() == {"sent": 4}
    assert server.accepted()[0].message_id == asked.message_id
    assert not Trouble.objects.exists()


def test_a_server_under_strain_gets_letters_more_slowly_and_then_faster_again(server):
    server.behave(refuse_once={"invented-0@": "421 4.3.2 too many"})
    released(people=3)
    worker = Worker()
    worker.turn()
    assert worker.pace.pause == pytest.approx(0.1)
    assert states() == {"pending": 3}
    worker.rests_until = 0
    work(worker)
    assert states() == {"sent": 3}
    assert worker.pace.pause < 0.1


def test_a_mute_server_costs_one_timeout_and_the_worker_can_be_stopped_meanwhile(server, settings):
    settings.EMAIL_TIMEOUT = 1
    server.behave(seconds=30)
    released(people=3)
    worker = Worker()
    thread = threading.Thread(target=worker.run)
    thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    worker.stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert time.monotonic() - began < 3
    assert states() == {"pending": 3}
    assert server.accepted() == []


def test_a_server_that_restarts_in_the_middle_of_an_issue_gets_the_rest(server):
    released(people=45)
    worker = Worker()
    worker.turn()
    server.stop()
    try:
        worker.turn()
    finally:
        server.start()
    worker.rests_until = 0
    work(worker)
    assert states() == {"sent": 45}
    assert len({each.message_id for each in server.accepted()}) == len(server.accepted()) == 45


# --- After a crash ------------------------------------------------------------------------------------------------


class Died(BaseException):
    """The worker dies here: nothing in the engine may catch it."""


def dies_at(step: str):
    def report(name: str) -> None:
        if name == step:
            raise Died

    return report


def die_at(step: str, remembers=None) -> None:
    with pytest.raises(Died):
        work(Worker(report=dies_at(step), remembers=remembers))


@pytest.mark.parametrize("step", sending.STEPS)
def test_a_letter_whose_worker_dies_arrives_once(server, step):
    released(people=3)
    die_at(step)
    expire_leases()
    worker = Worker()
    for _look in range(100):
        work(worker)
        if states() == {"sent": 3}:
            break
        time.sleep(0.05)  # the journal must reach beyond the lease
    assert states() == {"sent": 3}
    assert len({each.message_id for each in server.accepted()}) == len(server.accepted()) == 3


def test_a_letter_that_may_have_left_waits_until_the_journal_reaches_that_far(server, monkeypatch):
    monkeypatch.setattr(PostfixLog, "MARGIN", timedelta(hours=1))
    released(people=1)
    die_at("intent committed")
    expire_leases()
    work()
    assert states() == {"dispatching": 1}
    monkeypatch.setattr(PostfixLog, "MARGIN", timedelta(0))
    work()
    assert states() == {"sent": 1}
    assert len(server.accepted()) == 1


def test_without_a_journal_nobody_guesses_and_staff_decide(server):
    made = released(people=2)
    for _each in range(2):
        die_at("accepted by the server", NoJournal())
        expire_leases()
    work(Worker(remembers=NoJournal()))
    assert states() == {"unsure": 2}
    one, other = Delivery.objects.all()
    assert release.leave_it(one, clock.now())
    assert not release.leave_it(one, clock.now())
    made.refresh_from_db()
    assert made.mailing == Mailing.SENT
    assert release.send_again(other, clock.now())
    work(Worker(remembers=NoJournal()))
    assert states() == {"cancelled": 1, "sent": 1}
    made.refresh_from_db()
    assert made.mailing == Mailing.SENT


def test_the_third_crash_sets_a_letter_aside_and_the_others_go_on(server):
    released(people=30)
    poison = Delivery.objects.all()[10]

    def die_of_it(worker: Worker) -> None:
        send = worker.send

        def send_or_die(delivery):
            if delivery.pk == poison.pk:
                raise Died
            send(delivery)

        worker.send = send_or_die

    for _crash in range(3):
        worker = Worker()
        die_of_it(worker)
        with pytest.raises(Died):
            work(worker)
        expire_leases()
    worker = Worker()
    die_of_it(worker)
    work(worker)
    assert states() == {"sent": 29, "quarantined": 1}
    poison.refresh_from_db()
    assert poison.state == Transit.QUARANTINED
    assert release.send_again(poison, clock.now())
    work()
    assert states() == {"sent": 30}


def test_two_workers_never_hold_the_same_letter(server):
    released(people=60)
    begin = Worker()
    begin.begin_due_issues()
    workers = [Worker() for _each in range(4)]
    claimed = [{each.pk for each in worker.claim()} for worker in workers]
    assert [len(each) for each in claimed] == [20, 20, 20, 0]
    assert len(set().union(*claimed)) == 60


def test_four_workers_at_once_send_each_letter_once(server):
    released(people=120)
    errors = []

    def run():
        try:
            worker = Worker()
            for _turn in range(60):
                worker.turn()
                if not Issue.objects.under_way().exists():
                    break
                time.sleep(0.01)
            worker.relay.close()
        except Exception as error:  # noqa: BLE001  (told to the test below)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    work()
    assert states() == {"sent": 120}
    assert len({each.message_id for each in server.accepted()}) == len(server.accepted()) == 120


def test_a_worker_that_slept_through_its_lease_hands_nothing_over(server):
    """F37: its letters are somebody else's by then."""
    released(people=3)
    sleeper = Worker()
    sleeper.begin_due_issues()
    claimed = sleeper.claim()
    expire_leases()
    work()
    assert states() == {"sent": 3}
    for delivery in claimed:
        sleeper.send(delivery)
    assert len(server.accepted()) == 3
    assert states() == {"sent": 3}


def test_a_worker_that_slept_between_intent_and_hand_over_lets_it_be(server, monkeypatch):
    released(people=1)
    slept = []

    def sleep(step: str) -> None:
        if step == "intent committed":
            now = time.monotonic()
            slept.append(step)
            monkeypatch.setattr(sending.time, "monotonic", lambda: now + 3600)

    Worker(report=sleep).turn()
    monkeypatch.undo()
    assert slept
    assert server.accepted() == []
    assert states() == {"dispatching": 1}


def test_every_sql_statement_and_every_smtp_answer_may_fail_once(server, settings):
    """F31, as SQLite tests itself: fail the n-th operation, for every n until a run is not reached by it any more."""
    settings.MAIL_LEASE_SECONDS = 1
    tried = {"sql": 0, "smtp": 0}
    for kind in tried:
        for n in range(1, 500):
            Delivery.objects.all().delete()
            Token.objects.all().delete()
            Issue.objects.all().delete()
            Subscriber.objects.all().delete()
            server.forget()
            released(people=3)
            fault = Fault(n)
            worker = Worker()
            if kind == "smtp":
                fault.break_answers_of(worker.relay)
            with connection.execute_wrapper(fault.statement) if kind == "sql" else NoWrapper():
                for _turn in range(6):
                    try:
                        worker.turn()
                    except OperationalError:
                        worker.relay.close()
            worker.rests_until = 0
            expire_leases()
            for _look in range(100):
                worker.rests_until = 0
                work(worker)
                if Issue.objects.get().mailing == Mailing.SENT:
                    break
                time.sleep(0.02)
                expire_leases()
            assert states() == {"sent": 3}, (kind, n)
            assert len({each.message_id for each in server.accepted()}) == len(server.accepted()) == 3, (kind, n)
            worker.relay.close()
            if not fault.happened:
                break
            tried[kind] = n
    assert tried["sql"] > 20
    assert tried["smtp"] > 8


class Fault:
    """The n-th operation fails, once."""

    def __init__(self, n: int):
        self.left, self.happened = n, False

    def strikes(self) -> bool:
        self.left -= 1
        self.happened = self.happened or self.left == 0
        return self.left == 0

    def statement(self, execute, sql, params, many, context):
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")) and self.strikes():
            raise OperationalError("invented failure of a statement")
        return execute(sql, params, many, context)

    def break_answers_of(self, way: relay.Smtp) -> None:
        open_server = way.open

        def open_and_watch():
            if self.strikes():
                raise ConnectionRefusedError
            server = open_server()
            reply = server.getreply

            def getreply():
                if self.strikes():
                    server.close()
                    raise relay.smtplib.SMTPServerDisconnected("invented loss of the connection")
                return reply()

            server.getreply = getreply
            return server

        way.open = open_and_watch


class NoWrapper:
    def __enter__(self):
        return self

    def __exit__(self, *args):
        return None


# --- The loop -----------------------------------------------------------------------------------------------------


def test_what_the_engine_commits_survives_a_power_cut():
    sending.be_durable()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone()[0] == 2
    else:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone()[0] in ("on", "off")  # the server's own choice; the tests' server says off


def test_the_worker_goes_on_after_the_database_was_away(server, monkeypatch):
    asked = letter()
    worker = Worker()
    turn, failures = worker.turn, []

    def fail_first():
        if not failures:
            failures.append(1)
            raise OperationalError("invented")
        done = turn()
        worker.stop.set()
        return done

    worker.turn = fail_first
    monkeypatch.setattr(sending, "SECONDS_BETWEEN_LOOKS", 0.01)
    worker.run()
    asked.refresh_from_db()
    assert asked.state == Transit.SENT


def test_enquiries_are_answered_in_their_order_and_forgotten(server):
    for number in range(3):
        Enquiry.objects.create(
            kind=Enquiry.Kind.SUBSCRIBE,
            address=f"invented-{number}@example.org",
            language="de",
            wording=subscriptions.WORDING,
            page="/de/newsletter/",
            typed_at=clock.now(),
        )
    work()
    assert not Enquiry.objects.exists()
    assert [each.recipients[0] for each in server.accepted()] == [
        f"invented-{number}@example.org" for number in range(3)
    ]
    assert {message["Auto-Submitted"] for message in server.letters()} == {"auto-generated"}
    assert Subscriber.objects.filter(standing=Standing.PENDING).count() == 3


def test_the_limits_of_sign_ups_are_told_to_staff(server, monkeypatch):
    monkeypatch.setattr(limits, "LETTERS_IN_ALL", limits.Limit("all", 2, limits.HOUR, queue=limits.DAY))
    for number in range(4):
        enquiry = Enquiry(
            kind="subscribe", address=f"invented-{number}@example.org", language="fr", typed_at=clock.now()
        )
        enquiry.save()
        subscriptions.answer(enquiry, clock.now())
    work()
    assert states() == {"sent": 2, "pending": 2}
    assert trouble.Trouble.objects.get().key == "sign-ups"


def test_the_outbox_of_letters_is_read_by_machines(server):
    """What the fault tests read of the server is what a Postfix would have logged."""
    letter()
    work()
    lines = server.log.read_text().splitlines()
    assert any("postfix/qmgr[9]:" in line and "(queue active)" in line for line in lines)
    assert json.dumps(states()) == '{"sent": 1}'
