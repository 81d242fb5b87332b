"""Size and contrast as a visitor chose them: one cookie, set only after a press on a display button."""

import re
from dataclasses import dataclass, replace

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext_lazy as _

# Below 100 because people with a narrow field of view see more of a smaller text.
ZOOMS = (80, 90, 100, 125, 150, 175, 200, 250, 300)
AUTO = "auto"  # nothing chosen: the operating system's wish, if it has one, else the standard look
CONTRASTS = {
    "standard": _("Standard contrast"),
    "black": _("Black contrast"),
    "blue": _("Blue contrast"),
    "white": _("White contrast"),
}
COOKIE_VALUE = re.compile(r"(\d{2,3})-([a-z]{4,8})", re.ASCII)
COOKIE_AGE = 365 * 24 * 60 * 60
ANCHOR = "display"  # where the page answers a press on a button


@dataclass(frozen=True)
class Preferences:
    zoom: int = 100
    contrast: str = AUTO

    @property
    def is_smallest(self) -> bool:
        return self.zoom == ZOOMS[0]

    @property
    def is_largest(self) -> bool:
        return self.zoom == ZOOMS[-1]

    @property
    def contrast_in_words(self) -> str:
        return CONTRASTS.get(self.contrast, _("contrast of your device"))

    def zoomed(self, step: str) -> "Preferences":
        """One step in or out, staying within the range."""
        position = ZOOMS.index(self.zoom) + {"in": 1, "out": -1}[step]
        return replace(self, zoom=ZOOMS[min(max(position, 0), len(ZOOMS) - 1)])

    def as_cookie(self) -> str:
        return f"{self.zoom}-{self.contrast}"


def from_request(request: HttpRequest) -> Preferences:
    """What the cookie says; anything that we did not write counts as no cookie."""
    match = COOKIE_VALUE.fullmatch(request.COOKIES.get(settings.PREFERENCES_COOKIE_NAME, ""))
    if match and int(match[1]) in ZOOMS and match[2] in (AUTO, *CONTRASTS):
        return Preferences(int(match[1]), match[2])
    return Preferences()


def save(response: HttpResponse, preferences: Preferences) -> None:
    response.set_cookie(
        settings.PREFERENCES_COOKIE_NAME,
        preferences.as_cookie(),
        max_age=COOKIE_AGE,
        secure=settings.IS_SECURE,
        httponly=True,
        samesite="Lax",
    )


class DisplayForm(forms.Form):
    """One press on one button: a step of the zoom, or a contrast."""

    zoom = forms.ChoiceField(choices=[("in", ""), ("out", ""), ("reset", "")], required=False)
    contrast = forms.ChoiceField(choices=CONTRASTS.items(), required=False)
    next = forms.CharField(max_length=4000, required=False, strip=False)

    def clean(self):
        cleaned = super().clean()
        if not self.errors and not (cleaned.get("zoom") or cleaned.get("contrast")):
            raise forms.ValidationError(_("No display choice was made."))
        return cleaned

    def applied_to(self, preferences: Preferences) -> Preferences:
        """The preferences after this press; a reset forgets size and contrast."""
        zoom = self.cleaned_data["zoom"]
        if zoom == "reset":
            return Preferences()
        if zoom:
            preferences = preferences.zoomed(zoom)
        if contrast := self.cleaned_data["contrast"]:
            preferences = replace(preferences, contrast=contrast)
        return preferences


def own_path(address: str) -> str | None:
    """The address if it is a path of this site, with its query; None for anything else (another site, a trick)."""
    path, question_mark, query = address.partition("?")
    if not re.fullmatch(r"/[^/\\][^\\]*|/", path) or re.search(r"[\x00-\x20\x7f#]", address):
        return None
    try:
        resolve(path)
    except Resolver404:
        return None
    return iri_to_uri(path + question_mark + query)
