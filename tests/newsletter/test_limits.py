"""Limits hold for all processes together, window after window."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from newsletter import limits
from newsletter.limits import DAY, HOUR, Limit
from newsletter.models import Allowance

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
THREE = Limit("invented", 3, HOUR)


def test_of_twenty_at_once_exactly_as_many_pass_as_may(at_once):
    assert sorted(at_once(20, lambda: limits.take(THREE, "key", NOW))) == [False] * 17 + [True] * 3
    assert at_once(1, lambda: Allowance.objects.get().count) == [3]


def test_so_do_they_when_the_window_ends_at_that_moment(at_once):
    at_once(1, lambda: Allowance.objects.create(scope="invented", key="key", since=NOW - HOUR, count=3))
    assert sum(at_once(20, lambda: limits.take(THREE, "key", NOW))) == 3


def test_a_batch_takes_what_is_left_and_no_more(at_once):
    limit = Limit("invented", 50, HOUR)

    def batch() -> int:
        with transaction.atomic():
            return limits.take_up_to(limit, "", NOW, 7)

    taken = at_once(10, batch)
    assert sum(taken) == 50
    assert sorted(taken) == [0, 0, 1, 7, 7, 7, 7, 7, 7, 7]


def test_a_queue_gives_each_hour_as_many_as_may(at_once):
    limit = Limit("invented", 4, HOUR, queue=2 * HOUR)
    waits = at_once(20, lambda: limits.delay(limit, "", NOW))
    places = {timedelta(0): 4, HOUR: 4, 2 * HOUR: 4, None: 8}
    assert {wait: waits.count(wait) for wait in waits} == places


def test_a_new_window_begins_when_the_last_is_over():
    assert [limits.take(THREE, "key", NOW) for _each in range(4)] == [True, True, True, False]
    assert not limits.take(THREE, "key", NOW + HOUR - timedelta(seconds=1))
    assert limits.take(THREE, "other key", NOW)
    assert limits.take(Limit("another scope", 1, HOUR), "key", NOW)
    assert [limits.take(THREE, "key", NOW + HOUR) for _each in range(4)] == [True, True, True, False]


def test_a_refusal_counts_for_nothing():
    for _each in range(10):
        limits.take(THREE, "key", NOW)
    assert Allowance.objects.get().count == 3


def test_what_was_not_used_is_given_back():
    with transaction.atomic():
        assert limits.take_up_to(THREE, "", NOW, 2) == 2
    limits.give_back(THREE, "", 1)
    with transaction.atomic():
        assert limits.take_up_to(THREE, "", NOW, 5) == 2
        assert limits.take_up_to(THREE, "", NOW, 5) == 0
    limits.give_back(THREE, "", 4)  # more than was taken: nothing, rather than less than none
    assert Allowance.objects.get().count == 3


def test_a_queue_runs_on_into_the_next_hours():
    """However many come each hour, no hour holds more letters than any other."""
    limit, leaves = Limit("invented", 2, HOUR, queue=DAY), []
    for hour in range(3):
        moment = NOW + hour * HOUR
        leaves += [moment + wait for wait in (limits.delay(limit, "", moment) for _each in range(6))]
    assert {leave: leaves.count(leave) for leave in leaves} == {NOW + hour * HOUR: 2 for hour in range(9)}


def test_a_queue_waits_no_longer_than_until_its_window_ends():
    limit = Limit("invented", 1, HOUR, queue=DAY)
    limits.delay(limit, "", NOW)
    assert limits.delay(limit, "", NOW + timedelta(minutes=50)) == timedelta(minutes=10)
    assert limits.delay(limit, "", NOW + 10 * HOUR) == timedelta(0)


def test_a_full_queue_is_not_made_longer():
    limit = Limit("invented", 1, HOUR, queue=2 * HOUR)
    assert [limits.delay(limit, "", NOW) for _each in range(6)] == [timedelta(0), HOUR, 2 * HOUR, None, None, None]
    assert limits.delay(limit, "", NOW + HOUR) == 2 * HOUR


def test_old_rows_are_forgotten_and_queues_are_not():
    limits.take(limits.SIGN_UPS_OF_A_NETWORK, "network", NOW)
    limits.delay(limits.LETTERS_IN_ALL, "", NOW)
    limits.take(limits.LETTERS_TO_AN_ADDRESS[1], "address", NOW)
    assert limits.forget_old(NOW + HOUR) == 0
    assert limits.forget_old(NOW + 2 * HOUR) == 1
    assert limits.forget_old(NOW + DAY) == 0
    assert limits.forget_old(NOW + DAY + 2 * HOUR) == 1
    assert limits.forget_old(NOW + 31 * DAY) == 1
    assert not Allowance.objects.exists()


def test_no_two_limits_share_a_row():
    scopes = [limit.scope for limit in limits.EVERY_LIMIT]
    assert len(scopes) == len(set(scopes)) > 6
