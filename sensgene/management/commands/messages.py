"""`manage.py messages`: UI strings from the code into locale/, and locale/*.po into the .mo files that are served."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

LANGUAGES = [code for code, _name in settings.LANGUAGES if code != "en"]  # the strings in the code are English
EXTENSIONS = ["html", "py", "txt"]
IGNORED = ["tests/*", "var/*", ".venv/*"]


def catalogues() -> list[Path]:
    return [settings.BASE_DIR / "locale" / code / "LC_MESSAGES" / "django.po" for code in LANGUAGES]


class Command(BaseCommand):
    help = (
        "Collects the UI strings (needs GNU gettext) and compiles the catalogues. Translate what is empty, run again."
    )

    def add_arguments(self, parser):
        parser.add_argument("--compile-only", action="store_true", help="leave the .po files as they are")

    def handle(self, *, compile_only, **options):
        try:
            import polib  # a development dependency: sites serve the compiled files
        except ImportError as error:
            raise CommandError("polib is missing: python3 sensgene/environment.py dev") from error
        if not compile_only:
            call_command(
                "makemessages",
                locale=LANGUAGES,
                extensions=EXTENSIONS,
                ignore_patterns=IGNORED,
                no_location=True,
                no_wrap=True,
                no_obsolete=True,
                verbosity=0,
            )
        for path in catalogues():
            catalogue = polib.pofile(str(path), wrapwidth=10_000)  # one line a string: readable differences
            for guess in catalogue.fuzzy_entries():
                # gettext's guess from a similar string: worse than nothing, because it looks done.
                guess.msgstr, guess.flags = "", []
                guess.msgstr_plural = dict.fromkeys(guess.msgstr_plural, "")
                guess.previous_msgid = guess.previous_msgctxt = guess.previous_msgid_plural = None
            catalogue.metadata.pop("POT-Creation-Date", None)  # a new date is no change
            catalogue.save(str(path))
            catalogue.save_as_mofile(str(path.with_suffix(".mo")))
            waiting = len(catalogue.untranslated_entries())
            self.stdout.write(f"{path.parent.parent.name}: {len(catalogue)} strings, {waiting} to translate")
