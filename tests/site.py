"""A whole site on disk: its working database, its snapshots, its processes. Real commands, real files, real content."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import psycopg

from sensgene.environment import ROOT

SECRET_KEY = "only-for-tests-" + "y" * 50
NEWSLETTER_KEY = "only-for-tests-" + "z" * 50


def postgresql_url() -> str:
    """The server that this run of the suite uses; empty on SQLite."""
    return os.environ.get("DATABASE_URL", "")


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def create_database(name: str, template: str = "template1") -> str:
    """A fresh database on the suite's server, or a copy of another one; returns its address."""
    with psycopg.connect(urlsplit_dsn(postgresql_url()), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return with_database(postgresql_url(), name)


def urlsplit_dsn(url: str) -> str:
    """psycopg reads postgresql:// with a percent-encoded socket folder as the host."""
    return url.replace("postgres://", "postgresql://", 1)


@dataclass(frozen=True)
class Site:
    folder: Path
    database_url: str

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    def environment(self, **more: str) -> dict[str, str]:
        own = {"VAR_DIR": str(self.folder), "DATABASE_URL": self.database_url}
        keys = {"SECRET_KEY": SECRET_KEY, "NEWSLETTER_KEY": NEWSLETTER_KEY}
        return {**os.environ, **own, **keys, "DJANGO_SETTINGS_MODULE": "sensgene.settings", **more}

    def manage(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment(**environment), capture_output=True, text=True, timeout=120
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def python(self, code: str, check: bool = True) -> subprocess.CompletedProcess:
        """Runs code in a process of its own, after django.setup()."""
        code = f"import django; django.setup()\n{code}"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=120
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def copy(self, folder: Path, name: str) -> "Site":
        """The same site in another folder, on a database of its own."""
        shutil.copytree(self.folder, folder, symlinks=True)
        if postgresql_url():
            return Site(folder, create_database(name, template=urlsplit(self.database_url).path.strip("/")))
        return Site(folder, f"sqlite:///{folder / 'sensgene.sqlite3'}")

    @contextmanager
    def served(self, **environment: str) -> Iterator[str]:
        """Runs `manage.py serve`; yields the origin. Stops the processes by their ids."""
        port = free_port()
        command = [sys.executable, "manage.py", "serve", "--port", str(port)]
        with open(self.folder / "serve.log", "w") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(**environment), stdout=log, stderr=subprocess.STDOUT
            )
            try:
                wait_for(f"http://localhost:{port}/health/live", process, self.folder / "serve.log")
                while "Stop with" not in (self.folder / "serve.log").read_text():  # the last line of the greeting
                    assert process.poll() is None
                    time.sleep(0.05)
                yield f"http://localhost:{port}"
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=40)


def make_site(folder: Path, name: str) -> Site:
    """From nothing to a published site, by the commands an operator types."""
    folder.mkdir(parents=True, exist_ok=True)
    url = create_database(name) if postgresql_url() else f"sqlite:///{folder / 'sensgene.sqlite3'}"
    site = Site(folder, url)
    site.manage("prepare")
    return site


FIRST_SITE = "SITE_OF_THE_SUITE"  # in the environment: the folder of a site that the whole run has made once


def first_site(folder: Path, name: str) -> Site:
    """A published site with the real content: made here, or copied from the one that tests/__main__.py made."""
    made = os.environ.get(FIRST_SITE)
    if not made:
        return make_site(folder, name)
    url = with_database(postgresql_url(), FIRST_SITE.lower()) if postgresql_url() else ""
    return Site(Path(made), url).copy(folder, name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer in {seconds} s\n{log.read_text()}")


DISEASES = re.compile(r"/(?:fr/maladies|en/diseases|de/krankheiten)/\d+/")
ONE_IN = 50


def thinned(paths: list[str]) -> list[str]:
    """Every page, but of the fourteen hundred diseases each fiftieth: they share one template."""
    kept = set([path for path in paths if DISEASES.fullmatch(path)][::ONE_IN])
    return [path for path in paths if path in kept or not DISEASES.fullmatch(path)]


def sampled_paths(language: str) -> list[str]:
    from sensgene import sitemaps

    return thinned(sitemaps.all_paths(language))
