"""What staff should know of is one line each, however often it happens."""

from datetime import UTC, datetime, timedelta

import pytest

from newsletter import release, trouble
from newsletter.models import Enquiry, Trouble
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_trouble_is_counted_not_repeated():
    for minute in range(3):
        trouble.note("away", "The mail server does not answer.", NOW + timedelta(minutes=minute))
    found = Trouble.objects.get()
    assert (found.times, found.since, found.last_seen) == (3, NOW, NOW + timedelta(minutes=2))


def test_trouble_that_is_over_is_gone():
    for key in ("away", "refused", "sign-ups"):
        trouble.note(key, "Invented.", NOW)
    trouble.is_over("away", "refused", "never was")
    assert [each.key for each in Trouble.objects.all()] == ["sign-ups"]


def test_trouble_noted_by_several_at_once_is_one_line(at_once):
    at_once(10, lambda: trouble.note("away", "Invented.", NOW))
    assert at_once(1, Trouble.objects.count) == [1]


def test_a_worker_that_does_not_run_is_missed_after_ten_minutes_and_blamed_for_nothing_else():
    waiting = factories.delivery(kind="confirm", state="pending", next_try=NOW - timedelta(minutes=9))
    assert not trouble.worker_is_missing(NOW)
    assert trouble.worker_is_missing(NOW + timedelta(minutes=2))
    trouble.note("away", "The mail server does not answer.", NOW)
    assert not trouble.worker_is_missing(NOW + timedelta(minutes=2)), "it runs, and says what is wrong"
    trouble.is_over("away")
    waiting.delete()
    Enquiry.objects.create(kind="subscribe", address="invented@example.org", language="fr", typed_at=NOW)
    assert not trouble.worker_is_missing(NOW + timedelta(minutes=9))
    assert trouble.worker_is_missing(NOW + timedelta(minutes=10))


def test_many_sign_ups_are_forgotten_after_a_quiet_day():
    trouble.note("sign-ups", "Invented.", NOW)
    trouble.forget_old(NOW + timedelta(hours=23))
    assert Trouble.objects.exists()
    trouble.forget_old(NOW + timedelta(hours=24))
    assert not Trouble.objects.exists()


def test_every_text_fits():
    assert release.TROUBLES
    assert all(len(str(text)) <= 300 for text in (*release.TROUBLES, *release.PAUSE_REASONS))
