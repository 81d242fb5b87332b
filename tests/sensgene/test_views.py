"""The site's own pages: by language, home, what machines read, and what is said when something is wrong."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone, translation

from sensgene import snapshot, views
from tests.markup import document, read

LANGUAGES = ("fr", "en", "de")


def address(url_name: str, language: str = "fr", *arguments: str) -> str:
    with translation.override(language):
        return reverse(url_name, args=arguments)


def page_of(response):
    found, problems = read(response.content.decode())
    assert not problems
    return found


# --- Languages and redirects --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        *(("de", "de"), ("en-GB,en;q=0.9", "en"), ("fr-CA", "fr"), ("de-AT;q=0.9, en;q=0.8", "de"), ("*", "fr")),
        *(("", "fr"), ("es, it;q=0.9", "fr"), ("es, en;q=0.1", "en"), ("en;q=0, de", "de"), ("x" * 5000, "fr")),
    ],
)
def test_the_bare_address_answers_by_the_language_of_the_browser(visitor, wish, language):
    response = visitor.get("/", headers={"accept-language": wish})
    assert (response.status_code, response["Location"]) == (302, f"/{language}/")
    assert "Accept-Language" in response["Vary"]


def test_no_other_page_depends_on_the_language_of_the_browser(visitor):
    for language in LANGUAGES:
        answers = {visitor.get(f"/{language}/", headers={"accept-language": wish}).content for wish in LANGUAGES}
        assert len(answers) == 1
        assert "Accept-Language" not in visitor.get(f"/{language}/").get("Vary", "")


@pytest.mark.parametrize("path", ["/accessibilite", "/accessibilite/"])
def test_the_address_that_french_law_makes_people_expect_leads_to_the_statement(visitor, path):
    response = visitor.get(path, headers={"accept-language": "de"})
    assert response.status_code == 301
    assert response["Location"] == address("accessibility", "fr")
    assert visitor.get(response["Location"]).status_code == 200


def test_a_forgotten_slash_is_forgiven_and_the_query_kept(visitor):
    for language in LANGUAGES:
        whole = address("glossary", language)
        response = visitor.get(f"{whole.rstrip('/')}?a=b")
        assert (response.status_code, response["Location"]) == (301, f"{whole}?a=b")


def test_the_words_of_one_language_are_no_address_in_another(visitor):
    words = {language: address("reference-centres", language).split("/", 2)[2] for language in LANGUAGES}
    assert len(set(words.values())) == 3
    for language in LANGUAGES:
        for other in set(LANGUAGES) - {language}:
            assert visitor.get(f"/{language}/{words[other]}").status_code == 404


# --- Home and site map --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_home_page_shows_every_network_with_its_coordinator(visitor, language):
    from centres.models import Centre

    page = page_of(visitor.get(f"/{language}/"))
    snapshot.open_current()
    coordinating = list(Centre.public.coordinating().with_place_and_people())
    assert len(coordinating) == 6
    tiles = page.one("ul", class_="tiles").all("li")
    assert len(tiles) == 6
    links = {link.get("href"): tile for tile in tiles for link in tile.all("a")}
    for centre in coordinating:
        with translation.override(language):
            tile = links[centre.network.get_absolute_url()]
            coordinator = str(centre.coordinator) if centre.coordinator else None
        assert centre.hospital.town in tile.text
        assert coordinator is None or coordinator in tile.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_site_map_links_to_every_page_of_the_sitemap(visitor, language):
    from sensgene import sitemaps

    page = page_of(visitor.get(address("site-map", language)))
    snapshot.open_current()
    linked = {link.get("href") for link in page.all("a")}
    sections = sitemaps.paths(language)
    assert len(sections.pop("diseases")) > 1000  # the pages by letter list them
    paths = [path for section in sections.values() for path in section]
    assert len(paths) > 40
    assert not [path for path in paths if path not in linked]


# --- For machines -------------------------------------------------------------------------------------------------


def test_robots_may_read_everything_but_the_admin_and_mailed_links(visitor, settings):
    settings.SITE_ORIGIN = "https://directory.example.org"
    response = visitor.get("/robots.txt", headers={"host": "localhost"})
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    lines = response.content.decode().splitlines()
    assert "User-agent: *" in lines
    refused = [line for line in lines if line.startswith("Disallow")]
    assert refused == [f"Disallow: {settings.STAFF_PATH}", "Disallow: /n/"]
    assert "Sitemap: https://directory.example.org/sitemap.xml" in lines


SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"


def test_the_sitemap_names_every_page_once_with_its_twins(visitor, settings):
    from sensgene import sitemaps

    response = visitor.get("/sitemap.xml", headers={"host": "localhost", "x-forwarded-host": "evil.example"})
    assert response["Content-Type"].startswith("application/xml")
    entries = ElementTree.fromstring(response.content).findall(f"{SITEMAP}url")  # noqa: S314  (our own)
    found = [entry.findtext(f"{SITEMAP}loc") for entry in entries]
    snapshot.open_current()
    expected = {settings.SITE_ORIGIN + path for language in LANGUAGES for path in sitemaps.all_paths(language)}
    assert len(found) == len(set(found)) > 120
    assert set(found) == expected
    for entry in entries:
        twins = {link.get("hreflang"): link.get("href") for link in entry.findall(f"{XHTML}link")}
        assert set(twins) == {*LANGUAGES, "x-default"}
        assert entry.findtext(f"{SITEMAP}loc") in twins.values()
        assert twins["x-default"] == twins["fr"]
        assert set(twins.values()) <= expected


def test_the_sitemap_dates_a_record_by_its_last_change(visitor):
    from centres.models import Centre

    response = visitor.get("/sitemap.xml")
    snapshot.open_current()
    centre = Centre.public.order_by("slug").first()
    path = address("centre", "fr", centre.slug)
    for entry in ElementTree.fromstring(response.content).findall(f"{SITEMAP}url"):  # noqa: S314
        if urlsplit(entry.findtext(f"{SITEMAP}loc")).path == path:
            assert entry.findtext(f"{SITEMAP}lastmod")[:10] == f"{timezone.localtime(centre.updated_at):%Y-%m-%d}"
            break
    else:
        raise AssertionError(f"{path} is not in the sitemap")


def security_fields(visitor) -> dict[str, str]:
    response = visitor.get("/.well-known/security.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    pairs = [line.partition(": ") for line in response.content.decode().splitlines() if line]
    assert all(colon for _name, colon, _value in pairs)
    assert len({name for name, _colon, _value in pairs}) == len(pairs)
    return {name: value for name, _colon, value in pairs}


def test_security_txt_says_whom_to_tell(visitor, settings):
    fields = security_fields(visitor)
    assert {"Contact", "Expires", "Preferred-Languages", "Canonical"} <= set(fields)
    assert fields["Canonical"] == f"{settings.SITE_ORIGIN}/.well-known/security.txt"
    assert fields["Preferred-Languages"] == "fr, en, de"
    for name in ("Contact", "Policy"):
        page = fields[name].removeprefix(settings.SITE_ORIGIN)
        assert page != fields[name]
        assert visitor.get(page).status_code == 200


@pytest.mark.parametrize("contact", ["mailto:security@example.org", "https://example.org/report", "tel:+33144000000"])
def test_the_operators_own_security_contact_comes_first(visitor, settings, contact):
    settings.SECURITY_CONTACT = contact
    assert security_fields(visitor)["Contact"] == contact


def test_security_txt_expires_neither_soon_nor_never(visitor):
    """RFC 9116: less than a year ahead is recommended. This test fails a month before it runs out: renew it then."""
    expires = datetime.strptime(security_fields(visitor)["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    left = expires - datetime.now(UTC)
    assert timedelta(days=30) < left < timedelta(days=366)


# --- When something is wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["nowhere/", "centres/nowhere/", "a/b/c", "%F0%9F%A6%AE/", "pages/nowhere/"])
def test_a_missing_page_says_so_in_the_language_of_its_address(visitor, language, path):
    response = visitor.get(f"/{language}/{path}")
    page = page_of(response)
    assert response.status_code == 404
    assert response["Cache-Control"] == "public, max-age=60"
    assert page.one("html").get("lang") == language
    assert len(page.all("h1")) == 1
    assert re.fullmatch(r".+ - SENSGENE", page.one("title").text)
    assert page.one("nav", class_="menu")
    ways_on = [link.get("href") for link in page.one("main").all("a")]
    assert len(ways_on) >= 3
    assert all(visitor.get(way).status_code == 200 for way in ways_on)
    # A page that is none is no twin of another, and its language links lead home.
    assert not page.all("link", rel="canonical") and not page.all("link", rel="alternate")
    links = [link.get("href") for link in page.one("nav", class_="languages").all("a")]
    assert links == [f"/{code}/" for code in LANGUAGES]


@pytest.mark.parametrize("path", ["/nowhere", "/es/", "/wp-login.php", "/favicon.ico", "/.env"])
def test_a_missing_address_without_a_language_is_answered_in_all_three(visitor, path):
    response = visitor.get(path)
    page = page_of(response)
    assert (response.status_code, response["Cache-Control"]) == (404, "public, max-age=60")
    assert [section.get("lang") for section in page.all("section")] == ["fr", "en", "de"]
    assert [link.get("href") for link in page.all("a")] == ["/fr/", "/en/", "/de/"]


def archive_one_of_each() -> None:
    """Staff take one centre and one network off the site. Runs in a process of its own."""
    from centres.models import Centre, Network
    from sensgene.records import State

    centre = Centre.objects.filter(kind="competence").first()
    network = Network.objects.exclude(pk=centre.network_id).first()
    for record in (centre, network):
        type(record).objects.filter(pk=record.pk).update(state=State.ARCHIVED)
    print(centre.slug, network.slug)


def test_a_withdrawn_page_answers_gone_in_the_language_of_its_address(own_site, visitor, settings):
    done = own_site.python("from tests.sensgene.test_views import archive_one_of_each; archive_one_of_each()")
    own_site.manage("publish")
    settings.SNAPSHOT_DIR = own_site.snapshots
    for kind, slug in zip(("centre", "network"), done.stdout.split(), strict=True):
        for language in LANGUAGES:
            path = address(kind, language, slug)
            response = visitor.get(path)
            page = page_of(response)
            assert (response.status_code, response["Cache-Control"]) == (410, "public, max-age=60")
            assert page.one("html").get("lang") == language
            assert len(page.all("h1")) == 1
            ways_on = [link.get("href") for link in page.one("main").all("a")]
            assert len(ways_on) >= 3
            assert all(visitor.get(way).status_code == 200 for way in ways_on)
        assert visitor.get(address(kind, "fr", f"{slug}-that-never-was")).status_code == 404
    assert visitor.get(address("centre-text", "fr", done.stdout.split()[0])).status_code == 410


PROBLEMS = {400: views.bad_request, 403: views.forbidden}


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500, 503])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_problem_is_told_in_three_languages_the_visitors_first(status, language):
    response = views.problem(RequestFactory().get(f"/{language}/anything/"), status)
    page = page_of(response)
    assert (response.status_code, response["Cache-Control"]) == (status, "no-store")
    assert page.one("html").get("lang") == language
    assert page.one("title").text == f"{status} - SENSGENE"
    assert len(page.all("h1")) == 1
    sections = page.all("section")
    assert [section.get("lang") for section in sections] == [
        language,
        *(code for code in LANGUAGES if code != language),
    ]
    assert len({section.one("h2").text for section in sections}) == 3  # in three languages indeed
    assert [section.one("a").get("href") for section in sections] == [
        f"/{section.get('lang')}/" for section in sections
    ]


def raising(error: Exception):
    def view(request):
        raise error

    return view


@pytest.mark.parametrize(
    ("error", "status"),
    [
        *((ValueError("broken"), 500), (OperationalError("away"), 503), (InterfaceError("closed"), 503)),
        *((PermissionDenied(), 403), (SuspiciousOperation("odd"), 400), (snapshot.NoSnapshot("none yet"), 503)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_in_a_page_is_answered_kindly_and_kept_by_nobody(visitor, monkeypatch, error, status):
    secret = "a-secret-of-the-code"
    error.args = (*error.args, secret)
    from django.urls import get_resolver

    pattern = next(each for each in get_resolver().url_patterns if getattr(each, "name", "") == "robots")
    monkeypatch.setattr(pattern, "callback", raising(error))
    response = visitor.get("/robots.txt")
    assert (response.status_code, response["Cache-Control"]) == (status, "no-store")
    assert secret not in response.content.decode()
    assert type(error).__name__ not in response.content.decode()
    assert len(page_of(response).all("section")) == 3
    assert ("Retry-After" in response) == (status == 503)


def test_the_last_page_of_all_cannot_fail(monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("no template can be read")

    monkeypatch.setattr(views, "render_to_string", broken)
    response = views.problem(RequestFactory().get("/fr/"), 500)
    assert response.status_code == 500
    assert document(response.content.decode()).one("h1").text == "500"
