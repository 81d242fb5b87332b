"""Where a town is: the gazetteer, loaded from fixtures/towns.csv.gz, and what people type into “near”.

Answers come from the snapshot: nobody's address leaves this machine. Distances are great circles.
"""

import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

from django.conf import settings
from django.db import connections, models, transaction
from django.utils import translation
from rapidfuzz import process
from rapidfuzz.distance import OSA

from centres import bulk, words
from centres.models import Region
from centres.reference import Country, DataRelease, Town, TownKind
from sensgene import snapshot

FILE = settings.BASE_DIR / "fixtures" / "towns.csv.gz"
RELEASE = "towns"
SMALLEST_SHARE = 0.8  # of the towns that are there; a file with fewer is a cut file
FEW_TOWNS = 1000  # with fewer there is nothing to lose
EARTH_RADIUS = 6371.0088  # km, the mean radius of WGS 84 (IUGG)

NAMES = (
    *("id", "country", "name", "kind", "postcodes", "region", "department", "department_code"),
    *("population", "latitude", "longitude", "other_names"),
)


# GeoNames gives these in English; people know them by the names used there. The English name still finds them.
LOCAL_NAMES = {
    **{"gn-2867714": "München", "gn-2861650": "Nürnberg", "gn-2896817": "Ibbenbüren", "gn-2660646": "Genève"},
    **{"gn-2800866": "Bruxelles", "gn-2803138": "Antwerpen", "gn-2789786": "Oostende"},
}
LOCAL_REGIONS = {
    **{"Bavaria": "Bayern", "Lower Saxony": "Niedersachsen", "Baden-Wurttemberg": "Baden-Württemberg"},
    **{"Thuringia": "Thüringen", "Saxony-Anhalt": "Sachsen-Anhalt", "North Rhine-Westphalia": "Nordrhein-Westfalen"},
    **{"Saxony": "Sachsen", "Hesse": "Hessen", "State of Berlin": "Berlin", "Wallonia": "Wallonie"},
    **{
        "Flanders": "Vlaanderen",
        "Brussels Capital": "Bruxelles-Capitale",
        "Zurich": "Zürich",
        "Valais": "Valais/Wallis",
    },
    **{"Ticino": "Ticino", "Grisons": "Graubünden", "Saint Gallen": "Sankt Gallen", "Lucerne": "Luzern"},
    **{"Geneva": "Genève", "Basel-City": "Basel-Stadt", "Municipality of Monaco": ""},
}


class GazetteerError(Exception):
    """The file cannot be loaded; the message names the line."""


# --- Loading ------------------------------------------------------------------------------------------------------


def digest(path: Path = FILE) -> str:
    """Names one state of the file, and of the names that we give to towns ourselves."""
    return hashlib.sha256(path.read_bytes() + repr((LOCAL_NAMES, LOCAL_REGIONS)).encode()).hexdigest()


def is_loaded(path: Path = FILE) -> bool:
    return DataRelease.objects.filter(name=RELEASE, digest=digest(path)).exists()


def read(path: Path) -> Iterator[tuple]:
    """The towns of the file as rows of NAMES. Raises GazetteerError."""
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            for row in table:
                try:
                    yield read_town(row)
                except (KeyError, TypeError, ValueError) as error:
                    raise GazetteerError(f"{path.name}, line {table.line_num}: {error!r}") from error
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise GazetteerError(f"{path.name}: {error}") from error


def read_town(row: dict) -> tuple:
    if None in row or None in row.values():
        raise ValueError("another number of columns than the first line")
    if not row["id"] or not row["name"]:
        raise ValueError("a town needs a key and a name")
    if "\x00" in "".join(row.values()) or len(row["name"]) > 120 or max(len(row["admin1"]), len(row["admin2"])) > 60:
        raise ValueError("a value that no town has")
    latitude, longitude, population = float(row["lat"]), float(row["lon"]), int(row["population"] or 0)
    if not 0 <= population < 100_000_000:
        raise ValueError(f"no town has {population} inhabitants")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"no such place: {latitude}, {longitude}")
    name = LOCAL_NAMES.get(row["id"], row["name"])
    other_names = filter(None, [row["name"] if name != row["name"] else "", row["alt_names"]])
    return (
        row["id"],
        Country(row["country"]).value,
        name,
        TownKind(row["kind"]).value,
        row["postcodes"].replace(";", " "),
        LOCAL_REGIONS.get(row["admin1"], row["admin1"]),
        row["admin2"],
        row["admin2_code"],
        population,
        latitude,
        longitude,
        ";".join(other_names),
    )


def load(path: Path = FILE, *, dry_run: bool = False) -> int:
    """Makes the working database hold the towns of this file; returns how many.

    Raises GazetteerError and changes nothing if a line makes no sense, or if the file lost a fifth of the towns.
    """
    rows = list(read(path))
    if len({row[0] for row in rows}) != len(rows):
        raise GazetteerError(f"{path.name}: a town stands twice")
    if not rows:
        raise GazetteerError(f"{path.name}: no town")
    there = Town.objects.count()
    if there > FEW_TOWNS and len(rows) < SMALLEST_SHARE * there:
        raise GazetteerError(f"{path.name}: only {len(rows)} towns; the file seems to be cut")
    with transaction.atomic():
        models.QuerySet(Town, using="default")._raw_delete("default")
        bulk.insert(Town, NAMES, rows)
        DataRelease.objects.update_or_create(name=RELEASE, defaults={"digest": digest(path), "rows": len(rows)})
        transaction.set_rollback(dry_run)
    return len(rows)


# --- The index in the snapshot ------------------------------------------------------------------------------------

# `rank` orders towns of one name: those that exist today before former ones, then the larger.
TABLES = (
    "CREATE TABLE town_name (name TEXT NOT NULL, town TEXT NOT NULL, is_main INTEGER NOT NULL, rank INTEGER NOT NULL, "
    "PRIMARY KEY (name, town)) WITHOUT ROWID",
    "CREATE TABLE town_postcode (postcode TEXT NOT NULL, town TEXT NOT NULL, PRIMARY KEY (postcode, town)) WITHOUT ROWID",
)
INDEX_TABLES = ("town_name", "town_postcode")
DISTRICT = re.compile(r"(?P<city>.+?) (?P<number>\d+)e?r? arrondissement")


def spellings(name: str, other_names: str) -> dict[str, bool]:
    """Every way to write a town → whether it is its main name. “St Denis” is Saint-Denis, “Paris 15” its district."""
    found = {}
    for each, is_main in [(name, True), *((other, False) for other in other_names.split(";") if other)]:
        for text in {words.plain(each), words.spelt_out(each)} if words.UMLAUT.search(each) else (words.plain(each),):
            if not text or len(text) < 2 and not is_main:  # there is a town called Y
                continue
            found.setdefault(text, is_main)
            if match := DISTRICT.fullmatch(text):
                found.setdefault(f"{match['city']} {match['number']}", is_main)
                found.setdefault(f"{match['city']} {match['number']}e", is_main)
    return found


def create_tables(cursor) -> None:
    for statement in TABLES:
        cursor.execute(statement)


def write_index(cursor) -> None:
    """Writes the names by which the towns of the open snapshot are found."""
    create_tables(cursor)
    cursor.execute("SELECT id, name, kind, postcodes, population, other_names FROM centres_town")
    names, postcodes = [], []
    for town, name, kind, codes, population, other_names in cursor.fetchall():
        rank = population + (0 if kind == TownKind.FORMER_COMMUNE else 100_000_000)
        names += [(text, town, is_main, rank) for text, is_main in spellings(name, other_names).items()]
        postcodes += [(code, town) for code in codes.split()]
    cursor.executemany("INSERT INTO town_name VALUES (%s, %s, %s, %s)", names)
    cursor.executemany("INSERT INTO town_postcode VALUES (%s, %s)", postcodes)


# --- Understanding what people type -------------------------------------------------------------------------------

MOST_CHOICES = 8
CLEARLY_LARGER = 8  # a town this many times larger than the next of its name is the one that is meant
LAST_BRACKET = re.compile(r"(?P<name>.+)\((?P<district>[^()]+)\)\W*")  # "Frankfurt (Oder) (Brandenburg, Allemagne)"
CODE_AND_NAME = re.compile(r"(?P<postcode>\d{5})\s+(?P<name>\D.*)")
KEY = re.compile(r"(?:fr|gn)-[0-9AB]+(?:-com[ad]|-arm)?")  # of a town whose name and district another one shares
SAINT = re.compile(r"\b(s|st|ste)\b")


@dataclass(frozen=True)
class Place:
    """What `near` was understood as. Exactly one of `town` and `choices` says something, or neither: not found."""

    typed: str
    town: Town | None = None
    choices: tuple[Town, ...] = ()  # several towns of one name: the visitor says which
    others: tuple[Town, ...] = ()  # smaller towns of the same name
    is_corrected: bool = False
    is_postcode: bool = False

    @property
    def is_known(self) -> bool:
        return self.town is not None or bool(self.choices)


def towns(ids: list[str]) -> list[Town]:
    found = Town.public.in_bulk(ids)
    return [found[each] for each in ids if each in found]


def rows(sql: str, *parameters) -> list[tuple]:
    with connections[snapshot.ALIAS].cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def by_name(text: str) -> list[Town]:
    """The towns of this name, the likeliest first. A main name stands before a foreign spelling."""
    found = rows("SELECT town, is_main FROM town_name WHERE name = %s ORDER BY rank DESC LIMIT 60", text)
    named = towns([town for town, is_main in found if is_main])
    # A foreign spelling counts for a large town (Genf, Strassburg), or where nothing bears the name itself.
    largest = max((town.population for town in named), default=0)
    spelt = towns([town for town, is_main in found if not is_main])
    spelt = [town for town in spelt if not named or town.population > CLEARLY_LARGER * largest]
    ordered = sorted([*named, *spelt], key=lambda town: (town.kind == TownKind.FORMER_COMMUNE, -town.population))
    return without_doubles(ordered)


def without_doubles(found: list[Town]) -> list[Town]:
    """A former commune inside the one that bears its name today says nothing new."""
    kept: list[Town] = []
    for town in found:
        if not any(other.name == town.name and other.district == town.district for other in kept):
            kept.append(town)
    return kept


def lies_in(town: Town, district: str) -> bool:
    """Whether each word in brackets is the town's department, region or country, in any of the languages."""
    own = {words.plain(each) for each in (town.department, town.department_code, town.region, town.country) if each}
    own |= {each.removeprefix("la ") for each in own} | country_names(town.country)
    return all(words.plain(part) in own for part in district.split(","))


@lru_cache(maxsize=10)
def country_names(code: str) -> frozenset[str]:
    found = set()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found.add(words.plain(str(Country(code).label)))
    return frozenset(found)


def find(typed: str, *, may_guess: bool = True) -> Place:
    """The place that somebody typed: a town, a postcode, “Saint-Denis (Réunion)”; with `may_guess` also a misspelt one."""
    typed = " ".join(typed.split())
    if KEY.fullmatch(typed) and (exact := towns([typed])):
        return Place(typed, town=exact[0])
    if re.fullmatch(r"\d{4,5}", typed):
        return by_postcode(typed, typed.zfill(5))
    if match := CODE_AND_NAME.fullmatch(typed):
        return by_postcode_and_name(typed, match["postcode"], match["name"], may_guess=may_guess)
    match = LAST_BRACKET.fullmatch(typed)
    found, is_corrected = look_up(typed, may_guess=may_guess and not match)
    if found or not match:
        return chosen(typed, found, is_corrected)
    name, district = match["name"].strip(), match["district"]
    found, is_corrected = look_up(name, may_guess=may_guess)
    inside = [town for town in found if lies_in(town, district)]
    inside.sort(key=lambda town: town.name.casefold() != name.casefold())  # Hüde is not Hude
    return Place(typed, town=inside[0], is_corrected=is_corrected) if inside else chosen(typed, found, is_corrected)


def by_postcode_and_name(typed: str, postcode: str, name: str, *, may_guess: bool) -> Place:
    """“75015 Paris”: the town of that name with that postcode; where the two contradict each other, the name counts."""
    here = by_postcode(typed, postcode)
    wanted = words.plain(name)
    for town in filter(None, (here.town, *here.others)):
        if words.plain(town.name) == wanted or words.plain(town.name).startswith(f"{wanted} "):
            return Place(typed, town=town)
    place = find(name, may_guess=may_guess)
    return (
        replace(place, typed=typed, is_corrected=True) if place.is_known else replace(here, is_corrected=here.is_known)
    )


def look_up(name: str, *, may_guess: bool) -> tuple[list[Town], bool]:
    """Towns of this name, and whether a typo had to be forgiven."""
    text = words.plain(name)
    saint = SAINT.sub(lambda match: "sainte" if match[0] == "ste" else "saint", text)
    for spelling in dict.fromkeys([saint, text, words.spelt_out(name)]):
        if spelling and (found := by_name(spelling)):
            return found, False
    for spelling in near_spellings(saint) if may_guess else ():
        if found := by_name(spelling):
            return found, True
    return [], False


def chosen(typed: str, found: list[Town], is_corrected: bool = False) -> Place:
    """The one that is clearly meant, or the question which one."""
    if not found:
        return Place(typed)
    first, *others = found
    if not others or first.population > CLEARLY_LARGER * max(town.population for town in others):
        return Place(typed, town=first, others=tuple(others[: MOST_CHOICES - 1]), is_corrected=is_corrected)
    return Place(typed, choices=tuple(found[:MOST_CHOICES]), is_corrected=is_corrected)


def by_postcode(typed: str, postcode: str) -> Place:
    """The largest of the towns that share a postcode stands for them all."""
    found = towns([town for (town,) in rows("SELECT town FROM town_postcode WHERE postcode = %s", postcode)])
    rank = {TownKind.DISTRICT: 0, TownKind.FORMER_COMMUNE: 2}  # 75015 is the 15th district, not all of Paris
    found.sort(key=lambda town: (rank.get(town.kind, 1), -town.population))
    if not found:
        return Place(typed, is_postcode=True)
    return Place(typed, town=found[0], others=tuple(found[1:MOST_CHOICES]), is_postcode=True)


@lru_cache(maxsize=2)
def known_spellings(identifier: str) -> list[str]:
    return [name for (name,) in rows("SELECT DISTINCT name FROM town_name ORDER BY name")]


def warm_up() -> None:
    known_spellings(snapshot.open_current())


def near_spellings(text: str) -> list[str]:
    """Names one typo away, two for long ones; the nearest first, then the largest town."""
    if len(text) < 5:
        return []
    most = 1 if len(text) < 8 else 2
    found = process.extract(
        text, known_spellings(snapshot.open_current()), scorer=OSA.distance, score_cutoff=most, limit=12
    )
    if not found:
        return []
    nearest = min(distance for _name, distance, _place in found)
    names = [name for name, distance, _place in found if distance == nearest]
    places = ", ".join(["%s"] * len(names))
    by_size = rows(f"SELECT name, max(rank) FROM town_name WHERE name IN ({places}) GROUP BY name", *names)  # noqa: S608
    return [name for name, _rank in sorted(by_size, key=lambda row: -row[1])]


def beginning_with(text: str, limit: int) -> list[Town]:
    """For suggestions: towns whose name begins so, the largest first; none for fewer than three letters."""
    start = words.plain(text)
    if len(start) < 3:
        return []
    found = rows(
        "SELECT town FROM town_name WHERE name >= %s AND name < %s AND is_main ORDER BY rank DESC LIMIT %s",
        start,
        start + "{",  # the character after z
        limit * 2,
    )
    return without_doubles(towns([town for (town,) in found]))[:limit]


# --- Points of hospitals ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """Where a hospital is, in degrees; `is_town` if nothing better than its town is known."""

    latitude: float
    longitude: float
    is_town: bool = False

    @property
    def pair(self) -> tuple[float, float]:
        return self.latitude, self.longitude


def points(hospitals: Iterable) -> dict[int, Point]:
    """The point of each hospital by its key: its own, or its town's. A town that the gazetteer does not know has none."""
    found, unknown = {}, []
    for hospital in hospitals:
        if hospital.latitude is None:
            unknown.append(hospital)
        else:
            is_town = hospital.coordinate_precision == "town"
            found[hospital.pk] = Point(float(hospital.latitude), float(hospital.longitude), is_town)
    if not unknown:
        return found
    names = sorted({words.plain(hospital.town) for hospital in unknown})
    places = ", ".join(["%s"] * len(names))
    listed = rows(f"SELECT name, town FROM town_name WHERE is_main AND name IN ({places}) ORDER BY rank DESC", *names)  # noqa: S608
    known = {town.pk: town for town in Town.public.in_bulk([town for _name, town in listed]).values()}
    for hospital in unknown:
        wanted = words.plain(hospital.town)
        same_name = [known[town] for name, town in listed if name == wanted]
        region = words.plain(Region(hospital.region).french) if hospital.region else ""
        here = [town for town in same_name if town.country == Country.FRANCE]
        here = [town for town in here if region in ("", words.plain(town.region))]
        here = [town for town in here if hospital.department == town.department] or here
        if here:
            found[hospital.pk] = Point(here[0].latitude, here[0].longitude, is_town=True)
    return found


def largest_town_of(region: str) -> Town | None:
    """The largest town of a French region, by the region's own name: from where its distances are measured."""
    wanted = words.plain(region)
    french = Town.public.filter(country=Country.FRANCE, kind=TownKind.COMMUNE, population__gt=10_000)
    return next((town for town in french.order_by("-population", "id") if words.plain(town.region) == wanted), None)


# --- Distances ----------------------------------------------------------------------------------------------------


def distance(from_point: tuple[float, float], to_point: tuple[float, float]) -> float:
    """Kilometres as the crow flies between two points (latitude, longitude in degrees): the haversine formula."""
    (a, b), (c, d) = (map(radians, point) for point in (from_point, to_point))
    half = sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(sqrt(min(1, half)))
