"""The two commands' inner one, `manage.py serve`, as a newcomer and as an operator meet it. Real processes."""

import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from sensgene.environment import ROOT
from tests import services
from tests.site import Site, free_port, postgresql_url, thinned

pytestmark = pytest.mark.server


def status_and_headers(url: str, **headers: str) -> tuple[int, dict]:
    try:
        with urlopen(Request(url, headers=headers)) as response:
            response.read()
            return response.status, dict(response.headers)
    except HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def public_paths(origin: str) -> list[str]:
    with urlopen(f"{origin}/sitemap.xml") as response:
        paths = re.findall(r"<loc>https?://[^/]+([^<]+)</loc>", response.read().decode())
    assert len(paths) > 4000
    return thinned(paths)


@pytest.mark.database
def test_the_first_start_prints_addresses_and_an_account_that_works_and_later_starts_do_not(own_site):
    with own_site.served() as origin:
        first = (own_site.folder / "serve.log").read_text()
        for code in ("fr", "en", "de"):
            assert f"{origin}/{code}/" in first
        name, password = re.search(r"name (\S+)\s+password (\S+)", first).groups()
        check = f"from django.contrib.auth import authenticate\nassert authenticate(username={name!r}, password={password!r})"
        own_site.python(check)
    with own_site.served():
        again = (own_site.folder / "serve.log").read_text()
    assert "password" not in again
    assert "0 added, 0 changed" in again


def test_a_taken_port_is_said_in_one_line(own_site):
    with socket.socket() as other:
        port = free_port()
        other.bind(("127.0.0.1", port))
        other.listen()
        done = own_site.manage("serve", "--port", str(port), check=False)
    assert done.returncode != 0
    assert f"PORT={port + 1}" in done.stderr
    assert "Traceback" not in done.stderr


def test_static_files_are_compressed_immutable_and_complete(own_site):
    with own_site.served() as origin:
        with urlopen(f"{origin}/fr/") as response:
            page = response.read().decode()
        assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        assert len(assets) >= 4
        for path in assets:
            status, headers = status_and_headers(origin + path)
            assert status == 200, path
            assert "immutable" in headers["Cache-Control"], path
            assert headers["Content-Security-Policy"] == "default-src 'none'"
            assert headers["X-Content-Type-Options"] == "nosniff"
        style_sheet = next(path for path in assets if path.endswith(".css"))
        assert status_and_headers(origin + style_sheet, **{"Accept-Encoding": "br"})[1]["Content-Encoding"] == "br"


LISTEN_AS_SYSTEMD_DOES = """
import os, socket, sys
held = socket.socket(socket.AF_UNIX)
held.bind(sys.argv[1])
held.listen(64)
os.dup2(held.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"])
"""


def test_production_answers_on_the_socket_that_systemd_holds(own_site, tmp_path):
    path = str(tmp_path / "web.sock")
    environment = own_site.environment(SITE_ORIGIN="https://directory.example.org")
    command = [sys.executable, "-c", LISTEN_AS_SYSTEMD_DOES, path]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        answer = b""
        deadline = time.monotonic() + 30
        while not answer.startswith(b"HTTP/1.1 200") and time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX) as edge, suppress(OSError):
                edge.settimeout(10)
                edge.connect(path)
                lines = (
                    "GET /fr/ HTTP/1.1",
                    "Host: directory.example.org",
                    "X-Forwarded-Proto: https",
                    "Connection: close",
                )
                edge.sendall("\r\n".join((*lines, "", "")).encode())
                answer = b"".join(iter(lambda: edge.recv(65536), b""))
            time.sleep(0.1)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:500]
        assert b"Strict-Transport-Security" in answer
        assert b'lang="fr"' in answer
    finally:
        process.terminate()
        process.wait(timeout=40)


@pytest.mark.parametrize("kind", ["text/html; charset=rot13", "multipart/form-data; boundary=x; charset=hex"])
def test_a_senseless_charset_breaks_nothing(own_site, kind):
    with own_site.served() as origin:
        assert status_and_headers(f"{origin}/fr/?a", **{"Content-Type": kind})[0] == 200


def test_nobody_else_on_the_machine_reads_the_working_database(own_site):
    with own_site.served():
        pass
    private = [path for path in own_site.folder.glob("s*") if path.name in ("sensgene.sqlite3", "secret-key")]
    assert private or postgresql_url()
    for path in own_site.folder.parent.glob("var/sensgene.sqlite3"):
        assert path.stat().st_mode & 0o077 == 0


@contextmanager
def site_on_its_own_database(site: Site, tmp_path: Path):
    """Yields (site, stop, start) where stop takes the working database away as brutally as its kind allows."""
    if not postgresql_url():
        own = site.copy(tmp_path / "away", "unused")
        database, hidden = own.folder / "sensgene.sqlite3", own.folder / "hidden"

        def stop():
            for path in own.folder.glob("sensgene.sqlite3*"):
                shutil.move(path, hidden.with_suffix(path.suffix + path.name[-4:]))
            database.mkdir()

        def start():
            database.rmdir()
            shutil.move(next(own.folder.glob("hidden*ite3")), database)

        yield own, stop, start
        return
    server = services.PostgreSQL()
    try:
        folder = tmp_path / "away"
        shutil.copytree(site.folder, folder, symlinks=True)
        own = Site(folder, server.url)
        own.manage("prepare")
        yield own, server.stop, server.start
        server.stop()
    finally:
        server.remove()


@pytest.mark.database
def test_every_public_page_is_served_while_the_working_database_is_away(site, tmp_path):
    with site_on_its_own_database(site, tmp_path) as (own, stop, start), own.served() as origin:
        paths = public_paths(origin)
        stop()
        try:
            for path in paths:
                assert status_and_headers(origin + path)[0] == 200, path
            assert status_and_headers(f"{origin}/health/live")[0] == 200
            assert status_and_headers(f"{origin}/health/ready")[0] == 503
            status, headers = status_and_headers(f"{origin}/staff/", Cookie="session=invented")
            assert status == 503
            assert int(headers["Retry-After"]) > 0
            assert "no-store" in headers["Cache-Control"]
            # Somebody logged in reads the public pages like everybody else.
            assert status_and_headers(f"{origin}/fr/", Cookie="session=invented")[0] == 200
        finally:
            start()
        assert status_and_headers(f"{origin}/health/ready")[0] == 200


def test_the_makefile_lists_its_targets():
    text = (ROOT / "Makefile").read_text()
    for target in ("run", "test", "help", "lock", "messages"):
        assert re.search(rf"^{target}:.*## ", text, re.M)
