"""`manage.py explain_search "…"`: why each answer of the search stands where it does."""

from django.core.management.base import BaseCommand
from django.utils import translation

from centres import search
from centres.reference import Disease
from sensgene import snapshot


class Command(BaseCommand):
    help = "Prints what the search of the current snapshot answers to a query, and why in this order."

    def add_arguments(self, parser):
        parser.add_argument("query")
        parser.add_argument("--lang", default="fr", choices=["fr", "en", "de"], help="language of the names printed")
        parser.add_argument("--most", type=int, default=10, help="how many answers")
        parser.add_argument("--typing", action="store_true", help="as the suggestions, while somebody types")

    def handle(self, *, query, lang, most, typing, **options):
        self.stdout.write(f"{search.TIERS}\n" if options["verbosity"] > 1 else "", ending="")
        with translation.override(lang):
            self.stdout.write(f"{snapshot.open_current()}\nwords: {' '.join(search.query_words(query)) or '(none)'}")
            for title, outcome in (
                ("Diseases", search.diseases(query, is_typing=typing)),
                ("Networks and centres", search.directory(query, is_typing=typing)),
            ):
                self.stdout.write(f"\n{title}: {len(outcome.found)}")
                if outcome.left_out:
                    self.stdout.write(f"  left out: {', '.join(outcome.left_out)}")
                self.list(outcome.found[:most])

    def list(self, found: list[search.Found]) -> None:
        known = Disease.public.in_bulk([int(each.key) for each in found if each.kind == "disease"])
        for place, each in enumerate(found, start=1):
            label = known[int(each.key)].label if each.kind == "disease" else each.text
            self.stdout.write(f"{place:>3}. {each.kind} {each.key}  {label}")
            self.stdout.write(f"     {'; '.join(each.reasons())}")
