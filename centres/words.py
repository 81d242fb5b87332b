"""How words are compared: one way to normalise, for what is searched and for what is typed, in three languages."""

import re
import unicodedata

GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon "
    "phi chi psi omega"
)
LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ß": "ss", "’": "'"}
    | dict(zip("αβγδεζηθικλμνξοπρςστυφχψω", GREEK_NAMES.split(), strict=True))
)
ACCENTS = re.compile("[\u0300-\u036f]")  # as they stand alone once a letter is decomposed
UMLAUT = re.compile("[äöü]", re.IGNORECASE)
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
ELISION = re.compile(r"\b(?:[dlnsj]|qu)'")  # d'Usher is Usher
POSSESSIVE = re.compile(r"'s\b")
TO = re.compile(r"(?<!\w)à(?!\w)")  # the French small word; "type A" keeps its letter
NOT_A_WORD = re.compile(r"[^a-z0-9]+")

# Type II is type 2. A lone i, v or x is a numeral only where a type is counted; "X-linked" is not.
ROMAN = {
    numeral: str(number)
    for number, numeral in enumerate(
        ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"), start=1
    )
}
NUMERAL = re.compile(r"(viii|vii|vi|v|iv|ix|iii|ii|i|xii|xi|x)([a-h]?)")
COUNTED = {"type", "typ", "typus", "types", "typen", "stade", "stage", "form", "forme", "classe", "class", "groupe"}

# Words that one reader uses for another's: searched as one.
SAME = {
    **dict.fromkeys(["taubheit", "horverlust", "horstorung", "gehorlosigkeit"], "schwerhorigkeit"),
    **{"colour": "color", "tumour": "tumor", "tumours": "tumors"},
    **dict.fromkeys(["oculaire", "ophtalmique"], "ophtalmologique"),
}
SAME_PHRASES = (
    (re.compile(r"\bhearing (?:loss|impairment)\b"), "deafness"),
    (re.compile(r"\b(?:perte|deficience) auditive\b"), "surdite"),
    (re.compile(r"\b(?:geistige retardierung|intellektuelle beeintrachtigung)\b"), "intelligenzminderung"),
)

# Small words say nothing, and stand in the way of a name's beginning: "Syndrome d'Usher", "syndrome usher".
SMALL_WORDS = (
    "au aux avec de des du en et la le les ou par pour sur un une "
    "and by for from in of on or the to with an "
    "am an auf bei das dem den der des die durch ein eine einer im in mit oder und vom von vor zu zum zur"
)
STOP = frozenset(SMALL_WORDS.split())
# Fillers may stand or be left out: "Norrie", "Norrie disease", "maladie de Norrie".
FILLING_WORDS = (
    "a maladie maladies syndrome syndromes affection affections trouble troubles pathologie pathologies anomalie rare rares "
    "gene genes type types forme formes "
    "disease diseases disorder disorders condition conditions illness form forms "
    "krankheit krankheiten syndrom syndroms erkrankung erkrankungen morbus gen typ typen typus formen seltene "
    "seltener seltenes orpha orphanet omim mim"
)
FILLERS = frozenset(FILLING_WORDS.split())


def plain(text: str) -> str:
    """Lower case, without accents, letters and digits only: “Maladie de Ménière” → “maladie de meniere”."""
    text = text.casefold()
    if not text.isascii():
        text = TO.sub(" ", unicodedata.normalize("NFC", text)).translate(LETTERS)
        text = ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    if "'" in text:
        text = POSSESSIVE.sub("", ELISION.sub(" ", text))
    return NOT_A_WORD.sub(" ", text).strip()


def spelt_out(text: str) -> str:
    """As `plain`, with German umlauts as two letters: Früh → frueh."""
    return plain(unicodedata.normalize("NFC", text.casefold()).translate(UMLAUTS))


def numerals(words: list[str]) -> list[str]:
    """Roman numerals as figures: type ii → type 2, iia → 2a."""
    found = []
    for place, word in enumerate(words):
        match = NUMERAL.fullmatch(word)
        is_counted = place > 0 and words[place - 1] in COUNTED
        if match and (is_counted or len(match[1]) > 1 and word not in ("xi", "via", "vie", "id", "ia")):
            word = ROMAN[match[1]] + match[2]
        found.append(word)
    return found


def canonical(text: str) -> list[str]:
    """The words of a text as they are compared, in their order."""
    text = plain(text)
    for pattern, word in SAME_PHRASES:
        text = pattern.sub(word, text)
    return [SAME.get(word, word) for word in numerals(text.split())]


def aliases(text: str) -> dict[str, str]:
    """Other spellings of this text's words → the word they stand for: frueh → fruh, taubheit → schwerhorigkeit."""
    found = {word: SAME[word] for word in plain(text).split() if word in SAME}
    if UMLAUT.search(unicodedata.normalize("NFC", text)):
        spelt, short = spelt_out(text).split(), plain(text).split()
        if len(spelt) == len(short):  # not where somebody piles accents on a letter
            found |= {other: SAME.get(word, word) for other, word in zip(spelt, short, strict=True) if other != word}
    return found


def is_content(word: str) -> bool:
    """Whether a word tells one name from another."""
    return word not in STOP and word not in FILLERS
