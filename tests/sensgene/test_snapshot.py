"""Readers of snapshots: which file they read, when they notice another one, what they refuse."""

import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, connections
from django.test import Client

from centres.models import Centre, Hospital
from missions.models import Page
from sensgene import publication, snapshot
from sensgene.records import State
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    """Where the snapshots of this test are."""
    settings.SNAPSHOT_DIR = tmp_path / "snapshots"
    return settings.SNAPSHOT_DIR


@pytest.fixture(autouse=True)
def few_pages(monkeypatch):
    """These tests are not about the checks of a publication."""
    monkeypatch.setattr(publication, "pages_to_check", lambda: ["/fr/"])


@pytest.fixture
def centre() -> Centre:
    return factories.directory()


@pytest.fixture
def published(centre) -> Path:
    return publication.publish().path


def publish_street(text: str) -> Path:
    hospital = Hospital.objects.get()
    hospital.street = text
    hospital.save()
    return publication.publish().path


def street() -> str:
    snapshot.open_current()
    return Hospital.public.get().street


def visit(address: str = "/fr/"):
    return Client(raise_request_exception=False).get(address)


# --- One file, read-only ------------------------------------------------------------------------------------------


def test_a_snapshot_cannot_be_written_to(published):
    snapshot.open_current()
    with pytest.raises(OperationalError, match="readonly"):
        Hospital.public.update(street="Zq7")
    with pytest.raises(OperationalError, match="readonly"):
        Page(slug="zq7").save(using=snapshot.ALIAS)
    assert stat.S_IMODE(published.stat().st_mode) == 0o444
    assert Hospital.public.get().street == ""


def test_reading_leaves_no_file_beside_the_snapshot(published, folder):
    before = {path.name for path in folder.iterdir()}
    assert visit().status_code == 200
    assert {path.name for path in folder.iterdir()} == before


def test_a_snapshot_is_known_by_its_moment_and_its_content(published):
    assert snapshot.open_current() == snapshot.identifier(published)
    assert publication.SNAPSHOT_NAME.match(f"{snapshot.identifier(published)}.sqlite3")
    assert snapshot.information(published)["content"].startswith(snapshot.identifier(published).split("-")[1])


# --- Noticing a switch --------------------------------------------------------------------------------------------


def test_a_connection_that_is_open_notices_the_switch_within_one_request(centre, published):
    address = centre.get_absolute_url()
    first = visit(address)
    second_file = publish_street("Zq7 street")
    second = visit(address)
    publication.switch(published)
    third = visit(address)
    identifiers = [response.headers["X-Snapshot"] for response in (first, second, third)]
    assert identifiers == [snapshot.identifier(path) for path in (published, second_file, published)]
    assert ["Zq7 street" in response.content.decode() for response in (first, second, third)] == [False, True, False]


def test_every_thread_of_a_worker_notices_the_switch(published):
    with ThreadPoolExecutor(max_workers=1) as one, ThreadPoolExecutor(max_workers=1) as other:
        threads = (one, other)
        try:
            assert [thread.submit(street).result() for thread in threads] == ["", ""]
            publish_street("Zq7 street")
            assert [thread.submit(street).result() for thread in threads] == ["Zq7 street", "Zq7 street"]
        finally:
            for thread in threads:
                thread.submit(connections.close_all).result()


def test_a_reader_in_the_middle_of_a_request_keeps_the_file_it_began_with(published, settings):
    settings.SNAPSHOTS_KEPT = 1
    with ThreadPoolExecutor(max_workers=1) as reader:
        try:
            assert reader.submit(street).result() == ""
            publish_street("Zq7 street")
            assert not published.exists()
            assert reader.submit(lambda: Hospital.public.get().street).result() == ""
            assert reader.submit(street).result() == "Zq7 street"
        finally:
            reader.submit(connections.close_all).result()


# --- What is refused ----------------------------------------------------------------------------------------------


def assert_unavailable():
    with pytest.raises(snapshot.NoSnapshot):
        snapshot.open_current()
    response = visit()
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


def test_before_the_first_publication_there_is_no_snapshot(folder):
    assert_unavailable()
    folder.mkdir()
    assert_unavailable()


def test_a_link_that_leads_nowhere_is_no_snapshot(published):
    published.unlink()
    with pytest.raises(snapshot.NoSnapshot):
        snapshot.current()


@pytest.mark.parametrize("content", [b"", b"this is no database", b"\x00" * 4096])
def test_a_file_that_is_no_snapshot_is_refused(folder, content):
    folder.mkdir()
    (folder / "20261122T031500000000-1f2e3d4c.sqlite3").write_bytes(content)
    (folder / snapshot.LINK).symlink_to("20261122T031500000000-1f2e3d4c.sqlite3")
    assert_unavailable()


@contextmanager
def another_release(monkeypatch):
    """The code before or after this one, whose snapshots look different."""
    with monkeypatch.context() as release:
        release.setattr(publication, "FORMAT", publication.FORMAT + 1)
        snapshot.schema.cache_clear()
        try:
            yield
        finally:
            snapshot.schema.cache_clear()


def test_a_snapshot_of_another_release_is_refused_until_the_next_publication(centre, monkeypatch):
    """A worker that starts meanwhile has nothing to read; one that already reads keeps what it has."""
    publication.publish()
    assert visit().status_code == 200
    with another_release(monkeypatch):
        publication.publish()
    assert visit().status_code == 200
    connections[snapshot.ALIAS].close()
    connections[snapshot.ALIAS].settings_dict["NAME"] = settings.DATABASES[snapshot.ALIAS]["NAME"]
    assert_unavailable()
    publication.publish()
    assert visit().status_code == 200


def test_no_snapshot_is_an_operational_error():
    """So that whatever answers 503 for a database that is away answers 503 for this."""
    assert issubclass(snapshot.NoSnapshot, OperationalError)
    assert issubclass(snapshot.NoSnapshot, DatabaseError)


# --- Reading another one for a moment -----------------------------------------------------------------------------


def test_a_pinned_snapshot_is_read_inside_and_the_current_one_afterwards(published):
    publish_street("Zq7 street")
    assert street() == "Zq7 street"
    with snapshot.pinned(published):
        assert snapshot.current() == published
        assert street() == ""
        assert visit().headers["X-Snapshot"] == snapshot.identifier(published)
    assert street() == "Zq7 street"
    assert visit().headers["X-Snapshot"] == snapshot.identifier(snapshot.current()) != snapshot.identifier(published)


def test_a_pinned_snapshot_is_let_go_after_an_error(published):
    publish_street("Zq7 street")
    with pytest.raises(ZeroDivisionError), snapshot.pinned(published):
        1 / 0  # noqa: B018
    assert street() == "Zq7 street"


def test_a_file_that_cannot_be_pinned_leaves_the_current_one(published, tmp_path):
    (tmp_path / "no-snapshot.sqlite3").write_bytes(b"this is no database")
    with pytest.raises(snapshot.NoSnapshot), snapshot.pinned(tmp_path / "no-snapshot.sqlite3"):
        pass
    assert snapshot.current() == published
    assert visit().status_code == 200


def test_other_threads_read_the_current_snapshot_meanwhile(published):
    """A publication in a web process would otherwise show visitors what is not checked yet."""
    publish_street("Zq7 street")
    with ThreadPoolExecutor(max_workers=1) as visitor, snapshot.pinned(published):
        assert street() == ""
        try:
            assert visitor.submit(street).result() == "Zq7 street"
        finally:
            visitor.submit(connections.close_all).result()


# --- What was there once ------------------------------------------------------------------------------------------


def test_a_page_that_was_taken_off_is_gone_and_one_that_never_was_is_not_found(centre):
    page = factories.page(slug="zq7-page")
    draft = factories.page(slug="zq7-draft", state=State.DRAFT)
    publication.publish()
    address = page.get_absolute_url()
    assert visit(address).status_code == 200
    page.state = State.ARCHIVED
    page.save()
    publication.publish()
    snapshot.open_current()
    assert snapshot.was_published("missions.Page", "zq7-page")
    assert not snapshot.was_published("centres.Centre", "zq7-page")
    assert visit(address).status_code == 410
    assert visit(draft.get_absolute_url()).status_code == 404
    assert visit(address.replace("zq7-page", "zq7-never")).status_code == 404
