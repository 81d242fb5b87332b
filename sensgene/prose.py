"""Editors' plain text → HTML: paragraphs, lists, links, and words of another language. Nothing else, always escaped."""

import re

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


def block(text: str) -> SafeString:
    """Paragraphs and lists. A list is a run of lines that begin with “- ”; an empty line ends a paragraph."""
    blocks = []
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
            blocks.append(format_html("<p>{}</p>", inline(" ".join(lines))))
        if items:
            blocks.append(
                format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((inline(item),) for item in items)))
            )
    return mark_safe("\n".join(blocks))  # noqa: S308  (built by format_html)


def plain(text: str) -> str:
    """The words alone, for text files and descriptions."""
    text = INLINE.sub(lambda match: (match["foreign"] or match["words"]).strip(), text)
    return INLINE.sub(lambda match: (match["foreign"] or match["words"]).strip(), text)
