"""The search itself: what a query is understood as, in which order it answers, and that nothing typed can break it.

Pages of results are in test_results.py, the box while typing in test_suggestions.py.
"""

import csv
import io
import re
import time
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from centres import gazetteer, search
from centres.reference import Disease, FormerCode
from centres.search_index import Role
from centres.suggestions import MOST, suggestions
from sensgene import snapshot
from tests import factories
from tests.markup import read

LANGUAGES = ("fr", "en", "de")
CASES = Path(__file__).with_name("search_cases.csv")
GIVEN_CASES = 40  # the first rows of the file: those the task gives as an example
both = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)


def keys(query: str, **options) -> list[int]:
    return [int(each.key) for each in search.diseases(query, **options).found]


def centres(query: str) -> list[str]:
    """The centres and networks that a query names, by short name."""
    return [each.key for each in search.directory(query).found]


def cases() -> list[dict]:
    with CASES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- What people type ---------------------------------------------------------------------------------------------


def test_every_known_query_has_its_disease_among_the_first_five(real):
    rows = cases()
    assert len(rows) == 220
    missed = [row for row in rows if int(row["orpha_code"]) not in keys(row["query"])[:5]]
    assert not missed


def test_the_disease_that_is_meant_stands_on_the_page_of_results(real):
    """As its heading, or under the other diseases with these words."""
    rows = cases()[:GIVEN_CASES]
    missed = []
    for row in rows:
        with translation.override(row["lang"]):
            address = reverse("search")
            wanted = Disease.public.get(pk=row["orpha_code"]).label
        response = real.get(address, {"q": row["query"]})
        assert response.status_code == 200
        page, problems = read(response.content.decode())
        assert not problems
        main = page.one("main")
        titles = [title.text for title in main.all("h2")]
        others = [link.text for section in main.all("section", aria_labelledby="others") for link in section.all("a")][
            :4
        ]
        if wanted not in others and not any(wanted in title for title in titles):
            missed.append((row["query"], wanted))
    assert len(rows) == GIVEN_CASES
    assert not missed


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("retinite pigmentaire", 791),  # accents
        ("RÉTINITE PIGMENTAIRE", 791),  # case
        ("pigmentaire, rétinite", 791),  # order
        ("rétinites pigmentaires", 791),  # plural
        ("rétinite pigmentiare", 791),  # a typo
        ("retinnite pigmentiare", 791),  # a typo in each word
        ("rétinite pigmenttiare", 791),  # two in a long word
        ("maladie de la rétinite pigmentaire", 791),  # filler words
        ("retinitis pigmentosa", 791),  # another language
        ("RP", 791),  # what doctors say
        ("Bardet Biedl", 110),  # a hyphen
        ("usher II", 231178),  # Roman figures
        ("WFS1", 3463),  # a gene
        ("gène WFS1", 3463),
        ("MIM 303100", 180),
        ("ORPHA:886", 886),
        ("orphanet 886", 886),
        ("orpha886", 886),
        ("886", 886),
        ("Frühgeborenen-Retinopathie", 90050),
        ("Fruehgeborenen-Retinopathie", 90050),
        ("Fruhgeborenen Retinopathie", 90050),
        ("Weiße Stirnlocke mit multiplen Fehlbildungen", 2475),
        ("Weisse Stirnlocke mit multiplen Fehlbildungen", 2475),
        ("weisse stirnlocke multiple fehlbildungen", 2475),
    ],
)
def test_a_way_to_write_a_disease_leads_to_it_first(real, query, code):
    assert keys(query)[:1] == [code]


def test_a_former_name_leads_to_what_took_its_place(real):
    """Where no disease of today has that name."""
    former = [entry for entry in FormerCode.public.order_by("pk") if entry.name_fr and "OBSOL" not in entry.name_fr]
    sample = former[:: max(1, len(former) // 40)]
    assert len(sample) >= 40
    assert not [entry.pk for entry in sample if entry.disease_id not in keys(entry.name_fr)[:5]]
    assert not [entry.pk for entry in sample if keys(f"ORPHA:{entry.pk}") != [entry.disease_id]]


@pytest.mark.parametrize(
    ("query", "centre"),
    [
        ("Necker", "ophtara-necker"),
        ("Necker", "surdites-necker"),
        ("hopital necker enfants malades", "surdites-necker"),
        ("Quinze-Vingts", "referet-quinze-vingts"),
        ("quinze vingt", "referet-quinze-vingts"),
        ("Pitié Salpétriere", "surdites-pitie-salpetriere"),
        ("salpetriere", "surdites-pitie-salpetriere"),
        ("Strasbourg", "cargo-strasbourg"),
        ("strasburg", "cargo-strasbourg"),
        ("CHU Montpellier", "maolya-montpellier"),
        ("Dollfus", "cargo-strasbourg"),
        ("Hélène Dolfus", "cargo-strasbourg"),
        ("meunier isabelle", "maolya-montpellier"),
        ("Brémond-Gignac", "ophtara-necker"),
        ("bremond gignac", "ophtara-necker"),
        ("CARGO", "cargo"),
        ("maolya", "maolya"),
    ],
)
def test_a_hospital_a_town_or_a_person_leads_to_the_centre(real, query, centre):
    assert centre in centres(query)[:3]


def test_words_that_are_nothing_find_nothing(real):
    for query in ("zzzxxqq", "???", "…", "   ", "", "🙂", "סמ", "qqqqqqqqqqqq wwwwwwwwwwww"):
        assert search.diseases(query).best is None, query
        assert search.directory(query).best is None, query


def test_a_correction_is_never_silent(real):
    """What was read with a typo, or with a word left out, says so; the words as typed can be insisted upon."""
    assert search.diseases("Stargart").is_corrected
    assert not search.diseases("Stargart", exact_only=True).found
    assert not search.diseases("Stargardt").is_corrected
    assert search.diseases("Stargardt", exact_only=True).best.key == "827"
    partial = search.diseases("kératocône zzzxxqq")
    assert partial.is_partial
    assert partial.left_out == ("zzzxxqq",)
    assert partial.best.key == "2335"
    assert search.directory("strasburg").is_corrected
    assert not search.directory("strasburg", exact_only=True).found
    assert not search.directory("strasburg", may_guess=False, exact_only=True).found


# --- Names taken from the data ------------------------------------------------------------------------------------


def sample() -> list[Disease]:
    """Sixty diseases of eye or ear, spread evenly."""
    known = list(Disease.public.of_eye_or_ear().order_by("orpha_code"))
    return known[:: len(known) // 60][:60]


def without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def reversed_words(text: str) -> str:
    return " ".join(reversed(text.split()))


def with_a_slip(text: str) -> str:
    """Two neighbouring letters of its longest word changed places; empty if no word has six letters."""
    longest = max(re.findall(r"[^\W\d_]{6,}", text), key=len, default="")
    middle = next(
        (
            place
            for place in range(len(longest) // 2, len(longest) - 1)
            if longest[place].lower() != longest[place + 1].lower()
        ),
        None,
    )
    if middle is None:
        return ""
    slipped = longest[:middle] + longest[middle + 1] + longest[middle] + longest[middle + 2 :]
    return text.replace(longest, slipped, 1)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("change", "places"),
    [(str, 1), (str.upper, 1), (without_accents, 1), (reversed_words, 1), (with_a_slip, 5)],
    ids=["as it is", "in capitals", "without accents", "in another order", "with a slip"],
)
def test_the_shown_name_finds_its_disease(real, language, change, places):
    """First, or with a slip of the keyboard among the first five."""
    tried, missed = 0, []
    for disease in sample():
        name = getattr(disease, f"name_{language}") or ""
        if change is reversed_words and re.search("hearing (loss|impairment)", name):
            continue  # read as one word, “deafness”: in another order they are two
        if query := change(name):
            tried += 1
            if disease.pk not in keys(query)[:places]:
                missed.append(query)
    assert tried > 50
    assert not missed


@pytest.mark.parametrize(
    ("what", "queries", "places"),
    [
        ("ORPHAcode", lambda disease: [f"ORPHA:{disease.pk}", f"orpha {disease.pk}", str(disease.pk)], 1),
        ("first synonym", lambda disease: [each for code in LANGUAGES for each in disease.synonym_list(code)[:1]], 1),
        ("OMIM number", lambda disease: [f"OMIM {number}" for number in disease.omim.split()], 5),
    ],
)
def test_numbers_and_other_names_find_their_disease(real, what, queries, places):
    """An OMIM number may belong to several entries: among the first five."""
    tried, missed = 0, []
    for disease in sample():
        for query in queries(disease):
            tried += 1
            if disease.pk not in keys(query)[:places]:
                missed.append((query, disease.pk))
    assert tried > 50, what
    assert not missed


def test_a_gene_finds_the_diseases_that_it_belongs_to(real):
    """However many there are."""
    wanted: dict[str, set[int]] = {}
    for each in sample():
        for symbol in each.genes.split():
            wanted.setdefault(symbol, set()).add(each.pk)
    assert len(wanted) > 30
    assert not [symbol for symbol, codes in wanted.items() if not codes <= set(keys(symbol))]


# --- Order --------------------------------------------------------------------------------------------------------


def found(**facts) -> search.Found:
    defaults = {
        **{"kind": "disease", "key": "1", "text": "Invented", "language": "fr", "role": Role.NAME, "tier": 3},
        **{"typos": 0, "is_ours": False, "coverage": 0.5, "cost": 0.0, "length": 20, "level": 1},
    }
    return search.Found(**{**defaults, **facts})


def test_the_tier_decides_then_eye_and_ear_then_the_more_general():
    """Each one stands before the next, whatever else speaks for the next."""
    in_order = [
        found(tier=0, level=2),
        found(tier=2, is_ours=True, coverage=0.3, level=2),
        found(tier=2, coverage=0.9),
        found(tier=3, is_ours=True, level=0, coverage=0.4),
        found(tier=3, is_ours=True, level=1, coverage=0.4),
        found(tier=3, is_ours=True, level=2, coverage=0.4, length=1),
        found(tier=5, is_ours=True, cost=0.4, typos=1),
        found(tier=5, is_ours=True, cost=0.8, typos=2, coverage=1.0),
        found(tier=5, cost=0.4, typos=1, coverage=1.0, level=0),
        found(tier=6, is_ours=True, coverage=1.0, level=0),
    ]
    ranks = [each.rank for each in in_order]
    assert ranks == sorted(ranks)
    assert all(before < after for before, after in pairwise(ranks))


def disease(name: str, **facts) -> int:
    return factories.disease(name_fr=name, **facts).pk


@both
def test_exact_stands_before_beginning_before_all_words(publish):
    factories.directory()
    inside = disease("Rubra maladie inventée zelotica alba")
    other_order = disease("Alba inventée zelotica")
    beginning = disease("Zelotica alba inventée minor")
    exact = disease("Zelotica alba inventée")
    elsewhere = disease("Zelotica rubra")
    publish()
    assert keys("zelotica alba inventée") == [exact, other_order, beginning, inside]
    assert elsewhere in keys("zelotica")
    misspelt = search.diseases("zelotica albba inventée")
    assert misspelt.is_corrected
    assert {int(each.key) for each in misspelt.found[:2]} == {exact, other_order}  # a slip and the whole name


@both
def test_of_equals_eye_and_ear_come_first_then_the_more_general(publish):
    factories.directory()
    other_field = disease("Zelotica inventée", is_eye=False)
    form = disease("Zelotica inventée prima", kind="subtype")
    disorder = disease("Zelotica inventée secunda", kind="disorder")
    hearing = disease("Zelotica inventée auris longa lata", is_eye=False, is_hearing=True)
    foreign = disease("Zelotica inventée brevis", is_eye=False)
    publish()
    assert keys("zelotica inventée") == [other_field, disorder, form, hearing, foreign]


QUERIES = (
    *("Usher", "surdité", "rétinite", "kératocône", "maladie rare", "dystrophie cornéenne", "stargart", "leber"),
    *("glaucome congénital", "cataracte", "albinisme", "atrophie optique", "Wolfram", "PAX6", "syndrome", "opticus"),
    *("Netzhaut", "Taubheit", "deafness blindness", "RP"),
)


def test_on_real_data_the_order_is_tier_then_eye_and_ear(real):
    compared = 0
    for query in QUERIES:
        answers = search.diseases(query).found
        assert [each.rank for each in answers] == sorted(each.rank for each in answers)
        assert len({each.key for each in answers}) == len(answers)
        for before, after in pairwise(answers):
            compared += 1
            assert (before.tier, not before.is_ours) <= (after.tier, not after.is_ours), query
    assert compared > 100


def test_the_disease_stands_before_its_forms(real):
    codes = keys("syndrome d’Usher")
    forms = [codes.index(form) for form in (231169, 231178, 231183)]
    assert codes[0] == 886
    assert max(forms) == 3


def test_the_same_query_has_the_same_answer(real):
    before = {query: search.diseases(query).found for query in QUERIES}
    search._vocabulary.cache_clear()
    after = {query: search.diseases(query).found for query in QUERIES}
    assert before == after
    assert sum(map(len, before.values())) > 100


# --- Anything at all ----------------------------------------------------------------------------------------------

# Whole names with operators, markup and other alphabets between them.
HOSTILE = (
    *('"', '" OR *', "NEAR(", "NEAR(usher stargardt, 2)", "-usher", "usher*", "NOT usher", "usher AND", "^usher"),
    *(
        "words:usher",
        "{words} : usher",
        "usher + stargardt",
        "'; DROP TABLE disease_name; --",
        "' OR '1'='1",
        "%s %(q)s",
    ),
    *("\\", "%", "_", "*", "()", "a OR b OR c OR d", "<script>alert(1)</script>", "{{ 7*7 }}", "{% load x %}", "${7}"),
    *(
        "🙂🙃👩‍👩‍👧‍👦",
        "שלום עולם",
        "مرض آشر",
        "視網膜",
        "ﬁbrose",
        "Ｕｓｈｅｒ",
        "u\u0301sher",
        "\u202eresu",
        "\ufeffusher",
        "İstanbul",
    ),
    *(
        "a" * 100,
        "ab " * 33,
        "usher" * 20,
        "1" * 100,
        "é" * 100,
        "-" * 100,
        "type " * 20,
        "ORPHA:99999999",
        "0",
        "00886",
    ),
)
FREE_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
FRAGMENTS = st.lists(st.sampled_from((*HOSTILE, "Usher", "rétinite", "surdité", "Colmar", "type 2")), max_size=5)
ANYTHING = FREE_TEXT | FRAGMENTS.map(" ".join)
# The names that the index may answer with, for each way to read a query.
MOST_FOUND = 5 * (search.MOST_NAMES + 120)

with_anything = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@with_anything
@given(text=ANYTHING)
@example(text="x" * 400)
def test_anything_can_be_searched_for(real, text):
    for is_typing in (False, True):
        for outcome in (search.diseases(text, is_typing=is_typing), search.directory(text, is_typing=is_typing)):
            assert len(outcome.found) <= MOST_FOUND
            assert outcome.typed == text
    assert len(suggestions(text)) <= MOST
    gazetteer.find(text)


@settings(with_anything, max_examples=15)
@given(text=FREE_TEXT | st.sampled_from(HOSTILE), near=st.sampled_from(["", "Colmar", *HOSTILE]))
def test_any_text_gets_a_whole_page(real, text, near):
    response = real.get("/fr/recherche/", {"q": text, "near": near})
    is_long = len(text.strip()) > search.MOST_CHARACTERS or len(near.strip()) > 80
    assert response.status_code == (400 if is_long else 200)
    page, problems = read(response.content.decode())
    assert not problems
    typed = {field.get("name"): field.get("value") for field in page.all("input")}
    assert {"q", "near", "age"} <= set(typed)
    if is_long:
        assert (typed["q"], typed["near"]) == (text, near)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{ 7*7 }}", "'; DROP TABLE disease_name; --"])
def test_hostile_text_is_shown_as_text(real, text):
    """In its box, in the answer that nothing was found, and nowhere as anything else."""
    response = real.get("/en/search/", {"q": text, "exact": "1"})
    assert response.status_code == 200
    page, problems = read(response.content.decode())
    assert not problems
    assert text in page.one("div", class_="messages").text
    assert not [script for script in page.all("script") if "alert" in script.text]
    assert keys("usher")[:1] == [886]


def decorated(word: str) -> list[str]:
    return [
        f'"{word}"',
        f"{word}*",
        f"-{word}",
        f"^{word}",
        f"({word})",
        f"+{word}",
        f"{{{word}}}",
        f"'{word}",
        f"{word}:",
    ]


def test_words_are_data_not_syntax(real):
    """Signs of the index's own language change nothing."""
    tried = 0
    for query in QUERIES:
        plain = keys(query)
        for spelling in decorated(query):
            tried += 1
            assert keys(spelling) == plain, spelling
    assert tried > 100
    assert keys("usher OR stargardt") == keys("usher stargardt")
    assert keys("usher AND syndrome") == keys("usher syndrome")
    assert keys("NEAR(usher, 2)") == keys("near usher 2")


@settings(with_anything, max_examples=40)
@given(
    words=st.lists(
        st.sampled_from(["usher", "syndrome", "type", "retinite", "pigmentaire", "surdite", "wolfram"]),
        min_size=1,
        max_size=3,
    ),
    signs=st.lists(st.sampled_from(' "*-+(){}^:,.;!?/\\|<>=&%$#@~`[]'), min_size=1, max_size=3).map("".join),
)
def test_signs_between_words_are_spaces(real, words, signs):
    assert keys(signs + f" {signs}".join(words)) == keys(" ".join(words))


def test_hostile_input_costs_little(real):
    """CPU time, with a wide margin: a query takes some milliseconds, and must never take the worker."""
    search.warm_up()
    worst = (
        *HOSTILE,
        "maladdie retinnienne dystrophhie syndrrome congeenitale heredittaire tyype foorme",
        "dystrophie retinienne maladie syndrome congenitale hereditaire type forme",
        "retinitis pigmentosa type a b c d e f g h i j k l",
        "e" * 50 + " " + "i" * 49,
        "abcdefghij" * 10,
    )
    for text in worst:
        for ask in (search.diseases, search.directory, suggestions):
            before = time.process_time()
            ask(text[: search.MOST_CHARACTERS])
            # Not how fast it is (a hundredth of this), only that it is bounded, on any machine.
            assert time.process_time() - before < 1, text


# --- The index ----------------------------------------------------------------------------------------------------


def everything_found(path: Path) -> dict[str, list]:
    with snapshot.pinned(path):
        return {query: search.diseases(query).found for query in QUERIES}


def test_a_copied_index_answers_like_one_that_was_built(own_site, visitor):
    """A publication takes the diseases from the one before while nobody edits them. Twice, to see a copy of a copy."""
    built = (own_site.snapshots / snapshot.LINK).resolve()
    expected = everything_found(built)
    assert len(QUERIES) >= 20 and all(expected.values())
    copies = [own_site.snapshots / f"2099010{day}T000000000000-00000000.sqlite3" for day in (1, 2)]
    own_site.python(
        "from pathlib import Path\n"
        "from centres.models import Centre, Network\n"
        "from sensgene import publication\n"
        "from tests import factories\n"
        "new = factories.centre(slug='invented', name_fr='Centre inventé de Zelotique', network=Network.objects.first())\n"
        f"for path in {[str(path) for path in copies]}:\n"
        "    publication.build(Path(path))\n"
        "    publication.switch(Path(path))\n"
        "    Centre.objects.filter(pk=new.pk).update(name_fr='Centre inventé de Zelotomie')\n"
    )
    states = {snapshot.information(path)["reference"] for path in (built, *copies)}
    assert len(states) == 1  # nothing but that lets a publication copy
    assert len({snapshot.information(path)["content"] for path in (built, *copies)}) == 3
    for path in copies:
        assert everything_found(path) == expected
    # The centres are indexed anew each time.
    for path, known in ((built, ""), (copies[0], "zelotique"), (copies[1], "zelotomie")):
        with snapshot.pinned(path):
            for query in ("zelotique", "zelotomie"):
                found = [each.key for each in search.directory(query, exact_only=True).found]
                assert found == (["invented"] if query == known else []), (path, query)


@both
def test_what_is_no_longer_public_is_no_longer_found(publish):
    shown = factories.directory()
    gone = factories.disease(name_fr="Zelotica retirée", status="withdrawn")
    factories.centre(name_fr="Centre zelotique brouillon", state="draft")
    publish()
    assert keys("zelotica") == []
    assert keys(f"ORPHA:{gone.pk}") == []
    assert centres("zelotique") == []
    assert shown.slug in centres("Invented centre")


@both
def test_what_staff_write_down_is_found(publish):
    """A search word, a new hospital, the team."""
    shown = factories.directory()
    named = factories.disease(name_fr="Maladie inventée", search_words="mot de tous les jours\nzelot", genes="ZEL1")
    old = factories.former_code(disease=named, name_fr="Nom inventé d’autrefois")
    factories.team_member(centre=shown, first_name="Ada", last_name="Zelotova")
    publish()
    for query in ("zelot", "mot de tous les jours", "zel1", "nom inventé d’autrefois", f"ORPHA:{old.pk}"):
        assert keys(query)[:1] == [named.pk], query
    assert centres("zelotova") == [shown.slug]


# --- Why ----------------------------------------------------------------------------------------------------------


def explained(query: str, **options) -> str:
    out = io.StringIO()
    call_command("explain_search", query, stdout=out, **options)
    return out.getvalue()


def test_explain_search_says_why(real):
    text = explained("Usher", lang="en")
    assert "886  Usher syndrome" in text
    first = text[text.index("886  Usher syndrome") :]
    assert "tier 1" in first and "eye or hearing" in first and "covers 100% of the name" in first
    assert snapshot.open_current() in text
    assert "words: usher" in text
    assert "Syndrome d'Usher" in explained("Usher", lang="fr")
    assert "1 typos" in explained("Stargart")
    assert "left out: zzzxxqq" in explained("kératocône zzzxxqq")
    assert "(none)" in explained("???")
    assert "ophtara-necker" in explained("Necker")
    assert len(re.findall(r"^ +\d+\. disease", explained("surdité", most=3), re.MULTILINE)) == 3
    assert explained("uveit", typing=True).count("disease") > 1
