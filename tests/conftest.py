"""Fixtures that several folders use."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import pytest
from django.test import Client

from sensgene import publication, snapshot
from tests.site import Site, first_site

numbers = count(1)


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id) -> Site:
    """A published site with the real content. Tests read it; one that changes something takes `own_site`."""
    return first_site(tmp_path_factory.mktemp("site") / "var", f"site_{worker_id}")


@pytest.fixture
def own_site(site, tmp_path, worker_id, request) -> Site:
    return site.copy(tmp_path / "var", f"own_{worker_id}_{abs(hash(request.node.nodeid)) % 10**8}")


@pytest.fixture
def visitor(site, settings, db_of_visitors) -> Client:
    """Somebody reading public pages. The working database refuses every connection meanwhile."""
    settings.SNAPSHOT_DIR = site.snapshots
    return Client(raise_request_exception=False)


@pytest.fixture
def real(visitor) -> Client:
    """The real published data, open."""
    snapshot.open_current()
    return visitor


@pytest.fixture
def publish(settings, tmp_path) -> Callable[[], Client]:
    """Makes public what a test has invented, without rendering every page first; opens it and returns a reader."""
    settings.SNAPSHOT_DIR = tmp_path

    def publish() -> Client:
        path = tmp_path / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{next(numbers):08x}.sqlite3"
        publication.build(path)
        publication.switch(path)
        snapshot.open_current()
        return Client(raise_request_exception=False)

    return publish


@pytest.fixture
def db_of_visitors(request, _django_db_helper):
    """Ties `visitor` to the database marker below, whatever the order of fixtures."""


def needs_working_database(item) -> bool:
    marker = item.get_closest_marker("django_db")
    return marker is not None and "default" in (marker.kwargs.get("databases") or ["default"])


def pytest_collection_modifyitems(items):
    for item in items:
        if needs_working_database(item):
            item.add_marker("database")
        if "visitor" in item.fixturenames and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db(databases=["snapshot"], transaction=True))
