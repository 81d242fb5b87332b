"""The feeds: valid Atom (RFC 4287) in each language, whole issues, the newest first."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from django.conf import settings as site_settings
from django.urls import reverse
from django.utils import translation

from sensgene import publication
from tests import factories
from tests.markup import read
from tests.newsletter.test_views import address_of, both, publish  # noqa: F401  (a fixture)

LANGUAGES = ("fr", "en", "de")
ATOM = "{http://www.w3.org/2005/Atom}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def feed_of(response) -> ElementTree.Element:
    """The feed, once it is sure that it has what RFC 4287 wants."""
    assert response.status_code == 200
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(response.content)  # noqa: S314  (our own)
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    for element in (feed, *entries):
        for name in ("id", "title", "updated"):
            [only] = element.findall(f"{ATOM}{name}")
            assert only.text.strip()
        for name in ("updated", "published"):
            assert all(RFC_3339.fullmatch(each.text) for each in element.findall(f"{ATOM}{name}"))
        assert re.match(r"https?://", element.find(f"{ATOM}id").text)
        alternate = [each for each in element.findall(f"{ATOM}link") if each.get("rel", "alternate") == "alternate"]
        assert len(alternate) == 1
    assert feed.find(f"{ATOM}author/{ATOM}name").text == "SENSGENE"
    ids = [each.text for each in feed.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))
    assert all(each.text for each in feed.iter(f"{ATOM}subtitle"))
    return feed


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_feed_without_issues_is_valid_and_the_same_for_everybody(visitor, language):
    path = address_of("newsletter-feed", language)
    first, second = visitor.get(path), visitor.get(path)
    feed = feed_of(first)
    assert not feed.findall(f"{ATOM}entry")
    assert feed.get(XML_LANG) == language
    [own] = [each for each in feed.findall(f"{ATOM}link") if each.get("rel") == "self"]
    assert own.get("href") == site_settings.SITE_ORIGIN + path
    assert first.content == second.content
    assert "s-maxage" in first["Cache-Control"] and "ETag" in first
    assert not first.cookies


@both
def test_issues_are_in_the_feed_of_each_language_they_exist_in(publish):  # noqa: F811
    centre = factories.directory()
    old = factories.issue(slug="invented-old", released_at=datetime(2026, 3, 1, 9, tzinfo=UTC))
    new = factories.issue(
        slug="invented-new", released_at=datetime(2026, 11, 20, 9, tzinfo=UTC), subject_fr="Un & deux <trois>"
    )
    body = "Premier [glossaire](page:glossary).\n\n- un\n- <b>deux</b>"
    factories.issue_section(issue=new, body_fr=body, centre=centre)
    client = publish()
    in_french = feed_of(client.get(address_of("newsletter-feed", "fr")))
    entries = in_french.findall(f"{ATOM}entry")
    origin = site_settings.SITE_ORIGIN
    assert entries[0].find(f"{ATOM}title").text == "Un & deux <trois>"
    assert entries[0].find(f"{ATOM}id").text == origin + address_of("issue", "fr", "invented-new")
    assert entries[0].find(f"{ATOM}published").text.startswith("2026-11-20T09:00:00")
    assert entries[-1].find(f"{ATOM}published").text == "2026-03-01T09:00:00Z" or old.slug in [
        each.find(f"{ATOM}id").text.rstrip("/").rpartition("/")[2] for each in entries
    ]
    content = entries[0].find(f"{ATOM}content")
    assert content.get("type") == "html"
    page, problems = read(content.text)
    assert not problems
    assert page.one("h2").text == "Invented heading (fr)"
    linked = [anchor.get("href") for anchor in page.all("a")]
    with translation.override("fr"):
        assert linked == [origin + reverse("glossary"), origin + centre.get_absolute_url()]
    assert "<b>deux</b>" in page.text
    for language in ("en", "de"):
        titles = [
            each.find(f"{ATOM}title").text
            for each in feed_of(client.get(address_of("newsletter-feed", language))).findall(f"{ATOM}entry")
        ]
        assert "Un & deux <trois>" not in titles
        assert f"Invented issue for a test ({language})" in titles


@both
def test_a_feed_asks_the_snapshot_alone_and_holds_the_last_issues(publish, django_assert_num_queries):  # noqa: F811
    factories.directory()
    for day in range(1, 26):
        factories.issue_section(issue=factories.issue(released_at=datetime(2026, 10, day, tzinfo=UTC)))
    client = publish()
    assert "newsletter.Issue" in publication.PUBLIC_FIELDS
    with django_assert_num_queries(0, using="default"):
        feed = feed_of(client.get(address_of("newsletter-feed", "de")))
    dates = [each.find(f"{ATOM}published").text for each in feed.findall(f"{ATOM}entry")]
    assert len(dates) == 20
    assert dates == sorted(dates, reverse=True)


@both
def test_signs_that_xml_forbids_do_not_break_a_feed(publish):  # noqa: F811
    """They are pasted from elsewhere, unseen; a reader of feeds would refuse the whole feed."""
    factories.directory()
    bad = "Invented\x0b issue\uffff"
    factories.issue_section(
        issue=factories.issue(**factories.in_three_languages("subject", bad)),
        **factories.in_three_languages("body", f"Invented {bad}"),
    )
    client = publish()
    for language in LANGUAGES:
        titles = [
            each.text for each in feed_of(client.get(address_of("newsletter-feed", language))).iter(f"{ATOM}title")
        ]
        assert f"Invented issue ({language})" in titles
