"""The German name of a disease as a reader should see it, worked out from Orphanet's catalogue form.
Names that no rule can mend stand in fixtures/diseases/german_names.csv, which wins over what is worked out here."""

import re

# The numbers are the sections of the review of all names for eyes and ears, from which the rules come:
# 2a wording that hurts, 3 inverted names, 4 joined names, 5a English and web addresses.

# 2a. Both words of a pair have the same gender, so nothing around them changes.
WORDING = (
    (r"\b[Gg]eistigen? Retardierung|\b[Mm]entaler? Retardierung", "Intelligenzminderung"),
    (r"(Entwicklungs|Wachstums)retardierung", r"\1verzögerung"),
    (r"\b([Pp]sychomotorische) Retardierung", r"\1 Entwicklungsverzögerung"),
    (r"\bStörung(en)? der Geschlechtsentwicklung", r"Variante\1 der Geschlechtsentwicklung"),
    (r"\bMissbildung", "Fehlbildung"),
)
UNWANTED = re.compile("retard", re.IGNORECASE)  # in a sentence that the pairs do not know

# 5a. Words that no German name holds. (Latin names stay: they are the German ones too.)
ENGLISH = re.compile(
    r"\b(syndrome|disease|deficiency|disorder|related|and|of|with|to|the|type|onset|congenital|autosomal recessive)\b"
)

# 3, point 5. An inflected adjective; before its last hyphen anything may stand: "X-chromosomale", "IgG4-assoziierte".
ADJECTIVE = r"(?:[\w'+/.-]+[-/])?[a-zäöüß]+(?:e|er|es)"
# Adverbs, "und", and the first half of "COL4A1- oder COL4A2-abhängige".
BEFORE_ADJECTIVE = r"(?:[a-zäöüß][\w/-]*|[\w-]+-)"
ADJECTIVES = re.compile(rf"(?:{BEFORE_ADJECTIVE} )*{ADJECTIVE}")
# 3, points 1 and 2. What stays behind the head: a type, a cause, an age …
REMARK = re.compile(
    r"(?:Typ|mit|ohne|durch|bei|nach|infolge|aufgrund|im|des|der) (?:.* )?\S*[A-Z0-9ÄÖÜ]\S*"
    r"|(?:\S+ )*(?:\S+-)?Typ(?: \w+)?"
    r"|\S+-Variante"
)
ADJECTIVES_AND_REMARK = re.compile(rf"({ADJECTIVES.pattern}) ((?:mit|ohne|durch|bei) .+)")
FORM = re.compile(r".*\bForm(en)?\b.*|(?:rasch|langsam) fortschreitend")
# … and commas that only list things: "mit Rippen, Wirbeln und Becken".
LIST = re.compile(r".* (?:mit|von|durch) [^,]+(?:, [^,]+)* und [^,]+")

# 3, point 4. An adjective that opens a phrase: a noun follows. "Amyloidose Typ 2" opens with a noun that ends like one.
OPENING_ADJECTIVE = re.compile(
    rf"(?!\w{{3,}}(?:ie|ose|ome|ase|ien) )([A-ZÄÖÜ][\w-]*(?:e|er|es)) (?:(?!d[ae]s |der )(?:{ADJECTIVE}|und) )*[A-ZÄÖÜ]"
)
NOUN_INSIDE = re.compile("-(?:ähnlich|artig|spezifisch)")


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def small(phrase: str) -> str:
    """3, point 4: "Retinale Dystrophie" → "retinale Dystrophie"; nouns, names and "X-chromosomal" keep their capital."""
    adjective = OPENING_ADJECTIVE.match(phrase)
    if not adjective or not adjective[1][1].islower() or NOUN_INSIDE.search(adjective[1]):
        return phrase
    return phrase[0].lower() + phrase[1:]


def ending(adjective: str) -> str:
    return re.search("(?:e|er|es)$", adjective)[0]


def turned(name: str) -> str | None:
    """3 and 3b: "Schwerhörigkeit, syndromale, Typ 2" → "Syndromale Schwerhörigkeit Typ 2"."""
    head, *parts = name.split(", ")
    form = f", {parts.pop()}" if parts and FORM.fullmatch(parts[-1]) else ""
    adjectives, remarks = [], []
    for part in parts:
        if REMARK.fullmatch(part):
            remarks.append(part)
        elif ADJECTIVES.fullmatch(part):
            adjectives.append(part)
        elif both := ADJECTIVES_AND_REMARK.fullmatch(part):
            adjectives.append(both[1])
            remarks.append(both[2])
        else:
            # No ending, or "Klappe, Anomalie der": point 5 says not to turn it.
            return name if LIST.fullmatch(name) and not adjectives else None
    if adjectives:
        opening = OPENING_ADJECTIVE.match(head)
        endings = {ending(phrase) for phrase in adjectives} | ({ending(opening[1])} if opening else set())
        # Point 5; and adjectives that do not agree belong to another word, or are wrong in the file.
        if " und " in head or len(endings) > 1:
            return None
        head = " ".join([*reversed(adjectives), small(head)])
    return capital(" ".join([head, *remarks])) + form


def joined(parts: list[str]) -> str | None:
    """4: "Katarakt - Ataxie, Typ 2" → "Katarakt-Ataxie-Syndrom Typ 2"."""
    *parts, last = parts
    last, *remarks = last.split(", ")
    # Behind the last part an adjective might belong to that part or to the whole.
    if not all(REMARK.fullmatch(remark) or FORM.fullmatch(remark) for remark in remarks):
        return None
    whole = [turned(part) if ", " in part else part for part in [*parts, last]]
    if None in whole:
        return None
    first, *others = whole
    name = "-".join([first, *(small(other) for other in others)]).removesuffix("-Syndrom") + "-Syndrom"
    return turned(", ".join([name, *remarks]))


def shown_name(name: str) -> str | None:
    """None where no rule gives a clean German name: the site then shows the English one, marked as English."""
    name = name.partition(" http")[0]  # 5a
    name = re.sub(r"\s*,\s", ", ", name).strip()
    if not name or ENGLISH.search(name):
        return None
    for pattern, replacement in WORDING:
        name = re.sub(pattern, replacement, name)
    if UNWANTED.search(name):
        return None
    # Also "Ataxie -Taubheit" and "Ataxie- Taubheit", but neither "Ober- und Unterlippe" nor "Atresie oder -stenose".
    parts = re.split(r"\s-\s|(?<!\bund)(?<!\boder)\s-(?=\w)|(?<=[a-zäöüß])-\s(?!(?:und|oder)\b)", name)
    return joined(parts) if len(parts) > 1 else turned(name)
