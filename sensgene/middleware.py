"""What holds for every request, whatever the page: what is refused, which headers leave, which snapshot is read."""

import logging
import re
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from sensgene import health, history, preferences, snapshot, views
from sensgene.logs import CONTROL_CHARACTERS

log = logging.getLogger("sensgene.staff")

CONTROL_BYTES = re.compile(rb"[\x00-\x1f\x7f]")
CONTROLS_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # tab and line ends are text
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
METHODS = ("GET", "HEAD", "POST")

PROBES = {"/health/live": health.live, "/health/ready": health.ready}


class GuardMiddleware:
    """Answers the probes, and refuses what no browser sends: other methods, control characters."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Before the host is checked: probes arrive by bare address.
        if probe := PROBES.get(request.path_info):
            return probe(request)
        if request.method not in METHODS:
            return views.problem(request, 405, headers={"Allow": ", ".join(METHODS)})
        if self.has_control_characters(request):
            return views.problem(request, 400)
        if not request.path_info.startswith(settings.STAFF_PATH):
            self.forget_staff_cookies(request)
        return self.get_response(request)

    @staticmethod
    def forget_staff_cookies(request: HttpRequest) -> None:
        """Public pages know one cookie. A staff cookie would make the session ask the working database."""
        name = settings.PREFERENCES_COOKIE_NAME
        request.is_from_staff = settings.SESSION_COOKIE_NAME in request.COOKIES
        request.COOKIES = {name: request.COOKIES[name]} if name in request.COOKIES else {}

    @staticmethod
    def has_control_characters(request: HttpRequest) -> bool:
        if CONTROL_CHARACTERS.search(request.path_info):
            return True
        if CONTROL_BYTES.search(unquote_to_bytes(request.META.get("QUERY_STRING", ""))):
            return True
        if any(CONTROL_CHARACTERS.search(name + value) for name, value in request.COOKIES.items()):
            return True
        if request.method == "POST" and request.content_type in FORMS:
            return any(
                CONTROLS_IN_TEXT.search(text) for name, values in request.POST.lists() for text in (name, *values)
            )
        return False


def policy(directives: dict[str, list[str]]) -> str:
    return "; ".join(" ".join([name, *sources]) for name, sources in directives.items())


# Every feature that browsers name; none is used.
PERMISSIONS = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media"),
    *("fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "keyboard-map", "local-fonts"),
    *("magnetometer", "microphone", "midi", "otp-credentials", "payment", "picture-in-picture"),
    *("publickey-credentials-get", "screen-wake-lock", "serial", "storage-access", "sync-xhr", "usb"),
    *("window-management", "xr-spatial-tracking"),
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in PERMISSIONS),
}
SHARED_CACHE = "public, max-age=60, s-maxage=300, stale-while-revalidate=60, stale-if-error=86400"


class HeadersMiddleware:
    """One set of headers for each class of page: static file, staff, machine, public, error."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        if request.path_info.startswith(settings.STATIC_URL):
            response.headers["Content-Security-Policy"] = "default-src 'none'"
        elif request.path_info.startswith(settings.STAFF_PATH):
            # A letter that is shown as it arrives has a stricter one of its own.
            response.headers.setdefault("Content-Security-Policy", policy(settings.STAFF_CSP))
            response.headers["Cache-Control"] = "no-store, private"
        else:
            response.headers["Content-Security-Policy"] = policy(settings.SECURE_CSP)
            response.headers.setdefault("Cache-Control", self.cache_control(request, response))
        return response

    @staticmethod
    def cache_control(request: HttpRequest, response: HttpResponse) -> str:
        if request.method not in ("GET", "HEAD") or response.status_code >= 500 or response.status_code in (400, 403):
            return "no-store"
        if response.status_code in (301, 302) and "Accept-Language" in response.headers.get("Vary", ""):
            return "private, max-age=60"  # an address without a language: the next visitor may be sent elsewhere
        if response.status_code in (404, 410):
            return "public, max-age=60"
        return SHARED_CACHE


class OneChangeMiddleware:
    """What one press of a button in the admin saves is one change of the history, by whoever pressed it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not request.path_info.startswith(settings.STAFF_PATH):
            return self.get_response(request)
        with history.one_change(by=request.user):
            return self.get_response(request)


class StaffInputMiddleware:
    """Values that no form of the admin sends (?id__in=a, a number of thirty digits) are the sender's mistake: 400."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not request.path_info.startswith(settings.STAFF_PATH):
            return None
        if not isinstance(error, ValueError | OverflowError | DataError | ValidationError):
            return None
        log.exception("refused a value at %s", request.path)
        return views.problem(request, 400)


class PublicPageMiddleware:
    """Gives a public page its two inputs besides the address: the snapshot and the display preferences.

    It reads nothing else: no session, no user, no working database.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.preferences = preferences.from_request(request)
        if request.path_info.startswith((settings.STAFF_PATH, settings.STATIC_URL)):
            return self.get_response(request)
        request.snapshot = snapshot.open_current()
        response = self.get_response(request)
        response.headers["X-Snapshot"] = request.snapshot
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Cookie"])
            if response.status_code in (200, 404, 410):
                self.keep_private(request, response)
        return response

    @staticmethod
    def keep_private(request: HttpRequest, response: HttpResponse) -> None:
        """A page that depends on a cookie is nobody else's; an editor sees their edit at the next look."""
        if request.is_from_staff:
            response.headers.setdefault("Cache-Control", "private, no-cache")
        elif settings.PREFERENCES_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", "private, max-age=60")
