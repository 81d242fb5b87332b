"""Names of networks inside sentences."""

from django import template
from django.utils.html import format_html_join

from centres.models import Network, TreatedCondition
from sensgene.templatetags.site import translated

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
