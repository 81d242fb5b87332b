"""Orphanet's nomenclature: what a new release changes, what it leaves alone, what is refused; and the real files."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from centres import nomenclature
from centres.nomenclature import EYE_DISEASES, FILES, NomenclatureError, Report
from centres.reference import DataRelease, Disease, DiseaseParent, DiseaseStatus, FormerCode
from sensgene import publication, snapshot
from tests import factories
from tests.markup import document

LANGUAGES = ("fr", "en", "de")
TABLES = (Disease, DiseaseParent, FormerCode, DataRelease)

# --- A small invented release -------------------------------------------------------------------------------------

CODES = tuple(range(9_000_001, 9_000_011))  # no entry of Orphanet has such a code
GROUP, DISORDER, SUBTYPE, LAST = *CODES[:3], CODES[-1]
OLD = 8_000_001


def entry(code: int, **columns: str) -> dict:
    """One line of diseases.csv. Columns that nobody reads stand in the real file, too."""
    names = {"name_fr": f"Maladie inventée {code}", "name_en": f"Invented disease {code}", "name_de": ""}
    empty = dict.fromkeys((*FILES["diseases.csv"], "a_column_nobody_reads", "in_release_2023_06"), "")
    kinds = {"group_of_type": "disorder", "status": "active", "branch": "eye", "in_release_2025_12": "1"}
    return {**empty, "orpha_code": str(code), **names, **kinds, **columns}


@dataclass
class Files:
    """A folder like fixtures/diseases/ that a test may change."""

    folder: Path
    rows: dict[str, list[dict]]

    def disease(self, code: int) -> dict:
        return next(row for row in self.rows["diseases.csv"] if row["orpha_code"] == str(code))

    def remove(self, *codes: int) -> None:
        """Takes entries out, and what leads to them."""
        gone = set(map(str, codes))
        for name, rows in self.rows.items():
            columns = {"orpha_code", "group_code", "new_orpha_code"}
            self.rows[name] = [row for row in rows if not gone & {row.get(column) for column in columns}]
        for row in self.rows["diseases.csv"]:
            row["parents"] = ";".join(parent for parent in row["parents"].split(";") if parent not in gone)

    def text(self, name: str) -> str:
        rows, out = self.rows[name], io.StringIO()
        table = csv.DictWriter(out, rows[0] if rows else FILES[name], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        return out.getvalue()

    def write(self) -> None:
        for name in FILES:
            (self.folder / name).write_text(self.text(name), "utf-8")

    def load(self, **options) -> Report:
        self.write()
        return nomenclature.load(self.folder, **options)


@pytest.fixture
def files(tmp_path) -> Files:
    diseases = [
        entry(GROUP, group_of_type="group", name_de="Erfundene Gruppe"),
        entry(
            DISORDER,
            parents=str(GROUP),
            name_de="Krankheit, erfundene",
            name_de_release="2020-03",
            synonyms_fr="Un nom inventé;Un autre",
            genes="INV1;INV2",
            omim="999999",
            branch="eye;hearing",
            in_release_2023_06="1",
        ),
        entry(SUBTYPE, parents=str(DISORDER), group_of_type="subtype", name_de="Erfundene Form", branch="ent"),
        *map(entry, CODES[3:]),
    ]
    made = Files(
        tmp_path / "release",
        {
            "diseases.csv": diseases,
            "former_codes.csv": [
                {
                    "old_orpha_code": str(OLD),
                    "new_orpha_code": str(DISORDER),
                    "relation": "moved_to",
                    "old_name_fr": "Ancien nom inventé",
                    "old_name_en": "Invented former name",
                }
            ],
            "group_members.csv": [{"group_code": str(GROUP), "orpha_code": str(SUBTYPE)}],
            "german_names.csv": [{"orpha_code": str(SUBTYPE), "shown": "Von Hand erfundene Form"}],
            "usual_words.csv": [{"orpha_code": str(DISORDER), "words": "mot inventé; erfundenes Wort"}],
        },
    )
    made.folder.mkdir()
    made.write()
    return made


def rows_of(model: type[models.Model], *columns: str) -> list[tuple]:
    return list(models.QuerySet(model).order_by("pk").values_list(*columns))


def everything() -> dict[str, list[tuple]]:
    """Every row that a load can write, dates of change included."""
    return {model._meta.label: rows_of(model) for model in TABLES}


def data() -> dict[str, list[tuple]]:
    """As `everything`, without the note that a load took place."""
    return {label: rows for label, rows in everything().items() if label != DataRelease._meta.label}


# --- The first load -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_release_is_loaded_column_by_column(files):
    report = files.load()
    assert (len(report.added), report.changed, report.removed, report.total) == (len(CODES), [], [], len(CODES))
    loaded = Disease.objects.get(pk=DISORDER)
    assert (loaded.kind, loaded.status) == ("disorder", DiseaseStatus.ACTIVE)
    assert (loaded.name_fr, loaded.name_en) == (f"Maladie inventée {DISORDER}", f"Invented disease {DISORDER}")
    assert loaded.synonym_list("fr") == ["Un nom inventé", "Un autre"]
    assert loaded.synonym_list("de") == []
    assert loaded.search_words.splitlines() == ["mot inventé", "erfundenes Wort"]
    assert (loaded.genes, loaded.omim) == ("INV1 INV2", "999999")
    assert (loaded.is_eye, loaded.is_hearing, loaded.is_ent) == (True, True, False)
    assert (loaded.releases, loaded.german_release) == ("2023-06 2025-12", "2020-03")
    assert Disease.objects.get(pk=SUBTYPE).is_ent
    assert Disease.objects.get(pk=GROUP).releases == "2025-12"


@pytest.mark.django_db
def test_a_german_name_is_shown_as_the_rules_say_and_found_as_orphanet_prints_it(files):
    files.load()
    by_rule, by_hand = Disease.objects.get(pk=DISORDER), Disease.objects.get(pk=SUBTYPE)
    assert (by_rule.name_de, by_rule.german_name) == ("Erfundene Krankheit", "Krankheit, erfundene")
    assert (by_hand.name_de, by_hand.german_name) == ("Von Hand erfundene Form", "Erfundene Form")
    assert Disease.objects.get(pk=LAST).name_de is None


@pytest.mark.django_db
def test_no_german_name_is_shown_where_ours_says_that_there_is_none(files):
    files.rows["german_names.csv"][0]["shown"] = ""
    files.load()
    assert Disease.objects.get(pk=SUBTYPE).name_de is None


@pytest.mark.django_db
def test_an_entry_knows_what_stands_above_it_and_in_how_many_steps(files):
    files.rows["group_members.csv"].append({"group_code": str(GROUP), "orpha_code": str(DISORDER)})
    files.load()
    assert set(DiseaseParent.objects.values_list("child", "parent", "is_direct")) == {
        (DISORDER, GROUP, True),  # said twice: the file that knows the step counts
        (SUBTYPE, DISORDER, True),
        (SUBTYPE, GROUP, False),
    }


@pytest.mark.django_db
def test_a_former_code_leads_to_what_took_its_place(files):
    files.load()
    former = FormerCode.objects.get()
    assert (former.old_code, former.disease_id) == (OLD, DISORDER)
    assert (former.name_fr, former.name_en) == ("Ancien nom inventé", "Invented former name")


@pytest.mark.django_db
def test_a_former_code_that_is_an_entry_again_leads_nowhere_else(files):
    files.rows["former_codes.csv"][0]["old_orpha_code"] = str(LAST)
    files.load()
    assert not FormerCode.objects.exists()


@pytest.mark.django_db
def test_an_active_eye_disease_without_a_way_up_is_put_below_all_eye_diseases(files):
    """Two entries that stand below each other have no way up either, and do not keep the command busy for ever."""
    lost, one, other, common = CODES[3:7]
    files.rows["diseases.csv"].append(entry(EYE_DISEASES, group_of_type="group"))
    files.disease(GROUP)["parents"] = str(EYE_DISEASES)
    files.disease(one)["parents"] = str(other)
    files.disease(other)["parents"] = str(one)
    files.disease(common)["status"] = "non_rare_in_europe"
    for code in CODES[7:]:
        files.disease(code)["branch"] = "hearing"
    files.load()
    below = set(DiseaseParent.objects.filter(parent=EYE_DISEASES).values_list("child", "is_direct"))
    assert below == {(GROUP, True), (lost, False), (one, False), (other, False)}


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_loaded_does_not_depend_on_the_language_of_the_caller(files, language):
    with translation.override(language):
        files.load()
    names = models.QuerySet(Disease).values_list("name", "name_fr", "name_en", "name_de")
    assert names.get(pk=DISORDER) == (
        f"Maladie inventée {DISORDER}",
        f"Maladie inventée {DISORDER}",
        f"Invented disease {DISORDER}",
        "Erfundene Krankheit",
    )
    with translation.override(LANGUAGES[LANGUAGES.index(language) - 1]):
        assert files.load().changed == []


# --- Loading again ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_loading_again_changes_nothing(files):
    files.load()
    before = data()
    report = files.load()
    assert (report.added, report.changed, report.removed) == ([], [], [])
    assert data() == before


@pytest.mark.django_db
def test_how_a_file_is_written_is_no_change(files):
    """A byte order mark, the line ends of Windows, another order of columns and of lines: what a spreadsheet does."""
    files.load()
    before = data()
    for name, rows in files.rows.items():
        files.rows[name] = [dict(reversed(row.items())) for row in reversed(rows)]
        text = files.text(name).replace("\n", "\r\n")
        (files.folder / name).write_bytes(text.encode("utf-8-sig"))
    report = nomenclature.load(files.folder)
    assert (report.added, report.changed, report.removed) == ([], [], [])
    assert data() == before


@pytest.mark.django_db
def test_an_entry_that_changed_follows_the_new_release_and_the_others_stay(files):
    files.load()
    before = {row[0]: row for row in rows_of(Disease)}
    files.disease(DISORDER).update(name_fr="Un nouveau nom inventé", genes="INV3")
    report = files.load()
    assert (report.added, report.removed) == ([], [])
    assert report.changed == [f"ORPHA:{DISORDER} Un nouveau nom inventé: name_fr, genes"]
    after = {row[0]: row for row in rows_of(Disease)}
    assert {code for code in after if after[code] != before[code]} == {DISORDER}
    loaded = Disease.objects.get(pk=DISORDER)
    assert (loaded.name_fr, loaded.genes) == ("Un nouveau nom inventé", "INV3")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "column", "value", "shown"),
    [
        ("usual_words.csv", "words", "un autre mot inventé", lambda: Disease.objects.get(pk=DISORDER).search_words),
        ("german_names.csv", "shown", "Erfundene Variante", lambda: Disease.objects.get(pk=SUBTYPE).name_de),
        ("former_codes.csv", "old_name_fr", "Autre ancien nom", lambda: FormerCode.objects.get().name_fr),
        (
            "group_members.csv",
            "orpha_code",
            str(LAST),
            lambda: str(DiseaseParent.objects.get(is_direct=False).child_id),
        ),
    ],
)
def test_a_change_in_any_of_the_files_arrives(files, name, column, value, shown):
    files.load()
    assert shown() != value
    files.rows[name][0][column] = value
    files.load()
    assert shown() == value


@pytest.mark.django_db
def test_an_entry_that_is_new_is_added_and_the_others_stay(files):
    files.load()
    before = rows_of(Disease)
    files.rows["diseases.csv"].append(entry(9_000_999, parents=str(GROUP)))
    report = files.load()
    assert (report.added, report.changed) == (["ORPHA:9000999 Maladie inventée 9000999"], [])
    assert rows_of(Disease) == [*before, *models.QuerySet(Disease).filter(pk=9_000_999).values_list()]
    assert DiseaseParent.objects.filter(child=9_000_999, parent=GROUP).exists()


@pytest.mark.django_db
def test_an_entry_that_is_gone_is_marked_and_everything_that_leads_to_it_stays(files):
    files.load()
    condition = factories.treated_condition()
    condition.diseases.add(Disease.objects.get(pk=LAST))
    before = models.QuerySet(Disease).values("name_fr", "name_en", "is_eye", "releases").get(pk=LAST)
    files.remove(LAST)
    report = files.load()
    assert (report.added, report.changed, report.total) == ([], [], len(CODES) - 1)
    assert report.removed == [f"ORPHA:{LAST} Maladie inventée {LAST}"]
    assert Disease.objects.get(pk=LAST).status == DiseaseStatus.WITHDRAWN
    assert models.QuerySet(Disease).values(*before).get(pk=LAST) == before
    assert [disease.pk for disease in condition.diseases.all()] == [LAST]
    assert not Disease.objects.listed().filter(pk=LAST).exists()
    assert files.load().removed == []  # said once


@pytest.mark.django_db
def test_an_entry_that_comes_back_is_listed_again(files):
    files.load()
    came_back = dict(files.disease(LAST))
    files.remove(LAST)
    files.load()
    files.rows["diseases.csv"].append(came_back)
    report = files.load()
    assert (report.added, report.removed) == ([], [])
    assert report.changed == [f"ORPHA:{LAST} Maladie inventée {LAST}: status"]
    assert Disease.objects.listed().filter(pk=LAST).exists()


@pytest.mark.django_db
def test_what_staff_edited_stays_while_the_rest_follows(files):
    files.load()
    edited = Disease.objects.get(pk=DISORDER)
    edited.name_de, edited.search_words, edited.is_edited = "Von Hand", "ein Wort von Hand", True
    edited.save()
    files.disease(DISORDER).update(
        name_de="Krankheit, andere", genes="INV9", synonyms_de="Anderer Name", status="active"
    )
    files.rows["usual_words.csv"][0]["words"] = "un autre mot inventé"
    report = files.load()
    loaded = Disease.objects.get(pk=DISORDER)
    assert (loaded.name_de, loaded.search_words) == ("Von Hand", "ein Wort von Hand")
    assert (loaded.genes, loaded.synonyms_de, loaded.german_name) == ("INV9", "Anderer Name", "Krankheit, andere")
    assert loaded.is_edited
    assert len(report.changed) == 1
    changed = set(report.changed[0].partition(": ")[2].split(", "))
    assert {"genes", "synonyms_de", "german_name"} <= changed
    assert not changed & {"name", "name_fr", "name_en", "name_de", "search_words"}
    assert files.load().changed == []


@pytest.mark.django_db
def test_what_staff_edited_is_marked_when_it_is_gone_and_kept_when_it_comes_back(files):
    files.load()
    edited = Disease.objects.get(pk=LAST)
    edited.name_fr, edited.is_edited = "Nom corrigé", True
    edited.save()
    came_back = dict(files.disease(LAST))
    files.remove(LAST)
    files.load()
    assert Disease.objects.get(pk=LAST).status == DiseaseStatus.WITHDRAWN
    files.rows["diseases.csv"].append(came_back)
    files.load()
    assert Disease.objects.get(pk=LAST).status == DiseaseStatus.ACTIVE
    assert Disease.objects.get(pk=LAST).name_fr == "Nom corrigé"


# --- A dry run ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_dry_run_into_an_empty_database_writes_nothing(files):
    assert len(files.load(dry_run=True).added) == len(CODES)
    assert not any(everything().values())
    assert not nomenclature.is_loaded(files.folder)


@pytest.mark.django_db
def test_a_dry_run_reports_what_a_load_would_do_and_writes_nothing(files):
    files.load()
    before = everything()
    files.remove(LAST)
    files.disease(DISORDER)["name_fr"] = "Un nouveau nom inventé"
    files.rows["diseases.csv"].append(entry(9_000_999))
    files.rows["former_codes.csv"].append({**files.rows["former_codes.csv"][0], "old_orpha_code": "8000002"})
    promised = files.load(dry_run=True)
    assert everything() == before
    assert files.load() == promised
    assert [len(each) for each in (promised.added, promised.changed, promised.removed)] == [1, 1, 1]


@pytest.mark.django_db
def test_a_dry_run_refuses_what_a_load_refuses(files):
    files.disease(DISORDER)["status"] = "no such status"
    with pytest.raises(NomenclatureError, match=r"diseases\.csv, line 3: 'no such status' is no status"):
        files.load(dry_run=True)


# --- What the next publication takes over -------------------------------------------------------------------------


@pytest.mark.django_db
def test_diseases_are_published_anew_after_a_load_or_an_edit_and_not_otherwise(files):
    files.load()
    first = publication.reference_fingerprint()
    files.load()
    files.rows["diseases.csv"].append(entry(9_000_999))
    files.load(dry_run=True)
    assert publication.reference_fingerprint() == first
    files.load()
    second = publication.reference_fingerprint()
    assert second != first
    edited = Disease.objects.get(pk=DISORDER)
    edited.name_de, edited.is_edited = "Von Hand", True
    edited.save()
    third = publication.reference_fingerprint()
    edited.name_de = "Noch einmal von Hand"
    edited.save()
    assert len({first, second, third, publication.reference_fingerprint()}) == 4


# --- What is refused ----------------------------------------------------------------------------------------------


def test_every_column_that_is_read_must_be_there(files):
    checked = 0
    for name, columns in FILES.items():
        for column in columns:
            header, _, rest = files.text(name).partition("\n")
            spoilt = [f"not_{each}" if each == column else each for each in header.split(",")]
            (files.folder / name).write_text(f"{','.join(spoilt)}\n{rest}", "utf-8")
            with pytest.raises(NomenclatureError, match=rf"{re.escape(name)}: the columns {column} are missing"):
                nomenclature.read(files.folder)
            checked += 1
        files.write()
    assert checked == 24


def cell(name: str, column: str, value: str, line: int = 3) -> Callable[[Files], None]:
    """Writes a value into one cell of a file; the first line is the header."""

    def spoil(files: Files) -> None:
        files.rows[name][line - 2][column] = value
        files.write()

    return spoil


def replaced(name: str, old: str, new: str) -> Callable[[Files], None]:
    """Changes a file as text."""

    def spoil(files: Files) -> None:
        before = files.text(name)
        assert old in before
        (files.folder / name).write_bytes(before.replace(old, new, 1).encode("utf-8", "surrogateescape"))

    return spoil


def missing(name: str) -> Callable[[Files], None]:
    return lambda files: (files.folder / name).unlink()


def folder(files: Files) -> None:
    (files.folder / "german_names.csv").unlink()
    (files.folder / "german_names.csv").mkdir()


def both_names_empty(files: Files) -> None:
    files.disease(DISORDER).update(name_fr=" ", name_en="")
    files.write()


def twice(files: Files) -> None:
    files.rows["diseases.csv"].append(entry(DISORDER))
    files.write()


def beyond(files: Files) -> None:
    """Line breaks inside a cell: the message must still name the line that an editor shows."""
    files.disease(GROUP)["name_fr"] = "Un nom\nsur deux lignes"
    files.disease(DISORDER)["orpha_code"] = "x"
    files.write()


NOT_CODES = ("", "x", "90000O2", "-5", "0", "5.0", "10000000", "٩٠٠", "²", "1e3", "5 6")
SPOILT = {
    **{
        f"{code!r} as a code": (cell("diseases.csv", "orpha_code", code), f"diseases.csv, line 3: {code!r} is no")
        for code in NOT_CODES
    },
    "a parent that is no code": (cell("diseases.csv", "parents", "x"), "diseases.csv, line 3: 'x' is no"),
    "no code in a group": (cell("group_members.csv", "group_code", "x", 2), "group_members.csv, line 2: 'x' is no"),
    "no code of a member": (cell("group_members.csv", "orpha_code", "", 2), "group_members.csv, line 2: '' is no"),
    "no code of a German name": (cell("german_names.csv", "orpha_code", "x", 2), "german_names.csv, line 2: 'x' is no"),
    "no code of usual words": (cell("usual_words.csv", "orpha_code", "x", 2), "usual_words.csv, line 2: 'x' is no"),
    "no old code": (cell("former_codes.csv", "old_orpha_code", "x", 2), "former_codes.csv, line 2: 'x' is no"),
    "no new code": (cell("former_codes.csv", "new_orpha_code", "x", 2), "former_codes.csv, line 2: 'x' is no"),
    "a former code that leads nowhere": (
        cell("former_codes.csv", "new_orpha_code", "9000999", 2),
        "former_codes.csv, line 2: 9000999 is no entry of diseases.csv",
    ),
    "a code twice": (twice, f"diseases.csv, line 12: ORPHA:{DISORDER} stands twice"),
    # Neither names the line: which of the two files says so is not kept.
    "an unknown parent": (cell("diseases.csv", "parents", "9000999"), f"{DISORDER} below 9000999: one of them"),
    "an unknown group": (cell("group_members.csv", "group_code", "9000999", 2), f"{SUBTYPE} below 9000999: one"),
    "an unknown kind": (cell("diseases.csv", "group_of_type", "family"), "diseases.csv, line 3: 'family' is no kind"),
    "an unknown status": (cell("diseases.csv", "status", "lost"), "diseases.csv, line 3: 'lost' is no status"),
    "the status that only we give": (cell("diseases.csv", "status", "withdrawn"), "diseases.csv, line 3: 'withdrawn'"),
    "no name": (both_names_empty, f"diseases.csv, line 3: ORPHA:{DISORDER} has no name"),
    "a name that is too long": (cell("diseases.csv", "name_en", "x" * 251), "diseases.csv, line 3: name_en is longer"),
    "a cell less": (replaced("diseases.csv", ",INV1;INV2", ""), "diseases.csv, line 3: another number of columns"),
    "a cell more": (
        replaced("diseases.csv", ",INV1;INV2", ",INV1,INV2"),
        "diseases.csv, line 3: another number of columns",
    ),
    "a cut line": (
        replaced("former_codes.csv", ",Ancien nom inventé", ""),
        "former_codes.csv, line 2: another number of",
    ),
    "a quotation mark that stays open": (replaced("diseases.csv", "Un nom", '"Un nom'), "diseases.csv"),
    "half a cell": (replaced("german_names.csv", "Von Hand", '"Von Hand'), "german_names.csv: unexpected end of data"),
    "another encoding": (replaced("diseases.csv", "é", "\udce9"), "diseases.csv: 'utf-8' codec can't decode byte 0xe9"),
    "a wrong line below one of two lines": (beyond, "diseases.csv, line 4: 'x' is no"),
    "an empty file": (lambda files: (files.folder / "diseases.csv").write_text(""), "diseases.csv: the columns"),
    "a folder for a file": (folder, "german_names.csv cannot be read: Is a directory"),
    **{f"no {name}": (missing(name), f"{name} cannot be read: No such file") for name in FILES},
}


@pytest.mark.django_db
@pytest.mark.parametrize(("spoil", "said"), SPOILT.values(), ids=SPOILT.keys())
def test_a_file_that_makes_no_sense_is_named_and_changes_nothing(files, spoil, said):
    files.load()
    before = everything()
    files.disease(LAST)["name_fr"] = "This would have changed"
    files.write()
    spoil(files)
    with pytest.raises(NomenclatureError) as refusal:
        nomenclature.load(files.folder)
    assert said in str(refusal.value)
    assert everything() == before


@pytest.mark.django_db
def test_a_clerk_sees_every_mistake_at_once(files):
    files.disease(DISORDER)["status"] = "lost"
    files.disease(LAST)["group_of_type"] = "family"
    with pytest.raises(NomenclatureError) as refusal:
        files.load()
    assert str(refusal.value).splitlines() == [
        "diseases.csv, line 3: 'lost' is no status",
        "diseases.csv, line 11: 'family' is no kind of entry",
    ]


@pytest.mark.django_db
def test_a_file_of_mistakes_does_not_flood_the_screen(files):
    files.rows["diseases.csv"] = [entry(code, status="lost") for code in range(9_000_001, 9_001_001)]
    with pytest.raises(NomenclatureError) as refusal:
        files.load()
    assert 10 < len(str(refusal.value).splitlines()) < 30


@pytest.mark.django_db
def test_a_release_that_lost_more_than_a_fifth_is_refused_unless_allowed(files):
    files.load()
    before = everything()
    files.remove(*CODES[7:])
    with pytest.raises(NomenclatureError, match=r"lacks 3 of the 10 entries.*--allow-removals"):
        files.load()
    assert everything() == before
    report = files.load(allow_removals=True)
    assert len(report.removed) == 3
    assert Disease.objects.count() == 10
    assert Disease.objects.listed().count() == 7
    assert files.load().removed == []  # what is gone already is not counted again


@pytest.mark.django_db
def test_a_release_that_lost_a_fifth_is_accepted(files):
    files.load()
    files.remove(*CODES[8:])
    assert len(files.load().removed) == 2


@pytest.mark.django_db
def test_an_empty_table_is_no_release(files):
    files.load()
    files.rows |= dict.fromkeys(FILES, ())
    files.rows["diseases.csv"] = []
    with pytest.raises(NomenclatureError, match="lacks 10 of the 10 entries"):
        files.load()


# Cells that mean something somewhere, so that some of the invented tables are read to the end. No NUL: SQLite keeps
# it, PostgreSQL does not.
CELLS = ("", "x", '"', ";", "\n", "é", *map(str, (*CODES[:4], EYE_DISEASES)), "group", "disorder", "active", "eye")
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
LINES = st.lists(st.lists(st.sampled_from(CELLS), max_size=16).map(",".join), max_size=6).map("\n".join)
TABLE = st.lists(
    st.fixed_dictionaries(
        {
            "orpha_code": st.sampled_from([*map(str, CODES[:4]), str(EYE_DISEASES), "x"]),
            "parents": st.lists(st.sampled_from([*map(str, CODES[:4]), str(EYE_DISEASES)]), max_size=3).map(";".join),
            "name_fr": st.sampled_from(["", "Maladie inventée"]),
            "name_de": WORDS,
            "synonyms_fr": WORDS,
            "genes": WORDS,
        }
    ),
    max_size=5,
)


@pytest.mark.django_db
@settings(
    max_examples=120,
    deadline=None,
    database=None,
    derandomize=True,  # the same examples for everybody
    # Each example begins with what the one before left, as a clerk does.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.sampled_from(tuple(FILES)),
    content=st.one_of(st.binary(max_size=60), WORDS, LINES, TABLE),
    with_header=st.booleans(),
)
@example(name="diseases.csv", content=[], with_header=True)
def test_any_content_is_loaded_whole_or_refused_whole(files, name, content, with_header):
    files.write()
    if isinstance(content, list):
        rows = [{**entry(0), **row} for row in content]
        name, content = "diseases.csv", Files(files.folder, {"diseases.csv": rows}).text("diseases.csv")
    content = content if isinstance(content, bytes) else content.encode()
    header = (",".join(FILES[name]) + "\n").encode() if with_header and not content.startswith(b"orpha_code") else b""
    (files.folder / name).write_bytes(header + content)
    before = everything()
    try:
        report = nomenclature.load(files.folder, allow_removals=True)
    except NomenclatureError as error:
        assert str(error)
        assert everything() == before
    else:
        assert Disease.objects.listed().count() == report.total
        assert nomenclature.load(files.folder) == Report(total=report.total)


# --- The command --------------------------------------------------------------------------------------------------


def load_diseases(files: Files, *arguments: str) -> list[str]:
    out = StringIO()
    call_command("load_diseases", str(files.folder), *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.django_db
def test_the_command_says_what_a_release_changed(files):
    assert load_diseases(files) == [
        "Loaded 10 diseases: 10 added, 0 changed, 0 no longer listed; 3 places in the classification and 1 former codes changed."
    ]
    files.remove(LAST)
    files.disease(DISORDER)["name_fr"] = "Un nouveau nom inventé"
    files.rows["diseases.csv"].append(entry(9_000_999))
    files.write()
    expected = [
        "added: ORPHA:9000999 Maladie inventée 9000999",
        f"changed: ORPHA:{DISORDER} Un nouveau nom inventé: name_fr",
        f"removed: ORPHA:{LAST} Maladie inventée {LAST}",
    ]
    counts = (
        "10 diseases: 1 added, 1 changed, 1 no longer listed; "
        "0 places in the classification and 0 former codes changed."
    )
    assert load_diseases(files, "--dry-run") == [*expected, f"Would load {counts}"]
    assert load_diseases(files) == [*expected, f"Loaded {counts}"]
    assert load_diseases(files) == [
        "Loaded 10 diseases: 0 added, 0 changed, 0 no longer listed; 0 places in the classification and 0 former codes changed."
    ]


@pytest.mark.django_db
def test_the_command_lists_some_and_says_how_to_see_them_all(files):
    load_diseases(files)
    files.rows["diseases.csv"] += [entry(9_000_100 + number) for number in range(30)]
    files.write()
    said = load_diseases(files, "--dry-run")
    listed = [line for line in said if line.startswith("added: ORPHA:")]
    assert 0 < len(listed) < 30
    assert f"added: {30 - len(listed)} more; --verbosity 2 lists them all" in said
    said = load_diseases(files, "--verbosity", "2")
    assert len([line for line in said if line.startswith("added: ORPHA:")]) == 30
    assert not [line for line in said if "more;" in line]


@pytest.mark.django_db
def test_the_command_loads_only_what_is_not_loaded_yet(files):
    assert len(load_diseases(files, "--if-changed")) == 1
    before = everything()
    assert load_diseases(files, "--if-changed") == []
    assert everything() == before
    files.rows["usual_words.csv"][0]["words"] = "un autre mot inventé"
    files.write()
    assert load_diseases(files, "--if-changed") == [
        f"changed: ORPHA:{DISORDER} Maladie inventée {DISORDER}: search_words",
        "Loaded 10 diseases: 0 added, 1 changed, 0 no longer listed; 0 places in the classification and 0 former codes changed.",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("--if-changed",)])
def test_the_command_says_that_nothing_was_loaded(files, arguments):
    files.disease(DISORDER)["status"] = "lost"
    files.write()
    with pytest.raises(CommandError, match=r"Nothing was loaded\.\ndiseases\.csv, line 3: 'lost' is no status"):
        load_diseases(files, *arguments)
    assert not any(everything().values())


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [(), ("--if-changed",)])
def test_the_command_names_a_file_that_is_not_there(files, arguments):
    (files.folder / "diseases.csv").unlink()
    with pytest.raises(CommandError, match=r"Nothing was loaded\.\ndiseases\.csv cannot be read"):
        load_diseases(files, *arguments)


@pytest.mark.django_db
def test_the_command_accepts_a_release_that_lost_many_entries_when_told_so(files):
    load_diseases(files)
    files.remove(*CODES[5:])
    files.write()
    with pytest.raises(CommandError, match="--allow-removals"):
        load_diseases(files)
    assert "5 no longer listed" in load_diseases(files, "--allow-removals")[-1]


# --- The name that is shown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("fr", "en", "de"), ("fr", "en", "de")),
        (("fr", "en"), ("fr", "en", "en")),
        (("en", "de"), ("en", "en", "de")),
        (("fr", "de"), ("fr", "fr", "de")),
        (("en",), ("en", "en", "en")),
        (("fr",), ("fr", "fr", "fr")),
        (("de",), ("de", "de", "de")),
    ],
)
def test_a_name_that_is_missing_is_shown_in_another_language_and_says_in_which(names, shown):
    disease = Disease(orpha_code=9_000_001, **{f"name_{code}": f"Invented ({code})" for code in names})
    for language, wanted in zip(LANGUAGES, shown, strict=True):
        with translation.override(language):
            assert disease.label_and_language == (f"Invented ({wanted})", wanted)
            assert disease.label == f"Invented ({wanted})"


# --- The real files -----------------------------------------------------------------------------------------------


@cache
def real_release() -> nomenclature.Release:
    return nomenclature.read(nomenclature.FOLDER)


@pytest.mark.django_db
def test_the_real_files_load_and_load_again_without_a_change():
    report = nomenclature.load()
    assert (len(report.added), report.changed, report.removed, report.total) == (10_241, [], [], 10_241)
    assert nomenclature.load() == Report(total=10_241)
    assert nomenclature.is_loaded()
    columns = ("orpha_code", "name_fr", "name_en", "name_de", "status", "genes", "is_eye", "releases")
    stored = set(models.QuerySet(Disease).values_list(*columns))
    assert stored == {tuple(row[column] for column in columns) for row in real_release().diseases.values()}
    assert set(DiseaseParent.objects.values_list("child", "parent", "is_direct")) == set(real_release().parents)


def test_every_former_code_leads_on_unless_it_is_an_entry_again(visitor):
    snapshot.open_current()
    with open(nomenclature.FOLDER / "former_codes.csv", encoding="utf-8") as file:
        listed = {int(row["old_orpha_code"]): int(row["new_orpha_code"]) for row in csv.DictReader(file)}
    entries = set(Disease.public.values_list("pk", flat=True))
    came_back = entries & set(listed)
    assert (len(entries), len(listed), len(came_back)) == (10_241, 1124, 5)
    leads_to = dict(FormerCode.public.values_list("old_code", "disease"))
    assert leads_to == {old: new for old, new in listed.items() if old not in came_back}


def test_usher_syndrome_has_its_three_names(visitor):
    snapshot.open_current()
    usher = Disease.public.get(pk=886)
    assert (usher.name_fr, usher.name_en, usher.name_de) == ("Syndrome d'Usher", "Usher syndrome", "Usher-Syndrom")
    assert (usher.is_eye, usher.is_hearing) == (True, True)
    assert "USH" in usher.synonym_list("fr")
    assert "sourdaveugle" in usher.search_words.splitlines()


def test_retinitis_pigmentosa_has_its_genes(visitor):
    snapshot.open_current()
    genes = Disease.public.get(pk=791).genes.split()
    assert len(genes) == len(set(genes)) == 87
    assert {"RHO", "RPGR", "RP1", "RP2", "USH2A", "EYS", "PRPF31", "PDE6B"} <= set(genes)


def test_usher_syndrome_type_2_stands_right_below_usher_syndrome(visitor):
    snapshot.open_current()
    links = DiseaseParent.public.filter(child=231178)
    assert list(links.filter(is_direct=True).values_list("parent", flat=True)) == [886]
    assert links.filter(is_direct=False).exists()


def test_every_active_eye_disease_leads_up_to_the_group_of_all_eye_diseases(visitor):
    """Followed downwards, from the group to all that stands below it."""
    snapshot.open_current()
    below: dict[int, list[int]] = {}
    for child, parent in DiseaseParent.public.values_list("child", "parent"):
        below.setdefault(parent, []).append(child)
    reached, waiting = set(), [EYE_DISEASES]
    while waiting:
        if (code := waiting.pop()) not in reached:
            reached.add(code)
            waiting += below.get(code, ())
    active = set(Disease.public.filter(is_eye=True, status=DiseaseStatus.ACTIVE).values_list("pk", flat=True))
    assert len(active) > 1000
    assert active - reached == set()


def test_no_german_name_that_is_shown_holds_a_word_that_hurts(visitor):
    snapshot.open_current()
    names = dict(Disease.public.exclude(name_de=None).values_list("pk", "name_de"))
    assert len(names) > 8000
    assert {code: name for code, name in names.items() if "retardierung" in name.lower()} == {}
    printed = Disease.public.filter(german_name__contains="Retardierung")
    assert printed.count() > 10  # found by that word all the same


@pytest.mark.parametrize("language", ["de", "fr"])
def test_a_page_of_a_disease_without_a_name_in_its_language_shows_the_english_one_and_says_so(visitor, language):
    snapshot.open_current()
    ours = Disease.public.of_eye_or_ear()
    nameless = list(ours.filter(**{f"name_{language}": None}).order_by("pk"))
    assert len(nameless) > 3
    with translation.override(language):
        assert {disease.label_and_language for disease in nameless} == {(each.name_en, "en") for each in nameless}
        heading = document(visitor.get(nameless[0].get_absolute_url()).content.decode()).one("h1")
    (words, element), *others = heading.texts()
    assert (words, element.language, others) == (nameless[0].name_en, "en", [])
