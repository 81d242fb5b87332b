"""What people type into the search box: a fixed list, so that two runs ask the same."""

# (the language of the page, what is typed), by what it asks of the search.
QUERIES: dict[str, tuple[tuple[str, str], ...]] = {
    "beginning": (
        *(("fr", "us"), ("fr", "ush"), ("fr", "ushe"), ("fr", "surd"), ("fr", "rét"), ("fr", "rétinite pig")),
        *(("fr", "dystrophie cor"), ("fr", "kérato"), ("en", "le"), ("en", "leber con"), ("en", "con"), ("en", "hear")),
        *(("en", "syndrome"), ("de", "sc"), ("de", "schwerhö"), ("de", "netz"), ("de", "makula"), ("de", "strasb")),
    ),
    "name": (
        *(("fr", "syndrome d'Usher"), ("fr", "rétinite pigmentaire"), ("fr", "surdité"), ("fr", "aniridie")),
        *(("fr", "maladie de Stargardt"), ("fr", "Hôpital Necker"), ("en", "Norrie disease"), ("en", "choroideremia")),
        *(("en", "Leber congenital amaurosis"), ("en", "Pendred syndrome"), ("en", "congenital glaucoma")),
        *(("de", "Retinitis pigmentosa"), ("de", "Hornhautdystrophie"), ("de", "Schwerhörigkeit")),
    ),
    "typo": (
        *(("fr", "stargart"), ("fr", "rétinite pigmantaire"), ("fr", "syndrome d'Uscher"), ("fr", "kératocohne")),
        *(("en", "retinitis pigmentossa"), ("en", "syndrom de userh"), ("en", "albinsm"), ("en", "waardenburgh")),
        *(("de", "Schwerhörigkiet"), ("de", "Retinoblastomm"), ("de", "Glaukhom")),
    ),
    "two words": (
        *(("fr", "sourd aveugle"), ("fr", "Usher Colmar"), ("fr", "kératocône enfant"), ("fr", "dystrophie rétine")),
        *(("en", "deafness blindness"), ("en", "optic atrophy"), ("de", "Taubheit Kind"), ("de", "Kolobom Iris")),
    ),
    "gene": (("fr", "ABCA4"), ("fr", "USH2A"), ("en", "GJB2"), ("de", "RPE65")),
    "number": (("fr", "ORPHA:886"), ("en", "791"), ("de", "orphacode 98664")),
    "nonsense": (("fr", "qwertzuiop asdfghjkl"), ("en", "xyzzyqwk"), ("de", "zzzzzzzz"), ("en", "12 34 56 78 90")),
    "sentence": (
        ("en", "my child has usher syndrome and cannot see"),
        ("fr", "mon fils est sourd et perd la vue la nuit depuis un an"),
    ),
}

# As typed, with a postcode, a typo, a foreign name, and one name of several towns.
TOWNS = (
    *("Colmar", "75015", "Strasbourg", "Saint-Denis", "Freiburg", "Marsseille", "Toulouse", "Genf", "Brest", "97400"),
    *("Saint-Pierre-sur-Dives", "Lille"),
)

TYPED = [(language, text) for group in QUERIES.values() for language, text in group]
SENT = [(language, text) for name, group in QUERIES.items() if name != "beginning" for language, text in group]
