"""What the search box offers while somebody types: diseases first, then networks, centres and towns."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import get_language

from centres import gazetteer, search, words
from centres.forms import Asked
from centres.models import Centre, Network
from centres.reference import Disease
from centres.search_index import Role
from sensgene.templatetags.site import in_reading_language

MOST = 10
MOST_PLACES, MOST_TOWNS = 2, 2  # networks and centres; towns. Diseases have the rest.
SMALLEST_TOWN = 5000  # inhabitants; smaller ones are found once their whole name is there


@dataclass(frozen=True)
class Suggestion:
    """One line under the box. `language` is that of `label`."""

    kind: str
    label: str
    language: str
    url: str
    orpha_code: int | None = None
    rank: tuple = ()

    def as_json(self) -> dict:
        return {
            "kind": self.kind,
            "orpha_code": self.orpha_code,
            "label": self.label,
            "lang": self.language,
            "url": self.url,
        }


def suggestions(text: str) -> list[Suggestion]:
    """At most ten. In the order of the results page; a town stands behind a disease that is as good."""
    if len(words.plain(text)) < 2:
        return []
    others = [*of_directory(text), *of_towns(text)]
    return sorted([*of_diseases(text)[: MOST - len(others)], *others], key=lambda each: each.rank)


def of_diseases(text: str) -> list[Suggestion]:
    outcome = search.diseases(text, is_typing=True)
    best = outcome.found[:MOST]
    known = Disease.public.only("orpha_code", "name_fr", "name_en", "name_de").in_bulk([int(each.key) for each in best])
    suggested = []
    for place, each in enumerate(best):
        if disease := known.get(int(each.key)):
            label, language = disease.label_and_language
            # Another name explains why it was found; in another language it would be read out wrongly.
            explains = each.role == Role.GENE or each.role == Role.SYNONYM and each.language == language != "de"
            if explains and words.plain(each.text) not in words.plain(label):
                label = f"{label} ({each.text})"
            url = reverse("disease", args=[disease.pk])
            suggested.append(Suggestion("disease", label, language, url, disease.pk, (each.tier, 0, place)))
    return suggested


def of_directory(text: str) -> list[Suggestion]:
    best = [
        each for each in search.directory(text, is_typing=True, may_guess=False).found if each.tier < search.WITH_TYPOS
    ][:MOST_PLACES]
    centres = {each.slug: each for each in Centre.public.filter(slug__in=[each.key for each in best])}
    networks = {each.slug: each for each in Network.public.filter(slug__in=[each.key for each in best])}
    suggested = []
    for place, each in enumerate(best):
        record = (centres if each.kind == "centre" else networks).get(each.key)
        if record:
            label, language = in_reading_language(record, "name")
            suggested.append(
                Suggestion(
                    each.kind, label, language or get_language(), record.get_absolute_url(), rank=(each.tier, 1, place)
                )
            )
    return suggested


def of_towns(text: str) -> list[Suggestion]:
    start = words.plain(text)
    found = [
        town
        for town in gazetteer.beginning_with(text, 2 * MOST_TOWNS)
        if town.population >= SMALLEST_TOWN or words.plain(town.name) == start
    ]
    return [
        Suggestion(
            "town",
            town.label,
            "fr" if town.country == "FR" else get_language(),
            Asked(near=town.label).url(),
            rank=(1 if words.plain(town.name) == start else 2, 2, place),
        )
        for place, town in enumerate(found[:MOST_TOWNS])
    ]
