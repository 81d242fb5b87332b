"""Three languages: their names, their addresses, their alphabetical order."""

import pytest
from django.conf import settings
from django.urls import get_resolver
from django.utils import translation

from sensgene import languages, navigation, snapshot
from sensgene.languages import sort_key

CODES = ("fr", "en", "de")


def test_each_language_is_named_in_its_own_words():
    assert languages.OWN_NAMES == {"fr": "Français", "en": "English", "de": "Deutsch"}
    assert list(languages.OWN_NAMES) == [code for code, _name in settings.LANGUAGES]


def test_the_home_of_a_language_does_not_depend_on_who_asks():
    for active in CODES:
        with translation.override(active):
            assert [languages.home(code) for code in CODES] == ["/fr/", "/en/", "/de/"]
            assert translation.get_language() == active


@pytest.mark.parametrize("code", CODES)
def test_every_entry_of_the_navigation_has_an_address_in_every_language(code):
    items = [item for section in navigation.MENU for item in section.items]
    items += [navigation.HOME, *navigation.FOOT, navigation.ACCESSIBILITY]
    with translation.override(code):
        urls = {item.url_name: item.url for item in items}
    assert len(urls) > 15
    assert len(set(urls.values())) == len(urls)
    assert all(url.startswith(f"/{code}/") and url.isascii() and url == url.lower() for url in urls.values())


@pytest.mark.parametrize("code", ("fr", "de"))
def test_the_words_of_addresses_are_translated(code):
    """…where the languages differ: `missions` is the same word in two of them."""
    with translation.override("en"):
        english = paths()
    with translation.override(code):
        own = paths()
    assert set(own) == set(english)
    same = {name for name in own if own[name] == english[name]}
    assert len(same) < len(own) / 2, same


def paths() -> dict[str, str]:
    patterns = get_resolver().reverse_dict
    return {name: patterns.getlist(name)[-1][0][0][0] for name in patterns if isinstance(name, str)}


def test_links_to_the_other_languages_keep_place_and_query(visitor):
    response = visitor.get("/fr/?q=r%C3%A9tine&page=2")
    request = response.wsgi_request
    with translation.override("fr"):
        found = languages.links(request)
    assert [link.code for link in found] == list(CODES)
    assert [link.url for link in found] == [f"/{code}/?q=r%C3%A9tine&page=2" for code in CODES]
    assert [link.is_current for link in found] == [True, False, False]


def test_twins_are_absolute_and_without_the_query(visitor):
    snapshot.open_current()
    request = visitor.get("/en/?utm=1").wsgi_request
    with translation.override("en"):
        found = dict(languages.alternates(request))
    origin = settings.SITE_ORIGIN
    assert found == {**{code: f"{origin}/{code}/" for code in CODES}, "x-default": f"{origin}/fr/"}


@pytest.mark.parametrize("path", ["/robots.txt", "/", "/fr/nowhere/"])
def test_what_is_no_page_has_no_twins(visitor, path):
    request = visitor.get(path).wsgi_request
    assert languages.alternates(request) == []


@pytest.mark.parametrize(
    "words",
    [
        ["abc", "Äbd", "abe"],
        ["écran", "Ecran total", "écrin"],
        ["Œil", "oreille"],
        ["île", "Ilot", "îlots"],
        ["Straße", "Strassen", "Strauß"],
        ["Orphanet", "ÖVP", "ozon"],
    ],
)
def test_accents_and_capitals_count_for_nothing_in_the_alphabet(words):
    mixed = words[::-1]
    assert sorted(mixed, key=sort_key) == words
