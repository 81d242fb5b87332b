"""Pages of results: the order, the distances, the filters, and what is said when something was not understood."""

import re
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from centres import results
from centres.answers import Answer, Relation
from centres.forms import Asked
from centres.models import Audience, Centre, Kind, Region
from centres.reference import Disease, FormerCode, Town
from tests import factories
from tests.markup import Element, page_at

LANGUAGES = ("fr", "en", "de")
SEARCH = {"fr": "/fr/recherche/", "en": "/en/search/", "de": "/de/suche/"}
both = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)


def searched(client: Client, language: str = "fr", **query: str) -> Element:
    return page_at(client, SEARCH[language], **query)


def said(text: str, language: str, **values) -> str:
    """A translation with ordinary spaces, as tests/markup.py reads a page."""
    with translation.override(language):
        return " ".join((translation.gettext(text) % values).split())


def lines(page: Element) -> list[Element]:
    return [each for each in page.all("li") if (each.get("id") or "").startswith("result-")]


def fact(line: Element, label: str) -> str:
    return next((group.one("dd").text for group in line.all("div") if group.one("dt").text == label), "")


def messages(page: Element) -> Element | None:
    found = page.all("div", class_="messages")
    assert len(found) < 2
    assert all(each.get("role") == "status" for each in found)
    return found[0] if found else None


# --- Distance -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "62 km à vol d’oiseau depuis Colmar"),
        ("en", "62 km from Colmar, as the crow flies"),
        ("de", "62 km Luftlinie von Colmar"),
    ],
)
def test_the_nearest_stands_first_and_says_how_far_it_is(real, language, words):
    page = searched(real, language, q="Usher", near="Colmar")
    label = said("Distance", language)
    distances = [fact(line, label) for line in lines(page)]
    assert distances[0] == words
    kilometres = [int(re.search(r"\d+", text)[0]) for text in distances]
    assert len(kilometres) > 5
    assert kilometres == sorted(kilometres)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_distance_that_is_only_the_towns_says_so(real, language):
    note = said("Measured to the middle of the town: we do not have the hospital’s position.", language)
    label = said("Distance", language)
    known = {centre.pk: centre for centre in Centre.public.select_related("hospital")}
    shown = {
        line.one("h3").one("a").get("href"): fact(line, label) for line in lines(searched(real, language, near="Lyon"))
    }
    assert len(shown) == len(known)
    with translation.override(language):
        with_note = {centre.slug for centre in known.values() if note in shown[centre.get_absolute_url()]}
    assert with_note == {centre.slug for centre in known.values() if centre.hospital.latitude is None}
    assert with_note


@both
def test_a_town_that_nobody_knows_stands_last_and_says_so(publish):
    factories.directory()
    factories.town(id="fr-1", name="Inventeville", latitude=48.0, longitude=7.0, population=50_000)
    near = factories.centre(
        hospital=factories.hospital(latitude="48.000", longitude="7.100", coordinate_precision="hospital")
    )
    at_home = factories.centre(
        hospital=factories.hospital(latitude="48.001", longitude="7.001", coordinate_precision="hospital")
    )
    by_town = factories.centre(
        hospital=factories.hospital(town="Inventeville", latitude="48.2", longitude="7", coordinate_precision="town")
    )
    nowhere = factories.centre(hospital=factories.hospital(town="Zelotica sine loco"))
    page = searched(publish(), "en", near="Inventeville")
    slugs = [line.one("h3").one("a").get("href").split("/")[-2] for line in lines(page)]
    distances = dict(zip(slugs, (fact(line, "Distance") for line in lines(page)), strict=True))
    assert slugs[:3] == [at_home.slug, near.slug, by_town.slug]
    assert slugs[-1] == nowhere.slug
    assert distances[at_home.slug] == "Less than 1 km from Inventeville, as the crow flies"
    assert distances[near.slug] == "7 km from Inventeville, as the crow flies"
    assert distances[by_town.slug].startswith("22 km from Inventeville, as the crow flies")
    assert "Measured to the middle of the town" in distances[by_town.slug]
    assert distances[nowhere.slug] == said("not known to us", "en")


def test_without_a_town_the_most_telling_reason_stands_first(real):
    page = results.results(Asked(q="827"))
    ranks = [line.reason.rank for line in page.lines]
    assert ranks == sorted(ranks) and len(ranks) > 3
    assert page.lines[0].centre.slug == "referet-quinze-vingts"
    assert not fact(lines(searched(real, q="827"))[0], said("Distance", "fr"))


def test_where_to_begin_is_said_at_the_top(real):
    """The nearest only covers the field: the one that names the disease, and one that can be reached, are named too."""
    page = results.results(Asked(q="886", near="Colmar"))
    begin = [line for _label, line in page.highlights()]
    assert page.lines[0].reason.answer == Answer.FIELD
    assert begin[0] is page.lines[0]
    assert begin[1] is next(line for line in page.lines if line.reason.answer == Answer.NAMED)
    assert any(line.reason.relation == Relation.ITSELF for line in begin)
    assert any(line.centre.contacts.all() for line in begin)
    shown = searched(real, "fr", q="886", near="Colmar")
    links = {link.get("href") for link in shown.one("section", aria_labelledby="list").all("a")}
    assert {f"#result-{line.number}" for line in begin} <= links


# --- Towns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_town_that_may_be_several_is_asked_back(real, language):
    page = searched(real, language, q="Usher", near="Saint-Denis")
    asked_back = messages(page)
    assert "Saint-Denis" in asked_back.text
    choices = [link.get("href") for link in asked_back.all("a")]
    assert len(choices) > 2
    label = said("Distance", language)
    assert not any(fact(line, label) for line in lines(page))
    for choice in choices:
        query = parse_qs(urlsplit(choice).query)
        assert query["q"] == ["Usher"]
        chosen = page_at(real, choice)
        assert all("Saint-Denis" in fact(line, label) for line in lines(chosen)) and lines(chosen)
        assert "Saint-Denis" in chosen.one("h2", id="list").text


def test_an_unknown_town_is_said_and_a_misspelt_one_too(real):
    unknown = searched(real, "en", q="Usher", near="Zzzxxqq")
    assert "We know no town or postcode “Zzzxxqq”." in messages(unknown).text
    assert lines(unknown) and not fact(lines(unknown)[0], "Distance")
    misspelt = searched(real, "en", q="Usher", near="Strasbuorg")
    assert "We know no town “Strasbuorg”. Distances are from Strasbourg (Bas-Rhin)." in messages(misspelt).text
    assert "from Strasbourg" in fact(lines(misspelt)[0], "Distance")


# --- Understood, corrected, not found -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "sentence", "age"),
    [
        ("fr", "Usher, près de Colmar, pour mon enfant", "children"),
        ("fr", "Usher Colmar", ""),
        ("en", "Usher near Colmar for my child", "children"),
        ("de", "Usher in der Nähe von Colmar für mein Kind", "children"),
    ],
)
def test_a_whole_sentence_is_understood_and_shown_taken_apart(real, language, sentence, age):
    page = searched(real, language, q=sentence)
    assert said("We understood:", language) in messages(page).text
    boxes = page.one("main").one("form").all("input")
    fields = {box.get("name"): box.get("value") for box in boxes if box.get("type") != "radio"}
    assert fields == {"q": "Usher", "near": "Colmar"}
    assert [
        radio.get("value") for radio in boxes if radio.get("type") == "radio" and "checked" in radio.attributes
    ] == [age]
    plain = searched(real, language, q="Usher", near="Colmar", age=age)
    assert [line.text for line in lines(page)] == [line.text for line in lines(plain)]
    assert lines(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_correction_is_said_and_the_original_is_offered(real, language):
    page = searched(real, language, q="Stargart", near="Colmar", age="adults")
    region = messages(page)
    assert "Stargart" in region.text
    assert "Stargardt" in region.one("strong").text
    exact = region.all("a")[0].get("href")
    assert parse_qs(urlsplit(exact).query) == {"q": ["Stargart"], "near": ["Colmar"], "age": ["adults"], "exact": ["1"]}
    insisted = page_at(real, exact)
    assert said("Nothing found for “%(q)s”.", language, q="Stargart") in messages(insisted).text
    assert not lines(insisted)
    correct = searched(real, language, q="Stargardt")
    assert messages(correct) is None and lines(correct)


def test_the_name_that_was_taken_is_in_the_pages_language(real):
    taken = messages(searched(real, "fr", q="Stargart")).one("strong")
    assert taken.text == "Maladie de Stargardt"  # in the page's language, whatever name was matched


def test_words_that_were_left_out_are_named(real):
    region = messages(searched(real, "en", q="keratoconus zzzxxqq"))
    assert "No name holds all the words of “keratoconus zzzxxqq”." in region.text
    assert "Left out: zzzxxqq." in region.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_found_is_said_with_three_ways_on(real, language):
    page = searched(real, language, q="zzzxxqq", near="Colmar")
    region = messages(page)
    assert said("Nothing found for “%(q)s”.", language, q="zzzxxqq") in region.text
    ways = region.one("ul").all("li")
    assert len(ways) == 3
    with translation.override(language):
        expected = [reverse("diseases"), reverse("no-diagnosis")]
        help_lines = reverse("help-lines")
    assert [link.get("href") for link in region.one("ul").all("a")] == expected
    assert help_lines in [link.get("href") for link in region.all("a")]
    assert not lines(page) and not page.all("nav", class_="filters")
    box = next(field for field in page.all("input") if field.get("name") == "q")
    assert box.get("value") == "zzzxxqq"


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("Necker", {"ophtara-necker", "surdites-necker"}),
        ("Toulouse", {"cargo-toulouse", "crnk-toulouse"}),
        ("Quinze-Vingts", {"referet-quinze-vingts"}),
        ("Dollfus", {"cargo-strasbourg"}),
        ("Isabelle Audo", {"referet-quinze-vingts"}),
        ("CRNK", {"crnk-toulouse", "crnk-bordeaux"}),
    ],
)
def test_a_hospital_a_town_a_person_or_a_network_leads_to_its_centres(real, query, slugs):
    page = searched(real, "fr", q=query)
    shown = {line.one("h3").one("a").get("href").split("/")[-2] for line in lines(page)}
    assert shown == slugs
    assert messages(page) is None


def test_an_empty_question_shows_the_form_alone(real):
    for language in LANGUAGES:
        page = searched(real, language)
        assert not lines(page) and messages(page) is None
        assert not page.all("meta", name="robots")
        asked = searched(real, language, q="Usher")
        assert any(each.get("content") == "noindex" for each in asked.all("meta"))


def test_choices_that_leave_nothing_are_said_with_a_way_back(real):
    page = searched(real, "en", q="Usher", region=Region.CORSE)
    region = messages(page)
    assert said("No centre is left with these choices.", "en") in region.text
    assert lines(page_at(real, region.all("a")[0].get("href")))


# --- For whom -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_centre_for_adults_is_left_out_for_a_child_and_that_is_said(real, language):
    adults = Centre.public.get(audience=Audience.ADULTS)
    with translation.override(language):
        address = adults.get_absolute_url()
        note = translation.ngettext(
            "%(total)s centre is left out because it does not receive this age.",
            "%(total)s centres are left out because they do not receive this age.",
            1,
        ) % {"total": 1}
    pages = {age: searched(real, language, q="Usher", age=age) for age in ("", "children", "adults")}
    shown = {age: [line.one("h3").one("a").get("href") for line in lines(page)] for age, page in pages.items()}
    assert address in shown[""] and address in shown["adults"]
    assert shown["children"] == [each for each in shown[""] if each != address]
    assert " ".join(note.split()) in pages["children"].one("main").text
    back = next(
        link.get("href")
        for link in pages["children"].one("section", aria_labelledby="list").all("a")
        if link.text == said("Show all ages", language)
    )
    assert len(lines(page_at(real, back))) == len(shown[""])
    assert " ".join(note.split()) not in pages["adults"].one("main").text


def test_an_unknown_age_is_not_a_no(real):
    assert results.receives(Centre(audience=""), "children") and results.receives(Centre(audience=""), "adults")
    assert results.receives(Centre(audience=Audience.BOTH), "children")
    assert not results.receives(Centre(audience=Audience.ADULTS), "children")
    assert not results.receives(Centre(audience=Audience.CHILDREN), "adults")


# --- Filters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "query"),
    [
        ("fr", {"q": "Usher"}),
        ("en", {"q": "Usher", "near": "Colmar", "age": "children"}),
        ("de", {"near": "Colmar", "kind": Kind.CONSTITUTIVE}),
        ("fr", {"q": "Toulouse"}),
        ("en", {"q": "Wolfram", "answer": "named"}),
        ("fr", {"q": "Usher, près de Colmar", "network": "surdites-genetiques"}),
    ],
)
def test_each_filter_keeps_its_promise(real, language, query):
    """The number in brackets is the number of centres behind the link, and none is empty."""
    page = searched(real, language, **query)
    here = len(lines(page))
    links = page.one("nav", class_="filters").all("a")
    assert links
    seen = {str(query)}
    for link in links:
        promised = int(re.search(r"\((\d+)\)", link.text)[1])
        assert promised > 0
        behind = page_at(real, link.get("href"))
        seen.add(link.get("href"))
        if link.get("aria-current") == "true":
            assert promised == here
            assert len(lines(behind)) >= here  # pressing it takes the choice away
        else:
            assert len(lines(behind)) == promised, link.text
    assert len(seen) == len(links) + 1
    chosen = [link for link in links if link.get("aria-current") == "true"]
    assert len(chosen) == len([name for name in query if name in results.FACETS])


def test_a_filter_with_one_choice_is_not_shown(real):
    """It would change nothing."""
    shown = results.results(Asked(q="2335"))
    assert {line.centre.network.slug for line in shown.lines} == {"crnk"}
    checked = 0
    for each in shown.filters:
        checked += len(each.choices)
        assert len(each.choices) > 1
        assert not any(choice.network for choice in each.choices)
    assert checked > 1


# --- Pages of a long list -----------------------------------------------------------------------------------------


def test_the_numbers_go_on_from_page_to_page(real, monkeypatch):
    monkeypatch.setattr(results, "PAGE_SIZE", 5)
    address, numbers_seen, names, pages = f"{SEARCH['en']}?near=Colmar", [], [], 0
    while address:
        page = page_at(real, address)
        pages += 1
        shown = [int(line.get("value")) for line in lines(page)]
        assert 0 < len(shown) <= 5
        assert int(page.one("ol", class_="numbered").get("start")) == shown[0]
        numbers_seen += shown
        names += [line.one("h3").text for line in lines(page)]
        pager = page.one("nav", class_="pager")
        ways = {link.get("rel"): link.get("href") for link in pager.all("a")}
        assert ("prev" in ways) == (pages > 1)
        assert f"Page {pages} of 3" in pager.text
        address = ways.get("next")
    assert pages == 3
    assert numbers_seen == list(range(1, 14))
    assert len(set(names)) == 13
    assert real.get(f"{SEARCH['en']}?near=Colmar&page=4").status_code == 404
    assert real.get(f"{SEARCH['en']}?near=Colmar&page=10000").status_code == 404
    assert "page" not in parse_qs(
        urlsplit(page_at(real, f"{SEARCH['en']}?near=Colmar&page=2").all("a", rel="prev")[0].get("href")).query
    )


def test_a_short_list_has_no_pages(real):
    assert not searched(real, q="Usher").all("nav", class_="pager")
    assert real.get(SEARCH["fr"], {"q": "Usher", "page": "2"}).status_code == 404


# --- Diseases by their code ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_leads_to_its_disease_or_says_what_became_of_it(real, language):
    former = FormerCode.public.order_by("pk").first()
    assert former and not Disease.public.filter(pk=former.pk).exists()
    with translation.override(language):
        assert real.get(reverse("disease", args=[886])).status_code == 200
        moved = real.get(reverse("disease", args=[former.pk]))
        assert moved.status_code == 301
        assert moved["Location"] == reverse("disease", args=[former.disease_id])
        assert real.get(reverse("disease", args=[99_999_999])).status_code == 404
        assert real.get(reverse("disease", args=[10**30])).status_code in (400, 404)


def test_the_page_of_a_disease_asks_for_the_town_without_its_name(real):
    page = page_at(real, "/en/diseases/886/")
    form = next(each for each in page.one("main").all("form"))
    fixed = {field.get("name"): field.get("value") for field in form.all("input") if field.get("type") == "hidden"}
    assert fixed == {"q": "ORPHA:886"}
    found = searched(real, "en", q="ORPHA:886", near="Colmar")
    assert "Usher syndrome" in found.one("h2", id="list").text
    assert len(lines(found)) == len(page.one("ol", class_="numbered").all("h3"))


# --- Regions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", list(Region))
def test_each_region_shows_its_centres_or_the_nearest_ones(real, region):
    here = list(Centre.public.filter(hospital__region=region))
    language = LANGUAGES[list(Region).index(region) % 3]
    with translation.override(language):
        page = page_at(real, reverse("region", args=[region.slug]))
        own = {centre.get_absolute_url() for centre in here}
        label = " ".join(str(region.label).split())
    assert label in page.one("h1").text
    entries = [each for each in page.one("ol", class_="numbered").children if isinstance(each, Element)]
    shown = [entry.one("h3").one("a").get("href") for entry in entries]
    far = [fact(entry, said("Distance", language)) for entry in entries]
    if here:
        assert set(shown) == own and len(shown) == len(here)
        assert not any(far)
    else:
        assert len(shown) == 3
        assert (
            said(
                "We know no centre in this region. That does not mean that there is none: our list is not complete.",
                language,
            )
            in page.one("main").text
        )
        kilometres = [int(re.search(r"\d+", text)[0]) for text in far]
        assert all(before <= after for before, after in pairwise(kilometres))


def test_some_regions_have_centres_and_some_have_none(real):
    with_centres = set(Centre.public.values_list("hospital__region", flat=True))
    assert 0 < len(with_centres) < len(Region)
    assert real.get("/fr/ou/atlantide/").status_code == 404
    assert Town.public.exists()
