"""Folders and keys of their own for every test of the newsletter."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.MAIL_DIR = tmp_path / "mail"
    settings.ERASURE_JOURNAL = tmp_path / "erasures"
    settings.MAIL_SERVER, settings.MAIL_JOURNAL = None, ""
    settings.MAIL_FROM, settings.MAIL_RETURN = "newsletter@example.org", "returns@example.org"
    settings.NEWSLETTER_KEY = "only-for-tests-newsletter-key-0123456789"


@pytest.fixture
def at_once(transactional_db) -> Callable[[int, Callable[[], object]], list]:
    """Runs a function in so many threads at the same moment, each with a connection of its own; returns their results."""
    return run_at_once


def run_at_once(number: int, act: Callable[[], object]) -> list:
    start, results, errors = threading.Barrier(number), [], []

    def run():
        try:
            start.wait(timeout=30)
            results.append(act())
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _each in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []
    assert len(results) == number
    return results
