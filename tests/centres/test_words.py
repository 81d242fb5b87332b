"""How words are compared: two spellings of one thing are one, and two different things stay two."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from centres.words import aliases, canonical, is_content, plain, spelt_out

PLAIN = """
Maladie de Ménière → maladie de meniere
MALADIE DE MÉNIÈRE → maladie de meniere
Rétinite pigmentaire → retinite pigmentaire
Sjögren-Larsson → sjogren larsson
Straße → strasse
STRASSE → strasse
L'œil et l’ŒIL → oeil et oeil
cæcum → caecum
Łódź → lodz
Strømme → stromme
İstanbul → istanbul
syndrome d'Usher → syndrome usher
syndrome d’Usher → syndrome usher
SYNDROME D'USHER → syndrome usher
l'amaurose → amaurose
qu'on → on
aujourd'hui → aujourd hui
O'Donnell → o donnell
dystrophie liée à l'X → dystrophie liee x
à Paris → paris
Behr's syndrome → behr syndrome
Usher’s disease → usher disease
Ushers → ushers
type A → type a
Vitamine A → vitamine a
Déjà vu → deja vu
α-mannosidose → alpha mannosidose
β thalassémie → beta thalassemie
Γ → gamma
48,XXYY → 48 xxyy
22q11.2 → 22q11 2
Charcot-Marie-Tooth → charcot marie tooth
ﬁbrose → fibrose
ＵＳＨ２ → ush2
  (USH 2A),  → ush 2a
видение →
… →
"""


def table(text: str) -> list[tuple[str, str]]:
    """(what is typed, what it becomes) of each line."""
    return [tuple(part.strip(" ") for part in line.split("→")) for line in text.strip("\n").splitlines()]


@pytest.mark.parametrize(("typed", "compared"), table(PLAIN))
def test_case_accents_and_small_signs_count_for_nothing(typed, compared):
    assert plain(typed) == compared


def test_an_accent_may_be_a_letter_of_its_own():
    assert plain("Me\u0301nie\u0300re") == plain("Ménière") == "meniere"
    assert spelt_out("Fru\u0308h") == spelt_out("Früh") == "frueh"
    assert plain("a\u0300 Paris") == "paris"


@pytest.mark.parametrize(
    ("typed", "compared"),
    table("""
Früh → frueh
FRÜH → frueh
Hörverlust → hoerverlust
Ärzte → aerzte
Straße → strasse
Ménière → meniere
syndrome d'Usher → syndrome usher
"""),
)
def test_umlauts_may_be_spelt_out(typed, compared):
    assert spelt_out(typed) == compared


CANONICAL = """
type II → type 2
Typ 2 → typ 2
Type IIA → type 2a
type iiib → type 3b
type I → type 1
Typ V → typ 5
stade X → stade 10
classe IV → classe 4
Syndrome d'Usher type III → syndrome usher type 3
Mucopolysaccharidosis VI → mucopolysaccharidosis 6
types XII → types 12
X-linked → x linked
X-chromosomale → x chromosomale
V Leiden → v leiden
I cell disease → i cell disease
type A → type a
type B → type b
facteur XI → facteur xi
via → via
la vie → la vie
mix → mix
civil → civil
Taubheit → schwerhorigkeit
Hörverlust → schwerhorigkeit
Gehörlosigkeit → schwerhorigkeit
Schwerhörigkeit → schwerhorigkeit
hearing loss → deafness
hearing impairment → deafness
Deafness → deafness
hearing aid → hearing aid
perte auditive → surdite
déficience auditive → surdite
colour tumours → color tumors
maladie oculaire → maladie ophtalmologique
maladie ophtalmique → maladie ophtalmologique
Geistige Retardierung → intelligenzminderung
intellektuelle Beeinträchtigung → intelligenzminderung
"""


@pytest.mark.parametrize(("typed", "compared"), table(CANONICAL))
def test_words_that_mean_the_same_are_one(typed, compared):
    assert canonical(typed) == compared.split()


ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@pytest.mark.parametrize(("number", "roman"), list(enumerate(ROMAN, start=1)))
def test_a_roman_numeral_behind_a_type_is_the_figure(number, roman):
    for word in ("type", "Typ", "stage", "form", "groupe", "Class"):
        assert canonical(f"{word} {roman}") == canonical(f"{word} {number}")
        assert canonical(f"{word} {roman}B") == canonical(f"{word} {number}b")


def test_different_types_stay_different():
    texts = [f"type {each}" for each in ["1", "2", "3", "I1", "A", "B", "C", "X5", "XIV", "L", "M", "D1", "V2"]]
    assert len({tuple(canonical(text)) for text in texts}) == len(texts)


PIECES = (
    "type ",
    "Typ ",
    "ii",
    "IV",
    "x",
    "hearing ",
    "loss ",
    "perte ",
    "auditive ",
    "taubheit ",
    "Hör",
    "verlust ",
    "d'",
)
ANY_TEXT = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from("äöüßœàé'’s -,1iβά\u0308\u0301")), max_size=12).map(
        "".join
    ),
)
anything = settings(max_examples=500, deadline=None, database=None, derandomize=True)


@anything
@given(text=ANY_TEXT)
@example(text="\ud800")
@example(text="\x00")
@example(text="İ ŉ ǰ ΐ")
def test_only_small_letters_and_figures_come_out(text):
    for compared in (plain(text), spelt_out(text), " ".join(canonical(text))):
        assert re.fullmatch("(?:[a-z0-9]+(?: [a-z0-9]+)*)?", compared)


@anything
@given(text=ANY_TEXT)
def test_comparing_twice_is_comparing_once(text):
    assert plain(plain(text)) == plain(text)
    assert spelt_out(spelt_out(text)) == spelt_out(text)
    assert canonical(" ".join(canonical(text))) == canonical(text)


@anything
@given(text=st.text("abcdeéïœßäÖÜ -'’ivx12", max_size=30))
def test_capitals_count_for_nothing(text):
    assert canonical(text.upper()) == canonical(text.lower())


# --- Other spellings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("Früh", {"frueh": "fruh"}),
        ("früh beginnende Ärmel", {"frueh": "fruh", "aermel": "armel"}),
        ("Fru\u0308h", {"frueh": "fruh"}),
        ("Taubheit", {"taubheit": "schwerhorigkeit"}),
        ("Hörverlust", {"horverlust": "schwerhorigkeit", "hoerverlust": "schwerhorigkeit"}),
        ("tumour", {"tumour": "tumor"}),
        ("Ménière", {}),
        ("Straße", {}),
        ("", {}),
    ],
)
def test_every_other_spelling_leads_to_the_word_that_is_compared(text, others):
    assert aliases(text) == others


@anything
@given(words=st.lists(st.text("abdäöüÄÖÜsß", min_size=1, max_size=8), min_size=1, max_size=4))
def test_a_word_with_umlauts_is_found_as_it_is_spelt_out(words):
    text = " ".join(words)
    found = aliases(text)
    assert [found.get(word, word) for word in spelt_out(text).split()] == canonical(text)


# --- What tells names apart ---------------------------------------------------------------------------------------


def test_small_words_and_fillers_say_nothing():
    names = ("Syndrome d'Usher", "Usher syndrome", "Usher-Syndrom", "maladie de Usher", "the Usher disease")
    assert {tuple(filter(is_content, canonical(name))) for name in names} == {("usher",)}
    assert [word for word in canonical("Maladie de Stargardt type 2 de la rétine") if is_content(word)] == [
        "stargardt",
        "2",
        "retine",
    ]
