"""Texts of this app on pages of another one, and in the chrome."""

from django import template
from django.http import Http404

from missions.models import AccessibilityAudit, Figure, HelpLine, Mission, Page, Partner

register = template.Library()


@register.simple_tag
def page_text(slug: str) -> Page:
    """{% page_text "reference-centres" as page %}: the page's texts, its sections with it."""
    page = Page.public.prefetch_related("sections").filter(slug=slug).first()
    if page is None:
        raise Http404(f"no page {slug!r} is published")
    return page


@register.inclusion_tag("missions/mission_list.html")
def missions_of(body: str) -> dict:
    return {"missions": Mission.public.of(body)}


@register.inclusion_tag("missions/figure_list.html")
def figures(*slugs: str) -> dict:
    return {"figures": Figure.public.filter(slug__in=slugs)}


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
