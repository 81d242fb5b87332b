"""Addresses of the newsletter. The short one in every letter (/n/…) is in sensgene/urls.py: it has no language."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from newsletter import feeds, views

urlpatterns = [
    path(_("newsletter/"), views.newsletter, name="newsletter"),
    path(_("newsletter/feed.xml"), feeds.issues, name="newsletter-feed"),
    path(_("newsletter/subscribe/"), views.subscribe, name="subscribe"),
    path(_("newsletter/subscribe/asked/"), views.asked, {"form": "subscribe"}, name="subscribe-asked"),
    path(_("newsletter/my-page/"), views.own_page, name="own-page"),
    path(_("newsletter/my-page/asked/"), views.asked, {"form": "own-page"}, name="own-page-asked"),
    path(_("newsletter/link/<str:secret>/"), views.own_link, name="own-link"),
    path(_("newsletter/issues/<slug:slug>/"), views.issue, name="issue"),
]
