"""`manage.py serve`: from an empty folder to a running site, step by step. What `make run` calls."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from sensgene import languages

FIRST_STAFF_NAME = "staff"
SECONDS_TO_START = 20


class Command(BaseCommand):
    help = "Prepares everything, then runs web server, publisher and mail worker until stopped."

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, port, **options):
        os.umask(0o077)
        self.refuse_a_busy_port(port)
        call_command("prepare", stdout=self.stdout)
        account = self.first_staff_account()
        connection.close()
        self.serve(port, account)

    @staticmethod
    def refuse_a_busy_port(port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise CommandError(f"Port {port} is taken. Try another: make run PORT={port + 1}") from error

    @staticmethod
    def first_staff_account() -> tuple[str, str] | None:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return None
        password = secrets.token_urlsafe(15)
        users.create_superuser(FIRST_STAFF_NAME, password=password)
        return FIRST_STAFF_NAME, password

    def serve(self, port: int, account: tuple[str, str] | None) -> None:
        origin = os.environ.get("SITE_ORIGIN") or f"http://localhost:{port}"
        environment = {**os.environ, "SITE_ORIGIN": origin}
        web = [sys.executable, "-m", "gunicorn", "-c", str(settings.BASE_DIR / "deploy" / "gunicorn.conf.py")]
        commands = {
            # --reuse-port: each worker listens for itself, and the kernel spreads new connections over them.
            "web server": [*web, "--reuse-port", "--bind", f"127.0.0.1:{port}"],
            "publisher": [sys.executable, str(settings.BASE_DIR / "manage.py"), "publish", "--watch"],
            "mail worker": [sys.executable, str(settings.BASE_DIR / "manage.py"), "send_mail", "--watch"],
        }
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        processes = {
            name: subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR)  # noqa: S603
            for name, command in commands.items()
        }
        try:
            self.wait_until_it_answers(port, processes["web server"])
            self.greet(origin, account)
            self.watch(processes)
        except KeyboardInterrupt:
            self.stdout.write("Stopping")
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)  # once is enough: the children are being stopped
            for process in processes.values():
                process.terminate()
            for process in processes.values():
                process.wait()

    @staticmethod
    def wait_until_it_answers(port: int, web: subprocess.Popen) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            try:
                with urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2):  # noqa: S310
                    return
            except (URLError, OSError):
                if web.poll() is not None:
                    break
                time.sleep(0.1)
        raise CommandError("The web server did not start; its messages are above.")

    def greet(self, origin: str, account: tuple[str, str] | None) -> None:
        self.stdout.write("")
        for code, name in languages.OWN_NAMES.items():
            self.stdout.write(f"  {name:<10} {origin}{languages.home(code)}")
        self.stdout.write(f"  {'Staff':<10} {origin}{settings.STAFF_PATH}")
        if not settings.MAIL_SERVER:
            self.stdout.write(f"  {'Letters':<10} {settings.MAIL_DIR} (no mail server: EMAIL_URL is not set)")
        if account:
            self.stdout.write(f"\n  Staff account, shown this once:  name {account[0]}  password {account[1]}")
        self.stdout.write("\n  Stop with Ctrl-C.")
        self.stdout.flush()

    @staticmethod
    def watch(processes: dict[str, subprocess.Popen]) -> None:
        """Until one of them ends, which none should: whoever started us decides what then."""
        while True:
            for name, process in processes.items():
                if process.poll() is not None:
                    raise CommandError(f"The {name} ended by itself (exit code {process.returncode}).")
            time.sleep(0.5)


def stop(*args):
    raise KeyboardInterrupt
