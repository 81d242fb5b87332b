"""A page of results: what was understood, the centres that answer in order, and the ways to narrow them down."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil

from django.utils.translation import gettext as _

from centres import answers, gazetteer, search
from centres.answers import Answer, Care, Reason, Relation
from centres.forms import AGES, Asked
from centres.models import Audience, Centre, Field, Kind, Network, Region
from centres.reference import Disease
from centres.search_index import Role
from sensgene.languages import sort_key

PAGE_SIZE = 25
OTHER_DISEASES = 9
SMALLEST_TOWN_IN_WORDS = 2000  # inhabitants; a hamlet may be called like anything
MOST_WITHOUT_HIGHLIGHTS = 4
EXACT_ENOUGH = 1  # tiers of centres/search.py in which a name was simply right


@dataclass
class Line:
    """A centre of the list: its number there and on the map, why it is an answer, how far it is."""

    centre: Centre
    reason: Reason | None = None
    kilometres: float | None = None
    is_from_town: bool = False  # measured to the town, since the hospital's own place is not known
    number: int = 0


@dataclass(frozen=True)
class Choice:
    """One filter: a link with the number of centres behind it. The one in force has a link that takes it away."""

    label: str
    network: Network | None  # instead of a label
    count: int
    url: str
    is_chosen: bool


@dataclass(frozen=True)
class Filter:
    """Choices that exclude each other."""

    label: str
    choices: tuple[Choice, ...]


@dataclass
class Results:
    """Everything a page of results shows."""

    asked: Asked
    place: gazetteer.Place | None = None
    outcome: search.Outcome | None = None
    directory: search.Outcome | None = None
    disease: Disease | None = None
    care: Care | None = None
    others: list[tuple[Disease, search.Found]] = field(default_factory=list)  # with what was matched
    networks: list[Network] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)  # of all pages
    points: dict[int, gazetteer.Point] = field(default_factory=dict)  # by hospital
    filters: list[Filter] = field(default_factory=list)
    left_out_by_age: int = 0

    @property
    def total(self) -> int:
        return len(self.lines)

    @property
    def pages(self) -> int:
        return max(1, ceil(self.total / PAGE_SIZE))

    @property
    def shown(self) -> list[Line]:
        start = (self.asked.page - 1) * PAGE_SIZE
        return self.lines[start : start + PAGE_SIZE]

    @property
    def first_number(self) -> int:
        return (self.asked.page - 1) * PAGE_SIZE + 1

    @property
    def previous_url(self) -> str:
        return self.asked.but(page=self.asked.page - 1).url() if self.asked.page > 1 else ""

    @property
    def next_url(self) -> str:
        return self.asked.but(page=self.asked.page + 1).url() if self.asked.page < self.pages else ""

    @property
    def town(self):
        return self.place.town if self.place else None

    @property
    def is_outside(self) -> bool:
        return self.care is not None and self.care.answer == Answer.OUTSIDE

    @property
    def found_nothing(self) -> bool:
        """Something was asked for by name, and nothing has that name."""
        return bool(self.asked.q) and not self.disease and not self.directory_found

    @property
    def directory_found(self) -> bool:
        return bool(self.directory and self.directory.found)

    @property
    def corrected(self) -> str:
        """The name that was taken for a misspelt query; empty if nothing was corrected."""
        outcome = self.outcome if self.disease else self.directory
        return outcome.best.text if outcome and outcome.is_corrected else ""

    @property
    def left_out(self) -> tuple[str, ...]:
        outcome = self.outcome if self.disease else self.directory
        return outcome.left_out if outcome and outcome.found else ()

    @property
    def is_emptied_by_choices(self) -> bool:
        return not self.lines and not self.found_nothing and not self.is_outside

    @property
    def has_messages(self) -> bool:
        """Whether something was corrected, asked back, or not found."""
        town_is_plain = not self.asked.near or (self.town and not (self.place.others or self.place.is_corrected))
        return bool(
            self.corrected
            or self.left_out
            or self.gene
            or self.is_one_of_several
            or self.found_nothing
            or self.is_emptied_by_choices
            or not town_is_plain
        )

    @property
    def gene(self) -> str:
        """The gene that was typed, if several diseases have it: the list is for one of them."""
        best = self.outcome.best if self.disease and self.outcome else None
        return best.text if best and best.role == Role.GENE and self.others else ""

    @property
    def is_one_of_several(self) -> bool:
        """Whether the words fit other diseases nearly as well as the one that the list is for."""
        best = self.outcome.best if self.disease and self.outcome else None
        return bool(best and self.others and best.tier >= search.BEGINNING and not self.corrected and not self.gene)

    def highlights(self) -> list[tuple[str, Line]]:
        """Where to begin in a list in order of distance: the nearest of each kind of answer, and who can be reached."""
        if not (self.town and self.care) or len(self.lines) < MOST_WITHOUT_HIGHLIGHTS:
            return []
        named = [line for line in self.lines if line.reason.answer == Answer.NAMED]
        wanted = (
            (_("The nearest"), self.lines),
            (_("The nearest that names the disease or its group"), named),
            (
                _("With the disease itself on its list"),
                [line for line in named if line.reason.relation == Relation.ITSELF],
            ),
            (_("With a phone number or e-mail"), [line for line in self.lines if line.centre.contacts.all()]),
        )
        found: dict[int, tuple[str, Line]] = {}
        for label, lines in wanted:
            if lines:
                found.setdefault(lines[0].number, (label, lines[0]))
        return list(found.values())

    @property
    def exact_url(self) -> str:
        return self.asked.but(exact="1").url()

    def count(self, answer: Answer) -> int:
        return sum(line.reason is not None and line.reason.answer == answer for line in self.lines)

    @property
    def named(self) -> int:
        return self.count(Answer.NAMED)

    @property
    def by_field(self) -> int:
        return self.count(Answer.FIELD)

    @property
    def by_form(self) -> int:
        return self.count(Answer.FORM)


# --- Understanding ------------------------------------------------------------------------------------------------


def results(asked: Asked) -> Results:
    """Answers a question. Nothing is raised for what cannot be found: the page says it."""
    page = Results(asked)
    if asked.q:
        understand(page)
        if not asked.near and not asked.exact and (with_town := town_in_words(page)):
            return results(with_town)
    if page.disease:
        page.care = answers.care_of(page.disease)
    if asked.near:
        page.place = gazetteer.find(asked.near)
    lines = candidates(page)
    measure(page, lines)
    page.filters = filters(page, lines)
    page.lines = [line for line in lines if holds(line, asked)]
    page.left_out_by_age = sum(holds(line, asked, but="age") for line in lines) - len(page.lines)
    page.lines.sort(key=order)
    numbered(page.lines)
    return page


def understand(page: Results) -> None:
    """Whether the words name a disease, or a centre with its hospital, town and people: the better match wins."""
    exact_only = bool(page.asked.exact)
    page.outcome = search.diseases(page.asked.q, exact_only=exact_only)
    is_sure = page.outcome.best is not None and page.outcome.best.tier < search.WITH_TYPOS
    page.directory = search.directory(page.asked.q, exact_only=exact_only, may_guess=not is_sure)
    disease, place = page.outcome.best, page.directory.best
    if disease and place:
        # “Necker” is a hospital, whatever disease has a word like it.
        limit = disease.tier if disease.is_ours else disease.tier + 1  # a person's name before another field's disease
        is_place = place.tier < min(limit, search.WITH_TYPOS)
        disease, place = (None, place) if is_place else (disease, None)
    if place is None or page.directory.is_partial:
        page.directory.found = []
    found = page.outcome.found
    if not disease:
        found = [each for each in found if each.tier < search.WITH_TYPOS]
    found = found[: OTHER_DISEASES + 1]
    known = Disease.public.in_bulk([int(each.key) for each in found])
    in_order = [(known[int(each.key)], each) for each in found if int(each.key) in known]
    if disease and in_order:
        (page.disease, _match), *page.others = in_order
    else:
        page.others = in_order[:OTHER_DISEASES]


def town_in_words(page: Results) -> Asked | None:
    """“Usher Colmar”, “Mulhouse”: words that no disease and no centre has, but a town. None if there are none."""
    if page.directory_found or page.disease and not (page.corrected or page.left_out):
        return None
    spelt = page.asked.q.split()
    for words_of_town in range(len(spelt), 0, -1):
        rest, town = spelt[:-words_of_town], " ".join(spelt[-words_of_town:]).strip(",;.")
        if len(town) < 3 or words_of_town > 5:
            continue
        place = gazetteer.find(town, may_guess=False)
        largest = max((each.population for each in (place.town, *place.choices) if each), default=0)
        if place.is_known and largest >= SMALLEST_TOWN_IN_WORDS:
            return page.asked.but(q=" ".join(rest).strip(" ,;"), near=town)
    return None


def answering(centres: Iterable[Centre], care: Care) -> list[Line]:
    """Those of the centres that answer for a disease, each with its reason."""
    return [Line(centre, care.centres[centre.pk]) for centre in centres if centre.pk in care.centres]


def candidates(page: Results) -> list[Line]:
    """The centres that answer, before any filter."""
    centres = Centre.public.with_place_and_people().with_contacts().in_reading_order()
    if page.care is not None:
        return answering(centres, page.care)
    if page.directory_found:
        best = page.directory.best.tier
        found = [each for each in page.directory.found if each.tier <= max(best, EXACT_ENOUGH)]
        slugs = {each.key for each in found if each.kind == "centre"}
        networks = {each.key for each in found if each.kind == "network"}
        page.networks = [network for network in Network.public.all() if network.slug in networks]
        return [Line(centre) for centre in centres if centre.slug in slugs or centre.network.slug in networks]
    return [] if page.asked.q else [Line(centre) for centre in centres]


def measure(page: Results, lines: list[Line]) -> None:
    page.points = gazetteer.points(line.centre.hospital for line in lines)
    if not page.town:
        return
    start = (page.town.latitude, page.town.longitude)
    for line in lines:
        if point := page.points.get(line.centre.hospital_id):
            line.kilometres = gazetteer.distance(start, point.pair)
            line.is_from_town = point.is_town


def order(line: Line) -> tuple:
    """The nearest first; without a town, those that name the disease, the most telling reason first."""
    if line.kilometres is not None:
        return (0, line.kilometres, line.centre.slug)
    return (1, line.reason.rank) if line.reason else (1,)


# --- Lists without a question -------------------------------------------------------------------------------------

# The decision pages by their short name: the fields of the networks that they show.
ROUTE_FIELDS = {
    "eye": (Field.EYE, Field.BOTH),
    "ear": (Field.HEARING, Field.BOTH),
    "eye-and-ear": (Field.BOTH,),
    "child": tuple(Field),
}


def numbered(lines: list[Line]) -> list[Line]:
    for number, line in enumerate(lines, start=1):
        line.number = number
    return lines


def route_lines(centres: Iterable[Centre], route: str) -> list[Line]:
    """The centres that a decision page ends at, by town."""
    fields = ROUTE_FIELDS[route]
    kept = [centre for centre in centres if centre.network.field in fields]
    if route == "child":
        kept = [centre for centre in kept if receives(centre, Audience.CHILDREN)]
    return numbered(
        [Line(centre) for centre in sorted(kept, key=lambda each: (sort_key(each.hospital.town), each.slug))]
    )


# --- Filters ------------------------------------------------------------------------------------------------------


def receives(centre: Centre, age: str) -> bool:
    """Whether a centre may receive somebody of this age. Unknown is not no."""
    return centre.audience in ("", Audience.BOTH, age)


# The part of a question → whether a centre fits its value.
FACETS: dict[str, Callable[[Line, str], bool]] = {
    "answer": lambda line, value: line.reason is not None and line.reason.answer == value,
    "age": lambda line, value: receives(line.centre, value),
    "kind": lambda line, value: line.centre.kind == value,
    "region": lambda line, value: line.centre.hospital.region == value,
    "network": lambda line, value: line.centre.network.slug == value,
}


def holds(line: Line, asked: Asked, but: str = "") -> bool:
    """Whether a centre fits everything that is asked, one part left aside."""
    return all(fits(line, value) for name, fits in FACETS.items() if name != but and (value := getattr(asked, name)))


def filters(page: Results, lines: list[Line]) -> list[Filter]:
    """Each filter counts what the others leave, so that no link leads to an empty list."""
    networks = {line.centre.network.slug: line.centre.network for line in lines}
    found = []
    for name, label, options in (
        (
            "answer",
            _("Why"),
            [
                (Answer.NAMED, _("Names the disease or its group")),
                (Answer.FIELD, _("Covers the field")),
                (Answer.FORM, _("Names a form of it")),
            ],
        ),
        ("age", _("For whom"), [(value, label) for value, label in AGES if value]),
        ("kind", _("Kind"), Kind.choices),
        ("region", _("Region"), Region.choices),
        ("network", _("Network"), list(networks.items())),
    ):
        left = [line for line in lines if holds(line, page.asked, but=name)]
        choices = [choice for value, text in options if (choice := option(page, name, value, text, left))]
        if len(choices) > 1 or any(choice.is_chosen for choice in choices):
            found.append(Filter(label, tuple(choices)))
    return found


def option(page: Results, name: str, value: str, label, lines: Iterable[Line]) -> Choice | None:
    count = sum(FACETS[name](line, value) for line in lines)
    is_chosen = getattr(page.asked, name) == value
    if not count and not is_chosen:
        return None
    network = label if isinstance(label, Network) else None
    url = page.asked.but(**{name: "" if is_chosen else str(value)}).url()
    return Choice("" if network else str(label), network, count, url, is_chosen)
