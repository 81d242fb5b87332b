"""Editors' plain text: what becomes of it, and what never does."""

import pytest
from django.urls import reverse
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from sensgene import prose
from tests.markup import read

ALLOWED = {"#document", "p", "ul", "li", "a", "span"}


def html_of(text: str):
    document, problems = read(str(prose.block(text)))
    assert not problems
    return document


# --- Blocks -------------------------------------------------------------------------------------------------------


def test_an_empty_line_ends_a_paragraph_and_a_single_line_end_does_not():
    found = html_of("One\ntwo.\n\nThree.\r\n \r\nFour.")
    assert [paragraph.text for paragraph in found.all("p")] == ["One two.", "Three.", "Four."]


@pytest.mark.parametrize("mark", ["-", "–", "•"])
def test_lines_with_a_mark_are_a_list(mark):
    found = html_of(f"Bring:\n{mark} glasses\n{mark} a letter\n  of your doctor\n\nAnd yourself.")
    assert [item.text for item in found.one("ul").all("li")] == ["glasses", "a letter of your doctor"]
    assert [paragraph.text for paragraph in found.all("p")] == ["Bring:", "And yourself."]


@pytest.mark.parametrize("text", ["-no blank after the mark", "Rendez-vous", "2020-2025", "– "])
def test_a_hyphen_alone_makes_no_list(text):
    assert not html_of(text).all("ul")


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\r\n \r\n\t"])
def test_nothing_becomes_nothing(text):
    assert str(prose.block(text)) == ""


# --- Inline -------------------------------------------------------------------------------------------------------


def test_a_link_to_another_site_says_so():
    link = html_of("See [Orphanet](https://www.orpha.net/fr?a=1&b=2).").one("a")
    assert link.get("href") == "https://www.orpha.net/fr?a=1&b=2"
    assert link.get("rel") == "external"
    assert link.text.startswith("Orphanet (")
    assert link.one("span", class_="leaves").text.strip("()")


@pytest.mark.parametrize("language", ["fr", "en", "de"])
def test_a_link_to_a_page_leads_there_in_the_language_of_the_reader(language):
    with translation.override(language):
        link = html_of("[words](page:glossary)").one("a")
        other = html_of("[words](page:a-page-of-staff)").one("a")
        assert link.get("href") == reverse("glossary")
        assert other.get("href") == reverse("page", args=["a-page-of-staff"])
    assert link.get("rel") is None


def test_a_link_to_an_address_that_cannot_be_is_only_its_words():
    assert str(prose.block("[words](page:no/such<page>)")) == "<p>words</p>"


def test_an_e_mail_address_can_be_a_link():
    assert html_of("[write](mailto:a@example.org)").one("a").get("href") == "mailto:a@example.org"


def test_words_of_another_language_are_marked_even_inside_a_link():
    found = html_of("The [fr: filière] and [the [fr: loi]](https://example.org/).")
    assert [
        (span.get("lang"), span.text) for span in found.all("span", lang="fr") if span.get("class") != "leaves"
    ] == [
        ("fr", "filière"),
        ("fr", "loi"),
    ]
    assert found.one("a").text.startswith("the loi (")


def test_the_words_alone_have_no_marks_left():
    text = "The [fr: filière], [Orphanet](https://orpha.net), [the [fr: loi]](page:legal-texts) & <b>."
    assert prose.plain(text) == "The filière, Orphanet, the loi & <b>."


# --- What never happens -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[words](javascript:alert(1))",
        "[words](JAVASCRIPT:alert(1))",
        "[words](data:text/html,<script>)",
        "[words](//example.org)",
        '[words](https://example.org/"onmouseover="alert(1))',
        "[words](https://example.org/'><script>)",
        '[fr: " onclick="alert(1)]',
        "[fr: <b>gras</b>]",
        "[<b>words</b>](https://example.org)",
        "[x](mailto:a@example.org?subject=<script>)",
        "&lt;script&gt;",
        "- <script>",
        "[words](page:../../staff/)",
        '[words](page:"onclick=)',
    ],
)
def test_markup_that_somebody_types_stays_text(text):
    found = html_of(text)
    assert {element.name for element in found.walk()} <= ALLOWED
    for element in found.walk():
        assert set(element.attributes) <= {"href", "rel", "lang", "class"}
        target = element.get("href", "/")
        assert target.startswith(("https://", "http://", "mailto:", "/")) and not target.startswith("//")


PARTS = [
    "[",
    "]",
    "(",
    ")",
    "fr:",
    "de: ",
    "https://",
    "page:",
    "mailto:",
    "- ",
    "\n",
    "\n\n",
    "<",
    ">",
    '"',
    "'",
    "&",
    "\\",
    "a",
    " ",
]
source = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PARTS), max_size=40).map("".join))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(source)
def test_no_text_breaks_out_of_its_paragraph(text):
    found = html_of(text)
    assert {element.name for element in found.walk()} <= ALLOWED
    assert all(set(element.attributes) <= {"href", "rel", "lang", "class"} for element in found.walk())
    prose.plain(text)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.text(
        st.characters(exclude_characters="[]\n\r-–•", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=40
    )
)
def test_ordinary_words_come_out_as_they_went_in(words):
    assert html_of(words).text == " ".join(words.split())


def test_a_long_text_is_read_in_one_go():
    """A pattern that goes back and forth would need minutes for these."""
    for text in (
        "[" * 20_000,
        "[fr: " * 5_000,
        "[a](" * 5_000,
        "- " * 20_000,
        "[a[fr: b]" * 3_000,
        "\n" * 50_000,
        "[x" + " " * 20_000,
    ):
        prose.block(text)
        prose.plain(text)
