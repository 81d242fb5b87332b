"""Diseases in lists: by letter, by group, and the family of one of them."""

from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase

from django.conf import settings
from django.utils import translation

from centres.nomenclature import EYE_DISEASES
from centres.reference import Disease, DiseaseKind
from sensgene import snapshot
from sensgene.languages import sort_key

EAR_DISEASES = (68361, 156243, 164004)  # Orphanet's groups of rare deafness, of the outer, the middle and the inner ear
DIGITS = "0-9"
MOST_FORMS = 60


@dataclass(frozen=True)
class Family:
    """What stands above and below a disease."""

    groups: list[Disease]
    forms: list[Disease]
    more_forms: int  # below, but not listed


def in_order(diseases) -> list[Disease]:
    return sorted(diseases, key=lambda disease: sort_key(disease.label))


# --- By letter ----------------------------------------------------------------------------------------------------


def first_letter(label: str) -> str:
    letter = next(filter(str.isalnum, sort_key(label)), "0")
    return letter if letter in ascii_lowercase else DIGITS


@lru_cache(maxsize=6)
def _by_letter(identifier: str, language: str) -> dict[str, list[Disease]]:
    """The diseases of eye and ear in the alphabetical order of the names that this language shows."""
    found: dict[str, list[Disease]] = {}
    with translation.override(language):
        listed = Disease.public.answered_here().only("orpha_code", "name_fr", "name_en", "name_de")
        for disease in in_order(listed):
            found.setdefault(first_letter(disease.label), []).append(disease)
    return found


def beginning_with(letter: str) -> list[Disease]:
    return _by_letter(snapshot.open_current(), translation.get_language()).get(letter, [])


def letters() -> list[str]:
    """The letters that some disease begins with in one of the languages: the same pages exist in all three."""
    identifier = snapshot.open_current()
    return sorted({letter for code, _name in settings.LANGUAGES for letter in _by_letter(identifier, code)})


# --- By group -----------------------------------------------------------------------------------------------------


def main_groups() -> list[tuple[Disease, list[Disease]]]:
    """The roots of eye and ear, each with the groups right below it."""
    codes = (EYE_DISEASES, *EAR_DISEASES)
    roots = Disease.public.listed().in_bulk(codes)
    below: dict[int, list[Disease]] = {code: [] for code in codes}
    groups = Disease.public.listed().filter(kind=DiseaseKind.GROUP, parent_links__is_direct=True)
    for group in groups.filter(parent_links__parent__in=codes).prefetch_related("parent_links"):
        for link in group.parent_links.all():
            if link.parent_id in below and link.is_direct:
                below[link.parent_id].append(group)
    return [(roots[code], in_order(set(below[code]))) for code in codes if code in roots]


def family(disease: Disease) -> Family:
    """What stands above it, and below: one step below where the data say which, anywhere below where they do not."""
    names = Disease.public.listed().only("orpha_code", "kind", "name_fr", "name_en", "name_de")
    groups = names.filter(child_links__child=disease)
    below = list(names.filter(parent_links__parent=disease, parent_links__is_direct=True))
    if not below:
        below = list(names.filter(parent_links__parent=disease))
    # Of a whole field, the groups say more than the first letters of the alphabet.
    groups_below = [each for each in below if each.kind == DiseaseKind.GROUP]
    shown = in_order(groups_below if groups_below and len(below) > MOST_FORMS else below)[:MOST_FORMS]
    return Family(in_order(groups), shown, len(below) - len(shown))
