"""A centre as plain text: short lines for a Braille line, label before value, one fact a line."""

import textwrap

from django.conf import settings
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from centres.models import Centre, Network
from sensgene.prose import plain
from sensgene.records import readable_date

WIDTH = 40  # cells of the most common Braille line


def wrapped(text: str) -> list[str]:
    """Lines of at most WIDTH characters; a longer word (an address of a page) is cut, since no line may be longer."""
    if not text.startswith("http"):
        return textwrap.wrap(text, WIDTH, break_long_words=True, break_on_hyphens=True) or [""]
    # An address may break after its slashes, which textwrap does not know: mark them, and take the marks away again.
    lines = textwrap.wrap(text.replace("/", "/ \u200b"), WIDTH, break_long_words=True, break_on_hyphens=True)
    return [line.replace(" \u200b", "").replace("\u200b", "") for line in lines] or [""]


def fact(label: str, value: str) -> list[str]:
    """The label on its own line start, the value after it, or under it where both do not fit."""
    label += pgettext("between a label and its value", ":")
    line = f"{label} {value}"
    return [line] if len(line) <= WIDTH else [*wrapped(label), *wrapped(value)]


def kind(centre: Centre) -> str:
    return f"{centre.get_kind_display()} {_('(to be confirmed)') if centre.kind_to_confirm else ''}".strip()


def label_period(network: Network) -> str:
    """What is known of the label, and that it has ended if it has."""
    if not (network.label_from or network.label_until):
        return ""
    period = _("%(start)s to %(end)s") % {"start": network.label_from or "?", "end": network.label_until or "?"}
    return f"{period}. {_('This period has ended.')}" if network.label_has_ended else period


def text_sheet(centre: Centre) -> str:
    unknown = _("not known to us")
    hospital = centre.hospital
    lines = [*wrapped(centre.name), ""]
    lines += fact(_("Kind"), kind(centre))
    lines += fact(_("Network"), " ".join(filter(None, [centre.network.acronym, centre.network.name])))
    lines += fact(_("Label of the network"), label_period(centre.network) or unknown)
    lines += fact(_("For whom"), centre.get_audience_display() or unknown)
    lines += fact(centre.coordinator_role, str(centre.coordinator or unknown))
    lines.append("")
    for contact in centre.contacts.all():
        lines += fact(contact.get_kind_display(), contact.readable_value)
        if contact.answers:
            lines += wrapped(contact.answers)
    if not centre.contacts.all():
        lines += wrapped(_("We do not know a phone number or e-mail address for this centre yet."))
    if not centre.has_written_contact and hospital.street:
        lines += wrapped(_("You can write to the hospital’s address, with the name of the centre on the envelope."))
    if centre.website:
        lines += fact(_("Website"), centre.website)
        lines += wrapped(centre.website_remark) if centre.website_remark else []
    lines += fact(_("Help and emergency"), settings.SITE_ORIGIN + reverse("help-lines"))
    if centre.referral:
        lines += fact(_("Appointment"), plain(centre.referral).replace("\n", " "))
    lines.append("")
    lines += fact(_("Hospital"), hospital.name or unknown)
    if centre.department:
        lines += fact(_("Department"), centre.department)
    lines += fact(_("Address"), ", ".join(filter(None, [hospital.street, hospital.locality])))
    if centre.address_precision:
        lines += wrapped(centre.get_address_precision_display())
    if centre.access:
        lines += fact(_("Way in"), plain(centre.access).replace("\n", " "))
    if not hospital.street:
        lines += wrapped(_("We do not know the street yet. Ask for it before you travel."))
    lines.append("")
    for question, answer in centre.visit():
        lines += fact(capfirst(str(question)), str(answer or unknown))
    lines.append("")
    lines += fact(_("Cares for"), "" if centre.conditions.all() else unknown)
    for condition in centre.conditions.all():
        lines += wrapped(condition.name)
    lines.append("")
    verified = readable_date(centre.verified_on) if centre.verified_on else _("not yet")
    lines += fact(_("Verified with the centre"), verified)
    lines += fact(_("Last change of this page"), readable_date(centre.updated_at))
    if centre.source_url:
        lines += fact(_("Source"), centre.source_url)
        lines += wrapped(centre.source_remark) if centre.source_remark else []
    lines += fact(_("Page"), settings.SITE_ORIGIN + centre.get_absolute_url())
    return "\n".join(line.rstrip() for line in lines) + "\n"
