"""`manage.py prepare`: everything between an unpacked release and a process that serves it. Safe to repeat."""

import hashlib
import os
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from sensgene import assets


class Command(BaseCommand):
    help = "Brings database, starting content, static files and snapshot up to this release."

    def handle(self, **options):
        os.umask(0o077)  # the working database holds addresses and password hashes: for nobody else on this machine
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        try:
            self.migrate()
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        self.load_content()
        self.collect_static_files()
        call_command("publish", "--if-changed", stdout=self.stdout)
        connection.close()

    def say(self, text: str) -> None:
        self.stdout.write(f"· {text}")
        self.stdout.flush()

    def migrate(self) -> None:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            self.say(f"Preparing the working database ({connection.vendor}): {len(waiting)} steps")
            call_command("migrate", verbosity=0, interactive=False)

    def load_content(self) -> None:
        self.say("Loading diseases and towns, where this release has others")
        call_command("load_diseases", "--if-changed", stdout=self.stdout)
        call_command("load_towns", "--if-changed", stdout=self.stdout)
        self.say("Loading the starting content")
        call_command("load_content", stdout=self.stdout)

    def collect_static_files(self) -> None:
        """Again only if a source changed: hashing and compressing takes seconds."""
        stamp = settings.VAR_DIR / "static.stamp"
        state = static_state()
        if settings.STATIC_ROOT.exists() and stamp.exists() and stamp.read_text() == state:
            return
        self.say("Making fonts, style sheet and compressed static files")
        assets.make_all()
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(state)


def static_state() -> str:
    """Names one state of everything that static files are made from: ours by content, the packages' by the lock."""
    digest = hashlib.sha256((settings.BASE_DIR / "requirements" / "runtime.txt").read_bytes())
    for path in (*sorted((settings.BASE_DIR / "static").rglob("*")), Path(assets.__file__)):
        if path.is_file():
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()
