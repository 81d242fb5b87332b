"""The drawn map: projections against known points, numbers against the list, every region against its outline."""

import gzip
import json
import re

import pytest

from centres import map as drawing
from sensgene.environment import ROOT

# Town halls, from the same open data as the gazetteer; each must lie inside its own region's outline.
TOWNS = {
    "44": (48.57358, 7.75321),  # Strasbourg
    "32": (50.63141, 3.06058),  # Lille
    "11": (48.85340, 2.34880),  # Paris
    "75": (44.83780, -0.57950),  # Bordeaux
    "76": (43.60405, 1.44305),  # Toulouse
    "93": (43.29650, 5.36980),  # Marseille
    "53": (48.11130, -1.67870),  # Rennes
    "94": (41.92690, 8.73690),  # Ajaccio
    "01": (16.24130, -61.53410),  # Pointe-à-Pitre
    "02": (14.65000, -61.00000),  # the middle of Martinique
    "03": (4.00000, -53.00000),  # the middle of French Guiana
    "04": (-21.13000, 55.53000),  # the middle of Réunion
    "06": (-12.82000, 45.15000),  # the middle of Mayotte
}


def polygons(path: str) -> list[list[tuple[float, float]]]:
    """SVG path with M, relative l and z → rings of points."""
    rings = []
    for ring in path.split("z"):
        numbers = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", ring)]
        if not numbers:
            continue
        x, y = numbers[:2]
        points = [(x, y)]
        for dx, dy in zip(numbers[2::2], numbers[3::2], strict=True):
            x, y = x + dx, y + dy
            points.append((x, y))
        rings.append(points)
    return rings


def is_inside(x: float, y: float, ring: list[tuple[float, float]]) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def test_lambert_93_agrees_with_published_points():
    """The origin by definition; Notre-Dame de Paris by the French mapping agency's converter, to a few metres."""
    assert drawing.lambert_93(46.5, 3.0) == pytest.approx((700_000, 6_600_000), abs=0.01)
    assert drawing.lambert_93(48.8534, 2.3488) == pytest.approx((652_217, 6_861_682), abs=5)


@pytest.mark.parametrize("code", TOWNS)
def test_a_point_lies_inside_the_outline_of_its_region(code):
    shapes = drawing.outlines()
    path = next(shape["d"] for shape in (*shapes["regions"], *shapes["insets"]) if shape["code"] == code)
    x, y = drawing.place(*TOWNS[code], code)
    assert any(is_inside(x, y, ring) for ring in polygons(path)), (x, y)


def test_numbers_are_written_short():
    assert drawing.short([3]) == "3"
    assert drawing.short([9, 3, 5, 4]) == "3–5, 9"


def test_every_number_on_the_map_is_in_the_list_and_in_the_words(visitor):
    page = visitor.get("/en/where/").content.decode()
    listed = {int(number) for number in re.findall(r'<li value="(\d+)">', page)}
    assert listed == set(range(1, 14))
    drawn = re.findall(r'<text class="map-number"[^>]*>([^<]+)</text>', page)
    assert len(drawn) >= 3
    numbers = set()
    for label in drawn:
        for run in label.split(", "):
            first, _dash, last = run.partition("–")
            numbers.update(range(int(first), int(last or first) + 1))
        assert f"<li>{label}:" in page
    assert numbers <= listed


def test_each_region_is_a_link_to_its_own_page(visitor):
    page = visitor.get("/de/karte/").content.decode()
    links = re.findall(r'<a href="(/de/karte/[a-z-]+/)"><title>', page)
    assert len(set(links)) == 18
    assert {visitor.get(link).status_code for link in links} == {200}


def test_a_map_is_light(visitor):
    page = visitor.get("/fr/carte/").content.decode()
    [svg] = re.findall(r"<svg class=\"map\".*?</svg>", page, re.DOTALL)
    assert 3_000 < len(gzip.compress(svg.encode())) < 10_000


def test_a_town_is_never_drawn_as_a_hospital(visitor):
    """Lille: the source names the town only."""
    page = visitor.get("/en/where/hauts-de-france/").content.decode()
    assert page.count('class="map-town"') == 1
    assert 'class="map-point"' not in page


def test_the_outlines_are_those_of_eighteen_regions():
    shapes = json.loads((ROOT / "fixtures" / "france_map.json").read_text("utf-8"))
    assert len(shapes["regions"]) == 13
    assert len(shapes["insets"]) == 5
