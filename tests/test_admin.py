"""The admin as staff use it: every model's pages, what is saved, what is refused, what strangers get."""

import re
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from modeltranslation.translator import translator

from centres.models import (
    Centre,
    CompetenceCentre,
    Coordinator,
    Disease,
    Kind,
    Network,
    ReferenceCentre,
    TreatedCondition,
)
from missions.models import Page, PageSection
from newsletter.models import Bounce, Delivery, Issue, Subscriber
from sensgene import publication
from sensgene.records import Record, State
from tests import factories
from tests.markup import Element, document

pytestmark = pytest.mark.django_db

LANGUAGES = ("fr", "en", "de")
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
RECORDS = [model for model in MODELS if issubclass(model, Record)]
LOADED_WHOLE = [Disease]  # staff correct them, and add none
LOOKED_AT = {Delivery: factories.delivery, Subscriber: factories.subscriber, Bounce: factories.bounce}
by_label = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
each_record = pytest.mark.parametrize("model", RECORDS, ids=lambda model: model._meta.label)
PASSWORD = "invented-password-for-a-test"


def make(model: type, **fields):
    """One more of them."""
    if model is User:
        return User.objects.create_user(f"invented-{User.objects.count()}")
    if model is Group:
        return Group.objects.create(name=f"Invented group {Group.objects.count()}")
    if model in LOOKED_AT:
        return LOOKED_AT[model](**fields)
    if model is Issue and fields.get("state") == State.DRAFT:
        fields.setdefault("released_at", None)
    if model is ReferenceCentre:
        fields.setdefault("kind", Kind.COORDINATING)
    base = Centre if model in (ReferenceCentre, CompetenceCentre) else model
    made = factories.FACTORIES[base](**fields)
    return model.objects.get(pk=made.pk)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("invented-boss", password=PASSWORD)


@pytest.fixture
def staff(boss) -> Client:
    """Somebody who may do everything. Their browser asks for English."""
    client = Client(raise_request_exception=False, headers={"accept-language": "en"})
    client.force_login(boss)
    return client


def url(model: type, page: str, *arguments) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def page_at(client: Client, address: str, **headers: str) -> Element:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, address
    return document(response.content.decode())


def form_of(page: Element) -> Element:
    """The form that is about the record: the one with a save button."""
    [form] = [form for form in page.all("form") if form.all("input", name="_save")]
    return form


def values_of(form: Element) -> dict[str, str | list[str]]:
    """What a browser would send if nobody touched anything."""
    values: dict[str, str | list[str]] = {}
    for element in form.all("input", "textarea", "select"):
        name, kind = element.get("name"), element.get("type")
        is_left_out = kind in ("submit", "button", "file") or "disabled" in element.attributes
        if not name or is_left_out or (kind in ("checkbox", "radio") and "checked" not in element.attributes):
            continue
        if element.name == "textarea":
            values[name] = element._raw_text().removeprefix("\n")
        elif element.name == "select":
            chosen = [option.get("value", "") for option in element.all("option") if "selected" in option.attributes]
            if "multiple" in element.attributes:
                values[name] = chosen
            else:
                options = [option.get("value", "") for option in element.all("option")]
                values[name] = (chosen or options[:1] or [""])[0]
        else:
            values[name] = element.get("value") or ("on" if kind == "checkbox" else "")
    return values


def save(client: Client, address: str, /, language: str = "en", **changes):
    """Opens a form, changes these fields, presses Save."""
    values = values_of(form_of(page_at(client, address, **{"accept-language": language})))
    return client.post(address, {**values, **changes}, headers={"accept-language": language})


def errors(response) -> str:
    return " ".join(each.text for each in document(response.content.decode()).all("ul", class_="errorlist"))


# --- Every page of every model ------------------------------------------------------------------------------------


@by_label
def test_list_form_and_history_of_every_model_open_in_every_language(staff, model):
    record = make(model)
    addresses = [
        url(model, "changelist"),
        *([url(model, "add")] if model not in (*LOADED_WHOLE, *LOOKED_AT) else []),
        url(model, "change", record.pk),
        url(model, "history", record.pk),
    ]
    addresses.append(f"{url(model, 'changelist')}?q=invented")
    for language in LANGUAGES:
        for address in addresses:
            page = page_at(staff, address, **{"accept-language": language})
            assert page.one("html").get("lang") == language
            assert not re.search(r"\{\{|\{%|%\(\w+\)s", page.text)
            # The policy of the admin lets nothing run that stands in the page.
            inline = [
                each
                for each in page.all("script")
                if "src" not in each.attributes and each.get("type") != "application/json"
            ]
            acting = [
                each
                for each in page.walk()
                if any(name == "style" or name.startswith("on") for name in each.attributes)
            ]
            assert not inline and not acting, address


def test_the_models_of_every_app_are_there(staff):
    labels = {model._meta.label for model in MODELS}
    assert len(RECORDS) == 17
    assert {"centres.ReferenceCentre", "centres.CompetenceCentre", "missions.Page", "auth.User"} <= labels
    listed = {link.get("href") for link in page_at(staff, "/staff/").all("a")}
    assert {url(model, "changelist") for model in MODELS} <= listed


@each_record
def test_a_form_has_a_room_for_each_language(staff, model):
    """…side by side, and none without a language: that column belongs to whatever language is active."""
    names = set(values_of(form_of(page_at(staff, url(model, "add")))))
    translated = translator.get_options_for_model(model).all_fields
    checked = 0
    for field in translated:
        if any(name.startswith(f"{field}_") for name in names):
            checked += 1
            assert {f"{field}_{language}" for language in LANGUAGES} <= names
            assert field not in names
    assert checked > 0
    assert names >= {"slug", "state", "staff_note"}
    assert ({"source_url", "verified_on"} <= names) == (model is not Issue)  # we write those ourselves


@each_record
def test_a_list_asks_the_same_number_of_questions_however_long_it_is(staff, model):
    def questions() -> int:
        with CaptureQueriesContext(connection) as queries:
            page_at(staff, url(model, "changelist"))
        return len(queries)

    for _one_of_two in range(2):  # a filter with one choice is not shown
        make(model)
    questions()  # the first request also reads what is kept afterwards
    few = questions()
    for _more in range(6):
        make(model)
    assert model.objects.count() == 8
    assert questions() == few


@each_record
def test_a_list_can_be_filtered_by_state_and_by_what_was_never_verified(staff, model):
    make(model, state=State.DRAFT, verified_on="2026-01-02" if model is not Page else None)
    make(model)
    for query, number in (("state__exact=draft", 1), ("state__exact=published", 1), ("state__exact=archived", 0)):
        page = page_at(staff, f"{url(model, 'changelist')}?{query}")
        assert len(page.all("input", name="_selected_action")) == number, query
    if model is not Issue:
        page_at(staff, f"{url(model, 'changelist')}?verified_on__isempty=1")


# --- Saving -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_typed_in_three_languages_is_stored_in_three_languages(staff, language):
    typed = {"name_fr": "Réseau inventé", "name_en": "Invented network", "name_de": "Erfundenes Netzwerk"}
    response = save(staff, url(Network, "add"), language, slug="invented-new", field="eye", state="draft", **typed)
    assert response.status_code == 302, errors(response)
    network = Network.objects.get(slug="invented-new")
    assert {name: getattr(network, name) for name in typed} == typed
    for code, text in zip(LANGUAGES, typed.values(), strict=True):
        with translation.override(code):
            assert Network.objects.get(pk=network.pk).name == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_saving_a_form_untouched_changes_no_word_in_any_language(staff, language):
    """The trap of translated columns: the one without a language is written in the language of whoever saves."""
    page = factories.page(summary_fr="Résumé", summary_en="", summary_de="Zusammenfassung")
    factories.page_section(page=page, heading_fr="Titre", heading_en="", heading_de="")
    columns = [field.attname for field in Page._meta.concrete_fields if re.search(r"_(fr|en|de)$", field.name)]
    parts = [field.attname for field in PageSection._meta.concrete_fields if re.search(r"_(fr|en|de)$", field.name)]

    def stored():
        record = Page.objects.filter(pk=page.pk).rewrite(False).values(*columns).get()
        return record, list(PageSection.objects.filter(page=page).rewrite(False).values(*parts))

    before = stored()
    response = save(staff, url(Page, "change", page.pk), language)
    assert response.status_code == 302, errors(response)
    after = stored()
    emptied = [{name: value or "" for name, value in each.items()} for each in (before[0], *before[1])]
    assert [{name: value or "" for name, value in each.items()} for each in (after[0], *after[1])] == emptied


def test_one_language_can_be_corrected_alone(staff):
    network = factories.network(name_fr="Nom", name_en="Name", name_de="Falsch")
    response = save(staff, url(Network, "change", network.pk), "fr", name_de="Richtig")
    assert response.status_code == 302, errors(response)
    network.refresh_from_db()
    assert (network.name_fr, network.name_en, network.name_de) == ("Nom", "Name", "Richtig")


def test_french_is_required_and_the_others_may_follow(staff):
    address = url(Network, "add")
    fields = {"slug": "invented-one", "field": "eye", "name_en": "", "name_de": ""}
    refused = save(staff, address, **fields, name_fr="")
    assert refused.status_code == 200
    assert errors(refused)
    assert not Network.objects.exists()
    assert save(staff, address, **fields, name_fr="Réseau inventé").status_code == 302
    assert Network.objects.get().name_fr == "Réseau inventé"


def test_a_condition_typed_on_a_centres_page_belongs_to_the_centres_network(staff):
    others = [factories.network(), factories.network()]
    centre = make(CompetenceCentre)
    assert centre.network not in others
    address = url(CompetenceCentre, "change", centre.pk)
    typed = {"conditions-TOTAL_FORMS": "1", "conditions-0-name_fr": "Maladie inventée", "conditions-0-order": "1"}
    response = save(staff, address, **typed)
    assert response.status_code == 302, errors(response)
    condition = TreatedCondition.objects.get()
    assert (condition.centre_id, condition.network_id) == (centre.pk, centre.network_id)

    other = factories.network()
    response = save(staff, address, network=str(other.pk))
    assert response.status_code == 302, errors(response)
    condition.refresh_from_db()
    assert condition.network_id == other.pk
    assert Centre.objects.get(pk=centre.pk).network_id == other.pk


def test_staff_tie_a_condition_to_an_entry_of_orphanet_and_publishing_notices(staff):
    condition = factories.treated_condition(centre=factories.centre(kind=Kind.COMPETENCE))
    disease = factories.disease()
    before = publication.fingerprint()
    address = url(CompetenceCentre, "change", condition.centre_id)
    assert save(staff, address, **{"conditions-0-diseases": [str(disease.pk)]}).status_code == 302
    assert list(condition.diseases.all()) == [disease]
    assert publication.fingerprint() != before
    found = staff.get(
        f"/staff/autocomplete/?app_label=centres&model_name=treatedcondition&field_name=diseases&term={disease.pk}"
    )
    assert [each["id"] for each in found.json()["results"]] == [str(disease.pk)]


def test_a_corrected_name_of_a_disease_is_marked_and_published(staff):
    disease = factories.disease()
    before = publication.fingerprint()
    assert save(staff, url(Disease, "change", disease.pk)).status_code == 302
    disease.refresh_from_db()
    assert not disease.is_edited  # nobody changed anything
    assert save(staff, url(Disease, "change", disease.pk), name_de="Erfundener Name").status_code == 302
    disease.refresh_from_db()
    assert (disease.name_de, disease.is_edited) == ("Erfundener Name", True)
    assert publication.fingerprint() != before
    for page in ("add", "delete"):
        assert staff.get(url(Disease, page, *([disease.pk] if page == "delete" else []))).status_code == 403


def test_a_whole_centre_is_typed_in_one_form(staff):
    network, hospital = factories.network(), factories.hospital()
    typed = {
        **{"slug": "invented-centre", "kind": "coordinating", "state": "published", "name_fr": "Centre inventé"},
        **{"network": str(network.pk), "hospital": str(hospital.pk), "sign_language": "yes"},
        **{"contacts-TOTAL_FORMS": "1", "contacts-0-kind": "phone", "contacts-0-value": "+33 1 44 49 57 44"},
        **{"contacts-0-order": "1", "team-TOTAL_FORMS": "1", "team-0-last_name": "Inventé", "team-0-order": "1"},
        **{"team-0-first_name": "Ada", "conditions-TOTAL_FORMS": "1", "conditions-0-name_fr": "Maladie inventée"},
        **{"conditions-0-order": "1"},
    }
    response = save(staff, url(ReferenceCentre, "add"), **typed)
    assert response.status_code == 302, errors(response)
    centre = Centre.objects.get(slug="invented-centre")
    assert centre.contacts.get().value == "+33 1 44 49 57 44"
    assert centre.team.get().last_name == "Inventé"
    assert centre.conditions.get().network == network


def test_a_part_can_be_removed_and_the_record_stays(staff):
    contact = factories.contact()
    address = url(CompetenceCentre, "change", contact.centre_id)
    response = save(staff, address, **{"contacts-0-DELETE": "on"})
    assert response.status_code == 302, errors(response)
    assert not Centre.objects.get(pk=contact.centre_id).contacts.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"label_from": "2022", "label_until": "2017"}, None),
        ({"label_from": "around 2017"}, "label_from"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"source_url": "not an address"}, "source_url"),
        ({"order": "1" + "0" * 30}, "order"),
        ({"order": "¹"}, "order"),
        ({"slug": "Ünsafe slug/"}, "slug"),
        ({"verified_on": "zz"}, "verified_on"),
        ({"field": "nose"}, "field"),
        ({"state": "nonsense"}, "state"),
        ({"name_fr": "x" * 201}, "name_fr"),
        ({"name_fr": "a\x00b"}, "name_fr"),
    ],
    ids=str,
)
def test_a_mistake_is_explained_where_it_was_made_and_nothing_is_saved(staff, fields, field):
    typed = {"slug": "invented-one", "name_fr": "Réseau inventé", "field": "eye", **fields}
    response = save(staff, url(Network, "add"), **typed)
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        page = document(response.content.decode())
        assert errors(response)
        if field:
            [row] = page.all("div", class_=f"field-{field}")[:1]
            assert row.all("ul", class_="errorlist")
    assert not Network.objects.exists()


# --- Names and states ---------------------------------------------------------------------------------------------


@each_record
def test_a_short_name_stays_as_it_was_first_saved(staff, model):
    """An address once published answers for ever."""
    record = make(model)
    form = form_of(page_at(staff, url(model, "change", record.pk)))
    assert not form.all("input", name="slug")
    response = save(staff, url(model, "change", record.pk), slug="another-name")
    assert response.status_code == 302, errors(response)
    assert model.objects.get(pk=record.pk).slug == record.slug


@each_record
def test_only_a_draft_that_staff_began_can_be_thrown_away(staff, model):
    records = {
        "published": make(model),
        "archived": make(model, state=State.ARCHIVED),
        "loaded draft": make(model, state=State.DRAFT, loaded_digest="f" * 64),
    }
    for name, record in records.items():
        address = url(model, "delete", record.pk)
        assert staff.get(address).status_code == 403, name
        assert staff.post(address, {"post": "yes"}).status_code == 403, name
        assert model.objects.filter(pk=record.pk).exists(), name
        links = [link.get("href") for link in page_at(staff, url(model, "change", record.pk)).all("a")]
        assert address not in links
    own = make(model, state=State.DRAFT)
    address = url(model, "delete", own.pk)
    assert staff.get(address).status_code == 200
    assert staff.post(address, {"post": "yes"}).status_code == 302
    assert not model.objects.filter(pk=own.pk).exists()


@each_record
def test_nothing_is_thrown_away_from_a_list(staff, model):
    record = make(model, state=State.DRAFT)
    page = page_at(staff, url(model, "changelist"))
    offered = {option.get("value") for option in page.one("select", name="action").all("option")}
    assert offered == {"", "publish", "withdraw"}
    act(staff, model, "delete_selected", record)
    assert model.objects.filter(pk=record.pk).exists()


def act(client: Client, model: type, action: str, *records, **fields):
    chosen = {"action": action, "_selected_action": [str(record.pk) for record in records], **fields}
    return client.post(url(model, "changelist"), chosen, follow=True)


def messages(response) -> list[str]:
    page = document(response.content.decode())
    return [item.text for group in page.all("ul", class_="messagelist") for item in group.all("li")]


@each_record
def test_chosen_records_are_published_and_withdrawn(staff, boss, model):
    drafts = [make(model, state=State.DRAFT), make(model, state=State.DRAFT)]
    untouched = make(model, state=State.DRAFT)
    before = publication.fingerprint()

    assert len(messages(act(staff, model, "publish", *drafts))) == 1
    assert {model.objects.get(pk=record.pk).state for record in drafts} == {State.PUBLISHED}
    published = publication.fingerprint()

    act(staff, model, "withdraw", *drafts)
    assert {model.objects.get(pk=record.pk).state for record in drafts} == {State.ARCHIVED}
    assert model.objects.get(pk=untouched.pk).state == State.DRAFT
    # Each of the two makes the publisher publish, and is on record.
    assert len({before, published, publication.fingerprint()}) == 3
    assert LogEntry.objects.filter(user=boss).count() == 4


def test_a_centre_is_not_published_before_what_it_stands_on(staff):
    hospital = factories.hospital(name="Unpublished hospital of a test", state=State.DRAFT)
    waiting = make(CompetenceCentre, hospital=hospital, state=State.DRAFT)
    ready = make(CompetenceCentre, state=State.DRAFT)
    said = messages(act(staff, CompetenceCentre, "publish", waiting, ready))
    assert Centre.objects.get(pk=waiting.pk).state == State.DRAFT
    assert Centre.objects.get(pk=ready.pk).state == State.PUBLISHED
    assert len(said) == 2
    assert any("Unpublished hospital of a test" in text for text in said)


def test_a_network_has_one_coordinating_site_however_it_is_published(staff):
    network = factories.network()
    make(ReferenceCentre, network=network)
    second = make(ReferenceCentre, network=network, state=State.ARCHIVED)
    act(staff, ReferenceCentre, "publish", second)
    assert Centre.objects.get(pk=second.pk).state == State.ARCHIVED
    response = save(staff, url(ReferenceCentre, "change", second.pk), state="published")
    assert response.status_code == 200
    assert errors(response)


@pytest.mark.parametrize("slug", ["home", "glossary", "legal-notice", "accessibility"])
def test_a_page_that_the_menu_links_to_stays_published(staff, slug):
    """Without it every page of the site would carry a dead link, and nothing could be published any more."""
    page = factories.page(slug=slug)
    for state in ("draft", "archived"):
        response = save(staff, url(Page, "change", page.pk), state=state)
        assert response.status_code == 200
        assert errors(response)
    act(staff, Page, "withdraw", page)
    assert Page.objects.get(pk=page.pk).state == State.PUBLISHED


def test_every_way_of_editing_makes_the_publisher_publish(staff):
    contact = factories.contact()
    address = url(CompetenceCentre, "change", contact.centre_id)
    states = [publication.fingerprint()]
    for change in (
        {"name_de": "Anders"},
        {"contacts-0-value": "other@example.org"},
        {"conditions-TOTAL_FORMS": "1", "conditions-0-name_fr": "Maladie inventée", "conditions-0-order": "1"},
        {"contacts-0-DELETE": "on"},
        {"state": "archived"},
    ):
        response = save(staff, address, **change)
        assert response.status_code == 302, errors(response)
        states.append(publication.fingerprint())
    assert len(set(states)) == len(states)


# --- Links to the site --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_view_on_site_leads_to_the_page_of_the_record(staff, language):
    centre, page = make(CompetenceCentre), make(Page)
    with translation.override(language):
        expected = {
            centre: reverse("centre", args=[centre.slug]),
            centre.network: reverse("network", args=[centre.network.slug]),
            page: reverse("page", args=[page.slug]),
            factories.page(slug="glossary"): reverse("glossary"),
        }
    for record, address in expected.items():
        form = page_at(staff, url(type(record), "change", record.pk), **{"accept-language": language})
        assert [link.get("href") for link in form.all("a", class_="viewsitelink")] == [address]


def test_what_has_no_page_has_no_link_to_one(staff):
    for record in (make(CompetenceCentre, state=State.DRAFT), make(Page, state=State.ARCHIVED), factories.hospital()):
        assert not page_at(staff, url(type(record), "change", record.pk)).all("a", class_="viewsitelink")


# --- Strangers ----------------------------------------------------------------------------------------------------


@by_label
def test_a_stranger_is_led_to_the_login(model):
    record = make(model)
    client = Client(raise_request_exception=False)
    for address in (
        url(model, "changelist"),
        url(model, "add"),
        url(model, "change", record.pk),
        url(model, "delete", record.pk),
    ):
        for response in (client.get(address), client.post(address, {"slug": "x"})):
            assert (response.status_code, response["Location"]) == (302, f"/staff/login/?next={quote(address)}")
            assert "no-store" in response["Cache-Control"]
    assert model.objects.filter(pk=record.pk).exists()


def test_an_account_without_rights_sees_nothing():
    network = factories.network()
    visitor = User.objects.create_user("invented-visitor", password=PASSWORD)
    colleague = User.objects.create_user("invented-colleague", password=PASSWORD, is_staff=True)
    client = Client(raise_request_exception=False)
    client.force_login(visitor)
    assert client.get("/staff/").status_code == 302
    client.force_login(colleague)
    assert client.get("/staff/").status_code == 200
    for address in (url(Network, "changelist"), url(Network, "add"), url(Network, "change", network.pk)):
        assert client.get(address).status_code == 403
        assert client.post(address, {"action": "withdraw", "_selected_action": network.pk}).status_code == 403
    assert (
        client.get("/staff/autocomplete/?app_label=centres&model_name=competencecentre&field_name=network").status_code
        == 403
    )


def test_somebody_who_may_only_look_can_neither_publish_nor_withdraw():
    network = factories.network()
    reader = User.objects.create_user("invented-reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_network"))
    client = Client(raise_request_exception=False)
    client.force_login(reader)
    assert not page_at(client, url(Network, "changelist")).all("select", name="action")
    assert not page_at(client, url(Network, "change", network.pk)).all("input", name="_save")
    act(client, Network, "withdraw", network)
    assert client.post(url(Network, "change", network.pk), {"name_fr": "x"}).status_code == 403
    network.refresh_from_db()
    assert network.state == State.PUBLISHED


def test_the_login_opens_a_strict_session_and_leads_nowhere_else(boss):
    for odd in ("//example.org/", "https://example.org/", "javascript:alert(1)", r"/\example.org", "/%09/example.org"):
        client = Client(raise_request_exception=False)
        sent = {"username": boss.username, "password": PASSWORD, "next": odd}
        response = client.post(f"/staff/login/?next={quote(odd, safe='')}", sent)
        assert response.status_code == 302
        assert re.match(r"/(?![/\\])", response["Location"]), odd
        cookie = response.cookies["session"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
        assert cookie["max-age"] == 30 * 60


def test_a_form_without_its_token_is_refused_kindly(boss):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(boss)
    network = factories.network()
    response = client.post(url(Network, "change", network.pk), {"name_fr": "x"})
    assert response.status_code == 403
    assert "no-store" in response["Cache-Control"]
    assert [section.get("lang") for section in document(response.content.decode()).all("section")] == ["fr", "en", "de"]


def test_the_language_of_the_admin_is_chosen_by_a_button(staff):
    page = page_at(staff, "/staff/")
    buttons = {button.get("value"): button for button in page.all("button", name="language")}
    assert set(buttons) == set(LANGUAGES)
    assert buttons["en"].get("aria-pressed") == "true"
    response = staff.post("/staff/language/", {"language": "de", "next": "/staff/centres/network/"})
    assert (response.status_code, response["Location"]) == (302, "/staff/centres/network/")
    assert page_at(staff, "/staff/").one("html").get("lang") == "de"
    assert staff.get("/staff/language/?language=fr").cookies.get("language") is None
    away = staff.post("/staff/language/", {"language": "fr", "next": "//example.org/"})
    assert re.match(r"/(?![/\\])", away["Location"])


# --- Hostile addresses (hardening 0.10) ---------------------------------------------------------------------------

BIG = "1" + "0" * 30
QUERIES = [
    *(
        "q=%00",
        f"q={'a' * 5000}",
        "q=%5C",
        "q='%22",
        "q=%F0%9F%A6%AE",
        "q=(((&q=)))",
        "q=" + "a+" * 300,
        "%00=1",
        "%00",
    ),
    *(
        "p=%C2%B9",
        "p=-1",
        f"p={BIG}",
        "p=abc",
        "p=1.5",
        "all=",
        "all=x",
        "o=%C2%B9",
        "o=1.-2.x",
        "o=-99",
        f"o={BIG}",
        "o=.",
    ),
    *("e=1", "_facets=x", "_popup=x", "_to_field=slug", "_to_field=nonsense", "_to_field=%00", "pp=1", "page=%C2%B9"),
    *(
        "id=abc",
        f"id={BIG}",
        "id__in=a,b",
        f"id__in={BIG}",
        "id__exact=%C2%B9",
        "pk=abc",
        "pk__in=,",
        "id__gt=",
        "id__isnull=x",
    ),
    *("slug__regex=(((", "slug__iregex=%5B", "slug__contains=%00", "slug__contains=%", "slug__nonsense=1", "slug__in="),
    *(
        "name__regex=(((",
        "name_fr__regex=(((",
        "name__contains=%00",
        "name_fr__search=x",
        "name__year=1",
        "name_fr__range=1",
    ),
    *(
        "state=nonsense",
        "state__exact=nonsense",
        "state__in=a,b",
        "state__isnull=maybe",
        "state__exact=draft&state__exact=x",
    ),
    *(
        "verified_on__isempty=abc",
        "verified_on__isempty=",
        "verified_on=zz",
        "verified_on__gte=zz",
        "verified_on__range=1",
    ),
    *("verified_on__range=1,2", "verified_on__year=abc", f"verified_on__year={BIG}", "verified_on__gte=9999-99-99"),
    *(
        "updated_at__gte=zz",
        "updated_at__date=zz",
        "updated_at__hour=99",
        f"updated_at__year={BIG}",
        "updated_at__lt=%C2%B9",
    ),
    *(
        "network=abc",
        f"network={BIG}",
        "network__id__exact=abc",
        "network__id__exact=%C2%B9",
        "network__in=x",
        "network__slug=%00",
    ),
    *(
        "network__centres__network__name_fr__regex=(((",
        "network__centres__staff_note__startswith=a",
        "hospital__region=%F0%9F",
    ),
    *(
        "hospital__region__exact=abc",
        "hospital__latitude__gte=abc",
        "hospital__latitude__exact=NaN",
        "hospital__latitude=Infinity",
    ),
    *(
        "written=abc",
        "written=%00",
        "written=yes&written=no",
        "audience__exact=%22",
        "order__gte=abc",
        f"order__exact={BIG}",
    ),
    *(
        "number__gte=abc",
        f"number__exact={BIG}",
        "date__regex=(",
        "as_of__gte=zz",
        "on_every_page__exact=maybe",
        "rate__gte=NaN",
    ),
    *(
        "password__startswith=a",
        "username__regex=(((",
        "is_staff__exact=maybe",
        "groups__id__exact=abc",
        "last_login__year=x",
    ),
    *(
        "loaded_digest__startswith=a",
        "sections__body_fr__regex=(((",
        "contacts__value__startswith=a",
        "a__b__c__d=1",
        "__=1",
        "=1",
    ),
    *(
        "_changelist_filters=%3Fname__regex%3D(((",
        "_changelist_filters=%00",
        "_changelist_filters=state%3Dx",
        "&&&=",
        "%ED%A0%80=1",
    ),
]
# What an address may offer for a new record.
OFFERS = [
    *(
        "network=abc",
        f"network={BIG}",
        "network=%C2%B9",
        "network=1,2",
        "network=None",
        "hospital=abc",
        "coordinator=x",
    ),
    *(
        "date=zz",
        "date=%C2%B9",
        "verified_on=zz",
        "verified_on=9999-99-99",
        "audited_on=abc",
        "source_read_on=0000-00-00",
    ),
    *(
        "latitude=zz",
        "latitude=NaN",
        "latitude=Infinity",
        f"latitude={BIG}",
        "rate=abc",
        "number=abc",
        f"number={BIG}",
        "order=%C2%B9",
    ),
    *(
        "state=nonsense",
        "state=1",
        "is_patient_association=maybe",
        "on_every_page=2",
        "kind=%22",
        "slug=%2F..",
        "slug=" + "a" * 3000,
    ),
    *(
        "name=abc",
        "name_fr=<script>",
        "id=abc",
        "pk=abc",
        "updated_at=zz",
        "loaded_digest=x",
        "sections=abc",
        "contacts=1",
        "centres=x",
    ),
    *(
        "_popup=x",
        "_to_field=nonsense",
        "_changelist_filters=%3Fx",
        "unknown=1",
        "groups=abc",
        "user_permissions=a,b",
        "username=%C2%B9",
    ),
    *(
        "date_joined=zz",
        "date_joined_0=zz",
        "password=x",
        "last_login=abc",
        "permissions=abc",
        f"permissions={BIG}",
        "website=javascript:x",
    ),
]
LOOKUPS = [
    *(
        "",
        "app_label=centres",
        "app_label=centres&model_name=nonsense&field_name=network",
        "app_label=x&model_name=y&field_name=z",
    ),
    *(
        "app_label=centres&model_name=competencecentre&field_name=slug&term=a",
        "app_label=auth&model_name=user&field_name=password",
    ),
    *(
        "app_label=centres&model_name=competencecentre&field_name=nonsense&term=a",
        "app_label=%00&model_name=a&field_name=b",
    ),
]
TERMS = [
    "%00",
    "a" * 5000,
    "%5C",
    "(((",
    "'%22",
    "%F0%9F%A6%AE",
    "%",
    "_",
    "a&page=%C2%B9",
    "a&page=-1",
    f"a&page={BIG}",
    "&page=x",
]
OBJECTS = ["abc", BIG, "-1", "0", "%C2%B9", "_5F", "1_2F..", "null", "1.0", "%20", "a" * 3000, "_00", "%F0%9F%A6%AE"]


def broken(client: Client, addresses: list[str]) -> dict[str, int]:
    assert addresses
    answers = {address: client.generic("GET", address).status_code for address in addresses}
    return {address: status for address, status in answers.items() if status >= 500}


def fitting(model: type, queries: list[str]) -> list[str]:
    """The queries that name a column of this model; all of them for two models, which stand for the rest."""
    columns = {field.name for field in model._meta.get_fields()}
    if model in (Coordinator, User):
        return queries
    return [query for query in queries if re.split("__|=", query)[0] in columns]


@by_label
def test_no_query_breaks_a_list(staff, model):
    make(model)
    assert not broken(staff, [f"{url(model, 'changelist')}?{query}" for query in fitting(model, QUERIES)])


@by_label
def test_no_offer_breaks_a_form(staff, model):
    assert not broken(staff, [f"{url(model, 'add')}?{query}" for query in fitting(model, OFFERS)])


@pytest.mark.parametrize("model", [CompetenceCentre, Page, User], ids=lambda model: model._meta.label)
def test_no_name_of_an_object_breaks_its_pages(staff, model):
    home = url(model, "changelist")
    pages = [f"{home}{name}/{page}/" for name in OBJECTS for page in ("change", "history", "delete")]
    assert not broken(staff, [*pages, *(f"{home}{name}/" for name in OBJECTS)])


def test_no_question_breaks_the_suggestions(staff):
    factories.network()
    fields = ("network", "hospital", "coordinator")
    asked = [
        f"app_label=centres&model_name=competencecentre&field_name={name}&term={term}"
        for name in fields
        for term in TERMS
    ]
    assert not broken(staff, [f"/staff/autocomplete/?{query}" for query in (*LOOKUPS, *asked)])
    good = staff.get(
        "/staff/autocomplete/?app_label=centres&model_name=competencecentre&field_name=network&term=Invented"
    )
    assert [each["text"] for each in good.json()["results"]]


def test_nothing_else_in_the_admin_breaks(staff):
    odd = ["abc", BIG, "%C2%B9", "0", "-1"]
    addresses = [f"/staff/r/{kind}/{name}/" for kind in odd for name in odd]
    addresses += [
        "/staff/r/1/1/",
        "/staff/jsi18n/?x=%C2%B9",
        "/staff/password_change/?x",
        "/staff/centres/nonsense/",
        "/staff/%C2%B9/",
    ]
    addresses += [
        "/staff/login/?next=%0A",
        "/staff/login/?next=//x",
        "/staff/?app=%C2%B9",
        "/staff/centres/",
        "/staff/logout/",
    ]
    assert not broken(staff, addresses)


@pytest.mark.parametrize("model", [CompetenceCentre, Page, User], ids=lambda model: model._meta.label)
@pytest.mark.parametrize("chosen", ["abc", BIG, "¹", "", "1,2", "-1", "a\x00"], ids=repr)
def test_no_choice_of_records_breaks_an_action(staff, model, chosen):
    make(model)
    for action in ("publish", "withdraw", "delete_selected", "nonsense", ""):
        sent = {"action": action, "_selected_action": [chosen], "index": chosen, "select_across": chosen}
        assert staff.post(url(model, "changelist"), sent).status_code < 500, action


@pytest.mark.parametrize(
    "fields",
    [
        *({"contacts-TOTAL_FORMS": "abc"}, {"contacts-TOTAL_FORMS": "100000"}, {"contacts-TOTAL_FORMS": "-1"}),
        *(
            {"contacts-INITIAL_FORMS": "5", "contacts-TOTAL_FORMS": "5"},
            {"contacts-0-id": "abc"},
            {"contacts-0-id": BIG},
        ),
        *(
            {"contacts-0-centre": "abc"},
            {"contacts-0-centre": BIG},
            {"network": "abc"},
            {"network": BIG},
            {"network": "¹"},
        ),
        *(
            {"hospital": ""},
            {"coordinator": "abc"},
            {"kind": "coordinating"},
            {"kind": "\ud800".encode("utf-8", "replace")},
        ),
        *(
            {"contacts-0-kind": "x"},
            {"contacts-0-order": BIG},
            {"name_fr": "\u202e" * 150},
            {"referral_fr": "x" * 1_000_000},
        ),
        *({"source_url": "http://" + "a" * 490}, {"website": "http://[::1"}, {"website": "https://exa mple.org"}),
        *(
            {"source_date": "2019-13"},
            {"source_date": "2019-04-31"},
            {"contacts-0-value": "http://[", "contacts-0-kind": "form"},
        ),
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_no_form_breaks_the_site(staff, fields):
    contact = factories.contact()
    response = save(staff, url(CompetenceCentre, "change", contact.centre_id), **fields)
    assert response.status_code < 500


def test_a_form_that_lost_its_parts_is_refused_not_broken(staff):
    centre = make(CompetenceCentre)
    assert staff.post(url(CompetenceCentre, "change", centre.pk), {"name_fr": "x"}).status_code < 500
    assert staff.post(url(CompetenceCentre, "add"), {}).status_code < 500
    centre.refresh_from_db()
    assert centre.name_fr != "x"
