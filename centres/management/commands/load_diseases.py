"""`manage.py load_diseases`: a thin shell around centres.nomenclature."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from centres import nomenclature

MOST_LINES = 20


class Command(BaseCommand):
    help = "Loads Orphanet's diseases from a folder of CSV files: a new release, or the one in fixtures/diseases/."

    def add_arguments(self, parser):
        parser.add_argument("folder", nargs="?", type=Path, default=nomenclature.FOLDER)
        parser.add_argument("--dry-run", action="store_true", help="report what would change, change nothing")
        parser.add_argument("--if-changed", action="store_true", help="only if these files are not loaded yet")
        parser.add_argument("--allow-removals", action="store_true", help="accept a release that lost many entries")

    def handle(self, *, folder, dry_run, if_changed, allow_removals, verbosity, **options):
        try:
            if if_changed and nomenclature.is_loaded(folder):
                return
            report = nomenclature.load(folder, dry_run=dry_run, allow_removals=allow_removals)
        except nomenclature.NomenclatureError as error:
            raise CommandError(f"Nothing was loaded.\n{error}") from error
        for outcome, lines in (("added", report.added), ("changed", report.changed), ("removed", report.removed)):
            shown = lines if verbosity > 1 else lines[:MOST_LINES] if len(lines) < report.total else []
            for line in shown:
                self.stdout.write(f"{outcome}: {line}")
            if len(lines) > len(shown) > 0:
                self.stdout.write(f"{outcome}: {len(lines) - len(shown)} more; --verbosity 2 lists them all")
        self.stdout.write(
            f"{'Would load' if dry_run else 'Loaded'} {report.total} diseases: {len(report.added)} added, "
            f"{len(report.changed)} changed, {len(report.removed)} no longer listed; "
            f"{report.moved} places in the classification and {report.redirected} former codes changed."
        )
