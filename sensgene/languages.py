"""The three languages: links to the same page in another one, and the visitor's own for the bare address."""

import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse, translate_url
from django.utils import translation

# Each language in its own words: somebody who reads only that one must recognise it.
OWN_NAMES = {"fr": "Français", "en": "English", "de": "Deutsch"}


@dataclass(frozen=True)
class LanguageLink:
    code: str
    name: str
    url: str
    is_current: bool


def home(code: str) -> str:
    with translation.override(code):
        return reverse("home")


def links(request: HttpRequest, *, is_page: bool = True) -> list[LanguageLink]:
    """To this page with this query in each language; to the home pages where the address is no page."""
    current = translation.get_language()
    is_page = is_page and request.resolver_match is not None
    return [
        LanguageLink(
            code, name, translate_url(request.get_full_path(), code) if is_page else home(code), code == current
        )
        for code, name in OWN_NAMES.items()
    ]


def alternates(request: HttpRequest) -> list[tuple[str, str]]:
    """Absolute addresses of this page for `hreflang`, without the query, the default last."""
    if request.resolver_match is None or not translation.get_language_from_path(request.path_info):
        return []
    addresses = [(code, settings.SITE_ORIGIN + translate_url(request.path, code)) for code in OWN_NAMES]
    return [*addresses, ("x-default", dict(addresses)[settings.LANGUAGE_CODE])]


def sort_key(text: str) -> str:
    """Alphabetical order as readers of the three languages expect it: accents and case count for nothing."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
