"""Pages of the centres. Each reads the snapshot by name (`.public`) and nothing else."""

from itertools import groupby

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from centres import map
from centres.models import Centre, Network, Region
from centres.sheets import text_sheet
from sensgene.records import published_or_gone


def by_region(centres) -> list[tuple[str, str, list[Centre]]]:
    """The centres under the code and the name of their region, regions in the order of `Region`, towns in alphabetical order."""
    position = {code: place for place, code in enumerate(Region.values)}
    ordered = sorted(centres, key=lambda centre: (position[centre.hospital.region], centre.hospital.town, centre.slug))
    return [
        (code, Region(code).label, list(group)) for code, group in groupby(ordered, key=lambda c: c.hospital.region)
    ]


@require_safe
def reference_centres(request):
    centres = Centre.public.reference().with_place_and_people().in_reading_order()
    networks = [(network, list(group)) for network, group in groupby(centres, key=lambda centre: centre.network)]
    return render(request, "centres/reference_centre_list.html", {"networks": networks})


@require_safe
def competence_centres(request):
    regions = by_region(Centre.public.competence().with_place_and_people())
    return render(request, "centres/competence_centre_list.html", {"regions": regions})


@require_safe
def where(request):
    regions = by_region(Centre.public.with_place_and_people())
    in_order = [centre for _code, _label, centres in regions for centre in centres]
    numbered, first = [], 1
    for code, label, centres in regions:
        numbered.append((code, label, centres, first))
        first += len(centres)
    drawing = {"map_regions": map.regions(in_order), "map_points": map.points(in_order)}
    return render(request, "centres/centre_places.html", {"regions": numbered, "centres": in_order, **drawing})


@require_safe
def contact(request):
    centres = Centre.public.with_place_and_people().with_contacts().in_reading_order()
    return render(request, "centres/centre_contacts.html", {"centres": centres})


@require_safe
def network(request, slug):
    shown = published_or_gone(Network.public.prefetch_related("conditions"), slug)
    centres = Centre.public.for_network(shown).with_place_and_people().in_reading_order()
    return render(request, "centres/network_detail.html", {"network": shown, "centres": centres})


@require_safe
def centre(request, slug):
    return render(request, "centres/centre_detail.html", {"centre": published_or_gone(Centre.public.with_all(), slug)})


@require_safe
def centre_text(request, slug):
    """The centre as plain text in lines of at most forty characters: a Braille line, an e-mail, a printer."""
    sheet = text_sheet(published_or_gone(Centre.public.with_all(), slug))
    return HttpResponse(sheet, content_type="text/plain; charset=utf-8")
