"""Where a town is: what people type into “near”, distances, the points of hospitals, and loading the file."""

import csv
import gzip
import re
from functools import cache
from io import StringIO
from itertools import combinations
from math import atan2, cos, pi, radians, sin, sqrt
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from centres import gazetteer, words
from centres.gazetteer import GazetteerError, Place, distance, find, points
from centres.models import Hospital
from centres.reference import DataRelease, Town, TownKind
from sensgene import publication, snapshot


@cache
def lines_of_the_file() -> dict[str, dict]:
    """The real towns by their key, as the file has them."""
    with gzip.open(gazetteer.FILE, "rt", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture
def towns(visitor):
    """The towns of the published site, read in French."""
    snapshot.open_current()
    with translation.override("fr"):
        yield


# --- What people type ---------------------------------------------------------------------------------------------

COLMAR, STRASBOURG, PARIS, PARIS_15 = "fr-68066", "fr-67482", "fr-75056", "fr-75115-arm"
GENEVA, MUNICH, COLOGNE, BRUSSELS, BASEL = "gn-2660646", "gn-2867714", "gn-2886242", "gn-2800866", "gn-2661604"
MONTPELLIER, SAINT_ETIENNE, NICE, BOURG = "fr-34172", "fr-42218", "fr-06088", "fr-01053"
SAINT_DENIS_93, SAINT_DENIS_REUNION, L_HAY = "fr-93066", "fr-97411", "fr-94038"

KNOWN = {
    **{
        COLMAR: ("Colmar", "colmar", "COLMAR", "  Colmar ", "68000", "68000 Colmar", "68000  colmar", "Colmar (68)"),
        STRASBOURG: ("Strasbourg", "Strassburg", "Straßburg", "STRASSBURG", "67000 Strasbourg", "67100"),
        PARIS: ("Paris", "paris", "Parigi"),
        PARIS_15: ("75015", "Paris 15", "Paris 15e", "paris 15E", "Paris 15e arrondissement"),
        GENEVA: ("Genève", "geneve", "Genf", "Geneva", "Ginevra"),
        MUNICH: ("München", "Muenchen", "Munchen", "Munich"),
        COLOGNE: ("Köln", "Koeln", "Cologne"),
        BRUSSELS: ("Bruxelles", "Brussels", "Brüssel"),
        BASEL: ("Basel", "Bâle", "bale"),
        SAINT_ETIENNE: ("Saint-Étienne", "Saint Etienne", "St Etienne", "St. Étienne", "st-étienne"),
        NICE: ("Nice", "06000", "6000"),
        BOURG: ("1000", "01000 Bourg-en-Bresse"),
        L_HAY: ("L'Haÿ-les-Roses", "L’Haÿ les Roses", "l'hay les roses"),
        SAINT_DENIS_93: (
            *("Saint-Denis (93)", "Saint-Denis (Seine-Saint-Denis)", "st denis (seine saint denis)"),
            *("93200", "93200 Saint-Denis", "Saint-Denis (Île-de-France)"),
        ),
        SAINT_DENIS_REUNION: (
            *(
                "Saint-Denis (Réunion)",
                "Saint-Denis (La Réunion)",
                "saint denis (reunion)",
                "97400",
                "Saint-Denis (974)",
            ),
        ),
    },
    "gn-2960680": ("Colmar (Luxembourg)", "Colmar (Mersch, Luxembourg)", "Colmar-Berg"),
    "fr-69383-arm": ("Lyon 3", "69003"),
    "fr-2A004": ("Ajaccio", "20000"),
    "gn-2896817": ("Ibbenbüren", "Ibbenbueren", "Ibbenburen"),
    "gn-2897436": ("Hünfeld", "Huenfeld", "Hunfeld"),
}


@pytest.mark.parametrize(("typed", "key"), [(typed, key) for key, ways in KNOWN.items() for typed in ways])
def test_a_town_is_found_as_people_write_it(towns, typed, key):
    place = find(typed)
    assert place.town is not None
    assert place.town.pk == key
    assert not place.is_corrected
    assert not place.choices


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("Montpelier", MONTPELLIER),
        ("Colmarr", COLMAR),
        ("Clomar", COLMAR),
        ("Strasbour", STRASBOURG),
        ("Monpellier", MONTPELLIER),
    ],
)
def test_a_typo_is_forgiven_and_said(towns, typed, key):
    place = find(typed)
    assert place.town is not None
    assert (place.town.pk, place.is_corrected) == (key, True)


@pytest.mark.parametrize("typed", ["Saint-Denis", "St Denis", "St. Denis", "saint denis", "SAINT-DENIS"])
def test_towns_of_one_name_are_asked_about_the_largest_first(towns, typed):
    place = find(typed)
    assert (place.town, place.is_known, place.is_corrected) == (None, True, False)
    assert [town.label for town in place.choices] == [
        "Saint-Denis (La Réunion)",
        "Saint-Denis (Seine-Saint-Denis)",
        "Saint-Denis (Wallonie, Belgique)",
        "Saint-Denis (Aude)",
        "Saint-Denis (Gard)",
    ]


@pytest.mark.parametrize("typed", ["Saint-Denis", "Sainte-Marie", "Boulogne", "Neuilly"])
def test_each_of_the_towns_that_are_asked_about_is_found_by_what_it_is_called_there(towns, typed):
    choices = find(typed).choices
    assert len(choices) > 2
    assert [town.population for town in choices] == sorted((town.population for town in choices), reverse=True)
    assert len({town.label for town in choices}) == len(choices)
    assert [find(town.label).town for town in choices] == list(choices)


def test_a_town_that_is_far_larger_is_meant_and_the_others_are_named(towns):
    place = find("Colmar")
    assert (place.town.label, place.choices) == ("Colmar (Haut-Rhin)", ())
    assert [town.label for town in place.others] == ["Colmar (Mersch, Luxembourg)"]


def test_a_name_in_brackets_that_fits_no_town_of_that_name_is_no_obstacle(towns):
    assert find("Colmar (Invented department)").town.pk == COLMAR
    assert len(find("Saint-Denis (Invented department)").choices) == 5


def test_a_postcode_stands_for_the_largest_of_its_towns_and_names_the_others(towns):
    place = find("01000")
    assert place.is_postcode
    assert place.town.label == "Bourg-en-Bresse (Ain)"
    assert [town.label for town in place.others] == ["Saint-Denis-lès-Bourg (Ain)"]


def test_a_name_behind_a_postcode_says_which_of_its_towns(towns):
    assert find("01000 Saint-Denis-lès-Bourg").town.label == "Saint-Denis-lès-Bourg (Ain)"
    assert find("99999 Colmar").town.pk == COLMAR  # no such postcode: the name remains


@pytest.mark.parametrize("typed", ["Zzyzxqw", "00000", "99999", "?", "...", "'", "()", "(Haut-Rhin)", "a", "", " "])
def test_what_is_no_place_is_not_known(towns, typed):
    place = find(typed)
    assert not place.is_known
    assert (place.town, place.choices, place.others) == (None, (), ())


def test_a_town_is_found_by_its_key(towns):
    assert find(PARIS_15).town.pk == PARIS_15
    assert not find("fr-00000").is_known


@pytest.mark.parametrize("language", ["fr", "en", "de"])
def test_french_towns_are_found_in_every_language(towns, language):
    with translation.override(language):
        assert find("Saint-Denis (Seine-Saint-Denis)").town.pk == SAINT_DENIS_93
        assert find("Straßburg").town.pk == STRASBOURG


def test_every_french_town_of_some_size_is_found_by_its_own_name_and_department(towns):
    large = list(Town.public.filter(country="FR", kind=TownKind.COMMUNE, population__gt=30_000))
    assert len(large) > 200
    assert [town.label for town in large if find(town.label).town != town] == []


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text("0123456789 ()-'’.,;%_\x00", max_size=12),
    st.sampled_from(["Saint", "St", "(", ")", "75015", "Paris", "ß", "fr-", "-arm", "e", "1"]).flatmap(
        lambda word: st.text(max_size=6).map(lambda more: f"{word}{more}")
    ),
)


@settings(
    max_examples=200,
    deadline=None,
    database=None,
    derandomize=True,  # the same examples for everybody
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],  # nothing is written
)
@given(typed=HOSTILE)
@example(typed="\x00")
@example(typed="\ud800")
@example(typed="%")
@example(typed="'; DROP TABLE town_name; --")
@example(typed="٦٨٠٠٠")
@example(typed="(" * 500)
@example(typed="Colmar " * 200)
def test_any_text_is_understood_or_not_known(towns, typed):
    place = find(typed)
    assert isinstance(place, Place)
    assert not (place.town and place.choices)
    assert place.is_known or not place.others
    assert len(place.choices) != 1
    gazetteer.beginning_with(typed, 5)


# --- What is suggested while somebody types -----------------------------------------------------------------------


def test_towns_are_suggested_by_their_beginning_the_largest_first(towns):
    found = gazetteer.beginning_with("Stras", 5)
    assert found[0].pk == STRASBOURG
    assert all(town.name.startswith("Stras") or town.name.startswith("Straß") for town in found)
    assert [town.population for town in found] == sorted((town.population for town in found), reverse=True)
    assert len(gazetteer.beginning_with("Sai", 4)) == 4
    assert gazetteer.beginning_with("St", 5) == []


# --- Distances ----------------------------------------------------------------------------------------------------


def by_vectors(from_point: tuple[float, float], to_point: tuple[float, float]) -> float:
    """The same great circle by another road: the angle between two vectors from the middle of the earth."""
    (a, b, c), (d, e, f) = (
        (cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude))
        for latitude, longitude in (map(radians, point) for point in (from_point, to_point))
    )
    across = sqrt((b * f - c * e) ** 2 + (c * d - a * f) ** 2 + (a * e - b * d) ** 2)
    return 6371.0088 * atan2(across, a * d + b * e + c * f)


def point_in_the_file(key: str) -> tuple[float, float]:
    row = lines_of_the_file()[key]
    return float(row["lat"]), float(row["lon"])


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        ((48.8566, 2.3522), (52.5200, 13.4050), 878),  # Paris–Berlin, as every almanac prints it
        ((48.8566, 2.3522), (51.5074, -0.1278), 344),  # Paris–London
        ((48.8566, 2.3522), (43.2965, 5.3698), 661),  # Paris–Marseille
        ((0, 0), (0, 1), 111.2),  # a degree of the equator
        ((90, 0), (-90, 0), 20_015),  # half around the earth
        ((0, 179.5), (0, -179.5), 111.2),  # across the date line
    ],
)
def test_distances_are_the_published_ones(one, other, kilometres):
    assert distance(one, other) == pytest.approx(kilometres, rel=0.01)


def test_distances_between_towns_are_those_of_another_formula(towns):
    names = ("Colmar", "Strasbourg", "Paris", "Montpellier", "Genève", "Köln", "Saint-Denis (Réunion)", "Ajaccio")
    found = {name: find(name).town for name in names}
    checked = 0
    for one, other in combinations(names, 2):
        wanted = by_vectors(point_in_the_file(found[one].pk), point_in_the_file(found[other].pk))
        pair = [(found[name].latitude, found[name].longitude) for name in (one, other)]
        assert distance(*pair) == pytest.approx(wanted, rel=1e-9), (one, other)
        assert wanted > 40
        checked += 1
    assert checked == 28


POINT = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(one=POINT, other=POINT)
@example(one=(0.0, 0.0), other=(0.0, 180.0))
def test_a_distance_is_the_same_both_ways_and_never_more_than_half_around_the_earth(one, other):
    assert distance(one, one) == 0
    assert distance(one, other) == pytest.approx(distance(other, one), abs=1e-6)
    assert 0 <= distance(one, other) <= pi * 6371.0088 + 1e-6
    assert distance(one, other) == pytest.approx(by_vectors(one, other), abs=0.2, rel=1e-6)


# --- The points of hospitals --------------------------------------------------------------------------------------


def hospital(pk: int, **fields) -> Hospital:
    """Invented, in a real town. Not stored: only its town and its point are read."""
    return Hospital(pk=pk, name="Invented hospital for a test", **fields)


def test_a_hospital_is_where_its_coordinates_say(towns):
    known = hospital(1, town="Colmar", latitude="48.1", longitude="7.4", coordinate_precision="hospital")
    only_town = hospital(2, town="Colmar", latitude="48.1", longitude="7.4", coordinate_precision="town")
    found = points([known, only_town])
    assert {pk: point.pair for pk, point in found.items()} == {1: (48.1, 7.4), 2: (48.1, 7.4)}
    assert {pk: point.is_town for pk, point in found.items()} == {1: False, 2: True}


def test_a_hospital_without_coordinates_stands_in_its_town_and_says_so(towns):
    found = points([hospital(1, town="Colmar"), hospital(2, town="colmar", department="Haut-Rhin")])
    assert {point.pair for point in found.values()} == {point_in_the_file(COLMAR)}
    assert [found[pk].is_town for pk in (1, 2)] == [True, True]


@pytest.mark.parametrize(
    ("department", "key"), [("Seine-Saint-Denis", SAINT_DENIS_93), ("La Réunion", SAINT_DENIS_REUNION)]
)
def test_the_department_says_which_of_the_towns_of_one_name(towns, department, key):
    assert points([hospital(1, town="Saint-Denis", department=department)])[1].pair == point_in_the_file(key)


def test_a_hospital_in_a_town_that_nobody_knows_has_no_point(towns):
    assert points([hospital(1, town="Invented town"), hospital(2, town="")]) == {}
    assert points([]) == {}


def test_every_hospital_of_the_site_has_a_point_in_its_own_department(towns):
    hospitals = {each.pk: each for each in Hospital.public.all()}
    found = points(hospitals.values())
    without = [each for each in hospitals.values() if each.latitude is None]
    assert len(hospitals) > 10
    assert without
    assert set(found) == set(hospitals)
    assert all(found[each.pk].is_town for each in without)
    far = {
        each.slug: kilometres
        for each in hospitals.values()
        if (kilometres := distance(found[each.pk].pair, nearest_of_that_name(each, found[each.pk].pair))) > 15
    }
    assert far == {}


def nearest_of_that_name(hospital: Hospital, pair: tuple[float, float]) -> tuple[float, float]:
    rows = [row for row in lines_of_the_file().values() if row["name"] == hospital.town and row["country"] == "FR"]
    if hospital.department:
        rows = [row for row in rows if row["admin2"] == hospital.department]
    assert rows, hospital.town
    return min(((float(row["lat"]), float(row["lon"])) for row in rows), key=lambda point: by_vectors(point, pair))


@pytest.mark.parametrize(("region", "name"), [("Grand Est", "Strasbourg"), ("Île-de-France", "Paris")])
def test_the_largest_town_of_a_region_is_known(towns, region, name):
    assert gazetteer.largest_town_of(region).name == name


def test_a_region_that_nobody_knows_has_no_largest_town(towns):
    assert gazetteer.largest_town_of("Invented region") is None


# --- Loading ------------------------------------------------------------------------------------------------------

COLUMNS = (
    *("id", "country", "name", "kind", "postcodes", "admin1", "admin2", "admin2_code"),
    *("population", "lat", "lon", "alt_names", "point_source"),
)


def town(key: str, **columns: str) -> dict:
    """One line of the file."""
    where = {"admin1": "Invented region", "admin2": "Invented department", "admin2_code": "00"}
    more = {"kind": "commune", "postcodes": "00001;00002", "population": "1200", "lat": "48.5", "lon": "-7.25"}
    names = {"id": key, "country": "FR", "name": "Invented town"}
    return {**dict.fromkeys(COLUMNS, ""), **names, **where, **more, **columns}


def packed(path: Path, rows: list[dict], encoding: str = "utf-8") -> Path:
    out = StringIO()
    table = csv.DictWriter(out, rows[0] if rows else COLUMNS)
    table.writeheader()
    table.writerows(rows)
    path.write_bytes(gzip.compress(out.getvalue().encode(encoding)))
    return path


@pytest.fixture
def file(tmp_path) -> Path:
    return packed(tmp_path / "invented.csv.gz", [town("fr-1"), town("fr-2", name="Another invented town")])


def everything() -> list[list[tuple]]:
    return [list(models.QuerySet(model).order_by("pk").values_list()) for model in (Town, DataRelease)]


@pytest.mark.django_db
def test_a_town_is_loaded_column_by_column(file):
    assert gazetteer.load(file) == 2
    loaded = Town.objects.get(pk="fr-1")
    assert (loaded.country, loaded.name, loaded.kind) == ("FR", "Invented town", "commune")
    assert (loaded.postcodes, loaded.population) == ("00001 00002", 1200)
    assert (loaded.region, loaded.department, loaded.department_code) == (
        "Invented region",
        "Invented department",
        "00",
    )
    assert (loaded.latitude, loaded.longitude) == (48.5, -7.25)
    assert loaded.label == "Invented town (Invented department)"


@pytest.mark.django_db
def test_a_city_abroad_bears_the_name_that_is_used_there_and_is_found_by_the_other(file):
    packed(file, [town("gn-2867714", country="DE", kind="town", name="Munich", admin1="Bavaria", alt_names="Monaco")])
    gazetteer.load(file)
    loaded = Town.objects.get()
    assert (loaded.name, loaded.region) == ("München", "Bayern")
    assert loaded.other_names.split(";") == ["Munich", "Monaco"]
    main, other = {"munchen", "muenchen"}, {"munich", "monaco"}
    assert gazetteer.spellings(loaded.name, loaded.other_names) == {
        **dict.fromkeys(main, True),
        **dict.fromkeys(other, False),
    }


@pytest.mark.django_db
def test_another_file_replaces_all_towns(file):
    gazetteer.load(file)
    packed(file, [town("fr-2", name="A third invented name"), town("fr-3")])
    assert gazetteer.load(file) == 2
    assert dict(Town.objects.values_list("pk", "name")) == {"fr-2": "A third invented name", "fr-3": "Invented town"}


@pytest.mark.django_db
def test_towns_are_published_anew_after_another_file_and_not_after_the_same(file):
    gazetteer.load(file)
    first = publication.reference_fingerprint()
    gazetteer.load(file)
    assert publication.reference_fingerprint() == first
    packed(file, [town("fr-3")])
    gazetteer.load(file, dry_run=True)
    assert publication.reference_fingerprint() == first
    gazetteer.load(file)
    assert publication.reference_fingerprint() != first


BROKEN = {
    "a country that we do not know": ({"country": "XX"}, "line 3: ValueError"),
    "an unknown kind": ({"kind": "village"}, "line 3: ValueError"),
    "a latitude that is no number": ({"lat": "north"}, "line 3: ValueError"),
    "no latitude": ({"lat": ""}, "line 3: ValueError"),
    "a latitude beyond the pole": ({"lat": "90.1"}, "line 3: ValueError.*no such place"),
    "a longitude beyond the date line": ({"lon": "-180.1"}, "line 3: ValueError.*no such place"),
    "a latitude that is none": ({"lat": "nan"}, "line 3: ValueError.*no such place"),
    "inhabitants that are no number": ({"population": "many"}, "line 3: ValueError"),
    "a town twice": ({"id": "fr-1"}, "a town stands twice"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("columns", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_line_that_makes_no_sense_is_named_and_changes_nothing(file, columns, said):
    gazetteer.load(file)
    before = everything()
    packed(file, [town("fr-1", name="This would have changed"), town("fr-2", **columns)])
    with pytest.raises(GazetteerError, match=rf"invented\.csv\.gz(,|:) {said}"):
        gazetteer.load(file)
    assert everything() == before


def without_a_column(path: Path) -> None:
    packed(path, [{name: value for name, value in town("fr-1").items() if name != "lon"}])


FILES = {
    "no file": (Path.unlink, "No such file"),
    "an empty file": (lambda path: path.write_bytes(b""), "no town"),
    "no town": (lambda path: packed(path, []), "no town"),
    "a file that is not packed": (lambda path: path.write_text("id,country"), "Not a gzipped file"),
    "half a file": (lambda path: path.write_bytes(path.read_bytes()[:-20]), "ended before"),
    "another encoding": (lambda path: packed(path, [town("fr-1", name="é")], "latin-1"), "can't decode byte 0xe9"),
    "a missing column": (without_a_column, r"line 2: KeyError\('lon'\)"),
    "half a line": (
        lambda path: path.write_bytes(gzip.compress(f"{','.join(COLUMNS)}\nfr-1,FR,Inv".encode())),
        "line 2: ValueError",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("spoil", "said"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_gazetteer_is_refused_and_changes_nothing(file, spoil, said):
    gazetteer.load(file)
    before = everything()
    spoil(file)
    with pytest.raises(GazetteerError, match=said):
        gazetteer.load(file)
    assert everything() == before


def load_towns(file: Path, *arguments: str) -> str:
    out = StringIO()
    call_command("load_towns", str(file), *arguments, stdout=out)
    return out.getvalue().strip()


@pytest.mark.django_db
def test_the_command_says_how_many_towns_it_loaded(file):
    assert load_towns(file, "--dry-run") == "Would load 2 towns."
    assert everything() == [[], []]
    assert load_towns(file) == "Loaded 2 towns."
    assert load_towns(file, "--if-changed") == ""
    packed(file, [town("fr-3")])
    assert load_towns(file, "--if-changed") == "Loaded 1 towns."
    assert Town.objects.get().pk == "fr-3"


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [(), ("--if-changed",), ("--dry-run",)])
def test_the_command_says_that_nothing_was_loaded(file, arguments):
    file.unlink()
    with pytest.raises(CommandError, match=r"Nothing was loaded\..*No such file"):
        load_towns(file, *arguments)


# --- The real file ------------------------------------------------------------------------------------------------


def test_the_real_file_is_published_whole(towns):
    assert len(lines_of_the_file()) == 53_162
    columns = ("pk", "country", "kind", "population", "latitude", "longitude")
    wanted = {
        (key, row["country"], row["kind"], int(row["population"] or 0), float(row["lat"]), float(row["lon"]))
        for key, row in lines_of_the_file().items()
    }
    assert set(Town.public.values_list(*columns)) == wanted


@pytest.mark.parametrize(("key", "name"), gazetteer.LOCAL_NAMES.items())
def test_a_local_name_is_one_of_the_names_that_the_file_gives_that_town(key, name):
    row = lines_of_the_file()[key]
    given = {words.plain(each) for each in (row["name"], *row["alt_names"].split(";"))}
    assert words.plain(name) in given
    assert row["name"] != name  # else there is nothing to say


def test_every_french_postcode_of_the_file_is_answered(towns):
    listed = {code for row in lines_of_the_file().values() for code in row["postcodes"].split(";") if code}
    assert len(listed) > 6000
    assert not [code for code in listed if not re.fullmatch(r"\d{5}", code)]
    some = sorted(listed)[::25]
    assert [code for code in some if not find(code).town] == []
