"""What one question costs the processor, measured in the process that answers it: steadier than any clock on the wall.

python -m tests.benchmarks.inside < {"repeats"}    answers with JSON; the snapshot is the one that SNAPSHOT_DIR names

It also writes the addresses for the load client, which knows nothing of the site.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from urllib.parse import urlencode

import django

from tests.benchmarks.growth import FIRST_CODE
from tests.benchmarks.queries import SENT, TOWNS, TYPED

DISEASE_PAGES = 30
SECONDS = 90  # for one kind of question; what takes longer is asked less often


def cpu_milliseconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return 1000 * (time.process_time() - started)


def measured(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Milliseconds of each call. The first pass fills caches; it counts only where there was no time for another."""
    found: dict[str, list[float]] = {label: [] for label in calls}
    deadline = time.monotonic() + SECONDS
    for number in range(repeats + 1):
        if number and time.monotonic() > deadline:
            break
        for label, call in calls.items():
            found[label].append(cpu_milliseconds(call))
    return {label: values[1:] or values for label, values in found.items()}


def addresses() -> dict[str, list[str]]:
    from django.urls import reverse
    from django.utils import translation

    from centres.reference import Disease

    def search(language: str, **asked: str) -> str:
        with translation.override(language):
            return f"{reverse('search')}?{urlencode(asked)}"

    def disease(language: str, code: int) -> str:
        with translation.override(language):
            return reverse("disease", args=[code])

    # The real ones, which are in every size.
    codes = list(Disease.public.of_eye_or_ear().filter(orpha_code__lt=FIRST_CODE).values_list("pk", flat=True))
    languages = ("fr", "en", "de")
    found = {
        "floor: /health/live": ["/health/live"],
        "suggestions": [f"/api/suggest?{urlencode({'q': text, 'lang': language})}" for language, text in TYPED],
        "results, words": [search(language, q=text) for language, text in SENT],
        "results, words and town": [
            search(language, q=text, near=TOWNS[place % len(TOWNS)]) for place, (language, text) in enumerate(SENT)
        ],
        "a disease": [
            disease(languages[place % 3], code)
            for place, code in enumerate(codes[:: max(1, len(codes) // DISEASE_PAGES)][:DISEASE_PAGES])
        ],
    }
    for each in found.values():  # in any order but the same in each run, so that a round cut short is a fair sample
        random.Random(1).shuffle(each)  # noqa: S311
    return found


def main() -> None:
    repeats = json.load(sys.stdin)["repeats"]
    django.setup()
    from django.test import Client
    from django.utils import translation

    from centres import gazetteer, search
    from centres.suggestions import suggestions
    from sensgene import snapshot

    snapshot.open_current()
    warming = cpu_milliseconds(lambda: (search.warm_up(), gazetteer.warm_up()))
    found = addresses()
    site = Client(SERVER_NAME="localhost")

    def suggest(language: str, text: str) -> None:
        with translation.override(language):
            suggestions(text)

    def page(address: str) -> None:
        assert site.get(address).status_code == 200, address

    answer = {
        "addresses": found,
        "warming_up": warming,
        "suggestions": measured(
            {text: lambda language=language, text=text: suggest(language, text) for language, text in TYPED}, repeats
        ),
    }
    for name in ("results, words", "results, words and town", "a disease"):
        answer[name] = measured(
            {address: lambda address=address: page(address) for address in found[name]}, min(2, repeats)
        )
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
