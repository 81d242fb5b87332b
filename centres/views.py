"""Pages of the centres. Each reads the snapshot by name (`.public`) and nothing else."""

from itertools import groupby

from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from centres import answers, diseases, gazetteer, map
from centres.forms import Asked, SearchForm, SuggestForm, understood
from centres.models import Centre, Network, Region
from centres.reference import Disease, DiseaseStatus, FormerCode
from centres.results import Line, Results, answering, numbered, results
from centres.search import MOST_CHARACTERS
from centres.sheets import text_sheet
from centres.suggestions import suggestions
from sensgene.records import Gone, published_or_gone

# What somebody looks for is their own business: no shared cache writes it to a disk.
ASKED_IN_PRIVATE = "private, max-age=60"
NEAREST = 3  # centres shown for a region that has none


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


def drawing(centres: list[Centre], region: str = "", points: dict | None = None) -> dict:
    """What the map of these centres needs, numbered as they stand."""
    points = points or gazetteer.points(centre.hospital for centre in centres)
    return {"map_regions": map.regions(centres, chosen=region), "map_points": map.points(centres, points)}


@require_safe
def where(request):
    regions = by_region(Centre.public.with_place_and_people())
    in_order = [centre for _code, _label, centres in regions for centre in centres]
    numbered, first = [], 1
    for code, label, centres in regions:
        numbered.append((Region(code), label, centres, first))
        first += len(centres)
    return render(
        request, "centres/centre_places.html", {"regions": numbered, "centres": in_order, **drawing(in_order)}
    )


@require_safe
def region(request, slug):
    """The centres of one region; where there is none, the nearest ones from its largest town."""
    shown = next((region for region in Region if region.slug == slug), None)
    if shown is None:
        raise Http404(f"no region {slug!r}")
    centres = list(Centre.public.with_place_and_people().with_contacts().in_reading_order())
    here = [centre for centre in centres if centre.hospital.region == shown]
    town = gazetteer.largest_town_of(shown.french)
    lines = numbered([Line(centre) for centre in here])
    nearest = results(Asked(near=town.pk)).lines[:NEAREST] if town and not here else []
    drawn = drawing([line.centre for line in lines or nearest], shown)
    context = {"region": shown, "lines": lines, "nearest": nearest, "town": town, **drawn}
    return render(request, "centres/region_detail.html", context)


@require_safe
def search(request):
    form = SearchForm(request.GET)
    if not form.is_valid():
        return render(request, "centres/search.html", {"form": form}, status=400)
    page = results(understood(form.asked()))
    is_beyond = page.asked.page > page.pages
    if is_beyond:  # the list has become shorter since the address was kept
        page = results(page.asked.but())
    # A code that a link asked for is shown by its name.
    is_code = page.disease is not None and page.asked.q == f"ORPHA:{page.disease.pk}"
    q = page.disease.label[:MOST_CHARACTERS] if is_code else page.asked.q
    shown = SearchForm({"q": q, "near": page.asked.near, "age": page.asked.age})
    is_understood = (page.asked.q, page.asked.near, page.asked.age) != form.words()
    context = {
        "form": shown,
        "asked": page.asked,
        "results": page,
        "is_understood": is_understood,
        "is_beyond": is_beyond,
    }
    drawn = drawing([line.centre for line in page.lines], points=page.points)
    response = render(request, "centres/search.html", {**context, **drawn}, status=404 if is_beyond else 200)
    if not page.asked.is_empty:
        response.headers["Cache-Control"] = ASKED_IN_PRIVATE
    return response


@require_safe
def suggest(request):
    """What the search box offers while somebody types. The address is fixed: scripts and other sites rely on it."""
    form = SuggestForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"query": "", "results": [], "errors": form.errors.get_json_data()}, status=400)
    query = form.cleaned_data["q"]
    with translation.override(form.cleaned_data["lang"]):
        found = suggestions(query)
    response = JsonResponse({"query": query, "results": [each.as_json() for each in found]})
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = ASKED_IN_PRIVATE
    return response


@require_safe
def disease_index(request):
    return render(
        request,
        "centres/disease_index.html",
        {"form": SearchForm(), "letters": diseases.letters(), "groups": diseases.main_groups()},
    )


@require_safe
def disease_letter(request, letter):
    letters = diseases.letters()
    if letter not in letters:
        raise Http404(f"no disease begins with {letter!r}")
    found = diseases.beginning_with(letter)
    return render(request, "centres/disease_letter.html", {"letter": letter, "diseases": found, "letters": letters})


@require_safe
def disease(request, code):
    shown = Disease.public.filter(pk=code).first()
    if shown is None or shown.status == DiseaseStatus.WITHDRAWN:
        return moved_or_gone(code, was_listed=shown is not None)
    if request.path != shown.get_absolute_url():  # 0886
        return HttpResponsePermanentRedirect(shown.get_absolute_url())
    care = answers.care_of(shown)
    centres = Centre.public.with_place_and_people().with_contacts().in_reading_order()
    lines = numbered(sorted(answering(centres, care), key=lambda line: line.reason.rank))
    asked = Asked(q=f"ORPHA:{shown.pk}")
    page = Results(asked, disease=shown, care=care, lines=lines)
    context = {
        "disease": shown,
        "results": page,
        "form": SearchForm(),
        "family": diseases.family(shown),
    }
    return render(request, "centres/disease_detail.html", context)


def moved_or_gone(code: int, *, was_listed: bool) -> HttpResponse:
    """A code that Orphanet gave up leads to what took its place. Raises Gone, or Http404 if it never was one."""
    if former := FormerCode.public.filter(pk=code).first():
        return HttpResponsePermanentRedirect(reverse("disease", args=[former.disease_id]))
    if was_listed:
        raise Gone(f"ORPHA:{code} is no longer listed")
    raise Http404(f"no ORPHA:{code}")


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
