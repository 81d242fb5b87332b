"""`manage.py load_content`: a thin shell around sensgene.content."""

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from sensgene import content


class Command(BaseCommand):
    help = "Loads the starting content from fixtures/. Adds and updates, never overwrites what staff edited."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="report what would be done, change nothing")

    def handle(self, *, dry_run, verbosity, **options):
        try:
            with transaction.atomic():
                report = content.load()
                if dry_run:
                    transaction.set_rollback(True)
        except content.ContentError as error:
            raise CommandError(f"Nothing was loaded. {error}") from error
        for outcome, record in report.lines:
            if verbosity > 1 or outcome == content.Outcome.EDITED:
                self.stdout.write(f"{outcome}: {record}")
        counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in content.Outcome)
        self.stdout.write(f"{'Would load' if dry_run else 'Loaded'}: {counts}.")
