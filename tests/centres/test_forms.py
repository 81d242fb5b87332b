"""What the search understands from an address: what it takes, what it refuses and how, and whole sentences."""

import pytest
from django.http import QueryDict
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from centres import search
from centres.forms import AGES, Asked, SearchForm, understood
from centres.models import Kind, Region
from tests.markup import Element, read

LANGUAGES = {"fr": "/fr/recherche/", "en": "/en/search/", "de": "/de/suche/"}


def form_of(address: str) -> SearchForm:
    return SearchForm(QueryDict(address.partition("?")[2]))


# --- Addresses ----------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60).map(lambda text: " ".join(text.split()))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    asked=st.builds(
        Asked,
        q=WORDS,
        near=WORDS,
        age=st.sampled_from([value for value, _label in AGES]),
        answer=st.sampled_from(["", "named", "field"]),
        kind=st.sampled_from(["", *Kind.values]),
        region=st.sampled_from(["", *Region.values]),
        network=st.sampled_from(["", "cargo", "surdites-genetiques"]),
        exact=st.sampled_from(["", "1"]),
        page=st.integers(1, 500),
    )
)
def test_an_address_asks_what_it_was_written_for(asked):
    form = form_of(asked.url())
    assert form.is_valid(), form.errors
    assert form.asked() == asked


def test_an_address_has_its_parts_in_one_order_and_none_that_is_empty():
    with translation.override("fr"):
        assert Asked().url() == "/fr/recherche/"
        assert Asked(page=1).url() == "/fr/recherche/"
        assert Asked(near="Colmar", q="Usher", page=2).url() == "/fr/recherche/?q=Usher&near=Colmar&page=2"
        assert Asked(q="a&b=c #1").url() == "/fr/recherche/?q=a%26b%3Dc+%231"
        assert Asked(q="Usher", near="Colmar", age="children", kind="competence").q_url == (
            "/fr/recherche/?q=Usher&near=Colmar"
        )
    with translation.override("de"):
        assert Asked(q="Usher").url() == "/de/suche/?q=Usher"


def test_another_choice_begins_at_the_first_page_again():
    asked = Asked(q="Usher", age="children", page=3)
    assert asked.but(kind="competence") == Asked(q="Usher", age="children", kind="competence", page=1)
    assert asked.but(page=4).page == 4
    assert "age" not in asked.any_age_url


def test_white_space_says_nothing():
    form = SearchForm({"q": "  maladie \t de\u00a0 Stargardt ", "near": " Colmar  "})
    assert form.is_valid()
    assert form.words() == ("maladie de Stargardt", "Colmar", "")
    blank = form_of("?q=+&near=+")
    assert blank.is_valid()
    assert blank.asked().is_empty


def test_an_empty_form_and_an_unknown_part_ask_nothing():
    for address in ("", "?", "?q=", "?utm_source=letter", "?q=&near=&age=&page="):
        form = form_of(address)
        assert form.is_valid(), address
        assert form.asked().is_empty


# --- Refused ------------------------------------------------------------------------------------------------------

REFUSED = (
    ("q", {"q": "x" * (search.MOST_CHARACTERS + 1), "near": "Colmar"}),
    ("q", {"q": "Usher" * 10_000, "near": "Colmar"}),
    ("near", {"q": "Usher", "near": "y" * 81}),
    ("age", {"q": "Usher", "near": "Colmar", "age": "unborn"}),
    ("", {"q": "Usher", "near": "Colmar", "kind": "best"}),
    ("", {"q": "Usher", "near": "Colmar", "region": "99"}),
    ("", {"q": "Usher", "near": "Colmar", "answer": "outside"}),
    ("", {"q": "Usher", "near": "Colmar", "exact": "yes"}),
    ("", {"q": "Usher", "near": "Colmar", "network": "../etc"}),
    ("", {"q": "Usher", "near": "Colmar", "page": "0"}),
    ("", {"q": "Usher", "near": "Colmar", "page": "-1"}),
    ("", {"q": "Usher", "near": "Colmar", "page": "many"}),
    ("", {"q": "Usher", "near": "Colmar", "page": "9" * 30}),
)


def readable(text: str) -> str:
    """With ordinary spaces, as tests/markup.py reads a page."""
    return " ".join(text.split())


def alert_of(page: Element) -> Element:
    return page.one("div", role="alert")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("field", "query"), REFUSED)
def test_what_cannot_be_asked_is_refused_kindly(visitor, language, field, query):
    """A short message in the page's language, a link to the box, and what was typed stays in it."""
    response = visitor.get(LANGUAGES[language], query)
    assert response.status_code == 400
    page, problems = read(response.content.decode())
    assert not problems
    errors = alert_of(page).all("li")
    assert len(errors) == 1
    assert len(errors[0].text) < 160
    typed = {box.get("name"): box.get("value") for box in page.all("input") if box.get("type") != "radio"}
    assert (typed["q"], typed["near"]) == (query["q"], query["near"])
    links = [link.get("href") for link in errors[0].all("a")]
    if field:
        assert links == [f"#search-{field}"]
        target = next(each for each in page.walk() if each.get("id") == f"search-{field}")
        with translation.override(language):
            label = readable(str(SearchForm.base_fields[field].label))
            wrong = readable(translation.gettext("Error:"))
        assert label in errors[0].text
        assert field == "age" or (
            target.get("aria-invalid") == "true" and f"search-{field}-error" in target.get("aria-describedby")
        )
        assert page.one("title").text.startswith(wrong)
    else:
        assert not links
    assert not page.all("ol", class_="numbered")


def test_each_language_refuses_in_its_own_words(visitor):
    for _field, query in REFUSED:
        said = set()
        for address in LANGUAGES.values():
            page = read(visitor.get(address, query).content.decode())[0]
            said.add(alert_of(page).text)
        assert len(said) == 3, query


def test_a_character_that_no_keyboard_has_is_refused(visitor):
    for address in LANGUAGES.values():
        for query in ({"q": "Ush\0er"}, {"near": "Col\0mar"}, {"q": "Usher", "page": "\0"}):
            assert visitor.get(address, query).status_code == 400


def test_a_name_at_the_limit_is_searched_for(visitor):
    assert visitor.get("/fr/recherche/", {"q": "x" * search.MOST_CHARACTERS, "near": "y" * 80}).status_code == 200


def test_only_reading_is_possible(visitor):
    for address in (*LANGUAGES.values(), "/api/suggest?lang=fr&q=usher"):
        assert visitor.post(address, {"q": "Usher"}).status_code in (403, 405)
        assert visitor.head(address).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_is_one_that_works_without_script(visitor, language):
    """GET, three parts, each with a label, and a button; the box of suggestions is an ordinary field."""
    page = read(visitor.get(LANGUAGES[language]).content.decode())[0]
    form = page.one("main").one("form")
    assert form.get("method") == "get"
    assert form.get("action") == f"{LANGUAGES[language]}#results"  # one lands on the answer, not above the form
    fields = form.all("input")
    assert {field.get("name") for field in fields} == {"q", "near", "age"}
    labels = {label.get("for"): label.text for label in form.all("label")}
    assert all(labels[field.get("id")] for field in fields)
    assert form.one("button").get("type", "submit") == "submit"
    assert [field.get("value") for field in fields if field.get("name") == "age"] == ["", "children", "adults"]


# --- Whole sentences ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Usher, près de Colmar, pour mon enfant", ("Usher", "Colmar", "children")),
        ("Usher pres de Colmar pour mon fils", ("Usher", "Colmar", "children")),
        ("syndrome d’Usher proche de Colmar", ("syndrome d’Usher", "Colmar", "")),
        ("pour notre fille, maladie de Stargardt autour de Lyon", ("maladie de Stargardt", "Lyon", "children")),
        ("Usher près d’Annecy", ("Usher", "Annecy", "")),
        ("Usher near Colmar for my child", ("Usher", "Colmar", "children")),
        ("Usher syndrome for our daughter close to Lyon", ("Usher syndrome", "Lyon", "children")),
        ("near Colmar", ("", "Colmar", "")),
        ("Usher in der Nähe von Colmar für mein Kind", ("Usher", "Colmar", "children")),
        ("Usher bei Colmar für unsere Tochter", ("Usher", "Colmar", "children")),
        ("Usher nahe Straßburg", ("Usher", "Straßburg", "")),
        ("Usher", ("Usher", "", "")),
        ("maladie de Coats", ("maladie de Coats", "", "")),
        ("near-sightedness", ("near-sightedness", "", "")),
        ("Beinhaltung", ("Beinhaltung", "", "")),
    ],
)
def test_a_sentence_is_taken_apart(sentence, expected):
    asked = understood(Asked(q=sentence))
    assert (asked.q, asked.near, asked.age) == expected


def test_what_was_said_outright_stays():
    """The box for the town and the choice of age are not overruled by a sentence."""
    asked = understood(Asked(q="Usher près de Colmar", near="Lille"))
    assert (asked.q, asked.near) == ("Usher près de Colmar", "Lille")
    assert understood(Asked(q="Usher pour mon enfant", age="adults")).age == "adults"
    plain = Asked(q="Usher", near="Lille", kind="competence", page=2)
    assert understood(plain) is plain


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    text=st.text(max_size=100)
    | st.lists(
        st.sampled_from(["Usher", ",", "près de", "near", "bei", "Colmar", "pour mon enfant", "  "]), max_size=9
    ).map(" ".join)
)
def test_any_sentence_can_be_taken_apart(text):
    asked = understood(Asked(q=text))
    assert len(asked.q) + len(asked.near) <= len(text) + 1
    assert asked.age in ("", "children")
