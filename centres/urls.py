"""Addresses of the centres: lists, then one page per network and per centre."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from centres import views

urlpatterns = [
    path(_("reference-centres/"), views.reference_centres, name="reference-centres"),
    path(_("competence-centres/"), views.competence_centres, name="competence-centres"),
    path(_("where/"), views.where, name="where"),
    path(_("contact-the-centres/"), views.contact, name="contact"),
    path(_("networks/<slug:slug>/"), views.network, name="network"),
    path(_("centres/<slug:slug>/"), views.centre, name="centre"),
    path(_("centres/<slug:slug>.txt"), views.centre_text, name="centre-text"),
]
