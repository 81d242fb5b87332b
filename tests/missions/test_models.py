"""What the database and the admin refuse to hold of the texts, and what the models say of themselves."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import translation

from missions.models import AccessibilityAudit, Body, LegalText, Milestone, Mission, Page
from sensgene import sitemaps
from sensgene.records import Record, State
from tests import factories
from tests.tables import tables

pytestmark = pytest.mark.django_db

TABLES = tables("missions")
LANGUAGES = ("fr", "en", "de")


# --- Constraints --------------------------------------------------------------------------------------------------

Result = AccessibilityAudit.Result


def audit(**fields) -> AccessibilityAudit:
    made = factories.accessibility_audit()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


# constraint: (audits that it refuses, audits that it allows)
CONSTRAINTS = {
    "audit_has_a_date_once_it_has_a_result": (
        [{"audited_on": "2026-11-22"}, *({"result": result} for result in Result if result != Result.NOT_AUDITED)],
        [{}, *({"result": result, "audited_on": "2026-11-22"} for result in Result if result != Result.NOT_AUDITED)],
    ),
    "audit_rate_is_a_percentage": (
        [{"rate": "-0.01"}, {"rate": "100.01"}],
        [{"rate": "0"}, {"rate": "100"}, {"rate": "74.50"}],
    ),
}
BY_NAME = {constraint.name: constraint for model in TABLES for constraint in model._meta.constraints}


def test_every_constraint_has_its_cases():
    assert set(BY_NAME) == set(CONSTRAINTS)


def cases(position: int) -> list[tuple]:
    return [(name, fields) for name, both in CONSTRAINTS.items() for fields in both[position]]


@pytest.mark.parametrize(("name", "fields"), cases(0))
def test_what_contradicts_itself_is_refused_in_words_and_by_the_database(name, fields):
    row = audit(**fields)
    with pytest.raises(ValidationError) as refusal:
        row.full_clean()
    message = str(BY_NAME[name].violation_error_message)
    assert message in refusal.value.messages
    assert name not in message, "an editor reads it"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.parametrize(("name", "fields"), cases(1))
def test_what_does_not_contradict_itself_is_saved(name, fields):
    row = audit(**fields)
    row.full_clean()
    row.save()


# --- Nothing disappears with something else -----------------------------------------------------------------------

RELATIONS = [field for model in TABLES for field in model._meta.fields if field.is_relation]


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda field: f"{field.model.__name__}.{field.name}")
def test_a_record_that_others_need_cannot_be_deleted(relation):
    needed = factories.FACTORIES[relation.related_model]()
    row = factories.FACTORIES[relation.model](**{relation.name: needed})
    with pytest.raises(models.ProtectedError):
        needed.delete()
    assert type(needed).objects.filter(pk=needed.pk).exists()
    assert type(row).objects.filter(pk=row.pk).exists()


# --- Pages --------------------------------------------------------------------------------------------------------


def test_a_page_that_the_navigation_links_to_stays_published():
    slugs = sitemaps.FixedPages().items()
    assert len(slugs) > 20
    for slug in slugs:
        page = factories.page(slug=slug)
        page.full_clean()
        for state in (State.DRAFT, State.ARCHIVED):
            page.state = state
            with pytest.raises(ValidationError) as refusal:
                page.full_clean()
            assert set(refusal.value.message_dict) == {"state"}, slug


def test_any_other_page_may_be_drafted_and_archived():
    page = factories.page(slug="invented-page")
    for state in State:
        page.state = state
        page.full_clean()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_has_one_address_in_every_language(language):
    with translation.override(language):
        other = factories.page(slug="invented-page").get_absolute_url()
        assert other.startswith(f"/{language}/")
        assert other.endswith("/invented-page/")
        assert factories.page(slug="home").get_absolute_url() == f"/{language}/"
        # Names of urls.py that are no page of prose.
        for slug in ("robots", "sitemap", "live", "by-language", "display"):
            assert factories.page(slug=slug).get_absolute_url().endswith(f"/{slug}/"), slug


def test_sections_follow_their_order():
    page = factories.page()
    later, sooner = factories.page_section(page=page, order=20), factories.page_section(page=page, order=10)
    assert list(page.sections.all()) == [sooner, later]


def test_a_source_that_a_section_names_is_not_named_again_for_the_page():
    one, other = "https://example.org/one", "https://example.org/other"
    page = factories.page(source_url=one)
    section = factories.page_section(page=page, source_url=other)
    assert page.source_is_its_own
    section.source_url = one
    section.save()
    assert not page.source_is_its_own


# --- Lists --------------------------------------------------------------------------------------------------------


def test_missions_are_those_of_one_body_in_their_order():
    second, first = (factories.mission(body=Body.CHANNEL, order=order) for order in (20, 10))
    factories.mission(body=Body.REFERENCE_CENTRE)
    assert list(Mission.objects.of(Body.CHANNEL)) == [first, second]


def test_history_is_told_from_the_oldest_event():
    dates = ["2019", "2004-11-20", "2019-04-10", "2019-04"]
    for day in dates:
        factories.milestone(date=day)
    assert list(Milestone.objects.values_list("date", flat=True)) == ["2004-11-20", "2019", "2019-04", "2019-04-10"]


def test_the_newest_law_comes_first_and_one_without_a_date_last():
    for day in ("2016-02", "", "2022-05-16"):
        factories.legal_text(date=day)
    assert list(LegalText.objects.values_list("date", flat=True)) == ["2022-05-16", "2016-02", ""]


def test_the_newest_audit_counts_and_one_that_never_took_place_comes_last():
    factories.accessibility_audit()
    for year in (2024, 2026, 2025):
        factories.accessibility_audit(result=Result.PARTIAL, audited_on=f"{year}-11-22")
    years = [audit.audited_on and audit.audited_on.year for audit in AccessibilityAudit.objects.all()]
    assert years == [2026, 2025, 2024, None]


@pytest.mark.parametrize(("language", "text"), [("fr", "1 773"), ("en", "1,773"), ("de", "1.773")])
def test_a_number_is_grouped_as_its_reader_groups_it(language, text):
    with translation.override(language):
        readable = factories.figure(number=1773).readable_number
    assert readable.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_coordinator_of_a_channel_keeps_their_name_whatever_the_title(language):
    with translation.override(language):
        with_title = factories.health_channel(coordinator="Pr Ada Invented").coordinator_name
        assert with_title.endswith(" Ada Invented")
        assert with_title.startswith("Pr")
        for name in ("Ada Invented", "Ada", ""):
            assert factories.health_channel(coordinator=name).coordinator_name == name


# --- All of them --------------------------------------------------------------------------------------------------


def test_every_record_begins_as_a_draft():
    records = [model for model in TABLES if issubclass(model, Record)]
    assert len(records) > 8
    assert {model().state for model in records} == {State.DRAFT}


def test_every_record_says_what_it_is():
    for model in TABLES:
        text = str(factories.FACTORIES[model]())
        assert text
        assert "object (" not in text, model


def test_a_page_is_named_in_the_language_of_its_reader():
    page = factories.page(title_fr="Accueil", title_en="Welcome", title_de="")
    names = {}
    for language in LANGUAGES:
        with translation.override(language):
            names[language] = str(Page.objects.get(pk=page.pk))
    assert names == {"fr": "Accueil", "en": "Welcome", "de": "Accueil"}
