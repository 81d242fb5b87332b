"""Static files that are made, not written: the subset fonts and the one style sheet. `manage.py serve` makes them."""

from pathlib import Path

import fontpkg_atkinson_hyperlegible
from django.conf import settings
from fontTools import subset

# Printable Latin of our three languages and the punctuation they use.
LETTERS = (
    "U+0020-007E,U+00A0-00FF,U+0152,U+0153,U+0178,U+2013,U+2014,U+2018-201A,U+201C-201E,U+2026,U+2030,U+20AC,U+2212"
)
FACES = {"regular": "AtkinsonHyperlegible-Regular.ttf", "bold": "AtkinsonHyperlegible-Bold.ttf"}

# One request instead of five; the order is the cascade's.
STYLE_SHEETS = ("tokens", "base", "layout", "components", "print")


def font_source(face: str) -> Path:
    return Path(fontpkg_atkinson_hyperlegible.__file__).parent / "files" / FACES[face]


def make_font(face: str, target: Path) -> None:
    """Writes the face with our letters only, as woff2. About 15 kB instead of 54."""
    target.parent.mkdir(parents=True, exist_ok=True)
    options = subset.Options(
        flavor="woff2", layout_features=["kern", "liga", "mark", "mkmk", "locl"], notdef_outline=True
    )
    font = subset.load_font(str(font_source(face)), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(LETTERS.replace("U+", "")))
    subsetter.subset(font)
    subset.save_font(font, str(target), options)
    font.close()


def make_style_sheet(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    parts = [(settings.BASE_DIR / "static" / "css" / f"{name}.css").read_text("utf-8") for name in STYLE_SHEETS]
    target.write_text("\n".join(parts), "utf-8")


def make_all() -> None:
    """Fills BUILD_DIR, where collectstatic finds it. Fonts are made once; the style sheet each time."""
    for face in FACES:
        target = settings.BUILD_DIR / "fonts" / f"atkinson-{face}.woff2"
        if not target.exists():
            make_font(face, target)
    make_style_sheet(settings.BUILD_DIR / "css" / "site.css")
