"""The drawn map of the centres: where a point stands on it, and which points would hide each other.

Outlines: fixtures/france_map.json, IGN Admin Express COG, simplified; SVG paths in a box of 600 × 660 units, mainland
and Corsica in Lambert-93, each overseas region in a box of its own. Formulas: J. P. Snyder, Map Projections: A Working
Manual, USGS Professional Paper 1395 (1987), Lambert conformal conic p. 107, transverse Mercator p. 61.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from math import atan, atanh, cos, cosh, exp, hypot, log, pi, radians, sin, sinh, sqrt, tan

from django.conf import settings

from centres.gazetteer import Point
from centres.models import Centre, Region

# The ellipsoid GRS 80, on which all the projections below stand.
RADIUS = 6_378_137.0  # metres
FLATTENING = 1 / 298.257222101
ECCENTRICITY = sqrt(2 * FLATTENING - FLATTENING**2)

# Points nearer than this (in units of the map) become one, and share a label.
NEAR = 16
LEGIBLE = 24  # between two dots, so that neither number covers the other


@dataclass(frozen=True)
class MapRegion:
    code: str
    label: str
    url: str
    path: str
    centres: int
    is_chosen: bool = False


@dataclass(frozen=True)
class MapPoint:
    """One dot; `numbers` are those of the list, written short: 3–5, 9."""

    x: float
    y: float
    numbers: str
    towns: str
    is_town: bool = False  # the middle of the town: the hospital's own place is not known


# --- Projections --------------------------------------------------------------------------------------------------


def isometric_latitude(latitude: float) -> float:
    e = ECCENTRICITY
    return log(tan(pi / 4 + latitude / 2) * ((1 - e * sin(latitude)) / (1 + e * sin(latitude))) ** (e / 2))


def lambert_93(latitude: float, longitude: float) -> tuple[float, float]:
    """EPSG 2154: degrees → metres east and north. Standard parallels 44° and 49°, origin 46.5° N 3° E."""
    first, second, origin = radians(44), radians(49), radians(46.5)

    def scale(angle: float) -> float:
        return cos(angle) / sqrt(1 - (ECCENTRICITY * sin(angle)) ** 2)

    n = log(scale(first) / scale(second)) / (isometric_latitude(second) - isometric_latitude(first))
    f = RADIUS * scale(first) * exp(n * isometric_latitude(first)) / n

    def radius(angle: float) -> float:
        return f * exp(-n * isometric_latitude(angle))

    turn = n * (radians(longitude) - radians(3))
    there = radius(radians(latitude))
    return 700_000 + there * sin(turn), 6_600_000 + radius(origin) - there * cos(turn)


def utm(latitude: float, longitude: float, zone: int, *, is_south: bool) -> tuple[float, float]:
    """Universal transverse Mercator: degrees → metres east and north, by Krüger's series (error below 1 mm)."""
    n = FLATTENING / (2 - FLATTENING)
    rectifying = RADIUS / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    series = (n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16, 13 * n**2 / 48 - 3 * n**3 / 5, 61 * n**3 / 240)
    turn = radians(longitude - (zone * 6 - 183))
    conformal = sinh(isometric_latitude(radians(latitude)))
    north, east = atan(conformal / cos(turn)), atanh(sin(turn) / sqrt(1 + conformal**2))
    x = east + sum(a * cos(2 * k * north) * sinh(2 * k * east) for k, a in enumerate(series, 1))
    y = north + sum(a * sin(2 * k * north) * cosh(2 * k * east) for k, a in enumerate(series, 1))
    return 500_000 + 0.9996 * rectifying * x, 0.9996 * rectifying * y + (10_000_000 if is_south else 0)


PROJECTIONS = {
    2154: lambert_93,
    5490: lambda latitude, longitude: utm(latitude, longitude, 20, is_south=False),
    2972: lambda latitude, longitude: utm(latitude, longitude, 22, is_south=False),
    2975: lambda latitude, longitude: utm(latitude, longitude, 40, is_south=True),
    4471: lambda latitude, longitude: utm(latitude, longitude, 38, is_south=True),
}


# --- The drawing --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def outlines() -> dict:
    return json.loads((settings.BASE_DIR / "fixtures" / "france_map.json").read_text("utf-8"))


def place(latitude: float, longitude: float, region: str) -> tuple[float, float]:
    """Where a point of this region stands on the map, in its units, x to the right and y down."""
    frame = next((inset for inset in outlines()["insets"] if inset["code"] == region), outlines()["metropole"])
    east, north = PROJECTIONS[frame["epsg"]](latitude, longitude)
    (left, top), scale = frame["offset"], frame["scale"]
    return left + (east - frame["x0"]) * scale, top + (frame["y1"] - north) * scale


def place_inside(latitude: float, longitude: float, region: str) -> tuple[float, float] | None:
    """As `place`, but None for a point that is not on the drawing: a mistyped coordinate, or another country."""
    try:
        x, y = place(latitude, longitude, region)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    _left, _top, width, height = outlines()["viewBox"]
    return (x, y) if 0 <= x <= width and 0 <= y <= height else None


def short(numbers: list[int]) -> str:
    """3, 4, 5, 9 → 3–5, 9."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def points(centres: list[Centre], known: dict[int, Point]) -> list[MapPoint]:
    """The dots for a list of centres, numbered as in the list; `known` holds the point of each hospital by its key.

    A hospital and a town are never one dot: the middle of a town is not the hospital.
    """
    groups: list[list[tuple[int, Centre, float, float, bool]]] = []
    for number, centre in enumerate(centres, start=1):
        point = known.get(centre.hospital_id)
        position = point and place_inside(point.latitude, point.longitude, centre.hospital.region)
        if not position:
            continue
        x, y = position
        near = next(
            (
                group
                for group in groups
                if group[0][4] == point.is_town and hypot(group[0][2] - x, group[0][3] - y) < NEAR
            ),
            None,
        )
        if near is None:
            groups.append(near := [])
        near.append((number, centre, x, y, point.is_town))
    return apart(
        [
            MapPoint(
                x=round(sum(x for _number, _centre, x, *_rest in group) / len(group), 1),
                y=round(sum(y for _number, _centre, _x, y, _is_town in group) / len(group), 1),
                numbers=short([number for number, *_rest in group]),
                towns=", ".join(dict.fromkeys(centre.hospital.town for _number, centre, *_rest in group)),
                is_town=group[0][4],
            )
            for group in groups
        ]
    )


def apart(found: list[MapPoint]) -> list[MapPoint]:
    """Moves a town's mark down where a hospital's dot lies on it, so that both numbers can be read."""
    kept: list[MapPoint] = []
    for point in sorted(found, key=lambda each: each.is_town):
        while any(hypot(other.x - point.x, other.y - point.y) < LEGIBLE for other in kept):
            point = replace(point, y=round(point.y + LEGIBLE, 1))
        kept.append(point)
    return sorted(kept, key=lambda each: found_number(each.numbers))


def found_number(numbers: str) -> int:
    return int(numbers.replace("–", ",").split(",")[0])


def regions(centres: list[Centre], chosen: str = "") -> list[MapRegion]:
    """Every region with its outline and how many of these centres it holds."""
    drawn = outlines()
    return [
        MapRegion(
            code=shape["code"],
            label=str(Region(shape["code"]).label),
            url=Region(shape["code"]).get_absolute_url(),
            path=shape["d"],
            centres=sum(centre.hospital.region == shape["code"] for centre in centres),
            is_chosen=shape["code"] == chosen,
        )
        for shape in (*drawn["regions"], *drawn["insets"])
    ]
