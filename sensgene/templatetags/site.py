"""Tags for every app's templates: translated fields with their own `lang`, prose, dates, links that leave."""

from django import template
from django.conf import settings
from django.db import models
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sensgene import prose as prose_text
from sensgene import publication
from sensgene.records import readable_date

register = template.Library()


def in_reading_language(record: models.Model, field: str) -> tuple[str, str | None]:
    """The text, and its language if that is not the page's: the page's language, else French, else any other."""
    active = translation.get_language()
    for code in dict.fromkeys([active, settings.LANGUAGE_CODE, *dict(settings.LANGUAGES)]):
        if text := getattr(record, f"{field}_{code}"):
            return text, None if code == active else code
    return "", None


def marked(text: SafeString | str, code: str | None) -> SafeString | str:
    return format_html('<span lang="{}">{}</span>', code, text) if code else text


@register.simple_tag
def translated(record: models.Model, field: str):
    """{% translated centre "name" %}: marked with its own language if it falls back."""
    return marked(*in_reading_language(record, field))


@register.simple_tag
def prose(record: models.Model, field: str):
    """{% prose section "body" %}: paragraphs and lists, marked with their own language if they fall back."""
    text, code = in_reading_language(record, field)
    html = prose_text.block(text)
    return format_html('<div lang="{}">{}</div>', code, html) if code and html else html


@register.filter
def french(text: str):
    """A proper name or an address that exists in French only: marked as French on the other pages."""
    return marked(text, "fr") if text and translation.get_language() != "fr" else text


@register.filter
def plain(text: str) -> str:
    return prose_text.plain(text)


@register.filter
def day(value) -> str:
    """A date, or a partial one, in the page's language."""
    return readable_date(value)


@register.inclusion_tag("components/source.html")
def source(record, label: str = "") -> dict:
    """Where a fact was found, how old that page is, when it was last verified."""
    return {"record": record, "label": label}


@register.simple_tag
def last_refusal() -> str:
    """Why what staff saved is not public yet; empty if it is, or soon will be."""
    return publication.last_refusal()


@register.inclusion_tag("components/external_link.html")
def external_link(url: str, words: str, lang: str = "") -> dict:
    """A link that says that it leaves the site."""
    return {"url": url, "words": words, "lang": lang if lang != translation.get_language() else ""}
