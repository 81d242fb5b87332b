"""Orphanet's nomenclature: a folder of CSV files → working database. Run again on each release; nothing is ever lost.

Entries that a new release no longer holds are marked as withdrawn, so that their addresses keep answering. What staff
edited (a name, a search word) stays as they left it. A file that does not make sense changes nothing at all.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from centres import bulk
from centres.german_names import shown_name
from centres.reference import DataRelease, Disease, DiseaseKind, DiseaseParent, DiseaseStatus, FormerCode

FOLDER = settings.BASE_DIR / "fixtures" / "diseases"
RELEASE = "diseases"

# File → the columns it must have. German names and usual words are ours, the rest is Orphanet's.
FILES: dict[str, tuple[str, ...]] = {
    "diseases.csv": (
        *("orpha_code", "name_fr", "name_en", "name_de", "synonyms_fr", "synonyms_en", "synonyms_de"),
        *("group_of_type", "status", "branch", "parents", "genes", "omim", "name_de_release"),
    ),
    "former_codes.csv": ("old_orpha_code", "new_orpha_code", "old_name_fr", "old_name_en"),
    "group_members.csv": ("group_code", "orpha_code"),
    "german_names.csv": ("orpha_code", "shown"),
    "usual_words.csv": ("orpha_code", "words"),
}

COLUMNS = (
    *("orpha_code", "kind", "status", "name", "name_fr", "name_en", "name_de", "german_name"),
    *("synonyms", "synonyms_fr", "synonyms_en", "synonyms_de", "search_words"),
    *("is_eye", "is_hearing", "is_ent", "genes", "omim", "releases", "german_release"),
)
OF_STAFF = ("name", "name_fr", "name_en", "name_de", "search_words")  # left alone once staff edited the entry

EYE_DISEASES = 97966  # the root of Orphanet's classification of the eye
MOST_LOST = 1 / 5  # of the entries; a release that lacks more is a cut file
MOST_ERRORS = 20
MOST_DIGITS = 7  # of an ORPHAcode
LONGEST_NAME = 250
MOST_RELEASES = 6  # the latest are enough to say how old a name is


class NomenclatureError(Exception):
    """The files cannot be loaded; the message names file, line and what is wrong."""


@dataclass
class Report:
    """What a load did, or would do: each entry by its code and name, with the columns that changed."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    moved: int = 0  # places in the classification that are new or gone
    redirected: int = 0  # former codes that are new or lead elsewhere
    total: int = 0


@dataclass
class Release:
    """One release as its files describe it, checked."""

    diseases: dict[int, dict] = field(default_factory=dict)
    parents: list[tuple[int, int, bool]] = field(default_factory=list)
    former_codes: list[tuple[int, int, str, str]] = field(default_factory=list)


# --- Reading the files --------------------------------------------------------------------------------------------


def digest(folder: Path) -> str:
    """Names one state of the files, and of the rules that German names are shown by."""
    state = hashlib.sha256((settings.BASE_DIR / "centres" / "german_names.py").read_bytes())
    for name in FILES:
        try:
            state.update((folder / name).read_bytes())
        except OSError as error:
            raise NomenclatureError(f"{name} cannot be read: {error.strerror}") from error
    return state.hexdigest()


CONTROLS = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
# A few French names of the release carry control characters where letters were.
REPAIRS = str.maketrans(
    {"\x8f": "è", "\x90": "ê", "\x9c": "œ"} | {chr(code): None for code in (*range(0x80, 0x8F), 0x91)}
)


class Reader:
    """Reads the files line by line and collects what is wrong, so that a clerk sees all of it at once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.errors: list[str] = []

    def wrong(self, name: str, line: int, what: str) -> None:
        self.errors.append(f"{name}, line {line}: {what}")
        if len(self.errors) >= MOST_ERRORS:
            self.stop()

    def stop(self) -> None:
        if self.errors:
            raise NomenclatureError("\n".join(self.errors))

    def rows(self, name: str) -> Iterator[tuple[int, dict]]:
        """Each row with its line. Raises NomenclatureError on a file that is no such table."""
        try:
            with open(self.folder / name, encoding="utf-8-sig", newline="") as file:
                table = csv.DictReader(file, strict=True)
                if len(set(table.fieldnames or ())) != len(table.fieldnames or ()):
                    raise NomenclatureError(f"{name}: a column stands twice")
                if missing := [column for column in FILES[name] if column not in (table.fieldnames or ())]:
                    raise NomenclatureError(f"{name}: the columns {', '.join(missing)} are missing")
                for row in table:
                    if None in row or None in row.values():
                        self.wrong(name, table.line_num, "another number of columns than the first line")
                        continue
                    if CONTROLS.search("".join(row.values())):
                        self.wrong(name, table.line_num, "a character that no text holds")
                        continue
                    yield table.line_num, {key: value.strip().translate(REPAIRS) for key, value in row.items()}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise NomenclatureError(f"{name}: {error}") from error

    def code(self, name: str, line: int, text: str) -> int | None:
        if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and int(text) > 0:
            return int(text)
        self.wrong(name, line, f"{text!r} is no ORPHAcode")
        return None


def read(folder: Path) -> Release:
    """The release in this folder. Raises NomenclatureError if a line does not make sense."""
    reader, release = Reader(folder), Release()
    german = {
        code: row["shown"]
        for line, row in reader.rows("german_names.csv")
        if (code := reader.code("german_names.csv", line, row["orpha_code"]))
    }
    usual: dict[int, list[str]] = {}
    for line, row in reader.rows("usual_words.csv"):
        if code := reader.code("usual_words.csv", line, row["orpha_code"]):
            usual.setdefault(code, []).extend(filter(None, map(str.strip, row["words"].split(";"))))
    links: dict[tuple[int, int], bool] = {}
    places: dict[tuple[int, int], tuple[str, int]] = {}  # file and line of each link
    for line, row in reader.rows("diseases.csv"):
        read_disease(reader, release, line, row, german, usual, links, places)
    reader.stop()
    for line, row in reader.rows("group_members.csv"):
        group, member = (reader.code("group_members.csv", line, row[key]) for key in ("group_code", "orpha_code"))
        if group and member:
            links.setdefault((member, group), False)
            places.setdefault((member, group), ("group_members.csv", line))
    known = release.diseases
    for child, parent in links:
        if child not in known or parent not in known:
            reader.wrong(*places[child, parent], f"{child} below {parent}: one of them is no entry of diseases.csv")
        elif child == parent:
            reader.wrong(*places[child, parent], f"{child} cannot stand below itself")
    reader.stop()
    complete_eye_diseases(release, links)
    release.parents = [(child, parent, is_direct) for (child, parent), is_direct in links.items()]
    former: set[int] = set()
    for line, row in reader.rows("former_codes.csv"):
        old, new = (reader.code("former_codes.csv", line, row[key]) for key in ("old_orpha_code", "new_orpha_code"))
        if old and new and new not in known:
            reader.wrong("former_codes.csv", line, f"{new} is no entry of diseases.csv")
        elif old in former:
            reader.wrong("former_codes.csv", line, f"{old} stands twice")
        elif max(len(row["old_name_fr"]), len(row["old_name_en"])) > LONGEST_NAME:
            reader.wrong("former_codes.csv", line, "a text is longer than a name")
        elif old and new and old not in known:  # a few came back: the entry itself answers
            former.add(old)
            release.former_codes.append((old, new, row["old_name_fr"], row["old_name_en"]))
    reader.stop()
    return release


def read_disease(
    reader: Reader, release: Release, line: int, row: dict, german: dict, usual: dict, links: dict, places: dict
) -> None:
    name = "diseases.csv"
    code = reader.code(name, line, row["orpha_code"])
    if code is None:
        return
    if code in release.diseases:
        reader.wrong(name, line, f"ORPHA:{code} stands twice")
    if row["group_of_type"] not in DiseaseKind.values:
        reader.wrong(name, line, f"{row['group_of_type']!r} is no kind of entry")
    if row["status"] not in (DiseaseStatus.ACTIVE, DiseaseStatus.NOT_RARE):
        reader.wrong(name, line, f"{row['status']!r} is no status")
    if not (row["name_fr"] or row["name_en"]):
        reader.wrong(name, line, f"ORPHA:{code} has no name")
    if long := [key for key in ("name_fr", "name_en", "name_de") if len(row[key]) > LONGEST_NAME]:
        reader.wrong(name, line, f"{', '.join(long)} is longer than a name")
    if len(german.get(code, "")) > LONGEST_NAME:
        reader.wrong("german_names.csv", line, f"the name of ORPHA:{code} is longer than a name")
    if len(row["name_de_release"]) > 10:
        reader.wrong(name, line, f"{row['name_de_release']!r} is no release")
    for parent in filter(None, row["parents"].split(";")):
        if above := reader.code(name, line, parent):
            links[code, above] = True
            places[code, above] = (name, line)
    branches = row["branch"].split(";")
    name_de = german[code] if code in german else shown_name(row["name_de"]) if row["name_de"] else ""
    releases = [
        key[len("in_release_") :] for key, value in row.items() if key.startswith("in_release_") and value == "1"
    ]
    release.diseases[code] = {
        "orpha_code": code,
        "kind": row["group_of_type"],
        "status": row["status"],
        "name": row["name_fr"] or row["name_en"],
        "name_fr": row["name_fr"] or None,
        "name_en": row["name_en"] or None,
        "name_de": name_de or None,
        "german_name": row["name_de"],
        "synonyms": "",
        **{f"synonyms_{each}": row[f"synonyms_{each}"].replace(";", "\n") or None for each in ("fr", "en", "de")},
        "search_words": "\n".join(usual.get(code, [])),
        "is_eye": "eye" in branches,
        "is_hearing": "hearing" in branches,
        "is_ent": "ent" in branches,
        "genes": row["genes"].replace(";", " "),
        "omim": row["omim"].replace(";", " "),
        "releases": " ".join(sorted(each.replace("_", "-") for each in releases)[-MOST_RELEASES:]),
        "german_release": row["name_de_release"] if row["name_de"] else "",
    }


def complete_eye_diseases(release: Release, links: dict[tuple[int, int], bool]) -> None:
    """A few active diseases of the eye have no way up to the group of all of them: Orphanet moved what was between."""
    if EYE_DISEASES not in release.diseases:
        return
    above: dict[int, set[int]] = {}
    for child, parent in links:
        above.setdefault(child, set()).add(parent)

    def leads_up(code: int) -> bool:
        seen, waiting = set(), [code]
        while waiting:
            here = waiting.pop()
            if here == EYE_DISEASES:
                return True
            if here not in seen:
                seen.add(here)
                waiting += above.get(here, ())
        return False

    for code, row in release.diseases.items():
        if row["is_eye"] and row["status"] == DiseaseStatus.ACTIVE and not leads_up(code):
            links[code, EYE_DISEASES] = False


# --- Writing ------------------------------------------------------------------------------------------------------


def called(row: dict) -> str:
    return f"ORPHA:{row['orpha_code']} {row['name_fr'] or row['name_en']}"


def merge(stored: dict, new: dict, is_edited: bool) -> list[str]:
    """The columns in which the stored entry must change."""
    # The columns without a language hold what happens to be active when staff save: they say nothing.
    kept = {"name", "synonyms", *(OF_STAFF if is_edited else ())}
    return [name for name in COLUMNS if name not in kept and stored[name] != new[name]]


def load(folder: Path = FOLDER, *, dry_run: bool = False, allow_removals: bool = False) -> Report:
    """Loads the release in `folder`, or nothing: raises NomenclatureError and changes nothing if it makes no sense.

    With `dry_run`, reports what would change and changes nothing. `allow_removals` accepts a release that lost more
    than a fifth of the entries.
    """
    state, release, report = digest(folder), read(folder), Report()
    everything = models.QuerySet(Disease, using="default")
    report.total = len(release.diseases)
    with transaction.atomic():
        stored = {row["orpha_code"]: row for row in everything.values(*COLUMNS, "is_edited")}
        listed = {code for code, row in stored.items() if row["status"] != DiseaseStatus.WITHDRAWN}
        gone = [code for code in stored if code in listed and code not in release.diseases]
        if len(gone) > len(listed) * MOST_LOST and not allow_removals:
            raise NomenclatureError(
                f"diseases.csv lacks {len(gone)} of the {len(listed)} entries that are listed. "
                "If so many are really gone, load with --allow-removals."
            )
        added = [row for code, row in release.diseases.items() if code not in stored]
        report.added = [called(row) for row in added]
        bulk.insert(Disease, COLUMNS, ([row[name] for name in COLUMNS] for row in added))
        now = timezone.now()
        for code, row in release.diseases.items():
            if code in stored and (names := merge(stored[code], row, stored[code]["is_edited"])):
                report.changed.append(f"{called(row)}: {', '.join(names)}")
                everything.filter(pk=code).update(**{name: row[name] for name in names}, updated_at=now)
        report.removed = [called(stored[code]) for code in gone]
        everything.filter(pk__in=gone).update(status=DiseaseStatus.WITHDRAWN, updated_at=now)
        report.moved = replace_links(release)
        report.redirected = add_former_codes(release)
        DataRelease.objects.update_or_create(name=RELEASE, defaults={"digest": state, "rows": report.total})
        transaction.set_rollback(dry_run)
    return report


def replace_links(release: Release) -> int:
    """Makes the classification what the release says; returns how many links are new or gone."""
    names = ("child_id", "parent_id", "is_direct")
    before = set(models.QuerySet(DiseaseParent, using="default").values_list(*names))
    bulk.replace(DiseaseParent, names, release.parents)
    return len(before ^ set(release.parents))


def add_former_codes(release: Release) -> int:
    """Adds and corrects former codes, and forgets none: an old address leads on for ever. Returns how many changed."""
    names = ("old_code", "disease_id", "name_fr", "name_en")
    before = {row[0]: row for row in models.QuerySet(FormerCode, using="default").values_list(*names)}
    after = before | {row[0]: row for row in release.former_codes}
    after = {code: row for code, row in after.items() if code not in release.diseases}  # a few came back
    bulk.replace(FormerCode, names, list(after.values()))
    return len(set(before.values()) ^ set(after.values()))


def is_loaded(folder: Path = FOLDER) -> bool:
    return DataRelease.objects.filter(name=RELEASE, digest=digest(folder)).exists()
