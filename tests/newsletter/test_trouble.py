"""What staff should know of is one line each, however often it happens."""

from datetime import UTC, datetime, timedelta

import pytest

from newsletter import release, trouble
from newsletter.models import Trouble

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


def test_every_text_fits():
    assert release.TROUBLES
    assert all(len(str(text)) <= 300 for text in (*release.TROUBLES, *release.PAUSE_REASONS))
