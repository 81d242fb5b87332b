"""A snapshot many times as large, made from a published one: what is added is invented, and says so.

python -m tests.benchmarks.growth < {"source", "target", "factor", "seed"}    answers with counts, as JSON

The search index is written by the site's own code. Invented diseases have two names each, real ones seven: a million of
seven would take longer to write than to measure.
"""

import json
import random
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import django

MARK = "erfunden"
FIRST_CODE = (
    8_000_000  # far from Orphanet's, and with 100 times the data still of the seven digits that the search reads
)
HEAPS = 0.6  # words of the real names, half of them against all: the vocabulary grows with this power of the data
SYLLABLE = re.compile(r"[^aeiouy]*[aeiouy]+(?:[^aeiouy]+$)?")
NAMES = ("name", "name_fr", "name_en", "name_de")


# --- Words --------------------------------------------------------------------------------------------------------


def invented_words(real: list[str], count: int, chance: random.Random) -> list[str]:
    """The beginning of one real word and the end of another: as long as real ones, and alike at their beginning."""
    syllables = [found for word in real if word.isalpha() and len(found := SYLLABLE.findall(word)) > 1]
    taken, made = set(real), []
    for _attempt in range(20 * count):
        if len(made) == count:
            return made
        first, second = chance.choice(syllables), chance.choice(syllables)
        word = "".join(first[: chance.randint(1, len(first) - 1)] + second[chance.randint(1, len(second) - 1) :])
        if 4 < len(word) < 20 and word not in taken:
            taken.add(word)
            made.append(word)
    raise RuntimeError(f"only {len(made)} of {count} words could be invented")


def invented_name(name: str, word: str, chance: random.Random) -> str:
    """A real name with one word exchanged, or added where it would lose its only one; the others grow more frequent."""
    telling = [match for match in re.finditer(r"\w+", name) if len(match[0]) > 4]
    if len(telling) < 2:
        return f"{name} {word.capitalize()} ({MARK})"
    place = chance.choice(telling)
    return f"{name[: place.start()]}{word}{name[place.end() :]} ({MARK})"


# --- Rows ---------------------------------------------------------------------------------------------------------


def rows_of(cursor, table: str) -> list[dict]:
    cursor.execute(f'SELECT * FROM "{table}"')
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def insert(cursor, table: str, rows: Iterable[dict]) -> None:
    rows = iter(rows)
    if (first := next(rows, None)) is None:
        return
    columns, places = ", ".join(f'"{name}"' for name in first), ", ".join(["%s"] * len(first))
    values = (tuple(row.values()) for row in chain([first], rows))
    cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({places})', values)


def add_diseases(cursor, copies: int, next_word: Callable[[], str], chance: random.Random) -> None:
    """Copies of the whole list, in two languages, with the classification inside each copy."""
    real = rows_of(cursor, "centres_disease")
    place = {row["orpha_code"]: number for number, row in enumerate(real)}
    none = dict.fromkeys(("german_name", "synonyms", "search_words", "genes", "omim"), "")
    none |= dict.fromkeys(("synonyms_fr", "synonyms_en", "synonyms_de"))

    def code(copy: int, real_code: int) -> int:
        return FIRST_CODE + copy * len(real) + place[real_code]

    def diseases() -> Iterator[dict]:
        for copy in range(copies):
            for row in real:
                word = next_word()
                names = {name: invented_name(row[name], word, chance) if row[name] else row[name] for name in NAMES}
                if all(names.values()):
                    names[NAMES[1 + copy % 3]] = None  # two languages are enough, each copy without another one
                yield {**row, **none, **names, "orpha_code": code(copy, row["orpha_code"]), "releases": MARK}

    insert(cursor, "centres_disease", diseases())
    parents = rows_of(cursor, "centres_diseaseparent")
    first = 1 + max(row["id"] for row in parents)
    insert(
        cursor,
        "centres_diseaseparent",
        (
            {
                **row,
                "id": first + copy * len(parents) + number,
                "child_id": code(copy, row["child_id"]),
                "parent_id": code(copy, row["parent_id"]),
            }
            for copy in range(copies)
            for number, row in enumerate(parents)
        ),
    )


def add_centres(cursor, copies: int, next_word: Callable[[], str], chance: random.Random) -> None:
    """Copies of the centres in other towns, with their hospitals, people, contacts and what they list.

    The networks and the diseases that are listed stay: so more centres answer one question.
    """
    towns = french_towns(cursor)

    def step(table: str) -> int:
        cursor.execute(f'SELECT max(id) FROM "{table}"')
        return 1 + cursor.fetchone()[0]

    # Before anything is added: the keys of one copy lie this far from those of the copy before.
    kinds = ("hospital", "coordinator", "centre", "teammember", "contact", "treatedcondition")
    steps = {f"centres_{kind}": step(f"centres_{kind}") for kind in (*kinds, "treatedcondition_diseases")}

    def moved(table: str, key: int | None, copy: int) -> int | None:
        return key and copy * steps[table] + key

    def copied(
        table: str, change: Callable[[dict, int], dict], is_copied: Callable[[dict], bool] = lambda row: True
    ) -> None:
        rows = [row for row in rows_of(cursor, table) if is_copied(row)]
        insert(
            cursor,
            table,
            (
                {**row, **change(row, copy), "id": moved(table, row["id"], copy)}
                for copy in range(1, copies + 1)
                for row in rows
            ),
        )

    def slug(row: dict, copy: int) -> str:
        return f"{MARK}-{copy}-{row['slug']}"[:80]

    def hospital(row: dict, copy: int) -> dict:
        town, postcode, department, region, latitude, longitude = chance.choice(towns)
        known = row["latitude"] is not None  # the others lie where their town does, which the site looks up
        return {
            "slug": slug(row, copy),
            "name": f"Hôpital {next_word().capitalize()} ({MARK})",
            **{"town": town, "postcode": postcode, "department": department, "region": region},
            **{"latitude": round(latitude, 3) if known else None, "longitude": round(longitude, 3) if known else None},
        }

    def coordinator(row: dict, copy: int) -> dict:
        return {"slug": slug(row, copy), "last_name": next_word().capitalize()}

    def centre(row: dict, copy: int) -> dict:
        word = next_word().capitalize()
        return {
            "slug": slug(row, copy),
            **{name: row[name] and f"{row[name]} {word} ({MARK})" for name in NAMES},
            "kind": "constitutive" if row["kind"] == "coordinating" else row["kind"],  # a network has one of these
            "hospital_id": moved("centres_hospital", row["hospital_id"], copy),
            "coordinator_id": moved("centres_coordinator", row["coordinator_id"], copy),
        }

    def of_centre(row: dict, copy: int) -> dict:
        return {"centre_id": moved("centres_centre", row["centre_id"], copy)}

    def member(row: dict, copy: int) -> dict:
        return {**of_centre(row, copy), "last_name": next_word().capitalize()}

    def contact(row: dict, copy: int) -> dict:
        return {**of_centre(row, copy), "kind": "email", "value": f"{MARK}-{copy}-{row['id']}@example.invalid"}

    def of_condition(row: dict, copy: int) -> dict:
        return {"treatedcondition_id": moved("centres_treatedcondition", row["treatedcondition_id"], copy)}

    cursor.execute("SELECT id FROM centres_treatedcondition WHERE centre_id IS NOT NULL")
    of_centres = {key for (key,) in cursor.fetchall()}
    copied("centres_hospital", hospital)
    copied("centres_coordinator", coordinator)
    copied("centres_centre", centre)
    copied("centres_teammember", member)
    copied("centres_contact", contact)
    copied("centres_treatedcondition", of_centre, lambda row: row["id"] in of_centres)
    copied("centres_treatedcondition_diseases", of_condition, lambda row: row["treatedcondition_id"] in of_centres)


def french_towns(cursor) -> list[tuple]:
    """Where a hospital may stand: communes of some size, with the code of their region."""
    from centres import words
    from centres.models import Region

    codes = {words.plain(region.french): region.value for region in Region}
    cursor.execute(
        "SELECT name, postcodes, department, region, latitude, longitude FROM centres_town "
        "WHERE country = 'FR' AND kind = 'commune' AND population > 5000 ORDER BY id"
    )
    return [
        (name, postcodes.split()[0], department, codes[words.plain(region)], latitude, longitude)
        for name, postcodes, department, region, latitude, longitude in cursor.fetchall()
        if postcodes and words.plain(region) in codes
    ]


# --- The file -----------------------------------------------------------------------------------------------------


def grow(source: Path, target: Path, factor: int, seed: int) -> None:
    from django.db import transaction

    from centres import search_index
    from sensgene.publication import BUILD_ALIAS, build_connection

    shutil.copyfile(source, target)
    chance = random.Random(seed)  # noqa: S311  (the same data in every run)
    with build_connection(target) as connection, connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=OFF")
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("SELECT word FROM disease_word ORDER BY word")
        real = [word for (word,) in cursor.fetchall()]
        fresh = invented_words(real, int(len(real) * (factor**HEAPS - 1)), chance)
        unused = iter(fresh)

        def next_word() -> str:
            """Each word once, then any of them again."""
            return next(unused, "") or chance.choice(fresh)

        with transaction.atomic(using=BUILD_ALIAS):
            add_centres(cursor, factor - 1, next_word, chance)
            add_diseases(cursor, factor - 1, next_word, chance)
            for part in (search_index.DISEASES, search_index.DIRECTORY):
                for table in search_index.table_names(part):
                    cursor.execute(f"DROP TABLE {table}")
            search_index.write_diseases(cursor)
            search_index.write_directory(cursor)
            cursor.execute("UPDATE snapshot_information SET value = %s WHERE key = 'content'", [f"{MARK} {factor}x"])
        cursor.execute("PRAGMA foreign_key_check")
        if dangling := cursor.fetchall():
            raise RuntimeError(f"{len(dangling)} rows point nowhere, the first in {dangling[0][0]}")
    target.chmod(0o444)


def counts(path: Path) -> dict[str, int]:
    """How much is in a snapshot."""
    from sensgene.publication import build_connection

    tables = {
        "diseases": "centres_disease",
        "names of diseases": "disease_name",
        "words of these names": "disease_word",
        "centres": "centres_centre",
        "names of centres": "directory_name",
    }
    with build_connection(path) as connection, connection.cursor() as cursor:
        return {
            label: cursor.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for label, table in tables.items()
        }


def main() -> None:
    order = json.load(sys.stdin)
    django.setup()
    target, started = Path(order["target"]), time.monotonic()
    if order["factor"] > 1:
        grow(Path(order["source"]), target, order["factor"], order["seed"])
    seconds = time.monotonic() - started
    json.dump({"counts": counts(target), "seconds": seconds, "bytes": target.stat().st_size}, sys.stdout)


if __name__ == "__main__":
    main()
