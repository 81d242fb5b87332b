"""`manage.py read_bounces`: a thin shell around newsletter.bounces."""

import mailbox
import os
import sys
from collections import Counter
from pathlib import Path

from django import db
from django.core.management.base import BaseCommand, CommandError

from newsletter import bounces, clock


class Command(BaseCommand):
    help = (
        "Reads returned messages: one from standard input, for the mail server, or all of a Maildir or mbox. "
        "Ends with 75 (try again later) when the database is away."
    )

    def add_arguments(self, parser):
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--stdin", action="store_true", help="one message from standard input (the default)")
        source.add_argument("--mailbox", type=Path, metavar="PATH", help="all messages of a Maildir or an mbox file")
        parser.add_argument("--dry-run", action="store_true", help="report what would be done, change nothing")

    def handle(self, *, mailbox: Path | None, dry_run, **options):
        counts = Counter()
        try:
            for outcome in self.outcomes(mailbox, dry_run):
                counts[outcome] += 1
        except db.Error as error:
            raise CommandError(
                f"The database does not answer ({type(error).__name__}); read so far: {self.words(counts)}.",
                returncode=os.EX_TEMPFAIL,
            ) from error
        except MAILBOX_TROUBLES as error:
            raise CommandError(f"The mailbox cannot be read: {error}", returncode=os.EX_TEMPFAIL) from error
        self.stdout.write(f"{'Would read' if dry_run else 'Read'}: {self.words(counts)}.")

    @staticmethod
    def outcomes(mailbox: Path | None, dry_run: bool):
        if mailbox is not None:
            yield from bounces.read_mailbox(mailbox, dry_run=dry_run)
        else:
            yield bounces.handle(bounces.read(sys.stdin.buffer), clock.now(), dry_run=dry_run)

    @staticmethod
    def words(counts: Counter) -> str:
        return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())) or "nothing"


MAILBOX_TROUBLES = (OSError, mailbox.Error)
