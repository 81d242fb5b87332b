"""What every template may use: the chrome's facts. No query is made here."""

from django.conf import settings
from django.http import HttpRequest

from sensgene import languages, navigation, preferences


def site(request: HttpRequest) -> dict:
    if request.path_info.startswith(settings.STAFF_PATH):
        return {}
    url_name = request.resolver_match.url_name if request.resolver_match else None
    return {
        "site_origin": settings.SITE_ORIGIN,
        "preferences": getattr(request, "preferences", preferences.Preferences()),
        "has_preferences_cookie": settings.PREFERENCES_COOKIE_NAME in request.COOKIES,
        "contrasts": preferences.CONTRASTS,
        "language_links": languages.links(request),
        "alternates": languages.alternates(request),
        "canonical": settings.SITE_ORIGIN + request.path,
        "home": navigation.HOME,
        "menu": navigation.MENU,
        "menu_entry": navigation.menu_entry(url_name),
        "menu_section": navigation.section_of(url_name),
        "foot": navigation.FOOT,
        "accessibility": navigation.ACCESSIBILITY,
    }
