"""What the box offers while somebody types, and the address that other sites may ask too."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centres.models import Centre, Network
from centres.reference import Disease
from centres.suggestions import MOST, suggestions
from sensgene import snapshot

LANGUAGES = ("fr", "en", "de")
TYPED = (
    "us",
    "ush",
    "usher",
    "retin",
    "kera",
    "surd",
    "colm",
    "neck",
    "carg",
    "RP",
    "WFS1",
    "886",
    "dollf",
    "stargart",
    "saint",
)


def asked(client, text: str, language: str = "fr") -> list[dict]:
    response = client.get("/api/suggest", {"lang": language, "q": text})
    assert response.status_code == 200, text
    answer = response.json()
    assert set(answer) == {"query", "results"}
    return answer["results"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_has_its_fixed_form(visitor, language):
    seen = 0
    for text in TYPED:
        for result in asked(visitor, text, language):
            seen += 1
            assert list(result) == ["kind", "orpha_code", "label", "lang", "url"]
            assert result["kind"] in ("disease", "network", "centre", "town")
            assert (result["kind"] == "disease") == isinstance(result["orpha_code"], int)
            assert result["label"].strip() and result["lang"] in LANGUAGES
            assert result["url"].startswith(f"/{language}/")
    assert seen > 50


def test_at_most_ten_and_each_once(visitor):
    full = 0
    for text in (*TYPED, "ma", "sy", "a", "dystrophie", "e", "maladie rare"):
        results = asked(visitor, text)
        full += len(results) == MOST
        assert len(results) <= MOST == 10
        assert len({result["url"] for result in results}) == len(results)
    assert full > 3


def test_every_address_that_is_offered_has_a_page(visitor):
    addresses = {result["url"] for text in TYPED[1::2] for result in asked(visitor, text, "en")[:4]}
    assert len(addresses) > 15
    assert not [address for address in addresses if visitor.get(address).status_code != 200]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_disease_bears_its_name_in_the_language_asked_for(visitor, language):
    snapshot.open_current()
    first = asked(visitor, "ush", language)[0]
    assert (first["kind"], first["orpha_code"], first["lang"]) == ("disease", 886, language)
    with translation.override(language):
        shown = Disease.public.get(pk=886)
        assert first["label"] == shown.label
        assert first["url"] == shown.get_absolute_url()


def test_a_name_that_falls_back_says_its_language(visitor):
    """Many entries have no clean German name: the English one stands there, marked."""
    snapshot.open_current()
    missing = [each for each in Disease.public.of_eye_or_ear() if each.name_en and not each.name_de][:3]
    assert missing
    for disease in missing:
        first = asked(visitor, f"ORPHA:{disease.pk}", "de")[0]
        assert (first["label"], first["lang"]) == (disease.name_en, "en")


def test_networks_centres_and_towns_are_offered_too(visitor):
    snapshot.open_current()
    kinds = {text: {result["kind"] for result in asked(visitor, text)} for text in ("carg", "necker", "dollf", "colm")}
    assert "network" in kinds["carg"]
    assert "centre" in kinds["necker"]
    assert "centre" in kinds["dollf"]
    assert "town" in kinds["colm"]
    network = next(result for result in asked(visitor, "cargo") if result["kind"] == "network")
    with translation.override("fr"):
        assert network["url"] == Network.public.get(slug="cargo").get_absolute_url()
        necker = {centre.get_absolute_url() for centre in Centre.public.filter(hospital__name__contains="Necker")}
    assert necker <= {result["url"] for result in asked(visitor, "necker")}
    town = next(result for result in asked(visitor, "colmar") if result["kind"] == "town")
    assert parse_qs(urlsplit(town["url"]).query) == {"near": ["Colmar (Haut-Rhin)"]}
    assert town["lang"] == "fr"


def test_a_word_that_is_being_typed_stands_for_all_that_begin_so(visitor):
    codes = [result["orpha_code"] for result in asked(visitor, "retinite pigm")]
    assert codes[0] == 791
    assert 886 in [result["orpha_code"] for result in asked(visitor, "syndrome us")]


def test_a_typo_is_forgiven_while_typing(visitor):
    assert asked(visitor, "stargart")[0]["orpha_code"] == 827


def test_the_order_is_that_of_the_results(visitor):
    """A disease stands before a centre or a town that is as good."""
    snapshot.open_current()
    compared = 0
    with translation.override("fr"):
        for text in TYPED:
            ranks = [each.rank for each in suggestions(text)]
            compared += len(ranks)
            assert ranks == sorted(ranks)
    assert compared > 50


def test_a_letter_alone_and_nothing_are_not_answered(visitor):
    for text in ("", " ", "u", " é ", "?", "🙂"):
        assert asked(visitor, text) == []


def test_the_query_is_repeated(visitor):
    for text in ("ush", "Frühgeborenen", "<b>ush</b>", '"', "🙂"):
        assert visitor.get("/api/suggest", {"lang": "fr", "q": text}).json()["query"] == text


@pytest.mark.parametrize(
    "query",
    [
        {"q": "usher"},
        {"q": "usher", "lang": "es"},
        {"q": "usher", "lang": "FR"},
        {"q": "usher", "lang": ""},
        {"q": "x" * 101, "lang": "fr"},
    ],
)
def test_what_cannot_be_asked_is_refused_in_the_same_form(visitor, query):
    response = visitor.get("/api/suggest", query)
    assert response.status_code == 400
    answer = response.json()
    assert (answer["query"], answer["results"]) == ("", [])
    assert answer["errors"]


def test_search_engines_do_not_list_it(visitor):
    response = visitor.get("/api/suggest", {"lang": "fr", "q": "usher"})
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Content-Type"].startswith("application/json")


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=100)
    | st.lists(st.sampled_from(['"', "OR", "*", "NEAR(", "-", "usher", "née", "סמ", "'; --", "🙂"]), max_size=6).map(
        " ".join
    ),
    language=st.sampled_from(LANGUAGES),
)
def test_anything_can_be_typed(visitor, text, language):
    assert len(asked(visitor, text, language)) <= MOST
