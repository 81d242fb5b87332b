"""Addresses of the centres: lists, the search, diseases, then one page per network and per centre."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from centres import views

urlpatterns = [
    path(_("reference-centres/"), views.reference_centres, name="reference-centres"),
    path(_("competence-centres/"), views.competence_centres, name="competence-centres"),
    path(_("where/"), views.where, name="where"),
    path(_("where/<slug:slug>/"), views.region, name="region"),
    path(_("search/"), views.search, name="search"),
    path(_("diseases/"), views.disease_index, name="diseases"),
    path(_("diseases/letter/<slug:letter>/"), views.disease_letter, name="disease-letter"),
    path(_("diseases/<int:code>/"), views.disease, name="disease"),
    path(_("contact-the-centres/"), views.contact, name="contact"),
    path(_("networks/<slug:slug>/"), views.network, name="network"),
    path(_("centres/<slug:slug>/"), views.centre, name="centre"),
    path(_("centres/<slug:slug>.txt"), views.centre_text, name="centre-text"),
]
