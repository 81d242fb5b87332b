"""`manage.py load_towns`: a thin shell around centres.gazetteer."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from centres import gazetteer


class Command(BaseCommand):
    help = "Loads the gazetteer: the towns that people may name in “near”."

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="?", type=Path, default=gazetteer.FILE)
        parser.add_argument("--dry-run", action="store_true", help="read and check the file, change nothing")
        parser.add_argument("--if-changed", action="store_true", help="only if this file is not loaded yet")

    def handle(self, *, file, dry_run, if_changed, **options):
        try:
            if if_changed and gazetteer.is_loaded(file):
                return
            count = gazetteer.load(file, dry_run=dry_run)
        except (gazetteer.GazetteerError, OSError) as error:
            raise CommandError(f"Nothing was loaded. {error}") from error
        self.stdout.write(f"{'Would load' if dry_run else 'Loaded'} {count} towns.")
