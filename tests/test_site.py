"""Every public page in every language: what must hold on all of them."""

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urldefrag, urljoin, urlsplit

import polib
import pytest
from django.conf import settings as site_settings
from django.db import connections
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import translation
from modeltranslation.translator import NotRegistered, translator

from sensgene import languages, navigation, prose, publication, sitemaps, snapshot
from tests.markup import Element, read
from tests.site import sampled_paths

LANGUAGES = ("fr", "en", "de")
FRENCH_CATALOGUE = site_settings.BASE_DIR / "locale" / "fr" / "LC_MESSAGES" / "django.po"
MOST_QUERIES = 15
MOST_QUERIES_OF_A_SEARCH = (
    30  # a sentence is searched twice: whole, and without the town in it; each takes microseconds
)
MOST_BYTES = 40_000  # of HTML and CSS, compressed
MOST_FONT_BYTES = 40_000


# --- The crawl ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """One public page as one visitor got it."""

    path: str
    language: str
    response: HttpResponse
    queries: int = 0

    @property
    def url_name(self) -> str:
        with translation.override(self.language):
            return resolve(self.path).url_name

    @cached_property
    def html(self) -> str:
        return self.response.content.decode()

    @cached_property
    def parsed(self) -> tuple[Element, list[str]]:
        return read(self.html)

    @property
    def page(self) -> Element:
        return self.parsed[0]

    @property
    def title(self) -> str:
        return self.page.one("head").one("title").text

    @cached_property
    def ids(self) -> Counter:
        return Counter(element.get("id") for element in self.page.walk() if "id" in element.attributes)

    def links(self) -> Iterator[tuple[Element, str]]:
        """Each link with the absolute address it leads to."""
        for element in self.page.all("a", "link"):
            yield element, urljoin(site_settings.SITE_ORIGIN + self.path, element.get("href"))


def visit(visitor, path: str, language: str) -> Visit:
    with CaptureQueriesContext(connections[snapshot.ALIAS]) as queries:
        response = visitor.get(path)
    return Visit(path, language, response, len(queries))


def crawl(visitor, only: tuple[str, ...] = LANGUAGES) -> dict[str, Visit]:
    snapshot.open_current()
    return {path: visit(visitor, path, language) for language in only for path in sampled_paths(language)}


# Diseases of all three answers: named, a form, a group, the root, a field only, of the ear without a network, outside.
DISEASES = (886, 231178, 71862, 97966, 558, 90059, 15)
SEARCHES = (
    "",
    "?q=usher&near=colmar&age=children",
    "?q=usher&near=saint-denis",
    "?near=68000",
    "?q=stargad",
    "?q=necker",
    "?q=cargo",
    "?q=usher+mulhouse",
    "?q=ORPHA%3A15",
    "?q=xqzzt+blorg",
    "?q=xqzzt+blorg&near=xqzztville",
    "?q=usher&region=44&answer=field",
    "?q=retinitis&kind=competence",
    "?age=adults&network=surdites-genetiques",
)


def crawl_beyond_the_sitemap(visitor) -> dict[str, Visit]:
    """Pages of diseases of every kind of answer, and pages of results."""
    snapshot.open_current()
    found = {}
    for language in LANGUAGES:
        with translation.override(language):
            paths = [reverse("disease", args=[code]) for code in DISEASES]
            paths += [reverse("search") + query for query in SEARCHES]
        found |= {path: visit(visitor, path, language) for path in paths}
    return found


@pytest.fixture(scope="session")
def remembered() -> dict[str, dict[str, Visit]]:
    """The real site does not change while it is tested: one crawl serves every question."""
    return {}


@pytest.fixture
def pages(visitor, remembered) -> dict[str, Visit]:
    """The pages of the sitemap."""
    if "pages" not in remembered:
        remembered["pages"] = crawl(visitor)
    assert len(remembered["pages"]) > 100
    return remembered["pages"]


@pytest.fixture
def every_page(visitor, pages, remembered) -> dict[str, Visit]:
    """With those that only a link or a form leads to."""
    if "more" not in remembered:
        remembered["more"] = crawl_beyond_the_sitemap(visitor)
    assert len(remembered["more"]) == len(LANGUAGES) * (len(DISEASES) + len(SEARCHES))
    return pages | remembered["more"]


def is_ours(address: str) -> bool:
    return address.startswith(f"{site_settings.SITE_ORIGIN}/")


# --- Answers and markup -------------------------------------------------------------------------------------------


@pytest.mark.database
def test_every_page_answers_in_its_language(every_page):
    assert {visit.language for visit in every_page.values()} == set(LANGUAGES)
    wrong = {
        path: visit.response.status_code
        for path, visit in every_page.items()
        if visit.response.status_code != 200 or visit.page.one("html").get("lang") != visit.language
    }
    assert not wrong


def test_every_page_is_well_formed_html(every_page):
    assert not {path: visit.parsed[1] for path, visit in every_page.items() if visit.parsed[1]}
    assert all(visit.html.startswith("<!doctype html>\n<html ") for visit in every_page.values())


def test_every_page_has_one_h1_and_no_heading_skips_a_level(every_page):
    wrong = {}
    for path, visit in every_page.items():
        levels = [int(element.name[1]) for element in visit.page.walk() if re.fullmatch("h[1-6]", element.name)]
        steps = [(before, after) for before, after in zip([0, *levels], levels, strict=False) if after > before + 1]
        if levels.count(1) != 1 or steps:
            wrong[path] = levels
    assert not wrong


def test_ids_are_unique_and_everything_that_names_one_finds_it(every_page):
    wrong, checked = [], 0
    for path, visit in every_page.items():
        wrong += [
            (path, f"id {name!r} stands {count} times") for name, count in visit.ids.items() if count > 1 or not name
        ]
        for element in visit.page.walk():
            for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "headers"):
                for name in element.get(attribute, "").split():
                    checked += 1
                    if name not in visit.ids:
                        wrong.append((path, f"{element} points at nothing"))
    assert not wrong
    assert checked > len(every_page)


def test_every_control_region_and_link_has_a_name(every_page):
    wrong, checked = [], 0
    for path, visit in every_page.items():
        labelled = {label.get("for") for label in visit.page.all("label")}
        for element in visit.page.all("a", "button", "input", "select", "textarea", "nav", "form", "section", "img"):
            checked += 1
            attributes = element.attributes
            has_name = (
                attributes.get("type") == "hidden"
                or attributes.get("aria-label")
                or "aria-labelledby" in attributes
                or attributes.get("id") in labelled
                or (element.name in ("a", "button") and element.text)
                # A section is a landmark only if it is named; one that is not must begin with its heading, or be prose.
                or element.name == "section"
                or (element.name == "img" and "alt" in attributes)
            )
            if not has_name:
                wrong.append((path, str(element)))
        names = [element.get("aria-label") for element in visit.page.all("nav")]
        if len(names) != len(set(names)):
            wrong.append((path, f"two navigations have one name: {names}"))
    assert not wrong
    assert checked > 20 * len(every_page)


# --- What search engines and tabs show ----------------------------------------------------------------------------


def test_titles_name_the_page_and_the_site_and_are_unique_in_each_language(pages):
    shapeless = {
        path: visit.title for path, visit in pages.items() if not re.fullmatch(r"\S.*\S - SENSGENE", visit.title)
    }
    assert not shapeless
    for language in LANGUAGES:
        titles = defaultdict(list)
        for path, visit in pages.items():
            if visit.language == language:
                titles[visit.title].append(path)
        assert not {title: paths for title, paths in titles.items() if len(paths) > 1}
    # "subject - section - SENSGENE": no part is empty.
    assert not [visit.title for visit in pages.values() if not all(map(str.strip, visit.title.split(" - ")))]


def test_every_page_describes_itself(every_page):
    descriptions = {
        path: visit.page.one("meta", name="description").get("content") for path, visit in every_page.items()
    }
    wrong = {path: text for path, text in descriptions.items() if not 20 <= len(text) <= 400 or text != text.strip()}
    assert not wrong


def test_canonical_and_language_twins_come_from_the_origin_and_point_at_each_other(pages):
    origin = site_settings.SITE_ORIGIN
    twins = {}
    for path, visit in pages.items():
        assert visit.page.one("link", rel="canonical").get("href") == origin + path
        twins_of_it = [link for link in visit.page.all("link", rel="alternate") if "type" not in link.attributes]
        alternates = {link.get("hreflang"): link.get("href") for link in twins_of_it}
        assert set(alternates) == {*LANGUAGES, "x-default"}, path
        assert alternates[visit.language] == origin + path
        assert alternates["x-default"] == alternates["fr"]
        twins[path] = alternates
    for path, alternates in twins.items():
        for language in LANGUAGES:
            twin = alternates[language].removeprefix(origin)
            assert pages[twin].language == language
            assert twins[twin] == alternates, path


def test_the_language_links_lead_to_the_same_page_with_the_same_query(visitor, pages):
    path = next(path for path in pages if path.count("/") > 3)
    searched = visitor.get(f"{path}?q=%C3%A9t%C3%A9&page=2")
    for visit in (pages[path], Visit(path, pages[path].language, searched)):
        query = visit.response.wsgi_request.META["QUERY_STRING"]
        [navigation_of_languages] = visit.page.all("nav", class_="languages")
        for link in navigation_of_languages.all("a"):
            code = link.get("hreflang")
            assert link.get("lang") == code
            assert link.text == languages.OWN_NAMES[code]
            target, _mark, target_query = link.get("href").partition("?")
            assert target_query == query
            assert pages[target].language == code
            twins = [item.get("href") for item in visit.page.all("link", rel="alternate", hreflang=code)]
            assert twins == [site_settings.SITE_ORIGIN + target]
            assert (link.get("aria-current") == "true") == (code == visit.language)


# --- Links --------------------------------------------------------------------------------------------------------


def test_every_internal_link_and_anchor_leads_somewhere(visitor, site, pages):
    targets = defaultdict(set)
    for path, visit in pages.items():
        for _element, address in visit.links():
            if is_ours(address):
                targets[address.removeprefix(site_settings.SITE_ORIGIN)].add(path)
    assert len(targets) > len(pages)
    listed = {path for language in LANGUAGES for path in sitemaps.all_paths(language)}
    dead, anchors, followed = {}, 0, 0
    answers = {}
    for target, found_on in targets.items():
        address, anchor = urldefrag(target)
        path = urlsplit(address).path
        if path.startswith(site_settings.STATIC_URL):
            # Made by `prepare`; the test client serves none.
            is_there = (site.folder / "static" / path.removeprefix(site_settings.STATIC_URL)).is_file()
        elif path in listed and path not in pages and not anchor:
            is_there = True  # a disease: its address comes from the same table as those that are crawled
        else:
            followed += 1
            if address not in answers:
                answers[address] = pages.get(address) or Visit(address, "", visitor.get(address))
            is_there = answers[address].response.status_code == 200
            if is_there and anchor:
                anchors += 1
                is_there = anchor in answers[address].ids
        if not is_there:
            dead[target] = sorted(found_on)[:3]
    assert not dead
    assert anchors > 0
    assert followed > len(pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_can_be_reached_from_the_home_page_by_links(pages, language):
    own = {path for path, visit in pages.items() if visit.language == language}
    reached, waiting = set(), [languages.home(language)]
    while waiting:
        path = waiting.pop()
        if path in own and path not in reached:
            reached.add(path)
            for element, address in pages[path].links():
                if element.name == "a" and is_ours(address):
                    waiting.append(urlsplit(address).path)
    assert own - reached == set()


def test_pages_that_links_lead_to_are_in_the_sitemap(visitor, pages):
    snapshot.open_current()
    linked = {
        urlsplit(address).path
        for visit in pages.values()
        for element, address in visit.links()
        if element.name == "a" and is_ours(address)
    }
    listed = {path for language in LANGUAGES for path in sitemaps.all_paths(language)}
    others = {path for path in linked - listed if not path.endswith((".txt", ".xml"))}
    # Short pages of diseases of another field tell search engines to pass over them.
    assert not [path for path in others if b'<meta name="robots" content="noindex">' not in visitor.get(path).content]
    assert any(path.endswith(".txt") for path in linked)


def test_links_that_leave_are_safe_and_say_so(every_page):
    wrong, checked = [], 0
    for path, visit in every_page.items():
        for element, address in visit.links():
            scheme = urlsplit(address).scheme
            if element.name != "a" or is_ours(address):
                continue
            checked += 1
            if scheme in ("http", "https"):
                if element.get("rel") != "external" or not element.all("span", class_="leaves"):
                    wrong.append((path, str(element)))
            elif scheme in ("tel", "sms"):
                number = address.partition(":")[2]
                if not re.fullmatch(r"\+\d{8,15}|\d{2,6}", number):
                    wrong.append((path, str(element)))
            elif scheme != "mailto":
                wrong.append((path, str(element)))
    assert not wrong
    assert checked > len(every_page)


def test_under_one_heading_one_link_text_leads_to_one_place(every_page):
    """Screen readers list links by their text, and headings are how one looks around."""
    wrong, checked = [], 0
    for path, visit in every_page.items():
        places, heading = defaultdict(set), ""
        for element in visit.page.one("main").walk():
            if re.fullmatch("h[1-6]", element.name):
                heading = element.text
            # The host of a source is a source's name; its pages are told apart by what they are the source of.
            elif element.name == "a" and element.get("rel") != "external":
                checked += 1
                places[heading, element.text].add(element.get("href"))
        wrong += [(path, text, found) for text, found in places.items() if len(found) > 1]
    assert not wrong
    assert checked > len(every_page)


# --- What a page holds --------------------------------------------------------------------------------------------

CODE = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|%\(\w+\)|\{\w*\}|<[A-Za-z]+ object|&(?:amp|lt|gt|quot|#\d+);|\bundefined\b")
PYTHON = re.compile(r"\b(None|True|False|nan)\b(?! is known)")  # "None is known to us yet" is English
MAY_BE_EMPTY = ("#document", "html", "head", "meta", "link", "script", "input", "br", "svg", "path", "circle")


def test_no_page_shows_code(every_page):
    wrong, checked = [], 0
    for path, visit in every_page.items():
        for words, element in visit.page.texts():
            checked += 1
            if CODE.search(words) or PYTHON.search(words):
                wrong.append((path, str(element), words))
        for element in visit.page.walk():
            for name, value in element.attributes.items():
                if CODE.search(value) or PYTHON.search(value):
                    wrong.append((path, name, value))
    assert not wrong
    assert checked > 100 * len(every_page)


def test_nothing_is_empty(every_page):
    """No list without an item, no paragraph without a word, no section that is only its heading."""
    wrong, checked = [], 0
    for path, visit in every_page.items():
        for element in visit.page.walk():
            checked += 1
            if not element.text and element.name not in MAY_BE_EMPTY:
                wrong.append((path, str(element)))
            if element.name in ("section", "article"):
                headings = " ".join(heading.text for heading in element.all("h1", "h2", "h3", "h4", "h5", "h6"))
                if element.text == headings:
                    wrong.append((path, f"{element} is only its heading: {headings}"))
    assert not wrong
    assert checked > 100 * len(every_page)


# --- Languages of texts -------------------------------------------------------------------------------------------


def pieces(text: str, language: str) -> Iterator[tuple[str, str]]:
    """The pieces of text that a stored text becomes on a page, each with the language it is written in."""
    yield " ".join(text.split()), language
    for line in text.splitlines():
        yield line.strip(), language
    for words, element in read(str(prose.block(text)))[0].texts():
        yield words, element.language or language


def words_of_the_chrome(language: str) -> set[str]:
    entries = polib.pofile(str(FRENCH_CATALOGUE).replace("/fr/", f"/{'fr' if language == 'en' else language}/"))
    return {entry.msgid if language == "en" else entry.msgstr for entry in entries}


def languages_of_texts(models: list) -> dict[str, set[str]]:
    """Piece of text → the languages it is written in, for every translated column of every public record."""
    found = defaultdict(set)
    for model in models:
        try:
            names = translator.get_options_for_model(model).all_fields
        except NotRegistered:
            continue
        for record in model._base_manager.using(snapshot.ALIAS):
            for name in names:
                for language in LANGUAGES:
                    for words, written_in in pieces(getattr(record, f"{name}_{language}") or "", language):
                        if len(words) > 1 and any(map(str.isalpha, words)):
                            found[words].add(written_in)
    return found


def test_every_text_carries_its_own_language_where_that_is_not_the_pages(visitor, every_page):
    snapshot.open_current()
    written_in = languages_of_texts(publication.public_models())
    assert len(written_in) > 1000
    wrong, checked = [], 0
    chrome = {language: words_of_the_chrome(language) for language in LANGUAGES}
    for path, visit in every_page.items():
        for words, element in visit.page.one("body").texts():
            # “Kind” is a label in English, and a child in German.
            if words in written_in and words not in chrome[element.language or visit.language]:
                checked += 1
                if element.language not in written_in[words]:
                    wrong.append((path, words[:60], f"is {written_in[words]}, marked {element.language}"))
    assert not wrong
    assert checked > 10 * len(every_page)


HOST = re.compile(r"[\w.-]+\.\w+")  # the name of a site is in no language


def forget_translations() -> None:
    """Leaves French only, as if nobody had translated anything yet. Runs in a process of its own."""
    for model in publication.staff_models():
        names = translator.get_options_for_model(model).all_fields
        empty = {
            f"{name}_{language}": None if model._meta.get_field(f"{name}_{language}").null else ""
            for name in names
            for language in ("en", "de")
        }
        if empty:
            publication.plain(model).update(**empty)


def test_an_untranslated_text_falls_back_to_french_and_says_that_it_is_french(own_site, visitor, settings):
    own_site.python("from tests.test_site import forget_translations; forget_translations()")
    own_site.manage("publish")
    settings.SNAPSHOT_DIR = own_site.snapshots
    snapshot.open_current()
    reference = [model for model in publication.public_models() if model not in publication.staff_models()]
    elsewhere = words_of_the_chrome("fr") | set(languages_of_texts(reference))
    french = {
        words
        for words, codes in languages_of_texts(publication.staff_models()).items()
        if codes == {"fr"} and len(words) > 12
    }
    french = {words for words in french - elsewhere if not HOST.fullmatch(words)}
    assert len(french) > 500
    unmarked, missing, checked = [], [], 0
    in_french = crawl(visitor, ("fr",))
    for path, visit in crawl(visitor, ("en", "de")).items():
        assert visit.response.status_code == 200
        for words, element in visit.page.one("body").texts():
            checked += words in french
            # A link's or a heading's words may stand among others: "More about …".
            if element.language != "fr" and any(piece in words for piece in french):
                unmarked.append((path, str(element), words[:80]))
        alternate = visit.page.one("link", rel="alternate", hreflang="fr").get("href")
        twin = in_french[alternate.removeprefix(site_settings.SITE_ORIGIN)]
        shown = visit.page.text
        missing += [
            (path, words) for words, _element in twin.page.one("main").texts() if words in french and words not in shown
        ]
    assert checked > 1000
    assert not missing
    assert not unmarked


# --- Cost ---------------------------------------------------------------------------------------------------------


def test_a_page_asks_the_snapshot_a_bounded_number_of_questions(every_page):
    assert all(visit.queries > 0 for visit in every_page.values())
    allowed = {path: MOST_QUERIES_OF_A_SEARCH if "?" in path else MOST_QUERIES for path in every_page}
    assert not {path: visit.queries for path, visit in every_page.items() if visit.queries > allowed[path]}


def double_every_record() -> None:
    """Twice of everything, in a process of its own. The copies say that they are invented."""
    from sensgene.records import Record

    for model in publication.staff_models():
        for row in model._base_manager.all():
            row.pk = None
            if isinstance(row, Record):
                row.slug = f"{row.slug}-invented"
            if model._meta.label == "centres.Centre":
                row.kind = "competence"  # of coordinating ones, a network has one
            if model._meta.label == "centres.Contact":
                row.value = f"invented-{row.value}"
            row.save()


def test_the_number_of_questions_does_not_grow_with_the_directory(own_site, visitor, pages, settings):
    own_site.python("from tests.test_site import double_every_record; double_every_record()")
    own_site.manage("publish")
    settings.SNAPSHOT_DIR = own_site.snapshots
    doubled = crawl(visitor, ("fr",))
    compared = {path: visit for path, visit in doubled.items() if path in pages}
    assert len(doubled) > len(compared) + 40 > 100
    longer = [path for path, visit in compared.items() if len(visit.html) > 1.2 * len(pages[path].html)]
    assert len(longer) > 10  # the pages did get more rows
    grown = {path: (pages[path].queries, visit.queries) for path, visit in compared.items()}
    assert not {path: counts for path, counts in grown.items() if counts[1] > counts[0]}


def test_pages_and_fonts_are_light(site, every_page):
    static = site.folder / "static"
    style = len(gzip.compress((static / "css" / "site.css").read_bytes()))
    heavy = {path: len(gzip.compress(visit.response.content)) + style for path, visit in every_page.items()}
    assert min(heavy.values()) > 3_000
    assert not {path: size for path, size in heavy.items() if size > MOST_BYTES}
    fonts = {path.name.split(".")[0]: path.stat().st_size for path in (static / "fonts").glob("*.woff2")}
    assert len(fonts) == 2
    assert sum(fonts.values()) <= MOST_FONT_BYTES


# --- Privacy ------------------------------------------------------------------------------------------------------


def test_no_page_sets_a_cookie(every_page):
    assert not [
        path for path, visit in every_page.items() if visit.response.cookies or visit.response.has_header("Set-Cookie")
    ]
    assert not [path for path, visit in every_page.items() if "csrfmiddlewaretoken" in visit.html]


def test_no_page_loads_anything_from_elsewhere_or_carries_code_of_its_own(every_page):
    wrong, checked = [], 0
    loading = {"link": "href", "img": "src", "script": "src", "source": "src", "iframe": "src", "use": "href"}
    for path, visit in every_page.items():
        for element in visit.page.walk():
            is_hint = element.get("rel") in ("canonical", "alternate")
            if element.name in loading and not is_hint:
                checked += 1
                address = urljoin(site_settings.SITE_ORIGIN + path, element.get(loading[element.name], ""))
                if not is_ours(address) or loading[element.name] not in element.attributes:
                    wrong.append((path, str(element)))
            bans = [name for name in element.attributes if name == "style" or name.startswith("on") or name == "srcset"]
            if element.name == "style" or bans:
                wrong.append((path, str(element)))
    assert not wrong
    assert checked >= 2 * len(every_page)


# --- The chrome ---------------------------------------------------------------------------------------------------


def tab_stops(page: Element) -> list[Element]:
    return [
        element
        for element in page.walk()
        if (element.name in ("a", "button", "select", "textarea") or element.name == "input")
        and element.get("type") != "hidden"
        and element.get("tabindex") != "-1"
    ]


def test_the_first_stop_skips_to_the_content_and_the_display_buttons_come_next(every_page):
    for path, visit in every_page.items():
        page = visit.page
        skip, *stops = tab_stops(page)
        assert skip.get("href") == "#main", path
        main = page.one("main")
        assert (main.get("id"), main.get("tabindex")) == ("main", "-1"), path
        first_words, holder = next(main.texts())
        assert "h1" in [element.name for element in holder.ancestors()], f"{path}: {first_words} stands before the h1"
        first_contrast = next(place for place, stop in enumerate(stops) if stop.get("name") == "contrast")
        assert stops[0].get("name") == "zoom"
        assert first_contrast < 3
        menu = page.one("nav", class_="menu").all("a")[0]
        assert stops.index(menu) > first_contrast


def test_the_chrome_has_the_same_order_on_every_page(every_page):
    def order(visit: Visit) -> list[str]:
        """The landmarks and groups outside `main`, without those that depend on the place."""
        chrome = []
        for element in visit.page.one("body").walk():
            is_inside = any(outer.name == "main" for outer in element.ancestors())
            if element.name in ("header", "nav", "form", "footer", "section") and not is_inside:
                chrome.append(f"{element.name}.{element.get('class')}")
        return [name for name in chrome if name not in ("nav.submenu", "nav.breadcrumb")]

    orders = {tuple(order(visit)) for visit in every_page.values()}
    assert len(orders) == 1
    assert len(orders.pop()) >= 6
    for landmark in ("header", "main", "footer"):
        assert all(len(visit.page.all(landmark)) == 1 for visit in every_page.values())


def test_the_menu_marks_where_the_visitor_is(pages):
    in_menu = {item.url_name for section in navigation.MENU for item in section.items}
    checked = 0
    for path, visit in pages.items():
        name = visit.url_name
        current = [link for link in visit.page.one("nav", class_="menu").all("a") if link.get("aria-current")]
        submenu = visit.page.all("nav", class_="submenu")
        here = [link for nav in submenu for link in nav.all("a") if link.get("aria-current") == "page"]
        if name in in_menu:
            checked += 1
            assert len(current) == 1, path
            assert [link.get("href") for link in here] == ([path] if submenu else []), path
        trail = visit.page.all("nav", class_="breadcrumb")
        if name != "home":
            assert len(trail) == 1, path
            assert trail[0].all("li")[-1].get("aria-current") == "page", path
            assert trail[0].all("a")[0].get("href") == languages.home(visit.language), path
    assert checked >= 3 * len(in_menu)


def test_every_page_names_newsletter_accessibility_and_help_at_its_foot(pages):
    wanted = [
        "subscribe",
        "newsletter-feed",
        "help-lines",
        "contact",
        "accessibility",
        "site-map",
        "legal-notice",
        "privacy",
        "sources",
    ]
    for path, visit in pages.items():
        foot = {link.get("href") for link in visit.page.one("footer").all("a")}
        assert not [name for name in wanted if address_of(name, visit.language) not in foot], path


def address_of(url_name: str, language: str) -> str:
    with translation.override(language):
        return reverse(url_name)
