"""The search's part of a snapshot: every name a disease or a centre is known by, as words, and a word index over them.

Written when a snapshot is built, read by centres/search.py. Two of each table: diseases (reference data, which seldom
change) and the directory (centres and networks, which staff edit).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from centres import words

DISEASES, DIRECTORY = "disease", "directory"
LANGUAGES = ("fr", "en", "de")


class Role(StrEnum):
    """What a name is to the thing it names, the best first."""

    NAME = "name"
    SYNONYM = "synonym"
    WORD = "word people use"
    GERMAN = "German name as printed"
    FORMER = "former name"
    PLACE = "hospital or town"
    PERSON = "person in charge"
    INITIALS = "initials"
    GENE = "gene"
    OMIM = "OMIM number"


@dataclass(frozen=True)
class Name:
    """One name of one thing."""

    kind: str  # disease, network, centre
    key: str  # ORPHAcode or short name
    language: str
    role: Role
    text: str

    @property
    def words(self) -> list[str]:
        found = words.canonical(self.text)
        return [word for word in found if word not in words.STOP] or found


def table_names(part: str) -> tuple[str, str, str]:
    return f"{part}_name", f"{part}_words", f"{part}_word"


def create_tables(cursor, part: str) -> None:
    names, index, vocabulary = table_names(part)
    cursor.execute(
        f"CREATE TABLE {names} (id INTEGER PRIMARY KEY, kind TEXT, key TEXT, language TEXT, role TEXT, rank INTEGER, "
        "text TEXT, words TEXT)"
    )
    cursor.execute(f"CREATE TABLE {vocabulary} (word TEXT PRIMARY KEY, means TEXT, names INTEGER) WITHOUT ROWID")
    # No positions, no copy of the text: words are matched as sets, and ranked in Python.
    cursor.execute(f"CREATE VIRTUAL TABLE {index} USING fts5(words, content='', detail=none, prefix='1 2 3')")


def write(cursor, part: str, ranked: Iterable[tuple[int, Name]]) -> None:
    """Writes the names. `rank` 0 stands before 1: the index answers in that order, shorter names first.

    So a search reads the first few hundred and stops, however large the directory grows.
    """
    names, index, vocabulary = table_names(part)
    rows = []
    frequency, means = Counter(), {}
    seen = set()
    for rank, name in ranked:
        written = " ".join(name.words)
        if not written or (name.kind, name.key, written) in seen:
            continue
        seen.add((name.kind, name.key, written))
        rows.append((rank, len(written), name, written))
        frequency.update(set(written.split()))
        means |= words.aliases(name.text)
    rows.sort(key=lambda row: row[:2])
    cursor.executemany(
        f"INSERT INTO {names} VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",  # noqa: S608
        [
            (number, name.kind, name.key, name.language, name.role, rank, name.text, written)
            for number, (rank, _length, name, written) in enumerate(rows, start=1)
        ],
    )
    cursor.executemany(
        f"INSERT INTO {index} (rowid, words) VALUES (%s, %s)",  # noqa: S608
        [(number, written) for number, (*_rest, written) in enumerate(rows, start=1)],
    )
    other = {word: canonical for word, canonical in means.items() if word not in frequency}
    cursor.executemany(
        f"INSERT INTO {vocabulary} VALUES (%s, %s, %s)",  # noqa: S608
        [
            *((word, word, count) for word, count in frequency.items()),
            *((word, canonical, frequency[canonical]) for word, canonical in other.items() if canonical in frequency),
        ],
    )
    create_lookup(cursor, names)


def create_lookup(cursor, names: str) -> None:
    """For a whole name, or its beginning."""
    cursor.execute(f"CREATE INDEX {names}_words ON {names} (words)")


# --- Diseases -----------------------------------------------------------------------------------------------------


def initials(name: str) -> Iterator[str]:
    """“Leber congenital amaurosis” → LCA: how doctors shorten a name. With and without its small words."""
    spelt = words.plain(name).split()
    without = [word for word in spelt if word not in words.STOP]
    for each in (spelt, without):
        if 3 <= len(each) <= 6:
            yield "".join(word[0] for word in each)


def disease_names(row: dict) -> Iterator[Name]:
    """Every name of one disease; `row` holds the columns that DISEASE_COLUMNS lists."""
    code = str(row["orpha_code"])

    def name(language: str, role: Role, text: str) -> Name:
        return Name("disease", code, language, role, text)

    for language in LANGUAGES:
        if text := row[f"name_{language}"]:
            yield name(language, Role.NAME, text)
            if row["is_eye"] or row["is_hearing"]:
                for short in initials(text):
                    yield name(language, Role.INITIALS, short.upper())
        for text in (row[f"synonyms_{language}"] or "").splitlines():
            yield name(language, Role.SYNONYM, text)
    if row["german_name"]:
        yield name("de", Role.GERMAN, row["german_name"])
    for text in row["search_words"].splitlines():
        yield name("", Role.WORD, text)
    for symbol in row["genes"].split():
        yield name("", Role.GENE, symbol)
    for number in row["omim"].split():
        yield name("", Role.OMIM, number)


DISEASE_COLUMNS = (
    *(
        "orpha_code",
        "kind",
        "name_fr",
        "name_en",
        "name_de",
        "german_name",
        "synonyms_fr",
        "synonyms_en",
        "synonyms_de",
    ),
    *("search_words", "is_eye", "is_hearing", "genes", "omim"),
)


def write_diseases(cursor) -> None:
    """Indexes the diseases of the open snapshot: eye and hearing first."""
    create_tables(cursor, DISEASES)
    cursor.execute(f"SELECT {', '.join(DISEASE_COLUMNS)} FROM centres_disease WHERE status != 'withdrawn'")  # noqa: S608
    rows = [dict(zip(DISEASE_COLUMNS, values, strict=True)) for values in cursor.fetchall()]
    ours = {row["orpha_code"] for row in rows if row["is_eye"] or row["is_hearing"]}
    ranked = [(0 if row["orpha_code"] in ours else 1, name) for row in rows for name in disease_names(row)]
    cursor.execute("SELECT disease_id, name_fr, name_en FROM centres_formercode")
    for code, *names in cursor.fetchall():
        for language, text in zip(("fr", "en"), names, strict=True):
            if text:
                ranked.append((0 if code in ours else 1, Name("disease", str(code), language, Role.FORMER, text)))
    write(cursor, DISEASES, ranked)


def copy_diseases(cursor, schema: str) -> None:
    """As `write_diseases`, from an attached snapshot that holds the same diseases. The word index is made anew."""
    names, index, vocabulary = table_names(DISEASES)
    for table in (names, vocabulary):
        cursor.execute(f"INSERT INTO {table} SELECT * FROM {schema}.{table}")  # noqa: S608
    cursor.execute(f"INSERT INTO {index} (rowid, words) SELECT id, words FROM {names}")  # noqa: S608
    create_lookup(cursor, names)


# --- Centres and networks -----------------------------------------------------------------------------------------


def write_directory(cursor) -> None:
    """Indexes the networks and centres of the open snapshot."""
    create_tables(cursor, DIRECTORY)
    write(cursor, DIRECTORY, ((0, name) for name in (*network_names(cursor), *centre_names(cursor))))


def network_names(cursor) -> Iterator[Name]:
    cursor.execute(
        "SELECT slug, acronym, short_name_fr, short_name_en, short_name_de, name_fr, name_en, name_de FROM centres_network"
    )
    for slug, acronym, *names in cursor.fetchall():
        if acronym:
            yield Name("network", slug, "fr", Role.NAME, acronym)
        for language, text in zip(LANGUAGES * 2, names, strict=True):
            if text:
                yield Name("network", slug, language, Role.NAME, text)


def centre_names(cursor) -> Iterator[Name]:
    cursor.execute(
        "SELECT c.slug, c.name_fr, c.name_en, c.name_de, h.name, h.town, p.first_name, p.last_name "
        "FROM centres_centre c JOIN centres_hospital h ON h.id = c.hospital_id "
        "LEFT JOIN centres_coordinator p ON p.id = c.coordinator_id"
    )
    for slug, *names, hospital, town, first_name, last_name in cursor.fetchall():
        for language, text in zip(LANGUAGES, names, strict=True):
            if text:
                yield Name("centre", slug, language, Role.NAME, text)
        yield Name("centre", slug, "fr", Role.PLACE, f"{hospital} {town}".strip())
        if last_name:
            yield Name("centre", slug, "fr", Role.PERSON, f"{first_name} {last_name}")
    cursor.execute(
        "SELECT c.slug, t.first_name, t.last_name FROM centres_teammember t JOIN centres_centre c ON c.id = t.centre_id"
    )
    for slug, first_name, last_name in cursor.fetchall():
        yield Name("centre", slug, "fr", Role.PERSON, f"{first_name} {last_name}")
