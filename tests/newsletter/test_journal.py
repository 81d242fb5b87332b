"""The log of Postfix as our witness: what it proves, what it does not prove, and what it does not reach yet."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from newsletter import journal
from newsletter.journal import NoJournal, PostfixLog, Verdict

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAME = "<i1.0123456789abcdef@example.org>"


def line(seconds: float, text: str) -> str:
    return f"{(NOON + timedelta(seconds=seconds)).isoformat()} host postfix/{text}\n"


def named(seconds: float, queue: str = "4ABC12", name: str = NAME) -> str:
    return line(seconds, f"cleanup[12]: {queue}: message-id={name}")


def queued(seconds: float, queue: str = "4ABC12") -> str:
    return line(seconds, f"qmgr[3]: {queue}: from=<returns+1.aa@example.org>, size=1203, nrcpt=1 (queue active)")


def knock(seconds: float) -> str:
    return line(seconds, "smtpd[12]: connect from localhost[127.0.0.1]")


@pytest.fixture
def log(tmp_path) -> Path:
    return tmp_path / "mail.log"


def verdict(path: Path, remembers: PostfixLog | None = None) -> Verdict:
    """Of a letter whose hand-over began at noon and was given up for lost ten seconds later."""
    return (remembers or PostfixLog(path)).verdict(NAME, NOON, NOON + timedelta(seconds=10))


def test_what_the_queue_manager_took_was_accepted(log):
    log.write_text(knock(-5) + named(0.1) + queued(0.2))
    assert verdict(log) == Verdict.ACCEPTED


def test_a_letter_whose_sender_broke_off_was_not(log):
    """Postfix names a letter while it still reads it; only the queue manager's line means that it has it."""
    log.write_text(knock(-5) + named(0.1) + knock(20))
    assert verdict(log) == Verdict.REFUSED


def test_another_letter_proves_nothing(log):
    log.write_text(knock(-5) + named(0.1, "4ABC99", "<i1.other@example.org>") + queued(0.2, "4ABC99") + knock(20))
    assert verdict(log) == Verdict.REFUSED


@pytest.mark.parametrize("last", [0.5, 9.9, 10.5])
def test_a_log_that_ends_before_the_letter_was_given_up_says_nothing_yet(log, last):
    log.write_text(knock(-5) + knock(last))
    assert verdict(log) == Verdict.NOT_YET


def test_a_log_that_begins_after_the_hand_over_says_nothing_of_it(log):
    log.write_text(knock(5) + knock(20))
    assert verdict(log) == Verdict.NOT_YET


def test_a_log_that_cannot_be_read_says_nothing_yet(log):
    assert verdict(log) == Verdict.NOT_YET


def test_the_log_is_read_as_it_grows_and_half_a_line_waits(log):
    remembers = PostfixLog(log)
    whole = queued(0.2)
    log.write_text(knock(-5) + named(0.1) + whole[:30])
    assert verdict(log, remembers) == Verdict.NOT_YET
    with log.open("a") as file:
        file.write(whole[30:])
    assert verdict(log, remembers) == Verdict.ACCEPTED


def test_a_rotation_loses_nothing(log):
    remembers = PostfixLog(log)
    log.write_text(knock(-5))
    assert verdict(log, remembers) == Verdict.NOT_YET
    with log.open("a") as file:
        file.write(named(0.1) + queued(0.2))
    log.rename(log.with_name("mail.log.1"))
    log.write_text(knock(20))
    assert verdict(log, remembers) == Verdict.ACCEPTED
    assert verdict(log) == Verdict.ACCEPTED, "a worker that starts later reads the log before the rotation too"


def test_the_traditional_form_of_syslog_is_local_time_without_a_year(log):
    # In Paris it is the next day already, for an hour or two of each.
    for today in (
        timezone.now(),
        datetime(2026, 11, 24, 23, 18, 35, tzinfo=UTC),
        datetime(2026, 7, 31, 22, tzinfo=UTC),
    ):
        local = timezone.localtime(today)
        text = f"{local:%b} {local.day:>2} {local:%H:%M:%S} host postfix/smtpd[1]: connect from localhost"
        assert abs(journal.moment_of(text, today) - today) < timedelta(seconds=1)
    written = journal.moment_of("Jan  1 00:00:02 host x", datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC))
    assert written == datetime(2026, 12, 31, 23, 0, 2, tzinfo=UTC)
    assert journal.moment_of("Dec 31 23:59:59 host x", datetime(2027, 1, 1, 1, tzinfo=UTC)).year == 2026
    assert journal.moment_of("Feb 30 10:00:00 host x", today) is None
    assert journal.moment_of("2026-13-45T10:00:00 host x", today) is None
    assert journal.moment_of("nothing of the kind", today) is None


def test_without_a_log_nobody_knows():
    assert NoJournal().verdict(NAME, NOON, NOON) == Verdict.UNKNOWN
