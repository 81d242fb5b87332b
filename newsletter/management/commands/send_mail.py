"""`manage.py send_mail`: a thin shell around newsletter.sending."""

import signal

from django.core.management.base import BaseCommand

from newsletter.sending import Worker


class Command(BaseCommand):
    help = "Sends what waits in the outbox: letters that somebody asked for, then copies of issues."

    def add_arguments(self, parser):
        parser.add_argument("--watch", action="store_true", help="go on until stopped")

    def handle(self, *, watch, **options):
        worker = Worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *args: worker.stop.set())
        if watch:
            worker.run()
            return
        while worker.turn() and not worker.stop.is_set():
            pass
        worker.relay.close()
