"""`manage.py forget_subscriber`: a thin shell around newsletter.subscriptions."""

import sys

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from newsletter import addresses, clock, subscriptions


class Command(BaseCommand):
    help = "Erases everything that is kept about one address. Repeats the address nowhere."

    def add_arguments(self, parser):
        parser.add_argument(
            "address", help="the address; - reads it from standard input, so that no shell remembers it"
        )

    def handle(self, *, address, **options):
        try:
            address = addresses.clean(sys.stdin.readline() if address == "-" else address)
        except ValidationError as error:
            raise CommandError("This is not an e-mail address. It looks like name@example.org.") from error
        was_known = subscriptions.forget(address, clock.now())
        self.stdout.write("Erased." if was_known else "Not known. A backup that knows it will forget it, too.")
