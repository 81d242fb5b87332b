"""Names of networks and diseases inside sentences, distances, and links that keep a question."""

from django import template
from django.utils.html import format_html_join
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from centres import words
from centres.answers import Answer
from centres.forms import Asked
from centres.models import Network, TreatedCondition
from centres.reference import Disease, Town
from centres.results import Results
from centres.search_index import Role
from sensgene.languages import OWN_NAMES
from sensgene.templatetags.site import marked, translated

register = template.Library()


@register.simple_tag
def called(network: Network):
    """What people call it, marked with its own language if it falls back."""
    return network.acronym or translated(network, "short_name") or translated(network, "name")


@register.filter
def facts(labels: list):
    """What one source covers, as one text: names of conditions are marked if they fall back."""
    words = (translated(label, "name") if isinstance(label, TreatedCondition) else str(label) for label in labels)
    return format_html_join(", ", "{}", ((word,) for word in words))


@register.simple_tag
def disease_name(disease: Disease | None):
    """Its name in the page's language, or in another one that is marked."""
    if disease is None:
        return ""
    label, language = disease.label_and_language
    return marked(label, language if language != get_language() else None)


@register.filter
def names_by_language(disease: Disease) -> list[tuple[str, str, str, list[str]]]:
    """Code and own name of each language, the disease's name in it, its other names. No German ones: too old."""
    return [
        (code, language, getattr(disease, f"name_{code}"), disease.synonym_list(code) if code != "de" else [])
        for code, language in OWN_NAMES.items()
    ]


@register.simple_tag
def answer_in_words(results: Results) -> str:
    """Which of the three answers it is, with numbers."""
    if results.care is None or results.care.answer == Answer.OUTSIDE:
        return _("No centre of this directory names this disease or has it in its field.")
    named, by_field, by_form = results.named, results.by_field, results.by_form
    parts = []
    if named:
        parts.append(
            ngettext(
                "%(total)d centre names this disease or its group.",
                "%(total)d centres name this disease or its group.",
                named,
            )
            % {"total": named}
        )
    else:
        parts.append(_("No centre names this disease itself."))
    if by_field:
        parts.append(
            ngettext(
                "%(total)d centre belongs to a network whose field it is.",
                "%(total)d centres belong to a network whose field it is.",
                by_field,
            )
            % {"total": by_field}
        )
    if by_form:
        parts.append(
            ngettext("%(total)d centre names a form of it.", "%(total)d centres name a form of it.", by_form)
            % {"total": by_form}
        )
    return " ".join(parts)


@register.filter
def also_called(pair: tuple) -> str:
    """The name or gene by which another disease was found, if its own name does not show it."""
    disease, found = pair
    is_readable = found.role == Role.GENE or found.language == get_language()
    return found.text if is_readable and words.plain(found.text) not in words.plain(disease.label) else ""


@register.simple_tag
def distance(kilometres: float, town: str) -> str:
    """“62 km from Colmar, as the crow flies”."""
    if kilometres < 1:
        return _("Less than 1 km from %(town)s, as the crow flies") % {"town": town}
    return _("%(kilometres)d km from %(town)s, as the crow flies") % {"kilometres": round(kilometres), "town": town}


@register.simple_tag
def near_url(asked: Asked, town: Town, choices: tuple[Town, ...]) -> str:
    """The same question, near this one of several towns: by its label, or by its key where two labels are the same."""
    is_clear = [each.label for each in choices].count(town.label) == 1 and "(" not in town.name
    return asked.but(near=town.label if is_clear else town.pk).url()


@register.simple_tag
def disease_results_url(asked: Asked, disease: Disease) -> str:
    """The same question, for this disease."""
    return asked.but(q=f"ORPHA:{disease.pk}", exact="", answer="", kind="", region="", network="").url()


@register.simple_tag
def result_text(results: Results):
    """The name that a misspelt query was taken for, marked with its language."""
    if results.disease:
        return disease_name(results.disease)
    best = results.directory.best
    return marked(best.text, best.language if best.language not in ("", get_language()) else None)


@register.simple_tag
def understood_words(asked: Asked) -> str:
    """The parts of a sentence as they were understood: “Usher”, near “Colmar”, for a child."""
    return ", ".join(
        filter(
            None,
            [
                _("“%(words)s”") % {"words": asked.q} if asked.q else "",
                _("near “%(near)s”") % {"near": asked.near} if asked.near else "",
                {"children": _("for a child"), "adults": _("for an adult")}.get(asked.age, ""),
            ],
        )
    )
