"""Pages of prose, and the lists that some of them hold. Each reads the snapshot by name (`.public`) and nothing else."""

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from missions.models import (
    AccessibilityAudit,
    Association,
    Body,
    GlossaryTerm,
    HealthChannel,
    HelpLine,
    LegalText,
    Milestone,
    Mission,
    Page,
    Partner,
)
from sensgene.languages import sort_key
from sensgene.navigation import PAGES
from sensgene.records import published_or_gone


def show(request: HttpRequest, template: str, slug: str, **lists) -> HttpResponse:
    """A page's texts, with the records it lists."""
    page = published_or_gone(Page.public.prefetch_related("sections"), slug)
    return render(request, f"missions/{template}.html", {"page": page, **lists})


@require_safe
def page(request, slug):
    return show(request, "page_detail", slug)


@require_safe
def other_page(request, slug):
    """A page that the navigation does not know, under its short name; one that it knows has an address in words."""
    if slug in PAGES:
        return HttpResponsePermanentRedirect(reverse(slug))
    return show(request, "page_detail", slug)


@require_safe
def channel(request):
    return show(request, "channel", "channel", milestones=Milestone.public.all())


@require_safe
def missions(request):
    bodies = [(body.label, Mission.public.of(body)) for body in Body]
    return show(request, "missions", "missions", bodies=bodies)


@require_safe
def health_channels(request):
    return show(request, "health_channel_list", "health-channels", channels=HealthChannel.public.all())


@require_safe
def associations(request):
    return show(request, "association_list", "associations", associations=Association.public.all())


@require_safe
def partners(request):
    return show(request, "partner_list", "partners", partners=Partner.public.all())


@require_safe
def legal_texts(request):
    return show(request, "legal_text_list", "legal-texts", legal_texts=LegalText.public.all())


@require_safe
def help_lines(request):
    return show(request, "help_line_list", "help-lines", help_lines=HelpLine.public.all())


@require_safe
def glossary(request):
    terms = sorted(GlossaryTerm.public.all(), key=lambda term: sort_key(term.term))
    return show(request, "glossary", "glossary", terms=terms)


@require_safe
def accessibility(request):
    return show(request, "accessibility", "accessibility", audit=AccessibilityAudit.public.first())
