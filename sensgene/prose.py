"""Editors' plain text → HTML: paragraphs, lists, links, and words of another language. Nothing else, always escaped."""

import re
from collections.abc import Iterator

from django.urls import NoReverseMatch, reverse
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

LIST_ITEM = re.compile(r"^[-–•]\s+")
INLINE = re.compile(
    r"\[(?P<lang>fr|en|de):(?P<foreign>[^\[\]]+)\]"
    r"|\[(?P<words>[^\[\]]+(?:\[(?:fr|en|de):[^\[\]]+\][^\[\]]*)?)\]\((?P<target>(?:https?://|mailto:|page:)[^\s()]+)\)"
)


def page_url(slug: str) -> str | None:
    """The address of a page by its short name; None if no such address can exist."""
    for name, arguments in ((slug, []), ("page", [slug])):
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            continue
    return None


def link(words: SafeString, target: str) -> SafeString:
    if target.startswith("page:"):
        url = page_url(target.removeprefix("page:"))
        return format_html('<a href="{}">{}</a>', url, words) if url else words
    if target.startswith("mailto:"):
        return format_html('<a href="{}">{}</a>', target, words)
    return format_html(
        '<a href="{}" rel="external">{} <span class="leaves" lang="{}">({})</span></a>',
        target,
        words,
        get_language(),
        gettext("another site"),
    )


def inline(text: str) -> SafeString:
    """One line of text: links and words of another language."""
    parts, position = [], 0
    for match in INLINE.finditer(text):
        parts.append(conditional_escape(text[position : match.start()]))
        if match["lang"]:
            parts.append(format_html('<span lang="{}">{}</span>', match["lang"], match["foreign"].strip()))
        else:
            parts.append(link(inline(match["words"]), match["target"]))
        position = match.end()
    parts.append(conditional_escape(text[position:]))
    return mark_safe("".join(parts))  # noqa: S308  (every part is escaped above)


def paragraphs(text: str) -> Iterator[tuple[str, list[str]]]:
    """("text", [one line]) and ("list", its items). A list is a run of lines that begin with “- ”."""
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines, items = [], []
        for line in filter(None, map(str.strip, paragraph.split("\n"))):
            if LIST_ITEM.match(line):
                items.append(LIST_ITEM.sub("", line))
            elif items:
                items[-1] += f" {line}"
            else:
                lines.append(line)
        if lines:
            yield "text", [" ".join(lines)]
        if items:
            yield "list", items


def block(text: str) -> SafeString:
    """Paragraphs and lists. An empty line ends a paragraph."""
    blocks = []
    for kind, lines in paragraphs(text):
        if kind == "list":
            items = format_html_join("", "<li>{}</li>", ((inline(item),) for item in lines))
            blocks.append(format_html("<ul>{}</ul>", items))
        else:
            blocks.append(format_html("<p>{}</p>", inline(lines[0])))
    return mark_safe("\n".join(blocks))  # noqa: S308  (built by format_html)


def words_of(match: re.Match) -> str:
    return (match["foreign"] or match["words"]).strip()


def plain(text: str) -> str:
    """The words alone, for text files and descriptions."""
    return INLINE.sub(words_of, INLINE.sub(words_of, text))


def written_out(text: str, origin: str) -> Iterator[tuple[str, list[str]]]:
    """The same paragraphs without markup, for a text part: each link as its words and, in brackets, its address."""

    def words_and_address(match: re.Match) -> str:
        target = match["target"]
        if not target:
            return words_of(match)
        if target.startswith("page:"):
            path = page_url(target.removeprefix("page:"))
            return f"{plain(match['words'])} ({origin}{path})" if path else plain(match["words"])
        return f"{plain(match['words'])} ({target.removeprefix('mailto:')})"

    for kind, lines in paragraphs(text):
        yield kind, [INLINE.sub(words_and_address, line) for line in lines]
