"""What the tests need besides Python: a PostgreSQL of their own, and a Chromium. Found, or installed, or said loudly."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sensgene.environment import apt_install

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
POSTGRESQL_FOLDERS = ("/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt")


class Missing(Exception):
    """A service cannot be had here; the message says what to type."""


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def chromium() -> str:
    """The path of a Chromium. Raises Missing."""
    found = find_chromium() or (apt_install("chromium") and find_chromium())
    if not found:
        raise Missing("No Chromium. Type: apt install chromium   (or run: make test WITHOUT=browser)")
    return found


def find_postgresql() -> Path | None:
    """The folder that holds initdb and pg_ctl, the newest version first."""
    if given := os.environ.get("PG_BINDIR"):
        return Path(given)
    found = [path for folder in POSTGRESQL_FOLDERS for path in Path(folder).glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))]).parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def postgresql_programs() -> Path:
    found = find_postgresql() or (apt_install("postgresql") and find_postgresql())
    if not found:
        raise Missing("No PostgreSQL. Type: apt install postgresql   (or run: make test WITHOUT=postgres)")
    return found


def account() -> dict:
    """The server refuses to run as root: as root, use an account that exists already; otherwise nothing is needed."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class PostgreSQL:
    """A server of our own on a private socket. It can be stopped and started again, which is what faults are."""

    def __init__(self):
        self.programs = postgresql_programs()
        self.account = account()
        # Short, because the path of a socket has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # noqa: S108
        if self.account:
            os.chown(self.folder, self.account["user"], self.account["group"])
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self.start()

    @property
    def url(self) -> str:
        return f"postgres://postgres@{quote(str(self.folder), safe='')}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": self.folder}
        done = subprocess.run(command, **quiet, **self.account)
        if done.returncode:
            raise Missing(f"PostgreSQL: {program} {arguments} fails: {done.stderr.decode(errors='replace')}")

    def start(self) -> None:
        quick = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=50"
        options = f"-k {self.folder} -c listen_addresses='' {quick}"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def postgresql() -> Iterator[str]:
    """The DATABASE_URL of the caller's server, or of one of our own that is gone afterwards. Raises Missing."""
    if given := os.environ.get("DATABASE_URL", ""):
        yield given
        return
    server = PostgreSQL()
    try:
        yield server.url
        server.stop()
    finally:
        server.remove()
