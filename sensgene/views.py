"""The site's own pages: home, site map, display buttons, what machines read, and what is said when something is wrong."""

import sys
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.sitemaps.views import sitemap as sitemap_view
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from centres import diseases
from centres.forms import SearchForm
from centres.models import Centre, Network, Region
from centres.results import route_lines
from missions.models import Association, HelpLine, Page
from sensgene import languages, navigation, preferences, snapshot, visitors
from sensgene.records import Gone, published_or_gone
from sensgene.sitemaps import SITEMAPS

RETRY_AFTER = "30"
SECURITY_TXT_EXPIRES = datetime(2027, 10, 1, tzinfo=UTC)  # a test fails thirty days before


# --- Pages --------------------------------------------------------------------------------------------------------


@require_safe
def by_language(request: HttpRequest) -> HttpResponse:
    """The bare address: the one page that answers by the browser's language."""
    response = HttpResponseRedirect(languages.home(translation.get_language_from_request(request)))
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


@require_safe
def home(request):
    coordinating = Centre.public.coordinating().with_place_and_people().in_reading_order()
    lists = {"centres": coordinating, "help_lines": HelpLine.public.all(), "routes": navigation.ROUTES}
    return render(request, "site/home.html", {"form": SearchForm(), **lists})


@require_safe
def route(request, slug):
    """A way for people who have no name for it: plain words, then the centres, associations and help lines."""
    page = published_or_gone(Page.public.prefetch_related("sections"), slug)
    centres = Centre.public.with_place_and_people().with_contacts().in_reading_order()
    lists = {"associations": Association.public.all(), "help_lines": HelpLine.public.all()}
    return render(request, "site/route.html", {"page": page, "lines": route_lines(centres, slug), **lists})


@require_safe
def site_map(request):
    return render(
        request,
        "site/site_map.html",
        {
            "routes": navigation.ROUTES,
            "letters": diseases.letters(),
            "regions": list(Region),
            "networks": Network.public.all(),
            "centres": Centre.public.with_place_and_people().in_reading_order(),
            "other_pages": [page for page in Page.public.all() if page.slug not in navigation.PAGES],
        },
    )


@csrf_exempt  # its own check follows; a token would need a cookie on every page
def display(request):
    """The display buttons. A press sets the cookie and leads back; a visit leads to the page that explains them."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("help"))
    if not visitors.is_from_this_site(request):
        return problem(request, 403)
    form = preferences.DisplayForm(request.POST)
    if not form.is_valid():
        return problem(request, 400)
    address = preferences.own_path(form.cleaned_data["next"]) or reverse("home")
    response = HttpResponse(status=303, headers={"Location": f"{address}#{preferences.ANCHOR}"})
    preferences.save(response, form.applied_to(request.preferences))
    return response


@require_safe
def accessibility_redirect(request):
    """The address that French law makes people expect."""
    with translation.override("fr"):
        return HttpResponsePermanentRedirect(reverse("accessibility"))


# --- For machines -------------------------------------------------------------------------------------------------


def text_lines(*lines: str) -> HttpResponse:
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")


_sitemaps: dict[str, bytes] = {}


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Four thousand addresses: written once for each snapshot."""
    identifier = snapshot.open_current()
    if identifier not in _sitemaps:
        content = sitemap_view(request, SITEMAPS).render().content
        _sitemaps.clear()
        _sitemaps[identifier] = content
    headers = {"X-Robots-Tag": "noindex, noodp, noarchive"}
    return HttpResponse(_sitemaps[identifier], content_type="application/xml", headers=headers)


@require_safe
def robots(request):
    return text_lines(
        "User-agent: *",
        f"Disallow: {settings.STAFF_PATH}",
        "Disallow: /n/",  # mailed links; the pages they lead to are linked from nowhere
        "",
        f"Sitemap: {settings.SITE_ORIGIN}{reverse('sitemap')}",
    )


@require_safe
def security_txt(request):
    """RFC 9116. Without an address of the operators' own, it names the page that says whom to write to."""
    with translation.override("en"):
        page = settings.SITE_ORIGIN + reverse("security")
    return text_lines(
        f"Contact: {settings.SECURITY_CONTACT or page}",
        f"Expires: {SECURITY_TXT_EXPIRES:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: fr, en, de",
        f"Canonical: {settings.SITE_ORIGIN}{reverse('security-txt')}",
        f"Policy: {page}",
    )


# --- When something is wrong --------------------------------------------------------------------------------------


def problem(request: HttpRequest, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """A page that needs no database: in three languages, the address's own one first."""
    first = translation.get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
    order = [first, *(code for code in languages.OWN_NAMES if code != first)]
    try:
        body = render_to_string(
            "site/problem.html",
            {"status": status, "languages": order, "homes": {code: languages.home(code) for code in order}},
        )
    except Exception:  # noqa: BLE001  (the last page of all must not fail)
        body = f"<!doctype html><html lang=en><title>{status}</title><h1>{status}</h1>"
    return HttpResponse(body, status=status, headers={"Cache-Control": "no-store", **(headers or {})})


def not_found(request, exception):
    if request.path_info.startswith(settings.STAFF_PATH) or not translation.get_language_from_path(request.path_info):
        response = problem(request, 404)
        del response.headers["Cache-Control"]
        return response
    status = 410 if isinstance(exception, Gone) else 404
    nowhere = {"alternates": [], "language_links": languages.links(request, is_page=False)}
    return render(request, f"site/{status}.html", nowhere, status=status)


def bad_request(request, exception):
    return problem(request, 400)


def forbidden(request, exception):
    return problem(request, 403)


def forgery(request, reason=""):
    return problem(request, 403)


def server_error(request):
    """A database that is away is no mistake of ours: 503, and when to come back."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(request)
    return problem(request, 500)


def unavailable(request: HttpRequest) -> HttpResponse:
    return problem(request, 503, headers={"Retry-After": RETRY_AFTER})
