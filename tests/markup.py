"""A page as a reader meets it: a tree of elements, what it says, and what a validator would mind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from django.test import Client


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID = names("area base br col embed hr img input link meta source track wbr")
PHRASING = names(
    "a abbr b bdi br button cite code data dfn em i img input kbd label mark path q s samp select small span strong "
    "sub sup svg textarea time title u var wbr"
)
HOLD_PHRASING_ONLY = names("abbr b button cite em h1 h2 h3 h4 h5 h6 i label p small span strong")
PARENTS = {"li": ("ul", "ol"), "dt": ("dl", "div"), "dd": ("dl", "div"), "tr": ("table", "tbody", "thead", "tfoot")}
CHILDREN = {"ul": ("li",), "ol": ("li",), "dl": ("div", "dt", "dd")}
NEVER_INSIDE = {"a": ("a", "button"), "button": ("a", "button"), "form": ("form",), "main": ("main", "article")}


@dataclass(eq=False)
class Element:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    parent: "Element | None" = None
    children: list["Element | str"] = field(default_factory=list)

    def walk(self) -> Iterator["Element"]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *names: str, **attributes: str) -> list["Element"]:
        """Descendants by name, and by attributes where given: `aria_labelledby="x"`; `class_` means among its classes."""
        wanted_class = attributes.pop("class_", None)
        return [
            element
            for element in self.walk()
            if (not names or element.name in names)
            and all(element.get(key.replace("_", "-")) == value for key, value in attributes.items())
            and (wanted_class is None or wanted_class in element.get("class", "").split())
        ]

    def one(self, *names: str, **attributes: str) -> "Element":
        found = self.all(*names, **attributes)
        assert len(found) == 1, f"{len(found)} of {names} {attributes}"
        return found[0]

    def get(self, attribute: str, default: str | None = None) -> str | None:
        return self.attributes.get(attribute, default)

    def ancestors(self) -> Iterator["Element"]:
        """Itself first, the document last."""
        element = self
        while element is not None:
            yield element
            element = element.parent

    def texts(self) -> Iterator[tuple[str, "Element"]]:
        """Every piece of text that has words, white space collapsed, with the element that holds it."""
        for child in self.children:
            if isinstance(child, Element):
                yield from child.texts()
            elif words := " ".join(child.split()):
                yield words, self

    @property
    def text(self) -> str:
        """All its words, white space collapsed."""
        return " ".join(self._raw_text().split())

    def _raw_text(self) -> str:
        return "".join(child if isinstance(child, str) else child._raw_text() for child in self.children)

    @property
    def language(self) -> str | None:
        return next((element.get("lang") for element in self.ancestors() if element.get("lang")), None)

    def __str__(self):
        attributes = "".join(f' {name}="{value}"' for name, value in self.attributes.items())
        return f"<{self.name}{attributes}>"


class Reader(HTMLParser):
    """Builds the tree and notes every mistake that a browser would silently mend."""

    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.document = Element("#document")
        self.current = self.document
        self.problems: list[str] = []

    def note(self, what: str) -> None:
        line, column = self.getpos()
        self.problems.append(f"line {line}, column {column}: {what}")

    def handle_starttag(self, tag, attrs):
        if len(attrs) != len(dict(attrs)):
            self.note(f"<{tag}> has an attribute twice")
        element = Element(tag, {name: value or "" for name, value in attrs}, self.current)
        if self.current.name in HOLD_PHRASING_ONLY and tag not in PHRASING:
            self.note(f"<{tag}> inside <{self.current.name}>")
        if tag in PARENTS and self.current.name not in PARENTS[tag]:
            self.note(f"<{tag}> inside <{self.current.name}>")
        if self.current.name in CHILDREN and tag not in CHILDREN[self.current.name]:
            self.note(f"<{tag}> directly inside <{self.current.name}>")
        for outer in self.current.ancestors():
            if outer.name in NEVER_INSIDE.get(tag, ()):
                self.note(f"<{tag}> somewhere inside <{outer.name}>")
        self.current.children.append(element)
        if tag not in VOID:
            self.current = element

    def handle_startendtag(self, tag, attrs):
        is_drawing = any(element.name == "svg" for element in self.current.ancestors())
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            if not is_drawing:
                self.note(f"<{tag}/> closes nothing in HTML")
            self.current = self.current.parent

    def handle_endtag(self, tag):
        if tag in VOID:
            self.note(f"</{tag}> ends an element that has no end")
        elif self.current.name == tag:
            self.current = self.current.parent
        else:
            self.note(f"</{tag}> ends <{self.current.name}>")
            opened = next((element for element in self.current.ancestors() if element.name == tag), None)
            self.current = opened.parent if opened else self.current

    def handle_data(self, data):
        if re.search(r"[<&]", data) and self.current.name not in ("script", "style"):
            self.note(f"unescaped character in {data.strip()[:60]!r}")
        if data.strip() and self.current.name in CHILDREN:
            self.note(f"text directly inside <{self.current.name}>: {data.strip()[:60]!r}")
        self.add(data)

    def add(self, text: str) -> None:
        if self.current.children and isinstance(self.current.children[-1], str):
            self.current.children[-1] += text
        else:
            self.current.children.append(text)

    def handle_entityref(self, name):
        self.add(unescape(f"&{name};"))

    def handle_charref(self, name):
        self.add(unescape(f"&#{name};"))

    def close(self):
        super().close()
        if self.current is not self.document:
            self.note(f"{self.current} is never closed")


def read(html: str) -> tuple[Element, list[str]]:
    """The document and what is wrong with it."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.document, reader.problems


def document(html: str) -> Element:
    return read(html)[0]


def page_at(client: Client, path: str, **query: str) -> Element:
    """A page that is there and faultless."""
    response = client.get(path, query)
    assert response.status_code == 200, (path, query)
    page, problems = read(response.content.decode())
    assert not problems
    return page
