"""Pages of the centres: what is on them, in which order, and what is said where nothing is known."""

from itertools import pairwise

import pytest
from django.urls import reverse
from django.utils import translation

from centres.models import Audience, Centre, ContactKind, Kind, Network, Region
from sensgene import phones, snapshot
from sensgene.records import State
from tests import factories
from tests.markup import Element, page_at

LANGUAGES = ("fr", "en", "de")
both = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)


def address(url_name: str, language: str, *arguments: str) -> str:
    with translation.override(language):
        return reverse(url_name, args=arguments)


def headings(page: Element) -> list[str]:
    return [element.text for element in page.one("main").all("h2")]


def facts(page: Element) -> dict[str, str]:
    """Label → value of everything that `main` states."""
    pairs = [
        (group.all("dt")[0].text, group.all("dd")[0].text) for group in page.one("main").all("div") if group.all("dt")
    ]
    assert all(label and value for label, value in pairs)
    return dict(pairs)


# --- One centre ---------------------------------------------------------------------------------------------------

ORDER = ("contact", "address", "visit", "team", "conditions", "freshness")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_centre_page_has_a_fixed_order(visitor, language):
    """Name, kind of label, for whom, how to reach it, where it is, the visit, the team, what it treats, how fresh."""
    snapshot.open_current()
    slugs = list(Centre.public.values_list("slug", flat=True))
    assert len(slugs) == 13
    orders = set()
    for slug in slugs:
        page = page_at(visitor, address("centre", language, slug))
        main = list(page.one("main").walk())
        places = [next(place for place, element in enumerate(main) if element.get("id") == name) for name in ORDER]
        assert places == sorted(places), slug
        title = next(place for place, element in enumerate(main) if element.name == "h1")
        first_fact = next(place for place, element in enumerate(main) if element.name == "dl")
        assert title < first_fact < places[0]
        orders.add(tuple(headings(page)))
    assert len(orders) == 1


@both
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fact_about_a_centre_is_on_its_page(publish, language):
    hospital = factories.hospital(street="12 rue Inventée", postcode="67000", town="Inventeville")
    shown = factories.centre(
        hospital=hospital,
        coordinator=factories.coordinator(first_name="Ada", last_name="Inventedname"),
        audience=Audience.CHILDREN,
        website="https://www.example.org/centre",
        **factories.in_three_languages("department", "Invented department"),
        **factories.in_three_languages("access", "Invented way in"),
        **factories.in_three_languages("referral", "Invented way to an appointment"),
    )
    factories.contact(centre=shown, kind=ContactKind.PHONE, value="01 44 49 57 44")
    factories.contact(centre=shown, kind=ContactKind.SMS, value="+33 6 12 34 56 78")
    factories.contact(
        centre=shown, value="invented@example.org", **factories.in_three_languages("answers", "Invented secretary")
    )
    factories.team_member(centre=shown, last_name="Inventedmember")
    factories.treated_condition(centre=shown)
    factories.directory()
    page = page_at(publish(), address("centre", language, shown.slug))

    main = page.one("main").text
    known = [
        *(
            "12 rue Inventée",
            "67000 Inventeville",
            "Inventedname",
            "Inventedmember",
            "invented@example.org",
        ),
        *("Invented secretary", "Invented department", "Invented way in", "Invented way to an appointment"),
        *("Invented condition", "www.example.org", "Invented hospital for a test", "Invented network for a test"),
    ]
    assert not [each for each in known if each not in main]
    targets = {link.get("href"): link.text for link in page.one("main").all("a")}
    with translation.override(language):
        assert targets["tel:+33144495744"] == phones.readable("+33144495744")
        assert targets["sms:+33612345678"] == phones.readable("+33612345678")
    assert targets["mailto:invented@example.org"] == "invented@example.org"
    assert targets[address("network", language, shown.network.slug)]
    assert page.one("h1").text == getattr(shown, f"name_{language}")


@both
def test_each_way_to_reach_a_centre_has_a_visible_label(publish):
    """One reader took an unlabelled number for coordinates."""
    shown = factories.directory()
    for kind, value in ((ContactKind.PHONE, "+33144495744"), (ContactKind.FORM, "https://www.example.org/form")):
        factories.contact(centre=shown, kind=kind, value=value)
    page = page_at(publish(), address("centre", "en", shown.slug))
    contacts = page.one("dl", class_="contacts")
    labels = [label.text for label in contacts.all("dt")]
    assert len(labels) == len(set(labels)) == len(contacts.all("dd")) == 3


@both
def test_a_written_way_is_missed_in_words_only_where_there_is_none(publish):
    factories.directory()
    silent, spoken, written = factories.centre(), factories.centre(), factories.centre()
    factories.contact(centre=spoken, kind=ContactKind.PHONE, value="+33144495744")
    factories.contact(centre=written, kind=ContactKind.EMAIL)
    client = publish()

    def said(centre: Centre) -> list[str]:
        section = page_at(client, address("centre", "en", centre.slug)).one("section", aria_labelledby="contact")
        return [paragraph.text for paragraph in section.all("p", class_="unknown")]

    for centre in (silent, spoken, written):
        assert len(said(centre)) == (0 if centre == written else 1)
    assert said(silent) != said(spoken)


@both
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_nobody_knows_is_said_once_and_kindly(publish, language):
    factories.directory()
    bare = factories.centre(hospital=factories.hospital(name="", street="", postcode=""))
    page = page_at(publish(), address("centre", language, bare.slug))
    unknown = [paragraph.text for paragraph in page.all("p", class_="unknown")]
    assert len(unknown) >= 4
    assert len(set(unknown)) == len(unknown)
    with translation.override(language):
        assert translation.gettext("not known to us") in facts(page).values()
    assert bare.hospital.town in page.one("main").text


@both
def test_a_name_without_its_published_record_is_not_shown(publish):
    coordinator = factories.coordinator(last_name="Unpublishedname", state=State.DRAFT)
    shown = factories.directory()
    Centre.objects.filter(pk=shown.pk).update(coordinator=coordinator)
    factories.centre(name_fr="Brouillon inventé", slug="invented-draft", state=State.DRAFT)
    client = publish()
    for path in (address("centre", "fr", shown.slug), address("contact", "fr"), "/fr/", address("site-map", "fr")):
        page = page_at(client, path)
        assert "Unpublishedname" not in page.text
        assert "Brouillon inventé" not in page.text
    assert client.get(address("centre", "fr", "invented-draft")).status_code == 404


@both
def test_a_verified_date_is_shown_as_the_reader_writes_dates(publish):
    shown = factories.directory()
    Centre.objects.filter(pk=shown.pk).update(verified_on="2026-03-02")
    client = publish()
    texts = {
        language: page_at(client, address("centre", language, shown.slug)).one("main").text for language in LANGUAGES
    }
    assert "2 mars 2026" in texts["fr"]
    assert "2 March 2026" in texts["en"]
    assert "2. März 2026" in texts["de"]


@both
def test_an_address_that_is_only_the_hospitals_says_so(publish):
    shown = factories.directory()
    client_before = (
        page_at(publish(), address("centre", "en", shown.slug)).one("section", aria_labelledby="address").text
    )
    Centre.objects.filter(pk=shown.pk).update(address_precision="main_site")
    after = page_at(publish(), address("centre", "en", shown.slug)).one("section", aria_labelledby="address").text
    with translation.override("en"):
        words = str(Centre(address_precision="main_site").get_address_precision_display())
    assert words in after
    assert words not in client_before


# --- Networks and lists -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reference_centres_are_listed_network_by_network(visitor, language):
    page = page_at(visitor, address("reference-centres", language))
    snapshot.open_current()
    networks = list(Network.public.order_by("order", "slug"))
    assert len(networks) == 6
    items = page.one("ol", class_="networks").children
    entries = [item for item in items if isinstance(item, Element)]
    assert len(entries) == 6
    for network, entry in zip(networks, entries, strict=True):
        links = [link.get("href") for link in entry.all("a")]
        sites = Centre.public.reference().for_network(network).in_reading_order()
        assert address("network", language, network.slug) in links
        own = [address("centre", language, site.slug) for site in sites]
        assert [link for link in links if link in own] == own
        assert sites[0].kind == Kind.COORDINATING


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_network_page_lists_all_its_sites_the_coordinating_one_first(visitor, language):
    snapshot.open_current()
    seen = 0
    for network in Network.public.all():
        page = page_at(visitor, address("network", language, network.slug))
        listed = [item.one("a").get("href") for item in page.one("ol", class_="lines").all("li")]
        centres = list(Centre.public.for_network(network).in_reading_order())
        assert listed == [address("centre", language, centre.slug) for centre in centres]
        assert centres[0].kind == Kind.COORDINATING
        seen += len(centres)
    assert seen == Centre.public.count() == 13


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_contact_page_holds_the_channels_of_every_centre(visitor, language):
    page = page_at(visitor, address("contact", language))
    snapshot.open_current()
    entries = [item for item in page.one("ol", class_="lines").children if isinstance(item, Element)]
    centres = list(Centre.public.with_place_and_people().with_contacts().in_reading_order())
    assert len(entries) == len(centres) == 13
    contacts = 0
    for centre, entry in zip(centres, entries, strict=True):
        assert entry.all("a")[0].get("href") == address("centre", language, centre.slug)
        assert centre.hospital.town in entry.text
        for contact in centre.contacts.all():
            contacts += 1
            assert contact.readable_value in entry.text
    assert contacts > 0


@both
@pytest.mark.parametrize("language", LANGUAGES)
def test_centres_stand_under_their_region_and_each_stands_once(publish, language):
    factories.directory()
    towns = {
        Region.BRETAGNE: ["Brest", "Rennes"],
        Region.OCCITANIE: ["Nîmes", "Toulouse"],
        Region.LA_REUNION: ["Saint-Denis"],
    }
    made = {}
    for region, names in towns.items():
        for town in reversed(names):
            made[town] = factories.centre(hospital=factories.hospital(region=region, town=town))
    client = publish()
    for url_name in ("where", "competence-centres"):
        page = page_at(client, address(url_name, language))
        with translation.override(language):
            regions = [str(region.label) for region in towns]
        shown = [element.text for element in page.one("main").all("h2", "h3") if element.text in regions]
        assert shown == regions  # mainland first
        links = [link.get("href") for link in page.one("main").all("a")]
        places = [
            links.index(address("centre", language, made[town].slug)) for names in towns.values() for town in names
        ]
        assert all(before < after for before, after in pairwise(places))


@both
def test_without_a_competence_centre_the_page_says_so(publish):
    factories.directory()
    assert not Centre.objects.competence().exists()
    for language in LANGUAGES:
        page = page_at(publish(), address("competence-centres", language))
        assert page.one("section", aria_labelledby="list").all("p")


@both
def test_an_ended_label_is_never_shown_as_current(publish):
    factories.directory()
    ended = factories.network(label_from="2017", label_until="2022")
    running = factories.network(label_from="2023", label_until="2098-12")
    unknown = factories.network()
    client = publish()

    def period(network: Network) -> str:
        return (
            page_at(client, address("network", "en", network.slug))
            .one("section", aria_labelledby="label")
            .one("dd")
            .text
        )

    with translation.override("en"):
        has_ended = translation.gettext("This period has ended.")
    assert "2017" in period(ended) and "2022" in period(ended) and has_ended in period(ended)
    assert "2098" in period(running) and has_ended not in period(running)
    assert "2" not in period(unknown) and period(unknown)


@pytest.mark.parametrize(
    "path", ["/fr/centres/", "/fr/centres/CARGO/", "/fr/centres/a b/", "/en/networks/", "/fr/centres/../"]
)
def test_an_address_that_never_was_is_not_found(visitor, path):
    assert visitor.get(path).status_code == 404
