"""The plain-text sheet of a centre: short lines, every fact with its label, nothing that a Braille line cannot show."""

import re
import unicodedata
from datetime import date

import pytest
from django.urls import reverse
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from centres.models import Audience, Centre, ContactKind, Kind
from centres.sheets import WIDTH, fact, text_sheet, wrapped
from sensgene import phones, snapshot
from tests import factories

LANGUAGES = ("fr", "en", "de")
# Box drawing, blocks, shapes, dingbats, emoji, private use: signs that a Braille line shows as noise, or not at all.
NOISE = re.compile("[\u2500-\u27bf\u2b00-\u2bff\ue000-\uf8ff\ufe0f\ufffd\U0001f000-\U0001ffff]")


@pytest.fixture
def centre(db):
    """Invented, and everything about it is known."""
    hospital = factories.hospital(
        name="Invented hospital for a test",
        street="12 rue de l’Invention, bâtiment des consultations",
        postcode="67000",
        town="Invented town",
    )
    network = factories.network(acronym="INVENT", label_from="2017", label_until="2022")
    made = factories.centre(
        kind=Kind.COORDINATING,
        network=network,
        hospital=hospital,
        coordinator=factories.coordinator(last_name="Inventedname"),
        audience=Audience.BOTH,
        website="https://www.example.org/a/very/long/address/that/does/not/fit/on/one/line/of/forty",
        access_fr="Entrée invéntée.",
        access_en="Way in, invented.",
        access_de="Erfundener Eingang.",
        referral_fr="Écrire [ici](https://example.org/).\n\n- une lettre",
        referral_en="Write [here](https://example.org/).\n\n- a letter",
        referral_de="Schreiben Sie [hier](https://example.org/).\n\n- ein Brief",
        sign_language="yes",
        source_url="https://www.example.org/source",
        verified_on=date(2026, 11, 2),
    )
    factories.contact(centre=made, kind=ContactKind.PHONE, value="+33144495744")
    factories.contact(centre=made, kind=ContactKind.EMAIL, value="an.invented.address.that.is.long@example.org")
    factories.treated_condition(centre=made)
    return made


def sheet(centre: Centre, language: str = "en") -> str:
    with translation.override(language):
        return text_sheet(Centre.objects.with_all().get(pk=centre.pk))


def unwrapped(text: str) -> str:
    """What the lines say, whatever was cut."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_is_longer_than_a_braille_line(centre, language):
    lines = sheet(centre, language).split("\n")
    assert len(lines) > 20
    assert max(map(len, lines)) <= WIDTH == 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_is_known_is_on_the_sheet(centre, language):
    text = unwrapped(sheet(centre, language))
    with translation.override(language):
        facts = [
            *(centre.name, centre.network.name, centre.get_kind_display(), centre.get_audience_display()),
            *("Inventedname", phones.readable("+33144495744"), "an.invented.address.that.is.long@example.org", "2026"),
            *(
                "12 rue de l’Invention, bâtiment des consultations",
                "67000 Invented town",
                centre.website,
                centre.access,
            ),
            *(centre.conditions.get().name, centre.get_absolute_url(), centre.hospital.name),
        ]
    assert not [each for each in facts if unwrapped(str(each)) not in text]


def test_the_marks_of_prose_are_not_on_the_sheet(centre):
    text = sheet(centre)
    assert "here" in text
    assert not re.search(r"[\[\]]", text)


def test_a_label_stands_at_the_start_of_its_line_and_its_value_after_it(centre):
    lines = sheet(centre).splitlines()
    assert "Phone: +33 1 44 49 57 44" in lines
    kind = next(place for place, line in enumerate(lines) if line.startswith("Kind"))
    assert "coordinating" in " ".join(lines[kind : kind + 3])


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_unknown_is_said_in_words(db, language):
    bare = factories.centre(hospital=factories.hospital(name="", street="", postcode=""))
    text = sheet(bare, language)
    assert "None" not in text
    assert not re.search(r":[ \t]*\n\n|: *,|, *\n\n|\(\)", text)
    with translation.override(language):
        assert text.count(translation.gettext("not known to us")) >= 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_real_sheets_are_plain_text_in_short_lines(visitor, language):
    snapshot.open_current()
    centres = list(Centre.public.with_all())
    assert len(centres) == 13
    for centre in centres:
        with translation.override(language):
            path, name = reverse("centre-text", args=[centre.slug]), centre.name
        response = visitor.get(path)
        assert (response.status_code, response["Content-Type"]) == (200, "text/plain; charset=utf-8")
        text = response.content.decode("utf-8")
        lines = text.split("\n")
        assert max(map(len, lines)) <= WIDTH, path
        assert text.endswith("\n") and not text.endswith("\n\n")
        assert "\n\n\n" not in text and not re.search(r"[ \t]\n|\t|\r", text)
        assert not NOISE.search(text), path
        assert not [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs") and sign != "\n"]
        assert unwrapped(text).startswith(unwrapped(name))
        assert "None" not in text


def test_a_sheet_is_found_from_the_page_of_its_centre(visitor):
    snapshot.open_current()
    slug = Centre.public.order_by("slug").first().slug
    for language in LANGUAGES:
        with translation.override(language):
            page, text = reverse("centre", args=[slug]), reverse("centre-text", args=[slug])
        assert f'href="{text}"' in visitor.get(page).content.decode()


def test_there_is_no_sheet_of_a_centre_that_is_none(visitor):
    assert visitor.get("/fr/centres/nowhere.txt").status_code == 404


# --- Lines --------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=300))
def test_wrapping_loses_no_word_and_makes_no_long_line(text):
    lines = wrapped(text)
    assert max(map(len, lines)) <= WIDTH
    assert unwrapped("".join(lines)) == unwrapped(text)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=50), st.text(max_size=120))
def test_a_fact_keeps_label_before_value(label, value):
    lines = fact(label, value)
    assert max(map(len, lines)) <= WIDTH
    assert unwrapped("".join(lines)).replace(":", "") == unwrapped(label + value).replace(":", "")
