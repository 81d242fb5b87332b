"""Pages of prose and their lists: order, dates, and what they promise readers."""

from datetime import date
from itertools import pairwise

import pytest
from django.urls import reverse
from django.utils import translation

from missions.models import AccessibilityAudit, Association, GlossaryTerm, HealthChannel, LegalText, Page, Partner
from sensgene import snapshot
from sensgene.languages import sort_key
from sensgene.records import State
from sensgene.sitemaps import FixedPages
from tests import factories
from tests.markup import Element, page_at

LANGUAGES = ("fr", "en", "de")
both = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)


def address(url_name: str, language: str, *arguments: str) -> str:
    with translation.override(language):
        return reverse(url_name, args=arguments)


# --- Prose --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_prose_shows_its_title_summary_and_sections_in_order(visitor, language):
    snapshot.open_current()
    pages = list(Page.public.prefetch_related("sections"))
    assert len(pages) > 15
    sections = 0
    for record in pages:
        with translation.override(language):
            path = record.get_absolute_url()
            expected = [in_one_line(section.heading) for section in record.sections.all() if section.heading]
            title, summary = in_one_line(record.title), in_one_line(record.summary)
        page = page_at(visitor, path)
        main = page.one("main")
        assert page.one("h1").text == title, path
        assert summary in main.text
        shown = [heading.text for heading in main.all("h2")]
        places = [shown.index(heading) for heading in expected]
        before = [shown.index(s) for s in expected if s in _headings(record, language, below=False)]
        after = [shown.index(s) for s in expected if s in _headings(record, language, below=True)]
        assert before == sorted(before) and after == sorted(after), path
        assert not before or not after or max(before) < min(after), path
        sections += len(places)
    assert sections > 40


def _headings(record: Page, language: str, *, below: bool) -> set[str]:
    return {in_one_line(getattr(each, f"heading_{language}")) for each in record.sections.all() if each.below == below}


def in_one_line(text: str) -> str:
    """As a reader hears it: blanks that do not break are blanks."""
    return " ".join(text.split())


@both
def test_a_page_that_staff_add_has_an_address_and_is_found(publish):
    factories.directory()
    added = factories.page(slug="invented-news")
    factories.page_section(page=added, body_fr="Texte inventé.", body_en="Invented words.", body_de="Erfundene Worte.")
    client = publish()
    for language, words in (("fr", "Texte inventé."), ("en", "Invented words."), ("de", "Erfundene Worte.")):
        path = address("page", language, "invented-news")
        assert words in page_at(client, path).one("main").text
        assert path in [link.get("href") for link in page_at(client, address("site-map", language)).all("a")]
        assert f"{path}</loc>" in client.get("/sitemap.xml").content.decode()


@both
def test_a_page_taken_off_the_site_answers_gone_and_a_draft_was_never_there(publish):
    factories.directory()
    factories.page(slug="invented-old", state=State.ARCHIVED)
    factories.page(slug="invented-draft", state=State.DRAFT)
    client = publish()
    for language in LANGUAGES:
        assert client.get(address("page", language, "invented-old")).status_code == 410
        assert client.get(address("page", language, "invented-draft")).status_code == 404


def test_a_page_has_one_address(visitor):
    """The pages of the navigation have an address in words; under their short name they would stand there twice."""
    slugs = FixedPages().items()
    assert len(slugs) > 15
    twice = []
    for slug in slugs:
        response = visitor.get(address("page", "en", slug))
        if response.status_code not in (404, 301):
            twice.append(slug)
        elif response.status_code == 301:
            assert response["Location"] == address(slug, "en")
    assert not twice


@both
def test_what_an_editor_types_is_shown_as_text(publish):
    factories.directory()
    page = factories.page(slug="invented-page", title_fr="A & <b>", title_en="A & <b>", title_de="A & <b>")
    factories.page_section(page=page, heading_fr="<i>x</i>", body_fr="<script>alert(1)</script>\n\n- <b>eins</b>")
    shown = page_at(publish(), address("page", "fr", "invented-page"))
    assert shown.one("h1").text == "A & <b>"
    assert "<script>alert(1)</script>" in shown.one("main").text
    assert not shown.all("script", "b", "i")
    assert shown.one("title").text.startswith("A & <b>")


# --- Lists --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("url_name", "model", "number"),
    [
        ("health-channels", HealthChannel, 23),
        ("associations", Association, None),
        ("partners", Partner, None),
        ("legal-texts", LegalText, None),
    ],
)
def test_every_record_of_a_list_is_on_its_page_under_its_own_anchor(visitor, url_name, model, number, language):
    page = page_at(visitor, address(url_name, language))
    snapshot.open_current()
    slugs = list(model.public.values_list("slug", flat=True))
    assert len(slugs) == (number or len(slugs)) > 3
    entries = [item.get("id") for item in page.one("ul", class_="entries").children if isinstance(item, Element)]
    assert entries == slugs
    headings = [item.all("h3")[0].text for item in page.one("ul", class_="entries").all("li") if item.get("id")]
    assert len(set(headings)) == len(slugs)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_glossary_is_in_the_alphabetical_order_of_its_language(visitor, language):
    page = page_at(visitor, address("glossary", language))
    snapshot.open_current()
    terms = [getattr(term, f"term_{language}") for term in GlossaryTerm.public.all()]
    shown = [entry.one("dt").text for entry in page.one("dl", class_="terms").all("div")]
    assert len(shown) == len(terms) > 10
    assert [sort_key(term) for term in shown] == sorted(sort_key(term) for term in shown)
    assert all(any(text.startswith(term) for text in shown) for term in terms)


@both
def test_laws_are_listed_newest_first_and_undated_ones_last(publish):
    factories.directory()
    for slug, day in (("older", "2004-08-09"), ("newest", "2023-12"), ("undated", ""), ("middle", "2019")):
        factories.legal_text(slug=f"invented-{slug}", date=day)
    page = page_at(publish(), address("legal-texts", "fr"))
    shown = [item.get("id") for item in page.one("ul", class_="entries").all("li")]
    wanted = [f"invented-{slug}" for slug in ("newest", "middle", "older", "undated")]
    assert [slug for slug in shown if slug in wanted] == wanted


@both
@pytest.mark.parametrize(
    ("partial", "words"),
    [
        ("2019", {"fr": "2019", "en": "2019", "de": "2019"}),
        ("2019-04", {"fr": "avril 2019", "en": "April 2019", "de": "April 2019"}),
        ("2019-04-01", {"fr": "1 avril 2019", "en": "1 April 2019", "de": "1. April 2019"}),
    ],
)
def test_a_date_is_never_more_precise_than_its_source(publish, partial, words):
    factories.directory()
    factories.milestone(date=partial, text_fr="Événement inventé.", text_en="Invented event.", text_de="Erfundenes.")
    client = publish()
    for language, expected in words.items():
        dates = [each.text for each in page_at(client, address("channel", language)).all("p", class_="timeline-date")]
        assert expected in [day.replace("1er", "1") for day in dates]


@both
def test_the_history_runs_forward(publish):
    factories.directory()
    for day in ("2023", "2004-11", "2019-04-10", "2014"):
        factories.milestone(date=day)
    dates = page_at(publish(), address("channel", "en")).all("p", class_="timeline-date")
    years = [int(each.text[-4:]) for each in dates]
    assert len(years) >= 4
    assert all(before <= after for before, after in pairwise(years))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_carries_its_date_and_its_number_is_grouped(visitor, language):
    seen = 0
    for url_name in ("reference-centres", "competence-centres", "channel"):
        page = page_at(visitor, address(url_name, language))
        for item in page.one("ul", class_="figures").all("li"):
            seen += 1
            assert item.one("p", class_="figure-date").text
            number = item.one("strong").text
            assert number[0].isdigit()
            assert not number.replace(".", "").replace(",", "").isdigit() or len(number) < 4 or number[-4] in ".,"
    assert seen > 5


@both
def test_large_numbers_are_grouped_as_the_language_groups_them(publish):
    factories.directory()
    factories.figure(slug="channels", number=3_000_000)
    client = publish()
    shown = {
        language: page_at(client, address("channel", language)).one("ul", class_="figures").all("strong")[0].text
        for language in LANGUAGES
    }
    assert shown["en"] == "3,000,000"
    assert shown["de"] == "3.000.000"
    assert "".join(shown["fr"].split()) == "3000000" and len(shown["fr"]) == 9


# --- Accessibility statement --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_foot_and_statement_say_the_same_of_the_sites_accessibility(visitor, language):
    snapshot.open_current()
    with translation.override(language):
        state = (AccessibilityAudit.public.first() or AccessibilityAudit()).get_result_display()
    statement = page_at(visitor, address("accessibility", language)).one("main").all("dl", class_="facts")[0]
    home = page_at(visitor, address("home", language))
    assert state in statement.all("dd")[0].text
    assert state in home.one("p", class_="note").text
    assert state in home.one("footer").text


def test_the_audit_that_the_statement_names_is_not_older_than_three_years(visitor):
    """The law wants a new one then; so does this test."""
    snapshot.open_current()
    audit = AccessibilityAudit.public.first()
    assert audit is not None
    if audit.audited_on is None:
        assert audit.result == AccessibilityAudit.Result.NOT_AUDITED
    else:
        assert (date.today() - audit.audited_on).days < 3 * 365


@both
def test_the_newest_audit_counts(publish):
    factories.directory()
    for slug, day, rate in (("old", "2020-01-01", 20), ("new", "2026-05-04", 87.5)):
        factories.accessibility_audit(
            slug=f"invented-{slug}", result="partial", audited_on=day, rate=rate, auditor="Invented auditor"
        )
    text = page_at(publish(), address("accessibility", "en")).one("main").text
    assert "87.5" in text and "4 May 2026" in text and "Invented auditor" in text
    assert "2020" not in text
