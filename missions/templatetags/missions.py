"""Texts of this app on pages of another one, and in the chrome."""

from django import template
from django.http import Http404

from missions.models import AccessibilityAudit, Figure, HealthChannel, HelpLine, Mission, Page, Partner

register = template.Library()


@register.simple_tag(takes_context=True)
def page_text(context, slug: str) -> Page:
    """{% page_text "reference-centres" as page %}: the page's texts, its sections with it. Asked for once a request."""
    request = context["request"]
    known = request.__dict__.setdefault("page_texts", {})
    if slug not in known:
        known[slug] = Page.public.prefetch_related("sections").filter(slug=slug).first()
    if known[slug] is None:
        raise Http404(f"no page {slug!r} is published")
    return known[slug]


@register.inclusion_tag("missions/mission_list.html")
def missions_of(body: str) -> dict:
    return {"missions": Mission.public.of(body)}


@register.inclusion_tag("missions/figure_list.html")
def figures(*slugs: str) -> dict:
    return {"figures": Figure.public.filter(slug__in=slugs)}


@register.inclusion_tag("missions/channel_names.html")
def channel_names() -> dict:
    return {"channels": HealthChannel.public.all()}


@register.inclusion_tag("missions/partner_foot.html")
def partner_foot() -> dict:
    return {"partners": Partner.public.filter(on_every_page=True)}


@register.inclusion_tag("missions/help_foot.html")
def help_foot() -> dict:
    return {"help_lines": HelpLine.public.filter(on_every_page=True)}


@register.simple_tag
def accessibility_state() -> str:
    """The words that the law wants on the home page; without a valid audit they say so."""
    audit = AccessibilityAudit.public.first()
    return (audit or AccessibilityAudit()).get_result_display()
