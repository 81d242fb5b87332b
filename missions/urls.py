"""Addresses of the texts. Each name is the short name of the page in the working database."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from missions import views

urlpatterns = [
    path(_("the-channel/"), views.channel, name="channel"),
    path(_("missions/"), views.missions, name="missions"),
    path(_("two-levels-of-care/"), views.page, {"slug": "levels-of-care"}, name="levels-of-care"),
    path(_("health-channels/"), views.health_channels, name="health-channels"),
    path(_("partners/"), views.partners, name="partners"),
    path(_("legal-texts/"), views.legal_texts, name="legal-texts"),
    path(_("no-diagnosis/"), views.page, {"slug": "no-diagnosis"}, name="no-diagnosis"),
    path(_("how-to-be-referred/"), views.page, {"slug": "referral"}, name="referral"),
    path(_("help-lines/"), views.help_lines, name="help-lines"),
    path(_("associations/"), views.associations, name="associations"),
    path(_("glossary/"), views.glossary, name="glossary"),
    path(_("help/"), views.page, {"slug": "help"}, name="help"),
    path(_("accessibility/"), views.accessibility, name="accessibility"),
    path(_("legal-notice/"), views.page, {"slug": "legal-notice"}, name="legal-notice"),
    path(_("privacy/"), views.page, {"slug": "privacy"}, name="privacy"),
    path(_("sources/"), views.page, {"slug": "sources"}, name="sources"),
    path(_("security/"), views.page, {"slug": "security"}, name="security"),
    path(_("pages/<slug:slug>/"), views.other_page, name="page"),
]
