"""`manage.py apply_erasures`: a thin shell around newsletter.subscriptions."""

from django.core.management.base import BaseCommand

from newsletter import clock, subscriptions


class Command(BaseCommand):
    help = "After a restore, before the worker starts: erases again whoever was erased since the backup was made."

    def handle(self, **options):
        self.stdout.write(f"Erased again: {subscriptions.apply_erasures(clock.now())}.")
