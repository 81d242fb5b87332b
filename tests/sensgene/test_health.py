"""What the supervisor and the balancer are told."""

import pytest
from django.test import Client

from sensgene.snapshot import LINK


@pytest.fixture
def probe(site, settings) -> Client:
    settings.SNAPSHOT_DIR = site.snapshots
    return Client(raise_request_exception=False)


both = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)


@both
def test_everything_answers(probe):
    response = probe.get("/health/ready")
    assert (response.status_code, response["Content-Type"]) == (200, "text/plain")
    assert response.content == b"snapshot: answers\nworking database: answers\n"
    assert response["Cache-Control"] == "no-store"


@both
def test_without_a_snapshot_the_host_is_not_ready(probe, settings, tmp_path):
    settings.SNAPSHOT_DIR = tmp_path
    response = probe.get("/health/ready")
    assert response.status_code == 503
    assert response.content == b"snapshot: does not answer\nworking database: answers\n"


@both
def test_a_file_that_is_no_snapshot_is_not_taken_for_one(probe, settings, tmp_path):
    (tmp_path / LINK).write_bytes(b"SQLite format 3\x00" + b"torn" * 100)
    settings.SNAPSHOT_DIR = tmp_path
    assert b"snapshot: does not answer" in probe.get("/health/ready").content


def test_a_working_process_is_alive_whatever_is_away(visitor, settings, tmp_path):
    """`visitor` has no working database; and here, no snapshot."""
    settings.SNAPSHOT_DIR = tmp_path
    response = visitor.get("/health/live")
    assert (response.status_code, response.content, response["Cache-Control"]) == (200, b"alive\n", "no-store")


def test_probes_set_no_cookie_and_say_nothing_of_the_machine(visitor):
    response = visitor.get("/health/live")
    assert not response.cookies
    assert "X-Snapshot" not in response


@both
@pytest.mark.parametrize("path", ["/health/", "/health", "/health/live/", "/health/ready/x", "/fr/health/live"])
def test_only_the_two_addresses_are_probes(probe, path):
    assert probe.get(path).status_code in (301, 404)
