"""`manage.py publish`: a thin shell around sensgene.publication."""

import logging
import signal
import threading
import time

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from sensgene import publication, snapshot

log = logging.getLogger("sensgene.publication")

SECONDS_BETWEEN_LOOKS = 1
SECONDS_AFTER_A_FAILURE = 20


class Command(BaseCommand):
    help = "Copies what is public into a new snapshot and switches the site to it."

    def add_arguments(self, parser):
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--if-changed", action="store_true", help="only if something waits")
        what.add_argument("--watch", action="store_true", help="publish within seconds of each edit, until stopped")
        what.add_argument("--rollback", action="store_true", help="go back to the snapshot before this one")
        what.add_argument("--list", action="store_true", help="list the snapshots kept, the current one marked")

    def handle(self, *, if_changed, watch, rollback, list, **options):
        try:
            if watch:
                self.watch()
            elif list:
                self.list()
            elif rollback:
                path = publication.roll_back()
                self.stdout.write(f"Back to {snapshot.identifier(path)}, until the next edit.")
            elif if_changed and not publication.waits_for_publication():
                self.stdout.write("Nothing to publish.")
            else:
                self.publish()
        except (publication.PublicationRefused, snapshot.NoSnapshot) as error:
            raise CommandError(f"Not done: {error}. The site shows what it showed before.") from error

    def publish(self):
        started = time.monotonic()
        try:
            done = publication.publish()
        except publication.PublicationRefused as error:
            publication.note_refusal(str(error))
            raise
        count = sum(done.rows.values())
        self.stdout.write(f"Published {count} rows as {done.identifier} in {time.monotonic() - started:.1f} s.")

    def list(self):
        current = snapshot.current()
        for path in publication.kept():
            made_at = snapshot.information(path).get("made_at", "")
            self.stdout.write(f"{'*' if path == current else ' '} {snapshot.identifier(path)}  made {made_at}")

    def watch(self):
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *args: stop.set())
        while not stop.is_set():
            pause = SECONDS_BETWEEN_LOOKS
            try:
                if publication.waits_for_publication():
                    self.publish()
            except Exception as error:
                # The database may be away, or an edit may break a page: the old snapshot serves, and we try again.
                log.error("Not published: %s: %s", type(error).__name__, error)
                pause = SECONDS_AFTER_A_FAILURE
            finally:
                connection.close()
            stop.wait(pause)
