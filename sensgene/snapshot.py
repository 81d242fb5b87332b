"""Which snapshot is current, and the one way to open it. Publishing writes snapshots; this module only reads them.

A snapshot is a SQLite file that nobody writes to again. `current.sqlite3` is a link to the newest one; switching is
replacing that link. Each request compares the link with the file it has open, so a worker notices within one request.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.conf import settings
from django.db import OperationalError, connections

ALIAS = "snapshot"
LINK = "current.sqlite3"

_pinned: ContextVar[Path | None] = ContextVar("pinned snapshot", default=None)


class NoSnapshot(OperationalError):
    """Nothing has been published yet, or only for another version of the code."""


def directory() -> Path:
    return Path(settings.SNAPSHOT_DIR)


def current() -> Path:
    """The file that the link points at now. Raises NoSnapshot."""
    if pinned := _pinned.get():
        return pinned
    try:
        return (directory() / LINK).resolve(strict=True)
    except OSError as error:
        raise NoSnapshot("No snapshot has been published yet: run `manage.py publish`.") from error


def identifier(path: Path) -> str:
    """The name of a snapshot: when it was made and what it holds, for example 20261122T031500-1f2e3d4c."""
    return path.stem


def uri(path: Path) -> str:
    """Read-only and immutable: SQLite takes no lock and looks for no journal."""
    return f"{path.as_uri()}?mode=ro&immutable=1"


def open_current() -> str:
    """Points this thread's connection at the current snapshot and returns its identifier. Raises NoSnapshot."""
    path = current()
    connection = connections[ALIAS]
    if connection.settings_dict["NAME"] != uri(path):
        info = information(path)
        if info.get("schema") != schema():
            if is_open(connection):
                # A newer release published already, and this worker has not been restarted yet: what it has is whole.
                return identifier(Path(url2pathname(urlsplit(connection.settings_dict["NAME"]).path)))
            raise NoSnapshot("The snapshot was made for another version of the code: run `manage.py publish`.")
        connection.close()
        # A dictionary of its own: the one Django hands out is shared by every thread.
        connection.settings_dict = {**connection.settings_dict, "NAME": uri(path)}
    return identifier(path)


def is_open(connection) -> bool:
    """Whether this connection was pointed at a snapshot before."""
    return connection.settings_dict["NAME"].startswith("file:///")


@contextmanager
def pinned(path: Path) -> Iterator[None]:
    """Reads `path` instead of the current snapshot: to check one before it is switched to."""
    token = _pinned.set(path)
    connection = connections[ALIAS]
    before = connection.settings_dict
    try:
        open_current()
        yield
    finally:
        _pinned.reset(token)
        connection.close()
        connection.settings_dict = before


def information(path: Path) -> dict[str, str]:
    """What a snapshot says of itself: schema, content, made_at. Raises NoSnapshot on a file that is none."""
    try:
        database = sqlite3.connect(uri(path), uri=True)
        try:
            return dict(database.execute("SELECT key, value FROM snapshot_information"))
        finally:
            database.close()
    except sqlite3.Error as error:
        raise NoSnapshot(f"{path.name} is no snapshot: {error}") from error


def is_readable(path: Path) -> bool:
    """Whether this code can read the file: sound enough to say what it is, and made for this version."""
    try:
        return information(path).get("schema") == schema()
    except NoSnapshot:
        return False


@lru_cache(maxsize=1)
def schema() -> str:
    """The form of the snapshots that this code writes and reads."""
    from sensgene.publication import schema_digest

    return schema_digest()


def was_published(model_label: str, slug: str) -> bool:
    """Whether this record once had a public page and was archived since."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT 1 FROM snapshot_gone WHERE model = %s AND slug = %s", [model_label, slug])
        return cursor.fetchone() is not None
