"""Every public page, for search engines, for the publication's checks and for the tests' crawl."""

from itertools import cycle
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse
from django.utils import translation

from centres import diseases
from centres.models import Centre, Network, Region
from centres.reference import Disease
from missions.models import Page
from newsletter.models import Issue
from sensgene import navigation


class PublicSitemap(Sitemap):
    """Each page in each language, its twins named beside it. The host comes from SITE_ORIGIN, never from a request."""

    i18n = True
    alternates = True
    protocol = urlsplit(settings.SITE_ORIGIN).scheme

    def get_domain(self, site=None):
        return urlsplit(settings.SITE_ORIGIN).netloc

    def _urls(self, page, protocol, domain):
        """Django's own x-default takes the language out of the address; ours are never without one."""
        urls = super()._urls(page, protocol, domain)
        for url in urls:
            french = next(twin for twin in url["alternates"] if twin["lang_code"] == settings.LANGUAGE_CODE)
            url["alternates"].append({**french, "lang_code": "x-default"})
        return urls


class FixedPages(PublicSitemap):
    """The pages that the navigation knows."""

    def items(self):
        return navigation.PAGES

    def location(self, url_name):
        return reverse(url_name)


class RecordPages(PublicSitemap):
    """The pages of one kind of record."""

    def __init__(self, model):
        self.model = model

    def items(self):
        return self.model.public.order_by("slug")

    def lastmod(self, record):
        return record.updated_at


class DiseasePages(PublicSitemap):
    """The diseases of eye and ear. The others have short pages that say where to ask, and that search engines pass over."""

    def items(self):
        return Disease.public.answered_here().only("orpha_code", "updated_at")

    def lastmod(self, disease):
        return disease.updated_at


class DiseaseLetters(PublicSitemap):
    """The same diseases by the first letter of their name."""

    def items(self):
        return diseases.letters()

    def location(self, letter):
        return reverse("disease-letter", args=[letter])


class RegionPages(PublicSitemap):
    def items(self):
        return list(Region)


class OtherPages(RecordPages):
    """Pages of prose that staff added beside those of the navigation."""

    def items(self):
        return [page for page in super().items() if page.slug not in navigation.PAGES]


SITEMAPS = {
    "pages": FixedPages,
    "networks": RecordPages(Network),
    "centres": RecordPages(Centre),
    "regions": RegionPages,
    "diseases-by-letter": DiseaseLetters,
    "diseases": DiseasePages,
    "other-pages": OtherPages(Page),
    "issues": RecordPages(Issue),
}


def sitemap_of(section) -> Sitemap:
    return section() if isinstance(section, type) else section


def paths(language: str) -> dict[str, list[str]]:
    """Section → the path of each of its pages in this language."""
    with translation.override(language):
        return {
            name: [sitemap.location(item) for item in sitemap.items()]
            for name, sitemap in ((name, sitemap_of(section)) for name, section in SITEMAPS.items())
        }


def all_paths(language: str) -> list[str]:
    """The path of every public page in this language."""
    return [path for section in paths(language).values() for path in section]


def one_path_per_type() -> list[str]:
    """Every page of the navigation and the first page of each kind of record, the languages taking turns.

    One language a page, because a publication waits for them all, and an editor for the publication.
    """
    turns = cycle(code for code, _name in settings.LANGUAGES)
    paths = []
    for sitemap in map(sitemap_of, SITEMAPS.values()):
        items = list(sitemap.items())
        for item in items if isinstance(sitemap, FixedPages) else items[:1]:
            with translation.override(next(turns)):
                paths.append(sitemap.location(item))
    return paths
