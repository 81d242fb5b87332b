"""From what somebody types to the diseases, networks and centres that are meant, and why in this order.

A query is data, never syntax: after centres/words.py it holds letters and digits only. Typos are forgiven by the
vocabulary (all words of all names), not by the names: a misspelt word is compared with some thirty thousand words, and
the index then does nothing but find exact words. Tables: centres/search_index.py.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import combinations
from math import log

from django.db import connections
from rapidfuzz import process
from rapidfuzz.distance import OSA

from centres import words
from centres.search_index import DIRECTORY, DISEASES, Role, table_names
from sensgene import snapshot

MOST_CHARACTERS = 100
MOST_WORDS = 10  # that count; what follows is left out, and the reader told
MOST_NAMES = 250  # read from the index for one question to it
MOST_NAMES_WHILE_TYPING = 80  # ten are shown, and the next letter is on its way
MOST_SPELLINGS = 12  # of one misspelt word

ONE_TYPO, TWO_TYPOS = 5, 8  # letters from which a word may hold one, or two
LONGEST_COMPOUND = 60  # letters
FEWER = 2  # letters fewer are enough where nothing else was found

# How a word of the query was found in a name, and what that costs.
EXACT, INFLECTED, COMPLETED, INSIDE = 0.0, 0.1, 0.05, 0.35
TYPO = 0.4  # each

# The best tier that a name of this role can have: these are not what a thing is called.
LESSER = {Role.INITIALS: 2, Role.GENE: 1, Role.OMIM: 1, Role.PLACE: 1, Role.PERSON: 1}
# The same where only the beginning of a word was typed: "col" means Colmar before COL7A1.
LESSER_BEGUN = {Role.GENE: 5, Role.OMIM: 5, Role.INITIALS: 5, Role.WORD: 3, Role.FORMER: 3, Role.GERMAN: 3}

CODE = re.compile(r"orpha(?:net)?(?:[\s-]?code)?[\s:#n°_-]*(\d{1,7})", re.IGNORECASE)
NUMBER = re.compile(r"(?:o?mim[\s:#n°_-]*|#)?(\d{1,7})", re.IGNORECASE)


# --- Results ------------------------------------------------------------------------------------------------------

# The order of the answers. Everything else decides only between two of the same tier.
TIERS = (
    "exact: the whole name",
    "exact but for order and small words",
    "beginning: the name begins so",
    "all words",
    "all words, one of them written otherwise",
    "all words, with typos",
    "some of the words",
)
BEGINNING, ALL_WORDS, WITH_TYPOS, PARTIAL = 2, 3, 4, 6


@dataclass(frozen=True)
class Found:
    """One thing that was found, by the best of its names. The order of `rank` is the order of the answers."""

    kind: str
    key: str
    text: str  # the name that was matched, as it is written
    language: str
    role: Role
    tier: int
    typos: int
    is_ours: bool
    coverage: float  # share of the name that the query names, 0 to 1
    cost: float
    length: int
    level: int = 0  # of a disease: group 0, disorder 1, form 2
    is_named: bool = False  # some centre or network names it

    @property
    def rank(self) -> tuple:
        return (
            self.tier,
            not self.is_ours,
            round(self.cost, 1) if self.tier >= WITH_TYPOS else 0,
            not self.is_named if self.tier == BEGINNING else 0,  # of the many that begin so, what centres list
            -round(self.coverage * 5),
            not self.is_named,
            self.level,
            -self.coverage,
            self.length,
            self.kind,
            int(self.key) if self.key.isdigit() else 0,
            self.key,
        )

    def reasons(self) -> list[str]:
        """For staff and maintainers: why it stands where it does."""
        return [
            f"tier {self.tier} ({TIERS[self.tier]})",
            f"by its {self.role} {self.text!r}",
            "eye or hearing" if self.is_ours else "another field",
            f"covers {self.coverage:.0%} of the name",
            f"cost {self.cost:.2f}, {self.typos} typos",
            *(["named by a centre"] if self.is_named else []),
            f"level {self.level}",
        ]


@dataclass
class Outcome:
    """What a query was understood as. `found` is in order, each thing once."""

    typed: str
    found: list[Found] = field(default_factory=list)
    left_out: tuple[str, ...] = ()  # words that no name holds together with the others

    @property
    def best(self) -> Found | None:
        return self.found[0] if self.found else None

    @property
    def is_corrected(self) -> bool:
        return bool(self.found) and self.found[0].typos > 0

    @property
    def is_partial(self) -> bool:
        return bool(self.found) and self.found[0].tier == PARTIAL


# --- The vocabulary -----------------------------------------------------------------------------------------------


class Vocabulary:
    """Every word of every name in one part of one snapshot: what it means, and in how many names it stands."""

    def __init__(self, part: str):
        names, _index, vocabulary = table_names(part)
        with connections[snapshot.ALIAS].cursor() as cursor:
            cursor.execute(f"SELECT word, means, names FROM {vocabulary} ORDER BY word")  # noqa: S608
            found = cursor.fetchall()
            cursor.execute(f"SELECT count(*) FROM {names}")  # noqa: S608
            self.total = max(1, cursor.fetchone()[0])
        self.means = {word: means for word, means, _count in found}
        self.frequency = {means: count for _word, means, count in found}
        self.sorted = [word for word, _means, _count in found]
        self.by_length: dict[int, list[str]] = {}
        for word in self.sorted:
            self.by_length.setdefault(len(word), []).append(word)

    def __contains__(self, word: str) -> bool:
        return word in self.means

    def weight(self, word: str) -> float:
        """How much a word says: a rare one says more (inverse document frequency); a filler says little."""
        weight = log(1 + self.total / self.frequency.get(word, 1))
        return weight if words.is_content(word) else 0.15 * weight

    def completions(self, start: str) -> list[str]:
        place = bisect_left(self.sorted, start)
        return self.sorted[place : bisect_left(self.sorted, start + "{", place)]

    def inflections(self, word: str) -> list[str]:
        """Singulars and plurals that names really hold: dystrophies → dystrophie, Atrophien → Atrophie."""
        if len(word) < 4:
            return []
        stems = [
            word,
            *(word.removesuffix(end) for end in ("s", "n", "e", "en", "er", "es", "x") if word.endswith(end)),
        ]
        ends = ("", "s", "e", "n", "en", "es", "x")
        forms = dict.fromkeys(stem + end for stem in stems for end in ends)
        if word.endswith("ies"):
            forms[word[:-3] + "y"] = None
        if word.endswith("y"):
            forms[word[:-1] + "ies"] = None
        return [form for form in forms if form != word and form in self.means]

    def spellings(self, word: str, *, generous: bool) -> dict[str, int]:
        """Words that differ by a typo, or two in a long word → how many. Optimal string alignment distance."""
        length = len(word) + (FEWER if generous else 0)
        most = 0 if length < ONE_TYPO else 1 if length < TWO_TYPOS else 2
        if not most or len(word) < 4 or any(letter.isdigit() for letter in word):
            return {}
        near: list[tuple[str, int]] = []
        for length in range(len(word) - most, len(word) + most + 1):
            if candidates := self.by_length.get(length):
                hits = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=most, limit=MOST_SPELLINGS)
                near += [(text, int(typos)) for text, typos, _place in hits if typos]
        near.sort(key=lambda hit: (hit[1], hit[0][0] != word[0], -self.frequency.get(self.means[hit[0]], 0)))
        return dict(near[:MOST_SPELLINGS])

    def holding(self, part: str) -> list[str]:
        """Compounds that hold a word: Störung in Stoffwechselstörung. The shortest first."""
        if len(part) < ONE_TYPO:
            return []
        return sorted((word for word in self.sorted if part in word and word != part), key=len)[:40]

    def split(self, word: str) -> list[str]:
        """A compound as known words: ushersyndrom → usher syndrom, usher2 → usher 2. Empty if it is none."""
        if len(word) > LONGEST_COMPOUND:
            return []
        match = re.fullmatch(r"([a-z]{2,})(\d+[a-z]?)", word)
        if match and match[1] in self.means and match[2] in self.means:
            return [match[1], match[2]]
        for first in range(len(word) - 4, 3, -1):
            if word[:first] not in self.means:
                continue
            if word[first:] in self.means:
                return [word[:first], word[first:]]
            if word[first] == "s" and word[first + 1 :] in self.means and len(word) - first > 4:  # Fugen-s
                return [word[:first], word[first + 1 :]]
            if len(word) - first >= 8 and (rest := self.split(word[first:])):
                return [word[:first], *rest]
        return []


@lru_cache(maxsize=4)
def _vocabulary(identifier: str, part: str) -> Vocabulary:
    return Vocabulary(part)


def vocabulary(part: str) -> Vocabulary:
    """Loaded once for each worker and snapshot."""
    return _vocabulary(snapshot.open_current(), part)


def warm_up() -> None:
    """Loads what the first visitor would wait for."""
    for part in (DISEASES, DIRECTORY):
        vocabulary(part)


# --- Understanding the query --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """One word of the query and the words of names that it may stand for, with their cost and typos."""

    word: str
    options: dict[str, tuple[float, int]]
    is_beginning: bool = False  # also stands for every word that begins so
    is_content: bool = True

    def match(self, word: str) -> tuple[float, int] | None:
        if word in self.options:
            return self.options[word]
        if self.is_beginning and word.startswith(self.word):
            return COMPLETED, 0
        return None


def query_words(text: str) -> list[str]:
    found = words.canonical(text)
    return [word for word in found if word not in words.STOP] or found


def variants(spelt: list[str], known: Vocabulary, *, is_typing: bool) -> list[list[str]]:
    """The query as typed, then with compounds split and neighbours joined, where that gives known words."""
    split: list[str] = []
    for place, word in enumerate(spelt):
        is_begun = is_typing and place == len(spelt) - 1 and known.completions(word)
        split += (not is_begun and word not in known and known.split(word)) or [word]
    found = [split] if split == spelt else [spelt, split]
    for each in tuple(found):
        for place in range(len(each) - 1):
            first, second = each[place : place + 2]
            for joined in (first + second, second + first):  # Kolobom der Iris: Iriskolobom
                if joined in known and min(len(first), len(second)) > 1:
                    found.append([*each[:place], joined, *each[place + 2 :]])
    return found[:5]


def term(word: str, known: Vocabulary, *, may_begin: bool, generous: bool) -> Term:
    options: dict[str, tuple[float, int]] = {}
    if word in known:
        options[known.means[word]] = (EXACT, 0)
    for form in known.inflections(word):
        options.setdefault(known.means[form], (INFLECTED, 0))
    is_beginning = may_begin and (len(word) > 1 or word not in known) and bool(known.completions(word))
    if generous or not (options or is_beginning):
        for spelling, typos in known.spellings(word, generous=generous).items():
            options.setdefault(known.means[spelling], (TYPO * typos, typos))
    if generous and (word in known or not options):
        for compound in known.holding(word):
            options.setdefault(known.means[compound], (INSIDE, 0))
    # A misspelt filler is still one: "disodrer".
    nearest = min((typos for _cost, typos in options.values()), default=0)
    may_be_filler = any(typos == nearest and option in words.FILLERS for option, (_cost, typos) in options.items())
    is_content = words.is_content(word) and not (word not in known and may_be_filler)
    return Term(word, options, is_beginning, is_content)


# --- Asking the index ---------------------------------------------------------------------------------------------


def expression(terms: Iterable[Term]) -> str:
    """Full-text syntax of FTS5, made of letters and digits only."""
    parts = []
    for each in terms:
        ways = [f'"{option}"' for option in each.options]
        if each.is_beginning:
            ways.append(f'"{each.word}"*')
        if ways:
            parts.append(f"({' OR '.join(ways)})")
    return " AND ".join(parts)


def ask(part: str, where: str, *parameters, limit: int = MOST_NAMES) -> list[tuple]:
    names, index, _vocabulary = table_names(part)
    sql = f"SELECT n.id, n.kind, n.key, n.language, n.role, n.rank, n.text, n.words FROM {names} n WHERE {where} LIMIT {limit}"  # noqa: S608
    with connections[snapshot.ALIAS].cursor() as cursor:
        cursor.execute(sql.replace("{index}", index), parameters)
        return cursor.fetchall()


def by_words(part: str, terms: list[Term], limit: int = MOST_NAMES) -> list[tuple]:
    """The first names that hold all the terms, in the order of the index."""
    if not all(each.options or each.is_beginning for each in terms):
        return []
    return ask(
        part,
        "n.id IN (SELECT rowid FROM {index} WHERE {index} MATCH %s ORDER BY rowid LIMIT %s)",
        expression(terms),
        limit,
    )


def by_whole_name(part: str, written: str) -> list[tuple]:
    """Names that are these words, or begin with them: found however many other names hold the same words."""
    # A space sorts before "!", and that before every letter and figure.
    return ask(part, "n.words >= %s AND n.words < %s ORDER BY n.words", written, written + "!", limit=120)


# --- Ranking ------------------------------------------------------------------------------------------------------


def judge(row: tuple, spelt: list[str], terms: list[Term], known: Vocabulary, *, is_partial: bool) -> Found | None:
    """How well a name answers the query; None if it does not."""
    _number, kind, key, language, role, rank, text, written = row
    role, own = Role(role), written.split()
    cost = typos = 0.0
    is_begun = False
    used = set()
    for each in terms:
        best = None
        for place, word in enumerate(own):
            if place in used or (hit := each.match(word)) is None:
                continue
            if best is None or hit < best[0]:
                best = (hit, place)
        if best is None:
            if each.is_content:
                return None
            continue
        (price, wrong), place = best
        is_begun |= price == COMPLETED
        used.add(place)
        cost += price
        typos += wrong
    weights = [known.weight(word) for word in own]
    coverage = sum(weights[place] for place in used) / (sum(weights) or 1)
    content = [word for word in own if words.is_content(word)]
    is_whole = all(place in used for place, word in enumerate(own) if words.is_content(word)) and bool(content or used)
    joined = " ".join(spelt)
    if is_partial:
        tier = PARTIAL
    elif typos:
        tier = 4 if typos == 1 and is_whole else 5
    elif written == joined:
        tier = 0
    elif is_whole and cost <= INFLECTED and not is_begun:
        tier = 1
    elif written.startswith(joined):
        tier = BEGINNING
    elif cost < INFLECTED:
        tier = ALL_WORDS
    else:
        tier = WITH_TYPOS
    return Found(
        kind=kind,
        key=key,
        text=text,
        language=language,
        role=role,
        tier=max(tier, (LESSER_BEGUN if is_begun else LESSER).get(role, 0)),
        typos=int(typos),
        is_ours=rank == 0,
        coverage=coverage,
        cost=cost,
        length=len(written),
    )


def best_of_each(candidates: Iterable[Found]) -> list[Found]:
    best: dict[tuple[str, str], Found] = {}
    for each in candidates:
        name = (each.kind, each.key)
        if name not in best or each.rank < best[name].rank:
            best[name] = each
    return list(best.values())


# --- The search ---------------------------------------------------------------------------------------------------


def look_up(
    part: str, text: str, *, is_typing: bool, exact_only: bool, may_guess: bool = True
) -> tuple[list[Found], tuple[str, ...]]:
    """What the names of one part answer, and the words that had to be left out."""
    known = vocabulary(part)
    spelt = query_words(text)[:MOST_WORDS]
    if not spelt:
        return [], ()
    forms = variants(spelt, known, is_typing=is_typing)
    terms_of = remembered_terms(known)
    for generous in (False, True):
        if generous and (exact_only or not may_guess):
            break
        candidates = []
        for form in forms:
            terms = [terms_of(word, place == len(form) - 1, generous) for place, word in enumerate(form)]
            if exact_only:
                terms = [Term(each.word, {each.word: (EXACT, 0)} if each.word in known else {}) for each in terms]
            asked = [each for each in terms if each.is_content] or terms
            rows = by_words(part, asked, MOST_NAMES_WHILE_TYPING if is_typing else MOST_NAMES)
            if not generous:
                rows = [*by_whole_name(part, " ".join(form)), *rows]
            candidates += filter(None, (judge(row, form, terms, known, is_partial=False) for row in rows))
        if candidates:
            return best_of_each(candidates), ()
    # While somebody types, the last words are still to come: none is left out.
    return without_some_words(part, spelt, known, terms_of) if may_guess and not (exact_only or is_typing) else ([], ())


def remembered_terms(known: Vocabulary) -> Callable[[str, bool, bool], Term]:
    """For one query: each word is compared with the vocabulary once, however many variants hold it."""

    @cache
    def remembered(word: str, may_begin: bool, generous: bool) -> Term:
        return term(word, known, may_begin=may_begin, generous=generous)

    return remembered


def without_some_words(
    part: str, spelt: list[str], known: Vocabulary, terms_of: Callable
) -> tuple[list[Found], tuple[str, ...]]:
    """No name holds all the words: those that hold the most telling of them, and which were left out."""
    terms = [terms_of(word, False, True) for word in spelt]
    telling = [each for each in terms if each.is_content and (each.options or each.is_beginning)]
    telling.sort(key=lambda each: -max((known.weight(word) for word in each.options), default=0))
    telling = telling[:4]
    content = [each.word for each in terms if each.is_content]
    for size in range(min(len(telling), max(1, len(content) - 1)), 0, -1):
        if 2 * size < len(content):
            break  # one common word of many says nothing: better no answer than a wrong one
        answers: list[tuple[float, list[Found], set[str]]] = []
        for chosen in combinations(telling, size):
            rows = by_words(part, list(chosen))
            found = [*filter(None, (judge(row, spelt, list(chosen), known, is_partial=True) for row in rows))]
            if found:
                answers.append((min(each.cost for each in found), found, {each.word for each in chosen}))
        if answers:
            _cost, found, kept = min(answers, key=lambda answer: answer[0])
            return best_of_each(found), tuple(word for word in content if word not in kept)
    return [], ()


def by_code(text: str) -> tuple[list[int], bool]:
    """ORPHAcodes that the query names outright, former ones followed; and whether it can be nothing but a code."""
    match = CODE.fullmatch(text.strip()) or NUMBER.fullmatch(text.strip())
    if match is None or text.strip().lower().startswith(("omim", "mim", "#")):
        return [], False
    code = int(match[1])
    with connections[snapshot.ALIAS].cursor() as cursor:
        cursor.execute("SELECT orpha_code FROM centres_disease WHERE orpha_code = %s AND status != 'withdrawn'", [code])
        found = [row[0] for row in cursor.fetchall()]
        if not found:
            cursor.execute("SELECT disease_id FROM centres_formercode WHERE old_code = %s", [code])
            found = [row[0] for row in cursor.fetchall()]
    return found, bool(CODE.fullmatch(text.strip()))


def with_facts(found: list[Found]) -> list[Found]:
    """Adds what only the database knows: how general a disease is, and whether a centre names it."""
    codes = [int(each.key) for each in found if each.kind == "disease"]
    if not codes:
        return found
    places = ", ".join(["%s"] * len(codes))
    with connections[snapshot.ALIAS].cursor() as cursor:
        cursor.execute(
            f"SELECT d.orpha_code, d.kind, EXISTS (SELECT 1 FROM centres_treatedcondition_diseases c "  # noqa: S608
            f"WHERE c.disease_id = d.orpha_code) FROM centres_disease d WHERE d.orpha_code IN ({places})",
            codes,
        )
        facts = {str(code): (kind, is_named) for code, kind, is_named in cursor.fetchall()}
    levels = {"group": 0, "disorder": 1, "subtype": 2}
    return [
        each
        if each.kind != "disease"
        else Found(**{**vars(each), "level": levels[facts[each.key][0]], "is_named": bool(facts[each.key][1])})
        for each in found
    ]


def diseases(text: str, *, is_typing: bool = False, exact_only: bool = False) -> Outcome:
    """The diseases that a query names, the best first."""
    outcome = Outcome(text)
    codes, is_code = by_code(text)
    if match := NUMBER.fullmatch(text.strip()):
        text = match[1]
    found = [Found("disease", str(code), f"ORPHA:{code}", "", Role.NAME, 0, 0, True, 1.0, 0.0, 0) for code in codes]
    if not is_code:
        others, outcome.left_out = look_up(DISEASES, text, is_typing=is_typing, exact_only=exact_only)
        outcome.left_out += tuple(query_words(text)[MOST_WORDS:])
        found += [each for each in others if each.key not in {str(code) for code in codes}]
    outcome.found = sorted(with_facts(found), key=lambda each: each.rank)
    return outcome


def directory(text: str, *, is_typing: bool = False, exact_only: bool = False, may_guess: bool = True) -> Outcome:
    """The networks and centres that a query names: by their name, hospital, town or the person in charge.

    Without `may_guess` no typo is forgiven and no word left out: for a query that something else answers already.
    """
    outcome = Outcome(text)
    found, outcome.left_out = look_up(DIRECTORY, text, is_typing=is_typing, exact_only=exact_only, may_guess=may_guess)
    outcome.found = sorted(found, key=lambda each: each.rank)
    return outcome
