"""The table of contents: addresses for machines first, then the pages, the same in three languages."""

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language

from centres.views import suggest
from newsletter.views import mailed_link
from sensgene import health, views

handler400 = "sensgene.views.bad_request"
handler403 = "sensgene.views.forbidden"
handler404 = "sensgene.views.not_found"
handler500 = "sensgene.views.server_error"

staff = settings.STAFF_PATH.strip("/")

urlpatterns = [
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    path(".well-known/security.txt", views.security_txt, name="security-txt"),
    path("api/suggest", suggest, name="suggest"),
    path("n/<str:secret>", mailed_link, name="mailed-link"),
    path(f"{staff}/language/", set_language, name="staff-language"),
    path(f"{staff}/", admin.site.urls),
    path("accessibilite", views.accessibility_redirect),
    path("accessibilite/", views.accessibility_redirect),
    path("", views.by_language, name="by-language"),
]

urlpatterns += i18n_patterns(
    path("", views.home, name="home"),
    path(_("display/"), views.display, name="display"),
    path(_("site-map/"), views.site_map, name="site-map"),
    path(_("a-child/"), views.route, {"slug": "child"}, name="child"),
    path(_("sight/"), views.route, {"slug": "eye"}, name="eye"),
    path(_("hearing/"), views.route, {"slug": "ear"}, name="ear"),
    path(_("sight-and-hearing/"), views.route, {"slug": "eye-and-ear"}, name="eye-and-ear"),
    path("", include("centres.urls")),
    path("", include("missions.urls")),
    path("", include("newsletter.urls")),
)
